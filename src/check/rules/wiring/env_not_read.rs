//! Rule `env-not-read`.

use foldhash::{HashSet, HashSetExt};

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::references;
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::EnvNotRead,
    doc: Doc {
        checks: "\
Checks for environment variables of a known service that the service does not read, such as
`POSTGRES_HOST`, `DB_PASSWORD` or `LOG_LEVEL` for a service that takes its settings from a config
file. The finding is an error if the service has a config file but is not given its path, since the
variables are then its only settings, otherwise a warning. Nothing is reported for variables that
runtimes, proxies and sidecars read (`HTTP_PROXY`, `GOMAXPROCS`, `POD_NAME`, …), variables from
`fieldRef`, and variables that other values or arguments refer to (`$(NAME)`).",
        why: "The settings have no effect.",
        fix: "\
Put the settings into the config file of the service, and credentials into the files of a Secret; or
correct the name of the variable.",
        source: "The description of the service (docs/services.md).",
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
        env:
        - {name: CONFIG_PATH, value: /etc/datastorage/config.yaml}
        - {name: POSTGRES_HOST, value: postgresql}
        volumeMounts:
        - {name: config, mountPath: /etc/datastorage}
        - {name: secrets, mountPath: /etc/datastorage/secrets}
      volumes:
      - {name: config, configMap: {name: datastorage-config}}
      - {name: secrets, secret: {secretName: datastorage-secret}}
"#,
    good: "\
-        env:
-        - {name: CONFIG_PATH, value: /etc/datastorage/config.yaml}
-        - {name: POSTGRES_HOST, value: postgresql}
+        env: [{name: CONFIG_PATH, value: /etc/datastorage/config.yaml}]
",
    check: Check::Bundle(check),
};

/// Prefixes of variables that runtimes, proxies and sidecars read.
const AMBIENT: &[&str] = &[
    "GO",
    "OTEL_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "TZ",
    "SSL_CERT_",
    "POD_",
    "NODE_NAME",
    "NAMESPACE",
    "MY_POD_",
    "HOST_IP",
    "HOSTNAME",
    "KUBERNETES_",
    "PATH",
    "HOME",
    "LANG",
    "LC_",
    "TMPDIR",
    "AWS_",
    "AZURE_",
    "GOOGLE_",
    "LD_",
    "MALLOC_",
    "K8S_",
    "KUBE",
    "USER",
    "SERVICE_NAME",
];

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for view in bundle.graph().known() {
        let read = &view.service.environment.read;
        if read.is_empty() {
            continue;
        }
        let values = view.container.env.iter().filter_map(|var| var.value);
        let used: HashSet<&str> = view
            .container
            .words()
            .chain(values)
            .flat_map(|text| references(text.text()).map(|(_, name)| name))
            .collect();
        let (mut names, mut known) = (Vec::new(), HashSet::new());
        let mut first = None;
        for var in &view.container.env {
            let name: &str = &var.name;
            let ambient =
                AMBIENT.iter().any(|start| name.starts_with(start)) || var.entry["valueFrom"]["fieldRef"].is_set();
            if name.is_empty()
                || ambient
                || read.iter().any(|known| known == name)
                || used.contains(name)
                || !known.insert(name)
            {
                continue;
            }
            names.push(name);
            first = first.or(Some(var));
        }
        let Some(first) = first else { continue };
        let shown = names[..names.len().min(2)].join(", ");
        let rest = if names.len() > 2 { format!(" and {} more", names.len() - 2) } else { String::new() };
        let message = format!("{} does not read {shown}{rest}", view.service.name);
        let node = if first.own { &first.entry["name"] } else { first.entry };
        let near = suggest::nearest(names[0], read.iter().map(String::as_str))
            .filter(|near| !view.container.env.iter().any(|var| var.name == *near));
        let severity = if view.config_path().is_none() && view.file().is_some() && !view.container.env_open {
            Severity::Error
        } else {
            Severity::Warning
        };
        let draft = report.at(view.object(), node, message).severity(severity);
        match (near, view.file()) {
            (Some(near), _) => draft.help(format!("did you mean `{near}`?")),
            (None, Some(_)) => draft.label("no effect").help(format!(
                "put settings into `{}` of a ConfigMap, and credentials into files of a Secret",
                view.service.config_key()
            )),
            (None, None) => draft.help(format!("use the variables that it reads: {}", suggest::list(read, "and"))),
        };
    }
}
