//! `plimsoll check`.

use anyhow::{Context, anyhow, bail};

use crate::check::expected;
use crate::check::input::Input;
use crate::check::suppress::suppress;
use crate::check::unrendered;
use crate::check::{self, Options};
use crate::cli::args::{Check, FailOn, Global};
use crate::cli::baseline::{self, Applied};
use crate::cli::outcome::Outcome;
use crate::cli::output::{self, Output};
use crate::cli::{build, fix, manifests, project};
use crate::finding::{Failure, Family, Finding, RuleId, Severity};
use crate::globs::Globs;
use crate::layers::Overrides;
use crate::object::Object;
use crate::project::Project;
use crate::render::Rendered;
use crate::report::{self, Format, Secrets};
use crate::source::{Sources, Span};
use crate::suggest;

pub(super) fn run(global: &Global, args: &Check, output: &mut Output) -> anyhow::Result<Outcome> {
    known_rules(args.only.iter().chain(&args.skip))?;
    output.collect(&args.reports);
    if args.paths.is_empty() && args.kustomize.is_empty() && args.helm.is_empty() {
        bail!("nothing to check: pass files or folders, or - for standard input");
    }
    if args.fix.is_some() {
        return fix::run(global, args, output);
    }
    let sources = Sources::new();
    let checked = match check_once(global, args, &sources)? {
        Ok(checked) => checked,
        Err(failure) => return Ok(output.failure(&sources, &failure)),
    };
    tell(args, &sources, &checked, output)
}

/// The result of one pass over the manifests.
pub(super) struct Checked {
    pub(super) findings: Vec<Finding>,
    pub(super) secrets: Secrets,
    passed_over: Vec<(Span, String)>,
    objects: usize,
    hints: Vec<String>,
}

/// Reads and checks the manifests that the arguments name.
pub(super) fn check_once(global: &Global, args: &Check, sources: &Sources) -> anyhow::Result<Result<Checked, Failure>> {
    let project = match project::open(global, sources) {
        Ok(project) => project,
        Err(failure) => return Ok(Err(failure)),
    };
    let mut input = manifests_of(sources, &project, args)?;
    let mut options = match project::options(global, &project, sources) {
        Ok(options) => options,
        Err(failure) => return Ok(Err(failure)),
    };
    let rendered =
        args.profile.as_ref().map(|profile| rendered(global, &project, sources, profile, args.env.as_deref()));
    let rendered = match rendered {
        Some(Err(failure)) => return Ok(Err(failure)),
        Some(Ok(rendered)) => Some(rendered),
        None => None,
    };
    if let Some(rendered) = &rendered {
        options = options.of_rendered(rendered, sources);
    }
    options.kind_config = input.kind_config.take().or(options.kind_config);
    options.kind_clusters = std::mem::take(&mut input.kind_clusters);
    if let Some(path) = &args.kind_config {
        let mut cluster = Input::default();
        manifests::read(sources, path, &mut cluster)?;
        options.kind_config =
            Some(cluster.kind_config.with_context(|| format!("{} is not a kind cluster config", path.display()))?);
    }
    options.complete |= args.complete;
    options.kustomizations = std::mem::take(&mut input.kustomizations);
    options.externals.extend(args.external.iter().cloned());
    // Versions of all services come first, so that the order of the arguments does not matter.
    let (of_one, of_all): (Vec<_>, Vec<_>) = args.service_version.iter().partition(|text| text.contains('='));
    for text in of_all.into_iter().chain(of_one) {
        options.services =
            project::with_version(&options.services, text).map_err(|why| anyhow!("--service-version: {why}"))?;
    }
    options.only = args.only.iter().map(|name| RuleId::current(name).to_owned()).collect();
    options.skip = args.skip.iter().map(|name| RuleId::current(name).to_owned()).collect();
    let mut findings = input.findings;
    if let (Some(rendered), Some(profile)) = (&rendered, &args.profile) {
        findings.extend(expected::check(&input.objects, &rendered.objects, profile, &options));
        if let (Some(actual), Some(expected)) = (&options.kind_config, &rendered.kind_config) {
            findings.extend(expected::check_cluster(actual, expected, profile));
        }
    }
    let mut findings = judge(sources, &input.objects, &options, findings);
    let checked = input.objects.iter().chain(options.clusters());
    let secrets = if findings.is_empty() { Secrets::default() } else { Secrets::of(sources, checked.clone()) };
    let applied = match &args.baseline {
        Some(path) => Some(baseline::apply(path, sources, &secrets, &mut findings)?),
        None => None,
    };
    let mut hints: Vec<String> = applied.iter().map(|applied| known(applied, args)).collect();
    hints.extend(silencing(&findings));
    if args.profile.is_none() {
        hints.extend(whole_bundle(&project, &findings, args, &input.objects));
    }
    Ok(Ok(Checked { findings, secrets, passed_over: input.passed_over, objects: checked.count(), hints }))
}

/// Prints the findings; returns the outcome of the command.
pub(super) fn tell(args: &Check, sources: &Sources, checked: &Checked, output: &mut Output) -> anyhow::Result<Outcome> {
    if args.verbose {
        for (span, what) in &checked.passed_over {
            output.message(&format!("skipped {}: {what}", sources.describe(*span)));
        }
    }
    let worst = match args.fail_on {
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
        FailOn::Note => Severity::Note,
    };
    let (findings, secrets) = (&checked.findings, &checked.secrets);
    match args.output {
        Format::Human => print(sources, findings, secrets, checked.objects, &checked.hints, output)?,
        format => output.result(&format.write(sources, findings, secrets, &output::report_options(worst)))?,
    }
    output.keep(sources, findings, secrets);
    output.write_reports(sources, worst)?;
    Ok(Outcome::objecting(findings.iter().any(|finding| finding.severity >= worst)))
}

/// The findings of manifests, including earlier ones, with the severities of the project, without allowed ones,
/// sorted.
pub(super) fn judge(
    sources: &Sources,
    objects: &[Object],
    options: &Options,
    mut findings: Vec<Finding>,
) -> Vec<Finding> {
    findings.extend(check::check_in(sources, objects, options));
    unrendered::leave_out(sources, &options.kustomizations, options.complete, &mut findings);
    options.adjust(&mut findings);
    options.adjust_by_path(sources, &mut findings);
    suppress(sources, objects, &mut findings);
    report::sort(sources, &mut findings);
    findings
}

/// All manifests that the arguments name.
fn manifests_of(sources: &Sources, project: &Project, args: &Check) -> anyhow::Result<Input> {
    let here = std::env::current_dir().context("the working folder cannot be read")?;
    let excluded = Globs::new(&here, &args.exclude)
        .map_err(|(pattern, why)| anyhow::anyhow!("`{pattern}` is not a valid pattern: {why}"))?;
    let settled = project.root().and_then(|root| Globs::new(root, &project.settings.exclude).ok());
    let exclude: Vec<&Globs> = std::iter::once(&excluded).chain(&settled).collect();
    let mut input = Input::default();
    for path in &args.paths {
        manifests::read_but(sources, path, &exclude, &mut input)?;
    }
    for folder in &args.kustomize {
        build::kustomize(sources, folder, args.remote, &mut input)?;
    }
    for chart in &args.helm {
        build::helm(sources, chart, &args.values, args.remote, &mut input)?;
    }
    Ok(input)
}

/// Reports the effect of the baseline.
fn known(applied: &Applied, args: &Check) -> String {
    let path = args.baseline.as_deref().unwrap_or_else(|| "".as_ref()).display();
    match applied {
        Applied::Written(count) => format!("wrote {} to {path}", suggest::count(*count, "finding")),
        Applied::Compared { known, gone: 0 } => format!("{} of {path} not shown", suggest::count(*known, "finding")),
        Applied::Compared { known, gone } => format!(
            "{} of {path} not shown; {gone} more in it no longer occur: delete the file and run again to renew it",
            suggest::count(*known, "finding")
        ),
    }
}

/// How to allow one of the findings on its object.
fn silencing(findings: &[Finding]) -> Option<String> {
    // Invalid YAML cannot be allowed.
    let allowable = findings.iter().filter(|finding| finding.rule != RuleId::YamlSyntax);
    let first = allowable.max_by_key(|finding| finding.severity).filter(|finding| finding.severity > Severity::Note)?;
    Some(format!(
        "to allow one finding, add `# plimsoll: allow {} because REASON` above its line, or the annotation `{}` to its object",
        first.rule,
        check::suppress::ANNOTATION
    ))
}

/// Renders the bundle of a profile.
fn rendered(
    global: &Global,
    project: &Project,
    sources: &Sources,
    profile: &str,
    environment: Option<&str>,
) -> Result<Rendered, Failure> {
    let renderer = project::renderer(global, project, sources, &Overrides::default())?;
    renderer.render_only(profile, environment)
}

/// Prints the findings for people.
fn print(
    sources: &Sources,
    findings: &[Finding],
    secrets: &Secrets,
    objects: usize,
    hints: &[String],
    output: &mut Output,
) -> anyhow::Result<()> {
    output.result(&report::human(sources, findings, secrets, output.colour(), output::width()))?;
    output.flush()?;
    output.message(&summary(findings, objects));
    hints.iter().for_each(|hint| output.message(hint));
    Ok(())
}

/// `4 errors, 5 warnings in 2 objects`.
fn summary(findings: &[Finding], objects: usize) -> String {
    let [errors, warnings, notes] = report::counts(findings);
    let counts: Vec<String> = [(errors, "error"), (warnings, "warning"), (notes, "note")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, noun)| suggest::count(number, noun))
        .collect();
    let found = match counts.as_slice() {
        [] if objects == 0 => return "no objects were found, so nothing was checked".to_owned(),
        [] => "no findings".to_owned(),
        counts => counts.join(", "),
    };
    if objects == 0 { found } else { format!("{found} in {}", suggest::count(objects, "object")) }
}

/// Rules that find that a part of a service's bundle is missing.
const ABSENT_PARTS: [RuleId; 5] = [
    RuleId::ConfigFileMissing,
    RuleId::ConfigPathMissing,
    RuleId::MigrationMissing,
    RuleId::MountMissing,
    RuleId::SecretFileMissing,
];

/// The command that shows what a partial bundle lacks, for the profile whose name is in the paths or namespaces.
fn whole_bundle(project: &Project, findings: &[Finding], args: &Check, objects: &[Object]) -> Option<String> {
    findings.iter().find(|finding| ABSENT_PARTS.contains(&finding.rule))?;
    let profiles = project.profiles().ok().filter(|profiles| !profiles.is_empty())?;
    let paths = args.paths.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy());
    let names: Vec<_> = paths.chain(objects.iter().map(|object| object.namespace().into())).collect();
    let mut meant = profiles.iter().filter(|profile| names.iter().any(|name| name.contains(profile.as_str())));
    let profile = meant.next().filter(|_| meant.next().is_none()).map_or("PROFILE", String::as_str);
    Some(format!("to see the whole bundle: plimsoll check --profile {profile}, plimsoll render {profile}"))
}

/// Rejects names of rules and families that do not exist.
pub(super) fn known_rules<'a>(names: impl IntoIterator<Item = &'a String>) -> anyhow::Result<()> {
    let known = || RuleId::names().chain(Family::ALL.map(Family::name));
    for name in names {
        if !known().any(|known| known == RuleId::current(name)) {
            match suggest::nearest(name, known()) {
                Some(near) => bail!("unknown rule or family `{name}`; did you mean `{near}`?"),
                None => bail!("unknown rule or family `{name}`; run `plimsoll rules` for a list"),
            }
        }
    }
    Ok(())
}
