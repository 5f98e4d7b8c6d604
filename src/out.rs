//! The output folder: rendered bundles as files, each with a receipt of its inputs.
//!
//! Files are replaced by renaming a complete new file, so that an interrupted run leaves each file either old or new.
//! The receipts in `.plimsoll/` contain digests only; with them [`verify`] distinguishes an edit by hand from a change
//! of inputs, templates or the tool.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::digest;
use crate::parallel::in_parallel;
use crate::source::MAX_BYTES;

/// The folder of the receipts, inside the output folder.
const RECEIPTS: &str = ".plimsoll";

/// Identifies a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleName {
    /// The profile.
    pub profile: String,
    /// The environment.
    pub environment: String,
}

/// A rendered bundle and its provenance.
#[derive(Debug, Clone)]
pub struct Rendering {
    /// The bundle's name.
    pub name: BundleName,
    /// The manifests as YAML.
    pub text: String,
    /// What it was made from.
    pub provenance: Provenance,
}

/// Digests of a bundle's inputs, without any values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The digests of profile layers, values files and SQL folders, by name.
    pub inputs: BTreeMap<String, String>,
    /// The digest of all templates.
    pub templates: String,
    /// The version of the tool.
    pub tool: String,
}

/// The contents of a receipt.
#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    /// The digest of the file as it was written.
    output: String,
    #[serde(flatten)]
    provenance: Provenance,
}

impl BundleName {
    /// `gateway.e2e.yaml`.
    #[must_use]
    pub fn file(&self) -> String {
        format!("{}.{}.yaml", self.profile, self.environment)
    }

    fn receipt(&self) -> String {
        format!("{}.{}.json", self.profile, self.environment)
    }
}

impl Rendering {
    fn receipt(&self) -> String {
        let receipt = Receipt { output: digest::of(&self.text), provenance: self.provenance.clone() };
        serde_json::to_string_pretty(&receipt).map(|text| text + "\n").unwrap_or_default()
    }
}

/// Files of earlier bundles, by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Cleanup {
    /// Removed: no profile renders them any more.
    pub removed: Vec<String>,
    /// Kept although no profile renders them any more, because they were edited by hand.
    pub kept: Vec<String>,
}

/// Writes bundles to a folder, all or nothing up to the renames at the end. Each bundle is written to a temporary file
/// as soon as it is rendered, so that not all of them are in memory at once. Dropping the writer removes what was not
/// committed.
#[derive(Debug)]
pub struct OutputWriter {
    folder: PathBuf,
    receipts: PathBuf,
    pending: Mutex<BTreeMap<PathBuf, PathBuf>>,
    /// The folders that were created, the deepest first.
    made: Vec<PathBuf>,
    /// Held until the end.
    _lock: Option<File>,
}

impl OutputWriter {
    /// Creates the folder and waits until no other run writes to it.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let receipts = folder.join(RECEIPTS);
        // Cleaning up through a link would remove files of another folder.
        if receipts.is_symlink() {
            bail!("{} is a link; it must be a folder of its own", receipts.display());
        }
        let absent = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let made = receipts.ancestors().take_while(absent).map(Path::to_owned).collect();
        loop {
            fs::create_dir_all(&receipts).with_context(|| format!("cannot create {}", receipts.display()))?;
            // Concurrent runs take turns. If a folder cannot be locked, the renames still keep each file complete.
            let lock = File::open(folder).ok();
            if let Some(lock) = &lock {
                _ = lock.lock();
            }
            // A failed run may have removed the folder that it created, and another run may have created it again: a
            // lock on the removed folder has no effect.
            if receipts.is_dir() && lock.as_ref().is_none_or(|lock| is_same(lock, folder)) {
                remove_leftovers(&receipts);
                return Ok(Self { folder: folder.to_owned(), receipts, pending: Mutex::default(), made, _lock: lock });
            }
        }
    }

    /// Writes the changed files of a bundle to temporary files. Returns whether the bundle itself changed. Can be
    /// called from several threads.
    ///
    /// # Errors
    /// If a file cannot be written, or a folder has its name.
    pub fn add(&self, rendering: &Rendering) -> anyhow::Result<bool> {
        let receipt = rendering.receipt();
        let bundle = self.prepare(&self.folder, rendering.name.file(), &rendering.text)?;
        self.prepare(&self.receipts, rendering.name.receipt(), &receipt)?;
        Ok(bundle)
    }

    fn prepare(&self, folder: &Path, name: String, text: &str) -> anyhow::Result<bool> {
        let path = folder.join(&name);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => {
                bail!("cannot write {}: it is a folder", path.display())
            }
            Ok(found)
                if found.is_file()
                    && found.len() == text.len() as u64
                    && fs::read(&path).is_ok_and(|old| old == text.as_bytes()) =>
            {
                return Ok(false);
            }
            _ => {}
        }
        let temporary = self.receipts.join(name + ".tmp");
        self.pending().insert(temporary.clone(), path);
        write_whole(&temporary, text).with_context(|| format!("cannot write {}", temporary.display()))?;
        Ok(true)
    }

    fn pending(&self) -> MutexGuard<'_, BTreeMap<PathBuf, PathBuf>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves all added files to their final names.
    ///
    /// # Errors
    /// If a file cannot be replaced.
    pub fn commit(&self) -> anyhow::Result<()> {
        let pending: Vec<(PathBuf, PathBuf)> = std::mem::take(&mut *self.pending()).into_iter().collect();
        let renamed = in_parallel(&pending, None, |(temporary, path)| fs::rename(temporary, path));
        let mut outcome = Ok(());
        for ((temporary, path), renamed) in pending.iter().zip(renamed) {
            if renamed.is_err() {
                _ = fs::remove_file(temporary);
            }
            // Only the first error is reported, but all temporary files are removed.
            outcome = outcome.and(renamed.with_context(|| format!("cannot replace {}", path.display())));
        }
        outcome
    }

    /// Removes the files of earlier runs that no profile renders any more, unless they were edited. `all`: all current
    /// bundles.
    ///
    /// # Errors
    /// If a file cannot be read or removed.
    pub fn remove_stale(&self, all: &[BundleName]) -> anyhow::Result<Cleanup> {
        let mut cleanup = Cleanup::default();
        for stale in stale(&self.folder, all)? {
            if stale.edited {
                cleanup.kept.push(stale.name);
            } else {
                for path in [&self.folder.join(&stale.name), &stale.receipt] {
                    fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
                }
                cleanup.removed.push(stale.name);
            }
        }
        Ok(cleanup)
    }
}

impl Drop for OutputWriter {
    fn drop(&mut self) {
        for temporary in self.pending().keys() {
            _ = fs::remove_file(temporary);
        }
        // Folders that are not empty are kept.
        self.made.iter().for_each(|folder| _ = fs::remove_dir(folder));
    }
}

/// Whether an open folder still has that name.
#[cfg(unix)]
fn is_same(opened: &File, folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |found: fs::Metadata| (found.dev(), found.ino());
    opened.metadata().ok().map(identity) == fs::metadata(folder).ok().map(identity)
}

/// Whether an open folder still has that name. On this platform an open folder cannot be removed.
#[cfg(not(unix))]
const fn is_same(_opened: &File, _folder: &Path) -> bool {
    true
}

/// Replaces a file by renaming a complete new one, so that an interrupted run leaves either the old or the new
/// contents. A link is preserved, and so are permissions.
///
/// # Errors
/// If it cannot be written.
pub fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let replaced = || {
        let old = fs::metadata(path).ok();
        let path = if old.is_some() { path.canonicalize()? } else { path.to_owned() };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        let replaced = write_whole(&temporary, text)
            .and_then(|()| old.map_or(Ok(()), |old| fs::set_permissions(&temporary, old.permissions())))
            .and_then(|()| fs::rename(&temporary, &path));
        if replaced.is_err() {
            _ = fs::remove_file(&temporary);
        }
        replaced
    };
    replaced().with_context(|| format!("cannot write {}", path.display()))
}

fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    // Created anew, so that an existing link is not followed.
    let mut file = File::create_new(path)?;
    file.write_all(text.as_bytes())?;
    file.flush()
}

/// Reads a file of the output folder. The folder may be untrusted, so links are not followed and pipes and devices are
/// not opened.
///
/// # Errors
/// If it does not exist, is not a regular file, or is larger than any bundle.
pub fn read_plain(path: &Path) -> io::Result<Vec<u8>> {
    let found = fs::symlink_metadata(path)?;
    if !found.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    if found.len() > MAX_BYTES {
        return Err(io::Error::other(format!("larger than {} MiB", MAX_BYTES / 1024 / 1024)));
    }
    let mut bytes = Vec::with_capacity(found.len() as usize);
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Removes the temporary files of interrupted runs.
fn remove_leftovers(receipts: &Path) {
    for entry in fs::read_dir(receipts).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|end| end == "tmp") {
            _ = fs::remove_file(entry.path());
        }
    }
}

/// A file of an earlier run that no profile renders any more, although its environment is among those rendered. Files
/// of other environments are not considered, since those may need values that only another run has.
struct Stale {
    name: String,
    receipt: PathBuf,
    edited: bool,
}

fn stale(folder: &Path, all: &[BundleName]) -> anyhow::Result<Vec<Stale>> {
    let made: BTreeSet<String> = all.iter().map(BundleName::receipt).collect();
    let environments: BTreeSet<&str> = all.iter().map(|name| name.environment.as_str()).collect();
    let rendered = |name: &str| {
        let environment = name.strip_suffix(".json").and_then(|name| name.rsplit_once('.'));
        environment.is_some_and(|(_, name)| environments.contains(name))
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
        let text = read_plain(&folder.join(&file)).ok()?;
        let output = serde_json::from_slice::<Receipt>(&read_plain(&receipt).ok()?).ok()?.output;
        Some(Stale { name: file, receipt, edited: output != digest::of(&text) })
    });
    Ok(stale.collect())
}

/// Why a committed file differs from what is rendered now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DriftReason {
    /// It does not exist.
    Missing,
    /// It is a link, a folder, a pipe or a device.
    NotAFile,
    /// It has no receipt, so the reason is unknown.
    NoReceipt,
    /// It differs from what was written.
    EditedByHand,
    /// Profile layers, values files or SQL folders changed, with their names.
    Inputs(Vec<String>),
    /// The templates changed.
    Templates,
    /// Another version of plimsoll wrote it; holds that version.
    Tool(String),
    /// It was rendered with other arguments, or by another build of the same version.
    Arguments,
    /// No profile renders it any more.
    Stale,
}

/// A committed file that differs from what is rendered now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The file's name.
    pub name: String,
    /// Why it differs. An edit by hand may be combined with another reason.
    pub reasons: Vec<DriftReason>,
    /// The contents of the file; empty if it does not exist.
    pub committed: String,
    /// What is rendered now; empty if nothing is.
    pub rendered: String,
}

/// Compares a bundle with its file in the folder.
///
/// # Errors
/// If the file cannot be read.
pub fn verify(folder: &Path, rendering: &Rendering) -> anyhow::Result<Option<Drift>> {
    let name = rendering.name.file();
    let path = folder.join(&name);
    let rendered = || rendering.text.clone();
    let committed = match read_plain(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).replace("\r\n", "\n"),
        Err(error) => {
            let reason = match error.kind() {
                io::ErrorKind::NotFound => DriftReason::Missing,
                io::ErrorKind::InvalidInput => DriftReason::NotAFile,
                _ => return Err(error).with_context(|| format!("cannot read {}", path.display())),
            };
            return Ok(Some(Drift { name, reasons: vec![reason], committed: String::new(), rendered: rendered() }));
        }
    };
    if committed == rendering.text {
        return Ok(None);
    }
    let receipt = read_plain(&folder.join(RECEIPTS).join(rendering.name.receipt())).ok();
    let receipt = receipt.and_then(|text| serde_json::from_slice(&text).ok());
    let reasons = reasons(&committed, receipt.as_ref(), &rendering.provenance);
    Ok(Some(Drift { name, reasons, committed, rendered: rendered() }))
}

/// The files of earlier runs that no profile renders any more. `all`: all current bundles.
///
/// # Errors
/// If the folder cannot be read.
pub fn verify_stale(folder: &Path, all: &[BundleName]) -> anyhow::Result<Vec<Drift>> {
    let drift = |stale: Stale| {
        let committed = read_plain(&folder.join(&stale.name)).unwrap_or_default();
        let committed = String::from_utf8_lossy(&committed).into_owned();
        let mut reasons = vec![DriftReason::Stale];
        reasons.extend(stale.edited.then_some(DriftReason::EditedByHand));
        Drift { name: stale.name, reasons, committed, rendered: String::new() }
    };
    Ok(stale(folder, all)?.into_iter().map(drift).collect())
}

fn reasons(committed: &str, receipt: Option<&Receipt>, now: &Provenance) -> Vec<DriftReason> {
    let Some(receipt) = receipt else { return vec![DriftReason::NoReceipt] };
    let then = &receipt.provenance;
    let mut reasons = Vec::new();
    if receipt.output != digest::of(committed) {
        reasons.push(DriftReason::EditedByHand);
    }
    let names: BTreeSet<&String> = then.inputs.keys().chain(now.inputs.keys()).collect();
    let changed: Vec<String> =
        names.into_iter().filter(|name| then.inputs.get(*name) != now.inputs.get(*name)).cloned().collect();
    if !changed.is_empty() {
        reasons.push(DriftReason::Inputs(changed));
    }
    if then.templates != now.templates {
        reasons.push(DriftReason::Templates);
    }
    if then.tool != now.tool {
        reasons.push(DriftReason::Tool(then.tool.clone()));
    }
    if reasons.is_empty() {
        reasons.push(DriftReason::Arguments);
    }
    reasons
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rendering(profile: &str, text: &str) -> Rendering {
        let inputs = [("profiles/base.yaml".to_owned(), "1".to_owned())].into();
        let provenance = Provenance { inputs, templates: "t".to_owned(), tool: "1".to_owned() };
        let name = BundleName { profile: profile.to_owned(), environment: "e2e".to_owned() };
        Rendering { name, text: text.to_owned(), provenance }
    }

    /// Writes bundles and cleans up. Returns which of them changed, and the result of the cleanup.
    fn write(folder: &Path, renderings: &[&Rendering]) -> anyhow::Result<(Vec<bool>, Cleanup)> {
        let writer = OutputWriter::open(folder)?;
        let new = renderings.iter().map(|rendering| writer.add(rendering)).collect::<anyhow::Result<_>>()?;
        writer.commit()?;
        let all: Vec<BundleName> = renderings.iter().map(|rendering| rendering.name.clone()).collect();
        Ok((new, writer.remove_stale(&all)?))
    }

    #[test]
    fn a_second_run_writes_nothing_and_stale_files_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (rendering("a", "x: 1\n"), rendering("b", "x: 2\n"));
        assert_eq!(write(folder.path(), &[&a, &b]).unwrap().0, [true, true]);
        assert_eq!(write(folder.path(), &[&a, &b]).unwrap(), (vec![false, false], Cleanup::default()));
        let only = std::slice::from_ref(&a.name);
        assert_eq!(verify_stale(folder.path(), only).unwrap()[0].reasons, [DriftReason::Stale]);
        fs::write(folder.path().join("own.yaml"), "mine: 1\n").unwrap();
        assert_eq!(write(folder.path(), &[&a]).unwrap().1.removed, ["b.e2e.yaml"]);
        assert!(folder.path().join("own.yaml").exists());
        assert!(verify_stale(folder.path(), only).unwrap().is_empty());
    }

    #[test]
    fn an_edited_stale_file_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[&rendering("a", "x: 1\n")]).unwrap();
        fs::write(folder.path().join("a.e2e.yaml"), "x: 9\n").unwrap();
        let mut other = rendering("b", "x: 1\n");
        other.name.environment = "ci".to_owned();
        assert_eq!(write(folder.path(), &[&other]).unwrap().1.kept.len(), 0);
        assert_eq!(write(folder.path(), &[&rendering("b", "x: 1\n")]).unwrap().1.kept, ["a.e2e.yaml"]);
    }

    #[test]
    fn the_reason_for_a_drift_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let old = rendering("a", "x: 1\n");
        let reasons = |new: &Rendering| verify(folder.path(), new).unwrap().map(|drift| drift.reasons);
        assert_eq!(reasons(&old), Some(vec![DriftReason::Missing]));
        write(folder.path(), &[&old]).unwrap();
        assert_eq!(reasons(&old), None);
        let mut new = rendering("a", "x: 2\n");
        assert_eq!(reasons(&new), Some(vec![DriftReason::Arguments]));
        new.provenance.templates = "u".to_owned();
        assert_eq!(reasons(&new), Some(vec![DriftReason::Templates]));
        new.provenance = old.provenance.clone();
        new.provenance.inputs.insert("profiles/a.yaml".to_owned(), "2".to_owned());
        assert_eq!(reasons(&new), Some(vec![DriftReason::Inputs(vec!["profiles/a.yaml".to_owned()])]));
        new.provenance = old.provenance.clone();
        new.provenance.tool = "2".to_owned();
        assert_eq!(reasons(&new), Some(vec![DriftReason::Tool("1".to_owned())]));
        fs::write(folder.path().join("a.e2e.yaml"), "x: 7\n").unwrap();
        assert_eq!(reasons(&old), Some(vec![DriftReason::EditedByHand]));
        // A checkout with CRLF is not an edit.
        fs::write(folder.path().join("a.e2e.yaml"), "x: 1\r\n").unwrap();
        assert_eq!(reasons(&old), None);
        fs::remove_file(folder.path().join(RECEIPTS).join("a.e2e.json")).unwrap();
        assert_eq!(reasons(&new), Some(vec![DriftReason::NoReceipt]));
    }

    #[test]
    fn nothing_changes_if_one_file_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[&rendering("a", "x: 1\n")]).unwrap();
        fs::create_dir(folder.path().join("b.e2e.yaml")).unwrap();
        assert!(write(folder.path(), &[&rendering("a", "x: 2\n"), &rendering("b", "x: 3\n")]).is_err());
        assert_eq!(fs::read_to_string(folder.path().join("a.e2e.yaml")).unwrap(), "x: 1\n");
        let left: Vec<_> =
            fs::read_dir(folder.path().join(RECEIPTS)).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["a.e2e.json"]);
    }

    #[test]
    fn a_failed_commit_removes_temporary_files() {
        let folder = tempfile::tempdir().unwrap();
        let writer = OutputWriter::open(folder.path()).unwrap();
        for profile in ["a", "b", "c"] {
            writer.add(&rendering(profile, "x: 1\n")).unwrap();
        }
        // The folders are created after all files were prepared.
        for file in ["a.e2e.yaml", "b.e2e.yaml"] {
            fs::create_dir(folder.path().join(file)).unwrap();
        }
        assert!(writer.commit().unwrap_err().to_string().contains("a.e2e.yaml"));
        assert!(folder.path().join("c.e2e.yaml").is_file());
        let left = fs::read_dir(folder.path().join(RECEIPTS)).unwrap().map(|entry| entry.unwrap().path());
        assert!(left.into_iter().all(|path| path.extension().is_some_and(|end| end == "json")));
    }

    #[test]
    fn an_uncommitted_writer_removes_everything_it_created() {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("new/out");
        let writer = OutputWriter::open(&folder).unwrap();
        assert!(writer.add(&rendering("a", "x: 1\n")).unwrap());
        assert!(folder.join(RECEIPTS).join("a.e2e.yaml.tmp").exists());
        drop(writer);
        assert!(above.path().read_dir().unwrap().next().is_none());
        // A folder that existed before is kept.
        fs::create_dir_all(&folder).unwrap();
        drop(OutputWriter::open(&folder).unwrap());
        assert!(folder.read_dir().unwrap().next().is_none());
    }
}
