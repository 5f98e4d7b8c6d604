//! Finds the kinds in the source code of k8s-openapi, which has no list of its resources.

use crate::Result;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the source code of k8s-openapi.
pub fn k8s_openapi_source(package: &Path) -> Result<PathBuf> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--features", "dump"])
        .arg("--manifest-path")
        .arg(package.join("Cargo.toml"))
        .stderr(std::process::Stdio::inherit())
        .output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let manifest = metadata["packages"]
        .as_array()
        .and_then(|all| all.iter().find(|each| each["name"] == "k8s-openapi"))
        .and_then(|found| found["manifest_path"].as_str())
        .ok_or("cargo metadata does not name k8s-openapi")?;
    Ok(Path::new(manifest).with_file_name("src"))
}

/// A `kind!` line for every type of the version that implements `Resource`.
pub fn list(source: &Path, minor: u32) -> Result<String> {
    let mut out = String::new();
    let root = source.join(format!("v1_{minor}"));
    visit(&root, "k8s_openapi", &mut out)?;
    Ok(format!("{{\n{out}}}\n"))
}

fn visit(folder: &Path, module: &str, out: &mut String) -> Result<()> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<_>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
            visit(&path, &format!("{module}::{name}"), out)?;
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        for line in text.lines() {
            let Some(rest) = line.strip_prefix("impl crate::Resource for ") else {
                continue;
            };
            let name = rest.trim_end_matches(" {");
            let list = text.contains(&format!("impl crate::ListableResource for {name} {{"));
            let suffix = if list { ", list" } else { "" };
            writeln!(out, "    kind!({module}::{name}{suffix});")?;
        }
    }
    Ok(())
}
