//! The report as text for a terminal, as Markdown and as JSON.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::report::{Outlier, PartComparison, PartRow, Report, ValueRow};
use crate::report::{plain, plain_json};
use crate::suggest;

/// Further findings of a copy are counted, not listed.
const MAX_FINDINGS: usize = 8;

/// Further rows of a table are counted, not listed, on a terminal.
const MAX_ROWS: usize = 60;

impl Report {
    /// The report for a terminal of this width.
    #[must_use]
    pub fn human(&self, width: usize, _colour: bool) -> String {
        let mut text = format!("{}\n", self.headline());
        for odd in &self.outliers {
            _ = writeln!(text, "\n{}", odd.copies.join(", "));
            for (words, parts) in self.deviations(odd) {
                text.push_str(&wrapped(&format!("  {words} "), &parts, width));
            }
        }
        if !self.parts.is_empty() {
            text.push_str("\nParts that differ between the copies\n");
            text.push_str(&self.parts_table(width));
            text.push_str(&more(self.parts.len()));
        }
        if !self.values.is_empty() {
            text.push_str(if self.is_single() { "\nFields\n" } else { "\nValues that differ\n" });
            let mut rows = vec![self.value_heading("")];
            rows.extend(self.values.iter().take(MAX_ROWS).map(|row| self.value_cells(row, "·")));
            if self.is_single() {
                rows.remove(0);
            }
            text.push_str(&self.table(&rows, width));
            text.push_str(&more(self.values.len()));
        }
        text.push_str("\nChecks\n");
        for checked in &self.checks {
            _ = writeln!(text, "  {}: {}", checked.copy, counts(checked.counts));
            for [severity, rule, object, message] in checked.findings.iter().take(MAX_FINDINGS) {
                _ = writeln!(text, "    {severity}[{rule}] {object}: {message}");
            }
            text.push_str(&more_findings(checked.findings.len()));
        }
        for (copy, external) in &self.external {
            _ = writeln!(text, "  {copy} depends on {}, which it does not contain", external.join(", "));
        }
        if !self.verbatim.is_empty() {
            text.push_str("\nKept verbatim, because no template can express it\n");
            self.verbatim.iter().for_each(|kept| _ = writeln!(text, "  {kept}"));
        }
        if !self.left_out.is_empty() {
            let fields = self.left_out.join(", ");
            text.push_str(&wrapped("\nLeft out, because only the API server sets it: ", &fields, width));
        }
        _ = writeln!(text, "\n{}", self.proof());
        text.lines().map(|line| plain(line) + "\n").collect()
    }

    fn headline(&self) -> String {
        let figures = &self.figures;
        let names = match self.copies.as_slice() {
            many if many.len() > 8 => String::new(),
            copies => format!(" ({})", copies.join(", ")),
        };
        let objects = suggest::count(figures.objects, "object");
        let copies = match self.copies.len() {
            1 => "1 copy".to_owned(),
            number => format!("{number} copies"),
        };
        let common = if self.copies.len() > 1 { format!(", {} in every copy", figures.common) } else { String::new() };
        format!("{copies}{names} with {objects}{common}")
    }

    fn proof(&self) -> String {
        let figures = &self.figures;
        let profiles = match self.copies.len() {
            1 => "the profile renders to objects equal to its copy".to_owned(),
            number => format!("each of the {number} profiles renders to objects equal to its copy"),
        };
        let fields = suggest::count(figures.fields, "field");
        let lines = suggest::count(figures.template_lines, "line");
        if self.is_single() {
            return format!("Verified: {profiles}. {fields} in the base, {lines} of templates.");
        }
        let values = suggest::count(figures.values, "value");
        let leaves = match figures.differing_leaves {
            1 => "1 differing leaf".to_owned(),
            number => format!("{number} differing leaves"),
        };
        format!(
            "Verified: {profiles}. {fields} in the base, {values} in all profiles together for {leaves}, {lines} of templates."
        )
    }

    fn heading(&self, first: &str) -> Vec<String> {
        std::iter::once(first.to_owned()).chain(self.copies.iter().cloned()).collect()
    }

    /// How outliers differ from the other copies, each as a phrase and a list.
    fn deviations(&self, odd: &Outlier) -> Vec<(&'static str, String)> {
        let one = odd.copies.len() == 1;
        let [lacks, alone] = match (one, self.copies.len() > 2) {
            (true, true) => ["lacks", "is the only one with"],
            (true, false) => ["lacks", "also has"],
            (false, _) => ["lack", "are the only ones with"],
        };
        let all = [
            (lacks, odd.lacks.join("; ")),
            (alone, odd.alone.join("; ")),
            ("has its own value of", odd.differs.join(", ")),
        ];
        all.into_iter().filter(|(_, parts)| !parts.is_empty()).collect()
    }

    fn is_single(&self) -> bool {
        self.copies.len() == 1
    }

    /// The heading of the table of values; a single copy has only the base's column.
    fn value_heading(&self, first: &str) -> Vec<String> {
        let copies = if self.is_single() { &[] } else { self.copies.as_slice() };
        [first.to_owned(), "base".to_owned()].into_iter().chain(copies.iter().cloned()).collect()
    }

    fn value_cells(&self, row: &ValueRow, as_base: &str) -> Vec<String> {
        let copies = if self.is_single() { &[] } else { row.values.as_slice() };
        let values = copies.iter().map(|value| value.clone().unwrap_or_else(|| as_base.to_owned()));
        [row.field.clone(), row.base.clone().unwrap_or_default()].into_iter().chain(values).collect()
    }

    /// The parts and which copies have them; with symbols and numbered columns if words are too wide.
    fn parts_table(&self, width: usize) -> String {
        let row = |row: &PartRow, cell: fn(PartComparison, bool) -> &'static str| -> Vec<String> {
            let name = if row.object { row.name.clone() } else { format!("  {}", row.name) };
            let cells = row.cells.iter().map(|found| cell(*found, row.object).to_owned());
            std::iter::once(name).chain(cells).collect()
        };
        let rows = self.parts.iter().take(MAX_ROWS);
        let mut wide = vec![self.heading("")];
        wide.extend(rows.clone().map(|found| row(found, cell_text)));
        let numbers = (1..=self.copies.len()).map(|number| number.to_string());
        let mut narrow = vec![std::iter::once(String::new()).chain(numbers).collect::<Vec<_>>()];
        narrow.extend(rows.map(|found| row(found, cell_sign)));
        if row_width(&wide) <= width || row_width(&narrow) > width {
            return self.table(&wide, width);
        }
        let names: Vec<String> =
            self.copies.iter().enumerate().map(|(at, copy)| format!("{}\u{a0}{copy}", at + 1)).collect();
        let mut text = "  = same as most, ~ differs, + has, - lacks\n".to_owned();
        text.push_str(&wrapped("  ", &names.join("  "), width).replace('\u{a0}', " "));
        text + &self.table(&narrow, width)
    }

    /// Rows in columns, or one line per row if they are too wide.
    fn table(&self, rows: &[Vec<String>], width: usize) -> String {
        let widths = column_widths(rows);
        let mut text = String::new();
        if row_width(rows) <= width {
            for row in rows {
                let mut line = "  ".to_owned();
                for (cell, width) in row.iter().zip(&widths) {
                    line.push_str(cell);
                    line.extend(std::iter::repeat_n(' ', width + 2 - cell.chars().count()));
                }
                _ = writeln!(text, "{}", line.trim_end());
            }
            return text;
        }
        let Some((heading, rows)) = rows.split_first() else { return text };
        for row in rows {
            let mut parts: Vec<(String, Vec<&str>)> = Vec::new();
            for (name, cell) in heading.iter().zip(row).skip(1).filter(|(_, cell)| !cell.is_empty() && *cell != "·") {
                match parts.iter_mut().find(|(value, _)| value == cell) {
                    Some((_, names)) => names.push(name),
                    None => parts.push((cell.clone(), vec![name])),
                }
            }
            parts.sort_by_key(|(_, names)| std::cmp::Reverse(names.len()));
            let parts: Vec<String> = parts
                .into_iter()
                .map(|(value, names)| match names.len() {
                    many if many > 6 => format!("{value} in {many} copies"),
                    _ => format!("{value} in {}", names.join(", ")),
                })
                .collect();
            text.push_str(&wrapped(&format!("  {}: ", row[0].trim()), &parts.join("; "), width));
        }
        text
    }

    /// The report as Markdown, for a pull request or a page.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("### {}\n", cell_markdown(&self.headline()));
        for odd in &self.outliers {
            let copies = odd.copies.join(", ");
            _ = writeln!(text, "\n**{}**\n", cell_markdown(&copies));
            for (words, parts) in self.deviations(odd) {
                _ = writeln!(text, "- {words} {}", cell_markdown(&parts));
            }
        }
        if !self.parts.is_empty() {
            let mut heading = self.heading("part");
            _ = write!(text, "\n{}", markdown_row(&heading));
            heading.iter_mut().for_each(|cell| "---".clone_into(cell));
            text.push_str(&markdown_row(&heading));
            for row in &self.parts {
                let name = if row.object { format!("**{}**", row.name) } else { row.name.clone() };
                let cells = row.cells.iter().map(|cell| cell_text(*cell, row.object).to_owned());
                text.push_str(&markdown_row(&std::iter::once(name).chain(cells).collect::<Vec<_>>()));
            }
        }
        if !self.values.is_empty() {
            let mut heading = self.value_heading("field");
            _ = write!(text, "\n{}", markdown_row(&heading));
            heading.iter_mut().for_each(|cell| "---".clone_into(cell));
            text.push_str(&markdown_row(&heading));
            for row in &self.values {
                text.push_str(&markdown_row(&self.value_cells(row, "")));
            }
        }
        text.push('\n');
        for checked in &self.checks {
            _ = writeln!(text, "- check of **{}**: {}", cell_markdown(&checked.copy), counts(checked.counts));
            for [severity, rule, object, message] in checked.findings.iter().take(MAX_FINDINGS) {
                _ = writeln!(text, "  - {severity} `{rule}` {}: {}", cell_markdown(object), cell_markdown(message));
            }
        }
        for (copy, external) in &self.external {
            _ = writeln!(
                text,
                "- **{}** depends on {}, which it does not contain",
                cell_markdown(copy),
                cell_markdown(&external.join(", "))
            );
        }
        for kept in &self.verbatim {
            _ = writeln!(text, "- kept verbatim: {}", cell_markdown(kept));
        }
        if !self.left_out.is_empty() {
            let fields = cell_markdown(&self.left_out.join(", "));
            _ = writeln!(text, "- left out, because only the API server sets it: {fields}");
        }
        _ = writeln!(text, "\n{}", self.proof());
        text
    }

    /// The report as a JSON document.
    #[must_use]
    pub fn json(&self) -> String {
        let copies = &self.copies;
        let by_copy = |cells: Vec<Json>| -> Json { Json::Object(copies.iter().cloned().zip(cells).collect()) };
        let parts: Vec<Json> = self
            .parts
            .iter()
            .map(|row| {
                let name = |cell: &PartComparison| match cell {
                    PartComparison::Has => json!("has"),
                    PartComparison::Differs => json!("differs"),
                    PartComparison::Lacks => json!("lacks"),
                };
                json!({"part": row.name, "object": row.object, "copies": by_copy(row.cells.iter().map(name).collect())})
            })
            .collect();
        let values: Vec<Json> = self
            .values
            .iter()
            .map(|row| {
                let values = row.values.iter().map(|value| json!(value)).collect();
                json!({"field": row.field, "description": row.what, "base": row.base, "copies": by_copy(values)})
            })
            .collect();
        let checks: Vec<Json> = self
            .checks
            .iter()
            .map(|checked| {
                let findings: Vec<Json> = checked
                    .findings
                    .iter()
                    .map(|[severity, rule, object, message]| {
                        json!({"severity": severity, "rule": rule, "object": object, "message": message})
                    })
                    .collect();
                json!({"copy": checked.copy, "errors": checked.counts[0], "warnings": checked.counts[1], "notes": checked.counts[2], "findings": findings})
            })
            .collect();
        let odd: Vec<Json> = self
            .outliers
            .iter()
            .map(|odd| json!({"copies": odd.copies, "lacks": odd.lacks, "alone": odd.alone, "differs": odd.differs}))
            .collect();
        let external: Vec<Json> =
            self.external.iter().map(|(copy, external)| json!({"copy": copy, "external": external})).collect();
        let figures = &self.figures;
        let document = json!({
            "copies": copies,
            "odd": odd,
            "parts": parts,
            "values": values,
            "checks": checks,
            "external": external,
            "verbatim": self.verbatim,
            "leftOut": self.left_out,
            "equal": true,
            "figures": {
                "objects": figures.objects,
                "objectsInEveryCopy": figures.common,
                "fields": figures.fields,
                "differingLeaves": figures.differing_leaves,
                "values": figures.values,
                "templateLines": figures.template_lines,
                "profileLines": figures.profile_lines,
            },
        });
        plain_json(&format!("{document:#}\n"))
    }
}

fn column_widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.first().map_or(0, Vec::len);
    (0..columns).map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or_default()).collect()
}

/// The width of a table with these rows.
fn row_width(rows: &[Vec<String>]) -> usize {
    column_widths(rows).iter().map(|width| width + 2).sum::<usize>() + 2
}

const fn cell_sign(cell: PartComparison, object: bool) -> &'static str {
    match (cell, object) {
        (PartComparison::Has, true) => "=",
        (PartComparison::Has, false) => "+",
        (PartComparison::Differs, _) => "~",
        (PartComparison::Lacks, _) => "-",
    }
}

const fn cell_text(cell: PartComparison, object: bool) -> &'static str {
    match (cell, object) {
        (PartComparison::Has, true) => "same",
        (PartComparison::Has, false) => "yes",
        (PartComparison::Differs, _) => "differs",
        (PartComparison::Lacks, _) => "-",
    }
}

fn counts([errors, warnings, notes]: [usize; 3]) -> String {
    let counts: Vec<String> = [(errors, "error"), (warnings, "warning"), (notes, "note")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, noun)| suggest::count(number, noun))
        .collect();
    if counts.is_empty() { "no findings".to_owned() } else { counts.join(", ") }
}

fn more(rows: usize) -> String {
    if rows > MAX_ROWS { format!("  and {} more; `--output json` has all\n", rows - MAX_ROWS) } else { String::new() }
}

fn more_findings(findings: usize) -> String {
    if findings > MAX_FINDINGS { format!("    and {} more\n", findings - MAX_FINDINGS) } else { String::new() }
}

/// Wraps words at `width` columns. The first line begins with `start`, the others are indented.
fn wrapped(start: &str, words: &str, width: usize) -> String {
    let mut text = start.to_owned();
    let mut column = start.chars().count();
    let mut first = true;
    for word in words.split(' ') {
        let length = word.chars().count();
        if !first && column + 1 + length > width.max(40) {
            text.push_str("\n    ");
            column = 4;
        } else if !first {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
        first = false;
    }
    text.push('\n');
    text
}

fn cell_markdown(text: &str) -> String {
    let mut made = String::new();
    for c in plain(text).chars() {
        if matches!(c, '|' | '<' | '>' | '*' | '_' | '`' | '[' | ']' | '\\' | '#') {
            made.push('\\');
        }
        made.push(c);
    }
    made
}

fn markdown_row(cells: &[String]) -> String {
    let cells: Vec<String> = cells
        .iter()
        .map(|cell| match cell.strip_prefix("**").and_then(|cell| cell.strip_suffix("**")) {
            Some(bold) => format!("**{}**", cell_markdown(bold)),
            None => cell_markdown(cell),
        })
        .collect();
    format!("| {} |\n", cells.join(" | "))
}
