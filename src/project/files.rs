//! Reads files, but only those inside the project.

use std::fmt;
use std::fs::FileType;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::revision::{GitObject, Revision};
use super::{Project, ProjectLocation};
use crate::built_in;
use crate::finding::{Failure, Finding, RuleId};
use crate::source::{self, FileId, ReadError, Sources, Span};

/// The maximum nesting depth of folders.
const MAX_FOLDERS: usize = 32;

/// Why a file of a project cannot be read. The strings are its name as displayed to users.
#[derive(Debug)]
pub enum AccessError {
    /// It does not exist.
    Missing(String),
    /// It is outside the project or the work tree.
    Outside(String, &'static str),
    /// It exists and cannot be read.
    Unreadable(String, ReadError),
    /// It is a folder, a pipe or a device.
    NotAFile(String),
}

/// A file in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderFile {
    /// Its name in the folder.
    pub name: String,
    /// Its contents.
    pub file: FileId,
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "file `{name}` not found"),
            Self::Outside(name, bound) => write!(f, "`{name}` is outside the {bound}"),
            Self::Unreadable(name, error) => write!(f, "cannot read `{name}`: {error}"),
            Self::NotAFile(name) => write!(f, "`{name}` is not a file"),
        }
    }
}

impl std::error::Error for AccessError {}

impl AccessError {
    /// The rule of a finding about the error.
    #[must_use]
    pub const fn rule(&self) -> RuleId {
        match self {
            Self::Missing(_) => RuleId::FileNotFound,
            Self::Outside(..) => RuleId::FileOutsideProject,
            Self::Unreadable(..) | Self::NotAFile(_) => RuleId::FileUnreadable,
        }
    }

    /// A finding at the position that names the file.
    #[must_use]
    pub fn finding(&self, span: Span) -> Finding {
        let finding = Finding::error(self.rule(), span, self.to_string());
        match self {
            Self::Outside(..) => finding.with_help("use a file inside it; symbolic links are resolved"),
            _ => finding,
        }
    }

    /// A failure without a position: findings if the content is invalid (too large, not UTF-8), otherwise an inability
    /// to run.
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
    /// If it does not exist, is outside, or cannot be read.
    pub fn read(&self, sources: &Sources, path: &str) -> Result<FileId, AccessError> {
        let name = self.shown(path);
        if !stays_inside(path) {
            return Err(AccessError::Outside(path.to_owned(), "project"));
        }
        match &self.location {
            ProjectLocation::Embedded => match built_in::text(path) {
                Some(text) => Ok(sources.add(name, text)),
                None => Err(AccessError::Missing(name)),
            },
            ProjectLocation::Folder { root, .. } => read_within(sources, root, &root.join(path), name, "project"),
            ProjectLocation::Revision(revision) => read_revision(sources, revision, path, name, "project"),
            ProjectLocation::Memory(files) => match files.get(path) {
                Some(text) => Ok(sources.add(name, text.clone())),
                None => Err(AccessError::Missing(name)),
            },
        }
    }

    /// The unmodified bytes of a file of the project.
    ///
    /// # Errors
    /// If it does not exist, is outside, or cannot be read.
    pub fn read_bytes(&self, path: &str) -> Result<Vec<u8>, AccessError> {
        let name = self.shown(path);
        if !stays_inside(path) {
            return Err(AccessError::Outside(path.to_owned(), "project"));
        }
        match &self.location {
            ProjectLocation::Embedded => match built_in::text(path) {
                Some(text) => Ok(text.as_bytes().to_vec()),
                None => Err(AccessError::Missing(name)),
            },
            ProjectLocation::Memory(files) => match files.get(path) {
                Some(text) => Ok(text.as_bytes().to_vec()),
                None => Err(AccessError::Missing(name)),
            },
            ProjectLocation::Folder { root, .. } => {
                let path = root.join(path);
                let real = match direct_file_type(root, &path) {
                    Some(_) => path,
                    None => resolve_links(root, &path, &name, "project")?,
                };
                if !real.is_file() {
                    return Err(AccessError::NotAFile(name));
                }
                source::read_bytes(&real).map_err(|error| AccessError::Unreadable(name, error))
            }
            ProjectLocation::Revision(revision) => match revision.read(path) {
                Ok(GitObject::Blob(bytes)) => Ok(bytes.to_vec()),
                Ok(GitObject::Missing) => Err(AccessError::Missing(name)),
                Ok(GitObject::Outside) => Err(AccessError::Outside(name, "project")),
                Ok(GitObject::Tree(_) | GitObject::Other) => Err(AccessError::NotAFile(name)),
                Err(error) => Err(AccessError::Unreadable(name, ReadError::Io(error))),
            },
        }
    }

    /// The files below a folder of the project whose names have this ending, as sorted paths relative to the project.
    /// Empty if the folder does not exist. Names that start with a dot are skipped.
    ///
    /// # Errors
    /// If a folder cannot be read, or a link leads outside.
    pub fn list(&self, folder: &str, ending: &str) -> Result<Vec<String>, AccessError> {
        if !stays_inside(folder) {
            return Err(AccessError::Outside(folder.to_owned(), "project"));
        }
        let mut found = match &self.location {
            ProjectLocation::Embedded => built_in::below(folder).map(str::to_owned).collect(),
            ProjectLocation::Memory(files) => {
                let below = |path: &&String| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
                files.keys().filter(below).cloned().collect()
            }
            ProjectLocation::Folder { root, .. } => {
                let mut found = Vec::new();
                walk(root, folder, &|path| self.shown(path), &mut Vec::new(), &mut found)?;
                found
            }
            ProjectLocation::Revision(revision) => {
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

    /// Checks that a path does not leave the project, either lexically or through links.
    ///
    /// # Errors
    /// If it does.
    pub fn stays_inside(&self, path: &str) -> Result<(), AccessError> {
        let outside = || AccessError::Outside(path.to_owned(), "project");
        if !stays_inside(path) {
            return Err(outside());
        }
        let ProjectLocation::Folder { root, .. } = &self.location else { return Ok(()) };
        match root.join(path).canonicalize() {
            Ok(real) if !real.starts_with(root) => Err(outside()),
            _ => Ok(()),
        }
    }

    /// Whether a file of the project is outside one of its folders, following links. A file that does not exist is
    /// not.
    #[must_use]
    pub fn leads_out(&self, folder: &str, path: &str) -> bool {
        let ProjectLocation::Folder { root, .. } = &self.location else { return false };
        let folder = root.join(folder);
        let file = folder.join(path);
        if direct_file_type(root, &file).is_some() {
            return false;
        }
        file.canonicalize().is_ok_and(|file| folder.canonicalize().is_ok_and(|folder| !file.starts_with(folder)))
    }

    /// Reads the files of a folder that a file of the project refers to, such as a profile's migrations. The folder is
    /// relative to that file, and inside the Git work tree that contains the project (without one, the project
    /// itself). The files are sorted by name; subfolders are skipped.
    ///
    /// # Errors
    /// If the folder does not exist, it or a file is outside, or cannot be read.
    pub fn read_folder_beside(
        &self,
        sources: &Sources,
        beside: &str,
        folder: &str,
        ending: &str,
    ) -> Result<Vec<FolderFile>, AccessError> {
        if let ProjectLocation::Revision(revision) = &self.location {
            return read_revision_folder(sources, revision, beside, folder, ending);
        }
        let ProjectLocation::Folder { root, shown } = &self.location else {
            return Err(AccessError::Outside(folder.to_owned(), "built-in project"));
        };
        let bound = work_tree(root);
        let above = Path::new(beside).parent().unwrap_or(Path::new(""));
        let (path, shown) =
            (root.join(above).join(folder), normalize(&shown.join(above).join(folder)).display().to_string());
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
            Ok(FolderFile { name, file })
        };
        names.into_iter().map(read).collect()
    }
}

/// Whether a path stays inside lexically, without considering links.
fn stays_inside(path: &str) -> bool {
    !path.contains(['\\', '\0']) && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// The nearest folder upwards that contains a `.git`; the project itself if none does.
fn work_tree(root: &Path) -> &Path {
    root.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(root)
}

/// Resolves all links of a path and rejects it if the result is outside `bound`, which contains no links.
fn real_path(bound: &Path, path: &Path, shown: &str, what: &'static str) -> Result<PathBuf, AccessError> {
    // Most paths contain no links, which is faster to check than to resolve them.
    if direct_file_type(bound, path).is_some() { Ok(path.to_owned()) } else { resolve_links(bound, path, shown, what) }
}

fn resolve_links(bound: &Path, path: &Path, shown: &str, what: &'static str) -> Result<PathBuf, AccessError> {
    let real = path.canonicalize().map_err(|error| match error.kind() {
        // Do not reveal whether something outside the bound exists.
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => AccessError::Missing(shown.to_owned()),
        io::ErrorKind::InvalidInput => AccessError::Outside(shown.to_owned(), what),
        _ => AccessError::Unreadable(shown.to_owned(), ReadError::Io(error)),
    })?;
    if real.starts_with(bound) { Ok(real) } else { Err(AccessError::Outside(shown.to_owned(), what)) }
}

/// The type of the file at a path below `bound`; `None` if the path contains a link.
fn direct_file_type(bound: &Path, path: &Path) -> Option<FileType> {
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
    let (real, is_file) = match direct_file_type(bound, path) {
        Some(kind) => (path.to_owned(), kind.is_file()),
        None => {
            let real = resolve_links(bound, path, &shown, what)?;
            let is_file = real.is_file();
            (real, is_file)
        }
    };
    // Reading a pipe would block forever.
    if !is_file {
        return Err(AccessError::NotAFile(shown));
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
        Ok(GitObject::Blob(bytes)) => match source::read_text(bytes.as_slice()) {
            Ok(text) => Ok(sources.add(name, unix_line_ends(text))),
            Err(error) => Err(AccessError::Unreadable(name, error)),
        },
        Ok(GitObject::Missing) => Err(AccessError::Missing(name)),
        Ok(GitObject::Outside) => Err(AccessError::Outside(name, bound)),
        Ok(GitObject::Tree(_) | GitObject::Other) => Err(AccessError::NotAFile(name)),
        Err(error) => Err(AccessError::Unreadable(name, ReadError::Io(error))),
    }
}

fn read_revision_folder(
    sources: &Sources,
    revision: &Revision,
    beside: &str,
    folder: &str,
    ending: &str,
) -> Result<Vec<FolderFile>, AccessError> {
    let above = Path::new(beside).parent().unwrap_or(Path::new(""));
    let path = above.join(folder).display().to_string();
    let shown = format!("{}:{}", revision.name, normalize(Path::new(&path)).display());
    let entries = match revision.read(&path) {
        Ok(GitObject::Tree(entries)) => entries,
        Ok(GitObject::Outside) => return Err(AccessError::Outside(shown, "Git work tree")),
        Ok(_) => return Err(AccessError::Missing(shown)),
        Err(error) => return Err(AccessError::Unreadable(shown, ReadError::Io(error))),
    };
    let mut names: Vec<String> = entries.into_iter().map(|entry| entry.name).collect();
    names.retain(|name| name.ends_with(ending) && !name.starts_with('.'));
    names.sort_unstable();
    let read = |name: String| {
        let file =
            read_revision(sources, revision, &format!("{path}/{name}"), format!("{shown}/{name}"), "Git work tree")?;
        Ok(FolderFile { name, file })
    };
    names.into_iter().map(read).collect()
}

/// Links to folders are not followed: a revision is only rendered for comparison, and the working tree reports errors.
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

/// The text as it was committed, since Git may check out files with CRLF on Windows: a shell would read the CR as part
/// of the line, and the project would render differently there. A file with mixed line ends is left unchanged.
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
    // A link to a parent folder would recurse endlessly.
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
        let error = io::Error::new(io::ErrorKind::InvalidData, "the file name is not valid UTF-8");
        AccessError::Unreadable(format!("{folder}/{}", name.to_string_lossy()), ReadError::Io(error))
    })
}

/// Normalizes `a/../b` to `b`, for display only.
pub(super) fn normalize(path: &Path) -> PathBuf {
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
