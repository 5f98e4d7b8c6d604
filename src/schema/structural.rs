//! What structural schemas have beside JSON Schema: their own keywords, and values as the API server reads them.
//!
//! A null is absent unless the schema is `nullable`. Fields that no schema describes are pruned, which strict validation
//! reports as unknown fields; `allOf` and the like only constrain values. Defaults are applied before anything else, so that
//! they satisfy `required` and are visible to `anyOf` and the like.

use ecow::EcoString;

use super::compile::{Keyword, list, number, text};
use super::formats::NumberFormat;
use super::rules::{NumberRules, Unsatisfiable};
use super::walk::Walker;
use super::{Budget, Fault, Id, Mode, ObjectRules, Schema, Sub, Types};
use crate::cursor::At;
use crate::formats::named;
use crate::node::{Entry, Node, Value};

/// How server-side apply merges a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ListKind {
    /// It replaces the list.
    #[default]
    Atomic,
    /// Items are equal or different.
    Set,
    /// Keys identify the items.
    Map,
}

/// A rule of `x-kubernetes-validations`.
#[derive(Debug)]
pub struct ValidationRule {
    /// The CEL expression that must be true.
    pub rule: EcoString,
    /// The message of the API server if it is not; may be empty.
    pub message: EcoString,
    /// An expression for the message; may be empty.
    pub message_expression: EcoString,
    /// The path of the invalid field, relative to the value; may be empty.
    pub field_path: EcoString,
    /// The reason in the API server's answer, such as `FieldValueForbidden`; may be empty.
    pub reason: EcoString,
    /// Whether it is evaluated without an old value, too.
    pub optional_old_self: bool,
}

impl ValidationRule {
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

/// The values of the keywords that only structural schemas have.
#[derive(Debug)]
pub(super) struct Extensions {
    pub(super) nullable: bool,
    pub(super) default: Option<Node>,
    format: EcoString,
    /// `x-kubernetes-preserve-unknown-fields`, also of the list that has the value as an item.
    pub(super) preserve: bool,
    int_or_string: bool,
    /// Whether the values are resources: `x-kubernetes-embedded-resource`, or the custom resource itself.
    pub(super) resource: bool,
    /// `x-kubernetes-map-type: atomic`.
    atomic: bool,
    rules: Vec<ValidationRule>,
}

static NO_EXTENSIONS: Extensions = Extensions::NONE;

impl Extensions {
    const NONE: Self = Self {
        nullable: false,
        default: None,
        format: EcoString::new(),
        preserve: false,
        int_or_string: false,
        resource: false,
        atomic: false,
        rules: Vec::new(),
    };

    /// Those of the schema `true`.
    pub(super) fn anything() -> Self {
        Self { nullable: true, preserve: true, ..Self::NONE }
    }
}

impl Default for Extensions {
    fn default() -> Self {
        Self::NONE
    }
}

impl Sub {
    pub(super) fn extensions(&self) -> &Extensions {
        self.extensions.as_deref().unwrap_or(&NO_EXTENSIONS)
    }
}

/// The keywords that only structural schemas have, or that mean something else in them.
pub(super) const EXTENSIONS: &[Keyword] = &[
    ("default", |_, sub, entry| extend(sub).default = Some(entry.value.clone())),
    ("format", |_, sub, entry| format(sub, entry)),
    ("nullable", |_, sub, entry| extend(sub).nullable = is_true(entry)),
    ("type", |_, sub, entry| sub.types = Types::named(entry.value.text()).filter(|types| *types != Types::NULL)),
    ("x-kubernetes-embedded-resource", |_, sub, entry| extend(sub).resource = is_true(entry)),
    ("x-kubernetes-int-or-string", |_, sub, entry| extend(sub).int_or_string = is_true(entry)),
    ("x-kubernetes-list-map-keys", |_, sub, entry| {
        list(sub).keys = entry.value.items().iter().map(|key| key.text().into()).collect();
    }),
    ("x-kubernetes-list-type", |_, sub, entry| list_type(sub, entry)),
    ("x-kubernetes-map-type", |_, sub, entry| extend(sub).atomic = entry.value.text() == "atomic"),
    ("x-kubernetes-preserve-unknown-fields", |_, sub, entry| extend(sub).preserve = is_true(entry)),
    ("x-kubernetes-validations", |_, sub, entry| {
        extend(sub).rules = entry.value.items().iter().map(ValidationRule::read).collect();
    }),
];

fn extend(sub: &mut Sub) -> &mut Extensions {
    sub.extensions.get_or_insert_default()
}

fn is_true(entry: &Entry) -> bool {
    entry.value.as_bool() == Some(true)
}

fn format(sub: &mut Sub, entry: &Entry) {
    let name = entry.value.text();
    extend(sub).format = name.into();
    if let Some(format) = named::kubernetes(name) {
        text(sub).format = Some(format);
    }
    if name == "int32" {
        number(sub).format = NumberFormat::find(name);
    }
}

fn list_type(sub: &mut Sub, entry: &Entry) {
    let rules = list(sub);
    rules.kind = match entry.value.text() {
        "map" => ListKind::Map,
        "set" => ListKind::Set,
        _ => ListKind::Atomic,
    };
    rules.unique |= rules.kind == ListKind::Set;
}

/// Compiles what depends on several keywords.
pub(super) fn complete(sub: &mut Sub, node: &Node) {
    if sub.extensions().int_or_string {
        sub.types = Some(Types::STRING.or(Types::INTEGER));
    }
    if let Some(rules) = &mut sub.number {
        complete_bounds(rules, node);
    }
}

/// Restates how the API server reads bounds: `exclusiveMinimum` and `exclusiveMaximum` are booleans, and a bound that is not a
/// number of the type lets no value pass.
fn complete_bounds(rules: &mut NumberRules, node: &Node) {
    if node["exclusiveMinimum"].as_bool() == Some(true) {
        rules.above = rules.minimum.take();
    }
    if node["exclusiveMaximum"].as_bool() == Some(true) {
        rules.below = rules.maximum.take();
    }
    let format = if node["format"].text() == "int32" { "int32" } else { "int64" };
    let is_integer = node["type"].text() == "integer";
    let is_unreadable = |name: &&str| node[*name].as_f64().is_some_and(|bound| !is_integer_of(bound, format));
    let unreadable = ["minimum", "maximum", "multipleOf"].into_iter().find(|name| is_integer && is_unreadable(name));
    let overflows = node["maximum"].as_f64().is_some_and(|most| most >= LEAST_OVERFLOW);
    rules.unsatisfiable = match unreadable {
        Some(name) => Some(Unsatisfiable {
            reason: format!("cannot be valid: `{name}` of the definition must be of type integer with format {format}"),
            integers_only: false,
        }),
        None => overflows.then(|| Unsatisfiable {
            reason: "cannot be an integer: `maximum` of the definition overflows 64 bits".to_owned(),
            integers_only: true,
        }),
    };
}

/// The least number that overflows a signed integer of 64 bits.
const LEAST_OVERFLOW: f64 = 9_223_372_036_854_775_808.0;

/// Whether the shortest decimal form of a number is an integer of a format.
fn is_integer_of(number: f64, format: &str) -> bool {
    let digits = number.to_string();
    if format == "int32" { digits.parse::<i32>().is_ok() } else { digits.parse::<i64>().is_ok() }
}

/// A list that preserves unknown fields preserves those of its items. A subschema precedes those inside it.
pub(super) fn inherit_preservation(subs: &mut [Sub]) {
    for at in 0..subs.len() {
        if let Some(items) = subs[at].list.as_ref().and_then(|rules| rules.items)
            && subs[at].extensions().preserve
        {
            extend(&mut subs[items as usize]).preserve = true;
        }
    }
}

/// What Kubernetes knows of resources beside their schemas.
pub(crate) trait ApiServer {
    /// The minor version: formats are validated since some version.
    fn minor(&self) -> u8;

    /// The faults of what every resource has: `apiVersion`, `kind` and `metadata`.
    fn resource_faults<'n>(&self, at: &At<'n, '_>) -> Vec<Fault<'n>>;
}

impl Schema {
    /// Validates a custom resource, or the value of one of its fields, against a structural schema as the API server does,
    /// apart from its CEL rules. Faults after the first [`MOST_FAULTS`](super::MOST_FAULTS) are not reported, nor any after
    /// the budget is spent.
    pub(crate) fn validate<'n>(&self, node: &'n Node, server: &dyn ApiServer, budget: &mut Budget) -> Vec<Fault<'n>> {
        let mut walker = Walker {
            schema: self,
            whole: "the value",
            found: Some(Vec::new()),
            left: *budget,
            mode: Mode::Whole,
            server: Some(server),
            prune: true,
        };
        walker.value(Self::ROOT, &At::root("", node));
        *budget = walker.left;
        walker.found.unwrap_or_default()
    }

    /// As [`Schema::structural`], for a whole custom resource.
    #[must_use]
    pub fn of_resource(root: &Node) -> Self {
        let mut schema = Self::structural(root);
        extend(&mut schema.subs[Self::ROOT as usize]).resource = true;
        schema
    }

    /// The root of a structural schema.
    #[must_use]
    pub const fn subschema(&self) -> Subschema<'_> {
        Subschema { schema: self, id: Self::ROOT }
    }
}

/// The fields that every resource has, whether its schema describes them or not.
const IMPLIED: [&str; 3] = ["apiVersion", "kind", "metadata"];

impl<'n> Walker<'_, 'n> {
    /// Whether values are read as the API server reads those of custom resources.
    pub(super) const fn is_structural(&self) -> bool {
        self.server.is_some()
    }

    /// Validates what every resource has.
    pub(super) fn resource(&mut self, sub: &Sub, at: &At<'n, '_>) -> bool {
        let Some(server) = self.server.filter(|_| self.prune && sub.extensions().resource) else { return true };
        let faults = server.resource_faults(at);
        let is_valid = faults.is_empty();
        faults.into_iter().for_each(|fault| self.push(fault));
        is_valid
    }

    /// Whether a field that no schema describes is pruned.
    pub(super) fn prunes(&self, sub: &Sub, key: &str) -> bool {
        let extensions = sub.extensions();
        self.is_structural() && self.prune && !extensions.preserve && !(extensions.resource && IMPLIED.contains(&key))
    }

    /// Validates an item that is null: in a list it is not absent.
    pub(super) fn null_item(&mut self, id: Id, at: &At<'n, '_>) -> bool {
        let item = Subschema { schema: self.schema, id };
        match item.json_type() {
            Some(types) if !item.is_nullable() => self.wrong_type(types, at),
            _ => true,
        }
    }

    /// Whether a mapping lacks a required field once defaults are applied and nulls are removed.
    pub(super) fn lacks(&self, rules: &ObjectRules, name: &str, node: &Node) -> bool {
        let value = node.get(name);
        if !self.is_structural() || value.is_some_and(Node::is_set) {
            return value.is_none();
        }
        let field = rules.field(name).map(|id| self.schema.sub(id).extensions());
        field.is_none_or(|field| field.default.is_none() && !(field.nullable && value.is_some()))
    }

    /// The value with the defaults of its fields, if a structural schema has any that apply.
    pub(super) fn with_defaults(&self, sub: &Sub, node: &Node) -> Option<Node> {
        let (Value::Mapping(mapping), Some(rules), true) = (&node.value, &sub.object, self.is_structural()) else {
            return None;
        };
        let mut filled = None;
        for (name, id) in &rules.properties {
            let field = self.schema.sub(*id).extensions();
            let is_absent = || mapping.get(name).is_none_or(|value| value.is_null() && !field.nullable);
            if let Some(default) = field.default.as_ref().filter(|_| is_absent()) {
                filled.get_or_insert_with(|| mapping.clone()).set(name, default.clone());
            }
        }
        filled.map(|mapping| Node::new(mapping, node.origin.span))
    }
}

/// A structural schema or one of its subschemas.
#[derive(Debug, Clone, Copy)]
pub struct Subschema<'s> {
    schema: &'s Schema,
    id: Id,
}

impl PartialEq for Subschema<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.schema, other.schema) && self.id == other.id
    }
}

impl<'s> Subschema<'s> {
    fn sub(self) -> &'s Sub {
        self.schema.sub(self.id)
    }

    const fn at(self, id: Id) -> Self {
        Self { id, ..self }
    }

    fn object(self) -> Option<&'s ObjectRules> {
        self.sub().object.as_deref()
    }

    /// Its index in the schema.
    #[must_use]
    pub const fn id(self) -> u32 {
        self.id
    }

    /// The type, if there is one and only one.
    #[must_use]
    pub fn json_type(self) -> Option<Types> {
        self.sub().types.filter(|_| !self.is_int_or_string())
    }

    /// The format of a string or number; may be empty.
    #[must_use]
    pub fn format(self) -> &'s str {
        &self.sub().extensions().format
    }

    /// `x-kubernetes-int-or-string`.
    #[must_use]
    pub fn is_int_or_string(self) -> bool {
        self.sub().extensions().int_or_string
    }

    /// Whether values are resources.
    #[must_use]
    pub fn is_resource(self) -> bool {
        self.sub().extensions().resource
    }

    /// Whether it is the schema `true`.
    #[must_use]
    pub fn takes_anything(self) -> bool {
        let extensions = self.sub().extensions();
        self.sub().types.is_none() && extensions.preserve && extensions.nullable
    }

    /// Whether null is a value.
    #[must_use]
    pub fn is_nullable(self) -> bool {
        self.sub().extensions().nullable
    }

    /// `x-kubernetes-map-type: atomic`: server-side apply replaces the mapping.
    #[must_use]
    pub fn is_atomic(self) -> bool {
        self.sub().extensions().atomic
    }

    /// How server-side apply merges a list, and the keys of its items.
    #[must_use]
    pub fn list_kind(self) -> (ListKind, &'s [EcoString]) {
        self.sub().list.as_ref().map_or((ListKind::Atomic, &[]), |rules| (rules.kind, &rules.keys))
    }

    /// `x-kubernetes-validations`.
    #[must_use]
    pub fn rules(self) -> &'s [ValidationRule] {
        &self.sub().extensions().rules
    }

    /// The default of an absent value.
    #[must_use]
    pub fn default_value(self) -> Option<&'s Node> {
        self.sub().extensions().default.as_ref()
    }

    /// The maximum length of a string.
    #[must_use]
    pub fn max_length(self) -> Option<u64> {
        self.sub().text.as_ref()?.length.max
    }

    /// The maximum number of items.
    #[must_use]
    pub fn max_items(self) -> Option<u64> {
        self.sub().list.as_ref()?.count.max
    }

    /// The maximum number of entries of a mapping.
    #[must_use]
    pub fn max_properties(self) -> Option<u64> {
        self.object()?.count.max
    }

    /// The length in bytes of the longest string that `enum` lists; `None` without `enum`.
    #[must_use]
    pub fn longest_value(self) -> Option<u64> {
        let choices = self.sub().choices.as_ref()?;
        choices.values().iter().map(|value| value.text().len() as u64).max()
    }

    /// The required fields without defaults.
    pub fn required(self) -> impl Iterator<Item = &'s str> {
        let names = self.object().into_iter().flat_map(|rules| &rules.required);
        let has_default = move |name: &str| self.field(name).is_some_and(|field| field.default_value().is_some());
        names.map(EcoString::as_str).filter(move |name| !has_default(name))
    }

    /// The properties, in the order of the schema.
    pub fn properties(self) -> impl Iterator<Item = (&'s str, Self)> {
        let properties = self.object().into_iter().flat_map(|rules| &rules.properties);
        properties.map(move |(name, id)| (name.as_str(), self.at(*id)))
    }

    /// The subschema of a property.
    #[must_use]
    pub fn property(self, name: &str) -> Option<Self> {
        self.object()?.property(name).map(|id| self.at(id))
    }

    /// The subschema of the values of a map (`additionalProperties`).
    #[must_use]
    pub fn additional(self) -> Option<Self> {
        self.object()?.additional.map(|id| self.at(id))
    }

    /// The subschema of a field: a property or a key of a map.
    #[must_use]
    pub fn field(self, name: &str) -> Option<Self> {
        self.object()?.field(name).map(|id| self.at(id))
    }

    /// The subschema of the items.
    #[must_use]
    pub fn items(self) -> Option<Self> {
        self.sub().list.as_ref()?.items.map(|id| self.at(id))
    }

    /// Whether the keys of a mapping are data and not the names of fields.
    #[must_use]
    pub fn has_data_keys(self) -> bool {
        self.object().is_some_and(|rules| rules.properties.is_empty() && rules.additional.is_some())
    }

    /// Calls a function with it and with the subschemas of fields and items, recursively.
    pub fn each(self, visit: &mut impl FnMut(Self)) {
        visit(self);
        let fields = self.properties().map(|(_, field)| field);
        fields.chain(self.items()).chain(self.additional()).for_each(|below| below.each(visit));
    }
}
