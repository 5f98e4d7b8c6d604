//! The fields of built-in kinds that refer to other objects (Kubernetes API reference 1.36: the `…Ref`, `…Name` and
//! `…Source` types of these kinds).

use super::Relation::{
    Account, Backend, Env, EnvFrom, Governing, ImagePull, Priority, Role, Runtime, Scale, Subject, Tls, Volume, Webhook,
};
use super::TargetKind::{Beside, Named, Resources};
use super::{KindFields, ReferenceField, row};

pub(super) const CONTAINER: &[ReferenceField] = &[
    row("env[].valueFrom.configMapKeyRef.name", Named("ConfigMap"), Some(Env)),
    row("env[].valueFrom.secretKeyRef.name", Named("Secret"), Some(Env)),
    row("envFrom[].configMapRef.name", Named("ConfigMap"), Some(EnvFrom)),
    row("envFrom[].secretRef.name", Named("Secret"), Some(EnvFrom)),
];

pub(super) const POD: &[ReferenceField] = &[
    row("imagePullSecrets[].name", Named("Secret"), Some(ImagePull)),
    row("priorityClassName", Named("PriorityClass"), Some(Priority)),
    row("runtimeClassName", Named("RuntimeClass"), Some(Runtime)),
    row("serviceAccount", Named("ServiceAccount"), Some(Account)),
    row("serviceAccountName", Named("ServiceAccount"), Some(Account)),
    row("volumes[].configMap.name", Named("ConfigMap"), Some(Volume)),
    row("volumes[].csi.nodePublishSecretRef.name", Named("Secret"), None),
    row("volumes[].persistentVolumeClaim.claimName", Named("PersistentVolumeClaim"), Some(Volume)),
    row("volumes[].projected.sources[].configMap.name", Named("ConfigMap"), Some(Volume)),
    row("volumes[].projected.sources[].secret.name", Named("Secret"), Some(Volume)),
    row("volumes[].secret.secretName", Named("Secret"), Some(Volume)),
];

const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";
const WEBHOOKS: &[ReferenceField] = &[row("webhooks[].clientConfig.service.name", Named("Service"), Some(Webhook))];

/// The fields by kind and group, sorted.
pub(super) const KINDS: &[KindFields] = &[
    ("APIService", "apiregistration.k8s.io", &[row("spec.service.name", Named("Service"), Some(Webhook))]),
    ("ClusterRole", RBAC, &[row("rules[].resourceNames[]", Resources, None)]),
    (
        "ClusterRoleBinding",
        RBAC,
        &[row("roleRef.name", Beside, Some(Role)), row("subjects[].name", Beside, Some(Subject))],
    ),
    (
        "CustomResourceDefinition",
        "apiextensions.k8s.io",
        &[row("spec.conversion.webhook.clientConfig.service.name", Named("Service"), Some(Webhook))],
    ),
    ("HorizontalPodAutoscaler", "autoscaling", &[row("spec.scaleTargetRef.name", Beside, Some(Scale))]),
    (
        "Ingress",
        "networking.k8s.io",
        &[
            row("spec.defaultBackend.service.name", Named("Service"), Some(Backend)),
            row("spec.ingressClassName", Named("IngressClass"), None),
            row("spec.rules[].http.paths[].backend.service.name", Named("Service"), Some(Backend)),
            row("spec.tls[].secretName", Named("Secret"), Some(Tls)),
        ],
    ),
    ("MutatingWebhookConfiguration", ADMISSION, WEBHOOKS),
    (
        "PersistentVolumeClaim",
        "",
        &[
            row("spec.storageClassName", Named("StorageClass"), None),
            row("spec.volumeName", Named("PersistentVolume"), None),
        ],
    ),
    ("Role", RBAC, &[row("rules[].resourceNames[]", Resources, None)]),
    ("RoleBinding", RBAC, &[row("roleRef.name", Beside, Some(Role)), row("subjects[].name", Beside, Some(Subject))]),
    (
        "ServiceAccount",
        "",
        &[
            row("imagePullSecrets[].name", Named("Secret"), Some(ImagePull)),
            row("secrets[].name", Named("Secret"), None),
        ],
    ),
    (
        "StatefulSet",
        "apps",
        &[
            row("spec.serviceName", Named("Service"), Some(Governing)),
            row("spec.volumeClaimTemplates[].spec.storageClassName", Named("StorageClass"), None),
        ],
    ),
    ("ValidatingWebhookConfiguration", ADMISSION, WEBHOOKS),
];

/// The resources that are resolved in `resourceNames` of a role, and their kinds.
pub(super) const RESOURCES: &[(&str, &str)] = &[
    ("configmaps", "ConfigMap"),
    ("cronjobs", "CronJob"),
    ("deployments", "Deployment"),
    ("jobs", "Job"),
    ("persistentvolumeclaims", "PersistentVolumeClaim"),
    ("secrets", "Secret"),
    ("serviceaccounts", "ServiceAccount"),
    ("services", "Service"),
    ("statefulsets", "StatefulSet"),
];
