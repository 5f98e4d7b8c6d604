//! Tests of rendered bundles: the snapshots, how kubectl reads them, and errors in profiles.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use plimsoll::layers::Overrides;
use plimsoll::project::Project;
use plimsoll::render::Renderer;
use plimsoll::source::Sources;
use plimsoll::yaml::{self, Dialect};
use serde_json::Value as Json;

const VALUES: &str = "examples/production/values.yaml";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs the binary with an empty environment.
fn plimsoll(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.current_dir(folder).args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The standard output of a run that must succeed and print nothing to standard error.
fn stdout(folder: &Path, args: &[&str]) -> String {
    let output = plimsoll(folder, args);
    assert_eq!(text(&output.stderr), "", "{args:?}");
    assert_eq!(output.status.code(), Some(0), "{args:?}");
    text(&output.stdout).to_owned()
}

/// `(profile, environment, further arguments)` of every bundle.
fn bundles() -> Vec<(&'static str, &'static str, &'static [&'static str])> {
    let consumers = [
        "aianalysis",
        "datastorage",
        "gateway",
        "notification",
        "remediationorchestrator",
        "signalprocessing",
        "workflowexecution",
    ];
    let mut all: Vec<_> = consumers
        .iter()
        .flat_map(|profile| ["ci", "e2e"].map(|environment| (*profile, environment, &[][..])))
        .collect();
    all.push(("datastorage", "production", &["--values", VALUES]));
    all
}

fn snapshot(profile: &str, environment: &str) -> PathBuf {
    root().join(format!("snapshots/{profile}.{environment}.yaml"))
}

/// Uses `render --verify`. To update the snapshots, run `plimsoll render --all --env e2e --env ci --out snapshots`, and
/// the same for production with its values file.
#[test]
fn snapshots_are_up_to_date() {
    let folder = root();
    for args in [
        &["render", "--all", "--env", "e2e", "--env", "ci", "--out", "snapshots", "--verify"][..],
        &["render", "datastorage", "--env", "production", "--values", VALUES, "--out", "snapshots", "--verify"],
    ] {
        let output = plimsoll(folder, args);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
    let files: BTreeSet<PathBuf> = std::fs::read_dir(folder.join("snapshots"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    let expected: BTreeSet<PathBuf> =
        bundles().iter().map(|(profile, environment, _)| snapshot(profile, environment)).collect();
    assert_eq!(files, expected);
}

#[test]
fn standard_output_is_the_snapshot() {
    for (profile, environment, more) in bundles() {
        let mut args = vec!["render", profile, "--env", environment];
        args.extend(more);
        let expected = std::fs::read_to_string(snapshot(profile, environment)).unwrap();
        assert_eq!(stdout(root(), &args), expected, "{profile} {environment}");
    }
}

/// kubectl reads exactly what was rendered: every value has the same type and string.
#[test]
fn kubectl_reads_back_what_was_rendered() {
    if Command::new("kubectl").args(["version", "--client"]).output().is_err() {
        eprintln!("NOT TESTED: kubectl is not installed, so nobody else read the {} snapshots", bundles().len());
        return;
    }
    for (profile, environment, _) in bundles() {
        let file = snapshot(profile, environment);
        let output = Command::new("kubectl")
            .args(["annotate", "--local", "-o", "json", "plimsoll.dev/roundtrip=1", "-f"])
            .arg(&file)
            .env("KUBECONFIG", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "{file:?}: {}", text(&output.stderr));
        let read: Vec<Json> =
            serde_json::Deserializer::from_slice(&output.stdout).into_iter().collect::<Result<_, _>>().unwrap();
        let rendered = documents(&file);
        assert_eq!(read.len(), rendered.len(), "{file:?}");
        for (mut read, rendered) in read.into_iter().zip(rendered) {
            let metadata = read["metadata"].as_object_mut().unwrap();
            let annotations = metadata["annotations"].as_object_mut().unwrap();
            assert_eq!(annotations.remove("plimsoll.dev/roundtrip"), Some("1".into()));
            if annotations.is_empty() && rendered["metadata"]["annotations"].is_null() {
                metadata.remove("annotations");
            }
            assert_eq!(read, rendered, "{file:?}");
        }
    }
}

/// The objects of a file, read by our own loader.
fn documents(file: &Path) -> Vec<Json> {
    let sources = Sources::new();
    let id = sources.add(file.display().to_string(), std::fs::read_to_string(file).unwrap());
    // The strict dialect rejects scalars that only some versions of YAML read as strings.
    let loaded = yaml::load(&sources, id, Dialect::Strict);
    assert_eq!(loaded.findings, [], "{file:?}");
    loaded.documents.iter().map(|node| serde_json::from_str(&yaml::json(node)).unwrap()).collect()
}

/// The built-in project is rendered in a folder without a project, regardless of the machine's settings.
#[test]
fn the_output_does_not_depend_on_the_machine() {
    let empty = tempfile::tempdir().unwrap();
    let here = stdout(root(), &["render", "aianalysis"]);
    for (home, zone, language) in [("/nowhere", "Asia/Tokyo", "tr_TR.UTF-8"), ("/", "America/New_York", "C")] {
        let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .current_dir(empty.path())
            .args(["render", "aianalysis"])
            .env_clear()
            .envs([("HOME", home), ("TZ", zone), ("LANG", language), ("LC_ALL", language), ("COLUMNS", "20")])
            .output()
            .unwrap();
        assert_eq!(text(&output.stderr), "");
        assert_eq!(text(&output.stdout), here);
    }
}

/// A copy of the built-in project renders the same bundles.
#[test]
fn an_initialized_project_renders_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(plimsoll(folder.path(), &["init", "."]).status.code(), Some(0));
    for (profile, environment, _) in bundles().into_iter().filter(|(_, environment, _)| *environment != "production") {
        let expected = std::fs::read_to_string(snapshot(profile, environment)).unwrap();
        assert_eq!(
            stdout(folder.path(), &["render", profile, "--env", environment]),
            expected,
            "{profile} {environment}"
        );
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("profiles/schema.json")).unwrap(), plimsoll::profile::SCHEMA);
}

/// Each environment has the expected objects.
#[test]
fn each_environment_has_its_objects() {
    let identities = |profile: &str, environment: &str| -> BTreeSet<String> {
        documents(&snapshot(profile, environment))
            .iter()
            .map(|object| {
                let name = object["metadata"]["name"].as_str().unwrap();
                // A content name is the template's name followed by a hash.
                let content = ["datastorage-migrat", "datastorage-scripts"].iter().any(|start| name.starts_with(start))
                    && matches!(object["kind"].as_str(), Some("ConfigMap" | "Job"));
                let name = if content { name.rsplit_once('-').unwrap().0 } else { name };
                format!("{}/{name}", object["kind"].as_str().unwrap())
            })
            .collect()
    };
    let common = [
        "ConfigMap/datastorage-config",
        "ConfigMap/datastorage-migrations",
        "ConfigMap/datastorage-scripts",
        "CronJob/datastorage-partitions",
        "Deployment/datastorage",
        "Job/datastorage-migrate",
        "Service/datastorage",
        "ServiceAccount/datastorage",
        "ServiceAccount/datastorage-migrate",
    ];
    let tests = [
        "Deployment/redis",
        "Secret/datastorage-db",
        "Secret/datastorage-secret",
        "Service/postgresql",
        "Service/postgresql-pods",
        "Service/redis",
        "ServiceAccount/postgresql",
        "ServiceAccount/redis",
        "StatefulSet/postgresql",
    ];
    let production =
        ["NetworkPolicy/datastorage", "NetworkPolicy/datastorage-migrate", "PodDisruptionBudget/datastorage"];
    let set = |parts: &[&[&str]]| parts.concat().iter().map(|id| (*id).to_owned()).collect::<BTreeSet<String>>();
    for environment in ["e2e", "ci"] {
        assert_eq!(identities("gateway", environment), set(&[&["Namespace/kubernaut-system"], &common, &tests]));
        assert_eq!(identities("notification", environment), set(&[&["Namespace/notification-e2e"], &common, &tests]));
    }
    assert_eq!(identities("datastorage", "production"), set(&[&common, &production]));
}

/// Each value that production requires is reported by name.
#[test]
fn missing_production_values_are_reported() {
    let output = plimsoll(root(), &["render", "datastorage", "--env", "production"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    let errors = text(&output.stderr);
    for field in [
        "image.repository",
        "image.digest",
        "database.host",
        "database.user",
        "redis.host",
        "migrate.secret",
        "runtime.secret",
    ] {
        assert!(errors.contains(&format!("`{field}`")), "{field} is not reported:\n{errors}");
    }
}

/// Existing Secrets that production refers to must be declared in the profile.
#[test]
fn existing_secrets_are_declared() {
    for (external, name) in
        [("owner", "datastorage-owner"), ("runtime", "datastorage-runtime"), ("registry", "registry-login")]
    {
        let set = format!("external.{external}=null");
        let output =
            plimsoll(root(), &["render", "datastorage", "--env", "production", "--values", VALUES, "--set", &set]);
        assert_eq!(output.status.code(), Some(1));
        let errors = text(&output.stderr);
        assert!(errors.contains(&format!("error[reference-missing]: Secret `{name}` not found")), "{errors}");
    }
}

#[test]
fn a_project_of_another_service_renders() {
    let folder = root().join("examples/web");
    for (profile, environment, more) in [
        ("shop", "e2e", &[][..]),
        ("shop", "production", &["--set", "sessionKey=only-for-this-test"]),
        ("blog", "e2e", &[]),
    ] {
        let mut args = vec!["render", profile, "--env", environment];
        args.extend(more);
        let made = stdout(&folder, &args);
        snapbox::assert_data_eq!(
            made,
            snapbox::Data::read_from(&folder.join(format!("snapshots/{profile}.{environment}.yaml")), None).raw()
        );
    }
    let output = plimsoll(&folder, &["render", "shop", "--env", "production"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("`sessionKey`"), "{}", text(&output.stderr));
}

/// A project folder with a copy of the built-in project, whose profile `gateway` uses these SQL files.
fn project_with_sql(files: &[(&str, String)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("deploy");
    assert_eq!(plimsoll(folder.path(), &["init", project.to_str().unwrap()]).status.code(), Some(0));
    std::fs::create_dir(project.join("sql")).unwrap();
    for (name, text) in files {
        std::fs::write(project.join("sql").join(name), text).unwrap();
    }
    let profile = project.join("profiles/gateway.yaml");
    let text = std::fs::read_to_string(&profile).unwrap() + "migrations: {folder: ../sql}\n";
    std::fs::write(profile, text).unwrap();
    folder
}

/// SQL that is too large for one ConfigMap is split into several, which the Job and the waiting container mount as one
/// folder.
#[test]
fn large_migrations_are_split_and_mounted_as_one_volume() {
    let filler =
        |n: usize| format!("CREATE TABLE t{n} (c text);\nINSERT INTO t{n} VALUES ('{}');\n", "x".repeat(120_000));
    let events = "CREATE TABLE audit_events (event_id uuid);\n".to_owned();
    let folder = project_with_sql(&[("0001_a.sql", filler(1)), ("0002_b.sql", filler(2)), ("0003_events.sql", events)]);
    let project = folder.path().join("deploy");
    let file = folder.path().join("out.yaml");
    std::fs::write(&file, stdout(&project, &["render", "gateway"])).unwrap();
    let objects = documents(&file);
    let maps: Vec<&Json> = objects
        .iter()
        .filter(|object| {
            object["kind"] == "ConfigMap"
                && object["metadata"]["name"].as_str().unwrap().starts_with("datastorage-migrations-")
        })
        .collect();
    assert_eq!(maps.len(), 2);
    let mut keys: Vec<&str> =
        maps.iter().flat_map(|map| map["data"].as_object().unwrap().keys().map(String::as_str)).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["0001_a.sql", "0002_b.sql", "0003_events.sql", "order"]);
    let names: BTreeSet<&str> = maps.iter().map(|map| map["metadata"]["name"].as_str().unwrap()).collect();
    let mut pods = 0;
    for object in objects.iter().filter(|object| matches!(object["kind"].as_str(), Some("Job" | "Deployment"))) {
        for volume in object["spec"]["template"]["spec"]["volumes"].as_array().into_iter().flatten() {
            if volume["name"] == "migrations" {
                let sources = volume["projected"]["sources"].as_array().unwrap();
                let mounted: BTreeSet<&str> =
                    sources.iter().map(|source| source["configMap"]["name"].as_str().unwrap()).collect();
                assert!(mounted.is_superset(&names), "{mounted:?}");
                pods += 1;
            }
        }
    }
    assert_eq!(pods, 2);
}

/// A table that no migration creates is reported at the profile's line.
#[test]
fn a_table_that_no_migration_creates_is_an_error() {
    let folder = project_with_sql(&[("0001_other.sql", "CREATE TABLE audit_event (id uuid);\n".to_owned())]);
    let output = plimsoll(&folder.path().join("deploy"), &["render", "gateway"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    let errors = text(&output.stderr);
    assert!(errors.contains("migration-table-missing") && errors.contains("did you mean `audit_event`?"), "{errors}");
}

/// A password with characters that are special in shells, SQL and YAML reaches the Secrets unchanged.
#[test]
fn passwords_are_not_changed() {
    let password = r#"it's"$HOME"`id`{{x}}#:-%é&'=,"#;
    let set = format!("database.password={password}");
    let made = plimsoll(root(), &["render", "gateway", "--set", &set]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &made.stdout).unwrap();
    let objects = documents(file.path());
    let value = |name: &str, key: &str| {
        let secret = objects.iter().find(|object| object["kind"] == "Secret" && object["metadata"]["name"] == name);
        let encoded = secret.unwrap()["data"][key].as_str().unwrap();
        String::from_utf8(BASE64_STANDARD.decode(encoded).unwrap()).unwrap()
    };
    assert_eq!(value("datastorage-db", "password"), password);
    let read: Json = serde_saphyr::from_str(&value("datastorage-secret", "db-secrets.yaml")).unwrap();
    assert_eq!(read["password"], password);
}

/// Values that DataStorage cannot write to its connection string are rejected, with the reason and without the value.
#[test]
fn values_that_break_the_connection_string_are_rejected() {
    let values = [
        "",
        "hidden b",
        "hidden\tb",
        "hidden\nb",
        "hidden\rb",
        "hidden\u{b}b",
        "hidden\u{c}b",
        "hidden\\\\b",
        "'hidden'",
    ];
    for value in values {
        let quoted =
            format!("{{database: {{password: {}}}}}", serde_json::to_string(&value.replace("\\\\", "\\")).unwrap());
        let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
        std::fs::write(file.path(), quoted).unwrap();
        let output = plimsoll(root(), &["render", "gateway", "--values", file.path().to_str().unwrap()]);
        let errors = text(&output.stderr);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""), "{value:?}: {errors}");
        assert!(errors.contains("`database.password`") && !errors.contains("hidden"), "{value:?}: {errors}");
        let expected = if value.is_empty() { "must not be empty" } else { "unquoted into its connection string" };
        assert!(errors.contains(expected), "{value:?}: {errors}");
    }
    for field in ["database.user", "database.name"] {
        for value in ["a b", "'a", "a\\\\b", ""] {
            let output = plimsoll(root(), &["render", "gateway", "--set", &format!("{field}={value}")]);
            assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""), "{field}={value:?}");
        }
    }
}

/// Annotations and labels of a profile are set on every object and pod, but not in selectors.
#[test]
fn labels_and_annotations_are_set_everywhere_but_in_selectors() {
    let made = stdout(
        root(),
        &["render", "gateway", "--set", "labels.team=blue", "--set", r"annotations.example\.com/owner=us"],
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), made).unwrap();
    for object in documents(file.path()) {
        let holders = [
            Some(&object["metadata"]),
            object.pointer("/spec/template/metadata"),
            object.pointer("/spec/jobTemplate/spec/template/metadata"),
        ];
        for metadata in holders.into_iter().flatten() {
            assert_eq!(metadata["labels"]["team"], "blue", "{}", object["kind"]);
            assert_eq!(metadata["annotations"]["example.com/owner"], "us", "{}", object["kind"]);
        }
        for selector in ["/spec/selector", "/spec/selector/matchLabels"] {
            assert!(object.pointer(selector).is_none_or(|selector| selector["team"].is_null()));
        }
    }
}

/// A profile, its cluster, and `(NodePort, host port)`.
type Row = (&'static str, &'static str, &'static [(i64, i64)]);

/// The kind config maps exactly the NodePorts of the profile, each to its host port.
#[test]
fn the_kind_config_maps_the_ports_of_the_profile() {
    let sources = Sources::new();
    let project = Project::open(root(), &sources).unwrap();
    let renderer = Renderer::load(&project, &sources, &Overrides::default()).unwrap();
    let ports = |profile: &str| -> (String, BTreeSet<(i64, i64)>) {
        let config = renderer.render(profile, "e2e").unwrap().kind_config.unwrap();
        let config: Json = serde_json::from_str(&yaml::json(&config.node)).unwrap();
        assert_eq!(config["nodes"].as_array().unwrap().len(), 1);
        let mappings = config["nodes"][0]["extraPortMappings"].as_array().unwrap();
        let pair = |mapping: &Json| {
            assert_eq!((&mapping["protocol"], &mapping["listenAddress"]), (&"TCP".into(), &"127.0.0.1".into()));
            (mapping["containerPort"].as_i64().unwrap(), mapping["hostPort"].as_i64().unwrap())
        };
        (config["name"].as_str().unwrap().to_owned(), mappings.iter().map(pair).collect())
    };
    let table: &[Row] = &[
        ("gateway", "gateway-e2e", &[(30080, 8080), (30081, 18091)]),
        ("aianalysis", "aianalysis-e2e", &[(30081, 8091), (30084, 8084), (30184, 9184), (30284, 8184)]),
        ("notification", "notification-e2e", &[(30090, 30090), (30186, 9186)]),
        ("signalprocessing", "signalprocessing-e2e", &[(30081, 30081), (30082, 8082), (30182, 9182), (30432, 30432)]),
        ("workflowexecution", "workflowexecution-e2e", &[(30081, 8092), (30085, 8085), (30185, 9185)]),
        ("remediationorchestrator", "ro-e2e", &[(30081, 8090)]),
        ("datastorage", "datastorage-e2e", &[(30081, 28090), (30432, 25433)]),
    ];
    for (profile, cluster, expected) in table {
        assert_eq!(ports(profile), ((*cluster).to_owned(), expected.iter().copied().collect()), "{profile}");
    }
}

#[test]
fn a_blank_project_renders_in_each_of_its_environments() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(plimsoll(folder.path(), &["init", "shop", "--blank"]).status.code(), Some(0));
    for environment in ["dev", "prod"] {
        let output = plimsoll(folder.path(), &["--project", "shop", "render", "app", "--env", environment]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains("kind: Deployment"));
    }
    // An existing project is not overwritten.
    assert_eq!(plimsoll(folder.path(), &["init", "shop", "--blank"]).status.code(), Some(2));
}
