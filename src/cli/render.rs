//! `plimsoll render`: bundles to stdout or into a folder, checked first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use anyhow::bail;

use crate::check::fleet::{self, Facts};
use crate::check::suppress::suppress;
use crate::check::{self, Options};
use crate::cli::Outcome;
use crate::cli::args::{Global, Render};
use crate::cli::output::Output;
use crate::cli::{progress, project};
use crate::diff;
use crate::finding::{Failure, Finding, ObjectRef, Severity};
use crate::object::Object;
use crate::out::{self, Drift, MadeFrom, Reason, Rendering};
use crate::parallel::in_parallel;
use crate::project::Project;
use crate::render::{Rendered, Renderer};
use crate::report::{self, Mask};
use crate::source::Sources;
use crate::suggest;
use crate::yaml::emit_stream;

/// A bundle that passed its checks.
struct Done {
    rendering: Rendering,
    /// What is worth telling although it is no error.
    findings: Vec<Finding>,
    identities: Vec<ObjectRef>,
    /// What the rules that compare bundles need, where there are several.
    facts: Option<Facts>,
    mask: Mask,
}

/// A bundle that did not.
struct Refused {
    profile: String,
    failure: Failure,
    mask: Mask,
}

pub(super) fn run(global: &Global, args: &Render, output: &mut Output) -> anyhow::Result<Outcome> {
    let sources = Sources::new();
    let project = match project::open(global, &sources) {
        Ok(project) => project,
        Err(failure) => return Ok(output.failure(&sources, &failure)),
    };
    let folder = out_folder(args, &project)?;
    let environments = args.environments();
    if folder.is_none() && environments.len() > 1 {
        bail!("several environments need `--out DIR`: their objects share names");
    }
    let overrides = args.overrides.to_overrides();
    let renderer = match Renderer::load(&project, &sources, &overrides) {
        Ok(renderer) => renderer,
        Err(failure) => return Ok(output.failure(&sources, &failure)),
    };
    let options = match project::options(&project, &sources) {
        Ok(options) => options,
        Err(failure) => return Ok(output.failure(&sources, &failure)),
    };
    let wanted = match wanted(args, &project, &renderer, &environments) {
        Ok(wanted) => wanted,
        Err(failure) => return Ok(output.failure(&sources, &failure)),
    };
    let shared = Shared {
        sources: &sources,
        project: &project,
        renderer: &renderer,
        options: &options,
        only: &args.only,
        many: wanted.len() > 1,
        receipts: folder.is_some(),
    };
    let results = progress::watched(wanted.len(), "rendering", |count| {
        in_parallel(&wanted, None, |(profile, environment)| {
            let made = one(&shared, profile, environment);
            count.fetch_add(1, Ordering::Relaxed);
            made
        })
    });
    let mut done = Vec::with_capacity(results.len());
    let mut refused = Vec::new();
    for result in results {
        match result {
            Ok(result) => done.push(result),
            Err(error) => refused.push(*error),
        }
    }
    if !refused.is_empty() {
        return Ok(refuse(&sources, refused, output));
    }
    for done in &done {
        output.findings(&sources, &done.findings, &done.mask);
    }
    let facts: Vec<Facts> = done.iter_mut().filter_map(|done| done.facts.take()).collect();
    let mut findings = fleet::check(&facts, &options);
    findings.retain(|finding| finding.severity > Severity::Note);
    suppress(&sources, &[], &mut findings);
    report::sort(&sources, &mut findings);
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        let refused = Refused {
            profile: "the fleet".to_owned(),
            failure: Failure::Findings(findings),
            mask: Mask::new(&sources),
        };
        return Ok(refuse(&sources, vec![refused], output));
    }
    output.findings(&sources, &findings, &Mask::new(&sources));
    match folder {
        Some(folder) => {
            let renderings: Vec<Rendering> = done.into_iter().map(|done| done.rendering).collect();
            if args.verify {
                verify(&folder, &renderings, args, output)
            } else {
                write(&folder, &renderings, args, output)
            }
        }
        None => print(&done, args, output),
    }
}

/// The folder to write to, if one is asked for.
fn out_folder(args: &Render, project: &Project) -> anyhow::Result<Option<PathBuf>> {
    let folder = match (&args.out, &project.settings.out) {
        (None, _) => None,
        (Some(Some(folder)), _) => Some(folder.clone()),
        (Some(None), Some(folder)) => Some(shown(&project.inside(folder)?)),
        (Some(None), None) => bail!("`--out` needs a folder, or `out = \"…\"` in plimsoll.toml"),
    };
    Ok(folder)
}

/// A path as a person in the working folder would write it.
fn shown(path: &Path) -> PathBuf {
    let below = std::env::current_dir().ok().and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    below.filter(|below| !below.as_os_str().is_empty()).unwrap_or_else(|| path.to_owned())
}

/// The bundles asked for: profiles by environments. `--all` passes over the environments that a profile has not.
fn wanted(
    args: &Render,
    project: &Project,
    renderer: &Renderer<'_>,
    environments: &[String],
) -> Result<Vec<(String, String)>, Failure> {
    let mut wanted = Vec::new();
    if args.all {
        let names = project.profiles()?;
        let pairs = in_parallel(&names, None, |name| {
            let profile = renderer.layers.profile(name)?;
            let has = renderer.layers.environments(&profile);
            let pairs = environments.iter().filter(|environment| has.iter().any(|name| name == *environment));
            Ok::<Vec<_>, Failure>(pairs.map(|environment| (name.clone(), environment.clone())).collect())
        });
        for pairs in pairs {
            wanted.append(&mut pairs?);
        }
        if wanted.is_empty() {
            return Err(project::no_environment(environments));
        }
    } else {
        for profile in &args.profiles {
            for environment in environments {
                let pair = (profile.clone(), environment.clone());
                if !wanted.contains(&pair) {
                    wanted.push(pair);
                }
            }
        }
    }
    Ok(wanted)
}

/// What the bundles of a run share.
struct Shared<'a> {
    sources: &'a Sources,
    project: &'a Project,
    renderer: &'a Renderer<'a>,
    options: &'a Options,
    /// The objects to print; all where empty.
    only: &'a [String],
    /// Whether there are several bundles, to be compared with each other.
    many: bool,
    /// Whether receipts are written.
    receipts: bool,
}

/// Renders and checks one bundle.
fn one(shared: &Shared<'_>, profile: &str, environment: &str) -> Result<Done, Box<Refused>> {
    let sources = shared.sources;
    let refused = |failure, mask| Box::new(Refused { profile: profile.to_owned(), failure, mask });
    let rendered =
        shared.renderer.render(profile, environment).map_err(|failure| refused(failure, Mask::new(sources)))?;
    let findings = findings(sources, &rendered, shared.options);
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(refused(Failure::Findings(findings), Mask::of(sources, &rendered.objects)));
    }
    let chosen = choose(&rendered.objects, shared.only).map_err(|failure| refused(failure, Mask::new(sources)))?;
    let text = emit_stream(chosen.iter().map(|object| &object.node));
    let mask = if findings.is_empty() { Mask::default() } else { Mask::of(sources, &rendered.objects) };
    let facts = || Facts::of(profile, environment, &rendered.objects, rendered.kind_config.as_ref());
    Ok(Done {
        facts: shared.many.then(facts),
        rendering: Rendering {
            profile: profile.to_owned(),
            environment: environment.to_owned(),
            text,
            made_from: if shared.receipts { made_from(shared, &rendered) } else { MadeFrom::default() },
        },
        identities: chosen.iter().map(|object| object.id.clone()).collect(),
        findings,
        mask,
    })
}

/// What is wrong with a bundle, or worth a warning: all of it is at hand, so what is absent is missing.
pub(super) fn findings(sources: &Sources, rendered: &Rendered, options: &Options) -> Vec<Finding> {
    let options = project::options_of(rendered, options);
    let mut findings = rendered.findings.clone();
    findings.extend(check::check_in(sources, &rendered.objects, &options));
    findings.retain(|finding| finding.severity > Severity::Note);
    if !findings.is_empty() {
        suppress(sources, &rendered.objects, &mut findings);
        report::sort(sources, &mut findings);
    }
    findings
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
                Finding::error("object-not-found", Default::default(), format!("the bundle has no `{wanted}`"));
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
    let digest = |file| {
        let file = shared.sources.get(file)?;
        Some((shared.project.inner(&file.name).to_owned(), out::digest(file.text.as_bytes())))
    };
    MadeFrom {
        inputs: shared.renderer.inputs(rendered).into_iter().filter_map(digest).collect(),
        templates: shared.renderer.templates_digest().to_owned(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Tells what is wrong, of all bundles.
fn refuse(sources: &Sources, refused: Vec<Refused>, output: &Output) -> Outcome {
    let mut profiles: Vec<&str> = refused.iter().map(|refused| refused.profile.as_str()).collect();
    profiles.dedup();
    let names = profiles.join(", ");
    let mut errors = Vec::new();
    let mut outcome = Outcome::Objections;
    for refused in refused {
        let mut findings = refused.failure.findings().to_vec();
        // What all profiles share is told once.
        findings.retain(|finding| !errors.contains(finding));
        report::sort(sources, &mut findings);
        output.findings(sources, &findings, &refused.mask);
        errors.append(&mut findings);
        if matches!(refused.failure, Failure::Unable(_)) {
            outcome = Outcome::Unable;
        }
    }
    let [number, ..] = report::counts(&errors);
    output.message(&format!("nothing was rendered: {} in {names}", suggest::count(number, "error")));
    outcome
}

fn print(done: &[Done], args: &Render, output: &mut Output) -> anyhow::Result<Outcome> {
    let mut seen: BTreeMap<&ObjectRef, &str> = BTreeMap::new();
    for bundle in done {
        for identity in &bundle.identities {
            if let Some(first) = seen.insert(identity, &bundle.rendering.profile)
                && first != bundle.rendering.profile
            {
                let both = suggest::list([first, &bundle.rendering.profile], "and");
                bail!(
                    "{both} both hold {identity}, so they cannot be printed together; write them to files: --out DIR"
                );
            }
        }
    }
    for (at, bundle) in done.iter().enumerate() {
        if at > 0 && !bundle.rendering.text.is_empty() {
            output.result("---\n")?;
        }
        output.result(&bundle.rendering.text)?;
    }
    if args.verify {
        bail!("`--verify` compares with files: give it `--out DIR`");
    }
    Ok(Outcome::Fine)
}

fn write(folder: &Path, renderings: &[Rendering], args: &Render, output: &Output) -> anyhow::Result<Outcome> {
    let written = out::write(folder, renderings, args.all)?;
    for name in &written.removed {
        output.message(&format!("removed {}: no profile makes it any more", folder.join(name).display()));
    }
    for name in &written.kept {
        output.message(&format!(
            "left {} alone: no profile makes it any more, but somebody edited it",
            folder.join(name).display()
        ));
    }
    let number = suggest::count(written.written.len(), "file");
    output.message(&format!("{number} written to {}, {} unchanged", folder.display(), written.unchanged));
    Ok(Outcome::Fine)
}

fn verify(folder: &Path, renderings: &[Rendering], args: &Render, output: &mut Output) -> anyhow::Result<Outcome> {
    let drifts = out::verify(folder, renderings, args.all)?;
    for drift in &drifts {
        let name = folder.join(&drift.name);
        output.result(&format!("{} {}\n", name.display(), verdict(drift)))?;
        if !drift.committed.is_empty() && !drift.rendered.is_empty() {
            for line in diff::drift(&drift.name, &drift.committed, &drift.rendered) {
                output.result(&format!("  {line}\n"))?;
            }
        }
    }
    let number = suggest::count(renderings.len(), "file");
    let differ = if drifts.len() == 1 { "differs" } else { "differ" };
    if drifts.is_empty() {
        output.message(&format!("{number} in {} as rendered", folder.display()));
    } else {
        output.flush()?;
        output.message(&format!(
            "{} of {number} {differ}; the same command without `--verify` writes them",
            drifts.len()
        ));
    }
    Ok(Outcome::objecting(!drifts.is_empty()))
}

/// Why a file differs, in words.
fn verdict(drift: &Drift) -> String {
    let words: Vec<String> = drift
        .reasons
        .iter()
        .map(|reason| match reason {
            Reason::Missing => "is not there".to_owned(),
            Reason::Unknown => "differs, and no receipt tells why".to_owned(),
            Reason::EditedByHand => "was edited by hand".to_owned(),
            Reason::Inputs(names) => format!("was made from other inputs: {}", names.join(", ")),
            Reason::Templates => "was made from other templates".to_owned(),
            Reason::Tool(version) => format!("was made by plimsoll {version}"),
            Reason::Arguments => "was made with other arguments, or another build of this version".to_owned(),
            Reason::Stale => "is made by no profile any more".to_owned(),
        })
        .collect();
    words.join("; ")
}
