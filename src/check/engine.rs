//! Runs the rules over objects.

use super::fleet::BundleFacts;
use super::options::Options;
use super::rule::{Bundle, Check, Rule};
use super::{custom_rules, decoding, pieces, rules};
use crate::definitions::FoundDefinitions;
use crate::finding::{Family, Finding, Severity};
use crate::kube::crd::CustomKinds;
use crate::object::Object;
use crate::parallel::in_parallel;
use crate::source::Sources;
use crate::validation::{Faults, Pod, Report};

/// From this many objects on, the rules run on all cores.
const PARALLEL_THRESHOLD: usize = 64;

/// A unit of work that one thread does.
enum Job<'a> {
    /// Runs the rules for single objects on these objects.
    Objects(&'a [Object]),
    /// Runs a rule for the whole bundle.
    Bundle(&'static Rule),
}

/// Runs the selected rules on objects that were not read from files. The findings are not sorted.
#[must_use]
pub fn check(objects: &[Object], options: &Options) -> Vec<Finding> {
    check_in(&Sources::new(), objects, options)
}

/// The errors with which the API server would reject an object.
#[must_use]
pub fn api_errors(object: Object) -> Vec<Finding> {
    let options = Options { only: vec![Family::Api.name().to_owned()], ..Options::default() };
    let mut findings = check(&[object], &options);
    findings.retain(|finding| finding.severity == Severity::Error);
    findings
}

/// Runs the selected rules on objects that were read from `sources`. The findings are not sorted.
#[must_use]
pub fn check_in(sources: &Sources, objects: &[Object], options: &Options) -> Vec<Finding> {
    let mut findings = check_untraced(sources, objects, options);
    pieces::trace(sources, objects, options, &mut findings);
    findings
}

/// Like [`check_in`], but findings about interpolated strings point at the template only.
pub(super) fn check_untraced(sources: &Sources, objects: &[Object], options: &Options) -> Vec<Finding> {
    let rules: Vec<&'static Rule> = rules::ALL.iter().copied().filter(|rule| options.runs(rule.id)).collect();
    let nodes = objects.iter().map(|object| &object.node);
    let found = match rules.iter().any(|rule| rule.id.family() == Family::Api) {
        true => options.definitions.of(sources, nodes.clone(), &options.crds),
        false => FoundDefinitions::default(),
    };
    let given = options.crds.iter().chain(&found.definitions);
    let custom = CustomKinds::with_published(given.chain(nodes), &found.schemas);
    let bundle = Bundle::new(objects, options, api_errors);
    let (threads, share) =
        if objects.len() < PARALLEL_THRESHOLD { (Some(1), objects.len()) } else { (None, PARALLEL_THRESHOLD) };
    let mut bundle_jobs =
        rules.iter().filter(|rule| matches!(rule.check, Check::Bundle(_))).map(|rule| Job::Bundle(rule));
    // The first one builds the graph that the others wait for, while other threads check single objects.
    let first = bundle_jobs.next();
    let jobs: Vec<Job<'_>> =
        first.into_iter().chain(objects.chunks(share.max(1)).map(Job::Objects)).chain(bundle_jobs).collect();
    let results = in_parallel(&jobs, threads, |job| match job {
        Job::Objects(share) => check_objects(&rules, share, options, &custom, sources),
        Job::Bundle(rule) => check_bundle(rule, &bundle, sources),
    });
    let mut findings: Vec<Finding> = results.into_iter().flatten().collect();
    findings.extend(found.findings.iter().cloned());
    custom_rules::deduplicate_notes(&mut findings);
    findings.append(&mut decoding::unevaluated(objects, options, &custom));
    findings.append(&mut decoding::undefined(objects, options, &custom));
    options.adjust(&mut findings);
    findings
}

/// Runs the rules for single objects.
fn check_objects(
    rules: &[&'static Rule],
    objects: &[Object],
    options: &Options,
    custom: &CustomKinds<'_>,
    sources: &Sources,
) -> Vec<Finding> {
    let (decodes, mut findings) = if rules.iter().any(|rule| rule.id.family() == Family::Api) {
        decoding::decode(objects, options, custom)
    } else {
        (vec![true; objects.len()], Vec::new())
    };
    // The report of a rule is reused for all objects: there are many rules, and most report nothing for most objects.
    let is_for_objects = |rule: &&&'static Rule| matches!(rule.check, Check::Object(_) | Check::Pod(_));
    let report = |rule: &&'static Rule| Report::new(rule.id, options.kubernetes_version).with_sources(sources);
    let mut reports: Vec<(Check, Report<'_>)> =
        rules.iter().filter(is_for_objects).map(|rule| (rule.check, report(rule))).collect();
    for (object, decodes) in objects.iter().zip(decodes) {
        let pod = Pod::of(object);
        // The API server does not validate an object that it cannot decode.
        for (check, report) in reports.iter_mut().filter(|(_, report)| decodes || report.rule().family() != Family::Api)
        {
            match (check, &pod) {
                (Check::Object(check), _) => check(object, &mut Faults::new(object, report)),
                (Check::Pod(check), Some(pod)) => check(pod, &mut Faults::new(object, report)),
                _ => continue,
            }
            report.drop_indexes();
        }
    }
    findings.extend(reports.into_iter().flat_map(|(_, report)| report.into_findings()));
    findings
}

/// Runs a rule for the whole bundle.
fn check_bundle(rule: &'static Rule, bundle: &Bundle<'_>, sources: &Sources) -> Vec<Finding> {
    let mut report = Report::new(rule.id, bundle.options.kubernetes_version).with_sources(sources);
    if let Check::Bundle(check) = rule.check {
        check(bundle, &mut report);
    }
    report.into_findings()
}

/// Runs the rules that compare the bundles of several profiles. The findings are not sorted.
#[must_use]
pub fn check_fleet(fleet: &[BundleFacts], options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in rules::ALL.iter().filter(|rule| options.runs(rule.id)) {
        if let Check::Fleet(check) = rule.check {
            let mut report = Report::new(rule.id, options.kubernetes_version);
            check(fleet, &mut report);
            findings.append(&mut report.into_findings());
        }
    }
    options.adjust(&mut findings);
    findings
}
