//! The least general template of the copies: what is equal everywhere is text, what differs is a site, what only some
//! copies have is a member with its presence.

use std::collections::BTreeSet;

use ecow::EcoString;

use super::align::{self, Column};
use super::copies::Presence;
use super::equal::{Nodes, Trees, decoded};
use super::matching::{Class, OwnWords};
use super::parts::{Format, Member, Part, Place, Site, Step};
use super::usual::{self, Usual};
use crate::kube::crd::CustomKinds;
use crate::kube::{KubernetesVersion, Shape};
use crate::node::{Mapping, Node, Value};
use crate::secret;
use crate::source::{FileId, Span};
use crate::yaml::{self, Dialect};

/// What is known on the way down.
#[derive(Clone, Copy)]
struct Context<'a> {
    shape: Shape<'a>,
    secret: bool,
    /// Whether it is a part of a text: there a null is one.
    in_text: bool,
}

/// Makes the joint template, and collects the sites.
pub(super) struct Merger<'a> {
    pub(super) words: &'a [OwnWords],
    pub(super) custom: &'a CustomKinds<'a>,
    /// What people usually vary, where there is one copy only.
    usual: Option<&'a Usual<'a>>,
    /// The kind of the objects at hand.
    kind: EcoString,
    pub(super) sites: Vec<Site>,
    /// The fields that only the API server writes, and on which the copies differ: no profile has them.
    pub(super) left_out: BTreeSet<String>,
    /// A tree has what its text cannot be made of.
    unfit: bool,
}

impl<'a> Merger<'a> {
    pub(super) fn new(words: &'a [OwnWords], custom: &'a CustomKinds<'a>, usual: Option<&'a Usual<'a>>) -> Self {
        Self {
            words,
            custom,
            usual,
            kind: EcoString::new(),
            sites: Vec::new(),
            left_out: BTreeSet::new(),
            unfit: false,
        }
    }

    /// The joint template of the objects of a class.
    pub(super) fn class(&mut self, number: usize, class: &Class<'_>) -> Member {
        let trees = Trees::of(&class.objects, self.custom);
        let nodes = trees.nodes();
        let first = class.first();
        self.kind = first.kind().into();
        let shape = Shape::of(&first.id.api_version, first.kind(), KubernetesVersion::default(), self.custom);
        let place = Place { class: number, path: Vec::new() };
        let presence = presence(&nodes.given);
        let context = Context { shape, secret: false, in_text: false };
        let part = self.merge(&nodes, &place, context, &presence);
        Member { part, within: vec![true; presence.len()], presence, place }
    }

    /// A whole value as a site.
    fn site(&mut self, nodes: &Nodes<'_>, place: &Place, secret: bool, within: &Presence) -> Part {
        let values = nodes.given.iter().map(|node| node.cloned()).collect();
        self.push(Site {
            values,
            place: place.clone(),
            secret,
            encoded: false,
            within: within.clone(),
            parts: Vec::new(),
        })
    }

    fn push(&mut self, site: Site) -> Part {
        self.sites.push(site);
        Part::Site(self.sites.len() - 1)
    }

    fn merge(&mut self, nodes: &Nodes<'_>, place: &Place, context: Context<'_>, within: &Presence) -> Part {
        let Some(first) = nodes.present().next() else { return Part::Same(Node::default()) };
        let is_equal = nodes.present().all(|node| node == first);
        if is_equal && !context.secret && is_expressible(first) && !holds_secret(first, self.is_plain(place)) {
            return self.same(first, nodes, place, context, within);
        }
        let all = |is: fn(&Value) -> bool| nodes.present().all(|node| is(&node.value));
        if all(|value| matches!(value, Value::Mapping(_))) {
            if nodes.present().any(|node| node.entries().iter().any(|entry| !is_plain_key(&entry.key))) {
                return self.site(nodes, place, context.secret, within);
            }
            return self.mapping(nodes, place, context);
        }
        if all(|value| matches!(value, Value::Sequence(_))) {
            return self.list(nodes, place, context, within);
        }
        if nodes.present().any(|node| node.is_null()) {
            if is_equal {
                return Part::Same(first.clone());
            }
            self.unfit |= context.in_text;
        }
        self.site(nodes, place, context.secret, within)
    }

    /// What all copies say: template text, but for what people usually vary where there is one copy only.
    fn same(&mut self, node: &Node, nodes: &Nodes<'_>, place: &Place, context: Context<'_>, within: &Presence) -> Part {
        let same = || Part::Same(node.clone());
        let Some(usual) = self.usual.filter(|_| self.kind != "CustomResourceDefinition") else { return same() };
        let sites = self.sites.len();
        let part = match &node.value {
            Value::Mapping(_) => self.mapping(nodes, place, context),
            Value::Sequence(items) if items.iter().all(Node::is_set) => self.list(nodes, place, context, within),
            _ if usual::is_leaf(node) => match usual.parts(&self.kind, place, node) {
                Some(parts) => {
                    let values = vec![Some(node.clone())];
                    let (place, within) = (place.clone(), within.clone());
                    self.push(Site { values, place, secret: false, encoded: false, within, parts })
                }
                None => same(),
            },
            _ => same(),
        };
        if self.sites.len() == sites { same() } else { part }
    }

    /// Whether nothing in the object can be a secret: schemas and metadata speak of names only.
    fn is_plain(&self, place: &Place) -> bool {
        place.path.first().is_some_and(|step| step.text() == "metadata")
    }

    fn mapping(&mut self, nodes: &Nodes<'_>, place: &Place, context: Context<'_>) -> Part {
        let present = presence(&nodes.given);
        let keys = joint_keys(&nodes.given);
        let definition = nodes.present().any(|node| node["kind"].text() == "CustomResourceDefinition");
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys {
            let below = nodes.field(&key);
            let presence = presence(&below.given);
            self.note_left_out(nodes, &below, place, &key);
            if !presence.contains(&true) {
                continue;
            }
            let told = |(node, value): (&Option<&Node>, &Option<&Node>)| match (node, value) {
                (Some(parent), Some(value)) => secret::holds(parent)(&key, value),
                _ => false,
            };
            let secret = context.secret
                || !definition && !self.is_plain(place) && nodes.given.iter().zip(&below.given).any(told);
            let place = place.with(Step::Key(key.clone()));
            let inner = Context { shape: context.shape.field(&key), secret, ..context };
            let part = self.entry(&below, &place, inner, &present);
            entries.push((key, Member { part, presence, within: present.clone(), place }));
        }
        Part::Mapping(entries)
    }

    /// An entry: a file in a ConfigMap or a Secret may be a tree, or be held in Base64.
    fn entry(&mut self, nodes: &Nodes<'_>, place: &Place, context: Context<'_>, within: &Presence) -> Part {
        let [Step::Key(top), Step::Key(_)] = place.path.as_slice() else {
            return self.merge(nodes, place, context, within);
        };
        if !nodes.present().all(|node| node.as_str().is_some()) || context.in_text {
            return self.merge(nodes, place, context, within);
        }
        match top.as_str() {
            "data" if context.secret => {
                let decoded = |node: &Option<&Node>| match node {
                    None => Some(None),
                    Some(node) => decoded(node.text()).map(|text| Some(Node::new(text, Span::NONE))),
                };
                match nodes.given.iter().map(decoded).collect::<Option<Vec<_>>>() {
                    Some(values) => self.push(Site {
                        values,
                        place: place.clone(),
                        secret: true,
                        encoded: true,
                        within: within.clone(),
                        parts: Vec::new(),
                    }),
                    None => self.merge(nodes, place, context, within),
                }
            }
            "data" | "stringData" => {
                let first = nodes.present().next().map(|node| node.text());
                let varies = context.secret || nodes.present().any(|node| Some(node.text()) != first);
                if varies && let Some(part) = self.tree(nodes, place, context) {
                    return part;
                }
                self.merge(nodes, place, context, within)
            }
            _ => self.merge(nodes, place, context, within),
        }
    }

    /// The texts as trees, where our emitter writes each back to the byte.
    fn tree(&mut self, nodes: &Nodes<'_>, place: &Place, context: Context<'_>) -> Option<Part> {
        let mut format = None;
        let mut trees = Vec::with_capacity(nodes.given.len());
        for node in &nodes.given {
            let Some(node) = node else {
                trees.push(None);
                continue;
            };
            let (tree, found) = tree_of(node.text())?;
            if *format.get_or_insert(found) != found {
                return None;
            }
            trees.push(Some(tree));
        }
        let nodes = Nodes::literal(trees.iter().map(Option::as_ref).collect());
        // Each leaf of a secret is a field; of many the whole text is one.
        if context.secret && nodes.present().any(|tree| leaves(tree) > MOST_SECRET_LEAVES) {
            return None;
        }
        let (sites, unfit) = (self.sites.len(), std::mem::take(&mut self.unfit));
        let present = presence(&nodes.given);
        let inner = Context { shape: Shape::Unknown, in_text: true, ..context };
        let part = self.merge(&nodes, place, inner, &present);
        let failed = std::mem::replace(&mut self.unfit, unfit);
        if failed {
            self.sites.truncate(sites);
            return None;
        }
        let member = Member { part, presence: present.clone(), within: present, place: place.clone() };
        Some(Part::Tree(format?, Box::new(member)))
    }

    fn list(&mut self, nodes: &Nodes<'_>, place: &Place, context: Context<'_>, within: &Presence) -> Part {
        let lists: Vec<Option<&[Node]>> = nodes.given.iter().map(|node| node.map(Node::items)).collect();
        let identity = context.shape.identity();
        let present = presence(&nodes.given);
        let is_scalar = |node: &Node| !matches!(node.value, Value::Mapping(_) | Value::Sequence(_));
        let scalars = lists.iter().flatten().all(|list| list.iter().all(is_scalar));
        let columns = align::columns(&lists, &identity, self.words);
        let is_whole = |column: &Column| column.iter().zip(&present).all(|(at, present)| at.is_some() == *present);
        let is_argument = |node: &Node| node.text().starts_with('-');
        let arguments = lists.iter().flatten().any(|list| list.iter().any(is_argument));
        // A list of a few words reads better as a field than with a condition at each word.
        if scalars && !arguments && !columns.iter().all(is_whole) {
            return self.site(nodes, place, context.secret, within);
        }
        let has_null = lists.iter().flatten().any(|list| list.iter().any(Node::is_null));
        if has_null {
            return self.site(nodes, place, context.secret, within);
        }
        let mut items = Vec::with_capacity(columns.len());
        for (number, column) in columns.iter().enumerate() {
            let below = nodes.items(column);
            let presence = presence(&below.given);
            let Some(first) = below.present().next() else { continue };
            let label = ["name", "key", "id", "mountPath", "containerPort", "port", "host"]
                .iter()
                .find_map(|key| first.get(key).and_then(label))
                .or_else(|| argument_name(first))
                .unwrap_or_else(|| number.to_string().into());
            let place = place.with(Step::Item(label));
            let inner = Context { shape: context.shape.items(), ..context };
            let part = self.merge(&below, &place, inner, &present);
            items.push(Member { part, presence, within: present.clone(), place });
        }
        Part::List(items)
    }

    /// Notes what a copy has and no profile will have, as only the server writes it.
    fn note_left_out(&mut self, nodes: &Nodes<'_>, below: &Nodes<'_>, place: &Place, key: &EcoString) {
        let is_written_by_server = place.path.is_empty() && key == "status" || self.is_plain(place);
        let is_lost = |(parent, below): (&Option<&Node>, &Option<&Node>)| {
            below.is_none() && parent.is_some_and(|parent| has_leaf(&parent[key.as_str()]))
        };
        if is_written_by_server && nodes.given.iter().zip(&below.given).any(is_lost) {
            self.left_out.insert(place.with(Step::Key(key.clone())).to_string());
        }
    }
}

fn label(node: &Node) -> Option<EcoString> {
    match &node.value {
        Value::String(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string().into()),
        _ => None,
    }
}

/// An argument is called like its flag: `--log-level=info` is `log-level`.
fn argument_name(node: &Node) -> Option<EcoString> {
    let name = node.as_str()?.strip_prefix('-')?.trim_start_matches('-');
    let name = name.split('=').next().unwrap_or(name);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(is_name)).then(|| name.into())
}

pub(super) fn presence(nodes: &[Option<&Node>]) -> Presence {
    nodes.iter().map(Option::is_some).collect()
}

/// The keys of all, in an order that keeps what follows what.
fn joint_keys(nodes: &[Option<&Node>]) -> Vec<EcoString> {
    /// Beyond so many the order is that of the copies, one after the other.
    const MOST_INSERTED: usize = 256;
    let mut mappings = nodes.iter().flatten();
    let Some(first) = mappings.next() else { return Vec::new() };
    let mut keys: Vec<EcoString> = first.entries().iter().map(|entry| entry.key.clone()).collect();
    let mut known = Mapping::new();
    keys.iter().for_each(|key| known.push(key.clone(), Span::NONE, Node::default()));
    for node in mappings {
        let mut after: Option<EcoString> = None;
        for entry in node.entries() {
            if known.entry(&entry.key).is_none() {
                known.push(entry.key.clone(), Span::NONE, Node::default());
                let at = match &after {
                    _ if keys.len() > MOST_INSERTED => keys.len(),
                    None => 0,
                    Some(after) => keys.iter().position(|key| key == after).map_or(keys.len(), |at| at + 1),
                };
                keys.insert(at, entry.key.clone());
            }
            after = Some(entry.key.clone());
        }
    }
    keys
}

/// Whether a template can hold the key as text.
fn is_plain_key(key: &str) -> bool {
    !key.starts_with('$') && !key.contains("{{")
}

/// Whether all keys of a value can stand in a template as text.
fn is_expressible(node: &Node) -> bool {
    node.items().iter().all(is_expressible)
        && node.entries().iter().all(|entry| is_plain_key(&entry.key) && is_expressible(&entry.value))
}

/// Whether something in a value is a secret by its name.
fn holds_secret(node: &Node, plain: bool) -> bool {
    if plain || node["kind"].text() == "CustomResourceDefinition" {
        return false;
    }
    if node.items().iter().any(|item| holds_secret(item, false)) {
        return true;
    }
    if node.entries().is_empty() {
        return false;
    }
    let told = secret::holds(node);
    let entries = node.entries().iter().filter(|entry| entry.key != "metadata");
    entries
        .into_iter()
        .any(|entry| told(&entry.key, &entry.value) && has_leaf(&entry.value) || holds_secret(&entry.value, false))
}

fn has_leaf(node: &Node) -> bool {
    match &node.value {
        Value::Null => false,
        Value::Mapping(mapping) => mapping.iter().any(|entry| has_leaf(&entry.value)),
        Value::Sequence(items) => items.iter().any(has_leaf),
        _ => true,
    }
}

/// How many leaves of a text in a Secret become fields, each its own.
const MOST_SECRET_LEAVES: usize = 8;

fn leaves(node: &Node) -> usize {
    match &node.value {
        Value::Mapping(mapping) => mapping.iter().map(|entry| leaves(&entry.value)).sum(),
        Value::Sequence(items) => items.iter().map(leaves).sum(),
        _ => 1,
    }
}

/// The tree that our emitter writes as this very text.
pub(super) fn tree_of(text: &str) -> Option<(Node, Format)> {
    let mut loaded = yaml::load_text(text, FileId(0), Dialect::Strict);
    if !loaded.findings.is_empty() || loaded.documents.len() != 1 {
        return None;
    }
    let tree = loaded.documents.pop()?;
    let is_tree = match &tree.value {
        Value::Mapping(mapping) => !mapping.is_empty(),
        Value::Sequence(items) => !items.is_empty(),
        _ => false,
    };
    if !is_tree {
        return None;
    }
    if yaml::emit(&tree) == text {
        return Some((tree, Format::Yaml));
    }
    (text.starts_with(['{', '[']) && yaml::json(&tree) == text).then_some((tree, Format::Json))
}
