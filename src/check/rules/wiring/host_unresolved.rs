//! Rule `host-unresolved`.

use crate::check::rules::wiring::_shared::{
    at_mention, likely_service, missing_severity, other_namespace, unresolved_help,
};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::{Mention, MentionLocation, Target};
use crate::text::scan::Form;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::HostUnresolved,
    doc: Doc {
        checks: "\
Checks that a host in a variable, an argument, a config file or a shell script is a Service among
the manifests, in the namespace to which the name resolves.

The finding is a warning, since the Service may be applied from elsewhere. It is an error if the
manifests are complete (`--complete`, `--profile`, `render`), and if the description of a known
service has another name for the host (`postgresql` for `postgres`). It is a note if nothing among
the manifests is in the namespace that the name contains, and in the configuration of a proxy.
Nothing is reported for public names, IP addresses, `localhost` and declared externals.",
        why: "\
The name does not resolve (`no such host`), or resolves to nothing in this namespace, and the
connection fails.",
        fix: "\
Correct the name, add the Service, or use `name.namespace` for a Service in another namespace.
Declare a Service that is applied from elsewhere with `--external host[:port]`.",
        source: "\
https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#namespaces-of-services.",
    },
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
    // Config files come first: findings in variables that have the same host of a profile are removed as duplicates.
    let is_in_file = |mention: &&Mention<'_>| matches!(mention.location, MentionLocation::Data(..));
    let mentions = || graph.mentions.iter().filter(|mention| mention.form != Form::Url && !mention.repeated);
    for mention in mentions().filter(is_in_file).chain(mentions().filter(|mention| !is_in_file(mention))) {
        match &mention.target {
            Target::Missing { name, namespace, written } => {
                let likely = likely_service(bundle, mention);
                // A string that may not be a host is reported only if a similar Service exists.
                if !mention.sure && !likely.as_ref().is_some_and(|service| service.serves) {
                    continue;
                }
                let severity = missing_severity(bundle, mention, likely.as_ref());
                let scope = if *written { format!(" in namespace `{namespace}`") } else { String::new() };
                let service = if mention.is_secret() { "Service".to_owned() } else { format!("Service `{name}`") };
                let declare = bundle.options.declaration.of(if mention.is_secret() { "HOST" } else { name });
                at_mention(report, mention, format!("{service} not found{scope}"))
                    .severity(severity)
                    .help(unresolved_help(likely.as_ref(), &declare));
            }
            Target::OtherNamespace { service, namespace } if mention.sure => {
                let object = graph.services[*service].object;
                at_mention(report, mention, other_namespace(object, namespace))
                    .severity(bundle.absent())
                    .related(object.span(), "the Service")
                    .help(format!("use `{}.{}`", object.name(), object.namespace()));
            }
            _ => {}
        }
    }
    report.deduplicate();
}
