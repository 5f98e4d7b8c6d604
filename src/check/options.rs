//! The options of a check.

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

/// What the cluster is used for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Not known.
    #[default]
    Unknown,
    /// Tests: its data may be lost.
    Test,
    /// Production: its data must not be lost.
    Production,
}

/// Where a user declares hosts and objects that are not part of the manifests, for help texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Declaration {
    /// On the command line, with `--external`.
    #[default]
    Argument,
    /// In the project's settings, with the name of the file.
    Settings(String),
    /// Under `external` in the profile, with the name of the file.
    Profile(String),
}

impl Declaration {
    /// The help that says how to declare a host or an object.
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

/// The config of a kind cluster.
#[derive(Debug, Clone)]
pub struct KindCluster {
    /// The config.
    pub config: Object,
    /// The name of the cluster. If the config has none: `None` for a file that was named on the command line, as
    /// `kind create cluster --name` may set any, and kind's default name for one found in a folder.
    pub name: Option<String>,
}

impl KindCluster {
    /// kind's default name of a cluster.
    pub const DEFAULT_NAME: &str = "kind";

    /// A cluster from its config; `chosen` if its file was named on the command line.
    #[must_use]
    pub fn new(config: Object, chosen: bool) -> Self {
        let name = config.node["name"].as_str().map(str::to_owned);
        Self { name: name.or_else(|| (!chosen).then(|| Self::DEFAULT_NAME.to_owned())), config }
    }
}

/// The severity that a project sets for a rule; `None` turns the rule off.
pub(super) type RuleSeverity = (RuleId, Option<Severity>);

/// The options of a check.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whether the objects are complete, so that missing objects are errors.
    pub complete: bool,
    /// Whether the objects are rendered from the project, so that recommendations are reported as well.
    pub is_rendered: bool,
    /// What is not part of the manifests: hosts as `host` or `host:port`, objects as `Kind/name`.
    pub externals: Vec<String>,
    /// Where externals are declared.
    pub declaration: Declaration,
    /// Families or rules to run; all if empty.
    pub only: Vec<String>,
    /// Families or rules to skip.
    pub skip: Vec<String>,
    /// The config of the kind cluster that the manifests are for (`kind: Cluster` of `kind.x-k8s.io`).
    pub kind_config: Option<Object>,
    /// The kind clusters to check; `kind_config` need not be among them.
    pub kind_clusters: Vec<KindCluster>,
    /// The descriptions of known services.
    pub services: Services,
    /// Versions of services in one profile only: the profile, the service (all if empty), the version.
    pub profile_versions: Vec<(String, String, Version)>,
    /// What the cluster is used for.
    pub purpose: Purpose,
    /// The version of Kubernetes to check against.
    pub kubernetes_version: KubernetesVersion,
    /// CustomResourceDefinitions in addition to those among the objects; other kinds are ignored.
    pub crds: Vec<Node>,
    /// Fields that refer to objects, as declared by the project.
    pub references: Vec<OwnReference>,
    /// The files in which other definitions are looked up.
    pub definitions: Arc<Definitions>,
    /// The kustomizations beside the manifests.
    pub kustomizations: Kustomizations,
    /// The severities that the project sets for rules; `None` turns a rule off.
    pub severities: BTreeMap<RuleId, Option<Severity>>,
    /// The same for files that match patterns, in order.
    pub path_severities: Vec<(Globs, Vec<RuleSeverity>)>,
}

impl Options {
    /// The configs of all kind clusters.
    pub fn clusters(&self) -> impl Iterator<Item = &Object> + Clone {
        let is_among = |config: &Object| self.kind_clusters.iter().any(|one| one.config.span() == config.span());
        let own = self.kind_config.iter().filter(move |config| !is_among(config));
        self.kind_clusters.iter().map(|cluster| &cluster.config).chain(own)
    }

    /// Whether a rule is selected.
    #[must_use]
    pub fn runs(&self, rule: RuleId) -> bool {
        let named = |names: &[String]| names.iter().any(|name| name == rule.name() || name == rule.family().name());
        (self.only.is_empty() || named(&self.only)) && !named(&self.skip)
    }

    /// Applies the severities that the project sets, and removes findings that are turned off or skipped, including those that
    /// no rule makes.
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

    /// Applies the severities that the project sets for files; the last matching pattern wins.
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
