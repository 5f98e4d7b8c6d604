//! Rule `fleet-name-duplicate`.

use crate::check::fleet::BundleFacts;
use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::Report;
use foldhash::{HashMap, HashMapExt};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::FleetNameDuplicate,
    doc: Doc {
        checks: "\
Checks for two profiles whose bundles are applied to one cluster and contain an object with the same
API group, kind, namespace and name. The finding is an error, reported once for each pair of
profiles. Namespaces are shared intentionally and are not reported.",
        why: "\
The bundle that is applied last replaces the object of the other, and deleting one bundle deletes
the object of both.",
        fix: "Give each profile its own namespace or cluster.",
        source: "https://kubernetes.io/docs/concepts/overview/working-with-objects/names/.",
    },
    bad: r#"# bundle: gateway
apiVersion: v1
kind: ConfigMap
metadata: {name: datastorage-config, namespace: shared}
# bundle: notification
apiVersion: v1
kind: ConfigMap
metadata: {name: datastorage-config, namespace: shared}
"#,
    good: r#"# bundle: gateway
apiVersion: v1
kind: ConfigMap
metadata: {name: datastorage-config, namespace: gateway}
# bundle: notification
apiVersion: v1
kind: ConfigMap
metadata: {name: datastorage-config, namespace: notification}
"#,
    check: Check::Fleet(check),
};

fn check(fleet: &[BundleFacts], report: &mut Report<'_>) {
    let mut bundles: HashMap<(&String, &String), usize> = HashMap::new();
    for facts in fleet {
        *bundles.entry((&facts.environment, &facts.cluster)).or_default() += 1;
    }
    let mut seen = HashMap::new();
    let mut reported = foldhash::HashSet::default();
    // A cluster with one bundle has no duplicates.
    for facts in fleet.iter().filter(|facts| bundles[&(&facts.environment, &facts.cluster)] > 1) {
        for (object, span) in facts.objects.iter().filter(|(object, _)| object.kind != "Namespace") {
            let group = object.api_version.rsplit_once('/').map_or("", |(group, _)| group);
            let key = (&facts.environment, &facts.cluster, group, &object.kind, &object.namespace, &object.name);
            let (first, first_span): (&BundleFacts, crate::source::Span) = *seen.entry(key).or_insert((facts, *span));
            if first.profile == facts.profile {
                continue;
            }
            // One finding for each pair of profiles.
            if reported.insert((&facts.environment, &first.profile, &facts.profile)) {
                let message = format!(
                    "{}/{} in namespace `{}` of cluster {} is in the bundles of profiles `{}` and `{}`",
                    object.kind, object.name, object.namespace, facts.cluster, first.profile, facts.profile
                );
                report
                    .span(None, *span, message)
                    .related(first_span, "the other object")
                    .help("give each profile its own namespace or cluster");
            }
        }
    }
}
