//! `diff`, `explain` and `graph`, and the scripts that run them, in temporary Git repositories.

mod base;
mod explain;
mod files;
mod pipelines;
mod schema;
mod stored;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A Git repository with the built-in project in `deploy/`, committed on `main`.
pub(crate) struct Repository {
    folder: tempfile::TempDir,
}

pub(crate) const PLIMSOLL: &str = env!("CARGO_BIN_EXE_plimsoll");

impl Repository {
    pub(crate) fn new() -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        repository.git(&["init", "-q", "-b", "main"]);
        repository.git(&["config", "user.email", "reviewer@example.com"]);
        repository.git(&["config", "user.name", "Reviewer"]);
        repository.git(&["config", "commit.gpgsign", "false"]);
        assert!(repository.plimsoll(&["init", "deploy"]).status.success());
        repository.commit("Begin");
        repository
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn git(&self, arguments: &[&str]) {
        let output = Command::new("git").args(arguments).current_dir(self.path()).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    /// Replaces a string, which must exist, in a file of the project.
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.project().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from:?} is not in {file}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.path().join("deploy")
    }

    pub(crate) fn plimsoll(&self, arguments: &[&str]) -> Output {
        Command::new(PLIMSOLL).args(arguments).current_dir(self.path()).env_remove("COLUMNS").output().unwrap()
    }

    /// The output of `plimsoll diff` for the project, and its exit code.
    pub(crate) fn diff(&self, arguments: &[&str]) -> (String, Option<i32>) {
        let arguments = [&["--project", "deploy", "diff"], arguments].concat();
        let output = self.plimsoll(&arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.code() != Some(2), "{}", String::from_utf8_lossy(&output.stderr));
        (text, output.status.code())
    }
}

/// Asserts that a text contains strings in order.
pub(crate) fn in_order(text: &str, expected: &[&str]) {
    let mut at = 0;
    for string in expected {
        match text[at..].find(string) {
            Some(found) => at += found + string.len(),
            None => panic!("{string:?} not found next in:\n{text}"),
        }
    }
}
