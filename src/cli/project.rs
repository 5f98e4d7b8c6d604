//! The project a command works on, and the commands about a project itself: `schema` and `init`.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use crate::built_in;
use crate::check::{Options, Purpose};
use crate::cli::Outcome;
use crate::cli::args::Global;
use crate::cli::output::Output;
use crate::finding::{Failure, Finding, RuleId};
use crate::project::{self, AccessError, Level, Project};
use crate::render::Rendered;
use crate::report::plain_json;
use crate::service::Services;
use crate::source::{Sources, Span};
use crate::suggest;

/// Opens the project that `--project` names, else the nearest one upwards, else the built-in set.
pub(super) fn open(global: &Global, sources: &Sources) -> Result<Project, Failure> {
    match &global.project {
        Some(folder) => Project::open(folder, sources),
        // Without a working folder there is no project above it either.
        None => match std::env::current_dir() {
            Ok(folder) => Project::discover(&folder, sources),
            Err(_) => Ok(Project::built_in()),
        },
    }
}

/// That no profile has any of some environments.
pub(super) fn no_environment(environments: &[String]) -> Failure {
    let message = format!("no profile has the environment {}", suggest::list(environments, "or"));
    Failure::unable(Finding::error(RuleId::EnvironmentNotFound, Span::NONE, message))
}

/// What the project's settings say about checks.
///
/// # Errors
/// Where a file in `services/` cannot be read or is no service description.
pub(super) fn options(project: &Project, sources: &Sources) -> Result<Options, Failure> {
    let level = |level| match level {
        Level::Off => None,
        Level::At(severity) => Some(severity),
    };
    let mut services = Services::default();
    if !project.is_built_in() {
        let names = project.list("services", ".yaml").or_else(|error| match error {
            AccessError::Missing(_) => Ok(Vec::new()),
            error => Err(error.failure()),
        })?;
        for name in names {
            let file = project.read(sources, &name).map_err(|error| error.failure())?;
            services = services.with(Services::read(sources, file).map_err(Failure::Findings)?);
        }
    }
    Ok(Options {
        services,
        externals: project.settings.externals.clone(),
        severities: project.settings.rules.iter().map(|rule| (rule.id, level(rule.level))).collect(),
        ..Options::default()
    })
}

/// The same for a rendered bundle, which is whole and names its own externals, services and cluster.
pub(super) fn options_of(rendered: &Rendered, options: &Options) -> Options {
    let external = &rendered.values.node["external"];
    let named = external.entries().iter().map(|entry| entry.value.text().to_owned());
    let purpose = if rendered.values.environment == "production" { Purpose::Production } else { Purpose::Test };
    let mut options =
        Options { whole: true, own: true, kind_config: rendered.kind_config.clone(), purpose, ..options.clone() };
    options.externals.extend(named);
    options
}

pub(super) fn schema(global: &Global, output: &mut Output) -> anyhow::Result<Outcome> {
    let sources = Sources::new();
    let read = |project: &Project| project.read(&sources, project::SCHEMA);
    let file = open(global, &sources).and_then(|project| match read(&project) {
        Err(AccessError::Missing(_)) => read(&Project::built_in()).map_err(|error| error.failure()),
        file => file.map_err(|error| error.failure()),
    });
    match file {
        Ok(file) => {
            let text = sources.get(file).map(|file| file.text.replace("\r\n", "\n")).unwrap_or_default();
            output.result(&plain_json(&text))?;
            Ok(Outcome::Fine)
        }
        Err(failure) => Ok(output.failure(&sources, &failure)),
    }
}

pub(super) fn init(folder: &Path, output: &Output) -> anyhow::Result<Outcome> {
    let taken = built_in::FILES.iter().map(|file| folder.join(file.path)).chain([folder.join(project::FILE)]);
    if let Some(path) = taken.into_iter().find(|path| path.exists()) {
        bail!("{} is already there; `init` overwrites nothing", path.display());
    }
    let files = built_in::FILES.iter().map(|file| (file.path, file.text)).chain([(project::FILE, SETTINGS)]);
    for (path, text) in files.clone() {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    output.message(&format!(
        "{} files written to {}; `plimsoll render --project {} gateway` renders from there",
        files.count(),
        folder.display(),
        folder.display(),
    ));
    Ok(Outcome::Fine)
}

/// The settings of a new project: nothing decided yet.
const SETTINGS: &str = "\
# This file marks a plimsoll project: profiles/, templates/ and services/ beside it are used.

# The folder that `render --out` means where it is given none.
# out = \"deploy\"

# Hosts that live elsewhere: `host` or `host:port`.
# externals = [\"db.example.com:5432\"]

# What `check` leaves out of the folders it searches: patterns as in .gitignore.
# exclude = [\"third_party/\"]

# Other levels for rules: off, note, warning or error; everywhere, or in some files.
# [rules]
# unused = \"off\"
# [paths.\"legacy/**\"]
# host-unresolved = \"note\"
";
