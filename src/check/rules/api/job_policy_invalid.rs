//! Rule `job-policy-invalid`.

use foldhash::HashSet;

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::object::Object;
use crate::validation::{At, Faults, repeats};

use super::job_invalid::with_job_spec;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::JobPolicyInvalid,
    doc: Doc {
        checks: "\
A `podFailurePolicy` may have at most 20 rules. Each must have an `action` and either `onExitCodes`
or `onPodConditions`. Exit codes must be in ascending order, at most 255, without duplicates, and
without 0 for the operator `In`; `containerName` must be the name of a container or init container
of the pod template. The action `FailIndex` requires `backoffLimitPerIndex`. A rule of a
`successPolicy` must have `succeededIndexes` (`0-2,5`), `succeededCount` or both, within
`completions`.",
        why: "\
The API server rejects the object, for instance with \"must be ordered\", \"must not be 0 for the In
operator\" or \"must be one of the container or initContainer names in the pod template\".",
        fix: "Sort the exit codes and remove duplicates, or correct the name of the container.",
        source: "`validatePodFailurePolicy` and `validateSuccessPolicy` in `pkg/apis/batch/validation`.",
    },
    bad: "\
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {operator: In, values: [0, 42]}}]}
  template: {spec: {restartPolicy: Never, containers: [{name: a, image: a:1}]}}
",
    good: "\
-  podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {operator: In, values: [0, 42]}}]}
+  podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {operator: In, values: [41, 42]}}]}
",
    check: Check::Object(check),
};

/// The maximum number of rules in a policy, and of conditions in a rule.
const MAX_RULES: usize = 20;
const MAX_EXIT_CODES: usize = 255;
const MAX_INDEXES_LENGTH: usize = 64 * 1024;

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    with_job_spec(object, |spec| {
        let failure = spec.get("podFailurePolicy");
        let rules = failure.get("rules");
        too_many(faults, &rules, MAX_RULES);
        let lists = ["containers", "initContainers"].map(|list| spec.node["template"]["spec"][list].items());
        let lists = lists.iter().filter(|_| !rules.node.items().is_empty()).flat_map(|list| list.iter());
        let named: HashSet<&str> = lists.map(|node| node["name"].text()).collect();
        for rule in rules.items() {
            failure_rule(faults, spec, &named, &rule);
        }
        let success = spec.get("successPolicy");
        if success.is_set() && spec.get("completionMode").text() == "Indexed" {
            let rules = success.get("rules");
            if rules.node.items().is_empty() {
                faults.required(&rules);
            }
            too_many(faults, &rules, MAX_RULES);
            for rule in rules.items() {
                success_rule(faults, spec, &rule);
            }
        }
    });
}

fn too_many(faults: &mut Faults<'_, '_>, list: &At<'_, '_>, max: usize) {
    let count = list.node.items().len();
    if count > max {
        faults.breaks(list, format!("must have at most {max} items, but has {count}"));
    }
}

fn failure_rule(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>, named: &HashSet<&str>, rule: &At<'_, '_>) {
    let action = rule.get("action");
    match action.text() {
        "" => _ = faults.required(&action),
        "FailIndex" if !spec.get("backoffLimitPerIndex").is_set() => {
            faults.invalid(&action, "requires `backoffLimitPerIndex`");
        }
        _ => faults.one_of(&action, &["Count", "FailIndex", "FailJob", "Ignore"]),
    }
    let (codes, conditions) = (rule.get("onExitCodes"), rule.get("onPodConditions"));
    let has_conditions = !conditions.node.items().is_empty();
    if codes.is_set() {
        if has_conditions {
            faults.add(rule, "specifying both `onExitCodes` and `onPodConditions` is not supported");
        }
        exit_codes(faults, named, &codes);
    } else if !has_conditions {
        faults.add(rule, "one of `onExitCodes` and `onPodConditions` is required");
    } else {
        too_many(faults, &conditions, MAX_RULES);
        for condition in conditions.items() {
            let (kind, status) = (condition.get("type"), condition.get("status"));
            faults.check(&kind, names::qualified_name(kind.text()));
            if !status.text().is_empty() {
                faults.one_of(&status, &["False", "True", "Unknown"]);
            }
        }
    }
}

fn exit_codes(faults: &mut Faults<'_, '_>, named: &HashSet<&str>, codes: &At<'_, '_>) {
    let (operator, container, values) = (codes.get("operator"), codes.get("containerName"), codes.get("values"));
    if operator.text().is_empty() {
        faults.required(&operator);
    } else {
        faults.one_of(&operator, &["In", "NotIn"]);
    }
    if container.is_set() && !named.contains(container.text()) {
        faults.invalid(&container, "must be one of the container or initContainer names in the pod template");
    }
    let items = values.node.items();
    if items.is_empty() {
        faults.invalid(&values, "at least one exit code is required");
    }
    too_many(faults, &values, MAX_EXIT_CODES);
    let number = |node: &crate::node::Node| node.as_i64().unwrap_or(0);
    for value in values.items().filter(|value| operator.text() == "In" && number(value.node) == 0) {
        faults.breaks(&value, "must not be 0 for the operator `In`");
    }
    if !items.is_sorted_by_key(number) {
        faults.invalid(&values, "must be ordered");
    }
    if repeats(items.iter().map(number)).contains(&true) {
        faults.invalid(&values, "must not contain duplicates");
    }
}

fn success_rule(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>, rule: &At<'_, '_>) {
    let (count, indexes) = (rule.get("succeededCount"), rule.get("succeededIndexes"));
    let completions = spec.node["completions"].as_i64().unwrap_or(1);
    if !count.is_set() && !indexes.is_set() {
        faults.required(rule).help("set `succeededCount`, `succeededIndexes` or both");
    }
    if indexes.is_set() {
        if indexes.text().len() > MAX_INDEXES_LENGTH {
            faults.invalid(&indexes, "must be no more than 65536 characters");
        }
        match index_count(indexes.text(), completions) {
            None => {
                faults.invalid(&indexes, "must be ordered indexes such as `0-2,5`, less than `completions`");
                // The API server then counts no indexes.
                if count.number().is_some_and(|count| count > 0) {
                    faults.invalid(&count, "must be less than or equal to the number of `succeededIndexes`");
                }
            }
            Some(all) if count.number().is_some_and(|count| count > all) => {
                faults.invalid(&count, "must be less than or equal to the number of `succeededIndexes`");
            }
            Some(_) => {}
        }
    }
    faults.not_negative(&count);
    if count.number().is_some_and(|count| count > completions) {
        faults.invalid(&count, "must be less than or equal to `completions`");
    }
}

/// The number of indexes in a string such as `0-2,5`; `None` if it is invalid.
fn index_count(text: &str, completions: i64) -> Option<i64> {
    let (mut all, mut last) = (0, None);
    if text.is_empty() {
        return Some(0);
    }
    for part in text.split(',') {
        let (first, end) = part.split_once('-').unwrap_or((part, part));
        let (first, end): (i64, i64) = (first.parse().ok()?, end.parse().ok()?);
        let ordered = first <= end && (!part.contains('-') || first < end) && last.is_none_or(|last| last < first);
        if !ordered || first < 0 || end >= completions {
            return None;
        }
        all += end - first + 1;
        last = Some(end);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::index_count;

    #[test]
    fn indexes_are_counted() {
        assert_eq!(index_count("0-2,5", 6), Some(4));
        assert_eq!(index_count("", 6), Some(0));
        for bad in ["5,0", "0-6", "a", "0--1", "2-2", "1,1", "0-2,2"] {
            assert_eq!(index_count(bad, 6), None, "{bad}");
        }
    }
}
