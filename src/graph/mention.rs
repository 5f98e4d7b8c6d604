//! Hosts that stand in texts, each with where it stands and where it leads.

use std::borrow::Cow;
use std::cell::Cell;
use std::net::IpAddr;
use std::ops::Range;

use foldhash::{HashMap, HashMapExt, HashSet};

use crate::graph::data::text_of;
use crate::graph::pod::Container;
use crate::graph::scan::{self, Form, Found, Hint};
use crate::graph::shell::{self, Word};
use crate::graph::{Graph, kind_of};
use crate::memo::Memo;
use crate::node::{Node, Value};
use crate::object::Object;
use crate::path::address;
use crate::source::FileId;
use crate::yaml::{self, Dialect, Trail, locate};

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
        crate::secret::is_of_secret(&self.object.node) || named || self.node.origin.is_secret()
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
            mention.target = self.resolve(&mention.host, mention.port, mention.object.namespace());
            if let Target::Service(service) = mention.target
                && let Some(index) = self.number(self.services[service].object)
            {
                self.used.insert(index);
            }
        }
        self.mentions = mentions;
    }

    /// Where a host leads, seen from a namespace.
    #[must_use]
    pub fn resolve(&self, host: &str, port: Option<u16>, from: &str) -> Target {
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
        if let Some(service) = self.service(&namespace, name) {
            return Target::Service(service);
        }
        // A pod that names itself, or a bare Endpoints object.
        if self.find("Endpoints", &namespace, name).is_some() {
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

fn env_mentions<'a>(
    object: &'a Object,
    pod: usize,
    number: usize,
    container: &Container<'a>,
    mentions: &mut Vec<Mention<'a>>,
) {
    for var in container.env.iter().filter(|var| var.own) {
        let Some(node) = var.value else { continue };
        let Some(text) = node.as_str() else { continue };
        let hint = scan::hint(&var.name);
        // What stands in a ConfigMap is looked at there, unless only the variable's name tells that it is a host.
        let elsewhere = !std::ptr::eq(var.object, object);
        if elsewhere {
            let key = var.entry["valueFrom"]["configMapKeyRef"]["key"].text();
            if scan::hint(key) != Hint::None || hint == Hint::None || text.contains("://") {
                continue;
            }
        }
        let expanded = container.expand(text);
        let exact = matches!(expanded, Cow::Borrowed(_));
        let spot = Spot {
            object: var.object,
            node,
            place: Place::Env(var.name.clone()),
            pod: Some(pod),
            container: Some(number),
        };
        let from = mentions.len();
        for found in scan::value(&expanded, hint) {
            push(&spot, &expanded, found, exact, mentions);
        }
        for mention in &mut mentions[from..] {
            // `$(DB_HOST)` in it is a mention of its own; only what the variables do not hold is told here.
            mention.repeated = !exact && !text.contains(mention.host.as_str());
            if mention.port.is_none() && mention.form == Form::Bare {
                mention.port = port_names(&var.name).find_map(|name| container.var_text(&name)?.trim().parse().ok());
            }
        }
    }
}

fn command_mentions<'a>(
    object: &'a Object,
    pod: usize,
    number: usize,
    container: &Container<'a>,
    mentions: &mut Vec<Mention<'a>>,
) {
    let nodes: Vec<&Node> = container.words().filter(|node| node.as_str().is_some()).collect();
    let var = |name: &str| container.var_text(name);
    let mut script = None;
    if nodes.first().is_some_and(|node| shell::is_shell(node.text())) {
        let flag = nodes.iter().position(|node| {
            let text = node.text();
            text.starts_with('-') && !text.starts_with("--") && text.ends_with('c')
        });
        script = flag.and_then(|flag| nodes.get(flag + 1)).copied();
    }
    if let Some(node) = script {
        let spot =
            |asks| Spot { object, node, place: Place::Command { asks }, pod: Some(pod), container: Some(number) };
        script_mentions(node.text(), &var, &spot, mentions);
        return;
    }
    let words: Vec<Word<'_>> =
        nodes.iter().map(|node| Word { text: container.expand(node.text()), range: 0..0 }).collect();
    for talk in shell::talks(&words) {
        let node = nodes[talk.word];
        let exact = *node.text() == words[talk.word].text;
        let spot =
            Spot { object, node, place: Place::Command { asks: talk.asks }, pod: Some(pod), container: Some(number) };
        push(&spot, &words[talk.word].text, talk.found, exact, mentions);
        if let Some(mention) = mentions.last_mut() {
            mention.port = mention.port.or(talk.port);
            mention.repeated = !exact && !node.text().contains(mention.host.as_str());
        }
    }
    // Values of flags that no command is known for: `--flag=…` is read by `talks`, URLs as well; scripts in arguments
    // of a wrapper (`timeout 60 sh -c …`) are read here.
    for (at, node) in nodes.iter().enumerate().skip(1) {
        if node.text() == "-c"
            && at > 1
            && shell::is_shell(nodes[at - 1].text())
            && let Some(node) = nodes.get(at + 1).copied()
        {
            let spot =
                |asks| Spot { object, node, place: Place::Command { asks }, pod: Some(pod), container: Some(number) };
            script_mentions(node.text(), &var, &spot, mentions);
        }
    }
}

fn script_mentions<'a>(
    script: &str,
    var: &dyn Fn(&str) -> Option<String>,
    spot: &dyn Fn(bool) -> Spot<'a>,
    mentions: &mut Vec<Mention<'a>>,
) {
    if script.len() > 256 * 1024 {
        return;
    }
    let mut own: HashMap<String, String> = HashMap::new();
    for words in shell::commands(script) {
        if let [word] = words.as_slice()
            && let Some((name, value)) = word.text.split_once('=')
        {
            own.insert(name.to_owned(), value.to_owned());
        }
        let known = |name: &str| own.get(name).cloned().or_else(|| var(name));
        let mut expanded: Vec<Word<'_>> = words
            .iter()
            .map(|word| {
                let quoted_single = script[word.range.clone()].starts_with('\'');
                let text = if quoted_single { Cow::Borrowed(&*word.text) } else { shell::expand(&word.text, &known) };
                Word { text, range: word.range.clone() }
            })
            .collect();
        // `bash -c '…'` inside a script.
        let name = shell::command_name(&expanded);
        let nested = name.filter(|at| shell::is_shell(&expanded[*at].text)).and_then(|at| {
            expanded[at..]
                .iter()
                .position(|word| word.text == "-c")
                .map(|flag| at + flag + 1)
                .filter(|at| *at < expanded.len())
        });
        if let Some(at) = nested {
            let inner = std::mem::take(&mut expanded[at].text);
            for words in shell::commands(&inner) {
                for talk in shell::talks(&words) {
                    let text = &words[talk.word].text;
                    push_talk(script, &expanded[at].range, text, talk, true, spot, mentions);
                }
            }
        }
        for talk in shell::talks(&expanded) {
            let text = expanded[talk.word].text.clone();
            let same = words[talk.word].text == text;
            push_talk(script, &words[talk.word].range, &text, talk, same, spot, mentions);
        }
    }
}

thread_local! {
    /// Scripts that name nobody.
    static SILENT: Memo<bool> = const { Memo::new() };
}

fn push_talk<'a>(
    script: &str,
    word: &Range<usize>,
    text: &str,
    talk: shell::Talk,
    same: bool,
    spot: &dyn Fn(bool) -> Spot<'a>,
    mentions: &mut Vec<Mention<'a>>,
) {
    let raw = &script[word.clone()];
    let port = talk.port;
    push(&spot(talk.asks), text, talk.found, false, mentions);
    let Some(mention) = mentions.last_mut() else { return };
    mention.port = mention.port.or(port);
    mention.repeated = !same && !raw.contains(mention.host.as_str());
    if let Some(at) = raw.find(mention.host.as_str()) {
        let host = word.start + at..word.start + at + mention.host.len();
        let after = format!(":{}", mention.port.unwrap_or_default());
        if mention.port.is_some() && script[host.end..].starts_with(&after) {
            mention.port_range = Some(host.end + 1..host.end + after.len());
        }
        mention.range = Some(host);
    }
}

/// Words that a text must hold to be worth a closer look.
const WORTH: &[&str] = &[
    "host",
    "addr",
    "://",
    "endpoint",
    "broker",
    "server",
    "url",
    "uri",
    "target",
    "upstream",
    "peers",
    "dsn",
    "connection",
    "backend",
];

/// Larger texts are no config: dashboards, data.
const LARGEST: usize = 256 * 1024;

/// Trees of texts, by the address of the text.
type Configs<'t> = HashMap<usize, &'t Node>;

fn data_mentions<'a>(object: &'a Object, configs: &Configs<'_>, mentions: &mut Vec<Mention<'a>>) {
    let secret = object.kind() == "Secret";
    let from = mentions.len();
    for field in ["data", "stringData"] {
        for entry in object.node[field].entries() {
            if entry.value.text().len() > LARGEST {
                continue;
            }
            let encoded = secret && field == "data";
            let text = if encoded { text_of(object, &entry.key) } else { entry.value.as_str().map(Cow::Borrowed) };
            let Some(text) = text else { continue };
            text_mentions(object, entry.key.as_str(), &entry.value, &text, !encoded, configs, mentions);
        }
    }
    // The port of `DB_HOST` stands in `DB_PORT`.
    for mention in &mut mentions[from..] {
        if let Place::Data(key, path) = &mention.place
            && path.is_empty()
            && mention.port.is_none()
            && mention.form == Form::Bare
        {
            mention.port = port_names(key).find_map(|name| text_of(object, &name)?.trim().parse().ok());
        }
    }
}

fn text_mentions<'a>(
    object: &'a Object,
    key: &'a str,
    node: &'a Node,
    text: &str,
    exact: bool,
    configs: &Configs<'_>,
    mentions: &mut Vec<Mention<'a>>,
) {
    let end = key.rsplit_once('.').map_or("", |(_, end)| end);
    let spot = |path: &str| Spot { object, node, place: Place::Data(key, path.to_owned()), pod: None, container: None };
    let single = !text.trim_end().contains('\n');
    if end.is_empty() && single {
        let hint = scan::hint(key);
        for found in scan::value(text.trim_end(), hint) {
            push(&spot(""), text, found, exact, mentions);
        }
        return;
    }
    let shell_text = end == "sh" || end == "bash" || text.starts_with("#!");
    let worth = || {
        let lower = text.to_ascii_lowercase();
        WORTH.iter().any(|word| lower.contains(word))
    };
    match end {
        "yaml" | "yml" | "json" => {
            if !worth() {
                return;
            }
            if let Some(tree) = configs.get(&address(node)) {
                tree_mentions(tree, &mut String::new(), Hint::None, text, exact, &spot, mentions);
                return;
            }
            let loaded = yaml::load_text(text, FileId(u32::MAX - 1), Dialect::Kubectl);
            for document in &loaded.documents {
                tree_mentions(document, &mut String::new(), Hint::None, text, exact, &spot, mentions);
            }
        }
        "sql" | "md" | "rego" | "lua" | "css" | "html" | "crt" | "pem" | "key" | "xml" | "py" | "js" | "ts"
        | "tmpl" | "tpl" | "psql" => {}
        _ if shell_text => {
            let mut read = || {
                let (spot, before) = (|_asks| spot(""), mentions.len());
                script_mentions(text, &|_| None, &spot, mentions);
                let silent = mentions.len() == before;
                (silent, silent)
            };
            match &node.value {
                Value::String(text) => SILENT.with(|memo| memo.get_if(text, read)),
                _ => read().0,
            };
            if !exact {
                mentions
                    .iter_mut()
                    .filter(|mention| std::ptr::eq(mention.node, node))
                    .for_each(|mention| mention.range = None);
            }
        }
        _ if text.contains(':') || worth() => lines_mentions(text, end, exact, &spot, mentions),
        _ => {}
    }
}

/// Lines of key and value, and URLs anywhere.
fn lines_mentions<'a>(
    text: &str,
    end: &str,
    exact: bool,
    spot: &dyn Fn(&str) -> Spot<'a>,
    mentions: &mut Vec<Mention<'a>>,
) {
    let upstreams: Vec<&str> =
        text.lines().filter_map(|line| line.trim_start().strip_prefix("upstream ")?.split([' ', '{']).next()).collect();
    let known = matches!(end, "env" | "properties" | "ini" | "conf" | "cfg" | "toml" | "cnf" | "");
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let content = line.trim_end();
        let comment = content.trim_start().starts_with(['#', ';']) || content.trim_start().starts_with("//");
        if comment {
            continue;
        }
        let mut found = Vec::new();
        if let Some((key, range)) = scan::pair(content).filter(|_| known)
            && let hint = scan::hint(key)
            && hint != Hint::None
            && !content[range.clone()].contains("://")
        {
            for mut one in scan::value(&content[range.clone()], hint) {
                one.host = one.host.start + range.start..one.host.end + range.start;
                one.port = one.port.map(|(port, place)| (port, place.start + range.start..place.end + range.start));
                found.push(one);
            }
        } else if content.contains("://") {
            scan::urls(content, &mut found);
            found.iter_mut().for_each(|one| one.sure = known);
        } else if let Some(rest) = content.trim_start().strip_prefix("server ") {
            // A server of an nginx upstream.
            let at = content.len() - rest.len();
            let name = rest.split([';', ' ']).next().unwrap_or_default();
            for mut one in scan::value(name, Hint::Address) {
                one.host = one.host.start + at..one.host.end + at;
                one.port = one.port.map(|(port, place)| (port, place.start + at..place.end + at));
                one.sure = one.port.is_some();
                found.push(one);
            }
        }
        for mut one in found {
            let shift = |range: Range<usize>| range.start + start..range.end + start;
            one.host = shift(one.host);
            one.port = one.port.map(|(port, range)| (port, shift(range)));
            one.scheme = one.scheme.map(shift);
            if !upstreams.contains(&&text[one.host.clone()]) {
                push(&spot(""), text, one, exact, mentions);
            }
        }
    }
}

/// Sections whose host is the one a program listens on.
fn is_own_section(path: &str) -> bool {
    let section = path.rsplit('.').next().unwrap_or_default();
    matches!(
        section,
        "server"
            | "http"
            | "https"
            | "grpc"
            | "listener"
            | "listen"
            | "metrics"
            | "health"
            | "web"
            | "api"
            | "admin"
            | "prometheus"
            | "ingress"
    )
}

fn tree_mentions<'a>(
    node: &Node,
    path: &mut String,
    hint: Hint,
    text: &str,
    exact: bool,
    spot: &dyn Fn(&str) -> Spot<'a>,
    mentions: &mut Vec<Mention<'a>>,
) {
    match &node.value {
        Value::Mapping(mapping) => {
            for entry in mapping {
                let mut hint = scan::hint(&entry.key);
                if matches!(entry.key.as_str(), "host" | "hostname" | "addr" | "address") && is_own_section(path) {
                    hint = Hint::Never;
                }
                let (from, above) = (mentions.len(), path.len());
                if above > 0 {
                    path.push('.');
                }
                path.push_str(&entry.key);
                tree_mentions(&entry.value, path, hint, text, exact, spot, mentions);
                path.truncate(above);
                if matches!(entry.value.value, Value::String(_)) {
                    for mention in &mut mentions[from..] {
                        if mention.port.is_none() && mention.form == Form::Bare {
                            mention.port = port_names(&entry.key).find_map(|name| {
                                let port = mapping.get(&name)?;
                                port.as_i64()
                                    .and_then(|port| u16::try_from(port).ok())
                                    .or_else(|| port.text().parse().ok())
                            });
                        }
                    }
                }
            }
        }
        Value::Sequence(items) => {
            for item in items {
                tree_mentions(item, path, hint, text, exact, spot, mentions);
            }
        }
        Value::String(value) => {
            let trail = Cell::new(Trail::NONE);
            let place = |range: Range<usize>| {
                let span = locate(text, node.origin.span, value, range, &trail)?;
                Some(span.start as usize..span.end as usize)
            };
            for found in scan::value(value, hint) {
                let (host, port, scheme) = (found.host.clone(), found.port.clone(), found.scheme.clone());
                push(&spot(path), value, found, false, mentions);
                if let Some(mention) = mentions.last_mut().filter(|_| exact) {
                    mention.scheme_range = scheme.and_then(place);
                    mention.range = place(host);
                    mention.port_range = port.and_then(|(_, range)| place(range));
                }
            }
        }
        _ => {}
    }
}
