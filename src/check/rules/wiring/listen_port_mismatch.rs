//! Rule `listen-port-mismatch`.

use foldhash::{HashMap, HashSet, HashSetExt};

use crate::check::rules::wiring::_shared::{at_value, title};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Container, Graph, Pod, ServiceContainer, flag_value};
use crate::node::Node;
use crate::object::Object;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ListenPortMismatch,
    doc: Doc {
        checks: "\
Checks that the port a program listens on, by its config file, a variable or a flag, is the
`containerPort` of the container and the `targetPort` of its Services. A `targetPort` on which a
known service does not listen is an error. A `containerPort` alone that differs is a warning: it is
only misleading. A port named `metrics`, and a target port that another container of the pod serves,
are not compared. Programs other than known services are checked only in pods with one container,
and are always a warning.",
        why: "Connections through the Service are refused, since nothing listens on the target port.",
        fix: "Use one port number in the config, `containerPort` and `targetPort`.",
        source: "https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports.",
    },
    bad: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: datastorage-config}
data:
  config.yaml: |
    server: {port: 8085}
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
metadata: {name: datastorage}
spec: {selector: {app: datastorage}, ports: [{port: 8080, targetPort: 8080}]}
"#,
    good: "-    server: {port: 8085}\n+    server: {port: 8080}\n",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let mut targets = Targets::default();
    for view in graph.known() {
        // The services are in the order of their pods.
        if targets.pod != Some(view.at) {
            targets = Targets::of(graph, view.at);
        }
        check_service(graph, &view, &targets, report);
    }
    for (at, pod) in graph.pods.iter().enumerate() {
        let known = graph.known_of(at).next().is_some();
        let mut running = pod.running();
        // With several containers, it is not known which one listens on the port.
        if let (Some(container), None, false) = (running.next(), running.next(), known || pod.is_job()) {
            check_program(graph, at, pod, container, report);
        }
    }
}

/// The target ports of the Services of a pod.
#[derive(Default)]
struct Targets<'a> {
    /// The index of the pod.
    pod: Option<usize>,
    /// The Services with their ports.
    all: Vec<(&'a Object, &'a Node)>,
    /// The indexes in `all` of target ports that are numbers, and of those that are names.
    by_number: HashMap<i64, Vec<usize>>,
    by_name: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Targets<'a> {
    fn of(graph: &Graph<'a>, pod: usize) -> Self {
        let mut targets = Self { pod: Some(pod), ..Self::default() };
        for service in graph.services_of(pod) {
            for entry in service.ports() {
                let target = &entry["targetPort"];
                let indexes = match target.as_str() {
                    Some(name) => targets.by_name.entry(name).or_default(),
                    None => targets.by_number.entry(number_of(target, entry)).or_default(),
                };
                indexes.push(targets.all.len());
                targets.all.push((service.object, entry));
            }
        }
        targets
    }

    /// The indexes of target ports that are ports of the container, and that no other container of the pod declares.
    fn to(&self, view: &ServiceContainer<'_, '_>) -> Vec<usize> {
        let own = view.container.ports().filter(|(_, number)| !view.pod.is_declared_twice(*number));
        // A port may be listed many times.
        let (mut numbers, mut names) = (HashSet::new(), HashSet::new());
        let mut indexes: Vec<usize> = Vec::new();
        for (port, number) in own {
            let name = port["name"].text();
            if numbers.insert(number) {
                indexes.extend(self.by_number.get(&number).into_iter().flatten());
            }
            // If several ports have the same name, the first one of the pod counts.
            if view.pod.port_named(name) == Some(number) && names.insert(name) {
                indexes.extend(self.by_name.get(name).into_iter().flatten());
            }
        }
        indexes.sort_unstable();
        indexes
    }
}

/// The target port as a number, if it is not a name.
fn number_of(target: &Node, entry: &Node) -> i64 {
    target.as_i64().or(entry["port"].as_i64()).unwrap_or_default()
}

/// Checks a known service whose config sets its port.
fn check_service(graph: &Graph<'_>, view: &ServiceContainer<'_, '_>, targets: &Targets<'_>, report: &mut Report<'_>) {
    let Some(key) = view.dialect.and_then(|dialect| dialect.endpoints.iter().find_map(|end| end.key.as_deref())) else {
        return;
    };
    let value = view.value(key);
    let Some(port) = value.as_i64().filter(|port| (1..=65535).contains(port)) else { return };
    let open: Vec<i64> = view.endpoints().iter().map(|(port, _)| *port).collect();
    // Target ports that another container of the pod serves are not compared.
    let indexes = match view.pod.running().nth(1) {
        Some(_) => targets.to(view),
        None => (0..targets.all.len()).collect(),
    };
    let mut is_reported = false;
    for (service, entry) in indexes.into_iter().map(|at| targets.all[at]) {
        let target = &entry["targetPort"];
        let number = match target.as_str() {
            Some(name) => match view.pod.port_named(name) {
                Some(number) => number,
                None => continue,
            },
            None => number_of(target, entry),
        };
        if number == 0 || open.contains(&number) || entry["name"].text().contains("metrics") {
            continue;
        }
        is_reported = true;
        let node = if target.is_set() { target } else { &entry["port"] };
        let message = format!(
            "{} listens on {port} (`{key}`), but the target port of {} is {number}",
            view.service.name,
            title(service)
        );
        report.at(service, node, message).help(format!("use one number for `targetPort`, `containerPort` and `{key}`"));
    }
    let declared: Vec<(&Node, i64)> = view.container.ports().collect();
    check_other_ports(view, key, &declared, report);
    if is_reported
        || graph.may_be_selected_by_more(view.at)
        || declared.is_empty()
        || declared.iter().any(|(_, number)| *number == port)
    {
        return;
    }
    let message = format!(
        "{} listens on {port}, but container `{}` does not declare it",
        view.service.name,
        view.container.name()
    );
    let first = declared.iter().find(|(entry, _)| entry["name"].text() == "http").or(declared.first());
    let draft = at_value(report, view, value, message).severity(Severity::Warning);
    if let Some((entry, number)) = first {
        draft
            .related(entry["containerPort"].origin.span, "declared")
            .help(format!("use one number for `containerPort` ({number}) and `{key}` ({port})"));
    }
}

/// Checks the ports for health and metrics in the config against declared ports of the same names.
fn check_other_ports(view: &ServiceContainer<'_, '_>, main: &str, declared: &[(&Node, i64)], report: &mut Report<'_>) {
    let keys = view.dialect.into_iter().flat_map(|dialect| &dialect.endpoints).filter_map(|end| end.key.as_deref());
    for key in keys.filter(|key| *key != main) {
        let value = view.value(key);
        let Some(port) = value.as_i64() else { continue };
        let name = key.rsplit('.').next().unwrap_or(key).trim_end_matches("Port").trim_end_matches("_port");
        let Some((entry, number)) = declared.iter().find(|(entry, _)| entry["name"].text() == name) else { continue };
        if *number != port {
            at_value(report, view, value, format!("`{key}` is {port}, but the port named `{name}` is {number}"))
                .severity(Severity::Warning)
                .related(entry["containerPort"].origin.span, "declared")
                .help("use the same number for both");
        }
    }
}

/// Checks a program whose port is set by a variable or a flag.
fn check_program(graph: &Graph<'_>, at: usize, pod: &Pod<'_>, container: &Container<'_>, report: &mut Report<'_>) {
    let by_env = ["PORT", "HTTP_PORT", "SERVER_PORT", "LISTEN_PORT", "APP_PORT"].iter().find_map(|name| {
        let var = container.var(name)?;
        let port: i64 = var.value?.as_str()?.trim().parse().ok()?;
        Some((port, var.value?, (*name).to_owned(), std::ptr::eq(var.object, pod.object)))
    });
    let by_flag = || {
        ["--port", "--http-port", "--listen-port", "--server.port"].iter().find_map(|flag| {
            let port: i64 = flag_value(container, flag)?.parse().ok()?;
            let node = container.words().find(|word| word.text().starts_with(flag))?;
            Some((port, node, (*flag).to_owned(), true))
        })
    };
    let Some((port, node, name, own)) = by_env.or_else(by_flag) else { return };
    let declared: Vec<i64> = container.ports().map(|(_, number)| number).collect();
    if declared.is_empty() || declared.contains(&port) || !(1..=65535).contains(&port) {
        return;
    }
    let is_target = graph.services_of(at).any(|service| {
        service.ports().iter().any(|entry| {
            let target = &entry["targetPort"];
            target.as_i64().or_else(|| target.as_str().and_then(|name| pod.port_named(name))).or(entry["port"].as_i64())
                == Some(port)
        })
    });
    if is_target || graph.may_be_selected_by_more(at) {
        return;
    }
    let message = format!(
        "`{name}` is {port}, but container `{}` declares {}",
        container.name(),
        declared.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
    );
    let (object, node) = if own { (pod.object, node) } else { (pod.object, &container.node["name"]) };
    report
        .at(object, node, message)
        .severity(Severity::Warning)
        .help("declare the port on which the program listens, and use it as `targetPort`");
}
