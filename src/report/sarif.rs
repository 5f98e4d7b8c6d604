//! Findings as SARIF 2.1.0, for code scanning services.

use serde_json::{Value, json};

use crate::finding::{Finding, RuleId, Severity};
use crate::report::Mask;
use crate::report::mask::plain_json;
use crate::source::{Sources, Span};

/// The findings as a SARIF log with one run.
#[must_use]
pub fn sarif(sources: &Sources, findings: &[Finding], mask: &Mask) -> String {
    let mut rules: Vec<RuleId> = findings.iter().map(|finding| finding.rule).collect();
    rules.sort_unstable_by_key(|rule| rule.name());
    rules.dedup();
    let results: Vec<Value> = findings.iter().map(|finding| result(sources, finding, mask, &rules)).collect();
    let descriptors: Vec<Value> =
        rules.iter().map(|rule| json!({ "id": rule.name(), "shortDescription": { "text": rule.summary() } })).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "plimsoll", "version": env!("CARGO_PKG_VERSION"), "rules": descriptors } },
            // Columns count code points.
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    plain_json(&format!("{log:#}\n"))
}

fn result(sources: &Sources, finding: &Finding, mask: &Mask, rules: &[RuleId]) -> Value {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let mut text = mask.words(&finding.message);
    if !finding.help.is_empty() {
        text = format!("{text}. Help: {}", mask.words(&finding.help));
    }
    let mut result = json!({
        "ruleId": finding.rule.name(),
        "ruleIndex": rules.binary_search_by_key(&finding.rule.name(), |rule| rule.name()).unwrap_or_default(),
        "level": level,
        "message": { "text": text },
    });
    let mut location = location(sources, finding.span).unwrap_or_else(|| json!({}));
    if let Some(object) = &finding.object {
        let name = format!("{} {}", object, mask.words(&finding.field));
        location["logicalLocations"] = json!([{ "fullyQualifiedName": name.trim_end() }]);
    }
    if location.as_object().is_some_and(|location| !location.is_empty()) {
        result["locations"] = json!([location]);
    }
    let related: Vec<Value> = finding
        .related
        .iter()
        .filter_map(|(span, words)| {
            let mut location = self::location(sources, *span)?;
            location["message"] = json!({ "text": mask.words(words) });
            Some(location)
        })
        .collect();
    if !related.is_empty() {
        result["relatedLocations"] = related.into();
    }
    result
}

fn location(sources: &Sources, span: Span) -> Option<Value> {
    let file = sources.get(span.file)?;
    let (start, end) = (file.position(span.start), file.position(span.end.max(span.start)));
    Some(json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&file.name) },
            "region": {
                "startLine": start.line,
                "startColumn": start.column,
                "endLine": end.line,
                "endColumn": end.column,
            },
        },
    }))
}

/// A relative URI reference of a path.
fn uri(path: &str) -> String {
    use std::fmt::Write as _;
    path.bytes().fold(String::new(), |mut uri, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            b'\\' => uri.push('/'),
            byte => _ = write!(uri, "%{byte:02X}"),
        }
        uri
    })
}
