//! Equality as the API server sees it: an explicit default equals an absent field, `100m` equals `0.1`, and
//! `stringData` equals `data`.
//!
//! Objects are compared in their stored form ([`stored`]). Before the copies are merged, equivalent forms are unified
//! ([`ComparedNodes::field`]), so that a difference in form never becomes a field.

use ecow::EcoString;

use crate::formats::go::{decode_base64, encode_base64};
use crate::kube::crd::CustomKinds;
use crate::kube::{self, KubernetesVersion, Shape};
use crate::node::{Mapping, Node, Value};
use crate::object::Object;
use crate::source::Span;

/// An object as the API server stores it. In an object of an unknown kind a null entry counts as absent.
pub(super) fn stored(object: &Node, custom: &CustomKinds<'_>) -> Node {
    let shape = Shape::of_object(object, KubernetesVersion::default(), custom);
    match shape {
        Shape::BuiltIn(..) => kube::stored(object, shape),
        _ => without_nulls(&kube::stored(object, shape)),
    }
}

fn without_nulls(node: &Node) -> Node {
    let value = match &node.value {
        Value::Mapping(mapping) => {
            let kept = mapping.iter().filter(|entry| entry.value.is_set());
            let kept = kept.map(|entry| super::template::entry(&entry.key, without_nulls(&entry.value)));
            Value::from(kept.collect::<Mapping>())
        }
        Value::Sequence(items) => Value::from(items.iter().map(without_nulls).collect::<Vec<_>>()),
        value => value.clone(),
    };
    Node { value, origin: node.origin.clone() }
}

/// The path of the first field that the API server would store differently; `None` if the stored objects are equal.
pub(super) fn first_difference(one: &Node, other: &Node, custom: &CustomKinds<'_>) -> Option<String> {
    if one == other { None } else { differing_path(&stored(one, custom), &stored(other, custom), String::new()) }
}

fn differing_path(one: &Node, other: &Node, path: String) -> Option<String> {
    if one == other {
        return None;
    }
    match (&one.value, &other.value) {
        (Value::Mapping(ones), Value::Mapping(others)) => {
            let keys = ones.iter().chain(others).map(|entry| &entry.key);
            let below = |key: &EcoString| {
                let path = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
                differing_path(&one[key.as_str()], &other[key.as_str()], path)
            };
            keys.into_iter().find_map(below)
        }
        (Value::Sequence(ones), Value::Sequence(others)) if ones.len() == others.len() => {
            let pairs = ones.iter().zip(others).enumerate();
            pairs.into_iter().find_map(|(at, (one, other))| differing_path(one, other, format!("{path}[{at}]")))
        }
        _ => Some(path),
    }
}

/// The same object of several copies, ready to be merged: as it was given and as it is stored.
pub(super) struct ComparedObjects {
    given: Vec<Option<Node>>,
    /// Empty if the forms need not be compared: all objects are equal, or their API versions differ.
    stored: Vec<Option<Node>>,
}

impl ComparedObjects {
    pub(super) fn of(objects: &[Option<&Object>], custom: &CustomKinds<'_>) -> Self {
        let whole: Vec<Option<Node>> =
            objects.iter().map(|object| object.map(|object| with_whole_numbers(&object.node))).collect();
        let nodes: Vec<Option<&Node>> = whole.iter().map(Option::as_ref).collect();
        let mut present = nodes.iter().flatten();
        let first = present.next().copied().unwrap_or(Node::absent());
        let is_equal = present.clone().all(|node| *node == first);
        let of_one_version = present.all(|node| node["apiVersion"] == first["apiVersion"]);
        if is_equal || !of_one_version {
            return Self { given: whole, stored: Vec::new() };
        }
        let is_mixed = |field: &str| nodes.iter().flatten().any(|node| node[field].is_set());
        let as_text = first["kind"].text() == "Secret" && is_mixed("stringData") && is_mixed("data");
        let given: Vec<Option<Node>> = nodes
            .iter()
            .map(|node| node.map(|node| if as_text { with_string_data(node) } else { node.clone() }))
            .collect();
        let stored =
            given.iter().map(|node| node.as_ref().map(|node| stored_keeping_string_data(node, custom))).collect();
        Self { given, stored }
    }

    pub(super) fn nodes(&self) -> ComparedNodes<'_> {
        let given: Vec<Option<&Node>> = self.given.iter().map(Option::as_ref).collect();
        let stored =
            if self.stored.is_empty() { given.clone() } else { self.stored.iter().map(Option::as_ref).collect() };
        ComparedNodes { given, stored }
    }
}

/// An object in which integral numbers are written as integers: the API server reads `1.0` as `1`, and templates use
/// the form that every parser reads alike.
pub(super) fn with_whole_numbers(node: &Node) -> Node {
    fn is_fraction(node: &Node) -> bool {
        matches!(node.value, Value::Float(_))
            || node.items().iter().any(is_fraction)
            || node.entries().iter().any(|entry| is_fraction(&entry.value))
    }
    if !is_fraction(node) {
        return node.clone();
    }
    let value = match &node.value {
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => Value::Int(*number as i64),
        Value::Sequence(items) => Value::from(items.iter().map(with_whole_numbers).collect::<Vec<_>>()),
        Value::Mapping(mapping) => {
            let entries =
                mapping.iter().map(|entry| super::template::entry(&entry.key, with_whole_numbers(&entry.value)));
            Value::from(entries.collect::<Mapping>())
        }
        value => value.clone(),
    };
    Node { value, origin: node.origin.clone() }
}

/// The stored form of an object, with `stringData` kept as it is.
fn stored_keeping_string_data(object: &Node, custom: &CustomKinds<'_>) -> Node {
    let mut bare = object.clone();
    let strings = match &mut bare.value {
        Value::Mapping(mapping) if object["kind"].text() == "Secret" => mapping.remove("stringData"),
        _ => None,
    };
    let mut made = stored(&bare, custom);
    if let (Value::Mapping(mapping), Some(strings)) = (&mut made.value, strings) {
        mapping.set("stringData", strings);
    }
    made
}

/// A Secret with all textual `data` moved to `stringData`, which takes precedence over `data`.
fn with_string_data(object: &Node) -> Node {
    let mut object = object.clone();
    let Value::Mapping(mapping) = &mut object.value else { return object };
    let mut strings = match mapping.get("stringData").map(|node| &node.value) {
        Some(Value::Mapping(strings)) => strings.clone(),
        _ => Mapping::new(),
    };
    let Some(Value::Mapping(data)) = mapping.get_mut("data").map(|node| &mut node.value) else { return object };
    data.retain(|entry| {
        if strings.get(&entry.key).is_some() {
            return false;
        }
        let text = entry.value.as_str().and_then(decoded);
        let is_text = text.is_some();
        if let Some(text) = text {
            strings.push(entry.key.clone(), Span::NONE, Node::new(text, entry.value.origin.span));
        }
        !is_text
    });
    if data.is_empty() {
        mapping.remove("data");
    }
    mapping.set("stringData", Node::new(strings, Span::NONE));
    object
}

/// A Secret with all of `stringData` moved to `data`.
fn with_data(object: &Node) -> Node {
    let mut object = object.clone();
    let Value::Mapping(mapping) = &mut object.value else { return object };
    let strings = mapping.remove("stringData").unwrap_or_default();
    if mapping.get("data").is_none_or(Node::is_null) {
        mapping.set("data", Node::new(Mapping::new(), Span::NONE));
    }
    if let Some(Value::Mapping(data)) = mapping.get_mut("data").map(|node| &mut node.value) {
        for entry in strings.entries() {
            data.set(&entry.key, Node::new(encode_base64(entry.value.text().as_bytes()), entry.value.origin.span));
        }
    }
    object
}

/// The base64-decoded string, if it is printable text and encoding it gives the same string again.
pub(super) fn decoded(text: &str) -> Option<String> {
    let decoded = String::from_utf8(decode_base64(text)?).ok()?;
    let is_written = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    (decoded.chars().all(is_written) && encode_base64(decoded.as_bytes()) == text).then_some(decoded)
}

/// A field whose absence must be kept although it has a default, because an autoscaler or `kubectl scale` sets it.
const LEFT_TO_OTHERS: &str = "replicas";

fn is_scalar(node: &Node) -> bool {
    !matches!(node.value, Value::Mapping(_) | Value::Sequence(_))
}

/// One location in all copies: the values as given and as stored. Both are the same within strings.
#[derive(Debug, Clone)]
pub(super) struct ComparedNodes<'n> {
    pub(super) given: Vec<Option<&'n Node>>,
    pub(super) stored: Vec<Option<&'n Node>>,
}

impl<'n> ComparedNodes<'n> {
    /// Values whose given and stored forms are the same.
    pub(super) fn literal(given: Vec<Option<&'n Node>>) -> Self {
        Self { stored: given.clone(), given }
    }

    pub(super) fn present(&self) -> impl Iterator<Item = &'n Node> + Clone + '_ {
        self.given.iter().flatten().copied()
    }

    /// An entry of these mappings. Entries without effect are dropped, a default that another copy states is added,
    /// and equivalent values get one form, unless all copies state the same value anyway.
    pub(super) fn field(&self, key: &str) -> Self {
        let get = |nodes: &[Option<&'n Node>]| -> Vec<Option<&'n Node>> {
            nodes.iter().map(|node| node.and_then(|node| node.get(key))).collect()
        };
        let mut below = Self { given: get(&self.given), stored: get(&self.stored) };
        let states: Vec<_> = self
            .given
            .iter()
            .zip(&below.given)
            .filter(|(parent, _)| parent.is_some())
            .map(|(_, value)| *value)
            .collect();
        if states.first().is_some_and(|first| first.is_some() && states.iter().all(|value| value == first)) {
            return below;
        }
        let is_optional = states.contains(&None) || below.stored.iter().all(Option::is_none);
        for (given, stored) in below.given.iter_mut().zip(&below.stored) {
            match (&given, stored) {
                (Some(node), None) if is_optional || node.is_null() => *given = None,
                // A null in a map is the zero value.
                (Some(node), Some(_)) if node.is_null() => *given = *stored,
                _ => {}
            }
        }
        below.unify_forms(key != LEFT_TO_OTHERS);
        below
    }

    /// The items at these indexes of the lists.
    pub(super) fn items(&self, column: &[Option<usize>]) -> Self {
        let get = |nodes: &[Option<&'n Node>]| -> Vec<Option<&'n Node>> {
            nodes.iter().zip(column).map(|(list, at)| list.and_then(|list| list.items().get((*at)?))).collect()
        };
        let mut below = Self { given: get(&self.given), stored: get(&self.stored) };
        below.unify_forms(true);
        below
    }

    /// Gives values with the same stored form the given form of the first copy that states it; if `fills`, also where
    /// a copy states none.
    fn unify_forms(&mut self, fills: bool) {
        for at in 0..self.given.len() {
            let Some(stored) = self.stored[at] else { continue };
            let alike =
                |(given, other): (&Option<&'n Node>, &Option<&'n Node>)| given.filter(|_| *other == Some(stored));
            let mut forms = self.given.iter().zip(&self.stored).filter_map(alike);
            match self.given[at] {
                Some(given) if is_scalar(given) => {
                    if let Some(form) = forms.find(|form| is_scalar(form)) {
                        self.given[at] = Some(form);
                    }
                }
                Some(_) => {}
                None if fills => self.given[at] = forms.next(),
                None => {}
            }
        }
    }
}

/// A copy's object in the form in which the project renders it: values with the same stored form get the same given
/// form, so that only real differences remain.
pub(super) fn in_form_of(known: &Node, copy: &Node, custom: &CustomKinds<'_>) -> Node {
    in_form_of_node(known, &stored_keeping_string_data(known, custom), copy, &stored_keeping_string_data(copy, custom))
}

/// An object in the form of a template: a Secret's values in `stringData` or in `data`, integral numbers as integers.
pub(super) fn in_form_of_template(template: &Node, object: &Node) -> Node {
    let is_secret = object["kind"].text() == "Secret";
    if is_secret && template["stringData"].is_set() && object["data"].is_set() {
        return with_string_data(object);
    }
    if is_secret && template["stringData"].is_null() && object["stringData"].is_set() {
        return with_data(object);
    }
    with_whole_numbers(object)
}

fn in_form_of_node(known: &Node, known_stored: &Node, copy: &Node, copy_stored: &Node) -> Node {
    if known_stored == copy_stored && is_scalar(known) && is_scalar(copy) {
        return known.clone();
    }
    let value = match (&known.value, &copy.value) {
        (Value::Mapping(known_entries), Value::Mapping(entries)) => {
            let is_alike = |key: &str| key != LEFT_TO_OTHERS && known_stored.get(key) == copy_stored.get(key);
            let mut made = Mapping::with_capacity(entries.len());
            for entry in entries {
                let key = entry.key.as_str();
                let value = match known_entries.get(key) {
                    Some(known) => in_form_of_node(known, &known_stored[key], &entry.value, &copy_stored[key]),
                    // The project leaves out what the copy states explicitly.
                    None if is_alike(key) => continue,
                    None => entry.value.clone(),
                };
                made.push(entry.key.clone(), entry.key_span, value);
            }
            for entry in known_entries.iter().filter(|entry| entries.get(&entry.key).is_none() && is_alike(&entry.key))
            {
                made.push(entry.key.clone(), Span::NONE, entry.value.clone());
            }
            Value::from(made)
        }
        (Value::Sequence(knowns), Value::Sequence(items)) => {
            // Items correspond by name, or by index if they have none.
            let find = |at: usize, item: &Node| {
                let name = item.get("name");
                let same = |known: &Node| name.is_some() && known.get("name") == name;
                knowns.iter().position(same).or((name.is_none() && at < knowns.len()).then_some(at))
            };
            let made = items.iter().enumerate().map(|(at, item)| match find(at, item) {
                Some(known) => in_form_of_node(&knowns[known], &known_stored[known], item, &copy_stored[at]),
                None => item.clone(),
            });
            Value::from(made.collect::<Vec<_>>())
        }
        _ => return copy.clone(),
    };
    Node { value, origin: copy.origin.clone() }
}
