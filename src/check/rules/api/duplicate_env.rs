//! Rule `duplicate-env`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod};
use foldhash::{HashMap, HashMapExt};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::DuplicateEnv,
    doc: Doc {
        checks: "\
Two variables of a container have the same name. Nothing is reported if the later value refers to
the earlier one (`$(NAME)`) and adds to it.",
        why: "\
The later variable hides the earlier one. The API server accepts the object with a warning, \"hides
previous definition of \"NAME\", which may be dropped when using apply\"; `kubectl apply --server-side`
rejects it with \"duplicate entries for key\".",
        fix: "Remove one of the two.",
        source: "`warningsForPodSpecAndMeta` in `pkg/api/pod`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", env: [{name: A, value: one}, {name: A, value: two}]}]
"#,
    good: r#"-  containers: [{name: web, image: "web:1", env: [{name: A, value: one}, {name: A, value: two}]}]
+  containers: [{name: web, image: "web:1", env: [{name: A, value: one}, {name: A, value: "$(A)two"}]}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    for container in &pod.containers {
        let parent = container.at();
        let list = parent.on("env", container.fields.env);
        if list.node.items().len() < 2 {
            continue;
        }
        let mut seen = HashMap::with_capacity(list.node.items().len());
        for variable in list.items() {
            let name = variable.node["name"].text();
            let Some(first) = seen.insert(name, variable.node) else { continue };
            let value = variable.node["value"].text();
            let reference = format!("$({name})");
            if variable.node["valueFrom"].is_set() || value == reference || !value.contains(&reference) {
                let message = format!("duplicate environment variable `{name}`: hides the previous definition");
                faults.add(&variable, message).related(first["name"].origin.span, "first defined here");
            }
        }
    }
}
