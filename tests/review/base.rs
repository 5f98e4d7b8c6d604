//! `diff --base`: one-line changes of a profile, a template, a migration and an environment.

use std::fs;

use super::{Repository, in_order};

#[test]
fn an_unchanged_project_has_no_changes() {
    let repository = Repository::new();
    assert_eq!(repository.diff(&["--base", "HEAD"]), ("no changes\n".to_owned(), Some(0)));
}

#[test]
fn a_changed_line_of_a_profile() {
    let repository = Repository::new();
    repository.edit("profiles/gateway.yaml", "nodePort: 30081, hostPort", "nodePort: 30083, hostPort");
    let (text, code) = repository.diff(&["--base", "HEAD"]);
    assert_eq!(code, Some(1));
    in_order(
        &text,
        &[
            "gateway · e2e, ci\n",
            "~ the kind cluster config",
            "kind reads its config only when it creates a cluster [change-renames]",
            "containerPort  30081 -> 30083",
            "~ Service/datastorage",
            "clients must be updated: node port 30083, was 30081 [change-renames]",
            "spec.ports[http].nodePort  30081 -> 30083",
            "in 2 of ",
        ],
    );
    let (text, _) = repository.diff(&["--base", "HEAD", "--output", "markdown"]);
    in_order(
        &text,
        &[
            "### Changes in 2 of ",
            "| **gateway · e2e, ci** | the kind cluster config |",
            "| Service/datastorage | `ports[http].nodePort` `30081` → `30083` | ⚠️ clients must be updated",
            "<details><summary><b>gateway · e2e, ci</b>",
            "- spec.ports[http].nodePort: 30081\n+ spec.ports[http].nodePort: 30083\n",
            "</details>",
        ],
    );
    let (text, code) = repository.diff(&["gateway", "--base", "HEAD", "--env", "ci", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&json["compared"], code), (&1.into(), Some(1)));
    let service = &json["bundles"][0]["objects"][1];
    assert_eq!(service["object"]["kind"], "Service");
    assert_eq!(service["fields"][0]["field"], "spec.ports[0].nodePort");
    assert_eq!(service["fields"][0]["new"], "30083");
    assert_eq!(service["consequences"][0]["rule"], "change-renames");
}

#[test]
fn a_changed_line_of_the_base_profile_for_a_config_file() {
    let repository = Repository::new();
    repository.edit("profiles/base.yaml", "maxOpenConns: 25", "maxOpenConns: 50");
    let (text, _) = repository.diff(&["--base", "HEAD"]);
    in_order(
        &text,
        &[
            "all ",
            " bundles\n",
            "~ ConfigMap/datastorage-config",
            "Deployment/datastorage restarts and reads the new values [change-restarts]",
            "-   max_open_conns: 25\n",
            "+   max_open_conns: 50\n",
            "~ Deployment/datastorage",
            "pods restart: checksum annotation [change-restarts]",
        ],
    );
    assert_eq!(text.matches("max_open_conns: 50").count(), 1, "reported more than once:\n{text}");
    let (text, _) = repository.diff(&["--base", "HEAD", "--output", "markdown"]);
    in_order(&text, &["| ConfigMap/datastorage-config | `database.max_open_conns` `25` → `50` |"]);
}

#[test]
fn a_changed_line_of_a_template() {
    let repository = Repository::new();
    repository.edit("templates/datastorage/deployment.yaml", "periodSeconds: 5\n", "periodSeconds: 7\n");
    let (text, _) = repository.diff(&["--base", "HEAD"]);
    in_order(
        &text,
        &[
            "~ Deployment/datastorage",
            "pods restart: `containers[datastorage].readinessProbe.periodSeconds`",
            "readinessProbe.periodSeconds  5 -> 7",
        ],
    );
}

#[test]
fn a_changed_line_of_a_migration() {
    let repository = Repository::new();
    let file = fs::read_dir(repository.project().join("templates/migrations")).unwrap();
    let mut names: Vec<String> = file.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let path = repository.project().join("templates/migrations").join(&names[0]);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text + "\nCREATE INDEX IF NOT EXISTS one_more ON audit_events (event_id);\n").unwrap();
    let (text, _) = repository.diff(&["--base", "HEAD"]);
    in_order(
        &text,
        &[
            "~ ConfigMap/datastorage-migrations",
            "(renamed by content hash)",
            "a new ConfigMap is created; the old one remains",
            "+ CREATE INDEX IF NOT EXISTS one_more",
            "~ Deployment/datastorage",
            "name of datastorage-migrations changed",
            "~ Job/datastorage-migrate",
            "runs again under its new name; the old Job remains [change-restarts]",
        ],
    );
    assert!(!text.contains("cannot be applied"), "{text}");
}

#[test]
fn a_changed_line_of_an_environment() {
    let repository = Repository::new();
    repository.edit("profiles/environments/e2e.yaml", "logLevel: debug", "logLevel: warn");
    let (text, _) = repository.diff(&["--base", "HEAD"]);
    in_order(&text, &[" · e2e\n", "-   level: debug\n", "+   level: warn\n"]);
    assert!(!text.contains(", ci"), "{text}");
}

#[test]
fn a_changed_label_of_all_objects() {
    let repository = Repository::new();
    repository.edit("profiles/base.yaml", "\nlabels: {}", "\nlabels: {team: storage}");
    let (text, _) = repository.diff(&["--base", "HEAD"]);
    assert!(!text.contains("~ Service/datastorage\n"), "objects with the same change are not grouped:\n{text}");
    in_order(
        &text,
        &["ServiceAccount/datastorage, ServiceAccount/datastorage-migrate, ", "pods restart: label `team`"],
    );
    let (text, _) = repository.diff(&["--base", "HEAD", "--output", "markdown"]);
    in_order(&text, &["<br>and ", " more | `metadata.labels[team]` `storage` (new) |"]);
}

/// `test_password` in base64.
const ENCODED: &str = "dGVzdF9wYXNzd29yZA==";

#[test]
fn a_manual_edit_is_reported_by_field() {
    let repository = Repository::new();
    let out = ["--project", "deploy", "render", "gateway", "--out", "out"];
    assert!(repository.plimsoll(&out).status.success());
    let file = repository.path().join("out/gateway.e2e.yaml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(ENCODED));
    fs::write(&file, text.replace("nodePort: 30081", "nodePort: 30099").replace(ENCODED, "YnlfaGFuZF85OQ==")).unwrap();
    let output = repository.plimsoll(&[&out[..], &["--verify"]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    in_order(
        &text,
        &[
            "out/gateway.e2e.yaml was edited by hand\n",
            "  Secret/datastorage-db data[password]: secret changed\n",
            "  Service/datastorage spec.ports[0].nodePort: 30099 in the file, 30081 rendered\n",
        ],
    );
    assert!(!text.contains("by_hand_99") && !text.contains("YnlfaGFuZF85OQ"), "{text}");
    // `diff` also reports the consequences of applying the rendered bundle.
    let (text, code) = repository.diff(&["gateway", "--out", "out"]);
    in_order(&text, &["node port 30081, was 30099", "spec.ports[http].nodePort  30099 -> 30081"]);
    assert_eq!(code, Some(1));
}

#[test]
fn an_added_and_a_removed_profile() {
    let repository = Repository::new();
    let profiles = repository.project().join("profiles");
    fs::rename(profiles.join("gateway.yaml"), profiles.join("gateway2.yaml")).unwrap();
    let (text, code) = repository.diff(&["--base", "HEAD", "--output", "markdown"]);
    assert_eq!(code, Some(1));
    in_order(&text, &["**gateway2 · e2e**", "🟢", "**gateway · e2e**", "🔴 Namespace"]);
}

#[test]
fn a_profile_that_no_longer_renders() {
    let repository = Repository::new();
    repository.edit("profiles/gateway.yaml", "cluster:", "clutter:");
    let output = repository.plimsoll(&["--project", "deploy", "diff", "--base", "HEAD"]);
    // The exit code is that of a side that cannot be read.
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("profile-field-unknown"));
}

#[test]
fn only_the_changes_of_the_branch_are_compared() {
    let repository = Repository::new();
    repository.git(&["checkout", "-q", "-b", "feature"]);
    repository.edit("profiles/gateway.yaml", "hostPort: 18091", "hostPort: 18092");
    repository.commit("Move a port of the host");
    repository.git(&["checkout", "-q", "main"]);
    repository.edit("profiles/base.yaml", "maxOpenConns: 25", "maxOpenConns: 30");
    repository.commit("Allow more connections");
    repository.git(&["checkout", "-q", "feature"]);
    let (tip, _) = repository.diff(&["--base", "main"]);
    assert!(tip.contains("max_open_conns"), "{tip}");
    let (branch, _) = repository.diff(&["--base", "main..."]);
    assert!(branch.contains("18091 -> 18092") && !branch.contains("max_open_conns"), "{branch}");
}

#[test]
fn secrets_are_redacted_in_all_formats() {
    let repository = Repository::new();
    repository.edit("profiles/base.yaml", "password: test_password", "password: n3w-Secret-v4lue");
    for format in ["terminal", "markdown", "json"] {
        let (text, _) = repository.diff(&["--base", "HEAD", "--output", format]);
        assert!(text.contains("datastorage-secret"), "{text}");
        for secret in ["n3w-Secret-v4lue", "test_password", "bjN3LVNlY3JldC12NGx1ZQ"] {
            assert!(!text.contains(secret), "{format}: {text}");
        }
    }
    let (text, _) = repository.diff(&["--base", "HEAD"]);
    in_order(&text, &["~ Secret/datastorage-db", "POSTGRES_PASSWORD", "secret changed"]);
}

#[test]
fn errors_of_comparisons_are_reported() {
    let repository = Repository::new();
    let run = |arguments: &[&str]| {
        let output = repository.plimsoll(&[&["--project", "deploy", "diff"], arguments].concat());
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = run(&["--base", "nowhere"]);
    assert!(code == Some(2) && text.contains("cannot read revision `nowhere`"), "{text}");
    let (code, text) = run(&["--base", "--all"]);
    assert!(code == Some(2), "{text}");
    let (code, text) = run(&["gateway"]);
    assert!(code == Some(2) && text.contains("no output folder"), "{text}");
    let output = repository.plimsoll(&["diff", "--base", "HEAD"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && text.contains("the built-in project has no revisions"), "{text}");
}
