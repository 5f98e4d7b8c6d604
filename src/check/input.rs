//! Manifests in: documents to objects, lists unpacked.

use crate::finding::{Finding, RuleId, Severity};
use crate::node::{Node, Value};
use crate::object::Object;
use crate::source::{FileId, Sources};
use crate::yaml::{self, Dialect};

/// The objects of manifests, and what is wrong with the texts.
#[derive(Debug, Default)]
pub struct Input {
    /// The objects in the order given.
    pub objects: Vec<Object>,
    /// What is wrong with the texts.
    pub findings: Vec<Finding>,
    /// The first kind cluster config met.
    pub kind_config: Option<Object>,
}

/// API groups of files that only local tools read, and that no API server knows.
const LOCAL_GROUPS: &[&str] =
    &["kustomize.config.k8s.io", "kind.x-k8s.io", "skaffold", "kubeadm.k8s.io", "k3d.io", "ctlptl.dev"];

impl Input {
    /// Adds the manifests of a file. `chosen`: a person named this very file, so that a document that is no manifest
    /// is a fault; in a folder it is passed over, with a note.
    pub fn add(&mut self, sources: &Sources, file: FileId, chosen: bool) {
        let mut loaded = yaml::load(sources, file, Dialect::Kubectl);
        let helm = sources.get(file).is_some_and(|file| file.text.contains("{{"));
        for finding in &mut loaded.findings {
            if helm && finding.rule != RuleId::YamlAmbiguous && finding.help.is_empty() {
                finding.help = "this looks like a template: render it first, and check what comes out".to_owned();
            }
        }
        self.findings.append(&mut loaded.findings);
        for document in loaded.documents {
            self.document(sources, document, chosen, 0);
        }
    }

    fn document(&mut self, sources: &Sources, mut node: Node, chosen: bool, depth: usize) {
        let span = node.origin.span;
        if !matches!(node.value, Value::Mapping(_)) || (node["apiVersion"].is_null() && node["kind"].is_null()) {
            sources.add_unread(span);
            let severity = if chosen { Severity::Error } else { Severity::Note };
            let message =
                if chosen { "this is no Kubernetes object" } else { "this is no Kubernetes object; it is passed over" };
            let finding = Finding::new(RuleId::NotAManifest, severity, span, message);
            self.findings.push(finding.with_label("no `apiVersion`, no `kind`"));
            return;
        }
        for field in ["apiVersion", "kind"] {
            if node[field].as_str().is_none_or(str::is_empty) {
                let message = format!("the object has no `{field}`");
                sources.add_unread(span);
                let place = node.entries().first().map_or(span, |entry| entry.key_span);
                let help = format!("`{field}` is a string that every object needs");
                self.findings.push(Finding::error(RuleId::NotAManifest, place, message).with_help(help));
                return;
            }
        }
        let group = node["apiVersion"].text().split('/').next().unwrap_or_default();
        if group == "kind.x-k8s.io" {
            self.kind_config.get_or_insert_with(|| Object::new(node));
            return;
        }
        if LOCAL_GROUPS.contains(&group) {
            return;
        }
        // kubectl unpacks every list, also lists in lists.
        if node["kind"].text().ends_with("List")
            && depth < 8
            && let Some(Node { value: Value::Sequence(items), .. }) = node.get_mut("items")
        {
            for item in std::mem::take(items) {
                self.document(sources, item, true, depth + 1);
            }
            return;
        }
        self.objects.push(Object::new(node));
    }
}
