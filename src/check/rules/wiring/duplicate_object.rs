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
Two documents with one kind, namespace and name: the later overwrites the earlier, silently. It is
an error where they differ, since then one of them is lost. Objects of separate files, which may be
alternatives or for different clusters, are compared where the manifests are whole (`--complete`,
`--profile`, `render`).",
        why: "",
        fix: "",
        source: "",
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
        // Files that are checked together need not go to one cluster: a folder of alternatives, or of rendered bundles.
        let file = (!bundle.options.whole).then(|| object.span().file);
        let id = (object.group(), object.kind(), object.namespace(), object.name());
        let first = *seen.entry((file, id)).or_insert(object);
        if std::ptr::eq(first, object) {
            continue;
        }
        let same = first.node == object.node;
        let words = if same { "is given twice" } else { "is given twice, and the two differ: the later one wins" };
        report
            .object(object, format!("{} `{}` {words}", object.kind(), object.name()))
            .severity(if same { Severity::Warning } else { Severity::Error })
            .related(first.span(), "first here")
            .help("take one of them out");
    }
}
