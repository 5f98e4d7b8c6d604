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
    let faults = kinds.validate(kind, object, KubernetesVersion::default());
    faults.into_iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect()
}

/// Asserts which objects a schema accepts.
fn accepts(schema: &str, good: &[&str], bad: &[&str]) {
    for object in good {
        assert_eq!(faults(schema, object), Vec::<String>::new(), "{schema}\n{object}");
    }
    for object in bad {
        assert_eq!(faults(schema, object).len(), 1, "{schema}\n{object}\n{:?}", faults(schema, object));
    }
}

#[test]
fn unknown_fields_are_pruned_as_the_server_does() {
    accepts("{type: object, properties: {a: {type: string}}}", &["{a: x}", "{}", "null"], &["{b: x}", "{A: x}"]);
    accepts("{type: object, x-kubernetes-preserve-unknown-fields: true}", &["{b: {c: 1}}"], &[]);
    accepts(
        "{type: object, x-kubernetes-preserve-unknown-fields: true, properties: {a: {type: object}}}",
        &["{b: 1, a: {}}"],
        &["{a: {c: 1}}"],
    );
    accepts("{type: object, additionalProperties: {type: integer}}", &["{a: 1, b: 2}"], &["{a: x}"]);
    accepts("{type: object, additionalProperties: true}", &["{a: {b: [1]}}"], &[]);
    accepts(
        "{type: object, properties: {a: {type: array, x-kubernetes-preserve-unknown-fields: true, items: {type: object, \
         properties: {b: {type: object}}}}}}",
        &["{a: [{c: {d: 1}, b: {}}]}"],
        &["{a: [{b: {c: 1}}]}"],
    );
    accepts(
        "{type: object, properties: {a: {type: array, items: {type: object}}}}",
        &["{a: [{}]}"],
        &["{a: [{c: 1}]}"],
    );
    accepts(
        "{type: object, x-kubernetes-embedded-resource: true}",
        &["{apiVersion: v1, kind: Pod, metadata: {name: a}}"],
        &[
            "{apiVersion: v1, kind: Pod, metadata: {Name: a}}",
            "{apiVersion: v1, kind: Pod, spec: {}}",
            "{kind: Pod}",
            "{apiVersion: '', kind: Pod}",
            "{apiVersion: v1, kind: P/d}",
        ],
    );
}

#[test]
fn metadata_that_a_definition_names_keeps_its_own_fields() {
    // Nearly every published definition says `metadata: {type: object}`, which restricts nothing.
    let schema = "{type: object, x-kubernetes-embedded-resource: true, properties: {metadata: {type: object, \
                  properties: {name: {type: string, maxLength: 5}}}}}";
    accepts(
        schema,
        &["{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: b, labels: {c: d}}}"],
        &["{apiVersion: v1, kind: Pod, metadata: {name: abcdef}}", "{apiVersion: v1, kind: Pod, metadata: {nam: a}}"],
    );
}

#[test]
fn types_are_exact() {
    accepts("{type: integer}", &["1", "1.0"], &["1.5", "\"1\"", "true"]);
    accepts("{type: number}", &["1", "1.5"], &["\"1\""]);
    accepts("{x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}", &["1", "x"], &["1.5"]);
    accepts("{type: string, format: date-time}", &["\"2026-01-31T12:00:00Z\""], &["\"2026-01-31\""]);
    accepts("{type: array, items: {type: string}}", &["[a]", "[]"], &["[1]", "a", "[null]"]);
}

#[test]
fn value_rules_hold() {
    accepts("{type: string, enum: [a, b]}", &["a"], &["c"]);
    accepts("{type: string, pattern: \"^a+$\"}", &["aa"], &["ab"]);
    accepts("{type: string, pattern: \"^(.{0,63}[.]){0,4}$\"}", &["a.b."], &["ab"]);
    accepts("{type: string, pattern: \"^((a?){1000}){10}b$\"}", &["aa"], &[]);
    accepts("{type: string, minLength: 1, maxLength: 2}", &["a", "üü"], &["\"\"", "abc"]);
    // As on the API server, each keyword is reported.
    assert_eq!(
        faults("{type: string, maxLength: 1, pattern: ^a$}", "bb"),
        ["spec: `spec` must have at most 1 character", "spec: `spec` does not match the pattern"]
    );
    accepts("{type: integer, minimum: 1, maximum: 3, exclusiveMaximum: true}", &["1", "2"], &["0", "3"]);
    accepts("{type: array, items: {type: string}, maxItems: 1}", &["[a]"], &["[a, b]"]);
    accepts("{type: array, items: {type: string}, x-kubernetes-list-type: set}", &["[a, b]"], &["[a, a]"]);
    accepts(
        "{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k], \
         items: {type: object, properties: {k: {type: string}, v: {type: string}}}}",
        &["[{k: a}, {k: b}]", "[{v: a}, {v: a}]"],
        &["[{k: a, v: x}, {k: a, v: z}]"],
    );
    accepts(
        "{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k], \
         items: {type: object, properties: {k: {type: string, default: a}, v: {type: string}}}}",
        &["[{k: b}, {v: a}]"],
        &["[{k: a}, {v: a}]"],
    );
}

/// As recorded on a kube-apiserver 1.36.2.
#[test]
fn bounds_are_numbers_of_their_type() {
    for bound in [
        "maximum: 9223372036854775808",
        "maximum: 9223372036854775807",
        "maximum: 1.5",
        "minimum: -9223372036854775808",
        "format: int32, maximum: 3000000000",
        "format: uint64, maximum: 9223372036854775808",
        "multipleOf: 0.5",
    ] {
        accepts(&format!("{{type: integer, {bound}}}"), &[], &["1"]);
    }
    accepts("{type: integer, maximum: 9223372036854774784}", &["1"], &[]);
    accepts("{type: integer, maximum: 1e18, format: int64}", &["1"], &[]);
    accepts("{type: integer, format: uint64, minimum: -1}", &["1"], &[]);
    accepts("{type: number, maximum: 1.5}", &["1"], &["2"]);
    accepts("{type: number, maximum: 9223372036854775808}", &["1.5"], &["1"]);
    accepts("{x-kubernetes-int-or-string: true, maximum: 9223372036854775808}", &["a"], &["1"]);
}

#[test]
fn required_fields_may_have_defaults() {
    let schema = "{type: object, required: [a, b], properties: {a: {type: string}, b: {type: string, default: x}}}";
    accepts(schema, &["{a: x}"], &["{}", "{a: null}"]);
    assert_eq!(faults(schema, "{}"), ["spec.a: `spec.a` is required"]);
}

#[test]
fn combinations_hold() {
    let schema = |how: &str| {
        format!(
            "{{type: object, properties: {{a: {{type: string}}, b: {{type: string}}}}, \
             {how}: [{{required: [a]}}, {{required: [b]}}]}}"
        )
    };
    accepts(&schema("oneOf"), &["{a: x}", "{b: x}"], &["{}", "{a: x, b: x}"]);
    accepts(&schema("anyOf"), &["{a: x}", "{a: x, b: x}"], &["{}"]);
    accepts(&schema("allOf"), &["{a: x, b: x}"], &["{a: x}"]);
    accepts("{type: string, not: {enum: [a]}}", &["b"], &["a"]);
}

#[test]
fn patterns_with_go_syntax_are_not_evaluated() {
    let schema = Schema::structural(
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
    let mut rules = Vec::new();
    schema.subschema().each(&mut |part| rules.extend(part.rules().iter().map(|rule| rule.rule.to_string())));
    assert_eq!(rules, ["a", "b", "c"]);
    assert_eq!(schema.unevaluated_patterns().syntax, ["\\p{L}"]);
}

/// The positions of the patterns that are not evaluated, which match anything.
#[test]
fn patterns_that_are_too_large_match_anything() {
    let large = "(a{1000}){1000}";
    assert_eq!(faults(&format!("{{type: string, pattern: '{large}'}}"), "b"), Vec::<String>::new());
    let read = |schema: &str, bytes: usize, texts: &str| {
        let sources = Sources::new();
        let text = format!("{schema}\n---\n{texts}\n");
        let documents = load(&sources, sources.add("a", text), Dialect::Kubectl).documents;
        let schema = Schema::structural(&documents[0]);
        schema.limit_patterns(bytes);
        let mut left = Budget::shared(&documents[1], 1);
        let faults = schema.validate(&documents[1], &KubernetesVersion::default(), &mut left);
        let fields: Vec<String> = faults.into_iter().map(|fault| fault.field).collect();
        let found = schema.unevaluated_patterns();
        let places: Vec<String> = found.too_large.iter().map(|span| sources.text(*span)).collect();
        (fields, places, found.too_many.map(|span| sources.text(span)))
    };
    let one = |name: &str, pattern: &str| format!("{name}: {{type: string, pattern: '{pattern}'}}");
    let schema = |fields: &[String]| format!("{{type: object, properties: {{{}}}}}", fields.join(", "));
    let texts = "{a: b, c: d, e: f}";
    let small = schema(&[one("a", "^x$"), one("c", "^y$"), one("e", "^z$")]);
    let all = || vec!["a".to_owned(), "c".to_owned(), "e".to_owned()];
    assert_eq!(read(&small, 1 << 25, texts), (all(), Vec::new(), None));
    // Enough for all of them, and for two.
    assert_eq!(read(&small, 3 << 11, texts), (all(), Vec::new(), None));
    assert_eq!(read(&small, 2 << 11, texts), (all()[..2].to_vec(), Vec::new(), Some("'^z$'".to_owned())));
    // A large pattern is only reported if it is used, and counts with the maximum size.
    let mixed = schema(&[one("a", large), one("c", "^y$"), one("e", "^z$")]);
    assert_eq!(read(&mixed, 1 << 25, texts), (all()[1..].to_vec(), vec![format!("'{large}'")], None));
    assert_eq!(read(&mixed, 1 << 25, "{c: d}"), (vec!["c".to_owned()], Vec::new(), None));
    assert_eq!(read(&mixed, 1 << 17, texts).2, Some("'^y$'".to_owned()));
}

/// Alternatives, enums and patterns times values: once the budget is spent, nothing is reported.
#[test]
fn work_that_multiplies_is_cut_off() {
    let many = |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<Vec<_>>().join(", ");
    let spent = |schema: &str, object: &str| {
        let sources = Sources::new();
        let documents =
            load(&sources, sources.add("a", format!("{schema}\n---\n{object}\n")), Dialect::Kubectl).documents;
        let mut left = Budget::shared(&documents[1], 1);
        let schema = Schema::structural(&documents[0]);
        let faults = schema.validate(&documents[1], &KubernetesVersion::default(), &mut left);
        (left.is_spent(), faults.len())
    };
    for (how, faults) in [("anyOf", 1), ("oneOf", 1)] {
        let forms = |count| {
            format!("{{type: string, {how}: [{}]}}", many(count, &|at| format!("{{minLength: {}}}", at + 1000)))
        };
        assert_eq!(spent(&forms(1000), "a"), (false, faults), "{how}");
        let list = format!("{{type: array, items: {}}}", forms(2000));
        assert!(!spent(&list, &format!("[{}]", many(20, &|at| format!("a{at}")))).0, "{how}");
        let (all, found) = spent(&list, &format!("[{}]", many(2000, &|at| format!("a{at}"))));
        assert!(all || found == crate::schema::MOST_FAULTS, "{how}: {found}");
    }
    let fits = format!(
        "{{type: array, items: {{not: {{anyOf: [{}]}}}}}}",
        many(2000, &|at| format!("{{minLength: {}}}", at + 1000))
    );
    assert_eq!(spent(&fits, &format!("[{}]", many(20, &|at| format!("a{at}")))), (false, 0));
    assert_eq!(spent(&fits, &format!("[{}]", many(2000, &|at| format!("a{at}")))), (true, 0));
    let listed = format!("{{type: array, items: {{type: integer, enum: [{}]}}}}", many(20_000, &|at| at.to_string()));
    assert_eq!(spent(&listed, &format!("[{}]", many(100, &|at| (19_999 - at).to_string()))), (false, 0));
    assert_eq!(spent(&listed, &format!("[{}]", many(20_000, &|at| (19_999 - at).to_string()))), (true, 0));
    let pattern = "{type: string, pattern: '^([a-z]{1,63}[.]?){20}$'}";
    assert_eq!(spent(pattern, &"a".repeat(1000)), (false, 0));
    assert_eq!(spent(pattern, &"a".repeat(100_000)), (true, 0));
}
