//! The pod of an object as the rules of the pod template see it: its fields looked up once, its containers, and the paths
//! the API server uses. A rule over pods gets it for each object that has one.

use std::cell::OnceCell;

use foldhash::{HashMap, HashSet};

use crate::node::Node;
use crate::object::Object;
use crate::validation::{At, volumes};

/// What carries the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// The pod itself.
    Pod,
    /// A bare template.
    PodTemplate,
    /// A workload whose pods live for ever.
    Deployment,
    /// The same.
    ReplicaSet,
    /// The same.
    ReplicationController,
    /// The same.
    StatefulSet,
    /// The same.
    DaemonSet,
    /// A workload whose pods end.
    Job,
    /// The same, on a schedule.
    CronJob,
}

/// A struct of an object's fields, filled in one walk over the mapping.
macro_rules! fields {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $key:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        #[allow(missing_docs, reason = "named like the fields of the API")]
        pub struct $name<'n> { pub node: &'n Node, $(pub $field: &'n Node),* }

        impl<'n> $name<'n> {
            /// Looks the fields up.
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

/// The list a container stands in.
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
    /// The list it stands in.
    pub list: List,
    index: usize,
    spec_path: &'static str,
}

/// A volume as the server sees it: one of the pod's own, or one that a StatefulSet's claim template makes.
#[derive(Debug, Clone, Copy)]
pub struct Volume<'n> {
    /// The volume, or the claim template.
    pub node: &'n Node,
    /// The node of its name.
    pub name: &'n Node,
    /// Whether a claim template makes it.
    pub claim: bool,
}

/// The pod of an object.
#[derive(Debug)]
pub struct Pod<'n> {
    /// The object.
    pub object: &'n Object,
    /// What carries the pod.
    pub workload: Workload,
    /// The node with `metadata` and `spec`: the template, or the pod.
    pub template: &'n Node,
    /// The fields of the spec.
    pub spec: Spec<'n>,
    /// All containers: the main ones, the init containers, the ephemeral ones.
    pub containers: Vec<Container<'n>>,
    /// The volumes in the server's order: those of claim templates first.
    pub volumes: Vec<Volume<'n>>,
    /// Which of the volumes are valid, by name; the server knows only those.
    valid: OnceCell<HashMap<&'n str, usize>>,
    /// The names of all volumes.
    named: OnceCell<HashSet<&'n str>>,
    ephemeral: OnceCell<HashSet<&'n str>>,
    template_path: &'static str,
    spec_path: &'static str,
}

impl List {
    /// The list's field.
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
    /// Where it stands.
    #[must_use]
    pub const fn at(&self) -> At<'n, 'n> {
        At::container(self.spec_path, self.list.name(), self.index, self.fields.node)
    }

    /// Its name; empty where it has none.
    #[must_use]
    pub fn name(&self) -> &'n str {
        self.fields.name.text()
    }

    /// Whether it is an init container that runs beside the main ones.
    #[must_use]
    pub fn is_sidecar(&self) -> bool {
        self.list == List::Init && self.fields.restart_policy.text() == "Always"
    }

    /// Whether probes and lifecycle hooks have a meaning for it.
    #[must_use]
    pub fn runs_on(&self) -> bool {
        self.list == List::Main || self.is_sidecar()
    }
}

impl<'n> Pod<'n> {
    /// The pod of an object; `None` where its kind has none.
    #[must_use]
    pub fn of(object: &'n Object) -> Option<Self> {
        let place = object.pod_place()?;
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
        let template = object.node.at(place.keys);
        // A ReplicationController's template is a pointer: where it is missing, that is the only fault.
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
            .map(|(list, index, node)| Container { fields: Fields::of(node), list, index, spec_path: place.spec })
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
            template_path: place.template,
            spec_path: place.spec,
        })
    }

    /// Where the spec stands.
    #[must_use]
    pub const fn at(&self) -> At<'n, 'n> {
        At::root(self.spec_path, self.spec.node)
    }

    /// Where the template stands; for a pod the object itself.
    #[must_use]
    pub const fn template_at(&self) -> At<'n, 'n> {
        At::root(self.template_path, self.template)
    }

    /// Whether the pod uses its node's network.
    #[must_use]
    pub fn is_host_network(&self) -> bool {
        self.spec.host_network.as_bool() == Some(true)
    }

    /// The path of the spec.
    #[must_use]
    pub const fn at_path(&self) -> &'static str {
        self.spec_path
    }

    /// The labels of a Pod; null for the pods of a workload, whose selectors the server leaves alone until they are made.
    #[must_use]
    pub fn own_labels(&self) -> &'n Node {
        match self.workload {
            Workload::Pod => self.template.at(&["metadata", "labels"]),
            _ => Node::absent(),
        }
    }

    /// The restart policy, defaulted.
    #[must_use]
    pub fn restart_policy(&self) -> &'n str {
        match self.spec.restart_policy.text() {
            "" => "Always",
            policy => policy,
        }
    }

    /// The volume of that name, if there is one and it is valid: the server forgets those that are not.
    #[must_use]
    pub fn volume(&self, name: &str) -> Option<&Volume<'n>> {
        let valid = self.valid.get_or_init(|| volumes::valid(self));
        self.volumes.get(*valid.get(name)?)
    }

    /// Whether there is a volume of that name at all.
    #[must_use]
    pub fn has_volume(&self, name: &str) -> bool {
        let named = self.named.get_or_init(|| self.volumes.iter().map(|volume| volume.name.text()).collect());
        named.contains(name)
    }

    /// Whether an ephemeral volume makes a claim of that name: the pod's own name stands before the volume's.
    #[must_use]
    pub fn makes_claim(&self, name: &str) -> bool {
        let ephemeral = self.ephemeral.get_or_init(|| {
            let volumes = self.volumes.iter().filter(|volume| volume.node["ephemeral"].is_set());
            volumes.map(|volume| volume.name.text()).collect()
        });
        let volume = name.strip_prefix(self.object.name()).and_then(|rest| rest.strip_prefix('-'));
        volume.is_some_and(|volume| ephemeral.contains(volume))
    }
}

/// A StatefulSet's claim templates are volumes before the pod's own, which they hide where the names are equal.
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
