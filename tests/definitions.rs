//! CustomResourceDefinitions: the fields that the API server reports, with valid and invalid cases of each rule.

use plimsoll::check::input::Input;
use plimsoll::check::{Options, check};
use plimsoll::finding::Severity;
use plimsoll::source::Sources;

/// The fields of the errors about a set of manifests, sorted.
fn errors(manifests: &str) -> Vec<String> {
    let sources = Sources::new();
    let mut input = Input::default();
    input.add(&sources, sources.add("test.yaml", manifests), true);
    assert!(input.findings.is_empty(), "{manifests}\n{:?}", input.findings);
    let options = Options { only: vec!["api".to_owned()], ..Options::default() };
    let findings = check(&input.objects, &options).into_iter().filter(|finding| finding.severity == Severity::Error);
    let mut fields: Vec<String> = findings.map(|finding| finding.field).collect();
    fields.sort();
    fields.dedup();
    fields
}

/// A definition of `things.example.com` with one version, given without its name and flags.
fn definition(version: &str) -> String {
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: things.example.com}}\nspec:\n  \
         group: example.com\n  scope: Namespaced\n  names: {{plural: things, kind: Thing}}\n  versions:\n  - name: v1\n    \
         served: true\n    storage: true\n    {version}\n"
    )
}

/// The errors in the schema of `spec`, without the path to it.
fn schema_errors(spec: &str) -> Vec<String> {
    let version = format!("schema: {{openAPIV3Schema: {{type: object, properties: {{spec: {spec}}}}}}}");
    let way = "spec.validation.openAPIV3Schema.properties[spec]";
    errors(&definition(&version)).into_iter().map(|field| field.replace(way, "")).collect()
}

#[test]
fn schemas_are_structural() {
    let cases: &[(&str, &[&str])] = &[
        ("{type: object}", &[]),
        ("{}", &[".type"]),
        ("{properties: {a: {type: string, default: 5}}}", &[".properties[a].default", ".type"]),
        ("{type: text}", &[".type"]),
        ("{x-kubernetes-preserve-unknown-fields: true}", &[]),
        ("{x-kubernetes-preserve-unknown-fields: false, type: object}", &[".x-kubernetes-preserve-unknown-fields"]),
        ("{x-kubernetes-int-or-string: true}", &[]),
        ("{x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}", &[]),
        (
            "{x-kubernetes-int-or-string: true, anyOf: [{type: string}, {type: integer}]}",
            &[".anyOf[0].type", ".anyOf[1].type"],
        ),
        ("{x-kubernetes-int-or-string: true, allOf: [{anyOf: [{type: integer}, {type: string}]}, {pattern: a}]}", &[]),
        (
            "{x-kubernetes-int-or-string: true, x-kubernetes-preserve-unknown-fields: true}",
            &[".x-kubernetes-preserve-unknown-fields"],
        ),
        ("{type: array}", &[".items"]),
        ("{type: array, items: {}}", &[".items.type"]),
        ("{type: array, items: {type: string}}", &[]),
        ("{type: object, additionalProperties: {type: string}}", &[]),
        ("{type: object, additionalProperties: {}}", &[".additionalProperties.type"]),
        ("{type: object, properties: {a: {type: string}}, additionalProperties: false}", &[".additionalProperties"]),
        ("{type: string, pattern: '('}", &[".pattern"]),
        ("{type: string, pattern: '(?!a)'}", &[".pattern"]),
        ("{type: string, pattern: '^\\\\pL+$'}", &[]),
        ("{type: object, uniqueItems: true}", &[".uniqueItems"]),
        (
            "{type: object, oneOf: [{required: [a]}, {properties: {b: {minimum: 1}}}], properties: {b: {type: integer}}}",
            &[],
        ),
        (
            "{type: object, oneOf: [{description: a}, {additionalProperties: {maximum: 1}}]}",
            &[".oneOf[0].description", ".oneOf[1].additionalProperties"],
        ),
        ("{type: object, not: {x-kubernetes-validations: [{rule: 'true'}]}}", &[".not.x-kubernetes-validations"]),
        ("{type: object, $ref: '#/a'}", &[".$ref"]),
        ("{type: object, x-kubernetes-embedded-resource: true}", &[".properties"]),
        ("{type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}", &[]),
        ("{x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}", &[".type"]),
    ];
    for (schema, expected) in cases {
        assert_eq!(schema_errors(schema), *expected, "{schema}");
    }
}

#[test]
fn lists_have_types_and_keys() {
    let item =
        "items: {type: object, required: [a], properties: {a: {type: string}, b: {type: string}, c: {type: object}}}";
    let list = |rest: &str| schema_errors(&format!("{{type: array, {item}, {rest}}}"));
    let none: [&str; 0] = [];
    assert_eq!(list("x-kubernetes-list-type: atomic"), none);
    assert_eq!(list("x-kubernetes-list-type: bag"), [".x-kubernetes-list-type"]);
    assert_eq!(list("x-kubernetes-list-type: set"), [".items.x-kubernetes-map-type"]);
    assert_eq!(list("x-kubernetes-list-type: map"), [".x-kubernetes-list-map-keys"]);
    assert_eq!(list("x-kubernetes-list-map-keys: [a]"), [".x-kubernetes-list-type"]);
    assert_eq!(list("x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [a]"), none);
    assert_eq!(list("x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [z]"), [".x-kubernetes-list-map-keys"]);
    assert_eq!(list("x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [b]"), [".items.properties[b].default"]);
    assert_eq!(
        list("x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [a, a]"),
        [".x-kubernetes-list-map-keys"]
    );
    assert_eq!(
        list("x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [c]"),
        [".items.properties[c].default", ".items.properties[c].type",]
    );
    assert_eq!(schema_errors("{type: object, x-kubernetes-list-type: set}"), [".type"]);
    assert_eq!(schema_errors("{type: object, x-kubernetes-map-type: atomic}"), none);
    assert_eq!(schema_errors("{type: string, x-kubernetes-map-type: granular}"), [".type"]);
}

#[test]
fn defaults_match_their_schemas() {
    let cases: &[(&str, &[&str])] = &[
        ("{type: integer, default: 1}", &[]),
        ("{type: integer, default: x}", &[".default"]),
        ("{type: integer, default: 3, maximum: 2}", &[".default"]),
        ("{type: object, default: {a: x}, properties: {a: {type: integer}}}", &[".default.a"]),
        ("{type: object, default: {b: 1}, properties: {a: {type: integer}}}", &[".default"]),
        ("{type: object, default: {}, required: [a], properties: {a: {type: integer, default: 1}}}", &[]),
        ("{type: array, default: [1, x], items: {type: integer}}", &[".default[1]"]),
        ("{type: string, default: a, enum: [b]}", &[".default"]),
    ];
    for (schema, expected) in cases {
        assert_eq!(schema_errors(schema), *expected, "{schema}");
    }
    let meta = "schema: {openAPIV3Schema: {type: object, properties: {metadata: {type: object, properties: {name: {type: string, \
                default: a}}}}}}";
    let expected = ["spec.validation.openAPIV3Schema.properties[metadata].properties[name].default"];
    assert_eq!(errors(&definition(meta)), expected);
}

#[test]
fn the_root_is_an_object_with_predefined_metadata() {
    let root = |schema: &str| {
        let errors = errors(&definition(&format!("schema: {{openAPIV3Schema: {schema}}}")));
        errors.into_iter().map(|field| field.replace("spec.validation.openAPIV3Schema", "")).collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    assert_eq!(root("{type: object}"), none);
    assert_eq!(root("{type: array, items: {type: string}}"), [".type"]);
    assert_eq!(root("{type: object, nullable: true}"), [".nullable"]);
    assert_eq!(root("{type: object, additionalProperties: false}"), [".additionalProperties"]);
    assert_eq!(root("{type: object, properties: {metadata: {type: object}}}"), none);
    let name =
        "{type: object, properties: {metadata: {type: object, properties: {name: {type: string, maxLength: 9}}}}}";
    assert_eq!(root(name), none);
    assert_eq!(root(&name.replace("name:", "labels:")), [".properties[metadata]"]);
    assert_eq!(root("{type: object, properties: {kind: {type: integer}}}"), [".properties[kind].type"]);
    assert_eq!(root("{type: object, anyOf: [{properties: {a: {minimum: 1}}}]}"), [".properties[a]"]);
    assert_eq!(root("{type: object, oneOf: [{required: [a]}]}"), none);
    let with_status =
        "subresources: {status: {}}\n    schema: {openAPIV3Schema: {type: object, oneOf: [{required: [a]}]}}";
    assert_eq!(errors(&definition(with_status)), ["spec.validation.openAPIV3Schema"]);
}

#[test]
fn json_paths_refer_to_fields() {
    let schema = "schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {num: {type: integer}, obj: \
                  {type: object}}}}}}";
    let with = |rest: &str| errors(&definition(&format!("{rest}\n    {schema}")));
    let none: [&str; 0] = [];
    assert_eq!(with("selectableFields: [{jsonPath: .spec.num}]"), none);
    assert_eq!(with("selectableFields: [{jsonPath: .spec.obj}]"), ["spec.selectableFields[0].jsonPath"]);
    assert_eq!(with("selectableFields: [{jsonPath: .spec.x}]"), ["spec.selectableFields[0].jsonPath"]);
    assert_eq!(
        with("selectableFields: [{jsonPath: .spec.num}, {jsonPath: .spec.num}]"),
        ["spec.selectableFields[1].jsonPath"]
    );
    assert_eq!(with("additionalPrinterColumns: [{name: A, type: integer, jsonPath: .spec.num}]"), none);
    assert_eq!(
        with("additionalPrinterColumns: [{name: A, type: text, jsonPath: spec.num}]"),
        ["spec.additionalPrinterColumns[0].JSONPath", "spec.additionalPrinterColumns[0].type",]
    );
    let scale = |spec: &str, status: &str| {
        with(&format!("subresources: {{scale: {{specReplicasPath: {spec}, statusReplicasPath: {status}}}}}"))
    };
    assert_eq!(scale(".spec.num", ".status.num"), none);
    assert_eq!(
        scale(".status.num", "num"),
        ["spec.subresources.scale.specReplicasPath", "spec.subresources.scale.statusReplicasPath",]
    );
    let rule = |path: &str| {
        schema_errors(&format!(
            "{{type: object, properties: {{num: {{type: integer}}}}, x-kubernetes-validations: [{{rule: 'true', fieldPath: {path}}}]}}"
        ))
    };
    assert_eq!(rule(".num"), none);
    assert_eq!(rule(".m"), [".x-kubernetes-validations[0].fieldPath"]);
}

#[test]
fn fields_of_differing_versions_are_per_version() {
    let two = |second: &str| {
        definition(&format!(
            "schema: {{openAPIV3Schema: {{type: object}}}}\n  - name: v2\n    served: true\n    storage: false\n    schema: \
             {{openAPIV3Schema: {second}}}"
        ))
    };
    assert_eq!(errors(&two("{type: object}")), [""; 0]);
    assert_eq!(errors(&two("{type: string}")), ["spec.versions[1].schema.openAPIV3Schema.type"]);
}

#[test]
fn groups_of_the_kubernetes_community_need_approval() {
    let of = |group: &str, annotations: &str| {
        let text = definition("schema: {openAPIV3Schema: {type: object}}").replace("example.com", group);
        errors(&text.replace("metadata: {", &format!("metadata: {{annotations: {annotations}, ")))
    };
    let none: [&str; 0] = [];
    assert_eq!(of("acme.dev", "{}"), none);
    assert_eq!(of("acme.k8s.io", "{}"), ["metadata.annotations[api-approved.kubernetes.io]"]);
    assert_eq!(
        of("acme.k8s.io", "{api-approved.kubernetes.io: yes please}"),
        ["metadata.annotations[api-approved.kubernetes.io]"]
    );
    assert_eq!(of("acme.kubernetes.io", "{api-approved.kubernetes.io: 'https://example.com/1'}"), none);
    assert_eq!(of("acme.k8s.io", "{api-approved.kubernetes.io: 'unapproved, experimental'}"), none);
    assert_eq!(of("notk8s.io", "{}"), none);
}

#[test]
fn expressions_of_definitions_compile() {
    let with = |rule: &str| {
        schema_errors(&format!(
            "{{type: object, properties: {{num: {{type: integer}}, list: {{type: array, items: {{type: object, properties: {{a: \
             {{type: string}}}}, x-kubernetes-validations: [{rule}]}}}}, at: {{type: string, format: date-time}}, any: \
             {{x-kubernetes-int-or-string: true}}, b-c: {{type: boolean}}}}, x-kubernetes-validations: [{rule}]}}"
        ))
    };
    let both = |rule: &str| with(&format!("{{rule: {rule:?}, message: m}}"));
    let (top, below) =
        (".x-kubernetes-validations[0].rule", ".properties[list].items.x-kubernetes-validations[0].rule");
    assert_eq!(both("true"), [""; 0]);
    assert_eq!(both("self.num > 0"), [below]);
    assert_eq!(both("self.a == 'x'"), [top]);
    assert_eq!(both("self =="), [below, top]);
    assert_eq!(both("has(self.at) && self.at > timestamp('2026-01-01T00:00:00Z')"), [below]);
    assert_eq!(both("self.any == 1 || self.any == 'x' || self.b__dash__c"), [below]);
    assert_eq!(both("1"), [below, top]);
    // Reserved words of CEL are valid field names, escaped or not.
    let reserved = |rule: &str| {
        schema_errors(&format!(
            "{{type: object, properties: {{namespace: {{type: string}}, if: {{type: integer}}}}, x-kubernetes-validations: [{{rule: \
             {rule:?}}}]}}"
        ))
    };
    assert_eq!(reserved("self.namespace == 'a' && self.__namespace__ == 'a' && self.if == 1"), [""; 0]);
    assert_eq!(reserved("has(self.namespace) && self.namespace.size() > self.if"), [""; 0]);
    assert_eq!(reserved("self.namespace == 1"), [".x-kubernetes-validations[0].rule"]);
    assert_eq!(reserved("self.package == 'a'"), [".x-kubernetes-validations[0].rule"]);
    assert_eq!(reserved("namespace == 'a'"), [".x-kubernetes-validations[0].rule"]);
    // Items of a list that is not of type `map` have no `oldSelf`.
    assert_eq!(both("oldSelf == self"), [below]);
    // Fields of a map do, even of an atomic one: `MapIsCorrelatable` of the API server; CloudNativePG 1.23 has such a rule.
    for map in ["", ", x-kubernetes-map-type: atomic", ", x-kubernetes-map-type: granular"] {
        let field = "properties: {major: {type: integer, x-kubernetes-validations: [{rule: self == oldSelf}]}}";
        assert_eq!(schema_errors(&format!("{{type: object{map}, {field}}}")), [""; 0], "{map}");
    }
    assert_eq!(with("{rule: 'true', optionalOldSelf: true}").len(), 2);
    assert_eq!(with("{rule: 'true', messageExpression: '1'}").len(), 2);
    // In an invalid schema, only the syntax of rules is checked.
    assert_eq!(schema_errors("{type: text, x-kubernetes-validations: [{rule: self.x}]}"), [".type"]);
    assert_eq!(schema_errors("{type: text, x-kubernetes-validations: [{rule: self.x >}]}"), [".type", top]);
}

#[test]
fn rules_are_evaluated_on_resources() {
    let boats = |spec: &str| {
        let schema = definition(
            "subresources: {status: {}}\n    schema: {openAPIV3Schema: {type: object, x-kubernetes-validations: [{rule: \
             '!has(self.status)'}], properties: {status: {type: object}, spec: {type: object, properties: {crew: {type: integer}, \
             most: {type: integer, default: 5}, mode: {type: string}, sail: {type: object}, ports: {type: array, items: {type: \
             object, properties: {port: {type: integer}}, x-kubernetes-validations: [{rule: self.port > 0, messageExpression: \
             '\"port is \" + (self.port < 0 ? \"negative\" : \"zero\")'}]}}, ip: {type: string, x-kubernetes-validations: [{rule: isIP(self)}]}}, \
             x-kubernetes-validations: [{rule: self.crew <= self.most, message: too many aboard, fieldPath: .crew}, {rule: \
             '!has(self.mode) || self.mode != \"sail\" || has(self.sail)', message: sail needs sail}, {rule: oldSelf.crew <= \
             self.crew}]}}}}",
        );
        let text = format!(
            "{schema}---\napiVersion: example.com/v1\nkind: Thing\nmetadata: {{name: a}}\nstatus: {{}}\nspec: {spec}\n"
        );
        errors(&text)
    };
    assert_eq!(boats("{crew: 5}"), [""; 0]);
    assert_eq!(boats("{crew: 6}"), ["spec.crew"]);
    assert_eq!(boats("{crew: 6, most: 7, ip: '::1', ports: [{port: 1}]}"), [""; 0]);
    assert_eq!(boats("{crew: 1, ip: 10.0.0.300, ports: [{port: 1}, {port: 0}]}"), ["spec.ip", "spec.ports[1]"]);
    assert_eq!(boats("{crew: 1, mode: sail}"), ["spec"]);
    assert_eq!(boats("{crew: 1, mode: sail, sail: {}}"), [""; 0]);
    // If a value has the wrong type, the server does not evaluate the rules.
    assert_eq!(boats("{crew: 9, mode: 1}"), ["spec.mode"]);
    // Reading an absent field is an evaluation error.
    assert_eq!(boats("{}"), ["spec.crew"]);
}

#[test]
fn rules_can_read_fields_named_like_reserved_words() {
    let schema = definition(
        "schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {namespace: {type: string}}, \
         x-kubernetes-validations: [{rule: \"self.namespace != 'kube-system'\", message: m}]}}}}",
    );
    let thing = |namespace: &str| {
        errors(&format!(
            "{schema}---\napiVersion: example.com/v1\nkind: Thing\nmetadata: {{name: a}}\nspec: {{namespace: {namespace}}}\n"
        ))
    };
    assert_eq!(thing("default"), [""; 0]);
    assert_eq!(thing("kube-system"), ["spec"]);
}

#[test]
fn defaults_are_applied_before_one_of_is_evaluated() {
    let gateways = |spec: &str| {
        let schema = definition(
            "schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {type: {type: string, default: \
             IP}, value: {type: string}}, oneOf: [{properties: {type: {enum: [IP]}, value: {pattern: '^[0-9.]+$'}}}, {properties: \
             {type: {not: {enum: [IP]}}}}]}}}}",
        );
        errors(&format!("{schema}---\napiVersion: example.com/v1\nkind: Thing\nmetadata: {{name: a}}\nspec: {spec}\n"))
    };
    assert_eq!(gateways("{value: 1.2.3.4}"), [""; 0]);
    assert_eq!(gateways("{value: a.b}"), ["spec"]);
    assert_eq!(gateways("{value: a.b, type: Name}"), [""; 0]);
}

#[test]
fn sets_and_keyed_lists_are_compared_without_order() {
    let things = |spec: &str| {
        let schema = definition(
            "schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {a: {type: array, \
             x-kubernetes-list-type: set, items: {type: string}}, b: {type: array, x-kubernetes-list-type: set, items: {type: \
             string}}, c: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k], items: {type: object, \
             required: [k], properties: {k: {type: string}, v: {type: integer}}}}}, x-kubernetes-validations: [{rule: self.a == \
             self.b, fieldPath: .a}, {rule: (self.a + self.b).size() == 2, fieldPath: .b}, {rule: '(self.c + self.c).size() == \
             self.c.size()', fieldPath: .c}]}}}}",
        );
        errors(&format!("{schema}---\napiVersion: example.com/v1\nkind: Thing\nmetadata: {{name: a}}\nspec: {spec}\n"))
    };
    assert_eq!(things("{a: [p, q], b: [q, p], c: [{k: x, v: 1}, {k: z}]}"), [""; 0]);
    assert_eq!(things("{a: [p, q], b: [q, r], c: []}"), ["spec.a", "spec.b"]);
}

#[test]
fn formats_are_checked_also_in_any_of() {
    let pools = |spec: &str| {
        let schema = definition(
            "schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {cidr: {type: string, format: \
             cidr}, ip: {type: string, anyOf: [{format: ipv4}, {format: ipv6}]}, pod: {type: object, \
             x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}}}}}}",
        );
        errors(&format!("{schema}---\napiVersion: example.com/v1\nkind: Thing\nmetadata: {{name: a}}\nspec: {spec}\n"))
    };
    assert_eq!(pools("{cidr: 10.0.0.0/8, ip: '::1'}"), [""; 0]);
    assert_eq!(pools("{cidr: 'dead::beef::/64'}"), ["spec.cidr"]);
    assert_eq!(pools("{ip: not an ip}"), ["spec.ip"]);
    assert_eq!(pools("{pod: {apiVersion: v1, kind: Pod}}"), [""; 0]);
    assert_eq!(pools("{pod: {metadata: {name: a}}}"), ["spec.pod.apiVersion", "spec.pod.kind"]);
}
