//! `plimsoll import`: turns several copies into one base, and verifies the result.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use plimsoll::check::input::Input;
use plimsoll::import::{self, Variant};
use plimsoll::kube::{KubernetesVersion, Shape, equivalent};
use plimsoll::layers::Overrides;
use plimsoll::object::Object;
use plimsoll::project::Project;
use plimsoll::render::Renderer;
use plimsoll::service::Services;
use plimsoll::source::Sources;
use plimsoll::yaml::emit_stream;
use proptest::prelude::*;
use tempfile::TempDir;

fn plimsoll(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.env_clear().current_dir(folder).stdin(Stdio::null()).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// The objects in a manifest.
fn objects(name: &str, manifests: &str) -> Vec<Object> {
    let sources = Sources::new();
    let mut input = Input::default();
    input.add(&sources, sources.add(name, manifests), true);
    assert!(input.findings.iter().all(|finding| finding.severity < plimsoll::finding::Severity::Error));
    input.objects
}

pub(crate) fn variant(name: &str, manifests: &str) -> Variant {
    Variant { name: name.to_owned(), path: format!("{name}.yaml"), objects: objects(name, manifests) }
}

/// Asserts that a copy and its rendering have the same objects, as the API server stores them. Written independently
/// of the comparison in the library.
fn same(copy: &[Object], rendered: &[Object]) {
    let sorted = |objects: &[Object]| {
        let mut texts: Vec<(String, Object)> = objects
            .iter()
            .map(|object| (format!("{} {} {}", object.id, object.namespace(), object.group()), object.clone()))
            .collect();
        texts.sort_by(|a, b| a.0.cmp(&b.0));
        texts
    };
    let (copy, rendered) = (sorted(copy), sorted(rendered));
    assert_eq!(copy.len(), rendered.len());
    for ((name, one), (other_name, other)) in copy.iter().zip(&rendered) {
        assert_eq!(name, other_name);
        let show = |object: &Object| emit_stream([&object.node]);
        let shape = Shape::built_in(&one.node, KubernetesVersion::default());
        assert!(
            one.node == other.node || equivalent(&one.node, &other.node, shape),
            "{name}:\n{}\n{}",
            show(one),
            show(other)
        );
    }
}

pub(crate) const GATEWAY: &str = include_str!("data/seed/gateway-failing.yaml");
pub(crate) const AIANALYSIS: &str = include_str!("data/seed/aianalysis-working.yaml");

#[test]
fn two_hand_written_copies_become_one_base() {
    let folder = folder(&[("gateway.yaml", GATEWAY), ("aianalysis.yaml", AIANALYSIS)]);
    let made = plimsoll(folder.path(), &["import", "gateway.yaml", "aianalysis.yaml", "--into", "deploy"]);
    let report = text(&made.stdout);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    for expected in [
        "gateway\n  lacks ConfigMap datastorage-config; Secret datastorage-secret; ",
        "livenessProbe",
        "namespace         kubernaut-system       gateway-e2e  ·",
        "error[config-path-missing] Deployment/datastorage",
        "Verified: each of the 2 profiles renders to objects equal to its copy.",
    ] {
        assert!(report.contains(expected), "{expected}\n{report}");
    }
    for secret in ["testpass", "test_password"] {
        assert!(!report.contains(secret), "{report}");
    }
    for (name, copy) in [("gateway", GATEWAY), ("aianalysis", AIANALYSIS)] {
        let rendered = plimsoll(folder.path(), &["--project", "deploy", "render", name]);
        assert_eq!(rendered.status.code(), Some(0), "{}", text(&rendered.stderr));
        let sources = Sources::new();
        let file = sources.add("out", text(&rendered.stdout));
        let mut out = Input::default();
        out.add(&sources, file, true);
        // Secrets are printed with `data`; their values are compared by the import itself.
        let plain = |objects: Vec<Object>| -> Vec<Object> {
            objects.into_iter().filter(|object| object.kind() != "Secret").collect()
        };
        same(&plain(objects(name, copy)), &plain(out.objects));
    }
    let all = plimsoll(folder.path(), &["--project", "deploy", "render", "--all"]);
    assert_eq!(all.status.code(), Some(0), "{}", text(&all.stderr));
    assert!(text(&all.stderr).contains("allowed because present in gateway.yaml"), "{}", text(&all.stderr));
    let strict = plimsoll(folder.path(), &["--project", "deploy", "render", "--all", "--strict"]);
    assert_eq!(strict.status.code(), Some(1));
    let profile = fs::read_to_string(folder.path().join("deploy/profiles/gateway.yaml")).unwrap();
    assert!(
        profile.contains("namespace: gateway-e2e\n") && profile.contains("config:\n  enabled: false\n"),
        "{profile}"
    );
    let template = fs::read_to_string(folder.path().join("deploy/templates/datastorage.yaml")).unwrap();
    assert!(template.contains("$if: config.enabled") && !template.contains("test_password"), "{template}");
}

#[test]
fn rendered_bundles_are_reproduced() {
    let (project, sources) = (Project::built_in(), Sources::new());
    let renderer = Renderer::load(&project, &sources, &Overrides::default()).unwrap();
    let mut variants: Vec<Variant> = project
        .profiles()
        .unwrap()
        .into_iter()
        .filter_map(|name| {
            let rendered = renderer.render(&name, "e2e").ok()?;
            let copy = emit_stream(rendered.objects.iter().map(|object| &object.node));
            Some(variant(&name, &copy))
        })
        .collect();
    assert!(variants.len() > 3);
    variants.push(variant("copied", GATEWAY));
    variants.push(variant("other", AIANALYSIS));
    let import = import::import(&variants, &Services::default()).unwrap();
    for (variant, rendered) in variants.iter().zip(&import.rendered).take(variants.len() - 2) {
        same(&variant.objects, &rendered.objects);
    }
    // No object had to be kept verbatim.
    assert!(!import.files().values().any(|text| text.contains("\nobjects:")));
    let report = import.report(&Sources::new(), &vec![Vec::new(); variants.len()]).human(200, false);
    assert!(report.contains("copied\n  lacks "), "{report}");
}

#[test]
fn values_that_vary_together_share_a_field() {
    let copy = |name: &str, level: &str, replicas: u8| {
        let namespace = format!("shop-{name}");
        let text = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: {namespace}}}\nspec:\n  replicas: {replicas}\n  \
             selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web}}}}\n    spec:\n      containers:\n      \
             - name: web\n        image: registry.example.com/web:{name}-1\n        args: [--log-level={level}, --port=8080]\n        env:\n        \
             - {{name: DB, value: \"http://db.{namespace}.svc:5432\"}}\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: web, namespace: {namespace}}}\n\
             spec:\n  selector: {{app: web}}\n  ports: [{{port: 80, targetPort: 8080}}]\n"
        );
        variant(name, &text)
    };
    let variants = [copy("dev", "debug", 1), copy("stage", "info", 1), copy("prod", "info", 3)];
    let import = import::import(&variants, &Services::default()).unwrap();
    let files = import.files();
    assert_eq!(
        files["profiles/prod.yaml"],
        "# yaml-language-server: $schema=schema.json\nnamespace: shop-prod\nimage:\n  tag: prod-1\nreplicas: 3\n\
         external:\n  db: db.shop-prod.svc:5432\n"
    );
    let template = &files["templates/web.yaml"];
    for line in [
        "replicas: \"{{ replicas }}\"",
        "image: \"registry.example.com/web:{{ image.tag }}\"",
        "- \"--log-level={{ args.logLevel }}\"",
        "value: \"http://db.{{ namespace }}.svc:5432\"",
        "port: 80\n",
    ] {
        assert!(template.contains(line), "{line}\n{template}");
    }
}

/// Names that have a meaning in layers or templates are not used for fields.
#[test]
fn reserved_names_are_not_used_for_fields() {
    let names = ["environment", "environments", "enforce", "patches", "templates", "needs", "profile", "if", "sql"];
    let value = |at: usize, copy: usize| format!("{:x}", (at * 7 + copy * 13 + 3) * 2_654_435_761 % 1_000_003);
    let copy = |name: &str, copy: usize| {
        let data: String =
            names.iter().enumerate().map(|(at, field)| format!("  {field}: v{}\n", value(at, copy))).collect();
        variant(name, &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: patches}}\ndata:\n{data}"))
    };
    let variants = [copy("dev", 0), copy("prod", 1)];
    let import = import::import(&variants, &Services::default()).unwrap();
    let profile = &import.files()["profiles/prod.yaml"];
    for (at, field) in names.iter().enumerate() {
        assert!(profile.contains(&format!("v{}\n", value(at, 1))), "{profile}");
        assert!(!profile.lines().any(|line| line.starts_with(&format!("{field}:"))), "{field}\n{profile}");
    }
}

#[test]
fn a_newer_copy_changes_values_of_its_profile_only() {
    let copy = |tag: &str, extra: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: shop}}\nspec:\n  selector: {{matchLabels: {{app: web}}}}\n  \
             template:\n    metadata: {{labels: {{app: web}}}}\n    spec:\n      containers:\n      - name: web\n        image: registry.example.com/web:{tag}\n{extra}"
        )
    };
    let probe = "        readinessProbe: {httpGet: {path: /, port: 80}}\n";
    let folder = folder(&[("a.yaml", &copy("1.0", "")), ("b.yaml", &copy("1.1", probe))]);
    let run = |args: &[&str]| plimsoll(folder.path(), args);
    assert_eq!(run(&["import", "a.yaml", "b.yaml", "--into", "p"]).status.code(), Some(0));
    let before = fs::read_to_string(folder.path().join("p/profiles/b.yaml")).unwrap();
    fs::write(folder.path().join("a.yaml"), copy("1.2", probe)).unwrap();
    let update = run(&["import", "a.yaml", "--into", "p"]);
    assert_eq!(update.status.code(), Some(0), "{}", text(&update.stderr));
    assert_eq!(text(&update.stdout), "a: image.tag: 1.0 -> 1.2\na: readinessProbe.enabled: false -> true\n");
    assert_eq!(fs::read_to_string(folder.path().join("p/profiles/b.yaml")).unwrap(), before);
    assert!(text(&run(&["--project", "p", "render", "a"]).stdout).contains("web:1.2"));
    let update = run(&["import", "a.yaml", "--into", "p"]);
    assert_eq!(text(&update.stdout), "a: no changes\n");
    // Changes to values that are fixed in the template are rejected.
    let profile = fs::read_to_string(folder.path().join("p/profiles/a.yaml")).unwrap();
    for (newer, expected) in [
        (copy("1.2", "        env: [{name: A, value: b}]\n"), "the template has no field `env`"),
        (
            copy("1.2", "") + "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 1}]}\n",
            "no template renders Service/web",
        ),
        (copy("1.2", "").replace("app: web", "app: other"), "the value is fixed in the template"),
    ] {
        fs::write(folder.path().join("a.yaml"), newer).unwrap();
        let update = run(&["import", "a.yaml", "--into", "p"]);
        assert_eq!(update.status.code(), Some(1));
        assert!(text(&update.stderr).contains(expected), "{expected}\n{}", text(&update.stderr));
        assert!(text(&update.stderr).ends_with("nothing was written\n"));
        assert_eq!(fs::read_to_string(folder.path().join("p/profiles/a.yaml")).unwrap(), profile);
    }
}

#[test]
fn a_single_copy_gets_the_fields_that_typically_vary() {
    let container = |name: &str, image: &str, more: &str| {
        format!("{{name: {name}, image: \"{image}\", resources: {{requests: {{memory: 64Mi}}}}{more}}}")
    };
    let workload = |kind: &str, name: &str, more: &str, containers: &str| {
        format!(
            "apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  {more}\n  selector: {{matchLabels: \
             {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      containers: [{containers}]\n---\n"
        )
    };
    let env = ", args: [--log-level=info, --port=80], env: [{name: DB_HOST, value: db}, {name: DB_URL, value: \"x://db.shop.svc\"}, {name: API_URL, \
               value: \"https://api.example.com\"}, {name: MODE, value: fast}]";
    let web = container("web", "r.example.com/web:1.2", env) + ", " + &container("copy", "r.example.com/web:1.2", "");
    let text = workload("Deployment", "web", "replicas: 2", &web)
        + &workload("StatefulSet", "db", "serviceName: db", &container("db", "postgres:16", ""))
        + "apiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: shop}\nspec: {type: NodePort, selector: {app: db}, ports: \
           [{port: 5432, nodePort: 30432}]}\n---\n\
           apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: shop}\nspec: {tls: [{hosts: \
           [shop.example.com]}], rules: [{host: shop.example.com}]}\n---\n\
           apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: shop}\ndata:\n  a.conf: |\n    # kept\n    log.level = warn\n    \
           dir=/var\n  LOG_LEVEL: debug\n";
    let variants = [variant("shop", &text)];
    let import = import::import(&variants, &Services::default()).unwrap();
    same(&variants[0].objects, &import.rendered[0].objects);
    let files = import.files();
    let bare = |text: &str| -> String {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#') && !line.is_empty());
        lines.map(|line| format!("{line}\n")).collect()
    };
    assert_eq!(
        bare(&files["profiles/base.yaml"]),
        "environments: {e2e: {}}\nnamespace: shop\ndb:\n  image:\n    repository: postgres\n    tag: \"16\"\n  resources:\n    requests:\n      \
         memory: 64Mi\n  service:\n    nodePort: 30432\nweb:\n  args:\n    logLevel: info\n  config:\n    LOG_LEVEL: debug\n    logLevel: warn\n  \
         copy:\n    resources:\n      requests:\n        memory: 64Mi\n  env:\n    API_URL: https://api.example.com\n  image:\n    repository: \
         r.example.com/web\n    tag: \"1.2\"\n  ingress:\n    host: shop.example.com\n  replicas: 2\n  resources:\n    requests:\n      memory: 64Mi\n"
    );
    let template = &files["templates/web.yaml"];
    for line in [
        "value: db\n",
        "x://db.{{ namespace }}.svc",
        "value: fast\n",
        "# kept\n",
        "log.level = {{ web.config.logLevel }}\n",
    ] {
        assert!(template.contains(line), "{line}\n{template}");
    }
    let report = import.report(&Sources::new(), &[Vec::new()]).human(100, false);
    assert!(report.contains("\nFields\n  namespace    ") && report.contains("web.replicas    "), "{report}");
}

/// A Deployment and a Secret, with every default stated or with none.
pub(crate) fn stated(namespace: &str, tag: &str, states_defaults: bool) -> String {
    let metadata = if states_defaults { ", creationTimestamp: null" } else { ", uid: \"17\", resourceVersion: \"9\"" };
    let [deployment, pod, container, port, probe] = if states_defaults {
        [
            "  minReadySeconds: 0\n  revisionHistoryLimit: 10\n  strategy: {type: RollingUpdate}\n",
            "      restartPolicy: Always\n",
            "        imagePullPolicy: IfNotPresent\n        args: []\n        resources: {requests: {cpu: 100m, memory: 1Gi}}\n",
            ", protocol: TCP",
            ", periodSeconds: 10",
        ]
    } else {
        ["", "", "        resources: {requests: {cpu: 0.1, memory: 1024Mi}}\n", "", ""]
    };
    let secret = if states_defaults {
        "type: Opaque\nstringData: {password: hunter2}\n"
    } else {
        "data: {password: aHVudGVyMg==}\n"
    };
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: {namespace}{metadata}}}\nspec:\n{deployment}  \
         selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web}}}}\n    spec:\n{pod}      \
         containers:\n      - name: web\n        image: r.example.com/web:{tag}\n{container}        ports: [{{containerPort: 80{port}}}]\n        \
         readinessProbe: {{httpGet: {{path: /, port: 80}}{probe}}}\n---\napiVersion: v1\nkind: Secret\nmetadata: {{name: db, namespace: {namespace}}}\n{secret}"
    )
}

#[test]
fn equivalent_forms_are_not_differences() {
    let copies = [("dev", stated("dev", "1.0", true)), ("prod", stated("prod", "1.1", false))];
    let variants: Vec<Variant> = copies.iter().map(|(name, text)| variant(name, text)).collect();
    let import = import::import(&variants, &Services::default()).unwrap();
    let files = import.files();
    let head = "# yaml-language-server: $schema=schema.json\n";
    assert_eq!(files["profiles/dev.yaml"], format!("{head}# All values come from the base.\n"));
    assert_eq!(files["profiles/prod.yaml"], format!("{head}namespace: prod\nimage:\n  tag: \"1.1\"\n"));
    let template = &files["templates/web.yaml"];
    // A default that one copy states is stated; fields that only the server sets are left out.
    for (line, is_there) in [
        ("revisionHistoryLimit: 10\n", true),
        ("cpu: 100m\n", true),
        ("password: \"{{ secrets.password }}\"\n", true),
        ("uid", false),
        ("creationTimestamp", false),
    ] {
        assert_eq!(template.contains(line), is_there, "{line}\n{template}");
    }
    let report = import.report(&Sources::new(), &[Vec::new(), Vec::new()]).human(100, false);
    assert!(report.contains("only the API server sets it: metadata.resourceVersion, metadata.uid\n"), "{report}");
    for (variant, rendered) in variants.iter().zip(&import.rendered) {
        for object in &variant.objects {
            let other = rendered.objects.iter().find(|other| other.kind() == object.kind()).unwrap();
            let shape = Shape::built_in(&object.node, KubernetesVersion::default());
            assert!(equivalent(&object.node, &other.node, shape), "{}", emit_stream([&other.node]));
        }
    }
    // Values that are stored differently are differences, such as another quantity, port or default.
    for (from, to, field) in [
        ("cpu: 0.1", "cpu: 0.2", "resources:"),
        ("containerPort: 80}", "containerPort: 80, protocol: UDP}", "protocol"),
        ("  selector", "  replicas: 2\n  selector", "replicas: 2\n"),
        // A copy that states `replicas` does not leave it to an autoscaler.
        ("  selector", "  replicas: 1\n  selector", "replicas: 1\n"),
        ("  selector", "  strategy: {type: Recreate}\n  selector", "strategy"),
        ("password: aHVudGVyMg==", "password: aHVudGVyMw==", "password: hunter3\n"),
    ] {
        let other = copies[1].1.replace(from, to);
        assert_ne!(other, copies[1].1, "{from}");
        let variants = [variants[0].clone(), variant("prod", &other)];
        let files = import::import(&variants, &Services::default()).unwrap().files();
        assert!(files["profiles/prod.yaml"].contains(field), "{field}\n{}", files["profiles/prod.yaml"]);
    }
}

#[test]
fn a_newer_copy_may_be_written_in_another_form_and_a_new_copy_becomes_a_profile() {
    let folder = folder(&[("dev.yaml", &stated("dev", "1.0", true)), ("prod.yaml", &stated("prod", "1.1", false))]);
    let run = |args: &[&str]| {
        let made = plimsoll(folder.path(), args);
        (made.status.code(), text(&made.stdout).to_owned(), text(&made.stderr).to_owned())
    };
    assert_eq!(run(&["import", "dev.yaml", "prod.yaml", "--into", "p"]).0, Some(0));
    for name in ["dev", "prod"] {
        for states_defaults in [true, false] {
            let tag = if name == "dev" { "1.0" } else { "1.1" };
            fs::write(folder.path().join(format!("{name}.yaml")), stated(name, tag, states_defaults)).unwrap();
            let (code, output, error) = run(&["import", &format!("{name}.yaml"), "--into", "p"]);
            assert_eq!((code, output), (Some(0), format!("{name}: no changes\n")), "{error}");
        }
    }
    let needy = stated("stage", "1.1", false)
        .replace("        ports:", "        envFrom: [{configMapRef: {name: settings}}]\n        ports:");
    fs::write(folder.path().join("stage.yaml"), &needy).unwrap();
    let (code, _, error) = run(&["import", "stage.yaml", "--into", "p"]);
    assert!(code == Some(1) && error.contains("the template has no field `envFrom`"), "{error}");
    assert!(!folder.path().join("p/profiles/stage.yaml").exists());
    fs::write(folder.path().join("stage.yaml"), stated("stage", "1.1", false)).unwrap();
    let (_, output, _) = run(&["import", "stage.yaml", "--into", "p"]);
    assert_eq!(output, "stage: new profile\nstage: image.tag: 1.0 -> 1.1\nstage: namespace: dev -> stage\n");
    let rendered = run(&["--project", "p", "render", "stage"]);
    assert!(rendered.0 == Some(0) && rendered.1.contains("namespace: stage"), "{}", rendered.2);
}

#[test]
fn external_dependencies_of_a_newer_copy_are_recorded() {
    let copy = |database: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: shop}}\nspec:\n  selector: {{matchLabels: {{app: web}}}}\n  \
             template:\n    metadata: {{labels: {{app: web}}}}\n    spec:\n      containers:\n      - name: web\n        image: registry.example.com/web:1.0\n        \
             env: [{{name: DB_ADDR, value: \"{database}:5432\"}}]\n        envFrom: [{{configMapRef: {{name: settings}}}}]\n"
        )
    };
    let folder = folder(&[("a.yaml", &copy("db-a")), ("b.yaml", &copy("db-b"))]);
    let run = |args: &[&str]| plimsoll(folder.path(), args);
    let profile = |name: &str| fs::read_to_string(folder.path().join(format!("p/profiles/{name}.yaml"))).unwrap();
    assert_eq!(run(&["import", "a.yaml", "b.yaml", "--into", "p"]).status.code(), Some(0));
    assert!(profile("a").ends_with("\nexternal:\n  dbA: db-a:5432\n"), "{}", profile("a"));
    let other = (profile("base"), profile("b"));
    fs::write(folder.path().join("a.yaml"), copy("db-c")).unwrap();
    let update = run(&["import", "a.yaml", "--into", "p"]);
    assert_eq!(
        text(&update.stdout),
        "a: env.DB_ADDR: db-a:5432 -> db-c:5432\na: external.dbA: db-a:5432 -> (none)\na: external.dbC: (none) -> db-c:5432\n"
    );
    assert!(profile("a").ends_with("\nenv:\n  DB_ADDR: db-c:5432\nexternal:\n  dbC: db-c:5432\n"), "{}", profile("a"));
    assert_eq!((profile("base"), profile("b")), other);
    let rendered = run(&["--project", "p", "render", "--all"]);
    let stderr = text(&rendered.stderr);
    assert!(rendered.status.code() == Some(0) && !stderr.contains("warning"), "{stderr}");
    // If the profile does not declare it, `render` reports a warning.
    let path = folder.path().join("p/profiles/a.yaml");
    fs::write(&path, profile("a").replace("external:\n  dbC: db-c:5432\n", "")).unwrap();
    assert!(text(&run(&["--project", "p", "render", "--all"]).stderr).contains("Service `db-c` not found"));
}

#[test]
fn invalid_input_is_reported_and_nothing_is_written() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n";
    let duplicates = format!("{service}---\n{service}");
    let folder = folder(&[
        ("a.yaml", service),
        ("b/a.yaml", service),
        ("duplicates.yaml", &duplicates),
        ("broken.yaml", "a: [\n"),
        ("nameless.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {generateName: x-}\n"),
        ("base.yaml", service),
        (
            "sops.yaml",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: 'ENC[x]'}\nsops: {mac: 'ENC[y]'}\n",
        ),
        (
            "values.yaml",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: x}\n",
        ),
        ("full/x", ""),
        ("link/here", ""),
    ]);
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path().join("link"), folder.path().join("linked")).unwrap();
    for (args, code, expected) in [
        (&["a.yaml", "b/a.yaml", "--into", "new"][..], 1, "duplicate profile name `a`"),
        (&["a.yaml", "duplicates.yaml", "--into", "new"], 1, "Service/web is defined twice in `duplicates.yaml`"),
        (&["a.yaml", "broken.yaml", "--into", "new"], 1, "broken.yaml"),
        (&["nameless.yaml", "--into", "new"], 1, "Pod has no `metadata.name`"),
        (&["sops.yaml", "--into", "new"], 1, "encrypted with SOPS"),
        (&["base.yaml", "--into", "new"], 1, "invalid profile name `base`: the name is reserved"),
        (&["a.yaml", "--into", "full"], 2, "full exists and is not empty"),
        #[cfg(unix)]
        (&["a.yaml", "--into", "linked"], 2, "linked is a symbolic link"),
        (&["no.yaml", "--into", "new"], 2, "cannot read no.yaml"),
        (&["a.yaml"], 2, "--into"),
    ] {
        let output = plimsoll(folder.path(), &[&["import"], args].concat());
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?} {stderr}");
        assert!(stderr.contains(expected), "{args:?} {stderr}");
        assert!(output.stdout.is_empty() && !folder.path().join("new").exists(), "{args:?}");
    }
    assert_eq!(fs::read_dir(folder.path().join("link")).unwrap().count(), 1);
    let dry = plimsoll(folder.path(), &["import", "a.yaml", "--dry-run", "--output", "json"]);
    assert_eq!(dry.status.code(), Some(0));
    assert!(text(&dry.stdout).contains("\"equal\": true"));
    // A file that is not text is reported with its format.
    for (bytes, expected) in [
        (&b"\0GITCRYPT\0\x8f\xff"[..], "the file is encrypted with git-crypt"),
        (b"\x1f\x8b\x08\0\xff", "the file is compressed with gzip"),
        (b"\xff\xfea\0", "the file is UTF-16"),
        (b"\x89PNG\r\n\0", "the file is binary"),
        (b"a: \xe9\n", "the file is not UTF-8 from line 1, column 4 on"),
    ] {
        fs::write(folder.path().join("other.yaml"), bytes).unwrap();
        let output = plimsoll(folder.path(), &["import", "a.yaml", "other.yaml", "--into", "new"]);
        let stderr = text(&output.stderr);
        assert!(output.status.code() == Some(1) && stderr.contains(expected), "{expected}\n{stderr}");
        assert!(stderr.ends_with("nothing was written\n") && !folder.path().join("new").exists(), "{stderr}");
    }
    // A document that is not a Kubernetes object is reported, not silently dropped.
    let dry = plimsoll(folder.path(), &["import", "values.yaml", "--dry-run"]);
    assert!(text(&dry.stderr).contains("not imported: values.yaml:1:1: "), "{}", text(&dry.stderr));
}

/// Values of a field, which differ between copies.
fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}",
        Just("\"true\"".to_owned()),
        Just("'{{ .Values.x }}'".to_owned()),
        Just("'a {{{ b }} {'".to_owned()),
        Just("'$if'".to_owned()),
        Just("''".to_owned()),
        (0_u16..9000).prop_map(|number| number.to_string()),
        Just("1.5".to_owned()),
        Just("true".to_owned()),
        Just("\"a\\nb\\n\"".to_owned()),
    ]
}

/// Data of a ConfigMap: strings only.
fn data() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        "[a-z]{1,5}( [a-z]{1,5}){0,2}",
        "[a-z]{1,3}\\.(dev|prod)\\.svc",
        Just("level: info\\nport: 80\\n".to_owned()),
        Just("level: debug\\nport: 80\\n".to_owned()),
        Just("# x\\nlevel: debug\\n\\nport:  81\\n".to_owned()),
        Just("{{ a }}".to_owned()),
        Just("#!/bin/sh\\necho {{ a }}\\n".to_owned()),
    ];
    prop::collection::btree_map(
        prop_oneof![Just("a"), Just("b.yaml"), Just("run.sh"), Just("$x"), Just("{{k}}")],
        value,
        1..5,
    )
    .prop_map(|data| data.iter().map(|(key, value)| format!("  \"{key}\": \"{value}\"\n")).collect())
}

/// A copy with a random selection of objects and fields.
fn copy() -> impl Strategy<Value = String> {
    let container = (
        prop_oneof![Just("web"), Just("api")],
        prop::collection::vec(prop_oneof![Just("A"), Just("B"), Just("C")], 0..3),
        scalar(),
        prop::option::of(1_u8..4),
    );
    let workload = (prop::collection::vec(container, 0..3), prop::option::of(scalar()), prop::option::of(0_u8..3));
    (prop::option::of(workload), prop::option::of(data()), prop::option::of(data()), prop_oneof![Just("dev"), Just("prod"), Just("x")])
        .prop_map(|(workload, config, secret, namespace)| {
            let mut text = format!("apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: base, namespace: {namespace}}}\n");
            if let Some((containers, label, replicas)) = workload {
                text += &format!("---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: {namespace}\n");
                if let Some(label) = label {
                    text += &format!("  annotations: {{note: {label}, fixed: x}}\n");
                }
                text += "spec:\n";
                if let Some(replicas) = replicas {
                    text += &format!("  replicas: {replicas}\n");
                }
                text += "  template:\n    spec:\n      containers:\n";
                if containers.is_empty() {
                    text = text.trim_end().to_owned() + " []\n";
                }
                for (name, env, value, ports) in containers {
                    text += &format!("      - name: {name}\n        image: r.example.com/{name}:{namespace}\n        env:\n");
                    if env.is_empty() {
                        text = text.trim_end().to_owned() + " []\n";
                    }
                    for name in env {
                        text += &format!("        - {{name: {name}, value: {value}}}\n");
                    }
                    if let Some(port) = ports {
                        text += &format!("        ports: [{{containerPort: {port}}}, {{containerPort: 9{port}}}]\n");
                    }
                }
            }
            if let Some(data) = config {
                text += &format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: config-{namespace}, namespace: {namespace}}}\ndata:\n{data}");
            }
            if let Some(data) = secret {
                text += &format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: more}}\ndata:\n{data}");
            }
            text
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_copies_are_reproduced(copies in prop::collection::vec(copy(), 1..5)) {
        let names = ["one", "dev", "prod", "web"];
        let variants: Vec<Variant> = copies.iter().zip(names).map(|(copy, name)| variant(name, copy)).collect();
        let import = import::import(&variants, &Services::default());
        let import = match import {
            Ok(import) => import,
            Err(failure) => {
                // A failure must have a reason.
                prop_assert!(failure.findings().iter().all(|finding| !finding.message.is_empty()));
                let reasons: Vec<&str> = failure.findings().iter().map(|finding| finding.message.as_str()).collect();
                prop_assert!(false, "{reasons:?}");
                return Ok(());
            }
        };
        for (variant, rendered) in variants.iter().zip(&import.rendered) {
            same(&variant.objects, &rendered.objects);
        }
    }
}

/// Templates of a random project, whose profiles set a random selection of fields. They use `$if`, `$for`, `$yaml`,
/// `$json`, content names, optional values and composed strings.
const TEMPLATES: &[&str] = &[
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: \"{{ namespace }}\"}\n",
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: \"{{ namespace }}\", labels: {team: \"{{ team | optional }}\"}}\nspec:\n  \
     replicas: \"{{ replicas }}\"\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers:\n      \
     - name: web\n        image: \"r.example.com/{{ profile }}/web:{{ tag }}\"\n        args: [\"--log-level={{ level }}\", \"--db=db.{{ namespace }}.svc:5432\"]\n        \
     env:\n        - $for: name in names\n          name: \"{{ name }}\"\n          value: \"{{ level }}\"\n        - {name: FIXED, value: \"CONSTANT\"}\n        \
     readinessProbe:\n          $if: metrics\n          httpGet: {path: /, port: 80}\n      - $if: metrics\n        name: metrics\n        image: \"metrics:{{ tag }}\"\n",
    "$if: metrics\napiVersion: v1\nkind: Service\nmetadata: {name: \"{{ profile }}-web\", namespace: \"{{ namespace }}\"}\nspec:\n  selector: {app: web}\n  \
     ports:\n  - port: 80\n    nodePort: \"{{ port | optional }}\"\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: \"{{ namespace }}\"}\ndata:\n  config.yaml:\n    $yaml: {level: \"{{ level }}\", \
     replicas: \"{{ replicas }}\", hosts: \"{{ names }}\"}\n  config.json:\n    $json: {team: \"{{ team | optional }}\", url: \"http://{{ namespace }}.example.com\"}\n  \
     note: |\n    level = {{ level }}\n    CONSTANT\n    port = {{ replicas }}\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hashed, namespace: \"{{ namespace }}\", $contentName: true}\ndata: {tag: \"{{ tag }}\", \
     fixed: \"CONSTANT\"}\n",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: \"{{ namespace }}\"}\nstringData: {password: \"{{ tag }}!\", user: \"{{ profile }}\"}\n",
    "apiVersion: v1\nkind: Service\nmetadata: {name: \"{{ name }}\", namespace: \"{{ namespace }}\"}\nspec: {ports: [{port: 80, targetPort: \"{{ replicas }}\"}]}\n\
     $for: name in names\n",
    "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: thing}\nspec:\n  level: \"{{ level }}\"\n  parts:\n  - $for: name in names\n    id: \"{{ name }}\"\n    \
     size: \"{{ replicas }}\"\n  active: \"{{ metrics }}\"\n",
];

/// The values of a profile.
fn values() -> impl Strategy<Value = String> {
    let text =
        || prop_oneof!["[a-z]{2,6}", Just("info".to_owned()), Just("{{ x }}".to_owned()), Just("1.10".to_owned())];
    let names = prop::sample::subsequence(vec!["alpha", "beta", "gamma"], 1..=3);
    (
        (prop::sample::select(vec!["shop", "shop-dev", "shop-prod"]), text(), text(), 1_u8..4),
        (any::<bool>(), prop::option::of("[a-z]{2,5}"), prop::option::of(30000_u16..30010), names),
    )
        .prop_map(|((namespace, tag, level, replicas), (metrics, team, port, names))| {
            let mut text = format!(
                "namespace: {namespace}\ntag: \"{tag}\"\nlevel: \"{level}\"\nreplicas: {replicas}\nmetrics: {metrics}\nnames: [{}]\n",
                names.join(", ")
            );
            if let Some(team) = team {
                text += &format!("team: \"{team}\"\n");
            }
            if let Some(port) = port {
                text += &format!("port: {port}\n");
            }
            text
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn importing_rendered_bundles_reproduces_them(
        templates in prop::sample::subsequence(TEMPLATES.to_vec(), 1..=TEMPLATES.len()),
        profiles in prop::collection::vec(values(), 1..5),
        constant in prop_oneof!["[a-z ]{0,8}", Just("{ {{ '{{' }} }".to_owned()), Just("no: 'x' # y".to_owned())],
    ) {
        let names = ["dev", "prod", "shop", "eu-west"];
        let mut files = BTreeMap::new();
        let base = "environments: {e2e: {}}\nnames: []\nmetrics: false\n".to_owned();
        files.insert("profiles/base.yaml".to_owned(), base.into());
        let schema = r#"{"type": "object", "additionalProperties": true}"#;
        files.insert("profiles/schema.json".to_owned(), schema.into());
        for (name, profile) in names.iter().zip(&profiles) {
            files.insert(format!("profiles/{name}.yaml"), profile.as_str().into());
        }
        for (at, template) in templates.iter().enumerate() {
            files.insert(format!("templates/t{at}.yaml"), template.replace("CONSTANT", constant.trim()).into());
        }
        let (project, sources) = (Project::in_memory(files), Sources::new());
        let renderer = Renderer::load(&project, &sources, &Overrides::default()).unwrap();
        let variants: Vec<Variant> = names
            .iter()
            .take(profiles.len())
            .map(|name| {
                let rendered = renderer.render(name, "e2e").unwrap();
                variant(name, &emit_stream(rendered.objects.iter().map(|object| &object.node)))
            })
            .collect();
        let variants: Vec<Variant> = variants.into_iter().filter(|variant| !variant.objects.is_empty()).collect();
        prop_assume!(!variants.is_empty());
        let import = import::import(&variants, &Services::default());
        let import = import.map_err(|failure| TestCaseError::fail(format!("{:?}", failure.findings())))?;
        for (variant, rendered) in variants.iter().zip(&import.rendered) {
            same(&variant.objects, &rendered.objects);
        }
    }
}
