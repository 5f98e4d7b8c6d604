//! The bundles of many profiles: rendered and checked on all cores, each handed on as soon as it passes, then compared.

use std::sync::{Mutex, PoisonError};

use foldhash::HashMap;

use crate::check::fleet::BundleFacts;
use crate::check::suppress::suppress;
use crate::check::{self, Options};
use crate::digest;
use crate::finding::{Failure, Finding, RuleId, Severity};
use crate::layers::{NEEDS, Profile};
use crate::object::Object;
use crate::out::{BundleName, Provenance};
use crate::project::Project;
use crate::render::{Rendered, Renderer};
use crate::report::{self, Secrets};
use crate::source::{FileId, Sources};
use crate::suggest;

/// What the bundles of a run share. Used by many threads.
pub struct Fleet<'a> {
    sources: &'a Sources,
    project: &'a Project,
    renderer: &'a Renderer<'a>,
    options: &'a Options,
    selection: Selection<'a>,
    /// The digests of input files, which many bundles share.
    digests: Mutex<HashMap<FileId, String>>,
}

/// Which bundles are rendered, and what of them.
#[derive(Debug, Clone, Copy)]
pub struct Selection<'a> {
    /// The environments.
    pub environments: &'a [String],
    /// Whether a profile that does not have an environment is skipped there instead of rejected.
    pub skip_absent: bool,
    /// The objects: `Kind` or `Kind/name`; all of them if empty.
    pub only: &'a [String],
    /// Whether the project's `allow` settings are ignored.
    pub strict: bool,
    /// Whether there are several bundles to compare with each other.
    pub several: bool,
}

/// A bundle that passed its checks.
pub struct Bundle<T> {
    /// What the caller made of its objects.
    pub output: T,
    /// Its findings, none of severity error.
    pub findings: Vec<Finding>,
    /// The secrets in it, if there are findings.
    pub secrets: Secrets,
    profile: String,
    /// The profiles whose bundles are applied before this one.
    needs: Vec<String>,
    /// What the rules that compare bundles read, if there are several bundles.
    facts: Option<BundleFacts>,
}

/// A bundle that did not pass its checks.
pub struct Rejected {
    /// Its profile.
    pub profile: String,
    /// Why.
    pub failure: Failure,
    /// The secrets in it.
    pub secrets: Secrets,
}

/// Why there is no bundle.
pub enum Error {
    /// Something is wrong with the profile, the templates or the rendered objects.
    Rejected(Box<Rejected>),
    /// The caller could not write it.
    Failed(anyhow::Error),
}

impl<'a> Fleet<'a> {
    /// Bundles of a project.
    #[must_use]
    pub fn new(
        sources: &'a Sources,
        project: &'a Project,
        renderer: &'a Renderer<'a>,
        options: &'a Options,
        selection: Selection<'a>,
    ) -> Self {
        Self { sources, project, renderer, options, selection, digests: Mutex::default() }
    }

    /// Renders and checks the bundles of one profile. `write` gets each bundle that passes: its name, the selected objects,
    /// and a function that computes what it was made from.
    pub fn render<T>(
        &self,
        profile: &str,
        write: impl Fn(BundleName, &[&Object], &dyn Fn() -> Provenance) -> anyhow::Result<T>,
    ) -> Vec<Result<Bundle<T>, Error>> {
        let layers = &self.renderer.layers;
        let profile = match layers.profile(profile) {
            Ok(profile) => profile,
            Err(failure) => return vec![Err(rejected(profile, failure, Secrets::new(self.sources)))],
        };
        let own = layers.environments(&profile);
        let selected = self.selection.environments.iter();
        let selected = selected.filter(|name| !self.selection.skip_absent || own.iter().any(|own| own == *name));
        selected.map(|environment| self.bundle(&profile, environment, &write)).collect()
    }

    fn bundle<T>(
        &self,
        profile: &Profile,
        environment: &str,
        write: impl Fn(BundleName, &[&Object], &dyn Fn() -> Provenance) -> anyhow::Result<T>,
    ) -> Result<Bundle<T>, Error> {
        let reject = |failure, secrets| rejected(&profile.name, failure, secrets);
        let rendered = self
            .renderer
            .layers
            .values(profile, environment)
            .and_then(|values| self.renderer.render_values(values))
            .map_err(|failure| reject(failure, Secrets::new(self.sources)))?;
        let settings = &self.project.settings;
        let allowances = if self.selection.strict { &[][..] } else { &settings.allow };
        let findings = check::check_rendered(self.sources, &rendered, self.options, allowances);
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            return Err(reject(Failure::Findings(findings), Secrets::of(self.sources, &rendered.objects)));
        }
        let selected = select(&rendered.objects, self.selection.only)
            .map_err(|failure| reject(failure, Secrets::new(self.sources)))?;
        let name = BundleName { profile: profile.name.clone(), environment: environment.to_owned() };
        let output = write(name, &selected, &|| self.provenance(&rendered)).map_err(Error::Failed)?;
        let secrets =
            if findings.is_empty() { Secrets::default() } else { Secrets::of(self.sources, &rendered.objects) };
        let facts = || {
            let facts = BundleFacts::of(&profile.name, environment, &rendered.objects, rendered.kind_config.as_ref());
            // Bundles that go to clusters of their own never meet.
            if settings.own_clusters { BundleFacts { cluster: profile.name.clone(), ..facts } } else { facts }
        };
        let needs = rendered.values.choices[NEEDS].items().iter().map(|item| item.text().to_owned()).collect();
        let facts = self.selection.several.then(facts);
        Ok(Bundle { output, findings, secrets, profile: profile.name.clone(), needs, facts })
    }

    /// Digests of what a bundle was made from, for its receipt.
    fn provenance(&self, rendered: &Rendered) -> Provenance {
        let input = |id| {
            let file = self.sources.get(id)?;
            let digests = || self.digests.lock().unwrap_or_else(PoisonError::into_inner);
            let digest = digests().get(&id).cloned();
            let digest = digest.unwrap_or_else(|| {
                let digest = digest::of(file.text.as_bytes());
                digests().insert(id, digest.clone());
                digest
            });
            Some((self.project.inner(&file.name).to_owned(), digest))
        };
        Provenance {
            inputs: self.renderer.inputs(rendered).into_iter().filter_map(input).collect(),
            templates: self.renderer.templates_digest().to_owned(),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Compares bundles that passed their own checks: the findings above a note, sorted.
    pub fn compare<T>(&self, bundles: &mut [Bundle<T>]) -> Vec<Finding> {
        let facts: Vec<BundleFacts> = bundles.iter_mut().filter_map(|bundle| bundle.facts.take()).collect();
        let mut findings = check::check_fleet(&facts, self.options);
        findings.retain(|finding| finding.severity > Severity::Note);
        suppress(self.sources, &[], &mut findings);
        report::sort(self.sources, &mut findings);
        findings
    }
}

/// Moves bundles that others need before those; the order stays otherwise.
pub fn order_by_need<T>(bundles: &mut Vec<Bundle<T>>) {
    if bundles.iter().all(|bundle| bundle.needs.is_empty()) {
        return;
    }
    let mut left = std::mem::take(bundles);
    while !left.is_empty() {
        let waits = |bundle: &Bundle<T>| {
            left.iter().any(|other| bundle.needs.contains(&other.profile) && other.profile != bundle.profile)
        };
        let next = left.iter().position(|bundle| !waits(bundle)).unwrap_or_default();
        bundles.push(left.remove(next));
    }
}

fn rejected(profile: &str, failure: Failure, secrets: Secrets) -> Error {
    Error::Rejected(Box::new(Rejected { profile: profile.to_owned(), failure, secrets }))
}

/// The objects that `only` names as `Kind` or `Kind/name`; all of them if it is empty.
fn select<'a>(objects: &'a [Object], only: &[String]) -> Result<Vec<&'a Object>, Failure> {
    let matches = |object: &Object, wanted: &str| {
        let (kind, name) = wanted.split_once('/').unwrap_or((wanted, ""));
        kind.eq_ignore_ascii_case(object.kind()) && (name.is_empty() || name == object.name())
    };
    for wanted in only {
        if !objects.iter().any(|object| matches(object, wanted)) {
            let names: Vec<String> = objects.iter().map(|object| object.id.to_string()).collect();
            let finding =
                Finding::error(RuleId::ObjectNotFound, Default::default(), format!("the bundle has no `{wanted}`"));
            let kinds = objects.iter().map(Object::kind).filter(|_| !wanted.contains('/'));
            let near = suggest::nearest(wanted, kinds.chain(names.iter().map(String::as_str)));
            return Err(Failure::unable(match near {
                Some(near) => finding.with_help(format!("did you mean `{near}`?")),
                None => finding.with_help(format!("available objects: {}", suggest::list(&names, "and"))),
            }));
        }
    }
    let is_selected = |object: &&Object| only.is_empty() || only.iter().any(|wanted| matches(object, wanted));
    Ok(objects.iter().filter(is_selected).collect())
}
