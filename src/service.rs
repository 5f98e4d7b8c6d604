//! Service descriptions: what is known of a service's program, as data.
//!
//! Which file it reads and who tells it where, which keys that file has, which variables, ports and paths it knows,
//! what it cannot start without. The rules of the family `wiring` take all such knowledge from here; a project adds
//! its own services with `services/*.yaml`. The format is described in `docs/services.md`.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::finding::{Finding, RuleId};
use crate::node::{Node, Value};
use crate::source::{FileId, Sources};
use crate::yaml::{self, Dialect as YamlDialect};

/// The description of DataStorage, as embedded.
pub const DATASTORAGE: &str = include_str!("../services/datastorage.yaml");

/// The known services of a run; cheap to clone.
#[derive(Debug, Clone)]
pub struct Services(Arc<Vec<Service>>);

/// What is known of one service.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    /// Its name as people say it: `DataStorage`.
    pub name: String,
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
    /// Beginnings of the config file's path, in the variable that names it.
    #[serde(default)]
    pub path_prefixes: Vec<String>,
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
    /// The ports it listens on.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    /// All keys of the config, each with the dots of its path.
    #[serde(default)]
    pub config: BTreeMap<String, Key>,
}

/// A port a service listens on.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoint {
    /// The config key that sets it.
    pub key: Option<String>,
    /// The port where the key is not set.
    pub default: u16,
    /// The paths it serves; one that ends in `*` stands for all below.
    #[serde(default)]
    pub paths: Vec<String>,
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
    /// For a `duration`: whether the empty text is refused where the key stands.
    #[serde(default)]
    pub filled: bool,
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
    /// The path of a file with secrets.
    SecretFile,
    /// A key in a file with secrets.
    SecretKey,
}

static EMBEDDED: LazyLock<Services> = LazyLock::new(|| {
    let sources = Sources::new();
    let file = sources.add("services/datastorage.yaml", DATASTORAGE);
    Services(Arc::new(Services::read(&sources, file).unwrap_or_default()))
});

impl Default for Services {
    fn default() -> Self {
        EMBEDDED.clone()
    }
}

impl Services {
    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Service> {
        self.0.iter()
    }

    /// These and more; a description of an embedded service's name takes its place.
    #[must_use]
    pub fn with(&self, more: Vec<Service>) -> Self {
        let kept = self.iter().filter(|service| more.iter().all(|other| other.name != service.name)).cloned();
        Self(Arc::new(kept.chain(more.iter().cloned()).collect()))
    }

    /// Reads the descriptions in a file of a project, one a document.
    ///
    /// # Errors
    /// What is wrong with the file: its YAML, a field that does not exist, a value of a wrong type.
    pub fn read(sources: &Sources, file: FileId) -> Result<Vec<Service>, Vec<Finding>> {
        let loaded = yaml::load(sources, file, YamlDialect::Strict);
        let mut findings = loaded.findings;
        let mut services = Vec::new();
        for document in &loaded.documents {
            match yaml::from_node(document) {
                Ok(service) => services.push(service),
                Err(error) => {
                    let span = document.entries().first().map_or(document.origin.span, |entry| entry.key_span);
                    let message = format!("this is no service description: {error}");
                    findings.push(Finding::error(RuleId::ServiceDescription, span, message));
                }
            }
        }
        if findings.is_empty() { Ok(services) } else { Err(findings) }
    }
}

impl Service {
    /// The dialect a config is written in: the one that knows more of its keys. The first where nothing tells.
    #[must_use]
    pub fn dialect_of(&self, config: &Node) -> Option<&Dialect> {
        let leaves = leaves(config);
        let mut best: Option<(&Dialect, usize)> = None;
        for dialect in &self.dialects {
            let known = leaves.iter().filter(|(path, _)| dialect.config.contains_key(path)).count();
            if best.is_none_or(|(_, most)| known > most) {
                best = Some((dialect, known));
            }
        }
        best.map(|(dialect, _)| dialect)
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

/// The leaves of a tree, each with the dots of its path; an empty section is a leaf.
#[must_use]
pub fn leaves(node: &Node) -> Vec<(String, &Node)> {
    fn walk<'a>(node: &'a Node, path: &str, found: &mut Vec<(String, &'a Node)>) {
        for entry in node.entries() {
            let path = if path.is_empty() { entry.key.to_string() } else { [path, ".", &entry.key].concat() };
            if matches!(&entry.value.value, Value::Mapping(mapping) if !mapping.is_empty()) {
                walk(&entry.value, &path, found);
            } else {
                found.push((path, &entry.value));
            }
        }
    }
    let mut found = Vec::new();
    walk(node, "", &mut found);
    found
}

/// The node at the end of a dotted path; the static null where there is none.
#[must_use]
pub fn at<'a>(node: &'a Node, path: &str) -> &'a Node {
    path.split('.').fold(node, |node, key| &node[key])
}

/// The JSON Schema of a description.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Service).to_value()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn config(text: &str) -> Node {
        yaml::load_text(text, FileId(0), YamlDialect::Kubectl).documents.remove(0)
    }

    #[test]
    fn the_embedded_description_is_read() {
        let loaded = yaml::load_text(DATASTORAGE, FileId(0), YamlDialect::Strict);
        assert!(loaded.findings.is_empty(), "{:?}", loaded.findings);
        yaml::from_node::<Service>(&loaded.documents[0]).unwrap();
        let services = Services::default();
        let service = services.iter().next().unwrap();
        assert_eq!(service.name, "DataStorage");
        assert_eq!(service.config_key(), "config.yaml");
        assert!(service.dialects.iter().all(|dialect| dialect.config.len() > 20));
    }

    #[test]
    fn a_config_tells_its_dialect() {
        let services = Services::default();
        let service = services.iter().next().unwrap();
        let name = |text| service.dialect_of(&config(text)).unwrap().name.clone();
        assert_eq!(name("server: {port: 8080}"), "snake_case");
        assert_eq!(name("server: {port: 8080}\ndatabase: {ssl_mode: disable}"), "snake_case");
        assert_eq!(
            name("server: {port: 8080, read_timeout: 1s}\ndatabase: {sslMode: x, maxOpenConns: 1}"),
            "camelCase"
        );
    }

    #[test]
    fn a_project_may_describe_its_own() {
        let sources = Sources::new();
        let file = sources.add("services/gateway.yaml", "name: Gateway\nrecognize: {images: [gateway]}\n");
        let services = Services::default().with(Services::read(&sources, file).unwrap());
        assert_eq!(services.iter().count(), 2);
        let file = sources.add("services/bad.yaml", "name: Gateway\nrecognise: {}\n");
        let findings = Services::read(&sources, file).unwrap_err();
        assert!(findings[0].message.contains("recognise"), "{findings:?}");
    }
}
