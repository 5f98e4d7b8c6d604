//! Why the API server does not create an object: what quotas, limit ranges, pod security and webhooks say.

use crate::finding::ObjectRef;
use crate::object::Object;
use crate::path::FieldPath;
use crate::status::cause::{Cause, below, item, parse_path, path};
use crate::status::cluster::{Cluster, Template};
use crate::status::rules;

/// The cause behind a rejection of `object`: `message` is what the API server said of it, or of a pod that a controller
/// wanted to create from its template.
#[must_use]
pub(super) fn cause<'a>(cluster: &Cluster<'a>, object: &'a Object, message: &str) -> Cause {
    let template = Template::of(cluster, object);
    let spec = template.as_ref().map_or_else(|| path("spec"), |template| template.path.clone());
    let id = &object.id;
    let found = quota(cluster, id, message)
        .or_else(|| limits(template.as_ref(), id, message))
        .or_else(|| named(template.as_ref(), id, &spec, message))
        .or_else(|| webhook(cluster, id, message))
        .or_else(|| invalid(template.as_ref(), id, message));
    let cause = found.unwrap_or_else(|| {
        let field = if template.is_some() { spec } else { path("") };
        Cause::new(&rules::POD_FORBIDDEN, id, field, format!("the API server does not admit {}", what(object, message)))
    });
    cause.words("API server", message).affecting(id)
}

fn what(object: &Object, message: &str) -> String {
    if object.pod_place().is_some() && message.contains("pods \"") {
        format!("the pods of {}", object.id)
    } else {
        object.id.to_string()
    }
}

/// `exceeded quota: small, requested: pods=1, used: pods=0, limited: pods=0`.
fn quota(cluster: &Cluster<'_>, id: &ObjectRef, message: &str) -> Option<Cause> {
    if let Some(rest) = after(message, "exceeded quota: ") {
        let name = until(rest, &[',', ' ']);
        let api_version = "v1".into();
        let quota = cluster.get("ResourceQuota", &id.namespace, name).map(|quota| quota.id.clone());
        let quota = quota.unwrap_or_else(|| ObjectRef {
            api_version,
            kind: "ResourceQuota".into(),
            namespace: id.namespace.clone(),
            name: name.into(),
        });
        let requested = after(rest, "requested: ").map_or("", |rest| before(rest, ", used: "));
        let limited = after(rest, "limited: ").unwrap_or_default().trim();
        let resource = requested.split('=').next().unwrap_or_default();
        let single = !resource.is_empty() && !requested.contains(',');
        let field = if single { below(&path("spec.hard"), &[resource]) } else { path("spec.hard") };
        let message =
            format!("ResourceQuota `{name}` leaves no room for {id}: {requested} requested, {limited} allowed");
        let help = format!(
            "raise the quota, request less in {id}, or delete what uses it up: kubectl -n {} describe quota {name}",
            id.namespace
        );
        return Some(Cause::new(&rules::QUOTA_EXCEEDED, &quota, field, message).help(help));
    }
    let rest = after(message, "failed quota: ")?;
    let (name, missing) = rest.split_once(": must specify ")?;
    let container = after(missing, " for: ").map_or("", |rest| until(rest, &[',', ';', ' ']));
    let object = cluster.get(&id.kind, &id.namespace, &id.name);
    let template = object.and_then(|object| Template::of(cluster, object));
    let field = template.map_or_else(
        || path("spec"),
        |template| match container {
            "" => match template.written["containers"].items().len() {
                1 => below(&item(&below(&template.path, &["containers"]), 0), &["resources"]),
                _ => template.path,
            },
            name => below(&template.container(name), &["resources"]),
        },
    );
    let resources = until(missing, &[';']).split(" for: ").next().unwrap_or_default();
    let message = format!("ResourceQuota `{name}` requires {resources}, which the pod does not set");
    Some(Cause::new(&rules::QUOTA_UNSPECIFIED, id, field, message).help(format!("set {resources} of the container")))
}

/// `maximum memory usage per Container is 64Mi, but limit is 128Mi`.
fn limits(template: Option<&Template<'_>>, id: &ObjectRef, message: &str) -> Option<Cause> {
    let at = ["maximum ", "minimum "].iter().find_map(|word| message.find(word).map(|at| &message[at..]));
    let ratio = || message.find(" max limit to request ratio per ").map(|_| message);
    let words = at.filter(|words| words.contains(" usage per ")).or_else(ratio)?;
    let sentence = words.split(", maximum ").next()?.split(", minimum ").next()?;
    let resource = if at.is_some() {
        sentence.split(' ').nth(1)?
    } else {
        words.split(" max limit to request ratio").next()?.rsplit(' ').next()?
    };
    let kind = if sentence.contains("but request") || sentence.contains("No request") { "requests" } else { "limits" };
    let kind = if sentence.starts_with("minimum") && !sentence.contains("but limit") { "requests" } else { kind };
    let field = match template {
        None if id.kind == "PersistentVolumeClaim" => below(&path("spec.resources.requests"), &[resource]),
        None => path("spec"),
        Some(template) => {
            let containers = template.written["containers"].items();
            let limit = sentence.rsplit(' ').next().unwrap_or_default();
            let has = |at: &usize| {
                let value = &containers[*at]["resources"][kind][resource];
                value.text() == limit || value.as_i64().is_some_and(|number| number.to_string() == limit)
            };
            let all = || 0..containers.len();
            let found =
                all().find(has).or_else(|| all().find(|at| containers[*at]["resources"][kind][resource].is_set()));
            below(&item(&below(&template.path, &["containers"]), found.unwrap_or(0)), &["resources", kind, resource])
        }
    };
    let message =
        format!("a LimitRange of namespace `{}` forbids it: {}", id.namespace, sentence.trim_end_matches(','));
    let help = format!("set {kind}.{resource} within the range: kubectl -n {} describe limitrange", id.namespace);
    Some(Cause::new(&rules::LIMIT_RANGE, id, field, message).help(help))
}

/// What the pod names and the cluster does not have, and what the namespace enforces.
fn named(template: Option<&Template<'_>>, id: &ObjectRef, spec: &FieldPath, message: &str) -> Option<Cause> {
    if let Some(rest) = after(message, "violates PodSecurity \"") {
        let level = until(rest, &['"']);
        let violations = after(rest, "\": ").unwrap_or_default();
        let message =
            format!("namespace `{}` enforces pod security standard `{level}`, which the pod violates", id.namespace);
        let single = template.and_then(|template| violation(template, violations));
        let field = single.unwrap_or_else(|| spec.clone());
        let cause = Cause::new(&rules::POD_SECURITY, id, field, message);
        return Some(cause.help(format!("set what the standard requires: {}", musts(violations))));
    }
    if message.contains("error looking up service account") || message.contains("serviceaccount \"") {
        let name = after(message, "serviceaccount \"").map_or("", |rest| until(rest, &['"']));
        let cause = Cause::new(
            &rules::SERVICE_ACCOUNT_MISSING,
            id,
            below(spec, &["serviceAccountName"]),
            format!("ServiceAccount `{name}` not found in namespace `{}`", id.namespace),
        );
        return Some(cause.help(format!("create it: kubectl -n {} create serviceaccount {name}", id.namespace)));
    }
    if let Some(rest) = after(message, "no PriorityClass with name ") {
        let name = until(rest, &[' ']);
        let message = format!("PriorityClass `{name}` not found");
        let help = "name one that exists: kubectl get priorityclasses";
        return Some(
            Cause::new(&rules::PRIORITY_CLASS_MISSING, id, below(spec, &["priorityClassName"]), message).help(help),
        );
    }
    if message.contains("RuntimeClass") && message.contains("not found") {
        let name = after(message, "RuntimeClass \"").map_or("", |rest| until(rest, &['"']));
        let message = format!("RuntimeClass `{name}` not found");
        let help = "name one that exists: kubectl get runtimeclasses";
        let field = below(spec, &["runtimeClassName"]);
        return Some(Cause::new(&rules::RUNTIME_CLASS_MISSING, id, field, message).help(help));
    }
    if message.contains("because it is being terminated") {
        let namespace = ObjectRef {
            api_version: "v1".into(),
            kind: "Namespace".into(),
            namespace: "".into(),
            name: id.namespace.clone(),
        };
        let message = format!("namespace `{}` is being deleted", id.namespace);
        let cause = Cause::new(&rules::NAMESPACE_TERMINATING, &namespace, path(""), message);
        return Some(cause.help("wait until it is gone, then apply again; a finalizer may hold something in it"));
    }
    None
}

/// The field of a pod security violation, where there is only one.
fn violation(template: &Template<'_>, violations: &str) -> Option<FieldPath> {
    let hosts = ["hostNetwork", "hostPID", "hostIPC"];
    if let Some(field) = hosts.iter().find(|field| violations == format!("host namespaces ({field}=true)")) {
        return Some(below(&template.path, &[field]));
    }
    if violations.contains("), ") {
        return None;
    }
    let container = after(violations, "container \"").map(|rest| until(rest, &['"']))?;
    Some(template.container(container))
}

/// What `must …` parts of a violation say.
fn musts(violations: &str) -> String {
    let musts: Vec<&str> = violations
        .match_indices(" must ")
        .map(|(at, word)| {
            let rest = &violations[at + word.len()..];
            &rest[..rest.find(')').unwrap_or(rest.len())]
        })
        .map(|must| must.trim_start_matches("set ").trim_start_matches("not set "))
        .collect();
    if musts.is_empty() { violations.to_owned() } else { musts.join(", ") }
}

/// `admission webhook "x" denied the request: …`, `failed calling webhook "x": …`, and admission policies.
fn webhook(cluster: &Cluster<'_>, id: &ObjectRef, message: &str) -> Option<Cause> {
    if let Some(rest) = after(message, "failed calling webhook \"") {
        let name = until(rest, &['"']);
        let why = rest.rsplit(": ").next().unwrap_or_default();
        let (config, field) = webhook_config(cluster, name);
        let message = format!("admission webhook `{name}` does not answer: {why}");
        let help = "bring the webhook's Service up, or set its failurePolicy to Ignore";
        let object = config.unwrap_or_else(|| id.clone());
        return Some(Cause::new(&rules::WEBHOOK_FAILED, &object, field, message).help(help));
    }
    if let Some(rest) = after(message, "admission webhook \"") {
        let name = until(rest, &['"']);
        let why = after(rest, "denied the request").unwrap_or_default().trim_start_matches([':', ' ']);
        let message = format!("admission webhook `{name}` denied {id}: {}", first_line(why));
        return Some(Cause::new(&rules::WEBHOOK_DENIED, id, field_in(why), message).help("change what it objects to"));
    }
    if let Some(rest) = after(message, "ValidatingAdmissionPolicy '") {
        let name = until(rest, &['\'']);
        let why = after(rest, "denied request: ").unwrap_or_default();
        let message = format!("ValidatingAdmissionPolicy `{name}` denied {id}: {}", first_line(why));
        return Some(Cause::new(&rules::WEBHOOK_DENIED, id, field_in(why), message).help("change what it objects to"));
    }
    None
}

/// A field path that a message mentions.
fn field_in(message: &str) -> FieldPath {
    let word = message.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && c != ']'));
    let found = word.into_iter().find(|word| word.starts_with("spec.") || word.starts_with("metadata."));
    found.map_or_else(|| path(""), parse_path)
}

fn webhook_config(cluster: &Cluster<'_>, name: &str) -> (Option<ObjectRef>, FieldPath) {
    let of_kind = |object: &&Object| object.kind().ends_with("WebhookConfiguration");
    let manifests = cluster.manifests.unwrap_or_default().iter();
    for object in cluster.record.objects.iter().chain(manifests).filter(of_kind) {
        let webhooks = object.node["webhooks"].items();
        if let Some(at) = webhooks.iter().position(|webhook| webhook["name"].text() == name) {
            return (Some(object.id.clone()), below(&item(&path("webhooks"), at), &["clientConfig"]));
        }
    }
    (None, path(""))
}

/// `Pod "web-x" is invalid: spec.containers[0].name: Required value`: the field is one of the template.
fn invalid(template: Option<&Template<'_>>, id: &ObjectRef, message: &str) -> Option<Cause> {
    let template = template?;
    let rest = after(message, " is invalid: ").filter(|_| message.contains("Pod \""))?;
    let rest = rest.trim_start_matches(['[', '*', ' ', '\n']);
    let (field, why) = rest.split_once(": ")?;
    let mut whole = template.path.clone();
    whole.0.pop();
    whole.0.extend(parse_path(field).0);
    let message = format!("the pod template of {id} is no valid pod: {field}: {}", first_line(why));
    Some(Cause::new(&rules::POD_INVALID, id, whole, message))
}

/// What follows some words.
#[must_use]
pub(super) fn after<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    text.split_once(words).map(|(_, rest)| rest)
}

fn before<'a>(text: &'a str, words: &str) -> &'a str {
    text.split_once(words).map_or(text, |(head, _)| head)
}

/// What stands before the first of some characters.
#[must_use]
pub(super) fn until<'a>(text: &'a str, ends: &[char]) -> &'a str {
    text.split(ends).next().unwrap_or_default()
}

/// The first line of a text.
#[must_use]
pub(super) fn first_line(text: &str) -> &str {
    text.trim().lines().next().unwrap_or_default()
}
