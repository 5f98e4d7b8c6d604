//! Rule `network-policy-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::{ip, names};
use crate::node::Value;
use crate::object::Object;
use crate::validation::{At, Faults};

use super::service_port_invalid::PROTOCOLS;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::NetworkPolicyInvalid,
    doc: Doc {
        checks: "\
A peer must have a `podSelector`, a `namespaceSelector` or both, or an `ipBlock` alone, whose
`except` must be strictly within its `cidr`. A port must be a number or a name; `endPort` requires a
numeric `port` that is not greater. `policyTypes` must be `Ingress` and `Egress`.",
        why: "\
The API server rejects the object, for instance with \"must specify a peer\" or \"may not be specified
when `port` is not specified\".",
        fix: "\
Set one kind of peer for each entry; use `{}` to select everything. List several peers or ports as
entries of their own.",
        source: "`ValidateNetworkPolicySpec` in `pkg/apis/networking/validation`.",
    },
    bad: "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {}
  ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [192.168.0.0/16]}}]}]
",
    good: "\
-  ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [192.168.0.0/16]}}]}]
+  ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]}]
",
    check: Check::Object(check),
};

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "NetworkPolicy" || object.group() != "networking.k8s.io" {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    faults.selector(&spec.get("podSelector"));
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        let rules = spec.get(direction);
        for rule in rules.items() {
            rule.get("ports").items().for_each(|at| port(faults, &at));
            rule.get(peers).items().for_each(|at| peer(faults, &at));
        }
    }
    let types = spec.get("policyTypes");
    if types.node.items().len() > 2 {
        faults.breaks(&types, "may not specify more than two policyTypes");
        return;
    }
    types.items().for_each(|at| faults.one_of(&at, &["Egress", "Ingress"]));
}

fn port(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    let (protocol, port, end) = (at.get("protocol"), at.get("port"), at.get("endPort"));
    if protocol.is_set() {
        faults.one_of(&protocol, PROTOCOLS);
    }
    match &port.node.value {
        Value::Int(number) => {
            faults.check(&port, names::port_number(*number));
            if let Some(last) = end.number() {
                if last < *number {
                    faults.invalid(&end, "must be greater than or equal to `port`");
                }
                faults.check(&end, names::port_number(last));
            }
        }
        Value::String(name) => {
            if end.is_set() {
                faults.forbidden(&end, "together with a named port");
            }
            faults.check(&port, names::port_name(name));
        }
        _ if end.is_set() => _ = faults.forbidden(&end, "without `port`"),
        _ => {}
    }
}

fn peer(faults: &mut Faults<'_, '_>, peer: &At<'_, '_>) {
    let (pods, spaces, block) = (peer.get("podSelector"), peer.get("namespaceSelector"), peer.get("ipBlock"));
    faults.selector(&pods);
    faults.selector(&spaces);
    let selects = pods.is_set() || spaces.is_set();
    if block.is_set() {
        ip_block(faults, &block);
        if selects {
            faults.breaks(peer, "may not specify both `ipBlock` and another peer");
        }
    } else if !selects {
        faults.required(peer).help("set `podSelector`, `namespaceSelector` or `ipBlock`; `{}` selects all");
    }
}

fn ip_block(faults: &mut Faults<'_, '_>, block: &At<'_, '_>) {
    let cidr = block.get("cidr");
    if cidr.text().is_empty() {
        faults.required(&cidr);
        return;
    }
    let Some(range) = ip::sloppy_cidr(cidr.text()) else {
        faults.invalid(&cidr, "must be a CIDR such as `10.0.0.0/8`");
        return;
    };
    for except in block.get("except").items() {
        match ip::sloppy_cidr(except.text()) {
            None => _ = faults.invalid(&except, "must be a CIDR such as `10.1.0.0/16`"),
            Some(inner) if !range.contains(inner.network()) || inner.prefix <= range.prefix => {
                faults.invalid(&except, "must be a strict subset of `cidr`");
            }
            Some(_) => {}
        }
    }
}
