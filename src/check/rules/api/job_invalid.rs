//! Rule `job-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::JobInvalid,
    doc: Doc {
        checks: "\
The numbers of a Job must not be negative. `completionMode: Indexed` requires `completions` (a Job
without `completions` and `parallelism` gets 1 of each) and allows a `parallelism` of at most
100000. `backoffLimitPerIndex`, `maxFailedIndexes` and `successPolicy` require `completionMode:
Indexed`, and `maxFailedIndexes` requires `backoffLimitPerIndex` and must not exceed `completions`.
With more than 100000 completions and a `backoffLimitPerIndex`, `maxFailedIndexes` is required, and
it and `parallelism` must not exceed 10000. With a `podFailurePolicy` the `restartPolicy` of the
pods must be `Never`, and `podReplacementPolicy`, if set, `Failed`.",
        why: "\
The API server rejects the object, for instance with \"requires indexed completion mode\" or \"must be
less than or equal to completions\".",
        fix: "Set `completionMode: Indexed` and `completions`, or remove the fields that require them.",
        source: "`validateJobSpec` in `pkg/apis/batch/validation`.",
    },
    bad: "\
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  completionMode: Indexed
  parallelism: 3
  template: {spec: {restartPolicy: Never, containers: [{name: a, image: a:1}]}}
",
    good: "-  parallelism: 3\n+  completions: 3\n",
    check: Check::Object(check),
};

/// The maximum `parallelism` and `maxFailedIndexes` of an indexed Job.
const MAX_INDEXED: i64 = 100_000;
/// The same for a Job with more completions than that and a `backoffLimitPerIndex`.
const MAX_OF_LARGE_JOB: i64 = 10_000;

/// Calls a function with the Job spec of a Job or CronJob.
pub(super) fn with_job_spec(object: &Object, call: impl FnOnce(&At<'_, '_>)) {
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    match (object.group(), object.kind()) {
        ("batch", "Job") => call(&spec),
        ("batch", "CronJob") => call(&spec.get("jobTemplate").get("spec")),
        _ => {}
    }
}

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    with_job_spec(object, |spec| {
        for name in [
            "parallelism",
            "completions",
            "activeDeadlineSeconds",
            "backoffLimit",
            "ttlSecondsAfterFinished",
            "backoffLimitPerIndex",
            "maxFailedIndexes",
        ] {
            faults.not_negative(&spec.get(name));
        }
        completion(faults, spec);
        replacement(faults, spec);
        let manager = spec.get("managedBy");
        if manager.is_set() {
            faults.check(&manager, names::domain_prefixed_path(manager.text()));
            if manager.text().len() > 63 {
                faults.invalid(&manager, "must be no more than 63 characters");
            }
        }
    });
}

fn completion(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    let mode = spec.get("completionMode");
    if mode.is_set() {
        faults.one_of(&mode, &["Indexed", "NonIndexed"]);
    }
    let (per_index, most_failed) = (spec.get("backoffLimitPerIndex"), spec.get("maxFailedIndexes"));
    if mode.text() == "Indexed" {
        indexed(faults, spec);
    } else {
        for at in [&per_index, &most_failed] {
            if at.is_set() {
                faults.forbidden(at, "without `completionMode: Indexed`");
            }
        }
        let success = spec.get("successPolicy");
        if success.is_set() {
            faults.forbidden(&success, "without `completionMode: Indexed`");
        }
    }
    if most_failed.is_set() && !per_index.is_set() {
        faults.required(&per_index).help("`maxFailedIndexes` requires it");
    }
}

fn indexed(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    let (completions, parallelism) = (spec.get("completions"), spec.get("parallelism"));
    let most_failed = spec.get("maxFailedIndexes");
    // Both default to 1 if neither is set. There are no such defaults in the template of a CronJob.
    let defaulted = faults.object.kind() == "Job" && !completions.is_set() && !parallelism.is_set();
    if !completions.is_set() && !defaulted {
        faults.required(&completions).help("set the number of indexes");
    }
    let large =
        spec.get("backoffLimitPerIndex").is_set() && completions.number().is_some_and(|number| number > MAX_INDEXED);
    let most = if large { MAX_OF_LARGE_JOB } else { MAX_INDEXED };
    for at in [&parallelism, &most_failed] {
        if at.number().is_some_and(|number| number > most) {
            faults.invalid(
                at,
                if large { "must be less than or equal to 10000" } else { "must be less than or equal to 100000" },
            );
        }
    }
    if let (Some(failed), Some(all)) = (most_failed.number(), completions.number())
        && failed > all
    {
        faults.invalid(&most_failed, "must be less than or equal to `completions`");
    }
    if large && !most_failed.is_set() {
        faults.required(&most_failed).help("it is required if `completions` is greater than 100000");
    }
}

fn replacement(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    let policy = spec.get("podReplacementPolicy");
    let failures = spec.get("podFailurePolicy").is_set();
    if policy.is_set() {
        faults.one_of(&policy, if failures { &["Failed"] } else { &["Failed", "TerminatingOrFailed"] });
    }
    let template = spec.get("template");
    let pod = template.get("spec");
    let restart = pod.get("restartPolicy");
    if failures && restart.text() != "Never" {
        faults.add(&restart, "only `Never` is supported when `podFailurePolicy` is specified");
    }
}
