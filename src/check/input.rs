//! Reads manifests: makes objects of YAML documents and unpacks lists.

use std::path::Path;

use crate::check::KindCluster;
use crate::check::kustomize::Kustomizations;
use crate::finding::{Finding, RuleId};
use crate::kube::KubernetesVersion;
use crate::kube::kinds::{self, Kind};
use crate::node::{Node, Value};
use crate::object::Object;
use crate::source::{FileId, Sources, Span};
use crate::yaml::{self, Dialect};

/// The objects read from manifests, and the findings of reading them.
#[derive(Debug, Default)]
pub struct Input {
    /// The objects in input order.
    pub objects: Vec<Object>,
    /// Syntax errors, and documents that are not Kubernetes objects.
    pub findings: Vec<Finding>,
    /// The config of the kind cluster that the manifests are for: the only one whose file was named on the command line.
    pub kind_config: Option<Object>,
    /// All configs of kind clusters.
    pub kind_clusters: Vec<KindCluster>,
    /// How many of them are in files that were named on the command line.
    chosen_clusters: usize,
    /// The kustomizations of the folders.
    pub kustomizations: Kustomizations,
    /// The skipped documents and files: location and description.
    pub passed_over: Vec<(Span, String)>,
}

/// API groups of configuration files of tools, which no API server serves.
const TOOL_GROUPS: &[&str] = &[
    "apiserver.config.k8s.io",
    "audit.k8s.io",
    "backstage.io",
    "chainsaw.kyverno.io",
    "cli.kyverno.io",
    "client.authentication.k8s.io",
    "config.kubernetes.io",
    "configuration.konghq.com/deck",
    "ctlptl.dev",
    "eksctl.io",
    "imagepolicy.k8s.io",
    "k3d.io",
    "kind.x-k8s.io",
    "kpt.dev",
    "krew.googlecontainertools.github.com",
    "kubeadm.k8s.io",
    "kubelet.config.k8s.io",
    "kubeproxy.config.k8s.io",
    "kubescheduler.config.k8s.io",
    "kubecontrollermanager.config.k8s.io",
    "kustomize.config.k8s.io",
    "kuttl.dev",
    "meta.pkg.crossplane.io",
    "testing.kyverno.io",
];

/// Kinds of configuration files in groups whose other kinds an API server serves: the release series of a Cluster API provider.
const TOOL_KINDS: &[(&str, &str)] = &[("clusterctl.cluster.x-k8s.io", "Metadata")];

/// Whether a document is the configuration of a tool: by its group, or because it has no group and its `apiVersion` is not one
/// of the core group.
fn is_tool_config(api_version: &str, kind: &str) -> bool {
    match api_version.split_once('/') {
        Some((group, _)) => {
            TOOL_GROUPS.contains(&group)
                || TOOL_KINDS.contains(&(group, kind))
                || kinds::is_of_no_server(api_version, kind)
        }
        // A kubeconfig or a scheduler policy.
        None if api_version == "v1" => matches!(kind, "Config" | "Policy"),
        None => Kind::all(KubernetesVersion::default()).all(|known| known.kind != kind),
    }
}

impl Input {
    /// Adds the manifests of a file. If the file itself was named on the command line (`chosen`), documents that are not
    /// Kubernetes objects are reported; in a folder they are skipped.
    pub fn add(&mut self, sources: &Sources, file: FileId, chosen: bool) {
        // Folders contain other YAML files, too: values, workflows, data.
        let is_manifest =
            |text: &str| text.contains("apiVersion") || text.contains("kind") && text.contains("metadata");
        if !chosen && sources.get(file).is_some_and(|file| !is_manifest(&file.text)) {
            self.pass_over(file, "not a Kubernetes object");
            return;
        }
        let mut loaded = yaml::load(sources, file, Dialect::Kubectl);
        self.findings.append(&mut loaded.findings);
        let start = self.findings.len();
        for document in loaded.documents {
            self.document(sources, document, chosen, 0);
        }
        self.merge_findings(start);
    }

    /// Adds a document that the user named.
    pub fn add_document(&mut self, sources: &Sources, document: Node) {
        self.document(sources, document, true, 0);
    }

    /// Adds the kustomization of a folder.
    pub fn add_kustomization(&mut self, sources: &Sources, file: FileId, folder: &Path) {
        for document in yaml::load(sources, file, Dialect::Kubectl).documents {
            self.kustomizations.add(folder, &document);
        }
    }

    /// Skips a file, with a description for `--verbose`.
    pub fn pass_over(&mut self, file: FileId, what: impl Into<String>) {
        self.passed_over.push((Span::new(file, 0, 0), what.into()));
    }

    /// Merges the findings from an index on that report documents which are not objects into one.
    fn merge_findings(&mut self, from: usize) {
        let more =
            self.findings[from..].iter().filter(|finding| finding.rule == NOT_AN_OBJECT).count().saturating_sub(1);
        let mut first = true;
        let mut at = 0;
        self.findings.retain_mut(|finding| {
            at += 1;
            if at <= from || finding.rule != NOT_AN_OBJECT {
                return true;
            }
            if more > 0 {
                let others = match more {
                    1 => "1 more document in this file is not a Kubernetes object".to_owned(),
                    _ => format!("{more} more documents in this file are not Kubernetes objects"),
                };
                finding.message = format!("{}; {others}", finding.message);
            }
            std::mem::take(&mut first)
        });
    }

    fn document(&mut self, sources: &Sources, node: Node, chosen: bool, depth: usize) {
        let span = node.origin.span;
        let string = |field: &str| node[field].as_str().filter(|value| !value.is_empty());
        let (Some(api_version), Some(kind)) = (string("apiVersion"), string("kind")) else {
            self.not_an_object(sources, &node, chosen);
            return;
        };
        // SOPS encrypts all values by default.
        if api_version.starts_with("ENC[") {
            self.passed_over.push((span, "entirely encrypted with SOPS".to_owned()));
            return;
        }
        let is_list = kind.ends_with("List") && matches!(node["items"].value, Value::Sequence(_));
        if api_version.split('/').next() == Some("kind.x-k8s.io") {
            self.kind_cluster(Object::new(node), chosen);
        } else if is_tool_config(api_version, kind) {
            self.passed_over.push((span, format!("`{api_version}` {kind}, the configuration of a tool")));
        } else if is_list && depth < MAX_LIST_DEPTH {
            self.list(sources, node, depth);
        } else {
            self.objects.push(Object::new(without_sops(node)));
        }
    }

    /// Adds a kind cluster. If several are named, it is not known which one the manifests are for.
    fn kind_cluster(&mut self, config: Object, chosen: bool) {
        self.chosen_clusters += usize::from(chosen);
        if chosen {
            self.kind_config = (self.chosen_clusters == 1).then(|| config.clone());
        }
        self.kind_clusters.push(KindCluster::new(config, chosen));
    }

    /// Unpacks a list, as kubectl does, also within lists. Items of a `DeploymentList` without `apiVersion` and `kind` are
    /// Deployments.
    fn list(&mut self, sources: &Sources, mut node: Node, depth: usize) {
        let (api_version, kind) = (node["apiVersion"].clone(), node["kind"].clone());
        let Some(Node { value: Value::Sequence(items), .. }) = node.get_mut("items") else { return };
        let item_kind = kind.text().trim_end_matches("List").to_owned();
        for mut item in std::mem::take(items) {
            if let Value::Mapping(mapping) = &mut item.value
                && !item_kind.is_empty()
                && mapping.get("kind").is_none()
                && mapping.get("apiVersion").is_none()
            {
                mapping.set("apiVersion", api_version.clone());
                mapping.set("kind", Node::new(item_kind.as_str(), kind.origin.span));
            }
            self.document(sources, item, true, depth + 1);
        }
    }

    fn not_an_object(&mut self, sources: &Sources, node: &Node, chosen: bool) {
        let span = node.origin.span;
        let lacks = |field: &str| node[field].as_str().is_none_or(str::is_empty);
        let field = match (lacks("apiVersion"), lacks("kind")) {
            (true, true) => None,
            (true, false) => Some("apiVersion"),
            _ => Some("kind"),
        };
        // Other files in a folder may have one of the fields: `Chart.yaml` has an `apiVersion`.
        let is_manifest = chosen || field.is_some() && node.at(&["metadata", "name"]).is_set();
        if !is_manifest {
            self.passed_over.push((span, "not a Kubernetes object".to_owned()));
            return;
        }
        sources.add_unread(span);
        let finding = match (field, &node.value) {
            (Some(field), _) => {
                let key = node.entries().first().map_or(span, |entry| entry.key_span);
                let finding = Finding::error(NOT_AN_OBJECT, key, format!("`{field}` is required"));
                finding.with_help(format!("every Kubernetes object has an `apiVersion` and a `kind`; add `{field}`"))
            }
            (None, Value::Mapping(_)) => Finding::error(NOT_AN_OBJECT, span, "not a Kubernetes object")
                .with_label("`apiVersion` and `kind` are required"),
            (None, Value::Sequence(_)) => Finding::error(NOT_AN_OBJECT, span, "a list is not a Kubernetes object")
                .with_help("separate objects with `---`, or wrap them in `kind: List` with `items`"),
            (None, _) => Finding::error(NOT_AN_OBJECT, span, "not a Kubernetes object").with_label("not a mapping"),
        };
        self.findings.push(finding);
    }
}

const NOT_AN_OBJECT: RuleId = RuleId::NotAManifest;

/// The maximum depth of nested lists.
const MAX_LIST_DEPTH: usize = 8;

/// Removes the `sops` field; the encrypted values stay. Flux, Argo CD and helm-secrets decrypt the object before they apply it.
fn without_sops(mut node: Node) -> Node {
    let sops = &node["sops"];
    let is_encrypted = ["mac", "version", "lastmodified"].iter().any(|field| sops[*field].is_set());
    if is_encrypted && let Value::Mapping(mapping) = &mut node.value {
        mapping.remove("sops");
    }
    node
}
