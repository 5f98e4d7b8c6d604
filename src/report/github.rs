//! Findings as GitHub workflow commands, which become annotations of a pull request.

use crate::finding::{Finding, Severity};
use crate::report::plain::plain;
use crate::report::{Root, Secrets};
use crate::source::Sources;

/// One workflow command for each finding.
#[must_use]
pub fn github(sources: &Sources, findings: &[Finding], secrets: &Secrets, root: &Root) -> String {
    let mut out = String::new();
    for finding in findings {
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let mut message = secrets.words(&finding.message);
        if !finding.help.is_empty() {
            message = format!("{message}\nhelp: {}", secrets.words(&finding.help));
        }
        let mut properties = vec![format!("title={}", property(finding.rule.name()))];
        if let Some(file) = sources.get(finding.span.file) {
            let (start, end) = (file.position(finding.span.start), file.position(finding.span.end));
            properties.push(format!("file={}", property(root.place(&file.name).path())));
            properties.push(format!("line={},endLine={}", start.line, end.line));
            // GitHub accepts columns only within one line.
            if start.line == end.line {
                properties.push(format!("col={},endColumn={}", start.column, end.column));
            }
        }
        out.push_str(&format!("::{command} {}::{}\n", properties.join(","), data(&message)));
    }
    out
}

fn data(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(plain).collect();
    lines.join("\n").replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
