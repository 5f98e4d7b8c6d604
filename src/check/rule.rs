//! What a rule is, and what it looks at.

use std::sync::OnceLock;

use super::fleet::Facts;
use super::options::Options;
use crate::finding::{Finding, RuleId, Severity};
use crate::graph::{Graph, Pod};
use crate::object::Object;
use crate::validation::{self, Faults, Report};

/// A rule: its documentation, its check and its examples.
#[derive(Debug)]
pub struct Rule {
    /// The file is named like it.
    pub id: RuleId,
    /// Its documentation.
    pub doc: Doc,
    /// Manifests in which it fires.
    pub bad: &'static str,
    /// The same, mended: it is silent. Whole, or what changes in `bad`: lines that stay (` `), go (`-`) and come (`+`), with
    /// `@@` between two places; see [`Rule::good`].
    pub good: &'static str,
    /// The check.
    pub check: Check,
}

/// The documentation of a rule: the sections of its page, in Markdown.
#[derive(Debug)]
pub struct Doc {
    /// What the rule checks, and where it reports nothing.
    pub checks: &'static str,
    /// Why it matters: what the API server or the cluster does.
    pub why: &'static str,
    /// How to fix it.
    pub fix: &'static str,
    /// Where Kubernetes or the software documents it.
    pub source: &'static str,
}

impl Doc {
    /// The sections with their titles, in the order of the page.
    #[must_use]
    pub const fn sections(&self) -> [(&'static str, &'static str); 4] {
        [
            ("What it checks", self.checks),
            ("Why it matters", self.why),
            ("How to fix it", self.fix),
            ("Source", self.source),
        ]
    }
}

impl Rule {
    /// The manifests in which the rule is silent, whole.
    #[must_use]
    pub fn good(&self) -> String {
        if self.good.starts_with("---") || !self.good.starts_with([' ', '-', '+']) {
            return self.good.to_owned();
        }
        self.good.split("@@\n").fold(self.bad.to_owned(), |text, place| {
            let side = |other: char| -> String {
                let lines = place.split_inclusive('\n').filter(|line| !line.starts_with(other));
                lines.filter_map(|line| line.get(1..)).collect()
            };
            text.replacen(&side('+'), &side('-'), 1)
        })
    }
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// Each object by itself. Run in parallel; skipped (family `api`) for an object that does not decode.
    Object(fn(&Object, &mut Faults<'_, '_>)),
    /// The pod of each object that has one; as `Object` otherwise. The pod is looked through once for all such rules.
    Pod(fn(&validation::Pod<'_>, &mut Faults<'_, '_>)),
    /// The whole set of manifests.
    Bundle(fn(&Bundle<'_>, &mut Report<'_>)),
    /// The bundles of several profiles. In an example each begins with `# bundle: <profile>`.
    Fleet(fn(&[Facts], &mut Report<'_>)),
    /// Reported by another part of the tool (the YAML loader, the decoder); here for its documentation.
    Elsewhere,
}

/// The set of manifests under check, and what is known about it.
#[derive(Debug)]
pub struct Bundle<'a> {
    /// The objects in the order given.
    pub objects: &'a [Object],
    /// What the person asked for.
    pub options: &'a Options,
    /// What the API server would reject of an object by itself.
    pub errors: fn(Object) -> Vec<Finding>,
    graph: OnceLock<Graph<'a>>,
}

impl<'a> Bundle<'a> {
    /// A set of manifests; its graph is built when the first rule asks for it.
    #[must_use]
    pub(super) const fn new(objects: &'a [Object], options: &'a Options, errors: fn(Object) -> Vec<Finding>) -> Self {
        Self { objects, options, errors, graph: OnceLock::new() }
    }

    /// Who names what, and what stands in texts.
    pub fn graph(&self) -> &Graph<'a> {
        self.graph.get_or_init(|| {
            Graph::build(self.objects, &self.options.services, &self.options.externals, &self.options.references)
        })
    }

    /// The severity of something that is not among the objects: an error where they are known to be all.
    #[must_use]
    pub const fn absent(&self) -> Severity {
        if self.options.whole { Severity::Error } else { Severity::Warning }
    }

    /// Whether a pod uses a port of its node: it asks for that port, or for the network of the node.
    pub fn is_on_node(&self, port: i64) -> bool {
        let uses = |pod: &Pod<'_>| {
            let is_host_network = pod.spec["hostNetwork"].as_bool() == Some(true);
            let mut ports = pod.containers.iter().flat_map(|container| container.node["ports"].items());
            ports.any(|entry| {
                entry["hostPort"].as_i64() == Some(port)
                    || is_host_network && entry["containerPort"].as_i64() == Some(port)
            })
        };
        self.graph().pods.iter().any(uses)
    }

    /// Whether two objects are applied to one cluster: the manifests are whole, or one file holds both. Files of a folder
    /// may be alternatives.
    #[must_use]
    pub fn are_together(&self, one: &Object, other: &Object) -> bool {
        self.options.whole || one.shares_file_with(other)
    }

    /// The severity of a contradiction between two objects, such as a key or port that one needs and the other lacks: an
    /// error where the manifests are whole or one file holds both. Objects of different files need not be applied
    /// together: a folder may hold alternatives of one name. What a kustomization patches may have it then.
    #[must_use]
    pub fn between(&self, one: &Object, other: &Object) -> Severity {
        let kustomizations = &self.options.kustomizations;
        let is_patched = || kustomizations.patches(one) || kustomizations.patches(other);
        if self.options.whole || one.shares_file_with(other) && !is_patched() {
            Severity::Error
        } else {
            Severity::Warning
        }
    }
}
