//! Rule `service-selects-job`.

use crate::check::rules::wiring::_shared::title;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ServiceSelectsJob,
    doc: Doc {
        checks: "\
Checks for Services whose selector matches the pods of a Job. The finding is a warning. It is a note
if the Service selects no other pods, since it is then intended for the Job.",
        why: "\
While the Job runs, its pods are endpoints of the Service and get a share of the traffic, but
usually nothing listens there: some connections are refused.",
        fix: "Give the pods of the Job labels that the selector does not match.",
        source: "https://kubernetes.io/docs/concepts/services-networking/service/#defining-a-service.",
    },
    bad: r#"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: web-migrate}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {restartPolicy: Never, containers: [{name: migrate, image: "ghcr.io/acme/migrate:v1"}]}
"#,
    good: r#"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "ghcr.io/acme/web:v1", ports: [{containerPort: 80}]}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: web-migrate}
spec:
  template:
    metadata: {labels: {app: web-migrate}}
    spec: {restartPolicy: Never, containers: [{name: migrate, image: "ghcr.io/acme/migrate:v1"}]}
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for service in graph.services.iter().filter(|service| !service.pods.is_empty()) {
        let jobs: Vec<usize> = service.pods.iter().copied().filter(|pod| graph.pods[*pod].is_job()).collect();
        let Some(job) = jobs.first().map(|job| &graph.pods[*job]) else { continue };
        let others = jobs.len() < service.pods.len();
        // If not all selected pods are known, others may not belong to Jobs.
        let only = !others && !service.may_select_more();
        // A Service that only selects the pods of a Job is intended.
        let severity = if only { Severity::Note } else { Severity::Warning };
        let message = format!(
            "Service `{}` {}selects the pods of {}",
            service.object.name(),
            if others { "also " } else { "" },
            title(job.object)
        );
        report
            .at(service.object, service.selector(), message)
            .severity(severity)
            .related(job.labels.origin.span, "the labels of the Job's pods")
            .help("set labels on the pods of the Job that the selector does not match");
    }
}
