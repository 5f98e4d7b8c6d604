//! Reading one layer: a file of values, what it says besides values taken apart, and held against the schema.

use std::cell::LazyCell;

use ecow::EcoString;
use foldhash::HashSet;

use super::set::remember_named;
use super::{Layers, lists, merge};
use crate::finding::{Failure, Finding, RuleId};
use crate::node::{Entry, Mapping, Node, Value};
use crate::patch::{self, Patch};
use crate::project;
use crate::schema::{Fault, FaultKind, Mode};
use crate::secret::{self, is_secret_name};
use crate::source::{FileId, Sources, Span};
use crate::yaml::{self, Dialect};

/// The field of base and profile that holds sections by environment. It is no value: templates do not see it.
pub const ENVIRONMENTS: &str = "environments";

/// The field that names what lives elsewhere, for the checks; templates may read it as well.
pub const EXTERNAL: &str = "external";

/// The field of an environment that holds values which no other layer may contradict.
pub const ENFORCE: &str = "enforce";

/// The field that names the folders below `templates/` that a profile uses.
pub const TEMPLATES: &str = "templates";

/// The field that names the profiles whose bundles are applied before.
pub const NEEDS: &str = "needs";

/// A file that was read, its sections taken out.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) file: Option<FileId>,
    pub(super) part: Part,
    pub(super) sections: Vec<Section>,
}

/// What a file, or a section of one, says.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// The values.
    pub(super) node: Node,
    /// Values that no other layer may contradict.
    pub(super) enforce: Option<Node>,
    /// What is changed of rendered objects.
    pub(super) patches: Vec<Patch>,
    /// What is no value: `templates` and `needs`.
    pub(super) choices: Mapping,
}

/// What a layer says of one environment.
#[derive(Debug, Clone)]
pub(super) struct Section {
    /// The environment.
    pub(super) name: EcoString,
    /// Where it is named.
    pub(super) span: Span,
    /// `None` where it is null.
    pub(super) part: Option<Part>,
}

/// Which file a layer is read from: it decides what may stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// `profiles/base.yaml`.
    Base,
    /// `profiles/environments/<name>.yaml`.
    Environment,
    /// `profiles/<name>.yaml`.
    Profile,
    /// A file of `--values`.
    Values,
}

impl Layer {
    /// A layer that says nothing.
    pub(super) fn empty() -> Self {
        let node = Node::new(Mapping::new(), Span::NONE);
        let part = Part { node, enforce: None, patches: Vec::new(), choices: Mapping::new() };
        Self { file: None, part, sections: Vec::new() }
    }

    pub(super) fn section(&self, environment: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == environment)
    }
}

impl Layers<'_> {
    /// Reads a file as a layer, and holds it against the schema as far as a part can be.
    pub(super) fn layer(&self, file: FileId, role: Role) -> Result<Layer, Failure> {
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
                "a profile must be a single YAML document; this is the second",
            );
            return Err(finding.with_help("remove the `---` between them").into());
        }
        if !matches!(node.value, Value::Mapping(_)) {
            unread(node.origin.span);
            let message = format!("a profile must be a mapping, not {}", node.type_name());
            return Err(Finding::error(RuleId::ProfileForm, node.origin.span, message).into());
        }
        let sections = merge::take(&mut node, ENVIRONMENTS);
        let mut findings = Vec::new();
        let mut layer = Layer { file: Some(file), ..Layer::empty() };
        if let Some(sections) = sections {
            if matches!(role, Role::Base | Role::Profile) {
                layer.sections = self.sections(sections, role, &mut findings);
            } else {
                let message = format!("`{ENVIRONMENTS}` is read in the base and in profiles only");
                findings.push(Finding::error(RuleId::ProfileFieldUnknown, sections.key_span, message));
            }
        }
        layer.part = self.part(node, "", role == Role::Environment, &mut findings);
        if findings.is_empty() { Ok(layer) } else { Err(findings.into()) }
    }

    fn sections(&self, sections: Entry, role: Role, findings: &mut Vec<Finding>) -> Vec<Section> {
        let span = sections.value.origin.span;
        let kind = sections.value.type_name();
        let Value::Mapping(mapping) = sections.value.value else {
            let message = format!("`{ENVIRONMENTS}` must be a mapping of names to sections, not {kind}");
            findings.push(Finding::error(RuleId::ProfileFieldType, span, message));
            return Vec::new();
        };
        mapping.iter().map(|entry| self.section(entry, role, findings)).collect()
    }

    fn section(&self, entry: &Entry, role: Role, findings: &mut Vec<Finding>) -> Section {
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
        let mut section = Section { name: entry.key.clone(), span: entry.key_span, part: None };
        if entry.value.is_null() {
            return section;
        }
        let mut node = entry.value.clone();
        if let Some(inner) = merge::take(&mut node, ENVIRONMENTS) {
            let message = format!("a section has no `{ENVIRONMENTS}` of its own");
            findings.push(Finding::error(RuleId::ProfileFieldUnknown, inner.key_span, message));
        }
        if matches!(node.value, Value::Mapping(_)) {
            section.part = Some(self.part(node, &path, role == Role::Base, findings));
        } else {
            let message = format!("`{path}` must be a mapping, not {}", node.type_name());
            findings.push(Finding::error(RuleId::ProfileFieldType, node.origin.span, message));
        }
        section
    }

    /// Takes apart what a file or a section says. `enforces`: whether it is an environment's.
    fn part(&self, mut node: Node, path: &str, enforces: bool, findings: &mut Vec<Finding>) -> Part {
        let below = |field: &str| if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") };
        let mut enforce = None;
        if let Some(mut entry) = merge::take(&mut node, ENFORCE) {
            if !enforces {
                let message = format!("`{ENFORCE}` is read in environments only");
                let base = self.project.shown(project::BASE);
                let help = format!("put it into profiles/environments/, or under `{ENVIRONMENTS}` in {base}");
                findings.push(Finding::error(RuleId::ProfileFieldUnknown, entry.key_span, message).with_help(help));
            } else if matches!(entry.value.value, Value::Mapping(_)) {
                self.hold(&mut entry.value, &below(ENFORCE), findings);
                enforce = Some(entry.value);
            } else {
                let message = format!("`{}` must be a mapping, not {}", below(ENFORCE), entry.value.type_name());
                findings.push(Finding::error(RuleId::ProfileFieldType, entry.value.origin.span, message));
            }
        }
        let patches = match merge::take(&mut node, patch::FIELD) {
            Some(entry) => Patch::read(&entry, findings),
            None => Vec::new(),
        };
        for patch in &patches {
            remember(self.sources, &patch.tree, patch.is_of_secret());
            remember_named(self.sources, &self.schema, &patch.tree);
        }
        let mut choices = Mapping::new();
        for field in [TEMPLATES, NEEDS] {
            if let Some(entry) = merge::take(&mut node, field) {
                let names = lists::as_lists(&entry.value);
                let strings = matches!(names.value, Value::Sequence(_))
                    && names.items().iter().all(|item| item.as_str().is_some());
                if !strings && names.is_set() {
                    let message = format!("`{}` must be a list of strings", below(field));
                    findings.push(Finding::error(RuleId::ProfileFieldType, entry.value.origin.span, message));
                }
                lists::check(&entry.value, findings);
                choices.push(entry.key, entry.key_span, entry.value);
            }
        }
        self.hold(&mut node, path, findings);
        Part { node, enforce, patches, choices }
    }

    /// Marks the secrets of a layer and holds it against the schema.
    fn hold(&self, node: &mut Node, path: &str, findings: &mut Vec<Finding>) {
        // The schema knows lists, not the changes of them.
        let mut lists = None;
        if lists::has_change(node) {
            lists::check(node, findings);
            let mut view = lists::as_lists(node);
            self.schema.mark_secrets(&mut view);
            lists::restore(node, view.clone());
            lists = Some(view);
        } else {
            self.schema.mark_secrets(node);
        }
        remember(self.sources, node, false);
        for secret in self.schema.free_secrets(Vec::new(), node) {
            remember(self.sources, secret, true);
        }
        let whole = if path.is_empty() { "a profile".to_owned() } else { format!("`{path}`") };
        let faults = self.schema.check(lists.as_ref().unwrap_or(node), Mode::Layer, &whole);
        let unknown = faults.iter().filter(|fault| fault.kind == FaultKind::Unknown);
        let unknown: HashSet<Span> = unknown.map(|fault| fault.key_span).collect();
        if !unknown.is_empty() {
            self.remember_misspelt(node, &unknown);
        }
        for mut fault in faults {
            if !path.is_empty() {
                fault.field = format!("{path}.{}", fault.field);
            }
            findings.push(finding(fault));
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
pub(super) fn remember(sources: &Sources, node: &Node, secret: bool) {
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

/// A fault of a profile as a finding.
pub(super) fn finding(fault: Fault<'_>) -> Finding {
    let rule = match fault.kind {
        FaultKind::Unknown => RuleId::ProfileFieldUnknown,
        FaultKind::Missing => RuleId::ProfileFieldMissing,
        FaultKind::Type => RuleId::ProfileFieldType,
        FaultKind::Invalid => RuleId::ProfileValueInvalid,
    };
    let mut finding = Finding::error(rule, fault.span(), fault.message);
    finding.field = fault.field;
    finding.label = fault.label;
    finding.help = fault.help;
    finding
}
