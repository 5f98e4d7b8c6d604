//! Layers: from the files of a profile to the one tree of values that templates see.
//!
//! Later wins: base, environment file, profile, the profile's own section for the environment, `--values`, `--set`, and
//! what the environment enforces. (A section of the base stands right above the base.) Each layer is held against the schema by itself, so that what is
//! wrong in it is told even where a later layer hides it; then the whole is.

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
pub use merge::{Deleted, lay};
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
use read::{Layer, Part, Role, finding, remember};

/// What a person laid over the files.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--values`: files laid over the profile, in order.
    pub values: Vec<PathBuf>,
    /// The same, where they are among the texts of the run already.
    pub texts: Vec<FileId>,
    /// `--set` and `--set-file`, laid over everything, in the order given.
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
    /// The profile it is for, where it names one (`web:image.tag=1`), and the rest.
    fn of_profile(&self) -> (Option<String>, Self) {
        let (Self::Value(text) | Self::File(text)) = self;
        let end = text.find(['.', '[', '=', '\\', ' ', '"', '\'', '{']).unwrap_or(text.len());
        let Some(at) = text[..end].find(':').filter(|at| *at > 0) else { return (None, self.clone()) };
        let rest = text[at + 1..].to_owned();
        let rest = if matches!(self, Self::Value(_)) { Self::Value(rest) } else { Self::File(rest) };
        (Some(text[..at].to_owned()), rest)
    }
}

/// All that the profiles of a run share: read and checked once. Used by many threads.
#[derive(Debug)]
pub struct Layers<'a> {
    project: &'a Project,
    sources: &'a Sources,
    schema: Schema,
    /// The files of the project that its schema refers to.
    schema_files: Vec<String>,
    base: Layer,
    over: Vec<Layer>,
    /// Each with the only profile it is for.
    sets: Vec<(Option<String>, Set)>,
    /// Base and environment file merged, by environment; made when first asked for.
    under: Mutex<BTreeMap<String, Result<Arc<Merged>, Failure>>>,
    /// The names of the files in `profiles/environments/`; listed when first asked for.
    environment_files: OnceLock<Vec<String>>,
}

/// Layers merged so far.
#[derive(Debug, Clone)]
struct Merged {
    files: Vec<FileId>,
    node: Node,
    deleted: Vec<Deleted>,
    enforce: Node,
    patches: Vec<Patch>,
    choices: Node,
    findings: Vec<Finding>,
}

impl Merged {
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

    fn lay(&mut self, part: &Part) {
        self.findings.append(&mut lay(&mut self.node, &part.node, &mut self.deleted));
        if let Some(enforce) = &part.enforce {
            // A null that is enforced deletes what the profile says, so it is kept here.
            enforce::lay(&mut self.enforce, enforce);
        }
        self.patches.extend(part.patches.iter().cloned());
        if !part.choices.is_empty() {
            let choices = Node::new(part.choices.clone(), Span::NONE);
            self.findings.append(&mut lay(&mut self.choices, &choices, &mut Vec::new()));
        }
    }
}

/// A profile's file, read and checked by itself.
#[derive(Debug)]
pub struct Profile {
    /// Its name, which is the file's.
    pub name: String,
    /// Its file.
    pub file: FileId,
    layer: Layer,
}

impl<'a> Layers<'a> {
    /// Reads the schema, the base and what a person laid over.
    ///
    /// # Errors
    /// Where one of them cannot be read or is wrong.
    pub fn load(project: &'a Project, sources: &'a Sources, overrides: &Overrides) -> Result<Self, Failure> {
        let (schema, schema_files) = schema(project, sources)?;
        let mut layers = Self {
            project,
            sources,
            schema,
            schema_files,
            base: Layer::empty(),
            over: Vec::new(),
            sets: Vec::new(),
            under: Mutex::default(),
            environment_files: OnceLock::new(),
        };
        match project.read(sources, project::BASE) {
            Ok(file) => layers.base = layers.layer(file, Role::Base)?,
            Err(AccessError::Missing(_)) => {}
            Err(error) => return Err(error.failure()),
        }
        for path in &overrides.values {
            let file = read_argument(sources, "--values", &path.display().to_string(), Span::NONE)?;
            let layer = layers.layer(file, Role::Values)?;
            layers.over.push(layer);
        }
        for file in &overrides.texts {
            let layer = layers.layer(*file, Role::Values)?;
            layers.over.push(layer);
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

    /// Whether a file of the project is a part of the schema of its profiles.
    #[must_use]
    pub fn is_of_schema(&self, path: &str) -> bool {
        self.schema_files.iter().any(|file| file == path)
    }

    /// Reads a profile's file.
    ///
    /// # Errors
    /// Where there is none of that name, or it is wrong.
    pub fn profile(&self, name: &str) -> Result<Profile, Failure> {
        if name.is_empty() || name == "base" || name.contains(['/', '\\']) || name.starts_with('.') {
            return Err(self.project.no_such_profile(name));
        }
        let file = match self.project.read(self.sources, &format!("profiles/{name}.yaml")) {
            Ok(file) => file,
            Err(AccessError::Missing(_)) => return Err(self.project.no_such_profile(name)),
            Err(error) => return Err(error.failure()),
        };
        let profile = Profile { name: name.to_owned(), file, layer: self.layer(file, Role::Profile)? };
        self.known_environments(&profile)?;
        Ok(profile)
    }

    /// The values of a profile in one environment: all layers merged, and held against the schema.
    ///
    /// # Errors
    /// Where the profile has no such environment, or the values do not fit the schema.
    pub fn values(&self, profile: &Profile, environment: &str) -> Result<Values, Failure> {
        if !self.environments(profile).iter().any(|name| name == environment) {
            return Err(self.no_such_environment(profile, environment));
        }
        let mut merged = Merged::clone(&*self.under(environment)?);
        merged.files.push(profile.file);
        merged.lay(&profile.layer.part);
        // What speaks of this environment, or of this run, may not contradict what the environment enforces.
        let own = profile.layer.section(environment).and_then(|section| section.part.as_ref());
        for part in own.into_iter().chain(self.over.iter().map(|layer| &layer.part)) {
            enforce::contradictions(&merged.enforce, &part.node, &mut merged.findings);
            merged.lay(part);
        }
        merged.files.extend(self.over.iter().filter_map(|layer| layer.file));
        let meant = |only: &Option<String>| only.as_ref().is_none_or(|only| *only == profile.name);
        for (_, set) in self.sets.iter().filter(|(only, _)| meant(only)) {
            enforce::contradictions(&merged.enforce, &set.as_layer(), &mut merged.findings);
            match set.apply(&mut merged.node, &mut merged.deleted) {
                Ok(mut found) => merged.findings.append(&mut found),
                Err(finding) => merged.findings.push(*finding),
            }
        }
        let Merged { files, mut node, mut deleted, enforce, patches, choices, mut findings } = merged;
        findings.append(&mut lay(&mut node, &enforce, &mut deleted));
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
                // What the whole lacks belongs into the profile, whoever gave the rest.
                if !path.contains('.') || finding.span.is_none() {
                    let first = profile.layer.part.node.entries().first().map(|entry| entry.key_span);
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

    /// Base, the base's section and the environment's file, merged once.
    fn under(&self, environment: &str) -> Result<Arc<Merged>, Failure> {
        let mut known = self.under.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(under) = known.get(environment) {
            return under.clone();
        }
        let under = self.merge_under(environment).map(Arc::new);
        known.insert(environment.to_owned(), under.clone());
        under
    }

    fn merge_under(&self, environment: &str) -> Result<Merged, Failure> {
        let mut merged = Merged::new();
        merged.files.extend(self.base.file);
        merged.lay(&self.base.part);
        if let Some(section) = self.base.section(environment).and_then(|section| section.part.as_ref()) {
            merged.lay(section);
        }
        match self.project.read(self.sources, &format!("profiles/environments/{environment}.yaml")) {
            Ok(file) => {
                merged.files.push(file);
                merged.lay(&self.layer(file, Role::Environment)?.part);
            }
            Err(AccessError::Missing(_)) => {}
            Err(error) => return Err(error.failure()),
        }
        Ok(merged)
    }
}

/// The project's own schema of profiles, else the built-in one; and the other files that it refers to.
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

/// Reads a file that the command line names: anywhere, relative to the working folder.
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
