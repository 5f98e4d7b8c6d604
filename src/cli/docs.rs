//! The tool's own documentation: rules, completions, the manual page.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, bail};
use clap::CommandFactory;

use crate::check::{Rule, rules};
use crate::cli::args::{Args, Rules};
use crate::cli::outcome::Outcome;
use crate::cli::output::{self, Output};
use crate::finding::{Family, RuleId};
use crate::formats::version::Version;
use crate::service::{Description, Services};
use crate::software;
use crate::suggest;

pub(super) fn rules(args: &Rules, output: &mut Output) -> anyhow::Result<Outcome> {
    if let Some(folder) = &args.output {
        let pages = rule_pages();
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        for (name, page) in &pages {
            let path = folder.join(name);
            fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
        }
        output.message(&format!("{} written to {}", suggest::count(pages.len(), "page"), folder.display()));
        return Ok(Outcome::Fine);
    }
    match &args.id {
        Some(id) => {
            let Some(id) = RuleId::find(id) else {
                match suggest::nearest(id, RuleId::names()) {
                    Some(near) => bail!("unknown rule `{id}`; did you mean `{near}`?"),
                    None => bail!("unknown rule `{id}`; run `plimsoll rules` for a list"),
                }
            };
            output.result(&explain(id))?;
        }
        None if args.software => output.result(&known_page())?,
        None => output.result(&table(args.family.as_deref()))?,
    }
    Ok(Outcome::Fine)
}

/// The title of findings without a rule: of reading, profiles, expected objects and changes.
const ELSEWHERE_TITLE: &str = "found elsewhere";

/// All rules by family, one on each line.
fn table(only: Option<&str>) -> String {
    let width = RuleId::names().map(str::len).max().unwrap_or_default();
    let mut out = String::new();
    let all = Family::ALL.into_iter().chain([Family::Status, Family::Elsewhere]);
    for family in all.filter(|family| only.is_none_or(|only| family.name() == only)) {
        let title = if family == Family::Elsewhere { ELSEWHERE_TITLE } else { family.name() };
        _ = writeln!(out, "{}{title}", if out.is_empty() { "" } else { "\n" });
        for id in of_family(family) {
            _ = writeln!(out, "  {:width$}  {:7}  {}", id.name(), id.severity().name(), id.summary());
        }
    }
    out
}

/// The ids of a family.
fn of_family(family: Family) -> impl Iterator<Item = RuleId> {
    RuleId::ALL.iter().copied().filter(move |id| id.family() == family)
}

/// The rule with an id, if there is one.
fn rule_of(id: RuleId) -> Option<&'static Rule> {
    rules::ALL.iter().copied().find(|rule| rule.id == id)
}

/// The documentation of a rule as Markdown; empty if its summary is complete.
pub(super) fn documentation(id: RuleId) -> String {
    markdown(id, "##")
}

/// The documentation of a rule, each section under a heading of a level.
fn markdown(id: RuleId, level: &str) -> String {
    let Some(rule) = rule_of(id) else { return id.documentation().trim().to_owned() };
    let sections = rule.doc.sections().into_iter().filter(|(_, text)| !text.is_empty());
    sections.map(|(title, text)| format!("{level} {title}\n\n{text}\n")).collect::<Vec<_>>().join("\n")
}

/// One rule in full.
fn explain(id: RuleId) -> String {
    let (level, summary) = (id.severity().name(), id.summary());
    let Some(rule) = rule_of(id) else {
        let documentation = format!("{level}[{id}]: {summary}\n\n{}", id.documentation());
        return documentation.trim_end().to_owned() + "\n";
    };
    let mut out = format!("{level}[{id}] ({}): {summary}\n", id.family().name());
    for (title, text) in rule.doc.sections().into_iter().filter(|(_, text)| !text.is_empty()) {
        _ = writeln!(out, "\n{title}:");
        wrap(text, output::width().clamp(40, 100), &mut out);
    }
    for (title, example) in [("Reported", rule.bad), ("Not reported", &rule.good())] {
        if !example.is_empty() {
            _ = writeln!(out, "\n{title}:");
            example.trim_end().lines().for_each(|line| _ = writeln!(out, "  {line}"));
        }
    }
    out
}

/// Adds Markdown, indented, with paragraphs and list items wrapped at a width.
fn wrap(text: &str, width: usize, out: &mut String) {
    let mut column = 0;
    for line in text.lines() {
        let starts = line.is_empty() || line.starts_with(['-', '|', ' ']);
        if column > 0 && starts {
            out.push('\n');
            column = 0;
        }
        if line.is_empty() {
            out.push('\n');
        }
        for word in line.split(' ').filter(|word| !word.is_empty()) {
            let length = word.chars().count();
            if column > 0 && column + 1 + length > width {
                out.push('\n');
                column = 0;
            }
            out.push_str(if column == 0 { "  " } else { " " });
            out.push_str(word);
            column += length + if column == 0 { 2 } else { 1 };
        }
    }
    out.push('\n');
}

/// The known services and public images as Markdown, for `docs/services.md`.
#[must_use]
pub fn known_page() -> String {
    let mut out = String::from(
        "## Known software\n\nGenerated from `services/` and `software/`; `plimsoll rules --software` prints it.\n\n",
    );
    out.push_str(
        "| service | images | forms of its config | client of | permissions |\n| --- | --- | --- | --- | --- |\n",
    );
    let code = |texts: &[String]| texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ");
    for service in Services::default().iter().map(Description::service) {
        let dialects: Vec<String> = service
            .dialects
            .iter()
            .map(|dialect| format!("{} ({} keys)", dialect.name, dialect.config.len()))
            .collect();
        let mut servers: Vec<&str> =
            service.dialects.iter().flat_map(|dialect| &dialect.clients).map(|client| client.of.as_str()).collect();
        servers.sort_unstable();
        servers.dedup();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            service.name,
            code(&service.recognize.images),
            dialects.join(", "),
            servers.join(", "),
            service.permissions.iter().map(|permission| permission.resources.len()).sum::<usize>(),
        );
    }
    out.push_str("\n| software | images | requires | rejects | user | ports | data |\n| --- | --- | --- | --- | --- | --- | --- |\n");
    for software in software::all() {
        let versions = |since: Option<&Version>, until: Option<&Version>| match (since, until) {
            (None, None) => String::new(),
            (Some(since), None) => format!(" (from {since})"),
            (None, Some(until)) => format!(" (to {until})"),
            (Some(since), Some(until)) => format!(" ({since} to {until})"),
        };
        let list = |items: Vec<String>| items.join(", ");
        let needs = software.required.iter().map(|need| {
            let what = need.what.split(':').next().unwrap_or_default();
            format!("[{what}]({}){}", need.source, versions(need.since.as_ref(), need.until.as_ref()))
        });
        let command = software.interactive.then(|| "a command".to_owned());
        let refused = software.refused.iter().map(|refusal| {
            let value = refusal.value.as_ref().map(|value| format!("={value}")).unwrap_or_default();
            let length = refusal.min_length.map(|least| format!(" shorter than {least}")).unwrap_or_default();
            let versions = versions(refusal.since.as_ref(), refusal.until.as_ref());
            format!("[`{}{value}`]({}){length}{versions}", refusal.env, refusal.source)
        });
        let users = software
            .users
            .iter()
            .map(|user| format!("{}{}", user.image, versions(user.since.as_ref(), user.until.as_ref())));
        let data = software
            .data
            .iter()
            .map(|folder| format!("`{}`{}", folder.path, versions(folder.since.as_ref(), folder.until.as_ref())));
        let name = software.sources.first().map_or(software.name.clone(), |url| format!("[{}]({url})", software.name));
        let images = if software.images.is_empty() { &software.derived } else { &software.images };
        let _ = writeln!(
            out,
            "| {name} | {} | {} | {} | {} | {} | {} |",
            code(images),
            list(needs.chain(command).collect()),
            list(refused.collect()),
            list(users.collect()),
            list(software.ports.iter().map(u16::to_string).collect()),
            list(data.collect()),
        );
    }
    out
}

/// The rules as a Markdown page, `docs/rules.md`.
#[must_use]
pub fn rules_page() -> String {
    let cell = |text: &str| text.replace('|', "\\|");
    let mut out =
        String::from("# Rules\n\nGenerated from the rules; `plimsoll rules ID` prints the documentation of one.\n");
    for family in Family::ALL {
        _ = writeln!(out, "\n## {}\n\n| rule | severity | fault |\n| --- | --- | --- |", family.name());
        for id in of_family(family) {
            _ = writeln!(out, "| [{id}](#{id}) | {} | {} |", id.severity().name(), cell(id.summary()));
        }
    }
    let found_by = "Why what was applied is not ready, as `plimsoll status` and `up` find it.";
    _ = writeln!(out, "\n## status\n\n{found_by}\n\n| finding | severity | cause |\n| --- | --- | --- |");
    for id in of_family(Family::Status) {
        _ = writeln!(out, "| {id} | {} | {} |", id.severity().name(), cell(id.summary()));
    }
    _ = writeln!(out, "\n## {ELSEWHERE_TITLE}\n\n| finding | fault | |\n| --- | --- | --- |");
    for id in of_family(Family::Elsewhere) {
        _ = writeln!(out, "| {id} | {} | {} |", cell(id.summary()), cell(id.documentation()));
    }
    for rule in rules::ALL {
        _ = write!(out, "\n### {}\n\n{}", rule.id, in_full(rule.id, "####"));
    }
    out
}

/// The page of a finding below its title; `level` is that of the headings.
fn in_full(id: RuleId, level: &str) -> String {
    let mut out = format!("{} ({}): {}\n", id.severity().name(), id.family().name(), id.summary());
    let documentation = markdown(id, level);
    if !documentation.is_empty() {
        _ = writeln!(out, "\n{}", documentation.trim_end());
    }
    let Some(rule) = rule_of(id) else { return out };
    let examples = [("Reported", rule.bad), ("Not reported", &rule.good())];
    for (title, example) in examples.into_iter().filter(|(_, example)| !example.is_empty()) {
        _ = writeln!(out, "\n{level} {title}\n\n```yaml\n{}\n```", example.trim_end());
    }
    out
}

/// The pages of a site: one for each finding, one for each family, and mdBook's `SUMMARY.md`.
fn rule_pages() -> Vec<(String, String)> {
    let cell = |text: &str| text.replace('|', "\\|");
    let mut pages = Vec::new();
    let mut summary = String::new();
    for family in Family::ALL.into_iter().chain([Family::Status, Family::Elsewhere]) {
        let (name, title) = match family {
            Family::Elsewhere => ("elsewhere", ELSEWHERE_TITLE),
            family => (family.name(), family.name()),
        };
        _ = writeln!(summary, "- [{title}]({name}.md)");
        let mut page = format!("# Rules: {title}\n\n| rule | severity | fault |\n| --- | --- | --- |\n");
        for id in of_family(family) {
            _ = writeln!(page, "| [{id}]({id}.md) | {} | {} |", id.severity().name(), cell(id.summary()));
            _ = writeln!(summary, "  - [{id}]({id}.md)");
            pages.push((format!("{id}.md"), format!("# {id}\n\n{}", in_full(id, "##"))));
        }
        pages.push((format!("{name}.md"), page));
    }
    pages.push(("SUMMARY.md".to_owned(), summary));
    pages
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
