//! A cause: why an object is not ready, which object and field to change, and what the cluster reported.

use ecow::EcoString;

use crate::finding::{Finding, ObjectRef, RuleId};
use crate::node::{Input, Node, Value};
use crate::object::Object;
use crate::path::{FieldPath, Segment};
use crate::source::Span;
use crate::status::rules::CauseRule;

/// The stage at which an object failed. Causes of earlier stages come first, since they explain those of later ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The API server rejected the object.
    Apply,
    /// No pod was created.
    Create,
    /// The pod is not scheduled to a node, or its volume is not bound.
    Schedule,
    /// A container could not be started.
    Start,
    /// A container exits.
    Run,
    /// A container runs, but a probe fails.
    Probe,
    /// A container waits for another workload.
    Wait,
    /// The pods are ready, but a Service or Ingress does not reach them.
    Reach,
    /// The workload is ready but cannot be scaled.
    Scale,
    /// The object is not ready, and the cluster does not report why.
    Unknown,
}

/// Whether an object may still become ready without a change of the manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recovery {
    /// It may.
    Possible,
    /// It does only if something else changes, for example if a missing object is created. Holds the number of seconds
    /// for which waiting is worthwhile.
    Unlikely(u64),
    /// It does not.
    Impossible,
}

/// Why an object is not ready.
#[derive(Debug, Clone)]
pub struct Cause {
    /// The rule.
    pub rule: &'static CauseRule,
    /// The stage at which it failed.
    pub stage: Stage,
    /// Whether waiting may help.
    pub recovery: Recovery,
    /// The object to change.
    pub object: ObjectRef,
    /// The field to change.
    pub field: FieldPath,
    /// What is wrong.
    pub message: String,
    /// The messages of the cluster's components, and the last log lines.
    pub quotes: Vec<String>,
    /// How to fix it. If empty, [`Cause::finding`] uses general advice for the rule.
    pub help: String,
    /// The object that is not ready because of it; for a pod, its top-level owner.
    pub affected: ObjectRef,
}

impl Cause {
    /// Creates a cause at a field of an object.
    #[must_use]
    pub fn new(rule: &'static CauseRule, object: &ObjectRef, field: FieldPath, message: impl Into<String>) -> Self {
        Self {
            rule,
            stage: rule.stage,
            recovery: rule.recovery,
            object: object.clone(),
            field,
            message: message.into(),
            quotes: Vec::new(),
            help: String::new(),
            affected: object.clone(),
        }
    }

    /// Sets how to fix it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Adds a message of a component of the cluster, unless it is empty.
    #[must_use]
    pub fn quote(mut self, component: &str, message: &str) -> Self {
        let message = message.trim();
        if !message.is_empty() {
            self.quotes.push(format!("{component}: {}", shorten(message)));
        }
        self
    }

    /// Adds the last log lines of a container.
    #[must_use]
    pub fn log(mut self, lines: &[&str]) -> Self {
        self.quotes.extend(lines.iter().map(|line| format!("log: {}", shorten(line))));
        self
    }

    /// Sets whether waiting may help.
    #[must_use]
    pub const fn recovery(mut self, recovery: Recovery) -> Self {
        self.recovery = recovery;
        self
    }

    /// Sets the object that is not ready because of it.
    #[must_use]
    pub fn affecting(mut self, object: &ObjectRef) -> Self {
        self.affected = object.clone();
        self
    }

    /// The general advice for the rule, for causes without a help text of their own.
    fn general_help(&self) -> String {
        let ObjectRef { kind, namespace, name, .. } = &self.affected;
        match self.rule.id {
            RuleId::StatusRejected => {
                "correct the field; `plimsoll check` reports such errors before they are applied".to_owned()
            }
            RuleId::StatusPodInvalid => "correct the field of the pod template".to_owned(),
            RuleId::StatusClaimResizeFailed => {
                "use a StorageClass with `allowVolumeExpansion: true`, or keep the current size".to_owned()
            }
            RuleId::StatusResourceClaimMissing => {
                format!("create it, or use an existing one: kubectl -n {namespace} get resourceclaims")
            }
            RuleId::StatusScheduleInvalid => {
                "use a schedule with five fields such as `17 3 * * *`, and a time zone such as `Europe/Berlin`"
                    .to_owned()
            }
            RuleId::StatusBackendMissing => {
                format!("use an existing Service and port: kubectl -n {namespace} get services")
            }
            RuleId::StatusScaleTargetMissing => "use an existing workload in the same namespace".to_owned(),
            _ if namespace.is_empty() => {
                format!("see its events: kubectl describe {} {name}", kind.to_lowercase())
            }
            _ => format!("see its events: kubectl -n {namespace} describe {} {name}", kind.to_lowercase()),
        }
    }

    /// Returns the finding. Its location is taken from `manifest`, the object as it was written or rendered.
    #[must_use]
    pub fn finding(&self, manifest: Option<&Object>) -> Finding {
        let mut finding = Finding::new(self.rule.id, self.rule.id.severity(), Span::NONE, self.message.clone());
        finding.object = Some(self.object.clone());
        finding.field = self.field.to_string();
        finding.help = if self.help.is_empty() { self.general_help() } else { self.help.clone() };
        if let Some(manifest) = manifest {
            let (node, span) = nearest(&manifest.node, &self.field);
            finding.span = if span.is_none() { manifest.span() } else { span };
            // If the string is composed of several values, the last one that it contains: of an image reference the
            // tag.
            let located = node.origin.inputs().iter().filter(|input| !input.node.origin.span.is_none());
            let is_contained = |input: &&Input| {
                input.node.as_str().is_some_and(|value| !value.is_empty() && node.text().contains(value))
            };
            if let Some(input) = located.rev().find(is_contained).or_else(|| node.origin.blame(&node.value)) {
                finding.related.push((finding.span, "rendered by this template".to_owned()));
                finding.span = input.node.origin.span;
            }
        }
        finding.related.extend(self.quotes.iter().map(|quote| (Span::NONE, quote.clone())));
        finding
    }
}

/// The node at a path, or its nearest existing ancestor, and the span of it: for a scalar that of the value, otherwise
/// that of the key.
fn nearest<'a>(root: &'a Node, path: &FieldPath) -> (&'a Node, Span) {
    let (mut node, mut span) = (root, Span::NONE);
    for segment in &path.0 {
        let next = match (segment, &node.value) {
            (Segment::Field(key) | Segment::Key(key), Value::Mapping(mapping)) => {
                mapping.entry(key).map(|entry| (&entry.value, entry.key_span))
            }
            (Segment::Index(index), Value::Sequence(items)) => items.get(*index).map(|item| {
                let first = item.entries().first().map(|entry| entry.key_span);
                (item, first.unwrap_or(item.origin.span))
            }),
            _ => None,
        };
        let Some((found, key_span)) = next else { break };
        let is_scalar = !matches!(found.value, Value::Mapping(_) | Value::Sequence(_));
        let own = found.origin.span;
        (node, span) = (found, if is_scalar && !own.is_none() { own } else { key_span });
    }
    (node, span)
}

/// The longest quoted message in characters. The API server prints the whole template if one of its fields is
/// immutable.
const MAX_QUOTE_LENGTH: usize = 600;

fn shorten(message: &str) -> String {
    let message = message.replace('\n', " ");
    match message.char_indices().nth(MAX_QUOTE_LENGTH) {
        Some((at, _)) => format!("{}…", &message[..at]),
        None => message,
    }
}

/// The path of fields in dotted notation, such as `spec.template.spec`.
#[must_use]
pub(super) fn path(fields: &str) -> FieldPath {
    FieldPath(fields.split('.').filter(|field| !field.is_empty()).map(|field| Segment::Field(field.into())).collect())
}

/// The path extended by fields.
#[must_use]
pub(super) fn below(path: &FieldPath, fields: &[&str]) -> FieldPath {
    let mut path = path.clone();
    path.0.extend(fields.iter().map(|field| Segment::Field(EcoString::from(*field))));
    path
}

/// The path of an item of the list at `path`.
#[must_use]
pub(super) fn item(path: &FieldPath, index: usize) -> FieldPath {
    let mut path = path.clone();
    path.0.push(Segment::Index(index));
    path
}

/// Parses a path as the API server prints it: `spec.ports[0].nodePort`, `data[app.yaml]`, `*.spec`.
#[must_use]
pub(super) fn parse_path(text: &str) -> FieldPath {
    let mut path = FieldPath::default();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (key, after) = inner.split_once(']').unwrap_or((inner, ""));
            path.0.push(match key.parse() {
                Ok(index) => Segment::Index(index),
                Err(_) => Segment::Key(key.into()),
            });
            rest = after;
        } else {
            let rest_of = rest.strip_prefix('.').unwrap_or(rest);
            let end = rest_of.find(['.', '[']).unwrap_or(rest_of.len());
            if end > 0 {
                path.0.push(Segment::Field(rest_of[..end].into()));
            } else if rest_of.len() == rest.len() {
                break;
            }
            rest = &rest_of[end..];
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_parsed_as_the_api_server_prints_them() {
        for text in ["spec.ports[0].nodePort", "spec.template", "data[app.yaml]", "metadata.labels[a/b]", "spec"] {
            assert_eq!(parse_path(text).to_string(), text);
        }
        for odd in ["", ".", "..", "[", "[]", "a..b", "a[0", "[0].x", "a.[b]"] {
            _ = parse_path(odd);
        }
    }
}
