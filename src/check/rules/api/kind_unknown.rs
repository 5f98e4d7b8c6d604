//! Rule `kind-unknown`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::KindUnknown,
    doc: Doc {
        checks: "\
The kind of an object is neither one of the Kubernetes version under check nor one of a
CustomResourceDefinition that is given. For a kind of another group that the input does not define,
there is one warning with the number of objects.",
        why: "`kubectl` asks the cluster which kinds it serves, and fails for others with \"no matches for kind\".",
        fix: "\
Correct `apiVersion` or `kind`. For a custom resource, pass its CustomResourceDefinition with `--crd
FILE|DIR`, or add it to the input.",
        source: "https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api.",
    },
    bad: "apiVersion: apps/v1\nkind: Deploymnet\nmetadata: {name: web}\n",
    good: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n",
    check: Check::Elsewhere,
};
