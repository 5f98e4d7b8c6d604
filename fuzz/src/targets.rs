//! The fuzz targets. Each accepts arbitrary bytes, and must neither panic nor hang nor exceed the memory limit.
//!
//! Several parts of one input are separated by lines `===`.

use std::ops::Range;
use std::sync::LazyLock;

use plimsoll::check::input::Input;
use plimsoll::check::suppress::suppress;
use plimsoll::check::{Options, check_in, rules};
use plimsoll::diagram::{self, Diagram};
use plimsoll::diff::{self, BundleDiff, Purpose, Redactor};
use plimsoll::finding::{Family, Finding, RuleId, Severity};
use plimsoll::graph::Graph;
use plimsoll::layers::{Set, merge_layer};
use plimsoll::migrations::{self, Migration, SqlFile, sql as lexer};
use plimsoll::node::{Entry, Mapping, Node, Value};
use plimsoll::object::Object;
use plimsoll::patch::Patches;
use plimsoll::project::{self, Level, Project, Settings};
use plimsoll::report::{self, Format, ReportOptions, Root, Secrets};
use plimsoll::schema::{Fault, Lookup, Mode, PathStep, Schema, Types};
use plimsoll::service::Services;
use plimsoll::source::{FileId, Sources, Span};
use plimsoll::template::{AnyField, Inputs, Templates};
use plimsoll::yaml::{self, Dialect};

/// The schema of the built-in profiles.
static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let sources = Sources::new();
    let file = Project::built_in().read(&sources, project::SCHEMA).expect("it is embedded");
    Schema::read(&sources.get(file).expect("it was read").text, file).expect("it is tested")
});

/// Runs one input; it must neither panic nor take long.
pub type Target = fn(&[u8]);

/// All targets, by name.
pub const ALL: &[(&str, Target)] = &[
    ("check", check),
    ("diff", diff),
    ("emit", emit),
    ("merge", merge),
    ("schema", schema),
    ("secret", secret),
    ("service", service),
    ("set", set),
    ("settings", settings),
    ("sql", sql),
    ("template", template),
    ("yaml", yaml),
];

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

/// The loader, with any input in both dialects. Every span is within the input and on character boundaries, and packing
/// and unpacking a tree (as the build does) preserves all spans.
pub fn yaml(data: &[u8]) {
    let text = text(data);
    for dialect in [Dialect::Kubectl, Dialect::Strict] {
        let sources = Sources::new();
        let file = sources.add("input", text.as_str());
        let loaded = yaml::load(&sources, file, dialect);
        for document in &loaded.documents {
            spans(document, file, &text);
        }
        let unpacked = yaml::unpack(&yaml::pack(&loaded.documents, &text), &text, file);
        let unpacked = unpacked.expect("what was packed is read");
        assert_eq!(unpacked.len(), loaded.documents.len());
        assert!(unpacked.iter().zip(&loaded.documents).all(|(a, b)| identical(a, b)), "{unpacked:?}");
        shown(&sources, loaded.findings);
    }
}

fn spans(node: &Node, file: FileId, text: &str) {
    let span = node.origin.span;
    assert!(span.file == file || span.is_none());
    assert!(span.is_none() || lies_in(span, text), "{span:?} of {}", text.len());
    node.items().iter().for_each(|item| spans(item, file, text));
    node.entries().iter().for_each(|entry| spans(&entry.value, file, text));
}

/// Whether a span is within a string and on character boundaries.
fn lies_in(span: Span, text: &str) -> bool {
    text.get(span.start as usize..span.end as usize).is_some()
}

/// Whether two trees have equal values and spans.
fn identical(a: &Node, b: &Node) -> bool {
    let same = match (&a.value, &b.value) {
        (Value::Sequence(a), Value::Sequence(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| identical(a, b)),
        (Value::Mapping(a), Value::Mapping(b)) => {
            let same = |(a, b): (&Entry, &Entry)| {
                (&a.key, a.key_span) == (&b.key, b.key_span) && identical(&a.value, &b.value)
            };
            a.len() == b.len() && a.iter().zip(b.iter()).all(same)
        }
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    };
    same && a.origin.span == b.origin.span
}

/// Prints findings in every format, as in a run that redacts the secrets found while loading.
fn shown(sources: &Sources, findings: Vec<Finding>) {
    printed(sources, findings, &Secrets::new(sources));
}

/// The findings in every format.
fn printed(sources: &Sources, mut findings: Vec<Finding>, mask: &Secrets) -> Vec<String> {
    report::sort(sources, &mut findings);
    findings.truncate(20);
    let options = ReportOptions {
        colour: false,
        width: 80,
        root: Root::default(),
        fail_on: Severity::Error,
        documentation: |id| id.documentation().to_owned(),
    };
    let write = |format: &Format| format.write(sources, &findings, mask, &options);
    let texts: Vec<String> = Format::ALL.iter().map(|(_, format, _)| write(format)).collect();
    for text in &texts {
        assert!(!text.contains('\t'), "{text:?}");
        harmless(text);
    }
    texts
}

/// Asserts that no terminal control characters and no bidirectional control characters are printed.
fn harmless(text: &str) {
    let bidi =
        |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
    let obeyed = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t') || bidi(*c));
    assert_eq!(obeyed, None, "{text:?}");
}

/// The emitter: its output is read back as the same tree, and emitting that tree again gives the same output.
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

/// Whether two trees have equal values, regardless of their origins.
fn same(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Value::Sequence(a), Value::Sequence(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Mapping(a), Value::Mapping(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.key == b.key && same(&a.value, &b.value))
        }
        _ => yaml::json(a) == yaml::json(b),
    }
}

/// Merging a layer twice gives the same result as merging it once. The result is validated against the schema.
pub fn merge(data: &[u8]) {
    let (first, second) = halves(data);
    let load = |text: &str| yaml::load_text(text, FileId(0), Dialect::Strict).documents.into_iter().next();
    let (Some(under), Some(over)) = (load(&first), load(&second)) else { return };
    let mut once = under;
    merge_layer(&mut once, &over, &mut Vec::new());
    let mut twice = once.clone();
    merge_layer(&mut twice, &over, &mut Vec::new());
    assert_eq!(yaml::emit(&once), yaml::emit(&twice));
    SCHEMA.mark_secrets(&mut once);
    for (mode, node) in [(Mode::Layer, &over), (Mode::Whole, &once)] {
        let _ = SCHEMA.check(node, mode, "the profile");
    }
}

/// Templates are validated against the schema, compiled and rendered.
pub fn template(data: &[u8]) {
    let (template, values) = halves(data);
    let sources = Sources::new();
    let file = sources.add("template", template);
    let read = |path: &str| Err(format!("no file `{path}`"));
    if let Err(findings) = Templates::compile(&sources, &[file], &*SCHEMA, &read) {
        shown(&sources, findings);
    }
    let templates = match Templates::compile(&sources, &[file], &AnyField, &read) {
        Ok(templates) => templates,
        Err(findings) => return shown(&sources, findings),
    };
    let values = sources.add("values", values);
    let values = yaml::load(&sources, values, Dialect::Strict).documents.into_iter().next().unwrap_or_default();
    match templates.instantiate(
        &Project::built_in(),
        &sources,
        &Inputs { values: &values, profile: "fuzz", environment: "e2e", folders: Node::absent() },
        &mut Patches::default(),
    ) {
        Ok(instance) => {
            let text = yaml::emit_stream(&instance.documents);
            assert_eq!(yaml::load_text(&text, FileId(0), Dialect::Strict).findings, [], "{text}");
        }
        Err(findings) => shown(&sources, findings),
    }
}

/// All checks of any objects, as partial and as complete input, and their diagram.
pub fn check(data: &[u8]) {
    let sources = Sources::new();
    let input = objects(&sources, "input", &text(data));
    for complete in [false, true] {
        let options = Options { complete, ..Options::default() };
        let mut findings = check_in(&sources, &input.objects, &options);
        suppress(&sources, &input.objects, &mut findings);
        if complete
            && let Ok(mut diagram) = Diagram::new(
                &Graph::build(&input.objects, &options.services, &options.externals, &[]),
                input.objects.len(),
                &options.externals,
            )
        {
            diagram.mark(&input.objects, &findings);
            harmless(&diagram::dot(&diagram));
            harmless(&diagram::mermaid(&diagram));
        }
        printed(&sources, findings, &Secrets::of(&sources, &input.objects));
    }
}

/// The differences between any two sets of objects, in all formats; a single set is compared with no objects.
pub fn diff(data: &[u8]) {
    let text = text(data);
    let (old, new) = text.split_once("\n===\n").unwrap_or(("", &text));
    let sources = Sources::new();
    let (old, new) = (objects(&sources, "old", old).objects, objects(&sources, "new", new).objects);
    let options = Options::default();
    for change in diff::compare(&old, &new, &options) {
        let _ = change.object();
        for field in &change.fields {
            let _ = (field.labeled_path(), field.field(), field.key());
        }
    }
    let redactor = Redactor::of(&sources, old.iter().chain(&new));
    differences(&old, &new, &redactor).iter().for_each(|text| harmless(text));
    assert!(diff::compare(&new, &new, &options).iter().all(|change| change.fields.is_empty()));
}

/// The differences in every format, for one bundle and for two.
fn differences(old: &[Object], new: &[Object], redactor: &Redactor<'_>) -> Vec<String> {
    let bundle =
        |name, old| BundleDiff::new((name, "e2e"), old, Some(new), redactor, Purpose::Update, &Options::default());
    let bundles = [bundle("one", Some(old)), bundle("two", None)];
    let shown = |bundles| [diff::terminal(bundles, false), diff::markdown(bundles), diff::json(bundles)];
    [&bundles[..1], &bundles].into_iter().flat_map(shown).collect()
}

/// The value of a Secret replaces every `@@` in two states of any manifests, except in names: no report and no diff
/// shows it. Redacting output again does not change it.
pub fn secret(data: &[u8]) {
    const PLANTED: &str = "hunter2-correct-horse";
    let planted = text(data).replace("@@", PLANTED);
    let (old, new) = halves(planted.as_bytes());
    let sources = Sources::new();
    let secret = format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: planted}}\nstringData: {{any: {PLANTED}}}\n");
    let mut old = objects(&sources, "old", &old);
    let mut new = objects(&sources, "new", &new);
    for input in [&mut old, &mut new] {
        input.objects.append(&mut objects(&sources, "secret", &secret).objects);
    }
    // Names are shown even if a Secret contains them.
    fn calls(node: &Node) -> bool {
        let is_name = |key: &str| matches!(key, "name" | "namespace" | "kind" | "key") || key.ends_with("Name");
        node.items().iter().any(calls)
            || node.entries().iter().any(|entry| {
                entry.key.contains(PLANTED)
                    || is_name(&entry.key) && entry.value.text().contains(PLANTED)
                    || calls(&entry.value)
            })
    }
    if old.objects.iter().chain(&new.objects).any(|object| calls(&object.node)) {
        return;
    }
    let mask = Secrets::of(&sources, old.objects.iter().chain(&new.objects));
    // Only patterns are redacted here: redacting known secrets as well could leave a string that matches another
    // pattern.
    let told = Secrets::default().words(&planted);
    assert_eq!(Secrets::default().words(&told), told);
    let mut findings = check_in(&sources, &new.objects, &Options::default());
    findings.append(&mut new.findings);
    let mut texts = printed(&sources, findings, &mask);
    let redactor = Redactor::of(&sources, old.objects.iter().chain(&new.objects));
    texts.extend(differences(&old.objects, &new.objects, &redactor));
    texts.push(mask.words(&planted));
    texts.iter().for_each(|text| assert!(!text.contains(PLANTED), "{text}"));
}

/// Any descriptions of services, and manifests checked with them: descriptions affect only the findings about wiring
/// and rollouts, and a duplicate description has no effect.
pub fn service(data: &[u8]) {
    let (descriptions, manifests) = halves(data);
    let sources = Sources::new();
    let file = sources.add("services/own.yaml", descriptions);
    let services = match Services::read(&sources, file) {
        Ok(services) => services,
        Err(findings) => return shown(&sources, findings),
    };
    let input = objects(&sources, "input", &manifests);
    let found = |services: Services| {
        let mut findings =
            check_in(&sources, &input.objects, &Options { services, complete: true, ..Options::default() });
        report::sort(&sources, &mut findings);
        findings
    };
    let known = Services::default().with(services.clone());
    let findings = found(known.clone());
    let knows = |family| matches!(family, Family::Wiring | Family::Rollout);
    let of_knowing = |finding: &&Finding| knows(finding.rule.family());
    let others = |findings: &[Finding]| -> Vec<Finding> {
        findings.iter().filter(|finding| !of_knowing(finding)).cloned().collect()
    };
    assert_eq!(others(&findings), others(&found(Services::default())));
    let read = |services: &Services| services.iter().map(|known| known.service().clone()).collect::<Vec<_>>();
    assert_eq!(read(&known.with(services)), read(&known));
    printed(&sources, findings, &Secrets::of(&sources, &input.objects));
}

/// Any input as `plimsoll.toml`: spans are within it, and settings that are written and read again are equal.
pub fn settings(data: &[u8]) {
    let text = text(data);
    let sources = Sources::new();
    let settings = match Settings::read(&sources, sources.add("plimsoll.toml", text.as_str())) {
        Ok(settings) => settings,
        Err(failure) => {
            failure.findings().iter().for_each(|finding| assert!(lies_in(finding.span, &text), "{finding:?}"));
            return shown(&sources, failure.findings().to_vec());
        }
    };
    let quoted = |text: &String| yaml::json(&Node::new(text.as_str(), Span::NONE)).replace('\u{7f}', "\\u007f");
    let out = settings.out.iter().map(|out| format!("out = {}\n", quoted(out)));
    let externals: Vec<String> = settings.externals.iter().map(quoted).collect();
    let externals = format!("externals = [{}]\n[rules]\n", externals.join(","));
    let rules = settings.rules.iter().map(|rule| {
        assert!(lies_in(rule.span, &text), "{rule:?}");
        let level = if let Level::At(severity) = rule.level { severity.name() } else { "off" };
        format!("{} = \"{level}\"\n", rule.id)
    });
    let written: String = out.chain([externals]).chain(rules).collect();
    let again = Settings::read(&sources, sources.add("again", written.as_str())).expect("it is as it was read");
    let levels = |settings: &Settings| settings.rules.iter().map(|rule| (rule.id, rule.level)).collect::<Vec<_>>();
    assert_eq!((&again.out, &again.externals, levels(&again)), (&settings.out, &settings.externals, levels(&settings)));
}

/// Any input as a schema, which validates any tree: repeated calls give the same results, and the methods agree.
pub fn schema(data: &[u8]) {
    let (schema, tree) = halves(data);
    let sources = Sources::new();
    let file = sources.add("schema", schema.as_str());
    let compiled = Schema::read(&schema, file).or_else(|findings| {
        assert_eq!(Schema::read(&schema, file).err().as_ref(), Some(&findings));
        shown(&sources, findings);
        // Mutations of the seeds are more often valid YAML than valid JSON.
        let loaded = yaml::load_text(&schema, file, Dialect::Kubectl);
        loaded.documents.first().map_or(Err(Vec::new()), Schema::compile)
    });
    let schema = match compiled {
        Ok(schema) => schema,
        Err(findings) => return shown(&sources, findings),
    };
    let tree = yaml::load(&sources, sources.add("tree", tree), Dialect::Strict);
    let Some(mut tree) = tree.documents.into_iter().next() else { return };
    let violations = schema.check(&tree, Mode::Whole, "the tree");
    assert_eq!(schema.check(&tree, Mode::Whole, "the tree"), violations);
    let tired = violations.iter().any(|violation| violation.message.contains("takes too long"));
    let fits = violations.is_empty();
    assert!(tired || schema.fits(&tree) == fits, "{violations:?}");
    shown(&sources, violations.into_iter().map(told).collect());
    shown(&sources, schema.check(&tree, Mode::Layer, "the tree").into_iter().map(told).collect());
    schema.mark_secrets(&mut tree);
    places(&schema, &mut Vec::new(), &tree, fits);
}

/// Looks up each path of a tree in a schema. If the tree is valid, all of its paths must exist.
fn places<'a>(schema: &Schema, steps: &mut Vec<PathStep<'a>>, node: &'a Node, fits: bool) {
    let found = schema.follow(steps.iter().copied());
    if let Lookup::Known(place) = &found {
        assert!(!fits || schema.types(place).has(Types::of(node)), "{steps:?}");
        assert!(!schema.is_secret(place) || node.origin.is_secret(), "{steps:?}");
        assert!(!schema.is_secret(place) || schema.reaches_secret(place), "{steps:?}");
        let _ = (schema.fields(place), schema.is_closed(place), schema.description(place));
    }
    assert!(!fits || !matches!(found, Lookup::Unknown { .. }), "{steps:?}");
    for (at, item) in node.items().iter().enumerate() {
        steps.push(PathStep::Index(at));
        places(schema, steps, item, fits);
        steps.pop();
    }
    for entry in node.entries() {
        steps.push(PathStep::Key(&entry.key));
        places(schema, steps, &entry.value, fits);
        steps.pop();
    }
}

fn told(fault: Fault<'_>) -> Finding {
    Finding::error(RuleId::ProfileValueInvalid, fault.span(), fault.message)
        .with_label(fault.label)
        .with_help(fault.help)
}

/// Arguments of `--set`, one per line, applied to a profile with a schema, both of which may be part of the input: a
/// rejected argument changes nothing, and applying an argument twice is the same as applying it once. The same
/// arguments are used for `--set-file`, with the value as the contents of the file.
pub fn set(data: &[u8]) {
    let text = text(data);
    let mut parts = text.split("\n===\n");
    let sources = Sources::new();
    let arguments = parts.next().unwrap_or_default();
    let profile = sources.add("profile", parts.next().unwrap_or_default());
    let profile = yaml::load(&sources, profile, Dialect::Strict).documents.into_iter().next();
    let mut values = profile.unwrap_or_else(|| Node::new(Mapping::new(), Span::NONE));
    let own = parts.next().and_then(|schema| Schema::read(schema, sources.add("schema", schema)).ok());
    let schema = own.as_ref().unwrap_or(&SCHEMA);
    let mut findings = Vec::new();
    let read = |text: &str, _| Ok(sources.add("file", text));
    let sets = arguments.lines().take(20).flat_map(|argument| {
        let file = Set::parse_file(&sources, schema, argument, read);
        [(argument, file), (argument, Set::parse(&sources, schema, argument))]
    });
    for (argument, set) in sets {
        let set = match set {
            Ok(set) => set,
            Err(failure) => {
                findings.extend_from_slice(failure.findings());
                continue;
            }
        };
        let (before, mut deleted) = (values.clone(), Vec::new());
        if let Err(finding) = set.apply(&mut values, &mut deleted) {
            assert_eq!((&values, deleted.len()), (&before, 0), "{argument}");
            findings.push(*finding);
        } else if !argument.contains(['[', '$']) {
            let once = values.clone();
            assert_eq!(set.apply(&mut values, &mut deleted), Ok(Vec::new()));
            assert_eq!(values, once, "{argument}");
        }
    }
    schema.mark_secrets(&mut values);
    findings.extend(schema.check(&values, Mode::Whole, "the profile").into_iter().map(told));
    shown(&sources, findings);
}

/// Any SQL files, each named by its first line if that ends in `.sql`: they are split into statements, read as a folder
/// of migrations, and checked as the ConfigMap of a service's migrations.
pub fn sql(data: &[u8]) {
    let text = text(data);
    let names: Vec<String> = (1..10).map(|number| format!("{number}_a.sql")).collect();
    let files: Vec<SqlFile<'_>> = text
        .split("\n===\n")
        .zip(&names)
        .map(|(text, name)| match text.split_once('\n') {
            Some((name, text)) if name.ends_with(".sql") => SqlFile { name, text },
            _ => SqlFile { name, text },
        })
        .collect();
    files.iter().for_each(|file| split(file.text));
    let sources = Sources::new();
    let ids: Vec<FileId> = files.iter().map(|file| sources.add(file.name, file.text)).collect();
    let (read, problems) = migrations::read(&files);
    for problem in &problems {
        assert!(files[problem.file].text.get(problem.range.clone()).is_some(), "{problem:?}");
    }
    // The SQL in the bundle is read again as the same migrations.
    if problems.is_empty() {
        let ready: Vec<SqlFile<'_>> =
            read.iter().map(|migration| SqlFile { name: &migration.name, text: &migration.sql }).collect();
        let (again, problems) = migrations::read(&ready);
        assert_eq!(problems, []);
        assert_eq!(migrations::order(&again), migrations::order(&read));
        // After an unclosed parenthesis, a semicolon does not end the statement.
        let bare = |migration: &Migration| migration.sql.replace(';', "");
        for (again, read) in again.iter().zip(&read).filter(|(_, read)| !files[read.file].text.contains('\r')) {
            assert_eq!(bare(again), bare(read));
            assert_eq!((&again.tables, &again.dropped), (&read.tables, &read.dropped));
        }
    }
    shown(&sources, problems.iter().map(|problem| problem.finding(&ids)).collect());
    let input = objects(&sources, "input", &bundle(&files));
    let options = Options { complete: true, ..Options::default() };
    shown(&sources, check_in(&sources, &input.objects, &options));
}

/// Statements are in order and contain their tokens, and each is the same statement if parsed separately.
fn split(text: &str) {
    let whole = |range: &Range<usize>| text.get(range.clone()).is_some_and(|part| !part.is_empty());
    let statements = match lexer::statements(text, 0..text.len()) {
        Ok(statements) => statements,
        Err(open) => return assert!(whole(&open.range), "{open:?}"),
    };
    let mut end = 0;
    for statement in statements {
        let range = statement.range();
        assert!(end <= range.start && whole(&range), "{range:?} after {end}");
        let mut at = range.start;
        for token in &statement.tokens {
            assert!(at <= token.range.start && token.range.end <= range.end && whole(&token.range), "{token:?}");
            at = token.range.end;
        }
        end = range.end;
        assert_eq!(lexer::statements(text, range), Ok(vec![statement]));
    }
}

/// A service and the Job that migrates its database, from the example of a rule, with these files.
fn bundle(files: &[SqlFile<'_>]) -> String {
    static EXAMPLE: LazyLock<Vec<Node>> = LazyLock::new(|| {
        let rule = rules::ALL.iter().find(|rule| rule.id == RuleId::MigrationTableMissing).expect("it is a rule");
        yaml::load_text(&rule.good(), FileId(0), Dialect::Kubectl).documents
    });
    let mut documents = EXAMPLE.clone();
    let of_migrations = |document: &&mut Node| document["metadata"]["name"].text() == "migrations";
    let map = documents.iter_mut().find(of_migrations).expect("the job mounts it");
    let mut data = Mapping::new();
    for file in files {
        if data.get(file.name).is_none() {
            data.push(file.name, Span::NONE, Node::new(file.text, Span::NONE));
        }
    }
    *map.get_mut("data").expect("it has files") = Node::new(data, Span::NONE);
    yaml::emit_stream(&documents)
}
