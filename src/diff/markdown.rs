//! Changes as Markdown for a comment on a pull request: a table of the changes and their consequences, and collapsed
//! details.

use std::fmt::Write as _;

use foldhash::{HashSet, HashSetExt};

use crate::diff::bundle::{BundleDiff, ChangeGroup, group_identical, groups};
use crate::diff::terminal::secret;
use crate::diff::view::{ChangeKind, ChangeView, DifferenceView, FieldView, LineKind};
use crate::finding::Severity;
use crate::object;
use crate::report::markup;
use crate::suggest;

/// GitHub limits comments to 65,536 characters; the rest is reserved for other cell_lines of the comment.
const MAX_BYTES: usize = 60_000;

/// The maximum number of objects in a row of the table.
const MAX_OBJECTS: usize = 4;

/// The maximum number of fields in a row of the table.
const MAX_FIELDS: usize = 3;

/// The maximum length of a value in the table. The details contain the whole value.
const MAX_VALUE_LENGTH: usize = 60;

/// The bundles as Markdown.
#[must_use]
pub fn markdown(bundles: &[BundleDiff]) -> String {
    let groups = groups(bundles);
    let changed = bundles.iter().filter(|bundle| bundle.differs()).count();
    let mut out = title(changed, bundles);
    if changed == 0 {
        return out;
    }
    alert(&groups, &mut out);
    out.push_str("\n| | object | change | what `kubectl apply` will do |\n| --- | --- | --- | --- |\n");
    for group in &groups {
        let name = group.name(bundles.len());
        for (at, set) in group_identical(&group.changes).iter().enumerate() {
            let first = if at == 0 { format!("**{}**", cell(&name)) } else { String::new() };
            let _ = writeln!(out, "| {first} | {} | {} | {} |", objects(set), summary(set[0]), effects(set[0]));
        }
        if group.changes.is_empty() {
            let state = group.state().unwrap_or_default();
            let _ = writeln!(out, "| **{}** | | {} | |", cell(&name), cell(&state));
        }
    }
    let mut left_out = 0;
    for group in groups.iter().filter(|group| !group.changes.is_empty()) {
        let details = details(group, bundles.len());
        if out.len() + details.len() > MAX_BYTES {
            left_out += 1;
        } else {
            out.push_str(&details);
        }
    }
    if left_out > 0 {
        let _ = writeln!(
            out,
            "\n_The details of {} are too long for a comment; `plimsoll diff` prints them._",
            suggest::count(left_out, "group")
        );
    }
    out
}

fn title(changed: usize, bundles: &[BundleDiff]) -> String {
    match (changed, bundles) {
        (0, [_]) => "### No changes\n".to_owned(),
        (0, _) => format!("### No changes in {}\n", suggest::count(bundles.len(), "bundle")),
        (_, [one]) => format!("### Changes in {}\n", one.title()),
        _ => format!("### Changes in {changed} of {}\n", suggest::count(bundles.len(), "bundle")),
    }
}

/// An alert above the table if objects cannot be applied or need action.
fn alert(groups: &[ChangeGroup<'_>], out: &mut String) {
    let count = |severity| {
        let changes = groups.iter().flat_map(|group| &group.changes);
        changes.filter(|change| change.consequences.iter().any(|found| found.severity == severity)).count()
    };
    let (rejected, warnings) = (count(Severity::Error), count(Severity::Warning));
    if rejected > 0 {
        let _ = writeln!(out, "\n> [!CAUTION]\n> {} cannot be applied.", suggest::count(rejected, "object"));
    } else if warnings > 0 {
        let subject = if warnings == 1 { "1 object needs" } else { &format!("{warnings} objects need") };
        let _ = writeln!(out, "\n> [!WARNING]\n> {subject} action when applied.");
    }
}

/// The table cell for objects with identical changes.
fn objects(set: &[&ChangeView]) -> String {
    let sign = match set[0].kind {
        ChangeKind::Added => "🟢 ",
        ChangeKind::Removed => "🔴 ",
        ChangeKind::Changed => "",
    };
    let shown = if set.len() > MAX_OBJECTS { MAX_OBJECTS - 1 } else { set.len() };
    let mut titles: Vec<String> = set.iter().take(shown).map(|change| cell(&change.title())).collect();
    if set.len() > shown {
        titles.push(format!("and {} more", set.len() - shown));
    }
    format!("{sign}{}", titles.join("<br>"))
}

/// The table cell for the changes of an object.
fn summary(change: &ChangeView) -> String {
    match change.kind {
        ChangeKind::Added => return "new".to_owned(),
        ChangeKind::Removed => return "removed".to_owned(),
        ChangeKind::Changed => {}
    }
    let mut cell_lines = Vec::new();
    if let Some(renamed) = change.renamed {
        match (&change.old_name, &change.old_namespace) {
            (_, Some(namespace)) => cell_lines.push(format!("{renamed}, was in {}", code(namespace))),
            (Some(name), None) if renamed != crate::diff::RenameKind::ContentHash => {
                cell_lines.push(format!("{renamed}, was {}", code(name)));
            }
            _ => cell_lines.push("renamed by content hash".to_owned()),
        }
    }
    let mut listed = 0;
    let (mut minor, mut seen) = (Vec::new(), HashSet::new());
    let mut total = 0;
    for field in &change.fields {
        for line in lines(field) {
            match line {
                SummaryLine::Minor(line) => {
                    if seen.insert(line.clone()) {
                        minor.push(line);
                    }
                }
                SummaryLine::Major(line) => {
                    total += 1;
                    if listed < MAX_FIELDS {
                        listed += 1;
                        cell_lines.push(line);
                    }
                }
            }
        }
    }
    if total > listed {
        cell_lines.push(format!("and {} more", total - listed));
    }
    // Changes that only follow from other changes are listed if there are no others.
    if listed == 0 {
        cell_lines.append(&mut minor);
    }
    cell_lines.join("<br>")
}

/// A line of the summary. Minor ones only follow from other changes.
enum SummaryLine {
    Major(String),
    Minor(String),
}

fn lines(field: &FieldView) -> Vec<SummaryLine> {
    let path = code(&short(&field.path));
    let line = match &field.difference {
        DifferenceView::Values { old, new } => match (old, new) {
            (Some(old), Some(new)) => format!("{path} {} → {}", value(old), value(new)),
            (None, Some(new)) => format!("{path} {} (new)", value(new)),
            (Some(old), None) => format!("{path} removed, was {}", value(old)),
            (None, None) => path,
        },
        DifferenceView::Block { added, .. } => format!("{path} {}", if *added { "new" } else { "removed" }),
        DifferenceView::Text { fields, .. } if !fields.is_empty() => {
            return fields.iter().flat_map(lines).collect();
        }
        DifferenceView::Text { lines, secret, .. } => {
            let count = |kind| lines.iter().filter(|line| line.kind == kind).count();
            let (added, removed) = (count(LineKind::Added), count(LineKind::Removed));
            match (added + removed, secret) {
                (0, true) => format!("{path} secret changed"),
                (0, false) => format!("{path} whitespace"),
                _ => format!("{path} +{added} −{removed} lines"),
            }
        }
        DifferenceView::Secret { before, after } => format!("{path} {}", secret(*before, *after)),
        DifferenceView::Checksum => return vec![SummaryLine::Minor("checksum".to_owned())],
        DifferenceView::RenamedReference(name) => {
            return vec![SummaryLine::Minor(format!("name of {}", code(name)))];
        }
        DifferenceView::Order { .. } => format!("{path} order"),
    };
    vec![SummaryLine::Major(line)]
}

/// A path without the common prefixes of pod templates, specs and data.
fn short(path: &str) -> String {
    let rest = object::below_template(path);
    let rest = rest.strip_prefix("spec.").unwrap_or(rest);
    // `data[config.yaml]` becomes `config.yaml`.
    match rest
        .strip_prefix("data[")
        .or_else(|| rest.strip_prefix("stringData["))
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(key) if !key.contains(['[', ']']) => key.to_owned(),
        _ => rest.to_owned(),
    }
}

fn value(text: &str) -> String {
    if text.chars().count() > MAX_VALUE_LENGTH {
        let cut: String = text.chars().take(MAX_VALUE_LENGTH - 1).collect();
        return code(&format!("{cut}…"));
    }
    code(text)
}

/// The table cell for the consequences of a change.
fn effects(change: &ChangeView) -> String {
    if change.consequences.is_empty() {
        return "–".to_owned();
    }
    let line = |found: &crate::diff::consequences::Consequence| {
        let sign = match found.severity {
            Severity::Error => "⛔ ",
            Severity::Warning => "⚠️ ",
            Severity::Note => "",
        };
        format!("{sign}{}", message(&found.message))
    };
    change.consequences.iter().map(line).collect::<Vec<_>>().join("<br>")
}

fn details(group: &ChangeGroup<'_>, of: usize) -> String {
    let count = suggest::count(group.changes.len(), "object");
    let mut out = format!("\n<details><summary><b>{}</b>: details of {count}</summary>\n", markup(&group.name(of)));
    for set in group_identical(&group.changes) {
        let change = set[0];
        let titles: Vec<String> = set.iter().map(|change| format!("**{}**", cell(&change.title()))).collect();
        let _ = write!(out, "\n{}", titles.join(", "));
        if !change.object.namespace.is_empty() {
            let _ = write!(out, " in {}", code(&change.object.namespace));
        }
        if let (Some(renamed), Some(name)) = (change.renamed, &change.old_name) {
            let _ = write!(out, ", {renamed}, was {}", code(name));
        }
        out.push('\n');
        for found in &change.consequences {
            let help = match found.help.as_str() {
                "" => String::new(),
                command if command.starts_with("kubectl ") => format!(": {}", code(command)),
                help => format!(": {}", message(help)),
            };
            let _ = writeln!(out, "- {} (`{}`){help}", message(&found.message), found.rule);
        }
        let mut text = String::new();
        change.fields.iter().for_each(|field| detail(field, &mut text));
        change.yaml.lines().for_each(|line| _ = writeln!(text, "+ {line}"));
        if !text.is_empty() {
            let fence = fence(&text);
            let _ = write!(out, "\n{fence}diff\n{text}{fence}\n");
        }
    }
    out.push_str("\n</details>\n");
    out
}

/// Appends a field as lines of a `diff` block.
fn detail(field: &FieldView, out: &mut String) {
    let path = &field.path;
    let _ = match &field.difference {
        DifferenceView::Values { old, new } => {
            if let Some(old) = old {
                let _ = writeln!(out, "- {path}: {old}");
            }
            if let Some(new) = new {
                let _ = writeln!(out, "+ {path}: {new}");
            }
            Ok(())
        }
        DifferenceView::Block { added, text } => {
            let sign = if *added { '+' } else { '-' };
            let _ = writeln!(out, "{sign} {path}:");
            text.lines().for_each(|line| _ = writeln!(out, "{sign}   {line}"));
            Ok(())
        }
        DifferenceView::Text { lines, secret, .. } => {
            let _ = writeln!(out, "@@ {path} @@");
            for line in lines {
                let text = &line.text;
                let _ = match line.kind {
                    LineKind::Same => writeln!(out, "  {text}"),
                    LineKind::Removed => writeln!(out, "- {text}"),
                    LineKind::Added => writeln!(out, "+ {text}"),
                    LineKind::Gap => writeln!(out, "  …"),
                };
            }
            if *secret { writeln!(out, "! a secret changed") } else { Ok(()) }
        }
        DifferenceView::Secret { before, after } => writeln!(out, "! {path}: {}", secret(*before, *after)),
        DifferenceView::Checksum => writeln!(out, "  {path}: checksum changed"),
        DifferenceView::RenamedReference(name) => writeln!(out, "  {path}: name of {name} changed"),
        DifferenceView::Order { old, new } => writeln!(out, "- {path}: {old}\n+ {path}: {new}"),
    };
}

/// A fence that is longer than any run of backticks in `text`.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

/// A value as inline code, escaped for a table cell.
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let ticks = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{pad}{}{pad}{ticks}", text.replace('|', "\\|").replace(['\n', '\r'], " "))
}

/// A message, in which backticks mark code, escaped for a table cell.
fn message(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace(['\n', '\r'], " ")
}

/// Plain text escaped for a table cell.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '~' | '#' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
