//! The reference graph as a picture: objects grouped by component, references labelled, problems marked.

mod dot;
mod mermaid;

use std::collections::BTreeMap;

use crate::finding::{Finding, Severity};
use crate::graph::{Graph, Relation, Target};
use crate::object::Object;

pub use dot::dot;
pub use mermaid::mermaid;

/// A picture of a set of manifests.
#[derive(Debug, Default)]
pub struct Picture {
    /// The components, each with the numbers of its objects; sorted by name.
    pub groups: BTreeMap<String, Vec<usize>>,
    /// What is drawn as a box.
    pub boxes: Vec<Box>,
    /// What leads from one box to another.
    pub arrows: Vec<Arrow>,
}

/// A box.
#[derive(Debug, PartialEq, Eq)]
pub struct Box {
    /// `Deployment`.
    pub kind: String,
    /// The name.
    pub name: String,
    /// The rules that have something to say about it, the worst first; empty where none has.
    pub problems: Vec<(Severity, String)>,
    /// How bad the worst is.
    pub worst: Option<Severity>,
    /// Whether it is named and not there.
    pub is_missing: bool,
}

/// An arrow from one box to another.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    /// The box it starts at.
    pub from: usize,
    /// The box it leads to.
    pub to: usize,
    /// What for.
    pub labels: Vec<String>,
}

/// The labels that say which component an object belongs to, the most telling first.
const COMPONENT_LABELS: &[&str] = &["app.kubernetes.io/name", "app", "k8s-app", "app.kubernetes.io/component"];

/// Where objects go that name no component.
const OTHERS: &str = "shared";

impl Picture {
    /// Draws a graph, with what checks found.
    #[must_use]
    pub fn new(graph: &Graph<'_>, findings: &[Finding]) -> Self {
        let mut picture = Self::default();
        for (number, object) in graph.objects.iter().enumerate() {
            picture.boxes.push(boxed(object, findings));
            picture.groups.entry(component(object)).or_default().push(number);
        }
        let mut arrows: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
        let mut missing: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for reference in &graph.references {
            let Some(from) = graph.number(reference.from) else { continue };
            let to = match reference.found.and_then(|found| graph.number(found)) {
                Some(to) => to,
                // What every namespace has, and what may be missing, is no box of its own.
                None if reference.optional || reference.kind == "ServiceAccount" && reference.name == "default" => {
                    continue;
                }
                None => *missing.entry((reference.kind, reference.name)).or_insert_with(|| {
                    picture.boxes.push(absent(reference.kind, reference.name));
                    picture.boxes.len() - 1
                }),
            };
            put(&mut arrows, from, to, word(reference.relation).to_owned());
        }
        for service in &graph.services {
            let Some(from) = graph.number(service.object) else { continue };
            for pod in &service.pods {
                if let Some(to) = graph.number(graph.pods[*pod].object) {
                    put(&mut arrows, from, to, "selects".to_owned());
                }
            }
        }
        let mut hidden: BTreeMap<&str, usize> = BTreeMap::new();
        for mention in &graph.mentions {
            let Some(from) = graph.number(mention.object) else { continue };
            let is_secret = mention.is_secret();
            let port = mention.port.filter(|_| !is_secret).map(|port| format!(":{port}")).unwrap_or_default();
            match &mention.target {
                Target::Service(service) | Target::OtherNamespace { service, .. } => {
                    if let Some(to) = graph.number(graph.services[*service].object) {
                        put(&mut arrows, from, to, format!("calls {port}").trim_end().to_owned());
                    }
                }
                // What a secret names has a box of its own: one shared with a host that is shown would name it.
                Target::Missing { name, .. } if mention.sure && is_secret => {
                    let to = *hidden.entry(name).or_insert_with(|| {
                        picture.boxes.push(absent("Service", &mention.shown()));
                        picture.boxes.len() - 1
                    });
                    put(&mut arrows, from, to, "calls".to_owned());
                }
                Target::Missing { name, .. } if mention.sure => {
                    let to = match graph.objects.iter().position(|o| o.kind() == "Service" && o.name() == *name) {
                        Some(to) => to,
                        None => {
                            let known = picture.boxes.iter().position(|one| one.is_missing && one.name == *name);
                            known.unwrap_or_else(|| {
                                picture.boxes.push(absent("Service", name));
                                picture.boxes.len() - 1
                            })
                        }
                    };
                    put(&mut arrows, from, to, format!("calls {port}").trim_end().to_owned());
                }
                _ => {}
            }
        }
        arrows.retain(|(from, to), _| from != to);
        picture.arrows = arrows.into_iter().map(|((from, to), labels)| Arrow { from, to, labels }).collect();
        picture
    }
}

fn put(arrows: &mut BTreeMap<(usize, usize), Vec<String>>, from: usize, to: usize, label: String) {
    let labels = arrows.entry((from, to)).or_default();
    if !labels.contains(&label) {
        labels.push(label);
    }
}

fn boxed(object: &Object, findings: &[Finding]) -> Box {
    let mut own: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.severity > Severity::Note && finding.object.as_ref() == Some(&object.id))
        .collect();
    own.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), finding.rule.clone()));
    own.dedup_by_key(|finding| finding.rule.clone());
    Box {
        kind: object.kind().to_owned(),
        name: object.name().to_owned(),
        worst: own.first().map(|finding| finding.severity),
        problems: own.iter().map(|finding| (finding.severity, finding.rule.to_string())).collect(),
        is_missing: false,
    }
}

fn absent(kind: &str, name: &str) -> Box {
    Box { kind: kind.to_owned(), name: name.to_owned(), problems: Vec::new(), worst: None, is_missing: true }
}

fn component(object: &Object) -> String {
    let labels = &object.node["metadata"]["labels"];
    let named = COMPONENT_LABELS.iter().map(|label| labels[*label].text()).find(|text| !text.is_empty());
    named.unwrap_or(OTHERS).to_owned()
}

/// What a reference is for, in a word.
const fn word(relation: Relation) -> &'static str {
    match relation {
        Relation::Volume => "mounts",
        Relation::Env | Relation::EnvFrom => "env",
        Relation::ImagePull => "pulls with",
        Relation::Account => "runs as",
        Relation::Priority => "priority",
        Relation::Runtime => "runtime",
        Relation::Backend => "routes to",
        Relation::Tls => "TLS",
        Relation::Scale => "scales",
        Relation::Governing => "governed by",
        Relation::Role => "grants",
        Relation::Subject => "to",
    }
}
