//! Rule `flow-control-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::{Checked, names};
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::FlowControlInvalid,
    doc: Doc {
        checks: "\
A FlowSchema must name a priority level and have a `matchingPrecedence` between 1 and 10000, of
which 1 is reserved for the FlowSchema `exempt`. Each of its rules must have subjects, and verbs on
resources or on non-resource URLs. A PriorityLevelConfiguration must be `Limited` with `limited`, or
`Exempt` without it.",
        why: "\
The API server rejects the object, for instance with \"subjects must contain at least one value\" or
\"must not be empty when type is Limited\".",
        fix: "Add the missing field, or set a number in range.",
        source: "`ValidateFlowSchema` and `ValidatePriorityLevelConfiguration` in `pkg/apis/flowcontrol/validation`.",
    },
    bad: "\
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata: {name: a}
spec: {matchingPrecedence: 20000, priorityLevelConfiguration: {name: workload-low}}
",
    good: "\
-spec: {matchingPrecedence: 20000, priorityLevelConfiguration: {name: workload-low}}
+spec: {matchingPrecedence: 9000, priorityLevelConfiguration: {name: workload-low}}
",
    check: Check::Object(check),
};

const VERBS: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];
/// The maximum number of bits of the hash that shuffle sharding may use.
const MAX_HASH_BITS: f64 = 60.0;
const MAX_QUEUES: i64 = 10_000_000;

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.group() != "flowcontrol.apiserver.k8s.io" {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    match object.kind() {
        "FlowSchema" => schema(faults, &spec, object.name()),
        "PriorityLevelConfiguration" => level(faults, &spec),
        _ => {}
    }
}

fn schema(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>, name: &str) {
    let precedence = spec.get("matchingPrecedence");
    let number = precedence.number().filter(|number| *number != 0);
    if number.is_some_and(|number| !(1..=10_000).contains(&number)) {
        faults.invalid(&precedence, "must be between 1 and 10000");
    } else if number == Some(1) && name != "exempt" {
        faults.invalid(&precedence, "is only allowed for the FlowSchema `exempt`");
    }
    let level = spec.get("priorityLevelConfiguration");
    let name = level.get("name");
    if name.text().is_empty() {
        faults.required(&name);
    } else {
        faults.check(&name, names::dns1123_subdomain(name.text()));
    }
    let method = spec.get("distinguisherMethod");
    if method.is_set() {
        faults.one_of(&method.get("type"), &["ByNamespace", "ByUser"]);
    }
    for rule in spec.get("rules").items() {
        let subjects = rule.get("subjects");
        if subjects.node.items().is_empty() {
            faults.required(&subjects);
        }
        for subject in subjects.items() {
            self::subject(faults, &subject);
        }
        let (resources, urls) = (rule.get("resourceRules"), rule.get("nonResourceRules"));
        if resources.node.items().is_empty() && urls.node.items().is_empty() {
            faults.add(&rule, "a rule must have `resourceRules` or `nonResourceRules`");
        }
        for at in resources.items() {
            verbs(faults, &at.get("verbs"));
            not_empty(faults, &at.get("apiGroups"));
            not_empty(faults, &at.get("resources"));
            let namespaces = at.get("namespaces");
            if namespaces.node.items().is_empty() && !at.get("clusterScope").is_true() {
                faults.required(&namespaces).help("set `namespaces`, or `clusterScope: true`");
            } else if !is_all(faults, &namespaces) {
                for namespace in namespaces.items() {
                    faults.check(&namespace, names::dns1123_label(namespace.text()));
                }
            }
        }
        for at in urls.items() {
            verbs(faults, &at.get("verbs"));
            let paths = at.get("nonResourceURLs");
            not_empty(faults, &paths);
            if paths.node.items().iter().any(|path| path.text() == "*") {
                continue;
            }
            for path in paths.items() {
                faults.check(&path, url_path(path.text()));
            }
        }
    }
}

fn subject(faults: &mut Faults<'_, '_>, subject: &At<'_, '_>) {
    let kinds = [("Group", "group"), ("ServiceAccount", "serviceAccount"), ("User", "user")];
    let kind = subject.get("kind");
    let Some((_, own)) = kinds.iter().find(|(name, _)| *name == kind.text()) else {
        faults.not_supported(&kind, &["Group", "ServiceAccount", "User"]);
        return;
    };
    for (name, field) in kinds {
        let at = subject.get(field);
        if field != *own {
            if at.is_set() {
                faults.forbidden(&at, &format!("in a subject that is not a {name}"));
            }
            continue;
        }
        if !at.is_set() {
            faults.required(&at);
            continue;
        }
        let (name, namespace) = (at.get("name"), at.get("namespace"));
        if name.text().is_empty() {
            faults.required(&name);
        } else if field == "serviceAccount" && name.text() != "*" {
            faults.check(&name, names::dns1123_subdomain(name.text()));
        }
        if field == "serviceAccount" {
            if namespace.text().is_empty() {
                faults.required(&namespace);
            } else {
                faults.check(&namespace, names::dns1123_label(namespace.text()));
            }
        }
    }
}

/// Reports an empty list, and one with `*` and other entries.
fn not_empty(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    if at.node.items().is_empty() {
        faults.required(at);
    }
    is_all(faults, at);
}

/// Whether a list has `*`, which must then be its only entry.
fn is_all(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) -> bool {
    let items = at.node.items();
    let all = items.iter().any(|item| item.text() == "*");
    if all && items.len() > 1 {
        faults.invalid(at, "must not have other entries besides `*`");
    }
    all
}

fn verbs(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    not_empty(faults, at);
    let unknown = at.node.items().iter().find(|verb| !VERBS.contains(&verb.text()));
    if let Some(verb) = unknown
        && !at.node.items().iter().any(|verb| verb.text() == "*")
    {
        let message = format!("unsupported verb `{}`: must be {}", verb.text(), crate::suggest::list(VERBS, "or"));
        faults.add(at, message).place(verb.origin.span);
    }
}

/// Checks a non-resource URL of the API server, which may end with `*`.
fn url_path(path: &str) -> Checked {
    let wild = path.find('*').is_some_and(|at| at + 1 < path.len() || !path[..at].ends_with('/'));
    match path {
        "" => Err("must not be empty"),
        "/" => Ok(()),
        _ if !path.starts_with('/') => Err("must start with `/`"),
        _ if path.contains(' ') => Err("must not contain spaces"),
        _ if path.contains("//") => Err("must not contain `//`"),
        _ if wild => Err("may contain `*` only at the end, after `/`"),
        _ => Ok(()),
    }
}

fn level(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    let (kind, limited, exempt) = (spec.get("type"), spec.get("limited"), spec.get("exempt"));
    match kind.text() {
        "Limited" => {
            if exempt.is_set() {
                faults.forbidden(&exempt, "with the type `Limited`");
            }
            if !limited.is_set() {
                faults.required(&limited);
            }
            faults.not_negative(&limited.get("nominalConcurrencyShares"));
            faults.not_negative(&limited.get("borrowingLimitPercent"));
            let lendable = limited.get("lendablePercent");
            if lendable.number().is_some_and(|percent| !(0..=100).contains(&percent)) {
                faults.invalid(&lendable, "must be between 0 and 100");
            }
            if limited.is_set() {
                response(faults, &limited.get("limitResponse"));
            }
        }
        "Exempt" if limited.is_set() => _ = faults.forbidden(&limited, "with the type `Exempt`"),
        _ => faults.one_of(&kind, &["Exempt", "Limited"]),
    }
}

fn response(faults: &mut Faults<'_, '_>, response: &At<'_, '_>) {
    let (kind, queuing) = (response.get("type"), response.get("queuing"));
    match kind.text() {
        "Reject" if queuing.is_set() => _ = faults.forbidden(&queuing, "with the type `Reject`"),
        "Queue" if !queuing.is_set() => _ = faults.required(&queuing),
        "Queue" => {
            // 0 means the default.
            for at in ["queues", "handSize", "queueLengthLimit"].map(|field| queuing.get(field)) {
                faults.not_negative(&at);
            }
            let with_default =
                |field: &str, default: i64| queuing.node[field].as_i64().filter(|n| *n != 0).unwrap_or(default);
            let (queues, hand) = (with_default("queues", 64), with_default("handSize", 8));
            if queues > MAX_QUEUES {
                faults.invalid(&queuing.get("queues"), "must not be greater than 10000000");
            }
            if hand > queues.max(0) {
                faults.invalid(&queuing.get("handSize"), "must not be greater than the number of queues");
            } else if queues > 0 && (queues as f64).log2() * hand as f64 > MAX_HASH_BITS {
                let help = "lower `handSize` or `queues`: shuffle sharding can use at most 60 bits of the hash";
                faults.invalid(&queuing.get("handSize"), "is too large for the number of queues").help(help);
            }
        }
        _ => faults.one_of(&kind, &["Queue", "Reject"]),
    }
}
