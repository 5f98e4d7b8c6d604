//! `plimsoll check`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::check;
use crate::check::input::Input;
use crate::check::promises;
use crate::check::suppress::suppress;
use crate::cli::Outcome;
use crate::cli::args::{Check, FailOn, Format, Global};
use crate::cli::output::{self, Output};
use crate::cli::project;
use crate::finding::{Failure, Family, Finding, RuleId, Severity};
use crate::layers::Overrides;
use crate::object::Object;
use crate::project::Project;
use crate::render::{Rendered, Renderer};
use crate::report::{self, Mask};
use crate::source::{self, ReadError, Sources};
use crate::suggest;

pub(super) fn run(global: &Global, args: &Check, output: &mut Output) -> anyhow::Result<Outcome> {
    known_rules(args.only.iter().chain(&args.skip))?;
    if args.paths.is_empty() {
        bail!("nothing to check: name files or folders, or - for standard input");
    }
    let sources = Sources::new();
    let project = match project::open(global, &sources) {
        Ok(project) => project,
        Err(failure) => return Ok(output.failure(&sources, &failure)),
    };
    let mut input = Input::default();
    for path in &args.paths {
        read(&sources, path, &mut input)?;
    }
    let mut definitions = Input::default();
    for path in &args.crd {
        read(&sources, path, &mut definitions)?;
    }
    let mut options = match project::options(&project, &sources) {
        Ok(options) => options,
        Err(failure) => return Ok(output.failure(&sources, &failure)),
    };
    let promised = match args.profile.as_ref().map(|profile| promised(&project, &sources, profile, &args.env)) {
        Some(Err(failure)) => return Ok(output.failure(&sources, &failure)),
        Some(Ok(rendered)) => Some(rendered),
        None => None,
    };
    if let Some(rendered) = &promised {
        options = project::options_of(rendered, &options);
    }
    options.kind_config = input.kind_config.take().or(options.kind_config);
    if let Some(path) = &args.kind_config {
        let mut cluster = Input::default();
        read(&sources, path, &mut cluster)?;
        options.kind_config =
            Some(cluster.kind_config.with_context(|| format!("{} is no kind cluster config", path.display()))?);
    }
    options.externals.extend(args.external.iter().cloned());
    options.only.clone_from(&args.only);
    options.skip.clone_from(&args.skip);
    options.kubernetes_version = args.kubernetes_version;
    options.crds = definitions.objects.into_iter().map(|object| object.node).collect();
    let mut findings = input.findings;
    findings.append(&mut definitions.findings);
    findings.extend(check::check_in(&sources, &input.objects, &options));
    if let (Some(rendered), Some(profile)) = (&promised, &args.profile) {
        findings.extend(promises::check(&input.objects, &rendered.objects, profile, &options));
    }
    options.adjust(&mut findings);
    suppress(&sources, &input.objects, &mut findings);
    report::sort(&sources, &mut findings);
    let mask = if findings.is_empty() { Mask::default() } else { Mask::of(&sources, &input.objects) };
    let hint = if args.profile.is_none() { whole_bundle(&project, &findings, args, &input.objects) } else { None };
    print(&sources, &findings, &mask, args.output, input.objects.len(), hint, output)?;
    let worst = match args.fail_on {
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
        FailOn::Note => Severity::Note,
    };
    Ok(Outcome::objecting(findings.iter().any(|finding| finding.severity >= worst)))
}

/// The bundle that a profile promises.
fn promised(project: &Project, sources: &Sources, profile: &str, environment: &str) -> Result<Rendered, Failure> {
    let overrides = Overrides::default();
    Renderer::load(project, sources, &overrides)?.render(profile, environment)
}

fn print(
    sources: &Sources,
    findings: &[Finding],
    mask: &Mask,
    format: Format,
    objects: usize,
    hint: Option<String>,
    output: &mut Output,
) -> anyhow::Result<()> {
    match format {
        Format::Human => {
            output.result(&report::human(sources, findings, mask, output.colour(), output::width()))?;
            output.flush()?;
            output.message(&format!("{}{}", summary(findings, objects), hint.unwrap_or_default()));
        }
        Format::Json => output.result(&report::json(sources, findings, mask))?,
        Format::Sarif => output.result(&report::sarif(sources, findings, mask))?,
        Format::Github => output.result(&report::github(sources, findings, mask))?,
    }
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
        [] => "nothing to object to".to_owned(),
        counts => counts.join(", "),
    };
    format!("{found} in {}", suggest::count(objects, "object"))
}

/// Rules that say that a part of a service's bundle is not among the manifests.
const ABSENT_PARTS: [RuleId; 5] = [
    RuleId::ConfigFileMissing,
    RuleId::ConfigPathMissing,
    RuleId::MigrationMissing,
    RuleId::MountMissing,
    RuleId::SecretFileMissing,
];

/// Where to see what a partial bundle lacks; the profile is the one whose name the paths or namespaces hold.
fn whole_bundle(project: &Project, findings: &[Finding], args: &Check, objects: &[Object]) -> Option<String> {
    findings.iter().find(|finding| ABSENT_PARTS.contains(&finding.rule))?;
    let profiles = project.profiles().ok().filter(|profiles| !profiles.is_empty())?;
    let paths = args.paths.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy());
    let names: Vec<_> = paths.chain(objects.iter().map(|object| object.namespace().into())).collect();
    let mut meant = profiles.iter().filter(|profile| names.iter().any(|name| name.contains(profile.as_str())));
    let profile = meant.next().filter(|_| meant.next().is_none()).map_or("PROFILE", String::as_str);
    Some(format!(". What the whole bundle has: plimsoll check --profile {profile}, plimsoll render {profile}"))
}

/// Rules and families that a person names must exist.
pub(super) fn known_rules<'a>(names: impl IntoIterator<Item = &'a String>) -> anyhow::Result<()> {
    let known = || RuleId::names().chain(Family::ALL.map(Family::name));
    for name in names {
        if !known().any(|known| known == name) {
            match suggest::nearest(name, known()) {
                Some(near) => bail!("no rule or family `{name}`; did you mean `{near}`?"),
                None => bail!("no rule or family `{name}`; `plimsoll rules` lists them"),
            }
        }
    }
    Ok(())
}

/// Reads a file, all manifests of a folder, or standard input.
pub(super) fn read(sources: &Sources, path: &Path, input: &mut Input) -> anyhow::Result<()> {
    if path == Path::new("-") {
        return add(sources, "-", source::read_text(io::stdin().lock()), true, input);
    }
    let metadata = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    if !metadata.is_dir() {
        return add(sources, &path.to_string_lossy(), source::read_file(path), true, input);
    }
    let mut files = Vec::new();
    walk(path, &mut files, 0).with_context(|| format!("cannot read {}", path.display()))?;
    if files.is_empty() {
        bail!("`{}` holds no .yaml, .yml or .json files", path.display());
    }
    for file in files {
        add(sources, &file.to_string_lossy(), source::read_file(&file), false, input)?;
    }
    Ok(())
}

fn add(
    sources: &Sources,
    name: &str,
    text: Result<String, ReadError>,
    chosen: bool,
    input: &mut Input,
) -> anyhow::Result<()> {
    match text {
        Ok(text) => input.add(sources, sources.add(name, text), chosen),
        Err(ReadError::Io(error)) => return Err(error).with_context(|| format!("cannot read {name}")),
        Err(error) => {
            let span = source::Span::new(sources.add(name, ""), 0, 0);
            input.findings.push(Finding::error(RuleId::YamlSyntax, span, format!("the file is {error}")));
        }
    }
    Ok(())
}

/// Whether it is a pipe or a device, which could be read for ever.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file())
}

/// How deep folders are searched.
const MAX_FOLDERS: usize = 32;

/// The manifests below a folder, in the order of their names; hidden files and folders are passed over.
fn walk(folder: &Path, files: &mut Vec<PathBuf>, depth: usize) -> io::Result<()> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    entries.sort();
    for path in entries {
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let manifest = path.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json");
        if hidden {
            continue;
        }
        // A link to a folder may lead back up; links to files are followed.
        if path.is_dir() {
            if depth < MAX_FOLDERS && !path.is_symlink() {
                walk(&path, files, depth + 1)?;
            }
        } else if manifest && !is_special(&path) {
            files.push(path);
        }
    }
    Ok(())
}
