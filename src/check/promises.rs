//! What a profile promises: manifests held against the bundle the profile renders.
//!
//! Objects are matched by kind and name (content hashes and the like left out), workloads of a known service by what they
//! run. What the bundle has and the manifests lack is told, so that a team sees what to add.

use foldhash::{HashSet, HashSetExt};

use crate::bundle::bare_name;
use crate::check::Options;
use crate::check::rules::wiring::_kind::mappings;
use crate::finding::{Finding, RuleId, Severity};
use crate::graph::{Graph, MountSource, View, image_name, kind_of};
use crate::node::Node;
use crate::object::{ContainerRole, Object};
use crate::source::Span;

/// Kinds whose absence keeps the bundle from working.
const NEEDED: &[&str] =
    &["ConfigMap", "Secret", "Service", "Deployment", "StatefulSet", "Job", "PersistentVolumeClaim"];

/// Holds manifests against the bundle of a profile.
#[must_use]
pub fn check(given: &[Object], promised: &[Object], profile: &str, options: &Options) -> Vec<Finding> {
    let graph = |objects| Graph::build(objects, &options.services, &options.externals, &options.references);
    let (have, want) = (graph(given), graph(promised));
    let mut findings = Vec::new();
    let here = given.first().map_or(Span::NONE, Object::span);
    let mut matched: HashSet<usize> = HashSet::new();
    for expected in want.all_known() {
        match have.all_known().find(|view| view.service.name == expected.service.name) {
            Some(view) => {
                matched.extend(want.number(expected.object()));
                workload(&view, &expected, profile, &mut findings);
            }
            None => continue,
        }
    }
    for (number, object) in promised.iter().enumerate() {
        let Some(kind) = kind_of(object).filter(|_| !object.is_custom()) else { continue };
        if matched.contains(&number) || kind == "Namespace" {
            continue;
        }
        match twin(given, object, kind) {
            Some(twin) => {
                namespace(twin, object, profile, &mut findings);
                if kind == "Service" {
                    service(twin, object, profile, &mut findings);
                }
            }
            None => {
                let severity = if NEEDED.contains(&kind) { Severity::Error } else { Severity::Warning };
                let message = format!("{kind} `{}` is missing; the bundle of {profile} has it", object.name());
                let help = format!("`plimsoll render {profile} --only {kind}/{}` prints it", object.name());
                let mut finding = Finding::new(RuleId::PromiseMissing, severity, here, message).with_help(help);
                finding.object = Some(object.id.clone());
                findings.push(finding);
            }
        }
    }
    findings
}

/// Holds the config of a kind cluster against that of a profile: each NodePort is reached at the same port of the host.
#[must_use]
pub fn check_cluster(given: &Object, promised: &Object, profile: &str) -> Vec<Finding> {
    let have = mappings(given);
    let mut findings = Vec::new();
    for wanted in mappings(promised) {
        let (inner, outer) = (wanted.node_port, wanted.host_port);
        let of_protocol = || have.iter().filter(|mapping| mapping.protocol == wanted.protocol);
        if of_protocol().any(|mapping| (mapping.node_port, mapping.host_port) == (inner, outer)) {
            continue;
        }
        let same_node_port = of_protocol().find(|mapping| mapping.node_port == inner);
        let same_host_port = of_protocol().find(|mapping| mapping.host_port == outer);
        let (rule, node, message) = match (same_node_port, same_host_port) {
            (Some(mapping), _) => (
                RuleId::HostportProfileMismatch,
                &mapping.node["hostPort"],
                format!(
                    "NodePort {inner} is mapped to port {} of the host; {profile} maps it to {outer}",
                    mapping.host_port
                ),
            ),
            (None, Some(mapping)) => (
                RuleId::NodeportProfileMismatch,
                &mapping.node["containerPort"],
                format!(
                    "port {outer} of the host leads to NodePort {}; that of {profile} leads to {inner}",
                    mapping.node_port
                ),
            ),
            (None, None) => (
                RuleId::HostportProfileMismatch,
                &given.node["nodes"],
                format!("NodePort {inner} is not mapped; {profile} maps it to port {outer} of the host"),
            ),
        };
        let mut finding = differs(given, node, "nodes[].extraPortMappings", message);
        finding.rule = rule;
        findings.push(finding.with_help(format!("map it: `{{containerPort: {inner}, hostPort: {outer}}}`")));
    }
    findings
}

/// The object that a promised one is: of its name, or of its name but for the hash of the content.
fn twin<'a>(given: &'a [Object], promised: &Object, kind: &str) -> Option<&'a Object> {
    let mut same = given.iter().filter(|other| kind_of(other) == Some(kind));
    let stem = |object: &Object| bare_name(object.name()).unwrap_or(object.name()).to_owned();
    let exact = same.clone().find(|other| other.name() == promised.name());
    // Names of other kinds are written by hand, and may end in what only looks like a hash.
    let hashed = matches!(kind, "ConfigMap" | "Secret" | "Job");
    exact.or_else(|| same.find(|other| hashed && stem(other) == stem(promised)))
}

fn differs(object: &Object, node: &Node, field: &str, message: String) -> Finding {
    let span = if node.origin.span.is_none() { object.span() } else { node.origin.span };
    let mut finding = Finding::error(RuleId::PromiseDiffers, span, message);
    finding.object = Some(object.id.clone());
    finding.field = field.to_owned();
    finding
}

fn namespace(given: &Object, promised: &Object, profile: &str, findings: &mut Vec<Finding>) {
    let (here, there) = (given.namespace(), promised.namespace());
    // `kubectl -n` may still put what names none into the right one.
    if !here.is_empty() && here != there {
        let message = format!("{}/{} is in `{here}`; {profile} is in `{there}`", given.kind(), given.name());
        let node = given.node.at(&["metadata", "namespace"]);
        findings.push(differs(given, node, "metadata.namespace", message).with_help(format!("say `{there}`")));
    }
}

fn service(given: &Object, promised: &Object, profile: &str, findings: &mut Vec<Finding>) {
    let ports = |object: &'_ Object| object.node["spec"]["ports"].items().to_vec();
    let have = ports(given);
    for port in ports(promised) {
        let number = port["port"].as_i64();
        let Some((at, own)) = have.iter().enumerate().find(|(_, own)| own["port"].as_i64() == number) else {
            let message = format!(
                "Service `{}` does not serve {}; that of {profile} does",
                given.name(),
                number.unwrap_or_default()
            );
            findings.push(differs(given, &given.node["spec"]["ports"], "spec.ports", message));
            continue;
        };
        let (here, there) = (own["nodePort"].as_i64(), port["nodePort"].as_i64());
        if let Some(there) = there.filter(|_| here != Some(there.unwrap_or_default())) {
            let node = if own["nodePort"].is_set() { &own["nodePort"] } else { &own["port"] };
            let is = here.map_or_else(|| "has no fixed NodePort".to_owned(), |port| format!("has NodePort {port}"));
            let message = format!("Service `{}` {is}; {profile} has {there}", given.name());
            let field = format!("spec.ports[{at}].nodePort");
            let mut finding = differs(given, node, &field, message).with_help("the kind cluster maps that one");
            finding.rule = RuleId::NodeportProfileMismatch;
            findings.push(finding);
        }
    }
}

fn workload(view: &View<'_, '_>, expected: &View<'_, '_>, profile: &str, findings: &mut Vec<Finding>) {
    let object = view.object();
    namespace(object, expected.object(), profile, findings);
    let name = view.container.name();
    let (image, promised) = (view.container.image(), expected.container.image());
    if image_name(image) != image_name(promised) {
        let message = format!("the image is `{}`; {profile} uses `{promised}`", image.trim());
        findings.push(differs(object, &view.container.node["image"], "image", message));
    }
    for mount in &expected.container.mounts {
        let path = mount.path.trim_end_matches('/');
        let below = |other: &str| other.trim_end_matches('/') == path || other.starts_with(&format!("{path}/"));
        if !view.container.mounts.iter().any(|mount| below(mount.path)) {
            let message = format!("container `{name}` mounts nothing at {path}; that of {profile} does");
            let mut finding = differs(object, view.name_node(), "volumeMounts", message);
            finding.rule = RuleId::PromiseMissing;
            // An empty folder is there for a read-only root only.
            if !matches!(mount.source, MountSource::Files(..)) {
                finding.severity = Severity::Warning;
            }
            findings.push(finding.with_related(mount.node.origin.span, "as rendered"));
        }
    }
    for probe in ["readinessProbe", "livenessProbe", "startupProbe"] {
        let promised = &expected.container.node[probe];
        if promised.is_set() && view.container.node[probe].is_null() {
            let path = promised["httpGet"]["path"].text();
            let message = format!("container `{name}` has no {probe}; that of {profile} asks {path}");
            let mut finding = differs(object, view.name_node(), probe, message);
            finding.rule = RuleId::PromiseMissing;
            if probe == "startupProbe" {
                finding.severity = Severity::Warning;
            }
            findings.push(finding);
        }
    }
    let waits = |view: &View<'_, '_>| view.pod.containers.iter().any(|container| container.role == ContainerRole::Init);
    if waits(expected) && !waits(view) {
        let message =
            format!("nothing holds {} back until its tables are there; {profile} has an init container", name);
        let mut finding = differs(object, view.name_node(), "initContainers", message);
        (finding.rule, finding.severity) = (RuleId::PromiseMissing, Severity::Warning);
        findings.push(finding);
    }
    config(view, expected, profile, findings);
}

/// The hosts and ports of the config.
fn config(view: &View<'_, '_>, expected: &View<'_, '_>, profile: &str, findings: &mut Vec<Finding>) {
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
        let (here, there) = (view.value(key), expected.value(key));
        let short = |node: &Node| node.text().split('.').next().unwrap_or_default().to_owned();
        let same_host = here.as_str().is_some() && there.as_str().is_some() && short(here) == short(there);
        if here.is_null() || there.is_null() || here == there || same_host {
            continue;
        }
        let words =
            |node: &Node| node.as_i64().map_or_else(|| format!("`{}`", node.text()), |number| number.to_string());
        let message = format!("`{key}` is {}; {profile} has {}", words(here), words(there));
        findings.push(differs(config.object, config.node, key, message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;
    use crate::yaml::{Dialect, load_text};

    #[test]
    fn only_the_hash_of_a_content_is_no_part_of_a_name() {
        let object = |kind: &str, name: &str| {
            let text = format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}}}\n");
            Object::new(load_text(&text, FileId(0), Dialect::Kubectl).documents.remove(0))
        };
        for (kind, promised, given, is_twin) in [
            ("Service", "datastorage", "datastorage", true),
            ("Service", "datastorage", "datastorage-frontend1", false),
            ("Service", "datastorage", "datastorage-4f2a9c01aa", false),
            ("ConfigMap", "app", "app-4f2a9c01aa", true),
            ("ConfigMap", "app", "app-frontend1", false),
            ("ConfigMap", "app-4f2a9c01aa", "app-0123456789", true),
            ("ConfigMap", "app-4f2a9c01aa", "app-settings-0123456789", false),
        ] {
            let (promised, given) = (object(kind, promised), [object(kind, given)]);
            assert_eq!(twin(&given, &promised, kind).is_some(), is_twin, "{} {}", promised.name(), given[0].name());
        }
    }
}
