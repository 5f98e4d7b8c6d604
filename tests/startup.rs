//! Workloads that the API server accepts and that do not start, or do not work as intended: each rule on manifests with the
//! mistake, on variants of them, and on similar manifests that work.

use plimsoll::check::input::Input;
use plimsoll::check::{Options, check_in};
use plimsoll::finding::{Finding, Severity};
use plimsoll::source::Sources;

use Severity::{Error, Warning};

fn data(name: &str) -> String {
    std::fs::read_to_string(format!("{}/tests/data/workloads/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The findings of files that are checked together, each with the text it underlines.
fn found_in(files: &[&str], complete: bool) -> Vec<(Finding, String)> {
    let sources = Sources::new();
    let mut input = Input::default();
    for (at, text) in files.iter().enumerate() {
        input.add(&sources, sources.add(format!("{at}.yaml"), *text), true);
    }
    assert!(input.findings.is_empty(), "{:?}", input.findings);
    let options = Options { complete, ..Options::default() };
    let mut findings = check_in(&sources, &input.objects, &options);
    plimsoll::report::sort(&sources, &mut findings);
    findings.into_iter().map(|finding| (finding.clone(), sources.text(finding.span))).collect()
}

/// The severities of a rule's findings in one file.
fn severities(rule: &str, text: &str) -> Vec<Severity> {
    let found = found_in(&[text], false).into_iter();
    found.filter(|(finding, _)| finding.rule.name() == rule).map(|(finding, _)| finding.severity).collect()
}

/// Asserts the severities of a rule's findings for each case.
fn assert_cases(rule: &str, cases: &[(&str, &[Severity])]) {
    for (text, expected) in cases {
        assert_eq!(severities(rule, text), *expected, "{rule}:\n{text}");
    }
}

fn object(api_version: &str, kind: &str, name: &str, rest: &str) -> String {
    format!("---\napiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: {name}}}\n{rest}\n")
}

/// A pod whose container has these fields.
fn pod(container: &str) -> String {
    pod_with(container, "")
}

fn pod_with(container: &str, spec: &str) -> String {
    let spec = format!("spec: {{containers: [{{name: a, image: 'r.example.com/a:1', {container}}}], {spec}}}");
    object("v1", "Pod", "web", &spec)
}

/// A workload whose pods have the label `app: web`, this container and these fields.
fn workload(kind: &str, fields: &str, container: &str, spec: &str) -> String {
    let spec = format!(
        "spec: {{{fields}selector: {{matchLabels: {{app: web}}}}, template: {{metadata: {{labels: {{app: web}}}}, \
         spec: {{containers: [{{name: web, image: 'r.example.com/a:1', {container}}}], {spec}}}}}}}"
    );
    object("apps/v1", kind, "web", &spec)
}

fn claim(mode: &str) -> String {
    object("v1", "PersistentVolumeClaim", "data", &format!("spec: {{accessModes: [{mode}]}}"))
}

const CLAIMED: &str = "volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]";
const MOUNTED: &str = "volumeMounts: [{name: d, mountPath: /d}]";

#[test]
fn references_to_variables_defined_later() {
    let found: Vec<(String, String)> = found_in(&[&data("env-order.yaml")], false)
        .into_iter()
        .filter(|(finding, _)| finding.rule.name() == "env-reference-undefined")
        .map(|(finding, text)| (finding.message, text))
        .collect();
    let expected = [
        ("`$(MISSING)` is not defined in container `q`", "$(MISSING)"),
        ("`$(POD)` is used before `POD` is defined", "$(POD)"),
        ("`$(HOST_TYPO)` is not defined in container `q`", "$(HOST_TYPO)"),
    ];
    assert_eq!(found, expected.map(|(message, text)| (message.to_owned(), text.to_owned())));
    // The command reports them, too, and does not treat them as placeholders.
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["check", "tests/data/workloads/env-order.yaml", "--output", "json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().matches("env-reference-undefined").count(), 3);
    assert_eq!(output.status.code(), Some(0));
    let config = object("v1", "ConfigMap", "c", "data: {B: b}");
    let from = |env: &str| config.clone() + &pod(&format!("envFrom: [{{configMapRef: {{name: c}}}}], env: {env}"));
    assert_cases(
        "env-reference-undefined",
        &[
            (&pod("env: [{name: A, value: '$(B)'}, {name: B, value: b}]"), &[Warning]),
            (&pod("env: [{name: B, value: b}, {name: A, value: '$(B)'}]"), &[]),
            (&pod("env: [{name: PATH, value: '$(PATH):/opt/bin'}]"), &[Warning]),
            (&pod("env: [{name: A, value: a}, {name: A, value: '$(A)b'}]"), &[]),
            (&pod("env: [{name: A, value: '$$(B) $B ${B} $(not a name)'}]"), &[]),
            (&pod("env: [{name: A, value: '$(WEB_SERVICE_HOST):$(WEB_SERVICE_PORT_HTTP)'}]"), &[]),
            // Variables of `envFrom` are defined first; those of an object elsewhere are unknown.
            (&from("[{name: A, value: '$(B)'}]"), &[]),
            (&from("[{name: A, value: '$(C)'}]"), &[Warning]),
            (&pod("envFrom: [{secretRef: {name: elsewhere}}], env: [{name: A, value: '$(B)'}]"), &[]),
            // Arguments can refer to all variables.
            (&pod("args: ['--a=$(A)'], env: [{name: B, value: b}, {name: A, value: a}]"), &[]),
            (&pod("args: ['--a=$(A)']"), &[Warning]),
            (&pod("args: ['$(hostname)']"), &[Warning]),
            (&pod("command: [sh, -c, 'echo $(hostname) $(date +%s)']"), &[]),
            (&pod("command: [sh, -c, 'echo $(NODE)']"), &[Warning]),
            (
                &pod_with(
                    "volumeMounts: [{name: d, mountPath: /d, subPathExpr: $(POD)}]",
                    "volumes: [{name: d, emptyDir: {}}]",
                ),
                &[Error],
            ),
            (
                &pod_with(
                    "env: [{name: POD, value: a}], volumeMounts: [{name: d, mountPath: /d, subPathExpr: $(POD)}]",
                    "volumes: [{name: d, emptyDir: {}}]",
                ),
                &[],
            ),
        ],
    );
}

#[test]
fn names_of_stateful_sets_too_long_for_their_revision_label() {
    assert_eq!(severities("statefulset-name-too-long", &data("names.yaml")), [Warning]);
    let of = |length: usize| {
        workload("StatefulSet", "serviceName: x, ", "", "")
            .replace("{name: web}\n", &format!("{{name: {}}}\n", "s".repeat(length)))
    };
    let rule = "statefulset-name-too-long";
    for (length, expected) in [
        (52, &[][..]),
        (53, &[Warning][..]),
        (61, &[Warning][..]),
        (62, &[Error][..]),
        (63, &[Error][..]),
        (64, &[][..]),
    ] {
        assert_eq!(severities(rule, &of(length)), expected, "{length}");
    }
    assert!(!severities("name-invalid", &of(64)).is_empty());
    assert_eq!(severities(rule, &of(63).replace("StatefulSet", "Deployment").replace("serviceName: x, ", "")), []);
}

#[test]
fn local_images_cannot_be_pulled() {
    let found: Vec<String> = found_in(&[&data("local-images.yaml")], false)
        .into_iter()
        .filter(|(finding, _)| finding.rule.name() == "image-local-always-pulled")
        .map(|(finding, _)| finding.field)
        .collect();
    let expected = ["containers[0].image", "containers[1].image", "containers[2].imagePullPolicy"];
    assert_eq!(found, expected.map(|field| format!("spec.{field}")));
    let of = |image: &str| pod("").replace("r.example.com/a:1", image);
    assert_cases(
        "image-local-always-pulled",
        &[
            (&of("localhost:5000/a:latest"), &[]),
            (&of("localhost/a@sha256:0123456789012345678901234567890123456789012345678901234567890123"), &[]),
            (&of("localhost/team/a:latest"), &[Warning]),
            (&of("localhost/a:2"), &[]),
        ],
    );
}

/// A workload of two containers, and an autoscaler with this spec.
fn autoscaled(resources: &str, autoscaler: &str) -> String {
    autoscaled_fixed("", resources, autoscaler)
}

fn autoscaled_fixed(fields: &str, resources: &str, autoscaler: &str) -> String {
    let target = "scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 9";
    workload("Deployment", fields, resources, "")
        + &object("autoscaling/v2", "HorizontalPodAutoscaler", "web", &format!("spec: {{{target}{autoscaler}}}"))
}

#[test]
fn autoscalers_without_effect() {
    let text = data("autoscalers.yaml");
    for (rule, expected) in [
        ("autoscaler-request-missing", 2),
        ("autoscaler-container-missing", 1),
        ("autoscaler-target-unscalable", 1),
        ("autoscaler-duplicate", 2),
        ("autoscaler-replicas-fixed", 1),
        ("reference-missing", 1),
        ("selector-matches-nothing", 1),
        ("autoscaler-invalid", 1),
    ] {
        assert_eq!(severities(rule, &text).len(), expected, "{rule}");
    }
    let cpu =
        ", metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]";
    let value = ", metrics: [{type: Resource, resource: {name: cpu, target: {type: AverageValue, averageValue: 1}}}]";
    let of_container = |name: &str| {
        format!(
            ", metrics: [{{type: ContainerResource, containerResource: {{container: {name}, name: cpu, target: {{type: Utilization, averageUtilization: 70}}}}}}]"
        )
    };
    let range = object("v1", "LimitRange", "l", "spec: {limits: [{type: Container, defaultRequest: {cpu: 100m}}]}");
    assert_cases(
        "autoscaler-request-missing",
        &[
            (&autoscaled("", cpu), &[Warning]),
            // The default metric is 80 % of the CPU requests.
            (&autoscaled("", ""), &[Warning]),
            (&autoscaled("resources: {requests: {memory: 1Gi}}", cpu), &[Warning]),
            (&autoscaled("resources: {requests: {cpu: 1}}", cpu), &[]),
            (&autoscaled("resources: {limits: {cpu: 1}}", cpu), &[]),
            (&autoscaled("", value), &[]),
            (&autoscaled("", &of_container("web")), &[Warning]),
            (&(range + &autoscaled("", cpu)), &[]),
            (&autoscaled("", cpu).replace("autoscaling/v2", "autoscaling/v1").replace(cpu, ""), &[Warning]),
        ],
    );
    assert_cases(
        "autoscaler-container-missing",
        &[(&autoscaled("", &of_container("wep")), &[Warning]), (&autoscaled("", &of_container("web")), &[])],
    );
    let other = |kind: &str, version: &str| {
        autoscaled("", "")
            .replace("apiVersion: apps/v1, kind: Deployment", &format!("apiVersion: {version}, kind: {kind}"))
    };
    assert_cases(
        "autoscaler-target-unscalable",
        &[
            (&other("Deployment", "extensions/v1beta1"), &[Warning]),
            (&other("Deployment", "apps/v1beta1"), &[]),
            (&other("DaemonSet", "apps/v1"), &[Warning]),
            (&other("CronJob", "batch/v1"), &[Warning]),
            (&other("Rollout", "argoproj.io/v1alpha1"), &[]),
            (&other("DaemonSet", "apps.kruise.io/v1beta1"), &[]),
            (&other("ReplicationController", "v1"), &[]),
        ],
    );
    let second = |name: &str| {
        autoscaled("", "")
            .split_off(workload("Deployment", "", "", "").len())
            .replace("{name: web}\n", &format!("{{name: {name}}}\n"))
    };
    assert_cases(
        "autoscaler-duplicate",
        &[
            (&(autoscaled("", "") + &second("b")), &[Warning]),
            (&(autoscaled("", "") + &second("b").replace("name: web", "name: c")), &[]),
        ],
    );
    // Files of a folder may be alternatives.
    let files = [&*autoscaled("", ""), &second("b")];
    let duplicates = |complete| {
        found_in(&files, complete).iter().filter(|(one, _)| one.rule.name() == "autoscaler-duplicate").count()
    };
    assert_eq!((duplicates(false), duplicates(true)), (0, 1));
    assert_cases(
        "autoscaler-replicas-fixed",
        &[
            (&autoscaled_fixed("replicas: 3, ", "", ""), &[Warning]),
            (&autoscaled_fixed("replicas: 0, ", "", ""), &[Warning]),
            (&autoscaled("", ""), &[]),
            (&workload("Deployment", "replicas: 3, ", "", ""), &[]),
        ],
    );
}

#[test]
fn claims_of_one_pod_or_one_node() {
    let (one, many) = (claim("ReadWriteOncePod"), claim("ReadWriteOnce"));
    let recreate = "strategy: {type: Recreate}, ";
    let of = |kind: &str, fields: &str| workload(kind, fields, MOUNTED, CLAIMED);
    let other = of("Deployment", recreate).replace("{name: web}\n", "{name: other}\n");
    assert_cases(
        "claim-single-pod",
        &[
            (&(one.clone() + &of("Deployment", &format!("replicas: 2, {recreate}"))), &[Error]),
            (&(one.clone() + &of("Deployment", recreate)), &[]),
            // A rolling update never ends.
            (&(one.clone() + &of("Deployment", "")), &[Warning]),
            (&(one.clone() + &of("Deployment", "strategy: {rollingUpdate: {maxUnavailable: 1, maxSurge: 0}}, ")), &[]),
            (&(one.clone() + &of("DaemonSet", "")), &[Error]),
            (&(one.clone() + &of("StatefulSet", "replicas: 3, serviceName: web, ")), &[Error]),
            (&(one.clone() + &of("StatefulSet", "serviceName: web, ")), &[]),
            (&(one.clone() + &of("Deployment", recreate) + &other), &[Error]),
            (&(many.clone() + &of("Deployment", "replicas: 2, ")), &[]),
        ],
    );
    let deployment = of("Deployment", &format!("replicas: 2, {recreate}"));
    let apart = found_in(&[&one, &deployment], false);
    let apart: Vec<Severity> =
        apart.iter().filter(|(one, _)| one.rule.name() == "claim-single-pod").map(|(one, _)| one.severity).collect();
    assert_eq!(apart, [Warning]);
    let spread = |key: &str, when: &str, label: &str| {
        let constraint = format!(
            "topologySpreadConstraints: [{{maxSkew: 1, topologyKey: {key}, whenUnsatisfiable: {when}, labelSelector: {{matchLabels: {{app: {label}}}}}}}], {CLAIMED}"
        );
        many.clone() + &workload("Deployment", "replicas: 3, ", MOUNTED, &constraint)
    };
    let apart = |rule: &str| {
        let affinity = format!(
            "affinity: {{podAntiAffinity: {{{rule}: [{{topologyKey: kubernetes.io/hostname, labelSelector: {{matchLabels: {{app: web}}}}}}]}}}}, {CLAIMED}"
        );
        many.clone() + &workload("Deployment", "replicas: 2, ", MOUNTED, &affinity)
    };
    assert_cases(
        "claim-single-node",
        &[
            (&spread("kubernetes.io/hostname", "DoNotSchedule", "web"), &[Warning]),
            (&spread("kubernetes.io/hostname", "ScheduleAnyway", "web"), &[]),
            (&spread("kubernetes.io/hostname", "DoNotSchedule", "other"), &[]),
            (&spread("topology.kubernetes.io/zone", "DoNotSchedule", "web"), &[]),
            (&spread("kubernetes.io/hostname", "DoNotSchedule", "web").replace("replicas: 3", "replicas: 1"), &[]),
            (
                &spread("kubernetes.io/hostname", "DoNotSchedule", "web").replace("[ReadWriteOnce]", "[ReadWriteMany]"),
                &[],
            ),
            (&apart("requiredDuringSchedulingIgnoredDuringExecution"), &[Warning]),
            (&(many.clone() + &of("DaemonSet", "")), &[Warning]),
            (&(many.clone() + &of("Deployment", "replicas: 3, ")), &[]),
        ],
    );
}

#[test]
fn commands_that_are_not_split() {
    assert_cases(
        "command-not-split",
        &[
            (&pod("command: [\"sh -c 'run me'\"]"), &[Warning]),
            (&pod("command: ['/usr/bin/web --port 80'], args: [--x]"), &[Warning]),
            (&pod("command: ['npm start']"), &[Warning]),
            (&pod("livenessProbe: {exec: {command: ['pg_isready -U postgres']}}"), &[Warning]),
            (&pod("lifecycle: {preStop: {exec: {command: ['nginx -s quit']}}}"), &[Warning]),
            (&pod("command: [sh, -c, 'run me']"), &[]),
            (&pod("command: ['/opt/My App/run']"), &[]),
            (&pod("command: ['C:\\Program Files\\web.exe']"), &[]),
            // The entry point of the image may split its arguments.
            (&pod("args: ['run me']"), &[]),
        ],
    );
}

#[test]
fn sub_paths_that_are_not_files() {
    let config = object("v1", "ConfigMap", "cfg", "data: {app.conf: one, log.conf: two}");
    let secret = object("v1", "Secret", "sec", "data: {key: eA==}");
    let of = |sub_path: &str, volume: &str| {
        let mount = format!("volumeMounts: [{{name: v, mountPath: /etc/app, subPath: {sub_path}}}]");
        config.clone() + &secret + &pod_with(&mount, &format!("volumes: [{{name: v, {volume}}}]"))
    };
    let items = "configMap: {name: cfg, items: [{key: app.conf, path: conf/app.conf}]}";
    let both =
        "projected: {sources: [{configMap: {name: cfg}}, {secret: {name: sec, items: [{key: key, path: tls/key}]}}]}";
    assert_cases(
        "subpath-missing",
        &[
            (&of("app.conf", items), &[Warning]),
            (&of("conf/app.conf", items), &[]),
            (&of("conf", items), &[]),
            (&of("con", items), &[Warning]),
            (&of("conf/app.conf", "configMap: {name: cfg}"), &[Warning]),
            (&of("log.conf", both), &[]),
            (&of("tls/key", both), &[]),
            (&of("key", both), &[Warning]),
            (&of("any", "emptyDir: {}"), &[]),
            (&of("any", "projected: {sources: [{configMap: {name: elsewhere}}]}"), &[]),
        ],
    );
    // Without `items`, the path is a key of the object.
    assert_eq!(severities("reference-missing", &of("ap.conf", "configMap: {name: cfg}")), [Error]);
    assert_eq!(severities("subpath-missing", &of("ap.conf", "configMap: {name: cfg}")), []);
}

#[test]
fn hooks_longer_than_the_grace_period() {
    let of = |command: &str, grace: &str| {
        pod_with(&format!("lifecycle: {{preStop: {{exec: {{command: {command}}}}}}}"), grace)
    };
    let ten = "terminationGracePeriodSeconds: 10";
    assert_cases(
        "prestop-exceeds-grace",
        &[
            (&of("[sleep, '60']", ten), &[Warning]),
            (&of("[/bin/sleep, 1m]", ten), &[Warning]),
            (&of("[sh, -c, sleep 60]", ten), &[Warning]),
            (&of("[/bin/sh, -ec, 'nginx -s quit; sleep 5 && sleep 6']", ten), &[Warning]),
            (&of("[sleep, '31']", ""), &[Warning]),
            (&of("[sleep, '30']", ""), &[]),
            (&of("[sleep, '60']", "terminationGracePeriodSeconds: 90"), &[]),
            (&of("[sh, -c, 'if busy; then sleep 60; fi']", ten), &[]),
            (&of("[sh, -c, 'sleep 60 & quit']", ten), &[]),
            (&of("[sh, -c, sleep $DELAY]", ten), &[]),
            (&of("[drain, '60']", ten), &[]),
        ],
    );
}

#[test]
fn passwords_with_a_newline() {
    let of = |data: &str| object("v1", "Secret", "s", data);
    assert_cases(
        "secret-trailing-newline",
        &[
            (&of("data: {password: cGFzc3dvcmQK}"), &[Warning]),
            (&of("data: {API_TOKEN: cGFzc3dvcmQNCg==}"), &[Warning]),
            (&of("stringData:\n  POSTGRES_PASSWORD: |\n    secret"), &[Warning]),
            (&of("stringData:\n  POSTGRES_PASSWORD: |-\n    secret"), &[]),
            (&of("data: {password: cGFzc3dvcmQ=}"), &[]),
            // A file, several lines, and a value that is not a secret.
            (&of("data: {password.txt: cGFzc3dvcmQK}"), &[]),
            (&of("stringData:\n  private-key: |\n    -----BEGIN\n    -----END"), &[]),
            (&of("data: {greeting: cGFzc3dvcmQK}"), &[]),
        ],
    );
    let shown = found_in(&[&of("data: {password: cGFzc3dvcmQK}")], false);
    assert!(shown.iter().all(|(finding, _)| !finding.message.contains("cGFz") && !finding.help.contains("cGFz")));
}

#[test]
fn schedules_that_never_match() {
    let of = |schedule: &str| {
        let job = "jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: 'r.example.com/a:1'}]}}}}";
        object("batch/v1", "CronJob", "c", &format!("spec: {{schedule: '{schedule}', {job}}}"))
    };
    assert_cases(
        "schedule-never",
        &[
            (&of("0 0 30 2 *"), &[Warning]),
            (&of("0 0 31 apr,jun *"), &[Warning]),
            (&of("0 0 29 2 *"), &[]),
            (&of("0 0 31 2 1"), &[]),
            (&of("@every 1h"), &[]),
        ],
    );
}

#[test]
fn all_findings_of_one_set_of_manifests() {
    let counts = |name: &str, severity: Severity| {
        let found = found_in(&[&data(name)], false);
        let mut rules: Vec<&str> = found
            .iter()
            .filter(|(finding, _)| finding.severity == severity)
            .map(|(finding, _)| finding.rule.name())
            .collect();
        rules.sort_unstable();
        rules.dedup();
        rules.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    for rule in [
        "claim-single-node",
        "command-not-split",
        "prestop-exceeds-grace",
        "subpath-missing",
        "secret-trailing-newline",
        "schedule-never",
    ] {
        assert!(counts("many-faults.yaml", Warning).contains(&rule.to_owned()), "{rule}");
    }
    for rule in ["claim-single-pod", "strategy-invalid", "probe-port-unserved", "schedule-invalid"] {
        assert!(counts("many-faults.yaml", Error).contains(&rule.to_owned()), "{rule}");
    }
    for rule in ["claim-single-pod", "lifecycle-invalid", "reference-missing"] {
        assert!(counts("more-faults.yaml", Error).contains(&rule.to_owned()), "{rule}");
    }
    assert!(counts("more-faults.yaml", Warning).contains(&"command-not-split".to_owned()));
}

fn budget(name: &str, spec: &str) -> String {
    object(
        "policy/v1",
        "PodDisruptionBudget",
        name,
        &format!("spec: {{{spec}selector: {{matchLabels: {{app: web}}}}}}"),
    )
}

#[test]
fn budgets_that_forbid_every_eviction() {
    let of = |replicas: &str, spec: &str| workload("Deployment", replicas, "", "") + &budget("b", spec);
    let scaled = |spec: &str| autoscaled("", "") + &budget("b", spec);
    assert_cases(
        "disruption-budget-blocks",
        &[
            (&of("replicas: 3, ", "minAvailable: 3, "), &[Warning]),
            (&of("replicas: 3, ", "minAvailable: 4, "), &[Warning]),
            (&of("replicas: 3, ", "minAvailable: 2, "), &[]),
            (&of("replicas: 3, ", "minAvailable: 100%, "), &[Warning]),
            // Rounded up.
            (&of("replicas: 1, ", "minAvailable: 50%, "), &[Warning]),
            (&of("replicas: 2, ", "minAvailable: 50%, "), &[]),
            (&of("replicas: 2, ", "minAvailable: 51%, "), &[Warning]),
            (&of("replicas: 3, ", "maxUnavailable: 0, "), &[Warning]),
            (&of("replicas: 3, ", "maxUnavailable: 0%, "), &[Warning]),
            (&of("replicas: 3, ", "maxUnavailable: 1%, "), &[]),
            // The minimum of an autoscaler counts.
            (&scaled("minAvailable: 8, "), &[]),
            (&scaled("minAvailable: 9, "), &[Warning]),
            // `replicas` may be set elsewhere if it is absent.
            (&of("", "minAvailable: 1, "), &[]),
            (&of("replicas: 0, ", "minAvailable: 1, "), &[]),
        ],
    );
    let blocks = |text: &str| {
        found_in(&[text], true).iter().filter(|(one, _)| one.rule.name() == "disruption-budget-blocks").count()
    };
    assert_eq!(blocks(&of("", "minAvailable: 1, ")), 1);
}

#[test]
fn budgets_on_one_pod() {
    let pods = workload("Deployment", "replicas: 3, ", "", "");
    let one = budget("one", "maxUnavailable: 1, ");
    let all = object("policy/v1", "PodDisruptionBudget", "all", "spec: {maxUnavailable: 1, selector: {}}");
    let none = object("policy/v1", "PodDisruptionBudget", "none", "spec: {maxUnavailable: 1}");
    let expression = one
        .replace("{name: one}", "{name: two}")
        .replace("matchLabels: {app: web}", "matchExpressions: [{key: app, operator: In, values: [web, api]}]");
    assert_cases(
        "disruption-budget-overlap",
        &[
            (&(pods.clone() + &one + &all), &[Warning]),
            (&(pods.clone() + &one + &expression), &[Warning]),
            (&(pods.clone() + &one), &[]),
            (&(pods.clone() + &one + &none), &[]),
            (&(pods.clone() + &one + &one.replace("{name: one}", "{name: two}").replace("app: web", "app: api")), &[]),
            (&(pods.clone() + &one + &all.replace("{name: all}", "{name: all, namespace: other}")), &[]),
        ],
    );
    let files = [&*(pods + &one), &all];
    let overlaps = |complete| {
        found_in(&files, complete).iter().filter(|(one, _)| one.rule.name() == "disruption-budget-overlap").count()
    };
    assert_eq!((overlaps(false), overlaps(true)), (0, 1));
}

#[test]
fn paths_of_two_ingresses() {
    let of = |name: &str, metadata: &str, class: &str, host: &str, path: &str, kind: &str| {
        format!(
            "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {name}{metadata}}}\nspec: {{{class}rules: [{{host: {host}, http: \
             {{paths: [{{path: {path}, pathType: {kind}, backend: {{service: {{name: s, port: {{number: 80}}}}}}}}]}}}}]}}\n"
        )
    };
    let first = of("a", "", "", "a.example.com", "/", "Prefix");
    let second = |metadata: &str, class: &str, host: &str, path: &str, kind: &str| {
        first.clone() + &of("b", metadata, class, host, path, kind)
    };
    let canary = ", annotations: {nginx.ingress.kubernetes.io/canary: 'true'}";
    let prefix = of("a", "", "", "a.example.com", "/shop", "Prefix");
    let alb = of("a", "", "ingressClassName: alb, ", "a.example.com", "/", "Prefix");
    assert_cases(
        "ingress-path-duplicate",
        &[
            (&second("", "", "a.example.com", "/", "Prefix"), &[Warning]),
            (&second(", namespace: other", "", "A.example.com", "/", "Prefix"), &[Warning]),
            (&(prefix + &of("b", "", "", "a.example.com", "/shop/", "Prefix")), &[Warning]),
            (&second("", "", "b.example.com", "/", "Prefix"), &[]),
            (&second("", "", "a.example.com", "/b", "Prefix"), &[]),
            (&second("", "", "a.example.com", "/", "Exact"), &[]),
            (&second("", "ingressClassName: other, ", "a.example.com", "/", "Prefix"), &[]),
            (&second(canary, "", "a.example.com", "/", "Prefix"), &[]),
            (&(alb.clone() + &alb.replace("{name: a}", "{name: b}")), &[]),
        ],
    );
    let other = of("b", "", "", "a.example.com", "/", "Prefix");
    let duplicates = |complete| {
        let found = found_in(&[&first, &other], complete);
        found.iter().filter(|(one, _)| one.rule.name() == "ingress-path-duplicate").count()
    };
    assert_eq!((duplicates(false), duplicates(true)), (0, 1));
}

#[test]
fn webhooks_without_a_service() {
    let text = data("webhook.yaml");
    let found = |text: &str, complete| {
        let found = found_in(&[text], complete).into_iter();
        let found = found.filter(|(finding, _)| finding.rule.name() == "reference-missing");
        found.map(|(finding, text)| (finding.severity, finding.help, text)).collect::<Vec<_>>()
    };
    let help = "did you mean `guard-webhook`?".to_owned();
    assert_eq!(found(&text, false), [(Warning, help.clone(), "guard-webhok".to_owned())]);
    assert_eq!(found(&text, true), [(Error, help, "guard-webhok".to_owned())]);
    let right = text.replace("guard-webhok,", "guard-webhook,");
    assert_eq!(found(&right, true), []);
    // The port of the Service; the default is 443.
    let port = |service: &str, webhook: &str| {
        right
            .replace("port: 443}]", &format!("port: {service}}}]"))
            .replace("namespace: guard}}", &format!("namespace: guard{webhook}}}}}"))
    };
    assert_eq!(found(&port("8443", ""), false).len(), 1);
    assert_eq!(found(&port("8443", ""), false)[0].0, Error);
    assert_eq!(found(&port("8443", ", port: 8443"), false), []);
    assert_eq!(found(&port("443", ", port: 8443"), false).len(), 1);
    let api = |name: &str| {
        text.split_once("---").unwrap().1.to_owned()
            + &object(
                "apiregistration.k8s.io/v1",
                "APIService",
                "v1.metrics.example.com",
                &format!(
                    "spec: {{group: metrics.example.com, version: v1, groupPriorityMinimum: 100, versionPriority: 100, service: {{name: {name}, namespace: guard}}}}"
                ),
            )
    };
    assert_eq!(found(&api("guard-webhook"), true), []);
    assert_eq!(found(&api("metrics"), false).len(), 1);
    // CustomResourceDefinitions are often applied without the conversion webhook of their operator.
    let definition = "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: as.example.com}\n\
        spec:\n  group: example.com\n  names: {kind: A, plural: as}\n  scope: Namespaced\n  conversion: {strategy: Webhook, webhook: {conversionReviewVersions: [v1], \
        clientConfig: {service: {name: operator, namespace: operators}}}}\n  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]\n";
    assert_eq!(found(definition, false)[0].0, Severity::Note);
    assert_eq!(found(definition, true)[0].0, Error);
}

#[test]
fn the_seven_services_of_a_kind_cluster() {
    let sources = Sources::new();
    let mut input = Input::default();
    for name in ["kind-services.yaml", "kind.yaml"] {
        input.add(&sources, sources.add(name, data(name)), true);
    }
    let (kind_config, kind_clusters) = (input.kind_config, input.kind_clusters);
    let options = Options { kind_config, kind_clusters, ..Options::default() };
    let found = check_in(&sources, &input.objects, &options);
    let count = |rule: &str| found.iter().filter(|finding| finding.rule.name() == rule).count();
    assert_eq!(count("hostport-collision"), 1);
    assert_eq!(count("image-local-always-pulled"), 1);
    assert_eq!(count("nodeport-range"), 1);
    assert!(count("nodeport-unmapped") >= 2);
    assert_eq!(count("kind-config-invalid"), 0);
}

#[test]
fn probes_of_ports_that_no_container_serves() {
    let of = |mounts: &str, volumes: &str| {
        let container = format!(
            "ports: [{{containerPort: 8080}}], livenessProbe: {{httpGet: {{path: /, port: 8081}}}}, volumeMounts: [{mounts}]"
        );
        pod_with(&container, &format!("volumes: [{volumes}]"))
    };
    let config = |text: &str| object("v1", "ConfigMap", "cfg", &format!("data: {{app.conf: '{text}'}}"));
    let mount = "{name: v, mountPath: /etc/app}";
    let volume = "{name: v, configMap: {name: cfg}}";
    assert_cases(
        "probe-port-unserved",
        &[
            (&of("", ""), &[Warning]),
            (&(config("listen 8080") + &of(mount, volume)), &[Warning]),
            (&(config("health 8081") + &of(mount, volume)), &[]),
            (&of(mount, volume), &[]),
            // Many programs serve health checks on an undeclared port.
            (&(config("debug") + &of(mount, volume)), &[]),
            (&of(mount, "{name: v, emptyDir: {}}"), &[]),
            (
                &(config("listen 8080")
                    + &of(
                        &format!("{mount}, {{name: d, mountPath: /d}}"),
                        &format!("{volume}, {{name: d, emptyDir: {{}}}}"),
                    )),
                &[Warning],
            ),
            (
                &(config("listen 8080")
                    + &of(
                        &format!("{mount}, {{name: d, mountPath: /d}}"),
                        &format!("{volume}, {{name: d, secret: {{secretName: s}}}}"),
                    )),
                &[],
            ),
            (&of(mount, "{name: v, hostPath: {path: /etc/app}}"), &[]),
            (&of("", "").replace("port: 8081", "port: 8080"), &[]),
        ],
    );
}
