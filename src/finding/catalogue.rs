//! The catalogue of all findings there can be: an id, a family, a severity and one line for each.
//!
//! The rules of `check` are documented and implemented each in a file of its own; here are their ids, so that whatever
//! names a rule (settings, reports, the readers of YAML and profiles) needs nothing of the engine, and cannot misspell one.

use std::fmt;

use crate::finding::Severity;

/// The families of findings, as `--only` and `--skip` name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// What the API server rejects, or warns of.
    Api,
    /// What is accepted and does not come up, because one object does not fit the other.
    Wiring,
    /// What comes up and hurts when it is rolled out or changed.
    Rollout,
    /// What a pod is allowed to do.
    Security,
    /// What no rule finds: reading, profiles and templates, and the comparison of two states.
    Elsewhere,
    /// Why what was applied is not ready, as `status` and `up` find it.
    Status,
}

impl Family {
    /// The families that rules have.
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

/// Makes [`RuleId`] of rows: the variant, the id, the family, the severity, one line on the fault, and for findings
/// that no rule makes their documentation.
macro_rules! catalogue {
    ($($variant:ident $id:literal $family:ident $severity:ident $summary:literal $(=> $doc:literal)?,)*) => {
        /// What a finding is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RuleId {
            $(#[doc = $summary] $variant,)*
        }

        impl RuleId {
            /// All of them, sorted by family and id.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The id as people write it: `config-path-unmounted`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// The family.
            #[must_use]
            pub const fn family(self) -> Family {
                match self { $(Self::$variant => Family::$family,)* }
            }

            /// The severity of such a finding unless something at the spot changes it.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// One line on the fault.
            #[must_use]
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$variant => $summary,)* }
            }

            /// What a finding that no rule makes means and what to do about it; empty for those of rules, whose files
            /// say it.
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
        "nothing is mounted where a service reads its certificate",
    ClaimSingleNode "claim-single-node" Wiring Warning "pods that are spread over nodes use one ReadWriteOnce claim",
    ClaimSinglePod "claim-single-pod" Wiring Error "more than one pod uses a ReadWriteOncePod claim",
    ClientUrlMissing "client-url-missing" Wiring Error
        "a client is not told where the service that it calls is",
    CommandNotSplit "command-not-split" Wiring Warning "a command is one string with blanks, which names no program",
    ConfigDurationEmpty "config-duration-empty" Wiring Error
        "a duration in the config file is the empty string",
    ConfigDurationInvalid "config-duration-invalid" Wiring Error "a duration in the config file cannot be parsed",
    ConfigFileMissing "config-file-missing" Wiring Warning
        "nothing among the manifests holds the config file a service reads",
    ConfigKeyRequired "config-key-required" Wiring Error "the config file lacks a key that the service validates",
    ConfigKeyUnknown "config-key-unknown" Wiring Warning
        "the config file holds a key that the service drops in silence",
    ConfigNotAFile "config-not-a-file" Wiring Error
        "the ConfigMap of a file-reading service holds loose variables instead of the file",
    ConfigPathMissing "config-path-missing" Wiring Error "a service is never told where its config file is",
    ConfigPathUnmounted "config-path-unmounted" Wiring Error
        "a config file path is under no mount, or under one that lacks the file",
    ConfigValueInvalid "config-value-invalid" Wiring Error "a value in the config file is one the service refuses",
    ConnectionValueUnquoted "connection-value-unquoted" Wiring Error
        "a password, user or database name that the service cannot write into its connection string",
    DataMountRefused "data-mount-refused" Wiring Error
        "a volume is mounted where this version of the image takes none",
    DbIdentityMismatch "db-identity-mismatch" Wiring Error
        "a client and its database do not agree on database, user or password",
    DbProbeWrongDatabase "db-probe-wrong-database" Wiring Warning
        "a probe asks a database for what it does not create",
    DuplicateObject "duplicate-object" Wiring Warning "one object is declared twice",
    EnvNotRead "env-not-read" Wiring Warning "a variable is set that the service does not read",
    EnvReferenceUndefined "env-reference-undefined" Wiring Warning
        "`$(NAME)` stays as it is, because no variable of that name is defined before it",
    EnvRefused "env-refused" Wiring Error
        "a variable is set with which the image stops",
    EnvRequiredMissing "env-required-missing" Wiring Error "a variable is missing that the program needs to start",
    HostUnresolved "host-unresolved" Wiring Warning "a host leads to no Service in reach",
    HostpathNotOnNode "hostpath-not-on-node" Wiring Warning "a hostPath is not on the nodes of the kind cluster",
    HostportCollision "hostport-collision" Wiring Error "one port of a host is wanted twice",
    ImageCommandMissing "image-command-missing" Wiring Error
        "an image is run without the arguments or file that it needs",
    ImageLocalAlwaysPulled "image-local-always-pulled" Wiring Warning
        "an image that exists only locally is always pulled from a registry",
    ImageNeverFromRegistry "image-never-from-registry" Wiring Warning "pull policy Never with an image of a registry",
    ImageNotLoaded "image-not-loaded" Wiring Warning "pull policy Never with an image that names no local one",
    ImagePortUnserved "image-port-unserved" Wiring Warning
        "a port is asked on which the image does not listen by default",
    ImageTextInvalid "image-text-invalid" Wiring Error "an image is no image reference at all",
    ImageUnqualified "image-unqualified" Wiring Warning "an image names no registry, and is none of Docker's own",
    ImageUserRoot "image-user-root" Wiring Error
        "a container must not run as root, and its image starts as root or as a named user",
    IngressPathDuplicate "ingress-path-duplicate" Wiring Warning "two Ingresses route one host and path",
    KindConfigInvalid "kind-config-invalid" Wiring Error "the config of a kind cluster is one that kind rejects",
    ListenPortMismatch "listen-port-mismatch" Wiring Error
        "the port a program listens on is not the one that is declared and sent to",
    MonitorPortUnserved "monitor-port-unserved" Wiring Error
        "a monitor names a port that nothing it selects has",
    MountMissing "mount-missing" Wiring Error "a service that reads files mounts none",
    NetworkpolicyBlocksFlow "networkpolicy-blocks-flow" Wiring Error
        "a connection that the configs imply is refused by a NetworkPolicy",
    NodeportDuplicate "nodeport-duplicate" Wiring Error "two Services want one NodePort",
    NodeportMissingForMapping "nodeport-missing-for-mapping" Wiring Note
        "the kind cluster maps a port that no Service has",
    NodeportRange "nodeport-range" Wiring Error "a NodePort is outside the range that clusters take",
    NodeportUnmapped "nodeport-unmapped" Wiring Warning "the kind cluster does not map a NodePort to the host",
    ProbeMissing "probe-missing" Wiring Warning "a container that serves traffic has no probes",
    ProbePathUnserved "probe-path-unserved" Wiring Error "a probe asks for a path that the service does not serve",
    ProbePathWrongEndpoint "probe-path-wrong-endpoint" Wiring Warning
        "a probe asks an endpoint that is there for another purpose",
    ProbePortUnserved "probe-port-unserved" Wiring Error "a probe asks a port that the container does not serve",
    RbacApigroupUnknown "rbac-apigroup-unknown" Wiring Warning
        "a rule of a role names resources in an API group that does not have them",
    RbacClientUnbound "rbac-client-unbound" Wiring Warning
        "the ServiceAccount of a client is not bound to the role that the service asks for",
    RbacClientVerb "rbac-client-verb" Wiring Warning
        "the role of a client lacks a verb that the service asks for",
    RbacRolerefMissing "rbac-roleref-missing" Wiring Warning "a binding names a role that is not there",
    RbacRuleMissing "rbac-rule-missing" Wiring Warning
        "the role of a known service does not allow something that the service does",
    RbacSubjectMissing "rbac-subject-missing" Wiring Warning "a binding names a ServiceAccount that is not there",
    ReferenceMissing "reference-missing" Wiring Warning
        "something that is named is not there: an object, or a key of one",
    ScheduleNever "schedule-never" Wiring Warning "a CronJob's schedule names a date that does not exist",
    SecretEmptyData "secret-empty-data" Wiring Warning "a Secret that pods use is declared with empty values",
    SecretFileMissing "secret-file-missing" Wiring Warning
        "nothing among the manifests holds the secret files a service reads",
    SecretFileUnparsable "secret-file-unparsable" Wiring Error
        "a secret file is no mapping, or lacks the named key, or the key is no string",
    SecretFileUnresolved "secret-file-unresolved" Wiring Error
        "the config names a secret file that no mounted Secret holds",
    SecretTrailingNewline "secret-trailing-newline" Wiring Warning
        "a password or token in a Secret ends with a newline",
    SelectorMatchesNothing "selector-matches-nothing" Wiring Warning
        "a budget, policy or monitor selects nothing by its labels",
    ServiceSelectsJob "service-selects-job" Wiring Warning "a Service selects the pods of a Job",
    ServiceSelectsNothing "service-selects-nothing" Wiring Warning "a Service selects no pods",
    ServiceaccountDefaultForClient "serviceaccount-default-for-client" Wiring Warning
        "a client that must authenticate runs as the default ServiceAccount",
    ServiceaccountMissing "serviceaccount-missing" Wiring Warning "a pod runs as a ServiceAccount that is not there",
    StatefulsetNameTooLong "statefulset-name-too-long" Wiring Error
        "a StatefulSet's name is too long for the revision label of its pods",
    SubpathMissing "subpath-missing" Wiring Warning "a `subPath` is no file of its volume",
    TargetPortUnserved "target-port-unserved" Wiring Error "a Service sends to a port that no selected container has",
    Unused "unused" Wiring Note "something is declared that nothing uses",
    UrlOtherNamespace "url-other-namespace" Wiring Warning "a URL leads to a namespace that its Service is not in",
    UrlPortUnserved "url-port-unserved" Wiring Error "a URL or address names a port that its Service does not serve",
    UrlSchemeMismatch "url-scheme-mismatch" Wiring Warning "the scheme of a URL does not fit the port it leads to",
    UrlUnresolved "url-unresolved" Wiring Warning "the host of a URL leads to no Service in reach",
    AutoscalerContainerMissing "autoscaler-container-missing" Rollout Warning
        "an autoscaler measures a container that its target does not have",
    AutoscalerDuplicate "autoscaler-duplicate" Rollout Warning "two autoscalers scale one workload",
    AutoscalerReplicasFixed "autoscaler-replicas-fixed" Rollout Warning
        "a workload that is autoscaled has fixed `replicas`",
    AutoscalerRequestMissing "autoscaler-request-missing" Rollout Warning
        "an autoscaler's utilization target has no resource request to compare with",
    AutoscalerTargetUnscalable "autoscaler-target-unscalable" Rollout Warning
        "an autoscaler's target is of a group or kind that cannot be scaled",
    ChangeImmutable "change-immutable" Rollout Error "an object that is applied again changes what cannot be changed",
    DependencyNotAwaited "dependency-not-awaited" Rollout Warning
        "a service that ends without its database does not wait for it",
    DisruptionBudgetBlocks "disruption-budget-blocks" Rollout Warning "a PodDisruptionBudget forbids every eviction",
    DisruptionBudgetOverlap "disruption-budget-overlap" Rollout Warning
        "two PodDisruptionBudgets select one pod, so that it cannot be evicted",
    FleetHostportDuplicate "fleet-hostport-duplicate" Rollout Error
        "two profiles map one port of the host for one cluster",
    FleetImageSkew "fleet-image-skew" Rollout Warning
        "profiles of one environment use different versions of one image",
    FleetNameDuplicate "fleet-name-duplicate" Rollout Error "two profiles make one object of one cluster",
    FleetNodeportDuplicate "fleet-nodeport-duplicate" Rollout Error "two profiles take one NodePort of one cluster",
    MigrationDuplicateVersion "migration-duplicate-version" Rollout Error "two migrations have one version",
    MigrationHookDeadlock "migration-hook-deadlock" Rollout Error
        "a Job runs after the workload is ready that waits for the Job",
    MigrationMissing "migration-missing" Rollout Warning "nothing creates the tables a service writes to",
    MigrationNeedsNoTransaction "migration-needs-no-transaction" Rollout Error
        "a migration runs a statement in a transaction that PostgreSQL refuses there",
    MigrationOrder "migration-order" Rollout Warning
        "a service can start before its tables are there, or the two wait for each other",
    MigrationStatementMarkers "migration-statement-markers" Rollout Error
        "a statement with semicolons inside stands without goose's markers",
    MigrationTableMissing "migration-table-missing" Rollout Error
        "the migrations do not make a table that the service needs",
    PrestopExceedsGrace "prestop-exceeds-grace" Rollout Warning "a preStop hook takes longer than the grace period",
    ProbeBudget "probe-budget" Rollout Warning "a probe can kill a container before it is up",
    StorageEphemeral "storage-ephemeral" Rollout Warning
        "a database keeps its data in a folder that goes with its pod",
    SyncWaveOrder "sync-wave-order" Rollout Error
        "something is applied in a later sync wave than the workload that needs it",
    PodSecurity "pod-security" Security Warning "a pod breaks the pod security level its namespace enforces",
    ReadonlyRootWrite "readonly-root-write" Security Warning "a program writes below a root that it may not write to",
    ChangeRenames "change-renames" Elsewhere Warning
        "an object stays behind under its old name, or clients must follow to another address"
        => "`kubectl apply` deletes nothing. Delete the old object, or prune by label; tell the clients.",
    ChangeRestarts "change-restarts" Elsewhere Warning
        "pods restart, or keep what changed until they do; Jobs run again"
        => "A pod template that changes rolls its pods; a ConfigMap that changes does not, unless a checksum annotation follows it.",
    ChangeShrinks "change-shrinks" Elsewhere Warning
        "there is less than before: replicas, storage, allowed traffic or permissions"
        => "What relied on it may stop working when the change is applied.",
    ContentNameCycle "content-name-cycle" Elsewhere Error
        "objects named by their content refer to each other in a cycle"
        => "A name that carries a hash of the content cannot depend on itself. Take `$contentName` off one of them.",
    ContentNamePlain "content-name-plain" Elsewhere Warning "the plain name of an object that is named by its content is left"
        => "References to an object with `$contentName: true` follow its name: those in fields that are known, and those in fields that `[[references]]` in plimsoll.toml declares. Elsewhere, in an argument, a variable or an annotation, write `{{ content_name('conf') }}`; what still has the plain name there finds no object.",
    ContextMismatch "context-mismatch" Elsewhere Error "the cluster is not the one of the profile"
        => "`up` and `down` touch no other: of a profile with a kind cluster of its own the context is `kind-CLUSTER`; for others `--context` names it.",
    EnforcedValue "enforced-value" Elsewhere Error "a layer contradicts what the environment enforces"
        => "`enforce` in an environment wins over profiles. A section of a profile for that environment, `--values` and `--set` may not set its values otherwise.",
    EnvironmentNotFound "environment-not-found" Elsewhere Error "a profile has no such environment"
        => "The environments of a profile are the keys of `environments` in the profile and in `base.yaml`.",
    EnvironmentNotGiven "environment-not-given" Elsewhere Error
        "a command needs `--env`, because there are several environments and no default"
        => "Give `--env`, or name the project's default in `plimsoll.toml`: `environment = \"dev\"`.",
    EnvironmentUnknown "environment-unknown" Elsewhere Error
        "a profile names an environment that nothing else declares"
        => "An environment exists if `environments` in `base.yaml` names it, or if a profile does and `profiles/environments/` has its file. So a misspelt name is an error, and not a new environment.",
    FieldNotFound "field-not-found" Elsewhere Error "an object has no such field"
        => "`plimsoll explain PROFILE Kind/name` prints the fields that it has.",
    FileNotFound "file-not-found" Elsewhere Error "a file that is named is not there"
        => "Paths in a project are relative to its folder; `$file` is relative to `templates/`.",
    FileOutsideProject "file-outside-project" Elsewhere Error "a file lies outside the project"
        => "Only files inside the project's folder are read, links resolved; a folder of migrations may lie anywhere in its Git work tree.",
    FileUnreadable "file-unreadable" Elsewhere Error "a file cannot be read"
        => "Files are UTF-8 text of at most 64 MiB.",
    FileUnused "file-unused" Elsewhere Error
        "nothing reads a file below `profiles/`, `templates/` or `services/`"
        => "It would be ignored in silence. Name it, move it, or remove it; READMEs and Markdown are passed over.",
    GraphTooLarge "graph-too-large" Elsewhere Error "there is too much for a picture"
        => "Ten thousand objects and as many references are the bound; of an SVG, which is laid out, five hundred objects and references.",
    HostportProfileMismatch "hostport-profile-mismatch" Elsewhere Error
        "the config of the kind cluster maps a NodePort to another port of the host than the profile"
        => "`check --profile P` compares the config with the one that P renders: tests and clients use the profile's port. Change `hostPort` in the config, or `expose.hostPort` in the profile.",
    ImportCopy "import-copy" Elsewhere Error "a copy cannot be imported"
        => "`import` needs objects with names, each once in a copy, and copies with different names.",
    ImportRefused "import-refused" Elsewhere Error "a copy says what the project cannot"
        => "`import` writes nothing unless every profile renders to objects equal to its copy.",
    KindConfigDuplicate "kind-config-duplicate" Elsewhere Error "the templates make two configs of a kind cluster"
        => "One document of `kind.x-k8s.io` with `kind: Cluster` tells what the bundle's cluster maps.",
    KindConfigMissing "kind-config-missing" Elsewhere Error "the bundle is for no kind cluster"
        => "`plimsoll kind` prints the config that the templates make for the environment.",
    MigrationFileName "migration-file-name" Elsewhere Error "the name of a migration cannot be a key of a ConfigMap"
        => "Letters, digits, dots, dashes and underscores can.",
    MigrationForm "migration-form" Elsewhere Error "a goose file is not of goose's form"
        => "A goose file has one `-- +goose Up`, at most one `-- +goose Down` behind it, and no statement before them.",
    MigrationNotRepeatable "migration-not-repeatable" Elsewhere Error
        "a migration without a transaction could not be run again after it was killed half-way"
        => "Write its statements so that they may run twice (`IF NOT EXISTS`), one kind of statement a file.",
    MigrationPsqlCommand "migration-psql-command" Elsewhere Error "a migration holds a command of psql"
        => "Migrations are SQL; lines that begin with a backslash would run commands of the client.",
    MigrationTooBig "migration-too-big" Elsewhere Error "a migration is too big for a ConfigMap"
        => "A ConfigMap holds at most 1 MiB. Split the file.",
    MigrationTransactionControl "migration-transaction-control" Elsewhere Error
        "a migration begins or ends a transaction itself"
        => "Each file runs in one transaction of its own. Take BEGIN and COMMIT out, or mark the file `-- +goose NO TRANSACTION`.",
    MigrationUnterminated "migration-unterminated" Elsewhere Error
        "a quote, comment or statement block of a migration is not closed"
        => "What follows would be read as a part of it.",
    NodeportProfileMismatch "nodeport-profile-mismatch" Elsewhere Error
        "a Service, or the config of the kind cluster, has another NodePort than the profile"
        => "`check --profile P` compares both with what P renders: the mapping of the kind cluster and the Service must name one port. Change `nodePort` or `containerPort`, or `expose.nodePort` in the profile.",
    NotAManifest "not-a-manifest" Elsewhere Error "a document is no Kubernetes object"
        => "Every object has an `apiVersion` and a `kind`, both strings. In folders, what is no Kubernetes object is passed over; `--verbose` lists it.",
    ObjectDuplicate "object-duplicate" Elsewhere Error "the templates make one object twice"
        => "Two documents with one kind, namespace and name: the second would overwrite the first.",
    ObjectIncomplete "object-incomplete" Elsewhere Error "the templates make a document that is no object"
        => "It lacks `apiVersion`, `kind` or `metadata.name`, or a value in it turned out null.",
    ObjectNotFound "object-not-found" Elsewhere Error "the bundle has no such object"
        => "`--only` takes `Kind` or `Kind/name` as `plimsoll render` prints them.",
    PatchInvalid "patch-invalid" Elsewhere Error "a patch is not of its form, or does not fit the object"
        => "`patches` holds trees by `Kind/name`; docs/layers.md says how lists are patched.",
    PatchUnused "patch-unused" Elsewhere Error "a patch matches no object, or changes nothing"
        => "It would be ignored in silence. The name is that of the template, without the hash of `$contentName`.",
    ProfileFieldMissing "profile-field-missing" Elsewhere Error "a profile lacks a field that it needs"
        => "No layer gives it a value, and the environment asks for it.",
    ProfileFieldType "profile-field-type" Elsewhere Error "a value has not the type that its field wants"
        => "`plimsoll schema` prints the types; a quoted number is a text.",
    ProfileFieldUnknown "profile-field-unknown" Elsewhere Error "a profile has a field that no profile can have"
        => "Mostly a misspelling; `plimsoll schema` and docs/profiles.md list the fields.",
    ProfileForm "profile-form" Elsewhere Error "a profile is not one YAML mapping"
        => "A profile file is one document, a mapping.",
    ProfileListChange "profile-list-change" Elsewhere Error
        "a change of a list of the layers below does not fit that list, or is not of its form"
        => "`{$append: [...], $prepend: [...], $remove: [...]}` stands in place of the list; docs/layers.md has more.",
    ProfileNeed "profile-need" Elsewhere Error "a profile needs another that is not there, or that needs it"
        => "`needs` lists profiles whose bundles are applied before; they have the same environments and do not need it back.",
    ProfileNotFound "profile-not-found" Elsewhere Error "there is no such profile"
        => "A profile's name is its file's in `profiles/`; `plimsoll profiles` lists them.",
    ProfileValueInvalid "profile-value-invalid" Elsewhere Error "a value is not one that its field can have"
        => "Out of range, of another form, or none of those listed; the message says which.",
    ProjectUnreadable "project-unreadable" Elsewhere Error "the project's folder cannot be read"
        => "`--project` names a folder with `profiles/` and `templates/`.",
    PromiseDiffers "promise-differs" Elsewhere Error
        "a manifest has something otherwise than the bundle of the profile"
        => "`check --profile P` holds manifests against what P renders: image, namespace, ports.",
    PromiseMissing "promise-missing" Elsewhere Error "manifests lack something that the bundle of the profile has"
        => "`plimsoll render P` prints the whole; `check --profile P` names what to add.",
    RevisionNotFound "revision-not-found" Elsewhere Error "there is no such revision of the project"
        => "`--base` names a branch, a tag or a commit of the Git repository that the project lies in.",
    SchemaInvalid "schema-invalid" Elsewhere Error "the project's own schema is not a valid JSON Schema"
        => "`profiles/schema.json` must hold a JSON Schema of draft 2020-12 with the keywords and formats listed in docs/layers.md.",
    SchemaKeywordUnknown "schema-keyword-unknown" Elsewhere Error
        "the project's own schema has a keyword that is not supported"
        => "It would be ignored in silence otherwise; the message lists the near one.",
    ServiceDescription "service-description" Elsewhere Error "a service description is wrong"
        => "Files in `services/` follow docs/services.md.",
    SetSyntax "set-syntax" Elsewhere Error "an argument of `--set` is not of its form"
        => "`path=value`: `expose.nodePort=30081`, `\\.` for a dot in a key, `[0]` for an item, `=` for an empty string, `=null` to delete.",
    SettingSyntax "setting-syntax" Elsewhere Error "plimsoll.toml is no TOML"
        => "The parser's message says where it stumbled.",
    SettingUnknown "setting-unknown" Elsewhere Error "plimsoll.toml has a setting that there is not"
        => "docs/settings.md lists them.",
    SettingValueInvalid "setting-value-invalid" Elsewhere Error "a setting has a value that it cannot have"
        => "The message says what it can be; a rule's level is off, note, warning or error.",
    TemplateDirective "template-directive" Elsewhere Error "a directive is unknown or misplaced"
        => "docs/templates.md lists the directives, and says where each may stand.",
    TemplateDuplicateKey "template-duplicate-key" Elsewhere Error "a mapping of a template gets one key twice"
        => "A `$for` made the same key again.",
    TemplateFile "template-file" Elsewhere Error "a file that a template names cannot be used"
        => "`$file` reads below `templates/` only.",
    TemplateFolder "template-folder" Elsewhere Error "a profile chooses a folder without templates"
        => "`templates` in a profile lists folders below `templates/`; files directly in it are always rendered.",
    TemplateInclude "template-include" Elsewhere Error "a part of a template cannot be included"
        => "`$include` names a file below `templates/` whose name, or folder's name, starts with `_`; `$with` holds its parameters.",
    TemplateNameTaken "template-name-taken" Elsewhere Error
        "a profile field bears the name of a function of templates"
        => "Give the field another name.",
    TemplateNameUnknown "template-name-unknown" Elsewhere Error "a template names a field that no profile can have"
        => "Checked against the schema before anything is rendered.",
    TemplateSyntax "template-syntax" Elsewhere Error "an expression cannot be parsed"
        => "Between `{{` and `}}` stands one minijinja expression; docs/templates.md has the functions.",
    TemplateTooLarge "template-too-large" Elsewhere Error "a template makes too much"
        => "Expressions have a budget of steps, nodes and bytes, so that none can run away.",
    TemplateType "template-type" Elsewhere Error "a value has not the type that its place wants"
        => "In mixed text only texts, whole numbers and booleans may stand; `| string` makes a text of a number.",
    TemplateUndefined "template-undefined" Elsewhere Error "an expression comes out undefined"
        => "A field that no layer gives a value, or an `if` without `else`; `none` drops the key.",
    TemplateUnrendered "template-unrendered" Elsewhere Note "a manifest looks like a template"
        => "Placeholders such as `${NAME}`, `{{ … }}` or `<name>` are filled in before the manifest is applied, so findings about them are left out and counted here, once a file. Render it first, then check the result. Where the manifests are complete (`--complete`) a placeholder is a fault like any other.",
    YamlAlias "yaml-alias" Elsewhere Error "an anchor, alias or merge key stands where none may, or leads nowhere"
        => "Profiles and templates have none; in manifests they are expanded within bounds.",
    YamlAmbiguous "yaml-ambiguous" Elsewhere Warning "YAML readers disagree about a value"
        => "What YAML 1.1 and 1.2 read differently: `yes`, `0777`, `1_000`. Quote it if it is a text. An error in profiles and templates.",
    YamlDuplicateKey "yaml-duplicate-key" Elsewhere Warning "a mapping has a key twice"
        => "kubectl uses the last and applies; other tools use the first, or reject it. An error in profiles and templates.",
    YamlKey "yaml-key" Elsewhere Error "a key is no text"
        => "Quote it. An unquoted `{{` in a template is such a key, too: quote the expression.",
    YamlSyntax "yaml-syntax" Elsewhere Error "a text is no YAML"
        => "The place is where the reader stumbled; the fault may stand a line above it.",
    YamlTag "yaml-tag" Elsewhere Error "a tag stands where none may"
        => "Profiles and templates have no tags.",
    YamlTooDeep "yaml-too-deep" Elsewhere Error "collections nest too deeply"
        => "128 levels are read.",
    YamlTooLarge "yaml-too-large" Elsewhere Error "aliases expand to too much"
        => "Ten million nodes a file are the bound.",
    YamlValue "yaml-value" Elsewhere Error "a value that JSON cannot hold"
        => "There is no infinity and no not-a-number in Kubernetes objects.",
    StatusAccessDenied "status-access-denied" Status Error
        "the user may not create or change the object",
    StatusAttachFailed "status-attach-failed" Status Error
        "a volume cannot be attached to the node",
    StatusBackendMissing "status-backend-missing" Status Error
        "an Ingress names a Service or port that does not exist",
    StatusClaimLost "status-claim-lost" Status Error
        "the volume of the claim is gone",
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
    StatusContainerCrashes "status-container-crashes" Status Error
        "a container fails again and again",
    StatusContainerExits "status-container-exits" Status Error
        "a container that should keep running exits with code 0 and is restarted",
    StatusContainerNotStarted "status-container-not-started" Status Error
        "the container cannot be started",
    StatusCredentialsRejected "status-credentials-rejected" Status Error
        "a server rejects the credentials that the container uses",
    StatusDeletionStuck "status-deletion-stuck" Status Error
        "an object is being deleted, and a finalizer holds it",
    StatusEvicted "status-evicted" Status Error
        "the kubelet evicted the pod",
    StatusFieldConflict "status-field-conflict" Status Error
        "another field manager owns a field that the bundle sets",
    StatusFieldImmutable "status-field-immutable" Status Error
        "the object exists, and a field that cannot be changed was changed",
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
        "the registry refuses the pull without the right credentials",
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
        "the memory limit does not suffice to start the container",
    StatusMetricsMissing "status-metrics-missing" Status Warning
        "an autoscaler gets no metrics",
    StatusMountFailed "status-mount-failed" Status Error
        "a volume cannot be mounted",
    StatusNamespaceMissing "status-namespace-missing" Status Error
        "the namespace does not exist",
    StatusNamespaceTerminating "status-namespace-terminating" Status Error
        "the namespace is being deleted, and nothing can be created in it",
    StatusNodeMissing "status-node-missing" Status Error
        "the pod names a node that does not exist or cannot take it",
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
    StatusPodInvalid "status-pod-invalid" Status Error
        "the pod template passes as part of its object, and is no valid pod",
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
    StatusRunAsRoot "status-run-as-root" Status Error
        "the pod must not run as root, and the image does or may",
    StatusRuntimeClassMissing "status-runtime-class-missing" Status Error
        "the RuntimeClass of the pod does not exist, or no node supports it",
    StatusSandboxFailed "status-sandbox-failed" Status Error
        "the node cannot set up the pod",
    StatusScaleTargetMissing "status-scale-target-missing" Status Warning
        "the target of an autoscaler does not exist or cannot be scaled",
    StatusScheduleInvalid "status-schedule-invalid" Status Error
        "the schedule or time zone of a CronJob cannot be used",
    StatusSchedulerMissing "status-scheduler-missing" Status Error
        "no scheduler of that name looks at the pod",
    StatusSchedulingGated "status-scheduling-gated" Status Error
        "a scheduling gate holds the pod back",
    StatusSecretMissing "status-secret-missing" Status Error
        "a Secret that the pod refers to does not exist",
    StatusServiceAccountMissing "status-service-account-missing" Status Error
        "the ServiceAccount of the pod does not exist",
    StatusServiceSelectsNothing "status-service-selects-nothing" Status Error
        "a Service selects no pods",
    StatusStartupProbeFails "status-startup-probe-fails" Status Error
        "the startup probe gives up before the program is up",
    StatusStorageClassMissing "status-storage-class-missing" Status Error
        "the claim names a StorageClass that does not exist, or there is no default one",
    StatusSubpathMissing "status-subpath-missing" Status Error
        "the file of a subPath does not exist in the volume",
    StatusSysctlForbidden "status-sysctl-forbidden" Status Error
        "the node does not allow a sysctl of the pod",
    StatusTaintNotTolerated "status-taint-not-tolerated" Status Error
        "all nodes have taints that the pod does not tolerate",
    StatusTargetPortMissing "status-target-port-missing" Status Error
        "no selected pod has a port of the name that the Service forwards to",
    StatusTopologySpreadUnmatched "status-topology-spread-unmatched" Status Error
        "the topology spread constraints leave no node",
    StatusUnschedulable "status-unschedulable" Status Error
        "the scheduler finds no node for the pod",
    StatusUserMissing "status-user-missing" Status Error
        "the image does not have the user",
    StatusVariableMissing "status-variable-missing" Status Error
        "the program misses an environment variable",
    StatusVolumeNodeConflict "status-volume-node-conflict" Status Error
        "the volume is bound to a node that cannot take the pod",
    StatusWebhookDenied "status-webhook-denied" Status Error
        "an admission webhook or policy denied the object",
    StatusWebhookFailed "status-webhook-failed" Status Error
        "an admission webhook does not answer, and the API server rejects what it cannot ask it about",
    StatusWorkingDirectory "status-working-directory" Status Error
        "the working directory does not exist or cannot be entered",
}

/// Names that rules had before. They stay valid wherever a person names a rule.
const RENAMED: &[(&str, RuleId)] = &[("content-name-circle", RuleId::ContentNameCycle)];

impl RuleId {
    /// All ids.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        Self::ALL.iter().map(|id| id.name())
    }

    /// The id that a person wrote, by its name of today or one that it had.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        let renamed = RENAMED.iter().find(|(old, _)| *old == name).map(|(_, id)| *id);
        renamed.or_else(|| Self::ALL.iter().copied().find(|id| id.name() == name))
    }

    /// The name of today of a rule that was renamed; any other name as it is.
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
    fn old_names_are_aliases_and_no_names_of_today() {
        for (old, id) in RENAMED {
            assert_eq!((RuleId::find(old), RuleId::current(old)), (Some(*id), id.name()));
            assert!(!RuleId::names().any(|name| name == *old), "{old}");
        }
    }

    #[test]
    fn the_table_is_sorted_and_every_row_says_what_it_means() {
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
