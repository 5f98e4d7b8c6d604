//! Layers: merges the files of a profile into the single tree of values that templates read.
//!
//! Precedence, lowest first: the base, the base's section for the environment, the environment's file, the profile,
//! the profile's section for the environment, `--values`, `--set`, and the values that the environment enforces. Each
//! layer is validated against the schema on its own, so that an error is reported even where a later layer overrides
//! the value; then the merged values are validated.

mod enforce;
mod environments;
mod lists;
mod merge;
mod read;
mod set;
mod values;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub use environments::no_environment;
pub use merge::{Deleted, merge_layer};
pub use read::{ENFORCE, ENVIRONMENTS, EXTERNAL, NEEDS, TEMPLATES};
pub use set::Set;
pub use values::{Redundant, Values};

use crate::finding::{Failure, Finding, RuleId};
use crate::node::{Mapping, Node};
use crate::patch::Patch;
use crate::project::{self, AccessError, Project};
use crate::schema::{Mode, Schema};
use crate::source::{FileId, Sources, Span, read_file, read_text};
use crate::suggest;
use read::{Layer, LayerContent, LayerKind, finding, record_secrets};

/// Values given on the command line, which override the files.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--values`: files merged over the profile, in order.
    pub values: Vec<PathBuf>,
    /// `--values` files that are already loaded as sources.
    pub texts: Vec<FileId>,
    /// `--set` and `--set-file`, which override everything else, in the order given.
    pub sets: Vec<SetArgument>,
}

/// One `--set` or `--set-file`.
#[derive(Debug, Clone)]
pub enum SetArgument {
    /// `--set path=value`.
    Value(String),
    /// `--set-file path=file`.
    File(String),
}

impl SetArgument {
    /// The profile that the argument is limited to (`web:image.tag=1`), if any, and the rest of the argument.
    fn of_profile(&self) -> (Option<String>, Self) {
        let (Self::Value(text) | Self::File(text)) = self;
        let end = text.find(['.', '[', '=', '\\', ' ', '"', '\'', '{']).unwrap_or(text.len());
        let Some(at) = text[..end].find(':').filter(|at| *at > 0) else { return (None, self.clone()) };
        let rest = text[at + 1..].to_owned();
        let rest = if matches!(self, Self::Value(_)) { Self::Value(rest) } else { Self::File(rest) };
        (Some(text[..at].to_owned()), rest)
    }
}

/// What all profiles of a run share, read and checked once. It is used by several threads.
#[derive(Debug)]
pub struct Layers<'a> {
    project: &'a Project,
    sources: &'a Sources,
    schema: Schema,
    /// The project's files that the schema refers to.
    schema_files: Vec<String>,
    base: Layer,
    values_files: Vec<Layer>,
    /// Each with the profile that it is limited to, if any.
    sets: Vec<(Option<String>, Set)>,
    /// The merged base and environment file by environment, computed on first use.
    shared: Mutex<BTreeMap<String, Result<Arc<MergedLayers>, Failure>>>,
    /// The names of the files in `profiles/environments/`, listed on first use.
    environment_files: OnceLock<Vec<String>>,
}

/// The layers merged so far.
#[derive(Debug, Clone)]
struct MergedLayers {
    files: Vec<FileId>,
    node: Node,
    deleted: Vec<Deleted>,
    enforce: Node,
    patches: Vec<Patch>,
    choices: Node,
    findings: Vec<Finding>,
}

impl MergedLayers {
    fn new() -> Self {
        let empty = || Node::new(Mapping::new(), Span::NONE);
        Self {
            files: Vec::new(),
            node: empty(),
            deleted: Vec::new(),
            enforce: empty(),
            patches: Vec::new(),
            choices: empty(),
            findings: Vec::new(),
        }
    }

    fn merge(&mut self, content: &LayerContent) {
        self.findings.append(&mut merge_layer(&mut self.node, &content.node, &mut self.deleted));
        if let Some(enforce) = &content.enforce {
            // An enforced null deletes a value of the profile, so nulls are kept here.
            enforce::merge(&mut self.enforce, enforce);
        }
        self.patches.extend(content.patches.iter().cloned());
        if !content.choices.is_empty() {
            let choices = Node::new(content.choices.clone(), Span::NONE);
            self.findings.append(&mut merge_layer(&mut self.choices, &choices, &mut Vec::new()));
        }
    }
}

/// A profile's file, read and validated on its own.
#[derive(Debug)]
pub struct Profile {
    /// Its name: the file's name without the extension.
    pub name: String,
    /// Its file.
    pub file: FileId,
    layer: Layer,
}

impl<'a> Layers<'a> {
    /// Reads the schema, the base and the overrides.
    ///
    /// # Errors
    /// If one of them cannot be read or is invalid.
    pub fn load(project: &'a Project, sources: &'a Sources, overrides: &Overrides) -> Result<Self, Failure> {
        let (schema, schema_files) = schema(project, sources)?;
        let mut layers = Self {
            project,
            sources,
            schema,
            schema_files,
            base: Layer::empty(),
            values_files: Vec::new(),
            sets: Vec::new(),
            shared: Mutex::default(),
            environment_files: OnceLock::new(),
        };
        match project.read(sources, project::BASE) {
            Ok(file) => layers.base = layers.layer(file, LayerKind::Base)?,
            Err(AccessError::Missing(_)) => {}
            Err(error) => return Err(error.failure()),
        }
        for path in &overrides.values {
            let file = read_argument(sources, "--values", &path.display().to_string(), Span::NONE)?;
            let layer = layers.layer(file, LayerKind::Values)?;
            layers.values_files.push(layer);
        }
        for file in &overrides.texts {
            let layer = layers.layer(*file, LayerKind::Values)?;
            layers.values_files.push(layer);
        }
        for argument in &overrides.sets {
            let (only, argument) = argument.of_profile();
            let set = match &argument {
                SetArgument::Value(argument) => Set::parse(sources, &layers.schema, argument)?,
                SetArgument::File(argument) => Set::parse_file(sources, &layers.schema, argument, |path, span| {
                    read_argument(sources, "--set-file", path, span)
                })?,
            };
            layers.sets.push((only, set));
        }
        Ok(layers)
    }

    /// Rejects a `--set PROFILE:…` that names none of the profiles of a run: it would be ignored.
    ///
    /// # Errors
    /// If there is one.
    pub fn only_for(&self, profiles: &[String]) -> Result<(), Failure> {
        for named in self.sets.iter().filter_map(|(only, _)| only.as_ref()) {
            if !profiles.contains(named) {
                let named = project::repeatable(named);
                let message = format!("`--set {named}:…` names a profile that is not rendered");
                let finding = Finding::error(RuleId::SetSyntax, Span::NONE, message);
                let near = suggest::nearest(named, profiles.iter().map(String::as_str));
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the name before `:` must be a profile: {}", suggest::list(profiles, "or")),
                };
                return Err(Failure::unable(finding.with_help(help)));
            }
        }
        Ok(())
    }

    /// The schema of the profiles.
    #[must_use]
    pub const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Whether a file of the project is part of the profiles' schema.
    #[must_use]
    pub fn is_of_schema(&self, path: &str) -> bool {
        self.schema_files.iter().any(|file| file == path)
    }

    /// Reads a profile's file.
    ///
    /// # Errors
    /// If there is no profile of that name, or it is invalid.
    pub fn profile(&self, name: &str) -> Result<Profile, Failure> {
        if name.is_empty() || name == "base" || name.contains(['/', '\\']) || name.starts_with('.') {
            return Err(self.project.profile_not_found(name));
        }
        let file = match self.project.read(self.sources, &format!("profiles/{name}.yaml")) {
            Ok(file) => file,
            Err(AccessError::Missing(_)) => return Err(self.project.profile_not_found(name)),
            Err(error) => return Err(error.failure()),
        };
        let profile = Profile { name: name.to_owned(), file, layer: self.layer(file, LayerKind::Profile)? };
        self.check_environments(&profile)?;
        Ok(profile)
    }

    /// The values of a profile in one environment: all layers merged and validated against the schema.
    ///
    /// # Errors
    /// If the profile does not have the environment, or the values do not match the schema.
    pub fn values(&self, profile: &Profile, environment: &str) -> Result<Values, Failure> {
        if !self.environments(profile).iter().any(|name| name == environment) {
            return Err(self.environment_not_found(profile, environment));
        }
        let mut merged = MergedLayers::clone(&*self.base_and_environment(environment)?);
        merged.files.push(profile.file);
        merged.merge(&profile.layer.content);
        // Layers that are specific to this environment or this run may not contradict what the environment enforces.
        let own = profile.layer.section(environment).and_then(|section| section.content.as_ref());
        for content in own.into_iter().chain(self.values_files.iter().map(|layer| &layer.content)) {
            enforce::contradictions(&merged.enforce, &content.node, &mut merged.findings);
            merged.merge(content);
        }
        merged.files.extend(self.values_files.iter().filter_map(|layer| layer.file));
        let applies = |only: &Option<String>| only.as_ref().is_none_or(|only| *only == profile.name);
        for (_, set) in self.sets.iter().filter(|(only, _)| applies(only)) {
            enforce::contradictions(&merged.enforce, &set.as_layer(), &mut merged.findings);
            match set.apply(&mut merged.node, &mut merged.deleted) {
                Ok(mut found) => merged.findings.append(&mut found),
                Err(finding) => merged.findings.push(*finding),
            }
        }
        let MergedLayers { files, mut node, mut deleted, enforce, patches, choices, mut findings } = merged;
        findings.append(&mut merge_layer(&mut node, &enforce, &mut deleted));
        if !self.sets.is_empty() {
            self.schema.mark_secrets(&mut node);
        }
        for fault in self.schema.check(&node, Mode::Whole, "the profile") {
            let mut finding = finding(fault);
            if finding.rule == RuleId::ProfileFieldMissing {
                let path = finding.field.clone();
                let set = if self.project.is_built_in() {
                    format!("set `{path}` with --set, or in a file that --values names")
                } else {
                    format!("set `{path}` in {}", self.project.shown(&format!("profiles/{}.yaml", profile.name)))
                };
                finding.help = if finding.help.is_empty() { set } else { format!("{set}: {}", finding.help) };
                // A missing top-level field is reported in the profile, whichever layers set the others.
                if !path.contains('.') || finding.span.is_none() {
                    let first = profile.layer.content.node.entries().first().map(|entry| entry.key_span);
                    finding.span = first.unwrap_or(Span::new(profile.file, 0, 0));
                }
            }
            findings.push(finding);
        }
        if findings.is_empty() {
            Ok(Values {
                profile: profile.name.clone(),
                environment: environment.to_owned(),
                file: profile.file,
                files,
                node,
                deleted,
                patches,
                choices,
            })
        } else {
            Err(findings.into())
        }
    }

    /// The base, the base's section and the environment's file, merged once per environment.
    fn base_and_environment(&self, environment: &str) -> Result<Arc<MergedLayers>, Failure> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(merged) = shared.get(environment) {
            return merged.clone();
        }
        let merged = self.merge_base_and_environment(environment).map(Arc::new);
        shared.insert(environment.to_owned(), merged.clone());
        merged
    }

    fn merge_base_and_environment(&self, environment: &str) -> Result<MergedLayers, Failure> {
        let mut merged = MergedLayers::new();
        merged.files.extend(self.base.file);
        merged.merge(&self.base.content);
        if let Some(section) = self.base.section(environment).and_then(|section| section.content.as_ref()) {
            merged.merge(section);
        }
        match self.project.read(self.sources, &format!("profiles/environments/{environment}.yaml")) {
            Ok(file) => {
                merged.files.push(file);
                merged.merge(&self.layer(file, LayerKind::Environment)?.content);
            }
            Err(AccessError::Missing(_)) => {}
            Err(error) => return Err(error.failure()),
        }
        Ok(merged)
    }
}

/// The project's schema of profiles, or the built-in one, and the other files that it refers to.
fn schema(project: &Project, sources: &Sources) -> Result<(Schema, Vec<String>), Failure> {
    let file = match project.read(sources, project::SCHEMA) {
        Ok(file) => file,
        Err(AccessError::Missing(_)) => {
            Project::built_in().read(sources, project::SCHEMA).map_err(|error| error.failure())?
        }
        Err(error) => return Err(error.failure()),
    };
    let text = |file| sources.get(file).map(|source| source.text.clone()).unwrap_or_default();
    let mut fetch = |path: &str| match project.read(sources, path) {
        Ok(file) => Ok((file, text(file))),
        Err(error) => Err(error.to_string()),
    };
    Ok(Schema::load(project::SCHEMA, &text(file), file, &mut fetch)?)
}

/// Reads a file named on the command line, relative to the working directory.
fn read_argument(sources: &Sources, option: &str, path: &str, span: Span) -> Result<FileId, Failure> {
    let text = if path == "-" { read_text(std::io::stdin().lock()) } else { read_file(path.as_ref()) };
    text.map(|text| sources.add(path, text)).map_err(|error| {
        let message = format!("cannot read `{path}` of {option}: {error}");
        Failure::unable(Finding::error(RuleId::FileUnreadable, span, message))
    })
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
