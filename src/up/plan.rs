//! The commands that a run would use, as far as they are known without asking the cluster.

use std::fmt;
use std::path::Path;

use crate::programs::{CommandLine, Programs};
use crate::suggest;
use crate::up::engine::{self, Build, Engine};
use crate::up::kubectl::FIELD_MANAGER;
use crate::up::{Inventory, Kubectl, Target};

/// A command line, and when or why it is run.
#[derive(Debug)]
pub struct Planned {
    line: CommandLine,
    why: String,
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, why } = self;
        if why.is_empty() { write!(f, "{line}") } else { write!(f, "{line}  # {why}") }
    }
}

fn planned(line: CommandLine, why: impl Into<String>) -> Planned {
    Planned { line, why: why.into() }
}

/// What `up` would run. `build` is how the image is built, where it is; `no_build` as the option.
#[must_use]
pub fn up(target: &Target, build: Option<&Build>, no_build: bool, programs: &Programs) -> Vec<Planned> {
    let kubectl = Kubectl { programs, context: Some(target.context.clone()) };
    let mut plan = Vec::new();
    if let Some(cluster) = &target.cluster {
        plan.push(planned(engine::create(cluster, String::new()), "if there is no such cluster"));
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
    let why = format!("{}, and a list of them in ConfigMap/{inventory}", suggest::count(number, "object"));
    plan.push(planned(kubectl.line(["apply", "--server-side", &manager, "--filename", "-"]), why));
    let namespace = format!("--namespace={}", target.namespace);
    let watch = kubectl.line(["get", "pods", &namespace, "--watch", "--output-watch-events", "--output=json"]);
    plan.push(planned(watch, "and other kinds, until everything is ready"));
    let delete = kubectl.line(["delete", "--ignore-not-found", "--wait=false", "--filename", "-"]);
    plan.push(planned(delete, "objects of the previous bundle, once everything is ready"));
    plan
}

/// What `down` would run. `data` and `cluster` as the options.
#[must_use]
pub fn down(target: &Target, data: bool, cluster: bool, programs: &Programs) -> Vec<Planned> {
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
        planned(delete.clone(), "what the inventory lists, without claims and Namespace"),
    ];
    if data {
        plan.push(planned(delete, "the claims, with the data"));
    }
    let namespace = kubectl.line(["delete", "namespace", &target.namespace, "--ignore-not-found"]);
    plan.push(planned(namespace, "if `up` made it, and nothing else is in it"));
    plan
}
