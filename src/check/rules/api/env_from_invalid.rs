//! Rule `env-from-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::validation::{Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::EnvFromInvalid,
    doc: Doc {
        checks: "\
An `envFrom` entry must have exactly one of `configMapRef` and `secretRef`, with a name. Its
`prefix` must consist of printable ASCII characters other than `=`.",
        why: "\
The API server rejects the object with \"must specify one of: `configMapRef` or `secretRef`\" or \"may
not have more than one field specified at a time\".",
        fix: "Set one of the two references; use two entries for a ConfigMap and a Secret.",
        source: "`ValidateEnvFrom` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", envFrom: [{prefix: APP_}]}]
"#,
    good: r#"-  containers: [{name: web, image: "web:1", envFrom: [{prefix: APP_}]}]
+  containers: [{name: web, image: "web:1", envFrom: [{prefix: APP_, configMapRef: {name: app}}]}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    for container in &pod.containers {
        let parent = container.at();
        let list = parent.on("envFrom", container.fields.env_from);
        for entry in list.items() {
            let prefix = entry.get("prefix");
            if !prefix.text().is_empty()
                && let Err(form) = names::env_name(prefix.text())
            {
                faults.add(&prefix, format!("the prefix {form}"));
            }
            let mut sources = 0;
            for source in [entry.get("configMapRef"), entry.get("secretRef")] {
                if !source.is_set() {
                    continue;
                }
                sources += 1;
                let name = source.get("name");
                if name.text().is_empty() {
                    faults.add(&name, "`name` is required");
                } else if let Err(form) = names::as_prefix(names::dns1123_subdomain, name.text()) {
                    faults.add(&name, format!("the name `{}` {form}", name.text()));
                }
            }
            // The API server reports these at the list.
            if sources == 0 {
                faults.breaks(&list.same(entry.node), "must specify one of `configMapRef` and `secretRef`");
            } else if sources > 1 {
                faults.add(&list.same(entry.node), "only one of `configMapRef` and `secretRef` may be set");
            }
        }
    }
}
