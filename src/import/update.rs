//! Imports a newer copy into an existing project: updates the values of its profile, and rejects any other change with
//! the reason.

use std::collections::BTreeMap;
use std::sync::Arc;

use ecow::EcoString;
use foldhash::{HashMap, HashMapExt};

use super::copies::Variant;
use super::equal::in_form_of;
use super::extract::{Bindings, FieldReader};
use super::{layout, prove};
use crate::finding::{Failure, Finding, RuleId};
use crate::kube::crd::CustomKinds;
use crate::layers::Overrides;
use crate::node::{Node, Value};
use crate::object::Object;
use crate::project::{BASE, Project};
use crate::render::Renderer;
use crate::service::Services;
use crate::source::{FileId, Sources, Span};
use crate::yaml::{self, Dialect};

/// The changes that a newer copy makes to its profile.
#[derive(Debug, Clone)]
pub struct ProfileUpdate {
    profile: String,
    lines: Vec<String>,
    text: Option<String>,
}

impl ProfileUpdate {
    /// The profile's name.
    #[must_use]
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// The changes in lines for people; secrets are redacted.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The new contents of the profile's file; `None` if nothing changed.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}

pub(super) fn import_refused(message: String) -> Finding {
    Finding::error(RuleId::ImportRefused, Span::NONE, message)
}

/// Finds the values with which the project's templates render a copy, which is a newer version of a profile's copy or
/// belongs to a new profile.
///
/// # Errors
/// If anything but values of the profile would have to change.
pub fn update(
    project: &Project,
    sources: &Sources,
    variant: &Variant,
    services: &Services,
) -> Result<ProfileUpdate, Failure> {
    let faults = super::copies::faults(std::slice::from_ref(variant));
    if !faults.is_empty() {
        return Err(faults.into());
    }
    let renderer = Renderer::load(project, sources, &Overrides::default())?;
    let files = contents(project, sources)?;
    let base = tree(files.get(BASE).map(AsRef::as_ref).unwrap_or_default());
    let path = format!("profiles/{}.yaml", variant.name);
    let is_new = !files.contains_key(&path);
    let current = if is_new {
        base.clone()
    } else {
        renderer.layers.values(&renderer.layers.profile(&variant.name)?, prove::ENVIRONMENT)?.node
    };
    let mut documents = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| path.starts_with("templates/") && path.ends_with(".yaml")) {
        let loaded = yaml::load_text(text, FileId(0), Dialect::Strict);
        documents.extend(loaded.documents.into_iter().map(|document| (path.clone(), document)));
    }
    let custom = CustomKinds::new(variant.objects.iter().map(|object| &object.node));
    let example = if is_new { project.profiles()?.into_iter().next() } else { Some(variant.name.clone()) };
    let example = example.and_then(|name| renderer.render(&name, prove::ENVIRONMENT).ok());
    let in_current_form = in_current_form(variant, example.as_ref().map_or(&[], |example| &example.objects), &custom);
    let mut reader = FieldReader { current: &current, bound: Bindings::new(), files: &files };
    let findings = reader.objects(&documents, &in_current_form);
    if !findings.is_empty() {
        return Err(findings.into());
    }
    let mut changes = reader.bound;
    externals(&mut changes, &current, &base, super::external::externals(&variant.objects, services));
    changes.retain(|path, value| {
        let now = at(&current, path);
        match value {
            Some(value) => value != now,
            None => now.is_set(),
        }
    });
    let old = files.get(&path).map_or_else(layout::empty_profile, |text| text.to_string());
    let text = changed(&old, &changes, &base, &variant.name)?;
    let mut new_files: BTreeMap<String, String> =
        files.iter().map(|(path, text)| (path.clone(), text.to_string())).collect();
    new_files.insert(path, text.clone());
    let proof = Sources::new();
    let rendered = prove::render(&new_files, std::slice::from_ref(variant), &proof).map_err(|failure| {
        let message = failure.findings().first().map(|finding| finding.message.clone()).unwrap_or_default();
        Failure::from(import_refused(format!(
            "profile `{}` does not render with the new values: {message}",
            variant.name
        )))
    })?;
    let differences = prove::differences(0, &variant.objects, &rendered[0], &custom);
    if let Some(difference) = differences.first() {
        let field = if difference.field.is_empty() { String::new() } else { format!(" `{}`", difference.field) };
        let message = format!(
            "{}{field} of `{}` differs in more than the values of profile `{}`",
            difference.object, variant.path, variant.name
        );
        return Err(import_refused(message)
            .with_help("change the templates by hand, or import all copies into a new folder")
            .into());
    }
    let schema = renderer.layers.schema();
    let shown = |path: &str, value: &Node| {
        let place = match schema.lookup(path.split('.')) {
            crate::schema::Lookup::Known(place) => Some(place),
            _ => None,
        };
        let secret = place.is_none_or(|place| schema.is_secret(&place));
        if secret { crate::secret::REDACTED.to_owned() } else { brief(value) }
    };
    let mut lines: Vec<String> = changes
        .iter()
        .map(|(path, value)| {
            let now = at(&current, path);
            let before = if now.is_set() { shown(path, now) } else { "(none)".to_owned() };
            let after = value.as_ref().map_or_else(|| "(none)".to_owned(), |value| shown(path, value));
            format!("{}: {path}: {before} -> {after}", variant.name)
        })
        .collect();
    if is_new {
        lines.insert(0, format!("{}: new profile", variant.name));
    } else if lines.is_empty() {
        lines.push(format!("{}: no changes", variant.name));
    }
    let text = (is_new || !changes.is_empty()).then_some(text);
    Ok(ProfileUpdate { profile: variant.name.clone(), lines, text })
}

/// A value on one line.
fn brief(value: &Node) -> String {
    let text = match &value.value {
        Value::String(text) => text.to_string(),
        _ => yaml::json(value),
    };
    let lines = text.lines().count();
    let ranges = crate::secret::in_text(&text);
    if lines > 1 { crate::suggest::count(lines, "line") } else { crate::secret::redact(&text, &ranges) }
}

/// The profiles and templates of a project by path.
fn contents(project: &Project, sources: &Sources) -> Result<BTreeMap<String, Arc<str>>, Failure> {
    let mut files = BTreeMap::new();
    for folder in ["profiles", "templates"] {
        for path in project.list(folder, "").map_err(|error| error.failure())? {
            let file = project.read(sources, &path).map_err(|error| error.failure())?;
            let text = sources.get(file).map_or_else(|| Arc::from(""), |file| file.text.clone());
            files.insert(path, text);
        }
    }
    Ok(files)
}

/// The value at a dotted path.
fn at<'n>(values: &'n Node, path: &str) -> &'n Node {
    values.at(&path.split('.').collect::<Vec<_>>())
}

/// Parses a single YAML document.
fn tree(text: &str) -> Node {
    yaml::load_text(text, FileId(0), Dialect::Strict).documents.pop().unwrap_or_default()
}

/// The copy with values in the form that the project's objects currently use.
fn in_current_form(variant: &Variant, known: &[Object], custom: &CustomKinds<'_>) -> Variant {
    let mut by_name: HashMap<(&str, &str, &str), &Object> = HashMap::new();
    for object in known {
        by_name.insert((object.group(), object.kind(), object.name()), object);
    }
    let convert = |object: &Object| match by_name.get(&(object.group(), object.kind(), object.name())) {
        Some(known) => Object::new(in_form_of(&known.node, &object.node, custom)),
        None => object.clone(),
    };
    Variant { objects: variant.objects.iter().map(convert).collect(), ..variant.clone() }
}

/// Adds what the copy refers to but does not contain, and removes from the profile what it no longer refers to.
fn externals(changes: &mut Bindings, current: &Node, base: &Node, needed: BTreeMap<String, String>) {
    let declared = &current["external"];
    let is_declared = |target: &str| declared.entries().iter().any(|entry| entry.value.text() == target);
    for (name, target) in needed.iter().filter(|(_, target)| !is_declared(target)) {
        let numbered = |number: usize| if number == 1 { name.clone() } else { format!("{name}{number}") };
        let free = |name: &String| declared.get(name).is_none() && !changes.contains_key(&format!("external.{name}"));
        if let Some(name) = (1..).map(numbered).find(free) {
            changes.insert(format!("external.{name}"), Some(Node::new(target.as_str(), Span::NONE)));
        }
    }
    for entry in declared.entries() {
        let is_needed = needed.values().any(|target| target == entry.value.text());
        if !is_needed && base["external"].get(&entry.key).is_none() {
            changes.insert(format!("external.{}", entry.key), None);
        }
    }
}

/// The contents of a profile's file with other values. Comments at the top are kept.
fn changed(old: &str, changes: &Bindings, base: &Node, profile: &str) -> Result<String, Failure> {
    if changes.is_empty() {
        return Ok(old.to_owned());
    }
    let head: String = old.split_inclusive('\n').take_while(|line| line.starts_with('#')).collect();
    let rest = &old[head.len()..];
    let head: String = head.split_inclusive('\n').filter(|line| line.trim_end() != layout::SAME_AS_BASE).collect();
    if rest.lines().any(|line| line.trim_start().starts_with('#')) {
        let paths: Vec<&str> = changes.keys().map(String::as_str).collect();
        let message = format!("profiles/{profile}.yaml has comments that would be lost");
        let help = format!("change {} by hand", crate::suggest::list(paths, "and"));
        return Err(import_refused(message).with_help(help).into());
    }
    let mut tree = tree(rest);
    let split = |path: &String| -> Vec<EcoString> { path.split('.').map(EcoString::from).collect() };
    let mut changes: Vec<(Vec<EcoString>, &Option<Node>, &Node)> =
        changes.iter().map(|(path, value)| (split(path), value, at(base, path))).collect();
    changes.sort_by(|a, b| layout::order(&a.0).cmp(&layout::order(&b.0)));
    for (path, value, in_base) in changes {
        match value {
            // A value that equals the base's is left out of the profile.
            Some(value) if value == in_base => layout::remove(&mut tree, &path),
            None if in_base.is_null() => layout::remove(&mut tree, &path),
            value => layout::put(&mut tree, &path, value.clone().unwrap_or_default()),
        }
    }
    if tree.entries().is_empty() {
        return Ok(format!("{head}{}\n", layout::SAME_AS_BASE));
    }
    Ok(format!("{head}{}", yaml::emit(&tree)))
}
