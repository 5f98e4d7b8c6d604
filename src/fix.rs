//! Edits of texts that mend findings: from what a finding says to the bytes to write, and from edits to a new text.
//!
//! Comments and layout stay: an edit replaces a scalar or a key, or removes the lines of one entry.

use crate::finding::{Finding, Remedy};
use crate::source::{FileId, Sources, Span};
use crate::suggest;

/// A replacement of some bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that go.
    pub span: Span,
    /// What comes in their place.
    pub text: String,
}

/// How much an edit relies on a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Safety {
    /// It cannot change what was meant.
    Safe,
    /// It follows a suggestion, such as a near name.
    Suggested,
}

impl Safety {
    /// Its name in `--fix` and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Suggested => "suggested",
        }
    }
}

/// The edit that mends a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as an instruction: "replace `targetport` with `targetPort`".
    pub title: String,
    /// How much it relies on a guess.
    pub safety: Safety,
    /// Whether what comes holds a secret, so that it is written and never shown.
    pub is_secret: bool,
    /// The edit.
    pub edit: Edit,
}

/// The edit that mends a finding; none where a person must decide, or where the text is not written in the form that the edit
/// is for, such as a value that an expression makes.
#[must_use]
pub fn of(sources: &Sources, finding: &Finding) -> Option<Fix> {
    let file = sources.get(finding.span.file)?;
    let at = |span: Span| file.text.get(span.start as usize..span.end as usize);
    let fix = |title: &str, span: Span, text: String| {
        Some(Fix { title: title.to_owned(), safety: Safety::Safe, is_secret: false, edit: Edit { span, text } })
    };
    let written = at(finding.span)?;
    // Other places may share an anchored value; a tag says its type.
    let word = file.text[..finding.span.start as usize].trim_end().rsplit([' ', '\n', '\t']).next();
    if word.is_some_and(|word| word.starts_with(['&', '!'])) {
        return None;
    }
    match &finding.remedy {
        Some(Remedy::Quote) if is_plain(written) => fix("put the value in quotes", finding.span, quoted(written)),
        Some(Remedy::Unquote) => fix("remove the quotes", finding.span, unquoted(written)?.to_owned()),
        Some(Remedy::Replace(new)) if is_plain(written) || unquoted(written).is_some() => {
            // What a Secret holds is in no message.
            let is_secret = finding.object.as_ref().is_some_and(|object| object.kind == "Secret");
            let title =
                if is_secret { "encode the value in base64".to_owned() } else { format!("replace it with `{new}`") };
            fix(&title, finding.span, rewritten(written, new)).map(|fix| Fix { is_secret, ..fix })
        }
        Some(Remedy::RenameKey(span, new)) => {
            let old = at(*span).filter(|old| is_plain(old) || unquoted(old).is_some())?;
            fix(&format!("rename `{}` to `{new}`", bare(old)), *span, rewritten(old, new))
        }
        Some(Remedy::RemoveEntry(span)) => fix("remove the duplicate key", entry(&file.text, *span)?, String::new()),
        Some(Remedy::AddEntry(after, text)) => added(sources, *after, text),
        Some(Remedy::OneOf(_)) | None => near_name(finding, written),
        Some(_) => None,
    }
}

/// Adds an entry on lines of its own after one that begins on its own line.
fn added(sources: &Sources, after: Span, text: &str) -> Option<Fix> {
    let file = sources.get(after.file)?;
    let (start, end) = (after.start as usize, after.end as usize);
    let line = file.text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = file.text[end..].find('\n').map_or(file.text.len(), |at| end + at);
    let (before, behind) = (&file.text[line..start], file.text[end..line_end].trim());
    if !before.trim_start_matches([' ', '-']).is_empty() || !behind.is_empty() && !behind.starts_with('#') {
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

/// Writes the near name that a finding suggests in the place of the one that it complains of.
fn near_name(finding: &Finding, written: &str) -> Option<Fix> {
    let new = [&finding.help, &finding.label].into_iter().find_map(|text| suggest::suggested(text))?;
    // The name is the one word of the message that stands at the place, once.
    let mut names = finding.message.split('`').skip(1).step_by(2).filter(|name| *name != new && is_word(name));
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

/// Whether a text is a name that needs no quotes anywhere.
fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/'))
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null"
        )
}

/// Whether a scalar is written plain on one line, without tags, anchors and aliases.
fn is_plain(written: &str) -> bool {
    !written.is_empty()
        && !written.contains(['\n', '"', '\''])
        && !written.starts_with(['!', '&', '*', '|', '>', '{', '['])
}

/// What stands between quotes where nothing in it is escaped.
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

/// Another scalar with the quotes of the old one; in quotes where a plain one could be read as something else.
fn rewritten(old: &str, new: &str) -> String {
    match old.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        Some(quote) => format!("{quote}{new}{quote}"),
        None if is_word(new) => new.to_owned(),
        None => quoted(new),
    }
}

/// The bytes of an entry of a mapping that can be removed without leaving anything behind: its lines, or in a flow mapping
/// the comma before it, too. None where a comment would go with it.
fn entry(text: &str, span: Span) -> Option<Span> {
    let (start, end) = (span.start as usize, span.end as usize);
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let rest = &text[end..];
    let line_end = rest.find('\n').map_or(text.len(), |at| end + at + 1);
    let made = |start: usize, end: usize| Some(Span::new(span.file, start as u32, end as u32));
    if text[line..start].trim().is_empty() && text[end..line_end].trim().is_empty() {
        return if text[start..end].contains('#') { None } else { made(line, line_end) };
    }
    let before = text[..start].trim_end();
    before.ends_with(',').then(|| before.len() - 1).and_then(|comma| made(comma, end))
}

/// A text of a file with edits of it applied, and how many that were: of edits that overlap the first counts. Equal edits are
/// one.
#[must_use]
pub fn apply(text: &str, file: FileId, edits: &[Edit]) -> (String, usize) {
    let mut own: Vec<&Edit> = edits.iter().filter(|edit| edit.span.file == file).collect();
    own.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let (mut out, mut at, mut count) = (String::with_capacity(text.len()), 0, 0);
    for edit in own {
        let (start, end) = (edit.span.start as usize, edit.span.end as usize);
        // An insertion at the end of another edit is no overlap.
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
