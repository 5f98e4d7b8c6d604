//! Checks rendered bundles, with the settings of the project and the profile.

use std::sync::Arc;

use super::suppress::suppress;
use super::{Declaration, Options, Purpose, check_in};
use crate::built_in;
use crate::definitions::Definitions;
use crate::finding::{Failure, Finding, ObjectRef, RuleId, Severity};
use crate::globs::Globs;
use crate::kube::KubernetesVersion;
use crate::layers::EXTERNAL;
use crate::object::Object;
use crate::project::{self, AccessError, Allowance, Level, Project, YAML};
use crate::render::Rendered;
use crate::report;
use crate::service::Services;
use crate::source::Sources;

impl Options {
    /// The options that a project's settings define.
    ///
    /// # Errors
    /// If a file in `services/` cannot be read or is not a valid service description.
    pub fn of_project(project: &Project, sources: &Sources, definitions: Definitions) -> Result<Self, Failure> {
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
                // A project that was created with `init` contains copies of the built-in files.
                if sources.get(file).is_some_and(|source| built_in::text(&name) == Some(&*source.text)) {
                    continue;
                }
                services = services.with(Services::read(sources, file).map_err(Failure::Findings)?);
            }
        }
        let mut profile_versions = Vec::new();
        // Settings for all services come first, so that the order in the file does not matter.
        let versions = &project.settings.service_versions;
        let (of_one, of_all): (Vec<_>, Vec<_>) = versions.iter().partition(|(chosen, _)| chosen.service.is_some());
        for (chosen, span) in of_all.into_iter().chain(of_one) {
            let name = chosen.service.as_deref().unwrap_or_default();
            let version = services
                .read_version(name, &chosen.version)
                .map_err(|why| Finding::error(RuleId::SettingValueInvalid, *span, why))?;
            match &chosen.profile {
                Some(profile) => profile_versions.push((profile.clone(), name.to_owned(), version)),
                None => services = services.with_version(name, version),
            }
        }
        let declaration = match project.is_built_in() {
            true => Declaration::Argument,
            false => Declaration::Settings(project.shown(project::FILE)),
        };
        Ok(Self {
            services,
            profile_versions,
            references: project.settings.references.clone(),
            definitions: Arc::new(definitions),
            declaration,
            externals: project.settings.externals.clone(),
            kubernetes_version: KubernetesVersion::of_project(project)?,
            severities: project.settings.rules.iter().map(|rule| (rule.id, level(rule.level))).collect(),
            path_severities: project.root().map_or_else(Vec::new, |root| {
                let levels = project.settings.paths.iter().filter_map(|path| {
                    let globs = Globs::new(root, std::slice::from_ref(&path.pattern)).ok()?;
                    Some((globs, path.rules.iter().map(|rule| (rule.id, level(rule.level))).collect()))
                });
                levels.collect()
            }),
            ..Self::default()
        })
    }

    /// The options for a rendered bundle: it is complete, and its profile has its own externals, versions and cluster.
    #[must_use]
    pub fn of_rendered(&self, rendered: &Rendered, sources: &Sources) -> Self {
        let external = &rendered.values.node[EXTERNAL];
        let named = external.entries().iter().map(|entry| entry.value.text().to_owned());
        let purpose = if rendered.values.environment == "production" { Purpose::Production } else { Purpose::Test };
        let mut options = Self {
            complete: true,
            is_rendered: true,
            kind_config: rendered.kind_config.clone(),
            purpose,
            ..self.clone()
        };
        options.externals.extend(named);
        for (profile, service, version) in &self.profile_versions {
            if *profile == rendered.values.profile {
                options.services = options.services.with_version(service, version.clone());
            }
        }
        for object in &rendered.needed {
            options.externals.push(object.id.to_string());
            match object.kind() {
                "Service" => options.externals.push(object.name().to_owned()),
                "CustomResourceDefinition" => options.crds.push(object.node.clone()),
                _ => {}
            }
        }
        // Not every project's schema has the field `external`.
        if external.is_set()
            && let Some(file) = sources.get(rendered.values.file)
        {
            options.declaration = Declaration::Profile(file.name.clone());
        }
        options
    }
}

/// Checks a rendered bundle, which is complete, so that missing objects are errors. Allowed findings become notes.
#[must_use]
pub fn check_rendered(
    sources: &Sources,
    rendered: &Rendered,
    options: &Options,
    allowances: &[Allowance],
) -> Vec<Finding> {
    let options = options.of_rendered(rendered, sources);
    let mut findings = rendered.findings.clone();
    if rendered.needed.is_empty() {
        findings.extend(check_in(sources, &rendered.objects, &options));
    } else {
        // Objects of needed profiles can be referred to; their own findings are reported with those profiles.
        let all: Vec<Object> = rendered.objects.iter().chain(&rendered.needed).cloned().collect();
        let found = check_in(sources, &all, &options);
        let is_needed = |id: &ObjectRef| rendered.needed.iter().any(|object| object.id == *id);
        findings.extend(found.into_iter().filter(|finding| !finding.object.as_ref().is_some_and(is_needed)));
    }
    options.adjust(&mut findings);
    options.adjust_by_path(sources, &mut findings);
    findings.retain(|finding| finding.severity > Severity::Note);
    if !findings.is_empty() {
        suppress(sources, &rendered.objects, &mut findings);
        report::sort(sources, &mut findings);
    }
    allow(&mut findings, &rendered.values.profile, allowances);
    findings
}

/// Turns findings that the project allows in a profile into notes with the reason.
fn allow(findings: &mut [Finding], profile: &str, allowances: &[Allowance]) {
    for finding in findings.iter_mut().filter(|finding| finding.severity > Severity::Note) {
        let object = finding.object.as_ref().map(ToString::to_string);
        let allowed = allowances.iter().find(|allowed| {
            allowed.rule == finding.rule
                && allowed.profile.as_deref().is_none_or(|name| name == profile)
                && (allowed.object.is_none() || allowed.object == object)
        });
        if let Some(allowed) = allowed {
            finding.severity = Severity::Note;
            finding.help = format!("allowed because {}; `--strict` makes it an error again", allowed.because);
        }
    }
}
