//! Rule `field-type`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::FieldType,
    doc: Doc {
        checks: "\
The API server never turns one type into another: a number where a string is wanted (`value: 8080`
of an environment variable), a quoted number where a whole number is wanted, a mapping where a list
is wanted are all refused before anything else is looked at. The same holds for numbers that do not
fit, malformed quantities, base64 and times.",
        why: "",
        fix: "",
        source: "",
    },
    bad: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  port: 8080\n",
    good: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  port: \"8080\"\n",
    check: Check::Elsewhere,
};
