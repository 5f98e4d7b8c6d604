//! Rule `fleet-image-skew`.

use crate::check::fleet::BundleFacts;
use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::Report;
use foldhash::{HashMap, HashMapExt};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::FleetImageSkew,
    doc: Doc {
        checks: "\
Checks for bundles of one environment that use the same image with different tags. The finding is a
warning. Images named `localhost/…` are not compared: those that are built and loaded locally have a
tag for each consumer.",
        why: "The profiles are tested against different versions of the same program.",
        fix: "Set one version for all profiles in `base.yaml`.",
        source: "https://kubernetes.io/docs/concepts/containers/images/#image-names.",
    },
    bad: r#"# bundle: gateway
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: a}
spec: {containers: [{name: db, image: "ghcr.io/acme/db:1"}]}
# bundle: notification
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: b}
spec: {containers: [{name: db, image: "ghcr.io/acme/db:2"}]}
"#,
    good: r#"-spec: {containers: [{name: db, image: "ghcr.io/acme/db:1"}]}
+spec: {containers: [{name: db, image: "ghcr.io/acme/db:2"}]}
"#,
    check: Check::Fleet(check),
};

fn check(fleet: &[BundleFacts], report: &mut Report<'_>) {
    let mut seen = HashMap::new();
    for facts in fleet {
        for (name, version, span) in facts.images.iter().filter(|(name, ..)| !name.starts_with("localhost/")) {
            let (first, other, first_span) = *seen.entry((&facts.environment, name)).or_insert((facts, version, span));
            if other != version && first.profile != facts.profile {
                let message = format!(
                    "image `{name}` has version {version} in profile `{}`, and {other} in profile `{}`",
                    facts.profile, first.profile
                );
                report
                    .span(None, *span, message)
                    .related(*first_span, "the other version")
                    .help("set one version for all profiles in `base.yaml`");
            }
        }
    }
}
