//! Completion: what could be written at a place.

use foldhash::{HashSet, HashSetExt};

use super::cursor::{Cursor, Step, cursor, expression};
use super::describe::type_words;
use super::{Role, World};
use crate::check::input::Input;
use crate::check::{self, Options};
use crate::finding::{Family, Remedy};
use crate::kube::schema::{Field, Form, Leaf, Type};
use crate::kube::{Kind, Shape};
use crate::object::containers;
use crate::schema::{self, Lookup, Schema};
use crate::source::{FileId, Sources};
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
        Role::Layer => layer(world, &at),
        Role::Template | Role::Manifest => kubernetes(world, &source.text, offset, &at),
    };
    let mut seen = HashSet::new();
    all.retain(|one| one.text.starts_with(at.prefix) && one.text != at.prefix && seen.insert(one.text.clone()));
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

/// Fields of a profile, and the values that the schema lists for one.
fn layer(world: &World<'_>, at: &Cursor<'_>) -> Vec<Completion> {
    let Some(schema) = world.schema else { return Vec::new() };
    let keys = at.path.iter().map(|step| match step {
        Step::Key(key) => Some(*key),
        Step::Item => None,
    });
    let keys: Vec<Option<&str>> = keys.chain(at.key.map(Some)).collect();
    // What stands below a name of an environment, or of what is enforced, is the profile's own.
    let keys = match keys.as_slice() {
        [Some("environments"), Some(_), rest @ ..] | [Some("enforce"), rest @ ..] => rest,
        keys => keys,
    };
    let steps = keys.iter().map(|key| key.map_or(schema::Step::Index(0), schema::Step::Key));
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

/// Fields of Kubernetes objects, kinds, and names that there are.
fn kubernetes(world: &World<'_>, text: &str, offset: usize, at: &Cursor<'_>) -> Vec<Completion> {
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
    let found = Kind::find(api_version, kind, world.version);
    let shape = found.map(|found| {
        let shape = at.path.iter().fold(Shape::BuiltIn(found.ty, world.version), |shape, step| match step {
            Step::Key(key) => shape.field(key),
            Step::Item => shape.items(),
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
            own.fields(world.version).map(field).collect()
        }
        (_, Some(Form::Leaf(Leaf::Bool))) => booleans(),
        (key, _) => {
            let mut all = key.map(|key| names(world, at, key)).unwrap_or_default();
            all.extend(choices(world, text, offset, at));
            all
        }
    }
}

/// A word that no field lists among the words it takes.
const NO_WORD: &str = "no-such-word";

/// The words that a field takes: those that the rules of the API server name when another one stands there.
fn choices(world: &World<'_>, text: &str, offset: usize, at: &Cursor<'_>) -> Vec<Completion> {
    let start = offset - at.prefix.len();
    let line_end = text[offset..].find(['\n', '\r']).map_or(text.len(), |end| offset + end);
    let start = start - usize::from(text[..start].ends_with(['"', '\'']));
    let first = at.document.as_ptr() as usize - text.as_ptr() as usize;
    let (before, behind) = (&text[first..start], &text[line_end..first + at.document.len()]);
    let sources = Sources::new();
    let file = sources.add("", format!("{before}{NO_WORD}{behind}"));
    let mut input = Input::default();
    input.add(&sources, file, true);
    let options =
        Options { kubernetes_version: world.version, only: vec![Family::Api.name().to_owned()], ..Options::default() };
    let findings = check::check_in(&sources, &input.objects, &options);
    let here =
        findings.iter().filter(|finding| finding.span.file == file && finding.span.start as usize == start - first);
    let words = here.flat_map(|finding| match &finding.remedy {
        Some(Remedy::OneOf(words)) => words.as_slice(),
        _ => &[],
    });
    words.filter(|word| !word.is_empty()).map(|word| Completion::value(word.as_str(), "")).collect()
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
