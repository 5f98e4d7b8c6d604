//! Layers: from the files of a profile to the one tree of values that templates see.
//!
//! Later wins: base, environment file, profile, the profile's own section for the environment, `--values`, `--set`. (A
//! section of the base stands right above the base.) Each layer is held against the schema by itself, so that what is
//! wrong in it is told even where a later layer hides it; then the whole is.

mod merge;
mod set;
mod values;

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use ecow::EcoString;
use foldhash::HashSet;

pub use merge::{Deleted, lay};
pub use set::Set;
pub use values::{Redundant, Values};

use crate::finding::{Failure, Finding, RuleId};
use crate::node::{Entry, Mapping, Node, Value};
use crate::project::{self, AccessError, Project};
use crate::schema::{Fault, Mode, Schema, Violation};
use crate::secret::{self, is_secret_name};
use crate::source::{FileId, Sources, Span, read_file};
use crate::suggest;
use crate::yaml::{self, Dialect};

/// The field of base and profile that holds sections by environment. It is no value: templates do not see it.
pub const ENVIRONMENTS: &str = "environments";

/// What a person laid over the files.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--values`: files laid over the profile, in order.
    pub values: Vec<PathBuf>,
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

/// All that the profiles of a run share: read and checked once. Used by many threads.
#[derive(Debug)]
pub struct Layers<'a> {
    project: &'a Project,
    sources: &'a Sources,
    schema: Schema,
    base: Layer,
    over: Vec<Layer>,
    sets: Vec<Set>,
    /// Base and environment file merged, by environment; made when first asked for.
    under: Mutex<BTreeMap<String, Result<Arc<Under>, Failure>>>,
}

/// A file that was read, its sections taken out.
#[derive(Debug, Clone)]
struct Layer {
    file: Option<FileId>,
    node: Node,
    sections: Mapping,
}

/// What lies under a profile.
#[derive(Debug)]
struct Under {
    file: Option<FileId>,
    node: Node,
    deleted: Vec<Deleted>,
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

impl Layer {
    fn section(&self, environment: &str) -> Option<&Node> {
        self.sections.get(environment)
    }
}

impl<'a> Layers<'a> {
    /// Reads the schema, the base and what a person laid over.
    ///
    /// # Errors
    /// Where one of them cannot be read or is wrong.
    pub fn load(project: &'a Project, sources: &'a Sources, overrides: &Overrides) -> Result<Self, Failure> {
        let schema = schema(project, sources)?;
        let mut layers = Self {
            project,
            sources,
            schema,
            base: Layer { file: None, node: Node::new(Mapping::new(), Span::NONE), sections: Mapping::new() },
            over: Vec::new(),
            sets: Vec::new(),
            under: Mutex::default(),
        };
        match project.read(sources, project::BASE) {
            Ok(file) => layers.base = layers.layer(file, true)?,
            Err(AccessError::Missing(_)) => {}
            Err(error) => return Err(error.failure()),
        }
        for path in &overrides.values {
            let file = read_argument(sources, "--values", &path.display().to_string(), Span::NONE)?;
            let layer = layers.layer(file, false)?;
            layers.over.push(layer);
        }
        for argument in &overrides.sets {
            let set = match argument {
                SetArgument::Value(argument) => Set::parse(sources, &layers.schema, argument)?,
                SetArgument::File(argument) => Set::parse_file(sources, &layers.schema, argument, |path, span| {
                    read_argument(sources, "--set-file", path, span)
                })?,
            };
            layers.sets.push(set);
        }
        Ok(layers)
    }

    /// The schema of the profiles.
    #[must_use]
    pub const fn schema(&self) -> &Schema {
        &self.schema
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
        Ok(Profile { name: name.to_owned(), file, layer: self.layer(file, true)? })
    }

    /// The environments a profile can be rendered for: those that it or the base has a section for, in that order; a
    /// section that is null takes the base's away.
    #[must_use]
    pub fn environments(&self, profile: &Profile) -> Vec<EcoString> {
        let own = &profile.layer.sections;
        let base = self.base.sections.iter().filter(|entry| own.get(&entry.key).is_none());
        base.chain(own).filter(|entry| entry.value.is_set()).map(|entry| entry.key.clone()).collect()
    }

    /// The values of a profile in one environment: all layers merged, and held against the schema.
    ///
    /// # Errors
    /// Where the profile has no such environment, or the values do not fit the schema.
    pub fn values(&self, profile: &Profile, environment: &str) -> Result<Values, Failure> {
        if !self.environments(profile).iter().any(|name| name == environment) {
            return Err(self.no_such_environment(profile, environment));
        }
        let under = self.under(environment)?;
        let (mut node, mut deleted) = (under.node.clone(), under.deleted.clone());
        let own = profile.layer.section(environment);
        for layer in
            [Some(&profile.layer.node), own].into_iter().flatten().chain(self.over.iter().map(|layer| &layer.node))
        {
            lay(&mut node, layer, &mut deleted);
        }
        let mut findings = Vec::new();
        for set in &self.sets {
            findings.extend(set.apply(&mut node, &mut deleted).err().map(|finding| *finding));
        }
        if !self.sets.is_empty() {
            self.schema.mark_secrets(&mut node);
        }
        for violation in self.schema.check(&node, Mode::Whole, "the profile") {
            let mut finding = finding(violation);
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
                    let first = profile.layer.node.entries().first().map(|entry| entry.key_span);
                    finding.span = first.unwrap_or(Span::new(profile.file, 0, 0));
                }
            }
            findings.push(finding);
        }
        if findings.is_empty() {
            let environment = environment.to_owned();
            let files = [self.base.file, under.file, Some(profile.file)].into_iter().flatten();
            let files = files.chain(self.over.iter().filter_map(|layer| layer.file)).collect();
            Ok(Values { profile: profile.name.clone(), environment, file: profile.file, files, node, deleted })
        } else {
            Err(findings.into())
        }
    }

    fn no_such_environment(&self, profile: &Profile, environment: &str) -> Failure {
        let names = self.environments(profile);
        let message = format!("profile `{}` has no environment `{environment}`", profile.name);
        let mut finding = Finding::error(RuleId::EnvironmentNotFound, Span::NONE, message);
        finding.help = match suggest::nearest(environment, names.iter().map(EcoString::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => {
                format!("add `{ENVIRONMENTS}: {{{environment}: {{}}}}` to {}", self.project.shown(project::BASE))
            }
            None => format!("it has {}", suggest::list(&names, "and")),
        };
        Failure::unable(finding)
    }

    /// Base, the base's section and the environment's file, merged once.
    fn under(&self, environment: &str) -> Result<Arc<Under>, Failure> {
        let mut known = self.under.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(under) = known.get(environment) {
            return under.clone();
        }
        let under = self.merge_under(environment).map(Arc::new);
        known.insert(environment.to_owned(), under.clone());
        under
    }

    fn merge_under(&self, environment: &str) -> Result<Under, Failure> {
        let (mut node, mut deleted) = (Node::new(Mapping::new(), Span::NONE), Vec::new());
        let mut file = None;
        lay(&mut node, &self.base.node, &mut deleted);
        if let Some(section) = self.base.section(environment) {
            lay(&mut node, section, &mut deleted);
        }
        match self.project.read(self.sources, &format!("profiles/environments/{environment}.yaml")) {
            Ok(found) => {
                file = Some(found);
                lay(&mut node, &self.layer(found, false)?.node, &mut deleted);
            }
            Err(AccessError::Missing(_)) => {}
            Err(error) => return Err(error.failure()),
        }
        Ok(Under { file, node, deleted })
    }

    /// Reads a file as a layer, and holds it against the schema as far as a part can be.
    fn layer(&self, file: FileId, sections_allowed: bool) -> Result<Layer, Failure> {
        let loaded = yaml::load(self.sources, file, Dialect::Strict);
        if !loaded.findings.is_empty() {
            return Err(loaded.findings.into());
        }
        let mut documents = loaded.documents.into_iter();
        let mut node = documents.next().unwrap_or_else(|| Node::new(Mapping::new(), Span::new(file, 0, 0)));
        // The schema cannot tell the secrets of what has not the form of a profile.
        let unread = |span| self.sources.add_unread(span);
        if let Some(second) = documents.next() {
            unread(second.origin.span);
            let finding = Finding::error(
                RuleId::ProfileForm,
                second.origin.span,
                "a profile is one YAML document, and this is a second",
            );
            return Err(finding.with_help("take the `---` between them out").into());
        }
        if !matches!(node.value, Value::Mapping(_)) {
            unread(node.origin.span);
            let message = format!("a profile is a mapping, and this is {}", node.type_name());
            return Err(Finding::error(RuleId::ProfileForm, node.origin.span, message).into());
        }
        let sections = merge::take(&mut node, ENVIRONMENTS);
        let mut findings = Vec::new();
        let mut layer = Layer { file: Some(file), node, sections: Mapping::new() };
        if let Some(sections) = sections {
            if sections_allowed {
                layer.sections = self.sections(sections, &mut findings);
            } else {
                let message = format!("`{ENVIRONMENTS}` is read in the base and in profiles only");
                findings.push(Finding::error(RuleId::ProfileFieldUnknown, sections.key_span, message));
            }
        }
        self.hold(&mut layer.node, "", &mut findings);
        if findings.is_empty() { Ok(layer) } else { Err(findings.into()) }
    }

    fn sections(&self, sections: Entry, findings: &mut Vec<Finding>) -> Mapping {
        let span = sections.value.origin.span;
        let kind = sections.value.type_name();
        let Value::Mapping(mut mapping) = sections.value.value else {
            let message = format!("`{ENVIRONMENTS}` must be a mapping of names to sections, not {kind}");
            findings.push(Finding::error(RuleId::ProfileFieldType, span, message));
            return Mapping::new();
        };
        for entry in mapping.iter_mut() {
            let path = format!("{ENVIRONMENTS}.{}", entry.key);
            // One that is not indented as it should be.
            if is_secret_name(&entry.key) {
                remember(self.sources, &entry.value, true);
            }
            // It names a file, here and in the output folder.
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if entry.key.is_empty() || !entry.key.chars().all(plain) {
                let message = format!("`{}` cannot be the name of an environment", entry.key);
                let finding = Finding::error(RuleId::ProfileValueInvalid, entry.key_span, message);
                findings.push(finding.with_help("lower-case letters, digits and dashes can"));
            }
            if entry.value.is_null() {
                continue;
            }
            if let Some(inner) = merge::take(&mut entry.value, ENVIRONMENTS) {
                let message = format!("a section has no `{ENVIRONMENTS}` of its own");
                findings.push(Finding::error(RuleId::ProfileFieldUnknown, inner.key_span, message));
            }
            if matches!(entry.value.value, Value::Mapping(_)) {
                self.hold(&mut entry.value, &path, findings);
            } else {
                let message = format!("`{path}` must be a mapping, not {}", entry.value.type_name());
                findings.push(Finding::error(RuleId::ProfileFieldType, entry.value.origin.span, message));
            }
        }
        mapping
    }

    /// Marks the secrets of a layer and holds it against the schema.
    fn hold(&self, node: &mut Node, path: &str, findings: &mut Vec<Finding>) {
        self.schema.mark_secrets(node);
        remember(self.sources, node, false);
        for secret in self.schema.free_secrets(Vec::new(), node) {
            remember(self.sources, secret, true);
        }
        let whole = if path.is_empty() { "a profile".to_owned() } else { format!("`{path}`") };
        let violations = self.schema.check(node, Mode::Layer, &whole);
        let unknown = violations.iter().filter(|violation| violation.fault == Fault::Unknown);
        let unknown: HashSet<Span> = unknown.map(|violation| violation.span).collect();
        if !unknown.is_empty() {
            self.remember_misspelt(node, &unknown);
        }
        for mut violation in violations {
            if !path.is_empty() {
                violation.path = format!("{path}.{}", violation.path);
            }
            findings.push(finding(violation));
        }
    }

    /// Keeps the values of unknown fields secret whose names are those of secrets, or nearly; and a name without a value
    /// beside one, which may be the rest of a value that was torn, as in `{password: one,two}`.
    fn remember_misspelt(&self, node: &Node, unknown: &HashSet<Span>) {
        let is_secret = |name: &str| self.schema.is_near_secret(name) || is_secret_name(name);
        let has_secret = LazyCell::new(|| node.entries().iter().any(|entry| is_secret(&entry.key)));
        for entry in node.entries() {
            if unknown.contains(&entry.key_span) {
                if is_secret(&entry.key) {
                    remember(self.sources, &entry.value, true);
                }
                if entry.value.is_null() && *has_secret {
                    self.sources.add_secret(entry.key_span, entry.key.as_str());
                }
            }
            self.remember_misspelt(&entry.value, unknown);
        }
        node.items().iter().for_each(|item| self.remember_misspelt(item, unknown));
    }
}

/// Notes the scalars of a tree that are marked as secrets, or all of them if the whole is a secret; and the secrets that stand in
/// its texts.
fn remember(sources: &Sources, node: &Node, secret: bool) {
    let secret = secret || node.origin.is_secret();
    node.items().iter().for_each(|item| remember(sources, item, secret));
    for entry in node.entries() {
        // Without the blank behind its colon a value stands in the key.
        if entry.value.is_null()
            && let Some((_, value)) = entry.key.split_once(':').filter(|(name, _)| is_secret_name(name))
        {
            sources.add_secret(entry.key_span, value);
        }
        remember(sources, &entry.value, secret);
    }
    match &node.value {
        Value::Sequence(_) | Value::Mapping(_) | Value::Null => {}
        Value::String(text) if !secret => {
            // The places alone: messages that repeat the text are looked through themselves.
            let found = secret::in_text(text);
            if !found.is_empty() {
                let places = secret::written(sources, node.origin.span, found.len());
                places.into_iter().for_each(|place| sources.add_secret(place, ""));
            }
        }
        _ if !secret => {}
        Value::String(text) => sources.add_secret(node.origin.span, text.as_str()),
        _ => sources.add_secret(node.origin.span, yaml::json(node)),
    }
}

/// The project's own schema of profiles, else the built-in one.
fn schema(project: &Project, sources: &Sources) -> Result<Schema, Failure> {
    let file = match project.read(sources, project::SCHEMA) {
        Ok(file) => file,
        Err(AccessError::Missing(_)) => {
            Project::built_in().read(sources, project::SCHEMA).map_err(|error| error.failure())?
        }
        Err(error) => return Err(error.failure()),
    };
    let text = sources.get(file).map(|source| source.text.clone()).unwrap_or_default();
    Ok(Schema::read(&text, file)?)
}

/// A violation as a finding of the profile's.
fn finding(violation: Violation) -> Finding {
    let rule = match violation.fault {
        Fault::Unknown => RuleId::ProfileFieldUnknown,
        Fault::Missing => RuleId::ProfileFieldMissing,
        Fault::Type => RuleId::ProfileFieldType,
        Fault::Value => RuleId::ProfileValueInvalid,
    };
    let mut finding = Finding::error(rule, violation.span, violation.message);
    finding.field = violation.path;
    finding.label = violation.label;
    finding.help = violation.help;
    finding
}

/// Reads a file that the command line names: anywhere, relative to the working folder.
fn read_argument(sources: &Sources, option: &str, path: &str, span: Span) -> Result<FileId, Failure> {
    read_file(path.as_ref()).map(|text| sources.add(path, text)).map_err(|error| {
        let message = format!("cannot read `{path}` of {option}: {error}");
        Failure::unable(Finding::error(RuleId::FileUnreadable, span, message))
    })
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
