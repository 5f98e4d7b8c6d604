//! What the tool says about itself: rules, completions, the manual page.

use std::fmt::Write as _;

use anyhow::bail;
use clap::CommandFactory;

use crate::check::rules::elsewhere::ELSEWHERE;
use crate::check::{Family, Rule, rules};
use crate::cli::Outcome;
use crate::cli::args::{Args, Rules};
use crate::cli::output::{self, Output};
use crate::suggest;

pub(super) fn rules(args: &Rules, output: &mut Output) -> anyhow::Result<Outcome> {
    match &args.id {
        Some(id) => {
            let rule = rules::ALL.iter().find(|rule| rule.id == id).map(|rule| explain(rule));
            let elsewhere = || ELSEWHERE.iter().find(|row| row.id == id);
            let text = rule.or_else(|| elsewhere().map(|row| format!("error[{id}]: {}\n\n{}\n", row.summary, row.doc)));
            let Some(text) = text else {
                match suggest::nearest(id, rules::ids()) {
                    Some(near) => bail!("no rule `{id}`; did you mean `{near}`?"),
                    None => bail!("no rule `{id}`; `plimsoll rules` lists them"),
                }
            };
            output.result(&text)?;
        }
        None => output.result(&table(args.family.as_deref()))?,
    }
    Ok(Outcome::Fine)
}

/// What is listed under this no rule makes: reading, profiles, promises, changes.
const ELSEWHERE_TITLE: &str = "found elsewhere";

/// All rules, a line each, by family.
fn table(only: Option<&str>) -> String {
    let width = rules::ALL.iter().map(|rule| rule.id.len()).max().unwrap_or_default();
    let mut out = String::new();
    for family in Family::ALL.into_iter().filter(|family| only.is_none_or(|only| family.name() == only)) {
        _ = writeln!(out, "{}{}", if out.is_empty() { "" } else { "\n" }, family.name());
        for rule in rules::ALL.iter().filter(|rule| rule.family == family) {
            _ = writeln!(out, "  {:width$}  {:7}  {}", rule.id, rule.severity.name(), rule.summary);
        }
    }
    if only.is_none() {
        _ = writeln!(out, "\n{ELSEWHERE_TITLE}");
        for row in ELSEWHERE {
            _ = writeln!(out, "  {:width$}  error    {}", row.id, row.summary);
        }
    }
    out
}

/// One rule in full.
fn explain(rule: &Rule) -> String {
    let mut out = format!("{}[{}] ({}): {}\n\n", rule.severity.name(), rule.id, rule.family.name(), rule.summary);
    rule.doc.trim().lines().for_each(|line| wrap(line, output::width().clamp(40, 100), &mut out));
    for (title, example) in [("It fires on:", rule.bad), ("It is silent on:", rule.good)] {
        if !example.is_empty() {
            _ = writeln!(out, "\n{title}\n");
            example.trim_end().lines().for_each(|line| _ = writeln!(out, "    {line}"));
        }
    }
    out
}

/// Adds a line of prose, broken between words so that it is at most `width` characters wide.
fn wrap(line: &str, width: usize, out: &mut String) {
    let mut column = 0;
    for word in line.split(' ') {
        let length = word.chars().count();
        if column > 0 {
            let breaks = column + 1 + length > width;
            out.push(if breaks { '\n' } else { ' ' });
            column = if breaks { 0 } else { column + 1 };
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
}

/// The rules as a Markdown page, `docs/rules.md`.
#[must_use]
pub fn rules_page() -> String {
    let mut out = String::from("# Rules\n\nMade from the rules themselves; `plimsoll rules <id>` prints the same.\n");
    for family in Family::ALL {
        _ = writeln!(out, "\n## {}\n\n| rule | severity | fault |\n| --- | --- | --- |", family.name());
        for rule in rules::ALL.iter().filter(|rule| rule.family == family) {
            let (id, severity) = (rule.id, rule.severity.name());
            _ = writeln!(out, "| [{id}](#{id}) | {severity} | {} |", rule.summary.replace('|', "\\|"));
        }
    }
    _ = writeln!(out, "\n## {ELSEWHERE_TITLE}\n\n| finding | fault | |\n| --- | --- | --- |");
    for row in ELSEWHERE {
        let cell = |text: &str| text.replace('|', "\\|");
        _ = writeln!(out, "| {} | {} | {} |", row.id, cell(row.summary), cell(row.doc));
    }
    for rule in rules::ALL {
        _ = writeln!(
            out,
            "\n### {}\n\n{} ({}): {}\n\n{}",
            rule.id,
            rule.severity.name(),
            rule.family.name(),
            rule.summary,
            rule.doc.trim()
        );
        for (title, example) in [("It fires on:", rule.bad), ("It is silent on:", rule.good)] {
            if !example.is_empty() {
                _ = writeln!(out, "\n{title}\n\n```yaml\n{}\n```", example.trim_end());
            }
        }
    }
    out
}

pub(super) fn completions(shell: clap_complete::Shell, output: &mut Output) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "plimsoll", &mut script);
    output.result(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::Fine)
}

pub(super) fn man(output: &mut Output) -> anyhow::Result<Outcome> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Args::command()).render(&mut page)?;
    output.result(&String::from_utf8_lossy(&page))?;
    Ok(Outcome::Fine)
}
