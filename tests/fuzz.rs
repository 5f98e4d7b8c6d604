//! The fuzz targets of `fuzz/`, on the stable toolchain: over all seeds and mutations of them. `PLIMSOLL_FUZZ=N` sets how
//! many mutations a target gets; cargo-fuzz, which is led by coverage, is for long runs by hand.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

#[path = "../fuzz/src/targets.rs"]
#[allow(unreachable_pub)]
mod targets;

/// How long one input may take, in a debug build on a busy machine.
const LONGEST: Duration = Duration::from_secs(30);

/// A small generator, so that a run can be repeated: xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound.max(1)
    }
}

/// What breaks parsers and templates, put in anywhere.
const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{",
    "}",
    "[",
    "]",
    ": ",
    "\n",
    "\n  ",
    "- ",
    "---\n",
    "===\n",
    "\"",
    "'",
    "|\n",
    ">-\n",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "? ",
    "#",
    "%",
    "\t",
    "\r\n",
    "\0",
    "\u{feff}",
    "\u{2028}",
    "\u{1b}[31m",
    "\u{202e}",
    "é",
    "null",
    "~",
    "0x1f",
    "1e999",
    "-0",
    ".inf",
    "9223372036854775808",
    "99999999999999999999",
    "$if: ",
    "$for: x in ",
    "$yaml: ",
    "$file: ",
    "$contentName: true",
    " | ",
    "(",
    ")",
    " if ",
    " else ",
    "not ",
    "'x' * 999999999",
    "1/0",
    "..",
    "a.b.c",
    "[0]",
    "spec: ",
    "containers: ",
    "ports: ",
    "name: ",
    "env: ",
    "metadata: ",
    "kind: Pod",
    "kind: Service",
    "data: ",
    "postgres://u:p@h:5432/x?y=z",
    "http://[::1]:80/",
    "$(",
    "`",
    "\"$ref\": \"#/$defs/",
    "\"allOf\": [",
    "\"anyOf\": [",
    "\"enum\": [",
    "\"not\": {",
    "\"writeOnly\": true",
    "[1]=",
    "=null",
    "={",
    "\\.",
    "-- +goose Up\n",
    "-- +goose StatementBegin\n",
    "CREATE TABLE ",
    "BEGIN ATOMIC ",
    "DO $a$ ",
    "$$",
    "E'\\",
    "/*",
    ";\n",
    "@@",
    "config: {a: {type: ",
    "externals = [",
    "[rules]\n",
];

fn mutated(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut data = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(6) {
        let at = random.below(data.len() + 1);
        let to = (at + random.below(40)).min(data.len());
        match random.below(7) {
            0 => drop(data.drain(at..to)),
            1 | 2 => drop(data.splice(at..at, PIECES[random.below(PIECES.len())].bytes())),
            3 => {
                if let Some(byte) = data.get_mut(at) {
                    *byte = random.next() as u8;
                }
            }
            4 => {
                let part: Vec<u8> = data[at..to].to_vec();
                let many = part.repeat(1 + random.below(30));
                drop(data.splice(at..at, many));
            }
            5 => {
                // Two seeds as one: lines of another put in here.
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len() + 1);
                let part: Vec<u8> = other[from..(from + random.below(400)).min(other.len())].to_vec();
                drop(data.splice(at..at, part));
            }
            _ => {
                // A value, or a key, by another.
                let end =
                    data[at..].iter().position(|byte| matches!(byte, b'\n' | b':')).map_or(data.len(), |end| at + end);
                drop(data.splice(at..end, PIECES[random.below(PIECES.len())].bytes()));
            }
        }
    }
    data.truncate(20_000);
    data
}

fn seeds() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 8, "{paths:?}");
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn no_input_makes_a_target_panic_or_hang() {
    let seeds = seeds();
    let rounds: u64 = std::env::var("PLIMSOLL_FUZZ").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(300);
    let start_at: u64 = std::env::var("PLIMSOLL_FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    for (name, target) in targets::ALL {
        let start = Instant::now();
        let mut slowest = Duration::ZERO;
        let run = |data: &[u8]| {
            let before = Instant::now();
            let outcome = catch_unwind(AssertUnwindSafe(|| target(data)));
            let took = before.elapsed();
            if outcome.is_err() || took > LONGEST {
                let file = std::env::temp_dir().join(format!("plimsoll-fuzz-{name}"));
                fs::write(&file, data).unwrap();
                panic!("{name} fails or takes too long ({took:?}) on the input in {}", file.display());
            }
            took
        };
        for seed in &seeds {
            slowest = slowest.max(run(seed));
        }
        let mut random = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(start_at));
        for _ in 0..rounds {
            slowest = slowest.max(run(&mutated(&seeds, &mut random)));
        }
        eprintln!(
            "{name}: {} executions in {:.1?}, the slowest {slowest:.1?}",
            rounds + seeds.len() as u64,
            start.elapsed()
        );
    }
}
