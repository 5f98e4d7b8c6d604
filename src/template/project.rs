//! Functions that depend on the project or on the rest of the bundle: migrations and checksums of ConfigMaps.
//!
//! The engine's objects cannot borrow, so a function that needs files leaves a request and fails; the caller reads the
//! files and evaluates the expression again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ecow::{EcoString, EcoVec};
use foldhash::HashMap;
use minijinja::value::{Object, ObjectRepr};
use minijinja::{Error, ErrorKind, State, Value};

use crate::bundle;
use crate::finding::{Finding, RuleId, Severity};
use crate::migrations::{self, Migration, SqlFile};
use crate::node::{Entry, Mapping, Node, Origin, TextPart};
use crate::project::{AccessError, Project};
use crate::source::{FileId, Sources, Span};
use crate::suggest;
use crate::template::functions::{argument, fault, tree};
use crate::template::scan::{Token, tokenize};
use crate::template::value::note_tree;

/// Which files a function reads, and what runs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum FileOwner {
    /// SQL files under `templates/`, run by the bundle's own script.
    Own,
    /// A team's SQL files in a folder that the profile names, run by the bundle's own script.
    Team,
    /// A team's files for a migration tool.
    Tool,
}

/// A folder of files that an expression needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct FolderRequest {
    pub(super) files: FileOwner,
    pub(super) folder: EcoString,
}

/// A folder of SQL files, read and parsed.
#[derive(Debug)]
struct SqlFolder {
    files: Vec<FileId>,
    texts: Vec<usize>,
    migrations: Vec<Migration>,
    problems: Vec<Finding>,
}

/// The folders read so far, shared by all profiles of a run.
#[derive(Debug, Default)]
pub(super) struct SqlFolders {
    known: Mutex<HashMap<FolderRequest, Arc<Result<SqlFolder, Finding>>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SqlFolders {
    /// Reads a folder unless it is already known.
    pub(super) fn read(&self, request: &FolderRequest, project: &Project, sources: &Sources, profile: &str) {
        if lock(&self.known).contains_key(request) {
            return;
        }
        let folder = read(request, project, sources, profile).map_err(|error| error.finding(Span::NONE));
        lock(&self.known).insert(request.clone(), Arc::new(folder));
    }

    /// The files of the folders read so far: all below `templates/`, and those of team folders that are `wanted`.
    pub(super) fn files(&self, wanted: impl Fn(&str) -> bool) -> Vec<FileId> {
        let known = lock(&self.known);
        let folders = known.iter().filter(|(request, _)| request.files == FileOwner::Own || wanted(&request.folder));
        folders
            .filter_map(|(_, folder)| folder.as_ref().as_ref().ok())
            .flat_map(|folder| &folder.files)
            .copied()
            .collect()
    }
}

/// Whether one of the values is the name of the folder.
pub(super) fn names_folder(values: &Node, folder: &str) -> bool {
    values.as_str() == Some(folder)
        || values.items().iter().any(|item| names_folder(item, folder))
        || values.entries().iter().any(|entry| names_folder(&entry.value, folder))
}

fn read(
    request: &FolderRequest,
    project: &Project,
    sources: &Sources,
    profile: &str,
) -> Result<SqlFolder, AccessError> {
    let files: Vec<(String, FileId)> = if request.files == FileOwner::Own {
        let folder = format!("templates/{}", request.folder);
        let paths = project.list(&folder, ".sql")?;
        let read = |path: String| {
            let name = path.rsplit('/').next().unwrap_or_default().to_owned();
            Ok((name, project.read(sources, &path)?))
        };
        paths.into_iter().map(read).collect::<Result<_, AccessError>>()?
    } else {
        let beside = format!("profiles/{profile}.yaml");
        let ending = if request.files == FileOwner::Tool { "" } else { ".sql" };
        let listed = project.read_folder_beside(sources, &beside, &request.folder, ending)?;
        listed.into_iter().map(|listed| (listed.name, listed.file)).collect()
    };
    let texts: Vec<Arc<str>> = files
        .iter()
        .map(|(_, file)| sources.get(*file).map_or_else(|| "".into(), |source| source.text.clone()))
        .collect();
    let given: Vec<SqlFile<'_>> = files.iter().zip(&texts).map(|((name, _), text)| SqlFile { name, text }).collect();
    let (migrations, problems) = match request.files {
        FileOwner::Own | FileOwner::Team => migrations::read(&given),
        FileOwner::Tool => migrations::read_verbatim(&given),
    };
    let ids: Vec<FileId> = files.iter().map(|(_, file)| *file).collect();
    Ok(SqlFolder {
        texts: texts.iter().map(|text| text.len()).collect(),
        migrations,
        problems: problems.iter().map(|problem| problem.finding(&ids)).collect(),
        files: ids,
    })
}

/// Whether an expression calls `sql` with this folder below `templates/`, or with a computed one.
pub(super) fn calls_sql(source: &str, folder: &str) -> bool {
    let words = tokenize(source);
    words.windows(3).any(|three| match [three[0].token, three[1].token, three[2].token] {
        [Token::Ident("sql"), Token::Sign("("), Token::Str(named)] => {
            let below = folder.strip_prefix(named.trim_end_matches('/'));
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
        [Token::Ident("sql"), Token::Sign("("), _] => true,
        _ => false,
    })
}

/// What the functions of one bundle pass to the caller of the evaluation.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    request: Mutex<Option<FolderRequest>>,
    findings: Mutex<Vec<Finding>>,
}

impl Exchange {
    /// The folder that the failed evaluation needs, if any.
    pub(super) fn requested(&self) -> Option<FolderRequest> {
        lock(&self.request).take()
    }

    /// Findings about the files.
    pub(super) fn findings(&self) -> Vec<Finding> {
        std::mem::take(&mut *lock(&self.findings))
    }
}

/// The maximum size in bytes of the SQL in one ConfigMap. A ConfigMap can hold 1 MiB, but `kubectl apply` keeps a copy
/// in an annotation, which can hold 256 KiB.
const PART_BYTES: usize = 200 << 10;

/// `sql(folder, tables)`, `team_sql(folder, tables)` and `team_files(folder)`: migrations as the data of ConfigMaps.
#[derive(Debug)]
pub(super) struct SqlFunctions {
    pub(super) files: FileOwner,
    pub(super) folders: Arc<SqlFolders>,
    pub(super) exchange: Arc<Exchange>,
}

impl Object for SqlFunctions {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (folder, tables) = match (self.files, args) {
            (FileOwner::Own | FileOwner::Team, [folder, tables]) => (folder, argument(tables)?),
            (FileOwner::Own | FileOwner::Team, _) => return Err(fault("expected a folder and a list of tables")),
            (FileOwner::Tool, [folder]) => (folder, Node::default()),
            (FileOwner::Tool, _) => return Err(fault("expected a folder")),
        };
        let folder = folder.as_str().ok_or_else(|| fault("the folder must be a string"))?;
        let request = FolderRequest { files: self.files, folder: folder.into() };
        let known = lock(&self.folders.known).get(&request).cloned();
        let Some(known) = known else {
            *lock(&self.exchange.request) = Some(request);
            return Err(fault("the files are not loaded yet"));
        };
        match &*known {
            Ok(folder) => self.parts(folder, &request.folder, &tables),
            Err(finding) => self.fail([finding.clone()]),
        }
    }
}

impl SqlFunctions {
    fn fail(&self, findings: impl IntoIterator<Item = Finding>) -> Result<Value, Error> {
        lock(&self.exchange.findings).extend(findings);
        Err(fault("invalid migrations"))
    }

    fn parts(&self, folder: &SqlFolder, name: &str, tables: &Node) -> Result<Value, Error> {
        if folder.problems.iter().any(|problem| problem.severity == Severity::Error) {
            return self.fail(folder.problems.iter().cloned());
        }
        lock(&self.exchange.findings).extend(folder.problems.iter().cloned());
        let wanted: Vec<&str> = tables.items().iter().map(Node::text).collect();
        let missing = migrations::missing_tables(&folder.migrations, wanted.iter().copied());
        if !missing.is_empty() {
            let made: Vec<&str> =
                folder.migrations.iter().flat_map(|migration| &migration.tables).map(String::as_str).collect();
            return self.fail(missing.iter().map(|table| {
                let requested = tables.items().iter().find(|item| item.text() == *table);
                let span = requested.and_then(|item| item.origin.inputs().first()).map(|input| input.node.origin.span);
                let message = format!("no migration in `{name}` creates table `{table}`");
                let help = match suggest::nearest(table, made.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if made.is_empty() => "the migrations create no tables".to_owned(),
                    None => format!("the migrations create {}", suggest::list(&made, "and")),
                };
                Finding::error(RuleId::MigrationTableMissing, span.unwrap_or_default(), message).with_help(help)
            }));
        }
        if self.files == FileOwner::Tool && folder.migrations.is_empty() {
            let finding = Finding::error(RuleId::MigrationForm, Span::NONE, format!("no files in `{name}`"));
            return self.fail([finding.with_help("use the folder with the files that the migration tool reads")]);
        }
        // A team's folder is one history; the project's own files are selected by the tables they create.
        let all = folder.migrations.clone();
        let used = if self.files == FileOwner::Own { migrations::for_tables(all, &wanted) } else { all };
        let ordered = self.files != FileOwner::Tool;
        let parts = migrations::config_maps(&used, ordered, PART_BYTES).into_iter().map(|part| {
            part.into_iter().map(|(key, text)| Entry {
                value: sql_text(folder, &key, text),
                key: key.into(),
                key_span: Span::NONE,
            })
        });
        let parts = parts.enumerate().map(|(index, data)| {
            let data: Mapping = data.collect();
            let mut part = Mapping::new();
            part.push("index", Span::NONE, Node::new(index as i64 + 1, Span::NONE));
            part.push("data", Span::NONE, Node::new(data, Span::NONE));
            Node::new(part, Span::NONE)
        });
        Ok(tree(Node::new(parts.collect::<EcoVec<_>>(), Span::NONE)))
    }
}

/// The value of a key in a ConfigMap of migrations. The SQL of a migration has its file as origin.
fn sql_text(folder: &SqlFolder, key: &str, text: String) -> Node {
    let mut node = Node::new(text, Span::NONE);
    if let Some(migration) = folder.migrations.iter().find(|migration| migration.name == key) {
        let (file, length) = (folder.files[migration.file], folder.texts[migration.file]);
        let origin = Origin::at(Span::new(file, 0, length as u32));
        let part = TextPart { start: 0, end: node.text().len() as u32, origin };
        node.origin.derived_mut().text_parts = vec![part];
    }
    node
}

/// `content_name(name)`: the name of a ConfigMap or Secret with the hash of its content.
#[derive(Debug)]
pub(super) struct ContentName {
    /// The documents of the bundle that do not use such a name themselves.
    pub(super) documents: Arc<Vec<Node>>,
}

impl Object for ContentName {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let [name] = args else { return Err(fault("`content_name` expects the name of a ConfigMap or Secret")) };
        let name =
            name.as_str().ok_or_else(|| fault("`content_name` expects the name of a ConfigMap or Secret, a string"))?;
        match bundle::content_name(&self.documents, name) {
            Ok(name) => Ok(name.as_str().into()),
            Err(message) => Err(Error::new(ErrorKind::InvalidOperation, message)),
        }
    }
}

/// `checksum(name)`: the hash of a ConfigMap's data, for an annotation that changes with it.
#[derive(Debug)]
pub(super) struct Checksum {
    /// The documents of the bundle that do not use a checksum themselves.
    pub(super) documents: Arc<Vec<Node>>,
}

impl Object for Checksum {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let [name] = args else { return Err(fault("`checksum` expects the name of a ConfigMap")) };
        let name = name.as_str().ok_or_else(|| fault("`checksum` expects the name of a ConfigMap, a string"))?;
        let maps = || self.documents.iter().filter(|document| document["kind"].text() == "ConfigMap");
        let called = |document: &Node| document.at(&["metadata", "name"]).text().to_owned();
        let mut found = maps().filter(|document| called(document) == name);
        match (found.next(), found.next()) {
            (Some(document), None) => {
                let mut content = Mapping::new();
                for key in ["data", "binaryData"] {
                    content.push(key, Span::NONE, document[key].clone());
                }
                let content = Node::new(content, Span::NONE);
                let digest = bundle::checksum(&content);
                // The inputs of the ConfigMap are inputs of its checksum.
                note_tree(content);
                Ok(digest.into())
            }
            (Some(_), Some(_)) => Err(fault(format!("more than one ConfigMap is named `{name}`"))),
            (None, _) => {
                let names: Vec<String> = maps().map(called).collect();
                let near = suggest::nearest(name, names.iter().map(String::as_str));
                let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                let message = format!("ConfigMap `{name}` not found{hint}");
                Err(Error::new(ErrorKind::InvalidOperation, message))
            }
        }
    }
}
