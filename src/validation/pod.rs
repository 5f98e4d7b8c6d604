//! A view of the pod template of an object: its fields, looked up once for all rules, its containers and volumes, and the field
//! paths as the API server writes them.

use std::cell::OnceCell;

use foldhash::{HashMap, HashSet};

use crate::node::Node;
use crate::object::Object;
use crate::validation::{At, volumes};

/// The kind of the object that contains the pod template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// A Pod.
    Pod,
    /// A PodTemplate.
    PodTemplate,
    /// A Deployment.
    Deployment,
    /// A ReplicaSet.
    ReplicaSet,
    /// A ReplicationController.
    ReplicationController,
    /// A StatefulSet.
    StatefulSet,
    /// A DaemonSet.
    DaemonSet,
    /// A Job, whose pods run to completion.
    Job,
    /// A CronJob.
    CronJob,
}

/// Defines a struct of fields that is filled in one pass over a mapping.
macro_rules! fields {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $key:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        #[allow(missing_docs, reason = "named like the fields of the API")]
        pub struct $name<'n> { pub node: &'n Node, $(pub $field: &'n Node),* }

        impl<'n> $name<'n> {
            /// Looks up the fields.
            #[must_use]
            pub fn of(node: &'n Node) -> Self {
                let mut fields = Self { node, $($field: Node::absent()),* };
                for entry in node.entries() {
                    match entry.key.as_str() {
                        $($key => fields.$field = &entry.value,)*
                        _ => {}
                    }
                }
                fields
            }
        }
    };
}

fields! {
    /// The fields of a pod spec.
    Spec {
        active_deadline_seconds: "activeDeadlineSeconds",
        affinity: "affinity",
        containers: "containers",
        dns_config: "dnsConfig",
        dns_policy: "dnsPolicy",
        ephemeral_containers: "ephemeralContainers",
        host_aliases: "hostAliases",
        host_ipc: "hostIPC",
        host_network: "hostNetwork",
        host_pid: "hostPID",
        host_users: "hostUsers",
        hostname: "hostname",
        hostname_override: "hostnameOverride",
        image_pull_secrets: "imagePullSecrets",
        init_containers: "initContainers",
        node_name: "nodeName",
        node_selector: "nodeSelector",
        os: "os",
        overhead: "overhead",
        preemption_policy: "preemptionPolicy",
        priority_class_name: "priorityClassName",
        readiness_gates: "readinessGates",
        resource_claims: "resourceClaims",
        resources: "resources",
        restart_policy: "restartPolicy",
        runtime_class_name: "runtimeClassName",
        scheduling_gates: "schedulingGates",
        security_context: "securityContext",
        service_account: "serviceAccount",
        service_account_name: "serviceAccountName",
        set_hostname_as_fqdn: "setHostnameAsFQDN",
        share_process_namespace: "shareProcessNamespace",
        subdomain: "subdomain",
        termination_grace_period_seconds: "terminationGracePeriodSeconds",
        tolerations: "tolerations",
        topology_spread_constraints: "topologySpreadConstraints",
        volumes: "volumes",
    }
}

fields! {
    /// The fields of a container.
    Fields {
        env: "env",
        env_from: "envFrom",
        image: "image",
        image_pull_policy: "imagePullPolicy",
        lifecycle: "lifecycle",
        liveness_probe: "livenessProbe",
        name: "name",
        ports: "ports",
        readiness_probe: "readinessProbe",
        resize_policy: "resizePolicy",
        resources: "resources",
        restart_policy: "restartPolicy",
        restart_policy_rules: "restartPolicyRules",
        security_context: "securityContext",
        startup_probe: "startupProbe",
        target_container_name: "targetContainerName",
        termination_message_policy: "terminationMessagePolicy",
        volume_devices: "volumeDevices",
        volume_mounts: "volumeMounts",
    }
}

/// The list that a container is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// `containers`.
    Main,
    /// `initContainers`.
    Init,
    /// `ephemeralContainers`.
    Ephemeral,
}

/// A container of the pod.
#[derive(Debug, Clone, Copy)]
pub struct Container<'n> {
    /// Its fields.
    pub fields: Fields<'n>,
    /// The list that it is in.
    pub list: List,
    index: usize,
    spec_path: &'static str,
}

/// A volume as the API server sees it: an entry of `volumes`, or one that a StatefulSet creates from a claim template.
#[derive(Debug, Clone, Copy)]
pub struct Volume<'n> {
    /// The volume, or the claim template.
    pub node: &'n Node,
    /// Its name.
    pub name: &'n Node,
    /// Whether it comes from a claim template.
    pub claim: bool,
}

/// The pod template of an object, or a Pod itself.
#[derive(Debug)]
pub struct Pod<'n> {
    /// The object.
    pub object: &'n Object,
    /// The kind of the object that contains the pod template.
    pub workload: Workload,
    /// The node with `metadata` and `spec`: the template, or the Pod.
    pub template: &'n Node,
    /// The fields of the spec.
    pub spec: Spec<'n>,
    /// All containers: main, init and ephemeral containers.
    pub containers: Vec<Container<'n>>,
    /// The volumes in the order of the API server: those of claim templates first.
    pub volumes: Vec<Volume<'n>>,
    /// The indexes of valid volumes by name; the API server ignores others when it validates mounts.
    valid: OnceCell<HashMap<&'n str, usize>>,
    /// The names of all volumes.
    named: OnceCell<HashSet<&'n str>>,
    ephemeral: OnceCell<HashSet<&'n str>>,
    template_path: &'static str,
    spec_path: &'static str,
}

impl List {
    /// The name of the field.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Main => "containers",
            Self::Init => "initContainers",
            Self::Ephemeral => "ephemeralContainers",
        }
    }
}

impl<'n> Container<'n> {
    /// The container with its field path.
    #[must_use]
    pub const fn at(&self) -> At<'n, 'n> {
        At::container(self.spec_path, self.list.name(), self.index, self.fields.node)
    }

    /// Its name; empty if it has none.
    #[must_use]
    pub fn name(&self) -> &'n str {
        self.fields.name.text()
    }

    /// Whether it is a sidecar: an init container with `restartPolicy: Always`.
    #[must_use]
    pub fn is_sidecar(&self) -> bool {
        self.list == List::Init && self.fields.restart_policy.text() == "Always"
    }

    /// Whether it may have probes and lifecycle hooks: a main container or a sidecar.
    #[must_use]
    pub fn runs_on(&self) -> bool {
        self.list == List::Main || self.is_sidecar()
    }
}

impl<'n> Pod<'n> {
    /// The pod template of an object; `None` if its kind has none.
    #[must_use]
    pub fn of(object: &'n Object) -> Option<Self> {
        let path = object.pod_template_path()?;
        let workload = match object.kind() {
            "Pod" => Workload::Pod,
            "PodTemplate" => Workload::PodTemplate,
            "Deployment" => Workload::Deployment,
            "StatefulSet" => Workload::StatefulSet,
            "DaemonSet" => Workload::DaemonSet,
            "ReplicaSet" => Workload::ReplicaSet,
            "ReplicationController" => Workload::ReplicationController,
            "CronJob" => Workload::CronJob,
            _ => Workload::Job,
        };
        let template = object.node.at(path.keys);
        // The template of a ReplicationController is a pointer; if it is missing, the API server validates nothing else.
        if workload == Workload::ReplicationController && template.is_null() {
            return None;
        }
        let spec = Spec::of(&template["spec"]);
        let lists = [
            (List::Main, spec.containers),
            (List::Init, spec.init_containers),
            (List::Ephemeral, spec.ephemeral_containers),
        ];
        let containers = lists
            .into_iter()
            .flat_map(|(list, node)| node.items().iter().enumerate().map(move |(index, node)| (list, index, node)))
            .map(|(list, index, node)| Container { fields: Fields::of(node), list, index, spec_path: path.spec })
            .collect();
        let volumes = volumes(object, workload, spec.volumes);
        Some(Self {
            object,
            workload,
            template,
            spec,
            containers,
            volumes,
            valid: OnceCell::new(),
            named: OnceCell::new(),
            ephemeral: OnceCell::new(),
            template_path: path.template,
            spec_path: path.spec,
        })
    }

    /// The spec with its field path.
    #[must_use]
    pub const fn at(&self) -> At<'n, 'n> {
        At::root(self.spec_path, self.spec.node)
    }

    /// The template with its field path; for a Pod, the object itself.
    #[must_use]
    pub const fn template_at(&self) -> At<'n, 'n> {
        At::root(self.template_path, self.template)
    }

    /// Whether the pod uses the network of its node.
    #[must_use]
    pub fn is_host_network(&self) -> bool {
        self.spec.host_network.as_bool() == Some(true)
    }

    /// The path of the spec.
    #[must_use]
    pub const fn at_path(&self) -> &'static str {
        self.spec_path
    }

    /// The labels of a Pod; null in a workload, for which the API server does not merge them into selectors.
    #[must_use]
    pub fn own_labels(&self) -> &'n Node {
        match self.workload {
            Workload::Pod => self.template.at(&["metadata", "labels"]),
            _ => Node::absent(),
        }
    }

    /// The restart policy, with its default.
    #[must_use]
    pub fn restart_policy(&self) -> &'n str {
        match self.spec.restart_policy.text() {
            "" => "Always",
            policy => policy,
        }
    }

    /// The valid volume of this name; the API server ignores invalid ones when it validates mounts.
    #[must_use]
    pub fn volume(&self, name: &str) -> Option<&Volume<'n>> {
        let valid = self.valid.get_or_init(|| volumes::valid(self));
        self.volumes.get(*valid.get(name)?)
    }

    /// Whether there is a volume of this name, valid or not.
    #[must_use]
    pub fn has_volume(&self, name: &str) -> bool {
        let named = self.named.get_or_init(|| self.volumes.iter().map(|volume| volume.name.text()).collect());
        named.contains(name)
    }

    /// Whether an ephemeral volume creates a claim of this name: the names of the pod and the volume, joined by `-`.
    #[must_use]
    pub fn creates_claim(&self, name: &str) -> bool {
        let ephemeral = self.ephemeral.get_or_init(|| {
            let volumes = self.volumes.iter().filter(|volume| volume.node["ephemeral"].is_set());
            volumes.map(|volume| volume.name.text()).collect()
        });
        let volume = name.strip_prefix(self.object.name()).and_then(|rest| rest.strip_prefix('-'));
        volume.is_some_and(|volume| ephemeral.contains(volume))
    }
}

/// The volumes of a pod template. Claim templates of a StatefulSet come first, and replace volumes of the same name.
fn volumes<'n>(object: &'n Object, workload: Workload, own: &'n Node) -> Vec<Volume<'n>> {
    let own = own.items().iter().map(|node| Volume { node, name: &node["name"], claim: false });
    if workload != Workload::StatefulSet {
        return own.collect();
    }
    let mut volumes: Vec<_> = (object.node.at(&["spec", "volumeClaimTemplates"]).items().iter())
        .map(|node| Volume { node, name: node.at(&["metadata", "name"]), claim: true })
        .collect();
    let claims: HashSet<&str> = volumes.iter().map(|claim| claim.name.text()).collect();
    volumes.extend(own.filter(|volume| !claims.contains(volume.name.text())));
    volumes
}
