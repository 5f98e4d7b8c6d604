//! Rule `flow-control-invalid`.

use crate::check::{At, Check, Family, Faults, Report, Rule};
use crate::finding::Severity;
use crate::object::Object;

/// The rule.
pub static RULE: Rule = Rule {
    id: "flow-control-invalid",
    family: Family::Api,
    severity: Severity::Error,
    summary: "a FlowSchema or PriorityLevelConfiguration is malformed",
    doc: "\
A FlowSchema names a priority level and has a precedence of 1 to 10000; each of its rules has subjects, and verbs on resources
or URLs. A PriorityLevelConfiguration is `Limited` with `limited`, or `Exempt` without.

Restates the validation of `pkg/apis/flowcontrol`.",
    bad: "\
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata: {name: a}
spec: {matchingPrecedence: 20000, priorityLevelConfiguration: {name: workload-low}}
",
    good: "\
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata: {name: a}
spec: {matchingPrecedence: 9000, priorityLevelConfiguration: {name: workload-low}}
",
    check: Check::Object(check),
};

fn check(object: &Object, report: &mut Report<'_>) {
    if object.group() != "flowcontrol.apiserver.k8s.io" {
        return;
    }
    let mut faults = Faults::new(object, report);
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    match object.kind() {
        "FlowSchema" => schema(&mut faults, &spec),
        "PriorityLevelConfiguration" => level(&mut faults, &spec),
        _ => {}
    }
}

fn schema(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    let precedence = spec.get("matchingPrecedence");
    if precedence.number().is_some_and(|number| !(0..=10_000).contains(&number)) {
        faults.invalid(&precedence, "must be between 1 and 10000");
    }
    let level = spec.get("priorityLevelConfiguration");
    if level.get("name").text().is_empty() {
        faults.required(&level.get("name"));
    }
    let method = spec.get("distinguisherMethod");
    if method.is_set() {
        faults.one_of(&method.get("type"), &["ByNamespace", "ByUser"]);
    }
    for rule in spec.get("rules").items() {
        let subjects = rule.get("subjects");
        if subjects.node.items().is_empty() {
            faults.required(&subjects);
        }
        for subject in subjects.items() {
            faults.one_of(&subject.get("kind"), &["Group", "ServiceAccount", "User"]);
        }
        let (resources, urls) = (rule.get("resourceRules"), rule.get("nonResourceRules"));
        if resources.node.items().is_empty() && urls.node.items().is_empty() {
            faults.add(&rule, "a rule needs `resourceRules` or `nonResourceRules`");
        }
        for at in resources.items() {
            for name in ["verbs", "apiGroups", "resources"] {
                some(faults, &at.get(name));
            }
            if at.get("namespaces").node.items().is_empty() && !at.get("clusterScope").is_true() {
                faults.required(&at.get("namespaces")).help("name namespaces, or set `clusterScope: true`");
            }
        }
        for at in urls.items() {
            some(faults, &at.get("verbs"));
            some(faults, &at.get("nonResourceURLs"));
        }
    }
}

fn some(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    if at.node.items().is_empty() {
        faults.required(at);
    }
}

fn level(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    let (kind, limited, exempt) = (spec.get("type"), spec.get("limited"), spec.get("exempt"));
    match kind.text() {
        "Limited" => {
            if exempt.is_set() {
                faults.forbidden(&exempt, "with the type `Limited`");
            }
            if !limited.is_set() {
                faults.required(&limited);
            }
            faults.not_negative(&limited.get("nominalConcurrencyShares"));
        }
        "Exempt" if limited.is_set() => _ = faults.forbidden(&limited, "with the type `Exempt`"),
        _ => faults.one_of(&kind, &["Exempt", "Limited"]),
    }
}
