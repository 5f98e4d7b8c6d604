//! `plimsoll import`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::check;
use crate::check::input::Input;
use crate::cli::args::{Global, Import as Args, ImportFormat};
use crate::cli::outcome::Outcome;
use crate::cli::output::{self, Output};
use crate::cli::{manifests, project};
use crate::finding::{Failure, Finding, RuleId, Severity};
use crate::import::{self, ProfileUpdate, Report, Variant};
use crate::out;
use crate::project::{FILE, Project};
use crate::report;
use crate::source::{FileId, Sources, Span};
use crate::suggest;

pub(super) fn run(global: &Global, args: &Args, output: &mut Output) -> anyhow::Result<Outcome> {
    let sources = Sources::new();
    let Copies { variants, findings, passed_over } = read(args, &sources)?;
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        let errors = findings.into_iter().filter(|finding| finding.severity == Severity::Error).collect();
        let outcome = output.failure(&sources, &Failure::Findings(errors));
        output.message("nothing was written");
        return Ok(outcome);
    }
    for (span, what) in &passed_over {
        output.message(&format!("not imported: {}: {what}", sources.describe(*span)));
    }
    match &args.into {
        Some(folder) if is_project(folder) => again(global, folder, args, &variants, output),
        Some(folder) => {
            let free = is_free(folder)?;
            if !free {
                bail!("{} exists and is not empty; pass a new folder, or one that `import` created", folder.display());
            }
            new(global, args, &variants, &sources, output)
        }
        None => new(global, args, &variants, &sources, output),
    }
}

/// Whether the directory is a project already.
fn is_project(folder: &Path) -> bool {
    !folder.is_symlink() && folder.join(FILE).is_file()
}

/// Whether a project can be created there: the directory does not exist or is empty.
fn is_free(folder: &Path) -> anyhow::Result<bool> {
    if folder.is_symlink() {
        bail!("{} is a symbolic link; name the folder itself", folder.display());
    }
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", folder.display())),
    }
}

/// The copies that were read.
#[derive(Default)]
struct Copies {
    variants: Vec<Variant>,
    findings: Vec<Finding>,
    /// Documents that are not Kubernetes objects, and are not in any profile.
    passed_over: Vec<(Span, String)>,
}

/// Reads the copies.
fn read(args: &Args, sources: &Sources) -> anyhow::Result<Copies> {
    let mut copies = Copies::default();
    for copy in &args.copies {
        let (name, path) = match copy.split_once('=') {
            Some((name, path)) if !name.contains('/') && !Path::new(copy).exists() => (name.to_owned(), path),
            _ => (String::new(), copy.as_str()),
        };
        let name = if name.is_empty() { import::profile_name(path) } else { name };
        if path == "-" && name == "-" {
            bail!("name the copy that comes from standard input: NAME=-");
        }
        let mut input = Input::default();
        manifests::read(sources, Path::new(path), &mut input)?;
        copies.findings.append(&mut input.findings);
        copies.passed_over.append(&mut input.passed_over);
        let objects = input.objects.into_iter().chain(input.kind_config).collect();
        copies.variants.push(Variant { name, path: path.to_owned(), objects });
    }
    let files = (0..).map(FileId).map_while(|id| sources.get(id).map(|file| (id, file)));
    for (id, file) in files {
        // The metadata of SOPS is not read and would be lost; and its checksum is of the original file.
        if file.text.contains("ENC[") && file.text.contains("sops:") {
            let finding = Finding::error(RuleId::ImportCopy, Span::new(id, 0, 0), "the file is encrypted with SOPS")
                .with_help("decrypt it first: `sops --decrypt`");
            copies.findings.push(finding);
        }
    }
    Ok(copies)
}

/// Creates a project.
fn new(
    global: &Global,
    args: &Args,
    variants: &[Variant],
    sources: &Sources,
    output: &mut Output,
) -> anyhow::Result<Outcome> {
    let options = match project::open(global, sources).and_then(|project| project::options(global, &project, sources)) {
        Ok(options) => options,
        Err(failure) => return Ok(output.failure(sources, &failure)),
    };
    let mut import = match import::import(variants, &options.services) {
        Ok(import) => import,
        Err(failure) => {
            let outcome = output.failure(sources, &failure);
            output.message("nothing was written");
            return Ok(outcome);
        }
    };
    let mut checked = Vec::with_capacity(variants.len());
    for (copy, variant) in variants.iter().enumerate() {
        let found = check::check_rendered(&import.sources, &import.rendered[copy], &options, &[]);
        for finding in found.iter().filter(|finding| finding.severity == Severity::Error) {
            import.allow(copy, finding.rule, finding.object.as_ref());
        }
        checked.push(crate::check::check_in(sources, &variant.objects, &options));
    }
    let files = import.files();
    let report = import.report(sources, &checked);
    print(&report, args.output, output)?;
    if args.dry_run {
        output.flush()?;
        output.message("nothing was written: --dry-run");
        return Ok(Outcome::Fine);
    }
    let Some(folder) = &args.into else { return Ok(Outcome::Fine) };
    write(folder, &files)?;
    output.flush()?;
    let number = suggest::count(files.len(), "file");
    let folder = folder.display();
    output.message(&format!("{number} written to {folder}; `plimsoll --project {folder} render {}`", variants[0].name));
    Ok(Outcome::Fine)
}

fn print(report: &Report, format: ImportFormat, output: &mut Output) -> anyhow::Result<()> {
    let text = match format {
        ImportFormat::Human => report.human(output::width(), output.colour()),
        ImportFormat::Markdown => report.markdown(),
        ImportFormat::Json => report.json(),
    };
    output.result(&text)
}

/// Writes all files or none: into a temporary directory next to the target, which is then renamed.
fn write(folder: &Path, files: &std::collections::BTreeMap<String, String>) -> anyhow::Result<()> {
    let mut name = folder.file_name().context("the folder has no name")?.to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside: PathBuf = folder.with_file_name(name);
    let made = write_all(&beside, files).and_then(|()| {
        // An empty directory is replaced.
        if folder.exists() {
            fs::remove_dir(folder).with_context(|| format!("cannot replace {}", folder.display()))?;
        }
        fs::rename(&beside, folder).with_context(|| format!("cannot create {}", folder.display()))
    });
    if made.is_err() {
        _ = fs::remove_dir_all(&beside);
    }
    made
}

fn write_all(folder: &Path, files: &std::collections::BTreeMap<String, String>) -> anyhow::Result<()> {
    for (path, text) in files {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Updates an existing project from newer copies.
fn again(
    global: &Global,
    folder: &Path,
    args: &Args,
    variants: &[Variant],
    output: &mut Output,
) -> anyhow::Result<Outcome> {
    let told = |failure: &Failure, sources: &Sources, output: &mut Output| {
        let outcome = output.failure(sources, failure);
        output.message("nothing was written");
        outcome
    };
    let project_sources = Sources::new();
    let project = match Project::open(folder, &project_sources) {
        Ok(project) => project,
        Err(failure) => return Ok(told(&failure, &project_sources, output)),
    };
    let options = match project::options(global, &project, &project_sources) {
        Ok(options) => options,
        Err(failure) => return Ok(told(&failure, &project_sources, output)),
    };
    let mut changes: Vec<ProfileUpdate> = Vec::new();
    for variant in variants {
        match import::update(&project, &project_sources, variant, &options.services) {
            Ok(change) => changes.push(change),
            Err(failure) => return Ok(told(&failure, &project_sources, output)),
        }
    }
    for change in &changes {
        let text = change.lines().iter().fold(String::new(), |text, line| text + &report::plain(line) + "\n");
        output.result(&text)?;
        if let Some(text) = change.text().filter(|_| !args.dry_run) {
            let path = folder.join(format!("profiles/{}.yaml", change.profile()));
            out::replace(&path, text)?;
        }
    }
    Ok(Outcome::Fine)
}
