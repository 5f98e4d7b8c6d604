//! Service descriptions: facts about the programs of services, as data.
//!
//! A description contains the config file of a service and its keys, the variables, ports and paths, and what it
//! requires to start. The rules of the family `wiring` use them; a project can add its own services with
//! `services/*.yaml`. The format is documented in `docs/services.md`.
//!
//! A built-in description is parsed when a container is first recognized by its signs, which are compiled in.

mod description;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

pub use description::{
    Authorization, Client, ConfigFile, Dependency, Dialect, Endpoint, Environment, Key, KeyType, Permission, Recognize,
    Service, Tables,
};

use crate::built_in::{self, SERVICE_SIGNS, ServiceSigns};
use crate::finding::{Finding, RuleId};
use crate::formats::version::Version;
use crate::node::{Node, Value};
use crate::source::{FileId, Sources};
use crate::suggest;
use crate::yaml::{self, Dialect as YamlDialect};

/// The known services of a run. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Services(Arc<ServiceRegistry>);

#[derive(Debug, Clone)]
struct ServiceRegistry {
    descriptions: Vec<Description>,
    /// The configured versions by the name of the service; the empty name stands for all others.
    versions: BTreeMap<String, Version>,
}

/// A service description, which may not be parsed yet.
#[derive(Debug, Clone)]
pub struct Description(Origin);

#[derive(Debug, Clone)]
enum Origin {
    /// The index of a built-in description.
    BuiltIn(usize),
    Own(Box<Service>),
}

/// What a service is recognized by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// The last segment of an image's repository.
    Image,
    /// The name of a container.
    Container,
    /// The name of a workload.
    Workload,
    /// The name of a Kubernetes Service.
    Service,
}

/// The parsed built-in descriptions.
static PARSED: LazyLock<Vec<OnceLock<Service>>> =
    LazyLock::new(|| SERVICE_SIGNS.iter().map(|_| OnceLock::new()).collect());

static BUILT_IN: LazyLock<Services> = LazyLock::new(|| {
    let descriptions = (0..SERVICE_SIGNS.len()).map(|at| Description(Origin::BuiltIn(at))).collect();
    Services(Arc::new(ServiceRegistry { descriptions, versions: BTreeMap::new() }))
});

impl Default for Services {
    fn default() -> Self {
        BUILT_IN.clone()
    }
}

impl Description {
    /// The parsed description.
    #[must_use]
    pub fn service(&self) -> &Service {
        match &self.0 {
            Origin::Own(service) => service,
            Origin::BuiltIn(at) => PARSED[*at].get_or_init(|| read_built_in(&SERVICE_SIGNS[*at])),
        }
    }

    /// The name of the service.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.0 {
            Origin::Own(service) => &service.name,
            Origin::BuiltIn(at) => SERVICE_SIGNS[*at].name,
        }
    }

    /// Whether the service is recognized by a name.
    #[must_use]
    pub fn has(&self, sign: Sign, name: &str) -> bool {
        match &self.0 {
            Origin::Own(service) => {
                let Recognize { images, containers, workloads, .. } = &service.recognize;
                let names = match sign {
                    Sign::Image => images,
                    Sign::Container => containers,
                    Sign::Workload => workloads,
                    Sign::Service => &service.services,
                };
                names.iter().any(|known| known == name)
            }
            Origin::BuiltIn(at) => {
                let signs = &SERVICE_SIGNS[*at];
                let names = match sign {
                    Sign::Image => signs.images,
                    Sign::Container => signs.containers,
                    Sign::Workload => signs.workloads,
                    Sign::Service => signs.services,
                };
                names.contains(&name)
            }
        }
    }

    /// The variable and the flag with the path of its config file.
    #[must_use]
    pub fn named_by(&self) -> (Option<&str>, Option<&str>) {
        match &self.0 {
            Origin::Own(service) => {
                let file = service.config_file.as_ref();
                (file.and_then(|file| file.env.as_deref()), file.and_then(|file| file.flag.as_deref()))
            }
            Origin::BuiltIn(at) => {
                let set = |name: &'static str| Some(name).filter(|name| !name.is_empty());
                (set(SERVICE_SIGNS[*at].variable), set(SERVICE_SIGNS[*at].flag))
            }
        }
    }

    /// Whether the service is recognized by the path of a config file.
    #[must_use]
    pub fn has_path(&self, path: &str) -> bool {
        match &self.0 {
            Origin::Own(service) => {
                service.recognize.path_prefixes.iter().any(|prefix| path.starts_with(prefix.as_str()))
            }
            Origin::BuiltIn(at) => SERVICE_SIGNS[*at].path_prefixes.iter().any(|prefix| path.starts_with(prefix)),
        }
    }

    /// Whether it authorizes its clients.
    #[must_use]
    pub fn authorizes(&self) -> bool {
        match &self.0 {
            Origin::Own(service) => service.authorization.is_some(),
            Origin::BuiltIn(at) => SERVICE_SIGNS[*at].authorizes,
        }
    }

    /// The config keys that only this service has.
    pub fn config_keys(&self) -> impl Iterator<Item = &str> {
        let (own, built_in) = match &self.0 {
            Origin::Own(service) => (service.recognize.config_keys.as_slice(), &[][..]),
            Origin::BuiltIn(at) => (&[][..], SERVICE_SIGNS[*at].config_keys),
        };
        own.iter().map(String::as_str).chain(built_in.iter().copied())
    }

    /// The words of which one is required in addition to a name; empty if a name is sufficient.
    pub fn context(&self) -> impl Iterator<Item = &str> {
        let (own, built_in) = match &self.0 {
            Origin::Own(service) => (service.recognize.context.as_slice(), &[][..]),
            Origin::BuiltIn(at) => (&[][..], SERVICE_SIGNS[*at].context),
        };
        own.iter().map(String::as_str).chain(built_in.iter().copied())
    }
}

/// Parses a built-in description. A test ensures that all of them are valid.
fn read_built_in(signs: &ServiceSigns) -> Service {
    let sources = Sources::new();
    let file = sources.add(signs.path, built_in::text(signs.path).unwrap_or_default());
    Services::read(&sources, file).ok().and_then(|services| services.into_iter().next()).unwrap_or_default()
}

impl Services {
    /// All descriptions.
    pub fn iter(&self) -> std::slice::Iter<'_, Description> {
        self.0.descriptions.iter()
    }

    /// The description with a name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Service> {
        self.iter().find(|description| description.name() == name).map(Description::service)
    }

    /// Adds descriptions; those with the name of a built-in service replace it.
    #[must_use]
    pub fn with(&self, more: Vec<Service>) -> Self {
        let kept = self.iter().filter(|known| more.iter().all(|other| other.name != known.name())).cloned();
        let own = more.iter().cloned().map(|service| Description(Origin::Own(Box::new(service))));
        Self(Arc::new(ServiceRegistry { descriptions: kept.chain(own).collect(), versions: self.0.versions.clone() }))
    }

    /// Sets the version of a service, or of all if the name is empty.
    #[must_use]
    pub fn with_version(&self, name: &str, version: Version) -> Self {
        let mut known = ServiceRegistry::clone(&self.0);
        if name.is_empty() {
            known.versions.clear();
        }
        known.versions.insert(name.to_owned(), version);
        Self(Arc::new(known))
    }

    /// Parses the version of a known service, or of all if the name is empty.
    ///
    /// # Errors
    /// If the version is invalid, or the service is not known.
    pub fn read_version(&self, name: &str, version: &str) -> Result<Version, String> {
        let names = || self.iter().map(|known| known.name());
        if !name.is_empty() && !names().any(|known| known == name) {
            let near = suggest::nearest(name, names());
            let help =
                near.map_or_else(|| suggest::list(names().collect::<Vec<_>>(), "or"), |near| format!("`{near}`"));
            return Err(format!("unknown service `{name}`: expected {help}"));
        }
        version.parse()
    }

    /// The configured version of a service.
    #[must_use]
    pub fn version_of(&self, service: &Service) -> Option<&Version> {
        self.0.versions.get(&service.name).or_else(|| self.0.versions.get(""))
    }

    /// Parses the descriptions in a file of a project, one in each document.
    ///
    /// # Errors
    /// If the YAML is invalid, a field is not known, or a value has the wrong type.
    pub fn read(sources: &Sources, file: FileId) -> Result<Vec<Service>, Vec<Finding>> {
        let loaded = yaml::load(sources, file, YamlDialect::Strict);
        let mut findings = loaded.findings;
        let mut services = Vec::new();
        for document in &loaded.documents {
            match yaml::from_node(document) {
                Ok(service) => services.push(service),
                Err(error) => {
                    let span = document.entries().first().map_or(document.origin.span, |entry| entry.key_span);
                    let message = format!("invalid service description: {error}");
                    findings.push(Finding::error(RuleId::ServiceDescription, span, message));
                }
            }
        }
        if findings.is_empty() { Ok(services) } else { Err(findings) }
    }
}

/// The leaves of a tree with their dotted paths. An empty section is a leaf.
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

/// The node at a dotted path; the absent node if it does not exist.
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
    fn built_in_descriptions_are_valid_and_match_their_signs() {
        assert!(SERVICE_SIGNS.len() > 1);
        for signs in SERVICE_SIGNS {
            let text = built_in::text(signs.path).unwrap();
            let loaded = yaml::load_text(text, FileId(0), YamlDialect::Strict);
            assert!(loaded.findings.is_empty(), "{}: {:?}", signs.path, loaded.findings);
            let service = yaml::from_node::<Service>(&loaded.documents[0]).unwrap();
            assert_eq!(service.name, signs.name);
            let Recognize { images, containers, workloads, path_prefixes, config_keys, context } = &service.recognize;
            assert_eq!(images, signs.images);
            assert_eq!(containers, signs.containers);
            assert_eq!(workloads, signs.workloads);
            assert_eq!(path_prefixes, signs.path_prefixes);
            assert_eq!(config_keys, signs.config_keys);
            assert_eq!(context, signs.context);
            assert_eq!(service.services, signs.services);
            assert_eq!(service.authorization.is_some(), signs.authorizes);
            assert!(
                config_keys.iter().all(|key| service.dialects.iter().any(|d| d.config.contains_key(key))),
                "{}",
                signs.path
            );
            for dialect in &service.dialects {
                let key = |key: &Option<String>| key.as_ref().is_none_or(|key| dialect.config.contains_key(key));
                assert!(dialect.clients.iter().all(|client| key(&client.key)), "{}: {}", signs.path, dialect.name);
                assert!(dialect.endpoints.iter().all(|end| key(&end.key)), "{}: {}", signs.path, dialect.name);
                assert!(dialect.clients.iter().all(|client| Services::default().named(&client.of).is_some()));
            }
        }
    }

    #[test]
    fn a_version_restricts_the_dialects() {
        let services = Services::default();
        let service = services.named("DataStorage").unwrap();
        let name = |version: &str| {
            let version: Version = version.parse().unwrap();
            service.dialect_of(&config("server: {port: 8080}"), Some(&version)).unwrap().name.clone()
        };
        assert_eq!((name("0.9").as_str(), name("1.4.0").as_str()), ("snake_case", "camelCase"));
    }

    #[test]
    fn the_dialect_is_recognized_by_the_config() {
        let services = Services::default();
        let service = services.named("DataStorage").unwrap();
        let name = |text| service.dialect_of(&config(text), None).unwrap().name.clone();
        assert_eq!(name("server: {port: 8080}"), "snake_case");
        assert_eq!(name("server: {port: 8080}\ndatabase: {ssl_mode: disable}"), "snake_case");
        assert_eq!(
            name("server: {port: 8080, read_timeout: 1s}\ndatabase: {sslMode: x, maxOpenConns: 1}"),
            "camelCase"
        );
    }

    #[test]
    fn a_project_can_add_services() {
        let sources = Sources::new();
        let file = sources.add("services/gateway.yaml", "name: Gateway\nrecognize: {images: [gateway]}\n");
        let services = Services::default().with(Services::read(&sources, file).unwrap());
        assert_eq!(services.iter().count(), SERVICE_SIGNS.len());
        let file = sources.add("services/bad.yaml", "name: Gateway\nrecognise: {}\n");
        let findings = Services::read(&sources, file).unwrap_err();
        assert!(findings[0].message.contains("recognise"), "{findings:?}");
    }
}
