//! The definition of a rule and its input.

use std::sync::OnceLock;

use super::fleet::BundleFacts;
use super::options::Options;
use crate::finding::{Finding, RuleId, Severity};
use crate::graph::{Graph, Pod};
use crate::object::Object;
use crate::validation::{self, Faults, Report};

/// A rule: its documentation, its check and its examples.
#[derive(Debug)]
pub struct Rule {
    /// The id, after which the file is named.
    pub id: RuleId,
    /// Its documentation.
    pub doc: Doc,
    /// Manifests for which the rule reports a finding.
    pub bad: &'static str,
    /// The fixed manifests: either in full, or as a diff of `bad` with context lines (` `), removed lines (`-`) and added
    /// lines (`+`), with `@@` between hunks; see [`Rule::good`].
    pub good: &'static str,
    /// The check.
    pub check: Check,
}

/// The documentation of a rule: the sections of its page in Markdown.
#[derive(Debug)]
pub struct Doc {
    /// What the rule checks, and what it does not report.
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
    /// The fixed manifests in full, for which the rule reports nothing.
    #[must_use]
    pub fn good(&self) -> String {
        if self.good.starts_with("---") || !self.good.starts_with([' ', '-', '+']) {
            return self.good.to_owned();
        }
        self.good.split("@@\n").fold(self.bad.to_owned(), |text, hunk| {
            let side = |other: char| -> String {
                let lines = hunk.split_inclusive('\n').filter(|line| !line.starts_with(other));
                lines.filter_map(|line| line.get(1..)).collect()
            };
            text.replacen(&side('+'), &side('-'), 1)
        })
    }
}

/// The check of a rule, by its input.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// Checks a single object. Rules of family `api` do not run on objects that the API server cannot decode.
    Object(fn(&Object, &mut Faults<'_, '_>)),
    /// Checks the pod template of an object; otherwise like `Object`. The template is parsed once for all rules.
    Pod(fn(&validation::Pod<'_>, &mut Faults<'_, '_>)),
    /// Checks all objects together.
    Bundle(fn(&Bundle<'_>, &mut Report<'_>)),
    /// Compares the bundles of several profiles. In an example each begins with `# bundle: <profile>`.
    Fleet(fn(&[BundleFacts], &mut Report<'_>)),
    /// Another module reports the findings (the YAML loader, the decoder); the rule documents them.
    Elsewhere,
}

/// The objects to check together.
#[derive(Debug)]
pub struct Bundle<'a> {
    /// The objects in input order.
    pub objects: &'a [Object],
    /// The options of the check.
    pub options: &'a Options,
    /// Returns the errors with which the API server would reject an object.
    pub errors: fn(Object) -> Vec<Finding>,
    graph: OnceLock<Graph<'a>>,
}

impl<'a> Bundle<'a> {
    /// A bundle of objects; its graph is built on first use.
    #[must_use]
    pub(super) const fn new(objects: &'a [Object], options: &'a Options, errors: fn(Object) -> Vec<Finding>) -> Self {
        Self { objects, options, errors, graph: OnceLock::new() }
    }

    /// The references between the objects, and the contents of their config files.
    pub fn graph(&self) -> &Graph<'a> {
        self.graph.get_or_init(|| {
            Graph::build(self.objects, &self.options.services, &self.options.externals, &self.options.references)
        })
    }

    /// The severity of a missing object: an error if the objects are complete.
    #[must_use]
    pub const fn absent(&self) -> Severity {
        if self.options.complete { Severity::Error } else { Severity::Warning }
    }

    /// Whether a pod uses a port of its node, as a host port or in the host network.
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

    /// Whether two objects are certainly applied together: the objects are complete, or both are in one file. Files of a
    /// folder may be alternatives.
    #[must_use]
    pub fn are_together(&self, one: &Object, other: &Object) -> bool {
        self.options.complete || one.shares_file_with(other)
    }

    /// The severity of a conflict between two objects, such as a key or port that one needs and the other lacks: an error if
    /// the objects are complete, or if both are in one file and no kustomization patches them. Files of a folder may be
    /// alternatives.
    #[must_use]
    pub fn between(&self, one: &Object, other: &Object) -> Severity {
        let kustomizations = &self.options.kustomizations;
        let is_patched = || kustomizations.patches(one) || kustomizations.patches(other);
        if self.options.complete || one.shares_file_with(other) && !is_patched() {
            Severity::Error
        } else {
            Severity::Warning
        }
    }
}
