//! Waiting until a bundle is ready, or is known never to be.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::finding::{ObjectRef, RuleId};
use crate::object::Object;
use crate::programs::{Programs, RunError};
use crate::status::{self, Cause, Diagnosis, PATIENCE, Prospect, Record, Stage};
use crate::up::Kubectl;
use crate::up::watch::Watches;

/// How often the state is looked at although nothing has changed: time itself may tell something.
const PACE: Duration = Duration::from_secs(1);

/// How often logs are fetched of containers that are not ready.
const LOGS: Duration = Duration::from_secs(5);

/// How long the last look at the cluster may take, when there is no more time.
const LAST_LOOK: Duration = Duration::from_secs(15);

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Everything is ready.
    Ready,
    /// Something will not become ready.
    Failed,
    /// There was no more time.
    TimedOut,
    /// The user interrupted.
    Interrupted,
}

/// What a wait came to.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub ended: Ended,
    /// What the cluster said last.
    pub record: Record,
    /// What that means.
    pub diagnosis: Diagnosis,
}

/// The kinds of a bundle that are watched, beside pods and events.
fn kinds(manifests: &[Object]) -> Vec<&'static str> {
    const KINDS: &[(&str, &[&str])] = &[
        ("Deployment", &["deployments.apps", "replicasets.apps"]),
        ("StatefulSet", &["statefulsets.apps", "persistentvolumeclaims"]),
        ("DaemonSet", &["daemonsets.apps"]),
        ("Job", &["jobs.batch"]),
        ("CronJob", &["cronjobs.batch"]),
        ("Service", &["services"]),
        ("PersistentVolumeClaim", &["persistentvolumeclaims"]),
        ("HorizontalPodAutoscaler", &["horizontalpodautoscalers.autoscaling"]),
    ];
    let mut kinds = vec!["pods", "events"];
    for (kind, watched) in KINDS {
        if manifests.iter().any(|object| object.kind() == *kind) {
            kinds.extend(watched.iter().filter(|kind| !kinds.contains(kind)).collect::<Vec<_>>());
        }
    }
    kinds
}

/// Waits for the objects of a bundle. `applied` is what kubectl printed; `show` is told the state whenever it is looked at.
///
/// # Errors
/// Where kubectl cannot be run or fails.
pub fn wait(
    kubectl: &Kubectl<'_>,
    namespace: &str,
    manifests: &[Object],
    applied: &[String],
    show: &mut dyn FnMut(&Diagnosis),
) -> Result<Outcome, RunError> {
    let mut watches = Watches::start(kubectl, namespace, &kinds(manifests));
    let mut since: BTreeMap<(RuleId, ObjectRef, String), Instant> = BTreeMap::new();
    let mut logs = BTreeMap::new();
    let mut looked = Instant::now();
    loop {
        _ = watches.wait(PACE)?;
        let programs = kubectl.programs;
        let over = programs.is_over();
        if programs.is_interrupted() || over {
            let ended = if programs.is_interrupted() { Ended::Interrupted } else { Ended::TimedOut };
            let mut record = watches.record();
            record.logs = logs;
            return Ok(last_look(kubectl, namespace, manifests, applied, ended, record));
        }
        let mut record = watches.record();
        record.applied = applied.to_vec();
        if looked.elapsed() >= LOGS {
            match kubectl.logs(&mut record) {
                // The next turn sees it as well.
                Err(RunError::Interrupted | RunError::TimedOut(_)) => {}
                result => result?,
            }
            logs = std::mem::take(&mut record.logs);
            looked = Instant::now();
        }
        record.logs.clone_from(&logs);
        let diagnosis = status::diagnose(&record, Some(manifests), PATIENCE);
        show(&diagnosis);
        if diagnosis.is_ready() {
            return Ok(Outcome { ended: Ended::Ready, record, diagnosis });
        }
        let known: Vec<_> = diagnosis.causes.iter().map(key).collect();
        since.retain(|cause, _| known.contains(cause));
        for cause in known {
            since.entry(cause).or_insert_with(Instant::now);
        }
        let certain = |cause: &&Cause| match cause.prospect {
            Prospect::None => true,
            Prospect::Poor(settle) => since.get(&key(cause)).is_some_and(|since| since.elapsed().as_secs() >= settle),
            Prospect::Open => false,
        };
        if diagnosis.causes.iter().any(|cause| certain(&cause)) {
            // A look at everything, before it is given up: with logs, quotas and the like.
            let full = look(kubectl, namespace, manifests, applied, PATIENCE)?;
            logs.clone_from(&full.record.logs);
            if full.diagnosis.is_ready() {
                return Ok(Outcome { ended: Ended::Ready, ..full });
            }
            let lasting = |cause: &&Cause| {
                cause.prospect > Prospect::Open && (cause.stage != Stage::Run || says_the_same(&full.record, cause))
            };
            if full.diagnosis.causes.iter().any(|cause| lasting(&cause)) {
                return Ok(full);
            }
            since.clear();
        }
    }
}

fn key(cause: &Cause) -> (RuleId, ObjectRef, String) {
    (cause.rule.id, cause.object.clone(), cause.field.to_string())
}

/// Looks at everything once.
fn look(
    kubectl: &Kubectl<'_>,
    namespace: &str,
    manifests: &[Object],
    applied: &[String],
    patience: i64,
) -> Result<Outcome, RunError> {
    let mut record = kubectl.record(namespace)?;
    record.applied = applied.to_vec();
    let diagnosis = status::diagnose(&record, Some(manifests), patience);
    Ok(Outcome { ended: Ended::Failed, record, diagnosis })
}

/// Looks at everything once more, when there is no more time: whatever is not ready now has a cause.
fn last_look(
    kubectl: &Kubectl<'_>,
    namespace: &str,
    manifests: &[Object],
    applied: &[String],
    ended: Ended,
    mut known: Record,
) -> Outcome {
    let programs = Programs {
        interrupted: std::sync::Arc::default(),
        deadline: Some(Instant::now() + LAST_LOOK),
        ..kubectl.programs.clone()
    };
    let kubectl = Kubectl { programs: &programs, context: kubectl.context.clone() };
    // A user who interrupts does not want to wait for it.
    if ended == Ended::TimedOut
        && let Ok(outcome) = look(&kubectl, namespace, manifests, applied, 0)
    {
        let ended = if outcome.diagnosis.is_ready() { Ended::Ready } else { ended };
        return Outcome { ended, ..outcome };
    }
    known.applied = applied.to_vec();
    let diagnosis = status::diagnose(&known, Some(manifests), if ended == Ended::TimedOut { 0 } else { PATIENCE });
    Outcome { ended, record: known, diagnosis }
}

/// Whether the containers that fail for a cause said the same in their last two runs; where they said something else, they
/// may be getting on. Numbers, as in timestamps, do not count.
fn says_the_same(record: &Record, cause: &Cause) -> bool {
    let words = |log: &str| -> String {
        let last = log.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        last.chars().filter(|c| !c.is_ascii_digit()).collect()
    };
    record.logs.iter().all(|(name, log)| {
        let Some(previous) = record.logs.get(&format!("{name}/previous")) else { return true };
        let others = !name.starts_with(cause.affected.name.as_str());
        let failed = |log: &str| log.trim().is_empty() || log.starts_with("unable to retrieve");
        others || failed(log) || failed(previous) || words(log) == words(previous)
    })
}
