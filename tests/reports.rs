//! Tests of reports for CI services: those of `check`, `render` and `diff`, and their exit codes.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use snapbox::{assert_data_eq, str};

/// A Git repository with manifests in one of its folders.
struct Repository(tempfile::TempDir);

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  \
                          template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: \"web:1\"}]}\n";

impl Repository {
    fn new() -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(repository.path(".git")).unwrap();
        repository.write("deploy/bad web.yaml", &DEPLOYMENT.replace("selector:", "\"<s&b>\": {}\n  selector:"));
        repository.write(
            "deploy/service.yaml",
            "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {prots: [], ports: [{port: 80}]}\n",
        );
        repository
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn run(&self, folder: &str, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_plimsoll")).args(args).current_dir(self.path(folder)).output().unwrap()
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

const ALL: &[&str] = &["human", "json", "sarif", "github", "gitlab", "junit"];

/// The arguments for a report in each format, written to the folder `reports`.
fn reports(folder: &str) -> Vec<String> {
    ALL.iter().map(|format| format!("--report={format}={folder}/{format}")).collect()
}

/// Asserts that a SARIF log has all properties that GitHub code scanning requires.
fn sarif_is_whole(log: &Value) {
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for rule in rules {
        let id = rule["id"].as_str().unwrap();
        assert_eq!(rule["helpUri"], format!("{}/rules/{id}.html", env!("CARGO_PKG_HOMEPAGE")));
        for text in [&rule["shortDescription"]["text"], &rule["help"]["text"], &rule["help"]["markdown"]] {
            assert!(!text.as_str().unwrap().is_empty(), "{id}");
        }
        assert!(["error", "warning", "note"].contains(&rule["defaultConfiguration"]["level"].as_str().unwrap()));
    }
    for result in run["results"].as_array().unwrap() {
        assert_eq!(rules[result["ruleIndex"].as_u64().unwrap() as usize]["id"], result["ruleId"]);
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        assert_eq!(result["partialFingerprints"]["finding/v1"].as_str().unwrap().len(), 32);
        let locations = result["locations"].as_array().unwrap();
        assert_eq!(locations.len(), 1);
        let uri = locations[0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.is_empty() && !uri.contains([' ', '\\', '<']) && !uri.starts_with('/'), "{uri}");
    }
}

fn uris(log: &Value) -> Vec<&str> {
    let results = log["runs"][0]["results"].as_array().unwrap();
    let uri = "/locations/0/physicalLocation/artifactLocation/uri";
    results.iter().map(|result| result.pointer(uri).unwrap().as_str().unwrap()).collect()
}

#[test]
fn check_writes_all_reports_in_one_run() {
    let repository = Repository::new();
    repository.write("reports/.keep", "");
    let args = [vec!["check".to_owned(), ".".to_owned(), "--fail-on=error".to_owned()], reports("../reports")].concat();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let output = repository.run("deploy", &args);
    assert_eq!(output.status.code(), Some(1));
    let log = parsed(&repository.read("reports/sarif"));
    sarif_is_whole(&log);
    // Paths are relative to the root of the repository, regardless of the working directory.
    let uris = uris(&log);
    assert!(uris.contains(&"deploy/bad%20web.yaml") && uris.contains(&"deploy/service.yaml"), "{uris:?}");
    let issues = parsed(&repository.read("reports/gitlab"));
    let issues = issues.as_array().unwrap();
    let mut fingerprints: Vec<&str> = issues.iter().map(|issue| issue["fingerprint"].as_str().unwrap()).collect();
    for issue in issues {
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&issue["severity"].as_str().unwrap()));
        assert!(issue["location"]["path"].as_str().unwrap().starts_with("deploy/"));
        assert!(issue["location"]["lines"]["begin"].as_u64().unwrap() > 0);
        assert!(issue["check_name"].is_string() && issue["description"].is_string());
    }
    fingerprints.sort_unstable();
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), issues.len());
    let github = repository.read("reports/github");
    assert!(github.contains("file=deploy/service.yaml,line=4"), "{github}");
    // All reports have the same number of findings.
    let findings = parsed(&repository.read("reports/json"))["findings"].as_array().unwrap().len();
    let junit = repository.read("reports/junit");
    assert!(findings > 1);
    assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), findings);
    assert_eq!(issues.len(), findings);
    assert_eq!(junit.matches("<testcase ").count(), findings);
    assert_eq!(github.lines().count(), findings);
    assert_eq!(repository.read("reports/human").matches("\n\n").count(), findings);
    // Standard output is the same as without reports.
    assert_eq!(output.stdout, repository.run("deploy", &["check", "."]).stdout);
}

#[test]
fn junit_has_failures_if_the_command_fails() {
    let repository = Repository::new();
    let junit = |args: &[&str]| {
        let output = repository.run("deploy", &[&["check", "--output", "junit"], args].concat());
        String::from_utf8(output.stdout).unwrap()
    };
    assert_data_eq!(
        junit(&["service.yaml"]),
        str![[r#"
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="plimsoll" tests="1" failures="1" errors="0">
  <testsuite name="deploy/service.yaml" tests="1" failures="1" errors="0" skipped="0">
    <testcase classname="deploy/service.yaml" name="field-unknown: Service/a spec.prots">
      <failure type="error" message="unknown field `spec.prots`">deploy/service.yaml:4:8: unknown field `spec.prots`
help: did you mean `ports`?</failure>
    </testcase>
  </testsuite>
</testsuites>

"#]]
    );
    // A warning is a failure if it makes the command fail.
    repository.write("deploy/twice.yaml", &DEPLOYMENT.replace("web:1\"", "web:1\", env: [{name: A}, {name: A}]"));
    let warning = ["twice.yaml", "--only", "duplicate-env"];
    assert!(junit(&warning).contains("failures=\"0\" errors=\"0\" skipped=\"1\""), "{}", junit(&warning));
    assert!(junit(&[&warning[..], &["--fail-on", "warning"]].concat()).contains("<failure type=\"warning\""));
    // Names and messages may contain any characters.
    let text = junit(&["bad web.yaml"]);
    assert!(text.contains("unknown field `spec.&lt;s&amp;b&gt;`") && !text.contains("<s&b>"), "{text}");
    // Some services reject a report without tests.
    repository.write("deploy/fine.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n");
    let text = junit(&["fine.yaml"]);
    assert!(text.contains("tests=\"1\" failures=\"0\"") && text.contains("name=\"no findings\"/>"), "{text}");
}

#[test]
fn diff_reports_the_effects_of_applying() {
    let repository = Repository::new();
    repository.write("reports/.keep", "");
    repository.write("old.yaml", DEPLOYMENT);
    repository.write("new.yaml", &DEPLOYMENT.replace("app: web", "app: site"));
    let args = [vec!["diff".to_owned(), "old.yaml".to_owned(), "new.yaml".to_owned()], reports("reports")].concat();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let output = repository.run(".", &args);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let log = parsed(&repository.read("reports/sarif"));
    sarif_is_whole(&log);
    assert_eq!(uris(&log), ["new.yaml"]);
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "change-immutable");
    let issues = parsed(&repository.read("reports/gitlab"));
    assert_eq!(issues[0]["location"], serde_json::json!({ "path": "new.yaml", "lines": { "begin": 3 } }));
    assert!(
        repository.read("reports/junit").contains("<failure type=\"error\" message=\"the API server will reject it")
    );
    assert!(repository.read("reports/human").contains("--> new.yaml:3:"), "{}", repository.read("reports/human"));
}

#[test]
fn an_unreadable_side_of_a_diff_is_an_error() {
    let repository = Repository::new();
    repository.write("clean.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: d}\n");
    repository.write("broken.yaml", "a: [\n");
    repository.write("text/a.txt", "a\n");
    repository.write("empty.yaml", "");
    for other in ["broken.yaml", "nowhere.yaml", "text"] {
        for sides in [["clean.yaml", other], [other, "clean.yaml"]] {
            let output = repository.run(".", &["diff", sides[0], sides[1]]);
            assert_eq!(output.status.code(), Some(2), "{sides:?}");
            assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{sides:?}");
        }
    }
    let code = |args: &[&str]| repository.run(".", args).status.code();
    assert_eq!(code(&["diff", "clean.yaml", "clean.yaml"]), Some(0));
    assert_eq!(code(&["diff", "clean.yaml", "empty.yaml"]), Some(1));
    assert_eq!(code(&["check", "empty.yaml"]), Some(0));
    assert_eq!(code(&["check", "clean.yaml"]), Some(0));
    assert_eq!(code(&["check", "broken.yaml"]), Some(1));
    // A profile that cannot be rendered is an error, which the report contains.
    assert_eq!(code(&["init", "project"]), Some(0));
    repository.write("project/profiles/gateway.yaml", "cluster: [\n");
    let args = ["--project", "project", "diff", "gateway", "aianalysis", "--report", "junit=report.xml"];
    assert_eq!(code(&args), Some(2));
    assert!(repository.read("report.xml").contains("project/profiles/gateway.yaml:1:"));
}

#[test]
fn a_report_that_is_a_document_needs_a_file() {
    let repository = Repository::new();
    let stderr = |report: &str, code: i32| {
        let output = repository.run("deploy", &["check", "service.yaml", "--report", report]);
        assert_eq!(output.status.code(), Some(code), "{report}");
        String::from_utf8(output.stderr).unwrap()
    };
    for format in ["json", "sarif", "gitlab", "junit"] {
        assert!(stderr(format, 2).contains("requires a file, as in"), "{format}");
    }
    assert!(stderr("github", 1).contains("::error title=field-unknown,file=deploy/service.yaml,line=4"));
    assert!(stderr("xml=a", 2).contains("the formats are `human`, `json`"));
}

/// The JSON Schema of SARIF 2.1.0 for fixes (3.55 to 3.57) and their regions.
fn fixes_schema() -> Value {
    let object = |required: &[&str], properties: Value| {
        serde_json::json!({
            "type": "object", "required": required, "properties": properties, "additionalProperties": false,
        })
    };
    let number = serde_json::json!({ "type": "integer", "minimum": 1 });
    let message = object(&["text"], serde_json::json!({ "text": { "type": "string", "minLength": 1 } }));
    let region = object(
        &["startLine", "startColumn", "endLine", "endColumn"],
        serde_json::json!({ "startLine": number, "startColumn": number, "endLine": number, "endColumn": number }),
    );
    let content = object(&["text"], serde_json::json!({ "text": { "type": "string" } }));
    let replacement =
        object(&["deletedRegion"], serde_json::json!({ "deletedRegion": region, "insertedContent": content }));
    let list = |items: Value| serde_json::json!({ "type": "array", "minItems": 1, "items": items });
    let location = object(&["uri"], serde_json::json!({ "uri": { "type": "string", "format": "uri-reference" } }));
    let change = object(
        &["artifactLocation", "replacements"],
        serde_json::json!({ "artifactLocation": location, "replacements": list(replacement) }),
    );
    list(object(
        &["artifactChanges"],
        serde_json::json!({
            "description": message, "artifactChanges": list(change), "properties": { "type": "object" },
        }),
    ))
}

/// Applies a replacement of a SARIF result to the contents of a file.
fn edited(text: &str, replacement: &Value) -> String {
    let region = &replacement["deletedRegion"];
    let offset = |line: &str, column: &str| {
        let line = region[line].as_u64().unwrap() as usize;
        let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
        let columns = region[column].as_u64().unwrap() as usize - 1;
        start + text[start..].chars().take(columns).map(char::len_utf8).sum::<usize>()
    };
    let (start, end) = (offset("startLine", "startColumn"), offset("endLine", "endColumn"));
    format!("{}{}{}", &text[..start], replacement["insertedContent"]["text"].as_str().unwrap(), &text[end..])
}

#[test]
fn sarif_and_json_contain_the_edits_of_fix() {
    let repository = Repository::new();
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  é: \"🙂\"\n";
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: YWRtaW4=, password: hunter2!}\n";
    repository.write("deploy/service.yaml", &format!("{config}  port: 8080\n  é: \"🙂\"\n"));
    repository.write("deploy/secret.yaml", secret);
    let run = |args: &[&str]| String::from_utf8(repository.run("deploy", args).stdout).unwrap();
    let log = parsed(&run(&["check", ".", "--output", "sarif"]));
    sarif_is_whole(&log);
    let schema = jsonschema::validator_for(&fixes_schema()).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let with_fixes: Vec<&Value> = results.iter().filter(|result| !result["fixes"].is_null()).collect();
    for result in &with_fixes {
        let errors: Vec<String> = schema.iter_errors(&result["fixes"]).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}: {}", result["fixes"]);
    }
    let rules: Vec<&str> = with_fixes.iter().map(|result| result["ruleId"].as_str().unwrap()).collect();
    assert_eq!(rules, ["field-type", "yaml-duplicate-key"], "what would show a secret is left out");
    // Applied from the end so that positions stay valid; the result is that of `--fix`.
    let mut text = repository.read("deploy/service.yaml");
    for result in with_fixes.iter().rev() {
        let change = &result["fixes"][0]["artifactChanges"][0];
        assert_eq!(change["artifactLocation"]["uri"], "deploy/service.yaml");
        text = edited(&text, &change["replacements"][0]);
    }
    assert_eq!(text, format!("{config}  port: \"8080\"\n"));
    let report = parsed(&run(&["check", ".", "--output", "json"]));
    let findings = report["findings"].as_array().unwrap();
    let fixes: Vec<&Value> = findings.iter().map(|finding| &finding["fix"]).filter(|fix| !fix.is_null()).collect();
    assert_eq!(fixes.len(), 2);
    assert_eq!(fixes[0]["title"], "quote the value");
    assert_eq!(fixes[0]["safety"], "safe");
    assert_eq!(fixes[0]["edits"][0]["text"], "\"8080\"");
    run(&["check", ".", "--fix"]);
    assert_eq!(repository.read("deploy/service.yaml"), text);
}
