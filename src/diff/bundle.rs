//! Compares whole bundles and groups those with the same changes.

use std::hash::{BuildHasher as _, RandomState};

use foldhash::{HashMap, HashMapExt};

use crate::bundle::bare_name;
use crate::check::Options;
use crate::diff::consequences::consequences;
use crate::diff::view::{ChangeKind, ChangeView, view};
use crate::diff::{Redactor, RenameKind, compare};
use crate::finding::{Failure, Finding};
use crate::object::Object;
use crate::report::plain;
use crate::source::Span;
use crate::suggest;

/// The differences of a bundle.
#[derive(Debug, Clone)]
pub struct BundleDiff {
    /// The profile, or a title of the comparison if the sides are not those of a profile.
    pub profile: String,
    /// The environment; empty if there is none.
    pub environment: String,
    /// Whether the bundle exists on the old side.
    pub exists_before: bool,
    /// Whether the bundle exists on the new side.
    pub exists_after: bool,
    /// The objects that differ.
    pub changes: Vec<ChangeView>,
    /// The number of identical objects.
    pub unchanged: usize,
    /// Why the new side cannot be rendered.
    pub render_error: Option<String>,
}

/// Bundles with the same changes.
#[derive(Debug)]
pub struct ChangeGroup<'a> {
    /// The bundles.
    pub bundles: Vec<&'a BundleDiff>,
    /// The changes in each of them.
    pub changes: Vec<ChangeView>,
}

/// The purpose of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The new side replaces the old one, so consequences are reported.
    Update,
    /// The sides are only compared.
    Comparison,
}

impl BundleDiff {
    /// Compares the two sides of a bundle.
    #[must_use]
    pub fn new(
        (profile, environment): (&str, &str),
        old: Option<&[Object]>,
        new: Option<&[Object]>,
        redactor: &Redactor<'_>,
        purpose: Purpose,
        options: &Options,
    ) -> Self {
        let (before, after) = (old.unwrap_or_default(), new.unwrap_or_default());
        let changes = compare(before, after, options);
        let effects = match purpose {
            Purpose::Update => consequences(&changes, after),
            Purpose::Comparison => vec![Vec::new(); changes.len()],
        };
        let view = |(change, effects)| {
            let mut view = view(change, redactor, effects);
            if purpose == Purpose::Comparison {
                view.effect = None;
            }
            view
        };
        let changed = changes.iter().filter(|change| change.new.is_some()).count();
        Self {
            profile: plain(profile),
            environment: plain(environment),
            exists_before: old.is_some(),
            exists_after: new.is_some(),
            render_error: None,
            unchanged: after.len().saturating_sub(changed),
            changes: changes.iter().zip(effects).map(view).collect(),
        }
    }

    /// Creates the diff of a bundle that can no longer be rendered.
    #[must_use]
    pub fn unrenderable((profile, environment): (&str, &str), failure: &Failure) -> Self {
        let count = suggest::count(failure.findings().len(), "error");
        let rule = failure.findings().first().map(|finding| finding.rule.to_string()).unwrap_or_default();
        Self {
            profile: plain(profile),
            environment: plain(environment),
            exists_before: true,
            exists_after: true,
            changes: Vec::new(),
            unchanged: 0,
            render_error: Some(format!("no longer renders: {count} ({rule})")),
        }
    }

    /// Whether applying the new side changes anything.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.changes.iter().any(|change| !change.is_equivalent())
            || self.exists_before != self.exists_after
            || self.render_error.is_some()
    }

    /// Whether there are any differences, even if they are equivalent.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        !self.changes.is_empty() || self.differs()
    }

    /// The consequences of applying the new side, as findings.
    pub fn findings(&self) -> impl Iterator<Item = Finding> {
        self.changes.iter().flat_map(|change| {
            change.consequences.iter().map(|found| {
                let mut finding = Finding::new(found.rule, found.severity, change.span, found.message.as_str());
                finding.object = Some(change.object.clone());
                finding.with_help(found.help.as_str())
            })
        })
    }

    /// The title: `gateway · e2e`.
    #[must_use]
    pub fn title(&self) -> String {
        if self.environment.is_empty() {
            self.profile.clone()
        } else {
            format!("{} · {}", self.profile, self.environment)
        }
    }
}

/// Groups the changes by the bundles they occur in. Groups with more bundles come first.
#[must_use]
pub fn groups(bundles: &[BundleDiff]) -> Vec<ChangeGroup<'_>> {
    let differing: Vec<&BundleDiff> = bundles.iter().filter(|bundle| bundle.is_listed()).collect();
    let several = differing.len() > 1;
    let mut distinct: Vec<(ChangeView, Vec<usize>)> = Vec::new();
    // The indices of the distinct changes by hash.
    let (hasher, mut by_hash): (RandomState, HashMap<u64, Vec<usize>>) = Default::default();
    let mut groups: Vec<(Vec<usize>, Vec<ChangeView>)> = Vec::new();
    for (at, bundle) in differing.iter().enumerate() {
        // An added, removed or unrenderable bundle is a group of its own.
        if bundle.exists_before != bundle.exists_after || bundle.render_error.is_some() {
            groups.push((vec![at], bundle.changes.clone()));
            continue;
        }
        for change in &bundle.changes {
            let change = if several { without_bundle_specific_names(change) } else { change.clone() };
            let candidates = by_hash.entry(hasher.hash_one(&change)).or_default();
            match candidates.iter().find(|index| distinct[**index].0 == change) {
                Some(index) => distinct[*index].1.push(at),
                None => {
                    candidates.push(distinct.len());
                    distinct.push((change, vec![at]));
                }
            }
        }
    }
    // In reverse, so that the first group with the same bundles takes precedence.
    let mut by_bundles: HashMap<Vec<usize>, usize> =
        groups.iter().enumerate().rev().map(|(index, (at, _))| (at.clone(), index)).collect();
    for (change, at) in distinct {
        match by_bundles.get(&at) {
            Some(index) => groups[*index].1.push(change),
            None => {
                by_bundles.insert(at.clone(), groups.len());
                groups.push((at, vec![change]));
            }
        }
    }
    groups.sort_by_key(|(bundles, _)| (std::cmp::Reverse(bundles.len()), bundles[0]));
    groups
        .into_iter()
        .map(|(bundles, changes)| ChangeGroup { bundles: bundles.iter().map(|at| differing[*at]).collect(), changes })
        .collect()
}

/// Groups objects with identical changes, such as a changed label that all of them have.
pub(crate) fn group_identical(changes: &[ChangeView]) -> Vec<Vec<&ChangeView>> {
    let mut sets: Vec<Vec<&ChangeView>> = Vec::new();
    let mut indices = HashMap::new();
    for change in changes {
        let can_be_grouped = change.kind == ChangeKind::Changed && change.renamed.is_none();
        let key = (&change.object.namespace, &change.fields, &change.consequences, change.effect);
        match can_be_grouped.then(|| *indices.entry(key).or_insert(sets.len())).filter(|index| *index < sets.len()) {
            Some(index) => sets[index].push(change),
            None => sets.push(vec![change]),
        }
    }
    sets
}

/// A change without the content hash and the namespace, which differ between bundles.
fn without_bundle_specific_names(change: &ChangeView) -> ChangeView {
    let mut change = change.clone();
    change.span = Span::NONE;
    if change.renamed == Some(RenameKind::ContentHash) {
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

impl ChangeGroup<'_> {
    /// The name of the group; `of` is the number of all bundles.
    #[must_use]
    pub fn name(&self, of: usize) -> String {
        if self.bundles.len() == of && of > 2 { format!("all {of} bundles") } else { self.title() }
    }

    /// The state of the bundles as a whole, if they are added, removed or cannot be rendered.
    #[must_use]
    pub fn state(&self) -> Option<String> {
        let first = self.bundles[0];
        match (&first.render_error, first.exists_before, first.exists_after) {
            (Some(error), ..) => Some(error.clone()),
            (None, false, true) => Some("new".to_owned()),
            (None, true, false) => Some("removed: no longer rendered".to_owned()),
            _ => None,
        }
    }

    /// The names of the bundles, grouped by profile: `gateway · e2e, ci`.
    #[must_use]
    pub fn title(&self) -> String {
        let mut by_profile: Vec<(&str, Vec<&str>)> = Vec::new();
        for bundle in &self.bundles {
            match by_profile.iter_mut().find(|(profile, _)| *profile == bundle.profile) {
                Some((_, environments)) => environments.push(&bundle.environment),
                None => by_profile.push((&bundle.profile, vec![&bundle.environment])),
            }
        }
        let same = by_profile.len() > 1 && by_profile.iter().all(|(_, environments)| *environments == by_profile[0].1);
        if same && !by_profile[0].1[0].is_empty() {
            let profiles: Vec<&str> = by_profile.iter().map(|(profile, _)| *profile).collect();
            return format!("{} · {}", profiles.join(", "), by_profile[0].1.join(", "));
        }
        let titles: Vec<String> = by_profile
            .iter()
            .map(|(profile, environments)| match environments.as_slice() {
                [""] => (*profile).to_owned(),
                _ => format!("{profile} · {}", environments.join(", ")),
            })
            .collect();
        titles.join("; ")
    }
}
