//! Fixes for findings: determines the edit that fixes a finding, and applies edits to files.
//!
//! Comments and layout stay: an edit replaces a scalar or a key, or adds or removes the lines of one entry.

use crate::finding::{Finding, Remedy};
use crate::source::{FileId, Sources, Span};
use crate::suggest;

/// A replacement of some bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes to replace.
    pub span: Span,
    /// The replacement.
    pub text: String,
}

/// Whether a fix can be applied without review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Safety {
    /// It cannot change the meaning.
    Safe,
    /// It follows a suggestion, such as a similar name.
    Suggested,
}

impl Safety {
    /// The name in `--fix` and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Suggested => "suggested",
        }
    }
}

/// A fix for a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// A description in the imperative: "replace `targetport` with `targetPort`".
    pub title: String,
    /// Whether it can be applied without review.
    pub safety: Safety,
    /// Whether the replacement is confidential, so that it is never printed.
    pub is_secret: bool,
    /// The edit.
    pub edit: Edit,
}

/// The fix for a finding; `None` if the user must decide, or if the source text does not have the expected form, for example
/// because an expression computes the value.
#[must_use]
pub fn of(sources: &Sources, finding: &Finding) -> Option<Fix> {
    let file = sources.get(finding.span.file)?;
    let at = |span: Span| file.text.get(span.start as usize..span.end as usize);
    let fix = |title: &str, span: Span, text: String| {
        Some(Fix { title: title.to_owned(), safety: Safety::Safe, is_secret: false, edit: Edit { span, text } })
    };
    let written = at(finding.span)?;
    // An anchored value may be used elsewhere, and a tag sets the type of its value.
    let word = file.text[..finding.span.start as usize].trim_end().rsplit([' ', '\n', '\t']).next();
    if word.is_some_and(|word| word.starts_with(['&', '!'])) {
        return None;
    }
    match &finding.remedy {
        Some(Remedy::Quote) if is_plain(written) => fix("quote the value", finding.span, quoted(written)),
        Some(Remedy::Unquote) => fix("remove the quotes", finding.span, unquoted(written)?.to_owned()),
        Some(Remedy::Replace(new)) if is_plain(written) || unquoted(written).is_some() => {
            // Messages do not contain values of Secrets.
            let is_secret = finding.object.as_ref().is_some_and(|object| object.kind == "Secret");
            let title =
                if is_secret { "encode the value in base64".to_owned() } else { format!("replace it with `{new}`") };
            fix(&title, finding.span, requoted(written, new)).map(|fix| Fix { is_secret, ..fix })
        }
        Some(Remedy::RenameKey(span, new)) => {
            let old = at(*span).filter(|old| is_plain(old) || unquoted(old).is_some())?;
            fix(&format!("rename `{}` to `{new}`", bare(old)), *span, requoted(old, new))
        }
        Some(Remedy::RemoveEntry(span)) => fix("remove the duplicate key", entry(&file.text, *span)?, String::new()),
        Some(Remedy::AddEntry(after, text)) => added(sources, *after, text),
        Some(Remedy::OneOf(_)) | None => replace_name(finding, written),
        Some(_) => None,
    }
}

/// Adds an entry after one that starts on a line of its own.
fn added(sources: &Sources, after: Span, text: &str) -> Option<Fix> {
    let file = sources.get(after.file)?;
    let (start, end) = (after.start as usize, after.end as usize);
    let line = file.text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = file.text[end..].find('\n').map_or(file.text.len(), |at| end + at);
    let (before, rest) = (&file.text[line..start], file.text[end..line_end].trim());
    if !before.trim_start_matches([' ', '-']).is_empty() || !rest.is_empty() && !rest.starts_with('#') {
        return None;
    }
    let line_end = if file.text[..line_end].ends_with('\r') { line_end - 1 } else { line_end };
    let line_break = if file.text[line_end..].starts_with('\r') { "\r\n" } else { "\n" };
    let indent = " ".repeat(start - line);
    let lines = text.lines().map(|text| format!("{line_break}{indent}{text}"));
    let key = text.split(':').next().unwrap_or_default();
    Some(Fix {
        title: format!("add a {key}"),
        safety: Safety::Suggested,
        is_secret: false,
        edit: Edit { span: Span::new(after.file, line_end as u32, line_end as u32), text: lines.collect() },
    })
}

/// Replaces the name that a finding is about with the one that it suggests.
fn replace_name(finding: &Finding, written: &str) -> Option<Fix> {
    let new = [&finding.help, &finding.label].into_iter().find_map(|text| suggest::suggested(text))?;
    // The name is in backticks in the message and occurs exactly once at the location, or it is the end of a path there and
    // all that is at the location.
    let quoted = finding.message.split('`').skip(1).step_by(2);
    let all = written.trim_matches(['"', '\'']);
    let is_end = |path: &str| path.strip_suffix(all).is_some_and(|start| start.ends_with('.'));
    let mut names =
        quoted.map(|name| if is_end(name) { all } else { name }).filter(|name| *name != new && is_word(name));
    let old = names.find(|name| written.match_indices(*name).count() == 1)?;
    let start = written.find(old)?;
    let (before, after) = (&written[..start], &written[start + old.len()..]);
    let continues = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    if continues(before.chars().next_back()) || continues(after.chars().next()) || !is_word(new) {
        return None;
    }
    let span = Span::new(
        finding.span.file,
        finding.span.start + start as u32,
        finding.span.start + (start + old.len()) as u32,
    );
    Some(Fix {
        title: format!("replace `{old}` with `{new}`"),
        safety: Safety::Suggested,
        is_secret: false,
        edit: Edit { span, text: new.to_owned() },
    })
}

/// Whether a string is a name that never needs quotes in YAML.
fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/'))
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null"
        )
}

/// Whether a value is a plain scalar on one line, without tags, anchors and aliases.
fn is_plain(written: &str) -> bool {
    !written.is_empty()
        && !written.contains(['\n', '"', '\''])
        && !written.starts_with(['!', '&', '*', '|', '>', '{', '['])
}

/// The contents of a quoted scalar without escapes.
fn unquoted(written: &str) -> Option<&str> {
    let quote = written.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let inner = written.strip_prefix(quote)?.strip_suffix(quote)?;
    (!inner.contains(['"', '\'', '\\', '\n'])).then_some(inner)
}

fn bare(written: &str) -> &str {
    unquoted(written).unwrap_or(written)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\"))
}

/// A scalar with the quotes of the old one, or with quotes if it might not be a string otherwise.
fn requoted(old: &str, new: &str) -> String {
    match old.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        Some(quote) => format!("{quote}{new}{quote}"),
        None if is_word(new) => new.to_owned(),
        None => quoted(new),
    }
}

/// The bytes to remove with an entry of a mapping: its whole lines, or in a flow mapping also the preceding comma. `None` if
/// that would remove a comment.
fn entry(text: &str, span: Span) -> Option<Span> {
    let (start, end) = (span.start as usize, span.end as usize);
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let rest = &text[end..];
    let line_end = rest.find('\n').map_or(text.len(), |at| end + at + 1);
    let span_of = |start: usize, end: usize| Some(Span::new(span.file, start as u32, end as u32));
    if text[line..start].trim().is_empty() && text[end..line_end].trim().is_empty() {
        return if text[start..end].contains('#') { None } else { span_of(line, line_end) };
    }
    let before = text[..start].trim_end();
    before.ends_with(',').then(|| before.len() - 1).and_then(|comma| span_of(comma, end))
}

/// Applies the edits of a file to its text. Returns the new text and the number of edits applied: of overlapping edits, only the
/// first one is.
#[must_use]
pub fn apply(text: &str, file: FileId, edits: &[Edit]) -> (String, usize) {
    let mut own: Vec<&Edit> = edits.iter().filter(|edit| edit.span.file == file).collect();
    own.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let (mut out, mut at, mut count) = (String::with_capacity(text.len()), 0, 0);
    for edit in own {
        let (start, end) = (edit.span.start as usize, edit.span.end as usize);
        // Several insertions at the same offset overlap, and so do equal edits.
        if start < at || count > 0 && start == at && start == end {
            continue;
        }
        out.push_str(&text[at..start]);
        out.push_str(&edit.text);
        (at, count) = (end, count + 1);
    }
    out.push_str(&text[at..]);
    (out, count)
}
