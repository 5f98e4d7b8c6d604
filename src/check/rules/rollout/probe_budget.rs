//! Rule `probe-budget`.

use foldhash::HashSet;

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::Place;
use crate::software;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ProbeBudget,
    doc: Doc {
        checks: "\
Without a startup probe the liveness probe begins with the container: after `initialDelaySeconds` +
`periodSeconds` × `failureThreshold` of no answer it is killed, and starts anew. That must be longer
than the known start-up, and than the time a container waits for others in its own command. Give it
a `startupProbe`, or more time. A startup probe that gives up too soon kills just the same.",
        why: "",
        fix: "",
        source: "",
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
        livenessProbe: {httpGet: {path: /health, port: 8080}, periodSeconds: 2, failureThreshold: 1}
      volumes:
      - {name: config, configMap: {name: datastorage-config}}
      - {name: secrets, secret: {secretName: datastorage-secret}}
"#,
    good: "\
-        livenessProbe: {httpGet: {path: /health, port: 8080}, periodSeconds: 2, failureThreshold: 1}
+        livenessProbe: {httpGet: {path: /health, port: 8080}, initialDelaySeconds: 10, periodSeconds: 10}
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let waiting: HashSet<(Option<usize>, Option<usize>)> = (graph.mentions.iter())
        .filter(|mention| matches!(mention.place, Place::Command { asks: true }))
        .map(|mention| (mention.pod, mention.container))
        .collect();
    for (at, pod) in graph.pods.iter().enumerate().filter(|(_, pod)| pod.is_long_running()) {
        for (number, container) in pod.containers.iter().enumerate() {
            // A startup probe stands in for the liveness probe, and kills in the same way.
            let startup = &container.node["startupProbe"];
            let probe = if startup.is_set() { startup } else { &container.node["livenessProbe"] };
            if probe.is_null() {
                continue;
            }
            let seconds =
                |field: &str, default: i64| probe[field].as_i64().filter(|seconds| *seconds > 0).unwrap_or(default);
            let budget = seconds("initialDelaySeconds", 0)
                .saturating_add(seconds("periodSeconds", 10).saturating_mul(seconds("failureThreshold", 3)));
            let known = graph.known_as(at, number);
            let waits = waiting.contains(&(Some(at), Some(number)));
            let (needs, why) = match known.and_then(|view| view.service.startup_seconds) {
                _ if waits => (60, "it waits for others in its command".to_owned()),
                Some(seconds) => (i64::from(seconds), format!("it takes about {seconds} s to start")),
                None => match software::of(container.image()).and_then(|software| software.startup_seconds) {
                    Some(seconds) => (i64::from(seconds), format!("a new one takes about {seconds} s to start")),
                    None => (4, "few programs start faster".to_owned()),
                },
            };
            if budget < needs {
                report
                    .at(
                        pod.object,
                        probe,
                        format!("container `{}` is killed after {budget} s without an answer: {why}", container.name()),
                    )
                    .help(if startup.is_set() {
                        "raise periodSeconds or failureThreshold"
                    } else {
                        "add a startupProbe, or raise initialDelaySeconds or failureThreshold"
                    });
            }
        }
    }
}
