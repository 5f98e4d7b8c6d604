//! The commands that `up` and `down` would run, as far as they are known without access to the cluster.

use std::fmt;
use std::path::Path;

use crate::programs::{CommandLine, Programs};
use crate::suggest;
use crate::up::engine::{self, Engine, ImageBuild};
use crate::up::kubectl::FIELD_MANAGER;
use crate::up::{Inventory, Kubectl, Target};

/// A command line with a comment on when or why it is run.
#[derive(Debug)]
pub struct PlannedCommand {
    line: CommandLine,
    comment: String,
}

impl fmt::Display for PlannedCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, comment } = self;
        if comment.is_empty() { write!(f, "{line}") } else { write!(f, "{line}  # {comment}") }
    }
}

fn planned(line: CommandLine, comment: impl Into<String>) -> PlannedCommand {
    PlannedCommand { line, comment: comment.into() }
}

/// The commands of `up`. `build` is the build of the profile's image, if it has one.
#[must_use]
pub fn up(target: &Target, build: Option<&ImageBuild>, no_build: bool, programs: &Programs) -> Vec<PlannedCommand> {
    let kubectl = Kubectl { programs, context: Some(target.context.clone()) };
    let mut plan = Vec::new();
    if let Some(cluster) = &target.cluster {
        plan.push(planned(engine::create(cluster, String::new()), "if the cluster does not exist"));
    }
    let engine = Engine::Podman;
    if !no_build {
        plan.extend(build.map(|build| planned(engine.build(build), "or docker")));
        let archive = Path::new("IMAGE.tar");
        let loaded = target
            .cluster
            .iter()
            .flat_map(|cluster| target.local_images().into_iter().map(move |image| (cluster, image)));
        for (cluster, image) in loaded {
            plan.push(planned(engine.save(&image, archive), "or docker"));
            plan.push(planned(engine::load(cluster, archive), ""));
        }
    }
    let manager = format!("--field-manager={FIELD_MANAGER}");
    let (number, inventory) = (target.rendered.objects.len(), Inventory::name(target.profile()));
    let comment = format!("{}, and the inventory ConfigMap/{inventory}", suggest::count(number, "object"));
    plan.push(planned(kubectl.line(["apply", "--server-side", &manager, "--filename", "-"]), comment));
    let namespace = format!("--namespace={}", target.namespace);
    let watch = kubectl.line(["get", "pods", &namespace, "--watch", "--output-watch-events", "--output=json"]);
    plan.push(planned(watch, "and other kinds, until all objects are ready"));
    let delete = kubectl.line(["delete", "--ignore-not-found", "--wait=false", "--filename", "-"]);
    plan.push(planned(delete, "objects of the previous bundle, once all objects are ready"));
    plan
}

/// The commands of `down` with the options `--data` and `--cluster`.
#[must_use]
pub fn down(target: &Target, data: bool, cluster: bool, programs: &Programs) -> Vec<PlannedCommand> {
    let kubectl = Kubectl { programs, context: Some(target.context.clone()) };
    if cluster {
        let cluster = target.cluster.as_deref().unwrap_or("CLUSTER");
        return vec![planned(engine::delete(cluster), "and everything in it")];
    }
    let (namespace, name) = (format!("--namespace={}", target.namespace), Inventory::name(target.profile()));
    let get = kubectl.line(["get", "configmap", &name, &namespace, "--ignore-not-found", "--output=json"]);
    let delete = kubectl.line(["delete", "--ignore-not-found", "--wait=true", "--filename", "-"]);
    let mut plan = vec![
        planned(get, "the inventory"),
        planned(delete.clone(), "the objects in the inventory, except PersistentVolumeClaims and the Namespace"),
    ];
    if data {
        plan.push(planned(delete, "the PersistentVolumeClaims with their data"));
    }
    let namespace = kubectl.line(["delete", "namespace", &target.namespace, "--ignore-not-found"]);
    plan.push(planned(namespace, "if `up` created it and it contains nothing else"));
    plan
}
