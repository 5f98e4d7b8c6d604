//! Rule `probe-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{At, Faults, Pod, handler, pod::List};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ProbeInvalid,
    doc: Doc {
        checks: "\
A probe must have exactly one handler: `exec` with a command, or `httpGet`, `tcpSocket` or `grpc`
with a port between 1 and 65535 or, except for `grpc`, the name of a port. Its numbers must not be
negative. The `successThreshold` of a liveness or startup probe must be 1; a readiness probe must
not have `terminationGracePeriodSeconds`. An init container may have probes only with
`restartPolicy: Always`.",
        why: "\
The API server rejects the object, for instance with \"must specify a handler type\", \"must be 1\" or
\"may not be set for init containers without restartPolicy=Always\".",
        fix: "Set the handler and its port, or remove the field that the probe must not have.",
        source: "`validateProbe` and `validateInitContainers` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", livenessProbe: {httpGet: {path: /healthz}}}]
"#,
    good: r#"-  containers: [{name: web, image: "web:1", livenessProbe: {httpGet: {path: /healthz}}}]
+  containers: [{name: web, image: "web:1", livenessProbe: {httpGet: {path: /healthz, port: 8080}}}]
"#,
    check: Check::Pod(check),
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Liveness,
    Readiness,
    Startup,
}

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    for container in &pod.containers {
        let (parent, fields) = (container.at(), &container.fields);
        for (kind, field, node) in [
            (Kind::Liveness, "livenessProbe", fields.liveness_probe),
            (Kind::Readiness, "readinessProbe", fields.readiness_probe),
            (Kind::Startup, "startupProbe", fields.startup_probe),
        ] {
            if node.is_null() || container.list == List::Ephemeral {
                continue;
            }
            let at = parent.on(field, node);
            if container.runs_on() {
                probe(kind, &at, faults);
            } else {
                faults.breaks(&at, "may not be set for init containers without `restartPolicy: Always`");
            }
        }
    }
}

fn probe(kind: Kind, at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    handler::check(at, handler::HandlerUse::Probe, faults);
    for entry in at.node.entries() {
        let (field, number) = match entry.key.as_str() {
            "initialDelaySeconds" => ("initialDelaySeconds", entry.value.as_i64()),
            "timeoutSeconds" => ("timeoutSeconds", entry.value.as_i64()),
            "periodSeconds" => ("periodSeconds", entry.value.as_i64()),
            "successThreshold" => ("successThreshold", entry.value.as_i64()),
            "failureThreshold" => ("failureThreshold", entry.value.as_i64()),
            "terminationGracePeriodSeconds" => ("terminationGracePeriodSeconds", entry.value.as_i64()),
            _ => continue,
        };
        let Some(number) = number else { continue };
        let field_at = at.on(field, &entry.value);
        match field {
            "terminationGracePeriodSeconds" if kind == Kind::Readiness => {
                faults.breaks(&field_at, "must not be set for a readiness probe");
            }
            "terminationGracePeriodSeconds" if number <= 0 => _ = faults.breaks(&field_at, "must be greater than 0"),
            "terminationGracePeriodSeconds" => {}
            // 0 counts as not set.
            "successThreshold" if kind != Kind::Readiness && !matches!(number, 0 | 1) => {
                faults.breaks(&field_at, "must be 1 for a liveness or startup probe");
            }
            _ if number < 0 => _ = faults.breaks(&field_at, "must be greater than or equal to 0"),
            _ => {}
        }
    }
}
