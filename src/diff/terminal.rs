//! Changes as text for a terminal.

use std::fmt::Write as _;

use crate::diff::bundle::{BundleDiff, group_identical, groups};
use crate::diff::view::{ChangeKind, ChangeView, DiffLine, DifferenceView, FieldView, LineKind};
use crate::finding::Severity;
use crate::suggest;

/// Escape sequences; empty if colours are disabled.
struct Palette {
    red: &'static str,
    green: &'static str,
    yellow: &'static str,
    bold: &'static str,
    dim: &'static str,
    off: &'static str,
}

const PLAIN: Palette = Palette { red: "", green: "", yellow: "", bold: "", dim: "", off: "" };
const COLOUR: Palette =
    Palette { red: "\x1b[31m", green: "\x1b[32m", yellow: "\x1b[33m", bold: "\x1b[1m", dim: "\x1b[2m", off: "\x1b[0m" };

/// The maximum number of lines of an added or removed value.
const MAX_LINES: usize = 60;

/// The differing bundles by object, and a summary.
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
        for set in group_identical(&group.changes) {
            object(&set, paint, &mut out);
            out.push('\n');
        }
    }
    let changes = || groups.iter().flat_map(|group| &group.changes);
    let count = |equivalent: bool| -> usize {
        let of = |group: &crate::diff::ChangeGroup<'_>| {
            let count = group.changes.iter().filter(|change| change.is_equivalent() == equivalent).count();
            group.bundles.len() * count
        };
        groups.iter().map(of).sum()
    };
    let (objects, equivalent) = (count(false), count(true));
    let equivalent = if equivalent == 0 { String::new() } else { format!(", {equivalent} equivalent") };
    let changed = bundles.iter().filter(|bundle| bundle.differs()).count();
    let _ = match (bundles, changed) {
        (_, 0) => writeln!(out, "no changes{equivalent}"),
        ([one], _) => {
            writeln!(out, "{} changed{equivalent}, {} unchanged", suggest::count(objects, "object"), one.unchanged)
        }
        _ => {
            let (objects, bundles) = (suggest::count(objects, "object"), suggest::count(bundles.len(), "bundle"));
            writeln!(out, "{objects} changed{equivalent} in {changed} of {bundles}")
        }
    };
    let is_rejected = |change: &&ChangeView| change.consequences.iter().any(|found| found.severity == Severity::Error);
    let rejected = changes().filter(is_rejected).count();
    if rejected > 0 {
        let _ = writeln!(out, "{}{} cannot be applied{}", paint.red, suggest::count(rejected, "object"), paint.off);
    }
    out
}

/// Prints objects with identical changes.
fn object(set: &[&ChangeView], paint: &Palette, out: &mut String) {
    let change = set[0];
    let titles: Vec<String> = set.iter().map(|change| change.title()).collect();
    let (sign, tint) = match change.kind {
        ChangeKind::Added => ("+", paint.green),
        ChangeKind::Removed => ("-", paint.red),
        ChangeKind::Changed => ("~", paint.yellow),
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
    for view in &change.fields {
        field(view, width.unwrap_or_default(), "  ", paint, out);
    }
    block(&change.yaml, true, "    ", paint, out);
}

fn field(field: &FieldView, width: usize, indent: &str, paint: &Palette, out: &mut String) {
    let Palette { red, green, dim, off, .. } = *paint;
    let path = &field.path;
    match &field.difference {
        DifferenceView::Values { old: Some(old), new: Some(new) } => {
            let _ = writeln!(out, "{indent}{path:width$}  {red}{old}{off} -> {green}{new}{off}");
        }
        DifferenceView::Values { old: None, new } => {
            let new = new.as_deref().unwrap_or_default();
            let _ = writeln!(out, "{indent}{path:width$}  {green}+ {new}{off}");
        }
        DifferenceView::Values { old: Some(old), new: None } => {
            let _ = writeln!(out, "{indent}{path:width$}  {red}- {old}{off}");
        }
        DifferenceView::Block { added, text } => {
            let _ = writeln!(out, "{indent}{path}");
            block(text, *added, &format!("{indent}  "), paint, out);
        }
        DifferenceView::Text { lines, secret, .. } => {
            let _ = writeln!(out, "{indent}{path}");
            lines.iter().for_each(|line| diff_line(line, &format!("{indent}  "), paint, out));
            if *secret {
                let _ = writeln!(out, "{indent}  {dim}a secret changed{off}");
            }
        }
        DifferenceView::Secret { before, after } => {
            let _ = writeln!(out, "{indent}{path:width$}  {}", secret(*before, *after));
        }
        DifferenceView::Checksum => {
            let _ = writeln!(out, "{indent}{dim}{path:width$}  checksum changed{off}");
        }
        DifferenceView::RenamedReference(name) => {
            let _ = writeln!(out, "{indent}{dim}{path:width$}  name of {name} changed{off}");
        }
        DifferenceView::Order { old, new } => {
            let _ = writeln!(out, "{indent}{path:width$}  order changed: {red}{old}{off} -> {green}{new}{off}");
        }
    }
}

/// Describes the change of a secret, given whether it exists before and after.
pub(crate) const fn secret(before: bool, after: bool) -> &'static str {
    match (before, after) {
        (false, _) => "secret added",
        (_, false) => "secret removed",
        _ => "secret changed",
    }
}

fn diff_line(line: &DiffLine, indent: &str, paint: &Palette, out: &mut String) {
    let text = line.text.trim_end();
    let _ = match line.kind {
        LineKind::Same => writeln!(out, "{indent}{}  {text}{}", paint.dim, paint.off),
        LineKind::Removed => writeln!(out, "{indent}{}- {text}{}", paint.red, paint.off),
        LineKind::Added => writeln!(out, "{indent}{}+ {text}{}", paint.green, paint.off),
        LineKind::Gap => writeln!(out, "{indent}{}  ...{}", paint.dim, paint.off),
    };
}

fn block(text: &str, added: bool, indent: &str, paint: &Palette, out: &mut String) {
    let kind = if added { LineKind::Added } else { LineKind::Removed };
    let total = text.lines().count();
    // A few more lines are printed rather than omitted.
    let shown = if total > MAX_LINES + 3 { MAX_LINES } else { total };
    for line in text.lines().take(shown) {
        diff_line(&DiffLine { kind, text: line.to_owned() }, indent, paint, out);
    }
    if total > shown {
        let _ = writeln!(out, "{indent}{}  ... {} more lines{}", paint.dim, total - shown, paint.off);
    }
}
