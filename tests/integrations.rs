//! The recipes for Argo CD and Flux in `examples/`, as far as they run without a cluster.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use plimsoll::node::Node;
use plimsoll::source::Sources;
use plimsoll::yaml::{Dialect, load};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PLIMSOLL: &str = env!("CARGO_BIN_EXE_plimsoll");

fn documents(name: &str) -> Vec<Node> {
    let sources = Sources::new();
    let text = fs::read_to_string(format!("{ROOT}/{name}")).unwrap();
    let loaded = load(&sources, sources.add(name, text), Dialect::Kubectl);
    assert_eq!(loaded.findings, []);
    loaded.documents
}

fn render(args: &[&str]) -> Output {
    Command::new(PLIMSOLL).arg("render").args(args).current_dir(format!("{ROOT}/examples/platform")).output().unwrap()
}

fn texts(list: &Node) -> Vec<&str> {
    list.items().iter().map(Node::text).collect()
}

#[test]
fn argo_cd_renders_an_application() {
    let plugin = documents("examples/argocd/plugin.yaml").remove(0);
    assert_eq!(plugin["kind"].text(), "ConfigManagementPlugin");
    let spec = &plugin["spec"];
    let project = format!("{ROOT}/examples/platform");
    // The Application's path is the project.
    assert!(Path::new(&project).join(spec["discover"]["fileName"].text()).is_file());
    // Argo CD runs the command in the Application's folder, with the parameters as variables in upper case.
    let generate = |variables: &[(&str, &str)]| {
        let command = texts(&spec["generate"]["command"]);
        let bin = Path::new(PLIMSOLL).parent().unwrap();
        Command::new(command[0])
            .args(&command[1..])
            .args(texts(&spec["generate"]["args"]))
            .current_dir(&project)
            .env_clear()
            .env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()))
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    let wanted = render(&["catalog", "--env", "prod"]).stdout;
    assert!(!wanted.is_empty());
    let by_name = generate(&[("ARGOCD_APP_NAME", "catalog"), ("PARAM_ENVIRONMENT", "prod")]);
    assert_eq!(String::from_utf8_lossy(&by_name.stderr), "");
    assert!(by_name.stdout == wanted);
    let by_profile =
        generate(&[("ARGOCD_APP_NAME", "catalog-prod"), ("PARAM_PROFILE", "catalog"), ("PARAM_ENVIRONMENT", "prod")]);
    assert!(by_profile.stdout == wanted);
    // What does not render fails the sync, and says why.
    let failed = generate(&[("ARGOCD_APP_NAME", "nothing"), ("PARAM_ENVIRONMENT", "prod")]);
    assert!(!failed.status.success() && failed.stdout.is_empty() && !failed.stderr.is_empty());
    // The Application names the plugin and gives parameters that it announces.
    let application = documents("examples/argocd/application.yaml").remove(0);
    let asked = application.at(&["spec", "source", "plugin"]);
    assert_eq!(asked["name"].text(), plugin.at(&["metadata", "name"]).text());
    let known = spec.at(&["parameters", "static"]).items();
    for parameter in asked["parameters"].items() {
        assert!(known.iter().any(|known| known["name"].text() == parameter["name"].text()));
    }
    // The patch adds the sidecar's own volume, and mounts those that argocd-repo-server shares with its plugins.
    let patch = documents("examples/argocd/repo-server.yaml").remove(0);
    let pod = patch.at(&["spec", "template", "spec"]);
    let mounts = pod["containers"].items()[0]["volumeMounts"].items();
    let mounts: Vec<&str> = mounts.iter().map(|mount| mount["name"].text()).collect();
    assert_eq!(mounts, ["var-files", "plugins", pod["volumes"].items()[0]["name"].text()]);
}

#[test]
fn flux_finds_the_manifests_that_are_committed() {
    let folder = tempfile::tempdir().unwrap();
    let documents = documents("examples/flux/shop.yaml");
    let [source, kustomization] = documents.as_slice() else { panic!("{}", documents.len()) };
    let spec = &kustomization["spec"];
    for field in ["kind", "name"] {
        let named = if field == "kind" { &source["kind"] } else { source.at(&["metadata", "name"]) };
        assert_eq!(spec["sourceRef"][field].text(), named.text());
    }
    // The command that its first line names, into the folder that Flux reads.
    let text = fs::read_to_string(format!("{ROOT}/examples/flux/shop.yaml")).unwrap();
    let command = text.lines().next().unwrap().split('`').nth(1).unwrap();
    let (command, out) = command.strip_prefix("plimsoll render ").unwrap().split_once(" --out ").unwrap();
    assert_eq!(format!("./{out}"), spec["path"].text());
    let out = folder.path().join(out);
    let arguments: Vec<&str> = command.split(' ').collect();
    let output = render(&[&arguments[..], &["--out", out.to_str().unwrap()]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Flux applies every YAML file of the folder: there is the bundle, and nothing else that it would read.
    let mut yaml = Vec::new();
    let mut folders = vec![out];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
                yaml.push(path);
            }
        }
    }
    assert_eq!(yaml.len(), 1, "{yaml:?}");
    assert!(fs::read(&yaml[0]).unwrap() == render(&arguments).stdout);
}
