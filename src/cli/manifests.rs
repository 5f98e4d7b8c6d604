//! Reads the manifests that arguments name: files, directories, standard input.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::check::input::Input;
use crate::check::kustomize::{Kustomizations, Part};
use crate::finding::{Finding, RuleId};
use crate::globs::{self, Globs};
use crate::source::{self, ReadError, Sources, Span};

/// The extensions of files that may be manifests.
const ENDINGS: &[&str] = &["yaml", "yml", "json"];

/// Reads a file, all manifests of a directory, or standard input.
pub(super) fn read(sources: &Sources, path: &Path, input: &mut Input) -> anyhow::Result<()> {
    read_but(sources, path, &[], input)
}

/// The same, without the files of a directory that match exclusions.
pub(super) fn read_but(sources: &Sources, path: &Path, exclude: &[&Globs], input: &mut Input) -> anyhow::Result<()> {
    if path == Path::new("-") {
        let text = source::read_text(io::stdin().lock());
        if text.as_ref().is_ok_and(|text| text.trim().is_empty()) {
            bail!("standard input is empty");
        }
        return add(sources, path, text, input);
    }
    let metadata = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    if !metadata.is_dir() {
        return add(sources, path, sources.read_file(path), input);
    }
    let found = globs::walk(path, ENDINGS, exclude).with_context(|| format!("cannot read {}", path.display()))?;
    if found.files.is_empty() {
        bail!("`{}` contains no .yaml, .yml or .json files", path.display());
    }
    for path in &found.excluded {
        input.pass_over(sources.add(path.to_string_lossy(), ""), "excluded");
    }
    folder(sources, &found.files, input)
}

/// Reads the files of a directory. Its kustomizations come first, since they determine what the others are.
fn folder(sources: &Sources, files: &[PathBuf], input: &mut Input) -> anyhow::Result<()> {
    for file in files.iter().filter(|file| Kustomizations::is_kustomization(file)) {
        if let Ok(text) = sources.read_file(file) {
            let id = sources.add(file.to_string_lossy(), text);
            input.add_kustomization(sources, id, file.parent().unwrap_or(Path::new("")));
        }
    }
    for file in files {
        let part = input.kustomizations.part(file);
        let words = match part {
            Some(Part::Patch) => "a patch of a kustomization",
            Some(Part::Other) => "data or configuration of a kustomization",
            None if is_below(file, &["templates"], "Chart.yaml") => {
                "a template of a Helm chart: check it with `--helm CHART`"
            }
            None if is_below(file, &["profiles", "services", "templates"], "plimsoll.toml") => {
                "part of a plimsoll project: check what `plimsoll render` prints"
            }
            None => {
                add_found(sources, file, input)?;
                continue;
            }
        };
        if part == Some(Part::Patch)
            && let Ok(text) = sources.read_file(file)
        {
            input.kustomizations.add_patch(&text);
        }
        input.pass_over(sources.add(file.to_string_lossy(), ""), words);
    }
    Ok(())
}

/// Whether a file is in a directory of one of these names that is next to a file of this name: the templates and
/// tests of a Helm chart are in `templates` next to `Chart.yaml`.
fn is_below(file: &Path, folders: &[&str], beside: &str) -> bool {
    let Ok(file) = std::path::absolute(file) else { return false };
    file.ancestors().skip(1).any(|folder| {
        folder.file_name().is_some_and(|name| folders.iter().any(|known| name == *known))
            && folder.parent().is_some_and(|parent| parent.join(beside).is_file())
    })
}

/// Adds a file that an argument names.
fn add(sources: &Sources, path: &Path, text: Result<String, ReadError>, input: &mut Input) -> anyhow::Result<()> {
    let name = path.to_string_lossy();
    match text {
        Ok(text) => input.add(sources, sources.add(name, text), true),
        Err(ReadError::Io(error)) => return Err(error).with_context(|| format!("cannot read {name}")),
        Err(error) => unreadable(sources, path, &error, input),
    }
    Ok(())
}

/// Adds a file that was found in a directory.
fn add_found(sources: &Sources, path: &Path, input: &mut Input) -> anyhow::Result<()> {
    match sources.read_file(path) {
        Ok(text) => input.add(sources, sources.add(path.to_string_lossy(), text), false),
        Err(ReadError::Io(error)) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        Err(error) => unreadable(sources, path, &error, input),
    }
    Ok(())
}

/// Reports a file that is not UTF-8, at the first invalid position.
fn unreadable(sources: &Sources, path: &Path, error: &ReadError, input: &mut Input) {
    let bytes = match error {
        ReadError::NotUtf8(_) => fs::read(path).unwrap_or_default(),
        _ => Vec::new(),
    };
    let good = bytes.utf8_chunks().next().map_or(0, |chunk| chunk.valid().len());
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let width = text[good..].chars().next().map_or(0, char::len_utf8);
    let file = sources.add(path.to_string_lossy(), text.as_str());
    // A file that could not be read may contain secrets.
    sources.add_unread(Span::new(file, 0, text.len() as u32));
    let span = Span::new(file, good as u32, (good + width) as u32);
    let finding = match not_text(&bytes) {
        Some((what, help)) => Finding::error(RuleId::YamlSyntax, span, format!("the file is {what}")).with_help(help),
        None => Finding::error(RuleId::YamlSyntax, span, format!("the file is {error}")),
    };
    input.findings.push(finding);
}

/// The type of a binary file, by its first bytes, and what to do about it.
fn not_text(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    const FORMS: &[(&[u8], &str, &str)] = &[
        (b"\xff\xfe", "UTF-16", "save it as UTF-8"),
        (b"\xfe\xff", "UTF-16", "save it as UTF-8"),
        (b"\0GITCRYPT\0", "encrypted with git-crypt", "decrypt it first: `git-crypt unlock`"),
        (b"\x1f\x8b", "compressed with gzip", "unpack it first: `gunzip`"),
    ];
    let known = FORMS.iter().find(|(start, ..)| bytes.starts_with(start)).map(|(_, what, help)| (*what, *help));
    known.or_else(|| bytes.contains(&0).then_some(("binary, not text", "give manifests in YAML or JSON")))
}
