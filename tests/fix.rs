//! `check --fix`: which edits it makes, and which findings it does not fix.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn check(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.current_dir(folder).arg("check").args(args).output().unwrap()
}

/// The manifest after `--fix` with this level of safety. A second run must not change it.
fn fixed(safety: &str, text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m.yaml");
    fs::write(&file, text).unwrap();
    let safety = format!("--fix={safety}");
    check(folder.path(), &["m.yaml", &safety]);
    let once = fs::read_to_string(&file).unwrap();
    let again = check(folder.path(), &["m.yaml", &safety]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("made 0 edits in 0 files"), "{again:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), once);
    once
}

fn config(data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata:\n{data}")
}

fn secret(data: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{data}")
}

#[test]
fn scalars_of_another_type_are_quoted_as_they_are_written() {
    let before = config("  port: 8080 # a port\n  mode: 0644\n  ratio: 1.10\n  on: true\n  off: 'no'\n  none:\n");
    let after = config(
        "  port: \"8080\" # a port\n  mode: \"0644\"\n  ratio: \"1.10\"\n  \"on\": \"true\"\n  off: 'no'\n  none:\n",
    );
    // A key that is a boolean only in YAML 1.1 stays as it is; values are quoted as written.
    assert_eq!(fixed("safe", &before).replace("  on:", "  \"on\":"), after);
    let flow = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - {name: a, image: 'b:1', \
                env: [{name: A, value: 1}, {name: B, value: yes}], ports: [{containerPort: \"80\"}]}\n";
    let expected = flow.replace("value: 1}", "value: \"1\"}").replace("value: yes}", "value: \"yes\"}");
    assert_eq!(fixed("safe", flow), expected.replace("\"80\"", "80"));
}

#[test]
fn unknown_fields_are_replaced_by_similar_ones() {
    let pod = |field: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n  - {{name: a, image: 'b:1', {field}: Always}}\n"
        )
    };
    // The whole key is replaced, also if it contains a dot.
    for written in ["imagePulPolicy", "\"imagePulPolicy\"", "image.PullPolicy"] {
        let expected = pod("imagePullPolicy")
            .replace("imagePullPolicy", &written.replace(written.trim_matches('"'), "imagePullPolicy"));
        assert_eq!(fixed("suggested", &pod(written)), expected, "{written}");
    }
}

#[test]
fn values_of_custom_resources_are_quoted_as_their_schema_requires() {
    let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: boats.example.com}\n\
                      spec:\n  group: example.com\n  scope: Namespaced\n  names: {kind: Boat, plural: boats, singular: boat, listKind: BoatList}\n  \
                      versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        \
                      type: object\n        properties:\n          spec: {type: object, properties: {crew: {type: integer}, name: {type: string}}}\n---\n";
    let boat = |spec: &str| {
        format!("{definition}apiVersion: example.com/v1\nkind: Boat\nmetadata: {{name: b}}\nspec: {spec}\n")
    };
    assert_eq!(fixed("safe", &boat("{crew: \"3\", name: 7}")), boat("{crew: 3, name: \"7\"}"));
}

#[test]
fn findings_without_a_safe_edit_are_not_fixed() {
    for text in [
        config("  list: [a]\n"),
        // The value is shared through an anchor with a field of another type.
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - {name: a, image: 'b:1', env: [{name: A, \
         value: &port 80}], ports: [{containerPort: *port}]}\n"
            .to_owned(),
        // A duplicate key with different values.
        config("  a: x\n  a: z\n"),
        // The new version has other defaults and required fields.
        "apiVersion: apps/v1beta1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: {}}\n".to_owned(),
        "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: d}\nspec: {selector: {}}\n".to_owned(),
        // The value may be intended as base64, or be a placeholder.
        secret("data:\n  a: aGVsbG8\n  b: c29tZQ=\n"),
        secret("data:\n  a: ${PASSWORD}\n  b: <base64>\n"),
    ] {
        assert_eq!(fixed("safe", &text), text);
    }
}

#[test]
fn duplicate_keys_with_equal_values_are_removed() {
    assert_eq!(
        fixed("safe", &config("  a: x\n  # why\n  b: w\n  a: \"x\"\n  c: z\n")),
        config("  a: x\n  # why\n  b: w\n  c: z\n")
    );
    let nested = "apiVersion: v1\nkind: Service\nmetadata:\n  name: s\n  labels:\n    a: b\n  labels:\n    a: b\nspec:\n  \
                  ports: [{port: 1, port: 1}]\n";
    let expected = nested.replacen("  labels:\n    a: b\n", "", 1).replace("{port: 1, port: 1}", "{port: 1}");
    assert_eq!(fixed("safe", nested), expected);
    // A comment would be lost.
    let commented = config("  a: x\n  a: x # the second\n");
    assert_eq!(fixed("safe", &commented), commented);
}

#[test]
fn kinds_with_the_same_fields_get_their_new_api_version() {
    let job = "apiVersion: batch/v1beta1 # old\nkind: CronJob\nmetadata: {name: c}\nspec:\n  schedule: '* * * * *'\n  \
               jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: 'b:1'}]}}}}\n";
    assert_eq!(fixed("safe", job), job.replace("batch/v1beta1", "batch/v1"));
    let role = "apiVersion: \"rbac.authorization.k8s.io/v1beta1\"\nkind: Role\nmetadata: {name: r}\nrules: []\n";
    assert_eq!(fixed("safe", role), role.replace("v1beta1", "v1"));
}

#[test]
fn plain_text_in_data_of_a_secret_is_moved_or_encoded() {
    let plain = secret("data: # by hand\n  user: a b\n  password: hunter2!\n");
    assert_eq!(fixed("safe", &plain), plain.replace("\ndata:", "\nstringData:"));
    let mixed = secret("data:\n  user: YWRtaW4=\n  password: hunter2!\n");
    assert_eq!(fixed("safe", &mixed), mixed.replace("hunter2!", "\"aHVudGVyMiE=\""));
}

#[test]
fn suggestions_are_applied_only_with_suggested() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  tpye: ClusterIP\n  ports:\n  - port: 80\n    \
                   \"targetport\": 80\n";
    assert_eq!(fixed("safe", service), service);
    let expected = service.replace("tpye", "type").replace("targetport", "targetPort");
    assert_eq!(fixed("suggested", service), expected);
}

#[test]
fn a_dry_run_writes_nothing_and_shows_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let text = config("  port: 8080\n") + "---\n" + &secret("data:\n  a: YWRtaW4=\n  password: hunter2!\n");
    fs::write(folder.path().join("m.yaml"), &text).unwrap();
    let output = check(folder.path(), &["m.yaml", "--fix", "--dry-run"]);
    assert_eq!(fs::read_to_string(folder.path().join("m.yaml")).unwrap(), text);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "m.yaml:5:9: quote the value [field-type]\n-  port: 8080\n+  port: \"8080\"\n\
         m.yaml:12:13: encode the value in base64 [field-type]\n"
    );
    assert_eq!(String::from_utf8_lossy(&output.stderr), "2 edits in 1 file; nothing was written\n");
}

#[test]
fn remaining_findings_are_reported_and_decide_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yaml"), config("  port: 1\n")).unwrap();
    fs::write(folder.path().join("b.yaml"), config("  list: [a]\n").replace("name: c", "name: b")).unwrap();
    let output = check(folder.path(), &[".", "--fix", "--output", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let errors: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["severity"] == "error")
        .map(|finding| finding["field"].as_str().unwrap())
        .collect();
    assert_eq!(errors, ["data[list]"]);
    assert!(String::from_utf8_lossy(&output.stderr).ends_with("made 1 edit in 1 file\n"));
}

#[cfg(unix)]
#[test]
fn links_and_permissions_are_kept() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("real.yaml");
    fs::write(&real, config("  port: 1\n")).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
    symlink("real.yaml", folder.path().join("link.yaml")).unwrap();
    check(folder.path(), &["link.yaml", "--fix"]);
    assert!(folder.path().join("link.yaml").symlink_metadata().unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), config("  port: \"1\"\n"));
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn input_that_is_not_a_file_cannot_be_edited() {
    let folder = tempfile::tempdir().unwrap();
    for args in [["-", "--fix"], ["--kustomize=.", "--fix"]] {
        let output = check(folder.path(), &args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: `--fix` edits files, and cannot edit "));
    }
}

#[test]
fn windows_line_breaks_are_kept() {
    assert_eq!(
        fixed("safe", &config("  port: 1\n  a: b\n").replace('\n', "\r\n")),
        config("  port: \"1\"\n  a: b\n").replace('\n', "\r\n")
    );
}

#[test]
fn suggested_edits_are_applied_with_suggested() {
    let folder = tempfile::tempdir().unwrap();
    let seed = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/seed/gateway-failing.yaml");
    let before = fs::read_to_string(seed).unwrap();
    let file = folder.path().join("m.yaml");
    for line_break in ["\n", "\r\n"] {
        let text = before.replace("8080\n        env", "8080 # http\n        env").replace('\n', line_break);
        fs::write(&file, &text).unwrap();
        check(folder.path(), &["m.yaml", "--fix"]);
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
        check(folder.path(), &["m.yaml", "--fix=suggested"]);
        let probe =
            "\n        readinessProbe:\n          httpGet:\n            path: /health\n            port: 8080\n";
        let expected = text
            .replacen(&format!("# http{line_break}"), &format!("# http{}", probe.replace('\n', line_break)), 1)
            .replace(&format!("value: postgres{line_break}"), &format!("value: postgresql{line_break}"));
        assert_eq!(fs::read_to_string(&file).unwrap(), expected);
        check(folder.path(), &["m.yaml", "--fix=suggested"]);
        assert_eq!(fs::read_to_string(&file).unwrap(), expected);
    }
}

#[test]
fn a_probe_of_an_unknown_program_has_a_placeholder_for_the_port() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_plimsoll")).current_dir(folder.path()).args(args).output().unwrap()
    };
    assert!(run(&["init", "--blank", "."]).status.success());
    fs::write(
        folder.path().join("templates/app.yaml"),
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n    \
         metadata: {labels: {app: web}}\n    spec:\n      containers:\n      - name: web\n        image: \"{{ image }}\"\n        \
         ports:\n        - name: http\n          containerPort: 80\n        args: [a]\n---\napiVersion: v1\nkind: Service\n\
         metadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}\n",
    )
    .unwrap();
    fs::write(folder.path().join("profiles/schema.json"), "{\"properties\": {\"image\": {\"type\": \"string\"}}}")
        .unwrap();
    fs::write(folder.path().join("profiles/base.yaml"), "image: registry.example/web:1\nenvironments: {dev: {}}\n")
        .unwrap();
    fs::write(folder.path().join("profiles/app.yaml"), "{}\n").unwrap();
    fs::remove_dir_all(folder.path().join("profiles/environments")).unwrap();
    let output = run(&["render", "app", "--report", "json=report.json"]);
    let report = fs::read_to_string(folder.path().join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let missing =
        findings.iter().find(|finding| finding["rule"] == "probe-missing").unwrap_or_else(|| panic!("{output:?}"));
    let edit = &missing["fix"]["edits"][0];
    assert_eq!((edit["file"].as_str(), edit["line"].as_u64()), (Some("templates/app.yaml"), Some(14)));
    assert_eq!(edit["text"], "\n        readinessProbe:\n          tcpSocket:\n            port: http");
}
