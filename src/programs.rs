//! Runs other programs as child processes, until they exit, a deadline passes or the user interrupts.

use std::fmt;
use std::io::{self, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The interval at which a running program is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(15);

/// How long to wait for the rest of the output of a program that has exited.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(5);

/// A command line and the standard input of the program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// The name of the program, which is looked up in `PATH`.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its standard input.
    pub input: Option<String>,
}

/// The exit code and the output of a program.
#[derive(Debug, Clone, Default)]
pub struct ProgramOutput {
    /// The exit code; `None` if the program was terminated by a signal.
    pub code: Option<i32>,
    /// The standard output.
    pub stdout: String,
    /// The standard error.
    pub stderr: String,
}

impl ProgramOutput {
    /// Whether the exit code is 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.code == Some(0)
    }
}

/// Why a program was not run successfully.
#[derive(Debug)]
pub enum RunError {
    /// It is not in `PATH`.
    NotFound(String),
    /// It could not be run.
    Io(String, io::Error),
    /// It failed. Holds the command line and the output.
    Failed(String, ProgramOutput),
    /// The user interrupted it.
    Interrupted,
    /// The deadline passed. Holds the command line.
    TimedOut(String),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(program) => {
                write!(f, "`{program}` not found in PATH")?;
                let page = match program.as_str() {
                    "kubectl" => "https://kubernetes.io/docs/tasks/tools/",
                    "kind" => "https://kind.sigs.k8s.io/docs/user/quick-start/",
                    "podman" => "https://podman.io/docs/installation",
                    _ => return Ok(()),
                };
                write!(f, "; to install it, see {page}")
            }
            Self::Io(program, error) => write!(f, "cannot run `{program}`: {error}"),
            Self::Failed(line, finished) => {
                match finished.code {
                    Some(code) => write!(f, "`{line}` failed with exit code {code}")?,
                    None => write!(f, "`{line}` was terminated by a signal")?,
                }
                let output = if finished.stderr.trim().is_empty() { &finished.stdout } else { &finished.stderr };
                // kubectl repeats an error for each of the requested kinds.
                let mut lines: Vec<&str> = output.trim().lines().collect();
                lines.dedup();
                if lines.is_empty() { Ok(()) } else { write!(f, ": {}", lines.join("\n")) }
            }
            Self::Interrupted => f.write_str("interrupted"),
            Self::TimedOut(line) => write!(f, "`{line}` timed out"),
        }
    }
}

impl std::error::Error for RunError {}

impl CommandLine {
    /// Creates a command line without standard input.
    #[must_use]
    pub fn new<'a>(program: &str, args: impl IntoIterator<Item = &'a str>) -> Self {
        Self { program: program.to_owned(), args: args.into_iter().map(str::to_owned).collect(), input: None }
    }

    /// Sets the standard input.
    #[must_use]
    pub fn with_input(mut self, input: impl Into<String>) -> Self {
        self.input = Some(input.into());
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        command
    }
}

/// Quoted for a POSIX shell.
impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.program)?;
        for arg in &self.args {
            let needs_no_quotes = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,%+".contains(c);
            if !arg.is_empty() && arg.chars().all(needs_no_quotes) {
                write!(f, " {arg}")?;
            } else {
                write!(f, " '{}'", arg.replace('\'', "'\\''"))?;
            }
        }
        Ok(())
    }
}

/// Runs programs.
#[derive(Clone)]
pub struct Programs {
    /// Whether the user has interrupted.
    pub interrupted: Arc<AtomicBool>,
    /// The time at which running programs are terminated.
    pub deadline: Option<Instant>,
    /// Called with each command line before it is run.
    pub show: Arc<dyn Fn(&CommandLine) + Send + Sync>,
}

impl fmt::Debug for Programs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Programs").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl Programs {
    /// Runs programs until the deadline, SIGINT or SIGTERM.
    #[must_use]
    pub fn new(deadline: Option<Instant>, show: Arc<dyn Fn(&CommandLine) + Send + Sync>) -> Self {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            // If this fails, a signal terminates the process immediately, which is acceptable.
            _ = signal_hook::flag::register(signal, Arc::clone(&interrupted));
        }
        Self { interrupted, deadline, show }
    }

    /// Whether the user has interrupted.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Whether the deadline has passed.
    #[must_use]
    pub fn is_timed_out(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Runs a program to completion, whether it succeeds or fails.
    ///
    /// # Errors
    /// If it cannot be run, is interrupted or times out.
    pub fn finish(&self, line: &CommandLine) -> Result<ProgramOutput, RunError> {
        (self.show)(line);
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => RunError::NotFound(line.program.clone()),
            _ => RunError::Io(line.program.clone(), error),
        };
        let mut command = line.command();
        let stdin = if line.input.is_some() { Stdio::piped() } else { Stdio::null() };
        let mut child = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let input = line.input.clone().unwrap_or_default();
        // The threads are not joined, because background processes of the program may keep its pipes open.
        thread::spawn(move || {
            // A program that closes its standard input early reports its own errors.
            _ = stdin.map(|mut stdin| stdin.write_all(input.as_bytes()));
        });
        let (stdout, stderr) = (spawn_reader(stdout), spawn_reader(stderr));
        let status = loop {
            if let Some(status) = child.try_wait().map_err(failed)? {
                break status;
            }
            if self.is_interrupted() || self.is_timed_out() {
                kill(&mut child);
                let timed_out = RunError::TimedOut(line.to_string());
                return Err(if self.is_interrupted() { RunError::Interrupted } else { timed_out });
            }
            thread::sleep(POLL_INTERVAL);
        };
        let output = |receiver: mpsc::Receiver<String>| receiver.recv_timeout(OUTPUT_TIMEOUT).unwrap_or_default();
        Ok(ProgramOutput { code: status.code(), stdout: output(stdout), stderr: output(stderr) })
    }

    /// Runs a program and returns its standard output.
    ///
    /// # Errors
    /// As for [`Self::finish`], or if the program fails.
    pub fn run(&self, line: &CommandLine) -> Result<String, RunError> {
        let finished = self.finish(line)?;
        if finished.is_success() { Ok(finished.stdout) } else { Err(RunError::Failed(line.to_string(), finished)) }
    }

    /// Starts a program whose standard output is read while it runs. Its standard error is discarded.
    ///
    /// # Errors
    /// If it cannot be run.
    pub fn start(&self, line: &CommandLine) -> Result<(RunningProgram, ChildStdout), RunError> {
        (self.show)(line);
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => RunError::NotFound(line.program.clone()),
            _ => RunError::Io(line.program.clone(), error),
        };
        let mut command = line.command();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(failed)?;
        let stdout = child.stdout.take();
        let running = RunningProgram(child);
        match stdout {
            Some(stdout) => Ok((running, stdout)),
            None => Err(RunError::Io(line.program.clone(), io::ErrorKind::BrokenPipe.into())),
        }
    }
}

/// A running program, which is killed on drop.
#[derive(Debug)]
pub struct RunningProgram(Child);

impl Drop for RunningProgram {
    fn drop(&mut self) {
        kill(&mut self.0);
    }
}

fn kill(child: &mut Child) {
    _ = child.kill();
    _ = child.wait();
}

/// Reads a pipe to its end in a separate thread.
fn spawn_reader(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(read_to_string(pipe)));
    receiver
}

fn read_to_string(pipe: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    // What was read before an error is kept.
    _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn programs(deadline: Option<Duration>) -> Programs {
        Programs::new(deadline.map(|time| Instant::now() + time), Arc::new(|_| {}))
    }

    #[test]
    fn a_failing_program_reports_its_output() {
        let line = CommandLine::new("sh", ["-c", "cat; echo no >&2; exit 3"]).with_input("a\n".repeat(100_000));
        let finished = programs(None).finish(&line).unwrap();
        assert_eq!((finished.code, finished.stdout.len(), finished.stderr.as_str()), (Some(3), 200_000, "no\n"));
        let error = programs(None).run(&line).unwrap_err().to_string();
        assert_eq!(error, "`sh -c 'cat; echo no >&2; exit 3'` failed with exit code 3: no");
        let error = programs(None).run(&CommandLine::new("sh", ["-c", "echo a >&2; echo a >&2; echo b >&2; exit 1"]));
        assert!(error.unwrap_err().to_string().ends_with("failed with exit code 1: a\nb"));
    }

    #[test]
    fn a_missing_program_is_reported() {
        let error = programs(None).run(&CommandLine::new("no-such-program", ["a"])).unwrap_err();
        assert_eq!(error.to_string(), "`no-such-program` not found in PATH");
    }

    #[test]
    fn a_program_is_killed_on_timeout_and_interruption() {
        let line = CommandLine::new("sleep", ["60"]);
        assert!(matches!(programs(Some(Duration::from_millis(50))).run(&line), Err(RunError::TimedOut(_))));
        let programs = programs(None);
        programs.interrupted.store(true, Ordering::Relaxed);
        assert!(matches!(programs.run(&line), Err(RunError::Interrupted)));
    }
}
