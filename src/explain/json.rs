//! Answers as JSON.

use serde_json::{Map, Value as Json, json as value};

use crate::explain::unused::UnusedReason;
use crate::explain::{Answer, ProfileValue, RenderedField};
use crate::report::plain_json;
use crate::secret::typed;
use crate::source::{Sources, Span};

/// An answer as a JSON document.
#[must_use]
pub fn json(answer: &Answer, sources: &Sources) -> String {
    let document = match answer {
        Answer::Values(found) => {
            value!({ "values": found.iter().map(|value| of(value, sources)).collect::<Vec<_>>() })
        }
        Answer::Field(one) => field(one, sources),
        Answer::Fields(fields) => {
            value!({ "fields": fields.iter().map(|one| field(one, sources)).collect::<Vec<_>>() })
        }
        Answer::Unused(found) => {
            let unused = found.iter().map(|unused| {
                let why = match unused.reason {
                    UnusedReason::NotRead => "reaches no output",
                    UnusedReason::Redundant(_) => "redundant",
                    UnusedReason::DeletesNothing => "removes nothing",
                };
                let mut out = Map::new();
                out.insert("path".into(), value!(typed(&unused.path)));
                out.insert("source".into(), position(sources, unused.span));
                out.insert("why".into(), value!(why));
                if let UnusedReason::Redundant(span) = unused.reason {
                    out.insert("same".into(), position(sources, span));
                }
                Json::Object(out)
            });
            value!({ "unused": unused.collect::<Vec<_>>() })
        }
    };
    plain_json(&format!("{document:#}\n"))
}

fn field(field: &RenderedField, sources: &Sources) -> Json {
    let mut out = Map::new();
    out.insert("object".into(), value!(field.object));
    out.insert("field".into(), value!(field.field));
    out.insert("value".into(), value!(field.value));
    out.insert("template".into(), position(sources, field.span));
    if let Some(expression) = &field.expression {
        out.insert("expression".into(), value!(expression));
    }
    if field.content_name {
        out.insert("contentName".into(), value!(true));
    }
    out.insert("inputs".into(), field.inputs.iter().map(|input| of(input, sources)).collect());
    if !field.overridden.is_empty() {
        let overridden =
            field.overridden.iter().map(|(text, span)| value!({ "value": text, "source": position(sources, *span) }));
        out.insert("beat".into(), overridden.collect());
    }
    Json::Object(out)
}

fn of(found: &ProfileValue, sources: &Sources) -> Json {
    let overridden =
        found.overridden.iter().map(|(text, span)| value!({ "value": text, "source": position(sources, *span) }));
    value!({
        "path": found.path,
        "value": found.value,
        "source": position(sources, found.span),
        "beat": overridden.collect::<Vec<_>>(),
    })
}

/// A position in the format of findings; null for a value that is not from a file.
fn position(sources: &Sources, span: Span) -> Json {
    let Some(file) = sources.get(span.file) else { return Json::Null };
    let (start, end) = (file.position(span.start), file.position(span.end));
    value!({
        "file": file.name,
        "line": start.line,
        "column": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    })
}
