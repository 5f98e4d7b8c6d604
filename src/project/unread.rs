//! Finds files of a project that nothing reads and that would otherwise be ignored silently.

use std::collections::BTreeSet;

use super::{AccessError, Project};
use crate::finding::{Finding, RuleId};
use crate::source::{Sources, Span};

/// The extensions of YAML files.
pub const YAML: [&str; 2] = [".yaml", ".yml"];

/// Whether a file is documentation: a README, a license or Markdown.
fn is_documentation(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with("README") || name.starts_with("LICENSE") || name.ends_with(".md")
}

impl Project {
    /// A finding for each file below `profiles/`, `templates/` and `services/` that nothing reads. `is_read` returns
    /// whether a file is read although its path alone does not imply it.
    ///
    /// # Errors
    /// If a folder cannot be read.
    pub fn unread(&self, sources: &Sources, is_read: &dyn Fn(&str) -> bool) -> Result<Vec<Finding>, AccessError> {
        let mut findings = Vec::new();
        for folder in ["profiles", "templates", "services"] {
            let paths = self.list(folder, "")?;
            let all: BTreeSet<&str> = paths.iter().map(String::as_str).collect();
            for path in &paths {
                if let Some((why, help)) = self.reason(path, &all).filter(|_| !is_documentation(path) && !is_read(path))
                {
                    findings.push(self.unused(sources, path, &why).with_help(help));
                }
            }
        }
        Ok(findings)
    }

    /// Why a file with this path is not read, and the help; `None` if its path implies that it is read.
    fn reason(&self, path: &str, all: &BTreeSet<&str>) -> Option<(String, String)> {
        let (folder, name) = path.split_once('/')?;
        let stem = YAML.iter().find_map(|end| path.strip_suffix(end));
        match folder {
            "profiles" => {
                if path == super::SCHEMA {
                    return None;
                }
                let is_layer =
                    !name.contains('/') || name.strip_prefix("environments/").is_some_and(|name| !name.contains('/'));
                match stem {
                    Some(_) if is_layer && path.ends_with(".yaml") => None,
                    Some(stem) if is_layer && all.contains(format!("{stem}.yaml").as_str()) => Some((
                        format!("{} is used instead", self.shown(&format!("{stem}.yaml"))),
                        "remove one of them".to_owned(),
                    )),
                    Some(stem) if is_layer => Some((
                        "profiles and environments have the extension `.yaml`".to_owned(),
                        format!("rename it to {}", self.shown(&format!("{stem}.yaml"))),
                    )),
                    _ => Some((
                        "only YAML files directly in `profiles/` and `profiles/environments/` are read"
                            .to_owned(),
                        "move or remove it; put files for `$file` below `templates/`, or refer to it with `$ref` in the schema"
                            .to_owned(),
                    )),
                }
            }
            "templates" if stem.is_some() && !name.split('/').any(|name| name.starts_with('_')) => None,
            "templates" if stem.is_some() => Some((
                "no template includes this partial".to_owned(),
                "include it with `$include`, or remove it".to_owned(),
            )),
            "templates" => Some((
                "no template reads it".to_owned(),
                "read it with `$file`, remove it, or use the extension `.yaml` for a template".to_owned(),
            )),
            _ if stem.is_some() => None,
            _ => Some((
                "service descriptions have the extension `.yaml`".to_owned(),
                "rename it or remove it".to_owned(),
            )),
        }
    }

    /// Whether two paths of the project are the same file, through a link.
    #[must_use]
    pub fn is_same_file(&self, one: &str, other: &str) -> bool {
        let Some(root) = self.root() else { return false };
        let real = |path: &str| root.join(path).canonicalize();
        real(one).is_ok_and(|one| real(other).is_ok_and(|other| one == other))
    }

    /// The finding that nothing reads a file of the project.
    #[must_use]
    pub fn unused(&self, sources: &Sources, path: &str, why: &str) -> Finding {
        let shown = self.shown(path);
        let message = format!("unused file `{shown}`: {why}");
        Finding::error(RuleId::FileUnused, Span::new(sources.add(shown, ""), 0, 0), message)
    }
}
