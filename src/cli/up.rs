//! `plimsoll up`.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::cli::Outcome;
use crate::cli::args::{Global, Up};
use crate::cli::output::Output;
use crate::cli::{project, render, status};
use crate::finding::{Failure, Finding, RuleId, Severity};
use crate::object::{Object, containers};
use crate::programs::{CommandLine, Programs, RunError};
use crate::render::{Rendered, Renderer};
use crate::report::plain;
use crate::source::{Sources, Span};
use crate::status::{Diagnosis, State};
use crate::up::engine::{self, Build, Engine};
use crate::up::wait::{Ended, wait};
use crate::up::{Inventory, Kubectl, apply};
use crate::yaml;

/// What is to be brought up, and where.
pub(super) struct Target {
    pub(super) rendered: Rendered,
    pub(super) namespace: String,
    pub(super) context: String,
    /// The kind cluster, if it is for one.
    pub(super) cluster: Option<String>,
}

pub(super) fn run(global: &Global, args: &Up, output: &mut Output) -> anyhow::Result<Outcome> {
    let sources = Sources::new();
    let loaded = project::open(global, &sources).and_then(|project| {
        let renderer = Renderer::load(&project, &sources, &args.overrides.to_overrides())?;
        let rendered = renderer.render(&args.profile, &args.env)?;
        let options = project::options(global, &project, &sources)?;
        let mut findings = render::findings(&sources, &rendered, &options);
        findings.retain(|finding| finding.severity == Severity::Error);
        if !findings.is_empty() {
            return Err(Failure::Findings(findings));
        }
        let build = build(&rendered, &sources);
        Ok((target(rendered, args.context.as_deref())?, build))
    });
    let (target, build) = match loaded {
        Ok(loaded) => loaded,
        Err(failure) => return Ok(output.failure(&sources, &failure)),
    };
    let deadline = Instant::now() + args.timeout;
    if args.dry_run {
        return plan(args, &target, build.as_ref(), output);
    }
    let programs = Programs::new(Some(deadline), status::shown(args.verbose));
    let run = Run { args, target: &target, programs: &programs, output, started: Instant::now() };
    match run.all(&sources, build.as_ref()) {
        Err(error) => ended_by(error, output),
        outcome => outcome,
    }
}

/// What a command comes to that the user or the clock ended while a program ran.
pub(super) fn ended_by(error: anyhow::Error, output: &Output) -> anyhow::Result<Outcome> {
    match error.downcast_ref::<RunError>() {
        Some(RunError::Interrupted) => {
            output.message("interrupted; run it again to go on");
            Ok(Outcome::Interrupted)
        }
        Some(RunError::TimedOut(line)) => {
            output.message(&format!("error: no more time: `{line}` was still running; --timeout gives it more"));
            Ok(Outcome::TimedOut)
        }
        _ => Err(error),
    }
}

/// Where a bundle belongs.
///
/// # Errors
/// Where the context is none of the profile's, or is not named although the profile has none.
pub(super) fn target(rendered: Rendered, context: Option<&str>) -> Result<Target, Failure> {
    let cluster = status::kind_cluster(&rendered);
    let unable = |message: String, help: &str| {
        Failure::unable(Finding::error(RuleId::ContextMismatch, Span::NONE, message).with_help(help))
    };
    let context = match (&cluster, context) {
        (Some(cluster), None) => format!("kind-{cluster}"),
        (Some(cluster), Some(context)) if context == format!("kind-{cluster}") => context.to_owned(),
        (Some(cluster), Some(context)) => {
            let message = format!(
                "context `{context}` is not the one of profile `{}`, whose kind cluster is `{cluster}`",
                rendered.values.profile
            );
            return Err(unable(message, "leave --context out, or set `cluster` or `ownCluster` in the profile"));
        }
        (None, Some(context)) => context.to_owned(),
        (None, None) => {
            let message = format!(
                "profile `{}` is for no kind cluster of its own in the environment `{}`",
                rendered.values.profile, rendered.values.environment
            );
            return Err(unable(message, "name the cluster: --context NAME"));
        }
    };
    let namespaces: Vec<&str> =
        rendered.objects.iter().map(Object::namespace).filter(|namespace| !namespace.is_empty()).collect();
    let namespace = namespaces.first().copied().unwrap_or_default().to_owned();
    if let Some(other) = namespaces.iter().find(|other| **other != namespace) {
        let message = format!("the bundle is of several namespaces: `{namespace}` and `{other}`");
        return Err(unable(message, "a bundle that is brought up has one namespace"));
    }
    if namespace.is_empty() {
        return Err(unable(
            "the objects of the bundle name no namespace".to_owned(),
            "set metadata.namespace in the templates",
        ));
    }
    Ok(Target { rendered, namespace, context, cluster })
}

/// How the profile's image is built: `image.build`, with paths below the folder of the profile's file.
fn build(rendered: &Rendered, sources: &Sources) -> Option<(String, Build)> {
    let build = &rendered.values.node["image"]["build"];
    let local = images(&rendered.objects).into_iter().find(|image| {
        let repository = rendered.values.node["image"]["repository"].text();
        !repository.is_empty() && image.starts_with(repository)
    })?;
    let context = build["context"].as_str()?;
    let file = sources.get(build["context"].origin.span.file);
    let folder =
        file.as_ref().and_then(|file| Path::new(&file.name).parent().map(Path::to_path_buf)).unwrap_or_default();
    let place = |path: &str| -> PathBuf {
        let joined = folder.join(path);
        if joined.as_os_str().is_empty() { PathBuf::from(".") } else { joined }
    };
    let context = place(context);
    let args =
        build["args"].entries().iter().map(|entry| (entry.key.to_string(), entry.value.text().to_owned())).collect();
    let dockerfile = build["dockerfile"].as_str().map(|file| context.join(file));
    Some((local, Build { context, dockerfile, args }))
}

/// The images of a bundle, each once.
fn images(objects: &[Object]) -> Vec<String> {
    let pods = objects.iter().filter_map(Object::pod_spec);
    let mut images: Vec<String> =
        pods.flat_map(containers).map(|container| container.node["image"].text().to_owned()).collect();
    images.sort_unstable();
    images.dedup();
    images
}

/// Images that no registry has, so that they have to be loaded.
fn local_images(objects: &[Object]) -> Vec<String> {
    images(objects).into_iter().filter(|image| image.starts_with("localhost/")).collect()
}

/// One run of `up`.
struct Run<'a> {
    args: &'a Up,
    target: &'a Target,
    programs: &'a Programs,
    output: &'a mut Output,
    started: Instant,
}

impl Run<'_> {
    fn all(self, sources: &Sources, build: Option<&(String, Build)>) -> anyhow::Result<Outcome> {
        let kubectl = Kubectl { programs: self.programs, context: Some(self.target.context.clone()) };
        self.cluster(&kubectl)?;
        self.images(build)?;
        let (profile, namespace, objects) = (&self.args.profile, &self.target.namespace, &self.target.rendered.objects);
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
        self.say(&format!("applying {} to {}", crate::suggest::count(objects.len(), "object"), self.target.context));
        let applied = apply::apply(&kubectl, &ordered)?;
        for taken in &applied.taken {
            self.output.message(&format!("note: {taken}"));
        }
        let mut board = Board::new(self.started);
        let rejected = !applied.complete;
        let outcome = if rejected {
            let mut record = kubectl.record(namespace)?;
            record.applied.clone_from(&applied.output);
            let diagnosis = crate::status::diagnose(&record, Some(objects), crate::status::PATIENCE);
            crate::up::wait::Outcome { ended: Ended::Failed, record, diagnosis }
        } else {
            wait(&kubectl, namespace, objects, &applied.output, &mut |diagnosis| board.show(diagnosis))?
        };
        board.clear();
        if outcome.ended == Ended::Ready {
            self.prune(&kubectl, &old, &new)?;
            self.say(&format!("{profile} is ready"));
            status::print(sources, &outcome.record, Some(objects), &outcome.diagnosis, self.args.output, self.output)?;
            return Ok(Outcome::Fine);
        }
        status::print(sources, &outcome.record, Some(objects), &outcome.diagnosis, self.args.output, self.output)?;
        self.output.flush()?;
        Ok(match outcome.ended {
            Ended::TimedOut => {
                self.say(&format!("error: {profile} is not ready, and there is no more time"));
                Outcome::TimedOut
            }
            Ended::Interrupted => {
                self.say("interrupted; run it again to go on");
                Outcome::Interrupted
            }
            _ => {
                self.say(&format!("error: {profile} does not become ready"));
                Outcome::Objections
            }
        })
    }

    /// A line on stderr, with the time that has passed.
    fn say(&self, text: &str) {
        self.output.message(&format!("{} {text}", clock(self.started.elapsed())));
    }

    /// Creates the kind cluster, if there is none.
    fn cluster(&self, kubectl: &Kubectl<'_>) -> anyhow::Result<()> {
        let context = &self.target.context;
        if kubectl.contexts()?.contains(context) {
            return Ok(());
        }
        let Some(cluster) = &self.target.cluster else {
            bail!("no context `{context}` in the kubeconfig; `kubectl config get-contexts` lists them");
        };
        let clusters = self.programs.run(&engine::clusters())?;
        if clusters.lines().any(|name| name == cluster) {
            bail!(
                "kind has the cluster `{cluster}`, and the kubeconfig has no context `{context}`; write it: kind export kubeconfig --name {cluster}"
            );
        }
        self.say(&format!("creating the kind cluster {cluster}"));
        self.programs.run(&engine::create(cluster, self.config()))?;
        Ok(())
    }

    fn config(&self) -> String {
        self.target.rendered.kind_config.as_ref().map(|config| yaml::emit(&config.node)).unwrap_or_default()
    }

    /// Builds the image and loads it, with the others that no registry has.
    fn images(&self, build: Option<&(String, Build)>) -> anyhow::Result<()> {
        let local = local_images(&self.target.rendered.objects);
        let build = build.filter(|_| !self.args.no_build);
        let cluster = self.target.cluster.as_ref();
        if build.is_none() && (local.is_empty() || cluster.is_none() || self.args.no_build) {
            return Ok(());
        }
        let engine = match Engine::find(self.programs) {
            Ok(engine) => engine,
            // The images may be on the nodes already; if they are not, the diagnosis says so.
            Err(RunError::NotFound(_)) if build.is_none() => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if let Some((image, build)) = build {
            self.say(&format!("building {image}"));
            self.programs.run(&engine.build(image, build))?;
        }
        let Some(cluster) = cluster else { return Ok(()) };
        let built = build.map(|(image, _)| image.clone());
        for image in local.into_iter().chain(built.clone()).collect::<std::collections::BTreeSet<_>>() {
            if Some(&image) != built.as_ref() && !self.programs.finish(&engine.has(&image))?.is_success() {
                self.output.message(&format!("note: {} has no image {image}, so it is not loaded", engine.name()));
                continue;
            }
            self.say(&format!("loading {image}"));
            let archive = Archive::new();
            self.programs.run(&engine.save(&image, &archive.0))?;
            self.programs.run(&engine::load(cluster, &archive.0))?;
        }
        Ok(())
    }

    /// Deletes what a former bundle had and this one has not. Data stays: a claim goes with `down --data` only.
    fn prune(&self, kubectl: &Kubectl<'_>, old: &Inventory, new: &Inventory) -> anyhow::Result<()> {
        let mut gone = old.without(new);
        gone.retain(|id| id.kind != "PersistentVolumeClaim" && id.kind != "Namespace");
        gone.reverse();
        if !gone.is_empty() {
            self.say(&format!("pruning {}", crate::suggest::count(gone.len(), "object")));
            kubectl.delete(&gone, false)?;
        }
        let kept: Vec<_> = old.without(new).into_iter().filter(|id| id.kind == "PersistentVolumeClaim").collect();
        let mut new = new.clone();
        // A claim that stays is still ours to delete one day, and so are those that a StatefulSet made.
        new.objects.extend(kept);
        new.claims.extend(old.claims.iter().filter(|claim| !new.claims.contains(claim)).cloned().collect::<Vec<_>>());
        if new != *old {
            let applied = apply::apply(kubectl, &[&new.to_object()])?;
            if !applied.complete {
                bail!("cannot write the inventory: {}", applied.output.join("").trim());
            }
        }
        Ok(())
    }
}

/// A file for an image, which goes when it was loaded.
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

/// `[ 12s]`.
fn clock(time: Duration) -> String {
    format!("[{:>4}]", format!("{}s", time.as_secs()))
}

/// The states of the objects while they are waited for: on a terminal drawn anew, elsewhere a line for each change.
struct Board {
    started: Instant,
    terminal: bool,
    lines: usize,
    shown: Vec<(String, String)>,
}

impl Board {
    fn new(started: Instant) -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self { started, terminal: io::stderr().is_terminal() && !dumb, lines: 0, shown: Vec::new() }
    }

    fn show(&mut self, diagnosis: &Diagnosis) {
        let rows: Vec<(String, String)> = diagnosis
            .states
            .iter()
            .filter(|(id, state, words)| !words.is_empty() && id.kind != "Namespace" && (*state != State::Missing))
            .map(|(id, state, words)| {
                let cause = diagnosis.causes.iter().find(|cause| cause.affected == *id);
                let words = match cause {
                    Some(cause) if *state != State::Ready => format!("{words}: {}", cause.message),
                    _ => words.clone(),
                };
                (id.to_string(), format!("{}  {words}", state.name()))
            })
            .collect();
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        let line =
            |name: &str, words: &str| plain(&format!("{} {name:width$}  {words}", clock(self.started.elapsed())));
        let mut err = io::stderr().lock();
        if self.terminal {
            let columns = super::output::width();
            let lines: Vec<String> = rows
                .iter()
                .map(|(name, words)| line(name, words).chars().take(columns.saturating_sub(1)).collect())
                .collect();
            let up = if self.lines > 0 { format!("\x1b[{}A", self.lines) } else { String::new() };
            _ = write!(err, "{up}\x1b[J{}", lines.iter().map(|line| format!("{line}\n")).collect::<String>());
            self.lines = lines.len();
            return;
        }
        for (name, words) in rows.iter().filter(|row| !self.shown.contains(row)) {
            _ = writeln!(err, "{}", line(name, words));
        }
        self.shown = rows;
    }

    /// Makes room for what comes after.
    fn clear(&mut self) {
        if self.lines > 0 {
            _ = write!(io::stderr().lock(), "\x1b[{}A\x1b[J", self.lines);
            self.lines = 0;
        }
    }
}

/// Prints the commands that a run would use, as far as they are known without asking the cluster.
fn plan(args: &Up, target: &Target, build: Option<&(String, Build)>, output: &mut Output) -> anyhow::Result<Outcome> {
    let programs = Programs::new(None, Arc::new(|_| {}));
    let kubectl = Kubectl { programs: &programs, context: Some(target.context.clone()) };
    let mut lines: Vec<(CommandLine, String)> = Vec::new();
    let mut add = |line: CommandLine, why: &str| lines.push((line, why.to_owned()));
    if let Some(cluster) = &target.cluster {
        add(engine::create(cluster, String::new()), "if there is no such cluster");
    }
    let engine = Engine::Podman;
    if !args.no_build {
        if let Some((image, build)) = build {
            add(engine.build(image, build), "or docker");
        }
        for image in local_images(&target.rendered.objects) {
            if let Some(cluster) = &target.cluster {
                let archive = Path::new("IMAGE.tar");
                add(engine.save(&image, archive), "or docker");
                add(engine::load(cluster, archive), "");
            }
        }
    }
    let manager = format!("--field-manager={}", crate::up::kubectl::FIELD_MANAGER);
    let apply = kubectl.line(["apply", "--server-side", &manager, "--filename", "-"]);
    let (number, inventory) = (target.rendered.objects.len(), Inventory::name(&args.profile));
    add(apply, &format!("{}, and a list of them in ConfigMap/{inventory}", crate::suggest::count(number, "object")));
    let namespace = format!("--namespace={}", target.namespace);
    add(
        kubectl.line(["get", "pods", &namespace, "--watch", "--output-watch-events", "--output=json"]),
        "and other kinds, until all is ready",
    );
    add(
        kubectl.line(["delete", "--ignore-not-found", "--wait=false", "--filename", "-"]),
        "what a former bundle had, when all is ready",
    );
    let text: String = lines
        .iter()
        .map(|(line, why)| if why.is_empty() { format!("{line}\n") } else { format!("{line}  # {why}\n") })
        .collect();
    output.result(&text)?;
    Ok(Outcome::Fine)
}
