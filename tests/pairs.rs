//! Pairs of manifests for each rule: with the mistake, which the rule must report, and without it, where nothing may be an error.
//!
//! `tests/data/pairs/after` holds manifests that work. A file `<rule>/<case>.pair` names one of them and says by blocks
//! of old and new lines what breaks it; `args` are hosts declared as external, `kind-config` a file beside the manifest, `own` says that it is the project's own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use plimsoll::check::input::Input;
use plimsoll::check::{Options, check_in, rules};
use plimsoll::finding::{Finding, Severity};
use plimsoll::source::Sources;

#[derive(Debug, Default)]
struct Pair {
    before: String,
    after: String,
    kind_config: Option<String>,
    externals: Vec<String>,
    own: bool,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pairs")
}

fn read(path: &Path) -> Pair {
    let text = fs::read_to_string(path).unwrap();
    let manifest = |name: &str| fs::read_to_string(folder().join("after").join(name)).unwrap();
    let mut pair = Pair::default();
    let (head, edits) = text.split_once("<<<<<<< after\n").unwrap();
    for line in head.lines() {
        match line.split_once(": ").unwrap() {
            ("after", name) => pair.after = manifest(name),
            ("own", _) => pair.own = true,
            ("kind-config", name) => pair.kind_config = Some(manifest(name)),
            ("args", words) => {
                pair.externals = words.split(' ').filter(|word| *word != "--external").map(str::to_owned).collect();
            }
            (other, _) => panic!("{}: {other}", path.display()),
        }
    }
    pair.before = pair.after.clone();
    for edit in edits.split("<<<<<<< after\n") {
        let (old, rest) = edit.split_once("=======\n").unwrap();
        let new = rest.strip_suffix(">>>>>>> before\n").unwrap();
        // A block matches at the start of a line only.
        let mut places =
            pair.before.match_indices(old).filter(|(at, _)| *at == 0 || pair.before.as_bytes()[at - 1] == b'\n');
        let at = places.next().unwrap_or_else(|| panic!("{}: no such lines:\n{old}", path.display())).0;
        pair.before.replace_range(at..at + old.len(), new);
    }
    assert_ne!(pair.before, pair.after, "{}", path.display());
    pair
}

fn check(text: &str, pair: &Pair) -> Vec<Finding> {
    let sources = Sources::new();
    let mut input = Input::default();
    input.add(&sources, sources.add("manifest.yaml", text), true);
    if let Some(kind_config) = &pair.kind_config {
        input.add(&sources, sources.add("kind.yaml", kind_config.as_str()), true);
    }
    let (kind_config, externals) = (input.kind_config, pair.externals.clone());
    let options = Options { kind_config, externals, is_rendered: pair.own, ..Options::default() };
    let mut findings = input.findings;
    findings.extend(check_in(&sources, &input.objects, &options));
    findings
}

#[test]
fn each_mistake_is_reported_by_its_rule_and_its_repair_by_none() {
    let mut wrong = Vec::new();
    let mut covered = BTreeSet::new();
    for rule in fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()) {
        let id = rule.file_name().unwrap().to_string_lossy().into_owned();
        if id == "after" {
            continue;
        }
        for case in fs::read_dir(&rule).unwrap().map(|entry| entry.unwrap().path()) {
            let pair = read(&case);
            let name = format!("{id}/{}", case.file_stem().unwrap().to_string_lossy());
            if !check(&pair.before, &pair).iter().any(|finding| finding.rule.name() == id) {
                wrong.push(format!("{name}: not told"));
            }
            for finding in check(&pair.after, &pair) {
                if finding.rule.name() == id || finding.severity == Severity::Error {
                    wrong.push(format!("{name}: still {}: {}", finding.rule, finding.message));
                }
            }
        }
        covered.insert(id);
    }
    wrong.sort();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(covered.len() > 50, "{covered:?}");
    for id in &covered {
        assert!(rules::ALL.iter().any(|rule| rule.id.name() == id), "{id} is no rule");
    }
}
