//! `up` and `down` against stand-ins for kubectl, kind and podman.

use std::process::Command;

use plimsoll::source::Sources;
use plimsoll::yaml::{self, Dialect};
use serde_json::{Value, json};

use crate::standins::{Answer, StandIns, text};

const NAMESPACE: &str = "kubernaut-system";

/// The objects of the bundle, as the API server has them when everything is ready.
fn live() -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll")).args(["render", "gateway"]).output().unwrap();
    let sources = Sources::new();
    let file = sources.add("bundle.yaml", text(&output.stdout));
    let documents = yaml::load(&sources, file, Dialect::Kubectl).documents;
    assert!(documents.len() > 15);
    documents
        .iter()
        .map(|document| {
            let mut object: Value = serde_json::from_str(&yaml::json(document)).unwrap();
            object["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z".into();
            object["metadata"]["uid"] = format!("{}-{}", object["kind"], object["metadata"]["name"]).into();
            object["status"] = match object["kind"].as_str().unwrap() {
                "Deployment" => {
                    json!({"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1, "availableReplicas": 1})
                }
                "StatefulSet" => json!({"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1}),
                "Job" => json!({"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}),
                _ => json!({}),
            };
            object
        })
        .collect()
}

/// What kubectl prints when it applies objects.
fn applied(objects: &[Value]) -> String {
    let line = |object: &Value| {
        let group = object["apiVersion"]
            .as_str()
            .unwrap()
            .split_once('/')
            .map_or(String::new(), |(group, _)| format!(".{group}"));
        let kind = object["kind"].as_str().unwrap().to_lowercase();
        format!("{kind}{group}/{} serverside-applied\n", object["metadata"]["name"].as_str().unwrap())
    };
    objects.iter().map(line).collect::<String>() + "configmap/plimsoll-gateway serverside-applied\n"
}

fn events(objects: &[&Value]) -> String {
    objects.iter().map(|object| format!("{:#}\n", json!({"type": "ADDED", "object": object}))).collect()
}

/// The kinds that are watched for the bundle, and their names for kubectl.
const WATCHED: &[(&str, &str)] = &[
    ("Pod", "pods"),
    ("Event", "events"),
    ("Deployment", "deployments.apps"),
    ("ReplicaSet", "replicasets.apps"),
    ("StatefulSet", "statefulsets.apps"),
    ("PersistentVolumeClaim", "persistentvolumeclaims"),
    ("Job", "jobs.batch"),
    ("CronJob", "cronjobs.batch"),
    ("Service", "services"),
];

/// Answers the watches with some objects, and goes on running.
fn watch(programs: &mut StandIns, objects: &[Value]) {
    for (kind, name) in WATCHED {
        let stdout = events(&objects.iter().filter(|object| object["kind"] == *kind).collect::<Vec<_>>());
        programs
            .answer(&format!("* get {name} *--watch *"), Answer { stdout: &stdout, sleep: 60, ..Answer::default() });
    }
}

/// Stand-ins for a cluster that is there, with nothing applied.
fn cluster() -> StandIns {
    let mut programs = StandIns::new(&["kubectl", "kind", "podman"]);
    programs.says("kubectl config get-contexts *", "other\nkind-gateway-e2e\n");
    programs.says("podman --version", "podman version 5\n");
    programs.says("podman image inspect *", "id\n");
    programs.says("podman save *", "");
    programs.says("kind load *", "");
    programs
}

/// Answers a look at everything.
fn record(programs: &mut StandIns, objects: &[Value]) {
    let list = json!({"kind": "List", "items": objects}).to_string();
    programs.says("* get deployments.apps,*", &list);
    programs.says("* get events *", &json!({"kind": "List", "items": []}).to_string());
}

fn run(programs: &StandIns, args: &[&str]) -> (i32, String, String) {
    let output = programs.run(args);
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

fn position(calls: &[String], word: &str) -> usize {
    calls.iter().position(|call| call.contains(word)).unwrap_or_else(|| panic!("{word}: {calls:#?}"))
}

#[test]
fn from_nothing_to_ready() {
    let objects = live();
    let mut programs = StandIns::new(&["kubectl", "kind", "podman"]);
    programs.says("kubectl config get-contexts *", "other\n");
    programs.says("kind get clusters", "another\n");
    programs.says("kind create cluster --name gateway-e2e --config -", "");
    programs.says("podman *", "");
    programs.says("kind load *", "");
    programs.says("* get namespace *", "");
    programs.says("* get configmap *", "");
    programs.says("* apply *", &applied(&objects));
    watch(&mut programs, &objects);
    let (code, out, err) = run(
        &programs,
        &[
            "up",
            "gateway",
            "--set",
            "image.build.context=src",
            "--set",
            "image.build.dockerfile=data storage.Dockerfile",
        ],
    );
    assert_eq!(code, 0, "{out}{err}\n{:#?}", programs.calls());
    assert!(out.contains("ready        Deployment/datastorage") && err.contains("gateway is ready"), "{out}{err}");

    let calls = programs.calls();
    let image = "localhost/kubernaut-datastorage:gateway-e2e";
    let order = [
        "kubectl config get-contexts",
        "kind get clusters",
        "kind create cluster",
        &format!("podman build --tag {image} --file src/data storage.Dockerfile src"),
        "podman save --output",
        "kind load image-archive",
        "kubectl --context=kind-gateway-e2e get namespace kubernaut-system",
        "kubectl --context=kind-gateway-e2e get configmap plimsoll-gateway",
        "kubectl --context=kind-gateway-e2e apply --server-side --field-manager=plimsoll --filename -",
        "--watch --output-watch-events",
    ];
    let places: Vec<usize> = order.iter().map(|word| position(&calls, word)).collect();
    assert!(places.is_sorted(), "{calls:#?}");
    // Every command but those that ask for contexts names the cluster.
    let named = |call: &String| {
        call.starts_with("kubectl --context=kind-gateway-e2e ") || call.starts_with("kubectl config get-contexts")
    };
    assert!(calls.iter().filter(|call| call.starts_with("kubectl")).all(named), "{calls:#?}");
    assert!(
        programs.inputs("kind create")[0].contains("kind: Cluster")
            && programs.inputs("kind create")[0].contains("hostPort: 18091")
    );
    let apply = &programs.inputs(" apply ")[0];
    let place = |word: &str| apply.find(word).unwrap_or_else(|| panic!("{word}\n{apply}"));
    assert!(
        place("kind: Namespace") < place("name: plimsoll-gateway")
            && place("name: plimsoll-gateway") < place("kind: Deployment")
    );
    assert!(apply.contains(r#""madeNamespace":true"#) || apply.contains(r#"\"madeNamespace\":true"#), "{apply}");
    // The archive is gone.
    assert!(
        !std::fs::read_dir(programs.path()).unwrap().any(|entry| entry
            .unwrap()
            .path()
            .extension()
            .is_some_and(|end| end == "tar"))
    );
    // What was applied before is the inventory's second writing: nothing was pruned.
    assert!(programs.calls_with(" delete ").is_empty());
}

/// A pod whose image is missing, and the workload it belongs to.
fn broken(mut objects: Vec<Value>) -> Vec<Value> {
    let web = objects
        .iter_mut()
        .find(|object| object["kind"] == "Deployment" && object["metadata"]["name"] == "datastorage")
        .unwrap();
    web["status"] = json!({"replicas": 1, "updatedReplicas": 1, "unavailableReplicas": 1});
    let owner =
        |kind: &str, name: &str, uid: &Value| json!([{"controller": true, "kind": kind, "name": name, "uid": uid}]);
    let spec = web["spec"]["template"]["spec"].clone();
    let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "datastorage-1", "namespace": NAMESPACE, "uid": "rs",
        "ownerReferences": owner("Deployment", "datastorage", &web["metadata"]["uid"])}, "spec": web["spec"].clone()});
    let waiting = json!({"reason": "ErrImageNeverPull", "message": "Container image \"localhost/x:1\" is not present with pull policy of Never"});
    let init: Vec<Value> = spec["initContainers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|init| json!({"name": init["name"], "ready": true, "state": {"terminated": {"exitCode": 0}}}))
        .collect();
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "datastorage-1-x", "namespace": NAMESPACE,
        "ownerReferences": owner("ReplicaSet", "datastorage-1", &json!("rs"))}, "spec": spec,
        "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False"}],
            "initContainerStatuses": init, "containerStatuses": [{"name": "datastorage", "ready": false, "state": {"waiting": waiting}}]}});
    objects.extend([set, pod]);
    objects
}

/// An inventory that lists an object which the bundle no longer has.
fn inventory(made: bool) -> String {
    let objects = json!([
        {"apiVersion": "v1", "kind": "Namespace", "namespace": "", "name": NAMESPACE},
        {"apiVersion": "v1", "kind": "ConfigMap", "namespace": NAMESPACE, "name": "old-config"},
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": NAMESPACE, "name": "old-data"},
        {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": NAMESPACE, "name": "old"},
    ]);
    let data = json!({"objects": objects, "claims": ["data-postgresql-"], "madeNamespace": made}).to_string();
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "plimsoll-gateway", "namespace": NAMESPACE}, "data": {"inventory.json": data}}).to_string()
}

#[test]
fn what_cannot_become_ready_ends_the_wait_with_the_reason() {
    let objects = live();
    let mut programs = cluster();
    programs.says(
        "* get namespace *",
        &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}).to_string(),
    );
    programs.says("* get configmap *", &inventory(false));
    programs.says("* apply *", &applied(&objects));
    let broken = broken(objects);
    watch(&mut programs, &broken);
    record(&mut programs, &broken);
    let start = std::time::Instant::now();
    let (code, out, err) = run(&programs, &["up", "gateway"]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(start.elapsed() < std::time::Duration::from_secs(20));
    assert!(out.contains("error[status-image-not-present]: image"), "{out}");
    assert!(out.contains("profiles/gateway.yaml") || out.contains("profiles/base.yaml"), "the line to change: {out}");
    assert!(err.contains("error: gateway will not become ready"), "{err}");
    // What is old stays until the new is ready.
    assert!(programs.calls_with(" delete ").is_empty(), "{:#?}", programs.calls());
    assert!(programs.inputs(" apply ")[0].contains("old-config"), "what a former run applied stays listed");
}

#[test]
fn what_a_former_bundle_had_is_pruned_when_all_is_ready() {
    let objects = live();
    let mut programs = cluster();
    programs.says(
        "* get namespace *",
        &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}).to_string(),
    );
    programs.says("* get configmap *", &inventory(true));
    programs.says("* apply *", &applied(&objects));
    programs.says("* delete *", "");
    watch(&mut programs, &objects);
    let (code, out, err) = run(&programs, &["up", "gateway", "--no-build"]);
    assert_eq!(code, 0, "{out}{err}");
    let calls = programs.calls();
    assert!(position(&calls, " delete ") > position(&calls, "--watch"), "{calls:#?}");
    let deleted = &programs.inputs(" delete ")[0];
    assert!(deleted.contains("old-config") && deleted.find("\"old\"") < deleted.find("old-config"), "{deleted}");
    assert!(!deleted.contains("PersistentVolumeClaim") && !deleted.contains("Namespace"), "{deleted}");
    let last = programs.inputs(" apply ").pop().unwrap();
    assert!(last.contains("old-data") && !last.contains("old-config"), "the claim is still listed: {last}");
    assert!(!calls.iter().any(|call| call.starts_with("podman") || call.starts_with("kind")), "{calls:#?}");
}

const CONFLICT: &str = "error: Apply failed with 1 conflict: conflict with \"MANAGER\" using apps/v1: .spec.volumeClaimTemplates\nPlease review the fields above--they currently have other managers. Here\nare the ways you can resolve this warning:\n* If you intend to manage all of these fields, please re-run the apply\n  command with the `--force-conflicts` flag.\n";

/// Stand-ins for a cluster in which another manager owns a field of the StatefulSet.
fn conflicting(manager: &str) -> StandIns {
    let objects = live();
    let mut programs = cluster();
    programs.says("* get namespace *", "");
    programs.says("* get configmap *", "");
    let others: Vec<Value> = objects.iter().filter(|object| object["kind"] != "StatefulSet").cloned().collect();
    let stderr = CONFLICT.replace("MANAGER", manager);
    let set = "statefulset.apps/postgresql serverside-applied\n";
    programs.says("* apply *--force-conflicts*", set);
    programs.answer(
        "* apply *",
        Answer { stdout: &applied(&others), stderr: &stderr, code: 1, times: 1, ..Answer::default() },
    );
    programs.answer("* apply *", Answer { stderr: &stderr, code: 1, times: 1, ..Answer::default() });
    programs.says("* apply *", "configmap/plimsoll-gateway serverside-applied\n");
    record(&mut programs, &others);
    watch(&mut programs, &objects);
    programs
}

#[test]
fn fields_of_plain_kubectl_are_taken_over_and_no_others() {
    let programs = conflicting("kubectl-client-side-apply");
    let (code, out, err) = run(&programs, &["up", "gateway", "--no-build"]);
    assert_eq!(code, 0, "{out}{err}\n{:#?}", programs.calls());
    assert!(
        err.contains(
            "note: StatefulSet/postgresql: took over .spec.volumeClaimTemplates from `kubectl-client-side-apply`"
        ),
        "{err}"
    );
    let forced = programs.inputs("--force-conflicts");
    assert_eq!(forced.len(), 1);
    assert_eq!(forced[0].matches("kind: StatefulSet").count(), 1);
    assert!(!forced[0].contains("kind: Deployment"));

    let programs = conflicting("helm");
    let (code, out, err) = run(&programs, &["up", "gateway", "--no-build"]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(
        out.contains("error[status-field-conflict]: field manager `helm` owns a field of StatefulSet/postgresql"),
        "{out}"
    );
    assert!(programs.calls_with("--force-conflicts").is_empty() && programs.calls_with("--watch").is_empty());
}

#[test]
fn what_the_server_rejects_is_told_at_once() {
    let objects = live();
    let others: Vec<Value> = objects
        .iter()
        .filter(|object| object["kind"] != "Service" || object["metadata"]["name"] != "datastorage")
        .cloned()
        .collect();
    let mut programs = cluster();
    programs.says("* get namespace *", "");
    programs.says("* get configmap *", "");
    let stderr = "The Service \"datastorage\" is invalid: spec.ports[0].nodePort: Invalid value: 30081: provided port is already allocated\n";
    programs.answer("* apply *", Answer { stdout: &applied(&others), stderr, code: 1, times: 1, ..Answer::default() });
    programs.answer("* apply *", Answer { stderr, code: 1, ..Answer::default() });
    record(&mut programs, &others);
    let (code, out, err) = run(&programs, &["up", "gateway", "--no-build"]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("error[status-node-port-taken]: NodePort 30081 is already allocated"), "{out}");
    assert!(out.contains("profiles/gateway.yaml:"), "{out}");
}

#[test]
fn a_watch_that_breaks_off_is_started_again() {
    let objects = live();
    let mut programs = cluster();
    programs.says("* get namespace *", "");
    programs.says("* get configmap *", "");
    programs.says("* apply *", &applied(&objects));
    let waiting: Vec<Value> = objects
        .iter()
        .filter(|object| object["kind"] == "Deployment")
        .map(|object| {
            let mut object = object.clone();
            object["status"] = json!({"replicas": 1});
            object
        })
        .collect();
    // It breaks off in the midst of an event.
    let begun = events(&waiting.iter().collect::<Vec<_>>()) + "{\"type\": \"MODIFIED\", \"obj";
    programs
        .answer("* get deployments.apps *--watch *", Answer { stdout: &begun, code: 1, times: 2, ..Answer::default() });
    watch(&mut programs, &objects);
    let (code, out, err) = run(&programs, &["up", "gateway", "--no-build"]);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(programs.calls_with("get deployments.apps --namespace").len(), 3, "{:#?}", programs.calls());
    assert!(err.contains("Deployment/datastorage") && err.contains("0/1 ready"), "{err}");
}

#[test]
fn the_clock_and_the_user_end_the_wait() {
    let objects = live();
    let waiting: Vec<Value> = objects
        .iter()
        .map(|object| {
            let mut object = object.clone();
            if object["kind"] == "Deployment" {
                object["status"] = json!({"replicas": 1});
            }
            object
        })
        .collect();
    let stand = || {
        let mut programs = cluster();
        programs.says("* get namespace *", "");
        programs.says("* get configmap *", "");
        programs.says("* apply *", &applied(&objects));
        watch(&mut programs, &waiting);
        record(&mut programs, &waiting);
        programs
    };
    let programs = stand();
    let (code, out, err) = run(&programs, &["up", "gateway", "--no-build", "--timeout", "3s"]);
    assert_eq!(code, 124, "{out}{err}");
    assert!(out.contains("error[status-not-ready]: Deployment/datastorage is not ready: 0/1 ready"), "{out}");
    assert!(err.contains("timed out"), "{err}");

    let programs = stand();
    let child = programs.start(&["up", "gateway", "--no-build"]);
    programs.until("--watch");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(text(&output.stderr).contains("interrupted; run it again to continue"), "{output:?}");
}

#[test]
fn programs_that_are_missing_or_fail_are_named() {
    let none = StandIns::new(&[]);
    let (code, _, err) = run(&none, &["up", "gateway"]);
    assert_eq!(code, 2);
    assert!(err.contains("error: `kubectl` not found in PATH"), "{err}");

    let mut no_kind = StandIns::new(&["kubectl"]);
    no_kind.says("kubectl config *", "");
    let (code, _, err) = run(&no_kind, &["up", "gateway"]);
    assert_eq!(code, 2);
    assert!(err.contains("error: `kind` not found in PATH"), "{err}");

    let mut failing = StandIns::new(&["kubectl", "kind"]);
    failing.says("kubectl config *", "");
    failing.says("kind get clusters", "");
    failing.answer(
        "kind create *",
        Answer { stderr: "ERROR: failed to create cluster: port 8080 is in use\n", code: 1, ..Answer::default() },
    );
    let (code, _, err) = run(&failing, &["up", "gateway"]);
    assert_eq!(code, 2);
    assert!(err.contains("ended with exit code 1: ERROR: failed to create cluster: port 8080 is in use"), "{err}");

    let mut no_engine = StandIns::new(&["kubectl"]);
    no_engine.says("kubectl config *", "kind-gateway-e2e\n");
    let (code, _, err) = run(&no_engine, &["up", "gateway", "--set", "image.build.context=."]);
    assert_eq!(code, 2);
    assert!(err.contains("error: `podman` not found in PATH"), "{err}");

    let mut no_build = cluster();
    no_build.answer(
        "podman build *",
        Answer { stderr: "Error: no such file Dockerfile\n", code: 125, ..Answer::default() },
    );
    let (code, _, err) = run(&no_build, &["up", "gateway", "--set", "image.build.context=."]);
    assert_eq!(code, 2);
    assert!(err.contains("ended with exit code 125: Error: no such file Dockerfile"), "{err}");
    assert!(no_build.calls_with(" apply ").is_empty());

    let mut silent = cluster();
    silent.says("* get *", "");
    silent.answer(
        "* apply *",
        Answer { stderr: "Unable to connect to the server: dial tcp: i/o timeout\n", code: 1, ..Answer::default() },
    );
    let (code, out, err) = run(&silent, &["up", "gateway", "--no-build"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("Unable to connect to the server"), "{err}");
    assert!(silent.calls_with("--watch").is_empty());
}

#[test]
fn no_other_cluster_is_touched() {
    let programs = cluster();
    for args in [["up", "gateway", "--context", "prod"], ["down", "gateway", "--context", "prod"]] {
        let (code, _, err) = run(&programs, &args);
        assert_eq!(code, 2);
        assert!(
            err.contains("context `prod` is not the one of profile `gateway`, whose kind cluster is `gateway-e2e`"),
            "{err}"
        );
    }
    let (code, _, err) = run(&programs, &["up", "gateway", "--set", "ownCluster=false"]);
    assert_eq!(code, 2);
    assert!(err.contains("name the cluster: --context NAME"), "{err}");
    assert!(programs.calls().is_empty());
}

#[test]
fn a_dry_run_runs_nothing() {
    let programs = StandIns::new(&["kubectl", "kind", "podman"]);
    let (code, out, _) = run(&programs, &["up", "gateway", "--dry-run"]);
    assert_eq!(code, 0);
    for says in [
        "kind create cluster --name gateway-e2e",
        "kind load image-archive",
        "kubectl --context=kind-gateway-e2e apply --server-side --field-manager=plimsoll --filename -",
    ] {
        assert!(out.contains(says), "{out}");
    }
    let (code, out, _) = run(&programs, &["down", "gateway", "--dry-run", "--data"]);
    assert_eq!(code, 0);
    assert!(out.contains("delete --ignore-not-found --wait=true --filename -"), "{out}");
    assert!(programs.calls().is_empty());
}

/// Stand-ins for a cluster that has what an inventory lists, and `left` beside it.
fn deployed(made: bool, claims: &str, left: &str) -> StandIns {
    let mut programs = StandIns::new(&["kubectl", "kind"]);
    programs.says("kubectl config get-contexts *", "kind-gateway-e2e\n");
    programs.says("* get configmap *", &inventory(made));
    programs.says("* get persistentvolumeclaims *", claims);
    programs.says("* delete *", "");
    programs.says("* apply *", "configmap/plimsoll-gateway serverside-applied\n");
    programs.says("* api-resources *", "configmaps\npods\nserviceaccounts\n");
    programs.says(
        "* get configmaps,pods,serviceaccounts *",
        &format!("configmap/kube-root-ca.crt\nserviceaccount/default\n{left}"),
    );
    programs.says("kind delete *", "");
    programs
}

#[test]
fn down_deletes_what_is_listed_and_nothing_else() {
    // Claims stay, and with them the namespace and the list.
    let claims = "persistentvolumeclaim/data-postgresql-0\npersistentvolumeclaim/data-postgresql-x\npersistentvolumeclaim/others\n";
    let programs = deployed(true, claims, "");
    let (code, _, err) = run(&programs, &["down", "gateway"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("kept, with the data: PersistentVolumeClaim `data-postgresql-0`; --data deletes it"), "{err}");
    let deleted = programs.inputs(" delete ");
    assert_eq!(deleted.len(), 1);
    assert!(deleted[0].find("\"old\"") < deleted[0].find("old-config") && deleted[0].contains("old-config"));
    assert!(!deleted[0].contains("Namespace") && !deleted[0].contains("PersistentVolumeClaim"), "{}", deleted[0]);
    assert!(programs.calls_with("delete namespace").is_empty());
    assert!(programs.inputs(" apply ")[0].contains("data-postgresql-0"));

    // With --data they go, but no others; then the list and the namespace, which `up` made.
    let programs = deployed(true, claims, "");
    let (code, _, err) = run(&programs, &["down", "gateway", "--data"]);
    assert_eq!(code, 0, "{err}");
    let deleted = programs.inputs(" delete ");
    assert!(
        deleted[1].contains("data-postgresql-0")
            && !deleted[1].contains("data-postgresql-x")
            && !deleted[1].contains("others")
    );
    assert!(deleted[2].contains("plimsoll-gateway"));
    assert_eq!(programs.calls_with("delete namespace").len(), 1);

    // A namespace that others use stays, and one that `up` did not make.
    for (made, left, says) in [
        (true, "pod/other\n", "namespace kubernaut-system kept: it contains pod/other"),
        (false, "", "2 objects deleted"),
    ] {
        let programs = deployed(made, "", left);
        let (code, _, err) = run(&programs, &["down", "gateway"]);
        assert_eq!(code, 0, "{err}");
        assert!(err.contains(says), "{err}");
        assert!(programs.calls_with("delete namespace").is_empty());
    }
}

#[test]
fn down_without_a_list_deletes_nothing() {
    let mut programs = StandIns::new(&["kubectl", "kind"]);
    programs.says("kubectl config get-contexts *", "kind-gateway-e2e\n");
    programs.says("* get configmap *", "");
    let (code, _, err) = run(&programs, &["down", "gateway"]);
    assert_eq!(code, 0);
    assert!(
        err.contains("nothing to delete: `plimsoll up gateway` applied nothing to namespace kubernaut-system"),
        "{err}"
    );
    programs.says("kind delete cluster --name gateway-e2e", "");
    let (code, _, err) = run(&programs, &["down", "gateway", "--cluster"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(programs.calls_with("kind delete cluster --name gateway-e2e").len(), 1);
}
