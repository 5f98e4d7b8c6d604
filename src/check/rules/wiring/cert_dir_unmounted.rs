//! Rule `cert-dir-unmounted`.

use crate::check::rules::wiring::_shared::at_value;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::service::KeyType;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::CertDirUnmounted,
    doc: Doc {
        checks: "\
Checks that a volume is mounted at the directory from which a known service reads its TLS
certificate and key. The directory is the one its config file names, or its default.

The finding is an error if the config file that names the directory and the workload are in one
file, or if the manifests are complete (`--complete`, `--profile`, `render`), otherwise a warning. A
default directory is reported as an error only if the manifests are complete. Nothing is reported
for a default if the config file is not among the manifests, or if only some versions of the service
have that setting and the version is unknown.",
        why: "\
Images contain no certificates. The service exits when it starts its server, or serves without TLS.",
        fix: "Mount the Secret with the keys `tls.crt` and `tls.key` at that directory.",
        source: "\
The description of the service (docs/services.md) and
https://kubernetes.io/docs/concepts/configuration/secret/#tls-secrets.",
    },
    bad: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: authwebhook-config, namespace: kubernaut-system}
data:
  config.yaml: |
    webhook: {port: 9443, certDir: /etc/webhook/certs, healthProbeAddr: ":8081"}
    datastorage: {url: "http://data-storage-service:8080"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: authwebhook, namespace: kubernaut-system}
spec:
  selector: {matchLabels: {app: authwebhook}}
  template:
    metadata: {labels: {app: authwebhook}}
    spec:
      serviceAccountName: authwebhook
      containers:
      - name: authwebhook
        image: quay.io/acme/kubernaut-authwebhook:v1
        args: ["--config=/etc/authwebhook/config.yaml"]
        volumeMounts: [{name: config, mountPath: /etc/authwebhook}]
      volumes:
      - {name: config, configMap: {name: authwebhook-config}}
      - {name: certs, secret: {secretName: authwebhook-tls}}
"#,
    good: r#"-        volumeMounts: [{name: config, mountPath: /etc/authwebhook}]
+        volumeMounts: [{name: config, mountPath: /etc/authwebhook}, {name: certs, mountPath: /etc/webhook/certs}]
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for view in bundle.graph().known() {
        let Some(dialect) = view.dialect else { continue };
        for (path, key) in dialect.config.iter().filter(|(_, key)| key.kind == KeyType::CertificateDirectory) {
            let value = view.value(path);
            let (folder, is_default) = match (value.text(), &key.default) {
                ("", Some(default)) => (default.as_str(), true),
                (text, _) => (text, false),
            };
            // A config file that is not among the manifests may set another directory.
            let is_unknown = is_default && (view.tree().is_none() || key.since.is_some() && view.version().is_none());
            if folder.is_empty() || is_unknown || view.container.mount_of(folder).is_some() {
                continue;
            }
            let service = &view.service.name;
            let message = format!("{service} reads its certificate from `{folder}`, where no volume is mounted");
            let object = view.config.filter(|_| !is_default).map_or(view.object(), |config| config.object);
            let severity = if is_default { bundle.absent() } else { bundle.between(object, view.object()) };
            let draft = if is_default {
                report.at(view.object(), view.name_node(), message)
            } else {
                at_value(report, &view, value, message)
            };
            draft
                .severity(severity)
                .related(view.name_node().origin.span, "the container")
                .help(format!("mount the Secret with `tls.crt` and `tls.key` at `{folder}`"));
        }
    }
}
