//! Rule `probe-port-unserved`.

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Container, Mount, MountSource, Pod, ServiceContainer, data_keys, text_of};
use crate::node::Node;
use crate::object::{ContainerRole, Object};
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ProbePortUnserved,
    doc: Doc {
        checks: "\
Checks that the port of a probe is one on which the container listens. The rule distinguishes:

- A named port must be the name of one of the container's ports. Otherwise the finding is an error.
- A known service listens on the ports of its config only. Another port is an error: `9090` is often
  declared for metrics and not served by older releases of DataStorage. If the config is not among
  the manifests, the declared ports count, except `9090`.
- For other programs a number that the container does not declare is a warning, if the container
  declares other ports, its variables and arguments do not contain the number, and the files that it
  mounts are known and contain a declared port but not this one. Nothing is reported if another
  container of the pod declares the port.
- The annotation `prometheus.io/port` with a port on which a known service does not listen is a
  warning.",
        why: "\
The probe always fails (`connect: connection refused`): the container never becomes ready, or is
restarted repeatedly.",
        fix: "Probe a port on which the container listens, or declare the port.",
        source: "\
https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#use-a-named-port.",
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
        readinessProbe: {httpGet: {path: /health, port: 9090}}
      volumes:
      - {name: config, configMap: {name: datastorage-config}}
      - {name: secrets, secret: {secretName: datastorage-secret}}
"#,
    good: "\
-        readinessProbe: {httpGet: {path: /health, port: 9090}}
+        readinessProbe: {httpGet: {path: /health, port: 8080}}
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for (at, pod) in graph.pods.iter().enumerate() {
        for (number, container) in pod.containers.iter().enumerate() {
            let known = graph.known_as(at, number);
            for port in container.probe_ports() {
                check_probe(pod, container, known.as_ref(), port, report);
            }
            if let Some(view) = &known {
                check_scrape_port(view, report);
            }
        }
    }
}

fn check_probe(
    pod: &Pod<'_>,
    container: &Container<'_>,
    known: Option<&ServiceContainer<'_, '_>>,
    port: &Node,
    report: &mut Report<'_>,
) {
    let number = match port.as_str() {
        Some(name) => match container.port_named(name) {
            Some(number) => number,
            None if name.parse::<u16>().is_ok() => return,
            None => {
                let names: Vec<&str> =
                    container.ports().map(|(port, _)| port["name"].text()).filter(|name| !name.is_empty()).collect();
                let draft =
                    report.at(pod.object, port, format!("container `{}` has no port named `{name}`", container.name()));
                match (suggest::nearest(name, names.iter().copied()), names.is_empty()) {
                    (Some(near), _) => draft.help(format!("did you mean `{near}`?")),
                    (None, true) => draft.help("name the port in the container"),
                    (None, false) => {
                        draft.help(format!("use the name of one of its ports: {}", suggest::list(&names, "or")))
                    }
                };
                return;
            }
        },
        None => port.as_i64().unwrap_or_default(),
    };
    if !(1..=65535).contains(&number) {
        return;
    }
    if let Some(view) = known {
        // Without the config, declared ports count, except 9090, which is often declared but not served.
        let declared = view.tree().is_none() && number != 9090 && container.ports().any(|(_, port)| port == number);
        if !view.listens_on(number) && !declared {
            let open: Vec<String> = view.endpoints().iter().map(|(port, _)| port.to_string()).collect();
            report
                .at(pod.object, port, format!("{} does not listen on port {number}", view.service.name))
                .help(format!("use a port on which it listens: {}", suggest::list(&open, "or")));
        }
        return;
    }
    let declared: Vec<i64> = container.ports().map(|(_, port)| port).collect();
    let text = number.to_string();
    let named = container
        .words()
        .chain(container.env.iter().filter_map(|var| var.value))
        .any(|node| node.text().contains(&text));
    // Many programs serve health on a port that is not declared, and a sidecar may serve the port.
    if declared.is_empty()
        || pod.declares(number)
        || named
        || container.env_open
        || !is_configured_otherwise(pod, container, &declared, &text)
    {
        return;
    }
    let shown: Vec<String> = declared.iter().map(i64::to_string).collect();
    report
        .at(pod.object, port, format!("container `{}` does not declare port {number}", container.name()))
        .severity(Severity::Warning)
        .help(format!("use a port that it declares: {}", suggest::list(&shown, "or")));
}

/// Whether the mounted files are known and contain a port that the container declares, but not this one. True if only the
/// token of the ServiceAccount is mounted.
fn is_configured_otherwise(pod: &Pod<'_>, container: &Container<'_>, declared: &[i64], port: &str) -> bool {
    let mut mounts = container.mounts.iter().filter(|mount| !mount.path.starts_with("/var/run")).peekable();
    if mounts.peek().is_none() {
        return true;
    }
    let names_declared = |mount: &&Mount<'_>| match &mount.source {
        MountSource::Files(_, parts) => parts.iter().filter_map(|part| part.object).any(|object| {
            let texts = data_keys(object).filter_map(|key| text_of(object, key));
            texts.into_iter().any(|text| declared.iter().any(|port| text.contains(&port.to_string())))
        }),
        _ => false,
    };
    let has_declared_port = mounts.clone().any(|mount| names_declared(&mount));
    has_declared_port && !mounts.any(|mount| may_contain_port(pod, mount, port))
}

/// Whether a mount may have a file that contains a port; unknown files count.
fn may_contain_port(pod: &Pod<'_>, mount: &Mount<'_>, port: &str) -> bool {
    let names =
        |object: &Object| data_keys(object).any(|key| text_of(object, key).is_none_or(|text| text.contains(port)));
    match &mount.source {
        MountSource::Files(_, parts) => parts.iter().any(|part| part.object.is_none_or(names)),
        // Only an init container fills an emptyDir before the program starts.
        MountSource::Opaque(volume) if volume["emptyDir"].is_set() => {
            pod.containers.iter().any(|container| container.role == ContainerRole::Init)
        }
        // A claim contains data, not configuration.
        MountSource::Opaque(volume) => !volume["persistentVolumeClaim"].is_set() && volume["metadata"].is_null(),
        MountSource::Missing => true,
    }
}

/// Checks the annotation `prometheus.io/port` of a pod.
fn check_scrape_port(view: &ServiceContainer<'_, '_>, report: &mut Report<'_>) {
    let node = &view.pod.annotations["prometheus.io/port"];
    let Some(port) = node.text().parse::<i64>().ok().filter(|port| !view.listens_on(*port)) else { return };
    if view.pod.annotations["prometheus.io/scrape"].text() == "true" && view.tree().is_some() {
        let open: Vec<String> = view
            .endpoints()
            .iter()
            .filter(|(_, paths)| paths.iter().any(|path| path == "/metrics"))
            .map(|(port, _)| port.to_string())
            .collect();
        report
            .at(
                view.object(),
                node,
                format!("{} does not listen on port {port} of `prometheus.io/port`", view.service.name),
            )
            .severity(Severity::Warning)
            .help(format!("use the port of its metrics: {}", suggest::list(&open, "or")));
    }
}
