//! Rule `rbac-rule-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::RbacRuleInvalid,
    doc: Doc {
        checks: "\
A rule must have `verbs`, and either `apiGroups` (`\"\"` is the core group) and `resources`, or
`nonResourceURLs`, which are only allowed in a ClusterRole. An `aggregationRule` must have
`clusterRoleSelectors`.",
        why: "\
The API server rejects the object, for instance with \"verbs must contain at least one value\" or
\"namespaced rules cannot apply to non-resource URLs\".",
        fix: "Add the missing list; use a separate rule for `nonResourceURLs`.",
        source: "`ValidatePolicyRule` and `ValidateClusterRole` in `pkg/apis/rbac/validation`.",
    },
    bad: "\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{resources: [configmaps], verbs: [get]}]
",
    good: "\
-rules: [{resources: [configmaps], verbs: [get]}]
+rules: [{apiGroups: [''], resources: [configmaps], verbs: [get]}]
",
    check: Check::Object(check),
};

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.group() != "rbac.authorization.k8s.io" || !matches!(object.kind(), "Role" | "ClusterRole") {
        return;
    }
    let root = At::root("", &object.node);
    let rules = root.get("rules");
    for rule in rules.items() {
        check_rule(faults, &rule, object.kind() == "Role");
    }
    let aggregation = root.get("aggregationRule");
    if object.kind() == "ClusterRole" && aggregation.is_set() {
        let selectors = aggregation.get("clusterRoleSelectors");
        if selectors.node.items().is_empty() {
            faults.required(&selectors);
        }
        for selector in selectors.items() {
            faults.selector(&selector);
        }
    }
}

fn check_rule(faults: &mut Faults<'_, '_>, rule: &At<'_, '_>, namespaced: bool) {
    let (groups, resources, urls) = (rule.get("apiGroups"), rule.get("resources"), rule.get("nonResourceURLs"));
    let has_items = |at: &At<'_, '_>| !at.node.items().is_empty();
    if !has_items(&rule.get("verbs")) {
        faults.required(&rule.get("verbs"));
    }
    if has_items(&urls) {
        if namespaced {
            faults.forbidden(&urls, "in a Role").help("use a ClusterRole: URLs are not namespaced");
        }
        if has_items(&groups) || has_items(&resources) || has_items(&rule.get("resourceNames")) {
            faults.forbidden(&urls, "together with resources").help("use a separate rule for the URLs");
        }
        return;
    }
    if !has_items(&groups) {
        faults.required(&groups).help("the core group is `\"\"`");
    }
    if !has_items(&resources) {
        faults.required(&resources);
    }
}
