//! The examples of every rule do what its documentation says.

use plimsoll::check::input::Input;
use plimsoll::check::{Options, Rule, check, rules};
use plimsoll::source::Sources;

/// Which rules fire on an example.
fn fires(text: &str) -> Vec<String> {
    let sources = Sources::new();
    let mut input = Input::default();
    input.add(&sources, sources.add("example.yaml", text), true);
    let mut findings = input.findings;
    findings.extend(check(&input.objects, &Options::default()));
    findings.into_iter().map(|finding| finding.rule.into_owned()).collect()
}

fn all() -> impl Iterator<Item = &'static Rule> {
    rules::ALL.iter().copied()
}

#[test]
fn every_bad_example_is_found() {
    for rule in all() {
        let found = fires(rule.bad);
        assert!(found.iter().any(|id| id == rule.id), "{}: found {found:?} in\n{}", rule.id, rule.bad);
    }
}

#[test]
fn every_good_example_is_not() {
    for rule in all() {
        let found = fires(rule.good);
        assert!(!found.iter().any(|id| id == rule.id), "{}: found in\n{}", rule.id, rule.good);
    }
}
