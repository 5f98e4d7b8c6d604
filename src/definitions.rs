//! Definitions of custom resources in files: found by group and kind, and read when an object first needs them.
//!
//! Two layouts are known: files with CustomResourceDefinitions, one or many a file, in any folders; and the folders of
//! published schemas, `<group>/<kind>_<version>.json`, whose files are JSON Schemas made from such definitions. A file of the
//! first layout is searched for the words that a definition has before any of it is parsed, and only the documents
//! that have them are.

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

/// The endings of files that may hold definitions.
const ENDINGS: &[&str] = &["yaml", "yml", "json"];

/// How many files one thread searches before it takes others.
const SHARE: usize = 8;

/// What a definition says of itself.
const DEFINITION: &str = "CustomResourceDefinition";

/// Where definitions are looked for. Nothing is read before an object needs it.
#[derive(Debug, Default)]
pub struct Definitions {
    crds: Vec<Place>,
    schemas: Vec<Place>,
    /// The files of `crds`.
    files: OnceLock<Vec<PathBuf>>,
    /// What was found.
    read: Mutex<HashMap<Key, Arc<Read>>>,
}

/// A group, a kind, and the versions of which schemas were looked for.
type Key = (String, String, String);

/// A file or folder.
#[derive(Debug, Clone)]
struct Place {
    path: PathBuf,
    /// The folder that what is read must lie in, links followed.
    within: Option<PathBuf>,
}

/// A group and a kind.
type GroupKind = (String, String);

/// What the files have of one kind.
#[derive(Debug, Default)]
struct Read {
    definitions: Vec<Node>,
    schemas: Vec<Published>,
    findings: Vec<Finding>,
}

/// The definitions that some objects need and do not hold themselves.
#[derive(Debug, Default)]
pub struct Found {
    /// CustomResourceDefinitions.
    pub definitions: Vec<Node>,
    /// Published schemas of kinds of which there is no CustomResourceDefinition.
    pub schemas: Vec<Published>,
    /// What is wrong with the files: a definition that cannot be read.
    pub findings: Vec<Finding>,
}

impl Definitions {
    /// Where custom resources are defined: where these files and folders say, then where the project's settings do.
    ///
    /// # Errors
    /// Where there is no such file or folder, or it is outside the project that names it.
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

    /// Adds a file or folder with CustomResourceDefinitions. Of two definitions of a kind, that of the place added first counts.
    ///
    /// # Errors
    /// Where there is no such file or folder.
    pub fn add_crds(&mut self, path: &Path, within: Option<&Path>) -> io::Result<()> {
        fs::metadata(path)?;
        self.crds.push(Place { path: path.to_owned(), within: within.map(Path::to_owned) });
        Ok(())
    }

    /// Adds a folder of published schemas.
    ///
    /// # Errors
    /// Where it is no folder.
    pub fn add_schemas(&mut self, path: &Path, within: Option<&Path>) -> io::Result<()> {
        if !fs::metadata(path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        self.schemas.push(Place { path: path.to_owned(), within: within.map(Path::to_owned) });
        Ok(())
    }

    /// Whether there is nowhere to look.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.crds.is_empty() && self.schemas.is_empty()
    }

    /// The definitions that objects need and that are neither among them nor among `known`.
    #[must_use]
    pub fn of<'n>(
        &self,
        sources: &Sources,
        objects: impl IntoIterator<Item = &'n Node, IntoIter: Clone>,
        known: &'n [Node],
    ) -> Found {
        let mut found = Found::default();
        if self.is_empty() {
            return found;
        }
        let objects = objects.into_iter();
        let wanted = wanted(objects.clone(), objects.chain(known));
        if wanted.is_empty() {
            return found;
        }
        for read in self.read(sources, &wanted) {
            found.definitions.extend(read.definitions.iter().cloned());
            found.schemas.extend(read.schemas.iter().cloned());
            found.findings.extend(read.findings.iter().cloned());
        }
        found
    }

    /// What the files have of each of some kinds, in the order of the kinds.
    fn read(&self, sources: &Sources, wanted: &[Wanted<'_>]) -> Vec<Arc<Read>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let versions = |wanted: &Wanted<'_>| match self.schemas.as_slice() {
            [] => String::new(),
            _ => wanted.versions.join(" "),
        };
        let key = |wanted: &Wanted<'_>| (wanted.group.to_owned(), wanted.kind.to_owned(), versions(wanted));
        let new: Vec<&Wanted<'_>> = wanted.iter().filter(|wanted| !read.contains_key(&key(wanted))).collect();
        if !new.is_empty() {
            let mut crds = self.search(sources, &new);
            for wanted in new {
                let mut of_kind = crds.remove(&id(wanted)).unwrap_or_default();
                if of_kind.definitions.is_empty() {
                    self.published(sources, wanted, &mut of_kind);
                }
                read.insert(key(wanted), Arc::new(of_kind));
            }
        }
        wanted.iter().filter_map(|wanted| read.get(&key(wanted)).cloned()).collect()
    }

    /// The files of all places with definitions, each place's in the order of their names.
    fn files(&self) -> &[PathBuf] {
        self.files.get_or_init(|| {
            let files = |place: &Place| {
                if place.path.is_dir() {
                    globs::walk(&place.path, ENDINGS, &[]).map(|found| found.files).unwrap_or_default()
                } else {
                    vec![place.path.clone()]
                }
            };
            self.crds.iter().flat_map(files).collect()
        })
    }

    /// The definitions of some kinds. The files are searched on all cores, and read in the order of their names.
    fn search(&self, sources: &Sources, wanted: &[&Wanted<'_>]) -> HashMap<GroupKind, Read> {
        let words = Words::of(wanted);
        let shares: Vec<&[PathBuf]> = self.files().chunks(SHARE).collect();
        let hits = in_parallel(&shares, None, |share| {
            let mut buffer = Vec::new();
            let mut hits = Vec::new();
            for path in *share {
                if read_into(path, &mut buffer) && words.may_define(&buffer) {
                    hits.push((path, String::from_utf8(buffer.clone())));
                }
            }
            hits
        });
        let mut found: HashMap<GroupKind, Read> = HashMap::new();
        for (path, text) in hits.into_iter().flatten() {
            let name = path.to_string_lossy();
            if let Some(refused) = self.refused(path) {
                let finding = Finding::error(refused, Span::new(sources.add(name, ""), 0, 0), OUTSIDE);
                if let Some(wanted) = wanted.first() {
                    found.entry(id(wanted)).or_default().findings.push(finding);
                }
                continue;
            }
            let Ok(text) = text else { continue };
            let file = sources.add(name, text);
            let Some(source) = sources.get(file) else { continue };
            let loaded =
                yaml::load_some(&source.text, file, Dialect::Kubectl, &|part| words.may_define(part.as_bytes()));
            let mut findings = loaded.findings;
            findings.retain(|finding| finding.severity == Severity::Error);
            let documents = loaded.documents.into_iter().flat_map(unpacked);
            for document in documents {
                let spec = &document["spec"];
                let key = (spec["group"].text().to_owned(), spec.at(&["names", "kind"]).text().to_owned());
                if wanted.iter().any(|wanted| id(wanted) == key) {
                    found.entry(key).or_default().definitions.push(document);
                }
            }
            if let (Some(wanted), false) = (wanted.first(), findings.is_empty()) {
                found.entry(id(wanted)).or_default().findings.append(&mut findings);
            }
        }
        found
    }

    /// Why a file of a project is not read: a link leads out of the project.
    fn refused(&self, path: &Path) -> Option<RuleId> {
        let place = self.crds.iter().chain(&self.schemas).find(|place| path.starts_with(&place.path))?;
        place.leads_out(path).then_some(RuleId::FileOutsideProject)
    }

    /// The published schemas of a kind, in the versions that the objects have.
    fn published(&self, sources: &Sources, wanted: &Wanted<'_>, read: &mut Read) {
        if !wanted.is_named_safely() {
            return;
        }
        for version in &wanted.versions {
            let name = format!("{}_{version}.json", wanted.kind.to_lowercase());
            let schema = self.schemas.iter().find_map(|place| {
                let path = place.path.join(wanted.group).join(&name);
                let text = source::read_file(&path).ok().filter(|_| !place.leads_out(&path))?;
                let file = sources.add(path.to_string_lossy(), text);
                Some(yaml::load(sources, file, Dialect::Kubectl))
            });
            let Some(mut loaded) = schema else { continue };
            loaded.findings.retain(|finding| finding.severity == Severity::Error);
            read.findings.append(&mut loaded.findings);
            if let Some(mut schema) = loaded.documents.into_iter().next() {
                open(&mut schema);
                read.schemas.push(Published {
                    group: wanted.group.to_owned(),
                    version: (*version).to_owned(),
                    kind: wanted.kind.to_owned(),
                    schema,
                });
            }
        }
    }
}

const OUTSIDE: &str = "`crds` names a file outside the project";

impl Place {
    fn leads_out(&self, path: &Path) -> bool {
        let Some(within) = &self.within else { return false };
        !path.canonicalize().is_ok_and(|real| real.starts_with(within))
    }
}

/// A kind that objects are of.
struct Wanted<'n> {
    group: &'n str,
    kind: &'n str,
    /// The versions they have, sorted.
    versions: Vec<&'n str>,
}

fn id(wanted: &Wanted<'_>) -> GroupKind {
    (wanted.group.to_owned(), wanted.kind.to_owned())
}

impl Wanted<'_> {
    /// Whether its names can be parts of a path: a manifest may say anything.
    fn is_named_safely(&self) -> bool {
        let word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let domain = |text: &str| text.split('.').all(|part| part.split('-').all(word));
        domain(self.group) && word(self.kind) && self.versions.iter().all(|version| word(version))
    }
}

/// The kinds of foreign groups that objects are of and nothing among `known` defines, sorted.
fn wanted<'n>(objects: impl Iterator<Item = &'n Node>, known: impl Iterator<Item = &'n Node>) -> Vec<Wanted<'n>> {
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
        .filter(|node| node["kind"].text() == DEFINITION)
        .map(|node| (node["spec"]["group"].text(), node.at(&["spec", "names", "kind"]).text()))
        .collect();
    ids.retain(|(group, kind, _)| !defined.contains(&(*group, *kind)));
    ids.sort_unstable();
    let same = |a: &(&str, &str, &str), b: &(&str, &str, &str)| (a.0, a.1) == (b.0, b.1);
    ids.chunk_by(same)
        .map(|ids| Wanted { group: ids[0].0, kind: ids[0].1, versions: ids.iter().map(|id| id.2).collect() })
        .collect()
}

/// The words that a definition of one of some kinds has.
struct Words<'n> {
    groups: HashSet<&'n [u8]>,
    kinds: HashSet<&'n [u8]>,
    definition: Finder<'static>,
    group: Finder<'static>,
    kind: Finder<'static>,
}

impl<'n> Words<'n> {
    fn of(wanted: &[&Wanted<'n>]) -> Self {
        Self {
            groups: wanted.iter().map(|wanted| wanted.group.as_bytes()).collect(),
            kinds: wanted.iter().map(|wanted| wanted.kind.as_bytes()).collect(),
            definition: Finder::new(DEFINITION),
            group: Finder::new("group"),
            kind: Finder::new("kind"),
        }
    }

    /// Whether a text has a definition, a group that is wanted and a kind that is.
    fn may_define(&self, text: &[u8]) -> bool {
        self.definition.find(text).is_some()
            && has_value(text, &self.group, &self.groups)
            && has_value(text, &self.kind, &self.kinds)
    }
}

/// Whether one of some words stands behind a key: `key: word`, `"key": "word"`.
fn has_value(text: &[u8], key: &Finder<'_>, words: &HashSet<&[u8]>) -> bool {
    let is_filler = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'"' | b'\'');
    key.find_iter(text).any(|at| {
        let after = &text[at + key.needle().len()..];
        let colon = after.iter().take_while(is_filler).count();
        if after.get(colon) != Some(&b':') {
            return false;
        }
        let value = &after[colon + 1..];
        let value = &value[value.iter().take_while(is_filler).count()..];
        let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        words.contains(&value[..value.iter().take_while(is_word).count()])
    })
}

/// Reads a file into a buffer that others were read into before; whether it could be read.
fn read_into(path: &Path, buffer: &mut Vec<u8>) -> bool {
    buffer.clear();
    let Ok(file) = File::open(path) else { return false };
    file.take(MAX_BYTES).read_to_end(buffer).is_ok()
}

/// Says in a JSON Schema what a definition says where it takes unknown fields: that they are preserved. There they are where
/// nothing is said, here where `additionalProperties` is false.
fn open(schema: &mut Node) {
    let Value::Mapping(mapping) = &mut schema.value else { return };
    for entry in mapping.iter_mut() {
        match entry.key.as_str() {
            "properties" => {
                let Value::Mapping(fields) = &mut entry.value.value else { continue };
                fields.iter_mut().for_each(|field| open(&mut field.value));
            }
            "items" | "additionalProperties" | "not" => open(&mut entry.value),
            "allOf" | "anyOf" | "oneOf" => {
                let Value::Sequence(parts) = &mut entry.value.value else { continue };
                parts.make_mut().iter_mut().for_each(open);
            }
            _ => {}
        }
    }
    if mapping.get("additionalProperties").is_none() {
        mapping.set("x-kubernetes-preserve-unknown-fields", Node::new(true, Span::NONE));
    }
}

/// The definitions in a document: it is one, or a list of some.
fn unpacked(document: Node) -> Vec<Node> {
    let is_definition = |node: &Node| node["kind"].text() == DEFINITION;
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
    fn only_what_objects_need_is_read() {
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
    fn a_definition_that_is_needed_and_cannot_be_read_is_reported() {
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
