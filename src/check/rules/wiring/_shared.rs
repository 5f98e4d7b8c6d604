//! What several rules of the family share: places in texts, words, near names.

use std::ops::Range;

use crate::check::Bundle;
use crate::finding::Severity;
use crate::graph::{Config, Graph, Mention, Place, Pod, Target, View, data_keys};
use crate::node::{Node, Value};
use crate::object::Object;
use crate::service::{Description, Sign};
use crate::suggest;
use crate::validation::{Draft, Report};

/// A finding at a host in a text.
pub(crate) fn at_mention<'r>(report: &'r mut Report<'_>, mention: &Mention<'_>, message: String) -> Draft<'r> {
    match &mention.range {
        Some(range) => report.text(mention.object, mention.node, range.clone(), message),
        None => report.at(mention.object, mention.node, message),
    }
}

/// A finding at a part of a mention, its port or scheme; at the host if the part has no span.
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

/// A finding at a value in the config file of a known container.
pub(crate) fn at_value<'r>(
    report: &'r mut Report<'_>,
    view: &View<'_, '_>,
    value: &Node,
    message: String,
) -> Draft<'r> {
    match view.config {
        Some(config) => at_setting(report, config, value, message),
        None => report.at(view.object(), view.name_node(), message),
    }
}

/// A finding at a value in a config file.
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

/// A finding at the place where a key of a config file belongs: its section, or the file.
pub(crate) fn at_section<'r>(report: &'r mut Report<'_>, config: &Config<'_>, key: &str, message: String) -> Draft<'r> {
    let Some(tree) = &config.tree else { return report.at(config.object, config.node, message) };
    let mut node = tree;
    let mut place = None;
    for part in key.split('.') {
        let Value::Mapping(mapping) = &node.value else { break };
        let Some(entry) = mapping.entry(part) else { break };
        place = Some(entry.key_span);
        node = &entry.value;
    }
    let place = place.or_else(|| tree.entries().first().map(|entry| entry.key_span));
    match place {
        Some(span) => report.text(config.object, config.node, span.start as usize..span.end as usize, message),
        None => report.at(config.object, config.node, message),
    }
}

/// The help for a key that an object lacks: a similar key, or the keys that it has.
pub(crate) fn has_keys(object: &Object, lacking: &str) -> String {
    match suggest::nearest(lacking, data_keys(object)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if data_keys(object).next().is_none() => "it has no keys".to_owned(),
        None => format!("it has {}", suggest::list(data_keys(object).take(6), "and")),
    }
}

/// The node of a key in the data of a ConfigMap or Secret.
pub(crate) fn data_node<'a>(object: &'a Object, key: &str) -> &'a Node {
    ["stringData", "data", "binaryData"].iter().find_map(|field| object.node[*field].get(key)).unwrap_or(&object.node)
}

/// The Service that was probably meant by a name that does not resolve.
#[derive(Debug)]
pub(crate) struct Meant {
    /// Its name.
    pub(crate) name: String,
    /// Whether it serves the port, if one is given.
    pub(crate) serves: bool,
    /// Whether the description of the known service that uses the host names it.
    pub(crate) described: bool,
}

/// The Service that was probably meant by a name that does not resolve: one with a similar name, or the usual one.
pub(crate) fn meant(bundle: &Bundle<'_>, mention: &Mention<'_>) -> Option<Meant> {
    let graph = bundle.graph();
    let Target::Missing { name, namespace, .. } = &mention.target else { return None };
    // All usual names of one service count as similar.
    let named = bundle.options.services.iter().find(|known| known.has(Sign::Service, name));
    let alias = named.map(Description::service).and_then(|service| {
        service.services.iter().find(|other| *other != name && graph.service(namespace, other).is_some())
    });
    // A program does not mean its own Service.
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
    Some(Meant { name, serves, described })
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
    same.or_else(|| graph.near("Service", namespace, name).map(str::to_owned))
}

/// The severity of a host that does not resolve: an error if the manifests are complete, or if the description of a known
/// service has another name for the host; a note if nothing among the manifests is in the namespace, or in the configuration
/// of a proxy, whose upstreams may be optional.
pub(crate) fn missing_severity(bundle: &Bundle<'_>, mention: &Mention<'_>, meant: Option<&Meant>) -> Severity {
    let foreign = matches!(&mention.target, Target::Missing { namespace, written: true, .. } if !bundle.graph().namespaces.contains(namespace.as_str()));
    match meant {
        _ if bundle.options.whole => Severity::Error,
        Some(Meant { described: true, serves: true, .. }) => Severity::Error,
        _ if foreign || in_proxy_config(mention) => Severity::Note,
        _ => Severity::Warning,
    }
}

/// The message for a Service in another namespace than the one to which a host resolves.
pub(crate) fn other_namespace(service: &Object, wanted: &str) -> String {
    let wanted = if wanted.is_empty() { "default" } else { wanted };
    format!("Service `{}` not found in namespace `{wanted}`; it is in `{}`", service.name(), service.namespace())
}

/// Whether a host is in the configuration of a proxy.
pub(crate) fn in_proxy_config(mention: &Mention<'_>) -> bool {
    let text = mention.node.text();
    matches!(mention.place, Place::Data(..))
        && ["proxy_pass ", "upstream ", "fastcgi_pass "].iter().any(|word| text.contains(word))
}

/// The object's kind and name as in messages: `Deployment/web`.
pub(crate) fn title(object: &Object) -> String {
    format!("{}/{}", object.kind(), object.name())
}

/// The registry of an image; `None` if it has none.
pub(crate) fn registry(image: &str) -> Option<&str> {
    let (first, _) = image.split_once('/')?;
    (first.contains(['.', ':']) || first == "localhost").then_some(first)
}

/// Annotations and labels that have a container injected into a pod, or into all pods of a namespace.
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

/// Whether containers are injected into a pod when it is made.
pub(crate) fn is_injected(graph: &Graph<'_>, pod: &Pod<'_>) -> bool {
    let asks = |metadata: &Node| {
        let marks = metadata["annotations"].entries().iter().chain(metadata["labels"].entries());
        marks.clone().any(|mark| {
            INJECTORS.contains(&mark.key.as_str())
                && !matches!(mark.value.text(), "disabled" | "false")
                && mark.value.as_bool() != Some(false)
        })
    };
    let namespace = graph.find("Namespace", "", pod.namespace());
    // A Knative revision has a proxy beside its container.
    let has_proxy = pod.object.group() == "serving.knative.dev";
    has_proxy || asks(pod.metadata) || namespace.is_some_and(|namespace| asks(&namespace.node["metadata"]))
}
