//! Rule `webhook-invalid`.

use foldhash::{HashSet, HashSetExt};

use super::_expression;
use crate::cel::{Env, Wanted};
use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::object::Object;
use crate::validation::{At, Faults, repeats};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::WebhookInvalid,
    doc: Doc {
        checks: "\
A webhook must have a unique name of at least three parts (`check.example.com`), exactly one of
`url` and `service`, `admissionReviewVersions` with `v1` or `v1beta1`, and `sideEffects` of `None`
or `NoneOnDryRun`. Its rules must have operations, groups, versions and resources; `*` must be the
only entry of its list. `timeoutSeconds` must be between 1 and 30. At most 64 match conditions are
allowed; their CEL expressions must compile and return a boolean.",
        why: "\
The API server rejects the object, for instance with \"should be a domain with at least three
segments separated by dots\", \"must specify one of None, NoneOnDryRun\" or \"exactly one of url or
service is required\".",
        fix: "Add the missing field, or correct the value.",
        source: "\
`ValidateValidatingWebhookConfiguration` and `ValidateMutatingWebhookConfiguration` in
`pkg/apis/admissionregistration/validation`.",
    },
    bad: "\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: a}
webhooks: [{name: check, clientConfig: {url: 'https://example.com/'}, sideEffects: None, admissionReviewVersions: [v1]}]
",
    good: "\
-webhooks: [{name: check, clientConfig: {url: 'https://example.com/'}, sideEffects: None, admissionReviewVersions: [v1]}]
+webhooks:
+- {name: check.example.com, clientConfig: {url: 'https://example.com/'}, sideEffects: None, admissionReviewVersions: [v1]}
",
    check: Check::Object(check),
};

const MAX_CONDITIONS: usize = 64;

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    let mutating = object.kind() == "MutatingWebhookConfiguration";
    if object.group() != "admissionregistration.k8s.io"
        || !(mutating || object.kind() == "ValidatingWebhookConfiguration")
    {
        return;
    }
    let root = At::root("", &object.node);
    let hooks = root.get("webhooks");
    let repeated = hooks.repeats("name");
    for (index, hook) in hooks.items().enumerate() {
        let name = hook.get("name");
        full_name(faults, &name);
        if repeated[index] {
            faults.duplicate(&name);
        }
        check_webhook(faults, &hook, mutating);
    }
}

fn full_name(faults: &mut Faults<'_, '_>, name: &At<'_, '_>) {
    if name.text().is_empty() {
        faults.required(name);
    } else if let Err(rule) = names::dns1123_subdomain(name.text()) {
        faults.invalid(name, rule);
    } else if name.text().split('.').count() < 3 {
        faults.invalid(name, "should be a domain with at least three segments separated by dots");
    }
}

fn check_webhook(faults: &mut Faults<'_, '_>, hook: &At<'_, '_>, mutating: bool) {
    for rule in hook.get("rules").items() {
        operations(faults, &rule);
        resources(faults, &rule);
    }
    let optional = [
        ("failurePolicy", ["Fail", "Ignore"]),
        ("matchPolicy", ["Equivalent", "Exact"]),
        ("reinvocationPolicy", ["IfNeeded", "Never"]),
    ];
    for (name, allowed) in optional {
        let at = hook.get(name);
        if at.is_set() && (mutating || name != "reinvocationPolicy") {
            faults.one_of(&at, &allowed);
        }
    }
    let effects = hook.get("sideEffects");
    if effects.is_set() {
        faults.one_of(&effects, &["None", "NoneOnDryRun"]);
    } else {
        faults.required(&effects).help("set `None` if the webhook has no side effects");
    }
    let timeout = hook.get("timeoutSeconds");
    if timeout.number().is_some_and(|seconds| !(1..=30).contains(&seconds)) {
        faults.invalid(&timeout, "must be between 1 and 30");
    }
    faults.selector(&hook.get("namespaceSelector"));
    faults.selector(&hook.get("objectSelector"));
    review_versions(faults, &hook.get("admissionReviewVersions"));
    client(faults, &hook.get("clientConfig"));
    conditions(faults, &hook.get("matchConditions"), &_expression::admission(faults.version()));
}

/// Validates the match conditions of a webhook or a policy.
pub(super) fn conditions(faults: &mut Faults<'_, '_>, list: &At<'_, '_>, env: &Env<'_>) {
    if list.node.items().len() > MAX_CONDITIONS {
        faults.invalid(list, "must not have more than 64 conditions");
    }
    let repeated = list.repeats("name");
    for (index, condition) in list.items().enumerate() {
        let (name, expression) = (condition.get("name"), condition.get("expression"));
        if expression.text().trim().is_empty() {
            faults.required(&expression);
        } else {
            _expression::check(faults, &expression, env, Wanted::Bool);
        }
        if name.text().is_empty() {
            faults.required(&name);
            continue;
        }
        faults.check(&name, names::qualified_name(name.text()));
        if repeated[index] {
            faults.duplicate(&name);
        }
    }
}

/// Validates the operations of a rule.
pub(super) fn operations(faults: &mut Faults<'_, '_>, rule: &At<'_, '_>) {
    let at = rule.get("operations");
    let items = at.node.items();
    if items.is_empty() {
        faults.required(&at);
    }
    if items.len() > 1 && items.iter().any(|item| item.text() == "*") {
        faults.invalid(&at, "must not have other entries if `*` is present");
    }
    for operation in at.items() {
        faults.one_of(&operation, &["*", "CONNECT", "CREATE", "DELETE", "UPDATE"]);
    }
}

/// Validates the groups, versions, resources and scope of a rule.
pub(super) fn resources(faults: &mut Faults<'_, '_>, rule: &At<'_, '_>) {
    for name in ["apiGroups", "apiVersions"] {
        let at = rule.get(name);
        let items = at.node.items();
        if items.is_empty() {
            faults.required(&at);
        }
        if items.len() > 1 && items.iter().any(|item| item.text() == "*") {
            faults.invalid(&at, "must not have other entries if `*` is present");
        }
        for item in at.items().filter(|item| name != "apiGroups" && item.text().is_empty()) {
            faults.required(&item);
        }
    }
    resource_names(faults, &rule.get("resources"));
    let scope = rule.get("scope");
    if scope.is_set() {
        faults.one_of(&scope, &["*", "Cluster", "Namespaced"]);
    }
}

/// Validates resources and subresources: `pods`, `pods/exec`, `pods/*`, `*/scale`, `*`, `*/*`.
fn resource_names(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    let items = at.node.items();
    if items.is_empty() {
        faults.required(at);
    }
    let (mut with_all, mut of_all) = (HashSet::new(), HashSet::new());
    for item in at.items() {
        if item.text().is_empty() {
            faults.required(&item);
        }
        let Some((resource, part)) = item.text().split_once('/') else { continue };
        if with_all.contains(resource) || of_all.contains(part) {
            faults.invalid(&item, "is already covered by an entry with `*`");
        }
        if part == "*" {
            with_all.insert(resource);
        }
        if resource == "*" {
            of_all.insert(part);
        }
    }
    if items.len() > 1 && items.iter().any(|item| item.text() == "*/*") {
        faults.invalid(at, "must not have other entries besides `*/*`");
    }
    // The API server only looks at the last resource without a subresource.
    let plain = items.iter().rev().find(|item| !item.text().contains('/') && !item.text().is_empty());
    if items.iter().any(|item| item.text() == "*") && plain.is_some_and(|item| item.text() != "*") {
        faults.invalid(at, "must not have other resources without subresources besides `*`");
    }
}

/// Validates the versions of AdmissionReview that a webhook accepts.
pub(super) fn review_versions(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    let items = at.node.items();
    if items.is_empty() {
        faults.required(at).help("set `[v1]`");
        return;
    }
    let repeated = repeats(items.iter().map(|item| item.text()));
    for (index, version) in at.items().enumerate() {
        faults.check(&version, names::dns1035_label(version.text()));
        if repeated[index] {
            faults.duplicate(&version);
        }
    }
    if !items.iter().any(|item| matches!(item.text(), "v1" | "v1beta1")) {
        faults.invalid(at, "must contain `v1` or `v1beta1`");
    }
}

/// Validates how the API server reaches a webhook: by a URL or a Service.
pub(super) fn client(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    let (url, service) = (at.get("url"), at.get("service"));
    if url.is_set() == service.is_set() {
        faults.add(at, "exactly one of `url` and `service` is required");
    }
    if url.is_set() {
        let text = url.text();
        let host = text.strip_prefix("https://").map_or("", |rest| rest.split('/').next().unwrap_or_default());
        if host.is_empty() {
            faults.invalid(&url, "must start with `https://` and a host");
        } else if host.contains('@') || text.contains(['?', '#']) {
            faults.invalid(&url, "must not contain a user, a query or a fragment");
        }
    }
    if service.is_set() {
        for name in ["name", "namespace"] {
            if service.node[name].text().is_empty() {
                faults.required(&service.get(name));
            }
        }
        let (port, path) = (service.get("port"), service.get("path"));
        if let Some(number) = port.number() {
            faults.check(&port, names::port_number(number));
        }
        if path.is_set() && !path.text().starts_with('/') {
            faults.invalid(&path, "must start with `/`");
        }
    }
}
