//! Loading and emitting YAML: the loader is compared with kubectl's recorded results, the emitter with independent
//! readers.

use std::process::{Command, Stdio};

use plimsoll::finding::{RuleId, Severity};
use plimsoll::node::{Mapping, Node, Value};
use plimsoll::source::{FileId, Sources, Span};
use plimsoll::yaml::{self, Dialect, Loaded, emit, emit_stream, emit_with_parts, json, load, load_text};
use proptest::prelude::*;

fn read(text: &str, dialect: Dialect) -> Loaded {
    load_text(text, FileId(0), dialect)
}

fn read_one(text: &str) -> Node {
    let loaded = read(text, Dialect::Kubectl);
    assert!(
        loaded.findings.iter().all(|finding| finding.rule == RuleId::YamlAmbiguous),
        "{text:?}: {:?}",
        loaded.findings
    );
    assert_eq!(loaded.documents.len(), 1, "{text:?}");
    loaded.documents.into_iter().next().unwrap()
}

fn rules(loaded: &Loaded) -> Vec<&str> {
    loaded.findings.iter().map(|finding| finding.rule.name()).collect()
}

fn string(text: &str) -> Node {
    Node::new(text, Span::NONE)
}

fn mapping(entries: &[(&str, Node)]) -> Node {
    let mut mapping = Mapping::new();
    for (key, value) in entries {
        mapping.push(*key, Span::NONE, value.clone());
    }
    Node::new(mapping, Span::NONE)
}

#[test]
fn scalars_read_as_kubectl_reads_them() {
    let rows: Vec<serde_json::Value> = serde_json::from_str(include_str!("data/yaml-scalars.json")).unwrap();
    assert!(rows.len() > 150);
    for row in rows {
        let text = row["text"].as_str().unwrap();
        let loaded = read(&format!("v: {text}\n"), Dialect::Kubectl);
        let value = loaded.documents.first().map(|node| &node["v"].value);
        let failed = loaded.findings.iter().any(|finding| finding.rule != RuleId::YamlAmbiguous);
        if row["error"].as_bool() == Some(true) {
            assert!(failed, "{text:?} is refused by kubectl, read as {value:?}");
            continue;
        }
        assert!(!failed, "{text:?}: {:?}", loaded.findings);
        match (row["type"].as_str().unwrap(), value.unwrap()) {
            ("null", Value::Null) => {}
            ("boolean", Value::Bool(value)) => assert_eq!(Some(*value), row["value"].as_bool(), "{text:?}"),
            ("string", Value::String(value)) => assert_eq!(Some(value.as_str()), row["value"].as_str(), "{text:?}"),
            ("number", Value::Int(number)) => {
                assert_eq!(row["value"].as_str().unwrap(), number.to_string(), "{text:?}")
            }
            ("number", Value::Float(number)) => {
                assert_eq!(row["value"].as_str().unwrap().parse(), Ok(*number), "{text:?}");
            }
            (expected, got) => panic!("{text:?}: kubectl reads a {expected}, we {got:?}"),
        }
    }
}

#[test]
fn integral_floats_become_integers_in_manifests_only() {
    for text in ["1.0", "1e3", "-2.", "0.0"] {
        let value = |dialect| read(&format!("v: {text}\n"), dialect).documents[0]["v"].value.clone();
        assert!(matches!(value(Dialect::Kubectl), Value::Int(_)), "{text}");
        assert!(matches!(value(Dialect::Strict), Value::Float(_)), "{text}");
    }
    assert_eq!(read_one("v: 1.5\n")["v"].value, Value::Float(1.5));
}

#[test]
fn scalars_that_readers_read_differently_are_reported() {
    for text in ["yes", "No", "on", "y", "0777", "1_000", "0b11", "-0x1f", "010"] {
        let strict = read(&format!("v: {text}\n"), Dialect::Strict);
        assert_eq!(rules(&strict), ["yaml-ambiguous"], "{text}");
        assert_eq!(strict.findings[0].severity, plimsoll::finding::Severity::Error);
        let kubectl = read(&format!("v: {text}\n"), Dialect::Kubectl);
        assert_eq!(rules(&kubectl), ["yaml-ambiguous"], "{text}");
        assert!(kubectl.findings[0].severity < plimsoll::finding::Severity::Error);
    }
    for text in ["1:30", "2001-01-01", "2001-1-1T01:02:03Z", "0o17"] {
        assert_eq!(rules(&read(&format!("v: {text}\n"), Dialect::Strict)), ["yaml-ambiguous"], "{text}");
        assert_eq!(rules(&read(&format!("v: {text}\n"), Dialect::Kubectl)), Vec::<&str>::new(), "{text}");
    }
    for text in
        ["true", "null", "~", "0", "-1", "1.5", "1e3", "\"yes\"", "'0777'", "v1.2", "10.0.0.1", "30s", "2026-01-0kind"]
    {
        assert_eq!(rules(&read(&format!("v: {text}\n"), Dialect::Strict)), Vec::<&str>::new(), "{text}");
    }
}

#[test]
fn spans_cover_keys_and_values_in_code_points() {
    let sources = Sources::new();
    let text = "\u{feff}# häh\r\nmeta: {näme: \"x y\"}\r\nlist:\r\n- a\r\n- b: |\r\n    t\r\nend: 1\r\n";
    let file = sources.add("f.yaml", text);
    let node = load(&sources, file, Dialect::Strict).documents.remove(0);
    let describe = |node: &Node| (sources.text(node.origin.span), sources.describe(node.origin.span));
    assert_eq!(describe(&node["meta"]["näme"]), ("\"x y\"".into(), "f.yaml:2:14".into()));
    assert_eq!(describe(&node["meta"]), ("{näme: \"x y\"}".into(), "f.yaml:2:7".into()));
    assert_eq!(describe(&node["list"][0]), ("a".into(), "f.yaml:4:3".into()));
    assert_eq!(sources.describe(node["list"].origin.span), "f.yaml:4:1");
    assert_eq!(node["list"][1]["b"].text(), "t\n");
    assert_eq!(sources.text(node.entries()[0].key_span), "meta");
    assert_eq!(describe(&node["end"]), ("1".into(), "f.yaml:7:6".into()));
}

#[test]
fn an_invalid_document_does_not_affect_the_others() {
    let loaded = read("a: 1\n---\nb: [1\n---\n# nothing\n---\nc: 3\n--- # note\nd: 4\n", Dialect::Kubectl);
    assert_eq!(loaded.documents.len(), 3);
    assert_eq!(rules(&loaded), ["yaml-syntax"]);
    let quoted = read("a: |\n  ---\n  text\nb: '---'\n", Dialect::Kubectl);
    assert_eq!(quoted.documents.len(), 1);
    assert_eq!(quoted.documents[0]["a"].text(), "---\ntext\n");
    let directive = read("%YAML 1.1\n---\na: 1\n", Dialect::Kubectl);
    assert_eq!((directive.documents.len(), directive.findings.len()), (1, 0), "{:?}", directive.findings);
    let more = read("%YAML 1.1\n# words\n\n---\na: 1\n---\nb: 1\n# words\n---x\n", Dialect::Kubectl);
    assert_eq!(more.documents.len(), 1, "{:?}", more.findings);
    let more = read("%YAML 1.1\n# words\n\n---\na: 1\n---\n# words\n---\nb: 1\n", Dialect::Kubectl);
    assert_eq!((more.documents.len(), more.findings.len()), (2, 0), "{:?}", more.findings);
    assert!(read("", Dialect::Kubectl).documents.is_empty());
    assert!(read("# only words\n---\n", Dialect::Kubectl).documents.is_empty());
}

#[test]
fn a_stream_of_json_is_split_into_its_values() {
    let documents = |text: &str| {
        let loaded = read(text, Dialect::Kubectl);
        let shown: Vec<String> =
            loaded.documents.iter().map(json).map(|text| text.split_whitespace().collect()).collect();
        (shown.join(" "), loaded.findings.len())
    };
    for (text, expected) in [
        ("{\"a\": 1}\n{\"b\": [true, -1.5e3, null]}", "{\"a\":1} {\"b\":[true,-1500,null]}"),
        ("{\"a\": \"}{\\\"\"}{\"b\": {\n\"c\": {}}}\n", "{\"a\":\"}{\\\"\"} {\"b\":{\"c\":{}}}"),
        ("{a: 1}\n---\n{b: 2}\n", "{\"a\":1} {\"b\":2}"),
        ("{\"a\": 1}\n---\n{\"b\": 2}\n", "{\"a\":1} {\"b\":2}"),
        ("{\"a\": 1}\n", "{\"a\":1}"),
    ] {
        assert_eq!(documents(text), (expected.to_owned(), 0), "{text}");
    }
    for text in ["{\"a\": 1}}{", "{\"a\": 1}{\"b\": ", "{\"a\": \"", "{a: 1}{b: 2}"] {
        assert_eq!(documents(text).1, 1, "{text}");
    }
    // Offsets are relative to the whole input.
    let loaded = read("{\"a\": 1}\n{\"b\": 2}", Dialect::Kubectl);
    assert_eq!(loaded.documents[1]["b"].origin.span.start, 15);
}

#[test]
fn the_last_of_duplicate_keys_is_used_in_manifests() {
    for text in ["a: 1\nb: 2\na: 3\n", "{a: 1, b: 2, \"a\": 3}\n"] {
        let loaded = read(text, Dialect::Kubectl);
        assert_eq!(rules(&loaded), ["yaml-duplicate-key"]);
        assert_eq!((loaded.findings[0].severity, loaded.findings[0].related.len()), (Severity::Warning, 1));
        assert_eq!(loaded.documents[0]["a"].as_i64(), Some(3));
        let keys: Vec<&str> = loaded.documents[0].entries().iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, ["a", "b"]);
        let strict = read(text, Dialect::Strict);
        assert_eq!((strict.findings[0].severity, strict.documents.len()), (Severity::Error, 0));
    }
    let many: String = (0..200).map(|n| format!("k{n}: 1\n")).collect();
    assert!(read(&many, Dialect::Kubectl).findings.is_empty());
    for twice in ["k3", "k150", "k199"] {
        let loaded = read(&format!("{many}{twice}: 2\n"), Dialect::Kubectl);
        assert_eq!(rules(&loaded), ["yaml-duplicate-key"], "{twice}");
        assert_eq!(
            (loaded.documents[0][twice].as_i64(), loaded.documents[0].entries().len()),
            (Some(2), 200),
            "{twice}"
        );
    }
}

#[test]
fn keys_become_strings_as_in_kubectl() {
    let node = read_one("on: 1\n2: x\ntrue_: y\n1.5: z\n");
    let keys: Vec<&str> = node.entries().iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["true", "2", "true_", "1.5"]);
    assert_eq!(rules(&read("2: x\n", Dialect::Strict)), ["yaml-key"]);
    assert_eq!(rules(&read("null: x\n", Dialect::Kubectl)), ["yaml-key"]);
    assert_eq!(rules(&read("? [a]\n: x\n", Dialect::Kubectl)), ["yaml-key"]);
}

#[test]
fn an_unquoted_expression_has_help_to_quote_it() {
    let loaded = read("name: {{ namespace }}\n", Dialect::Strict);
    assert_eq!(rules(&loaded), ["yaml-key"]);
    assert!(loaded.findings[0].help.contains("quote"));
}

#[test]
fn aliases_and_merge_keys_expand_in_manifests_only() {
    let text = "base: &b {a: 1, b: 2}\nuse: *b\nmore:\n  <<: *b\n  b: 3\nmost:\n  c: 1\n  <<: [*b, {d: 4}]\n";
    let node = read_one(text);
    assert_eq!(node["use"], read_one("{a: 1, b: 2}"));
    assert_eq!(node["more"], read_one("{a: 1, b: 3}"));
    assert_eq!(node["most"], read_one("{a: 1, b: 2, c: 1, d: 4}"));
    assert_eq!(rules(&read(text, Dialect::Strict)), ["yaml-alias"]);
    assert_eq!(rules(&read("a: *nowhere\n", Dialect::Kubectl)).len(), 1);
    assert_eq!(rules(&read("a: &a [*a]\n", Dialect::Kubectl)), ["yaml-alias"]);
    assert_eq!(rules(&read("a: !!str 1\n", Dialect::Strict)), ["yaml-tag"]);
    assert_eq!(read_one("a: !!str 1\n")["a"].text(), "1");
}

#[test]
fn bombs_are_reported_as_errors() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
    }
    assert_eq!(rules(&read(&bomb, Dialect::Kubectl)), ["yaml-too-large"]);
    for deep in ["[".repeat(200_000), "- ".repeat(200_000), "{a: ".repeat(200_000), "- [".repeat(100_000)] {
        let loaded = read(&deep, Dialect::Kubectl);
        assert_eq!(loaded.findings.len(), 1, "{:?}", loaded.findings);
        assert!(loaded.documents.is_empty());
    }
    let level = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(&level(yaml::MAX_DEPTH), Dialect::Kubectl).findings.is_empty());
    assert_eq!(read(&level(yaml::MAX_DEPTH + 1), Dialect::Kubectl).findings.len(), 1);
}

/// The limit applies to the whole file, whether its documents are loaded in parallel or in sequence.
#[test]
fn documents_share_the_limit_of_alias_expansion() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..6 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
    }
    // Each expands to about 3.5 million nodes.
    let documents = |filler: &str| vec![format!("{bomb}z: *a5\n{filler}"); 4].join("---\n");
    let filler = "# nothing\n".repeat(10_000);
    for text in [documents(""), documents(&filler)] {
        let loaded = read(&text, Dialect::Kubectl);
        assert_eq!(loaded.documents.len(), 2);
        assert_eq!(rules(&loaded), ["yaml-too-large", "yaml-too-large"]);
        let third = text.match_indices("a0: ").nth(2).unwrap().0;
        assert!(loaded.findings.iter().all(|finding| finding.span.start as usize > third));
    }
    let merged = "x, ".repeat(100);
    let merges = format!("a: &a {{k: [{merged}]}}\nm: {{<<: [{}]}}\n", "*a, ".repeat(100_000));
    assert_eq!(rules(&read(&merges, Dialect::Kubectl)), ["yaml-too-large"]);
}

#[test]
fn json_is_read_including_tabs() {
    let node = read_one("{\n\t\"a\": [1, 2.5, true, null],\n\t\"b\": {\"c\": \"x\\ny\\u00e9\\/\"}\n}\n");
    assert_eq!(node["a"].items().len(), 4);
    assert_eq!(node["b"]["c"].text(), "x\nyé/");
}

#[test]
fn large_streams_are_read_the_same_in_parallel() {
    let document =
        |n: usize| format!("kind: ConfigMap\nmetadata: {{name: c{n}}}\ndata:\n  a: |\n    {}\n", "x".repeat(300));
    let text: String = (0..2000).map(|n| format!("---\n{}", document(n))).collect();
    let loaded = read(&text, Dialect::Kubectl);
    assert!(text.len() > 512 * 1024);
    assert_eq!(loaded.documents.len(), 2000);
    for (n, node) in loaded.documents.iter().enumerate() {
        assert_eq!(node["metadata"]["name"].text(), format!("c{n}"));
        let span = node["metadata"]["name"].origin.span;
        assert_eq!(&text[span.start as usize..span.end as usize], format!("c{n}"));
    }
}

#[test]
fn emitted_yaml_is_readable() {
    let node = mapping(&[
        ("apiVersion", string("v1")),
        ("on", string("yes")),
        ("port", Node::new(8080, Span::NONE)),
        ("text", string("a: 1\n\nb: 2\n")),
        ("open", string("no end\nhere")),
        ("kept", string("two\n\n")),
        (
            "nested",
            Node::new(vec![mapping(&[("name", string("x")), ("cpu", string("100m"))]), string("1e3")], Span::NONE),
        ),
        ("deep", Node::new(vec![Node::new(vec![string("a"), string("--port")], Span::NONE)], Span::NONE)),
        ("none", mapping(&[])),
        ("empty", string("")),
        ("last", Node::new(vec![], Span::NONE)),
    ]);
    let expected = "apiVersion: v1\n\"on\": \"yes\"\nport: 8080\ntext: |\n  a: 1\n\n  b: 2\nopen: |-\n  no end\n  here\n\
        kept: |+\n  two\n\nnested:\n- name: x\n  cpu: 100m\n- \"1e3\"\ndeep:\n- - a\n  - \"--port\"\n\"none\": {}\n\
        empty: \"\"\nlast: []\n";
    assert_eq!(emit(&node), expected);
    assert_eq!(read_one(expected), node);
    assert_eq!(emit_stream([&string("a"), &string("b")]), "a\n---\nb\n");
    // Bidirectional control characters are escaped, since they would show a reviewer a string other than the actual
    // one.
    assert_eq!(emit(&string("a\u{202e}\nb\u{200f}")), "\"a\\u202e\\nb\\u200f\"\n");
}

#[test]
fn parts_map_bytes_to_origins() {
    let node = read_one("a: x\nb: [1, \"two words\"]\nc: |\n  l1\n  l2\n");
    let (text, parts) = emit_with_parts(&node);
    let pieces: Vec<&str> = parts.iter().map(|part| &text[part.start as usize..part.end as usize]).collect();
    assert_eq!(pieces, ["x", "1", "two words", "|\n  l1\n  l2\n"]);
    assert_eq!(parts[2].origin.span, node["b"][1].origin.span);
}

/// Strings that some YAML readers parse as another value.
const NASTY: &[&str] = &[
    "",
    " ",
    "y",
    "n",
    "Yes",
    "on",
    "OFF",
    "~",
    "null",
    "NaN",
    ".inf",
    "-",
    "- a",
    "?",
    ":",
    "a:",
    "a: b",
    "a #b",
    "#",
    "!",
    "!!str",
    "&a",
    "*a",
    "|",
    ">",
    "%",
    "@",
    "`",
    "'",
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    "=",
    "<<",
    "0",
    "00",
    "0777",
    "0x1F",
    "0o7",
    "0b1",
    "1_0",
    "1e3",
    "1.5",
    ".5",
    "5.",
    "+1",
    "-1",
    "1:30",
    "2001-01-01",
    "2001-12-14t21:59:43Z",
    "---",
    "...",
    "--- a",
    "\t",
    "\ta",
    "a\t",
    "a\n",
    "\na",
    "\n",
    "\n\n",
    "a\nb",
    "a\n\n",
    " a\nb",
    "a \nb",
    "\ta\nb",
    "a\n\tb\n",
    "a\r\nb",
    "\r",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{feff}",
    "\u{7f}",
    "\0",
    "\u{1b}[31m",
    "é",
    "日本",
    "😀",
    "\u{fffe}",
    "a\u{85}b\nc",
    "1Gi",
    "100m",
    "v1.2.3",
    "localhost/x:y",
    "/a/b",
    "10.0.0.1",
    "10.0.0.0/8",
    "$(VAR)",
    "{{ x }}",
    "a\\b",
    "\\n",
    "true",
    "none",
    "12e03",
    "1d",
    "abc",
    "db",
    "e3",
    "face",
    "0xg",
    "1a",
    "no way",
    "a,b",
    "a b",
    "a  b",
    "a: ",
    "key:value",
    "-a",
    "a-",
    "x=y",
    "~a",
    "a|b\n- c\n  d: e\n",
];

fn in_all_places(text: &str) -> Node {
    mapping(&[
        ("value", string(text)),
        ("list", Node::new(vec![string(text), mapping(&[("in", string(text))])], Span::NONE)),
        ("keys", mapping(&[(text, string("x"))])),
        ("deep", mapping(&[("deeper", mapping(&[("last", string(text))]))])),
    ])
}

fn as_json(node: &Node) -> serde_json::Value {
    serde_json::from_str(&json(node)).unwrap()
}

fn reads_back(text: &str) {
    let node = in_all_places(text);
    let emitted = emit(&node);
    for dialect in [Dialect::Kubectl, Dialect::Strict] {
        let loaded = read(&emitted, dialect);
        assert!(loaded.findings.is_empty(), "{text:?}: {:?} in\n{emitted}", loaded.findings);
        assert_eq!(loaded.documents, std::slice::from_ref(&node), "{text:?} in\n{emitted}");
    }
    let independent: serde_json::Value =
        serde_saphyr::from_str(&emitted).unwrap_or_else(|error| panic!("{error}\n{emitted}"));
    assert_eq!(independent, as_json(&node), "{text:?} in\n{emitted}");
    assert_eq!(read(&json(&node), Dialect::Kubectl).documents, [node], "{text:?} as JSON");
}

#[test]
fn nasty_strings_read_back() {
    NASTY.iter().for_each(|text| reads_back(text));
    // YAML limits implicit keys to 1,024 characters, and JSON has no explicit keys.
    let long = mapping(&[(&"k".repeat(2000), string("x"))]);
    assert_eq!(read_one(&emit(&long)), long);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_string_reads_back(text in "\\PC{0,12}") { reads_back(&text); }

    #[test]
    fn any_unicode_reads_back(text in proptest::collection::vec(any::<char>(), 0..8)) {
        reads_back(&text.into_iter().collect::<String>());
    }

    #[test]
    fn number_like_strings_read_back(text in "[-+.0-9a-fxobe_:TZ]{1,9}") { reads_back(&text); }

    #[test]
    fn strings_of_several_lines_survive_a_round_trip(text in "[ \\t\\nab:#'\"|>-]{0,16}") { reads_back(&text); }

    #[test]
    fn loading_never_panics(text in "[\\PC\\n\\t]{0,80}") {
        let _ = read(&text, Dialect::Kubectl);
        let _ = read(&text, Dialect::Strict);
    }
}

#[test]
fn kubectl_reads_every_string_back() {
    if Command::new("kubectl")
        .arg("version")
        .arg("--client")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_err()
    {
        eprintln!("kubectl is not installed: its reading of the emitted strings is not compared");
        return;
    }
    let mut data = Mapping::new();
    for (at, text) in NASTY.iter().enumerate() {
        data.push(format!("k{at}"), Span::NONE, string(text));
    }
    let object = mapping(&[
        ("apiVersion", string("v1")),
        ("kind", string("ConfigMap")),
        ("metadata", mapping(&[("name", string("strings"))])),
        ("data", Node::new(data, Span::NONE)),
    ]);
    let mut child = Command::new("kubectl")
        .args(["annotate", "--local", "-o", "json", "-f", "-", "plimsoll.dev/roundtrip=1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), emit(&object).as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let read: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(read["data"], as_json(&object)["data"]);
}
