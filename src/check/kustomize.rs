//! What kustomizations say about the files and objects beside them: which files are patches or data and no manifests,
//! which objects are generated, and which are patched before they are applied.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use foldhash::HashSet;

use crate::node::{Node, Value};
use crate::object::Object;
use crate::source::FileId;
use crate::yaml::{self, Dialect};

/// The names a kustomization's file can have.
const FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The lists of a kustomization whose files are patches.
const PATCHES: [&str; 3] = ["patches", "patchesStrategicMerge", "patchesJson6902"];

/// The lists whose files configure kustomize itself.
const CONFIGURATION: [&str; 6] = ["configurations", "crds", "generators", "replacements", "transformers", "validators"];

/// What generators make.
const GENERATORS: [(&str, &str); 2] = [("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")];

/// What the kustomizations of a folder say.
#[derive(Debug, Clone, Default)]
pub struct Kustomizations {
    folders: HashSet<PathBuf>,
    patches: HashSet<PathBuf>,
    resources: HashSet<PathBuf>,
    other_parts: HashSet<PathBuf>,
    made: HashSet<(&'static str, String)>,
    variables: HashSet<String>,
    patched: HashSet<(String, String)>,
}

/// A file that no manifest is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It changes objects of other files.
    Patch,
    /// Data of a generator, or configuration of kustomize.
    Other,
}

impl Kustomizations {
    /// Whether kustomize replaces `$(NAME)` by a value of another object.
    #[must_use]
    pub fn replaces(&self, name: &str) -> bool {
        self.variables.contains(name)
    }

    /// Whether a file is a kustomization, by its name.
    #[must_use]
    pub fn is_kustomization(path: &Path) -> bool {
        path.file_name().is_some_and(|name| FILES.iter().any(|known| name == *known))
    }

    /// Adds what the kustomization of a folder says.
    pub fn add(&mut self, folder: &Path, kustomization: &Node) {
        let place = |name: &str| tidy(&folder.join(name));
        self.folders.insert(tidy(folder));
        for item in ["resources", "bases"].into_iter().flat_map(|list| kustomization[list].items()) {
            self.resources.insert(place(item.text()));
        }
        for list in PATCHES {
            for item in kustomization[list].items() {
                let (path, inline) = match &item.value {
                    Value::String(text) if text.contains('\n') => ("", text.as_str()),
                    Value::String(text) => (text.as_str(), ""),
                    _ => (item["path"].text(), item["patch"].text()),
                };
                if !path.is_empty() {
                    self.patches.insert(place(path));
                }
                let target = &item["target"];
                if target["kind"].is_set() {
                    self.patched.insert((target["kind"].text().to_owned(), target["name"].text().to_owned()));
                }
                self.add_patch(inline);
            }
        }
        let names = kustomization["vars"].items().iter().map(|variable| variable["name"].text().to_owned());
        self.variables.extend(names);
        for list in CONFIGURATION {
            for item in kustomization[list].items() {
                let name = item.as_str().unwrap_or(item["path"].text());
                if !name.is_empty() && !name.contains('\n') {
                    self.other_parts.insert(place(name));
                }
            }
        }
        for (list, kind) in GENERATORS {
            for item in kustomization[list].items() {
                self.made.insert((kind, item["name"].text().to_owned()));
                for name in ["files", "envs"].into_iter().flat_map(|field| item[field].items()) {
                    let name = name.text();
                    self.other_parts.insert(place(name.split_once('=').map_or(name, |(_, path)| path)));
                }
            }
        }
        for chart in kustomization["helmCharts"].items() {
            self.other_parts.insert(place(chart["valuesFile"].text()));
        }
    }

    /// Notes which objects a patch changes.
    pub fn add_patch(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        for document in yaml::load_text(text, FileId(u32::MAX - 1), Dialect::Kubectl).documents {
            let (kind, name) = (document["kind"].text(), document["metadata"]["name"].text());
            if !kind.is_empty() && !name.is_empty() {
                self.patched.insert((kind.to_owned(), name.to_owned()));
            }
        }
    }

    /// What a file is to a kustomization; `None` where it may be a manifest. A file that no kustomization names is a patch
    /// by its name beside one (`manager_auth_patch.yaml`), and in a folder of patches.
    #[must_use]
    pub fn part(&self, path: &Path) -> Option<Part> {
        if self.folders.is_empty() {
            return None;
        }
        let path = tidy(path);
        let is_patch = |name: &OsStr| name.to_string_lossy().split(['-', '_', '.']).any(|word| word == "patch");
        let folder = || path.parent().and_then(Path::file_name);
        match () {
            () if self.patches.contains(&path) => Some(Part::Patch),
            () if self.other_parts.contains(&path) => Some(Part::Other),
            () if self.resources.contains(&path) => None,
            () if folder().is_some_and(|name| name == "patches" || name == "patch") => Some(Part::Patch),
            () if path.parent().is_some_and(|folder| self.folders.contains(folder)) => {
                path.file_name().is_some_and(is_patch).then_some(Part::Patch)
            }
            () => None,
        }
    }

    /// Whether a file is a resource of a kustomization, which what it builds may complete: labels, selectors, namespaces,
    /// names and images are added, and patches.
    #[must_use]
    pub fn is_resource(&self, path: &Path) -> bool {
        !self.resources.is_empty() && self.resources.contains(&tidy(path))
    }

    /// Whether a generator makes an object of that kind and name, or adds to it.
    #[must_use]
    pub fn makes(&self, kind: &str, name: &str) -> bool {
        self.made.iter().any(|(made, known)| *made == kind && known == name)
    }

    /// Whether a patch changes an object.
    #[must_use]
    pub fn patches(&self, object: &Object) -> bool {
        if self.patched.is_empty() {
            return false;
        }
        let is_patched = |name: &str| self.patched.contains(&(object.kind().to_owned(), name.to_owned()));
        is_patched(object.name()) || is_patched("")
    }
}

/// A path without `.` and `..` where it can be told.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if tidy.file_name().is_some() => _ = tidy.pop(),
            part => tidy.push(part),
        }
    }
    tidy
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_files_and_objects_of_a_kustomization_are_known() {
        let text = "
resources: [web.yaml]
patches:
- path: patches/replicas.yaml
- {path: ../common/tls.yaml, target: {kind: Ingress}}
- patch: |-
    kind: Deployment
    metadata: {name: web}
patchesStrategicMerge: [limits.yaml]
configMapGenerator:
- {name: app, behavior: merge, files: [app.yaml, other=data/b.json]}
";
        let node = yaml::load_text(text, FileId(0), Dialect::Kubectl).documents.remove(0);
        let mut kustomizations = Kustomizations::default();
        kustomizations.add(Path::new("./overlays/e2e"), &node);
        for (path, part) in [
            ("overlays/e2e/web.yaml", None),
            ("./overlays/e2e/patches/replicas.yaml", Some(Part::Patch)),
            ("overlays/common/tls.yaml", Some(Part::Patch)),
            ("overlays/e2e/limits.yaml", Some(Part::Patch)),
            ("overlays/e2e/app.yaml", Some(Part::Other)),
            ("overlays/e2e/data/b.json", Some(Part::Other)),
            ("base/app.yaml", None),
            ("overlays/e2e/web_auth_patch.yaml", Some(Part::Patch)),
            ("overlays/e2e/dispatch.yaml", None),
            ("base/web_auth_patch.yaml", None),
            ("other/patches/x.yaml", Some(Part::Patch)),
        ] {
            assert_eq!(kustomizations.part(Path::new(path)), part, "{path}");
        }
        assert!(kustomizations.is_resource(Path::new("./overlays/e2e/web.yaml")));
        assert!(!kustomizations.is_resource(Path::new("overlays/web.yaml")));
        assert!(kustomizations.makes("ConfigMap", "app") && !kustomizations.makes("Secret", "app"));
        let object = |kind: &str, name: &str| {
            let text = format!("kind: {kind}\nmetadata: {{name: {name}}}\n");
            Object::new(yaml::load_text(&text, FileId(0), Dialect::Kubectl).documents.remove(0))
        };
        assert!(
            kustomizations.patches(&object("Deployment", "web")) && kustomizations.patches(&object("Ingress", "any"))
        );
        assert!(!kustomizations.patches(&object("Deployment", "other")));
    }
}
