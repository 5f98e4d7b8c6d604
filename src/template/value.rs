//! Nodes as the expression engine sees them, and its results as nodes again.
//!
//! The engine is handed views of the tree. A view notes each single value that is read through it, and each collection
//! that is taken whole, so that the result knows the profile values that made it.

use std::cell::RefCell;
use std::sync::Arc;

use ecow::{EcoString, EcoVec, eco_format};
use foldhash::{HashSet, HashSetExt};
use minijinja::value::{Enumerator, Object, ObjectRepr, ValueKind};
use smallvec::SmallVec;

use crate::node::{Derived, Entry, Input, Mapping, Node, Origin, Value};
use crate::source::Span;

/// A tree that expressions read.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) node: Node,
    /// Whether this is the merged profile, so that a path in it is a path of the profile.
    pub(super) profile: bool,
}

/// The numbers of the items and entries on the way down a tree; most ways are short.
type Route = SmallVec<[u32; 6]>;

/// A mapping or list of a tree.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) tree: Arc<Tree>,
    route: Route,
}

/// Where in a tree something was read.
#[derive(Debug, Clone)]
struct Read {
    tree: Arc<Tree>,
    route: Route,
}

#[derive(Debug, Default)]
struct Recorder {
    reads: Vec<Read>,
    misses: Vec<EcoString>,
}

thread_local! {
    /// What the expression being evaluated on this thread has read.
    static RECORDER: RefCell<Recorder> = RefCell::default();
}

/// How many of the latest reads a new one is held against.
const NOTED: usize = 16;

/// Up to so many inputs are told apart one by one.
const FEW: usize = 8;

/// What was read while an expression was evaluated.
#[derive(Debug, Default)]
pub(super) struct Reads {
    /// The profile values, in the order read, each once.
    pub(super) inputs: Vec<Input>,
    /// The names that were asked for and are not there.
    pub(super) misses: Vec<EcoString>,
}

/// Forgets what was read before.
pub(super) fn start_recording() {
    RECORDER.with_borrow_mut(|recorder| {
        recorder.reads.clear();
        recorder.misses.clear();
    });
}

/// What was read since.
pub(super) fn recorded() -> Reads {
    RECORDER.with_borrow_mut(|recorder| {
        let inputs = reads_of(&recorder.reads);
        recorder.reads.clear();
        Reads { inputs, misses: std::mem::take(&mut recorder.misses) }
    })
}

/// What was read, each path once.
fn reads_of(reads: &[Read]) -> Vec<Input> {
    let mut inputs: Vec<Input> = Vec::with_capacity(reads.len());
    // Most expressions read one value or two, which are told apart without hashing.
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
    for Read { tree, route } in reads {
        // Few reads were held against each other when they were noted.
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

/// Notes that all of a tree was read that the bundle has already made.
pub(super) fn note_tree(node: Node) {
    View::root(Arc::new(Tree { node, profile: false })).note();
}

/// Notes a name that is not there. Asking for it with `is defined` or `optional` takes the note back.
pub(super) fn note_miss(name: EcoString) {
    RECORDER.with_borrow_mut(|recorder| recorder.misses.push(name));
}

/// Takes the last note of a missing name back.
pub(super) fn forgive_miss() {
    RECORDER.with_borrow_mut(|recorder| recorder.misses.pop());
}

fn each(node: &Node, visit: &mut impl FnMut(&Node)) {
    visit(node);
    node.items().iter().for_each(|item| each(item, visit));
    node.entries().iter().for_each(|entry| each(&entry.value, visit));
}

/// Whether a value or anything in it is a secret.
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

impl View {
    pub(super) fn root(tree: Arc<Tree>) -> Self {
        Self { tree, route: Route::new() }
    }

    pub(super) fn node(&self) -> &Node {
        self.route.iter().fold(&self.tree.node, |node, index| child(node, *index))
    }

    /// The value of an item or entry, noted as read if it is a single value.
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
            let known = |read: &Read| read.route == self.route && Arc::ptr_eq(&read.tree, &self.tree);
            if !recorder.reads.iter().rev().take(NOTED).any(known) {
                recorder.reads.push(Read { tree: self.tree, route: self.route });
            }
        });
    }

    /// A copy of the node in which each part names its own place in the profile as what it was made from.
    fn copy(&self) -> Node {
        let (node, path) = follow(&self.tree, &self.route);
        if self.tree.profile { derive(node, &path) } else { node.clone() }
    }
}

/// A copy of a profile value in which each part names the value it was copied from.
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

impl Object for View {
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

    /// What `a.name` reads. (A name in brackets, and `in`, ask [`Object::get_value`].)
    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<minijinja::Value> {
        let value = self.field(key);
        if value.is_none() {
            note_miss(key.into());
        }
        value
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        View::clone(self).note();
        match &self.node().value {
            Value::Sequence(items) => Enumerator::Seq(items.len()),
            _ => {
                let keys = self.node().entries().iter().map(|entry| entry.key.as_str().into());
                Enumerator::Values(keys.collect())
            }
        }
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        View::clone(self).note();
        Some(self.node().items().len() + self.node().entries().len())
    }
}

/// How much an expression, and a bundle as a whole, may make.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    pub(super) nodes: usize,
    pub(super) bytes: usize,
    /// Fuel for expressions.
    pub(super) work: u64,
}

/// Why a result is no node.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// It is undefined, or holds something undefined at that place in it.
    Undefined(String),
    /// It is of a type that no manifest can hold.
    Type { message: String, help: &'static str },
    /// It is too large.
    TooLarge,
    /// The engine gave up while it was made.
    Engine(String),
}

const AS_STRING: &str = "write `| string` for a string, `| int` or `//` for an integer";

impl Budget {
    /// Takes one node and its bytes off.
    pub(super) fn spend(&mut self, nodes: usize, bytes: usize) -> Result<(), Misfit> {
        self.nodes = self.nodes.checked_sub(nodes).ok_or(Misfit::TooLarge)?;
        self.bytes = self.bytes.checked_sub(bytes).ok_or(Misfit::TooLarge)?;
        Ok(())
    }

    /// Takes the most work off that an expression does with that fuel.
    pub(super) fn spend_work(&mut self, fuel: u64) -> Result<(), Misfit> {
        self.work = self.work.checked_sub(fuel).ok_or(Misfit::TooLarge)?;
        Ok(())
    }

    /// Takes a copy of a tree off, before it is made.
    pub(super) fn spend_tree(&mut self, node: &Node) -> Result<(), Misfit> {
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

/// How deep the result of one expression may be nested.
const MAX_DEPTH: usize = 64;

/// A result as a node. Parts copied from the profile know their place; computed parts have no origin yet.
pub(super) fn to_node(value: &minijinja::Value, budget: &mut Budget) -> Result<Node, Misfit> {
    convert(value, budget, &mut Vec::new())
}

fn convert(value: &minijinja::Value, budget: &mut Budget, at: &mut Vec<String>) -> Result<Node, Misfit> {
    if at.len() > MAX_DEPTH {
        return Err(Misfit::TooLarge);
    }
    if let Some(view) = value.downcast_object_ref::<View>() {
        // Before the copy is made, not after.
        budget.spend_tree(view.node())?;
        return Ok(view.copy());
    }
    budget.spend(1, 0)?;
    let made = match value.kind() {
        ValueKind::Undefined => return Err(Misfit::Undefined(at.concat())),
        ValueKind::None => Value::Null,
        ValueKind::Bool => Value::Bool(value.is_true()),
        ValueKind::Number => number(value)?,
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            budget.spend(0, text.len())?;
            Value::String(text.into())
        }
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().map_err(|error| Misfit::Engine(error.to_string()))?;
            let mut made = EcoVec::new();
            for (index, item) in items.enumerate() {
                at.push(format!("[{index}]"));
                made.push(convert(&item, budget, at)?);
                at.pop();
            }
            Value::Sequence(made)
        }
        ValueKind::Map => Value::Mapping(mapping(value, budget, at)?),
        ValueKind::Invalid => return Err(Misfit::Engine(value.to_string())),
        kind => {
            let message = format!("the expression evaluates to {kind}, which a manifest cannot contain");
            return Err(Misfit::Type { message, help: "" });
        }
    };
    Ok(Node { value: made, origin: Origin::default() })
}

fn mapping(value: &minijinja::Value, budget: &mut Budget, at: &mut Vec<String>) -> Result<Mapping, Misfit> {
    let keys = value.try_iter().map_err(|error| Misfit::Engine(error.to_string()))?;
    let mut made = Mapping::new();
    for key in keys {
        let Some(name) = key.as_str() else {
            if key.kind() == ValueKind::Invalid {
                return Err(Misfit::Engine(key.to_string()));
            }
            let message = format!("a mapping key is {}, not a string", article(&key));
            return Err(Misfit::Type { message, help: "write `| string`, or put it in quotes" });
        };
        let item = value.get_item(&key).map_err(|error| Misfit::Engine(error.to_string()))?;
        budget.spend(0, name.len())?;
        at.push(format!(".{name}"));
        made.push(name, Span::NONE, convert(&item, budget, at)?);
        at.pop();
    }
    Ok(made)
}

fn number(value: &minijinja::Value) -> Result<Value, Misfit> {
    if value.is_integer() {
        let big = || {
            let message = format!("{value} is too large for a number in a manifest");
            Misfit::Type { message, help: "write `| string` for a string" }
        };
        return value.as_i64().map(Value::Int).ok_or_else(big);
    }
    plain_float(f64::try_from(value.clone()).unwrap_or(f64::NAN)).map(Value::Float)
}

/// A fraction that all readers read the same.
fn plain_float(float: f64) -> Result<f64, Misfit> {
    if !float.is_finite() {
        let message = "the number is not finite".to_owned();
        return Err(Misfit::Type { message, help: "a manifest can contain only finite numbers" });
    }
    if float.fract() == 0.0 {
        let message = "the number is a float with an integer value, which YAML writers format differently".to_owned();
        return Err(Misfit::Type { message, help: AS_STRING });
    }
    Ok(float)
}

/// What kind of value it is, as messages name it.
pub(super) fn article(value: &minijinja::Value) -> &'static str {
    match value.kind() {
        ValueKind::Undefined => "undefined",
        ValueKind::None => "none",
        ValueKind::Bool => "a boolean",
        ValueKind::Number => "a number",
        ValueKind::String => "a string",
        ValueKind::Seq | ValueKind::Iterable => "a list",
        ValueKind::Map => "a mapping",
        _ => "no plain value",
    }
}
