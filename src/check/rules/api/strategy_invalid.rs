//! Rule `strategy-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::object::Object;
use crate::validation::{At, Faults, percent};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::StrategyInvalid,
    doc: Doc {
        checks: "\
The strategy of a Deployment must be `RollingUpdate` or `Recreate`, that of a DaemonSet or
StatefulSet `RollingUpdate` or `OnDelete`. Only `RollingUpdate` may have `rollingUpdate` (a
DaemonSet with `OnDelete` is not checked). `maxSurge` and `maxUnavailable` must be integers that are
not negative, or percentages; they must not both be 0, and `maxUnavailable` must not exceed 100%. A
DaemonSet must have exactly one of them greater than 0. `maxUnavailable` of a StatefulSet must not
be 0, and its `partition` must not be negative.",
        why: "The API server rejects the object, for instance with \"may not be 0 when `maxSurge` is 0\".",
        fix: "Remove `rollingUpdate` from the other strategies; set one of the two numbers above 0.",
        source: "\
`ValidateDeploymentStrategy`, `ValidateDaemonSetUpdateStrategy` and `ValidateStatefulSetSpec` in
`pkg/apis/apps/validation`.",
    },
    bad: "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web:1}]}}
",
    good: "\
-  strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}
+  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}
",
    check: Check::Object(check),
};

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.group() != "apps" {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    match object.kind() {
        "Deployment" => deployment(faults, &spec.get("strategy")),
        "DaemonSet" => daemon_set(faults, &spec.get("updateStrategy")),
        "StatefulSet" => stateful_set(faults, &spec.get("updateStrategy")),
        _ => {}
    }
}

fn deployment(faults: &mut Faults<'_, '_>, strategy: &At<'_, '_>) {
    let (kind, rolling) = (strategy.get("type"), strategy.get("rollingUpdate"));
    match kind.text() {
        "Recreate" if rolling.is_set() => _ = faults.forbidden(&rolling, "with the strategy `Recreate`"),
        "Recreate" => {}
        "" | "RollingUpdate" => {
            let (surge, unavailable) = (rolling.get("maxSurge"), rolling.get("maxUnavailable"));
            percent::not_negative(faults, &unavailable);
            percent::not_negative(faults, &surge);
            if unavailable.is_set()
                && surge.is_set()
                && percent::amount(unavailable.node) == 0
                && percent::amount(surge.node) == 0
            {
                faults.breaks(&unavailable, "may not be 0 when `maxSurge` is 0");
            }
            percent::at_most_100(faults, &unavailable);
        }
        _ => _ = faults.not_supported(&kind, &["Recreate", "RollingUpdate"]).field(strategy.to_string()),
    }
}

fn daemon_set(faults: &mut Faults<'_, '_>, strategy: &At<'_, '_>) {
    let (kind, rolling) = (strategy.get("type"), strategy.get("rollingUpdate"));
    match kind.text() {
        "OnDelete" => {}
        "" | "RollingUpdate" => {
            let (surge, unavailable) = (rolling.get("maxSurge"), rolling.get("maxUnavailable"));
            for at in [&unavailable, &surge] {
                percent::not_negative(faults, at);
                percent::at_most_100(faults, at);
            }
            // The defaults are 1 and 0.
            let has_unavailable = unavailable.node.is_null() || percent::amount(unavailable.node) != 0;
            let has_surge = percent::amount(surge.node) != 0;
            if has_unavailable && has_surge {
                faults.breaks(&surge, "may not be set when `maxUnavailable` is set").help("set `maxUnavailable: 0`");
            } else if !has_unavailable && !has_surge {
                faults.breaks(&unavailable, "cannot be 0 when `maxSurge` is 0");
            }
        }
        _ => _ = faults.not_supported(&kind, &["OnDelete", "RollingUpdate"]).field(strategy.to_string()),
    }
}

fn stateful_set(faults: &mut Faults<'_, '_>, strategy: &At<'_, '_>) {
    let (kind, rolling) = (strategy.get("type"), strategy.get("rollingUpdate"));
    match kind.text() {
        "OnDelete" if rolling.is_set() => _ = faults.forbidden(&rolling, "with the strategy `OnDelete`"),
        "OnDelete" => {}
        "" | "RollingUpdate" => {
            faults.not_negative(&rolling.get("partition"));
            let unavailable = rolling.get("maxUnavailable");
            if unavailable.is_set() {
                percent::not_negative(faults, &unavailable);
                if percent::amount(unavailable.node) == 0 {
                    faults.invalid(&unavailable, "must not be 0");
                }
                percent::at_most_100(faults, &unavailable);
            }
        }
        _ => _ = faults.not_supported(&kind, &["OnDelete", "RollingUpdate"]).field(strategy.to_string()),
    }
}
