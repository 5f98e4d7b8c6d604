//! Rule `hostpath-not-on-node`.

use crate::check::rules::wiring::_kind::{is_below, mounts};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::node::Node;
use crate::object::Object;
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::HostpathNotOnNode,
    doc: Doc {
        checks: "\
Checks that the path of a `hostPath` volume exists on the nodes of the kind cluster. The host of a
`hostPath` volume is the node, and a node of a kind cluster is a container: it has the directories
of the machine that `extraMounts` of the kind config mounts, at their `containerPath`, and those of
the node image, but no Docker socket.

The finding is a warning. A volume without a type, or with `DirectoryOrCreate` or `FileOrCreate`, is
reported only if its path is the `hostPath` of a mount, or similar to the `containerPath` of one.
The rule needs the config of the cluster: `--kind-config FILE`, one among the files checked, or that
of the profile.",
        why: "\
With the type `Directory`, `File` or `Socket` the pod stays in `ContainerCreating` with the event
`FailedMount` (`hostPath type check failed`). Without a type, or with `DirectoryOrCreate`, an empty
directory is created, without the data of the machine.",
        fix: "Add the directory to `extraMounts`, and use its `containerPath` in the volume.",
        source: "\
https://kubernetes.io/docs/concepts/storage/volumes/#hostpath-volume-types and
https://kind.sigs.k8s.io/docs/user/configuration/#extra-mounts.",
    },
    bad: r#"kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes: [{role: control-plane, extraMounts: [{hostPath: ./fixtures, containerPath: /fixtures}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "ghcr.io/acme/web:v1", volumeMounts: [{name: data, mountPath: /data}]}]
  volumes: [{name: data, hostPath: {path: /data, type: Directory}}]
"#,
    good: "\
-  volumes: [{name: data, hostPath: {path: /data, type: Directory}}]
+  volumes: [{name: data, hostPath: {path: /fixtures, type: Directory}}]
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let Some(cluster) = &bundle.options.kind_config else { return };
    for pod in &bundle.graph().pods {
        for volume in pod.spec["volumes"].items().iter().filter(|volume| volume["hostPath"].is_set()) {
            check_path(cluster, pod.object, &volume["hostPath"], report);
        }
    }
    for object in bundle.objects.iter().filter(|object| (object.kind(), object.group()) == ("PersistentVolume", "")) {
        check_path(cluster, object, &object.node["spec"]["hostPath"], report);
    }
}

/// Directories of the node image with unknown content, created by the system or by programs on the node.
/// (https://github.com/kubernetes-sigs/kind/blob/v0.30.0/images/base/Dockerfile)
const NODE_DIRECTORIES: &[&str] = &[
    "/bin", "/boot", "/dev", "/etc", "/kind", "/lib", "/lib64", "/opt", "/proc", "/root", "/run", "/sbin", "/sys",
    "/tmp", "/usr", "/var",
];

/// Directories of the node image that are empty.
const EMPTY_DIRECTORIES: &[&str] = &["/", "/home", "/media", "/mnt", "/srv"];

fn check_path(cluster: &Object, object: &Object, source: &Node, report: &mut Report<'_>) {
    let node = &source["path"];
    let path = node.text();
    let field = |name: &'static str| mounts(cluster).map(move |mount| &mount[name]);
    let is_mounted = field("containerPath").any(|inner| is_below(path, inner.text()) || is_below(inner.text(), path));
    if !path.starts_with('/') || is_mounted {
        return;
    }
    let is_docker_socket = matches!(path, "/var/run/docker.sock" | "/run/docker.sock");
    let of_machine = mounts(cluster).find(|mount| {
        let outer = mount["hostPath"].text();
        outer.len() > 1 && outer.starts_with('/') && is_below(path, outer)
    });
    let must_exist = !matches!(source["type"].text(), "" | "DirectoryOrCreate" | "FileOrCreate");
    let is_of_node = NODE_DIRECTORIES.iter().any(|folder| is_below(path, folder))
        || EMPTY_DIRECTORIES.contains(&path.trim_end_matches('/'));
    let near = suggest::nearest(path, field("containerPath").map(Node::text));
    if let Some(mount) = of_machine {
        let inner = mount["containerPath"].text();
        report
            .at(object, node, format!("`{path}` is a path of the machine, but the nodes have it at `{inner}`"))
            .related(mount["hostPath"].origin.span, "mounted into the nodes")
            .help(format!("use the path of the node, below `{inner}`"));
    } else if is_docker_socket {
        report
            .at(object, node, "the nodes of a kind cluster have no Docker socket".to_owned())
            .help("mount the host's socket with `extraMounts`, or remove the volume: the nodes run containerd");
    } else if !is_of_node && must_exist {
        let draft = report.at(object, node, format!("`{path}` does not exist on the nodes of the kind cluster"));
        let draft = draft.label("the volume cannot be mounted");
        match near {
            Some(near) => draft.help(format!("did you mean `{near}`?")),
            None => draft
                .help(format!("add it to `extraMounts` of the kind config: `{{hostPath: …, containerPath: {path}}}`")),
        };
    } else if let Some(near) = near.filter(|_| !is_of_node) {
        report
            .at(
                object,
                node,
                format!("`{path}` does not exist on the nodes of the kind cluster, so an empty directory is created"),
            )
            .help(format!("did you mean `{near}`?"));
    }
}
