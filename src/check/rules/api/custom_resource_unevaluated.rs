//! Rule `custom-resource-unevaluated`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::CustomResourceUnevaluated,
    doc: Doc {
        checks: "\
A CEL rule (`x-kubernetes-validations`) is not evaluated if it takes too long, or if it uses time
zones by name (`getHours('Europe/Berlin')`; offsets such as `+02:00` are supported), Unicode classes
in patterns (`\\p{Greek}`), the verb `%e` of `format`, or the string of a number that is written with
an exponent. The same applies to a `pattern` of the definition with such a class. Reported once for
each rule, at the first object. A pattern of more than 128 KiB once compiled, and a definition that
takes too long to evaluate, are not evaluated either: that is reported at the pattern or the
definition. Everything else about the object is checked.",
        why: "Only the API server evaluates the rule, so it may reject an object in which nothing is found here.",
        fix: "\
There is nothing to change. To have the API server evaluate the rule, run `kubectl apply
--dry-run=server`.",
        source: "\
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules.",
    },
    bad: include_str!("_custom_resource/cel.yaml"),
    good: include_str!("_custom_resource/good.yaml"),
    check: Check::Elsewhere,
};
