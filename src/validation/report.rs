//! What rules write to: it adds the rule, the object, the field path and the place.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;

use foldhash::{HashSet, HashSetExt};

use crate::finding::{Finding, Remedy, RuleId, Severity};
use crate::kube::{self, Index, KubernetesVersion, Shape};
use crate::node::{Node, Origin, TextPart, Value};
use crate::object::Object;
use crate::path::{FieldPath, address};
use crate::source::{Sources, Span};
use crate::yaml::{Trail, locate};

/// The findings of one rule.
#[derive(Debug)]
pub struct Report<'a> {
    rule: RuleId,
    version: KubernetesVersion,
    sources: Option<&'a Sources>,
    trail: Cell<Trail>,
    findings: Vec<Finding>,
    searched: BTreeMap<usize, Searched>,
}

/// How often nodes were looked for in an object, and where they stand once that was often.
#[derive(Debug, Default)]
struct Searched {
    times: usize,
    index: Option<Index>,
}

/// So many searches of an object cost less than the index of its nodes.
const FEW_SEARCHES: usize = 16;

impl<'a> Report<'a> {
    /// An empty report.
    #[must_use]
    pub const fn new(rule: RuleId, version: KubernetesVersion) -> Self {
        Self {
            rule,
            version,
            sources: None,
            trail: Cell::new(Trail::NONE),
            findings: Vec::new(),
            searched: BTreeMap::new(),
        }
    }

    /// Gives it the texts the objects were read from, for places inside texts.
    #[must_use]
    pub const fn with_sources(mut self, sources: &'a Sources) -> Self {
        self.sources = Some(sources);
        self
    }

    /// The version of Kubernetes that the manifests are for.
    #[must_use]
    pub(super) const fn version(&self) -> KubernetesVersion {
        self.version
    }

    /// The rule.
    #[must_use]
    pub const fn rule(&self) -> RuleId {
        self.rule
    }

    /// Forgets where the nodes of an object stand that will not be looked at again.
    pub(crate) fn leave_object(&mut self) {
        // Most often there is nothing, and emptying even that is not free.
        if !self.searched.is_empty() {
            self.searched.clear();
        }
    }

    /// A finding at a part of a text: `range` of the bytes of the node's value.
    ///
    /// For a rendered text the place is where that part came from; for one that was read it is the part's own line
    /// and column in the file.
    pub fn text(&mut self, object: &Object, node: &Node, range: Range<usize>, message: impl Into<String>) -> Draft<'_> {
        let path = self.path(object, node).map(|(path, _)| path);
        let covers = |part: &&TextPart| part.start as usize <= range.start && range.start < part.end as usize;
        let derived = node.origin.derived.as_ref();
        let part = derived.and_then(|derived| derived.text_parts.iter().chain(&derived.pieces).rev().find(covers));
        let mut finding = match part {
            Some(part) => self.finding(object, &part.origin, &Value::Null, message.into()),
            None => self.finding(object, &node.origin, &node.value, message.into()),
        };
        if part.is_none() && node.origin.inputs().is_empty() {
            let file = self.sources.and_then(|sources| sources.get(node.origin.span.file));
            let place = file.and_then(|file| locate(&file.text, node.origin.span, node.text(), range, &self.trail));
            finding.span = place.unwrap_or(finding.span);
        }
        finding.field = path.unwrap_or_default().to_string();
        if finding.span.is_none() {
            finding.span = object.span();
        }
        self.push(finding)
    }

    /// The place of a part of a text, for [`Draft::related`].
    #[must_use]
    pub fn place(&self, node: &Node, range: Range<usize>) -> Span {
        let file = self.sources.and_then(|sources| sources.get(node.origin.span.file));
        file.and_then(|file| locate(&file.text, node.origin.span, node.text(), range, &self.trail))
            .unwrap_or(node.origin.span)
    }

    /// A finding at a node of an object. Chain `.severity()`, `.help()`, `.label()`, `.related()`, `.field()`.
    ///
    /// The node must be one of the object's own: its field path is found by its address.
    pub fn at(&mut self, object: &Object, node: &Node, message: impl Into<String>) -> Draft<'_> {
        let path = self.path(object, node).map(|(path, _)| path);
        let origin = if path.is_some() { &node.origin } else { &object.node.origin };
        let mut finding = self.finding(object, origin, &node.value, message.into());
        finding.field = path.unwrap_or_default().to_string();
        if finding.field.is_empty() || finding.span.is_none() {
            finding.span = object.span();
        }
        self.push(finding)
    }

    /// The same where the field path is known already, which spares the search for it.
    pub fn field(
        &mut self,
        object: &Object,
        node: &Node,
        field: impl Into<String>,
        message: impl Into<String>,
    ) -> Draft<'_> {
        let mut finding = self.finding(object, &node.origin, &node.value, message.into());
        finding.field = field.into();
        if finding.span.is_none() {
            finding.span = object.span();
        }
        self.push(finding)
    }

    /// A finding about a field that `parent` lacks; it points at the parent and names the field.
    pub fn missing(&mut self, object: &Object, parent: &Node, field: &str, message: impl Into<String>) -> Draft<'_> {
        let (mut path, shape) = self.path(object, parent).unwrap_or((FieldPath::default(), Shape::Unknown));
        let mut finding = self.finding(object, &parent.origin, &Value::Null, message.into());
        finding.span = first_key(parent).unwrap_or(finding.span);
        if path.0.is_empty() {
            finding.span = object.span();
        }
        path.0.push(shape.segment(field));
        finding.field = path.to_string();
        self.push(finding)
    }

    /// The path of a node of an object, and what it holds.
    fn path(&mut self, object: &Object, node: &Node) -> Option<(FieldPath, Shape<'static>)> {
        let root = &object.node;
        let shape = Shape::built_in(root, self.version);
        let searched = self.searched.entry(address(root)).or_default();
        searched.times += 1;
        if searched.times <= FEW_SEARCHES {
            return kube::find(root, shape, node);
        }
        let index = searched.index.get_or_insert_with(|| Index::of(root));
        // Another object may have come to stand at that address.
        index.find(root, shape, node).or_else(|| kube::find(root, shape, node))
    }

    /// Keeps the first of the findings that say one thing of one place: a value of a profile that many fields take. For
    /// rules over bundles: the report of one over objects holds the findings of other objects too.
    pub fn fold(&mut self) {
        let mut seen = HashSet::new();
        self.findings.retain(|finding| finding.span.is_none() || seen.insert((finding.span, finding.message.clone())));
    }

    /// A finding about an object as a whole.
    pub fn object(&mut self, object: &Object, message: impl Into<String>) -> Draft<'_> {
        let mut finding = self.finding(object, &object.node.origin, &Value::Null, message.into());
        finding.span = object.span();
        self.push(finding)
    }

    /// A finding at a place that is no node: a part of a text, a file.
    pub fn span(&mut self, object: Option<&Object>, span: Span, message: impl Into<String>) -> Draft<'_> {
        let mut finding = Finding::new(self.rule, self.rule.severity(), span, message);
        finding.object = object.map(|object| object.id.clone());
        self.push(finding)
    }

    /// A finding at a place and field that are known already: of a node of the object, or of the nearest one to what is
    /// absent.
    pub(crate) fn known(
        &mut self,
        object: &Object,
        node: &Node,
        span: Span,
        field: String,
        message: String,
    ) -> Draft<'_> {
        let mut finding = self.finding(object, &node.origin, &node.value, message);
        if finding.related.is_empty() {
            finding.span = span;
        }
        finding.field = field;
        self.push(finding)
    }

    /// How many findings there are so far.
    #[must_use]
    pub(crate) const fn count(&self) -> usize {
        self.findings.len()
    }

    /// The findings.
    #[must_use]
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    /// A finding that points where a person must change something: where a profile value went into the node, that is
    /// the place; the template's place then comes as a related one.
    fn finding(&self, object: &Object, origin: &Origin, value: &Value, message: String) -> Finding {
        let mut finding = Finding::new(self.rule, self.rule.severity(), origin.span, message);
        finding.object = Some(object.id.clone());
        // Of several pieces any may be wrong: `check::pieces` finds out, and until then the template is all that is certain.
        if let Some(input) = origin.blame(value).filter(|_| origin.pieces().is_empty()) {
            point_at(&mut finding, input.node.origin.span, origin.span);
        }
        finding
    }

    fn push(&mut self, finding: Finding) -> Draft<'_> {
        let at = self.findings.len();
        self.findings.push(finding);
        Draft(&mut self.findings[at])
    }
}

/// Lets a finding about a rendered value point at the profile's, and show the template beside it.
pub(crate) fn point_at(finding: &mut Finding, input: Span, template: Span) {
    finding.span = input;
    finding.related.push((template, "written by this template".to_owned()));
}

/// The place of a mapping's first key, which is a better thing to underline than all of it.
fn first_key(node: &Node) -> Option<Span> {
    node.entries().first().map(|entry| entry.key_span).filter(|span| !span.is_none())
}

/// A finding that was reported, to be completed.
#[derive(Debug)]
pub struct Draft<'a>(&'a mut Finding);

impl Draft<'_> {
    /// Sets another severity than the rule's.
    pub fn severity(self, severity: Severity) -> Self {
        self.0.severity = severity;
        self
    }

    /// Says what to do.
    pub fn help(self, help: impl Into<String>) -> Self {
        self.0.help = help.into();
        self
    }

    /// Says something beside the underlined place.
    pub fn label(self, label: impl Into<String>) -> Self {
        self.0.label = label.into();
        self
    }

    /// Adds the change that mends it.
    pub fn remedy(self, remedy: Option<Remedy>) -> Self {
        self.0.remedy = remedy;
        self
    }

    /// Adds another place.
    pub fn related(self, span: Span, words: impl Into<String>) -> Self {
        self.0.related.push((span, words.into()));
        self
    }

    /// Names another field than the node's own, where the API server does.
    pub fn field(self, field: impl Into<String>) -> Self {
        self.0.field = field.into();
        self
    }

    /// Underlines another place.
    pub fn place(self, span: Span) -> Self {
        self.0.span = span;
        self
    }

    /// Reports under another id.
    pub fn rule(self, rule: RuleId) -> Self {
        self.0.rule = rule;
        self
    }
}
