//! Whole bundles compared, and those that change alike put together.

use crate::diff::consequences::consequences;
use crate::diff::show::{Shown, show};
use crate::diff::{Hide, Renamed, bare_name, compare};
use crate::kube::KubernetesVersion;
use crate::object::Object;

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
        hide: &Hide,
        purpose: Purpose,
    ) -> Self {
        let (before, after) = (old.unwrap_or_default(), new.unwrap_or_default());
        let changes = compare(before, after, KubernetesVersion::default());
        let effects = match purpose {
            Purpose::Update => consequences(&changes, after),
            Purpose::Comparison => vec![Vec::new(); changes.len()],
        };
        let kept = changes.iter().filter(|change| change.new.is_some()).count();
        Self {
            profile: profile.to_owned(),
            environment: environment.to_owned(),
            was: old.is_some(),
            is: new.is_some(),
            unchanged: after.len().saturating_sub(kept),
            changes: changes.iter().zip(effects).map(|(change, effects)| show(change, hide, effects)).collect(),
        }
    }

    /// Whether anything differs.
    #[must_use]
    pub fn differs(&self) -> bool {
        !self.changes.is_empty() || self.was != self.is
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

/// The bundles that differ, those that change alike together, in the order of their first.
#[must_use]
pub fn groups(bundles: &[BundleDiff]) -> Vec<Group<'_>> {
    let several = bundles.iter().filter(|bundle| bundle.differs()).count() > 1;
    let mut groups: Vec<Group<'_>> = Vec::new();
    for bundle in bundles.iter().filter(|bundle| bundle.differs()) {
        let changes = if several { bundle.changes.iter().map(without_hash).collect() } else { bundle.changes.clone() };
        let alike = |group: &&mut Group<'_>| {
            let first = group.bundles[0];
            (first.was, first.is) == (bundle.was, bundle.is) && group.changes == changes
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.bundles.push(bundle),
            None => groups.push(Group { bundles: vec![bundle], changes }),
        }
    }
    groups
}

/// Without the hashes of content names, which differ from bundle to bundle.
fn without_hash(change: &Shown) -> Shown {
    let mut change = change.clone();
    if change.renamed == Some(Renamed::ByContent) {
        if let Some(bare) = bare_name(&change.object.name) {
            change.object.name = bare.to_owned();
        }
        change.old_name = None;
    }
    change
}

impl Group<'_> {
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
