//! `plimsoll render`: checks bundles and writes them to stdout or into a directory.

use std::mem::ManuallyDrop;
use std::sync::atomic::Ordering;

use anyhow::anyhow;
use foldhash::{HashSet, HashSetExt};

use crate::check::rules;
use crate::cli::args::{Global, Render};
use crate::cli::outcome::{Outcome, Stop};
use crate::cli::output::Output;
use crate::cli::target::Target;
use crate::cli::{progress, project};
use crate::finding::{Failure, Finding, Severity};
use crate::fleet::{self, Fleet, Rejected, Selection};
use crate::layers::no_environment;
use crate::parallel::in_parallel;
use crate::project::{Project, repeatable};
use crate::render::Renderer;
use crate::report::{self, Secrets};
use crate::source::Sources;
use crate::suggest;

pub(super) fn run(global: &Global, args: &Render, output: &mut Output) -> anyhow::Result<Outcome> {
    // The process ends with the run, so what the whole run needs is not freed.
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
    renderer.layers.only_for(&profiles)?;
    let environments = environments(args, &renderer)?;
    if target.is_stdout() && environments.len() > 1 {
        return Err(anyhow!("several environments need `--out DIR`: their objects share names").into());
    }
    let selection = Selection {
        environments: &environments,
        skip_absent: args.all,
        only: &args.only,
        strict: args.strict,
        several: profiles.len() * environments.len() > 1,
    };
    let fleet = Fleet::new(sources, &project, &renderer, &options, selection);
    let results = progress::watched(profiles.len(), "rendering", |count| {
        in_parallel(&profiles, None, |profile| {
            let bundles = fleet.render(profile, |name, objects, provenance| target.deliver(name, objects, provenance));
            count.fetch_add(1, Ordering::Relaxed);
            bundles
        })
    });
    let mut bundles = Vec::with_capacity(results.len());
    let (mut rejected, mut failed) = (Vec::new(), None);
    for result in results.into_iter().flatten() {
        match result {
            Ok(bundle) => bundles.push(bundle),
            Err(fleet::Error::Rejected(error)) => rejected.push(*error),
            Err(fleet::Error::Failed(error)) => _ = failed.get_or_insert(error),
        }
    }
    if !rejected.is_empty() {
        return Ok(reject(sources, rejected, output));
    }
    if let Some(error) = failed {
        return Err(error.into());
    }
    if bundles.is_empty() {
        return Err(no_environment(&environments).into());
    }
    fleet::order_by_need(&mut bundles);
    for bundle in &bundles {
        output.findings(sources, &bundle.findings, &bundle.secrets);
    }
    let findings = fleet.compare(&mut bundles);
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        let failure = Failure::Findings(findings);
        let rejected = Rejected { profile: "the fleet".to_owned(), failure, secrets: Secrets::new(sources) };
        return Ok(reject(sources, vec![rejected], output));
    }
    output.findings(sources, &findings, &Secrets::new(sources));
    Ok(target.finish(bundles.into_iter().map(|bundle| bundle.output).collect(), args.all, output)?)
}

/// The selected profiles, each once.
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

/// The selected environments, each once; the project's default if none is selected.
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

/// How to allow one finding.
const ALLOW: &str = "\nto allow one finding on one object, write `# plimsoll: allow RULE because REASON` above the line shown, \
                     or annotate the object: `plimsoll.dev/allow: RULE because REASON`";

/// Reports why bundles were rejected.
fn reject(sources: &Sources, rejected: Vec<Rejected>, output: &Output) -> Outcome {
    let mut profiles: Vec<&str> = rejected.iter().map(|rejected| repeatable(&rejected.profile)).collect();
    profiles.dedup();
    let names = profiles.join(", ");
    let mut reported: HashSet<Finding> = HashSet::new();
    let mut outcome = Outcome::Objections;
    for rejected in rejected {
        // A finding about a file that profiles share is reported once.
        let new = rejected.failure.findings().iter().filter(|finding| reported.insert((*finding).clone()));
        let mut findings: Vec<Finding> = new.cloned().collect();
        report::sort(sources, &mut findings);
        output.findings(sources, &findings, &rejected.secrets);
        if matches!(rejected.failure, Failure::Unable(_)) {
            outcome = Outcome::Unable;
        }
    }
    let is_of_rule =
        |finding: &Finding| finding.object.is_some() && rules::ALL.iter().any(|rule| rule.id == finding.rule);
    let errors = reported.iter().filter(|finding| finding.severity == Severity::Error).count();
    let allow = if reported.iter().any(is_of_rule) { ALLOW } else { "" };
    output.message(&format!("nothing was rendered: {} in {names}{allow}", suggest::count(errors, "error")));
    outcome
}
