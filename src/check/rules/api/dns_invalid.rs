//! Rule `dns-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::{ip, names};
use crate::validation::{Faults, Pod, enums};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::DnsInvalid,
    doc: Doc {
        checks: "\
`dnsPolicy` must be `ClusterFirst` (the default), `ClusterFirstWithHostNet`, `Default` or `None`;
`None` requires at least one nameserver. `dnsConfig` must have at most 3 nameservers, which are IP
addresses, at most 32 search domains of at most 2048 characters in all, spaces included, and options
with names.",
        why: "\
The API server rejects the object, for instance with \"must provide at least one DNS nameserver when
`dnsPolicy` is None\".",
        fix: "Set `dnsConfig.nameservers`, or use `dnsPolicy: ClusterFirst`.",
        source: "`validateDNSPolicy` and `validatePodDNSConfig` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  dnsPolicy: None
  containers: [{name: web, image: "web:1"}]
"#,
    good: "   dnsPolicy: None\n+  dnsConfig: {nameservers: [10.0.0.10]}\n",
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let at = pod.at();
    let (policy, config) = (at.on("dnsPolicy", pod.spec.dns_policy), at.on("dnsConfig", pod.spec.dns_config));
    enums::choice_or_empty(&policy, &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"], faults);
    if policy.text() == "None" && config.get("nameservers").node.items().is_empty() {
        let config = if config.is_set() { config.get("nameservers") } else { config };
        faults.breaks(&config, "must provide at least one DNS nameserver when `dnsPolicy` is `None`");
        return;
    }
    if !config.is_set() {
        return;
    }
    let (servers, searches) = (config.get("nameservers"), config.get("searches"));
    if servers.node.items().len() > 3 {
        faults.breaks(&servers, "must not have more than 3 nameservers");
    }
    for server in servers.items() {
        if ip::strict(server.text()).is_none() {
            faults.add(&server, format!("`{}` is not a valid IP address", server.text()));
        }
    }
    let domains = searches.node.items();
    if domains.len() > 32 {
        faults.breaks(&searches, "must not have more than 32 search paths");
    }
    let length: usize = domains.iter().map(|domain| domain.text().len() + 1).sum();
    if length > 2049 {
        faults.breaks(&searches, "must not have more than 2048 characters (including spaces) in the search list");
    }
    for search in searches.items() {
        let domain = search.text();
        if domain != "."
            && let Err(form) = names::dns1123_subdomain_underscore(domain.strip_suffix('.').unwrap_or(domain))
        {
            faults.add(&search, format!("the search domain `{domain}` {form}"));
        }
    }
    for option in config.get("options").items() {
        if option.node["name"].text().is_empty() {
            faults.add(&option, "`name` is required");
        }
    }
}
