//! The output of a command: results to stdout, everything else to stderr.

use std::cell::RefCell;
use std::fs;
use std::io::{self, IsTerminal, Write};

use anstream::ColorChoice;
use anyhow::Context;

use crate::cli::args::{ReportArgs, ReportTo};
use crate::cli::docs;
use crate::cli::outcome::Outcome;
use crate::finding::{Failure, Finding, Severity};
use crate::report::{self, Format, ReportOptions, Root, Secrets};
use crate::source::Sources;

const STDOUT: &str = "cannot write the result";

/// The two output streams of a run.
pub(super) struct Output {
    choice: ColorChoice,
    stdout: io::BufWriter<io::Stdout>,
    /// The reports that get the findings, besides stderr or instead of it.
    reports: Vec<ReportTo>,
    reported: RefCell<Reported>,
}

/// What is collected for the reports.
#[derive(Default)]
struct Reported {
    /// The findings, with messages that are redacted already.
    findings: Vec<Finding>,
    /// The same, with excerpts for people.
    text: String,
}

impl Output {
    pub(super) fn new(choice: ColorChoice) -> Self {
        Self {
            choice,
            stdout: io::BufWriter::with_capacity(64 * 1024, io::stdout()),
            reports: Vec::new(),
            reported: RefCell::default(),
        }
    }

    /// Writes a part of the result.
    pub(super) fn result(&mut self, text: &str) -> anyhow::Result<()> {
        self.stdout.write_all(text.as_bytes()).context(STDOUT)
    }

    /// Flushes buffered output.
    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        self.stdout.flush().context(STDOUT)
    }

    /// Prints a message that is not the result. Errors are ignored, since stderr may be closed.
    pub(super) fn message(&self, text: &str) {
        // It may contain file names and arguments.
        let lines: Vec<String> = text.trim_end_matches('\n').split('\n').map(report::plain).collect();
        _ = writeln!(io::stderr().lock(), "{}", lines.join("\n"));
    }

    /// Collects findings for these reports from now on.
    pub(super) fn collect(&mut self, to: &ReportArgs) {
        self.reports.clone_from(&to.report);
    }

    /// Collects findings for the reports.
    pub(super) fn keep(&self, sources: &Sources, findings: &[Finding], secrets: &Secrets) {
        if self.reports.is_empty() {
            return;
        }
        let mut kept = self.reported.borrow_mut();
        kept.findings.extend(findings.iter().map(|finding| masked(finding, secrets)));
        if self.reports.iter().any(|to| to.format == Format::Human) {
            kept.text.push_str(&report::human(sources, findings, secrets, false, width()));
        }
    }

    /// Writes the reports of the collected findings. `fail_on`: the lowest severity that fails the command.
    pub(super) fn write_reports(&self, sources: &Sources, fail_on: Severity) -> anyhow::Result<()> {
        if self.reports.is_empty() {
            return Ok(());
        }
        let Reported { mut findings, text } = self.reported.take();
        report::sort(sources, &mut findings);
        let (secrets, options) = (Secrets::new(sources), report_options(fail_on));
        for to in &self.reports {
            let text = match to.format {
                Format::Human => text.clone(),
                format => format.write(sources, &findings, &secrets, &options),
            };
            match &to.file {
                Some(path) => fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?,
                None if to.format == Format::Human => {}
                None => io::stderr().lock().write_all(text.as_bytes()).context("cannot write the report")?,
            }
        }
        Ok(())
    }

    /// Prints findings on stderr, with excerpts.
    pub(super) fn findings(&self, sources: &Sources, findings: &[Finding], secrets: &Secrets) {
        if findings.is_empty() {
            return;
        }
        self.keep(sources, findings, secrets);
        if self.reports.iter().any(|to| to.file.is_none() && to.format != Format::Human) {
            return;
        }
        let text = report::human(sources, findings, secrets, self.colours(&io::stderr()), width());
        _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Prints why a command has no result.
    pub(super) fn failure(&self, sources: &Sources, failure: &Failure) -> Outcome {
        let mut findings = failure.findings().to_vec();
        report::sort(sources, &mut findings);
        self.findings(sources, &findings, &Secrets::new(sources));
        match failure {
            Failure::Findings(_) => Outcome::Objections,
            Failure::Unable(_) => Outcome::Unable,
        }
    }

    /// Whether the result is coloured.
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

/// The options of machine-readable reports.
pub(super) fn report_options(fail_on: Severity) -> ReportOptions {
    ReportOptions { colour: false, width: width(), root: Root::find(), fail_on, documentation: docs::documentation }
}

/// A finding whose messages are redacted.
fn masked(finding: &Finding, secrets: &Secrets) -> Finding {
    let mut finding = finding.clone();
    for words in [&mut finding.message, &mut finding.label, &mut finding.help] {
        *words = secrets.words(words);
    }
    finding.related.iter_mut().for_each(|(_, words)| *words = secrets.words(words));
    finding
}

/// The width from `COLUMNS`, else of the terminal, else a default that is easy to read.
pub(super) fn width() -> usize {
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    asked.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))).unwrap_or(140)
}

/// Whether the reader of the output closed it, which is not an error.
pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
