//! The rules of causes: the stage of each, and whether waiting may help.

use crate::finding::RuleId;
use crate::status::cause::{Recovery, Stage};

/// The rule of a cause.
#[derive(Debug, PartialEq, Eq)]
pub struct CauseRule {
    /// The id: `status-key-missing`.
    pub id: RuleId,
    /// The stage at which an object fails.
    pub stage: Stage,
    /// Whether waiting may help.
    pub recovery: Recovery,
}

/// The seconds that `up` waits for a cause to go away before it gives up. It then always fetches the state of the whole
/// namespace once more, which takes another second or two.
mod grace {
    /// The result depends only on the manifest and on policies, so a retry fails again. Also for a failing program,
    /// which is only reported after several failures.
    pub(super) const DETERMINISTIC: u64 = 0;
    /// An operator may be about to create a missing object, such as the Secret of a certificate.
    pub(super) const CREATED: u64 = 5;
    /// Others may release a resource. If a pod of the namespace is terminating, `up` waits for that in any case.
    pub(super) const RELEASED: u64 = 5;
    /// The scheduler, the kubelet or a volume driver retries, at first within seconds.
    pub(super) const RETRIED: u64 = 5;
    /// A component of the cluster does not respond, for example because the cluster is still starting.
    pub(super) const STARTING: u64 = 60;
}

macro_rules! rules {
    ($($name:ident: $id:expr, $stage:ident, $recovery:ident $(($grace:ident))?;)*) => {
        $(pub(super) static $name: CauseRule =
            CauseRule { id: $id, stage: Stage::$stage, recovery: Recovery::$recovery $((grace::$grace))? };)*
        /// All rules, ordered by stage.
        pub static ALL: &[&CauseRule] = &[$(&$name),*];
    };
}

rules! {
    APPLY_REJECTED: RuleId::StatusRejected, Apply, Impossible;
    FIELD_IMMUTABLE: RuleId::StatusFieldImmutable, Apply, Impossible;
    NODE_PORT_TAKEN: RuleId::StatusNodePortTaken, Apply, Impossible;
    CLUSTER_IP_TAKEN: RuleId::StatusClusterIpTaken, Apply, Impossible;
    FIELD_CONFLICT: RuleId::StatusFieldConflict, Apply, Impossible;
    KIND_UNKNOWN: RuleId::StatusKindUnknown, Apply, Impossible;
    NAMESPACE_MISSING: RuleId::StatusNamespaceMissing, Apply, Impossible;
    NAMESPACE_TERMINATING: RuleId::StatusNamespaceTerminating, Apply, Unlikely(STARTING);
    ACCESS_DENIED: RuleId::StatusAccessDenied, Apply, Impossible;
    OBJECT_MISSING: RuleId::StatusObjectMissing, Apply, Unlikely(CREATED);
    QUOTA_EXCEEDED: RuleId::StatusQuotaExceeded, Create, Unlikely(RELEASED);
    QUOTA_UNSPECIFIED: RuleId::StatusQuotaUnspecified, Create, Unlikely(DETERMINISTIC);
    LIMIT_RANGE: RuleId::StatusLimitRange, Create, Unlikely(DETERMINISTIC);
    POD_SECURITY: RuleId::StatusPodSecurity, Create, Unlikely(DETERMINISTIC);
    SERVICE_ACCOUNT_MISSING: RuleId::StatusServiceAccountMissing, Create, Unlikely(CREATED);
    PRIORITY_CLASS_MISSING: RuleId::StatusPriorityClassMissing, Create, Unlikely(CREATED);
    RUNTIME_CLASS_MISSING: RuleId::StatusRuntimeClassMissing, Create, Unlikely(CREATED);
    WEBHOOK_DENIED: RuleId::StatusWebhookDenied, Create, Unlikely(RETRIED);
    WEBHOOK_FAILED: RuleId::StatusWebhookFailed, Create, Unlikely(STARTING);
    POD_INVALID: RuleId::StatusPodInvalid, Create, Impossible;
    POD_FORBIDDEN: RuleId::StatusPodForbidden, Create, Unlikely(RETRIED);
    RESOURCES_INSUFFICIENT: RuleId::StatusResourcesInsufficient, Schedule, Unlikely(RELEASED);
    NODE_SELECTOR: RuleId::StatusNodeSelectorUnmatched, Schedule, Unlikely(RETRIED);
    TAINT: RuleId::StatusTaintNotTolerated, Schedule, Unlikely(RETRIED);
    NODE_UNAVAILABLE: RuleId::StatusNodeUnavailable, Schedule, Possible;
    POD_AFFINITY: RuleId::StatusPodAffinityUnmatched, Schedule, Unlikely(RETRIED);
    TOPOLOGY_SPREAD: RuleId::StatusTopologySpreadUnmatched, Schedule, Unlikely(RETRIED);
    HOST_PORT_TAKEN: RuleId::StatusHostPortTaken, Schedule, Unlikely(RELEASED);
    SCHEDULING_GATED: RuleId::StatusSchedulingGated, Schedule, Unlikely(STARTING);
    SCHEDULER_MISSING: RuleId::StatusSchedulerMissing, Schedule, Unlikely(CREATED);
    NODE_MISSING: RuleId::StatusNodeMissing, Schedule, Impossible;
    UNSCHEDULABLE: RuleId::StatusUnschedulable, Schedule, Possible;
    CLAIM_MISSING: RuleId::StatusClaimMissing, Schedule, Unlikely(CREATED);
    STORAGE_CLASS_MISSING: RuleId::StatusStorageClassMissing, Schedule, Unlikely(CREATED);
    CLAIM_PENDING: RuleId::StatusClaimPending, Schedule, Possible;
    CLAIM_LOST: RuleId::StatusClaimLost, Schedule, Impossible;
    CLAIM_RESIZE: RuleId::StatusClaimResizeFailed, Schedule, Unlikely(RETRIED);
    VOLUME_NODE: RuleId::StatusVolumeNodeConflict, Schedule, Unlikely(RETRIED);
    RESOURCE_CLAIM: RuleId::StatusResourceClaimMissing, Schedule, Unlikely(CREATED);
    IMAGE_NOT_PRESENT: RuleId::StatusImageNotPresent, Start, Impossible;
    IMAGE_INVALID: RuleId::StatusImageInvalid, Start, Impossible;
    IMAGE_NOT_FOUND: RuleId::StatusImageNotFound, Start, Unlikely(RETRIED);
    IMAGE_PULL_DENIED: RuleId::StatusImagePullDenied, Start, Unlikely(RETRIED);
    IMAGE_PULL: RuleId::StatusImagePullFailed, Start, Unlikely(RETRIED);
    IMAGE_PLATFORM: RuleId::StatusImagePlatform, Start, Impossible;
    SECRET_MISSING: RuleId::StatusSecretMissing, Start, Unlikely(CREATED);
    CONFIG_MAP_MISSING: RuleId::StatusConfigMapMissing, Start, Unlikely(CREATED);
    KEY_MISSING: RuleId::StatusKeyMissing, Start, Unlikely(CREATED);
    RUN_AS_ROOT: RuleId::StatusRunAsRoot, Start, Impossible;
    USER_MISSING: RuleId::StatusUserMissing, Start, Impossible;
    COMMAND_NOT_FOUND: RuleId::StatusCommandNotFound, Start, Impossible;
    WORKING_DIR: RuleId::StatusWorkingDirectory, Start, Impossible;
    SUBPATH: RuleId::StatusSubpathMissing, Start, Unlikely(RETRIED);
    MOUNT: RuleId::StatusMountFailed, Start, Unlikely(RETRIED);
    ATTACH: RuleId::StatusAttachFailed, Start, Unlikely(STARTING);
    MEMORY_TOO_SMALL: RuleId::StatusMemoryLimitTooSmall, Start, Impossible;
    SANDBOX: RuleId::StatusSandboxFailed, Start, Possible;
    SYSCTL: RuleId::StatusSysctlForbidden, Start, Impossible;
    POD_REJECTED: RuleId::StatusPodRejected, Start, Unlikely(RETRIED);
    START: RuleId::StatusContainerNotStarted, Start, Unlikely(RETRIED);
    POST_START: RuleId::StatusPostStartFailed, Start, Unlikely(DETERMINISTIC);
    OUT_OF_MEMORY: RuleId::StatusOutOfMemory, Run, Unlikely(DETERMINISTIC);
    EVICTED: RuleId::StatusEvicted, Run, Unlikely(STARTING);
    CREDENTIALS: RuleId::StatusCredentialsRejected, Run, Unlikely(DETERMINISTIC);
    READ_ONLY: RuleId::StatusReadOnlyFileSystem, Run, Unlikely(DETERMINISTIC);
    ENV: RuleId::StatusVariableMissing, Run, Unlikely(DETERMINISTIC);
    CRASH: RuleId::StatusContainerCrashes, Run, Unlikely(DETERMINISTIC);
    EXITS: RuleId::StatusContainerExits, Run, Unlikely(DETERMINISTIC);
    INIT_CRASH: RuleId::StatusInitContainerFails, Run, Unlikely(DETERMINISTIC);
    JOB_FAILED: RuleId::StatusJobFailed, Run, Impossible;
    JOB_DEADLINE: RuleId::StatusJobDeadlineExceeded, Run, Impossible;
    POD_DEADLINE: RuleId::StatusPodDeadlineExceeded, Run, Impossible;
    CRON_SCHEDULE: RuleId::StatusScheduleInvalid, Run, Impossible;
    STARTUP_PROBE: RuleId::StatusStartupProbeFails, Probe, Unlikely(DETERMINISTIC);
    LIVENESS_PROBE: RuleId::StatusLivenessProbeFails, Probe, Unlikely(DETERMINISTIC);
    READINESS_PROBE: RuleId::StatusReadinessProbeFails, Probe, Possible;
    READINESS_GATE: RuleId::StatusReadinessGateOpen, Probe, Possible;
    INIT_WAITS: RuleId::StatusInitContainerWaits, Wait, Possible;
    SERVICE_NOTHING: RuleId::StatusServiceSelectsNothing, Reach, Possible;
    TARGET_PORT: RuleId::StatusTargetPortMissing, Reach, Possible;
    BACKEND: RuleId::StatusBackendMissing, Reach, Possible;
    INGRESS_CLASS: RuleId::StatusIngressClassMissing, Reach, Possible;
    LOAD_BALANCER: RuleId::StatusLoadBalancerPending, Reach, Possible;
    SCALE_TARGET: RuleId::StatusScaleTargetMissing, Scale, Possible;
    METRICS: RuleId::StatusMetricsMissing, Scale, Possible;
    PAUSED: RuleId::StatusRolloutPaused, Unknown, Possible;
    STUCK_DELETING: RuleId::StatusDeletionStuck, Unknown, Possible;
    NOT_READY: RuleId::StatusNotReady, Unknown, Possible;
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
