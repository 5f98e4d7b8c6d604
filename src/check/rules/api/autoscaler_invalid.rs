//! Rule `autoscaler-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::formats::quantity::Quantity;
use crate::object::Object;
use crate::validation::{At, Faults, resources::container_name};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::AutoscalerInvalid,
    doc: Doc {
        checks: "\
`minReplicas` must be at least 1, and `maxReplicas` must be at least 1 and not less than
`minReplicas`. `scaleTargetRef` must have a kind, a name and an `apiVersion` with a group
(`apps/v1`). Each metric must have a type and exactly the block of that type, with a target greater
than 0. A scaling policy must have a value greater than 0 and a `periodSeconds` between 1 and 1800;
`stabilizationWindowSeconds` must be between 0 and 3600; `policies`, if set, must not be empty.",
        why: "\
The API server rejects the object, for instance with \"must be greater than or equal to
`minReplicas`\" or \"must populate information for the given metric source\".",
        fix: "Correct the number, or give the metric the block and the target of its type.",
        source: "`validateHorizontalPodAutoscalerSpec` in `pkg/apis/autoscaling/validation`.",
    },
    bad: "\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {minReplicas: 5, maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
",
    good: "\
-spec: {minReplicas: 5, maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
+spec: {minReplicas: 3, maxReplicas: 5, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
",
    check: Check::Object(check),
};

const TYPES: &[&str] = &["ContainerResource", "External", "Object", "Pods", "Resource"];
const LONGEST_WINDOW: i64 = 3600;
const LONGEST_PERIOD: i64 = 1800;

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "HorizontalPodAutoscaler" || object.group() != "autoscaling" {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    let (least, most) = (spec.get("minReplicas"), spec.get("maxReplicas"));
    let largest = most.number().unwrap_or(0);
    if least.number().is_some_and(|number| number < 1) {
        faults.invalid(&least, "must be at least 1");
    }
    if !most.is_set() || largest == 0 {
        faults.required(&most);
    } else if largest < 1 {
        faults.invalid(&most, "must be at least 1");
    }
    if least.number().is_some_and(|number| number > largest) {
        faults.invalid(&most, "must not be less than `minReplicas`");
    }
    let target = spec.get("scaleTargetRef");
    reference(faults, &target, target.get("kind").text() != "ReplicationController");
    if object.id.api_version == "autoscaling/v1" {
        let percent = spec.get("targetCPUUtilizationPercentage");
        if percent.number().is_some_and(|number| number < 1) {
            faults.invalid(&percent, "must be at least 1").field("spec.metrics[0].resource.target.averageUtilization");
        }
        return;
    }
    metrics(faults, &spec.get("metrics"), least.number() == Some(0));
    let behavior = spec.get("behavior");
    for name in ["scaleUp", "scaleDown"] {
        scaling(faults, &behavior.get(name));
    }
}

/// Validates the reference to the object that is scaled or measured.
fn reference(faults: &mut Faults<'_, '_>, at: &At<'_, '_>, grouped: bool) {
    let (kind, name, version) = (at.get("kind"), at.get("name"), at.get("apiVersion"));
    for part in [&kind, &name] {
        if part.text().is_empty() {
            faults.required(part);
        } else {
            faults.check(part, names::path_segment(part.text()));
        }
    }
    let text = version.text();
    if text.matches('/').count() > 1 {
        faults.invalid(&version, "must be a group and a version, such as `apps/v1`");
    } else if grouped && text.split_once('/').is_none_or(|(group, _)| group.is_empty()) {
        let draft = if version.is_set() {
            faults.invalid(&version, "must have a group, such as `apps/v1`")
        } else {
            faults.required(&version)
        };
        draft.help("the `apiVersion` of a Deployment is `apps/v1`");
    }
}

fn metrics(faults: &mut Faults<'_, '_>, metrics: &At<'_, '_>, from_zero: bool) {
    let mut outside = false;
    for at in metrics.items() {
        outside |= matches!(at.node["type"].text(), "Object" | "External");
        metric(faults, &at);
    }
    if from_zero && !outside {
        faults.forbidden(metrics, "to be without an `Object` or `External` metric if `minReplicas` is 0");
    }
}

fn metric(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    let kind = at.get("type");
    if kind.text().is_empty() {
        faults.required(&kind);
    } else {
        faults.one_of(&kind, TYPES);
    }
    let own = match kind.text() {
        "ContainerResource" => "containerResource",
        "External" => "external",
        "Object" => "object",
        "Pods" => "pods",
        "Resource" => "resource",
        _ => "",
    };
    let present = |name: &str| at.node[name].is_set();
    let blocks = ["object", "external", "pods", "resource", "containerResource"];
    if !own.is_empty() && !present(own) {
        let block = at.get(own);
        faults.required(&block);
    }
    if blocks.iter().filter(|name| present(name)).count() > 1 {
        for name in blocks.iter().filter(|name| **name != own && present(name)) {
            let block = at.get(name);
            faults.forbidden(&block, "together with the block of the type of the metric");
        }
    }
    if let Some(name) = blocks.iter().find(|name| present(name)) {
        source(faults, name, &at.get(name));
    }
}

fn source(faults: &mut Faults<'_, '_>, name: &str, at: &At<'_, '_>) {
    let target = at.get("target");
    let (value, average, utilization) =
        (target.get("value"), target.get("averageValue"), target.get("averageUtilization"));
    if matches!(name, "object" | "external" | "pods") {
        let metric = at.get("metric");
        let name = metric.get("name");
        if name.text().is_empty() {
            faults.required(&name);
        } else {
            faults.check(&name, names::path_segment(name.text()));
        }
    } else if at.get("name").text().is_empty() {
        faults.required(&at.get("name"));
    } else if name == "containerResource" {
        let resource = at.get("name");
        faults.check(&resource, container_name(resource.text()));
    }
    match name {
        "object" => {
            reference(faults, &at.get("describedObject"), false);
            if !value.is_set() && !average.is_set() {
                faults.required(&average);
            }
        }
        "external" => {
            if !value.is_set() && !average.is_set() {
                faults.required(&average);
            }
            if value.is_set() && average.is_set() {
                faults.forbidden(&value, "together with `averageValue`");
            }
        }
        "pods" => {
            if !average.is_set() || !is_positive(&average) {
                faults.required(&average).help("set a quantity greater than 0");
            }
        }
        _ => {
            if name == "containerResource" {
                let container = at.get("container");
                if container.text().is_empty() {
                    faults.required(&container);
                } else {
                    faults.check(&container, names::dns1123_label(container.text()));
                }
            }
            if !utilization.is_set() && !average.is_set() {
                faults.required(&utilization);
            }
            if utilization.is_set() && average.is_set() {
                faults.forbidden(&average, "together with `averageUtilization`");
            }
        }
    }
    let kind = target.get("type");
    if kind.text().is_empty() {
        faults.required(&kind);
    } else {
        faults.one_of(&kind, &["AverageValue", "Utilization", "Value"]);
    }
    for at in [&value, &average] {
        if at.is_set() && !is_positive(at) {
            faults.invalid(at, "must be greater than 0");
        }
    }
    if utilization.number().is_some_and(|number| number < 1) {
        faults.invalid(&utilization, "must be at least 1");
    }
}

fn is_positive(at: &At<'_, '_>) -> bool {
    Quantity::of(at.node).is_none_or(|amount| amount > Quantity::ZERO)
}

fn scaling(faults: &mut Faults<'_, '_>, rules: &At<'_, '_>) {
    if !rules.is_set() {
        return;
    }
    let (window, select, policies) =
        (rules.get("stabilizationWindowSeconds"), rules.get("selectPolicy"), rules.get("policies"));
    if window.number().is_some_and(|seconds| !(0..=LONGEST_WINDOW).contains(&seconds)) {
        faults.invalid(&window, "must be between 0 and 3600");
    }
    let tolerance = rules.get("tolerance");
    if Quantity::of(tolerance.node).is_some_and(Quantity::is_negative) {
        faults.invalid(&tolerance, "must not be negative");
    }
    if select.is_set() {
        faults.one_of(&select, &["Disabled", "Max", "Min"]);
    }
    if policies.is_set() && policies.node.items().is_empty() {
        faults.required(&policies).help("remove `policies` to use the defaults");
    }
    for policy in policies.items() {
        let (kind, value, period) = (policy.get("type"), policy.get("value"), policy.get("periodSeconds"));
        faults.one_of(&kind, &["Percent", "Pods"]);
        if value.number().unwrap_or(0) < 1 {
            faults.invalid(&value, "must be at least 1");
        }
        if !(1..=LONGEST_PERIOD).contains(&period.number().unwrap_or(0)) {
            faults.invalid(&period, "must be between 1 and 1800");
        }
    }
}
