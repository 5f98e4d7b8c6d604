//! A custom resource against its structural schema: pruning (strict), then the value rules, as the API server goes.

use ecow::EcoString;
use foldhash::{HashSet, HashSetExt};

use super::formats;
use super::schema::{JsonType, Range, Schema};
use crate::cursor::At;
use crate::kube::decode::{self, Fault, FaultKind};
use crate::kube::schema::ListKind;
use crate::kube::{Kind, KubernetesVersion};
use crate::node::{Entry, Node, Value};
use crate::schema::Budget;
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
        if !self.fits_type(at, schema) {
            return;
        }
        match &node.value {
            Value::Mapping(_) => self.mapping(at, schema, is_object || schema.embedded, preserves),
            Value::Sequence(items) => self.sequence(at, items, schema, preserves),
            Value::String(text) => self.text(at, text, schema),
            Value::Int(number) => self.number(at, *number as f64, schema),
            Value::Float(number) => self.number(at, *number, schema),
            Value::Bool(_) | Value::Null => {}
        }
        if node.as_str().is_none() {
            self.left.compare(schema.values.len());
        }
        if !schema.lists(node) {
            let names = schema.values.iter().filter_map(Node::as_str);
            let help = match suggest::list(names, "or") {
                names if names.is_empty() => String::new(),
                names => format!("it can be {names}"),
            };
            self.invalid(at, "not one of the values the definition lists".to_owned(), help);
        }
        self.combined(at, schema, is_object);
    }

    fn fits_type(&mut self, at: &At<'a, '_>, schema: &Schema) -> bool {
        let node = at.node;
        let integral = match node.value {
            Value::Int(_) => true,
            Value::Float(number) => number.fract() == 0.0,
            _ => false,
        };
        if schema.int_or_string {
            let fits = integral || matches!(node.value, Value::String(_));
            if !fits {
                self.wrong_type(at, "a whole number or a string");
            }
            return fits;
        }
        let Some(ty) = schema.ty else { return true };
        let (wanted, fits) = match ty {
            JsonType::Object => ("a mapping", matches!(node.value, Value::Mapping(_))),
            JsonType::Array => ("a list", matches!(node.value, Value::Sequence(_))),
            JsonType::String => ("a string", matches!(node.value, Value::String(_))),
            JsonType::Integer => ("a whole number", integral),
            JsonType::Number => ("a number", matches!(node.value, Value::Int(_) | Value::Float(_))),
            JsonType::Boolean => ("a boolean", matches!(node.value, Value::Bool(_))),
        };
        if !fits {
            self.wrong_type(at, wanted);
        }
        fits
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
        self.count(at, node.entries().len(), &schema.limits.properties, "entry", "entries");
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
        self.count(at, items.len(), &schema.limits.items, "item", "items");
        let set = schema.list_kind == Some(ListKind::Set) || schema.limits.unique;
        let mut seen = HashSet::new();
        for (index, item) in items.iter().enumerate() {
            let (identity, what) = match schema.list_kind {
                Some(ListKind::Map) => (key_of(item, &schema.list_keys), "key"),
                _ if set => (Some(crate::yaml::emit(item)), "value"),
                _ => break,
            };
            if identity.is_some_and(|identity| !seen.insert(identity)) {
                let message = format!("an entry with the same {what} stands before it");
                self.invalid(&at.item(index, item), message, String::new());
            }
        }
    }

    fn text(&mut self, at: &At<'a, '_>, text: &str, schema: &Schema) {
        let length = text.chars().count();
        self.count(at, length, &schema.limits.length, "character", "characters");
        if let Some(pattern) = &schema.pattern
            && pattern.compiled().is_some_and(|compiled| !self.left.is_match(compiled, text))
            && !self.left.is_spent()
        {
            let message = "not of the form the definition asks for".to_owned();
            self.invalid(at, message, format!("it must match `{}`", pattern.text));
        }
        if !schema.format.is_empty()
            && let Err(form) = formats::check(&schema.format, text, self.version)
        {
            self.invalid(at, format!("not {form}"), String::new());
        }
    }

    fn number(&mut self, at: &At<'a, '_>, number: f64, schema: &Schema) {
        let limits = &schema.limits;
        let is_integer = schema.ty == Some(JsonType::Integer);
        for (name, bound) in
            [("minimum", limits.minimum), ("maximum", limits.maximum), ("multipleOf", limits.multiple_of)]
        {
            // The API server reads bounds as numbers of the type, and takes no value where it cannot.
            let message = match bound {
                Some(bound) if is_integer && !is_whole(bound, &schema.format) => {
                    let format = if schema.format == "int32" { "int32" } else { "int64" };
                    format!(
                        "`{name}` of the definition must be of type integer with format {format}: no value is valid"
                    )
                }
                Some(bound)
                    if name == "maximum" && bound >= LEAST_OVERFLOW && matches!(at.node.value, Value::Int(_)) =>
                {
                    "`maximum` of the definition overflows 64 bits: no integer is valid".to_owned()
                }
                _ => continue,
            };
            return self.invalid(at, message, String::new());
        }
        let below = |least: f64| number < least || (limits.exclusive_minimum && number <= least);
        let above = |most: f64| number > most || (limits.exclusive_maximum && number >= most);
        if let Some(least) = limits.minimum.filter(|least| below(*least)) {
            let than = if limits.exclusive_minimum { "more than" } else { "at least" };
            self.invalid(at, format!("must be {than} {least}"), String::new());
        }
        if let Some(most) = limits.maximum.filter(|most| above(*most)) {
            let than = if limits.exclusive_maximum { "less than" } else { "at most" };
            self.invalid(at, format!("must be {than} {most}"), String::new());
        }
        if let Some(unit) = limits.multiple_of.filter(|unit| *unit > 0.0 && (number / unit).fract() != 0.0) {
            self.invalid(at, format!("must be a multiple of {unit}"), String::new());
        }
        if schema.format == "int32" && !(-2_147_483_648.0..=2_147_483_647.0).contains(&number) {
            self.invalid(at, "the number does not fit 32 bits".to_owned(), String::new());
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
            self.invalid(at, "fits none of the forms the definition allows".to_owned(), String::new());
        }
        if !schema.one_of.is_empty() && one != 1 {
            let message = if one == 0 { "fits none of" } else { "fits more than one of" };
            self.invalid(at, format!("{message} the forms of which it must be one"), String::new());
        }
        if not {
            self.invalid(at, "has a form that the definition excludes".to_owned(), String::new());
        }
    }

    fn count(&mut self, at: &At<'a, '_>, count: usize, range: &Range, one: &str, many: &str) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let noun = |number: i64| if number == 1 { one } else { many };
        if let Some(least) = range.least.filter(|least| count < *least) {
            self.invalid(at, format!("must have at least {least} {}", noun(least)), String::new());
        }
        if let Some(most) = range.most.filter(|most| count > *most) {
            self.invalid(at, format!("must have at most {most} {}", noun(most)), String::new());
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

/// The least number that is too large for a signed integer of 64 bits.
const LEAST_OVERFLOW: f64 = 9_223_372_036_854_775_808.0;

/// Whether a number is an integer of a format, as the digits that tell it from its neighbours are read.
fn is_whole(number: f64, format: &str) -> bool {
    let digits = number.to_string();
    if format == "int32" { digits.parse::<i32>().is_ok() } else { digits.parse::<i64>().is_ok() }
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
