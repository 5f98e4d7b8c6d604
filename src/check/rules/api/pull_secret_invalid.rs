//! Rule `pull-secret-invalid`.

use crate::check::{Check, Rule};
use crate::finding::RuleId;
use crate::validation::{Pod, Report};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::PullSecretInvalid,
    doc: "\
An `imagePullSecrets` entry without a name does nothing, and of two with one name `kubectl apply` may drop one. The
server warns.

Source: `warningsForPodSpecAndMeta`.",
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  imagePullSecrets: [{}]
  containers: [{name: web, image: "web:1"}]
"#,
    good: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  imagePullSecrets: [{name: registry}]
  containers: [{name: web, image: "web:1"}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, report: &mut Report<'_>) {
    let spec = pod.at();
    let list = spec.on("imagePullSecrets", pod.spec.image_pull_secrets);
    let repeated = list.repeats("name");
    for (index, secret) in list.items().enumerate() {
        let name = secret.get("name");
        if name.text().is_empty() {
            pod.say(report, &name, "the pull secret has no name, so it does nothing");
        } else if repeated[index] {
            pod.say(report, &name, format!("the pull secret `{}` is listed twice", name.text()));
        }
    }
}
