//! Rule `namespace-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::formats::names;
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::NamespaceInvalid,
    doc: Doc {
        checks: "`metadata.namespace` must be a DNS-1123 label. A namespace of a cluster-scoped object is a warning.",
        why: "\
The API server rejects an object with an invalid namespace. It ignores the namespace of a
cluster-scoped object.",
        fix: "Correct the namespace; remove it from cluster-scoped objects.",
        source: "\
`ValidateObjectMeta` in `k8s.io/apimachinery/pkg/api/validation` and
`EnsureObjectNamespaceMatchesRequestNamespace` in `k8s.io/apiserver/pkg/registry/rest`.",
    },
    bad: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: My_Space}\n",
    good: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: my-space}\n",
    check: Check::Object(check),
};

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    let text = object.namespace();
    if text.is_empty() {
        return;
    }
    let root = At::root("", &object.node);
    let metadata = root.get("metadata");
    let namespace = metadata.get("namespace");
    if is_cluster_kind(object.group(), object.kind()) {
        let message = format!("{} is cluster-scoped: the namespace `{text}` is ignored", object.kind());
        faults.add(&namespace, message).severity(Severity::Warning).help("remove `namespace`");
        return;
    }
    faults.check(&namespace, names::dns1123_label(text));
}

/// Whether a kind is cluster-scoped.
fn is_cluster_kind(group: &str, kind: &str) -> bool {
    match group {
        "" => matches!(kind, "Namespace" | "Node" | "PersistentVolume"),
        "rbac.authorization.k8s.io" => matches!(kind, "ClusterRole" | "ClusterRoleBinding"),
        "storage.k8s.io" => kind != "CSIStorageCapacity",
        "networking.k8s.io" => matches!(kind, "IngressClass" | "IPAddress" | "ServiceCIDR"),
        "certificates.k8s.io" => matches!(kind, "CertificateSigningRequest" | "ClusterTrustBundle"),
        "resource.k8s.io" => matches!(kind, "DeviceClass" | "ResourceSlice"),
        "scheduling.k8s.io" => kind == "PriorityClass",
        "admissionregistration.k8s.io"
        | "apiextensions.k8s.io"
        | "apiregistration.k8s.io"
        | "flowcontrol.apiserver.k8s.io"
        | "node.k8s.io" => true,
        _ => false,
    }
}
