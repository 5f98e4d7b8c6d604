//! Why an image is not there.

use crate::object::Object;
use crate::status::cause::{Cause, below, item};
use crate::status::cluster::Cluster;
use crate::status::pods::{Container, Pod};
use crate::status::rules;
use crate::status::rules::Rule;

/// Words of a registry or runtime, the cause that they tell, and what to say of it.
const PULL: &[(&[&str], &Rule, &str, &str)] = &[
    (
        &["no match for platform", "no matching manifest for"],
        &rules::IMAGE_PLATFORM,
        "is not built for the platform of the node",
        "build it for the node's platform: kubectl get nodes -o wide",
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
        "cannot be pulled: the registry refuses it, or does not have it",
        "name a Secret with the registry's login in imagePullSecrets, and check the name of the image",
    ),
    (
        &["not found", "manifest unknown", "MANIFEST_UNKNOWN", "name unknown", "NAME_UNKNOWN", "does not exist"],
        &rules::IMAGE_NOT_FOUND,
        "is not in the registry",
        "check name and tag, or push the image",
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
        "cannot be pulled: the registry does not answer",
        "check the registry's host and port in the name of the image, and that the node reaches it; an image of this machine has to be loaded: kind load docker-image",
    ),
    (
        &["x509", "certificate", "server gave HTTP response to HTTPS client", "tls:"],
        &rules::IMAGE_PULL,
        "cannot be pulled: the TLS connection to the registry fails",
        "check the registry's certificate, or configure the node to trust it",
    ),
    (
        &["toomanyrequests", "429 Too Many Requests", "rate limit"],
        &rules::IMAGE_PULL,
        "cannot be pulled: the registry limits the rate of pulls",
        "log in with imagePullSecrets, or load the image into the cluster",
    ),
    (
        &["no space left on device"],
        &rules::IMAGE_PULL,
        "cannot be pulled: the disk of the node is full",
        "free space on the node",
    ),
];

/// The cause of a container whose image is not there.
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
    // The event says it in full; the state, while it waits for the next try, may only say that it does.
    let event = cluster.events(pod.object).iter().rev().find(|event| {
        event.reason == "Failed" && event.container == container.name && event.message.starts_with("Failed to pull")
    });
    let words = match event {
        Some(event) if !message.contains(": ") => event.message.as_str(),
        _ => message,
    };
    match reason {
        "ErrImageNeverPull" => {
            let message = format!("image `{image}` is not on the node, and its pull policy is Never");
            let help = load(image, pod.template.object);
            return Cause::new(&rules::IMAGE_NOT_PRESENT, id, field, message).help(help).words("kubelet", words);
        }
        "InvalidImageName" => {
            let why =
                words.rsplit("invalid reference format").next().unwrap_or_default().trim_start_matches([':', ' ']);
            let why = if why.is_empty() || why == words { String::new() } else { format!(": {why}") };
            let message = format!("`{image}` is not a valid image reference{why}");
            return Cause::new(&rules::IMAGE_INVALID, id, field, message)
                .help("write it as registry/name:tag, in lower case")
                .words("kubelet", words);
        }
        _ => {}
    }
    let secrets = cluster.event(pod.object, &["FailedToRetrieveImagePullSecret"]);
    let row = PULL.iter().find(|(all, ..)| all.iter().any(|part| words.contains(part)));
    let (rule, says, help) = row.map_or(
        (&rules::IMAGE_PULL, "cannot be pulled", "check the name of the image, and that the node reaches its registry"),
        |(_, rule, says, help)| (*rule, *says, *help),
    );
    let message = format!("image `{image}` {says}");
    if rule == &rules::IMAGE_PULL_DENIED
        && let Some(event) = secrets
    {
        let name = event.message.split(['(', ')']).nth(1).unwrap_or_default();
        let list = below(&pod.template.path, &["imagePullSecrets"]);
        let written = pod.template.written["imagePullSecrets"].items();
        let at = written.iter().position(|secret| name.split(", ").any(|name| name == secret["name"].text()));
        let field = at.map_or_else(|| list.clone(), |at| below(&item(&list, at), &["name"]));
        let message = format!("image `{image}` cannot be pulled: pull Secret `{name}` not found");
        let namespace = pod.object.namespace();
        return Cause::new(&rules::IMAGE_PULL_DENIED, id, field, message)
            .help(format!("create it: kubectl -n {namespace} create secret docker-registry {name} --docker-server=… --docker-username=… --docker-password=…"))
            .words("kubelet", &event.message)
            .words("kubelet", words);
    }
    Cause::new(rule, id, field, message).help(help).words("kubelet", words)
}

/// An image whose programs the node cannot run.
pub(super) fn platform(pod: &Pod<'_>, container: Container<'_>) -> Cause {
    let field = below(&pod.template.container(container.name), &["image"]);
    let image = container.spec["image"].text();
    let message = format!("image `{image}` is built for another platform than that of the node");
    Cause::new(&rules::IMAGE_PLATFORM, &pod.template.object.id, field, message)
        .help("build it for the node's platform: kubectl get nodes -o wide")
}

/// How an image gets onto the node of a kind cluster.
fn load(image: &str, workload: &Object) -> String {
    if image.starts_with("localhost/") {
        let labels = &workload.node["metadata"]["labels"];
        let profile = labels["app.kubernetes.io/instance"].text();
        let is_ours = labels["app.kubernetes.io/managed-by"].text() == "plimsoll" && !profile.is_empty();
        let all = if is_ours { format!("; all of them: plimsoll images {profile}") } else { String::new() };
        format!(
            "build and load it, as `plimsoll up` does: podman build -t {image} . && podman save {image} | kind load image-archive /dev/stdin --name CLUSTER{all}"
        )
    } else {
        format!("load it: kind load docker-image {image} --name CLUSTER; or set imagePullPolicy to IfNotPresent")
    }
}
