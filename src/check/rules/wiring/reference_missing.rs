//! Rule `reference-missing`.

use crate::check::rules::wiring::_shared::title;
use crate::check::{Bundle, Check, Family, Report, Rule};
use crate::finding::Severity;
use crate::graph::{Graph, Reference, Relation, data_keys, is_declared_object};
use crate::node::Node;
use crate::object::Object;
use crate::suggest;
use std::collections::HashSet;

/// The rule.
pub static RULE: Rule = Rule {
    id: "reference-missing",
    family: Family::Wiring,
    severity: Severity::Warning,
    summary: "something that is named is not there: an object, or a key of one",
    doc: "A pod, an Ingress, an autoscaler or a StatefulSet names an object that is not among the manifests in its namespace, or a key that the object lacks. The pod then waits for ever (`ContainerCreating`, `CreateContainerConfigError`). A missing key, and a name with a near one beside it, are errors; else it is a warning, since the object may be applied elsewhere, and an error only where the manifests are known to be whole. References marked `optional` are passed over, and so is what is declared as an external (`Secret/name`).",
    bad: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: web-config}
data: {LEVEL: info}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: ghcr.io/acme/web:v1
    env: [{name: LEVEL, valueFrom: {configMapKeyRef: {name: web-config, key: LOG_LEVEL}}}]
"#,
    good: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: web-config}
data: {LEVEL: info}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: ghcr.io/acme/web:v1
    env: [{name: LEVEL, valueFrom: {configMapKeyRef: {name: web-config, key: LEVEL}}}]
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let mut told: HashSet<(usize, &str, &str)> = HashSet::new();
    for reference in &graph.references {
        // Accounts and roles have rules of their own.
        if matches!(reference.relation, Relation::Account | Relation::Role | Relation::Subject) || reference.optional {
            continue;
        }
        match reference.found {
            Some(object) => key(graph, reference, object, report),
            None => {
                let from = std::ptr::from_ref(reference.from) as usize;
                if told.insert((from, reference.kind, reference.name)) {
                    absent(bundle, graph, reference, report);
                }
            }
        }
    }
    claims(bundle, report);
}

fn absent(bundle: &Bundle<'_>, graph: &Graph<'_>, reference: &Reference<'_>, report: &mut Report<'_>) {
    let (kind, name) = (reference.kind, reference.name);
    let builtin = match kind {
        "PriorityClass" => name.starts_with("system-"),
        "ConfigMap" => matches!(name, "kube-root-ca.crt" | "openshift-service-ca.crt"),
        _ => false,
    };
    if builtin || is_declared_object(&bundle.options.externals, kind, name) {
        return;
    }
    // cert-manager makes the Secret of an Ingress that asks it to.
    let annotations = &reference.from.node["metadata"]["annotations"];
    if reference.relation == Relation::Tls
        && annotations.entries().iter().any(|entry| entry.key.contains("issuer") || entry.key.contains("acme"))
    {
        return;
    }
    let made = kind == "Secret" && made_elsewhere(graph, reference.namespace, name);
    if made {
        return;
    }
    let elsewhere = graph.elsewhere(kind, name).into_iter().find(|object| object.namespace() != reference.namespace);
    // A near name that somebody else uses is another thing.
    let near = graph
        .near(kind, reference.namespace, name)
        .filter(|near| graph.find(kind, reference.namespace, near).is_some_and(|object| !graph.is_used(object)));
    // A pull secret that is missing is passed over by the kubelet; a governing Service only gives names.
    let severity = match reference.relation {
        Relation::ImagePull | Relation::Runtime | Relation::Priority | Relation::Tls if !bundle.options.whole => {
            Severity::Warning
        }
        Relation::Governing => Severity::Warning,
        _ if near.is_some() => Severity::Error,
        _ => bundle.absent(),
    };
    let place = if reference.namespace.is_empty() { String::new() } else { format!(" in `{}`", reference.namespace) };
    let draft = report.at(reference.from, reference.node, format!("no {kind} `{name}` here{place}")).severity(severity);
    match (near, elsewhere) {
        (Some(near), _) => draft.help(format!("did you mean `{near}`?")),
        (None, Some(object)) if object.namespace().is_empty() => draft
            .related(
                object.span(),
                "one of this name has no namespace, and goes to `default` or where `kubectl -n` says",
            )
            .help("name the same namespace in both"),
        (None, Some(object)) => draft
            .related(object.span(), format!("one of this name is in `{}`", object.namespace()))
            .help(format!("a {kind} is reached from its own namespace only")),
        (None, None) => draft.help(match reference.relation {
            Relation::Governing => {
                "without it the pods have no names of their own: add a headless Service, or leave `serviceName` out"
                    .to_owned()
            }
            _ => format!(
                "add it, or make sure that it is there before these {} are applied",
                if bundle.objects.len() == 1 { "lines" } else { "manifests" }
            ),
        }),
    };
}

/// Whether an object among the manifests has the Secret made by a controller: a certificate, an external or sealed
/// secret of that name.
fn made_elsewhere(graph: &Graph<'_>, namespace: &str, name: &str) -> bool {
    graph.objects.iter().any(|object| {
        let spec = &object.node["spec"];
        let own = matches!(
            object.kind(),
            "SealedSecret"
                | "ExternalSecret"
                | "SecretProviderClass"
                | "VaultStaticSecret"
                | "OnePasswordItem"
                | "InfisicalSecret"
                | "Kafka"
                | "Cluster"
                | "KafkaUser"
        );
        (object.namespace() == namespace || object.namespace().is_empty())
            && ((own
                && (object.name() == name
                    || spec["target"]["name"].text() == name
                    || name.starts_with(&format!("{}-", object.name()))))
                || (object.kind() == "Certificate" && spec["secretName"].text() == name)
                || spec["destination"]["name"].text() == name
                || spec["writeConnectionSecretToRef"]["name"].text() == name)
    })
}

fn key(graph: &Graph<'_>, reference: &Reference<'_>, object: &Object, report: &mut Report<'_>) {
    let Some(node) = reference.key else { return };
    if reference.relation == Relation::Backend {
        backend(reference, object, node, report);
        return;
    }
    let Some(key) = node.as_str().filter(|key| !key.is_empty()) else { return };
    let keys: Vec<&str> = data_keys(object).collect();
    // A Secret without data is filled by somebody else.
    if keys.contains(&key)
        || (keys.is_empty() && (reference.kind == "Secret" || object.node["metadata"]["annotations"].is_set()))
    {
        return;
    }
    let _ = graph;
    let draft = report
        .at(reference.from, node, format!("{} has no key `{key}`", title(object)))
        .severity(Severity::Error)
        .related(object.span(), "this one");
    match (suggest::nearest(key, keys.iter().copied()), keys.is_empty()) {
        (Some(near), _) => draft.help(format!("did you mean `{near}`?")),
        (None, true) => draft.help("it has no keys"),
        (None, false) => draft.help(format!("it has {}", suggest::list(keys.iter().take(6), "and"))),
    };
}

/// The port of an Ingress backend.
fn backend(reference: &Reference<'_>, object: &Object, node: &Node, report: &mut Report<'_>) {
    let ports = object.node["spec"]["ports"].items();
    let served = match node.as_str() {
        Some(name) => ports.iter().any(|port| port["name"].text() == name),
        None => ports.iter().any(|port| port["port"].as_i64() == node.as_i64()),
    };
    if served || ports.is_empty() || object.node["spec"]["type"].text() == "ExternalName" {
        return;
    }
    let wanted =
        node.as_str().map_or_else(|| node.as_i64().unwrap_or_default().to_string(), |name| format!("named `{name}`"));
    let have: Vec<String> = ports
        .iter()
        .filter_map(|port| {
            if node.as_str().is_some() {
                port["name"].as_str().map(str::to_owned)
            } else {
                port["port"].as_i64().map(|port| port.to_string())
            }
        })
        .collect();
    report
        .at(reference.from, node, format!("Service `{}` has no port {wanted}", object.name()))
        .severity(Severity::Error)
        .related(object.span(), "the backend")
        .help(if have.is_empty() {
            "its ports have no names: give the number".to_owned()
        } else {
            format!("it has {}", suggest::list(&have, "and"))
        });
}

/// Budgets and policies that select nothing, autoscalers of custom kinds: what selects by labels has no name to miss.
fn claims(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for object in bundle.objects.iter().filter(|object| crate::graph::kind_of(object) == Some("PodDisruptionBudget")) {
        let selector = &object.node["spec"]["selector"];
        if selector["matchLabels"].entries().is_empty() {
            continue;
        }
        let here = || graph.pods.iter().filter(|pod| pod.namespace() == object.namespace());
        if here().next().is_some() && !here().any(|pod| crate::graph::label_selector_matches(selector, pod.labels)) {
            report
                .at(object, selector, "this budget selects no pods here".to_owned())
                .severity(Severity::Warning)
                .help("its selector must match the labels of a pod template");
        }
    }
}
