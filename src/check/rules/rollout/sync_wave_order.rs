//! Rule `sync-wave-order`.

use foldhash::{HashSet, HashSetExt};

use crate::check::rules::rollout::_order::{Hook, hook, wave};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Graph, MigrationKind, kind_of};
use crate::object::Object;
use crate::references::Relation;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::SyncWaveOrder,
    doc: Doc {
        checks: "\
Checks that objects which a workload needs to become healthy are not in a later Argo CD sync wave
than the workload (`argocd.argoproj.io/sync-wave`, 0 if unset). For hooks, `helm.sh/hook-weight` of
Helm counts as the wave if none is set.

For a ServiceAccount, ConfigMap, Secret or volume claim the finding is an error if one file contains
both objects or the manifests are complete (`--complete`, `--profile`, `render`), otherwise a
warning. For the RBAC of a known service, and for the Job that creates its tables, it is a warning.
References marked `optional` are not reported.",
        why: "\
Argo CD applies a wave when everything in the earlier waves is healthy. On the first sync the
workload never becomes healthy, and the later wave is never applied.",
        fix: "Put what the workload needs in the same wave or an earlier one.",
        source: "\
https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves/ and
https://argo-cd.readthedocs.io/en/stable/user-guide/helm/#helm-hooks.",
    },
    bad: r#"apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {argocd.argoproj.io/sync-wave: "-1"}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      containers: [{name: web, image: "ghcr.io/acme/web:v1"}]
"#,
    good: r#"-metadata: {name: web}
+metadata: {name: web, annotations: {argocd.argoproj.io/sync-wave: "-1"}}
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    if !graph.objects.iter().any(|object| wave(object) != 0) {
        return;
    }
    let mut reported = HashSet::new();
    let is_needed =
        |relation| matches!(relation, Relation::Volume | Relation::Env | Relation::EnvFrom | Relation::Account);
    for reference in graph.references.iter().filter(|reference| is_needed(reference.relation) && !reference.optional) {
        let Some(found) = reference.found else { continue };
        let waits =
            hook(reference.from) == Hook::None && hook(found) == Hook::None && reference.from.pod_template().is_some();
        if waits && wave(found) > wave(reference.from) && reported.insert((identity(reference.from), identity(found))) {
            report_later_wave(bundle, report, reference.from, found, "cannot start without it", Severity::Error);
        }
    }
    for view in graph.known() {
        let workload = view.object();
        // The role bindings of its ServiceAccount.
        for binding in bindings_of(graph, view.pod.namespace(), crate::check::rules::wiring::_rbac::account(view.pod)) {
            let reference = &binding.node["roleRef"];
            let kind = if reference["kind"].text() == "Role" { "Role" } else { "ClusterRole" };
            let role = graph.find_from(binding, kind, binding.namespace(), reference["name"].text());
            let is_needed = !view.service.permissions.is_empty();
            for object in
                std::iter::once(binding).chain(role).filter(|object| is_needed && wave(object) > wave(workload))
            {
                if reported.insert((identity(workload), identity(object))) {
                    report_later_wave(bundle, report, workload, object, "may need its permissions", Severity::Warning);
                }
            }
        }
        if view.service.tables.required.is_empty() {
            continue;
        }
        for migration in graph.migrations().iter().filter(|migration| migration.kind == MigrationKind::Job) {
            let job = graph.pods[migration.pod].object;
            if hook(job) != Hook::After
                && wave(job) > wave(workload)
                && reported.insert((identity(workload), identity(job)))
            {
                report_later_wave(bundle, report, workload, job, "needs its tables", Severity::Warning);
            }
        }
    }
}

/// Identifies an object by its address.
fn identity(object: &Object) -> usize {
    std::ptr::from_ref(object) as usize
}

fn bindings_of<'g, 'a>(
    graph: &'g Graph<'a>,
    namespace: &str,
    account: &str,
) -> impl Iterator<Item = &'a Object> + use<'g, 'a> {
    let (namespace, account) = (namespace.to_owned(), account.to_owned());
    graph.objects.iter().filter(move |object| {
        matches!(kind_of(object), Some("RoleBinding" | "ClusterRoleBinding"))
            && object.node["subjects"].items().iter().any(|subject| {
                let subject_namespace = subject["namespace"].as_str().unwrap_or(object.namespace());
                subject["kind"].text() == "ServiceAccount"
                    && subject["name"].text() == account
                    && (subject_namespace == namespace || subject_namespace.is_empty() || namespace.is_empty())
            })
    })
}

fn report_later_wave(
    bundle: &Bundle<'_>,
    report: &mut Report<'_>,
    workload: &Object,
    needed: &Object,
    why: &str,
    max: Severity,
) {
    let (kind, name) = (needed.kind(), needed.name());
    let message = format!(
        "{kind} `{name}` is in sync wave {}, after {} `{}` in wave {}, which {why}",
        wave(needed),
        workload.kind(),
        workload.name(),
        wave(workload)
    );
    let severity = if max == Severity::Error { bundle.between(workload, needed) } else { max };
    let annotations = &needed.node["metadata"]["annotations"];
    let key = ["argocd.argoproj.io/sync-wave", "helm.sh/hook-weight"].iter().map(|key| &annotations[*key]);
    let node = key.into_iter().find(|node| node.is_set()).unwrap_or(&needed.node["metadata"]["name"]);
    report
        .at(needed, node, message)
        .severity(severity)
        .related(workload.span(), "applied in an earlier wave")
        .help(format!("put it in wave {} or an earlier one", wave(workload)));
}
