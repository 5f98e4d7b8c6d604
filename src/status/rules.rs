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

macro_rules! rules {
    ($($name:ident: $id:expr, $stage:ident, $prospect:ident;)*) => {
        $(pub(super) static $name: Rule =
            Rule { id: $id, stage: Stage::$stage, prospect: Prospect::$prospect };)*
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
    NAMESPACE_TERMINATING: RuleId::StatusNamespaceTerminating, Apply, Poor;
    ACCESS_DENIED: RuleId::StatusAccessDenied, Apply, None;
    OBJECT_MISSING: RuleId::StatusObjectMissing, Apply, Poor;
    QUOTA_EXCEEDED: RuleId::StatusQuotaExceeded, Create, Poor;
    QUOTA_UNSPECIFIED: RuleId::StatusQuotaUnspecified, Create, Poor;
    LIMIT_RANGE: RuleId::StatusLimitRange, Create, Poor;
    POD_SECURITY: RuleId::StatusPodSecurity, Create, Poor;
    SERVICE_ACCOUNT_MISSING: RuleId::StatusServiceAccountMissing, Create, Poor;
    PRIORITY_CLASS_MISSING: RuleId::StatusPriorityClassMissing, Create, Poor;
    RUNTIME_CLASS_MISSING: RuleId::StatusRuntimeClassMissing, Create, Poor;
    WEBHOOK_DENIED: RuleId::StatusWebhookDenied, Create, Poor;
    WEBHOOK_FAILED: RuleId::StatusWebhookFailed, Create, Poor;
    POD_INVALID: RuleId::StatusPodInvalid, Create, None;
    POD_FORBIDDEN: RuleId::StatusPodForbidden, Create, Poor;
    RESOURCES_INSUFFICIENT: RuleId::StatusResourcesInsufficient, Schedule, Poor;
    NODE_SELECTOR: RuleId::StatusNodeSelectorUnmatched, Schedule, Poor;
    TAINT: RuleId::StatusTaintNotTolerated, Schedule, Poor;
    NODE_UNAVAILABLE: RuleId::StatusNodeUnavailable, Schedule, Open;
    POD_AFFINITY: RuleId::StatusPodAffinityUnmatched, Schedule, Poor;
    TOPOLOGY_SPREAD: RuleId::StatusTopologySpreadUnmatched, Schedule, Poor;
    HOST_PORT_TAKEN: RuleId::StatusHostPortTaken, Schedule, Poor;
    SCHEDULING_GATED: RuleId::StatusSchedulingGated, Schedule, Poor;
    SCHEDULER_MISSING: RuleId::StatusSchedulerMissing, Schedule, Poor;
    NODE_MISSING: RuleId::StatusNodeMissing, Schedule, None;
    UNSCHEDULABLE: RuleId::StatusUnschedulable, Schedule, Open;
    CLAIM_MISSING: RuleId::StatusClaimMissing, Schedule, Poor;
    STORAGE_CLASS_MISSING: RuleId::StatusStorageClassMissing, Schedule, Poor;
    CLAIM_PENDING: RuleId::StatusClaimPending, Schedule, Open;
    CLAIM_LOST: RuleId::StatusClaimLost, Schedule, None;
    CLAIM_RESIZE: RuleId::StatusClaimResizeFailed, Schedule, Poor;
    VOLUME_NODE: RuleId::StatusVolumeNodeConflict, Schedule, Poor;
    RESOURCE_CLAIM: RuleId::StatusResourceClaimMissing, Schedule, Poor;
    IMAGE_NOT_PRESENT: RuleId::StatusImageNotPresent, Start, None;
    IMAGE_INVALID: RuleId::StatusImageInvalid, Start, None;
    IMAGE_NOT_FOUND: RuleId::StatusImageNotFound, Start, Poor;
    IMAGE_PULL_DENIED: RuleId::StatusImagePullDenied, Start, Poor;
    IMAGE_PULL: RuleId::StatusImagePullFailed, Start, Poor;
    IMAGE_PLATFORM: RuleId::StatusImagePlatform, Start, None;
    SECRET_MISSING: RuleId::StatusSecretMissing, Start, Poor;
    CONFIG_MAP_MISSING: RuleId::StatusConfigMapMissing, Start, Poor;
    KEY_MISSING: RuleId::StatusKeyMissing, Start, Poor;
    RUN_AS_ROOT: RuleId::StatusRunAsRoot, Start, None;
    USER_MISSING: RuleId::StatusUserMissing, Start, None;
    COMMAND_NOT_FOUND: RuleId::StatusCommandNotFound, Start, None;
    WORKING_DIR: RuleId::StatusWorkingDirectory, Start, None;
    SUBPATH: RuleId::StatusSubpathMissing, Start, Poor;
    MOUNT: RuleId::StatusMountFailed, Start, Poor;
    ATTACH: RuleId::StatusAttachFailed, Start, Poor;
    MEMORY_TOO_SMALL: RuleId::StatusMemoryLimitTooSmall, Start, None;
    SANDBOX: RuleId::StatusSandboxFailed, Start, Open;
    SYSCTL: RuleId::StatusSysctlForbidden, Start, None;
    POD_REJECTED: RuleId::StatusPodRejected, Start, Poor;
    START: RuleId::StatusContainerNotStarted, Start, Poor;
    POST_START: RuleId::StatusPostStartFailed, Start, Poor;
    OUT_OF_MEMORY: RuleId::StatusOutOfMemory, Run, Poor;
    EVICTED: RuleId::StatusEvicted, Run, Poor;
    CREDENTIALS: RuleId::StatusCredentialsRejected, Run, Poor;
    READ_ONLY: RuleId::StatusReadOnlyFileSystem, Run, Poor;
    ENV: RuleId::StatusVariableMissing, Run, Poor;
    CRASH: RuleId::StatusContainerCrashes, Run, Poor;
    EXITS: RuleId::StatusContainerExits, Run, Poor;
    INIT_CRASH: RuleId::StatusInitContainerFails, Run, Poor;
    JOB_FAILED: RuleId::StatusJobFailed, Run, None;
    JOB_DEADLINE: RuleId::StatusJobDeadlineExceeded, Run, None;
    POD_DEADLINE: RuleId::StatusPodDeadlineExceeded, Run, None;
    CRON_SCHEDULE: RuleId::StatusScheduleInvalid, Run, None;
    STARTUP_PROBE: RuleId::StatusStartupProbeFails, Probe, Poor;
    LIVENESS_PROBE: RuleId::StatusLivenessProbeFails, Probe, Poor;
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
