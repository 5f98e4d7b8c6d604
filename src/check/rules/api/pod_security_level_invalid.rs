//! Rule `pod-security-level-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::PodSecurityLevelInvalid,
    doc: Doc {
        checks: "\
The labels `pod-security.kubernetes.io/enforce`, `audit` and `warn` of a Namespace must be
`privileged`, `baseline` or `restricted`. The labels of the same names with `-version` must be
`latest` or a version such as `v1.36`.",
        why: "\
The PodSecurity admission controller rejects the Namespace, for instance with \"must be one of
privileged, baseline, restricted\".",
        fix: "Set one of the three levels.",
        source: "`PolicyToEvaluate` in `k8s.io/pod-security-admission/api`.",
    },
    bad: "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {pod-security.kubernetes.io/enforce: strict}}\n",
    good: "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {pod-security.kubernetes.io/enforce: restricted}}\n",
    check: Check::Object(check),
};

const LEVELS: &[&str] = &["baseline", "privileged", "restricted"];

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "Namespace" || !object.group().is_empty() {
        return;
    }
    let root = At::root("", &object.node);
    let metadata = root.get("metadata");
    let labels = metadata.get("labels");
    for (key, value) in labels.keys() {
        let Some(mode) = key.strip_prefix("pod-security.kubernetes.io/") else { continue };
        // `label-invalid` reports an invalid value.
        if names::label_value(value.text()).is_err() {
            continue;
        }
        match mode {
            "enforce" | "audit" | "warn" => faults.one_of(&value, LEVELS),
            "enforce-version" | "audit-version" | "warn-version" if !is_version(value.text()) => {
                faults.invalid(&value, "must be `latest` or a version such as `v1.36`");
            }
            _ => {}
        }
    }
}

fn is_version(text: &str) -> bool {
    let minor = text.strip_prefix("v1.").unwrap_or_default();
    let number = !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit());
    text == "latest" || number && (minor == "0" || !minor.starts_with('0'))
}
