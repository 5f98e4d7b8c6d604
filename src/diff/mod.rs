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

use crate::check::{self, Options};
use crate::kube::crd::CustomKinds;
use crate::kube::stored::is_live;
use crate::node::Node;
use crate::object::Object;
use crate::path::{FieldPath, Segment};
use crate::updates::{Effect, Judge, Update};

pub(crate) use bundle::alike;
pub use bundle::{BundleDiff, Group, Purpose, groups};
pub use drift::drift;
pub use hide::Hide;
pub use json::json;
pub use markdown::markdown;
pub(crate) use terminal::secret;
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
    /// What applying it does to the object; `None` where it is new, gone, or has another name.
    pub update: Option<Update>,
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
    /// Whether both values are stored alike, so that applying the change leaves the field as it is.
    pub equivalent: bool,
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
    /// The entries that both have stand in another order; by what tells them apart.
    Reordered(Vec<String>, Vec<String>),
    /// The same entries in another order, in a list in which nothing tells them apart.
    Rearranged(&'a Node, &'a Node),
}

/// One step down to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The value of a field.
    Key(EcoString),
    /// The value of a key of a map, such as a label.
    Data(EcoString),
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

    /// What applying it comes to; `None` where it is gone, since `kubectl apply` deletes nothing.
    #[must_use]
    pub fn effect(&self) -> Option<Effect> {
        match (&self.update, self.new) {
            (Some(update), _) => Some(update.effect),
            (None, None) => None,
            // Under another name it is another object; its pods are new.
            (None, Some(new)) if self.old.is_some() && new.pod_template().is_some() => Some(Effect::Pods),
            (None, Some(_)) => Some(Effect::Object),
        }
    }

    /// The object as it is stored before and after; as it is written, where it is not the same object.
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
    /// Whether it lies at or below a field.
    #[must_use]
    pub fn is_below(&self, keys: &[&str]) -> bool {
        let step = |(step, key): (&Step, &&str)| matches!(step, Step::Key(name) | Step::Data(name) if name == key);
        self.path.len() >= keys.len() && self.path.iter().zip(keys).all(step)
    }

    /// The last key on the way to it.
    #[must_use]
    pub fn key(&self) -> &str {
        let key = self.path.iter().rev().find_map(|step| match step {
            Step::Key(key) | Step::Data(key) => Some(key.as_str()),
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
        Step::Key(key) => {
            path.0.push(Segment::Field(key.clone()));
            path
        }
        Step::Data(key) => {
            path.0.push(Segment::Key(key.clone()));
            path
        }
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

/// Finds what changes from `old` to `new`: in the order of the new objects, then what is gone. Objects that are written as
/// they were are left out. Custom resources are read by the definitions that the options give, and those among the objects.
#[must_use]
pub fn compare<'a>(old: &'a [Object], new: &'a [Object], options: &Options) -> Vec<Change<'a>> {
    // Of two versions of one definition the new one comes first.
    let among = |objects: &'a [Object]| objects.iter().map(|object| &object.node);
    let custom = CustomKinds::new(options.crds.iter().chain(among(new)).chain(among(old)));
    let version = options.kubernetes_version;
    let mut judge = Judge::new(version, &custom, check::api_errors);
    let pairs = pair::pair(old, new);
    let mut changes: Vec<Change<'a>> = pairs
        .iter()
        .filter_map(|pair| {
            let (mut fields, mut update) = (Vec::new(), None);
            if let (Some(old), Some(new)) = (pair.old, pair.new) {
                if old.node == new.node {
                    return None;
                }
                fields = fields::compare(old, new, version, &custom);
                if pair.renamed.is_none() && !new.is_kind_config() {
                    let done = judge.update(old, new);
                    mark_equivalent(&mut fields, &done);
                    if is_live(&old.node) || is_live(&new.node) {
                        fields.retain(|field| !field.equivalent);
                    }
                    update = Some(done);
                }
                if fields.is_empty() && update.is_none() {
                    return None;
                }
            }
            Some(Change { old: pair.old, new: pair.new, renamed: pair.renamed, fields, update })
        })
        .collect();
    pair::mark_followers(&mut changes);
    changes
}

/// Marks the fields that are stored after the change as they were before.
fn mark_equivalent(fields: &mut [FieldChange<'_>], update: &Update) {
    for field in fields {
        let before = stored_at(&update.before, &field.path, |old, _| old);
        let after = stored_at(&update.after, &field.path, |_, new| new);
        field.equivalent = match field.what {
            // One list is merged into the other, or one order is kept.
            What::Added(_) | What::Removed(_) => before == after,
            _ => before == after && before.is_set(),
        };
    }
}

/// The node to which a path leads in an object as it is stored: a Secret's `stringData` stands in `data`.
fn stored_at<'n>(
    root: &'n Node,
    path: &[Step],
    place: impl Fn(Option<usize>, Option<usize>) -> Option<usize>,
) -> &'n Node {
    let is_secret = root["kind"].text() == "Secret" && root["apiVersion"].text() == "v1";
    let mut node = root;
    for (depth, step) in path.iter().enumerate() {
        node = match step {
            Step::Key(key) if is_secret && depth == 0 && key == "stringData" => &node["data"],
            Step::Key(key) | Step::Data(key) => &node[key.as_str()],
            Step::Item { old, new, .. } => match place(*old, *new) {
                Some(at) => &node[at],
                None => Node::absent(),
            },
        };
    }
    node
}
