//! A custom resource against its structural schema: pruning (strict), then the value rules, as the API server goes.

use ecow::EcoString;
use foldhash::{HashSet, HashSetExt};

use super::schema::Schema;
use crate::cursor::At;
use crate::kube::decode::{self, Fault, FaultKind};
use crate::kube::schema::ListKind;
use crate::kube::{Kind, KubernetesVersion};
use crate::node::{Entry, Node, Value};
use crate::schema::{self, Budget, Count, Types};
use crate::source::Span;
use crate::suggest;

/// Holds a custom resource against the schema of its kind. Empty if the server takes it (rules in CEL aside).
#[must_use]
pub(super) fn validate<'a>(
    object: &'a Node,
    schema: &Schema,
    version: KubernetesVersion,
    left: &mut Budget,
) -> Vec<Fault<'a>> {
    let mut walker = Walker { version, prune: true, in_preserved_list: false, faults: Vec::new(), left: *left };
    walker.value(&At::root("", object), schema, true);
    *left = walker.left;
    walker.faults
}

/// What is wrong with the default of a part of a schema. Fields are named from the default on.
#[must_use]
pub fn check_default<'a>(schema: &Node, default: &'a Node, version: KubernetesVersion) -> Vec<Fault<'a>> {
    let schema = Schema::read(schema);
    let mut walker =
        Walker { version, prune: true, in_preserved_list: false, faults: Vec::new(), left: Budget::shared(default, 1) };
    walker.value(&At::root("", default), &schema, false);
    walker.faults
}

struct Walker<'a> {
    version: KubernetesVersion,
    /// Whether unknown fields count; not inside `allOf` and its like, which only restrict values.
    prune: bool,
    /// Whether the next value is an item of a list that preserves unknown fields, which then are preserved in the item as well.
    in_preserved_list: bool,
    faults: Vec<Fault<'a>>,
    /// What may still be done. Once it is spent nothing more is wrong.
    left: Budget,
}

/// What every object carries and no schema needs to name.
const IMPLIED: [&str; 3] = ["apiVersion", "kind", "metadata"];

impl<'a> Walker<'a> {
    fn value(&mut self, at: &At<'a, '_>, schema: &Schema, is_object: bool) {
        let node = at.node;
        let preserves = std::mem::take(&mut self.in_preserved_list) || schema.preserve;
        // Null is absent, or allowed, or filled with the default.
        if node.is_null() || self.faults.len() >= decode::MOST_FAULTS || self.left.is_spent() {
            return;
        }
        self.left.step();
        if !schema.types().has(Types::of(node)) {
            return self.wrong_type(at, &schema.types().words());
        }
        match &node.value {
            Value::Mapping(_) => self.mapping(at, schema, is_object || schema.embedded, preserves),
            Value::Sequence(items) => self.sequence(at, items, schema, preserves),
            Value::String(text) => self.text(at, text, schema),
            Value::Int(_) | Value::Float(_) => self.number(at, schema),
            Value::Bool(_) | Value::Null => {}
        }
        if node.as_str().is_none() {
            self.left.compare(schema.values.len());
        }
        if !schema.lists(node) {
            let values: Vec<&Node> = schema.values.iter().collect();
            self.invalid(at, format!("must be {}", schema::values(&values)), schema::near_value(node, &values));
        }
        self.combined(at, schema, is_object);
    }

    fn mapping(&mut self, at: &At<'a, '_>, schema: &Schema, is_object: bool, preserves: bool) {
        let node = at.node;
        for entry in node.entries() {
            let below = at.on(&entry.key, &entry.value);
            let own = schema.property(&entry.key);
            if is_object && entry.key == "metadata" && self.prune {
                self.metadata(&below);
            }
            // Of `metadata` a definition restricts values only: its fields are those of every object.
            let restricts = is_object && entry.key == "metadata";
            match own.or(schema.additional.as_deref()) {
                Some(own) => {
                    let prune = self.prune;
                    self.prune = prune && !restricts;
                    self.value(&below, own, false);
                    self.prune = prune;
                }
                None if !self.prune || preserves => {}
                None if is_object && IMPLIED.contains(&entry.key.as_str()) => {}
                None => self.unknown(entry, schema, &below),
            }
        }
        for (name, nullable) in &schema.required {
            if self.faults.len() >= decode::MOST_FAULTS {
                break;
            }
            if node.get(name).is_none_or(|value| value.is_null() && !nullable) {
                let field = at.get(name).to_string();
                let message = format!("`{name}` is required");
                self.push(FaultKind::Missing, node, field, message, String::new());
                // The first key is a better thing to underline than all of the mapping.
                if let (Some(fault), Some(entry)) = (self.faults.last_mut(), node.entries().first()) {
                    fault.key_span = entry.key_span;
                }
            }
        }
        if schema.embedded && self.prune {
            self.embedded(at);
        }
        self.count(at, node.entries().len(), schema.limits.properties, "entry");
    }

    /// An embedded resource says what it is, whether its schema asks for that or not.
    fn embedded(&mut self, at: &At<'a, '_>) {
        for name in ["apiVersion", "kind"] {
            let below = at.get(name);
            if at.node.get(name).is_none() {
                let message = format!("`{name}` is required in an embedded resource");
                self.push(FaultKind::Missing, at.node, below.to_string(), message, String::new());
                continue;
            }
            match below.node.as_str() {
                None => self.wrong_type(&below, "a string"),
                Some("") => self.invalid(&below, "must not be empty".to_owned(), String::new()),
                Some(text) if name == "apiVersion" && text.matches('/').count() > 1 => {
                    self.invalid(&below, "must be a version, or a group and a version".to_owned(), String::new());
                }
                Some(text)
                    if name == "kind" && !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') =>
                {
                    self.invalid(&below, "must consist of letters, digits and `-`".to_owned(), String::new());
                }
                Some(_) => {}
            }
        }
    }

    fn metadata(&mut self, at: &At<'a, '_>) {
        let Some(meta) =
            Kind::find("v1", "ConfigMap", self.version).and_then(|kind| kind.ty.field("metadata", self.version))
        else {
            return;
        };
        self.faults.extend(decode::decode_at(at, meta, self.version));
    }

    fn unknown(&mut self, entry: &'a Entry, schema: &Schema, at: &At<'a, '_>) {
        if self.faults.len() >= decode::MOST_FAULTS {
            return;
        }
        let names = schema.properties.iter().map(|(name, _)| name.as_str());
        let help = suggest::nearest(&entry.key, names).map(|near| format!("did you mean `{near}`?"));
        self.faults.push(Fault {
            kind: FaultKind::Unknown,
            node: &entry.value,
            key_span: entry.key_span,
            field: at.to_string(),
            message: format!("unknown field `{}`", entry.key),
            help: help.unwrap_or_default(),
        });
    }

    fn sequence(&mut self, at: &At<'a, '_>, items: &'a [Node], schema: &Schema, preserves: bool) {
        if let Some(own) = &schema.items {
            for item in at.items() {
                // A null in a list is not taken away as one in a mapping is.
                if item.node.is_null() && own.ty.is_some() && !own.nullable {
                    self.wrong_type(&item, "a value");
                }
                self.in_preserved_list = preserves;
                self.value(&item, own, false);
            }
        }
        self.count(at, items.len(), schema.limits.items, "item");
        let set = schema.list_kind == Some(ListKind::Set) || schema.limits.unique;
        let mut seen = HashSet::new();
        for (index, item) in items.iter().enumerate() {
            let (identity, what) = match schema.list_kind {
                Some(ListKind::Map) => (key_of(item, &schema.list_keys), "key"),
                _ if set => (Some(crate::yaml::emit(item)), "value"),
                _ => break,
            };
            if identity.is_some_and(|identity| !seen.insert(identity)) {
                let message = format!("duplicate entry: an earlier entry has the same {what}");
                self.invalid(&at.item(index, item), message, String::new());
            }
        }
    }

    fn text(&mut self, at: &At<'a, '_>, text: &str, schema: &Schema) {
        if schema.limits.length.is_set() {
            self.count(at, text.chars().count(), schema.limits.length, "character");
        }
        if let Some(pattern) = &schema.pattern
            && pattern.compiled().is_some_and(|compiled| !self.left.is_match(compiled, text))
            && !self.left.is_spent()
        {
            let message = "does not match the pattern of the definition".to_owned();
            self.invalid(at, message, format!("it must match `{}`", pattern.text));
        }
        if let Some(form) = schema.form
            && self.version.minor() >= form.since
            && !(form.is_match)(text)
        {
            self.invalid(at, format!("must be {}", form.words), String::new());
        }
    }

    fn number(&mut self, at: &At<'a, '_>, schema: &Schema) {
        let limits = &schema.limits;
        if let Some(why) = &limits.unreadable {
            return self.invalid(at, why.clone(), String::new());
        }
        if limits.overflows && matches!(at.node.value, Value::Int(_)) {
            let message = "`maximum` of the definition overflows 64 bits: no integer is valid";
            return self.invalid(at, message.to_owned(), String::new());
        }
        for fault in limits.numbers.faults(at.node) {
            self.invalid(at, format!("must be {fault}"), String::new());
        }
    }

    fn combined(&mut self, at: &At<'a, '_>, schema: &Schema, is_object: bool) {
        let prune = std::mem::replace(&mut self.prune, false);
        for part in &schema.all_of {
            self.value(at, part, is_object);
        }
        self.prune = prune;
        if schema.any_of.is_empty() && schema.one_of.is_empty() && schema.not.is_none() {
            return;
        }
        // Defaults are filled in before a value is held against its forms.
        let filled = with_defaults(at.node, schema);
        let seen = &At::root("", filled.as_ref().unwrap_or(at.node));
        let (version, mut left) = (self.version, self.left);
        let mut fits = |part: &Schema| {
            let mut walker = Walker { version, prune: false, in_preserved_list: false, faults: Vec::new(), left };
            walker.value(seen, part, is_object);
            left = walker.left;
            walker.faults.is_empty()
        };
        let any = schema.any_of.is_empty() || schema.any_of.iter().any(&mut fits);
        let one = schema.one_of.iter().filter(|part| fits(part)).count();
        let not = schema.not.as_deref().is_some_and(fits);
        self.left = left;
        if left.is_spent() {
            return;
        }
        if !any {
            self.invalid(at, "must match a schema of `anyOf`".to_owned(), String::new());
        }
        if !schema.one_of.is_empty() && one != 1 {
            let message =
                if one == 0 { "must match a schema of `oneOf`" } else { "matches more than one schema of `oneOf`" };
            self.invalid(at, message.to_owned(), String::new());
        }
        if not {
            self.invalid(at, "must not match `not`".to_owned(), String::new());
        }
    }

    fn count(&mut self, at: &At<'a, '_>, count: usize, bounds: Count, noun: &str) {
        if bounds.excludes(count) {
            self.invalid(at, format!("must have {}", bounds.of(noun)), String::new());
        }
    }

    fn wrong_type(&mut self, at: &At<'a, '_>, wanted: &str) {
        let message = format!("expected {wanted}, found {}", at.node.type_name());
        self.push(FaultKind::Type, at.node, at.to_string(), message, String::new());
    }

    fn invalid(&mut self, at: &At<'a, '_>, message: String, help: String) {
        self.push(FaultKind::Invalid, at.node, at.to_string(), message, help);
    }

    fn push(&mut self, kind: FaultKind, node: &'a Node, field: String, message: String, help: String) {
        self.faults.push(Fault { kind, node, key_span: Span::NONE, field, message, help });
    }
}

/// A mapping with the defaults of the fields that it lacks, where there are some.
fn with_defaults(node: &Node, schema: &Schema) -> Option<Node> {
    let mut filled = None;
    for (name, own) in schema.defaults() {
        let is_absent = node.get(name).is_none_or(|value| value.is_null() && !own.nullable);
        if let (Value::Mapping(mapping), true, Some(default)) = (&node.value, is_absent, own.default_value()) {
            filled.get_or_insert_with(|| mapping.clone()).set(name, default.clone());
        }
    }
    filled.map(|mapping| Node::new(mapping, node.origin.span))
}

/// What tells an entry of a keyed list from the others; `None` where a key is missing.
fn key_of(item: &Node, keys: &[EcoString]) -> Option<String> {
    let mut identity = String::new();
    for key in keys {
        let value = item.get(key).filter(|value| value.is_set())?;
        identity.push_str(&crate::yaml::emit(value));
    }
    (!keys.is_empty()).then_some(identity)
}
