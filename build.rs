//! Embeds the built-in project, that is every file of `profiles/`, `templates/` and `services/` and the parsed trees
//! of its YAML, and the facts about public images in `software/`.
//!
//! The file list is generated from the folders, so that no file can be forgotten. The YAML is parsed by the tool's own
//! loader, which is compiled into this script as well. What identifies descriptions goes into separate tables, so that
//! a run parses only the descriptions that it needs.

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
    mod stream;
}

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use node::Node;
use source::FileId;
use yaml::load::{Dialect, load_text};
use yaml::packed::pack;

const FOLDERS: [&str; 3] = ["profiles", "services", "templates"];

/// Facts about public images, one file per software.
const SOFTWARE: &str = "software";

fn main() {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    // Cargo tracks the modules compiled into this script.
    println!("cargo::rerun-if-changed=build.rs");
    let project = files(&root, &FOLDERS);
    let software = files(&root, &[SOFTWARE]);
    write("embedded.rs", &table(&project));
    write("software.rs", &table(&software));
    write("service_signs.rs", &service_signs(&project));
    write("software_images.rs", &software_images(&software));
}

/// The files of folders with their names, sorted by name.
fn files(root: &Path, folders: &[&str]) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    for folder in folders.iter().map(|folder| root.join(folder)).filter(|folder| folder.is_dir()) {
        // Cargo checks every file below, so that a changed, new or removed file triggers a rebuild.
        println!("cargo::rerun-if-changed={}", folder.display());
        collect(&folder, &mut files);
    }
    let mut files: Vec<(String, PathBuf)> =
        files.into_iter().map(|path| (name(path.strip_prefix(root).unwrap_or(&path)), path)).collect();
    files.sort();
    files
}

fn write(name: &str, text: &str) {
    let out = PathBuf::from(variable("OUT_DIR")).join(name);
    fs::write(&out, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", out.display()));
}

/// The table of files with their contents and trees.
fn table(files: &[(String, PathBuf)]) -> String {
    let mut table = String::from("&[\n");
    for (path, file) in files {
        let tree = if path.ends_with(".yaml") { packed(file) } else { Vec::new() };
        let text = format!("include_str!({:?})", file.display().to_string());
        let _ = writeln!(table, "    Embedded {{ path: {path:?}, text: {text}, tree: &{tree:?} }},");
    }
    table.push_str("]\n");
    table
}

/// The table of the signs by which each service description recognizes its service.
fn service_signs(files: &[(String, PathBuf)]) -> String {
    let mut table = String::from("&[\n");
    for (path, file) in files.iter().filter(|(path, _)| path.starts_with("services/") && path.ends_with(".yaml")) {
        let Some(description) = document(file) else { continue };
        let recognize = &description["recognize"];
        let variable = description["configFile"]["env"].text();
        let flag = description["configFile"]["flag"].text();
        let _ = writeln!(
            table,
            "    ServiceSigns {{ path: {path:?}, name: {:?}, images: &{:?}, containers: &{:?}, workloads: &{:?}, \
             path_prefixes: &{:?}, config_keys: &{:?}, context: &{:?}, services: &{:?}, variable: {variable:?}, \
             flag: {flag:?}, authorizes: {} }},",
            description["name"].text(),
            strings(&recognize["images"]),
            strings(&recognize["containers"]),
            strings(&recognize["workloads"]),
            strings(&recognize["pathPrefixes"]),
            strings(&recognize["configKeys"]),
            strings(&recognize["context"]),
            strings(&description["services"]),
            description["authorization"].is_set(),
        );
    }
    table.push_str("]\n");
    table
}

/// The last part of the name of each known public image, with the index of its file.
fn software_images(files: &[(String, PathBuf)]) -> String {
    let mut names = Vec::new();
    for (number, (_, file)) in files.iter().enumerate() {
        let Some(software) = document(file) else { continue };
        for image in strings(&software["images"]).into_iter().chain(strings(&software["derived"])) {
            let last = image.rsplit('/').next().unwrap_or_default().to_owned();
            names.push((last, number));
        }
    }
    names.sort();
    names.dedup();
    format!("&{names:?}")
}

fn document(file: &Path) -> Option<Node> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
    load_text(&text, FileId(0), Dialect::Strict).documents.into_iter().next()
}

fn strings(list: &Node) -> Vec<String> {
    list.items().iter().map(|item| item.text().to_owned()).collect()
}

/// The packed tree of a YAML file; empty if the file is invalid, which is reported at run time.
fn packed(file: &Path) -> Vec<u8> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
    let loaded = load_text(&text, FileId(0), Dialect::Strict);
    if loaded.findings.is_empty() { pack(&loaded.documents, &text) } else { Vec::new() }
}

/// Collects every file below a folder, except for names that start with a dot.
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

/// The name of a file in the project: its path with slashes, on every platform.
fn name(path: &Path) -> String {
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}
