//! Rule `service-field-ignored`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::object::Object;
use crate::validation::{At, Faults};

use super::service_port_invalid::is_headless;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ServiceFieldIgnored,
    doc: Doc {
        checks: "\
A headless Service has `externalIPs`, `loadBalancerIP` or `sessionAffinity: ClientIP`, or a Service
of another type than `ExternalName` has an `externalName`.",
        why: "\
The API server accepts the object with a warning, such as \"spec.externalIPs is ignored when
spec.clusterIP is \"None\"\".",
        fix: "Remove the field, or set the type that it belongs to.",
        source: "`GetWarningsForService` in `pkg/api/service`.",
    },
    bad: "\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: None, externalIPs: [203.0.113.1], ports: [{port: 80}]}
",
    good: "\
-spec: {clusterIP: None, externalIPs: [203.0.113.1], ports: [{port: 80}]}
+spec: {externalIPs: [203.0.113.1], ports: [{port: 80}]}
",
    check: Check::Object(check),
};

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "Service" || !object.group().is_empty() {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    if is_headless(spec.node) {
        let (addresses, address, affinity) =
            (spec.get("externalIPs"), spec.get("loadBalancerIP"), spec.get("sessionAffinity"));
        if !addresses.node.items().is_empty() {
            faults.add(&addresses, "`externalIPs` has no effect on a headless Service");
        }
        if !address.text().is_empty() {
            faults.add(&address, "`loadBalancerIP` has no effect on a headless Service");
        }
        if affinity.text() == "ClientIP" {
            faults.add(&affinity, "`sessionAffinity` has no effect on a headless Service");
        }
    }
    let (name, kind) = (spec.get("externalName"), spec.get("type").text());
    if !name.text().is_empty() && kind != "ExternalName" {
        faults.add(&name, "`externalName` has no effect without `type: ExternalName`");
    }
}
