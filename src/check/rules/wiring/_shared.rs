//! Helpers of the family: findings at hosts and config values, and suggestions of similar names.

use std::ops::Range;

use crate::check::Bundle;
use crate::finding::Severity;
use crate::graph::{Config, Graph, Mention, MentionLocation, Pod, ServiceContainer, Target, data_keys};
use crate::node::{Node, Value};
use crate::object::Object;
use crate::service::{Description, Sign};
use crate::suggest;
use crate::validation::{Draft, Report};

/// Reports a finding at a host in a string.
pub(crate) fn at_mention<'r>(report: &'r mut Report<'_>, mention: &Mention<'_>, message: String) -> Draft<'r> {
    match &mention.range {
        Some(range) => report.text(mention.object, mention.node, range.clone(), message),
        None => report.at(mention.object, mention.node, message),
    }
}

/// Reports a finding at the port or scheme of a mention; at the host if there is none.
pub(crate) fn at_part<'r>(
    report: &'r mut Report<'_>,
    mention: &Mention<'_>,
    part: Option<&Range<usize>>,
    message: String,
) -> Draft<'r> {
    match part {
        Some(range) => report.text(mention.object, mention.node, range.clone(), message),
        None => at_mention(report, mention, message),
    }
}

/// Reports a finding at a value in the config file of a known container.
pub(crate) fn at_value<'r>(
    report: &'r mut Report<'_>,
    view: &ServiceContainer<'_, '_>,
    value: &Node,
    message: String,
) -> Draft<'r> {
    match view.config {
        Some(config) => at_setting(report, config, value, message),
        None => report.at(view.object(), view.name_node(), message),
    }
}

/// Reports a finding at a value in a config file.
pub(crate) fn at_setting<'r>(
    report: &'r mut Report<'_>,
    config: &Config<'_>,
    value: &Node,
    message: String,
) -> Draft<'r> {
    let span = value.origin.span;
    if span.is_none() {
        return report.at(config.object, config.node, message);
    }
    report.text(config.object, config.node, span.start as usize..span.end as usize, message)
}

/// Reports a finding about a missing key of a config file, at its section or at the file.
pub(crate) fn at_section<'r>(report: &'r mut Report<'_>, config: &Config<'_>, key: &str, message: String) -> Draft<'r> {
    let Some(tree) = &config.tree else { return report.at(config.object, config.node, message) };
    let mut node = tree;
    let mut span = None;
    for part in key.split('.') {
        let Value::Mapping(mapping) = &node.value else { break };
        let Some(entry) = mapping.entry(part) else { break };
        span = Some(entry.key_span);
        node = &entry.value;
    }
    let span = span.or_else(|| tree.entries().first().map(|entry| entry.key_span));
    match span {
        Some(span) => report.text(config.object, config.node, span.start as usize..span.end as usize, message),
        None => report.at(config.object, config.node, message),
    }
}

/// The help for a key that an object lacks: a similar key, or the keys that it has.
pub(crate) fn has_keys(object: &Object, lacking: &str) -> String {
    match suggest::nearest(lacking, data_keys(object)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if data_keys(object).next().is_none() => "the object has no keys".to_owned(),
        None => format!("use one of its keys: {}", suggest::list(data_keys(object).take(6), "or")),
    }
}

/// The node of a key in the data of a ConfigMap or Secret.
pub(crate) fn data_node<'a>(object: &'a Object, key: &str) -> &'a Node {
    ["stringData", "data", "binaryData"].iter().find_map(|field| object.node[*field].get(key)).unwrap_or(&object.node)
}

/// The help for a host that does not resolve: a similar Service, and how to declare the host if it is not one.
pub(crate) fn unresolved_help(likely: Option<&LikelyService>, declare: &str) -> String {
    match likely {
        Some(LikelyService { name, serves: true, .. }) => {
            format!("did you mean `{name}`? if it is applied from elsewhere, {declare}")
        }
        // Following this suggestion alone would not fix the fault.
        Some(LikelyService { name, .. }) => {
            format!("the similar Service `{name}` does not have this port; if it is applied from elsewhere, {declare}")
        }
        None => format!("if it is applied from elsewhere, {declare}"),
    }
}

/// The Service that was probably meant by a name that does not resolve.
#[derive(Debug)]
pub(crate) struct LikelyService {
    /// Its name.
    pub(crate) name: String,
    /// Whether it has the port, if one is specified.
    pub(crate) serves: bool,
    /// Whether the description of the known service that uses the host names it.
    pub(crate) described: bool,
}

/// The Service that was probably meant by a name that does not resolve: one with a similar name, or the usual name.
pub(crate) fn likely_service(bundle: &Bundle<'_>, mention: &Mention<'_>) -> Option<LikelyService> {
    let graph = bundle.graph();
    let Target::Missing { name, namespace, .. } = &mention.target else { return None };
    // The usual names of the same service count as similar.
    let named = bundle.options.services.iter().find(|known| known.has(Sign::Service, name));
    let alias = named.map(Description::service).and_then(|service| {
        service.services.iter().find(|other| *other != name && graph.service(namespace, other).is_some())
    });
    // The Service of the pod itself is not meant.
    let own = |near: &String| {
        graph.service(namespace, near).is_some_and(|at| mention.pod.is_some_and(|pod| graph.services[at].pods == [pod]))
    };
    let near = alias.cloned().or_else(|| near_service(graph, namespace, name)).filter(|near| !own(near));
    let usual = usual(graph, mention, name);
    let described = usual.is_some();
    let name = near.or(usual)?;
    let serves = match (graph.service(namespace, &name), mention.port) {
        (Some(service), Some(port)) => graph.services[service].serves(i64::from(port), graph),
        _ => true,
    };
    Some(LikelyService { name, serves, described })
}

/// The usual name of a known service's dependency that is similar to a name.
fn usual(graph: &Graph<'_>, mention: &Mention<'_>, name: &str) -> Option<String> {
    let own = mention.pod.zip(mention.container);
    let own = own.and_then(|(pod, container)| graph.known_as(pod, container));
    let known = own.or_else(|| graph.known_by_config(mention.node))?;
    let usual = known.service.dependencies.iter().flat_map(|dependency| &dependency.services).map(String::as_str);
    if usual.clone().any(|usual| usual == name) {
        return None;
    }
    suggest::nearest(name, usual).map(str::to_owned)
}

/// The most similar name of a Service, regardless of endings such as `-service` and `-svc`.
fn near_service(graph: &Graph<'_>, namespace: &str, name: &str) -> Option<String> {
    let fold = |name: &str| {
        let name = ["-service", "-svc", "-server", "-db"]
            .iter()
            .fold(name, |name, end| name.strip_suffix(end).unwrap_or(name));
        name.chars().filter(|c| *c != '-').collect::<String>()
    };
    let folded = fold(name);
    let names = graph.names("Service", namespace);
    let same = names.iter().find(|other| fold(other) == folded).map(|name| (*name).to_owned());
    same.or_else(|| graph.nearest_name("Service", namespace, name).map(str::to_owned))
}

/// The severity of a host that does not resolve: an error if the manifests are complete, or if the description of a known
/// service has another name for the host; a note if no object is in the namespace, or in the configuration of a proxy, whose
/// upstreams may be optional.
pub(crate) fn missing_severity(bundle: &Bundle<'_>, mention: &Mention<'_>, likely: Option<&LikelyService>) -> Severity {
    let is_foreign = matches!(&mention.target, Target::Missing { namespace, written: true, .. } if !bundle.graph().namespaces.contains(namespace.as_str()));
    match likely {
        _ if bundle.options.complete => Severity::Error,
        Some(LikelyService { described: true, serves: true, .. }) => Severity::Error,
        _ if is_foreign || in_proxy_config(mention) => Severity::Note,
        _ => Severity::Warning,
    }
}

/// The message for a Service in another namespace than the one to which a host resolves.
pub(crate) fn other_namespace(service: &Object, namespace: &str) -> String {
    let namespace = if namespace.is_empty() { "default" } else { namespace };
    format!(
        "Service `{}` not found in namespace `{namespace}`, but it exists in `{}`",
        service.name(),
        service.namespace()
    )
}

/// Whether a host is in the configuration of a proxy.
pub(crate) fn in_proxy_config(mention: &Mention<'_>) -> bool {
    let text = mention.node.text();
    matches!(mention.location, MentionLocation::Data(..))
        && ["proxy_pass ", "upstream ", "fastcgi_pass "].iter().any(|word| text.contains(word))
}

/// The kind and name of an object as in messages: `Deployment/web`.
pub(crate) fn title(object: &Object) -> String {
    format!("{}/{}", object.kind(), object.name())
}

/// The registry of an image; `None` if it has none.
pub(crate) fn registry(image: &str) -> Option<&str> {
    let (first, _) = image.split_once('/')?;
    (first.contains(['.', ':']) || first == "localhost").then_some(first)
}

/// Annotations and labels that cause containers to be injected into a pod, or into all pods of a namespace.
const INJECTORS: &[&str] = &[
    "linkerd.io/inject",
    "sidecar.istio.io/inject",
    "istio-injection",
    "istio.io/rev",
    "consul.hashicorp.com/connect-inject",
    "vault.hashicorp.com/agent-inject",
    "dapr.io/enabled",
    "kuma.io/sidecar-injection",
    "sidecar.opentelemetry.io/inject",
    "sidecar.jaegertracing.io/inject",
    "appmesh.k8s.aws/sidecarInjectorWebhook",
    "config.linkerd.io/proxy-version",
];

/// Whether containers are injected into a pod when it is created.
pub(crate) fn is_injected(graph: &Graph<'_>, pod: &Pod<'_>) -> bool {
    let has_injector = |metadata: &Node| {
        let entries = metadata["annotations"].entries().iter().chain(metadata["labels"].entries());
        entries.clone().any(|entry| {
            INJECTORS.contains(&entry.key.as_str())
                && !matches!(entry.value.text(), "disabled" | "false")
                && entry.value.as_bool() != Some(false)
        })
    };
    let namespace = graph.find("Namespace", "", pod.namespace());
    // A Knative revision has a proxy beside its container.
    let has_proxy = pod.object.group() == "serving.knative.dev";
    has_proxy
        || has_injector(pod.metadata)
        || namespace.is_some_and(|namespace| has_injector(&namespace.node["metadata"]))
}
