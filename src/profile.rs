//! The profile of DataStorage, the embedded service: the only Rust type that knows its fields.
//!
//! Rendering does not use it: profiles stay trees, which are checked against the JSON Schema that is generated from
//! this type and committed as `profiles/schema.json`. One test keeps the two equal, and another deserializes every
//! merged profile into the type. Doc comments become the descriptions in the schema, which editors show, and
//! `docs/profiles.md`.
//!
//! Every field is optional, because each file is one layer of several; a field that a template needs and no layer sets
//! is an error. Therefore all defaults are in `profiles/base.yaml`, and none is here.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::json_schema;

/// The committed schema of profiles, as `plimsoll schema` prints it.
pub const SCHEMA: &str = include_str!("../profiles/schema.json");

/// One layer of a DataStorage profile, or all of them merged.
///
/// A file may set any of the fields. Later layers override earlier ones: base, environment, profile, the profile's
/// section for the environment, values files, `--set`. Mappings are merged key by key, lists and scalars are replaced,
/// and null deletes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "DataStorage profile", extend("allOf" = conditions()))]
pub struct Profile {
    /// The kind cluster that the test suite creates: the `name` in its kind config. NodePorts and host ports must be
    /// unique among the profiles of one cluster. No default: each profile sets its own.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"))]
    pub cluster: Option<String>,
    /// Whether the cluster is created only for this bundle, as in tests. The bundle then includes its Namespace, and
    /// `plimsoll kind` prints the cluster's config. Default in `base.yaml`; off in production.
    pub own_cluster: Option<bool>,
    /// The address of the host on which kind listens for the mapped ports. Default in `base.yaml`.
    #[schemars(length(min = 1), regex(pattern = "^[0-9a-fA-F.:]+$"))]
    pub listen_address: Option<String>,
    /// The namespace of all objects of the bundle. Default in `base.yaml`.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
    /// The DataStorage image, used for building, loading and deploying it.
    pub image: Option<Image>,
    /// How DataStorage is exposed outside its namespace.
    pub expose: Option<Expose>,
    /// The ports of DataStorage.
    pub ports: Option<Ports>,
    /// The number of DataStorage pods. Default in `base.yaml`; two in production.
    #[schemars(range(min = 1, max = 100))]
    pub replicas: Option<u8>,
    /// The resource requests and limits of the DataStorage container.
    pub resources: Option<Resources>,
    /// Settings of DataStorage that are not about the database or Redis.
    pub config: Option<Config>,
    /// The PostgreSQL database in which DataStorage stores audit events.
    pub database: Option<Database>,
    /// The PostgreSQL server in the bundle.
    pub postgresql: Option<Postgresql>,
    /// Redis, which DataStorage requires for its dead-letter queue even if the queue is not used.
    pub redis: Option<Redis>,
    /// The schema of the database and its migrations.
    pub migrations: Option<Migrations>,
    /// NodePorts of the consumer's own services in the same cluster, by name. They are not objects of this bundle, but
    /// are mapped in the kind config and checked for conflicts. Default: none.
    pub own_ports: Option<BTreeMap<String, PortMapping>>,
    /// Objects and services that the bundle needs and that exist elsewhere: hosts as `host:port`, objects as
    /// `Kind/name`, each under a name of your choice. Checks assume that they exist. Default: none.
    pub external: Option<BTreeMap<String, ExternalTarget>>,
    /// Labels of all objects of the bundle, in addition to their own. They are not added to selectors. Default: none.
    pub labels: Option<BTreeMap<String, String>>,
    /// Annotations of all objects and pods of the bundle. Default: none.
    pub annotations: Option<BTreeMap<String, String>>,
    /// Environment variables of the DataStorage container. DataStorage itself reads CONFIG_PATH, SHUTDOWN_TIMEOUT and
    /// ENV, of which the first two are already set; the Go runtime reads others, such as GOMEMLIMIT. Default: none.
    pub env: Option<BTreeMap<String, String>>,
    /// Whether the bundle includes the Secrets, with the passwords below. Default in `base.yaml`; off in production,
    /// where `migrate.secret` and `runtime.secret` name existing Secrets.
    pub create_secrets: Option<bool>,
    /// The role that owns the schema: it runs migrations and creates partitions.
    pub migrate: Option<Migrate>,
    /// The role that DataStorage itself uses.
    pub runtime: Option<Runtime>,
    /// Whether a PodDisruptionBudget limits evictions to one pod at a time. Default in `base.yaml`; on in production.
    pub pod_disruption_budget: Option<bool>,
    /// The connections that the pods may have.
    pub network_policy: Option<NetworkPolicy>,
    /// Whether pods are spread over nodes and zones if possible. Default in `base.yaml`; on in production.
    pub spread: Option<bool>,
    /// Values for one environment, by the environment's name; they override this file. The environments of a profile
    /// are those listed here and in `base.yaml`.
    #[schemars(schema_with = "sections")]
    pub environments: Option<BTreeMap<String, Profile>>,
    /// Values that no other layer can contradict: they are merged last, over the profile, `--values` and `--set`.
    /// Allowed only in environment files and in the sections of `base.yaml`.
    pub enforce: Option<Box<Profile>>,
    /// Changes to rendered objects, by `Kind/name` or `Kind/*`: mappings are merged, null removes, and list items are
    /// merged by the keys that identify them in Kubernetes.
    #[schemars(schema_with = "patches")]
    pub patches: Option<BTreeMap<String, Value>>,
    /// The folders below `templates/` that the profile uses, in addition to the files directly in it. Default: all
    /// folders.
    #[schemars(schema_with = "names")]
    pub templates: Option<Value>,
    /// The profiles whose bundles are applied before this one: their objects exist for the checks, and are not
    /// rendered again. Default: none.
    #[schemars(schema_with = "names")]
    pub needs: Option<Value>,
}

/// The fields that are required if a switch has this value, because nothing in the bundle replaces them.
const NEEDED: &[(&str, bool, &[&str])] = &[
    ("createSecrets", false, &["migrate.secret", "runtime.secret"]),
    ("image.pinned", true, &["image.repository", "image.digest"]),
    ("postgresql.enabled", false, &["database.host", "database.user"]),
    ("redis.enabled", false, &["redis.host"]),
];

/// [`NEEDED`] as JSON Schema. It applies to merged profiles; a single layer may omit any field.
fn conditions() -> Vec<Value> {
    let at = |path: &str, inner: Value| {
        path.rsplit('.').fold(inner, |inner, name| json!({"properties": {name: inner}, "required": [name]}))
    };
    let switches = NEEDED.iter().map(|(switch, value, fields)| (at(switch, json!({"const": value})), *fields));
    // Settings of a separate migration tool require the tool's command.
    let tool = [("migrations.env", json!({"minProperties": 1})), ("migrations.check", json!({}))]
        .map(|(field, given)| (at(field, given), ["migrations.command"].as_slice()));
    switches
        .chain(tool)
        .map(|(given, fields)| {
            let needed: Vec<Value> = fields.iter().map(|field| at(field, json!({}))).collect();
            json!({"if": given, "then": {"allOf": needed}})
        })
        .collect()
}

fn sections(_: &mut SchemaGenerator) -> Schema {
    as_schema(json_schema::sections())
}

fn patches(_: &mut SchemaGenerator) -> Schema {
    as_schema(json_schema::patches())
}

fn names(_: &mut SchemaGenerator) -> Schema {
    as_schema(json_schema::names())
}

/// A mapping as a schema. Any other value would allow everything.
fn as_schema(value: Value) -> Schema {
    value.try_into().unwrap_or_default()
}

/// The image of the service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Image {
    /// The name, including the registry: `localhost/…` for an image that podman built and kind loaded. Default in
    /// `base.yaml`; in a registry for ci.
    #[schemars(length(min = 1, max = 255), regex(pattern = "^[a-z0-9][-a-z0-9._/:]*[a-z0-9]$"))]
    pub repository: Option<String>,
    /// The tag. Use a different one for each consumer, so that test suites never load each other's builds. Default:
    /// none.
    #[schemars(length(min = 1, max = 128), regex(pattern = "^[A-Za-z0-9_][A-Za-z0-9._-]*$"))]
    pub tag: Option<String>,
    /// Whether the image is referenced by its digest instead of its tag. Default in `base.yaml`; on in production.
    pub pinned: Option<bool>,
    /// The digest, which identifies one build even if the tag is moved. No default; required if `pinned` is on.
    #[schemars(regex(pattern = "^sha256:[0-9a-f]{64}$"))]
    pub digest: Option<String>,
    /// When the node pulls the image: Never for one that was loaded into the cluster, IfNotPresent for one in a
    /// registry. Default in `base.yaml`.
    pub pull_policy: Option<PullPolicy>,
    /// The name of an existing Secret with the credentials of the registry. Default: none.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"))]
    pub pull_secret: Option<String>,
    /// How `plimsoll up` builds the image. Default: none, and nothing is built.
    pub build: Option<ImageBuild>,
}

#[allow(missing_docs)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PullPolicy {
    Always,
    IfNotPresent,
    Never,
}

/// How `plimsoll up` builds the image, with podman or docker.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImageBuild {
    /// The build context, relative to the folder of the file that sets it. No default; without it nothing is built.
    #[schemars(length(min = 1))]
    pub context: Option<String>,
    /// The Dockerfile, relative to the context. Default: that of the builder.
    #[schemars(length(min = 1))]
    pub dockerfile: Option<String>,
    /// Build arguments, by name. Default: none.
    pub args: Option<BTreeMap<String, String>>,
}

/// How the Service of DataStorage is exposed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expose {
    /// NodePort if tests connect from the host, ClusterIP if only pods connect. Default in `base.yaml`.
    #[serde(rename = "type")]
    pub kind: Option<ServiceType>,
    /// The NodePort, usually 30000 to 32767; it must be unique in the cluster. Default in `base.yaml`.
    #[schemars(range(min = 1, max = 65535))]
    pub node_port: Option<u16>,
    /// The port on the host that the kind config maps to the NodePort, to which tests connect. No default; without it
    /// nothing is mapped.
    #[schemars(range(min = 1, max = 65535))]
    pub host_port: Option<u16>,
}

#[allow(missing_docs)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ServiceType {
    #[serde(rename = "ClusterIP")]
    ClusterIp,
    NodePort,
}

/// The ports of the DataStorage container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ports {
    /// The port of the API, of `/health` and of `/metrics`: `server.port` in the config file, and the port of the
    /// container and the Service. Default in `base.yaml`.
    #[schemars(range(min = 1024, max = 65535))]
    pub http: Option<u16>,
}

/// The resource requests and limits of a container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resources {
    /// The resources reserved by the scheduler.
    pub requests: Option<Amounts>,
    /// The maximum resources. A container that exceeds them is throttled (CPU) or killed (memory).
    pub limits: Option<Amounts>,
}

/// Amounts of CPU and memory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Amounts {
    /// In cores: `250m` is a quarter of a core. Default in `base.yaml`.
    #[schemars(regex(pattern = "^([0-9]+m|[0-9]+([.][0-9]+)?)$"))]
    pub cpu: Option<String>,
    /// In bytes: `256Mi`. Default in `base.yaml`.
    #[schemars(regex(pattern = "^[0-9]+([.][0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$"))]
    pub memory: Option<String>,
}

/// Settings of the binary, written to `config.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// The minimum level of log messages. Default in `base.yaml`.
    pub log_level: Option<LogLevel>,
    /// The format of log messages: JSON for machines, console for people. Default in `base.yaml`.
    pub log_format: Option<LogFormat>,
    /// The maximum time for reading a request, as a Go duration. Default in `base.yaml`.
    #[schemars(regex(pattern = "^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$"))]
    pub read_timeout: Option<String>,
    /// The maximum time for answering a request, as a Go duration. Default in `base.yaml`.
    #[schemars(regex(pattern = "^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$"))]
    pub write_timeout: Option<String>,
    /// The time that current requests have to finish when the pod stops, as a Go duration, passed in the environment
    /// variable SHUTDOWN_TIMEOUT. `terminationGracePeriod` must be longer. Default in `base.yaml`.
    #[schemars(regex(pattern = "^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$"))]
    pub shutdown_timeout: Option<String>,
    /// The time that the pod has to stop before it is killed, in seconds. Default in `base.yaml`.
    #[schemars(range(min = 1, max = 3600))]
    pub termination_grace_period: Option<u16>,
}

#[allow(missing_docs)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

#[allow(missing_docs)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Json,
    Console,
}

/// The database, regardless of where its server runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Database {
    /// The server's host: a Service of this bundle, or a host listed in `external`. Default in `base.yaml`; required
    /// in production.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?$"))]
    pub host: Option<String>,
    /// The server's port. Default in `base.yaml`.
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// The name of the database. Default in `base.yaml`.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[A-Za-z_][A-Za-z0-9_]*$"))]
    pub name: Option<String>,
    /// The role that DataStorage uses. Default in `base.yaml`; required in production, where the migration role grants
    /// it the necessary privileges.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[A-Za-z_][A-Za-z0-9_]*$"))]
    pub user: Option<String>,
    /// The password of that role: not empty, without white space or backslashes, and not starting with `'`, because
    /// DataStorage writes it unquoted into its connection string. The same applies to the password, the user and the
    /// database in an existing Secret. Default in `base.yaml`, for tests; unused in production.
    #[schemars(
        length(min = 1, max = 1000),
        regex(pattern = r"^[^' \\\t\n\v\f\r][^ \\\t\n\v\f\r]*$"),
        extend("writeOnly" = true)
    )]
    pub password: Option<String>,
    /// Whether the connection is encrypted, and how the server's certificate is verified. Default in `base.yaml`; at
    /// least `require` in production.
    pub ssl_mode: Option<SslMode>,
    /// The maximum number of connections per pod. Default in `base.yaml`.
    #[schemars(range(min = 1, max = 10000))]
    pub max_open_conns: Option<u16>,
    /// The maximum number of idle connections per pod. Default in `base.yaml`.
    #[schemars(range(min = 0, max = 10000))]
    pub max_idle_conns: Option<u16>,
    /// The maximum age of a connection, as a Go duration. Default in `base.yaml`.
    #[schemars(regex(pattern = "^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$"))]
    pub conn_max_lifetime: Option<String>,
    /// The maximum time that a connection may be idle, as a Go duration. Default in `base.yaml`.
    #[schemars(regex(pattern = "^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$"))]
    pub conn_max_idle_time: Option<String>,
}

#[allow(missing_docs)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    Disable,
    Require,
    VerifyCa,
    VerifyFull,
}

/// The PostgreSQL server for tests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Postgresql {
    /// Whether the bundle includes the server: a StatefulSet and the Service `postgresql`. Default in `base.yaml`; off
    /// in production.
    pub enabled: Option<bool>,
    /// Its image, based on alpine. With a separate migration tool, the containers that need psql use it as well.
    /// Default in `base.yaml`.
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// The size of its volume, in bytes: `1Gi`. It cannot be changed once the volume exists. Default in `base.yaml`.
    #[schemars(regex(pattern = "^[0-9]+([.][0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$"))]
    pub storage: Option<String>,
    /// The NodePort through which tests connect to the database. No default; without it the Service has type
    /// ClusterIP.
    #[schemars(range(min = 1, max = 65535))]
    pub node_port: Option<u16>,
    /// The port on the host that the kind config maps to that NodePort. No default.
    #[schemars(range(min = 1, max = 65535))]
    pub host_port: Option<u16>,
    /// The resource requests and limits of its container.
    pub resources: Option<Resources>,
}

/// Redis, regardless of where it runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Redis {
    /// Whether the bundle includes the server: a Deployment and the Service `redis`. Default in `base.yaml`; off in
    /// production.
    pub enabled: Option<bool>,
    /// The server's host: a Service of this bundle, or a host listed in `external`. Default in `base.yaml`; required
    /// in production.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?$"))]
    pub host: Option<String>,
    /// The server's port. Default in `base.yaml`.
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// The number of the logical database. Default in `base.yaml`.
    #[schemars(range(min = 0, max = 15))]
    pub db: Option<u8>,
    /// The server's password, on one line, for the Secret in the bundle; an empty string means no password. Default in
    /// `base.yaml`, for tests; unused in production.
    #[schemars(length(max = 1000), regex(pattern = "^[^\\n\\r]*$"), extend("writeOnly" = true))]
    pub password: Option<String>,
    /// Its image, based on alpine; the container that waits for Redis uses it as well. Default in `base.yaml`.
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// The resource requests and limits of its container.
    pub resources: Option<Resources>,
    /// The stream of events that could not be stored. Default in `base.yaml`.
    #[schemars(length(min = 1, max = 255))]
    pub dlq_stream_name: Option<String>,
    /// The maximum number of events in the stream. Default in `base.yaml`.
    #[schemars(range(min = 1, max = 10000000))]
    pub dlq_max_len: Option<u32>,
    /// The consumer group that reads the stream. Default in `base.yaml`.
    #[schemars(length(min = 1, max = 255))]
    pub dlq_consumer_group: Option<String>,
}

/// The schema of the database.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Migrations {
    /// The tables that this profile needs, by name: true for those that migrations must create. Default in
    /// `base.yaml`: only `audit_events`.
    pub tables: Option<BTreeMap<String, bool>>,
    /// A folder with your own SQL files, plain or in goose's format, instead of the built-in ones. The path is
    /// relative to the project's folder `profiles`, even if `--values` or `--set` sets it, and must be inside the Git
    /// work tree. Default: none.
    #[schemars(length(min = 1, max = 1000))]
    pub folder: Option<String>,
    /// An image with psql and busybox, for the migration Job, the maintenance of partitions and the container that
    /// waits for the schema; with `command`, the image of a separate migration tool. Default in `base.yaml`.
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// The command of a separate migration tool, which the Job runs in `image` instead of the bundle's own script. The
    /// files of `folder` are in `/migrations`, and the connection is in PGHOST, PGPORT, PGDATABASE, PGSSLMODE, PGUSER
    /// and PGPASSWORD; other containers that need psql use `postgresql.image`. Default: none.
    #[schemars(length(min = 1))]
    pub command: Option<Vec<String>>,
    /// Environment variables for `command` and `check`; values can refer to those of the connection: `$(PGHOST)`.
    /// Default: none.
    pub env: Option<BTreeMap<String, String>>,
    /// A command in `image` that succeeds once the schema is ready for this bundle. A new pod repeats it until it
    /// succeeds. Default: none; a new pod waits for the tables.
    #[schemars(length(min = 1))]
    pub check: Option<Vec<String>>,
    /// The number of months after the current one for which partitions are created in advance. Default in `base.yaml`.
    #[schemars(range(min = 1, max = 120))]
    pub partition_months_ahead: Option<u8>,
    /// When partitions are maintained, as a cron schedule in UTC. Default in `base.yaml`.
    #[schemars(length(min = 1, max = 255))]
    pub partition_schedule: Option<String>,
    /// How long one attempt waits for a connection to the database, in seconds. Default in `base.yaml`.
    #[schemars(range(min = 1, max = 3600))]
    pub database_wait_seconds: Option<u16>,
    /// How long a new pod waits for the migrations before it retries, in seconds. Default in `base.yaml`.
    #[schemars(range(min = 1, max = 3600))]
    pub schema_wait_seconds: Option<u16>,
    /// The maximum duration of the migration Job, including retries, in seconds. Kubernetes then stops it, so that the
    /// Job of an earlier bundle does not retry forever. It must be longer than the longest migration. Default in
    /// `base.yaml`.
    #[schemars(range(min = 60, max = 604_800))]
    pub deadline_seconds: Option<u32>,
}

/// A NodePort and the host port that is mapped to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PortMapping {
    /// The port on the nodes of the cluster.
    #[schemars(range(min = 1, max = 65535))]
    pub node_port: Option<u16>,
    /// The port on the host.
    #[schemars(range(min = 1, max = 65535))]
    pub host_port: Option<u16>,
}

/// `host:port`, or `Kind/name` of an object in the namespace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct ExternalTarget(
    #[schemars(regex(pattern = "^([A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?:[0-9]{1,5}|[A-Z][A-Za-z]+/[-.a-z0-9]+)$"))]
    pub String,
);

/// The role that owns the schema.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Migrate {
    /// The Secret with its `username` and `password`. Default in `base.yaml`; required in production, as the name of
    /// an existing Secret.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"))]
    pub secret: Option<String>,
}

/// The role that DataStorage uses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Runtime {
    /// The Secret with the files `db-secrets.yaml` and `redis-secrets.yaml`. Default in `base.yaml`; required in
    /// production, as the name of an existing Secret that also has `username` and `password`, for the container that
    /// waits for the schema. The user and password in `db-secrets.yaml` must meet the rules of `database.password`.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"))]
    pub secret: Option<String>,
}

/// The connections that the pods may have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkPolicy {
    /// Whether all other connections are blocked. Default in `base.yaml`; on in production.
    pub enabled: Option<bool>,
    /// The namespaces whose pods may connect to DataStorage. Default in `base.yaml`.
    #[schemars(length(min = 1))]
    pub clients: Option<Vec<String>>,
}

/// The schema generated from [`Profile`], as text, to which `profiles/schema.json` must be equal.
#[must_use]
pub fn generate_schema() -> String {
    json_schema::of_type::<Profile>()
}
