//! Monitors, budgets and policies that select nothing, and endpoints whose port no pod serves; and the same without the mistake.

use plimsoll::check::input::Input;
use plimsoll::check::{Options, check_in};
use plimsoll::finding::{Finding, Severity};
use plimsoll::source::Sources;

const MATCHES: &str = "selector-matches-nothing";
const PORT: &str = "monitor-port-unserved";

/// The findings of a rule in some files, each with the text that it underlines.
fn found_by(rule: &str, files: &[&str], complete: bool) -> Vec<(Finding, String)> {
    let sources = Sources::new();
    let mut input = Input::default();
    for (at, text) in files.iter().enumerate() {
        input.add(&sources, sources.add(format!("{at}.yaml"), *text), true);
    }
    let findings = check_in(&sources, &input.objects, &Options { complete, ..Options::default() });
    let of_rule = findings.into_iter().filter(|finding| finding.rule.name() == rule);
    of_rule.map(|finding| (finding.clone(), sources.text(finding.span))).collect()
}

fn severities(rule: &str, text: &str, complete: bool) -> Vec<Severity> {
    found_by(rule, &[text], complete).into_iter().map(|(finding, _)| finding.severity).collect()
}

const NONE: [Severity; 0] = [];

/// A Deployment, its Service, and a ServiceMonitor and PodMonitor that select them.
const GOOD: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'ghcr.io/acme/web:v1', ports: [{name: metrics, containerPort: 9090}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, labels: {app: web, tier: front}}
spec: {selector: {app: web}, ports: [{name: http-metrics, port: 80, targetPort: metrics}]}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web, namespace: shop}
spec: {selector: {matchLabels: {app: web}}, endpoints: [{port: http-metrics}]}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: pods, namespace: shop}
spec: {selector: {matchLabels: {app: web}}, podMetricsEndpoints: [{port: metrics}]}
";

fn replaced(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "{old}");
    GOOD.replacen(old, new, 1)
}

const SERVICE_LABELS: &str = "labels: {app: web, tier: front}";
const MONITOR: &str = "spec: {selector: {matchLabels: {app: web}}, endpoints";
const POD_MONITOR: &str = "spec: {selector: {matchLabels: {app: web}}, podMetricsEndpoints";

#[test]
fn monitors_that_select_something_are_not_reported() {
    for complete in [false, true] {
        assert_eq!(severities(MATCHES, GOOD, complete), NONE);
        assert_eq!(severities(PORT, GOOD, complete), NONE);
    }
    let fits = |old: &str, new: &str| {
        let text = replaced(old, new);
        [severities(MATCHES, &text, true), severities(PORT, &text, true)].concat()
    };
    for selector in [
        "{}",
        "{matchLabels: {app: web, tier: front}}",
        "{matchExpressions: [{key: app, operator: In, values: [other, web]}]}",
        "{matchExpressions: [{key: tier, operator: Exists}]}",
    ] {
        assert_eq!(fits(MONITOR, &MONITOR.replace("{matchLabels: {app: web}}", selector)), NONE, "{selector}");
    }
    for namespaces in ["{any: true}", "{matchNames: [other, shop]}", "{matchNames: []}"] {
        let new = MONITOR.replace("spec: {", &format!("spec: {{namespaceSelector: {namespaces}, "));
        assert_eq!(fits(MONITOR, &new), NONE, "{namespaces}");
    }
    for endpoint in
        ["{targetPort: metrics}", "{targetPort: 9090}", "{path: /metrics}", "{port: http-metrics, targetPort: 1}"]
    {
        assert_eq!(fits("[{port: http-metrics}]", &format!("[{endpoint}]")), NONE, "{endpoint}");
    }
    for endpoint in ["{portNumber: 9090}", "{targetPort: 9090}", "{targetPort: metrics}", "{}"] {
        assert_eq!(fits("[{port: metrics}]", &format!("[{endpoint}]")), NONE, "{endpoint}");
    }
}

#[test]
fn a_service_monitor_selects_by_the_labels_of_the_service_itself() {
    let text = replaced(&format!(", {SERVICE_LABELS}"), "");
    let found = found_by(MATCHES, &[&text], false);
    let [(finding, _)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(finding.message, "ServiceMonitor `web` selects no Services");
    let help = "add `app: web` to `metadata.labels` of Service/web: a ServiceMonitor selects by the labels of the Service itself";
    assert_eq!((finding.severity, finding.help.as_str()), (Severity::Warning, help));
    assert_eq!(severities(MATCHES, &text, true), [Severity::Error]);
}

#[test]
fn a_near_label_in_a_selector_is_reported_at_the_label() {
    for (old, object) in [(MONITOR, "Service/web has"), (POD_MONITOR, "Deployment/web has")] {
        let text = replaced(old, &old.replace("app: web", "app: wbe"));
        let found = found_by(MATCHES, &[&text], true);
        let [(finding, underlined)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((finding.severity, underlined.as_str()), (Severity::Error, "wbe"));
        assert_eq!(finding.help, format!("the selector requires `app: wbe`, but {object} `app: web`"));
    }
}

#[test]
fn without_a_namespace_selector_a_monitor_looks_in_its_own_namespace() {
    let text = replaced(
        "kind: ServiceMonitor\nmetadata: {name: web, namespace: shop}",
        "kind: ServiceMonitor\nmetadata: {name: web, namespace: monitoring}",
    );
    let found = found_by(MATCHES, &[&text], false);
    let [(finding, _)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(finding.help, "add `shop` to `spec.namespaceSelector.matchNames`");
    // If they are in different files, other objects may be applied to that namespace.
    let (monitored, monitor) =
        (text.split("---\n").take(2).collect::<Vec<_>>().join("---\n"), text.split("---\n").nth(2).unwrap());
    assert_eq!(found_by(MATCHES, &[&monitored, monitor], false), []);
    let named = text.replace(MONITOR, &MONITOR.replace("spec: {", "spec: {namespaceSelector: {matchNames: [shop]}, "));
    assert_eq!(severities(MATCHES, &named, true), NONE);
    let wrong = named.replace("[shop]", "[shp]");
    assert_eq!(severities(MATCHES, &wrong, false), [Severity::Warning]);
}

#[test]
fn objects_that_may_be_created_elsewhere_are_not_missing() {
    let monitor = |labels: &str, namespaces: &str| {
        GOOD.replacen(
            MONITOR,
            &format!("spec: {{namespaceSelector: {{{namespaces}}}, selector: {{matchLabels: {{{labels}}}}}, endpoints"),
            1,
        )
        .replace("kind: ServiceMonitor\nmetadata: {name: web", "kind: ServiceMonitor\nmetadata: {name: other")
    };
    // The input has nothing of other namespaces.
    assert_eq!(severities(MATCHES, &monitor("app: db", "matchNames: [data]"), true), NONE);
    assert_eq!(severities(MATCHES, &monitor("app: db", "matchNames: [shop]"), false), [Severity::Warning]);
    // The first are run by the cluster, the others by an operator.
    assert_eq!(severities(MATCHES, &monitor("k8s-app: kube-dns", "any: true"), true), NONE);
    assert_eq!(severities(MATCHES, &monitor("app: any", "matchNames: [kube-system]"), true), NONE);
    assert_eq!(severities(MATCHES, &monitor("app: db, role: master", "any: true"), true), NONE);
    assert_eq!(severities(MATCHES, &monitor("acme.dev/part: db", "any: true"), false), [Severity::Note]);
    let operator =
        "---\n{apiVersion: rabbitmq.com/v1beta1, kind: RabbitmqCluster, metadata: {name: queue, namespace: shop}}\n";
    let queue = monitor("app: queue", "matchNames: [shop]");
    assert_eq!(severities(MATCHES, &queue, true), [Severity::Error]);
    assert_eq!(severities(MATCHES, &(queue.clone() + operator), true), NONE);
    let mistake = monitor("app: wbe", "matchNames: [shop]") + operator;
    assert_eq!(severities(MATCHES, &mistake, true), [Severity::Error]);
    // `kubectl -n` may put objects without a namespace into the same namespace.
    let unnamed = replaced("metadata: {name: web, namespace: shop, labels", "metadata: {name: web, labels");
    assert_eq!(severities(MATCHES, &unnamed, true), NONE);
}

#[test]
fn a_port_that_no_selected_object_has_is_reported() {
    let reported = |old: &str, new: &str, complete: bool| {
        let found = found_by(PORT, &[&replaced(old, new)], complete);
        found.into_iter().map(|(finding, text)| (finding.severity, text, finding.message)).collect::<Vec<_>>()
    };
    let error = |text: &str, message: &str| vec![(Severity::Error, text.to_owned(), message.to_owned())];
    let endpoint = "endpoints: [{port: http-metrics}]";
    assert_eq!(
        reported(endpoint, "endpoints: [{port: http}]", false),
        error("http", "Service/web has no port named `http`")
    );
    // An endpoint's `port` is a name: a number does not match a port of a Service.
    assert_eq!(
        reported(endpoint, "endpoints: [{port: '80'}]", false),
        error("'80'", "Service/web has no port named `80`")
    );
    for (port, what) in [("metrix", "port named `metrix`"), ("80", "port 80")] {
        let message = format!("the containers of Deployment/web have no {what}");
        assert_eq!(reported(endpoint, &format!("endpoints: [{{targetPort: {port}}}]"), false), error(port, &message));
        let field = if port == "80" { "portNumber" } else { "port" };
        let pods = format!("podMetricsEndpoints: [{{{field}: {port}}}]");
        assert_eq!(reported("podMetricsEndpoints: [{port: metrics}]", &pods, false), error(port, &message));
    }
    // More Services may match in other namespaces.
    let text = replaced(endpoint, "namespaceSelector: {any: true}, endpoints: [{port: http}]");
    assert_eq!(severities(PORT, &text, true), [Severity::Warning]);
    let files: Vec<String> =
        replaced(endpoint, "endpoints: [{port: http}]").split("---\n").map(str::to_owned).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let of_files = |complete| {
        found_by(PORT, &files, complete).into_iter().map(|(finding, _)| finding.severity).collect::<Vec<_>>()
    };
    assert_eq!([of_files(false), of_files(true)], [[Severity::Warning], [Severity::Error]]);
    // One of two selected Services is enough.
    let other = "---\napiVersion: v1\nkind: Service\nmetadata: {name: b, namespace: shop, labels: {app: web}}\n\
                 spec: {selector: {app: web}, ports: [{name: http, port: 81, targetPort: metrics}]}\n";
    let both = replaced(endpoint, "endpoints: [{port: http}]") + other;
    assert_eq!(severities(PORT, &both, true), NONE);
    // An injected sidecar may serve the port.
    let injected = replaced("labels: {app: web}}", "labels: {app: web, sidecar.istio.io/inject: 'true'}}");
    let injected =
        injected.replace("podMetricsEndpoints: [{port: metrics}]", "podMetricsEndpoints: [{port: http-envoy-prom}]");
    assert_eq!(severities(PORT, &injected, true), NONE);
}

#[test]
fn similar_kinds_of_other_projects_are_checked() {
    let others = GOOD
        .replace(
            "monitoring.coreos.com/v1\nkind: ServiceMonitor",
            "operator.victoriametrics.com/v1beta1\nkind: VMServiceScrape",
        )
        .replace("monitoring.coreos.com/v1\nkind: PodMonitor", "monitoring.googleapis.com/v1\nkind: PodMonitoring")
        .replace("podMetricsEndpoints", "endpoints");
    assert_eq!([severities(MATCHES, &others, true), severities(PORT, &others, true)], [NONE, NONE]);
    let wrong = others.replace("matchLabels: {app: web}}, endpoints", "matchLabels: {app: wbe}}, endpoints");
    assert_eq!(severities(MATCHES, &wrong, true).len(), 2);
    let wrong = others
        .replace("endpoints: [{port: http-metrics}]", "endpoints: [{port: x}]")
        .replace("[{port: metrics}]", "[{port: other}]");
    assert_eq!(severities(PORT, &wrong, true).len(), 2);
    // A PodMonitoring of Google may use the number of an undeclared port.
    assert_eq!(severities(PORT, &others.replace("[{port: metrics}]", "[{port: 1234}]"), true), NONE);
    let probe = |label: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: web, labels: {{probe: web}}}}\nspec: {{defaultBackend: {{service: \
             {{name: web, port: {{number: 80}}}}}}}}\n---\napiVersion: monitoring.coreos.com/v1\nkind: Probe\nmetadata: {{name: \
             p}}\nspec: {{targets: {{ingress: {{selector: {{matchLabels: {{probe: {label}}}}}}}}}}}\n"
        )
    };
    assert_eq!(
        [severities(MATCHES, &probe("web"), true), severities(MATCHES, &probe("wbe"), true)],
        [vec![], vec![Severity::Error]]
    );
    let gateway = |selector: &str| {
        let text = format!(
            "---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: g, namespace: other}}\nspec: {{selector: {{{selector}}}}}\n"
        );
        severities(
            MATCHES,
            &(replaced("labels: {app: web}}", "labels: {app: web, istio: ingressgateway}}") + &text),
            true,
        )
    };
    assert_eq!(gateway("istio: ingressgateway"), NONE);
    assert_eq!(gateway("istio: ingresgateway"), [Severity::Warning]);
    // A gateway is usually run by the cluster.
    assert_eq!(gateway("istio: egress"), NONE);
}

#[test]
fn budgets_and_policies_that_select_no_pods_are_reported() {
    let with = |api: &str, field: &str, labels: &str| {
        let selector = format!("{field}: {{matchLabels: {{{labels}}}}}");
        let text = format!("---\napiVersion: {api}\nmetadata: {{name: one, namespace: shop}}\nspec: {{{selector}}}\n");
        severities(MATCHES, &(GOOD.to_owned() + &text), true)
    };
    for (api, field) in [
        ("policy/v1\nkind: PodDisruptionBudget", "selector"),
        ("networking.k8s.io/v1\nkind: NetworkPolicy", "podSelector"),
    ] {
        assert_eq!(with(api, field, "app: web"), NONE, "{api}");
        assert_eq!(with(api, field, "app: other"), [Severity::Warning], "{api}");
        assert_eq!(with(api, field, "cnpg.io/cluster: db, role: primary"), NONE, "{api}");
        assert_eq!(with(api, field, ""), NONE, "{api}");
    }
}
