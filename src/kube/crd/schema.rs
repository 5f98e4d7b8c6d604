//! Structural schemas (`openAPIV3Schema`), read once into what the walker needs.

use std::sync::OnceLock;

use crate::formats::named::{self, TextFormat};
use crate::kube::schema::ListKind;
use crate::node::{Node, Value};
use crate::schema::{self, Count, MAX_SIZE, NumberFormat, NumberRules, Types, equal, is_too_large};
use crate::source::Span;
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

/// A regular expression, compiled when the first text is held against it.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) text: EcoString,
    span: Span,
    compiled: OnceLock<Result<schema::Pattern, Beyond>>,
}

/// Why a pattern is not evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beyond {
    /// It needs what our engine does not have, or is no pattern.
    Form,
    /// It has more than 128 KiB once compiled.
    Size,
    /// Those before it in the definition are too large together.
    Sum,
}

/// What Go's expressions have and ours have not.
const BEYOND_OUR_REGEX: &[&str] = &["\\p", "\\P", "\\Q", "\\C", "(?U"];

impl Pattern {
    /// `None` where it is not evaluated.
    pub(super) fn compiled(&self) -> Option<&schema::Pattern> {
        let compile = || {
            let beyond = |error| if is_too_large(&error) { Beyond::Size } else { Beyond::Form };
            schema::Pattern::new(&self.text).map_err(beyond)
        };
        self.compiled.get_or_init(compile).as_ref().ok()
    }

    fn is_beyond(&self) -> bool {
        BEYOND_OUR_REGEX.iter().any(|form| self.text.contains(form))
    }
}

/// Bounds of numbers, lengths and counts.
#[derive(Debug, Default)]
pub(super) struct Limits {
    pub(super) numbers: NumberRules,
    /// Why no number is valid: the API server reads bounds as numbers of the type, and takes no value where it cannot.
    pub(super) unreadable: Option<String>,
    /// Whether the maximum is none that an integer can be compared with.
    pub(super) overflows: bool,
    pub(super) length: Count,
    pub(super) items: Count,
    pub(super) unique: bool,
    pub(super) properties: Count,
}

impl Limits {
    fn read(node: &Node) -> Self {
        let number = |name: &str| Types::NUMBER.has(Types::of(&node[name])).then(|| node[name].clone());
        let count = |min: &str, max: &str| {
            let bound = |name: &str| node[name].as_i64().map(|count| u64::try_from(count).unwrap_or(0));
            Count { min: bound(min), max: bound(max) }
        };
        let is = |name: &str| node[name].as_bool() == Some(true);
        // What is exclusive is the same bound, read another way.
        let bound = |name: &str, exclusive: &str| {
            let bound = number(name);
            if is(exclusive) { (None, bound) } else { (bound, None) }
        };
        let (minimum, above) = bound("minimum", "exclusiveMinimum");
        let (maximum, below) = bound("maximum", "exclusiveMaximum");
        let format = node["format"].text();
        let wanted = if format == "int32" { "int32" } else { "int64" };
        let is_readable = |name: &&str| node[*name].as_f64().is_none_or(|bound| is_whole(bound, format));
        let is_integer = node["type"].text() == "integer";
        let unreadable = ["minimum", "maximum", "multipleOf"].into_iter().find(|name| is_integer && !is_readable(name));
        Self {
            numbers: NumberRules {
                minimum,
                maximum,
                above,
                below,
                multiple: number("multipleOf").filter(|of| of.as_f64().is_some_and(|of| of > 0.0)),
                format: NumberFormat::find(format).filter(|_| format == "int32"),
            },
            unreadable: unreadable.map(|name| {
                format!("`{name}` of the definition must be of type integer with format {wanted}: no value is valid")
            }),
            overflows: node["maximum"].as_f64().is_some_and(|most| most >= LEAST_OVERFLOW),
            length: count("minLength", "maxLength"),
            items: count("minItems", "maxItems"),
            unique: is("uniqueItems"),
            properties: count("minProperties", "maxProperties"),
        }
    }
}

/// The least number that is too large for a signed integer of 64 bits.
const LEAST_OVERFLOW: f64 = 9_223_372_036_854_775_808.0;

/// Whether a number is an integer of a format, as the digits that tell it from its neighbours are read.
fn is_whole(number: f64, format: &str) -> bool {
    let digits = number.to_string();
    if format == "int32" { digits.parse::<i32>().is_ok() } else { digits.parse::<i64>().is_ok() }
}

/// How large all patterns of all definitions may be together, once compiled: each definition in use gets an equal share.
pub(super) const MOST_PATTERN_BYTES: usize = 1 << 25;

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

    /// Lets all its patterns have so many bytes.
    pub(super) fn bound_patterns(&self, mut bytes: usize) {
        let mut patterns = Vec::new();
        self.patterns(&mut patterns);
        // Most are never asked, and fewer cannot be too large.
        if patterns.len() > bytes / MAX_SIZE {
            for pattern in patterns {
                match bytes {
                    0 => _ = pattern.compiled.set(Err(Beyond::Sum)),
                    // One that is too large took as long to find out.
                    _ => bytes = bytes.saturating_sub(pattern.compiled().map_or(MAX_SIZE, schema::Pattern::size)),
                }
            }
        }
    }

    /// All patterns, in the order of the fields.
    fn patterns<'s>(&'s self, found: &mut Vec<&'s Pattern>) {
        found.extend(&self.pattern);
        self.parts().for_each(|part| part.patterns(found));
    }

    /// The schemas that it is made of.
    fn parts(&self) -> impl Iterator<Item = &Self> {
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
            pattern: node["pattern"].as_str().map(|text| Pattern {
                text: text.into(),
                span: node["pattern"].origin.span,
                compiled: OnceLock::new(),
            }),
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

    /// Which patterns are not evaluated.
    #[must_use]
    pub fn unevaluated(&self) -> Unevaluated {
        let mut found = Unevaluated::default();
        self.collect(&mut String::new(), &mut found);
        found
    }

    fn collect(&self, path: &mut String, found: &mut Unevaluated) {
        if let Some(pattern) = &self.pattern {
            match pattern.compiled.get() {
                _ if pattern.is_beyond() => found.patterns.push(pattern.text.to_string()),
                Some(Err(Beyond::Size)) => found.too_large.push(pattern.span),
                Some(Err(Beyond::Sum)) => found.too_many = found.too_many.or(Some(pattern.span)),
                _ => {}
            }
        }
        let length = path.len();
        for (name, child) in &self.properties {
            if length > 0 {
                path.push('.');
            }
            path.push_str(name);
            child.collect(path, found);
            path.truncate(length);
        }
        for (suffix, child) in [("[]", self.items.as_deref()), ("[*]", self.additional.as_deref())] {
            if let Some(child) = child {
                path.push_str(suffix);
                child.collect(path, found);
                path.truncate(length);
            }
        }
        for child in self.all_of.iter().chain(&self.any_of).chain(&self.one_of).chain(self.not.as_deref()) {
            child.collect(path, found);
        }
    }
}

/// What a schema asks for that we do not look at.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unevaluated {
    /// Patterns that our regular expressions cannot express.
    pub patterns: Vec<String>,
    /// Where the patterns stand that are too large, of those that a text was to be held against.
    pub too_large: Vec<Span>,
    /// Where the first of those stands that are too large together.
    pub too_many: Option<Span>,
}
