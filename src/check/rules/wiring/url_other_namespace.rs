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
A short name is looked for in the pod's own namespace, `name.namespace` in the one it names. The
Service of this name is in another one: use `name.namespace` with the right one. It is a warning,
since the Service of the other namespace may be applied from elsewhere, and an error where the
manifests are whole (`--complete`, `--profile`, `render`).",
        why: "",
        fix: "",
        source: "",
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
            .related(object.span(), "the Service of that name")
            .help(format!("use `{}.{}`", object.name(), object.namespace()));
    }
}
