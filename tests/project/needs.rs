//! Bundles that need other bundles, to which shared objects belong.

use super::{Project, has};

/// The profile `web` needs `shared`, which has the Namespace and a ConfigMap.
fn shared() -> Project {
    let project = Project::new();
    let text = std::fs::read_to_string(project.path().join("templates/web.yaml")).unwrap();
    project.remove("templates/web.yaml");
    project.write(
        "templates/service/web.yaml",
        text.replace("          ports:", "          envFrom: [{configMapRef: {name: common}}]\n          ports:"),
    );
    project.write(
        "templates/shared/all.yaml",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: \"{{ namespace }}\"}\n---\napiVersion: v1\nkind: ConfigMap\n\
         metadata: {name: common, namespace: \"{{ namespace }}\"}\ndata: {a: b}\n",
    );
    project.write("profiles/shared.yaml", "templates: [shared]\n");
    project.edit("profiles/web.yaml", "image:", "templates: [service]\nneeds: [shared]\nimage:");
    project.write("profiles/app.yaml", "templates: [service]\nneeds: [shared]\nimage: {tag: dev}\n");
    project
}

#[test]
fn objects_of_a_needed_bundle_exist_but_are_not_printed() {
    let project = shared();
    let bundle = project.web("dev");
    assert!(!bundle.contains("kind: Namespace") && !bundle.contains("kind: ConfigMap"), "{bundle}");
    // Rendered together, the needed bundle comes first, without conflicts.
    let all = project.stdout(&["render", "--all", "--env", "dev"]);
    assert!(all.starts_with("apiVersion: v1\nkind: Namespace\n"), "{all}");
    assert_eq!(all.matches("kind: Namespace\n").count(), 1);
    assert_eq!(all.matches("kind: Deployment\n").count(), 2);
    // A key that the shared object does not have is reported.
    project.edit(
        "templates/service/web.yaml",
        "envFrom: [{configMapRef: {name: common}}]",
        "env: [{name: A, valueFrom: {configMapKeyRef: {name: common, key: b}}}]",
    );
    project.fails("dev", &["error[reference-missing]", "templates/service/web.yaml:14:"]);
}

#[test]
fn invalid_needs_are_errors() {
    let project = shared();
    project.edit("profiles/web.yaml", "needs: [shared]", "needs: [shraed]");
    project.fails("dev", &["error[profile-need]", "profiles/web.yaml:2:9", "did you mean `shared`?"]);
    project.edit("profiles/web.yaml", "needs: [shraed]", "needs: [shared]");
    project.write("profiles/shared.yaml", "templates: [shared]\nneeds: [web]\n");
    project.fails("dev", &["cycle of needed profiles: web needs shared needs web"]);
    project.write("profiles/shared.yaml", "templates: [shared]\nenvironments: {dev: null}\n");
    project.fails("dev", &["error[profile-need]", "profile `shared` has no environment `dev`"]);
    project.write("profiles/shared.yaml", "templates: [shared]\n");
    project.edit("profiles/web.yaml", "templates: [service]", "templates: [service, shared]");
    project.fails("dev", &["error[object-duplicate]: ConfigMap/common belongs to a bundle that this one needs"]);
}

#[test]
fn definitions_of_custom_resources_are_known() {
    let project = Project::new();
    let crd = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Thing, plural: things, singular: thing, listKind: ThingList}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
";
    let thing = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a, namespace: \"{{ namespace }}\"}\nspec: {size: \"{{ replicas }}\"}\n";
    project.write("templates/thing.yaml", thing);
    let output = project.run(&["render", "web", "--env", "dev"]);
    has(&String::from_utf8_lossy(&output.stderr), "[kind-unknown]");
    project.write("crds/thing.yaml", crd);
    project.write("plimsoll.toml", "crds = [\"crds\"]\n");
    has(&project.web("dev"), "kind: Thing\n");
    project.write("plimsoll.toml", "crds = [\"crds/thing.yaml\"]\n");
    project.edit("templates/thing.yaml", "\"{{ replicas }}\"", "large");
    project.fails("dev", &["error[field-type]", "templates/thing.yaml:4:"]);
    project.write("plimsoll.toml", "crds = [\"none\"]\n");
    project.fails("dev", &["plimsoll.toml:1:9"]);
}

#[test]
fn the_graph_shows_needed_and_external_objects() {
    let project = shared();
    project.edit("profiles/web.yaml", "image:", "external: {db: Secret/db}\nimage:");
    project.edit(
        "templates/service/web.yaml",
        "envFrom: [",
        "envFrom: [{secretRef: {name: db}}, {secretRef: {name: gone}}, ",
    );
    let drawn = project.stdout(&["graph", "web", "--env", "dev"]);
    for line in [
        "[\"needed bundles\"]\n",
        "[(\"ConfigMap<br/>common<br/>needed\")]\n",
        "[(\"Secret<br/>db<br/>external\")]\n",
        "[(\"Secret<br/>gone<br/>⛔ missing\")]\n",
    ] {
        has(&drawn, line);
    }
    // Objects that nothing refers to are not drawn.
    assert!(!drawn.contains("Namespace"), "{drawn}");
    let drawn = project.stdout(&["graph", "web", "--env", "dev", "--output", "dot"]);
    has(&drawn, "[label=\"ConfigMap\\ncommon\\nneeded\", style=dotted];");
}

/// The table of profiles has the columns that are not empty, and the values that distinguish the profiles.
#[test]
fn profiles_are_listed_with_distinguishing_values() {
    let project = shared();
    project.edit("profiles/app.yaml", "tag: dev", "tag: next");
    project.edit("profiles/web.yaml", "image:", "token: swordfish\nlabels: {team: shop}\nimage:");
    let listed = project.stdout(&["profiles", "--env", "dev"]);
    let expected = "\
PROFILE  NAMESPACE  IMAGE                          image.tag  DEFINED IN
app      shop       registry.example.com/web:next  next       profiles/app.yaml
shared   shop       -                              -          profiles/shared.yaml
web      shop       registry.example.com/web:dev   dev        profiles/web.yaml
";
    assert_eq!(listed, expected);
    let json = project.stdout(&["profiles", "--env", "dev", "--json"]);
    has(&json, "\"labels.team\": \"shop\"");
    assert!(!json.contains("swordfish"), "{json}");
}

#[test]
fn an_unknown_kubernetes_version_is_an_error_in_every_command() {
    let project = shared();
    project.write("plimsoll.toml", "environment = \"dev\"\nkubernetes = \"1.99\"\n");
    for command in
        [&["profiles"][..], &["explain", "web"], &["render", "web"], &["graph", "web"], &["diff", "web", "app"]]
    {
        let output = project.run(command);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{command:?}: {error}");
        has(&error, "plimsoll.toml:2:14");
        has(&error, "unsupported Kubernetes version `1.99`: expected 1.33 to 1.37");
    }
}
