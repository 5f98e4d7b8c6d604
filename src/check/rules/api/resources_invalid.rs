//! Rule `resources-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod, pod::Workload, resources};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ResourcesInvalid,
    doc: Doc {
        checks: "\
The resources of a container must be cpu, memory, ephemeral-storage, `hugepages-<size>` or extended
resources with a domain (`example.com/gpu`). Amounts must not be negative, and those of extended
resources must be integers. A request must not exceed the limit, and must equal it for extended
resources and huge pages, which require a limit. Huge pages must be a multiple of their size, and
require cpu or memory.",
        why: "\
The API server rejects the object, for instance with \"must be less than or equal to cpu limit of 1\"
or \"must be a standard resource for containers\".",
        fix: "Raise the limit or lower the request; correct the name of the resource.",
        source: "`ValidateContainerResourceRequirements` in `pkg/apis/core/validation`.",
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
            // In a template, limits are only copied to requests when a pod is created.
            if pod.workload == Workload::Pod {
                resources::copied_limits(&at, resources::container_name, faults);
            }
        }
    }
}
