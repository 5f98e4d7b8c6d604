//! Patches of rendered objects.

use super::{Project, has};

fn patched(patch: &str) -> Project {
    let project = Project::new();
    let text = std::fs::read_to_string(project.path().join("profiles/web.yaml")).unwrap();
    project.write("profiles/web.yaml", format!("{text}patches:\n{patch}"));
    project
}

#[test]
fn a_sidecar_an_annotation_and_an_argument_are_added() {
    let project = patched(
        "  Deployment/web:
    metadata: {annotations: {team: shop}}
    spec:
      replicas: null
      template:
        spec:
          containers:
          - name: web
            args: {$append: [trace], $prepend: [serve]}
            readinessProbe: {httpGet: {path: /ready}}
          - {name: proxy, image: registry.example.com/proxy:1, readinessProbe: {exec: {command: [ok]}}}
",
    );
    let bundle = project.web("dev");
    for part in [
        "  annotations:\n    team: shop\n",
        "args:\n        - serve\n        - trace\n",
        "path: /ready\n            port: http\n",
        "- name: proxy\n        image: registry.example.com/proxy:1\n",
        "image: registry.example.com/web:dev\n",
    ] {
        has(&bundle, part);
    }
    assert!(!bundle.contains("replicas"), "{bundle}");
    // The origin is the patch.
    let explain = |field| project.stdout(&["explain", "web", "Deployment/web", field, "--env", "dev"]);
    has(&explain("spec.template.spec.containers[web].readinessProbe.httpGet.path"), "profiles/web.yaml:14:46");
    has(&explain("spec.template.spec.containers[web].readinessProbe.httpGet.path"), "was /");
}

#[test]
fn items_are_selected_by_key_and_index() {
    let project = patched(
        "  Deployment/*:
    spec: {template: {spec: {containers: {'[web]': {args: {'[0]': null, '[1]': b2}, ports: {'[8080]': {name: web}}, readinessProbe: null}}}}}
",
    );
    project.edit("profiles/base.yaml", "args: []", "args: [a, b, c]");
    let bundle = project.web("dev");
    has(&bundle, "args:\n        - b2\n        - c\n");
    has(&bundle, "- name: web\n          containerPort: 8080\n");
    assert!(!bundle.contains("readinessProbe"), "{bundle}");
}

#[test]
fn a_patch_without_effect_is_an_error() {
    let cases = [
        (
            "  Deployment/wbe: {spec: {replicas: 2}}\n",
            "the patched object `Deployment/wbe` is not in the bundle",
            "did you mean `Deployment/web`?",
        ),
        (
            "  Deployment/web: {spec: {replicas: 1}}\n",
            "the patch of Deployment/web changes nothing",
            "the object already has these values",
        ),
        ("  Deployment/web: {spec: {paused: null}}\n", "no field `paused` to remove", "remove the `null`"),
        (
            "  Deployment/web: {spec: {template: {spec: {containers: [{image: a}]}}}}\n",
            "the item has no `name`",
            "set the key that identifies",
        ),
        (
            "  Deployment/web: {spec: {template: {spec: {containers: {'[x]': {image: a}}}}}}\n",
            "no item `[x]` in the list",
            "available items: `web`",
        ),
        ("  Deployment/web: {}\n", "empty patch of `Deployment/web`", "write `patches:"),
        ("  web: {spec: {}}\n", "`web` is not `Kind/name`", "write `patches:"),
    ];
    for (patch, message, help) in cases {
        patched(patch).fails("dev", &["profiles/web.yaml:", message, help]);
    }
}

#[test]
fn patches_are_applied_before_content_names_and_checks() {
    let project = patched("  ConfigMap/conf: {data: {level: debug}}\n");
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf, namespace: shop, $contentName: true}\ndata: {level: info}\n";
    project.write("templates/conf.yaml", map);
    project.edit(
        "templates/web.yaml",
        "          ports:",
        "          envFrom: [{configMapRef: {name: conf}}]\n          ports:",
    );
    project.edit(
        "templates/web.yaml",
        "metadata: {labels: {app: web}}",
        "metadata: {annotations: {sum: \"{{ checksum('conf') }}\"}, labels: {app: web}}",
    );
    let with = project.web("dev");
    project.edit("templates/conf.yaml", "info", "debug");
    project.fails("dev", &["changes nothing"]);
    project.edit("profiles/web.yaml", "patches:\n  ConfigMap/conf: {data: {level: debug}}\n", "");
    assert_eq!(with, project.web("dev"));
    // An error caused by a patch is reported at the line of the patch.
    let project = patched("  Deployment/web:\n    spec: {replicas: many}\n");
    project.fails("dev", &["error[field-type]", "profiles/web.yaml:6:"]);
}

#[test]
fn environments_can_patch_and_later_layers_override() {
    let project = patched("  Deployment/web: {spec: {revisionHistoryLimit: 2}}\n");
    project.write(
        "profiles/environments/prod.yaml",
        "patches: {'Deployment/*': {metadata: {annotations: {tier: gold}}, spec: {revisionHistoryLimit: 1}}}\n",
    );
    let bundle = project.web("prod");
    has(&bundle, "tier: gold\n");
    has(&bundle, "revisionHistoryLimit: 2\n");
    assert!(!project.web("dev").contains("tier"));
    let changed = project.run(&["diff", "web", "web.yaml", "--env", "prod"]);
    assert_eq!(changed.status.code(), Some(2));
}
