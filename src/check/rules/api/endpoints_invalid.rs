//! Rule `endpoints-invalid`.

use std::net::IpAddr;

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::{ip, names};
use crate::object::Object;
use crate::validation::{At, Faults};

use super::service_address_invalid::address;
use super::service_port_invalid::PROTOCOLS;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::EndpointsInvalid,
    doc: Doc {
        checks: "\
A subset of Endpoints must have `addresses` or `notReadyAddresses`, each an IP address that is not
unspecified, loopback or link-local; several ports must have names. An EndpointSlice must have an
`addressType`, at most 1000 endpoints with 1 to 100 addresses of that type, at most 8 zones in the
hints of an endpoint, and ports with unique names. The numbers of the ports of an EndpointSlice are
not checked by the API server, and not reported.",
        why: "\
The API server rejects the object, for instance with \"must specify `addresses` or
`notReadyAddresses`\" or \"must contain at least 1 address\".",
        fix: "Correct the address, or name each port.",
        source: "\
`ValidateEndpoints` in `pkg/apis/core/validation` and `ValidateEndpointSlice` in
`pkg/apis/discovery/validation`.",
    },
    bad: "\
apiVersion: v1
kind: Endpoints
metadata: {name: db}
subsets: [{addresses: [{ip: db.example.com}], ports: [{port: 5432}]}]
",
    good: "\
-subsets: [{addresses: [{ip: db.example.com}], ports: [{port: 5432}]}]
+subsets: [{addresses: [{ip: 203.0.113.7}], ports: [{port: 5432}]}]
",
    check: Check::Object(check),
};

const MAX_ENDPOINTS: usize = 1000;
const MAX_ADDRESSES: usize = 100;
const MAX_ZONES: usize = 8;

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    let root = At::root("", &object.node);
    match (object.group(), object.kind()) {
        ("", "Endpoints") => root.get("subsets").items().for_each(|at| subset(faults, &at)),
        ("discovery.k8s.io", "EndpointSlice") => slice(faults, &root),
        _ => {}
    }
}

fn subset(faults: &mut Faults<'_, '_>, subset: &At<'_, '_>) {
    let lists = [subset.get("addresses"), subset.get("notReadyAddresses")];
    if lists.iter().all(|list| list.node.items().is_empty()) {
        faults.required(subset).help("set `addresses` or `notReadyAddresses`");
    }
    for list in &lists {
        for at in list.items() {
            address(faults, &at.get("ip"));
            let host = at.get("hostname");
            if !host.text().is_empty() {
                faults.check(&host, names::dns1123_label(host.text()));
            }
            node_name(faults, &at);
        }
    }
    let ports = subset.get("ports");
    for port in ports.items() {
        let (name, number) = (port.get("name"), port.get("port"));
        if name.text().is_empty() {
            if ports.node.items().len() > 1 {
                faults.required(&name);
            }
        } else {
            faults.check(&name, names::dns1123_label(name.text()));
        }
        faults.check(&number, names::port_number(number.number().unwrap_or(0)));
        port_protocols(faults, &port);
    }
}

fn node_name(faults: &mut Faults<'_, '_>, address: &At<'_, '_>) {
    let node = address.get("nodeName");
    if node.is_set() {
        faults.check(&node, names::dns1123_subdomain(node.text()));
    }
}

fn hints(faults: &mut Faults<'_, '_>, hints: &At<'_, '_>) {
    let zones = hints.get("forZones");
    if zones.node.items().len() > MAX_ZONES {
        faults.invalid(&zones, "must not have more than 8 zones");
        return;
    }
    let repeated = zones.repeats("name");
    for (index, zone) in zones.items().enumerate() {
        let name = zone.get("name");
        if repeated[index] {
            faults.duplicate(&name);
        }
        faults.check(&name, names::label_value(name.text()));
    }
}

fn port_protocols(faults: &mut Faults<'_, '_>, port: &At<'_, '_>) {
    let (protocol, application) = (port.get("protocol"), port.get("appProtocol"));
    if !protocol.text().is_empty() {
        faults.one_of(&protocol, PROTOCOLS);
    }
    if application.is_set() {
        faults.check(&application, names::qualified_name(application.text()));
    }
}

fn slice(faults: &mut Faults<'_, '_>, root: &At<'_, '_>) {
    let kind = root.get("addressType");
    if kind.text().is_empty() {
        faults.required(&kind);
    } else {
        faults.one_of(&kind, &["FQDN", "IPv4", "IPv6"]);
    }
    let endpoints = root.get("endpoints");
    if endpoints.node.items().len() > MAX_ENDPOINTS {
        faults.invalid(&endpoints, "must not have more than 1000 endpoints");
    }
    for endpoint in endpoints.items() {
        let addresses = endpoint.get("addresses");
        match addresses.node.items().len() {
            0 => _ = faults.required(&addresses),
            count if count > MAX_ADDRESSES => _ = faults.invalid(&addresses, "must not have more than 100 addresses"),
            _ => {}
        }
        for at in addresses.items() {
            address_of_type(faults, &at, kind.text());
        }
        let host = endpoint.get("hostname");
        if host.is_set() {
            faults.check(&host, names::dns1123_label(host.text()));
        }
        node_name(faults, &endpoint);
        hints(faults, &endpoint.get("hints"));
    }
    let ports = root.get("ports");
    let repeated = ports.repeats("name");
    for (index, port) in ports.items().enumerate() {
        // The API server does not validate the numbers.
        let name = port.get("name");
        if !name.text().is_empty() {
            faults.check(&name, names::dns1123_label(name.text()));
        }
        if repeated[index] {
            faults.duplicate(&name);
        }
        port_protocols(faults, &port);
    }
}

fn address_of_type(faults: &mut Faults<'_, '_>, at: &At<'_, '_>, kind: &str) {
    match (kind, ip::strict(at.text())) {
        ("IPv4", Some(IpAddr::V4(_))) | ("IPv6", Some(IpAddr::V6(_))) => address(faults, at),
        ("IPv4", _) => _ = faults.invalid(at, "must be an IPv4 address"),
        ("IPv6", _) => _ = faults.invalid(at, "must be an IPv6 address"),
        ("FQDN", _) => faults.check(at, names::fully_qualified_domain(at.text())),
        _ => {}
    }
}
