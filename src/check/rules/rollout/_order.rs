//! The order in which Helm and Argo CD apply objects.

use crate::graph::{Container, ServiceContainer, image_tail, scripts};
use crate::object::{ContainerRole, Object};

/// When an object is applied, relative to those that are not hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hook {
    /// With them, since it is not a hook.
    None,
    /// Before all other objects.
    Before,
    /// After all other objects are ready.
    After,
}

/// The hook phase of an object. The annotation of Argo CD overrides that of Helm.
pub(crate) fn hook(object: &Object) -> Hook {
    let annotations = &object.node["metadata"]["annotations"];
    let (helm, argo) = (annotations["helm.sh/hook"].text(), annotations["argocd.argoproj.io/hook"].text());
    if argo.contains("PreSync") || argo.is_empty() && helm.contains("pre-install") {
        Hook::Before
    } else if argo.contains("PostSync") || argo.is_empty() && helm.contains("post-install") {
        Hook::After
    } else {
        Hook::None
    }
}

/// The wave in which Argo CD applies an object. For a hook without a wave, it uses Helm's hook weight.
pub(crate) fn wave(object: &Object) -> i64 {
    let annotations = &object.node["metadata"]["annotations"];
    let is_hook = annotations["helm.sh/hook"].is_set();
    let weight = annotations["helm.sh/hook-weight"].text().parse().ok().filter(|_| is_hook);
    annotations["argocd.argoproj.io/sync-wave"].text().parse().ok().or(weight).unwrap_or(0)
}

/// Strings that show that an init container waits for tables or for the Job.
const WAIT_MARKS: &[&str] = &[
    "job/",
    "jobs/",
    "schema",
    "migrat",
    "goose",
    "select ",
    "to_regclass",
    "pg_tables",
    "\\dt",
    "\\d ",
    "wait --for=condition=complete",
    "flyway",
    "alembic",
];

/// Whether the pod of a known service waits for its tables, or for the Job that creates them.
pub(crate) fn waits_for_tables(view: &ServiceContainer<'_, '_>) -> bool {
    view.pod.containers.iter().filter(|container| matches!(container.role, ContainerRole::Init)).any(|container| {
        let has_wait_mark = |text: &str| {
            let text = text.to_ascii_lowercase();
            WAIT_MARKS.iter().any(|word| text.contains(word))
        };
        let by_kubectl = matches!(image_tail(container.image()), "k8s-wait-for" | "k8s-job-wait")
            || container.words().any(|word| word.text() == "job");
        by_kubectl
            || (has_wait_mark(container.name()) && !only_pauses(container))
            || container.words().any(|word| has_wait_mark(word.text()))
            || scripts(container).iter().any(|text| has_wait_mark(text))
    }) || view.container.words().any(|word| {
        let text = word.text().to_ascii_lowercase();
        let is_named = |table: &String| text.contains(&table.to_ascii_lowercase());
        view.service.tables.required.iter().any(is_named) || text.contains("to_regclass") || text.contains("job/")
    })
}

/// Whether a container only sleeps for a fixed time.
fn only_pauses(container: &Container<'_>) -> bool {
    let text: String = container.words().map(|word| word.text().to_ascii_lowercase() + "\n").collect();
    let conditions = ["until", "while", "for ", "nc ", "pg_", "psql", "curl", "wget", "kubectl", "$", "("];
    text.contains("sleep") && scripts(container).is_empty() && !conditions.iter().any(|word| text.contains(word))
}
