//! Rule `field-type`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::FieldType,
    doc: Doc {
        checks: "\
A value must have the type of its field: a number where a string is expected (`value: 8080` of an
environment variable), a quoted number where an integer is expected, or a mapping where a list is
expected are reported. So are numbers out of range, invalid quantities, invalid base64 and invalid
times.",
        why: "\
The API server never converts between types. It rejects the object before it validates anything
else, for instance with \"cannot unmarshal number into Go struct field\" or \"illegal base64 data\".",
        fix: "Write the value with the type of the field; quote numbers and booleans that are meant as strings.",
        source: "The Kubernetes API reference, https://kubernetes.io/docs/reference/kubernetes-api/.",
    },
    bad: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  port: 8080\n",
    good: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  port: \"8080\"\n",
    check: Check::Elsewhere,
};
