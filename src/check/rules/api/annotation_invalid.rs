//! Rule `annotation-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::object::Object;
use crate::validation::{At, Faults, selector};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::AnnotationInvalid,
    doc: Doc {
        checks: "\
The key of an annotation must be a qualified name, like the key of a label, but may contain
upper-case letters in its prefix. All keys and values of one object together must not exceed 262144
bytes (256 KiB).",
        why: "\
The API server rejects the object. For annotations that are too large it says \"Too long: may not be
more than 262144 bytes\".",
        fix: "Correct the key, or move the data into a ConfigMap.",
        source: "`ValidateAnnotations` in `k8s.io/apimachinery/pkg/api/validation`.",
    },
    bad: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {'a note': text}}\n",
    good: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {a-note: any text at all}}\n",
    check: Check::Object(check),
};

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    let root = At::root("", &object.node);
    let metadata = root.get("metadata");
    selector::annotations(&metadata.get("annotations"), faults);
}
