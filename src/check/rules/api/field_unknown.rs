//! Rule `field-unknown`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::FieldUnknown,
    doc: Doc {
        checks: "\
The API server decodes strictly when `kubectl` applies: a field it does not know, upper and lower
case told apart, is refused (`unknown field \"spec.replica\"`). Older clients and `--validate=warn`
let it pass, and then the setting is silently lost. The fields are those of the Kubernetes version
under check, and of the custom resource definitions that are given.",
        why: "",
        fix: "",
        source: "",
    },
    bad: "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  ports: [{port: 80, targetport: 8080}]\n",
    good: "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  ports: [{port: 80, targetPort: 8080}]\n",
    check: Check::Elsewhere,
};
