//! Rule `secret-empty-data`.

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::kind_of;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::SecretEmptyData,
    doc: Doc {
        checks: "\
Applying these manifests writes the empty values over whatever stands in the cluster, a generated or
hand-made password for instance. Leave such a Secret out of what is applied, or give it its values.",
        why: "",
        fix: "",
        source: "",
    },
    bad: r#"apiVersion: v1
kind: Secret
metadata: {name: db}
data: {password: ""}
---
apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  containers:
  - name: app
    image: ghcr.io/acme/app:v1
    env: [{name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}]
"#,
    good: "-data: {password: \"\"}\n+stringData: {password: \"correct horse\"}\n",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for object in bundle.objects.iter().filter(|object| kind_of(object) == Some("Secret")) {
        if object.node["type"].text().starts_with("kubernetes.io/service-account") || !graph.is_used(object) {
            continue;
        }
        let entries = || ["data", "stringData"].into_iter().flat_map(|field| object.node[field].entries());
        let blank =
            |node: &crate::node::Node| node.is_null() || node.text().trim().is_empty() && node.as_str().is_some();
        let all = entries().next().is_some() && entries().all(|entry| blank(&entry.value));
        // An empty password may be meant, an empty file is not.
        let file = |key: &str| [".yaml", ".yml", ".json", ".toml"].iter().any(|end| key.ends_with(end));
        let empty: Vec<_> = entries().filter(|entry| blank(&entry.value) && (all || file(&entry.key))).collect();
        if let Some(first) = empty.first() {
            let first = &first.value;
            let keys: Vec<&str> = empty.iter().map(|entry| entry.key.as_str()).collect();
            let message = format!(
                "Secret `{}` is declared with nothing in {}",
                object.name(),
                crate::suggest::list(keys.iter().take(4), "and")
            );
            report
                .at(object, first, message)
                .help("applying it overwrites what is there: give the values, or leave the Secret to whoever makes it");
        }
    }
}
