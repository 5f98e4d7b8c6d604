//! Templates: YAML files whose strings may contain expressions.
//!
//! A file is loaded once ([`crate::yaml::load`]), its scalars are split ([`scan`]), and its expressions are checked
//! against the profile's schema ([`names`]) and compiled ([`compile`]). For each profile the compiled tree is
//! instantiated ([`instantiate`]); each rendered node records its scalar and the profile values that its expression
//! read ([`value`]).

mod compile;
mod compiled;
mod expression;
mod files;
mod functions;
mod include;
mod instantiate;
mod names;
mod namespace;
mod project;
mod scan;
#[cfg(test)]
mod tests;
mod value;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use ecow::EcoString;
use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::finding::{Failure, Finding, RuleId};
use crate::node::Node;
use crate::patch::Patches;
use crate::project::{AccessError, Project, YAML};
use crate::source::{FileId, Sources, Span};
use crate::suggest;
use crate::yaml::{self, Dialect};

use compile::Compiler;
use compiled::CompiledDocument;
use expression::{Expression, Scope};
use files::ProjectFiles;
use instantiate::Instantiation;
use names::CachedFields;
use project::{Checksum, ContentName, Exchange, FileOwner, SqlFolders, SqlFunctions};
use value::Tree;

pub use files::NamedFiles;
pub use names::{AllowedFields, AnyField, ProfileFields};

/// The folder of the templates.
const FOLDER: &str = "templates/";

/// How a function of the template language is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// As a function: `name(...)`.
    Function,
    /// As a filter: `value | name`.
    Filter,
}

/// The names of functions or filters, with an example call of each.
pub fn usages(usage: Usage) -> impl Iterator<Item = (&'static str, &'static str)> {
    let kind = match usage {
        Usage::Function => functions::CallableKind::Function,
        Usage::Filter => functions::CallableKind::Filter,
    };
    functions::usages(kind)
}

/// All templates of a project, compiled; shared by all profiles and threads.
#[derive(Debug, Default)]
pub struct Templates {
    documents: Vec<CompiledDocument>,
    expressions: Vec<Expression>,
    files: Vec<FileId>,
    /// The paths of the files under `templates/`.
    paths: HashMap<FileId, String>,
    folders: Arc<SqlFolders>,
}

/// The input of an instantiation.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The merged values.
    pub values: &'a Node,
    /// The profile's name.
    pub profile: &'a str,
    /// The environment's name.
    pub environment: &'a str,
    /// The folders under `templates/` that the profile selects, as a list of strings; any other value selects all.
    pub folders: &'a Node,
}

/// The documents that templates produce for one profile.
#[derive(Debug)]
pub struct Instance {
    /// The documents, in the order of the templates, except that documents which depend on others come last.
    pub documents: Vec<Node>,
    /// Findings that are not errors.
    pub findings: Vec<Finding>,
    /// The profile fields that conditions and loops read, in addition to the inputs of values.
    pub decided: BTreeSet<EcoString>,
}

impl Templates {
    /// Compiles templates.
    ///
    /// `files` are the template files in rendering order; `named` reads the files that they refer to.
    ///
    /// # Errors
    /// All errors that do not depend on the profile: YAML syntax, expression syntax, unknown fields, unknown
    /// directives, files that cannot be read.
    pub fn compile(
        sources: &Sources,
        files: &[FileId],
        names: &dyn ProfileFields,
        named: &dyn NamedFiles,
    ) -> Result<Self, Vec<Finding>> {
        let mut compiler = Compiler {
            sources,
            names: CachedFields::new(names),
            files: named,
            text: Arc::from(""),
            locals: Vec::new(),
            expressions: Vec::new(),
            known: HashMap::new(),
            findings: Vec::new(),
            late: false,
            binary: false,
            partials: HashMap::new(),
            including: Vec::new(),
            includes: 0,
        };
        compiler.findings.extend(reserved_names(names));
        let mut documents = Vec::new();
        for file in files {
            let loaded = yaml::load(sources, *file, Dialect::Strict);
            compiler.findings.extend(loaded.findings);
            compiler.text = sources.get(*file).map_or_else(|| Arc::from(""), |source| source.text.clone());
            for document in &loaded.documents {
                documents.push(compiler.document(document));
            }
        }
        let Compiler { expressions, mut findings, .. } = compiler;
        // A partial that is included twice reports its errors twice.
        let mut known = HashSet::new();
        findings.retain(|finding| known.insert((finding.span, finding.message.clone())));
        if findings.is_empty() {
            Ok(Self { documents, expressions, files: files.to_vec(), paths: HashMap::new(), folders: Arc::default() })
        } else {
            Err(findings)
        }
    }

    /// Reads and compiles all templates of a project: the `.yaml` and `.yml` files below `templates/`.
    ///
    /// # Errors
    /// As [`Templates::compile`], and if a file cannot be read.
    pub fn load(project: &Project, sources: &Sources, names: &dyn ProfileFields) -> Result<Self, Failure> {
        let unable = |error: AccessError| error.failure();
        let mut paths = project.list("templates", "").map_err(unable)?;
        paths.retain(|path| YAML.iter().any(|ending| path.ends_with(ending)));
        paths.iter_mut().for_each(|path| _ = path.drain(..FOLDER.len()));
        paths.retain(|path| !include::is_partial(path));
        let read = |path: &String| project.read(sources, &format!("{FOLDER}{path}"));
        let files: Result<Vec<FileId>, AccessError> = paths.iter().map(read).collect();
        let files = files.map_err(unable)?;
        let named = ProjectFiles { project, sources, named: RefCell::default() };
        let mut templates = Self::compile(sources, &files, names, &named)?;
        templates.files.append(&mut named.named.into_inner());
        templates.paths = files.into_iter().zip(paths).collect();
        Ok(templates)
    }

    /// The template files, and the files that they refer to.
    #[must_use]
    pub fn files(&self) -> &[FileId] {
        &self.files
    }

    /// Whether an expression may read a file below `templates/` as SQL: a call of `sql` names its folder, or computes
    /// the folder.
    #[must_use]
    pub fn may_read_sql(&self, path: &str) -> bool {
        let Some((folder, _)) = path.strip_prefix("templates/").and_then(|path| path.rsplit_once('/')) else {
            return false;
        };
        path.ends_with(".sql")
            && self.expressions.iter().any(|expression| project::calls_sql(&expression.source, folder))
    }

    /// Whether an expression reads a team's own folders, which profiles name.
    #[must_use]
    pub fn reads_team_folders(&self) -> bool {
        self.expressions.iter().any(|expression| expression.source.contains("team_"))
    }

    /// The SQL files that a bundle with these values may use: those below `templates/`, and those in folders that a
    /// value names.
    #[must_use]
    pub fn sql_files(&self, merged: &Node) -> Vec<FileId> {
        self.folders.files(|folder| project::names_folder(merged, folder))
    }

    /// Instantiates the templates with a profile's merged values.
    ///
    /// # Errors
    /// Undefined values, type errors and exceeded limits, at the template's line with the profile's line as related.
    pub fn instantiate(
        &self,
        project: &Project,
        sources: &Sources,
        inputs: &Inputs<'_>,
        patches: &mut Patches<'_>,
    ) -> Result<Instance, Vec<Finding>> {
        let selected = self.selected_documents(inputs.folders)?;
        let node = instantiate::values(inputs.values, inputs.profile, inputs.environment);
        let values = Arc::new(Tree { node, profile: true });
        let exchange = Arc::new(Exchange::default());
        let sql = |files| {
            let sql = SqlFunctions { files, folders: self.folders.clone(), exchange: exchange.clone() };
            minijinja::Value::from_object(sql)
        };
        let functions = vec![
            ("sql", sql(FileOwner::Own)),
            ("team_files", sql(FileOwner::Tool)),
            ("team_sql", sql(FileOwner::Team)),
        ];
        let scope = Scope { values, locals: Vec::new(), functions };
        let read = |request: &_| self.folders.read(request, project, sources, inputs.profile);
        let mut run = Instantiation::new(&self.expressions, scope, &exchange, &read);
        let mut made = Vec::with_capacity(self.documents.len());
        let pass = |run: &mut Instantiation<'_>, late: bool, made: &mut Vec<Node>| {
            for document in self.documents.iter().filter(|document| document.late == late && selected(document)) {
                // Errors are collected in the findings; the other documents are still checked.
                let _ = run.document(&document.item, made);
            }
        };
        pass(&mut run, false, &mut made);
        // A checksum covers the patched content.
        patches.apply(&mut made);
        // After an error a ConfigMap may be missing, and its checksum would be a follow-up error.
        if !run.failed() && self.documents.iter().any(|document| document.late) {
            let documents = Arc::new(made);
            let checksum = minijinja::Value::from_object(Checksum { documents: documents.clone() });
            run.add_function((functions::CHECKSUM, checksum));
            let name = minijinja::Value::from_object(ContentName { documents: documents.clone() });
            run.add_function((functions::CONTENT_NAME, name));
            let mut late = Vec::new();
            pass(&mut run, true, &mut late);
            patches.apply(&mut late);
            drop(run.take_functions());
            made = Arc::unwrap_or_clone(documents);
            made.append(&mut late);
        }
        if run.failed() {
            return Err(run.findings);
        }
        Ok(Instance { documents: made, findings: run.findings, decided: run.decided })
    }

    /// A predicate for the documents that a profile selects: those directly in `templates/` and those in the selected
    /// folders.
    fn selected_documents(&self, folders: &Node) -> Result<impl Fn(&CompiledDocument) -> bool, Vec<Finding>> {
        let all = !matches!(folders.value, crate::node::Value::Sequence(_));
        let mut findings = Vec::new();
        for folder in folders.items() {
            let prefix = format!("{}/", folder.text());
            if !self.paths.values().any(|path| path.starts_with(&prefix)) {
                let known: BTreeSet<&str> =
                    self.paths.values().filter_map(|path| path.rsplit_once('/')).map(|(folder, _)| folder).collect();
                let message = format!("no templates in `{FOLDER}{}`", folder.text());
                let finding = Finding::error(RuleId::TemplateFolder, folder.origin.span, message);
                findings.push(match suggest::nearest(folder.text(), known.iter().copied()) {
                    Some(near) => finding.with_label(format!("did you mean `{near}`?")),
                    None if known.is_empty() => finding.with_help("no folder contains templates"),
                    None => finding.with_help(format!("available folders: {}", suggest::list(known, "and"))),
                });
            }
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        Ok(move |document: &CompiledDocument| {
            let path = self.paths.get(&document.file).map_or("", String::as_str);
            let chosen = |folder: &Node| path.strip_prefix(folder.text()).is_some_and(|rest| rest.starts_with('/'));
            all || !path.contains('/') || folders.items().iter().any(chosen)
        })
    }
}

/// Reports profile fields with the name of a built-in, one of which would hide the other.
fn reserved_names(names: &dyn ProfileFields) -> Vec<Finding> {
    let AllowedFields::Closed(fields) = names.fields(&[]) else { return Vec::new() };
    let reserved = |name: &str| {
        names::BUILT_IN.contains(&name) || functions::find(functions::CallableKind::Function, name).is_some()
    };
    let taken = fields.iter().filter(|name| reserved(name));
    let finding = |name| {
        let message = format!("the name of the profile field `{name}` is reserved in templates");
        Finding::error(RuleId::TemplateNameTaken, Span::NONE, message).with_help("rename the field")
    };
    taken.map(finding).collect()
}
