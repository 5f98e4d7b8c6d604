//! The output of `kubectl apply`: which objects the API server rejected, and why.

use foldhash::HashSet;

use crate::finding::ObjectRef;
use crate::object::Object;
use crate::status::admission::{self, after, first_line, until};
use crate::status::cause::{Cause, parse_path, path};
use crate::status::cluster::Cluster;
use crate::status::rules::{self, CauseRule};

/// The causes in the output of all calls of `kubectl apply`, except of objects that a later call applied.
#[must_use]
pub(super) fn causes<'a>(cluster: &Cluster<'a>) -> Vec<Cause> {
    let mut found: Vec<Cause> = Vec::new();
    for output in &cluster.record.applied {
        let applied: HashSet<(String, &str)> = output.lines().filter_map(applied_object).collect();
        found.retain(|cause| {
            !applied.contains(&(cause.affected.kind.to_lowercase().to_string(), cause.affected.name.as_str()))
        });
        let mut not_applied = cluster
            .manifests
            .unwrap_or_default()
            .iter()
            .filter(|object| !applied.contains(&(object.kind().to_lowercase(), object.name())));
        for block in error_blocks(output) {
            found.extend(rejection(cluster, block, &mut not_applied));
        }
    }
    found
}

/// The kind in lower case and the name of an applied object: `deployment.apps/web created`.
fn applied_object(line: &str) -> Option<(String, &str)> {
    const VERBS: &[&str] = &["created", "configured", "unchanged", "serverside-applied", "replaced"];
    let (object, verb) = line.split_once(' ')?;
    let (kind, name) = object.split_once('/')?;
    let verb = verb.split(' ').next().unwrap_or_default();
    VERBS.contains(&verb).then(|| (kind.split('.').next().unwrap_or_default().to_owned(), name))
}

/// The errors in an output, each with its continuation lines.
fn error_blocks(output: &str) -> Vec<&str> {
    let mut blocks = Vec::new();
    let mut start: Option<usize> = None;
    let mut at = 0;
    for line in output.split_inclusive('\n') {
        let is_error = [
            "The ",
            "Error from server",
            "error: ",
            "Apply failed",
            "Error: ",
            "unable to ",
            "resource mapping not found",
        ]
        .iter()
        .any(|prefix| line.starts_with(prefix));
        if is_error || line.starts_with("Warning: ") || applied_object(line.trim_end()).is_some() {
            blocks.extend(start.map(|start| output[start..at].trim()));
            start = is_error.then_some(at);
        }
        at += line.len();
    }
    blocks.extend(start.map(|start| output[start..].trim()));
    blocks
}

/// Whether a plural resource name such as `deployments.apps` is that of a kind.
fn is_plural(plural: &str, kind: &str) -> bool {
    let plural = plural.split('.').next().unwrap_or_default();
    let kind = kind.to_lowercase();
    let stem = kind.strip_suffix('y').map(|stem| format!("{stem}ies"));
    plural == format!("{kind}s") || plural == format!("{kind}es") || stem.is_some_and(|stem| stem == plural)
}

/// Returns the cause in one error. `not_applied` are the manifests that were not applied; the errors are in the same
/// order.
fn rejection<'a>(
    cluster: &Cluster<'a>,
    block: &str,
    not_applied: &mut impl Iterator<Item = &'a Object>,
) -> Option<Cause> {
    if let Some(rest) = block.strip_prefix("The ") {
        let (kind, rest) = rest.split_once(" \"")?;
        let (name, rest) = rest.split_once("\" is invalid: ")?;
        let object = find(cluster, |object| object.kind() == kind && object.name() == name);
        if object.is_some_and(|object| cluster.manifest(&object.id).is_some()) {
            _ = not_applied.next();
        }
        let id = object.map_or_else(|| object_ref(kind, name), |object| object.id.clone());
        let first = rest.trim_start().trim_start_matches("* ").lines().next().unwrap_or_default();
        let (field, why) = first.split_once(": ").unwrap_or(("", first));
        return Some(invalid(cluster, object, &id, field, why).quote("API server", rest));
    }
    if let Some(at) = block.find("Apply failed with ") {
        let object = not_applied.next();
        let id = object.map_or_else(|| object_ref("", ""), |object| object.id.clone());
        return Some(conflict(&id, &block[at..]));
    }
    if let Some(rest) = after(block, "no matches for kind \"") {
        let kind = until(rest, &['"']);
        let version = after(rest, "in version \"").map_or("", |rest| until(rest, &['"']));
        let name = after(block, "for name: \"").map_or("", |rest| until(rest, &['"']));
        let object = find(cluster, |object| object.kind() == kind && (name.is_empty() || object.name() == name));
        let id = object.map_or_else(|| object_ref(kind, name), |object| object.id.clone());
        let message = format!("no matches for kind `{kind}` in version `{version}`");
        let help = "install its CustomResourceDefinition first, or use an apiVersion that the cluster serves: kubectl api-resources";
        return Some(Cause::new(&rules::KIND_UNKNOWN, &id, path("kind"), message).help(help).quote("kubectl", block));
    }
    let message = after(block, "error when ")
        .and_then(|rest| after(rest, "\": "))
        .or_else(|| after(block, "): "))
        .unwrap_or(block);
    let message = message.strip_prefix("Internal error occurred: ").unwrap_or(message);
    if block.starts_with("error: ") && !block.contains("error when ") {
        // An error of kubectl itself, such as a missing file, is reported by the caller.
        return None;
    }
    if let Some(rest) = after(message, "namespaces \"")
        && message.contains("not found")
    {
        let namespace = until(rest, &['"']);
        let object = not_applied.next();
        let id = object.map_or_else(|| object_ref("Namespace", namespace), |object| object.id.clone());
        let message = format!("namespace `{namespace}` not found");
        let help = format!("create it: kubectl create namespace {namespace}");
        return Some(
            Cause::new(&rules::NAMESPACE_MISSING, &id, path("metadata.namespace"), message)
                .help(help)
                .quote("API server", block),
        );
    }
    let named = message.split_once(" \"").and_then(|(plural, rest)| {
        let name = until(rest, &['"']);
        find(cluster, |object| is_plural(plural, object.kind()) && object.name() == name)
    });
    let decoded = after(message, " cannot be handled as a ").map(|rest| until(rest, &[':']));
    let object = named.or_else(|| match decoded {
        Some(kind) => find(cluster, |object| object.kind() == kind),
        None => not_applied.next(),
    });
    let id = object.map_or_else(|| object_ref("", ""), |object| object.id.clone());
    if message.contains("cannot create resource")
        || message.contains("cannot patch resource")
        || message.contains("cannot update resource")
    {
        let text = format!("{id} is forbidden: {}", first_line(message));
        return Some(
            Cause::new(&rules::ACCESS_DENIED, &id, path(""), text)
                .help("grant the user a Role that allows it")
                .quote("API server", message),
        );
    }
    if let Some(rest) = after(message, "strict decoding error: ") {
        let field = after(rest, "unknown field \"").map_or("", |rest| until(rest, &['"']));
        let text = format!("the API server rejected {id}: {}", first_line(rest));
        return Some(Cause::new(&rules::APPLY_REJECTED, &id, parse_path(field), text).quote("API server", message));
    }
    let admitted =
        message.contains("is forbidden") || message.contains("webhook") || message.contains("AdmissionPolicy");
    match object {
        Some(object) if admitted => Some(admission::cause(cluster, object, message)),
        _ => {
            let text = format!("the API server rejected {id}: {}", first_line(message));
            Some(Cause::new(&rules::APPLY_REJECTED, &id, path(""), text).quote("API server", block))
        }
    }
}

fn find<'a>(cluster: &Cluster<'a>, matches: impl Fn(&Object) -> bool) -> Option<&'a Object> {
    let manifests = cluster.manifests.unwrap_or_default().iter();
    manifests.chain(&cluster.record.objects).find(|object| matches(object))
}

/// A reference to an object of which only the kind and name are known.
fn object_ref(kind: &str, name: &str) -> ObjectRef {
    ObjectRef { api_version: "".into(), kind: kind.into(), namespace: "".into(), name: name.into() }
}

/// The cause of an object with an invalid field.
fn invalid(cluster: &Cluster<'_>, object: Option<&Object>, id: &ObjectRef, field: &str, why: &str) -> Cause {
    let immutable = [
        "field is immutable",
        "may not change once set",
        "updates to statefulset spec",
        "is immutable",
        "cannot be changed",
        "may not be changed",
    ];
    let rule: &CauseRule = if why.contains("provided port is already allocated") {
        &rules::NODE_PORT_TAKEN
    } else if why.contains("provided IP is already allocated")
        || why.contains("ClusterIP range")
        || why.contains("failed to allocate IP")
    {
        &rules::CLUSTER_IP_TAKEN
    } else if immutable.iter().any(|phrase| why.contains(phrase)) {
        &rules::FIELD_IMMUTABLE
    } else {
        &rules::APPLY_REJECTED
    };
    let mut path_of_field = parse_path(field);
    // The reason follows the value, which may be a whole template.
    let reason = why.rsplit(": ").next().unwrap_or(why);
    let (message, help) = if rule == &rules::NODE_PORT_TAKEN {
        let port = after(why, "Invalid value: ").map_or("", |rest| until(rest, &[':']));
        let owner = cluster.all("Service").find(|service| {
            let ports = service.node["spec"]["ports"].items();
            ports.iter().any(|own| own["nodePort"].as_i64().is_some_and(|own| own.to_string() == port))
        });
        let owner = owner.map_or_else(|| "another Service".to_owned(), |owner| format!("Service `{}`", owner.name()));
        let help =
            "use a different nodePort (`expose.nodePort` in a profile); list those in use: kubectl get services -A";
        (format!("provided port is already allocated: nodePort {port} is used by {owner}"), help.to_owned())
    } else if rule == &rules::FIELD_IMMUTABLE {
        if let Some(changed) = object.and_then(|object| changed_field(cluster, object)).filter(|_| field == "spec") {
            path_of_field = changed;
        }
        let help = match id.kind.as_str() {
            "Job" => format!("rename the Job, or delete it first: kubectl delete job {}", id.name),
            "StatefulSet" => {
                format!("delete it first without its pods: kubectl delete statefulset {} --cascade=orphan", id.name)
            }
            kind => format!("change it back, or delete the {kind} first and apply it again"),
        };
        (format!("field is immutable: `{path_of_field}` of the existing {id} has a different value"), help)
    } else if rule == &rules::CLUSTER_IP_TAKEN {
        (format!("failed to allocate the cluster IP of {id}: {reason}"), "remove clusterIP".to_owned())
    } else {
        (format!("{id} is invalid: {field}: {}", shorten_value(why)), String::new())
    };
    Cause::new(rule, id, path_of_field, message).help(help)
}

/// The error of a field, without its value if that is long.
fn shorten_value(why: &str) -> String {
    const MAX_LENGTH: usize = 200;
    let why = first_line(why);
    if why.len() <= MAX_LENGTH {
        return why.to_owned();
    }
    format!("{}: {}", until(why, &[':']), why.rsplit(": ").next().unwrap_or_default())
}

/// The immutable field of a StatefulSet or claim that differs between the manifest and the cluster.
fn changed_field(cluster: &Cluster<'_>, object: &Object) -> Option<crate::path::FieldPath> {
    let manifest = cluster.manifest(&object.id)?;
    let live =
        cluster.record.objects.iter().find(|live| live.kind() == object.kind() && live.name() == object.name())?;
    let immutable: &[&str] = match object.kind() {
        "StatefulSet" => &["serviceName", "selector", "podManagementPolicy", "volumeClaimTemplates"],
        "PersistentVolumeClaim" => &["accessModes", "storageClassName", "volumeName", "volumeMode", "selector"],
        _ => return None,
    };
    let (new, old) = (&manifest.node["spec"], &live.node["spec"]);
    let differs = |field: &&&str| {
        let (new, old) = (&new[**field], &old[**field]);
        new.is_set() && !covers(old, new)
    };
    immutable.iter().find(differs).map(|field| path(&format!("spec.{field}")))
}

/// Whether a live value, which may have additional defaults, contains a written value.
fn covers(live: &crate::node::Node, written: &crate::node::Node) -> bool {
    let entries = written.entries().iter().all(|entry| covers(&live[entry.key.as_str()], &entry.value));
    let items = written.items().len() == live.items().len()
        && written.items().iter().zip(live.items()).all(|(written, live)| covers(live, written));
    match written.entries().is_empty() && written.items().is_empty() {
        true => live == written || (live.is_null() && written.is_null()),
        false => entries && items,
    }
}

/// `Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas`.
fn conflict(id: &ObjectRef, text: &str) -> Cause {
    let manager = after(text, "conflict with \"").map_or("", |rest| until(rest, &['"']));
    let field = text.split("conflict").skip(1).find_map(|conflict| {
        let rest = conflict.split_once(": .").or_else(|| conflict.split_once("- .")).map(|(_, rest)| rest)?;
        Some(until(rest, &['\n', ' ']))
    });
    let message = format!("conflict with field manager `{manager}`, which owns a field of {id} that the bundle sets");
    let help = "remove the field from the manifest, or take it over: kubectl apply --server-side --force-conflicts";
    Cause::new(&rules::FIELD_CONFLICT, id, parse_path(field.unwrap_or_default()), message)
        .help(help)
        .quote("API server", first_line(text))
}
