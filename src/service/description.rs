//! The format of service descriptions, as documented in `docs/services.md`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::formats::version::Version;
use crate::node::Node;
use crate::service::leaves;

/// The description of a service.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    /// Its name in messages: `DataStorage`.
    pub name: String,
    /// Public pages with the facts.
    #[serde(default)]
    pub sources: Vec<String>,
    /// How its containers are recognized.
    pub recognize: Recognize,
    /// The names of its Kubernetes Service.
    #[serde(default)]
    pub services: Vec<String>,
    /// The image as it is built locally, without tag.
    pub image: Option<String>,
    /// The config file it reads, if any.
    pub config_file: Option<ConfigFile>,
    /// The variables it reads.
    #[serde(default)]
    pub environment: Environment,
    /// The seconds until it responds if all its dependencies are available.
    pub startup_seconds: Option<u32>,
    /// What it connects to.
    #[serde(default)]
    pub dependencies: Vec<Dependency>,
    /// The tables it uses.
    #[serde(default)]
    pub tables: Tables,
    /// The access of clients that it checks with the API server.
    pub authorization: Option<Authorization>,
    /// What the role of its ServiceAccount must allow.
    #[serde(default)]
    pub permissions: Vec<Permission>,
    /// Config keys that are often set but never read, each with an alternative.
    #[serde(default)]
    pub not_read: BTreeMap<String, String>,
    /// The formats of its config, with the keys, ports and paths of each. The first is the default.
    #[serde(default)]
    pub dialects: Vec<Dialect>,
}

/// How the containers of a service are recognized; one match is enough.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recognize {
    /// Last segments of image repositories: `datastorage` for `quay.io/acme/datastorage:v1`.
    #[serde(default)]
    pub images: Vec<String>,
    /// Names of containers.
    #[serde(default)]
    pub containers: Vec<String>,
    /// Names of workloads; only used for pods with a single container.
    #[serde(default)]
    pub workloads: Vec<String>,
    /// Prefixes of the path of the config file, in the variable or flag that contains it.
    #[serde(default)]
    pub path_prefixes: Vec<String>,
    /// Config keys that no other service has. A config file with one of them is recognized without a container.
    #[serde(default)]
    pub config_keys: Vec<String>,
    /// For names that are common words: one of these must occur in the image, the namespace or a label, or the config
    /// must have one of `config_keys`.
    #[serde(default)]
    pub context: Vec<String>,
}

/// The config file of a service.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigFile {
    /// The variable with the path of the file; without it the service exits.
    pub env: Option<String>,
    /// The flag with the path of the file.
    pub flag: Option<String>,
    /// The usual path.
    pub path: String,
    /// Whether the service reads the usual path if no other path is set.
    #[serde(default)]
    pub default: bool,
    /// Whether the service starts with defaults if the file does not exist.
    #[serde(default)]
    pub optional: bool,
    /// Flags that are often set for the path but that the program does not read.
    #[serde(default)]
    pub ignored_flags: Vec<String>,
}

/// The environment variables of a service.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Environment {
    /// All variables it reads; if empty, they are not known.
    #[serde(default)]
    pub read: Vec<String>,
    /// The variables it requires to start.
    #[serde(default)]
    pub required: Vec<String>,
}

/// The access of clients that a service checks with a SubjectAccessReview.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Authorization {
    /// The API group of the resource; the core group by default.
    #[serde(default)]
    pub api_group: String,
    /// The resource: `services`.
    pub resource: String,
    /// The name of the object.
    pub resource_name: String,
    /// The verbs that every client must be allowed.
    pub verbs: Vec<String>,
    /// The ClusterRole intended for clients.
    pub cluster_role: String,
}

/// A permission that the role of a service's ServiceAccount must grant.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Permission {
    /// The API group; the core group by default.
    #[serde(default)]
    pub api_group: String,
    /// The resources.
    pub resources: Vec<String>,
    /// The verbs.
    pub verbs: Vec<String>,
    /// What the service uses it for.
    #[serde(default)]
    pub purpose: String,
    /// The first version that needs it.
    pub since: Option<Version>,
    /// The last version that needs it.
    pub until: Option<Version>,
    /// The config key that must be `true` for the permission to be needed.
    pub when: Option<String>,
}

/// A dependency that a service connects to.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dependency {
    /// Its name in messages: `PostgreSQL`.
    pub name: String,
    /// `postgresql`, `redis` or another word, which determines the known variables of the database.
    pub kind: String,
    /// The usual names of its Kubernetes Service.
    #[serde(default)]
    pub services: Vec<String>,
    /// The config key with its host.
    pub host_key: Option<String>,
    /// The config key with its port.
    pub port_key: Option<String>,
    /// The config key with its `host:port`.
    pub address_key: Option<String>,
    /// The config key with the name of the database.
    pub database_key: Option<String>,
    /// The config key with the name of the user.
    pub user_key: Option<String>,
    /// Whether it is required.
    #[serde(default)]
    pub required: bool,
    /// Whether the service exits if it is unavailable at startup.
    #[serde(default)]
    pub stops_without: bool,
}

/// The tables a service uses.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tables {
    /// The tables that are always required.
    #[serde(default)]
    pub required: Vec<String>,
    /// The tables that are only required for some features.
    #[serde(default)]
    pub optional: Vec<String>,
}

/// A format of a service's config.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dialect {
    /// Its name: `snake_case`.
    pub name: String,
    /// The first version with this format.
    pub since: Option<Version>,
    /// The last version with this format.
    pub until: Option<Version>,
    /// The other known services that it is a client of.
    #[serde(default)]
    pub clients: Vec<Client>,
    /// The ports it listens on.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    /// All keys of the config by their dotted paths.
    #[serde(default)]
    pub config: BTreeMap<String, Key>,
}

/// Another known service that a service calls.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Client {
    /// The name of the other service's description.
    pub of: String,
    /// The config key with the URL.
    pub key: Option<String>,
    /// The variable with the URL.
    pub env: Option<String>,
    /// The flag with the URL.
    pub flag: Option<String>,
    /// The default URL; `None` if the service exits without a URL.
    pub default: Option<String>,
    /// Whether the service only calls the other one if a URL is set.
    #[serde(default)]
    pub optional: bool,
}

/// A port a service listens on.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoint {
    /// The config key that sets it.
    pub key: Option<String>,
    /// The flag that sets it.
    pub flag: Option<String>,
    /// The default port.
    pub default: u16,
    /// The served paths; one that ends in `*` includes all paths below.
    #[serde(default)]
    pub paths: Vec<String>,
    /// The paths for readiness probes.
    #[serde(default)]
    pub ready: Vec<String>,
    /// The paths for liveness probes.
    #[serde(default)]
    pub live: Vec<String>,
    /// The first version with this endpoint.
    pub since: Option<Version>,
    /// The last version with this endpoint.
    pub until: Option<Version>,
}

/// A config key.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Key {
    /// The type of its value.
    #[serde(rename = "type")]
    pub kind: KeyType,
    /// Whether the service exits without it.
    #[serde(default)]
    pub required: bool,
    /// The default value.
    pub default: Option<String>,
    /// The first version that reads it.
    pub since: Option<Version>,
    /// The last version that reads it.
    pub until: Option<Version>,
    /// Another key that replaces this one.
    pub unless: Option<String>,
    /// For a `secretKey`: the config key with the path of the file.
    pub of: Option<String>,
    /// The minimum of a `port` or `int`.
    pub min: Option<i64>,
    /// The values of a `choice`.
    #[serde(default)]
    pub values: Vec<String>,
    /// Whether the case of a `choice` does not matter.
    #[serde(default)]
    pub any_case: bool,
    /// For a `duration`: whether an empty string is rejected.
    #[serde(default)]
    pub filled: bool,
    /// For a `duration` or `int`: whether it must be greater than zero.
    #[serde(default)]
    pub positive: bool,
    /// For a `text` or `secretKey`: whether the service inserts the value unquoted into a connection string.
    #[serde(default)]
    pub unquoted: bool,
}

/// The type of a config value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum KeyType {
    /// Any value, including a section.
    #[default]
    Any,
    /// A string.
    Text,
    /// An integer.
    Int,
    /// A port.
    Port,
    /// A Go duration such as `30s`.
    Duration,
    /// One of several words.
    Choice,
    /// A host to connect to.
    Host,
    /// `host:port` to connect to.
    Address,
    /// An address to listen on.
    Listen,
    /// The URL of another service.
    Url,
    /// `true` or `false`.
    Boolean,
    /// The path of a directory with a certificate and its key.
    CertificateDirectory,
    /// The path of a file with secrets.
    SecretFile,
    /// A key in a file with secrets.
    SecretKey,
}

impl Service {
    /// The dialect of a config: among those of the version, if given, the one with the most keys of the config, else
    /// the first.
    #[must_use]
    pub fn dialect_of(&self, config: &Node, version: Option<&Version>) -> Option<&Dialect> {
        let leaves = leaves(config);
        let mut best: Option<(&Dialect, usize)> = None;
        for dialect in self.dialects_of(version) {
            let known = leaves.iter().filter(|(path, _)| dialect.config.contains_key(path)).count();
            if best.is_none_or(|(_, most)| known > most) {
                best = Some((dialect, known));
            }
        }
        best.map(|(dialect, _)| dialect)
    }

    /// The dialects of a version; all if no version is given or no dialect applies to it.
    pub fn dialects_of<'s>(&'s self, version: Option<&Version>) -> impl Iterator<Item = &'s Dialect> {
        let holds = |dialect: &Dialect| {
            version.is_none_or(|version| version.is_within(dialect.since.as_ref(), dialect.until.as_ref()))
        };
        let any = self.dialects.iter().any(holds);
        let holding: Vec<&Dialect> = self.dialects.iter().filter(|dialect| !any || holds(dialect)).collect();
        holding.into_iter()
    }

    /// The usual path of its config file.
    #[must_use]
    pub fn config_path(&self) -> &str {
        self.config_file.as_ref().map_or("", |file| &file.path)
    }

    /// The file name of its config, which is the key in a ConfigMap.
    #[must_use]
    pub fn config_key(&self) -> &str {
        self.config_path().rsplit('/').next().unwrap_or_default()
    }
}
