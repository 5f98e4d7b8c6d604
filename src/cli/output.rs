//! Where a command writes: its result to stdout, all else to stderr.

use std::cell::RefCell;
use std::fs;
use std::io::{self, IsTerminal, Write};

use anstream::ColorChoice;
use anyhow::Context;

use crate::cli::Outcome;
use crate::cli::args::ReportTo;
use crate::finding::{Failure, Finding};
use crate::report::{self, Format, Mask};
use crate::source::Sources;

const STDOUT: &str = "cannot write the result";

/// The two streams of a run.
pub(super) struct Output {
    choice: ColorChoice,
    stdout: io::BufWriter<io::Stdout>,
    /// Where findings go beside stderr, or instead.
    report: Option<(ReportTo, RefCell<Vec<Finding>>)>,
}

impl Output {
    pub(super) fn new(choice: ColorChoice) -> Self {
        Self { choice, stdout: io::BufWriter::with_capacity(64 * 1024, io::stdout()), report: None }
    }

    /// Writes a part of the result.
    pub(super) fn result(&mut self, text: &str) -> anyhow::Result<()> {
        self.stdout.write_all(text.as_bytes()).context(STDOUT)
    }

    /// Writes out what is held back.
    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        self.stdout.flush().context(STDOUT)
    }

    /// Tells a person something that is not the result. A closed stderr is no reason to fail.
    pub(super) fn message(&self, text: &str) {
        // Names of files and arguments stand in it.
        let lines: Vec<String> = text.trim_end_matches('\n').split('\n').map(report::plain).collect();
        _ = writeln!(io::stderr().lock(), "{}", lines.join("\n"));
    }

    /// From now on collects findings for a report.
    pub(super) fn collect(&mut self, to: ReportTo) {
        self.report = Some((to, RefCell::default()));
    }

    /// Writes the report of what was collected.
    pub(super) fn write_report(&mut self, sources: &Sources) -> anyhow::Result<()> {
        let Some((to, findings)) = self.report.take() else { return Ok(()) };
        if to.file.is_none() && to.format == Format::Human {
            return Ok(());
        }
        let mut findings = findings.into_inner();
        report::sort(sources, &mut findings);
        let text = to.format.write(sources, &findings, &Mask::new(sources), false, width());
        match &to.file {
            Some(path) => fs::write(path, text).with_context(|| format!("cannot write {}", path.display())),
            None => io::stderr().lock().write_all(text.as_bytes()).context("cannot write the report"),
        }
    }

    /// Tells findings on stderr, with excerpts.
    pub(super) fn findings(&self, sources: &Sources, findings: &[Finding], mask: &Mask) {
        if findings.is_empty() {
            return;
        }
        if let Some((to, collected)) = &self.report {
            collected.borrow_mut().extend(findings.iter().map(|finding| masked(finding, mask)));
            if to.file.is_none() && to.format != Format::Human {
                return;
            }
        }
        let text = report::human(sources, findings, mask, self.colours(&io::stderr()), width());
        _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Tells why a command has no result.
    pub(super) fn failure(&self, sources: &Sources, failure: &Failure) -> Outcome {
        let mut findings = failure.findings().to_vec();
        report::sort(sources, &mut findings);
        self.findings(sources, &findings, &Mask::new(sources));
        match failure {
            Failure::Findings(_) => Outcome::Objections,
            Failure::Unable(_) => Outcome::Unable,
        }
    }

    /// Whether the result goes out in colour.
    pub(super) fn colour(&self) -> bool {
        self.colours(&io::stdout())
    }

    fn colours(&self, stream: &(impl anstream::stream::RawStream + IsTerminal)) -> bool {
        let choice = match self.choice {
            ColorChoice::Auto => anstream::AutoStream::choice(stream),
            choice => choice,
        };
        choice != ColorChoice::Never
    }
}

/// A finding whose words are safe without the mask of its bundle.
fn masked(finding: &Finding, mask: &Mask) -> Finding {
    let mut finding = finding.clone();
    for words in [&mut finding.message, &mut finding.label, &mut finding.help] {
        *words = mask.words(words);
    }
    finding.related.iter_mut().for_each(|(_, words)| *words = mask.words(words));
    finding
}

/// The columns that `COLUMNS` asks for, else the terminal's; where there is none, a width that reads well.
pub(super) fn width() -> usize {
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    asked.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))).unwrap_or(140)
}

/// Whether the reader of the result has gone away, which is its right.
pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
