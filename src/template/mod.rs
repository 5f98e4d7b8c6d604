//! Templates: YAML files whose strings hold expressions.
//!
//! A file is read once ([`crate::yaml::load`]), its scalars split ([`scan`]), its expressions checked against the profile's
//! schema ([`names`]) and compiled ([`compile`]). For each profile the compiled tree is walked ([`instantiate`]); each
//! rendered node knows its scalar and the profile values its expression read ([`value`]).

mod compile;
mod expression;
mod functions;
mod instantiate;
mod names;
mod part;
mod project;
mod scan;
#[cfg(test)]
mod tests;
mod value;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Component, Path};
use std::sync::Arc;

use ecow::EcoString;
use foldhash::{HashMap, HashMapExt};

use crate::finding::{Failure, Finding, RuleId};
use crate::node::Node;
use crate::project::{AccessError, Project};
use crate::source::{FileId, Sources, Span};
use crate::yaml::{self, Dialect};

use compile::Compiler;
use expression::{Expression, Scope};
use instantiate::Run;
use names::Known;
use part::Document;
use project::{Checksum, Exchange, Files, Folders, Sql};
use value::Tree;

pub use names::{AnyName, Fields, Names};

/// All templates of a project, compiled; shared by all profiles and threads.
#[derive(Debug, Default)]
pub struct Templates {
    documents: Vec<Document>,
    expressions: Vec<Expression>,
    files: Vec<FileId>,
    folders: Arc<Folders>,
}

/// What the templates make of one profile's values.
#[derive(Debug)]
pub struct Instance {
    /// The documents, in the order of the templates; those that need the others come last.
    pub documents: Vec<Node>,
    /// What is worth knowing about them; none is an error.
    pub findings: Vec<Finding>,
    /// The profile fields that decided what there is, beside those that values were made from.
    pub decided: BTreeSet<EcoString>,
}

impl Templates {
    /// Compiles templates.
    ///
    /// `files` are the template files in the order their objects are to come; `read_file` reads a file for `$file` by
    /// its path under `templates/`.
    ///
    /// # Errors
    /// All that is wrong with the templates whatever the profile: YAML syntax, expression syntax, names that no profile
    /// can have, unknown directives, files that cannot be read.
    pub fn compile(
        sources: &Sources,
        files: &[FileId],
        names: &dyn Names,
        read_file: &dyn Fn(&str) -> Result<FileId, String>,
    ) -> Result<Self, Vec<Finding>> {
        let mut compiler = Compiler {
            sources,
            names: Known::new(names),
            read_file,
            text: Arc::from(""),
            locals: Vec::new(),
            expressions: Vec::new(),
            known: HashMap::new(),
            findings: Vec::new(),
            late: false,
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
        let Compiler { expressions, findings, .. } = compiler;
        if findings.is_empty() {
            Ok(Self { documents, expressions, files: files.to_vec(), folders: Arc::default() })
        } else {
            Err(findings)
        }
    }

    /// Reads and compiles all templates of a project: the `.yaml` files below `templates/`.
    ///
    /// # Errors
    /// As [`Templates::compile`], and where a file cannot be read.
    pub fn load(project: &Project, sources: &Sources, names: &dyn Names) -> Result<Self, Failure> {
        let unable = |error: AccessError| error.failure();
        let paths = project.list("templates", ".yaml").map_err(unable)?;
        let files: Result<Vec<FileId>, AccessError> = paths.iter().map(|path| project.read(sources, path)).collect();
        let files = files.map_err(unable)?;
        let named = RefCell::new(Vec::new());
        let read = |path: &str| {
            let file = read_below(project, sources, path)?;
            named.borrow_mut().push(file);
            Ok(file)
        };
        let mut templates = Self::compile(sources, &files, names, &read)?;
        templates.files.append(&mut named.into_inner());
        Ok(templates)
    }

    /// The template files, and those that `$file` names in them.
    #[must_use]
    pub fn files(&self) -> &[FileId] {
        &self.files
    }

    /// The SQL files that a bundle with these values may have used: those below `templates/`, and the team's own where a
    /// value names their folder.
    #[must_use]
    pub fn sql_files(&self, merged: &Node) -> Vec<FileId> {
        self.folders.files(|folder| project::names_folder(merged, folder))
    }

    /// What the templates make of a profile's merged values.
    ///
    /// # Errors
    /// What is undefined, of the wrong type, or too large, at the template's line with the profile's beside it.
    pub fn instantiate(
        &self,
        project: &Project,
        sources: &Sources,
        merged: &Node,
        profile: &str,
        environment: &str,
    ) -> Result<Instance, Vec<Finding>> {
        let node = instantiate::values(merged, profile, environment);
        let values = Arc::new(Tree { node, profile: true });
        let exchange = Arc::new(Exchange::default());
        let sql = |files| {
            let sql = Sql { files, folders: self.folders.clone(), exchange: exchange.clone() };
            minijinja::Value::from_object(sql)
        };
        let functions =
            vec![("sql", sql(Files::Own)), ("team_files", sql(Files::Tool)), ("team_sql", sql(Files::Team))];
        let scope = Scope { values, locals: Vec::new(), functions };
        let read = |request: &_| self.folders.read(request, project, sources, profile);
        let mut run = Run::new(&self.expressions, scope, &exchange, &read);
        let mut made = Vec::with_capacity(self.documents.len());
        let pass = |run: &mut Run<'_>, late: bool, made: &mut Vec<Node>| {
            for document in self.documents.iter().filter(|document| document.late == late) {
                // What goes wrong is in the findings; the other documents may have something to say as well.
                let _ = run.document(&document.item, made);
            }
        };
        pass(&mut run, false, &mut made);
        // After a mistake a ConfigMap may be missing, and its checksum would be a second one.
        if !run.failed() && self.documents.iter().any(|document| document.late) {
            let documents = Arc::new(made);
            let checksum = minijinja::Value::from_object(Checksum { documents: documents.clone() });
            run.give((functions::CHECKSUM, checksum));
            let mut late = Vec::new();
            pass(&mut run, true, &mut late);
            drop(run.take_functions());
            made = Arc::unwrap_or_clone(documents);
            made.append(&mut late);
        }
        if run.failed() {
            return Err(run.findings);
        }
        Ok(Instance { documents: made, findings: run.findings, decided: run.decided })
    }
}

/// Reads a file for `$file`: below `templates/`, links followed before that is asked.
fn read_below(project: &Project, sources: &Sources, path: &str) -> Result<FileId, String> {
    let outside = || Err(format!("`{path}` lies outside `templates/`"));
    if !Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
        return outside();
    }
    if project.leads_out("templates", path) {
        return outside();
    }
    project.read(sources, &format!("templates/{path}")).map_err(|error| error.to_string())
}

/// Fields that bear the name of a function, which would hide one or the other.
fn reserved_names(names: &dyn Names) -> Vec<Finding> {
    let Fields::Closed(fields) = names.fields(&[]) else { return Vec::new() };
    let reserved =
        |name: &str| names::BUILT_IN.contains(&name) || functions::find(functions::Kind::Function, name).is_some();
    let taken = fields.iter().filter(|name| reserved(name));
    let finding = |name| {
        let message = format!("the profile field `{name}` bears the name of something that templates already see");
        Finding::error(RuleId::TemplateNameTaken, Span::NONE, message).with_help("give the field another name")
    };
    taken.map(finding).collect()
}
