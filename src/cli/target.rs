//! The target of rendered bundles: stdout, a directory, or a comparison with its files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::bail;

use crate::cli::args::Render;
use crate::cli::outcome::Outcome;
use crate::cli::output::Output;
use crate::diff;
use crate::finding::ObjectRef;
use crate::object::Object;
use crate::out::{self, BundleName, Cleanup, Drift, DriftReason, OutputWriter, Provenance, Rendering};
use crate::project::Project;
use crate::report::plain;
use crate::suggest;
use crate::yaml::emit_stream;

/// The target of bundles.
pub(super) enum Target {
    /// Printed together; whether each bundle is for a cluster of its own, so that equal names do not conflict.
    Stdout(bool),
    /// Written into a directory, which the first bundle that passes its checks opens.
    Folder(PathBuf, OnceLock<Result<OutputWriter, String>>),
    /// Compared with the files of a directory, which is not changed.
    Committed(PathBuf),
}

/// A bundle that was handed to the target.
pub(super) struct Delivery {
    name: BundleName,
    delivered: Delivered,
}

/// What happened to its YAML.
enum Delivered {
    /// It is printed at the end; with its objects.
    Text(String, Vec<ObjectRef>),
    /// It was written to a temporary file; whether it differs from the existing one.
    Written(bool),
    /// It was compared with the existing file.
    Compared(Option<Drift>),
}

impl Target {
    /// The target from the arguments and the project's settings.
    pub(super) fn of(args: &Render, project: &Project) -> anyhow::Result<Self> {
        let folder = match (&args.out, &project.settings.out) {
            (None, _) => None,
            (Some(Some(folder)), _) => Some(folder.clone()),
            (Some(None), Some(folder)) => Some(shown(&project.inside(folder)?)),
            (Some(None), None) => bail!("no output folder: pass `--out DIR`, or set `out` in plimsoll.toml"),
        };
        Ok(match folder {
            Some(folder) if args.verify => Self::Committed(folder),
            Some(folder) => Self::Folder(folder, OnceLock::new()),
            None if args.verify => bail!("`--verify` compares with files: pass `--out DIR`"),
            None => Self::Stdout(project.settings.own_clusters),
        })
    }

    pub(super) const fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout(_))
    }

    /// Takes a bundle that passed its checks. Called from several threads.
    pub(super) fn deliver(
        &self,
        name: BundleName,
        objects: &[&Object],
        provenance: impl FnOnce() -> Provenance,
    ) -> anyhow::Result<Delivery> {
        let text = emit_stream(objects.iter().map(|object| &object.node));
        let rendering = |text| Rendering { name: name.clone(), text, provenance: provenance() };
        let delivered = match self {
            Self::Stdout(_) => Delivered::Text(text, objects.iter().map(|object| object.id.clone()).collect()),
            Self::Folder(folder, writer) => {
                let opened = writer.get_or_init(|| OutputWriter::open(folder).map_err(|error| format!("{error:#}")));
                let writer = opened.as_ref().map_err(|error| anyhow::Error::msg(error.clone()))?;
                Delivered::Written(writer.add(&rendering(text))?)
            }
            Self::Committed(folder) => Delivered::Compared(out::verify(folder, &rendering(text))?),
        };
        Ok(Delivery { name, delivered })
    }

    /// Finishes after the last bundle. `all`: there are no other bundles.
    pub(super) fn finish(&self, deliveries: Vec<Delivery>, all: bool, output: &mut Output) -> anyhow::Result<Outcome> {
        match self {
            Self::Stdout(apart) => print(&deliveries, *apart, output),
            Self::Folder(folder, writer) => match writer.get() {
                Some(Ok(writer)) => write(folder, writer, deliveries, all, output),
                _ => bail!("nothing was written to {}", folder.display()),
            },
            Self::Committed(folder) => verify(folder, deliveries, all, output),
        }
    }
}

/// A path relative to the working directory, if it is below it.
fn shown(path: &Path) -> PathBuf {
    let below = std::env::current_dir().ok().and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    below.filter(|below| !below.as_os_str().is_empty()).unwrap_or_else(|| path.to_owned())
}

fn print(deliveries: &[Delivery], apart: bool, output: &mut Output) -> anyhow::Result<Outcome> {
    let mut seen: BTreeMap<&ObjectRef, &str> = BTreeMap::new();
    let mut texts = Vec::with_capacity(deliveries.len());
    for Delivery { name, delivered } in deliveries {
        let Delivered::Text(text, identities) = delivered else { continue };
        for identity in identities {
            if let Some(first) = seen.insert(identity, &name.profile)
                && !apart
                && first != name.profile
            {
                let both = suggest::list([first, &name.profile], "and");
                bail!(
                    "{both} both contain {identity}, so they cannot be printed together; write them to files: --out DIR"
                );
            }
        }
        texts.push(text);
    }
    for (at, text) in texts.into_iter().enumerate() {
        if at > 0 && !text.is_empty() {
            output.result("---\n")?;
        }
        output.result(text)?;
    }
    Ok(Outcome::Fine)
}

fn write(
    folder: &Path,
    writer: &OutputWriter,
    deliveries: Vec<Delivery>,
    all: bool,
    output: &Output,
) -> anyhow::Result<Outcome> {
    writer.commit()?;
    let new = deliveries.iter().filter(|delivery| matches!(delivery.delivered, Delivered::Written(true))).count();
    let names: Vec<BundleName> = deliveries.into_iter().map(|delivery| delivery.name).collect();
    let cleanup = if all { writer.remove_stale(&names)? } else { Cleanup::default() };
    for name in &cleanup.removed {
        output.message(&format!("removed {}: no profile renders it", folder.join(name).display()));
    }
    for name in &cleanup.kept {
        output.message(&format!(
            "kept {}: no profile renders it, but it was edited by hand",
            folder.join(name).display()
        ));
    }
    let unchanged = names.len() - new;
    let number = suggest::count(new, "file");
    output.message(&format!("{number} written to {}, {unchanged} unchanged", folder.display()));
    Ok(Outcome::Fine)
}

fn verify(folder: &Path, deliveries: Vec<Delivery>, all: bool, output: &mut Output) -> anyhow::Result<Outcome> {
    let (mut drifts, mut names) = (Vec::new(), Vec::new());
    for Delivery { name, delivered } in deliveries {
        if let Delivered::Compared(drift) = delivered {
            drifts.extend(drift);
        }
        names.push(name);
    }
    if all {
        drifts.append(&mut out::verify_stale(folder, &names)?);
    }
    for drift in &drifts {
        let name = folder.join(&drift.name);
        output.result(&format!("{} {}\n", plain(&name.display().to_string()), verdict(drift)))?;
        if !drift.committed.is_empty() && !drift.rendered.is_empty() {
            for line in diff::drift(&drift.name, &drift.committed, &drift.rendered) {
                output.result(&format!("  {line}\n"))?;
            }
        }
    }
    let number = suggest::count(names.len(), "file");
    let differ = if drifts.len() == 1 { "differs" } else { "differ" };
    if drifts.is_empty() {
        output.message(&format!("{}: {number} up to date", folder.display()));
    } else {
        output.flush()?;
        output.message(&format!(
            "{} of {number} {differ}; the same command without `--verify` writes them",
            drifts.len()
        ));
    }
    Ok(Outcome::objecting(!drifts.is_empty()))
}

/// Describes why a file differs.
fn verdict(drift: &Drift) -> String {
    let words: Vec<String> = drift
        .reasons
        .iter()
        .map(|reason| match reason {
            DriftReason::Missing => "does not exist".to_owned(),
            DriftReason::NotAFile => "is not a regular file".to_owned(),
            DriftReason::NoReceipt => "differs, and there is no receipt".to_owned(),
            DriftReason::EditedByHand => "was edited by hand".to_owned(),
            // A receipt may contain anything.
            DriftReason::Inputs(names) => plain(&format!("was rendered from other inputs: {}", names.join(", "))),
            DriftReason::Templates => "was rendered from other templates".to_owned(),
            DriftReason::Tool(version) => plain(&format!("was rendered by plimsoll {version}")),
            DriftReason::Arguments => {
                "was rendered with other arguments, or by another build of this version".to_owned()
            }
            DriftReason::Stale => "is not rendered by any profile".to_owned(),
        })
        .collect();
    words.join("; ")
}
