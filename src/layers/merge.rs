//! Merges one tree into another.

use foldhash::{HashSet, HashSetExt};

use crate::finding::Finding;
use crate::layers::lists;
use crate::node::{Entry, Mapping, Node, Value};

/// Merges a layer into the result of the earlier ones. Mappings merge key by key, null deletes, and every other value
/// replaces the earlier one. A value that replaces another keeps the overridden values in its origin, latest first.
///
/// Deleted values are appended to `deleted` with their paths, for `explain`; the node is the null that deleted the
/// value, and its origin holds what it overrode.
///
/// Returns a finding for each list operation that does not apply to the list below it.
pub fn merge_layer(under: &mut Node, over: &Node, deleted: &mut Vec<Deleted>) -> Vec<Finding> {
    let mut layering = Layering { path: Vec::new(), deleted, findings: Vec::new() };
    layering.node(under, over);
    layering.findings
}

/// A value that a layer deleted.
#[derive(Debug, Clone)]
pub struct Deleted {
    /// The keys that lead to it.
    pub path: Vec<ecow::EcoString>,
    /// The null that deleted it, with its position and the overridden values; none if there was nothing to delete.
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
                record_override(&mut winner, std::mem::take(under));
                *under = winner;
            }
            (Value::Mapping(below), Value::Mapping(above)) => {
                // A mapping created for a path of keys has no position.
                if !over.origin.span.is_none() {
                    under.origin.span = over.origin.span;
                }
                self.mapping(below, above);
            }
            _ => {
                let mut winner = self.copy_without_nulls(over);
                record_override(&mut winner, std::mem::take(under));
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
                    record_override(&mut node, std::mem::take(loser));
                    gone.insert(&entry.key);
                }
                self.deleted.push(Deleted { path: self.path.clone(), node });
            } else if let Some(known) = below.entry_mut(&entry.key) {
                known.key_span = entry.key_span;
                self.node(&mut known.value, &entry.value);
            } else {
                let value = self.copy_without_nulls(&entry.value);
                below.push(entry.key.clone(), entry.key_span, value);
            }
            self.path.pop();
        }
        // Removed in one pass: removing each on its own would move all later entries each time.
        if !gone.is_empty() {
            below.retain(|entry| !gone.contains(entry.key.as_str()));
        }
    }

    /// A copy of a value that overrides nothing, without the nulls in its mappings, which have nothing to delete.
    /// Nulls in lists are kept, since lists are not merged.
    fn copy_without_nulls(&mut self, node: &Node) -> Node {
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

/// Records in the origin of `winner` the value that it overrides.
fn record_override(winner: &mut Node, mut loser: Node) {
    let secret = loser.origin.is_secret();
    let mut earlier = Vec::new();
    if !loser.origin.overridden().is_empty() {
        earlier = std::mem::take(&mut loser.origin.derived_mut().overridden);
    }
    let derived = winner.origin.derived_mut();
    derived.secret |= secret;
    derived.overridden.push(loser);
    derived.overridden.append(&mut earlier);
}

/// Removes the entry of a key, such as `environments`, from a mapping and returns it.
pub(super) fn take(node: &mut Node, key: &str) -> Option<Entry> {
    let Value::Mapping(mapping) = &mut node.value else { return None };
    let at = mapping.iter().position(|entry| entry.key == key)?;
    Some(mapping.entries_mut().remove(at))
}
