//! `plimsoll render`: bundles to stdout or into a folder, checked first.

use std::mem::ManuallyDrop;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use anyhow::anyhow;
use foldhash::{HashMap, HashSet, HashSetExt};

use crate::check::fleet::Facts;
use crate::check::suppress::suppress;
use crate::check::{self, Options, rules};
use crate::cli::args::{Global, Render};
use crate::cli::outcome::{Outcome, Stop};
use crate::cli::output::Output;
use crate::cli::target::{Taken, Target};
use crate::cli::{progress, project};
use crate::digest;
use crate::finding::{Failure, Finding, RuleId, Severity};
use crate::layers::{NEEDS, Profile, no_environment};
use crate::object::Object;
use crate::out::{MadeFrom, Name};
use crate::parallel::in_parallel;
use crate::project::{Project, repeatable};
use crate::render::{Rendered, Renderer};
use crate::report::{self, Mask};
use crate::source::{FileId, Sources};
use crate::suggest;

/// A bundle that passed its checks.
struct Done {
    profile: String,
    /// The profiles whose bundles are applied before.
    needs: Vec<String>,
    taken: Taken,
    /// What is worth telling although it is no error.
    findings: Vec<Finding>,
    /// What the rules that compare bundles need, where there are several.
    facts: Option<Facts>,
    mask: Mask,
}

/// Puts the bundles that others need before those; each keeps its place otherwise.
fn order_by_need(done: &mut Vec<Done>) {
    if done.iter().all(|done| done.needs.is_empty()) {
        return;
    }
    let mut left = std::mem::take(done);
    while !left.is_empty() {
        let waits =
            |one: &Done| left.iter().any(|other| one.needs.contains(&other.profile) && other.profile != one.profile);
        let next = left.iter().position(|one| !waits(one)).unwrap_or_default();
        done.push(left.remove(next));
    }
}

/// Why a bundle is not done.
enum Fault {
    /// Something is wrong with it.
    Refused(Box<Refused>),
    /// The machine said no.
    Failed(anyhow::Error),
}

/// A bundle that did not pass its checks.
struct Refused {
    profile: String,
    failure: Failure,
    mask: Mask,
}

pub(super) fn run(global: &Global, args: &Render, output: &mut Output) -> anyhow::Result<Outcome> {
    // What the whole run needs is not taken apart at its end: the process ends with it.
    let sources = ManuallyDrop::new(Sources::new());
    output.collect(&args.reports);
    let outcome = match render(global, args, &sources, output) {
        Ok(outcome) => outcome,
        Err(Stop::Failure(failure)) => output.failure(&sources, &failure),
        Err(Stop::Error(error)) => return Err(error),
    };
    output.write_reports(&sources, Severity::Error)?;
    Ok(outcome)
}

fn render(global: &Global, args: &Render, sources: &Sources, output: &mut Output) -> Result<Outcome, Stop> {
    let project = project::open(global, sources)?;
    let target = Target::of(args, &project)?;
    let overrides = args.overrides.to_overrides();
    let (renderer, options) = project::load(global, &project, sources, &overrides)?;
    let (renderer, options) = (ManuallyDrop::new(renderer), ManuallyDrop::new(options));
    let profiles = profiles(args, &project)?;
    overrides.only_for(&profiles)?;
    let environments = environments(args, &renderer)?;
    if target.is_stdout() && environments.len() > 1 {
        return Err(anyhow!("several environments need `--out DIR`: their objects share names").into());
    }
    let shared = Shared {
        sources,
        project: &project,
        renderer: &renderer,
        options: &options,
        args,
        environments: &environments,
        many: profiles.len() * environments.len() > 1,
        target: &target,
        digests: Mutex::default(),
    };
    let results = progress::watched(profiles.len(), "rendering", |count| {
        in_parallel(&profiles, None, |profile| {
            let made = bundles(&shared, profile);
            count.fetch_add(1, Ordering::Relaxed);
            made
        })
    });
    let mut done = Vec::with_capacity(results.len());
    let (mut refused, mut failed) = (Vec::new(), None);
    for result in results.into_iter().flatten() {
        match result {
            Ok(result) => done.push(result),
            Err(Fault::Refused(error)) => refused.push(*error),
            Err(Fault::Failed(error)) => _ = failed.get_or_insert(error),
        }
    }
    if !refused.is_empty() {
        return Ok(refuse(sources, refused, output));
    }
    if let Some(error) = failed {
        return Err(error.into());
    }
    if done.is_empty() {
        return Err(no_environment(&environments).into());
    }
    order_by_need(&mut done);
    for done in &done {
        output.findings(sources, &done.findings, &done.mask);
    }
    let facts: Vec<Facts> = done.iter_mut().filter_map(|done| done.facts.take()).collect();
    let mut findings = check::check_fleet(&facts, &options);
    findings.retain(|finding| finding.severity > Severity::Note);
    suppress(sources, &[], &mut findings);
    report::sort(sources, &mut findings);
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        let refused =
            Refused { profile: "the fleet".to_owned(), failure: Failure::Findings(findings), mask: Mask::new(sources) };
        return Ok(refuse(sources, vec![refused], output));
    }
    output.findings(sources, &findings, &Mask::new(sources));
    Ok(target.finish(done.into_iter().map(|done| done.taken).collect(), args.all, output)?)
}

/// The profiles asked for, each once.
fn profiles(args: &Render, project: &Project) -> Result<Vec<String>, Failure> {
    if args.all {
        return project.profiles();
    }
    let mut profiles: Vec<String> = Vec::new();
    for profile in &args.profiles {
        if !profiles.contains(profile) {
            profiles.push(profile.clone());
        }
    }
    Ok(profiles)
}

/// The environments asked for, each once; without any the project's default.
fn environments(args: &Render, renderer: &Renderer<'_>) -> Result<Vec<String>, Failure> {
    if args.env.is_empty() {
        return renderer.layers.environment(None, &args.profiles).map(|environment| vec![environment]);
    }
    let mut environments: Vec<String> = Vec::new();
    for name in &args.env {
        if !environments.contains(name) {
            environments.push(name.clone());
        }
    }
    Ok(environments)
}

/// What the bundles of a run share.
struct Shared<'a> {
    sources: &'a Sources,
    project: &'a Project,
    renderer: &'a Renderer<'a>,
    options: &'a Options,
    args: &'a Render,
    environments: &'a [String],
    /// Whether there are several bundles, to be compared with each other.
    many: bool,
    target: &'a Target,
    /// The digests of inputs, which many bundles share, by file.
    digests: Mutex<HashMap<FileId, String>>,
}

/// The bundles of one profile. `--all` passes over the environments that the profile has not.
fn bundles(shared: &Shared<'_>, profile: &str) -> Vec<Result<Done, Fault>> {
    let layers = &shared.renderer.layers;
    let profile = match layers.profile(profile) {
        Ok(profile) => profile,
        Err(failure) => return vec![Err(refused(profile, failure, Mask::new(shared.sources)))],
    };
    let has = layers.environments(&profile);
    let wanted = shared.environments.iter().filter(|name| !shared.args.all || has.iter().any(|known| known == *name));
    wanted.map(|environment| one(shared, &profile, environment)).collect()
}

fn refused(profile: &str, failure: Failure, mask: Mask) -> Fault {
    Fault::Refused(Box::new(Refused { profile: profile.to_owned(), failure, mask }))
}

/// Renders and checks one bundle.
fn one(shared: &Shared<'_>, profile: &Profile, environment: &str) -> Result<Done, Fault> {
    let sources = shared.sources;
    let refuse = |failure, mask| refused(&profile.name, failure, mask);
    let renderer = shared.renderer;
    let rendered = renderer
        .layers
        .values(profile, environment)
        .and_then(|values| renderer.render_values(values))
        .map_err(|failure| refuse(failure, Mask::new(sources)))?;
    let allowances = if shared.args.strict { &[][..] } else { &shared.project.settings.allow };
    let findings = check::check_rendered(sources, &rendered, shared.options, allowances);
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(refuse(Failure::Findings(findings), Mask::of(sources, &rendered.objects)));
    }
    let chosen = choose(&rendered.objects, &shared.args.only).map_err(|failure| refuse(failure, Mask::new(sources)))?;
    let name = Name { profile: profile.name.clone(), environment: environment.to_owned() };
    let taken = shared.target.take(name, &chosen, || made_from(shared, &rendered)).map_err(Fault::Failed)?;
    let mask = if findings.is_empty() { Mask::default() } else { Mask::of(sources, &rendered.objects) };
    let facts = || {
        let facts = Facts::of(&profile.name, environment, &rendered.objects, rendered.kind_config.as_ref());
        // Bundles that go to clusters of their own never meet.
        if shared.project.settings.own_clusters { Facts { cluster: profile.name.clone(), ..facts } } else { facts }
    };
    let needs = rendered.values.choices[NEEDS].items().iter().map(|item| item.text().to_owned()).collect();
    Ok(Done { profile: profile.name.clone(), needs, taken, facts: shared.many.then(facts), findings, mask })
}

/// The objects that `--only` names: `Kind` or `Kind/name`; all without it.
fn choose<'a>(objects: &'a [Object], only: &[String]) -> Result<Vec<&'a Object>, Failure> {
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
                None => finding.with_help(format!("it has {}", suggest::list(&names, "and"))),
            }));
        }
    }
    let chosen = |object: &&Object| only.is_empty() || only.iter().any(|wanted| matches(object, wanted));
    Ok(objects.iter().filter(chosen).collect())
}

/// Digests of what a bundle was made from, for its receipt.
fn made_from(shared: &Shared<'_>, rendered: &Rendered) -> MadeFrom {
    let input = |id| {
        let file = shared.sources.get(id)?;
        let known = || shared.digests.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = known().get(&id).cloned();
        let digest = digest.unwrap_or_else(|| {
            let digest = digest::of(file.text.as_bytes());
            known().insert(id, digest.clone());
            digest
        });
        Some((shared.project.inner(&file.name).to_owned(), digest))
    };
    MadeFrom {
        inputs: shared.renderer.inputs(rendered).into_iter().filter_map(input).collect(),
        templates: shared.renderer.templates_digest().to_owned(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// How one finding is allowed.
const ALLOW: &str = "\nto allow one finding on one object, write `# plimsoll: allow RULE because REASON` above the line shown, \
                     or annotate the object: `plimsoll.dev/allow: RULE because REASON`";

/// Tells what is wrong, of all bundles.
fn refuse(sources: &Sources, refused: Vec<Refused>, output: &Output) -> Outcome {
    let mut profiles: Vec<&str> = refused.iter().map(|refused| repeatable(&refused.profile)).collect();
    profiles.dedup();
    let names = profiles.join(", ");
    let mut told: HashSet<Finding> = HashSet::new();
    let mut outcome = Outcome::Objections;
    for refused in refused {
        // What all profiles share is told once.
        let new = refused.failure.findings().iter().filter(|finding| told.insert((*finding).clone()));
        let mut findings: Vec<Finding> = new.cloned().collect();
        report::sort(sources, &mut findings);
        output.findings(sources, &findings, &refused.mask);
        if matches!(refused.failure, Failure::Unable(_)) {
            outcome = Outcome::Unable;
        }
    }
    let by_rules =
        told.iter().any(|finding| finding.object.is_some() && rules::ALL.iter().any(|rule| rule.id == finding.rule));
    let errors = told.iter().filter(|finding| finding.severity == Severity::Error).count();
    let allow = if by_rules { ALLOW } else { "" };
    output.message(&format!("nothing was rendered: {} in {names}{allow}", suggest::count(errors, "error")));
    outcome
}
