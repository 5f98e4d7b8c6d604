//! The diagnosis: finds out from the state of a cluster why objects are not ready.
//!
//! [`diagnose`] is a pure function of a [`Record`] and the applied manifests. It reports root causes: an object that is
//! not ready only because of another cause is listed with that cause. Objects that are healthy, still progressing or
//! have recovered have no cause.

mod admission;
mod applied;
mod cause;
mod cluster;
mod containers;
mod crash;
mod images;
mod pods;
mod probes;
mod record;
mod recovery;
mod references;
pub mod rules;
mod schedule;
mod state;
mod symptoms;
pub mod time;
mod volumes;
mod workloads;

use std::collections::hash_map::Entry;

use ecow::EcoString;
use foldhash::{HashMap, HashMapExt, HashSet};

use crate::finding::{Finding, ObjectRef};
use crate::object::Object;

pub use cause::{Cause, Recovery, Stage};
pub use record::{Event, Record};
pub use state::ObjectState;

use cluster::{Cluster, Manifests};
use pods::Pod;

/// The seconds that a container may take to become ready before a failing probe or a long wait is reported as a cause.
pub const PATIENCE: i64 = 90;

/// The result of [`diagnose`].
#[derive(Debug, Default)]
pub struct Diagnosis {
    /// The causes, those that explain others first.
    pub causes: Vec<Cause>,
    /// The examined objects in the order of the manifests, with their state and a short description of it.
    pub states: Vec<(ObjectRef, ObjectState, String)>,
}

impl Diagnosis {
    /// Whether all objects are ready and there is no cause, except of objects that cannot be scaled.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let ready = self.states.iter().all(|(_, state, _)| *state == ObjectState::Ready);
        ready && self.causes.iter().all(|cause| cause.stage == Stage::Scale)
    }

    /// The causes as findings in the same order, located in the manifests.
    #[must_use]
    pub fn findings(&self, manifests: Option<&[Object]>) -> Vec<Finding> {
        let manifests = Manifests::new(manifests.unwrap_or_default());
        self.causes.iter().map(|cause| cause.finding(manifests.of(&cause.object))).collect()
    }
}

/// Finds out why objects are not ready. If `manifests`, the applied objects, are given, only objects that belong to
/// them are examined. `patience` is the number of seconds an object may take before it is considered stuck, usually
/// [`PATIENCE`]; with 0 every object that is not ready has a cause.
#[must_use]
pub fn diagnose(record: &Record, manifests: Option<&[Object]>, patience: i64) -> Diagnosis {
    let cluster = Cluster::new(record, manifests, patience);
    let mut causes = applied::causes(&cluster);
    let states = states(&cluster);
    for object in record.objects.iter().filter(|object| cluster.is_applied(cluster.top(object))) {
        causes.extend(object_causes(&cluster, object));
    }
    missing(&states, &mut causes);
    let mut causes = merge(causes);
    recovery::reassess(&cluster, &mut causes);
    symptoms::remove(&cluster, &mut causes);
    if patience == 0 {
        unexplained(&states, &mut causes);
    }
    if let Some(manifests) = manifests {
        symptoms::explain(manifests, &mut causes);
    }
    let mut ranks: HashMap<(&str, &str), usize> = HashMap::new();
    for (rank, (id, ..)) in states.iter().enumerate() {
        ranks.entry((&id.kind, &id.name)).or_insert(rank);
    }
    let rank = |id: &ObjectRef| ranks.get(&(id.kind.as_str(), id.name.as_str())).copied().unwrap_or(usize::MAX);
    causes.sort_by_cached_key(|cause| (cause.stage, rank(&cause.affected), cause.object.clone(), cause.field.clone()));
    Diagnosis { causes, states }
}

/// The states of the applied objects: of the manifests, or without manifests of the objects that have no owner.
fn states<'a>(cluster: &Cluster<'a>) -> Vec<(ObjectRef, ObjectState, String)> {
    match cluster.manifests {
        Some(manifests) => manifests
            .iter()
            .filter_map(|manifest| {
                match cluster.live(manifest) {
                    Some(object) => {
                        let (state, description) = state::of(cluster, object);
                        Some((object.id.clone(), state, description))
                    }
                    // Not all kinds are recorded; Secrets never are.
                    None if !is_recorded(cluster, manifest) => None,
                    None => Some((manifest.id.clone(), ObjectState::Missing, String::new())),
                }
            })
            .collect(),
        None => {
            let shown = |object: &&Object| {
                let counts =
                    !matches!(object.kind(), "EndpointSlice" | "Endpoints" | "Namespace" | "ServiceAccount" | "Node");
                counts && object.node["metadata"]["ownerReferences"].items().is_empty()
            };
            let objects = cluster.record.objects.iter().filter(shown);
            let of = |object: &'a Object| {
                let (state, description) = state::of(cluster, object);
                (object.id.clone(), state, description)
            };
            objects.map(of).collect()
        }
    }
}

/// Whether the record would contain the object if it existed in the cluster.
fn is_recorded(cluster: &Cluster<'_>, manifest: &Object) -> bool {
    const ALWAYS: &[&str] =
        &["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Service", "PersistentVolumeClaim"];
    // A Job with a time to live is deleted after it has finished.
    let persists = manifest.node["spec"]["ttlSecondsAfterFinished"].is_null();
    persists && (ALWAYS.contains(&manifest.kind()) || cluster.has_kind(manifest.kind()))
}

/// The causes of one object of the cluster.
fn object_causes<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Vec<Cause> {
    let one = |cause: Option<Cause>| cause.into_iter().collect();
    match object.kind() {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicationController" => controller(cluster, object),
        "ReplicaSet" if cluster.controller(object).is_none() => controller(cluster, object),
        "Job" => match cluster.controller(object) {
            // Only the newest Job of a CronJob is examined.
            Some(owner) if cluster.owned(owner, "Job").last().is_some_and(|newest| newest.name() != object.name()) => {
                Vec::new()
            }
            _ => job(cluster, object),
        },
        "CronJob" => one(workloads::cron_job(cluster, object)),
        "Pod" if cluster.controller(object).is_none() => {
            one(Pod::new(cluster, object).and_then(|pod| pods::cause(cluster, &pod)))
        }
        "PersistentVolumeClaim" => {
            one(volumes::claim(cluster, object).or_else(|| pods::deletion_stuck(cluster, object)))
        }
        "Service" => one(workloads::service(cluster, object)),
        "Ingress" => one(workloads::ingress(cluster, object)),
        "HorizontalPodAutoscaler" => one(workloads::autoscaler(cluster, object)),
        "Namespace" => one(workloads::namespace(object)),
        _ => Vec::new(),
    }
}

/// The causes of a controller and its pods.
fn controller<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Vec<Cause> {
    let (state, description) = state::of(cluster, object);
    let mut causes: Vec<Cause> = Vec::new();
    if state != ObjectState::Ready {
        causes.extend(workloads::not_created(cluster, object));
    }
    let mut pods = cluster.owned(object, "Pod");
    // Only the pods of the newest template are examined if there are any: the others are being replaced.
    let newest = cluster.owned(object, "ReplicaSet").last().map(|set| set.name());
    let is_new = |pod: &&Object| cluster.controller(pod).map(Object::name) == newest;
    if newest.is_some() && pods.iter().any(is_new) {
        pods.retain(is_new);
    }
    for pod in pods.into_iter().filter_map(|pod| Pod::new(cluster, pod)) {
        // The controller has already replaced the failed pod.
        if state == ObjectState::Ready && pod.object.node["status"]["phase"].text() == "Failed" {
            continue;
        }
        causes.extend(pods::cause(cluster, &pod));
    }
    if causes.is_empty() && object.kind() == "DaemonSet" {
        causes.extend(workloads::daemon_set(cluster, object));
    }
    if causes.is_empty() && state != ObjectState::Ready {
        causes.extend(workloads::stalled(object, state, &description));
    }
    causes
}

/// The causes of a Job and its pods.
fn job<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Vec<Cause> {
    let (state, _) = state::of(cluster, object);
    if state == ObjectState::Ready {
        return Vec::new();
    }
    let mut causes: Vec<Cause> = workloads::not_created(cluster, object).into_iter().collect();
    causes.extend(workloads::job(cluster, object));
    if causes.is_empty() {
        let pods = cluster.owned(object, "Pod").into_iter().filter_map(|pod| Pod::new(cluster, pod));
        // The Job controller replaces a failed pod.
        let live = pods.filter(|pod| pod.object.node["status"]["phase"].text() != "Failed");
        causes.extend(live.filter_map(|pod| pods::cause(cluster, &pod)));
    }
    causes
}

/// Adds a cause for each object of the manifests that the cluster does not have and that no other cause explains.
fn missing(states: &[(ObjectRef, ObjectState, String)], causes: &mut Vec<Cause>) {
    // kubectl did not print the name of a rejected object, which may be a missing one.
    if causes.iter().any(|cause| cause.affected.name.is_empty()) {
        return;
    }
    let explained = explained(causes);
    let is_missing = |(id, state, _): &&(ObjectRef, ObjectState, String)| {
        *state == ObjectState::Missing && !explained.contains(&kind_and_name(id))
    };
    for (id, ..) in states.iter().filter(is_missing) {
        let message = format!("{id} not found in the cluster");
        let cause = Cause::new(&rules::OBJECT_MISSING, id, cause::path(""), message);
        causes.push(cause.help("apply it again, with `plimsoll up PROFILE` or `kubectl apply`"));
    }
}

/// The kinds and names of the objects that have a cause.
fn explained(causes: &[Cause]) -> HashSet<(EcoString, EcoString)> {
    causes.iter().map(|cause| kind_and_name(&cause.affected)).collect()
}

fn kind_and_name(id: &ObjectRef) -> (EcoString, EcoString) {
    (id.kind.clone(), id.name.clone())
}

/// Adds a cause for each object that is not ready and has none.
fn unexplained(states: &[(ObjectRef, ObjectState, String)], causes: &mut Vec<Cause>) {
    let explained = explained(causes);
    for (id, state, description) in states {
        if *state == ObjectState::Progressing && !explained.contains(&kind_and_name(id)) {
            let message = format!("{id} is not ready: {description}");
            causes.push(Cause::new(&rules::NOT_READY, id, cause::path(""), message));
        }
    }
}

/// Merges the causes that have the same rule, object and field.
fn merge(causes: Vec<Cause>) -> Vec<Cause> {
    let mut merged: Vec<(Cause, usize)> = Vec::new();
    let mut indices: HashMap<_, usize> = HashMap::new();
    for cause in causes {
        match indices.entry((cause.rule.id, cause.object.clone(), cause.field.clone())) {
            Entry::Occupied(index) => {
                let (first, more) = &mut merged[*index.get()];
                first.recovery = first.recovery.max(cause.recovery);
                *more += usize::from(first.affected == cause.affected && first.quotes != cause.quotes);
            }
            Entry::Vacant(index) => {
                index.insert(merged.len());
                merged.push((cause, 0));
            }
        }
    }
    let finish = |(mut cause, more): (Cause, usize)| {
        if more > 0 {
            cause.quotes.push(format!("same cause in {}", crate::suggest::count(more, "more pod")));
        }
        cause
    };
    merged.into_iter().map(finish).collect()
}
