//! Patches: changes that a profile or an environment makes to rendered objects, by kind and name.
//!
//! A patch is a tree that is merged into the object: mappings key by key, `null` removes, and lists by the keys that
//! Kubernetes merges them by. `[0]` selects an item by its index, `[web]` by its key; `$append` and `$prepend` add
//! items. A list without keys is replaced. Nothing in a patch is evaluated.

use ecow::{EcoString, EcoVec, eco_format};

use crate::definitions::Definitions;
use crate::finding::{Finding, RuleId};
use crate::kube::crd::CustomKinds;
use crate::kube::{Identity, KubernetesVersion, ListKind, Shape};
use crate::node::{Entry, Mapping, Node, Value};
use crate::object::Object;
use crate::source::{Sources, Span};
use crate::suggest;

/// The reserved field of a layer that contains patches, by `Kind/name`.
pub const FIELD: &str = "patches";

/// A layer's patch of one object, or of all objects of a kind.
#[derive(Debug, Clone)]
pub struct Patch {
    /// `Deployment`.
    pub kind: EcoString,
    /// The name in the templates, without a hash of the content; `None` for all objects of the kind.
    pub name: Option<EcoString>,
    /// The position of its key.
    pub span: Span,
    /// The tree that is merged into the object.
    pub tree: Node,
}

/// The rule of findings about patches.
const RULE: RuleId = RuleId::PatchInvalid;

impl Patch {
    /// Reads the patches of a layer: `{Kind/name: tree}`.
    pub fn read(field: &Entry, findings: &mut Vec<Finding>) -> Vec<Self> {
        let help = "write `patches: {Deployment/web: {spec: {replicas: 2}}}`; `Deployment/*` patches all of a kind";
        let Value::Mapping(patches) = &field.value.value else {
            let message = format!("`{FIELD}` must be a mapping, not {}", field.value.type_name());
            findings.push(Finding::error(RULE, field.value.origin.span, message).with_help(help));
            return Vec::new();
        };
        let mut read = Vec::new();
        for entry in patches {
            let wrong = |message: String| Finding::error(RULE, entry.key_span, message).with_help(help);
            match entry.key.split_once('/') {
                Some((kind, name)) if !kind.is_empty() && !name.is_empty() && !name.contains('/') => {
                    if !matches!(&entry.value.value, Value::Mapping(tree) if !tree.is_empty()) {
                        findings.push(wrong(format!("empty patch of `{}`", entry.key)));
                        continue;
                    }
                    read.push(Self {
                        kind: kind.into(),
                        name: (name != "*").then(|| name.into()),
                        span: entry.key_span,
                        tree: entry.value.clone(),
                    });
                }
                _ => findings.push(wrong(format!("`{}` is not `Kind/name`", entry.key))),
            }
        }
        read
    }

    fn target(&self) -> String {
        format!("{}/{}", self.kind, self.name.as_deref().unwrap_or("*"))
    }

    fn matches(&self, document: &Node) -> bool {
        let name = document.at(&["metadata", "name"]).text();
        document["kind"].text() == self.kind && self.name.as_ref().is_none_or(|wanted| wanted == name)
    }

    /// Whether it patches a Secret.
    #[must_use]
    pub fn is_of_secret(&self) -> bool {
        self.kind == "Secret"
    }
}

/// The patches of one bundle, in the order in which layers are merged.
#[derive(Debug, Default)]
pub struct Patches<'a> {
    patches: &'a [Patch],
    matched: Vec<bool>,
    version: KubernetesVersion,
    known: Option<CrdSources<'a>>,
    /// The findings so far.
    pub findings: Vec<Finding>,
}

/// The definitions of custom resources besides those of the bundle.
#[derive(Debug, Clone, Copy)]
pub struct CrdSources<'a> {
    /// Definitions in other bundles.
    pub nodes: &'a [Node],
    /// Definitions in files, which are added to the sources.
    pub files: &'a Definitions,
    /// The sources of the run.
    pub sources: &'a Sources,
}

impl<'a> Patches<'a> {
    /// Patches that are not applied yet.
    #[must_use]
    pub fn new(patches: &'a [Patch], version: KubernetesVersion, known: CrdSources<'a>) -> Self {
        Self { patches, matched: vec![false; patches.len()], version, known: Some(known), findings: Vec::new() }
    }

    /// Applies all patches to some of the bundle's documents.
    pub fn apply(&mut self, documents: &mut [Node]) {
        let Some(CrdSources { nodes, files, sources }) = self.known.filter(|_| !self.patches.is_empty()) else {
            return;
        };
        let patched: Vec<Node> = (documents.iter())
            .filter(|document| is_definition(document) || self.patches.iter().any(|patch| patch.matches(document)))
            .cloned()
            .collect();
        let found = files.of(sources, &patched, nodes);
        self.findings.extend(found.findings.iter().cloned());
        let definitions = patched.iter().chain(nodes).chain(&found.definitions).filter(|node| is_definition(node));
        let custom = CustomKinds::with_published(definitions, &found.schemas);
        for (at, patch) in self.patches.iter().enumerate() {
            for document in documents.iter_mut().filter(|document| patch.matches(document)) {
                self.matched[at] = true;
                let before = document.clone();
                let shape = Shape::of(document["apiVersion"].text(), &patch.kind, self.version, &custom);
                let mut merge = PatchMerger { findings: Vec::new() };
                merge.node(document, &patch.tree, shape, false);
                if merge.findings.is_empty() && *document == before {
                    let message = format!("the patch of {} changes nothing", Object::new(before).id);
                    let help = "remove the patch: the object already has these values";
                    merge.findings.push(Finding::error(RuleId::PatchUnused, patch.span, message).with_help(help));
                }
                self.findings.append(&mut merge.findings);
            }
        }
    }

    /// Reports the patches that matched no document.
    pub fn finish(mut self, documents: &[Node]) -> Vec<Finding> {
        for (patch, matched) in self.patches.iter().zip(&self.matched) {
            if *matched {
                continue;
            }
            let names: Vec<String> =
                documents.iter().map(|document| Object::new(document.clone()).id.to_string()).collect();
            let target = patch.target();
            let message = format!("the patched object `{target}` is not in the bundle");
            let finding = Finding::error(RuleId::PatchUnused, patch.span, message);
            self.findings.push(match suggest::nearest(&target, names.iter().map(String::as_str)) {
                Some(near) => finding.with_label(format!("did you mean `{near}`?")),
                None => finding.with_help(format!("available objects: {}", suggest::list(&names, "and"))),
            });
        }
        self.findings
    }
}

fn is_definition(node: &Node) -> bool {
    node["kind"].text() == "CustomResourceDefinition"
}

struct PatchMerger {
    findings: Vec<Finding>,
}

impl PatchMerger {
    fn error(&mut self, span: Span, message: String, help: &str) {
        self.findings.push(Finding::error(RULE, span, message).with_help(help));
    }

    /// Merges a patch into a node. `keyed`: within an item that is selected by its keys, which may then be repeated.
    fn node(&mut self, under: &mut Node, over: &Node, shape: Shape<'_>, keyed: bool) {
        match (&mut under.value, &over.value) {
            (Value::Mapping(below), Value::Mapping(above)) => self.mapping(below, above, shape),
            (Value::Sequence(items), Value::Mapping(above)) => {
                let mut items = std::mem::take(items);
                self.selected(&mut items, above, shape, over.origin.span);
                under.value = items.into();
            }
            (Value::Sequence(items), Value::Sequence(above)) if is_keyed(&shape.identity()) => {
                let mut items = std::mem::take(items);
                self.keyed(&mut items, above, shape);
                under.value = items.into();
            }
            (below, above) if keyed && below == above => {}
            _ => replace(under, self.copy_without_nulls(over)),
        }
    }

    fn mapping(&mut self, below: &mut Mapping, above: &Mapping, shape: Shape<'_>) {
        for entry in above {
            let Some(known) = below.entry_mut(&entry.key) else {
                if entry.value.is_null() {
                    let message = format!("no field `{}` to remove", entry.key);
                    self.error(
                        entry.key_span,
                        message,
                        "remove the `null`; it only removes fields of the rendered object",
                    );
                } else {
                    let value = self.copy_without_nulls(&entry.value);
                    below.push(entry.key.clone(), entry.key_span, value);
                }
                continue;
            };
            if entry.value.is_null() {
                below.remove(&entry.key);
            } else {
                known.key_span = entry.key_span;
                self.node(&mut known.value, &entry.value, shape.field(&entry.key), false);
            }
        }
    }

    /// Merges a list by the keys of its items: existing items are merged, others are appended.
    fn keyed(&mut self, items: &mut EcoVec<Node>, above: &EcoVec<Node>, shape: Shape<'_>) {
        let identity = shape.identity();
        for item in above {
            let Some(name) = identity.of(item) else {
                let keys = suggest::list(&identity.keys, "and");
                self.error(
                    item.origin.span,
                    format!("the item has no {keys}"),
                    "set the key that identifies the items of this list",
                );
                continue;
            };
            match items.iter().position(|other| identity.of(other).as_ref() == Some(&name)) {
                Some(at) => self.node(&mut items.make_mut()[at], item, shape.items(), true),
                None => items.push(self.copy_without_nulls(item)),
            }
        }
    }

    /// Merges a mapping with indexes and keys in brackets into a list, and adds items to it.
    fn selected(&mut self, items: &mut EcoVec<Node>, above: &Mapping, shape: Shape<'_>, span: Span) {
        let help = "patch a list with a list, or with `[0]`, `[name]`, `$prepend` and `$append`";
        let identity = shape.identity();
        // Indexes refer to the rendered list.
        let mut removed = Vec::new();
        let (mut first, mut last) = (Vec::new(), Vec::new());
        for entry in above {
            let key = entry.key.as_str();
            let inner = key.strip_prefix('[').and_then(|key| key.strip_suffix(']'));
            match (key, inner) {
                ("$append" | "$prepend", _) => {
                    let Value::Sequence(added) = &entry.value.value else {
                        self.error(entry.value.origin.span, format!("`{key}` must be a list"), help);
                        continue;
                    };
                    let into = if key == "$append" { &mut last } else { &mut first };
                    into.extend(added.iter().cloned());
                }
                (_, Some(inner)) => match find_item(items, inner, &identity) {
                    Some(at) if entry.value.is_null() => removed.push(at),
                    Some(at) => self.node(&mut items.make_mut()[at], &entry.value, shape.items(), false),
                    None => {
                        let names: Vec<EcoString> = items
                            .iter()
                            .enumerate()
                            .map(|(at, item)| item_label(&identity, item).unwrap_or_else(|| eco_format!("{at}")))
                            .collect();
                        let message = format!("no item `{key}` in the list");
                        let has = if names.is_empty() {
                            "the list is empty".to_owned()
                        } else {
                            format!("available items: {}", suggest::list(&names, "and"))
                        };
                        self.error(entry.key_span, message, &has);
                    }
                },
                _ => self.error(entry.key_span, format!("`{key}` does not select a list item"), help),
            }
        }
        if above.is_empty() {
            self.error(span, "expected a list, found a mapping".to_owned(), help);
        }
        let rest = std::mem::take(items);
        let rest = rest.into_iter().enumerate().filter(|(at, _)| !removed.contains(at)).map(|(_, item)| item);
        *items = first.into_iter().chain(rest).chain(last).collect();
    }

    /// A copy of a new value, in which a null has nothing to remove.
    fn copy_without_nulls(&mut self, node: &Node) -> Node {
        let value = match &node.value {
            Value::Mapping(mapping) => {
                let mut copy = Mapping::new();
                for entry in mapping {
                    if entry.value.is_null() {
                        let message = format!("no field `{}` to remove", entry.key);
                        self.error(
                            entry.key_span,
                            message,
                            "remove the `null`; it only removes fields of the rendered object",
                        );
                    } else if entry.key.starts_with("$append") || entry.key.starts_with("$prepend") {
                        self.error(entry.key_span, "no list to add items to".to_owned(), "write the list itself");
                    } else {
                        copy.push(entry.key.clone(), entry.key_span, self.copy_without_nulls(&entry.value));
                    }
                }
                copy.into()
            }
            Value::Sequence(items) => Value::Sequence(items.iter().map(|item| self.copy_without_nulls(item)).collect()),
            value => value.clone(),
        };
        Node { value, origin: node.origin.clone() }
    }
}

fn is_keyed(identity: &Identity<'_>) -> bool {
    identity.kind != ListKind::Atomic
}

/// The label of an item: the value of its first key.
fn item_label(identity: &Identity<'_>, item: &Node) -> Option<EcoString> {
    let node = match identity.keys.first() {
        Some(key) => &item[*key],
        None if is_keyed(identity) => item,
        None => return None,
    };
    match &node.value {
        Value::String(text) => Some(text.clone()),
        Value::Int(number) => Some(eco_format!("{number}")),
        _ => None,
    }
}

/// The item that brackets select: by its key (`web`, `port=80, protocol=TCP`), otherwise by its index.
fn find_item(items: &[Node], name: &str, identity: &Identity<'_>) -> Option<usize> {
    let mut named = (0..items.len()).filter(|at| {
        item_label(identity, &items[*at]).is_some_and(|short| short == name)
            || identity.of(&items[*at]).is_some_and(|key| key == name)
    });
    match (named.next(), named.next()) {
        (Some(at), None) => Some(at),
        (None, _) => name.parse().ok().filter(|at| *at < items.len()),
        _ => None,
    }
}

/// Replaces a value and records the overridden one.
fn replace(under: &mut Node, mut over: Node) {
    let loser = std::mem::take(under);
    let derived = over.origin.derived_mut();
    derived.secret |= loser.origin.is_secret();
    derived.overridden.insert(0, loser);
    *under = over;
}
