//! Definitions of custom resources in files: looked up by group and kind, and read when an object first needs them.
//!
//! Two layouts are supported: files with one or more CustomResourceDefinitions, in any folders; and folders of published
//! schemas, `<group>/<kind>_<version>.json`, whose files are JSON Schemas made from such definitions. A file of the first
//! layout is searched for the strings of a definition before it is parsed, and only the documents that contain them are
//! parsed.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};
use memchr::memmem::Finder;

use crate::finding::{Failure, Finding, RuleId, Severity};
use crate::globs;
use crate::kube::crd::Published;
use crate::kube::kinds;
use crate::node::{Node, Value};
use crate::parallel::in_parallel;
use crate::project::{AccessError, Project};
use crate::source::{self, MAX_BYTES, ReadError, Sources, Span};
use crate::yaml::{self, Dialect};

/// The extensions of files that may contain definitions.
const EXTENSIONS: &[&str] = &["yaml", "yml", "json"];

/// How many files one unit of parallel work searches.
const FILES_PER_CHUNK: usize = 8;

/// The kind of a definition.
const DEFINITION_KIND: &str = "CustomResourceDefinition";

/// Files and folders with definitions. Nothing is read before an object needs it.
#[derive(Debug, Default)]
pub struct Definitions {
    crds: Vec<DefinitionPath>,
    schemas: Vec<DefinitionPath>,
    /// The files of `crds`.
    files: OnceLock<Vec<PathBuf>>,
    /// The definitions that were read.
    cache: Mutex<HashMap<Key, Arc<KindDefinitions>>>,
}

/// A group, a kind, and the versions whose schemas were looked up.
type Key = (String, String, String);

/// A file or folder with definitions.
#[derive(Debug, Clone)]
struct DefinitionPath {
    path: PathBuf,
    /// The folder that must contain all files read, after symbolic links are resolved; `None` for any.
    within: Option<PathBuf>,
}

/// A group and a kind.
type GroupKind = (String, String);

/// What the files define for one kind.
#[derive(Debug, Default)]
struct KindDefinitions {
    definitions: Vec<Node>,
    schemas: Vec<Published>,
    findings: Vec<Finding>,
}

/// The definitions that objects need and that are not among the objects.
#[derive(Debug, Default)]
pub struct FoundDefinitions {
    /// CustomResourceDefinitions.
    pub definitions: Vec<Node>,
    /// Published schemas of kinds without a CustomResourceDefinition.
    pub schemas: Vec<Published>,
    /// Definitions that cannot be read.
    pub findings: Vec<Finding>,
}

impl Definitions {
    /// The definitions in the given files and folders, followed by those of the project's settings.
    ///
    /// # Errors
    /// If a file or folder does not exist, or is outside the project whose settings name it.
    pub fn of_project(project: &Project, crds: &[PathBuf], schemas: &[PathBuf]) -> Result<Self, Failure> {
        let mut definitions = Self::default();
        let unable = |path: &Path, error: io::Error| {
            let error = AccessError::Unreadable(path.display().to_string(), ReadError::Io(error));
            Failure::unable(error.finding(Span::NONE))
        };
        for path in crds {
            definitions.add_crds(path, None).map_err(|error| unable(path, error))?;
        }
        for path in schemas {
            definitions.add_schemas(path, None).map_err(|error| unable(path, error))?;
        }
        let Some(root) = project.root() else { return Ok(definitions) };
        for (settings, is_crds) in [(&project.settings.crds, true), (&project.settings.schemas, false)] {
            for (path, span) in settings {
                project.stays_inside(path).map_err(|error| error.finding(*span))?;
                let shown = PathBuf::from(project.shown(path));
                let added = match is_crds {
                    true => definitions.add_crds(&shown, Some(root)),
                    false => definitions.add_schemas(&shown, Some(root)),
                };
                added.map_err(|error| match error.kind() {
                    io::ErrorKind::NotFound => AccessError::Missing(project.shown(path)).finding(*span),
                    _ => AccessError::Unreadable(project.shown(path), ReadError::Io(error)).finding(*span),
                })?;
            }
        }
        Ok(definitions)
    }

    /// Adds a file or folder with CustomResourceDefinitions. Of two definitions of a kind, the one added first applies.
    ///
    /// # Errors
    /// If there is no such file or folder.
    pub fn add_crds(&mut self, path: &Path, within: Option<&Path>) -> io::Result<()> {
        fs::metadata(path)?;
        self.crds.push(DefinitionPath { path: path.to_owned(), within: within.map(Path::to_owned) });
        Ok(())
    }

    /// Adds a folder of published schemas.
    ///
    /// # Errors
    /// If it is not a folder.
    pub fn add_schemas(&mut self, path: &Path, within: Option<&Path>) -> io::Result<()> {
        if !fs::metadata(path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        self.schemas.push(DefinitionPath { path: path.to_owned(), within: within.map(Path::to_owned) });
        Ok(())
    }

    /// Whether there are no files or folders to search.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.crds.is_empty() && self.schemas.is_empty()
    }

    /// The definitions that the objects need and that are neither among them nor among `known`.
    #[must_use]
    pub fn of<'n>(
        &self,
        sources: &Sources,
        objects: impl IntoIterator<Item = &'n Node, IntoIter: Clone>,
        known: &'n [Node],
    ) -> FoundDefinitions {
        let mut found = FoundDefinitions::default();
        if self.is_empty() {
            return found;
        }
        let objects = objects.into_iter();
        let kinds = undefined_kinds(objects.clone(), objects.chain(known));
        if kinds.is_empty() {
            return found;
        }
        for of_kind in self.read(sources, &kinds) {
            found.definitions.extend(of_kind.definitions.iter().cloned());
            found.schemas.extend(of_kind.schemas.iter().cloned());
            found.findings.extend(of_kind.findings.iter().cloned());
        }
        found
    }

    /// What the files define for each of the kinds, in the order of the kinds.
    fn read(&self, sources: &Sources, kinds: &[NeededKind<'_>]) -> Vec<Arc<KindDefinitions>> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let versions = |kind: &NeededKind<'_>| match self.schemas.as_slice() {
            [] => String::new(),
            _ => kind.versions.join(" "),
        };
        let key = |kind: &NeededKind<'_>| (kind.group.to_owned(), kind.kind.to_owned(), versions(kind));
        let new: Vec<&NeededKind<'_>> = kinds.iter().filter(|kind| !cache.contains_key(&key(kind))).collect();
        if !new.is_empty() {
            let mut crds = self.search(sources, &new);
            for kind in new {
                let mut of_kind = crds.remove(&kind.group_kind()).unwrap_or_default();
                if of_kind.definitions.is_empty() {
                    self.read_published(sources, kind, &mut of_kind);
                }
                cache.insert(key(kind), Arc::new(of_kind));
            }
        }
        kinds.iter().filter_map(|kind| cache.get(&key(kind)).cloned()).collect()
    }

    /// The files that may contain CustomResourceDefinitions, those of each folder sorted by name.
    fn files(&self) -> &[PathBuf] {
        self.files.get_or_init(|| {
            let files = |crds: &DefinitionPath| {
                if crds.path.is_dir() {
                    globs::walk(&crds.path, EXTENSIONS, &[]).map(|found| found.files).unwrap_or_default()
                } else {
                    vec![crds.path.clone()]
                }
            };
            self.crds.iter().flat_map(files).collect()
        })
    }

    /// The CustomResourceDefinitions of the kinds. The files are searched in parallel, and parsed in the order of their names.
    fn search(&self, sources: &Sources, kinds: &[&NeededKind<'_>]) -> HashMap<GroupKind, KindDefinitions> {
        let filter = DefinitionFilter::new(kinds);
        let chunks: Vec<&[PathBuf]> = self.files().chunks(FILES_PER_CHUNK).collect();
        let hits = in_parallel(&chunks, None, |chunk| {
            let mut buffer = Vec::new();
            let mut hits = Vec::new();
            for path in *chunk {
                if read_into(path, &mut buffer) && filter.may_define(&buffer) {
                    hits.push((path, String::from_utf8(buffer.clone())));
                }
            }
            hits
        });
        let mut found: HashMap<GroupKind, KindDefinitions> = HashMap::new();
        for (path, text) in hits.into_iter().flatten() {
            let name = path.to_string_lossy();
            if self.is_outside_project(path) {
                let span = Span::new(sources.add(name, ""), 0, 0);
                let finding = Finding::error(RuleId::FileOutsideProject, span, OUTSIDE);
                if let Some(kind) = kinds.first() {
                    found.entry(kind.group_kind()).or_default().findings.push(finding);
                }
                continue;
            }
            let Ok(text) = text else { continue };
            let file = sources.add(name, text);
            let Some(source) = sources.get(file) else { continue };
            let loaded =
                yaml::load_some(&source.text, file, Dialect::Kubectl, &|part| filter.may_define(part.as_bytes()));
            let mut findings = loaded.findings;
            findings.retain(|finding| finding.severity == Severity::Error);
            let documents = loaded.documents.into_iter().flat_map(definitions_in);
            for document in documents {
                let spec = &document["spec"];
                let key = (spec["group"].text().to_owned(), spec.at(&["names", "kind"]).text().to_owned());
                if kinds.iter().any(|kind| kind.group_kind() == key) {
                    found.entry(key).or_default().definitions.push(document);
                }
            }
            if let (Some(kind), false) = (kinds.first(), findings.is_empty()) {
                found.entry(kind.group_kind()).or_default().findings.append(&mut findings);
            }
        }
        found
    }

    /// Whether a file is reached through a symbolic link that leaves the project.
    fn is_outside_project(&self, path: &Path) -> bool {
        let paths = self.crds.iter().chain(&self.schemas);
        paths.into_iter().find(|crds| path.starts_with(&crds.path)).is_some_and(|crds| crds.is_outside(path))
    }

    /// Reads the published schemas of a kind, for the versions of the objects.
    fn read_published(&self, sources: &Sources, kind: &NeededKind<'_>, of_kind: &mut KindDefinitions) {
        if !kind.is_safe_in_path() {
            return;
        }
        for version in &kind.versions {
            let name = format!("{}_{version}.json", kind.kind.to_lowercase());
            let schema = self.schemas.iter().find_map(|schemas| {
                let path = schemas.path.join(kind.group).join(&name);
                let text = source::read_file(&path).ok().filter(|_| !schemas.is_outside(&path))?;
                let file = sources.add(path.to_string_lossy(), text);
                Some(yaml::load(sources, file, Dialect::Kubectl))
            });
            let Some(mut loaded) = schema else { continue };
            loaded.findings.retain(|finding| finding.severity == Severity::Error);
            of_kind.findings.append(&mut loaded.findings);
            if let Some(mut schema) = loaded.documents.into_iter().next() {
                preserve_unknown_fields(&mut schema);
                of_kind.schemas.push(Published {
                    group: kind.group.to_owned(),
                    version: (*version).to_owned(),
                    kind: kind.kind.to_owned(),
                    schema,
                });
            }
        }
    }
}

const OUTSIDE: &str = "`crds` names a file outside the project";

impl DefinitionPath {
    fn is_outside(&self, path: &Path) -> bool {
        let Some(within) = &self.within else { return false };
        !path.canonicalize().is_ok_and(|real| real.starts_with(within))
    }
}

/// A kind whose definition objects need.
struct NeededKind<'n> {
    group: &'n str,
    kind: &'n str,
    /// The versions of the objects, sorted.
    versions: Vec<&'n str>,
}

impl NeededKind<'_> {
    fn group_kind(&self) -> GroupKind {
        (self.group.to_owned(), self.kind.to_owned())
    }

    /// Whether group, kind and versions, which come from a manifest, are safe as segments of a file path.
    fn is_safe_in_path(&self) -> bool {
        let word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let domain = |text: &str| text.split('.').all(|part| part.split('-').all(word));
        domain(self.group) && word(self.kind) && self.versions.iter().all(|version| word(version))
    }
}

/// The kinds of the objects that are not built into Kubernetes and that nothing among `known` defines, sorted.
fn undefined_kinds<'n>(
    objects: impl Iterator<Item = &'n Node>,
    known: impl Iterator<Item = &'n Node>,
) -> Vec<NeededKind<'n>> {
    let mut ids: Vec<(&str, &str, &str)> = Vec::new();
    let mut seen = HashSet::new();
    for object in objects {
        let (api_version, kind) = (object["apiVersion"].text(), object["kind"].text());
        if let Some((group, version)) = api_version.rsplit_once('/')
            && seen.insert((api_version, kind))
            && kinds::is_foreign(api_version, kind)
        {
            ids.push((group, kind, version));
        }
    }
    if ids.is_empty() {
        return Vec::new();
    }
    let defined: HashSet<(&str, &str)> = known
        .filter(|node| node["kind"].text() == DEFINITION_KIND)
        .map(|node| (node["spec"]["group"].text(), node.at(&["spec", "names", "kind"]).text()))
        .collect();
    ids.retain(|(group, kind, _)| !defined.contains(&(*group, *kind)));
    ids.sort_unstable();
    let same = |a: &(&str, &str, &str), b: &(&str, &str, &str)| (a.0, a.1) == (b.0, b.1);
    ids.chunk_by(same)
        .map(|ids| NeededKind { group: ids[0].0, kind: ids[0].1, versions: ids.iter().map(|id| id.2).collect() })
        .collect()
}

/// Finds inputs that may define one of some kinds, without parsing them.
struct DefinitionFilter<'n> {
    groups: HashSet<&'n [u8]>,
    kinds: HashSet<&'n [u8]>,
    definition: Finder<'static>,
    group: Finder<'static>,
    kind: Finder<'static>,
}

impl<'n> DefinitionFilter<'n> {
    fn new(needed: &[&NeededKind<'n>]) -> Self {
        Self {
            groups: needed.iter().map(|kind| kind.group.as_bytes()).collect(),
            kinds: needed.iter().map(|kind| kind.kind.as_bytes()).collect(),
            definition: Finder::new(DEFINITION_KIND),
            group: Finder::new("group"),
            kind: Finder::new("kind"),
        }
    }

    /// Whether the input contains `CustomResourceDefinition`, a needed group and a needed kind.
    fn may_define(&self, text: &[u8]) -> bool {
        self.definition.find(text).is_some()
            && has_value(text, &self.group, &self.groups)
            && has_value(text, &self.kind, &self.kinds)
    }
}

/// Whether a key has one of the values: `key: value`, `"key": "value"`.
fn has_value(text: &[u8], key: &Finder<'_>, values: &HashSet<&[u8]>) -> bool {
    let is_filler = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'"' | b'\'');
    key.find_iter(text).any(|at| {
        let after = &text[at + key.needle().len()..];
        let colon = after.iter().take_while(is_filler).count();
        if after.get(colon) != Some(&b':') {
            return false;
        }
        let value = &after[colon + 1..];
        let value = &value[value.iter().take_while(is_filler).count()..];
        let is_value_byte = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        values.contains(&value[..value.iter().take_while(is_value_byte).count()])
    })
}

/// Replaces the contents of a buffer with those of a file. Returns whether the file could be read.
fn read_into(path: &Path, buffer: &mut Vec<u8>) -> bool {
    buffer.clear();
    let Ok(file) = File::open(path) else { return false };
    file.take(MAX_BYTES).read_to_end(buffer).is_ok()
}

/// Sets `x-kubernetes-preserve-unknown-fields` in a JSON Schema wherever `additionalProperties` is absent: by default, JSON
/// Schema allows unknown fields, while the schema of a CustomResourceDefinition prunes them.
fn preserve_unknown_fields(schema: &mut Node) {
    let Value::Mapping(mapping) = &mut schema.value else { return };
    for entry in mapping.iter_mut() {
        match entry.key.as_str() {
            "properties" => {
                let Value::Mapping(fields) = &mut entry.value.value else { continue };
                fields.iter_mut().for_each(|field| preserve_unknown_fields(&mut field.value));
            }
            "items" | "additionalProperties" | "not" => preserve_unknown_fields(&mut entry.value),
            "allOf" | "anyOf" | "oneOf" => {
                let Value::Sequence(parts) = &mut entry.value.value else { continue };
                parts.make_mut().iter_mut().for_each(preserve_unknown_fields);
            }
            _ => {}
        }
    }
    if mapping.get("additionalProperties").is_none() {
        mapping.set("x-kubernetes-preserve-unknown-fields", Node::new(true, Span::NONE));
    }
}

/// The definitions in a document, which is a definition itself or a list.
fn definitions_in(document: Node) -> Vec<Node> {
    let is_definition = |node: &Node| node["kind"].text() == DEFINITION_KIND;
    if is_definition(&document) {
        return vec![document];
    }
    document["items"].items().iter().filter(|item| is_definition(item)).cloned().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn crd(group: &str, kind: &str) -> String {
        format!(
            "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: x}}\nspec:\n  group: \
             {group}\n  names:\n    kind: {kind}\n  versions: []\n"
        )
    }

    fn object(api_version: &str, kind: &str) -> Node {
        let text = format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a}}\n");
        yaml::load_text(&text, crate::source::FileId(0), Dialect::Kubectl).documents.remove(0)
    }

    #[test]
    fn only_needed_definitions_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("a.yaml", &(crd("x.io", "One") + &crd("x.io", "Two") + "---\n{ no: yaml\n"));
        write("sub/b.json", &crd("\"y.io\"", "'One'"));
        write(
            "list.yaml",
            "kind: List\nitems:\n- {kind: CustomResourceDefinition, spec: {group: z.io, names: {kind: One}}}\n",
        );
        write("bytes.yaml", "CustomResourceDefinition");
        let mut definitions = Definitions::default();
        definitions.add_crds(folder.path(), None).unwrap();
        let sources = Sources::new();
        let found = |objects: &[Node], known: &[Node]| {
            let found = definitions.of(&sources, objects, known);
            assert_eq!(found.findings, []);
            let name = |node: &Node| {
                format!("{}.{}", node.at(&["spec", "names", "kind"]).text(), node["spec"]["group"].text())
            };
            found.definitions.iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(found(&[object("v1", "Pod"), object("apps/v1", "Deployment")], &[]), [""; 0]);
        assert!(definitions.files.get().is_none(), "nothing needs them");
        assert_eq!(found(&[object("x.io/v1", "One"), object("x.io/v2", "One")], &[]), ["One.x.io"]);
        assert_eq!(sources.get(crate::source::FileId(0)).unwrap().name, folder.path().join("a.yaml").to_string_lossy());
        assert!(sources.get(crate::source::FileId(1)).is_none());
        let all =
            [object("y.io/v1", "One"), object("x.io/v1", "Two"), object("z.io/v1", "One"), object("z.io/v1", "No")];
        assert_eq!(found(&all, &[]), ["Two.x.io", "One.y.io", "One.z.io"]);
        let known = yaml::load_text(&crd("y.io", "One"), crate::source::FileId(0), Dialect::Kubectl).documents;
        assert_eq!(found(&all[..1], &known), [""; 0]);
        assert!(definitions.add_crds(Path::new("/none/at/all"), None).is_err());
    }

    #[test]
    fn a_needed_definition_that_cannot_be_read_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yaml"), crd("x.io", "One") + "  broken: {\n").unwrap();
        let mut definitions = Definitions::default();
        definitions.add_crds(folder.path(), None).unwrap();
        let found = |kind: &str| definitions.of(&Sources::new(), &[object("x.io/v1", kind)], &[]).findings.len();
        assert_eq!((found("One"), found("Two")), (1, 0));
    }

    #[test]
    fn published_schemas_are_found_by_path() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("x.io")).unwrap();
        fs::write(folder.path().join("x.io/one_v1.json"), r#"{"type": "object"}"#).unwrap();
        fs::write(folder.path().join("secret_v1.json"), "{}").unwrap();
        let mut definitions = Definitions::default();
        definitions.add_schemas(folder.path(), None).unwrap();
        let found = |api_version: &str, kind: &str| {
            definitions.of(&Sources::new(), &[object(api_version, kind)], &[]).schemas.len()
        };
        assert_eq!([found("x.io/v1", "One"), found("x.io/v2", "One"), found("y.io/v1", "One")], [1, 0, 0]);
        assert_eq!(found("\"x.io/../v1\"", "Secret"), 0);
        assert_eq!(found("x.io/v1", "../Secret"), 0);
        assert!(definitions.add_schemas(&folder.path().join("secret_v1.json"), None).is_err());
    }
}
