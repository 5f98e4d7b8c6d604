//! The report: who differs from whom, and in what.

use std::collections::BTreeMap;

use ecow::EcoString;

use super::copies::Presence;
use super::describe::describe;
use super::parts::{Member, Part, Step};
use super::{Import, names};
use crate::finding::{Finding, Severity};
use crate::node::{Node, Value};
use crate::object::Object;
use crate::report::{self, Mask};
use crate::secret;
use crate::source::Sources;
use crate::suggest;

/// What an import found, ready to be shown: no secret is in it.
#[derive(Debug, Clone, Default)]
pub struct Report {
    pub(super) copies: Vec<String>,
    pub(super) odd: Vec<Odd>,
    pub(super) parts: Vec<PartRow>,
    pub(super) values: Vec<ValueRow>,
    pub(super) checks: Vec<Checked>,
    pub(super) external: Vec<(String, Vec<String>)>,
    pub(super) verbatim: Vec<String>,
    /// The fields that no profile has, as only the API server writes them.
    pub(super) left_out: Vec<String>,
    pub(super) figures: Figures,
}

/// What a minority of the copies lacks that all others have, and has that no other does.
#[derive(Debug, Clone, Default)]
pub(super) struct Odd {
    pub(super) copies: Vec<String>,
    pub(super) lacks: Vec<String>,
    pub(super) alone: Vec<String>,
    /// The fields of which all others have one value, and it has another.
    pub(super) differs: Vec<String>,
}

/// An object, or a part of one, beside the copies.
#[derive(Debug, Clone)]
pub(super) struct PartRow {
    pub(super) name: String,
    /// Whether it is an object, and not a part of the one above it.
    pub(super) object: bool,
    pub(super) cells: Vec<Cell>,
}

/// What a copy has of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell {
    /// As most have it.
    Has,
    /// It has another.
    Differs,
    /// It has none.
    Lacks,
}

/// A field, and what it is in each copy.
#[derive(Debug, Clone)]
pub(super) struct ValueRow {
    pub(super) field: String,
    pub(super) what: String,
    pub(super) base: Option<String>,
    /// `None` where the copy says what the base says, or has no use for it.
    pub(super) values: Vec<Option<String>>,
}

/// What `check` says of a copy.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    pub(super) copy: String,
    pub(super) counts: [usize; 3],
    /// The errors, then the warnings: severity, rule, object, message.
    pub(super) findings: Vec<[String; 4]>,
}

/// Figures of the new project.
#[derive(Debug, Clone, Default)]
pub(super) struct Figures {
    pub(super) objects: usize,
    pub(super) common: usize,
    pub(super) fields: usize,
    /// Leaves of the copies that are not as most copies have them.
    pub(super) differing_leaves: usize,
    /// Values in all profiles together.
    pub(super) values: usize,
    pub(super) template_lines: usize,
    pub(super) profile_lines: usize,
}

/// Parents that say nothing of what stands in them.
const PLAIN_PARENTS: &[&str] = &["spec", "template", "metadata", "data", "stringData"];

/// Longer names of parts are cut in tables.
const LONGEST_NAME: usize = 60;

/// Longer values are cut in tables.
const LONGEST_VALUE: usize = 48;

impl Import<'_> {
    /// The report. `checked` are the findings of each copy, as it was given; `sources` the texts they were read from.
    #[must_use]
    pub fn report(&self, sources: &Sources, checked: &[Vec<Finding>]) -> Report {
        let objects: Vec<Object> = self.variants.iter().flat_map(|variant| variant.objects.iter().cloned()).collect();
        let mask = Mask::of(sources, &objects);
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
            odd: self.odd(),
            parts,
            values: self.value_rows(&mask),
            checks: self.checks(&mask, checked),
            external: copies
                .iter()
                .zip(&self.extras)
                .map(|(copy, extra)| (copy.clone(), extra.external.values().cloned().collect::<Vec<_>>()))
                .filter(|(_, external)| !external.is_empty())
                .collect(),
            verbatim: self.verbatim(),
            left_out: self.left_out.iter().cloned().collect(),
            figures: Figures {
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

    /// A part as a person says it.
    fn part_name(&self, member: &Member) -> String {
        let object = self.classes[member.place.class].first();
        match member.place.path.as_slice() {
            [] => format!("{} {}", object.kind(), object.name()),
            path => {
                let keys: Vec<&Step> = path.iter().collect();
                let last = keys.last().map_or("", |step| step.text());
                match keys.as_slice() {
                    [.., Step::Key(list), Step::Item(_)] => format!("{} {last}", singular(list)),
                    [.., Step::Key(list), Step::Item(item), Step::Key(_)] if list != "containers" => {
                        format!("{last} of {} {item}", singular(list))
                    }
                    [.., Step::Key(parent), Step::Key(_)] if !PLAIN_PARENTS.contains(&parent.as_str()) => {
                        format!("{last} of {parent}")
                    }
                    _ => last.to_owned(),
                }
            }
        }
    }

    fn odd(&self) -> Vec<Odd> {
        /// Fields, each with the number of its object.
        type Fields = Vec<(usize, String)>;
        let mut groups: BTreeMap<Vec<usize>, Odd> = BTreeMap::new();
        let mut inner: BTreeMap<(Vec<usize>, usize, bool), Fields> = BTreeMap::new();
        let mut visit = |member: &Member| {
            let Some((copies, lacks)) = minority(&member.presence, &member.within) else { return };
            if member.place.path.is_empty() {
                let odd = groups.entry(copies).or_default();
                let list = if lacks { &mut odd.lacks } else { &mut odd.alone };
                let object = self.classes[member.place.class].first();
                // Objects of one kind share its name.
                match list.iter_mut().find(|known| known.split(' ').next() == Some(object.kind())) {
                    Some(known) => *known += &format!(", {}", object.name()),
                    None => list.push(format!("{} {}", object.kind(), object.name())),
                }
            } else {
                let part = (super::fields::weight(member), self.part_name(member));
                inner.entry((copies, member.place.class, lacks)).or_default().push(part);
            }
        };
        self.members.iter().for_each(|member| walk(member, &mut visit));
        for ((copies, class, lacks), mut parts) in inner {
            // What is large is said first.
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
        // Of two each is the other's odd one.
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
        let mut odd: Vec<(Vec<usize>, Odd)> = groups.into_iter().collect();
        odd.sort_by_key(|(copies, odd)| {
            (copies.len(), std::cmp::Reverse((odd.lacks.len(), odd.alone.len(), odd.differs.len())))
        });
        let named = |(copies, odd): (Vec<usize>, Odd)| Odd {
            copies: copies.into_iter().map(|copy| self.variants[copy].name.clone()).collect(),
            ..odd
        };
        odd.into_iter().map(named).collect()
    }

    fn part_rows(&self, member: &Member, rows: &mut Vec<PartRow>) {
        let mut differing: Vec<bool> = vec![false; self.variants.len()];
        self.mark_differing(member, &mut differing);
        let cells = member.presence.iter().zip(&differing).map(|(here, differs)| match (here, differs) {
            (false, _) => Cell::Lacks,
            (true, true) => Cell::Differs,
            (true, false) => Cell::Has,
        });
        let cells: Vec<Cell> = cells.collect();
        if cells.iter().all(|cell| *cell == Cell::Has) {
            return;
        }
        rows.push(PartRow { name: self.part_name(member), object: true, cells });
        let mut below: Vec<PartRow> = Vec::new();
        let mut visit = |part: &Member| {
            if part.place.path.is_empty() || !part.is_optional() {
                return;
            }
            let cell = |(here, within): (&bool, &bool)| match (here, within) {
                (true, _) => Cell::Has,
                (false, _) => Cell::Lacks,
            };
            let cells: Vec<Cell> = part.presence.iter().zip(&part.within).map(cell).collect();
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

    /// Marks the copies whose values in a member are not the base's.
    fn mark_differing(&self, member: &Member, differing: &mut [bool]) {
        let mut visit = |part: &Member| {
            if let Part::Site(at) = part.part {
                for piece in &self.fields.sites[at] {
                    let super::fields::Piece::Field(field) = piece else { continue };
                    let field = &self.fields.all[*field];
                    // Where every copy has its own, none is odd.
                    if let Some(base) = &field.base {
                        for (copy, value) in field.values.iter().enumerate() {
                            differing[copy] |= value.as_ref().is_some_and(|value| value != base);
                        }
                    }
                }
            }
            if !part.place.path.is_empty() && part.is_optional() {
                let most = part.presence.iter().filter(|here| **here).count() * 2
                    > part.within.iter().filter(|here| **here).count();
                for (copy, differs) in differing.iter_mut().enumerate() {
                    *differs |= part.within[copy] && part.presence[copy] != most;
                }
            }
        };
        walk(member, &mut visit);
    }

    fn value_rows(&self, mask: &Mask) -> Vec<ValueRow> {
        let mut fields: Vec<_> = self.fields.all.iter().filter(|field| !field.flag).collect();
        fields.sort_by_key(|field| super::layout::order(&field.name));
        let mut rows = Vec::new();
        for field in fields {
            let shown = |node: &Node| shown(node, field.secret, mask);
            let mut values: Vec<Option<String>> = Vec::with_capacity(field.values.len());
            for (value, absent) in field.values.iter().zip(&field.absent) {
                values.push(match value {
                    Some(value) if Some(value) != field.base.as_ref() => Some(shown(value)),
                    None if *absent && field.base.is_some() => Some("(none)".to_owned()),
                    _ => None,
                });
            }
            // A single copy differs from nothing: all its fields are told.
            if values.iter().all(Option::is_none) && self.variants.len() > 1 {
                continue;
            }
            let first = field.values.iter().flatten().next();
            let varies = field.values.iter().flatten().any(|value| Some(value) != first);
            rows.push(ValueRow {
                field: names::expression(&field.name),
                what: mask.words(&describe(field, &self.classes)),
                base: field.base.as_ref().map(shown),
                values: if field.secret && varies {
                    values.into_iter().map(|value| value.map(|_| format!("{} (another)", secret::DOTS))).collect()
                } else {
                    values
                },
            });
        }
        rows
    }

    fn checks(&self, mask: &Mask, checked: &[Vec<Finding>]) -> Vec<Checked> {
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
                    mask.words(&object),
                    mask.words(&finding.message),
                ]
            });
            Checked { copy: copy.name.clone(), counts: report::counts(findings), findings: findings_rows.collect() }
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

/// Larger groups of copies are no exception.
const MOST_ODD: usize = 3;

/// The few copies that have a part, or that lack it, where the others tell: which, and whether they lack it.
fn minority(presence: &Presence, within: &Presence) -> Option<(Vec<usize>, bool)> {
    let asked = || (0..within.len()).filter(|copy| within[*copy]);
    let (having, lacking): (Vec<usize>, Vec<usize>) = asked().partition(|copy| presence[*copy]);
    let is_few = |few: &[usize], many: &[usize]| {
        !few.is_empty() && few.len() <= MOST_ODD && (few.len() < many.len() || few.len() == 1 && many.len() == 1)
    };
    // Of two, what the one has the other lacks.
    if is_few(&lacking, &having) {
        Some((lacking, true))
    } else if is_few(&having, &lacking) {
        Some((having, false))
    } else {
        None
    }
}

/// More parts of one object are counted, not listed.
const MOST_LISTED: usize = 12;

fn listed(mut parts: Vec<String>) -> String {
    let rest = parts.len().saturating_sub(MOST_LISTED);
    parts.truncate(MOST_LISTED);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    parts.join(", ") + &more
}

/// Visits a member and all below that are not parts of an optional one.
fn walk(member: &Member, visit: &mut dyn FnMut(&Member)) {
    visit(member);
    match &member.part {
        Part::Mapping(entries) => entries.iter().for_each(|(_, member)| walk(member, visit)),
        Part::List(items) => items.iter().for_each(|member| walk(member, visit)),
        Part::Tree(_, root) => walk(root, visit),
        Part::Same(_) | Part::Site(_) => {}
    }
}

fn singular(list: &str) -> &str {
    match list {
        "volumeMounts" => "mount",
        "env" => "env",
        _ => list.strip_suffix('s').unwrap_or(list),
    }
}

/// A value as the report may show it.
fn shown(node: &Node, is_secret: bool, mask: &Mask) -> String {
    if is_secret {
        return secret::DOTS.to_owned();
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
        return format!("a text of {}", suggest::count(lines, "line"));
    }
    let text = report::plain(&mask.words(&text));
    if text.chars().count() > LONGEST_VALUE {
        let cut: String = text.chars().take(LONGEST_VALUE - 1).collect();
        return format!("{cut}…");
    }
    text
}
