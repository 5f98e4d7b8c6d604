//! How far a thing got that has a cause, and whether waiting may help.

use crate::finding::RuleId;
use crate::status::cause::{Prospect, Stage};

/// A kind of cause.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// The id: `status-key-missing`.
    pub id: RuleId,
    /// How far a thing gets that has it.
    pub stage: Stage,
    /// Whether waiting may help.
    pub prospect: Prospect,
}

/// How many seconds `up` waits for a change from outside, before a cause counts as lasting. Whatever the class, the wait ends
/// only after one more look at the whole namespace, which takes a second or two by itself.
mod settle {
    /// The API server or the kubelet answers by what stands in the manifest and in a policy: it answers the same each time.
    /// So does a program that has failed several times, for which the diagnosis waits by itself.
    pub(super) const DECIDED: u64 = 0;
    /// Another object is missing that a person or an operator makes: operators take moments, as for the Secret of a
    /// certificate.
    pub(super) const MADE: u64 = 5;
    /// Something is in use that others may give back. What ends in the namespace itself is looked at, whatever it takes.
    pub(super) const FREED: u64 = 5;
    /// A try failed that is repeated: by the scheduler, the kubelet or a volume's driver, the first times within seconds.
    pub(super) const RETRIED: u64 = 5;
    /// A component of the cluster does not answer, as while a new cluster starts: it takes its time.
    pub(super) const STARTS: u64 = 60;
}

macro_rules! rules {
    ($($name:ident: $id:expr, $stage:ident, $prospect:ident $(($settle:ident))?;)*) => {
        $(pub(super) static $name: Rule =
            Rule { id: $id, stage: Stage::$stage, prospect: Prospect::$prospect $((settle::$settle))? };)*
        /// All of them, in the order of their stages.
        pub static ALL: &[&Rule] = &[$(&$name),*];
    };
}

rules! {
    APPLY_REJECTED: RuleId::StatusRejected, Apply, None;
    FIELD_IMMUTABLE: RuleId::StatusFieldImmutable, Apply, None;
    NODE_PORT_TAKEN: RuleId::StatusNodePortTaken, Apply, None;
    CLUSTER_IP_TAKEN: RuleId::StatusClusterIpTaken, Apply, None;
    FIELD_CONFLICT: RuleId::StatusFieldConflict, Apply, None;
    KIND_UNKNOWN: RuleId::StatusKindUnknown, Apply, None;
    NAMESPACE_MISSING: RuleId::StatusNamespaceMissing, Apply, None;
    NAMESPACE_TERMINATING: RuleId::StatusNamespaceTerminating, Apply, Poor(STARTS);
    ACCESS_DENIED: RuleId::StatusAccessDenied, Apply, None;
    OBJECT_MISSING: RuleId::StatusObjectMissing, Apply, Poor(MADE);
    QUOTA_EXCEEDED: RuleId::StatusQuotaExceeded, Create, Poor(FREED);
    QUOTA_UNSPECIFIED: RuleId::StatusQuotaUnspecified, Create, Poor(DECIDED);
    LIMIT_RANGE: RuleId::StatusLimitRange, Create, Poor(DECIDED);
    POD_SECURITY: RuleId::StatusPodSecurity, Create, Poor(DECIDED);
    SERVICE_ACCOUNT_MISSING: RuleId::StatusServiceAccountMissing, Create, Poor(MADE);
    PRIORITY_CLASS_MISSING: RuleId::StatusPriorityClassMissing, Create, Poor(MADE);
    RUNTIME_CLASS_MISSING: RuleId::StatusRuntimeClassMissing, Create, Poor(MADE);
    WEBHOOK_DENIED: RuleId::StatusWebhookDenied, Create, Poor(RETRIED);
    WEBHOOK_FAILED: RuleId::StatusWebhookFailed, Create, Poor(STARTS);
    POD_INVALID: RuleId::StatusPodInvalid, Create, None;
    POD_FORBIDDEN: RuleId::StatusPodForbidden, Create, Poor(RETRIED);
    RESOURCES_INSUFFICIENT: RuleId::StatusResourcesInsufficient, Schedule, Poor(FREED);
    NODE_SELECTOR: RuleId::StatusNodeSelectorUnmatched, Schedule, Poor(RETRIED);
    TAINT: RuleId::StatusTaintNotTolerated, Schedule, Poor(RETRIED);
    NODE_UNAVAILABLE: RuleId::StatusNodeUnavailable, Schedule, Open;
    POD_AFFINITY: RuleId::StatusPodAffinityUnmatched, Schedule, Poor(RETRIED);
    TOPOLOGY_SPREAD: RuleId::StatusTopologySpreadUnmatched, Schedule, Poor(RETRIED);
    HOST_PORT_TAKEN: RuleId::StatusHostPortTaken, Schedule, Poor(FREED);
    SCHEDULING_GATED: RuleId::StatusSchedulingGated, Schedule, Poor(STARTS);
    SCHEDULER_MISSING: RuleId::StatusSchedulerMissing, Schedule, Poor(MADE);
    NODE_MISSING: RuleId::StatusNodeMissing, Schedule, None;
    UNSCHEDULABLE: RuleId::StatusUnschedulable, Schedule, Open;
    CLAIM_MISSING: RuleId::StatusClaimMissing, Schedule, Poor(MADE);
    STORAGE_CLASS_MISSING: RuleId::StatusStorageClassMissing, Schedule, Poor(MADE);
    CLAIM_PENDING: RuleId::StatusClaimPending, Schedule, Open;
    CLAIM_LOST: RuleId::StatusClaimLost, Schedule, None;
    CLAIM_RESIZE: RuleId::StatusClaimResizeFailed, Schedule, Poor(RETRIED);
    VOLUME_NODE: RuleId::StatusVolumeNodeConflict, Schedule, Poor(RETRIED);
    RESOURCE_CLAIM: RuleId::StatusResourceClaimMissing, Schedule, Poor(MADE);
    IMAGE_NOT_PRESENT: RuleId::StatusImageNotPresent, Start, None;
    IMAGE_INVALID: RuleId::StatusImageInvalid, Start, None;
    IMAGE_NOT_FOUND: RuleId::StatusImageNotFound, Start, Poor(RETRIED);
    IMAGE_PULL_DENIED: RuleId::StatusImagePullDenied, Start, Poor(RETRIED);
    IMAGE_PULL: RuleId::StatusImagePullFailed, Start, Poor(RETRIED);
    IMAGE_PLATFORM: RuleId::StatusImagePlatform, Start, None;
    SECRET_MISSING: RuleId::StatusSecretMissing, Start, Poor(MADE);
    CONFIG_MAP_MISSING: RuleId::StatusConfigMapMissing, Start, Poor(MADE);
    KEY_MISSING: RuleId::StatusKeyMissing, Start, Poor(MADE);
    RUN_AS_ROOT: RuleId::StatusRunAsRoot, Start, None;
    USER_MISSING: RuleId::StatusUserMissing, Start, None;
    COMMAND_NOT_FOUND: RuleId::StatusCommandNotFound, Start, None;
    WORKING_DIR: RuleId::StatusWorkingDirectory, Start, None;
    SUBPATH: RuleId::StatusSubpathMissing, Start, Poor(RETRIED);
    MOUNT: RuleId::StatusMountFailed, Start, Poor(RETRIED);
    ATTACH: RuleId::StatusAttachFailed, Start, Poor(STARTS);
    MEMORY_TOO_SMALL: RuleId::StatusMemoryLimitTooSmall, Start, None;
    SANDBOX: RuleId::StatusSandboxFailed, Start, Open;
    SYSCTL: RuleId::StatusSysctlForbidden, Start, None;
    POD_REJECTED: RuleId::StatusPodRejected, Start, Poor(RETRIED);
    START: RuleId::StatusContainerNotStarted, Start, Poor(RETRIED);
    POST_START: RuleId::StatusPostStartFailed, Start, Poor(DECIDED);
    OUT_OF_MEMORY: RuleId::StatusOutOfMemory, Run, Poor(DECIDED);
    EVICTED: RuleId::StatusEvicted, Run, Poor(STARTS);
    CREDENTIALS: RuleId::StatusCredentialsRejected, Run, Poor(DECIDED);
    READ_ONLY: RuleId::StatusReadOnlyFileSystem, Run, Poor(DECIDED);
    ENV: RuleId::StatusVariableMissing, Run, Poor(DECIDED);
    CRASH: RuleId::StatusContainerCrashes, Run, Poor(DECIDED);
    EXITS: RuleId::StatusContainerExits, Run, Poor(DECIDED);
    INIT_CRASH: RuleId::StatusInitContainerFails, Run, Poor(DECIDED);
    JOB_FAILED: RuleId::StatusJobFailed, Run, None;
    JOB_DEADLINE: RuleId::StatusJobDeadlineExceeded, Run, None;
    POD_DEADLINE: RuleId::StatusPodDeadlineExceeded, Run, None;
    CRON_SCHEDULE: RuleId::StatusScheduleInvalid, Run, None;
    STARTUP_PROBE: RuleId::StatusStartupProbeFails, Probe, Poor(DECIDED);
    LIVENESS_PROBE: RuleId::StatusLivenessProbeFails, Probe, Poor(DECIDED);
    READINESS_PROBE: RuleId::StatusReadinessProbeFails, Probe, Open;
    READINESS_GATE: RuleId::StatusReadinessGateOpen, Probe, Open;
    INIT_WAITS: RuleId::StatusInitContainerWaits, Wait, Open;
    SERVICE_NOTHING: RuleId::StatusServiceSelectsNothing, Reach, Open;
    TARGET_PORT: RuleId::StatusTargetPortMissing, Reach, Open;
    BACKEND: RuleId::StatusBackendMissing, Reach, Open;
    INGRESS_CLASS: RuleId::StatusIngressClassMissing, Reach, Open;
    LOAD_BALANCER: RuleId::StatusLoadBalancerPending, Reach, Open;
    SCALE_TARGET: RuleId::StatusScaleTargetMissing, Scale, Open;
    METRICS: RuleId::StatusMetricsMissing, Scale, Open;
    PAUSED: RuleId::StatusRolloutPaused, Unknown, Open;
    STUCK_DELETING: RuleId::StatusDeletionStuck, Unknown, Open;
    NOT_READY: RuleId::StatusNotReady, Unknown, Open;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Family;

    #[test]
    fn every_id_of_the_family_has_one_rule() {
        let mut ids: Vec<RuleId> = ALL.iter().map(|rule| rule.id).collect();
        assert!(ALL.is_sorted_by_key(|rule| rule.stage));
        ids.sort_unstable();
        let family: Vec<RuleId> = RuleId::ALL.iter().copied().filter(|id| id.family() == Family::Status).collect();
        assert_eq!(ids, family);
    }
}
