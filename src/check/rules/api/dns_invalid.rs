//! Rule `dns-invalid`.

use crate::check::{Check, Rule};
use crate::finding::RuleId;
use crate::validation::{Pod, Report, enums, ip, names};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::DnsInvalid,
    doc: "\
`dnsPolicy` is ClusterFirst (the default), ClusterFirstWithHostNet, Default or None; None needs a nameserver.
`dnsConfig` has at most 3 nameservers, which are addresses, at most 32 search domains of at most 2048 characters in
all, and options with names.

Source: `validateDNSPolicy`, `validatePodDNSConfig`.",
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  dnsPolicy: None
  containers: [{name: web, image: "web:1"}]
"#,
    good: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  dnsPolicy: None
  dnsConfig: {nameservers: [10.0.0.10]}
  containers: [{name: web, image: "web:1"}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, report: &mut Report<'_>) {
    let at = pod.at();
    let (policy, config) = (at.on("dnsPolicy", pod.spec.dns_policy), at.on("dnsConfig", pod.spec.dns_config));
    let say = &mut pod.sayer(report);
    enums::choice_or_empty(&policy, &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"], say);
    if policy.text() == "None" && config.get("nameservers").node.items().is_empty() {
        let config = if config.is_set() { config.get("nameservers") } else { config };
        say(&config, "the policy `None` needs at least one nameserver".to_owned());
        return;
    }
    if !config.is_set() {
        return;
    }
    let (servers, searches) = (config.get("nameservers"), config.get("searches"));
    if servers.node.items().len() > 3 {
        say(&servers, "at most 3 nameservers are allowed".to_owned());
    }
    for server in servers.items() {
        if ip::strict(server.text()).is_none() {
            say(&server, format!("`{}` is no IP address", server.text()));
        }
    }
    let domains = searches.node.items();
    if domains.len() > 32 {
        say(&searches, "at most 32 search domains are allowed".to_owned());
    }
    let length: usize = domains.iter().map(|domain| domain.text().len() + 1).sum();
    if length > 2049 {
        say(&searches, "the search domains have more than 2048 characters in all".to_owned());
    }
    for search in searches.items() {
        let domain = search.text();
        if domain != "."
            && let Err(form) = names::dns1123_subdomain_underscore(domain.strip_suffix('.').unwrap_or(domain))
        {
            say(&search, format!("the search domain `{domain}` {form}"));
        }
    }
    for option in config.get("options").items() {
        if option.node["name"].text().is_empty() {
            say(&option, "the option has no name".to_owned());
        }
    }
}
