//! The kinds of a Kubernetes version.

use std::sync::LazyLock;

use foldhash::HashSet;

use super::schema::{self, KindEntry, Type};
use super::version::KubernetesVersion;
use crate::suggest;

/// The scope of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Objects have no namespace.
    Cluster,
    /// Objects are in a namespace.
    Namespaced,
    /// There are no objects: it is only sent to a subresource of another object.
    Subresource,
}

/// A built-in kind of a version.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its apiVersion.
    pub api_version: &'static str,
    /// Its name.
    pub kind: &'static str,
    /// Its name in URLs and RBAC rules: `deployments`.
    pub plural: &'static str,
    /// The scope of its objects.
    pub scope: Scope,
    /// Whether it is a list of objects (`PodList`).
    pub list: bool,
    /// Its fields.
    pub ty: Type,
}

impl Kind {
    /// A kind of a version.
    #[must_use]
    pub fn find(api_version: &str, kind: &str, version: KubernetesVersion) -> Option<Self> {
        schema::kind_entries(api_version, kind).find(|entry| entry.is_in(version)).map(Self::of)
    }

    /// All kinds of a version, by apiVersion and name.
    pub fn all(version: KubernetesVersion) -> impl Iterator<Item = Self> {
        schema::all_kind_entries().filter(move |entry| entry.is_in(version)).map(Self::of)
    }

    fn of(entry: KindEntry) -> Self {
        Self {
            api_version: entry.api_version(),
            kind: entry.kind(),
            plural: entry.plural(),
            scope: match entry.scope() {
                0 => Scope::Cluster,
                1 => Scope::Namespaced,
                _ => Scope::Subresource,
            },
            list: entry.is_list(),
            ty: entry.ty(),
        }
    }
}

/// Why a version does not have an apiVersion and kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// A version of Kubernetes removed it.
    Removed {
        /// The first version without it.
        release: String,
        /// The apiVersion to use instead; empty if there is none.
        replacement: &'static str,
        /// What to do; empty if the replacement is enough.
        help: &'static str,
    },
    /// A later version of Kubernetes adds it.
    Later(KubernetesVersion),
    /// The kind has other apiVersions.
    Elsewhere(Vec<&'static str>),
    /// The group and version have a kind of a similar name.
    Near(&'static str),
    /// It is unknown.
    Nothing,
}

/// Kinds that were removed before the oldest supported version: apiVersion, kinds, the release without them, the replacement.
/// From the Kubernetes deprecation guide.
const REMOVED: &[(&str, &[&str], &str, &str)] = &[
    (
        "admissionregistration.k8s.io/v1beta1",
        &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
        "1.22",
        "admissionregistration.k8s.io/v1",
    ),
    ("apiextensions.k8s.io/v1beta1", &["CustomResourceDefinition"], "1.22", "apiextensions.k8s.io/v1"),
    ("apiregistration.k8s.io/v1beta1", &["APIService"], "1.22", "apiregistration.k8s.io/v1"),
    ("apps/v1beta1", &["ControllerRevision", "Deployment", "StatefulSet"], "1.16", "apps/v1"),
    (
        "apps/v1beta2",
        &["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
        "1.16",
        "apps/v1",
    ),
    ("authentication.k8s.io/v1beta1", &["TokenReview"], "1.22", "authentication.k8s.io/v1"),
    (
        "authorization.k8s.io/v1beta1",
        &["LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"],
        "1.22",
        "authorization.k8s.io/v1",
    ),
    ("autoscaling/v2beta1", &["HorizontalPodAutoscaler"], "1.25", "autoscaling/v2"),
    ("autoscaling/v2beta2", &["HorizontalPodAutoscaler"], "1.26", "autoscaling/v2"),
    ("batch/v1beta1", &["CronJob"], "1.25", "batch/v1"),
    ("batch/v2alpha1", &["CronJob"], "1.21", "batch/v1"),
    ("certificates.k8s.io/v1beta1", &["CertificateSigningRequest"], "1.22", "certificates.k8s.io/v1"),
    ("coordination.k8s.io/v1beta1", &["Lease"], "1.22", "coordination.k8s.io/v1"),
    ("discovery.k8s.io/v1beta1", &["EndpointSlice"], "1.25", "discovery.k8s.io/v1"),
    ("events.k8s.io/v1beta1", &["Event"], "1.25", "events.k8s.io/v1"),
    ("extensions/v1beta1", &["DaemonSet", "Deployment", "ReplicaSet"], "1.16", "apps/v1"),
    ("extensions/v1beta1", &["Ingress"], "1.22", "networking.k8s.io/v1"),
    ("extensions/v1beta1", &["NetworkPolicy"], "1.16", "networking.k8s.io/v1"),
    ("extensions/v1beta1", &["PodSecurityPolicy"], "1.16", ""),
    (
        "flowcontrol.apiserver.k8s.io/v1beta1",
        &["FlowSchema", "PriorityLevelConfiguration"],
        "1.26",
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    (
        "flowcontrol.apiserver.k8s.io/v1beta2",
        &["FlowSchema", "PriorityLevelConfiguration"],
        "1.29",
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    (
        "flowcontrol.apiserver.k8s.io/v1beta3",
        &["FlowSchema", "PriorityLevelConfiguration"],
        "1.32",
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    ("networking.k8s.io/v1beta1", &["Ingress", "IngressClass"], "1.22", "networking.k8s.io/v1"),
    ("node.k8s.io/v1beta1", &["RuntimeClass"], "1.25", "node.k8s.io/v1"),
    ("policy/v1beta1", &["PodDisruptionBudget"], "1.25", "policy/v1"),
    ("policy/v1beta1", &["PodSecurityPolicy"], "1.25", ""),
    (
        "rbac.authorization.k8s.io/v1alpha1",
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
        "1.22",
        "rbac.authorization.k8s.io/v1",
    ),
    (
        "rbac.authorization.k8s.io/v1beta1",
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
        "1.22",
        "rbac.authorization.k8s.io/v1",
    ),
    ("scheduling.k8s.io/v1alpha1", &["PriorityClass"], "1.22", "scheduling.k8s.io/v1"),
    ("scheduling.k8s.io/v1beta1", &["PriorityClass"], "1.22", "scheduling.k8s.io/v1"),
    (
        "storage.k8s.io/v1beta1",
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"],
        "1.22",
        "storage.k8s.io/v1",
    ),
    ("storage.k8s.io/v1beta1", &["CSIStorageCapacity"], "1.27", "storage.k8s.io/v1"),
];

/// Stable kinds that are deprecated: apiVersion, kind, the release that deprecated them, what to do.
const DEPRECATED: &[(&str, &str, &str, &str)] = &[
    ("v1", "ComponentStatus", "1.19", "use the health endpoints of the components"),
    ("v1", "Endpoints", "1.33", "use `discovery.k8s.io/v1` EndpointSlice"),
];

/// Removed kinds that the Kubernetes deprecation guide lists with "No notable changes" in their replacement, and
/// `autoscaling/v2beta2`, whose types became `v2` unchanged: their manifests are valid there with the same meaning.
/// Source: <https://kubernetes.io/docs/reference/using-api/deprecation-guide/>
const MOVED_UNCHANGED: &[(&str, &[&str])] = &[
    ("apiregistration.k8s.io/v1beta1", &["APIService"]),
    ("autoscaling/v2beta2", &["HorizontalPodAutoscaler"]),
    ("batch/v1beta1", &["CronJob"]),
    ("coordination.k8s.io/v1beta1", &["Lease"]),
    ("extensions/v1beta1", &["NetworkPolicy"]),
    ("networking.k8s.io/v1beta1", &["IngressClass"]),
    ("node.k8s.io/v1beta1", &["RuntimeClass"]),
    ("rbac.authorization.k8s.io/v1beta1", &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]),
    ("scheduling.k8s.io/v1beta1", &["PriorityClass"]),
    ("storage.k8s.io/v1beta1", &["CSIDriver", "CSINode", "CSIStorageCapacity", "StorageClass", "VolumeAttachment"]),
];

/// Whether a removed kind and its replacement have the same fields.
#[must_use]
pub fn moved_unchanged(api_version: &str, kind: &str) -> bool {
    MOVED_UNCHANGED.iter().any(|(known, kinds)| *known == api_version && kinds.contains(&kind))
}

/// Why a version does not have an apiVersion and kind.
#[must_use]
pub fn unknown(api_version: &str, kind: &str, version: KubernetesVersion) -> Unknown {
    let removed = REMOVED.iter().find(|(removed, kinds, ..)| *removed == api_version && kinds.contains(&kind));
    if let Some((_, _, release, replacement)) = removed {
        let help = if kind == "PodSecurityPolicy" {
            "use Pod Security labels on the Namespace, or a ValidatingAdmissionPolicy"
        } else {
            ""
        };
        return Unknown::Removed { release: (*release).to_owned(), replacement, help };
    }
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    let elsewhere: Vec<&'static str> = Kind::all(version)
        .filter(|known| known.kind == kind && known.scope != Scope::Subresource)
        .map(|known| known.api_version)
        .collect();
    let having = || KubernetesVersion::all().filter(|other| Kind::find(api_version, kind, *other).is_some());
    if let Some(last) = having().filter(|other| *other < version).max() {
        let same_group = |other: &&&str| other.rsplit_once('/').map_or("", |(group, _)| group) == group;
        let stable = elsewhere.iter().filter(same_group).find(|other| is_stable(other));
        let replacement = stable.or_else(|| elsewhere.iter().find(same_group)).copied().unwrap_or_default();
        return Unknown::Removed { release: format!("1.{}", last.minor() + 1), replacement, help: "" };
    }
    if let Some(first) = having().min() {
        return Unknown::Later(first);
    }
    if !elsewhere.is_empty() {
        return Unknown::Elsewhere(elsewhere);
    }
    let names = || Kind::all(version).filter(|known| known.scope != Scope::Subresource);
    let near = suggest::nearest(kind, names().filter(|known| known.api_version == api_version).map(|known| known.kind));
    near.and_then(|near| names().find(|known| known.kind == near))
        .map_or(Unknown::Nothing, |known| Unknown::Near(known.kind))
}

/// Whether an apiVersion and kind are of a custom resource: the group is a domain that no version of Kubernetes serves, and
/// does not look like a misspelled group of the kind.
#[must_use]
pub fn is_foreign(api_version: &str, kind: &str) -> bool {
    let Some((group, _)) = api_version.rsplit_once('/') else { return false };
    if !group.contains('.') || OWN_GROUPS.contains(group) {
        return false;
    }
    let homes = KubernetesVersion::all().flat_map(Kind::all).filter(|known| known.kind == kind);
    let groups = homes.filter_map(|known| known.api_version.rsplit_once('/')).map(|(group, _)| group);
    !group.ends_with(".k8s.io") || suggest::nearest(group, groups).is_none()
}

/// Whether no API server can serve an apiVersion and kind: the group is neither one of Kubernetes, nor similar to one, nor a
/// domain as those of custom resources are, and Kubernetes has no such kind.
#[must_use]
pub fn is_of_no_server(api_version: &str, kind: &str) -> bool {
    let Some((group, _)) = api_version.rsplit_once('/') else { return false };
    !group.contains('.')
        && !OWN_GROUPS.contains(group)
        && suggest::nearest(group, OWN_GROUPS.iter().copied().filter(|own| !own.contains('.'))).is_none()
        && Kind::all(KubernetesVersion::default()).all(|known| known.kind != kind)
}

/// The groups of Kubernetes in all versions.
static OWN_GROUPS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let removed = REMOVED.iter().map(|(api_version, ..)| *api_version);
    let api_versions = schema::all_kind_entries().map(|entry| entry.api_version()).chain(removed);
    api_versions.filter_map(|api_version| api_version.rsplit_once('/')).map(|(group, _)| group).collect()
});

/// The release that deprecated a kind of a version, which may be empty, and what to do. `None` if it is not deprecated.
#[must_use]
pub fn deprecated(api_version: &str, kind: &str, version: KubernetesVersion) -> Option<(&'static str, String)> {
    if let Some((_, _, since, help)) =
        DEPRECATED.iter().find(|(known, name, ..)| *known == api_version && *name == kind)
    {
        return Some((since, (*help).to_owned()));
    }
    if is_stable(api_version) {
        return None;
    }
    let (group, _) = api_version.rsplit_once('/')?;
    let stable = Kind::all(version).find(|known| {
        known.kind == kind
            && is_stable(known.api_version)
            && known.api_version.rsplit_once('/').is_some_and(|(other, _)| other == group)
    })?;
    Some(("", format!("use `apiVersion: {}`", stable.api_version)))
}

/// Whether an apiVersion is neither alpha nor beta.
#[must_use]
pub fn is_stable(api_version: &str) -> bool {
    let version = api_version.rsplit_once('/').map_or(api_version, |(_, version)| version);
    !version.contains("alpha") && !version.contains("beta")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn version(text: &str) -> KubernetesVersion {
        text.parse().unwrap()
    }

    #[test]
    fn kinds_are_found_with_their_scope() {
        let v36 = KubernetesVersion::default();
        let deployment = Kind::find("apps/v1", "Deployment", v36).unwrap();
        assert_eq!((deployment.scope, deployment.plural, deployment.list), (Scope::Namespaced, "deployments", false));
        assert_eq!(Kind::find("v1", "Namespace", v36).unwrap().scope, Scope::Cluster);
        assert_eq!(Kind::find("policy/v1", "Eviction", v36).unwrap().scope, Scope::Subresource);
        assert!(Kind::find("apps/v1", "DeploymentList", v36).unwrap().list);
        assert!(Kind::find("apps/v1", "deployment", v36).is_none());
        assert!(Kind::find("resource.k8s.io/v1", "DeviceClass", version("1.33")).is_none());
    }

    #[test]
    fn what_is_unknown_is_explained() {
        let v36 = KubernetesVersion::default();
        assert_eq!(
            unknown("extensions/v1beta1", "Ingress", v36),
            Unknown::Removed { release: "1.22".into(), replacement: "networking.k8s.io/v1", help: "" }
        );
        assert_eq!(
            unknown("networking.k8s.io/v1beta1", "IPAddress", version("1.37")),
            Unknown::Removed { release: "1.37".into(), replacement: "networking.k8s.io/v1", help: "" }
        );
        assert_eq!(unknown("resource.k8s.io/v1", "DeviceClass", version("1.33")), Unknown::Later(version("1.34")));
        assert_eq!(unknown("v1", "Deployment", v36), Unknown::Elsewhere(vec!["apps/v1"]));
        assert_eq!(unknown("v1", "Configmap", v36), Unknown::Near("ConfigMap"));
        assert_eq!(unknown("example.com/v1", "Thing", v36), Unknown::Nothing);
    }

    #[test]
    fn foreign_groups_are_distinguished_from_misspelt_ones() {
        for (api_version, kind, foreign) in [
            ("cert-manager.io/v1", "Certificate", true),
            ("serving.knative.dev/v1", "Service", true),
            ("gateway.networking.k8s.io/v1", "HTTPRoute", true),
            ("snapshot.storage.k8s.io/v1", "VolumeSnapshot", true),
            ("networking.k8s.io/v1", "Gateway", false),
            ("network.k8s.io/v1", "Ingress", false),
            ("rbac.authorisation.k8s.io/v1", "Role", false),
            ("app/v1", "Deployment", false),
            ("v1", "Thing", false),
            ("extensions/v1beta1", "Ingress", false),
        ] {
            assert_eq!(is_foreign(api_version, kind), foreign, "{api_version} {kind}");
        }
    }

    #[test]
    fn the_removed_kinds_are_gone_and_their_replacements_are_there() {
        for (api_version, kinds, _, replacement) in REMOVED {
            for kind in *kinds {
                assert!(Kind::find(api_version, kind, KubernetesVersion::OLDEST).is_none(), "{api_version} {kind}");
                let found = Kind::find(replacement, kind, KubernetesVersion::NEWEST).is_some();
                assert!(found || replacement.is_empty(), "{replacement} {kind}");
            }
        }
        for (api_version, kinds) in MOVED_UNCHANGED {
            for kind in *kinds {
                let is_row = |row: &&(&str, &[&str], &str, &str)| row.0 == *api_version && row.1.contains(kind);
                assert!(REMOVED.iter().any(|row| is_row(&row)), "{api_version} {kind}");
            }
        }
    }

    #[test]
    fn what_is_deprecated_names_its_successor() {
        let v36 = KubernetesVersion::default();
        assert_eq!(deprecated("v1", "Endpoints", v36).unwrap().0, "1.33");
        let (_, help) = deprecated("networking.k8s.io/v1beta1", "IPAddress", v36).unwrap();
        assert_eq!(help, "use `apiVersion: networking.k8s.io/v1`");
        assert!(deprecated("apps/v1", "Deployment", v36).is_none());
        assert!(deprecated("scheduling.k8s.io/v1beta1", "Workload", version("1.37")).is_none());
    }
}
