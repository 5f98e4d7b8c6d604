//! Which files of a folder are looked at: patterns as in `.gitignore`, and the files those of a repository leave.

use std::io;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::{DirEntry, WalkBuilder};

/// How deep folders are searched.
const MAX_FOLDERS: usize = 32;

/// Folders of what other people wrote, and of what a test needs broken.
const FOREIGN: [&str; 3] = ["node_modules", "testdata", "vendor"];

/// Patterns in the syntax of `.gitignore`, relative to a folder.
#[derive(Debug, Clone)]
pub struct Globs {
    folder: PathBuf,
    patterns: Gitignore,
}

impl Globs {
    /// Patterns relative to a folder, which is an absolute path.
    ///
    /// # Errors
    /// A pattern that cannot be read, and why.
    pub fn new(folder: &Path, patterns: &[String]) -> Result<Self, (String, String)> {
        let mut builder = GitignoreBuilder::new(folder);
        for pattern in patterns {
            builder.add_line(None, pattern).map_err(|error| (pattern.clone(), error.to_string()))?;
        }
        let patterns = builder.build().map_err(|error| (String::new(), error.to_string()))?;
        Ok(Self { folder: folder.to_owned(), patterns })
    }

    /// Whether they match a path, or a folder above it.
    #[must_use]
    pub fn matches(&self, path: &Path, is_folder: bool) -> bool {
        let Some(path) = absolute(path) else { return false };
        path.starts_with(&self.folder) && self.patterns.matched_path_or_any_parents(&path, is_folder).is_ignore()
    }
}

/// A path from the root of the file system, without `.` and `..`; links stay as they are.
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

/// What is found in a folder.
#[derive(Debug, Default)]
pub struct Found {
    /// The files with one of the endings, in the order of their names.
    pub files: Vec<PathBuf>,
    /// What was left out because a pattern matches it or it holds what others wrote, in order.
    pub excluded: Vec<PathBuf>,
}

/// The files of a folder, and of those below it, that have one of some endings. Left out are hidden ones, what the
/// `.gitignore` files of the repository name, what the patterns match, and folders of what others wrote.
///
/// # Errors
/// Where the folder itself cannot be read.
pub fn walk(folder: &Path, endings: &'static [&'static str], exclude: &[&Globs]) -> io::Result<Found> {
    std::fs::read_dir(folder)?;
    let mut walk = WalkBuilder::new(folder);
    // Only files of the repository count, so that every machine finds the same.
    walk.max_depth(Some(MAX_FOLDERS)).require_git(false).git_global(false).git_exclude(false).ignore(false);
    walk.sort_by_file_name(Ord::cmp);
    let mut found = Found::default();
    let is_foreign = |entry: &DirEntry| {
        entry.depth() > 0 && entry.path().is_dir() && FOREIGN.iter().any(|name| entry.file_name() == *name)
    };
    let entries = walk.build();
    let mut skipped: Option<PathBuf> = None;
    for entry in entries {
        // What cannot be read below the folder is no manifest: a link that leads nowhere, a folder of somebody else's.
        let Ok(entry) = entry else { continue };
        let path = entry.path();
        if skipped.as_ref().is_some_and(|skipped| path.starts_with(skipped)) {
            continue;
        }
        let is_folder = path.is_dir();
        let excluded = entry.depth() > 0 && exclude.iter().any(|globs| globs.matches(path, is_folder));
        let ends = path.extension().is_some_and(|end| endings.iter().any(|known| end == *known));
        if excluded || is_foreign(&entry) {
            if is_folder || ends {
                found.excluded.push(path.to_owned());
            }
            if is_folder {
                skipped = Some(path.to_owned());
            }
        } else if ends && path.is_file() {
            // A link to a folder may lead back up; links to files are followed. Pipes and devices could be read for ever.
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
    fn what_a_repository_ignores_is_left_out() {
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
        // A folder that is named is searched, whatever its name.
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
