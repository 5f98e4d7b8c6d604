//! Rule `resources-fractional`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::quantity::Quantity;
use crate::validation::{At, Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ResourcesFractional,
    doc: Doc {
        checks: "\
An amount of memory or ephemeral-storage, in the requests and limits of a container or in the
overhead of a pod, is not an integer number of bytes. `memory: 100m` is a tenth of a byte.",
        why: "\
The API server accepts the object with a warning, \"fractional byte value \"100m\" is invalid, must be
an integer\". The container gets far less memory than was meant.",
        fix: "Write `M` or `Mi` instead of `m`: `memory: 100Mi`.",
        source: "`warningsForPodSpecAndMeta` in `pkg/api/pod`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", resources: {limits: {memory: 128m}}}]
"#,
    good: r#"-  containers: [{name: web, image: "web:1", resources: {limits: {memory: 128m}}}]
+  containers: [{name: web, image: "web:1", resources: {limits: {memory: 128M}}}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    for container in &pod.containers {
        if container.fields.resources.is_null() {
            continue;
        }
        let parent = container.at();
        let at = parent.on("resources", container.fields.resources);
        for list in [at.get("limits"), at.get("requests")] {
            fractional(&list, faults);
        }
    }
    let spec = pod.at();
    fractional(&spec.on("overhead", pod.spec.overhead), faults);
}

fn fractional(list: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    for (key, amount) in list.keys() {
        if matches!(key, "memory" | "ephemeral-storage")
            && Quantity::of(amount.node).is_some_and(|amount| !amount.is_integer())
        {
            let draft = faults.add(&amount, format!("fractional byte value of `{key}`: must be an integer"));
            draft.help("the suffix `m` means milli: write `M` or `Mi` for megabytes");
        }
    }
}
