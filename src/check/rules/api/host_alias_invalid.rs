//! Rule `host-alias-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::formats::{ip, names};
use crate::validation::{Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::HostAliasInvalid,
    doc: Doc {
        checks: "\
A `hostAliases` entry must have an IP address and host names that are DNS-1123 subdomains. Two
entries with the same address are a warning.",
        why: "\
The API server rejects an invalid address or name. Two entries with the same address are accepted
with the warning \"duplicate ip\", and `kubectl apply` may drop one of them.",
        fix: "Correct the address or the name; list all names of an address in one entry.",
        source: "\
`ValidateHostAliases` in `pkg/apis/core/validation` and `warningsForPodSpecAndMeta` in
`pkg/api/pod`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostAliases: [{ip: localhost, hostnames: [db.local]}]
  containers: [{name: web, image: "web:1"}]
"#,
    good: "\
-  hostAliases: [{ip: localhost, hostnames: [db.local]}]
+  hostAliases: [{ip: 127.0.0.1, hostnames: [db.local]}]
",
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let spec = pod.at();
    let list = spec.on("hostAliases", pod.spec.host_aliases);
    let repeated = list.repeats("ip");
    for (index, alias) in list.items().enumerate() {
        let address = alias.get("ip");
        if ip::strict(address.text()).is_none() {
            faults.add(&address, format!("`{}` is not a valid IP address", address.text()));
        } else if repeated[index] {
            let draft = faults.add(&address, format!("duplicate IP address `{}`", address.text()));
            draft.severity(Severity::Warning).help("list all its host names in one entry");
        }
        for name in alias.get("hostnames").items() {
            faults.check(&name, names::dns1123_subdomain(name.text()));
        }
    }
}
