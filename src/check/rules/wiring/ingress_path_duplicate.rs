//! Rule `ingress-path-duplicate`.

use foldhash::{HashMap, HashMapExt};

use crate::check::rules::wiring::_shared::title;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::kind_of;
use crate::node::Node;
use crate::object::Object;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::IngressPathDuplicate,
    doc: Doc {
        checks: "\
Checks that one host and path of an Ingress class has one backend. The finding is a warning. Canary
Ingresses, and classes that create a load balancer for each Ingress, are not compared. Ingresses of
different files are compared only if the manifests are complete (`--complete`, `--profile`,
`render`), since they may be alternatives.",
        why: "\
Only one of two rules for the same host and path is used. Which one depends on the controller: often
that of the older object, so that a new Ingress has no effect. The admission webhook of
ingress-nginx rejects the second one (`host \"…\" and path \"…\" is already defined in ingress …`).",
        fix: "Remove one of them, or give it its own host or path.",
        source: "\
https://kubernetes.io/docs/concepts/services-networking/ingress/#the-ingress-resource and
https://kubernetes.github.io/ingress-nginx/how-it-works/#when-a-reload-is-required.",
    },
    bad: "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules:
  - host: www.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop}
spec:
  rules:
  - host: www.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}
",
    good: "\
-    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}
+    http: {paths: [{path: /shop, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let mut seen = HashMap::new();
    for ingress in bundle.objects.iter().filter(|object| kind_of(object) == Some("Ingress") && is_shared(object)) {
        // Different files may be alternatives, or for different clusters.
        let file = (!bundle.options.complete).then(|| ingress.span().file);
        for rule in ingress.node["spec"]["rules"].items() {
            let host = rule["host"].text().to_ascii_lowercase();
            for entry in rule["http"]["paths"].items() {
                let (path, kind) = (entry["path"].text(), entry["pathType"].text());
                // `/shop` and `/shop/` are the same prefix.
                let folded = if kind == "Prefix" { path.trim_end_matches('/') } else { path };
                let key = (file, class(ingress), host.clone(), kind, folded);
                let (first, place) = *seen.entry(key).or_insert((ingress, entry));
                if std::ptr::eq(place, entry) {
                    continue;
                }
                let host = if host.is_empty() { "any host" } else { &host };
                let shown = if path.is_empty() { "/" } else { path };
                let message = match first.id == ingress.id {
                    true => format!("path `{shown}` of {host} is already defined in this Ingress"),
                    false => format!("path `{shown}` of {host} is already defined in {}", title(first)),
                };
                report
                    .at(ingress, if entry["path"].is_set() { &entry["path"] } else { entry }, message)
                    .label("only one of them is used")
                    .related(place["path"].origin.span, "defined here")
                    .help("remove one of them, or use another host or path");
            }
        }
    }
}

/// The annotation that `ingressClassName` replaced.
const CLASS: &str = "kubernetes.io/ingress.class";

/// The class of an Ingress; empty for the default class.
fn class(ingress: &Object) -> &str {
    let annotation: &Node = &ingress.node["metadata"]["annotations"][CLASS];
    ingress.node["spec"]["ingressClassName"].as_str().unwrap_or(annotation.text())
}

/// Whether the rules of an Ingress are merged with those of others: it is not a canary, and has no load balancer of its own.
fn is_shared(ingress: &Object) -> bool {
    let annotations = ingress.node["metadata"]["annotations"].entries();
    let is_canary = annotations.iter().any(|annotation| {
        annotation.key.contains("canary")
            || annotation.key.ends_with("/headers")
            || annotation.key.ends_with("/methods")
    });
    !is_canary
        && !matches!(
            class(ingress),
            "alb" | "gce" | "gce-internal" | "azure/application-gateway" | "oci-native-ic-controller"
        )
}
