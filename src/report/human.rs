//! Findings with source excerpts, for a terminal.

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use crate::finding::{Finding, Severity};
use crate::parallel::in_parallel;
use crate::report::plain::plain;
use crate::report::secrets::{Excerpt, Secrets};
use crate::source::{FileId, SourceFile, Sources, Span};

/// The length from which lines of a file are truncated.
const LONGEST_LINE: usize = 2000;

/// The number of findings from which several threads write them.
const MANY_FINDINGS: usize = 64;

/// Writes findings with their excerpts; `width` is the terminal's.
#[must_use]
pub fn human(sources: &Sources, findings: &[Finding], secrets: &Secrets, colour: bool, width: usize) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(width.clamp(40, 400));
    let threads = if findings.len() < MANY_FINDINGS { Some(1) } else { None };
    let texts = in_parallel(findings, threads, |finding| renderer.render(&[group(sources, finding, secrets)]) + "\n\n");
    texts.concat()
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    }
}

/// A part of a file to show, with the spans to underline in it.
struct Part {
    file: FileId,
    path: String,
    line: usize,
    excerpt: Excerpt,
    marks: Vec<(std::ops::Range<usize>, String, bool)>,
}

fn group<'a>(sources: &Sources, finding: &Finding, secrets: &Secrets) -> Group<'a> {
    let words = |text: &str| plain(&secrets.words(text));
    let title = level(finding.severity).primary_title(words(&finding.message)).id(finding.rule.to_string());
    let mut elements: Vec<Element<'a>> = Vec::new();
    let mut notes: Vec<String> = Vec::new();
    let mut parts: Vec<Part> = Vec::new();
    let places = std::iter::once((finding.span, finding.label.as_str(), true))
        .chain(finding.related.iter().map(|(span, label)| (*span, label.as_str(), false)));
    for (span, label, primary) in places {
        match sources.get(span.file) {
            Some(file) if primary || !is_near(&parts, span, &file) => {
                parts.push(part(&file, span, words(label), secrets, primary));
            }
            Some(file) => notes.push(format!("{}: {}", describe(&file, span), words(label))),
            None if !primary && !label.is_empty() => notes.push(words(label)),
            None => {}
        }
    }
    for part in parts {
        let marks = part.marks.into_iter().map(|(range, label, primary)| -> Annotation<'a> {
            let kind = if primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let mark = kind.span(range);
            if label.is_empty() { mark } else { mark.label(label) }
        });
        let snippet = Snippet::source(part.excerpt.text).path(part.path).line_start(part.line).fold(false);
        elements.push(snippet.annotations(marks).into());
    }
    if finding.span.is_none()
        && let Some(object) = &finding.object
    {
        elements.push(Origin::path(words(format!("{object} {}", finding.field).trim_end())).into());
    }
    if !finding.field.is_empty()
        && !finding.span.is_none()
        && let Some(object) = &finding.object
        && !finding.label.contains(&finding.field)
    {
        notes.insert(0, words(&format!("{object} {}", finding.field)));
    }
    elements.extend(notes.into_iter().map(|note| Level::NOTE.no_name().message(note).into()));
    if !finding.help.is_empty() {
        elements.push(Level::HELP.message(words(&finding.help)).into());
    }
    title.elements(elements)
}

fn describe(file: &SourceFile, span: Span) -> String {
    let at = file.position(span.start);
    format!("{}:{}:{}", plain(&file.name), at.line, at.column)
}

/// Whether a part that is already shown is on the same line.
fn is_near(parts: &[Part], span: Span, file: &SourceFile) -> bool {
    let line = file.position(span.start).line;
    parts.iter().any(|part| part.file == span.file && part.line == line)
}

/// The line of a span, which is underlined up to the end of the line.
fn part(file: &SourceFile, span: Span, label: String, secrets: &Secrets, primary: bool) -> Part {
    let line = file.position(span.start).line;
    let start = file.line_start(line);
    let text = file.line(line);
    let cut = (0..=text.len().min(LONGEST_LINE)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let from = ((span.start - start) as usize).min(text.len());
    let to = ((span.end.max(span.start) - start) as usize).min(text.trim_end().len()).max(from);
    // A span far along a long line moves the shown window.
    let window = if to <= cut { 0 } else { (0..=from).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0) };
    let excerpt =
        secrets.excerpt(span.file, start, text, window..text.floor_char_boundary(window + LONGEST_LINE), from..to);
    let (from, to) = (excerpt.offset(from - window), excerpt.offset(to.saturating_sub(window)));
    let to = to.max(from + usize::from(from < excerpt.text.len()));
    let to = (to..=excerpt.text.len()).find(|at| excerpt.text.is_char_boundary(*at)).unwrap_or(excerpt.text.len());
    Part { file: span.file, path: plain(&file.name), line, excerpt, marks: vec![(from..to, label, primary)] }
}
