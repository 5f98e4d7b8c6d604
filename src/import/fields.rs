//! Fields: places that vary together are one; what only some copies have hangs on a flag.

use std::collections::BTreeMap;

use ecow::EcoString;
use foldhash::{HashMap, HashMapExt};

use super::copies::Presence;
use super::matching::OwnWords;
use super::parts::{Member, Part, Place, Site, Step};
use super::text::{Draft, Hint, Splitter, Texts, is_within};
use super::usual;
use crate::node::{Node, Value};
use crate::source::Span;
use crate::yaml;

/// A field of the profiles.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// The value in each copy; `None` where no place that reads it is there, or it is absent.
    pub(super) values: Vec<Option<Node>>,
    /// In which copies the absence is a value: a place that could read it is there, and without a value.
    pub(super) absent: Presence,
    /// The places that read it.
    pub(super) uses: Vec<Use>,
    pub(super) secret: bool,
    /// Whether it says that something is there.
    pub(super) flag: bool,
    /// Its name, as the way through the profile; filled in when all are known.
    pub(super) name: Vec<EcoString>,
    /// Whether it always has a value in the base.
    pub(super) base: Option<Node>,
}

/// A place that reads a field.
#[derive(Debug, Clone)]
pub(super) struct Use {
    pub(super) place: Place,
    pub(super) hint: Hint,
}

/// A part of a value in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Plain(EcoString),
    Field(usize),
}

/// All fields, and what the sites are made of.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) all: Vec<Field>,
    /// The parts of each site's value.
    pub(super) sites: Vec<Vec<Piece>>,
    /// The flag of those who are in these copies, and in no others.
    pub(super) flags: HashMap<Presence, usize>,
}

/// What groups of optional members there are: how much hangs on each presence.
#[derive(Debug, Default)]
struct Group {
    structural: usize,
    scalars: usize,
    uses: Vec<(Use, usize)>,
}

/// Makes fields of what differs. `loose`: values that vary together are one field whatever they mean.
pub(super) fn fields(classes: &mut [Member], sites: &mut Vec<Site>, words: &[OwnWords], loose: bool) -> Fields {
    let mut groups: BTreeMap<Presence, Group> = BTreeMap::new();
    classes.iter().for_each(|class| collect(class, &mut groups));
    groups.retain(|_, group| group.structural > 0 || group.scalars > 1);
    classes.iter_mut().for_each(|class| constants_to_sites(class, &groups, sites));
    let mut joiner = Joiner { fields: Fields::default(), known: HashMap::new(), loose };
    for (presence, group) in &groups {
        let values = presence.iter().map(|here| Some(Node::new(*here, Span::NONE))).collect();
        let mut uses = group.uses.clone();
        uses.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
        let field = Field {
            values,
            absent: vec![false; presence.len()],
            uses: uses.into_iter().map(|(place, _)| place).collect(),
            secret: false,
            flag: true,
            name: Vec::new(),
            base: None,
        };
        joiner.fields.flags.insert(presence.clone(), joiner.fields.all.len());
        joiner.fields.all.push(field);
    }
    let splitter = splitter(sites);
    let mut split: HashMap<(Texts, EcoString), Vec<Draft>> = HashMap::new();
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
                let key = EcoString::from(site.place.key());
                let known = split.entry((texts.clone(), key.clone()));
                known.or_insert_with(|| splitter.split(&texts, &key, words)).clone()
            }
            None => {
                let place = Use { place: site.place.clone(), hint: Hint::None };
                let at = joiner.add(site.values.clone(), absent, place, site.secret, site);
                joiner.fields.sites.push(vec![Piece::Field(at)]);
                continue;
            }
        };
        let mut pieces = Vec::with_capacity(drafts.len());
        for draft in drafts {
            pieces.push(match draft {
                Draft::Plain(text) => Piece::Plain(text),
                Draft::Value(texts, hint, secret) => {
                    let values = texts.into_iter().map(|text| text.map(|text| Node::new(text, Span::NONE))).collect();
                    let place = Use { place: site.place.clone(), hint };
                    Piece::Field(joiner.add(values, absent.clone(), place, secret, site))
                }
            });
        }
        joiner.fields.sites.push(pieces);
    }
    joiner.finish()
}

fn presence_of(site: &Site) -> Presence {
    site.values.iter().map(Option::is_some).collect()
}

/// Counts what hangs on each presence.
fn collect(member: &Member, groups: &mut BTreeMap<Presence, Group>) {
    if member.is_optional() {
        let group = groups.entry(member.presence.clone()).or_default();
        let weight = weight(member);
        if is_structural(&member.part) || member.place.path.is_empty() {
            group.structural += 1;
        } else {
            group.scalars += 1;
        }
        group.uses.push((Use { place: member.place.clone(), hint: Hint::None }, weight));
    }
    match &member.part {
        Part::Mapping(entries) => entries.iter().for_each(|(_, member)| collect(member, groups)),
        Part::List(items) => items.iter().for_each(|member| collect(member, groups)),
        Part::Tree(_, root) => collect(root, groups),
        Part::Same(_) | Part::Site(_) => {}
    }
}

/// How much a member is worth as the one that gives a flag its name: objects first, then what is large.
pub(super) fn weight(member: &Member) -> usize {
    let size = match &member.part {
        Part::Same(node) => nodes(node),
        Part::Site(_) => 1,
        Part::Mapping(entries) => entries.len() + 1,
        Part::List(items) => items.len() + 1,
        Part::Tree(..) => 5,
    };
    if member.place.path.is_empty() { 10_000 + size } else { size.min(9_999) }
}

pub(super) fn nodes(node: &Node) -> usize {
    1 + node.items().iter().map(nodes).sum::<usize>()
        + node.entries().iter().map(|entry| nodes(&entry.value)).sum::<usize>()
}

pub(super) fn is_structural(part: &Part) -> bool {
    match part {
        Part::Same(node) => matches!(node.value, Value::Mapping(_) | Value::Sequence(_) | Value::Null),
        Part::Site(_) => false,
        Part::Mapping(_) | Part::List(_) | Part::Tree(..) => true,
    }
}

/// An optional scalar that hangs on no flag is a field of its own: it is there where it has a value.
fn constants_to_sites(member: &mut Member, groups: &BTreeMap<Presence, Group>, sites: &mut Vec<Site>) {
    if member.is_optional()
        && !groups.contains_key(&member.presence)
        && let Part::Same(node) = &member.part
    {
        let value = node.clone();
        let values = member.presence.iter().map(|here| here.then(|| value.clone())).collect();
        sites.push(Site {
            values,
            place: member.place.clone(),
            secret: false,
            encoded: false,
            within: member.within.clone(),
            parts: Vec::new(),
        });
        member.part = Part::Site(sites.len() - 1);
    }
    match &mut member.part {
        Part::Mapping(entries) => {
            entries.iter_mut().for_each(|(_, member)| constants_to_sites(member, groups, sites));
        }
        Part::List(items) => items.iter_mut().for_each(|member| constants_to_sites(member, groups, sites)),
        Part::Tree(_, root) => constants_to_sites(root, groups, sites),
        Part::Same(_) | Part::Site(_) => {}
    }
}

/// The strings that may be parts of others: namespaces, then names, then whatever stands in several places.
fn splitter(sites: &[Site]) -> Splitter {
    let mut all: BTreeMap<Texts, usize> = BTreeMap::new();
    let mut ranks: BTreeMap<Texts, usize> = BTreeMap::new();
    for site in sites.iter().filter(|site| !site.secret) {
        let Some(texts) = site.texts() else { continue };
        if super::text::same(&texts).is_some() {
            continue;
        }
        let rank = match (site.place.key(), site.place.path.first().map(Step::text)) {
            ("namespace", Some("metadata")) => 0,
            ("namespace", _) => 1,
            ("name", Some("metadata")) => 3,
            _ => 4,
        };
        let best = ranks.entry(texts.clone()).or_insert(rank);
        *best = rank.min(*best);
        *all.entry(texts).or_default() += 1;
    }
    let is_anchor = |(texts, rank): &(&Texts, &usize)| {
        let short = texts.iter().flatten().all(|text| text.len() <= 100 && !text.contains('\n'));
        short && (**rank < 2 || **rank == 3 || all.get(*texts).is_some_and(|count| *count > 1))
    };
    let mut anchors: Vec<(&Texts, &usize)> = ranks.iter().filter(is_anchor).collect();
    let length = |texts: &Texts| texts.iter().flatten().map(|text| text.len()).sum::<usize>();
    let defined = |texts: &Texts| texts.iter().flatten().count();
    anchors.sort_by_key(|(texts, rank)| (**rank / 2, std::cmp::Reverse((defined(texts), length(texts)))));
    let anchors = anchors.into_iter().map(|(texts, _)| texts.clone()).collect();
    Splitter::new(anchors, &all)
}

/// What makes two places one field.
type Key = (Vec<Option<String>>, Presence, bool, EcoString);

struct Joiner {
    fields: Fields,
    known: HashMap<Key, usize>,
    loose: bool,
}

impl Joiner {
    /// The field that has these values, in a place that is or is part of a site.
    fn add(&mut self, values: Vec<Option<Node>>, absent: Presence, place: Use, secret: bool, site: &Site) -> usize {
        let texts: Vec<Option<String>> = values.iter().map(|value| value.as_ref().map(yaml::json)).collect();
        let meaning = match site.values.as_slice() {
            [Some(only)] => usual::meaning(&place, only).into(),
            _ if self.loose && !secret => EcoString::new(),
            _ => meaning(&values, &place, secret),
        };
        let key = (texts, absent.clone(), secret, meaning);
        if let Some(at) = self.known.get(&key) {
            self.fields.all[*at].uses.push(place);
            return *at;
        }
        let at = self.fields.all.len();
        self.known.insert(key, at);
        let name = Vec::new();
        self.fields.all.push(Field { values, absent, uses: vec![place], secret, flag: false, name, base: None });
        at
    }

    /// Joins fields that only some copies need with those that say the same there.
    fn finish(mut self) -> Fields {
        let partial = |field: &Field| !field.flag && field.values.iter().any(Option::is_none);
        let mut order: Vec<usize> = (0..self.fields.all.len()).collect();
        let defined = |field: &Field| field.values.iter().flatten().count();
        order.sort_by_key(|at| std::cmp::Reverse(defined(&self.fields.all[*at])));
        let mut into: Vec<usize> = (0..self.fields.all.len()).collect();
        let meanings: Vec<EcoString> = self
            .fields
            .all
            .iter()
            .map(|field| {
                field.uses.first().map_or_else(EcoString::new, |place| meaning(&field.values, place, field.secret))
            })
            .collect();
        for (rank, at) in order.iter().enumerate() {
            let field = &self.fields.all[*at];
            if !partial(field) || field.absent.contains(&true) {
                continue;
            }
            let values = || field.values.iter().flatten();
            let varies = values().next().is_some_and(|first| values().any(|value| value != first));
            let is_namespace = field.uses.iter().any(|place| place.place.key() == "namespace");
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
                    && (varies || other_field.uses.iter().any(|place| place.place.key() == "namespace"))
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
                // Its uses are known to the one it joined.
                self.fields.all.push(Field { name: vec![at.to_string().into()], ..field });
            }
        }
        for joined in std::mem::take(&mut self.fields.all) {
            let at: usize = joined.name.first().and_then(|name| name.parse().ok()).unwrap_or_default();
            kept[places[into[at]]].uses.extend(joined.uses);
        }
        for piece in self.fields.sites.iter_mut().flatten() {
            if let Piece::Field(at) = piece {
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

/// What a value is, where that it varies with another is no reason to be one with it: numbers and short words.
fn meaning(values: &[Option<Node>], place: &Use, secret: bool) -> EcoString {
    let mut values = values.iter().flatten();
    let first = values.clone().next();
    let constant = values.clone().all(|value| Some(value) == first);
    let telling = |value: &Node| match value.as_str() {
        Some(text) => text.len() > 2 && crate::formats::quantity::Quantity::parse(text).is_none(),
        None => matches!(value.value, Value::Sequence(_) | Value::Mapping(_)),
    };
    if !constant && values.all(telling) {
        return EcoString::new();
    }
    let key = match &place.hint {
        Hint::Named(name) => name.clone(),
        _ => place.place.key().into(),
    };
    let lower = key.to_lowercase();
    if secret {
        return place.place.to_string().into();
    }
    if lower.ends_with("port") {
        return "port".into();
    }
    // `cpu` of requests is not that of limits.
    let keys: Vec<&str> = place
        .place
        .path
        .iter()
        .filter_map(|step| if let Step::Key(key) = step { Some(key.as_str()) } else { None })
        .collect();
    match keys.len().checked_sub(2).map(|at| keys[at]) {
        Some(parent @ ("requests" | "limits")) => format!("{parent}.{key}").into(),
        Some(parent) if parent.ends_with("Probe") => format!("{parent}.{key}").into(),
        _ => match place.place.path.last() {
            // The value of a variable is told by the variable's name.
            Some(Step::Key(last)) if last == "value" && place.place.path.len() > 1 => {
                place.place.path[place.place.path.len() - 2].text().into()
            }
            Some(Step::Item(item)) => format!("{key}.{item}").into(),
            _ => key,
        },
    }
}

/// Whether the namespace of an object is one that a field says wherever the object is.
pub(super) fn namespace_field<'f>(fields: &'f Fields, text: &str, presence: &Presence) -> Option<&'f Field> {
    let value = Some(EcoString::from(text));
    let texts: Texts = presence.iter().map(|here| if *here { value.clone() } else { None }).collect();
    fields.all.iter().find(|field| {
        let values: Texts =
            field.values.iter().map(|value| value.as_ref().and_then(Node::as_str).map(EcoString::from)).collect();
        !field.flag
            && !field.secret
            && field.name.first().is_some_and(|name| name == "namespace")
            && is_within(&texts, &values)
    })
}
