//! Why a container does not start, or does not keep running.

use crate::node::Node;
use crate::path::FieldPath;
use crate::status::admission::{after, first_line, until};
use crate::status::cause::{Cause, Prospect, Stage, below, item};
use crate::status::cluster::Cluster;
use crate::status::pods::{Container, Pod};
use crate::status::record::Event;
use crate::status::{crash, images, references, rules};

/// Why a container is not running, or does not stay so; nothing where it is fine or on its way.
#[must_use]
pub(super) fn cause<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, container: Container<'a>) -> Option<Cause> {
    let state = &container.status["state"];
    let waiting = &state["waiting"];
    let (reason, message) = (waiting["reason"].text(), waiting["message"].text());
    let last = &container.status["lastState"]["terminated"];
    if waiting.is_set() {
        return match reason {
            "ErrImageNeverPull"
            | "InvalidImageName"
            | "ErrImagePull"
            | "ImagePullBackOff"
            | "ImageInspectError"
            | "RegistryUnavailable"
            | "SignatureValidationFailed"
            | "ErrImagePullBackOff" => Some(images::cause(cluster, pod, container, reason, message)),
            "CreateContainerConfigError"
            | "CreateContainerError"
            | "RunContainerError"
            | "StartError"
            | "PreCreateHookError"
            | "PreStartHookError"
            | "PostStartHookError" => start(cluster, pod, container, message),
            "CrashLoopBackOff" | "" if last.is_set() => fallen(cluster, pod, container, last),
            _ => announced(cluster, pod, container),
        };
    }
    let ended = &state["terminated"];
    if ended.is_set() {
        let good = ended["exitCode"].as_i64() == Some(0);
        // That an init container or a Job's ends well is its purpose.
        let done = container.init || restart_policy(pod, container) != "Always";
        if good && done {
            return None;
        }
        let fails = container.status["restartCount"].as_i64().unwrap_or_default() >= 1
            || restart_policy(pod, container) == "Never";
        return fails.then(|| fallen(cluster, pod, container, ended)).flatten();
    }
    // It runs, maybe for the last moments before it ends again.
    let restarts = container.status["restartCount"].as_i64().unwrap_or_default();
    if restarts >= MANY_RESTARTS && last.is_set() && state["running"].is_set() {
        let run = cluster.age(&last["startedAt"]) - cluster.age(&last["finishedAt"]);
        let running = cluster.age(&state["running"]["startedAt"]);
        let proven = running > run + run / 2 + PROVEN;
        if !proven {
            return fallen(cluster, pod, container, last);
        }
    }
    None
}

/// Why a container is not created yet, as events say: the kubelet writes them at once, and the state up to 10 seconds later.
fn announced<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, container: Container<'a>) -> Option<Cause> {
    let own = || cluster.events(pod.object).iter().rev().filter(|event| event.container == container.name);
    let (failed, cause) = own().find_map(|event| Some((event, from_event(cluster, pod, container, event)?)))?;
    // What was done in the same second came after the failure of a step before it.
    let has_image = |event: &Event| event.reason == "Pulled" && is_of_image(failed);
    let done = |event: &Event| matches!(event.reason.as_str(), "Created" | "Started") || has_image(event);
    let recovered = own().any(|event| event.last >= failed.last && done(event));
    (!recovered).then_some(cause)
}

fn is_of_image(event: &Event) -> bool {
    !event.message.starts_with("Error: ")
}

/// Why a container is not created, in an event of the kubelet.
pub(super) fn from_event<'a>(
    cluster: &Cluster<'a>,
    pod: &Pod<'a>,
    container: Container<'a>,
    event: &Event,
) -> Option<Cause> {
    let message = event.message.as_str();
    let image = |reason: &str| Some(images::cause(cluster, pod, container, reason, message));
    match event.reason.as_str() {
        "ErrImageNeverPull" => image("ErrImageNeverPull"),
        "InspectFailed" => image("InvalidImageName"),
        "Failed" if message.starts_with("Failed to pull") => image("ErrImagePull"),
        "Failed" => start(cluster, pod, container, message.trim_start_matches("Error: "))
            .filter(|cause| cause.rule != &rules::START),
        _ => None,
    }
}

/// From so many restarts on, a container that runs has to prove that it keeps running.
const MANY_RESTARTS: i64 = 3;

/// Seconds by which a run must be longer than one and a half times the one before.
const PROVEN: i64 = 10;

fn restart_policy<'a>(pod: &Pod<'a>, container: Container<'a>) -> &'a str {
    let own = container.spec["restartPolicy"].text();
    let policy = if own.is_empty() { pod.object.node["spec"]["restartPolicy"].text() } else { own };
    if policy.is_empty() { "Always" } else { policy }
}

/// A container that ended and is, or should be, started again.
fn fallen<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, container: Container<'a>, ended: &'a Node) -> Option<Cause> {
    let reason = ended["reason"].text();
    if matches!(reason, "StartError" | "ContainerCannotRun") {
        return start(cluster, pod, container, ended["message"].text());
    }
    crash::cause(cluster, pod, container, ended)
}

/// Why a pod has failed for good: the container that failed.
#[must_use]
pub(super) fn ended<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>) -> Option<Cause> {
    pod.containers().into_iter().find_map(|container| {
        let ended = &container.status["state"]["terminated"];
        let failed = ended["exitCode"].as_i64().is_some_and(|code| code != 0);
        failed.then(|| fallen(cluster, pod, container, ended)).flatten()
    })
}

/// Why the kubelet or the runtime cannot start a container, in their words.
pub(super) fn start<'a>(
    cluster: &Cluster<'a>,
    pod: &Pod<'a>,
    container: Container<'a>,
    message: &str,
) -> Option<Cause> {
    let id = &pod.template.object.id;
    let place = pod.template.container(container.name);
    let node = pod.template.container_node(container.name);
    let name = container.name;
    let cause = |rule, field: FieldPath, text: String| Cause::new(rule, id, field, text).words("kubelet", message);
    if message.contains("failed to sync") || message.contains("services have not yet been read") {
        return None;
    }
    if let Some(cause) = references::missing(cluster, pod, Some(name), None, message) {
        return Some(cause.words("kubelet", message));
    }
    let has = |words: &str| message.contains(words);
    if has("runAsNonRoot") || has("non-root") {
        return Some(run_as_root(pod, container, message));
    }
    if has("unable to find user") || has("unable to find group") || has("no matching entries in passwd") {
        let field =
            user_field(pod, container, &["runAsUser", "runAsGroup"]).unwrap_or_else(|| below(&place, &["image"]));
        let text = format!("the image of container `{name}` does not have the user it is to run as");
        return Some(cause(&rules::USER_MISSING, field, text).help("set securityContext.runAsUser to a number"));
    }
    if has("subPath") || has("subpath") {
        let mounts = node["volumeMounts"].items();
        let volume = after(message, "volumeMount \"").map(|rest| until(rest, &['"']));
        let at = mounts.iter().position(|mount| {
            (mount["subPath"].is_set() || mount["subPathExpr"].is_set())
                && volume.is_none_or(|volume| mount["name"].text() == volume)
        });
        let list = below(&place, &["volumeMounts"]);
        let field = at.map_or_else(
            || list.clone(),
            |at| {
                let key = if mounts[at]["subPath"].is_set() { "subPath" } else { "subPathExpr" };
                below(&item(&list, at), &[key])
            },
        );
        let text = format!("the subPath of a mount of container `{name}` cannot be prepared");
        return Some(
            cause(&rules::SUBPATH, field, text).help("name a path that stays within the volume and exists in it"),
        );
    }
    if has("OOM-killed") || has("oom-killed") || has("memory limit too low") || has("Minimum memory limit allowed") {
        let field = below(&place, &["resources", "limits", "memory"]);
        let text = format!("the memory limit of container `{name}` does not suffice to start it");
        return Some(cause(&rules::MEMORY_TOO_SMALL, field, text).help("raise the memory limit"));
    }
    if has("error mounting")
        || has("mounting \"")
        || has("mountpoint")
        || has("cannot find volume")
        || has("failed to mkdir")
        || has("mkdir /")
        || has("not a directory: unknown")
    {
        return Some(mount(pod, container, &place, message));
    }
    if has("chdir to cwd") || has("working directory") || has("OCI runtime exec failed: chdir") {
        let field = below(&place, &["workingDir"]);
        let dir = node["workingDir"].text();
        let text = format!("the working directory {dir} of container `{name}` does not exist or cannot be entered");
        return Some(cause(&rules::WORKING_DIR, field, text).help("name a directory that the image has"));
    }
    if has("exec format error") {
        return Some(images::platform(pod, container).words("kubelet", message));
    }
    if has("no command specified") {
        let text = format!("container `{name}` has no command, and its image has no entrypoint");
        return Some(cause(&rules::COMMAND_NOT_FOUND, below(&place, &["command"]), text).help("set the command"));
    }
    if has("exec: \"") || has("executable file not found") || has("unable to start container process: exec") {
        let program = after(message, "exec: \"").map_or("", |rest| until(rest, &['"']));
        let field = command_field(node, &place);
        let why = if has("permission denied") { "cannot be executed" } else { "does not exist in the image" };
        let program = if program.is_empty() { "the command".to_owned() } else { format!("the command `{program}`") };
        let text = format!("{program} of container `{name}` {why}");
        let image = container.spec["image"].text();
        return Some(
            cause(&rules::COMMAND_NOT_FOUND, field, text)
                .help(format!("name a program that {image} has, or use an image that has it")),
        );
    }
    if has("PostStart") || has("postStart") {
        return Some(post_start(cluster, pod, container));
    }
    if has("context deadline exceeded") || has("is reserved for") {
        let text = format!("the container runtime does not get container `{name}` started");
        return Some(cause(&rules::START, place, text).prospect(Prospect::Open));
    }
    if message.is_empty() {
        return None;
    }
    let why = message.rsplit(": ").find(|part| *part != "unknown").unwrap_or(message);
    Some(cause(&rules::START, place, format!("container `{name}` cannot be started: {}", first_line(why))))
}

/// The field that says what runs: the command, else its arguments, else the image.
pub(super) fn command_field(node: &Node, place: &FieldPath) -> FieldPath {
    let field = ["command", "args"].into_iter().find(|field| node[*field].is_set()).unwrap_or("image");
    below(place, &[field])
}

/// The field of a container's or a pod's security context that is set.
fn user_field(pod: &Pod<'_>, container: Container<'_>, fields: &[&str]) -> Option<FieldPath> {
    let place = pod.template.container(container.name);
    let of_container = &pod.template.container_node(container.name)["securityContext"];
    let of_pod = &pod.template.written["securityContext"];
    let own = fields.iter().find(|field| of_container[**field].is_set());
    let shared = fields.iter().find(|field| of_pod[**field].is_set());
    own.map(|field| below(&place, &["securityContext", field]))
        .or_else(|| shared.map(|field| below(&pod.template.path, &["securityContext", field])))
}

fn run_as_root(pod: &Pod<'_>, container: Container<'_>, message: &str) -> Cause {
    let place = pod.template.container(container.name);
    let field = user_field(pod, container, &["runAsNonRoot"]).unwrap_or_else(|| below(&place, &["securityContext"]));
    let name = container.name;
    let text = if message.contains("non-numeric user") {
        let user = after(message, "non-numeric user (").map_or("", |rest| until(rest, &[')']));
        format!("runAsNonRoot is set, and the image of container `{name}` runs as `{user}`, which may be root")
    } else if message.contains("runAsUser") {
        format!("runAsNonRoot is set, and runAsUser of container `{name}` is root")
    } else {
        format!("runAsNonRoot is set, and the image of container `{name}` runs as root")
    };
    Cause::new(&rules::RUN_AS_ROOT, &pod.template.object.id, field, text)
        .help("set runAsUser to the number of a user that is not root, or use an image with one")
        .words("kubelet", message)
}

/// A mount that the runtime cannot make.
fn mount(pod: &Pod<'_>, container: Container<'_>, place: &FieldPath, message: &str) -> Cause {
    let node = pod.template.container_node(container.name);
    let mounts = node["volumeMounts"].items();
    let list = below(place, &["volumeMounts"]);
    let by_path = mounts.iter().position(|mount| {
        let path = mount["mountPath"].text().trim_end_matches('/');
        !path.is_empty()
            && [format!("{path}\""), format!("{path}:"), format!("{path} ")].iter().any(|end| message.contains(end))
    });
    let by_name = after(message, "volume \"").map(|rest| until(rest, &['"']));
    let at = by_path.or_else(|| mounts.iter().position(|mount| by_name == Some(mount["name"].text())));
    let field = at.map_or_else(|| list.clone(), |at| item(&list, at));
    let field = match at {
        Some(at) if mounts[at]["subPath"].is_set() => below(&field, &["subPath"]),
        _ => field,
    };
    let folder =
        message.contains("not a directory") || message.contains("Are you trying to mount a directory onto a file");
    let text = if folder {
        format!("container `{}` mounts a folder where a file is, or a file where a folder is", container.name)
    } else {
        format!("a volume cannot be mounted into container `{}`", container.name)
    };
    let rule = if at.is_some_and(|at| mounts[at]["subPath"].is_set()) { &rules::SUBPATH } else { &rules::MOUNT };
    Cause::new(rule, &pod.template.object.id, field, text)
        .help("mount a key as a file with subPath, or mount the volume at a folder of its own")
        .words("kubelet", message)
}

/// A postStart hook that fails, and with which the container is killed.
pub(super) fn post_start<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, container: Container<'a>) -> Cause {
    let event = cluster.event(pod.object, &["FailedPostStartHook"]);
    let field = below(&pod.template.container(container.name), &["lifecycle", "postStart"]);
    let text = format!("the postStart hook of container `{}` fails, and the container is killed", container.name);
    let mut cause = Cause::new(&rules::POST_START, &pod.template.object.id, field, text)
        .help("run the hook's command by hand in the container, and mend it")
        .words("kubelet", event.map_or("", |event| &event.message));
    cause.stage = Stage::Start;
    cause.prospect(crash::prospect(container))
}
