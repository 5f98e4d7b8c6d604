//! Arguments of commands on a project.

use super::{Project, has};

#[test]
fn values_can_be_read_from_standard_input() {
    let project = Project::new();
    let output = project.run_with(&["render", "web", "--env", "dev", "--values", "-"], "replicas: 7\n");
    has(&String::from_utf8_lossy(&output.stdout), "replicas: 7\n");
    let output = project.run_with(&["render", "web", "--env", "dev", "--values", "-"], "replicsa: 7\n");
    has(&String::from_utf8_lossy(&output.stderr), "--> -:1:1");
}

#[test]
fn a_value_is_set_for_one_of_several_profiles() {
    let project = Project::new();
    project.write("profiles/blog.yaml", "image: {tag: dev}\n");
    let all = project.stdout(&[
        "render",
        "web",
        "blog",
        "--env",
        "dev",
        "--set",
        "blog:replicas=4",
        "--set",
        "namespace=test",
    ]);
    has(&all, "  name: blog\n  namespace: test\n  labels: {}\nspec:\n  replicas: 4\n");
    has(&all, "  name: web\n  namespace: test\n  labels: {}\nspec:\n  replicas: 1\n");
    let error = project.stderr(2, &["render", "web", "--env", "dev", "--set", "wbe:image.tag=new"]);
    has(&error, "`--set wbe:…` names a profile that is not rendered");
    has(&error, "did you mean `web`?");
    for command in [
        &["explain", "web"][..],
        &["images", "web"],
        &["graph", "web"],
        &["up", "web"],
        &["down", "web"],
        &["status", "web"],
    ] {
        let arguments = [command, &["--env", "dev", "--set", "blog:replicas=1"]].concat();
        has(&project.stderr(2, &arguments), "`--set blog:…` names a profile that is not rendered");
    }
}

#[test]
fn findings_can_be_written_to_a_report() {
    let project = Project::new();
    project.edit(
        "templates/web.yaml",
        "          ports:",
        "          envFrom: [{secretRef: {name: db}}]\n          ports:",
    );
    let output = project.run(&["render", "web", "--env", "dev", "--report", "json=report.json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    has(&String::from_utf8_lossy(&output.stderr), "error[reference-missing]");
    let report = std::fs::read_to_string(project.path().join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["findings"][0]["rule"], "reference-missing");
    // Without a file, the report replaces the human-readable output.
    let output = project.run(&["render", "web", "--env", "dev", "--report", "github"]);
    has(&String::from_utf8_lossy(&output.stderr), "::error title=reference-missing,file=templates/web.yaml,line=14");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("error[reference-missing]"));
    // Without findings, the report is empty and the bundle is printed.
    project.edit("templates/web.yaml", "          envFrom: [{secretRef: {name: db}}]\n", "");
    let output = project.run(&["render", "web", "--env", "dev", "--report", "sarif=report.sarif"]);
    has(&String::from_utf8_lossy(&output.stdout), "kind: Deployment\n");
    has(&std::fs::read_to_string(project.path().join("report.sarif")).unwrap(), "\"results\": []");
    has(
        &project.stderr(2, &["render", "web", "--report", "xml"]),
        "the formats are `human`, `json`, `sarif`, `github`, `gitlab` and `junit`",
    );
}

#[test]
fn the_version_of_kubernetes_is_set_for_all_commands() {
    let project = Project::new();
    project.write(
        "templates/policy.yaml",
        "apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingAdmissionPolicy\nmetadata: {name: a}\nspec: {}\n",
    );
    let rejected = |args: &[&str]| {
        let output = project.run(&[&["render", "web", "--env", "dev"], args].concat());
        String::from_utf8_lossy(&output.stderr).contains("has no kind `MutatingAdmissionPolicy`")
    };
    assert!(!rejected(&["--kubernetes-version", "1.36"]));
    assert!(rejected(&["--kubernetes-version", "1.33"]));
    project.write("plimsoll.toml", "kubernetes = \"1.33\"\n");
    assert!(rejected(&[]));
    assert!(!rejected(&["--kubernetes-version", "1.36"]));
    project.write("plimsoll.toml", "kubernetes = \"1.12\"\n");
    project.fails("dev", &["error[setting-value-invalid]", "1.33 to 1.37"]);
    project.write("plimsoll.toml", "kubernetes = 1.33\n");
    project.fails("dev", &["must be a non-empty string"]);
}
