//! Which files of a folder are read: those that neither the repository's `.gitignore` files nor given patterns exclude.

use std::io;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::{DirEntry, WalkBuilder};

/// How deep folders are searched.
const MAX_DEPTH: usize = 32;

/// Folders of third-party files, and of test data that may be invalid on purpose.
const SKIPPED_FOLDERS: [&str; 3] = ["node_modules", "testdata", "vendor"];

/// Patterns in the syntax of `.gitignore`, relative to a folder.
#[derive(Debug, Clone)]
pub struct Globs {
    folder: PathBuf,
    patterns: Gitignore,
}

impl Globs {
    /// Patterns relative to a folder, given as an absolute path.
    ///
    /// # Errors
    /// The first invalid pattern, and what is wrong with it.
    pub fn new(folder: &Path, patterns: &[String]) -> Result<Self, (String, String)> {
        let mut builder = GitignoreBuilder::new(folder);
        for pattern in patterns {
            builder.add_line(None, pattern).map_err(|error| (pattern.clone(), error.to_string()))?;
        }
        let patterns = builder.build().map_err(|error| (String::new(), error.to_string()))?;
        Ok(Self { folder: folder.to_owned(), patterns })
    }

    /// Whether a pattern matches a path or a folder that contains it.
    #[must_use]
    pub fn matches(&self, path: &Path, is_folder: bool) -> bool {
        let Some(path) = absolute(path) else { return false };
        path.starts_with(&self.folder) && self.patterns.matched_path_or_any_parents(&path, is_folder).is_ignore()
    }
}

/// A path from the root of the file system, without `.` and `..`. Symbolic links are not resolved.
fn absolute(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => _ = clean.pop(),
            part => clean.push(part),
        }
    }
    Some(clean)
}

/// The files of a folder.
#[derive(Debug, Default)]
pub struct FolderFiles {
    /// The files with one of the extensions, sorted by name.
    pub files: Vec<PathBuf>,
    /// The files and folders that a pattern or one of the skipped folders excludes, sorted by name.
    pub excluded: Vec<PathBuf>,
}

/// The files of a folder and its subfolders that have one of the extensions. Hidden files, files that `.gitignore` files of
/// the repository exclude, files that the patterns match, and folders of third-party files and test data are skipped.
///
/// # Errors
/// If the folder cannot be read.
pub fn walk(folder: &Path, extensions: &'static [&'static str], exclude: &[&Globs]) -> io::Result<FolderFiles> {
    std::fs::read_dir(folder)?;
    let mut walk = WalkBuilder::new(folder);
    // Only ignore files of the repository count, so that the result is the same on every machine.
    walk.max_depth(Some(MAX_DEPTH)).require_git(false).git_global(false).git_exclude(false).ignore(false);
    walk.sort_by_file_name(Ord::cmp);
    let mut found = FolderFiles::default();
    let is_foreign = |entry: &DirEntry| {
        entry.depth() > 0 && entry.path().is_dir() && SKIPPED_FOLDERS.iter().any(|name| entry.file_name() == *name)
    };
    let entries = walk.build();
    let mut skipped: Option<PathBuf> = None;
    for entry in entries {
        // A dangling link or a folder without read permission is skipped.
        let Ok(entry) = entry else { continue };
        let path = entry.path();
        if skipped.as_ref().is_some_and(|skipped| path.starts_with(skipped)) {
            continue;
        }
        let is_folder = path.is_dir();
        let excluded = entry.depth() > 0 && exclude.iter().any(|globs| globs.matches(path, is_folder));
        let has_extension = path.extension().is_some_and(|end| extensions.iter().any(|known| end == *known));
        if excluded || is_foreign(&entry) {
            if is_folder || has_extension {
                found.excluded.push(path.to_owned());
            }
            if is_folder {
                skipped = Some(path.to_owned());
            }
        } else if has_extension && path.is_file() {
            // Links to files are followed, links to folders are not: they may form a cycle. Pipes and devices may never end.
            found.files.push(path.to_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    fn write(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn ignored_and_excluded_files_are_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["a.yaml", "b.yml", "c.txt", "out/d.yaml", "sub/e.json", "sub/tmp.yaml", ".hidden/f.yaml"] {
            write(&root, name, "");
        }
        for name in ["testdata/g.yaml", "sub/node_modules/h.yaml", "old/i.yaml", "old/keep/j.yaml"] {
            write(&root, name, "");
        }
        write(&root, ".gitignore", "/out/\n");
        write(&root, "sub/.gitignore", "tmp*\n");
        let exclude = Globs::new(&root, &["old/".to_owned()]).unwrap();
        let found = walk(&root, &["yaml", "yml", "json"], &[&exclude]).unwrap();
        let names = |paths: &[PathBuf]| -> Vec<String> {
            paths.iter().map(|path| path.strip_prefix(&root).unwrap().display().to_string()).collect()
        };
        assert_eq!(names(&found.files), ["a.yaml", "b.yml", "sub/e.json"]);
        assert_eq!(names(&found.excluded), ["old", "sub/node_modules", "testdata"]);
        // The given folder is searched, whatever its name.
        assert_eq!(walk(&root.join("testdata"), &["yaml"], &[]).unwrap().files.len(), 1);
    }

    #[test]
    fn patterns_are_those_of_gitignore() {
        let globs = |pattern: &str| Globs::new(Path::new("/r"), &[pattern.to_owned()]).unwrap();
        for (pattern, path, matches) in [
            ("*.json", "/r/a/b.json", true),
            ("/a", "/r/a/b.json", true),
            ("/b", "/r/a/b.json", false),
            ("a/**/c.yaml", "/r/a/x/y/c.yaml", true),
            ("tests/", "/r/x/tests/a.yaml", true),
            ("tests/", "/r/x/../../other/tests/a.yaml", false),
            ("tests/", "/elsewhere/tests/a.yaml", false),
        ] {
            assert_eq!(globs(pattern).matches(Path::new(path), false), matches, "{pattern} {path}");
        }
        assert!(Globs::new(Path::new("/r"), &["[z-a]".to_owned()]).is_err());
    }
}
