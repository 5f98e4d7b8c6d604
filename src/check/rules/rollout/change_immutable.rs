//! Rule `change-immutable`.

use foldhash::{HashMap, HashMapExt};

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::object::Object;
use crate::updates::refusals;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ChangeImmutable,
    doc: Doc {
        checks: "\
Some fields are fixed once the object exists: a workload's selector, a StatefulSet's claims, a Job's
pod template, a binding's role, a Secret's type, the data of what is `immutable`. Here an object
stands twice in one file and the second differs from the first in such a field, so that applying the
file fails half-way. `diff` says the same of what changed since the last render, and evaluates the
rules of definitions that compare a custom resource with the old one (`oldSelf`).",
        why: "",
        fix: "",
        source: "the update validations of `pkg/apis/*/validation`; measured on `kubectl apply --server-side`.",
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
        for refusal in refusals(before, object, bundle.errors) {
            // Entries of one key are refused without an object before.
            if refusal.field.is_empty() {
                continue;
            }
            report
                .object(object, refusal.message)
                .field(refusal.field)
                .place(refusal.span)
                .help(refusal.help)
                .related(if refusal.old_span.is_none() { before.span() } else { refusal.old_span }, "as it was before");
        }
    }
}
