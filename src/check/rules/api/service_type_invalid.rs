//! Rule `service-type-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::object::Object;
use crate::validation::{At, Faults};

use super::service_port_invalid::is_headless;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ServiceTypeInvalid,
    doc: Doc {
        checks: "\
The type of a Service must be `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`. `nodePort`
is not allowed with `ClusterIP`, and `clusterIP: None` not with `NodePort` and `LoadBalancer`.
`loadBalancerSourceRanges`, `loadBalancerClass` and `allocateLoadBalancerNodePorts` are only allowed
with `LoadBalancer`. `ExternalName` requires an `externalName`, which must be a DNS-1123 subdomain
(a trailing dot is allowed), and does not allow IP addresses and IP families.",
        why: "\
The API server rejects the object, for instance with \"may only be used when `type` is
'LoadBalancer'\".",
        fix: "Set the type that the field requires, or remove the field.",
        source: "`ValidateService` in `pkg/apis/core/validation`.",
    },
    bad: "\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80, nodePort: 30080}]}
",
    good: "\
-spec: {ports: [{port: 80, nodePort: 30080}]}
+spec: {type: NodePort, ports: [{port: 80, nodePort: 30080}]}
",
    check: Check::Object(check),
};

const TYPES: &[&str] = &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
/// The annotation that `loadBalancerSourceRanges` replaced.
const RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "Service" || !object.group().is_empty() {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    let kind = spec.get("type");
    if !kind.text().is_empty() {
        faults.one_of(&kind, TYPES);
    }
    match kind.text() {
        "" | "ClusterIP" => {
            let ports = spec.get("ports");
            for port in ports.items() {
                let node_port = port.get("nodePort");
                if node_port.number().is_some_and(|number| number != 0) {
                    faults.forbidden(&node_port, "with the type `ClusterIP`").help("set `type: NodePort`");
                }
            }
        }
        "ExternalName" => external(faults, &spec),
        "NodePort" | "LoadBalancer" if is_headless(spec.node) => {
            let message = format!("may not be set to `None` for {} services", kind.text());
            faults.add(&spec.get("clusterIP"), message).field("spec.clusterIPs[0]");
        }
        _ => {}
    }
    if kind.text() != "LoadBalancer" {
        balancer_only(faults, &root, &spec);
    }
}

fn external(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    let name = spec.get("externalName");
    let text = name.text().strip_suffix('.').unwrap_or(name.text());
    if text.is_empty() {
        faults.required(&name);
    } else {
        faults.check(&name, names::dns1123_subdomain(text));
    }
    let (address, addresses) = (spec.get("clusterIP"), spec.get("clusterIPs"));
    if !address.text().is_empty() || !addresses.node.items().is_empty() {
        faults.forbidden(&addresses, "with the type `ExternalName`");
    }
    let (families, policy) = (spec.get("ipFamilies"), spec.get("ipFamilyPolicy"));
    if !families.node.items().is_empty() {
        faults.forbidden(&families, "with the type `ExternalName`");
    }
    if policy.is_set() {
        faults.forbidden(&policy, "with the type `ExternalName`");
    }
}

fn balancer_only(faults: &mut Faults<'_, '_>, root: &At<'_, '_>, spec: &At<'_, '_>) {
    let why = "without the type `LoadBalancer`";
    let metadata = root.get("metadata");
    let annotations = metadata.get("annotations");
    let (ranges, old) = (spec.get("loadBalancerSourceRanges"), annotations.key(RANGES));
    if !ranges.node.items().is_empty() {
        // The API server reports this path with a capital letter.
        faults.forbidden(&ranges, why).field("spec.LoadBalancerSourceRanges");
    } else if annotations.node.get(RANGES).is_some() {
        faults.forbidden(&old, why);
    }
    for name in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] {
        let at = spec.get(name);
        if at.is_set() {
            faults.forbidden(&at, why);
        }
    }
}
