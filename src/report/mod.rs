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
