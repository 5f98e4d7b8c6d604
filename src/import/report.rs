//! The report: which copies differ, and in what.

use std::collections::BTreeMap;

use ecow::EcoString;

use super::copies::Presence;
use super::describe::describe;
use super::parts::{PathStep, TemplateMember, TemplateNode};
use super::{Import, names};
use crate::finding::{Finding, Severity};
use crate::node::{Node, Value};
use crate::object::Object;
use crate::report::{self, Secrets};
use crate::secret;
use crate::source::Sources;
use crate::suggest;

/// The findings of an import, ready to be printed: secrets are redacted.
#[derive(Debug, Clone, Default)]
pub struct Report {
    pub(super) copies: Vec<String>,
    pub(super) outliers: Vec<Outlier>,
    pub(super) parts: Vec<PartRow>,
    pub(super) values: Vec<ValueRow>,
    pub(super) checks: Vec<CopyChecks>,
    pub(super) external: Vec<(String, Vec<String>)>,
    pub(super) verbatim: Vec<String>,
    /// The fields that no profile has, because only the API server sets them.
    pub(super) left_out: Vec<String>,
    pub(super) figures: ImportFigures,
}

/// What a minority of the copies lacks that all others have, or has that no other has.
#[derive(Debug, Clone, Default)]
pub(super) struct Outlier {
    pub(super) copies: Vec<String>,
    pub(super) lacks: Vec<String>,
    pub(super) alone: Vec<String>,
    /// The fields for which all other copies share a value that these do not have.
    pub(super) differs: Vec<String>,
}

/// A row for an object, or a part of one, with a cell per copy.
#[derive(Debug, Clone)]
pub(super) struct PartRow {
    pub(super) name: String,
    /// Whether it is an object rather than a part of the object above it.
    pub(super) object: bool,
    pub(super) cells: Vec<PartComparison>,
}

/// How a copy's part compares with the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartComparison {
    /// The copy has it, as most copies do.
    Has,
    /// The copy has a different one.
    Differs,
    /// The copy does not have it.
    Lacks,
}

/// A row for a field, with its value in each copy.
#[derive(Debug, Clone)]
pub(super) struct ValueRow {
    pub(super) field: String,
    pub(super) what: String,
    pub(super) base: Option<String>,
    /// `None` if the copy uses the base's value, or does not use the field.
    pub(super) values: Vec<Option<String>>,
}

/// The result of `check` for a copy.
#[derive(Debug, Clone)]
pub(super) struct CopyChecks {
    pub(super) copy: String,
    pub(super) counts: [usize; 3],
    /// The errors, then the warnings: severity, rule, object, message.
    pub(super) findings: Vec<[String; 4]>,
}

/// Statistics of the new project.
#[derive(Debug, Clone, Default)]
pub(super) struct ImportFigures {
    pub(super) objects: usize,
    pub(super) common: usize,
    pub(super) fields: usize,
    /// Leaves of the copies that differ from the most frequent value.
    pub(super) differing_leaves: usize,
    /// Values in all profiles together.
    pub(super) values: usize,
    pub(super) template_lines: usize,
    pub(super) profile_lines: usize,
}

/// Parents that add no information to a name.
const PLAIN_PARENTS: &[&str] = &["spec", "template", "metadata", "data", "stringData"];

/// Longer names of parts are truncated in tables.
const LONGEST_NAME: usize = 60;

/// Longer values are truncated in tables.
const LONGEST_VALUE: usize = 48;

impl Import<'_> {
    /// The report. `checked` are the findings of each copy, `sources` the files that they were read from.
    #[must_use]
    pub fn report(&self, sources: &Sources, checked: &[Vec<Finding>]) -> Report {
        let objects: Vec<Object> = self.variants.iter().flat_map(|variant| variant.objects.iter().cloned()).collect();
        let secrets = Secrets::of(sources, &objects);
        let files = self.files();
        let lines = |prefix: &str| {
            let files = files.iter().filter(|(path, _)| path.starts_with(prefix) && path.ends_with(".yaml"));
            files.map(|(_, text)| text.lines().count()).sum()
        };
        let values = (0..self.variants.len()).map(|copy| super::layout::values(&self.fields, copy).len());
        let copies: Vec<String> = self.variants.iter().map(|variant| variant.name.clone()).collect();
        let mut parts = Vec::new();
        self.members.iter().for_each(|member| self.part_rows(member, &mut parts));
        Report {
            outliers: self.outliers(),
            parts,
            values: self.value_rows(&secrets),
            checks: self.checks(&secrets, checked),
            external: copies
                .iter()
                .zip(&self.extras)
                .map(|(copy, extra)| (copy.clone(), extra.external.values().cloned().collect::<Vec<_>>()))
                .filter(|(_, external)| !external.is_empty())
                .collect(),
            verbatim: self.verbatim(),
            left_out: self.left_out.iter().cloned().collect(),
            figures: ImportFigures {
                objects: self.classes.len(),
                common: self.members.iter().filter(|member| !member.is_optional()).count(),
                fields: self.fields.all.len(),
                differing_leaves: self.members.iter().map(|member| member.differing_leaves(&self.sites)).sum(),
                values: values.sum(),
                template_lines: lines("templates/"),
                profile_lines: lines("profiles/"),
            },
            copies,
        }
    }

    /// A descriptive name of a part.
    fn part_name(&self, member: &TemplateMember) -> String {
        let object = self.classes[member.location.class].first();
        match member.location.path.as_slice() {
            [] => format!("{} {}", object.kind(), object.name()),
            path => {
                let keys: Vec<&PathStep> = path.iter().collect();
                let last = keys.last().map_or("", |step| step.text());
                match keys.as_slice() {
                    [.., PathStep::Key(list), PathStep::Item(_)] => format!("{} {last}", singular(list)),
                    [.., PathStep::Key(list), PathStep::Item(item), PathStep::Key(_)] if list != "containers" => {
                        format!("{last} of {} {item}", singular(list))
                    }
                    [.., PathStep::Key(parent), PathStep::Key(_)] if !PLAIN_PARENTS.contains(&parent.as_str()) => {
                        format!("{last} of {parent}")
                    }
                    _ => last.to_owned(),
                }
            }
        }
    }

    fn outliers(&self) -> Vec<Outlier> {
        /// Parts, each with its weight.
        type WeightedParts = Vec<(usize, String)>;
        let mut groups: BTreeMap<Vec<usize>, Outlier> = BTreeMap::new();
        let mut inner: BTreeMap<(Vec<usize>, usize, bool), WeightedParts> = BTreeMap::new();
        let mut visit = |member: &TemplateMember| {
            let Some((copies, lacks)) = minority(&member.presence, &member.within) else { return };
            if member.location.path.is_empty() {
                let odd = groups.entry(copies).or_default();
                let list = if lacks { &mut odd.lacks } else { &mut odd.alone };
                let object = self.classes[member.location.class].first();
                // Names of objects of one kind share a mention of the kind.
                match list.iter_mut().find(|known| known.split(' ').next() == Some(object.kind())) {
                    Some(known) => *known += &format!(", {}", object.name()),
                    None => list.push(format!("{} {}", object.kind(), object.name())),
                }
            } else {
                let part = (super::fields::weight(member), self.part_name(member));
                inner.entry((copies, member.location.class, lacks)).or_default().push(part);
            }
        };
        self.members.iter().for_each(|member| walk(member, &mut visit));
        for ((copies, class, lacks), mut parts) in inner {
            // Larger parts come first.
            parts.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
            let mut names: Vec<String> = Vec::with_capacity(parts.len());
            for (_, name) in parts {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            let object = self.classes[class].first();
            let text = format!("{} in {} {}", listed(names), object.kind(), object.name());
            let odd = groups.entry(copies).or_default();
            if lacks { odd.lacks.push(text) } else { odd.alone.push(text) }
        }
        // With two copies, each would be the outlier of the other.
        if self.variants.len() > 2 {
            for field in self.fields.all.iter().filter(|field| !field.flag) {
                let others = |copy: usize| {
                    let values = field.values.iter().enumerate().filter(|(at, _)| *at != copy);
                    let mut values = values.map(|(_, value)| value.as_ref());
                    let first = values.next().flatten()?;
                    values.all(|value| value == Some(first)).then_some(first)
                };
                let alone = (0..self.variants.len()).find(|copy| {
                    field.values[*copy].is_some()
                        && others(*copy).is_some_and(|other| field.values[*copy].as_ref() != Some(other))
                });
                if let Some(copy) = alone {
                    groups.entry(vec![copy]).or_default().differs.push(names::expression(&field.name));
                }
            }
        }
        let mut outliers: Vec<(Vec<usize>, Outlier)> = groups.into_iter().collect();
        outliers.sort_by_key(|(copies, odd)| {
            (copies.len(), std::cmp::Reverse((odd.lacks.len(), odd.alone.len(), odd.differs.len())))
        });
        let named = |(copies, odd): (Vec<usize>, Outlier)| Outlier {
            copies: copies.into_iter().map(|copy| self.variants[copy].name.clone()).collect(),
            ..odd
        };
        outliers.into_iter().map(named).collect()
    }

    fn part_rows(&self, member: &TemplateMember, rows: &mut Vec<PartRow>) {
        let mut differing: Vec<bool> = vec![false; self.variants.len()];
        self.mark_differing(member, &mut differing);
        let cells = member.presence.iter().zip(&differing).map(|(here, differs)| match (here, differs) {
            (false, _) => PartComparison::Lacks,
            (true, true) => PartComparison::Differs,
            (true, false) => PartComparison::Has,
        });
        let cells: Vec<PartComparison> = cells.collect();
        if cells.iter().all(|cell| *cell == PartComparison::Has) {
            return;
        }
        rows.push(PartRow { name: self.part_name(member), object: true, cells });
        let mut below: Vec<PartRow> = Vec::new();
        let mut visit = |part: &TemplateMember| {
            if part.location.path.is_empty() || !part.is_optional() {
                return;
            }
            let cell = |(here, within): (&bool, &bool)| match (here, within) {
                (true, _) => PartComparison::Has,
                (false, _) => PartComparison::Lacks,
            };
            let cells: Vec<PartComparison> = part.presence.iter().zip(&part.within).map(cell).collect();
            let name = self.part_name(part);
            match below.iter_mut().find(|row| row.cells == cells) {
                Some(row) if row.name.len() + name.len() < LONGEST_NAME => {
                    row.name.push_str(", ");
                    row.name.push_str(&name);
                }
                Some(row) => {
                    if !row.name.ends_with('…') {
                        row.name.push_str(", …");
                    }
                }
                None => below.push(PartRow { name, object: false, cells }),
            }
        };
        walk(member, &mut visit);
        rows.extend(below);
    }

    /// Marks the copies whose values in a member differ from the base.
    fn mark_differing(&self, member: &TemplateMember, differing: &mut [bool]) {
        let mut visit = |part: &TemplateMember| {
            if let TemplateNode::Site(at) = part.part {
                for piece in &self.fields.sites[at] {
                    let super::fields::ValuePiece::Field(field) = piece else { continue };
                    let field = &self.fields.all[*field];
                    // If every copy has its own value, no copy is an outlier.
                    if let Some(base) = &field.base {
                        for (copy, value) in field.values.iter().enumerate() {
                            differing[copy] |= value.as_ref().is_some_and(|value| value != base);
                        }
                    }
                }
            }
            if !part.location.path.is_empty() && part.is_optional() {
                let most = part.presence.iter().filter(|here| **here).count() * 2
                    > part.within.iter().filter(|here| **here).count();
                for (copy, differs) in differing.iter_mut().enumerate() {
                    *differs |= part.within[copy] && part.presence[copy] != most;
                }
            }
        };
        walk(member, &mut visit);
    }

    fn value_rows(&self, secrets: &Secrets) -> Vec<ValueRow> {
        let mut fields: Vec<_> = self.fields.all.iter().filter(|field| !field.flag).collect();
        fields.sort_by_key(|field| super::layout::order(&field.name));
        let mut rows = Vec::new();
        for field in fields {
            let shown = |node: &Node| shown(node, field.secret, secrets);
            let mut values: Vec<Option<String>> = Vec::with_capacity(field.values.len());
            for (value, absent) in field.values.iter().zip(&field.absent) {
                values.push(match value {
                    Some(value) if Some(value) != field.base.as_ref() => Some(shown(value)),
                    None if *absent && field.base.is_some() => Some("(none)".to_owned()),
                    _ => None,
                });
            }
            // A single copy is not compared: all its fields are listed.
            if values.iter().all(Option::is_none) && self.variants.len() > 1 {
                continue;
            }
            let first = field.values.iter().flatten().next();
            let varies = field.values.iter().flatten().any(|value| Some(value) != first);
            rows.push(ValueRow {
                field: names::expression(&field.name),
                what: secrets.words(&describe(field, &self.classes)),
                base: field.base.as_ref().map(shown),
                values: if field.secret && varies {
                    values.into_iter().map(|value| value.map(|_| format!("{} (differs)", secret::REDACTED))).collect()
                } else {
                    values
                },
            });
        }
        rows
    }

    fn checks(&self, secrets: &Secrets, checked: &[Vec<Finding>]) -> Vec<CopyChecks> {
        let row = |(copy, findings): (&super::Variant, &Vec<Finding>)| {
            let mut sorted: Vec<&Finding> =
                findings.iter().filter(|finding| finding.severity > Severity::Note).collect();
            sorted.sort_by(|a, b| {
                b.severity.cmp(&a.severity).then_with(|| a.rule.cmp(&b.rule)).then_with(|| a.message.cmp(&b.message))
            });
            let findings_rows = sorted.iter().map(|finding| {
                let object = finding.object.as_ref().map(ToString::to_string).unwrap_or_default();
                [
                    finding.severity.name().to_owned(),
                    finding.rule.to_string(),
                    secrets.words(&object),
                    secrets.words(&finding.message),
                ]
            });
            CopyChecks { copy: copy.name.clone(), counts: report::counts(findings), findings: findings_rows.collect() }
        };
        self.variants.iter().zip(checked).map(row).collect()
    }

    fn verbatim(&self) -> Vec<String> {
        let mut kept = Vec::new();
        for (variant, extra) in self.variants.iter().zip(&self.extras) {
            for object in extra.objects.values() {
                let object = Object::new(object.clone());
                kept.push(format!("{} of {}", object.id, variant.name));
            }
        }
        kept
    }
}

/// Larger groups of copies are not outliers.
const MAX_ODD: usize = 3;

/// The few copies that have a part the others lack, or lack one the others have; `true` if they lack it.
fn minority(presence: &Presence, within: &Presence) -> Option<(Vec<usize>, bool)> {
    let relevant = || (0..within.len()).filter(|copy| within[*copy]);
    let (having, lacking): (Vec<usize>, Vec<usize>) = relevant().partition(|copy| presence[*copy]);
    let is_few = |few: &[usize], many: &[usize]| {
        !few.is_empty() && few.len() <= MAX_ODD && (few.len() < many.len() || few.len() == 1 && many.len() == 1)
    };
    // With two copies, what one has the other lacks.
    if is_few(&lacking, &having) {
        Some((lacking, true))
    } else if is_few(&having, &lacking) {
        Some((having, false))
    } else {
        None
    }
}

/// Further parts of an object are counted, not listed.
const MAX_LISTED: usize = 12;

fn listed(mut parts: Vec<String>) -> String {
    let rest = parts.len().saturating_sub(MAX_LISTED);
    parts.truncate(MAX_LISTED);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    parts.join(", ") + &more
}

/// Visits a member and everything below it.
fn walk(member: &TemplateMember, visit: &mut dyn FnMut(&TemplateMember)) {
    visit(member);
    match &member.part {
        TemplateNode::Mapping(entries) => entries.iter().for_each(|(_, member)| walk(member, visit)),
        TemplateNode::List(items) => items.iter().for_each(|member| walk(member, visit)),
        TemplateNode::Tree(_, root) => walk(root, visit),
        TemplateNode::Same(_) | TemplateNode::Site(_) => {}
    }
}

fn singular(list: &str) -> &str {
    match list {
        "volumeMounts" => "mount",
        "env" => "env",
        _ => list.strip_suffix('s').unwrap_or(list),
    }
}

/// A value as it is printed in the report.
fn shown(node: &Node, is_secret: bool, secrets: &Secrets) -> String {
    if is_secret {
        return secret::REDACTED.to_owned();
    }
    let text = match &node.value {
        Value::String(text) if text.is_empty() => EcoString::from("\"\""),
        Value::String(text) => text.clone(),
        Value::Sequence(items) => format!("a list of {}", items.len()).into(),
        Value::Mapping(mapping) => format!("a mapping of {}", mapping.len()).into(),
        _ => crate::yaml::json(node).into(),
    };
    let lines = text.lines().count();
    if lines > 1 {
        return format!("a string of {}", suggest::count(lines, "line"));
    }
    let text = report::plain(&secrets.words(&text));
    if text.chars().count() > LONGEST_VALUE {
        let cut: String = text.chars().take(LONGEST_VALUE - 1).collect();
        return format!("{cut}…");
    }
    text
}
