//! Findings: what is wrong, where, and what to do about it. Plain data; `report` prints it.

use ecow::EcoString;

use crate::source::Span;

mod catalogue;

pub use catalogue::{Family, RuleId};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing to do.
    Note,
    /// It can hurt later, or something needed is not among the files given.
    Warning,
    /// It will be refused, or it will not come up, or it will lose data.
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
    /// Empty where none is given.
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

/// One thing a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Finding {
    /// What it is about.
    pub rule: RuleId,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: a lower-case phrase without a full stop.
    pub message: String,
    /// The object it is about.
    pub object: Option<ObjectRef>,
    /// The field, as the API server writes it; empty where it is about the object as a whole.
    pub field: String,
    /// The place a person must change; [`Span::NONE`] where there is none.
    pub span: Span,
    /// Words beside the underlined place; may be empty.
    pub label: String,
    /// What to do; may be empty.
    pub help: String,
    /// Other places that belong to it, each with its words.
    pub related: Vec<(Span, String)>,
    /// The change of the text that mends it, where there is one.
    pub remedy: Option<Remedy>,
}

/// A change of the text that mends a finding. The first of them need no person's judgement: what they come to is the same, or is
/// the one thing that can have been meant. `fix` makes edits of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// The scalar at the finding's place is put in quotes.
    Quote,
    /// The quotes of the scalar at the finding's place are removed.
    Unquote,
    /// The scalar at the finding's place becomes another.
    Replace(EcoString),
    /// This entry of a mapping, from its key to the end of its value, is removed.
    RemoveEntry(Span),
    /// The key at this place becomes another.
    RenameKey(Span, &'static str),
    /// An entry of a mapping in these words, to be completed by a person, is added after this one, from its key to the end of
    /// its value.
    AddEntry(Span, EcoString),
    /// The scalar at the finding's place becomes one of these.
    OneOf(Vec<EcoString>),
}

impl Remedy {
    /// One of these words.
    #[must_use]
    pub fn one_of(words: &[&str]) -> Self {
        Self::OneOf(words.iter().map(|word| EcoString::from(*word)).collect())
    }
}

impl Finding {
    /// A finding about a place, of no object.
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

    /// An error about a place.
    #[must_use]
    pub fn error(rule: RuleId, span: Span, message: impl Into<String>) -> Self {
        Self::new(rule, Severity::Error, span, message)
    }

    /// Adds what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Adds words beside the underlined place.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn with_related(mut self, span: Span, words: impl Into<String>) -> Self {
        self.related.push((span, words.into()));
        self
    }
}

/// Why a command could not give its result.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The texts it was given are wrong: exit code 1.
    Findings(Vec<Finding>),
    /// It could not run at all (no such profile or file, I/O, a wrong argument): exit code 2.
    Unable(Box<Finding>),
}

impl Failure {
    /// What to tell.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Findings(findings) => findings,
            Self::Unable(finding) => std::slice::from_ref(finding),
        }
    }

    /// A failure to run at all.
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
