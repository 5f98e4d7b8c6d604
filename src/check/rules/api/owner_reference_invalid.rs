//! Rule `owner-reference-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::OwnerReferenceInvalid,
    doc: Doc {
        checks: "\
An entry of `metadata.ownerReferences` must have `apiVersion`, `kind`, `name` and `uid`; at most one
may have `controller: true`, and an Event must not be an owner.",
        why: "\
The API server rejects the object, for instance with \"Only one reference can have Controller set to
true\".",
        fix: "\
Remove `ownerReferences` from the manifest: the uid of the owner is only known in the cluster, where
controllers set the references.",
        source: "`ValidateOwnerReferences` in `k8s.io/apimachinery/pkg/api/validation`.",
    },
    bad: "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  ownerReferences: [{apiVersion: v1, kind: Pod, name: p}]\n",
    good: "\
-  ownerReferences: [{apiVersion: v1, kind: Pod, name: p}]
+  ownerReferences: [{apiVersion: v1, kind: Pod, name: p, uid: 6f1c6d3e-0000-4000-8000-000000000000}]
",
    check: Check::Object(check),
};

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    let root = At::root("", &object.node);
    let metadata = root.get("metadata");
    let owners = metadata.get("ownerReferences");
    let mut controllers = 0;
    for owner in owners.items() {
        for name in ["apiVersion", "kind", "name", "uid"] {
            if owner.node[name].text().is_empty() {
                // The API server reports the path without the index.
                faults.required(&owner.get(name)).field(format!("metadata.ownerReferences.{name}"));
            }
        }
        if owner.node["kind"].text() == "Event" && owner.node["apiVersion"].text() == "v1" {
            faults.add(&owner, "an Event is disallowed from being an owner").field("metadata.ownerReferences");
        }
        controllers += usize::from(owner.get("controller").is_true());
    }
    if controllers > 1 {
        faults.add(&owners, "only one reference can have `controller` set to true");
    }
}
