//! `up` and `down` with fakes of kubectl, kind and podman.

use std::process::Command;

use plimsoll::source::Sources;
use plimsoll::yaml::{self, Dialect};
use serde_json::{Value, json};

use crate::fake_programs::{FakePrograms, Response, text};

const NAMESPACE: &str = "kubernaut-system";

/// The objects of the bundle in the cluster when all are ready.
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

/// The output of `kubectl apply`.
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

/// The watched kinds and their resource names.
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

/// Responds to watches with objects and keeps them running.
fn watch(programs: &mut FakePrograms, objects: &[Value]) {
    for (kind, name) in WATCHED {
        let stdout = events(&objects.iter().filter(|object| object["kind"] == *kind).collect::<Vec<_>>());
        programs.respond_with(
            &format!("* get {name} *--watch *"),
            Response { stdout: &stdout, sleep: 60, ..Response::default() },
        );
    }
}

/// Fake programs for an existing cluster without objects.
fn cluster() -> FakePrograms {
    let mut programs = FakePrograms::new(&["kubectl", "kind", "podman"]);
    programs.respond("kubectl config get-contexts *", "other\nkind-gateway-e2e\n");
    programs.respond("podman --version", "podman version 5\n");
    programs.respond("podman image inspect *", "id\n");
    programs.respond("podman save *", "");
    programs.respond("kind load *", "");
    programs
}

/// Responds to the commands that fetch a record.
fn record(programs: &mut FakePrograms, objects: &[Value]) {
    let list = json!({"kind": "List", "items": objects}).to_string();
    programs.respond("* get deployments.apps,*", &list);
    programs.respond("* get events *", &json!({"kind": "List", "items": []}).to_string());
}

fn run(programs: &FakePrograms, args: &[&str]) -> (i32, String, String) {
    let output = programs.run(args);
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

fn position(calls: &[String], word: &str) -> usize {
    calls.iter().position(|call| call.contains(word)).unwrap_or_else(|| panic!("{word}: {calls:#?}"))
}

#[test]
fn up_creates_the_cluster_and_waits_until_ready() {
    let objects = live();
    let mut programs = FakePrograms::new(&["kubectl", "kind", "podman"]);
    programs.respond("kubectl config get-contexts *", "other\n");
    programs.respond("kind get clusters", "another\n");
    programs.respond("kind create cluster --name gateway-e2e --config -", "");
    programs.respond("podman *", "");
    programs.respond("kind load *", "");
    programs.respond("* get namespace *", "");
    programs.respond("* get configmap *", "");
    programs.respond("* apply *", &applied(&objects));
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
    let positions: Vec<usize> = order.iter().map(|word| position(&calls, word)).collect();
    assert!(positions.is_sorted(), "{calls:#?}");
    // All other commands name the context.
    let has_context = |call: &String| {
        call.starts_with("kubectl --context=kind-gateway-e2e ") || call.starts_with("kubectl config get-contexts")
    };
    assert!(calls.iter().filter(|call| call.starts_with("kubectl")).all(has_context), "{calls:#?}");
    assert!(
        programs.inputs("kind create")[0].contains("kind: Cluster")
            && programs.inputs("kind create")[0].contains("hostPort: 18091")
    );
    let apply = &programs.inputs(" apply ")[0];
    let position = |word: &str| apply.find(word).unwrap_or_else(|| panic!("{word}\n{apply}"));
    assert!(
        position("kind: Namespace") < position("name: plimsoll-gateway")
            && position("name: plimsoll-gateway") < position("kind: Deployment")
    );
    assert!(apply.contains(r#""madeNamespace":true"#) || apply.contains(r#"\"madeNamespace\":true"#), "{apply}");
    // The archive was deleted.
    assert!(
        !std::fs::read_dir(programs.path()).unwrap().any(|entry| entry
            .unwrap()
            .path()
            .extension()
            .is_some_and(|end| end == "tar"))
    );
    // Nothing was pruned.
    assert!(programs.calls_with(" delete ").is_empty());
}

/// Adds a pod whose image is missing to a Deployment.
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

/// An inventory with objects that the bundle no longer contains.
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
fn the_wait_ends_with_the_cause_if_an_object_cannot_become_ready() {
    let objects = live();
    let mut programs = cluster();
    programs.respond(
        "* get namespace *",
        &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}).to_string(),
    );
    programs.respond("* get configmap *", &inventory(false));
    programs.respond("* apply *", &applied(&objects));
    let broken = broken(objects);
    watch(&mut programs, &broken);
    record(&mut programs, &broken);
    let start = std::time::Instant::now();
    let (code, out, err) = run(&programs, &["up", "gateway"]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(start.elapsed() < std::time::Duration::from_secs(20));
    assert!(out.contains("error[status-image-not-present]: container image"), "{out}");
    assert!(out.contains("profiles/gateway.yaml") || out.contains("profiles/base.yaml"), "the line to change: {out}");
    assert!(err.contains("error: gateway will not become ready"), "{err}");
    // Old objects are not deleted before the new ones are ready.
    assert!(programs.calls_with(" delete ").is_empty(), "{:#?}", programs.calls());
    assert!(
        programs.inputs(" apply ")[0].contains("old-config"),
        "objects of the previous run remain in the inventory"
    );
}

#[test]
fn objects_of_the_previous_bundle_are_pruned_when_all_are_ready() {
    let objects = live();
    let mut programs = cluster();
    programs.respond(
        "* get namespace *",
        &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}).to_string(),
    );
    programs.respond("* get configmap *", &inventory(true));
    programs.respond("* apply *", &applied(&objects));
    programs.respond("* delete *", "");
    watch(&mut programs, &objects);
    let (code, out, err) = run(&programs, &["up", "gateway", "--no-build"]);
    assert_eq!(code, 0, "{out}{err}");
    let calls = programs.calls();
    assert!(position(&calls, " delete ") > position(&calls, "--watch"), "{calls:#?}");
    let deleted = &programs.inputs(" delete ")[0];
    assert!(deleted.contains("old-config") && deleted.find("\"old\"") < deleted.find("old-config"), "{deleted}");
    assert!(!deleted.contains("PersistentVolumeClaim") && !deleted.contains("Namespace"), "{deleted}");
    let last = programs.inputs(" apply ").pop().unwrap();
    assert!(last.contains("old-data") && !last.contains("old-config"), "the claim is no longer listed: {last}");
    assert!(!calls.iter().any(|call| call.starts_with("podman") || call.starts_with("kind")), "{calls:#?}");
}

const CONFLICT: &str = "error: Apply failed with 1 conflict: conflict with \"MANAGER\" using apps/v1: .spec.volumeClaimTemplates\nPlease review the fields above--they currently have other managers. Here\nare the ways you can resolve this warning:\n* If you intend to manage all of these fields, please re-run the apply\n  command with the `--force-conflicts` flag.\n";

/// Fake programs for a cluster in which another field manager owns a field of the StatefulSet.
fn conflicting(manager: &str) -> FakePrograms {
    let objects = live();
    let mut programs = cluster();
    programs.respond("* get namespace *", "");
    programs.respond("* get configmap *", "");
    let others: Vec<Value> = objects.iter().filter(|object| object["kind"] != "StatefulSet").cloned().collect();
    let stderr = CONFLICT.replace("MANAGER", manager);
    let set = "statefulset.apps/postgresql serverside-applied\n";
    programs.respond("* apply *--force-conflicts*", set);
    programs.respond_with(
        "* apply *",
        Response { stdout: &applied(&others), stderr: &stderr, code: 1, times: 1, ..Response::default() },
    );
    programs.respond_with("* apply *", Response { stderr: &stderr, code: 1, times: 1, ..Response::default() });
    programs.respond("* apply *", "configmap/plimsoll-gateway serverside-applied\n");
    record(&mut programs, &others);
    watch(&mut programs, &objects);
    programs
}

#[test]
fn only_fields_of_kubectl_are_taken_over() {
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
        out.contains("error[status-field-conflict]: conflict with field manager `helm`, which owns a field of StatefulSet/postgresql"),
        "{out}"
    );
    assert!(programs.calls_with("--force-conflicts").is_empty() && programs.calls_with("--watch").is_empty());
}

#[test]
fn rejections_are_reported_immediately() {
    let objects = live();
    let others: Vec<Value> = objects
        .iter()
        .filter(|object| object["kind"] != "Service" || object["metadata"]["name"] != "datastorage")
        .cloned()
        .collect();
    let mut programs = cluster();
    programs.respond("* get namespace *", "");
    programs.respond("* get configmap *", "");
    let stderr = "The Service \"datastorage\" is invalid: spec.ports[0].nodePort: Invalid value: 30081: provided port is already allocated\n";
    programs.respond_with(
        "* apply *",
        Response { stdout: &applied(&others), stderr, code: 1, times: 1, ..Response::default() },
    );
    programs.respond_with("* apply *", Response { stderr, code: 1, ..Response::default() });
    record(&mut programs, &others);
    let (code, out, err) = run(&programs, &["up", "gateway", "--no-build"]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("error[status-node-port-taken]: provided port is already allocated: nodePort 30081"), "{out}");
    assert!(out.contains("profiles/gateway.yaml:"), "{out}");
}

#[test]
fn a_watch_that_ends_is_restarted() {
    let objects = live();
    let mut programs = cluster();
    programs.respond("* get namespace *", "");
    programs.respond("* get configmap *", "");
    programs.respond("* apply *", &applied(&objects));
    let waiting: Vec<Value> = objects
        .iter()
        .filter(|object| object["kind"] == "Deployment")
        .map(|object| {
            let mut object = object.clone();
            object["status"] = json!({"replicas": 1});
            object
        })
        .collect();
    // It ends in the middle of an event.
    let partial = events(&waiting.iter().collect::<Vec<_>>()) + "{\"type\": \"MODIFIED\", \"obj";
    programs.respond_with(
        "* get deployments.apps *--watch *",
        Response { stdout: &partial, code: 1, times: 2, ..Response::default() },
    );
    watch(&mut programs, &objects);
    let (code, out, err) = run(&programs, &["up", "gateway", "--no-build"]);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(programs.calls_with("get deployments.apps --namespace").len(), 3, "{:#?}", programs.calls());
    assert!(err.contains("Deployment/datastorage") && err.contains("0/1 ready"), "{err}");
}

#[test]
fn the_wait_ends_on_timeout_and_on_interruption() {
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
    let fakes = || {
        let mut programs = cluster();
        programs.respond("* get namespace *", "");
        programs.respond("* get configmap *", "");
        programs.respond("* apply *", &applied(&objects));
        watch(&mut programs, &waiting);
        record(&mut programs, &waiting);
        programs
    };
    let programs = fakes();
    let (code, out, err) = run(&programs, &["up", "gateway", "--no-build", "--timeout", "3s"]);
    assert_eq!(code, 124, "{out}{err}");
    assert!(out.contains("error[status-not-ready]: Deployment/datastorage is not ready: 0/1 ready"), "{out}");
    assert!(err.contains("timed out"), "{err}");

    let programs = fakes();
    let child = programs.start(&["up", "gateway", "--no-build"]);
    programs.wait_for_call("--watch");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(text(&output.stderr).contains("interrupted; run it again to continue"), "{output:?}");
}

#[test]
fn missing_and_failing_programs_are_reported() {
    let none = FakePrograms::new(&[]);
    let (code, _, err) = run(&none, &["up", "gateway"]);
    assert_eq!(code, 2);
    assert!(err.contains("error: `kubectl` not found in PATH"), "{err}");

    let mut no_kind = FakePrograms::new(&["kubectl"]);
    no_kind.respond("kubectl config *", "");
    let (code, _, err) = run(&no_kind, &["up", "gateway"]);
    assert_eq!(code, 2);
    assert!(err.contains("error: `kind` not found in PATH"), "{err}");

    let mut failing = FakePrograms::new(&["kubectl", "kind"]);
    failing.respond("kubectl config *", "");
    failing.respond("kind get clusters", "");
    failing.respond_with(
        "kind create *",
        Response { stderr: "ERROR: failed to create cluster: port 8080 is in use\n", code: 1, ..Response::default() },
    );
    let (code, _, err) = run(&failing, &["up", "gateway"]);
    assert_eq!(code, 2);
    assert!(err.contains("failed with exit code 1: ERROR: failed to create cluster: port 8080 is in use"), "{err}");

    let mut no_engine = FakePrograms::new(&["kubectl"]);
    no_engine.respond("kubectl config *", "kind-gateway-e2e\n");
    let (code, _, err) = run(&no_engine, &["up", "gateway", "--set", "image.build.context=."]);
    assert_eq!(code, 2);
    assert!(err.contains("error: `podman` not found in PATH"), "{err}");

    let mut no_build = cluster();
    no_build.respond_with(
        "podman build *",
        Response { stderr: "Error: no such file Dockerfile\n", code: 125, ..Response::default() },
    );
    let (code, _, err) = run(&no_build, &["up", "gateway", "--set", "image.build.context=."]);
    assert_eq!(code, 2);
    assert!(err.contains("failed with exit code 125: Error: no such file Dockerfile"), "{err}");
    assert!(no_build.calls_with(" apply ").is_empty());

    let mut unreachable = cluster();
    unreachable.respond("* get *", "");
    unreachable.respond_with(
        "* apply *",
        Response { stderr: "Unable to connect to the server: dial tcp: i/o timeout\n", code: 1, ..Response::default() },
    );
    let (code, out, err) = run(&unreachable, &["up", "gateway", "--no-build"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("Unable to connect to the server"), "{err}");
    assert!(unreachable.calls_with("--watch").is_empty());
}

#[test]
fn other_contexts_are_rejected() {
    let programs = cluster();
    for args in [["up", "gateway", "--context", "prod"], ["down", "gateway", "--context", "prod"]] {
        let (code, _, err) = run(&programs, &args);
        assert_eq!(code, 2);
        assert!(
            err.contains("context `prod` does not match profile `gateway`, which uses the kind cluster `gateway-e2e`"),
            "{err}"
        );
    }
    let (code, _, err) = run(&programs, &["up", "gateway", "--set", "ownCluster=false"]);
    assert_eq!(code, 2);
    assert!(err.contains("select the cluster with --context NAME"), "{err}");
    assert!(programs.calls().is_empty());
}

#[test]
fn a_dry_run_runs_nothing() {
    let programs = FakePrograms::new(&["kubectl", "kind", "podman"]);
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

/// Fake programs for a cluster with an inventory, and `left`, the other objects of the namespace.
fn deployed(made: bool, claims: &str, left: &str) -> FakePrograms {
    let mut programs = FakePrograms::new(&["kubectl", "kind"]);
    programs.respond("kubectl config get-contexts *", "kind-gateway-e2e\n");
    programs.respond("* get configmap *", &inventory(made));
    programs.respond("* get persistentvolumeclaims *", claims);
    programs.respond("* delete *", "");
    programs.respond("* apply *", "configmap/plimsoll-gateway serverside-applied\n");
    programs.respond("* api-resources *", "configmaps\npods\nserviceaccounts\n");
    programs.respond(
        "* get configmaps,pods,serviceaccounts *",
        &format!("configmap/kube-root-ca.crt\nserviceaccount/default\n{left}"),
    );
    programs.respond("kind delete *", "");
    programs
}

#[test]
fn down_deletes_only_the_objects_in_the_inventory() {
    // Claims are kept, and with them the namespace and the inventory.
    let claims = "persistentvolumeclaim/data-postgresql-0\npersistentvolumeclaim/data-postgresql-x\npersistentvolumeclaim/others\n";
    let programs = deployed(true, claims, "");
    let (code, _, err) = run(&programs, &["down", "gateway"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        err.contains("kept with its data: PersistentVolumeClaim `data-postgresql-0`; use --data to delete it"),
        "{err}"
    );
    let deleted = programs.inputs(" delete ");
    assert_eq!(deleted.len(), 1);
    assert!(deleted[0].find("\"old\"") < deleted[0].find("old-config") && deleted[0].contains("old-config"));
    assert!(!deleted[0].contains("Namespace") && !deleted[0].contains("PersistentVolumeClaim"), "{}", deleted[0]);
    assert!(programs.calls_with("delete namespace").is_empty());
    assert!(programs.inputs(" apply ")[0].contains("data-postgresql-0"));

    // With --data the claims are deleted, then the inventory and the namespace that `up` created.
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

    // A namespace is kept if it contains other objects, or if `up` did not create it.
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
fn down_without_an_inventory_deletes_nothing() {
    let mut programs = FakePrograms::new(&["kubectl", "kind"]);
    programs.respond("kubectl config get-contexts *", "kind-gateway-e2e\n");
    programs.respond("* get configmap *", "");
    let (code, _, err) = run(&programs, &["down", "gateway"]);
    assert_eq!(code, 0);
    assert!(
        err.contains("nothing to delete: no inventory of `plimsoll up gateway` in namespace kubernaut-system"),
        "{err}"
    );
    programs.respond("kind delete cluster --name gateway-e2e", "");
    let (code, _, err) = run(&programs, &["down", "gateway", "--cluster"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(programs.calls_with("kind delete cluster --name gateway-e2e").len(), 1);
}
