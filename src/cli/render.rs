//! `plimsoll render`: bundles to stdout or into a folder, checked first.

use std::collections::{BTreeMap, HashMap};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::bail;

use crate::check::fleet::{self, Facts};
use crate::check::suppress::suppress;
use crate::check::{self, Options};
use crate::cli::Outcome;
use crate::cli::args::{Global, Render};
use crate::cli::output::Output;
use crate::cli::{progress, project};
use crate::diff;
use crate::digest;
use crate::finding::{Failure, Finding, ObjectRef, Severity};
use crate::layers::Profile;
use crate::object::Object;
use crate::out::{self, Drift, MadeFrom, Name, Reason, Rendering, Tidied, Writer};
use crate::parallel::in_parallel;
use crate::project::Project;
use crate::render::{Rendered, Renderer};
use crate::report::{self, Mask};
use crate::source::{FileId, Sources};
use crate::suggest;
use crate::yaml::emit_stream;

/// A bundle that passed its checks.
struct Done {
    name: Name,
    outcome: Kept,
    /// What is worth telling although it is no error.
    findings: Vec<Finding>,
    identities: Vec<ObjectRef>,
    /// What the rules that compare bundles need, where there are several.
    facts: Option<Facts>,
    mask: Mask,
}

/// What became of its text.
enum Kept {
    /// It is to be printed.
    Text(String),
    /// It is on its way into the out folder; whether it is another than the one there.
    Written(bool),
    /// It was compared with the one in the out folder.
    Compared(Option<Drift>),
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

/// Where bundles go.
enum Target {
    Stdout,
    /// A folder, opened by the first bundle that passes.
    Folder(PathBuf, OnceLock<Result<Writer, String>>),
    /// A folder to compare with.
    Committed(PathBuf),
}

pub(super) fn run(global: &Global, args: &Render, output: &mut Output) -> anyhow::Result<Outcome> {
    // What the whole run needs is not taken apart at its end: the process ends with it.
    let sources = ManuallyDrop::new(Sources::new());
    let project = match project::open(global, &sources) {
        Ok(project) => project,
        Err(failure) => return Ok(output.failure(&sources, &failure)),
    };
    let target = match out_folder(args, &project)? {
        Some(folder) if args.verify => Target::Committed(folder),
        Some(folder) => Target::Folder(folder, OnceLock::new()),
        None if args.verify => bail!("`--verify` compares with files: give it `--out DIR`"),
        None => Target::Stdout,
    };
    let environments = args.environments();
    if matches!(target, Target::Stdout) && environments.len() > 1 {
        bail!("several environments need `--out DIR`: their objects share names");
    }
    let overrides = args.overrides.to_overrides();
    let renderer = match Renderer::load(&project, &sources, &overrides) {
        Ok(renderer) => ManuallyDrop::new(renderer),
        Err(failure) => return Ok(output.failure(&sources, &failure)),
    };
    let options = match project::options(&project, &sources) {
        Ok(options) => ManuallyDrop::new(options),
        Err(failure) => return Ok(output.failure(&sources, &failure)),
    };
    let profiles = match profiles(args, &project) {
        Ok(profiles) => profiles,
        Err(failure) => return Ok(output.failure(&sources, &failure)),
    };
    let shared = Shared {
        sources: &sources,
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
        return Ok(refuse(&sources, refused, output));
    }
    if let Some(error) = failed {
        return Err(error);
    }
    if done.is_empty() {
        return Ok(output.failure(&sources, &project::no_environment(&environments)));
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
    match &target {
        Target::Stdout => print(&done, output),
        Target::Folder(folder, writer) => write(folder, writer, done, args, output),
        Target::Committed(folder) => verify(folder, done, args, output),
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
    let rendered =
        shared.renderer.render_profile(profile, environment).map_err(|failure| refuse(failure, Mask::new(sources)))?;
    let findings = findings(sources, &rendered, shared.options);
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(refuse(Failure::Findings(findings), Mask::of(sources, &rendered.objects)));
    }
    let chosen = choose(&rendered.objects, &shared.args.only).map_err(|failure| refuse(failure, Mask::new(sources)))?;
    let name = Name { profile: profile.name.clone(), environment: environment.to_owned() };
    let text = emit_stream(chosen.iter().map(|object| &object.node));
    let rendering = |text| Rendering { name: name.clone(), text, made_from: made_from(shared, &rendered) };
    let outcome = match shared.target {
        Target::Stdout => Kept::Text(text),
        Target::Folder(folder, writer) => {
            let opened = writer.get_or_init(|| Writer::open(folder).map_err(|error| format!("{error:#}")));
            let writer = opened.as_ref().map_err(|error| Fault::Failed(anyhow::Error::msg(error.clone())))?;
            Kept::Written(writer.add(&rendering(text)).map_err(Fault::Failed)?)
        }
        Target::Committed(folder) => Kept::Compared(out::verify(folder, &rendering(text)).map_err(Fault::Failed)?),
    };
    let mask = if findings.is_empty() { Mask::default() } else { Mask::of(sources, &rendered.objects) };
    let facts = || Facts::of(&profile.name, environment, &rendered.objects, rendered.kind_config.as_ref());
    let printed = matches!(outcome, Kept::Text(_));
    Ok(Done {
        facts: shared.many.then(facts),
        identities: if printed { chosen.iter().map(|object| object.id.clone()).collect() } else { Vec::new() },
        name,
        outcome,
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

fn print(done: &[Done], output: &mut Output) -> anyhow::Result<Outcome> {
    let mut seen: BTreeMap<&ObjectRef, &str> = BTreeMap::new();
    for bundle in done {
        for identity in &bundle.identities {
            if let Some(first) = seen.insert(identity, &bundle.name.profile)
                && first != bundle.name.profile
            {
                let both = suggest::list([first, &bundle.name.profile], "and");
                bail!(
                    "{both} both hold {identity}, so they cannot be printed together; write them to files: --out DIR"
                );
            }
        }
    }
    let texts = done.iter().filter_map(|bundle| match &bundle.outcome {
        Kept::Text(text) => Some(text),
        _ => None,
    });
    for (at, text) in texts.enumerate() {
        if at > 0 && !text.is_empty() {
            output.result("---\n")?;
        }
        output.result(text)?;
    }
    Ok(Outcome::Fine)
}

fn write(
    folder: &Path,
    writer: &OnceLock<Result<Writer, String>>,
    done: Vec<Done>,
    args: &Render,
    output: &Output,
) -> anyhow::Result<Outcome> {
    let Some(Ok(writer)) = writer.get() else { bail!("nothing was written to {}", folder.display()) };
    writer.commit()?;
    let new = done.iter().filter(|done| matches!(done.outcome, Kept::Written(true))).count();
    let names: Vec<Name> = done.into_iter().map(|done| done.name).collect();
    let tidied = if args.all { writer.tidy(&names)? } else { Tidied::default() };
    for name in &tidied.removed {
        output.message(&format!("removed {}: no profile makes it any more", folder.join(name).display()));
    }
    for name in &tidied.kept {
        output.message(&format!(
            "left {} alone: no profile makes it any more, but somebody edited it",
            folder.join(name).display()
        ));
    }
    let unchanged = names.len() - new;
    let number = suggest::count(new, "file");
    output.message(&format!("{number} written to {}, {unchanged} unchanged", folder.display()));
    Ok(Outcome::Fine)
}

fn verify(folder: &Path, done: Vec<Done>, args: &Render, output: &mut Output) -> anyhow::Result<Outcome> {
    let (mut drifts, mut names) = (Vec::new(), Vec::new());
    for done in done {
        if let Kept::Compared(drift) = done.outcome {
            drifts.extend(drift);
        }
        names.push(done.name);
    }
    if args.all {
        drifts.append(&mut out::verify_stale(folder, &names)?);
    }
    for drift in &drifts {
        let name = folder.join(&drift.name);
        output.result(&format!("{} {}\n", name.display(), verdict(drift)))?;
        if !drift.committed.is_empty() && !drift.rendered.is_empty() {
            for line in diff::drift(&drift.name, &drift.committed, &drift.rendered) {
                output.result(&format!("  {line}\n"))?;
            }
        }
    }
    let number = suggest::count(names.len(), "file");
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
