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
`maxReplicas` must be greater than 0 and not less than `minReplicas`. `minReplicas` must be at least
1; since Kubernetes 1.37, which enables the feature gate HPAScaleToZero by default, it may be 0 if
there is an `Object` or `External` metric. `scaleTargetRef` must have a kind, a name and an
`apiVersion` with a group
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
const MAX_WINDOW_SECONDS: i64 = 3600;
const MAX_PERIOD_SECONDS: i64 = 1800;

/// The first Kubernetes version that enables the feature gate HPAScaleToZero by default.
const SCALE_TO_ZERO: u8 = 37;

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "HorizontalPodAutoscaler" || object.group() != "autoscaling" {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    let (least, most) = (spec.get("minReplicas"), spec.get("maxReplicas"));
    let largest = most.number().unwrap_or(0);
    if faults.version().minor() >= SCALE_TO_ZERO {
        if least.number().is_some_and(|number| number < 0) {
            faults.invalid(&least, "must be greater than or equal to 0");
        }
    } else if let Some(number) = least.number().filter(|number| *number < 1) {
        let draft = faults.invalid(&least, "must be greater than or equal to 1");
        if number == 0 {
            draft.help(
                "0 requires the feature gate `HPAScaleToZero`, which is enabled by default since Kubernetes 1.37",
            );
        }
    }
    if !most.is_set() || largest == 0 {
        faults.required(&most);
    } else if largest < 1 {
        faults.invalid(&most, "must be greater than 0");
    }
    if least.number().is_some_and(|number| number > largest) {
        faults.invalid(&most, "must be greater than or equal to `minReplicas`");
    }
    let target = spec.get("scaleTargetRef");
    reference(faults, &target, target.get("kind").text() != "ReplicationController");
    if object.id.api_version == "autoscaling/v1" {
        // The metrics of `autoscaling/v2` are in this annotation.
        let metrics = object.node["metadata"]["annotations"]["autoscaling.alpha.kubernetes.io/metrics"].text();
        if least.number() == Some(0) && !["\"Object\"", "\"External\""].iter().any(|kind| metrics.contains(kind)) {
            faults.add(&spec.get("metrics"), ONLY_FROM_METRICS);
        }
        let percent = spec.get("targetCPUUtilizationPercentage");
        if percent.number().is_some_and(|number| number < 1) {
            faults
                .invalid(&percent, "must be greater than 0")
                .field("spec.metrics[0].resource.target.averageUtilization");
        }
        return;
    }
    metrics(faults, &spec.get("metrics"), least.number() == Some(0));
    let behavior = spec.get("behavior");
    for name in ["scaleUp", "scaleDown"] {
        scaling(faults, &behavior.get(name));
    }
}

const ONLY_FROM_METRICS: &str = "scaling to zero requires an `Object` or `External` metric";

/// Validates the reference to the object that is scaled or described by a metric.
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

fn metrics(faults: &mut Faults<'_, '_>, metrics: &At<'_, '_>, to_zero: bool) {
    let mut has_outside_metric = false;
    for at in metrics.items() {
        has_outside_metric |= matches!(at.node["type"].text(), "Object" | "External");
        metric(faults, &at);
    }
    if to_zero && !has_outside_metric {
        faults.add(metrics, ONLY_FROM_METRICS);
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
        faults.invalid(&utilization, "must be greater than 0");
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
    if window.number().is_some_and(|seconds| !(0..=MAX_WINDOW_SECONDS).contains(&seconds)) {
        faults.invalid(&window, "must be between 0 and 3600");
    }
    let tolerance = rules.get("tolerance");
    if Quantity::of(tolerance.node).is_some_and(Quantity::is_negative) {
        faults.invalid(&tolerance, "must be greater than or equal to 0");
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
            faults.invalid(&value, "must be greater than 0");
        }
        if !(1..=MAX_PERIOD_SECONDS).contains(&period.number().unwrap_or(0)) {
            faults.invalid(&period, "must be between 1 and 1800");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::check::{Options, check};
    use crate::finding::RuleId;
    use crate::object::Object;
    use crate::source::FileId;
    use crate::yaml::{Dialect, load_text};

    /// The messages of the rule for an autoscaler, in a version of Kubernetes.
    fn messages(api_version: &str, spec: &str, version: &str) -> Vec<String> {
        let text = format!(
            "apiVersion: {api_version}\nkind: HorizontalPodAutoscaler\nmetadata: {{name: web}}\n\
             spec: {{maxReplicas: 3, scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}, {spec}}}\n"
        );
        let object = Object::new(load_text(&text, FileId(0), Dialect::Kubectl).documents.remove(0));
        let options = Options { kubernetes_version: version.parse().unwrap(), ..Options::default() };
        let findings = check(&[object], &options).into_iter();
        findings.filter(|finding| finding.rule == RuleId::AutoscalerInvalid).map(|finding| finding.message).collect()
    }

    #[test]
    fn scaling_to_zero_is_enabled_since_1_37() {
        let external =
            "metrics: [{type: External, external: {metric: {name: queue}, target: {type: Value, value: 1}}}]";
        let zero = format!("minReplicas: 0, {external}");
        for version in ["1.33", "1.36"] {
            assert_eq!(messages("autoscaling/v2", &zero, version), ["`0` must be greater than or equal to 1"]);
        }
        assert_eq!(messages("autoscaling/v2", &zero, "1.37"), Vec::<String>::new());
        let negative = format!("minReplicas: -1, {external}");
        assert_eq!(messages("autoscaling/v2", &negative, "1.37"), ["`-1` must be greater than or equal to 0"]);
        let resource = "minReplicas: 0, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, \
                        averageUtilization: 70}}}]";
        for (api_version, spec) in
            [("autoscaling/v2", resource), ("autoscaling/v2", "minReplicas: 0"), ("autoscaling/v1", "minReplicas: 0")]
        {
            assert_eq!(
                messages(api_version, spec, "1.37"),
                ["scaling to zero requires an `Object` or `External` metric"],
                "{api_version} {spec}"
            );
        }
    }
}
