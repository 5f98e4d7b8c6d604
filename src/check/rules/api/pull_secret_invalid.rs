//! Rule `pull-secret-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::PullSecretInvalid,
    doc: Doc {
        checks: "An entry of `imagePullSecrets` should have a name, and each name should be unique.",
        why: "\
An entry without a name has no effect, and `kubectl apply` may drop one of two entries with the same
name. The API server accepts the object with a warning, \"invalid empty name\" or \"duplicate name\".",
        fix: "Set the name of the Secret, or remove the entry.",
        source: "`warningsForPodSpecAndMeta` in `pkg/api/pod`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  imagePullSecrets: [{}]
  containers: [{name: web, image: "web:1"}]
"#,
    good: "-  imagePullSecrets: [{}]\n+  imagePullSecrets: [{name: registry}]\n",
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let spec = pod.at();
    let list = spec.on("imagePullSecrets", pod.spec.image_pull_secrets);
    let repeated = list.repeats("name");
    for (index, secret) in list.items().enumerate() {
        let name = secret.get("name");
        if name.text().is_empty() {
            faults.add(&name, "an image pull secret without a name has no effect");
        } else if repeated[index] {
            faults.add(&name, format!("duplicate image pull secret `{}`", name.text()));
        }
    }
}
