//! What people usually vary, and so the fields that a single copy gets: nothing beside it shows what differs.

use foldhash::HashSet;

use super::copies::Variant;
use super::fields::Use;
use super::parts::{Place, Step};
use super::text::{Draft, Hint, image};
use crate::node::{Node, Value};

/// What a single copy says of itself.
#[derive(Debug)]
pub(super) struct Usual<'a> {
    namespace: &'a str,
    /// Its Services: who names one of them names a part of the copy.
    services: HashSet<&'a str>,
}

/// The kinds of objects whose hosts are those that users see.
const WITH_HOSTS: &[&str] = &[
    "Ingress",
    "HTTPRoute",
    "GRPCRoute",
    "TLSRoute",
    "Gateway",
    "VirtualService",
    "Certificate",
    "Route",
    "IngressRoute",
];

const HOSTS: &[&str] = &["host", "hosts", "hostname", "hostnames", "dnsNames"];

const LOG_LEVELS: &[&str] = &["trace", "debug", "info", "warn", "warning", "error", "fatal"];

/// The last words of names that tell the place where something runs, or what it talks to.
const PLACES: &[&str] = &["environment", "env", "region", "stage", "domain"];

const ADDRESSES: &[&str] =
    &["url", "uri", "host", "hostname", "endpoint", "address", "addr", "server", "broker", "brokers"];

impl<'a> Usual<'a> {
    /// What the only copy says of itself; `None` where there are more.
    pub(super) fn of(variants: &'a [Variant]) -> Option<Self> {
        let [variant] = variants else { return None };
        let services = variant.objects.iter().filter(|object| object.kind() == "Service");
        Some(Self { namespace: variant.namespace(), services: services.map(|object| object.name()).collect() })
    }

    /// The parts of a value of which one is usually varied; `None` for what stays template text.
    pub(super) fn parts(&self, kind: &str, place: &Place, value: &Node) -> Option<Vec<Draft>> {
        let whole = |hint: Hint| vec![Draft::Value(vec![Some(value.text().into())], hint, false)];
        let keys: Vec<&str> = place.path.iter().filter_map(Step::key).collect();
        let last = keys.last().copied().unwrap_or_default();
        let Some(text) = value.as_str() else {
            return is_usual(kind, &keys).then(Vec::new);
        };
        if !self.namespace.is_empty() && text == self.namespace {
            let is_name = kind == "Namespace" && keys == ["metadata", "name"];
            return (last == "namespace" || is_name).then(|| whole(Hint::Namespace));
        }
        let is_host = WITH_HOSTS.contains(&kind) && HOSTS.contains(&last) && text.contains('.');
        if is_usual(kind, &keys) || is_host && !self.is_own_host(text) {
            return Some(whole(Hint::None));
        }
        let parts = match keys.as_slice() {
            [.., "containers" | "initContainers", "image"] => image(&vec![Some(text.into())]),
            [.., "env", "value"] => {
                let name = place.path.iter().rev().find_map(Step::item).unwrap_or_default();
                self.is_varied(name, text).then(|| whole(Hint::None))
            }
            [.., "args" | "command"] => text
                .split_once('=')
                .filter(|(name, value)| name.starts_with('-') && self.is_varied(name, value))
                .map(|(name, value)| {
                    let hint = Hint::Named(name.trim_start_matches('-').into());
                    vec![Draft::Plain(format!("{name}=").into()), Draft::Value(vec![Some(value.into())], hint, false)]
                }),
            ["data", key] if kind == "ConfigMap" => {
                if text.contains('\n') {
                    Some(self.lines(text))
                } else {
                    self.is_varied(key, text).then(|| whole(Hint::None))
                }
            }
            _ => None,
        };
        let parts = self.with_namespace(parts.unwrap_or_else(|| vec![Draft::Plain(text.into())]));
        parts.iter().any(|part| matches!(part, Draft::Value(..))).then_some(parts)
    }

    /// Whether people usually vary what has this name and this value.
    fn is_varied(&self, name: &str, value: &str) -> bool {
        if is_log_level(name, value) {
            return true;
        }
        let words = words(name);
        let last = words.last().map(String::as_str).unwrap_or_default();
        if PLACES.contains(&last) {
            return !value.is_empty() && value.len() < 60;
        }
        let is_local = ["localhost", "127.0.0.1", "0.0.0.0", "::"].iter().any(|local| value.contains(local));
        ADDRESSES.contains(&last)
            && value.contains('.')
            && !value.starts_with(['/', '.', ':'])
            && !is_local
            && !self.is_own_host(value)
    }

    /// Whether a text names a Service of the copy.
    fn is_own_host(&self, text: &str) -> bool {
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        let host = rest.split(['/', ':', ',', '?']).next().unwrap_or_default();
        let mut labels = host.split('.');
        let is_service = labels.next().is_some_and(|first| self.services.contains(first));
        is_service && labels.next().is_none_or(|second| second == self.namespace)
    }

    /// The lines of a config file: `level: info`, `log.level = "info"`.
    fn lines(&self, text: &str) -> Vec<Draft> {
        let mut parts: Vec<Draft> = Vec::new();
        let mut plain = String::new();
        for line in text.split_inclusive('\n') {
            let end = line.find([':', '=']).filter(|_| !line.trim_start().starts_with(['#', ';', '/']));
            let found = end.and_then(|end| {
                let key = line[..end].trim().trim_start_matches("- ").trim_matches('"');
                let start = end + 1 + line[end + 1..].find(|c: char| !matches!(c, ' ' | '"' | '\''))?;
                let value = line[start..].split(" #").next()?.trim_end().trim_end_matches([',', '"', '\'']);
                let is_one = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '/');
                let is_word = !value.is_empty() && value.chars().all(is_one);
                (is_word && self.is_varied(key, value)).then_some((key, start, value))
            });
            let Some((key, start, value)) = found else {
                plain.push_str(line);
                continue;
            };
            plain.push_str(&line[..start]);
            parts.push(Draft::Plain(std::mem::take(&mut plain).into()));
            let name = if key.eq_ignore_ascii_case("level") { "logLevel" } else { key };
            parts.push(Draft::Value(vec![Some(value.into())], Hint::Named(name.into()), false));
            plain.push_str(&line[start + value.len()..]);
        }
        parts.push(Draft::Plain(plain.into()));
        parts
    }

    /// The parts with the namespace in the names of Services in them, as in `db.shop.svc`.
    fn with_namespace(&self, parts: Vec<Draft>) -> Vec<Draft> {
        let within = format!(".{}.svc", self.namespace);
        let mut made = Vec::with_capacity(parts.len());
        for part in parts {
            let Draft::Plain(text) = &part else {
                made.push(part);
                continue;
            };
            let mut rest = text.as_str();
            while let Some((before, after)) = rest.split_once(within.as_str()).filter(|_| !self.namespace.is_empty()) {
                made.push(Draft::Plain(format!("{before}.").into()));
                made.push(Draft::Value(vec![Some(self.namespace.into())], Hint::Namespace, false));
                made.push(Draft::Plain(".svc".into()));
                rest = after;
            }
            made.push(Draft::Plain(rest.into()));
        }
        super::text::joined(made)
    }
}

/// Whether people usually vary the whole of what stands there, whatever it is.
fn is_usual(kind: &str, keys: &[&str]) -> bool {
    match keys {
        ["spec", "replicas"] => matches!(kind, "Deployment" | "StatefulSet" | "ReplicaSet"),
        ["spec", "schedule"] => kind == "CronJob",
        ["spec", "minReplicas" | "maxReplicas"] => kind == "HorizontalPodAutoscaler",
        ["spec", "ports", "nodePort"] | ["spec", "loadBalancerIP"] => kind == "Service",
        ["spec", "ingressClassName"] => kind == "Ingress",
        [.., "ports", "hostPort"] => true,
        ["spec", .., "resources", "requests" | "limits", _] => true,
        ["spec", .., "storageClassName"] => matches!(kind, "PersistentVolumeClaim" | "StatefulSet"),
        _ => false,
    }
}

fn is_log_level(name: &str, value: &str) -> bool {
    let words = words(name);
    let last = words.last().map(String::as_str).unwrap_or_default();
    matches!(last, "level" | "loglevel" | "verbosity" | "log")
        && LOG_LEVELS.contains(&value.to_ascii_lowercase().as_str())
}

/// The words of a name, in lower case: `LOG_LEVEL`, `logLevel` and `log.level` are two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        let starts = c.is_ascii_uppercase() && after_lower;
        if starts || !c.is_ascii_alphanumeric() {
            words.push(String::new());
        }
        after_lower = c.is_ascii_lowercase();
        if let Some(word) = words.last_mut().filter(|_| c.is_ascii_alphanumeric()) {
            word.push(c.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What makes two places of one value one field, in a single copy: the same image, host or variable. What is equal by chance, such as
/// the memory of two containers, stays apart.
pub(super) fn meaning(place: &Use, whole: &Node) -> String {
    let keys: Vec<&str> = place.place.path.iter().filter_map(Step::key).collect();
    match (&place.hint, keys.as_slice()) {
        (Hint::Namespace, _) => "namespace".to_owned(),
        (Hint::Repository | Hint::Tag | Hint::Digest, _) => format!("{:?} of {}", place.hint, whole.text()),
        (Hint::None, [.., last]) if HOSTS.contains(last) => "host".to_owned(),
        (Hint::None, [.., "env", "value"]) => {
            format!("env {}", place.place.path.iter().rev().find_map(Step::item).unwrap_or_default())
        }
        _ => format!("{} {} {:?}", place.place.class, place.place, place.hint),
    }
}

/// Whether a value can be a field as it is: what is structured never is.
pub(super) fn is_leaf(node: &Node) -> bool {
    !matches!(node.value, Value::Mapping(_) | Value::Sequence(_) | Value::Null)
}
