//! The HTML page of a comparison: changes, consequences and fields.

use std::fmt::Write as _;

use crate::diff::view::{ChangeKind, ChangeView, DifferenceView, FieldView, LineKind};
use crate::diff::{BundleDiff, ChangeGroup, group_identical, groups, secret};
use crate::finding::Severity;
use crate::page::{chip, icon_of, page, words};
use crate::report::markup;
use crate::suggest;
use crate::updates::Effect;

/// The page of a comparison of bundles. It does not need scripts.
#[must_use]
pub fn review(bundles: &[BundleDiff]) -> String {
    let groups = groups(bundles);
    let title = title(bundles);
    let mut out = String::new();
    header(&title, &groups, bundles, &mut out);
    out.push_str("<main>\n");
    if !groups.is_empty() {
        table(&groups, bundles.len(), &mut out);
        let mut number = 0;
        for group in groups.iter().filter(|group| !group.changes.is_empty()) {
            let _ = writeln!(
                out,
                "<section>\n<div class=\"bar\"><h2>{}</h2><p class=\"quiet\">{}</p></div>",
                if bundles.len() == 1 { "Fields".to_owned() } else { markup(&group.name(bundles.len())) },
                suggest::count(group.changes.len(), "object")
            );
            for set in group_identical(&group.changes) {
                details(number, &set, &mut out);
                number += 1;
            }
            out.push_str("</section>\n");
        }
    }
    out.push_str("</main>\n<footer></footer>\n");
    page(&title, &out, None)
}

fn title(bundles: &[BundleDiff]) -> String {
    let changed = bundles.iter().filter(|bundle| bundle.differs()).count();
    match (changed, bundles) {
        (0, [_]) => "No changes".to_owned(),
        (0, _) => format!("No changes in {}", suggest::count(bundles.len(), "bundle")),
        // The comparison of two files.
        (_, [one]) if one.environment.is_empty() => one.title(),
        (_, [one]) => format!("Changes in {}", one.title()),
        _ => format!("Changes in {changed} of {}", suggest::count(bundles.len(), "bundle")),
    }
}

fn header(title: &str, groups: &[ChangeGroup<'_>], bundles: &[BundleDiff], out: &mut String) {
    let changes = || groups.iter().flat_map(|group| &group.changes);
    let of_kind = |kind: ChangeKind| {
        let count = changes().filter(|change| change.kind == kind).count();
        (count > 0).then(|| format!("{count} {}", kind.name()))
    };
    let kinds: Vec<String> =
        [ChangeKind::Changed, ChangeKind::Added, ChangeKind::Removed].into_iter().filter_map(of_kind).collect();
    let mut facts = Vec::new();
    if !kinds.is_empty() {
        facts.push(format!("{}: {}", suggest::count(changes().count(), "object"), kinds.join(", ")));
    }
    if let [one] = bundles {
        facts.push(format!("{} unchanged", one.unchanged));
    }
    let with = |severity: Severity| {
        let worst = |change: &ChangeView| change.consequences.iter().map(|found| found.severity).max();
        changes().filter(|change| worst(change) == Some(severity)).count()
    };
    let pods = changes().filter(|change| change.effect == Some(Effect::Pods)).count();
    let (rejected, warned) = (with(Severity::Error), with(Severity::Warning));
    let subject = if warned == 1 { "1 object needs" } else { &format!("{warned} objects need") };
    let tally = [
        chip(rejected, &format!("{} cannot be applied", suggest::count(rejected, "object")), "error"),
        chip(warned, &format!("{subject} action"), "warning"),
        chip(pods, &format!("{} with new pods", suggest::count(pods, "object")), "note"),
    ]
    .concat();
    let _ = writeln!(
        out,
        "<header>\n<div>\n<p class=\"over\">Review</p>\n<h1>{}</h1>\n<p class=\"facts\">{}</p>\n<p class=\"tally\">{tally}</p>\n</div>\n\
         </header>",
        markup(title),
        facts.join(" · ")
    );
}

/// The table of changes, with a row for objects with identical changes, which links to their fields.
fn table(groups: &[ChangeGroup<'_>], of: usize, out: &mut String) {
    out.push_str(
        "<section>\n<table class=\"changes\">\n<thead><tr><th scope=\"col\">Object</th><th scope=\"col\">Change</th>\
         <th scope=\"col\">What <code>kubectl apply</code> will do</th></tr></thead>\n",
    );
    let mut number = 0;
    for group in groups {
        let state =
            group.state().map(|state| format!(" <span class=\"quiet\">{}</span>", markup(&state))).unwrap_or_default();
        out.push_str("<tbody>\n");
        // The name of a single bundle is the title of the page.
        if of > 1 || !state.is_empty() {
            let _ = writeln!(
                out,
                "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"3\">{}{state}</th></tr>",
                markup(&group.name(of))
            );
        }
        for set in group_identical(&group.changes) {
            let titles: Vec<String> = set.iter().map(|change| markup(&change.title())).collect();
            let _ = writeln!(
                out,
                "<tr><td><a href=\"#c{number}\">{}</a></td><td>{} {}</td><td>{}</td></tr>",
                titles.join("<br/>"),
                badge(set[0]),
                summary(set[0]),
                effects(set[0])
            );
            number += 1;
        }
        out.push_str("</tbody>\n");
    }
    out.push_str("</table>\n</section>\n");
}

fn badge(change: &ChangeView) -> String {
    let (class, name) = match change.kind {
        ChangeKind::Changed if change.is_equivalent() => ("quiet", "equivalent"),
        kind => (kind.name(), kind.name()),
    };
    format!("<span class=\"state {class}\">{name}</span>")
}

/// How the object was renamed, and the number of fields that differ.
fn summary(change: &ChangeView) -> String {
    let mut parts = Vec::new();
    if let Some(renamed) = change.renamed {
        parts.push(renamed.to_string());
    }
    if !change.fields.is_empty() {
        parts.push(suggest::count(change.fields.len(), "field"));
    }
    format!("<span class=\"quiet\">{}</span>", parts.join(", "))
}

fn effects(change: &ChangeView) -> String {
    if change.consequences.is_empty() {
        return "–".to_owned();
    }
    let line = |found: &crate::diff::consequences::Consequence| {
        let sign = match found.severity {
            Severity::Note => String::new(),
            severity => format!("<span class=\"severity {0}\">{0}</span> ", severity.name()),
        };
        format!("{sign}{}", words(&found.message))
    };
    change.consequences.iter().map(line).collect::<Vec<_>>().join("<br/>")
}

/// The details of objects with identical changes.
fn details(number: usize, set: &[&ChangeView], out: &mut String) {
    let change = set[0];
    let titles: Vec<String> = set.iter().map(|change| markup(&change.title())).collect();
    let mut about = Vec::new();
    if !change.object.namespace.is_empty() {
        about.push(format!("in {}", markup(&change.object.namespace)));
    }
    if let Some(renamed) = change.renamed {
        about.push(renamed.to_string());
        let was = [(&change.old_name, "was"), (&change.old_namespace, "was in")];
        about.extend(was.into_iter().filter_map(|(old, was)| Some(format!("{was} {}", markup(old.as_deref()?)))));
    }
    // Added objects are long, so they are collapsed.
    let open = if change.kind == ChangeKind::Changed { " open=\"\"" } else { "" };
    let _ = writeln!(
        out,
        "<details class=\"change\" id=\"c{number}\"{open}>\n<summary>{} {} {} <span class=\"quiet\">{}</span></summary>",
        icon_of(&change.object.kind),
        titles.join(", "),
        badge(change),
        about.join(", ")
    );
    if !change.consequences.is_empty() {
        out.push_str("<ul class=\"found\">\n");
        for found in &change.consequences {
            let severity = found.severity.name();
            let help = match found.help.as_str() {
                command if command.starts_with("kubectl ") => format!("<code>{}</code>", markup(command)),
                help => words(help),
            };
            let _ = writeln!(
                out,
                "<li><span class=\"severity {severity}\">{severity}</span><p>{} <span class=\"quiet\">[{}]</span></p>\
                 <p class=\"about\">{help}</p></li>",
                words(&found.message),
                markup(found.rule.name())
            );
        }
        out.push_str("</ul>\n");
    }
    for view in &change.fields {
        field(view, out);
    }
    if !change.yaml.is_empty() {
        out.push_str("<div class=\"lines\">");
        change.yaml.lines().for_each(|text| line(LineKind::Added, text, out));
        out.push_str("</div>\n");
    }
    out.push_str("</details>\n");
}

fn field(field: &FieldView, out: &mut String) {
    let note = if field.equivalent { " <span class=\"quiet\">stored identically</span>" } else { "" };
    let _ = write!(out, "<div class=\"field\"><code>{}</code>{note}", markup(&field.path));
    let mut note = |text: &str| _ = write!(out, " <span class=\"quiet\">{text}</span>");
    match &field.difference {
        DifferenceView::Values { old, new } => values(old.as_deref(), new.as_deref(), out),
        DifferenceView::Order { old, new } => {
            note("order changed");
            values(Some(old), Some(new), out);
        }
        DifferenceView::Block { added, text } => {
            out.push_str("<div class=\"lines\">");
            let kind = if *added { LineKind::Added } else { LineKind::Removed };
            text.lines().for_each(|text| line(kind, text, out));
            out.push_str("</div>");
        }
        DifferenceView::Text { lines, secret, .. } => {
            if *secret {
                note("a secret changed");
            }
            out.push_str("<div class=\"lines\">");
            lines.iter().for_each(|diff_line| line(diff_line.kind, &diff_line.text, out));
            out.push_str("</div>");
        }
        DifferenceView::Secret { before, after } => note(secret(*before, *after)),
        DifferenceView::Checksum => note("checksum changed"),
        DifferenceView::RenamedReference(name) => note(&format!("name of <code>{}</code> changed", markup(name))),
    }
    out.push_str("</div>\n");
}

fn values(old: Option<&str>, new: Option<&str>, out: &mut String) {
    out.push_str("<div class=\"lines\">");
    for (kind, value) in [(LineKind::Removed, old), (LineKind::Added, new)] {
        value.into_iter().for_each(|value| line(kind, value, out));
    }
    out.push_str("</div>");
}

/// A line with a sign, so that the change is visible without colours.
fn line(kind: LineKind, text: &str, out: &mut String) {
    let (class, sign) = match kind {
        LineKind::Same => ("", " "),
        LineKind::Removed => (" class=\"removed\"", "−"),
        LineKind::Added => (" class=\"added\"", "+"),
        LineKind::Gap => ("", "…"),
    };
    let _ = write!(out, "<div{class}>{sign} {}</div>", markup(text));
}
