//! Rule `pod-annotation-invalid`.

use std::cell::LazyCell;

use foldhash::HashMap;

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::validation::{At, Faults, Pod, pod::Container, pod::Workload};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::PodAnnotationInvalid,
    doc: Doc {
        checks: "\
`controller.kubernetes.io/pod-deletion-cost` must be a 32-bit integer. The seccomp and AppArmor
annotations must name a profile; those of AppArmor must also name a container of the pod and agree
with `appArmorProfile`. A mirror pod must have a `nodeName`.",
        why: "\
The API server rejects the object, for instance with \"must be a 32bit integer\" or \"apparmor type in
annotation and field must match\".",
        fix: "\
Correct the value; use `securityContext.seccompProfile` and `appArmorProfile` instead of the
annotations.",
        source: "\
`ValidatePodSpecificAnnotations` and `validateAppArmorAnnotationsAndFieldsMatchOnCreate` in
`pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {controller.kubernetes.io/pod-deletion-cost: low}}
spec:
  containers: [{name: web, image: "web:1"}]
"#,
    good: r#"-metadata: {name: web, annotations: {controller.kubernetes.io/pod-deletion-cost: low}}
+metadata: {name: web, annotations: {controller.kubernetes.io/pod-deletion-cost: "-5"}}
"#,
    check: Check::Pod(check),
};

const COST: &str = "controller.kubernetes.io/pod-deletion-cost";
const MIRROR: &str = "kubernetes.io/config.mirror";
const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP: &str = "container.seccomp.security.alpha.kubernetes.io/";
const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let annotations = &pod.template["metadata"]["annotations"];
    if annotations.entries().is_empty() {
        return;
    }
    let (template, metadata) = (pod.template_at(), At::root("metadata", &pod.template["metadata"]));
    let parent = if pod.workload == Workload::Pod { &metadata } else { &template };
    let containers = LazyCell::new(|| {
        // In reverse order, so that the first container of a name wins.
        pod.containers.iter().rev().map(|container| (container.name(), container)).collect::<HashMap<_, _>>()
    });
    for (key, at) in parent.on("annotations", annotations).keys() {
        let value = at.text();
        match key {
            COST if !is_cost(value) => {
                faults.breaks(&at, "must be a 32-bit integer");
            }
            MIRROR if pod.spec.node_name.text().is_empty() => {
                faults.add(&at, "`nodeName` is required for a mirror pod");
            }
            _ if key == SECCOMP_POD || key.starts_with(SECCOMP) => {
                if let Some(path) = value.strip_prefix("localhost/") {
                    faults.check(&at, names::descending_path(path));
                } else if !matches!(value, "runtime/default" | "docker/default" | "unconfined") {
                    faults.add(&at, format!("`{value}` is not a valid seccomp profile"));
                }
            }
            _ => {
                if let Some(name) = key.strip_prefix(APP_ARMOR) {
                    app_armor(pod, faults, &at, name, containers.get(name).copied());
                }
            }
        }
    }
}

fn app_armor(
    pod: &Pod<'_>,
    faults: &mut Faults<'_, '_>,
    at: &At<'_, '_>,
    name: &str,
    container: Option<&Container<'_>>,
) {
    let value = at.text();
    if !matches!(value, "" | "runtime/default" | "unconfined") && !value.starts_with("localhost/") {
        faults.add(at, format!("`{value}` is not a valid AppArmor profile"));
    }
    let Some(container) = container else {
        faults.add(at, format!("container `{name}` not found"));
        return;
    };
    if pod.workload != Workload::Pod || pod.spec.os["name"].text() == "windows" {
        return;
    }
    let own = &container.fields.security_context["appArmorProfile"];
    let profile = if own.is_set() { own } else { &pod.spec.security_context["appArmorProfile"] };
    let (field, differs) = match profile["type"].text() {
        "Unconfined" => ("type", value != "unconfined"),
        "RuntimeDefault" => ("type", value != "runtime/default"),
        "Localhost" => match value.strip_prefix("localhost/") {
            None => ("type", true),
            Some(path) => ("localhostProfile", path != profile["localhostProfile"].text()),
        },
        _ => return,
    };
    if differs {
        let parent = container.at();
        let context = parent.on("securityContext", container.fields.security_context);
        let field_at = context.on("appArmorProfile", profile);
        faults.add(&field_at.on(field, &profile[field]), "the AppArmor profiles in annotation and field must match");
    }
}

/// Whether the API server accepts a value as a 32-bit integer: without a plus sign and leading zeros.
fn is_cost(value: &str) -> bool {
    let first = value.as_bytes().first().copied().unwrap_or(b' ');
    (value == "0" || first == b'-' || (b'1'..=b'9').contains(&first)) && value.parse::<i32>().is_ok()
}
