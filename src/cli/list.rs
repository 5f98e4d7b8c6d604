//! `plimsoll profiles`, `images` and `kind`: what rendered bundles say, for scripts and for people.

use foldhash::{HashSet, HashSetExt};
use serde_json::json;

use crate::cli::Outcome;
use crate::cli::args::{Global, OneProfile, Profiles};
use crate::cli::output::Output;
use crate::cli::project;
use crate::finding::{Failure, Finding, RuleId};
use crate::layers::Overrides;
use crate::migrations::{self, SqlFile};
use crate::object::{Object, containers};
use crate::parallel::in_parallel;
use crate::project::Project;
use crate::render::{Rendered, Renderer};
use crate::report::{plain, plain_json};
use crate::source::{Sources, Span};
use crate::yaml::emit;

/// What the table says of a profile.
struct Row {
    profile: String,
    cluster: String,
    namespace: String,
    ports: Vec<String>,
    tables: Vec<String>,
    image: String,
    file: String,
}

const TITLES: [&str; 7] = ["PROFILE", "CLUSTER", "NAMESPACE", "NODEPORT", "TABLES", "IMAGE", "DEFINED IN"];

pub(super) fn profiles(global: &Global, args: &Profiles, output: &mut Output) -> anyhow::Result<Outcome> {
    with_renderer(global, &Overrides::default(), output, |renderer, project, sources, output| {
        let names = project.profiles()?;
        let environment = project::environment(project, &renderer.layers, args.env.as_deref(), &[])?;
        let rows = in_parallel(&names, None, |name| {
            let profile = renderer.layers.profile(name)?;
            if !renderer.layers.environments(&profile).iter().any(|has| *has == environment) {
                return Ok(None);
            }
            let rendered = renderer.render_values(renderer.layers.values(&profile, &environment)?)?;
            Ok::<_, Failure>(Some(row(sources, &rendered)))
        });
        let mut table = Vec::new();
        let mut failures: Vec<Finding> = Vec::new();
        for row in rows {
            match row {
                Ok(row) => table.extend(row),
                Err(failure) => failures.extend_from_slice(failure.findings()),
            }
        }
        if table.is_empty() && failures.is_empty() && !names.is_empty() {
            return Err(project::no_environment(std::slice::from_ref(&environment)));
        }
        let text = if args.json { json_rows(&table) } else { text_rows(&table) };
        // The profiles that are fine are listed, whatever is wrong with the others.
        _ = output.result(&text);
        failures.dedup();
        if failures.is_empty() { Ok(()) } else { Err(failures.into()) }
    })
}

pub(super) fn images(global: &Global, args: &OneProfile, output: &mut Output) -> anyhow::Result<Outcome> {
    one(global, args, output, |rendered| {
        let pods = rendered.objects.iter().filter_map(Object::pod_spec);
        let mut images: Vec<&str> = pods.flat_map(containers).map(|container| container.node["image"].text()).collect();
        images.sort_unstable();
        images.dedup();
        Ok(images.iter().map(|image| format!("{}\n", plain(image))).collect())
    })
}

pub(super) fn kind(global: &Global, args: &OneProfile, output: &mut Output) -> anyhow::Result<Outcome> {
    one(global, args, output, |rendered| match &rendered.kind_config {
        Some(config) => Ok(emit(&config.node)),
        None => {
            let (profile, environment) = (&rendered.values.profile, &rendered.values.environment);
            let message = format!("`{profile}` is for no kind cluster in the environment `{environment}`");
            let finding = Finding::error(RuleId::KindConfigMissing, Span::NONE, message);
            Err(Failure::unable(
                finding.with_help("a template makes one: apiVersion `kind.x-k8s.io/v1alpha4`, kind `Cluster`"),
            ))
        }
    })
}

fn one(
    global: &Global,
    args: &OneProfile,
    output: &mut Output,
    say: impl Fn(&Rendered) -> Result<String, Failure>,
) -> anyhow::Result<Outcome> {
    let overrides = args.overrides.to_overrides();
    with_renderer(global, &overrides, output, |renderer, project, _, output| {
        project::for_profiles(&overrides, std::slice::from_ref(&args.profile))?;
        let environment =
            project::environment(project, &renderer.layers, args.env.as_deref(), std::slice::from_ref(&args.profile))?;
        let text = say(&renderer.render(&args.profile, &environment)?)?;
        _ = output.result(&text);
        Ok(())
    })
}

/// Opens the project, loads what its profiles share, and does `work`; tells what goes wrong.
fn with_renderer(
    global: &Global,
    overrides: &Overrides,
    output: &mut Output,
    work: impl FnOnce(&Renderer<'_>, &Project, &Sources, &mut Output) -> Result<(), Failure>,
) -> anyhow::Result<Outcome> {
    let sources = Sources::new();
    let done = project::open(global, &sources).and_then(|project| {
        let renderer = Renderer::load(&project, &sources, overrides)?;
        work(&renderer, &project, &sources, output)
    });
    Ok(match done {
        Ok(()) => Outcome::Fine,
        Err(failure) => output.failure(&sources, &failure),
    })
}

fn row(sources: &Sources, rendered: &Rendered) -> Row {
    let objects = &rendered.objects;
    let first = |kind: &str| objects.iter().find(|object| object.kind() == kind);
    let workload = first("Deployment").or_else(|| first("StatefulSet"));
    let pod = workload.and_then(Object::pod_spec);
    let namespace = objects.iter().map(Object::namespace).find(|namespace| !namespace.is_empty());
    let config = rendered.kind_config.as_ref();
    Row {
        profile: rendered.values.profile.clone(),
        cluster: config.map(|config| config.node["name"].text().to_owned()).unwrap_or_default(),
        namespace: namespace.unwrap_or_default().to_owned(),
        ports: node_ports(objects, config),
        tables: tables(objects),
        image: pod.map(|pod| pod["containers"][0]["image"].text().to_owned()).unwrap_or_default(),
        file: sources.get(rendered.values.file).map(|file| file.name.clone()).unwrap_or_default(),
    }
}

/// The NodePorts of the Services, each with the port of the host that the kind cluster maps to it.
fn node_ports(objects: &[Object], config: Option<&Object>) -> Vec<String> {
    let services = objects.iter().filter(|object| object.kind() == "Service");
    let ports = services.flat_map(|service| service.node.at(&["spec", "ports"]).items());
    let nodes = config.map_or(&[][..], |config| config.node["nodes"].items());
    let mappings = || nodes.iter().flat_map(|node| node["extraPortMappings"].items());
    ports
        .filter_map(|port| port["nodePort"].as_i64())
        .map(|port| {
            let mapping = mappings().find(|mapping| mapping["containerPort"].as_i64() == Some(port));
            match mapping.and_then(|mapping| mapping["hostPort"].as_i64()) {
                Some(host) => format!("{port} -> {host}"),
                None => port.to_string(),
            }
        })
        .collect()
}

/// The tables that the SQL in the ConfigMaps makes.
fn tables(objects: &[Object]) -> Vec<String> {
    let data = objects.iter().filter(|object| object.kind() == "ConfigMap").flat_map(|map| map.node["data"].entries());
    let files: Vec<SqlFile<'_>> = data
        .filter(|entry| entry.key.ends_with(".sql"))
        .map(|entry| SqlFile { name: &entry.key, text: entry.value.text() })
        .collect();
    let mut known = HashSet::new();
    let tables = migrations::read(&files).0.into_iter().flat_map(|migration| migration.tables);
    tables.filter(|table| known.insert(table.clone())).collect()
}

fn text_rows(rows: &[Row]) -> String {
    let cells: Vec<[String; 7]> = std::iter::once(TITLES.map(str::to_owned))
        .chain(rows.iter().map(|row| {
            let cell = |text: &str| if text.is_empty() { "-".to_owned() } else { plain(text) };
            let list = |items: &[String]| cell(&items.join(", "));
            let (profile, cluster, namespace) = (cell(&row.profile), cell(&row.cluster), cell(&row.namespace));
            [profile, cluster, namespace, list(&row.ports), list(&row.tables), cell(&row.image), cell(&row.file)]
        }))
        .collect();
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..TITLES.len()).map(width).collect();
    cells
        .iter()
        .map(|row| {
            let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect::<Vec<_>>();
            padded.join("  ").trim_end().to_owned() + "\n"
        })
        .collect()
}

fn json_rows(rows: &[Row]) -> String {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({
                "profile": row.profile,
                "cluster": row.cluster,
                "namespace": row.namespace,
                "nodePorts": row.ports,
                "tables": row.tables,
                "image": row.image,
                "file": row.file,
            })
        })
        .collect();
    plain_json(&format!("{:#}\n", json!({ "profiles": rows })))
}
