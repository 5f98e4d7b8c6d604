//! Hosts that stand in texts, each with where it stands and where it leads.

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

/// A host in a text.
#[derive(Debug, Clone)]
pub struct Mention<'a> {
    /// The object it stands in.
    pub object: &'a Object,
    /// The scalar it stands in.
    pub node: &'a Node,
    /// The bytes of the host in the scalar's text; `None` where the text was decoded or put together first.
    pub range: Option<Range<usize>>,
    /// The bytes of the port, where it stands beside the host.
    pub port_range: Option<Range<usize>>,
    /// The bytes of the scheme.
    pub scheme_range: Option<Range<usize>>,
    /// The host.
    pub host: String,
    /// The port: beside the host, or in the variable or field that belongs to it.
    pub port: Option<u16>,
    /// The scheme of a URL.
    pub scheme: Option<String>,
    /// How it is written.
    pub form: Form,
    /// Whether it is a host for certain.
    pub sure: bool,
    /// Where it stands.
    pub place: Place<'a>,
    /// The pod whose template it stands in.
    pub pod: Option<usize>,
    /// The container of that pod.
    pub container: Option<usize>,
    /// Whether it comes from a variable that is a mention of its own.
    pub repeated: bool,
    /// The secrets in the data it stands in, which all hosts there share.
    secrets: Option<Arc<OnceLock<Secrets>>>,
    /// Where it leads.
    pub target: Target,
}

/// Where a host stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place<'a> {
    /// In a variable of that name.
    Env(Cow<'a, str>),
    /// In `command` or `args`; `asks`: of a command that only asks whether the host is there.
    Command {
        /// Whether the command only asks.
        asks: bool,
    },
    /// In a ConfigMap or Secret: the key, and the path in its text (empty: no tree).
    Data(&'a str, String),
    /// In a field of the object.
    Field,
}

/// Where a host leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// To a Service among the manifests.
    Service(usize),
    /// To a name that only a Service of another namespace has.
    OtherNamespace {
        /// That Service.
        service: usize,
        /// The namespace the name leads to.
        namespace: String,
    },
    /// To no Service among the manifests.
    Missing {
        /// The name of the Service it would be.
        name: String,
        /// The namespace it would be in.
        namespace: String,
        /// Whether the host names that namespace.
        written: bool,
    },
    /// Out of the cluster, to the pod itself, to what was declared, or to what is not known.
    Outside,
}

impl Mention<'_> {
    /// The host as messages may show it: not, where it stands in a secret.
    #[must_use]
    pub fn shown(&self) -> String {
        if self.is_secret() { crate::secret::DOTS.to_owned() } else { self.host.clone() }
    }

    /// Whether the text it stands in is a secret.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        let named = matches!(&self.place, Place::Env(name) if crate::secret::is_secret_name(name));
        let is_within = |secrets: &Arc<OnceLock<Secrets>>| {
            secrets.get_or_init(|| Secrets::of(self.node.text())).hold(&self.host, self.range.as_ref())
        };
        crate::secret::is_of_secret(&self.object.node)
            || named
            || self.node.origin.is_secret()
            || self.secrets.as_ref().is_some_and(is_within)
    }
}

/// Namespaces that every cluster has, or that name themselves.
fn is_known_namespace(name: &str) -> bool {
    matches!(name, "default" | "kube-system" | "kube-public" | "monitoring" | "observability" | "istio-system")
        || name.contains('-')
}

/// Hosts that are the machine itself.
fn is_local(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.ends_with(".local") && !host.ends_with(".cluster.local")
        || host.ends_with(".internal")
        || host.ends_with(".invalid")
        || host.parse::<IpAddr>().is_ok()
        || host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Whether a declared external (`host` or `host:port`) names a host. A short name stands for all its long forms.
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

/// Whether a declared external (`Kind/name`) names an object, such as a Secret that exists already.
#[must_use]
pub fn is_declared_object(externals: &[String], kind: &str, name: &str) -> bool {
    externals.iter().any(|external| external.split_once('/') == Some((kind, name)))
}

/// What a mention is made from.
struct Spot<'a> {
    object: &'a Object,
    node: &'a Node,
    place: Place<'a>,
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
        // The configs of known services were read already.
        let known = self.known.iter().rev().filter_map(|known| known.config.as_ref());
        let configs: Configs<'_> = known
            .filter(|config| config.alone)
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
                        let spot = Spot { object, node, place: Place::Field, pod: None, container: None };
                        push(&spot, node.text(), found, true, &mut mentions);
                    }
                }
                _ => {}
            }
        }
        for mention in &mut mentions {
            mention.target = self.resolve(&mention.host, mention.port, mention.object);
            if let Target::Service(service) = mention.target
                && let Some(index) = self.number(self.services[service].object)
            {
                self.used.insert(index);
            }
        }
        self.mentions = mentions;
    }

    /// Where a host leads that an object names.
    #[must_use]
    pub fn resolve(&self, host: &str, port: Option<u16>, by: &Object) -> Target {
        let from = by.namespace();
        let host = host.to_ascii_lowercase();
        let host = host.trim_end_matches('.');
        if host.is_empty() || is_local(host) || is_declared(self.externals, host, port) {
            return Target::Outside;
        }
        let mut labels: Vec<&str> = host.split('.').collect();
        // `…svc.cluster.local`, whatever the cluster's domain is.
        let in_cluster = labels.iter().position(|label| *label == "svc").filter(|at| *at > 0);
        if let Some(at) = in_cluster {
            labels.truncate(at);
        }
        let (name, namespace, written) = match (labels.as_slice(), in_cluster.is_some()) {
            ([name], false) => (*name, from.to_owned(), false),
            // `name.svc` leaves the namespace out, and leads nowhere.
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
        // A pod that names itself, or a bare Endpoints object.
        if self.find("Endpoints", &namespace, name).is_some() {
            return Target::Outside;
        }
        // An operator makes it.
        if self.made.has("Service", &namespace, name) || self.made.may_have("Service", &namespace, name) {
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

fn push<'a>(spot: &Spot<'a>, text: &str, found: Found, exact: bool, mentions: &mut Vec<Mention<'a>>) {
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
        place: spot.place.clone(),
        pod: spot.pod,
        container: spot.container,
        repeated: false,
        secrets: None,
        target: Target::Outside,
    });
}

/// The name of the variable or key that holds the port of one that holds a host.
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
