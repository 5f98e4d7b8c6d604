//! `--base` in malicious repositories: Git runs no commands, fetches nothing and reads no other repository.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::hostile::Place;

fn run(folder: &Path, program: &str, args: &[&str]) -> Output {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).env_clear().env("PATH", path).stdin(Stdio::null());
    command.output().unwrap()
}

fn git(folder: &Path, args: &[&str]) -> String {
    let who = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
    let output = run(folder, "git", &[&who[..], args].concat());
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn diff(folder: &Path, revision: &str) -> (Option<i32>, String) {
    let output = run(folder, env!("CARGO_BIN_EXE_plimsoll"), &["diff", "--base", revision]);
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// A project in a repository with one commit.
fn committed() -> Place {
    let place = Place::new();
    git(&place.project, &["init", "-q"]);
    git(&place.project, &["add", "."]);
    git(&place.project, &["commit", "-q", "-m", "all"]);
    place
}

/// The files of a repository can be committed to the project itself, for instance by a pull request. Git then treats
/// the project as a bare repository, whose config sets a command for fetching missing objects.
#[test]
fn a_project_that_looks_like_a_repository_runs_nothing() {
    let place = committed();
    let project = &place.project;
    assert_eq!(diff(project, "HEAD").0, Some(0));
    let blob = git(project, &["rev-parse", "HEAD:profiles/base.yaml"]);
    for part in ["HEAD", "objects", "refs"] {
        fs::rename(project.join(".git").join(part), project.join(part)).unwrap();
    }
    fs::remove_dir_all(project.join(".git")).unwrap();
    fs::remove_file(project.join("objects").join(&blob[..2]).join(&blob[2..])).unwrap();
    let fired = place.folder.path().join("fired");
    let config = format!(
        "[core]\n repositoryformatversion = 1\n bare = true\n sshCommand = \"touch {}; false\"\n[extensions]\n \
         partialClone = origin\n[remote \"origin\"]\n url = ssh://x/y\n promisor = true\n",
        fired.display()
    );
    fs::write(project.join("config"), &config).unwrap();
    let (code, said) = diff(project, "HEAD");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("cannot read revision `HEAD`"), "{said}");
    assert!(!fired.exists(), "Git ran a command that the project names");
    // The `git` command itself runs the command.
    run(project, "git", &["cat-file", "-p", "HEAD:profiles/base.yaml"]);
    assert!(fired.exists(), "the trap of this test catches nobody");
}

/// Objects that a partial clone lacks are reported, not fetched.
#[test]
fn missing_objects_are_not_fetched() {
    let place = committed();
    let project = &place.project;
    let blob = git(project, &["rev-parse", "HEAD:profiles/base.yaml"]);
    fs::remove_file(project.join(".git/objects").join(&blob[..2]).join(&blob[2..])).unwrap();
    let fired = place.folder.path().join("fired");
    for (key, value) in [
        ("core.repositoryformatversion", "1"),
        ("core.sshCommand", &format!("touch {}; false", fired.display())),
        ("extensions.partialClone", "origin"),
        ("remote.origin.url", "ssh://x/y"),
        ("remote.origin.promisor", "true"),
    ] {
        git(project, &["config", key, value]);
    }
    let (code, said) = diff(project, "HEAD");
    assert!(matches!(code, Some(1 | 2)), "{code:?} {said}");
    assert!(!fired.exists(), "{said}");
}

#[test]
fn a_too_large_blob_is_reported_without_waiting() {
    let place = committed();
    let project = &place.project;
    let large = project.join("templates/large.yaml");
    fs::write(&large, format!("# {}\n", "x".repeat(65 * 1024 * 1024))).unwrap();
    git(project, &["add", "."]);
    git(project, &["commit", "-q", "-m", "large"]);
    fs::remove_file(&large).unwrap();
    let start = Instant::now();
    let (code, said) = diff(project, "HEAD");
    assert!(matches!(code, Some(1 | 2)), "{code:?} {said}");
    assert!(said.contains("larger than 64 MiB"), "{said}");
    assert!(start.elapsed() < Duration::from_secs(60));
}
