//! What kubectl printed when objects were applied: which the API server rejected, and why.

use foldhash::HashSet;

use crate::finding::ObjectRef;
use crate::object::Object;
use crate::status::admission::{self, after, first_line, until};
use crate::status::cause::{Cause, parse_path, path};
use crate::status::cluster::Cluster;
use crate::status::rules::{self, Rule};

/// The causes in the output of all steps; what a later step applied after all is none.
#[must_use]
pub(super) fn causes<'a>(cluster: &Cluster<'a>) -> Vec<Cause> {
    let mut found: Vec<Cause> = Vec::new();
    for output in &cluster.record.applied {
        let applied: HashSet<(String, &str)> = output.lines().filter_map(done).collect();
        found.retain(|cause| {
            !applied.contains(&(cause.affected.kind.to_lowercase().to_string(), cause.affected.name.as_str()))
        });
        let mut lacking = cluster
            .manifests
            .unwrap_or_default()
            .iter()
            .filter(|object| !applied.contains(&(object.kind().to_lowercase(), object.name())));
        for block in blocks(output) {
            found.extend(rejection(cluster, block, &mut lacking));
        }
    }
    found
}

/// The kind, in lower case, and the name of an object that was applied: `deployment.apps/web created`.
fn done(line: &str) -> Option<(String, &str)> {
    const DONE: &[&str] = &["created", "configured", "unchanged", "serverside-applied", "replaced"];
    let (object, verb) = line.split_once(' ')?;
    let (kind, name) = object.split_once('/')?;
    let verb = verb.split(' ').next().unwrap_or_default();
    DONE.contains(&verb).then(|| (kind.split('.').next().unwrap_or_default().to_owned(), name))
}

/// The errors in an output, each with the lines that belong to it.
fn blocks(output: &str) -> Vec<&str> {
    let mut blocks = Vec::new();
    let mut start: Option<usize> = None;
    let mut at = 0;
    for line in output.split_inclusive('\n') {
        let begins = [
            "The ",
            "Error from server",
            "error: ",
            "Apply failed",
            "Error: ",
            "unable to ",
            "resource mapping not found",
        ]
        .iter()
        .any(|words| line.starts_with(words));
        if begins || line.starts_with("Warning: ") || done(line.trim_end()).is_some() {
            blocks.extend(start.map(|start| output[start..at].trim()));
            start = begins.then_some(at);
        }
        at += line.len();
    }
    blocks.extend(start.map(|start| output[start..].trim()));
    blocks
}

/// The kind of a resource as the API server names it in the plural: `deployments.apps`.
fn is_plural(plural: &str, kind: &str) -> bool {
    let plural = plural.split('.').next().unwrap_or_default();
    let kind = kind.to_lowercase();
    let stem = kind.strip_suffix('y').map(|stem| format!("{stem}ies"));
    plural == format!("{kind}s") || plural == format!("{kind}es") || stem.is_some_and(|stem| stem == plural)
}

/// The cause in one error. `lacking` are the manifests that were not applied, in their order: so are the errors.
fn rejection<'a>(cluster: &Cluster<'a>, block: &str, lacking: &mut impl Iterator<Item = &'a Object>) -> Option<Cause> {
    if let Some(rest) = block.strip_prefix("The ") {
        let (kind, rest) = rest.split_once(" \"")?;
        let (name, rest) = rest.split_once("\" is invalid: ")?;
        let object = find(cluster, |object| object.kind() == kind && object.name() == name);
        if object.is_some_and(|object| cluster.manifest(&object.id).is_some()) {
            _ = lacking.next();
        }
        let id = object.map_or_else(|| reference(kind, name), |object| object.id.clone());
        let first = rest.trim_start().trim_start_matches("* ").lines().next().unwrap_or_default();
        let (field, why) = first.split_once(": ").unwrap_or(("", first));
        return Some(invalid(cluster, object, &id, field, why).words("API server", rest));
    }
    if let Some(at) = block.find("Apply failed with ") {
        let object = lacking.next();
        let id = object.map_or_else(|| reference("", ""), |object| object.id.clone());
        return Some(conflict(&id, &block[at..]));
    }
    if let Some(rest) = after(block, "no matches for kind \"") {
        let kind = until(rest, &['"']);
        let version = after(rest, "in version \"").map_or("", |rest| until(rest, &['"']));
        let name = after(block, "for name: \"").map_or("", |rest| until(rest, &['"']));
        let object = find(cluster, |object| object.kind() == kind && (name.is_empty() || object.name() == name));
        let id = object.map_or_else(|| reference(kind, name), |object| object.id.clone());
        let message = format!("the cluster does not know the kind {kind} of {version}");
        let help = "install its CustomResourceDefinition first, or write the apiVersion that the cluster serves: kubectl api-resources";
        return Some(Cause::new(&rules::KIND_UNKNOWN, &id, path("kind"), message).help(help).words("kubectl", block));
    }
    let message = after(block, "error when ")
        .and_then(|rest| after(rest, "\": "))
        .or_else(|| after(block, "): "))
        .unwrap_or(block);
    let message = message.strip_prefix("Internal error occurred: ").unwrap_or(message);
    if block.starts_with("error: ") && !block.contains("error when ") {
        // Of the command itself: no such file, no connection. That is for the caller to say.
        return None;
    }
    if let Some(rest) = after(message, "namespaces \"")
        && message.contains("not found")
    {
        let namespace = until(rest, &['"']);
        let object = lacking.next();
        let id = object.map_or_else(|| reference("Namespace", namespace), |object| object.id.clone());
        let message = format!("namespace `{namespace}` not found");
        let help = format!("create it: kubectl create namespace {namespace}");
        return Some(
            Cause::new(&rules::NAMESPACE_MISSING, &id, path("metadata.namespace"), message)
                .help(help)
                .words("API server", block),
        );
    }
    let named = message.split_once(" \"").and_then(|(plural, rest)| {
        let name = until(rest, &['"']);
        find(cluster, |object| is_plural(plural, object.kind()) && object.name() == name)
    });
    let decoded = after(message, " cannot be handled as a ").map(|rest| until(rest, &[':']));
    let object = named.or_else(|| match decoded {
        Some(kind) => find(cluster, |object| object.kind() == kind),
        None => lacking.next(),
    });
    let id = object.map_or_else(|| reference("", ""), |object| object.id.clone());
    if message.contains("cannot create resource")
        || message.contains("cannot patch resource")
        || message.contains("cannot update resource")
    {
        let text = format!("the user may not apply {id}: {}", first_line(message));
        return Some(
            Cause::new(&rules::ACCESS_DENIED, &id, path(""), text)
                .help("ask for a Role that allows it")
                .words("API server", message),
        );
    }
    if let Some(rest) = after(message, "strict decoding error: ") {
        let field = after(rest, "unknown field \"").map_or("", |rest| until(rest, &['"']));
        let text = format!("the API server rejects {id}: {}", first_line(rest));
        return Some(Cause::new(&rules::APPLY_REJECTED, &id, parse_path(field), text).words("API server", message));
    }
    let admitted =
        message.contains("is forbidden") || message.contains("webhook") || message.contains("AdmissionPolicy");
    match object {
        Some(object) if admitted => Some(admission::cause(cluster, object, message)),
        _ => {
            let text = format!("the API server rejects {id}: {}", first_line(message));
            Some(Cause::new(&rules::APPLY_REJECTED, &id, path(""), text).words("API server", block))
        }
    }
}

fn find<'a>(cluster: &Cluster<'a>, fits: impl Fn(&Object) -> bool) -> Option<&'a Object> {
    let manifests = cluster.manifests.unwrap_or_default().iter();
    manifests.chain(&cluster.record.objects).find(|object| fits(object))
}

/// An object of which only kind and name are known.
fn reference(kind: &str, name: &str) -> ObjectRef {
    ObjectRef { api_version: "".into(), kind: kind.into(), namespace: "".into(), name: name.into() }
}

/// A field that validation rejects.
fn invalid(cluster: &Cluster<'_>, object: Option<&Object>, id: &ObjectRef, field: &str, why: &str) -> Cause {
    let immutable = [
        "field is immutable",
        "may not change once set",
        "updates to statefulset spec",
        "is immutable",
        "cannot be changed",
        "may not be changed",
    ];
    let rule: &Rule = if why.contains("provided port is already allocated") {
        &rules::NODE_PORT_TAKEN
    } else if why.contains("provided IP is already allocated")
        || why.contains("ClusterIP range")
        || why.contains("failed to allocate IP")
    {
        &rules::CLUSTER_IP_TAKEN
    } else if immutable.iter().any(|words| why.contains(words)) {
        &rules::FIELD_IMMUTABLE
    } else {
        &rules::APPLY_REJECTED
    };
    let mut place = parse_path(field);
    // Its value is told in full, which may be a whole template: the reason comes last.
    let reason = why.rsplit(": ").next().unwrap_or(why);
    let (message, help) = if rule == &rules::NODE_PORT_TAKEN {
        let port = after(why, "Invalid value: ").map_or("", |rest| until(rest, &[':']));
        let owner = cluster.all("Service").find(|service| {
            let ports = service.node["spec"]["ports"].items();
            ports.iter().any(|own| own["nodePort"].as_i64().is_some_and(|own| own.to_string() == port))
        });
        let owner = owner.map_or_else(|| "another Service".to_owned(), |owner| format!("Service `{}`", owner.name()));
        let help =
            "choose another nodePort, in a profile `expose.nodePort`; kubectl get services -A shows those in use";
        (format!("NodePort {port} is already allocated to {owner}"), help.to_owned())
    } else if rule == &rules::FIELD_IMMUTABLE {
        if let Some(changed) = object.and_then(|object| changed_field(cluster, object)).filter(|_| field == "spec") {
            place = changed;
        }
        let help = match id.kind.as_str() {
            "Job" => format!("give the Job a new name, or delete it first: kubectl delete job {}", id.name),
            "StatefulSet" => "delete it first without its pods: kubectl delete statefulset --cascade=orphan".to_owned(),
            kind => format!("change it back, or delete the {kind} first and apply it anew"),
        };
        (format!("`{place}` of {id} cannot be changed: it exists with another value"), help)
    } else if rule == &rules::CLUSTER_IP_TAKEN {
        (format!("the cluster IP of {id} cannot be allocated: {reason}"), "leave clusterIP out".to_owned())
    } else {
        (format!("the API server rejects {id}: {field}: {}", cut_value(why)), String::new())
    };
    Cause::new(rule, id, place, message).help(help)
}

/// The reason with a short value, or without a long one.
fn cut_value(why: &str) -> String {
    const LONGEST: usize = 200;
    let why = first_line(why);
    if why.len() <= LONGEST {
        return why.to_owned();
    }
    format!("{}: {}", until(why, &[':']), why.rsplit(": ").next().unwrap_or_default())
}

/// The field of a StatefulSet or claim that the manifest has otherwise than the cluster, and that cannot be changed.
fn changed_field(cluster: &Cluster<'_>, object: &Object) -> Option<crate::path::FieldPath> {
    let manifest = cluster.manifest(&object.id)?;
    let live =
        cluster.record.objects.iter().find(|live| live.kind() == object.kind() && live.name() == object.name())?;
    let fixed: &[&str] = match object.kind() {
        "StatefulSet" => &["serviceName", "selector", "podManagementPolicy", "volumeClaimTemplates"],
        "PersistentVolumeClaim" => &["accessModes", "storageClassName", "volumeName", "volumeMode", "selector"],
        _ => return None,
    };
    let (new, old) = (&manifest.node["spec"], &live.node["spec"]);
    let differs = |field: &&&str| {
        let (new, old) = (&new[**field], &old[**field]);
        new.is_set() && !covers(old, new)
    };
    fixed.iter().find(differs).map(|field| path(&format!("spec.{field}")))
}

/// Whether all that the manifest says stands in the live value, which has defaults beside it.
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
    let field = text.split("conflict").skip(1).find_map(|part| {
        let rest =
            part.split_once(": .").map(|(_, rest)| rest).or_else(|| part.split_once("- .").map(|(_, rest)| rest))?;
        Some(until(rest, &['\n', ' ']))
    });
    let message = format!("field manager `{manager}` owns a field of {id} that the bundle sets");
    let help = "leave the field to it, or take it over: kubectl apply --server-side --force-conflicts";
    Cause::new(&rules::FIELD_CONFLICT, id, parse_path(field.unwrap_or_default()), message)
        .help(help)
        .words("API server", first_line(text))
}
