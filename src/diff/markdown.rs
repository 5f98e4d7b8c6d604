//! Changes as Markdown, fit for a comment on a pull request: a table of what changes and what applying it does, and
//! the details folded away.

use std::fmt::Write as _;

use foldhash::{HashSet, HashSetExt};

use crate::diff::bundle::{BundleDiff, Group, alike, groups};
use crate::diff::show::{Shown, ShownField, ShownWhat, State, Tag};
use crate::diff::terminal::secret;
use crate::finding::Severity;
use crate::object;
use crate::report::markup;
use crate::suggest;

/// GitHub takes comments of up to 65,536 characters; some are left for the frame.
const MOST_BYTES: usize = 60_000;

/// How many objects a row of the table names.
const MOST_OBJECTS: usize = 4;

/// How many fields a row of the table names.
const MOST_FIELDS: usize = 3;

/// Longer values are cut in the table; the details have them whole.
const LONGEST_VALUE: usize = 60;

/// The bundles as a Markdown text.
#[must_use]
pub fn markdown(bundles: &[BundleDiff]) -> String {
    let groups = groups(bundles);
    let changed = bundles.iter().filter(|bundle| bundle.differs()).count();
    let mut out = title(changed, bundles);
    if changed == 0 {
        return out;
    }
    worst(&groups, &mut out);
    out.push_str("\n| | object | change | what `kubectl apply` will do |\n| --- | --- | --- | --- |\n");
    for group in &groups {
        let name = group.name(bundles.len());
        for (at, set) in alike(&group.changes).iter().enumerate() {
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
        if out.len() + details.len() > MOST_BYTES {
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
        (0, [_]) => "### Nothing changes\n".to_owned(),
        (0, _) => format!("### None of {} changes\n", suggest::count(bundles.len(), "bundle")),
        (_, [one]) => format!("### {} changes\n", one.title()),
        _ => {
            let verb = if changed == 1 { "changes" } else { "change" };
            format!("### {changed} of {} {verb}\n", suggest::count(bundles.len(), "bundle"))
        }
    }
}

/// One line above the table: what nobody may miss.
fn worst(groups: &[Group<'_>], out: &mut String) {
    let count = |severity| {
        let changes = groups.iter().flat_map(|group| &group.changes);
        changes.filter(|change| change.consequences.iter().any(|found| found.severity == severity)).count()
    };
    let (refused, warnings) = (count(Severity::Error), count(Severity::Warning));
    if refused > 0 {
        let _ = writeln!(out, "\n> [!CAUTION]\n> {} cannot be applied.", suggest::count(refused, "object"));
    } else if warnings > 0 {
        let what = if warnings == 1 { "1 object needs" } else { &format!("{warnings} objects need") };
        let _ = writeln!(out, "\n> [!WARNING]\n> {what} action when applied.");
    }
}

/// Objects in which the same differs, in a cell of the table.
fn objects(set: &[&Shown]) -> String {
    let sign = match set[0].state {
        State::Added => "🟢 ",
        State::Removed => "🔴 ",
        State::Changed => "",
    };
    let shown = if set.len() > MOST_OBJECTS { MOST_OBJECTS - 1 } else { set.len() };
    let mut titles: Vec<String> = set.iter().take(shown).map(|change| cell(&change.title())).collect();
    if set.len() > shown {
        titles.push(format!("and {} more", set.len() - shown));
    }
    format!("{sign}{}", titles.join("<br>"))
}

/// What changes, in a cell of the table.
fn summary(change: &Shown) -> String {
    match change.state {
        State::Added => return "new".to_owned(),
        State::Removed => return "gone".to_owned(),
        State::Changed => {}
    }
    let mut parts = Vec::new();
    if let Some(renamed) = change.renamed {
        match (&change.old_name, &change.old_namespace) {
            (_, Some(namespace)) => parts.push(format!("{renamed}, was in {}", code(namespace))),
            (Some(name), None) if renamed != crate::diff::Renamed::ByContent => {
                parts.push(format!("{renamed}, was {}", code(name)));
            }
            _ => parts.push("renamed by its content hash".to_owned()),
        }
    }
    let mut told = 0;
    let (mut quiet, mut known) = (Vec::new(), HashSet::new());
    let mut total = 0;
    for field in &change.fields {
        for line in lines(field) {
            match line {
                Told::Quiet(line) => {
                    if known.insert(line.clone()) {
                        quiet.push(line);
                    }
                }
                Told::Aloud(line) => {
                    total += 1;
                    if told < MOST_FIELDS {
                        told += 1;
                        parts.push(line);
                    }
                }
            }
        }
    }
    if total > told {
        parts.push(format!("and {} more", total - told));
    }
    // What only follows another change is told where nothing else is.
    if told == 0 {
        parts.append(&mut quiet);
    }
    parts.join("<br>")
}

enum Told {
    Aloud(String),
    Quiet(String),
}

fn lines(field: &ShownField) -> Vec<Told> {
    let path = code(&short(&field.path));
    let line = match &field.what {
        ShownWhat::Values { old, new } => match (old, new) {
            (Some(old), Some(new)) => format!("{path} {} → {}", value(old), value(new)),
            (None, Some(new)) => format!("{path} {} (new)", value(new)),
            (Some(old), None) => format!("{path} gone, was {}", value(old)),
            (None, None) => path,
        },
        ShownWhat::Block { added, .. } => format!("{path} {}", if *added { "new" } else { "gone" }),
        ShownWhat::Text { fields, .. } if !fields.is_empty() => {
            return fields.iter().flat_map(lines).collect();
        }
        ShownWhat::Text { lines, secret, .. } => {
            let count = |tag| lines.iter().filter(|line| line.tag == tag).count();
            let (added, removed) = (count(Tag::Added), count(Tag::Removed));
            match (added + removed, secret) {
                (0, true) => format!("{path} a secret in it"),
                (0, false) => format!("{path} white space"),
                _ => format!("{path} +{added} −{removed} lines"),
            }
        }
        ShownWhat::Secret { was, is } => format!("{path} {}", secret(*was, *is)),
        ShownWhat::Checksum => return vec![Told::Quiet("checksum".to_owned())],
        ShownWhat::Follows(name) => return vec![Told::Quiet(format!("the new name of {}", code(name)))],
        ShownWhat::Order { .. } => format!("{path} another order"),
    };
    vec![Told::Aloud(line)]
}

/// A path without the steps that every reader knows.
fn short(path: &str) -> String {
    let rest = object::below_template(path);
    let rest = rest.strip_prefix("spec.").unwrap_or(rest);
    // `data[config.yaml]` is `config.yaml`.
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
    if text.chars().count() > LONGEST_VALUE {
        let cut: String = text.chars().take(LONGEST_VALUE - 1).collect();
        return code(&format!("{cut}…"));
    }
    code(text)
}

/// What applying does, in a cell of the table.
fn effects(change: &Shown) -> String {
    if change.consequences.is_empty() {
        return "–".to_owned();
    }
    let line = |found: &crate::diff::consequences::Consequence| {
        let sign = match found.severity {
            Severity::Error => "⛔ ",
            Severity::Warning => "⚠️ ",
            Severity::Note => "",
        };
        format!("{sign}{}", words(&found.message))
    };
    change.consequences.iter().map(line).collect::<Vec<_>>().join("<br>")
}

fn details(group: &Group<'_>, of: usize) -> String {
    let number = suggest::count(group.changes.len(), "object");
    let mut out =
        format!("\n<details><summary><b>{}</b>: {number}, field by field</summary>\n", markup(&group.name(of)));
    for set in alike(&group.changes) {
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
                help => format!(": {}", words(help)),
            };
            let _ = writeln!(out, "- {} (`{}`){help}", words(&found.message), found.rule);
        }
        let mut text = String::new();
        change.fields.iter().for_each(|field| detail(field, &mut text));
        change.text.lines().for_each(|line| _ = writeln!(text, "+ {line}"));
        if !text.is_empty() {
            let fence = fence(&text);
            let _ = write!(out, "\n{fence}diff\n{text}{fence}\n");
        }
    }
    out.push_str("\n</details>\n");
    out
}

/// A field as lines of a `diff` block.
fn detail(field: &ShownField, out: &mut String) {
    let path = &field.path;
    let _ = match &field.what {
        ShownWhat::Values { old, new } => {
            if let Some(old) = old {
                let _ = writeln!(out, "- {path}: {old}");
            }
            if let Some(new) = new {
                let _ = writeln!(out, "+ {path}: {new}");
            }
            Ok(())
        }
        ShownWhat::Block { added, text } => {
            let sign = if *added { '+' } else { '-' };
            let _ = writeln!(out, "{sign} {path}:");
            text.lines().for_each(|line| _ = writeln!(out, "{sign}   {line}"));
            Ok(())
        }
        ShownWhat::Text { lines, secret, .. } => {
            let _ = writeln!(out, "@@ {path} @@");
            for line in lines {
                let text = &line.text;
                let _ = match line.tag {
                    Tag::Same => writeln!(out, "  {text}"),
                    Tag::Removed => writeln!(out, "- {text}"),
                    Tag::Added => writeln!(out, "+ {text}"),
                    Tag::Gap => writeln!(out, "  …"),
                };
            }
            if *secret { writeln!(out, "! a secret in it changes") } else { Ok(()) }
        }
        ShownWhat::Secret { was, is } => writeln!(out, "! {path}: {}", secret(*was, *is)),
        ShownWhat::Checksum => writeln!(out, "  {path}: another checksum"),
        ShownWhat::Follows(name) => writeln!(out, "  {path}: the new name of {name}"),
        ShownWhat::Order { old, new } => writeln!(out, "- {path}: {old}\n+ {path}: {new}"),
    };
}

/// A fence longer than any run of backticks in the text.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

/// A value as code that no character of it can break out of, nor the cell it stands in.
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let ticks = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{pad}{}{pad}{ticks}", text.replace('|', "\\|").replace(['\n', '\r'], " "))
}

/// Words of ours, in which backticks mark code.
fn words(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace(['\n', '\r'], " ")
}

/// A name in a cell: nothing in it is Markdown.
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
