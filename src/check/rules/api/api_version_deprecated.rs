//! Rule `api-version-deprecated`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ApiVersionDeprecated,
    doc: Doc {
        checks: "The `apiVersion` of an object is deprecated, or the same group serves a stable version of the kind.",
        why: "\
The API server accepts the object with a warning. After an upgrade to a version that no longer
serves the API, it is rejected.",
        fix: "\
Change `apiVersion` to the version named in the finding before the cluster is upgraded, and adapt
the fields that differ.",
        source: "https://kubernetes.io/docs/reference/using-api/deprecation-guide/.",
    },
    bad: "apiVersion: v1\nkind: Endpoints\nmetadata: {name: web}\n",
    good: "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: web}\naddressType: IPv4\nendpoints: []\n",
    check: Check::Elsewhere,
};
