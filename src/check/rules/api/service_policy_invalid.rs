//! Rule `service-policy-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ServicePolicyInvalid,
    doc: Doc {
        checks: "\
`sessionAffinity` must be `None` or `ClientIP`, and its timeout between 1 and 86400 seconds.
`externalTrafficPolicy` must be `Cluster` or `Local`, and is only allowed for a Service with the
type `NodePort` or `LoadBalancer`, or with `externalIPs`. `healthCheckNodePort` is only allowed with
the type `LoadBalancer` and `externalTrafficPolicy: Local`. `internalTrafficPolicy` must be
`Cluster` or `Local`; `trafficDistribution` must be `PreferClose`, `PreferSameZone` or
`PreferSameNode`. The API server drops `sessionAffinityConfig` with the affinity `None`; it is not
reported.",
        why: "\
The API server rejects the object, for instance with \"may only be set for externally-accessible
services\" or \"may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'\".",
        fix: "Set the type of Service that the field requires, or remove the field.",
        source: "\
`validateServiceExternalTrafficPolicy`, `validateServiceInternalTrafficFieldsValue` and
`ValidateService` in `pkg/apis/core/validation`.",
    },
    bad: "\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {externalTrafficPolicy: Local, ports: [{port: 80}]}
",
    good: "\
-spec: {externalTrafficPolicy: Local, ports: [{port: 80}]}
+spec: {type: NodePort, externalTrafficPolicy: Local, ports: [{port: 80}]}
",
    check: Check::Object(check),
};

/// The maximum timeout of a session: one day.
const MAX_TIMEOUT_SECONDS: i64 = 86_400;

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "Service" || !object.group().is_empty() {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    affinity(faults, &spec);
    external_traffic(faults, &spec);
    let inside = spec.get("internalTrafficPolicy");
    if inside.is_set() {
        faults.one_of(&inside, &["Cluster", "Local"]);
    }
    let distribution = spec.get("trafficDistribution");
    if distribution.is_set() {
        faults.one_of(&distribution, &["PreferClose", "PreferSameNode", "PreferSameZone"]);
    }
    let class = spec.get("loadBalancerClass");
    if class.is_set() && spec.get("type").text() == "LoadBalancer" {
        faults.check(&class, names::qualified_name(class.text()));
    }
}

fn affinity(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    let (affinity, config) = (spec.get("sessionAffinity"), spec.get("sessionAffinityConfig"));
    match affinity.text() {
        "ClientIP" => {
            let client = config.get("clientIP");
            let timeout = client.get("timeoutSeconds");
            if timeout.number().is_some_and(|seconds| !(1..=MAX_TIMEOUT_SECONDS).contains(&seconds)) {
                faults.invalid(&timeout, "must be between 1 and 86400");
            }
        }
        // The API server drops `sessionAffinityConfig` with the affinity `None` before validation.
        "" | "None" => {}
        _ => faults.one_of(&affinity, &["ClientIP", "None"]),
    }
}

fn external_traffic(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    let (policy, port) = (spec.get("externalTrafficPolicy"), spec.get("healthCheckNodePort"));
    let kind = spec.get("type").text();
    let is_external = match kind {
        "NodePort" | "LoadBalancer" => true,
        "" | "ClusterIP" => !spec.node["externalIPs"].items().is_empty(),
        _ => false,
    };
    if !policy.text().is_empty() {
        if is_external {
            faults.one_of(&policy, &["Cluster", "Local"]);
        } else {
            faults
                .invalid(&policy, "may only be set for externally-accessible services")
                .help("set `type: NodePort` or `type: LoadBalancer`, or remove the field");
        }
    }
    let number = port.number().unwrap_or(0);
    if number != 0 {
        if kind != "LoadBalancer" || policy.text() != "Local" {
            faults
                .invalid(&port, "may only be set when `type` is `LoadBalancer` and `externalTrafficPolicy` is `Local`");
        } else {
            faults.check(&port, names::port_number(number));
        }
    }
}
