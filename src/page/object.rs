//! The YAML of an object on a page, with the origins of its values.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use foldhash::HashMap;
use serde_json::{Map, Value as Json, json as value};

use crate::diff::Redactor;
use crate::explain::{self, AnnotatedLine, ProfileValue, RenderedField};
use crate::finding::{Finding, Severity};
use crate::object::Object;
use crate::report::{markup, plain};
use crate::source::{Sources, Span};

/// The maximum length of a value in an origin.
const MAX_VALUE_LENGTH: usize = 200;

/// The origins of all values of a page, without duplicates.
#[derive(Debug, Default)]
pub(super) struct Origins {
    values: InternedStrings,
    origins: InternedStrings,
}

/// Strings with indices, without duplicates.
#[derive(Debug, Default)]
struct InternedStrings {
    texts: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl InternedStrings {
    fn index_of(&mut self, text: String) -> usize {
        *self.numbers.entry(text).or_insert_with_key(|text| {
            self.texts.push(text.clone());
            self.texts.len() - 1
        })
    }
}

impl Origins {
    /// The origins as JSON for the script of the page.
    pub(super) fn json(&self, start: &str) -> String {
        format!(
            "{{\"start\":{},\"values\":[{}],\"origins\":[{}]}}",
            value!(start),
            self.values.texts.join(","),
            self.origins.texts.join(",")
        )
    }

    fn add(&mut self, field: &RenderedField, sources: &Sources) -> usize {
        let mut out = Map::new();
        out.insert("at".into(), value!(location(sources, field.span)));
        if let Some(expression) = &field.expression {
            let words: Vec<&str> = expression.split_whitespace().collect();
            out.insert("expression".into(), value!(plain(&words.join(" "))));
        }
        if field.content_name {
            out.insert("hash".into(), value!(true));
        }
        let from: Vec<usize> = field.inputs.iter().map(|input| self.value(input, sources)).collect();
        if !from.is_empty() {
            out.insert("from".into(), value!(from));
        }
        overridden(&field.overridden, sources, &mut out);
        self.origins.index_of(Json::Object(out).to_string())
    }

    fn value(&mut self, input: &ProfileValue, sources: &Sources) -> usize {
        let mut out = Map::new();
        out.insert("path".into(), value!(input.path));
        out.insert("value".into(), value!(truncate(&input.value)));
        out.insert("at".into(), value!(location(sources, input.span)));
        overridden(&input.overridden, sources, &mut out);
        self.values.index_of(Json::Object(out).to_string())
    }
}

fn overridden(overridden: &[(String, Span)], sources: &Sources, out: &mut Map<String, Json>) {
    if !overridden.is_empty() {
        let was = overridden.iter().map(|(text, span)| value!([truncate(text), location(sources, *span)]));
        out.insert("was".into(), was.collect());
    }
}

fn location(sources: &Sources, span: Span) -> String {
    if span.is_none() { String::new() } else { plain(&sources.describe(span)) }
}

fn truncate(text: &str) -> String {
    match text.char_indices().nth(MAX_VALUE_LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The YAML of an object with secrets redacted, as one element for each line. Values refer to their origins, and lines
/// with findings are marked.
pub(super) fn yaml(
    object: &Object,
    findings: &[&Finding],
    (sources, redactor): (&Sources, &Redactor<'_>),
    origins: &mut Origins,
) -> String {
    let title = object.id.to_string();
    let lines = explain::lines(&redactor.tree(&object.node));
    let mut marks: BTreeMap<usize, Severity> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| !finding.field.is_empty()) {
        let is_in = |line: &AnnotatedLine| {
            let rest = line.field.strip_prefix(finding.field.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        if let Some(at) = lines.iter().position(is_in) {
            let worst = marks.entry(at).or_insert(finding.severity);
            *worst = finding.severity.max(*worst);
        }
    }
    let mut out = String::from("<div class=\"yaml\">");
    for (at, line) in lines.iter().enumerate() {
        let class = marks.get(&at).map(|severity| format!(" class=\"{}\"", severity.name())).unwrap_or_default();
        let _ = write!(out, "<div{class}>");
        let text = &line.text;
        match &line.origin {
            Some(origin) => {
                let number = origins.add(&explain::origin(&title, line, origin, sources, redactor), sources);
                key(&text[..line.value.start], &mut out);
                let _ = write!(
                    out,
                    "<span data-origin=\"{number}\" data-field=\"{}\">{}</span>{}",
                    markup(&line.field),
                    markup(&text[line.value.clone()]),
                    markup(&text[line.value.end..])
                );
            }
            None if line.is_content => out.push_str(&markup(text)),
            None => key(text, &mut out),
        }
        out.push_str("</div>\n");
    }
    out.push_str("</div>\n");
    out
}

/// The indentation, dashes and key before a value.
fn key(text: &str, out: &mut String) {
    let name = text.trim_start_matches([' ', '-']);
    let end = name.trim_end();
    let _ = write!(out, "{}", &text[..text.len() - name.len()]);
    if !end.is_empty() {
        let _ = write!(out, "<b>{}</b>", markup(end));
    }
    out.push_str(&name[end.len()..]);
}
