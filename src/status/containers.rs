//! Why a container does not start or does not keep running.

use crate::node::Node;
use crate::path::FieldPath;
use crate::status::admission::{after, first_line, until};
use crate::status::cause::{Cause, Recovery, Stage, below, item};
use crate::status::cluster::Cluster;
use crate::status::pods::{Container, Pod};
use crate::status::record::Event;
use crate::status::{crash, images, references, rules};

/// Returns why a container is not running or does not keep running; `None` if it is healthy or still starting.
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
            | "PostStartHookError" => start_failure(cluster, pod, container, message),
            "CrashLoopBackOff" | "" if last.is_set() => terminated(cluster, pod, container, last),
            _ => from_events(cluster, pod, container),
        };
    }
    let termination = &state["terminated"];
    if termination.is_set() {
        let succeeded = termination["exitCode"].as_i64() == Some(0);
        // Init containers and the containers of Jobs are expected to complete.
        let runs_to_completion = container.init || restart_policy(pod, container) != "Always";
        if succeeded && runs_to_completion {
            return None;
        }
        let fails = container.status["restartCount"].as_i64().unwrap_or_default() >= 1
            || restart_policy(pod, container) == "Never";
        return fails.then(|| terminated(cluster, pod, container, termination)).flatten();
    }
    // It runs, but may be about to exit again.
    let restarts = container.status["restartCount"].as_i64().unwrap_or_default();
    if restarts >= UNSTABLE_RESTARTS && last.is_set() && state["running"].is_set() {
        let run = cluster.age(&last["startedAt"]) - cluster.age(&last["finishedAt"]);
        let running = cluster.age(&state["running"]["startedAt"]);
        let is_stable = running > run + run / 2 + STABLE_MARGIN;
        if !is_stable {
            return terminated(cluster, pod, container, last);
        }
    }
    None
}

/// Returns why a container is not created yet according to its events. The kubelet writes events at once, but updates
/// the status of the pod up to 10 seconds later.
fn from_events<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, container: Container<'a>) -> Option<Cause> {
    let own = || cluster.events(pod.object).iter().rev().filter(|event| event.container == container.name);
    let (failed, cause) = own().find_map(|event| Some((event, from_event(cluster, pod, container, event)?)))?;
    // A success in the same second came after the failure.
    let is_pulled = |event: &Event| event.reason == "Pulled" && is_pull_failure(failed);
    let is_success = |event: &Event| matches!(event.reason.as_str(), "Created" | "Started") || is_pulled(event);
    let recovered = own().any(|event| event.last >= failed.last && is_success(event));
    (!recovered).then_some(cause)
}

fn is_pull_failure(event: &Event) -> bool {
    !event.message.starts_with("Error: ")
}

/// Returns why a container is not created according to an event of the kubelet.
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
        "Failed" => start_failure(cluster, pod, container, message.trim_start_matches("Error: "))
            .filter(|cause| cause.rule != &rules::START),
        _ => None,
    }
}

/// The number of restarts after which a running container is considered unstable until it has run long enough.
const UNSTABLE_RESTARTS: i64 = 3;

/// A container is stable if it has run for one and a half times its previous run and this many seconds.
const STABLE_MARGIN: i64 = 10;

fn restart_policy<'a>(pod: &Pod<'a>, container: Container<'a>) -> &'a str {
    let own = container.spec["restartPolicy"].text();
    let policy = if own.is_empty() { pod.object.node["spec"]["restartPolicy"].text() } else { own };
    if policy.is_empty() { "Always" } else { policy }
}

/// Returns why a container terminated that should be running or should have succeeded.
fn terminated<'a>(
    cluster: &Cluster<'a>,
    pod: &Pod<'a>,
    container: Container<'a>,
    termination: &'a Node,
) -> Option<Cause> {
    let reason = termination["reason"].text();
    if matches!(reason, "StartError" | "ContainerCannotRun") {
        return start_failure(cluster, pod, container, termination["message"].text());
    }
    crash::cause(cluster, pod, container, termination)
}

/// Returns why a container of a failed pod failed.
#[must_use]
pub(super) fn of_failed_pod<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>) -> Option<Cause> {
    pod.containers().into_iter().find_map(|container| {
        let termination = &container.status["state"]["terminated"];
        let failed = termination["exitCode"].as_i64().is_some_and(|code| code != 0);
        failed.then(|| terminated(cluster, pod, container, termination)).flatten()
    })
}

/// Returns the cause in a message of the kubelet or the container runtime about a container that cannot be started.
pub(super) fn start_failure<'a>(
    cluster: &Cluster<'a>,
    pod: &Pod<'a>,
    container: Container<'a>,
    message: &str,
) -> Option<Cause> {
    let id = &pod.template.object.id;
    let path = pod.template.container(container.name);
    let node = pod.template.container_node(container.name);
    let name = container.name;
    let cause =
        |rule, field: FieldPath, summary: String| Cause::new(rule, id, field, summary).quote("kubelet", message);
    if message.contains("failed to sync") || message.contains("services have not yet been read") {
        return None;
    }
    if let Some(cause) = references::missing(cluster, pod, Some(name), None, message) {
        return Some(cause.quote("kubelet", message));
    }
    let has = |words: &str| message.contains(words);
    if has("runAsNonRoot") || has("non-root") {
        return Some(run_as_root(pod, container, message));
    }
    if has("unable to find user") || has("unable to find group") || has("no matching entries in passwd") {
        let field =
            user_field(pod, container, &["runAsUser", "runAsGroup"]).unwrap_or_else(|| below(&path, &["image"]));
        let text = format!("the image of container `{name}` does not contain the user that it runs as");
        return Some(
            cause(&rules::USER_MISSING, field, text).help("set securityContext.runAsUser to a numeric user ID"),
        );
    }
    if has("subPath") || has("subpath") {
        let mounts = node["volumeMounts"].items();
        let volume = after(message, "volumeMount \"").map(|rest| until(rest, &['"']));
        let at = mounts.iter().position(|mount| {
            (mount["subPath"].is_set() || mount["subPathExpr"].is_set())
                && volume.is_none_or(|volume| mount["name"].text() == volume)
        });
        let list = below(&path, &["volumeMounts"]);
        let field = at.map_or_else(
            || list.clone(),
            |at| {
                let key = if mounts[at]["subPath"].is_set() { "subPath" } else { "subPathExpr" };
                below(&item(&list, at), &[key])
            },
        );
        let text = format!("failed to prepare the subPath of a volume mount of container `{name}`");
        return Some(cause(&rules::SUBPATH, field, text).help("use a path inside the volume that exists"));
    }
    if has("OOM-killed") || has("oom-killed") || has("memory limit too low") || has("Minimum memory limit allowed") {
        let field = below(&path, &["resources", "limits", "memory"]);
        let text = format!("the memory limit of container `{name}` is too low to start it");
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
        return Some(mount_failure(pod, container, &path, message));
    }
    if has("chdir to cwd") || has("working directory") || has("OCI runtime exec failed: chdir") {
        let field = below(&path, &["workingDir"]);
        let dir = node["workingDir"].text();
        let text = format!("the working directory `{dir}` of container `{name}` does not exist or is not accessible");
        return Some(cause(&rules::WORKING_DIR, field, text).help("use a directory that exists in the image"));
    }
    if has("exec format error") {
        return Some(images::platform(pod, container).quote("kubelet", message));
    }
    if has("no command specified") {
        let text = format!("no command specified: container `{name}` has no command, and its image has no entrypoint");
        return Some(cause(&rules::COMMAND_NOT_FOUND, below(&path, &["command"]), text).help("set the command"));
    }
    if has("exec: \"") || has("executable file not found") || has("unable to start container process: exec") {
        let program = after(message, "exec: \"").map_or("", |rest| until(rest, &['"']));
        let field = command_field(node, &path);
        let why = if has("permission denied") { "is not executable" } else { "does not exist in the image" };
        let program = if program.is_empty() { "the command".to_owned() } else { format!("the command `{program}`") };
        let text = format!("{program} of container `{name}` {why}");
        let image = container.spec["image"].text();
        return Some(
            cause(&rules::COMMAND_NOT_FOUND, field, text)
                .help(format!("use a program that exists in `{image}`, or an image that contains it")),
        );
    }
    if has("PostStart") || has("postStart") {
        return Some(post_start(cluster, pod, container));
    }
    if has("context deadline exceeded") || has("is reserved for") {
        let text = format!("the container runtime timed out starting container `{name}`");
        return Some(cause(&rules::START, path, text).recovery(Recovery::Possible));
    }
    if message.is_empty() {
        return None;
    }
    let why = message.rsplit(": ").find(|part| *part != "unknown").unwrap_or(message);
    Some(cause(&rules::START, path, format!("failed to start container `{name}`: {}", first_line(why))))
}

/// The field of a container that determines what it runs: its command, else its arguments, else its image.
pub(super) fn command_field(node: &Node, container: &FieldPath) -> FieldPath {
    let field = ["command", "args"].into_iter().find(|field| node[*field].is_set()).unwrap_or("image");
    below(container, &[field])
}

/// The first of some fields that is set in the security context of the container, else of the pod.
fn user_field(pod: &Pod<'_>, container: Container<'_>, fields: &[&str]) -> Option<FieldPath> {
    let path = pod.template.container(container.name);
    let of_container = &pod.template.container_node(container.name)["securityContext"];
    let of_pod = &pod.template.written["securityContext"];
    let own = fields.iter().find(|field| of_container[**field].is_set());
    let shared = fields.iter().find(|field| of_pod[**field].is_set());
    own.map(|field| below(&path, &["securityContext", field]))
        .or_else(|| shared.map(|field| below(&pod.template.path, &["securityContext", field])))
}

fn run_as_root(pod: &Pod<'_>, container: Container<'_>, message: &str) -> Cause {
    let path = pod.template.container(container.name);
    let field = user_field(pod, container, &["runAsNonRoot"]).unwrap_or_else(|| below(&path, &["securityContext"]));
    let name = container.name;
    let text = if message.contains("non-numeric user") {
        let user = after(message, "non-numeric user (").map_or("", |rest| until(rest, &[')']));
        format!(
            "container `{name}` has runAsNonRoot, and its image has the non-numeric user `{user}`, which may be root"
        )
    } else if message.contains("runAsUser") {
        format!("container `{name}` has runAsNonRoot, but its runAsUser is 0 (root)")
    } else {
        format!("container `{name}` has runAsNonRoot, and its image will run as root")
    };
    Cause::new(&rules::RUN_AS_ROOT, &pod.template.object.id, field, text)
        .help("set runAsUser to the numeric ID of a non-root user, or use an image with one")
        .quote("kubelet", message)
}

/// The cause of a volume mount that the container runtime cannot create.
fn mount_failure(pod: &Pod<'_>, container: Container<'_>, container_path: &FieldPath, message: &str) -> Cause {
    let node = pod.template.container_node(container.name);
    let mounts = node["volumeMounts"].items();
    let list = below(container_path, &["volumeMounts"]);
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
    let is_type_mismatch =
        message.contains("not a directory") || message.contains("Are you trying to mount a directory onto a file");
    let text = if is_type_mismatch {
        format!("container `{}` mounts a directory onto a file, or a file onto a directory", container.name)
    } else {
        format!("failed to mount a volume into container `{}`", container.name)
    };
    let rule = if at.is_some_and(|at| mounts[at]["subPath"].is_set()) { &rules::SUBPATH } else { &rules::MOUNT };
    Cause::new(rule, &pod.template.object.id, field, text)
        .help("mount a key as a file with subPath, or mount the volume at a directory of its own")
        .quote("kubelet", message)
}

/// The cause of a container that is killed because its postStart hook failed.
pub(super) fn post_start<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, container: Container<'a>) -> Cause {
    let event = cluster.event(pod.object, &["FailedPostStartHook"]);
    let field = below(&pod.template.container(container.name), &["lifecycle", "postStart"]);
    let text = format!("the postStart hook of container `{}` failed, so the container is killed", container.name);
    let mut cause = Cause::new(&rules::POST_START, &pod.template.object.id, field, text)
        .help("run the command of the hook in the container to see why it fails")
        .quote("kubelet", event.map_or("", |event| &event.message));
    cause.stage = Stage::Start;
    cause.recovery(crash::recovery(container))
}
