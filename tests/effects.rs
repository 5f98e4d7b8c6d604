//! Replays recorded effects of applying changed manifests on a kube-apiserver, and compares `effect` of `diff --output
//! json`.
//!
//! ```sh
//! cargo test effects -- --nocapture               # statistics, and the changes whose effects differ
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;

use plimsoll::check::Options;
use plimsoll::diff::{BundleDiff, Purpose, Redactor, json};
use plimsoll::object::Object;
use plimsoll::source::Sources;

use crate::oracle::{bases, case_of, mutant, read};

/// The effect of applying `new` over `old` according to `diff`. An object that is not listed does not change.
fn effect(old: Object, new: Object) -> String {
    let sources = Sources::new();
    let (old, new) = ([old], [new]);
    let redactor = Redactor::of(&sources, old.iter().chain(&new));
    let bundle = BundleDiff::new(("case", ""), Some(&old), Some(&new), &redactor, Purpose::Update, &Options::default());
    let differs = bundle.differs();
    let document: serde_json::Value = serde_json::from_str(&json(&[bundle])).unwrap();
    let effect = document["bundles"][0]["objects"][0]["effect"].as_str().unwrap_or("none").to_owned();
    assert_eq!(differs, effect != "none");
    effect
}

#[test]
fn effects_match_those_on_an_api_server() {
    replay("bases-3.yaml", "effects.jsonl");
}

/// Recorded on a kube-apiserver 1.36.2 with its default admission.
#[test]
fn effects_of_other_kinds_match_those_on_an_api_server() {
    replay("bases-4.yaml", "effects-2.jsonl");
}

fn replay(bases_file: &str, effects_file: &str) {
    let bases = bases(bases_file);
    let mut by_kind = BTreeMap::<String, [usize; 2]>::new();
    let (mut all, mut wrong, mut missed_restarts) = (0, 0, 0);
    for line in read(effects_file).lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let case = case_of(&row);
        let (old, new) = (Object::new(bases[case.base].clone()), Object::new(mutant(&bases, &case)));
        let kind = old.kind().to_owned();
        let expected = row["effect"].as_str().unwrap().replace("refused", "rejected");
        let found = effect(old, new);
        all += 1;
        let counts = by_kind.entry(kind.clone()).or_default();
        counts[0] += 1;
        if found != expected {
            wrong += 1;
            counts[1] += 1;
            println!("{kind} {:?}: {found}, not {expected}: {line}", case.path);
        }
        if expected == "pods" && matches!(found.as_str(), "none" | "object") {
            missed_restarts += 1;
        }
    }
    for (kind, [all, wrong]) in by_kind {
        println!("{kind:24} {all:4} changes, {wrong:3} wrong");
    }
    let right = 100.0 * (1.0 - f64::from(wrong) / f64::from(all));
    println!("all: {right:.2} % of {all} right, {missed_restarts} restarts missed");
    assert!(right >= 99.5, "{right}");
    assert_eq!(missed_restarts, 0);
}
