//! A run of `up`: creates the cluster, loads images, applies objects, waits and prunes.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::object::Object;
use crate::programs::{Programs, RunError};
use crate::status::{self, PATIENCE};
use crate::suggest;
use crate::up::engine::{self, Engine, ImageBuild};
use crate::up::wait::{WaitEnd, WaitOutcome, wait};
use crate::up::{Error, Inventory, Kubectl, Progress, Target, apply};
use crate::yaml;

/// The arguments of a run of `up`.
pub struct UpRun<'a> {
    /// The bundle and its cluster.
    pub target: &'a Target,
    /// The build of the profile's image, if it has one.
    pub build: Option<&'a ImageBuild>,
    /// Whether to skip building and loading images.
    pub no_build: bool,
    /// Runs the programs.
    pub programs: &'a Programs,
    /// Receives the progress.
    pub progress: &'a mut dyn FnMut(Progress<'_>),
}

impl UpRun<'_> {
    /// Applies the bundle and waits until it is ready or cannot become ready.
    ///
    /// # Errors
    /// If a program cannot be run, fails or is interrupted, or the cluster does not exist.
    pub fn up(mut self) -> Result<WaitOutcome, Error> {
        let kubectl = Kubectl { programs: self.programs, context: Some(self.target.context.clone()) };
        self.cluster(&kubectl)?;
        self.images()?;
        let (profile, namespace, objects) =
            (self.target.profile(), &self.target.namespace, &self.target.rendered.objects);
        let existing = kubectl.get("namespace", namespace, "")?;
        let old = kubectl.get("configmap", &Inventory::name(profile), namespace)?;
        let old = old.and_then(|object| Inventory::read(profile, &object)).unwrap_or_default();
        let mut new = Inventory::of(profile, namespace, objects);
        new.created_namespace = old.created_namespace || existing.is_none();

        // The inventory is applied before its objects, so that it is complete even if the run is interrupted.
        let inventory = new.clone().union(&old).to_object();
        let is_namespace = |object: &&Object| object.kind() == "Namespace";
        let first = objects.iter().filter(is_namespace);
        let ordered: Vec<&Object> =
            first.chain([&inventory]).chain(objects.iter().filter(|object| !is_namespace(object))).collect();
        self.step(format!("applying {} to {}", suggest::count(objects.len(), "object"), self.target.context));
        let applied = apply::apply(&kubectl, &ordered)?;
        for message in applied.taken_over {
            (self.progress)(Progress::Note(message));
        }
        if !applied.complete {
            let mut record = kubectl.record(namespace)?;
            record.applied = applied.output;
            let diagnosis = status::diagnose(&record, Some(objects), PATIENCE);
            return Ok(WaitOutcome { ended: WaitEnd::Failed, record, diagnosis });
        }
        let progress = &mut *self.progress;
        let mut show = |diagnosis: &status::Diagnosis| progress(Progress::States(diagnosis));
        let outcome = wait(&kubectl, namespace, objects, &applied.output, &mut show)?;
        if outcome.ended == WaitEnd::Ready {
            self.prune(&kubectl, &old, &new)?;
        }
        Ok(outcome)
    }

    fn step(&mut self, text: String) {
        (self.progress)(Progress::Step(text));
    }

    /// Creates the kind cluster if it does not exist.
    fn cluster(&mut self, kubectl: &Kubectl<'_>) -> Result<(), Error> {
        let context = &self.target.context;
        if kubectl.contexts()?.contains(context) {
            return Ok(());
        }
        let Some(cluster) = &self.target.cluster else {
            let message =
                format!("no context exists with the name `{context}`; list them: kubectl config get-contexts");
            return Err(Error::Unable(message));
        };
        let clusters = self.programs.run(&engine::clusters())?;
        if clusters.lines().any(|name| name == cluster) {
            return Err(Error::Unable(format!(
                "no context exists with the name `{context}` for kind cluster `{cluster}`; add it: kind export kubeconfig --name {cluster}"
            )));
        }
        self.step(format!("creating kind cluster {cluster}"));
        let config = self.target.rendered.kind_config.as_ref().map(|config| yaml::emit(&config.node));
        self.programs.run(&engine::create(cluster, config.unwrap_or_default()))?;
        Ok(())
    }

    /// Builds the image, and loads it and the other local images.
    fn images(&mut self) -> Result<(), Error> {
        let local = self.target.local_images();
        let build = self.build.filter(|_| !self.no_build);
        let cluster = self.target.cluster.as_ref();
        if build.is_none() && (local.is_empty() || cluster.is_none() || self.no_build) {
            return Ok(());
        }
        let engine = match Engine::find(self.programs) {
            Ok(engine) => engine,
            // The images may already be on the nodes; if not, the diagnosis reports it.
            Err(RunError::NotFound(_)) if build.is_none() => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if let Some(build) = build {
            self.step(format!("building {}", build.image));
            self.programs.run(&engine.build(build))?;
        }
        let Some(cluster) = cluster else { return Ok(()) };
        let built = build.map(|build| build.image.clone());
        for image in local.into_iter().chain(built.clone()).collect::<BTreeSet<_>>() {
            if Some(&image) != built.as_ref() && !self.programs.finish(&engine.has(&image))?.is_success() {
                let message = format!("image {image} not found in {}, so it is not loaded", engine.name());
                (self.progress)(Progress::Note(message));
                continue;
            }
            self.step(format!("loading {image}"));
            let archive = TempArchive::new();
            self.programs.run(&engine.save(&image, &archive.0))?;
            self.programs.run(&engine::load(cluster, &archive.0))?;
        }
        Ok(())
    }

    /// Deletes the objects of the previous bundle that this one does not contain, except claims.
    fn prune(&mut self, kubectl: &Kubectl<'_>, old: &Inventory, new: &Inventory) -> Result<(), Error> {
        let (claims, others): (Vec<_>, Vec<_>) =
            old.difference(new).into_iter().partition(|id| id.kind == "PersistentVolumeClaim");
        let mut others: Vec<_> = others.into_iter().filter(|id| id.kind != "Namespace").collect();
        others.reverse();
        if !others.is_empty() {
            self.step(format!("pruning {}", suggest::count(others.len(), "object")));
            kubectl.delete(&others, false)?;
        }
        let mut new = new.clone();
        // Kept claims remain in the inventory for `down --data`.
        new.objects.extend(claims);
        new.claims.extend(old.claims.iter().filter(|claim| !new.claims.contains(claim)).cloned().collect::<Vec<_>>());
        if new != *old { new.write(kubectl) } else { Ok(()) }
    }
}

/// A temporary file for an image archive, deleted on drop.
struct TempArchive(PathBuf);

impl TempArchive {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("plimsoll-{}.tar", std::process::id())))
    }
}

impl Drop for TempArchive {
    fn drop(&mut self) {
        // The file does not exist if saving the image failed.
        _ = std::fs::remove_file(&self.0);
    }
}
