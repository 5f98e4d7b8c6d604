//! A project: the folder with `profiles/`, `templates/` and `services/`, or the one embedded in the binary.
//!
//! All of its files are read through [`Project`], which prevents access to anything outside the folder: it rejects
//! absolute paths, paths that leave the folder, and links that lead out of it.

mod files;
mod revision;
mod settings;
mod unread;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use files::unix_line_ends;
pub use files::{AccessError, FolderFile};
pub use revision::Revision;
pub use settings::{
    Allowance, Level, OwnReference, PathLevels, RuleLevel, Settings, generate_schema as settings_schema,
};
pub use unread::YAML;

use crate::finding::{Failure, Finding, RuleId};
use crate::source::Sources;
use crate::suggest;

/// The file that marks a folder as a project.
pub const FILE: &str = "plimsoll.toml";

/// The schema of a project's profiles; without it the built-in schema applies.
pub const SCHEMA: &str = "profiles/schema.json";

/// The lowest layer.
pub const BASE: &str = "profiles/base.yaml";

/// The source of profiles, templates and services. Shared by all threads.
#[derive(Debug)]
pub struct Project {
    location: ProjectLocation,
    /// The settings in `plimsoll.toml`.
    pub settings: Settings,
}

#[derive(Debug)]
enum ProjectLocation {
    Embedded,
    Folder {
        /// The folder with all links resolved: nothing outside it is read.
        root: PathBuf,
        /// The folder as displayed to users, as a prefix of file names; empty for the working folder.
        shown: PathBuf,
    },
    /// A Git revision of a project.
    Revision(Revision),
    /// Files in memory, by path.
    Memory(BTreeMap<String, Arc<str>>),
}

impl Project {
    /// The project in the nearest folder with a `plimsoll.toml`, searching upwards from the absolute path `start`;
    /// otherwise the built-in project.
    ///
    /// # Errors
    /// If the file exists and cannot be read or is invalid.
    pub fn discover(start: &Path, sources: &Sources) -> Result<Self, Failure> {
        for (steps, folder) in start.ancestors().enumerate() {
            if folder.join(FILE).is_file() {
                let shown = if steps == 0 { PathBuf::new() } else { std::iter::repeat_n("..", steps).collect() };
                return Self::folder(folder, shown, sources);
            }
        }
        Ok(Self::built_in())
    }

    /// The project in a folder, with or without a `plimsoll.toml`.
    ///
    /// # Errors
    /// If the folder does not exist, or its `plimsoll.toml` cannot be read or is invalid.
    pub fn open(folder: &Path, sources: &Sources) -> Result<Self, Failure> {
        Self::folder(folder, files::normalize(folder), sources)
    }

    /// The project embedded in the binary.
    #[must_use]
    pub fn built_in() -> Self {
        Self { location: ProjectLocation::Embedded, settings: Settings::default() }
    }

    /// A project of files in memory, by path, with default settings.
    #[must_use]
    pub fn in_memory(files: BTreeMap<String, Arc<str>>) -> Self {
        Self { location: ProjectLocation::Memory(files), settings: Settings::default() }
    }

    /// This project in a Git revision; `None` if the revision does not contain it.
    ///
    /// # Errors
    /// If the project is built in, the revision does not exist, or its `plimsoll.toml` is invalid.
    pub fn at(&self, revision: &str, sources: &Sources) -> Result<Option<Self>, Failure> {
        let ProjectLocation::Folder { root, .. } = &self.location else {
            let message = "the built-in project has no revisions";
            let finding = Finding::error(RuleId::RevisionNotFound, crate::source::Span::NONE, message);
            return Err(Failure::unable(finding.with_help("run `plimsoll init DIR` to create a project")));
        };
        let location = ProjectLocation::Revision(Revision::open(root, revision)?);
        let mut project = Self { location, settings: Settings::default() };
        match project.read(sources, FILE) {
            Ok(file) => project.settings = Settings::read(sources, file)?,
            Err(AccessError::Missing(_)) => {}
            Err(error) => return Err(error.failure()),
        }
        let there = !project.profiles()?.is_empty();
        Ok(there.then_some(project))
    }

    fn folder(folder: &Path, shown: PathBuf, sources: &Sources) -> Result<Self, Failure> {
        let unable = |why: String| {
            let message = format!("cannot read the project folder `{}`: {why}", folder.display());
            Failure::unable(Finding::error(RuleId::ProjectUnreadable, crate::source::Span::NONE, message))
        };
        let root = folder.canonicalize().map_err(|error| unable(error.to_string()))?;
        std::fs::read_dir(&root).map_err(|error| unable(error.to_string()))?;
        let mut project = Self { location: ProjectLocation::Folder { root, shown }, settings: Settings::default() };
        match project.read(sources, FILE) {
            Ok(file) => project.settings = Settings::read(sources, file)?,
            Err(AccessError::Missing(_)) => {}
            Err(error) => return Err(error.failure()),
        }
        Ok(project)
    }

    /// Whether it is the project embedded in the binary.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        matches!(self.location, ProjectLocation::Embedded)
    }

    /// Whether it is a Git revision of a project.
    #[must_use]
    pub fn is_revision(&self) -> bool {
        matches!(self.location, ProjectLocation::Revision(_))
    }

    /// The folder with links resolved. `None` unless the project is in a folder.
    #[must_use]
    pub fn root(&self) -> Option<&Path> {
        match &self.location {
            ProjectLocation::Embedded | ProjectLocation::Revision(_) | ProjectLocation::Memory(_) => None,
            ProjectLocation::Folder { root, .. } => Some(root),
        }
    }

    /// A folder for output that the settings name. The project may be untrusted, so the folder must be inside it, with
    /// links resolved.
    ///
    /// # Errors
    /// If it is outside.
    pub fn inside(&self, folder: &str) -> anyhow::Result<PathBuf> {
        let Some(root) = self.root() else { return Ok(folder.into()) };
        let path = files::normalize(&root.join(folder));
        let there = path.ancestors().find_map(|above| above.canonicalize().ok());
        if !path.starts_with(root) || !there.is_some_and(|there| there.starts_with(root)) {
            anyhow::bail!("`out` in {} is outside the project; pass that folder as `--out DIR`", self.shown(FILE));
        }
        Ok(path)
    }

    /// The name of a project file as displayed to users.
    #[must_use]
    pub fn shown(&self, path: &str) -> String {
        match &self.location {
            ProjectLocation::Embedded => format!("<built-in>/{path}"),
            ProjectLocation::Folder { shown, .. } => shown.join(path).display().to_string(),
            ProjectLocation::Revision(revision) => format!("{}:{path}", revision.name),
            ProjectLocation::Memory(_) => path.to_owned(),
        }
    }

    /// The path inside the project of a file with this displayed name; the name itself for a file outside. Receipts
    /// use it so that they do not depend on the location of the project or the working folder.
    #[must_use]
    pub fn inner<'n>(&self, name: &'n str) -> &'n str {
        let prefix = self.shown("");
        name.strip_prefix(&prefix).map_or(name, |inner| inner.trim_start_matches('/'))
    }

    /// The names of all profiles, sorted.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn profiles(&self) -> Result<Vec<String>, Failure> {
        self.names("profiles/", |name| name != "base")
    }

    /// The names of the environments that have a file, sorted.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn environment_files(&self) -> Result<Vec<String>, Failure> {
        self.names("profiles/environments/", |_| true)
    }

    fn names(&self, folder: &str, wanted: impl Fn(&str) -> bool) -> Result<Vec<String>, Failure> {
        let listed = self.list(folder.trim_end_matches('/'), ".yaml").map_err(|error| error.failure())?;
        Ok(listed
            .iter()
            .filter_map(|path| path.strip_prefix(folder)?.strip_suffix(".yaml"))
            .filter(|name| !name.contains('/') && wanted(name))
            .map(str::to_owned)
            .collect())
    }

    /// The failure for an unknown profile.
    #[must_use]
    pub fn profile_not_found(&self, name: &str) -> Failure {
        let profiles = self.profiles().unwrap_or_default();
        let folder = self.shown("profiles");
        let mut finding = Finding::error(
            RuleId::ProfileNotFound,
            crate::source::Span::NONE,
            format!("profile `{}` not found in {folder}", repeatable(name)),
        );
        let bare = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let bare = bare.strip_suffix(".yaml").or_else(|| bare.strip_suffix(".yml")).unwrap_or(bare);
        finding.help = if repeatable(name) != name {
            "set values with `--set path.to.field=value`".to_owned()
        } else if bare == "base" {
            "choose a profile; the base is a layer of every profile".to_owned()
        } else if bare != name && profiles.iter().any(|profile| profile == bare) {
            format!("use the name without folder and extension: `{bare}`")
        } else if let Some(near) = suggest::nearest(bare, profiles.iter().map(String::as_str)) {
            format!("did you mean `{near}`?")
        } else if self.list("profiles", ".yml").is_ok_and(|files| files.contains(&format!("profiles/{bare}.yml"))) {
            format!("change the extension of {} to `.yaml`", self.shown(&format!("profiles/{bare}.yml")))
        } else if profiles.is_empty() {
            "add a profile, or run `plimsoll init DIR` to copy the built-in ones".to_owned()
        } else {
            format!("available profiles: {}", suggest::list(&profiles, "and"))
        };
        Failure::unable(finding)
    }
}

/// The part of a name given on the command line that messages may repeat: what follows `=` or `:` may be a secret
/// value.
#[must_use]
pub fn repeatable(name: &str) -> &str {
    name.split(['=', ':']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
