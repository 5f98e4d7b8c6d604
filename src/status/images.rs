//! Why an image is not available on the node.

use crate::object::Object;
use crate::status::cause::{Cause, below, item};
use crate::status::cluster::Cluster;
use crate::status::pods::{Container, Pod};
use crate::status::rules;
use crate::status::rules::CauseRule;

/// Phrases in the errors of registries and runtimes, with the rule, the message (after the image) and the help text for
/// them.
const PULL_ERRORS: &[(&[&str], &CauseRule, &str, &str)] = &[
    (
        &["no match for platform", "no matching manifest for"],
        &rules::IMAGE_PLATFORM,
        "has no manifest for the platform of the node",
        "build the image for the platform of the node: kubectl get nodes -o wide",
    ),
    (
        &[
            "pull access denied",
            "unauthorized",
            "authentication required",
            "403 Forbidden",
            "401 Unauthorized",
            "no basic auth",
            "insufficient_scope",
            "authorization failed",
            "denied:",
        ],
        &rules::IMAGE_PULL_DENIED,
        "cannot be pulled: pull access denied, or the repository does not exist",
        "check the name of the image, and set imagePullSecrets to a Secret with the credentials of the registry",
    ),
    (
        &["not found", "manifest unknown", "MANIFEST_UNKNOWN", "name unknown", "NAME_UNKNOWN", "does not exist"],
        &rules::IMAGE_NOT_FOUND,
        "not found in the registry",
        "check the name and the tag, or push the image",
    ),
    (
        &[
            "no such host",
            "connection refused",
            "i/o timeout",
            "network is unreachable",
            "deadline exceeded",
            "no route to host",
            "EOF",
            "server misbehaving",
        ],
        &rules::IMAGE_PULL,
        "cannot be pulled: the registry is not reachable from the node",
        "check the registry host in the image reference and the network of the node; load a local image with `kind load docker-image`",
    ),
    (
        &["x509", "certificate", "server gave HTTP response to HTTPS client", "tls:"],
        &rules::IMAGE_PULL,
        "cannot be pulled: the TLS connection to the registry failed",
        "check the certificate of the registry, or configure the node to trust it",
    ),
    (
        &["toomanyrequests", "429 Too Many Requests", "rate limit"],
        &rules::IMAGE_PULL,
        "cannot be pulled: the pull rate limit of the registry is exceeded",
        "authenticate with imagePullSecrets, or load the image into the cluster",
    ),
    (
        &["no space left on device"],
        &rules::IMAGE_PULL,
        "cannot be pulled: no space left on the node",
        "free disk space on the node",
    ),
];

/// The cause of a container whose image is not available. `reason` and `message` are those of the waiting state or the
/// event.
#[must_use]
pub(super) fn cause<'a>(
    cluster: &Cluster<'a>,
    pod: &Pod<'a>,
    container: Container<'a>,
    reason: &str,
    message: &str,
) -> Cause {
    let image = container.spec["image"].text();
    let id = &pod.template.object.id;
    let field = below(&pod.template.container(container.name), &["image"]);
    // While the kubelet backs off, only the event has the error.
    let event = cluster.events(pod.object).iter().rev().find(|event| {
        event.reason == "Failed" && event.container == container.name && event.message.starts_with("Failed to pull")
    });
    let error = match event {
        Some(event) if !message.contains(": ") => event.message.as_str(),
        _ => message,
    };
    match reason {
        "ErrImageNeverPull" => {
            let message = format!("container image `{image}` is not present with pull policy of Never");
            let help = load_help(image, pod.template.object);
            return Cause::new(&rules::IMAGE_NOT_PRESENT, id, field, message).help(help).quote("kubelet", error);
        }
        "InvalidImageName" => {
            let why =
                error.rsplit("invalid reference format").next().unwrap_or_default().trim_start_matches([':', ' ']);
            let why = if why.is_empty() || why == error { String::new() } else { format!(": {why}") };
            let message = format!("invalid image reference `{image}`{why}");
            return Cause::new(&rules::IMAGE_INVALID, id, field, message)
                .help("use the format `registry/name:tag`, with the name in lower case")
                .quote("kubelet", error);
        }
        _ => {}
    }
    let secrets = cluster.event(pod.object, &["FailedToRetrieveImagePullSecret"]);
    let row = PULL_ERRORS.iter().find(|(phrases, ..)| phrases.iter().any(|phrase| error.contains(phrase)));
    let (rule, problem, help) = row.map_or(
        (
            &rules::IMAGE_PULL,
            "cannot be pulled",
            "check the name of the image, and that its registry is reachable from the node",
        ),
        |(_, rule, problem, help)| (*rule, *problem, *help),
    );
    let message = format!("image `{image}` {problem}");
    if rule == &rules::IMAGE_PULL_DENIED
        && let Some(event) = secrets
    {
        let name = event.message.split(['(', ')']).nth(1).unwrap_or_default();
        let list = below(&pod.template.path, &["imagePullSecrets"]);
        let written = pod.template.written["imagePullSecrets"].items();
        let at = written.iter().position(|secret| name.split(", ").any(|name| name == secret["name"].text()));
        let field = at.map_or_else(|| list.clone(), |at| below(&item(&list, at), &["name"]));
        let message = format!("image `{image}` cannot be pulled: image pull secret `{name}` not found");
        let namespace = pod.object.namespace();
        return Cause::new(&rules::IMAGE_PULL_DENIED, id, field, message)
            .help(format!("create it: kubectl -n {namespace} create secret docker-registry {name} --docker-server=… --docker-username=… --docker-password=…"))
            .quote("kubelet", &event.message)
            .quote("kubelet", error);
    }
    Cause::new(rule, id, field, message).help(help).quote("kubelet", error)
}

/// The cause of an image that is built for another platform.
pub(super) fn platform(pod: &Pod<'_>, container: Container<'_>) -> Cause {
    let field = below(&pod.template.container(container.name), &["image"]);
    let image = container.spec["image"].text();
    let message = format!("exec format error: image `{image}` is not built for the platform of the node");
    Cause::new(&rules::IMAGE_PLATFORM, &pod.template.object.id, field, message)
        .help("build the image for the platform of the node: kubectl get nodes -o wide")
}

/// How to load an image onto the nodes of a kind cluster.
fn load_help(image: &str, workload: &Object) -> String {
    if image.starts_with("localhost/") {
        let labels = &workload.node["metadata"]["labels"];
        let profile = labels["app.kubernetes.io/instance"].text();
        let is_rendered = labels["app.kubernetes.io/managed-by"].text() == "plimsoll" && !profile.is_empty();
        let list = if is_rendered { format!("; list all images: plimsoll images {profile}") } else { String::new() };
        format!(
            "build and load it, as `plimsoll up` does: podman build -t {image} . && podman save {image} | kind load image-archive /dev/stdin --name CLUSTER{list}"
        )
    } else {
        format!("load it: kind load docker-image {image} --name CLUSTER; or set imagePullPolicy to IfNotPresent")
    }
}
