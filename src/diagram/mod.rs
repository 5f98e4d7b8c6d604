//! Diagrams of the reference graph: objects grouped by component, labelled references, marked findings.

mod dot;
mod layout;
mod mermaid;
mod role;
mod svg;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::finding::{Failure, Finding, ObjectRef, RuleId, Severity};
use crate::graph::{Graph, Target};
use crate::object::Object;
use crate::references::Relation;
use crate::source::Span;

pub use dot::dot;
pub use mermaid::mermaid;
pub use role::{Role, icon};
pub use svg::{STYLE, drawing, svg};

/// A diagram of a set of manifests.
#[derive(Debug, Default)]
pub struct Diagram {
    /// The components with the indices of their boxes, sorted by name.
    pub groups: BTreeMap<String, Vec<usize>>,
    /// The boxes, one for each object.
    pub boxes: Vec<DiagramBox>,
    /// The arrows between boxes.
    pub arrows: Vec<Arrow>,
}

/// A box for an object.
#[derive(Debug, PartialEq, Eq)]
pub struct DiagramBox {
    /// The kind of the object.
    pub kind: String,
    /// The name of the object.
    pub name: String,
    /// The rules with findings for the object, by descending severity.
    pub problems: Vec<(Severity, String)>,
    /// The highest severity.
    pub worst: Option<Severity>,
    /// Where the object is defined.
    pub presence: Presence,
}

/// Where an object of a diagram is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// In the bundle.
    Own,
    /// In a bundle that this one depends on.
    Needed,
    /// Declared to exist elsewhere.
    External,
    /// Referenced, but not defined.
    Missing,
}

impl Presence {
    /// A word for the box of an object that is not in the bundle.
    #[must_use]
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Own => None,
            Self::Needed => Some("needed"),
            Self::External => Some("external"),
            Self::Missing => Some("missing"),
        }
    }
}

/// An arrow from one box to another.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    /// The index of the box at its start.
    pub from: usize,
    /// The index of the box at its end.
    pub to: usize,
    /// The purposes of the references.
    pub labels: Vec<String>,
}

/// The labels with the component of an object, in order of precedence.
const COMPONENT_LABELS: &[&str] = &["app.kubernetes.io/name", "app", "k8s-app", "app.kubernetes.io/component"];

/// The group of objects without a component.
const OTHERS: &str = "shared";

/// The group of objects in other bundles.
const NEEDED: &str = "needed bundles";

/// The maximum number of boxes and of arrow labels in a diagram.
const MAX_ELEMENTS: usize = 10_000;

/// The diagram would be too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge {
    /// The maximum number of objects and references.
    max: usize,
}

impl From<TooLarge> for Failure {
    fn from(TooLarge { max }: TooLarge) -> Self {
        let message = format!("the diagram would have more than {max} objects and references");
        Self::unable(
            Finding::error(RuleId::GraphTooLarge, Span::NONE, message)
                .with_help("select a part of the manifests: one file or one directory"),
        )
    }
}

/// Collects the arrows of a diagram.
#[derive(Default)]
struct ArrowBuilder {
    labels: BTreeMap<(usize, usize), Vec<String>>,
    count: usize,
}

impl ArrowBuilder {
    fn add(&mut self, from: usize, to: usize, label: impl Into<String>) -> Result<(), TooLarge> {
        let (labels, label) = (self.labels.entry((from, to)).or_default(), label.into());
        if !labels.contains(&label) {
            labels.push(label);
            self.count += 1;
        }
        if self.count > MAX_ELEMENTS { Err(TooLarge { max: MAX_ELEMENTS }) } else { Ok(()) }
    }
}

impl Diagram {
    /// Creates the diagram of a graph. The first `own` objects are those of the bundle. The others belong to bundles it
    /// depends on, and only the referenced ones are shown. `externals` are objects declared as existing (`Kind/name`).
    ///
    /// # Errors
    /// If it would have more than ten thousand boxes or arrow labels.
    pub fn new(graph: &Graph<'_>, own: usize, externals: &[String]) -> Result<Self, TooLarge> {
        if graph.objects.len() > MAX_ELEMENTS {
            return Err(TooLarge { max: MAX_ELEMENTS });
        }
        let mut diagram = Self::default();
        for (number, object) in graph.objects.iter().enumerate() {
            let presence = if number < own { Presence::Own } else { Presence::Needed };
            diagram.boxes.push(new_box(object.kind(), object.name(), presence));
            if presence == Presence::Own {
                diagram.groups.entry(component(object)).or_default().push(number);
            }
        }
        let mut arrows = ArrowBuilder::default();
        let mut missing: HashMap<(&str, &str), usize> = HashMap::new();
        // A missing object is shown once for all hosts with its name.
        let mut hosts: HashMap<String, usize> = HashMap::new();
        let externals: HashSet<&str> = externals.iter().map(String::as_str).collect();
        for reference in &graph.references {
            let Some(from) = graph.index_of(reference.from) else { continue };
            let to = match reference.found.and_then(|found| graph.index_of(found)) {
                Some(to) => to,
                // The default ServiceAccount and optional references have no box.
                None if reference.optional || reference.kind == "ServiceAccount" && reference.name == "default" => {
                    continue;
                }
                None => *missing.entry((reference.kind, reference.name)).or_insert_with(|| {
                    let is_external = externals.contains(format!("{}/{}", reference.kind, reference.name).as_str());
                    let presence = if is_external { Presence::External } else { Presence::Missing };
                    diagram.boxes.push(new_box(reference.kind, reference.name, presence));
                    hosts.entry(reference.name.to_owned()).or_insert(diagram.boxes.len() - 1);
                    diagram.boxes.len() - 1
                }),
            };
            arrows.add(from, to, label(reference.relation))?;
        }
        for service in &graph.services {
            let Some(from) = graph.index_of(service.object) else { continue };
            for pod in &service.pods {
                if let Some(to) = graph.index_of(graph.pods[*pod].object) {
                    arrows.add(from, to, "selects")?;
                }
            }
        }
        // A Service with the name of a missing host in another namespace represents it.
        for (number, object) in graph.objects.iter().enumerate().rev().filter(|(_, object)| object.kind() == "Service")
        {
            hosts.insert(object.name().to_owned(), number);
        }
        let mut secret_hosts: HashMap<&str, usize> = HashMap::new();
        for mention in &graph.mentions {
            let Some(from) = graph.index_of(mention.object) else { continue };
            let is_secret = mention.is_secret();
            let port = mention.port.filter(|_| !is_secret).map(|port| format!(":{port}")).unwrap_or_default();
            let calls = format!("calls {port}").trim_end().to_owned();
            match &mention.target {
                Target::Service(service) | Target::OtherNamespace { service, .. } => {
                    if let Some(to) = graph.index_of(graph.services[*service].object) {
                        arrows.add(from, to, calls)?;
                    }
                }
                // A host in a secret has a separate box, since sharing one would reveal its name.
                Target::Missing { name, .. } if mention.sure && is_secret => {
                    let to = *secret_hosts.entry(name).or_insert_with(|| {
                        diagram.boxes.push(new_box("Service", &mention.shown(), Presence::Missing));
                        diagram.boxes.len() - 1
                    });
                    arrows.add(from, to, calls)?;
                }
                Target::Missing { name, .. } if mention.sure => {
                    let to = *hosts.entry(name.clone()).or_insert_with(|| {
                        diagram.boxes.push(new_box("Service", name, Presence::Missing));
                        diagram.boxes.len() - 1
                    });
                    arrows.add(from, to, calls)?;
                }
                _ => {}
            }
        }
        let is_own = |number: usize| diagram.boxes[number].presence == Presence::Own;
        arrows.labels.retain(|(from, to), _| from != to && is_own(*from));
        let mut needed: Vec<usize> = arrows.labels.keys().map(|(_, to)| *to).collect();
        needed.retain(|number| diagram.boxes[*number].presence == Presence::Needed);
        if !needed.is_empty() {
            needed.sort_unstable();
            needed.dedup();
            diagram.groups.entry(NEEDED.to_owned()).or_default().extend(needed);
        }
        diagram.arrows = arrows.labels.into_iter().map(|((from, to), labels)| Arrow { from, to, labels }).collect();
        Ok(diagram)
    }

    /// Whether a box is shown. Only some of those in other bundles are.
    fn is_drawn(&self, number: usize) -> bool {
        let is_needed = self.boxes[number].presence == Presence::Needed;
        !is_needed || self.groups.get(NEEDED).is_some_and(|numbers| numbers.contains(&number))
    }

    /// The boxes of objects that are in no bundle, with their indices.
    fn outside(&self) -> impl Iterator<Item = (usize, &DiagramBox)> {
        let is_outside = |one: &DiagramBox| matches!(one.presence, Presence::External | Presence::Missing);
        self.boxes.iter().enumerate().filter(move |(_, one)| is_outside(one))
    }

    /// Marks the boxes of objects with findings.
    pub fn mark(&mut self, objects: &[Object], findings: &[Finding]) {
        let mut problems: HashMap<&ObjectRef, BTreeSet<(Reverse<Severity>, &str)>> = HashMap::new();
        for finding in findings.iter().filter(|finding| finding.severity > Severity::Note) {
            if let Some(object) = &finding.object {
                problems.entry(object).or_default().insert((Reverse(finding.severity), finding.rule.name()));
            }
        }
        for (one, object) in self.boxes.iter_mut().zip(objects) {
            let mut seen = HashSet::new();
            let worst = problems.get(&object.id).into_iter().flatten().filter(|(_, rule)| seen.insert(*rule));
            one.problems = worst.map(|(severity, rule)| (severity.0, (*rule).to_owned())).collect();
            one.worst = one.problems.first().map(|(severity, _)| *severity);
        }
    }
}

fn new_box(kind: &str, name: &str, presence: Presence) -> DiagramBox {
    DiagramBox { kind: kind.to_owned(), name: name.to_owned(), problems: Vec::new(), worst: None, presence }
}

fn component(object: &Object) -> String {
    let labels = &object.node["metadata"]["labels"];
    let named = COMPONENT_LABELS.iter().map(|label| labels[*label].text()).find(|text| !text.is_empty());
    named.unwrap_or(OTHERS).to_owned()
}

/// The label of a reference.
const fn label(relation: Relation) -> &'static str {
    match relation {
        Relation::Volume => "mounts",
        Relation::Env | Relation::EnvFrom => "env",
        Relation::ImagePull => "pulls with",
        Relation::Account => "runs as",
        Relation::Priority => "priority",
        Relation::Runtime => "runtime",
        Relation::Backend => "routes to",
        Relation::Webhook => "calls",
        Relation::Tls => "TLS",
        Relation::Scale => "scales",
        Relation::Governing => "governed by",
        Relation::Role => "grants",
        Relation::Subject => "to",
        Relation::Uses | Relation::Platform => "uses",
    }
}
