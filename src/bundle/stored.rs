//! Renders Secrets as the API server stores them.

use crate::formats::go::encode_base64;
use crate::node::{Derived, Entry, Mapping, Node, Value};

/// Moves the `stringData` of a Secret into its `data`, as the API server does: `kubectl apply` then compares equal
/// values and reports "unchanged". An entry of `stringData` overrides one of `data`.
///
/// A Secret whose `stringData` contains anything but strings is left unchanged, for the checks to report.
pub(super) fn encode_secret(object: &mut Node) {
    if object["kind"].as_str() != Some("Secret") || object["apiVersion"].as_str() != Some("v1") {
        return;
    }
    let is_text = |entry: &Entry| entry.value.as_str().is_some();
    let Value::Mapping(given) = &object["stringData"].value else { return };
    let data = &object["data"].value;
    if !given.iter().all(is_text) || !matches!(data, Value::Null | Value::Mapping(_)) {
        return;
    }
    let mut encoded: Mapping = match data {
        Value::Mapping(data) => data.iter().filter(|entry| given.get(&entry.key).is_none()).cloned().collect(),
        _ => Mapping::new(),
    };
    encoded.extend(given.iter().map(|entry| Entry { value: encode(&entry.value), ..entry.clone() }));
    let Value::Mapping(fields) = &mut object.value else { return };
    fields.remove("data");
    if let Some(entry) = fields.entries_mut().make_mut().iter_mut().find(|entry| entry.key == "stringData") {
        entry.key = "data".into();
        entry.value.value = Value::Mapping(encoded);
    }
}

/// Encodes a string in base64. The inputs of its parts become inputs of the whole.
fn encode(text: &Node) -> Node {
    let mut node =
        Node { value: Value::String(encode_base64(text.text().as_bytes()).into()), origin: text.origin.clone() };
    if node.origin.derived.is_some() {
        let derived = node.origin.derived_mut();
        derived.pieces.clear();
        for part in std::mem::take(&mut derived.text_parts) {
            let Some(part) = part.origin.derived else { continue };
            let Derived { inputs, secret, .. } = &*part;
            derived.secret |= *secret;
            for input in inputs {
                if derived.inputs.iter().all(|known| known.path != input.path) {
                    derived.inputs.push(input.clone());
                }
            }
        }
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;
    use crate::yaml::{Dialect, emit_stream, load_text};

    fn encoded(text: &str) -> String {
        let mut object = load_text(text, FileId(0), Dialect::Strict).documents.remove(0);
        encode_secret(&mut object);
        emit_stream([&object])
    }

    #[test]
    fn a_secret_is_rendered_as_it_is_stored() {
        let head = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n";
        for (given, stored) in [
            ("stringData: {a: b, c: ''}\n", "data:\n  a: Yg==\n  c: \"\"\n"),
            ("stringData: {a: b}\ndata: {a: eA==, x: eQ==}\n", "data:\n  x: eQ==\n  a: Yg==\n"),
            ("data: {x: eQ==}\nstringData: {a: b}\ntype: Opaque\n", "data:\n  x: eQ==\n  a: Yg==\ntype: Opaque\n"),
            ("stringData: {}\n", "data: {}\n"),
            ("data: {x: eQ==}\n", "data:\n  x: eQ==\n"),
            // Reported by the checks.
            ("stringData: {a: 1}\n", "stringData:\n  a: 1\n"),
            ("stringData: [a]\n", "stringData:\n- a\n"),
            ("stringData: {a: b}\ndata: [x]\n", "stringData:\n  a: b\ndata:\n- x\n"),
        ] {
            assert_eq!(encoded(&format!("{head}{given}")), format!("{head}{stored}"), "{given}");
        }
        let other = "apiVersion: example.com/v1\nkind: Secret\nmetadata:\n  name: a\nstringData:\n  a: b\n";
        assert_eq!(encoded(other), other);
    }
}
