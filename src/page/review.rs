//! The page of a comparison: what changes, what applying it will do, and every field.

use std::fmt::Write as _;

use crate::diff::show::{Shown, ShownField, ShownWhat, State, Tag};
use crate::diff::{BundleDiff, Group, alike, groups, secret};
use crate::finding::Severity;
use crate::page::{chip, page, picture_of, words};
use crate::report::markup;
use crate::suggest;
use crate::updates::Effect;

/// The page of bundles that were compared. It needs no script.
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
                if bundles.len() == 1 { "Field by field".to_owned() } else { markup(&group.name(bundles.len())) },
                suggest::count(group.changes.len(), "object")
            );
            for set in alike(&group.changes) {
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
        (0, [_]) => "Nothing changes".to_owned(),
        (0, _) => format!("None of {} changes", suggest::count(bundles.len(), "bundle")),
        // Two files that are compared.
        (_, [one]) if one.environment.is_empty() => one.title(),
        (_, [one]) => format!("{} changes", one.title()),
        (1, _) => format!("1 of {} changes", suggest::count(bundles.len(), "bundle")),
        _ => format!("{changed} of {} change", suggest::count(bundles.len(), "bundle")),
    }
}

fn header(title: &str, groups: &[Group<'_>], bundles: &[BundleDiff], out: &mut String) {
    let changes = || groups.iter().flat_map(|group| &group.changes);
    let of_state = |state: State| {
        let count = changes().filter(|change| change.state == state).count();
        (count > 0).then(|| format!("{count} {}", state.name()))
    };
    let states: Vec<String> = [State::Changed, State::Added, State::Removed].into_iter().filter_map(of_state).collect();
    let mut facts = Vec::new();
    if !states.is_empty() {
        facts.push(format!("{}: {}", suggest::count(changes().count(), "object"), states.join(", ")));
    }
    if let [one] = bundles {
        facts.push(format!("{} unchanged", one.unchanged));
    }
    let with = |severity: Severity| {
        let worst = |change: &Shown| change.consequences.iter().map(|found| found.severity).max();
        changes().filter(|change| worst(change) == Some(severity)).count()
    };
    let pods = changes().filter(|change| change.effect == Some(Effect::Pods)).count();
    let (rejected, warned) = (with(Severity::Error), with(Severity::Warning));
    let act = if warned == 1 { "1 object needs" } else { &format!("{warned} objects need") };
    let tally = [
        chip(rejected, &format!("{} cannot be applied", suggest::count(rejected, "object")), "error"),
        chip(warned, &format!("{act} action"), "warning"),
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

/// What changes, a row for objects in which the same differs; the name of each leads to its fields.
fn table(groups: &[Group<'_>], of: usize, out: &mut String) {
    out.push_str(
        "<section>\n<table class=\"changes\">\n<thead><tr><th scope=\"col\">Object</th><th scope=\"col\">Change</th>\
         <th scope=\"col\">What <code>kubectl apply</code> will do</th></tr></thead>\n",
    );
    let mut number = 0;
    for group in groups {
        let state =
            group.state().map(|state| format!(" <span class=\"quiet\">{}</span>", markup(&state))).unwrap_or_default();
        out.push_str("<tbody>\n");
        // What is alone has its name above all.
        if of > 1 || !state.is_empty() {
            let _ = writeln!(
                out,
                "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"3\">{}{state}</th></tr>",
                markup(&group.name(of))
            );
        }
        for set in alike(&group.changes) {
            let titles: Vec<String> = set.iter().map(|change| markup(&change.title())).collect();
            let _ = writeln!(
                out,
                "<tr><td><a href=\"#c{number}\">{}</a></td><td>{} {}</td><td>{}</td></tr>",
                titles.join("<br/>"),
                state_of(set[0]),
                summary(set[0]),
                effects(set[0])
            );
            number += 1;
        }
        out.push_str("</tbody>\n");
    }
    out.push_str("</table>\n</section>\n");
}

fn state_of(change: &Shown) -> String {
    let (class, name) = match change.state {
        State::Changed if change.is_equivalent() => ("quiet", "equivalent"),
        state => (state.name(), state.name()),
    };
    format!("<span class=\"state {class}\">{name}</span>")
}

/// How many fields differ, and how the object came to another name.
fn summary(change: &Shown) -> String {
    let mut parts = Vec::new();
    if let Some(renamed) = change.renamed {
        parts.push(renamed.to_string());
    }
    if !change.fields.is_empty() {
        parts.push(suggest::count(change.fields.len(), "field"));
    }
    format!("<span class=\"quiet\">{}</span>", parts.join(", "))
}

fn effects(change: &Shown) -> String {
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

/// Objects in which the same differs, with every field.
fn details(number: usize, set: &[&Shown], out: &mut String) {
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
    // A whole object that is new is long, and says little.
    let open = if change.state == State::Changed { " open=\"\"" } else { "" };
    let _ = writeln!(
        out,
        "<details class=\"change\" id=\"c{number}\"{open}>\n<summary>{} {} {} <span class=\"quiet\">{}</span></summary>",
        picture_of(&change.object.kind),
        titles.join(", "),
        state_of(change),
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
    for shown in &change.fields {
        field(shown, out);
    }
    if !change.text.is_empty() {
        out.push_str("<div class=\"lines\">");
        change.text.lines().for_each(|text| line(Tag::Added, text, out));
        out.push_str("</div>\n");
    }
    out.push_str("</details>\n");
}

fn field(field: &ShownField, out: &mut String) {
    let note = if field.equivalent { " <span class=\"quiet\">stored alike</span>" } else { "" };
    let _ = write!(out, "<div class=\"field\"><code>{}</code>{note}", markup(&field.path));
    let mut said = |text: &str| _ = write!(out, " <span class=\"quiet\">{text}</span>");
    match &field.what {
        ShownWhat::Values { old, new } => values(old.as_deref(), new.as_deref(), out),
        ShownWhat::Order { old, new } => {
            said("in another order");
            values(Some(old), Some(new), out);
        }
        ShownWhat::Block { added, text } => {
            out.push_str("<div class=\"lines\">");
            let tag = if *added { Tag::Added } else { Tag::Removed };
            text.lines().for_each(|text| line(tag, text, out));
            out.push_str("</div>");
        }
        ShownWhat::Text { lines, secret, .. } => {
            if *secret {
                said("a secret in it changes");
            }
            out.push_str("<div class=\"lines\">");
            lines.iter().for_each(|shown| line(shown.tag, &shown.text, out));
            out.push_str("</div>");
        }
        ShownWhat::Secret { was, is } => said(secret(*was, *is)),
        ShownWhat::Checksum => said("another checksum"),
        ShownWhat::Follows(name) => said(&format!("the new name of <code>{}</code>", markup(name))),
    }
    out.push_str("</div>\n");
}

fn values(old: Option<&str>, new: Option<&str>, out: &mut String) {
    out.push_str("<div class=\"lines\">");
    for (tag, value) in [(Tag::Removed, old), (Tag::Added, new)] {
        value.into_iter().for_each(|value| line(tag, value, out));
    }
    out.push_str("</div>");
}

/// A line with its sign, which says without a colour what becomes of it.
fn line(tag: Tag, text: &str, out: &mut String) {
    let (class, sign) = match tag {
        Tag::Same => ("", " "),
        Tag::Removed => (" class=\"removed\"", "−"),
        Tag::Added => (" class=\"added\"", "+"),
        Tag::Gap => ("", "…"),
    };
    let _ = write!(out, "<div{class}>{sign} {}</div>", markup(text));
}
