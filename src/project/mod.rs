//! A project: the folder with `profiles/`, `templates/` and `services/`, or the set embedded in the binary.
//!
//! All of its files are read through [`Project`], which lets nothing outside the folder be read: paths that are absolute
//! or climb out are refused, and so are links that lead out.

mod files;
mod revision;
mod settings;
mod unread;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use files::unix_line_ends;
pub use files::{AccessError, Listed};
pub use revision::Revision;
pub use settings::{
    Allowance, Level, OwnReference, PathLevels, RuleLevel, Settings, generate_schema as settings_schema,
};
pub use unread::YAML;

use crate::finding::{Failure, Finding, RuleId};
use crate::source::Sources;
use crate::suggest;

/// The file that makes a folder a project.
pub const FILE: &str = "plimsoll.toml";

/// The schema of a project's profiles; without one the built-in schema holds.
pub const SCHEMA: &str = "profiles/schema.json";

/// The layer below all others.
pub const BASE: &str = "profiles/base.yaml";

/// Where profiles, templates and services come from. Shared by all threads.
#[derive(Debug)]
pub struct Project {
    place: Place,
    /// What `plimsoll.toml` says.
    pub settings: Settings,
}

#[derive(Debug)]
enum Place {
    Embedded,
    Folder {
        /// The folder with all links resolved: nothing outside it is read.
        root: PathBuf,
        /// The folder as people know it, to be put before a file's name; empty for the working folder.
        shown: PathBuf,
    },
    /// As it stands in a Git revision.
    Revision(Revision),
    /// Files that are not written yet, by their paths.
    Memory(BTreeMap<String, Arc<str>>),
}

impl Project {
    /// The nearest folder with a `plimsoll.toml`, from `start` upwards, which is an absolute path; else the built-in set.
    ///
    /// # Errors
    /// Where the file is there and cannot be read, or says something wrong.
    pub fn discover(start: &Path, sources: &Sources) -> Result<Self, Failure> {
        for (steps, folder) in start.ancestors().enumerate() {
            if folder.join(FILE).is_file() {
                let shown = if steps == 0 { PathBuf::new() } else { std::iter::repeat_n("..", steps).collect() };
                return Self::folder(folder, shown, sources);
            }
        }
        Ok(Self::built_in())
    }

    /// The project in a folder, which needs no `plimsoll.toml`.
    ///
    /// # Errors
    /// Where there is no such folder, or its `plimsoll.toml` cannot be read or says something wrong.
    pub fn open(folder: &Path, sources: &Sources) -> Result<Self, Failure> {
        Self::folder(folder, files::tidy(folder), sources)
    }

    /// The set embedded in the binary.
    #[must_use]
    pub fn built_in() -> Self {
        Self { place: Place::Embedded, settings: Settings::default() }
    }

    /// A project of files that are not written yet, by their paths; without its settings.
    #[must_use]
    pub fn in_memory(files: BTreeMap<String, Arc<str>>) -> Self {
        Self { place: Place::Memory(files), settings: Settings::default() }
    }

    /// This project as it stands in a Git revision; `None` where the revision does not have it.
    ///
    /// # Errors
    /// Where the project is the built-in set, there is no such revision, or its `plimsoll.toml` says something wrong.
    pub fn at(&self, revision: &str, sources: &Sources) -> Result<Option<Self>, Failure> {
        let Place::Folder { root, .. } = &self.place else {
            let message = "the built-in set has no revisions";
            let finding = Finding::error(RuleId::RevisionNotFound, crate::source::Span::NONE, message);
            return Err(Failure::unable(finding.with_help("`plimsoll init DIR` makes a project of your own")));
        };
        let place = Place::Revision(Revision::open(root, revision)?);
        let mut project = Self { place, settings: Settings::default() };
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
        let mut project = Self { place: Place::Folder { root, shown }, settings: Settings::default() };
        match project.read(sources, FILE) {
            Ok(file) => project.settings = Settings::read(sources, file)?,
            Err(AccessError::Missing(_)) => {}
            Err(error) => return Err(error.failure()),
        }
        Ok(project)
    }

    /// Whether it is the set embedded in the binary.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        matches!(self.place, Place::Embedded)
    }

    /// Whether it is a project as a Git revision has it.
    #[must_use]
    pub fn is_revision(&self) -> bool {
        matches!(self.place, Place::Revision(_))
    }

    /// The folder, links resolved. `None` for the built-in set and for a revision.
    #[must_use]
    pub fn root(&self) -> Option<&Path> {
        match &self.place {
            Place::Embedded | Place::Revision(_) | Place::Memory(_) => None,
            Place::Folder { root, .. } => Some(root),
        }
    }

    /// A folder that the settings name for writing. The project may be anybody's, so it must lie inside, links resolved.
    ///
    /// # Errors
    /// Where it lies outside.
    pub fn inside(&self, folder: &str) -> anyhow::Result<PathBuf> {
        let Some(root) = self.root() else { return Ok(folder.into()) };
        let path = files::tidy(&root.join(folder));
        let there = path.ancestors().find_map(|above| above.canonicalize().ok());
        if !path.starts_with(root) || !there.is_some_and(|there| there.starts_with(root)) {
            anyhow::bail!("`out` in {} is outside the project; pass that folder as `--out DIR`", self.shown(FILE));
        }
        Ok(path)
    }

    /// The name under which people are shown a file of the project.
    #[must_use]
    pub fn shown(&self, path: &str) -> String {
        match &self.place {
            Place::Embedded => format!("<built-in>/{path}"),
            Place::Folder { shown, .. } => shown.join(path).display().to_string(),
            Place::Revision(revision) => format!("{}:{path}", revision.name),
            Place::Memory(_) => path.to_owned(),
        }
    }

    /// The path inside the project of a file that is shown under this name; the name itself for one outside. So that a
    /// receipt says the same wherever the project lies and wherever the command was called.
    #[must_use]
    pub fn inner<'n>(&self, name: &'n str) -> &'n str {
        let prefix = self.shown("");
        name.strip_prefix(&prefix).map_or(name, |inner| inner.trim_start_matches('/'))
    }

    /// The names of all profiles, sorted.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn profiles(&self) -> Result<Vec<String>, Failure> {
        self.names("profiles/", |name| name != "base")
    }

    /// The names of the environments that have a file of their own, sorted.
    ///
    /// # Errors
    /// Where the folder cannot be read.
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

    /// What to say where there is no profile of that name.
    #[must_use]
    pub fn no_such_profile(&self, name: &str) -> Failure {
        let profiles = self.profiles().unwrap_or_default();
        let place = self.shown("profiles");
        let mut finding = Finding::error(
            RuleId::ProfileNotFound,
            crate::source::Span::NONE,
            format!("profile `{}` not found in {place}", repeatable(name)),
        );
        let bare = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let bare = bare.strip_suffix(".yaml").or_else(|| bare.strip_suffix(".yml")).unwrap_or(bare);
        finding.help = if repeatable(name) != name {
            "a profile is named without signs like `=`; values are set with `--set path.to.field=value`".to_owned()
        } else if bare == "base" {
            "the base is a layer of every profile, not a profile".to_owned()
        } else if bare != name && profiles.iter().any(|profile| profile == bare) {
            format!("a profile is named without folder and ending: `{bare}`")
        } else if let Some(near) = suggest::nearest(bare, profiles.iter().map(String::as_str)) {
            format!("did you mean `{near}`?")
        } else if self.list("profiles", ".yml").is_ok_and(|files| files.contains(&format!("profiles/{bare}.yml"))) {
            format!("rename {} to end in `.yaml`", self.shown(&format!("profiles/{bare}.yml")))
        } else if profiles.is_empty() {
            "there are no profiles; `plimsoll init DIR` writes the built-in ones out".to_owned()
        } else {
            format!("the profiles are {}", suggest::list(&profiles, "and"))
        };
        Failure::unable(finding)
    }
}

/// What may be repeated of a name that was typed: behind `=` or `:` a value may stand, and that may be a secret.
#[must_use]
pub fn repeatable(name: &str) -> &str {
    name.split(['=', ':']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
