//! The scripts of GitHub, GitLab and pre-commit, in a temporary repository with a branch.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use plimsoll::node::Node;
use plimsoll::source::Sources;
use plimsoll::yaml::{Dialect, load};

use super::{PLIMSOLL, Repository};

/// The contents of a file of this repository.
fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn yaml(name: &str) -> Node {
    let sources = Sources::new();
    let loaded = load(&sources, sources.add(name, read(name)), Dialect::Kubectl);
    assert_eq!(loaded.findings, []);
    loaded.documents.into_iter().next().unwrap()
}

/// A repository with committed bundles, a remote and a branch that changes a profile.
fn with_branch() -> Repository {
    let repository = Repository::new();
    repository.edit("plimsoll.toml", "# out = \"deploy\"", "out = \"out\"");
    assert!(render(&repository).status.success());
    fs::create_dir(repository.path().join("ci")).unwrap();
    fs::write(repository.path().join("ci/review.sh"), read("ci/review.sh")).unwrap();
    repository.commit("Render");
    let remote = repository.path().join(".git/remote.git");
    repository.git(&["clone", "-q", "--bare", ".", remote.to_str().unwrap()]);
    repository.git(&["remote", "add", "origin", remote.to_str().unwrap()]);
    repository.git(&["fetch", "-q", "origin"]);
    repository.git(&["checkout", "-q", "-b", "feature"]);
    repository.edit("profiles/gateway.yaml", "nodePort: 30081, hostPort", "nodePort: 30083, hostPort");
    repository.commit("Move a node port");
    repository
}

fn render(repository: &Repository) -> Output {
    repository.plimsoll(&["--project", "deploy", "render", "--all", "--out"])
}

/// Runs a script with environment variables, and with `plimsoll` in `PATH`.
fn shell(repository: &Repository, lines: &str, variables: &[(&str, &str)]) -> Output {
    let bin = Path::new(PLIMSOLL).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    Command::new("bash")
        .args(["-e", "-o", "pipefail", "-c", lines])
        .current_dir(repository.path())
        .env("PATH", path)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn the_github_action_reports_drift_and_changes() {
    let repository = with_branch();
    let action = yaml("action.yml");
    let steps = action["runs"]["steps"].items();
    let review = steps.iter().find(|step| step["id"].text() == "review").unwrap();
    let report = repository.path().join("report.md");
    let outputs = repository.path().join("outputs");
    let values = [
        ("PLIMSOLL", PLIMSOLL),
        ("PLIMSOLL_PROJECT", "deploy"),
        ("PLIMSOLL_OUT", "deploy/out"),
        ("PLIMSOLL_ENVIRONMENTS", "e2e"),
        ("PLIMSOLL_BASE", "origin/main..."),
        ("PLIMSOLL_REPORT", report.to_str().unwrap()),
        ("PLIMSOLL_REPORTS", "sarif=plimsoll.sarif"),
        ("PLIMSOLL_FORMAT", "github"),
        ("GITHUB_ACTION_PATH", env!("CARGO_MANIFEST_DIR")),
        ("GITHUB_OUTPUT", outputs.to_str().unwrap()),
    ];
    // All environment variables of the step are set.
    for entry in review["env"].entries() {
        assert!(values.iter().any(|(name, _)| *name == &*entry.key), "{}", entry.key);
    }
    let run = || shell(&repository, review["run"].text(), &values);
    // The profile was changed, but the bundles were not rendered.
    let output = run();
    let text = fs::read_to_string(&report).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("### The committed bundles are not what is rendered"), "{text}");
    assert!(text.contains("gateway.e2e.yaml"), "{text}");
    assert!(text.contains("⚠️ clients must be updated: node port 30083, was 30081"), "{text}");
    // After rendering there is no drift, and the changes are still reported.
    assert!(render(&repository).status.success());
    let output = run();
    let text = fs::read_to_string(&report).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.starts_with("### Changes in 2 of "), "{text}");
    assert_eq!(fs::read_to_string(outputs).unwrap(), "changed=true\nchanged=true\n");
    let log = fs::read_to_string(repository.path().join("plimsoll.sarif")).unwrap();
    assert!(log.contains("\"version\": \"2.1.0\""), "{log}");
    // The step that writes the summary.
    let summary = steps.iter().find(|step| step["name"].text() == "Summary").unwrap();
    let page = repository.path().join("summary.md");
    let output = shell(
        &repository,
        summary["run"].text(),
        &[("REPORT", report.to_str().unwrap()), ("GITHUB_STEP_SUMMARY", page.to_str().unwrap())],
    );
    assert!(output.status.success());
    assert_eq!(fs::read_to_string(page).unwrap(), text);
}

#[test]
fn the_gitlab_job_succeeds() {
    let repository = with_branch();
    assert!(render(&repository).status.success());
    let job = &yaml("docs/gitlab-ci.yml")["plimsoll"];
    let lines: Vec<&str> = job["script"].items().iter().map(Node::text).collect();
    let mut values = vec![("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"), ("PLIMSOLL_PROJECT", "deploy")];
    let report = job["variables"]["PLIMSOLL_REPORT"].text();
    let reports = job["variables"]["PLIMSOLL_REPORTS"].text();
    values.extend([("PLIMSOLL_OUT", "deploy/out"), ("PLIMSOLL_REPORT", report), ("PLIMSOLL_REPORTS", reports)]);
    let output = shell(&repository, &lines.join("\n"), &values);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(repository.path().join(report)).unwrap();
    assert!(text.contains("clients must be updated"), "{text}");
    // The artifacts for GitLab exist.
    for entry in job["artifacts"]["reports"].entries() {
        let text = fs::read_to_string(repository.path().join(entry.value.text())).unwrap();
        assert!(text.starts_with(['[', '<']), "{}: {text}", entry.key);
    }
    // Without a token no note is posted.
    let after: Vec<&str> = job["after_script"].items().iter().map(Node::text).collect();
    assert!(shell(&repository, &after.join("\n"), &values).status.success());
}

#[test]
fn the_pre_commit_hooks_succeed() {
    let repository = with_branch();
    let hooks = yaml(".pre-commit-hooks.yaml");
    let entry = |id: &str| {
        let hook = hooks.items().iter().find(|hook| hook["id"].text() == id).unwrap();
        hook["entry"].text().to_owned()
    };
    let verify = format!("cd deploy && {}", entry("plimsoll-verify"));
    assert_eq!(shell(&repository, &verify, &[]).status.code(), Some(1));
    assert!(render(&repository).status.success());
    let output = shell(&repository, &verify, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    // pre-commit appends the files to the entry.
    let check = entry("plimsoll-check");
    let output = shell(&repository, &format!("{check} deploy/out/gateway.e2e.yaml"), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    fs::write(
        repository.path().join("bad.yaml"),
        "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {prots: []}\n",
    )
    .unwrap();
    assert_eq!(shell(&repository, &format!("{check} bad.yaml"), &[]).status.code(), Some(1));
    // pre-commit appends the configured arguments to the entry.
    let reported = format!("{check} --report gitlab=quality.json --fail-on warning bad.yaml");
    assert_eq!(shell(&repository, &reported, &[]).status.code(), Some(1));
    assert!(repository.path().join("quality.json").exists());
    // Checks all manifests of the repository together.
    fs::remove_file(repository.path().join("bad.yaml")).unwrap();
    assert_eq!(shell(&repository, &entry("plimsoll-check-all"), &[]).status.code(), Some(0));
    for hook in hooks.items() {
        assert!(["rust", "system"].contains(&hook["language"].text()), "{}", hook["id"].text());
        assert_eq!(hook["entry"].text(), entry(hook["id"].text().trim_end_matches("-system")));
    }
}
