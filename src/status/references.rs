//! Secrets, ConfigMaps and keys that a pod refers to and that do not exist.

use crate::node::Node;
use crate::path::FieldPath;
use crate::status::admission::{after, until};
use crate::status::cause::{Cause, below, item};
use crate::status::cluster::Cluster;
use crate::status::pods::Pod;
use crate::status::rules;
use crate::suggest;

/// The missing object or key in a message of the kubelet.
struct MissingReference<'m> {
    /// `Secret` or `ConfigMap`.
    kind: &'static str,
    /// The object; empty if the message only names a key.
    name: &'m str,
    /// The key; empty if the object itself is missing.
    key: &'m str,
}

/// Returns the cause in a message such as `secret "db" not found` or `couldn't find key password in Secret ns/db`.
/// `container` is the name of the container, or `volume` the index of the volume, that the message is about.
#[must_use]
pub(super) fn missing<'a>(
    cluster: &Cluster<'a>,
    pod: &Pod<'a>,
    container: Option<&str>,
    volume: Option<usize>,
    message: &str,
) -> Option<Cause> {
    let reference = parse(message)?;
    let namespace = pod.object.namespace();
    let found =
        container.and_then(|name| in_container(pod, name, &reference)).or_else(|| in_volumes(pod, volume, &reference));
    let found =
        found.or_else(|| pod.containers().iter().find_map(|container| in_container(pod, container.name, &reference)));
    let (field, name) = found.unwrap_or_else(|| (pod.template.path.clone(), reference.name.to_owned()));
    let (kind, key) = (reference.kind, reference.key);
    let object = cluster.get(kind, namespace, &name);
    let create = match kind {
        "Secret" => format!(
            "kubectl -n {namespace} create secret generic {name} --from-literal={}=…",
            if key.is_empty() { "KEY" } else { key }
        ),
        _ => format!(
            "kubectl -n {namespace} create configmap {name} --from-literal={}=…",
            if key.is_empty() { "KEY" } else { key }
        ),
    };
    let id = &pod.template.object.id;
    if key.is_empty() {
        let others =
            cluster.record.objects.iter().filter(|object| object.kind() == kind && object.namespace() == namespace);
        let manifests = cluster.manifests.unwrap_or_default().iter().filter(|object| object.kind() == kind);
        let near = suggest::nearest(&name, others.chain(manifests).map(crate::object::Object::name));
        let help = match near {
            Some(near) if near != name => format!("did you mean `{near}`? Otherwise create it: {create}"),
            _ => format!("create it: {create}"),
        };
        let rule = if kind == "Secret" { &rules::SECRET_MISSING } else { &rules::CONFIG_MAP_MISSING };
        return Some(
            Cause::new(rule, id, field, format!("{kind} `{name}` not found in namespace `{namespace}`")).help(help),
        );
    }
    let data =
        object.or_else(|| cluster.manifests?.iter().find(|object| object.kind() == kind && object.name() == name));
    let keys: Vec<&str> = data
        .into_iter()
        .flat_map(|object| ["data", "stringData", "binaryData"].map(|field| object.node[field].entries()))
        .flatten()
        .map(|entry| entry.key.as_str())
        .collect();
    let help = match suggest::nearest(key, keys.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if keys.is_empty() => format!("add the key to the {kind}, or use an existing key"),
        None => format!("add the key, or use an existing one: {}", suggest::list(keys.iter().take(8), "or")),
    };
    Some(Cause::new(&rules::KEY_MISSING, id, field, format!("{kind} `{name}` has no key `{key}`")).help(help))
}

fn parse(message: &str) -> Option<MissingReference<'_>> {
    let kinds = [("secret \"", "Secret"), ("configmap \"", "ConfigMap")];
    let not_found = kinds.into_iter().find_map(|(prefix, kind)| {
        let rest = after(message, prefix)?;
        let name = until(rest, &['"']);
        rest[name.len()..].starts_with("\" not found").then_some(MissingReference { kind, name, key: "" })
    });
    not_found
        .or_else(|| {
            let rest = after(message, "couldn't find key ")?;
            let (key, rest) = rest.split_once(" in ")?;
            let kind = if rest.starts_with("Secret") { "Secret" } else { "ConfigMap" };
            let name = until(rest.split_once('/')?.1, &[' ', ',', '"']);
            Some(MissingReference { kind, name, key })
        })
        .or_else(|| {
            let kinds = [("non-existent config key: ", "ConfigMap"), ("non-existent secret key: ", "Secret")];
            kinds.into_iter().find_map(|(prefix, kind)| {
                let key = until(after(message, prefix)?, &[' ', ',', '"']);
                Some(MissingReference { kind, name: "", key })
            })
        })
}

/// The field of a container's environment that contains a reference, and the name of the object it refers to.
fn in_container(pod: &Pod<'_>, container: &str, missing: &MissingReference<'_>) -> Option<(FieldPath, String)> {
    let node = pod.template.container_node(container);
    let path = pod.template.container(container);
    let (key_ref, from_ref) =
        if missing.kind == "Secret" { ("secretKeyRef", "secretRef") } else { ("configMapKeyRef", "configMapRef") };
    let matches = |reference: &Node| {
        reference.is_set()
            && (missing.name.is_empty() || reference["name"].text() == missing.name)
            && (missing.key.is_empty() || reference["key"].text() == missing.key)
    };
    for (at, env) in node["env"].items().iter().enumerate() {
        let reference = &env["valueFrom"][key_ref];
        if matches(reference) {
            let last = if missing.key.is_empty() { "name" } else { "key" };
            let field = below(&item(&below(&path, &["env"]), at), &["valueFrom", key_ref, last]);
            return Some((field, reference["name"].text().to_owned()));
        }
    }
    for (at, from) in node["envFrom"].items().iter().enumerate().filter(|_| missing.key.is_empty()) {
        if matches(&from[from_ref]) {
            let field = below(&item(&below(&path, &["envFrom"]), at), &[from_ref, "name"]);
            return Some((field, missing.name.to_owned()));
        }
    }
    None
}

/// The field of a volume that contains a reference, and the name of the object it refers to.
fn in_volumes(pod: &Pod<'_>, only: Option<usize>, missing: &MissingReference<'_>) -> Option<(FieldPath, String)> {
    let list = below(&pod.template.path, &["volumes"]);
    let volumes = pod.template.written["volumes"].items().iter().enumerate();
    for (at, volume) in volumes.filter(|(at, _)| only.is_none_or(|only| only == *at)) {
        let path = item(&list, at);
        let (source, name_key, source_key) = match missing.kind {
            "Secret" => (&volume["secret"], "secretName", "secret"),
            _ => (&volume["configMap"], "name", "configMap"),
        };
        if let Some(found) = in_source(source, name_key, &below(&path, &[source_key]), missing) {
            return Some(found);
        }
        for (index, projected) in volume["projected"]["sources"].items().iter().enumerate() {
            let path = below(&item(&below(&path, &["projected", "sources"]), index), &[source_key]);
            if let Some(found) = in_source(&projected[source_key], "name", &path, missing) {
                return Some(found);
            }
        }
    }
    None
}

fn in_source(
    source: &Node,
    name_key: &str,
    path: &FieldPath,
    missing: &MissingReference<'_>,
) -> Option<(FieldPath, String)> {
    let name = source[name_key].text();
    if source.is_null() || !(missing.name.is_empty() || name == missing.name) {
        return None;
    }
    if missing.key.is_empty() {
        return Some((below(path, &[name_key]), name.to_owned()));
    }
    let at = source["items"].items().iter().position(|entry| entry["key"].text() == missing.key)?;
    Some((below(&item(&below(path, &["items"]), at), &["key"]), name.to_owned()))
}

/// The cause of a failing container that mounts with `subPath` a key that the ConfigMap or Secret does not have. The
/// kubelet mounts an empty directory instead.
#[must_use]
pub(super) fn sub_path<'a>(cluster: &Cluster<'a>, pod: &Pod<'a>, container: &str) -> Option<Cause> {
    let node = pod.template.container_node(container);
    for (at, mount) in node["volumeMounts"].items().iter().enumerate().filter(|(_, mount)| mount["subPath"].is_set()) {
        let (name, file) = (mount["name"].text(), mount["subPath"].text());
        let volume = pod.template.written["volumes"].items().iter().find(|volume| volume["name"].text() == name)?;
        let (kind, source, object) = match (&volume["configMap"], &volume["secret"]) {
            (source, _) if source.is_set() => ("ConfigMap", source, source["name"].text()),
            (_, source) if source.is_set() => ("Secret", source, source["secretName"].text()),
            _ => continue,
        };
        let items = source["items"].items();
        let data = cluster.get(kind, pod.object.namespace(), object);
        let files: Vec<&str> = match data {
            _ if !items.is_empty() => items.iter().map(|entry| entry["path"].text()).collect(),
            Some(data) => {
                let all = ["data", "binaryData"].map(|field| data.node[field].entries());
                all.into_iter().flatten().map(|entry| entry.key.as_str()).collect()
            }
            None => continue,
        };
        let first = file.split('/').next().unwrap_or_default();
        if files.iter().any(|path| *path == file || path.split('/').next() == Some(first)) {
            continue;
        }
        let field = below(&item(&below(&pod.template.container(container), &["volumeMounts"]), at), &["subPath"]);
        let message = format!(
            "{kind} `{object}` has no key `{file}`, so an empty directory is mounted at `{}`",
            mount["mountPath"].text()
        );
        let help = match suggest::nearest(file, files.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("use an existing key: {}", suggest::list(files.iter().take(8), "or")),
        };
        return Some(Cause::new(&rules::SUBPATH, &pod.template.object.id, field, message).help(help));
    }
    None
}
