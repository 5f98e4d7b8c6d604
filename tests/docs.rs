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
    for command in commands(&readme).iter().filter(|command| command[0] != "check") {
        let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .args(command)
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
