//! Reads kustomizations: which files are patches or data instead of manifests, which objects are generated, and which
//! are patched before they are applied.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use foldhash::HashSet;

use crate::node::{Node, Value};
use crate::object::Object;
use crate::source::FileId;
use crate::yaml::{self, Dialect};

/// The possible file names of a kustomization.
const FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The lists of a kustomization whose files are patches.
const PATCHES: [&str; 3] = ["patches", "patchesStrategicMerge", "patchesJson6902"];

/// The lists whose files configure kustomize itself.
const CONFIGURATION: [&str; 6] = ["configurations", "crds", "generators", "replacements", "transformers", "validators"];

/// The generators, and the kinds of the objects they generate.
const GENERATORS: [(&str, &str); 2] = [("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")];

/// The kustomizations of a folder and its subfolders.
#[derive(Debug, Clone, Default)]
pub struct Kustomizations {
    folders: HashSet<PathBuf>,
    patches: HashSet<PathBuf>,
    resources: HashSet<PathBuf>,
    data: HashSet<PathBuf>,
    generated: HashSet<(&'static str, String)>,
    variables: HashSet<String>,
    patched: HashSet<(String, String)>,
}

/// A file of a kustomization that contains no manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It changes objects of other files.
    Patch,
    /// Data of a generator, or configuration of kustomize.
    Other,
}

impl Kustomizations {
    /// Whether kustomize replaces `$(NAME)` with a field of another object (`vars`).
    #[must_use]
    pub fn replaces(&self, name: &str) -> bool {
        self.variables.contains(name)
    }

    /// Whether a file has the name of a kustomization.
    #[must_use]
    pub fn is_kustomization(path: &Path) -> bool {
        path.file_name().is_some_and(|name| FILES.iter().any(|known| name == *known))
    }

    /// Adds the kustomization of a folder.
    pub fn add(&mut self, folder: &Path, kustomization: &Node) {
        let path = |name: &str| normalize(&folder.join(name));
        self.folders.insert(normalize(folder));
        for item in ["resources", "bases"].into_iter().flat_map(|list| kustomization[list].items()) {
            self.resources.insert(path(item.text()));
        }
        for list in PATCHES {
            for item in kustomization[list].items() {
                let (file, inline) = match &item.value {
                    Value::String(text) if text.contains('\n') => ("", text.as_str()),
                    Value::String(text) => (text.as_str(), ""),
                    _ => (item["path"].text(), item["patch"].text()),
                };
                if !file.is_empty() {
                    self.patches.insert(path(file));
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
                    self.data.insert(path(name));
                }
            }
        }
        for (list, kind) in GENERATORS {
            for item in kustomization[list].items() {
                self.generated.insert((kind, item["name"].text().to_owned()));
                for name in ["files", "envs"].into_iter().flat_map(|field| item[field].items()) {
                    let name = name.text();
                    self.data.insert(path(name.split_once('=').map_or(name, |(_, path)| path)));
                }
            }
        }
        for chart in kustomization["helmCharts"].items() {
            self.data.insert(path(chart["valuesFile"].text()));
        }
    }

    /// Records which objects a strategic merge patch changes.
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

    /// What a file is to the kustomizations; `None` if it may be a manifest. A file that no kustomization refers to is a patch
    /// if it is in a folder `patches`, or if it is beside a kustomization and `patch` is in its name (`manager_auth_patch.yaml`).
    #[must_use]
    pub fn part(&self, path: &Path) -> Option<Part> {
        if self.folders.is_empty() {
            return None;
        }
        let path = normalize(path);
        let is_patch = |name: &OsStr| name.to_string_lossy().split(['-', '_', '.']).any(|word| word == "patch");
        let folder = || path.parent().and_then(Path::file_name);
        match () {
            () if self.patches.contains(&path) => Some(Part::Patch),
            () if self.data.contains(&path) => Some(Part::Other),
            () if self.resources.contains(&path) => None,
            () if folder().is_some_and(|name| name == "patches" || name == "patch") => Some(Part::Patch),
            () if path.parent().is_some_and(|folder| self.folders.contains(folder)) => {
                path.file_name().is_some_and(is_patch).then_some(Part::Patch)
            }
            () => None,
        }
    }

    /// Whether a file is a resource of a kustomization, which may add labels, selectors, a namespace, names and images to its
    /// objects, and patch them.
    #[must_use]
    pub fn is_resource(&self, path: &Path) -> bool {
        !self.resources.is_empty() && self.resources.contains(&normalize(path))
    }

    /// Whether a generator makes an object of this kind and name, or adds to it.
    #[must_use]
    pub fn generates(&self, kind: &str, name: &str) -> bool {
        self.generated.iter().any(|(generated, known)| *generated == kind && known == name)
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

/// Removes `.` and `..` from a path as far as possible.
fn normalize(path: &Path) -> PathBuf {
    let mut normalized = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if normalized.file_name().is_some() => _ = normalized.pop(),
            part => normalized.push(part),
        }
    }
    normalized
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn files_and_objects_of_a_kustomization_are_recognized() {
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
        assert!(kustomizations.generates("ConfigMap", "app") && !kustomizations.generates("Secret", "app"));
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
