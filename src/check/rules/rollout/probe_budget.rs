//! Rule `probe-budget`.

use foldhash::{HashMap, HashMapExt};

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::{Graph, MentionLocation, Target};
use crate::object::ContainerRole;
use crate::software;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ProbeBudget,
    doc: Doc {
        checks: "\
Checks that a probe gives a container enough time to start. Without a startup probe the liveness
probe begins with the container: after `initialDelaySeconds` + `periodSeconds` × `failureThreshold`
without success the container is killed. That must be at least the known start time of the program
(4 s if it is unknown), plus the time until a Service for which it waits is ready: the start time of
its containers, or their `initialDelaySeconds` of the readiness probe. A container that waits for
others in its own command needs at least 60 s. A startup probe is checked in the same way. The
finding is a warning.",
        why: "\
The kubelet kills the container before it has started
(`Container … failed liveness probe, will be restarted`), again and again, and the pod ends up in
`CrashLoopBackOff`.",
        fix: "Add a `startupProbe`, or raise `initialDelaySeconds`, `periodSeconds` or `failureThreshold`.",
        source: "\
https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/ and the
descriptions in docs/services.md.",
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
    let mut command_waits: HashMap<(usize, usize), Vec<&Target>> = HashMap::new();
    for mention in graph
        .mentions
        .iter()
        .filter(|mention| matches!(mention.location, MentionLocation::Command { availability_check: true }))
    {
        if let (Some(pod), Some(container)) = (mention.pod, mention.container) {
            command_waits.entry((pod, container)).or_default().push(&mention.target);
        }
    }
    for (at, pod) in graph.pods.iter().enumerate().filter(|(_, pod)| pod.is_long_running()) {
        for (number, container) in pod.containers.iter().enumerate() {
            // A startup probe replaces the liveness probe until it succeeds, and its failure kills the container as well.
            let startup = &container.node["startupProbe"];
            let probe = if startup.is_set() { startup } else { &container.node["livenessProbe"] };
            if probe.is_null() {
                continue;
            }
            let seconds =
                |field: &str, default: i64| probe[field].as_i64().filter(|seconds| *seconds > 0).unwrap_or(default);
            let budget = seconds("initialDelaySeconds", 0)
                .saturating_add(seconds("periodSeconds", 10).saturating_mul(seconds("failureThreshold", 3)));
            let own = startup_seconds(graph, at, number);
            let waits = command_waits.get(&(at, number));
            let awaited = waits.into_iter().flatten().filter_map(|target| seconds_until_ready(graph, target));
            let required = graph.known_as(at, number).into_iter().flat_map(|view| {
                // The service exits if the dependency is unavailable, so it does not wait for it.
                let dependencies = view.service.dependencies.iter();
                let waited_for = dependencies.filter(|dependency| dependency.required && !dependency.stops_without);
                waited_for.map(move |dependency| graph.resolve(view.host_of(dependency), None, pod.object))
            });
            let is_awaited_before = |target: &Target| {
                graph.mentions_of(at).any(|mention| {
                    mention.target == *target
                        && mention.container.is_some_and(|other| pod.containers[other].role != ContainerRole::Main)
                })
            };
            let required = required
                .filter(|target| !is_awaited_before(target))
                .filter_map(|target| seconds_until_ready(graph, &target));
            let dependency = awaited.chain(required).max();
            let (needs, why) = match (dependency, own) {
                (Some((theirs, name)), own) => {
                    let needs = own.map_or(4, |(seconds, _)| seconds).saturating_add(theirs);
                    let least = if waits.is_some() { 60 } else { 0 };
                    (needs.max(least), format!("it waits for `{name}`, which takes about {theirs}s to start"))
                }
                (None, _) if waits.is_some() => (60, "its command waits for another service".to_owned()),
                (None, Some((seconds, true))) => (seconds, format!("it takes about {seconds}s to start")),
                (None, Some((seconds, false))) => (seconds, format!("a new instance takes about {seconds}s to start")),
                (None, None) => (4, "most programs take longer to start".to_owned()),
            };
            if budget < needs {
                report
                    .at(
                        pod.object,
                        probe,
                        format!("container `{}` is killed after {budget}s of failed probes: {why}", container.name()),
                    )
                    .help(if startup.is_set() {
                        "raise `periodSeconds` or `failureThreshold`"
                    } else {
                        "add a `startupProbe`, or raise `initialDelaySeconds` or `failureThreshold`"
                    });
            }
        }
    }
}

/// How many seconds a container takes to start, and whether the description of a service says so rather than that of an image.
fn startup_seconds(graph: &Graph<'_>, pod: usize, container: usize) -> Option<(i64, bool)> {
    if let Some(seconds) = graph.known_as(pod, container).and_then(|view| view.service.startup_seconds) {
        return Some((i64::from(seconds), true));
    }
    let image = graph.pods[pod].containers[container].image();
    let seconds = software::of(image).and_then(|software| software.startup_seconds)?;
    Some((i64::from(seconds), false))
}

/// How many seconds it takes until a Service has a ready endpoint, if that is known, and its name. The containers of a pod must
/// start, and the readiness probe runs only after `initialDelaySeconds`.
fn seconds_until_ready<'g>(graph: &'g Graph<'_>, target: &Target) -> Option<(i64, &'g str)> {
    let Target::Service(service) = target else { return None };
    let service = &graph.services[*service];
    let of_pod = |pod: &usize| {
        let containers = graph.pods[*pod].containers.iter().enumerate();
        let running = containers.filter(|(_, container)| container.role == ContainerRole::Main);
        let starts = running.map(|(number, container)| {
            let delay = container.node["readinessProbe"]["initialDelaySeconds"].as_i64().unwrap_or_default();
            startup_seconds(graph, *pod, number).map_or(0, |(seconds, _)| seconds).max(delay)
        });
        starts.max()
    };
    // One ready pod is enough.
    let seconds = service.pods.iter().filter_map(of_pod).min().filter(|seconds| *seconds > 0)?;
    Some((seconds, service.object.name()))
}
