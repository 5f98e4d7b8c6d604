//! Printable changes, without secrets and control characters.

use ecow::EcoString;
use similar::{ChangeTag, TextDiff};

use crate::bundle::bare_name;
use crate::diff::consequences::Consequence;
use crate::diff::fields::compare_trees;
use crate::diff::redact::{Redactor, is_named};
use crate::diff::{Difference, FieldChange, ObjectChange, RenameKind, labeled_path};
use crate::finding::ObjectRef;
use crate::node::{Node, Value};
use crate::report::{is_control_character, plain};
use crate::secret::REDACTED;
use crate::source::{FileId, Span};
use crate::updates::Effect;
use crate::yaml::{self, Dialect};

/// The number of unchanged lines around changed ones.
const CONTEXT_LINES: usize = 2;

/// A printable change of an object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChangeView {
    /// Whether the object is added, removed or changed.
    pub kind: ChangeKind,
    /// The new object, or the old one if it is removed.
    pub object: ObjectRef,
    /// The old name, if it differs.
    pub old_name: Option<String>,
    /// The old namespace, if it differs.
    pub old_namespace: Option<String>,
    /// How the object was renamed.
    pub renamed: Option<RenameKind>,
    /// The fields that differ.
    pub fields: Vec<FieldView>,
    /// The object as YAML, if it is added.
    pub yaml: String,
    /// The consequences of applying the change.
    pub consequences: Vec<Consequence>,
    /// The effect of applying the change; `None` if it is not applied.
    pub effect: Option<Effect>,
    /// The location of the new object, or of the old one if it is removed.
    pub span: Span,
}

/// The kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// The object is added.
    Added,
    /// The object is removed.
    Removed,
    /// The object differs.
    Changed,
}

impl ChangeView {
    /// Whether applying the change does not change the stored object.
    #[must_use]
    pub fn is_equivalent(&self) -> bool {
        self.kind == ChangeKind::Changed && self.effect == Some(Effect::None)
    }

    /// The title: `Deployment/datastorage`. The config of a kind cluster has no name.
    #[must_use]
    pub fn title(&self) -> String {
        if self.object.api_version.starts_with("kind.x-k8s.io/") {
            return "the kind cluster config".to_owned();
        }
        self.object.to_string()
    }
}

impl ChangeKind {
    /// `added`, `removed` or `changed`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

/// A printable difference of a field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldView {
    /// The path with list entries identified by their labels.
    pub path: String,
    /// The path in the notation of the API server.
    pub field: String,
    /// The difference.
    pub difference: DifferenceView,
    /// Whether both values are stored identically.
    pub equivalent: bool,
}

/// A printable difference.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DifferenceView {
    /// Values on one line each.
    Values {
        /// The old value; `None` if the field is added.
        old: Option<String>,
        /// The new value; `None` if the field is removed.
        new: Option<String>,
    },
    /// An added or removed list, mapping or multi-line string.
    Block {
        /// Whether it is added.
        added: bool,
        /// The YAML.
        text: String,
    },
    /// A multi-line string.
    Text {
        /// The lines that differ, with context.
        lines: Vec<DiffLine>,
        /// The fields that differ, if the string is YAML or JSON.
        fields: Vec<FieldView>,
        /// Whether a secret in the string differs.
        secret: bool,
    },
    /// A secret.
    Secret {
        /// Whether the field exists in the old object.
        before: bool,
        /// Whether the field exists in the new object.
        after: bool,
    },
    /// A checksum annotation.
    Checksum,
    /// A reference to an object whose content hash changed. Holds its name without the hash.
    RenamedReference(String),
    /// A different order of the same entries.
    Order {
        /// The old order.
        old: String,
        /// The new order.
        new: String,
    },
}

/// A line of a line diff.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DiffLine {
    /// Whether the line is added, removed or context.
    pub kind: LineKind,
    /// The content.
    pub text: String,
}

/// The kind of a line of a line diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// A context line.
    Same,
    /// A removed line.
    Removed,
    /// An added line.
    Added,
    /// A placeholder for omitted lines.
    Gap,
}

/// Formats a change.
#[must_use]
pub fn view(change: &ObjectChange<'_>, redactor: &Redactor<'_>, consequences: Vec<Consequence>) -> ChangeView {
    let object = change.object();
    let kind = match (change.old, change.new) {
        (None, _) => ChangeKind::Added,
        (_, None) => ChangeKind::Removed,
        _ => ChangeKind::Changed,
    };
    let before = |get: fn(&ObjectRef) -> &EcoString| {
        let (old, new) = (get(&change.old?.id), get(&change.new?.id));
        (old != new).then(|| plain(old))
    };
    let (old_name, old_namespace) = (before(|id| &id.name), before(|id| &id.namespace));
    let names: [(&str, bool); 2] = [("name", old_name.is_some()), ("namespace", old_namespace.is_some())];
    // The title contains the name.
    let in_title = |field: &&FieldChange<'_>| {
        names.iter().any(|(name, renamed)| *renamed && field.path.len() == 2 && field.is_below(&["metadata", name]))
    };
    ChangeView {
        kind,
        object: plain_id(&object.id),
        renamed: change.renamed,
        fields: change
            .fields
            .iter()
            .filter(|field| !in_title(field))
            .map(|field| view_field(change, field, redactor))
            .collect(),
        yaml: if kind == ChangeKind::Added { yaml::emit(&redactor.tree(&object.node)) } else { String::new() },
        old_name,
        old_namespace,
        consequences: consequences.into_iter().map(|found| redact_consequence(found, redactor)).collect(),
        effect: change.effect(),
        span: object.span(),
    }
}

fn plain_id(id: &ObjectRef) -> ObjectRef {
    let [api_version, kind, namespace, name] =
        [&id.api_version, &id.kind, &id.namespace, &id.name].map(|text| plain(text).into());
    ObjectRef { api_version, kind, namespace, name }
}

/// Names of objects may be part of the message.
fn redact_consequence(consequence: Consequence, redactor: &Redactor<'_>) -> Consequence {
    let [message, help] = [&consequence.message, &consequence.help].map(|text| plain(&redactor.words(text)));
    Consequence { message, help, ..consequence }
}

fn view_field(change: &ObjectChange<'_>, field: &FieldChange<'_>, redactor: &Redactor<'_>) -> FieldView {
    let difference = match &field.difference {
        _ if redactor.is_secret(change, field) => {
            DifferenceView::Secret { before: field.before().is_some(), after: field.after().is_some() }
        }
        Difference::Changed(old, _) if field.follows_rename => {
            let name = old.text();
            DifferenceView::RenamedReference(plain(bare_name(name).unwrap_or(name)))
        }
        Difference::Changed(old, new) if is_checksum(field, old, new) => DifferenceView::Checksum,
        Difference::Changed(old, new) => changed(old, new, redactor),
        Difference::Added(node) => added_or_removed(node, true, redactor),
        Difference::Removed(node) => added_or_removed(node, false, redactor),
        Difference::Reordered(old, new) => reordered(old, new, redactor),
        Difference::Rearranged(old, new) => rearranged(old, new, redactor),
    };
    let [path, name] = [field.labeled_path(), field.field()].map(|text| plain(&redactor.words(&text)));
    FieldView { path, field: name, difference, equivalent: field.equivalent }
}

/// Whether a field is a checksum annotation, which only reflects other changes.
fn is_checksum(field: &FieldChange<'_>, old: &Node, new: &Node) -> bool {
    let is_digest = |text: &str| text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    field.key().starts_with("checksum/") && is_digest(old.text()) && is_digest(new.text())
}

/// An added or removed value.
fn added_or_removed(node: &Node, added: bool, redactor: &Redactor<'_>) -> DifferenceView {
    let redacted = redactor.tree(node);
    let is_multiline = match &redacted.value {
        Value::Sequence(items) => !items.is_empty(),
        Value::Mapping(mapping) => !mapping.is_empty(),
        Value::String(text) => text.trim_end().contains('\n'),
        _ => false,
    };
    if is_multiline {
        let text = match &redacted.value {
            Value::String(text) => without_control_characters(text),
            _ => yaml::emit(&redacted),
        };
        return DifferenceView::Block { added, text };
    }
    let value = Some(scalar(&redacted));
    if added {
        DifferenceView::Values { old: None, new: value }
    } else {
        DifferenceView::Values { old: value, new: None }
    }
}

/// A changed value.
fn changed(old: &Node, new: &Node, redactor: &Redactor<'_>) -> DifferenceView {
    let is_multiline = |node: &Node| node.as_str().is_some_and(|text| text.trim_end().contains('\n'));
    if let (Some(from), Some(to)) = (old.as_str(), new.as_str())
        && (is_multiline(old) || is_multiline(new))
    {
        let (from_redacted, to_redacted) = (redactor.scalar(old, from), redactor.scalar(new, to));
        return DifferenceView::Text {
            lines: line_diff(&from_redacted.text, &to_redacted.text),
            fields: embedded_fields(from, to, redactor),
            secret: from_redacted.secrets != to_redacted.secrets,
        };
    }
    let (from, to) = (flow(&redactor.tree(old)), flow(&redactor.tree(new)));
    if from == to {
        return DifferenceView::Secret { before: true, after: true };
    }
    DifferenceView::Values { old: Some(from), new: Some(to) }
}

fn reordered(old: &[String], new: &[String], redactor: &Redactor<'_>) -> DifferenceView {
    let [old, new] = [old, new].map(|names| plain(&redactor.words(&names.join(", "))));
    DifferenceView::Order { old, new }
}

fn rearranged(old: &Node, new: &Node, redactor: &Redactor<'_>) -> DifferenceView {
    let [old, new] = [old, new].map(|list| plain(&redactor.words(&flow(&redactor.tree(list)))));
    DifferenceView::Order { old, new }
}

/// A value on one line in YAML's flow style.
pub(super) fn flow(node: &Node) -> String {
    match &node.value {
        Value::Sequence(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Mapping(mapping) => {
            let entries = mapping.iter().map(|entry| format!("{}: {}", plain(&entry.key), flow(&entry.value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        _ => scalar(node),
    }
}

/// A scalar as YAML.
pub(crate) fn scalar(node: &Node) -> String {
    match &node.value {
        Value::String(text) if &**text == REDACTED => REDACTED.to_owned(),
        Value::String(text) if text.contains(REDACTED) => plain(text),
        Value::String(text) if text.contains('\n') => format!("{text:?}"),
        _ => yaml::emit(node).trim_end().to_owned(),
    }
}

/// Replaces control characters other than tabs and newlines.
fn without_control_characters(text: &str) -> String {
    text.chars().map(|c| if is_control_character(c) && c != '\t' && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// The lines that differ, with context.
fn line_diff(old: &str, new: &str) -> Vec<DiffLine> {
    let diff = TextDiff::from_lines(old, new);
    let mut lines = Vec::new();
    for (at, group) in diff.grouped_ops(CONTEXT_LINES).iter().enumerate() {
        if at > 0 {
            lines.push(DiffLine { kind: LineKind::Gap, text: String::new() });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let kind = match change.tag() {
                ChangeTag::Equal => LineKind::Same,
                ChangeTag::Delete => LineKind::Removed,
                ChangeTag::Insert => LineKind::Added,
            };
            lines.push(DiffLine {
                kind,
                text: without_control_characters(change.value().trim_end_matches(['\n', '\r'])),
            });
        }
    }
    lines
}

/// The fields that differ in two strings, if both are YAML or JSON mappings.
fn embedded_fields(old: &str, new: &str, redactor: &Redactor<'_>) -> Vec<FieldView> {
    let tree = |text: &str| {
        let mut loaded = yaml::load_text(text, FileId(u32::MAX), Dialect::Kubectl);
        let one = loaded.findings.is_empty() && loaded.documents.len() == 1;
        one.then(|| loaded.documents.remove(0)).filter(|node| matches!(node.value, Value::Mapping(_)))
    };
    let (Some(old), Some(new)) = (tree(old), tree(new)) else { return Vec::new() };
    let fields = compare_trees(&old, &new);
    fields
        .iter()
        .map(|field| {
            let path = plain(&redactor.words(&labeled_path(&field.path)));
            let value = |node: &Node| {
                let node = redactor.tree(node);
                let text = flow(&node);
                // Detect secrets by the name of the field, as in a line of a config file.
                let line = redactor.text(&format!("{}: {text}", field.key())).text;
                line.strip_prefix(&format!("{}: ", field.key())).unwrap_or(REDACTED).to_owned()
            };
            let difference = match &field.difference {
                _ if is_named([&old, &new], field) => {
                    DifferenceView::Secret { before: field.before().is_some(), after: field.after().is_some() }
                }
                Difference::Reordered(old, new) => reordered(old, new, redactor),
                Difference::Rearranged(old, new) => rearranged(old, new, redactor),
                _ => {
                    let (old, new) = (field.before().map(value), field.after().map(value));
                    if old == new {
                        DifferenceView::Secret { before: true, after: true }
                    } else {
                        DifferenceView::Values { old, new }
                    }
                }
            };
            FieldView { field: path.clone(), path, difference, equivalent: false }
        })
        .collect()
}
