//! Findings as a GitLab code quality report.
//!
//! The format: <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>.

use serde_json::{Value, json};

use crate::finding::{Finding, Severity};
use crate::report::fingerprint::Fingerprints;
use crate::report::plain::plain_json;
use crate::report::{ReportOptions, Secrets};
use crate::source::Sources;

/// A JSON list with one entry for each finding.
#[must_use]
pub fn gitlab(sources: &Sources, findings: &[Finding], secrets: &Secrets, options: &ReportOptions) -> String {
    let mut fingerprints = Fingerprints::new();
    let issues: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let fingerprint = fingerprints.next(sources, finding, secrets, &options.root);
            issue(sources, finding, secrets, options, &fingerprint)
        })
        .collect();
    plain_json(&format!("{:#}\n", Value::from(issues)))
}

fn issue(sources: &Sources, finding: &Finding, secrets: &Secrets, options: &ReportOptions, fingerprint: &str) -> Value {
    let severity = match finding.severity {
        Severity::Error => "critical",
        Severity::Warning => "minor",
        Severity::Note => "info",
    };
    let mut description = secrets.words(&finding.message);
    if let Some(object) = &finding.object {
        description = format!("{object}: {description}");
    }
    if !finding.help.is_empty() {
        description = format!("{description} (help: {})", secrets.words(&finding.help));
    }
    let file = sources.get(finding.span.file);
    // GitLab rejects entries without a path.
    let path = file.as_ref().map_or_else(|| ".".to_owned(), |file| options.root.place(&file.name).path().to_owned());
    let line = file.map_or(1, |file| file.position(finding.span.start).line);
    json!({
        "description": description,
        "check_name": finding.rule.name(),
        "fingerprint": fingerprint,
        "severity": severity,
        "location": { "path": path, "lines": { "begin": line } },
    })
}
