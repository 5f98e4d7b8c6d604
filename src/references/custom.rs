//! The fields of custom resources, and the annotations, that refer to other objects. The source of each row is above
//! it.

use super::NameForm::{Host, List, Qualified};
use super::Relation::{Backend, Env, Platform, Scale, Tls, Uses};
use super::TargetKind::{Named, Typed};
use super::{KindFields, ReferenceField, row};

/// The client settings of Prometheus for an endpoint.
macro_rules! client {
    ($of:literal) => {
        [
            row(concat!($of, "authorization.credentials.name"), Named("Secret"), Some(Env)),
            row(concat!($of, "basicAuth.password.name"), Named("Secret"), Some(Env)),
            row(concat!($of, "basicAuth.username.name"), Named("Secret"), Some(Env)),
            row(concat!($of, "bearerTokenSecret.name"), Named("Secret"), Some(Env)),
            row(concat!($of, "oauth2.clientId.configMap.name"), Named("ConfigMap"), Some(Env)),
            row(concat!($of, "oauth2.clientId.secret.name"), Named("Secret"), Some(Env)),
            row(concat!($of, "oauth2.clientSecret.name"), Named("Secret"), Some(Env)),
            row(concat!($of, "tlsConfig.ca.configMap.name"), Named("ConfigMap"), Some(Env)),
            row(concat!($of, "tlsConfig.ca.secret.name"), Named("Secret"), Some(Env)),
            row(concat!($of, "tlsConfig.cert.configMap.name"), Named("ConfigMap"), Some(Env)),
            row(concat!($of, "tlsConfig.cert.secret.name"), Named("Secret"), Some(Env)),
            row(concat!($of, "tlsConfig.keySecret.name"), Named("Secret"), Some(Env)),
        ]
    };
}

/// The fields by kind and group, sorted.
pub(super) const KINDS: &[KindFields] = &[
    // https://prometheus-operator.dev/docs/api-reference/api/
    (
        "Alertmanager",
        MONITORING,
        &[
            row("spec.configMaps[]", Named("ConfigMap"), Some(Uses)),
            row("spec.configSecret", Named("Secret"), Some(Uses)),
            row("spec.secrets[]", Named("Secret"), Some(Uses)),
        ],
    ),
    // https://cert-manager.io/docs/reference/api-docs/
    ("Certificate", "cert-manager.io", &[ISSUER]),
    ("CertificateRequest", "cert-manager.io", &[ISSUER]),
    ("ClusterIssuer", "cert-manager.io", &[row("spec.ca.secretName", Named("Secret"), None)]),
    // https://istio.io/latest/docs/reference/config/networking/destination-rule/
    ("DestinationRule", "networking.istio.io", &[row("spec.host", Named("Service"), Some(Backend)).written(Host)]),
    // https://external-secrets.io/latest/api/spec/
    (
        "ExternalSecret",
        "external-secrets.io",
        &[
            row("spec.data[].sourceRef.storeRef.name", Typed("SecretStore"), Some(Platform)),
            row("spec.dataFrom[].sourceRef.storeRef.name", Typed("SecretStore"), Some(Platform)),
            row("spec.secretStoreRef.name", Typed("SecretStore"), Some(Platform)),
            row("spec.target.template.templateFrom[].configMap.name", Named("ConfigMap"), Some(Uses)),
            row("spec.target.template.templateFrom[].secret.name", Named("Secret"), Some(Uses)),
        ],
    ),
    // https://gateway-api.sigs.k8s.io/reference/spec/
    (
        "GRPCRoute",
        GATEWAY,
        &[
            row("spec.parentRefs[].name", Typed("Gateway"), Some(Platform)),
            row("spec.rules[].backendRefs[].filters[].requestMirror.backendRef.name", Typed("Service"), Some(Backend)),
            row("spec.rules[].backendRefs[].name", Typed("Service"), Some(Backend)),
            row("spec.rules[].filters[].requestMirror.backendRef.name", Typed("Service"), Some(Backend)),
        ],
    ),
    (
        "Gateway",
        GATEWAY,
        &[
            row("spec.listeners[].tls.certificateRefs[].name", Typed("Secret"), Some(Tls)),
            row("spec.listeners[].tls.frontendValidation.caCertificateRefs[].name", Typed("ConfigMap"), Some(Uses)),
        ],
    ),
    // https://istio.io/latest/docs/reference/config/networking/gateway/#ServerTLSSettings: the Secret is in the
    // namespace of the gateway pods.
    ("Gateway", "networking.istio.io", &[row("spec.servers[].tls.credentialName", Named("Secret"), Some(Platform))]),
    // https://gateway-api.sigs.k8s.io/reference/spec/
    (
        "HTTPRoute",
        GATEWAY,
        &[
            row("spec.parentRefs[].name", Typed("Gateway"), Some(Platform)),
            row("spec.rules[].backendRefs[].filters[].requestMirror.backendRef.name", Typed("Service"), Some(Backend)),
            row("spec.rules[].backendRefs[].name", Typed("Service"), Some(Backend)),
            row("spec.rules[].filters[].requestMirror.backendRef.name", Typed("Service"), Some(Backend)),
        ],
    ),
    // https://fluxcd.io/flux/components/helm/helmreleases/#values-references
    ("HelmRelease", "helm.toolkit.fluxcd.io", &[row("spec.valuesFrom[].name", Typed(""), None)]),
    // https://doc.traefik.io/traefik/reference/dynamic-configuration/kubernetes-crd/
    (
        "IngressRoute",
        "traefik.io",
        &[
            row("spec.routes[].middlewares[].name", Named("Middleware"), Some(Platform)),
            row("spec.routes[].services[].name", Typed("Service"), Some(Backend)),
            row("spec.tls.secretName", Named("Secret"), Some(Tls)),
        ],
    ),
    (
        "IngressRouteTCP",
        "traefik.io",
        &[
            row("spec.routes[].services[].name", Named("Service"), Some(Backend)),
            row("spec.tls.secretName", Named("Secret"), Some(Tls)),
        ],
    ),
    ("IngressRouteUDP", "traefik.io", &[row("spec.routes[].services[].name", Named("Service"), Some(Backend))]),
    (
        "Issuer",
        "cert-manager.io",
        &[
            row("spec.acme.solvers[].dns01.cloudflare.apiTokenSecretRef.name", Named("Secret"), Some(Uses)),
            row("spec.acme.solvers[].dns01.route53.secretAccessKeySecretRef.name", Named("Secret"), Some(Uses)),
            row("spec.ca.secretName", Named("Secret"), Some(Uses)),
            row("spec.vault.auth.appRole.secretRef.name", Named("Secret"), Some(Uses)),
            row("spec.vault.auth.tokenSecretRef.name", Named("Secret"), Some(Uses)),
        ],
    ),
    // https://fluxcd.io/flux/components/kustomize/kustomizations/#post-build-variable-substitution
    (
        "Kustomization",
        "kustomize.toolkit.fluxcd.io",
        &[
            row("spec.decryption.secretRef.name", Named("Secret"), None),
            row("spec.postBuild.substituteFrom[].name", Typed(""), None),
        ],
    ),
    (
        "Middleware",
        "traefik.io",
        &[
            row("spec.basicAuth.secret", Named("Secret"), Some(Uses)),
            row("spec.digestAuth.secret", Named("Secret"), Some(Uses)),
            row("spec.errors.service.name", Typed("Service"), Some(Backend)),
        ],
    ),
    // https://prometheus-operator.dev/docs/api-reference/api/
    ("PodMonitor", MONITORING, &client!("spec.podMetricsEndpoints[].")),
    ("Probe", MONITORING, &client!("spec.")),
    (
        "Prometheus",
        MONITORING,
        &[
            row("spec.additionalScrapeConfigs.name", Named("Secret"), Some(Env)),
            row("spec.configMaps[]", Named("ConfigMap"), Some(Uses)),
            row("spec.secrets[]", Named("Secret"), Some(Uses)),
        ],
    ),
    (
        "PushSecret",
        "external-secrets.io",
        &[
            row("spec.secretStoreRefs[].name", Typed("SecretStore"), Some(Platform)),
            row("spec.selector.secret.name", Named("Secret"), Some(Uses)),
        ],
    ),
    // https://argo-rollouts.readthedocs.io/en/stable/features/specification/
    (
        "Rollout",
        "argoproj.io",
        &[
            row("spec.strategy.blueGreen.activeService", Named("Service"), Some(Backend)),
            row("spec.strategy.blueGreen.previewService", Named("Service"), Some(Backend)),
            row("spec.strategy.canary.canaryService", Named("Service"), Some(Backend)),
            row("spec.strategy.canary.stableService", Named("Service"), Some(Backend)),
            row("spec.strategy.canary.trafficRouting.alb.ingress", Named("Ingress"), Some(Uses)),
            row("spec.strategy.canary.trafficRouting.nginx.stableIngress", Named("Ingress"), Some(Uses)),
            row("spec.workloadRef.name", Typed(""), Some(Scale)),
        ],
    ),
    // https://keda.sh/docs/latest/reference/scaledobject-spec/
    (
        "ScaledJob",
        "keda.sh",
        &[row("spec.triggers[].authenticationRef.name", Typed("TriggerAuthentication"), Some(Uses))],
    ),
    (
        "ScaledObject",
        "keda.sh",
        &[
            row("spec.scaleTargetRef.name", Typed("Deployment"), Some(Scale)),
            row("spec.triggers[].authenticationRef.name", Typed("TriggerAuthentication"), Some(Uses)),
        ],
    ),
    ("ServiceMonitor", MONITORING, &client!("spec.endpoints[].")),
    (
        "TCPRoute",
        GATEWAY,
        &[
            row("spec.parentRefs[].name", Typed("Gateway"), Some(Platform)),
            row("spec.rules[].backendRefs[].name", Typed("Service"), Some(Backend)),
        ],
    ),
    (
        "TLSRoute",
        GATEWAY,
        &[
            row("spec.parentRefs[].name", Typed("Gateway"), Some(Platform)),
            row("spec.rules[].backendRefs[].name", Typed("Service"), Some(Backend)),
        ],
    ),
    ("TLSStore", "traefik.io", &[row("spec.defaultCertificate.secretName", Named("Secret"), Some(Tls))]),
    (
        "TriggerAuthentication",
        "keda.sh",
        &[
            row("spec.configMapTargetRef[].name", Named("ConfigMap"), Some(Env)),
            row("spec.secretTargetRef[].name", Named("Secret"), Some(Env)),
        ],
    ),
    (
        "UDPRoute",
        GATEWAY,
        &[
            row("spec.parentRefs[].name", Typed("Gateway"), Some(Platform)),
            row("spec.rules[].backendRefs[].name", Typed("Service"), Some(Backend)),
        ],
    ),
    // https://github.com/kubernetes/autoscaler/blob/master/vertical-pod-autoscaler/docs/api.md
    ("VerticalPodAutoscaler", "autoscaling.k8s.io", &[row("spec.targetRef.name", Typed(""), Some(Scale))]),
    // https://istio.io/latest/docs/reference/config/networking/virtual-service/
    (
        "VirtualService",
        "networking.istio.io",
        &[
            row("spec.http[].mirror.host", Named("Service"), Some(Backend)).written(Host),
            row("spec.http[].route[].destination.host", Named("Service"), Some(Backend)).written(Host),
            row("spec.tcp[].route[].destination.host", Named("Service"), Some(Backend)).written(Host),
            row("spec.tls[].route[].destination.host", Named("Service"), Some(Backend)).written(Host),
        ],
    ),
];

const GATEWAY: &str = "gateway.networking.k8s.io";
const MONITORING: &str = "monitoring.coreos.com";
const ISSUER: ReferenceField = row("spec.issuerRef.name", Typed("Issuer"), Some(Platform));

/// The annotations of any object that refer to objects.
const ANNOTATIONS: &[(&str, ReferenceField)] = &[
    // https://cert-manager.io/docs/usage/ingress/#supported-annotations
    ("cert-manager.io/cluster-issuer", row("", Named("ClusterIssuer"), Some(Platform))),
    ("cert-manager.io/issuer", row("", Named("Issuer"), Some(Platform))),
    // https://github.com/stakater/Reloader
    ("configmap.reloader.stakater.com/reload", row("", Named("ConfigMap"), None).written(List)),
    // https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/
    ("nginx.ingress.kubernetes.io/auth-proxy-set-headers", row("", Named("ConfigMap"), Some(Uses)).written(Qualified)),
    ("nginx.ingress.kubernetes.io/auth-secret", row("", Named("Secret"), Some(Uses)).written(Qualified)),
    ("nginx.ingress.kubernetes.io/auth-tls-secret", row("", Named("Secret"), Some(Uses)).written(Qualified)),
    ("nginx.ingress.kubernetes.io/custom-headers", row("", Named("ConfigMap"), Some(Uses)).written(Qualified)),
    ("nginx.ingress.kubernetes.io/default-backend", row("", Named("Service"), Some(Uses))),
    (
        "nginx.ingress.kubernetes.io/fastcgi-params-configmap",
        row("", Named("ConfigMap"), Some(Uses)).written(Qualified),
    ),
    ("nginx.ingress.kubernetes.io/proxy-ssl-secret", row("", Named("Secret"), Some(Uses)).written(Qualified)),
    ("secret.reloader.stakater.com/reload", row("", Named("Secret"), None).written(List)),
];

/// Whether the references of a kind are known. The objects created for such kinds are then known as well.
pub(super) fn is_listed(kind: &str, group: &str) -> bool {
    super::of_kind(KINDS, kind, group).is_some()
}

/// The reference in an annotation, if it refers to objects.
pub(super) fn annotation(key: &str) -> Option<&'static ReferenceField> {
    if !key.contains('/') {
        return None;
    }
    let at = ANNOTATIONS.binary_search_by(|row| row.0.cmp(key)).ok()?;
    Some(&ANNOTATIONS[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted() {
        for table in [KINDS, super::super::table::KINDS] {
            assert!(table.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1)));
        }
        assert!(ANNOTATIONS.is_sorted_by(|a, b| a.0 < b.0));
    }
}
