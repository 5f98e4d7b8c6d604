//! Converts nodes to values of the expression engine, and results back to nodes.
//!
//! The engine reads trees through views. A view records each scalar that is read through it, and each collection that
//! is used as a whole, so that the inputs of the result are known.

use std::cell::RefCell;
use std::sync::Arc;

use ecow::{EcoString, EcoVec, eco_format};
use foldhash::{HashSet, HashSetExt};
use minijinja::value::{Enumerator, Object, ObjectRepr, ValueKind};
use smallvec::SmallVec;

use crate::node::{Derived, Entry, Input, Mapping, Node, Origin, Value};
use crate::source::Span;

/// A tree that expressions can read.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) node: Node,
    /// Whether this is the merged profile, so that paths in it are paths of the profile.
    pub(super) profile: bool,
}

/// The indexes of items and entries on the path to a node. Most paths are short.
type Route = SmallVec<[u32; 6]>;

/// A mapping or list of a tree.
#[derive(Debug, Clone)]
pub(super) struct TreeView {
    pub(super) tree: Arc<Tree>,
    route: Route,
}

/// A node of a tree that was read.
#[derive(Debug, Clone)]
struct RecordedRead {
    tree: Arc<Tree>,
    route: Route,
}

#[derive(Debug, Default)]
struct Recorder {
    reads: Vec<RecordedRead>,
    misses: Vec<EcoString>,
}

thread_local! {
    /// What the current expression on this thread has read.
    static RECORDER: RefCell<Recorder> = RefCell::default();
}

/// How many of the latest reads a new one is compared with.
const NOTED: usize = 16;

/// Up to this many inputs are compared one by one.
const FEW: usize = 8;

/// What was read during an evaluation.
#[derive(Debug, Default)]
pub(super) struct Reads {
    /// The profile values in the order read, without duplicates.
    pub(super) inputs: Vec<Input>,
    /// The names that were read and are not defined.
    pub(super) misses: Vec<EcoString>,
}

/// Clears the record.
pub(super) fn start_recording() {
    RECORDER.with_borrow_mut(|recorder| {
        recorder.reads.clear();
        recorder.misses.clear();
    });
}

/// Returns and clears the record.
pub(super) fn recorded() -> Reads {
    RECORDER.with_borrow_mut(|recorder| {
        let inputs = reads_of(&recorder.reads);
        recorder.reads.clear();
        Reads { inputs, misses: std::mem::take(&mut recorder.misses) }
    })
}

/// The inputs of the reads, without duplicates.
fn reads_of(reads: &[RecordedRead]) -> Vec<Input> {
    let mut inputs: Vec<Input> = Vec::with_capacity(reads.len());
    // Most expressions read one or two values, which are compared without hashing.
    let (mut known, mut seen) = (HashSet::new(), HashSet::new());
    let mut add = |input: Input| {
        let new = match inputs.len() {
            0..FEW => !inputs.iter().any(|other| other.path == input.path),
            FEW => {
                known.extend(inputs.iter().map(|input| input.path.clone()));
                known.insert(input.path.clone())
            }
            _ => known.insert(input.path.clone()),
        };
        if new {
            inputs.push(input);
        }
    };
    for RecordedRead { tree, route } in reads {
        // A small number of reads was already deduplicated when recorded.
        if reads.len() > NOTED && !seen.insert((Arc::as_ptr(tree), route)) {
            continue;
        }
        let (node, path) = follow(tree, route);
        if tree.profile {
            add(Input { path, node: node.clone() });
        } else {
            each(node, &mut |leaf| leaf.origin.inputs().iter().cloned().for_each(&mut add));
        }
    }
    inputs
}

/// Records a whole tree of the bundle as read.
pub(super) fn note_tree(node: Node) {
    TreeView::root(Arc::new(Tree { node, profile: false })).note();
}

/// Records an undefined name. `is defined` and `optional` remove the record.
pub(super) fn note_miss(name: EcoString) {
    RECORDER.with_borrow_mut(|recorder| recorder.misses.push(name));
}

/// Removes the last record of an undefined name.
pub(super) fn forgive_miss() {
    RECORDER.with_borrow_mut(|recorder| recorder.misses.pop());
}

fn each(node: &Node, visit: &mut impl FnMut(&Node)) {
    visit(node);
    node.items().iter().for_each(|item| each(item, visit));
    node.entries().iter().for_each(|entry| each(&entry.value, visit));
}

/// Whether a value is a secret or contains one.
pub(super) fn holds_secret(node: &Node) -> bool {
    let mut secret = false;
    each(node, &mut |part| secret |= part.origin.is_secret());
    secret
}

fn child(node: &Node, index: u32) -> &Node {
    match &node.value {
        Value::Sequence(items) => items.get(index as usize),
        Value::Mapping(_) => node.entries().get(index as usize).map(|entry| &entry.value),
        _ => None,
    }
    .unwrap_or(Node::absent())
}

/// The node at the end of a route, and its path.
fn follow<'a>(tree: &'a Tree, route: &[u32]) -> (&'a Node, EcoString) {
    let mut path = EcoString::new();
    let node = route.iter().fold(&tree.node, |node, index| {
        push_step(&mut path, node, *index);
        child(node, *index)
    });
    (node, path)
}

fn push_step(path: &mut EcoString, parent: &Node, index: u32) {
    match parent.entries().get(index as usize) {
        Some(entry) if path.is_empty() => path.push_str(&entry.key),
        Some(entry) if entry.key.contains(['.', '/']) => path.push_str(&eco_format!("[{}]", entry.key)),
        Some(entry) => path.push_str(&eco_format!(".{}", entry.key)),
        None => path.push_str(&eco_format!("[{index}]")),
    }
}

impl TreeView {
    pub(super) fn root(tree: Arc<Tree>) -> Self {
        Self { tree, route: Route::new() }
    }

    pub(super) fn node(&self) -> &Node {
        self.route.iter().fold(&self.tree.node, |node, index| child(node, *index))
    }

    /// The value of an item or entry. A scalar is recorded as read.
    pub(super) fn child(&self, index: usize) -> minijinja::Value {
        let node = child(self.node(), index as u32);
        let mut route = self.route.clone();
        route.push(index as u32);
        let below = Self { tree: self.tree.clone(), route };
        let value = match &node.value {
            Value::Null => minijinja::Value::from(()),
            Value::Bool(value) => (*value).into(),
            Value::Int(value) => (*value).into(),
            Value::Float(value) => (*value).into(),
            Value::String(text) => text.as_str().into(),
            Value::Sequence(_) | Value::Mapping(_) => return minijinja::Value::from_object(below),
        };
        below.note();
        value
    }

    /// The value of a key.
    pub(super) fn field(&self, key: &str) -> Option<minijinja::Value> {
        let index = self.node().entries().iter().position(|entry| entry.key == key)?;
        Some(self.child(index))
    }

    fn note(self) {
        RECORDER.with_borrow_mut(|recorder| {
            let known = |read: &RecordedRead| read.route == self.route && Arc::ptr_eq(&read.tree, &self.tree);
            if !recorder.reads.iter().rev().take(NOTED).any(known) {
                recorder.reads.push(RecordedRead { tree: self.tree, route: self.route });
            }
        });
    }

    /// A copy of the node in which each part has its own path in the profile as input.
    fn copy(&self) -> Node {
        let (node, path) = follow(&self.tree, &self.route);
        if self.tree.profile { derive(node, &path) } else { node.clone() }
    }
}

/// A copy of a profile value in which each part has the value it was copied from as input.
pub(super) fn derive(node: &Node, path: &EcoString) -> Node {
    let below = |index: usize| {
        let mut path = path.clone();
        push_step(&mut path, node, index as u32);
        path
    };
    let value = match &node.value {
        Value::Sequence(items) => {
            let items = items.iter().enumerate().map(|(index, item)| derive(item, &below(index)));
            Value::Sequence(items.collect())
        }
        Value::Mapping(mapping) => {
            let entry = |(index, entry): (usize, &Entry)| Entry {
                key: entry.key.clone(),
                key_span: entry.key_span,
                value: derive(&entry.value, &below(index)),
            };
            Value::Mapping(mapping.iter().enumerate().map(entry).collect())
        }
        single => single.clone(),
    };
    let secret = holds_secret(node);
    let input = Input { path: path.clone(), node: node.clone() };
    let derived = Derived { inputs: vec![input], secret, ..Derived::default() };
    Node { value, origin: Origin { span: Span::NONE, derived: Some(Arc::new(derived)) } }
}

impl Object for TreeView {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        match self.node().value {
            Value::Sequence(_) => ObjectRepr::Seq,
            _ => ObjectRepr::Map,
        }
    }

    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        if let Some(key) = key.as_str() {
            return self.field(key);
        }
        let index = key.as_usize()?;
        (index < self.node().items().len()).then(|| self.child(index))
    }

    /// Reads `a.name`. (A name in brackets, and `in`, use [`Object::get_value`].)
    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<minijinja::Value> {
        let value = self.field(key);
        if value.is_none() {
            note_miss(key.into());
        }
        value
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        TreeView::clone(self).note();
        match &self.node().value {
            Value::Sequence(items) => Enumerator::Seq(items.len()),
            _ => {
                let keys = self.node().entries().iter().map(|entry| entry.key.as_str().into());
                Enumerator::Values(keys.collect())
            }
        }
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        TreeView::clone(self).note();
        Some(self.node().items().len() + self.node().entries().len())
    }
}

/// The limits of an expression, or of a bundle as a whole.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    pub(super) nodes: usize,
    pub(super) bytes: usize,
    /// Fuel for expressions.
    pub(super) work: u64,
}

/// Why a result cannot be converted to a node.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ConversionError {
    /// It is undefined, or contains an undefined value at this path.
    Undefined(String),
    /// Its type cannot occur in a manifest.
    Type { message: String, help: &'static str },
    /// It exceeds a limit.
    TooLarge,
    /// The engine failed.
    Engine(String),
}

const AS_STRING: &str = "write `| string` for a string, `| int` or `//` for an integer";

impl Budget {
    /// Spends nodes and bytes.
    pub(super) fn spend(&mut self, nodes: usize, bytes: usize) -> Result<(), ConversionError> {
        self.nodes = self.nodes.checked_sub(nodes).ok_or(ConversionError::TooLarge)?;
        self.bytes = self.bytes.checked_sub(bytes).ok_or(ConversionError::TooLarge)?;
        Ok(())
    }

    /// Spends the fuel of an evaluation.
    pub(super) fn spend_work(&mut self, fuel: u64) -> Result<(), ConversionError> {
        self.work = self.work.checked_sub(fuel).ok_or(ConversionError::TooLarge)?;
        Ok(())
    }

    /// Spends the size of a tree, before it is copied.
    pub(super) fn spend_tree(&mut self, node: &Node) -> Result<(), ConversionError> {
        self.spend(1, node.as_str().map_or(0, str::len))?;
        if let Value::Float(float) = node.value {
            plain_float(float)?;
        }
        node.items().iter().try_for_each(|item| self.spend_tree(item))?;
        node.entries().iter().try_for_each(|entry| {
            self.spend(0, entry.key.len())?;
            self.spend_tree(&entry.value)
        })
    }
}

/// The maximum nesting depth of an expression's result.
const MAX_DEPTH: usize = 64;

/// Converts a result to a node. Parts copied from the profile have their inputs; computed parts have no origin yet.
pub(super) fn to_node(value: &minijinja::Value, budget: &mut Budget) -> Result<Node, ConversionError> {
    convert(value, budget, &mut Vec::new())
}

fn convert(value: &minijinja::Value, budget: &mut Budget, at: &mut Vec<String>) -> Result<Node, ConversionError> {
    if at.len() > MAX_DEPTH {
        return Err(ConversionError::TooLarge);
    }
    if let Some(view) = value.downcast_object_ref::<TreeView>() {
        // The size is checked before the copy is made.
        budget.spend_tree(view.node())?;
        return Ok(view.copy());
    }
    budget.spend(1, 0)?;
    let made = match value.kind() {
        ValueKind::Undefined => return Err(ConversionError::Undefined(at.concat())),
        ValueKind::None => Value::Null,
        ValueKind::Bool => Value::Bool(value.is_true()),
        ValueKind::Number => number(value)?,
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            budget.spend(0, text.len())?;
            Value::String(text.into())
        }
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().map_err(|error| ConversionError::Engine(error.to_string()))?;
            let mut made = EcoVec::new();
            for (index, item) in items.enumerate() {
                at.push(format!("[{index}]"));
                made.push(convert(&item, budget, at)?);
                at.pop();
            }
            Value::Sequence(made)
        }
        ValueKind::Map => Value::Mapping(mapping(value, budget, at)?),
        ValueKind::Invalid => return Err(ConversionError::Engine(value.to_string())),
        kind => {
            let message = format!("the expression evaluates to {kind}, which a manifest cannot contain");
            return Err(ConversionError::Type { message, help: "" });
        }
    };
    Ok(Node { value: made, origin: Origin::default() })
}

fn mapping(value: &minijinja::Value, budget: &mut Budget, at: &mut Vec<String>) -> Result<Mapping, ConversionError> {
    let keys = value.try_iter().map_err(|error| ConversionError::Engine(error.to_string()))?;
    let mut made = Mapping::new();
    for key in keys {
        let Some(name) = key.as_str() else {
            if key.kind() == ValueKind::Invalid {
                return Err(ConversionError::Engine(key.to_string()));
            }
            let message = format!("a mapping key is {}, not a string", article(&key));
            return Err(ConversionError::Type { message, help: "write `| string`, or put it in quotes" });
        };
        let item = value.get_item(&key).map_err(|error| ConversionError::Engine(error.to_string()))?;
        budget.spend(0, name.len())?;
        at.push(format!(".{name}"));
        made.push(name, Span::NONE, convert(&item, budget, at)?);
        at.pop();
    }
    Ok(made)
}

fn number(value: &minijinja::Value) -> Result<Value, ConversionError> {
    if value.is_integer() {
        let big = || {
            let message = format!("{value} is too large for a number in a manifest");
            ConversionError::Type { message, help: "write `| string` for a string" }
        };
        return value.as_i64().map(Value::Int).ok_or_else(big);
    }
    plain_float(f64::try_from(value.clone()).unwrap_or(f64::NAN)).map(Value::Float)
}

/// Accepts a float that every YAML parser reads alike.
fn plain_float(float: f64) -> Result<f64, ConversionError> {
    if !float.is_finite() {
        let message = "the number is not finite".to_owned();
        return Err(ConversionError::Type { message, help: "a manifest can contain only finite numbers" });
    }
    if float.fract() == 0.0 {
        let message = "the number is a float with an integer value, which YAML writers format differently".to_owned();
        return Err(ConversionError::Type { message, help: AS_STRING });
    }
    Ok(float)
}

/// The type of a value, as messages name it.
pub(super) fn article(value: &minijinja::Value) -> &'static str {
    match value.kind() {
        ValueKind::Undefined => "undefined",
        ValueKind::None => "none",
        ValueKind::Bool => "a boolean",
        ValueKind::Number => "a number",
        ValueKind::String => "a string",
        ValueKind::Seq | ValueKind::Iterable => "a list",
        ValueKind::Map => "a mapping",
        _ => "an object",
    }
}
