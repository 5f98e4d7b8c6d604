//! Lists that are maps or sets: server-side apply refuses two entries of one key, and entries without one.

use foldhash::{HashSet, HashSetExt};

use super::{Refusal, nearest};
use crate::node::Node;
use crate::object::Object;
use crate::source::Span;
use crate::validation::At;
use crate::yaml::json;

/// How entries of a list are told apart.
enum Keys {
    /// By these fields, each with what it holds when absent; `None` where it must be there.
    Fields(&'static [(&'static str, Option<&'static str>)]),
    /// By themselves.
    Itself,
}

use Keys::{Fields, Itself};

const NAME: Keys = Fields(&[("name", None)]);

/// The lists of containers.
const CONTAINER: &[(&str, Keys)] = &[
    ("env", NAME),
    ("ports", Fields(&[("containerPort", None), ("protocol", Some("TCP"))])),
    ("volumeDevices", Fields(&[("devicePath", None)])),
    ("volumeMounts", Fields(&[("mountPath", None)])),
];

/// The lists of pods.
const POD: &[(&str, Keys)] = &[
    ("containers", NAME),
    ("ephemeralContainers", NAME),
    ("hostAliases", Fields(&[("ip", None)])),
    ("imagePullSecrets", Fields(&[("name", Some(""))])),
    ("initContainers", NAME),
    ("resourceClaims", NAME),
    ("schedulingGates", NAME),
    ("topologySpreadConstraints", Fields(&[("topologyKey", None), ("whenUnsatisfiable", None)])),
    ("volumes", NAME),
];

/// The lists of everything's metadata.
const METADATA: &[(&str, Keys)] = &[("finalizers", Itself), ("ownerReferences", Fields(&[("uid", None)]))];

/// Reports the lists of an object in which two entries have one key.
pub(super) fn refuse(object: &Object, say: &mut dyn FnMut(Refusal)) {
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    of(&root.get("metadata"), METADATA, say);
    match (object.group(), object.kind()) {
        ("", "ServiceAccount") => of(&root, &[("secrets", NAME)], say),
        ("", "Service") => {
            of(&spec, &[("ports", Fields(&[("port", None), ("protocol", Some("TCP"))]))], say);
        }
        ("admissionregistration.k8s.io", kind) => admission(kind, &root, say),
        ("flowcontrol.apiserver.k8s.io", _) => {
            for rule in spec.get("rules").items() {
                for rules in ["resourceRules", "nonResourceRules"] {
                    let sets = [
                        ("apiGroups", Itself),
                        ("namespaces", Itself),
                        ("nonResourceURLs", Itself),
                        ("resources", Itself),
                        ("verbs", Itself),
                    ];
                    rule.get(rules).items().for_each(|at| of(&at, &sets, say));
                }
            }
        }
        ("discovery.k8s.io", "EndpointSlice") => {
            root.get("endpoints").items().for_each(|at| of(&at, &[("addresses", Itself)], say));
        }
        ("storage.k8s.io", "CSIDriver") => of(&spec, &[("volumeLifecycleModes", Itself)], say),
        ("storage.k8s.io", "CSINode") => of(&spec, &[("drivers", NAME)], say),
        ("", "Node") => of(&spec, &[("podCIDRs", Itself)], say),
        _ => {}
    }
    if object.pod_template().is_none() {
        return;
    }
    match object.kind() {
        "Pod" => pod(&spec, say),
        "PodTemplate" => pod(&root.get("template").get("spec"), say),
        "CronJob" => {
            let job = spec.get("jobTemplate");
            job_spec(&job.get("spec"), say);
        }
        "Job" => job_spec(&spec, say),
        _ => pod(&spec.get("template").get("spec"), say),
    }
}

fn job_spec(spec: &At<'_, '_>, say: &mut dyn FnMut(Refusal)) {
    let policy = spec.get("podFailurePolicy");
    for rule in policy.get("rules").items() {
        of(&rule.get("onExitCodes"), &[("values", Itself)], say);
    }
    let template = spec.get("template");
    of(&template.get("metadata"), METADATA, say);
    pod(&template.get("spec"), say);
}

fn pod(spec: &At<'_, '_>, say: &mut dyn FnMut(Refusal)) {
    of(spec, POD, say);
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in spec.get(list).items() {
            of(&container, CONTAINER, say);
            of(&container.get("resources"), &[("claims", NAME)], say);
        }
    }
}

fn admission(kind: &str, root: &At<'_, '_>, say: &mut dyn FnMut(Refusal)) {
    let spec = root.get("spec");
    match kind {
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => {
            of(root, &[("webhooks", NAME)], say);
            root.get("webhooks").items().for_each(|at| of(&at, &[("matchConditions", NAME)], say));
        }
        "ValidatingAdmissionPolicyBinding" => of(&spec, &[("validationActions", Itself)], say),
        _ => of(&spec, &[("matchConditions", NAME), ("variables", NAME)], say),
    }
}

/// Reports the first fault of each of these lists of a struct.
fn of(parent: &At<'_, '_>, lists: &[(&'static str, Keys)], say: &mut dyn FnMut(Refusal)) {
    for (name, keys) in lists {
        let list = parent.get(name);
        let items = list.node.items();
        let mut seen: HashSet<Vec<String>> = HashSet::new();
        let fault = items.iter().enumerate().find_map(|(at, item)| {
            // Items and keys are texts and numbers, which are equal where their JSON is.
            let words = match keys {
                _ if item.is_null() => Some("an entry that is null".to_owned()),
                Itself => (!seen.insert(vec![json(item)])).then(|| "the same value twice".to_owned()),
                Fields(fields) => by_fields(item, &mut seen, fields),
            };
            words.map(|words| (at, words))
        });
        if let Some((index, words)) = fault {
            let item = list.item(index, &items[index]);
            say(Refusal {
                field: String::new(),
                message: format!("server-side apply refuses `{item}`: the list has {words}"),
                help: String::new(),
                span: nearest(&item),
                old_span: Span::NONE,
            });
        }
    }
}

/// `seen` has the keys of the entries before.
fn by_fields(
    item: &Node,
    seen: &mut HashSet<Vec<String>>,
    fields: &[(&'static str, Option<&'static str>)],
) -> Option<String> {
    if let Some((name, _)) = fields.iter().find(|(name, default)| default.is_none() && item[*name].is_null()) {
        return Some(format!("an entry without `{name}`, its key"));
    }
    let key = fields.iter().map(|(name, default)| match default {
        Some(default) => item[*name].as_str().unwrap_or(default).to_owned(),
        None => json(&item[*name]),
    });
    let twice = !seen.insert(key.collect());
    let names = crate::suggest::list(fields.iter().map(|(name, _)| *name), "and");
    twice.then(|| format!("two entries with the same {names}"))
}
