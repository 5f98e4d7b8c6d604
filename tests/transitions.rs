//! Replays changes of custom resources that a kube-apiserver 1.36.2 judged, and holds what is predicted of them against it.
//!
//! `transitions.jsonl`: definitions (`crd`), then changes of their resources: the number of the definition, `spec` as it was and as
//! it is applied server-side over that, the verdict with its causes (reason, field), and whether the new one by itself is accepted.
#![allow(clippy::unwrap_used)]

use plimsoll::check::api_errors;
use plimsoll::kube::KubernetesVersion;
use plimsoll::kube::crd::CustomKinds;
use plimsoll::node::Node;
use plimsoll::object::Object;
use plimsoll::updates::{Effect, Judge};
use plimsoll::yaml::read_json;
use serde_json::{Value, json};

use crate::oracle::read;

fn node(value: &Value) -> Node {
    read_json(&value.to_string()).unwrap()
}

#[test]
fn rules_on_changes_are_judged_as_by_the_server() {
    let rows: Vec<Value> = read("transitions.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (definitions, changes): (Vec<&Value>, Vec<&Value>) = rows.iter().partition(|row| row["crd"].is_object());
    let crds: Vec<Node> = definitions.iter().map(|row| node(&row["crd"])).collect();
    let custom = CustomKinds::new(&crds);
    let mut judge = Judge::new(KubernetesVersion::default(), &custom, api_errors);
    let mut rejected = 0;
    for row in &changes {
        let number = usize::try_from(row["definition"].as_u64().unwrap()).unwrap();
        let kind = &definitions[number]["crd"]["spec"]["names"]["kind"];
        let object = |spec: &Value| {
            let api_version = "tr.example.com/v1";
            Object::new(node(
                &json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "o"}, "spec": spec}),
            ))
        };
        let mut old = object(&row["old"]);
        if definitions[number]["crd"]["spec"]["versions"][0]["subresources"].is_object() {
            // Of a rule that reads the status nothing is known without it.
            assert!(judge.update(&old, &object(&row["new"])).refusals.is_empty(), "{row}");
            let mut live = old.node.clone();
            if let plimsoll::node::Value::Mapping(mapping) = &mut live.value {
                mapping.set("status", node(&json!({"free": false})));
            }
            old = Object::new(live);
        }
        let update = judge.update(&old, &object(&row["new"]));
        let fields = |mut fields: Vec<String>| {
            fields.sort();
            fields
        };
        let found = fields(update.refusals.iter().map(|refusal| refusal.field.clone()).collect());
        let causes = row["causes"].as_array().unwrap().iter();
        let expected = fields(causes.map(|cause| cause[1].as_str().unwrap().replace("<nil>", "")).collect());
        if row["alone"] == true {
            assert_eq!(found, expected, "{row}\n{:?}", update.refusals);
            assert_eq!(update.effect == Effect::Rejected, row["accepted"] == false, "{row}");
        } else {
            assert!(found.iter().all(|field| field.is_empty() || expected.contains(field)), "{row}\n{found:?}");
        }
        for refusal in &update.refusals {
            let says = row["message"].as_str().unwrap();
            let is_duplicate = says.contains("Duplicate value") || refusal.field.is_empty();
            assert!(is_duplicate || says.contains(&refusal.message), "{}: {row}", refusal.message);
        }
        rejected += usize::from(update.effect == Effect::Rejected);
    }
    assert!(changes.len() > 90 && rejected > 40, "{} {rejected}", changes.len());
}
