//! Whole bundles compared, and those that change alike put together.

use std::hash::{BuildHasher as _, RandomState};

use foldhash::{HashMap, HashMapExt};

use crate::bundle::bare_name;
use crate::check::Options;
use crate::diff::consequences::consequences;
use crate::diff::show::{Shown, State, show};
use crate::diff::{Hide, Renamed, compare};
use crate::finding::{Failure, Finding};
use crate::object::Object;
use crate::report::plain;
use crate::source::Span;
use crate::suggest;

/// What becomes of a bundle.
#[derive(Debug, Clone)]
pub struct BundleDiff {
    /// The profile; what is compared, where it is no profile.
    pub profile: String,
    /// The environment; empty where there is none.
    pub environment: String,
    /// Whether it is there before and after.
    pub was: bool,
    /// Whether it is there afterwards.
    pub is: bool,
    /// The objects that change.
    pub changes: Vec<Shown>,
    /// How many objects stay as they are.
    pub unchanged: usize,
    /// Why it cannot be rendered any more.
    pub broken: Option<String>,
}

/// Bundles that change in the same way.
#[derive(Debug)]
pub struct Group<'a> {
    /// The bundles.
    pub bundles: Vec<&'a BundleDiff>,
    /// What changes in each of them.
    pub changes: Vec<Shown>,
}

/// Whether one side takes the place of the other, or the two stand beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The new side will be applied over the old one.
    Update,
    /// They are compared, and nothing more.
    Comparison,
}

impl BundleDiff {
    /// Compares the two sides of a bundle.
    #[must_use]
    pub fn new(
        (profile, environment): (&str, &str),
        old: Option<&[Object]>,
        new: Option<&[Object]>,
        hide: &Hide<'_>,
        purpose: Purpose,
        options: &Options,
    ) -> Self {
        let (before, after) = (old.unwrap_or_default(), new.unwrap_or_default());
        let changes = compare(before, after, options);
        let effects = match purpose {
            Purpose::Update => consequences(&changes, after),
            Purpose::Comparison => vec![Vec::new(); changes.len()],
        };
        let show = |(change, effects)| {
            let mut shown = show(change, hide, effects);
            if purpose == Purpose::Comparison {
                shown.effect = None;
            }
            shown
        };
        let kept = changes.iter().filter(|change| change.new.is_some()).count();
        Self {
            profile: plain(profile),
            environment: plain(environment),
            was: old.is_some(),
            is: new.is_some(),
            broken: None,
            unchanged: after.len().saturating_sub(kept),
            changes: changes.iter().zip(effects).map(show).collect(),
        }
    }

    /// A bundle that was fine and cannot be rendered any more.
    #[must_use]
    pub fn broken((profile, environment): (&str, &str), failure: &Failure) -> Self {
        let count = suggest::count(failure.findings().len(), "error");
        let rule = failure.findings().first().map(|finding| finding.rule.to_string()).unwrap_or_default();
        Self {
            profile: plain(profile),
            environment: plain(environment),
            was: true,
            is: true,
            changes: Vec::new(),
            unchanged: 0,
            broken: Some(format!("no longer renders: {count} ({rule})")),
        }
    }

    /// Whether applying it changes anything.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.changes.iter().any(|change| !change.is_equivalent()) || self.was != self.is || self.broken.is_some()
    }

    /// Whether anything is written otherwise, even where it is stored alike.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        !self.changes.is_empty() || self.differs()
    }

    /// What applying it does, as findings.
    pub fn findings(&self) -> impl Iterator<Item = Finding> {
        self.changes.iter().flat_map(|change| {
            change.consequences.iter().map(|found| {
                let mut finding = Finding::new(found.rule, found.severity, change.span, found.message.as_str());
                finding.object = Some(change.object.clone());
                finding.with_help(found.help.as_str())
            })
        })
    }

    /// `gateway · e2e`.
    #[must_use]
    pub fn title(&self) -> String {
        if self.environment.is_empty() {
            self.profile.clone()
        } else {
            format!("{} · {}", self.profile, self.environment)
        }
    }
}

/// The changes, each once with the bundles it befalls; those that befall the same bundles together, in the order in which
/// they are first met.
#[must_use]
pub fn groups(bundles: &[BundleDiff]) -> Vec<Group<'_>> {
    let differing: Vec<&BundleDiff> = bundles.iter().filter(|bundle| bundle.is_listed()).collect();
    let several = differing.len() > 1;
    let mut met: Vec<(Shown, Vec<usize>)> = Vec::new();
    // By their hashes.
    let (hashes, mut known): (RandomState, HashMap<u64, Vec<usize>>) = Default::default();
    let mut groups: Vec<(Vec<usize>, Vec<Shown>)> = Vec::new();
    for (at, bundle) in differing.iter().enumerate() {
        // A whole bundle that comes or goes is one thing.
        if bundle.was != bundle.is || bundle.broken.is_some() {
            groups.push((vec![at], bundle.changes.clone()));
            continue;
        }
        for change in &bundle.changes {
            let change = if several { without_names(change) } else { change.clone() };
            let alike = known.entry(hashes.hash_one(&change)).or_default();
            match alike.iter().find(|number| met[**number].0 == change) {
                Some(number) => met[*number].1.push(at),
                None => {
                    alike.push(met.len());
                    met.push((change, vec![at]));
                }
            }
        }
    }
    // Backwards, so that the first of the same bundles stays.
    let mut places: HashMap<Vec<usize>, usize> =
        groups.iter().enumerate().rev().map(|(number, (at, _))| (at.clone(), number)).collect();
    for (change, at) in met {
        match places.get(&at) {
            Some(number) => groups[*number].1.push(change),
            None => {
                places.insert(at.clone(), groups.len());
                groups.push((at, vec![change]));
            }
        }
    }
    // What befalls the most bundles comes first.
    groups.sort_by_key(|(places, _)| (std::cmp::Reverse(places.len()), places[0]));
    groups
        .into_iter()
        .map(|(places, changes)| Group { bundles: places.iter().map(|at| differing[*at]).collect(), changes })
        .collect()
}

/// Changes of objects in which the very same fields differ, such as a label that all of them bear, put together.
pub(crate) fn alike(changes: &[Shown]) -> Vec<Vec<&Shown>> {
    let mut sets: Vec<Vec<&Shown>> = Vec::new();
    let mut known = HashMap::new();
    for change in changes {
        let alike = change.state == State::Changed && change.renamed.is_none();
        let what = (&change.object.namespace, &change.fields, &change.consequences, change.effect);
        match alike.then(|| *known.entry(what).or_insert(sets.len())).filter(|number| *number < sets.len()) {
            Some(number) => sets[number].push(change),
            None => sets.push(vec![change]),
        }
    }
    sets
}

/// Without what differs from bundle to bundle and says nothing: the hashes of content names, and the namespace.
fn without_names(change: &Shown) -> Shown {
    let mut change = change.clone();
    change.span = Span::NONE;
    if change.renamed == Some(Renamed::ByContent) {
        if let Some(bare) = bare_name(&change.object.name) {
            change.object.name = bare.into();
        }
        change.old_name = None;
    }
    if change.old_namespace.is_none() && !change.object.namespace.is_empty() {
        let namespace = std::mem::take(&mut change.object.namespace);
        for found in &mut change.consequences {
            found.help = found.help.replace(&format!(" -n {namespace}"), " -n NAMESPACE");
        }
    }
    change
}

impl Group<'_> {
    /// How many bundles it befalls, of how many; by name where that is short.
    #[must_use]
    pub fn name(&self, of: usize) -> String {
        if self.bundles.len() == of && of > 2 { format!("all {of} bundles") } else { self.title() }
    }

    /// What became of the bundles as a whole, where that is worth saying.
    #[must_use]
    pub fn state(&self) -> Option<String> {
        let first = self.bundles[0];
        match (&first.broken, first.was, first.is) {
            (Some(why), ..) => Some(why.clone()),
            (None, false, true) => Some("new".to_owned()),
            (None, true, false) => Some("removed: no longer rendered".to_owned()),
            _ => None,
        }
    }

    /// The bundles by name, environments of one profile together: `gateway · e2e, ci`.
    #[must_use]
    pub fn title(&self) -> String {
        let mut parts: Vec<(&str, Vec<&str>)> = Vec::new();
        for bundle in &self.bundles {
            match parts.iter_mut().find(|(profile, _)| *profile == bundle.profile) {
                Some((_, environments)) => environments.push(&bundle.environment),
                None => parts.push((&bundle.profile, vec![&bundle.environment])),
            }
        }
        let same = parts.len() > 1 && parts.iter().all(|(_, environments)| *environments == parts[0].1);
        if same && !parts[0].1[0].is_empty() {
            let profiles: Vec<&str> = parts.iter().map(|(profile, _)| *profile).collect();
            return format!("{} · {}", profiles.join(", "), parts[0].1.join(", "));
        }
        let titles: Vec<String> = parts
            .iter()
            .map(|(profile, environments)| match environments.as_slice() {
                [""] => (*profile).to_owned(),
                _ => format!("{profile} · {}", environments.join(", ")),
            })
            .collect();
        titles.join("; ")
    }
}
