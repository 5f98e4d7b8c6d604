//! Partial input: objects that are not in the input may be applied from elsewhere, so a missing object is at most a warning.
//! Each case is tested as in real manifests, and with a change that makes it a certain error.

use std::path::Path;

use plimsoll::check::input::Input;
use plimsoll::check::{Options, check_in};
use plimsoll::finding::{Finding, Severity};
use plimsoll::source::Sources;

fn case(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/partial").join(name)).unwrap()
}

/// The findings, except those of family `api`, of files that are checked together.
fn found(files: &[&str], complete: bool) -> Vec<Finding> {
    let sources = Sources::new();
    let mut input = Input::default();
    for (at, text) in files.iter().enumerate() {
        input.add(&sources, sources.add(format!("{at}.yaml"), *text), true);
    }
    let options = Options { complete, skip: vec!["api".to_owned()], ..Options::default() };
    let mut findings = input.findings;
    findings.extend(check_in(&sources, &input.objects, &options));
    findings
}

/// The severities of a rule's findings.
fn severities(rule: &str, files: &[&str], complete: bool) -> Vec<Severity> {
    found(files, complete)
        .into_iter()
        .filter(|finding| finding.rule.name() == rule)
        .map(|finding| finding.severity)
        .collect()
}

fn replaced(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "{old} in {text}");
    text.replacen(old, new, 1)
}

/// Splits a stream into its documents.
fn documents(text: &str) -> Vec<&str> {
    text.split("---\n").collect()
}

const NONE: [Severity; 0] = [];

#[test]
fn the_health_check_port_of_a_load_balancer_is_not_a_service_port() {
    let text = case("alb-use-annotation.yaml");
    assert_eq!(severities("reference-missing", &[&text], true), NONE);
    let redirect = replaced(&text, "service: {name: web", "service: {name: ssl-redirect");
    assert_eq!(severities("reference-missing", &[&redirect], true), NONE);
    let other = replaced(&text, "use-annotation", "web");
    assert_eq!(severities("reference-missing", &[&other], false), [Severity::Error]);
}

#[test]
fn labels_that_controllers_set_are_not_missing() {
    let text = case("service-runtime-label.yaml");
    let rule = "service-selects-nothing";
    assert_eq!(severities(rule, &[&text], true), NONE);
    for label in ["operator: leader", "cnpg.io/instanceRole: primary", "vault-sealed: 'false'", "role: master"] {
        assert_eq!(severities(rule, &[&replaced(&text, "vault-active: \"true\"", label)], true), NONE, "{label}");
    }
    // A label with a domain that no pod template uses is set by a controller.
    let text_of_operator =
        replaced(&text, "vault-active: \"true\"", "elasticsearch.k8s.elastic.co/node-data: \"true\"");
    assert_eq!(severities(rule, &[&text_of_operator], false), [Severity::Note]);
    for label in ["app.kubernetes.io/component: master", "tier: backend", "app: leader"] {
        let text = replaced(&text, "vault-active: \"true\"", label);
        assert_eq!(severities(rule, &[&text], false), [Severity::Warning], "{label}");
        assert_eq!(severities(rule, &[&text], true), [Severity::Error], "{label}");
    }
}

#[test]
fn a_near_name_changes_the_help_and_not_the_severity() {
    let text = case("near-name-other-file.yaml");
    assert_eq!(severities("host-unresolved", &[&text], false), [Severity::Warning]);
    assert_eq!(severities("host-unresolved", &[&text], true), [Severity::Error]);
    let finding = |text: &str| {
        found(&[text], false).into_iter().find(|finding| finding.rule.name() == "host-unresolved").unwrap()
    };
    // The Service of the program itself is not suggested.
    assert!(!finding(&text).help.contains("did you mean"), "{}", finding(&text).help);
    let database = text.clone()
        + "---\napiVersion: v1\nkind: Service\nmetadata: {name: blog-mysq}\nspec: {ports: [{port: 3306}]}\n";
    assert!(finding(&database).help.starts_with("did you mean `blog-mysq`? "), "{}", finding(&database).help);
    assert_eq!(severities("host-unresolved", &[&database], false), [Severity::Warning]);
}

#[test]
fn a_missing_namespace_matches_any_namespace() {
    let text = case("no-namespace-beside-one.yaml");
    assert_eq!(severities("host-unresolved", &[&text], false), NONE);
    let other = replaced(&text, "{name: minio}", "{name: minio, namespace: storage}");
    assert_eq!(severities("host-unresolved", &[&other], false), [Severity::Warning]);
    assert_eq!(severities("host-unresolved", &[&other], true), [Severity::Error]);
    let found = found(&[&other], false).into_iter().find(|finding| finding.rule.name() == "host-unresolved").unwrap();
    assert_eq!(found.message, "Service `minio` not found in namespace `argo`, but it exists in `storage`");
    assert_eq!(found.help, "use `minio.storage`");
}

#[test]
fn a_service_that_selects_only_a_job_is_intentional() {
    let text = case("service-of-a-job.yaml");
    let rule = "service-selects-job";
    assert_eq!(severities(rule, &[&text], true), [Severity::Note]);
    let pod = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: job-client}}\nspec: {containers: [{name: c, image: 'docker.io/acme/c:v1', ports: [{containerPort: 8080}]}]}\n";
    assert_eq!(severities(rule, &[&(text + pod)], false), [Severity::Warning]);
}

#[test]
fn a_role_may_be_applied_from_elsewhere() {
    let text = case("near-role-elsewhere.yaml");
    assert_eq!(severities("rbac-roleref-missing", &[&text], false), [Severity::Warning]);
    assert_eq!(severities("rbac-roleref-missing", &[&text], true), [Severity::Error]);
    let there = replaced(&text, "name: imc-addressable-resolver", "name: addressable-resolver");
    assert_eq!(severities("rbac-roleref-missing", &[&there], true), NONE);
}

#[test]
fn an_injected_sidecar_may_serve_a_port() {
    let text = case("injected-sidecar-port.yaml");
    let rule = "target-port-unserved";
    assert_eq!(severities(rule, &[&text], true), NONE);
    let namespace =
        "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop, annotations: {linkerd.io/inject: enabled}}\n";
    let plain = replaced(&text, ", annotations: {linkerd.io/inject: enabled}", "");
    assert_eq!(severities(rule, &[&plain], false), [Severity::Error]);
    let placed = plain
        .replace("{name: web}", "{name: web, namespace: shop}")
        .replace("{name: web-metrics}", "{name: web-metrics, namespace: shop}");
    assert_eq!(severities(rule, &[&placed], false), [Severity::Error]);
    assert_eq!(severities(rule, &[&(placed + namespace)], true), NONE);
    let off = replaced(&text, "inject: enabled", "inject: disabled");
    assert_eq!(severities(rule, &[&off], false), [Severity::Error]);
    // Objects of two files may belong to different installations.
    assert_eq!(severities(rule, &documents(&plain), false), [Severity::Warning]);
    assert_eq!(severities(rule, &documents(&plain), true), [Severity::Error]);
}

#[test]
fn a_proxy_appends_the_port() {
    let text = case("nginx-variable-port.yaml");
    assert_eq!(severities("url-port-unserved", &[&text], true), NONE);
    let direct = replaced(
        &text,
        "set $b http://loki-querier.app.svc.cluster.local;",
        "proxy_pass http://loki-querier.app.svc.cluster.local:3200;",
    );
    assert_eq!(severities("url-port-unserved", &[&direct], false), [Severity::Error]);
    // An upstream that is missing may be optional.
    let missing = replaced(&text, "set $b http://loki-querier.", "set $b http://loki-ruler.");
    assert_eq!(severities("url-unresolved", &[&missing], false), [Severity::Note]);
    assert_eq!(severities("url-unresolved", &[&missing], true), [Severity::Error]);
}

#[test]
fn a_subject_of_another_namespace_is_a_warning() {
    let text = case("subject-wrong-namespace.yaml");
    assert_eq!(severities("rbac-subject-missing", &[&text], false), [Severity::Warning]);
    assert_eq!(severities("rbac-subject-missing", &[&text], true), [Severity::Error]);
    let right = replaced(&text, "name: op, namespace: default", "name: op, namespace: ops");
    assert_eq!(severities("rbac-subject-missing", &[&right], true), NONE);
    let unplaced = replaced(&text, "{name: op, namespace: ops}", "{name: op}");
    assert_eq!(severities("rbac-subject-missing", &[&unplaced], true), NONE);
}

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {LEVEL: info}\n";
const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: web\n    image: ghcr.io/acme/web:v1\n    \
                   env: [{name: LEVEL, valueFrom: {configMapKeyRef: {name: web, key: LOG_LEVEL}}}]\n";

#[test]
fn files_of_a_folder_may_be_alternatives() {
    let rule = "reference-missing";
    let right = MAP.replace("LEVEL", "LOG_LEVEL");
    let one = format!("{MAP}---\n{POD}");
    // A reference is to the object in the same file, whatever comes first in other files.
    assert_eq!(severities(rule, &[&one], false), [Severity::Error]);
    assert_eq!(severities(rule, &[&right, &one], false), [Severity::Error]);
    assert_eq!(severities(rule, &[MAP, &format!("{right}---\n{POD}")], false), NONE);
    // If it is only in other files, one that has the key is enough.
    assert_eq!(severities(rule, &[MAP, POD], false), [Severity::Warning]);
    assert_eq!(severities(rule, &[MAP, POD, &right], false), NONE);
    // They are duplicates only within a file, or if the input is complete.
    assert_eq!(severities("duplicate-object", &[MAP, &right], false), NONE);
    assert_eq!(severities("duplicate-object", &[MAP, &right], true), [Severity::Error]);
    assert_eq!(severities("duplicate-object", &[&format!("{MAP}---\n{right}")], false), [Severity::Error]);
    let service = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{type: NodePort, ports: [{{port: 80, nodePort: 30080}}]}}\n"
        )
    };
    assert_eq!(severities("nodeport-duplicate", &[&service("a"), &service("b")], false), NONE);
    assert_eq!(severities("nodeport-duplicate", &[&service("a"), &service("b")], true), [Severity::Error]);
    assert_eq!(
        severities("nodeport-duplicate", &[&format!("{}---\n{}", service("a"), service("b"))], false),
        [Severity::Error]
    );
}

#[test]
fn a_volume_claim_template_overrides_a_volume() {
    let set = |claim: &str| {
        format!(
            "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: db}}\nspec:\n  serviceName: db\n  selector: {{matchLabels: {{a: b}}}}\n  template:\n    \
             metadata: {{labels: {{a: b}}}}\n    spec:\n      containers: [{{name: db, image: 'ghcr.io/acme/db:v1', volumeMounts: [{{name: data, mountPath: /data}}]}}]\n      \
             volumes: [{{name: data, persistentVolumeClaim: {{claimName: data}}}}]\n  volumeClaimTemplates: [{{metadata: {{name: {claim}}}, spec: {{}}}}]\n---\n\
             apiVersion: v1\nkind: Service\nmetadata: {{name: db}}\nspec: {{clusterIP: None}}\n"
        )
    };
    assert_eq!(severities("reference-missing", &[&set("data")], true), NONE);
    assert_eq!(severities("reference-missing", &[&set("other")], true), [Severity::Error]);
}

#[test]
fn an_object_that_is_missing_is_reported_once() {
    let mount = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n  containers:\n  - name: web\n    image: ghcr.io/acme/web:v1\n    \
             envFrom: [{{secretRef: {{name: db}}}}]\n    volumeMounts: [{{name: a, mountPath: /a}}, {{name: b, mountPath: /b}}]\n  \
             volumes: [{{name: a, secret: {{secretName: db}}}}, {{name: b, secret: {{secretName: db}}}}]\n"
        )
    };
    let findings = found(&[&mount("a"), &mount("b")], false);
    let missing: Vec<&Finding> = findings.iter().filter(|finding| finding.rule.name() == "reference-missing").collect();
    assert_eq!(missing.len(), 1, "{missing:#?}");
    assert_eq!((missing[0].severity, missing[0].message.as_str()), (Severity::Warning, "Secret `db` not found"));
    assert_eq!(
        missing[0].related.iter().map(|(_, note)| note.as_str()).collect::<Vec<_>>(),
        ["Pod/b also refers to it"]
    );
}
