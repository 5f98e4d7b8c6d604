//! Structural schemas (`openAPIV3Schema`), read once into what the walker needs.

use super::limits::Limits;
use super::pattern::Pattern;
use crate::formats::named::{self, TextFormat};
use crate::kube::schema::ListKind;
use crate::node::{Node, Value};
use crate::schema::{Types, equal};
use ecow::EcoString;
use foldhash::HashSet;

/// A schema of a custom resource, or of a part of one.
#[derive(Debug, Default)]
pub struct Schema {
    pub(super) ty: Option<JsonType>,
    pub(super) format: EcoString,
    /// The form that a string must have by its format.
    pub(super) form: Option<&'static TextFormat>,
    pub(crate) nullable: bool,
    /// What is filled in for an absent value, so that `required` is content.
    pub(crate) default: Option<Node>,
    /// `x-kubernetes-preserve-unknown-fields`.
    pub(super) preserve: bool,
    /// `x-kubernetes-int-or-string`.
    pub(super) int_or_string: bool,
    /// `x-kubernetes-embedded-resource`.
    pub(super) embedded: bool,
    pub(crate) properties: Vec<(EcoString, Schema)>,
    /// The places in `properties`, sorted by name, for finding one.
    sorted: Vec<u32>,
    pub(super) additional: Option<Box<Schema>>,
    pub(super) items: Option<Box<Schema>>,
    /// The fields that must be there, as no default fills them; each with whether it may be null.
    pub(super) required: Vec<(EcoString, bool)>,
    pub(super) values: Vec<Node>,
    /// The texts among the values, for finding one.
    texts: HashSet<EcoString>,
    pub(super) pattern: Option<Pattern>,
    pub(super) limits: Limits,
    pub(super) all_of: Vec<Schema>,
    pub(super) any_of: Vec<Schema>,
    pub(super) one_of: Vec<Schema>,
    pub(super) not: Option<Box<Schema>>,
    pub(super) list_kind: Option<ListKind>,
    /// `x-kubernetes-map-type: atomic`: server-side apply replaces the mapping as a whole.
    pub(crate) atomic: bool,
    pub(super) list_keys: Vec<EcoString>,
    /// `x-kubernetes-validations`.
    rules: Vec<Rule>,
}

/// The types that a schema can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum JsonType {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
}

impl JsonType {
    const fn types(self) -> Types {
        match self {
            Self::Object => Types::OBJECT,
            Self::Array => Types::ARRAY,
            Self::String => Types::STRING,
            Self::Integer => Types::INTEGER,
            Self::Number => Types::NUMBER,
            Self::Boolean => Types::BOOLEAN,
        }
    }
}

/// A rule in CEL.
#[derive(Debug)]
pub struct Rule {
    /// The expression that must be true.
    pub rule: EcoString,
    /// What the API server says where it is not; may be empty.
    pub message: EcoString,
    /// An expression for that; may be empty.
    pub message_expression: EcoString,
    /// The field that it is about, from where it stands; may be empty.
    pub field_path: EcoString,
    /// The reason in the API server's answer, such as `FieldValueForbidden`; may be empty.
    pub reason: EcoString,
    /// Whether it can be evaluated without an old value.
    pub optional_old_self: bool,
}

impl Rule {
    fn read(node: &Node) -> Self {
        let text = |field: &str| EcoString::from(node[field].text());
        Self {
            rule: text("rule"),
            message: text("message"),
            message_expression: text("messageExpression"),
            field_path: text("fieldPath"),
            reason: text("reason"),
            optional_old_self: node["optionalOldSelf"].as_bool() == Some(true),
        }
    }
}

/// How many parts of a schema are read, so that aliases cannot make one that fills the memory; what is beyond allows
/// anything. The largest definitions in use have some twenty thousand.
const MOST_PARTS: usize = 100_000;

impl Schema {
    /// Reads a schema. What is malformed reads as absent: the definition itself is checked elsewhere.
    #[must_use]
    pub fn read(node: &Node) -> Self {
        let mut budget = MOST_PARTS;
        Self::read_part(node, &mut budget)
    }

    /// Whether the keys of a mapping are data: it has no properties of its own, and a schema for all others.
    pub(crate) fn has_data_keys(&self) -> bool {
        self.properties.is_empty() && self.additional.is_some()
    }

    /// The schemas that it is made of.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Self> {
        let fields = self.properties.iter().map(|(_, part)| part);
        let forms = self.all_of.iter().chain(&self.any_of).chain(&self.one_of).chain(self.not.as_deref());
        fields.chain(self.items.as_deref()).chain(self.additional.as_deref()).chain(forms)
    }

    fn read_part(node: &Node, budget: &mut usize) -> Self {
        if *budget == 0 {
            return Self { preserve: true, ..Self::default() };
        }
        *budget -= 1;
        let flag = |name: &str| node[name].as_bool().unwrap_or(false);
        let texts = |name: &str| node[name].items().iter().map(|item| item.text().into()).collect();
        let mut part = |node: &Node| Self::read_part(node, budget);
        let mut list = |name: &str| node[name].items().iter().map(&mut part).collect();
        let (all_of, any_of, one_of) = (list("allOf"), list("anyOf"), list("oneOf"));
        let mut child = |name: &str| node[name].is_set().then(|| Box::new(part(&node[name])));
        let (items, not) = (child("items"), child("not"));
        let additional = match node["additionalProperties"].value {
            Value::Null | Value::Bool(false) => None,
            Value::Bool(true) => Some(Box::new(Self { preserve: true, nullable: true, ..Self::default() })),
            _ => child("additionalProperties"),
        };
        let properties: Vec<(EcoString, Self)> =
            node["properties"].entries().iter().map(|entry| (entry.key.clone(), part(&entry.value))).collect();
        let mut sorted: Vec<u32> = (0..properties.len() as u32).collect();
        sorted.sort_by(|a, b| properties[*a as usize].0.cmp(&properties[*b as usize].0));
        let mut schema = Self {
            ty: match node["type"].text() {
                "object" => Some(JsonType::Object),
                "array" => Some(JsonType::Array),
                "string" => Some(JsonType::String),
                "integer" => Some(JsonType::Integer),
                "number" => Some(JsonType::Number),
                "boolean" => Some(JsonType::Boolean),
                _ => None,
            },
            format: node["format"].text().into(),
            form: named::kubernetes(node["format"].text()),
            nullable: flag("nullable"),
            default: node["default"].is_set().then(|| node["default"].clone()),
            preserve: flag("x-kubernetes-preserve-unknown-fields"),
            int_or_string: flag("x-kubernetes-int-or-string"),
            embedded: flag("x-kubernetes-embedded-resource"),
            properties,
            sorted,
            additional,
            items,
            required: Vec::new(),
            values: node["enum"].items().to_vec(),
            texts: node["enum"].items().iter().filter_map(Node::as_str).map(EcoString::from).collect(),
            pattern: Pattern::read(&node["pattern"]),
            limits: Limits::read(node),
            all_of,
            any_of,
            one_of,
            not,
            list_kind: match node["x-kubernetes-list-type"].text() {
                "map" => Some(ListKind::Map),
                "set" => Some(ListKind::Set),
                _ => None,
            },
            atomic: node["x-kubernetes-map-type"].text() == "atomic",
            list_keys: texts("x-kubernetes-list-map-keys"),
            rules: node["x-kubernetes-validations"].items().iter().map(Rule::read).collect(),
        };
        for item in node["required"].items() {
            let field = schema.field(item.text());
            if field.is_none_or(|field| field.default.is_none()) {
                let nullable = field.is_some_and(|field| field.nullable);
                schema.required.push((item.text().into(), nullable));
            }
        }
        schema
    }

    /// How long a string may be.
    #[must_use]
    pub const fn max_length(&self) -> Option<u64> {
        self.limits.length.max
    }

    /// How many items a list may have.
    #[must_use]
    pub const fn max_items(&self) -> Option<u64> {
        self.limits.items.max
    }

    /// How many entries a map may have.
    #[must_use]
    pub const fn max_properties(&self) -> Option<u64> {
        self.limits.properties.max
    }

    /// How long the longest of the strings is that it lists, in bytes; `None` if it lists no values.
    #[must_use]
    pub fn longest_value(&self) -> Option<u64> {
        let length = |value: &Node| value.as_str().map_or(0, str::len) as u64;
        self.values.iter().map(length).max()
    }

    /// The fields that must be there, as no default fills them.
    pub fn required_names(&self) -> impl Iterator<Item = &str> {
        self.required.iter().map(|(name, _)| name.as_str())
    }

    /// Its own rules in CEL.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether its value may be null.
    #[must_use]
    pub const fn is_nullable(&self) -> bool {
        self.nullable
    }

    /// What stands for an absent value.
    #[must_use]
    pub const fn default_value(&self) -> Option<&Node> {
        self.default.as_ref()
    }

    /// The fields that have defaults.
    pub fn defaults(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.properties.iter().filter(|(_, own)| own.default.is_some()).map(|(name, own)| (name.as_str(), own))
    }

    /// Calls a function with the schema and those of its fields, items and values, all the way down.
    pub fn each<'s>(&'s self, see: &mut impl FnMut(&'s Self)) {
        see(self);
        let fields = self.properties.iter().map(|(_, own)| own);
        for part in fields.chain(self.items.as_deref()).chain(self.additional.as_deref()) {
            part.each(see);
        }
    }

    /// The type it asks for, if it asks for one.
    #[must_use]
    pub const fn json_type(&self) -> Option<JsonType> {
        self.ty
    }

    /// The format of a string or number; may be empty.
    #[must_use]
    pub fn format(&self) -> &str {
        &self.format
    }

    /// Whether it takes a number or a string (`x-kubernetes-int-or-string`).
    #[must_use]
    pub const fn is_int_or_string(&self) -> bool {
        self.int_or_string
    }

    /// Whether its values are resources of their own (`x-kubernetes-embedded-resource`).
    #[must_use]
    pub const fn is_embedded_resource(&self) -> bool {
        self.embedded
    }

    /// Whether it is what `additionalProperties: true` stands for.
    #[must_use]
    pub const fn takes_anything(&self) -> bool {
        self.ty.is_none() && self.preserve && self.nullable && !self.int_or_string
    }

    /// The schema of a map's values.
    #[must_use]
    pub fn additional(&self) -> Option<&Self> {
        self.additional.as_deref()
    }

    /// The fields that it names.
    pub fn property_names(&self) -> impl Iterator<Item = &str> {
        self.properties.iter().map(|(name, _)| name.as_str())
    }

    /// The schema of a field that it names.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Self> {
        let at = self.sorted.binary_search_by(|at| self.properties[*at as usize].0.as_str().cmp(name)).ok()?;
        Some(&self.properties[self.sorted[at] as usize].1)
    }

    /// The types that its values may have.
    pub(super) fn types(&self) -> Types {
        match self.ty {
            _ if self.int_or_string => Types::STRING.or(Types::INTEGER),
            Some(ty) => ty.types(),
            None => Types::ANY,
        }
    }

    /// Whether a value is among those it lists, where it lists some.
    pub(super) fn lists(&self, node: &Node) -> bool {
        self.values.is_empty()
            || match node.as_str() {
                Some(text) => self.texts.contains(text),
                None => self.values.iter().any(|value| equal(value, node)),
            }
    }

    /// The schema of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Self> {
        self.property(name).or(self.additional.as_deref())
    }

    /// The schema of a list's items.
    #[must_use]
    pub fn items(&self) -> Option<&Self> {
        self.items.as_deref()
    }

    /// How a list's entries are told apart, and by which fields.
    #[must_use]
    pub fn list_kind(&self) -> (ListKind, &[EcoString]) {
        (self.list_kind.unwrap_or(ListKind::Atomic), &self.list_keys)
    }
}
