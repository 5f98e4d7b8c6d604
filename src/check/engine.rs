//! Runs the rules over objects.

use super::fleet::Facts;
use super::options::Options;
use super::rule::{Bundle, Check, Rule};
use super::{custom_rules, decoding, pieces, rules};
use crate::definitions::Found;
use crate::finding::{Family, Finding, Severity};
use crate::kube::crd::CustomKinds;
use crate::object::Object;
use crate::parallel::in_parallel;
use crate::source::Sources;
use crate::validation::{Faults, Pod, Report};

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

/// What the API server would reject of an object by itself.
#[must_use]
pub fn api_errors(object: Object) -> Vec<Finding> {
    let options = Options { only: vec![Family::Api.name().to_owned()], ..Options::default() };
    let mut findings = check(&[object], &options);
    findings.retain(|finding| finding.severity == Severity::Error);
    findings
}

/// Runs all rules asked for over the objects, which were read from `sources`. Findings come in no particular order.
#[must_use]
pub fn check_in(sources: &Sources, objects: &[Object], options: &Options) -> Vec<Finding> {
    let mut findings = without_pieces(sources, objects, options);
    pieces::trace(sources, objects, options, &mut findings);
    findings
}

/// The same, where findings about strings of several pieces show the template alone.
pub(super) fn without_pieces(sources: &Sources, objects: &[Object], options: &Options) -> Vec<Finding> {
    let rules: Vec<&'static Rule> = rules::ALL.iter().copied().filter(|rule| options.runs(rule.id)).collect();
    let nodes = objects.iter().map(|object| &object.node);
    let found = match rules.iter().any(|rule| rule.id.family() == Family::Api) {
        true => options.definitions.of(sources, nodes.clone(), &options.crds),
        false => Found::default(),
    };
    let given = options.crds.iter().chain(&found.definitions);
    let custom = CustomKinds::with_published(given.chain(nodes), &found.schemas);
    let bundle = Bundle::new(objects, options, api_errors);
    let (threads, share) = if objects.len() < MANY_OBJECTS { (Some(1), objects.len()) } else { (None, MANY_OBJECTS) };
    let mut together = rules.iter().filter(|rule| matches!(rule.check, Check::Bundle(_))).map(|rule| Job::Bundle(rule));
    // The first of them builds the graph that the others wait for; meanwhile there are objects to look at.
    let first = together.next();
    let jobs: Vec<Job<'_>> =
        first.into_iter().chain(objects.chunks(share.max(1)).map(Job::Objects)).chain(together).collect();
    let made = in_parallel(&jobs, threads, |job| match job {
        Job::Objects(share) => check_objects(&rules, share, options, &custom, sources),
        Job::Bundle(rule) => check_bundle(rule, &bundle, sources),
    });
    let mut findings: Vec<Finding> = made.into_iter().flatten().collect();
    findings.extend(found.findings.iter().cloned());
    custom_rules::keep_first_notes(&mut findings);
    findings.append(&mut decoding::unevaluated(objects, options, &custom));
    findings.append(&mut decoding::undefined(objects, options, &custom));
    options.adjust(&mut findings);
    findings
}

/// The rules that look at one object at a time.
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
    // One report a rule serves all objects: there are many rules, and most have nothing to say of most objects.
    let each = |rule: &&&'static Rule| matches!(rule.check, Check::Object(_) | Check::Pod(_));
    let report = |rule: &&'static Rule| Report::new(rule.id, options.kubernetes_version).with_sources(sources);
    let mut reports: Vec<(Check, Report<'_>)> =
        rules.iter().filter(each).map(|rule| (rule.check, report(rule))).collect();
    for (object, decodes) in objects.iter().zip(decodes) {
        let pod = Pod::of(object);
        // Of an object that does not decode the server says only that.
        for (check, report) in reports.iter_mut().filter(|(_, report)| decodes || report.rule().family() != Family::Api)
        {
            match (check, &pod) {
                (Check::Object(check), _) => check(object, &mut Faults::new(object, report)),
                (Check::Pod(check), Some(pod)) => check(pod, &mut Faults::new(object, report)),
                _ => continue,
            }
            report.leave_object();
        }
    }
    findings.extend(reports.into_iter().flat_map(|(_, report)| report.into_findings()));
    findings
}

/// A rule that looks at all objects together.
fn check_bundle(rule: &'static Rule, bundle: &Bundle<'_>, sources: &Sources) -> Vec<Finding> {
    let mut report = Report::new(rule.id, bundle.options.kubernetes_version).with_sources(sources);
    if let Check::Bundle(check) = rule.check {
        check(bundle, &mut report);
    }
    report.into_findings()
}

/// Runs the rules that compare bundles. Findings come in no particular order.
#[must_use]
pub fn check_fleet(fleet: &[Facts], options: &Options) -> Vec<Finding> {
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
