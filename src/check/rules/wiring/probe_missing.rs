//! Rule `probe-missing`.

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{Remedy, RuleId, Severity};
use crate::node::Node;
use crate::source::Span;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ProbeMissing,
    doc: Doc {
        checks: "\
Checks that containers that serve traffic have at least one probe. For known services it is a
warning, and an error if the manifests are complete (`--complete`, `--profile`, `render`). For other
programs behind a Service it is a warning in the bundles of the project (`--profile`, `render`), and
is not reported for other manifests. A pod of other programs needs one container with a probe.",
        why: "\
Without a readiness probe, the Service sends traffic to the container before it can answer, and a
rollout counts as complete when the container has only started. Without a liveness probe, a process
that hangs is not restarted.",
        fix: "Add a `readinessProbe`, and a `livenessProbe` if a restart helps.",
        source: "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/.",
    },
    bad: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: datastorage-config}
data:
  config.yaml: |
    server: {port: 8080}
    database:
      host: postgresql
      port: 5432
      name: action_history
      secretsFile: /etc/datastorage/secrets/db.yaml
      usernameKey: username
      passwordKey: password
    redis:
      addr: redis:6379
      secretsFile: /etc/datastorage/secrets/redis.yaml
      passwordKey: password
---
apiVersion: v1
kind: Secret
metadata: {name: datastorage-secret}
stringData:
  db.yaml: |
    username: slm_user
    password: test_password
  redis.yaml: |
    password: ""
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: datastorage}
spec:
  selector: {matchLabels: {app: datastorage}}
  template:
    metadata: {labels: {app: datastorage}}
    spec:
      containers:
      - name: datastorage
        image: quay.io/acme/datastorage:v1
        ports: [{containerPort: 8080}]
        env: [{name: CONFIG_PATH, value: /etc/datastorage/config.yaml}]
        volumeMounts:
        - {name: config, mountPath: /etc/datastorage}
        - {name: secrets, mountPath: /etc/datastorage/secrets}
      volumes:
      - {name: config, configMap: {name: datastorage-config}}
      - {name: secrets, secret: {secretName: datastorage-secret}}
"#,
    good: r"         - {name: secrets, mountPath: /etc/datastorage/secrets}
+        readinessProbe: {httpGet: {path: /health, port: 8080}}
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let has_no_probe = |container: &crate::graph::Container<'_>| {
        ["readinessProbe", "livenessProbe", "startupProbe"].iter().all(|probe| container.node[*probe].is_null())
    };
    for view in graph.known().filter(|view| has_no_probe(view.container)) {
        let path = view
            .endpoints()
            .iter()
            .flat_map(|(port, paths)| paths.iter().map(move |path| (*port, path)))
            .find(|(_, path)| path.contains("health"));
        let draft = report
            .at(view.object(), view.name_node(), format!("container `{}` has no probes", view.container.name()))
            .severity(bundle.absent())
            .remedy(probe(view.container.node, path.map(|(port, path)| (port, path.as_str()))));
        if let Some((port, path)) = path {
            draft.help(format!("add a `readinessProbe` of path {path} on port {port}"));
        }
    }
    // For other programs it is a recommendation, reported only for the bundles of the project.
    if !bundle.options.is_rendered {
        return;
    }
    for (at, pod) in graph.pods.iter().enumerate().filter(|(_, pod)| pod.is_long_running()) {
        if graph.known_of(at).next().is_some() || graph.services_of(at).next().is_none() {
            continue;
        }
        // One container of the pod with a probe is enough.
        let main = pod.running().find(|container| container.role == crate::object::ContainerRole::Main);
        if let Some(container) = main.filter(|_| pod.running().all(has_no_probe)) {
            report
                .at(
                    pod.object,
                    &container.node["name"],
                    format!("container `{}` is behind a Service, but has no probes", container.name()),
                )
                .severity(Severity::Warning)
                .help("add a `readinessProbe`")
                .remedy(probe(container.node, None));
        }
    }
}

/// The fix that adds a readiness probe: of a known endpoint, or else of the first port of the container.
fn probe(container: &Node, endpoint: Option<(i64, &str)>) -> Option<Remedy> {
    let action = match endpoint {
        Some((port, path)) => format!("httpGet:\n    path: {path}\n    port: {port}"),
        None => {
            let port = container["ports"].items().first()?;
            let port = port["name"].as_str().map_or_else(|| port["containerPort"].text().to_owned(), str::to_owned);
            format!("tcpSocket:\n    port: {port}")
        }
    };
    let entry = |key: &str| container.entries().iter().find(|entry| entry.key == key);
    let after = entry("ports").or_else(|| entry("image"))?;
    let (key, value) = (after.key_span, after.value.origin.span);
    let after = Span::new(key.file, key.start, value.end);
    (key.file == value.file && !key.is_none())
        .then(|| Remedy::AddEntry(after, format!("readinessProbe:\n  {action}\n").into()))
}
