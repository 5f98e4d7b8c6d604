//! Laying one tree over another.

use foldhash::{HashSet, HashSetExt};

use crate::finding::Finding;
use crate::layers::lists;
use crate::node::{Entry, Mapping, Node, Value};

/// Lays a layer over what the earlier ones made. Mappings merge key by key, all else replaces, null deletes; a node that
/// replaces keeps in its origin what it beat, latest first.
///
/// What is deleted is handed over with its path (of keys), so that it can be explained; the null that deleted it comes
/// with its place, and has beaten what was there.
///
/// Returned are the changes of lists that do not fit the lists below.
pub fn lay(under: &mut Node, over: &Node, deleted: &mut Vec<Deleted>) -> Vec<Finding> {
    let mut layering = Layering { path: Vec::new(), deleted, findings: Vec::new() };
    layering.node(under, over);
    layering.findings
}

/// A value that a layer deleted.
#[derive(Debug, Clone)]
pub struct Deleted {
    /// The keys that lead to it.
    pub path: Vec<ecow::EcoString>,
    /// The null that deleted it, with its place and what it beat. It has beaten nothing where nothing was there.
    pub node: Node,
}

struct Layering<'a> {
    path: Vec<ecow::EcoString>,
    deleted: &'a mut Vec<Deleted>,
    findings: Vec<Finding>,
}

impl Layering<'_> {
    fn node(&mut self, under: &mut Node, over: &Node) {
        match (&mut under.value, &over.value) {
            (_, Value::Mapping(change)) if lists::is_change(change) => {
                let value = lists::changed(under.items(), change, &mut self.findings).into();
                let mut winner = Node { value, origin: over.origin.clone() };
                beat(&mut winner, std::mem::take(under));
                *under = winner;
            }
            (Value::Mapping(below), Value::Mapping(above)) => {
                // Made by the way to a key, it has no place of its own.
                if !over.origin.span.is_none() {
                    under.origin.span = over.origin.span;
                }
                self.mapping(below, above);
            }
            _ => {
                let mut winner = self.fresh(over);
                beat(&mut winner, std::mem::take(under));
                *under = winner;
            }
        }
    }

    fn mapping(&mut self, below: &mut Mapping, above: &Mapping) {
        let mut gone: HashSet<&str> = HashSet::new();
        for entry in above {
            self.path.push(entry.key.clone());
            if entry.value.is_null() {
                let mut node = entry.value.clone();
                if let Some(loser) = below.get_mut(&entry.key) {
                    beat(&mut node, std::mem::take(loser));
                    gone.insert(&entry.key);
                }
                self.deleted.push(Deleted { path: self.path.clone(), node });
            } else if let Some(known) = below.entry_mut(&entry.key) {
                known.key_span = entry.key_span;
                self.node(&mut known.value, &entry.value);
            } else {
                let value = self.fresh(&entry.value);
                below.push(entry.key.clone(), entry.key_span, value);
            }
            self.path.pop();
        }
        // All at once: each alone would move all that stands behind it.
        if !gone.is_empty() {
            below.retain(|entry| !gone.contains(entry.key.as_str()));
        }
    }

    /// A copy of what nothing stands below: without its nulls, which have nothing to delete. Lists are values, whose nulls
    /// stay.
    fn fresh(&mut self, node: &Node) -> Node {
        let Value::Mapping(above) = &node.value else { return node.clone() };
        if lists::is_change(above) {
            let value = lists::changed(&[], above, &mut self.findings).into();
            return Node { value, origin: node.origin.clone() };
        }
        let mut mapping = Mapping::new();
        self.mapping(&mut mapping, above);
        Node { value: mapping.into(), origin: node.origin.clone() }
    }
}

/// Notes what a node has beaten.
fn beat(winner: &mut Node, mut loser: Node) {
    let secret = loser.origin.is_secret();
    let mut earlier = Vec::new();
    if !loser.origin.beat().is_empty() {
        earlier = std::mem::take(&mut loser.origin.derived_mut().beat);
    }
    let derived = winner.origin.derived_mut();
    derived.secret |= secret;
    derived.beat.push(loser);
    derived.beat.append(&mut earlier);
}

/// The keys of a mapping taken out, such as `environments`, with their place.
pub(super) fn take(node: &mut Node, key: &str) -> Option<Entry> {
    let Value::Mapping(mapping) = &mut node.value else { return None };
    let at = mapping.iter().position(|entry| entry.key == key)?;
    Some(mapping.entries_mut().remove(at))
}
