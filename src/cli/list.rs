//! `plimsoll profiles`, `images` and `kind`: facts about rendered bundles, for scripts and people.

use std::collections::BTreeMap;

use foldhash::{HashSet, HashSetExt};
use serde_json::json;

use crate::cli::args::{Global, OneProfile, Profiles};
use crate::cli::outcome::Outcome;
use crate::cli::output::Output;
use crate::cli::project;
use crate::finding::{Failure, Finding, RuleId};
use crate::layers::{EXTERNAL, Overrides, no_environment};
use crate::migrations::{self, SqlFile};
use crate::node::{Node, Value};
use crate::object::{Object, containers};
use crate::parallel::in_parallel;
use crate::profile;
use crate::project::{Project, SCHEMA};
use crate::render::{Rendered, Renderer};
use crate::report::{plain, plain_json};
use crate::secret::{in_text, is_credentials, is_secret_name};
use crate::source::{Sources, Span};
use crate::yaml::{self, emit};

/// The row of a profile.
struct Row {
    profile: String,
    cluster: String,
    namespace: String,
    ports: Vec<String>,
    tables: Vec<String>,
    image: String,
    file: String,
    /// The scalar values of the profile that can be shown, by their paths.
    values: Vec<(String, String)>,
}

/// The maximum number of values of a profile in the table.
const MAX_VALUES: usize = 4;

/// The maximum depth of shown values in a profile.
const MAX_DEPTH: usize = 2;

/// The maximum length of a shown value, in characters.
const MAX_WIDTH: usize = 40;

pub(super) fn profiles(global: &Global, args: &Profiles, output: &mut Output) -> anyhow::Result<Outcome> {
    with_renderer(global, &Overrides::default(), output, |renderer, project, sources, output| {
        let names = project.profiles()?;
        let environment = renderer.layers.environment(args.env.as_deref(), &[])?;
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
            return Err(no_environment(std::slice::from_ref(&environment)));
        }
        let text = if args.json { json_rows(&table) } else { text_rows(&table, has_built_in_schema(project, sources)) };
        // Valid profiles are listed even if others are invalid.
        _ = output.result(&text);
        failures.dedup();
        if failures.is_empty() { Ok(()) } else { Err(failures.into()) }
    })
}

pub(super) fn images(global: &Global, args: &OneProfile, output: &mut Output) -> anyhow::Result<Outcome> {
    one(global, args, output, |rendered| {
        let templates = rendered.objects.iter().flat_map(Object::pod_templates);
        let containers = templates.flat_map(|template| containers(template.spec));
        // A controller may fill in an image that is absent.
        let named = containers.map(|container| container.node["image"].text()).filter(|image| !image.is_empty());
        let mut images: Vec<&str> = named.collect();
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
            let message = format!("profile `{profile}` has no kind cluster in the environment `{environment}`");
            let finding = Finding::error(RuleId::KindConfigMissing, Span::NONE, message);
            Err(Failure::unable(
                finding.with_help("add a template with apiVersion `kind.x-k8s.io/v1alpha4`, kind `Cluster`"),
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
    with_renderer(global, &overrides, output, |renderer, _, _, output| {
        let text = say(&renderer.render_only(&args.profile, args.env.as_deref())?)?;
        _ = output.result(&text);
        Ok(())
    })
}

/// Opens the project, loads what its profiles share, and does `work`; prints failures.
fn with_renderer(
    global: &Global,
    overrides: &Overrides,
    output: &mut Output,
    work: impl FnOnce(&Renderer<'_>, &Project, &Sources, &mut Output) -> Result<(), Failure>,
) -> anyhow::Result<Outcome> {
    let sources = Sources::new();
    let done = project::open(global, &sources).and_then(|project| {
        let renderer = project::renderer(global, &project, &sources, overrides)?;
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
        values: {
            let mut values = Vec::new();
            single_values(&rendered.values.node, "", MAX_DEPTH, &mut values);
            values
        },
    }
}

/// The strings, numbers and booleans of a profile that are short and not secret.
fn single_values(node: &Node, path: &str, depth: usize, found: &mut Vec<(String, String)>) {
    for entry in node.entries() {
        let path = if path.is_empty() { entry.key.to_string() } else { format!("{path}.{}", entry.key) };
        let value = &entry.value;
        let text = match &value.value {
            _ if value.origin.is_secret() || path == EXTERNAL => continue,
            _ if is_secret_name(&entry.key) || is_credentials(&entry.key, value) => continue,
            Value::String(text) => text.to_string(),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) => yaml::json(value),
            Value::Mapping(_) if depth > 1 => {
                single_values(value, &path, depth - 1, found);
                continue;
            }
            _ => continue,
        };
        if !text.is_empty() && text.chars().count() <= MAX_WIDTH && in_text(&text).is_empty() {
            found.push((path, text));
        }
    }
}

/// A column of the table: its title, and its cell in each row.
type Column = (String, Vec<String>);

/// The values that distinguish the profiles, in the order of the profiles' fields, without those in other columns.
fn telling(rows: &[Row], shown: &[Column]) -> Vec<Column> {
    let mut paths: Vec<&str> = Vec::new();
    for (path, _) in rows.iter().flat_map(|row| &row.values) {
        if !paths.contains(&path.as_str()) {
            paths.push(path);
        }
    }
    let column = |path: &str| -> Vec<String> {
        let of_row = |row: &Row| row.values.iter().find(|(known, _)| known == path).map(|(_, value)| value.clone());
        rows.iter().map(|row| of_row(row).unwrap_or_default()).collect()
    };
    let columns = paths.into_iter().map(|path| (path.to_owned(), column(path)));
    let differs = |cells: &[String]| cells.windows(2).any(|pair| pair[0] != pair[1]);
    // A value that few profiles have does not distinguish the others.
    let is_common = |cells: &[String]| cells.iter().filter(|cell| !cell.is_empty()).count() * 2 >= cells.len();
    let is_new = |cells: &Vec<String>| shown.iter().all(|(_, known)| known != cells);
    columns.filter(|(_, cells)| differs(cells) && is_common(cells) && is_new(cells)).take(MAX_VALUES).collect()
}

/// The NodePorts of the Services, each with the host port that the kind cluster maps to it.
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

/// The tables that the SQL in the ConfigMaps creates.
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

/// Whether the profiles of a project are DataStorage's.
fn has_built_in_schema(project: &Project, sources: &Sources) -> bool {
    match project.read(sources, SCHEMA) {
        Ok(file) => sources.get(file).is_some_and(|file| *file.text == *profile::SCHEMA),
        Err(_) => true,
    }
}

/// `all`: every column of DataStorage's profiles; else the columns that are not empty, and the values that
/// distinguish the profiles.
fn text_rows(rows: &[Row], all: bool) -> String {
    let column = |title: &str, cell: &dyn Fn(&Row) -> String| (title.to_owned(), rows.iter().map(cell).collect());
    let mut columns: Vec<Column> = vec![
        column("PROFILE", &|row| row.profile.clone()),
        column("CLUSTER", &|row| row.cluster.clone()),
        column("NAMESPACE", &|row| row.namespace.clone()),
        column("NODEPORT", &|row| row.ports.join(", ")),
        column("TABLES", &|row| row.tables.join(", ")),
        column("IMAGE", &|row| row.image.clone()),
    ];
    if !all {
        columns.retain(|(title, cells)| title == "PROFILE" || cells.iter().any(|cell| !cell.is_empty()));
        columns.extend(telling(rows, &columns));
    }
    columns.push(column("DEFINED IN", &|row| row.file.clone()));
    let shown = |cell: &String| if cell.is_empty() { "-".to_owned() } else { plain(cell) };
    let columns: Vec<Vec<String>> = columns
        .into_iter()
        .map(|(title, cells)| std::iter::once(plain(&title)).chain(cells.iter().map(shown)).collect())
        .collect();
    let width = |column: &Vec<String>| column.iter().map(|cell| cell.chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = columns.iter().map(width).collect();
    (0..=rows.len())
        .map(|row| {
            let cells = columns.iter().zip(&widths).map(|(column, width)| format!("{:width$}", column[row]));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
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
                "values": row.values.iter().cloned().collect::<BTreeMap<String, String>>(),
            })
        })
        .collect();
    plain_json(&format!("{:#}\n", json!({ "profiles": rows })))
}
