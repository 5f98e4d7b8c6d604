//! Rule `custom-resource-unevaluated`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::CustomResourceUnevaluated,
    doc: Doc {
        checks: "\
A rule in CEL (`x-kubernetes-validations`) that uses what is not implemented here, or takes too
long, is only evaluated by the API server: time zones by name (`getHours('Europe/Berlin')`; offsets
such as `+02:00` are implemented), classes of Unicode in patterns (`\\p{Greek}`), the clause `%e` of
`format`, and the text of numbers that are written with an exponent. So are patterns of the
definition with such classes. Everything else about the object is checked. Reported once for each
rule, at the first object; there is nothing to do. Patterns of more than 128 KiB once compiled, and
definitions that take too long to hold objects against, are not evaluated either: that is reported
at the pattern or the definition.",
        why: "",
        fix: "",
        source: "",
    },
    bad: include_str!("_custom_resource/cel.yaml"),
    good: include_str!("_custom_resource/good.yaml"),
    check: Check::Elsewhere,
};
