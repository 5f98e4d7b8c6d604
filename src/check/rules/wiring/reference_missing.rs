//! Rule `reference-missing`.

use foldhash::{HashMap, HashMapExt, HashSet};

use crate::check::rules::wiring::_shared::{has_keys, title};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Reference, data_keys, data_of, is_declared_object};
use crate::node::{Entry, Node};
use crate::object::Object;
use crate::path::address;
use crate::references::Relation;
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ReferenceMissing,
    doc: Doc {
        checks: "\
A pod, an Ingress, an autoscaler, a StatefulSet, a webhook, an APIService, or a custom resource of a
known kind (a route of the Gateway API, an Argo Rollout, a Traefik IngressRoute, an Istio
VirtualService, a KEDA ScaledObject and others) names an object that is not among the manifests in
its namespace, or a key or port that the object lacks.",
        why: "\
The pod waits for ever (`ContainerCreating`, `CreateContainerConfigError`). A webhook without its
Service makes the API server reject every request that it matches, unless `failurePolicy` is
`Ignore`; an APIService without it is unavailable.

It is a warning, since the object may be applied from elsewhere, and an error where the manifests
are whole (`--complete`, `--profile`, `render`). A key or port that an object of the same file lacks
is an error; of objects in other files that have one name, it suffices that one has the key. An
object that is missing is reported once, with the places that name it. References marked `optional`
are passed over, and so is what is declared as an external (`Secret/name`). What the controller of a
custom resource among the manifests makes is not missing: the Secret of a Certificate or
ExternalSecret, the Services of a database's operator.",
        fix: "Correct the name, add the object, or declare it as an external.",
        source: "\
https://kubernetes.io/docs/reference/kubernetes-api/ (the `…Ref`, `…Name` and `…Source` types) and
https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#failure-policy.",
    },
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
    good: "\
-    env: [{name: LEVEL, valueFrom: {configMapKeyRef: {name: web-config, key: LOG_LEVEL}}}]
+    env: [{name: LEVEL, valueFrom: {configMapKeyRef: {name: web-config, key: LEVEL}}}]
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let mut ports = HashMap::new();
    let mut missing: HashMap<(&str, &str, &str), Vec<&Reference<'_>>> = HashMap::new();
    let mut order = Vec::new();
    for reference in &graph.references {
        // Accounts and roles have rules of their own. `use-annotation` is what the AWS load balancer controller reads as
        // "as the annotation says".
        if matches!(reference.relation, Relation::Account | Relation::Role | Relation::Subject)
            || reference.optional
            || is_claimed(reference)
            || reference.relation == Relation::Backend
                && reference.key.is_some_and(|key| key.text() == "use-annotation")
        {
            continue;
        }
        match reference.found {
            Some(object) => key(bundle, &mut ports, reference, object, report),
            None if graph.made.has(reference.kind, reference.namespace, reference.name) => {
                made(bundle, reference, report);
            }
            None => {
                let id = (reference.kind, reference.namespace, reference.name);
                let users = missing.entry(id).or_default();
                if users.is_empty() {
                    order.push(id);
                }
                // What one object names stands together.
                if users.last().is_none_or(|other| !std::ptr::eq(other.from, reference.from)) {
                    users.push(reference);
                }
            }
        }
    }
    for users in order.iter().filter_map(|id| missing.get(id)) {
        absent(bundle, users, report);
    }
}

/// Whether a StatefulSet makes a claim in the place of the one that a volume names: where its template has the volume's name.
fn is_claimed(reference: &Reference<'_>) -> bool {
    reference.kind == "PersistentVolumeClaim"
        && reference.from.node["spec"]["volumeClaimTemplates"]
            .items()
            .iter()
            .any(|claim| claim["metadata"]["name"].text() == reference.name)
}

/// An object that is not there, once for all that name it.
fn absent(bundle: &Bundle<'_>, users: &[&Reference<'_>], report: &mut Report<'_>) {
    let graph = bundle.graph();
    let needs = |user: &&&Reference<'_>| {
        // cert-manager makes the Secret of an Ingress that asks it to.
        let annotations = user.from.node["metadata"]["annotations"].entries();
        let is_made = |entry: &Entry| entry.key.contains("issuer") || entry.key.contains("acme");
        user.relation != Relation::Tls || !annotations.iter().any(is_made)
    };
    let Some(reference) = users.iter().find(needs) else { return };
    let (kind, name) = (reference.kind, reference.name);
    let builtin = match kind {
        "PriorityClass" => name.starts_with("system-"),
        "ConfigMap" => matches!(name, "istio-ca-root-cert" | "kube-root-ca.crt" | "openshift-service-ca.crt"),
        _ => false,
    };
    if builtin
        || bundle.options.kustomizations.makes(kind, name)
        || is_declared_object(&bundle.options.externals, kind, name)
    {
        return;
    }
    let elsewhere = graph.elsewhere(kind, name).find(|object| object.namespace() != reference.namespace);
    // A near name that somebody else uses is another thing.
    let near = graph.near(kind, reference.namespace, name).filter(|near| {
        let found = graph.find(kind, reference.namespace, near).filter(|object| !graph.is_used(object));
        found.is_some_and(|object| bundle.options.whole || object.shares_file_with(reference.from))
    });
    // What belongs to the cluster is hardly ever here; a name that is nearly that of one is a slip.
    let of_platform = |user: &&Reference<'_>| user.relation == Relation::Platform;
    let maybe_made = graph.made.may_have(kind, reference.namespace, name);
    if near.is_none() && (maybe_made || users.iter().all(of_platform)) {
        return;
    }
    // A governing Service only gives names.
    let governs = |user: &&Reference<'_>| user.relation == Relation::Governing;
    // Definitions are often applied without the operator that converts them. And where nothing else of the namespace is here,
    // the Service is applied by somebody else.
    let is_foreign = reference.relation == Relation::Webhook
        && !bundle.options.whole
        && near.is_none()
        && elsewhere.is_none()
        && (reference.from.kind() == "CustomResourceDefinition" || !graph.namespaces.contains(reference.namespace));
    let severity = match () {
        () if users.iter().all(|user| governs(user) || of_platform(user)) => Severity::Warning,
        () if maybe_made => Severity::Warning,
        () if is_foreign => Severity::Note,
        () => bundle.absent(),
    };
    let place = if reference.namespace.is_empty() { String::new() } else { format!(" in `{}`", reference.namespace) };
    let mut draft =
        report.at(reference.from, reference.node, format!("no {kind} `{name}` here{place}")).severity(severity);
    let others = users.iter().filter(|user| !std::ptr::eq(user.from, reference.from));
    for user in others.take(MOST_USERS) {
        draft = draft.related(user.node.origin.span, format!("{} names it, too", title(user.from)));
    }
    if let Some(words) = unanswered(reference) {
        draft = draft.label(words);
    }
    match (near, elsewhere) {
        (Some(near), _) => draft.help(format!("did you mean `{near}`?")),
        (None, Some(object)) => draft
            .related(object.span(), format!("one of this name is in `{}`", object.namespace()))
            .help(match reference.relation {
                Relation::Webhook => format!("is `namespace: {}` meant?", object.namespace()),
                _ => format!("a {kind} is reached from its own namespace only"),
            }),
        (None, None) => draft.help(match reference.relation {
            Relation::Governing => {
                "without it the pods have no names of their own: add a headless Service, or leave `serviceName` out"
                    .to_owned()
            }
            _ => {
                let declare = bundle.options.declaration.of(&format!("{kind}/{name}"));
                format!("add it; if it is created elsewhere, {declare}")
            }
        }),
    };
}

/// What comes of it that nobody answers the API server.
fn unanswered(reference: &Reference<'_>) -> Option<&'static str> {
    if reference.relation != Relation::Webhook {
        return None;
    }
    let webhooks = reference.from.node["webhooks"].items();
    let of = webhooks
        .iter()
        .find(|webhook| std::ptr::eq(&raw const webhook["clientConfig"]["service"]["name"], reference.node));
    match (reference.from.kind(), of.map(|webhook| webhook["failurePolicy"].text())) {
        ("APIService", _) => Some("the API is unavailable"),
        ("CustomResourceDefinition", _) => Some("no object of another version can be read"),
        (_, Some("Ignore")) => None,
        _ => Some("the API server rejects every request that the webhook matches"),
    }
}

/// An object that a controller makes: whether it will have the key that is needed of it.
fn made(bundle: &Bundle<'_>, reference: &Reference<'_>, report: &mut Report<'_>) {
    let Some(found) = bundle.graph().made.find(reference.kind, reference.namespace, reference.name) else { return };
    let Some((node, key)) = reference.key.and_then(|node| Some((node, node.as_str()?))) else { return };
    let Some(keys) = found.lacks(key).filter(|_| reference.relation != Relation::Backend) else { return };
    let near = suggest::nearest(key, keys.iter().copied());
    // What is documented is not all there is, so that only a slip is told.
    if near.is_none() && !found.is_exact() {
        return;
    }
    let severity = if found.is_exact() { bundle.between(reference.from, found.by) } else { Severity::Warning };
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it has {}", suggest::list(keys.iter().take(6), "and")),
    };
    report
        .at(reference.from, node, format!("{} `{}` has no key `{key}`", reference.kind, reference.name))
        .severity(severity)
        .related(found.by.span(), format!("made for {}", title(found.by)))
        .help(help);
}

/// How many of the objects that name a missing one are shown beside the first.
const MOST_USERS: usize = 3;

/// How many objects of one name are taken for alternatives.
const MOST_ALTERNATIVES: usize = 100;

fn key<'a>(
    bundle: &Bundle<'a>,
    ports: &mut HashMap<usize, Ports<'a>>,
    reference: &Reference<'a>,
    object: &'a Object,
    report: &mut Report<'_>,
) {
    if matches!(reference.relation, Relation::Backend | Relation::Webhook) {
        let ports = ports.entry(address(&object.node)).or_insert_with(|| Ports::of(object));
        backend(bundle, ports, reference, object, report);
        return;
    }
    let Some(node) = reference.key else { return };
    let Some(key) = node.as_str().filter(|key| !key.is_empty()) else { return };
    let is_empty = data_keys(object).next().is_none();
    // A Secret without data is filled by somebody else.
    if data_of(object, key).is_some()
        || (is_empty && (reference.kind == "Secret" || object.node["metadata"]["annotations"].is_set()))
    {
        return;
    }
    let has_key = |other: &Object| data_of(other, key).is_some();
    if bundle.options.kustomizations.makes(reference.kind, reference.name) {
        return;
    }
    if is_of_alternative(bundle, reference, object, has_key) {
        return;
    }
    report
        .at(reference.from, node, format!("{} has no key `{key}`", title(object)))
        .severity(bundle.between(reference.from, object))
        .related(object.span(), "this one")
        .help(has_keys(object, key));
}

/// Whether what an object lacks is found in another of its name, where it stands in no file with the one that needs it.
fn is_of_alternative(
    bundle: &Bundle<'_>,
    reference: &Reference<'_>,
    object: &Object,
    has: impl Fn(&Object) -> bool,
) -> bool {
    !bundle.options.whole
        && !object.shares_file_with(reference.from)
        && bundle.graph().elsewhere(reference.kind, reference.name).take(MOST_ALTERNATIVES).any(has)
}

/// The ports of a Service, each list for messages and for finding one.
struct Ports<'a> {
    names: Vec<&'a str>,
    numbers: Vec<String>,
    by_name: HashSet<&'a str>,
    by_number: HashSet<Option<i64>>,
}

impl<'a> Ports<'a> {
    fn of(service: &'a Object) -> Self {
        let ports = service.node["spec"]["ports"].items().iter();
        let numbers = || ports.clone().map(|port| port["port"].as_i64());
        Self {
            names: ports.clone().filter_map(|port| port["name"].as_str()).collect(),
            numbers: numbers().flatten().map(|number| number.to_string()).collect(),
            by_name: ports.clone().map(|port| port["name"].text()).collect(),
            by_number: numbers().collect(),
        }
    }
}

/// The port of a webhook that names none.
/// (https://kubernetes.io/docs/reference/kubernetes-api/extend-resources/validating-webhook-configuration-v1/)
const WEBHOOK_PORT: i64 = 443;

/// The port of an Ingress backend or of a webhook.
fn backend(
    bundle: &Bundle<'_>,
    ports: &Ports<'_>,
    reference: &Reference<'_>,
    object: &Object,
    report: &mut Report<'_>,
) {
    let name = reference.key.and_then(Node::as_str);
    let number = match reference.key {
        Some(key) => key.as_i64(),
        None if reference.relation == Relation::Webhook => Some(WEBHOOK_PORT),
        None => return,
    };
    let served = |ports: &Ports<'_>| match name {
        Some(name) => ports.by_name.contains(name),
        None => ports.by_number.contains(&number),
    };
    if served(ports) || ports.by_name.is_empty() || object.node["spec"]["type"].text() == "ExternalName" {
        return;
    }
    // A kustomization may add the port.
    let is_patched = !bundle.options.whole && bundle.options.kustomizations.patches(object);
    if is_patched || is_of_alternative(bundle, reference, object, |other| served(&Ports::of(other))) {
        return;
    }
    let wanted = name.map_or_else(|| number.unwrap_or_default().to_string(), |name| format!("named `{name}`"));
    let have = match name {
        Some(_) => suggest::list(&ports.names, "and"),
        None => suggest::list(&ports.numbers, "and"),
    };
    let place = reference.key.unwrap_or(reference.node);
    report
        .at(reference.from, place, format!("Service `{}` has no port {wanted}", object.name()))
        .severity(bundle.between(reference.from, object))
        .related(object.span(), if reference.relation == Relation::Webhook { "the Service" } else { "the backend" })
        .help(if have.is_empty() {
            "its ports have no names: give the number".to_owned()
        } else {
            format!("it has {have}")
        });
}
