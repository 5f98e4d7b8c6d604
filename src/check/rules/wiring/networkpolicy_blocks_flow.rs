//! Rule `networkpolicy-blocks-flow`.

use std::cell::Cell;
use std::rc::Rc;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::check::rules::wiring::_shared::title;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::{Graph, Mention, Pod, Target, kind_of, label_selector_matches};
use crate::node::Node;
use crate::object::Object;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::NetworkpolicyBlocksFlow,
    doc: Doc {
        checks: "\
Checks that the NetworkPolicies among the manifests allow the connections that the configuration
implies: where a pod is configured to connect to a Service, an ingress rule of the target must allow
the client on the port of the pod (policies use pod ports, not Service ports), an egress rule of the
client must allow the target, and the client must be allowed to query DNS (UDP 53).

The finding is an error if the policy and the pods are in one file, or if the manifests are complete
(`--complete`, `--profile`, `render`), otherwise a warning, since another policy may allow the
connection. Namespaces whose labels are unknown, and `ipBlock` peers, count as a match.",
        why: "\
The network plugin drops the packets, and the connection times out. Without DNS the client resolves
no names at all.",
        fix: "\
Add the peer to `from` or `to` of a rule, with the port of the pod. For DNS allow UDP and TCP 53 to
the namespace `kube-system`.",
        source: "https://kubernetes.io/docs/concepts/services-networking/network-policies/.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: app, labels: {app: app}}
spec: {containers: [{name: app, image: "ghcr.io/acme/app:v1", env: [{name: REDIS_ADDR, value: "redis:6379"}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: redis}
spec: {selector: {app: redis}, ports: [{port: 6379}]}
---
apiVersion: v1
kind: Pod
metadata: {name: redis, labels: {app: redis}}
spec: {containers: [{name: redis, image: "redis:7", ports: [{containerPort: 6379}]}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: redis}
spec:
  podSelector: {matchLabels: {app: redis}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
"#,
    good: "\
-  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
+  ingress: [{from: [{podSelector: {matchLabels: {app: app}}}], ports: [{port: 6379}]}]
",
    check: Check::Bundle(check),
};

/// The maximum number of comparisons of policies with pods, and of their rules, ports and peers with connections. Without it,
/// the work would grow with the product of pods, connections and policies.
const MAX_COMPARISONS: usize = 4_000_000;

/// The number of findings that use up the budget: many pods may have nearly all their connections blocked.
const MAX_FINDINGS: usize = 20_000;

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let policies: Vec<&Object> =
        bundle.objects.iter().filter(|object| kind_of(object) == Some("NetworkPolicy")).collect();
    if policies.is_empty() {
        return;
    }
    let graph = bundle.graph();
    let users = users(graph);
    let left = Cell::new(MAX_COMPARISONS);
    let spend = |comparisons: usize| left.set(left.get().saturating_sub(comparisons));
    let mut policies_of_pod: HashMap<(usize, &str), Rc<[&Object]>> = HashMap::new();
    let mut selecting = |pod: usize, direction: &'static str| {
        let find = || {
            spend(policies.len());
            let pod = &graph.pods[pod];
            let selects = |policy: &&Object| {
                policy.namespace() == pod.namespace()
                    && applies_to(policy, direction)
                    && label_selector_matches(&policy.node["spec"]["podSelector"], pod.labels)
            };
            policies.iter().copied().filter(selects).collect()
        };
        policies_of_pod.entry((pod, direction)).or_insert_with(find).clone()
    };
    let allows_connection =
        |policy: &Object, (direction, field): (&str, &str), peer: &Pod<'_>, server: &Pod<'_>, port: i64| {
            policy.node["spec"][direction].items().iter().any(|rule| {
                spend(1 + rule["ports"].items().len() + rule[field].items().len());
                allows(graph, policy, rule, field, peer, server, port)
            })
        };
    let policy_allows_dns = |policy: &Object| {
        let rules = policy.node["spec"]["egress"].items();
        spend(rules.len());
        rules.iter().any(allows_dns)
    };
    let mut reported: HashSet<(usize, usize, i64)> = HashSet::new();
    let mut dns_checked: HashSet<usize> = HashSet::new();
    for mention in graph.mentions.iter().filter(|mention| mention.sure || mention.port.is_some()) {
        let Some(from) =
            mention.pod.or_else(|| users.get(&(std::ptr::from_ref(mention.object) as usize)).copied().flatten())
        else {
            continue;
        };
        let Target::Service(service) = mention.target else { continue };
        if left.get() == 0 {
            return;
        }
        let client = &graph.pods[from];
        let egress = selecting(from, "Egress");
        if !egress.is_empty() && dns_checked.insert(from) && !egress.iter().any(|policy| policy_allows_dns(policy)) {
            let policy = egress[0];
            let node = if policy.node["spec"]["egress"].is_set() {
                &policy.node["spec"]["egress"]
            } else {
                &policy.node["spec"]["podSelector"]
            };
            report
                .at(policy, node, format!("no egress rule allows {} to query DNS", title(client.object)))
                .severity(bundle.between(policy, client.object))
                .related(mention.node.origin.span, "resolves this name")
                .help("allow UDP and TCP port 53 to the namespace `kube-system`");
        }
        for to in &graph.services[service].pods {
            let server = &graph.pods[*to];
            if left.get() == 0 {
                return;
            }
            let Some(port) = target_port(graph, service, mention, server) else { continue };
            if *to == from || !reported.insert((from, *to, port)) {
                continue;
            }
            let ingress = selecting(*to, "Ingress");
            if !ingress.is_empty()
                && !ingress.iter().any(|policy| allows_connection(policy, ("ingress", "from"), client, server, port))
            {
                spend(MAX_COMPARISONS / MAX_FINDINGS);
                report_blocked(bundle, report, ingress[0], "ingress", mention, (client, server), port);
            }
            if !egress.is_empty()
                && !egress.iter().any(|policy| allows_connection(policy, ("egress", "to"), server, server, port))
            {
                spend(MAX_COMPARISONS / MAX_FINDINGS);
                report_blocked(bundle, report, egress[0], "egress", mention, (client, server), port);
            }
        }
    }
}

fn report_blocked(
    bundle: &Bundle<'_>,
    report: &mut Report<'_>,
    policy: &Object,
    direction: &str,
    mention: &Mention<'_>,
    (client, server): (&Pod<'_>, &Pod<'_>),
    port: i64,
) {
    let severity = bundle.between(policy, client.object).min(bundle.between(policy, server.object));
    let rules = &policy.node["spec"][direction];
    let node = if rules.is_set() { rules } else { &policy.node["spec"]["podSelector"] };
    report
        .at(
            policy,
            node,
            format!(
                "no {direction} rule allows {} to connect to {} on port {port}",
                title(client.object),
                title(server.object)
            ),
        )
        .severity(severity)
        .related(mention.node.origin.span, "the connection")
        .help(if direction == "ingress" {
            "add the client to `from` of a rule, with the port of the pod"
        } else {
            "add the server to `to` of a rule, with the port of the pod"
        });
}

/// The pod that uses each ConfigMap or Secret; `None` if several do.
fn users(graph: &Graph<'_>) -> HashMap<usize, Option<usize>> {
    let mut users: HashMap<usize, Option<usize>> = HashMap::new();
    let numbers: HashMap<usize, usize> =
        graph.pods.iter().enumerate().map(|(at, pod)| (std::ptr::from_ref(pod.object) as usize, at)).collect();
    for reference in &graph.references {
        let (Some(found), Some(pod)) = (reference.found, numbers.get(&(std::ptr::from_ref(reference.from) as usize)))
        else {
            continue;
        };
        users
            .entry(std::ptr::from_ref(found) as usize)
            .and_modify(|user| {
                if *user != Some(*pod) {
                    *user = None
                }
            })
            .or_insert(Some(*pod));
    }
    users
}

/// Whether a policy applies to a direction: by `policyTypes`, or by default to ingress, and to egress if it has such rules.
fn applies_to(policy: &Object, direction: &str) -> bool {
    let types = policy.node["spec"]["policyTypes"].items();
    if types.is_empty() {
        return direction == "Ingress" || policy.node["spec"]["egress"].is_set();
    }
    types.iter().any(|kind| kind.text() == direction)
}

/// The port of the pod to which a connection leads.
fn target_port(graph: &Graph<'_>, service: usize, mention: &Mention<'_>, server: &Pod<'_>) -> Option<i64> {
    let service = &graph.services[service];
    let entry = match mention.port {
        Some(port) => service.port_with("port", i64::from(port))?,
        None => match service.ports() {
            [only] => only,
            _ => return None,
        },
    };
    let target = &entry["targetPort"];
    match target.as_str() {
        Some(name) => server.port_named(name),
        None => target.as_i64().or_else(|| entry["port"].as_i64()),
    }
}

/// Whether a rule allows a peer to connect to a port of the server.
fn allows(
    graph: &Graph<'_>,
    policy: &Object,
    rule: &Node,
    field: &str,
    peer: &Pod<'_>,
    server: &Pod<'_>,
    port: i64,
) -> bool {
    let ports = rule["ports"].items();
    let through = ports.is_empty()
        || ports.iter().any(|entry| {
            let named = entry["port"].as_str().map(|name| server.port_named(name));
            let first = named.flatten().or(entry["port"].as_i64());
            let last = entry["endPort"].as_i64().or(first);
            let tcp = matches!(entry["protocol"].text(), "" | "TCP");
            tcp && (entry["port"].is_null() || (first <= Some(port) && Some(port) <= last && first.is_some()))
        });
    let peers = rule[field].items();
    through && (peers.is_empty() || peers.iter().any(|entry| matches_peer(graph, policy, entry, peer)))
}

fn matches_peer(graph: &Graph<'_>, policy: &Object, entry: &Node, pod: &Pod<'_>) -> bool {
    // The addresses of pods are not known.
    if entry["ipBlock"].is_set() {
        return true;
    }
    let namespace = match entry.get("namespaceSelector").filter(|selector| selector.is_set()) {
        None => policy.namespace() == pod.namespace(),
        Some(selector) => {
            let name = pod.namespace();
            let own = selector["matchLabels"]["kubernetes.io/metadata.name"].as_str();
            match graph.find("Namespace", "", name) {
                Some(object) if own.is_none() => label_selector_matches(selector, &object.node["metadata"]["labels"]),
                _ => own.is_none_or(|own| own == name || name.is_empty()),
            }
        }
    };
    namespace && (entry["podSelector"].is_null() || label_selector_matches(&entry["podSelector"], pod.labels))
}

/// Whether an egress rule allows DNS: UDP port 53 to other namespaces.
fn allows_dns(rule: &Node) -> bool {
    let ports = rule["ports"].items();
    let allows_port = ports.is_empty()
        || ports.iter().any(|entry| {
            let number = entry["port"].as_i64();
            let covers = entry["port"].is_null()
                || matches!(entry["port"].text(), "dns" | "domain" | "dns-udp")
                || matches!(number, Some(53 | 5353))
                || (number <= Some(53) && number.is_some() && entry["endPort"].as_i64() >= Some(53));
            entry["protocol"].text() == "UDP" && covers
        });
    let peers = rule["to"].items();
    allows_port
        && (peers.is_empty() || peers.iter().any(|peer| peer["namespaceSelector"].is_set() || peer["ipBlock"].is_set()))
}
