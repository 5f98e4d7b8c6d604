//! A recorded session of the language server in Neovim, with the settings of docs/editor.md.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use snapbox::{assert_data_eq, file};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The settings in docs/editor.md for a version of Neovim.
fn settings(minor: u32) -> String {
    let page = fs::read_to_string(Path::new(ROOT).join("docs/editor.md")).unwrap();
    let (_, section) = page.split_once("\n## Neovim").unwrap();
    let blocks = section.split("```lua\n").skip(1).map(|block| block.split("```").next().unwrap());
    let [new, old] = blocks.take(2).collect::<Vec<_>>().try_into().unwrap();
    if minor >= 11 { new.to_owned() } else { old.to_owned() }
}

#[test]
fn a_session_in_neovim() {
    let nvim = |args: &[&str]| {
        let mut command = Command::new("nvim");
        command.args(args).stdin(Stdio::null());
        command
    };
    let version = nvim(&["--version"]).output().expect("nvim is not installed: ./test installs it");
    let version = String::from_utf8(version.stdout).unwrap();
    let minor = version.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or_else(|| panic!("{version}"));
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_plimsoll"));
    let made = Command::new(binary).arg("init").arg(root.join("project")).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    fs::create_dir(root.join("manifests")).unwrap();
    let seed = Path::new(ROOT).join("tests/data/seed/gateway-failing.yaml");
    fs::copy(seed, root.join("manifests/gateway-failing.yaml")).unwrap();
    fs::write(root.join("settings.lua"), settings(minor)).unwrap();
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(binary.parent().unwrap().to_owned()).chain(std::env::split_paths(&paths));
    let session = format!("{ROOT}/tests/editor/session.lua");
    let output = nvim(&["--headless", "-n", "-i", "NONE", "-u", "settings.lua", "-S", &session])
        .current_dir(&root)
        .env("PATH", std::env::join_paths(paths).unwrap())
        .env("RECORD", root.join("record"))
        .env("HOME", &root)
        .env("XDG_STATE_HOME", &root)
        .output()
        .unwrap();
    let record = fs::read_to_string(root.join("record")).unwrap_or_default();
    assert!(output.status.success(), "{record}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_data_eq!(record, file!["editor/session.txt"].raw());
}
