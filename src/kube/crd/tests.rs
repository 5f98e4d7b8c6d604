#![allow(clippy::unwrap_used)]

use super::*;
use crate::kube::KubernetesVersion;
use crate::source::Sources;
use crate::yaml::{Dialect, load};

/// The faults of a custom resource, as `field: message`.
fn faults(schema: &str, object: &str) -> Vec<String> {
    let text = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec:\n  group: example.com\n  \
         names: {{kind: Thing, plural: things}}\n  versions:\n  - name: v1\n    served: true\n    \
         schema: {{openAPIV3Schema: {{type: object, properties: {{spec: {schema}}}}}}}\n---\n\
         apiVersion: example.com/v1\nkind: Thing\nmetadata: {{name: a}}\nspec: {object}\n"
    );
    let sources = Sources::new();
    let loaded = load(&sources, sources.add("test.yaml", text), Dialect::Kubectl);
    assert!(loaded.findings.is_empty(), "{:?}", loaded.findings);
    let [definition, object] = loaded.documents.as_slice() else { panic!("two documents") };
    let kinds = CustomKinds::new([definition]);
    let kind = kinds.find("example.com/v1", "Thing").unwrap();
    let faults = kind.validate(object, KubernetesVersion::default());
    faults.into_iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect()
}

/// Asserts which objects a schema takes.
fn takes(schema: &str, good: &[&str], bad: &[&str]) {
    for object in good {
        assert_eq!(faults(schema, object), Vec::<String>::new(), "{schema}\n{object}");
    }
    for object in bad {
        assert_eq!(faults(schema, object).len(), 1, "{schema}\n{object}\n{:?}", faults(schema, object));
    }
}

#[test]
fn unknown_fields_are_pruned_as_the_server_does() {
    takes("{type: object, properties: {a: {type: string}}}", &["{a: x}", "{}", "null"], &["{b: x}", "{A: x}"]);
    takes("{type: object, x-kubernetes-preserve-unknown-fields: true}", &["{b: {c: 1}}"], &[]);
    takes(
        "{type: object, x-kubernetes-preserve-unknown-fields: true, properties: {a: {type: object}}}",
        &["{b: 1, a: {}}"],
        &["{a: {c: 1}}"],
    );
    takes("{type: object, additionalProperties: {type: integer}}", &["{a: 1, b: 2}"], &["{a: x}"]);
    takes("{type: object, additionalProperties: true}", &["{a: {b: [1]}}"], &[]);
    takes(
        "{type: object, x-kubernetes-embedded-resource: true}",
        &["{apiVersion: v1, kind: Pod, metadata: {name: a}}"],
        &["{apiVersion: v1, kind: Pod, metadata: {Name: a}}", "{kind: Pod, spec: {}}"],
    );
}

#[test]
fn metadata_that_a_definition_names_keeps_its_own_fields() {
    // Nearly every published definition says `metadata: {type: object}`, which restricts nothing.
    let schema = "{type: object, x-kubernetes-embedded-resource: true, properties: {metadata: {type: object, \
                  properties: {name: {type: string, maxLength: 5}}}}}";
    takes(
        schema,
        &["{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: b, labels: {c: d}}}"],
        &["{apiVersion: v1, kind: Pod, metadata: {name: abcdef}}", "{apiVersion: v1, kind: Pod, metadata: {nam: a}}"],
    );
}

#[test]
fn types_are_exact() {
    takes("{type: integer}", &["1", "1.0"], &["1.5", "\"1\"", "true"]);
    takes("{type: number}", &["1", "1.5"], &["\"1\""]);
    takes("{x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}", &["1", "x"], &["1.5"]);
    takes("{type: string, format: date-time}", &["\"2026-01-31T12:00:00Z\""], &["\"2026-01-31\""]);
    takes("{type: array, items: {type: string}}", &["[a]", "[]"], &["[1]", "a", "[null]"]);
}

#[test]
fn value_rules_hold() {
    takes("{type: string, enum: [a, b]}", &["a"], &["c"]);
    takes("{type: string, pattern: \"^a+$\"}", &["aa"], &["ab"]);
    takes("{type: string, pattern: \"^(.{0,63}[.]){0,4}$\"}", &["a.b."], &["ab"]);
    takes("{type: string, pattern: \"^((a?){1000}){10}b$\"}", &["aa"], &[]);
    takes("{type: string, minLength: 1, maxLength: 2}", &["a", "üü"], &["\"\"", "abc"]);
    takes("{type: integer, minimum: 1, maximum: 3, exclusiveMaximum: true}", &["1", "2"], &["0", "3"]);
    takes("{type: array, items: {type: string}, maxItems: 1}", &["[a]"], &["[a, b]"]);
    takes("{type: array, items: {type: string}, x-kubernetes-list-type: set}", &["[a, b]"], &["[a, a]"]);
    takes(
        "{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k], \
         items: {type: object, properties: {k: {type: string}, v: {type: string}}}}",
        &["[{k: a}, {k: b}]", "[{v: a}, {v: a}]"],
        &["[{k: a, v: x}, {k: a, v: z}]"],
    );
}

#[test]
fn required_fields_may_have_defaults() {
    let schema = "{type: object, required: [a, b], properties: {a: {type: string}, b: {type: string, default: x}}}";
    takes(schema, &["{a: x}"], &["{}", "{a: null}"]);
    assert_eq!(faults(schema, "{}"), ["spec.a: `a` is required"]);
}

#[test]
fn combinations_hold() {
    let schema = |how: &str| {
        format!(
            "{{type: object, properties: {{a: {{type: string}}, b: {{type: string}}}}, \
             {how}: [{{required: [a]}}, {{required: [b]}}]}}"
        )
    };
    takes(&schema("oneOf"), &["{a: x}", "{b: x}"], &["{}", "{a: x, b: x}"]);
    takes(&schema("anyOf"), &["{a: x}", "{a: x, b: x}"], &["{}"]);
    takes(&schema("allOf"), &["{a: x, b: x}"], &["{a: x}"]);
    takes("{type: string, not: {enum: [a]}}", &["b"], &["a"]);
}

#[test]
fn what_is_not_evaluated_is_known() {
    let schema = Schema::read(
        &load(
            &{
                let sources = Sources::new();
                sources.add(
                    "a",
                    "{x-kubernetes-validations: [{rule: a}], properties: {p: {items: {x-kubernetes-validations: \
                     [{rule: b}, {rule: c}], pattern: '\\p{L}'}}}}",
                );
                sources
            },
            crate::source::FileId(0),
            Dialect::Kubectl,
        )
        .documents[0],
    );
    let found = schema.unevaluated();
    assert_eq!((found.cel_rules, found.cel_fields), (3, vec![String::new(), "p[]".to_owned()]));
    assert_eq!(found.patterns, ["\\p{L}"]);
}
