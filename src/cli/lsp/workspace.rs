//! The open files of the editor, and what they belong to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foldhash::HashMap;

use super::places::Columns;
use crate::check::Options;
use crate::check::input::Input;
use crate::cli::args::Global;
use crate::cli::project;
use crate::finding::Failure;
use crate::project::{FILE, Project};
use crate::source::Sources;

/// The open files, and the editor's conventions.
pub(super) struct Workspace<'a> {
    pub(super) global: &'a Global,
    pub(super) columns: Columns,
    /// The contents of open files, by path.
    pub(super) buffers: HashMap<PathBuf, Arc<str>>,
}

/// The directories of a project that contain its inputs.
const INPUTS: [&str; 3] = ["profiles", "templates", "services"];

impl Workspace<'_> {
    /// The contents as the editor shows them.
    pub(super) fn sources(&self) -> Sources {
        Sources::with_buffers(self.buffers.clone())
    }

    /// Opens the project in a directory.
    pub(super) fn project(&self, root: &Path, sources: &Sources) -> Result<Project, Failure> {
        project::open_in(self.global, root, sources)
    }

    /// The manifests of a file's directory, and the options of the project around them; those of the built-in set if
    /// the project is invalid.
    pub(super) fn folder(&self, path: &Path, sources: &Sources) -> Result<(Input, Options), Failure> {
        let project = root_around(path).map(|root| self.project(root, sources));
        let project = project.and_then(Result::ok).unwrap_or_else(Project::built_in);
        let mut options = project::options(self.global, &project, sources)?;
        let mut input = Input::default();
        let beside = path.parent().and_then(|folder| folder.read_dir().ok());
        let mut paths: BTreeSet<PathBuf> = beside
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                path.extension().is_some_and(|end| ["yaml", "yml", "json"].iter().any(|known| end == *known))
            })
            .filter(|path| path.is_file())
            .collect();
        paths.remove(path);
        // The file itself comes first: it is expected to be a manifest.
        if let Ok(text) = sources.read_file(path) {
            let file = sources.add(path.to_string_lossy(), text);
            input.add(sources, file, true);
        }
        for path in paths {
            let Ok(text) = sources.read_file(&path) else { continue };
            // Errors of other files are not reported here.
            let file = sources.add(path.to_string_lossy(), text);
            input.add(sources, file, false);
        }
        options.kind_config = input.kind_config.take().or(options.kind_config);
        options.kustomizations = std::mem::take(&mut input.kustomizations);
        Ok((input, options))
    }
}

/// The directory of the nearest project around a file.
fn root_around(path: &Path) -> Option<&Path> {
    path.parent()?.ancestors().find(|folder| folder.join(FILE).is_file())
}

/// The directory of the project that has a file as its input: a layer, a template, a service description or the
/// settings.
pub(super) fn project_of(path: &Path) -> Option<&Path> {
    let root = root_around(path)?;
    let first = path.strip_prefix(root).ok()?.components().next()?.as_os_str();
    INPUTS.into_iter().chain([FILE]).any(|input| first == input).then_some(root)
}
