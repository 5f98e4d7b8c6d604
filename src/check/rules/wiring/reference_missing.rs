//! Rule `reference-missing`.

use foldhash::{HashMap, HashMapExt, HashSet};

use crate::check::rules::wiring::_shared::{has_keys, title};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Reference, data_keys, data_of, is_cluster_wide, is_declared_object};
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
Checks that an object that another one names is among the manifests, in its namespace, and has the
key or port that is needed. References of pods, Ingresses, autoscalers, StatefulSets, webhooks,
APIServices, and custom resources of known kinds are checked: routes of the Gateway API, Argo
Rollouts, Traefik IngressRoutes, Istio VirtualServices, KEDA ScaledObjects and others.

A missing object is a warning, since it may be applied from elsewhere, and an error if the manifests
are complete (`--complete`, `--profile`, `render`). It is reported once, with the places that name
it. A missing key or port is an error if both objects are in one file or the manifests are complete,
otherwise a warning; of several objects with the same name in other files, one with the key is
enough. The governing Service of a StatefulSet is a warning. The Service of a webhook is a note if
nothing among the manifests is in its namespace.

Not reported are references marked `optional`, declared externals (`Secret/name`), and what the
controller of a custom resource among the manifests creates: the Secret of a Certificate or
ExternalSecret, the Services of a database operator.",
        why: "\
The pod does not start: it stays in `ContainerCreating` with the event `FailedMount`
(`configmap \"…\" not found`), in `CreateContainerConfigError` (`couldn't find key … in Secret …`), or
`Pending` (`persistentvolumeclaim \"…\" not found`). Without the Service of a webhook the API server
rejects every request that the webhook matches (`failed calling webhook`), unless `failurePolicy` is
`Ignore`; an APIService without its Service is unavailable.",
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
        // Accounts and roles have their own rules. With the port name `use-annotation`, the AWS load balancer controller reads an
        // annotation instead.
        if matches!(reference.relation, Relation::Account | Relation::Role | Relation::Subject)
            || reference.optional
            || is_claimed(reference)
            || reference.relation == Relation::Backend
                && reference.key.is_some_and(|key| key.text() == "use-annotation")
        {
            continue;
        }
        match reference.found {
            Some(object) => check_key(bundle, &mut ports, reference, object, report),
            None if graph.created.has(reference.kind, reference.namespace, reference.name) => {
                check_created_key(bundle, reference, report);
            }
            None => {
                let id = (reference.kind, reference.namespace, reference.name);
                let users = missing.entry(id).or_default();
                if users.is_empty() {
                    order.push(id);
                }
                // The references of an object are consecutive.
                if users.last().is_none_or(|other| !std::ptr::eq(other.from, reference.from)) {
                    users.push(reference);
                }
            }
        }
    }
    for users in order.iter().filter_map(|id| missing.get(id)) {
        report_missing(bundle, users, report);
    }
}

/// Whether a claim template of the StatefulSet replaces the volume with this claim: if it has the same name.
fn is_claimed(reference: &Reference<'_>) -> bool {
    reference.kind == "PersistentVolumeClaim"
        && reference.from.node["spec"]["volumeClaimTemplates"]
            .items()
            .iter()
            .any(|claim| claim["metadata"]["name"].text() == reference.name)
}

/// Reports a missing object, once for all objects that refer to it.
fn report_missing(bundle: &Bundle<'_>, users: &[&Reference<'_>], report: &mut Report<'_>) {
    let graph = bundle.graph();
    let needs = |user: &&&Reference<'_>| {
        // cert-manager creates the Secret of an Ingress with its annotations.
        let annotations = user.from.node["metadata"]["annotations"].entries();
        let is_created = |entry: &Entry| entry.key.contains("issuer") || entry.key.contains("acme");
        user.relation != Relation::Tls || !annotations.iter().any(is_created)
    };
    let Some(reference) = users.iter().find(needs) else { return };
    let (kind, name) = (reference.kind, reference.name);
    let builtin = match kind {
        "PriorityClass" => name.starts_with("system-"),
        "ConfigMap" => matches!(name, "istio-ca-root-cert" | "kube-root-ca.crt" | "openshift-service-ca.crt"),
        _ => false,
    };
    if builtin
        || bundle.options.kustomizations.generates(kind, name)
        || is_declared_object(&bundle.options.externals, kind, name)
    {
        return;
    }
    let elsewhere = graph.in_any_namespace(kind, name).find(|object| object.namespace() != reference.namespace);
    // A similar object that is used elsewhere was not meant.
    let near = graph.nearest_name(kind, reference.namespace, name).filter(|near| {
        let found = graph.find(kind, reference.namespace, near).filter(|object| !graph.is_used(object));
        found.is_some_and(|object| bundle.options.complete || object.shares_file_with(reference.from))
    });
    // Objects of the platform are rarely among the manifests, so only misspellings are reported.
    let is_of_platform = |user: &&Reference<'_>| user.relation == Relation::Platform;
    let may_be_created = graph.created.may_have(kind, reference.namespace, name);
    if near.is_none() && (may_be_created || users.iter().all(is_of_platform)) {
        return;
    }
    // A StatefulSet runs without its governing Service, but its pods have no DNS names.
    let is_governing = |user: &&Reference<'_>| user.relation == Relation::Governing;
    // CustomResourceDefinitions are often applied without the operator that converts them. If no object is in the namespace, the
    // Service is applied from elsewhere.
    let is_foreign = reference.relation == Relation::Webhook
        && !bundle.options.complete
        && near.is_none()
        && elsewhere.is_none()
        && (reference.from.kind() == "CustomResourceDefinition" || !graph.namespaces.contains(reference.namespace));
    let severity = match () {
        () if users.iter().all(|user| is_governing(user) || is_of_platform(user)) => Severity::Warning,
        () if may_be_created => Severity::Warning,
        () if is_foreign => Severity::Note,
        () => bundle.absent(),
    };
    let scope = if reference.namespace.is_empty() || is_cluster_wide(kind) {
        String::new()
    } else {
        format!(" in namespace `{}`", reference.namespace)
    };
    let mut draft =
        report.at(reference.from, reference.node, format!("{kind} `{name}` not found{scope}")).severity(severity);
    let others = users.iter().filter(|user| !std::ptr::eq(user.from, reference.from));
    for user in others.take(MAX_USERS) {
        draft = draft.related(user.node.origin.span, format!("{} also refers to it", title(user.from)));
    }
    if let Some(label) = webhook_consequence(reference) {
        draft = draft.label(label);
    }
    match (near, elsewhere) {
        (Some(near), _) => draft.help(format!("did you mean `{near}`?")),
        (None, Some(object)) => draft
            .related(object.span(), format!("the object with this name in namespace `{}`", object.namespace()))
            .help(match reference.relation {
                Relation::Webhook => format!("did you mean `namespace: {}`?", object.namespace()),
                _ => format!("move it: a {kind} can only be used in its own namespace"),
            }),
        (None, None) => draft.help(match reference.relation {
            Relation::Governing => {
                "add a headless Service, or remove `serviceName`: without it the pods have no DNS names".to_owned()
            }
            _ => {
                let declare = bundle.options.declaration.of(&format!("{kind}/{name}"));
                format!("add it, or, if it is created elsewhere, {declare}")
            }
        }),
    };
}

/// The consequence if the API server cannot call the Service of a webhook.
fn webhook_consequence(reference: &Reference<'_>) -> Option<&'static str> {
    if reference.relation != Relation::Webhook {
        return None;
    }
    let webhooks = reference.from.node["webhooks"].items();
    let of = webhooks
        .iter()
        .find(|webhook| std::ptr::eq(&raw const webhook["clientConfig"]["service"]["name"], reference.node));
    match (reference.from.kind(), of.map(|webhook| webhook["failurePolicy"].text())) {
        ("APIService", _) => Some("the API is unavailable"),
        ("CustomResourceDefinition", _) => Some("objects of other versions cannot be read"),
        (_, Some("Ignore")) => None,
        _ => Some("the API server rejects every request that the webhook matches"),
    }
}

/// Checks that an object that a controller creates has the required key.
fn check_created_key(bundle: &Bundle<'_>, reference: &Reference<'_>, report: &mut Report<'_>) {
    let Some(found) = bundle.graph().created.find(reference.kind, reference.namespace, reference.name) else { return };
    let Some((node, key)) = reference.key.and_then(|node| Some((node, node.as_str()?))) else { return };
    let Some(keys) = found.lacks(key).filter(|_| reference.relation != Relation::Backend) else { return };
    let near = suggest::nearest(key, keys.iter().copied());
    // Not all keys may be known, so only misspellings are reported.
    if near.is_none() && !found.is_exact() {
        return;
    }
    let severity = if found.is_exact() { bundle.between(reference.from, found.by) } else { Severity::Warning };
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("use one of its keys: {}", suggest::list(keys.iter().take(6), "or")),
    };
    report
        .at(reference.from, node, format!("{} `{}` has no key `{key}`", reference.kind, reference.name))
        .severity(severity)
        .related(found.by.span(), format!("created for {}", title(found.by)))
        .help(help);
}

/// The maximum number of further objects shown that refer to a missing one.
const MAX_USERS: usize = 3;

/// The maximum number of objects with the same name that are searched as alternatives.
const MAX_ALTERNATIVES: usize = 100;

fn check_key<'a>(
    bundle: &Bundle<'a>,
    ports: &mut HashMap<usize, Ports<'a>>,
    reference: &Reference<'a>,
    object: &'a Object,
    report: &mut Report<'_>,
) {
    if matches!(reference.relation, Relation::Backend | Relation::Webhook) {
        let ports = ports.entry(address(&object.node)).or_insert_with(|| Ports::of(object));
        check_port(bundle, ports, reference, object, report);
        return;
    }
    let Some(node) = reference.key else { return };
    let Some(key) = node.as_str().filter(|key| !key.is_empty()) else { return };
    let is_empty = data_keys(object).next().is_none();
    // A Secret without data is filled in the cluster.
    if data_of(object, key).is_some()
        || (is_empty && (reference.kind == "Secret" || object.node["metadata"]["annotations"].is_set()))
    {
        return;
    }
    let has_key = |other: &Object| data_of(other, key).is_some();
    if bundle.options.kustomizations.generates(reference.kind, reference.name) {
        return;
    }
    if is_in_alternative(bundle, reference, object, has_key) {
        return;
    }
    report
        .at(reference.from, node, format!("{} has no key `{key}`", title(object)))
        .severity(bundle.between(reference.from, object))
        .related(object.span(), "the object")
        .help(has_keys(object, key));
}

/// Whether another object with the same name, which may be an alternative, has the missing key or port.
fn is_in_alternative(
    bundle: &Bundle<'_>,
    reference: &Reference<'_>,
    object: &Object,
    has: impl Fn(&Object) -> bool,
) -> bool {
    !bundle.options.complete
        && !object.shares_file_with(reference.from)
        && bundle.graph().in_any_namespace(reference.kind, reference.name).take(MAX_ALTERNATIVES).any(has)
}

/// The ports of a Service, as lists for messages and as sets for lookups.
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
        let mut shown: Vec<String> = numbers().flatten().map(|number| number.to_string()).collect();
        // A port of two protocols.
        shown.dedup();
        Self {
            names: ports.clone().filter_map(|port| port["name"].as_str()).collect(),
            numbers: shown,
            by_name: ports.clone().map(|port| port["name"].text()).collect(),
            by_number: numbers().collect(),
        }
    }
}

/// The default port of a webhook.
/// (https://kubernetes.io/docs/reference/kubernetes-api/extend-resources/validating-webhook-configuration-v1/)
const WEBHOOK_PORT: i64 = 443;

/// Checks the port of an Ingress backend or of a webhook.
fn check_port(
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
    let has_port = |ports: &Ports<'_>| match name {
        Some(name) => ports.by_name.contains(name),
        None => ports.by_number.contains(&number),
    };
    if has_port(ports) || ports.by_name.is_empty() || object.node["spec"]["type"].text() == "ExternalName" {
        return;
    }
    // A kustomization may add the port.
    let is_patched = !bundle.options.complete && bundle.options.kustomizations.patches(object);
    if is_patched || is_in_alternative(bundle, reference, object, |other| has_port(&Ports::of(other))) {
        return;
    }
    let port = name.map_or_else(|| number.unwrap_or_default().to_string(), |name| format!("named `{name}`"));
    let existing = match name {
        Some(_) => suggest::list(&ports.names, "or"),
        None => suggest::list(&ports.numbers, "or"),
    };
    let node = reference.key.unwrap_or(reference.node);
    report
        .at(reference.from, node, format!("Service `{}` has no port {port}", object.name()))
        .severity(bundle.between(reference.from, object))
        .related(object.span(), if reference.relation == Relation::Webhook { "the Service" } else { "the backend" })
        .help(if existing.is_empty() {
            "use the number of the port: the ports have no names".to_owned()
        } else {
            format!("use one of its ports: {existing}")
        });
}
