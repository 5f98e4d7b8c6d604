//! One run of `up`: cluster, images, objects, the wait, and what a former bundle leaves behind.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::object::Object;
use crate::programs::{Programs, RunError};
use crate::status::{self, PATIENCE};
use crate::suggest;
use crate::up::engine::{self, Build, Engine};
use crate::up::wait::{Ended, Outcome, wait};
use crate::up::{Error, Inventory, Kubectl, Progress, Target, apply};
use crate::yaml;

/// What a run needs.
pub struct Run<'a> {
    /// The bundle, and where it belongs.
    pub target: &'a Target,
    /// How the profile's image is built, where it is.
    pub build: Option<&'a Build>,
    /// Whether images are neither built nor loaded.
    pub no_build: bool,
    /// What runs the programs.
    pub programs: &'a Programs,
    /// Is told how far the run is.
    pub progress: &'a mut dyn FnMut(Progress<'_>),
}

impl Run<'_> {
    /// Brings the bundle up, and waits until it is ready or is known never to be.
    ///
    /// # Errors
    /// Where a program cannot be run, fails, or is interrupted; where there is no such cluster.
    pub fn up(mut self) -> Result<Outcome, Error> {
        let kubectl = Kubectl { programs: self.programs, context: Some(self.target.context.clone()) };
        self.cluster(&kubectl)?;
        self.images()?;
        let (profile, namespace, objects) =
            (self.target.profile(), &self.target.namespace, &self.target.rendered.objects);
        let had = kubectl.get("namespace", namespace, "")?;
        let old = kubectl.get("configmap", &Inventory::name(profile), namespace)?;
        let old = old.and_then(|object| Inventory::read(profile, &object)).unwrap_or_default();
        let mut new = Inventory::of(profile, namespace, objects);
        new.made_namespace = old.made_namespace || had.is_none();

        // The inventory comes before what it lists, so that a run that is interrupted leaves nothing that is not listed.
        let listed = new.clone().and(&old).to_object();
        let is_namespace = |object: &&Object| object.kind() == "Namespace";
        let first = objects.iter().filter(is_namespace);
        let ordered: Vec<&Object> =
            first.chain([&listed]).chain(objects.iter().filter(|object| !is_namespace(object))).collect();
        self.step(format!("applying {} to {}", suggest::count(objects.len(), "object"), self.target.context));
        let applied = apply::apply(&kubectl, &ordered)?;
        for taken in applied.taken {
            (self.progress)(Progress::Note(taken));
        }
        if !applied.complete {
            let mut record = kubectl.record(namespace)?;
            record.applied = applied.output;
            let diagnosis = status::diagnose(&record, Some(objects), PATIENCE);
            return Ok(Outcome { ended: Ended::Failed, record, diagnosis });
        }
        let progress = &mut *self.progress;
        let mut show = |diagnosis: &status::Diagnosis| progress(Progress::States(diagnosis));
        let outcome = wait(&kubectl, namespace, objects, &applied.output, &mut show)?;
        if outcome.ended == Ended::Ready {
            self.prune(&kubectl, &old, &new)?;
        }
        Ok(outcome)
    }

    fn step(&mut self, text: String) {
        (self.progress)(Progress::Step(text));
    }

    /// Creates the kind cluster, if there is none.
    fn cluster(&mut self, kubectl: &Kubectl<'_>) -> Result<(), Error> {
        let context = &self.target.context;
        if kubectl.contexts()?.contains(context) {
            return Ok(());
        }
        let Some(cluster) = &self.target.cluster else {
            let message = format!("no context `{context}` in the kubeconfig; `kubectl config get-contexts` lists them");
            return Err(Error::Unable(message));
        };
        let clusters = self.programs.run(&engine::clusters())?;
        if clusters.lines().any(|name| name == cluster) {
            return Err(Error::Unable(format!(
                "kind has the cluster `{cluster}`, and the kubeconfig has no context `{context}`; write it: kind export kubeconfig --name {cluster}"
            )));
        }
        self.step(format!("creating the kind cluster {cluster}"));
        let config = self.target.rendered.kind_config.as_ref().map(|config| yaml::emit(&config.node));
        self.programs.run(&engine::create(cluster, config.unwrap_or_default()))?;
        Ok(())
    }

    /// Builds the image and loads it, with the others that no registry has.
    fn images(&mut self) -> Result<(), Error> {
        let local = self.target.local_images();
        let build = self.build.filter(|_| !self.no_build);
        let cluster = self.target.cluster.as_ref();
        if build.is_none() && (local.is_empty() || cluster.is_none() || self.no_build) {
            return Ok(());
        }
        let engine = match Engine::find(self.programs) {
            Ok(engine) => engine,
            // The images may be on the nodes already; if they are not, the diagnosis says so.
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
                let message = format!("{} has no image {image}, so it is not loaded", engine.name());
                (self.progress)(Progress::Note(message));
                continue;
            }
            self.step(format!("loading {image}"));
            let archive = Archive::new();
            self.programs.run(&engine.save(&image, &archive.0))?;
            self.programs.run(&engine::load(cluster, &archive.0))?;
        }
        Ok(())
    }

    /// Deletes what a former bundle had and this one has not. Data stays: a claim goes with `down --data` only.
    fn prune(&mut self, kubectl: &Kubectl<'_>, old: &Inventory, new: &Inventory) -> Result<(), Error> {
        let (kept, gone): (Vec<_>, Vec<_>) =
            old.without(new).into_iter().partition(|id| id.kind == "PersistentVolumeClaim");
        let mut gone: Vec<_> = gone.into_iter().filter(|id| id.kind != "Namespace").collect();
        gone.reverse();
        if !gone.is_empty() {
            self.step(format!("pruning {}", suggest::count(gone.len(), "object")));
            kubectl.delete(&gone, false)?;
        }
        let mut new = new.clone();
        // A claim that stays is still ours to delete one day, and so are those that a StatefulSet made.
        new.objects.extend(kept);
        new.claims.extend(old.claims.iter().filter(|claim| !new.claims.contains(claim)).cloned().collect::<Vec<_>>());
        if new != *old { new.write(kubectl) } else { Ok(()) }
    }
}

/// A file for an image, which is deleted when the image was loaded.
struct Archive(PathBuf);

impl Archive {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("plimsoll-{}.tar", std::process::id())))
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        // One that was never written is gone already.
        _ = std::fs::remove_file(&self.0);
    }
}
