//! Limits of the graph, and lookups.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;

use super::*;
use crate::source::FileId;
use crate::yaml::{self, Dialect};

/// Evaluates a function on the graph of manifests.
fn with_graph<T>(text: &str, of: impl FnOnce(&Graph<'_>) -> T) -> T {
    let loaded = yaml::load_text(text, FileId(0), Dialect::Kubectl);
    assert!(loaded.findings.is_empty(), "{:?}", loaded.findings);
    let objects: Vec<Object> = loaded.documents.into_iter().map(Object::new).collect();
    of(&Graph::build(&objects, &Services::default(), &[], &[]))
}

fn pod(name: &str, namespace: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}, labels: {{app: a, pod: {name}}}}}\n\
         spec: {{{spec}}}\n"
    )
}

fn service(name: &str, selector: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: ns}}\nspec: {{selector: {{{selector}}}}}\n"
    )
}

#[test]
fn the_selected_pods_of_a_service_are_limited() {
    let many: String = (0..150).map(|at| pod(&format!("p{at}"), "ns", "")).collect();
    let text =
        format!("{many}{}{}{}", service("all", "app: a"), service("one", "app: a, pod: p149"), pod("p", "m", ""));
    with_graph(&text, |graph| {
        let [all, one] = graph.services.as_slice() else { panic!("{}", graph.services.len()) };
        assert_eq!(all.pods, (0..100).collect::<Vec<_>>());
        assert_eq!(one.pods, [149]);
        assert!(all.may_select_more() && !one.may_select_more());
        assert_eq!(graph.services_of(149).count(), 1);
        assert_eq!(graph.services_of(0).count(), 1);
        assert!(graph.may_be_selected_by_more(149) && !graph.may_be_selected_by_more(150));
    });
    let hundred: String = (0..100).map(|at| pod(&format!("p{at}"), "ns", "")).collect();
    with_graph(&(hundred + &service("all", "app: a")), |graph| {
        assert_eq!(graph.services[0].pods.len(), 100);
        assert!(!graph.services[0].may_select_more() && !graph.may_be_selected_by_more(0));
    });
}

#[test]
fn objects_are_found_from_their_namespaces() {
    let map = |namespace: &str| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x{namespace}}}\n");
    let text: String = ["", ", namespace: a", ", namespace: b", ", namespace: b"].map(map).concat();
    with_graph(&text, |graph| {
        let found = |namespace: &str| graph.find("ConfigMap", namespace, "x").and_then(|object| graph.index_of(object));
        assert_eq!([found(""), found("a"), found("b")], [Some(0), Some(1), Some(2)]);
        // The object without a namespace may be applied to it with `kubectl -n c`.
        assert_eq!([found("default"), found("c")], [Some(0), Some(0)]);
        assert_eq!(graph.in_any_namespace("ConfigMap", "x").count(), 4);
    });
}

/// The variables from `envFrom` are stored for each container.
#[test]
fn variables_from_config_maps_are_limited() {
    let value = "x".repeat(1 << 20);
    let map = |name: &str, data: &str| {
        format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: ns}}\ndata: {{{data}}}\n")
    };
    let mut text = map("first", "B: hidden") + &map("c", &format!("A: {value}, B: b"));
    let from = "envFrom: [{configMapRef: {name: first}}, {configMapRef: {name: c}}], env: [{name: C, value: c}]";
    let containers: Vec<String> = (0..40).map(|at| format!("{{name: c{at}, {from}}}")).collect();
    _ = write!(text, "{}", pod("p", "ns", &format!("containers: [{}]", containers.join(", "))));
    with_graph(&text, |graph| {
        let containers = &graph.pods[0].containers;
        let known = containers.iter().take_while(|container| !container.env_open).count();
        assert_eq!(known, 31);
        let text = |container: &Container<'_>, name: &str| container.var_text(name).unwrap_or_default();
        assert!(containers[..known].iter().all(|container| text(container, "B") == "b"));
        // Beyond the limit, no variable is known, since a later one may override it.
        let inherits = |container: &Container<'_>| ["A", "B"].iter().any(|name| container.var(name).is_some());
        assert!(containers[known..].iter().all(|container| container.env_open && !inherits(container)));
        assert!(containers.iter().all(|container| text(container, "C") == "c"));
    });
}

#[test]
fn a_projected_volume_with_too_many_sources_is_opaque() {
    for (sources, known) in [(32, true), (33, false)] {
        let sources = vec!["{configMap: {name: c}}"; sources].join(", ");
        let spec = format!(
            "volumes: [{{name: v, projected: {{sources: [{sources}]}}}}], \
             containers: [{{name: c, volumeMounts: [{{name: v, mountPath: /v}}]}}]"
        );
        let mount = with_graph(&pod("p", "ns", &spec), |graph| {
            matches!(graph.pods[0].containers[0].mounts[0].source, MountSource::Files(..))
        });
        assert_eq!(mount, known);
    }
}

#[test]
fn the_mount_with_the_longest_path_applies() {
    let mounts = ["/", "/a", "/a/b/", "/a/b", "/ab"].map(|path| format!("{{name: v, mountPath: {path}}}")).join(", ");
    let spec = format!("containers: [{{name: c, volumeMounts: [{mounts}]}}]");
    with_graph(&pod("p", "ns", &spec), |graph| {
        let container = &graph.pods[0].containers[0];
        let covers = |path: &str| {
            let mount = container.mount_of(path)?;
            container.mounts.iter().position(|other| std::ptr::eq(other, mount))
        };
        let paths = ["/x", "/a", "/a/", "/a/c", "/a/b", "/a/b/c/d", "/abc", "/ab/c", "x"];
        let found = paths.map(covers);
        assert_eq!(found, [Some(0), Some(1), Some(1), Some(1), Some(3), Some(3), Some(0), Some(4), None]);
        assert_eq!(covers(&"/a".repeat(2049)), None);
    });
}
