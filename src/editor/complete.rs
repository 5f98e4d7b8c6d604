//! Completion: the text that can be inserted at a position.

use foldhash::{HashSet, HashSetExt};

use super::cursor::{Cursor, PathStep, cursor, expression};
use super::describe::type_words;
use super::{DocumentKind, EditorContext};
use crate::check::input::Input;
use crate::check::{self, Options};
use crate::finding::{Family, Remedy};
use crate::kube::schema::{Field, Form, Leaf, Type};
use crate::kube::{Kind, Shape};
use crate::object::containers;
use crate::schema::{self, Lookup, Schema};
use crate::source::{FileId, Sources};
use crate::template::{Usage, usages};

/// A completion item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The inserted text.
    pub text: String,
    /// Its type, or the object that has it.
    pub detail: String,
    /// Its description in the schema.
    pub documentation: String,
    /// Whether it is a key, to be followed by a colon.
    pub is_key: bool,
}

impl Completion {
    fn value(text: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { text: text.into(), detail: detail.into(), documentation: String::new(), is_key: false }
    }
}

/// The completions at a byte offset of a file that start with the text before the offset.
#[must_use]
pub fn complete(context: &EditorContext<'_>, kind: DocumentKind, file: FileId, offset: usize) -> Vec<Completion> {
    let Some(source) = context.sources.get(file) else { return Vec::new() };
    if kind == DocumentKind::Template
        && let Some(inner) = expression(&source.text, offset)
    {
        return in_expression(context, inner);
    }
    let Some(at) = cursor(&source.text, offset) else { return Vec::new() };
    let mut all = match kind {
        DocumentKind::Layer => layer(context, &at),
        DocumentKind::Template | DocumentKind::Manifest => kubernetes(context, &source.text, offset, &at),
    };
    let mut seen = HashSet::new();
    all.retain(|one| one.text.starts_with(at.prefix) && one.text != at.prefix && seen.insert(one.text.clone()));
    all
}

/// Fields of profiles, functions and filters.
fn in_expression(context: &EditorContext<'_>, inner: &str) -> Vec<Completion> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    let start = inner.rfind(|c| !is_part(c)).map_or(0, |at| at + inner[at..].chars().next().map_or(1, char::len_utf8));
    let (word, before) = (&inner[start..], inner[..start].trim_end());
    let quotes = before.bytes().filter(|byte| *byte == b'\'').count();
    if quotes % 2 == 1 {
        return Vec::new();
    }
    let wanted = if before.ends_with('|') { Usage::Filter } else { Usage::Function };
    let (above, prefix) = word.rsplit_once('.').unwrap_or(("", word));
    let mut all = Vec::new();
    if wanted == Usage::Function
        && let Some(schema) = context.schema
    {
        let keys: Vec<&str> = above.split('.').filter(|key| !key.is_empty()).collect();
        all.extend(schema_fields(schema, &keys, false));
    }
    if above.is_empty() {
        all.extend(usages(wanted).map(|(name, usage)| Completion::value(name, usage)));
    }
    all.retain(|one| one.text.starts_with(prefix));
    all
}

/// The fields that the schema has at a path.
fn schema_fields(schema: &Schema, keys: &[&str], is_key: bool) -> Vec<Completion> {
    let Lookup::Known(place) = schema.lookup(keys.iter().copied()) else { return Vec::new() };
    let fields = schema.fields(&place).into_iter();
    let completion = |field: &str| {
        let (detail, documentation) = match schema.lookup(keys.iter().copied().chain([field])) {
            Lookup::Known(place) => {
                (schema.types(&place).words(), schema.description(&place).unwrap_or_default().to_owned())
            }
            _ => Default::default(),
        };
        Completion { text: field.to_owned(), detail, documentation, is_key }
    };
    fields.map(completion).collect()
}

/// Fields of a profile, and the enumerated values of one.
fn layer(context: &EditorContext<'_>, at: &Cursor<'_>) -> Vec<Completion> {
    let Some(schema) = context.schema else { return Vec::new() };
    let keys = at.path.iter().map(|step| match step {
        PathStep::Key(key) => Some(*key),
        PathStep::Item => None,
    });
    let keys: Vec<Option<&str>> = keys.chain(at.key.map(Some)).collect();
    // The content of an environment's section and of `enforce` is that of a profile.
    let keys = match keys.as_slice() {
        [Some("environments"), Some(_), rest @ ..] | [Some("enforce"), rest @ ..] => rest,
        keys => keys,
    };
    let steps = keys.iter().map(|key| key.map_or(schema::PathStep::Index(0), schema::PathStep::Key));
    let Lookup::Known(place) = schema.follow(steps) else { return Vec::new() };
    if at.key.is_none() && !schema.fields(&place).is_empty() {
        let named: Option<Vec<&str>> = keys.iter().copied().collect();
        return named.map(|keys| schema_fields(schema, &keys, true)).unwrap_or_default();
    }
    let listed = schema.values(&place).into_iter().filter(|value| value.is_set() && !value.text().is_empty());
    let listed: Vec<Completion> = listed.map(|value| Completion::value(value.text(), "")).collect();
    if listed.is_empty() && schema.types(&place).words() == "boolean" { booleans() } else { listed }
}

fn booleans() -> Vec<Completion> {
    ["true", "false"].map(|word| Completion::value(word, "boolean")).to_vec()
}

/// Fields of Kubernetes objects, kinds, and names of existing objects.
fn kubernetes(context: &EditorContext<'_>, text: &str, offset: usize, at: &Cursor<'_>) -> Vec<Completion> {
    let top = |key: &str| {
        let lines = at.document.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        lines.map(|value| value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\''])).next()
    };
    let (api_version, kind) = (top("apiVersion").unwrap_or_default(), top("kind").unwrap_or_default());
    if at.path.is_empty() {
        match at.key {
            Some("kind") => {
                let kinds = Kind::all(context.version)
                    .filter(|known| api_version.is_empty() || known.api_version == api_version);
                return kinds.map(|known| Completion::value(known.kind, known.api_version)).collect();
            }
            Some("apiVersion") => {
                let mut versions: Vec<&str> = Kind::all(context.version)
                    .filter(|known| kind.is_empty() || known.kind == kind)
                    .map(|known| known.api_version)
                    .collect();
                versions.sort_unstable();
                versions.dedup();
                return versions.into_iter().map(|version| Completion::value(version, kind)).collect();
            }
            _ => {}
        }
    }
    let found = Kind::find(api_version, kind, context.version);
    let shape = found.map(|found| {
        let shape = at.path.iter().fold(Shape::BuiltIn(found.ty, context.version), |shape, step| match step {
            PathStep::Key(key) => shape.field(key),
            PathStep::Item => shape.items(),
        });
        at.key.map_or(shape, |key| shape.field(key))
    });
    let form = match shape {
        Some(Shape::BuiltIn(ty, _)) => match ty.form() {
            Form::Or(one, _) => Some(Type::form(one)),
            form => Some(form),
        },
        _ => None,
    };
    match (at.key, form) {
        (None, Some(Form::Struct(own))) => {
            let field = |field: Field| Completion {
                text: field.name().to_owned(),
                detail: type_words(field.ty),
                documentation: String::new(),
                is_key: true,
            };
            own.fields(context.version).map(field).collect()
        }
        (_, Some(Form::Leaf(Leaf::Bool))) => booleans(),
        (key, _) => {
            let mut all = key.map(|key| names(context, at, key)).unwrap_or_default();
            all.extend(choices(context, text, offset, at));
            all
        }
    }
}

/// A word that is not a valid value of any field.
const NO_WORD: &str = "no-such-word";

/// The valid values of a field, which the rules of the API server list when they reject an invalid one.
fn choices(context: &EditorContext<'_>, text: &str, offset: usize, at: &Cursor<'_>) -> Vec<Completion> {
    let start = offset - at.prefix.len();
    let line_end = text[offset..].find(['\n', '\r']).map_or(text.len(), |end| offset + end);
    let start = start - usize::from(text[..start].ends_with(['"', '\'']));
    let first = at.document.as_ptr() as usize - text.as_ptr() as usize;
    let (before, behind) = (&text[first..start], &text[line_end..first + at.document.len()]);
    let sources = Sources::new();
    let file = sources.add("", format!("{before}{NO_WORD}{behind}"));
    let mut input = Input::default();
    input.add(&sources, file, true);
    let options = Options {
        kubernetes_version: context.version,
        only: vec![Family::Api.name().to_owned()],
        ..Options::default()
    };
    let findings = check::check_in(&sources, &input.objects, &options);
    let here =
        findings.iter().filter(|finding| finding.span.file == file && finding.span.start as usize == start - first);
    let words = here.flat_map(|finding| match &finding.remedy {
        Some(Remedy::OneOf(words)) => words.as_slice(),
        _ => &[],
    });
    words.filter(|word| !word.is_empty()).map(|word| Completion::value(word.as_str(), "")).collect()
}

/// The kind of object that a field refers to, by the names of the parent field and the field.
const NAMED: &[(&str, &str, &str)] = &[
    ("secretKeyRef", "name", "Secret"),
    ("secretRef", "name", "Secret"),
    ("imagePullSecrets", "name", "Secret"),
    ("configMapKeyRef", "name", "ConfigMap"),
    ("configMapRef", "name", "ConfigMap"),
    ("configMap", "name", "ConfigMap"),
    ("secret", "secretName", "Secret"),
    ("tls", "secretName", "Secret"),
    ("persistentVolumeClaim", "claimName", "PersistentVolumeClaim"),
    ("service", "name", "Service"),
    ("", "serviceAccountName", "ServiceAccount"),
    ("", "priorityClassName", "PriorityClass"),
];

/// Names of objects, keys of their data, and names of ports.
fn names(context: &EditorContext<'_>, at: &Cursor<'_>, key: &str) -> Vec<Completion> {
    let above = at.path.iter().rev().find_map(|step| match step {
        PathStep::Key(key) => Some(*key),
        PathStep::Item => None,
    });
    let above = above.unwrap_or_default();
    let mut all = Vec::new();
    let mut add = |text: &str, detail: String| {
        if !text.is_empty() && all.iter().all(|one: &Completion| one.text != text) {
            all.push(Completion::value(text, detail));
        }
    };
    if let Some((.., kind)) = NAMED.iter().find(|row| row.1 == key && (row.0.is_empty() || row.0 == above)) {
        let objects = context.objects.iter().filter(|object| object.kind() == *kind);
        objects.for_each(|object| add(object.name(), (*kind).to_owned()));
    }
    let holder = match (above, key) {
        ("secretKeyRef", "key") => Some("Secret"),
        ("configMapKeyRef", "key") => Some("ConfigMap"),
        _ => None,
    };
    if let Some(kind) = holder {
        for object in context.objects.iter().filter(|object| object.kind() == kind) {
            for part in ["data", "stringData", "binaryData"] {
                let of = format!("{kind} {}", object.name());
                object.node[part].entries().iter().for_each(|entry| add(&entry.key, of.clone()));
            }
        }
    }
    if key == "targetPort" || key == "port" && matches!(above, "httpGet" | "tcpSocket" | "grpc") {
        for object in context.objects {
            for container in object.pod_spec().into_iter().flat_map(containers) {
                let of = format!("{} {}", object.kind(), object.name());
                container.node["ports"].items().iter().for_each(|port| add(port["name"].text(), of.clone()));
            }
        }
    }
    all
}
