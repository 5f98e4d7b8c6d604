//! Rule `host-unresolved`.

use crate::check::rules::wiring::_shared::{at_mention, meant, missing_severity};
use crate::check::{Bundle, Check, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Mention, Place, Target};
use crate::text::scan::Form;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::HostUnresolved,
    doc: "A host in a variable, an argument, a config file or a shell snippet is the name of no Service among these manifests, in the namespace it leads to. Where a near name shows that it is a slip (`postgres` beside `postgresql`) it is an error, else a warning, since the Service may be applied elsewhere: declare it with `--external host[:port]`. Public names, addresses and `localhost` are passed over.",
    bad: r#"apiVersion: v1
kind: Service
metadata: {name: postgresql}
spec: {ports: [{port: 5432}]}
---
apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  containers: [{name: app, image: "ghcr.io/acme/app:v1", env: [{name: DB_HOST, value: postgres}]}]
"#,
    good: r#"-  containers: [{name: app, image: "ghcr.io/acme/app:v1", env: [{name: DB_HOST, value: postgres}]}]
+  containers: [{name: app, image: "ghcr.io/acme/app:v1", env: [{name: DB_HOST, value: postgresql}]}]
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    // The config file first: where its host comes from a profile, variables made of the same are the same fault.
    let data = |mention: &&Mention<'_>| matches!(mention.place, Place::Data(..));
    let mentions = || graph.mentions.iter().filter(|mention| mention.form != Form::Url && !mention.repeated);
    for mention in mentions().filter(data).chain(mentions().filter(|mention| !data(mention))) {
        match &mention.target {
            Target::Missing { name, namespace, written } => {
                let meant = meant(bundle, mention);
                // What may be no host at all counts only where a slip explains it.
                if !mention.sure && !matches!(meant, Some((_, true))) {
                    continue;
                }
                let severity = missing_severity(bundle, mention, meant.as_ref());
                let place = if *written { format!(" in `{namespace}`") } else { String::new() };
                let shown = if mention.is_secret() { "of this name".to_owned() } else { format!("`{name}`") };
                let (question, help) = match meant {
                    Some((near, _)) => (
                        format!("; did you mean `{near}`?"),
                        "declare it with --external if it lives elsewhere".to_owned(),
                    ),
                    None => (String::new(), "if it lives elsewhere, declare it with --external".to_owned()),
                };
                at_mention(report, mention, format!("no Service {shown} here{place}{question}"))
                    .severity(severity)
                    .help(help);
            }
            Target::OtherNamespace { service, namespace } if mention.sure => {
                let object = graph.services[*service].object;
                let severity = if bundle.options.whole || graph.namespaces.contains(namespace.as_str()) {
                    Severity::Error
                } else {
                    Severity::Warning
                };
                let from = if namespace.is_empty() {
                    "the namespace it is looked for in".to_owned()
                } else {
                    format!("`{namespace}`")
                };
                let message = format!("no Service `{}` in {from}; it is in `{}`", object.name(), object.namespace());
                at_mention(report, mention, message)
                    .severity(severity)
                    .related(object.span(), "the Service of that name")
                    .help(format!("say `{}.{}`", object.name(), object.namespace()));
            }
            _ => {}
        }
    }
    report.fold();
}
