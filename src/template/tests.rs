#![allow(clippy::unwrap_used)]
//! Tests of the template language: each rule is triggered, and is silent otherwise.

use super::*;
use crate::node::Value;

fn inputs(values: &Node) -> Inputs<'_> {
    Inputs { values, profile: "web", environment: "e2e", folders: Node::absent() }
}

/// A schema of a few fields.
#[derive(Debug)]
struct Schema;

impl ProfileFields for Schema {
    fn fields(&self, path: &[&str]) -> AllowedFields {
        let closed = |names: &[&str]| AllowedFields::Closed(names.iter().map(|name| (*name).into()).collect());
        match path {
            [] => closed(&[
                "name", "port", "ratio", "live", "image", "labels", "hosts", "tables", "password", "own", "big",
            ]),
            ["image"] => closed(&["repository", "tag", "digest"]),
            ["own", _] => closed(&["nodePort"]),
            ["labels" | "tables" | "own"] | ["hosts"] => AllowedFields::Open,
            _ => AllowedFields::Scalar,
        }
    }
}

const PROFILE: &str = "\
name: web
port: 8080
ratio: 0.5
live: true
image: {repository: registry/web, tag: '1.10'}
labels:
  team: blue
  tier: front
hosts: [a.example, b.example]
tables: {events: true, notes: false}
password: hunter2-secret
own: {x: {nodePort: 30001}, z: {nodePort: 30002}}
";

fn json(node: &Node) -> String {
    serde_json::from_str::<serde_json::Value>(&yaml::json(node)).unwrap().to_string()
}

struct Rendered {
    sources: Sources,
    result: Result<Vec<Node>, Vec<Finding>>,
}

fn render_with(template: &str, profile: &str, names: &dyn ProfileFields) -> Rendered {
    let sources = Sources::new();
    let file = sources.add("profiles/web.yaml", profile);
    let loaded = yaml::load(&sources, file, Dialect::Strict);
    assert_eq!(loaded.findings, []);
    let mut values = loaded.documents.into_iter().next().unwrap();
    if let Some(password) = values.get_mut("password") {
        password.origin.derived_mut().secret = true;
    }
    let script = sources.add("templates/x/run.sh", "echo ${#PW} {{ $labels.x }} {% if %}\n");
    let read = |path: &str| match path {
        "x/run.sh" => Ok(script),
        _ => Err(format!("no file `{path}` under `templates/`")),
    };
    let file = sources.add("templates/t.yaml", template);
    let result = Templates::compile(&sources, &[file], names, &read)
        .and_then(|templates| {
            templates.instantiate(&Project::built_in(), &sources, &inputs(&values), &mut Patches::default())
        })
        .map(|instance| instance.documents);
    Rendered { sources, result }
}

fn render(template: &str) -> Rendered {
    render_with(template, PROFILE, &Schema)
}

impl Rendered {
    fn yaml(&self) -> String {
        match &self.result {
            Ok(nodes) => yaml::emit_stream(nodes),
            Err(findings) => panic!("{findings:#?}"),
        }
    }

    fn node(&self) -> &Node {
        &self.result.as_ref().unwrap()[0]
    }

    /// `rule position: message (help) [position message]`, one line per finding.
    fn errors(&self) -> String {
        let findings = self.result.as_ref().expect_err("it fails");
        let line = |finding: &Finding| {
            let mut text = format!("{} {}: {}", finding.rule, self.sources.describe(finding.span), finding.message);
            if !finding.help.is_empty() {
                text += &format!(" ({})", finding.help);
            }
            for (span, words) in &finding.related {
                text += &format!(" [{} {words}]", self.sources.describe(*span));
            }
            text
        };
        findings.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// The value of `v` in a template of the one line `v: "{{ expression }}"`, as JSON.
fn value(expression: &str) -> String {
    let rendered = render(&format!("v: \"{{{{ {expression} }}}}\"\n"));
    assert!(rendered.result.is_ok(), "{expression}: {}", rendered.errors());
    json(&rendered.node()["v"])
}

fn error(expression: &str) -> String {
    render(&format!("v: \"{{{{ {expression} }}}}\"\n")).errors()
}

#[test]
fn a_whole_scalar_keeps_its_type() {
    assert_eq!(value("port"), "8080");
    assert_eq!(value("port + 1"), "8081");
    assert_eq!(value("image.tag"), "\"1.10\"");
    assert_eq!(value("live"), "true");
    assert_eq!(value("ratio"), "0.5");
    assert_eq!(value("labels"), r#"{"team":"blue","tier":"front"}"#);
    assert_eq!(value("hosts"), r#"["a.example","b.example"]"#);
    assert_eq!(value("{'a': [port, labels.team]}"), r#"{"a":[8080,"blue"]}"#);
    assert_eq!(value("profile ~ '.' ~ environment"), "\"web.e2e\"");
    assert_eq!(value("port | string"), "\"8080\"");
}

#[test]
fn strings_may_contain_strings_integers_and_booleans() {
    let yaml = render("v: \"{{ image.repository }}:{{ image.tag }} {{ port }} {{ live }}\"\n").yaml();
    assert_eq!(yaml, "v: registry/web:1.10 8080 true\n");
    let bad = "v: \"x {{ ratio }}\"\nw: \"x {{ none }}\"\nx: \"x {{ labels }}\"\nz: \"x {{ hosts }}\"\n";
    let errors = render(bad).errors();
    let expected = "\
template-type templates/t.yaml:1:10: a number cannot be part of a string (write `| string`) [profiles/web.yaml:3:8 `ratio` is 0.5]
template-type templates/t.yaml:2:10: none cannot be part of a string (provide a string with `if … else`, or omit the whole field with `$if`)
template-type templates/t.yaml:3:10: a mapping cannot be part of a string (use a string, an integer or a boolean; `| join(', ')` converts a list to a string) [profiles/web.yaml:7:3 `labels` is a mapping]
template-type templates/t.yaml:4:10: a list cannot be part of a string (use a string, an integer or a boolean; `| join(', ')` converts a list to a string) [profiles/web.yaml:9:8 `hosts` is a list]";
    assert_eq!(errors, expected);
}

#[test]
fn other_template_syntaxes_are_literal_text() {
    let plain = "a: '{% if x %}'\nb: '{# c #}'\nc: 'x }} y'\nd: ${#PW}\n";
    assert_eq!(json(render(plain).node()), r##"{"a":"{% if x %}","b":"{# c #}","c":"x }} y","d":"${#PW}"}"##);
    assert_eq!(value("'{{'"), "\"{{\"");
    assert_eq!(value("'}}'"), "\"}}\"");
    let rendered = render("v: \"a {{ '{{' }} b\"\n");
    assert_eq!(rendered.node()["v"].text(), "a {{ b");
}

#[test]
fn an_unquoted_expression_gets_help() {
    let errors = render("v: {{ port }}\n").errors();
    assert!(errors.contains("templates/t.yaml:1:") && errors.contains("quote the expression"), "{errors}");
}

#[test]
fn none_removes_the_key_or_item_and_empty_collections_are_kept() {
    let template = "m: {a: \"{{ none }}\"}\nl: [\"{{ none }}\"]\ne: ''\nx: \"{{ port if live else none }}\"\nq: \"{{ none if live else port }}\"\n";
    assert_eq!(json(render(template).node()), r#"{"m":{},"l":[],"e":"","x":8080}"#);
    assert_eq!(json(render("a: {$if: live}\n").node()), r#"{"a":{}}"#);
}

#[test]
fn names_are_checked_against_the_schema_before_rendering() {
    let cases = [
        ("prot", "1:8: no field `prot` in the profile (did you mean `port`?)"),
        ("image.repo", "1:14: no field `repo` in `image` (did you mean `repository`?)"),
        ("1 if false else image.zzz", "no field `zzz` in `image` (available fields: `repository`, `tag` and `digest`)"),
        ("image['tga']", "no field `tga` in `image` (did you mean `tag`?)"),
        ("port.number", "`port` is a scalar and has no fields"),
        ("own.x.nodeprot", "no field `nodeprot` in `own.x` (did you mean `nodePort`?)"),
        ("name | uper", "unknown filter `uper` (did you mean `upper`?)"),
        ("name is defned", "unknown test `defned` (did you mean `defined`?)"),
        ("range(10)", "unknown function `range`"),
        ("labels.items()", "methods are not supported"),
    ];
    for (expression, expected) in cases {
        let errors = error(expression);
        assert!(errors.starts_with("template-name-unknown templates/t.yaml:1:"), "{expression}: {errors}");
        assert!(errors.contains(expected), "{expression}: {errors}");
    }
    assert_eq!(value("labels.team"), "\"blue\"");
    assert_eq!(value("own.x.nodePort"), "30001");
    assert_eq!(value("'port.prot | uper'"), "\"port.prot | uper\"");
}

#[test]
fn undefined_values_are_an_error_everywhere() {
    let cases = [
        "image.digest",
        "labels.nobody",
        "labels['no' ~ 'body']",
        "[port, labels.nobody]",
        "{'a': {'b': labels['nobody']}}",
        "labels.nobody == 'x'",
        "labels.nobody ~ 'x'",
        "labels.nobody or 'x'",
        "[labels.nobody] == ['x']",
        "[labels.nobody] | length",
        "'x' in [labels.nobody]",
        "labels.nobody | upper",
        "labels.nobody | string",
        "not labels.nobody",
        "1 if labels.nobody else 2",
        "port if not live",
        "(port if not live) ~ 'x'",
        "[port if not live] | length",
        "{'a': 1}['b']",
        "hosts[7]",
        "big",
    ];
    for expression in cases {
        let errors = error(expression);
        assert!(errors.starts_with("template-undefined templates/t.yaml:1:"), "{expression}: {errors}");
    }
    assert_eq!(
        error("image.digest"),
        "template-undefined templates/t.yaml:1:8: `image.digest` is not set (set it in the profile, or read an optional field \
         with `| optional` or `is defined`) [profiles/web.yaml:5:8 `image` is set here]"
    );
    assert!(error("port if not live").contains("this `if` has no `else`"));
    assert_eq!(value("port if live"), "8080");
    assert_eq!(value("'a' if not live else 'b' if live"), "\"b\"");
    assert!(error("1 if live if live").starts_with("template-syntax"));
}

#[test]
fn optional_fields_can_be_tested() {
    assert_eq!(value("image.digest is defined"), "false");
    assert_eq!(value("image.digest is not defined"), "true");
    assert_eq!(value("image.tag is defined and image.digest is not defined"), "true");
    assert_eq!(value("image.digest if image.digest is defined else image.tag"), "\"1.10\"");
    assert_eq!(value("image.digest | optional is none"), "true");
    assert_eq!(value("labels.nobody | optional is none"), "true");
    assert_eq!(json(render("v: \"{{ image.digest | optional }}\"\nw: 1\n").node()), r#"{"w":1}"#);
    assert_eq!(value("'nobody' in labels"), "false");
    assert_eq!(value("'team' in labels"), "true");
}

#[test]
fn numbers_that_parsers_disagree_on_are_rejected() {
    assert_eq!(value("5 // 2"), "2");
    assert_eq!(value("5 / 2"), "2.5");
    assert_eq!(value("(4 / 2) | int"), "2");
    for bad in ["4 / 2", "2.0", "10 ** 30", "9223372036854775808", "1.0e300 * 1.0e300"] {
        let errors = error(bad);
        assert!(errors.starts_with("template-type templates/t.yaml:1:8"), "{bad}: {errors}");
    }
    // Such a number in the profile is an error too, on its own or nested.
    for (profile, template) in [("f: 2.0\n", "v: \"{{ f }}\"\n"), ("m: {f: 1e30}\n", "v: \"{{ m }}\"\n")] {
        let errors = render_with(template, profile, &AnyField).errors();
        assert!(errors.starts_with("template-type templates/t.yaml:1:8"), "{errors}");
    }
    assert!(error("4 / 2").contains("| string"));
    assert!(error("9223372036854775808").contains("| string"));
}

#[test]
fn type_errors_name_the_profile_line() {
    let errors = error("port + name");
    assert!(errors.starts_with("template-type templates/t.yaml:1:8"), "{errors}");
    assert!(errors.contains("[profiles/web.yaml:2:7 `port` is 8080]"), "{errors}");
    assert!(errors.contains("[profiles/web.yaml:1:7 `name` is \"web\"]"), "{errors}");
}

#[test]
fn secrets_are_not_in_messages_and_stay_marked() {
    for bad in ["password + 1", "password | int", "password | join", "{password: 1}[1]"] {
        assert!(!error(bad).contains("hunter2"), "{}", error(bad));
    }
    let rendered = render(
        "a: \"{{ password }}\"\nb: \"x {{ password }}\"\nc: {$yaml: {p: \"{{ password | upper }}\"}}\nd: \"{{ name }}\"\n",
    );
    let node = rendered.node();
    assert!(["a", "b", "c"].iter().all(|key| node[*key].origin.is_secret()));
    assert!(!node["d"].origin.is_secret());
    assert!(error("password | upper | int").contains("a secret"));
}

#[test]
fn rendered_values_record_their_template_line_and_inputs() {
    let rendered =
        render("a: \"{{ port if live else none }}\"\nl: \"{{ labels }}\"\nt: \"http://{{ name }}:{{ port }}\"\n");
    let node = rendered.node();
    let inputs = |node: &Node| -> Vec<(String, String)> {
        let input =
            |input: &crate::node::Input| (input.path.to_string(), rendered.sources.describe(input.node.origin.span));
        node.origin.inputs().iter().map(input).collect()
    };
    let pair = |path: &str, at: &str| (path.to_owned(), format!("profiles/web.yaml:{at}"));
    assert_eq!(rendered.sources.describe(node["a"].origin.span), "templates/t.yaml:1:4");
    assert_eq!(node["a"].origin.derived.as_ref().unwrap().expression.as_deref(), Some("port if live else none"));
    assert_eq!(inputs(&node["a"]), [pair("live", "4:7"), pair("port", "2:7")]);
    assert_eq!(inputs(&node["l"]["tier"]), [pair("labels.tier", "8:9")]);
    assert_eq!(rendered.sources.describe(node["l"]["tier"].origin.span), "templates/t.yaml:2:4");
    assert_eq!(inputs(&node["t"]), [pair("name", "1:7"), pair("port", "2:7")]);
    // A leaf of a merged mapping keeps its own line.
    let rendered = render("l: \"{{ labels | merge({'x': 'y'}) }}\"\n");
    let leaf = &rendered.node()["l"]["team"].origin;
    assert_eq!(leaf.inputs()[0].path, "labels.team");
    assert_eq!(leaf.inputs().len(), 1);
}

#[test]
fn if_takes_a_boolean_and_is_allowed_everywhere() {
    let template = "a: {$if: live, b: 1}\nc: {$if: not live, d: 1}\nl:\n  - {$if: port == 8080, x: 1}\n  - {$if: port == 1, x: 2}\n---\n$if: environment == 'ci'\nkind: X\n";
    assert_eq!(render(template).yaml(), "a:\n  b: 1\nl:\n- x: 1\n");
    for (bad, expected) in [
        ("a: {$if: port, b: 1}\n", "template-type templates/t.yaml:1:10: `$if` expects a boolean, not a number"),
        ("a: {$if: \"{{ live }}\"}\n", "template-directive templates/t.yaml:1:10: `$if` must be a single expression"),
        ("a: {$if: 3}\n", "template-directive templates/t.yaml:1:10: `$if` expects an expression, not a number"),
        ("a: {$fi: live}\n", "template-directive templates/t.yaml:1:5: unknown directive `$fi` (did you mean `$if`?)"),
        (
            "a: {$contentName: true}\n",
            "template-directive templates/t.yaml:1:5: `$contentName` is only allowed in `metadata`",
        ),
        ("a: {$if: labels.nobody == 'x'}\n", "template-undefined templates/t.yaml:1:10"),
        ("a: {$if: prot == 1}\n", "template-name-unknown templates/t.yaml:1:10: no field `prot`"),
    ] {
        let errors = render(bad).errors();
        assert!(errors.starts_with(expected), "{errors}");
    }
}

#[test]
fn an_if_beside_a_for_guards_its_list() {
    let rendered = render(
        "l:\n  - {$for: x in labels.gone, $if: not live, a: \"{{ x }}\"}\nm:\n  \"{{ x }}\": {$for: x in labels.gone, $if: not live, a: 1}\n",
    );
    assert_eq!(json(rendered.node()), r#"{"l":[],"m":{}}"#);
    for when in ["live", "x != ''"] {
        let errors = render(&format!("l:\n  - {{$for: x in labels.gone, $if: \"{when}\", a: 1}}\n")).errors();
        assert!(errors.starts_with("template-undefined"), "{errors}");
    }
}

#[test]
fn for_repeats_items_entries_and_documents() {
    let template = "\
l:
  - {$for: host in hosts, name: \"{{ host }}\", $if: \"host != 'b.example'\"}
  - last: true
m:
  \"{{ e.key }}-port\": {$for: e in own | entries, p: \"{{ e.value.nodePort }}\"}
  z: 1
k:
  - {$for: t in tables, table: \"{{ t }}\", live: \"{{ tables[t] }}\"}
o:
  - $for: a in hosts
    inner:
      - {$for: 'b in [1, 2]', v: \"{{ a }}{{ b }}\"}
---
$for: host in hosts
$if: host != 'a.example'
name: \"{{ host }}\"
";
    let rendered = render(template);
    let json: Vec<String> = rendered.result.as_ref().unwrap().iter().map(json).collect();
    assert_eq!(
        json,
        [
            r#"{"l":[{"name":"a.example"},{"last":true}],"m":{"x-port":{"p":30001},"z-port":{"p":30002},"z":1},"k":[{"table":"events","live":true},{"table":"notes","live":false}],"o":[{"inner":[{"v":"a.example1"},{"v":"a.example2"}]},{"inner":[{"v":"b.example1"},{"v":"b.example2"}]}]}"#,
            r#"{"name":"b.example"}"#
        ]
    );
    let port = &rendered.node()["m"]["z-port"]["p"];
    assert_eq!(port.origin.inputs()[0].path, "own.z.nodePort");
    let table = &rendered.node()["k"][1]["table"];
    assert_eq!(table.origin.inputs()[0].path, "tables.notes");
}

#[test]
fn invalid_for_directives_are_errors() {
    for (bad, expected) in [
        (
            "l: [{$for: x of hosts}]\n",
            "template-directive templates/t.yaml:1:12: `$for` must be `<name> in <expression>`",
        ),
        (
            "l: [{$for: x in port}]\n",
            "template-type templates/t.yaml:1:17: `$for` expects a list or a mapping, not a number",
        ),
        ("l: [{$for: x in labels.nobody}]\n", "template-undefined templates/t.yaml:1:17"),
        ("l: [{$for: port in hosts}]\n", "template-directive templates/t.yaml:1:12: the name `port` is already used"),
        ("l: [{$for: x in hosts, q: \"{{ x.z }}\"}]\n", "template-name-unknown templates/t.yaml:1:33: `x` is a scalar"),
        (
            "l: [{$for: e in own | entries, q: \"{{ e.vlue }}\"}]\n",
            "template-name-unknown templates/t.yaml:1:41: no field `vlue` in an entry (did you mean `value`?)",
        ),
        ("m: {\"{{ name }}\": 1}\n", "template-directive templates/t.yaml:1:5: expression in a key"),
        ("m: {a: {$for: x in hosts, b: 1}}\n", "template-duplicate-key templates/t.yaml:1:5: duplicate key `a`"),
        (
            "m: {a.example: 1, \"{{ x }}\": {$for: x in hosts, b: 1}}\n",
            "template-duplicate-key templates/t.yaml:1:19: duplicate key `a.example`",
        ),
        ("m: {\"{{ x }}\": {$for: 'x in [1, 2]', b: 1}}\n", "template-type templates/t.yaml:1:5: the key is a number"),
        ("m: {$yaml: {$for: x in hosts}}\n", "template-directive templates/t.yaml:1:19: `$for` is not allowed here"),
    ] {
        let errors = render(bad).errors();
        assert!(errors.starts_with(expected), "{bad}: {errors}");
    }
    // A `$for` variable is only in scope within its item.
    assert!(render("l: [{$for: x in hosts}]\nm: \"{{ x }}\"\n").errors().contains("no field `x`"));
}

#[test]
fn a_list_or_a_scalar_can_be_conditional() {
    let template = "a: {$if: live, $value: [1, \"{{ port }}\"]}\nb: {$if: not live, $value: [2]}\nc: {$if: live, $value: x}\nl:\n- {$for: host in hosts, $value: \"{{ host }}\"}\n---\n$if: not live\n$value: {kind: X}\n";
    assert_eq!(render(template).yaml(), "a:\n- 1\n- 8080\nc: x\nl:\n- a.example\n- b.example\n");
    let errors = render("a: {$value: 1, b: 2}\n").errors();
    assert!(errors.starts_with("template-directive templates/t.yaml:1:16: `$value` cannot be combined"), "{errors}");
}

#[test]
fn serialized_trees_keep_the_origins_of_their_leaves() {
    let rendered = render(
        "c:\n  $yaml:\n    port: \"{{ port }}\"\n    hosts: \"{{ hosts }}\"\n    x: {$if: not live, q: 1}\n    tag: \"{{ image.tag }}\"\nj: {$json: {a: [\"{{ port }}\", b]}}\ns: {$if: not live, $yaml: {a: 1}}\n",
    );
    let node = rendered.node();
    assert_eq!(node["c"].text(), "port: 8080\nhosts:\n- a.example\n- b.example\ntag: \"1.10\"\n");
    assert_eq!(node["j"].text(), "{\n  \"a\": [\n    8080,\n    \"b\"\n  ]\n}");
    assert!(node.get("s").is_none());
    let derived = node["c"].origin.derived.as_ref().unwrap();
    let part =
        derived.text_parts.iter().find(|part| &node["c"].text()[part.start as usize..part.end as usize] == "8080");
    assert_eq!(part.unwrap().origin.inputs()[0].path, "port");
    assert!(derived.inputs.iter().any(|input| input.path == "hosts[1]"));
    let errors = render("c: {$yaml: {a: 1}, b: 2}\n").errors();
    assert!(errors.starts_with("template-directive templates/t.yaml:1:20: `$yaml` cannot be combined"), "{errors}");
}

#[test]
fn a_file_is_not_evaluated() {
    let rendered = render("c: {$file: x/run.sh}\n");
    assert_eq!(rendered.node()["c"].text(), "echo ${#PW} {{ $labels.x }} {% if %}\n");
    let parts = &rendered.node()["c"].origin.derived.as_ref().unwrap().text_parts;
    assert_eq!(rendered.sources.describe(parts[0].origin.span), "templates/x/run.sh:1:1");
    assert!(
        render("c: {$file: x/no.sh}\n").errors().starts_with("template-file templates/t.yaml:1:12: no file `x/no.sh`")
    );
    assert!(
        render("c: {$file: \"{{ name }}\"}\n")
            .errors()
            .contains("`$file` must name a folder before its first expression")
    );
    assert!(render("c: {$file: [a]}\n").errors().contains("must be a path, not a list"));
}

#[test]
fn functions_return_the_documented_results() {
    assert_eq!(value("tables | enabled | join(' ')"), "\"events\"");
    assert_eq!(value("{} | enabled"), "[]");
    assert_eq!(value("['', 'f', 'fo', 'foo', 'é'] | join(',')"), "\",f,fo,foo,é\"");
    assert_eq!(value("'foobar' | b64encode"), "\"Zm9vYmFy\"");
    assert_eq!(value("'fooba' | b64encode"), "\"Zm9vYmE=\"");
    assert_eq!(value("'foob' | b64encode"), "\"Zm9vYg==\"");
    assert_eq!(value("'' | b64encode"), "\"\"");
    assert_eq!(value("'abc' | sha256"), "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"");
    assert_eq!(value("labels | keys"), r#"["team","tier"]"#);
    assert_eq!(value("labels | values"), r#"["blue","front"]"#);
    assert_eq!(value("labels | without('tier') | merge({'a': 1}, {'team': 'red'})"), r#"{"a":1,"team":"red"}"#);
    assert_eq!(value("'a,b' | split(',')"), r#"["a","b"]"#);
    assert_eq!(value("'7' | int + 1"), "8");
    assert_eq!(value("hosts | first | upper | replace('.', '-')"), "\"A-EXAMPLE\"");
    assert_eq!(value("[port, 9090] | max"), "9090");
    assert_eq!(
        value("app_labels('web', component='api', part_of='shop')"),
        r#"{"app.kubernetes.io/name":"web","app.kubernetes.io/component":"api","app.kubernetes.io/part-of":"shop","app.kubernetes.io/managed-by":"plimsoll"}"#
    );
    for (bad, expected) in [
        ("app_labels('web', colour='red')", "colour"),
        ("hosts | string", "`string` expects a string, a number or a boolean, not a list"),
        ("name | merge({})", "`merge` expects a mapping, not a string"),
        ("'x' | int", "`int` expects an integer"),
        ("2.5 | int", "`int` expects an integer"),
        ("name | join(',')", "`join` expects a list, not a string"),
        ("[labels] | join(',')", "`join` cannot join a mapping"),
        ("port | sha256", "`sha256` expects a string, not a number"),
    ] {
        let errors = error(bad);
        assert!(errors.starts_with("template-type") && errors.contains(expected), "{errors}");
    }
}

#[test]
fn a_field_cannot_have_the_name_of_a_function() {
    #[derive(Debug)]
    struct ReservedFields;
    impl ProfileFields for ReservedFields {
        fn fields(&self, _: &[&str]) -> AllowedFields {
            AllowedFields::Closed(vec!["app_labels".into(), "profile".into(), "port".into()])
        }
    }
    let errors = render_with("a: 1\n", PROFILE, &ReservedFields).errors();
    assert_eq!(errors.lines().filter(|line| line.starts_with("template-name-taken")).count(), 2, "{errors}");
}

#[test]
fn syntax_errors_are_reported_at_their_position() {
    for (bad, at) in [("port +", "1:13"), ("(port", "1:5"), ("port port", "1:13"), ("-", "1:8"), ("a b c", "1:8")] {
        let errors = error(bad);
        assert!(errors.contains(&format!("templates/t.yaml:{at}")), "{bad}: {errors}");
    }
    // Unclosed brackets, which only occur in directives.
    for bad in ["$if: 'live if ('", "$if: '(live if [('", "$for: 'x in hosts if {'"] {
        let errors = render(&format!("{bad}\na: 1\n")).errors();
        assert!(errors.starts_with("template-syntax templates/t.yaml:1:"), "{bad}: {errors}");
    }
    // Escapes make the position unknown; the scalar is reported.
    let errors = render("v: \"\\x61 {{ 'x' +\\x20}}\"\n").errors();
    assert!(errors.starts_with("template-syntax templates/t.yaml:1:"), "{errors}");
}

#[test]
fn malicious_templates_fail_quickly() {
    let started = std::time::Instant::now();
    let deep = format!("{}{}", "[".repeat(140), "]".repeat(140));
    let nested = format!("{}port{}", "(".repeat(2000), ")".repeat(2000));
    let not = format!("{}live", "not ".repeat(5000));
    let doubling = (0..40).fold("'x'".to_owned(), |inner, _| format!("({inner}) * 2"));
    let hostile = [
        "'x' * 1000000000",
        "'x' * 1000000000 * 1000000000",
        "[0] * 1000000000",
        "[[[[[port] * 99] * 99] * 99] * 99] * 99",
        "[[labels] * 5000] * 5000 ~ 'x'",
        "[hosts * 5000] * 5000 == [hosts * 5000] * 5000",
        "hosts * 600000",
        "hosts * 200000 * 200000",
        "('x' * 9999999) | replace('x', 'yyyyyyyyyyyyyyyyyyyy')",
        "10 ** 10 ** 10 ** 10",
        "(hosts * 1000000) | sort | unique | join",
        deep.as_str(),
        nested.as_str(),
        not.as_str(),
        doubling.as_str(),
    ];
    for expression in hostile {
        let rendered = render(&format!("v: \"{{{{ {expression} }}}}\"\n"));
        let first: String = expression.chars().take(60).collect();
        assert!(rendered.result.is_err(), "{first}");
        assert!(started.elapsed().as_secs() < 120, "{first} {:?}", started.elapsed());
    }
    // Nested loops with little output each, most of it dropped.
    let rounds = "v:\n  - $for: a in hosts * 2000\n    w:\n      - {$for: b in hosts * 2000, $if: b == '', x: 1}\n";
    let errors = render(rounds).errors();
    assert!(errors.starts_with("template-too-large"), "{errors}");
    assert_eq!(errors.lines().count(), 1);
    assert!(started.elapsed().as_secs() < 120, "{:?}", started.elapsed());
}

#[test]
fn all_errors_are_reported_at_once() {
    let errors = render("a: \"{{ prot }}\"\nb: \"{{ image.tga }}\"\n---\nc: {$iff: live}\n").errors();
    assert_eq!(errors.lines().count(), 3, "{errors}");
    let errors = render("a: \"{{ big }}\"\nb: \"{{ labels.x }}\"\n---\nc: \"{{ port + name }}\"\n").errors();
    assert_eq!(errors.lines().count(), 3, "{errors}");
}

#[test]
fn templates_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Templates>();
    assert!(matches!(Node::default().value, Value::Null));
}

#[test]
fn enabled_returns_the_keys_that_are_true() {
    assert_eq!(value("tables | enabled"), r#"["events"]"#);
    assert_eq!(value("tables | enabled | join(' ')"), "\"events\"");
    assert!(error("labels | enabled").contains("`enabled` expects a boolean for each key, not a string for `team`"));
    let rendered = render("v: \"{{ tables | enabled }}\"\n");
    assert_eq!(rendered.node()["v"][0].origin.inputs()[0].path, "tables.events");
}

const CONFIG: &str = "kind: ConfigMap\nmetadata: {name: config}\ndata: {port: \"{{ port | string }}\"}\n";

#[test]
fn a_checksum_changes_with_its_config_map() {
    let pod = "kind: Pod\nmetadata: {annotations: {checksum/config: \"{{ checksum('config') }}\"}}\n";
    let sum = |text: &str| {
        let rendered = render(text);
        let documents = rendered.result.as_ref().unwrap();
        let pod = documents.iter().find(|document| document["kind"].text() == "Pod").unwrap();
        let node = pod.at(&["metadata", "annotations", "checksum/config"]);
        assert_eq!(node.origin.inputs().iter().map(|input| &*input.path).collect::<Vec<_>>(), ["port"]);
        node.text().to_owned()
    };
    let first = sum(&format!("{pod}---\n{CONFIG}"));
    assert_eq!(first.len(), 32);
    assert_eq!(first, sum(&format!("{CONFIG}---\n{pod}")));
    assert_eq!(first, sum(&format!("{}---\n{pod}", CONFIG.replace("{name", "{labels: {a: b}, name"))));
    assert_ne!(first, sum(&format!("{}---\n{pod}", CONFIG.replace("port | string", "port + 1"))));
    let errors = render(&format!("{CONFIG}---\n{}", pod.replace("('config')", "('confg')"))).errors();
    assert!(errors.contains("ConfigMap `confg` not found") && errors.contains("did you mean `config`?"), "{errors}");
    // A checksum of a Secret would allow guessing its value.
    assert!(render(&format!("{}---\n{pod}", CONFIG.replace("ConfigMap", "Secret"))).result.is_err());
    assert!(render(&format!("{CONFIG}---\n{CONFIG}---\n{pod}")).errors().contains("more than one ConfigMap"));
}

/// A project in a folder, with a profile that refers to `sql/`.
fn with_folder(files: &[(&str, &str)], template: &str, profile: &str) -> Rendered {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    for (path, text) in [("templates/t.yaml", template), ("profiles/web.yaml", profile), ("plimsoll.toml", "")] {
        std::fs::create_dir_all(folder.path().join(path).parent().unwrap()).unwrap();
        std::fs::write(folder.path().join(path), text).unwrap();
    }
    let sources = Sources::new();
    let project = Project::open(folder.path(), &sources).unwrap();
    let file = sources.add("profiles/web.yaml", profile);
    let values = yaml::load(&sources, file, Dialect::Strict).documents.remove(0);
    let result = match Templates::load(&project, &sources, &AnyField) {
        Ok(templates) => templates
            .instantiate(&project, &sources, &inputs(&values), &mut Patches::default())
            .map(|instance| instance.documents),
        Err(failure) => Err(failure.findings().to_vec()),
    };
    Rendered { sources, result }
}

#[test]
fn migrations_are_read_from_the_project_or_from_the_team() {
    let template =
        "v: \"{{ team_sql(folder, tables | enabled) if folder is defined else sql('own', tables | enabled) }}\"\n";
    let files = [
        ("templates/own/1_a.sql", "CREATE TABLE a (id int);\n"),
        ("templates/own/2_b.sql", "CREATE TABLE b (id int);\n"),
        ("profiles/sql/x.sql", "CREATE TABLE t (id int);\n"),
        ("profiles/bad/x.sql", "CREATE TABLE t (id int);\n\\d t\n"),
    ];
    let own = with_folder(&files, template, "tables: {a: true, b: false}\n");
    assert_eq!(
        json(&own.node()["v"]),
        r#"[{"index":1,"data":{"order":"transaction - 1_a.sql\n","1_a.sql":"CREATE TABLE a (id int);\n"}}]"#
    );
    let part = &own.node()["v"][0]["data"]["1_a.sql"].origin.derived.as_ref().unwrap().text_parts[0];
    assert!(own.sources.describe(part.origin.span).ends_with("templates/own/1_a.sql:1:1"));
    let team = with_folder(&files, template, "tables: {t: true}\nfolder: sql\n");
    assert_eq!(team.node()["v"][0]["data"].entries().len(), 2);
    for (profile, rule, position, message) in [
        (
            "tables: {c: true}\n",
            "migration-table-missing",
            "profiles/web.yaml:1:13",
            "no migration in `own` creates table `c`",
        ),
        ("tables: {t: true}\nfolder: none\n", "file-not-found", "profiles/web.yaml:2:9", "not found"),
        ("tables: {t: true}\nfolder: ../../../..\n", "file-outside-project", "profiles/web.yaml:2:9", "is outside"),
        ("tables: {t: true}\nfolder: bad\n", "migration-psql-command", "profiles/bad/x.sql:2:1", ""),
    ] {
        let errors = with_folder(&files, template, profile).errors();
        let line = errors.lines().next().unwrap();
        assert!(line.starts_with(rule) && line.contains(position) && line.contains(message), "{errors}");
    }
}

#[test]
fn large_migrations_are_split() {
    let text = format!("CREATE TABLE t (id int);\n-- {}\n", "x".repeat(90 << 10));
    let names: Vec<String> = (1..=5).map(|number| format!("templates/own/{number}.sql")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), text.as_str())).collect();
    let rendered = with_folder(&files, "v: \"{{ sql('own', ['t']) }}\"\n", "a: b\n");
    let parts: Vec<usize> = rendered.node()["v"].items().iter().map(|part| part["data"].entries().len()).collect();
    assert_eq!(parts, [3, 2, 1]);
}

#[test]
fn files_outside_templates_are_rejected() {
    for path in ["../profiles/web.yaml", "/etc/passwd", "a/../../plimsoll.toml"] {
        let errors = with_folder(&[], &format!("v: {{$file: {path}}}\n"), "a: b\n").errors();
        assert!(errors.starts_with("template-file") && errors.contains("is outside"), "{errors}");
    }
    #[cfg(unix)]
    {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("templates")).unwrap();
        std::fs::write(folder.path().join("plimsoll.toml"), "").unwrap();
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join("templates/link")).unwrap();
        std::os::unix::fs::symlink("../plimsoll.toml", folder.path().join("templates/inside")).unwrap();
        for link in ["link", "inside"] {
            std::fs::write(folder.path().join("templates/t.yaml"), format!("v: {{$file: {link}}}\n")).unwrap();
            let sources = Sources::new();
            let project = Project::open(folder.path(), &sources).unwrap();
            let failure = Templates::load(&project, &sources, &AnyField).unwrap_err();
            assert!(failure.findings()[0].message.contains("is outside"), "{failure:?}");
        }
    }
}
