//! Reports findings to people and machines: one file for each output format.

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

/// The output formats.
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

/// What a report depends on besides its findings.
#[derive(Debug, Clone)]
pub struct ReportOptions {
    /// Whether the output is coloured.
    pub colour: bool,
    /// The width of the terminal in columns.
    pub width: usize,
    /// The directory to which CI services resolve paths.
    pub root: Root,
    /// The lowest severity that fails the command.
    pub fail_on: Severity,
    /// The documentation of a rule as Markdown; may be empty.
    pub documentation: fn(RuleId) -> String,
}

impl Format {
    /// All formats, with their descriptions.
    pub const ALL: &[(&'static str, Self, &'static str)] = &[
        ("human", Self::Human, "Excerpts for people"),
        ("json", Self::Json, "One JSON document"),
        ("sarif", Self::Sarif, "SARIF 2.1.0 for code scanning"),
        ("github", Self::Github, "GitHub workflow commands"),
        ("gitlab", Self::Gitlab, "GitLab's code quality report"),
        ("junit", Self::Junit, "JUnit XML for test results"),
    ];

    /// The format with a name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, ..)| *known == name).map(|(_, format, _)| *format)
    }

    /// Whether a report consists of lines that can be mixed with others.
    #[must_use]
    pub const fn is_lines(self) -> bool {
        matches!(self, Self::Human | Self::Github)
    }

    /// Writes findings in this format.
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

/// Sorts findings by file, line, column and rule, and removes exact duplicates.
pub fn sort(sources: &Sources, findings: &mut Vec<Finding>) {
    findings.sort_by_cached_key(|finding| {
        let file = sources.get(finding.span.file);
        let (name, at) =
            file.map_or((String::new(), None), |file| (file.name.clone(), Some(file.position(finding.span.start))));
        (name, at, finding.rule.name(), finding.field.clone(), finding.message.clone())
    });
    findings.dedup();
}

/// The numbers of errors, warnings and notes.
#[must_use]
pub fn counts(findings: &[Finding]) -> [usize; 3] {
    [Severity::Error, Severity::Warning, Severity::Note]
        .map(|severity| findings.iter().filter(|finding| finding.severity == severity).count())
}
