//! Changes in words: what the outputs print, without secrets and without what a terminal obeys.

use ecow::EcoString;
use similar::{ChangeTag, TextDiff};

use crate::bundle::bare_name;
use crate::diff::consequences::Consequence;
use crate::diff::fields::compare_trees;
use crate::diff::hide::{Hide, is_named};
use crate::diff::{Change, FieldChange, Renamed, What, shown};
use crate::finding::ObjectRef;
use crate::node::{Node, Value};
use crate::report::{is_control_character, plain};
use crate::secret::DOTS;
use crate::source::{FileId, Span};
use crate::updates::Effect;
use crate::yaml::{self, Dialect};

/// How many unchanged lines stand around changed ones.
const CONTEXT: usize = 2;

/// A changed object in words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shown {
    /// Whether it is new, gone, or changed.
    pub state: State,
    /// It, as it will be where it stays.
    pub object: ObjectRef,
    /// Its name before, where that was another.
    pub old_name: Option<String>,
    /// Its namespace before, where that was another.
    pub old_namespace: Option<String>,
    /// How it came to another name.
    pub renamed: Option<Renamed>,
    /// The fields that differ.
    pub fields: Vec<ShownField>,
    /// All of it as YAML, where it is new.
    pub text: String,
    /// What applying it does.
    pub consequences: Vec<Consequence>,
    /// What applying it comes to; `None` where nothing is applied.
    pub effect: Option<Effect>,
    /// The place of the object, as it will be where it stays.
    pub span: Span,
}

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It differs.
    Changed,
}

impl Shown {
    /// Whether applying it leaves the object as it is stored.
    #[must_use]
    pub fn is_equivalent(&self) -> bool {
        self.state == State::Changed && self.effect == Some(Effect::None)
    }

    /// `Deployment/datastorage`; the config of a local cluster has no name.
    #[must_use]
    pub fn title(&self) -> String {
        if self.object.api_version.starts_with("kind.x-k8s.io/") {
            return "the kind cluster config".to_owned();
        }
        self.object.to_string()
    }
}

impl State {
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

/// A field that differs, in words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ShownField {
    /// The field as people know it.
    pub path: String,
    /// The field as the API server writes it.
    pub field: String,
    /// What differs.
    pub what: ShownWhat,
    /// Whether both values are stored alike.
    pub equivalent: bool,
}

/// What differs at a field, in words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ShownWhat {
    /// Values that fit on a line each.
    Values {
        /// As it was; `None` where it is new.
        old: Option<String>,
        /// As it will be; `None` where it is gone.
        new: Option<String>,
    },
    /// Lists and mappings that are new or gone, as YAML.
    Block {
        /// Whether it is new.
        added: bool,
        /// The YAML.
        text: String,
    },
    /// A text of several lines.
    Text {
        /// The lines that differ, and some around them.
        lines: Vec<Line>,
        /// The fields that differ in it, where it is YAML or JSON.
        fields: Vec<ShownField>,
        /// Whether a secret in it differs.
        secret: bool,
    },
    /// A secret, of which only this may be said: whether it was there, and whether it is.
    Secret {
        /// Whether it was there.
        was: bool,
        /// Whether it will be.
        is: bool,
    },
    /// A checksum that follows what it is of.
    Checksum,
    /// The new name of an object whose content changed, without the hash.
    Follows(String),
    /// Another order.
    Order {
        /// As it was.
        old: String,
        /// As it will be.
        new: String,
    },
}

/// A line of a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Line {
    /// What became of it.
    pub tag: Tag,
    /// The line.
    pub text: String,
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tag {
    /// It stays.
    Same,
    /// It goes.
    Removed,
    /// It comes.
    Added,
    /// Lines are left out here.
    Gap,
}

/// Puts a change into words.
#[must_use]
pub fn show(change: &Change<'_>, hide: &Hide<'_>, consequences: Vec<Consequence>) -> Shown {
    let object = change.object();
    let state = match (change.old, change.new) {
        (None, _) => State::Added,
        (_, None) => State::Removed,
        _ => State::Changed,
    };
    let before = |get: fn(&ObjectRef) -> &EcoString| {
        let (old, new) = (get(&change.old?.id), get(&change.new?.id));
        (old != new).then(|| plain(old))
    };
    let (old_name, old_namespace) = (before(|id| &id.name), before(|id| &id.namespace));
    let names: [(&str, bool); 2] = [("name", old_name.is_some()), ("namespace", old_namespace.is_some())];
    // The title says the name.
    let in_title = |field: &&FieldChange<'_>| {
        names.iter().any(|(name, renamed)| *renamed && field.path.len() == 2 && field.is_below(&["metadata", name]))
    };
    Shown {
        state,
        object: plain_id(&object.id),
        renamed: change.renamed,
        fields: change
            .fields
            .iter()
            .filter(|field| !in_title(field))
            .map(|field| show_field(change, field, hide))
            .collect(),
        text: if state == State::Added { yaml::emit(&hide.tree(&object.node)) } else { String::new() },
        old_name,
        old_namespace,
        consequences: consequences.into_iter().map(|found| plain_words(found, hide)).collect(),
        effect: change.effect(),
        span: object.span(),
    }
}

fn plain_id(id: &ObjectRef) -> ObjectRef {
    let [api_version, kind, namespace, name] =
        [&id.api_version, &id.kind, &id.namespace, &id.name].map(|text| plain(text).into());
    ObjectRef { api_version, kind, namespace, name }
}

/// Names of objects stand in it.
fn plain_words(consequence: Consequence, hide: &Hide<'_>) -> Consequence {
    let [message, help] = [&consequence.message, &consequence.help].map(|text| plain(&hide.words(text)));
    Consequence { message, help, ..consequence }
}

fn show_field(change: &Change<'_>, field: &FieldChange<'_>, hide: &Hide<'_>) -> ShownField {
    let what = match &field.what {
        _ if hide.is_secret(change, field) => {
            ShownWhat::Secret { was: field.before().is_some(), is: field.after().is_some() }
        }
        What::Changed(old, _) if field.follows => {
            let name = old.text();
            ShownWhat::Follows(plain(bare_name(name).unwrap_or(name)))
        }
        What::Changed(old, new) if is_checksum(field, old, new) => ShownWhat::Checksum,
        What::Changed(old, new) => changed(old, new, hide),
        What::Added(node) => whole(node, true, hide),
        What::Removed(node) => whole(node, false, hide),
        What::Reordered(old, new) => reordered(old, new, hide),
        What::Rearranged(old, new) => rearranged(old, new, hide),
    };
    let [path, name] = [field.shown(), field.field()].map(|text| plain(&hide.words(&text)));
    ShownField { path, field: name, what, equivalent: field.equivalent }
}

/// Whether both are digests: they say that something else changed, and no more.
fn is_checksum(field: &FieldChange<'_>, old: &Node, new: &Node) -> bool {
    let digest = |text: &str| text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    field.key().starts_with("checksum/") && digest(old.text()) && digest(new.text())
}

/// A value that is new or gone.
fn whole(node: &Node, added: bool, hide: &Hide<'_>) -> ShownWhat {
    let shown = hide.tree(node);
    let several = match &shown.value {
        Value::Sequence(items) => !items.is_empty(),
        Value::Mapping(mapping) => !mapping.is_empty(),
        Value::String(text) => text.trim_end().contains('\n'),
        _ => false,
    };
    if several {
        let text = match &shown.value {
            Value::String(text) => safe(text),
            _ => yaml::emit(&shown),
        };
        return ShownWhat::Block { added, text };
    }
    let value = Some(scalar(&shown));
    if added { ShownWhat::Values { old: None, new: value } } else { ShownWhat::Values { old: value, new: None } }
}

/// A value that is another one.
fn changed(old: &Node, new: &Node, hide: &Hide<'_>) -> ShownWhat {
    let lines = |node: &Node| node.as_str().is_some_and(|text| text.trim_end().contains('\n'));
    if let (Some(from), Some(to)) = (old.as_str(), new.as_str())
        && (lines(old) || lines(new))
    {
        let (from_hidden, to_hidden) = (hide.scalar(old, from), hide.scalar(new, to));
        return ShownWhat::Text {
            lines: line_diff(&from_hidden.text, &to_hidden.text),
            fields: text_fields(from, to, hide),
            secret: from_hidden.secrets != to_hidden.secrets,
        };
    }
    let (from, to) = (flow(&hide.tree(old)), flow(&hide.tree(new)));
    if from == to {
        return ShownWhat::Secret { was: true, is: true };
    }
    ShownWhat::Values { old: Some(from), new: Some(to) }
}

fn reordered(old: &[String], new: &[String], hide: &Hide<'_>) -> ShownWhat {
    let [old, new] = [old, new].map(|names| plain(&hide.words(&names.join(", "))));
    ShownWhat::Order { old, new }
}

fn rearranged(old: &Node, new: &Node, hide: &Hide<'_>) -> ShownWhat {
    let [old, new] = [old, new].map(|list| plain(&hide.words(&flow(&hide.tree(list)))));
    ShownWhat::Order { old, new }
}

/// A value on one line, as YAML's flow style writes it.
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

/// A scalar as YAML writes it.
pub(crate) fn scalar(node: &Node) -> String {
    match &node.value {
        Value::String(text) if &**text == DOTS => DOTS.to_owned(),
        Value::String(text) if text.contains(DOTS) => plain(text),
        Value::String(text) if text.contains('\n') => format!("{text:?}"),
        _ => yaml::emit(node).trim_end().to_owned(),
    }
}

/// Text in which no character steers a terminal.
fn safe(text: &str) -> String {
    text.chars().map(|c| if is_control_character(c) && c != '\t' && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// The lines that differ, with some around them.
fn line_diff(old: &str, new: &str) -> Vec<Line> {
    let diff = TextDiff::from_lines(old, new);
    let mut lines = Vec::new();
    for (at, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if at > 0 {
            lines.push(Line { tag: Tag::Gap, text: String::new() });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let tag = match change.tag() {
                ChangeTag::Equal => Tag::Same,
                ChangeTag::Delete => Tag::Removed,
                ChangeTag::Insert => Tag::Added,
            };
            lines.push(Line { tag, text: safe(change.value().trim_end_matches(['\n', '\r'])) });
        }
    }
    lines
}

/// The fields that differ in texts that are YAML or JSON mappings; none otherwise.
fn text_fields(old: &str, new: &str, hide: &Hide<'_>) -> Vec<ShownField> {
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
            let path = plain(&hide.words(&shown(&field.path)));
            let value = |node: &Node| {
                let node = hide.tree(node);
                let text = flow(&node);
                // The name decides in a line of text, and so it does here.
                let line = hide.text(&format!("{}: {text}", field.key())).text;
                line.strip_prefix(&format!("{}: ", field.key())).unwrap_or(DOTS).to_owned()
            };
            let what = match &field.what {
                _ if is_named([&old, &new], field) => {
                    ShownWhat::Secret { was: field.before().is_some(), is: field.after().is_some() }
                }
                What::Reordered(old, new) => reordered(old, new, hide),
                What::Rearranged(old, new) => rearranged(old, new, hide),
                _ => {
                    let (old, new) = (field.before().map(value), field.after().map(value));
                    if old == new { ShownWhat::Secret { was: true, is: true } } else { ShownWhat::Values { old, new } }
                }
            };
            ShownField { field: path.clone(), path, what, equivalent: false }
        })
        .collect()
}
