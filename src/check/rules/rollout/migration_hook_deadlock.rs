//! Rule `migration-hook-deadlock`.

use crate::check::rules::rollout::_order::{Hook, hook, waits_for_tables};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Container, MigrationKind, Pod, scripts};
use crate::node::Node;
use crate::object::ContainerRole;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::MigrationHookDeadlock,
    doc: Doc {
        checks: "\
Checks for Jobs that run after the workloads are ready, as a hook (`helm.sh/hook: post-install`,
which Argo CD reads as `PostSync`), while a workload becomes ready only when the Job is complete.
The finding is an error if an init container waits for the Job. It is a warning if the Job creates
the tables of a known service, which may not become ready without them.",
        why: "\
With `helm install --wait`, and with Argo CD, neither ever happens: the workload waits
for the Job, and the Job is created only when the workload is ready.",
        fix: "\
Make the Job a `pre-install,pre-upgrade` hook, or not a hook. For Argo CD alone,
`argocd.argoproj.io/hook: Sync` overrides the hook of Helm.",
        source: "\
https://helm.sh/docs/topics/charts_hooks/ and
https://argo-cd.readthedocs.io/en/stable/user-guide/helm/#helm-hooks.",
    },
    bad: r#"apiVersion: batch/v1
kind: Job
metadata: {name: db-migrate, annotations: {helm.sh/hook: "post-install,post-upgrade"}}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: migrate, image: "ghcr.io/acme/migrate:v1"}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers:
      - name: wait
        image: ghcr.io/acme/kubectl:v1
        command: [kubectl, wait, "--for=condition=complete", job/db-migrate]
      containers: [{name: web, image: "ghcr.io/acme/web:v1"}]
"#,
    good: r#"-metadata: {name: db-migrate, annotations: {helm.sh/hook: "post-install,post-upgrade"}}
+metadata: {name: db-migrate, annotations: {helm.sh/hook: "pre-install,pre-upgrade"}}
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let after: Vec<(usize, &Pod<'_>)> = graph
        .pods
        .iter()
        .enumerate()
        .filter(|(_, pod)| pod.object.kind() == "Job" && hook(pod.object) == Hook::After)
        .collect();
    for (number, job) in after {
        let creates_tables = || {
            graph.migrations().iter().any(|migration| migration.kind == MigrationKind::Job && migration.pod == number)
        };
        // A known service, or any workload whose init container waits for the Job.
        let mut services = graph.known().filter(|view| !view.service.tables.required.is_empty());
        let service =
            services.find(|view| hook(view.object()) == Hook::None && waits_for_tables(view) && creates_tables());
        let waiting = match service {
            Some(view) => Some((view.service.name.clone(), view.name_node())),
            None => graph.pods.iter().find_map(|pod| {
                let name = format!("{} `{}`", pod.object.kind(), pod.object.name());
                Some((name, waits_for(pod, job.object.name())?))
            }),
        };
        let annotations = &job.object.node["metadata"]["annotations"];
        let hook_node = ["argocd.argoproj.io/hook", "helm.sh/hook"].iter().map(|key| &annotations[*key]);
        let hook_node = hook_node.into_iter().find(|node| node.is_set()).unwrap_or(annotations);
        let (message, severity, related) = match waiting {
            Some((name, node)) => (
                format!("deadlock: the Job runs after {name} is ready, but {name} waits for the Job"),
                Severity::Error,
                node.origin.span,
            ),
            None => {
                let Some(view) = graph.known().find(|view| !view.service.tables.required.is_empty()) else { continue };
                if !creates_tables() || hook(view.object()) != Hook::None {
                    continue;
                }
                (
                    format!("the Job creates the tables of {} only after all workloads are ready", view.service.name),
                    Severity::Warning,
                    view.name_node().origin.span,
                )
            }
        };
        report
            .at(job.object, hook_node, message)
            .severity(severity)
            .related(related, "becomes ready only after the Job")
            .help("make the Job a `pre-install,pre-upgrade` hook, or remove the hook annotation");
    }
}

/// The node where an init container of a workload names a Job that it waits for.
fn waits_for<'a>(pod: &Pod<'a>, job: &str) -> Option<&'a Node> {
    if job.is_empty() || pod.is_job() || hook(pod.object) != Hook::None {
        return None;
    }
    let mentions = |text: &str| text.match_indices(job).any(|(at, _)| is_word(text, at, job.len()));
    let waits = |container: &&Container<'_>| container.role == ContainerRole::Init;
    pod.containers.iter().filter(waits).find_map(|container| {
        let word = container.words().find(|word| mentions(word.text()));
        word.or_else(|| scripts(container).iter().any(|text| mentions(text)).then_some(&container.node["name"]))
    })
}

/// Whether a match is not part of a longer name.
fn is_word(text: &str, at: usize, length: usize) -> bool {
    let continues = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '-');
    !continues(text[..at].chars().next_back()) && !continues(text[at + length..].chars().next())
}
