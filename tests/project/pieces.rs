//! Findings about strings composed of several values refer to the value that is wrong.

use super::{Project, TEMPLATE, has};

/// The standard error of `render` with this profile and template.
fn says(profile: &str, template: &str) -> String {
    let project = Project::new();
    project.write("profiles/web.yaml", profile);
    project.write("templates/web.yaml", template);
    let output = project.run(&["render", "web", "--env", "dev"]);
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_invalid_part_of_an_image_is_reported() {
    for (profile, place) in [
        ("image: {repository: registry.example.com/web, tag: 1.0 beta}\n", "profiles/web.yaml:1:52"),
        ("image: {tag: v1, repository: registry.example.com/Web}\n", "profiles/web.yaml:1:30"),
        ("image: {tag: '-1', repository: registry.example.com/web}\n", "profiles/web.yaml:1:14"),
    ] {
        let text = says(profile, TEMPLATE);
        has(&text, "error[image-text-invalid]");
        has(&text, place);
        has(&text, "rendered by this template");
    }
    // If both are invalid, the template is reported with both values as related.
    let text = says("image: {repository: registry.example.com/Web, tag: '-1'}\n", TEMPLATE);
    has(&text, "--> templates/web.yaml:12:18");
    has(&text, "`image.repository` is set here");
    has(&text, "`image.tag` is set here");
}

#[test]
fn the_invalid_or_longest_part_of_a_name_is_reported() {
    let template = TEMPLATE.replace("{{ profile }}", "{{ labels.team }}-{{ labels.app }}");
    let text = says("image: {tag: dev}\nlabels:\n  team: shop\n  app: we_b\n", &template);
    has(&text, "error[name-invalid]");
    has(&text, "profiles/web.yaml:4:8");
    let text = says(
        &format!("image: {{tag: dev}}\nlabels:\n  team: {}\n  app: {}\n", "a".repeat(200), "b".repeat(60)),
        &template,
    );
    has(&text, "profiles/web.yaml:3:9");
}

#[test]
fn the_unserved_part_of_an_address_is_reported() {
    let service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: \"{{ namespace }}\"}\nspec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}\n";
    let env = "          env: [{name: DB_ADDR, value: \"{{ labels.host }}:{{ labels.port }}\"}]\n          ports:";
    let template = TEMPLATE.replace("          ports:", env) + service;
    let profile =
        |host: &str, port: &str| format!("image: {{tag: dev}}\nlabels:\n  host: {host}\n  port: \"{port}\"\n");
    let text = says(&profile("db", "81"), &template);
    has(&text, "profiles/web.yaml:4:9");
    let text = says(&profile("dbb", "80"), &template);
    has(&text, "profiles/web.yaml:3:9");
}

#[test]
fn the_invalid_unit_of_a_quantity_is_reported() {
    let resources =
        "          resources: {limits: {memory: \"{{ labels.amount }}{{ labels.unit }}\"}}\n          ports:";
    let template = TEMPLATE.replace("          ports:", resources);
    let text = says("image: {tag: dev}\nlabels:\n  amount: \"512\"\n  unit: MB\n", &template);
    has(&text, "profiles/web.yaml:4:9");
}
