//! The Secrets, ConfigMaps, Services and ServiceAccounts that controllers create for custom resources.
//!
//! The table contains the created objects of each kind with their names and, if documented, their keys. The source of
//! each row is above it. For a kind that is not in the table, any object with its name may be created.

use super::custom;
use crate::object::Object;

/// An object that a controller creates: its kind, the pattern of its name, and its keys. `{name}` is the name of the
/// custom resource, `{spec.a|name}` the value of a field or else the name; `*` at either end matches anything.
#[derive(Debug)]
pub(super) struct Product(pub(super) &'static str, pub(super) &'static str, pub(super) Keys);

/// The keys of a created object.
#[derive(Debug, Clone, Copy)]
pub enum Keys {
    /// Not known.
    Any,
    /// At least these.
    Documented(&'static [&'static str]),
    /// Exactly the values of these fields, unless one of the other fields is set.
    Named(&'static [&'static str], &'static [&'static str]),
    /// Exactly the keys of the mappings in these fields.
    Entries(&'static [&'static str]),
}

use Keys::{Any, Documented, Entries, Named};

const fn secret(name: &'static str) -> Product {
    Product("Secret", name, Any)
}

const fn secret_with(name: &'static str, keys: &'static [&'static str]) -> Product {
    Product("Secret", name, Documented(keys))
}

const fn map(name: &'static str) -> Product {
    Product("ConfigMap", name, Any)
}

const fn service(name: &'static str) -> Product {
    Product("Service", name, Any)
}

const fn account(name: &'static str) -> Product {
    Product("ServiceAccount", name, Any)
}

/// The created objects by kind and group, sorted.
pub(super) const TABLE: &[(&str, &str, &[Product])] = &[
    // https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s/configuration-fleet
    ("Agent", "agent.k8s.elastic.co", &[service("{name}-agent-*"), secret("{name}-agent-*")]),
    // https://prometheus-operator.dev/docs/platform/platform-guide/
    ("Alertmanager", "monitoring.coreos.com", &[service("alertmanager-operated"), secret("alertmanager-{name}-*")]),
    // https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s/connect-to-apm-server
    (
        "ApmServer",
        "apm.k8s.elastic.co",
        &[service("{name}-apm-http"), secret_with("{name}-apm-token", &["secret-token"]), secret("{name}-apm-*")],
    ),
    // https://github.com/bitwarden/sm-kubernetes
    ("BitwardenSecret", "k8s.bitwarden.com", &[secret("{spec.secretName}")]),
    // https://cert-manager.io/docs/trust/trust-manager/
    ("Bundle", "trust.cert-manager.io", &[map("{name}"), secret("{name}")]),
    // https://rook.io/docs/rook/latest/Storage-Configuration/Object-Storage-RGW/object-storage/
    ("CephClient", "ceph.rook.io", &[secret("rook-ceph-client-{name}"), secret("{spec.secretName}")]),
    ("CephObjectStore", "ceph.rook.io", &[service("rook-ceph-rgw-{name}")]),
    (
        "CephObjectStoreUser",
        "ceph.rook.io",
        &[secret_with("rook-ceph-object-user-{spec.store}-{name}", &["AccessKey", "Endpoint", "SecretKey"])],
    ),
    // https://cert-manager.io/docs/usage/certificate/
    ("Certificate", "cert-manager.io", &[secret_with("{spec.secretName}", CERTIFICATE)]),
    // https://cloudnative-pg.io/documentation/current/applications/
    (
        "Cluster",
        "postgresql.cnpg.io",
        &[
            secret_with("{name}-app", POSTGRES),
            secret_with("{name}-superuser", POSTGRES),
            secret("{name}-*"),
            service("{name}-any"),
            service("{name}-r"),
            service("{name}-ro"),
            service("{name}-rw"),
            service("{spec.managed.services.additional[].serviceTemplate.metadata.name}"),
            map("{name}-*"),
            account("{name}"),
        ],
    ),
    // https://external-secrets.io/latest/api/clusterexternalsecret/
    ("ClusterExternalSecret", "external-secrets.io", &[secret("{spec.externalSecretName|name}")]),
    // https://cert-manager.io/docs/configuration/acme/
    ("ClusterIssuer", "cert-manager.io", &[secret_with("{spec.acme.privateKeySecretRef.name}", &["tls.key"])]),
    // https://docs.doppler.com/docs/kubernetes-operator
    ("DopplerSecret", "secrets.doppler.com", &[secret("{spec.managedSecret.name}")]),
    // https://www.dragonflydb.io/docs/getting-started/kubernetes-operator
    ("Dragonfly", "dragonflydb.io", &[service("{name}")]),
    // https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s/accessing-services
    ("ElasticMapsServer", "maps.k8s.elastic.co", &[service("{name}-ems-http"), secret("{name}-ems-*")]),
    (
        "Elasticsearch",
        "elasticsearch.k8s.elastic.co",
        &[
            secret_with("{name}-es-elastic-user", &["elastic"]),
            secret_with("{name}-es-http-certs-public", &["ca.crt", "tls.crt"]),
            secret("{name}-es-*"),
            service("{name}-es-*"),
            map("{name}-es-*"),
        ],
    ),
    ("EnterpriseSearch", "enterprisesearch.k8s.elastic.co", &[service("{name}-ent-http"), secret("{name}-ent-*")]),
    // https://external-secrets.io/latest/api/externalsecret/
    (
        "ExternalSecret",
        "external-secrets.io",
        &[Product(
            "Secret",
            "{spec.target.name|name}",
            Named(&["spec.data[].secretKey"], &["spec.dataFrom", "spec.target.template", "spec.target.creationPolicy"]),
        )],
    ),
    // https://gateway-api.sigs.k8s.io/geps/gep-1762/
    ("Gateway", "gateway.networking.k8s.io", &[service("{name}"), service("{name}-*"), account("{name}-*")]),
    // https://grafana.github.io/grafana-operator/docs/grafana/
    (
        "Grafana",
        "grafana.integreatly.org",
        &[service("{name}-service"), secret("{name}-*"), map("{name}-*"), account("{name}-sa")],
    ),
    // https://kserve.github.io/website/latest/reference/api/
    ("InferenceService", "serving.kserve.io", &[service("{name}"), service("{name}-*")]),
    // https://infisical.com/docs/integrations/platforms/kubernetes
    (
        "InfisicalSecret",
        "secrets.infisical.com",
        &[
            secret("{spec.managedSecretReference.secretName}"),
            secret("{spec.managedKubeSecretReferences[].secretName}"),
            map("{spec.managedKubeConfigMapReferences[].configMapName}"),
        ],
    ),
    // https://dev.mysql.com/doc/mysql-operator/en/mysql-operator-innodbcluster.html
    (
        "InnoDBCluster",
        "mysql.oracle.com",
        &[service("{name}"), service("{name}-*"), secret("{name}-*"), map("{name}-*"), account("{name}-sa")],
    ),
    // https://cert-manager.io/docs/configuration/acme/
    ("Issuer", "cert-manager.io", &[secret_with("{spec.acme.privateKeySecretRef.name}", &["tls.key"])]),
    // https://www.jaegertracing.io/docs/latest/operator/
    ("Jaeger", "jaegertracing.io", &[service("{name}-*"), map("{name}-*"), secret("{name}-*"), account("{name}*")]),
    // https://jobset.sigs.k8s.io/docs/concepts/
    ("JobSet", "jobset.x-k8s.io", &[service("{spec.network.subdomain|name}")]),
    // https://strimzi.io/docs/operators/latest/deploying
    (
        "Kafka",
        "kafka.strimzi.io",
        &[
            secret_with("{name}-clients-ca-cert", STRIMZI_CA),
            secret_with("{name}-cluster-ca-cert", STRIMZI_CA),
            secret("{name}-*"),
            // Those of listeners are named after pools and listeners.
            service("{name}-*"),
            map("{name}-*"),
            account("{name}-*"),
        ],
    ),
    (
        "KafkaBridge",
        "kafka.strimzi.io",
        &[
            service("{name}-bridge-service"),
            secret("{name}-bridge-*"),
            map("{name}-bridge-*"),
            account("{name}-bridge"),
        ],
    ),
    (
        "KafkaConnect",
        "kafka.strimzi.io",
        &[service("{name}-connect*"), secret("{name}-*"), map("{name}-connect-*"), account("{name}-connect*")],
    ),
    (
        "KafkaMirrorMaker2",
        "kafka.strimzi.io",
        &[
            service("{name}-mirrormaker2*"),
            secret("{name}-*"),
            map("{name}-mirrormaker2-*"),
            account("{name}-mirrormaker2*"),
        ],
    ),
    ("KafkaTopic", "kafka.strimzi.io", &[]),
    (
        "KafkaUser",
        "kafka.strimzi.io",
        &[
            secret_with(
                "{name}",
                &["ca.crt", "password", "sasl.jaas.config", "user.crt", "user.key", "user.p12", "user.password"],
            ),
            secret("*-{name}"),
        ],
    ),
    // https://www.keycloak.org/operator/basic-deployment
    (
        "Keycloak",
        "k8s.keycloak.org",
        &[
            secret_with("{name}-initial-admin", &["password", "username"]),
            secret("{name}-*"),
            service("{name}-discovery"),
            service("{name}-service"),
        ],
    ),
    // https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s/accessing-services
    ("Kibana", "kibana.k8s.elastic.co", &[service("{name}-kb-http"), secret("{name}-kb-*")]),
    // https://lws.sigs.k8s.io/docs/concepts/
    ("LeaderWorkerSet", "leaderworkerset.x-k8s.io", &[service("{name}"), service("{name}-*")]),
    ("Logstash", "logstash.k8s.elastic.co", &[service("{name}-ls-*"), secret("{name}-ls-*")]),
    // https://github.com/mariadb-operator/mariadb-operator/blob/main/docs/README.md
    (
        "MariaDB",
        "k8s.mariadb.com",
        &[
            service("{name}"),
            service("{name}-*"),
            secret("{spec.rootPasswordSecretKeyRef.name}"),
            secret("{spec.passwordSecretKeyRef.name}"),
            secret("{name}-*"),
            map("{name}-*"),
            account("{name}"),
        ],
    ),
    // https://github.com/mongodb/mongodb-kubernetes/blob/master/docs/mongodbcommunity/users.md
    (
        "MongoDBCommunity",
        "mongodbcommunity.mongodb.com",
        &[
            service("{name}-svc"),
            secret("{spec.users[].connectionStringSecretName}"),
            secret("{name}-*"),
            account("mongodb-database"),
        ],
    ),
    // https://github.com/kube-object-storage/lib-bucket-provisioner
    (
        "ObjectBucketClaim",
        "objectbucket.io",
        &[
            secret_with("{name}", &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]),
            Product(
                "ConfigMap",
                "{name}",
                Documented(&["BUCKET_HOST", "BUCKET_NAME", "BUCKET_PORT", "BUCKET_REGION", "BUCKET_SUBREGION"]),
            ),
        ],
    ),
    // https://github.com/1Password/onepassword-operator
    ("OnePasswordItem", "onepassword.com", &[secret("{name}")]),
    // https://opentelemetry.io/docs/platforms/kubernetes/operator/
    (
        "OpenTelemetryCollector",
        "opentelemetry.io",
        &[service("{name}-*"), map("{name}-*"), account("{name}-collector"), account("{name}-targetallocator")],
    ),
    // https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s/package-registry
    ("PackageRegistry", "packageregistry.k8s.elastic.co", &[service("{name}-epr-*"), secret("{name}-epr-*")]),
    // https://docs.percona.com/percona-operator-for-postgresql/latest/users.html
    ("PerconaPGCluster", "pgv2.percona.com", PREFIXED),
    // https://docs.percona.com/percona-operator-for-mongodb/users.html
    ("PerconaServerMongoDB", "psmdb.percona.com", PREFIXED),
    // https://docs.percona.com/percona-operator-for-mysql/pxc/users.html
    ("PerconaXtraDBCluster", "pxc.percona.com", PREFIXED),
    // https://cloudnative-pg.io/documentation/current/connection_pooling/
    ("Pooler", "postgresql.cnpg.io", &[service("{name}"), account("{name}")]),
    // https://access.crunchydata.com/documentation/postgres-operator/latest/tutorials/basic-setup/connect-cluster
    ("PostgresCluster", "postgres-operator.crunchydata.com", PREFIXED),
    // https://prometheus-operator.dev/docs/api-reference/api/
    ("Probe", "monitoring.coreos.com", &[]),
    ("Prometheus", "monitoring.coreos.com", &[service("prometheus-operated"), secret("prometheus-{name}*")]),
    ("PrometheusAgent", "monitoring.coreos.com", &[service("prometheus-agent-operated"), secret("prom-agent-{name}*")]),
    ("PrometheusRule", "monitoring.coreos.com", &[]),
    // https://www.rabbitmq.com/kubernetes/operator/using-operator
    (
        "RabbitmqCluster",
        "rabbitmq.com",
        &[
            secret_with(
                "{name}-default-user",
                &["connection_string", "default_user.conf", "host", "password", "port", "provider", "type", "username"],
            ),
            secret("{name}-*"),
            service("{name}"),
            service("{name}-nodes"),
            map("{name}-*"),
            account("{name}-server"),
        ],
    ),
    // https://docs.ray.io/en/latest/cluster/kubernetes/user-guides/config.html
    ("RayCluster", "ray.io", &[service("{name}-*")]),
    ("RayJob", "ray.io", &[service("{name}-*")]),
    ("RayService", "ray.io", &[service("{name}-*")]),
    // https://redis-operator.opstree.dev/docs/
    ("Redis", "redis.redis.opstreelabs.in", REDIS),
    ("RedisCluster", "redis.redis.opstreelabs.in", REDIS),
    // https://github.com/spotahome/redis-operator
    (
        "RedisFailover",
        "databases.spotahome.com",
        &[service("rfr-{name}"), service("rfrm-{name}"), service("rfrs-{name}"), service("rfs-{name}")],
    ),
    ("RedisReplication", "redis.redis.opstreelabs.in", REDIS),
    ("RedisSentinel", "redis.redis.opstreelabs.in", REDIS),
    // https://argo-rollouts.readthedocs.io/en/stable/features/specification/
    ("Rollout", "argoproj.io", &[]),
    // https://prometheus-operator.dev/docs/api-reference/api/
    ("ScrapeConfig", "monitoring.coreos.com", &[]),
    // https://github.com/bitnami-labs/sealed-secrets
    (
        "SealedSecret",
        "bitnami.com",
        &[Product("Secret", "{name}", Entries(&["spec.encryptedData", "spec.template.data"]))],
    ),
    // https://secrets-store-csi-driver.sigs.k8s.io/topics/sync-as-kubernetes-secret
    ("SecretProviderClass", "secrets-store.csi.x-k8s.io", &[secret("{spec.secretObjects[].secretName}")]),
    // https://knative.dev/docs/serving/services/
    ("Service", "serving.knative.dev", &[service("{name}"), service("{name}-*")]),
    // https://github.com/isindir/sops-secrets-operator
    ("SopsSecret", "isindir.github.com", &[secret("{spec.secretTemplates[].name}")]),
    // https://min.io/docs/minio/kubernetes/upstream/operations/deploy-manage-tenants.html
    (
        "Tenant",
        "minio.min.io",
        &[service("minio"), service("{name}-*"), secret("{name}-*"), secret("sts-*"), account("{name}-sa")],
    ),
    // https://prometheus-operator.dev/docs/platform/platform-guide/
    ("ThanosRuler", "monitoring.coreos.com", &[service("thanos-ruler-operated")]),
    // https://docs.victoriametrics.com/operator/resources/
    ("VMPodScrape", "operator.victoriametrics.com", &[]),
    ("VMProbe", "operator.victoriametrics.com", &[]),
    ("VMRule", "operator.victoriametrics.com", &[]),
    ("VMServiceScrape", "operator.victoriametrics.com", &[]),
    // https://developer.hashicorp.com/vault/docs/deploy/kubernetes/vso
    ("VaultDynamicSecret", "secrets.hashicorp.com", &[secret("{spec.destination.name}")]),
    ("VaultPKISecret", "secrets.hashicorp.com", &[secret("{spec.destination.name}")]),
    // https://github.com/ricoberger/vault-secrets-operator
    ("VaultSecret", "ricoberger.de", &[secret("{name}")]),
    ("VaultStaticSecret", "secrets.hashicorp.com", &[secret("{spec.destination.name}")]),
    // https://postgres-operator.readthedocs.io/en/latest/user/#connect-to-postgresql
    (
        "postgresql",
        "acid.zalan.do",
        &[
            secret_with("*.{name}.credentials.postgresql.acid.zalan.do", &["password", "username"]),
            service("{name}"),
            service("{name}-*"),
            account("postgres-pod"),
        ],
    ),
];

/// Keystores and other formats are only created if the Certificate requests them.
const CERTIFICATE: &[&str] = &[
    "ca.crt",
    "key.der",
    "keystore.jks",
    "keystore.p12",
    "tls-combined.pem",
    "tls.crt",
    "tls.key",
    "truststore.jks",
    "truststore.p12",
];
const POSTGRES: &[&str] = &[
    "dbname",
    "fqdn-jdbc-uri",
    "fqdn-uri",
    "host",
    "jdbc-uri",
    "password",
    "pgpass",
    "port",
    "uri",
    "user",
    "username",
];
const STRIMZI_CA: &[&str] = &["ca.crt", "ca.p12", "ca.password"];
const REDIS: &[Product] = &[service("{name}"), service("{name}-*"), map("{name}-*"), secret("{name}-*")];
const PREFIXED: &[Product] = &[
    service("{name}-*"),
    secret("{name}-*"),
    secret("{spec.secrets.users}"),
    secret("{spec.secretsName}"),
    map("{name}-*"),
    account("{name}-*"),
];

/// The objects created for any custom resource: connection details of Crossplane (https://docs.crossplane.io/latest/),
/// Secrets of the Vault operator and similar ones.
pub(super) const ANY: &[Product] =
    &[secret("{spec.writeConnectionSecretToRef.name}"), secret("{spec.destination.name}")];

/// Annotations with which a controller copies a ConfigMap or Secret into other namespaces.
/// https://github.com/emberstack/kubernetes-reflector, https://github.com/mittwald/kubernetes-replicator
pub(super) const COPIES: [&str; 3] = [
    "reflector.v1.k8s.emberstack.com/reflection-auto-enabled",
    "reflector.v1.k8s.emberstack.com/reflection-allowed",
    "replicator.v1.mittwald.de/replicate-to",
];

/// API groups for whose resources no objects are created, except for kinds in the table: rules, routes, policies,
/// settings of the cluster.
const GROUPS_WITHOUT_OBJECTS: &[&str] = &[
    // https://karpenter.sh/docs/concepts/
    "karpenter.k8s.aws",
    "karpenter.sh",
    // https://docs.cilium.io/en/stable/network/kubernetes/policy/
    "cilium.io",
    // https://open-policy-agent.github.io/gatekeeper/website/docs/howto
    "constraints.gatekeeper.sh",
    "templates.gatekeeper.sh",
    // https://kueue.sigs.k8s.io/docs/concepts/
    "kueue.x-k8s.io",
    // https://kyverno.io/docs/policy-types/
    "kyverno.io",
    "policies.kyverno.io",
    // https://metallb.io/apis/
    "metallb.io",
    // https://istio.io/latest/docs/reference/config/
    "extensions.istio.io",
    "networking.istio.io",
    "security.istio.io",
    "telemetry.istio.io",
    // https://github.com/GoogleCloudPlatform/prometheus-engine/blob/main/doc/api.md
    "monitoring.googleapis.com",
    // https://kubernetes.io/docs/concepts/storage/volume-snapshots/
    "snapshot.storage.k8s.io",
    // https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/crd/http/ingressroute/
    "traefik.containo.us",
    "traefik.io",
];

/// The created objects of a kind, if they are known.
pub(super) fn products(object: &Object) -> Option<&'static [Product]> {
    let key = (object.kind(), object.group());
    let at = TABLE.partition_point(|row| (row.0, row.1) < key);
    match TABLE.get(at).filter(|row| (row.0, row.1) == key) {
        Some(row) => Some(row.2),
        None if GROUPS_WITHOUT_OBJECTS.contains(&key.1) || custom::is_listed(key.0, key.1) => Some(&[]),
        None => None,
    }
}

/// The kinds of created objects.
pub(super) const PRODUCTS: [&str; 4] = ["Secret", "ConfigMap", "Service", "ServiceAccount"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_its_patterns_are_valid() {
        assert!(TABLE.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1)));
        for (kind, _, products) in TABLE {
            for Product(created, pattern, _) in *products {
                assert!(PRODUCTS.contains(created), "{kind}");
                assert_eq!(pattern.matches('{').count(), pattern.matches('}').count(), "{kind} {pattern}");
            }
        }
    }
}
