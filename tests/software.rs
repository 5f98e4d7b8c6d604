//! The facts about public images, on manifests of each: one with a mistake that a rule reports, and the same without it.
//!
//! A file of `tests/data/software` has the name of the file of `software/`. `# bad: <rule>` starts a manifest with an error of
//! the rule, `# warning: <rule>` one with a finding that is not an error, and `# good: <rule>` one without any error.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use plimsoll::check::input::Input;
use plimsoll::check::{Options, check_in};
use plimsoll::finding::{Finding, Severity};
use plimsoll::source::Sources;

fn check(text: &str) -> Vec<Finding> {
    let sources = Sources::new();
    let mut input = Input::default();
    input.add(&sources, sources.add("manifest.yaml", text), true);
    let mut findings = input.findings;
    findings.extend(check_in(&sources, &input.objects, &Options::default()));
    findings
}

#[test]
fn each_image_has_a_failing_and_a_working_case() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    let mut covered = BTreeSet::new();
    for path in fs::read_dir(root.join("tests/data/software")).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let (mut bad, mut good) = (0, 0);
        for case in text.split("---\n") {
            let (head, manifest) = case.split_once('\n').unwrap();
            let findings = check(manifest);
            let reports = |rule: &str| findings.iter().any(|finding| finding.rule.name() == rule);
            if let Some(rule) = head.strip_prefix("# bad: ") {
                bad += 1;
                if !reports(rule) {
                    wrong.push(format!("{name}: {rule} reports nothing in\n{manifest}"));
                }
            } else if let Some(rule) = head.strip_prefix("# warning: ") {
                let severities =
                    findings.iter().filter(|finding| finding.rule.name() == rule).map(|finding| finding.severity);
                if !severities.clone().any(|severity| severity == Severity::Warning)
                    || severities.into_iter().any(|severity| severity == Severity::Error)
                {
                    wrong.push(format!("{name}: {rule} does not warn in\n{manifest}"));
                }
            } else {
                let rule = head.strip_prefix("# good: ").unwrap();
                good += 1;
                let others = findings.iter().filter(|finding| finding.severity == Severity::Error);
                let others: Vec<&str> = others.map(|finding| finding.message.as_str()).collect();
                if reports(rule) || !others.is_empty() {
                    wrong.push(format!("{name}: {rule} reports, or {others:?}, in\n{manifest}"));
                }
            }
        }
        assert!(bad > 0 && good > 0, "{name}");
        covered.insert(name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let described = fs::read_dir(root.join("software")).unwrap().map(|entry| entry.unwrap().path());
    let described: BTreeSet<String> =
        described.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    // Images that are only listed so that sidecars are not mistaken for services have no facts.
    let without: Vec<&String> = described.difference(&covered).filter(|name| *name != "tools").collect();
    assert!(without.is_empty(), "no cases: {without:?}");
}

/// The version of a service that a project sets, for all profiles or for one, selects the format of its configuration.
#[test]
fn a_project_sets_the_version_of_a_service() {
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  config.yaml: |\n    server: {port: 8080}\n    \
                    database: {host: db.example.com, ssl_mode: disable}\n---\napiVersion: apps/v1\nkind: Deployment\n\
                    metadata: {name: datastorage}\nspec:\n  selector: {matchLabels: {app: a}}\n  template:\n    metadata: {labels: \
                    {app: a}}\n    spec:\n      containers:\n      - name: datastorage\n        image: quay.io/acme/datastorage:v1\n        \
                    env: [{name: CONFIG_PATH, value: /etc/d/config.yaml}]\n        volumeMounts: [{name: c, mountPath: /etc/d}]\n      \
                    volumes: [{name: c, configMap: {name: c}}]\n";
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        let output = command.current_dir(folder.path()).env_clear().args(args).output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    run(&["init", "."]);
    let settings = fs::read_to_string(folder.path().join("plimsoll.toml")).unwrap();
    fs::write(folder.path().join("m.yaml"), manifest).unwrap();
    // Since 1.4 the keys are in camelCase, so `ssl_mode` is unknown.
    let finds = |says: &str, args: &[&str]| {
        fs::write(folder.path().join("plimsoll.toml"), format!("{settings}\n{says}\n")).unwrap();
        let output = run(&[&["check", "m.yaml"], args].concat());
        assert!(!output.contains("plimsoll.toml"), "{output}");
        output.contains("config-key-unknown")
    };
    let of = |version: &str, rest: &str| format!("[[service-versions]]\nversion = \"{version}\"\n{rest}\n");
    let one = "service = \"DataStorage\"";
    assert!(!finds("", &[]));
    assert!(finds(&of("1.4", ""), &[]));
    assert!(finds(&of("1.4", one), &[]));
    assert!(!finds(&of("0.9", one), &[]));
    assert!(!finds(&of("1.4", "service = \"Gateway\""), &[]));
    assert!(!finds(&(of("0.9", one) + &of("1.4", "")), &[]), "the version of one profile overrides that of all");
    assert!(!finds(&of("1.4", one), &["--service-version", "0.9"]), "the argument overrides the setting");
    assert!(!finds(&of("1.4", "profile = \"gateway\""), &[]));
    assert!(finds(&of("1.4", "profile = \"gateway\""), &["--profile", "gateway", "--env", "e2e"]));
    for (says, what) in [
        (of("1.4", "service = \"DataStore\""), "unknown service `DataStore`"),
        (of("latest", one), "plimsoll.toml"),
        ("[[service-versions]]\nservice = \"DataStorage\"\n".to_owned(), "requires `version`"),
        ("service-versions = \"1.4\"".to_owned(), "must be a list of tables"),
    ] {
        let text = if says.starts_with('[') { format!("{settings}\n{says}") } else { format!("{says}\n{settings}") };
        fs::write(folder.path().join("plimsoll.toml"), text).unwrap();
        let output = run(&["check", "m.yaml"]);
        assert!(output.contains(what) && output.contains("error["), "{says}: {output}");
    }
}
