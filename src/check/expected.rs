//! Compares manifests with the bundle that a profile renders (`check --profile`).
//!
//! Objects correspond if they have the same kind and name, ignoring hashes of their content; workloads of a known service
//! correspond whatever their names are. Objects of the bundle that the manifests lack are reported as well.

use foldhash::{HashSet, HashSetExt};

use crate::bundle::bare_name;
use crate::check::Options;
use crate::check::rules::wiring::_kind::mappings;
use crate::finding::{Finding, RuleId, Severity};
use crate::graph::{Graph, MountSource, ServiceContainer, image_name, kind_of};
use crate::node::Node;
use crate::object::{ContainerRole, Object};
use crate::source::Span;

/// The kinds without which the bundle does not work.
const REQUIRED_KINDS: &[&str] =
    &["ConfigMap", "Secret", "Service", "Deployment", "StatefulSet", "Job", "PersistentVolumeClaim"];

/// Compares manifests with the objects that a profile renders.
#[must_use]
pub fn check(actual: &[Object], expected: &[Object], profile: &str, options: &Options) -> Vec<Finding> {
    let graph = |objects| Graph::build(objects, &options.services, &options.externals, &options.references);
    let (actual_graph, expected_graph) = (graph(actual), graph(expected));
    let mut findings = Vec::new();
    let first = actual.first().map_or(Span::NONE, Object::span);
    let mut compared: HashSet<usize> = HashSet::new();
    for expected in expected_graph.all_known() {
        if let Some(view) = actual_graph.all_known().find(|view| view.service.name == expected.service.name) {
            compared.extend(expected_graph.index_of(expected.object()));
            check_workload(&view, &expected, profile, &mut findings);
        }
    }
    for (number, object) in expected.iter().enumerate() {
        let Some(kind) = kind_of(object).filter(|_| !object.is_custom()) else { continue };
        if compared.contains(&number) || kind == "Namespace" {
            continue;
        }
        match counterpart(actual, object, kind) {
            Some(counterpart) => {
                check_namespace(counterpart, object, profile, &mut findings);
                if kind == "Service" {
                    check_service(counterpart, object, profile, &mut findings);
                }
            }
            None => {
                let severity = if REQUIRED_KINDS.contains(&kind) { Severity::Error } else { Severity::Warning };
                let message = format!("{kind} `{}` of profile `{profile}` is missing", object.name());
                let help = format!("run `plimsoll render {profile} --only {kind}/{}` to print it", object.name());
                let mut finding = Finding::new(RuleId::ExpectedMissing, severity, first, message).with_help(help);
                finding.object = Some(object.id.clone());
                findings.push(finding);
            }
        }
    }
    findings
}

/// Compares the config of a kind cluster with that of a profile: it must map each NodePort to the same host port.
#[must_use]
pub fn check_cluster(actual: &Object, expected: &Object, profile: &str) -> Vec<Finding> {
    let actual_mappings = mappings(actual);
    let mut findings = Vec::new();
    for expected in mappings(expected) {
        let (node_port, host_port) = (expected.node_port, expected.host_port);
        let of_protocol = || actual_mappings.iter().filter(|mapping| mapping.protocol == expected.protocol);
        if of_protocol().any(|mapping| (mapping.node_port, mapping.host_port) == (node_port, host_port)) {
            continue;
        }
        let same_node_port = of_protocol().find(|mapping| mapping.node_port == node_port);
        let same_host_port = of_protocol().find(|mapping| mapping.host_port == host_port);
        let (rule, node, message) = match (same_node_port, same_host_port) {
            (Some(mapping), _) => (
                RuleId::HostportProfileMismatch,
                &mapping.node["hostPort"],
                format!(
                    "NodePort {node_port} is mapped to host port {}, but profile `{profile}` maps it to host port {host_port}",
                    mapping.host_port
                ),
            ),
            (None, Some(mapping)) => (
                RuleId::NodeportProfileMismatch,
                &mapping.node["containerPort"],
                format!(
                    "host port {host_port} is mapped to NodePort {}, but profile `{profile}` maps it to NodePort {node_port}",
                    mapping.node_port
                ),
            ),
            (None, None) => (
                RuleId::HostportProfileMismatch,
                &actual.node["nodes"],
                format!("NodePort {node_port} is not mapped, but profile `{profile}` maps it to host port {host_port}"),
            ),
        };
        let mut finding = difference(actual, node, "nodes[].extraPortMappings", message);
        finding.rule = rule;
        findings.push(finding.with_help(format!("map it: `{{containerPort: {node_port}, hostPort: {host_port}}}`")));
    }
    findings
}

/// The object that corresponds to an expected one: it has the same name, or the same name without the hash of the content.
fn counterpart<'a>(actual: &'a [Object], expected: &Object, kind: &str) -> Option<&'a Object> {
    let mut same_kind = actual.iter().filter(|other| kind_of(other) == Some(kind));
    let stem = |object: &Object| bare_name(object.name()).unwrap_or(object.name()).to_owned();
    let exact = same_kind.clone().find(|other| other.name() == expected.name());
    // Names of other kinds never contain a hash, even if they end in what looks like one.
    let hashed = matches!(kind, "ConfigMap" | "Secret" | "Job");
    exact.or_else(|| same_kind.find(|other| hashed && stem(other) == stem(expected)))
}

fn difference(object: &Object, node: &Node, field: &str, message: String) -> Finding {
    let span = if node.origin.span.is_none() { object.span() } else { node.origin.span };
    let mut finding = Finding::error(RuleId::ExpectedDiffers, span, message);
    finding.object = Some(object.id.clone());
    finding.field = field.to_owned();
    finding
}

fn check_namespace(actual: &Object, expected: &Object, profile: &str, findings: &mut Vec<Finding>) {
    let (namespace, expected) = (actual.namespace(), expected.namespace());
    // `kubectl -n` can set the namespace of an object that has none.
    if !namespace.is_empty() && namespace != expected {
        let message = format!(
            "{}/{} is in namespace `{namespace}`, but in `{expected}` in profile `{profile}`",
            actual.kind(),
            actual.name()
        );
        let node = actual.node.at(&["metadata", "namespace"]);
        let help = format!("set the namespace to `{expected}`");
        findings.push(difference(actual, node, "metadata.namespace", message).with_help(help));
    }
}

fn check_service(actual: &Object, expected: &Object, profile: &str, findings: &mut Vec<Finding>) {
    let ports = |object: &'_ Object| object.node["spec"]["ports"].items().to_vec();
    let actual_ports = ports(actual);
    for expected in ports(expected) {
        let number = expected["port"].as_i64();
        let Some((index, port)) = actual_ports.iter().enumerate().find(|(_, port)| port["port"].as_i64() == number)
        else {
            let message = format!(
                "Service `{}` does not have port {}, but has it in profile `{profile}`",
                actual.name(),
                number.unwrap_or_default()
            );
            findings.push(difference(actual, &actual.node["spec"]["ports"], "spec.ports", message));
            continue;
        };
        let node_port = port["nodePort"].as_i64();
        if let Some(expected) = expected["nodePort"].as_i64().filter(|expected| node_port != Some(*expected)) {
            let node = if port["nodePort"].is_set() { &port["nodePort"] } else { &port["port"] };
            let has = node_port.map_or_else(|| "no fixed NodePort".to_owned(), |port| format!("NodePort {port}"));
            let message = format!("Service `{}` has {has}, but {expected} in profile `{profile}`", actual.name());
            let help = format!("set `nodePort: {expected}`, which the kind cluster maps to the host");
            let field = format!("spec.ports[{index}].nodePort");
            let mut finding = difference(actual, node, &field, message).with_help(help);
            finding.rule = RuleId::NodeportProfileMismatch;
            findings.push(finding);
        }
    }
}

fn check_workload(
    view: &ServiceContainer<'_, '_>,
    expected: &ServiceContainer<'_, '_>,
    profile: &str,
    findings: &mut Vec<Finding>,
) {
    let object = view.object();
    check_namespace(object, expected.object(), profile, findings);
    let name = view.container.name();
    let (image, expected_image) = (view.container.image(), expected.container.image());
    if image_name(image) != image_name(expected_image) {
        let message = format!("the image is `{}`, but `{expected_image}` in profile `{profile}`", image.trim());
        findings.push(difference(object, &view.container.node["image"], "image", message));
    }
    for mount in &expected.container.mounts {
        let path = mount.path.trim_end_matches('/');
        let is_at = |other: &str| other.trim_end_matches('/') == path || other.starts_with(&format!("{path}/"));
        if !view.container.mounts.iter().any(|mount| is_at(mount.path)) {
            let message = format!("container `{name}` mounts no volume at {path}, but does in profile `{profile}`");
            let mut finding = difference(object, view.name_node(), "volumeMounts", message);
            finding.rule = RuleId::ExpectedMissing;
            // Other volumes, such as an emptyDir, are only there because the root file system is read-only.
            if !matches!(mount.source, MountSource::Files(..)) {
                finding.severity = Severity::Warning;
            }
            findings.push(finding.with_related(mount.node.origin.span, "the expected mount"));
        }
    }
    for probe in ["readinessProbe", "livenessProbe", "startupProbe"] {
        let expected = &expected.container.node[probe];
        if expected.is_set() && view.container.node[probe].is_null() {
            let path = match expected["httpGet"]["path"].text() {
                "" => String::new(),
                path => format!(" of `{path}`"),
            };
            let message = format!("container `{name}` has no {probe}, but has one{path} in profile `{profile}`");
            let mut finding = difference(object, view.name_node(), probe, message);
            finding.rule = RuleId::ExpectedMissing;
            if probe == "startupProbe" {
                finding.severity = Severity::Warning;
            }
            findings.push(finding);
        }
    }
    let waits = |view: &ServiceContainer<'_, '_>| {
        view.pod.containers.iter().any(|container| container.role == ContainerRole::Init)
    };
    if waits(expected) && !waits(view) {
        let message = format!(
            "{}/{} has no init container that waits until the tables exist, but has one in profile `{profile}`",
            object.kind(),
            object.name()
        );
        let mut finding = difference(object, view.name_node(), "initContainers", message);
        (finding.rule, finding.severity) = (RuleId::ExpectedMissing, Severity::Warning);
        findings.push(finding);
    }
    check_config(view, expected, profile, findings);
}

/// Compares the hosts and ports in the config.
fn check_config(
    view: &ServiceContainer<'_, '_>,
    expected: &ServiceContainer<'_, '_>,
    profile: &str,
    findings: &mut Vec<Finding>,
) {
    let dependencies = &expected.service.dependencies;
    let keys = dependencies
        .iter()
        .flat_map(|one| [&one.host_key, &one.port_key, &one.address_key, &one.database_key])
        .flatten()
        .map(String::as_str);
    let listening = expected.dialect.into_iter().flat_map(|dialect| &dialect.endpoints);
    let keys = keys.chain(listening.filter_map(|end| end.key.as_deref()));
    let Some(config) = view.config else { return };
    for key in keys {
        let (value, expected) = (view.value(key), expected.value(key));
        let short = |node: &Node| node.text().split('.').next().unwrap_or_default().to_owned();
        let same_host = value.as_str().is_some() && expected.as_str().is_some() && short(value) == short(expected);
        if value.is_null() || expected.is_null() || value == expected || same_host {
            continue;
        }
        let literal =
            |node: &Node| node.as_i64().map_or_else(|| format!("`{}`", node.text()), |number| number.to_string());
        let message = format!("`{key}` is {}, but {} in profile `{profile}`", literal(value), literal(expected));
        findings.push(difference(config.object, config.node, key, message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;
    use crate::yaml::{Dialect, load_text};

    #[test]
    fn names_match_without_the_hash_of_the_content() {
        let object = |kind: &str, name: &str| {
            let text = format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}}}\n");
            Object::new(load_text(&text, FileId(0), Dialect::Kubectl).documents.remove(0))
        };
        for (kind, expected, actual, matches) in [
            ("Service", "datastorage", "datastorage", true),
            ("Service", "datastorage", "datastorage-frontend1", false),
            ("Service", "datastorage", "datastorage-4f2a9c01aa", false),
            ("ConfigMap", "app", "app-4f2a9c01aa", true),
            ("ConfigMap", "app", "app-frontend1", false),
            ("ConfigMap", "app-4f2a9c01aa", "app-0123456789", true),
            ("ConfigMap", "app-4f2a9c01aa", "app-settings-0123456789", false),
        ] {
            let (expected, actual) = (object(kind, expected), [object(kind, actual)]);
            let found = counterpart(&actual, &expected, kind);
            assert_eq!(found.is_some(), matches, "{} {}", expected.name(), actual[0].name());
        }
    }
}
