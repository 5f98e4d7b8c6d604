//! Rule `rbac-apigroup-unknown`.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashMapExt};

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::kind_of;
use crate::kube::Kind;
use crate::node::Node;
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::RbacApigroupUnknown,
    doc: Doc {
        checks: "\
Checks that the rules of a Role or ClusterRole name resources in an API group that has them. It
reports `deployments` in the core group, or a custom resource in a group other than that of its
definition. The finding is a warning.

Resources of Kubernetes are reported if all groups of the rule are groups of Kubernetes, or
misspellings of them, and none has a resource with that name; other resources if a
CustomResourceDefinition among the manifests or the description of a known service has them in
another group. Nothing is reported if another rule of the role allows the same in the right group.",
        why: "\
The API server accepts the rule, but it grants nothing: requests are rejected with 403
(`is forbidden: User \"…\" cannot list resource \"…\" in API group \"…\"`).",
        fix: "\
Write the API group of the resource: `apps` for Deployments, `spec.group` of the
CustomResourceDefinition for custom resources.",
        source: "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources.",
    },
    bad: r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deployer}
rules:
- apiGroups: [""]
  resources: [deployments]
  verbs: [get, list, watch]
"#,
    good: r#"-- apiGroups: [""]
+- apiGroups: [apps]
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let is_role = |object: &&crate::object::Object| matches!(kind_of(object), Some("Role" | "ClusterRole"));
    let mut roles = graph.objects.iter().filter(is_role).peekable();
    if roles.peek().is_none() {
        return;
    }
    let mut groups: HashMap<String, Vec<String>> = HashMap::new();
    let mut add = |resource: String, group: &str| {
        let known = groups.entry(resource).or_default();
        if !known.iter().any(|known| known == group) {
            known.push(group.to_owned());
        }
    };
    let mut of_kubernetes = BTreeSet::new();
    for kind in Kind::all(bundle.options.kubernetes_version).filter(|kind| !kind.list && !kind.plural.is_empty()) {
        let group = kind.api_version.split_once('/').map_or("", |(group, _)| group);
        add(kind.plural.to_owned(), group);
        of_kubernetes.insert(group);
    }
    // Resources of older and newer versions, and of aggregated API servers.
    for (resource, group) in OTHERS {
        add((*resource).to_owned(), group);
        of_kubernetes.insert(group);
    }
    let is_built_in = |group: &str| is_built_in(&of_kubernetes, group);
    let definitions = graph.objects.iter().map(|object| &object.node).chain(&bundle.options.crds);
    for definition in definitions.filter(|node| node["kind"].text() == "CustomResourceDefinition") {
        let spec = &definition["spec"];
        add(spec["names"]["plural"].text().to_owned(), spec["group"].text());
    }
    let mut described: HashMap<&str, &str> = HashMap::new();
    // Releases whose dialect has no version had other groups.
    for view in graph.known().filter(|view| view.dialect.is_some_and(|dialect| dialect.since.is_some())) {
        for permission in view.service.permissions.iter().filter(|permission| !permission.api_group.is_empty()) {
            for resource in &permission.resources {
                described.insert(resource.split('/').next().unwrap_or(resource), &permission.api_group);
            }
        }
    }
    for role in roles {
        for rule in role.node["rules"].items() {
            let written = rule["apiGroups"].items();
            let has = |group: &str| written.iter().any(|entry| matches!(entry.text(), "*") || entry.text() == group);
            if written.is_empty() {
                continue;
            }
            for entry in rule["resources"].items() {
                let resource = entry.text().split('/').next().unwrap_or_default();
                let known = groups.get(resource).map(Vec::as_slice).unwrap_or_default();
                let by_service = described.get(resource).copied();
                if known.is_empty() && by_service.is_none()
                    || known.iter().any(|group| has(group))
                    || by_service.is_some_and(has)
                {
                    continue;
                }
                // A group that is not built in may have a resource with this name.
                let all_built_in = written.iter().all(|group| is_built_in(group.text()));
                let own = known.iter().map(String::as_str).chain(by_service).find(|group| !is_built_in(group));
                let is_near = |own: &str| {
                    let groups = written.iter().map(Node::text);
                    let by_service = by_service == Some(own);
                    groups.into_iter().any(|group| is_near(group, own) || by_service && shares_word(group, own))
                };
                let right = match own {
                    Some(own) if !all_built_in && !is_near(own) => continue,
                    Some(own) => vec![own],
                    None if !all_built_in => continue,
                    None => known.iter().map(String::as_str).collect(),
                };
                // Nothing is missing if another rule of the role allows the same in the right group.
                if right
                    .iter()
                    .any(|group| role.node["rules"].items().iter().any(|other| allows(other, group, entry, rule)))
                {
                    continue;
                }
                // Kubernetes no longer serves the group `extensions`.
                let served = right.iter().copied().filter(|group| *group != "extensions" || right.len() == 1);
                let shown: Vec<String> = served.map(|group| format!("{group:?}")).collect();
                let given: Vec<String> = written.iter().map(|group| format!("{:?}", group.text())).collect();
                let message = format!("API group {} has no resource `{resource}`", suggest::list(&given, "or"));
                report
                    .at(role, entry, message)
                    .severity(Severity::Warning)
                    .label("grants nothing")
                    .help(format!("use its API group: {}", suggest::list(&shown, "or")));
            }
        }
    }
}

/// Whether a group is one of Kubernetes or a misspelling of one, or cannot be that of a custom resource. Many projects have groups
/// below `k8s.io`, such as `snapshot.storage.k8s.io`.
fn is_built_in(of_kubernetes: &BTreeSet<&str>, group: &str) -> bool {
    const DOMAIN: &str = ".k8s.io";
    if of_kubernetes.contains(group) || !group.contains('.') || group.contains('/') {
        return true;
    }
    group.strip_suffix(DOMAIN).is_some_and(|name| {
        let is_below = |one: &str, other: &str| one.strip_prefix(other).is_some_and(|rest| rest.starts_with('.'));
        let names = of_kubernetes.iter().filter_map(|group| group.strip_suffix(DOMAIN));
        suggest::nearest(name, names.filter(|known| !is_below(known, name) && !is_below(name, known))).is_some()
    })
}

/// Whether a rule grants in a group what another rule lists in the wrong group.
fn allows(rule: &Node, group: &str, resource: &Node, wrong: &Node) -> bool {
    let has =
        |field: &str, value: &str| rule[field].items().iter().any(|entry| entry.text() == "*" || entry.text() == value);
    has("apiGroups", group)
        && has("resources", resource.text())
        && wrong["verbs"].items().iter().all(|verb| has("verbs", verb.text()))
}

/// Whether a group is probably a misspelling of another one: a longer label is misspelled, or only the top-level domain differs,
/// as in `remediation.kubernaut.io` for `remediation.kubernaut.ai`.
fn is_near(group: &str, right: &str) -> bool {
    let labels = |group: &str| group.rsplit('.').map(str::to_owned).collect::<Vec<_>>();
    let (given, wanted) = (labels(group), labels(right));
    if given.len() > 1 && wanted.len() > 1 && given[1] == wanted[1] && given[0] != wanted[0] {
        return true;
    }
    let mut different = given.iter().zip(&wanted).filter(|(given, wanted)| given != wanted);
    let (first, second) = (different.next(), different.next());
    given.len() == wanted.len()
        && second.is_none()
        && first.is_some_and(|(given, wanted)| {
            given.len().min(wanted.len()) > 3 && suggest::nearest(given, [wanted.as_str()]).is_some()
        })
}

/// Whether two groups have a longer word in common.
fn shares_word(group: &str, right: &str) -> bool {
    group.split('.').any(|word| word.len() > 3 && right.split('.').any(|other| other == word))
}

/// Resources that are not among the kinds of the supported versions: of aggregated APIs, and of removed groups.
const OTHERS: &[(&str, &str)] = &[
    ("events", ""),
    ("events", "events.k8s.io"),
    ("nodes", "metrics.k8s.io"),
    ("pods", "metrics.k8s.io"),
    ("ingresses", "extensions"),
    ("networkpolicies", "extensions"),
    ("deployments", "extensions"),
    ("daemonsets", "extensions"),
    ("replicasets", "extensions"),
    ("podsecuritypolicies", "policy"),
    ("podsecuritypolicies", "extensions"),
    ("endpoints", ""),
    ("componentstatuses", ""),
    ("bindings", ""),
    ("users", ""),
    ("groups", ""),
    ("userextras", "authentication.k8s.io"),
    ("uids", "authentication.k8s.io"),
    ("scale", "autoscaling"),
    ("signers", "certificates.k8s.io"),
    ("services", "metrics.k8s.io"),
    ("services", "custom.metrics.k8s.io"),
    ("pods", "custom.metrics.k8s.io"),
    ("nodes", "config.openshift.io"),
    ("networks", "config.openshift.io"),
];
