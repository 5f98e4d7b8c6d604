//! `plimsoll fn`: a KRM function for kustomize, kpt and others, which reads a ResourceList and writes one.

use std::io;
use std::path::PathBuf;

use anyhow::bail;
use foldhash::HashMap;
use serde::{Deserialize, Deserializer};

use crate::check;
use crate::check::input::Input;
use crate::cli::args::Global;
use crate::cli::check::{judge, known_rules};
use crate::cli::outcome::{Outcome, Stop};
use crate::cli::output::Output;
use crate::cli::project;
use crate::finding::{Failure, Finding, ObjectRef, RuleId, Severity};
use crate::kube::KubernetesVersion;
use crate::layers::{Overrides, SetArgument};
use crate::node::{Mapping, Node, Value};
use crate::object::Object;
use crate::report::{self, Secrets};
use crate::source::{self, FileId, Sources, Span};
use crate::yaml::{self, Dialect};

/// The API group of the function's configuration.
const GROUP: &str = "plimsoll.dev/";

/// Annotations in which orchestrators store the file of an object, and its index there; the second name of each is
/// deprecated.
const PATH: [&str; 2] = ["internal.config.kubernetes.io/path", "config.kubernetes.io/path"];
/// Marks an object that is not applied, such as the configuration of a generator.
const LOCAL: &str = "config.kubernetes.io/local-config";
const INDEX: [&str; 2] = ["internal.config.kubernetes.io/index", "config.kubernetes.io/index"];

/// The configuration of the function.
enum Task {
    Render(RenderSpec, Node),
    Check(CheckSpec),
}

/// The `spec` of a `Bundle`, without its `values`, which are read separately.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RenderSpec {
    profile: String,
    project: Option<PathBuf>,
    environment: Option<String>,
    #[serde(default, deserialize_with = "list")]
    set: Vec<String>,
    #[serde(default, deserialize_with = "flag")]
    strict: bool,
    kubernetes_version: Option<String>,
}

/// The `spec` of a `Check`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct CheckSpec {
    project: Option<PathBuf>,
    #[serde(deserialize_with = "flag")]
    complete: bool,
    fail_on: FailOn,
    #[serde(deserialize_with = "list")]
    only: Vec<String>,
    #[serde(deserialize_with = "list")]
    skip: Vec<String>,
    #[serde(deserialize_with = "list")]
    external: Vec<String>,
    kubernetes_version: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FailOn {
    #[default]
    Error,
    Warning,
    Note,
}

impl From<FailOn> for Severity {
    fn from(fail_on: FailOn) -> Self {
        match fail_on {
            FailOn::Error => Self::Error,
            FailOn::Warning => Self::Warning,
            FailOn::Note => Self::Note,
        }
    }
}

/// A list, or a comma-separated string, as in the data of a ConfigMap.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a list of strings")]
    enum List {
        Many(Vec<String>),
        One(String),
    }
    Ok(match List::deserialize(deserializer)? {
        List::Many(items) => items,
        List::One(text) => text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect(),
    })
}

/// A boolean, or its string.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "true or false")]
    enum Flag {
        Bool(bool),
        Text(Word),
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Word {
        True,
        False,
    }
    Ok(matches!(Flag::deserialize(deserializer)?, Flag::Bool(true) | Flag::Text(Word::True)))
}

/// The result of a run of the function.
struct Done {
    findings: Vec<Finding>,
    secrets: Secrets,
    /// The rendered objects; empty for a check.
    rendered: Vec<Object>,
    fail_on: Severity,
}

pub(super) fn run(global: &Global, output: &mut Output) -> anyhow::Result<Outcome> {
    let sources = Sources::new();
    let text = source::read_text(io::stdin().lock()).map_err(|error| anyhow::anyhow!("standard input is {error}"))?;
    let input = sources.add("ResourceList", text);
    let mut loaded = yaml::load(&sources, input, Dialect::Kubectl);
    loaded.findings.retain(|finding| finding.severity == Severity::Error);
    if !loaded.findings.is_empty() {
        _ = output.failure(&sources, &Failure::Findings(loaded.findings));
        return Ok(Outcome::Unable);
    }
    let Some(mut list) = loaded.documents.into_iter().next().filter(|list| list["kind"].text() == "ResourceList")
    else {
        bail!("standard input is not a ResourceList: `plimsoll fn` is run by kustomize or kpt");
    };
    let done = match task(&list["functionConfig"]).and_then(|task| match task {
        Task::Render(spec, values) => render(global, &sources, spec, &values),
        Task::Check(spec) => check(global, &sources, spec, list["items"].items()),
    }) {
        Ok(done) => done,
        Err(Stop::Failure(failure)) => {
            let unable = matches!(failure, Failure::Unable(_));
            let findings = failure.findings().to_vec();
            let secrets = Secrets::new(&sources);
            if unable {
                _ = output.failure(&sources, &failure);
                return Ok(Outcome::Unable);
            }
            Done { findings, secrets, rendered: Vec::new(), fail_on: Severity::Error }
        }
        Err(Stop::Error(error)) => return Err(error),
    };
    let fails = done.findings.iter().any(|finding| finding.severity >= done.fail_on);
    output.findings(&sources, &done.findings, &done.secrets);
    let results = results(&sources, &done, input, list["items"].items());
    if let Value::Mapping(mapping) = &mut list.value {
        let mut items = mapping.get("items").map(|items| items.items().to_vec()).unwrap_or_default();
        // A bundle with errors is not passed on in part.
        if !fails {
            place(&mut items, &done.rendered);
        }
        mapping.set("items", Node::new(items, Span::NONE));
        mapping.remove("results");
        if !done.findings.is_empty() {
            mapping.set("results", results);
        }
    }
    output.result(&yaml::emit(&list))?;
    Ok(Outcome::objecting(fails))
}

/// Reads the configuration.
fn task(config: &Node) -> Result<Task, Stop> {
    let kind = config["kind"].text();
    let spec = match config["apiVersion"].text() {
        "" if !config.is_set() => &config["spec"],
        "v1" if kind == "ConfigMap" => &config["data"],
        version if version.starts_with(GROUP) && matches!(kind, "Bundle" | "Check") => &config["spec"],
        version => {
            return Err(anyhow::anyhow!(
                "cannot use a functionConfig of kind `{kind}` ({version}): give a Bundle or Check of {GROUP}v1, or a ConfigMap"
            )
            .into());
        }
    };
    let mut spec = match &spec.value {
        Value::Mapping(mapping) => mapping.clone(),
        Value::Null => Mapping::new(),
        _ => return Err(anyhow::anyhow!("the spec of the functionConfig must be a mapping").into()),
    };
    let wrong = |error: serde::de::value::Error| anyhow::anyhow!("invalid functionConfig `{kind}`: {error}");
    if kind == "Bundle" || kind == "ConfigMap" && spec.get("profile").is_some() {
        let values = spec.remove("values").unwrap_or_else(|| Node::new(Value::Null, Span::NONE));
        let spec = yaml::from_node(&Node::new(spec, Span::NONE)).map_err(wrong)?;
        return Ok(Task::Render(spec, values));
    }
    let spec: CheckSpec = yaml::from_node(&Node::new(spec, Span::NONE)).map_err(wrong)?;
    known_rules(spec.only.iter().chain(&spec.skip))?;
    Ok(Task::Check(spec))
}

/// The global options, with those of the configuration.
fn with(global: &Global, project: Option<PathBuf>, version: Option<&str>) -> anyhow::Result<Global> {
    let version = match version.map(str::parse::<KubernetesVersion>) {
        Some(Ok(version)) => Some(version),
        Some(Err(error)) => bail!("invalid functionConfig: kubernetesVersion: {error}"),
        None => global.kubernetes_version,
    };
    Ok(Global { project: project.or_else(|| global.project.clone()), kubernetes_version: version, ..global.clone() })
}

/// Renders a bundle and checks it, as `plimsoll render` does.
fn render(global: &Global, sources: &Sources, spec: RenderSpec, values: &Node) -> Result<Done, Stop> {
    let global = with(global, spec.project, spec.kubernetes_version.as_deref())?;
    let project = project::open(&global, sources)?;
    let mut overrides =
        Overrides { sets: spec.set.into_iter().map(SetArgument::Value).collect(), ..Overrides::default() };
    if values.is_set() {
        // They are a separate source, since the lines of the ResourceList are not meaningful to users; the data of a
        // ConfigMap is YAML.
        let text = values.as_str().map_or_else(|| yaml::emit(values), str::to_owned);
        overrides.texts.push(sources.add("functionConfig values", text));
    }
    let (renderer, options) = project::load(&global, &project, sources, &overrides)?;
    let rendered = renderer.render_only(&spec.profile, spec.environment.as_deref())?;
    let allowances = if spec.strict { &[][..] } else { &project.settings.allow };
    let findings = check::check_rendered(sources, &rendered, &options, allowances);
    let secrets = Secrets::of(sources, &rendered.objects);
    Ok(Done { findings, secrets, rendered: rendered.objects, fail_on: Severity::Error })
}

/// Checks the items, as `plimsoll check` does.
fn check(global: &Global, sources: &Sources, spec: CheckSpec, items: &[Node]) -> Result<Done, Stop> {
    let global = with(global, spec.project, spec.kubernetes_version.as_deref())?;
    let project = project::open(&global, sources)?;
    let mut options = project::options(&global, &project, sources)?;
    let mut input = Input::default();
    let is_local = |item: &&Node| item.at(&["metadata", "annotations", LOCAL]).text() == "true";
    for item in items.iter().filter(|item| !is_local(item)) {
        input.add_document(sources, item.clone());
    }
    options.kind_config = input.kind_config.take().or(options.kind_config);
    options.complete |= spec.complete;
    options.externals.extend(spec.external);
    options.only = spec.only.iter().map(|name| RuleId::current(name).to_owned()).collect();
    options.skip = spec.skip.iter().map(|name| RuleId::current(name).to_owned()).collect();
    let findings = judge(sources, &input.objects, &options, input.findings);
    let secrets = Secrets::of(sources, &input.objects);
    Ok(Done { findings, secrets, rendered: Vec::new(), fail_on: spec.fail_on.into() })
}

/// Adds rendered objects to the items: each replaces the item with the same identity, or is added at the end.
fn place(items: &mut Vec<Node>, rendered: &[Object]) {
    let known: Vec<ObjectRef> = items.iter().map(|item| Object::new(item.clone()).id).collect();
    let known: HashMap<&ObjectRef, usize> = known.iter().enumerate().map(|(at, id)| (id, at)).collect();
    for object in rendered {
        match known.get(&object.id) {
            Some(at) => {
                let mut node = object.node.clone();
                keep_origin(&items[*at], &mut node);
                items[*at] = node;
            }
            None => items.push(object.node.clone()),
        }
    }
}

/// Keeps the annotations with the file of an item.
fn keep_origin(item: &Node, node: &mut Node) {
    let annotations = item.at(&["metadata", "annotations"]).entries();
    let kept = annotations.iter().filter(|entry| PATH.iter().chain(&INDEX).any(|name| *name == entry.key.as_str()));
    for entry in kept {
        let Some(Node { value: Value::Mapping(metadata), .. }) = node.get_mut("metadata") else { return };
        if !matches!(metadata.get("annotations"), Some(Node { value: Value::Mapping(_), .. })) {
            metadata.set("annotations", Node::new(Mapping::new(), Span::NONE));
        }
        if let Some(Node { value: Value::Mapping(annotations), .. }) = metadata.get_mut("annotations") {
            annotations.set(&entry.key, entry.value.clone());
        }
    }
}

/// The findings as the results of the ResourceList.
fn results(sources: &Sources, done: &Done, input: FileId, items: &[Node]) -> Node {
    let ids: HashMap<ObjectRef, &Node> = items.iter().map(|item| (Object::new(item.clone()).id, item)).collect();
    let json = report::results(sources, &done.findings, &done.secrets, input, |id| {
        let annotations = ids.get(id)?.at(&["metadata", "annotations"]);
        let [path, index] = [PATH, INDEX]
            .map(|names| names.map(|name| annotations[name].text()).into_iter().find(|text| !text.is_empty()));
        Some((path?, index.and_then(|index| index.parse().ok())))
    });
    yaml::read_json(&json).unwrap_or_else(|_| Node::new(Value::Null, Span::NONE))
}
