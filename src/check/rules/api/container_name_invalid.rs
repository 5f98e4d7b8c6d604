//! Rule `container-name-invalid`.

use std::collections::hash_map::Entry;

use foldhash::{HashMap, HashMapExt};

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::validation::{Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ContainerNameInvalid,
    doc: Doc {
        checks: "\
The name of a container must be a DNS-1123 label (at most 63 lower case letters, digits and `-`) and
unique among all containers of the pod, init containers included.",
        why: "\
The API server rejects the object, with \"a lowercase RFC 1123 label must consist of lower case
alphanumeric characters or '-'\" or \"Duplicate value\".",
        fix: "Rename the container.",
        source: "`validateContainerCommon` and `validateInitContainers` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: Web_1, image: "web:1"}]
"#,
    good: r#"-  containers: [{name: Web_1, image: "web:1"}]
+  containers: [{name: web-1, image: "web:1"}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let mut first = HashMap::new();
    for container in &pod.containers {
        let (parent, name) = (container.at(), container.name());
        let at = parent.on("name", container.fields.name);
        if name.is_empty() {
            faults.add(&at, "the container has no name");
            continue;
        }
        faults.check(&at, names::dns1123_label(name));
        let span = container.fields.name.origin.span;
        match first.entry(name) {
            Entry::Vacant(first) => _ = first.insert(span),
            Entry::Occupied(first) => {
                faults.add(&at, format!("duplicate container name `{name}`")).related(*first.get(), "first used here");
            }
        }
    }
}
