//! The project a command works on, and what it takes of it.

use std::path::Path;
use std::sync::Arc;

use crate::check::Options;
use crate::cli::args::Global;
use crate::definitions::Definitions;
use crate::finding::Failure;
use crate::kube::KubernetesVersion;
use crate::layers::Overrides;
use crate::project::Project;
use crate::render::Renderer;
use crate::service::Services;
use crate::source::{Sources, Span};

/// Opens the project that `--project` names, else the nearest one upwards, else the built-in set; for the version of
/// Kubernetes that `--kubernetes-version` names, else the settings.
pub(super) fn open(global: &Global, sources: &Sources) -> Result<Project, Failure> {
    if let Some(folder) = &global.project {
        return open_in(global, folder, sources);
    }
    // Without a working folder there is no project above it either.
    let project = match std::env::current_dir() {
        Ok(folder) => Project::discover(&folder, sources)?,
        Err(_) => Project::built_in(),
    };
    for_version(global, project)
}

/// Opens the project in a folder, for the same version.
pub(super) fn open_in(global: &Global, folder: &Path, sources: &Sources) -> Result<Project, Failure> {
    for_version(global, Project::open(folder, sources)?)
}

/// The project for the version of Kubernetes that `--kubernetes-version` names, else the settings.
fn for_version(global: &Global, mut project: Project) -> Result<Project, Failure> {
    KubernetesVersion::of_project(&project)?;
    if let Some(version) = global.kubernetes_version {
        project.settings.kubernetes = Some((version.to_string(), Span::NONE));
    }
    Ok(project)
}

/// What the project says about checks.
///
/// # Errors
/// Where something of it cannot be read or is wrong.
pub(super) fn options(global: &Global, project: &Project, sources: &Sources) -> Result<Options, Failure> {
    Options::of_project(project, sources, definitions(global, project)?)
}

/// Definitions of custom resources.
///
/// # Errors
/// Where there is no such file or folder.
fn definitions(global: &Global, project: &Project) -> Result<Definitions, Failure> {
    Definitions::of_project(project, &global.definitions.crd, &global.definitions.schemas)
}

/// Loads what all profiles share, with the definitions of custom resources.
///
/// # Errors
/// Where something of it cannot be read or is wrong.
pub(super) fn renderer<'a>(
    global: &Global,
    project: &'a Project,
    sources: &'a Sources,
    overrides: &Overrides,
) -> Result<Renderer<'a>, Failure> {
    let definitions = Arc::new(definitions(global, project)?);
    Ok(Renderer::load(project, sources, overrides)?.with_definitions(definitions))
}

/// The same, with what the project's settings say about checks.
///
/// # Errors
/// Where something of it cannot be read or is wrong.
pub(super) fn load<'a>(
    global: &Global,
    project: &'a Project,
    sources: &'a Sources,
    overrides: &Overrides,
) -> Result<(Renderer<'a>, Options), Failure> {
    let options = options(global, project, sources)?;
    let renderer = Renderer::load(project, sources, overrides)?.with_definitions(options.definitions.clone());
    Ok((renderer, options))
}

/// Services with the version that runs of one of them, or of all: `DataStorage=1.4`, `1.4`.
///
/// # Errors
/// Why that is no version, or no known service.
pub(super) fn with_version(services: &Services, text: &str) -> Result<Services, String> {
    let (name, version) = text.split_once('=').unwrap_or(("", text));
    Ok(services.with_version(name, services.read_version(name, version)?))
}
