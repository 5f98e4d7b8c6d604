//! Rule `name-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::{Checked, names};
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::NameInvalid,
    doc: Doc {
        checks: "\
An object must have a `metadata.name` of the form that its kind requires: a DNS-1123 subdomain for
most (`web.v2`), a DNS-1123 label for a Service, Namespace or StatefulSet (`web-v2`), a path segment
for RBAC objects (any string without `/` and `%`). `generateName` is accepted instead. The name of a
CronJob must be no more than 52 bytes, since its Jobs get a suffix of 11; the name of a Job no more
than 63, since it becomes a label of its pods; and the name of an indexed Job with its highest index
must be a valid host name. A CustomResourceDefinition must be named `<plural>.<group>`, an
APIService `<version>.<group>`. Nothing is reported for a missing name of kinds that are not stored,
such as a SubjectAccessReview.",
        why: "\
The API server rejects the object, for instance with \"name or generateName is required\" or \"a
lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and
must start and end with an alphanumeric character\".",
        fix: "Use lower case letters, digits and `-`, and shorten names that others are derived from.",
        source: "\
`ValidateObjectMeta` in `k8s.io/apimachinery/pkg/api/validation` and the name functions in
`pkg/apis/*/validation`.",
    },
    bad: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_Valid}\n",
    good: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: valid}\n",
    check: Check::Object(check),
};

/// The maximum length of the name of a CronJob: 63 less the suffix of its Jobs.
const CRON_JOB_NAME: usize = 52;

/// The function that validates the names of a kind.
fn name_check(group: &str, kind: &str) -> fn(&str) -> Checked {
    match (group, kind) {
        ("", "Service" | "Namespace") | ("apps", "StatefulSet") => names::dns1123_label,
        ("rbac.authorization.k8s.io" | "events.k8s.io", _)
        | ("", "Event")
        | ("policy", "PodDisruptionBudget")
        | ("certificates.k8s.io", "CertificateSigningRequest" | "ClusterTrustBundle")
        | ("apiregistration.k8s.io", "APIService")
        | ("networking.k8s.io", "IPAddress") => names::path_segment,
        ("storage.k8s.io", "CSIDriver") => driver,
        _ => names::dns1123_subdomain,
    }
}

fn driver(name: &str) -> Checked {
    names::dns1123_subdomain(&name.to_lowercase())
}

/// Whether objects of a kind may have no name: they are not stored, or the API server validates no name.
pub(super) fn is_nameless(group: &str, kind: &str) -> bool {
    matches!(group, "authentication.k8s.io" | "authorization.k8s.io" | "kind.x-k8s.io" | "kustomize.config.k8s.io")
        || matches!((group, kind), ("", "LimitRange" | "List" | "Binding"))
        || kind.is_empty()
}

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    let (group, kind) = (object.group(), object.kind());
    let root = At::root("", &object.node);
    let metadata = root.get("metadata");
    let (name, prefix) = (metadata.get("name"), metadata.get("generateName"));
    let text = name.text();
    if text.is_empty() && prefix.text().is_empty() && is_nameless(group, kind) {
        return;
    }
    let check = name_check(group, kind);
    if !prefix.text().is_empty() {
        faults.check(&prefix, names::as_prefix(check, prefix.text()));
    }
    if text.is_empty() {
        if prefix.text().is_empty() {
            faults.required(&name);
        }
        return;
    }
    let checked = names::path_segment(text).and_then(|()| check(text));
    let malformed = checked.is_err();
    faults.check(&name, checked);
    if malformed {
        return;
    }
    match (group, kind) {
        ("batch", "CronJob") if text.len() > CRON_JOB_NAME => {
            faults.invalid(&name, "must be no more than 52 characters: its Jobs get a suffix of 11 characters");
        }
        ("batch", "Job") => job(faults, &root, &name),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            let spec = &object.node["spec"];
            let parts = (spec["names"]["plural"].text(), spec["group"].text());
            joined(faults, &name, parts, "must be `spec.names.plural` and `spec.group` joined by `.`");
        }
        ("apiregistration.k8s.io", "APIService") => {
            let spec = &object.node["spec"];
            let parts = (spec["version"].text(), spec["group"].text());
            joined(faults, &name, parts, "must be `spec.version` and `spec.group` joined by `.`");
        }
        _ => {}
    }
}

fn joined(faults: &mut Faults<'_, '_>, name: &At<'_, '_>, (first, last): (&str, &str), rule: &str) {
    let rest = name.text().strip_prefix(first).and_then(|rest| rest.strip_prefix('.'));
    if rest != Some(last) {
        faults.invalid(name, rule);
    }
}

/// Validates the name of a Job, which becomes a label of its pods and, with an index, their host name.
fn job(faults: &mut Faults<'_, '_>, root: &At<'_, '_>, name: &At<'_, '_>) {
    let spec = root.get("spec");
    if name.text().len() > 63 && !spec.get("manualSelector").is_true() {
        faults
            .invalid(name, "must be no more than 63 characters: it becomes a label of the Job's pods")
            .field("spec.template.labels");
    }
    let completions = spec.node["completions"].as_i64().unwrap_or(0);
    if spec.node["completionMode"].text() == "Indexed" && completions > 0 {
        let host = format!("{}-{}", name.text(), completions - 1);
        if let Err(rule) = names::dns1123_label(&host) {
            let message = format!("the host name `{host}` of the Job's last pod {rule}");
            faults.add(name, message);
        }
    }
}
