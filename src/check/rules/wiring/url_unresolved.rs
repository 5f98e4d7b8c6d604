//! Rule `url-unresolved`.

use crate::check::rules::wiring::_shared::{at_mention, likely_service, missing_severity, unresolved_help};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::Target;
use crate::text::scan::Form;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::UrlUnresolved,
    doc: Doc {
        checks: "\
Checks that the host of a URL is a Service among the manifests. Public names and declared externals
are not reported. The severity is that of `host-unresolved`: a warning; an error if the manifests
are complete (`--complete`, `--profile`, `render`) or if the description of a known service has
another name for the host; a note if nothing among the manifests is in the namespace that the name
contains, and in the configuration of a proxy.",
        why: "The name does not resolve (`no such host`), and the connection fails.",
        fix: "\
Correct the name, or add the Service. Declare a Service that is applied from elsewhere with
`--external host[:port]`.",
        source: "https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/.",
    },
    bad: r#"apiVersion: v1
kind: Service
metadata: {name: data-storage-service}
spec: {ports: [{port: 8080}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: gateway-config}
data:
  config.yaml: |
    data_storage_url: http://datastorage:8080
"#,
    good: "\
-    data_storage_url: http://datastorage:8080
+    data_storage_url: http://data-storage-service:8080
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for mention in bundle.graph().mentions.iter().filter(|mention| mention.form == Form::Url && !mention.repeated) {
        let Target::Missing { name, namespace, written } = &mention.target else { continue };
        let likely = likely_service(bundle, mention);
        if !mention.sure && !likely.as_ref().is_some_and(|service| service.serves) {
            continue;
        }
        let severity = missing_severity(bundle, mention, likely.as_ref());
        let scope = if *written { format!(" in namespace `{namespace}`") } else { String::new() };
        let service = if mention.is_secret() { "the Service".to_owned() } else { format!("Service `{name}`") };
        let declare = bundle.options.declaration.of(if mention.is_secret() { "HOST" } else { name });
        at_mention(report, mention, format!("{service} of the URL not found{scope}"))
            .severity(severity)
            .help(unresolved_help(likely.as_ref(), &declare));
    }
}
