//! Files in goose's format: `-- +goose Up`, `Down`, `StatementBegin`, `StatementEnd`, `NO TRANSACTION`.
//!
//! goose works line by line and does not parse SQL: a line whose last word ends with a semicolon ends a statement
//! unless markers enclose it. What it would split or reject is reported at its position.

use crate::finding::RuleId;
use std::ops::Range;

use super::{MigrationProblem, sql};

/// The sections of a file that goose would run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct GooseFile {
    /// The offset of `-- +goose Down`, or the end of the text.
    pub end: usize,
    /// Whether the file disables the transaction.
    pub no_transaction: bool,
    /// The sections between annotations, in order.
    pub parts: Vec<Section>,
}

/// A section between annotations.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub range: Range<usize>,
    /// Whether it is between `StatementBegin` and `StatementEnd`.
    pub marked: bool,
    /// The offsets, after a line, at which goose would end a statement. Empty for a marked section.
    pub cuts: Vec<usize>,
}

/// Whether a text contains the annotation of a goose file.
pub(super) fn is_goose(text: &str) -> bool {
    // Most texts do not contain the word at all, which is faster to check.
    text.contains("+goose") && lines(text).any(|(_, line)| matches!(annotation(line), Some((Ok("up"), _))))
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        at += line.len();
        (at - line.len(), line)
    })
}

/// The annotation of a line in lower case, or an unknown one as the error; with its range within the line.
fn annotation(line: &str) -> Option<(Result<&'static str, String>, Range<usize>)> {
    const KNOWN: [&str; 7] =
        ["up", "down", "statementbegin", "statementend", "no transaction", "envsub on", "envsub off"];
    let shown = line.trim();
    if !shown.starts_with("--") || !shown.contains("+goose") {
        return None;
    }
    let start = line.len() - line.trim_start().len();
    let name = shown.replace("--", "").replacen("+goose", "", 1).trim().to_ascii_lowercase();
    let known = KNOWN.into_iter().find(|known| *known == name).ok_or(name);
    Some((known, start..start + shown.len()))
}

/// Whether goose treats a line as the end of a statement: its last word before a comment ends with a semicolon.
fn ends_statement(line: &str) -> bool {
    line.split_whitespace().take_while(|word| !word.starts_with("--")).last().is_some_and(|word| word.ends_with(';'))
}

/// Reads the annotations of a file.
pub(super) fn read(text: &str, problems: &mut Vec<MigrationProblem>) -> GooseFile {
    let mut form = GooseFile { end: text.len(), ..GooseFile::default() };
    let mut up = false;
    let mut down = false;
    let mut marked: Option<Range<usize>> = None;
    let mut part = 0..0;
    let mut cuts = Vec::new();
    let mut unfinished: Option<Range<usize>> = None;
    let mut reject = |range: Range<usize>, message: String| {
        problems.push(MigrationProblem::error(RuleId::MigrationForm, range, message))
    };
    // Markers without a counterpart, which have a rule of their own.
    let mut unpaired: Vec<(Range<usize>, &str)> = Vec::new();
    const NO_END: &str = "`-- +goose StatementBegin` without `-- +goose StatementEnd`";
    const NO_BEGIN: &str = "`-- +goose StatementEnd` without `-- +goose StatementBegin`";
    for (start, line) in lines(text) {
        let after = start + line.len();
        let Some((found, place)) = annotation(line) else {
            let content = line.trim();
            let comment = content.is_empty() || content.starts_with("--");
            if !up && !comment {
                reject(start..after, "SQL before `-- +goose Up`".to_owned());
                return form;
            }
            if up && !down && marked.is_none() {
                if unfinished.is_none() && !comment {
                    let indent = line.len() - line.trim_start().len();
                    unfinished = Some(start + indent..start + indent + content.len());
                }
                if ends_statement(line) {
                    cuts.push(after);
                    unfinished = None;
                }
            }
            continue;
        };
        let place = start + place.start..start + place.end;
        if place.start > start {
            reject(place, "a goose annotation must start its line".to_owned());
            continue;
        }
        match found {
            Ok("up") if up => reject(place, "duplicate `-- +goose Up`".to_owned()),
            Ok("up") => {
                up = true;
                part = after..after;
            }
            Ok("down") if !up || down => reject(place, "`-- +goose Down` must follow `-- +goose Up`, once".to_owned()),
            Ok("down") => {
                if let Some(begin) = marked.take() {
                    unpaired.push((begin, NO_END));
                }
                down = true;
                form.end = start;
                form.parts.push(Section { range: part.start..start, marked: false, cuts: std::mem::take(&mut cuts) });
            }
            Ok("statementbegin") if down => {}
            Ok("statementbegin") if !up || marked.is_some() => {
                reject(place, "`-- +goose StatementBegin` must follow `-- +goose Up` and cannot be nested".to_owned());
            }
            Ok("statementbegin") => {
                if let Some(range) = unfinished.take() {
                    reject_unfinished(&mut reject, range);
                }
                form.parts.push(Section { range: part.start..start, marked: false, cuts: std::mem::take(&mut cuts) });
                marked = Some(place);
                part = after..after;
            }
            Ok("statementend") if down => {}
            Ok("statementend") if marked.is_none() => {
                unpaired.push((place, NO_BEGIN));
            }
            Ok("statementend") => {
                marked = None;
                form.parts.push(Section { range: part.start..start, marked: true, cuts: Vec::new() });
                part = after..after;
            }
            Ok("no transaction") => form.no_transaction = true,
            Ok("envsub on") => {
                reject(
                    place,
                    "`-- +goose ENVSUB ON` is not supported, since it inserts environment variables into the SQL"
                        .to_owned(),
                );
            }
            Ok(_) => {}
            Err(other) => reject(place, format!("unknown goose annotation `{other}`")),
        }
    }
    if let Some(range) = unfinished {
        reject_unfinished(&mut reject, range);
    }
    if let Some(begin) = marked {
        unpaired.push((begin, NO_END));
    } else if !up {
        reject(
            0..text.lines().next().unwrap_or_default().len(),
            "missing `-- +goose Up` in a folder of goose files".to_owned(),
        );
    } else if !down {
        form.parts.push(Section { range: part.start..text.len(), marked: false, cuts });
    }
    problems.extend(
        unpaired
            .into_iter()
            .map(|(range, message)| MigrationProblem::error(RuleId::MigrationStatementMarkers, range, message)),
    );
    form
}

fn reject_unfinished(reject: &mut impl FnMut(Range<usize>, String), range: Range<usize>) {
    reject(range, "the statement that starts here has no semicolon at the end of a line".to_owned());
}

/// The statements of a section that goose would split.
pub(super) fn split_statements<'a>(
    part: &'a Section,
    statements: &'a [sql::Statement],
) -> impl Iterator<Item = &'a sql::Statement> {
    statements.iter().filter(|statement| {
        let range = statement.range();
        // The offsets are sorted: only the first one after the start matters.
        let next = part.cuts.partition_point(|cut| *cut <= range.start);
        part.cuts.get(next).is_some_and(|cut| *cut < range.end)
    })
}
