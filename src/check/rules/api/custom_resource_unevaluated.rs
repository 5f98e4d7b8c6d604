//! Rule `custom-resource-unevaluated`.

use crate::check::{Check, Rule};
use crate::finding::RuleId;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::CustomResourceUnevaluated,
    doc: "A rule in CEL (`x-kubernetes-validations`) that uses what is not implemented here (time zones by name), or takes too \
          long, and the rare pattern that our regular expressions cannot express (`\\p{Greek}`), are only evaluated by the API \
          server. Reported once for each rule, at the first object; there is nothing to do. Patterns of more than 128 KiB \
          once compiled, and definitions that take too long to hold objects against, are not evaluated either: that is \
          reported at the pattern or the definition.",
    bad: include_str!("_custom_resource/cel.yaml"),
    good: include_str!("_custom_resource/good.yaml"),
    check: Check::Elsewhere,
};
