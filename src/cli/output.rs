//! Where a command writes: its result to stdout, all else to stderr.

use std::io::{self, IsTerminal, Write};

use anstream::ColorChoice;
use anyhow::Context;

use crate::cli::Outcome;
use crate::finding::{Failure, Finding};
use crate::report::{self, Mask};
use crate::source::Sources;

const STDOUT: &str = "cannot write the result";

/// The two streams of a run.
pub(super) struct Output {
    choice: ColorChoice,
    stdout: io::BufWriter<io::Stdout>,
}

impl Output {
    pub(super) fn new(choice: ColorChoice) -> Self {
        Self { choice, stdout: io::BufWriter::with_capacity(64 * 1024, io::stdout()) }
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

    /// Tells findings on stderr, with excerpts.
    pub(super) fn findings(&self, sources: &Sources, findings: &[Finding], mask: &Mask) {
        if findings.is_empty() {
            return;
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

/// The columns that `COLUMNS` asks for, else the terminal's; where there is none, a width that reads well.
pub(super) fn width() -> usize {
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    asked.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))).unwrap_or(140)
}

/// Whether the reader of the result has gone away, which is its right.
pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
