//! The dependencies, held against `deny.toml` without cargo-deny: licences, sources, and what is banned.

use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;
use toml::de::{DeTable, DeValue};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The texts of a list in `deny.toml`; of tables, their `crate`.
fn listed(table: &str, key: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join("deny.toml")).unwrap();
    let policy = DeTable::parse(&text).unwrap();
    let list = policy.get_ref()[table].get_ref()[key].get_ref().as_array().unwrap();
    let text = |item: &DeValue<'_>| item.as_str().or_else(|| item["crate"].get_ref().as_str()).unwrap().to_owned();
    list.iter().map(|item| text(item.get_ref())).collect()
}

/// Whether an SPDX expression can be met with the allowed licences: `OR` needs one side, `AND` both.
fn met(expression: &str, allowed: &[&str]) -> bool {
    let expression = expression.trim();
    let split = |word: &str| -> Option<Vec<&str>> {
        let (mut depth, mut from, mut parts) = (0, 0, Vec::new());
        for (at, c) in expression.char_indices() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ if depth == 0 && expression[at..].starts_with(word) => {
                    parts.push(&expression[from..at]);
                    from = at + word.len();
                }
                _ => {}
            }
        }
        parts.push(&expression[from..]);
        (parts.len() > 1).then_some(parts)
    };
    if let Some(parts) = split(" OR ") {
        return parts.iter().any(|part| met(part, allowed));
    }
    if let Some(parts) = split(" AND ") {
        return parts.iter().all(|part| met(part, allowed));
    }
    match expression.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => met(inner, allowed),
        None => allowed.contains(&expression),
    }
}

#[test]
fn expressions_of_licences_are_understood() {
    let allowed = ["MIT", "Apache-2.0"];
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", false),
        ("(GPL-3.0 OR Apache-2.0) AND MIT", true),
        ("MIT OR Apache-2.0 AND GPL-3.0", true),
    ] {
        assert_eq!(met(expression, &allowed), expected, "{expression}");
    }
}

#[test]
fn dependencies_are_what_the_policy_allows() {
    let (allowed, banned) = (listed("licenses", "allow"), listed("bans", "deny"));
    let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
    // Fetches the manifests of what only other systems need, where this machine has not met them yet.
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Json = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 50);
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or_default().replace('/', " OR ");
        assert!(met(&licence, &allowed), "{name} is under `{licence}`, which deny.toml does not allow");
        assert!(!banned.iter().any(|banned| banned == name), "{name} is banned by deny.toml");
        let source = package["source"].as_str();
        let known = name == "plimsoll"
            || source.is_some_and(|source| source.starts_with("registry+https://github.com/rust-lang/crates.io-index"));
        assert!(known, "{name} comes from {source:?}");
    }
}
