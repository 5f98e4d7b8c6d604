//! Fields: sites that vary together share a field; members that only some copies have depend on a flag.

use std::collections::BTreeMap;

use ecow::EcoString;
use foldhash::{HashMap, HashMapExt};

use super::copies::Presence;
use super::matching::OwnWords;
use super::parts::{Location, PathStep, TemplateMember, TemplateNode, TemplateSite};
use super::strings::{Hint, Splitter, StringPart, Strings, is_within};
use super::typical;
use crate::node::{Node, Value};
use crate::source::Span;
use crate::yaml;

/// A field of the profiles.
#[derive(Debug, Clone)]
pub(super) struct ProfileField {
    /// The value in each copy; `None` if no location in the copy reads it, or it is absent.
    pub(super) values: Vec<Option<Node>>,
    /// The copies in which absence is its value: a location could read the field and has no value.
    pub(super) absent: Presence,
    /// The locations that read it.
    pub(super) uses: Vec<FieldUse>,
    pub(super) secret: bool,
    /// Whether it is a flag that switches parts of the templates on.
    pub(super) flag: bool,
    /// Its name as a path in the profile; assigned when all fields are known.
    pub(super) name: Vec<EcoString>,
    /// Its value in the base, if the base sets it.
    pub(super) base: Option<Node>,
}

/// A location that reads a field.
#[derive(Debug, Clone)]
pub(super) struct FieldUse {
    pub(super) location: Location,
    pub(super) hint: Hint,
}

/// A part of a value in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ValuePiece {
    Plain(EcoString),
    Field(usize),
}

/// All fields, and the composition of each site's value.
#[derive(Debug, Default)]
pub(super) struct FieldSet {
    pub(super) all: Vec<ProfileField>,
    /// The parts of each site's value.
    pub(super) sites: Vec<Vec<ValuePiece>>,
    /// The flag of the members that exactly these copies have.
    pub(super) flags: HashMap<Presence, usize>,
}

/// Optional members that the same copies have.
#[derive(Debug, Default)]
struct MemberGroup {
    structural: usize,
    scalars: usize,
    uses: Vec<(FieldUse, usize)>,
}

/// Makes fields of what differs. `loose`: values that vary together share a field regardless of their meaning.
pub(super) fn fields(
    classes: &mut [TemplateMember],
    sites: &mut Vec<TemplateSite>,
    words: &[OwnWords],
    loose: bool,
) -> FieldSet {
    let mut groups: BTreeMap<Presence, MemberGroup> = BTreeMap::new();
    classes.iter().for_each(|class| collect(class, &mut groups));
    groups.retain(|_, group| group.structural > 0 || group.scalars > 1);
    classes.iter_mut().for_each(|class| constants_to_sites(class, &groups, sites));
    let mut joiner = Joiner { fields: FieldSet::default(), known: HashMap::new(), loose };
    for (presence, group) in &groups {
        let values = presence.iter().map(|here| Some(Node::new(*here, Span::NONE))).collect();
        let mut uses = group.uses.clone();
        uses.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
        let field = ProfileField {
            values,
            absent: vec![false; presence.len()],
            uses: uses.into_iter().map(|(usage, _)| usage).collect(),
            secret: false,
            flag: true,
            name: Vec::new(),
            base: None,
        };
        joiner.fields.flags.insert(presence.clone(), joiner.fields.all.len());
        joiner.fields.all.push(field);
    }
    let splitter = splitter(sites);
    let mut split: HashMap<(Strings, EcoString), Vec<StringPart>> = HashMap::new();
    for site in sites.iter() {
        let grouped = groups.contains_key(&presence_of(site));
        let absent: Presence = if grouped {
            vec![false; site.values.len()]
        } else {
            site.values.iter().zip(&site.within).map(|(value, within)| value.is_none() && *within).collect()
        };
        let is_whole = site.secret || site.encoded || absent.contains(&true);
        let drafts = match site.texts().filter(|_| !is_whole) {
            _ if !site.parts.is_empty() => site.parts.clone(),
            Some(texts) => {
                let key = EcoString::from(site.location.key());
                let known = split.entry((texts.clone(), key.clone()));
                known.or_insert_with(|| splitter.split(&texts, &key, words)).clone()
            }
            None => {
                let usage = FieldUse { location: site.location.clone(), hint: Hint::None };
                let at = joiner.add(site.values.clone(), absent, usage, site.secret, site);
                joiner.fields.sites.push(vec![ValuePiece::Field(at)]);
                continue;
            }
        };
        let mut pieces = Vec::with_capacity(drafts.len());
        for draft in drafts {
            pieces.push(match draft {
                StringPart::Plain(text) => ValuePiece::Plain(text),
                StringPart::Value(texts, hint, secret) => {
                    let values = texts.into_iter().map(|text| text.map(|text| Node::new(text, Span::NONE))).collect();
                    let usage = FieldUse { location: site.location.clone(), hint };
                    ValuePiece::Field(joiner.add(values, absent.clone(), usage, secret, site))
                }
            });
        }
        joiner.fields.sites.push(pieces);
    }
    joiner.finish()
}

fn presence_of(site: &TemplateSite) -> Presence {
    site.values.iter().map(Option::is_some).collect()
}

/// Collects the optional members by presence.
fn collect(member: &TemplateMember, groups: &mut BTreeMap<Presence, MemberGroup>) {
    if member.is_optional() {
        let group = groups.entry(member.presence.clone()).or_default();
        let weight = weight(member);
        if is_structural(&member.part) || member.location.path.is_empty() {
            group.structural += 1;
        } else {
            group.scalars += 1;
        }
        group.uses.push((FieldUse { location: member.location.clone(), hint: Hint::None }, weight));
    }
    match &member.part {
        TemplateNode::Mapping(entries) => entries.iter().for_each(|(_, member)| collect(member, groups)),
        TemplateNode::List(items) => items.iter().for_each(|member| collect(member, groups)),
        TemplateNode::Tree(_, root) => collect(root, groups),
        TemplateNode::Same(_) | TemplateNode::Site(_) => {}
    }
}

/// The priority of a member in naming its flag: objects first, then larger parts.
pub(super) fn weight(member: &TemplateMember) -> usize {
    let size = match &member.part {
        TemplateNode::Same(node) => nodes(node),
        TemplateNode::Site(_) => 1,
        TemplateNode::Mapping(entries) => entries.len() + 1,
        TemplateNode::List(items) => items.len() + 1,
        TemplateNode::Tree(..) => 5,
    };
    if member.location.path.is_empty() { 10_000 + size } else { size.min(9_999) }
}

pub(super) fn nodes(node: &Node) -> usize {
    1 + node.items().iter().map(nodes).sum::<usize>()
        + node.entries().iter().map(|entry| nodes(&entry.value)).sum::<usize>()
}

pub(super) fn is_structural(part: &TemplateNode) -> bool {
    match part {
        TemplateNode::Same(node) => matches!(node.value, Value::Mapping(_) | Value::Sequence(_) | Value::Null),
        TemplateNode::Site(_) => false,
        TemplateNode::Mapping(_) | TemplateNode::List(_) | TemplateNode::Tree(..) => true,
    }
}

/// Turns an optional scalar without a flag into a field of its own, which is absent where it has no value.
fn constants_to_sites(
    member: &mut TemplateMember,
    groups: &BTreeMap<Presence, MemberGroup>,
    sites: &mut Vec<TemplateSite>,
) {
    if member.is_optional()
        && !groups.contains_key(&member.presence)
        && let TemplateNode::Same(node) = &member.part
    {
        let value = node.clone();
        let values = member.presence.iter().map(|here| here.then(|| value.clone())).collect();
        sites.push(TemplateSite {
            values,
            location: member.location.clone(),
            secret: false,
            encoded: false,
            within: member.within.clone(),
            parts: Vec::new(),
        });
        member.part = TemplateNode::Site(sites.len() - 1);
    }
    match &mut member.part {
        TemplateNode::Mapping(entries) => {
            entries.iter_mut().for_each(|(_, member)| constants_to_sites(member, groups, sites));
        }
        TemplateNode::List(items) => items.iter_mut().for_each(|member| constants_to_sites(member, groups, sites)),
        TemplateNode::Tree(_, root) => constants_to_sites(root, groups, sites),
        TemplateNode::Same(_) | TemplateNode::Site(_) => {}
    }
}

/// The splitter for these sites. Strings that may be part of others are, in this order: namespaces, names, and strings
/// that occur in several locations.
fn splitter(sites: &[TemplateSite]) -> Splitter {
    let mut all: BTreeMap<Strings, usize> = BTreeMap::new();
    let mut ranks: BTreeMap<Strings, usize> = BTreeMap::new();
    for site in sites.iter().filter(|site| !site.secret) {
        let Some(texts) = site.texts() else { continue };
        if super::strings::same(&texts).is_some() {
            continue;
        }
        let rank = match (site.location.key(), site.location.path.first().map(PathStep::text)) {
            ("namespace", Some("metadata")) => 0,
            ("namespace", _) => 1,
            ("name", Some("metadata")) => 3,
            _ => 4,
        };
        let best = ranks.entry(texts.clone()).or_insert(rank);
        *best = rank.min(*best);
        *all.entry(texts).or_default() += 1;
    }
    let is_anchor = |(texts, rank): &(&Strings, &usize)| {
        let short = texts.iter().flatten().all(|text| text.len() <= 100 && !text.contains('\n'));
        short && (**rank < 2 || **rank == 3 || all.get(*texts).is_some_and(|count| *count > 1))
    };
    let mut anchors: Vec<(&Strings, &usize)> = ranks.iter().filter(is_anchor).collect();
    let length = |texts: &Strings| texts.iter().flatten().map(|text| text.len()).sum::<usize>();
    let defined = |texts: &Strings| texts.iter().flatten().count();
    anchors.sort_by_key(|(texts, rank)| (**rank / 2, std::cmp::Reverse((defined(texts), length(texts)))));
    let anchors = anchors.into_iter().map(|(texts, _)| texts.clone()).collect();
    Splitter::new(anchors, &all)
}

/// The key by which uses share a field.
type JoinKey = (Vec<Option<String>>, Presence, bool, EcoString);

struct Joiner {
    fields: FieldSet,
    known: HashMap<JoinKey, usize>,
    loose: bool,
}

impl Joiner {
    /// The field with these values, for a location that is a site or part of one.
    fn add(
        &mut self,
        values: Vec<Option<Node>>,
        absent: Presence,
        usage: FieldUse,
        secret: bool,
        site: &TemplateSite,
    ) -> usize {
        let texts: Vec<Option<String>> = values.iter().map(|value| value.as_ref().map(yaml::json)).collect();
        let meaning = match site.values.as_slice() {
            [Some(only)] => typical::meaning(&usage, only).into(),
            _ if self.loose && !secret => EcoString::new(),
            _ => meaning(&values, &usage, secret),
        };
        let key = (texts, absent.clone(), secret, meaning);
        if let Some(at) = self.known.get(&key) {
            self.fields.all[*at].uses.push(usage);
            return *at;
        }
        let at = self.fields.all.len();
        self.known.insert(key, at);
        let name = Vec::new();
        self.fields.all.push(ProfileField { values, absent, uses: vec![usage], secret, flag: false, name, base: None });
        at
    }

    /// Merges a field that only some copies need into one with the same values in those copies.
    fn finish(mut self) -> FieldSet {
        let partial = |field: &ProfileField| !field.flag && field.values.iter().any(Option::is_none);
        let mut order: Vec<usize> = (0..self.fields.all.len()).collect();
        let defined = |field: &ProfileField| field.values.iter().flatten().count();
        order.sort_by_key(|at| std::cmp::Reverse(defined(&self.fields.all[*at])));
        let mut into: Vec<usize> = (0..self.fields.all.len()).collect();
        let meanings: Vec<EcoString> = self
            .fields
            .all
            .iter()
            .map(|field| {
                field.uses.first().map_or_else(EcoString::new, |usage| meaning(&field.values, usage, field.secret))
            })
            .collect();
        for (rank, at) in order.iter().enumerate() {
            let field = &self.fields.all[*at];
            if !partial(field) || field.absent.contains(&true) {
                continue;
            }
            let values = || field.values.iter().flatten();
            let varies = values().next().is_some_and(|first| values().any(|value| value != first));
            let is_namespace = field.uses.iter().any(|usage| usage.location.key() == "namespace");
            if !varies && !is_namespace {
                continue;
            }
            let candidates = order[..rank].iter().copied().filter(|other| into[*other] == *other);
            let fits = |other: &usize| {
                let other_field = &self.fields.all[*other];
                !other_field.flag
                    && other_field.secret == field.secret
                    && !other_field.absent.contains(&true)
                    && (self.loose || meanings[*other] == meanings[*at])
                    && (varies || other_field.uses.iter().any(|usage| usage.location.key() == "namespace"))
                    && field.values.iter().zip(&other_field.values).all(|(one, other)| one.is_none() || one == other)
            };
            if let Some(other) = candidates.into_iter().find(fits) {
                into[*at] = other;
            }
        }
        let mut places: Vec<usize> = vec![usize::MAX; into.len()];
        let mut kept = Vec::new();
        for (at, field) in std::mem::take(&mut self.fields.all).into_iter().enumerate() {
            if into[at] == at {
                places[at] = kept.len();
                kept.push(field);
            } else {
                // Its uses are added to the field that it is merged into.
                self.fields.all.push(ProfileField { name: vec![at.to_string().into()], ..field });
            }
        }
        for joined in std::mem::take(&mut self.fields.all) {
            let at: usize = joined.name.first().and_then(|name| name.parse().ok()).unwrap_or_default();
            kept[places[into[at]]].uses.extend(joined.uses);
        }
        for piece in self.fields.sites.iter_mut().flatten() {
            if let ValuePiece::Field(at) = piece {
                *at = places[into[*at]];
            }
        }
        for at in self.fields.flags.values_mut() {
            *at = places[*at];
        }
        self.fields.all = kept;
        self.fields
    }
}

/// The meaning that a value must share to be joined: numbers and short words may vary together by coincidence.
fn meaning(values: &[Option<Node>], usage: &FieldUse, secret: bool) -> EcoString {
    let mut values = values.iter().flatten();
    let first = values.clone().next();
    let constant = values.clone().all(|value| Some(value) == first);
    let is_distinctive = |value: &Node| match value.as_str() {
        Some(text) => text.len() > 2 && crate::formats::quantity::Quantity::parse(text).is_none(),
        None => matches!(value.value, Value::Sequence(_) | Value::Mapping(_)),
    };
    if !constant && values.all(is_distinctive) {
        return EcoString::new();
    }
    let key = match &usage.hint {
        Hint::Named(name) => name.clone(),
        _ => usage.location.key().into(),
    };
    let lower = key.to_lowercase();
    if secret {
        return usage.location.to_string().into();
    }
    if lower.ends_with("port") {
        return "port".into();
    }
    // `cpu` in requests and `cpu` in limits are different fields.
    let keys: Vec<&str> = usage
        .location
        .path
        .iter()
        .filter_map(|step| if let PathStep::Key(key) = step { Some(key.as_str()) } else { None })
        .collect();
    match keys.len().checked_sub(2).map(|at| keys[at]) {
        Some(parent @ ("requests" | "limits")) => format!("{parent}.{key}").into(),
        Some(parent) if parent.ends_with("Probe") => format!("{parent}.{key}").into(),
        _ => match usage.location.path.last() {
            // The value of an environment variable is identified by the variable's name.
            Some(PathStep::Key(last)) if last == "value" && usage.location.path.len() > 1 => {
                usage.location.path[usage.location.path.len() - 2].text().into()
            }
            Some(PathStep::Item(item)) => format!("{key}.{item}").into(),
            _ => key,
        },
    }
}

/// The namespace field, if it has this value in all copies that have the object.
pub(super) fn namespace_field<'f>(fields: &'f FieldSet, text: &str, presence: &Presence) -> Option<&'f ProfileField> {
    let value = Some(EcoString::from(text));
    let texts: Strings = presence.iter().map(|here| if *here { value.clone() } else { None }).collect();
    fields.all.iter().find(|field| {
        let values: Strings =
            field.values.iter().map(|value| value.as_ref().and_then(Node::as_str).map(EcoString::from)).collect();
        !field.flag
            && !field.secret
            && field.name.first().is_some_and(|name| name == "namespace")
            && is_within(&texts, &values)
    })
}
