//! The complete error output for common mistakes in profiles, templates and arguments.

use std::fs;
use std::path::Path;
use std::process::Command;

use snapbox::{IntoData, str};

/// Runs a command in a copy of the built-in project after `change`. Nothing may be printed to standard output, and an
/// existing output folder must stay unchanged.
fn mistake(change: impl FnOnce(&Path), args: &[&str], code: i32, expected: impl IntoData) {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.current_dir(folder.path()).args(args).env_clear().env("PATH", path).output().unwrap()
    };
    assert_eq!(run(&["init", "."]).status.code(), Some(0));
    let (out, before) = (folder.path().join("out/gateway.e2e.yaml"), "# from before\n");
    fs::create_dir(folder.path().join("out")).unwrap();
    fs::write(&out, before).unwrap();
    change(folder.path());
    let output = run(args);
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    snapbox::assert_data_eq!(String::from_utf8(output.stderr).unwrap(), expected.into_data().raw());
    assert_eq!(fs::read_to_string(&out).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path().join("out")).unwrap().count(), 1);
}

/// Replaces the only occurrence of a string in a file.
fn edit(file: &'static str, from: &'static str, to: &'static str) -> impl FnOnce(&Path) {
    move |folder| {
        let path = folder.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{from} in {file}");
        fs::write(path, text.replace(from, to)).unwrap();
    }
}

fn write(file: &'static str, text: &'static str) -> impl FnOnce(&Path) {
    move |folder| fs::write(folder.join(file), text).unwrap()
}

fn nothing(_: &Path) {}

const RENDER: &[&str] = &["render", "gateway", "--out", "out"];

#[test]
fn misspelt_field() {
    mistake(
        edit("profiles/gateway.yaml", "nodePort: 30081", "nodeport: 30081"),
        RENDER,
        1,
        str![[r#"
error[profile-field-unknown]: unknown field `expose.nodeport`
 --> profiles/gateway.yaml:5:10
  |
5 | expose: {nodeport: 30081, hostPort: 18091}
  |          ^^^^^^^^ did you mean `nodePort`?

nothing was rendered: 1 error in gateway

"#]],
    );
}

#[test]
fn wrong_type() {
    mistake(
        edit("profiles/base.yaml", "replicas: 1", "replicas: \"1\""),
        RENDER,
        1,
        str![[r#"
error[profile-field-type]: `replicas` must be an integer, not a string
  --> profiles/base.yaml:18:11
   |
18 | replicas: "1"
   |           ^^^
   |
   = help: write it without quotes


"#]],
    );
}

#[test]
fn out_of_range() {
    mistake(
        edit("profiles/gateway.yaml", "hostPort: 18091", "hostPort: 180910"),
        RENDER,
        1,
        str![[r#"
error[profile-value-invalid]: `expose.hostPort` must be from 1 to 65535
 --> profiles/gateway.yaml:5:37
  |
5 | expose: {nodePort: 30081, hostPort: 180910}
  |                                     ^^^^^^

nothing was rendered: 1 error in gateway

"#]],
    );
}

#[test]
fn node_port_out_of_range() {
    mistake(
        edit("profiles/gateway.yaml", "nodePort: 30081", "nodePort: 8091"),
        RENDER,
        1,
        str![[r#"
error[nodeport-range]: NodePort 8091 is not in the valid range 30000-32767
  --> profiles/gateway.yaml:5:20
   |
 5 | expose: {nodePort: 8091, hostPort: 18091}
   |                    ^^^^
   |
  ::: templates/datastorage/service.yaml:16:17
   |
16 |       nodePort: "{{ expose.nodePort if expose.type == 'NodePort' else none }}"
   |                 -------------------------------------------------------------- rendered by this template
   |
   = Service/datastorage spec.ports[0].nodePort
   = help: choose a port in the range; a kind cluster can map it to any host port

nothing was rendered: 1 error in gateway
to allow one finding on one object, write `# plimsoll: allow RULE because REASON` above the line shown, or annotate the object: `plimsoll.dev/allow: RULE because REASON`

"#]],
    );
}

#[test]
fn host_without_a_service() {
    mistake(
        edit("profiles/base.yaml", "host: postgresql", "host: postgres"),
        RENDER,
        1,
        str![[r#"
error[host-unresolved]: Service `postgres` not found
  --> profiles/base.yaml:31:9
   |
31 |   host: postgres
   |         ^^^^^^^^
   |
  ::: templates/datastorage/config.yaml:19:15
   |
19 |         host: "{{ database.host }}"
   |               --------------------- rendered by this template
   |
   = ConfigMap/datastorage-config data[config.yaml]
   = help: did you mean `postgresql`? if it is applied from elsewhere, declare it in profiles/gateway.yaml: `external: {postgres: postgres}`

nothing was rendered: 1 error in gateway
to allow one finding on one object, write `# plimsoll: allow RULE because REASON` above the line shown, or annotate the object: `plimsoll.dev/allow: RULE because REASON`

"#]],
    );
}

#[test]
fn not_a_duration() {
    mistake(
        edit("profiles/base.yaml", "readTimeout: 30s", "readTimeout: 30 s"),
        RENDER,
        1,
        str![[r#"
error[profile-value-invalid]: `config.readTimeout` does not match the pattern
  --> profiles/base.yaml:26:16
   |
26 |   readTimeout: 30 s
   |                ^^^^ must match `^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$`
   |
   = help: The maximum time for reading a request, as a Go duration


"#]],
    );
}

#[test]
fn a_value_that_readers_read_differently() {
    mistake(
        edit("profiles/gateway.yaml", "tag: gateway-e2e", "tag: on"),
        RENDER,
        1,
        str![[r#"
error[yaml-ambiguous]: YAML parsers disagree about this value
 --> profiles/gateway.yaml:4:14
  |
4 | image: {tag: on}
  |              ^^ kubectl reads a boolean, YAML 1.2 a string
  |
  = help: quote it if it is a string, else write `true` or `false`

nothing was rendered: 1 error in gateway

"#]],
    );
}

#[test]
fn unknown_field_in_a_template() {
    mistake(
        edit("templates/datastorage/service.yaml", "{{ expose.type }}", "{{ expose.typ }}"),
        RENDER,
        1,
        str![[r#"
error[template-name-unknown]: no field `typ` in `expose`
 --> templates/datastorage/service.yaml:9:20
  |
9 |   type: "{{ expose.typ }}"
  |                    ^^^
  |
  = help: did you mean `type`?


"#]],
    );
}

#[test]
fn field_that_no_layer_sets() {
    mistake(
        edit("profiles/gateway.yaml", "image: {tag: gateway-e2e}\n", ""),
        RENDER,
        1,
        str![[r#"
error[template-undefined]: `image.tag` is not set
   --> templates/datastorage/deployment.yaml:175:106
    |
175 |           image: "{{ image.repository ~ '@' ~ image.digest if image.pinned else image.repository ~ ':' ~ image.tag }}"
    |                                                                                                          ^^^^^^^^^
    |
   ::: profiles/base.yaml:10:3
    |
 10 |   repository: localhost/kubernaut-datastorage
    |   ------------------------------------------- `image` is set here
    |
    = help: set it in the profile, or read an optional field with `| optional` or `is defined`

nothing was rendered: 1 error in gateway

"#]],
    );
}

#[test]
fn expression_without_quotes() {
    mistake(
        edit("templates/datastorage/service.yaml", "\"{{ expose.type }}\"", "{{ expose.type }}"),
        RENDER,
        1,
        str![[r#"
error[yaml-key]: YAML reads an unquoted `{{` as a mapping inside a mapping
 --> templates/datastorage/service.yaml:9:9
  |
9 |   type: {{ expose.type }}
  |         ^^
  |
  = help: quote the expression: "{{ … }}"


"#]],
    );
}

#[test]
fn set_of_an_unknown_field() {
    mistake(
        nothing,
        &["render", "gateway", "--out", "out", "--set", "expose.nodeprot=30082"],
        1,
        str![[r#"
error[profile-field-unknown]: unknown field `expose.nodeprot`
 --> --set:1:8
  |
1 | expose.nodeprot=30082
  |        ^^^^^^^^ did you mean `nodePort`?


"#]],
    );
}

#[test]
fn set_with_a_value_of_another_type() {
    mistake(
        nothing,
        &["render", "gateway", "--out", "out", "--set", "replicas=two"],
        1,
        str![[r#"
error[profile-field-type]: `replicas` must be an integer, not `two`
 --> --set:1:10
  |
1 | replicas=two
  |          ^^^


"#]],
    );
}

#[test]
fn unknown_profile() {
    mistake(
        nothing,
        &["render", "gatewya", "--out", "out"],
        2,
        str![[r#"
error[profile-not-found]: profile `gatewya` not found in profiles
 |
 = help: did you mean `gateway`?

nothing was rendered: 1 error in gatewya

"#]],
    );
}

#[test]
fn unknown_environment() {
    mistake(
        nothing,
        &["render", "gateway", "--env", "production", "--out", "out"],
        2,
        str![[r#"
error[environment-not-found]: profile `gateway` has no environment `production`
 |
 = help: available environments: `e2e` and `ci`

nothing was rendered: 1 error in gateway

"#]],
    );
}

#[test]
fn invalid_yaml() {
    mistake(
        write("profiles/gateway.yaml", "cluster: gateway-e2e\nexpose: {nodePort: 30081\n"),
        RENDER,
        1,
        str![[r#"
error[yaml-syntax]: unclosed bracket '{'
 --> profiles/gateway.yaml:2:9
  |
2 | expose: {nodePort: 30081
  |         ^

nothing was rendered: 1 error in gateway

"#]],
    );
}

#[test]
fn duplicate_key() {
    mistake(
        edit("profiles/gateway.yaml", "ownPorts:", "cluster: other\nownPorts:"),
        RENDER,
        1,
        str![[r#"
error[yaml-duplicate-key]: duplicate key `cluster`
 --> profiles/gateway.yaml:6:1
  |
6 | cluster: other
  | ^^^^^^^
  |
 ::: profiles/gateway.yaml:3:1
  |
3 | cluster: gateway-e2e
  | ------- first defined here

nothing was rendered: 1 error in gateway

"#]],
    );
}

#[test]
fn yaml_bomb() {
    mistake(
        write("profiles/gateway.yaml", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"),
        RENDER,
        1,
        str![[r#"
error[yaml-alias]: anchors are not allowed in profiles and templates
 --> profiles/gateway.yaml:1:4
  |
1 | a: &a [x, x]
  |    ^^^^

nothing was rendered: 1 error in gateway

"#]],
    );
}

#[test]
fn a_table_that_no_migration_creates() {
    mistake(
        edit("profiles/base.yaml", "{audit_events: true}", "{audit_event: true}"),
        RENDER,
        1,
        str![[r#"
error[migration-table-missing]: no migration in `migrations` creates table `audit_event`
  --> profiles/base.yaml:62:25
   |
62 |   tables: {audit_event: true}
   |                         ^^^^
   |
  ::: templates/datastorage/migrations.yaml:23:3
   |
23 |   part in [] if migrations.command is defined and migrations.folder is not defined
   |   -------------------------------------------------------------------------------- read here
   |
   = help: did you mean `audit_events`?

nothing was rendered: 1 error in gateway

"#]],
    );
}

#[test]
fn a_folder_that_cannot_be_read() {
    mistake(
        nothing,
        &["render", "gateway", "--out", "out", "--project", "profiles/gateway.yaml"],
        2,
        str![[r#"
error[project-unreadable]: cannot read the project folder `profiles/gateway.yaml`: Not a directory (os error 20)


"#]],
    );
}
