//! Diagrams and pages as SVG and HTML.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Output};

use roxmltree::{Document, Node, ParsingOptions};
use serde_json::Value as Json;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plimsoll")).args(args).current_dir(ROOT).output().unwrap()
}

/// The output of a command that succeeds.
fn printed(args: &[&str]) -> String {
    let output = run(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn parsed(text: &str) -> Document<'_> {
    Document::parse_with_options(text, ParsingOptions { allow_dtd: true, ..ParsingOptions::default() })
        .unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The elements with a class.
fn of_class<'a>(document: &'a Document<'_>, class: &'a str) -> impl Iterator<Item = Node<'a, 'a>> {
    let classes = |node: &Node<'_, '_>| node.attribute("class").unwrap_or_default().to_owned();
    document.descendants().filter(move |node| classes(node).split(' ').any(|known| known == class))
}

/// Asserts that a document loads unchanged: all references are internal, and no style or script contains an address.
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
        if name == "meta" {
            assert_ne!(node.attribute("http-equiv"), Some("refresh"));
        }
        if name == "style" || name == "script" && node.attribute("type").is_none() {
            let text = node.text().unwrap_or_default();
            for word in ["url(", "@import", "http:", "https:", "fetch(", "XMLHttpRequest", "import("] {
                assert!(!text.contains(word), "{name} with {word}");
            }
        }
    }
}

/// A page as XML, with its scripts as text, and the data of its script.
fn page(text: &str) -> (String, Json) {
    let (mut page, mut rest, mut data) = (String::new(), text, Json::Null);
    while let Some((before, script)) = rest.split_once("<script") {
        let (attributes, script) = script.split_once('>').unwrap();
        let (script, after) = script.split_once("</script>").unwrap();
        if attributes.contains("application/json") {
            data = serde_json::from_str(script).unwrap();
        }
        let script = script.replace('&', "&amp;").replace('<', "&lt;").replace("]]>", "]]&gt;");
        _ = write!(page, "{before}<script{attributes}>{script}</script>");
        rest = after;
    }
    (page + rest, data)
}

/// Names and values with markup, scripts and terminal control characters.
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
fn an_svg_contains_every_object_and_reference() {
    let text = printed(&["graph", "gateway", "--output", "svg"]);
    let document = parsed(&text);
    assert_self_contained(&document);
    assert!(text.contains("prefers-color-scheme: dark"));
    assert!(text.len() < 60_000, "{} bytes", text.len());
    // It contains the same elements as the Mermaid diagram.
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
fn an_svg_marks_findings() {
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
fn an_svg_escapes_names() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hostile.yaml");
    fs::write(&file, HOSTILE).unwrap();
    let text = printed(&["graph", file.to_str().unwrap(), "--output", "svg"]);
    let document = parsed(&text);
    assert_self_contained(&document);
    assert!(!text.contains("<script") && !text.contains("<img") && !text.contains('\u{202e}'), "{text}");
    assert!(document.descendants().any(|node| node.text().is_some_and(|text| text.contains("<script>alert(1)"))));
}

/// A file with one object more than the maximum of a diagram, and its directory.
fn too_many_objects() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("many.yaml");
    let text = (0..501).fold(String::new(), |mut text, at| {
        _ = writeln!(text, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{at}}}");
        text
    });
    fs::write(&file, text).unwrap();
    (folder, file)
}

#[test]
fn a_too_large_svg_is_an_error() {
    let (_folder, file) = too_many_objects();
    let output = run(&["graph", file.to_str().unwrap(), "--output", "svg"]);
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]), "{words}");
    assert!(words.contains("more than 500 objects and references"), "{words}");
}

#[test]
fn a_page_contains_every_object_and_the_origins_of_its_values() {
    let text = printed(&["graph", "gateway", "--output", "html"]);
    assert!(text.len() < 500_000, "{} bytes", text.len());
    assert_eq!(text, printed(&["graph", "gateway", "--output", "html"]));
    let (page, data) = page(&text);
    let document = parsed(&page);
    assert_self_contained(&document);
    let objects: Vec<_> = of_class(&document, "object").collect();
    let kinds = printed(&["render", "gateway"]).lines().filter(|line| line.starts_with("kind: ")).count();
    assert_eq!(objects.len(), kinds);
    // Each object is in the diagram and in the table, and links to it exist.
    let ids: Vec<&str> = document.descendants().filter_map(|node| node.attribute("id")).collect();
    let links: Vec<&str> = document.descendants().filter_map(|node| node.attribute("href")).collect();
    for link in &links {
        assert!(ids.contains(&&link[1..]), "{link} has no target");
    }
    for object in &objects {
        let id = object.attribute("id").unwrap();
        assert!(links.iter().filter(|link| link[1..] == *id).count() >= 2, "{id}");
        assert_eq!(document.descendants().filter(|node| node.attribute("data-object") == Some(id)).count(), 1);
    }
    assert!(ids.contains(&data["start"].as_str().unwrap()));
    // The origins match those of `explain`.
    for name in ["Deployment/datastorage", "Service/datastorage", "Secret/datastorage-db"] {
        let (kind, bare) = name.split_once('/').unwrap();
        let titles = |node: &Node<'_, '_>| -> Vec<String> {
            node.descendants()
                .filter(|node| node.is_text())
                .take(12)
                .map(|node| node.text().unwrap().to_owned())
                .collect()
        };
        let object = objects.iter().find(|node| {
            let titles = titles(node);
            titles.iter().any(|text| text == kind) && titles.iter().any(|text| text == bare)
        });
        let explained: Json =
            serde_json::from_str(&printed(&["explain", "gateway", name, "--output", "json"])).unwrap();
        let fields = explained["fields"].as_array().unwrap();
        assert!(fields.len() > 5, "{name}: {fields:?}");
        for field in fields {
            let path = field["field"].as_str().unwrap();
            let leaf = object.unwrap().descendants().find(|node| node.attribute("data-field") == Some(path));
            let leaf = leaf.unwrap_or_else(|| panic!("{name} {path} is not on the page"));
            let origin: usize = leaf.attribute("data-origin").unwrap().parse().unwrap();
            let origin = &data["origins"][origin];
            let place = |source: &Json| match source.as_object() {
                Some(source) => format!("{}:{}:{}", source["file"].as_str().unwrap(), source["line"], source["column"]),
                None => String::new(),
            };
            assert_eq!(origin["at"].as_str().unwrap(), place(&field["template"]), "{name} {path}");
            let from = origin["from"].as_array().map_or(&[][..], Vec::as_slice);
            let values = from.iter().map(|number| &data["values"][number.as_u64().unwrap() as usize]);
            let shown: Vec<String> = values.map(|value| format!("{} {}", value["path"], value["at"])).collect();
            let inputs = field["inputs"].as_array().unwrap().iter();
            let expected: Vec<String> =
                inputs.map(|input| format!("{} {}", input["path"], Json::from(place(&input["source"])))).collect();
            assert_eq!(shown, expected, "{name} {path}");
        }
    }
    let text = printed(&["graph", "gateway", "--output", "html", "--set", "database.password=other-s3cret-word"]);
    assert!(!text.contains("other-s3cret-word") && text.contains("•••"));
}

#[test]
fn a_page_contains_the_findings() {
    let file = "tests/data/seed/gateway-failing.yaml";
    let (page, data) = page(&printed(&["graph", file, "--output", "html"]));
    let document = parsed(&page);
    assert_self_contained(&document);
    let reported = run(&["check", file, "--output", "json"]);
    let reported: Json = serde_json::from_slice(&reported.stdout).unwrap();
    let reported = reported["findings"].as_array().unwrap();
    let section = document.descendants().find(|node| node.attribute("id") == Some("findings")).unwrap();
    let shown: Vec<_> = section.descendants().filter(|node| node.has_tag_name("li")).collect();
    assert!(reported.len() > 3 && shown.len() == reported.len(), "{} of {}", shown.len(), reported.len());
    let words = |node: &Node<'_, '_>| -> String {
        node.descendants().filter_map(|node| node.text().filter(|_| node.is_text())).collect()
    };
    for finding in reported {
        let message = finding["message"].as_str().unwrap().replace('`', "");
        assert!(shown.iter().any(|node| words(node).contains(&message)), "{message}");
    }
    // Findings are ordered by severity, and an object with an error is selected first.
    let severities: Vec<String> = shown.iter().map(|node| words(&node.first_element_child().unwrap())).collect();
    let rank = |name: &String| ["error", "warning", "note"].iter().position(|known| known == name).unwrap();
    assert!(severities.is_sorted_by_key(rank), "{severities:?}");
    let start = document.descendants().find(|node| node.attribute("id") == data["start"].as_str()).unwrap();
    assert!(of_class(&document, "error").any(|node| node.ancestors().any(|above| above == start)));
}

#[test]
fn a_page_escapes_names_and_values() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hostile.yaml");
    fs::write(&file, HOSTILE).unwrap();
    fs::write(
        folder.path().join("old.yaml"),
        HOSTILE.replace("alert(3)", "alert(8)").replace("image: a:1", "image: a:2"),
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let old = folder.path().join("old.yaml");
    let review = run(&["diff", old.to_str().unwrap(), file, "--output", "html"]);
    assert_eq!(review.status.code(), Some(1), "{}", String::from_utf8_lossy(&review.stderr));
    let whole = printed(&["graph", file, "--output", "html"]);
    for (text, scripts) in [(whole, 2), (String::from_utf8(review.stdout).unwrap(), 0)] {
        assert_eq!(text.matches("<script").count(), scripts);
        assert!(!text.contains('\u{202e}') && !text.contains('\u{1b}'));
        let (page, _) = page(&text);
        let document = parsed(&page);
        assert_self_contained(&document);
        let words: String = document.descendants().filter_map(|node| node.text()).collect();
        assert!(words.contains("</script><script>alert(3)</script><!--"), "{text}");
    }
}

#[test]
fn a_too_large_page_has_no_diagram() {
    let (_folder, file) = too_many_objects();
    let (page, _) = page(&printed(&["graph", file.to_str().unwrap(), "--output", "html"]));
    let document = parsed(&page);
    assert_eq!(of_class(&document, "object").count(), 501);
    assert_eq!(of_class(&document, "canvas").count(), 0);
    assert!(page.contains("too large for a diagram"));
}

#[test]
fn a_review_contains_every_change() {
    let folder = tempfile::tempdir().unwrap();
    let old = printed(&["render", "gateway"]);
    let new = printed(&["render", "gateway", "--set", "replicas=3", "--set", "database.password=other-s3cret-word"]);
    let [from, to] = ["old.yaml", "new.yaml"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    fs::write(&from, old).unwrap();
    fs::write(&to, new).unwrap();
    let output = run(&["diff", &from, &to, "--output", "html"]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("other-s3cret-word"));
    let document = parsed(&text);
    assert_self_contained(&document);
    let words: String = document.descendants().filter(Node::is_text).filter_map(|node| node.text()).collect();
    let reported = run(&["diff", &from, &to, "--output", "json"]);
    let reported: Json = serde_json::from_slice(&reported.stdout).unwrap();
    let objects = reported["bundles"][0]["objects"].as_array().unwrap();
    assert!(objects.len() > 1);
    for object in objects {
        let name =
            format!("{}/{}", object["object"]["kind"].as_str().unwrap(), object["object"]["name"].as_str().unwrap());
        assert!(words.contains(&name), "{name}");
        for field in object["fields"].as_array().unwrap() {
            let path = field["path"].as_str().or(field["field"].as_str()).unwrap();
            assert!(words.contains(path), "{name} {path}");
        }
        for found in object["consequences"].as_array().unwrap() {
            assert!(words.contains(&found["message"].as_str().unwrap().replace('`', "")), "{found}");
        }
    }
    let unchanged = run(&["diff", &from, &from, "--output", "html"]);
    assert_eq!(unchanged.status.code(), Some(0));
    assert!(String::from_utf8(unchanged.stdout).unwrap().contains("No changes"));
}
