//! Rule `topology-spread-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::node::Node;
use crate::validation::selector;
use crate::validation::{At, Faults, Pod, enums, repeats};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::TopologySpreadInvalid,
    doc: Doc {
        checks: "\
A constraint must have a `maxSkew` greater than 0, a `topologyKey`, and the `whenUnsatisfiable`
`DoNotSchedule` or `ScheduleAnyway`; the pair of the last two must be unique. `minDomains` must be
greater than 0 and requires `DoNotSchedule`. `nodeAffinityPolicy` and `nodeTaintsPolicy` must be
`Honor` or `Ignore`. A constraint without a `labelSelector` is a warning.",
        why: "\
The API server rejects the object, for instance with \"must be greater than zero\" or \"can only use
minDomains if whenUnsatisfiable=DoNotSchedule\". Without a `labelSelector` it warns \"a null
labelSelector results in matching no pod\", and the constraint has no effect.",
        fix: "Set the missing field; set `labelSelector` to the labels of the pod.",
        source: "\
`validateTopologySpreadConstraints` in `pkg/apis/core/validation` and `warningsForPodSpecAndMeta` in
`pkg/api/pod`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  topologySpreadConstraints: [{topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {}}]
  containers: [{name: web, image: "web:1"}]
"#,
    good: "\
-  topologySpreadConstraints: [{topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {}}]
+  topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {}}]
",
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let spec = pod.at();
    let list = spec.on("topologySpreadConstraints", pod.spec.topology_spread_constraints);
    // In reverse order, as the API server reports the first of two duplicates.
    let pairs = list.node.items().iter().rev().map(|one| (one["topologyKey"].text(), one["whenUnsatisfiable"].text()));
    let repeated = repeats(pairs);
    for (at, repeated) in list.items().zip(repeated.into_iter().rev()) {
        constraint(&at, repeated, pod.own_labels(), faults);
        let selector = at.get("labelSelector");
        if !selector.is_set() {
            let draft = faults.add(&selector, "a constraint without `labelSelector` matches no pods");
            draft.severity(Severity::Warning);
        }
    }
}

fn constraint<'n>(at: &At<'n, '_>, repeated: bool, labels: &'n Node, faults: &mut Faults<'_, '_>) {
    let (skew, key, action) = (at.get("maxSkew"), at.get("topologyKey"), at.get("whenUnsatisfiable"));
    if skew.number().unwrap_or(0) <= 0 {
        faults.breaks(&skew, "must be greater than 0");
    }
    if key.text().is_empty() {
        faults.add(&key, "`topologyKey` is required");
    }
    enums::choice(&action, &["DoNotSchedule", "ScheduleAnyway"], faults);
    if repeated {
        // The API server reports this path.
        let pair = at.on("{topologyKey, whenUnsatisfiable}", key.node);
        faults.add(&pair, "duplicate constraint: another one has the same `topologyKey` and `whenUnsatisfiable`");
    }
    let domains = at.get("minDomains");
    if let Some(number) = domains.number() {
        if number <= 0 {
            faults.breaks(&domains, "must be greater than 0");
        }
        if action.text() != "DoNotSchedule" {
            faults.add(&domains, "can only be set if `whenUnsatisfiable` is `DoNotSchedule`");
        }
    }
    for policy in [at.get("nodeAffinityPolicy"), at.get("nodeTaintsPolicy")] {
        if policy.is_set() {
            enums::choice(&policy, &["Honor", "Ignore"], faults);
        }
    }
    selector::label_keys(at, labels, faults);
    selector::label_selector(&at.get("labelSelector"), faults);
}
