//! The copies to import: one list of objects per profile.

use std::collections::BTreeSet;

use ecow::EcoString;
use foldhash::{HashMap, HashMapExt};

use crate::finding::{Finding, RuleId};
use crate::object::Object;

/// A hand-written copy, which becomes one profile.
#[derive(Debug, Clone)]
pub struct Variant {
    /// The profile's name.
    pub name: String,
    /// The path as given on the command line.
    pub path: String,
    /// The objects in the order given, including a kind cluster config.
    pub objects: Vec<Object>,
}

/// Which of the copies have something: one flag per copy.
pub(super) type Presence = Vec<bool>;

impl Variant {
    /// The namespace of most of its objects; empty if no object has one.
    pub(super) fn namespace(&self) -> &str {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for object in self.objects.iter().filter(|object| !object.namespace().is_empty()) {
            *counts.entry(object.namespace()).or_default() += 1;
        }
        let most = counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(a.0)));
        most.map_or("", |(namespace, _)| namespace)
    }
}

/// The profile name for a path: the name of the file or folder, with characters that are invalid in a profile name
/// replaced.
#[must_use]
pub fn profile_name(path: &str) -> String {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let stem = [".yaml", ".yml", ".json"].iter().find_map(|end| last.strip_suffix(end)).unwrap_or(last);
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    stem.trim_start_matches('.').chars().map(plain).collect()
}

/// Reports why the copies cannot be imported: duplicate or invalid profile names, objects without a name, duplicate
/// objects in one copy.
pub(super) fn faults(variants: &[Variant]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut names = BTreeSet::new();
    for variant in variants {
        let error = |message: String| Finding::error(RuleId::ImportCopy, crate::source::Span::NONE, message);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if variant.name.is_empty() || variant.name.starts_with(['.', '-']) || !variant.name.chars().all(plain) {
            let message = format!("invalid profile name `{}`", variant.name);
            findings.push(error(message).with_help(format!("pass the copy as `NAME={}`", variant.path)));
        } else if variant.name == "base" || variant.name == "schema" {
            let message = format!("invalid profile name `{}`: the name is reserved", variant.name);
            findings.push(error(message).with_help(format!("pass the copy as `NAME={}`", variant.path)));
        } else if !names.insert(variant.name.to_lowercase()) {
            let message = format!("duplicate profile name `{}`", variant.name);
            findings.push(error(message).with_help(format!("pass one of the copies as `NAME={}`", variant.path)));
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
                let message = format!("duplicate kind cluster config in `{}`", variant.path);
                findings.push(Finding::error(RuleId::ImportCopy, object.span(), message));
            }
            continue;
        }
        if object.name().is_empty() {
            let message = format!("{} has no `metadata.name`", object.kind());
            let finding = Finding::error(RuleId::ImportCopy, object.span(), message);
            findings.push(finding.with_help("set `metadata.name`, or remove the object from the copy"));
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
                .with_help("remove one of them, or list the files to import one by one")
                .with_related(first.span(), "first defined here");
            findings.push(finding);
        }
    }
    findings
}

/// Whether a document is a kind cluster config, which a bundle carries beside its objects.
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
