//! Whether waiting may help after all: what ends or comes up at present may end a cause of another object.

use foldhash::HashSet;

use crate::finding::ObjectRef;
use crate::node::Node;
use crate::object::{Container, Object, containers};
use crate::status::cause::{Cause, Prospect, Stage};
use crate::status::cluster::Cluster;
use crate::status::rules::{self, Rule};
use crate::status::state::{self, State};
use crate::status::symptoms;

/// The causes that go when other pods end and give back what they use.
const FREED_BY_PODS: &[&Rule] = &[
    &rules::QUOTA_EXCEEDED,
    &rules::RESOURCES_INSUFFICIENT,
    &rules::HOST_PORT_TAKEN,
    &rules::POD_AFFINITY,
    &rules::ATTACH,
    &rules::CLAIM_MISSING,
];

/// What an autoscaler of nodes says of a pod for which it makes room.
const NODES_COME: &[&str] = &["TriggeredScaleUp", "Nominated"];

/// Whether the pods of an object are given Secrets.
fn reads_secrets(object: &Object) -> bool {
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

/// Sets the prospects of causes by what happens beside them.
pub(super) fn look<'a>(cluster: &Cluster<'a>, causes: &mut [Cause]) {
    let ends = |object: &&Object| object.node["metadata"]["deletionTimestamp"].is_set();
    let ending: HashSet<&str> = cluster.all("Pod").filter(ends).map(Object::namespace).collect();
    let explained: HashSet<ObjectRef> = causes.iter().map(|cause| cause.affected.clone()).collect();
    let on_its_way = |object: &&Object| {
        !matches!(object.kind(), "Pod" | "ReplicaSet")
            && object.pod_place().is_some()
            && !explained.contains(&object.id)
            && state::of(cluster, object).0 == State::Progressing
    };
    let fails = causes.iter().any(|cause| matches!(cause.stage, Stage::Run | Stage::Wait));
    let workloads = cluster.record.objects.iter().filter(|_| fails).filter(on_its_way);
    let some_come_up: HashSet<&str> = workloads.map(Object::namespace).collect();
    for cause in causes.iter_mut() {
        let id = &cause.affected;
        let Some(object) = cluster.get(&id.kind, &id.namespace, &id.name) else { continue };
        let given_up = || state::of(cluster, object).0 == State::Failed;
        let nodes_come = || cluster.owned(object, "Pod").iter().any(|pod| cluster.event(pod, NODES_COME).is_some());
        let is_freed =
            || FREED_BY_PODS.contains(&cause.rule) && (ending.contains(id.namespace.as_str()) || nodes_come());
        // A program that fails until another one answers. In a Secret, which is not read, any may be named.
        let needs_another = || {
            matches!(cause.stage, Stage::Run | Stage::Wait)
                && some_come_up.contains(object.namespace())
                && (reads_secrets(object) || symptoms::waits_for_one_on_its_way(cluster, object, cause, &explained))
        };
        cause.prospect = match cause.prospect {
            // The cluster itself has given up, as after progressDeadlineSeconds.
            Prospect::Open if !matches!(cause.stage, Stage::Reach | Stage::Scale) && given_up() => Prospect::Poor(0),
            Prospect::Poor(_) if is_freed() || needs_another() => Prospect::Open,
            prospect => prospect,
        };
    }
}
