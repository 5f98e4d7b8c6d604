//! A cause: why something is not ready, which object and field a person has to change, and the cluster's own words.

use ecow::EcoString;

use crate::finding::{Finding, ObjectRef, RuleId};
use crate::node::{Input, Node, Value};
use crate::object::Object;
use crate::path::{FieldPath, Segment};
use crate::source::Span;
use crate::status::rules::Rule;

/// How far on its way a thing got before it failed. Earlier ones are looked at first, since they explain later ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The API server rejected the object.
    Apply,
    /// No pod was created.
    Create,
    /// A volume or a node was not found for the pod.
    Schedule,
    /// A container could not be started.
    Start,
    /// A container ends by itself.
    Run,
    /// A container runs, and a probe says that it does not serve.
    Probe,
    /// A container waits for something else.
    Wait,
    /// The pods are ready, and nothing reaches them.
    Reach,
    /// All is there, and cannot be scaled.
    Scale,
    /// Not ready, and the cluster does not say why.
    Unknown,
}

/// Whether waiting may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Prospect {
    /// It may become ready by itself.
    Open,
    /// It becomes ready only if something outside the object changes, as another object that is about to appear; for how
    /// many seconds that is worth waiting.
    Poor(u64),
    /// It never becomes ready without a change.
    None,
}

/// Why something is not ready.
#[derive(Debug, Clone)]
pub struct Cause {
    /// The rule.
    pub rule: &'static Rule,
    /// How far it got.
    pub stage: Stage,
    /// Whether waiting may help.
    pub prospect: Prospect,
    /// The object whose manifest a person has to change.
    pub object: ObjectRef,
    /// The field of it.
    pub field: FieldPath,
    /// What is wrong.
    pub message: String,
    /// What the cluster says, and the last log lines.
    pub words: Vec<String>,
    /// What to do.
    pub help: String,
    /// The object that is not ready because of it; of pods the one that owns them all.
    pub affected: ObjectRef,
}

impl Cause {
    /// A cause at a field of an object.
    #[must_use]
    pub fn new(rule: &'static Rule, object: &ObjectRef, field: FieldPath, message: impl Into<String>) -> Self {
        Self {
            rule,
            stage: rule.stage,
            prospect: rule.prospect,
            object: object.clone(),
            field,
            message: message.into(),
            words: Vec::new(),
            help: String::new(),
            affected: object.clone(),
        }
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Adds what a component of the cluster says.
    #[must_use]
    pub fn words(mut self, who: &str, words: &str) -> Self {
        let words = words.trim();
        if !words.is_empty() {
            self.words.push(format!("{who}: {}", shorten(words)));
        }
        self
    }

    /// Adds the last log lines of a container.
    #[must_use]
    pub fn log(mut self, lines: &[&str]) -> Self {
        self.words.extend(lines.iter().map(|line| format!("log: {}", shorten(line))));
        self
    }

    /// Says how certain it is that waiting does not help.
    #[must_use]
    pub const fn prospect(mut self, prospect: Prospect) -> Self {
        self.prospect = prospect;
        self
    }

    /// Names the object that is not ready because of it.
    #[must_use]
    pub fn affecting(mut self, object: &ObjectRef) -> Self {
        self.affected = object.clone();
        self
    }

    /// What to do, where the cause itself does not say: by its rule, else where more is told.
    fn guidance(&self) -> String {
        let ObjectRef { kind, namespace, name, .. } = &self.affected;
        match self.rule.id {
            RuleId::StatusRejected => "correct the field; `plimsoll check` reports it before applying".to_owned(),
            RuleId::StatusPodInvalid => "correct the field of the pod template".to_owned(),
            RuleId::StatusClaimResizeFailed => {
                "use a StorageClass with allowVolumeExpansion, or keep the size".to_owned()
            }
            RuleId::StatusResourceClaimMissing => {
                format!("create it, or name one that exists: kubectl -n {namespace} get resourceclaims")
            }
            RuleId::StatusScheduleInvalid => {
                "write five fields, such as `17 3 * * *`, and a time zone such as `Europe/Berlin`".to_owned()
            }
            RuleId::StatusBackendMissing => {
                format!("name a Service and a port that exist: kubectl -n {namespace} get services")
            }
            RuleId::StatusScaleTargetMissing => "name a workload of the namespace".to_owned(),
            _ if namespace.is_empty() => {
                format!("its events tell more: kubectl describe {} {name}", kind.to_lowercase())
            }
            _ => format!("its events tell more: kubectl -n {namespace} describe {} {name}", kind.to_lowercase()),
        }
    }

    /// The finding; `manifest` is the object as it was written or rendered, which knows the lines.
    #[must_use]
    pub fn finding(&self, manifest: Option<&Object>) -> Finding {
        let mut finding = Finding::new(self.rule.id, self.rule.id.severity(), Span::NONE, self.message.clone());
        finding.object = Some(self.object.clone());
        finding.field = self.field.to_string();
        finding.help = if self.help.is_empty() { self.guidance() } else { self.help.clone() };
        if let Some(manifest) = manifest {
            let (node, span) = nearest(&manifest.node, &self.field);
            finding.span = if span.is_none() { manifest.span() } else { span };
            // Of a text made of several values the last one that stands in it, as the tag in the name of an image.
            let placed = node.origin.inputs().iter().filter(|input| !input.node.origin.span.is_none());
            let part =
                |input: &&Input| input.node.as_str().is_some_and(|part| !part.is_empty() && node.text().contains(part));
            if let Some(input) = placed.rev().find(part).or_else(|| node.origin.blame(&node.value)) {
                finding.related.push((finding.span, "rendered by this template".to_owned()));
                finding.span = input.node.origin.span;
            }
        }
        finding.related.extend(self.words.iter().map(|words| (Span::NONE, words.clone())));
        finding
    }
}

/// The node that a path leads to, or the last one on the way there; and its place: of a scalar the value's, else the key's.
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
        let Some((found, place)) = next else { break };
        let is_scalar = !matches!(found.value, Value::Mapping(_) | Value::Sequence(_));
        let own = found.origin.span;
        (node, span) = (found, if is_scalar && !own.is_none() { own } else { place });
    }
    (node, span)
}

/// Words of the cluster longer than this are cut: an immutable template is printed whole.
const LONGEST: usize = 600;

fn shorten(words: &str) -> String {
    let words = words.replace('\n', " ");
    match words.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &words[..at]),
        None => words,
    }
}

/// A path of fields: `path("spec.template.spec")`.
#[must_use]
pub(super) fn path(fields: &str) -> FieldPath {
    FieldPath(fields.split('.').filter(|field| !field.is_empty()).map(|field| Segment::Field(field.into())).collect())
}

/// The path with more fields below it.
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

/// A path as the API server writes it: `spec.ports[0].nodePort`, `data[app.yaml]`, `*.spec`.
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
    fn paths_are_read_as_the_server_writes_them() {
        for text in ["spec.ports[0].nodePort", "spec.template", "data[app.yaml]", "metadata.labels[a/b]", "spec"] {
            assert_eq!(parse_path(text).to_string(), text);
        }
        for odd in ["", ".", "..", "[", "[]", "a..b", "a[0", "[0].x", "a.[b]"] {
            _ = parse_path(odd);
        }
    }
}
