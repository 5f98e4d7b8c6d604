//! Diagnoses what a changed file belongs to: a project, of which only the affected bundles are rendered again, or the
//! manifests of a directory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::places::file_of;
use super::shown::{ByFile, add, by_file};
use super::workspace::Workspace;
use crate::check::{Options, check_rendered};
use crate::cli::{check, project};
use crate::finding::Failure;
use crate::layers::{NEEDS, Overrides};
use crate::parallel::in_parallel;
use crate::project::Project;
use crate::render::Renderer;
use crate::report::Secrets;
use crate::source::Sources;

/// How many profiles are rendered between two checks for messages from the editor.
const PROFILES_AT_ONCE: usize = 32;

/// Checks a manifest with the others of its directory; findings in open files are shown.
pub(super) fn manifests(workspace: &Workspace<'_>, path: &Path) -> ByFile {
    let sources = workspace.sources();
    let (input, options) = match workspace.folder(path, &sources) {
        Ok(found) => found,
        Err(failure) => return failed(workspace, &sources, &failure),
    };
    let findings = check::judge(&sources, &input.objects, &options, input.findings);
    let secrets = Secrets::of(&sources, &input.objects);
    let mut found = by_file(workspace.columns, &sources, &findings, &secrets);
    found.retain(|path, _| workspace.buffers.contains_key(path));
    found
}

fn failed(workspace: &Workspace<'_>, sources: &Sources, failure: &Failure) -> ByFile {
    by_file(workspace.columns, sources, failure.findings(), &Secrets::new(sources))
}

/// The findings of a project's profiles.
#[derive(Default)]
pub(super) struct Profiles {
    known: BTreeMap<String, Profile>,
    /// The profiles that are outdated.
    pub(super) stale: BTreeSet<String>,
}

/// The findings in all bundles of a profile.
struct Profile {
    found: ByFile,
    /// The files it was made from besides the templates; empty if they are unknown.
    layers: Option<BTreeSet<PathBuf>>,
}

impl Profiles {
    /// Renders and checks the affected bundles, first those of the changed profile. Publishes findings repeatedly,
    /// until all bundles are done or a newer change cancels it.
    pub(super) fn diagnose(
        &mut self,
        workspace: &Workspace<'_>,
        root: &Path,
        changed: Option<&Path>,
        mut publish: impl FnMut(ByFile) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<()> {
        let sources = workspace.sources();
        let project = match workspace.project(root, &sources) {
            Ok(project) => project,
            Err(failure) => return self.fail(failed(workspace, &sources, &failure), publish),
        };
        let loaded = project::load(workspace.global, &project, &sources, &Overrides::default());
        let (names, (renderer, options)) = match project.profiles().and_then(|names| Ok((names, loaded?))) {
            Ok(loaded) => loaded,
            Err(failure) => return self.fail(failed(workspace, &sources, &failure), publish),
        };
        self.known.retain(|name, _| names.contains(name));
        self.stale.retain(|name| names.contains(name));
        if let Some(changed) = changed {
            self.stale.extend(self.concerned(changed));
        }
        self.stale.extend(names.into_iter().filter(|name| !self.known.contains_key(name)));
        let own = changed.and_then(|path| path.file_stem()?.to_str());
        let mut wanted: Vec<String> = self.stale.iter().cloned().collect();
        wanted.sort_by_key(|name| Some(name.as_str()) != own);
        let mut parts = wanted.chunks(PROFILES_AT_ONCE);
        loop {
            let part = parts.next().unwrap_or_default();
            let found =
                in_parallel(part, None, |name| profile(workspace, &project, &renderer, &options, &sources, name));
            self.known.extend(part.iter().cloned().zip(found));
            part.iter().for_each(|name| _ = self.stale.remove(name));
            if publish(self.all(changed))?.is_break() || self.stale.is_empty() {
                return Ok(());
            }
        }
    }

    /// Nothing can be rendered: only the findings of the project remain.
    fn fail(
        &mut self,
        found: ByFile,
        mut publish: impl FnMut(ByFile) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<()> {
        *self = Self::default();
        publish(found).map(|_| ())
    }

    /// The profiles that a changed file affects: those that read it, and those that need their bundles. If no profile
    /// reads it, it is a template, a setting, or new, and may affect all.
    fn concerned(&self, changed: &Path) -> Vec<String> {
        let reads = |profile: &Profile| profile.layers.as_ref().is_none_or(|layers| layers.contains(changed));
        let is_layer =
            self.known.values().any(|profile| profile.layers.as_ref().is_some_and(|all| all.contains(changed)));
        self.known.iter().filter(|(_, profile)| !is_layer || reads(profile)).map(|(name, _)| name.clone()).collect()
    }

    /// All findings. Those in the changed file are only of profiles that were rendered since.
    fn all(&self, changed: Option<&Path>) -> ByFile {
        let mut all = ByFile::new();
        let (old, new): (Vec<_>, Vec<_>) = self.known.iter().partition(|(name, _)| self.stale.contains(*name));
        old.into_iter().for_each(|(_, profile)| add(&profile.found, &mut all));
        if let Some(changed) = changed {
            all.remove(changed);
        }
        new.into_iter().for_each(|(_, profile)| add(&profile.found, &mut all));
        all
    }
}

/// Renders and checks all bundles of a profile.
fn profile(
    workspace: &Workspace<'_>,
    project: &Project,
    renderer: &Renderer<'_>,
    options: &Options,
    sources: &Sources,
    name: &str,
) -> Profile {
    let layers = &renderer.layers;
    let profile = match layers.profile(name) {
        Ok(profile) => profile,
        Err(failure) => return Profile { found: failed(workspace, sources, &failure), layers: None },
    };
    let mut all = Profile { found: ByFile::new(), layers: Some(BTreeSet::new()) };
    for environment in layers.environments(&profile) {
        let rendered = layers.values(&profile, &environment).and_then(|values| renderer.render_values(values));
        let (found, read) = match rendered {
            Ok(rendered) => {
                let findings = check_rendered(sources, &rendered, options, &project.settings.allow);
                let secrets =
                    if findings.is_empty() { Secrets::default() } else { Secrets::of(sources, &rendered.objects) };
                // Needed bundles are made from other profiles' files.
                let needs = rendered.values.choices[NEEDS].items();
                let read = needs.is_empty().then(|| renderer.inputs(&rendered));
                (by_file(workspace.columns, sources, &findings, &secrets), read)
            }
            Err(failure) => (failed(workspace, sources, &failure), None),
        };
        add(&found, &mut all.found);
        match (&mut all.layers, read) {
            (Some(all), Some(read)) => all.extend(read.into_iter().filter_map(|file| Some(file_of(sources, file)?.1))),
            (all, _) => *all = None,
        }
    }
    all
}
