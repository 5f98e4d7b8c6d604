//! The diagnosis: from what a cluster says of its objects to the causes of what is not ready.
//!
//! [`diagnose`] is a pure function of a [`Record`] and the manifests that were applied. It looks for root causes: what is
//! only a consequence of another cause is told beside that one. What is healthy, on its way or has recovered has none.

mod admission;
mod applied;
mod cause;
mod cluster;
mod containers;
mod crash;
mod images;
mod pods;
mod probes;
mod prospects;
mod record;
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

pub use cause::{Cause, Prospect, Stage};
pub use record::{Event, Record};
pub use state::State;

use cluster::{Cluster, Manifests};
use pods::Pod;

/// Seconds that a container may take to become ready, before its probe or its waiting counts as a cause.
pub const PATIENCE: i64 = 90;

/// What is known of the objects after a look at a record.
#[derive(Debug, Default)]
pub struct Diagnosis {
    /// The causes, root cause first.
    pub causes: Vec<Cause>,
    /// The objects that were looked at, in the order of the manifests, with their state and a few words.
    pub states: Vec<(ObjectRef, State, String)>,
}

impl Diagnosis {
    /// Whether all is ready, and nothing is known to be wrong.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let ready = self.states.iter().all(|(_, state, _)| *state == State::Ready);
        ready && self.causes.iter().all(|cause| cause.stage == Stage::Scale)
    }

    /// The causes as findings, in their order, with the lines of the manifests.
    #[must_use]
    pub fn findings(&self, manifests: Option<&[Object]>) -> Vec<Finding> {
        let manifests = Manifests::new(manifests.unwrap_or_default());
        self.causes.iter().map(|cause| cause.finding(manifests.of(&cause.object))).collect()
    }
}

/// Finds the causes of what is not ready. `manifests` are the objects as they were applied; only what belongs to them is
/// looked at. `patience`: seconds that a thing may take before it counts as stuck, [`PATIENCE`] as a rule; with 0 whatever is
/// not ready has a cause.
#[must_use]
pub fn diagnose(record: &Record, manifests: Option<&[Object]>, patience: i64) -> Diagnosis {
    let cluster = Cluster::new(record, manifests, patience);
    let mut causes = applied::causes(&cluster);
    let states = states(&cluster);
    for object in record.objects.iter().filter(|object| cluster.is_ours(cluster.top(object))) {
        causes.extend(of_object(&cluster, object));
    }
    missing(&states, &mut causes);
    let mut causes = merge(causes);
    prospects::look(&cluster, &mut causes);
    symptoms::drop(&cluster, &mut causes);
    if patience == 0 {
        unexplained(&states, &mut causes);
    }
    if let Some(manifests) = manifests {
        symptoms::explain(manifests, &mut causes);
    }
    let mut places: HashMap<(&str, &str), usize> = HashMap::new();
    for (place, (id, ..)) in states.iter().enumerate() {
        places.entry((&id.kind, &id.name)).or_insert(place);
    }
    let place = |id: &ObjectRef| places.get(&(id.kind.as_str(), id.name.as_str())).copied().unwrap_or(usize::MAX);
    causes.sort_by_cached_key(|cause| (cause.stage, place(&cause.affected), cause.object.clone(), cause.field.clone()));
    Diagnosis { causes, states }
}

/// The states of what a person applied: the manifests, or what no other object owns.
fn states<'a>(cluster: &Cluster<'a>) -> Vec<(ObjectRef, State, String)> {
    match cluster.manifests {
        Some(manifests) => manifests
            .iter()
            .filter_map(|manifest| {
                match cluster.live(manifest) {
                    Some(object) => {
                        let (state, words) = state::of(cluster, object);
                        Some((object.id.clone(), state, words))
                    }
                    // Not all kinds are recorded, Secrets never.
                    None if !is_recorded(cluster, manifest) => None,
                    None => Some((manifest.id.clone(), State::Missing, String::new())),
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
                let (state, words) = state::of(cluster, object);
                (object.id.clone(), state, words)
            };
            objects.map(of).collect()
        }
    }
}

/// Whether the absence of an object from the record means that the cluster does not have it.
fn is_recorded(cluster: &Cluster<'_>, manifest: &Object) -> bool {
    const ALWAYS: &[&str] =
        &["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Service", "PersistentVolumeClaim"];
    // One with a time to live is gone when it has done its work.
    let lives_on = manifest.node["spec"]["ttlSecondsAfterFinished"].is_null();
    lives_on && (ALWAYS.contains(&manifest.kind()) || cluster.knows(manifest.kind()))
}

/// The causes of one object of the cluster.
fn of_object<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Vec<Cause> {
    let one = |cause: Option<Cause>| cause.into_iter().collect();
    match object.kind() {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicationController" => controller(cluster, object),
        "ReplicaSet" if cluster.controller(object).is_none() => controller(cluster, object),
        "Job" => match cluster.controller(object) {
            // Of a CronJob's, only the newest counts.
            Some(owner) if cluster.owned(owner, "Job").last().is_some_and(|newest| newest.name() != object.name()) => {
                Vec::new()
            }
            _ => job(cluster, object),
        },
        "CronJob" => one(workloads::cron_job(cluster, object)),
        "Pod" if cluster.controller(object).is_none() => {
            one(Pod::new(cluster, object).and_then(|pod| pods::cause(cluster, &pod)))
        }
        "PersistentVolumeClaim" => one(volumes::claim(cluster, object).or_else(|| pods::stuck(cluster, object))),
        "Service" => one(workloads::service(cluster, object)),
        "Ingress" => one(workloads::ingress(cluster, object)),
        "HorizontalPodAutoscaler" => one(workloads::autoscaler(cluster, object)),
        "Namespace" => one(workloads::namespace(object)),
        _ => Vec::new(),
    }
}

/// The causes of a controller and its pods.
fn controller<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Vec<Cause> {
    let (state, words) = state::of(cluster, object);
    let mut causes: Vec<Cause> = Vec::new();
    if state != State::Ready {
        causes.extend(workloads::not_created(cluster, object));
    }
    let mut pods = cluster.owned(object, "Pod");
    // Pods of former templates go away; those of the newest are the ones that count, if there are any.
    let newest = cluster.owned(object, "ReplicaSet").last().map(|set| set.name());
    let is_new = |pod: &&Object| cluster.controller(pod).map(Object::name) == newest;
    if newest.is_some() && pods.iter().any(is_new) {
        pods.retain(is_new);
    }
    for pod in pods.into_iter().filter_map(|pod| Pod::new(cluster, pod)) {
        // What a controller has replaced is no fault of the present.
        if state == State::Ready && pod.object.node["status"]["phase"].text() == "Failed" {
            continue;
        }
        causes.extend(pods::cause(cluster, &pod));
    }
    if causes.is_empty() && object.kind() == "DaemonSet" {
        causes.extend(workloads::daemon_set(cluster, object));
    }
    if causes.is_empty() && state != State::Ready {
        causes.extend(workloads::stalled(object, state, &words));
    }
    causes
}

/// The causes of a Job and its pods.
fn job<'a>(cluster: &Cluster<'a>, object: &'a Object) -> Vec<Cause> {
    let (state, _) = state::of(cluster, object);
    if state == State::Ready {
        return Vec::new();
    }
    let mut causes: Vec<Cause> = workloads::not_created(cluster, object).into_iter().collect();
    causes.extend(workloads::job(cluster, object));
    if causes.is_empty() {
        let pods = cluster.owned(object, "Pod").into_iter().filter_map(|pod| Pod::new(cluster, pod));
        // One that failed is tried again, by another.
        let live = pods.filter(|pod| pod.object.node["status"]["phase"].text() != "Failed");
        causes.extend(live.filter_map(|pod| pods::cause(cluster, &pod)));
    }
    causes
}

/// Objects of the manifests that the cluster does not have, unless it is known why.
fn missing(states: &[(ObjectRef, State, String)], causes: &mut Vec<Cause>) {
    // Where the API server rejected one of which kubectl does not say the name, that may be this one.
    if causes.iter().any(|cause| cause.affected.name.is_empty()) {
        return;
    }
    let known = explained(causes);
    let is_missing =
        |(id, state, _): &&(ObjectRef, State, String)| *state == State::Missing && !known.contains(&of(id));
    for (id, ..) in states.iter().filter(is_missing) {
        let message = format!("{id} is not in the cluster");
        let cause = Cause::new(&rules::OBJECT_MISSING, id, cause::path(""), message);
        causes.push(cause.help("apply the bundle again: plimsoll up"));
    }
}

/// The kinds and names of what is known not to be ready.
fn explained(causes: &[Cause]) -> HashSet<(EcoString, EcoString)> {
    causes.iter().map(|cause| of(&cause.affected)).collect()
}

fn of(id: &ObjectRef) -> (EcoString, EcoString) {
    (id.kind.clone(), id.name.clone())
}

/// What is not ready and has no cause, where there is no more patience.
fn unexplained(states: &[(ObjectRef, State, String)], causes: &mut Vec<Cause>) {
    let known = explained(causes);
    for (id, state, words) in states {
        if *state == State::Progressing && !known.contains(&of(id)) {
            let message = format!("{id} is not ready: {words}");
            causes.push(Cause::new(&rules::NOT_READY, id, cause::path(""), message));
        }
    }
}

/// One cause for all that say the same of one field.
fn merge(causes: Vec<Cause>) -> Vec<Cause> {
    let mut merged: Vec<(Cause, usize)> = Vec::new();
    let mut places: HashMap<_, usize> = HashMap::new();
    for cause in causes {
        match places.entry((cause.rule.id, cause.object.clone(), cause.field.clone())) {
            Entry::Occupied(place) => {
                let (known, times) = &mut merged[*place.get()];
                known.prospect = known.prospect.max(cause.prospect);
                *times += usize::from(known.affected == cause.affected && known.words != cause.words);
            }
            Entry::Vacant(place) => {
                place.insert(merged.len());
                merged.push((cause, 0));
            }
        }
    }
    let finish = |(mut cause, more): (Cause, usize)| {
        if more > 0 {
            cause.words.push(format!("the same in {}", crate::suggest::count(more, "more pod")));
        }
        cause
    };
    merged.into_iter().map(finish).collect()
}
