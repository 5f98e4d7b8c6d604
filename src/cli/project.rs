//! The project a command works on, and the commands about a project itself: `schema` and `init`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use anyhow::{Context, bail};
use ecow::EcoString;
use foldhash::{HashSet, HashSetExt};

use crate::built_in;
use crate::check::{Declaration, Options, Purpose};
use crate::cli::args::Global;
use crate::cli::outcome::Outcome;
use crate::cli::output::Output;
use crate::definitions::Definitions;
use crate::finding::{Failure, Finding, RuleId};
use crate::globs::Globs;
use crate::json_schema;
use crate::kube::KubernetesVersion;
use crate::layers::{EXTERNAL, Layers, Overrides};
use crate::project::{self, AccessError, Level, Project, YAML};
use crate::render::{Rendered, Renderer};
use crate::report::plain_json;
use crate::service::Services;
use crate::source::{ReadError, Sources, Span};
use crate::suggest;

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
    kubernetes_version(&project)?;
    if let Some(version) = global.kubernetes_version {
        project.settings.kubernetes = Some((version.to_string(), Span::NONE));
    }
    Ok(project)
}

/// The version of Kubernetes that a project is for.
///
/// # Errors
/// Where its settings name one that is not known.
fn kubernetes_version(project: &Project) -> Result<KubernetesVersion, Failure> {
    match &project.settings.kubernetes {
        None => Ok(KubernetesVersion::default()),
        Some((version, span)) => {
            version.parse().map_err(|why| Finding::error(RuleId::SettingValueInvalid, *span, why).into())
        }
    }
}

/// The environment of the set embedded in the binary where none is asked for.
const BUILT_IN_ENVIRONMENT: &str = "e2e";

/// The environment that a command works in: the one asked for, else the one that the settings name, else the only one of
/// these profiles, or of the project where there are none.
///
/// # Errors
/// Where there are several, or none.
pub(super) fn environment(
    project: &Project,
    layers: &Layers<'_>,
    asked: Option<&str>,
    profiles: &[String],
) -> Result<String, Failure> {
    if let Some(asked) = asked {
        return Ok(asked.to_owned());
    }
    if project.is_built_in() {
        return Ok(BUILT_IN_ENVIRONMENT.to_owned());
    }
    if let Some((name, span)) = &project.settings.environment {
        let known = layers.project_environments()?;
        if known.iter().any(|known| known == name) {
            return Ok(name.clone());
        }
        let finding =
            Finding::error(RuleId::SettingValueInvalid, *span, format!("no environment `{name}` in this project"));
        let near = suggest::nearest(name, known.iter().map(EcoString::as_str));
        let help = near.map_or_else(|| choices(&known), |near| format!("did you mean `{near}`?"));
        return Err(finding.with_help(help).into());
    }
    let mut names: Vec<EcoString> = Vec::new();
    for profile in profiles {
        names.extend(layers.environments(&layers.profile(profile)?));
    }
    if profiles.is_empty() {
        names = layers.project_environments()?;
    }
    let mut known = HashSet::new();
    names.retain(|name| known.insert(name.clone()));
    match names.as_slice() {
        [only] => Ok(only.to_string()),
        names => {
            let whose = if profiles.is_empty() { "the project".to_owned() } else { suggest::list(profiles, "and") };
            let message = match names {
                [] => format!("no environment was given, and {whose} has none"),
                names => {
                    format!("no environment was given, and {whose} has {}", suggest::count(names.len(), "environment"))
                }
            };
            Err(Failure::unable(
                Finding::error(RuleId::EnvironmentNotGiven, Span::NONE, message).with_help(choices(names)),
            ))
        }
    }
}

/// That overrides name no profile but these: they would be ignored.
///
/// # Errors
/// Where one names another.
pub(super) fn for_profiles(overrides: &Overrides, profiles: &[String]) -> Result<(), Failure> {
    for named in overrides.profiles() {
        if !profiles.contains(&named) {
            let named = project::repeatable(&named);
            let message = format!("`--set {named}:…` is for a profile that is not asked for");
            let finding = Finding::error(RuleId::SetSyntax, Span::NONE, message);
            let near = suggest::nearest(named, profiles.iter().map(String::as_str));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("before the `:` stands a profile: {}", suggest::list(profiles, "or")),
            };
            return Err(Failure::unable(finding.with_help(help)));
        }
    }
    Ok(())
}

/// How an environment is chosen.
fn choices(names: &[EcoString]) -> String {
    match names {
        [] => format!("name one under `environments` in {}: `environments: {{dev: {{}}}}`", project::BASE),
        names => format!(
            "give `--env` with {}, or name the default in {}: `environment = \"{}\"`",
            suggest::list(names, "or"),
            project::FILE,
            names[0]
        ),
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
pub(super) fn options(global: &Global, project: &Project, sources: &Sources) -> Result<Options, Failure> {
    let level = |level| match level {
        Level::Off => None,
        Level::At(severity) => Some(severity),
    };
    let mut services = Services::default();
    if !project.is_built_in() {
        let names = project.list("services", "").or_else(|error| match error {
            AccessError::Missing(_) => Ok(Vec::new()),
            error => Err(error.failure()),
        })?;
        for name in names.into_iter().filter(|name| YAML.iter().any(|ending| name.ends_with(ending))) {
            let file = project.read(sources, &name).map_err(|error| error.failure())?;
            // A project that was made with `init` holds copies, which need not be read.
            if sources.get(file).is_some_and(|source| built_in::text(&name) == Some(&*source.text)) {
                continue;
            }
            services = services.with(Services::read(sources, file).map_err(Failure::Findings)?);
        }
    }
    let declaration = match project.is_built_in() {
        true => Declaration::Argument,
        false => Declaration::Settings(project.shown(project::FILE)),
    };
    Ok(Options {
        services,
        references: project.settings.references.clone(),
        definitions: Arc::new(definitions(global, project)?),
        declaration,
        externals: project.settings.externals.clone(),
        kubernetes_version: kubernetes_version(project)?,
        severities: project.settings.rules.iter().map(|rule| (rule.id, level(rule.level))).collect(),
        path_severities: project.root().map_or_else(Vec::new, |root| {
            let levels = project.settings.paths.iter().filter_map(|path| {
                let globs = Globs::new(root, std::slice::from_ref(&path.pattern)).ok()?;
                Some((globs, path.rules.iter().map(|rule| (rule.id, level(rule.level))).collect()))
            });
            levels.collect()
        }),
        ..Options::default()
    })
}

/// Where custom resources are defined: where the arguments say, then where the project's settings do.
///
/// # Errors
/// Where there is no such file or folder, or it lies outside the project that names it.
pub(super) fn definitions(global: &Global, project: &Project) -> Result<Definitions, Failure> {
    let mut definitions = Definitions::default();
    let given = &global.definitions;
    let unable = |path: &Path, error: io::Error| {
        let error = AccessError::Unreadable(path.display().to_string(), ReadError::Io(error));
        Failure::unable(error.finding(Span::NONE))
    };
    for path in &given.crd {
        definitions.add_crds(path, None).map_err(|error| unable(path, error))?;
    }
    for path in &given.schemas {
        definitions.add_schemas(path, None).map_err(|error| unable(path, error))?;
    }
    let Some(root) = project.root() else { return Ok(definitions) };
    for (settings, is_crds) in [(&project.settings.crds, true), (&project.settings.schemas, false)] {
        for (path, span) in settings {
            project.stays_inside(path).map_err(|error| error.finding(*span))?;
            let shown = PathBuf::from(project.shown(path));
            let added = match is_crds {
                true => definitions.add_crds(&shown, Some(root)),
                false => definitions.add_schemas(&shown, Some(root)),
            };
            added.map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => AccessError::Missing(project.shown(path)).finding(*span),
                _ => AccessError::Unreadable(project.shown(path), ReadError::Io(error)).finding(*span),
            })?;
        }
    }
    Ok(definitions)
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
    let names = || services.iter().map(|known| known.name());
    if !name.is_empty() && !names().any(|known| known == name) {
        let near = suggest::nearest(name, names());
        let help = near.map_or_else(|| suggest::list(names().collect::<Vec<_>>(), "or"), |near| format!("`{near}`"));
        return Err(format!("unknown service `{name}`: expected {help}"));
    }
    Ok(services.with_version(name, version.parse()?))
}

/// The same for a rendered bundle, which is whole and names its own externals, services and cluster.
pub(super) fn options_of(rendered: &Rendered, options: &Options, sources: &Sources) -> Options {
    let external = &rendered.values.node[EXTERNAL];
    let named = external.entries().iter().map(|entry| entry.value.text().to_owned());
    let purpose = if rendered.values.environment == "production" { Purpose::Production } else { Purpose::Test };
    let mut options =
        Options { whole: true, own: true, kind_config: rendered.kind_config.clone(), purpose, ..options.clone() };
    options.externals.extend(named);
    for object in &rendered.needed {
        options.externals.push(object.id.to_string());
        match object.kind() {
            "Service" => options.externals.push(object.name().to_owned()),
            "CustomResourceDefinition" => options.crds.push(object.node.clone()),
            _ => {}
        }
    }
    // A project without the field `external` has no terms of its own for it.
    if external.is_set()
        && let Some(file) = sources.get(rendered.values.file)
    {
        options.declaration = Declaration::Profile(file.name.clone());
    }
    options
}

pub(super) fn schema(global: &Global, settings: bool, output: &mut Output) -> anyhow::Result<Outcome> {
    if settings {
        output.result(&project::settings_schema())?;
        return Ok(Outcome::Fine);
    }
    let sources = Sources::new();
    let read = |project: &Project| project.read(&sources, project::SCHEMA);
    let file = open(global, &sources).and_then(|project| match read(&project) {
        Err(AccessError::Missing(_)) => read(&Project::built_in()).map_err(|error| error.failure()),
        file => file.map_err(|error| error.failure()),
    });
    match file {
        Ok(file) => {
            let text = sources.get(file).map(|file| file.text.replace("\r\n", "\n")).unwrap_or_default();
            output.result(&plain_json(&json_schema::of_layers(&text).unwrap_or(text)))?;
            Ok(Outcome::Fine)
        }
        Err(failure) => Ok(output.failure(&sources, &failure)),
    }
}

pub(super) fn init(folder: &Path, blank: bool, output: &Output) -> anyhow::Result<Outcome> {
    let (files, profile) = if blank {
        (BLANK.to_vec(), "app")
    } else {
        // Copies of the other descriptions would only grow old.
        let is_own = |path: &str| !path.starts_with("services/") || path == "services/datastorage.yaml";
        let built_in = built_in::FILES.iter().map(|file| (file.path, file.text)).filter(|(path, _)| is_own(path));
        (built_in.chain([(project::FILE, SETTINGS)]).collect(), "gateway")
    };
    if let Some(path) = files.iter().map(|(path, _)| folder.join(path)).find(|path| path.exists()) {
        bail!("{} is already there; `init` overwrites nothing", path.display());
    }
    for (path, text) in &files {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    output.message(&format!(
        "{} files written to {}; `plimsoll render --project {} {profile}` renders from there",
        files.len(),
        folder.display(),
        folder.display(),
    ));
    Ok(Outcome::Fine)
}

/// A small project that renders, the one in `examples/blank`.
const BLANK: &[(&str, &str)] = {
    macro_rules! files {
        ($($path:literal),*) => { &[$(($path, include_str!(concat!("../../examples/blank/", $path)))),*] };
    }
    files![
        "plimsoll.toml",
        "profiles/app.yaml",
        "profiles/base.yaml",
        "profiles/schema.json",
        "profiles/environments/dev.yaml",
        "profiles/environments/prod.yaml",
        "templates/app.yaml"
    ]
};

/// The settings of a new project: nothing decided yet.
const SETTINGS: &str = "\
# This file marks a plimsoll project: profiles/, templates/ and services/ beside it are used. docs/settings.md has an example
# of every setting; `plimsoll schema --settings` prints a schema for editors.

# The folder that `render --out` means where it is given none.
# out = \"deploy\"

# The environment that `--env` means where it is not given.
environment = \"e2e\"

# What lives elsewhere: a host as `host` or `host:port`, an object as `Kind/name`.
# externals = [\"db.example.com:5432\", \"Secret/registry-login\"]

# CustomResourceDefinitions of kinds that the templates use: files and folders of the project.
# crds = [\"crds\"]

# Folders of published schemas of custom resources, GROUP/KIND_VERSION.json.
# schemas = [\"schemas\"]

# The version of Kubernetes whose kinds and fields count.
# kubernetes = \"1.36\"

# What `check` leaves out of the folders it searches: patterns as in .gitignore.
# exclude = [\"third_party/\"]

# Whether all profiles go to one cluster (shared) or each to a cluster of its own (profile).
# clusters = \"profile\"

# Other levels for rules: off, note, warning or error; everywhere, or in some files.
# [rules]
# unused = \"off\"
# [paths.\"legacy/**\"]
# host-unresolved = \"note\"

# Findings that are known and allowed.
# [[allow]]
# rule = \"pod-security\"
# object = \"DaemonSet/log-agent\"
# because = \"reads the logs of the node\"

# Fields of your own kinds that name other objects.
# [[references]]
# kind = \"Boat\"
# field = \"spec.config\"
# names = \"ConfigMap\"
";
