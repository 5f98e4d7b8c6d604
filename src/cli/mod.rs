//! The command line: reads arguments, writes output, returns exit codes.
//!
//! Exit codes: 0 success, also if the output pipe is closed; 1 a finding of severity error, or a difference; 2 the
//! command could not run; 124 timeout; 130 interrupted.

mod args;
mod baseline;
mod build;
mod check;
mod diff;
pub mod docs;
mod down;
mod explain;
mod fix;
mod function;
mod graph;
mod import;
mod init;
mod list;
mod lsp;
mod manifests;
mod outcome;
mod output;
mod progress;
mod project;
mod render;
mod status;
mod target;
mod up;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use outcome::Outcome;
use output::Output;

use crate::{report, secret};

/// Runs a command line, including the name of the program.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            return print_usage(&error);
        }
    };
    let mut output = Output::new(args.global.color.into());
    let outcome = dispatch(&args, &mut output).and_then(|outcome| output.flush().map(|()| outcome));
    match outcome {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Objections) => ExitCode::from(1),
        Ok(Outcome::Unable) => ExitCode::from(2),
        // As in `timeout` and shells.
        Ok(Outcome::TimedOut) => ExitCode::from(124),
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output.message(&safe_for_terminal(&format!("error: {error:#}")));
            ExitCode::from(2)
        }
    }
}

/// Prints the output of clap: help to stdout, errors to stderr, where arguments are quoted.
fn print_usage(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    let shown = safe_for_terminal(&text);
    if error.use_stderr() && shown != text {
        _ = io::stderr().lock().write_all(shown.as_bytes());
        return ExitCode::from(2);
    }
    match error.print() {
        _ if error.use_stderr() => ExitCode::from(2),
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::from(2),
        _ => ExitCode::SUCCESS,
    }
}

/// Redacts a message that repeats arguments, and escapes its control characters.
fn safe_for_terminal(text: &str) -> String {
    let lines: Vec<String> = secret::typed(text).split('\n').map(report::plain).collect();
    lines.join("\n")
}

fn dispatch(args: &Args, output: &mut Output) -> anyhow::Result<Outcome> {
    match &args.command {
        Command::Diff(diff) => diff::run(&args.global, diff, output),
        Command::Explain(explain) => explain::run(&args.global, explain, output),
        Command::Graph(graph) => graph::run(&args.global, graph, output),
        Command::Check(check) => check::run(&args.global, check, output),
        Command::Rules(rules) => docs::rules(rules, output),
        Command::Up(up) => up::run(&args.global, up, output),
        Command::Down(down) => down::run(&args.global, down, output),
        Command::Status(status) => status::run(&args.global, status, output),
        Command::Render(render) => render::run(&args.global, render, output),
        Command::Profiles(profiles) => list::profiles(&args.global, profiles, output),
        Command::Import(import) => import::run(&args.global, import, output),
        Command::Images(profile) => list::images(&args.global, profile, output),
        Command::Kind(profile) => list::kind(&args.global, profile, output),
        Command::Schema { settings } => init::schema(&args.global, *settings, output),
        Command::Init { dir, blank } => init::init(dir, *blank, output),
        Command::Function => function::run(&args.global, output),
        Command::Completions { shell } => docs::completions(*shell, output),
        Command::Lsp => lsp::run(&args.global),
        Command::Man => docs::man(output),
    }
}
