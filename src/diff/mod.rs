//! The differences between two sets of manifests, by object and field, and the consequences of applying them.
//!
//! [`compare`] pairs the objects and finds the changed fields; [`consequences`] determines the effects of applying
//! them; [`view`] formats both with secrets redacted; [`terminal()`], [`markdown()`] and [`json()`] print the result.

mod bundle;
pub mod consequences;
mod drift;
mod fields;
mod json;
mod lists;
mod markdown;
mod pair;
mod redact;
mod terminal;
pub mod view;

#[cfg(test)]
mod laws;

use std::fmt;

use ecow::EcoString;

use crate::check::{self, Options};
use crate::kube::crd::CustomKinds;
use crate::kube::stored::is_live;
use crate::node::Node;
use crate::object::Object;
use crate::path::{FieldPath, Segment};
use crate::updates::{Effect, Update, UpdateSimulator};

pub(crate) use bundle::group_identical;
pub use bundle::{BundleDiff, ChangeGroup, Purpose, groups};
pub use drift::drift;
pub use json::json;
pub use markdown::markdown;
pub use redact::Redactor;
pub(crate) use terminal::secret;
pub use terminal::terminal;

/// An added, removed or changed object.
#[derive(Debug)]
pub struct ObjectChange<'a> {
    /// The old object; `None` if it is added.
    pub old: Option<&'a Object>,
    /// The new object; `None` if it is removed.
    pub new: Option<&'a Object>,
    /// How the object was renamed, if the identities differ.
    pub renamed: Option<RenameKind>,
    /// The fields that differ; empty if the object is added or removed.
    pub fields: Vec<FieldChange<'a>>,
    /// The result of applying the change; `None` if the object is added, removed or renamed.
    pub update: Option<Update>,
}

/// How an object was renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RenameKind {
    /// Its name contains a hash of its content, which changed.
    ContentHash,
    /// It has the same name in another namespace.
    Namespace,
    /// It is similar to a removed object.
    Similar,
}

/// A field that differs.
#[derive(Debug, Clone)]
pub struct FieldChange<'a> {
    /// Its path.
    pub path: Vec<PathStep>,
    /// The difference.
    pub difference: Difference<'a>,
    /// Whether it is a reference to an object whose content hash, and therefore name, changed.
    pub follows_rename: bool,
    /// Whether both values are stored identically, so that applying the change has no effect on the field.
    pub equivalent: bool,
}

/// The difference at a field.
#[derive(Debug, Clone)]
pub enum Difference<'a> {
    /// The field is added.
    Added(&'a Node),
    /// The field is removed.
    Removed(&'a Node),
    /// The value changed.
    Changed(&'a Node, &'a Node),
    /// The common entries of a keyed list are in a different order. Holds the labels of the old and the new entries.
    Reordered(Vec<String>, Vec<String>),
    /// A list without keys has the same entries in a different order.
    Rearranged(&'a Node, &'a Node),
}

/// A segment of the path of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathStep {
    /// A field.
    Field(EcoString),
    /// A key of a map, such as a label.
    MapKey(EcoString),
    /// An entry of a list.
    Item {
        /// Its index in the old list.
        old: Option<usize>,
        /// Its index in the new list.
        new: Option<usize>,
        /// Its label: `datastorage`, `80/TCP`. `None` if the list has no keys.
        label: Option<String>,
    },
}

impl ObjectChange<'_> {
    /// The new object, or the old one if it is removed.
    #[must_use]
    pub fn object(&self) -> &Object {
        match (self.new, self.old) {
            (Some(object), _) | (None, Some(object)) => object,
            (None, None) => unreachable!("a change has an old or a new object"),
        }
    }

    /// The effect of applying the change; `None` if the object is removed, since `kubectl apply` deletes nothing.
    #[must_use]
    pub fn effect(&self) -> Option<Effect> {
        match (&self.update, self.new) {
            (Some(update), _) => Some(update.effect),
            (None, None) => None,
            // A renamed object is a new object with new pods.
            (None, Some(new)) if self.old.is_some() && new.pod_template().is_some() => Some(Effect::Pods),
            (None, Some(_)) => Some(Effect::Object),
        }
    }

    /// The stored object before and after; for a renamed object, the objects as written.
    pub(crate) fn stored(&self) -> Option<(&Node, &Node)> {
        match (&self.update, self.old, self.new) {
            (Some(update), ..) => Some((&update.before, &update.after)),
            (None, Some(old), Some(new)) => Some((&old.node, &new.node)),
            _ => None,
        }
    }

    /// The changed fields below a field of the object, such as `["spec", "template"]`.
    pub fn below<'b>(&'b self, keys: &'b [&str]) -> impl Iterator<Item = &'b FieldChange<'b>> {
        self.fields.iter().filter(move |field| field.is_below(keys))
    }
}

impl FieldChange<'_> {
    /// Whether its path is that of a field of the object, or is below it.
    #[must_use]
    pub fn is_below(&self, keys: &[&str]) -> bool {
        let matches = |(step, key): (&PathStep, &&str)| matches!(step, PathStep::Field(name) | PathStep::MapKey(name) if name == key);
        self.path.len() >= keys.len() && self.path.iter().zip(keys).all(matches)
    }

    /// The last field or map key of its path.
    #[must_use]
    pub fn key(&self) -> &str {
        let key = self.path.iter().rev().find_map(|step| match step {
            PathStep::Field(key) | PathStep::MapKey(key) => Some(key.as_str()),
            PathStep::Item { .. } => None,
        });
        key.unwrap_or_default()
    }

    /// Its path with list entries identified by their labels.
    #[must_use]
    pub fn labeled_path(&self) -> String {
        labeled_path(&self.path)
    }

    /// Its path in the notation of the API server: list entries have their index in the new list, or in the old if
    /// removed.
    #[must_use]
    pub fn field(&self) -> String {
        format_path(&self.path, |_, at| Segment::Index(at))
    }

    /// The old value.
    #[must_use]
    pub const fn before(&self) -> Option<&Node> {
        match self.difference {
            Difference::Removed(old) | Difference::Changed(old, _) => Some(old),
            _ => None,
        }
    }

    /// The new value.
    #[must_use]
    pub const fn after(&self) -> Option<&Node> {
        match self.difference {
            Difference::Added(new) | Difference::Changed(_, new) => Some(new),
            _ => None,
        }
    }
}

/// A path with list entries identified by their labels.
pub(crate) fn labeled_path(path: &[PathStep]) -> String {
    format_path(path, |label, at| label.map_or(Segment::Index(at), |label| Segment::Key(label.into())))
}

fn format_path(path: &[PathStep], item: impl Fn(Option<&str>, usize) -> Segment) -> String {
    let path = path.iter().fold(FieldPath::default(), |mut path, step| match step {
        PathStep::Field(key) => {
            path.0.push(Segment::Field(key.clone()));
            path
        }
        PathStep::MapKey(key) => {
            path.0.push(Segment::Key(key.clone()));
            path
        }
        PathStep::Item { old, new, label } => {
            path.0.push(item(label.as_deref(), new.or(*old).unwrap_or_default()));
            path
        }
    });
    path.to_string()
}

impl RenameKind {
    /// The value of `renamed` in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ContentHash => "renamed by its content",
            Self::Namespace => "moved to another namespace",
            Self::Similar => "renamed",
        }
    }
}

impl fmt::Display for RenameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ContentHash => "renamed by content hash",
            Self::Namespace | Self::Similar => self.name(),
        })
    }
}

/// Finds the changes from `old` to `new`: in the order of the new objects, followed by the removed ones. Identical
/// objects are omitted. Custom resources are interpreted by the definitions in the options and among the objects.
#[must_use]
pub fn compare<'a>(old: &'a [Object], new: &'a [Object], options: &Options) -> Vec<ObjectChange<'a>> {
    // The new version of a definition takes precedence over the old one.
    let among = |objects: &'a [Object]| objects.iter().map(|object| &object.node);
    let custom = CustomKinds::new(options.crds.iter().chain(among(new)).chain(among(old)));
    let version = options.kubernetes_version;
    let mut simulator = UpdateSimulator::new(version, &custom, check::api_errors);
    let pairs = pair::pair(old, new);
    let mut changes: Vec<ObjectChange<'a>> = pairs
        .iter()
        .filter_map(|pair| {
            let (mut fields, mut update) = (Vec::new(), None);
            if let (Some(old), Some(new)) = (pair.old, pair.new) {
                if old.node == new.node {
                    return None;
                }
                fields = fields::compare(old, new, version, &custom);
                if pair.renamed.is_none() && !new.is_kind_config() {
                    let simulated = simulator.update(old, new);
                    mark_equivalent(&mut fields, &simulated);
                    if is_live(&old.node) || is_live(&new.node) {
                        fields.retain(|field| !field.equivalent);
                    }
                    update = Some(simulated);
                }
                if fields.is_empty() && update.is_none() {
                    return None;
                }
            }
            Some(ObjectChange { old: pair.old, new: pair.new, renamed: pair.renamed, fields, update })
        })
        .collect();
    pair::mark_renamed_references(&mut changes);
    changes
}

/// Marks the fields whose stored value does not change.
fn mark_equivalent(fields: &mut [FieldChange<'_>], update: &Update) {
    for field in fields {
        let before = stored_at(&update.before, &field.path, |old, _| old);
        let after = stored_at(&update.after, &field.path, |_, new| new);
        field.equivalent = match field.difference {
            // Server-side apply may merge lists and keep the order.
            Difference::Added(_) | Difference::Removed(_) => before == after,
            _ => before == after && before.is_set(),
        };
    }
}

/// The node at a path of a stored object, in which a Secret's `stringData` is part of `data`.
fn stored_at<'n>(
    root: &'n Node,
    path: &[PathStep],
    index: impl Fn(Option<usize>, Option<usize>) -> Option<usize>,
) -> &'n Node {
    let is_secret = root["kind"].text() == "Secret" && root["apiVersion"].text() == "v1";
    let mut node = root;
    for (depth, step) in path.iter().enumerate() {
        node = match step {
            PathStep::Field(key) if is_secret && depth == 0 && key == "stringData" => &node["data"],
            PathStep::Field(key) | PathStep::MapKey(key) => &node[key.as_str()],
            PathStep::Item { old, new, .. } => match index(*old, *new) {
                Some(at) => &node[at],
                None => Node::absent(),
            },
        };
    }
    node
}
