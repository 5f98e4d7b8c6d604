//! The format of a service description. `docs/services.md` documents it for people.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::formats::version::Version;
use crate::node::Node;
use crate::service::leaves;

/// What is known of one service.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    /// Its name as people say it: `DataStorage`.
    pub name: String,
    /// Public pages that the facts are taken from.
    #[serde(default)]
    pub sources: Vec<String>,
    /// How its containers are recognized.
    pub recognize: Recognize,
    /// The names its Kubernetes Service goes by.
    #[serde(default)]
    pub services: Vec<String>,
    /// The image it has where it is built locally, without tag.
    pub image: Option<String>,
    /// The config file it reads; left out for a service that reads none.
    pub config_file: Option<ConfigFile>,
    /// The variables it reads.
    #[serde(default)]
    pub environment: Environment,
    /// How long it takes until it answers, in seconds, when all it depends on is there.
    pub startup_seconds: Option<u32>,
    /// What it connects to.
    #[serde(default)]
    pub dependencies: Vec<Dependency>,
    /// The tables it needs.
    #[serde(default)]
    pub tables: Tables,
    /// What it asks the API server whether its clients may do, before it answers them.
    pub authorization: Option<Authorization>,
    /// What the role of its ServiceAccount must allow.
    #[serde(default)]
    pub permissions: Vec<Permission>,
    /// Config keys that are often written and never read, each with what to do instead.
    #[serde(default)]
    pub not_read: BTreeMap<String, String>,
    /// The forms its config has had: keys, ports and paths of each. The first is assumed where nothing tells.
    #[serde(default)]
    pub dialects: Vec<Dialect>,
}

/// How the containers of a service are recognized; one match is enough.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recognize {
    /// Last parts of image names: `datastorage` for `quay.io/acme/datastorage:v1`.
    #[serde(default)]
    pub images: Vec<String>,
    /// Names of containers.
    #[serde(default)]
    pub containers: Vec<String>,
    /// Names of workloads; they count where the pod has one container.
    #[serde(default)]
    pub workloads: Vec<String>,
    /// Beginnings of the config file's path, in the variable or flag that names it.
    #[serde(default)]
    pub path_prefixes: Vec<String>,
    /// Config keys that no other service has: a config file with one of them is the service's, whatever reads it.
    #[serde(default)]
    pub config_keys: Vec<String>,
    /// For a service whose names are common words: one of these must stand in the image, the namespace or a label, or the
    /// config must have keys of a dialect.
    #[serde(default)]
    pub context: Vec<String>,
}

/// The config file of a service.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigFile {
    /// The variable that names the file; without it the service stops.
    pub env: Option<String>,
    /// The flag that names the file, for a service that reads one.
    pub flag: Option<String>,
    /// The path it usually has.
    pub path: String,
    /// Whether the service reads that path where nothing names another.
    #[serde(default)]
    pub default: bool,
    /// Whether the service starts with defaults where the file is not there.
    #[serde(default)]
    pub optional: bool,
    /// Flags that are often given for it and that the program does not read.
    #[serde(default)]
    pub ignored_flags: Vec<String>,
}

/// The variables a service reads.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Environment {
    /// All variables it reads. Empty: not known, nothing is said about others.
    #[serde(default)]
    pub read: Vec<String>,
    /// Those it does not start without.
    #[serde(default)]
    pub required: Vec<String>,
}

/// What a service asks the API server whether a client may do (a SubjectAccessReview).
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Authorization {
    /// The API group of the resource; the core group where left out.
    #[serde(default)]
    pub api_group: String,
    /// The resource: `services`.
    pub resource: String,
    /// The name of the object.
    pub resource_name: String,
    /// The verbs that every client needs.
    pub verbs: Vec<String>,
    /// The ClusterRole that is meant for clients.
    pub cluster_role: String,
}

/// What the role of a service's ServiceAccount must allow.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Permission {
    /// The API group; the core group where left out.
    #[serde(default)]
    pub api_group: String,
    /// The resources.
    pub resources: Vec<String>,
    /// The verbs.
    pub verbs: Vec<String>,
    /// What does not work without it.
    #[serde(default)]
    pub purpose: String,
    /// The first version that needs it; all do where left out.
    pub since: Option<Version>,
    /// The last version that needs it.
    pub until: Option<Version>,
    /// The config key that must be `true` for it to be needed.
    pub when: Option<String>,
}

/// Something a service connects to.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dependency {
    /// Its name as people say it: `PostgreSQL`.
    pub name: String,
    /// `postgresql`, `redis` or another word; the databases' own variables are known by it.
    pub kind: String,
    /// The names its Kubernetes Service usually goes by.
    #[serde(default)]
    pub services: Vec<String>,
    /// The config key that holds its host.
    pub host_key: Option<String>,
    /// The config key that holds its port.
    pub port_key: Option<String>,
    /// The config key that holds `host:port`.
    pub address_key: Option<String>,
    /// The config key that holds the database's name.
    pub database_key: Option<String>,
    /// The config key that holds the user's name.
    pub user_key: Option<String>,
    /// Whether it is needed at all.
    #[serde(default)]
    pub required: bool,
    /// Whether the service ends when it is away during start.
    #[serde(default)]
    pub stops_without: bool,
}

/// The tables a service needs.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tables {
    /// Needed by everyone who runs it.
    #[serde(default)]
    pub required: Vec<String>,
    /// Needed by some.
    #[serde(default)]
    pub optional: Vec<String>,
}

/// One form of a service's config.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dialect {
    /// Its name: `snake_case`.
    pub name: String,
    /// The first version whose config has this form.
    pub since: Option<Version>,
    /// The last version whose config has this form.
    pub until: Option<Version>,
    /// The other known services that it is a client of.
    #[serde(default)]
    pub clients: Vec<Client>,
    /// The ports it listens on.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    /// All keys of the config, each with the dots of its path.
    #[serde(default)]
    pub config: BTreeMap<String, Key>,
}

/// How a service is told where another known service is.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Client {
    /// The name of the other service's description.
    pub of: String,
    /// The config key that holds the URL.
    pub key: Option<String>,
    /// The variable that holds the URL.
    pub env: Option<String>,
    /// The flag that holds the URL.
    pub flag: Option<String>,
    /// The URL it uses where nothing says one; none where it stops instead.
    pub default: Option<String>,
    /// Whether it is a client only where something says a URL.
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
    /// The port where the key is not set.
    pub default: u16,
    /// The paths it serves; one that ends in `*` stands for all below.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Those of them that say whether it can serve requests, for a readiness probe.
    #[serde(default)]
    pub ready: Vec<String>,
    /// Those of them that say whether it is alive, for a liveness probe.
    #[serde(default)]
    pub live: Vec<String>,
    /// The first version that listens so.
    pub since: Option<Version>,
    /// The last version that listens so.
    pub until: Option<Version>,
}

/// One key of a config.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Key {
    /// What its value is.
    #[serde(rename = "type")]
    pub kind: KeyType,
    /// Whether the service stops without it.
    #[serde(default)]
    pub required: bool,
    /// The value where nothing sets one.
    pub default: Option<String>,
    /// The first version that reads it.
    pub since: Option<Version>,
    /// The last version that reads it.
    pub until: Option<Version>,
    /// Another key that makes this one needless.
    pub unless: Option<String>,
    /// For a `secretKey`: the key that names the file it is looked up in.
    pub of: Option<String>,
    /// The least value of a `port` or `int`.
    pub min: Option<i64>,
    /// The values of a `choice`.
    #[serde(default)]
    pub values: Vec<String>,
    /// Whether the case of a `choice` does not matter.
    #[serde(default)]
    pub any_case: bool,
    /// For a `duration`: whether an empty string is refused where the key stands.
    #[serde(default)]
    pub filled: bool,
    /// For a `duration` or `int`: whether it must be greater than zero.
    #[serde(default)]
    pub positive: bool,
    /// For a `text` or `secretKey`: whether the service writes the value unquoted into a connection string of words.
    #[serde(default)]
    pub unquoted: bool,
}

/// What the value of a config key is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum KeyType {
    /// Anything, a section included.
    #[default]
    Any,
    /// A text.
    Text,
    /// A whole number.
    Int,
    /// A port.
    Port,
    /// A Go duration such as `30s`.
    Duration,
    /// One of a few words.
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
    /// The path of a folder with a certificate and its key.
    CertificateDirectory,
    /// The path of a file with secrets.
    SecretFile,
    /// A key in a file with secrets.
    SecretKey,
}

impl Service {
    /// The dialect a config is written in: of those of the version, where one is given, the one that knows more of its
    /// keys. The first where nothing tells.
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

    /// The dialects that a version has; all where none is given, or none has it.
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

    /// The file name of its config: the key a ConfigMap holds it under.
    #[must_use]
    pub fn config_key(&self) -> &str {
        self.config_path().rsplit('/').next().unwrap_or_default()
    }
}
