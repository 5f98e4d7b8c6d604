//! Rule `env-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::node::Node;
use crate::validation::downward::{self, ReferenceUse};
use crate::validation::{At, Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::EnvInvalid,
    doc: Doc {
        checks: "\
A variable must have a name of printable ASCII characters other than `=`. `valueFrom` must have
exactly one source and must not be combined with a `value`. The source is a field of the pod
(`metadata.name`, `metadata.namespace`, `metadata.uid`, `metadata.labels['key']`,
`metadata.annotations['key']`, `spec.nodeName`, `spec.serviceAccountName`, `status.hostIP`,
`status.hostIPs`, `status.podIP`, `status.podIPs`), a resource of a container, or a key of a
ConfigMap, of a Secret or of a file.",
        why: "\
The API server rejects the object, for instance with \"may not be specified when `value` is not
empty\" or \"error converting fieldPath: field label not supported\".",
        fix: "Correct the name or the reference, and keep either `value` or one source in `valueFrom`.",
        source: "`ValidateEnv` and `validateEnvVarValueFrom` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.node}}}]}]
"#,
    good: r#"-  containers: [{name: web, image: "web:1", env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.node}}}]}]
+  containers: [{name: web, image: "web:1", env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    for container in &pod.containers {
        let parent = container.at();
        for variable in parent.on("env", container.fields.env).items() {
            let (mut name, mut value, mut from) = (Node::absent(), Node::absent(), Node::absent());
            for entry in variable.node.entries() {
                match entry.key.as_str() {
                    "name" => name = &entry.value,
                    "value" => value = &entry.value,
                    "valueFrom" => from = &entry.value,
                    _ => {}
                }
            }
            let at = variable.on("name", name);
            if name.text().is_empty() {
                faults.add(&at, "the name of the variable is required");
            } else if let Err(form) = names::env_name(name.text()) {
                faults.add(&at, format!("the variable name `{}` {form}", name.text()));
            }
            if from.is_set() {
                source(pod, &variable.on("valueFrom", from), value, faults);
            }
        }
    }
}

fn source<'n>(pod: &Pod<'n>, from: &At<'n, '_>, value: &Node, faults: &mut Faults<'_, '_>) {
    let mut sources = 0;
    for entry in from.node.entries() {
        if entry.value.is_null() {
            continue;
        }
        match entry.key.as_str() {
            "fieldRef" => downward::field(&from.on("fieldRef", &entry.value), ReferenceUse::Env, faults),
            "resourceFieldRef" => {
                downward::resource(&from.on("resourceFieldRef", &entry.value), ReferenceUse::Env, faults)
            }
            "configMapKeyRef" => key_ref(&from.on("configMapKeyRef", &entry.value), faults),
            "secretKeyRef" => key_ref(&from.on("secretKeyRef", &entry.value), faults),
            "fileKeyRef" => file_ref(pod, &from.on("fileKeyRef", &entry.value), faults),
            _ => continue,
        }
        sources += 1;
    }
    if sources == 0 {
        faults.breaks(
            from,
            "must specify one of `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` and `fileKeyRef`",
        );
    } else if !value.text().is_empty() {
        faults.breaks(from, "may not be specified when `value` is not empty");
    } else if sources > 1 {
        faults.breaks(from, "may not have more than one field specified at a time");
    }
}

/// Validates a reference to a key of a ConfigMap or Secret.
fn key_ref(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    let (name, key) = (at.get("name"), at.get("key"));
    faults.check(&name, names::dns1123_subdomain(name.text()));
    if key.text().is_empty() {
        faults.add(&key, "`key` is required");
    } else if let Err(form) = names::config_key(key.text()) {
        faults.add(&key, format!("the key `{}` {form}", key.text()));
    }
}

/// Validates a reference to a variable in a file of a volume.
fn file_ref<'n>(pod: &Pod<'n>, at: &At<'n, '_>, faults: &mut Faults<'_, '_>) {
    let (key, volume, path) = (at.get("key"), at.get("volumeName"), at.get("path"));
    if key.text().is_empty() {
        faults.add(&key, "`key` is required");
    } else if let Err(form) = names::env_name(key.text()) {
        faults.add(&key, format!("the key `{}` {form}", key.text()));
    }
    if path.text().is_empty() {
        faults.add(&path, "`path` is required");
    } else if let Err(form) = names::path_without_backsteps(path.text()) {
        faults.add(&path, format!("the path {form}"));
    }
    if volume.text().is_empty() {
        faults.add(&volume, "`volumeName` is required");
    } else if let Err(form) = names::dns1123_label(volume.text()) {
        faults.add(&volume, format!("the volume name {form}"));
    }
    // An invalid volume counts as existing here.
    match pod.volumes.iter().rfind(|found| found.name.text() == volume.text()) {
        None => _ = faults.add(&volume, format!("volume `{}` not found", volume.text())),
        // A volume without a source becomes an emptyDir.
        Some(found) if found.claim || (found.node["emptyDir"].is_null() && found.node.entries().len() > 1) => {
            faults.add(&volume, format!("the volume `{}` must be an emptyDir", volume.text()));
        }
        Some(_) => {}
    }
}
