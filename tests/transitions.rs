//! Replays recorded verdicts of a kube-apiserver 1.36.2 on changes of custom resources.
//!
//! `transitions.jsonl` contains definitions (`crd`), then changes of their resources: the index of the definition, the
//! old `spec` and the new one that is applied server-side over it, the verdict with its causes (reason, field), and
//! whether the new resource is accepted on creation.
#![allow(clippy::unwrap_used)]

use plimsoll::check::api_errors;
use plimsoll::kube::KubernetesVersion;
use plimsoll::kube::crd::CustomKinds;
use plimsoll::node::Node;
use plimsoll::object::Object;
use plimsoll::updates::{Effect, UpdateSimulator};
use plimsoll::yaml::read_json;
use serde_json::{Value, json};

use crate::oracle::read;

fn node(value: &Value) -> Node {
    read_json(&value.to_string()).unwrap()
}

#[test]
fn transition_rules_are_evaluated_as_by_the_api_server() {
    let rows: Vec<Value> = read("transitions.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (definitions, changes): (Vec<&Value>, Vec<&Value>) = rows.iter().partition(|row| row["crd"].is_object());
    let crds: Vec<Node> = definitions.iter().map(|row| node(&row["crd"])).collect();
    let custom = CustomKinds::new(&crds);
    let mut simulator = UpdateSimulator::new(KubernetesVersion::default(), &custom, api_errors);
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
            // A rule that reads the status is not evaluated without it.
            assert!(simulator.update(&old, &object(&row["new"])).rejections.is_empty(), "{row}");
            let mut live = old.node.clone();
            if let plimsoll::node::Value::Mapping(mapping) = &mut live.value {
                mapping.set("status", node(&json!({"free": false})));
            }
            old = Object::new(live);
        }
        let update = simulator.update(&old, &object(&row["new"]));
        let fields = |mut fields: Vec<String>| {
            fields.sort();
            fields
        };
        let found = fields(update.rejections.iter().map(|rejection| rejection.field.clone()).collect());
        let causes = row["causes"].as_array().unwrap().iter();
        let expected = fields(causes.map(|cause| cause[1].as_str().unwrap().replace("<nil>", "")).collect());
        if row["alone"] == true {
            assert_eq!(found, expected, "{row}\n{:?}", update.rejections);
            assert_eq!(update.effect == Effect::Rejected, row["accepted"] == false, "{row}");
        } else {
            assert!(found.iter().all(|field| field.is_empty() || expected.contains(field)), "{row}\n{found:?}");
        }
        for rejection in &update.rejections {
            let message = row["message"].as_str().unwrap();
            let is_duplicate = message.contains("Duplicate value") || rejection.field.is_empty();
            assert!(is_duplicate || message.contains(&rejection.message), "{}: {row}", rejection.message);
        }
        rejected += usize::from(update.effect == Effect::Rejected);
    }
    assert!(changes.len() > 90 && rejected > 40, "{} {rejected}", changes.len());
}
