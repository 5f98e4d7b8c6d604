//! Rule `name-invalid`.

use crate::check::{Check, Family, Report, Rule};
use crate::finding::Severity;
use crate::object::Object;

/// The rule.
pub static RULE: Rule = Rule {
    id: "name-invalid",
    family: Family::Api,
    severity: Severity::Error,
    summary: "a name is missing or malformed",
    doc: "Every object needs a `metadata.name` of the form its kind asks for.",
    bad: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_Valid}\n",
    good: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: valid}\n",
    check: Check::Object(check),
};

fn check(object: &Object, report: &mut Report<'_>) {
    let metadata = &object.node["metadata"];
    if metadata["name"].is_null() && metadata["generateName"].is_null() {
        report.missing(object, metadata, "name", "the object has no name");
    } else if object.name().contains(|c: char| c.is_ascii_uppercase()) {
        report.at(object, &metadata["name"], "a name is lower-case");
    }
}
