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
An annotation's key has the form of a label's key, in any case. All keys and values of one object
together hold at most 256 KiB.",
        why: "",
        fix: "",
        source: "`ValidateAnnotations`.",
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
