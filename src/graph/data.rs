//! The data of ConfigMaps and Secrets.

use std::borrow::Cow;

use crate::formats::go::decode_base64;
use crate::node::{Entry, Node, Value};
use crate::object::Object;

/// The keys of a ConfigMap's or Secret's data.
pub(crate) fn data_keys(object: &Object) -> impl Iterator<Item = &str> {
    ["data", "stringData", "binaryData"]
        .into_iter()
        .flat_map(|field| object.node[field].entries())
        .map(|entry| entry.key.as_str())
}

/// A key of a ConfigMap's or Secret's data, and its value. `stringData` overrides `data`.
pub(crate) fn data_of<'a>(object: &'a Object, key: &str) -> Option<(&'a str, &'a Node)> {
    DATA_FIELDS.into_iter().find_map(|field| {
        let Value::Mapping(mapping) = &object.node[field].value else { return None };
        mapping.entry(key).map(|entry| (entry.key.as_str(), datum(object, field, entry)))
    })
}

/// The fields with the data of a ConfigMap or Secret; an earlier one overrides a later one.
const DATA_FIELDS: [&str; 3] = ["stringData", "data", "binaryData"];

/// The value of an entry of a data field; absent if it is base64-encoded.
fn datum<'a>(object: &Object, field: &str, entry: &'a Entry) -> &'a Node {
    let encoded = field == "binaryData" || (field == "data" && object.kind() == "Secret");
    if encoded { Node::absent() } else { &entry.value }
}

/// The value of a key of a ConfigMap or Secret, decoded from base64 if necessary.
#[must_use]
pub(crate) fn text_of<'a>(object: &'a Object, key: &str) -> Option<Cow<'a, str>> {
    let (_, node) = data_of(object, key)?;
    if let Some(text) = node.as_str() {
        return Some(Cow::Borrowed(text));
    }
    let encoded = object.node["data"].get(key)?.as_str()?;
    String::from_utf8(decode_base64(encoded)?).ok().map(Cow::Owned)
}
