//! Files in goose's form: `-- +goose Up`, `Down`, `StatementBegin`, `StatementEnd`, `NO TRANSACTION`.
//!
//! goose reads line by line, not by SQL: a line whose last word ends in a semicolon ends a statement unless markers
//! say otherwise. What it would cut in two, or refuse, is refused here with the place.

use crate::finding::RuleId;
use std::ops::Range;

use super::{Problem, sql};

/// The parts of a file that goose would run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    /// The byte where `-- +goose Down` stands, or the end of the text.
    pub end: usize,
    /// Whether the file asks for no transaction.
    pub no_transaction: bool,
    /// The parts of the Up section, in order.
    pub parts: Vec<Part>,
}

/// A part of the Up section.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub range: Range<usize>,
    /// Whether it stands between `StatementBegin` and `StatementEnd`.
    pub marked: bool,
    /// Bytes after a line at which goose would end a statement. Empty for a marked part.
    pub cuts: Vec<usize>,
}

/// Whether a text holds the annotation that makes it a goose file.
pub(super) fn is_goose(text: &str) -> bool {
    // Most texts hold the word nowhere, which is told faster than line by line.
    text.contains("+goose") && lines(text).any(|(_, line)| matches!(annotation(line), Some((Ok("up"), _))))
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        at += line.len();
        (at - line.len(), line)
    })
}

/// The annotation of a line in lower case, or what stands there instead; with its bytes within the line.
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

/// Whether goose takes a line for the end of a statement: its last word before a comment ends in a semicolon.
fn ends_statement(line: &str) -> bool {
    line.split_whitespace().take_while(|word| !word.starts_with("--")).last().is_some_and(|word| word.ends_with(';'))
}

/// Reads the annotations of a file.
pub(super) fn read(text: &str, problems: &mut Vec<Problem>) -> Form {
    let mut form = Form { end: text.len(), ..Form::default() };
    let mut up = false;
    let mut down = false;
    let mut marked: Option<Range<usize>> = None;
    let mut part = 0..0;
    let mut cuts = Vec::new();
    let mut unfinished: Option<Range<usize>> = None;
    let mut refuse =
        |range: Range<usize>, message: String| problems.push(Problem::error(RuleId::MigrationForm, range, message));
    // Markers without their partner; kept apart, since they are a fault of their own.
    let mut unpaired: Vec<(Range<usize>, &str)> = Vec::new();
    const NO_END: &str = "`-- +goose StatementBegin` without `-- +goose StatementEnd`";
    const NO_BEGIN: &str = "`-- +goose StatementEnd` without `-- +goose StatementBegin`";
    for (start, line) in lines(text) {
        let after = start + line.len();
        let Some((found, place)) = annotation(line) else {
            let content = line.trim();
            let comment = content.is_empty() || content.starts_with("--");
            if !up && !comment {
                refuse(start..after, "SQL before `-- +goose Up`".to_owned());
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
            refuse(place, "a goose annotation must start its line".to_owned());
            continue;
        }
        match found {
            Ok("up") if up => refuse(place, "a second `-- +goose Up`".to_owned()),
            Ok("up") => {
                up = true;
                part = after..after;
            }
            Ok("down") if !up || down => refuse(place, "`-- +goose Down` must follow `-- +goose Up`, once".to_owned()),
            Ok("down") => {
                if let Some(begin) = marked.take() {
                    unpaired.push((begin, NO_END));
                }
                down = true;
                form.end = start;
                form.parts.push(Part { range: part.start..start, marked: false, cuts: std::mem::take(&mut cuts) });
            }
            Ok("statementbegin") if down => {}
            Ok("statementbegin") if !up || marked.is_some() => {
                refuse(place, "`-- +goose StatementBegin` must follow `-- +goose Up` and cannot be nested".to_owned());
            }
            Ok("statementbegin") => {
                if let Some(range) = unfinished.take() {
                    problems_unfinished(&mut refuse, range);
                }
                form.parts.push(Part { range: part.start..start, marked: false, cuts: std::mem::take(&mut cuts) });
                marked = Some(place);
                part = after..after;
            }
            Ok("statementend") if down => {}
            Ok("statementend") if marked.is_none() => {
                unpaired.push((place, NO_BEGIN));
            }
            Ok("statementend") => {
                marked = None;
                form.parts.push(Part { range: part.start..start, marked: true, cuts: Vec::new() });
                part = after..after;
            }
            Ok("no transaction") => form.no_transaction = true,
            Ok("envsub on") => {
                refuse(place, "`-- +goose ENVSUB ON` would put environment variables into the SQL".to_owned());
            }
            Ok(_) => {}
            Err(other) => refuse(place, format!("unknown goose annotation `{other}`")),
        }
    }
    if let Some(range) = unfinished {
        problems_unfinished(&mut refuse, range);
    }
    if let Some(begin) = marked {
        unpaired.push((begin, NO_END));
    } else if !up {
        refuse(
            0..text.lines().next().unwrap_or_default().len(),
            "no `-- +goose Up` in a folder of goose files".to_owned(),
        );
    } else if !down {
        form.parts.push(Part { range: part.start..text.len(), marked: false, cuts });
    }
    problems.extend(
        unpaired.into_iter().map(|(range, message)| Problem::error(RuleId::MigrationStatementMarkers, range, message)),
    );
    form
}

fn problems_unfinished(refuse: &mut impl FnMut(Range<usize>, String), range: Range<usize>) {
    refuse(range, "the statement that starts here has no semicolon at the end of a line".to_owned());
}

/// The statements of a part that goose would cut in two.
pub(super) fn torn<'a>(part: &'a Part, statements: &'a [sql::Statement]) -> impl Iterator<Item = &'a sql::Statement> {
    statements.iter().filter(|statement| {
        let range = statement.range();
        // They are in order: the first behind the start tells.
        let next = part.cuts.partition_point(|cut| *cut <= range.start);
        part.cuts.get(next).is_some_and(|cut| *cut < range.end)
    })
}
