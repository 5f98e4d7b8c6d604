//! Rule `config-path-missing`.

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::node::Node;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ConfigPathMissing,
    doc: Doc {
        checks: "\
Checks that a known service is given the path of its config file in the way it reads it: by an
environment variable or by a flag. DataStorage reads the variable `CONFIG_PATH` only. It parses no
flags, so `--config=…` has no effect; such a flag is shown with the finding. The finding is an
error. Nothing is reported if the variable takes its value from a ConfigMap or Secret (`valueFrom`),
or if `envFrom` uses an object that is not among the manifests.",
        why: "Without the path the service exits when it starts, and the pod ends up in `CrashLoopBackOff`.",
        fix: "Set the variable or flag to the path of the config file, and mount the ConfigMap there.",
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
        args: ["--config=/etc/datastorage/config.yaml"]
        volumeMounts:
        - {name: config, mountPath: /etc/datastorage}
        - {name: secrets, mountPath: /etc/datastorage/secrets}
      volumes:
      - {name: config, configMap: {name: datastorage-config}}
      - {name: secrets, secret: {secretName: datastorage-secret}}
"#,
    good: r#"-        args: ["--config=/etc/datastorage/config.yaml"]
+        env: [{name: CONFIG_PATH, value: /etc/datastorage/config.yaml}]
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for view in bundle.graph().known() {
        let Some(file) = view.file() else { continue };
        let (Some(setting), path) = (file.env.as_ref().or(file.flag.as_ref()), view.config_path()) else { continue };
        // The value may come from an object that is not among the manifests, or from a Secret without data.
        let by_env = file.env.as_ref().and_then(|env| view.container.var(env));
        let is_unknown = by_env.is_some_and(|var| var.value.is_none() && var.entry["valueFrom"].is_set());
        if path.is_some() || is_unknown || (view.container.env_open && by_env.is_none()) {
            continue;
        }
        let name = view.container.name();
        let service = &view.service.name;
        let ignored = view.container.words().find(|word| {
            file.ignored_flags.iter().any(|flag| {
                word.text() == flag || word.text().strip_prefix(flag.as_str()).is_some_and(|rest| rest.starts_with('='))
            })
        });
        let node = by_env.and_then(|var| var.value).unwrap_or_else(|| view.name_node());
        let draft =
            report.at(view.object(), node, format!("the path of its config file is not set in container `{name}`"));
        let key = view.service.config_key();
        let draft = draft.label(format!("{service} requires {setting}")).help(format!(
            "set {} {setting} to {}, and mount a ConfigMap with {key} there",
            if file.env.is_some() { "the variable" } else { "the flag" },
            file.path
        ));
        if let Some(flag) = ignored.filter(|flag| !std::ptr::eq(*flag, Node::absent())) {
            draft.related(flag.origin.span, format!("{service} does not read this flag"));
        }
    }
}
