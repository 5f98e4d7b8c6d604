//! Documentation that is made from the code, and the commands that the README names.

use std::process::{Command, Stdio};

use snapbox::{assert_data_eq, file};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn the_page_of_rules_is_made_from_the_rules() {
    assert_data_eq!(plimsoll::cli::docs::rules_page(), file!["../docs/rules.md"].raw());
}

/// The `plimsoll …` lines of a text's console blocks, up to a pipe, a redirection or a comment.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    let mut console = false;
    for line in text.lines() {
        if line.starts_with("```") {
            console = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ plimsoll ").filter(|_| console) {
            let own = command.split([';', '|', '>', '#']).next().unwrap();
            commands.push(own.split_whitespace().map(str::to_owned).collect());
        }
    }
    commands
}

#[test]
fn the_commands_of_the_readme_do_what_it_says() {
    let readme = std::fs::read_to_string(format!("{ROOT}/README.md")).unwrap();
    let mut ran = 0;
    for command in commands(&readme).iter_mut().filter(|command| command[0] != "check" && command[0] != "status") {
        // There is no cluster here.
        if command[0] == "up" || command[0] == "down" {
            command.push("--dry-run".to_owned());
        }
        let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .args(&*command)
            .current_dir(ROOT)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!output.stdout.is_empty(), "{command:?}");
        ran += 1;
    }
    assert!(ran >= 4, "the README has lost its commands");
}

#[test]
fn links_between_the_documents_lead_somewhere() {
    let mut folders = vec![std::path::PathBuf::from(ROOT), format!("{ROOT}/docs").into()];
    let mut links = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|end| end != "md") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let target = link.split('#').next().unwrap();
                if target.is_empty() || target.contains("://") || target.contains(' ') {
                    continue;
                }
                assert!(folder.join(target).exists(), "{}: {link}", path.display());
                links += 1;
            }
        }
    }
    assert!(links > 5);
}

/// The constants of the bounds in SECURITY.md, in the order of its rows.
const BOUNDS: &[(&str, &str)] = &[
    ("graph/services.rs", "MOST_SELECTED"),
    ("graph/services.rs", "MOST_PODS"),
    ("graph/pods.rs", "MOST_INHERITED"),
    ("graph/variables.rs", "MOST_REPLACED"),
    ("text/shell.rs", "MOST_EXPANDED"),
    ("graph/known.rs", "MOST_CONFIG"),
    ("graph/pods.rs", "MOST_SOURCES"),
    ("graph/pod.rs", "LONGEST_PATH"),
    ("check/rules/wiring/networkpolicy_blocks_flow.rs", "MOST_QUESTIONS"),
    ("check/rules/wiring/networkpolicy_blocks_flow.rs", "MOST_FINDINGS"),
    ("suggest.rs", "MOST_CANDIDATES"),
    ("suggest.rs", "MOST_COMPARED"),
    ("graph/mod.rs", "MOST_NAMES"),
    ("report/mask.rs", "MOST_COMPARED"),
    ("kube/crd/schema.rs", "MOST_PATTERN_BYTES"),
    ("schema/walk.rs", "MAX_MATCHING_A_BYTE"),
    ("source.rs", "MAX_BYTES"),
    ("yaml/load.rs", "MAX_DEPTH"),
    ("yaml/load.rs", "MAX_ALIASED_NODES"),
    ("schema/compile.rs", "MAX_IN_PLACE"),
    ("schema/compile.rs", "MAX_WAYS"),
    ("schema/pattern.rs", "MAX_SIZE"),
    ("schema/compile.rs", "MAX_PATTERN_BYTES"),
    ("schema/walk.rs", "MAX_STEPS"),
    ("schema/walk.rs", "MAX_MATCHING"),
    ("schema/lookup.rs", "MAX_SIZE"),
    ("schema/walk.rs", "MAX_PATH_STEPS"),
    ("schema/walk.rs", "MAX_PATH_MATCHING"),
    ("picture/mod.rs", "MOST_PARTS"),
];

/// The number that a constant is: `1 << 14`, `64 * 1024`, `4_000_000`.
fn evaluated(value: &str) -> u64 {
    let number = |text: &str| text.trim().replace('_', "").parse::<u64>().unwrap();
    match value.split_once("<<") {
        Some((base, shift)) => number(base) << number(shift),
        None => value.split('*').map(number).product(),
    }
}

/// The number that a text begins with: `1,000`, `32 MiB`, `4 million, and more`.
fn said(text: &str) -> u64 {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != ',').unwrap_or(text.len());
    let unit = match text[end..].trim_start().split(", ").next().unwrap() {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "million" => 1_000_000,
        "thousand million" => 1_000_000_000,
        other => panic!("what is `{other}`?"),
    };
    text[..end].replace(',', "").parse::<u64>().unwrap() * unit
}

#[test]
fn the_bounds_are_those_of_the_code() {
    let text = std::fs::read_to_string(format!("{ROOT}/SECURITY.md")).unwrap();
    let section = text.split("\n## Bounds\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").nth(1));
    let rows: Vec<&str> = rows.filter(|most| most.starts_with(|c: char| c.is_ascii_digit())).collect();
    assert_eq!(rows.len(), BOUNDS.len());
    for (row, (file, name)) in rows.into_iter().zip(BOUNDS) {
        let code = std::fs::read_to_string(format!("{ROOT}/src/{file}")).unwrap();
        let rest = code.split_once(&format!("const {name}: ")).unwrap_or_else(|| panic!("{file} has no {name}")).1;
        let value = rest.split_once(" = ").unwrap().1.split(';').next().unwrap();
        assert_eq!(said(row), evaluated(value), "{file}: {name}");
    }
}
