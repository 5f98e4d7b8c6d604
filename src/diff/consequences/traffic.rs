//! Addresses that clients must be updated for, and traffic that is no longer allowed.

use foldhash::{HashMap, HashMapExt, HashSet};

use crate::diff::consequences::{Consequence, renames, shrinks};
use crate::diff::{Difference, ObjectChange};
use crate::finding::Severity;
use crate::node::Node;
use crate::object::Object;
use crate::yaml::json;

pub(super) fn add(change: &ObjectChange<'_>, found: &mut Vec<Consequence>) {
    match (change.stored(), change.new) {
        (Some((before, after)), Some(new)) => match (new.group(), new.kind()) {
            ("", "Service") => service(&before["spec"], &after["spec"], found),
            ("networking.k8s.io", "NetworkPolicy") => policy(change, found),
            ("networking.k8s.io", "Ingress") => ingress(&before["spec"], &after["spec"], found),
            ("kind.x-k8s.io", "Cluster") => found.push(
                renames(Severity::Warning, "kind reads its config only when it creates a cluster").with_help(
                    "re-create the cluster: kind delete cluster, then kind create cluster with the new config",
                ),
            ),
            _ => {}
        },
        (None, Some(new)) => new_policy(new, found),
        _ => {}
    }
}

fn service(old: &Node, new: &Node, found: &mut Vec<Consequence>) {
    let kind = |spec: &'_ Node| spec["type"].as_str().unwrap_or("ClusterIP").to_owned();
    let (before, after) = (kind(old), kind(new));
    let mut add = |message: String| found.push(renames(Severity::Warning, message));
    if before != after {
        let lost = match before.as_str() {
            "NodePort" if after != "LoadBalancer" => ": its node ports are removed",
            "LoadBalancer" => ": its external address is removed",
            _ => "",
        };
        add(format!("clients must be updated: type `{after}`, was `{before}`{lost}"));
    }
    let ports = PortIndex::of(new["ports"].items());
    for port in old["ports"].items() {
        let Some(new_port) = ports.matching(port) else {
            add(format!("clients must be updated: port {} is removed", number(&port["port"])));
            continue;
        };
        if port["port"] != new_port["port"] {
            add(format!("clients must be updated: port {}, was {}", number(&new_port["port"]), number(&port["port"])));
        }
        let has_node_ports = |kind: &str| matches!(kind, "NodePort" | "LoadBalancer");
        if port["nodePort"].is_set()
            && port["nodePort"] != new_port["nodePort"]
            && has_node_ports(&before)
            && has_node_ports(&after)
        {
            let current = if new_port["nodePort"].is_set() {
                number(&new_port["nodePort"])
            } else {
                "assigned by the cluster".to_owned()
            };
            add(format!("clients must be updated: node port {current}, was {}", number(&port["nodePort"])));
        }
    }
    if old["selector"] != new["selector"] {
        add("traffic is routed to different pods: the selector changed".to_owned());
    }
}

fn number(node: &Node) -> String {
    node.as_i64().map_or_else(|| node.text().to_owned(), |number| number.to_string())
}

/// Finds the port of a Service that corresponds to an old one.
struct PortIndex<'a> {
    all: &'a [Node],
    /// The first port by protocol, field and value (as JSON).
    by_field: HashMap<(&'a str, &'static str, String), &'a Node>,
}

impl<'a> PortIndex<'a> {
    fn of(all: &'a [Node]) -> Self {
        let mut by_field = HashMap::new();
        for port in all {
            for field in ["port", "name"] {
                by_field.entry((protocol(port), field, json(&port[field]))).or_insert(port);
            }
        }
        Self { all, by_field }
    }

    /// The port with the same number, else with the same name, else the only port.
    fn matching(&self, port: &Node) -> Option<&'a Node> {
        let of = |field| self.by_field.get(&(protocol(port), field, json(&port[field]))).copied();
        let only = || if let [only] = self.all { Some(only) } else { None };
        let by_name = || of("name").filter(|other| other["name"].is_set());
        of("port").or_else(by_name).or_else(|| only().filter(|only| protocol(only) == protocol(port)))
    }
}

fn protocol(port: &Node) -> &str {
    port["protocol"].as_str().unwrap_or("TCP")
}

/// Warns if a NetworkPolicy may allow less traffic: if a rule is removed or narrowed, or a policy type is added.
fn policy(change: &ObjectChange<'_>, found: &mut Vec<Consequence>) {
    let is_narrower = change.fields.iter().filter(|field| !field.equivalent).any(|field| {
        let is_rule = field.is_below(&["spec", "ingress"]) || field.is_below(&["spec", "egress"]);
        let is_policy_type = field.is_below(&["spec", "policyTypes"]);
        match field.difference {
            // Added fields within a rule narrow it.
            Difference::Added(_) => is_policy_type || is_rule && field.path.len() > 3 && !is_entry(field),
            Difference::Removed(_) => is_rule && is_entry(field),
            Difference::Changed(..) => is_rule,
            Difference::Reordered(..) | Difference::Rearranged(..) => false,
        }
    });
    if is_narrower {
        found.push(shrinks(Severity::Warning, "may allow less traffic; takes effect immediately"));
    }
}

/// Whether a whole entry of a list, or a whole list of rules, changed.
fn is_entry(field: &crate::diff::FieldChange<'_>) -> bool {
    matches!(field.path.last(), Some(crate::diff::PathStep::Item { .. })) || matches!(field.key(), "ingress" | "egress")
}

fn new_policy(new: &Object, found: &mut Vec<Consequence>) {
    if new.group() == "networking.k8s.io" && new.kind() == "NetworkPolicy" && !new.is_kind_config() {
        let message = "only traffic that it allows reaches the selected pods; takes effect immediately";
        found.push(shrinks(Severity::Warning, message));
    }
}

fn ingress(old: &Node, new: &Node, found: &mut Vec<Consequence>) {
    let after: HashSet<&str> = new["rules"].items().iter().map(|rule| rule["host"].text()).collect();
    let before = old["rules"].items().iter().map(|rule| rule["host"].text());
    for host in before.filter(|host| !host.is_empty() && !after.contains(host)) {
        found.push(renames(Severity::Warning, format!("clients must be updated: host `{host}` is removed")));
    }
}
