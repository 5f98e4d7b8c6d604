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
A Node has at most one range of pod addresses of each IP family. Its taints have a key and an
effect, and no two have the same. A ServiceCIDR has one range, or two of different families. An
IPAddress is named by an address in canonical form, and says whose it is.",
        why: "",
        fix: "",
        source: "`ValidateNode`, `ValidateServiceCIDR` and `ValidateIPAddress`.",
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

/// At most one range of each family.
fn ranges(faults: &mut Faults<'_, '_>, list: &At<'_, '_>) {
    let mut families = Vec::new();
    for range in list.items() {
        match ip::sloppy_cidr(range.text()) {
            Some(cidr) => families.push(cidr.network().is_ipv4()),
            None => _ = faults.invalid(&range, "must be a CIDR block such as `10.0.0.0/24`"),
        }
    }
    if list.node.items().len() > 2 || matches!(families.as_slice(), [one, other] if one == other) {
        faults.invalid(list, "must have at most one CIDR block of each IP family");
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
