//! Runs the commands in the README and in `docs/` as they are written, in a folder with the files that they refer to.
//!
//! A console block with `untried` after its language needs something that tests do not have, which the site mentions.
//! Other programs are replaced by stand-ins if they need a cluster or are not installed.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PLIMSOLL: &str = env!("CARGO_BIN_EXE_plimsoll");

/// Prefixes of commands that are tested elsewhere, and where.
const ELSEWHERE: &[(&str, &str)] = &[
    ("./test", "this test is a part of it"),
    ("cargo install ", "the job `package` of .github/workflows/ci.yaml"),
    ("plimsoll status gateway", "tests/status.rs, with recorded clusters"),
    ("plimsoll status --manifest", "tests/status.rs, with recorded clusters"),
];

/// Replacements for programs that need a cluster or may not be installed, limited to what the commands use.
const STAND_INS: &[(&str, &str)] = &[
    (
        "kubectl",
        "case \"$*\" in\n  kustomize*) cat manifests/web.yaml ;;\n  *rollout*) ;;\n  *'-o json') cat manifests/list.json ;;\n  'get -f -'*) test -n \"$(cat)\" && plimsoll render gateway --set replicas=2 ;;\n  *'-f -'*) test -n \"$(cat)\" ;;\n  *) exit 1 ;;\nesac",
    ),
    ("kind", "test \"$1 $2 $3\" = 'create cluster --config' && test -s \"$4\""),
    ("helm", "test \"$1\" = template && test -s \"${5:-$4}\" && cat manifests/web.yaml"),
    ("jq", "cat manifests/web.json"),
    ("kustomize", "test -f \"${!#}/kustomization.yaml\" && plimsoll render gateway"),
];

/// A Git repository with the files that the pages refer to, on `main`, and a branch with a change.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.shell("git init -q -b main . && git config user.email a@example.com && git config user.name a");
        place.shell("plimsoll init . 2>/dev/null && sed -i 's/^# out = \"deploy\"/out = \"deploy\"/' plimsoll.toml");
        place.shell("for name in gateway aianalysis notification; do plimsoll render $name > $name.yaml; done");
        place.shell(
            "mkdir -p manifests deploy overlays/{dev,staging,prod,production} charts chart && cp gateway.yaml deploy/",
        );
        place.shell(&format!(
            "cp -r {ROOT}/examples . && cp -r examples/web/snapshots/. manifests/ 2>/dev/null || true"
        ));
        place.write("manifests/web.yaml", WEB);
        place.write("web.yaml", WEB);
        place.write("old.yaml", WEB);
        place.write("new.yaml", &WEB.replace("web:1", "web:2"));
        place.write(
            "manifests/web.json",
            "{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"a\"}}\n",
        );
        for record in ["manifests/list.json", "record.json"] {
            place.write(record, "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": []}\n");
        }
        for overlay in ["dev", "staging", "prod", "production"] {
            place.write(&format!("overlays/{overlay}/kustomization.yaml"), "resources: []\n");
        }
        for file in ["production.yaml", "values-dev.yaml", "values-prod.yaml", "redis-values.yaml"] {
            place.write(file, "a: 1\n");
        }
        for config in ["kind.yaml", "kind-a.yaml", "kind-b.yaml"] {
            let name = config.trim_end_matches(".yaml");
            place.write(config, &format!("kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nname: {name}\n"));
        }
        place.write("charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n");
        place.shell("git add -A && git commit -q -m Begin && git checkout -q -b branch");
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs a command line that must succeed.
    fn shell(&self, line: &str) {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn run(&self, line: &str) -> Output {
        let bin = self.path().join(".git/bin");
        if !bin.exists() {
            fs::create_dir_all(&bin).unwrap();
            for (name, body) in STAND_INS {
                let path = bin.join(name);
                fs::write(&path, format!("#!/usr/bin/env bash\n{body}\n")).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            }
            std::os::unix::fs::symlink(PLIMSOLL, bin.join("plimsoll")).unwrap();
        }
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        command.args(["-o", "pipefail", "-c", line]).current_dir(self.path()).env("PATH", path).stdin(Stdio::null());
        command.output().unwrap()
    }
}

const WEB: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: \"web:1\"}]}\n";

/// A block of commands, its page, and whether it is marked as untried.
struct Block {
    page: String,
    commands: Vec<String>,
    untried: bool,
}

/// The commands of a page: the lines after `$ ` in console blocks, and all lines of shell blocks.
fn blocks(page: &str, text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut kind = None;
    for line in text.lines() {
        if let Some(language) = line.strip_prefix("```") {
            let mut words = language.split_whitespace();
            kind = match (kind, words.next()) {
                (None, Some(language @ ("console" | "sh"))) => {
                    let untried = words.next() == Some("untried");
                    blocks.push(Block { page: page.to_owned(), commands: Vec::new(), untried });
                    Some(language.to_owned())
                }
                (None, _) => Some("other".to_owned()),
                (Some(_), _) => None,
            };
            continue;
        }
        // A block that begins with `#!` is a file, not a list of commands.
        if kind.as_deref() == Some("sh") && line.starts_with("#!") {
            blocks.pop();
            kind = Some("other".to_owned());
        }
        let Some(block) = blocks.last_mut() else { continue };
        // A backslash at the end of a line continues the command.
        if let Some(command) = block.commands.last_mut().filter(|command| kind.is_some() && command.ends_with('\\')) {
            command.pop();
            command.push_str(line.trim_start());
            continue;
        }
        match kind.as_deref() {
            Some("console") => block.commands.extend(line.strip_prefix("$ ").map(str::to_owned)),
            Some("sh") if !line.is_empty() && !line.starts_with('#') => block.commands.push(line.to_owned()),
            _ => {}
        }
    }
    blocks
}

fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> =
        fs::read_dir(format!("{ROOT}/docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|end| end == "md") && !page.ends_with("rules.md"));
    pages.push(format!("{ROOT}/README.md").into());
    pages.sort();
    pages
}

/// Prepares the folder for the commands of a page.
fn prepare(page: &str, place: &Place) {
    match page {
        "import.md" => place.shell(
            "rm -r deploy && sed 's/web:1/web:9/' web.yaml > prod.yaml && for name in gateway aianalysis notification staging; do \
             sed \"s/name: web/name: web/; s/web:1/$name:1/\" web.yaml > $name.yaml; done",
        ),
        "review.md" | "README.md" => place.shell("sed -i 's/hostPort: 18091/hostPort: 18092/' profiles/gateway.yaml"),
        "integrations.md" => {
            place.shell("rm -r deploy && cp -r examples/platform deploy && mkdir -p deploy/vendor/{web,redis} charts/redis");
        }
        _ => {}
    }
}

#[test]
fn the_commands_in_the_documentation_succeed() {
    let mut ran = BTreeSet::new();
    let mut faults = Vec::new();
    for path in pages() {
        let page = path.file_name().unwrap().to_string_lossy().into_owned();
        let blocks = blocks(&page, &fs::read_to_string(&path).unwrap());
        if blocks.iter().all(|block| block.untried) {
            continue;
        }
        let place = Place::new();
        prepare(&page, &place);
        for block in blocks.iter().filter(|block| !block.untried) {
            for command in &block.commands {
                if ELSEWHERE.iter().any(|(start, _)| command.starts_with(start)) {
                    continue;
                }
                let mut line = command.replacen("cargo run --release -- ", "plimsoll ", 1);
                if line.starts_with("plimsoll up ") || line.starts_with("plimsoll down ") {
                    let own = line.split('#').next().unwrap().trim_end().to_owned();
                    line = own + " --dry-run";
                }
                let output = place.run(&line);
                // These commands exit with 1 if there are findings or differences, as intended by the examples.
                let judges =
                    ["plimsoll check", "plimsoll diff", "plimsoll status"].iter().any(|name| line.contains(name));
                let fine = output.status.success() || judges && output.status.code() == Some(1);
                if !fine {
                    let error = String::from_utf8_lossy(&output.stderr).into_owned();
                    faults.push(format!("{}: {command}\n{:?} {error}", block.page, output.status.code()));
                }
                ran.insert(command.clone());
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(ran.len() > 25, "the documentation has lost its commands: {ran:?}");
}
