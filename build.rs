//! Embeds the built-in project: every file of `profiles/`, `templates/` and `services/`, and the trees of its YAML.
//!
//! The list is made from the folders, so that no file can be forgotten. The YAML is read by the tool's own loader, which
//! is compiled here as well.

#![allow(dead_code, unreachable_pub, unused_imports)]

#[path = "src/finding/mod.rs"]
mod finding;
#[path = "src/node.rs"]
mod node;
#[path = "src/source.rs"]
mod source;
#[path = "src/yaml"]
mod yaml {
    pub mod load;
    pub mod packed;
    pub mod scalar;
}

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use source::FileId;
use yaml::load::{Dialect, load_text};
use yaml::packed::pack;

const FOLDERS: [&str; 3] = ["profiles", "services", "templates"];

fn main() {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in FOLDERS.map(|folder| root.join(folder)).iter().filter(|folder| folder.is_dir()) {
        // Cargo looks at every file below, so that a changed, new or gone one builds this again.
        println!("cargo::rerun-if-changed={}", folder.display());
        collect(folder, &mut files);
    }
    // What is compiled here runs again by itself.
    println!("cargo::rerun-if-changed=build.rs");
    let mut files: Vec<(String, PathBuf)> =
        files.into_iter().map(|path| (name(path.strip_prefix(&root).unwrap_or(&path)), path)).collect();
    files.sort();
    let mut table = String::from("&[\n");
    for (path, file) in files {
        let tree = if path.ends_with(".yaml") { packed(&file) } else { Vec::new() };
        let text = format!("include_str!({:?})", file.display().to_string());
        let _ = writeln!(table, "    Embedded {{ path: {path:?}, text: {text}, tree: &{tree:?} }},");
    }
    table.push_str("]\n");
    let out = PathBuf::from(variable("OUT_DIR")).join("embedded.rs");
    fs::write(&out, table).unwrap_or_else(|error| panic!("cannot write {}: {error}", out.display()));
}

/// The packed tree of a YAML file; none where something is wrong with it, for the run to tell.
fn packed(file: &Path) -> Vec<u8> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
    let loaded = load_text(&text, FileId(0), Dialect::Strict);
    if loaded.findings.is_empty() { pack(&loaded.documents, &text) } else { Vec::new() }
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
