//! Rule `field-unknown`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::FieldUnknown,
    doc: Doc {
        checks: "\
A field that the kind does not have, compared case-sensitively. The fields are those of the
Kubernetes version under check, and of the CustomResourceDefinitions that are given.",
        why: "\
`kubectl apply` asks the API server for strict decoding, which rejects the object with `unknown
field \"spec.replica\"`. Older clients and `--validate=warn` accept it, and the setting is lost
without an error.",
        fix: "Correct the name of the field, or remove it.",
        source: "https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation.",
    },
    bad: "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  ports: [{port: 80, targetport: 8080}]\n",
    good: "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  ports: [{port: 80, targetPort: 8080}]\n",
    check: Check::Elsewhere,
};
