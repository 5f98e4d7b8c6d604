//! The profile of DataStorage, the embedded service: the one Rust type that knows its fields.
//!
//! Nothing is read through it when a bundle is rendered: profiles stay trees, checked against the JSON Schema that is
//! generated from this type and committed as `profiles/schema.json`. A test keeps the two equal, another reads every
//! merged profile back through the type. Doc comments become the schema's descriptions, which editors show, and
//! `docs/profiles.md`.
//!
//! Every field may be left out of a file, because each file is one layer of several; what a template needs and no layer
//! gives is an error with the field's name. Hence all defaults stand in `profiles/base.yaml` and none stands here.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::json_schema;

/// The committed schema of profiles, as `plimsoll schema` prints it.
pub const SCHEMA: &str = include_str!("../profiles/schema.json");

/// One layer of a DataStorage profile, or all of them merged.
///
/// A file may hold any part of it. Later layers win: base, environment, profile, the profile's section for the
/// environment, values files, `--set`. Mappings merge key by key, lists and scalars replace, null deletes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "DataStorage profile", extend("allOf" = conditions()))]
pub struct Profile {
    /// The kind cluster that the suite creates: the `name` in its kind config. NodePorts and host ports must be unique
    /// among the profiles of one cluster. No default: each profile names its own.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"))]
    pub cluster: Option<String>,
    /// Whether the cluster is made for this bundle alone, as a test's is. Then the bundle brings its Namespace, and
    /// `plimsoll kind` prints the cluster's config. Default in `base.yaml`; off in production.
    pub own_cluster: Option<bool>,
    /// The address of the host on which kind listens for the mapped ports. Default in `base.yaml`.
    #[schemars(length(min = 1), regex(pattern = "^[0-9a-fA-F.:]+$"))]
    pub listen_address: Option<String>,
    /// The namespace of every object of the bundle. Default in `base.yaml`.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
    /// The DataStorage image: chosen once, for building, loading and deploying it.
    pub image: Option<Image>,
    /// How DataStorage is reached from outside its namespace.
    pub expose: Option<Expose>,
    /// The ports DataStorage serves.
    pub ports: Option<Ports>,
    /// How many DataStorage pods run. Default in `base.yaml`; two in production.
    #[schemars(range(min = 1, max = 100))]
    pub replicas: Option<u8>,
    /// What the DataStorage container asks for and may use.
    pub resources: Option<Resources>,
    /// Settings of the DataStorage binary that concern neither database nor Redis.
    pub config: Option<Config>,
    /// The PostgreSQL database that DataStorage keeps audit events in.
    pub database: Option<Database>,
    /// The PostgreSQL server that the bundle brings along.
    pub postgresql: Option<Postgresql>,
    /// Redis, which DataStorage needs for its dead-letter queue, used or not.
    pub redis: Option<Redis>,
    /// The schema of the database and how it is brought about.
    pub migrations: Option<Migrations>,
    /// NodePorts of the consumer's own services in the same cluster, by name: no objects of this bundle, but mapped in
    /// the kind config and counted when a port is used twice. Default: none.
    pub own_ports: Option<BTreeMap<String, PortMapping>>,
    /// What the bundle needs and does not bring: hosts as `host:port`, objects as `Kind/name`, each under a name of
    /// your choice. Checks take them for present. Default: none.
    pub external: Option<BTreeMap<String, ExternalTarget>>,
    /// Labels that every object of the bundle bears, besides its own. They are kept out of selectors. Default: none.
    pub labels: Option<BTreeMap<String, String>>,
    /// Annotations that every object of the bundle and every pod bears. Default: none.
    pub annotations: Option<BTreeMap<String, String>>,
    /// Environment variables of the DataStorage container. The binary itself reads CONFIG_PATH, SHUTDOWN_TIMEOUT and
    /// ENV, of which the first two are set already; the Go runtime reads more, such as GOMEMLIMIT. Default: none.
    pub env: Option<BTreeMap<String, String>>,
    /// Whether the bundle brings the Secrets, made from the passwords below. Default in `base.yaml`; off in production,
    /// where Secrets exist already and are named by `migrate.secret` and `runtime.secret`.
    pub create_secrets: Option<bool>,
    /// The role that owns the schema: it migrates and makes partitions.
    pub migrate: Option<Migrate>,
    /// The role that DataStorage itself works with.
    pub runtime: Option<Runtime>,
    /// Whether evictions must leave all pods but one running. Default in `base.yaml`; on in production.
    pub pod_disruption_budget: Option<bool>,
    /// Which connections the pods may have.
    pub network_policy: Option<NetworkPolicy>,
    /// Whether pods are spread over nodes and zones as far as there are some. Default in `base.yaml`; on in production.
    pub spread: Option<bool>,
    /// What differs in one environment, by its name: a layer above this file. The environments a profile can be
    /// rendered for are the names here and in `base.yaml`.
    #[schemars(schema_with = "sections")]
    pub environments: Option<BTreeMap<String, Profile>>,
    /// Values that no other layer can contradict: merged last, over the profile, `--values` and `--set`. In files of
    /// environments, and in the sections of `base.yaml`, only.
    pub enforce: Option<Box<Profile>>,
    /// Changes of rendered objects, by `Kind/name` or `Kind/*`: mappings merge, null removes, and the entries of lists that
    /// Kubernetes tells apart by a key are merged by it.
    #[schemars(schema_with = "patches")]
    pub patches: Option<BTreeMap<String, Value>>,
    /// The folders below `templates/` that the profile uses, beside the files directly in it. Default: all folders.
    #[schemars(schema_with = "names")]
    pub templates: Option<Value>,
    /// The profiles whose bundles are applied before this one: their objects exist for the checks, and are not rendered
    /// again. Default: none.
    #[schemars(schema_with = "names")]
    pub needs: Option<Value>,
}

/// What must be given where a switch stands so, because nothing in the bundle could stand in for it.
const NEEDED: &[(&str, bool, &[&str])] = &[
    ("createSecrets", false, &["migrate.secret", "runtime.secret"]),
    ("image.pinned", true, &["image.repository", "image.digest"]),
    ("postgresql.enabled", false, &["database.host", "database.user"]),
    ("redis.enabled", false, &["redis.host"]),
];

/// [`NEEDED`] as JSON Schema. It holds for merged profiles; one layer may always leave a field to another.
fn conditions() -> Vec<Value> {
    let at = |path: &str, inner: Value| {
        path.rsplit('.').fold(inner, |inner, name| json!({"properties": {name: inner}, "required": [name]}))
    };
    let switches = NEEDED.iter().map(|(switch, value, fields)| (at(switch, json!({"const": value})), *fields));
    // What a migration tool of one's own is given means nothing without the tool.
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

/// A mapping as a schema; anything else would allow every value.
fn as_schema(value: Value) -> Schema {
    value.try_into().unwrap_or_default()
}

/// An image of the service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Image {
    /// The name, registry included: `localhost/…` for one that podman built and kind loaded. Default in `base.yaml`;
    /// a registry's in ci.
    #[schemars(length(min = 1, max = 255), regex(pattern = "^[a-z0-9][-a-z0-9._/:]*[a-z0-9]$"))]
    pub repository: Option<String>,
    /// The tag, one for each consumer, so that two suites never load each other's build. Default: none.
    #[schemars(length(min = 1, max = 128), regex(pattern = "^[A-Za-z0-9_][A-Za-z0-9._-]*$"))]
    pub tag: Option<String>,
    /// Whether the image is named by its digest and not by its tag. Default in `base.yaml`; on in production.
    pub pinned: Option<bool>,
    /// The digest, which means one build whatever happens to the tag. No default; must be given where `pinned` is on.
    #[schemars(regex(pattern = "^sha256:[0-9a-f]{64}$"))]
    pub digest: Option<String>,
    /// When the node pulls the image: Never for one that was loaded into the cluster, IfNotPresent from a registry.
    /// Default in `base.yaml`.
    pub pull_policy: Option<PullPolicy>,
    /// The name of an existing Secret with the registry's login. Default: none.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"))]
    pub pull_secret: Option<String>,
    /// How the image is built by `plimsoll up`. Default: none, and nothing is built.
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
    /// The folder that is sent to the builder, relative to the folder of the file that names it. No default; without it
    /// nothing is built.
    #[schemars(length(min = 1))]
    pub context: Option<String>,
    /// The Dockerfile, relative to the context. Default: the builder's own choice.
    #[schemars(length(min = 1))]
    pub dockerfile: Option<String>,
    /// Build arguments, by name. Default: none.
    pub args: Option<BTreeMap<String, String>>,
}

/// How the Service of DataStorage is reached.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expose {
    /// NodePort where tests reach it from the host, ClusterIP where only pods do. Default in `base.yaml`.
    #[serde(rename = "type")]
    pub kind: Option<ServiceType>,
    /// The port on the cluster's nodes, 30000 to 32767 unless the cluster was set up otherwise; once a cluster.
    /// Default in `base.yaml`.
    #[schemars(range(min = 1, max = 65535))]
    pub node_port: Option<u16>,
    /// The port on the host that the kind config maps to the NodePort: the one tests connect to. No default; without
    /// it nothing is mapped.
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
    /// The port of the API, of `/health` and of `/metrics`: `server.port` in the config file, the container's port and
    /// the Service's. Default in `base.yaml`.
    #[schemars(range(min = 1024, max = 65535))]
    pub http: Option<u16>,
}

/// What a container asks for and may use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resources {
    /// What the scheduler keeps free for it.
    pub requests: Option<Amounts>,
    /// Where it is slowed down (CPU) or killed (memory).
    pub limits: Option<Amounts>,
}

/// An amount of CPU and one of memory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Amounts {
    /// In cores: `250m` is a quarter of one. Default in `base.yaml`.
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
    /// The least important messages that are logged. Default in `base.yaml`.
    pub log_level: Option<LogLevel>,
    /// How messages are written: JSON for machines, console for people. Default in `base.yaml`.
    pub log_format: Option<LogFormat>,
    /// How long reading a request may take, as a Go duration. Default in `base.yaml`.
    #[schemars(regex(pattern = "^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$"))]
    pub read_timeout: Option<String>,
    /// How long answering a request may take, as a Go duration. Default in `base.yaml`.
    #[schemars(regex(pattern = "^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$"))]
    pub write_timeout: Option<String>,
    /// How long requests under way may take when the pod stops, as a Go duration; it reaches the binary as the variable
    /// SHUTDOWN_TIMEOUT. Keep `terminationGracePeriod` longer. Default in `base.yaml`.
    #[schemars(regex(pattern = "^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$"))]
    pub shutdown_timeout: Option<String>,
    /// How long the pod may take to stop before it is killed, in seconds. Default in `base.yaml`.
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

/// The database, wherever its server runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Database {
    /// The server's host: a Service of this bundle, or a host named in `external`. Default in `base.yaml`; must be given
    /// in production.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?$"))]
    pub host: Option<String>,
    /// The server's port. Default in `base.yaml`.
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// The database's name. Default in `base.yaml`.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[A-Za-z_][A-Za-z0-9_]*$"))]
    pub name: Option<String>,
    /// The role DataStorage works with. Default in `base.yaml`; must be given in production, where the role that
    /// migrates grants it what it needs.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[A-Za-z_][A-Za-z0-9_]*$"))]
    pub user: Option<String>,
    /// The password of that role: not empty, without white space or backslashes, and not starting with `'`, because
    /// DataStorage writes it unquoted into its connection string. The same holds for the password, the user and the
    /// database in a Secret that exists already. Default in `base.yaml`, for tests; unused in production.
    #[schemars(
        length(min = 1, max = 1000),
        regex(pattern = r"^[^' \\\t\n\v\f\r][^ \\\t\n\v\f\r]*$"),
        extend("writeOnly" = true)
    )]
    pub password: Option<String>,
    /// Whether the connection is encrypted, and what of the server's certificate is checked. Default in `base.yaml`;
    /// in production at least `require`.
    pub ssl_mode: Option<SslMode>,
    /// The most connections one pod opens. Default in `base.yaml`.
    #[schemars(range(min = 1, max = 10000))]
    pub max_open_conns: Option<u16>,
    /// The most connections one pod keeps open without using them. Default in `base.yaml`.
    #[schemars(range(min = 0, max = 10000))]
    pub max_idle_conns: Option<u16>,
    /// How old a connection may become, as a Go duration. Default in `base.yaml`.
    #[schemars(regex(pattern = "^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$"))]
    pub conn_max_lifetime: Option<String>,
    /// How long a connection may lie idle, as a Go duration. Default in `base.yaml`.
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

/// The PostgreSQL server of a test.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Postgresql {
    /// Whether the bundle brings the server: a StatefulSet and the Service `postgresql`. Default in `base.yaml`; off in
    /// production.
    pub enabled: Option<bool>,
    /// Its image, an alpine one. With a migration tool of your own, what else needs psql runs in it, too. Default in
    /// `base.yaml`.
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// The size of its volume, in bytes: `1Gi`. It cannot be changed once the volume is there. Default in `base.yaml`.
    #[schemars(regex(pattern = "^[0-9]+([.][0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$"))]
    pub storage: Option<String>,
    /// The port on the cluster's nodes, where tests look into the database themselves. No default; without it the
    /// Service is of type ClusterIP.
    #[schemars(range(min = 1, max = 65535))]
    pub node_port: Option<u16>,
    /// The port on the host that the kind config maps to that NodePort. No default.
    #[schemars(range(min = 1, max = 65535))]
    pub host_port: Option<u16>,
    /// What its container asks for and may use.
    pub resources: Option<Resources>,
}

/// Redis, wherever it runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Redis {
    /// Whether the bundle brings the server: a Deployment and the Service `redis`. Default in `base.yaml`; off in
    /// production.
    pub enabled: Option<bool>,
    /// The server's host: a Service of this bundle, or a host named in `external`. Default in `base.yaml`; must be given
    /// in production.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?$"))]
    pub host: Option<String>,
    /// The server's port. Default in `base.yaml`.
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// The number of the logical database. Default in `base.yaml`.
    #[schemars(range(min = 0, max = 15))]
    pub db: Option<u8>,
    /// The server's password, one line, for the Secret that the bundle brings; the empty one means none. Default in
    /// `base.yaml`, for tests; unused in production.
    #[schemars(length(max = 1000), regex(pattern = "^[^\\n\\r]*$"), extend("writeOnly" = true))]
    pub password: Option<String>,
    /// Its image, an alpine one; the container that waits for Redis runs it as well. Default in `base.yaml`.
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// What its container asks for and may use.
    pub resources: Option<Resources>,
    /// The stream that keeps events which could not be stored. Default in `base.yaml`.
    #[schemars(length(min = 1, max = 255))]
    pub dlq_stream_name: Option<String>,
    /// The most events the stream keeps. Default in `base.yaml`.
    #[schemars(range(min = 1, max = 10000000))]
    pub dlq_max_len: Option<u32>,
    /// The consumer group that reads the stream. Default in `base.yaml`.
    #[schemars(length(min = 1, max = 255))]
    pub dlq_consumer_group: Option<String>,
}

/// The database's schema.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Migrations {
    /// The tables this profile needs, by name: true for those that migrations must make. Default in `base.yaml`:
    /// `audit_events` alone.
    pub tables: Option<BTreeMap<String, bool>>,
    /// A folder with SQL files of your own, plain or in goose form, instead of those that come along: a path relative to
    /// the project's folder `profiles`, also where `--values` or `--set` gives it, within the Git work tree. Default: none.
    #[schemars(length(min = 1, max = 1000))]
    pub folder: Option<String>,
    /// An image with psql and busybox, for the migration Job, the upkeep of partitions and the container that waits for
    /// the schema; or, with `command`, the image of a migration tool of your own. Default in `base.yaml`.
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// The command of a migration tool of your own, which the Job runs in `image` instead of the bundle's own script. The
    /// files of `folder` lie in `/migrations`, the connection stands in PGHOST, PGPORT, PGDATABASE, PGSSLMODE, PGUSER and
    /// PGPASSWORD; what else needs psql runs in `postgresql.image`. Default: none.
    #[schemars(length(min = 1))]
    pub command: Option<Vec<String>>,
    /// Variables for `command` and `check`; a value may name those of the connection: `$(PGHOST)`. Default: none.
    pub env: Option<BTreeMap<String, String>>,
    /// A command in `image` that succeeds once the schema is as this bundle needs it: a new pod runs it until it does.
    /// Default: none; a new pod waits for the tables.
    #[schemars(length(min = 1))]
    pub check: Option<Vec<String>>,
    /// How many months of partitions are kept ready after the current one. Default in `base.yaml`.
    #[schemars(range(min = 1, max = 120))]
    pub partition_months_ahead: Option<u8>,
    /// When partitions are looked after, as a cron schedule in UTC. Default in `base.yaml`.
    #[schemars(length(min = 1, max = 255))]
    pub partition_schedule: Option<String>,
    /// How long one try waits for the database to let it in, in seconds. Default in `base.yaml`.
    #[schemars(range(min = 1, max = 3600))]
    pub database_wait_seconds: Option<u16>,
    /// How long a new pod waits for the migrations, in seconds, before it tries anew. Default in `base.yaml`.
    #[schemars(range(min = 1, max = 3600))]
    pub schema_wait_seconds: Option<u16>,
    /// How long the migration Job may take, all its tries together, in seconds; then Kubernetes ends it, so that the Job of
    /// a former bundle does not fail for ever. More than the longest migration takes. Default in `base.yaml`.
    #[schemars(range(min = 60, max = 604_800))]
    pub deadline_seconds: Option<u32>,
}

/// A NodePort and the host port that leads to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PortMapping {
    /// The port on the cluster's nodes.
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
    /// The Secret with its `username` and `password`. Default in `base.yaml`; in production the name of one that exists,
    /// which must be given.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"))]
    pub secret: Option<String>,
}

/// The role that DataStorage works with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Runtime {
    /// The Secret with the files `db-secrets.yaml` and `redis-secrets.yaml`. Default in `base.yaml`; in production the
    /// name of one that exists, which must be given and holds `username` and `password` besides, for the container that
    /// waits for the schema. The user and password in `db-secrets.yaml` must be such as `database.password` may be.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"))]
    pub secret: Option<String>,
}

/// Which connections the pods may have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkPolicy {
    /// Whether all other connections are refused. Default in `base.yaml`; on in production.
    pub enabled: Option<bool>,
    /// The namespaces whose pods may call DataStorage. Default in `base.yaml`.
    #[schemars(length(min = 1))]
    pub clients: Option<Vec<String>>,
}

/// The schema generated from [`Profile`], as text; `profiles/schema.json` must be equal to it.
#[must_use]
pub fn generate_schema() -> String {
    json_schema::of_type::<Profile>()
}
