//! Rule `probe-path-unserved`.

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ProbePathUnserved,
    doc: Doc {
        checks: "\
Checks that the path of an `httpGet` probe is one that a known service serves on that port.
DataStorage serves `/health`, `/health/ready` and `/health/live` on its listening port; later
releases serve `/healthz` and `/readyz` on 8081. The finding is an error. Ports on which the service
does not listen are reported by `probe-port-unserved`.",
        why: "\
The probe fails with `HTTP probe failed with statuscode: 404`. The container never becomes ready, or
is restarted again and again.",
        fix: "Use a path that the service serves on that port, or the port on which it serves the path.",
        source: "\
The description of the service (docs/services.md) and
https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#http-probes.",
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
        readinessProbe: {httpGet: {path: /ready, port: 8080}}
      volumes:
      - {name: config, configMap: {name: datastorage-config}}
      - {name: secrets, secret: {secretName: datastorage-secret}}
"#,
    good: "\
-        readinessProbe: {httpGet: {path: /ready, port: 8080}}
+        readinessProbe: {httpGet: {path: /health/ready, port: 8080}}
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for view in bundle.graph().known() {
        let endpoints = view.endpoints();
        for name in ["readinessProbe", "livenessProbe", "startupProbe"] {
            let get = &view.container.node[name]["httpGet"];
            let path = get["path"].as_str().unwrap_or("/");
            if get.is_null() {
                continue;
            }
            let port = get["port"].as_i64().or_else(|| view.container.port_named(get["port"].text()));
            let here: Vec<&String> =
                endpoints.iter().filter(|(open, _)| Some(*open) == port).flat_map(|(_, paths)| *paths).collect();
            let path = path.split('?').next().unwrap_or(path);
            let serves = |served: &String| {
                served == path || served.strip_suffix('*').is_some_and(|start| path.starts_with(start))
            };
            if here.is_empty() || here.iter().any(|served| serves(served)) {
                continue;
            }
            let node = if get["path"].is_set() { &get["path"] } else { get };
            let message = format!("{} does not serve `{path}` on port {}", view.service.name, port.unwrap_or_default());
            let health: Vec<&str> = here
                .iter()
                .map(|path| path.as_str())
                .filter(|path| !path.ends_with('*') && *path != "/metrics")
                .collect();
            let draft = report.at(view.object(), node, message);
            let other = endpoints.iter().find(|(_, paths)| paths.iter().any(serves));
            match (suggest::nearest(path, health.iter().copied()), other) {
                (_, Some((port, _))) => draft.help(format!("use port {port}, on which it serves the path")),
                (Some(near), None) => draft.help(format!("did you mean `{near}`?")),
                (None, None) => draft.help(format!("use a path that it serves: {}", suggest::list(&health, "or"))),
            };
        }
    }
}
