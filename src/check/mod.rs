//! The check engine: rules over objects, and the report they write to.
//!
//! A rule is one file under `rules/`, named like its id; the table in [`rules`] lists them all. Rules read plain nodes;
//! the report finds the field path and the place when there is something to say.

pub mod at;
mod decoding;
pub mod faults;
pub mod fleet;
pub mod input;
pub mod pod;
pub mod primitives;
pub mod promises;
pub mod report;
pub mod rules;
pub mod suppress;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::finding::{Finding, Severity};
use crate::graph::Graph;
use crate::kube::KubernetesVersion;
use crate::kube::crd::CustomKinds;
use crate::node::Node;
use crate::object::Object;
use crate::parallel::in_parallel;
use crate::service::Services;
use crate::source::Sources;

pub use at::At;
pub use faults::Faults;
pub use pod::Pod;
pub use report::Report;

/// The families of rules, as `--only` and `--skip` name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// What the API server would refuse, or warn of.
    Api,
    /// What is accepted and does not come up, because one object does not fit the other.
    Wiring,
    /// What comes up and hurts when it is rolled out or changed.
    Rollout,
    /// What a pod is allowed to do.
    Security,
}

impl Family {
    /// All families.
    pub const ALL: [Self; 4] = [Self::Api, Self::Wiring, Self::Rollout, Self::Security];

    /// `api`, `wiring`, `rollout` or `security`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Wiring => "wiring",
            Self::Rollout => "rollout",
            Self::Security => "security",
        }
    }
}

/// A rule: its documentation, its check and its examples.
#[derive(Debug)]
pub struct Rule {
    /// Kebab-case, names the fault; the file is named like it.
    pub id: &'static str,
    /// The family.
    pub family: Family,
    /// The severity a finding has unless the rule says otherwise at the spot.
    pub severity: Severity,
    /// One line: the fault.
    pub summary: &'static str,
    /// Markdown: what it means, why it matters, what to do; with the source of the rule.
    pub doc: &'static str,
    /// Manifests in which it fires.
    pub bad: &'static str,
    /// The same, mended: it is silent.
    pub good: &'static str,
    /// The check.
    pub check: Check,
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// Each object by itself. Run in parallel; skipped (family `api`) for an object that does not decode.
    Object(fn(&Object, &mut Report<'_>)),
    /// The pod of each object that has one; as `Object` otherwise. The pod is looked through once for all such rules.
    Pod(fn(&Pod<'_>, &mut Report<'_>)),
    /// The whole set of manifests.
    Bundle(fn(&Bundle<'_>, &mut Report<'_>)),
    /// The bundles of several profiles. In an example each begins with `# bundle: <profile>`.
    Fleet(fn(&[fleet::Facts], &mut Report<'_>)),
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
    graph: OnceLock<Graph<'a>>,
}

impl<'a> Bundle<'a> {
    /// A set of manifests; its graph is built when the first rule asks for it.
    #[must_use]
    pub const fn new(objects: &'a [Object], options: &'a Options) -> Self {
        Self { objects, options, graph: OnceLock::new() }
    }

    /// Who names what, and what stands in texts.
    pub fn graph(&self) -> &Graph<'a> {
        self.graph.get_or_init(|| Graph::build(self.objects, &self.options.services, &self.options.externals))
    }

    /// The severity of something that is not among the objects: an error where they are known to be all.
    #[must_use]
    pub const fn absent(&self) -> Severity {
        if self.options.whole { Severity::Error } else { Severity::Warning }
    }
}

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

/// What a person asks of a check.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whether the objects are known to be the whole bundle, so that what is absent is an error.
    pub whole: bool,
    /// What lives elsewhere: hosts as `host` or `host:port`, objects as `Kind/name`.
    pub externals: Vec<String>,
    /// Families to run; all where empty.
    pub only: Vec<String>,
    /// Families or rules to leave out.
    pub skip: Vec<String>,
    /// The kind cluster the manifests are for (`kind: Cluster` of `kind.x-k8s.io`).
    pub kind_config: Option<Object>,
    /// The services whose ways are known.
    pub services: Services,
    /// What the cluster is for.
    pub purpose: Purpose,
    /// The version of Kubernetes whose kinds and fields count.
    pub kubernetes_version: KubernetesVersion,
    /// CustomResourceDefinitions that are known beside those among the objects; others in here are passed over.
    pub crds: Vec<Node>,
    /// Severities that a project gives to rules; `None` switches the rule off.
    pub severities: BTreeMap<String, Option<Severity>>,
}

impl Options {
    /// Whether a rule is asked for.
    #[must_use]
    pub fn runs(&self, rule: &Rule) -> bool {
        let named = |names: &[String]| names.iter().any(|name| name == rule.id || name == rule.family.name());
        (self.only.is_empty() || named(&self.only)) && !named(&self.skip)
    }

    /// Gives findings the severities that the project sets for their rules, and drops those it switches off or a person
    /// leaves out; also of findings that no rule makes.
    pub fn adjust(&self, findings: &mut Vec<Finding>) {
        findings.retain(|finding| !self.skip.iter().any(|name| *name == finding.rule));
        findings.retain_mut(|finding| match self.severities.get(finding.rule.as_ref()) {
            Some(Some(severity)) => {
                finding.severity = *severity;
                true
            }
            Some(None) => false,
            None => true,
        });
    }
}

/// From this many objects on, all processors look at them.
const MANY_OBJECTS: usize = 64;

/// A piece of a check.
enum Job<'a> {
    /// The rules that look at one object at a time, over some of them.
    Objects(&'a [Object]),
    /// A rule that looks at all objects together.
    Bundle(&'static Rule),
}

/// Runs all rules asked for over objects that were not read from files. Findings come in no particular order.
#[must_use]
pub fn check(objects: &[Object], options: &Options) -> Vec<Finding> {
    check_in(&Sources::new(), objects, options)
}

/// Runs all rules asked for over the objects, which were read from `sources`. Findings come in no particular order.
#[must_use]
pub fn check_in(sources: &Sources, objects: &[Object], options: &Options) -> Vec<Finding> {
    let rules: Vec<&'static Rule> = rules::ALL.iter().copied().filter(|rule| options.runs(rule)).collect();
    let custom = CustomKinds::new(options.crds.iter().chain(objects.iter().map(|object| &object.node)));
    let bundle = Bundle::new(objects, options);
    let (threads, share) = if objects.len() < MANY_OBJECTS { (Some(1), objects.len()) } else { (None, MANY_OBJECTS) };
    let mut together = rules.iter().filter(|rule| matches!(rule.check, Check::Bundle(_))).map(|rule| Job::Bundle(rule));
    // The first of them builds the graph that the others wait for; meanwhile there are objects to look at.
    let first = together.next();
    let jobs: Vec<Job<'_>> =
        first.into_iter().chain(objects.chunks(share.max(1)).map(Job::Objects)).chain(together).collect();
    let found = in_parallel(&jobs, threads, |job| match job {
        Job::Objects(share) => check_objects(&rules, share, options, &custom),
        Job::Bundle(rule) => check_bundle(rule, &bundle, sources),
    });
    let mut findings: Vec<Finding> = found.into_iter().flatten().collect();
    findings.append(&mut decoding::unevaluated(objects, options, &custom));
    options.adjust(&mut findings);
    findings
}

/// The rules that look at one object at a time.
fn check_objects(
    rules: &[&'static Rule],
    objects: &[Object],
    options: &Options,
    custom: &CustomKinds<'_>,
) -> Vec<Finding> {
    let (decodes, mut findings) = if rules.iter().any(|rule| rule.family == Family::Api) {
        decoding::decode(objects, options, custom)
    } else {
        (vec![true; objects.len()], Vec::new())
    };
    // One report a rule serves all objects: there are many rules, and most have nothing to say of most objects.
    let each = |rule: &&&'static Rule| matches!(rule.check, Check::Object(_) | Check::Pod(_));
    let mut reports: Vec<Report<'_>> = rules.iter().filter(each).map(|rule| Report::new(rule, options)).collect();
    for (object, decodes) in objects.iter().zip(decodes) {
        let pod = Pod::of(object);
        // Of an object that does not decode the server says only that.
        for report in reports.iter_mut().filter(|report| decodes || report.rule().family != Family::Api) {
            match (report.rule().check, &pod) {
                (Check::Object(check), _) => check(object, report),
                (Check::Pod(check), Some(pod)) => check(pod, report),
                _ => continue,
            }
            report.leave_object();
        }
    }
    findings.extend(reports.into_iter().flat_map(Report::into_findings));
    findings
}

/// A rule that looks at all objects together.
fn check_bundle(rule: &'static Rule, bundle: &Bundle<'_>, sources: &Sources) -> Vec<Finding> {
    let mut report = Report::new(rule, bundle.options).with_sources(sources);
    if let Check::Bundle(check) = rule.check {
        check(bundle, &mut report);
    }
    report.into_findings()
}
