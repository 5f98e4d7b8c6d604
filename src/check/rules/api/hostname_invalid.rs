//! Rule `hostname-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::validation::{Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::HostnameInvalid,
    doc: Doc {
        checks: "\
`hostname` and `subdomain` of a pod must be DNS-1123 labels. `hostnameOverride` must be a DNS-1123
subdomain of at most 64 bytes, and must not be combined with `setHostnameAsFQDN: true` or
`hostNetwork: true`.",
        why: "The API server rejects the object.",
        fix: "Use lower case letters, digits and `-`; put the domain into `subdomain`.",
        source: "`ValidatePodSpec` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostname: web.local
  containers: [{name: web, image: "web:1"}]
"#,
    good: "-  hostname: web.local\n+  hostname: web\n",
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let (at, spec) = (pod.at(), &pod.spec);
    for (field, node) in [("hostname", spec.hostname), ("subdomain", spec.subdomain)] {
        if !node.text().is_empty()
            && let Err(form) = names::dns1123_label(node.text())
        {
            faults.add(&at.on(field, node), format!("`{}` {form}", node.text()));
        }
    }
    let name = at.on("hostnameOverride", spec.hostname_override);
    if !name.is_set() {
        return;
    }
    faults.check(&name, names::dns1123_subdomain(name.text()));
    if name.text().len() > 64 {
        faults.breaks(&name, "must be no more than 64 characters");
    }
    if spec.set_hostname_as_fqdn.as_bool() == Some(true) || pod.is_host_network() {
        faults.breaks(&name, "cannot be set together with `setHostnameAsFQDN` or `hostNetwork`");
    }
}
