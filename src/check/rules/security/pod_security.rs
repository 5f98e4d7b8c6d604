//! Rule `pod-security`.

use crate::check::Purpose;
use crate::check::{Bundle, Check, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Container, Pod};
use crate::node::Node;
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::PodSecurity,
    doc: "A namespace labelled `pod-security.kubernetes.io/enforce` refuses pods that break its level. The workload is accepted all the same, and its pods are never made. The rules are those of the Pod Security Standards, `baseline` and `restricted`; levels that are only warned of or audited are warnings here. In production (`restricted` asked for by the profile's environment) a break is a warning.",
    bad: r#"apiVersion: v1
kind: Namespace
metadata: {name: strict, labels: {pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: strict}
spec: {containers: [{name: web, image: "ghcr.io/acme/web:v1"}]}
"#,
    good: r#"-spec: {containers: [{name: web, image: "ghcr.io/acme/web:v1"}]}
+spec:
+  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
+  containers:
+  - name: web
+    image: ghcr.io/acme/web:v1
+    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for pod in &graph.pods {
        let namespace = graph.find("Namespace", "", pod.namespace());
        let labels = namespace.map_or(Node::absent(), |namespace| &namespace.node["metadata"]["labels"]);
        let level = |mode: &str| labels[format!("pod-security.kubernetes.io/{mode}").as_str()].text();
        let (level, severity) = match (level("enforce"), level("warn"), level("audit")) {
            (enforced @ ("restricted" | "baseline"), ..) => (enforced, Severity::Error),
            (_, told @ ("restricted" | "baseline"), _) | (_, _, told @ ("restricted" | "baseline")) => {
                (told, Severity::Warning)
            }
            _ if bundle.options.purpose == Purpose::Production => ("restricted", Severity::Warning),
            _ => continue,
        };
        let breaks = breaks(pod, level == "restricted");
        let Some((first, _)) = breaks.first() else { continue };
        let words: Vec<&str> = breaks.iter().map(|(_, words)| words.as_str()).collect();
        let draft = report
            .at(pod.object, first, format!("the pods break the level `{level}`: {}", words.join("; ")))
            .severity(severity)
            .help(help(level));
        if let Some(namespace) = namespace {
            draft.related(namespace.span(), "its namespace asks for it");
        }
    }
}

fn help(level: &str) -> String {
    if level == "restricted" {
        "restricted wants runAsNonRoot, seccompProfile RuntimeDefault, allowPrivilegeEscalation false, and capabilities drop ALL".to_owned()
    } else {
        format!("{level} forbids what reaches out of the container")
    }
}

/// Capabilities that `baseline` lets a container add.
const ADDABLE: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Volumes that `restricted` allows.
const VOLUMES: &[&str] = &[
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
    "name",
    "image",
];

fn breaks<'a>(pod: &Pod<'a>, restricted: bool) -> Vec<(&'a Node, String)> {
    let mut found: Vec<(&'a Node, String)> = Vec::new();
    let spec = pod.spec;
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        if spec[field].as_bool() == Some(true) {
            found.push((&spec[field], field.to_owned()));
        }
    }
    for volume in spec["volumes"].items() {
        let kind =
            volume.entries().iter().find(|entry| entry.key != "name").map_or("emptyDir", |entry| entry.key.as_str());
        if kind == "hostPath" || (restricted && !VOLUMES.contains(&kind)) {
            found.push((&volume["name"], format!("volume `{}` is {kind}", volume["name"].text())));
        }
    }
    for container in &pod.containers {
        container_breaks(pod, container, restricted, &mut found);
    }
    found
}

fn container_breaks<'a>(
    pod: &Pod<'a>,
    container: &Container<'a>,
    restricted: bool,
    found: &mut Vec<(&'a Node, String)>,
) {
    let own = &container.node["securityContext"];
    let shared = &pod.spec["securityContext"];
    let name = container.name();
    let either = |field: &str| if own[field].is_set() { &own[field] } else { &shared[field] };
    let windows = pod.spec["os"]["name"].text() == "windows";
    if own["privileged"].as_bool() == Some(true) {
        found.push((&own["privileged"], format!("`{name}` is privileged")));
    }
    for port in
        container.node["ports"].items().iter().filter(|port| port["hostPort"].as_i64().is_some_and(|port| port > 0))
    {
        found.push((&port["hostPort"], format!("`{name}` takes a host port")));
    }
    let allowed: &[&str] = if restricted { &["NET_BIND_SERVICE"] } else { ADDABLE };
    let added: Vec<&str> =
        own["capabilities"]["add"].items().iter().map(Node::text).filter(|cap| !allowed.contains(cap)).collect();
    if !added.is_empty() {
        found.push((&own["capabilities"]["add"], format!("`{name}` adds {}", suggest::list(&added, "and"))));
    }
    if either("seccompProfile")["type"].text() == "Unconfined" {
        found.push((either("seccompProfile"), format!("`{name}` has no seccomp profile")));
    }
    if !restricted || windows {
        return;
    }
    let place = &container.node["name"];
    if own["allowPrivilegeEscalation"].as_bool() != Some(false) {
        found.push((place, format!("`{name}` lacks allowPrivilegeEscalation: false")));
    }
    if !own["capabilities"]["drop"].items().iter().any(|cap| cap.text() == "ALL") {
        found.push((place, format!("`{name}` does not drop ALL capabilities")));
    }
    if either("runAsNonRoot").as_bool() != Some(true) {
        found.push((place, format!("`{name}` lacks runAsNonRoot: true")));
    }
    if either("runAsUser").as_i64() == Some(0) {
        found.push((either("runAsUser"), format!("`{name}` runs as root")));
    }
    if !matches!(either("seccompProfile")["type"].text(), "RuntimeDefault" | "Localhost" | "Unconfined") {
        found.push((place, format!("`{name}` lacks a seccompProfile")));
    }
}
