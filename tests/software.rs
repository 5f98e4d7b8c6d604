//! What is known of public images, on manifests of each: one with a fault that its rule reports, the same without it.
//!
//! A file of `tests/data/software` is named like the file of `software/`. `# bad: <rule>` begins a manifest in which the rule
//! reports, `# good: <rule>` one in which it does not, and in which nothing at all is an error. `# warning: <rule>` is one in
//! which it reports, but not as an error.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

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
fn each_image_has_a_case_in_which_it_stops_and_one_in_which_it_runs() {
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
    // What only keeps sidecars from being taken for services has no facts of its own.
    let without: Vec<&String> = described.difference(&covered).filter(|name| *name != "tools").collect();
    assert!(without.is_empty(), "no cases: {without:?}");
}
