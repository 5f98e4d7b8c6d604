//! A Git revision of a project, read from the object store by a `git cat-file` process without a checkout.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use foldhash::{HashMap, HashMapExt};

use crate::finding::{Failure, Finding, RuleId};
use crate::source::{MAX_BYTES, Span};

/// A commit, and a running `git cat-file` that reads from it.
#[derive(Debug)]
pub struct Revision {
    /// The name of the revision as given by the user.
    pub name: String,
    /// The commit.
    commit: String,
    /// The path of the project folder within the work tree: `deploy/`, or empty.
    prefix: String,
    git: Mutex<Git>,
}

#[derive(Debug)]
struct Git {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// The folders read so far; a project has many files in few folders.
    trees: HashMap<String, Option<Vec<TreeEntry>>>,
}

/// An entry of a folder.
#[derive(Debug, Clone)]
pub(super) struct TreeEntry {
    pub(super) name: String,
    pub(super) is_folder: bool,
}

/// The object at a path.
#[derive(Debug)]
pub(super) enum GitObject {
    Missing,
    Outside,
    Blob(Vec<u8>),
    Tree(Vec<TreeEntry>),
    Other,
}

impl Revision {
    /// Opens a revision of the repository that contains a folder. `main...` is the merge base of `main` and `HEAD`.
    ///
    /// # Errors
    /// If there is no Git, no repository or no such revision.
    pub fn open(folder: &Path, name: &str) -> Result<Self, Failure> {
        let unable = |message: String, help: &str| {
            Failure::unable(Finding::error(RuleId::RevisionNotFound, Span::NONE, message).with_help(help))
        };
        if name.is_empty() || name.starts_with('-') {
            return Err(unable(format!("unknown revision `{name}`"), "use a branch, a tag or a commit"));
        }
        let commit = match name.strip_suffix("...") {
            None => name.to_owned(),
            Some(branch) => ask(folder, &["merge-base", branch, "HEAD"]).map_err(|why| {
                unable(
                    format!("`{branch}` and `HEAD` have no common commit in this clone: {why}"),
                    "fetch the full history; in GitHub Actions, set `fetch-depth: 0`",
                )
            })?,
        };
        let found = ask(
            folder,
            &["rev-parse", "--show-prefix", "--verify", "--end-of-options", &format!("{commit}^{{commit}}")],
        );
        let found = found.map_err(|why| {
            let message = format!("cannot read revision `{name}`: {why}");
            unable(message, "run `git fetch`, with sufficient depth in a shallow clone")
        })?;
        let (prefix, commit) = found.split_once('\n').unwrap_or(("", &found));
        let git = Git::start(folder).map_err(|error| unable(format!("cannot run git: {error}"), ""))?;
        Ok(Self { name: name.to_owned(), commit: commit.to_owned(), prefix: prefix.to_owned(), git: Mutex::new(git) })
    }

    /// The object at a path of the project. Links are followed within the tree.
    pub(super) fn read(&self, path: &str) -> io::Result<GitObject> {
        let Some(path) = normalize(&format!("{}{path}", self.prefix)) else { return Ok(GitObject::Outside) };
        let mut git = self.git.lock().unwrap_or_else(PoisonError::into_inner);
        git.ask(&format!("{}:{path}", self.commit))
    }

    /// The entries of a folder; `None` if it does not exist.
    pub(super) fn folder(&self, path: &str) -> io::Result<Option<Vec<TreeEntry>>> {
        let known = |git: &Git| git.trees.get(path).cloned();
        if let Some(known) = known(&self.git.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(known);
        }
        let entries = match self.read(path)? {
            GitObject::Tree(entries) => Some(entries),
            _ => None,
        };
        let mut git = self.git.lock().unwrap_or_else(PoisonError::into_inner);
        git.trees.insert(path.to_owned(), entries.clone());
        Ok(entries)
    }
}

impl Git {
    fn start(folder: &Path) -> io::Result<Self> {
        let mut child = git(folder)
            .args(["cat-file", "--batch", "--follow-symlinks"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let stdout = BufReader::new(stdout.ok_or_else(|| io::Error::other("no output"))?);
        Ok(Self { child, stdin, stdout, trees: HashMap::new() })
    }

    fn ask(&mut self, object: &str) -> io::Result<GitObject> {
        if object.contains('\n') {
            return Ok(GitObject::Missing);
        }
        let stdin = self.stdin.as_mut().ok_or_else(|| io::Error::other("git has exited"))?;
        writeln!(stdin, "{object}")?;
        stdin.flush()?;
        let mut header = Vec::new();
        self.stdout.read_until(b'\n', &mut header)?;
        let header = String::from_utf8_lossy(&header);
        let words: Vec<&str> = header.split_whitespace().collect();
        match words.as_slice() {
            // `symlink <size>` leaves the tree; `dangling`, `loop` and `notdir` have no target.
            [kind @ ("symlink" | "dangling" | "loop" | "notdir"), size] => {
                self.content(size)?;
                Ok(if *kind == "symlink" { GitObject::Outside } else { GitObject::Missing })
            }
            [id, kind, size] => {
                let content = self.content(size)?;
                Ok(match *kind {
                    "blob" => GitObject::Blob(content),
                    "tree" => GitObject::Tree(entries(&content, id.len() / 2)),
                    _ => GitObject::Other,
                })
            }
            [] => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "git has exited")),
            _ => Ok(GitObject::Missing),
        }
    }

    fn content(&mut self, size: &str) -> io::Result<Vec<u8>> {
        let size: u64 = size.parse().map_err(|_| io::Error::other("unexpected output from git"))?;
        if size > MAX_BYTES {
            // Git is already sending the content, which will not be read.
            self.end();
            return Err(io::Error::other(format!("larger than {} MiB", MAX_BYTES / 1024 / 1024)));
        }
        let mut content = vec![0; size as usize];
        self.stdout.read_exact(&mut content)?;
        self.stdout.read_exact(&mut [0])?;
        Ok(content)
    }
}

impl Git {
    /// Stops the process, which could otherwise block on output that nothing reads.
    fn end(&mut self) {
        self.stdin = None;
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Drop for Git {
    fn drop(&mut self) {
        self.end();
    }
}

fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    // The folder may be untrusted. A folder with the files of a bare repository is not accepted as a repository: its
    // config could run commands, and its alternates could read another repository.
    command.args([
        "-c",
        "safe.bareRepository=explicit",
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.hooksPath=/dev/null",
    ]);
    // Nothing is fetched, not even objects missing from a partial clone, and Git never prompts for a password.
    command.arg("-C").arg(folder).env("GIT_NO_LAZY_FETCH", "1").env("GIT_ALLOW_PROTOCOL", "");
    command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0");
    command
}

/// The output of a Git command, or its error message.
fn ask(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = git(folder).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot run git: {error}"))?;
    if output.status.success() {
        let text = String::from_utf8_lossy(&output.stdout);
        return Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned());
    }
    let why = String::from_utf8_lossy(&output.stderr);
    let why = why.lines().next().unwrap_or("unknown to git").trim_start_matches("fatal: ").to_owned();
    Err(why)
}

/// The entries of a tree object: mode, name, and an id of `width` bytes for each.
fn entries(mut content: &[u8], width: usize) -> Vec<TreeEntry> {
    let mut found = Vec::new();
    while let Some(end) = content.iter().position(|byte| *byte == 0) {
        let header = String::from_utf8_lossy(&content[..end]);
        if let Some((mode, name)) = header.split_once(' ') {
            found.push(TreeEntry { name: name.to_owned(), is_folder: mode == "40000" });
        }
        content = content.get(end + 1 + width..).unwrap_or_default();
    }
    found
}

/// Normalizes `a/../b` to `b`; `None` if the path leaves the root.
fn normalize(path: &str) -> Option<String> {
    let mut parts = PathBuf::new();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(part) => parts.push(part),
            Component::CurDir => {}
            Component::ParentDir => {
                if !parts.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    parts.to_str().map(|path| path.replace('\\', "/"))
}
