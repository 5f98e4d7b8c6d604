//! The joint template of the copies: its nodes, the copies that have them, and the sites where values differ.

use ecow::EcoString;

use super::copies::Presence;
use super::strings::StringPart;
use crate::node::Node;

/// A node of the joint template.
#[derive(Debug, Clone)]
pub(super) enum TemplateNode {
    /// Equal in all copies that have it.
    Same(Node),
    /// A value that differs, or is a secret: an index into the sites.
    Site(usize),
    /// A mapping that differs somewhere.
    Mapping(Vec<(EcoString, TemplateMember)>),
    /// A list that differs somewhere.
    List(Vec<TemplateMember>),
    /// A string that is the serialized form of a tree, exactly as the emitter writes it.
    Tree(SerializedFormat, Box<TemplateMember>),
}

/// The format of a serialized tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SerializedFormat {
    Yaml,
    Json,
}

/// A mapping entry, a list item, a document, or the root of a serialized tree.
#[derive(Debug, Clone)]
pub(super) struct TemplateMember {
    pub(super) part: TemplateNode,
    /// The copies that have it.
    pub(super) presence: Presence,
    /// The copies that have the mapping or list that contains it.
    pub(super) within: Presence,
    pub(super) location: Location,
}

impl TemplateMember {
    /// Whether some copy has the parent without this member.
    pub(super) fn is_optional(&self) -> bool {
        self.presence != self.within
    }

    /// The number of leaves of the copies that differ from the most frequent value.
    pub(super) fn differing_leaves(&self, sites: &[TemplateSite]) -> usize {
        let below = |member: &Self| member.differing_leaves(sites);
        let inside = match &self.part {
            TemplateNode::Same(_) => 0,
            TemplateNode::Site(at) => sites[*at].differing_values(),
            TemplateNode::Mapping(entries) => entries.iter().map(|(_, member)| below(member)).sum(),
            TemplateNode::List(items) => items.iter().map(below).sum(),
            TemplateNode::Tree(_, root) => below(root),
        };
        if !self.is_optional() {
            return inside;
        }
        let relevant = self.within.iter().filter(|within| **within).count();
        let having = self.presence.iter().filter(|here| **here).count();
        inside + self.leaves() * having.min(relevant - having)
    }

    fn leaves(&self) -> usize {
        match &self.part {
            TemplateNode::Same(node) => leaves(node),
            TemplateNode::Site(_) => 1,
            TemplateNode::Mapping(entries) => entries.iter().map(|(_, member)| member.leaves()).sum(),
            TemplateNode::List(items) => items.iter().map(Self::leaves).sum(),
            TemplateNode::Tree(_, root) => root.leaves(),
        }
    }
}

fn leaves(node: &Node) -> usize {
    let entries: usize = node.entries().iter().map(|entry| leaves(&entry.value)).sum();
    let items: usize = node.items().iter().map(leaves).sum();
    (entries + items).max(1)
}

/// A location whose value is a field, or is composed of fields.
#[derive(Debug, Clone)]
pub(super) struct TemplateSite {
    /// The value in each copy that has the location.
    pub(super) values: Vec<Option<Node>>,
    pub(super) location: Location,
    pub(super) secret: bool,
    /// Whether the object stores it base64-encoded.
    pub(super) encoded: bool,
    /// The copies that have the parent, and so could have the value.
    pub(super) within: Presence,
    /// The parts of the string, for a single copy, where no other copy shows what differs.
    pub(super) parts: Vec<StringPart>,
}

impl TemplateSite {
    /// The number of copies whose value is not the most frequent one.
    fn differing_values(&self) -> usize {
        let values = || self.values.iter().flatten();
        let most = values().map(|value| values().filter(|other| *other == value).count()).max();
        values().count() - most.unwrap_or_default()
    }

    /// The strings, if all values are strings.
    pub(super) fn texts(&self) -> Option<Vec<Option<EcoString>>> {
        let text = |value: &Option<Node>| match value {
            None => Some(None),
            Some(node) => node.as_str().map(|text| Some(text.into())),
        };
        self.values.iter().map(text).collect()
    }
}

/// The location of a value.
#[derive(Debug, Clone, Default)]
pub(super) struct Location {
    /// The index of the object's class.
    pub(super) class: usize,
    pub(super) path: Vec<PathStep>,
}

/// A segment of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PathStep {
    Key(EcoString),
    /// A list item, by its name or index.
    Item(EcoString),
}

impl PathStep {
    pub(super) fn key(&self) -> Option<&str> {
        if let Self::Key(key) = self { Some(key) } else { None }
    }

    pub(super) fn item(&self) -> Option<&str> {
        if let Self::Item(item) = self { Some(item) } else { None }
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Self::Key(text) | Self::Item(text) => text,
        }
    }
}

impl Location {
    pub(super) fn with(&self, step: PathStep) -> Self {
        let mut location = self.clone();
        location.path.push(step);
        location
    }

    /// The last key of the path.
    pub(super) fn key(&self) -> &str {
        self.path.iter().rev().find_map(PathStep::key).unwrap_or_default()
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, step) in self.path.iter().enumerate() {
            match step {
                PathStep::Item(item) => write!(f, "[{item}]")?,
                PathStep::Key(key) if key.contains(['.', '/']) => write!(f, "[{key}]")?,
                PathStep::Key(key) if at == 0 => write!(f, "{key}")?,
                PathStep::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}
