//! Rule `dependency-not-awaited`.

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::Graph;
use crate::graph::{ServiceContainer, Target, scripts};
use crate::object::ContainerRole;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::DependencyNotAwaited,
    doc: Doc {
        checks: "\
Checks that a known service that exits if a dependency is unavailable at start waits for it: with an
init container (`pg_isready`, `nc -z`), a startup probe or a loop in its command. The finding is a
warning. Nothing is reported if one of several dependencies is awaited, since the others get time to
start as well, if an init container may wait (its command or script is unknown, or its name contains
`wait`), and for dependencies that are not among the manifests.",
        why: "\
The service tries each connection once while it starts. When it is applied together with its
database, it exits and is restarted with increasing delays (`CrashLoopBackOff`) until the database
is ready.",
        fix: "\
Add an init container such as `until pg_isready -h postgresql; do sleep 2; done`, or a
`startupProbe`.",
        source: "\
The description of the service (docs/services.md) and
https://kubernetes.io/docs/concepts/workloads/pods/init-containers/.",
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
---
apiVersion: v1
kind: Service
metadata: {name: postgresql}
spec: {ports: [{port: 5432}]}
"#,
    good: r#"     spec:
+      initContainers:
+      - name: wait
+        image: postgres:16-alpine
+        command: [sh, -c, "until pg_isready -h postgresql; do sleep 1; done"]
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for view in graph.known() {
        if view.container.node["startupProbe"].is_set() {
            continue;
        }
        let mut unawaited: Vec<(&str, &str)> = Vec::new();
        let mut is_awaited = false;
        for dependency in view.service.dependencies.iter().filter(|dependency| dependency.stops_without) {
            let host = view.host_of(dependency);
            let Target::Service(service) = graph.resolve(host, None, view.pod.object) else {
                continue;
            };
            if waits(graph, &view, service) {
                is_awaited = true;
            } else {
                unawaited.push((&dependency.name, host));
            }
        }
        // An init container with an unknown command or script may wait.
        let may_wait = view.pod.containers.iter().any(|container| {
            container.role == ContainerRole::Init
                && (container.node["command"].is_null()
                    || !scripts(container).is_empty()
                    || container.name().contains("wait"))
        });
        let Some((name, host)) = unawaited.first().filter(|_| !is_awaited && !may_wait) else { continue };
        let names: Vec<&str> = unawaited.iter().map(|(name, _)| *name).collect();
        let message =
            format!("{} exits if {} is unavailable, and does not wait for it", view.service.name, names.join(" or "));
        report.at(view.object(), view.name_node(), message).help(if *name == "PostgreSQL" {
            format!("add an init container with `until pg_isready -h {host}; do sleep 2; done`, or a startupProbe")
        } else {
            format!("add an init container that waits for `{host}`, or a startupProbe")
        });
    }
}

/// Whether an init container or sidecar of the pod uses a Service, or the command of the container waits for it.
fn waits(graph: &Graph<'_>, view: &ServiceContainer<'_, '_>, service: usize) -> bool {
    graph.mentions_of(view.at).filter(|mention| mention.target == Target::Service(service)).any(|mention| {
        let Some(container) = mention.container.map(|container| &view.pod.containers[container]) else {
            return false;
        };
        match container.role {
            ContainerRole::Init | ContainerRole::Sidecar => true,
            _ => matches!(mention.location, crate::graph::MentionLocation::Command { availability_check: true }),
        }
    })
}
