//! Rule `ingress-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::{Checked, ip, names};
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::IngressInvalid,
    doc: Doc {
        checks: "\
An Ingress must have `rules` or a `defaultBackend`. A host must be a DNS name, optionally starting
with `*.`; it must not be an IP address or contain a port. Each path must have a `pathType`; a path
of the type `Exact` or `Prefix` must start with `/` and must not contain `//`, `/./`, `/../` or
`%2f`, or end with `/.` or `/..`. A backend must be a Service with the name or the number of a port,
or another resource. `ingressClassName` and the annotation `kubernetes.io/ingress.class` must not
name different classes.",
        why: "\
The API server rejects the object, for instance with \"either `defaultBackend` or `rules` must be
specified\", \"pathType must be specified\" or \"port name or number is required\".",
        fix: "Correct the reported field; `pathType: Prefix` fits most paths.",
        source: "`ValidateIngressSpec` and `ValidateIngressCreate` in `pkg/apis/networking/validation`.",
    },
    bad: "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules: [{http: {paths: [{path: api, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
",
    good: "\
-  rules: [{http: {paths: [{path: api, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
+  rules: [{http: {paths: [{path: /api, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
",
    check: Check::Object(check),
};

/// The annotation that `ingressClassName` replaced.
const CLASS: &str = "kubernetes.io/ingress.class";

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "Ingress" || object.group() != "networking.k8s.io" {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    let (default, rules) = (spec.get("defaultBackend"), spec.get("rules"));
    if !default.is_set() && rules.node.items().is_empty() {
        faults.add(&spec, "either `defaultBackend` or `rules` must be specified");
    }
    if default.is_set() {
        backend(faults, &default);
    }
    for rule in rules.items() {
        host(faults, &rule.get("host"));
        let http = rule.get("http");
        if http.is_set() {
            let paths = http.get("paths");
            if paths.node.items().is_empty() {
                faults.required(&paths);
            }
            paths.items().for_each(|at| path(faults, &at));
        }
    }
    for tls in spec.get("tls").items() {
        tls.get("hosts").items().for_each(|at| faults.check(&at, host_name(at.text())));
        let secret = tls.get("secretName");
        if !secret.text().is_empty() {
            faults.check(&secret, names::dns1123_subdomain(secret.text()));
        }
    }
    class(faults, &root, &spec.get("ingressClassName"));
}

fn class(faults: &mut Faults<'_, '_>, root: &At<'_, '_>, class: &At<'_, '_>) {
    if !class.is_set() {
        return;
    }
    faults.check(class, names::dns1123_subdomain(class.text()));
    let metadata = root.get("metadata");
    let annotations = metadata.get("annotations");
    if let Some(old) = annotations.node.get(CLASS)
        && old.text() != class.text()
    {
        faults
            .add(&annotations.key(CLASS), "the annotation and `ingressClassName` name different classes")
            .field(format!("metadata.annotations.{CLASS}"));
    }
}

fn host_name(text: &str) -> Checked {
    if text.contains('*') { names::wildcard_subdomain(text) } else { names::dns1123_subdomain(text) }
}

fn host(faults: &mut Faults<'_, '_>, host: &At<'_, '_>) {
    let text = host.text();
    if text.is_empty() {
        return;
    }
    if ip::sloppy(text).is_some() {
        faults.invalid(host, "must be a DNS name, not an IP address");
    }
    faults.check(host, host_name(text));
}

fn path(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    let (path, kind) = (at.get("path"), at.get("pathType"));
    let text = path.text();
    if !kind.is_set() {
        faults.required(&kind).help("add `pathType: Prefix`, which fits most paths");
    } else {
        match kind.text() {
            "Exact" | "Prefix" => {
                if !text.starts_with('/') {
                    faults.invalid(&path, "must be an absolute path");
                }
                let inside = ["//", "/./", "/../", "%2f", "%2F"].iter().find(|part| text.contains(**part));
                let last = ["/..", "/."].iter().find(|part| text.ends_with(**part));
                for part in inside.into_iter().chain(last) {
                    let message = format!("must not contain `{part}`");
                    faults.invalid(&path, &message);
                }
            }
            "ImplementationSpecific" if !text.is_empty() && !text.starts_with('/') => {
                faults.invalid(&path, "must be an absolute path");
            }
            "ImplementationSpecific" => {}
            _ => faults.one_of(&kind, &["Exact", "ImplementationSpecific", "Prefix"]),
        }
    }
    backend(faults, &at.get("backend"));
}

fn backend(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    let (service, resource) = (at.get("service"), at.get("resource"));
    if service.is_set() && resource.is_set() {
        faults.breaks(at, "cannot set both `resource` and `service` backends");
    } else if resource.is_set() {
        typed_reference(faults, &resource);
    } else if service.is_set() {
        service_backend(faults, at, &service);
    } else {
        faults.add(at, "`service` or `resource` is required");
    }
}

fn service_backend(faults: &mut Faults<'_, '_>, at: &At<'_, '_>, service: &At<'_, '_>) {
    let (name, port) = (service.get("name"), service.get("port"));
    if name.text().is_empty() {
        faults.required(&name);
    } else {
        faults.check(&name, names::dns1123_label(name.text()));
    }
    let (port_name, number) = (port.get("name"), port.get("number"));
    match (port_name.text(), number.number().unwrap_or(0)) {
        ("", 0) => _ = faults.add(at, "the port name or number of the Service is required"),
        ("", given) => faults.check(&number, names::port_number(given)),
        (given, 0) => faults.check(&port_name, names::port_name(given)),
        _ => _ = faults.breaks(at, "cannot set both port name and port number"),
    }
}

/// Validates a reference by group, kind and name.
pub(super) fn typed_reference(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    let (group, kind, name) = (at.get("apiGroup"), at.get("kind"), at.get("name"));
    if group.is_set() {
        faults.check(&group, names::dns1123_subdomain(group.text()));
    }
    for part in [&kind, &name] {
        if part.text().is_empty() {
            faults.required(part);
        } else {
            faults.check(part, names::path_segment(part.text()));
        }
    }
}
