//! What changes between two sets of manifests: object by object and field by field, and what applying it will do.
//!
//! [`compare`] pairs the objects and finds the changed fields; [`consequences`] says what they lead to; [`show`] puts
//! both into words that hold no secret; [`terminal()`], [`markdown()`] and [`json()`] print those.

mod bundle;
pub mod consequences;
mod drift;
mod fields;
mod hide;
mod json;
mod lists;
mod markdown;
mod pair;
pub mod show;
mod terminal;

#[cfg(test)]
mod laws;

use std::fmt;

use ecow::EcoString;

use crate::kube::KubernetesVersion;
use crate::node::Node;
use crate::object::Object;
use crate::path::{FieldPath, Segment};

pub use bundle::{BundleDiff, Group, Purpose, groups};
pub use drift::drift;
pub use hide::Hide;
pub use json::json;
pub use markdown::markdown;
pub use terminal::terminal;

/// What became of an object.
#[derive(Debug)]
pub struct Change<'a> {
    /// The object as it was; `None` where it is new.
    pub old: Option<&'a Object>,
    /// The object as it will be; `None` where it is gone.
    pub new: Option<&'a Object>,
    /// Why the two are taken for the same where their names differ.
    pub renamed: Option<Renamed>,
    /// The fields that differ; none where the object is new or gone.
    pub fields: Vec<FieldChange<'a>>,
}

/// How an object came to another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Renamed {
    /// Its name carries a hash of its content, and that changed.
    ByContent,
    /// It has the same name in another namespace.
    Moved,
    /// It is much like one that is gone.
    ByHand,
}

/// A field that differs.
#[derive(Debug, Clone)]
pub struct FieldChange<'a> {
    /// The way to it.
    pub path: Vec<Step>,
    /// What differs.
    pub what: What<'a>,
    /// Whether it is the name of an object that got another name by its content.
    pub follows: bool,
}

/// What differs at a field.
#[derive(Debug, Clone)]
pub enum What<'a> {
    /// It is new.
    Added(&'a Node),
    /// It is gone.
    Removed(&'a Node),
    /// It has another value.
    Changed(&'a Node, &'a Node),
    /// The entries that both have stand in another order, and here the order means something.
    Reordered(Vec<String>, Vec<String>),
}

/// One step down to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The value of a key.
    Key(EcoString),
    /// An entry of a list.
    Item {
        /// Its place in the old list.
        old: Option<usize>,
        /// Its place in the new list.
        new: Option<usize>,
        /// What tells it from the others: `datastorage`, `80/TCP`. `None` where only its place does.
        label: Option<String>,
    },
}

impl Change<'_> {
    /// The object, as it will be where it stays.
    #[must_use]
    pub fn object(&self) -> &Object {
        match (self.new, self.old) {
            (Some(object), _) | (None, Some(object)) => object,
            (None, None) => unreachable!("a change is of an object that was or will be"),
        }
    }

    /// The changed fields below a field of the object, such as `["spec", "template"]`.
    pub fn below<'b>(&'b self, keys: &'b [&str]) -> impl Iterator<Item = &'b FieldChange<'b>> {
        self.fields.iter().filter(move |field| field.is_below(keys))
    }
}

impl FieldChange<'_> {
    /// Whether it lies at or below a field.
    #[must_use]
    pub fn is_below(&self, keys: &[&str]) -> bool {
        let step = |(step, key): (&Step, &&str)| matches!(step, Step::Key(name) if name == key);
        self.path.len() >= keys.len() && self.path.iter().zip(keys).all(step)
    }

    /// The last key on the way to it.
    #[must_use]
    pub fn key(&self) -> &str {
        let key = self.path.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Item { .. } => None,
        });
        key.unwrap_or_default()
    }

    /// The field as people know it: entries of lists by what tells them apart.
    #[must_use]
    pub fn shown(&self) -> String {
        shown(&self.path)
    }

    /// The field as the API server writes it, entries by their place in the new list (the old, where it is gone).
    #[must_use]
    pub fn field(&self) -> String {
        written(&self.path, |_, at| Segment::Index(at))
    }

    /// The value as it was.
    #[must_use]
    pub const fn before(&self) -> Option<&Node> {
        match self.what {
            What::Removed(old) | What::Changed(old, _) => Some(old),
            _ => None,
        }
    }

    /// The value as it will be.
    #[must_use]
    pub const fn after(&self) -> Option<&Node> {
        match self.what {
            What::Added(new) | What::Changed(_, new) => Some(new),
            _ => None,
        }
    }
}

/// A path as people know it.
pub(crate) fn shown(path: &[Step]) -> String {
    written(path, |label, at| label.map_or(Segment::Index(at), |label| Segment::Key(label.into())))
}

fn written(path: &[Step], item: impl Fn(Option<&str>, usize) -> Segment) -> String {
    let path = path.iter().fold(FieldPath::default(), |mut path, step| match step {
        Step::Key(key) => path.child(key),
        Step::Item { old, new, label } => {
            path.0.push(item(label.as_deref(), new.or(*old).unwrap_or_default()));
            path
        }
    });
    path.to_string()
}

impl fmt::Display for Renamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByContent => "renamed by its content",
            Self::Moved => "moved to another namespace",
            Self::ByHand => "renamed",
        })
    }
}

/// Finds what changes from `old` to `new`: in the order of the new objects, then what is gone. Objects that stay as
/// they are are left out.
#[must_use]
pub fn compare<'a>(old: &'a [Object], new: &'a [Object], version: KubernetesVersion) -> Vec<Change<'a>> {
    let pairs = pair::pair(old, new);
    let mut changes: Vec<Change<'a>> = pairs
        .iter()
        .filter_map(|pair| {
            let fields = match (pair.old, pair.new) {
                (Some(old), Some(new)) => fields::compare(old, new, version),
                _ => Vec::new(),
            };
            let same = pair.old.is_some() && pair.new.is_some() && fields.is_empty();
            (!same).then_some(Change { old: pair.old, new: pair.new, renamed: pair.renamed, fields })
        })
        .collect();
    pair::mark_followers(&mut changes);
    changes
}
