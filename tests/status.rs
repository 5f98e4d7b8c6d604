//! `status`: the causes found in records of a real node, and in generated records.

use std::path::Path;
use std::process::Command;

use plimsoll::check::input::Input;
use plimsoll::finding::{Finding, Severity};
use plimsoll::object::Object;
use plimsoll::source::Sources;
use plimsoll::status::{self, PATIENCE, Record, Recovery, time};
use serde_json::{Value, json};

use crate::fake_programs::{FakePrograms, Response, text};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/status");

/// The time of the generated records, in seconds since 1970.
const NOW: i64 = 1_800_000_000;

/// The age of their objects in seconds.
const AGE: i64 = 240;

fn objects(sources: &Sources, text: &str) -> Vec<Object> {
    let mut input = Input::default();
    input.add(sources, sources.add("manifest.yaml", text), true);
    assert!(input.findings.iter().all(|finding| finding.severity != Severity::Error), "{:?}", input.findings);
    input.objects
}

/// The segments of a path, regardless of the notation: `a.b[c]` and `a.b.c` have the same.
fn segments(path: &str) -> Vec<&str> {
    path.split(['.', '[', ']']).filter(|segment| !segment.is_empty()).collect()
}

/// Whether a finding is at a field, or at an ancestor or descendant of it.
fn is_at(finding: &Finding, object: &str, field: &str) -> bool {
    let (found, expected) = (segments(&finding.field), segments(field));
    let common = found.iter().zip(&expected).take_while(|(a, b)| a == b).count();
    let id = finding.object.as_ref().unwrap();
    id.to_string() == object && common == found.len().min(expected.len()) && (common > 0 || expected.is_empty())
}

#[test]
fn causes_are_found_in_records_of_a_real_node() {
    let mut records: Vec<_> =
        std::fs::read_dir(format!("{DATA}/node")).unwrap().map(|entry| entry.unwrap().path()).collect();
    records.retain(|path| path.extension().is_some_and(|end| end == "json"));
    records.sort();
    assert_eq!(records.len(), 31);
    let mut wrong = Vec::new();
    for path in records {
        let text = std::fs::read_to_string(&path).unwrap();
        let expected: Value = serde_json::from_str(&text).unwrap();
        let record = Record::read(&text).unwrap();
        let sources = Sources::new();
        let manifests = objects(&sources, &std::fs::read_to_string(path.with_extension("yaml")).unwrap());
        for manifests in [Some(manifests.as_slice()), None] {
            let diagnosis = status::diagnose(&record, manifests, PATIENCE);
            let findings = diagnosis.findings(manifests);
            let is_expected = match (expected["blames"].as_array(), findings.as_slice()) {
                (None, found) => found.is_empty() && diagnosis.is_ready(),
                (Some(blames), [finding, ..]) => {
                    is_at(finding, blames[0].as_str().unwrap(), blames[1].as_str().unwrap())
                        && (manifests.is_none() || !finding.span.is_none())
                }
                (Some(_), []) => false,
            };
            if !is_expected {
                wrong.push(format!("{}: {} {findings:?}", path.display(), expected["blames"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Records of the DataStorage bundle on a real node, each with one fault.
#[test]
fn causes_are_found_in_records_of_a_bundle() {
    let records = std::fs::read_dir(format!("{DATA}/bundle")).unwrap().map(|entry| entry.unwrap().path());
    let mut wrong = Vec::new();
    let mut count = 0;
    for path in records {
        let text = std::fs::read_to_string(&path).unwrap();
        let expected: Value = serde_json::from_str(&text).unwrap();
        let diagnosis = status::diagnose(&Record::read(&text).unwrap(), None, PATIENCE);
        let findings = diagnosis.findings(None);
        let (object, field) = (expected["blames"][0].as_str().unwrap(), expected["blames"][1].as_str().unwrap());
        if !findings.first().is_some_and(|finding| is_at(finding, object, field) && !finding.help.is_empty()) {
            wrong.push(format!("{}: {object} {field} {findings:?}", path.display()));
        }
        count += 1;
    }
    assert!(count >= 10, "{count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Replaces the timestamps of a case, negative seconds relative to [`NOW`], by formatted ones.
fn times(value: &mut Value) {
    const TIMES: &[&str] = &["startedAt", "finishedAt", "lastTransitionTime", "deletionTimestamp"];
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value.as_i64() {
                    Some(seconds) if TIMES.contains(&key.as_str()) => *value = time::format(NOW + seconds).into(),
                    _ => times(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(times),
        _ => {}
    }
}

fn merge(into: &mut Value, from: &Value) {
    for (key, value) in from.as_object().into_iter().flatten() {
        into[key] = value.clone();
    }
}

fn event(kind: &str, name: &str, parts: &[Value], field: Option<String>) -> Value {
    let text = |at: usize| parts.get(at).and_then(Value::as_str);
    let seconds = parts.iter().find_map(Value::as_i64).unwrap_or(-10);
    let kind_of =
        ["Normal", "Warning"].into_iter().find(|kind| parts.iter().any(|part| part == kind)).unwrap_or("Warning");
    json!({
        "kind": "Event", "type": kind_of, "reason": text(0), "message": text(1), "count": 5,
        "lastTimestamp": time::format(NOW + seconds),
        "involvedObject": {"kind": kind, "namespace": "ns", "name": name, "fieldPath": field},
    })
}

/// Generates the record and the manifests of a case.
fn record(case: &Value) -> (Value, Vec<Value>) {
    let kind = case["kind"].as_str().unwrap_or("Deployment");
    let created = time::format(NOW - AGE);
    let mut container = json!({"name": "web", "image": "img:1"});
    merge(&mut container, &case["container"]);
    let mut pod = json!({"containers": [container], "restartPolicy": if kind == "Job" { "Never" } else { "Always" }});
    merge(&mut pod, &case["pod"]);
    let api = match kind {
        "Job" => "batch/v1",
        "Pod" => "v1",
        _ => "apps/v1",
    };
    let mut web = json!({"apiVersion": api, "kind": kind, "metadata": {"name": "web"}});
    if kind == "Pod" {
        web["spec"] = pod.clone();
    } else {
        web["spec"] = json!({"replicas": 1, "template": {"metadata": {"labels": {"app": "web"}}, "spec": pod.clone()}});
        merge(&mut web["spec"], &case["spec"]);
    }
    let ready = case["ready"] == true;
    let mut written = vec![web.clone()];
    let list = |key: &str| case[key].as_array().cloned().unwrap_or_default();
    let unwritten = list("unwritten");
    if case["foreign"].is_null() {
        written.extend(list("more").into_iter().filter(|object| !unwritten.contains(&object["kind"])));
    }
    written.extend(list("unrecorded"));

    let live = |mut object: Value| {
        object["metadata"]["namespace"] = "ns".into();
        object["metadata"]["creationTimestamp"] = created.as_str().into();
        object["metadata"]["uid"] = format!("{}-{}", object["kind"], object["metadata"]["name"]).into();
        object
    };
    let owned = |mut object: Value, owner: &Value| {
        let metadata = &owner["metadata"];
        object["metadata"]["ownerReferences"] =
            json!([{"controller": true, "kind": owner["kind"], "name": metadata["name"], "uid": metadata["uid"]}]);
        object
    };
    let mut web = live(web);
    merge(&mut web["spec"], &case["live_spec"]);
    web["status"] = match (kind, ready) {
        (_, true) => json!({"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1, "availableReplicas": 1}),
        (_, false) => {
            json!({"replicas": i32::from(case["not_created"].is_null()), "updatedReplicas": 1, "unavailableReplicas": 1})
        }
    };
    for key in ["object_status", "job"] {
        if case[key].is_object() {
            web["status"] = case[key].clone();
        }
    }
    let mut all: Vec<Value> = list("more").into_iter().map(live).collect();
    let mut events: Vec<Value> = Vec::new();
    let mut owner = web.clone();
    if kind == "Deployment" {
        let mut set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web-1"}, "spec": web["spec"].clone()});
        set = owned(live(set), &web);
        if let Some(message) = case["not_created"].as_str() {
            set["status"] = json!({"conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}]});
        }
        owner = set.clone();
        all.push(set);
    }
    let pods = case["not_created"].is_null() && case["pods"] != 0;
    let name = if kind == "Pod" {
        "web"
    } else if kind == "StatefulSet" {
        "web-0"
    } else {
        "web-1-x"
    };
    if pods {
        let mut object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "web"}}, "spec": pod});
        if case["unscheduled"].is_null() && case["unseen"].is_null() {
            object["spec"]["nodeName"] = "node1".into();
        }
        for volume in list("pod_volumes") {
            object["spec"]["volumes"].as_array_mut().unwrap().push(volume);
        }
        object = live(object);
        if kind != "Pod" {
            object = owned(object, &owner);
        }
        let mut status = json!({"name": "web", "ready": ready, "restartCount": 0});
        merge(&mut status, &case["status"]);
        let mut conditions = list("conditions");
        object["status"] = match (case["unscheduled"].as_str(), case["unseen"].is_null()) {
            (_, false) => json!({"phase": "Pending"}),
            (Some(message), _) => {
                let since = case["unscheduled_since"].as_i64().unwrap_or(-AGE);
                let reason = case["reason"].as_str().unwrap_or("Unschedulable");
                json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": reason, "message": message, "lastTransitionTime": since}]})
            }
            (None, true) => {
                conditions.push(json!({"type": "PodScheduled", "status": "True"}));
                if !conditions.iter().any(|condition| condition["type"] == "Ready") {
                    conditions.push(json!({"type": "Ready", "status": if ready { "True" } else { "False" }}));
                }
                json!({"phase": "Running", "startTime": created, "conditions": conditions, "containerStatuses": [status], "initContainerStatuses": list("init")})
            }
        };
        merge(&mut object["status"], &case["phase"]);
        if !case["deleted"].is_null() {
            object["metadata"]["deletionTimestamp"] = case["deleted"].clone();
        }
        if kind != "Pod" {
            all.push(object);
        } else {
            web = object;
        }
    }
    if case["unrecorded_web"].is_null() {
        all.push(web);
    } else {
        all.retain(|object| object["kind"] == "Namespace");
    }
    for parts in list("events") {
        let parts = parts.as_array().unwrap().clone();
        let field = (parts.get(2) == Some(&"web".into())).then(|| "spec.containers{web}".to_owned());
        events.push(event("Pod", name, &parts, field));
    }
    for parts in list("more_events") {
        let parts = parts.as_array().unwrap().clone();
        let field = parts.get(5).and_then(Value::as_str).map(str::to_owned);
        events.push(event(parts[0].as_str().unwrap(), parts[1].as_str().unwrap(), &parts[2..], field));
    }
    let mut logs = json!({});
    if let Some(log) = case["logs"].as_str() {
        logs[format!("{name}/web")] = log.into();
    }
    let applied: Vec<&str> = [&case["applied"], &case["applied_then"]].into_iter().filter_map(Value::as_str).collect();
    let mut record =
        json!({"at": time::format(NOW), "objects": all, "events": events, "logs": logs, "applied": applied});
    times(&mut record);
    (record, written)
}

#[test]
fn documented_reasons_and_messages_are_recognized() {
    let text = std::fs::read_to_string(format!("{DATA}/cases.yaml")).unwrap();
    let cases: Vec<Value> = serde_saphyr::from_str(&text).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        let (record, written) = record(case);
        let record = Record::read(&record.to_string()).unwrap();
        let sources = Sources::new();
        let manifest: Vec<String> = written.iter().map(Value::to_string).collect();
        let manifests = objects(&sources, &manifest.join("\n---\n"));
        let alone = ["unrecorded", "unwritten", "foreign", "live_spec"].iter().all(|key| case[key].is_null());
        for manifests in [Some(manifests.as_slice()), None] {
            if manifests.is_none() && !alone {
                continue;
            }
            let diagnosis = status::diagnose(&record, manifests, PATIENCE);
            let findings = diagnosis.findings(manifests);
            // How long `up` waits for the cause to go away: seconds, or `forever`.
            let waits = diagnosis.causes.first().map(|cause| match cause.recovery {
                Recovery::Impossible => json!(0),
                Recovery::Unlikely(seconds) => json!(seconds),
                Recovery::Possible => json!("forever"),
            });
            if !case["waits"].is_null() && waits.as_ref() != Some(&case["waits"]) {
                wrong.push(format!("{}: waits {waits:?}, expected {}", case["name"], case["waits"]));
            }
            let is_expected = match (case["expect"].as_array(), findings.as_slice()) {
                (None, found) => found.is_empty(),
                (Some(expect), [finding]) => {
                    let text = case["contains"].as_str().unwrap_or_default();
                    let field = segments(expect[2].as_str().unwrap());
                    finding.rule.name() == expect[0].as_str().unwrap()
                        && is_at(finding, expect[1].as_str().unwrap(), expect[2].as_str().unwrap())
                        && (field.is_empty() || !finding.field.is_empty())
                        && (finding.message.contains(text) || finding.help.contains(text))
                        && !finding.help.is_empty()
                }
                (Some(_), _) => false,
            };
            if !is_expected {
                let found: Vec<_> = findings
                    .iter()
                    .map(|f| format!("{} {} {}: {}", f.rule, f.object.as_ref().unwrap(), f.field, f.message))
                    .collect();
                wrong.push(format!(
                    "{} (manifests: {}): expected {}\n  found {found:#?}",
                    case["name"],
                    manifests.is_some(),
                    case["expect"]
                ));
            }
        }
    }
    assert!(cases.len() > 110, "{}", cases.len());
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_rule_has_a_record() {
    let text = std::fs::read_to_string(format!("{DATA}/cases.yaml")).unwrap();
    // The rules that the records of the real node cover.
    let elsewhere = std::fs::read_dir(format!("{DATA}/node")).unwrap().count();
    assert!(elsewhere > 60);
    let shown = [
        "status-node-port-taken",
        "status-image-invalid",
        "status-image-pull-failed",
        "status-host-port-taken",
        "status-container-exits",
        "status-init-container-fails",
        "status-init-container-waits",
        "status-startup-probe-fails",
        "status-service-selects-nothing",
        "status-claim-missing",
        "status-readiness-gate-open",
    ];
    let missing: Vec<&str> = status::rules::ALL
        .iter()
        .map(|rule| rule.id.name())
        .filter(|id| !text.contains(&format!("[{id},")) && !shown.contains(id))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn plimsoll(args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll")).args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn status_of(name: &str, args: &[&str]) -> (i32, String, String) {
    let (from, manifest) = (format!("{DATA}/node/{name}.json"), format!("{DATA}/node/{name}.yaml"));
    assert!(Path::new(&from).exists());
    plimsoll(&[&["status", "--from", &from, "--manifest", &manifest], args].concat())
}

#[test]
fn the_command_prints_states_and_causes() {
    let (code, out, _) = status_of("init-crash", &[]);
    assert_eq!(code, 1);
    for says in [
        "progressing  Deployment/web  0/1 ready: init 1/1 prepare: CrashLoopBackOff\n",
        "error[status-init-container-fails]: init container `prepare` fails with exit code 2: cannot open /data: permission denied\n",
        "init-crash.yaml:11:10\n",
        "Deployment/web spec.template.spec.initContainers[0]\n",
        "log: cannot open /data: permission denied\n",
        "terminated: Error, exit code 2, restarted 5 times\n",
    ] {
        assert!(out.contains(says), "{says}\n{out}");
    }
    let (code, out, _) = status_of("healthy", &[]);
    assert_eq!((code, out.as_str()), (0, "ready        Deployment/web  1/1 ready\n"));
}

#[test]
fn the_command_prints_json_and_workflow_commands() {
    let (code, out, _) = status_of("quota", &["--output", "json"]);
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 1);
    assert_eq!(document["ready"], false);
    let finding = &document["findings"][0];
    assert_eq!(
        finding["object"],
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "namespace": "f-quota", "name": "small"})
    );
    assert_eq!(finding["field"], "spec.hard.pods");
    assert_eq!(finding["source"]["line"], 4);
    assert!(finding["related"][0]["message"].as_str().unwrap().contains("exceeded quota: small"));
    let states: Vec<_> =
        document["objects"].as_array().unwrap().iter().map(|object| object["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["ready", "progressing"]);
    let (code, out, _) = status_of("nodeport-taken", &["--output", "github"]);
    assert_eq!(code, 1);
    assert!(out.starts_with("::error title=status-node-port-taken,file="), "{out}");
    assert!(out.contains(",line=9,"), "{out}");
}

#[test]
fn an_invalid_record_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for (text, says) in [
        ("{", "invalid JSON"),
        ("[]", "not a record: neither `objects` nor `items`"),
        ("{\"a\": 1}", "not a record: neither `objects` nor `items`"),
    ] {
        let path = folder.path().join("r.json");
        std::fs::write(&path, text).unwrap();
        let (code, out, err) = plimsoll(&["status", "--from", path.to_str().unwrap()]);
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(err.contains(says), "{err}");
    }
    let (code, _, err) = plimsoll(&["status", "--from", "/nowhere.json"]);
    assert_eq!(code, 2);
    assert!(err.contains("cannot read /nowhere.json"), "{err}");
}

/// Malformed records do not cause a panic.
#[test]
fn malformed_records_do_not_panic() {
    let text = std::fs::read_to_string(format!("{DATA}/node/init-crash.json")).unwrap();
    let whole: Value = serde_json::from_str(&text).unwrap();
    let odd = [json!(null), json!(1), json!(""), json!("\u{e9}"), json!([]), json!({}), json!([null]), json!(-1)];
    let mut tried = 0;
    let mut paths = Vec::new();
    collect(&whole, &mut Vec::new(), &mut paths);
    for (at, path) in paths.iter().enumerate() {
        let mut record = whole.clone();
        *record.pointer_mut(path).unwrap() = odd[at % odd.len()].clone();
        if let Ok(record) = Record::read(&record.to_string()) {
            _ = status::diagnose(&record, None, 0);
            tried += 1;
        }
    }
    assert!(tried > 500, "{tried}");
}

fn collect(value: &Value, path: &mut Vec<String>, paths: &mut Vec<String>) {
    if !path.is_empty() {
        paths.push(format!("/{}", path.join("/")));
    }
    let below: Vec<(String, &Value)> = match value {
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Array(items) => items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (key, value) in below {
        path.push(key);
        collect(value, path, paths);
        path.pop();
    }
}

/// Fake programs that respond with the contents of a record.
fn cluster(name: &str) -> FakePrograms {
    let record: Value =
        serde_json::from_str(&std::fs::read_to_string(format!("{DATA}/node/{name}.json")).unwrap()).unwrap();
    let list = |items: &Value| json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let mut programs = FakePrograms::new(&["kubectl"]);
    programs.respond("* get deployments.apps,*", &list(&record["objects"]));
    programs.respond("* get events *", &list(&record["events"]));
    programs.respond("* get namespace *", "");
    for (container, log) in record["logs"].as_object().unwrap() {
        let mut parts = container.split('/');
        let (pod, container, previous) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().is_some());
        let end = if previous { " --previous" } else { "" };
        programs.respond(
            &format!("* logs {pod} *--container {container} --tail=20 --limit-bytes=16384{end}"),
            log.as_str().unwrap(),
        );
    }
    programs
}

#[test]
fn a_cluster_is_read_with_kubectl() {
    let programs = cluster("init-crash");
    let manifest = format!("{DATA}/node/init-crash.yaml");
    let record = programs.file("record.json");
    let args = [
        "status",
        "--manifest",
        &manifest,
        "-n",
        "f-init-crash",
        "--context",
        "c",
        "--record",
        record.to_str().unwrap(),
        "--verbose",
    ];
    let output = programs.run(&args);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(out.contains("error[status-init-container-fails]"), "{out}");
    let calls = programs.calls();
    assert!(calls.iter().all(|call| call.starts_with("kubectl --context=c ") && !call.contains("secret")), "{calls:?}");
    assert!(
        calls[0].contains("pods,services,")
            && calls[0].ends_with("--namespace=f-init-crash --ignore-not-found --output=json")
    );
    assert_eq!(err.lines().count(), calls.len());
    assert!(err.lines().all(|line| line.starts_with("$ kubectl ")));
    // The saved record yields the same output.
    let again = plimsoll(&["status", "--manifest", &manifest, "--from", record.to_str().unwrap()]);
    assert_eq!(again, (1, out, String::new()));
}

#[test]
fn a_saved_record_contains_no_secrets() {
    let mut programs = FakePrograms::new(&["kubectl"]);
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n", "managedFields": [{"manager": "x"}],
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"password\":\"hunter22-secret\"}", "a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "i", "env": [{"name": "DB_PASSWORD", "value": "hunter22-secret"}]}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "c", "ready": false, "state": {"running": {}}}]},
    });
    programs.respond("* get deployments.apps,*", &json!({"kind": "List", "items": [pod]}).to_string());
    programs.respond("* get *", "");
    programs.respond("* logs *", "connecting with hunter22-secret\n");
    let record = programs.file("record.json");
    let output = programs.run(&["status", "-n", "n", "--record", record.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let saved = std::fs::read_to_string(record).unwrap();
    assert!(!saved.contains("hunter22") && !saved.contains("managedFields"), "{saved}");
    assert!(saved.contains("connecting with •••") && saved.contains("\"a\": \"b\""), "{saved}");
}

#[test]
fn errors_of_kubectl_are_reported() {
    let manifest = format!("{DATA}/node/init-crash.yaml");
    let none = FakePrograms::new(&[]);
    let output = none.run(&["status", "--manifest", &manifest, "-n", "n"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).starts_with("error: `kubectl` not found in PATH; to install it, see https://"),
        "{output:?}"
    );
    let mut failing = FakePrograms::new(&["kubectl"]);
    let stderr = "The connection to the server localhost:8080 was refused - did you specify the right host or port?\n";
    failing.respond_with("*", Response { stderr, code: 1, ..Response::default() });
    let output = failing.run(&["status", "--manifest", &manifest, "-n", "n"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr)
            .contains("failed with exit code 1: The connection to the server localhost:8080 was refused")
    );
    let output = failing.run(&["status", "--manifest", &manifest]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("the manifests set no namespace: pass --namespace"));
}

#[test]
fn the_kind_cluster_of_a_profile_is_used() {
    let mut programs = FakePrograms::new(&["kubectl"]);
    programs.respond("*", "");
    let output = programs.run(&["status", "gateway"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(
        programs.calls().iter().all(|call| call.starts_with("kubectl --context=kind-gateway-e2e get ")),
        "{:?}",
        programs.calls()
    );
}

#[test]
fn watching_ends_when_ready_on_timeout_and_on_interruption() {
    // At first the pod is not ready, then it is.
    let mut programs = FakePrograms::new(&["kubectl"]);
    let healthy = std::fs::read_to_string(format!("{DATA}/node/healthy.json")).unwrap();
    let waiting = healthy
        .replace("\"readyReplicas\": 1,", "")
        .replace("\"status\": \"True\",\n     \"type\": \"Ready\"", "\"status\": \"False\",\n     \"type\": \"Ready\"");
    let list = |text: &str| {
        json!({"kind": "List", "items": serde_json::from_str::<Value>(text).unwrap()["objects"]}).to_string()
    };
    programs.respond_with(
        "* get deployments.apps,*",
        Response { stdout: &list(&waiting), times: 2, ..Response::default() },
    );
    programs.respond("* get deployments.apps,*", &list(&healthy));
    programs.respond("* get *", "");
    programs.respond("* logs *", "");
    let manifest = format!("{DATA}/node/healthy.yaml");
    let args = ["status", "--manifest", &manifest, "-n", "f-healthy", "--watch"];
    let output = programs.run(&args);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(programs.calls_with("get deployments.apps,").len(), 3);
    assert_eq!(text(&output.stdout), "ready        Deployment/web  1/1 ready\n");
    assert!(text(&output.stderr).starts_with("progressing  Deployment/web  0/1 ready"), "{output:?}");

    let mut programs = FakePrograms::new(&["kubectl"]);
    programs.respond("* get deployments.apps,*", &list(&waiting));
    programs.respond("*", "");
    let output = programs.run(&[&args[..], &["--timeout", "2s"]].concat());
    assert_eq!(output.status.code(), Some(124), "{output:?}");

    let mut programs = FakePrograms::new(&["kubectl"]);
    programs.respond("* get deployments.apps,*", &list(&waiting));
    programs.respond("*", "");
    let child = programs.start(&args);
    programs.wait_for_call("get namespace");
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
}
