//! Rule `custom-resource-unevaluated`.

use crate::check::{Check, Family, Rule};
use crate::finding::Severity;

/// The rule.
pub static RULE: Rule = Rule {
    id: "custom-resource-unevaluated",
    family: Family::Api,
    severity: Severity::Note,
    summary: "rules of a custom resource's definition that are not looked at here",
    doc: "Rules in CEL (`x-kubernetes-validations`), and the rare pattern that our regular expressions cannot express, are \
          only evaluated by the API server. Said once a kind, at its first object; there is nothing to do. Patterns of more \
          than 128 KiB once compiled, and definitions that take too long to hold objects against, are not evaluated either: \
          that is said at the pattern or the definition.",
    bad: include_str!("_custom_resource/cel.yaml"),
    good: include_str!("_custom_resource/good.yaml"),
    check: Check::Elsewhere,
};
