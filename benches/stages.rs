//! The time that each stage takes within one process: `cargo bench`. `benches/compare.sh` measures whole runs,
//! including the start of the process; `docs/performance.md` has the results.

#![allow(missing_docs, clippy::unwrap_used)]

use std::process::Command;
use std::sync::{Arc, LazyLock};

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use plimsoll::check::{Options, check};
use plimsoll::definitions::Definitions;
use plimsoll::diff;
use plimsoll::layers::Overrides;
use plimsoll::object::Object;
use plimsoll::project::Project;
use plimsoll::render::{Rendered, Renderer};
use plimsoll::report::Secrets;
use plimsoll::source::{FileId, Sources};
use plimsoll::status::{self, PATIENCE, Record};
use plimsoll::yaml::{Dialect, emit_stream, load_text};

fn main() {
    divan::main();
}

fn gateway(then: impl FnOnce(&Renderer<'_>, &Rendered)) {
    let (project, sources) = (Project::built_in(), Sources::new());
    let renderer = Renderer::load(&project, &sources, &Overrides::default()).unwrap();
    let rendered = renderer.render("gateway", "e2e").unwrap();
    then(&renderer, &rendered);
}

fn text(rendered: &Rendered) -> String {
    emit_stream(rendered.objects.iter().map(|object| &object.node))
}

/// Everything that a run reads before the first bundle: schema, base, templates.
#[divan::bench]
fn start(bencher: Bencher<'_, '_>) {
    let project = Project::built_in();
    bencher.bench(|| {
        let sources = Sources::new();
        Renderer::load(black_box(&project), &sources, &Overrides::default()).map(drop).unwrap();
    });
}

/// Merging layers, validation, templates and content names.
#[divan::bench]
fn render_one(bencher: Bencher<'_, '_>) {
    gateway(|renderer, _| bencher.bench_local(|| renderer.render(black_box("gateway"), "e2e").unwrap()));
}

#[divan::bench]
fn check_one(bencher: Bencher<'_, '_>) {
    let options = Options { complete: true, ..Options::default() };
    gateway(|_, rendered| bencher.bench_local(|| check(black_box(&rendered.objects), &options)));
}

#[divan::bench]
fn emit_one(bencher: Bencher<'_, '_>) {
    gateway(|_, rendered| bencher.bench_local(|| text(black_box(rendered))));
}

#[divan::bench]
fn read_one(bencher: Bencher<'_, '_>) {
    gateway(|_, rendered| {
        let text = text(rendered);
        bencher.bench_local(|| load_text(black_box(&text), FileId(0), Dialect::Kubectl));
    });
}

#[divan::bench]
fn diff_one(bencher: Bencher<'_, '_>) {
    gateway(|renderer, rendered| {
        let other = renderer.render("notification", "e2e").unwrap();
        bencher.bench_local(|| diff::compare(black_box(&rendered.objects), &other.objects, &Options::default()));
    });
}

/// 6,000 objects of other projects.
static OBJECTS: LazyLock<Vec<Object>> = LazyLock::new(|| {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/objects.sh");
    let output = Command::new(script).arg("6000").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    load_text(&text, FileId(0), Dialect::Kubectl).documents.into_iter().map(Object::new).collect()
});

#[divan::bench(args = ["api", "all"], sample_count = 20)]
fn check_many(bencher: Bencher<'_, '_>, families: &str) {
    let only = if families == "all" { Vec::new() } else { vec![families.to_owned()] };
    let options = Options { only, ..Options::default() };
    let objects = &*OBJECTS;
    bencher.counter(ItemsCount::new(objects.len())).bench(|| check(black_box(objects), &options));
}

/// A record of 1,015 objects, some of which are not ready.
static RECORD: LazyLock<String> = LazyLock::new(|| {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/record.sh");
    String::from_utf8(Command::new(script).arg("35").output().unwrap().stdout).unwrap()
});

#[divan::bench(sample_count = 20)]
fn read_record(bencher: Bencher<'_, '_>) {
    let text = &*RECORD;
    bencher.counter(BytesCount::of_str(text)).bench(|| Record::read(black_box(text)).unwrap());
}

#[divan::bench(sample_count = 20)]
fn diagnose_record(bencher: Bencher<'_, '_>) {
    let record = Record::read(&RECORD).unwrap();
    let count = ItemsCount::new(record.objects.len());
    bencher.counter(count).bench(|| status::diagnose(black_box(&record), None, PATIENCE).findings(None));
}

/// Finding the secrets in the record, which must not be printed.
#[divan::bench(sample_count = 20)]
fn mask_record(bencher: Bencher<'_, '_>) {
    let record = Record::read(&RECORD).unwrap();
    let count = ItemsCount::new(record.objects.len());
    bencher.counter(count).bench(|| Secrets::of(&Sources::new(), black_box(&record.objects)));
}

/// One custom resource, with its definition in a folder of 400 files (30 MB).
#[divan::bench(sample_count = 20)]
fn check_custom(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    let crds = folder.path().join("crds");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/crds.sh");
    assert!(Command::new(script).arg(&crds).status().unwrap().success());
    let text = std::fs::read_to_string(folder.path().join("crds.yaml")).unwrap();
    let documents = load_text(&text, FileId(0), Dialect::Kubectl).documents;
    let objects: Vec<Object> = documents.into_iter().map(Object::new).collect();
    bencher.bench_local(|| {
        // Definitions of earlier iterations are not reused.
        let mut definitions = Definitions::default();
        definitions.add_crds(&crds, None).unwrap();
        let options = Options { definitions: Arc::new(definitions), ..Options::default() };
        assert_eq!(check(black_box(&objects), &options), []);
    });
}
