//! The rules of the families `wiring`, `rollout` and `security` on complete manifests: those of the seed, manifests of other
//! projects that work, and the same with one mistake.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::slice;

use plimsoll::check::input::Input;
use plimsoll::check::{Options, check_in};
use plimsoll::finding::{Finding, RuleId, Severity};
use plimsoll::source::Sources;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// The findings of an input, each with its position as `line:column` and the text it underlines.
fn found(text: &str, options: impl FnOnce(&mut Options)) -> Vec<(Finding, String, String)> {
    let sources = Sources::new();
    let mut input = Input::default();
    input.add(&sources, sources.add("f.yaml", text), true);
    let mut settings = Options { skip: vec!["api".to_owned()], kind_config: input.kind_config, ..Options::default() };
    options(&mut settings);
    let findings = check_in(&sources, &input.objects, &settings);
    let place = |finding: &Finding| sources.describe(finding.span).trim_start_matches("f.yaml:").to_owned();
    findings.into_iter().map(|finding| (finding.clone(), place(&finding), sources.text(finding.span))).collect()
}

fn ids(text: &str, severity: Severity) -> Vec<String> {
    let mut ids: Vec<String> = found(text, |_| {})
        .into_iter()
        .filter(|(finding, ..)| finding.severity == severity)
        .map(|(finding, ..)| finding.rule.name().to_owned())
        .collect();
    ids.sort();
    ids
}

fn seed(name: &str) -> String {
    std::fs::read_to_string(data("seed").join(name)).unwrap()
}

#[test]
fn the_seven_mistakes_of_the_failing_manifest_are_reported() {
    let text = seed("gateway-failing.yaml");
    assert_eq!(
        ids(&text, Severity::Error),
        ["config-path-missing", "env-not-read", "host-unresolved", "mount-missing"]
    );
    let warnings = [
        "config-file-missing",
        "host-unresolved",
        "image-unqualified",
        "migration-missing",
        "probe-missing",
        "secret-file-missing",
    ];
    assert_eq!(ids(&text, Severity::Warning), warnings);
    assert!(found(&text, |_| {}).iter().all(|(finding, ..)| !finding.help.is_empty() && !finding.span.is_none()));
}

#[test]
fn in_complete_input_all_of_them_are_errors() {
    let text = seed("gateway-failing.yaml");
    let below = found(&text, |options| options.complete = true);
    assert!(below.iter().all(|(finding, ..)| finding.severity == Severity::Error), "{below:#?}");
}

#[test]
fn a_remark_in_the_image_is_an_invalid_image_reference() {
    let ids = ids(&seed("gateway-failing-annotated.yaml"), Severity::Error);
    assert!(ids.contains(&"image-text-invalid".to_owned()), "{ids:?}");
}

#[test]
fn the_working_manifest_has_the_expected_errors() {
    let text = seed("aianalysis-working.yaml");
    assert_eq!(ids(&text, Severity::Error), ["config-path-missing", "image-not-loaded"]);
    let warnings = ["config-key-unknown", "host-unresolved", "host-unresolved", "migration-missing"];
    assert_eq!(ids(&text, Severity::Warning), warnings);
}

#[test]
fn a_host_in_a_config_file_is_underlined_in_the_file() {
    let found = found(&seed("aianalysis-working.yaml"), |_| {});
    let mut hosts: Vec<(&str, &str)> = found
        .iter()
        .filter(|(finding, ..)| finding.rule == RuleId::HostUnresolved)
        .map(|(_, place, text)| (place.as_str(), text.as_str()))
        .collect();
    hosts.sort_unstable();
    assert_eq!(hosts, [("15:13", "postgresql"), ("28:13", "redis")]);
}

#[test]
fn declared_externals_are_not_reported() {
    let found = found(&seed("aianalysis-working.yaml"), |options| {
        options.externals = vec!["postgresql:5432".to_owned(), "redis".to_owned()];
    });
    assert!(found.iter().all(|(finding, ..)| finding.rule != RuleId::HostUnresolved), "{found:#?}");
}

#[test]
fn manifests_are_compared_with_the_bundle_of_a_profile() {
    let run = |profile: &str, file: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .env_clear()
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["check", "--profile", profile, "--output", "json"])
            .arg(data("seed").join(file))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()["findings"].as_array().unwrap().clone()
    };
    let found = run("gateway", "gateway-failing.yaml");
    let messages: Vec<&str> = found.iter().map(|finding| finding["message"].as_str().unwrap()).collect();
    for part in [
        "ConfigMap `datastorage-config` of profile `gateway` is missing",
        "Secret `datastorage-secret` of profile `gateway` is missing",
        "Job `datastorage-migrate",
        "mounts no volume at /etc/datastorage,",
        "has no readinessProbe",
        "the image is `datastorage:e2e-test`",
        "is in namespace `gateway-e2e`",
        "has NodePort 30091, but 30081 in profile `gateway`",
    ] {
        assert!(messages.iter().any(|message| message.contains(part)), "{part}: {messages:#?}");
    }
    let rules: Vec<&str> = found.iter().map(|finding| finding["rule"].as_str().unwrap()).collect();
    assert!(rules.contains(&"expected-missing") && rules.contains(&"expected-differs"));
    for rule in
        ["config-file-missing", "secret-file-missing", "migration-missing", "probe-missing", "image-unqualified"]
    {
        let severity = found.iter().find(|finding| finding["rule"] == rule).map(|finding| finding["severity"].clone());
        assert_eq!(severity, Some("error".into()), "{rule}");
    }
}

#[test]
fn working_manifests_of_other_projects_have_no_errors() {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(data("foreign")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 15, "{}", files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let errors: Vec<_> =
            found(&text, |_| {}).into_iter().filter(|(finding, ..)| finding.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", file.display());
    }
}

/// A file of `foreign`, the change, the rule that must report it, and the text it must underline.
const BROKEN: &[(&str, &str, &str, &str, &str)] = &[
    (
        "datastorage-newer",
        "secrets/db-secrets.yaml",
        "secrets/db.yaml",
        "secret-file-unresolved",
        "/etc/datastorage/secrets/db.yaml",
    ),
    ("datastorage-newer", "connMaxLifetime: 1h", "connMaxLifetime: 1d", "config-duration-invalid", "1d"),
    ("datastorage-newer", "sslMode: disable", "sslMode: off", "config-value-invalid", "off"),
    (
        "datastorage-newer",
        "passwordKey: password\n    redis",
        "password_key: password\n    redis",
        "config-key-required",
        "database",
    ),
    ("datastorage-newer", "maxOpenConns: 50", "max_open_conns: 50", "config-key-unknown", "max_open_conns"),
    ("datastorage-newer", "path: /readyz, port: health", "path: /ready, port: health", "probe-path-unserved", "/ready"),
    ("datastorage-newer", "port: 8080\n      host", "port: 8085\n      host", "listen-port-mismatch", "8080"),
    ("datastorage-newer", "password: test_password", "password: 12345", "secret-file-unparsable", "12345"),
    (
        "datastorage-newer",
        "svc.cluster.local:8080\n      timeout",
        "svc.cluster.local:8085\n      timeout",
        "url-port-unserved",
        "8085",
    ),
    (
        "datastorage-newer",
        "url: http://data-storage-service.kubernaut-system",
        "url: http://data-storage-service.kubernaut",
        "url-other-namespace",
        "data-storage-service.kubernaut.svc.cluster.local",
    ),
    (
        "datastorage-newer",
        "url: http://data-storage-service",
        "url: http://datastorage",
        "url-unresolved",
        "datastorage.kubernaut-system.svc.cluster.local",
    ),
    ("datastorage-newer", "url: http:", "url: https:", "url-scheme-mismatch", "https"),
    (
        "datastorage-newer",
        "serviceAccountName: data-storage-sa",
        "serviceAccountName: datastorage-sa",
        "serviceaccount-missing",
        "datastorage-sa",
    ),
    (
        "datastorage-newer",
        "configMap: {name: datastorage-config}",
        "configMap: {name: datastorage-cfg}",
        "reference-missing",
        "datastorage-cfg",
    ),
    (
        "datastorage-newer",
        "value: /etc/datastorage/config.yaml",
        "value: /etc/datastorage/config.yml",
        "config-path-unmounted",
        "/etc/datastorage/config.yml",
    ),
    ("kafka", "until nc -z kafka 9092", "until nc -z kafka-broker 9092", "host-unresolved", "kafka-broker"),
    ("kafka", "port: client", "port: clients", "probe-port-unserved", "clients"),
    ("kafka", "kafka-1.kafka:9092\"", "kafka-1.kafka:9094\"", "url-port-unserved", "9094"),
    ("helm-release", "release-postgresql:5432", "release-postgres:5432", "url-unresolved", "release-postgres"),
    ("helm-release", "targetPort: http, name", "targetPort: web, name", "target-port-unserved", "web"),
    ("helm-release", "key: postgres-password", "key: password", "reference-missing", "password"),
    ("wordpress", "value: wordpress-mysql", "value: wordpress-mysq", "host-unresolved", "wordpress-mysq"),
    (
        "netpol",
        "podSelector: {matchLabels: {app: cart}}}], ports: [{port: 6379}]",
        "podSelector: {matchLabels: {app: shop}}}], ports: [{port: 6379}]",
        "networkpolicy-blocks-flow",
        "",
    ),
    (
        "netpol",
        "ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]",
        "ports: [{port: 53}]",
        "networkpolicy-blocks-flow",
        "",
    ),
    (
        "postgres-e2e",
        "{name: DB_PASSWORD, value: app}",
        "{name: DB_PASSWORD, value: app}, {name: REDIS_HOST, value: postgres}",
        "host-unresolved",
        "postgres",
    ),
    ("postgres-e2e", "nodePort: 30432", "nodePort: 5433", "nodeport-range", "5433"),
    (
        "postgres-e2e",
        "selector: {app: postgresql}}",
        "selector: {app: postgres}}",
        "service-selects-nothing",
        "postgres",
    ),
    ("ingress", "port: {name: http}", "port: {name: web}", "reference-missing", "web"),
    (
        "operator",
        "name: widget-manager-role}\nsubjects",
        "name: widget-manger-role}\nsubjects",
        "rbac-roleref-missing",
        "widget-manger-role",
    ),
];

#[test]
fn one_mistake_in_them_is_reported_at_its_position() {
    for (file, old, new, rule, underlined) in BROKEN {
        let whole = std::fs::read_to_string(data("foreign").join(format!("{file}.yaml"))).unwrap();
        assert!(whole.contains(old), "{file} has no {old}");
        let tells = |text: &str| {
            found(text, |_| {}).into_iter().any(|(finding, _, text)| {
                finding.rule.name() == *rule && (underlined.is_empty() || text == *underlined)
            })
        };
        assert!(!tells(&whole), "{rule} fires on {file} as it is");
        let broken = whole.replacen(old, new, 1);
        let all: Vec<_> =
            found(&broken, |_| {}).into_iter().map(|(finding, place, text)| (finding.rule, place, text)).collect();
        assert!(tells(&broken), "{rule} is silent on {file} with {new}: {all:#?}");
    }
}

/// The severity and message of each finding of a rule.
fn reported_by(rule: &str, text: &str) -> Vec<(Severity, String)> {
    let findings =
        found(text, |_| {}).into_iter().map(|(finding, ..)| finding).filter(|finding| finding.rule.name() == rule);
    findings.map(|finding| (finding.severity, finding.message)).collect()
}

fn object(kind: &str, name: &str, rest: &str) -> String {
    format!("---\napiVersion: {kind}\nmetadata: {{name: {name}, namespace: ns}}\n{rest}\n")
}

fn pod(name: &str, labels: &str, container: &str) -> String {
    let container = format!("{{name: web, image: 'ghcr.io/acme/web:v1', {container}}}");
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: ns, labels: {{{labels}}}}}\n\
         spec: {{containers: [{container}]}}\n"
    )
}

fn service(selector: &str, rest: &str) -> String {
    object("v1\nkind: Service", "web", &format!("spec: {{selector: {{{selector}}}, {rest}}}"))
}

/// The limits of SECURITY.md: beyond each, a rule reports less, never more.
#[test]
fn pods_beyond_the_limit_are_not_reported() {
    // A pod with both labels comes after those with one.
    let rule = "service-selects-nothing";
    for (others, both, count) in [(1000, false, 1), (999, true, 0), (1001, false, 0), (1001, true, 0)] {
        let mut text = service("a: x, b: x", "ports: [{port: 80}]");
        (0..others).for_each(|at| text += &(pod(&format!("a{at}"), "a: x", "") + &pod(&format!("b{at}"), "b: x", "")));
        if both {
            text += &pod("both", "a: x, b: x", "");
        }
        assert_eq!(reported_by(rule, &text).len(), count, "{others} {both}");
    }
    // The same for a PodDisruptionBudget.
    let selector = "{matchLabels: {a: x}, matchExpressions: [{key: b, operator: Exists}]}";
    let budget = object("policy/v1\nkind: PodDisruptionBudget", "web", &format!("spec: {{selector: {selector}}}"));
    for (others, count) in [(1000, 1), (1001, 0)] {
        let pods: String = (0..others).map(|at| pod(&format!("a{at}"), "a: x", "")).collect();
        assert_eq!(reported_by("selector-matches-nothing", &(pods + &budget)).len(), count, "{others}");
    }
}

#[test]
fn pods_that_a_service_may_not_select_are_not_reported() {
    let jobs = |count: usize| {
        let spec = "spec: {template: {metadata: {labels: {a: x}}, spec: {restartPolicy: Never, containers: [{name: a, image: 'a.io/a:v1'}]}}}";
        (0..count).map(|at| object("batch/v1\nkind: Job", &format!("j{at}"), spec)).collect::<String>()
    };
    let web = service("a: x", "ports: [{port: 80}]");
    for (jobs, severity) in [(jobs(100), Severity::Note), (jobs(100) + &pod("p", "a: x", ""), Severity::Warning)] {
        let reported = reported_by("service-selects-job", &(web.clone() + &jobs));
        assert_eq!(reported, [(severity, "Service `web` selects the pods of Job/j0".to_owned())]);
    }
    // Every pod with `PORT` gets traffic on that port, except those that no Service selects.
    let with_port = "ports: [{containerPort: 8080}], env: [{name: PORT, value: '9090'}]";
    let pods = |count: usize| (0..count).map(|at| pod(&format!("p{at}"), "a: x", with_port)).collect::<String>();
    let web = service("a: x", "ports: [{port: 80, targetPort: 9090}]");
    for (text, count) in [
        (pods(101), 101),
        (pods(100) + &web, 0),
        (pods(101) + &web, 0),
        (pods(101) + &web + &pod("other", "b: x", with_port), 1),
    ] {
        assert_eq!(reported_by("listen-port-mismatch", &text).len(), count);
    }
    // The last pod of a headless Service may be the one that serves a port.
    let web = service("a: x", "clusterIP: None, ports: [{port: 80}]");
    let caller = pod("caller", "b: x", "env: [{name: URL, value: 'http://web:81/'}]");
    for (count, reported) in [(100, 1), (101, 0)] {
        let pods: String =
            (0..count).map(|at| pod(&format!("p{at}"), "a: x", "ports: [{containerPort: 80}]")).collect();
        assert_eq!(reported_by("url-port-unserved", &(pods + &web + &caller)).len(), reported, "{count}");
    }
}

/// A known service whose configuration exceeds the size limit.
#[test]
fn a_configuration_over_the_limit_is_not_checked() {
    let text = |config: &str| {
        let spec = "spec: {containers: [{name: datastorage, image: 'quay.io/acme/datastorage:v1', ports: [{containerPort: 8080}], \
                    env: [{name: CONFIG_PATH, value: /etc/datastorage/config.yaml}], readinessProbe: {httpGet: {path: /health, port: 8085}}, \
                    volumeMounts: [{name: config, mountPath: /etc/datastorage}]}], volumes: [{name: config, configMap: {name: c}}]}";
        object("v1\nkind: Pod", "p", spec)
            + &object("v1\nkind: ConfigMap", "c", &format!("data: {{config.yaml: '{config}'}}"))
    };
    let rules = ["probe-port-unserved", "secret-file-missing", "config-key-required", "mount-missing"];
    let reported = |text: &str| {
        let reported = found(text, |_| {}).into_iter().map(|(finding, ..)| finding.rule.name().to_owned());
        reported.filter(|rule| rules.contains(&rule.as_str())).collect::<Vec<_>>()
    };
    assert_ne!(reported(&text("{}")), [""; 0]);
    assert_eq!(reported(&text(&format!("{{}} # {}", "x".repeat(1 << 24)))), [""; 0]);
}

/// A pod of DataStorage with its configuration in the ConfigMap `c`, and more containers and volumes.
fn known_pod(name: &str, container: &str, others: &str, volumes: &str) -> String {
    let own = "name: datastorage, image: 'quay.io/acme/datastorage:v1', env: [{name: CONFIG_PATH, value: \
               /etc/datastorage/config.yaml}], volumeMounts: [{name: config, mountPath: /etc/datastorage}]";
    let spec = format!(
        "spec: {{containers: [{{{own}{container}}}{others}], volumes: [{{name: config, configMap: {{name: c}}}}{volumes}]}}"
    );
    object("v1\nkind: Pod", name, &spec).replacen("namespace: ns", "namespace: ns, labels: {a: x}", 1)
}

fn config(keys: &str) -> String {
    object("v1\nkind: ConfigMap", "c", &format!("data: {{config.yaml: '{keys}'}}"))
}

/// Of several ports, items or mounts with the same name or number the first counts, in short and in long lists.
#[test]
fn the_first_of_several_counts() {
    let rule = "listen-port-mismatch";
    let web = service("a: x", "ports: [{port: 80, targetPort: http}]");
    let beside = |name: &str| {
        format!(", {{name: proxy, image: 'a.io/proxy:v1', ports: [{{name: {name}, containerPort: 9000}}]}}")
    };
    let port = ", ports: [{name: http, containerPort: 8081}]";
    let text = |pod: String| config("server: {port: 9999}") + &web + &pod;
    let expected = "the target port of Service/web is 8081";
    for (others, fires) in [(String::new(), true), (beside("admin"), true), (beside("http"), true)] {
        let reported = reported_by(rule, &text(known_pod("p", port, &others, "")));
        assert_eq!(reported.iter().any(|(_, message)| message.contains(expected)), fires, "{others}: {reported:?}");
    }
    // The port of that name belongs to the other container, which comes first.
    let first = known_pod("p", port, "", "")
        .replace("[{name: datastorage", &format!("[{}, {{name: datastorage", &beside("http")[2..]));
    let reported = reported_by(rule, &text(first));
    assert!(!reported.iter().any(|(_, message)| message.contains(expected)), "{reported:?}");
    // The same port twice, and a port that both containers have.
    let twice = ", ports: [{name: http, containerPort: 8081}, {name: other, containerPort: 8081, protocol: UDP}]";
    let count =
        |pod: String| reported_by(rule, &text(pod)).iter().filter(|(_, message)| message.contains(expected)).count();
    assert_eq!(count(known_pod("p", twice, &beside("admin"), "")), 1);
    assert_eq!(count(known_pod("p", port, &beside("admin").replace("9000", "8081"), "")), 0);

    // The key whose item has the path of the configuration.
    let item = |key: &str| format!("{{key: {key}, path: config.yaml}}");
    for more in [0, 100] {
        let more: String = (0..more).map(|at| format!("{{key: k{at}, path: p{at}}}, ")).collect();
        for (first, second, fires) in [("good", "bad", false), ("bad", "good", true)] {
            let pod = known_pod("p", "", "", "").replace(
                "configMap: {name: c}",
                &format!("configMap: {{name: c, items: [{more}{}, {}]}}", item(first), item(second)),
            );
            let map =
                object("v1\nkind: ConfigMap", "c", "data: {good: 'server: {port: 8080}', bad: 'server: {prt: 8080}'}");
            assert_eq!(!reported_by("config-key-unknown", &(map + &pod)).is_empty(), fires, "{first} {second}");
        }
    }
}

/// A finding that applies to all containers of a known service is reported once.
#[test]
fn findings_common_to_known_containers_are_reported_once() {
    let one = |name: &str| known_pod(name, "", "", ", {name: extra, configMap: {name: c}}");
    let second = "{name: data-storage, image: 'quay.io/acme/datastorage:v1', env: [{name: CONFIG_PATH, value: /etc/datastorage/config.yaml}]}";
    let two = one("p").replace("}], volumes:", &format!("}}, {second}], volumes:"));
    let forgotten = (Severity::Error, "volume `extra` is not mounted by any container".to_owned());
    assert_eq!(reported_by("mount-missing", &(config("{}") + &one("p"))), slice::from_ref(&forgotten));
    assert_eq!(reported_by("mount-missing", &(config("{}") + &two)), slice::from_ref(&forgotten));
    let both = config("{}") + &one("p") + &one("q");
    assert_eq!(reported_by("mount-missing", &both), [forgotten.clone(), forgotten.clone()]);
    let mounted = two.replace("config.yaml}]}]", "config.yaml}], volumeMounts: [{name: extra, mountPath: /x}]}]");
    assert_ne!(mounted, two);
    assert!(!reported_by("mount-missing", &(config("{}") + &mounted)).contains(&forgotten));
    let unknown = config("server: {prt: 8080}") + &one("p") + &one("q");
    assert_eq!(reported_by("config-key-unknown", &unknown).len(), 1);
}

/// A Job that waits for a service, and one that runs after it, are reported once, not for each pod of the service.
#[test]
fn a_job_that_waits_for_a_service_is_reported_once() {
    let job = |name: &str, command: &str, hook: &str| {
        let waits = format!("initContainers: [{{name: w, image: 'a.io/w:v1', command: [sh, -c, '{command}']}}]");
        let spec = format!(
            "spec: {{template: {{spec: {{restartPolicy: Never, {waits}, containers: [{{name: goose, image: 'a.io/goose:v3', args: [up]}}]}}}}}}"
        );
        let text = object("batch/v1\nkind: Job", name, &spec);
        text.replacen("namespace: ns", &format!("namespace: ns, annotations: {{{hook}}}"), 1)
    };
    let web = service("a: x", "ports: [{port: 80}]");
    let rule = "migration-order";
    let plain = known_pod("p", "", "", "") + &known_pod("q", "", "", "");
    let asking = "until nc -z web 80; do sleep 1; done";
    let waits = "the Job waits for DataStorage, which needs the tables that the Job creates".to_owned();
    let reported = |job: &str| reported_by(rule, &(config("{}") + &web + &plain + job));
    assert_eq!(reported(&job("m", asking, "")), [(Severity::Warning, waits.clone())]);
    let two = job("m", asking, "") + &job("n", asking, "");
    assert_eq!(reported(&two), [(Severity::Warning, waits.clone()), (Severity::Warning, waits.clone())]);
    // It waits for another service, so each of the pods may start before it.
    assert_eq!(reported(&job("m", "nc -z other 80", "")).len(), 2);
    assert_eq!(reported(&job("m", "nc -z other 80", "helm.sh/hook: pre-install")), []);
    assert_eq!(reported(&job("m", "nc -z other 80", "argocd.argoproj.io/sync-wave: '-1'")), []);
    // The pods wait for the Job.
    let init = ", initContainers: [{name: w, image: 'a.io/k:v1', command: [kubectl, wait, '--for=condition=complete', job/m]}]";
    let plain = plain.replace("], volumes:", &format!("]{init}, volumes:"));
    let reported = |job: &str| reported_by(rule, &(config("{}") + &web + &plain + job));
    assert_eq!(reported(&job("m", asking, "")), [(Severity::Error, waits)]);
    let after = "deadlock: the Job runs after DataStorage is ready, but DataStorage waits for the Job".to_owned();
    let deadlock = |job: &str| reported_by("migration-hook-deadlock", &(config("{}") + &web + &plain + job));
    assert_eq!(deadlock(&job("m", "nc -z other 80", "helm.sh/hook: post-install")), [(Severity::Error, after)]);
    assert_eq!(deadlock(&job("m", "nc -z other 80", "helm.sh/hook: pre-install")), []);
    assert_eq!(reported(&job("m", "nc -z other 80", "")), []);
}

/// A group that Kubernetes does not have may belong to a custom resource, whatever its domain.
#[test]
fn a_group_is_unknown_if_no_custom_resource_can_have_it() {
    let role = |groups: &str, resources: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: r, namespace: ns}}\nrules:\n\
             - {{apiGroups: [{groups}], resources: [{resources}], verbs: [get]}}\n"
        )
    };
    let definition = |group: &str, plural: &str| {
        format!(
            "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: {plural}.{group}}}\n\
             spec: {{group: {group}, names: {{plural: {plural}, kind: K}}, scope: Namespaced, versions: []}}\n"
        )
    };
    let none = String::new;
    for (groups, resources, others, reported) in [
        // Groups of Kubernetes, misspelled ones, and names that no group can have.
        ("''", "deployments", none(), true),
        ("node.k8s.io", "nodes", none(), true),
        ("authentication.k8s.io", "subjectaccessreviews", none(), true),
        ("networkin.k8s.io", "networkpolicies", none(), true),
        ("rbac.authorisation.k8s.io", "roles", none(), true),
        ("apps/v1", "deployments", none(), true),
        ("rbac", "roles", none(), true),
        ("apps", "deployments", none(), false),
        ("metrics.k8s.io", "pods", none(), false),
        // Groups of projects below k8s.io, which may have any resource.
        ("snapshot.storage.k8s.io", "volumeattachments", none(), false),
        ("gateway.networking.k8s.io", "ingresses", none(), false),
        ("policy.networking.k8s.io", "networkpolicies", none(), false),
        ("external.metrics.k8s.io", "services", none(), false),
        ("core.k8s.io", "pods", none(), false),
        ("nfd.k8s.io", "nodes", none(), false),
        // CustomResourceDefinitions in the input.
        ("snapshot.storage.k8s.io", "volumesnapshots", definition("snapshot.storage.k8s.io", "volumesnapshots"), false),
        ("storage.k8s.io", "volumesnapshots", definition("snapshot.storage.k8s.io", "volumesnapshots"), true),
        ("gateway.networking.k8s.io", "gateways", definition("networking.istio.io", "gateways"), false),
        (
            "inference.networking.k8s.io",
            "inferencepools",
            definition("inference.networking.x-k8s.io", "inferencepools"),
            false,
        ),
        ("pipelines.kubeflow.org", "experiments", definition("kubeflow.org", "experiments"), false),
        ("kubernaut.io", "remediations", definition("kubernaut.ai", "remediations"), true),
        ("remediation.kubernaut.io", "remediations", definition("kubernaut.ai", "remediations"), true),
        ("networking.itsio.io", "gateways", definition("networking.istio.io", "gateways"), true),
    ] {
        let findings = reported_by("rbac-apigroup-unknown", &(role(groups, resources) + &others));
        assert_eq!(!findings.is_empty(), reported, "{groups} {resources}: {findings:?}");
    }
    // A permission that another rule grants in the right group is not missing.
    let both = |verbs: &str| {
        format!(
            "{}- {{apiGroups: [apps], resources: [deployments], verbs: [{verbs}]}}\n",
            role("''", "pods, deployments")
        )
    };
    assert_eq!(reported_by("rbac-apigroup-unknown", &both("get, list")), []);
    assert_eq!(reported_by("rbac-apigroup-unknown", &both("list")).len(), 1);
}

/// The probes of a container that waits for a Service must allow for the time until the Service has an endpoint.
#[test]
fn a_probe_allows_for_the_time_the_container_waits() {
    let workload = |name: &str, container: &str| {
        object(
            "apps/v1\nkind: Deployment",
            name,
            &format!(
                "spec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    \
                 spec:\n      containers:\n      - {{name: {name}, {container}}}"
            ),
        ) + &object("v1\nkind: Service", name, &format!("spec: {{selector: {{app: {name}}}, ports: [{{port: 5432}}]}}"))
    };
    let waiting = |seconds: u32| {
        workload(
            "web",
            &format!(
                "image: 'ghcr.io/acme/web:v1', command: [sh, -c, 'until nc -z db 5432; do sleep 1; done; exec /web'], \
                 livenessProbe: {{httpGet: {{path: /, port: 80}}, initialDelaySeconds: {seconds}}}"
            ),
        )
    };
    let database = |delay: u32| {
        workload(
            "db",
            &format!(
                "image: 'ghcr.io/acme/db:v1', readinessProbe: {{tcpSocket: {{port: 5432}}, initialDelaySeconds: {delay}}}"
            ),
        )
    };
    let reported =
        |text: &str| -> Vec<String> { reported_by("probe-budget", text).into_iter().map(|(_, text)| text).collect() };
    assert_eq!(reported(&(waiting(60) + &database(10))), [""; 0]);
    let slow =
        "container `web` is killed after 90s of failed probes: it waits for `db`, which takes about 120s to start";
    assert_eq!(reported(&(waiting(60) + &database(120))), [slow]);
    assert_eq!(reported(&(waiting(120) + &database(120))), [""; 0]);
    // Less than a minute is too short, however fast the database starts.
    assert_eq!(reported(&(waiting(1) + &database(10))).len(), 1);
    assert_eq!(reported(&waiting(1)).len(), 1);
}
