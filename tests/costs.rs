//! The cost estimates of CEL expressions, recorded on a kube-apiserver 1.36.2.
//!
//! `costs.jsonl`: schemas, and rules on their values with the costs: the server accepts a rule in a map of `10000000
//! / cost` values and rejects it with one value more. `limits.jsonl`: definitions, and what the server rejects as too
//! expensive.
#![allow(clippy::unwrap_used)]

use plimsoll::check::{Options, check};
use plimsoll::finding::Finding;
use plimsoll::object::Object;
use plimsoll::yaml::read_json;
use serde_json::{Value, json};

use crate::oracle::read;

const LIMIT: u64 = 10_000_000;

fn rows(file: &str) -> Vec<Value> {
    read(file).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn findings(definition: &Value) -> Vec<Finding> {
    let options = Options { only: vec!["api".to_owned()], ..Options::default() };
    check(&[Object::new(read_json(&definition.to_string()).unwrap())], &options)
}

fn definition(schema: &Value, most: u64) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "cs.example.com"},
        "spec": {"group": "example.com", "scope": "Cluster", "names": {"plural": "cs", "kind": "C"}, "versions": [{
            "name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                "m": {"type": "object", "maxProperties": most, "additionalProperties": schema},
            }}},
        }]},
    })
}

#[test]
fn rules_cost_what_the_server_estimates() {
    let rows = rows("costs.jsonl");
    let (schema, rules) = rows.split_first().unwrap();
    assert!(rules.len() > 150);
    for row in rules {
        let mut schema = schema["schema"].clone();
        let mut rule = json!({"rule": row["rule"], "message": "m"});
        if row["optional"] == true {
            rule["optionalOldSelf"] = json!(true);
        }
        schema["x-kubernetes-validations"] = json!([rule]);
        let most = LIMIT / row["cost"].as_u64().unwrap();
        let cheap = findings(&definition(&schema, most));
        assert!(cheap.is_empty(), "{row}: {cheap:?}");
        let expensive = findings(&definition(&schema, most + 1));
        assert!(expensive.len() == 1 && expensive[0].message.contains("estimated rule cost"), "{row}: {expensive:?}");
    }
}

#[test]
fn definitions_are_rejected_where_the_server_does() {
    for row in rows("limits.jsonl") {
        let mut expected: Vec<[String; 2]> = row["over"].as_array().unwrap().iter().map(told).collect();
        // The total cost of all rules is not reported again if one of them is too expensive.
        if expected.len() > 1 {
            expected.retain(|[_, message]| !message.contains("total"));
        }
        let found = findings(&row["crd"]).into_iter().map(|finding| [finding.field, finding.message]);
        assert_eq!(found.collect::<Vec<_>>(), expected, "{row}");
        assert_eq!(row["accepted"] == true, expected.is_empty());
    }
}

fn told(fact: &Value) -> [String; 2] {
    let [field, what, times] = [0, 1, 2].map(|at| fact[at].as_str().unwrap());
    [field.to_owned(), format!("{what} exceeds budget by factor of {times}")]
}
