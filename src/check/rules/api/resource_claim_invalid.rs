//! Rule `resource-claim-invalid`.

use foldhash::HashSet;

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::validation::{Faults, Pod, repeats};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ResourceClaimInvalid,
    doc: Doc {
        checks: "\
Each entry of `resourceClaims` must have a unique name and exactly one of `resourceClaimName` and
`resourceClaimTemplateName`. Each entry of `resources.claims` of a container must refer to one of
them, at most once.",
        why: "\
The API server rejects the object, for instance with \"must specify one of: `resourceClaimName`,
`resourceClaimTemplateName`\" or \"Not found\".",
        fix: "Add the claim to `resourceClaims` of the pod, or correct the name.",
        source: "`validatePodResourceClaims` and `validateResourceClaimNames` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "web:1", resources: {claims: [{name: gpu}]}}]
"#,
    good: r#"   containers: [{name: web, image: "web:1", resources: {claims: [{name: gpu}]}}]
+  resourceClaims: [{name: gpu, resourceClaimTemplateName: gpu}]
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let spec = pod.at();
    let claims = spec.on("resourceClaims", pod.spec.resource_claims);
    let repeated = claims.repeats("name");
    for (index, claim) in claims.items().enumerate() {
        let name = claim.get("name");
        if name.text().is_empty() {
            faults.add(&name, "`name` is required");
        } else if repeated[index] {
            faults.add(&name, format!("duplicate claim name `{}`", name.text()));
        } else if let Err(form) = names::dns1123_label(name.text()) {
            faults.add(&name, format!("the name `{}` {form}", name.text()));
        }
        let (own, template) = (claim.get("resourceClaimName"), claim.get("resourceClaimTemplateName"));
        if own.is_set() == template.is_set() {
            faults.add(&claim, "exactly one of `resourceClaimName` and `resourceClaimTemplateName` is required");
        }
        for source in [own, template] {
            if let Err(form) = names::dns1123_subdomain(source.text())
                && source.is_set()
            {
                faults.add(&source, format!("the name `{}` {form}", source.text()));
            }
        }
    }
    let named: HashSet<&str> = claims.node.items().iter().map(|claim| claim["name"].text()).collect();
    for container in &pod.containers {
        let parent = container.at();
        let resources = parent.on("resources", container.fields.resources);
        let used = resources.get("claims");
        let names = used.node.items().iter().map(|claim| (claim["name"].text(), claim["request"].text()));
        let repeated = repeats(names);
        for (index, claim) in used.items().enumerate() {
            let name = claim.node["name"].text();
            if name.is_empty() {
                faults.add(&claim, "`name` is required");
                continue;
            }
            if repeated[index] {
                faults.add(&claim, format!("duplicate claim `{name}`"));
            }
            if !named.contains(name) {
                faults.add(&claim, format!("resource claim `{name}` not found in `resourceClaims` of the pod"));
            }
        }
    }
}
