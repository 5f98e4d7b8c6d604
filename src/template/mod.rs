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
mod scan;
#[cfg(test)]
mod tests;
mod value;

use std::collections::HashMap;
use std::sync::Arc;

use crate::finding::Finding;
use crate::node::Node;
use crate::source::{FileId, Sources, Span};
use crate::yaml::{self, Dialect};

use compile::{Compiler, Item};
use expression::{Expression, Scope};
use instantiate::Run;
use value::Tree;

pub use names::{AnyName, Fields, Names};

/// All templates of a project, compiled; shared by all profiles and threads.
#[derive(Debug, Default)]
pub struct Templates {
    documents: Vec<Item>,
    expressions: Vec<Expression>,
    files: Vec<FileId>,
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
            names,
            read_file,
            text: Arc::from(""),
            locals: Vec::new(),
            expressions: Vec::new(),
            known: HashMap::new(),
            findings: Vec::new(),
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
        if findings.is_empty() { Ok(Self { documents, expressions, files: files.to_vec() }) } else { Err(findings) }
    }

    /// The template files.
    #[must_use]
    pub fn files(&self) -> &[FileId] {
        &self.files
    }

    /// The documents that the templates make of a profile's merged values, in the order of the templates.
    ///
    /// # Errors
    /// What is undefined, of the wrong type, or too large, at the template's line with the profile's beside it.
    pub fn instantiate(&self, merged: &Node, profile: &str, environment: &str) -> Result<Vec<Node>, Vec<Finding>> {
        let node = instantiate::values(merged, profile, environment);
        let values = Arc::new(Tree { node, profile: true });
        let scope = Scope { values, locals: Vec::new(), functions: Arc::default() };
        let mut run = Run::new(&self.expressions, scope);
        let mut made = Vec::with_capacity(self.documents.len());
        for document in &self.documents {
            // What goes wrong is in the findings; the other documents may have something to say as well.
            let _ = run.document(document, &mut made);
        }
        if run.findings.is_empty() { Ok(made) } else { Err(run.findings) }
    }
}

/// Fields that bear the name of a function, which would hide one or the other.
fn reserved_names(names: &dyn Names) -> Vec<Finding> {
    let Fields::Closed(fields) = names.fields(&[]) else { return Vec::new() };
    let reserved =
        |name: &str| names::BUILT_IN.contains(&name) || functions::find(functions::Kind::Function, name).is_some();
    let taken = fields.iter().filter(|name| reserved(name));
    let finding = |name| {
        let message = format!("the profile field `{name}` bears the name of something that templates already see");
        Finding::error("template-name-taken", Span::NONE, message).with_help("give the field another name")
    };
    taken.map(finding).collect()
}
