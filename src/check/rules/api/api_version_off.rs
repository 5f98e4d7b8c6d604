//! Rule `api-version-off`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ApiVersionOff,
    doc: Doc {
        checks: "\
Since Kubernetes 1.24 new beta APIs are off by default, as alpha ones have always been: `kubectl`
says `no matches for kind` unless the cluster was started with `--runtime-config` for it. If yours
was, allow the finding.",
        why: "",
        fix: "",
        source: "",
    },
    bad: "apiVersion: coordination.k8s.io/v1beta1\nkind: LeaseCandidate\nmetadata: {name: web}\n\
          spec: {leaseName: web, binaryVersion: 1.36.0, strategy: OldestEmulationVersion}\n",
    good: "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: web}\nspec: {holderIdentity: web}\n",
    check: Check::Elsewhere,
};
