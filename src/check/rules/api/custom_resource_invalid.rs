//! Rule `custom-resource-invalid`.

use crate::check::{Check, Rule};
use crate::finding::RuleId;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::CustomResourceInvalid,
    doc: "The structural schema of a CustomResourceDefinition (`openAPIV3Schema`) says which fields are required, which \
          values and forms are allowed, and how long things may be; the API server refuses objects that break it. The \
          definition is one that was handed in with `--crd`, or that stands among the files.",
    bad: include_str!("_custom_resource/bad.yaml"),
    good: include_str!("_custom_resource/good.yaml"),
    check: Check::Elsewhere,
};
