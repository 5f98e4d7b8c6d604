//! Objects as the API server stores them: decoded into Go types, defaulted and encoded again.
//!
//! Manifests with the same stored form are equivalent, however they are written: `{}` and an absent field unless the field is
//! a pointer, an explicit and an applied default, `1024Mi` and `1Gi`, `stringData` and `data`. Fields that only the server
//! writes (`status`, `uid`, `managedFields`) are removed. [`stored`] returns that form, [`equivalent`] compares two objects in it.
//!
//! Nodes keep their origins; defaults have none. Lists keep their order.

use super::defaults;
use super::schema::{Field, Form, Leaf, Struct, Type};
use super::shape::Shape;
use super::version::KubernetesVersion;
use crate::formats::go::{decode_base64, encode_base64};
use crate::formats::quantity::Quantity;
use crate::node::{Mapping, Node, Value};
use crate::schema::Subschema;
use crate::source::Span;
use crate::yaml;

/// The metadata fields that only the server writes.
const SERVER_METADATA: &[&str] = &[
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// The annotation in which client-side apply stores the manifest that it applied last.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The maximum depth of absent structs that are searched for defaults; Kubernetes has none deeper.
const MOST_DEPTH: usize = 32;

/// An object as the API server stores it, without the fields that only the server writes. Of an unknown kind only the metadata
/// is decoded. Malformed values are kept.
#[must_use]
pub fn stored(object: &Node, shape: Shape<'_>) -> Node {
    let Value::Mapping(_) = &object.value else { return object.clone() };
    let mut node = match shape {
        Shape::BuiltIn(ty, version) => Reader::of(version).value(object, ty, 0),
        _ => custom(object, shape),
    };
    if let Value::Mapping(mapping) = &mut node.value {
        // The server may store the status of a custom resource's manifest; that of a live object is the controller's.
        if matches!(shape, Shape::BuiltIn(..)) || is_live(object) {
            mapping.remove("status");
        }
        let keep = |key: &str| key != LAST_APPLIED;
        if let Some(Value::Mapping(metadata)) = mapping.get_mut("metadata").map(|node| &mut node.value) {
            metadata.retain(|entry| !SERVER_METADATA.contains(&entry.key.as_str()));
            if let Some(Value::Mapping(annotations)) = metadata.get_mut("annotations").map(|node| &mut node.value) {
                annotations.retain(|entry| keep(&entry.key));
            }
            metadata.retain(|entry| !is_empty(&entry.value));
        }
        if let Shape::BuiltIn(_, version) = shape {
            defaults::object(mapping, version);
        }
    }
    node
}

/// Whether two objects of one kind have the same stored form, so that applying one over the other changes nothing.
#[must_use]
pub fn equivalent(one: &Node, other: &Node, shape: Shape<'_>) -> bool {
    stored(one, shape) == stored(other, shape)
}

/// Whether an object was read from a cluster: it has fields that only the server writes.
#[must_use]
pub fn is_live(object: &Node) -> bool {
    let metadata = &object["metadata"];
    if metadata["annotations"][LAST_APPLIED].is_set() {
        return true;
    }
    ["uid", "resourceVersion", "managedFields", "creationTimestamp"].iter().any(|field| metadata[*field].is_set())
}

fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Mapping(mapping) => mapping.is_empty(),
        Value::Sequence(items) => items.is_empty(),
        _ => false,
    }
}

/// A custom resource or one of its fields: stored as JSON, with the defaults of its definition and without nulls that the
/// definition does not allow. Equal numbers have one form.
fn custom(node: &Node, shape: Shape<'_>) -> Node {
    let value = match &node.value {
        Value::Mapping(mapping) => {
            let mut all = Mapping::with_capacity(mapping.len());
            for entry in mapping {
                let field = shape.field(&entry.key);
                let value = match field {
                    _ if entry.value.is_null() && field.definition().is_some_and(|field| !field.is_nullable()) => {
                        continue;
                    }
                    Shape::BuiltIn(ty, version) if entry.value.is_set() => {
                        Reader::of(version).value(&entry.value, ty, 0)
                    }
                    _ => custom(&entry.value, field),
                };
                all.push(entry.key.clone(), entry.key_span, value);
            }
            for (name, field) in shape.definition().into_iter().flat_map(Subschema::properties) {
                if let Some(default) = field.default_value().filter(|_| all.get(name).is_none()) {
                    all.push(name, Span::NONE, custom(default, Shape::Custom(field)));
                }
            }
            Value::Mapping(all)
        }
        Value::Sequence(items) => {
            let shape = shape.items();
            Value::Sequence(items.iter().map(|item| custom(item, shape)).collect())
        }
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => Value::Int(*number as i64),
        value => value.clone(),
    };
    Node { value, origin: node.origin.clone() }
}

/// Decodes values of built-in types.
#[derive(Clone, Copy)]
struct Reader {
    version: KubernetesVersion,
    /// Inside types with their own Go decoder, which drops unknown fields.
    lenient: bool,
}

impl Reader {
    const fn of(version: KubernetesVersion) -> Self {
        Self { version, lenient: false }
    }

    /// A value that is not null.
    fn value(self, node: &Node, ty: Type, depth: usize) -> Node {
        let value = match (ty.form(), &node.value) {
            (Form::Leaf(leaf), value) => scalar(leaf, value, false),
            (Form::Struct(own), Value::Mapping(_)) => Value::Mapping(self.fields(own, node, depth)),
            (Form::Or(own, _), Value::Mapping(_)) => return Self { lenient: true, ..self }.value(node, own, depth),
            (Form::Or(_, other), _) => return self.value(node, other, depth),
            (Form::List(items), Value::Sequence(nodes)) => {
                let item = |node: &Node| self.present(node, items, depth);
                Value::Sequence(nodes.iter().map(item).collect())
            }
            (Form::Map(values), Value::Mapping(given)) => {
                let is_amount = matches!(values.form(), Form::Leaf(Leaf::Quantity));
                let mut mapping = Mapping::with_capacity(given.len());
                for entry in given {
                    let mut value = self.present(&entry.value, values, depth);
                    if is_amount {
                        // The server rounds requests and limits to thousandths.
                        value.value = scalar(Leaf::Quantity, &value.value, true);
                    }
                    mapping.push(entry.key.clone(), entry.key_span, value);
                }
                Value::Mapping(mapping)
            }
            (_, value) => value.clone(),
        };
        Node { value, origin: node.origin.clone() }
    }

    /// An item of a list or a value of a map: null is the zero value of the type.
    fn present(self, node: &Node, ty: Type, depth: usize) -> Node {
        if node.is_set() { self.value(node, ty, depth) } else { self.zero(ty, depth) }
    }

    fn zero(self, ty: Type, depth: usize) -> Node {
        let value = match ty.form() {
            Form::Struct(own) => Value::Mapping(self.fields(own, Node::absent(), depth)),
            Form::List(_) => Value::Sequence(ecow::EcoVec::new()),
            Form::Map(_) => Value::Mapping(Mapping::new()),
            Form::Leaf(Leaf::Bool) => Value::Bool(false),
            Form::Leaf(Leaf::Int32 | Leaf::Int64 | Leaf::Double | Leaf::IntOrString) => Value::Int(0),
            Form::Leaf(Leaf::Quantity) => "0".into(),
            Form::Leaf(Leaf::String | Leaf::Bytes) => "".into(),
            Form::Leaf(_) | Form::Or(..) => Value::Null,
        };
        Node::new(value, Span::NONE)
    }

    /// The fields of a struct, without empty values and with defaults.
    fn fields(self, own: Struct, given: &Node, depth: usize) -> Mapping {
        let mut mapping = Mapping::with_capacity(given.entries().len());
        for entry in given.entries() {
            let value = match own.field(&entry.key, self.version) {
                Some(_) if entry.value.is_null() => continue,
                Some(field) => {
                    let value = self.value(&entry.value, field.ty, depth);
                    if is_empty_value(field, &value) {
                        continue;
                    }
                    value
                }
                None if self.lenient => continue,
                None => entry.value.clone(),
            };
            mapping.push(entry.key.clone(), entry.key_span, value);
        }
        if depth < MOST_DEPTH {
            for field in own.fields(self.version) {
                self.fill(field, &mut mapping, depth + 1);
            }
        }
        defaults::fields(own.name(), given, &mut mapping);
        mapping
    }

    /// Applies the default of an absent field.
    fn fill(self, field: Field, mapping: &mut Mapping, depth: usize) {
        let default = match (field.default(), field.ty.form()) {
            // A struct that is not a pointer is always present.
            (None, Form::Struct(own)) if !field.is_pointer() => {
                if mapping.get(field.name()).is_some() {
                    return;
                }
                let inner = self.fields(own, Node::absent(), depth);
                if inner.is_empty() {
                    return;
                }
                Node::new(inner, Span::NONE)
            }
            (None, _) => return,
            (Some(_), _) if mapping.get(field.name()).is_some() => return,
            (Some(text), _) => {
                let Ok(node) = yaml::read_json(text) else { return };
                self.value(&node, field.ty, depth)
            }
        };
        mapping.push(field.name(), Span::NONE, default);
    }
}

/// Whether a value is equivalent to an absent field.
fn is_empty_value(field: Field, node: &Node) -> bool {
    match (field.ty.form(), &node.value) {
        (Form::List(_), Value::Sequence(items)) => items.is_empty(),
        (Form::Map(_), Value::Mapping(mapping)) => mapping.is_empty(),
        _ if field.is_pointer() => false,
        (Form::Struct(_), Value::Mapping(mapping)) => mapping.is_empty(),
        (Form::Leaf(Leaf::Quantity), _) => Quantity::of(node).is_some_and(Quantity::is_zero),
        (Form::Leaf(Leaf::Any), _) => false,
        (Form::Leaf(_), Value::String(text)) => text.is_empty(),
        (Form::Leaf(_), Value::Bool(value)) => !value,
        (Form::Leaf(_), Value::Int(number)) => *number == 0,
        (Form::Leaf(_), Value::Float(number)) => *number == 0.0,
        _ => false,
    }
}

/// A scalar as Go decodes it. `milli`: whether a quantity is rounded to thousandths.
fn scalar(leaf: Leaf, value: &Value, milli: bool) -> Value {
    match (leaf, value) {
        (Leaf::Int32, Value::Int(number)) => Value::Int(i64::from(*number as i32)),
        (Leaf::Int32, Value::Float(number)) if number.fract() == 0.0 => Value::Int(i64::from(wrapped(*number) as i32)),
        (Leaf::Int64, Value::Float(number)) if number.fract() == 0.0 => Value::Int(wrapped(*number)),
        (Leaf::IntOrString, Value::Float(number)) if number.fract() == 0.0 => {
            Value::Int(i64::from(wrapped(*number) as i32))
        }
        (Leaf::Double, Value::Int(number)) => Value::Float(*number as f64),
        (Leaf::Quantity, Value::Int(_) | Value::Float(_) | Value::String(_)) => {
            let node = Node::new(value.clone(), Span::NONE);
            Quantity::canonical(&node, milli).map_or_else(|| value.clone(), Value::from)
        }
        (Leaf::Bytes, Value::String(text)) => {
            decode_base64(text).map_or_else(|| value.clone(), |bytes| encode_base64(&bytes).into())
        }
        (Leaf::Any, value) => custom(&Node::new(value.clone(), Span::NONE), Shape::Unknown).value,
        (_, value) => value.clone(),
    }
}

/// Converts as amd64 does: a number that overflows 64 bits becomes the least one.
fn wrapped(number: f64) -> i64 {
    if number.abs() < 9_223_372_036_854_775_808.0 { number as i64 } else { i64::MIN }
}
