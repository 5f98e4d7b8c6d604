//! Embeds the built-in project: every file of `profiles/`, `templates/` and `services/`.
//!
//! The list is made from the folders, so that no file can be forgotten.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const FOLDERS: [&str; 3] = ["profiles", "services", "templates"];

fn main() {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in FOLDERS.map(|folder| root.join(folder)).iter().filter(|folder| folder.is_dir()) {
        // Cargo looks at every file below, so that a changed, new or gone one builds this again.
        println!("cargo::rerun-if-changed={}", folder.display());
        collect(folder, &mut files);
    }
    println!("cargo::rerun-if-changed=build.rs");
    let mut files: Vec<(String, PathBuf)> =
        files.into_iter().map(|path| (name(path.strip_prefix(&root).unwrap_or(&path)), path)).collect();
    files.sort();
    let mut table = String::from("&[\n");
    for (name, path) in files {
        let _ = writeln!(table, "    ({name:?}, include_str!({:?})),", path.display().to_string());
    }
    table.push_str("]\n");
    let out = PathBuf::from(variable("OUT_DIR")).join("embedded.rs");
    fs::write(&out, table).unwrap_or_else(|error| panic!("cannot write {}: {error}", out.display()));
}

/// Every file below a folder; what begins with a dot belongs to editors and is left out.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("cannot read {}: {error}", folder.display()));
    for entry in entries {
        let path = entry.unwrap_or_else(|error| panic!("cannot read {}: {error}", folder.display())).path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        match hidden {
            true => {}
            false if path.is_dir() => collect(&path, files),
            false => files.push(path),
        }
    }
}

/// The name of a file in the project: its path with slashes, on every machine.
fn name(path: &Path) -> String {
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}
