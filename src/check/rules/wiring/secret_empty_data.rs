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
Checks for Secrets that a pod, ServiceAccount or Ingress uses and whose values are all empty, or
whose YAML, JSON or TOML files are empty. The finding is a warning. Nothing is reported for a single
empty value that is not a file, since an empty password may be intended, and for ServiceAccount
tokens.",
        why: "\
Applying the manifests overwrites the values in the cluster, such as a generated password, with
empty ones.",
        fix: "Set the values, or do not apply the Secret.",
        source: "https://kubernetes.io/docs/concepts/configuration/secret/.",
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
        let is_blank =
            |node: &crate::node::Node| node.is_null() || node.text().trim().is_empty() && node.as_str().is_some();
        let all = entries().next().is_some() && entries().all(|entry| is_blank(&entry.value));
        // An empty password may be intended, but not an empty file.
        let is_file = |key: &str| [".yaml", ".yml", ".json", ".toml"].iter().any(|end| key.ends_with(end));
        let empty: Vec<_> = entries().filter(|entry| is_blank(&entry.value) && (all || is_file(&entry.key))).collect();
        if let Some(first) = empty.first() {
            let first = &first.value;
            let keys: Vec<&str> = empty.iter().map(|entry| entry.key.as_str()).collect();
            let message = format!(
                "Secret `{}` has empty values: {}",
                object.name(),
                crate::suggest::list(keys.iter().take(4), "and")
            );
            report
                .at(object, first, message)
                .help("set the values, or do not apply this Secret, which overwrites the values in the cluster");
        }
    }
}
