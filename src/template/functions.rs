//! The functions, filters and tests that expressions may use: few, and pure.
//!
//! None reads a clock, a network, a random source, the environment or a file. The table is the reference:
//! docs/templates.md is held against it by a test.

use std::sync::{Arc, LazyLock};

use ecow::{EcoString, EcoVec, eco_format};
use minijinja::value::{Kwargs, Rest, Value};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};

use crate::digest;
use crate::formats::go::encode_base64;
use crate::node::{self, Node};
use crate::source::Span;
use crate::template::value::{Budget, Misfit, Tree, View, article, forgive_miss, note_tree, to_node};

/// What may be called, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `name(...)`.
    Function,
    /// `value | name`.
    Filter,
    /// `value is name`.
    Test,
}

impl Kind {
    /// As messages name it.
    pub(super) const fn noun(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Filter => "filter",
            Self::Test => "test",
        }
    }
}

/// One thing an expression may call.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
    /// How it is written, for the documentation.
    pub(super) usage: &'static str,
    add: fn(&mut Environment<'static>),
}

macro_rules! row {
    ($kind:ident, $name:literal, $usage:literal, $function:path) => {
        Function { kind: Kind::$kind, name: $name, usage: $usage, add: |env| add!($kind, env, $name, $function) }
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

/// All there is, functions first, each kind by name.
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

/// Functions that the project gives, beside those of the table: they stand in the scope, not in the engine.
pub(super) const PROJECT_FUNCTIONS: &[&str] = &[CHECKSUM, CONTENT_NAME, "sql", "team_files", "team_sql"];

/// The functions that need the other documents of the bundle.
pub(super) const CHECKSUM: &str = "checksum";
pub(super) const CONTENT_NAME: &str = "content_name";

/// How much work one expression may do: an instruction costs one, and so do 64 bytes made.
pub(super) const MOST_FUEL: u64 = 400_000;

/// How much nearly all of them need. What needs more runs again with [`MOST_FUEL`], and the bundle pays for it: so that
/// its work is bounded as a whole, whatever is repeated.
pub(super) const USUAL_FUEL: u64 = 4_000;

/// The engine with the table's functions and nothing else.
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
pub(super) fn names(kind: Kind) -> impl Iterator<Item = &'static str> + Clone {
    let project = if kind == Kind::Function { PROJECT_FUNCTIONS } else { &[] };
    ALL.iter()
        .filter(move |function| function.kind == kind)
        .map(|function| function.name)
        .chain(project.iter().copied())
}

/// The names of a kind, and how each is written.
pub(super) fn usages(kind: Kind) -> impl Iterator<Item = (&'static str, &'static str)> {
    let project = if kind == Kind::Function { PROJECT_FUNCTIONS } else { &[] };
    let table =
        ALL.iter().filter(move |function| function.kind == kind).map(|function| (function.name, function.usage));
    table.chain(project.iter().map(|name| (*name, "")))
}

/// The function of that kind and name.
pub(super) fn find(kind: Kind, name: &str) -> Option<&'static str> {
    names(kind).find(|known| *known == name)
}

pub(super) fn fault(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

/// How much a function may be handed.
const ARGUMENT: Budget = Budget { nodes: 100_000, bytes: 16 << 20, work: 0 };

pub(super) fn argument(value: &Value) -> Result<Node, Error> {
    to_node(value, &mut ARGUMENT.clone()).map_err(|misfit| match misfit {
        Misfit::Undefined(_) => Error::from(ErrorKind::UndefinedError),
        Misfit::TooLarge => Error::from(ErrorKind::OutOfFuel),
        Misfit::Type { message, .. } | Misfit::Engine(message) => fault(message),
    })
}

/// A computed tree as a value, its parts keeping their origins.
pub(super) fn tree(node: Node) -> Value {
    Value::from_object(View::root(Arc::new(Tree { node, profile: false })))
}

/// A value of a type that a function cannot take.
fn unfit(what: &str, wants: &str, value: &Value) -> Error {
    if value.is_undefined() {
        return Error::from(ErrorKind::UndefinedError);
    }
    fault(format!("{what} expects {wants}, not {}", article(value)))
}

fn text<'a>(value: &'a Value, what: &str) -> Result<&'a str, Error> {
    value.as_str().ok_or_else(|| unfit(what, "a string", value))
}

fn mapping(value: &Value, what: &str) -> Result<node::Mapping, Error> {
    match argument(value)?.value {
        node::Value::Mapping(mapping) => Ok(mapping),
        _ => Err(unfit(what, "a mapping", value)),
    }
}

/// The recommended labels, by the arguments that give them.
static APP_LABELS: LazyLock<[(&str, EcoString); 6]> = LazyLock::new(|| {
    ["name", "instance", "component", "part_of", "version", "managed_by"]
        .map(|argument| (argument, eco_format!("app.kubernetes.io/{}", argument.replace('_', "-"))))
});

/// The recommended labels: `app.kubernetes.io/name`, `managed-by`, and one for each named argument.
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

/// Lower-case hexadecimal digits of the SHA-256 of a text.
fn sha256(value: &Value) -> Result<String, Error> {
    Ok(digest::of(text(value, "`sha256`")?))
}

/// `{key, value}` for each entry, in order: what `$for` takes of a mapping.
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

/// A key as a value of its own, made from what its entry was made from.
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
    // Those that are off have their part in the result as well.
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

/// The entries of all, the later ones winning; mappings within are replaced, not merged.
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

/// The value, or `none` where a field that may be left out is.
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

/// A string, a number or a boolean as text, as YAML writes it.
fn string(value: &Value) -> Result<Value, Error> {
    use minijinja::value::ValueKind::{Bool, Number, String};
    match value.kind() {
        String => Ok(value.clone()),
        Bool | Number => Ok(value.to_string().into()),
        _ => Err(unfit("`string`", "a string, a number or a boolean", value)),
    }
}

/// A whole number from a number without fraction or a text that is one.
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
            // Every whole number up to here is exact.
            (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64).ok_or_else(wrong)
        }
    }
}

fn join(value: &Value, separator: Option<&str>) -> Result<String, Error> {
    let list = argument(value)?;
    if !matches!(list.value, node::Value::Sequence(_)) {
        return Err(unfit("`join`", "a list", value));
    }
    let parts: Result<Vec<EcoString>, Error> = list
        .items()
        .iter()
        .map(|item| {
            mixed(&item.value).ok_or_else(|| fault(format!("`join` cannot put {} into a string", item.type_name())))
        })
        .collect();
    Ok(parts?.join(separator.unwrap_or_default()))
}

/// A value as part of a text: strings, whole numbers and booleans only.
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
    fn the_documentation_has_the_table_and_nothing_else() {
        let text = include_str!("../../docs/templates.md");
        let heading = text.find("## Functions").expect("it has them");
        let section = text[heading + 3..].split("\n## ").next().unwrap_or_default();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
        let documented: Vec<String> = rows.map(|(usage, _)| usage.replace("\\|", "|")).collect();
        let usages = |kind| {
            let project = PROJECT_USAGES.iter().filter(move |_| kind == Kind::Function).copied();
            ALL.iter().filter(move |function| function.kind == kind).map(|function| function.usage).chain(project)
        };
        let expected: Vec<&str> = [Kind::Function, Kind::Filter, Kind::Test].into_iter().flat_map(usages).collect();
        assert_eq!(documented, expected);
    }

    /// How the project's functions are written, in the order of their table.
    const PROJECT_USAGES: [&str; 5] = [
        "checksum('web-config')",
        "content_name('web-config')",
        "sql('migrations', ['events'])",
        "team_files(folder)",
        "team_sql(folder, ['events'])",
    ];

    #[test]
    fn the_table_is_sorted_and_names_are_single() {
        let order: Vec<(u8, &str)> = ALL.iter().map(|function| (function.kind as u8, function.name)).collect();
        assert!(order.is_sorted() && order.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(ALL.iter().all(|function| function.usage.contains(function.name)));
    }
}
