//! The example that docs/tutorial.md builds, and the one that `init --blank` writes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

fn run(name: &str, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plimsoll")).current_dir(example(name)).args(args).env_clear().output().unwrap()
}

#[test]
fn the_committed_platform_example_is_up_to_date() {
    let environments = ["--env", "dev", "--env", "staging", "--env", "prod"];
    let output = run("platform", &[&["render", "--all", "--out", "--verify"][..], &environments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "snapshots: 12 files up to date\n");
    let contradiction = run("platform", &["render", "catalog", "--env", "prod", "--set", "image.registry=other"]);
    let error = String::from_utf8_lossy(&contradiction.stderr);
    assert!(error.contains("`image.registry` contradicts the value that the environment enforces"), "{error}");
    let invalid = run("platform", &["render", "catalog", "--env", "dev", "--set", "rateLimit=5000"]);
    let error = String::from_utf8_lossy(&invalid.stderr);
    assert!(error.contains("error[custom-resource-invalid]"), "{error}");
}

#[test]
fn the_blank_project_renders() {
    for environment in ["dev", "prod"] {
        let output = run("blank", &["render", "app", "--env", environment]);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{environment}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("kind: Deployment\n"));
    }
}

/// Each code block of the tutorial after a file name is part of that file.
#[test]
fn the_tutorial_matches_the_example() {
    let text = std::fs::read_to_string(example("../docs/tutorial.md")).unwrap();
    let mut blocks = 0;
    let mut rest = text.as_str();
    while let Some(end) = rest.find("`:\n\n```") {
        let name = rest[..end].rsplit('`').next().unwrap();
        let (_, block) = rest[end + 7..].split_once('\n').unwrap();
        let (block, after) = block.split_once("\n```").unwrap();
        let file = std::fs::read_to_string(example("platform").join(name)).unwrap();
        assert!(file.contains(block), "{name} does not contain\n{block}");
        (rest, blocks) = (after, blocks + 1);
    }
    assert!(blocks >= 10, "{blocks}");
}
