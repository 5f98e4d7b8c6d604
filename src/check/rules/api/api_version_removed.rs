//! Rule `api-version-removed`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ApiVersionRemoved,
    doc: Doc {
        checks: "\
Alpha and beta versions of an API are taken away some releases after the stable one is there.
`kubectl` then says `no matches for kind`. The releases are those of the Kubernetes deprecation
guide; which kinds the versions 1.33 to 1.37 have is read from their schemas.",
        why: "",
        fix: "",
        source: "",
    },
    bad: "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n\
          spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}\n",
    good: "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n\
           spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}\n",
    check: Check::Elsewhere,
};
