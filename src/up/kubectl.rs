//! The kubectl commands for a cluster.

use std::fmt::Write as _;

use serde_json::json;

use crate::finding::ObjectRef;
use crate::object::Object;
use crate::programs::{CommandLine, ProgramOutput, Programs, RunError};
use crate::status::Record;
use crate::yaml;

/// The field manager of applied objects.
pub const FIELD_MANAGER: &str = "plimsoll";

/// kubectl for a cluster.
#[derive(Debug, Clone)]
pub struct Kubectl<'p> {
    /// Runs the commands.
    pub programs: &'p Programs,
    /// The context of the kubeconfig; if `None`, the current one.
    pub context: Option<String>,
}

/// The kinds of objects in a record.
const KINDS: &[&str] = &[
    "deployments.apps",
    "replicasets.apps",
    "statefulsets.apps",
    "daemonsets.apps",
    "jobs.batch",
    "cronjobs.batch",
    "pods",
    "services",
    "persistentvolumeclaims",
    "configmaps",
    "resourcequotas",
    "limitranges",
    "horizontalpodautoscalers.autoscaling",
    "ingresses.networking.k8s.io",
];

/// The number of lines fetched of a log.
const LOG_LINES: &str = "--tail=20";

/// The number of bytes fetched of a log.
const LOG_BYTES: &str = "--limit-bytes=16384";

impl Kubectl<'_> {
    /// A command line of kubectl.
    #[must_use]
    pub fn line<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> CommandLine {
        let mut line = CommandLine::new("kubectl", []);
        if let Some(context) = &self.context {
            line.args.push(format!("--context={context}"));
        }
        line.args.extend(args.into_iter().map(str::to_owned));
        line
    }

    /// Runs kubectl and returns its output.
    ///
    /// # Errors
    /// If kubectl cannot be run or fails.
    pub fn run<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Result<String, RunError> {
        self.programs.run(&self.line(args))
    }

    /// The contexts of the kubeconfig.
    ///
    /// # Errors
    /// If kubectl cannot be run or fails.
    pub fn contexts(&self) -> Result<Vec<String>, RunError> {
        let names = self.programs.run(&CommandLine::new("kubectl", ["config", "get-contexts", "--output=name"]))?;
        Ok(names.lines().map(str::to_owned).collect())
    }

    /// Returns an object, if it exists.
    ///
    /// # Errors
    /// If kubectl cannot be run or fails.
    pub fn get(&self, kind: &str, name: &str, namespace: &str) -> Result<Option<Object>, RunError> {
        let mut args = vec!["get", kind, name, "--ignore-not-found", "--output=json"];
        let namespace = format!("--namespace={namespace}");
        if namespace.len() > "--namespace=".len() {
            args.push(&namespace);
        }
        let text = self.run(args)?;
        Ok(yaml::read_json(&text).ok().filter(|node| node["kind"].is_set()).map(Object::new))
    }

    /// Applies objects server-side. kubectl continues after an error and prints which objects were applied.
    ///
    /// # Errors
    /// If kubectl cannot be run. A failure of kubectl is not an error.
    pub fn apply(&self, objects: &[&Object], force: bool) -> Result<ProgramOutput, RunError> {
        let manager = format!("--field-manager={FIELD_MANAGER}");
        let mut args = vec!["apply", "--server-side", &manager];
        if force {
            args.push("--force-conflicts");
        }
        args.extend(["--filename", "-"]);
        let manifests = yaml::emit_stream(objects.iter().map(|object| &object.node));
        self.programs.finish(&self.line(args).with_input(manifests))
    }

    /// Deletes objects by name and ignores those that do not exist.
    ///
    /// # Errors
    /// If kubectl cannot be run or fails.
    pub fn delete(&self, objects: &[ObjectRef], wait: bool) -> Result<String, RunError> {
        let wait = format!("--wait={wait}");
        let args = ["delete", "--ignore-not-found", &wait, "--filename", "-"];
        self.programs.run(&self.line(args).with_input(name_manifests(objects)))
    }

    /// Records the state of a namespace: objects, events, and the logs of containers that are not ready.
    ///
    /// # Errors
    /// If kubectl cannot be run or fails.
    pub fn record(&self, namespace: &str) -> Result<Record, RunError> {
        let mut record = Record { at: now(), ..Record::default() };
        let in_namespace = format!("--namespace={namespace}");
        let kinds = KINDS.join(",");
        self.add(&mut record, &["get", &kinds, &in_namespace, "--ignore-not-found", "--output=json"])?;
        self.add(&mut record, &["get", "events", &in_namespace, "--ignore-not-found", "--output=json"])?;
        self.add(&mut record, &["get", "namespace", namespace, "--ignore-not-found", "--output=json"])?;
        self.logs(&mut record)?;
        Ok(record)
    }

    fn add(&self, record: &mut Record, args: &[&str]) -> Result<(), RunError> {
        let line = self.line(args.iter().copied());
        let finished = self.programs.finish(&line)?;
        // If the user may not list some of the kinds, kubectl prints the others and fails.
        let list = yaml::read_json(&finished.stdout);
        match list {
            Ok(list) if list["items"].is_set() => record.add(&list),
            Ok(object) if object["kind"].is_set() => record.objects.push(Object::new(object)),
            _ if !finished.is_success() => return Err(RunError::Failed(line.to_string(), finished)),
            _ => {}
        }
        Ok(())
    }

    /// Adds the last log lines of containers that are not ready.
    ///
    /// # Errors
    /// If kubectl cannot be run.
    pub fn logs(&self, record: &mut Record) -> Result<(), RunError> {
        for (pod, namespace, container, previous) in containers_to_log(record) {
            let in_namespace = format!("--namespace={namespace}");
            let mut args = vec!["logs", &pod, &in_namespace, "--container", &container, LOG_LINES, LOG_BYTES];
            let mut name = format!("{pod}/{container}");
            if previous {
                args.push("--previous");
                name.push_str("/previous");
            }
            let finished = self.programs.finish(&self.line(args))?;
            if finished.is_success() {
                record.logs.insert(name, finished.stdout);
            }
        }
        Ok(())
    }
}

/// The containers with relevant logs, as pod, namespace, container and whether the log of the previous run is needed.
fn containers_to_log(record: &Record) -> Vec<(String, String, String, bool)> {
    /// All pods of a failing workload usually log the same error.
    const MAX_PODS: usize = 12;
    let mut containers = Vec::new();
    let mut pods = 0;
    for pod in record.objects.iter().filter(|object| object.kind() == "Pod") {
        let status = &pod.node["status"];
        let before = containers.len();
        let runs_to_completion = pod.node["spec"]["restartPolicy"].text() != "Always";
        for container in status["initContainerStatuses"].items().iter().chain(status["containerStatuses"].items()) {
            let (state, last) = (&container["state"], &container["lastState"]["terminated"]);
            let terminated = &state["terminated"];
            let is_working = state["running"].is_set() && runs_to_completion;
            let is_healthy =
                container["ready"].as_bool() == Some(true) && (terminated.is_set() || last.is_null()) && !is_working;
            let is_complete = terminated.is_set() && terminated["exitCode"].as_i64() == Some(0) && last.is_null();
            if is_healthy || is_complete {
                continue;
            }
            let entry = |previous| {
                let name = container["name"].text().to_owned();
                (pod.name().to_owned(), pod.namespace().to_owned(), name, previous)
            };
            if state["running"].is_set() || terminated.is_set() {
                containers.push(entry(false));
            }
            if last.is_set() {
                containers.push(entry(true));
            }
        }
        pods += usize::from(containers.len() > before);
        if pods == MAX_PODS {
            break;
        }
    }
    containers
}

/// The current time in seconds since 1970.
#[must_use]
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Manifests that only contain names, for `kubectl delete`.
#[must_use]
pub fn name_manifests(objects: &[ObjectRef]) -> String {
    let mut out = String::new();
    for id in objects {
        let mut metadata = json!({"name": id.name});
        if !id.namespace.is_empty() {
            metadata["namespace"] = id.namespace.as_str().into();
        }
        let object = json!({"apiVersion": id.api_version, "kind": id.kind, "metadata": metadata});
        _ = writeln!(out, "---\n{object}");
    }
    out
}
