//! Rule `url-other-namespace`.

use crate::check::rules::wiring::_shared::at_mention;
use crate::check::{Bundle, Check, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::Target;
use crate::text::scan::Form;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::UrlOtherNamespace,
    doc: "A short name is looked for in the pod's own namespace, `name.namespace` in the one it names. The Service of this name is in another one. Say `name.namespace` with the right one.",
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
        let (name, lives) = (object.name(), object.namespace());
        // A namespace without objects here may well hold a Service of the same name.
        let severity = if bundle.options.whole || graph.namespaces.contains(namespace.as_str()) {
            Severity::Error
        } else {
            Severity::Warning
        };
        let there =
            if namespace.is_empty() { "the namespace it leads to".to_owned() } else { format!("`{namespace}`") };
        let lives = if lives.is_empty() { "default" } else { lives };
        at_mention(report, mention, format!("no Service `{name}` in {there}; it is in `{lives}`"))
            .severity(severity)
            .related(object.span(), "the Service of that name")
            .help(format!("say `{name}.{lives}`"));
    }
}
