//! Manifests from other programs: `kubectl kustomize` and `helm template`, as installed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};

use crate::check::input::Input;
use crate::programs::{CommandLine, Programs, RunError};
use crate::source::{Sources, read_file};
use crate::yaml::{self, Dialect};

/// The maximum depth to which kustomizations are followed.
const MAX_DEPTH: usize = 32;

/// Adds the output of `kubectl kustomize` for a directory, or of `kustomize build` if kubectl is not installed.
pub(super) fn kustomize(sources: &Sources, folder: &Path, remote: bool, input: &mut Input) -> anyhow::Result<()> {
    if !folder.is_dir() {
        bail!("`{}` is not a folder", folder.display());
    }
    if !remote && let Some((file, name)) = remote_base(folder, 0) {
        bail!("{} names the remote base `{name}`; pass --remote to fetch it", file.display());
    }
    let shown = folder.to_string_lossy();
    let text = match run("kubectl", ["kustomize", &shown]) {
        Err(RunError::NotFound(_)) => run("kustomize", ["build", &shown])
            .with_context(|| "neither `kubectl` nor `kustomize` can be run".to_owned())?,
        text => text?,
    };
    let name = format!("<kubectl kustomize {}>", folder.display());
    input.add(sources, sources.add(name, text), true);
    Ok(())
}

/// Adds the output of `helm template` for a chart with values.
pub(super) fn helm(
    sources: &Sources,
    chart: &str,
    values: &[PathBuf],
    remote: bool,
    input: &mut Input,
) -> anyhow::Result<()> {
    if !remote && !Path::new(chart).exists() {
        bail!("`{chart}` is neither a folder nor a file; pass --remote for a chart of a repository");
    }
    let values: Vec<_> = values.iter().map(|file| file.to_string_lossy()).collect();
    if let Some(file) = values.iter().find(|file| !remote && file.contains("://")) {
        bail!("`{file}` is remote; pass --remote to fetch it");
    }
    let files = values.iter().flat_map(|file| ["--values", file]);
    let text = run("helm", ["template", "release", chart].into_iter().chain(files))
        .with_context(|| format!("cannot render the chart `{chart}`"))?;
    input.add(sources, sources.add(format!("<helm template {chart}>"), text), true);
    Ok(())
}

/// Runs a program and returns its standard output.
fn run<'a>(program: &str, args: impl IntoIterator<Item = &'a str>) -> Result<String, RunError> {
    Programs::new(None, Arc::new(|_| ())).run(&CommandLine::new(program, args))
}

/// The first remote base of a kustomization or of one that it includes: the file that names it, and its name.
fn remote_base(folder: &Path, depth: usize) -> Option<(PathBuf, String)> {
    if depth > MAX_DEPTH {
        return None;
    }
    for name in ["kustomization.yaml", "kustomization.yml", "Kustomization"] {
        let file = folder.join(name);
        let Ok(text) = read_file(&file) else { continue };
        let sources = Sources::new();
        for document in yaml::load(&sources, sources.add("", text), Dialect::Kubectl).documents {
            let lists = ["resources", "bases", "components", "configurations", "crds", "transformers", "generators"];
            for item in lists.into_iter().flat_map(|list| document[list].items()) {
                let base = item.text();
                let path = folder.join(base);
                if path.is_dir() {
                    if let Some(found) = remote_base(&path, depth + 1) {
                        return Some(found);
                    }
                } else if !path.exists() && !base.contains('\n') && is_remote(base) {
                    return Some((file, base.to_owned()));
                }
            }
        }
    }
    None
}

/// Whether kustomize would download a base: a URL, or a repository.
fn is_remote(base: &str) -> bool {
    base.contains("://")
        || base.contains("?ref=")
        || base.starts_with("git@")
        || base.starts_with("git::")
        || base.split('/').next().is_some_and(|host| host.contains('.') && !host.starts_with('.'))
            && base.split('/').count() > 2
}
