//! The files of the new project: settings, base, profiles, schema, templates.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ecow::EcoString;
use serde_json::json;

use super::components::Components;
use super::copies::Variant;
use super::describe::describe;
use super::fields::{FieldSet, ProfileField};
use super::matching::MatchedObject;
use super::parts::{TemplateMember, TemplateSite};
use super::template::{TemplateWriter, entry};
use crate::node::{Mapping, Node, Value};
use crate::source::Span;
use crate::yaml;

/// The contents of a project's files by path.
pub(super) type Files = BTreeMap<String, String>;

/// The values that a profile sets.
pub(super) type ProfileValues = Vec<(Vec<EcoString>, Node)>;

/// What a profile has besides the values of fields.
#[derive(Debug, Clone, Default)]
pub(super) struct ProfileExtras {
    /// What the copy refers to but does not contain, by name.
    pub(super) external: BTreeMap<String, String>,
    /// Objects that are kept verbatim, by the name of their field.
    pub(super) objects: BTreeMap<String, Node>,
}

/// Chooses the base's value of each field: the most frequent one, and among equally frequent ones the value of the
/// largest copy. There is none if each copy has its own value.
pub(super) fn choose_base(fields: &mut FieldSet, largest: usize) {
    for field in &mut fields.all {
        let mut counts: Vec<(Option<&Node>, usize)> = Vec::new();
        for (value, absent) in field.values.iter().zip(&field.absent) {
            if value.is_none() && !absent {
                continue;
            }
            match counts.iter_mut().find(|(known, _)| *known == value.as_ref()) {
                Some((_, count)) => *count += 1,
                None => counts.push((value.as_ref(), 1)),
            }
        }
        let most = counts.iter().map(|(_, count)| *count).max().unwrap_or_default();
        // A mapping in a profile is merged with the base's mapping instead of replacing it.
        let merges = field.values.iter().flatten().any(|value| matches!(value.value, Value::Mapping(_)));
        let own = counts.len() > 1 && (merges || most == 1 && counts.len() > 2);
        let most_frequent = || counts.iter().filter(|(_, count)| *count == most).map(|(value, _)| *value);
        let largest = field.values[largest].as_ref();
        let first = most_frequent().find(|value| *value == largest).or_else(|| most_frequent().next()).flatten();
        field.base = first.filter(|_| !own).cloned();
    }
}

/// The values that a profile sets beyond the base.
pub(super) fn values(fields: &FieldSet, copy: usize) -> ProfileValues {
    let mut values = Vec::new();
    for field in &fields.all {
        match (&field.values[copy], &field.base) {
            (Some(value), base) if Some(value) != base.as_ref() => values.push((field.name.clone(), value.clone())),
            (None, Some(_)) if field.absent[copy] => values.push((field.name.clone(), Node::default())),
            _ => {}
        }
    }
    values.sort_by(|a, b| order(&a.0).cmp(&order(&b.0)));
    values
}

/// The sort key by which fields are listed: important ones first.
pub(super) fn order(name: &[EcoString]) -> (usize, &[EcoString]) {
    const FIRST: &[&str] = &[
        "namespace",
        "name",
        "instance",
        "image",
        "replicas",
        "schedule",
        "service",
        "ports",
        "ingress",
        "resources",
        "autoscaling",
        "storage",
        "env",
        "args",
        "config",
        "secrets",
        "labels",
        "annotations",
    ];
    let first = name.first().map(EcoString::as_str).unwrap_or_default();
    // A flag comes before the fields that it controls.
    let is_switch = name.last().is_some_and(|last| last == "enabled");
    let parents = &name[..name.len().saturating_sub(1)];
    (FIRST.iter().position(|known| *known == first).unwrap_or(FIRST.len()), if is_switch { parents } else { name })
}

/// Generates all files.
pub(super) fn files(
    variants: &[Variant],
    classes: &[MatchedObject<'_>],
    members: &[TemplateMember],
    sites: &[TemplateSite],
    fields: &FieldSet,
    components: &Components,
    extras: &[ProfileExtras],
) -> Files {
    let kinds: Vec<EcoString> = classes.iter().map(|class| class.first().kind().into()).collect();
    let mut writer = TemplateWriter { fields, sites, kinds: &kinds, files: BTreeMap::new(), in_text: false };
    let mut documents: BTreeMap<String, Vec<Node>> = BTreeMap::new();
    let verbatim =
        |number: usize| extras.iter().any(|extra| extra.objects.contains_key(&object_field(number, classes)));
    for (number, (member, class)) in members.iter().zip(classes).enumerate() {
        let document = if verbatim(number) {
            let path = format!("objects.{}", object_field(number, classes));
            let condition = entry("$if", Node::new(format!("{path} is defined"), Span::NONE));
            let value = entry("$value", Node::new(format!("{{{{ {path} }}}}"), Span::NONE));
            Node::new(Mapping::from_iter([condition, value]), Span::NONE)
        } else {
            writer.document(member)
        };
        documents.entry(components.file(number, class)).or_default().push(document);
    }
    let mut files: Files = writer.files.into_iter().map(|(path, text)| (format!("templates/{path}"), text)).collect();
    for (name, documents) in documents {
        files.insert(format!("templates/{name}.yaml"), directives_unquoted(&yaml::emit_stream(&documents)));
    }
    let any_verbatim = extras.iter().any(|extra| !extra.objects.is_empty());
    // What every copy depends on is declared in the base.
    let is_common =
        |target: &(&String, &String)| extras.iter().all(|extra| extra.external.get(target.0) == Some(target.1));
    let common: BTreeMap<String, String> = extras
        .first()
        .iter()
        .flat_map(|extra| extra.external.iter().filter(is_common))
        .map(|(name, target)| (name.clone(), target.clone()))
        .collect();
    files.insert("profiles/base.yaml".to_owned(), base(fields, classes, &common, any_verbatim));
    files.insert("profiles/schema.json".to_owned(), super::schema::schema(variants, fields, classes, extras));
    for (copy, (variant, extra)) in variants.iter().zip(extras).enumerate() {
        let mut extra = extra.clone();
        extra.external.retain(|name, _| !common.contains_key(name));
        files.insert(format!("profiles/{}.yaml", variant.name), profile(&values(fields, copy), &extra));
    }
    files
}

/// Writes directives without quotes, which every YAML parser accepts.
fn directives_unquoted(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let start = line.len() - line.trim_start_matches([' ', '-']).len();
        let directive = ["if", "value", "yaml", "json", "file"]
            .iter()
            .find_map(|name| Some((name, line[start..].strip_prefix(&format!("\"${name}\":"))?)));
        match directive {
            Some((name, rest)) => _ = write!(made, "{}${name}:{rest}", &line[..start]),
            None => made.push_str(line),
        }
    }
    made
}

/// The name of the field that holds an object verbatim.
pub(super) fn object_field(number: usize, classes: &[MatchedObject<'_>]) -> String {
    let object = classes[number].first();
    format!("{}{number}", super::names::camel(&format!("{}-{}", object.name(), object.kind())))
}

/// The comment in a profile that sets nothing.
pub(super) const SAME_AS_BASE: &str = "# All values come from the base.";

const SCHEMA_LINE: &str = "# yaml-language-server: $schema=schema.json\n";

/// The contents of a profile's file.
pub(super) fn profile(values: &ProfileValues, extra: &ProfileExtras) -> String {
    let mut tree = Node::new(Mapping::new(), Span::NONE);
    for (name, value) in values {
        put(&mut tree, name, value.clone());
    }
    for (name, target) in &extra.external {
        put(&mut tree, &["external".into(), name.as_str().into()], Node::new(target.as_str(), Span::NONE));
    }
    for (name, object) in &extra.objects {
        put(&mut tree, &["objects".into(), name.as_str().into()], bare(object));
    }
    if tree.entries().is_empty() {
        return empty_profile();
    }
    format!("{SCHEMA_LINE}{}", yaml::emit(&tree))
}

/// A profile that sets nothing.
pub(super) fn empty_profile() -> String {
    format!("{SCHEMA_LINE}{SAME_AS_BASE}\n")
}

/// A value without its origin.
fn bare(node: &Node) -> Node {
    let value = match &node.value {
        Value::Sequence(items) => Value::from(items.iter().map(bare).collect::<Vec<_>>()),
        Value::Mapping(mapping) => {
            Value::from(mapping.iter().map(|found| entry(&found.key, bare(&found.value))).collect::<Mapping>())
        }
        value => value.clone(),
    };
    Node { value, ..Node::default() }
}

/// Sets the value at a path, creating the mappings on the path.
pub(super) fn put(tree: &mut Node, path: &[EcoString], value: Node) {
    let Some((first, rest)) = path.split_first() else { return };
    if !matches!(tree.value, Value::Mapping(_)) {
        tree.value = Mapping::new().into();
    }
    let Value::Mapping(mapping) = &mut tree.value else { return };
    if mapping.get(first).is_none() {
        mapping.push(first.clone(), Span::NONE, Node::default());
    }
    let Some(below) = mapping.get_mut(first) else { return };
    if rest.is_empty() { *below = value } else { put(below, rest, value) }
}

/// Removes the value at a path, and mappings on the path that become empty.
pub(super) fn remove(tree: &mut Node, path: &[EcoString]) {
    let Some((first, rest)) = path.split_first() else { return };
    let Value::Mapping(mapping) = &mut tree.value else { return };
    if let Some(below) = mapping.get_mut(first).filter(|_| !rest.is_empty()) {
        remove(below, rest);
        if !matches!(&below.value, Value::Mapping(mapping) if mapping.is_empty()) {
            return;
        }
    }
    mapping.remove(first);
}

/// The fields in the order in which they are listed.
pub(super) fn in_order(fields: &FieldSet) -> Vec<&ProfileField> {
    let mut all: Vec<&ProfileField> = fields.all.iter().collect();
    all.sort_by(|a, b| order(&a.name).cmp(&order(&b.name)));
    all
}

/// The contents of the base, with a comment that describes each field.
fn base(
    fields: &FieldSet,
    classes: &[MatchedObject<'_>],
    external: &BTreeMap<String, String>,
    verbatim: bool,
) -> String {
    let mut lines: Vec<(&[EcoString], String, Node)> = Vec::new();
    let mut own = Vec::new();
    for field in in_order(fields) {
        match &field.base {
            Some(value) => lines.push((&field.name, describe(field, classes), bare(value))),
            None => own.push(field),
        }
    }
    // A template can only test a field whose parent mapping exists.
    let mut empty: BTreeMap<&[EcoString], Vec<&str>> = BTreeMap::new();
    for field in own.iter().filter(|field| field.absent.contains(&true)) {
        let Some((last, parents)) = field.name.split_last() else { continue };
        let is_there = lines.iter().any(|(name, ..)| name.starts_with(parents));
        let deeper = own.iter().any(|other| {
            other.name.len() > field.name.len() && other.name.starts_with(parents) && other.absent.contains(&true)
        });
        if !parents.is_empty() && !is_there && !deeper {
            empty.entry(parents).or_default().push(last);
        }
    }
    for (name, members) in &empty {
        let text = format!("Set by some profiles: {}.", members.join(", "));
        lines.push((name, text, Node::new(Mapping::new(), Span::NONE)));
    }
    let objects = [EcoString::from("objects")];
    if verbatim {
        lines.push((&objects, "Objects that are kept verbatim.".to_owned(), Node::new(Mapping::new(), Span::NONE)));
    }
    lines.sort_by(|a, b| order(a.0).cmp(&order(b.0)));
    let mut text = format!("{SCHEMA_LINE}environments: {{e2e: {{}}}}\n");
    let mut open: &[EcoString] = &[];
    for (at, (name, comment, value)) in lines.iter().enumerate() {
        let Some((last, parents)) = name.split_last() else { continue };
        let shared = open.iter().zip(parents).take_while(|(one, other)| one == other).count();
        if shared == 0 && (parents.is_empty() || open != parents || at == 0) {
            text.push('\n');
        }
        for (depth, name) in parents.iter().enumerate().skip(shared) {
            _ = writeln!(text, "{}{}:", "  ".repeat(depth), key(name));
        }
        open = parents;
        let indent = "  ".repeat(parents.len());
        _ = writeln!(text, "{indent}# {comment}");
        let entry = Node::new(Mapping::from_iter([entry(last, value.clone())]), Span::NONE);
        for line in yaml::emit(&entry).lines() {
            if line.is_empty() { text.push('\n') } else { _ = writeln!(text, "{indent}{line}") }
        }
    }
    if !external.is_empty() {
        text.push_str("\n# What every profile depends on but does not contain.\n");
        let entries = external.iter().map(|(name, target)| entry(name, Node::new(target.as_str(), Span::NONE)));
        let external = Node::new(entries.collect::<Mapping>(), Span::NONE);
        text.push_str(&yaml::emit(&Node::new(Mapping::from_iter([entry("external", external)]), Span::NONE)));
    }
    own.retain(|field| !field.absent.contains(&true));
    if !own.is_empty() {
        text.push_str("\n# Set by each profile:\n");
        for field in own {
            _ = writeln!(text, "#   {}: {}", field.name.join("."), describe(field, classes));
        }
    }
    text
}

fn key(name: &str) -> String {
    let text = yaml::emit(&Node::new(Mapping::from_iter([entry(name, Node::default())]), Span::NONE));
    text.trim_end().strip_suffix(": null").unwrap_or(name).to_owned()
}

/// The contents of plimsoll.toml.
pub(super) fn settings(allowed: &[AllowedFinding]) -> String {
    let mut text =
        "# Generated by `plimsoll import`. The project consists of profiles/ and templates/ in this folder.\n\n\
                    # The profiles are applied to separate clusters, or never at the same time.\n\
                    clusters = \"profile\"\n"
            .to_owned();
    for allowed in allowed {
        let quote = |text: &str| json!(text).to_string();
        _ = write!(text, "\n[[allow]]\nrule = {}\nprofile = {}\n", quote(allowed.rule), quote(&allowed.profile));
        if !allowed.object.is_empty() {
            _ = writeln!(text, "object = {}", quote(&allowed.object));
        }
        _ = writeln!(text, "because = {}", quote(&allowed.because));
    }
    text
}

/// A finding that a copy already has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AllowedFinding {
    pub(super) rule: &'static str,
    pub(super) profile: String,
    pub(super) object: String,
    pub(super) because: String,
}
