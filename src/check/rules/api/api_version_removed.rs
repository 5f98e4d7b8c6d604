//! Rule `api-version-removed`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ApiVersionRemoved,
    doc: Doc {
        checks: "\
The `apiVersion` of an object is no longer served by the Kubernetes version under check. Alpha and
beta versions of an API are removed some releases after the stable version is available. The
releases are those of the Kubernetes deprecation guide; the kinds that the versions 1.33 to 1.37
serve are read from their schemas.",
        why: "`kubectl apply` fails with \"no matches for kind\".",
        fix: "Change `apiVersion` to the version named in the finding, and adapt the fields that differ.",
        source: "https://kubernetes.io/docs/reference/using-api/deprecation-guide/.",
    },
    bad: "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n\
          spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}\n",
    good: "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n\
           spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}\n",
    check: Check::Elsewhere,
};
