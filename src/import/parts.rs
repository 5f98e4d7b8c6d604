//! The joint template as data: parts, who has them, and the places whose values differ.

use ecow::EcoString;

use super::copies::Presence;
use super::text::Draft;
use crate::node::Node;

/// A part of the joint template.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// The same in all copies that have it.
    Same(Node),
    /// It differs, or is a secret.
    Site(usize),
    /// A mapping, not the same everywhere.
    Mapping(Vec<(EcoString, Member)>),
    /// A list, not the same everywhere.
    List(Vec<Member>),
    /// A text that is this tree, written by our emitter.
    Tree(Format, Box<Member>),
}

/// How a tree becomes text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Yaml,
    Json,
}

/// An entry, an item, a document, or the root of a text's tree.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) part: Part,
    /// In which copies it is there.
    pub(super) presence: Presence,
    /// In which copies the mapping or list is there that holds it.
    pub(super) within: Presence,
    pub(super) place: Place,
}

impl Member {
    /// Whether some copy has what holds it, and not it.
    pub(super) fn is_optional(&self) -> bool {
        self.presence != self.within
    }

    /// How many leaves of the copies are not as most copies have them.
    pub(super) fn differing_leaves(&self, sites: &[Site]) -> usize {
        let below = |member: &Self| member.differing_leaves(sites);
        let inside = match &self.part {
            Part::Same(_) => 0,
            Part::Site(at) => sites[*at].differing_values(),
            Part::Mapping(entries) => entries.iter().map(|(_, member)| below(member)).sum(),
            Part::List(items) => items.iter().map(below).sum(),
            Part::Tree(_, root) => below(root),
        };
        if !self.is_optional() {
            return inside;
        }
        let asked = self.within.iter().filter(|within| **within).count();
        let having = self.presence.iter().filter(|here| **here).count();
        inside + self.leaves() * having.min(asked - having)
    }

    fn leaves(&self) -> usize {
        match &self.part {
            Part::Same(node) => leaves(node),
            Part::Site(_) => 1,
            Part::Mapping(entries) => entries.iter().map(|(_, member)| member.leaves()).sum(),
            Part::List(items) => items.iter().map(Self::leaves).sum(),
            Part::Tree(_, root) => root.leaves(),
        }
    }
}

fn leaves(node: &Node) -> usize {
    let entries: usize = node.entries().iter().map(|entry| leaves(&entry.value)).sum();
    let items: usize = node.items().iter().map(leaves).sum();
    (entries + items).max(1)
}

/// A place whose value is a field's, or is made from fields.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// The value in each copy that has the place.
    pub(super) values: Vec<Option<Node>>,
    pub(super) place: Place,
    pub(super) secret: bool,
    /// Whether the object holds it in Base64.
    pub(super) encoded: bool,
    /// In which copies the place is there, or could be: those that hold what holds it.
    pub(super) within: Presence,
    /// The parts of the text, where no other copy tells them.
    pub(super) parts: Vec<Draft>,
}

impl Site {
    /// In how many copies it has not the most frequent value.
    fn differing_values(&self) -> usize {
        let values = || self.values.iter().flatten();
        let most = values().map(|value| values().filter(|other| *other == value).count()).max();
        values().count() - most.unwrap_or_default()
    }

    /// The texts, where all values are strings.
    pub(super) fn texts(&self) -> Option<Vec<Option<EcoString>>> {
        let text = |value: &Option<Node>| match value {
            None => Some(None),
            Some(node) => node.as_str().map(|text| Some(text.into())),
        };
        self.values.iter().map(text).collect()
    }
}

/// Where something stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    /// The number of the object's class.
    pub(super) class: usize,
    pub(super) path: Vec<Step>,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(EcoString),
    /// An item of a list, by its name or number.
    Item(EcoString),
}

impl Step {
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

impl Place {
    pub(super) fn with(&self, step: Step) -> Self {
        let mut place = self.clone();
        place.path.push(step);
        place
    }

    /// The last key of the path.
    pub(super) fn key(&self) -> &str {
        self.path.iter().rev().find_map(Step::key).unwrap_or_default()
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, step) in self.path.iter().enumerate() {
            match step {
                Step::Item(item) => write!(f, "[{item}]")?,
                Step::Key(key) if key.contains(['.', '/']) => write!(f, "[{key}]")?,
                Step::Key(key) if at == 0 => write!(f, "{key}")?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}
