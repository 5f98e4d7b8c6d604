//! Replays the recorded verdicts of a kube-apiserver on changes of objects that exist.
//!
//! ```sh
//! cargo test updates -- --nocapture               # the figures, and every change in which we differ
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;

use plimsoll::object::Object;
use plimsoll::updates::refusals;

use crate::oracle::{bases, cases, mutant};

#[test]
fn the_refusals_of_the_server_are_ours() {
    let bases = bases();
    // By kind: accepted, called refused, refused, missed, another field.
    let mut by_kind = BTreeMap::<String, [usize; 5]>::new();
    for case in &cases("updates.jsonl") {
        let old = Object::new(bases[case.base].clone());
        let new = Object::new(mutant(&bases, case));
        let found = refusals(&old, &new);
        let row = by_kind.entry(old.kind().to_owned()).or_default();
        let what = || format!("{} {:?} = {:?}", old.kind(), case.path, case.value.as_ref().map(|node| &node.value));
        if case.accepted {
            row[0] += 1;
            if !found.is_empty() {
                row[1] += 1;
                println!("accepted: {}: {found:?}", what());
            }
            continue;
        }
        row[2] += 1;
        if found.is_empty() {
            row[3] += 1;
            println!("refused: {}: {:?}", what(), case.causes);
        } else if !found.iter().any(|refusal| case.causes.iter().any(|(_, field)| *field == refusal.field)) {
            row[4] += 1;
            let fields: Vec<_> = found.iter().map(|refusal| &refusal.field).collect();
            println!("other field: {}: {fields:?}, not {:?}", what(), case.causes);
        }
    }
    println!("kind                      accepted  called refused  refused  missed  other field");
    let mut all = [0; 5];
    for (kind, row) in &by_kind {
        println!("{kind:24} {:9} {:15} {:8} {:7} {:12}", row[0], row[1], row[2], row[3], row[4]);
        all.iter_mut().zip(row).for_each(|(sum, count)| *sum += count);
    }
    let predicted = 1.0 - all[3] as f64 / all[2] as f64;
    println!(
        "all: {:.2} % of {} refusals predicted, {} of {} accepted changes called refused, {} with another field",
        100.0 * predicted,
        all[2],
        all[1],
        all[0],
        all[4]
    );
    assert!(predicted >= 0.99, "{predicted}");
    assert_eq!(all[1], 0);
    assert!(all[4] * 50 <= all[2]);
}
