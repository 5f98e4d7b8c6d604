//! Changes for a terminal.

use std::fmt::Write as _;

use crate::diff::bundle::{BundleDiff, alike, groups};
use crate::diff::show::{Line, Shown, ShownField, ShownWhat, State, Tag};
use crate::finding::Severity;
use crate::suggest;

/// The colours; empty where none are wanted.
struct Paint {
    red: &'static str,
    green: &'static str,
    yellow: &'static str,
    bold: &'static str,
    dim: &'static str,
    off: &'static str,
}

const PLAIN: Paint = Paint { red: "", green: "", yellow: "", bold: "", dim: "", off: "" };
const COLOUR: Paint =
    Paint { red: "\x1b[31m", green: "\x1b[32m", yellow: "\x1b[33m", bold: "\x1b[1m", dim: "\x1b[2m", off: "\x1b[0m" };

/// How many lines of a text that is new or gone are shown.
const MOST_LINES: usize = 60;

/// The bundles that differ, object by object, and a summary.
#[must_use]
pub fn terminal(bundles: &[BundleDiff], colour: bool) -> String {
    let paint = if colour { &COLOUR } else { &PLAIN };
    let mut out = String::new();
    let groups = groups(bundles);
    for group in &groups {
        if bundles.len() > 1 || group.bundles[0].environment.is_empty() {
            let state = group.state().map(|state| format!(": {state}")).unwrap_or_default();
            let _ = writeln!(out, "{}{}{}{state}\n", paint.bold, group.name(bundles.len()), paint.off);
        }
        for set in alike(&group.changes) {
            object(&set, paint, &mut out);
            out.push('\n');
        }
    }
    let changes = || groups.iter().flat_map(|group| &group.changes);
    let count = |equivalent: bool| -> usize {
        let of = |group: &crate::diff::Group<'_>| {
            let count = group.changes.iter().filter(|change| change.is_equivalent() == equivalent).count();
            group.bundles.len() * count
        };
        groups.iter().map(of).sum()
    };
    let (objects, equivalent) = (count(false), count(true));
    let equivalent = if equivalent == 0 { String::new() } else { format!(", {equivalent} equivalent") };
    let changed = bundles.iter().filter(|bundle| bundle.differs()).count();
    let _ = match (bundles, changed) {
        (_, 0) => writeln!(out, "nothing changes{equivalent}"),
        ([one], _) => {
            writeln!(out, "{} changed{equivalent}, {} unchanged", suggest::count(objects, "object"), one.unchanged)
        }
        _ => {
            let (objects, bundles) = (suggest::count(objects, "object"), suggest::count(bundles.len(), "bundle"));
            writeln!(out, "{objects} changed{equivalent} in {changed} of {bundles}")
        }
    };
    let refuses = |change: &&Shown| change.consequences.iter().any(|found| found.severity == Severity::Error);
    let refused = changes().filter(refuses).count();
    if refused > 0 {
        let _ = writeln!(out, "{}{} cannot be applied{}", paint.red, suggest::count(refused, "object"), paint.off);
    }
    out
}

/// Objects in which the same differs.
fn object(set: &[&Shown], paint: &Paint, out: &mut String) {
    let change = set[0];
    let titles: Vec<String> = set.iter().map(|change| change.title()).collect();
    let (sign, tint) = match change.state {
        State::Added => ("+", paint.green),
        State::Removed => ("-", paint.red),
        State::Changed => ("~", paint.yellow),
    };
    let _ = write!(out, "{tint}{sign}{} {}{}{}", paint.off, paint.bold, titles.join(", "), paint.off);
    if !change.object.namespace.is_empty() {
        let _ = write!(out, "{} in {}{}", paint.dim, change.object.namespace, paint.off);
    }
    if let Some(renamed) = change.renamed {
        let was = match (&change.old_name, &change.old_namespace) {
            (Some(name), None) => format!("; was {name}"),
            (None, Some(namespace)) => format!("; was in {namespace}"),
            (Some(name), Some(namespace)) => format!("; was {name} in {namespace}"),
            (None, None) => String::new(),
        };
        let _ = write!(out, "{} ({renamed}{was}){}", paint.dim, paint.off);
    }
    out.push('\n');
    for consequence in &change.consequences {
        let tint = match consequence.severity {
            Severity::Error => paint.red,
            Severity::Warning => paint.yellow,
            Severity::Note => "",
        };
        let _ = write!(out, "  {tint}=> {}{}", consequence.message, paint.off);
        let _ = writeln!(out, " {}[{}]{}", paint.dim, consequence.rule, paint.off);
        if !consequence.help.is_empty() {
            let _ = writeln!(out, "     {}{}{}", paint.dim, consequence.help, paint.off);
        }
    }
    let width = change.fields.iter().map(|field| field.path.chars().count()).filter(|width| *width <= 60).max();
    for shown in &change.fields {
        field(shown, width.unwrap_or_default(), "  ", paint, out);
    }
    block(&change.text, true, "    ", paint, out);
}

fn field(field: &ShownField, width: usize, indent: &str, paint: &Paint, out: &mut String) {
    let Paint { red, green, dim, off, .. } = *paint;
    let path = &field.path;
    match &field.what {
        ShownWhat::Values { old: Some(old), new: Some(new) } => {
            let _ = writeln!(out, "{indent}{path:width$}  {red}{old}{off} -> {green}{new}{off}");
        }
        ShownWhat::Values { old: None, new } => {
            let new = new.as_deref().unwrap_or_default();
            let _ = writeln!(out, "{indent}{path:width$}  {green}+ {new}{off}");
        }
        ShownWhat::Values { old: Some(old), new: None } => {
            let _ = writeln!(out, "{indent}{path:width$}  {red}- {old}{off}");
        }
        ShownWhat::Block { added, text } => {
            let _ = writeln!(out, "{indent}{path}");
            block(text, *added, &format!("{indent}  "), paint, out);
        }
        ShownWhat::Text { lines, secret, .. } => {
            let _ = writeln!(out, "{indent}{path}");
            lines.iter().for_each(|line| text_line(line, &format!("{indent}  "), paint, out));
            if *secret {
                let _ = writeln!(out, "{indent}  {dim}a secret in it changes{off}");
            }
        }
        ShownWhat::Secret { was, is } => {
            let _ = writeln!(out, "{indent}{path:width$}  {}", secret(*was, *is));
        }
        ShownWhat::Checksum => {
            let _ = writeln!(out, "{indent}{dim}{path:width$}  another checksum{off}");
        }
        ShownWhat::Follows(name) => {
            let _ = writeln!(out, "{indent}{dim}{path:width$}  the new name of {name}{off}");
        }
        ShownWhat::Order { old, new } => {
            let _ = writeln!(out, "{indent}{path:width$}  in another order: {red}{old}{off} -> {green}{new}{off}");
        }
    }
}

/// What may be said of a secret.
pub(crate) const fn secret(was: bool, is: bool) -> &'static str {
    match (was, is) {
        (false, _) => "a secret, new",
        (_, false) => "a secret, gone",
        _ => "a secret, changed",
    }
}

fn text_line(line: &Line, indent: &str, paint: &Paint, out: &mut String) {
    let text = line.text.trim_end();
    let _ = match line.tag {
        Tag::Same => writeln!(out, "{indent}{}  {text}{}", paint.dim, paint.off),
        Tag::Removed => writeln!(out, "{indent}{}- {text}{}", paint.red, paint.off),
        Tag::Added => writeln!(out, "{indent}{}+ {text}{}", paint.green, paint.off),
        Tag::Gap => writeln!(out, "{indent}{}  ...{}", paint.dim, paint.off),
    };
}

fn block(text: &str, added: bool, indent: &str, paint: &Paint, out: &mut String) {
    let tag = if added { Tag::Added } else { Tag::Removed };
    let total = text.lines().count();
    // A line or two are not worth leaving out.
    let shown = if total > MOST_LINES + 3 { MOST_LINES } else { total };
    for line in text.lines().take(shown) {
        text_line(&Line { tag, text: line.to_owned() }, indent, paint, out);
    }
    if total > shown {
        let _ = writeln!(out, "{indent}{}  ... {} more lines{}", paint.dim, total - shown, paint.off);
    }
}
