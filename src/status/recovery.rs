//! Reassesses whether waiting may help, from what happens to other objects.

use foldhash::HashSet;

use crate::finding::ObjectRef;
use crate::node::Node;
use crate::object::{Container, Object, containers};
use crate::status::cause::{Cause, Recovery, Stage};
use crate::status::cluster::Cluster;
use crate::status::rules::{self, CauseRule};
use crate::status::state::{self, ObjectState};
use crate::status::symptoms;

/// The rules of causes that go away when other pods terminate and release what they use.
const RELEASED_BY_PODS: &[&CauseRule] = &[
    &rules::QUOTA_EXCEEDED,
    &rules::RESOURCES_INSUFFICIENT,
    &rules::HOST_PORT_TAKEN,
    &rules::POD_AFFINITY,
    &rules::ATTACH,
    &rules::CLAIM_MISSING,
];

/// The reasons of events with which a node autoscaler announces a node for a pod.
const SCALE_UP_REASONS: &[&str] = &["TriggeredScaleUp", "Nominated"];

/// Whether the pods of an object use Secrets.
fn uses_secrets(object: &Object) -> bool {
    let Some(spec) = object.pod_spec() else { return false };
    let of_container = |container: Container<'_>| {
        let mut variables = container.node["env"].items().iter().map(|env| &env["valueFrom"]["secretKeyRef"]);
        let mut all = container.node["envFrom"].items().iter().map(|from| &from["secretRef"]);
        variables.any(Node::is_set) || all.any(Node::is_set)
    };
    let of_volume = |volume: &Node| {
        volume["secret"].is_set()
            || volume["projected"]["sources"].items().iter().any(|source| source["secret"].is_set())
    };
    containers(spec).any(of_container) || spec["volumes"].items().iter().any(of_volume)
}

/// Sets the recovery of causes according to the state of other objects.
pub(super) fn reassess<'a>(cluster: &Cluster<'a>, causes: &mut [Cause]) {
    let is_deleted = |object: &&Object| object.node["metadata"]["deletionTimestamp"].is_set();
    let with_terminating_pods: HashSet<&str> = cluster.all("Pod").filter(is_deleted).map(Object::namespace).collect();
    let explained: HashSet<ObjectRef> = causes.iter().map(|cause| cause.affected.clone()).collect();
    let is_progressing = |object: &&Object| {
        !matches!(object.kind(), "Pod" | "ReplicaSet")
            && object.pod_template_path().is_some()
            && !explained.contains(&object.id)
            && state::of(cluster, object).0 == ObjectState::Progressing
    };
    let any_fails = causes.iter().any(|cause| matches!(cause.stage, Stage::Run | Stage::Wait));
    let workloads = cluster.record.objects.iter().filter(|_| any_fails).filter(is_progressing);
    let with_progressing_workloads: HashSet<&str> = workloads.map(Object::namespace).collect();
    for cause in causes.iter_mut() {
        let id = &cause.affected;
        let Some(object) = cluster.get(&id.kind, &id.namespace, &id.name) else { continue };
        let has_failed = || state::of(cluster, object).0 == ObjectState::Failed;
        let scales_up =
            || cluster.owned(object, "Pod").iter().any(|pod| cluster.event(pod, SCALE_UP_REASONS).is_some());
        let may_be_released = || {
            RELEASED_BY_PODS.contains(&cause.rule)
                && (with_terminating_pods.contains(id.namespace.as_str()) || scales_up())
        };
        // The program may fail until another workload is ready. Secrets are not read, so one may refer to any workload.
        let needs_another = || {
            matches!(cause.stage, Stage::Run | Stage::Wait)
                && with_progressing_workloads.contains(object.namespace())
                && (uses_secrets(object)
                    || symptoms::waits_for_progressing_workload(cluster, object, cause, &explained))
        };
        cause.recovery = match cause.recovery {
            // The object has failed, for example because it exceeded progressDeadlineSeconds.
            Recovery::Possible if !matches!(cause.stage, Stage::Reach | Stage::Scale) && has_failed() => {
                Recovery::Unlikely(0)
            }
            Recovery::Unlikely(_) if may_be_released() || needs_another() => Recovery::Possible,
            recovery => recovery,
        };
    }
}
