//! What is fuzzed: each target takes any bytes, and must neither panic nor hang nor grow beyond the bounds.
//!
//! Two texts in one input are parted by a line `===`.

use std::sync::LazyLock;

use plimsoll::check::input::Input;
use plimsoll::check::suppress::suppress;
use plimsoll::check::{Options, check_in};
use plimsoll::diff::{self, BundleDiff, Hide, Purpose};
use plimsoll::graph::Graph;
use plimsoll::kube::KubernetesVersion;
use plimsoll::layers::lay;
use plimsoll::node::{Node, Value};
use plimsoll::picture::{self, Picture};
use plimsoll::project::{self, Project};
use plimsoll::report;
use plimsoll::schema::{Mode, Schema};
use plimsoll::source::{FileId, Sources};
use plimsoll::template::{AnyName, Templates};
use plimsoll::yaml::{self, Dialect};

/// What the built-in profiles may hold.
static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let sources = Sources::new();
    let file = Project::built_in().read(&sources, project::SCHEMA).expect("it is embedded");
    Schema::read(&sources.get(file).expect("it was read").text, file).expect("it is tested")
});

/// What a target does with an input: it must neither panic nor take long.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const ALL: &[(&str, Target)] =
    &[("check", check), ("diff", diff), ("emit", emit), ("merge", merge), ("template", template), ("yaml", yaml)];

fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

fn halves(data: &[u8]) -> (String, String) {
    let text = text(data);
    match text.split_once("\n===\n") {
        Some((first, second)) => (first.to_owned(), second.to_owned()),
        None => (text.clone(), text),
    }
}

fn objects(sources: &Sources, name: &str, text: &str) -> Input {
    let mut input = Input::default();
    input.add(sources, sources.add(name, text), true);
    input
}

/// The loader: any text, both dialects. Every span lies within the text and on whole characters.
pub fn yaml(data: &[u8]) {
    let text = text(data);
    for dialect in [Dialect::Kubectl, Dialect::Strict] {
        let sources = Sources::new();
        let file = sources.add("input", text.as_str());
        let loaded = yaml::load(&sources, file, dialect);
        for document in &loaded.documents {
            spans(document, file, &text);
        }
        shown(&sources, loaded.findings);
    }
}

fn spans(node: &Node, file: FileId, text: &str) {
    let span = node.origin.span;
    assert!(span.file == file || span.is_none());
    assert!(span.is_none() || text.get(span.start as usize..span.end as usize).is_some(), "{span:?} of {}", text.len());
    node.items().iter().for_each(|item| spans(item, file, text));
    node.entries().iter().for_each(|entry| spans(&entry.value, file, text));
}

/// Findings in every format, as a run would print them.
fn shown(sources: &Sources, mut findings: Vec<plimsoll::finding::Finding>) {
    report::sort(sources, &mut findings);
    findings.truncate(20);
    let mask = report::Mask::default();
    for text in [
        report::human(sources, &findings, &mask, false, 80),
        report::json(sources, &findings, &mask),
        report::sarif(sources, &findings, &mask),
        report::github(sources, &findings, &mask),
    ] {
        assert!(!text.contains('\t'), "{text:?}");
        harmless(&text);
    }
}

/// Nothing that a terminal obeys is printed: no control characters, none that turn the direction of writing.
fn harmless(text: &str) {
    let bidi =
        |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
    let obeyed = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t') || bidi(*c));
    assert_eq!(obeyed, None, "{text:?}");
}

/// The emitter: what it writes is read back as the same tree, and is written the same again.
pub fn emit(data: &[u8]) {
    let loaded = yaml::load_text(&text(data), FileId(0), Dialect::Kubectl);
    for document in loaded.documents.iter().filter(|document| finite(document)) {
        let written = yaml::emit(document);
        let again = yaml::load_text(&written, FileId(0), Dialect::Strict);
        assert_eq!(again.findings, [], "{written}");
        let [read] = again.documents.as_slice() else { panic!("{} documents: {written}", again.documents.len()) };
        assert!(same(document, read), "{document:?}\n{read:?}\n{written}");
        assert_eq!(yaml::emit(read), written);
    }
}

fn finite(node: &Node) -> bool {
    !matches!(node.value, Value::Float(float) if !float.is_finite())
        && node.items().iter().all(finite)
        && node.entries().iter().all(|entry| finite(&entry.value))
}

/// Whether two trees hold the same, wherever they came from.
fn same(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Value::Sequence(a), Value::Sequence(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Mapping(a), Value::Mapping(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.key == b.key && same(&a.value, &b.value))
        }
        _ => yaml::json(a) == yaml::json(b),
    }
}

/// Merging: laying twice is laying once. What comes out is held against the schema.
pub fn merge(data: &[u8]) {
    let (first, second) = halves(data);
    let load = |text: &str| yaml::load_text(text, FileId(0), Dialect::Strict).documents.into_iter().next();
    let (Some(under), Some(over)) = (load(&first), load(&second)) else { return };
    let mut once = under;
    lay(&mut once, &over, &mut Vec::new());
    let mut twice = once.clone();
    lay(&mut twice, &over, &mut Vec::new());
    assert_eq!(yaml::emit(&once), yaml::emit(&twice));
    SCHEMA.mark_secrets(&mut once);
    for (mode, node) in [(Mode::Layer, &over), (Mode::Whole, &once)] {
        let _ = SCHEMA.check(node, mode, "the profile");
    }
}

/// Templates: held against the schema, compiled, and filled with values.
pub fn template(data: &[u8]) {
    let (template, values) = halves(data);
    let sources = Sources::new();
    let file = sources.add("template", template);
    let read = |path: &str| Err(format!("no file `{path}`"));
    if let Err(findings) = Templates::compile(&sources, &[file], &*SCHEMA, &read) {
        shown(&sources, findings);
    }
    let templates = match Templates::compile(&sources, &[file], &AnyName, &read) {
        Ok(templates) => templates,
        Err(findings) => return shown(&sources, findings),
    };
    let values = sources.add("values", values);
    let values = yaml::load(&sources, values, Dialect::Strict).documents.into_iter().next().unwrap_or_default();
    match templates.instantiate(&Project::built_in(), &sources, &values, "fuzz", "e2e") {
        Ok(instance) => {
            let text = yaml::emit_stream(&instance.documents);
            assert_eq!(yaml::load_text(&text, FileId(0), Dialect::Strict).findings, [], "{text}");
        }
        Err(findings) => shown(&sources, findings),
    }
}

/// All checks on any trees, as parts of something and as a whole bundle, and the picture of it.
pub fn check(data: &[u8]) {
    let sources = Sources::new();
    let input = objects(&sources, "input", &text(data));
    for whole in [false, true] {
        let options = Options { whole, ..Options::default() };
        let mut findings = check_in(&sources, &input.objects, &options);
        suppress(&sources, &input.objects, &mut findings);
        if whole && let Ok(picture) = Picture::new(&Graph::build(&input.objects, &options), &findings) {
            harmless(&picture::dot(&picture));
            harmless(&picture::mermaid(&picture));
        }
        shown(&sources, findings);
    }
}

/// Comparing any two sets of objects, and printing what differs; a single set is new.
pub fn diff(data: &[u8]) {
    let text = text(data);
    let (old, new) = text.split_once("\n===\n").unwrap_or(("", &text));
    let sources = Sources::new();
    let (old, new) = (objects(&sources, "old", old).objects, objects(&sources, "new", new).objects);
    let version = KubernetesVersion::default();
    for change in diff::compare(&old, &new, version) {
        let _ = change.object();
        for field in &change.fields {
            let _ = (field.shown(), field.field(), field.key());
        }
    }
    let hide = Hide::of(&sources, old.iter().chain(&new));
    let bundle = |name, old| BundleDiff::new((name, "e2e"), old, Some(new.as_slice()), &hide, Purpose::Update);
    let bundles = [bundle("one", Some(old.as_slice())), bundle("two", None)];
    for bundles in [&bundles[..1], &bundles] {
        [diff::terminal(bundles, false), diff::markdown(bundles), diff::json(bundles)]
            .iter()
            .for_each(|text| harmless(text));
    }
    assert!(diff::compare(&new, &new, version).iter().all(|change| change.fields.is_empty()));
}
