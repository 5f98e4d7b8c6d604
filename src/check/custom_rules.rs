//! Evaluates the CEL validation rules (`x-kubernetes-validations`) of CustomResourceDefinitions.

use foldhash::{HashSet, HashSetExt};

use crate::cel::KindRules;
use crate::finding::{Finding, RuleId};
use crate::kube::crd::CustomKind;
use crate::object::Object;
use crate::validation::Report;

use super::Options;

/// Evaluates the rules of its kind on an object that conforms to its schema. Returns whether no rule is violated.
pub(super) fn check<'k>(
    rules: &mut KindRules<'k>,
    object: &Object,
    kind: &'k CustomKind<'k>,
    options: &Options,
    findings: &mut Vec<Finding>,
) -> bool {
    let outcome = rules.check(kind, &object.node, None);
    let is_valid = outcome.violations.is_empty();
    if options.runs(RuleId::CustomResourceInvalid) {
        let mut report = Report::new(RuleId::CustomResourceInvalid, options.kubernetes_version);
        for violation in outcome.violations {
            let help = violation.help();
            report.field(object, &violation.node, violation.field, violation.message).help(help);
        }
        findings.append(&mut report.into_findings());
    }
    if options.runs(RuleId::CustomResourceUnevaluated) {
        let mut report = Report::new(RuleId::CustomResourceUnevaluated, options.kubernetes_version);
        for (rule, why) in outcome.skipped {
            let message =
                format!("a validation rule of the definition of {} is not evaluated here: {why}", object.kind());
            report.object(object, message).help(format!("the API server evaluates it: `{rule}`"));
        }
        findings.append(&mut report.into_findings());
    }
    is_valid
}

/// Removes repeated notes: a rule that cannot be evaluated is reported for the first object only.
pub(super) fn deduplicate_notes(findings: &mut Vec<Finding>) {
    let mut seen = HashSet::new();
    let note = RuleId::CustomResourceUnevaluated;
    findings.retain(|finding| finding.rule != note || seen.insert((finding.message.clone(), finding.help.clone())));
}
