//! The report that rules add findings to: it determines their rule, object, field path and location.

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
    searched: BTreeMap<usize, PathSearches>,
}

/// How often the path of a node in an object was searched for, and the index that is built once that was often.
#[derive(Debug, Default)]
struct PathSearches {
    times: usize,
    index: Option<Index>,
}

/// The number of searches in an object up to which building an index does not pay.
const INDEX_THRESHOLD: usize = 16;

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

    /// Sets the sources of the objects, for locations within strings.
    #[must_use]
    pub const fn with_sources(mut self, sources: &'a Sources) -> Self {
        self.sources = Some(sources);
        self
    }

    /// The version of Kubernetes to check against.
    #[must_use]
    pub(super) const fn version(&self) -> KubernetesVersion {
        self.version
    }

    /// The rule.
    #[must_use]
    pub const fn rule(&self) -> RuleId {
        self.rule
    }

    /// Drops the indexes of an object that is not checked any more.
    pub(crate) fn drop_indexes(&mut self) {
        // It is mostly empty, and clearing an empty map is not free.
        if !self.searched.is_empty() {
            self.searched.clear();
        }
    }

    /// Adds a finding at a range of bytes in a string.
    ///
    /// The location is that of the range in the file; for a rendered string, that of the value the range came from.
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

    /// The location of a range of bytes in a string, for [`Draft::related`].
    #[must_use]
    pub fn place(&self, node: &Node, range: Range<usize>) -> Span {
        let file = self.sources.and_then(|sources| sources.get(node.origin.span.file));
        file.and_then(|file| locate(&file.text, node.origin.span, node.text(), range, &self.trail))
            .unwrap_or(node.origin.span)
    }

    /// Adds a finding at a node of an object. Chain `.severity()`, `.help()`, `.label()`, `.related()`, `.field()`.
    ///
    /// The node must be part of the object, as its field path is looked up by its address.
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

    /// Adds a finding at a node whose field path is known.
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

    /// Adds a finding about a field that is not set, pointing at its parent.
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

    /// The path of a node of an object, and its shape.
    fn path(&mut self, object: &Object, node: &Node) -> Option<(FieldPath, Shape<'static>)> {
        let root = &object.node;
        let shape = Shape::built_in(root, self.version);
        let searched = self.searched.entry(address(root)).or_default();
        searched.times += 1;
        if searched.times <= INDEX_THRESHOLD {
            return kube::find(root, shape, node);
        }
        let index = searched.index.get_or_insert_with(|| Index::of(root));
        // The index may be that of another object that was at the same address.
        index.find(root, shape, node).or_else(|| kube::find(root, shape, node))
    }

    /// Removes findings with the same location and message: many fields may come from one profile value. Not for rules over
    /// single objects, whose report contains the findings of other objects as well.
    pub fn deduplicate(&mut self) {
        let mut seen = HashSet::new();
        self.findings.retain(|finding| finding.span.is_none() || seen.insert((finding.span, finding.message.clone())));
    }

    /// Adds a finding about a whole object.
    pub fn object(&mut self, object: &Object, message: impl Into<String>) -> Draft<'_> {
        let mut finding = self.finding(object, &object.node.origin, &Value::Null, message.into());
        finding.span = object.span();
        self.push(finding)
    }

    /// Adds a finding at a location that is not a node: part of a string, or a file.
    pub fn span(&mut self, object: Option<&Object>, span: Span, message: impl Into<String>) -> Draft<'_> {
        let mut finding = Finding::new(self.rule, self.rule.severity(), span, message);
        finding.object = object.map(|object| object.id.clone());
        self.push(finding)
    }

    /// Adds a finding whose location and field path are known: those of a node, or of the nearest one to a field that is not
    /// set.
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

    /// The number of findings so far.
    #[must_use]
    pub(crate) const fn count(&self) -> usize {
        self.findings.len()
    }

    /// The findings.
    #[must_use]
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    /// A finding that points at what the user must change: if the value comes from a profile, at the profile, with the template
    /// as a related location.
    fn finding(&self, object: &Object, origin: &Origin, value: &Value, message: String) -> Finding {
        let mut finding = Finding::new(self.rule, self.rule.severity(), origin.span, message);
        finding.object = Some(object.id.clone());
        // For an interpolated string, `check::pieces` determines later which value is invalid.
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

/// Makes a finding about a rendered value point at the profile, with the template as a related location.
pub(crate) fn point_at(finding: &mut Finding, input: Span, template: Span) {
    finding.span = input;
    finding.related.push((template, "rendered by this template".to_owned()));
}

/// The location of the first key of a mapping, to underline it instead of the whole mapping.
fn first_key(node: &Node) -> Option<Span> {
    node.entries().first().map(|entry| entry.key_span).filter(|span| !span.is_none())
}

/// A finding that was added, to complete with further details.
#[derive(Debug)]
pub struct Draft<'a>(&'a mut Finding);

impl Draft<'_> {
    /// Overrides the severity of the rule.
    pub fn severity(self, severity: Severity) -> Self {
        self.0.severity = severity;
        self
    }

    /// Sets the help: what to do.
    pub fn help(self, help: impl Into<String>) -> Self {
        self.0.help = help.into();
        self
    }

    /// Sets the label of the underlined location.
    pub fn label(self, label: impl Into<String>) -> Self {
        self.0.label = label.into();
        self
    }

    /// Sets the fix.
    pub fn remedy(self, remedy: Option<Remedy>) -> Self {
        self.0.remedy = remedy;
        self
    }

    /// Adds a related location with its label.
    pub fn related(self, span: Span, words: impl Into<String>) -> Self {
        self.0.related.push((span, words.into()));
        self
    }

    /// Overrides the field path, where the API server reports another one.
    pub fn field(self, field: impl Into<String>) -> Self {
        self.0.field = field.into();
        self
    }

    /// Overrides the location.
    pub fn place(self, span: Span) -> Self {
        self.0.span = span;
        self
    }

    /// Overrides the rule.
    pub fn rule(self, rule: RuleId) -> Self {
        self.0.rule = rule;
        self
    }
}
