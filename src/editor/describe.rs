//! Hover: what a field is, its value in each profile, and who set it.

use std::fmt::Write as _;

use super::cursor::{dotted, expression};
use super::{Role, World, profile_path, way};
use crate::diff::Hide;
use crate::kube::Shape;
use crate::kube::schema::{Form, Leaf, Type};
use crate::node::Node;
use crate::report::plain;
use crate::schema::Lookup;
use crate::secret::DOTS;
use crate::source::FileId;
use crate::yaml::{self, Dialect};

/// How many different values are listed.
const MOST_ROWS: usize = 20;

/// How many profiles are named that have one of them.
const MOST_NAMED: usize = 6;

/// What stands at a byte of a file, in Markdown; none where there is nothing to say.
#[must_use]
pub fn describe(world: &World<'_>, role: Role, file: FileId, offset: usize) -> Option<String> {
    let source = world.sources.get(file)?;
    if role == Role::Template && expression(&source.text, offset).is_some() {
        let path: Vec<&str> = dotted(&source.text, offset)?.split('.').collect();
        return profile_field(world, &path);
    }
    let loaded = yaml::load(world.sources, file, Dialect::Kubectl);
    let document = loaded.documents.iter().find(|document| super::holds(document, file, offset))?;
    let (steps, _, _) = way(document, file, offset);
    let keys: Vec<&str> = steps.iter().flatten().map(|entry| entry.key.as_str()).collect();
    match role {
        Role::Layer if steps.iter().all(Option::is_some) => profile_field(world, &profile_path(&keys)),
        Role::Layer => None,
        Role::Template | Role::Manifest => {
            let mut shape = Shape::built_in(document, world.version);
            let mut path = String::new();
            for step in &steps {
                match step {
                    Some(entry) => {
                        let separator = if path.is_empty() { "" } else { "." };
                        _ = write!(path, "{separator}{}", entry.key);
                        shape = shape.field(&entry.key);
                    }
                    None => {
                        path.push_str("[]");
                        shape = shape.items();
                    }
                }
            }
            kubernetes_field(document, &path, shape)
        }
    }
}

/// A field of a profile: the words of the schema, and the value in each profile with the place that set it.
fn profile_field(world: &World<'_>, path: &[&str]) -> Option<String> {
    let schema = world.schema?;
    let Lookup::Known(place) = schema.lookup(path.iter().copied()) else { return None };
    let mut text = format!("`{}`: {}\n", path.join("."), schema.types(&place).words());
    if let Some(words) = schema.description(&place) {
        _ = write!(text, "\n{words}\n");
    }
    let hide = Hide::of(world.sources, world.objects);
    // Profiles that have one value from one place share a row.
    let mut rows: Vec<(String, String, Vec<String>)> = Vec::new();
    for values in world.values {
        let node = values.node.at(path);
        if !node.is_set() {
            continue;
        }
        let value = if node.origin.is_secret() || schema.is_secret(&place) || schema.reaches_secret(&place) {
            DOTS.to_owned()
        } else {
            shown(&hide.line(node))
        };
        let set = if node.origin.span.is_none() { String::new() } else { world.sources.describe(node.origin.span) };
        let root = world.root.map(|root| format!("{}/", root.display())).unwrap_or_default();
        let set = set.strip_prefix(&root).map(str::to_owned).unwrap_or(set);
        let whose = format!("{} · {}", values.profile, values.environment);
        match rows.iter_mut().find(|row| row.0 == value && row.1 == set) {
            Some(row) => row.2.push(whose),
            None => rows.push((value, set, vec![whose])),
        }
    }
    if !rows.is_empty() {
        text.push_str("\n| value | set in | profiles |\n| --- | --- | --- |\n");
        let more = rows.len().saturating_sub(MOST_ROWS);
        for (value, set, whose) in rows.iter_mut().take(MOST_ROWS) {
            whose.sort_unstable();
            let others = whose.len().saturating_sub(MOST_NAMED);
            let others = if others > 0 { format!(" and {others} more") } else { String::new() };
            whose.truncate(MOST_NAMED);
            _ = writeln!(text, "| `{value}` | {set} | {}{others} |", whose.join(", "));
        }
        if more > 0 {
            _ = write!(text, "\n{more} more values");
        }
    }
    Some(text)
}

/// A value on one line, for a table.
fn shown(line: &str) -> String {
    let line = plain(line).replace('|', "\\|").replace('`', "'");
    match line.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

fn kubernetes_field(document: &Node, path: &str, shape: Shape<'_>) -> Option<String> {
    let Shape::BuiltIn(ty, version) = shape else { return None };
    let kind = document["kind"].text();
    let api_version = document["apiVersion"].text();
    let mut text = format!("{kind} `{path}`: {}\n\n{api_version}, Kubernetes {version}", type_words(ty));
    let identity = shape.identity();
    if !identity.keys.is_empty() {
        _ = write!(text, "; items are told apart by `{}`", identity.keys.join("`, `"));
    }
    Some(text)
}

pub(super) fn type_words(ty: Type) -> String {
    match ty.form() {
        Form::Leaf(leaf) => match leaf {
            Leaf::Any => "any value",
            Leaf::String => "string",
            Leaf::Bool => "boolean",
            Leaf::Int32 | Leaf::Int64 => "integer",
            Leaf::Double => "number",
            Leaf::Bytes => "base64",
            Leaf::Time | Leaf::MicroTime => "time",
            Leaf::Duration => "duration",
            Leaf::IntOrString => "integer or string",
            Leaf::Quantity => "quantity",
        }
        .to_owned(),
        Form::Struct(own) => own.name().rsplit('.').next().unwrap_or_default().to_owned(),
        Form::List(item) => format!("list of {}", type_words(item)),
        Form::Map(value) => format!("map to {}", type_words(value)),
        Form::Or(one, other) => format!("{} or {}", type_words(one), type_words(other)),
    }
}
