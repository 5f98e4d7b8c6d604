//! kubectl: what is asked of a cluster, and how.

use std::fmt::Write as _;

use serde_json::json;

use crate::finding::ObjectRef;
use crate::object::Object;
use crate::programs::{CommandLine, Finished, Programs, RunError};
use crate::status::Record;
use crate::yaml;

/// The field manager of what is applied.
pub const FIELD_MANAGER: &str = "plimsoll";

/// kubectl for one cluster.
#[derive(Debug, Clone)]
pub struct Kubectl<'p> {
    /// What runs it.
    pub programs: &'p Programs,
    /// The context of the kubeconfig; the present one where none is given.
    pub context: Option<String>,
}

/// The kinds that a record has, beside those of the bundle.
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

/// Lines of a log that are fetched.
const LOG_LINES: &str = "--tail=20";

/// Bytes of a log that are fetched.
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

    /// Runs kubectl, which has to succeed.
    ///
    /// # Errors
    /// Where it cannot be run or fails.
    pub fn run<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Result<String, RunError> {
        self.programs.run(&self.line(args))
    }

    /// The contexts of the kubeconfig.
    ///
    /// # Errors
    /// Where kubectl cannot be run or fails.
    pub fn contexts(&self) -> Result<Vec<String>, RunError> {
        let names = self.programs.run(&CommandLine::new("kubectl", ["config", "get-contexts", "--output=name"]))?;
        Ok(names.lines().map(str::to_owned).collect())
    }

    /// One object, if the cluster has it.
    ///
    /// # Errors
    /// Where kubectl cannot be run or fails, or its output cannot be read.
    pub fn get(&self, kind: &str, name: &str, namespace: &str) -> Result<Option<Object>, RunError> {
        let mut args = vec!["get", kind, name, "--ignore-not-found", "--output=json"];
        let namespace = format!("--namespace={namespace}");
        if namespace.len() > "--namespace=".len() {
            args.push(&namespace);
        }
        let text = self.run(args)?;
        Ok(yaml::read_json(&text).ok().filter(|node| node["kind"].is_set()).map(Object::new))
    }

    /// Applies objects server-side. kubectl goes on after an error, and its output says which were applied.
    ///
    /// # Errors
    /// Where it cannot be run; that it failed is none.
    pub fn apply(&self, objects: &[&Object], force: bool) -> Result<Finished, RunError> {
        let manager = format!("--field-manager={FIELD_MANAGER}");
        let mut args = vec!["apply", "--server-side", &manager];
        if force {
            args.push("--force-conflicts");
        }
        args.extend(["--filename", "-"]);
        let manifests = yaml::emit_stream(objects.iter().map(|object| &object.node));
        self.programs.finish(&self.line(args).with_input(manifests))
    }

    /// Deletes objects by their names; those that are gone already are none.
    ///
    /// # Errors
    /// Where kubectl cannot be run or fails.
    pub fn delete(&self, objects: &[ObjectRef], wait: bool) -> Result<String, RunError> {
        let wait = format!("--wait={wait}");
        let args = ["delete", "--ignore-not-found", &wait, "--filename", "-"];
        self.programs.run(&self.line(args).with_input(names(objects)))
    }

    /// All that the cluster says of a namespace: objects, events, and the last lines of containers that are not ready.
    ///
    /// # Errors
    /// Where kubectl cannot be run or fails.
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
        // Where the user may not list all of the kinds, kubectl prints the others, and fails.
        let list = yaml::read_json(&finished.stdout);
        match list {
            Ok(list) if list["items"].is_set() => record.add(&list),
            Ok(object) if object["kind"].is_set() => record.objects.push(Object::new(object)),
            _ if !finished.is_success() => return Err(RunError::Failed(line.to_string(), finished)),
            _ => {}
        }
        Ok(())
    }

    /// Adds the last lines of the containers that are not ready.
    ///
    /// # Errors
    /// Where kubectl cannot be run.
    pub fn logs(&self, record: &mut Record) -> Result<(), RunError> {
        for (pod, namespace, container, previous) in logged(record) {
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

/// The containers whose last words tell something: pod, namespace, container, and whether the run before is meant.
fn logged(record: &Record) -> Vec<(String, String, String, bool)> {
    /// One broken workload of many pods says the same in all of them.
    const MOST_PODS: usize = 12;
    let mut logged = Vec::new();
    let mut pods = 0;
    for pod in record.objects.iter().filter(|object| object.kind() == "Pod") {
        let status = &pod.node["status"];
        let before = logged.len();
        let ends = pod.node["spec"]["restartPolicy"].text() != "Always";
        for container in status["initContainerStatuses"].items().iter().chain(status["containerStatuses"].items()) {
            let (state, last) = (&container["state"], &container["lastState"]["terminated"]);
            let ended = &state["terminated"];
            let works_towards_its_end = state["running"].is_set() && ends;
            let fine = container["ready"].as_bool() == Some(true)
                && (ended.is_set() || last.is_null())
                && !works_towards_its_end;
            let done = ended.is_set() && ended["exitCode"].as_i64() == Some(0) && last.is_null();
            if fine || done {
                continue;
            }
            let of = |previous| {
                let name = container["name"].text().to_owned();
                (pod.name().to_owned(), pod.namespace().to_owned(), name, previous)
            };
            if state["running"].is_set() || ended.is_set() {
                logged.push(of(false));
            }
            if last.is_set() {
                logged.push(of(true));
            }
        }
        pods += usize::from(logged.len() > before);
        if pods == MOST_PODS {
            break;
        }
    }
    logged
}

/// Seconds since 1970.
#[must_use]
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Manifests that hold no more than names, for deleting.
#[must_use]
pub fn names(objects: &[ObjectRef]) -> String {
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
