//! A Secret, ConfigMap or key that a pod refers to and the cluster does not have.

use crate::node::Node;
use crate::path::FieldPath;
use crate::status::admission::{after, until};
use crate::status::cause::{Cause, below, item};
use crate::status::cluster::Cluster;
use crate::status::pods::Pod;
use crate::status::rules;
use crate::suggest;

/// What a message of the kubelet names.
struct Named<'m> {
    /// `Secret` or `ConfigMap`.
    kind: &'static str,
    /// The object; empty where the message names only a key.
    name: &'m str,
    /// The key; empty where the object itself is missing.
    key: &'m str,
}

/// The cause in such words as `secret "db" not found` and `couldn't find key password in Secret ns/db`. `container` is the one
/// whose variables refer to it, `volume` the number of the volume that does.
#[must_use]
pub(super) fn missing<'a>(
    cluster: &Cluster<'a>,
    pod: &Pod<'a>,
    container: Option<&str>,
    volume: Option<usize>,
    message: &str,
) -> Option<Cause> {
    let named = named(message)?;
    let namespace = pod.object.namespace();
    let found = container.and_then(|name| in_container(pod, name, &named)).or_else(|| in_volumes(pod, volume, &named));
    let found =
        found.or_else(|| pod.containers().iter().find_map(|container| in_container(pod, container.name, &named)));
    let (field, name) = found.unwrap_or_else(|| (pod.template.path.clone(), named.name.to_owned()));
    let (kind, key) = (named.kind, named.key);
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
            Some(near) if near != name => format!("did you mean `{near}`? If not, create it: {create}"),
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
        None if keys.is_empty() => format!("add the key to the {kind}, or refer to one that it has"),
        None => format!("add the key, or refer to one that it has: {}", suggest::list(keys.iter().take(8), "or")),
    };
    Some(Cause::new(&rules::KEY_MISSING, id, field, format!("{kind} `{name}` has no key `{key}`")).help(help))
}

fn named(message: &str) -> Option<Named<'_>> {
    let kinds = [("secret \"", "Secret"), ("configmap \"", "ConfigMap")];
    let not_found = kinds.into_iter().find_map(|(words, kind)| {
        let rest = after(message, words)?;
        let name = until(rest, &['"']);
        rest[name.len()..].starts_with("\" not found").then_some(Named { kind, name, key: "" })
    });
    not_found
        .or_else(|| {
            let rest = after(message, "couldn't find key ")?;
            let (key, rest) = rest.split_once(" in ")?;
            let kind = if rest.starts_with("Secret") { "Secret" } else { "ConfigMap" };
            let name = until(rest.split_once('/')?.1, &[' ', ',', '"']);
            Some(Named { kind, name, key })
        })
        .or_else(|| {
            let kinds = [("non-existent config key: ", "ConfigMap"), ("non-existent secret key: ", "Secret")];
            kinds.into_iter().find_map(|(words, kind)| {
                let key = until(after(message, words)?, &[' ', ',', '"']);
                Some(Named { kind, name: "", key })
            })
        })
}

/// The field of a container's variables that refers to it.
fn in_container(pod: &Pod<'_>, container: &str, named: &Named<'_>) -> Option<(FieldPath, String)> {
    let node = pod.template.container_node(container);
    let place = pod.template.container(container);
    let (key_ref, from_ref) =
        if named.kind == "Secret" { ("secretKeyRef", "secretRef") } else { ("configMapKeyRef", "configMapRef") };
    let fits = |reference: &Node| {
        reference.is_set()
            && (named.name.is_empty() || reference["name"].text() == named.name)
            && (named.key.is_empty() || reference["key"].text() == named.key)
    };
    for (at, env) in node["env"].items().iter().enumerate() {
        let reference = &env["valueFrom"][key_ref];
        if fits(reference) {
            let last = if named.key.is_empty() { "name" } else { "key" };
            let field = below(&item(&below(&place, &["env"]), at), &["valueFrom", key_ref, last]);
            return Some((field, reference["name"].text().to_owned()));
        }
    }
    for (at, from) in node["envFrom"].items().iter().enumerate().filter(|_| named.key.is_empty()) {
        if fits(&from[from_ref]) {
            let field = below(&item(&below(&place, &["envFrom"]), at), &[from_ref, "name"]);
            return Some((field, named.name.to_owned()));
        }
    }
    None
}

/// The field of the volumes, or of one of them, that refers to it.
fn in_volumes(pod: &Pod<'_>, only: Option<usize>, named: &Named<'_>) -> Option<(FieldPath, String)> {
    let list = below(&pod.template.path, &["volumes"]);
    let volumes = pod.template.written["volumes"].items().iter().enumerate();
    for (at, volume) in volumes.filter(|(at, _)| only.is_none_or(|only| only == *at)) {
        let place = item(&list, at);
        let (source, name_key, place_of) = match named.kind {
            "Secret" => (&volume["secret"], "secretName", "secret"),
            _ => (&volume["configMap"], "name", "configMap"),
        };
        if let Some(found) = in_source(source, name_key, &below(&place, &[place_of]), named) {
            return Some(found);
        }
        for (index, projected) in volume["projected"]["sources"].items().iter().enumerate() {
            let place = below(&item(&below(&place, &["projected", "sources"]), index), &[place_of]);
            if let Some(found) = in_source(&projected[place_of], "name", &place, named) {
                return Some(found);
            }
        }
    }
    None
}

fn in_source(source: &Node, name_key: &str, place: &FieldPath, named: &Named<'_>) -> Option<(FieldPath, String)> {
    let name = source[name_key].text();
    if source.is_null() || !(named.name.is_empty() || name == named.name) {
        return None;
    }
    if named.key.is_empty() {
        return Some((below(place, &[name_key]), name.to_owned()));
    }
    let at = source["items"].items().iter().position(|entry| entry["key"].text() == named.key)?;
    Some((below(&item(&below(place, &["items"]), at), &["key"]), name.to_owned()))
}

/// A container that fails, and mounts by `subPath` a key that the ConfigMap or Secret does not have: an empty folder is
/// mounted in its place.
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
        let known: Vec<&str> = match data {
            _ if !items.is_empty() => items.iter().map(|entry| entry["path"].text()).collect(),
            Some(data) => {
                let all = ["data", "binaryData"].map(|field| data.node[field].entries());
                all.into_iter().flatten().map(|entry| entry.key.as_str()).collect()
            }
            None => continue,
        };
        let first = file.split('/').next().unwrap_or_default();
        if known.iter().any(|path| *path == file || path.split('/').next() == Some(first)) {
            continue;
        }
        let field = below(&item(&below(&pod.template.container(container), &["volumeMounts"]), at), &["subPath"]);
        let message = format!(
            "{kind} `{object}` has no file `{file}`, so an empty folder is mounted at {}",
            mount["mountPath"].text()
        );
        let help = match suggest::nearest(file, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("mount one that it has: {}", suggest::list(known.iter().take(8), "or")),
        };
        return Some(Cause::new(&rules::SUBPATH, &pod.template.object.id, field, message).help(help));
    }
    None
}
