//! Whether two values mean the same to the server: absent, null, empty and default are one, and so are `1Gi` and `1024Mi`.

use crate::formats::quantity::Quantity;
use crate::node::{Node, Value};

/// What a field of a pod template holds when it is absent.
enum Default {
    Text(&'static str),
    Number(i64),
    Yes,
}

/// The defaults of the fields of pod templates and claims, by name (`pkg/apis/core/v1/defaults.go`). A name that means
/// different things in different structs is left out.
const DEFAULTS: &[(&str, Default)] = &[
    ("completionMode", Default::Text("NonIndexed")),
    ("defaultMode", Default::Number(420)),
    ("divisor", Default::Text("0")),
    ("dnsPolicy", Default::Text("ClusterFirst")),
    ("enableServiceLinks", Default::Yes),
    ("expirationSeconds", Default::Number(3600)),
    ("failureThreshold", Default::Number(3)),
    ("periodSeconds", Default::Number(10)),
    ("podManagementPolicy", Default::Text("OrderedReady")),
    ("preemptionPolicy", Default::Text("PreemptLowerPriority")),
    ("protocol", Default::Text("TCP")),
    ("restartPolicy", Default::Text("Always")),
    ("schedulerName", Default::Text("default-scheduler")),
    ("scheme", Default::Text("HTTP")),
    ("serviceAccountName", Default::Text("default")),
    ("status", Default::Text("True")),
    ("successThreshold", Default::Number(1)),
    ("terminationGracePeriodSeconds", Default::Number(30)),
    ("terminationMessagePath", Default::Text("/dev/termination-log")),
    ("terminationMessagePolicy", Default::Text("File")),
    ("timeoutSeconds", Default::Number(1)),
    ("volumeMode", Default::Text("Filesystem")),
];

/// Fields in which `false` and absent differ, and 0 and absent too.
const POINTERS: &[&str] = &[
    "activeDeadlineSeconds",
    "allowPrivilegeEscalation",
    "automountServiceAccountToken",
    "fsGroup",
    "hostUsers",
    "optional",
    "privileged",
    "readOnlyRootFilesystem",
    "runAsGroup",
    "runAsNonRoot",
    "runAsUser",
    "setHostnameAsFQDN",
    "shareProcessNamespace",
    "tolerationSeconds",
];

/// Fields whose values are maps of quantities.
const AMOUNTS: &[&str] = &["capacity", "hard", "limits", "overhead", "requests"];

/// Whether two values of a field mean the same.
pub(super) fn same(field: &str, one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Value::Mapping(_), _) | (_, Value::Mapping(_)) => mapping(field, one, other),
        (Value::Sequence(ones), Value::Sequence(others)) => {
            ones.len() == others.len() && ones.iter().zip(others).all(|(one, other)| same("", one, other))
        }
        _ if is_amount(field) && Quantity::of(one).is_some() && Quantity::of(one) == Quantity::of(other) => true,
        _ if field == "imagePullPolicy" => one.text() == other.text(),
        _ => {
            let (one, other) = (Plain::of(field, one), Plain::of(field, other));
            one == other
        }
    }
}

fn is_amount(field: &str) -> bool {
    matches!(field, "storage" | "sizeLimit" | "divisor" | "amount")
}

fn mapping(field: &str, one: &Node, other: &Node) -> bool {
    let amounts = AMOUNTS.contains(&field);
    let within = |key: &str| if amounts { "amount".to_owned() } else { key.to_owned() };
    // Requests that are absent are the limits.
    let filled = |node: &Node, key: &str| -> Node {
        if key == "requests" && node["limits"].is_set() {
            let mut all = node["limits"].clone();
            if let Value::Mapping(mapping) = &mut all.value {
                for entry in node["requests"].entries() {
                    mapping.set(&entry.key, entry.value.clone());
                }
            }
            return all;
        }
        node[key].clone()
    };
    let keys = one.entries().iter().chain(other.entries()).map(|entry| entry.key.as_str());
    keys.into_iter().all(|key| {
        if key == "requests" || key == "limits" {
            return same(&within(key), &filled(one, key), &filled(other, key));
        }
        // A field path's version is the core one where none is given.
        if key == "apiVersion" && (one["fieldPath"].is_set() || other["fieldPath"].is_set()) {
            let version = |node: &Node| if node[key].is_null() { "v1".to_owned() } else { node[key].text().to_owned() };
            return version(one) == version(other);
        }
        // An HTTP probe asks for the root where no path is given.
        if key == "path" && (one["port"].is_set() || other["port"].is_set()) {
            let path =
                |node: &Node| if node[key].text().is_empty() { "/".to_owned() } else { node[key].text().to_owned() };
            return path(one) == path(other);
        }
        if amounts && (one[key].is_null() != other[key].is_null()) {
            return false;
        }
        same(&within(key), &one[key], &other[key])
    })
}

/// A value with its default filled in; absent and empty are one.
#[derive(Debug, PartialEq)]
enum Plain<'a> {
    Nothing,
    Yes,
    No,
    Number(f64),
    Text(&'a str),
    List,
}

impl<'a> Plain<'a> {
    fn of(field: &str, node: &'a Node) -> Self {
        let pointer = POINTERS.contains(&field);
        match &node.value {
            Value::Bool(true) => Self::Yes,
            Value::Bool(false) if pointer || field == "enableServiceLinks" => Self::No,
            Value::Int(0) if !pointer && default(field).is_none() => Self::Nothing,
            Value::Int(number) => Self::Number(*number as f64),
            Value::Float(number) => Self::Number(*number),
            Value::String(text) if !text.is_empty() => Self::Text(text),
            Value::Sequence(items) if !items.is_empty() => Self::List,
            Value::Bool(false) | Value::Null | Value::String(_) | Value::Sequence(_) | Value::Mapping(_) => {
                match default(field) {
                    Some(Default::Text(text)) => Self::Text(text),
                    Some(Default::Number(number)) => Self::Number(*number as f64),
                    Some(Default::Yes) => Self::Yes,
                    None => Self::Nothing,
                }
            }
        }
    }
}

fn default(field: &str) -> Option<&'static Default> {
    let at = DEFAULTS.binary_search_by_key(&field, |(name, _)| name).ok()?;
    Some(&DEFAULTS[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;
    use crate::yaml::{Dialect, load_text};

    fn are(one: &str, other: &str) -> bool {
        let read = |text: &str| load_text(text, FileId(0), Dialect::Kubectl).documents.pop().unwrap_or_default();
        same("", &read(one), &read(other))
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(DEFAULTS.is_sorted_by_key(|(name, _)| *name));
    }

    #[test]
    fn absent_empty_and_default_are_one() {
        for (one, other) in [
            ("{a: ''}", "{b: []}"),
            ("{protocol: TCP}", "{}"),
            ("{requests: {cpu: 100m}}", "{requests: {cpu: '0.1'}}"),
            ("{limits: {cpu: 1}}", "{limits: {cpu: '1'}, requests: {cpu: 1000m}}"),
            ("{fieldRef: {fieldPath: a}}", "{fieldRef: {fieldPath: a, apiVersion: v1}}"),
            ("{httpGet: {port: 1}}", "{httpGet: {port: 1, path: /, scheme: HTTP}}"),
            ("{readOnly: false}", "{}"),
        ] {
            assert!(are(one, other) && are(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("{a: b}", "{}"),
            ("{protocol: UDP}", "{}"),
            ("{optional: false}", "{}"),
            ("{command: [a]}", "{command: [a, null]}"),
            ("{command: [a, b]}", "{command: [b, a]}"),
            ("{limits: {cpu: 1}}", "{limits: {cpu: 2}, requests: {cpu: 1}}"),
            ("{readOnly: true}", "{}"),
        ] {
            assert!(!are(one, other) && !are(other, one), "{one} {other}");
        }
    }
}
