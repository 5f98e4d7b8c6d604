//! The copies: what a person gave, one list of objects a profile.

use std::collections::BTreeSet;

use ecow::EcoString;
use foldhash::{HashMap, HashMapExt};

use crate::finding::{Finding, RuleId};
use crate::object::Object;

/// One of the hand-written copies: it becomes one profile.
#[derive(Debug, Clone)]
pub struct Variant {
    /// The profile's name.
    pub name: String,
    /// The path as it was typed.
    pub path: String,
    /// The objects, in the order given; the config of a kind cluster among them.
    pub objects: Vec<Object>,
}

/// In which of the copies something is: one truth value a copy.
pub(super) type Presence = Vec<bool>;

impl Variant {
    /// The namespace of most of its objects; empty where most name none.
    pub(super) fn namespace(&self) -> &str {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for object in self.objects.iter().filter(|object| !object.namespace().is_empty()) {
            *counts.entry(object.namespace()).or_default() += 1;
        }
        let most = counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(a.0)));
        most.map_or("", |(namespace, _)| namespace)
    }
}

/// The name that a profile gets from a path: that of the file or folder, in the characters a profile's name can have.
#[must_use]
pub fn profile_name(path: &str) -> String {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let stem = [".yaml", ".yml", ".json"].iter().find_map(|end| last.strip_suffix(end)).unwrap_or(last);
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    stem.trim_start_matches('.').chars().map(plain).collect()
}

/// What makes it impossible to import the copies: names that are used twice or cannot be used, objects without a name,
/// two objects of one identity in one copy.
pub(super) fn faults(variants: &[Variant]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut names = BTreeSet::new();
    for variant in variants {
        let error = |message: String| Finding::error(RuleId::ImportCopy, crate::source::Span::NONE, message);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if variant.name.is_empty() || variant.name.starts_with(['.', '-']) || !variant.name.chars().all(plain) {
            let message = format!("`{}` cannot be the name of a profile", variant.name);
            findings.push(error(message).with_help(format!("name the copy: `NAME={}`", variant.path)));
        } else if variant.name == "base" || variant.name == "schema" {
            let message = format!("a profile cannot be called `{}`", variant.name);
            findings.push(error(message).with_help(format!("name the copy: `NAME={}`", variant.path)));
        } else if !names.insert(variant.name.to_lowercase()) {
            let message = format!("two copies are called `{}`", variant.name);
            findings.push(error(message).with_help(format!("name one of them: `NAME={}`", variant.path)));
        }
        if variant.objects.is_empty() {
            findings.push(error(format!("no Kubernetes objects in `{}`", variant.path)));
        }
        findings.extend(twins(variant));
    }
    findings
}

fn twins(variant: &Variant) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: HashMap<(EcoString, EcoString, EcoString, EcoString), &Object> = HashMap::new();
    for object in &variant.objects {
        if is_kind_config(object) {
            let id = (EcoString::new(), EcoString::from("Cluster"), EcoString::new(), EcoString::new());
            if seen.insert(id, object).is_some() {
                let message = format!("two kind cluster configs in `{}`", variant.path);
                findings.push(Finding::error(RuleId::ImportCopy, object.span(), message));
            }
            continue;
        }
        if object.name().is_empty() {
            let message = format!("{} has no `metadata.name`", object.kind());
            let finding = Finding::error(RuleId::ImportCopy, object.span(), message);
            findings.push(finding.with_help("a bundle holds only objects with a name; take it out of the copy"));
            continue;
        }
        let id = (
            EcoString::from(object.group()),
            object.id.kind.clone(),
            object.id.namespace.clone(),
            object.id.name.clone(),
        );
        if let Some(first) = seen.insert(id, object) {
            let message = format!("{} is defined twice in `{}`", object.id, variant.path);
            let finding = Finding::error(RuleId::ImportCopy, object.span(), message)
                .with_help("keep one of them, or name the files to import one by one")
                .with_related(first.span(), "first defined here");
            findings.push(finding);
        }
    }
    findings
}

/// Whether a document is the config of a kind cluster, which a bundle carries beside its objects.
pub(super) fn is_kind_config(object: &Object) -> bool {
    object.group() == "kind.x-k8s.io" && object.kind() == "Cluster"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_named_like_its_file() {
        for (path, name) in [
            ("deploy/gateway.yaml", "gateway"),
            ("overlays/prod/", "prod"),
            ("a.b.yml", "a.b"),
            ("./x y.json", "x-y"),
            ("-", "-"),
            ("..", ""),
        ] {
            assert_eq!(profile_name(path), name, "{path}");
        }
    }
}
