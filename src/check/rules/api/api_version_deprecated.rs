//! Rule `api-version-deprecated`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ApiVersionDeprecated,
    doc: Doc {
        checks: "\
The object is accepted, with a warning: its API is deprecated, or has a stable version in the same
group. Move to the successor before the cluster is upgraded.",
        why: "",
        fix: "",
        source: "",
    },
    bad: "apiVersion: v1\nkind: Endpoints\nmetadata: {name: web}\n",
    good: "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: web}\naddressType: IPv4\nendpoints: []\n",
    check: Check::Elsewhere,
};
