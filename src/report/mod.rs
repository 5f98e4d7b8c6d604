//! Findings for people and for machines: one file an output format.

mod github;
mod human;
mod json;
mod mask;
mod sarif;

use crate::finding::{Finding, Severity};
use crate::source::Sources;

pub use human::human;
pub use json::{findings_json, json};
pub use mask::Mask;
pub(crate) use mask::{is_obeyed, plain, plain_json};
pub use sarif::sarif;

pub use github::github;

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
}

impl Format {
    /// All formats, with what they are for.
    pub const ALL: &[(&'static str, Self, &'static str)] = &[
        ("human", Self::Human, "Excerpts for people"),
        ("json", Self::Json, "One JSON document"),
        ("sarif", Self::Sarif, "SARIF 2.1.0 for code scanning"),
        ("github", Self::Github, "GitHub workflow commands"),
    ];

    /// The format of a name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, ..)| *known == name).map(|(_, format, _)| *format)
    }

    /// Findings in this format. `colour` and `width` are for people.
    #[must_use]
    pub fn write(self, sources: &Sources, findings: &[Finding], mask: &Mask, colour: bool, width: usize) -> String {
        match self {
            Self::Human => human(sources, findings, mask, colour, width),
            Self::Json => json(sources, findings, mask),
            Self::Sarif => sarif(sources, findings, mask),
            Self::Github => github(sources, findings, mask),
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
