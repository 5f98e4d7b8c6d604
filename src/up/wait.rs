//! Waits until a bundle is ready or cannot become ready.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::finding::{ObjectRef, RuleId};
use crate::object::Object;
use crate::programs::{Programs, RunError};
use crate::status::{self, Cause, Diagnosis, PATIENCE, Record, Recovery, Stage};
use crate::up::Kubectl;
use crate::up::watch::Watches;

/// The interval at which the state is diagnosed even if nothing has changed, since some causes depend on time.
const INTERVAL: Duration = Duration::from_secs(1);

/// The interval at which the logs of containers that are not ready are fetched.
const LOG_INTERVAL: Duration = Duration::from_secs(5);

/// How long the final diagnosis may take after the timeout.
const FINAL_TIMEOUT: Duration = Duration::from_secs(15);

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitEnd {
    /// Everything is ready.
    Ready,
    /// Something will not become ready.
    Failed,
    /// The timeout expired.
    TimedOut,
    /// The user interrupted the wait.
    Interrupted,
}

/// The result of a wait.
#[derive(Debug)]
pub struct WaitOutcome {
    /// How it ended.
    pub ended: WaitEnd,
    /// The last record of the cluster.
    pub record: Record,
    /// The diagnosis of that record.
    pub diagnosis: Diagnosis,
}

/// The kinds to watch for a bundle.
fn watched_kinds(manifests: &[Object]) -> Vec<&'static str> {
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

/// Waits for the objects of a bundle. `applied` is the output of `kubectl apply`; `show` is called with each diagnosis.
///
/// # Errors
/// If kubectl cannot be run or fails.
pub fn wait(
    kubectl: &Kubectl<'_>,
    namespace: &str,
    manifests: &[Object],
    applied: &[String],
    show: &mut dyn FnMut(&Diagnosis),
) -> Result<WaitOutcome, RunError> {
    let mut watches = Watches::start(kubectl, namespace, &watched_kinds(manifests));
    let mut since: BTreeMap<(RuleId, ObjectRef, String), Instant> = BTreeMap::new();
    let mut logs = BTreeMap::new();
    let mut logs_fetched = Instant::now();
    loop {
        _ = watches.wait(INTERVAL)?;
        let programs = kubectl.programs;
        let timed_out = programs.is_timed_out();
        if programs.is_interrupted() || timed_out {
            let ended = if programs.is_interrupted() { WaitEnd::Interrupted } else { WaitEnd::TimedOut };
            let mut record = watches.record();
            record.logs = logs;
            return Ok(final_diagnosis(kubectl, namespace, manifests, applied, ended, record));
        }
        let mut record = watches.record();
        record.applied = applied.to_vec();
        if logs_fetched.elapsed() >= LOG_INTERVAL {
            match kubectl.logs(&mut record) {
                // The next iteration handles it.
                Err(RunError::Interrupted | RunError::TimedOut(_)) => {}
                result => result?,
            }
            logs = std::mem::take(&mut record.logs);
            logs_fetched = Instant::now();
        }
        record.logs.clone_from(&logs);
        let diagnosis = status::diagnose(&record, Some(manifests), PATIENCE);
        show(&diagnosis);
        if diagnosis.is_ready() {
            return Ok(WaitOutcome { ended: WaitEnd::Ready, record, diagnosis });
        }
        let current: Vec<_> = diagnosis.causes.iter().map(key).collect();
        since.retain(|cause, _| current.contains(cause));
        for cause in current {
            since.entry(cause).or_insert_with(Instant::now);
        }
        let is_final = |cause: &&Cause| match cause.recovery {
            Recovery::Impossible => true,
            Recovery::Unlikely(grace) => since.get(&key(cause)).is_some_and(|since| since.elapsed().as_secs() >= grace),
            Recovery::Possible => false,
        };
        if diagnosis.causes.iter().any(|cause| is_final(&cause)) {
            // Before giving up, everything is fetched once more, including logs and quotas.
            let full = fetch_and_diagnose(kubectl, namespace, manifests, applied, PATIENCE)?;
            logs.clone_from(&full.record.logs);
            if full.diagnosis.is_ready() {
                return Ok(WaitOutcome { ended: WaitEnd::Ready, ..full });
            }
            let is_permanent = |cause: &&Cause| {
                cause.recovery > Recovery::Possible
                    && (cause.stage != Stage::Run || fails_the_same_way(&full.record, cause))
            };
            if full.diagnosis.causes.iter().any(|cause| is_permanent(&cause)) {
                return Ok(full);
            }
            since.clear();
        }
    }
}

fn key(cause: &Cause) -> (RuleId, ObjectRef, String) {
    (cause.rule.id, cause.object.clone(), cause.field.to_string())
}

/// Fetches the state of the namespace and diagnoses it.
fn fetch_and_diagnose(
    kubectl: &Kubectl<'_>,
    namespace: &str,
    manifests: &[Object],
    applied: &[String],
    patience: i64,
) -> Result<WaitOutcome, RunError> {
    let mut record = kubectl.record(namespace)?;
    record.applied = applied.to_vec();
    let diagnosis = status::diagnose(&record, Some(manifests), patience);
    Ok(WaitOutcome { ended: WaitEnd::Failed, record, diagnosis })
}

/// The diagnosis after the timeout, in which every object that is not ready has a cause, or after an interruption.
fn final_diagnosis(
    kubectl: &Kubectl<'_>,
    namespace: &str,
    manifests: &[Object],
    applied: &[String],
    ended: WaitEnd,
    mut last_record: Record,
) -> WaitOutcome {
    let programs = Programs {
        interrupted: std::sync::Arc::default(),
        deadline: Some(Instant::now() + FINAL_TIMEOUT),
        ..kubectl.programs.clone()
    };
    let kubectl = Kubectl { programs: &programs, context: kubectl.context.clone() };
    // After an interruption, the state is not fetched again.
    if ended == WaitEnd::TimedOut
        && let Ok(outcome) = fetch_and_diagnose(&kubectl, namespace, manifests, applied, 0)
    {
        let ended = if outcome.diagnosis.is_ready() { WaitEnd::Ready } else { ended };
        return WaitOutcome { ended, ..outcome };
    }
    last_record.applied = applied.to_vec();
    let diagnosis =
        status::diagnose(&last_record, Some(manifests), if ended == WaitEnd::TimedOut { 0 } else { PATIENCE });
    WaitOutcome { ended, record: last_record, diagnosis }
}

/// Whether the last log lines of the failing containers are the same in their last two runs, apart from digits, which
/// may be part of a timestamp. If they differ, the program may be making progress.
fn fails_the_same_way(record: &Record, cause: &Cause) -> bool {
    let last_line = |log: &str| -> String {
        let last = log.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        last.chars().filter(|c| !c.is_ascii_digit()).collect()
    };
    record.logs.iter().all(|(name, log)| {
        let Some(previous) = record.logs.get(&format!("{name}/previous")) else { return true };
        let is_other = !name.starts_with(cause.affected.name.as_str());
        let is_unavailable = |log: &str| log.trim().is_empty() || log.starts_with("unable to retrieve");
        is_other || is_unavailable(log) || is_unavailable(previous) || last_line(log) == last_line(previous)
    })
}
