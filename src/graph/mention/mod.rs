//! Hosts in strings, with their location and target.

mod commands;
mod data;

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use foldhash::HashSet;

use crate::graph::{Graph, kind_of};
use crate::node::Node;
use crate::object::Object;
use crate::path::address;
use crate::text::scan::{self, Form, Found};

use commands::{command_mentions, env_mentions};
use data::{Configs, Secrets, data_mentions};

/// A host in a string.
#[derive(Debug, Clone)]
pub struct Mention<'a> {
    /// The object that contains it.
    pub object: &'a Object,
    /// The scalar that contains it.
    pub node: &'a Node,
    /// The byte range of the host in the scalar; `None` if the scalar was decoded or expanded first.
    pub range: Option<Range<usize>>,
    /// The byte range of the port, if it follows the host.
    pub port_range: Option<Range<usize>>,
    /// The byte range of the scheme.
    pub scheme_range: Option<Range<usize>>,
    /// The host.
    pub host: String,
    /// The port: after the host, or in the corresponding variable or field.
    pub port: Option<u16>,
    /// The scheme of a URL.
    pub scheme: Option<String>,
    /// Its notation.
    pub form: Form,
    /// Whether it is certainly a host.
    pub sure: bool,
    /// Its location.
    pub location: MentionLocation<'a>,
    /// The index of the pod whose template contains it.
    pub pod: Option<usize>,
    /// The index of the container in that pod.
    pub container: Option<usize>,
    /// Whether it is the expansion of a variable that is a mention itself.
    pub repeated: bool,
    /// The secrets in the data that contains it, shared by all mentions there.
    secrets: Option<Arc<OnceLock<Secrets>>>,
    /// Its target.
    pub target: Target,
}

/// The location of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MentionLocation<'a> {
    /// In an environment variable with that name.
    Env(Cow<'a, str>),
    /// In `command` or `args`.
    Command {
        /// Whether the command only checks whether the host is available.
        availability_check: bool,
    },
    /// In a ConfigMap or Secret: the key, and the path in the file; empty if the file is not a tree.
    Data(&'a str, String),
    /// In a field of the object.
    Field,
}

/// The target of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A Service among the manifests.
    Service(usize),
    /// A name that only a Service in another namespace has.
    OtherNamespace {
        /// The index of that Service.
        service: usize,
        /// The namespace that the host refers to.
        namespace: String,
    },
    /// A Service that is not among the manifests.
    Missing {
        /// The name of the Service.
        name: String,
        /// The namespace of the Service.
        namespace: String,
        /// Whether the host contains the namespace.
        written: bool,
    },
    /// An external, local, declared or unknown host.
    Outside,
}

impl Mention<'_> {
    /// The host, redacted if it is part of a secret.
    #[must_use]
    pub fn shown(&self) -> String {
        if self.is_secret() { crate::secret::REDACTED.to_owned() } else { self.host.clone() }
    }

    /// Whether it is part of a secret.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        let named = matches!(&self.location, MentionLocation::Env(name) if crate::secret::is_secret_name(name));
        let is_within = |secrets: &Arc<OnceLock<Secrets>>| {
            secrets.get_or_init(|| Secrets::of(self.node.text())).contains(&self.host, self.range.as_ref())
        };
        crate::secret::is_of_secret(&self.object.node)
            || named
            || self.node.origin.is_secret()
            || self.secrets.as_ref().is_some_and(is_within)
    }
}

/// Whether a name is likely that of a namespace.
fn is_known_namespace(name: &str) -> bool {
    matches!(name, "default" | "kube-system" | "kube-public" | "monitoring" | "observability" | "istio-system")
        || name.contains('-')
}

/// Whether a host is local or an IP address.
fn is_local(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.ends_with(".local") && !host.ends_with(".cluster.local")
        || host.ends_with(".internal")
        || host.ends_with(".invalid")
        || host.parse::<IpAddr>().is_ok()
        || host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Whether a host is declared as external (`host` or `host:port`). A short name also matches its qualified names.
#[must_use]
pub fn is_declared(externals: &[String], host: &str, port: Option<u16>) -> bool {
    externals.iter().any(|external| {
        let (name, declared) = external
            .rsplit_once(':')
            .map_or((external.as_str(), None), |(name, port)| (name, port.parse::<u16>().ok()));
        let same = name.eq_ignore_ascii_case(host)
            || host
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('.') && (rest.contains(".svc") || rest.matches('.').count() == 1))
            || name.strip_suffix(".svc.cluster.local") == Some(host)
            || name.strip_suffix(".svc.cluster.local") == host.strip_suffix(".svc") && host.ends_with(".svc");
        same && (declared.is_none() || port.is_none() || declared == port)
    })
}

/// Whether an object is declared as existing (`Kind/name`).
#[must_use]
pub fn is_declared_object(externals: &[String], kind: &str, name: &str) -> bool {
    externals.iter().any(|external| external.split_once('/') == Some((kind, name)))
}

/// The source of a mention.
struct MentionSource<'a> {
    object: &'a Object,
    node: &'a Node,
    location: MentionLocation<'a>,
    pod: Option<usize>,
    container: Option<usize>,
}

impl<'a> Graph<'a> {
    pub(super) fn add_mentions(&mut self) {
        let mut mentions = Vec::new();
        for (at, pod) in self.pods.iter().enumerate() {
            let aliases: HashSet<&str> = pod.spec["hostAliases"]
                .items()
                .iter()
                .flat_map(|alias| alias["hostnames"].items())
                .map(Node::text)
                .collect();
            let before = mentions.len();
            for (number, container) in pod.containers.iter().enumerate() {
                env_mentions(pod.object, at, number, container, &mut mentions);
                command_mentions(pod.object, at, number, container, &mut mentions);
            }
            if !aliases.is_empty() {
                let mut kept = mentions.split_off(before);
                kept.retain(|mention| !aliases.contains(mention.host.as_str()));
                mentions.append(&mut kept);
            }
        }
        // The configs of known services are already parsed.
        let known = self.known.iter().rev().filter_map(|known| known.config.as_ref());
        let configs: Configs<'_> = known
            .filter(|config| config.is_single_document)
            .filter_map(|config| Some((address(config.node), config.tree.as_ref()?)))
            .collect();
        for object in self.objects {
            match kind_of(object) {
                Some("ConfigMap" | "Secret") => data_mentions(object, &configs, &mut mentions),
                Some("Service") => {
                    let node = &object.node["spec"]["externalName"];
                    if scan::is_name(node.text()) {
                        let found = Found {
                            host: 0..node.text().len(),
                            port: None,
                            scheme: None,
                            form: Form::Bare,
                            sure: true,
                        };
                        let spot = MentionSource {
                            object,
                            node,
                            location: MentionLocation::Field,
                            pod: None,
                            container: None,
                        };
                        push(&spot, node.text(), found, true, &mut mentions);
                    }
                }
                _ => {}
            }
        }
        for mention in &mut mentions {
            mention.target = self.resolve(&mention.host, mention.port, mention.object);
            if let Target::Service(service) = mention.target
                && let Some(index) = self.index_of(self.services[service].object)
            {
                self.used.insert(index);
            }
        }
        self.mentions = mentions;
    }

    /// Resolves a host in an object.
    #[must_use]
    pub fn resolve(&self, host: &str, port: Option<u16>, by: &Object) -> Target {
        let from = by.namespace();
        let host = host.to_ascii_lowercase();
        let host = host.trim_end_matches('.');
        if host.is_empty() || is_local(host) || is_declared(self.externals, host, port) {
            return Target::Outside;
        }
        let mut labels: Vec<&str> = host.split('.').collect();
        // `…svc.cluster.local` with any cluster domain.
        let in_cluster = labels.iter().position(|label| *label == "svc").filter(|at| *at > 0);
        if let Some(at) = in_cluster {
            labels.truncate(at);
        }
        let (name, namespace, written) = match (labels.as_slice(), in_cluster.is_some()) {
            ([name], false) => (*name, from.to_owned(), false),
            // `name.svc` lacks the namespace and does not resolve.
            ([name], true) => (*name, "svc".to_owned(), true),
            ([name, namespace], true) => (*name, (*namespace).to_owned(), true),
            ([_, name, namespace], true) => (*name, (*namespace).to_owned(), true),
            ([first, second], false) => {
                if self
                    .service(from, second)
                    .is_some_and(|service| self.services[service].is_headless() || first.starts_with(second))
                    && self.service(second, first).is_none()
                {
                    (*second, from.to_owned(), false)
                } else if self.namespaces.contains(second)
                    || is_known_namespace(second)
                    || self.service_in(second, first)
                {
                    (*first, (*second).to_owned(), true)
                } else {
                    return Target::Outside;
                }
            }
            ([_, second, third], false) if self.namespaces.contains(third) && self.service(third, second).is_some() => {
                (*second, (*third).to_owned(), true)
            }
            _ => return Target::Outside,
        };
        if name == "kubernetes" && (namespace == "default" || !written) || namespace == "kube-system" {
            return Target::Outside;
        }
        if let Some(service) = self.service_from(by, &namespace, name) {
            return Target::Service(service);
        }
        // An Endpoints object without a Service.
        if self.find("Endpoints", &namespace, name).is_some() {
            return Target::Outside;
        }
        // The Service may be created by an operator.
        if self.created.has("Service", &namespace, name) || self.created.may_have("Service", &namespace, name) {
            return Target::Outside;
        }
        match self.services_by_name.get(&(None, name)) {
            Some(service) => Target::OtherNamespace { service: *service, namespace },
            None => Target::Missing { name: name.to_owned(), namespace, written },
        }
    }

    fn service_in(&self, namespace: &str, name: &str) -> bool {
        self.services_by_name.contains_key(&(Some(namespace), name))
    }
}

fn push<'a>(spot: &MentionSource<'a>, text: &str, found: Found, exact: bool, mentions: &mut Vec<Mention<'a>>) {
    let keep = |range: Range<usize>| exact.then_some(range);
    mentions.push(Mention {
        object: spot.object,
        node: spot.node,
        host: text[found.host.clone()].to_owned(),
        range: keep(found.host),
        port: found.port.as_ref().map(|(port, _)| *port),
        port_range: found.port.and_then(|(_, range)| keep(range)),
        scheme: found.scheme.clone().map(|range| text[range].to_owned()),
        scheme_range: found.scheme.and_then(keep),
        form: found.form,
        sure: found.sure,
        location: spot.location.clone(),
        pod: spot.pod,
        container: spot.container,
        repeated: false,
        secrets: None,
        target: Target::Outside,
    });
}

/// The possible names of the variable or key with the port for one with a host.
fn port_names(name: &str) -> impl Iterator<Item = String> + '_ {
    ["HOST", "HOSTNAME", "ADDR", "ADDRESS", "SERVER", "host", "Host", "hostname", "addr", "address", "server"]
        .into_iter()
        .filter_map(move |end| {
            let base = name.strip_suffix(end)?;
            let port = match end.chars().next() {
                Some('H') if end == "Host" => "Port",
                Some(c) if c.is_ascii_uppercase() => "PORT",
                _ => "port",
            };
            Some(format!("{base}{port}"))
        })
}
