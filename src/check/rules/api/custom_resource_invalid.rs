//! Rule `custom-resource-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::CustomResourceInvalid,
    doc: Doc {
        checks: "\
The structural schema of a CustomResourceDefinition (`openAPIV3Schema`) says which fields are
required, which values and forms are allowed, and how long things may be; the API server rejects
objects that break it. So do the rules in CEL (`x-kubernetes-validations`), which are evaluated as
on creation, with defaults filled in. Rules that compare with the old object (`oldSelf`) need a
change: `plimsoll diff` evaluates them. The definition is one that was given with `--crd`, or that
is among the files.",
        why: "",
        fix: "",
        source: "",
    },
    bad: include_str!("_custom_resource/bad.yaml"),
    good: include_str!("_custom_resource/good.yaml"),
    check: Check::Elsewhere,
};
