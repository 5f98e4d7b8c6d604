//! `plimsoll diff`: what changes between two bundles, and the effect of applying the change.

use std::path::Path;

use crate::check::Options;
use crate::check::input::Input;
use crate::cli::args::{Diff, DiffFormat, Global};
use crate::cli::outcome::{Outcome, Stop};
use crate::cli::output::Output;
use crate::cli::{manifests, project};
use crate::diff::{self, BundleDiff, Purpose, Redactor};
use crate::finding::{Failure, Finding, RuleId, Severity};
use crate::object::Object;
use crate::page;
use crate::parallel::in_parallel;
use crate::project::Project;
use crate::render::{Rendered, Renderer};
use crate::report::Secrets;
use crate::source::Sources;

/// Objects to compare, and their name.
struct Side {
    name: String,
    objects: Vec<Object>,
}

pub(super) fn run(global: &Global, args: &Diff, output: &mut Output) -> anyhow::Result<Outcome> {
    output.collect(&args.reports);
    let sources = Sources::new();
    match compare(global, args, &sources, output) {
        Ok(bundles) => {
            let text = match args.output {
                DiffFormat::Terminal => diff::terminal(&bundles, output.colour()),
                DiffFormat::Markdown => diff::markdown(&bundles),
                DiffFormat::Json => diff::json(&bundles),
                DiffFormat::Html => page::review(&bundles),
            };
            output.result(&text)?;
            let findings: Vec<Finding> = bundles.iter().flat_map(BundleDiff::findings).collect();
            output.keep(&sources, &findings, &Secrets::new(&sources));
            output.write_reports(&sources, Severity::Error)?;
            Ok(Outcome::objecting(bundles.iter().any(BundleDiff::differs)))
        }
        // As in other programs that compare, 1 means that there are differences.
        Err(Stop::Failure(failure)) => {
            _ = output.failure(&sources, &failure);
            output.write_reports(&sources, Severity::Error)?;
            Ok(Outcome::Unable)
        }
        Err(Stop::Error(error)) => Err(error),
    }
}

fn compare(global: &Global, args: &Diff, sources: &Sources, output: &Output) -> Result<Vec<BundleDiff>, Stop> {
    if let Some(base) = &args.base {
        return revisions(global, args, base, sources, output);
    }
    match (args.old.as_deref(), args.new.as_deref()) {
        (Some(profile), None) if !is_path(profile) => committed(global, args, profile, sources),
        (Some(old), Some(new)) => two(global, args, old, new, sources),
        (Some(path), None) => Err(anyhow::anyhow!("`{path}` needs a second file or folder to compare with").into()),
        (None, _) => Err(anyhow::anyhow!(
            "nothing to compare: pass a profile, two profiles, two files, or a revision with `--base`"
        )
        .into()),
    }
}

/// The options, with the custom resource definitions that are in neither side.
fn with_definitions(options: &Options, sources: &Sources, old: &[Object], new: &[Object]) -> Result<Options, Failure> {
    let found = options.definitions.of(sources, new.iter().chain(old).map(|object| &object.node), &options.crds);
    if !found.findings.is_empty() {
        return Err(found.findings.into());
    }
    let mut options = options.clone();
    options.crds.extend(found.definitions);
    Ok(options)
}

/// Whether an argument is a file or directory, not a profile.
pub(super) fn is_path(name: &str) -> bool {
    name == "-" || name.contains(['/', '\\', '.']) || Path::new(name).exists()
}

/// Compares a rendered profile with its committed file.
fn committed(global: &Global, args: &Diff, profile: &str, sources: &Sources) -> Result<Vec<BundleDiff>, Stop> {
    let project = project::open(global, sources)?;
    let folder = match (&args.out, &project.settings.out) {
        (Some(folder), _) => folder.clone(),
        (None, Some(folder)) => project.inside(folder)?,
        (None, None) => {
            let why = "no output folder: pass `--out DIR`, or set `out` in plimsoll.toml";
            return Err(anyhow::anyhow!("{why}; `plimsoll diff {profile} OTHER` compares two profiles").into());
        }
    };
    let (renderer, options) = project::load(global, &project, sources, &args.overrides.to_overrides())?;
    let profiles = [profile.to_owned()];
    renderer.layers.only_for(&profiles)?;
    let environments = match args.env.as_slice() {
        [] => vec![renderer.layers.environment(None, &profiles)?],
        environments => environments.to_vec(),
    };
    let mut bundles = Vec::new();
    for environment in &environments {
        let rendered = renderer.render(profile, environment)?;
        let path = folder.join(format!("{profile}.{environment}.yaml"));
        let old = match path.symlink_metadata() {
            Err(_) => None,
            Ok(found) if found.is_file() => Some(read(&path, sources)?),
            Ok(_) => return Err(anyhow::anyhow!("{} is not a regular file", path.display()).into()),
        };
        let redactor = Redactor::of(sources, old.iter().flatten().chain(&rendered.objects));
        let new = rendered.objects.as_slice();
        let options = with_definitions(&options, sources, old.as_deref().unwrap_or_default(), new)?;
        let bundle = (profile, environment.as_str());
        bundles.push(BundleDiff::new(bundle, old.as_deref(), Some(new), &redactor, Purpose::Update, &options));
    }
    Ok(bundles)
}

/// Compares two profiles, two sets of manifests, or one of each.
fn two(global: &Global, args: &Diff, old: &str, new: &str, sources: &Sources) -> Result<Vec<BundleDiff>, Stop> {
    if args.env.len() > 1 {
        return Err(anyhow::anyhow!("a diff compares two sides in one environment").into());
    }
    if old == "-" && new == "-" {
        return Err(anyhow::anyhow!("standard input can be only one of the two sides").into());
    }
    let project = project::open(global, sources)?;
    let options = project::options(global, &project, sources)?;
    let profiles = [old, new].iter().filter(|name| !is_path(name)).count();
    if profiles == 0 {
        let (from, to) = (read(Path::new(old), sources)?, read(Path::new(new), sources)?);
        let redactor = Redactor::of(sources, from.iter().chain(&to));
        let title = format!("{old} → {new}");
        let options = with_definitions(&options, sources, &from, &to)?;
        return Ok(vec![BundleDiff::new((&title, ""), Some(&from), Some(&to), &redactor, Purpose::Update, &options)]);
    }
    let renderer = project::renderer(global, &project, sources, &args.overrides.to_overrides())?;
    let environment = {
        let profiles: Vec<String> = [old, new].into_iter().filter(|name| !is_path(name)).map(str::to_owned).collect();
        renderer.layers.only_for(&profiles)?;
        renderer.layers.environment(args.env.first().map(String::as_str), &profiles)?
    };
    let side = |name: &str| -> Result<Side, Stop> {
        if is_path(name) {
            return Ok(Side { name: name.to_owned(), objects: read(Path::new(name), sources)? });
        }
        let objects = renderer.render(name, &environment)?.objects;
        Ok(Side { name: format!("{name} · {environment}"), objects })
    };
    let (from, to) = (side(old)?, side(new)?);
    let redactor = Redactor::of(sources, from.objects.iter().chain(&to.objects));
    let title = format!("{} → {}", from.name, to.name);
    // Two profiles are independent: neither is applied over the other.
    let purpose = if profiles == 2 { Purpose::Comparison } else { Purpose::Update };
    let options = with_definitions(&options, sources, &from.objects, &to.objects)?;
    Ok(vec![BundleDiff::new((&title, ""), Some(&from.objects), Some(&to.objects), &redactor, purpose, &options)])
}

/// A profile in an environment.
type Wanted = (String, String);

/// Compares all profiles in all environments between a revision and the working tree.
fn revisions(
    global: &Global,
    args: &Diff,
    base: &str,
    sources: &Sources,
    output: &Output,
) -> Result<Vec<BundleDiff>, Stop> {
    let project = project::open(global, sources)?;
    let options = project::options(global, &project, sources)?;
    let overrides = args.overrides.to_overrides();
    // Git runs while the working tree is read.
    let (before, renderer) = std::thread::scope(|scope| {
        let before = scope.spawn(|| project.at(base, sources));
        let renderer = project::renderer(global, &project, sources, &overrides);
        (before.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), renderer)
    });
    let (before, renderer) = (before?, renderer?);
    let old_renderer = match &before {
        Some(before) => Some(project::renderer(global, before, sources, &overrides)?),
        None => None,
    };
    renderer.layers.only_for(&project.profiles()?)?;
    let mut wanted = wanted(&project, &renderer, args)?;
    if let (Some(before), Some(old_renderer)) = (&before, &old_renderer) {
        // Bundles of the working tree keep their order; removed ones come last.
        let gone = self::wanted(before, old_renderer, args)?;
        let gone: Vec<_> =
            gone.into_iter().filter(|bundle| !wanted.iter().any(|(known, _)| *known == bundle.0)).collect();
        wanted.extend(gone.into_iter().map(|(bundle, _)| (bundle, false)));
    }
    if wanted.is_empty() {
        return Err(anyhow::anyhow!("nothing to compare: no profile has these environments").into());
    }
    let results = in_parallel(&wanted, None, |((profile, environment), is_there)| {
        let new = is_there.then(|| renderer.render(profile, environment));
        let old = old_renderer.as_ref().map(|renderer| renderer.render(profile, environment));
        (old, new)
    });
    let mut bundles = Vec::with_capacity(results.len());
    let secrets = Secrets::new(sources);
    for (((profile, environment), _), (old, new)) in wanted.iter().zip(results) {
        let names = (profile.as_str(), environment.as_str());
        // A profile that does not exist in the revision, or could not be rendered there, counts as absent.
        let old = match old {
            Some(Err(Failure::Unable(_))) => None,
            old => old,
        };
        let (old, new) = match (old.transpose(), new.transpose()) {
            (old, Ok(new)) => (old.ok().flatten(), new),
            (old, Err(failure)) if old.is_err() || lacks_values(&failure) => {
                let why = failure.findings().first().map(|finding| secrets.words(&finding.message)).unwrap_or_default();
                let help = "set the missing values with --values, or choose others with --env";
                output.message(&format!("{profile} · {environment} is skipped: {why} ({help})"));
                continue;
            }
            (_, Err(failure)) => {
                _ = output.failure(sources, &failure);
                bundles.push(BundleDiff::unrenderable(names, &failure));
                continue;
            }
        };
        let (old, new) = (old.map(objects), new.map(objects));
        let redactor = Redactor::of(sources, old.iter().chain(&new).flatten());
        let (before, after) = (old.as_deref().unwrap_or_default(), new.as_deref().unwrap_or_default());
        let options = with_definitions(&options, sources, before, after)?;
        bundles.push(BundleDiff::new(names, old.as_deref(), new.as_deref(), &redactor, Purpose::Update, &options));
    }
    Ok(bundles)
}

/// Whether the only errors are missing values, which some environments get when they are rendered.
fn lacks_values(failure: &Failure) -> bool {
    failure.findings().iter().all(|finding| finding.rule == RuleId::ProfileFieldMissing)
}

/// All objects of a bundle, after the config of its cluster, which contains everything else.
fn objects(rendered: Rendered) -> Vec<Object> {
    rendered.kind_config.into_iter().chain(rendered.objects).collect()
}

/// The selected bundles, all of which exist.
fn wanted(project: &Project, renderer: &Renderer<'_>, args: &Diff) -> Result<Vec<(Wanted, bool)>, Stop> {
    let mut wanted = Vec::new();
    for name in project.profiles()? {
        if args.old.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        let profile = renderer.layers.profile(&name)?;
        for environment in renderer.layers.environments(&profile) {
            if args.env.is_empty() || args.env.iter().any(|only| *only == *environment) {
                wanted.push(((name.clone(), environment.to_string()), true));
            }
        }
    }
    Ok(wanted)
}

/// The objects of a file, a directory or standard input.
fn read(path: &Path, sources: &Sources) -> Result<Vec<Object>, Stop> {
    let mut input = Input::default();
    manifests::read(sources, path, &mut input)?;
    input.findings.retain(|finding| finding.severity == Severity::Error);
    if input.findings.is_empty() { Ok(input.objects) } else { Err(Failure::Findings(input.findings).into()) }
}
