//! Rule `pod-resources-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::quantity::Quantity;
use crate::validation::pod::{Container, List, Workload};
use crate::validation::{Faults, Pod, resources};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::PodResourcesInvalid,
    doc: Doc {
        checks: "\
The `resources` of a pod must be cpu, memory and huge pages, without `claims`. A request must not be
less than the sum of the requests of the containers (at the peak, init containers included), and no
limit of a container may exceed the limit of the pod. Windows pods, which must not have pod-level
resources, are reported by `pod-os-invalid`.",
        why: "\
The API server rejects the object, for instance with \"must be greater than or equal to aggregate
container requests of 200m\" or \"must be less than or equal to pod limits of 1\".",
        fix: "Raise the resources of the pod, or lower those of the containers.",
        source: "`validatePodResources` and `validatePodResourceConsistency` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  resources: {requests: {cpu: 100m}}
  containers: [{name: web, image: "web:1", resources: {requests: {cpu: 200m}}}]
"#,
    good: "-  resources: {requests: {cpu: 100m}}\n+  resources: {requests: {cpu: 200m}}\n",
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    // `pod-os-invalid` reports pod-level resources of a Windows pod.
    if pod.spec.resources.is_null() || pod.spec.os["name"].text() == "windows" {
        return;
    }
    let spec = pod.at();
    let at = spec.on("resources", pod.spec.resources);
    if at.get("claims").is_set() {
        faults.add(&at.get("claims"), "claims cannot be set for pod-level resources");
    }
    resources::requirements(&at, resources::pod_name, faults);
    let requests = at.get("requests");
    for (key, amount) in requests.keys() {
        let Some(total) = Quantity::of(amount.node) else { continue };
        if aggregate(pod, "requests", key) > total {
            faults.add(
                &amount,
                format!("the request of `{key}` must be greater than or equal to the aggregate container requests"),
            );
        }
    }
    let all_limits = at.get("limits");
    for (key, amount) in all_limits.keys().filter(|(key, _)| key.starts_with("hugepages-")) {
        if Quantity::of(amount.node).is_some_and(|total| aggregate(pod, "limits", key) > total) {
            faults.add(
                &amount,
                format!("the limit of `{key}` must be greater than or equal to the aggregate container limits"),
            );
        }
    }
    let limits = &pod.spec.resources["limits"];
    let containers = pod.containers.iter().filter(|container| container.list == List::Main);
    for (index, container) in containers.enumerate() {
        for entry in container.fields.resources["limits"].entries() {
            let Some(total) = Quantity::of(&limits[entry.key.as_str()]) else { continue };
            if Quantity::of(&entry.value).is_some_and(|amount| amount > total) {
                let message =
                    format!("the limit of `{}` must be less than or equal to the limit of the pod", entry.key);
                // The API server reports a path that does not exist.
                let field = format!("{at}.containers[{index}][{}].limits", entry.key);
                faults.below(&at, &entry.value, field, message);
            }
        }
    }
}

/// The maximum sum of the requests (or limits) of containers that run at the same time: the main containers and the
/// sidecars, or an init container and the sidecars before it.
fn aggregate(pod: &Pod<'_>, list: &str, resource: &str) -> Quantity {
    let of = |container: &Container<'_>| {
        let resources = container.fields.resources;
        let amount = Quantity::of(&resources[list][resource]);
        let amount = amount.or_else(|| match pod.workload {
            Workload::Pod => Quantity::of(&resources["limits"][resource]),
            _ => None,
        });
        amount.unwrap_or_default()
    };
    let (mut sidecars, mut peak) = (Quantity::ZERO, Quantity::ZERO);
    for container in pod.containers.iter().filter(|container| container.list == List::Init) {
        if container.is_sidecar() {
            sidecars = sidecars.plus(of(container));
            peak = peak.max(sidecars);
        } else {
            peak = peak.max(sidecars.plus(of(container)));
        }
    }
    let main = pod.containers.iter().filter(|container| container.list == List::Main);
    peak.max(main.fold(sidecars, |sum, container| sum.plus(of(container))))
}
