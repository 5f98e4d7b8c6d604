//! Rule `cluster-network-invalid`.

use std::net::IpAddr;

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::{ip, names};
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ClusterNetworkInvalid,
    doc: Doc {
        checks: "\
`podCIDRs` of a Node must have at most one CIDR of each IP family. Its taints must have a key and an
effect, and each pair of key and effect must be unique. A ServiceCIDR must have one CIDR, or two of
different IP families. The name of an IPAddress must be an IP address in canonical form, and its
`parentRef` must name a resource and an object.",
        why: "\
The API server rejects the object, for instance with \"may specify no more than one CIDR for each IP
family\" or \"taints must be unique by key and effect pair\".",
        fix: "Remove the duplicate, or write the address in canonical form.",
        source: "\
`ValidateNode` in `pkg/apis/core/validation`, and `ValidateServiceCIDR` and `ValidateIPAddress` in
`pkg/apis/networking/validation`.",
    },
    bad: "\
apiVersion: v1
kind: Node
metadata: {name: node1}
spec: {podCIDRs: [10.0.0.0/24, 10.0.1.0/24]}
",
    good: "\
-spec: {podCIDRs: [10.0.0.0/24, 10.0.1.0/24]}
+spec: {podCIDRs: [10.0.0.0/24, 'fd00::/64']}
",
    check: Check::Object(check),
};

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    match (object.group(), object.kind()) {
        ("", "Node") => {
            ranges(faults, &spec.get("podCIDRs"));
            taints(faults, &spec.get("taints"));
        }
        ("networking.k8s.io", "ServiceCIDR") => {
            let list = spec.get("cidrs");
            if list.node.items().is_empty() {
                faults.required(&list);
            }
            ranges(faults, &list);
        }
        ("networking.k8s.io", "IPAddress") => address(faults, &root),
        _ => {}
    }
}

/// Reports invalid CIDRs, and more than one of an IP family.
fn ranges(faults: &mut Faults<'_, '_>, list: &At<'_, '_>) {
    let mut families = Vec::new();
    for range in list.items() {
        match ip::sloppy_cidr(range.text()) {
            Some(cidr) => families.push(cidr.network().is_ipv4()),
            None => _ = faults.invalid(&range, "must be a CIDR such as `10.0.0.0/24`"),
        }
    }
    if list.node.items().len() > 2 || matches!(families.as_slice(), [one, other] if one == other) {
        faults.invalid(list, "may specify no more than one CIDR for each IP family");
    }
}

fn taints(faults: &mut Faults<'_, '_>, list: &At<'_, '_>) {
    let items = list.node.items();
    for (index, taint) in list.items().enumerate() {
        let (key, value, effect) = (taint.get("key"), taint.get("value"), taint.get("effect"));
        faults.check(&key, names::qualified_name(key.text()));
        faults.check(&value, names::label_value(value.text()));
        if effect.text().is_empty() {
            faults.required(&effect);
        } else {
            faults.one_of(&effect, &["NoExecute", "NoSchedule", "PreferNoSchedule"]);
        }
        let same = |other: &crate::node::Node| other["key"] == *key.node && other["effect"] == *effect.node;
        if items[..index].iter().any(same) {
            faults.add(&taint, format!("duplicate taint `{}:{}`", key.text(), effect.text()));
        }
    }
}

fn address(faults: &mut Faults<'_, '_>, root: &At<'_, '_>) {
    let metadata = root.get("metadata");
    let (name, parent) = (metadata.get("name"), root.get("spec"));
    let parent = parent.get("parentRef");
    let is_canonical = name.text().parse::<IpAddr>().is_ok_and(|address| address.to_string() == name.text());
    if !is_canonical && !name.text().is_empty() {
        faults.invalid(&name, "must be an IP address in canonical form");
    }
    if !parent.is_set() {
        faults.required(&parent);
        return;
    }
    for part in ["resource", "name"] {
        let at = parent.get(part);
        if at.text().is_empty() {
            faults.required(&at);
        } else {
            faults.check(&at, names::path_segment(at.text()));
        }
    }
}
