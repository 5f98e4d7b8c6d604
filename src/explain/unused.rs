//! Finds values that have no effect: nothing that is rendered reads them, or they equal the value that they override.

use std::collections::BTreeSet;

use foldhash::{HashSet, HashSetExt};

use crate::layers::{EXTERNAL, Values};
use crate::node::{Node, Value};
use crate::render::Rendered;
use crate::source::Span;

/// A value without effect.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Unused {
    /// Its path in the profile.
    pub path: String,
    /// Where it was set.
    pub span: Span,
    /// Why it has no effect.
    pub reason: UnusedReason,
}

/// Why a value has no effect.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum UnusedReason {
    /// Nothing that is rendered reads it.
    NotRead,
    /// It equals the value of a lower layer, at this position.
    Redundant(Span),
    /// It deletes a value that is not set.
    DeletesNothing,
}

/// The values without effect in all of the renderings, which are of one profile in its environments. `own`: whether a
/// position is in the profile's own layers; values of the base are shared by all profiles and not reported.
#[must_use]
pub fn unused(renderings: &[Rendered], own: &dyn Fn(Span) -> bool) -> Vec<Unused> {
    // The checks read what exists elsewhere.
    let mut read: BTreeSet<String> = BTreeSet::from([EXTERNAL.to_owned()]);
    for rendered in renderings {
        read.extend(rendered.decided.iter().map(ToString::to_string));
        for object in rendered.objects.iter().chain(&rendered.kind_config) {
            collect(&object.node, &mut read);
        }
    }
    let (mut found, mut known) = (Vec::new(), HashSet::new());
    let mut put = |unused: Unused| {
        if own(unused.span) && known.insert(unused.clone()) {
            found.push(unused);
        }
    };
    // The positions where each rendering has values, and where they are redundant.
    let positions: Vec<(HashSet<Span>, HashSet<Span>)> = renderings
        .iter()
        .map(|rendered| {
            let leaves = rendered.values.leaves();
            let redundant = rendered.values.redundant();
            let position = |node: &Node| node.origin.span;
            (
                leaves.iter().map(|(_, node)| position(node)).collect(),
                redundant.iter().map(|found| position(found.node)).collect(),
            )
        })
        .collect();
    for rendered in renderings {
        let values: &Values = &rendered.values;
        for (path, node) in values.leaves() {
            if !is_read(&read, &path) {
                put(Unused { path, span: node.origin.span, reason: UnusedReason::NotRead });
            }
        }
        for redundant in values.redundant() {
            // It must be redundant in every environment of the profile.
            let position = redundant.node.origin.span;
            if positions.iter().all(|(leaves, redundant)| redundant.contains(&position) || !leaves.contains(&position))
            {
                let reason = match redundant.node.origin.overridden().first() {
                    Some(overridden) => UnusedReason::Redundant(overridden.origin.span),
                    None => UnusedReason::DeletesNothing,
                };
                put(Unused { path: redundant.path, span: redundant.node.origin.span, reason });
            }
        }
    }
    found
}

/// Whether a value was read: itself, a mapping or list that contains it, or a part of it.
fn is_read(read: &BTreeSet<String>, path: &str) -> bool {
    let mut above = path;
    loop {
        if read.contains(above) {
            return true;
        }
        match above.rfind(['.', '[']) {
            Some(end) => above = &above[..end],
            None => break,
        }
    }
    let mut below = read.range(path.to_owned()..).take_while(|other| other.starts_with(path));
    below.any(|other| other[path.len()..].starts_with(['.', '[']))
}

fn collect(node: &Node, read: &mut BTreeSet<String>) {
    let mut add = |origin: &crate::node::Origin| {
        for input in origin.inputs() {
            read.insert(input.path.to_string());
        }
    };
    add(&node.origin);
    if let Some(derived) = &node.origin.derived {
        derived.text_parts.iter().for_each(|part| add(&part.origin));
    }
    match &node.value {
        Value::Sequence(items) => items.iter().for_each(|item| collect(item, read)),
        Value::Mapping(mapping) => mapping.iter().for_each(|entry| collect(&entry.value, read)),
        _ => {}
    }
}
