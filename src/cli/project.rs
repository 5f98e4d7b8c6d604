//! Opens the project of a command.

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

/// Opens the project of `--project`, else the nearest one upwards, else the built-in set, for the Kubernetes version
/// of `--kubernetes-version`, else of the settings.
pub(super) fn open(global: &Global, sources: &Sources) -> Result<Project, Failure> {
    if let Some(folder) = &global.project {
        return open_in(global, folder, sources);
    }
    // Without a working directory there is no project above it either.
    let project = match std::env::current_dir() {
        Ok(folder) => Project::discover(&folder, sources)?,
        Err(_) => Project::built_in(),
    };
    for_version(global, project)
}

/// Opens the project in a directory, for the same version.
pub(super) fn open_in(global: &Global, folder: &Path, sources: &Sources) -> Result<Project, Failure> {
    for_version(global, Project::open(folder, sources)?)
}

/// Sets the Kubernetes version from `--kubernetes-version`, if given.
fn for_version(global: &Global, mut project: Project) -> Result<Project, Failure> {
    KubernetesVersion::of_project(&project)?;
    if let Some(version) = global.kubernetes_version {
        project.settings.kubernetes = Some((version.to_string(), Span::NONE));
    }
    Ok(project)
}

/// The options for checks from the project.
///
/// # Errors
/// If a file of the project cannot be read or is invalid.
pub(super) fn options(global: &Global, project: &Project, sources: &Sources) -> Result<Options, Failure> {
    Options::of_project(project, sources, definitions(global, project)?)
}

/// Custom resource definitions.
///
/// # Errors
/// If a file or directory does not exist.
fn definitions(global: &Global, project: &Project) -> Result<Definitions, Failure> {
    Definitions::of_project(project, &global.definitions.crd, &global.definitions.schemas)
}

/// Loads what all profiles share, with the custom resource definitions.
///
/// # Errors
/// If a file of the project cannot be read or is invalid.
pub(super) fn renderer<'a>(
    global: &Global,
    project: &'a Project,
    sources: &'a Sources,
    overrides: &Overrides,
) -> Result<Renderer<'a>, Failure> {
    let definitions = Arc::new(definitions(global, project)?);
    Ok(Renderer::load(project, sources, overrides)?.with_definitions(definitions))
}

/// The same, with the options for checks.
///
/// # Errors
/// If a file of the project cannot be read or is invalid.
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

/// Sets the deployed version of a service, or of all: `DataStorage=1.4`, `1.4`.
///
/// # Errors
/// If it is not a version, or the service is unknown.
pub(super) fn with_version(services: &Services, text: &str) -> Result<Services, String> {
    let (name, version) = text.split_once('=').unwrap_or(("", text));
    Ok(services.with_version(name, services.read_version(name, version)?))
}
