//! Why the API server does not admit an object: quotas, limit ranges, pod security, webhooks.

use crate::finding::ObjectRef;
use crate::object::Object;
use crate::path::FieldPath;
use crate::status::cause::{Cause, below, item, parse_path, path};
use crate::status::cluster::{Cluster, Template};
use crate::status::rules;

/// Returns the cause of a rejection. `message` is the error of the API server for `object`, or for a pod that a
/// controller tried to create from its template.
#[must_use]
pub(super) fn cause<'a>(cluster: &Cluster<'a>, object: &'a Object, message: &str) -> Cause {
    let template = Template::of(cluster, object);
    let spec = template.as_ref().map_or_else(|| path("spec"), |template| template.path.clone());
    let id = &object.id;
    let found = quota(cluster, id, message)
        .or_else(|| limits(template.as_ref(), id, message))
        .or_else(|| policy_or_reference(template.as_ref(), id, &spec, message))
        .or_else(|| webhook(cluster, id, message))
        .or_else(|| invalid(template.as_ref(), id, message));
    let cause = found.unwrap_or_else(|| {
        let field = if template.is_some() { spec } else { path("") };
        Cause::new(&rules::POD_FORBIDDEN, id, field, format!("{} forbidden", subject(object, message)))
    });
    cause.quote("API server", message).affecting(id)
}

fn subject(object: &Object, message: &str) -> String {
    if object.pod_template_path().is_some() && message.contains("pods \"") {
        format!("the pods of {} are", object.id)
    } else {
        format!("{} is", object.id)
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
        let message = format!("exceeded quota `{name}`: {id} requests {requested}, limited to {limited}");
        let help = format!(
            "raise the quota, request less, or delete objects that use it: kubectl -n {} describe quota {name}",
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
    let message = format!("failed quota `{name}`: must specify {resources}");
    Some(Cause::new(&rules::QUOTA_UNSPECIFIED, id, field, message).help(format!("set {resources} for the container")))
}

/// `maximum memory usage per Container is 64Mi, but limit is 128Mi`.
fn limits(template: Option<&Template<'_>>, id: &ObjectRef, message: &str) -> Option<Cause> {
    let at = ["maximum ", "minimum "].iter().find_map(|word| message.find(word).map(|at| &message[at..]));
    let ratio = || message.find(" max limit to request ratio per ").map(|_| message);
    let violations = at.filter(|violations| violations.contains(" usage per ")).or_else(ratio)?;
    let first = violations.split(", maximum ").next()?.split(", minimum ").next()?;
    let resource = if at.is_some() {
        first.split(' ').nth(1)?
    } else {
        violations.split(" max limit to request ratio").next()?.rsplit(' ').next()?
    };
    let kind = if first.contains("but request") || first.contains("No request") { "requests" } else { "limits" };
    let kind = if first.starts_with("minimum") && !first.contains("but limit") { "requests" } else { kind };
    let field = match template {
        None if id.kind == "PersistentVolumeClaim" => below(&path("spec.resources.requests"), &[resource]),
        None => path("spec"),
        Some(template) => {
            let containers = template.written["containers"].items();
            let limit = first.rsplit(' ').next().unwrap_or_default();
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
    let message = format!("violates a LimitRange of namespace `{}`: {}", id.namespace, first.trim_end_matches(','));
    let help =
        format!("set {kind}.{resource} to a value within the range: kubectl -n {} describe limitrange", id.namespace);
    Some(Cause::new(&rules::LIMIT_RANGE, id, field, message).help(help))
}

/// A violated pod security standard, a missing object that the pod refers to, or a terminating namespace.
fn policy_or_reference(
    template: Option<&Template<'_>>,
    id: &ObjectRef,
    spec: &FieldPath,
    message: &str,
) -> Option<Cause> {
    if let Some(rest) = after(message, "violates PodSecurity \"") {
        let level = until(rest, &['"']);
        let violations = after(rest, "\": ").unwrap_or_default();
        let message = format!("violates PodSecurity `{level}`, which namespace `{}` enforces", id.namespace);
        let single = template.and_then(|template| violation(template, violations));
        let field = single.unwrap_or_else(|| spec.clone());
        let cause = Cause::new(&rules::POD_SECURITY, id, field, message);
        return Some(cause.help(format!("meet the pod security standard: {}", required_settings(violations))));
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
        let help = "use an existing one: kubectl get priorityclasses";
        return Some(
            Cause::new(&rules::PRIORITY_CLASS_MISSING, id, below(spec, &["priorityClassName"]), message).help(help),
        );
    }
    if message.contains("RuntimeClass") && message.contains("not found") {
        let name = after(message, "RuntimeClass \"").map_or("", |rest| until(rest, &['"']));
        let message = format!("RuntimeClass `{name}` not found");
        let help = "use an existing one: kubectl get runtimeclasses";
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
        let message = format!("namespace `{}` is being terminated", id.namespace);
        let cause = Cause::new(&rules::NAMESPACE_TERMINATING, &namespace, path(""), message);
        return Some(cause.help(
            "wait until it is deleted, then apply again; a finalizer may block the deletion of an object in it",
        ));
    }
    None
}

/// The field of a pod security violation, if there is only one.
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

/// The settings that pod security violations require: what follows `must`.
fn required_settings(violations: &str) -> String {
    let required: Vec<&str> = violations
        .match_indices(" must ")
        .map(|(at, word)| {
            let rest = &violations[at + word.len()..];
            &rest[..rest.find(')').unwrap_or(rest.len())]
        })
        .map(|setting| setting.trim_start_matches("set ").trim_start_matches("not set "))
        .collect();
    if required.is_empty() { violations.to_owned() } else { required.join(", ") }
}

const DENIED_HELP: &str = "change the object so that it meets the policy";

/// Errors of admission webhooks and policies: `admission webhook "x" denied the request: …`, `failed calling webhook
/// "x": …`.
fn webhook(cluster: &Cluster<'_>, id: &ObjectRef, message: &str) -> Option<Cause> {
    if let Some(rest) = after(message, "failed calling webhook \"") {
        let name = until(rest, &['"']);
        let why = rest.rsplit(": ").next().unwrap_or_default();
        let (config, field) = webhook_config(cluster, name);
        let message = format!("failed calling webhook `{name}`: {why}");
        let help = "make the Service of the webhook available, or set its failurePolicy to Ignore";
        let object = config.unwrap_or_else(|| id.clone());
        return Some(Cause::new(&rules::WEBHOOK_FAILED, &object, field, message).help(help));
    }
    if let Some(rest) = after(message, "admission webhook \"") {
        let name = until(rest, &['"']);
        let why = after(rest, "denied the request").unwrap_or_default().trim_start_matches([':', ' ']);
        let message = format!("admission webhook `{name}` denied the request for {id}: {}", first_line(why));
        return Some(Cause::new(&rules::WEBHOOK_DENIED, id, field_in(why), message).help(DENIED_HELP));
    }
    if let Some(rest) = after(message, "ValidatingAdmissionPolicy '") {
        let name = until(rest, &['\'']);
        let why = after(rest, "denied request: ").unwrap_or_default();
        let message = format!("ValidatingAdmissionPolicy `{name}` denied the request for {id}: {}", first_line(why));
        return Some(Cause::new(&rules::WEBHOOK_DENIED, id, field_in(why), message).help(DENIED_HELP));
    }
    None
}

/// The first field path in a message.
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

/// An invalid field of a pod: `Pod "web-x" is invalid: spec.containers[0].name: Required value`. Located in the
/// template.
fn invalid(template: Option<&Template<'_>>, id: &ObjectRef, message: &str) -> Option<Cause> {
    let template = template?;
    let rest = after(message, " is invalid: ").filter(|_| message.contains("Pod \""))?;
    let rest = rest.trim_start_matches(['[', '*', ' ', '\n']);
    let (field, why) = rest.split_once(": ")?;
    let mut path = template.path.clone();
    path.0.pop();
    path.0.extend(parse_path(field).0);
    let message = format!("the pod template of {id} is invalid: {field}: {}", first_line(why));
    Some(Cause::new(&rules::POD_INVALID, id, path, message))
}

/// The rest of a message after the first occurrence of `pattern`.
#[must_use]
pub(super) fn after<'a>(message: &'a str, pattern: &str) -> Option<&'a str> {
    message.split_once(pattern).map(|(_, rest)| rest)
}

fn before<'a>(message: &'a str, pattern: &str) -> &'a str {
    message.split_once(pattern).map_or(message, |(head, _)| head)
}

/// The part of a message before the first of some characters.
#[must_use]
pub(super) fn until<'a>(message: &'a str, ends: &[char]) -> &'a str {
    message.split(ends).next().unwrap_or_default()
}

/// The first line of a message.
#[must_use]
pub(super) fn first_line(message: &str) -> &str {
    message.trim().lines().next().unwrap_or_default()
}
