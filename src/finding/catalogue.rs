//! The catalogue of all findings: the id, family, severity and summary of each.
//!
//! Each rule of `check` is documented and implemented in a file of its own. The ids are defined here, so that modules that
//! refer to rules (settings, reports, the readers of YAML and of profiles) do not depend on the engine.

use std::fmt;

use crate::finding::Severity;

/// The families of findings, as `--only` and `--skip` name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// The API server rejects the object, or warns about it.
    Api,
    /// The API server accepts the objects, but they do not work together.
    Wiring,
    /// Faults that show when a workload is rolled out, scaled or changed.
    Rollout,
    /// What a pod is allowed to do.
    Security,
    /// Findings that no rule of `check` reports: those of parsing, of profiles and templates, and of comparisons.
    Elsewhere,
    /// Why applied objects are not ready, as `status` and `up` find out.
    Status,
}

impl Family {
    /// The families of rules.
    pub const ALL: [Self; 4] = [Self::Api, Self::Wiring, Self::Rollout, Self::Security];

    /// `api`, `wiring`, `rollout`, `security`, `elsewhere` or `status`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Wiring => "wiring",
            Self::Rollout => "rollout",
            Self::Security => "security",
            Self::Elsewhere => "elsewhere",
            Self::Status => "status",
        }
    }
}

/// Defines [`RuleId`] from rows of variant, id, family, severity and summary, and documentation for findings that no rule
/// makes.
macro_rules! catalogue {
    ($($variant:ident $id:literal $family:ident $severity:ident $summary:literal $(=> $doc:literal)?,)*) => {
        /// The id of a rule or of another finding.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RuleId {
            $(#[doc = $summary] $variant,)*
        }

        impl RuleId {
            /// All ids, sorted by family and name.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name, for example `config-path-unmounted`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// The family.
            #[must_use]
            pub const fn family(self) -> Family {
                match self { $(Self::$variant => Family::$family,)* }
            }

            /// The default severity of the findings.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// A one-line summary.
            #[must_use]
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$variant => $summary,)* }
            }

            /// What the finding means and how to fix it; empty for rules, which are documented in their own files.
            #[must_use]
            pub const fn documentation(self) -> &'static str {
                match self { $(Self::$variant => concat!("" $(, $doc)?),)* }
            }
        }
    };
}

catalogue! {
    ActiveDeadlineInvalid "active-deadline-invalid" Api Error "invalid `activeDeadlineSeconds` of a pod",
    AdmissionPolicyInvalid "admission-policy-invalid" Api Error "incomplete or invalid admission policy or binding",
    AffinityInvalid "affinity-invalid" Api Error "invalid affinity",
    AnnotationInvalid "annotation-invalid" Api Error "invalid annotation key, or annotations that are too large",
    ApiServiceInvalid "api-service-invalid" Api Error "invalid APIService",
    ApiVersionDeprecated "api-version-deprecated" Api Warning
        "deprecated `apiVersion` that a later version of Kubernetes no longer serves",
    ApiVersionOff "api-version-off" Api Warning "alpha or beta `apiVersion` that clusters do not serve by default",
    ApiVersionRemoved "api-version-removed" Api Error "`apiVersion` that this version of Kubernetes no longer serves",
    AutoscalerInvalid "autoscaler-invalid" Api Error "invalid HorizontalPodAutoscaler",
    CertificateRequestInvalid "certificate-request-invalid" Api Error "invalid CertificateSigningRequest",
    ClaimInvalid "claim-invalid" Api Error "invalid PersistentVolumeClaim or volume claim template",
    ClusterNetworkInvalid "cluster-network-invalid" Api Error
        "invalid addresses or taints of a Node, or invalid ServiceCIDR or IPAddress",
    ConfigKeyInvalid "config-key-invalid" Api Error "invalid key in a ConfigMap or Secret, or data that is too large",
    ContainerNameInvalid "container-name-invalid" Api Error "missing, invalid or duplicate container name",
    ContainerRestartPolicyInvalid "container-restart-policy-invalid" Api Error "invalid restart policy of a container",
    ContainersMissing "containers-missing" Api Error "pod without containers",
    CustomResourceDefinitionInvalid "custom-resource-definition-invalid" Api Error "invalid CustomResourceDefinition",
    CustomResourceInvalid "custom-resource-invalid" Api Error
        "custom resource that violates its CustomResourceDefinition",
    CustomResourceUnevaluated "custom-resource-unevaluated" Api Note
        "validation rule of a CustomResourceDefinition that is not evaluated here",
    DeviceClaimInvalid "device-claim-invalid" Api Error
        "invalid ResourceClaim, ResourceClaimTemplate, DeviceClass or ResourceSlice",
    DeviceInvalid "device-invalid" Api Error "invalid `volumeDevices` entry",
    DisruptionBudgetInvalid "disruption-budget-invalid" Api Error "invalid PodDisruptionBudget",
    DnsInvalid "dns-invalid" Api Error "invalid DNS settings of a pod",
    DuplicateEnv "duplicate-env" Api Warning "duplicate environment variable",
    DuplicatePort "duplicate-port" Api Warning "duplicate container port",
    EndpointsInvalid "endpoints-invalid" Api Error "invalid address or port in Endpoints or an EndpointSlice",
    EnvFromInvalid "env-from-invalid" Api Error "invalid `envFrom` entry",
    EnvInvalid "env-invalid" Api Error "invalid environment variable",
    EphemeralContainersForbidden "ephemeral-containers-forbidden" Api Error "ephemeral containers in a manifest",
    FieldType "field-type" Api Error "value of the wrong type, or one that its field cannot hold",
    FieldUnknown "field-unknown" Api Error "unknown field",
    FinalizerInvalid "finalizer-invalid" Api Error "invalid finalizer",
    FlowControlInvalid "flow-control-invalid" Api Error "invalid FlowSchema or PriorityLevelConfiguration",
    GracePeriodNegative "grace-period-negative" Api Warning "negative `terminationGracePeriodSeconds`",
    HostAliasInvalid "host-alias-invalid" Api Error "invalid `hostAliases` entry",
    HostNamespaceConflict "host-namespace-conflict" Api Error "conflicting settings for host namespaces",
    HostPortInvalid "host-port-invalid" Api Error "invalid or duplicate host port",
    HostnameInvalid "hostname-invalid" Api Error "invalid host name of a pod",
    ImageInvalid "image-invalid" Api Error "missing image or invalid `imagePullPolicy` of a container",
    IngressClassInvalid "ingress-class-invalid" Api Error "invalid controller or parameters of an IngressClass",
    IngressInvalid "ingress-invalid" Api Error "invalid host, path or backend of an Ingress",
    JobInvalid "job-invalid" Api Error "invalid field in the spec of a Job",
    JobPolicyInvalid "job-policy-invalid" Api Error "invalid failure or success policy of a Job",
    KindUnknown "kind-unknown" Api Error "`apiVersion` and `kind` that the cluster does not serve",
    LabelInvalid "label-invalid" Api Error "invalid label key or value",
    LeaseInvalid "lease-invalid" Api Error "invalid number in a Lease",
    LifecycleInvalid "lifecycle-invalid" Api Error "invalid lifecycle hook",
    LimitRangeInvalid "limit-range-invalid" Api Error "contradictory limits in a LimitRange",
    MountInvalid "mount-invalid" Api Error "invalid volume mount",
    MountVolumeMissing "mount-volume-missing" Api Error "volume mount of a volume that does not exist",
    NameInvalid "name-invalid" Api Error "missing or invalid name",
    NamespaceInvalid "namespace-invalid" Api Error "invalid namespace, or namespace of a cluster-scoped object",
    NetworkPolicyInvalid "network-policy-invalid" Api Error "invalid peer, port or type of a NetworkPolicy",
    NodeLabelDeprecated "node-label-deprecated" Api Warning "deprecated node label",
    NodeSelectorInvalid "node-selector-invalid" Api Error "invalid label in a node selector",
    OverheadInvalid "overhead-invalid" Api Error "invalid overhead of a pod",
    OwnerReferenceInvalid "owner-reference-invalid" Api Error "incomplete owner reference",
    PersistentVolumeInvalid "persistent-volume-invalid" Api Error "invalid PersistentVolume",
    PodAnnotationDeprecated "pod-annotation-deprecated" Api Warning "deprecated annotation of a pod",
    PodAnnotationInvalid "pod-annotation-invalid" Api Error
        "invalid value of an annotation that Kubernetes reads in a pod",
    PodGateInvalid "pod-gate-invalid" Api Error "invalid readiness gate or scheduling gate",
    PodOsInvalid "pod-os-invalid" Api Error "field that is not allowed for the operating system of a pod",
    PodReferenceInvalid "pod-reference-invalid" Api Error "invalid name in a reference of a pod",
    PodResourcesInvalid "pod-resources-invalid" Api Error "invalid pod-level resources",
    PodSecurityLevelInvalid "pod-security-level-invalid" Api Error
        "invalid Pod Security Standards level of a Namespace",
    PortInvalid "port-invalid" Api Error "invalid container port",
    PriorityClassInvalid "priority-class-invalid" Api Error "invalid PriorityClass",
    ProbeInvalid "probe-invalid" Api Error "invalid probe",
    PullSecretInvalid "pull-secret-invalid" Api Warning "unnamed or duplicate image pull secret",
    QuotaInvalid "quota-invalid" Api Error "invalid resource or scope in a ResourceQuota",
    RbacRuleInvalid "rbac-rule-invalid" Api Error "incomplete rule of a Role or ClusterRole",
    ResizePolicyInvalid "resize-policy-invalid" Api Error "invalid resize policy of a container",
    ResourceClaimInvalid "resource-claim-invalid" Api Error "invalid or missing resource claim of a pod",
    ResourcesFractional "resources-fractional" Api Warning "fractional number of bytes",
    ResourcesInvalid "resources-invalid" Api Error "invalid requests or limits of a container",
    RestartPolicyInvalid "restart-policy-invalid" Api Error "restart policy that the workload does not allow",
    RoleRefInvalid "role-ref-invalid" Api Error "invalid role or subject in a RoleBinding or ClusterRoleBinding",
    RuntimeClassInvalid "runtime-class-invalid" Api Error "invalid RuntimeClass",
    ScheduleInvalid "schedule-invalid" Api Error "invalid schedule, time zone or other field of a CronJob",
    SecretTypeDataMissing "secret-type-data-missing" Api Error "Secret without the data that its type requires",
    SecurityContextInvalid "security-context-invalid" Api Error "invalid security context",
    SelectorInvalid "selector-invalid" Api Error "missing, empty or invalid label selector",
    SelectorMismatch "selector-mismatch" Api Error "selector that does not match the labels of the pod template",
    ServiceAddressInvalid "service-address-invalid" Api Error "invalid IP address, IP family or CIDR of a Service",
    ServiceFieldIgnored "service-field-ignored" Api Warning "field of a Service that has no effect",
    ServicePolicyInvalid "service-policy-invalid" Api Error "invalid traffic policy or session affinity of a Service",
    ServicePortInvalid "service-port-invalid" Api Error "missing, invalid or duplicate port of a Service",
    ServiceTypeInvalid "service-type-invalid" Api Error
        "unknown type of a Service, or field that its type does not allow",
    StorageClassInvalid "storage-class-invalid" Api Error "invalid StorageClass, VolumeAttributesClass or CSIDriver",
    StrategyInvalid "strategy-invalid" Api Error "invalid update strategy of a workload",
    SysctlInvalid "sysctl-invalid" Api Error "invalid sysctl",
    TemplateMetadataInvalid "template-metadata-invalid" Api Error "invalid labels or annotations of a pod template",
    TerminationMessagePolicyInvalid "termination-message-policy-invalid" Api Error "invalid `terminationMessagePolicy`",
    TolerationInvalid "toleration-invalid" Api Error "invalid toleration",
    TopologySpreadInvalid "topology-spread-invalid" Api Error "invalid topology spread constraint",
    VolumeAttachmentInvalid "volume-attachment-invalid" Api Error
        "invalid VolumeAttachment, CSINode or CSIStorageCapacity",
    VolumeDeprecated "volume-deprecated" Api Warning "deprecated or removed volume type",
    VolumeNameInvalid "volume-name-invalid" Api Error "missing, invalid or duplicate volume name",
    VolumeSourceInvalid "volume-source-invalid" Api Error "invalid volume source",
    WebhookInvalid "webhook-invalid" Api Error "invalid admission webhook",
    WindowsOptionsInvalid "windows-options-invalid" Api Error "invalid Windows options of a security context",
    WorkloadFieldInvalid "workload-field-invalid" Api Error
        "number out of range or unknown value in the spec of a workload",
    CertDirUnmounted "cert-dir-unmounted" Wiring Error
        "no volume is mounted where a service reads its TLS certificate",
    ClaimSingleNode "claim-single-node" Wiring Warning
        "pods that run on different nodes share one ReadWriteOnce claim",
    ClaimSinglePod "claim-single-pod" Wiring Error "more than one pod uses a ReadWriteOncePod claim",
    ClientUrlMissing "client-url-missing" Wiring Error "the URL of a service is not set in one of its clients",
    CommandNotSplit "command-not-split" Wiring Warning
        "the first item of a command is a whole command line, not a program",
    ConfigDurationEmpty "config-duration-empty" Wiring Error
        "a duration in the config file is the empty string",
    ConfigDurationInvalid "config-duration-invalid" Wiring Error "a duration in the config file is invalid",
    ConfigFileMissing "config-file-missing" Wiring Warning
        "no object among the manifests contains the config file of a service",
    ConfigKeyRequired "config-key-required" Wiring Error "the config file lacks a key that the service requires",
    ConfigKeyUnknown "config-key-unknown" Wiring Warning
        "the config file has a key that the service does not read",
    ConfigNotAFile "config-not-a-file" Wiring Error
        "the ConfigMap of a service contains single variables instead of its config file",
    ConfigPathMissing "config-path-missing" Wiring Error "the path of its config file is not set for a service",
    ConfigPathUnmounted "config-path-unmounted" Wiring Error
        "the path of a config file is not on a mounted volume, or the file is not in it",
    ConfigValueInvalid "config-value-invalid" Wiring Error "a value in the config file is invalid",
    ConnectionValueUnquoted "connection-value-unquoted" Wiring Error
        "a password, user or database name breaks the connection string of the service",
    DataMountRefused "data-mount-refused" Wiring Error
        "a volume is mounted where this version of the image does not allow one",
    DbIdentityMismatch "db-identity-mismatch" Wiring Error
        "a client and its database have different database names, users or passwords",
    DbProbeWrongDatabase "db-probe-wrong-database" Wiring Warning
        "a probe uses a database or user that PostgreSQL does not create",
    DuplicateObject "duplicate-object" Wiring Warning "duplicate object",
    EnvNotRead "env-not-read" Wiring Warning "an environment variable is set that the service does not read",
    EnvReferenceUndefined "env-reference-undefined" Wiring Warning
        "`$(NAME)` refers to a variable that is not defined before it",
    EnvRefused "env-refused" Wiring Error "an environment variable makes the image exit",
    EnvRequiredMissing "env-required-missing" Wiring Error "a required environment variable is not set",
    HostUnresolved "host-unresolved" Wiring Warning "a host is not a Service among the manifests",
    HostpathNotOnNode "hostpath-not-on-node" Wiring Warning
        "the path of a hostPath volume is not on the nodes of the kind cluster",
    HostportCollision "hostport-collision" Wiring Error "a host port is used twice",
    ImageCommandMissing "image-command-missing" Wiring Error
        "an image is run without the arguments or file that it requires",
    ImageLocalAlwaysPulled "image-local-always-pulled" Wiring Warning
        "an image that exists only locally is always pulled from a registry",
    ImageNeverFromRegistry "image-never-from-registry" Wiring Warning
        "an image from a registry has the pull policy Never",
    ImageNotLoaded "image-not-loaded" Wiring Warning "an image without a registry has the pull policy Never",
    ImagePortUnserved "image-port-unserved" Wiring Warning
        "a probe or Service uses a port on which the image does not listen by default",
    ImageTextInvalid "image-text-invalid" Wiring Error "invalid image reference",
    ImageUnqualified "image-unqualified" Wiring Warning
        "an image has no registry and is not a Docker official image",
    ImageUserRoot "image-user-root" Wiring Error
        "a container must not run as root, and its image starts as root or as a named user",
    IngressPathDuplicate "ingress-path-duplicate" Wiring Warning "duplicate host and path of an Ingress class",
    KindConfigInvalid "kind-config-invalid" Wiring Error "the config of a kind cluster is invalid",
    ListenPortMismatch "listen-port-mismatch" Wiring Error
        "the port a program listens on differs from the declared port or the target port",
    MonitorPortUnserved "monitor-port-unserved" Wiring Error
        "a monitor names a port that nothing it selects has",
    MountMissing "mount-missing" Wiring Error "a service does not mount the volumes that contain its files",
    NetworkpolicyBlocksFlow "networkpolicy-blocks-flow" Wiring Error
        "a NetworkPolicy blocks a connection that the configuration implies",
    NodeportDuplicate "nodeport-duplicate" Wiring Error "two Services have the same NodePort",
    NodeportMissingForMapping "nodeport-missing-for-mapping" Wiring Note
        "a port mapping of the kind cluster leads to a NodePort that no Service has",
    NodeportRange "nodeport-range" Wiring Error "a NodePort is not in the valid range",
    NodeportUnmapped "nodeport-unmapped" Wiring Warning "the kind cluster does not map a NodePort to the host",
    ProbeMissing "probe-missing" Wiring Warning "a container that serves traffic has no probes",
    ProbePathUnserved "probe-path-unserved" Wiring Error "the path of a probe is not served",
    ProbePathWrongEndpoint "probe-path-wrong-endpoint" Wiring Warning
        "a readiness probe uses the liveness endpoint, or a liveness probe the readiness endpoint",
    ProbePortUnserved "probe-port-unserved" Wiring Error "the container does not listen on the port of a probe",
    RbacApigroupUnknown "rbac-apigroup-unknown" Wiring Warning
        "a rule of a role names a resource in an API group that does not have it",
    RbacClientUnbound "rbac-client-unbound" Wiring Warning
        "the ServiceAccount of a client is not bound to the role that the service requires",
    RbacClientVerb "rbac-client-verb" Wiring Warning "the role of a client lacks a verb that the service requires",
    RbacRolerefMissing "rbac-roleref-missing" Wiring Warning "the role of a binding does not exist",
    RbacRuleMissing "rbac-rule-missing" Wiring Warning
        "the role of a known service does not allow a request that the service makes",
    RbacSubjectMissing "rbac-subject-missing" Wiring Warning "the ServiceAccount of a binding does not exist",
    ReferenceMissing "reference-missing" Wiring Warning
        "an object that is referred to does not exist, or lacks the key or port",
    ScheduleNever "schedule-never" Wiring Warning "the schedule of a CronJob never matches",
    SecretEmptyData "secret-empty-data" Wiring Warning "a Secret that pods use has empty values",
    SecretFileMissing "secret-file-missing" Wiring Warning
        "no Secret among the manifests contains the secret files of a service",
    SecretFileUnparsable "secret-file-unparsable" Wiring Error
        "a secret file is not a mapping, or the named key is missing or not a string",
    SecretFileUnresolved "secret-file-unresolved" Wiring Error
        "the path of a secret file does not exist in the container",
    SecretTrailingNewline "secret-trailing-newline" Wiring Warning
        "a password or token in a Secret ends with a newline",
    SelectorMatchesNothing "selector-matches-nothing" Wiring Warning
        "a budget, policy or monitor selects nothing by its labels",
    ServiceSelectsJob "service-selects-job" Wiring Warning "a Service selects the pods of a Job",
    ServiceSelectsNothing "service-selects-nothing" Wiring Warning "a Service selects no pods",
    ServiceaccountDefaultForClient "serviceaccount-default-for-client" Wiring Warning
        "a client that must authenticate runs as the default ServiceAccount",
    ServiceaccountMissing "serviceaccount-missing" Wiring Warning "the ServiceAccount of a pod does not exist",
    StatefulsetNameTooLong "statefulset-name-too-long" Wiring Error
        "the name of a StatefulSet is too long for a label of its pods",
    SubpathMissing "subpath-missing" Wiring Warning "the file of a `subPath` does not exist in its volume",
    TargetPortUnserved "target-port-unserved" Wiring Error
        "no selected container has the target port of a Service",
    Unused "unused" Wiring Note "a ConfigMap, Secret, key or volume is not used",
    UrlOtherNamespace "url-other-namespace" Wiring Warning "the Service of a URL is in another namespace",
    UrlPortUnserved "url-port-unserved" Wiring Error "the Service of a URL or address does not have the port",
    UrlSchemeMismatch "url-scheme-mismatch" Wiring Warning
        "the scheme of a URL does not match the protocol of the port",
    UrlUnresolved "url-unresolved" Wiring Warning "the host of a URL is not a Service among the manifests",
    AutoscalerContainerMissing "autoscaler-container-missing" Rollout Warning
        "the container of an autoscaler's metric does not exist",
    AutoscalerDuplicate "autoscaler-duplicate" Rollout Warning "two autoscalers scale one workload",
    AutoscalerReplicasFixed "autoscaler-replicas-fixed" Rollout Warning
        "a workload with an autoscaler sets `replicas`",
    AutoscalerRequestMissing "autoscaler-request-missing" Rollout Warning
        "a utilization target of an autoscaler has no resource request to relate to",
    AutoscalerTargetUnscalable "autoscaler-target-unscalable" Rollout Warning
        "the target of an autoscaler has no `scale` subresource",
    ChangeImmutable "change-immutable" Rollout Error "an immutable field is changed",
    DependencyNotAwaited "dependency-not-awaited" Rollout Warning
        "a service that exits without its database does not wait for it",
    DisruptionBudgetBlocks "disruption-budget-blocks" Rollout Warning
        "a PodDisruptionBudget blocks every eviction",
    DisruptionBudgetOverlap "disruption-budget-overlap" Rollout Warning
        "two PodDisruptionBudgets select the same pod",
    FleetHostportDuplicate "fleet-hostport-duplicate" Rollout Error
        "two profiles map the same host port of one cluster",
    FleetImageSkew "fleet-image-skew" Rollout Warning
        "profiles of one environment use different versions of the same image",
    FleetNameDuplicate "fleet-name-duplicate" Rollout Error "two profiles create the same object in one cluster",
    FleetNodeportDuplicate "fleet-nodeport-duplicate" Rollout Error
        "two profiles use the same NodePort in one cluster",
    MigrationDuplicateVersion "migration-duplicate-version" Rollout Error "two migrations have the same version",
    MigrationHookDeadlock "migration-hook-deadlock" Rollout Error
        "a workload waits for a Job that runs only after the workload is ready",
    MigrationMissing "migration-missing" Rollout Warning "nothing creates the tables that a service needs",
    MigrationNeedsNoTransaction "migration-needs-no-transaction" Rollout Error
        "a migration runs a statement in a transaction that PostgreSQL does not allow there",
    MigrationOrder "migration-order" Rollout Warning
        "a service can start before its tables exist, or the service and the migration wait for each other",
    MigrationStatementMarkers "migration-statement-markers" Rollout Error
        "a statement that contains semicolons is not between goose's StatementBegin and StatementEnd",
    MigrationTableMissing "migration-table-missing" Rollout Error
        "the migrations do not create a table that the service needs",
    PrestopExceedsGrace "prestop-exceeds-grace" Rollout Warning "a preStop hook takes longer than the grace period",
    ProbeBudget "probe-budget" Rollout Warning "a probe can kill a container before it has started",
    StorageEphemeral "storage-ephemeral" Rollout Warning
        "the data directory of a database is not on a persistent volume",
    SyncWaveOrder "sync-wave-order" Rollout Error
        "an object is in a later sync wave than the workload that needs it",
    PodSecurity "pod-security" Security Warning
        "a pod violates the Pod Security Standard that its namespace enforces",
    ReadonlyRootWrite "readonly-root-write" Security Warning "a program writes to a read-only root file system",
    ChangeRenames "change-renames" Elsewhere Warning
        "an object remains under its old name, or clients must use a new address"
        => "`kubectl apply` does not delete objects. Delete the old object, or prune by label, and change the clients.",
    ChangeRestarts "change-restarts" Elsewhere Warning
        "pods restart, or use changed data only after a restart; Jobs run again"
        => "A changed pod template rolls out new pods; a changed ConfigMap does not, unless a checksum annotation in the template follows it.",
    ChangeShrinks "change-shrinks" Elsewhere Warning
        "replicas, storage, allowed traffic or permissions are reduced"
        => "Whatever relied on it may stop working when the change is applied.",
    ContentNameCycle "content-name-cycle" Elsewhere Error
        "objects named by their content refer to each other in a cycle"
        => "A name that contains a hash of the content cannot depend on itself. Remove `$contentName` from one of the objects.",
    ContentNamePlain "content-name-plain" Elsewhere Warning
        "a reference has the plain name of an object whose name contains a hash"
        => "References to an object with `$contentName: true` follow its name: those in known fields, and those in fields that `[[references]]` in plimsoll.toml declares. Elsewhere, in an argument, a variable or an annotation, write `{{ content_name('conf') }}`; a plain name there refers to an object that does not exist.",
    ContextMismatch "context-mismatch" Elsewhere Error "the context is not that of the profile's cluster"
        => "`up` and `down` change no other cluster. For a profile with its own kind cluster the context is `kind-CLUSTER`; for others `--context` names it.",
    EnforcedValue "enforced-value" Elsewhere Error "a layer contradicts a value that the environment enforces"
        => "`enforce` in an environment overrides profiles. A section of a profile for that environment, `--values` and `--set` must not set its values to something else.",
    EnvironmentNotFound "environment-not-found" Elsewhere Error "environment not found"
        => "The environments of a profile are the keys of `environments` in the profile and in `base.yaml`.",
    EnvironmentNotGiven "environment-not-given" Elsewhere Error
        "a command needs `--env`: there are several environments and no default"
        => "Pass `--env`, or set the project's default in `plimsoll.toml`: `environment = \"dev\"`.",
    EnvironmentUnknown "environment-unknown" Elsewhere Error
        "a profile names an environment that nothing else declares"
        => "An environment exists if `environments` in `base.yaml` names it, or if a profile does and `profiles/environments/` has its file. A misspelled name is therefore an error, and not a new environment.",
    ExpectedDiffers "expected-differs" Elsewhere Error "a manifest differs from the bundle of the profile"
        => "`check --profile P` compares manifests with what P renders: images, namespaces, ports, and the hosts and ports in config files.",
    ExpectedMissing "expected-missing" Elsewhere Error
        "an object, mount or probe of the profile's bundle is missing from the manifests"
        => "`plimsoll render P` prints the whole bundle; `check --profile P` names what to add.",
    FieldNotFound "field-not-found" Elsewhere Error "field not found"
        => "`plimsoll explain PROFILE Kind/name` prints the fields that the object has.",
    FileNotFound "file-not-found" Elsewhere Error "file not found"
        => "Paths in a project are relative to its directory; `$file` is relative to `templates/`.",
    FileOutsideProject "file-outside-project" Elsewhere Error "a file is outside the project"
        => "Only files inside the project's directory are read, after links are resolved; a directory of migrations may be anywhere in the project's Git work tree.",
    FileUnreadable "file-unreadable" Elsewhere Error "a file cannot be read"
        => "Files are UTF-8 text of at most 64 MiB.",
    FileUnused "file-unused" Elsewhere Error "a file below `profiles/`, `templates/` or `services/` is not used"
        => "It would be ignored without a message. Refer to it, move it, or remove it. READMEs and other Markdown files are not reported.",
    GraphTooLarge "graph-too-large" Elsewhere Error "a diagram is too large"
        => "The limit is ten thousand objects and as many references; for an SVG, which is laid out, five hundred objects and references.",
    HostportProfileMismatch "hostport-profile-mismatch" Elsewhere Error
        "the kind config maps a NodePort to another host port than the profile"
        => "`check --profile P` compares the config with the one that P renders: tests and clients use the profile's port. Change `hostPort` in the config, or `expose.hostPort` in the profile.",
    ImportCopy "import-copy" Elsewhere Error "a copy cannot be imported"
        => "`import` needs objects with names, each once in a copy, and copies that have different names.",
    ImportRefused "import-refused" Elsewhere Error "a copy contains something that a project cannot express"
        => "`import` writes nothing unless every profile renders to objects equal to its copy.",
    KindConfigDuplicate "kind-config-duplicate" Elsewhere Error "the templates render two kind configs"
        => "Exactly one document of `kind.x-k8s.io` with `kind: Cluster` defines the port mappings of the bundle's cluster.",
    KindConfigMissing "kind-config-missing" Elsewhere Error "the bundle is not for a kind cluster"
        => "`plimsoll kind` prints the kind config that the templates render for the environment.",
    MigrationFileName "migration-file-name" Elsewhere Error
        "the file name of a migration is not a valid ConfigMap key"
        => "Allowed are letters, digits, dots, dashes and underscores.",
    MigrationForm "migration-form" Elsewhere Error "a goose file is malformed"
        => "A goose file has one `-- +goose Up`, at most one `-- +goose Down` after it, and no statement before them.",
    MigrationNotRepeatable "migration-not-repeatable" Elsewhere Error
        "a migration without a transaction cannot be run again after a failure"
        => "Write statements that may run twice (`IF NOT EXISTS`), and one kind of statement in each file.",
    MigrationPsqlCommand "migration-psql-command" Elsewhere Error "a migration contains a psql command"
        => "Migrations are SQL. Lines that begin with a backslash would run commands of the client.",
    MigrationTooBig "migration-too-big" Elsewhere Error "a migration is too large for a ConfigMap"
        => "A ConfigMap can contain at most 1 MiB. Split the file.",
    MigrationTransactionControl "migration-transaction-control" Elsewhere Error
        "a migration begins or ends a transaction itself"
        => "Each file runs in its own transaction. Remove BEGIN and COMMIT, or mark the file with `-- +goose NO TRANSACTION`.",
    MigrationUnterminated "migration-unterminated" Elsewhere Error
        "unterminated quote, comment or statement block in a migration"
        => "The rest of the file would be part of it.",
    NodeportProfileMismatch "nodeport-profile-mismatch" Elsewhere Error
        "a Service, or the kind config, has another NodePort than the profile"
        => "`check --profile P` compares both with what P renders: the mapping of the kind cluster and the Service must have the same port. Change `nodePort` or `containerPort`, or `expose.nodePort` in the profile.",
    NotAManifest "not-a-manifest" Elsewhere Error "a document is not a Kubernetes object"
        => "Every object has an `apiVersion` and a `kind`, both strings. In directories, documents that are not Kubernetes objects are skipped; `--verbose` lists them.",
    ObjectDuplicate "object-duplicate" Elsewhere Error "the templates render the same object twice"
        => "Two documents have the same kind, namespace and name: the second would overwrite the first.",
    ObjectIncomplete "object-incomplete" Elsewhere Error "the templates render an incomplete object"
        => "The document lacks `apiVersion`, `kind` or `metadata.name`, or a value in it is null.",
    ObjectNotFound "object-not-found" Elsewhere Error "object not found in the bundle"
        => "`--only` takes `Kind` or `Kind/name` as `plimsoll render` prints them.",
    PatchInvalid "patch-invalid" Elsewhere Error "invalid patch"
        => "`patches` contains a tree for each `Kind/name`; docs/layers.md describes how lists are patched.",
    PatchUnused "patch-unused" Elsewhere Error "a patch matches no object, or changes nothing"
        => "It would be ignored without a message. The name is that in the template, without the hash of `$contentName`.",
    ProfileFieldMissing "profile-field-missing" Elsewhere Error "missing required field in a profile"
        => "No layer sets it, and the environment requires it.",
    ProfileFieldType "profile-field-type" Elsewhere Error "a value of a profile has the wrong type"
        => "`plimsoll schema` prints the types. A quoted number is a string.",
    ProfileFieldUnknown "profile-field-unknown" Elsewhere Error "unknown field in a profile"
        => "Usually a misspelling; `plimsoll schema` and docs/profiles.md list the fields.",
    ProfileForm "profile-form" Elsewhere Error "a profile is not a single YAML mapping"
        => "A profile file is one YAML document, a mapping.",
    ProfileListChange "profile-list-change" Elsewhere Error
        "a change to a list does not fit the list, or is malformed"
        => "Write `{$append: [...], $prepend: [...], $remove: [...]}` instead of the list; see docs/layers.md.",
    ProfileNeed "profile-need" Elsewhere Error "a profile needs another that does not exist, or that needs it"
        => "`needs` lists the profiles whose bundles are applied first. They must have the same environments and must not need this profile.",
    ProfileNotFound "profile-not-found" Elsewhere Error "profile not found"
        => "The name of a profile is that of its file in `profiles/`; `plimsoll profiles` lists them.",
    ProfileValueInvalid "profile-value-invalid" Elsewhere Error "invalid value in a profile"
        => "The value is out of range, malformed, or not one of the allowed values; the message says which.",
    ProjectUnreadable "project-unreadable" Elsewhere Error "the project directory cannot be read"
        => "`--project` names a directory with `profiles/` and `templates/`.",
    RevisionNotFound "revision-not-found" Elsewhere Error "revision not found"
        => "`--base` names a branch, tag or commit of the project's Git repository.",
    SchemaInvalid "schema-invalid" Elsewhere Error "the project's schema is not a valid JSON Schema"
        => "`profiles/schema.json` must contain a JSON Schema of draft 2020-12 with the keywords and formats listed in docs/layers.md.",
    SchemaKeywordUnknown "schema-keyword-unknown" Elsewhere Error
        "the project's schema uses an unsupported keyword"
        => "It would be ignored without a message. The help suggests a supported keyword.",
    ServiceDescription "service-description" Elsewhere Error "invalid service description"
        => "Files in `services/` follow docs/services.md.",
    SetSyntax "set-syntax" Elsewhere Error "malformed argument of `--set`"
        => "Write `path=value`: `expose.nodePort=30081`, `\\.` for a dot in a key, `[0]` for an item, `=` for the empty string, `=null` to delete.",
    SettingSyntax "setting-syntax" Elsewhere Error "invalid TOML in plimsoll.toml"
        => "The message of the parser says where the error is.",
    SettingUnknown "setting-unknown" Elsewhere Error "unknown setting in plimsoll.toml"
        => "docs/settings.md lists the settings.",
    SettingValueInvalid "setting-value-invalid" Elsewhere Error "invalid value of a setting"
        => "The message lists the allowed values; the level of a rule is off, note, warning or error.",
    TemplateDirective "template-directive" Elsewhere Error "unknown or misplaced directive"
        => "docs/templates.md lists the directives, and where each of them is allowed.",
    TemplateDuplicateKey "template-duplicate-key" Elsewhere Error "duplicate key in the mapping of a template"
        => "A `$for` renders the same key twice.",
    TemplateFile "template-file" Elsewhere Error "a file that a template names cannot be used"
        => "`$file` reads files below `templates/` only.",
    TemplateFolder "template-folder" Elsewhere Error "a profile selects a directory without templates"
        => "`templates` in a profile lists directories below `templates/`; the files directly in it are always rendered.",
    TemplateInclude "template-include" Elsewhere Error "a partial template cannot be included"
        => "`$include` names a file below `templates/` whose name, or the name of whose directory, begins with `_`; `$with` contains its parameters.",
    TemplateNameTaken "template-name-taken" Elsewhere Error "a profile field has the name of a template function"
        => "Rename the field.",
    TemplateNameUnknown "template-name-unknown" Elsewhere Error
        "a template uses a field that does not exist in profiles"
        => "Names are checked against the schema before anything is rendered.",
    TemplateSyntax "template-syntax" Elsewhere Error "invalid template expression"
        => "Write one minijinja expression between `{{` and `}}`; docs/templates.md lists the functions.",
    TemplateTooLarge "template-too-large" Elsewhere Error "a template exceeds its limits"
        => "Expressions have limits of steps, nodes and bytes, so that rendering always ends.",
    TemplateType "template-type" Elsewhere Error "a value has the wrong type for its position"
        => "An expression within a string must be a string, an integer or a boolean; `| string` converts a number to a string.",
    TemplateUndefined "template-undefined" Elsewhere Error "an expression is undefined"
        => "No layer sets the field, or an `if` has no `else`. `none` removes the key.",
    TemplateUnrendered "template-unrendered" Elsewhere Note "a manifest looks like a template"
        => "Placeholders such as `${NAME}`, `{{ … }}` or `<name>` are replaced before the manifest is applied, so findings about them are omitted and counted here, once for each file. Render the manifest first, then check the result. In complete manifests (`--complete`) a placeholder is reported like any other value.",
    YamlAlias "yaml-alias" Elsewhere Error "an anchor, alias or merge key is not allowed here, or is not defined"
        => "Profiles and templates must not use them; in manifests they are expanded within limits.",
    YamlAmbiguous "yaml-ambiguous" Elsewhere Warning "YAML parsers disagree about a value"
        => "YAML 1.1 and 1.2 read some values differently: `yes`, `0777`, `1_000`. Quote the value if it is a string. In profiles and templates this is an error.",
    YamlDuplicateKey "yaml-duplicate-key" Elsewhere Warning "duplicate key in a mapping"
        => "kubectl uses the last value; other tools use the first, or reject the file. In profiles and templates this is an error.",
    YamlKey "yaml-key" Elsewhere Error "a key is not a string"
        => "Quote the key. An unquoted `{{` in a template is such a key, too: quote the expression.",
    YamlSyntax "yaml-syntax" Elsewhere Error "invalid YAML"
        => "The location is where the parser failed; the error may be a line above it.",
    YamlTag "yaml-tag" Elsewhere Error "a tag is not allowed here"
        => "Profiles and templates must not use tags.",
    YamlTooDeep "yaml-too-deep" Elsewhere Error "collections are nested too deeply"
        => "The limit is 128 levels.",
    YamlTooLarge "yaml-too-large" Elsewhere Error "aliases expand to too many nodes"
        => "The limit is ten million nodes for each file.",
    YamlValue "yaml-value" Elsewhere Error "a value that JSON cannot represent"
        => "Kubernetes objects cannot contain infinity or NaN.",
    StatusAccessDenied "status-access-denied" Status Error
        "the user may not create or change the object",
    StatusAttachFailed "status-attach-failed" Status Error
        "a volume cannot be attached to the node",
    StatusBackendMissing "status-backend-missing" Status Error
        "an Ingress names a Service or port that does not exist",
    StatusClaimLost "status-claim-lost" Status Error "the volume of the claim no longer exists",
    StatusClaimMissing "status-claim-missing" Status Error
        "the PersistentVolumeClaim of a volume does not exist",
    StatusClaimPending "status-claim-pending" Status Error
        "no volume is provisioned for the claim",
    StatusClaimResizeFailed "status-claim-resize-failed" Status Error
        "the volume of the claim cannot be resized",
    StatusClusterIpTaken "status-cluster-ip-taken" Status Error
        "the cluster IP is allocated to another Service, or outside of the range of the cluster",
    StatusCommandNotFound "status-command-not-found" Status Error
        "the command does not exist in the image or cannot be executed",
    StatusConfigMapMissing "status-config-map-missing" Status Error
        "a ConfigMap that the pod refers to does not exist",
    StatusContainerCrashes "status-container-crashes" Status Error "a container fails repeatedly",
    StatusContainerExits "status-container-exits" Status Error
        "a container that should keep running exits with code 0 and is restarted",
    StatusContainerNotStarted "status-container-not-started" Status Error
        "the container cannot be started",
    StatusCredentialsRejected "status-credentials-rejected" Status Error
        "a server rejects the credentials that the container uses",
    StatusDeletionStuck "status-deletion-stuck" Status Error "a finalizer blocks the deletion of an object",
    StatusEvicted "status-evicted" Status Error
        "the kubelet evicted the pod",
    StatusFieldConflict "status-field-conflict" Status Error
        "another field manager owns a field that the bundle sets",
    StatusFieldImmutable "status-field-immutable" Status Error
        "an immutable field of an existing object was changed",
    StatusHostPortTaken "status-host-port-taken" Status Error
        "the host port is already used on every node",
    StatusImageInvalid "status-image-invalid" Status Error
        "the image reference is malformed",
    StatusImageNotFound "status-image-not-found" Status Error
        "the registry does not have the image",
    StatusImageNotPresent "status-image-not-present" Status Error
        "the image is not on the node, and the pull policy is Never",
    StatusImagePlatform "status-image-platform" Status Error
        "the image is not built for the platform of the node",
    StatusImagePullDenied "status-image-pull-denied" Status Error
        "the registry denies the pull: the credentials are missing or wrong",
    StatusImagePullFailed "status-image-pull-failed" Status Error
        "the image cannot be pulled",
    StatusIngressClassMissing "status-ingress-class-missing" Status Error
        "the IngressClass of an Ingress does not exist",
    StatusInitContainerFails "status-init-container-fails" Status Error
        "an init container fails",
    StatusInitContainerWaits "status-init-container-waits" Status Error
        "an init container waits for something",
    StatusJobDeadlineExceeded "status-job-deadline-exceeded" Status Error
        "a Job did not complete within activeDeadlineSeconds",
    StatusJobFailed "status-job-failed" Status Error
        "a Job has failed",
    StatusKeyMissing "status-key-missing" Status Error
        "the Secret or ConfigMap does not have the key that the pod refers to",
    StatusKindUnknown "status-kind-unknown" Status Error
        "the cluster does not know the kind: its CustomResourceDefinition is not installed",
    StatusLimitRange "status-limit-range" Status Error
        "a LimitRange of the namespace forbids the requests or limits",
    StatusLivenessProbeFails "status-liveness-probe-fails" Status Error
        "the liveness probe fails, and the container is restarted",
    StatusLoadBalancerPending "status-load-balancer-pending" Status Error
        "no load balancer is provided for the Service",
    StatusMemoryLimitTooSmall "status-memory-limit-too-small" Status Error
        "the memory limit is too small to start the container",
    StatusMetricsMissing "status-metrics-missing" Status Warning
        "an autoscaler gets no metrics",
    StatusMountFailed "status-mount-failed" Status Error
        "a volume cannot be mounted",
    StatusNamespaceMissing "status-namespace-missing" Status Error
        "the namespace does not exist",
    StatusNamespaceTerminating "status-namespace-terminating" Status Error
        "the namespace is being deleted, and nothing can be created in it",
    StatusNodeMissing "status-node-missing" Status Error
        "the pod names a node that does not exist or cannot run it",
    StatusNodePortTaken "status-node-port-taken" Status Error
        "the NodePort is allocated to another Service",
    StatusNodeSelectorUnmatched "status-node-selector-unmatched" Status Error
        "no node matches the node selector or node affinity",
    StatusNodeUnavailable "status-node-unavailable" Status Error
        "no node is ready to take pods",
    StatusNotReady "status-not-ready" Status Error
        "an object does not become ready, and the cluster does not say why",
    StatusObjectMissing "status-object-missing" Status Error
        "an object of the bundle is not in the cluster",
    StatusOutOfMemory "status-out-of-memory" Status Error
        "the container is killed because it uses more memory than its limit",
    StatusPodAffinityUnmatched "status-pod-affinity-unmatched" Status Error
        "the rules of pod affinity or anti-affinity leave no node",
    StatusPodDeadlineExceeded "status-pod-deadline-exceeded" Status Error
        "the pod did not end within activeDeadlineSeconds",
    StatusPodForbidden "status-pod-forbidden" Status Error
        "the API server does not admit the pods of the workload",
    StatusPodInvalid "status-pod-invalid" Status Error "the pod template is not a valid pod",
    StatusPodRejected "status-pod-rejected" Status Error
        "the kubelet rejected the pod",
    StatusPodSecurity "status-pod-security" Status Error
        "the namespace enforces a pod security standard that the pod violates",
    StatusPostStartFailed "status-post-start-failed" Status Error
        "the postStart hook fails, and the container is killed",
    StatusPriorityClassMissing "status-priority-class-missing" Status Error
        "the PriorityClass of the pod does not exist",
    StatusQuotaExceeded "status-quota-exceeded" Status Error
        "a ResourceQuota of the namespace leaves no room",
    StatusQuotaUnspecified "status-quota-unspecified" Status Error
        "a ResourceQuota requires requests or limits that a container does not set",
    StatusReadOnlyFileSystem "status-read-only-file-system" Status Error
        "the program writes to a file system that is read-only",
    StatusReadinessGateOpen "status-readiness-gate-open" Status Error
        "nothing sets the condition of a readiness gate",
    StatusReadinessProbeFails "status-readiness-probe-fails" Status Error
        "the readiness probe fails",
    StatusRejected "status-rejected" Status Error
        "the API server rejected the object",
    StatusResourceClaimMissing "status-resource-claim-missing" Status Error
        "a resource claim of the pod does not exist or cannot be allocated",
    StatusResourcesInsufficient "status-resources-insufficient" Status Error
        "no node has as much of a resource free as the pod requests",
    StatusRolloutPaused "status-rollout-paused" Status Error
        "the rollout of a Deployment is paused",
    StatusRunAsRoot "status-run-as-root" Status Error "the pod must not run as root, but the image does or may",
    StatusRuntimeClassMissing "status-runtime-class-missing" Status Error
        "the RuntimeClass of the pod does not exist, or no node supports it",
    StatusSandboxFailed "status-sandbox-failed" Status Error
        "the node cannot set up the pod",
    StatusScaleTargetMissing "status-scale-target-missing" Status Warning
        "the target of an autoscaler does not exist or cannot be scaled",
    StatusScheduleInvalid "status-schedule-invalid" Status Error
        "the schedule or time zone of a CronJob cannot be used",
    StatusSchedulerMissing "status-scheduler-missing" Status Error "no scheduler with that name runs",
    StatusSchedulingGated "status-scheduling-gated" Status Error
        "a scheduling gate holds the pod back",
    StatusSecretMissing "status-secret-missing" Status Error
        "a Secret that the pod refers to does not exist",
    StatusServiceAccountMissing "status-service-account-missing" Status Error
        "the ServiceAccount of the pod does not exist",
    StatusServiceSelectsNothing "status-service-selects-nothing" Status Error
        "a Service selects no pods",
    StatusStartupProbeFails "status-startup-probe-fails" Status Error
        "the startup probe fails before the program has started",
    StatusStorageClassMissing "status-storage-class-missing" Status Error
        "the claim names a StorageClass that does not exist, or there is no default one",
    StatusSubpathMissing "status-subpath-missing" Status Error
        "the file of a subPath does not exist in the volume",
    StatusSysctlForbidden "status-sysctl-forbidden" Status Error
        "the node does not allow a sysctl of the pod",
    StatusTaintNotTolerated "status-taint-not-tolerated" Status Error
        "all nodes have taints that the pod does not tolerate",
    StatusTargetPortMissing "status-target-port-missing" Status Error
        "no selected pod has a port with the name of the target port",
    StatusTopologySpreadUnmatched "status-topology-spread-unmatched" Status Error
        "the topology spread constraints leave no node",
    StatusUnschedulable "status-unschedulable" Status Error
        "the scheduler finds no node for the pod",
    StatusUserMissing "status-user-missing" Status Error
        "the image does not have the user",
    StatusVariableMissing "status-variable-missing" Status Error
        "an environment variable that the program requires is not set",
    StatusVolumeNodeConflict "status-volume-node-conflict" Status Error
        "the volume is bound to a node that cannot run the pod",
    StatusWebhookDenied "status-webhook-denied" Status Error
        "an admission webhook or policy denied the object",
    StatusWebhookFailed "status-webhook-failed" Status Error
        "an admission webhook does not answer, so the API server rejects the requests that it matches",
    StatusWorkingDirectory "status-working-directory" Status Error
        "the working directory does not exist or cannot be entered",
}

/// Former ids of rules. They stay valid in comments, annotations, settings and options.
const RENAMED: &[(&str, RuleId)] = &[
    ("content-name-circle", RuleId::ContentNameCycle),
    ("promise-differs", RuleId::ExpectedDiffers),
    ("promise-missing", RuleId::ExpectedMissing),
];

impl RuleId {
    /// The ids of all findings.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        Self::ALL.iter().map(|id| id.name())
    }

    /// Finds an id by its current or a former name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        let renamed = RENAMED.iter().find(|(old, _)| *old == name).map(|(_, id)| *id);
        renamed.or_else(|| Self::ALL.iter().copied().find(|id| id.name() == name))
    }

    /// The current name of a renamed rule; any other name unchanged.
    #[must_use]
    pub fn current(name: &str) -> &str {
        RENAMED.iter().find(|(old, _)| *old == name).map_or(name, |(_, id)| id.name())
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn former_names_are_aliases() {
        for (old, id) in RENAMED {
            assert_eq!((RuleId::find(old), RuleId::current(old)), (Some(*id), id.name()));
            assert!(!RuleId::names().any(|name| name == *old), "{old}");
        }
    }

    #[test]
    fn rows_are_sorted_and_documented() {
        assert!(RuleId::ALL.is_sorted_by(|a, b| (a.family(), a.name()) < (b.family(), b.name())));
        for id in RuleId::ALL {
            assert!(!id.summary().is_empty() && !id.summary().ends_with('.'), "{id}: {}", id.summary());
            assert_eq!(id.family() == Family::Elsewhere, !id.documentation().is_empty(), "{id}");
            assert_eq!(RuleId::find(id.name()), Some(*id));
            let variant: String = id.name().split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
            assert_eq!(format!("{id:?}"), variant);
        }
    }
}
