//! Reading files, and only those inside the project.

use std::fmt;
use std::fs::FileType;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::revision::{Object as Entry, Revision};
use super::{Place, Project};
use crate::built_in;
use crate::finding::{Failure, Finding, RuleId};
use crate::source::{self, FileId, ReadError, Sources, Span};

/// How deep folders may nest.
const MAX_FOLDERS: usize = 32;

/// Why a file of a project could not be had. The texts name it as people know it.
#[derive(Debug)]
pub enum AccessError {
    /// It is not there.
    Missing(String),
    /// It lies outside the project, or of the work tree.
    Outside(String, &'static str),
    /// It is there and cannot be read.
    Unreadable(String, ReadError),
    /// It is a folder, a pipe or a device.
    NoFile(String),
}

/// A file of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name in that folder.
    pub name: String,
    /// Its text.
    pub file: FileId,
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "file `{name}` not found"),
            Self::Outside(name, bound) => write!(f, "`{name}` is outside the {bound}"),
            Self::Unreadable(name, error) => write!(f, "cannot read `{name}`: {error}"),
            Self::NoFile(name) => write!(f, "`{name}` is not a file"),
        }
    }
}

impl std::error::Error for AccessError {}

impl AccessError {
    /// The rule a finding about it bears.
    #[must_use]
    pub const fn rule(&self) -> RuleId {
        match self {
            Self::Missing(_) => RuleId::FileNotFound,
            Self::Outside(..) => RuleId::FileOutsideProject,
            Self::Unreadable(..) | Self::NoFile(_) => RuleId::FileUnreadable,
        }
    }

    /// A finding at the place that names the file.
    #[must_use]
    pub fn finding(&self, span: Span) -> Finding {
        let finding = Finding::error(self.rule(), span, self.to_string());
        match self {
            Self::Outside(..) => finding.with_help("only files inside it are read; symbolic links are resolved first"),
            _ => finding,
        }
    }

    /// A failure where no file names it: the text is wrong where it is too large or no UTF-8; else nothing could run.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let finding = self.finding(Span::NONE);
        match self {
            Self::Unreadable(_, ReadError::TooLarge | ReadError::NotUtf8(_)) => finding.into(),
            _ => Failure::unable(finding),
        }
    }
}

impl Project {
    /// Reads a file of the project; `path` is relative to its folder, with slashes.
    ///
    /// # Errors
    /// Where it is not there, lies outside, or cannot be read.
    pub fn read(&self, sources: &Sources, path: &str) -> Result<FileId, AccessError> {
        let name = self.shown(path);
        if !stays_inside(path) {
            return Err(AccessError::Outside(path.to_owned(), "project"));
        }
        match &self.place {
            Place::Embedded => match built_in::text(path) {
                Some(text) => Ok(sources.add(name, text)),
                None => Err(AccessError::Missing(name)),
            },
            Place::Folder { root, .. } => read_within(sources, root, &root.join(path), name, "project"),
            Place::Revision(revision) => read_revision(sources, revision, path, name, "project"),
            Place::Memory(files) => match files.get(path) {
                Some(text) => Ok(sources.add(name, text.clone())),
                None => Err(AccessError::Missing(name)),
            },
        }
    }

    /// The bytes of a file of the project, as they are.
    ///
    /// # Errors
    /// Where it is not there, lies outside, or cannot be read.
    pub fn read_bytes(&self, path: &str) -> Result<Vec<u8>, AccessError> {
        let name = self.shown(path);
        if !stays_inside(path) {
            return Err(AccessError::Outside(path.to_owned(), "project"));
        }
        match &self.place {
            Place::Embedded => match built_in::text(path) {
                Some(text) => Ok(text.as_bytes().to_vec()),
                None => Err(AccessError::Missing(name)),
            },
            Place::Memory(files) => match files.get(path) {
                Some(text) => Ok(text.as_bytes().to_vec()),
                None => Err(AccessError::Missing(name)),
            },
            Place::Folder { root, .. } => {
                let path = root.join(path);
                let real = match straight(root, &path) {
                    Some(_) => path,
                    None => resolved(root, &path, &name, "project")?,
                };
                if !real.is_file() {
                    return Err(AccessError::NoFile(name));
                }
                source::read_bytes(&real).map_err(|error| AccessError::Unreadable(name, error))
            }
            Place::Revision(revision) => match revision.read(path) {
                Ok(Entry::Blob(bytes)) => Ok(bytes.to_vec()),
                Ok(Entry::Missing) => Err(AccessError::Missing(name)),
                Ok(Entry::Outside) => Err(AccessError::Outside(name, "project")),
                Ok(Entry::Tree(_) | Entry::Other) => Err(AccessError::NoFile(name)),
                Err(error) => Err(AccessError::Unreadable(name, ReadError::Io(error))),
            },
        }
    }

    /// The files below a folder of the project whose names end so, as paths relative to the project; sorted. None where
    /// there is no such folder. What begins with a dot is left out.
    ///
    /// # Errors
    /// Where a folder cannot be read, or a link leads outside.
    pub fn list(&self, folder: &str, ending: &str) -> Result<Vec<String>, AccessError> {
        if !stays_inside(folder) {
            return Err(AccessError::Outside(folder.to_owned(), "project"));
        }
        let mut found = match &self.place {
            Place::Embedded => built_in::below(folder).map(str::to_owned).collect(),
            Place::Memory(files) => {
                let below = |path: &&String| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
                files.keys().filter(below).cloned().collect()
            }
            Place::Folder { root, .. } => {
                let mut found = Vec::new();
                walk(root, folder, &|path| self.shown(path), &mut Vec::new(), &mut found)?;
                found
            }
            Place::Revision(revision) => {
                let mut found = Vec::new();
                walk_revision(revision, folder, 0, &mut found)
                    .map_err(|error| AccessError::Unreadable(self.shown(folder), ReadError::Io(error)))?;
                found
            }
        };
        found.retain(|path| path.ends_with(ending));
        found.sort_unstable();
        Ok(found)
    }

    /// That a path of the project leads to nothing outside it by its words, and that what stands there, links followed, lies
    /// inside.
    ///
    /// # Errors
    /// Where it does not.
    pub fn stays_inside(&self, path: &str) -> Result<(), AccessError> {
        let outside = || AccessError::Outside(path.to_owned(), "project");
        if !stays_inside(path) {
            return Err(outside());
        }
        let Place::Folder { root, .. } = &self.place else { return Ok(()) };
        match root.join(path).canonicalize() {
            Ok(real) if !real.starts_with(root) => Err(outside()),
            _ => Ok(()),
        }
    }

    /// Whether a file of the project lies outside one of its folders, links followed. What is not there lies nowhere.
    #[must_use]
    pub fn leads_out(&self, folder: &str, path: &str) -> bool {
        let Place::Folder { root, .. } = &self.place else { return false };
        let folder = root.join(folder);
        let file = folder.join(path);
        if straight(root, &file).is_some() {
            return false;
        }
        file.canonicalize().is_ok_and(|file| folder.canonicalize().is_ok_and(|folder| !file.starts_with(folder)))
    }

    /// Reads the files of a folder that a file of the project names, such as a profile its migrations: relative to that
    /// file, and within the Git work tree the project lies in (the project, where there is none). Sorted by name; without
    /// folders below.
    ///
    /// # Errors
    /// Where there is no such folder, it or a file lies outside, or cannot be read.
    pub fn read_folder_beside(
        &self,
        sources: &Sources,
        beside: &str,
        folder: &str,
        ending: &str,
    ) -> Result<Vec<Listed>, AccessError> {
        if let Place::Revision(revision) = &self.place {
            return read_revision_folder(sources, revision, beside, folder, ending);
        }
        let Place::Folder { root, shown } = &self.place else {
            return Err(AccessError::Outside(folder.to_owned(), "built-in project"));
        };
        let bound = work_tree(root);
        let above = Path::new(beside).parent().unwrap_or(Path::new(""));
        let (path, shown) =
            (root.join(above).join(folder), tidy(&shown.join(above).join(folder)).display().to_string());
        let real = real_path(bound, &path, &shown, "Git work tree")?;
        let unreadable = |error| AccessError::Unreadable(shown.clone(), ReadError::Io(error));
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&real).map_err(unreadable)? {
            let name = file_name(&entry.map_err(unreadable)?, &shown)?;
            if name.ends_with(ending) && !name.starts_with('.') {
                names.push(name);
            }
        }
        names.sort_unstable();
        let read = |name: String| {
            let shown = format!("{shown}/{name}");
            let file = read_within(sources, bound, &real.join(&name), shown, "Git work tree")?;
            Ok(Listed { name, file })
        };
        names.into_iter().map(read).collect()
    }
}

/// Whether a path cannot climb out by its words; links are another matter.
fn stays_inside(path: &str) -> bool {
    !path.contains(['\\', '\0']) && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// The nearest folder upwards that holds a `.git`; the project itself where none does.
fn work_tree(root: &Path) -> &Path {
    root.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(root)
}

/// Resolves all links of a path and refuses what lies outside `bound`, which has none.
fn real_path(bound: &Path, path: &Path, shown: &str, what: &'static str) -> Result<PathBuf, AccessError> {
    // Mostly there is none below either, which is told faster than where each part leads.
    if straight(bound, path).is_some() { Ok(path.to_owned()) } else { resolved(bound, path, shown, what) }
}

fn resolved(bound: &Path, path: &Path, shown: &str, what: &'static str) -> Result<PathBuf, AccessError> {
    let real = path.canonicalize().map_err(|error| match error.kind() {
        // Whether something is there outside the bound is not told either.
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => AccessError::Missing(shown.to_owned()),
        io::ErrorKind::InvalidInput => AccessError::Outside(shown.to_owned(), what),
        _ => AccessError::Unreadable(shown.to_owned(), ReadError::Io(error)),
    })?;
    if real.starts_with(bound) { Ok(real) } else { Err(AccessError::Outside(shown.to_owned(), what)) }
}

/// What stands at a path that leads down from `bound` only, and over no link.
fn straight(bound: &Path, path: &Path) -> Option<FileType> {
    let mut at = bound.to_owned();
    let mut kind = None;
    for part in path.strip_prefix(bound).ok()?.components() {
        let Component::Normal(name) = part else { return None };
        at.push(name);
        kind = Some(at.symlink_metadata().ok()?.file_type()).filter(|kind| !kind.is_symlink());
        kind?;
    }
    kind
}

fn read_within(
    sources: &Sources,
    bound: &Path,
    path: &Path,
    shown: String,
    what: &'static str,
) -> Result<FileId, AccessError> {
    let (real, is_file) = match straight(bound, path) {
        Some(kind) => (path.to_owned(), kind.is_file()),
        None => {
            let real = resolved(bound, path, &shown, what)?;
            let is_file = real.is_file();
            (real, is_file)
        }
    };
    // A pipe would wait for ever.
    if !is_file {
        return Err(AccessError::NoFile(shown));
    }
    match sources.read_file(&real) {
        Ok(text) => Ok(sources.add(shown, unix_line_ends(text))),
        Err(error) => Err(AccessError::Unreadable(shown, error)),
    }
}

fn read_revision(
    sources: &Sources,
    revision: &Revision,
    path: &str,
    name: String,
    bound: &'static str,
) -> Result<FileId, AccessError> {
    match revision.read(path) {
        Ok(Entry::Blob(bytes)) => match source::read_text(bytes.as_slice()) {
            Ok(text) => Ok(sources.add(name, unix_line_ends(text))),
            Err(error) => Err(AccessError::Unreadable(name, error)),
        },
        Ok(Entry::Missing) => Err(AccessError::Missing(name)),
        Ok(Entry::Outside) => Err(AccessError::Outside(name, bound)),
        Ok(Entry::Tree(_) | Entry::Other) => Err(AccessError::NoFile(name)),
        Err(error) => Err(AccessError::Unreadable(name, ReadError::Io(error))),
    }
}

fn read_revision_folder(
    sources: &Sources,
    revision: &Revision,
    beside: &str,
    folder: &str,
    ending: &str,
) -> Result<Vec<Listed>, AccessError> {
    let above = Path::new(beside).parent().unwrap_or(Path::new(""));
    let path = above.join(folder).display().to_string();
    let shown = format!("{}:{}", revision.name, tidy(Path::new(&path)).display());
    let entries = match revision.read(&path) {
        Ok(Entry::Tree(entries)) => entries,
        Ok(Entry::Outside) => return Err(AccessError::Outside(shown, "Git work tree")),
        Ok(_) => return Err(AccessError::Missing(shown)),
        Err(error) => return Err(AccessError::Unreadable(shown, ReadError::Io(error))),
    };
    let mut names: Vec<String> = entries.into_iter().map(|entry| entry.name).collect();
    names.retain(|name| name.ends_with(ending) && !name.starts_with('.'));
    names.sort_unstable();
    let read = |name: String| {
        let file =
            read_revision(sources, revision, &format!("{path}/{name}"), format!("{shown}/{name}"), "Git work tree")?;
        Ok(Listed { name, file })
    };
    names.into_iter().map(read).collect()
}

/// Links to folders are not gone into: a revision is rendered for comparing, and the working tree says what is wrong.
fn walk_revision(revision: &Revision, folder: &str, depth: usize, found: &mut Vec<String>) -> io::Result<()> {
    for entry in revision.folder(folder)?.unwrap_or_default() {
        if entry.name.starts_with('.') || depth == MAX_FOLDERS {
            continue;
        }
        let path = format!("{folder}/{}", entry.name);
        if entry.is_folder {
            walk_revision(revision, &path, depth + 1, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// The text as it was committed: Git writes every line end as CRLF in a checkout on Windows. A shell would take the CR for
/// a part of the line, and the same project would render otherwise there. A file that mixes line ends means it.
pub(crate) fn unix_line_ends(text: String) -> String {
    if !text.contains('\r') {
        return text;
    }
    let lines = text.matches('\n').count();
    if lines > 0 && text.matches("\r\n").count() == lines { text.replace("\r\n", "\n") } else { text }
}

fn walk(
    root: &Path,
    folder: &str,
    shown: &dyn Fn(&str) -> String,
    above: &mut Vec<PathBuf>,
    found: &mut Vec<String>,
) -> Result<(), AccessError> {
    let real = match real_path(root, &root.join(folder), &shown(folder), "project") {
        Err(AccessError::Missing(_)) => return Ok(()),
        other => other?,
    };
    // A link back to a folder above would go round for ever.
    if above.contains(&real) || above.len() == MAX_FOLDERS {
        return Ok(());
    }
    let unreadable = |error| AccessError::Unreadable(shown(folder), ReadError::Io(error));
    let entries = std::fs::read_dir(&real).map_err(unreadable)?;
    above.push(real);
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        let name = file_name(&entry, &shown(folder))?;
        if name.starts_with('.') {
            continue;
        }
        let path = format!("{folder}/{name}");
        let kind = entry.file_type().map_err(unreadable)?;
        let is_folder = if kind.is_symlink() { entry.path().is_dir() } else { kind.is_dir() };
        if is_folder {
            walk(root, &path, shown, above, found)?;
        } else {
            found.push(path);
        }
    }
    above.pop();
    Ok(())
}

fn file_name(entry: &std::fs::DirEntry, folder: &str) -> Result<String, AccessError> {
    entry.file_name().into_string().map_err(|name| {
        let error = io::Error::new(io::ErrorKind::InvalidData, "its name is not valid UTF-8");
        AccessError::Unreadable(format!("{folder}/{}", name.to_string_lossy()), ReadError::Io(error))
    })
}

/// `a/../b` as `b`, for showing only.
pub(super) fn tidy(path: &Path) -> PathBuf {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in path.components() {
        match (part, parts.last()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => _ = parts.pop(),
            _ => parts.push(part),
        }
    }
    parts.iter().collect()
}
