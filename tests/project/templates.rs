//! Partials, files, folders and manifests of a project's templates.

use super::{Project, has};

/// The project with a ConfigMap that has this data.
fn with_data(data: &str) -> Project {
    let project = Project::new();
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf, namespace: \"{{ namespace }}\"}\n";
    project.write("templates/conf.yaml", format!("{map}{data}"));
    project.edit(
        "templates/web.yaml",
        "          ports:",
        "          envFrom: [{configMapRef: {name: conf}}]\n          ports:",
    );
    project
}

#[test]
fn a_partial_is_included_with_parameters() {
    let project = Project::new();
    project.write(
        "templates/_parts/probe.yaml",
        "httpGet: {path: \"{{ path }}\", port: http}\nperiodSeconds: \"{{ replicas + 10 }}\"\n",
    );
    project.edit(
        "templates/web.yaml",
        "readinessProbe: {httpGet: {path: /, port: http}}",
        "readinessProbe: {$include: _parts/probe.yaml, $with: {path: /ready}}\n          \
         livenessProbe: {$include: _parts/probe.yaml, $with: {path: \"/{{ profile }}\"}, failureThreshold: 6}",
    );
    let bundle = project.web("prod");
    has(&bundle, "path: /ready\n            port: http\n          periodSeconds: 13\n");
    has(&bundle, "path: /web\n            port: http\n          periodSeconds: 13\n          failureThreshold: 6\n");
    // Origins: the literal in the template, and the value in the profile.
    let field = "spec.template.spec.containers[0].readinessProbe.httpGet.path";
    let explained = project.stdout(&["explain", "web", "Deployment/web", field, "--env", "prod"]);
    has(&explained, "templates/_parts/probe.yaml:1:");
    has(&explained, "templates/web.yaml:15:");
    let field = "spec.template.spec.containers[0].readinessProbe.periodSeconds";
    has(&project.stdout(&["explain", "web", "Deployment/web", field, "--env", "prod"]), "profiles/web.yaml:3:");
}

#[test]
fn a_partial_that_is_a_list_contributes_its_items() {
    let project = Project::new();
    project
        .write("templates/_env.yaml", "- {name: A, value: \"{{ namespace }}\"}\n- {name: B, value: \"{{ level }}\"}\n");
    project.edit(
        "templates/web.yaml",
        "          ports:",
        "          env:\n            - {name: X, value: first}\n            - $include: _env.yaml\n              $with: {level: \"{{ labels.level | optional }}\"}\n          ports:",
    );
    project.fails("dev", &["`level` is not set", "templates/_env.yaml:2:", "included here", "templates/web.yaml:1"]);
    project.edit("profiles/base.yaml", "labels: {}", "labels: {level: info}");
    let bundle = project.web("dev");
    has(
        &bundle,
        "- name: X\n          value: first\n        - name: A\n          value: shop\n        - name: B\n          value: info\n",
    );
}

#[test]
fn invalid_includes_are_errors() {
    for (part, include, error) in [
        ("a: \"{{ nmae }}\"", "{$include: _p.yaml}", "no field `nmae`"),
        ("a: b", "{$include: _p.yaml, $with: {x: 1}}", "unused parameter `x`"),
        ("a: \"{{ replicas }}\"", "{$include: _p.yaml, $with: {replicas: 1}}", "the name `replicas` is already used"),
        ("a: b", "{$include: p.yaml}", "`p.yaml` is not a partial"),
        ("a: b", "{$include: _q.yaml}", "not found"),
        ("a: b", "{$include: \"_{{ profile }}.yaml\"}", "`$include` cannot contain an expression"),
        ("a: {$include: _p.yaml}", "{$include: _p.yaml}", "recursive include: `_p.yaml` includes `_p.yaml`"),
        ("a: b\n---\nc: d", "{$include: _p.yaml}", "a partial must be a single YAML document; `_p.yaml` has 2"),
        ("a: b", "{$with: {x: 1}}", "`$with` without `$include`"),
        ("[a]", "{$include: _p.yaml, b: c}", "must be a mapping, not a list"),
        ("app: b", "{$include: _p.yaml, app: c}", "duplicate key `app`"),
    ] {
        let project = Project::new();
        project.write("templates/_p.yaml", part);
        project.edit(
            "templates/web.yaml",
            "selector: {matchLabels: {app: web}}",
            &format!("selector: {{matchLabels: {include}}}"),
        );
        let output = project.run(&["render", "web", "--env", "dev"]);
        let text = String::from_utf8_lossy(&output.stderr).replace("no profile field", "no field");
        assert!(text.contains(error) || error.starts_with("no field") && text.contains("nmae"), "{include}: {text}");
    }
    let project = Project::new();
    project.write("templates/_p.yaml", "x: \"{{ quux | optional }}\"\n");
    project.edit("templates/web.yaml", "selector: {matchLabels: {app: web}}", "selector: {$include: _p.yaml}");
    project.fails(
        "dev",
        &["no field `quux` in the profile", "pass a parameter in `$with`, with the value `none` if it is not set"],
    );
    let project = Project::new();
    project.write("templates/_unused.yaml", "a: b\n");
    project.fails("dev", &["unused file `templates/_unused.yaml`: no template includes this partial"]);
}

#[test]
fn a_file_is_selected_within_its_folder() {
    let project = with_data("data: {app.ini: {$file: \"files/{{ environment }}/app.ini\"}}\n");
    project.write("templates/files/dev/app.ini", "[dev]\r\nkey = {{ not evaluated }}\r\n");
    project.write("templates/files/prod/app.ini", "[prod]\n");
    has(&project.web("dev"), "app.ini: \"[dev]\\r\\nkey = {{ not evaluated }}\\r\\n\"\n");
    has(&project.web("prod"), "[prod]\n");
    project.fails("staging", &["no file `files/staging/app.ini` under `templates/`"]);
    project.edit("templates/conf.yaml", "files/{{ environment }}/app.ini", "files/{{ namespace }}/app.ini");
    project.edit("profiles/base.yaml", "namespace: shop", "namespace: ../../plimsoll.toml");
    project.fails("dev", &["the path leaves the folder `templates/files/`", "profiles/base.yaml:2:"]);
    let project = with_data("data: {app.ini: {$file: \"{{ environment }}/app.ini\"}}\n");
    project.fails("dev", &["`$file` must name a folder before its first expression"]);
}

#[test]
fn folders_and_patterns_select_files_by_name() {
    let project = with_data("data: {$files: 'conf/*.ini', extra: text}\nbinaryData: {$files: conf/bin}\n");
    project.write("templates/conf/a.ini", "a\n");
    project.write("templates/conf/b.ini", "b");
    project.write("templates/conf/bin/logo.png", [0x89, b'P', b'N', b'G', 0xff]);
    let bundle = project.web("dev");
    has(&bundle, "a.ini: |\n    a\n");
    has(&bundle, "b.ini: b\n");
    has(&bundle, "extra: text\n");
    has(&bundle, "binaryData:\n  logo.png: iVBORw==\n".replace("iVBORw==", "iVBOR/8=").as_str());
    // Files that the pattern does not match are reported.
    project.write("templates/other/c.ini", "c");
    project.fails("dev", &["unused file `templates/other/c.ini`"]);
    project.remove("templates/other/c.ini");
    project.edit("templates/conf.yaml", "'conf/*.ini'", "'conf/*.txt'");
    project.fails("dev", &["no files match `conf/*.txt`"]);
    let project = with_data("data: {$files: conf}\n");
    project.write("templates/conf/logo.png", [0xff]);
    project.fails("dev", &["`templates/conf/logo.png` is not UTF-8 text; put binary files under `binaryData`"]);
}

#[test]
fn a_profile_selects_templates_by_folder() {
    let project = Project::new();
    let map = |name: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: shop}}\ndata: {{a: b}}\n")
    };
    project.write("templates/blog/a.yaml", map("blog"));
    project.write("templates/shop/deep/a.yaml", map("shop"));
    project.write("profiles/base.yaml", "environments: {dev: {}}\nnamespace: shop\nimage: {repository: r.example.com/x}\nreplicas: 1\nargs: []\nlabels: {}\n");
    project.write("profiles/web.yaml", "image: {tag: dev}\n");
    let names = || {
        let output = project.run(&["render", "web", "--env", "dev"]);
        let text = String::from_utf8(output.stdout).unwrap();
        ["name: web\n", "name: blog\n", "name: shop\n"].map(|name| text.contains(name))
    };
    project.remove("profiles/environments/prod.yaml");
    assert_eq!(names(), [true, true, true]);
    project.write("profiles/web.yaml", "image: {tag: dev}\ntemplates: [blog]\n");
    assert_eq!(names(), [true, true, false]);
    project.write("profiles/web.yaml", "image: {tag: dev}\ntemplates: [shop/deep]\n");
    assert_eq!(names(), [true, false, true]);
    project.write("profiles/web.yaml", "image: {tag: dev}\ntemplates: []\n");
    assert_eq!(names(), [true, false, false]);
    project.write("profiles/web.yaml", "image: {tag: dev}\ntemplates: [blgo]\n");
    project.fails("dev", &["error[template-folder]", "profiles/web.yaml:2:", "did you mean `blog`?"]);
    project.write("profiles/web.yaml", "image: {tag: dev}\ntemplates: blog\n");
    project.fails("dev", &["`templates` must be a list of strings"]);
}

const VENDORED: &str = r#"apiVersion: v1
kind: List
items:
- &account
  apiVersion: v1
  kind: ServiceAccount
  metadata: {name: redis, namespace: redis}
- apiVersion: rbac.authorization.k8s.io/v1
  kind: ClusterRole
  metadata: {name: redis}
  rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: redis}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: redis}
subjects: [{kind: ServiceAccount, name: redis, namespace: redis}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: scripts, namespace: redis, labels: &labels {app: redis}, annotations: *labels}
data:
  run.sh: "echo {{ not evaluated }} ${x}"
---
apiVersion: v1
kind: Pod
metadata: {name: redis, namespace: redis}
spec:
  serviceAccountName: redis
  containers:
  - {name: redis, image: registry.example.com/redis:8, volumeMounts: [{name: s, mountPath: /s}]}
  volumes: [{name: s, configMap: {name: scripts, defaultMode: 0755}}]
"#;

#[test]
fn vendored_manifests_are_rendered_unchanged() {
    let project = Project::new();
    project.write("vendor/redis/all.yaml", VENDORED);
    project.write("templates/redis.yaml", "$manifests: vendor/redis\n$if: environment == 'dev'\n");
    let render = |environment| String::from_utf8(project.run(&["render", "web", "--env", environment]).stdout).unwrap();
    let bundle = render("dev");
    for part in ["echo {{ not evaluated }} ${x}", "defaultMode: 493\n", "kind: ClusterRole\n", "namespace: redis\n"] {
        has(&bundle, part);
    }
    assert_eq!(bundle.matches("app: redis\n").count(), 2, "{bundle}");
    assert!(!render("prod").contains("redis"));
    // With `$namespace`, the namespace of objects and of references to them changes.
    project.write("templates/redis.yaml", "$manifests: vendor/redis\n$namespace: \"{{ namespace }}\"\n");
    let bundle = render("dev");
    assert!(!bundle.contains("namespace: redis"), "{bundle}");
    has(&bundle, "kind: ClusterRole\nmetadata:\n  name: redis\n");
    has(&bundle, "- kind: ServiceAccount\n  name: redis\n  namespace: shop\n");
    // The objects are checked and patched like any other.
    project.edit("vendor/redis/all.yaml", "mountPath: /s", "mountPaht: /s");
    project.fails("dev", &["error[field-unknown]", "vendor/redis/all.yaml:31:"]);
    project.edit("vendor/redis/all.yaml", "mountPaht: /s", "mountPath: /s");
    project.write("templates/redis.yaml", "$manifests: vendor/rdis\n");
    project.fails("dev", &["no manifests in `vendor/rdis`"]);
    project.write("templates/redis.yaml", "$manifests: vendor/redis\nspec: {}\n");
    project.fails("dev", &["`spec` cannot be combined with `$manifests`"]);
    project.write("templates/redis.yaml", "$manifests: ../redis\n");
    project.fails("dev", &["is outside the project"]);
}
