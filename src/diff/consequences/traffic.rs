//! Addresses that clients must follow, and traffic that no longer passes.

use foldhash::{HashMap, HashMapExt, HashSet};

use crate::diff::consequences::{Consequence, renames, shrinks};
use crate::diff::{Change, What};
use crate::finding::Severity;
use crate::node::Node;
use crate::object::Object;
use crate::yaml::json;

pub(super) fn tell(change: &Change<'_>, found: &mut Vec<Consequence>) {
    match (change.stored(), change.new) {
        (Some((before, after)), Some(new)) => match (new.group(), new.kind()) {
            ("", "Service") => service(&before["spec"], &after["spec"], found),
            ("networking.k8s.io", "NetworkPolicy") => policy(change, found),
            ("networking.k8s.io", "Ingress") => ingress(&before["spec"], &after["spec"], found),
            ("kind.x-k8s.io", "Cluster") => found.push(
                renames(Severity::Warning, "kind reads it only when it creates a cluster: re-create the cluster")
                    .with_help("kind delete cluster, then kind create cluster with the new config"),
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
    let mut follow = |message: String| found.push(renames(Severity::Warning, message));
    if before != after {
        let lost = match before.as_str() {
            "NodePort" if after != "LoadBalancer" => ": its node ports are removed",
            "LoadBalancer" => ": its external address is removed",
            _ => "",
        };
        follow(format!("clients must be updated: type `{after}`, was `{before}`{lost}"));
    }
    let ports = Ports::of(new["ports"].items());
    for port in old["ports"].items() {
        let Some(now) = ports.same(port) else {
            follow(format!("clients must be updated: port {} is removed", number(&port["port"])));
            continue;
        };
        if port["port"] != now["port"] {
            follow(format!("clients must be updated: port {}, was {}", number(&now["port"]), number(&port["port"])));
        }
        let outside = |kind: &str| matches!(kind, "NodePort" | "LoadBalancer");
        if port["nodePort"].is_set() && port["nodePort"] != now["nodePort"] && outside(&before) && outside(&after) {
            let is = if now["nodePort"].is_set() {
                number(&now["nodePort"])
            } else {
                "one that the cluster assigns".to_owned()
            };
            follow(format!("clients must be updated: node port {is}, was {}", number(&port["nodePort"])));
        }
    }
    if old["selector"] != new["selector"] {
        follow("traffic goes to other pods: the selector changes".to_owned());
    }
}

fn number(node: &Node) -> String {
    node.as_i64().map_or_else(|| node.text().to_owned(), |number| number.to_string())
}

/// The ports of a Service, to find the one that takes the place of another.
struct Ports<'a> {
    all: &'a [Node],
    /// The first of each protocol, by field and value: numbers and texts, which are equal where their JSON is.
    by: HashMap<(&'a str, &'static str, String), &'a Node>,
}

impl<'a> Ports<'a> {
    fn of(all: &'a [Node]) -> Self {
        let mut by = HashMap::new();
        for port in all {
            for field in ["port", "name"] {
                by.entry((protocol(port), field, json(&port[field]))).or_insert(port);
            }
        }
        Self { all, by }
    }

    /// The port of the same number, else of the same name, else the only one.
    fn same(&self, port: &Node) -> Option<&'a Node> {
        let of = |field| self.by.get(&(protocol(port), field, json(&port[field]))).copied();
        let only = || if let [only] = self.all { Some(only) } else { None };
        let by_name = || of("name").filter(|other| other["name"].is_set());
        of("port").or_else(by_name).or_else(|| only().filter(|only| protocol(only) == protocol(port)))
    }
}

fn protocol(port: &Node) -> &str {
    port["protocol"].as_str().unwrap_or("TCP")
}

/// Less may pass where an allowance goes, or a direction is held back that was free.
fn policy(change: &Change<'_>, found: &mut Vec<Consequence>) {
    let narrower = change.fields.iter().filter(|field| !field.equivalent).any(|field| {
        let allowance = field.is_below(&["spec", "ingress"]) || field.is_below(&["spec", "egress"]);
        let held_back = field.is_below(&["spec", "policyTypes"]);
        match field.what {
            // Narrower selectors and smaller ports stand in fields that are new.
            What::Added(_) => held_back || allowance && field.path.len() > 3 && !is_entry(field),
            What::Removed(_) => allowance && is_entry(field),
            What::Changed(..) => allowance,
            What::Reordered(..) | What::Rearranged(..) => false,
        }
    });
    if narrower {
        found.push(shrinks(Severity::Warning, "may allow less traffic, immediately"));
    }
}

/// Whether a change is of a whole entry of a list, or of a whole list of them.
fn is_entry(field: &crate::diff::FieldChange<'_>) -> bool {
    matches!(field.path.last(), Some(crate::diff::Step::Item { .. })) || matches!(field.key(), "ingress" | "egress")
}

fn new_policy(new: &Object, found: &mut Vec<Consequence>) {
    if new.group() == "networking.k8s.io" && new.kind() == "NetworkPolicy" && !new.is_kind_config() {
        let message = "the pods it selects keep only the traffic it allows, immediately";
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
