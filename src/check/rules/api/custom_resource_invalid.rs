//! Rule `custom-resource-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::CustomResourceInvalid,
    doc: Doc {
        checks: "\
A custom resource must conform to the structural schema (`openAPIV3Schema`) of its
CustomResourceDefinition: required fields, allowed values, formats, lengths. Its CEL rules
(`x-kubernetes-validations`) must evaluate to true; they are evaluated as on creation, with defaults
applied. Rules that compare with the old object (`oldSelf`) apply to updates only: `plimsoll diff`
evaluates them. The definition is one that is passed with `--crd`, or that is among the files.",
        why: "\
The API server rejects the object, with the message of the rule or with that of the schema, such as
\"spec.size in body should be less than or equal to 100\".",
        fix: "\
Change the value to one that the definition allows. If the definition is outdated, pass the one that
the cluster has.",
        source: "\
`ValidateCustomResource` in `k8s.io/apiextensions-apiserver/pkg/apiserver/validation`, and
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation.",
    },
    bad: include_str!("_custom_resource/bad.yaml"),
    good: include_str!("_custom_resource/good.yaml"),
    check: Check::Elsewhere,
};
