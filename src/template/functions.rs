//! The functions, filters and tests of the expression language. All of them are pure: none depends on a clock, the
//! network, a random source, the environment or a file.
//!
//! A test verifies that docs/templates.md lists exactly this table.

use std::sync::{Arc, LazyLock};

use ecow::{EcoString, EcoVec, eco_format};
use minijinja::value::{Kwargs, Rest, Value};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};

use crate::digest;
use crate::formats::go::encode_base64;
use crate::node::{self, Node};
use crate::source::Span;
use crate::template::value::{Budget, ConversionError, Tree, TreeView, article, forgive_miss, note_tree, to_node};

/// The kind of a callable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallableKind {
    /// `name(...)`.
    Function,
    /// `value | name`.
    Filter,
    /// `value is name`.
    Test,
}

impl CallableKind {
    /// The noun used in messages.
    pub(super) const fn noun(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Filter => "filter",
            Self::Test => "test",
        }
    }
}

/// A function, filter or test.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) kind: CallableKind,
    pub(super) name: &'static str,
    /// An example call, for the documentation.
    pub(super) usage: &'static str,
    add: fn(&mut Environment<'static>),
}

macro_rules! row {
    ($kind:ident, $name:literal, $usage:literal, $function:path) => {
        Function {
            kind: CallableKind::$kind,
            name: $name,
            usage: $usage,
            add: |env| add!($kind, env, $name, $function),
        }
    };
}

macro_rules! add {
    (Function, $env:ident, $name:literal, $function:path) => {
        $env.add_function($name, $function)
    };
    (Filter, $env:ident, $name:literal, $function:path) => {
        $env.add_filter($name, $function)
    };
    (Test, $env:ident, $name:literal, $function:path) => {
        $env.add_test($name, $function)
    };
}

/// All of them: functions first, then by name within each kind.
pub(super) static ALL: &[Function] = &[
    row!(Function, "app_labels", "app_labels('web', component='api')", app_labels),
    row!(Filter, "b64encode", "text | b64encode", b64encode),
    row!(Filter, "enabled", "mapping | enabled", enabled),
    row!(Filter, "entries", "mapping | entries", entries),
    row!(Filter, "first", "list | first", minijinja::filters::first),
    row!(Filter, "int", "value | int", int),
    row!(Filter, "join", "list | join(', ')", join),
    row!(Filter, "keys", "mapping | keys", keys),
    row!(Filter, "last", "list | last", minijinja::filters::last),
    row!(Filter, "length", "value | length", minijinja::filters::length),
    row!(Filter, "lower", "text | lower", minijinja::filters::lower),
    row!(Filter, "max", "numbers | max", minijinja::filters::max),
    row!(Filter, "merge", "mapping | merge(mapping, ...)", merge),
    row!(Filter, "min", "numbers | min", minijinja::filters::min),
    row!(Filter, "optional", "field | optional", optional),
    row!(Filter, "replace", "text | replace('a', 'b')", minijinja::filters::replace),
    row!(Filter, "sha256", "text | sha256", sha256),
    row!(Filter, "sort", "list | sort", minijinja::filters::sort),
    row!(Filter, "split", "text | split(',')", split),
    row!(Filter, "string", "value | string", string),
    row!(Filter, "trim", "text | trim", minijinja::filters::trim),
    row!(Filter, "unique", "list | unique", minijinja::filters::unique),
    row!(Filter, "upper", "text | upper", minijinja::filters::upper),
    row!(Filter, "values", "mapping | values", values),
    row!(Filter, "without", "mapping | without('key', ...)", without),
    row!(Test, "boolean", "value is boolean", minijinja::tests::is_boolean),
    row!(Test, "defined", "field is defined", is_defined),
    row!(Test, "endingwith", "text is endingwith('x')", minijinja::tests::is_endingwith),
    row!(Test, "mapping", "value is mapping", minijinja::tests::is_mapping),
    row!(Test, "none", "value is none", minijinja::tests::is_none),
    row!(Test, "number", "value is number", minijinja::tests::is_number),
    row!(Test, "sequence", "value is sequence", minijinja::tests::is_sequence),
    row!(Test, "startingwith", "text is startingwith('x')", minijinja::tests::is_startingwith),
    row!(Test, "string", "value is string", minijinja::tests::is_string),
];

/// Functions that depend on the project. They are part of the scope rather than of the engine.
pub(super) const PROJECT_FUNCTIONS: &[&str] = &[CHECKSUM, CONTENT_NAME, "sql", "team_files", "team_sql"];

/// The functions that depend on the other documents of the bundle.
pub(super) const CHECKSUM: &str = "checksum";
pub(super) const CONTENT_NAME: &str = "content_name";

/// The maximum fuel of one expression. An instruction costs one unit, and so do 64 bytes of output.
pub(super) const MAX_FUEL: u64 = 400_000;

/// The fuel that nearly all expressions manage with. An expression that needs more runs again with [`MAX_FUEL`], which
/// is charged to the bundle's budget, so the total work of a bundle is bounded.
pub(super) const USUAL_FUEL: u64 = 4_000;

/// The engine with the functions of the table only.
pub(super) fn environment(fuel: u64) -> Environment<'static> {
    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_debug(true);
    env.set_fuel(Some(fuel));
    env.set_recursion_limit(64);
    ALL.iter().for_each(|function| (function.add)(&mut env));
    env
}

/// The names of a kind, in order.
pub(super) fn names(kind: CallableKind) -> impl Iterator<Item = &'static str> + Clone {
    let project = if kind == CallableKind::Function { PROJECT_FUNCTIONS } else { &[] };
    ALL.iter()
        .filter(move |function| function.kind == kind)
        .map(|function| function.name)
        .chain(project.iter().copied())
}

/// The names of a kind, with an example call of each.
pub(super) fn usages(kind: CallableKind) -> impl Iterator<Item = (&'static str, &'static str)> {
    let project = if kind == CallableKind::Function { PROJECT_FUNCTIONS } else { &[] };
    let table =
        ALL.iter().filter(move |function| function.kind == kind).map(|function| (function.name, function.usage));
    table.chain(project.iter().map(|name| (*name, "")))
}

/// The function with that kind and name.
pub(super) fn find(kind: CallableKind, name: &str) -> Option<&'static str> {
    names(kind).find(|known| *known == name)
}

pub(super) fn fault(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

/// The maximum size of a function's argument.
const ARGUMENT: Budget = Budget { nodes: 100_000, bytes: 16 << 20, work: 0 };

pub(super) fn argument(value: &Value) -> Result<Node, Error> {
    to_node(value, &mut ARGUMENT.clone()).map_err(|error| match error {
        ConversionError::Undefined(_) => Error::from(ErrorKind::UndefinedError),
        ConversionError::TooLarge => Error::from(ErrorKind::OutOfFuel),
        ConversionError::Type { message, .. } | ConversionError::Engine(message) => fault(message),
    })
}

/// A computed tree as a value whose parts keep their origins.
pub(super) fn tree(node: Node) -> Value {
    Value::from_object(TreeView::root(Arc::new(Tree { node, profile: false })))
}

/// The error for an argument of the wrong type.
fn type_error(what: &str, expected: &str, value: &Value) -> Error {
    if value.is_undefined() {
        return Error::from(ErrorKind::UndefinedError);
    }
    fault(format!("{what} expects {expected}, not {}", article(value)))
}

fn text<'a>(value: &'a Value, what: &str) -> Result<&'a str, Error> {
    value.as_str().ok_or_else(|| type_error(what, "a string", value))
}

fn mapping(value: &Value, what: &str) -> Result<node::Mapping, Error> {
    match argument(value)?.value {
        node::Value::Mapping(mapping) => Ok(mapping),
        _ => Err(type_error(what, "a mapping", value)),
    }
}

/// The recommended labels, by argument name.
static APP_LABELS: LazyLock<[(&str, EcoString); 6]> = LazyLock::new(|| {
    ["name", "instance", "component", "part_of", "version", "managed_by"]
        .map(|argument| (argument, eco_format!("app.kubernetes.io/{}", argument.replace('_', "-"))))
});

/// The recommended labels: `app.kubernetes.io/name`, `managed-by`, and one per named argument.
fn app_labels(name: &str, kwargs: Kwargs) -> Result<Value, Error> {
    let mut made = node::Mapping::with_capacity(APP_LABELS.len());
    for (argument, label) in APP_LABELS.iter() {
        let value = match *argument {
            "name" => name.into(),
            "managed_by" => "plimsoll".into(),
            argument => match kwargs.get::<Option<Value>>(argument)?.filter(|value| !value.is_none()) {
                Some(value) => EcoString::from(text(&value, argument)?),
                None => continue,
            },
        };
        made.push(label.clone(), Span::NONE, Node::new(value, Span::NONE));
    }
    kwargs.assert_all_used()?;
    Ok(tree(Node { value: made.into(), ..Node::default() }))
}

fn b64encode(value: &Value) -> Result<String, Error> {
    Ok(encode_base64(text(value, "`b64encode`")?.as_bytes()))
}

/// The SHA-256 of a string in lower case hexadecimal digits.
fn sha256(value: &Value) -> Result<String, Error> {
    Ok(digest::of(text(value, "`sha256`")?))
}

/// `{key, value}` for each entry, in order, so that `$for` can iterate over a mapping.
fn entries(value: &Value) -> Result<Value, Error> {
    let mapping = mapping(value, "`entries`")?;
    let items = mapping.iter().map(|entry| {
        let mut made = node::Mapping::new();
        made.push("key", entry.key_span, key_of(entry));
        made.push("value", entry.key_span, entry.value.clone());
        Node { value: made.into(), origin: entry.value.origin.clone() }
    });
    Ok(tree(Node { value: items.collect::<EcoVec<_>>().into(), ..Node::default() }))
}

/// A key as a value, with the origin of its entry.
pub(super) fn key_of(entry: &node::Entry) -> Node {
    Node { value: entry.key.clone().into(), origin: entry.value.origin.clone() }
}

fn keys(value: &Value) -> Result<Value, Error> {
    let keys: EcoVec<Node> = mapping(value, "`keys`")?.iter().map(key_of).collect();
    Ok(tree(Node { value: keys.into(), ..Node::default() }))
}

/// The keys whose value is true.
fn enabled(value: &Value) -> Result<Value, Error> {
    let mut keys = EcoVec::new();
    let all = mapping(value, "`enabled`")?;
    // Keys that are false affect the result as well.
    note_tree(Node { value: all.clone().into(), ..Node::default() });
    for entry in &all {
        match entry.value.as_bool() {
            Some(true) => keys.push(key_of(entry)),
            Some(false) => {}
            None => {
                let what = entry.value.type_name();
                return Err(fault(format!("`enabled` expects a boolean for each key, not {what} for `{}`", entry.key)));
            }
        }
    }
    Ok(tree(Node { value: keys.into(), ..Node::default() }))
}

fn values(value: &Value) -> Result<Value, Error> {
    let values: EcoVec<Node> = mapping(value, "`values`")?.iter().map(|entry| entry.value.clone()).collect();
    Ok(tree(Node { value: values.into(), ..Node::default() }))
}

/// The entries of all mappings; later ones override earlier ones. Nested mappings are replaced, not merged.
fn merge(value: &Value, others: Rest<Value>) -> Result<Value, Error> {
    let mut made = mapping(value, "`merge`")?;
    for other in others.iter() {
        let mut other = mapping(other, "`merge`")?;
        made.retain(|entry| other.get(&entry.key).is_none());
        made.extend(other.entries_mut().drain(..));
    }
    Ok(tree(Node { value: made.into(), ..Node::default() }))
}

fn without(value: &Value, names: Rest<Value>) -> Result<Value, Error> {
    let mut made = mapping(value, "`without`")?;
    for name in names.iter() {
        made.remove(text(name, "`without`")?);
    }
    Ok(tree(Node { value: made.into(), ..Node::default() }))
}

/// The value, or `none` if the field is not set.
fn optional(value: &Value) -> Value {
    if value.is_undefined() {
        forgive_miss();
        return Value::from(());
    }
    value.clone()
}

fn is_defined(value: &Value) -> bool {
    if value.is_undefined() {
        forgive_miss();
    }
    !value.is_undefined()
}

/// Converts a string, a number or a boolean to a string, in YAML's notation.
fn string(value: &Value) -> Result<Value, Error> {
    use minijinja::value::ValueKind::{Bool, Number, String};
    match value.kind() {
        String => Ok(value.clone()),
        Bool | Number => Ok(value.to_string().into()),
        _ => Err(type_error("`string`", "a string, a number or a boolean", value)),
    }
}

/// Converts an integral number, or a string with one, to an integer.
fn int(value: &Value) -> Result<i64, Error> {
    let wrong = || match value.is_undefined() {
        true => Error::from(ErrorKind::UndefinedError),
        false => fault("`int` expects an integer, or a string that is one"),
    };
    match value.as_str() {
        Some(text) => text.trim().parse().map_err(|_| wrong()),
        None if value.is_integer() => value.as_i64().ok_or_else(wrong),
        None => {
            let float = f64::try_from(value.clone()).map_err(|_| wrong())?;
            // Every integer up to this limit is exact.
            (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64).ok_or_else(wrong)
        }
    }
}

fn join(value: &Value, separator: Option<&str>) -> Result<String, Error> {
    let list = argument(value)?;
    if !matches!(list.value, node::Value::Sequence(_)) {
        return Err(type_error("`join`", "a list", value));
    }
    let parts: Result<Vec<EcoString>, Error> = list
        .items()
        .iter()
        .map(|item| mixed(&item.value).ok_or_else(|| fault(format!("`join` cannot join {}", item.type_name()))))
        .collect();
    Ok(parts?.join(separator.unwrap_or_default()))
}

/// A value as part of a string; `None` unless it is a string, an integer or a boolean.
pub(super) fn mixed(value: &node::Value) -> Option<EcoString> {
    match value {
        node::Value::String(text) => Some(text.clone()),
        node::Value::Int(number) => Some(ecow::eco_format!("{number}")),
        node::Value::Bool(value) => Some(if *value { "true".into() } else { "false".into() }),
        _ => None,
    }
}

fn split(value: &Value, separator: &str) -> Result<Vec<String>, Error> {
    let text = text(value, "`split`")?;
    if separator.is_empty() {
        return Err(fault("`split` expects a separator"));
    }
    Ok(text.split(separator).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_lists_exactly_this_table() {
        let text = include_str!("../../docs/templates.md");
        let heading = text.find("## Functions").expect("it has a section on functions");
        let section = text[heading + 3..].split("\n## ").next().unwrap_or_default();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
        let documented: Vec<String> = rows.map(|(usage, _)| usage.replace("\\|", "|")).collect();
        let usages = |kind| {
            let project = PROJECT_USAGES.iter().filter(move |_| kind == CallableKind::Function).copied();
            ALL.iter().filter(move |function| function.kind == kind).map(|function| function.usage).chain(project)
        };
        let expected: Vec<&str> =
            [CallableKind::Function, CallableKind::Filter, CallableKind::Test].into_iter().flat_map(usages).collect();
        assert_eq!(documented, expected);
    }

    /// Example calls of the project's functions, in the order of their table.
    const PROJECT_USAGES: [&str; 5] = [
        "checksum('web-config')",
        "content_name('web-config')",
        "sql('migrations', ['events'])",
        "team_files(folder)",
        "team_sql(folder, ['events'])",
    ];

    #[test]
    fn the_table_is_sorted_and_names_are_unique() {
        let order: Vec<(u8, &str)> = ALL.iter().map(|function| (function.kind as u8, function.name)).collect();
        assert!(order.is_sorted() && order.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(ALL.iter().all(|function| function.usage.contains(function.name)));
    }
}
