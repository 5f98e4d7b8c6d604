//! Findings as JSON: `{"findings": [...]}`, with documented names.

use serde_json::{Map, Value, json as value};

use crate::finding::Finding;
use crate::report::Secrets;
use crate::report::fixes::shown;
use crate::report::plain::plain_json;
use crate::source::{Sources, Span};

/// The findings as a JSON document.
#[must_use]
pub fn json(sources: &Sources, findings: &[Finding], secrets: &Secrets) -> String {
    let document = value!({ "findings": findings_json(sources, findings, secrets) });
    plain_json(&format!("{document:#}\n"))
}

/// The findings as a JSON array.
#[must_use]
pub fn findings_json(sources: &Sources, findings: &[Finding], secrets: &Secrets) -> Value {
    findings.iter().map(|finding| finding_json(sources, finding, secrets)).collect()
}

fn finding_json(sources: &Sources, finding: &Finding, secrets: &Secrets) -> Value {
    let mut out = Map::new();
    out.insert("rule".into(), value!(finding.rule.name()));
    out.insert("severity".into(), value!(finding.severity.name()));
    out.insert("message".into(), value!(secrets.words(&finding.message)));
    if let Some(object) = &finding.object {
        out.insert(
            "object".into(),
            value!({
                "apiVersion": object.api_version,
                "kind": object.kind,
                "namespace": object.namespace.as_str(),
                "name": object.name.as_str(),
            }),
        );
    }
    if !finding.field.is_empty() {
        out.insert("field".into(), value!(secrets.words(&finding.field)));
    }
    if let Some(source) = source(sources, finding.span) {
        out.insert("source".into(), source);
    }
    let mut help = secrets.words(&finding.help);
    if !finding.label.is_empty() {
        let label = secrets.words(&finding.label);
        help = if help.is_empty() { label } else { format!("{label}; {help}") };
    }
    if !help.is_empty() {
        out.insert("help".into(), value!(help));
    }
    if let Some(fix) = shown(sources, finding, secrets)
        && let Some(mut edit) = source(sources, fix.edit.span)
    {
        edit["text"] = value!(fix.edit.text);
        out.insert("fix".into(), value!({ "title": fix.title, "safety": fix.safety.name(), "edits": [edit] }));
    }
    let related: Vec<Value> = finding
        .related
        .iter()
        .filter_map(|(span, words)| {
            let mut related = source(sources, *span).unwrap_or_else(|| value!({}));
            related["message"] = value!(secrets.words(words));
            (!words.is_empty() || !span.is_none()).then_some(related)
        })
        .collect();
    if !related.is_empty() {
        out.insert("related".into(), related.into());
    }
    Value::Object(out)
}

/// A position: file, line, column, endLine, endColumn; columns count code points from 1.
fn source(sources: &Sources, span: Span) -> Option<Value> {
    let file = sources.get(span.file)?;
    let (start, end) = (file.position(span.start), file.position(span.end.max(span.start)));
    Some(value!({
        "file": file.name,
        "line": start.line,
        "column": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    }))
}
