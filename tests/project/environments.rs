//! The environments of a project, and how commands choose one.

use super::{Project, has};

#[test]
fn a_misspelled_environment_is_an_error() {
    let project = Project::new();
    project.edit("profiles/web.yaml", "  prod:", "  prdo:");
    project.fails("prod", &["error[environment-unknown]", "profiles/web.yaml:3:3", "did you mean `prod`?"]);
    // With a file of its own it is an environment of this profile.
    project.write("profiles/environments/prdo.yaml", "{}\n");
    has(&project.web("prdo"), "replicas: 3\n");
    project.edit("profiles/web.yaml", "  prdo: {replicas: 3}", "  prdo:");
    project.fails("prod", &["`prdo: null` removes an environment", "write `prdo: {}`"]);
}

#[test]
fn an_undeclared_environment_file_is_an_error() {
    let project = Project::new();
    project.write("profiles/environments/qa.yaml", "");
    project.fails(
        "prod",
        &["error[file-unused]", "profiles/environments/qa.yaml", "is not declared by the base or by a profile"],
    );
    project.write("profiles/other.yaml", "image: {tag: a}\nenvironments: {qa: {}}\n");
    has(&project.web("prod"), "replicas: 3\n");
    project.write("profiles/environments/Prod.yaml", "");
    project.fails("prod", &["unused file `profiles/environments/Prod.yaml`", "did you mean `prod`?"]);
}

#[test]
fn a_section_of_the_base_may_be_empty() {
    let project = Project::new();
    project.edit("profiles/base.yaml", "{dev: {}, staging: {}, prod: {}}", "{dev: , staging: , prod: }");
    has(&project.web("prod"), "replicas: 3\n");
    has(&project.web("dev"), "replicas: 1\n");
}

#[test]
fn the_environment_is_an_option_a_setting_or_the_only_one() {
    let project = Project::new();
    let error = project.stderr(2, &["render", "web"]);
    has(&error, "error[environment-not-given]: no environment was given, and `web` has 3 environments");
    has(&error, "pass `--env` with `dev`, `staging` or `prod`, or set the default in plimsoll.toml");
    for command in [&["profiles"][..], &["images", "web"], &["explain", "web"], &["graph", "web"]] {
        has(&project.stderr(2, command), "environment-not-given");
    }
    project.write("plimsoll.toml", "environment = \"prod\"\n");
    has(&project.stdout(&["render", "web"]), "namespace: shop-prod\n");
    has(&project.stdout(&["explain", "web"]), "shop-prod");
    project.write("plimsoll.toml", "environment = \"prdo\"\n");
    has(&project.stderr(1, &["render", "web"]), "did you mean `prod`?");
    project.write("plimsoll.toml", "");
    project.edit("profiles/base.yaml", "{dev: {}, staging: {}, prod: {}}", "{prod: {}}");
    has(&project.stdout(&["render", "web"]), "replicas: 3\n");
    has(&project.stdout(&["render", "--all"]), "replicas: 3\n");
}

#[test]
fn enforced_values_override_all_layers() {
    let project = Project::new();
    project.write(
        "profiles/environments/prod.yaml",
        "namespace: shop-prod\nenforce:\n  image: {tag: 1.2.3}\n  labels: {team: shop}\n",
    );
    let bundle = project.web("prod");
    has(&bundle, "image: registry.example.com/web:1.2.3\n");
    has(&bundle, "team: shop\n");
    has(&project.web("dev"), "image: registry.example.com/web:dev\n");
    let explained = project.stdout(&["explain", "web", "--env", "prod"]);
    let line = explained.lines().find(|line| line.starts_with("image.tag")).unwrap();
    has(line, "profiles/environments/prod.yaml:3:16, was dev profiles/web.yaml:1:14");
    // A null deletes the profile's value.
    project.edit("profiles/environments/prod.yaml", "{tag: 1.2.3}", "{tag: null}");
    project.fails("prod", &["`image.tag` is not set"]);
}

#[test]
fn contradicting_an_enforced_value_is_an_error() {
    let project = Project::new();
    project.write("profiles/environments/prod.yaml", "enforce: {replicas: 2, image: {tag: null}}\n");
    project.fails(
        "prod",
        &[
            "error[enforced-value]: `replicas` contradicts the value that the environment enforces",
            "profiles/web.yaml:3:10",
            "enforced here",
        ],
    );
    project.edit("profiles/web.yaml", "{replicas: 3}", "{replicas: 2}");
    let set = ["render", "web", "--env", "prod", "--set"];
    let with = |argument: &'static str| [&set[..], &[argument]].concat();
    has(&project.stderr(1, &with("image.tag=x")), "`image.tag` contradicts");
    has(&project.stderr(1, &with("image={tag: x}")), "`image.tag` contradicts");
    project.write("values.yaml", "image: {tag: x}\n");
    let error = project.stderr(1, &["render", "web", "--env", "prod", "--values", "values.yaml"]);
    has(&error, "values.yaml:1:9");
    has(&error, "profiles/environments/prod.yaml:1:32");
    // Equal values and other fields do not contradict.
    project.write("profiles/environments/prod.yaml", "enforce: {replicas: 2}\n");
    has(&project.stdout(&with("replicas=2")), "replicas: 2\n");
    has(&project.stdout(&with("image.tag=y")), "web:y\n");
    project.write("profiles/web.yaml", "image: {tag: a}\nenforce: {replicas: 1}\n");
    project.fails("prod", &["`enforce` is allowed only in environments"]);
    // A section of the base belongs to the environment as well.
    project.write("profiles/web.yaml", "image: {tag: a}\nreplicas: 9\n");
    project.write("profiles/environments/prod.yaml", "{}\n");
    project.edit("profiles/base.yaml", "prod: {}", "prod: {enforce: {replicas: 4}}");
    has(&project.web("prod"), "replicas: 4\n");
}

#[test]
fn list_operations_change_the_list_of_lower_layers() {
    let project = Project::new();
    project.edit("profiles/base.yaml", "args: []", "args: [serve, verbose]");
    project.edit("profiles/web.yaml", "image:", "args: {$append: [level=3]}\nimage:");
    project.edit("profiles/web.yaml", "{replicas: 3}", "{args: {$remove: [verbose], $prepend: [exec]}}");
    let args = |environment| {
        let bundle = project.web(environment);
        let lines = bundle.lines().skip_while(|line| !line.contains("args:")).skip(1).map(str::trim);
        lines.take_while(|line| line.starts_with("- ")).map(|line| line[2..].to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(args("dev"), "serve verbose level=3");
    assert_eq!(args("prod"), "exec serve level=3");
    let set = |argument| project.stdout(&["render", "web", "--env", "dev", "--set", argument]);
    has(&set("args[+]=last"), "- level=3\n        - last\n");
    has(&set("args={$remove: [serve]}"), "args:\n        - verbose\n");
    has(&set("args[0]=null"), "args:\n        - verbose\n");
    let wrong = |change: &str, words: &str| {
        let argument = format!("args={change}");
        let error = project.stderr(1, &["render", "web", "--env", "dev", "--set", &argument]);
        has(&error, words);
    };
    wrong("{$remove: [none]}", "the list has no such item to remove");
    wrong("{$append: []}", "`$append` has no items");
    wrong("{$append: a}", "`$append` must be a list, not a string");
    wrong("{$append: [1]}", "must be a string");
    project.edit("profiles/web.yaml", "{$append: [level=3]}", "{$append: [level=3], $sort: [a]}");
    project.fails("dev", &["`$sort` cannot be combined with a list operation"]);
}
