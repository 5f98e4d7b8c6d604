//! Rule `resources-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod, pod::Workload, resources};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ResourcesInvalid,
    doc: Doc {
        checks: "\
The resources of a container are cpu, memory, ephemeral-storage, `hugepages-<size>` and extended
ones with a domain (`example.com/gpu`). Amounts are not negative, extended ones whole; a request is
no more than the limit, and equal to it for extended resources and huge pages, which need a limit.
Huge pages come in multiples of their size and beside cpu or memory.",
        why: "",
        fix: "",
        source: "`validateContainerResourceRequirements`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}}]
"#,
    good: r#"-  containers: [{name: web, image: "web:1", resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}}]
+  containers: [{name: web, image: "web:1", resources: {requests: {memory: 1Gi}, limits: {memory: 1Gi}}}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    for container in &pod.containers {
        if container.fields.resources.is_set() {
            let parent = container.at();
            let at = parent.on("resources", container.fields.resources);
            resources::requirements(&at, resources::container_name, faults);
            // In a template that happens only when the pod is made.
            if pod.workload == Workload::Pod {
                resources::copied_limits(&at, resources::container_name, faults);
            }
        }
    }
}
