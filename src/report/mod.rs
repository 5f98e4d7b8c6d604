//! Findings for people and for machines: one file an output format.

mod collect;
mod fingerprint;
mod fixes;
mod github;
mod gitlab;
mod human;
mod json;
mod junit;
mod krm;
mod markup;
mod plain;
mod root;
mod sarif;
mod secrets;
mod words;

use crate::finding::{Finding, RuleId, Severity};
use crate::source::Sources;

pub use fixes::fixes;
pub use github::github;
pub use gitlab::gitlab;
pub use human::human;
pub use json::{findings_json, json};
pub use junit::junit;
pub use krm::results;
pub(crate) use markup::markup;
pub(crate) use plain::{is_control_character, plain, plain_json};
pub use root::Root;
pub use sarif::sarif;
pub use secrets::Secrets;

/// The formats there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Excerpts for people.
    Human,
    /// One JSON document.
    Json,
    /// SARIF 2.1.0 for code scanning.
    Sarif,
    /// GitHub workflow commands.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// JUnit XML.
    Junit,
}

/// What a report depends on beside its findings.
#[derive(Debug, Clone)]
pub struct ReportOptions {
    /// Whether a terminal shows it in colour.
    pub colour: bool,
    /// How many columns the terminal has.
    pub width: usize,
    /// Where paths begin for CI services.
    pub root: Root,
    /// The severity from which on a finding fails the command.
    pub fail_on: Severity,
    /// The documentation of a rule, as Markdown; may be empty.
    pub documentation: fn(RuleId) -> String,
}

impl Format {
    /// All formats, with what they are for.
    pub const ALL: &[(&'static str, Self, &'static str)] = &[
        ("human", Self::Human, "Excerpts for people"),
        ("json", Self::Json, "One JSON document"),
        ("sarif", Self::Sarif, "SARIF 2.1.0 for code scanning"),
        ("github", Self::Github, "GitHub workflow commands"),
        ("gitlab", Self::Gitlab, "GitLab's code quality report"),
        ("junit", Self::Junit, "JUnit XML for test results"),
    ];

    /// The format of a name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, ..)| *known == name).map(|(_, format, _)| *format)
    }

    /// Whether a report is lines that may stand among others.
    #[must_use]
    pub const fn is_lines(self) -> bool {
        matches!(self, Self::Human | Self::Github)
    }

    /// Findings in this format.
    #[must_use]
    pub fn write(self, sources: &Sources, findings: &[Finding], secrets: &Secrets, options: &ReportOptions) -> String {
        match self {
            Self::Human => human(sources, findings, secrets, options.colour, options.width),
            Self::Json => json(sources, findings, secrets),
            Self::Sarif => sarif(sources, findings, secrets, options),
            Self::Github => github(sources, findings, secrets, &options.root),
            Self::Gitlab => gitlab(sources, findings, secrets, options),
            Self::Junit => junit(sources, findings, secrets, options),
        }
    }
}

/// Brings findings into the order everybody sees: file, line, column, rule; and drops exact repetitions.
pub fn sort(sources: &Sources, findings: &mut Vec<Finding>) {
    findings.sort_by_cached_key(|finding| {
        let file = sources.get(finding.span.file);
        let (name, at) =
            file.map_or((String::new(), None), |file| (file.name.clone(), Some(file.position(finding.span.start))));
        (name, at, finding.rule.name(), finding.field.clone(), finding.message.clone())
    });
    findings.dedup();
}

/// How many findings of each severity there are: errors, warnings, notes.
#[must_use]
pub fn counts(findings: &[Finding]) -> [usize; 3] {
    [Severity::Error, Severity::Warning, Severity::Note]
        .map(|severity| findings.iter().filter(|finding| finding.severity == severity).count())
}
