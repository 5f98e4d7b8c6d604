//! Rule `api-version-off`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ApiVersionOff,
    doc: Doc {
        checks: "\
The `apiVersion` of an object is an alpha version, or a beta version of an API that was introduced
in Kubernetes 1.24 or later. These are served only if the API server was started with
`--runtime-config` for them.",
        why: "On a cluster with the default settings `kubectl apply` fails with \"no matches for kind\".",
        fix: "Use the stable version of the API. If your cluster serves the version, allow the finding.",
        source: "https://kubernetes.io/docs/reference/using-api/#api-versioning.",
    },
    bad: "apiVersion: coordination.k8s.io/v1beta1\nkind: LeaseCandidate\nmetadata: {name: web}\n\
          spec: {leaseName: web, binaryVersion: 1.36.0, strategy: OldestEmulationVersion}\n",
    good: "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: web}\nspec: {holderIdentity: web}\n",
    check: Check::Elsewhere,
};
