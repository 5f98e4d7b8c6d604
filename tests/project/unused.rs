//! Files of a project that would be ignored silently are errors.

use super::{Project, has};

#[test]
fn every_file_is_read_or_reported() {
    for (name, why) in [
        ("profiles/blog.yml", "rename it to profiles/blog.yaml"),
        ("profiles/environments/prod.yml", "profiles/environments/prod.yaml is used instead"),
        ("profiles/team/blog.yaml", "only YAML files directly in `profiles/`"),
        ("profiles/notes.txt", "move or remove it"),
        ("templates/web.yaml.bak", "no template reads it"),
        ("templates/files/run.sh", "read it with `$file`"),
        ("templates/files/001.sql", "no template reads it"),
        ("services/db.json", "service descriptions have the extension `.yaml`"),
    ] {
        let project = Project::new();
        project.write(name, "");
        project.fails("prod", &["error[file-unused]", &format!("unused file `{name}`"), why]);
    }
    let project = Project::new();
    project.write("templates/README.md", "# Templates\n");
    project.write("templates/.hidden", "");
    has(&project.web("prod"), "kind: Deployment\n");
}

/// A schema can consist of several files. Files that it does not refer to are not read.
#[test]
fn a_schema_of_several_files_is_read() {
    let project = Project::new();
    project.edit(
        "profiles/schema.json",
        r#"{"type": "integer", "minimum": 0}"#,
        r##"{"$ref": "parts/numbers.json#/$defs/Count"}"##,
    );
    project.fails("dev", &["error[schema-invalid]", "parts/numbers.json", "profiles/schema.json:7:"]);
    let numbers =
        |max: u8| format!(r##"{{"$defs": {{"Count": {{"$ref": "../../schemas/int.json", "maximum": {max}}}}}}}"##);
    project.write("profiles/parts/numbers.json", numbers(2));
    project.write("schemas/int.json", r#"{"type": "integer", "format": "uint8"}"#);
    project.fails("prod", &["`replicas` must be at most 2", "profiles/web.yaml:3:"]);
    project.write("profiles/parts/numbers.json", numbers(3));
    has(&project.web("prod"), "replicas: 3\n");
    project.write("profiles/parts/other.json", "{}");
    project.fails("prod", &["unused file `profiles/parts/other.json`"]);
    project.edit("profiles/schema.json", "parts/numbers.json#/$defs/Count", "../../numbers.json");
    project.fails("prod", &["`$ref` to `../../numbers.json`: it is outside the project"]);
}

#[test]
fn templates_can_have_the_extension_yml() {
    let project = Project::new();
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: \"{{ namespace }}\"}\ndata: {a: b}\n";
    project.write("templates/config.yml", map);
    let output = project.run(&["render", "web", "--env", "prod"]);
    has(&String::from_utf8(output.stdout).unwrap(), "kind: ConfigMap\n");
}

#[test]
fn a_reference_is_declared_in_the_terms_of_the_project() {
    let project = Project::new();
    project.edit(
        "templates/web.yaml",
        "          ports:",
        "          envFrom: [{secretRef: {name: db}}]\n          ports:",
    );
    let declare = "declare it in profiles/web.yaml: `external: {db: Secret/db}`";
    project.fails("prod", &["Secret `db` not found", declare, "`plimsoll.dev/allow: RULE because REASON`"]);
    project.edit("profiles/web.yaml", "image:", "external: {db: Secret/db}\nimage:");
    assert_eq!(project.stdout(&["explain", "web", "--unused"]), "every value is used\n");
    has(&project.web("prod"), "name: db\n");
    project.edit("profiles/web.yaml", "external: {db: Secret/db}\n", "");
    project.edit("profiles/base.yaml", "external: {}\n", "");
    project.fails("prod", &["declare it in plimsoll.toml: `externals = [\"Secret/db\"]`"]);
    project.write("plimsoll.toml", "externals = [\"Secret/db\"]\n");
    has(&project.web("prod"), "name: db\n");
}

/// A team's migrations are in a folder that its profile names, relative to the profile.
#[test]
fn a_folder_that_a_profile_names_is_read() {
    let project = Project::new();
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: sql, namespace: \"{{ namespace }}\"}\n";
    project.write(
        "templates/sql.yaml",
        format!("$for: part in team_sql(labels.sql, ['a'])\n{map}data: \"{{{{ part.data }}}}\"\n"),
    );
    project.edit("profiles/web.yaml", "image:", "labels: {sql: sql}\nimage:");
    project.write("profiles/sql/1_a.sql", "CREATE TABLE a (x int);\n");
    let output = project.run(&["render", "web", "--env", "dev"]);
    has(&String::from_utf8_lossy(&output.stdout), "CREATE TABLE a");
    project.write("profiles/other/1_a.sql", "CREATE TABLE a (x int);\n");
    project.fails("dev", &["unused file `profiles/other/1_a.sql`"]);
}
