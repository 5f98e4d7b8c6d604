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
    ($($name:ident: $id:ident, $stage:ident, $prospect:ident;)*) => {
        $(pub(super) static $name: Rule =
            Rule { id: RuleId::$id, stage: Stage::$stage, prospect: Prospect::$prospect };)*
        /// All of them, in the order of their stages.
        pub static ALL: &[&Rule] = &[$(&$name),*];
    };
}

rules! {
    APPLY_REJECTED: StatusRejected, Apply, None;
    FIELD_IMMUTABLE: StatusFieldImmutable, Apply, None;
    NODE_PORT_TAKEN: StatusNodePortTaken, Apply, None;
    CLUSTER_IP_TAKEN: StatusClusterIpTaken, Apply, None;
    FIELD_CONFLICT: StatusFieldConflict, Apply, None;
    KIND_UNKNOWN: StatusKindUnknown, Apply, None;
    NAMESPACE_MISSING: StatusNamespaceMissing, Apply, None;
    NAMESPACE_TERMINATING: StatusNamespaceTerminating, Apply, Poor;
    ACCESS_DENIED: StatusAccessDenied, Apply, None;
    OBJECT_MISSING: StatusObjectMissing, Apply, Poor;
    QUOTA_EXCEEDED: StatusQuotaExceeded, Create, Poor;
    QUOTA_UNSPECIFIED: StatusQuotaUnspecified, Create, Poor;
    LIMIT_RANGE: StatusLimitRange, Create, Poor;
    POD_SECURITY: StatusPodSecurity, Create, Poor;
    SERVICE_ACCOUNT_MISSING: StatusServiceAccountMissing, Create, Poor;
    PRIORITY_CLASS_MISSING: StatusPriorityClassMissing, Create, Poor;
    RUNTIME_CLASS_MISSING: StatusRuntimeClassMissing, Create, Poor;
    WEBHOOK_DENIED: StatusWebhookDenied, Create, Poor;
    WEBHOOK_FAILED: StatusWebhookFailed, Create, Poor;
    POD_INVALID: StatusPodInvalid, Create, None;
    POD_FORBIDDEN: StatusPodForbidden, Create, Poor;
    RESOURCES_INSUFFICIENT: StatusResourcesInsufficient, Schedule, Poor;
    NODE_SELECTOR: StatusNodeSelectorUnmatched, Schedule, Poor;
    TAINT: StatusTaintNotTolerated, Schedule, Poor;
    NODE_UNAVAILABLE: StatusNodeUnavailable, Schedule, Poor;
    POD_AFFINITY: StatusPodAffinityUnmatched, Schedule, Poor;
    TOPOLOGY_SPREAD: StatusTopologySpreadUnmatched, Schedule, Poor;
    HOST_PORT_TAKEN: StatusHostPortTaken, Schedule, Poor;
    SCHEDULING_GATED: StatusSchedulingGated, Schedule, Poor;
    SCHEDULER_MISSING: StatusSchedulerMissing, Schedule, Poor;
    NODE_MISSING: StatusNodeMissing, Schedule, None;
    UNSCHEDULABLE: StatusUnschedulable, Schedule, Poor;
    CLAIM_MISSING: StatusClaimMissing, Schedule, Poor;
    STORAGE_CLASS_MISSING: StatusStorageClassMissing, Schedule, Poor;
    CLAIM_PENDING: StatusClaimPending, Schedule, Poor;
    CLAIM_LOST: StatusClaimLost, Schedule, None;
    CLAIM_RESIZE: StatusClaimResizeFailed, Schedule, Poor;
    VOLUME_NODE: StatusVolumeNodeConflict, Schedule, Poor;
    RESOURCE_CLAIM: StatusResourceClaimMissing, Schedule, Poor;
    IMAGE_NOT_PRESENT: StatusImageNotPresent, Start, None;
    IMAGE_INVALID: StatusImageInvalid, Start, None;
    IMAGE_NOT_FOUND: StatusImageNotFound, Start, Poor;
    IMAGE_PULL_DENIED: StatusImagePullDenied, Start, Poor;
    IMAGE_PULL: StatusImagePullFailed, Start, Poor;
    IMAGE_PLATFORM: StatusImagePlatform, Start, None;
    SECRET_MISSING: StatusSecretMissing, Start, Poor;
    CONFIG_MAP_MISSING: StatusConfigMapMissing, Start, Poor;
    KEY_MISSING: StatusKeyMissing, Start, Poor;
    RUN_AS_ROOT: StatusRunAsRoot, Start, None;
    USER_MISSING: StatusUserMissing, Start, None;
    COMMAND_NOT_FOUND: StatusCommandNotFound, Start, None;
    WORKING_DIR: StatusWorkingDirectory, Start, None;
    SUBPATH: StatusSubpathMissing, Start, Poor;
    MOUNT: StatusMountFailed, Start, Poor;
    ATTACH: StatusAttachFailed, Start, Poor;
    MEMORY_TOO_SMALL: StatusMemoryLimitTooSmall, Start, None;
    SANDBOX: StatusSandboxFailed, Start, Poor;
    SYSCTL: StatusSysctlForbidden, Start, None;
    POD_REJECTED: StatusPodRejected, Start, Poor;
    START: StatusContainerNotStarted, Start, Poor;
    POST_START: StatusPostStartFailed, Start, Poor;
    OUT_OF_MEMORY: StatusOutOfMemory, Run, Poor;
    EVICTED: StatusEvicted, Run, Poor;
    CREDENTIALS: StatusCredentialsRejected, Run, Poor;
    READ_ONLY: StatusReadOnlyFileSystem, Run, Poor;
    ENV: StatusVariableMissing, Run, Poor;
    CRASH: StatusContainerCrashes, Run, Poor;
    EXITS: StatusContainerExits, Run, Poor;
    INIT_CRASH: StatusInitContainerFails, Run, Poor;
    JOB_FAILED: StatusJobFailed, Run, None;
    JOB_DEADLINE: StatusJobDeadlineExceeded, Run, None;
    POD_DEADLINE: StatusPodDeadlineExceeded, Run, None;
    CRON_SCHEDULE: StatusScheduleInvalid, Run, None;
    STARTUP_PROBE: StatusStartupProbeFails, Probe, Poor;
    LIVENESS_PROBE: StatusLivenessProbeFails, Probe, Poor;
    READINESS_PROBE: StatusReadinessProbeFails, Probe, Open;
    READINESS_GATE: StatusReadinessGateOpen, Probe, Open;
    INIT_WAITS: StatusInitContainerWaits, Wait, Open;
    SERVICE_NOTHING: StatusServiceSelectsNothing, Reach, Open;
    TARGET_PORT: StatusTargetPortMissing, Reach, Open;
    BACKEND: StatusBackendMissing, Reach, Open;
    INGRESS_CLASS: StatusIngressClassMissing, Reach, Open;
    LOAD_BALANCER: StatusLoadBalancerPending, Reach, Open;
    SCALE_TARGET: StatusScaleTargetMissing, Scale, Open;
    METRICS: StatusMetricsMissing, Scale, Open;
    PAUSED: StatusRolloutPaused, Unknown, Open;
    STUCK_DELETING: StatusDeletionStuck, Unknown, Open;
    NOT_READY: StatusNotReady, Unknown, Open;
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
