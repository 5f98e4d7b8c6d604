//! Findings: what is wrong, where it is, and how to fix it. Plain data; `report` prints it.

use ecow::EcoString;

use crate::source::Span;

mod catalogue;

pub use catalogue::{Family, RuleId};

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Information; no action is needed.
    Note,
    /// It can cause problems later, or something it needs is not in the given files.
    Warning,
    /// The API server rejects it, the workload does not start, or data is lost.
    Error,
}

impl Severity {
    /// `error`, `warning` or `note`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The identity of a Kubernetes object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ObjectRef {
    /// `apps/v1`.
    pub api_version: EcoString,
    /// `Deployment`.
    pub kind: EcoString,
    /// Empty if it has none.
    pub namespace: EcoString,
    /// The name.
    pub name: EcoString,
}

impl std::fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name.as_str() {
            "" => f.write_str(&self.kind),
            name => write!(f, "{}/{name}", self.kind),
        }
    }
}

/// A problem in the input.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Finding {
    /// The rule that reports it.
    pub rule: RuleId,
    /// Its severity.
    pub severity: Severity,
    /// What is wrong: a phrase in lower case, without a full stop.
    pub message: String,
    /// The object it is about.
    pub object: Option<ObjectRef>,
    /// The path of the field, as the API server writes it; empty if the finding is about the object as a whole.
    pub field: String,
    /// The text to change; [`Span::NONE`] if there is none.
    pub span: Span,
    /// The note next to the underlined text; may be empty.
    pub label: String,
    /// How to fix it; may be empty.
    pub help: String,
    /// Related locations, each with a note.
    pub related: Vec<(Span, String)>,
    /// The edit that fixes it, if there is one.
    pub remedy: Option<Remedy>,
}

/// An edit that fixes a finding. All but `AddEntry` and `OneOf` need no decision: they keep the meaning, or write the only
/// value that can have been intended. `fix` makes text edits of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// Quotes the scalar at the finding's span.
    Quote,
    /// Removes the quotes of the scalar at the finding's span.
    Unquote,
    /// Replaces the scalar at the finding's span.
    Replace(EcoString),
    /// Removes this mapping entry; the span runs from its key to the end of its value.
    RemoveEntry(Span),
    /// Renames the key at this span.
    RenameKey(Span, &'static str),
    /// Adds this text as a mapping entry, which the user has to complete, after the entry at this span, which runs from its
    /// key to the end of its value.
    AddEntry(Span, EcoString),
    /// Replaces the scalar at the finding's span with one of these values.
    OneOf(Vec<EcoString>),
}

impl Remedy {
    /// Replaces the scalar with one of these values.
    #[must_use]
    pub fn one_of(values: &[&str]) -> Self {
        Self::OneOf(values.iter().map(|value| EcoString::from(*value)).collect())
    }
}

impl Finding {
    /// A finding at a span that belongs to no object.
    #[must_use]
    pub fn new(rule: RuleId, severity: Severity, span: Span, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity,
            message: message.into(),
            object: None,
            field: String::new(),
            span,
            label: String::new(),
            help: String::new(),
            related: Vec::new(),
            remedy: None,
        }
    }

    /// An error at a span.
    #[must_use]
    pub fn error(rule: RuleId, span: Span, message: impl Into<String>) -> Self {
        Self::new(rule, Severity::Error, span, message)
    }

    /// Sets how to fix it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Sets the note next to the underlined text.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds a related location with a note.
    #[must_use]
    pub fn with_related(mut self, span: Span, note: impl Into<String>) -> Self {
        self.related.push((span, note.into()));
        self
    }
}

/// Why a command produced no result.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// There are errors in the input: exit code 1.
    Findings(Vec<Finding>),
    /// It could not run (no such profile or file, an I/O error, an invalid argument): exit code 2.
    Unable(Box<Finding>),
}

impl Failure {
    /// The findings to report.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Findings(findings) => findings,
            Self::Unable(finding) => std::slice::from_ref(finding),
        }
    }

    /// A failure to run, with its reason.
    #[must_use]
    pub fn unable(finding: Finding) -> Self {
        Self::Unable(Box::new(finding))
    }
}

impl From<Vec<Finding>> for Failure {
    fn from(findings: Vec<Finding>) -> Self {
        Self::Findings(findings)
    }
}

impl From<Finding> for Failure {
    fn from(finding: Finding) -> Self {
        Self::Findings(vec![finding])
    }
}
