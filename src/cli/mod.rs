//! The command line: arguments in, text out, exit codes.
//!
//! Exit codes: 0 fine, a broken pipe too; 1 a finding of severity error, or a difference; 2 the command could not run.

mod args;
mod check;
mod diff;
pub mod docs;
mod explain;
mod graph;
mod list;
mod output;
mod project;
mod render;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use output::Output;

/// How a command that ran ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Nothing to object to.
    Fine,
    /// A finding of severity error, or a difference.
    Objections,
    /// The command could not run, and has said why.
    Unable,
}

impl Outcome {
    const fn objecting(objections: bool) -> Self {
        if objections { Self::Objections } else { Self::Fine }
    }
}

/// Runs a command line, its name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            // clap prints help to stdout and faults to stderr; nobody is left to tell if that fails.
            _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let mut output = Output::new(args.global.color.into());
    let outcome = dispatch(&args, &mut output).and_then(|outcome| output.flush().map(|()| outcome));
    match outcome {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Objections) => ExitCode::from(1),
        Ok(Outcome::Unable) => ExitCode::from(2),
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output.message(&format!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn dispatch(args: &Args, output: &mut Output) -> anyhow::Result<Outcome> {
    match &args.command {
        Command::Diff(diff) => diff::run(&args.global, diff, output),
        Command::Explain(explain) => explain::run(&args.global, explain, output),
        Command::Graph(graph) => graph::run(&args.global, graph, output),
        Command::Check(check) => check::run(&args.global, check, output),
        Command::Rules(rules) => docs::rules(rules, output),
        Command::Render(render) => render::run(&args.global, render, output),
        Command::Profiles(profiles) => list::profiles(&args.global, profiles, output),
        Command::Images(profile) => list::images(&args.global, profile, output),
        Command::Kind(profile) => list::kind(&args.global, profile, output),
        Command::Schema => project::schema(&args.global, output),
        Command::Init { dir } => project::init(dir, output),
        Command::Completions { shell } => docs::completions(*shell, output),
        Command::Man => docs::man(output),
    }
}
