//! Writes `schemas/kubernetes.bin`, a compact file with the schemas of Kubernetes 1.33 to 1.37.
//!
//! ```sh
//! cargo run --manifest-path tools/kube-schemas/Cargo.toml
//! ```
//!
//! k8s-openapi can only be built for one Kubernetes version at a time. For each version, this program builds the `dump`
//! binary of this package and reads the JSON Schemas that it prints. It adds what k8s-openapi lacks (the list keys of
//! `list-keys.tsv`; pointers, defaults and atomic maps of `fields.tsv`) and packs everything. `cargo` builds in the
//! usual target folder; set `CARGO_TARGET_DIR` to change it.
#![allow(missing_docs)]

mod kinds;
mod model;
mod pack;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The versions in the file, at most sixteen; bit 0 of every version mask is the first.
const MINORS: [u32; 5] = [33, 34, 35, 36, 37];

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kube-schemas: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = kinds::k8s_openapi_source(package)?;
    let keys = std::fs::read_to_string(package.join("list-keys.tsv"))?;
    let fields = std::fs::read_to_string(package.join("fields.tsv"))?;
    let mut model = model::Model::new(&keys, &fields)?;
    for (bit, minor) in MINORS.into_iter().enumerate() {
        eprintln!("building the schemas of 1.{minor}");
        let dump = dump(package, &source, minor)?;
        model.add(&dump, bit)?;
    }
    model.check_facts()?;
    let bytes = pack::pack(&model)?;
    let target = package.join("../../schemas/kubernetes.bin");
    std::fs::create_dir_all(target.parent().expect("has a parent"))?;
    std::fs::write(&target, &bytes)?;
    eprintln!(
        "{} kinds, {} types, {} fields, {} bytes",
        model.kinds.len(),
        model.types.len(),
        model.field_count(),
        bytes.len()
    );
    Ok(())
}

/// The JSON printed by the `dump` binary of one version, cached in the folder `KUBE_DUMPS` since a build takes minutes.
fn dump(package: &Path, source: &Path, minor: u32) -> Result<serde_json::Value> {
    let kept = std::env::var_os("KUBE_DUMPS").map(|folder| Path::new(&folder).join(format!("{minor}.json")));
    if let Some(bytes) = kept.as_ref().and_then(|path| std::fs::read(path).ok()) {
        return Ok(serde_json::from_slice(&bytes)?);
    }
    let list: PathBuf = std::env::temp_dir().join(format!("kube-kinds-1.{minor}.rs"));
    std::fs::write(&list, kinds::list(source, minor)?)?;
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--locked", "--bin", "dump"])
        .args(["--features", &format!("v1_{minor}")])
        .arg("--manifest-path")
        .arg(package.join("Cargo.toml"))
        .env("KUBE_KINDS", &list)
        .stderr(std::process::Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("the build for 1.{minor} failed").into());
    }
    if let Some(path) = kept {
        std::fs::write(path, &output.stdout)?;
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
