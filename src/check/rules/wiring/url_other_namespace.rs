//! Rule `url-other-namespace`.

use crate::check::rules::wiring::_shared::{at_mention, other_namespace};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::Target;
use crate::text::scan::Form;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::UrlOtherNamespace,
    doc: Doc {
        checks: "\
Checks that the host of a URL resolves to a Service in the right namespace. A short name is resolved
in the namespace of the pod, `name.namespace` in the namespace that it names. The rule reports a URL
whose Service is in another namespace. The finding is a warning, since a Service with that name may
be applied from elsewhere, and an error if the manifests are complete (`--complete`, `--profile`,
`render`).",
        why: "The name does not resolve in this namespace (`no such host`), and the connection fails.",
        fix: "Use `name.namespace` with the namespace of the Service.",
        source: "\
https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#namespaces-of-services.",
    },
    bad: r#"apiVersion: v1
kind: Service
metadata: {name: datastorage, namespace: kubernaut-system}
spec: {ports: [{port: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: app, namespace: notification}
spec:
  containers: [{name: app, image: "ghcr.io/acme/app:v1", env: [{name: DATA_STORAGE_URL, value: "http://datastorage:8080"}]}]
"#,
    good: r#"-  containers: [{name: app, image: "ghcr.io/acme/app:v1", env: [{name: DATA_STORAGE_URL, value: "http://datastorage:8080"}]}]
+  containers: [{name: app, image: "ghcr.io/acme/app:v1", env: [{name: DATA_STORAGE_URL, value: "http://datastorage.kubernaut-system:8080"}]}]
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for mention in
        graph.mentions.iter().filter(|mention| mention.form == Form::Url && !mention.repeated && mention.sure)
    {
        let Target::OtherNamespace { service, namespace } = &mention.target else { continue };
        let object = graph.services[*service].object;
        at_mention(report, mention, other_namespace(object, namespace))
            .severity(bundle.absent())
            .related(object.span(), "the Service")
            .help(format!("use `{}.{}`", object.name(), object.namespace()));
    }
}
