//! What a person asks of a check.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::kustomize::Kustomizations;
use crate::definitions::Definitions;
use crate::finding::{Finding, RuleId, Severity};
use crate::formats::version::Version;
use crate::globs::Globs;
use crate::kube::KubernetesVersion;
use crate::node::Node;
use crate::object::Object;
use crate::project::OwnReference;
use crate::service::Services;
use crate::source::Sources;

/// What the cluster that the manifests are for is used for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Nobody said.
    #[default]
    Unknown,
    /// A test: its data may be lost.
    Test,
    /// Production: its data may not.
    Production,
}

/// How a person declares what lives elsewhere, for help texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Declaration {
    /// With `--external`.
    #[default]
    Argument,
    /// In a project's settings, the file of this name.
    Settings(String),
    /// Under `external` in the profile, the file of this name.
    Profile(String),
}

impl Declaration {
    /// What to write for a host or an object.
    #[must_use]
    pub fn of(&self, what: &str) -> String {
        match self {
            Self::Argument => format!("declare it with `--external {what}`"),
            Self::Settings(file) => format!("declare it in {file}: `externals = [\"{what}\"]`"),
            Self::Profile(file) => {
                let name = what.rsplit('/').next().unwrap_or(what);
                format!("declare it in {file}: `external: {{{name}: {what}}}`")
            }
        }
    }
}

/// The config of a kind cluster that is checked by itself.
#[derive(Debug, Clone)]
pub struct KindCluster {
    /// The config.
    pub config: Object,
    /// The name of the cluster. None where the config has none and a person named its file: `kind create cluster --name`
    /// gives one. What is found in a folder has kind's default name then.
    pub name: Option<String>,
}

impl KindCluster {
    /// The name of a cluster that nobody names.
    pub const DEFAULT_NAME: &str = "kind";

    /// A cluster by its config; `chosen`: a person named its very file.
    #[must_use]
    pub fn new(config: Object, chosen: bool) -> Self {
        let name = config.node["name"].as_str().map(str::to_owned);
        Self { name: name.or_else(|| (!chosen).then(|| Self::DEFAULT_NAME.to_owned())), config }
    }
}

/// The severity that a project gives to a rule; `None` switches the rule off.
pub(super) type RuleSeverity = (RuleId, Option<Severity>);

/// What a person asks of a check.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whether the objects are known to be the whole bundle, so that what is absent is an error.
    pub whole: bool,
    /// Whether the objects are a bundle of the project's own, of which recommendations are given, too.
    pub own: bool,
    /// What lives elsewhere: hosts as `host` or `host:port`, objects as `Kind/name`.
    pub externals: Vec<String>,
    /// How they are declared.
    pub declaration: Declaration,
    /// Families to run; all where empty.
    pub only: Vec<String>,
    /// Families or rules to leave out.
    pub skip: Vec<String>,
    /// The kind cluster the manifests are for (`kind: Cluster` of `kind.x-k8s.io`).
    pub kind_config: Option<Object>,
    /// The kind clusters that are checked by themselves; that of the manifests need not be among them.
    pub kind_clusters: Vec<KindCluster>,
    /// The services whose ways are known.
    pub services: Services,
    /// The versions of services that run with one profile only: the profile, the service (all where it is empty), the version.
    pub profile_versions: Vec<(String, String, Version)>,
    /// What the cluster is for.
    pub purpose: Purpose,
    /// The version of Kubernetes whose kinds and fields count.
    pub kubernetes_version: KubernetesVersion,
    /// CustomResourceDefinitions that are known beside those among the objects; others in here are passed over.
    pub crds: Vec<Node>,
    /// Fields of the project's own that name objects.
    pub references: Vec<OwnReference>,
    /// Where those stand that neither has.
    pub definitions: Arc<Definitions>,
    /// What the kustomizations beside the manifests say.
    pub kustomizations: Kustomizations,
    /// Severities that a project gives to rules; `None` switches the rule off.
    pub severities: BTreeMap<RuleId, Option<Severity>>,
    /// The same for the files that patterns match, in the order written.
    pub path_severities: Vec<(Globs, Vec<RuleSeverity>)>,
}

impl Options {
    /// The configs of all kind clusters.
    pub fn clusters(&self) -> impl Iterator<Item = &Object> + Clone {
        let is_among = |config: &Object| self.kind_clusters.iter().any(|one| one.config.span() == config.span());
        let own = self.kind_config.iter().filter(move |config| !is_among(config));
        self.kind_clusters.iter().map(|cluster| &cluster.config).chain(own)
    }

    /// Whether a rule is asked for.
    #[must_use]
    pub fn runs(&self, rule: RuleId) -> bool {
        let named = |names: &[String]| names.iter().any(|name| name == rule.name() || name == rule.family().name());
        (self.only.is_empty() || named(&self.only)) && !named(&self.skip)
    }

    /// Gives findings the severities that the project sets for their rules, and drops those it switches off or a person
    /// leaves out; also of findings that no rule makes.
    pub fn adjust(&self, findings: &mut Vec<Finding>) {
        findings.retain(|finding| !self.skip.iter().any(|name| name == finding.rule.name()));
        findings.retain_mut(|finding| match self.severities.get(&finding.rule) {
            Some(Some(severity)) => {
                finding.severity = *severity;
                true
            }
            Some(None) => false,
            None => true,
        });
    }

    /// Gives findings the severities that the project sets for the files they are in; of several the last counts.
    pub fn adjust_by_path(&self, sources: &Sources, findings: &mut Vec<Finding>) {
        if self.path_severities.is_empty() {
            return;
        }
        findings.retain_mut(|finding| {
            let Some(file) = sources.get(finding.span.file) else { return true };
            let of_file = self.path_severities.iter().filter(|(globs, _)| globs.matches(file.name.as_ref(), false));
            match of_file.flat_map(|(_, rules)| rules).rfind(|(rule, _)| *rule == finding.rule) {
                Some((_, Some(severity))) => finding.severity = *severity,
                Some((_, None)) => return false,
                None => {}
            }
            true
        });
    }
}
