//! Rule `duplicate-object`.

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::validation::Report;
use foldhash::{HashMap, HashMapExt};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::DuplicateObject,
    doc: Doc {
        checks: "\
Checks for two objects with the same API group, kind, namespace and name. Two equal objects are a
warning, two different ones an error. Objects of different files are compared only if the manifests
are complete (`--complete`, `--profile`, `render`): they may be alternatives, or for different
clusters.",
        why: "\
When both are applied, the second replaces the first without a message, and the settings of the
first are lost.",
        fix: "Remove one of them, or rename it.",
        source: "https://kubernetes.io/docs/concepts/overview/working-with-objects/names/.",
    },
    bad: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {LEVEL: info}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {LEVEL: debug}
"#,
    good: r" ---
 apiVersion: v1
 kind: ConfigMap
-metadata: {name: web}
+metadata: {name: web, namespace: other}
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let mut seen = HashMap::with_capacity(bundle.objects.len());
    for object in bundle.objects {
        if object.name().is_empty() {
            continue;
        }
        // Different files may be alternatives, or rendered bundles for different clusters.
        let file = (!bundle.options.complete).then(|| object.span().file);
        let id = (object.group(), object.kind(), object.namespace(), object.name());
        let first = *seen.entry((file, id)).or_insert(object);
        if std::ptr::eq(first, object) {
            continue;
        }
        let same = first.node == object.node;
        let problem = if same { "is defined twice" } else { "is defined twice with different content" };
        report
            .object(object, format!("{} `{}` {problem}", object.kind(), object.name()))
            .severity(if same { Severity::Warning } else { Severity::Error })
            .related(first.span(), "first defined here")
            .help("remove one of them");
    }
}
