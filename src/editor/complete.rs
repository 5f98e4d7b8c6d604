//! Completion: what could be written at a place.

use super::cursor::{Cursor, Step, cursor, expression};
use super::{Role, World, profile_path};
use crate::kube::schema::Form;
use crate::kube::{Kind, Shape, Type};
use crate::object::containers;
use crate::schema::{Lookup, Schema};
use crate::source::FileId;
use crate::template::{Usage, usages};

/// Something that could be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// What is written.
    pub text: String,
    /// A few words about it: its type, or the object that has it.
    pub detail: String,
    /// What the schema says of it.
    pub documentation: String,
    /// Whether it is a key, behind which a colon follows.
    pub is_key: bool,
}

impl Completion {
    fn value(text: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { text: text.into(), detail: detail.into(), documentation: String::new(), is_key: false }
    }
}

/// What could be written at a byte of a file, as far as it begins with what is written before the byte.
#[must_use]
pub fn complete(world: &World<'_>, role: Role, file: FileId, offset: usize) -> Vec<Completion> {
    let Some(source) = world.sources.get(file) else { return Vec::new() };
    if role == Role::Template
        && let Some(inner) = expression(&source.text, offset)
    {
        return in_expression(world, inner);
    }
    let Some(at) = cursor(&source.text, offset) else { return Vec::new() };
    let mut all = match role {
        Role::Layer => layer_fields(world, &at),
        Role::Template | Role::Manifest => kubernetes(world, &at),
    };
    all.retain(|one| one.text.starts_with(at.prefix) && one.text != at.prefix);
    all
}

/// Fields of profiles, functions and filters.
fn in_expression(world: &World<'_>, inner: &str) -> Vec<Completion> {
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
        && let Some(schema) = world.schema
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

/// The fields that the schema knows at a path.
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

/// Fields of a profile that the mapping at the cursor has not.
fn layer_fields(world: &World<'_>, at: &Cursor<'_>) -> Vec<Completion> {
    let (Some(schema), None) = (world.schema, at.key) else { return Vec::new() };
    let keys: Option<Vec<&str>> = at
        .path
        .iter()
        .map(|step| match step {
            Step::Key(key) => Some(*key),
            Step::Item => None,
        })
        .collect();
    let Some(keys) = keys else { return Vec::new() };
    schema_fields(schema, &profile_path(&keys), true)
}

/// Fields of Kubernetes objects, kinds, and names that there are.
fn kubernetes(world: &World<'_>, at: &Cursor<'_>) -> Vec<Completion> {
    let top = |key: &str| {
        let lines = at.document.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        lines.map(|value| value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\''])).next()
    };
    let (api_version, kind) = (top("apiVersion").unwrap_or_default(), top("kind").unwrap_or_default());
    if at.path.is_empty() {
        match at.key {
            Some("kind") => {
                let kinds =
                    Kind::all(world.version).filter(|known| api_version.is_empty() || known.api_version == api_version);
                return kinds.map(|known| Completion::value(known.kind, known.api_version)).collect();
            }
            Some("apiVersion") => {
                let mut versions: Vec<&str> = Kind::all(world.version)
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
    if let Some(key) = at.key {
        return names(world, at, key);
    }
    let Some(found) = Kind::find(api_version, kind, world.version) else { return Vec::new() };
    let shape = at.path.iter().fold(Shape::BuiltIn(found.ty, world.version), |shape, step| match step {
        Step::Key(key) => shape.field(key),
        Step::Item => shape.items(),
    });
    let Shape::BuiltIn(ty, version) = shape else { return Vec::new() };
    let form = match ty.form() {
        Form::Or(one, _) => Type::form(one),
        form => form,
    };
    let Form::Struct(own) = form else { return Vec::new() };
    own.fields(version)
        .map(|field| Completion {
            text: field.name().to_owned(),
            detail: String::new(),
            documentation: String::new(),
            is_key: true,
        })
        .collect()
}

/// Which kind a field names, by the field above it and its own.
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
fn names(world: &World<'_>, at: &Cursor<'_>, key: &str) -> Vec<Completion> {
    let above = at.path.iter().rev().find_map(|step| match step {
        Step::Key(key) => Some(*key),
        Step::Item => None,
    });
    let above = above.unwrap_or_default();
    let mut all = Vec::new();
    let mut add = |text: &str, detail: String| {
        if !text.is_empty() && all.iter().all(|one: &Completion| one.text != text) {
            all.push(Completion::value(text, detail));
        }
    };
    if let Some((.., kind)) = NAMED.iter().find(|row| row.1 == key && (row.0.is_empty() || row.0 == above)) {
        let objects = world.objects.iter().filter(|object| object.kind() == *kind);
        objects.for_each(|object| add(object.name(), (*kind).to_owned()));
    }
    let holder = match (above, key) {
        ("secretKeyRef", "key") => Some("Secret"),
        ("configMapKeyRef", "key") => Some("ConfigMap"),
        _ => None,
    };
    if let Some(kind) = holder {
        for object in world.objects.iter().filter(|object| object.kind() == kind) {
            for part in ["data", "stringData", "binaryData"] {
                let of = format!("{kind} {}", object.name());
                object.node[part].entries().iter().for_each(|entry| add(&entry.key, of.clone()));
            }
        }
    }
    if key == "targetPort" || key == "port" && matches!(above, "httpGet" | "tcpSocket" | "grpc") {
        for object in world.objects {
            for container in object.pod_spec().into_iter().flat_map(containers) {
                let of = format!("{} {}", object.kind(), object.name());
                container.node["ports"].items().iter().for_each(|port| add(port["name"].text(), of.clone()));
            }
        }
    }
    all
}
