//! Rule `secret-type-data-missing`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::go::decode_base64;
use crate::node::Node;
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::SecretTypeDataMissing,
    doc: Doc {
        checks: "\
A Secret of the type `kubernetes.io/tls` must have `tls.crt` and `tls.key`,
`kubernetes.io/dockerconfigjson` must have `.dockerconfigjson` with a JSON object,
`kubernetes.io/dockercfg` the same in `.dockercfg`, `kubernetes.io/basic-auth` must have `username`
or `password`, `kubernetes.io/ssh-auth` must have a `ssh-privatekey` that is not empty, and
`kubernetes.io/service-account-token` must name its ServiceAccount in the annotation
`kubernetes.io/service-account.name`. Keys in `stringData` count. Nothing is reported for other
types.",
        why: "The API server rejects the object with \"Required value\" at the key that is missing.",
        fix: "Add the key, or use the type `Opaque`.",
        source: "`ValidateSecret` in `pkg/apis/core/validation`.",
    },
    bad: "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: kubernetes.io/tls\nstringData: {tls.crt: cert}\n",
    good: "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: kubernetes.io/tls\nstringData: {tls.crt: cert, tls.key: key}\n",
    check: Check::Object(check),
};

/// The annotation that names the ServiceAccount of a token.
const ACCOUNT: &str = "kubernetes.io/service-account.name";

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "Secret" || !object.group().is_empty() {
        return;
    }
    let kind = object.node["type"].text();
    let root = At::root("", &object.node);
    let data = root.get("data");
    let mut require = |key: &str| {
        if find(object, key).is_none() {
            faults.add(&data.key(key), format!("`{key}` is required in a Secret of type `{kind}`"));
        }
    };
    match kind {
        "kubernetes.io/tls" => ["tls.crt", "tls.key"].iter().for_each(|key| require(key)),
        "kubernetes.io/basic-auth" if find(object, "username").is_none() && find(object, "password").is_none() => {
            ["username", "password"].iter().for_each(|key| require(key));
        }
        "kubernetes.io/ssh-auth" if find(object, "ssh-privatekey").is_none_or(|(value, _)| value.text().is_empty()) => {
            faults.add(
                &data.key("ssh-privatekey"),
                "`ssh-privatekey` is required in a Secret of type `kubernetes.io/ssh-auth`",
            );
        }
        "kubernetes.io/dockercfg" => json(faults, object, &data.key(".dockercfg")),
        "kubernetes.io/dockerconfigjson" => json(faults, object, &data.key(".dockerconfigjson")),
        "kubernetes.io/service-account-token" => {
            let metadata = root.get("metadata");
            let annotations = metadata.get("annotations");
            let account = annotations.key(ACCOUNT);
            if account.text().is_empty() {
                faults.required(&account).help("set the name of the ServiceAccount of the token");
            }
        }
        _ => {}
    }
}

/// The value of a key, and whether it is base64-encoded. `stringData` overrides `data`.
fn find<'a>(object: &'a Object, key: &str) -> Option<(&'a Node, bool)> {
    let plain = object.node["stringData"].get(key).map(|node| (node, false));
    plain.or_else(|| object.node["data"].get(key).map(|node| (node, true)))
}

fn json(faults: &mut Faults<'_, '_>, object: &Object, at: &At<'_, '_>) {
    let key = at.to_string();
    let Some((value, encoded)) = find(object, key.trim_start_matches("data[").trim_end_matches(']')) else {
        faults.required(at);
        return;
    };
    let decoded = if encoded { decode_base64(value.text()) } else { Some(value.text().as_bytes().to_vec()) };
    // The decoder reports invalid base64.
    let Some(bytes) = decoded else { return };
    let valid = bytes.is_empty()
        || serde_json::from_slice::<Option<serde_json::Map<String, serde_json::Value>>>(&bytes).is_ok();
    if !valid {
        faults.add(at, "the value must be a JSON object").place(value.origin.span);
    }
}
