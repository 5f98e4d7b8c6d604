//! Pictures as files that people open: SVG and HTML.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Output};

use roxmltree::{Document, Node, ParsingOptions};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plimsoll")).args(args).current_dir(ROOT).output().unwrap()
}

/// What a command prints that ends well.
fn printed(args: &[&str]) -> String {
    let output = run(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn parsed(text: &str) -> Document<'_> {
    Document::parse_with_options(text, ParsingOptions { allow_dtd: true, ..ParsingOptions::default() })
        .unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The elements that have a class.
fn of_class<'a>(document: &'a Document<'_>, class: &'a str) -> impl Iterator<Item = Node<'a, 'a>> {
    let classes = |node: &Node<'_, '_>| node.attribute("class").unwrap_or_default().to_owned();
    document.descendants().filter(move |node| classes(node).split(' ').any(|known| known == class))
}

/// Nothing of a document is loaded from elsewhere: references stay within it, and no style or script names an address.
fn assert_self_contained(document: &Document<'_>) {
    for node in document.descendants().filter(Node::is_element) {
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            if matches!(name, "href" | "src" | "srcset" | "data" | "action" | "poster") {
                assert!(value.starts_with('#'), "{name}={value}");
            }
            assert!(!name.starts_with("on"), "{name}={value}");
            assert!(!value.contains("url(") || value.starts_with("url(#"), "{name}={value}");
        }
        let name = node.tag_name().name();
        assert!(!matches!(name, "image" | "img" | "iframe" | "object" | "embed" | "foreignObject" | "link"), "{name}");
        if matches!(name, "style" | "script") {
            let text = node.text().unwrap_or_default();
            for word in ["url(", "@import", "http:", "https:", "fetch(", "XMLHttpRequest", "import("] {
                assert!(!text.contains(word), "{name} with {word}");
            }
        }
    }
}

/// A Deployment with hostile labels and names beside what it lacks.
const HOSTILE: &str = r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: "a\"><script>alert(1)</script>&amp;"
  labels: {app: "]]></style><script>alert(2)</script>"}
data: {k: "</script><script>alert(3)</script><!--"}
---
apiVersion: v1
kind: "</title><img src=x onerror=alert(4)>"
metadata: {name: "\e[31m\u202e\uffff${alert(5)}"}
---
apiVersion: v1
kind: Pod
metadata: {name: "javascript:alert(6)"}
spec:
  containers:
  - name: a
    image: a:1
    envFrom: [{configMapRef: {name: "a\"><script>alert(1)</script>&amp;"}}, {secretRef: {name: "'><svg/onload=alert(7)>"}}]
"#;

#[test]
fn an_svg_shows_every_object_and_reference() {
    let text = printed(&["graph", "gateway", "--output", "svg"]);
    let document = parsed(&text);
    assert_self_contained(&document);
    assert!(text.contains("prefers-color-scheme: dark"));
    assert!(text.len() < 60_000, "{} bytes", text.len());
    // What it draws is what Mermaid is told.
    let mermaid = printed(&["graph", "gateway"]);
    assert_eq!(of_class(&document, "box").count(), mermaid.matches("<br/>").count());
    assert_eq!(of_class(&document, "arrow").count(), mermaid.matches(" -->|").count());
    assert_eq!(of_class(&document, "group").count(), mermaid.matches("subgraph").count());
    let texts: Vec<String> =
        of_class(&document, "box").map(|node| node.first_element_child().unwrap().text().unwrap().to_owned()).collect();
    for name in ["Deployment/datastorage", "Secret/datastorage-db", "Service/postgresql", "Namespace/kubernaut-system"]
    {
        assert!(texts.iter().any(|text| text == name), "{name} in {texts:?}");
    }
    assert_eq!(text, printed(&["graph", "gateway", "--output", "svg"]));
}

#[test]
fn an_svg_marks_what_is_wrong() {
    let text = printed(&["graph", "tests/data/foreign/wordpress.yaml", "--output", "svg"]);
    let document = parsed(&text);
    let names = |class: &str| -> Vec<String> {
        of_class(&document, class)
            .filter(|node| node.attribute("data-box").is_some())
            .map(|node| node.first_element_child().unwrap().text().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("missing"), ["Secret/mysql-pass"]);
    assert_eq!(names("warning"), ["Deployment/wordpress-mysql · reference-missing"]);
}

#[test]
fn an_svg_obeys_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hostile.yaml");
    fs::write(&file, HOSTILE).unwrap();
    let text = printed(&["graph", file.to_str().unwrap(), "--output", "svg"]);
    let document = parsed(&text);
    assert_self_contained(&document);
    assert!(!text.contains("<script") && !text.contains("<img") && !text.contains('\u{202e}'), "{text}");
    assert!(document.descendants().any(|node| node.text().is_some_and(|text| text.contains("<script>alert(1)"))));
}

#[test]
fn an_svg_of_too_much_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("many.yaml");
    let text = (0..501).fold(String::new(), |mut text, at| {
        _ = writeln!(text, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{at}}}");
        text
    });
    fs::write(&file, text).unwrap();
    let output = run(&["graph", file.to_str().unwrap(), "--output", "svg"]);
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]), "{words}");
    assert!(words.contains("more than 500 objects and references"), "{words}");
}
