//! Rule `kind-unknown`.

use crate::check::{Check, Rule};
use crate::finding::RuleId;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::KindUnknown,
    doc: "`kubectl` asks the cluster which kinds it serves and refuses others: `no matches for kind`. A custom resource is \
          known once its CustomResourceDefinition is: hand it in with `--crd FILE|DIR`, or among the files.",
    bad: "apiVersion: apps/v1\nkind: Deploymnet\nmetadata: {name: web}\n",
    good: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n",
    check: Check::Elsewhere,
};
