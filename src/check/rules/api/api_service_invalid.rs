//! Rule `api-service-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ApiServiceInvalid,
    doc: Doc {
        checks: "\
An APIService must have a `version` and a `group` (only the version `v1` may have an empty group), a
`groupPriorityMinimum` between 1 and 20000 and a `versionPriority` between 1 and 1000. The `service`
that serves the API must have a name and a namespace. Without a `service`, `caBundle` and
`insecureSkipTLSVerify` must not be set; `insecureSkipTLSVerify: true` must not be combined with a
`caBundle`.",
        why: "\
The API server rejects the object, for instance with \"must be positive and less than 20000\" or
\"local APIServices may not have a caBundle\".",
        fix: "Set the missing field or a priority in range; keep either `caBundle` or `insecureSkipTLSVerify`.",
        source: "`ValidateAPIService` in `k8s.io/kube-aggregator/pkg/apis/apiregistration/validation`.",
    },
    bad: "\
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.example.com}
spec: {group: example.com, version: v1, groupPriorityMinimum: 0, versionPriority: 10, service: {name: a, namespace: b}}
",
    good: "\
-spec: {group: example.com, version: v1, groupPriorityMinimum: 0, versionPriority: 10, service: {name: a, namespace: b}}
+spec: {group: example.com, version: v1, groupPriorityMinimum: 100, versionPriority: 10, service: {name: a, namespace: b}}
",
    check: Check::Object(check),
};

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "APIService" || object.group() != "apiregistration.k8s.io" {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    let (group, version, service) = (spec.get("group"), spec.get("version"), spec.get("service"));
    if group.text().is_empty() {
        if version.text() != "v1" {
            faults.required(&group);
        }
    } else {
        faults.check(&group, names::dns1123_subdomain(group.text()));
    }
    if version.text().is_empty() {
        faults.required(&version);
    } else {
        faults.check(&version, names::dns1035_label(version.text()));
    }
    for (name, most, rule) in [
        ("groupPriorityMinimum", 20_000, "must be between 1 and 20000"),
        ("versionPriority", 1000, "must be between 1 and 1000"),
    ] {
        let at = spec.get(name);
        if !(1..=most).contains(&at.number().unwrap_or(0)) {
            faults.invalid(&at, rule);
        }
    }
    let (bundle, insecure) = (spec.get("caBundle"), spec.get("insecureSkipTLSVerify"));
    if !service.is_set() {
        for at in [&bundle, &insecure] {
            if at.is_true() || !at.text().is_empty() {
                faults.forbidden(at, "without `service`");
            }
        }
        return;
    }
    for name in ["namespace", "name"] {
        if service.node[name].text().is_empty() {
            faults.required(&service.get(name));
        }
    }
    let port = service.get("port");
    if let Some(number) = port.number() {
        faults.check(&port, names::port_number(number));
    }
    if insecure.is_true() && !bundle.text().is_empty() {
        faults.forbidden(&insecure, "together with a `caBundle`");
    }
}
