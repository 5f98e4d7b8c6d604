//! Custom resources: where their definitions are found, and that every command that renders, checks or compares uses them.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// A folder with some files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, text)| write(folder.path(), name, text));
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The exit code, standard output and standard error of a run.
fn run(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll")).current_dir(folder).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The findings of `check`, each as `severity rule field: message`.
fn findings(folder: &Path, args: &[&str]) -> Vec<String> {
    let args: Vec<&str> = ["check"].iter().chain(args).copied().chain(["--output", "json"]).collect();
    let (_, stdout, stderr) = run(folder, &args);
    let json: serde_json::Value = serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stdout}{stderr}"));
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let said = |one: &serde_json::Value| {
        format!("{} {} {}: {}", text(&one["severity"]), text(&one["rule"]), text(&one["field"]), text(&one["message"]))
    };
    json["findings"].as_array().unwrap().iter().map(said).collect()
}

const CRD: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Boat, plural: boats, singular: boat, listKind: BoatList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              crew: {type: integer, default: 2}
              seats:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items: {type: object, required: [name], properties: {name: {type: string}, size: {type: integer}}}
";

const BOAT: &str = "apiVersion: example.com/v1\nkind: Boat\nmetadata: {name: a}\nspec: {crew: 3}\n";

#[test]
fn a_definition_is_found_in_a_file_a_folder_and_the_input() {
    let wrong = BOAT.replace("crew: 3", "crew: three, sails: 2");
    let folder = folder(&[
        ("boat.yaml", BOAT),
        ("wrong.yaml", &wrong),
        ("old.yaml", &BOAT.replace("v1", "v1alpha1")),
        ("crds/sub/many.yaml", &format!("{}---\n{CRD}", CRD.replace("oat", "ike"))),
        ("empty/none.yaml", "a: b\n"),
    ]);
    let found = |args: &[&str]| findings(folder.path(), args);
    let unknown = "warning kind-unknown kind: no definition of Boat in `example.com`: 1 object not validated";
    assert_eq!(found(&["boat.yaml"]), [unknown]);
    assert_eq!(found(&["boat.yaml", "--crd", "empty"]), [unknown]);
    for crd in ["crds", "crds/sub/many.yaml"] {
        assert_eq!(found(&["boat.yaml", "--crd", crd]), [""; 0]);
        let said = found(&["wrong.yaml", "--crd", crd]);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(
            said[0].starts_with("error field-type spec.crew: ")
                && said[1].starts_with("error field-unknown spec.sails: ")
        );
        let said = found(&["old.yaml", "--crd", crd]);
        assert_eq!(
            said,
            ["error kind-unknown apiVersion: the definition of Boat does not serve `example.com/v1alpha1`"]
        );
    }
    let (code, _, stderr) = run(folder.path(), &["check", "boat.yaml", "--crd", "missing"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("cannot read `missing`"), "{stderr}");
}

#[test]
fn a_violation_of_only_a_published_schema_is_a_warning() {
    let schema = r#"{"type": "object", "properties": {"spec": {"type": "object", "additionalProperties": false,
        "properties": {"crew": {"type": "integer"}, "port": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "additionalProperties": false}}}}}"#;
    let wrong = "apiVersion: example.com/v1\nkind: Boat\nmetadata: {name: b}\n\
                 spec: {crew: three, sails: 2, free: {any: thing}, port: http}\n---\n";
    let folder = folder(&[("boats.yaml", &format!("{wrong}{BOAT}")), ("schemas/example.com/boat_v1.json", schema)]);
    let found = |args: &[&str]| findings(folder.path(), args);
    let warnings = found(&["boats.yaml", "--schemas", "schemas"]);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].starts_with("warning field-type spec.crew: "), "{warnings:?}");
    assert!(warnings[1].starts_with("warning field-unknown spec.sails: "), "{warnings:?}");
    let (code, stdout, _) = run(folder.path(), &["check", "boats.yaml", "--schemas", "schemas"]);
    assert_eq!(code, 0);
    assert!(
        stdout.contains("schemas/example.com/boat_v1.json:1:1")
            && stdout.contains("from this published schema; the CustomResourceDefinition may allow it"),
        "{stdout}"
    );
    // The definition takes precedence over the schema, and its violations are errors.
    write(folder.path(), "crds/boat.yaml", CRD);
    let errors = found(&["boats.yaml", "--schemas", "schemas", "--crd", "crds"]);
    assert!(errors.iter().all(|said| said.starts_with("error ")) && errors.len() == 4, "{errors:?}");
    // A version without a published schema is unknown.
    write(folder.path(), "next.yaml", &BOAT.replace("v1", "v2"));
    assert!(found(&["next.yaml", "--schemas", "schemas"])[0].starts_with("warning kind-unknown "));
    let (code, ..) = run(folder.path(), &["check", "boats.yaml", "--schemas", "boats.yaml"]);
    assert_eq!(code, 2);
}

/// A project with a patch of a keyed list of a custom resource.
fn project() -> TempDir {
    folder(&[
        ("plimsoll.toml", "out = \"out\"\n"),
        ("profiles/schema.json", r#"{"type": "object", "properties": {"crew": {"type": "integer"}}}"#),
        ("profiles/base.yaml", "environments: {dev: {}}\ncrew: 3\n"),
        ("profiles/sail.yaml", "patches:\n  Boat/a: {spec: {seats: [{name: bow, size: 2}]}}\n"),
        (
            "templates/boat.yaml",
            "apiVersion: example.com/v1\nkind: Boat\nmetadata: {name: a, namespace: sea}\nspec:\n  crew: \"{{ crew }}\"\n  \
             seats: [{name: bow, size: 1}, {name: stern, size: 1}]\n",
        ),
        ("crds/boat.yaml", CRD),
        ("schemas/example.com/boat_v1.json", r#"{"type": "object", "properties": {"spec": {"type": "object"}}}"#),
    ])
}

#[test]
fn every_command_uses_the_definitions() {
    let project = project();
    let run = |args: &[&str]| run(project.path(), args);
    // Without the definition, the patch replaces the list.
    let (code, stdout, stderr) = run(&["render", "sail"]);
    assert_eq!((code, stdout.contains("stern")), (0, false), "{stderr}");
    assert!(stderr.contains("warning[kind-unknown]"), "{stderr}");
    let seats = "seats:\n  - name: bow\n    size: 2\n  - name: stern\n    size: 1\n";
    let crd = ["--crd", "crds"];
    let with = |args: &[&'static str]| run(&[args, &crd].concat());
    let (code, stdout, stderr) = with(&["render", "sail"]);
    assert_eq!((code, stdout.contains(seats), stderr.as_str()), (0, true, ""), "{stdout}");
    let (code, stdout, _) = with(&["explain", "sail", "Boat/a"]);
    assert_eq!((code, stdout.contains("stern")), (0, true), "{stdout}");
    assert_eq!(with(&["images", "sail"]).0, 0);
    let (code, stdout, _) = with(&["graph", "sail"]);
    assert_eq!(code, 0, "{stdout}");
    assert_eq!(with(&["render", "sail", "--out"]).0, 0);
    assert_eq!(with(&["render", "sail", "--out", "--verify"]).0, 0);
    assert_eq!(run(&["render", "sail", "--out", "--verify"]).0, 1);
    let (code, stdout, _) = with(&["diff", "sail"]);
    assert_eq!(code, 0, "{stdout}");
    let (code, stdout, stderr) =
        run(&["up", "sail", "--env", "dev", "--dry-run", "--context", "c", "--crd", "crds", "--set", "crew=4"]);
    assert_eq!(code, 0, "{stdout}{stderr}");
    // A violation of the definition fails both.
    write(
        project.path(),
        "templates/boat.yaml",
        &BOAT.replace("name: a", "name: a, namespace: sea").replace("crew: 3", "crew: many"),
    );
    write(project.path(), "profiles/sail.yaml", "{}\n");
    for args in [&["render", "sail"][..], &["up", "sail", "--env", "dev", "--dry-run", "--context", "c"]] {
        assert_eq!(run(args).0, 0);
        let (code, _, stderr) = run(&[args, &crd].concat());
        assert_eq!((code, stderr.contains("error[field-type]")), (1, true), "{stderr}");
    }
    // The same with the settings, which the arguments override.
    write(project.path(), "plimsoll.toml", "schemas = [\"schemas\"]\n");
    let (code, _, stderr) = run(&["render", "sail"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    write(project.path(), "plimsoll.toml", "crds = [\"crds\"]\nschemas = [\"schemas\"]\n");
    assert_eq!(run(&["render", "sail"]).0, 1);
    write(project.path(), "plimsoll.toml", "schemas = [\"../elsewhere\"]\n");
    let (code, _, stderr) = run(&["render", "sail"]);
    assert_eq!((code, stderr.contains("plimsoll.toml:1:12")), (1, true), "{stderr}");
}

#[test]
fn diff_of_manifests_applies_the_defaults_of_definitions() {
    let folder = folder(&[
        ("crds/boat.yaml", CRD),
        ("old.yaml", &BOAT.replace("crew: 3", "seats: []")),
        ("new.yaml", &BOAT.replace("crew: 3", "seats: [], crew: 2")),
    ]);
    let effect = |args: &[&str]| {
        let (_, stdout, _) =
            run(folder.path(), &[&["diff", "old.yaml", "new.yaml", "--output", "json"], args].concat());
        let json: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        json["bundles"][0]["objects"][0]["effect"].as_str().unwrap_or(&stdout).to_owned()
    };
    assert_eq!([effect(&[]), effect(&["--crd", "crds"])], ["object", "none"]);
}

/// The output of `render` and `check` for the example, and its snapshots.
#[test]
fn the_example_renders_and_is_checked() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/custom");
    let (code, stdout, stderr) =
        run(&example, &["render", "--all", "--env", "dev", "--env", "prod", "--out", "--verify"]);
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    assert!(!stderr.contains("warning"), "{stderr}");
    let (code, stdout, stderr) = run(&example, &["check", "snapshots/web.prod.yaml"]);
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, "", "no findings in 9 objects\n"));
    let (_, images, _) = run(&example, &["images", "web"]);
    assert_eq!(images, "ghcr.io/example/web:v2.4.0\n");
    assert_eq!(findings(&example, &["crds"]), [""; 0]);
    // A mistake in each of its custom resources is reported.
    let bundle = fs::read_to_string(example.join("snapshots/web.prod.yaml")).unwrap();
    for (right, wrong, found) in [
        ("canaryService: web-canary", "canaryService: web-canry", "Service `web-canry` not found"),
        ("port: 80\n---", "port: 8000\n---", "Service `web` has no port 8000"),
        ("key: url\n", "key: uri\n", "Secret `web-database` has no key `uri`"),
        ("secretName: web-tls\n  dns", "secretName: web-cert\n  dns", "Secret `web-tls` not found"),
        ("setWeight: 50", "setWeight: 500", "must be from 0 to 100"),
        ("config: web-config", "config: web-confg", "ConfigMap `web-confg-"),
        ("  selector:\n    app: web\n", "  selector:\n    app: wbe\n", "selects no pods"),
    ] {
        assert!(bundle.contains(right), "{right}");
        let folder = folder(&[("bundle.yaml", &bundle.replacen(right, wrong, 1))]);
        let bundle = folder.path().join("bundle.yaml");
        let said = findings(&example, &["--complete", "--external", "Gateway/public", bundle.to_str().unwrap()]);
        assert!(said.iter().any(|said| said.contains(found)), "{wrong}: {said:?}");
    }
}

/// A CustomResourceDefinition with placeholders for its scope and the schema of its spec.
const PIPES: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: pipes.acme.dev}\nspec:\n  \
    group: acme.dev\n  scope: SCOPE\n  names: {kind: Pipe, plural: pipes, singular: pipe, listKind: PipeList}\n  versions:\n  - name: v1\n    \
    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object, properties: {spec: SPEC}}}\n---\n";

/// The errors of resources of a definition, each as `field: message`.
fn errors(scope: &str, spec: &str, resources: &str) -> Vec<String> {
    let text = PIPES.replace("SCOPE", scope).replace("SPEC", spec) + resources;
    let folder = folder(&[("case.yaml", &text)]);
    let found = findings(folder.path(), &["case.yaml"]);
    found.into_iter().filter_map(|said| said.strip_prefix("error ").map(str::to_owned)).collect()
}

fn pipe(spec: &str) -> String {
    format!("{{apiVersion: acme.dev/v1, kind: Pipe, metadata: {{name: a}}, spec: {spec}}}\n---\n")
}

#[test]
fn unknown_fields_in_a_list_are_preserved() {
    let preserved = "{type: object, properties: {steps: {type: array, x-kubernetes-preserve-unknown-fields: true, items: {type: object}}}}";
    assert_eq!(errors("Namespaced", preserved, &pipe("{steps: [{anything: 1}]}")), [""; 0]);
    let pruned = preserved.replace("x-kubernetes-preserve-unknown-fields: true, ", "");
    assert_eq!(errors("Namespaced", &pruned, &pipe("{steps: [{anything: 1}]}")).len(), 1);
}

#[test]
fn defaults_are_applied_before_one_of_is_evaluated() {
    let spec = |default: &str| {
        format!(
            "{{type: object, properties: {{type: {{type: string{default}}}, value: {{type: string}}}}, oneOf: [{{properties: {{type: \
             {{enum: [IP]}}, value: {{pattern: '^[0-9.]+$'}}}}}}, {{properties: {{type: {{not: {{enum: [IP]}}}}}}}}]}}"
        )
    };
    assert_eq!(errors("Namespaced", &spec(", default: IP"), &pipe("{value: 1.2.3.4}")), [""; 0]);
    assert_eq!(errors("Namespaced", &spec(""), &pipe("{value: 1.2.3.4}")).len(), 1);
    assert_eq!(errors("Namespaced", &spec(", default: IP"), &pipe("{value: host}")).len(), 1);
}

#[test]
fn a_version_that_is_not_served_is_an_error() {
    let said = errors("Namespaced", "{type: object}", &pipe("{}").replace("acme.dev/v1", "acme.dev/v1alpha1"));
    assert_eq!(said, ["kind-unknown apiVersion: the definition of Pipe does not serve `acme.dev/v1alpha1`"]);
}

#[test]
fn formats_are_checked_also_in_any_of() {
    let spec = "{type: object, properties: {cidr: {type: string, format: cidr}, ip: {type: string, anyOf: [{format: ipv4}, {format: ipv6}]}}}";
    let other = |spec: &str| pipe(spec).replace("name: a", "name: b");
    let said = errors("Cluster", spec, &(pipe("{cidr: 'dead::beef::/64'}") + &other("{ip: not an ip}")));
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(errors("Cluster", spec, &(pipe("{cidr: 10.0.0.0/8}") + &other("{ip: '::1'}"))), [""; 0]);
}

/// The API server drops the namespace of a cluster-scoped object: `EnsureObjectNamespaceMatchesRequestNamespace` in
/// k8s.io/apiserver/pkg/registry/rest/meta.go.
#[test]
fn a_cluster_scoped_resource_may_have_a_namespace() {
    let named = pipe("{}").replace("name: a", "name: a, namespace: b");
    assert_eq!(errors("Cluster", "{type: object}", &named), [""; 0]);
    assert_eq!(errors("Namespaced", "{type: object}", &named), [""; 0]);
}

#[test]
fn duplicates_in_sets_and_keyed_lists_are_errors() {
    let item = "items: {type: object, required: [name], properties: {name: {type: string}, port: {type: integer, default: 1}}}";
    let spec = format!(
        "{{type: object, properties: {{keyed: {{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name], \
         {item}}}, set: {{type: array, x-kubernetes-list-type: set, items: {{type: string}}}}, plain: {{type: array, items: {{type: \
         string}}}}}}}}"
    );
    let said = |fields: &str| errors("Namespaced", &spec, &pipe(fields));
    assert_eq!(said("{keyed: [{name: a}, {name: b}], set: [a, b], plain: [a, a]}"), [""; 0]);
    assert!(said("{keyed: [{name: a}, {name: a, port: 2}]}")[0].contains("spec.keyed[1]"));
    assert!(said("{set: [a, b, a]}")[0].contains("spec.set[2]"));
}

#[test]
fn an_embedded_resource_has_a_version_and_kind() {
    let spec = "{type: object, properties: {pod: {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}}}";
    assert_eq!(errors("Namespaced", spec, &pipe("{pod: {apiVersion: v1, kind: Pod, spec: {any: thing}}}")), [""; 0]);
    let said = errors("Namespaced", spec, &pipe("{pod: {apiVersion: v1, spec: {}}}"));
    assert!(said.len() == 1 && said[0].contains("spec.pod.kind"), "{said:?}");
}

/// A Rollout instead of a Deployment: the Service that selects it, and its ports.
#[test]
fn a_custom_resource_with_a_pod_template_is_a_workload() {
    let text = |selector: &str, port: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {{name: web}}\nspec:\n  template:\n    metadata: {{labels: \
             {{app: web}}}}\n    spec: {{containers: [{{name: web, image: 'ghcr.io/acme/web:v1', envFrom: [{{configMapRef: {{name: \
             web-env}}}}], ports: [{{name: http, containerPort: 8080}}]}}]}}\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: \
             web}}\nspec: {{selector: {{app: {selector}}}, ports: [{{port: 80, targetPort: {port}}}]}}\n---\napiVersion: v1\nkind: \
             ConfigMap\nmetadata: {{name: web-env}}\ndata: {{A: b}}\n"
        )
    };
    let said = |selector: &str, port: &str, old: &str, new: &str| {
        let folder = folder(&[("a.yaml", &text(selector, port).replacen(old, new, 1))]);
        let mut said = findings(
            folder.path(),
            &["a.yaml", "--only", "service-selects-nothing,target-port-unserved,reference-missing,unused"],
        );
        said.iter_mut().for_each(|said| *said = said.split_once(": ").unwrap().1.to_owned());
        said
    };
    assert_eq!(said("web", "http", "", ""), [""; 0]);
    assert_eq!(said("wbe", "http", "", "").len(), 1);
    assert_eq!(said("web", "htp", "", ""), ["no container of Rollout/web has a port named `htp`"]);
    assert!(said("web", "http", "name: web-env}}]", "name: web-en}}]")[0].contains("ConfigMap `web-en` not found"));
}

#[test]
fn content_names_are_set_in_every_reference_or_a_warning_reports_it() {
    let conf = "apiVersion: v1\nkind: ConfigMap\nmetadata: {$contentName: true, name: conf, namespace: demo}\ndata: {x: \"{{ a }}\"}\n";
    let others = "---
apiVersion: example.com/v1
kind: Boat
metadata: {name: a, namespace: demo}
spec: {configMapRef: {name: conf}, envFrom: [{configMapRef: {name: conf}}], valueFrom: {configMapKeyRef: {name: conf, key: x}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: w, namespace: demo, annotations: {nginx.ingress.kubernetes.io/custom-headers: demo/conf}}
spec: {defaultBackend: {service: {name: w, port: {number: 80}}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: w, namespace: demo}
rules: [{apiGroups: [''], resources: [configmaps], resourceNames: [conf], verbs: [get]}]
---
apiVersion: v1
kind: Service
metadata: {name: w, namespace: demo}
spec: {selector: {app: w}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: w, namespace: demo}
spec:
  selector: {matchLabels: {app: w}}
  template:
    metadata: {labels: {app: w}, annotations: {cfg: CFG}}
    spec: {containers: [{name: w, image: 'r.example.com/w:1', args: ['--configmap=ARG'], env: [{name: CONFIGMAP, value: VALUE}]}]}
";
    let project = |text: &str| {
        folder(&[
            ("plimsoll.toml", ""),
            ("profiles/schema.json", r#"{"type": "object", "properties": {"a": {"type": "string"}}}"#),
            ("profiles/base.yaml", "environments: {dev: {}}\na: hello\n"),
            ("profiles/p.yaml", "{}\n"),
            ("templates/t.yaml", &format!("{conf}{text}")),
        ])
    };
    let plain = project(&others.replace("CFG", "conf").replace("ARG", "conf").replace("VALUE", "conf"));
    let (code, stdout, stderr) = run(plain.path(), &["render", "p"]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(stdout.matches("conf-02b38a1b6b").count(), 6, "{stdout}");
    assert_eq!(stderr.matches("warning[content-name-plain]").count(), 3, "{stderr}");
    for place in ["annotations[cfg]", "containers[0].args[0]", "containers[0].env[0].value"] {
        assert!(stderr.contains(place), "{stderr}");
    }
    let call = "\"{{ content_name('conf') }}\"";
    let text = others
        .replace("CFG", call)
        .replace("'--configmap=ARG'", "\"--configmap={{ content_name('conf') }}\"")
        .replace("VALUE", call);
    let (code, stdout, stderr) = run(project(&text).path(), &["render", "p"]);
    assert_eq!(
        (code, stdout.matches("conf-02b38a1b6b").count(), stdout.matches("conf\n").count()),
        (0, 9, 0),
        "{stdout}{stderr}"
    );
    assert!(!stderr.contains("content-name-plain"), "{stderr}");
    let (code, _, stderr) = run(project(&text.replace("name('conf')", "name('cnf')")).path(), &["render", "p"]);
    assert_eq!((code, stderr.contains("did you mean `conf`?")), (1, true), "{stderr}");
}

/// CustomResourceDefinitions come before their resources, whatever the order of the templates.
#[test]
fn definitions_are_rendered_before_their_resources() {
    let boat = "apiVersion: example.com/v1\nkind: Boat\nmetadata: {name: a, namespace: demo}\nspec: {crew: 3}\n";
    let project = folder(&[
        ("plimsoll.toml", ""),
        ("profiles/schema.json", r#"{"type": "object", "properties": {"a": {"type": "string"}}}"#),
        ("profiles/base.yaml", "environments: {dev: {}}\n"),
        ("profiles/p.yaml", "{}\n"),
        ("templates/a-boat.yaml", boat),
        ("templates/m-namespace.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: demo}\n"),
        ("templates/z-crd.yaml", CRD),
    ]);
    let (code, stdout, stderr) = run(project.path(), &["render", "p"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    let kinds: Vec<&str> = stdout.lines().filter_map(|line| line.strip_prefix("kind: ")).collect();
    assert_eq!(kinds, ["Namespace", "CustomResourceDefinition", "Boat"]);
}

/// The path to a pod spec is omitted.
#[test]
fn a_diff_in_markdown_omits_the_path_to_the_pod_spec() {
    let job = |image: &str| {
        format!(
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: a}}\nspec: {{schedule: '0 0 * * *', jobTemplate: {{spec: {{template: \
             {{spec: {{restartPolicy: Never, containers: [{{name: a, image: '{image}'}}]}}}}}}}}}}\n"
        )
    };
    let folder = folder(&[("old.yaml", &job("a.io/a:v1")), ("new.yaml", &job("a.io/a:v2"))]);
    let (_, stdout, _) = run(folder.path(), &["diff", "old.yaml", "new.yaml", "--output", "markdown"]);
    assert!(stdout.contains("| CronJob/a | `containers[a].image` "), "{stdout}");
}
