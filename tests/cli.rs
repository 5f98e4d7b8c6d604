//! Tests of the command line: complete output, exit codes, and files written.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use snapbox::{IntoData, assert_data_eq, str};
use tempfile::TempDir;

/// A folder with a project created by `init`, in which commands run.
struct Project {
    folder: TempDir,
}

fn plimsoll(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.env_clear().current_dir(folder).stdin(Stdio::null());
    command
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let status = plimsoll(folder.path()).args(["init", "."]).stderr(Stdio::null()).status().unwrap();
        assert!(status.success());
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn edit(&self, name: &str, old: &str, new: &str) -> &Self {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(old), "{name} holds no {old:?}");
        self.write(name, &text.replacen(old, new, 1))
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
        self
    }

    fn run(&self, args: &[&str]) -> Output {
        plimsoll(self.folder.path()).args(args).output().unwrap()
    }

    /// Runs a command that must fail with this exit code, with nothing on stdout and this on stderr. With `--out`, the
    /// folder must stay unchanged.
    fn refuses(&self, args: &[&str], code: i32, expected: impl IntoData) {
        let output = self.run(args);
        assert!(output.stdout.is_empty(), "{args:?} printed {} bytes", output.stdout.len());
        assert_data_eq!(text(&output.stderr), expected);
        assert_eq!(output.status.code(), Some(code));
        if args.first() == Some(&"render") {
            self.write("out/gateway.e2e.yaml", "as: it was\n");
            let output = self.run(&[args, &["--out", "out"]].concat());
            assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
            assert_eq!(fs::read_to_string(self.path("out/gateway.e2e.yaml")).unwrap(), "as: it was\n");
            assert_eq!(fs::read_dir(self.path("out")).unwrap().count(), 1);
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_bundle_is_printed_to_stdout_and_nothing_else_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let output = plimsoll(folder.path()).args(["render", "gateway"]).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    let snapshot = concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/gateway.e2e.yaml");
    assert_eq!(text(&output.stdout), fs::read_to_string(snapshot).unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn invalid_yaml_and_a_bomb() {
    let project = Project::new();
    project.write("profiles/gateway.yaml", "cluster: [gateway-e2e\nnamespace: x\n");
    project.refuses(
        &["render", "gateway"],
        1,
        str![[r#"
error[yaml-syntax]: illegal placement of ':' indicator
 --> profiles/gateway.yaml:2:10
  |
2 | namespace: x
  |          ^

nothing was rendered: 1 error in gateway

"#]],
    );
    let bomb = "a: &a [x, x, x]\nb: [*a, *a]\n";
    project.write("profiles/gateway.yaml", bomb);
    project.refuses(
        &["render", "gateway"],
        1,
        str![[r#"
error[yaml-alias]: anchors are not allowed in profiles and templates
 --> profiles/gateway.yaml:1:4
  |
1 | a: &a [x, x, x]
  |    ^^^^

nothing was rendered: 1 error in gateway

"#]],
    );
    project.write("profiles/gateway.yaml", &"[".repeat(100_000));
    project.refuses(&["render", "gateway"], 1, str![[r#"
error[yaml-syntax]: recursion limit exceeded
 --> profiles/gateway.yaml:1:129
  |
1 | [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[...
  |                                                                                                                                 ^

nothing was rendered: 1 error in gateway

"#]]);
    fs::write(project.path("profiles/gateway.yaml"), b"cluster: a\nnamespace: \xff\n").unwrap();
    project.refuses(
        &["render", "gateway"],
        1,
        str![[r#"
error[file-unreadable]: cannot read `profiles/gateway.yaml`: not UTF-8 from line 2, column 12 on

nothing was rendered: 1 error in gateway

"#]],
    );
}

#[test]
fn invalid_folders_are_reported() {
    let project = Project::new();
    project.refuses(
        &["render", "gateway", "--project", "nowhere"],
        2,
        str![[r#"
error[project-unreadable]: cannot read the project folder `nowhere`: No such file or directory (os error 2)


"#]],
    );
    project.write("file", "");
    let output = project.run(&["render", "gateway", "--out", "file"]);
    assert_eq!(output.status.code(), Some(2));
    assert_data_eq!(
        text(&output.stderr),
        str![[r#"
error: cannot create file/.plimsoll: Not a directory (os error 20)

"#]]
    );
}

#[test]
fn usage_errors_exit_with_two() {
    let project = Project::new();
    for args in [
        &["render"][..],
        &["rendr"],
        &["render", "--all", "gateway"],
        &["render", "gateway", "--verify"],
        &["check"],
        &[],
    ] {
        let output = project.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "");
    }
    let both = project.run(&["render", "gateway", "aianalysis"]);
    assert_eq!(both.status.code(), Some(2));
    assert_data_eq!(
        text(&both.stderr),
        str![[r#"
error: `gateway` and `aianalysis` both contain Namespace/kubernaut-system, so they cannot be printed together; write them to files: --out DIR

"#]]
    );
    for args in [
        &["--help"][..],
        &["--version"],
        &["render", "--help"],
        &["completions", "bash"],
        &["man"],
        &["schema"],
        &["rules"],
    ] {
        let output = project.run(args);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()), "{args:?}");
        assert!(!output.stdout.is_empty());
    }
}

#[test]
fn empty_input_is_reported() {
    let project = Project::new();
    project.write("empty/readme.txt", "no manifests").write("comment.yaml", "# nothing yet\n");
    let told = |args: &[&str]| {
        let output = project.run(args);
        assert_eq!(text(&output.stdout), "", "{args:?}");
        (output.status.code(), text(&output.stderr))
    };
    let error = "error: `empty` contains no .yaml, .yml or .json files\n".to_owned();
    assert_eq!(told(&["check", "empty"]), (Some(2), error));
    let message = "no objects were found, so nothing was checked\n".to_owned();
    assert_eq!(told(&["check", "comment.yaml"]), (Some(0), message));
    let (code, message) = told(&["profiles", "--env", "nope"]);
    assert!(code == Some(2) && message.contains("no profile has the environment `nope`"), "{code:?}: {message}");
}

#[test]
fn a_partial_bundle_suggests_the_profile_that_contains_it() {
    let project = Project::new();
    let manifest = "apiVersion: v1\nkind: Pod\nmetadata: {name: datastorage, namespace: gateway-e2e}\nspec:\n  containers:\n  \
                    - {name: datastorage, image: \"localhost/kubernaut-datastorage:x\"}\n";
    project.write("pod.yaml", manifest);
    let output = project.run(&["check", "pod.yaml"]);
    let said = text(&output.stderr);
    assert!(said.ends_with("plimsoll check --profile gateway, plimsoll render gateway\n"), "{said}");
    let said = text(&project.run(&["check", "--profile", "gateway", "pod.yaml"]).stderr);
    assert!(!said.contains("--profile"), "{said}");
}

#[test]
fn kinds_of_drift_are_distinguished() {
    let project = Project::new();
    let write = ["render", "gateway", "notification", "--out", "out"];
    let verify = [&write[..], &["--verify"]].concat();
    assert!(project.run(&write).status.success());
    let same = project.run(&verify);
    assert_eq!((same.status.code(), text(&same.stdout)), (Some(0), String::new()));
    project.edit("out/gateway.e2e.yaml", "nodePort: 30081", "nodePort: 30099");
    let output = project.run(&verify);
    assert_eq!(output.status.code(), Some(1));
    assert_data_eq!(
        text(&output.stdout),
        str![[r#"
out/gateway.e2e.yaml was edited by hand
  Service/datastorage spec.ports[0].nodePort: 30099 in the file, 30081 rendered

"#]]
    );
    assert!(project.run(&write).status.success());
    project.edit("profiles/notification.yaml", "30090", "30091");
    let output = project.run(&verify);
    assert_eq!(output.status.code(), Some(1));
    assert_data_eq!(
        text(&output.stdout),
        str![[r#"
out/notification.e2e.yaml was rendered from other inputs: profiles/notification.yaml
  Service/datastorage spec.ports[0].nodePort: 30090 in the file, 30091 rendered

"#]]
    );
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = plimsoll(folder.path())
        .args(["render", "gateway"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn manifests_are_checked_from_stdin_and_from_folders() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = plimsoll(folder.path())
        .args(["check", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {port: 80}\n";
    child.stdin.take().unwrap().write_all(manifest.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_data_eq!(
        text(&output.stdout),
        str![[r#"
error[field-type]: expected a string, found a number
 --> -:4:14
  |
4 | data: {port: 80}
  |              ^^
  |
  = ConfigMap/a data[port]
  = help: put it in quotes


"#]]
    );
    fs::create_dir(folder.path().join("deep")).unwrap();
    fs::write(folder.path().join("deep/a.yaml"), manifest).unwrap();
    fs::write(folder.path().join("deep/values.yaml"), "port: 80\n").unwrap();
    fs::write(folder.path().join("notes.txt"), "no manifest\n").unwrap();
    let output = plimsoll(folder.path()).args(["check", ".", "--output", "github"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_data_eq!(
        text(&output.stdout),
        str![[r#"
::error title=field-type,file=deep/a.yaml,line=4,endLine=4,col=14,endColumn=16::expected a string, found a number%0Ahelp: put it in quotes

"#]]
    );
}

#[test]
fn secrets_never_appear_in_messages() {
    let project = Project::new();
    let secret = "hunter2-hunter2";
    for args in [
        vec!["render".to_owned(), "gateway".to_owned(), "--set".to_owned(), format!("database.password={secret}\n")],
        vec!["render".to_owned(), "gateway".to_owned(), "--set".to_owned(), format!("database.pasword={secret}")],
    ] {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = project.run(&args);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        assert!(!text(&output.stderr).contains(secret), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "");
    }
    project.write(
        "m.yaml",
        &format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringdata: {{a: {secret}}}\ndata: {{b: {secret}}}\n"
        ),
    );
    for format in ["human", "json", "sarif", "github", "gitlab", "junit"] {
        let output = project.run(&["check", "m.yaml", "--output", format]);
        assert_eq!(output.status.code(), Some(1));
        assert!(!text(&output.stdout).contains(secret), "{}", text(&output.stdout));
    }
}
