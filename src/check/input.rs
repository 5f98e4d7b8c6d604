//! Manifests in: documents to objects, lists unpacked.

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

/// The objects of manifests, and what is wrong with the texts.
#[derive(Debug, Default)]
pub struct Input {
    /// The objects in the order given.
    pub objects: Vec<Object>,
    /// What is wrong with the texts.
    pub findings: Vec<Finding>,
    /// The config of the kind cluster that the manifests are for: the only one whose file a person named.
    pub kind_config: Option<Object>,
    /// All configs of kind clusters.
    pub kind_clusters: Vec<KindCluster>,
    /// How many of them a person named.
    chosen_clusters: usize,
    /// What the kustomizations of the folders say.
    pub kustomizations: Kustomizations,
    /// What is no Kubernetes object: where it stands, and what it is.
    pub passed_over: Vec<(Span, String)>,
}

/// API groups of files that only tools read, and that no API server serves; those below one are meant, too.
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

/// Kinds of files that only a tool reads, in groups of which an API server serves other kinds: the release series of a provider
/// of Cluster API.
const TOOL_KINDS: &[(&str, &str)] = &[("clusterctl.cluster.x-k8s.io", "Metadata")];

/// Whether an `apiVersion` is that of a file which only a tool reads: its group is a tool's, or it has no group and no
/// version of the core group, as the configuration of many tools.
fn is_of_tool(api_version: &str, kind: &str) -> bool {
    match api_version.split_once('/') {
        Some((group, _)) => {
            TOOL_GROUPS.contains(&group)
                || TOOL_KINDS.contains(&(group, kind))
                || kinds::is_of_no_server(api_version, kind)
        }
        // A kubeconfig, and the policy of a scheduler.
        None if api_version == "v1" => matches!(kind, "Config" | "Policy"),
        None => Kind::all(KubernetesVersion::default()).all(|known| known.kind != kind),
    }
}

impl Input {
    /// Adds the manifests of a file. `chosen`: a person named this very file, so that a document that is no manifest
    /// is a fault; in a folder it is passed over.
    pub fn add(&mut self, sources: &Sources, file: FileId, chosen: bool) {
        // In a folder there is much else: values, workflows, data.
        let is_manifest =
            |text: &str| text.contains("apiVersion") || text.contains("kind") && text.contains("metadata");
        if !chosen && sources.get(file).is_some_and(|file| !is_manifest(&file.text)) {
            self.pass_over(file, "not a Kubernetes object");
            return;
        }
        let mut loaded = yaml::load(sources, file, Dialect::Kubectl);
        self.findings.append(&mut loaded.findings);
        let objections = self.findings.len();
        for document in loaded.documents {
            self.document(sources, document, chosen, 0);
        }
        self.fold_objections(objections);
    }

    /// Adds a document that a person chose.
    pub fn add_document(&mut self, sources: &Sources, document: Node) {
        self.document(sources, document, true, 0);
    }

    /// Adds a kustomization, which stands in a folder.
    pub fn add_kustomization(&mut self, sources: &Sources, file: FileId, folder: &Path) {
        for document in yaml::load(sources, file, Dialect::Kubectl).documents {
            self.kustomizations.add(folder, &document);
        }
    }

    /// Passes a file over.
    pub fn pass_over(&mut self, file: FileId, what: impl Into<String>) {
        self.passed_over.push((Span::new(file, 0, 0), what.into()));
    }

    /// Leaves one of the findings, from a place on, that say that a document is no object.
    fn fold_objections(&mut self, from: usize) {
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
                finding.message = format!("{}; {more} more in this file", finding.message);
            }
            std::mem::take(&mut first)
        });
    }

    fn document(&mut self, sources: &Sources, node: Node, chosen: bool, depth: usize) {
        let span = node.origin.span;
        let text = |field: &str| node[field].as_str().filter(|text| !text.is_empty());
        let (Some(api_version), Some(kind)) = (text("apiVersion"), text("kind")) else {
            self.not_an_object(sources, &node, chosen);
            return;
        };
        // SOPS encrypts all values where it is told nothing else.
        if api_version.starts_with("ENC[") {
            self.passed_over.push((span, "encrypted as a whole with SOPS".to_owned()));
            return;
        }
        let is_list = kind.ends_with("List") && matches!(node["items"].value, Value::Sequence(_));
        if api_version.split('/').next() == Some("kind.x-k8s.io") {
            self.kind_cluster(Object::new(node), chosen);
        } else if is_of_tool(api_version, kind) {
            self.passed_over.push((span, format!("`{api_version}` {kind}, which a tool reads")));
        } else if is_list && depth < MAX_LISTS {
            self.list(sources, node, depth);
        } else {
            self.objects.push(Object::new(decrypted(node)));
        }
    }

    /// Of several clusters nobody knows which one the manifests are for.
    fn kind_cluster(&mut self, config: Object, chosen: bool) {
        self.chosen_clusters += usize::from(chosen);
        if chosen {
            self.kind_config = (self.chosen_clusters == 1).then(|| config.clone());
        }
        self.kind_clusters.push(KindCluster::new(config, chosen));
    }

    /// kubectl unpacks every list, also lists in lists. The items of a `DeploymentList` are Deployments where they say
    /// nothing else.
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
        // In a folder, what else there is tells whether it was meant for one: a chart's `Chart.yaml` has an `apiVersion`.
        let is_meant = chosen || field.is_some() && node.at(&["metadata", "name"]).is_set();
        if !is_meant {
            self.passed_over.push((span, "not a Kubernetes object".to_owned()));
            return;
        }
        sources.add_unread(span);
        let finding = match (field, &node.value) {
            (Some(field), _) => {
                let place = node.entries().first().map_or(span, |entry| entry.key_span);
                let finding = Finding::error(NOT_AN_OBJECT, place, format!("`{field}` is required"));
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

/// How deep lists in lists are unpacked.
const MAX_LISTS: usize = 8;

/// An object without what SOPS adds to it; the encrypted values stay. Flux, Argo CD and helm-secrets decrypt it before
/// it is applied.
fn decrypted(mut node: Node) -> Node {
    let sops = &node["sops"];
    let is_encrypted = ["mac", "version", "lastmodified"].iter().any(|field| sops[*field].is_set());
    if is_encrypted && let Value::Mapping(mapping) = &mut node.value {
        mapping.remove("sops");
    }
    node
}
