//! Rule `service-address-invalid`.

use std::net::IpAddr;

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::{Checked, ip};
use crate::node::Node;
use crate::object::Object;
use crate::validation::{At, Faults, repeats};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ServiceAddressInvalid,
    doc: Doc {
        checks: "\
`clusterIP` must be an IP address, `None` or empty, and equal the first of `clusterIPs`; these may
be at most two, of different IP families. `ipFamilies` must be `IPv4` and `IPv6`, each at most once;
two require the `ipFamilyPolicy` `PreferDualStack` or `RequireDualStack`. `externalIPs` must be IP
addresses that are not unspecified, loopback or link-local; `loadBalancerSourceRanges` must be
CIDRs.",
        why: "\
The API server rejects the object, for instance with \"must be a valid IP address\" or \"may only hold
up to 2 values\".",
        fix: "Correct the address; leave `clusterIP` out to have one assigned.",
        source: "\
`ValidateServiceClusterIPsRelatedFields`, `ValidateNonSpecialIP` and `ValidateService` in
`pkg/apis/core/validation`.",
    },
    bad: "\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: none, ports: [{port: 80}]}
",
    good: "\
-spec: {clusterIP: none, ports: [{port: 80}]}
+spec: {clusterIP: None, ports: [{port: 80}]}
",
    check: Check::Object(check),
};

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "Service" || !object.group().is_empty() {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    if spec.get("type").text() != "ExternalName" {
        families(faults, &spec);
        cluster(faults, &spec);
    }
    let externals = spec.get("externalIPs");
    for external in externals.items() {
        address(faults, &external);
    }
    let ranges = spec.get("loadBalancerSourceRanges");
    for (index, range) in ranges.items().enumerate() {
        if ip::sloppy_cidr(range.text().trim()).is_none() {
            faults
                .invalid(&range, "must be a CIDR such as `10.0.0.0/8`")
                .field(format!("spec.LoadBalancerSourceRanges[{index}]"));
        }
    }
}

/// Reports an address that is not an IP address or that cannot be a destination.
pub(super) fn address(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    match ip::sloppy(at.text()) {
        None => _ = faults.invalid(at, "must be an IP address"),
        Some(address) => faults.check(at, reachable(address)),
    }
}

fn reachable(address: IpAddr) -> Checked {
    let link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    if address.is_unspecified() {
        Err("must not be the unspecified address")
    } else if address.is_loopback() {
        Err("must not be a loopback address")
    } else if link_local {
        Err("must not be a link-local address")
    } else if is_local_multicast(address) {
        Err("must not be a link-local multicast address")
    } else {
        Ok(())
    }
}

fn is_local_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.octets()[..3] == [224, 0, 0],
        IpAddr::V6(v6) => v6.segments()[0] & 0xff0f == 0xff02,
    }
}

fn families(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    let (families, policy) = (spec.get("ipFamilies"), spec.get("ipFamilyPolicy"));
    let items = families.node.items();
    let repeated = repeats(items.iter().map(Node::text));
    for (index, family) in families.items().enumerate() {
        faults.one_of(&family, &["IPv4", "IPv6"]);
        if repeated[index] {
            faults.duplicate(&family);
        }
    }
    if policy.is_set() {
        faults.one_of(&policy, &["PreferDualStack", "RequireDualStack", "SingleStack"]);
    }
    if policy.text() == "SingleStack" && (items.len() == 2 || spec.node["clusterIPs"].items().len() == 2) {
        faults.invalid(&policy, "is not allowed with two IP families");
    }
}

fn cluster(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    let (single, list) = (spec.get("clusterIP"), spec.get("clusterIPs"));
    let items = list.node.items();
    if items.is_empty() {
        if !single.text().is_empty() {
            cluster_ip(faults, &single, "spec.clusterIPs[0]", true, spec.node["ipFamilies"].items().first());
        }
        return;
    }
    if single.text().is_empty() {
        faults.add(&list, "`clusterIPs` requires `clusterIP` with the first address");
    } else if items[0].text() != single.text() {
        faults.add(&list, "the first of `clusterIPs` must be the `clusterIP`");
    }
    for (index, at) in list.items().enumerate() {
        let lone = index == 0 && items.len() == 1;
        if index == 0 && at.text() == "None" && !lone {
            faults.add(&list, "`None` must be the only entry");
            continue;
        }
        let field = format!("spec.clusterIPs[{index}]");
        cluster_ip(faults, &at, &field, lone, spec.node["ipFamilies"].items().get(index));
    }
    if items.len() > 2 {
        faults.add(&list, "at most two addresses are allowed");
    }
    if let [first, second] = items
        && let (Some(first), Some(second)) = (ip::sloppy(first.text()), ip::sloppy(second.text()))
        && first.is_ipv4() == second.is_ipv4()
    {
        faults.add(&list, "the two addresses must be of different IP families");
    }
}

fn cluster_ip(faults: &mut Faults<'_, '_>, at: &At<'_, '_>, field: &str, none: bool, family: Option<&Node>) {
    if none && at.text() == "None" {
        return;
    }
    let Some(address) = ip::sloppy(at.text()) else {
        faults.invalid(at, "must be an IP address, `None` or empty").field(field);
        return;
    };
    let expected = family.map_or("", Node::text);
    if matches!((expected, address.is_ipv4()), ("IPv4", false) | ("IPv6", true)) {
        faults.invalid(at, "does not match the IP family in `ipFamilies`").field(field);
    }
}
