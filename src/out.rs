//! The out folder: rendered bundles as files, each with a receipt of what it was made from.
//!
//! A file changes by a rename of a whole new one, so that a run that is killed leaves each file either as it was or as
//! it should be. The receipts in `.plimsoll/` hold digests only; with them [`verify`] tells an edit by hand from a
//! change of inputs, templates or the tool.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::parallel::in_parallel;

/// The folder of the receipts, inside the out folder.
const RECEIPTS: &str = ".plimsoll";

/// A rendered bundle and what it was made from.
#[derive(Debug, Clone)]
pub struct Rendering {
    /// The profile.
    pub profile: String,
    /// The environment.
    pub environment: String,
    /// The manifests as YAML text.
    pub text: String,
    /// What it was made from.
    pub made_from: MadeFrom,
}

/// Digests of what a bundle was made from; no values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeFrom {
    /// Profile layers, values files and SQL folders, by name.
    pub inputs: BTreeMap<String, String>,
    /// All templates together.
    pub templates: String,
    /// The version of the tool.
    pub tool: String,
}

/// What stands in a receipt.
#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    /// The digest of the file as it was written.
    output: String,
    #[serde(flatten)]
    made_from: MadeFrom,
}

impl Rendering {
    /// `gateway.e2e.yaml`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.{}.yaml", self.profile, self.environment)
    }

    fn receipt_name(&self) -> String {
        format!("{}.{}.json", self.profile, self.environment)
    }

    fn receipt(&self) -> String {
        let receipt = Receipt { output: digest(self.text.as_bytes()), made_from: self.made_from.clone() };
        serde_json::to_string_pretty(&receipt).map(|text| text + "\n").unwrap_or_default()
    }
}

/// The SHA-256 of bytes, in hexadecimal digits.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// What a run did to the out folder; names of files.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Written anew.
    pub written: Vec<String>,
    /// Already as they should be.
    pub unchanged: usize,
    /// Taken away: no profile makes them any more.
    pub removed: Vec<String>,
    /// Left alone although no profile makes them any more: edited by hand.
    pub kept: Vec<String>,
}

/// Writes the bundles, all or nothing up to the renames at the end. With `prune`, files that earlier runs wrote and no
/// profile makes any more go, unless somebody edited them.
///
/// # Errors
/// Where a file cannot be written or replaced; then no file has changed, unless a rename itself failed.
pub fn write(folder: &Path, renderings: &[Rendering], prune: bool) -> anyhow::Result<Written> {
    let receipts = folder.join(RECEIPTS);
    // A link would lead whoever tidies up here into another folder.
    if receipts.is_symlink() {
        bail!("{} is a link; it must be a folder of its own", receipts.display());
    }
    fs::create_dir_all(&receipts).with_context(|| format!("cannot create {}", receipts.display()))?;
    // Two runs into one folder take turns. Where a folder cannot be locked, the renames still keep each file whole.
    let lock = File::open(folder).ok();
    if let Some(lock) = &lock {
        _ = lock.lock();
    }
    remove_leftovers(&receipts);
    let mut done = Written::default();
    let pending = Pending::default();
    let changed = in_parallel(renderings, None, |rendering| prepare(folder, &receipts, rendering, &pending));
    for (rendering, changed) in renderings.iter().zip(changed) {
        if changed? {
            done.written.push(rendering.file_name());
        } else {
            done.unchanged += 1;
        }
    }
    for (temporary, path) in pending.all() {
        fs::rename(&temporary, &path).with_context(|| format!("cannot replace {}", path.display()))?;
    }
    if prune {
        for stale in stale(folder, renderings)? {
            if stale.edited {
                done.kept.push(stale.name);
            } else {
                let path = folder.join(&stale.name);
                fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
                fs::remove_file(&stale.receipt)
                    .with_context(|| format!("cannot remove {}", stale.receipt.display()))?;
                done.removed.push(stale.name);
            }
        }
    }
    Ok(done)
}

/// Writes what is new of a bundle to temporary files; whether the bundle itself is.
fn prepare(folder: &Path, receipts: &Path, rendering: &Rendering, pending: &Pending) -> anyhow::Result<bool> {
    let receipt = rendering.receipt();
    let files = [
        (folder.join(rendering.file_name()), rendering.text.as_str()),
        (receipts.join(rendering.receipt_name()), receipt.as_str()),
    ];
    let mut changed = false;
    for (path, text) in files {
        if path.is_dir() {
            bail!("cannot write {}: a folder of that name is in the way", path.display());
        }
        if holds(&path, text) {
            continue;
        }
        changed |= path.parent() == Some(folder);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let temporary = receipts.join(format!("{name}.tmp"));
        pending.add(temporary.clone(), path);
        write_whole(&temporary, text).with_context(|| format!("cannot write {}", temporary.display()))?;
    }
    Ok(changed)
}

/// Temporary files and where they belong; what was not renamed goes with this value.
#[derive(Default)]
struct Pending(Mutex<BTreeMap<PathBuf, PathBuf>>);

impl Pending {
    fn add(&self, temporary: PathBuf, path: PathBuf) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(temporary, path);
    }

    /// All of them, in the order of their names.
    fn all(&self) -> BTreeMap<PathBuf, PathBuf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        for temporary in self.all().keys() {
            _ = fs::remove_file(temporary);
        }
    }
}

/// Whether a file, and no link or pipe, is there with that text.
fn holds(path: &Path, text: &str) -> bool {
    let same_size = |found: fs::Metadata| found.is_file() && found.len() == text.len() as u64;
    fs::symlink_metadata(path).is_ok_and(same_size) && fs::read(path).is_ok_and(|old| old == text.as_bytes())
}

fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    // Anew, so that no link that stands there is followed.
    let mut file = File::create_new(path)?;
    file.write_all(text.as_bytes())?;
    file.flush()
}

/// Removes the temporary files of runs that were killed.
fn remove_leftovers(receipts: &Path) {
    for entry in fs::read_dir(receipts).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|end| end == "tmp") {
            _ = fs::remove_file(entry.path());
        }
    }
}

/// A file of an earlier run that no rendering makes any more, though its environment is among those rendered. The
/// other environments' files are none of this run's business: one may need values that only another run is given.
struct Stale {
    name: String,
    receipt: PathBuf,
    edited: bool,
}

fn stale(folder: &Path, renderings: &[Rendering]) -> anyhow::Result<Vec<Stale>> {
    let made: BTreeSet<String> = renderings.iter().map(Rendering::receipt_name).collect();
    let rendered = |name: &str| {
        let environment = name.strip_suffix(".json").and_then(|name| name.rsplit_once('.'));
        environment.is_some_and(|(_, name)| renderings.iter().any(|rendering| rendering.environment == name))
    };
    let receipts = folder.join(RECEIPTS);
    let entries = match fs::read_dir(&receipts) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", receipts.display())),
    };
    let mut names: Vec<String> = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string());
    }
    names.sort();
    let stale = names.iter().filter(|name| rendered(name) && !made.contains(*name)).filter_map(|name| {
        let receipt = receipts.join(name);
        let file = format!("{}.yaml", name.strip_suffix(".json")?);
        let text = fs::read(folder.join(&file)).ok()?;
        let output = serde_json::from_slice::<Receipt>(&fs::read(&receipt).ok()?).ok()?.output;
        Some(Stale { name: file, receipt, edited: output != digest(&text) })
    });
    Ok(stale.collect())
}

/// Why a committed file is not what is rendered now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// There is no such file.
    Missing,
    /// There is no receipt for it, so nothing more can be told.
    Unknown,
    /// The file is not what was written then.
    EditedByHand,
    /// Profile layers, values files or SQL folders changed; their names.
    Inputs(Vec<String>),
    /// The templates changed.
    Templates,
    /// It was written by another version of the tool, which is named.
    Tool(String),
    /// It was rendered with other arguments, or by another build of the same version.
    Arguments,
    /// No profile makes it any more.
    Stale,
}

/// A committed file that is not what is rendered now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The file's name.
    pub name: String,
    /// Why it differs; an edit by hand may come together with another reason.
    pub reasons: Vec<Reason>,
    /// The file's text; empty where there is none.
    pub committed: String,
    /// The text rendered now; empty where none is.
    pub rendered: String,
}

/// Compares the folder with the bundles, and writes nothing. `whole`: the bundles are all there are, so that other
/// files with a receipt are stale.
///
/// # Errors
/// Where the folder or a file in it cannot be read.
pub fn verify(folder: &Path, renderings: &[Rendering], whole: bool) -> anyhow::Result<Vec<Drift>> {
    let mut drifts = Vec::new();
    for rendering in renderings {
        let name = rendering.file_name();
        let path = folder.join(&name);
        let committed = match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).replace("\r\n", "\n"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let rendered = rendering.text.clone();
                drifts.push(Drift { name, reasons: vec![Reason::Missing], committed: String::new(), rendered });
                continue;
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        if committed != rendering.text {
            let receipt = fs::read(folder.join(RECEIPTS).join(rendering.receipt_name())).ok();
            let receipt = receipt.and_then(|text| serde_json::from_slice(&text).ok());
            let reasons = reasons(&committed, receipt.as_ref(), &rendering.made_from);
            drifts.push(Drift { name, reasons, committed, rendered: rendering.text.clone() });
        }
    }
    if whole {
        for stale in stale(folder, renderings)? {
            let committed = fs::read_to_string(folder.join(&stale.name)).unwrap_or_default();
            let mut reasons = vec![Reason::Stale];
            reasons.extend(stale.edited.then_some(Reason::EditedByHand));
            drifts.push(Drift { name: stale.name, reasons, committed, rendered: String::new() });
        }
    }
    Ok(drifts)
}

fn reasons(committed: &str, receipt: Option<&Receipt>, now: &MadeFrom) -> Vec<Reason> {
    let Some(receipt) = receipt else { return vec![Reason::Unknown] };
    let then = &receipt.made_from;
    let mut reasons = Vec::new();
    if receipt.output != digest(committed.as_bytes()) {
        reasons.push(Reason::EditedByHand);
    }
    let names: BTreeSet<&String> = then.inputs.keys().chain(now.inputs.keys()).collect();
    let changed: Vec<String> =
        names.into_iter().filter(|name| then.inputs.get(*name) != now.inputs.get(*name)).cloned().collect();
    if !changed.is_empty() {
        reasons.push(Reason::Inputs(changed));
    }
    if then.templates != now.templates {
        reasons.push(Reason::Templates);
    }
    if then.tool != now.tool {
        reasons.push(Reason::Tool(then.tool.clone()));
    }
    if reasons.is_empty() {
        reasons.push(Reason::Arguments);
    }
    reasons
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rendering(profile: &str, text: &str) -> Rendering {
        let inputs = [("profiles/base.yaml".to_owned(), "1".to_owned())].into();
        let made_from = MadeFrom { inputs, templates: "t".to_owned(), tool: "1".to_owned() };
        Rendering { profile: profile.to_owned(), environment: "e2e".to_owned(), text: text.to_owned(), made_from }
    }

    #[test]
    fn a_second_run_writes_nothing_and_stale_files_go_only_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (rendering("a", "x: 1\n"), rendering("b", "x: 2\n"));
        let done = write(folder.path(), &[a.clone(), b.clone()], true).unwrap();
        assert_eq!(done.written, ["a.e2e.yaml", "b.e2e.yaml"]);
        let done = write(folder.path(), &[a.clone(), b], true).unwrap();
        assert_eq!((done.written.len(), done.unchanged), (0, 2));
        assert_eq!(write(folder.path(), std::slice::from_ref(&a), false).unwrap().removed.len(), 0);
        assert_eq!(verify(folder.path(), std::slice::from_ref(&a), true).unwrap()[0].reasons, [Reason::Stale]);
        fs::write(folder.path().join("own.yaml"), "mine: 1\n").unwrap();
        assert_eq!(write(folder.path(), std::slice::from_ref(&a), true).unwrap().removed, ["b.e2e.yaml"]);
        assert!(folder.path().join("own.yaml").exists());
        assert!(verify(folder.path(), &[a], true).unwrap().is_empty());
    }

    #[test]
    fn an_edited_stale_file_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[rendering("a", "x: 1\n")], false).unwrap();
        fs::write(folder.path().join("a.e2e.yaml"), "x: 9\n").unwrap();
        let other = Rendering { environment: "ci".to_owned(), ..rendering("b", "x: 1\n") };
        assert_eq!(write(folder.path(), &[other], true).unwrap().kept.len(), 0);
        assert_eq!(write(folder.path(), &[rendering("b", "x: 1\n")], true).unwrap().kept, ["a.e2e.yaml"]);
    }

    #[test]
    fn drift_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let old = rendering("a", "x: 1\n");
        let reasons = |new: &Rendering| {
            verify(folder.path(), std::slice::from_ref(new), false).unwrap().first().map(|drift| drift.reasons.clone())
        };
        assert_eq!(reasons(&old), Some(vec![Reason::Missing]));
        write(folder.path(), std::slice::from_ref(&old), false).unwrap();
        assert_eq!(reasons(&old), None);
        let mut new = rendering("a", "x: 2\n");
        assert_eq!(reasons(&new), Some(vec![Reason::Arguments]));
        new.made_from.templates = "u".to_owned();
        assert_eq!(reasons(&new), Some(vec![Reason::Templates]));
        new.made_from = old.made_from.clone();
        new.made_from.inputs.insert("profiles/a.yaml".to_owned(), "2".to_owned());
        assert_eq!(reasons(&new), Some(vec![Reason::Inputs(vec!["profiles/a.yaml".to_owned()])]));
        new.made_from = old.made_from.clone();
        new.made_from.tool = "2".to_owned();
        assert_eq!(reasons(&new), Some(vec![Reason::Tool("1".to_owned())]));
        fs::write(folder.path().join("a.e2e.yaml"), "x: 7\n").unwrap();
        assert_eq!(reasons(&old), Some(vec![Reason::EditedByHand]));
        // A checkout with Windows line ends is no edit.
        fs::write(folder.path().join("a.e2e.yaml"), "x: 1\r\n").unwrap();
        assert_eq!(reasons(&old), None);
        fs::remove_file(folder.path().join(RECEIPTS).join("a.e2e.json")).unwrap();
        assert_eq!(reasons(&new), Some(vec![Reason::Unknown]));
    }

    #[test]
    fn nothing_changes_where_one_file_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[rendering("a", "x: 1\n")], false).unwrap();
        fs::create_dir(folder.path().join("b.e2e.yaml")).unwrap();
        assert!(write(folder.path(), &[rendering("a", "x: 2\n"), rendering("b", "x: 3\n")], false).is_err());
        assert_eq!(fs::read_to_string(folder.path().join("a.e2e.yaml")).unwrap(), "x: 1\n");
        let left: Vec<_> =
            fs::read_dir(folder.path().join(RECEIPTS)).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["a.e2e.json"]);
    }
}
