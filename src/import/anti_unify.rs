//! Computes the least general template of the copies: equal values become text, differing values become sites, and
//! members that only some copies have carry their presence.

use std::collections::BTreeSet;

use ecow::EcoString;

use super::align::{self, AlignedItem};
use super::copies::Presence;
use super::equal::{ComparedNodes, ComparedObjects, decoded};
use super::matching::{MatchedObject, OwnWords};
use super::parts::{Location, PathStep, SerializedFormat, TemplateMember, TemplateNode, TemplateSite};
use super::typical::{self, TypicalFields};
use crate::kube::crd::CustomKinds;
use crate::kube::{KubernetesVersion, Shape};
use crate::node::{Mapping, Node, Value};
use crate::secret;
use crate::source::{FileId, Span};
use crate::yaml::{self, Dialect};

/// The state inherited by nested values.
#[derive(Clone, Copy)]
struct MergeContext<'a> {
    shape: Shape<'a>,
    secret: bool,
    /// Whether the value is part of a serialized string, in which null is a value.
    in_text: bool,
}

/// Builds the joint template and collects the sites.
pub(super) struct Merger<'a> {
    pub(super) words: &'a [OwnWords],
    pub(super) custom: &'a CustomKinds<'a>,
    /// The fields that typically vary, if there is only one copy.
    usual: Option<&'a TypicalFields<'a>>,
    /// The kind of the current objects.
    kind: EcoString,
    pub(super) sites: Vec<TemplateSite>,
    /// Fields that only the API server sets and that differ between the copies; no profile has them.
    pub(super) left_out: BTreeSet<String>,
    /// Set if a tree contains what its serialized string cannot express.
    inexpressible: bool,
}

impl<'a> Merger<'a> {
    pub(super) fn new(
        words: &'a [OwnWords],
        custom: &'a CustomKinds<'a>,
        usual: Option<&'a TypicalFields<'a>>,
    ) -> Self {
        Self {
            words,
            custom,
            usual,
            kind: EcoString::new(),
            sites: Vec::new(),
            left_out: BTreeSet::new(),
            inexpressible: false,
        }
    }

    /// The joint template of a class's objects.
    pub(super) fn class(&mut self, number: usize, class: &MatchedObject<'_>) -> TemplateMember {
        let trees = ComparedObjects::of(&class.objects, self.custom);
        let nodes = trees.nodes();
        let first = class.first();
        self.kind = first.kind().into();
        let shape = Shape::of(&first.id.api_version, first.kind(), KubernetesVersion::default(), self.custom);
        let location = Location { class: number, path: Vec::new() };
        let presence = presence(&nodes.given);
        let context = MergeContext { shape, secret: false, in_text: false };
        let part = self.merge(&nodes, &location, context, &presence);
        TemplateMember { part, within: vec![true; presence.len()], presence, location }
    }

    /// A whole value as a site.
    fn site(
        &mut self,
        nodes: &ComparedNodes<'_>,
        location: &Location,
        secret: bool,
        within: &Presence,
    ) -> TemplateNode {
        let values = nodes.given.iter().map(|node| node.cloned()).collect();
        self.push(TemplateSite {
            values,
            location: location.clone(),
            secret,
            encoded: false,
            within: within.clone(),
            parts: Vec::new(),
        })
    }

    fn push(&mut self, site: TemplateSite) -> TemplateNode {
        self.sites.push(site);
        TemplateNode::Site(self.sites.len() - 1)
    }

    fn merge(
        &mut self,
        nodes: &ComparedNodes<'_>,
        location: &Location,
        context: MergeContext<'_>,
        within: &Presence,
    ) -> TemplateNode {
        let Some(first) = nodes.present().next() else { return TemplateNode::Same(Node::default()) };
        let is_equal = nodes.present().all(|node| node == first);
        if is_equal && !context.secret && is_expressible(first) && !holds_secret(first, self.is_plain(location)) {
            return self.same(first, nodes, location, context, within);
        }
        let all = |is: fn(&Value) -> bool| nodes.present().all(|node| is(&node.value));
        if all(|value| matches!(value, Value::Mapping(_))) {
            if nodes.present().any(|node| node.entries().iter().any(|entry| !is_plain_key(&entry.key))) {
                return self.site(nodes, location, context.secret, within);
            }
            return self.mapping(nodes, location, context);
        }
        if all(|value| matches!(value, Value::Sequence(_))) {
            return self.list(nodes, location, context, within);
        }
        if nodes.present().any(|node| node.is_null()) {
            if is_equal {
                return TemplateNode::Same(first.clone());
            }
            self.inexpressible |= context.in_text;
        }
        self.site(nodes, location, context.secret, within)
    }

    /// A value that all copies share: template text, except for fields that typically vary if there is only one copy.
    fn same(
        &mut self,
        node: &Node,
        nodes: &ComparedNodes<'_>,
        location: &Location,
        context: MergeContext<'_>,
        within: &Presence,
    ) -> TemplateNode {
        let same = || TemplateNode::Same(node.clone());
        let Some(usual) = self.usual.filter(|_| self.kind != "CustomResourceDefinition") else { return same() };
        let sites = self.sites.len();
        let part = match &node.value {
            Value::Mapping(_) => self.mapping(nodes, location, context),
            Value::Sequence(items) if items.iter().all(Node::is_set) => self.list(nodes, location, context, within),
            _ if typical::is_leaf(node) => match usual.parts(&self.kind, location, node) {
                Some(parts) => {
                    let values = vec![Some(node.clone())];
                    let (location, within) = (location.clone(), within.clone());
                    self.push(TemplateSite { values, location, secret: false, encoded: false, within, parts })
                }
                None => same(),
            },
            _ => same(),
        };
        if self.sites.len() == sites { same() } else { part }
    }

    /// Whether nothing at the location can be a secret, as in metadata.
    fn is_plain(&self, location: &Location) -> bool {
        location.path.first().is_some_and(|step| step.text() == "metadata")
    }

    fn mapping(&mut self, nodes: &ComparedNodes<'_>, location: &Location, context: MergeContext<'_>) -> TemplateNode {
        let present = presence(&nodes.given);
        let keys = joint_keys(&nodes.given);
        let definition = nodes.present().any(|node| node["kind"].text() == "CustomResourceDefinition");
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys {
            let below = nodes.field(&key);
            let presence = presence(&below.given);
            self.note_left_out(nodes, &below, location, &key);
            if !presence.contains(&true) {
                continue;
            }
            let is_secret = |(node, value): (&Option<&Node>, &Option<&Node>)| match (node, value) {
                (Some(parent), Some(value)) => secret::holds(parent)(&key, value),
                _ => false,
            };
            let secret = context.secret
                || !definition && !self.is_plain(location) && nodes.given.iter().zip(&below.given).any(is_secret);
            let location = location.with(PathStep::Key(key.clone()));
            let inner = MergeContext { shape: context.shape.field(&key), secret, ..context };
            let part = self.entry(&below, &location, inner, &present);
            entries.push((key, TemplateMember { part, presence, within: present.clone(), location }));
        }
        TemplateNode::Mapping(entries)
    }

    /// A mapping entry. A value in a ConfigMap or a Secret may be a serialized tree or base64-encoded.
    fn entry(
        &mut self,
        nodes: &ComparedNodes<'_>,
        location: &Location,
        context: MergeContext<'_>,
        within: &Presence,
    ) -> TemplateNode {
        let [PathStep::Key(top), PathStep::Key(_)] = location.path.as_slice() else {
            return self.merge(nodes, location, context, within);
        };
        if !nodes.present().all(|node| node.as_str().is_some()) || context.in_text {
            return self.merge(nodes, location, context, within);
        }
        match top.as_str() {
            "data" if context.secret => {
                let decoded = |node: &Option<&Node>| match node {
                    None => Some(None),
                    Some(node) => decoded(node.text()).map(|text| Some(Node::new(text, Span::NONE))),
                };
                match nodes.given.iter().map(decoded).collect::<Option<Vec<_>>>() {
                    Some(values) => self.push(TemplateSite {
                        values,
                        location: location.clone(),
                        secret: true,
                        encoded: true,
                        within: within.clone(),
                        parts: Vec::new(),
                    }),
                    None => self.merge(nodes, location, context, within),
                }
            }
            "data" | "stringData" => {
                let first = nodes.present().next().map(|node| node.text());
                let varies = context.secret || nodes.present().any(|node| Some(node.text()) != first);
                if varies && let Some(part) = self.tree(nodes, location, context) {
                    return part;
                }
                self.merge(nodes, location, context, within)
            }
            _ => self.merge(nodes, location, context, within),
        }
    }

    /// The strings as trees, if the emitter reproduces each string exactly.
    fn tree(
        &mut self,
        nodes: &ComparedNodes<'_>,
        location: &Location,
        context: MergeContext<'_>,
    ) -> Option<TemplateNode> {
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
        let nodes = ComparedNodes::literal(trees.iter().map(Option::as_ref).collect());
        // Each leaf of a secret tree becomes a field; with many leaves the whole string becomes one.
        if context.secret && nodes.present().any(|tree| leaves(tree) > MAX_SECRET_LEAVES) {
            return None;
        }
        let (sites, inexpressible) = (self.sites.len(), std::mem::take(&mut self.inexpressible));
        let present = presence(&nodes.given);
        let inner = MergeContext { shape: Shape::Unknown, in_text: true, ..context };
        let part = self.merge(&nodes, location, inner, &present);
        let failed = std::mem::replace(&mut self.inexpressible, inexpressible);
        if failed {
            self.sites.truncate(sites);
            return None;
        }
        let member = TemplateMember { part, presence: present.clone(), within: present, location: location.clone() };
        Some(TemplateNode::Tree(format?, Box::new(member)))
    }

    fn list(
        &mut self,
        nodes: &ComparedNodes<'_>,
        location: &Location,
        context: MergeContext<'_>,
        within: &Presence,
    ) -> TemplateNode {
        let lists: Vec<Option<&[Node]>> = nodes.given.iter().map(|node| node.map(Node::items)).collect();
        let identity = context.shape.identity();
        let present = presence(&nodes.given);
        let is_scalar = |node: &Node| !matches!(node.value, Value::Mapping(_) | Value::Sequence(_));
        let scalars = lists.iter().flatten().all(|list| list.iter().all(is_scalar));
        let columns = align::columns(&lists, &identity, self.words);
        let is_whole = |column: &AlignedItem| column.iter().zip(&present).all(|(at, present)| at.is_some() == *present);
        let is_argument = |node: &Node| node.text().starts_with('-');
        let arguments = lists.iter().flatten().any(|list| list.iter().any(is_argument));
        // A list of a few words is more readable as a field than with a condition on each word.
        if scalars && !arguments && !columns.iter().all(is_whole) {
            return self.site(nodes, location, context.secret, within);
        }
        let has_null = lists.iter().flatten().any(|list| list.iter().any(Node::is_null));
        if has_null {
            return self.site(nodes, location, context.secret, within);
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
            let location = location.with(PathStep::Item(label));
            let inner = MergeContext { shape: context.shape.items(), ..context };
            let part = self.merge(&below, &location, inner, &present);
            items.push(TemplateMember { part, presence, within: present.clone(), location });
        }
        TemplateNode::List(items)
    }

    /// Records a field that some copy has and no profile will have, because only the API server sets it.
    fn note_left_out(
        &mut self,
        nodes: &ComparedNodes<'_>,
        below: &ComparedNodes<'_>,
        location: &Location,
        key: &EcoString,
    ) {
        let is_written_by_server = location.path.is_empty() && key == "status" || self.is_plain(location);
        let is_lost = |(parent, below): (&Option<&Node>, &Option<&Node>)| {
            below.is_none() && parent.is_some_and(|parent| has_leaf(&parent[key.as_str()]))
        };
        if is_written_by_server && nodes.given.iter().zip(&below.given).any(is_lost) {
            self.left_out.insert(location.with(PathStep::Key(key.clone())).to_string());
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

/// An argument is named after its flag: `--log-level=info` is `log-level`.
fn argument_name(node: &Node) -> Option<EcoString> {
    let name = node.as_str()?.strip_prefix('-')?.trim_start_matches('-');
    let name = name.split('=').next().unwrap_or(name);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(is_name)).then(|| name.into())
}

pub(super) fn presence(nodes: &[Option<&Node>]) -> Presence {
    nodes.iter().map(Option::is_some).collect()
}

/// The keys of all mappings, in an order that preserves the order within each as far as possible.
fn joint_keys(nodes: &[Option<&Node>]) -> Vec<EcoString> {
    /// With more keys than this, new keys are appended.
    const MAX_INSERTED: usize = 256;
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
                    _ if keys.len() > MAX_INSERTED => keys.len(),
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

/// Whether a template can contain the key as it is.
fn is_plain_key(key: &str) -> bool {
    !key.starts_with('$') && !key.contains("{{")
}

/// Whether a template can contain all keys of a value as they are.
fn is_expressible(node: &Node) -> bool {
    node.items().iter().all(is_expressible)
        && node.entries().iter().all(|entry| is_plain_key(&entry.key) && is_expressible(&entry.value))
}

/// Whether a value contains a secret, judged by names.
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
    let is_secret = secret::holds(node);
    let entries = node.entries().iter().filter(|entry| entry.key != "metadata");
    entries
        .into_iter()
        .any(|entry| is_secret(&entry.key, &entry.value) && has_leaf(&entry.value) || holds_secret(&entry.value, false))
}

fn has_leaf(node: &Node) -> bool {
    match &node.value {
        Value::Null => false,
        Value::Mapping(mapping) => mapping.iter().any(|entry| has_leaf(&entry.value)),
        Value::Sequence(items) => items.iter().any(has_leaf),
        _ => true,
    }
}

/// A serialized tree in a Secret with more leaves than this becomes a single field.
const MAX_SECRET_LEAVES: usize = 8;

fn leaves(node: &Node) -> usize {
    match &node.value {
        Value::Mapping(mapping) => mapping.iter().map(|entry| leaves(&entry.value)).sum(),
        Value::Sequence(items) => items.iter().map(leaves).sum(),
        _ => 1,
    }
}

/// Parses a string that the emitter reproduces exactly from the tree.
pub(super) fn tree_of(text: &str) -> Option<(Node, SerializedFormat)> {
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
        return Some((tree, SerializedFormat::Yaml));
    }
    (text.starts_with(['{', '[']) && yaml::json(&tree) == text).then_some((tree, SerializedFormat::Json))
}
