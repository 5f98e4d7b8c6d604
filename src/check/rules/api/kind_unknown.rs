//! Rule `kind-unknown`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::KindUnknown,
    doc: Doc {
        checks: "\
`kubectl` asks the cluster which kinds it serves and refuses others: `no matches for kind`. A custom
resource is known once its CustomResourceDefinition is: pass it with `--crd FILE|DIR`, or add it to
the input. For a kind of a foreign group that nothing in the input defines it is one warning a kind,
with the number of objects.",
        why: "",
        fix: "",
        source: "",
    },
    bad: "apiVersion: apps/v1\nkind: Deploymnet\nmetadata: {name: web}\n",
    good: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n",
    check: Check::Elsewhere,
};
