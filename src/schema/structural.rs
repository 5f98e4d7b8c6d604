//! What structural schemas have beside JSON Schema: their own keywords, and values as the API server reads them.
//!
//! A null is absent unless the schema is `nullable`. Fields that no schema describes are pruned, which strict validation
//! reports as unknown fields; `allOf` and the like only constrain values. Defaults are applied before anything else, so that
//! they satisfy `required` and are visible to `anyOf` and the like.

use std::sync::LazyLock;

use ecow::EcoString;

use super::compile::{Compile, list, number, text};
use super::formats::NumberFormat;
use super::rules::{NumberRules, Unsatisfiable};
use super::walk::Walker;
use super::{Budget, Fault, Id, MOST_FAULTS, Mode, ObjectRules, Schema, Sub, Types};
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
pub(crate) struct ValidationRule {
    /// The CEL expression that must be true.
    pub(crate) rule: EcoString,
    /// The message of the API server if it is not; may be empty.
    pub(crate) message: EcoString,
    /// An expression for the message; may be empty.
    pub(crate) message_expression: EcoString,
    /// The path of the invalid field, relative to the value; may be empty.
    pub(crate) field_path: EcoString,
    /// The reason in the API server's answer, such as `FieldValueForbidden`; may be empty.
    pub(crate) reason: EcoString,
    /// Whether it is evaluated without an old value, too.
    pub(crate) optional_old_self: bool,
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
#[derive(Debug, Default)]
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

impl Extensions {
    /// Those of the schema `true`.
    pub(super) fn anything() -> Self {
        Self { nullable: true, preserve: true, ..Self::default() }
    }
}

impl Sub {
    pub(super) fn extensions(&self) -> &Extensions {
        static NO_EXTENSIONS: LazyLock<Extensions> = LazyLock::new(Extensions::default);
        self.extensions.as_deref().unwrap_or(&NO_EXTENSIONS)
    }
}

/// The keywords that only structural schemas have, or that mean something else in them.
pub(super) const EXTENSIONS: &[(&str, Compile)] = &[
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
    /// Validates a custom resource, or the value of one of its fields, as the API server does, apart from CEL rules. At most
    /// [`MOST_FAULTS`] faults are reported, and none after the budget is spent.
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
        let mut faults = walker.found.unwrap_or_default();
        faults.truncate(MOST_FAULTS);
        faults
    }

    /// As [`Schema::structural`], for a whole custom resource.
    pub(crate) fn of_resource(root: &Node) -> Self {
        let mut schema = Self::structural(root);
        extend(&mut schema.subs[Self::ROOT as usize]).resource = true;
        schema
    }

    /// The root of a structural schema.
    pub(crate) const fn subschema(&self) -> Subschema<'_> {
        Subschema { schema: self, id: Self::ROOT }
    }
}

/// The fields that every resource has, whether its schema describes them or not.
const IMPLIED: [&str; 3] = ["apiVersion", "kind", "metadata"];

impl<'s, 'n> Walker<'s, 'n> {
    /// Whether values are read as the API server reads those of custom resources.
    pub(super) const fn is_structural(&self) -> bool {
        self.server.is_some()
    }

    pub(super) const fn subschema(&self, id: Id) -> Subschema<'s> {
        Subschema { schema: self.schema, id }
    }

    /// Validates what every resource has.
    pub(super) fn resource(&mut self, sub: &Sub, at: &At<'n, '_>) -> bool {
        let Some(server) = self.server.filter(|_| self.prune && sub.extensions().resource) else { return true };
        let faults = server.resource_faults(at);
        let is_valid = faults.is_empty();
        if let Some(found) = &mut self.found {
            found.extend(faults);
        }
        is_valid
    }

    /// Whether a field that no schema describes is pruned.
    pub(super) fn prunes(&self, sub: &Sub, key: &str) -> bool {
        let extensions = sub.extensions();
        self.is_structural() && self.prune && !extensions.preserve && !(extensions.resource && IMPLIED.contains(&key))
    }

    /// Validates an item that is null: in a list it is not absent.
    pub(super) fn null_item(&mut self, id: Id, at: &At<'n, '_>) -> bool {
        let item = self.subschema(id);
        match item.json_type() {
            Some(types) if !item.is_nullable() => self.wrong_type(types, at),
            _ => true,
        }
    }

    /// Whether a mapping lacks a required field; in a structural schema, once nulls are removed and defaults are applied.
    pub(super) fn lacks(&self, rules: &ObjectRules, name: &str, node: &Node) -> bool {
        let value = node.get(name);
        let field = rules.field(name).filter(|_| self.is_structural()).map(|id| self.subschema(id));
        match field {
            Some(field) => field.present(value).is_none(),
            None => value.is_none_or(|value| value.is_null() && self.is_structural()),
        }
    }

    /// The value with the defaults of its fields, if a structural schema has any that apply.
    pub(super) fn with_defaults(&self, sub: &Sub, node: &Node) -> Option<Node> {
        let (Value::Mapping(mapping), true) = (&node.value, self.is_structural()) else { return None };
        let mut filled = None;
        for (name, id) in sub.object.iter().flat_map(|rules| &rules.properties) {
            let field = self.subschema(*id);
            if let Some(default) = field.default_value().filter(|_| !field.is_present(mapping.get(name))) {
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
    pub(crate) const fn id(self) -> u32 {
        self.id
    }

    /// The type, if there is one and only one.
    pub(crate) fn json_type(self) -> Option<Types> {
        self.sub().types.filter(|_| !self.is_int_or_string())
    }

    /// The format of a string or number; may be empty.
    pub(crate) fn format(self) -> &'s str {
        &self.sub().extensions().format
    }

    pub(crate) fn is_int_or_string(self) -> bool {
        self.sub().extensions().int_or_string
    }

    pub(crate) fn is_resource(self) -> bool {
        self.sub().extensions().resource
    }

    /// Whether it is the schema `true`.
    pub(crate) fn takes_anything(self) -> bool {
        let extensions = self.sub().extensions();
        self.sub().types.is_none() && extensions.preserve && extensions.nullable
    }

    pub(crate) fn is_nullable(self) -> bool {
        self.sub().extensions().nullable
    }

    /// `x-kubernetes-map-type: atomic`: server-side apply replaces the mapping.
    pub(crate) fn is_atomic(self) -> bool {
        self.sub().extensions().atomic
    }

    /// How server-side apply merges a list, and the keys of its items.
    pub(crate) fn list_kind(self) -> (ListKind, &'s [EcoString]) {
        self.sub().list.as_ref().map_or((ListKind::Atomic, &[]), |rules| (rules.kind, &rules.keys))
    }

    pub(crate) fn rules(self) -> &'s [ValidationRule] {
        &self.sub().extensions().rules
    }

    pub(crate) fn default_value(self) -> Option<&'s Node> {
        self.sub().extensions().default.as_ref()
    }

    /// Whether the API server keeps a value: it removes a null that the schema does not allow.
    pub(crate) fn is_present(self, value: Option<&Node>) -> bool {
        value.is_some_and(|value| value.is_set() || self.is_nullable())
    }

    /// The value of a field as the API server sees it: the given one or the default.
    pub(crate) fn present(self, value: Option<&'s Node>) -> Option<&'s Node> {
        value.filter(|_| self.is_present(value)).or_else(|| self.default_value())
    }

    pub(crate) fn max_length(self) -> Option<u64> {
        self.sub().text.as_ref()?.length.max
    }

    pub(crate) fn max_items(self) -> Option<u64> {
        self.sub().list.as_ref()?.count.max
    }

    pub(crate) fn max_properties(self) -> Option<u64> {
        self.object()?.count.max
    }

    /// The length in bytes of the longest string that `enum` lists; `None` without `enum`.
    pub(crate) fn longest_value(self) -> Option<u64> {
        let choices = self.sub().choices.as_ref()?;
        choices.values().iter().map(|value| value.text().len() as u64).max()
    }

    /// The required fields without defaults.
    pub(crate) fn required(self) -> impl Iterator<Item = &'s str> {
        let names = self.object().into_iter().flat_map(|rules| &rules.required);
        let has_default = move |name: &str| self.field(name).is_some_and(|field| field.default_value().is_some());
        names.map(EcoString::as_str).filter(move |name| !has_default(name))
    }

    /// The properties, in the order of the schema.
    pub(crate) fn properties(self) -> impl Iterator<Item = (&'s str, Self)> {
        let properties = self.object().into_iter().flat_map(|rules| &rules.properties);
        properties.map(move |(name, id)| (name.as_str(), self.at(*id)))
    }

    pub(crate) fn property(self, name: &str) -> Option<Self> {
        self.object()?.property(name).map(|id| self.at(id))
    }

    /// The subschema of the values of a map (`additionalProperties`).
    pub(crate) fn additional(self) -> Option<Self> {
        self.object()?.additional.map(|id| self.at(id))
    }

    /// The subschema of a field: a property or a key of a map.
    pub(crate) fn field(self, name: &str) -> Option<Self> {
        self.object()?.field(name).map(|id| self.at(id))
    }

    pub(crate) fn items(self) -> Option<Self> {
        self.sub().list.as_ref()?.items.map(|id| self.at(id))
    }

    /// Whether the keys of a mapping are data and not the names of fields.
    pub(crate) fn has_data_keys(self) -> bool {
        self.object().is_some_and(|rules| rules.properties.is_empty() && rules.additional.is_some())
    }

    /// Calls a function with it and with the subschemas of fields and items, recursively.
    pub(crate) fn each(self, visit: &mut impl FnMut(Self)) {
        visit(self);
        let fields = self.properties().map(|(_, field)| field);
        fields.chain(self.items()).chain(self.additional()).for_each(|below| below.each(visit));
    }
}
