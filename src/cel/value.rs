//! The values of expressions. Fields of objects are converted when they are accessed.

use std::cmp::Ordering;
use std::net::IpAddr;
use std::rc::Rc;

use ecow::EcoString;

use super::eval::Failure;
use super::semver::Version;
use super::time::{self, Timestamp};
use super::url::Url;
use crate::formats::go::decode_base64;
use crate::formats::ip::Cidr;
use crate::formats::quantity::Quantity;
use crate::kube::ListKind;
use crate::node::{self, Node};
use crate::schema::{Subschema, Types};

/// The maximum that is counted of a value; more than the steps of an evaluation.
const MOST_SIZE: u64 = 1 << 21;

/// A value.
#[derive(Debug, Clone)]
pub(crate) enum Value<'v> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(EcoString),
    Bytes(Rc<[u8]>),
    Timestamp(Timestamp),
    /// In nanoseconds.
    Duration(i64),
    List(Rc<Vec<Self>>),
    Map(Rc<Vec<(Self, Self)>>),
    Optional(Option<Rc<Self>>),
    /// A type, by its name.
    Type(&'static str),
    Quantity(Quantity),
    Ip(IpAddr),
    Cidr(Cidr),
    Url(Rc<Url>),
    Semver(Rc<Version>),
    Format(&'static str),
    /// A list, map or object of a custom resource, and its schema if it has one.
    Node(&'v Node, Option<Subschema<'v>>),
}

impl<'v> Value<'v> {
    pub(crate) fn text(text: impl Into<EcoString>) -> Self {
        Self::String(text.into())
    }

    pub(super) fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(items))
    }

    pub(super) fn some(value: Self) -> Self {
        Self::Optional(Some(Rc::new(value)))
    }

    /// The value of a field of a custom resource.
    ///
    /// # Errors
    /// If a string does not have the format of its schema.
    pub(crate) fn of(node: &'v Node, schema: Option<Subschema<'v>>) -> Result<Self, Failure> {
        let ty = schema.filter(|schema| !schema.is_int_or_string()).and_then(Subschema::json_type);
        Ok(match &node.value {
            node::Value::Null => Self::Null,
            node::Value::Bool(value) => Self::Bool(*value),
            node::Value::Int(number) if ty == Some(Types::NUMBER) => Self::Double(*number as f64),
            node::Value::Int(number) => Self::Int(*number),
            node::Value::Float(number) if ty == Some(Types::INTEGER) => Self::Int(*number as i64),
            node::Value::Float(number) => Self::Double(*number),
            node::Value::String(text) => {
                match schema.filter(|_| ty == Some(Types::STRING)).map_or("", Subschema::format) {
                    "byte" => Self::Bytes(decode_base64(text).ok_or_else(|| Failure::error("invalid base64"))?.into()),
                    "duration" => Self::Duration(
                        time::duration(text).ok_or_else(|| Failure::unsupported("an unsupported duration"))?,
                    ),
                    "date-time" => Self::Timestamp(
                        time::timestamp(text).ok_or_else(|| Failure::unsupported("an unsupported timestamp"))?,
                    ),
                    "date" => {
                        let midnight = time::timestamp(&format!("{text}T00:00:00Z"));
                        Self::Timestamp(midnight.ok_or_else(|| Failure::unsupported("an unsupported date"))?)
                    }
                    _ => Self::String(text.clone()),
                }
            }
            node::Value::Sequence(_) | node::Value::Mapping(_) => Self::Node(node, schema),
        })
    }

    /// A field of an object or a key of a map, or its default. `None` if it is absent.
    pub(super) fn field(&self, name: &str) -> Result<Option<Self>, Failure> {
        match self {
            Self::Map(entries) => {
                let found = entries.iter().find(|(key, _)| matches!(key, Self::String(key) if key == name));
                Ok(found.map(|(_, value)| value.clone()))
            }
            Self::Node(node, schema) if matches!(node.value, node::Value::Mapping(_)) => {
                let own = schema.and_then(|schema| schema.field(name));
                // A nullable field of an object is absent if it is null, unlike a key of a map.
                let is_field = schema.is_some_and(|schema| schema.property(name).is_some());
                let given = node.get(name);
                let value = own.map_or(given, |own| own.present(given)).filter(|value| value.is_set() || !is_field);
                value.map(|node| Self::of(node, own)).transpose()
            }
            other => Err(Failure::error(format!("type '{}' does not support field selection", other.type_name()))),
        }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Result<Rc<Vec<Self>>, Failure> {
        match self {
            Self::List(items) => Ok(items.clone()),
            Self::Node(node, schema) if matches!(node.value, node::Value::Sequence(_)) => {
                let own = schema.and_then(Subschema::items);
                node.items().iter().map(|item| Self::of(item, own)).collect::<Result<Vec<_>, _>>().map(Rc::new)
            }
            _ => Err(Failure::no_overload()),
        }
    }

    /// The entries of a map.
    pub(super) fn entries(&self) -> Result<Rc<Vec<(Self, Self)>>, Failure> {
        match self {
            Self::Map(entries) => Ok(entries.clone()),
            Self::Node(node, schema) if matches!(node.value, node::Value::Mapping(_)) => {
                let mut found = Vec::new();
                for entry in node.entries() {
                    let own = schema.and_then(|schema| schema.field(&entry.key));
                    if let Some(value) = own.map_or(Some(&entry.value), |own| own.present(Some(&entry.value))) {
                        found.push((Self::String(entry.key.clone()), Self::of(value, own)?));
                    }
                }
                for (name, own) in schema.iter().copied().flat_map(Subschema::properties) {
                    if let Some(default) = own.default_value().filter(|_| node.get(name).is_none()) {
                        found.push((Self::text(name), Self::of(default, Some(own))?));
                    }
                }
                Ok(Rc::new(found))
            }
            _ => Err(Failure::no_overload()),
        }
    }

    /// The kind of a list by its schema. The order of sets and maps does not matter.
    pub(super) fn list_kind(&self) -> ListKind {
        match self {
            Self::Node(_, Some(schema)) => schema.list_kind().0,
            _ => ListKind::Atomic,
        }
    }

    /// Concatenates two lists. New items are added to a set; items with the same keys are replaced in a map.
    ///
    /// # Errors
    /// If one is not a list.
    pub(super) fn joined(&self, other: &Self) -> Result<Self, Failure> {
        let mut joined = self.items()?.to_vec();
        let keys = match self {
            Self::Node(_, Some(schema)) => schema.list_kind().1,
            _ => &[],
        };
        for item in other.items()?.iter() {
            let known = match self.list_kind() {
                ListKind::Atomic => None,
                ListKind::Set => position(&joined, |known| known.equals(item))?,
                ListKind::Map => position(&joined, |known| {
                    for key in keys {
                        match (known.field(key)?, item.field(key)?) {
                            (Some(one), Some(two)) if one.equals(&two)? => {}
                            (None, None) => {}
                            _ => return Ok(false),
                        }
                    }
                    Ok(true)
                })?,
            };
            match known {
                Some(at) => joined[at] = item.clone(),
                None => joined.push(item.clone()),
            }
        }
        Ok(Self::list(joined))
    }

    pub(super) fn is_list(&self) -> bool {
        match self {
            Self::List(_) => true,
            Self::Node(node, _) => matches!(node.value, node::Value::Sequence(_)),
            _ => false,
        }
    }

    pub(super) fn is_map(&self) -> bool {
        match self {
            Self::Map(_) => true,
            Self::Node(node, _) => matches!(node.value, node::Value::Mapping(_)),
            _ => false,
        }
    }

    /// The number of steps to traverse it. Lists share their items, so that a small list can have a huge size, which is cut off at
    /// more than an evaluation may take.
    pub(super) fn size(&self) -> u64 {
        let mut left = MOST_SIZE;
        self.count(&mut left);
        MOST_SIZE - left
    }

    fn count(&self, left: &mut u64) {
        let own = match self {
            Self::String(text) => text.len() as u64 / 16 + 1,
            Self::Bytes(bytes) => bytes.len() as u64 / 16 + 1,
            _ => 1,
        };
        *left = left.saturating_sub(own);
        if *left == 0 {
            return;
        }
        match self {
            Self::List(items) => items.iter().for_each(|item| item.count(left)),
            Self::Map(entries) => entries.iter().for_each(|(key, value)| {
                key.count(left);
                value.count(left);
            }),
            Self::Node(node, _) => count(node, left),
            Self::Optional(Some(inner)) => inner.count(left),
            _ => {}
        }
    }

    /// Whether two values are equal; values of different types are not.
    pub(super) fn equals(&self, other: &Self) -> Result<bool, Failure> {
        Ok(match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(two)) => one == two,
            (Self::String(one), Self::String(two)) => one == two,
            (Self::Bytes(one), Self::Bytes(two)) => one == two,
            (Self::Timestamp(one), Self::Timestamp(two)) => one == two,
            (Self::Duration(one), Self::Duration(two)) => one == two,
            (Self::Type(one), Self::Type(two)) | (Self::Format(one), Self::Format(two)) => one == two,
            (Self::Quantity(one), Self::Quantity(two)) => one == two,
            (Self::Ip(one), Self::Ip(two)) => one == two,
            (Self::Cidr(one), Self::Cidr(two)) => one == two,
            (Self::Url(one), Self::Url(two)) => one == two,
            (Self::Semver(one), Self::Semver(two)) => one.compare(two) == Ordering::Equal,
            (Self::Optional(one), Self::Optional(two)) => match (one, two) {
                (Some(one), Some(two)) => one.equals(two)?,
                (one, two) => one.is_none() && two.is_none(),
            },
            _ if self.is_list() && other.is_list() => {
                let (one, two) = (self.items()?, other.items()?);
                if one.len() != two.len() {
                    return Ok(false);
                }
                if self.list_kind() != ListKind::Atomic || other.list_kind() != ListKind::Atomic {
                    return includes(&two, &one);
                }
                for (one, two) in one.iter().zip(two.iter()) {
                    if !one.equals(two)? {
                        return Ok(false);
                    }
                }
                true
            }
            _ if self.is_map() && other.is_map() => {
                let (one, two) = (self.entries()?, other.entries()?);
                if one.len() != two.len() {
                    return Ok(false);
                }
                for (key, value) in one.iter() {
                    match find(&two, key)? {
                        Some(other) if value.equals(other)? => {}
                        _ => return Ok(false),
                    }
                }
                true
            }
            (one, two) => one.number_order(two) == Some(Ordering::Equal),
        })
    }

    /// Compares two numbers of any types.
    fn number_order(&self, other: &Self) -> Option<Ordering> {
        let exact = |value: &Self| match value {
            Self::Int(number) => Some(i128::from(*number)),
            Self::Uint(number) => Some(i128::from(*number)),
            _ => None,
        };
        let float = |value: &Self| match value {
            Self::Int(number) => Some(*number as f64),
            Self::Uint(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            _ => None,
        };
        match (exact(self), exact(other)) {
            (Some(one), Some(two)) => Some(one.cmp(&two)),
            _ => float(self)?.partial_cmp(&float(other)?),
        }
    }

    /// Compares two values; `None` for NaN.
    pub(super) fn order(&self, other: &Self) -> Result<Option<Ordering>, Failure> {
        Ok(Some(match (self, other) {
            (Self::Bool(one), Self::Bool(two)) => one.cmp(two),
            (Self::String(one), Self::String(two)) => one.cmp(two),
            (Self::Bytes(one), Self::Bytes(two)) => one.cmp(two),
            (Self::Timestamp(one), Self::Timestamp(two)) => one.cmp(two),
            (Self::Duration(one), Self::Duration(two)) => one.cmp(two),
            (one, two) => {
                let is_number = |value: &Self| matches!(value, Self::Int(_) | Self::Uint(_) | Self::Double(_));
                if !is_number(one) || !is_number(two) {
                    return Err(Failure::no_overload());
                }
                return Ok(one.number_order(two));
            }
        }))
    }

    /// The name of its type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Optional(_) => "optional_type",
            Self::Type(_) => "type",
            Self::Quantity(_) => "kubernetes.Quantity",
            Self::Ip(_) => "net.IP",
            Self::Cidr(_) => "net.CIDR",
            Self::Url(_) => "kubernetes.URL",
            Self::Semver(_) => "kubernetes.Semver",
            Self::Format(_) => "kubernetes.NamedFormat",
            Self::Node(..) if self.is_list() => "list",
            Self::Node(..) => "map",
        }
    }
}

/// Whether the first contains every item of the second.
fn includes(items: &[Value<'_>], wanted: &[Value<'_>]) -> Result<bool, Failure> {
    for item in wanted {
        if position(items, |known| known.equals(item))?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn position<'v>(
    items: &[Value<'v>],
    mut is_wanted: impl FnMut(&Value<'v>) -> Result<bool, Failure>,
) -> Result<Option<usize>, Failure> {
    for (at, item) in items.iter().enumerate() {
        if is_wanted(item)? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// Finds the value of a key.
pub(super) fn find<'a, 'v>(
    entries: &'a [(Value<'v>, Value<'v>)],
    key: &Value<'v>,
) -> Result<Option<&'a Value<'v>>, Failure> {
    for (known, value) in entries {
        if known.equals(key)? {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn count(node: &Node, left: &mut u64) {
    let own = match &node.value {
        node::Value::String(text) => text.len() as u64 / 16 + 1,
        _ => 1,
    };
    *left = left.saturating_sub(own);
    if *left > 0 {
        node.items().iter().for_each(|item| count(item, left));
        node.entries().iter().for_each(|entry| count(&entry.value, left));
    }
}
