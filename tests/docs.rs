//! Tests of the documentation that is generated from the code, and of links.

use std::path::PathBuf;
use std::process::Command;

use snapbox::{assert_data_eq, file};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn the_page_of_rules_is_generated_from_the_rules() {
    assert_data_eq!(plimsoll::cli::docs::rules_page(), file!["../docs/rules.md"].raw());
}

#[test]
fn the_page_of_services_ends_with_the_known_services() {
    let page = std::fs::read_to_string(format!("{ROOT}/docs/services.md")).unwrap();
    let (written, _) = page.split_once("## Known software\n").unwrap_or((&page, ""));
    let page = format!("{written}{}", plimsoll::cli::docs::known_page());
    assert_data_eq!(page, file!["../docs/services.md"].raw());
}

/// The YAML of the first code block of a Markdown page.
fn first_example(page: &str) -> &str {
    let start = page.find("```yaml\n").unwrap() + "```yaml\n".len();
    &page[start..start + page[start..].find("```").unwrap()]
}

#[test]
fn a_service_that_a_project_describes_is_used_as_documented() {
    use plimsoll::check::{Options, check_in, input::Input};
    use plimsoll::service::Services;
    use plimsoll::source::Sources;

    let page = std::fs::read_to_string(format!("{ROOT}/docs/services.md")).unwrap();
    let sources = Sources::new();
    let description = sources.add("services/gateway.yaml", first_example(&page));
    let services = Services::default().with(Services::read(&sources, description).unwrap());
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  config.yaml: |\n    server: {port: 8080}\n    redis: {addr: redis:6379, timout: 1s}\n---\n\
                    apiVersion: v1\nkind: Pod\nmetadata: {name: g}\nspec:\n  containers:\n  - name: gateway\n    image: ghcr.io/acme/gateway:v1\n    args: [--config=/etc/gateway/config.yaml]\n    volumeMounts: [{name: c, mountPath: /etc/gateway}]\n    readinessProbe: {httpGet: {path: /ready, port: 8080}}\n  volumes: [{name: c, configMap: {name: c}}]\n";
    let mut input = Input::default();
    input.add(&sources, sources.add("manifest.yaml", manifest), true);
    let findings = check_in(&sources, &input.objects, &Options { services, ..Options::default() });
    let said = |rule: &str| findings.iter().any(|finding| finding.rule.name() == rule);
    assert!(said("config-key-unknown") && said("probe-path-unserved"), "{findings:?}");
}

/// The Markdown files that people read: those in the root folder and in `docs/`.
fn markdown() -> Vec<PathBuf> {
    let folders = [ROOT.to_owned(), format!("{ROOT}/docs")];
    let files =
        folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()));
    files.filter(|path| path.extension().is_some_and(|end| end == "md")).collect()
}

/// The page without its fenced code blocks.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// The anchors of a page's headings, as GitHub and mdBook generate them.
fn anchors(text: &str) -> Vec<String> {
    let headings = prose(text);
    let headings = headings.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| -> String {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' '));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn links_between_documents_have_targets() {
    let mut links = 0;
    for path in markdown() {
        let text = std::fs::read_to_string(&path).unwrap();
        for link in prose(&text).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            if target.contains("://") || target.contains(' ') {
                continue;
            }
            let file = if target.is_empty() { path.clone() } else { path.parent().unwrap().join(target) };
            assert!(file.exists(), "{}: {link}", path.display());
            if !anchor.is_empty() && file.extension().is_some_and(|end| end == "md") {
                let known = anchors(&std::fs::read_to_string(&file).unwrap());
                assert!(known.iter().any(|known| known == anchor), "{}: {link}", path.display());
            }
            links += 1;
        }
    }
    assert!(links > 50, "{links}");
}

#[test]
fn the_site_lists_every_page_once() {
    let summary = std::fs::read_to_string(format!("{ROOT}/docs/SUMMARY.md")).unwrap();
    let mut listed: Vec<&str> = summary.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    listed.sort_unstable();
    let pages = markdown().into_iter().filter(|path| path.parent().unwrap().ends_with("docs"));
    let mut pages: Vec<String> = pages.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    pages.retain(|page| page != "SUMMARY.md");
    pages.sort_unstable();
    assert_eq!(listed, pages);
}

#[test]
fn each_rule_has_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("rules");
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll")).args(["rules", "--output"]).arg(&pages).output().unwrap();
    assert!(output.status.success());
    for id in plimsoll::finding::RuleId::ALL {
        let page = std::fs::read_to_string(pages.join(format!("{id}.md"))).unwrap();
        assert!(page.starts_with(&format!("# {id}\n\n{} (", id.severity().name())), "{page}");
        assert!(page.contains(id.summary()), "{page}");
    }
    // All targets of links in the pages and in their index exist.
    for entry in std::fs::read_dir(&pages).unwrap().flatten() {
        let text = std::fs::read_to_string(entry.path()).unwrap();
        for link in prose(&text).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let is_page = !link.contains("://") && !link.contains(' ');
            assert!(!is_page || pages.join(link).exists(), "{:?}: {link}", entry.path());
        }
    }
}

/// The constants of the limits in SECURITY.md, in the order of the rows.
const BOUNDS: &[(&str, &str)] = &[
    ("graph/services.rs", "MAX_SELECTED"),
    ("graph/services.rs", "MAX_PODS"),
    // For monitors, disruption budgets and policies.
    ("graph/services.rs", "MAX_PODS"),
    ("graph/pods.rs", "MAX_INHERITED_BYTES"),
    ("graph/variables.rs", "MAX_EXPANSION"),
    ("text/shell.rs", "MOST_EXPANDED"),
    ("graph/recognized.rs", "MAX_CONFIG_BYTES"),
    ("graph/pods.rs", "MAX_SOURCES"),
    ("graph/pod.rs", "MAX_PATH_LENGTH"),
    ("check/rules/wiring/networkpolicy_blocks_flow.rs", "MAX_COMPARISONS"),
    ("check/rules/wiring/networkpolicy_blocks_flow.rs", "MAX_FINDINGS"),
    ("suggest.rs", "MAX_CANDIDATES"),
    ("suggest.rs", "MAX_COMPARED_LETTERS"),
    ("graph/mod.rs", "MAX_NAMES"),
    ("report/words.rs", "MOST_COMPARED"),
    ("kube/crd/mod.rs", "MAX_PATTERN_BYTES"),
    ("schema/walk.rs", "MAX_MATCHING_A_BYTE"),
    ("source.rs", "MAX_BYTES"),
    ("yaml/load.rs", "MAX_DEPTH"),
    ("yaml/load.rs", "MAX_ALIASED_NODES"),
    ("schema/compile.rs", "MAX_IN_PLACE"),
    ("schema/compile.rs", "MAX_WAYS"),
    ("schema/pattern.rs", "MAX_SIZE"),
    ("schema/compile.rs", "MAX_PATTERN_BYTES"),
    ("schema/walk.rs", "MAX_STEPS"),
    ("schema/walk.rs", "MAX_MATCHING"),
    ("schema/lookup.rs", "MAX_SUBSCHEMAS"),
    ("schema/walk.rs", "MAX_PATH_STEPS"),
    ("schema/walk.rs", "MAX_PATH_MATCHING"),
    ("diagram/mod.rs", "MAX_ELEMENTS"),
];

/// The value of a constant expression: `1 << 14`, `64 * 1024`, `4_000_000`.
fn evaluated(value: &str) -> u64 {
    let number = |text: &str| text.trim().replace('_', "").parse::<u64>().unwrap();
    match value.split_once("<<") {
        Some((base, shift)) => number(base) << number(shift),
        None => value.split('*').map(number).product(),
    }
}

/// The number at the start of a string: `1,000`, `32 MiB`, `4 million, and more`.
fn said(text: &str) -> u64 {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != ',').unwrap_or(text.len());
    let unit = match text[end..].trim_start().split(", ").next().unwrap() {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "million" => 1_000_000,
        "thousand million" => 1_000_000_000,
        other => panic!("what is `{other}`?"),
    };
    text[..end].replace(',', "").parse::<u64>().unwrap() * unit
}

#[test]
fn the_limits_match_the_code() {
    let text = std::fs::read_to_string(format!("{ROOT}/SECURITY.md")).unwrap();
    let section = text.split("\n## Bounds\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").nth(1));
    let rows: Vec<&str> = rows.filter(|most| most.starts_with(|c: char| c.is_ascii_digit())).collect();
    assert_eq!(rows.len(), BOUNDS.len());
    for (row, (file, name)) in rows.into_iter().zip(BOUNDS) {
        let code = std::fs::read_to_string(format!("{ROOT}/src/{file}")).unwrap();
        let rest = code.split_once(&format!("const {name}: ")).unwrap_or_else(|| panic!("{file} has no {name}")).1;
        let value = rest.split_once(" = ").unwrap().1.split(';').next().unwrap();
        assert_eq!(said(row), evaluated(value), "{file}: {name}");
    }
}

/// Every test that SECURITY.md refers to exists, as a function or a module of tests.
#[test]
fn the_tests_of_the_guarantees_exist() {
    let text = std::fs::read_to_string(format!("{ROOT}/SECURITY.md")).unwrap();
    let section = text.split("\n## Guarantees\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut tests = 0;
    for name in section.split('`').skip(1).step_by(2).filter(|name| name.contains("::")) {
        let (module, function) = name.rsplit_once("::").unwrap();
        let path = module.replace("::", "/");
        let exists = match function {
            "tests" => [format!("src/{path}.rs"), format!("src/{path}/tests.rs")].iter().any(|file| {
                std::fs::read_to_string(format!("{ROOT}/{file}")).is_ok_and(|code| code.contains("#[test]"))
            }),
            _ => std::fs::read_to_string(format!("{ROOT}/tests/{path}.rs"))
                .is_ok_and(|code| code.contains(&format!("fn {function}()"))),
        };
        assert!(exists, "{name}");
        tests += 1;
    }
    assert!(tests > 30, "{tests}");
}

/// A terminal with a command and its output, in colours, with a light or dark background.
fn picture(command: &[&str], folder: &str, light: bool) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["--color", "always"])
        .args(command)
        .current_dir(format!("{ROOT}/{folder}"))
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    let text = format!(
        "$ plimsoll {}\n{}{}",
        command.join(" "),
        String::from_utf8_lossy(&output.stdout),
        // The first line is the summary.
        String::from_utf8_lossy(&output.stderr).lines().next().unwrap()
    );
    let rgb = |red, green, blue| anstyle::Color::Rgb(anstyle::RgbColor(red, green, blue));
    let (ink, paper) =
        if light { (rgb(31, 35, 40), rgb(255, 255, 255)) } else { (rgb(230, 237, 243), rgb(13, 17, 23)) };
    anstyle_svg::Term::new().palette(anstyle_svg::WIN10_CONSOLE).fg_color(ink).bg_color(paper).render_svg(&text)
}

#[test]
fn the_screenshot_of_the_readme_shows_real_output() {
    let command = ["check", "shop.yaml", "--skip", "unused"];
    assert_data_eq!(picture(&command, "docs/images", false), file!["../docs/images/check-dark.svg"].raw());
    assert_data_eq!(picture(&command, "docs/images", true), file!["../docs/images/check-light.svg"].raw());
}
