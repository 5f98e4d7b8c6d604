//! `plimsoll down`.

use std::time::Instant;

use anyhow::bail;

use crate::cli::Outcome;
use crate::cli::args::{Down, Global};
use crate::cli::output::Output;
use crate::cli::{project, status, up};
use crate::finding::ObjectRef;
use crate::programs::{Programs, RunError};
use crate::render::Renderer;
use crate::source::Sources;
use crate::suggest;
use crate::up::{Inventory, Kubectl, engine};

pub(super) fn run(global: &Global, args: &Down, output: &mut Output) -> anyhow::Result<Outcome> {
    let sources = Sources::new();
    let loaded = project::open(global, &sources).and_then(|project| {
        let renderer = Renderer::load(&project, &sources, &args.overrides.to_overrides())?;
        up::target(renderer.render(&args.profile, &args.env)?, args.context.as_deref())
    });
    let target = match loaded {
        Ok(target) => target,
        Err(failure) => return Ok(output.failure(&sources, &failure)),
    };
    if args.dry_run {
        return plan(args, &target, output);
    }
    let programs = Programs::new(Some(Instant::now() + args.timeout), status::shown(args.verbose));
    match all(args, &target, &programs, output) {
        Err(error) => up::ended_by(error, output),
        outcome => outcome,
    }
}

fn all(args: &Down, target: &up::Target, programs: &Programs, output: &Output) -> anyhow::Result<Outcome> {
    if args.cluster {
        let Some(cluster) = &target.cluster else {
            bail!("profile `{}` is for no kind cluster of its own, so there is none to delete", args.profile);
        };
        programs.run(&engine::delete(cluster))?;
        output.message(&format!("the kind cluster {cluster} is deleted"));
        return Ok(Outcome::Fine);
    }
    let kubectl = Kubectl { programs, context: Some(target.context.clone()) };
    if !kubectl.contexts()?.contains(&target.context) {
        output.message(&format!("nothing to delete: the kubeconfig has no context {}", target.context));
        return Ok(Outcome::Fine);
    }
    let namespace = &target.namespace;
    let listed = kubectl.get("configmap", &Inventory::name(&args.profile), namespace)?;
    let Some(inventory) = listed.and_then(|object| Inventory::read(&args.profile, &object)) else {
        output.message(&format!(
            "nothing to delete: `plimsoll up {}` applied nothing to namespace {namespace}",
            args.profile
        ));
        return Ok(Outcome::Fine);
    };
    let kept = |id: &&ObjectRef| matches!(id.kind.as_str(), "PersistentVolumeClaim" | "Namespace");
    let (claims, mut gone): (Vec<ObjectRef>, Vec<ObjectRef>) = {
        let claims = inventory.objects.iter().filter(|id| id.kind == "PersistentVolumeClaim").cloned().collect();
        (claims, inventory.objects.iter().filter(|id| !kept(id)).cloned().collect())
    };
    gone.reverse();
    kubectl.delete(&gone, true)?;
    output.message(&format!("{} deleted", suggest::count(gone.len(), "object")));
    let claims = claims_of(&kubectl, &inventory, claims)?;
    if args.data && !claims.is_empty() {
        kubectl.delete(&claims, true)?;
        output.message(&format!("{} deleted", suggest::count(claims.len(), "claim")));
    } else if !claims.is_empty() {
        let names: Vec<&str> = claims.iter().map(|id| id.name.as_str()).collect();
        output.message(&format!(
            "kept, with the data: PersistentVolumeClaim {}; --data deletes it",
            suggest::list(names, "and")
        ));
        // What is left stays listed.
        let left = Inventory { objects: claims, ..inventory };
        let applied = crate::up::apply::apply(&kubectl, &[&left.to_object()])?;
        if !applied.complete {
            bail!("cannot write the inventory: {}", applied.output.join("").trim());
        }
        return Ok(Outcome::Fine);
    }
    kubectl.delete(&[inventory.id()], true)?;
    if inventory.made_namespace {
        namespace_goes(&kubectl, namespace, output)?;
    }
    Ok(Outcome::Fine)
}

/// The claims of the inventory that the cluster has, and those that its StatefulSets made.
fn claims_of(kubectl: &Kubectl<'_>, inventory: &Inventory, listed: Vec<ObjectRef>) -> Result<Vec<ObjectRef>, RunError> {
    let namespace = format!("--namespace={}", inventory.namespace);
    let names = kubectl.run(["get", "persistentvolumeclaims", &namespace, "--output=name"])?;
    let names = names.lines().filter_map(|line| line.split_once('/')).map(|(_, name)| name);
    let is_ours = |name: &&str| {
        let made = inventory.claims.iter().filter_map(|begin| name.strip_prefix(begin.as_str()));
        made.into_iter().any(|rest| rest.parse::<u32>().is_ok()) || listed.iter().any(|id| id.name == **name)
    };
    let id = |name: &str| ObjectRef {
        api_version: "v1".into(),
        kind: "PersistentVolumeClaim".into(),
        namespace: inventory.namespace.as_str().into(),
        name: name.into(),
    };
    Ok(names.filter(is_ours).map(id).collect())
}

/// What every namespace has, and what only tells of others.
fn is_of_any_namespace(name: &str) -> bool {
    const OF_ANY: &[&str] =
        &["configmap/kube-root-ca.crt", "configmap/openshift-service-ca.crt", "serviceaccount/default"];
    let kind = name.split('/').next().unwrap_or_default();
    OF_ANY.contains(&name)
        || matches!(kind, "event" | "event.events.k8s.io" | "podmetrics.metrics.k8s.io" | "pod.metrics.k8s.io")
}

/// Deletes the namespace, if nothing of others is in it.
fn namespace_goes(kubectl: &Kubectl<'_>, namespace: &str, output: &Output) -> anyhow::Result<()> {
    let kinds = kubectl.run(["api-resources", "--verbs=list,delete", "--namespaced", "--output=name"])?;
    let kinds: Vec<&str> = kinds.lines().collect();
    let in_namespace = format!("--namespace={namespace}");
    let left = kubectl.run(["get", &kinds.join(","), &in_namespace, "--ignore-not-found", "--output=name"])?;
    let left: Vec<&str> = left.lines().filter(|name| !name.trim().is_empty() && !is_of_any_namespace(name)).collect();
    if let [first, ..] = left.as_slice() {
        let more = left.len() - 1;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        output.message(&format!("namespace {namespace} is kept: there is {first}{more} in it"));
        return Ok(());
    }
    kubectl.run(["delete", "namespace", namespace, "--ignore-not-found"])?;
    output.message(&format!("namespace {namespace} deleted"));
    Ok(())
}

/// Prints the commands that a run would use, as far as they are known without asking the cluster.
fn plan(args: &Down, target: &up::Target, output: &mut Output) -> anyhow::Result<Outcome> {
    let programs = Programs::new(None, status::shown(false));
    let kubectl = Kubectl { programs: &programs, context: Some(target.context.clone()) };
    let mut text = String::new();
    let mut add = |line: &dyn std::fmt::Display, why: &str| text.push_str(&format!("{line}  # {why}\n"));
    if args.cluster {
        let cluster = target.cluster.as_deref().unwrap_or("CLUSTER");
        add(&engine::delete(cluster), "with everything in it");
    } else {
        let namespace = format!("--namespace={}", target.namespace);
        let name = Inventory::name(&args.profile);
        add(
            &kubectl.line(["get", "configmap", &name, &namespace, "--ignore-not-found", "--output=json"]),
            "the inventory",
        );
        let delete = kubectl.line(["delete", "--ignore-not-found", "--wait=true", "--filename", "-"]);
        add(&delete, "what the inventory lists, without claims and Namespace");
        if args.data {
            add(&delete, "the claims, with the data");
        }
        add(
            &kubectl.line(["delete", "namespace", &target.namespace, "--ignore-not-found"]),
            "if `up` made it, and nothing else is in it",
        );
    }
    output.result(&text)?;
    Ok(Outcome::Fine)
}
