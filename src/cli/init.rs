//! Commands about a project itself: `schema` and `init`.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use crate::built_in;
use crate::cli::args::Global;
use crate::cli::outcome::Outcome;
use crate::cli::output::Output;
use crate::cli::project::open;
use crate::json_schema;
use crate::project::{self, AccessError, Project};
use crate::report::plain_json;
use crate::source::Sources;

pub(super) fn schema(global: &Global, settings: bool, output: &mut Output) -> anyhow::Result<Outcome> {
    if settings {
        output.result(&project::settings_schema())?;
        return Ok(Outcome::Fine);
    }
    let sources = Sources::new();
    let read = |project: &Project| project.read(&sources, project::SCHEMA);
    let file = open(global, &sources).and_then(|project| match read(&project) {
        Err(AccessError::Missing(_)) => read(&Project::built_in()).map_err(|error| error.failure()),
        file => file.map_err(|error| error.failure()),
    });
    match file {
        Ok(file) => {
            let text = sources.get(file).map(|file| file.text.replace("\r\n", "\n")).unwrap_or_default();
            output.result(&plain_json(&json_schema::of_layers(&text).unwrap_or(text)))?;
            Ok(Outcome::Fine)
        }
        Err(failure) => Ok(output.failure(&sources, &failure)),
    }
}

pub(super) fn init(folder: &Path, blank: bool, output: &Output) -> anyhow::Result<Outcome> {
    let (files, profile) = if blank {
        (BLANK.to_vec(), "app")
    } else {
        // Copies of the other descriptions would become outdated.
        let is_own = |path: &str| !path.starts_with("services/") || path == "services/datastorage.yaml";
        let built_in = built_in::FILES.iter().map(|file| (file.path, file.text)).filter(|(path, _)| is_own(path));
        (built_in.chain([(project::FILE, SETTINGS)]).collect(), "gateway")
    };
    if let Some(path) = files.iter().map(|(path, _)| folder.join(path)).find(|path| path.exists()) {
        bail!("{} already exists; `init` overwrites nothing", path.display());
    }
    for (path, text) in &files {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    output.message(&format!(
        "{} files written to {}; to render them, run `plimsoll render --project {} {profile}`",
        files.len(),
        folder.display(),
        folder.display(),
    ));
    Ok(Outcome::Fine)
}

/// A small project that renders, as in `examples/blank`.
const BLANK: &[(&str, &str)] = {
    macro_rules! files {
        ($($path:literal),*) => { &[$(($path, include_str!(concat!("../../examples/blank/", $path)))),*] };
    }
    files![
        "plimsoll.toml",
        "profiles/app.yaml",
        "profiles/base.yaml",
        "profiles/schema.json",
        "profiles/environments/dev.yaml",
        "profiles/environments/prod.yaml",
        "templates/app.yaml"
    ]
};

/// The settings of a new project, all with their defaults.
const SETTINGS: &str = "\
# The settings of a plimsoll project, which consists of profiles/, templates/ and services/ in this folder. docs/settings.md has
# an example of every setting; `plimsoll schema --settings` prints a schema for editors.

# The default folder of `render --out`.
# out = \"deploy\"

# The default environment.
environment = \"e2e\"

# Hosts and objects that exist elsewhere: `host`, `host:port` or `Kind/name`.
# externals = [\"db.example.com:5432\", \"Secret/registry-login\"]

# CustomResourceDefinitions: files and folders of the project.
# crds = [\"crds\"]

# Folders of published schemas of custom resources, GROUP/KIND_VERSION.json.
# schemas = [\"schemas\"]

# The Kubernetes version to check against.
# kubernetes = \"1.36\"

# Files that `check` excludes: patterns as in .gitignore.
# exclude = [\"third_party/\"]

# Whether all profiles share one cluster (shared), or each has its own (profile).
# clusters = \"profile\"

# Severities of rules: off, note, warning or error; everywhere, or in some files.
# [rules]
# unused = \"off\"
# [paths.\"legacy/**\"]
# host-unresolved = \"note\"

# Accepted findings.
# [[allow]]
# rule = \"pod-security\"
# object = \"DaemonSet/log-agent\"
# because = \"reads the logs of the node\"

# Fields of custom resources that name other objects.
# [[references]]
# kind = \"Boat\"
# field = \"spec.config\"
# names = \"ConfigMap\"

# The deployed versions of known services.
# [[service-versions]]
# service = \"DataStorage\"
# version = \"1.5\"
";
