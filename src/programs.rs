//! Other programs, run as processes: what is run can be shown, and every run ends when the user interrupts.

use std::fmt;
use std::io::{self, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How often a running program is looked at.
const PACE: Duration = Duration::from_millis(15);

/// How long what a program wrote is waited for when it has ended.
const LEFTOVERS: Duration = Duration::from_secs(5);

/// A command line, and what the program reads from its standard input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// The program, looked for in `PATH`.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// What it reads.
    pub input: Option<String>,
}

/// What a program that ended said.
#[derive(Debug, Clone, Default)]
pub struct Finished {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to its standard output.
    pub stdout: String,
    /// What it wrote to its standard error.
    pub stderr: String,
}

impl Finished {
    /// Whether it succeeded.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.code == Some(0)
    }
}

/// Why a program gave no result.
#[derive(Debug)]
pub enum RunError {
    /// It is not in `PATH`.
    NotFound(String),
    /// It could not be run.
    Io(String, io::Error),
    /// It ended with a failure: the command line, and what it said.
    Failed(String, Finished),
    /// The user interrupted.
    Interrupted,
    /// It took longer than it may.
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
                write!(f, "; how to install it: {page}")
            }
            Self::Io(program, error) => write!(f, "cannot run `{program}`: {error}"),
            Self::Failed(line, finished) => {
                let code = finished.code.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
                write!(f, "`{line}` ended with {code}")?;
                let said = if finished.stderr.trim().is_empty() { &finished.stdout } else { &finished.stderr };
                if said.trim().is_empty() { Ok(()) } else { write!(f, ": {}", said.trim()) }
            }
            Self::Interrupted => f.write_str("interrupted"),
            Self::TimedOut(line) => write!(f, "`{line}` takes too long"),
        }
    }
}

impl std::error::Error for RunError {}

impl CommandLine {
    /// A program with arguments.
    #[must_use]
    pub fn new<'a>(program: &str, args: impl IntoIterator<Item = &'a str>) -> Self {
        Self { program: program.to_owned(), args: args.into_iter().map(str::to_owned).collect(), input: None }
    }

    /// The same with something to read.
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

/// As one would type it.
impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.program)?;
        for arg in &self.args {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,%+".contains(c);
            if !arg.is_empty() && arg.chars().all(plain) {
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
    /// When everything must be done.
    pub deadline: Option<Instant>,
    /// Is told each command line before it runs.
    pub show: Arc<dyn Fn(&CommandLine) + Send + Sync>,
}

impl fmt::Debug for Programs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Programs").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl Programs {
    /// Runs programs until the user presses Ctrl-C, or the system asks to end.
    #[must_use]
    pub fn new(deadline: Option<Instant>, show: Arc<dyn Fn(&CommandLine) + Send + Sync>) -> Self {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            // Without it a signal ends the run at once, which is no harm either.
            _ = signal_hook::flag::register(signal, Arc::clone(&interrupted));
        }
        Self { interrupted, deadline, show }
    }

    /// Whether the user has interrupted.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Whether the time is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Runs a program to its end, whatever that is.
    ///
    /// # Errors
    /// Where it cannot be run, is interrupted, or takes longer than there is time.
    pub fn finish(&self, line: &CommandLine) -> Result<Finished, RunError> {
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
        // Threads of their own, which nobody waits for: what a program leaves running may hold its pipes open.
        thread::spawn(move || {
            // One that does not read it all says itself what it wants.
            _ = stdin.map(|mut stdin| stdin.write_all(input.as_bytes()));
        });
        let (stdout, stderr) = (reader(stdout), reader(stderr));
        let status = loop {
            if let Some(status) = child.try_wait().map_err(failed)? {
                break status;
            }
            if self.is_interrupted() || self.is_over() {
                end(&mut child);
                let over = RunError::TimedOut(line.to_string());
                return Err(if self.is_interrupted() { RunError::Interrupted } else { over });
            }
            thread::sleep(PACE);
        };
        let text = |from: mpsc::Receiver<String>| from.recv_timeout(LEFTOVERS).unwrap_or_default();
        Ok(Finished { code: status.code(), stdout: text(stdout), stderr: text(stderr) })
    }

    /// Runs a program that has to succeed; gives what it wrote.
    ///
    /// # Errors
    /// As [`Self::finish`], and where it fails.
    pub fn run(&self, line: &CommandLine) -> Result<String, RunError> {
        let finished = self.finish(line)?;
        if finished.is_success() { Ok(finished.stdout) } else { Err(RunError::Failed(line.to_string(), finished)) }
    }

    /// Starts a program whose output is read while it runs; its errors are not.
    ///
    /// # Errors
    /// Where it cannot be run.
    pub fn start(&self, line: &CommandLine) -> Result<(Running, ChildStdout), RunError> {
        (self.show)(line);
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => RunError::NotFound(line.program.clone()),
            _ => RunError::Io(line.program.clone(), error),
        };
        let mut command = line.command();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(failed)?;
        let stdout = child.stdout.take();
        let running = Running(child);
        match stdout {
            Some(stdout) => Ok((running, stdout)),
            None => Err(RunError::Io(line.program.clone(), io::ErrorKind::BrokenPipe.into())),
        }
    }
}

/// A program that runs, and is ended when this goes.
#[derive(Debug)]
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

fn end(child: &mut Child) {
    _ = child.kill();
    _ = child.wait();
}

/// What a program writes, once it has ended.
fn reader(from: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(read(from)));
    receiver
}

fn read(from: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    // What was read before a failure is better than nothing.
    _ = from.map(|mut from| from.read_to_end(&mut bytes));
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
    fn a_program_reads_writes_and_fails() {
        let line = CommandLine::new("sh", ["-c", "cat; echo no >&2; exit 3"]).with_input("a\n".repeat(100_000));
        let finished = programs(None).finish(&line).unwrap();
        assert_eq!((finished.code, finished.stdout.len(), finished.stderr.as_str()), (Some(3), 200_000, "no\n"));
        let error = programs(None).run(&line).unwrap_err().to_string();
        assert_eq!(error, "`sh -c 'cat; echo no >&2; exit 3'` ended with exit code 3: no");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = programs(None).run(&CommandLine::new("no-such-program", ["a"])).unwrap_err();
        assert_eq!(error.to_string(), "`no-such-program` not found in PATH");
    }

    #[test]
    fn a_program_ends_with_the_time_and_with_the_user() {
        let line = CommandLine::new("sleep", ["60"]);
        assert!(matches!(programs(Some(Duration::from_millis(50))).run(&line), Err(RunError::TimedOut(_))));
        let programs = programs(None);
        programs.interrupted.store(true, Ordering::Relaxed);
        assert!(matches!(programs.run(&line), Err(RunError::Interrupted)));
    }
}
