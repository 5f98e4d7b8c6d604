//! What is rendered, held against what an API server (1.36) stored of it: a second `kubectl apply` changes nothing.
//!
//! `tests/data/stored/*.live.yaml` are `kubectl get -o yaml` of bundles that were applied to a real node. Templates have
//! changed since, so a field counts as rewritten by the server only where what it stores is not what it was sent, which
//! `kubectl apply` left in an annotation. (The selector of a PodDisruptionBudget is sent by kubectl each time, whatever
//! is stored; that is not seen here.)

#![allow(clippy::unwrap_used)]

use std::process::Command;

use serde_json::{Map, Value};

const GATEWAY: &str = include_str!("data/stored/gateway.live.yaml");

/// The kinds of the production bundle that the other has not.
const PRODUCTION: &str = include_str!("data/stored/datastorage.production.live.yaml");

/// The lists that `kubectl apply` merges, each by the field that tells its entries apart; all others it replaces.
const MERGED: &[(&str, &[&str])] = &[
    ("containers", &["name"]),
    ("env", &["name"]),
    ("imagePullSecrets", &["name"]),
    ("initContainers", &["name"]),
    ("ports", &["containerPort", "port"]),
    ("topologySpreadConstraints", &["topologyKey"]),
    ("volumeMounts", &["mountPath"]),
    ("volumes", &["name"]),
];

fn objects(text: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
    documents.into_iter().flat_map(|document| document["items"].as_array().cloned().unwrap_or(vec![document])).collect()
}

/// Kind and name, without the hash of the content.
fn identity(object: &Value) -> (String, String) {
    let name = object["metadata"]["name"].as_str().unwrap();
    let hashed =
        name.rsplit_once('-').filter(|(_, hash)| hash.len() == 10 && hash.chars().all(|c| c.is_ascii_hexdigit()));
    let name = hashed.map_or(name, |(bare, _)| bare);
    (object["kind"].as_str().unwrap().to_owned(), name.to_owned())
}

/// The fields that a patch from `kubectl apply` would hold, although the server has been sent them before.
fn rewritten(path: &str, given: &Value, sent: &Value, stored: &Value, found: &mut Vec<String>) {
    if given == stored {
        return;
    }
    match (given, stored) {
        (Value::Object(fields), Value::Object(_)) => {
            for (key, value) in fields {
                rewritten(&format!("{path}.{key}"), value, &sent[key], &stored[key], found);
            }
        }
        (Value::Array(items), Value::Array(_)) if keys(path).is_some() => {
            let keys = keys(path).unwrap();
            for item in items {
                let key = keys.iter().find(|key| !item[**key].is_null()).unwrap();
                let of = |list: &Value| {
                    let same = |other: &&Value| other[*key] == item[*key];
                    list.as_array().into_iter().flatten().find(same).cloned().unwrap_or_default()
                };
                rewritten(&format!("{path}[{}]", item[*key]), item, &of(sent), &of(stored), found);
            }
        }
        _ if sent == stored => {}
        _ => found.push(path.to_owned()),
    }
}

fn keys(path: &str) -> Option<&'static [&'static str]> {
    let name = path.rsplit('.').next().unwrap();
    MERGED.iter().find(|(list, _)| *list == name).map(|(_, keys)| *keys)
}

/// What is sent of an object that was stored before, as far as the server stores it otherwise.
fn patches(given: &[Value], live: &str, least: usize) -> Vec<String> {
    let live = objects(live);
    let mut found = Vec::new();
    let mut compared = 0;
    for object in given {
        let (kind, name) = identity(object);
        let Some(stored) = live.iter().find(|live| identity(live) == (kind.clone(), name.clone())) else { continue };
        compared += 1;
        let sent = stored["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"].as_str();
        let sent: Value = serde_json::from_str(sent.unwrap()).unwrap();
        rewritten(&format!("{kind}/{name} "), object, &sent, stored, &mut found);
    }
    assert!(compared >= least, "{compared} objects compared");
    found
}

fn rendered(arguments: &[&str]) -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .arg("render")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    objects(&String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_second_apply_changes_nothing() {
    assert_eq!(patches(&rendered(&["gateway"]), GATEWAY, 16), Vec::<String>::new());
    let production = ["datastorage", "--env", "production", "--values", "examples/production/values.yaml"];
    assert_eq!(patches(&rendered(&production), PRODUCTION, 6), Vec::<String>::new());
}

/// The manifests that were applied, of which the server stored some fields otherwise: the test above can fail.
#[test]
fn what_the_server_rewrites_is_seen() {
    let sent = |live: &str| -> Vec<Value> {
        let manifest = |stored: &Value| {
            let text = &stored["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"];
            let mut sent: Map<String, Value> = serde_json::from_str(text.as_str().unwrap()).unwrap();
            sent["metadata"].as_object_mut().unwrap().remove("annotations");
            sent.into()
        };
        objects(live).iter().map(manifest).collect()
    };
    assert_eq!(
        patches(&sent(GATEWAY), GATEWAY, 19),
        [
            "Secret/datastorage-db .stringData",
            "Secret/datastorage-secret .stringData",
            "StatefulSet/postgresql .spec.volumeClaimTemplates",
        ]
    );
    assert_eq!(patches(&sent(PRODUCTION), PRODUCTION, 6), ["NetworkPolicy/datastorage-migrate .spec.ingress"]);
}
