//! `plimsoll diff`: what changes between two bundles, and what applying it does.

use std::path::{Path, PathBuf};

use crate::check::input::Input;
use crate::cli::args::{Diff, DiffFormat, Global};
use crate::cli::output::Output;
use crate::cli::{Outcome, check, project};
use crate::diff::{self, BundleDiff, Hide, Purpose};
use crate::finding::{Failure, Severity};
use crate::object::Object;
use crate::render::Renderer;
use crate::source::Sources;

/// The environment that is rendered where none is asked for.
const DEFAULT_ENVIRONMENT: &str = "e2e";

/// Why a comparison has no result: told to the person, or an error of the machine.
pub(super) enum Stop {
    Failure(Failure),
    Error(anyhow::Error),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self::Error(error)
    }
}

/// Objects to compare, and what they are called.
struct Side {
    name: String,
    objects: Vec<Object>,
}

pub(super) fn run(global: &Global, args: &Diff, output: &mut Output) -> anyhow::Result<Outcome> {
    let sources = Sources::new();
    match compare(global, args, &sources, output) {
        Ok(bundles) => {
            let text = match args.output {
                DiffFormat::Terminal => diff::terminal(&bundles, output.colour()),
                DiffFormat::Markdown => diff::markdown(&bundles),
                DiffFormat::Json => diff::json(&bundles),
            };
            output.result(&text)?;
            Ok(Outcome::objecting(bundles.iter().any(BundleDiff::differs)))
        }
        Err(Stop::Failure(failure)) => Ok(output.failure(&sources, &failure)),
        Err(Stop::Error(error)) => Err(error),
    }
}

fn compare(global: &Global, args: &Diff, sources: &Sources, output: &Output) -> Result<Vec<BundleDiff>, Stop> {
    let _ = output;
    match (args.old.as_deref(), args.new.as_deref()) {
        (Some(profile), None) if !is_path(profile) => committed(global, args, profile, sources),
        (Some(old), Some(new)) => two(global, args, old, new, sources),
        (Some(path), None) => {
            Err(anyhow::anyhow!("`{path}` is compared with nothing: name a second file or folder").into())
        }
        (None, _) => Err(anyhow::anyhow!(
            "nothing to compare: name a profile, two profiles, two files, or a revision with `--base`"
        )
        .into()),
    }
}

/// Whether a person means a file or folder, and not a profile.
fn is_path(name: &str) -> bool {
    name == "-" || name.contains(['/', '\\', '.']) || Path::new(name).exists()
}

/// A profile as rendered now against its committed file.
fn committed(global: &Global, args: &Diff, profile: &str, sources: &Sources) -> Result<Vec<BundleDiff>, Stop> {
    let project = project::open(global, sources)?;
    let folder = match (&args.out, &project.settings.out) {
        (Some(folder), _) => folder.clone(),
        (None, Some(folder)) => project.root().map_or_else(|| PathBuf::from(folder), |root| root.join(folder)),
        (None, None) => {
            let why = "no folder of committed files: name it with `--out DIR`, or as `out` in plimsoll.toml";
            return Err(anyhow::anyhow!("{why}; `plimsoll diff {profile} OTHER` compares two profiles").into());
        }
    };
    let renderer = Renderer::load(&project, sources, &args.overrides.to_overrides())?;
    let environments = if args.env.is_empty() { vec![DEFAULT_ENVIRONMENT.to_owned()] } else { args.env.clone() };
    let mut bundles = Vec::new();
    for environment in &environments {
        let rendered = renderer.render(profile, environment)?;
        let path = folder.join(format!("{profile}.{environment}.yaml"));
        let old = if path.exists() { Some(read(&path, sources)?) } else { None };
        let hide = Hide::of(sources, old.iter().flatten().chain(&rendered.objects));
        let new = Some(rendered.objects.as_slice());
        bundles.push(BundleDiff::new((profile, environment), old.as_deref(), new, &hide, Purpose::Update));
    }
    Ok(bundles)
}

/// Two profiles, two sets of manifests, or one of each.
fn two(global: &Global, args: &Diff, old: &str, new: &str, sources: &Sources) -> Result<Vec<BundleDiff>, Stop> {
    let environment = match args.env.as_slice() {
        [] => DEFAULT_ENVIRONMENT,
        [environment] => environment,
        _ => return Err(anyhow::anyhow!("two sides are compared in one environment").into()),
    };
    if old == "-" && new == "-" {
        return Err(anyhow::anyhow!("standard input can be one of the two sides, not both").into());
    }
    let profiles = [old, new].iter().filter(|name| !is_path(name)).count();
    if profiles == 0 {
        let (from, to) = (read(Path::new(old), sources)?, read(Path::new(new), sources)?);
        let hide = Hide::of(sources, from.iter().chain(&to));
        let title = format!("{old} → {new}");
        return Ok(vec![BundleDiff::new((&title, ""), Some(&from), Some(&to), &hide, Purpose::Update)]);
    }
    let project = project::open(global, sources)?;
    let renderer = Renderer::load(&project, sources, &args.overrides.to_overrides())?;
    let side = |name: &str| -> Result<Side, Stop> {
        if is_path(name) {
            return Ok(Side { name: name.to_owned(), objects: read(Path::new(name), sources)? });
        }
        let objects = renderer.render(name, environment)?.objects;
        Ok(Side { name: format!("{name} · {environment}"), objects })
    };
    let (from, to) = (side(old)?, side(new)?);
    let hide = Hide::of(sources, from.objects.iter().chain(&to.objects));
    let title = format!("{} → {}", from.name, to.name);
    // Two profiles stand beside each other; neither is applied over the other.
    let purpose = if profiles == 2 { Purpose::Comparison } else { Purpose::Update };
    Ok(vec![BundleDiff::new((&title, ""), Some(&from.objects), Some(&to.objects), &hide, purpose)])
}

/// The objects of a file, a folder or standard input.
fn read(path: &Path, sources: &Sources) -> Result<Vec<Object>, Stop> {
    let mut input = Input::default();
    check::read(sources, path, &mut input)?;
    input.findings.retain(|finding| finding.severity == Severity::Error);
    if input.findings.is_empty() { Ok(input.objects) } else { Err(Failure::Findings(input.findings).into()) }
}
