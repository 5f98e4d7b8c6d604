//! Rule `toleration-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::validation::{At, Faults, Pod, enums};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::TolerationInvalid,
    doc: Doc {
        checks: "\
The key of a toleration must be a qualified name; without a key the operator must be `Exists`.
`Equal` (the default) compares with a label value, `Exists` must not have a value, and `Lt` and `Gt`
(since 1.35) require an integer. The effect must be `NoSchedule`, `PreferNoSchedule` or `NoExecute`;
`tolerationSeconds` requires `NoExecute`.",
        why: "\
The API server rejects the object, for instance with \"operator must be Exists when `key` is empty\"
or \"effect must be 'NoExecute' when `tolerationSeconds` is set\".",
        fix: "Remove the value, or use `operator: Equal`; set `effect: NoExecute` for `tolerationSeconds`.",
        source: "`ValidateTolerations` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  tolerations: [{key: dedicated, operator: Exists, value: web}]
  containers: [{name: web, image: "web:1"}]
"#,
    good: "\
-  tolerations: [{key: dedicated, operator: Exists, value: web}]
+  tolerations: [{key: dedicated, operator: Equal, value: web}]
",
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let spec = pod.at();
    for toleration in spec.on("tolerations", pod.spec.tolerations).items() {
        check_toleration(&toleration, faults);
    }
}

/// Validates a toleration of a pod or of a RuntimeClass.
pub(super) fn check_toleration(toleration: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    let (key, operator, value) = (toleration.get("key"), toleration.get("operator"), toleration.get("value"));
    let effect = toleration.get("effect");
    if key.text().is_empty() {
        if operator.text() != "Exists" {
            faults.add(&operator, "operator must be `Exists` when `key` is empty");
        }
    } else if let Err(form) = names::qualified_name(key.text()) {
        faults.add(&key, format!("the key `{}` {form}", key.text()));
    }
    if toleration.get("tolerationSeconds").is_set() && effect.text() != "NoExecute" {
        faults.add(&effect, "effect must be `NoExecute` when `tolerationSeconds` is set");
    }
    match operator.text() {
        "Equal" | "" => {
            if let Err(form) = names::label_value(value.text()) {
                // The API server reports this at the operator.
                faults.add(&toleration.on("operator", value.node), format!("the value `{}` {form}", value.text()));
            }
        }
        "Exists" if !value.text().is_empty() => {
            faults.add(&operator, "value must be empty when `operator` is `Exists`");
        }
        // Alpha since 1.35, and disabled by default.
        "Lt" | "Gt" => {
            if value.text().parse::<i64>().is_err() {
                faults.add(&value, format!("the value `{}` must be an integer", value.text()));
            }
        }
        _ => enums::choice(&operator, &["Equal", "Exists"], faults),
    }
    enums::choice_or_empty(&effect, &["NoSchedule", "PreferNoSchedule", "NoExecute"], faults);
}
