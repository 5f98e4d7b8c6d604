//! More cases of the rules about pods, valid and invalid: the fields that each rule reports.

mod cases;

use std::collections::BTreeMap;

use plimsoll::check::input::Input;
use plimsoll::check::{Check, Options, check, rules};
use plimsoll::source::Sources;

use cases::CASES;

fn manifest(short: &str) -> String {
    let (workload, fragment) = short.split_once('|').unwrap_or(("Pod", short));
    let (head, indent) = match workload {
        "Pod" => ("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n".to_owned(), "  "),
        "CronJob" => (
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: x}\nspec:\n  schedule: '@daily'\n  jobTemplate:\n    spec:\n      \
             template:\n        spec:\n"
                .to_owned(),
            "          ",
        ),
        workload => {
            let group = if workload == "Job" { "batch" } else { "apps" };
            let head = format!(
                "apiVersion: {group}/v1\nkind: {workload}\nmetadata: {{name: x}}\nspec:\n  template:\n    metadata: {{labels: {{a: b}}}}\n    spec:\n"
            );
            (head, "      ")
        }
    };
    let body = if let Some(fields) = fragment.strip_prefix("c: ") {
        format!("containers: [{{name: a, image: i, {fields}}}]")
    } else if let Some(source) = fragment.strip_prefix("v: ") {
        format!("containers: [{{name: a, image: i}}]\n{indent}volumes: [{{name: v, {source}}}]")
    } else if fragment.contains("containers:") {
        fragment.to_owned()
    } else {
        format!("containers: [{{name: a, image: i}}]\n{indent}{fragment}")
    };
    format!("{head}{indent}{body}\n")
}

/// The fields that a rule reports, sorted.
fn fields(rule: &str, text: &str) -> Vec<String> {
    let sources = Sources::new();
    let mut input = Input::default();
    input.add(&sources, sources.add("pod.yaml", text), true);
    assert!(input.findings.is_empty(), "{:#?}\n{text}", input.findings);
    let findings = check(&input.objects, &Options::default());
    assert!(!findings.iter().any(|finding| finding.rule.name().starts_with("field-")), "{findings:#?}\n{text}");
    let mut fields: Vec<_> =
        findings.into_iter().filter(|finding| finding.rule.name() == rule).map(|finding| finding.field).collect();
    fields.sort();
    fields
}

#[test]
fn rules_report_the_fields_the_server_reports() {
    let mut wrong = String::new();
    for (rule, short, expected) in CASES {
        let text = manifest(short);
        let found = fields(rule, &text);
        if found != *expected {
            wrong += &format!("{rule}: {short}\n  expected {expected:?}\n  found    {found:?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The three rules that the short form cannot express have their own tests below.
#[test]
fn every_rule_about_pods_has_valid_and_invalid_cases() {
    let mut sides: BTreeMap<&str, [bool; 2]> = BTreeMap::new();
    for (rule, _, expected) in CASES {
        sides.entry(rule).or_default()[usize::from(expected.is_empty())] = true;
    }
    let about_pods = rules::ALL.iter().filter(|rule| matches!(rule.check, Check::Pod(_)));
    for rule in about_pods.filter(|rule| {
        !matches!(rule.id.name(), "template-metadata-invalid" | "pod-annotation-invalid" | "pod-annotation-deprecated")
    }) {
        assert_eq!(sides.get(rule.id.name()), Some(&[true; 2]), "{}", rule.id);
    }
}

#[test]
fn metadata_fields_are_reported_as_by_the_server() {
    let job = |metadata: &str, template: &str| {
        let text = format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {metadata}\nspec:\n  template:\n    metadata: {template}\n    \
             spec: {{restartPolicy: Never, containers: [{{name: a, image: i}}]}}\n"
        );
        (fields("template-metadata-invalid", &text), fields("pod-annotation-invalid", &text))
    };
    let (labels, _) = job("{name: x}", "{labels: {a: '-'}}");
    assert_eq!(labels, ["metadata.labels", "spec.template.labels"]);
    let (labels, _) = job("{name: x, labels: {b: c}}", "{labels: {a: '-'}, annotations: {'a b': c}}");
    assert_eq!(labels, ["spec.template.annotations", "spec.template.labels"]);
    let (none, cost) = job("{name: x}", "{annotations: {controller.kubernetes.io/pod-deletion-cost: '+1'}}");
    assert!(none.is_empty());
    assert_eq!(cost, ["spec.template.annotations[controller.kubernetes.io/pod-deletion-cost]"]);
    let armor = "{annotations: {container.apparmor.security.beta.kubernetes.io/gone: strict}}";
    assert_eq!(job("{name: x}", armor).1.len(), 2);
    let armor = "{annotations: {container.apparmor.security.beta.kubernetes.io/a: localhost/x}}";
    assert!(job("{name: x}", armor).1.is_empty());
    let old = |security: &str| {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: x, annotations: {{seccomp.security.alpha.kubernetes.io/pod: unconfined}}}}\n\
             spec: {{containers: [{{name: a, image: i}}], securityContext: {security}}}\n"
        );
        fields("pod-annotation-deprecated", &text)
    };
    assert_eq!(old("{}"), ["metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]"]);
    assert!(old("{seccompProfile: {type: Unconfined}}").is_empty());
}

#[test]
fn volume_claim_templates_are_volumes() {
    let set = |claims: &str| {
        format!(
            "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: x}}\nspec:\n  template:\n    spec:\n      \
             containers: [{{name: a, image: i, volumeMounts: [{{name: data, mountPath: /data}}, {{name: tmp, mountPath: /tmp}}]}}]\n      \
             volumes: [{{name: tmp, emptyDir: {{}}}}, {{name: Bad}}]\n  volumeClaimTemplates: {claims}\n"
        )
    };
    let valid = set("[{metadata: {name: data}}]");
    assert!(fields("mount-volume-missing", &valid).is_empty());
    assert_eq!(fields("volume-name-invalid", &valid), ["spec.template.spec.volumes[2].name"]);
    let none = set("[{}]");
    assert_eq!(fields("mount-volume-missing", &none), ["spec.template.spec.containers[0].volumeMounts[0].name"]);
    assert_eq!(
        fields("volume-name-invalid", &none),
        [
            "spec.template.spec.volumes[0].name",
            "spec.template.spec.volumes[0].persistentVolumeClaim.claimName",
            "spec.template.spec.volumes[2].name",
        ]
    );
}

#[test]
fn ephemeral_volumes_create_claims() {
    let pod = |template: &str| manifest(&format!("v: ephemeral: {{volumeClaimTemplate: {template}}}"));
    let valid =
        "{metadata: {labels: {a: b}}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}";
    assert!(fields("claim-invalid", &pod(valid)).is_empty());
    assert_eq!(
        fields("claim-invalid", &pod("{metadata: {name: x}}")),
        [
            "spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.name",
            "spec.volumes[0].ephemeral.volumeClaimTemplate.spec.accessModes",
            "spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources[storage]",
        ]
    );
}
