//! The fields that deployments typically vary. A single copy gets these, since there is nothing to compare it with.

use foldhash::HashSet;

use super::copies::Variant;
use super::fields::FieldUse;
use super::parts::{Location, PathStep};
use super::strings::{Hint, StringPart, image};
use crate::node::{Node, Value};

/// What identifies a single copy.
#[derive(Debug)]
pub(super) struct TypicalFields<'a> {
    namespace: &'a str,
    /// The names of its Services: a reference to one of them is internal to the copy.
    services: HashSet<&'a str>,
}

/// The kinds of objects with public host names.
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

/// Last words of names whose value depends on where something runs or what it connects to.
const PLACES: &[&str] = &["environment", "env", "region", "stage", "domain"];

const ADDRESSES: &[&str] =
    &["url", "uri", "host", "hostname", "endpoint", "address", "addr", "server", "broker", "brokers"];

impl<'a> TypicalFields<'a> {
    /// `None` if there is more than one copy.
    pub(super) fn of(variants: &'a [Variant]) -> Option<Self> {
        let [variant] = variants else { return None };
        let services = variant.objects.iter().filter(|object| object.kind() == "Service");
        Some(Self { namespace: variant.namespace(), services: services.map(|object| object.name()).collect() })
    }

    /// The parts of a value that has a part which typically varies; `None` for a value that stays template text.
    pub(super) fn parts(&self, kind: &str, location: &Location, value: &Node) -> Option<Vec<StringPart>> {
        let whole = |hint: Hint| vec![StringPart::Value(vec![Some(value.text().into())], hint, false)];
        let keys: Vec<&str> = location.path.iter().filter_map(PathStep::key).collect();
        let last = keys.last().copied().unwrap_or_default();
        let Some(text) = value.as_str() else {
            return is_typically_varied(kind, &keys).then(Vec::new);
        };
        if !self.namespace.is_empty() && text == self.namespace {
            let is_name = kind == "Namespace" && keys == ["metadata", "name"];
            return (last == "namespace" || is_name).then(|| whole(Hint::Namespace));
        }
        let is_host = WITH_HOSTS.contains(&kind) && HOSTS.contains(&last) && text.contains('.');
        if is_typically_varied(kind, &keys) || is_host && !self.is_own_host(text) {
            return Some(whole(Hint::None));
        }
        let parts = match keys.as_slice() {
            [.., "containers" | "initContainers", "image"] => image(&vec![Some(text.into())]),
            [.., "env", "value"] => {
                let name = location.path.iter().rev().find_map(PathStep::item).unwrap_or_default();
                self.is_varied(name, text).then(|| whole(Hint::None))
            }
            [.., "args" | "command"] => text
                .split_once('=')
                .filter(|(name, value)| name.starts_with('-') && self.is_varied(name, value))
                .map(|(name, value)| {
                    let hint = Hint::Named(name.trim_start_matches('-').into());
                    vec![
                        StringPart::Plain(format!("{name}=").into()),
                        StringPart::Value(vec![Some(value.into())], hint, false),
                    ]
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
        let parts = self.with_namespace(parts.unwrap_or_else(|| vec![StringPart::Plain(text.into())]));
        parts.iter().any(|part| matches!(part, StringPart::Value(..))).then_some(parts)
    }

    /// Whether a value of this name typically varies between deployments.
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

    /// Whether a host, address or URL names a Service of the copy.
    fn is_own_host(&self, text: &str) -> bool {
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        let host = rest.split(['/', ':', ',', '?']).next().unwrap_or_default();
        let mut labels = host.split('.');
        let is_service = labels.next().is_some_and(|first| self.services.contains(first));
        is_service && labels.next().is_none_or(|second| second == self.namespace)
    }

    /// The parts of a config file's lines: `level: info`, `log.level = "info"`.
    fn lines(&self, text: &str) -> Vec<StringPart> {
        let mut parts: Vec<StringPart> = Vec::new();
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
            parts.push(StringPart::Plain(std::mem::take(&mut plain).into()));
            let name = if key.eq_ignore_ascii_case("level") { "logLevel" } else { key };
            parts.push(StringPart::Value(vec![Some(value.into())], Hint::Named(name.into()), false));
            plain.push_str(&line[start + value.len()..]);
        }
        parts.push(StringPart::Plain(plain.into()));
        parts
    }

    /// Splits the namespace out of Service host names, as in `db.shop.svc`.
    fn with_namespace(&self, parts: Vec<StringPart>) -> Vec<StringPart> {
        let within = format!(".{}.svc", self.namespace);
        let mut made = Vec::with_capacity(parts.len());
        for part in parts {
            let StringPart::Plain(text) = &part else {
                made.push(part);
                continue;
            };
            let mut rest = text.as_str();
            while let Some((before, after)) = rest.split_once(within.as_str()).filter(|_| !self.namespace.is_empty()) {
                made.push(StringPart::Plain(format!("{before}.").into()));
                made.push(StringPart::Value(vec![Some(self.namespace.into())], Hint::Namespace, false));
                made.push(StringPart::Plain(".svc".into()));
                rest = after;
            }
            made.push(StringPart::Plain(rest.into()));
        }
        super::strings::joined(made)
    }
}

/// Whether a field of the API typically varies, whatever its value.
fn is_typically_varied(kind: &str, keys: &[&str]) -> bool {
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

/// The words of a name in lower case: `LOG_LEVEL`, `logLevel` and `log.level` have two.
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

/// The key by which uses of one value share a field, in a single copy: the same image, host or variable. Values that
/// may be equal by coincidence, such as the memory of two containers, stay separate.
pub(super) fn meaning(usage: &FieldUse, whole: &Node) -> String {
    let keys: Vec<&str> = usage.location.path.iter().filter_map(PathStep::key).collect();
    match (&usage.hint, keys.as_slice()) {
        (Hint::Namespace, _) => "namespace".to_owned(),
        (Hint::Repository | Hint::Tag | Hint::Digest, _) => format!("{:?} of {}", usage.hint, whole.text()),
        (Hint::None, [.., last]) if HOSTS.contains(last) => "host".to_owned(),
        (Hint::None, [.., "env", "value"]) => {
            format!("env {}", usage.location.path.iter().rev().find_map(PathStep::item).unwrap_or_default())
        }
        _ => format!("{} {} {:?}", usage.location.class, usage.location, usage.hint),
    }
}

/// Whether a value can be a field as it is; a mapping or list cannot.
pub(super) fn is_leaf(node: &Node) -> bool {
    !matches!(node.value, Value::Mapping(_) | Value::Sequence(_) | Value::Null)
}
