//! Rule `change-immutable`.

use foldhash::{HashMap, HashMapExt};

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::object::Object;
use crate::updates::rejections;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ChangeImmutable,
    doc: Doc {
        checks: "\
Checks for an object that is in a file twice, where the second differs from the first in an
immutable field: the selector of a workload, the volume claim templates of a StatefulSet, the pod
template of a Job, the role of a binding, the type of a Secret, the data of a ConfigMap or Secret
with `immutable: true`. The finding is an error. `diff` reports the same for what changed since the
last render, and evaluates the rules of CustomResourceDefinitions that compare a custom resource
with its old state (`oldSelf`).",
        why: "\
The API server rejects the second object (`field is immutable`), and applying the file fails
half-way.",
        fix: "Keep the value of the field, or delete the object and create it again.",
        source: "\
The update validations of `pkg/apis/*/validation` in https://github.com/kubernetes/kubernetes,
confirmed with `kubectl apply --server-side`.",
    },
    bad: "\
apiVersion: v1
kind: Secret
metadata: {name: a}
stringData: {token: t}
---
apiVersion: v1
kind: Secret
metadata: {name: a}
type: example.com/token
stringData: {token: t}
",
    good: "\
-type: example.com/token
-stringData: {token: t}
+stringData: {token: u}
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let mut last: HashMap<(u32, &str, &str, &str, &str), &Object> = HashMap::with_capacity(bundle.objects.len());
    for object in bundle.objects.iter().filter(|object| !object.name().is_empty()) {
        let file = object.node.origin.span.file.0;
        let key = (file, object.group(), object.kind(), object.namespace(), object.name());
        let Some(before) = last.insert(key, object) else { continue };
        for rejection in rejections(before, object, bundle.errors) {
            // Errors without a field, such as duplicate keys, do not depend on the earlier object.
            if rejection.field.is_empty() {
                continue;
            }
            report
                .object(object, rejection.message)
                .field(rejection.field)
                .place(rejection.span)
                .help(rejection.help)
                .related(
                    if rejection.old_span.is_none() { before.span() } else { rejection.old_span },
                    "the earlier value",
                );
        }
    }
}
