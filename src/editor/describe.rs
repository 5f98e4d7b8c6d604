//! Hover: the description of a field, its value in each profile, and the layer that set it.

use std::fmt::Write as _;

use super::cursor::{dotted, expression};
use super::{DocumentKind, EditorContext, path_to, profile_path};
use crate::diff::Redactor;
use crate::kube::Shape;
use crate::kube::schema::{Form, Leaf, Type};
use crate::node::Node;
use crate::report::plain;
use crate::schema::Lookup;
use crate::secret::REDACTED;
use crate::source::FileId;
use crate::yaml::{self, Dialect};

/// The maximum number of different values listed.
const MAX_ROWS: usize = 20;

/// The maximum number of profiles listed per value.
const MAX_NAMED: usize = 6;

/// The description of what is at a byte offset of a file, in Markdown; `None` if there is none.
#[must_use]
pub fn describe(context: &EditorContext<'_>, kind: DocumentKind, file: FileId, offset: usize) -> Option<String> {
    let source = context.sources.get(file)?;
    if kind == DocumentKind::Template && expression(&source.text, offset).is_some() {
        let path: Vec<&str> = dotted(&source.text, offset)?.split('.').collect();
        return profile_field(context, &path);
    }
    let loaded = yaml::load(context.sources, file, Dialect::Kubectl);
    let document = loaded.documents.iter().find(|document| super::contains(document, file, offset))?;
    let (steps, _, _) = path_to(document, file, offset);
    let keys: Vec<&str> = steps.iter().flatten().map(|entry| entry.key.as_str()).collect();
    match kind {
        DocumentKind::Layer if steps.iter().all(Option::is_some) => profile_field(context, &profile_path(&keys)),
        DocumentKind::Layer => None,
        DocumentKind::Template | DocumentKind::Manifest => {
            let mut shape = Shape::built_in(document, context.version);
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

/// The schema's description of a profile field, and its value in each profile with the position that set it.
fn profile_field(context: &EditorContext<'_>, path: &[&str]) -> Option<String> {
    let schema = context.schema?;
    let Lookup::Known(place) = schema.lookup(path.iter().copied()) else { return None };
    let mut text = format!("`{}`: {}\n", path.join("."), schema.types(&place).words());
    if let Some(words) = schema.description(&place) {
        _ = write!(text, "\n{words}\n");
    }
    let redactor = Redactor::of(context.sources, context.objects);
    // Profiles with the same value from the same position share a row.
    let mut rows: Vec<(String, String, Vec<String>)> = Vec::new();
    for values in context.values {
        let node = values.node.at(path);
        if !node.is_set() {
            continue;
        }
        let value = if node.origin.is_secret() || schema.is_secret(&place) || schema.reaches_secret(&place) {
            REDACTED.to_owned()
        } else {
            shown(&redactor.line(node))
        };
        let set = if node.origin.span.is_none() { String::new() } else { context.sources.describe(node.origin.span) };
        let root = context.root.map(|root| format!("{}/", root.display())).unwrap_or_default();
        let set = set.strip_prefix(&root).map(str::to_owned).unwrap_or(set);
        let whose = format!("{} · {}", values.profile, values.environment);
        match rows.iter_mut().find(|row| row.0 == value && row.1 == set) {
            Some(row) => row.2.push(whose),
            None => rows.push((value, set, vec![whose])),
        }
    }
    if !rows.is_empty() {
        text.push_str("\n| value | set in | profiles |\n| --- | --- | --- |\n");
        let more = rows.len().saturating_sub(MAX_ROWS);
        for (value, set, whose) in rows.iter_mut().take(MAX_ROWS) {
            whose.sort_unstable();
            let others = whose.len().saturating_sub(MAX_NAMED);
            let others = if others > 0 { format!(" and {others} more") } else { String::new() };
            whose.truncate(MAX_NAMED);
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
        _ = write!(text, "; items are identified by `{}`", identity.keys.join("`, `"));
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
