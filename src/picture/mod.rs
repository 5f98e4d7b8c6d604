//! The reference graph as a picture: objects grouped by component, references labelled, problems marked.

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
    /// Whose it is.
    pub presence: Presence,
}

/// Where an object of a picture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// In the bundle.
    Own,
    /// In a bundle that this one needs.
    Needed,
    /// Declared to exist elsewhere.
    External,
    /// Named, and nowhere.
    Missing,
}

impl Presence {
    /// A word for the box of one that is not in the bundle.
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

/// Where objects of other bundles go.
const NEEDED: &str = "needed bundles";

/// How many boxes and labels of arrows a picture may have. Nobody looks at one of so many, Mermaid draws no more than
/// 500 arrows unless told, and each of ten thousand objects may lead to each other.
const MOST_PARTS: usize = 10_000;

/// There is too much to draw for a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge {
    /// How many objects and references may be drawn.
    most: usize,
}

impl From<TooLarge> for Failure {
    fn from(TooLarge { most }: TooLarge) -> Self {
        let message = format!("a picture of this would have more than {most} objects and references");
        Self::unable(
            Finding::error(RuleId::GraphTooLarge, Span::NONE, message)
                .with_help("draw less at a time: one file or one folder of the manifests"),
        )
    }
}

/// The arrows of a picture while it is drawn.
#[derive(Default)]
struct Arrows {
    labels: BTreeMap<(usize, usize), Vec<String>>,
    count: usize,
}

impl Arrows {
    fn put(&mut self, from: usize, to: usize, label: impl Into<String>) -> Result<(), TooLarge> {
        let (labels, label) = (self.labels.entry((from, to)).or_default(), label.into());
        if !labels.contains(&label) {
            labels.push(label);
            self.count += 1;
        }
        if self.count > MOST_PARTS { Err(TooLarge { most: MOST_PARTS }) } else { Ok(()) }
    }
}

impl Picture {
    /// Draws a graph. Its first `own` objects are the bundle's; of the others, which bundles that it needs hold, those
    /// are drawn that it refers to. `externals` are declared to exist elsewhere, as `Kind/name`.
    ///
    /// # Errors
    /// Where it would have more than ten thousand boxes, or labels of arrows.
    pub fn new(graph: &Graph<'_>, own: usize, externals: &[String]) -> Result<Self, TooLarge> {
        if graph.objects.len() > MOST_PARTS {
            return Err(TooLarge { most: MOST_PARTS });
        }
        let mut picture = Self::default();
        for (number, object) in graph.objects.iter().enumerate() {
            let presence = if number < own { Presence::Own } else { Presence::Needed };
            picture.boxes.push(boxed(object.kind(), object.name(), presence));
            if presence == Presence::Own {
                picture.groups.entry(component(object)).or_default().push(number);
            }
        }
        let mut arrows = Arrows::default();
        let mut missing: HashMap<(&str, &str), usize> = HashMap::new();
        // What is missing is drawn once for all hosts of its name, whatever it is.
        let mut hosts: HashMap<String, usize> = HashMap::new();
        let externals: HashSet<&str> = externals.iter().map(String::as_str).collect();
        for reference in &graph.references {
            let Some(from) = graph.index_of(reference.from) else { continue };
            let to = match reference.found.and_then(|found| graph.index_of(found)) {
                Some(to) => to,
                // What every namespace has, and what may be missing, is no box of its own.
                None if reference.optional || reference.kind == "ServiceAccount" && reference.name == "default" => {
                    continue;
                }
                None => *missing.entry((reference.kind, reference.name)).or_insert_with(|| {
                    let is_external = externals.contains(format!("{}/{}", reference.kind, reference.name).as_str());
                    let presence = if is_external { Presence::External } else { Presence::Missing };
                    picture.boxes.push(boxed(reference.kind, reference.name, presence));
                    hosts.entry(reference.name.to_owned()).or_insert(picture.boxes.len() - 1);
                    picture.boxes.len() - 1
                }),
            };
            arrows.put(from, to, word(reference.relation))?;
        }
        for service in &graph.services {
            let Some(from) = graph.index_of(service.object) else { continue };
            for pod in &service.pods {
                if let Some(to) = graph.index_of(graph.pods[*pod].object) {
                    arrows.put(from, to, "selects")?;
                }
            }
        }
        // A Service of the name that a host misses elsewhere stands for it.
        for (number, object) in graph.objects.iter().enumerate().rev().filter(|(_, object)| object.kind() == "Service")
        {
            hosts.insert(object.name().to_owned(), number);
        }
        let mut hidden: HashMap<&str, usize> = HashMap::new();
        for mention in &graph.mentions {
            let Some(from) = graph.index_of(mention.object) else { continue };
            let is_secret = mention.is_secret();
            let port = mention.port.filter(|_| !is_secret).map(|port| format!(":{port}")).unwrap_or_default();
            let calls = format!("calls {port}").trim_end().to_owned();
            match &mention.target {
                Target::Service(service) | Target::OtherNamespace { service, .. } => {
                    if let Some(to) = graph.index_of(graph.services[*service].object) {
                        arrows.put(from, to, calls)?;
                    }
                }
                // What a secret names has a box of its own: one shared with a host that is shown would name it.
                Target::Missing { name, .. } if mention.sure && is_secret => {
                    let to = *hidden.entry(name).or_insert_with(|| {
                        picture.boxes.push(boxed("Service", &mention.shown(), Presence::Missing));
                        picture.boxes.len() - 1
                    });
                    arrows.put(from, to, calls)?;
                }
                Target::Missing { name, .. } if mention.sure => {
                    let to = *hosts.entry(name.clone()).or_insert_with(|| {
                        picture.boxes.push(boxed("Service", name, Presence::Missing));
                        picture.boxes.len() - 1
                    });
                    arrows.put(from, to, calls)?;
                }
                _ => {}
            }
        }
        let is_own = |number: usize| picture.boxes[number].presence == Presence::Own;
        arrows.labels.retain(|(from, to), _| from != to && is_own(*from));
        let mut needed: Vec<usize> = arrows.labels.keys().map(|(_, to)| *to).collect();
        needed.retain(|number| picture.boxes[*number].presence == Presence::Needed);
        if !needed.is_empty() {
            needed.sort_unstable();
            needed.dedup();
            picture.groups.entry(NEEDED.to_owned()).or_default().extend(needed);
        }
        picture.arrows = arrows.labels.into_iter().map(|((from, to), labels)| Arrow { from, to, labels }).collect();
        Ok(picture)
    }

    /// Whether a box is drawn: of those of needed bundles only some are.
    fn is_drawn(&self, number: usize) -> bool {
        let is_needed = self.boxes[number].presence == Presence::Needed;
        !is_needed || self.groups.get(NEEDED).is_some_and(|numbers| numbers.contains(&number))
    }

    /// The boxes of what is in no bundle, with their numbers.
    fn outside(&self) -> impl Iterator<Item = (usize, &Box)> {
        let is_outside = |one: &Box| matches!(one.presence, Presence::External | Presence::Missing);
        self.boxes.iter().enumerate().filter(move |(_, one)| is_outside(one))
    }

    /// Marks the boxes of the objects that it was drawn from with what checks found.
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

fn boxed(kind: &str, name: &str, presence: Presence) -> Box {
    Box { kind: kind.to_owned(), name: name.to_owned(), problems: Vec::new(), worst: None, presence }
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
        Relation::Webhook => "calls",
        Relation::Tls => "TLS",
        Relation::Scale => "scales",
        Relation::Governing => "governed by",
        Relation::Role => "grants",
        Relation::Subject => "to",
        Relation::Uses | Relation::Platform => "uses",
    }
}
