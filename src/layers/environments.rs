//! The environments of a project. Each is declared by the base, or by a profile together with a file of its own.

use ecow::EcoString;
use foldhash::{HashSet, HashSetExt};

use super::{ENVIRONMENTS, Layers, Profile};
use crate::finding::{Failure, Finding, RuleId};
use crate::project::{self, Project};
use crate::source::Span;
use crate::suggest;

/// The default environment of the project embedded in the binary.
const BUILT_IN_ENVIRONMENT: &str = "e2e";

impl Layers<'_> {
    /// The environments that a profile can be rendered for: those that it or the base has a section for, in that
    /// order. A null section of the profile removes an environment of the base.
    #[must_use]
    pub fn environments(&self, profile: &Profile) -> Vec<EcoString> {
        let own = &profile.layer;
        let base = self.base.sections.iter().filter(|section| own.section(&section.name).is_none());
        let own = own.sections.iter().filter(|section| section.content.is_some());
        base.chain(own).map(|section| section.name.clone()).collect()
    }

    /// The environments of the project: those that the base declares and those that have a file, in that order.
    ///
    /// # Errors
    /// If the directory of the files cannot be read.
    pub fn project_environments(&self) -> Result<Vec<EcoString>, Failure> {
        let mut names: Vec<EcoString> = self.base.sections.iter().map(|section| section.name.clone()).collect();
        for file in self.environment_files()? {
            if !names.iter().any(|name| name == file) {
                names.push(file.as_str().into());
            }
        }
        Ok(names)
    }

    /// The environment that a command works in: `requested`, else the one in the settings, else the only environment
    /// of these profiles, or of the project if `profiles` is empty.
    ///
    /// # Errors
    /// If there is none, or more than one.
    pub fn environment(&self, requested: Option<&str>, profiles: &[String]) -> Result<String, Failure> {
        let project = self.project;
        if let Some(requested) = requested {
            return Ok(requested.to_owned());
        }
        if project.is_built_in() {
            return Ok(BUILT_IN_ENVIRONMENT.to_owned());
        }
        if let Some((name, span)) = &project.settings.environment {
            let known = self.project_environments()?;
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
            names.extend(self.environments(&self.profile(profile)?));
        }
        if profiles.is_empty() {
            names = self.project_environments()?;
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
                        format!(
                            "no environment was given, and {whose} has {}",
                            suggest::count(names.len(), "environment")
                        )
                    }
                };
                Err(Failure::unable(
                    Finding::error(RuleId::EnvironmentNotGiven, Span::NONE, message).with_help(choices(names)),
                ))
            }
        }
    }

    fn environment_files(&self) -> Result<&[String], Failure> {
        if let Some(files) = self.environment_files.get() {
            return Ok(files);
        }
        let files = self.project.environment_files()?;
        Ok(self.environment_files.get_or_init(|| files))
    }

    /// Reports environments that only a profile declares and that have no file: a typo would otherwise create a new
    /// environment.
    pub(super) fn check_environments(&self, profile: &Profile) -> Result<(), Failure> {
        // A revision is only rendered for comparison with the working tree, which reports such errors itself.
        let new: Vec<_> = profile.layer.sections.iter().filter(|own| self.base.section(&own.name).is_none()).collect();
        if new.is_empty() || self.project.is_revision() {
            return Ok(());
        }
        let mut findings = Vec::new();
        for section in new {
            let has_file = self.environment_files()?.contains(&section.name.to_string());
            if has_file && section.content.is_some() {
                continue;
            }
            let name = &section.name;
            let base = self.project.shown(project::BASE);
            let finding = if section.content.is_none() {
                let message = format!("`{name}: null` removes an environment that {base} does not declare");
                let help = if has_file { format!("to add it, write `{name}: {{}}`") } else { String::new() };
                Finding::error(RuleId::EnvironmentUnknown, section.span, message).with_help(help)
            } else {
                let file = self.project.shown(&format!("profiles/environments/{name}.yaml"));
                let message = format!("environment `{name}` is declared only in this profile");
                let help = format!("declare it under `{ENVIRONMENTS}` in {base}, or add {file}");
                Finding::error(RuleId::EnvironmentUnknown, section.span, message).with_help(help)
            };
            let names = self.project_environments()?;
            findings.push(match suggest::nearest(name, names.iter().map(EcoString::as_str)) {
                Some(near) => finding.with_label(format!("did you mean `{near}`?")),
                None => finding,
            });
        }
        if findings.is_empty() { Ok(()) } else { Err(findings.into()) }
    }

    /// A finding for each file in `profiles/environments/` that neither the base nor a profile declares.
    ///
    /// # Errors
    /// If a profile cannot be read.
    pub fn undeclared_environments(&self) -> Result<Vec<Finding>, Failure> {
        let files = self.environment_files()?;
        let mut open: Vec<&String> = files.iter().filter(|name| self.base.section(name).is_none()).collect();
        if !open.is_empty() {
            for name in self.project.profiles()? {
                let file = match self.project.read(self.sources, &format!("profiles/{name}.yaml")) {
                    Ok(file) => file,
                    Err(error) => return Err(error.failure()),
                };
                let text = self.sources.get(file).map(|source| source.text.clone()).unwrap_or_default();
                // A profile that does not contain the name cannot declare it, and need not be parsed.
                if open.iter().any(|environment| text.contains(environment.as_str())) {
                    let layer = self.layer(file, super::read::LayerKind::Profile)?;
                    open.retain(|environment| layer.section(environment).is_none());
                }
                if open.is_empty() {
                    break;
                }
            }
        }
        let finding = |name: &String| {
            let path = format!("profiles/environments/{name}.yaml");
            let why = format!("environment `{name}` is not declared by the base or by a profile");
            let finding = self.project.unused(self.sources, &path, &why);
            let known = self.base.sections.iter().map(|section| section.name.as_str());
            match suggest::nearest(name, known) {
                Some(near) => finding.with_help(format!("did you mean `{near}`?")),
                None => finding.with_help(declare(self.project, name)),
            }
        };
        Ok(open.into_iter().map(finding).collect())
    }

    pub(super) fn environment_not_found(&self, profile: &Profile, environment: &str) -> Failure {
        let names = self.environments(profile);
        let message = format!("profile `{}` has no environment `{environment}`", profile.name);
        let mut finding = Finding::error(RuleId::EnvironmentNotFound, Span::NONE, message);
        finding.help = match suggest::nearest(environment, names.iter().map(EcoString::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => {
                format!("add `{ENVIRONMENTS}: {{{environment}: {{}}}}` to {}", self.project.shown(project::BASE))
            }
            None => format!("available environments: {}", suggest::list(&names, "and")),
        };
        Failure::unable(finding)
    }
}

fn declare(project: &Project, name: &str) -> String {
    let base = project.shown(project::BASE);
    format!(
        "declare it under `{ENVIRONMENTS}` in {base}, or in the profiles that use it: `{ENVIRONMENTS}: {{{name}: {{}}}}`"
    )
}

/// The failure that none of the profiles has any of these environments.
#[must_use]
pub fn no_environment(environments: &[String]) -> Failure {
    let message = format!("no profile has the environment {}", suggest::list(environments, "or"));
    Failure::unable(Finding::error(RuleId::EnvironmentNotFound, Span::NONE, message))
}

/// The help for choosing an environment.
fn choices(names: &[EcoString]) -> String {
    match names {
        [] => format!("declare one under `environments` in {}: `environments: {{dev: {{}}}}`", project::BASE),
        names => format!(
            "pass `--env` with {}, or set the default in {}: `environment = \"{}\"`",
            suggest::list(names, "or"),
            project::FILE,
            names[0]
        ),
    }
}
