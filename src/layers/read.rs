//! Reads one layer: separates the fields that are not values from the values, and validates them against the schema.

use std::cell::LazyCell;

use ecow::EcoString;
use foldhash::HashSet;

use super::set::record_named_secrets;
use super::{Layers, lists, merge};
use crate::finding::{Failure, Finding, RuleId};
use crate::node::{Entry, Mapping, Node, Value};
use crate::patch::{self, Patch};
use crate::project;
use crate::schema::{Fault, FaultKind, Mode};
use crate::secret::{self, is_secret_name};
use crate::source::{FileId, Sources, Span};
use crate::yaml::{self, Dialect};

/// The field of the base and of profiles that holds sections by environment. It is not a value: templates cannot read
/// it.
pub const ENVIRONMENTS: &str = "environments";

/// The field that lists objects managed elsewhere, for the checks; templates can read it as well.
pub const EXTERNAL: &str = "external";

/// The field of an environment that holds values which no other layer may contradict.
pub const ENFORCE: &str = "enforce";

/// The field that names the folders below `templates/` that a profile uses.
pub const TEMPLATES: &str = "templates";

/// The field that lists the profiles whose bundles are applied first.
pub const NEEDS: &str = "needs";

/// A layer that was read, with its environment sections separated from the rest.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) file: Option<FileId>,
    pub(super) content: LayerContent,
    pub(super) sections: Vec<Section>,
}

/// The content of a file, or of an environment section.
#[derive(Debug, Clone)]
pub(super) struct LayerContent {
    /// The values.
    pub(super) node: Node,
    /// Values that no other layer may contradict.
    pub(super) enforce: Option<Node>,
    /// Patches to rendered objects.
    pub(super) patches: Vec<Patch>,
    /// The lists `templates` and `needs`, which are not values.
    pub(super) choices: Mapping,
}

/// A layer's section for one environment.
#[derive(Debug, Clone)]
pub(super) struct Section {
    /// The environment.
    pub(super) name: EcoString,
    /// The position of its key.
    pub(super) span: Span,
    /// `None` if the section is null.
    pub(super) content: Option<LayerContent>,
}

/// The kind of file that a layer is read from, which decides the fields it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LayerKind {
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
    /// A layer without content.
    pub(super) fn empty() -> Self {
        let node = Node::new(Mapping::new(), Span::NONE);
        let content = LayerContent { node, enforce: None, patches: Vec::new(), choices: Mapping::new() };
        Self { file: None, content, sections: Vec::new() }
    }

    pub(super) fn section(&self, environment: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == environment)
    }
}

impl Layers<'_> {
    /// Reads a file as a layer and validates it against the schema, as far as a partial profile can be validated.
    pub(super) fn layer(&self, file: FileId, kind: LayerKind) -> Result<Layer, Failure> {
        let loaded = yaml::load(self.sources, file, Dialect::Strict);
        if !loaded.findings.is_empty() {
            return Err(loaded.findings.into());
        }
        let mut documents = loaded.documents.into_iter();
        let mut node = documents.next().unwrap_or_else(|| Node::new(Mapping::new(), Span::new(file, 0, 0)));
        // The schema cannot identify the secrets in input that does not have the form of a profile.
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
            if matches!(kind, LayerKind::Base | LayerKind::Profile) {
                layer.sections = self.sections(sections, kind, &mut findings);
            } else {
                let message = format!("`{ENVIRONMENTS}` is allowed only in the base and in profiles");
                findings.push(Finding::error(RuleId::ProfileFieldUnknown, sections.key_span, message));
            }
        }
        layer.content = self.content(node, "", kind == LayerKind::Environment, &mut findings);
        if findings.is_empty() { Ok(layer) } else { Err(findings.into()) }
    }

    fn sections(&self, sections: Entry, kind: LayerKind, findings: &mut Vec<Finding>) -> Vec<Section> {
        let span = sections.value.origin.span;
        let type_name = sections.value.type_name();
        let Value::Mapping(mapping) = sections.value.value else {
            let message = format!("`{ENVIRONMENTS}` must be a mapping of names to sections, not {type_name}");
            findings.push(Finding::error(RuleId::ProfileFieldType, span, message));
            return Vec::new();
        };
        mapping.iter().map(|entry| self.section(entry, kind, findings)).collect()
    }

    fn section(&self, entry: &Entry, kind: LayerKind, findings: &mut Vec<Finding>) -> Section {
        let path = format!("{ENVIRONMENTS}.{}", entry.key);
        // A value that is indented too little ends up here.
        if is_secret_name(&entry.key) {
            record_secrets(self.sources, &entry.value, true);
        }
        // The name becomes a file name, here and in the output directory.
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if entry.key.is_empty() || !entry.key.chars().all(plain) {
            let message = format!("invalid environment name `{}`", entry.key);
            let finding = Finding::error(RuleId::ProfileValueInvalid, entry.key_span, message);
            findings.push(finding.with_help("use lower case letters, digits and `-` only"));
        }
        let mut section = Section { name: entry.key.clone(), span: entry.key_span, content: None };
        if entry.value.is_null() {
            return section;
        }
        let mut node = entry.value.clone();
        if let Some(inner) = merge::take(&mut node, ENVIRONMENTS) {
            let message = format!("an environment section cannot contain `{ENVIRONMENTS}`");
            findings.push(Finding::error(RuleId::ProfileFieldUnknown, inner.key_span, message));
        }
        if matches!(node.value, Value::Mapping(_)) {
            section.content = Some(self.content(node, &path, kind == LayerKind::Base, findings));
        } else {
            let message = format!("`{path}` must be a mapping, not {}", node.type_name());
            findings.push(Finding::error(RuleId::ProfileFieldType, node.origin.span, message));
        }
        section
    }

    /// Separates the content of a file or a section into its parts. `enforces`: whether `enforce` is allowed in it.
    fn content(&self, mut node: Node, path: &str, enforces: bool, findings: &mut Vec<Finding>) -> LayerContent {
        let below = |field: &str| if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") };
        let mut enforce = None;
        if let Some(mut entry) = merge::take(&mut node, ENFORCE) {
            if !enforces {
                let message = format!("`{ENFORCE}` is allowed only in environments");
                let base = self.project.shown(project::BASE);
                let help = format!("move it to profiles/environments/, or under `{ENVIRONMENTS}` in {base}");
                findings.push(Finding::error(RuleId::ProfileFieldUnknown, entry.key_span, message).with_help(help));
            } else if matches!(entry.value.value, Value::Mapping(_)) {
                self.validate(&mut entry.value, &below(ENFORCE), findings);
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
            record_secrets(self.sources, &patch.tree, patch.is_of_secret());
            record_named_secrets(self.sources, &self.schema, &patch.tree);
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
        self.validate(&mut node, path, findings);
        LayerContent { node, enforce, patches, choices }
    }

    /// Marks the secrets of a layer and validates it against the schema.
    fn validate(&self, node: &mut Node, path: &str, findings: &mut Vec<Finding>) {
        // The schema describes lists, not list operations.
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
        record_secrets(self.sources, node, false);
        for secret in self.schema.free_secrets(Vec::new(), node) {
            record_secrets(self.sources, secret, true);
        }
        let whole = if path.is_empty() { "a profile".to_owned() } else { format!("`{path}`") };
        let faults = self.schema.check(lists.as_ref().unwrap_or(node), Mode::Layer, &whole);
        let unknown = faults.iter().filter(|fault| fault.kind == FaultKind::Unknown);
        let unknown: HashSet<Span> = unknown.map(|fault| fault.key_span).collect();
        if !unknown.is_empty() {
            self.record_misspelled_secrets(node, &unknown);
        }
        for mut fault in faults {
            if !path.is_empty() {
                fault.field = format!("{path}.{}", fault.field);
            }
            findings.push(finding(fault));
        }
    }

    /// Records the values of unknown fields as secrets if their names are, or resemble, those of secrets; and a name
    /// without a value beside such a field, which may be the rest of a value that was split, as in `{password:
    /// one,two}`.
    fn record_misspelled_secrets(&self, node: &Node, unknown: &HashSet<Span>) {
        let is_secret = |name: &str| self.schema.is_near_secret(name) || is_secret_name(name);
        let has_secret = LazyCell::new(|| node.entries().iter().any(|entry| is_secret(&entry.key)));
        for entry in node.entries() {
            if unknown.contains(&entry.key_span) {
                if is_secret(&entry.key) {
                    record_secrets(self.sources, &entry.value, true);
                }
                if entry.value.is_null() && *has_secret {
                    self.sources.add_secret(entry.key_span, entry.key.as_str());
                }
            }
            self.record_misspelled_secrets(&entry.value, unknown);
        }
        node.items().iter().for_each(|item| self.record_misspelled_secrets(item, unknown));
    }
}

/// Records the scalars of a tree that are marked as secrets, or all of them if `secret`, and the secrets within its
/// strings.
pub(super) fn record_secrets(sources: &Sources, node: &Node, secret: bool) {
    let secret = secret || node.origin.is_secret();
    node.items().iter().for_each(|item| record_secrets(sources, item, secret));
    for entry in node.entries() {
        // Without a space after the colon the value is part of the key.
        if entry.value.is_null()
            && let Some((_, value)) = entry.key.split_once(':').filter(|(name, _)| is_secret_name(name))
        {
            sources.add_secret(entry.key_span, value);
        }
        record_secrets(sources, &entry.value, secret);
    }
    match &node.value {
        Value::Sequence(_) | Value::Mapping(_) | Value::Null => {}
        Value::String(text) if !secret => {
            // Record the positions only: messages that quote the string are scanned themselves.
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

/// Converts a fault to a finding about a profile.
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
