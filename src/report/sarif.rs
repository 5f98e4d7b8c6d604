//! Findings as SARIF 2.1.0, for code scanning services.

use serde_json::{Value, json};

use crate::finding::{Finding, RuleId, Severity};
use crate::report::fingerprint::Fingerprints;
use crate::report::fixes::shown;
use crate::report::plain::plain_json;
use crate::report::root::Place;
use crate::report::{ReportOptions, Secrets};
use crate::source::{Sources, Span};

/// The URL of the rules' pages.
const HOME: &str = env!("CARGO_PKG_HOMEPAGE");

/// The findings as a SARIF log with one run.
#[must_use]
pub fn sarif(sources: &Sources, findings: &[Finding], secrets: &Secrets, options: &ReportOptions) -> String {
    let mut rules: Vec<RuleId> = findings.iter().map(|finding| finding.rule).collect();
    rules.sort_unstable_by_key(|rule| rule.name());
    rules.dedup();
    let mut fingerprints = Fingerprints::new();
    let results: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let mut result = result(sources, finding, secrets, options, &rules);
            let fingerprint = fingerprints.next(sources, finding, secrets, &options.root);
            result["partialFingerprints"] = json!({ "finding/v1": fingerprint });
            result
        })
        .collect();
    let descriptors: Vec<Value> = rules.iter().map(|rule| descriptor(*rule, options)).collect();
    let driver = json!({
        "name": "plimsoll",
        "version": env!("CARGO_PKG_VERSION"),
        "informationUri": HOME,
        "rules": descriptors,
    });
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver },
            // Columns count code points.
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    plain_json(&format!("{log:#}\n"))
}

/// The metadata of a rule; GitHub shows its documentation next to an alert.
fn descriptor(rule: RuleId, options: &ReportOptions) -> Value {
    let level = level(rule.severity());
    let documentation = (options.documentation)(rule);
    let help = if documentation.is_empty() { rule.summary() } else { documentation.trim() };
    json!({
        "id": rule.name(),
        "shortDescription": { "text": rule.summary() },
        "helpUri": format!("{HOME}/rules/{rule}.html"),
        "help": { "text": help, "markdown": help },
        "defaultConfiguration": { "level": level },
        "properties": {
            "tags": [rule.family().name()],
            "problem.severity": if level == "note" { "recommendation" } else { level },
        },
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn result(sources: &Sources, finding: &Finding, secrets: &Secrets, options: &ReportOptions, rules: &[RuleId]) -> Value {
    let mut text = secrets.words(&finding.message);
    if !finding.help.is_empty() {
        text = format!("{text}. Help: {}", secrets.words(&finding.help));
    }
    let mut result = json!({
        "ruleId": finding.rule.name(),
        "ruleIndex": rules.binary_search_by_key(&finding.rule.name(), |rule| rule.name()).unwrap_or_default(),
        "level": level(finding.severity),
        "message": { "text": text },
    });
    // GitHub rejects a log that has a result without a file, so such a finding is at the top of the repository.
    let mut location = location(sources, finding.span, options)
        .unwrap_or_else(|| json!({ "physicalLocation": { "artifactLocation": { "uri": "." } } }));
    if let Some(object) = &finding.object {
        let name = format!("{} {}", object, secrets.words(&finding.field));
        location["logicalLocations"] = json!([{ "fullyQualifiedName": name.trim_end() }]);
    }
    result["locations"] = json!([location]);
    let related: Vec<Value> = finding
        .related
        .iter()
        .filter_map(|(span, words)| {
            let mut location = self::location(sources, *span, options)?;
            location["message"] = json!({ "text": secrets.words(words) });
            Some(location)
        })
        .collect();
    if !related.is_empty() {
        result["relatedLocations"] = related.into();
    }
    if let Some(fix) = fix(sources, finding, secrets, options) {
        result["fixes"] = json!([fix]);
    }
    result
}

/// The edit that fixes a finding.
fn fix(sources: &Sources, finding: &Finding, secrets: &Secrets, options: &ReportOptions) -> Option<Value> {
    let fix = shown(sources, finding, secrets)?;
    let place = physical(sources, fix.edit.span, options)?;
    Some(json!({
        "description": { "text": fix.title },
        "artifactChanges": [{
            "artifactLocation": place["artifactLocation"],
            "replacements": [{
                "deletedRegion": place["region"],
                "insertedContent": { "text": fix.edit.text },
            }],
        }],
        "properties": { "safety": fix.safety.name() },
    }))
}

fn location(sources: &Sources, span: Span, options: &ReportOptions) -> Option<Value> {
    Some(json!({ "physicalLocation": physical(sources, span, options)? }))
}

fn physical(sources: &Sources, span: Span, options: &ReportOptions) -> Option<Value> {
    let file = sources.get(span.file)?;
    let (start, end) = (file.position(span.start), file.position(span.end.max(span.start)));
    Some(json!({
        "artifactLocation": { "uri": uri(&options.root.place(&file.name)) },
        "region": {
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column,
        },
    }))
}

/// A URI reference relative to the top of the repository, or the absolute URI of a file elsewhere.
fn uri(place: &Place) -> String {
    use std::fmt::Write as _;
    let start = match place {
        Place::Inside(_) => String::new(),
        // A Windows path starts with the letter of its drive.
        Place::Outside(path) if path.starts_with('/') => "file://".to_owned(),
        Place::Outside(_) => "file:///".to_owned(),
    };
    place.path().bytes().fold(start, |mut uri, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            byte => _ = write!(uri, "%{byte:02X}"),
        }
        uri
    })
}
