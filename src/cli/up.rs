//! `plimsoll up`.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::check;
use crate::cli::args::{Global, Up};
use crate::cli::outcome::Outcome;
use crate::cli::output::{self, Output};
use crate::cli::{project, status};
use crate::finding::{Failure, Severity};
use crate::programs::{Programs, RunError};
use crate::report::plain;
use crate::source::Sources;
use crate::status::{Diagnosis, ObjectState};
use crate::up::run::UpRun;
use crate::up::wait::WaitEnd;
use crate::up::{Error, Progress, Target, plan};

pub(super) fn run(global: &Global, args: &Up, output: &mut Output) -> anyhow::Result<Outcome> {
    let sources = Sources::new();
    let loaded = project::open(global, &sources).and_then(|project| {
        let (renderer, options) = project::load(global, &project, &sources, &args.bundle.overrides.to_overrides())?;
        let rendered = renderer.render_only(&args.bundle.profile, args.bundle.env.as_deref())?;
        let mut findings = check::check_rendered(&sources, &rendered, &options, &project.settings.allow);
        findings.retain(|finding| finding.severity == Severity::Error);
        if !findings.is_empty() {
            return Err(Failure::Findings(findings));
        }
        Target::new(rendered, args.context.as_deref())
    });
    let target = match loaded {
        Ok(target) => target,
        Err(failure) => return Ok(output.failure(&sources, &failure)),
    };
    let build = target.build(&sources);
    let started = Instant::now();
    let programs = Programs::new(Some(started + args.timeout), status::shown(args.verbose));
    if args.dry_run {
        let plan = plan::up(&target, build.as_ref(), args.no_build, &programs);
        output.result(&plan.iter().map(|planned| format!("{planned}\n")).collect::<String>())?;
        return Ok(Outcome::Fine);
    }
    let mut board = Board::new(started);
    let mut progress = |progress: Progress<'_>| match progress {
        Progress::Step(text) => {
            board.clear();
            output.message(&format!("{} {text}", clock(started.elapsed())));
        }
        Progress::Note(text) => output.message(&format!("note: {text}")),
        Progress::States(diagnosis) => board.show(diagnosis),
    };
    let run = UpRun {
        target: &target,
        build: build.as_ref(),
        no_build: args.no_build,
        programs: &programs,
        progress: &mut progress,
    };
    let outcome = run.up();
    board.clear();
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => return ended_by(error, output),
    };
    let profile = &args.bundle.profile;
    let (outcome_of, end) = match outcome.ended {
        WaitEnd::Ready => (Outcome::Fine, format!("{profile} is ready")),
        WaitEnd::TimedOut => (Outcome::TimedOut, format!("error: timed out: {profile} is not ready")),
        WaitEnd::Interrupted => (Outcome::Interrupted, INTERRUPTED.to_owned()),
        WaitEnd::Failed => (Outcome::Objections, format!("error: {profile} will not become ready")),
    };
    let objects = Some(target.rendered.objects.as_slice());
    let end = format!("{} {end}", clock(started.elapsed()));
    if outcome.ended == WaitEnd::Ready {
        output.message(&end);
    }
    status::print(&sources, &outcome.record, objects, &outcome.diagnosis, args.output, output)?;
    if outcome.ended != WaitEnd::Ready {
        // The last line of a long report is read first.
        output.flush()?;
        output.message(&end);
    }
    Ok(outcome_of)
}

const INTERRUPTED: &str = "interrupted; run it again to continue";

/// The outcome of a command that failed: a program may have been interrupted or timed out.
pub(super) fn ended_by(error: Error, output: &Output) -> anyhow::Result<Outcome> {
    match error {
        Error::Run(RunError::Interrupted) => {
            output.message(INTERRUPTED);
            Ok(Outcome::Interrupted)
        }
        Error::Run(RunError::TimedOut(line)) => {
            output.message(&format!("error: timed out: `{line}` was still running; raise --timeout"));
            Ok(Outcome::TimedOut)
        }
        error => Err(error.into()),
    }
}

/// `[ 12s]`.
fn clock(time: Duration) -> String {
    format!("[{:>4}]", format!("{}s", time.as_secs()))
}

/// The states of the objects during the wait: redrawn on a terminal, elsewhere one line for each change.
struct Board {
    started: Instant,
    terminal: bool,
    lines: usize,
    shown: Vec<(String, String)>,
}

impl Board {
    fn new(started: Instant) -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self { started, terminal: io::stderr().is_terminal() && !dumb, lines: 0, shown: Vec::new() }
    }

    fn show(&mut self, diagnosis: &Diagnosis) {
        let rows: Vec<(String, String)> = diagnosis
            .states
            .iter()
            .filter(|(id, state, words)| {
                !words.is_empty() && id.kind != "Namespace" && (*state != ObjectState::Missing)
            })
            .map(|(id, state, words)| {
                let cause = diagnosis.causes.iter().find(|cause| cause.affected == *id);
                let words = match cause {
                    Some(cause) if *state != ObjectState::Ready => format!("{words}: {}", cause.message),
                    _ => words.clone(),
                };
                (id.to_string(), format!("{}  {words}", state.name()))
            })
            .collect();
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        let line =
            |name: &str, words: &str| plain(&format!("{} {name:width$}  {words}", clock(self.started.elapsed())));
        let mut err = io::stderr().lock();
        if self.terminal {
            let columns = output::width();
            let lines: Vec<String> = rows
                .iter()
                .map(|(name, words)| line(name, words).chars().take(columns.saturating_sub(1)).collect())
                .collect();
            let up = if self.lines > 0 { format!("\x1b[{}A", self.lines) } else { String::new() };
            _ = write!(err, "{up}\x1b[J{}", lines.iter().map(|line| format!("{line}\n")).collect::<String>());
            self.lines = lines.len();
            return;
        }
        for (name, words) in rows.iter().filter(|row| !self.shown.contains(row)) {
            _ = writeln!(err, "{}", line(name, words));
        }
        self.shown = rows;
    }

    /// Clears the states from the terminal.
    fn clear(&mut self) {
        if self.lines > 0 {
            _ = write!(io::stderr().lock(), "\x1b[{}A\x1b[J", self.lines);
            self.lines = 0;
        }
    }
}
