//! Rule `config-duration-empty`.

use crate::check::rules::wiring::_shared::at_setting;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::node::Value;
use crate::service::KeyType;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ConfigDurationEmpty,
    doc: Doc {
        checks: "\
Checks for durations in the config file of a known service that are the empty string, where the
service does not treat the empty string as unset. The finding is an error, or a warning for a
ConfigMap that no workload among the manifests mounts.",
        why: "\
The service parses the duration when it starts, and exits: the empty string is not a valid Go
duration. This happens when a template leaves out a value.",
        fix: "Set a duration such as `30s`, or remove the key to use the default.",
        source: "The description of the service (docs/services.md) and https://pkg.go.dev/time#ParseDuration.",
    },
    bad: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: notification-config, namespace: kubernaut-system}
data:
  config.yaml: |
    controller: {metricsAddr: ":9090", healthProbeAddr: ":8081"}
    delivery: {console: {enabled: true}}
    datastorage: {timeout: "", url: "http://data-storage-service:8080"}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: notification-controller, namespace: kubernaut-system}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: notification-controller, namespace: kubernaut-system}
spec:
  selector: {matchLabels: {app: notification}}
  template:
    metadata: {labels: {app: notification}}
    spec:
      serviceAccountName: notification-controller
      containers:
      - name: notification
        image: quay.io/acme/kubernaut-notification:v1
        args: ["--config=/etc/notification/config.yaml"]
        volumeMounts: [{name: config, mountPath: /etc/notification}]
      volumes: [{name: config, configMap: {name: notification-config}}]
"#,
    good: r#"-    datastorage: {timeout: "", url: "http://data-storage-service:8080"}
+    datastorage: {timeout: 10s, url: "http://data-storage-service:8080"}
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for config in bundle.graph().configs() {
        let keys = config.dialect.into_iter().flat_map(|dialect| &dialect.config);
        for (path, _) in keys.filter(|(_, key)| key.kind == KeyType::Duration && key.filled) {
            let value = config.value(path);
            if matches!(&value.value, Value::String(text) if text.is_empty()) {
                at_setting(report, config, value, format!("`{path}` is an empty string, not a duration"))
                    .severity(config.severity())
                    .label(format!("{} parses it at start", config.service.name))
                    .help("set a duration such as `30s`, or remove the key to use the default");
            }
        }
    }
}
