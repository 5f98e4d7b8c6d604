#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::source::{FileId, Sources, Span};

/// A JSON value as a node without a position.
fn from_json(json: &Json) -> Node {
    crate::yaml::read_json(&json.to_string()).unwrap()
}

fn compile(schema: &Json) -> Result<Schema, Vec<crate::finding::Finding>> {
    Schema::compile(&from_json(schema))
}

/// The verdict of an independent implementation.
fn oracle(schema: &Json, value: &Json) -> bool {
    jsonschema::draft202012::new(schema).unwrap().is_valid(value)
}

fn agree(schema: &Json, value: &Json) {
    let ours = compile(schema).unwrap();
    let node = from_json(value);
    assert_eq!(ours.fits(&node), oracle(schema, value), "{schema} against {value}");
    // The verdict is the same with and without messages.
    let found = ours.check(&node, Mode::Whole, "it");
    assert_eq!(found.is_empty(), ours.fits(&node), "{schema} against {value}: {found:?}");
}

/// The messages of the faults of a value.
fn messages(schema: &Schema, value: &Json, mode: Mode) -> Vec<String> {
    schema.check(&from_json(value), mode, "it").into_iter().map(|fault| fault.message).collect()
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "ab", "ba", ""]).prop_map(str::to_owned)
}

fn text() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "a", "b", "ab", "ä", "aaa", "1", "x y"]).prop_map(str::to_owned)
}

fn scalar() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (-4..5_i64).prop_map(Json::from),
        (-8..9_i64).prop_map(|halves| Json::from(halves as f64 / 2.0)),
        prop::sample::select(vec![i64::MAX, i64::MIN]).prop_map(Json::from),
        text().prop_map(Json::from),
    ]
}

fn value() -> impl Strategy<Value = Json> {
    scalar().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((name(), inner), 0..4)
                .prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    })
}

fn pattern() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["^a", "b$", "^[ab]{1,2}$", ".", "a|b", "[0-9]+"])
}

fn types() -> impl Strategy<Value = Json> {
    let one = || prop::sample::select(TYPES.map(|(name, _, _)| name).to_vec());
    prop_oneof![one().prop_map(Json::from), prop::collection::btree_set(one(), 1..3).prop_map(|names| json!(names))]
}

fn leaf_keyword() -> impl Strategy<Value = (String, Json)> {
    let count = || (0..4_u8).prop_map(Json::from);
    let number = || prop_oneof![(-3..4_i64).prop_map(Json::from), (-5..6_i64).prop_map(|n| Json::from(n as f64 / 2.0))];
    let of =
        |name: &'static str, value: BoxedStrategy<Json>| value.prop_map(move |value| (name.to_owned(), value)).boxed();
    prop_oneof![
        4 => of("type", types().boxed()),
        1 => of("enum", prop::collection::vec(value(), 1..4).prop_map(Json::from).boxed()),
        1 => of("const", value().boxed()),
        1 => of("minimum", number().boxed()),
        1 => of("maximum", number().boxed()),
        1 => of("exclusiveMinimum", number().boxed()),
        1 => of("exclusiveMaximum", number().boxed()),
        1 => of("multipleOf", prop::sample::select(vec![json!(1), json!(2), json!(0.5), json!(1.5)]).boxed()),
        1 => of("minLength", count().boxed()),
        1 => of("maxLength", count().boxed()),
        1 => of("pattern", pattern().prop_map(Json::from).boxed()),
        1 => of("minItems", count().boxed()),
        1 => of("maxItems", count().boxed()),
        1 => of("uniqueItems", any::<bool>().prop_map(Json::from).boxed()),
        1 => of("minProperties", count().boxed()),
        1 => of("maxProperties", count().boxed()),
        1 => of("required", prop::collection::btree_set(name(), 0..3).prop_map(|names| json!(names)).boxed()),
        1 => of("minContains", count().boxed()),
        1 => of("maxContains", count().boxed()),
        1 => of("format", Just(json!("password")).boxed()),
        1 => of("dependentRequired", (name(), prop::collection::btree_set(name(), 0..3))
            .prop_map(|(key, names)| json!({key: names})).boxed()),
        1 => of("x-anything", value().boxed()),
        1 => of("$ref", prop::sample::select(vec![json!("#/$defs/A"), json!("#/$defs/B"), json!("#")]).boxed()),
    ]
}

fn subschema() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        6 => prop::collection::vec(leaf_keyword(), 0..3).prop_map(|keywords| Json::Object(keywords.into_iter().collect())),
        1 => any::<bool>().prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let named = |inner: BoxedStrategy<Json>| {
            prop::collection::vec((name(), inner), 0..3).prop_map(|list| Json::Object(list.into_iter().collect()))
        };
        let many = |inner: BoxedStrategy<Json>| prop::collection::vec(inner, 1..4).prop_map(Json::from);
        let patterned = prop::collection::vec((pattern(), inner.clone()), 0..3)
            .prop_map(|list| Json::Object(list.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()));
        let keyword = prop_oneof![
            3 => leaf_keyword(),
            3 => named(inner.clone().boxed()).prop_map(|value| ("properties".to_owned(), value)),
            1 => patterned.prop_map(|value| ("patternProperties".to_owned(), value)),
            2 => inner.clone().prop_map(|value| ("additionalProperties".to_owned(), value)),
            1 => inner.clone().prop_map(|value| ("propertyNames".to_owned(), value)),
            2 => inner.clone().prop_map(|value| ("items".to_owned(), value)),
            1 => many(inner.clone().boxed()).prop_map(|value| ("prefixItems".to_owned(), value)),
            1 => inner.clone().prop_map(|value| ("contains".to_owned(), value)),
            1 => named(inner.clone().boxed()).prop_map(|value| ("dependentSchemas".to_owned(), value)),
            2 => inner.clone().prop_map(|value| ("unevaluatedProperties".to_owned(), value)),
            1 => inner.clone().prop_map(|value| ("unevaluatedItems".to_owned(), value)),
            1 => many(inner.clone().boxed()).prop_map(|value| ("allOf".to_owned(), value)),
            1 => many(inner.clone().boxed()).prop_map(|value| ("anyOf".to_owned(), value)),
            1 => many(inner.clone().boxed()).prop_map(|value| ("oneOf".to_owned(), value)),
            1 => inner.clone().prop_map(|value| ("not".to_owned(), value)),
            1 => inner.clone().prop_map(|value| ("if".to_owned(), value)),
            1 => inner.clone().prop_map(|value| ("then".to_owned(), value)),
            1 => inner.prop_map(|value| ("else".to_owned(), value)),
        ];
        prop::collection::vec(keyword, 1..5).prop_map(|keywords| Json::Object(keywords.into_iter().collect()))
    })
}

fn schema() -> impl Strategy<Value = Json> {
    (subschema(), subschema(), subschema()).prop_map(|(mut root, a, b)| {
        if let Json::Object(root) = &mut root {
            root.insert("$defs".to_owned(), json!({"A": a, "B": b}));
        }
        root
    })
}

/// Values that the schema is likely to accept, which are hard to guess.
fn near(schema: &Json) -> Vec<Json> {
    let mut found = Vec::new();
    if let Json::Object(keywords) = schema {
        found.extend(keywords.get("const").cloned());
        found.extend(keywords.get("enum").and_then(Json::as_array).into_iter().flatten().cloned());
        if let Some(Json::Object(properties)) = keywords.get("properties") {
            let entries = properties.iter().filter_map(|(key, schema)| Some((key.clone(), near(schema).pop()?)));
            found.push(Json::Object(entries.collect()));
        }
        found.extend(keywords.get("items").into_iter().flat_map(near).map(|item| json!([item])));
        for forms in ["anyOf", "oneOf", "allOf"] {
            found.extend(keywords.get(forms).and_then(Json::as_array).into_iter().flatten().flat_map(near));
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn verdicts_are_those_of_an_independent_implementation(schema in schema(), values in prop::collection::vec(value(), 8)) {
        // Schemas with circular references in place are rejected when compiled.
        prop_assume!(compile(&schema).is_ok() || !schema.to_string().contains("$ref"));
        for value in values.iter().chain(&near(&schema)) {
            agree(&schema, value);
        }
    }

    #[test]
    fn a_layer_of_a_fitting_value_fits(mut schema in schema(), values in prop::collection::vec(value(), 4), keep in prop::collection::vec(any::<bool>(), 8)) {
        // These keywords can reject a part of a value that they accept.
        without(&mut schema, &["const", "else", "enum", "if", "maxProperties", "not", "oneOf", "then"]);
        let compiled = compile(&schema);
        prop_assume!(compiled.is_ok());
        let compiled = compiled.unwrap();
        for mut node in values.iter().chain(&near(&schema)).map(from_json).filter(|node| compiled.fits(node)) {
            if let crate::node::Value::Mapping(mapping) = &mut node.value {
                let mut keep = keep.iter().cycle();
                mapping.entries_mut().retain(|_| *keep.next().unwrap());
                for entry in mapping.iter_mut() {
                    if !keep.next().unwrap() {
                        entry.value = Node::default();
                    }
                }
            }
            prop_assert_eq!(compiled.check(&node, Mode::Layer, "it"), vec![]);
        }
    }

    #[test]
    fn every_path_of_a_fitting_value_is_known(schema in schema(), values in prop::collection::vec(value(), 4)) {
        let compiled = compile(&schema);
        prop_assume!(compiled.is_ok());
        let compiled = compiled.unwrap();
        for node in values.iter().chain(&near(&schema)).map(from_json).filter(|node| compiled.fits(node)) {
            paths(&node, &mut Vec::new(), &mut |path| {
                assert!(!matches!(compiled.follow(path.iter().copied()), Lookup::Unknown { .. }), "{schema} {path:?}");
            });
        }
    }
}

/// Calls a function with each path of a value.
fn paths<'n>(node: &'n Node, path: &mut Vec<PathStep<'n>>, show: &mut dyn FnMut(&[PathStep<'n>])) {
    show(path);
    let entries = node.entries().iter().map(|entry| (PathStep::Key(&entry.key), &entry.value));
    let items = node.items().iter().enumerate().map(|(index, item)| (PathStep::Index(index), item));
    for (step, inner) in entries.chain(items) {
        path.push(step);
        paths(inner, path, show);
        path.pop();
    }
}

/// Removes keywords at any depth.
fn without(schema: &mut Json, keywords: &[&str]) {
    match schema {
        Json::Object(entries) => {
            entries.retain(|key, _| !keywords.contains(&key.as_str()));
            entries.values_mut().for_each(|value| without(value, keywords));
        }
        Json::Array(items) => items.iter_mut().for_each(|value| without(value, keywords)),
        _ => {}
    }
}

#[test]
fn verdicts_agree_on_rare_cases() {
    for (schema, values) in [
        (json!({"type": "integer"}), vec![json!(1.0), json!(1.5), json!(1e300), json!(-0.0)]),
        (json!({"enum": [1, 0.0]}), vec![json!(1.0), json!(-0.0), json!("1")]),
        (json!({"const": {"a": 1, "b": [2]}}), vec![json!({"b": [2.0], "a": 1}), json!({"a": 1})]),
        (
            json!({"uniqueItems": true}),
            vec![json!([1, 1.0]), json!([{"a": 1, "b": 2}, {"b": 2, "a": 1}]), json!([0, false]), json!([1, "1"])],
        ),
        (json!({"minLength": 2, "maxLength": 2}), vec![json!("ää"), json!("ä"), json!("👍👍")]),
        (json!({"multipleOf": 0.01}), vec![json!(0.07), json!(19.99), json!(0.075), json!(3)]),
        (
            json!({"minimum": 9_007_199_254_740_993_i64}),
            vec![json!(9_007_199_254_740_992_i64), json!(9_007_199_254_740_993_i64)],
        ),
        (
            json!({"properties": {"a~b/c": {"type": "null"}}, "additionalProperties": {"$ref": "#/properties/a~0b~1c"}}),
            vec![json!({"x": 1}), json!({"x": null})],
        ),
        (
            json!({"properties": {"next": {"$ref": "#"}, "v": {"type": "string"}}, "additionalProperties": false}),
            vec![json!({"next": {"next": {"v": 1}}}), json!({"next": {"next": {"v": "x"}}})],
        ),
        (
            json!({"$ref": "#/$defs/A", "properties": {"b": true}, "unevaluatedProperties": false,
                "$defs": {"A": {"oneOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"c": {"type": "null"}}, "required": ["c"]}]}}}),
            vec![
                json!({"a": "x", "b": 1}),
                json!({"a": 1}),
                json!({"a": 1, "c": null}),
                json!({"b": 1, "d": 1}),
                json!({"c": null}),
            ],
        ),
        (
            json!({"dependentSchemas": {"a": {"properties": {"b": {"type": "string"}}}}, "dependentRequired": {"a": ["b"]},
                "properties": {"a": true}, "unevaluatedProperties": {"type": "integer"}}),
            vec![
                json!({"a": 1, "b": "x"}),
                json!({"a": 1}),
                json!({"b": "x"}),
                json!({"b": 1}),
                json!({"a": 1, "b": 1}),
            ],
        ),
        (
            json!({"prefixItems": [{"type": "string"}], "contains": {"const": 1}, "maxContains": 2, "unevaluatedItems": false}),
            vec![json!(["x", 1]), json!(["x"]), json!(["x", 1, 1, 1]), json!(["x", 1, "y"]), json!([1]), json!([])],
        ),
        (
            json!({"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": {"type": "null"}}),
            vec![json!(["x", 1, null]), json!(["x"]), json!([1]), json!(["x", 1, 1])],
        ),
        (json!({"contains": {"type": "string"}, "minContains": 0}), vec![json!([]), json!([1])]),
        (
            json!({"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}}),
            vec![json!({"a": 1}), json!({"a": 1, "b": 1}), json!({}), json!({"c": 1})],
        ),
    ] {
        values.iter().for_each(|value| agree(&schema, value));
    }
}

/// The findings of a schema.
fn findings(schema: &str) -> Vec<String> {
    let sources = Sources::new();
    let file = sources.add("schema.json", schema);
    let findings = Schema::read(schema, file).err().unwrap_or_default();
    findings
        .iter()
        .map(|finding| {
            format!("{} {} {} {}", finding.rule, sources.describe(finding.span), finding.message, finding.label)
        })
        .collect()
}

#[test]
fn faults_of_a_schema_have_positions() {
    for (schema, start) in [
        (
            "{\"typ\": 1}",
            "schema-keyword-unknown schema.json:1:2 unknown keyword `typ` in the schema did you mean `type`?",
        ),
        ("{\n  \"properties\": {\"a\": {\"type\": \"strin\"}}\n}", "schema-invalid schema.json:2:32 a type must be"),
        (
            "{\"$ref\": \"#/$defs/Nam\", \"$defs\": {\"Name\": {}}}",
            "schema-invalid schema.json:1:10 `#/$defs/Nam` does not resolve did you mean `#/$defs/Name`?",
        ),
        (
            "{\"$ref\": \"http://example.org\"}",
            "schema-invalid schema.json:1:10 `$ref` to `http://example.org`: schemas are not downloaded",
        ),
        ("{\"pattern\": \"(?=a)\"}", "schema-invalid schema.json:1:13 invalid pattern"),
        ("{\"minLength\": -1}", "schema-invalid schema.json:1:15 `minLength` must be a non-negative integer"),
        ("{\"$ref\": \"#\"}", "schema-invalid schema.json:1:1 the schema is recursive"),
        ("{\"anyOf\": []}", "schema-invalid schema.json:1:11 `anyOf` must be a list of at least one schema"),
        ("{\"$defs\": {\"A\": {\"colour\": 1}}}", "schema-keyword-unknown schema.json:1:18 unknown keyword `colour`"),
        ("{", "yaml-syntax"),
        ("{\"type\": string}", "schema-invalid schema.json:1:10 invalid JSON"),
        ("7", "schema-invalid schema.json:1:1 a schema must be a mapping"),
    ] {
        let found = findings(schema);
        assert!(found.first().is_some_and(|found| found.starts_with(start)), "{schema}: {found:?}");
    }
}

#[test]
fn schemas_whose_alternatives_multiply_are_bounded() {
    let chain = |length: usize| {
        let definition = |at: usize| {
            let next = json!({"$ref": format!("#/$defs/d{}", at + 1)});
            (format!("d{at}"), json!({"oneOf": [next, next]}))
        };
        let mut definitions: serde_json::Map<String, Json> = (0..length).map(definition).collect();
        definitions.insert(format!("d{length}"), json!({"type": "string"}));
        json!({"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": definitions})
    };
    assert!(compile(&chain(17)).is_err() && compile(&chain(8)).is_err());
    let schema = compile(&chain(7)).unwrap();
    let value = from_json(&json!({"a": 1}));
    let found = schema.check(&value, Mode::Whole, "it");
    assert!(!found.is_empty() && !schema.fits(&value));
    // Ten thousand such properties exceed the budget, which is reported.
    let many: serde_json::Map<String, Json> =
        (0..10_000).map(|at| (format!("p{at}"), json!({"$ref": "#/$defs/d0"}))).collect();
    let value = Json::Object(many.keys().map(|key| (key.clone(), json!("x"))).collect());
    let mut schema = chain(7);
    schema["properties"] = many.into();
    let found = messages(&compile(&schema).unwrap(), &value, Mode::Whole);
    assert!(found.iter().any(|message| message == "it takes too long to validate against its schema"));
}

#[test]
fn paths_that_multiply_with_the_depth_are_followed_once() {
    let form = json!({"properties": {"a": {"$ref": "#/$defs/Tree"}, "token": {"writeOnly": true}}});
    let schema = compile(&json!({"$ref": "#/$defs/Tree", "$defs": {"Tree": {"anyOf": [form, form]}}})).unwrap();
    let mut node = from_json(&json!({"token": "swordfish"}));
    for _ in 0..60 {
        let mut mapping = crate::node::Mapping::new();
        mapping.push("a", Span::NONE, node);
        node = Node::new(mapping, Span::NONE);
    }
    schema.mark_secrets(&mut node);
    let path: Vec<&str> = std::iter::repeat_n("a", 60).chain(["token"]).collect();
    assert!(node.at(&path).origin.is_secret());
    assert!(matches!(schema.lookup(path), Lookup::Known(place) if schema.is_secret(&place)));
}

#[test]
fn the_faults_of_the_nearest_alternative_are_reported() {
    let schema = json!({"properties": {
        "store": {"oneOf": [
            {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "file"}, "path": {"type": "string"}}},
            {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "s3"}, "bucket": {"type": "string"}}},
        ]},
        "level": {"oneOf": [{"const": "debug", "description": "All."}, {"const": "info"}]},
        "size": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
    }});
    let schema = compile(&schema).unwrap();
    for (value, message) in [
        (json!({"store": {"kind": "s3", "bucket": 1}}), "`store.bucket` must be a string, not a number"),
        (json!({"level": "inf"}), "`level` must be `debug` or `info`"),
        (json!({"size": 0}), "`size` must be at least 1"),
        (json!({"size": "x"}), "`size` must be an integer or null, not a string"),
    ] {
        assert_eq!(messages(&schema, &value, Mode::Whole), [message]);
    }
}

#[test]
fn faults_are_reported_in_plain_words() {
    for (schema, value, expected) in [
        (
            json!({"dependentRequired": {"tls": ["host"]}}),
            json!({"tls": 1}),
            vec!["`host` is required if `tls` is set"],
        ),
        (
            json!({"properties": {"hosts": {"contains": {"const": "a"}}}}),
            json!({"hosts": ["b", "c"]}),
            vec!["`hosts` must contain at least 1 item of this kind, not 0"],
        ),
        (
            json!({"allOf": [{"properties": {"image": {}}}], "properties": {"port": {}}, "unevaluatedProperties": false}),
            json!({"image": 1, "prot": 1}),
            vec!["unknown field `prot`"],
        ),
        (json!({"properties": {"a": {"format": "ipv4"}}}), json!({"a": "10.0.0"}), vec!["`a` must be an IPv4 address"]),
        (
            json!({"properties": {"a": {"type": "integer", "format": "uint16"}}}),
            json!({"a": 65536}),
            vec!["`a` must be from 0 to 65535 (`uint16`)"],
        ),
        (json!({"prefixItems": [{"type": "string"}]}), json!([1]), vec!["`[0]` must be a string, not a number"]),
    ] {
        assert_eq!(messages(&compile(&schema).unwrap(), &value, Mode::Whole), expected, "{schema}");
    }
}

/// A layer can have some of the keys, and changes of a list.
#[test]
fn keywords_about_the_whole_do_not_apply_to_layers() {
    let schema = json!({
        "allOf": [{"if": {"properties": {"kind": {"const": "a"}}}, "then": {"properties": {"a": {"type": "string"}}}}],
        "properties": {"kind": {}, "list": {"items": {"type": "string"}, "minItems": 2, "contains": {"const": "x"}}},
        "dependentRequired": {"a": ["kind"]}, "unevaluatedProperties": false});
    let schema = compile(&schema).unwrap();
    for value in [json!({"a": "x"}), json!({"list": ["y"]}), json!({"a": null})] {
        assert_eq!(schema.check(&from_json(&value), Mode::Layer, "it"), vec![], "{value}");
    }
    let found = messages(&schema, &json!({"aa": 1, "list": [1]}), Mode::Layer);
    assert_eq!(found, ["`list[0]` must be a string, not a number"]);
    assert_eq!(messages(&schema, &json!({"aa": 1}), Mode::Layer), ["unknown field `aa`"]);
}

#[test]
fn paths_are_looked_up_through_references_and_forms() {
    let schema = compile(&json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "image": {"$ref": "#/$defs/Image", "description": "The image."},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "port": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
            "store": {"oneOf": [
                {"type": "object", "additionalProperties": false, "properties": {"path": {"type": "string"}}},
                {"type": "object", "additionalProperties": false, "properties": {"bucket": {"type": "string"}}}]},
            "either": {"anyOf": [{"properties": {"x": {"type": "integer"}}}, {"required": ["y"]}]},
            "listed": {"enum": [{"x": 1}, 2]},
            "free": {}, "hosts": {"type": "array", "items": {"$ref": "#/$defs/Image"}},
        },
        "$defs": {"Image": {"type": "object", "additionalProperties": false, "properties": {"tag": {"type": "string", "writeOnly": true}}}},
    }))
    .unwrap();
    let types = |path: &[&str]| match schema.lookup(path.iter().copied()) {
        Lookup::Known(place) => schema.types(&place).words(),
        Lookup::Open => "open".to_owned(),
        Lookup::Unknown { at, near, .. } => format!("unknown at {at}, near {near:?}"),
    };
    assert_eq!(types(&["image", "tag"]), "a string");
    assert_eq!(types(&["image"]), "a mapping");
    assert_eq!(types(&["image", "tags"]), "unknown at 1, near Some(\"tag\")");
    assert_eq!(types(&["imag"]), "unknown at 0, near Some(\"image\")");
    assert_eq!(types(&["image", "tag", "x"]), "unknown at 2, near None");
    assert_eq!(types(&["labels", "any"]), "a string");
    assert_eq!(types(&["port"]), "a string or an integer");
    assert_eq!(types(&["store", "bucket"]), "a string");
    assert_eq!(types(&["store", "buckett"]), "unknown at 1, near Some(\"bucket\")");
    assert_eq!(types(&["free", "a", "b"]), "open");
    // One of the alternatives has no constraints.
    assert_eq!(types(&["either", "x"]), Types::ANY.words());
    assert_eq!(types(&["listed", "x"]), "open");
    assert_eq!(types(&["listed", "y"]), "unknown at 1, near None");
    let tag = schema.follow([PathStep::Key("hosts"), PathStep::Index(3), PathStep::Key("tag")]);
    assert!(matches!(&tag, Lookup::Known(place) if schema.is_secret(place)));
    assert!(
        matches!(schema.lookup(["image"]), Lookup::Known(place) if schema.description(&place) == Some("The image."))
    );
}

#[test]
fn secrets_are_marked_wherever_the_schema_reaches() {
    let schema = compile(&json!({"properties": {
        "list": {"items": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Login"}]}},
        "map": {"additionalProperties": {"$ref": "#/$defs/Login"}}},
        "patternProperties": {"^x": {"writeOnly": true}},
        "$defs": {"Login": {"properties": {"password": {"writeOnly": true}, "next": {"$ref": "#/$defs/Login"}}}}}))
    .unwrap();
    let mut node = from_json(&json!({
        "list": [{"password": "a", "user": "b"}], "map": {"k": {"next": {"next": {"password": {"deep": "c"}}}}}, "xx": ["d"]}));
    schema.mark_secrets(&mut node);
    assert!(node["list"][0]["password"].origin.is_secret());
    assert!(!node["list"][0]["user"].origin.is_secret());
    assert!(node["map"]["k"]["next"]["next"]["password"]["deep"].origin.is_secret());
    assert!(node["xx"][0].origin.is_secret());
}

#[test]
fn the_built_in_schema_is_read() {
    let schema = Schema::read(crate::profile::SCHEMA, FileId(0)).unwrap();
    assert!(matches!(schema.lookup(["database", "password"]), Lookup::Known(place) if schema.is_secret(&place)));
    assert_eq!(Span::NONE, Span::default());
}

/// Short patterns can be large when compiled.
#[test]
fn patterns_are_bounded_together() {
    let patterns = |count: usize, pattern: &str| {
        let property = |at: usize| (format!("f{at}"), json!({"type": "string", "pattern": format!("{pattern}{at}")}));
        json!({"properties": (0..count).map(property).collect::<serde_json::Map<_, _>>()})
    };
    assert!(compile(&patterns(2000, "^a+$")).is_ok());
    assert!(compile(&patterns(100, "[a-z]{600}")).is_ok());
    let findings = compile(&patterns(400, "[a-z]{600}")).unwrap_err();
    assert_eq!(findings.len(), 1);
    assert!(findings[0].message.contains("too many patterns, or too large ones"), "{}", findings[0].message);
}

/// The time to match is proportional to the length of the string times the size of the pattern.
#[test]
fn strings_too_long_for_their_patterns_are_reported() {
    let schema = compile(&json!({
        "properties": {"a": {"type": "string", "pattern": "^(a|aa){200}$"}},
        "patternProperties": {"^(b|bb){200}$": {"type": "string", "writeOnly": true}},
        "additionalProperties": {"type": "string"},
    }))
    .unwrap();
    let long = "a".repeat(100_000);
    let mut node = from_json(&json!({"a": long, "c": "d"}));
    let found = schema.check(&node, Mode::Whole, "it");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].message, "it takes too long to validate against its schema");
    assert_eq!(found[0].help, "its patterns are too large for strings this long; use smaller repetition counts");
    assert!(!schema.fits(&node));
    // Once the budget is spent, every value that may be a secret is one.
    schema.mark_secrets(&mut node);
    assert!(!node["a"].origin.is_secret() && !node["c"].origin.is_secret());
    let mut node = from_json(&json!({&long: "x", "c": "d"}));
    schema.mark_secrets(&mut node);
    assert!(node[long.as_str()].origin.is_secret() && node["c"].origin.is_secret());
}

/// Secrets are marked once, however many paths lead to a subschema.
#[test]
fn secrets_below_alternatives_that_multiply_are_marked() {
    let both =
        |next: usize| json!({"anyOf": [{"$ref": format!("#/$defs/d{next}")}, {"$ref": format!("#/$defs/d{next}")}]});
    let mut doubling: serde_json::Map<String, Json> = (0..7).map(|n| (format!("d{n}"), both(n + 1))).collect();
    doubling.insert("d7".into(), json!({"properties": {"s": {"writeOnly": true}}}));
    let schema = compile(&json!({"items": {"$ref": "#/$defs/d0"}, "$defs": doubling})).unwrap();
    let mut node = from_json(&json!(vec![json!({"s": "y", "x": "y"}); 100]));
    schema.mark_secrets(&mut node);
    assert!(node[99]["s"].origin.is_secret() && !node[99]["x"].origin.is_secret());
}

/// Looking up a path has a small budget, beyond which the path is unknown and no mapping is closed.
#[test]
fn looking_up_a_path_is_cheap_whatever_the_patterns_are() {
    let schema = |patterns: usize, pattern: &str| {
        let of = |at| (format!("^{at}{pattern}$"), json!({"type": "string"}));
        let patterns: serde_json::Map<String, Json> = (0..patterns).map(of).collect();
        compile(&json!({"patternProperties": patterns, "additionalProperties": false})).unwrap()
    };
    let short = schema(3, "[a-z]{1,63}");
    assert!(matches!(short.lookup(["1abc"]), Lookup::Known(_)));
    assert!(matches!(short.lookup(["4abc"]), Lookup::Unknown { at: 0, .. }));
    assert!(short.is_closed(&short.root()));
    let large = schema(60, "(a{1,60}){20}");
    assert!(matches!(large.lookup(["1aaa"]), Lookup::Unknown { at: 0, .. }));
    assert!(!large.is_closed(&large.root()));
    // The time depends on the budget, not on the patterns.
    let started = std::time::Instant::now();
    let key = "1a".repeat(50_000);
    (0..200).for_each(|_| assert!(matches!(large.lookup([key.as_str()]), Lookup::Unknown { .. })));
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
