//! `plimsoll check` on whole repositories: which files of a folder are read or skipped, and how findings are silenced.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: NAME}\nspec: {containers: [{name: web, image: 'ghcr.io/acme/web:v1'}]}\n";

/// A Pod that the API server rejects.
fn broken(name: &str) -> String {
    POD.replace("NAME", name).replace("image:", "imag:")
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Runs the command. Returns the exit code, standard output and standard error.
fn run_with(folder: &Path, args: &[&str], path: &str, stdin: &str) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .current_dir(folder)
        .args(args)
        .env_clear()
        .env("PATH", path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that fails early closes its standard input.
    _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn run(folder: &Path, args: &[&str]) -> (i32, String, String) {
    run_with(folder, args, "/usr/bin:/bin", "")
}

/// The findings of a run, each as `severity rule file`.
fn findings(folder: &Path, args: &[&str]) -> Vec<String> {
    let args: Vec<&str> = args.iter().copied().chain(["--output", "json"]).collect();
    let (_, stdout, stderr) = run(folder, &args);
    let json: serde_json::Value = serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stdout}{stderr}"));
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let found = json["findings"].as_array().unwrap().iter();
    found
        .map(|one| format!("{} {} {}", text(&one["severity"]), text(&one["rule"]), text(&one["source"]["file"])))
        .collect()
}

#[test]
fn files_that_are_not_manifests_are_skipped() {
    let folder = folder(&[
        ("web.yaml", &POD.replace("NAME", "web")),
        ("values.yaml", "replicas: 2\n"),
        ("package.json", "{\"name\": \"web\"}\n"),
        ("skaffold.yaml", "apiVersion: skaffold/v4beta6\nkind: Config\n"),
        ("talos.yaml", "apiVersion: v1alpha1\nkind: VolumeConfig\nname: EPHEMERAL\n"),
        ("cluster.yaml", "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: a}\n"),
        ("kubeconfig.yaml", "apiVersion: v1\nkind: Config\nclusters: []\n"),
        ("testdata/bad.yaml", "a: [\n"),
        ("chart/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        ("chart/templates/web.yaml", "{{- if .Values.web }}\nkind: {{ .Values.kind }}\n{{- end }}\n"),
        ("chart/crds/none.yaml", "# nothing\n"),
        ("project/plimsoll.toml", ""),
        (
            "project/templates/web.yaml",
            "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {$if: \"{{ a }}\"}\n",
        ),
        (
            "base/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\npatches: [{path: patch.yaml}]\nconfigMapGenerator: [{name: c, files: [app.yaml]}]\n",
        ),
        ("base/patch.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2}\n"),
        ("base/app.yaml", "apiVersion: v1\nkind: Pod\n"),
    ]);
    let (code, stdout, stderr) = run(folder.path(), &["check", "."]);
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, "", "no findings in 1 object\n"));
    let (_, _, stderr) = run(folder.path(), &["check", ".", "--verbose"]);
    for line in [
        "skipped ./values.yaml:1:1: not a Kubernetes object",
        "skipped ./package.json:1:1: not a Kubernetes object",
        "skipped ./skaffold.yaml:1:1: `skaffold/v4beta6` Config, the configuration of a tool",
        "skipped ./talos.yaml:1:1: `v1alpha1` VolumeConfig, the configuration of a tool",
        "skipped ./testdata:1:1: excluded",
        "skipped ./chart/templates/web.yaml:1:1: a template of a Helm chart: check it with `--helm CHART`",
        "skipped ./project/templates/web.yaml:1:1: part of a plimsoll project: check what `plimsoll render` prints",
        "skipped ./base/patch.yaml:1:1: a patch of a kustomization",
        "skipped ./base/app.yaml:1:1: data or configuration of a kustomization",
    ] {
        assert!(stderr.lines().any(|found| found == line), "{line}\n{stderr}");
    }
    // A file that is named is an error; so is one with only `apiVersion` or `kind`, which was meant to be an object.
    assert_eq!(findings(folder.path(), &["check", "values.yaml"]), ["error not-a-manifest values.yaml"]);
    fs::write(folder.path().join("half.yaml"), "apiVersion: v1\nmetadata: {name: a}\n").unwrap();
    assert_eq!(findings(folder.path(), &["check", "."]), ["error not-a-manifest ./half.yaml"]);
    assert_eq!(findings(folder.path(), &["check", "base/app.yaml", "--only", "api"]).len(), 2);
}

#[test]
fn globs_settings_and_gitignore_exclude_files() {
    let bad = broken("a");
    let folder = folder(&[
        ("a.yaml", &bad),
        ("old/b.yaml", &bad),
        ("generated/c.yaml", &bad),
        ("tests/d.yaml", &bad),
        ("legacy/e.yaml", &bad),
        (".gitignore", "/generated/\n"),
        (
            "plimsoll.toml",
            "exclude = ['/old/']\n[paths.'/legacy/']\nfield-unknown = 'note'\n[paths.'*.yml']\nfield-unknown = 'off'\n",
        ),
    ]);
    let rules = |args: &[&str]| -> Vec<String> {
        findings(folder.path(), args).into_iter().filter(|found| found.contains("field-unknown")).collect()
    };
    let all =
        ["error field-unknown ./a.yaml", "note field-unknown ./legacy/e.yaml", "error field-unknown ./tests/d.yaml"];
    assert_eq!(rules(&["check", "."]), all);
    assert_eq!(rules(&["check", ".", "--exclude", "tests/", "--exclude", "legacy/**"]), all[..1]);
    // A file that is given is checked.
    assert_eq!(rules(&["check", "old/b.yaml"]), ["error field-unknown old/b.yaml"]);
    let (code, _, stderr) = run(folder.path(), &["check", ".", "--exclude", "[z-a]"]);
    assert_eq!(code, 2, "{stderr}");
    fs::write(folder.path().join("plimsoll.toml"), "exclude = ['[z-a]']\n").unwrap();
    let (code, _, stderr) = run(folder.path(), &["check", "."]);
    assert!(code == 1 && stderr.contains("`[z-a]` is not a valid pattern"), "{stderr}");
}

#[test]
fn findings_of_a_baseline_are_not_reported() {
    let folder = folder(&[("a.yaml", &broken("a"))]);
    let args = ["check", ".", "--baseline", "known.json"];
    let (code, stdout, stderr) = run(folder.path(), &args);
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    assert!(stderr.contains("wrote 1 finding to known.json"), "{stderr}");
    // The same finding on another line.
    fs::write(folder.path().join("a.yaml"), format!("# moved\n{}", broken("a"))).unwrap();
    let (code, _, stderr) = run(folder.path(), &args);
    assert!(code == 0 && stderr.contains("1 finding of known.json not shown"), "{stderr}");
    fs::write(folder.path().join("b.yaml"), broken("b")).unwrap();
    let (code, stdout, _) = run(folder.path(), &args);
    assert!(code == 1 && stdout.contains("./b.yaml") && !stdout.contains("./a.yaml"), "{stdout}");
    // A second finding of the same rule is new.
    fs::remove_file(folder.path().join("b.yaml")).unwrap();
    fs::write(folder.path().join("a.yaml"), format!("{}---\n{}", broken("a"), broken("a"))).unwrap();
    assert_eq!(run(folder.path(), &args).0, 1);
    fs::write(folder.path().join("a.yaml"), POD.replace("NAME", "a")).unwrap();
    let (code, _, stderr) = run(folder.path(), &args);
    assert!(code == 0 && stderr.contains("1 more in it no longer occur"), "{stderr}");
    fs::write(folder.path().join("known.json"), "{}").unwrap();
    assert_eq!(run(folder.path(), &args).0, 2);
}

#[test]
fn placeholders_are_noted_once_per_file_and_other_findings_reported() {
    let folder = folder(&[
        (
            "flux.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: '${APP}', labels: {app: '${APP}'}}\nspec:\n  containers:\n  \
             - {name: '${APP}', image: 'registry.k8s.io/a:{{ version }}'}\n  - {name: b, image: <YOUR-IMAGE>}\n  - {name: c, image: ' '}\n",
        ),
        (
            "helm.yaml",
            "{{- if .Values.web }}\napiVersion: v1\nkind: Pod\n{{- end }}\n---\nmetadata: {name: {{ .name }}}\n",
        ),
        ("broken.yaml", "apiVersion: v1\nkind: [\n"),
    ]);
    let found = findings(folder.path(), &["check", "."]);
    let expected = [
        "error yaml-syntax ./broken.yaml",
        "note template-unrendered ./flux.yaml",
        "error image-invalid ./flux.yaml",
        "note template-unrendered ./helm.yaml",
    ];
    assert_eq!(found, expected);
    // Complete input is what is applied, so a placeholder in it is an error.
    let complete = findings(folder.path(), &["check", "flux.yaml", "--complete"]);
    assert!(complete.iter().filter(|found| found.starts_with("error")).count() > 3, "{complete:?}");
    let (_, stdout, _) = run(folder.path(), &["check", "flux.yaml", "--complete"]);
    assert!(stdout.contains("this looks like a template (`<…>`)") && !stdout.contains("meant?"), "{stdout}");
}

#[test]
fn fields_that_kustomize_adds_are_noted_once_per_file() {
    let base = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    metadata: {}\n    spec: {containers: [{name: web, imag: a}]}\n";
    let folder = folder(&[
        (
            "base/kustomization.yaml",
            "resources: [web.yaml, namespace.yaml]\nlabels: [{includeSelectors: true, pairs: {app: web}}]\n",
        ),
        (
            "base/web.yaml",
            &base.replace("imag: a", "image: ghcr.io/acme/web:v1, replicas: 1").replace(", replicas: 1", ""),
        ),
        ("base/namespace.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: _}\n"),
        (
            "base/manager_auth_patch.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2}\n",
        ),
        ("other/web.yaml", &base.replace("imag:", "image:")),
    ]);
    let found = findings(folder.path(), &["check", "."]);
    let expected = [
        "note template-unrendered ./base/namespace.yaml",
        "note template-unrendered ./base/web.yaml",
        "error selector-invalid ./other/web.yaml",
        "error selector-mismatch ./other/web.yaml",
    ];
    assert_eq!(found, expected);
    // Other errors in the file are reported.
    fs::write(folder.path().join("base/web.yaml"), base).unwrap();
    assert!(findings(folder.path(), &["check", "."]).contains(&"error field-unknown ./base/web.yaml".to_owned()));
}

#[test]
fn values_encrypted_by_sops_are_not_checked() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\ndata:\n  password: ENC[AES256_GCM,data:p673w==,iv:YY=,tag:A=,type:str]\nsops:\n  \
                age: [{recipient: age1x, enc: abc}]\n  mac: ENC[AES256_GCM,data:p673w==,iv:YY=,tag:A=,type:str]\n  version: 3.9.0\n";
    let folder = folder(&[("a.yaml", text)]);
    assert_eq!(findings(folder.path(), &["check", "a.yaml"]), [""; 0]);
    // Other errors are reported, and so is the value without the metadata of SOPS.
    fs::write(folder.path().join("a.yaml"), text.replace("  name: app", "  nam: app")).unwrap();
    assert!(findings(folder.path(), &["check", "a.yaml"]).contains(&"error field-unknown a.yaml".to_owned()));
    fs::write(folder.path().join("a.yaml"), text.replace("sops:", "other:")).unwrap();
    assert_eq!(findings(folder.path(), &["check", "a.yaml"]), ["error field-unknown a.yaml"]);
    fs::write(
        folder.path().join("a.yaml"),
        text.replace("ENC[AES256_GCM,data", "ENC(AES256_GCM,data").replacen("mac: ENC(", "mac: ENC[", 1),
    )
    .unwrap();
    assert_eq!(findings(folder.path(), &["check", "a.yaml"]), ["error field-type a.yaml"]);
}

#[test]
fn a_custom_kind_without_definition_is_one_warning() {
    let certificate = |name: &str| {
        format!(
            "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {{name: {name}}}\nspec: {{secretName: {name}}}\n"
        )
    };
    let folder = folder(&[
        ("a.yaml", &format!("{}---\n{}", certificate("a"), certificate("b"))),
        ("b.yaml", &certificate("c")),
        ("c.yaml", "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a}\nspec: {}\n"),
    ]);
    assert_eq!(
        findings(folder.path(), &["check", "."]),
        ["warning kind-unknown ./a.yaml", "warning kind-unknown ./c.yaml"]
    );
    let (code, stdout, _) = run(folder.path(), &["check", "."]);
    assert!(
        code == 0 && stdout.contains("no definition of Certificate in `cert-manager.io`: 3 objects not validated"),
        "{stdout}"
    );
    // A version that the definition does not serve, and kinds of Kubernetes' own groups, are errors.
    let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: certificates.cert-manager.io}\nspec:\n  \
                      group: cert-manager.io\n  scope: Namespaced\n  names: {plural: certificates, singular: certificate, kind: Certificate, listKind: CertificateList}\n  \
                      versions:\n  - {name: v2, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}\n";
    fs::write(folder.path().join("crd.yaml"), definition).unwrap();
    let found = findings(folder.path(), &["check", "."]);
    assert_eq!(found.iter().filter(|found| found.starts_with("error kind-unknown")).count(), 3, "{found:?}");
    for kind in ["apps/v1\nkind: Deploymnet", "networking.k8s.io/v1\nkind: Gateway", "app/v1\nkind: Deployment"] {
        fs::write(folder.path().join("d.yaml"), format!("apiVersion: {kind}\nmetadata: {{name: a}}\n")).unwrap();
        assert_eq!(findings(folder.path(), &["check", "d.yaml"]), ["error kind-unknown d.yaml"], "{kind}");
    }
}

#[test]
fn streams_and_lists_are_read_as_kubectl_reads_them() {
    let folder = folder(&[
        (
            "two.json",
            "{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"a\"}}\n{\"apiVersion\": \"v1\",\n \"kind\": \"Namespace\", \"metadata\": {\"name\": \"b\"}}",
        ),
        (
            "typed.yaml",
            "apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- metadata: {name: a}\n  spec: {replica: 1}\n",
        ),
        ("array.json", "[{\"apiVersion\": \"v1\", \"kind\": \"Namespace\"}]"),
        ("list.yaml", "apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n- null\n- apiVersion: v1\n"),
        ("odd.yaml", "null\n---\n~\n---\n{}\n---\n[]\n---\nhello\n"),
        ("empty.yaml", ""),
        (
            "duplicate.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: dup, labels: {app: web, app: web}}\ndata: {a: one}\ndat: {}\n",
        ),
    ]);
    let (code, _, stderr) = run(folder.path(), &["check", "two.json"]);
    assert_eq!((code, stderr.as_str()), (0, "no findings in 2 objects\n"));
    let typed = findings(folder.path(), &["check", "typed.yaml"]);
    assert_eq!(typed, ["error field-unknown typed.yaml"]);
    for file in ["array.json", "list.yaml", "odd.yaml"] {
        assert_eq!(findings(folder.path(), &["check", file]), [format!("error not-a-manifest {file}")], "{file}");
    }
    assert_eq!(run(folder.path(), &["check", "empty.yaml"]).0, 0);
    assert_eq!(
        findings(folder.path(), &["check", "duplicate.yaml"]),
        ["warning yaml-duplicate-key duplicate.yaml", "error field-unknown duplicate.yaml"]
    );
    for text in ["", " \n\n"] {
        let (code, _, stderr) = run_with(folder.path(), &["check", "-"], "", text);
        assert_eq!((code, stderr.as_str()), (2, "error: standard input is empty\n"));
    }
    for (name, bytes, place) in [
        (
            "latin1.yaml",
            &b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  a: \"caf\xe9\"\n"[..],
            "latin1.yaml:5:10",
        ),
        ("utf16.yaml", b"\xff\xfea\0:\0", "utf16.yaml:1:1"),
    ] {
        fs::write(folder.path().join(name), bytes).unwrap();
        let (code, stdout, _) = run(folder.path(), &["check", name]);
        assert!(code == 1 && stdout.contains(place) && stdout.matches("error[").count() == 1, "{stdout}");
    }
}

#[test]
fn the_summary_explains_how_to_silence_one_finding() {
    let folder = folder(&[("a.yaml", &broken("a"))]);
    let (_, _, stderr) = run(folder.path(), &["check", "a.yaml"]);
    let expected = "to allow one finding, add `# plimsoll: allow field-unknown because REASON` above its line, or the annotation `plimsoll.dev/allow` to its object";
    assert!(stderr.lines().any(|line| line == expected), "{stderr}");
    let allowed =
        broken("a").replacen("spec:", "# plimsoll: allow field-unknown because the operator reads it\nspec:", 1);
    fs::write(folder.path().join("a.yaml"), &allowed).unwrap();
    assert_eq!(findings(folder.path(), &["check", "a.yaml"]), [""; 0]);
    // A comment that has no effect is reported with the finding.
    for (comment, help) in [
        ("field-unknwon because the operator reads it", "correct the unknown rule `field-unknwon` in `allow`"),
        ("field-unknown", "add a reason to `allow`, which is ignored without one"),
    ] {
        let text = allowed.replace("field-unknown because the operator reads it", comment);
        fs::write(folder.path().join("a.yaml"), &text).unwrap();
        let (code, stdout, _) = run(folder.path(), &["check", "a.yaml"]);
        assert!(code == 1 && stdout.contains(help), "{stdout}");
    }
    // A comment for another rule has none on this one.
    let other = allowed.replace("field-unknown because", "probe-invalid because");
    fs::write(folder.path().join("a.yaml"), other).unwrap();
    assert!(!run(folder.path(), &["check", "a.yaml"]).1.contains("`allow`"));
}

/// Writes an executable script of this name.
#[cfg(unix)]
fn program(folder: &Path, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
#[cfg(unix)]
fn the_output_of_kustomize_and_helm_is_checked() {
    let folder = folder(&[
        ("k/kustomization.yaml", "resources: [../base]\n"),
        ("base/kustomization.yaml", "resources: [web.yaml]\n"),
        ("base/web.yaml", &broken("web")),
        ("remote/kustomization.yaml", "resources: [../far]\n"),
        ("far/kustomization.yaml", "resources: ['https://github.com/acme/base?ref=v1']\n"),
        ("chart/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        ("values.yaml", "a: b\n"),
        ("bin/none", ""),
    ]);
    let bin = folder.path().join("bin");
    let path = format!("{}:/usr/bin:/bin", bin.display());
    program(&bin, "kubectl", "[ \"$1\" = kustomize ] && cat base/web.yaml");
    program(&bin, "helm", "[ \"$1\" = template ] && [ \"$4\" = --values ] && cat base/web.yaml");
    let check = |args: &[&str]| run_with(folder.path(), args, &path, "");
    let (code, stdout, stderr) = check(&["check", "-k", "k"]);
    assert!(
        code == 1 && stdout.contains("<kubectl kustomize k>:4:") && stdout.contains("field-unknown"),
        "{stdout}{stderr}"
    );
    let (code, stdout, stderr) = check(&["check", "--helm", "chart", "-f", "values.yaml"]);
    assert!(code == 1 && stdout.contains("<helm template chart>:4:"), "{stdout}{stderr}");
    // Remote bases and charts are fetched only with `--remote`.
    let (code, _, stderr) = check(&["check", "-k", "remote"]);
    let expected = "error: remote/../far/kustomization.yaml names the remote base `https://github.com/acme/base?ref=v1`; pass --remote to fetch it\n";
    assert_eq!((code, stderr.as_str()), (2, expected));
    assert_eq!(check(&["check", "-k", "remote", "--remote"]).0, 1);
    assert_eq!(check(&["check", "--helm", "oci://registry/chart"]).0, 2);
    assert_eq!(check(&["check", "--helm", "oci://registry/chart", "--remote", "-f", "values.yaml"]).0, 1);
    program(&bin, "helm", "echo 'no such chart' >&2; exit 1");
    let (code, _, stderr) = check(&["check", "--helm", "chart"]);
    assert!(code == 2 && stderr.contains("no such chart"), "{stderr}");
}
