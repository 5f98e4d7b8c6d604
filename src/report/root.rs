//! The base of paths in reports for CI services: the top of the Git repository.

use std::path::{Component, Path, PathBuf};

/// The directory to which paths in reports are relative. CI services resolve them against the top of the repository,
/// whatever the working directory of the tool is.
#[derive(Debug, Clone, Default)]
pub struct Root {
    /// Empty: file names are not changed.
    top: PathBuf,
    here: PathBuf,
}

/// A file as a CI service names it, with `/` as the separator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Relative to the top of the repository; also what is not a file, such as standard input.
    Inside(String),
    /// The absolute path of a file elsewhere.
    Outside(String),
}

impl Place {
    /// The path, without the scheme.
    pub(crate) fn path(&self) -> &str {
        match self {
            Self::Inside(path) | Self::Outside(path) => path,
        }
    }
}

impl Root {
    /// The top of the Git repository around the working directory, else the working directory.
    #[must_use]
    pub fn find() -> Self {
        let Ok(here) = std::env::current_dir() else { return Self::default() };
        let top = here.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&here).to_owned();
        Self { top, here }
    }

    /// The path of a file name, which is a path as typed or found below one.
    pub(crate) fn place(&self, name: &str) -> Place {
        let is_file = !self.top.as_os_str().is_empty() && !name.starts_with(['-', '<']);
        if !is_file {
            return Place::Inside(name.replace('\\', "/"));
        }
        let path = plain(&self.here.join(name));
        match path.strip_prefix(&self.top) {
            Ok(inside) => Place::Inside(slashes(inside)),
            Err(_) => Place::Outside(slashes(&path)),
        }
    }
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => _ = plain.pop(),
            component => plain.push(component),
        }
    }
    plain
}

fn slashes(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_begin_at_the_top_of_the_repository() {
        let root = Root { top: "/repo".into(), here: "/repo/deploy".into() };
        for (name, place) in [
            ("web.yaml", Place::Inside("deploy/web.yaml".into())),
            ("./web.yaml", Place::Inside("deploy/web.yaml".into())),
            ("../base/web.yaml", Place::Inside("base/web.yaml".into())),
            ("/repo/web.yaml", Place::Inside("web.yaml".into())),
            ("../../other/web.yaml", Place::Outside("/other/web.yaml".into())),
            ("/tmp/web.yaml", Place::Outside("/tmp/web.yaml".into())),
            ("-", Place::Inside("-".into())),
            ("--set", Place::Inside("--set".into())),
            ("<helm template web>", Place::Inside("<helm template web>".into())),
        ] {
            assert_eq!(root.place(name), place, "{name}");
        }
        assert_eq!(Root::default().place("./web.yaml"), Place::Inside("./web.yaml".into()));
    }
}
