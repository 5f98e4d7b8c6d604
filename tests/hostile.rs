//! Malicious projects and manifests, such as those of an untrusted pull request. SECURITY.md lists the guarantees
//! with these tests.

use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::source::Sources;
use plimsoll::yaml::{self, Dialect};
use serde_json::{Value as Json, json};

/// A value that must not appear outside a Secret.
const SECRET: &str = "hunter2-correct-horse";

/// The same in Base64.
const ENCODED: &str = "aHVudGVyMi1jb3JyZWN0LWhvcnNl";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn plimsoll(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.current_dir(folder).args(args).env_clear().output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder with the built-in set in `project/`, and a file next to it that must not be read.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) project: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        assert_eq!(plimsoll(folder.path(), &["init", "project"]).status.code(), Some(0));
        fs::create_dir(folder.path().join("outside")).unwrap();
        fs::write(folder.path().join("outside/secret.yaml"), format!("cluster: {SECRET}\n")).unwrap();
        fs::write(folder.path().join("outside/e2e.yaml"), format!("cluster: {SECRET}\n")).unwrap();
        fs::write(folder.path().join("outside/0001_x.sql"), format!("-- {SECRET}\n")).unwrap();
        Self { folder, project }
    }

    /// The same with one template only.
    fn with_template(text: &str) -> Self {
        let place = Self::new();
        fs::remove_dir_all(place.project.join("templates")).unwrap();
        place.write("templates/t.yaml", text);
        place
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.project.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        plimsoll(&self.project, args)
    }

    /// The same for a run with a limit on its processor time in seconds. On a busy machine that is far less than the
    /// elapsed time, and debug builds, for which these limits are, are ten times slower than release builds.
    fn run_within(&self, seconds: u64, what: &str, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.current_dir(&self.project).args(args).env_clear();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let [stdout, stderr] = [collect(child.stdout.take().unwrap()), collect(child.stderr.take().unwrap())];
        let start = Instant::now();
        loop {
            let (taken, ended) = taken(&mut child, start);
            // A run that blocks uses no processor time.
            if taken > Duration::from_secs(seconds) || start.elapsed() > Duration::from_secs(30 * seconds) {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("{what} took {taken:?} and more");
            }
            if ended {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let status = child.wait().unwrap();
        Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
    }

    fn outside(&self) -> PathBuf {
        self.folder.path().join("outside")
    }
}

/// Reads everything in a separate thread, so that the writer never blocks.
fn collect(mut from: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut all = Vec::new();
        from.read_to_end(&mut all).unwrap();
        all
    })
}

/// The processor time of a process, and whether it has ended. On Linux it is read in hundredths of a second until the
/// process is waited for; elsewhere the elapsed time is used.
fn taken(child: &mut Child, start: Instant) -> (Duration, bool) {
    let Ok(stat) = fs::read_to_string(format!("/proc/{}/stat", child.id())) else {
        return (start.elapsed(), child.try_wait().unwrap().is_some());
    };
    // The name before these fields is in parentheses and may contain anything.
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let [user, system] = [11, 12].map(|at| fields[at].parse::<u64>().unwrap());
    (Duration::from_millis(10 * (user + system)), fields[0] == "Z")
}

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: team}\n";

#[test]
fn links_out_of_the_project_are_rejected() {
    for (path, args) in [
        ("templates/link.yaml", ["render", "gateway"]),
        ("profiles/link.yaml", ["render", "link"]),
        ("profiles/base.yaml", ["render", "gateway"]),
        ("profiles/schema.json", ["render", "gateway"]),
        ("plimsoll.toml", ["render", "gateway"]),
    ] {
        let place = Place::new();
        let link = place.project.join(path);
        _ = fs::remove_file(&link);
        symlink(place.outside().join("secret.yaml"), &link).unwrap();
        let output = place.run(&args);
        assert_eq!(output.status.code(), Some(2), "{path}: {}", stderr(&output));
        assert!(stderr(&output).contains("outside the project"), "{path}: {}", stderr(&output));
        assert!(!said(&output).contains(SECRET), "{path}: {}", said(&output));
    }
    // Also through folders.
    for path in ["templates/more", "services", "profiles/environments"] {
        let place = Place::new();
        let link = place.project.join(path);
        _ = fs::remove_dir_all(&link);
        symlink(place.outside(), &link).unwrap();
        let output = place.run(&["render", "gateway"]);
        assert_ne!(output.status.code(), Some(0), "{path}");
        assert!(stderr(&output).contains("outside the project"), "{path}: {}", stderr(&output));
        assert!(!said(&output).contains(SECRET), "{path}: {}", said(&output));
    }
}

/// `$file` is limited to `templates/`, after links are resolved.
#[test]
fn templates_follow_links_among_templates_only() {
    for (to, inside) in
        [("../templates/more/x.sh", true), ("../profiles/base.yaml", false), ("../../outside/secret.yaml", false)]
    {
        let place = Place::with_template(&format!("{MAP}data:\n  k: {{$file: link.sh}}\n"));
        fs::create_dir(place.project.join("templates/more")).unwrap();
        place.write("templates/more/x.sh", "echo read\n");
        symlink(to, place.project.join("templates/link.sh")).unwrap();
        let output = place.run(&["render", "gateway"]);
        assert_eq!(output.status.success(), inside, "{to}: {}", stderr(&output));
        assert_eq!(String::from_utf8_lossy(&output.stdout).contains("echo read"), inside, "{to}");
        assert!(inside || stderr(&output).contains("template-file"), "{to}: {}", stderr(&output));
    }
}

#[test]
fn paths_out_of_the_project_are_rejected() {
    let absolute = root().join("Cargo.toml").display().to_string();
    for path in [
        "../../outside/secret.yaml",
        "../profiles/base.yaml",
        "/etc/hostname",
        "a/../../../outside/secret.yaml",
        &absolute,
    ] {
        let place = Place::with_template(&format!("{MAP}data:\n  k: {{$file: {path}}}\n"));
        let output = place.run(&["render", "gateway"]);
        assert_eq!(output.status.code(), Some(1), "{path}: {}", stderr(&output));
        assert_eq!(output.stdout, b"", "{path}");
        assert!(stderr(&output).contains("template-file"), "{path}: {}", stderr(&output));
        assert!(!said(&output).contains(SECRET), "{path}");
    }
    for name in ["../../outside/secret", "/etc/hostname", "..", ".", "environments/e2e", "a\\b", ""] {
        let output = Place::new().run(&["render", name]);
        assert_eq!(output.status.code(), Some(2), "{name}: {}", stderr(&output));
        assert!(!said(&output).contains(SECRET), "{name}");
    }
}

/// The folder of a profile's own migrations must be in the Git work tree, after links are resolved.
#[test]
fn migrations_come_from_the_work_tree_only() {
    let place = Place::new();
    fs::create_dir(place.project.join(".git")).unwrap();
    symlink(place.outside(), place.project.join("sql")).unwrap();
    let outside = place.outside().display().to_string();
    for folder in ["../../outside", "../sql", &outside, "/etc"] {
        place.write(
            "profiles/evil.yaml",
            &format!("cluster: x\nimage: {{tag: x}}\nexpose: {{hostPort: 1234}}\nmigrations: {{folder: {folder}}}\n"),
        );
        let output = place.run(&["render", "evil"]);
        assert_eq!(output.status.code(), Some(1), "{folder}: {}", stderr(&output));
        assert!(stderr(&output).contains("outside"), "{folder}: {}", stderr(&output));
        assert!(!said(&output).contains(SECRET), "{folder}");
    }
}

/// Each expression has limited fuel, and all expressions of a bundle share a budget.
#[test]
fn runaway_templates_are_stopped() {
    let list = "('x,' * 1000) | split(',')";
    let long = "x".repeat(50_000);
    let cases = [
        ("a text of ten billion", "data:\n  k: \"{{ 'x' * 10000000000 }}\"\n".to_owned()),
        (
            "a text that grows",
            format!("data:\n  k: \"{{{{ 'x'{} }}}}\"\n", " | replace('x', 'xxxxxxxxxxxxxxxxxxxx')".repeat(9)),
        ),
        ("a list that is sorted", "data:\n  k: \"{{ ('x,' * 5000000) | split(',') | sort | join }}\"\n".into()),
        (
            "a million small ones",
            format!(
                "data:\n  k:\n    - $for: a in {list}\n      b:\n        - $for: b in {list}\n          $if: (a ~ b) == 'z'\n          c: d\n"
            ),
        ),
        (
            "a thousand large ones",
            format!(
                "data:\n  k:\n    - $for: a in {list}\n      b:\n        - $for: b in {list}\n          $if: ((a ~ b ~ 'x') * 1000000) | length < 3\n          c: d\n"
            ),
        ),
        (
            "nested for",
            format!(
                "data:\n  k:\n    $yaml:\n      - $for: a in {list}\n        b:\n          - $for: b in {list}\n            c:\n              - $for: c in {list}\n                d: '{{{{ a ~ b ~ c }}}}'\n"
            ),
        ),
        ("a long expression", format!("data:\n  k: \"{{{{ 'x'{} }}}}\"\n", " ~ 'x'".repeat(5000))),
        ("a deep expression", format!("data:\n  k: \"{{{{ {}1{} }}}}\"\n", "(".repeat(5000), ")".repeat(5000))),
        ("a deep document", format!("data: {}{}\n", "[".repeat(5000), "]".repeat(5000))),
        (
            "one text many times",
            format!(
                "data:\n  k:\n    $yaml:\n      - $for: a in {list}\n        b: \"{{{{ ('{long}' ~ a) * 20 }}}}\"\n"
            ),
        ),
        ("aliases", "data: {a: &a [x, x], b: &b [*a, *a], c: [*b, *b]}\n".into()),
    ];
    for (name, text) in cases {
        let place = Place::with_template(&format!("{MAP}{text}"));
        // Without the budget, the large ones take hours.
        let output = place.run_within(60, name, &["render", "gateway"]);
        assert_eq!(output.status.code(), Some(1), "{name}: {}", stderr(&output));
        assert_eq!(output.stdout, b"", "{name}");
    }
}

/// Checks do not compare each of many things with each of many others.
#[test]
fn manifests_that_multiply_are_checked_in_time() {
    let object = |kind: &str, name: &str, rest: &str| {
        format!("---\napiVersion: {kind}\nmetadata: {{name: {name}, namespace: team, labels: {{app: x}}}}\n{rest}\n")
    };
    let service = |at: usize, port: usize| {
        let spec = format!("spec: {{selector: {{app: x}}, ports: [{{port: 80, targetPort: {port}}}]}}");
        object("v1\nkind: Service", &format!("s{at}"), &spec)
    };
    let pod = |at: usize, container: &str| {
        let spec = format!("spec: {{containers: [{{name: web, image: 'ghcr.io/acme/web:v1', {container}}}]}}");
        object("v1\nkind: Pod", &format!("p{at}"), &spec)
    };
    let policy = |at: usize| {
        let spec = format!(
            "spec: {{podSelector: {{}}, policyTypes: [Ingress], ingress: [{{from: [{{podSelector: {{matchLabels: {{app: z{at}}}}}}}]}}]}}"
        );
        object("networking.k8s.io/v1\nkind: NetworkPolicy", &format!("n{at}"), &spec)
    };
    let calls = |at: usize| pod(at, &format!("env: [{{name: URL, value: 'http://s{at}:80'}}]"));
    let map = |keys: usize| {
        let data: String = (0..keys).map(|at| format!("  k{at}: v\n")).collect();
        object("v1\nkind: ConfigMap", "c", &format!("data:\n{data}"))
    };
    let keys: Vec<String> = (0..20_000)
        .map(|at| format!("{{name: E{at}, valueFrom: {{configMapKeyRef: {{name: c, key: k{}}}}}}}", 59_999 - at))
        .collect();
    let inherits: Vec<String> = (0..2000)
        .map(|at| format!("{{name: c{at}, image: 'ghcr.io/acme/web:v1', envFrom: [{{configMapRef: {{name: c}}}}]}}"))
        .collect();
    let fields: String = (0..2000).map(|at| format!("              f{at}: {{type: string, default: a}}\n")).collect();
    let required: Vec<String> = (0..2000).map(|at| format!("f{at}")).collect();
    let definition = format!(
        "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: as.x.io}}\nspec:\n  \
         group: x.io\n  scope: Namespaced\n  names: {{plural: as, kind: A}}\n  versions:\n  - name: v1\n    served: true\n    \
         storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        properties:\n          spec:\n            \
         type: object\n            required: [{}]\n            properties:\n{fields}",
        required.join(", ")
    );
    let script = |text: &str, env: &str| pod(0, &format!("command: [sh, -c, \"{text}\"], env: [{env}]"));
    let twice = "{name: A, value: b}, ".repeat(4_000);
    let allowed: String = (0..10_000).map(|at| format!("# plimsoll: allow r{at} because so ")).collect();
    let cases: [(&str, String); 10] = [
        (
            "services that select all pods",
            (0..3000).map(|at| service(at, 9999) + &pod(at, "ports: [{containerPort: 80}]")).collect(),
        ),
        ("policies over all pods", (0..1000).map(|at| service(at, 80) + &calls(at) + &policy(at)).collect()),
        ("keys of a large object", map(60_000) + &pod(0, &format!("env: [{}]", keys.join(", ")))),
        (
            "containers that inherit a large object",
            map(20_000) + &object("v1\nkind: Pod", "p", &format!("spec: {{containers: [{}]}}", inherits.join(", "))),
        ),
        (
            "objects of a large definition",
            definition
                + &(0..2000).map(|at| object("x.io/v1\nkind: A", &format!("a{at}"), "spec: {}")).collect::<String>(),
        ),
        ("a nest of braces in a script", script(&"${".repeat(120_000), "")),
        ("a nest of defaults in a script", script(&"${A:-".repeat(48_000), "{name: B, value: b}")),
        (
            "a long variable that a script names often",
            script(&"$A ".repeat(80_000), &format!("{{name: A, value: {}}}", "http://a-b:80,".repeat(4_000))),
        ),
        (
            "a name of many dashes",
            object("bitnami.com/v1alpha1\nkind: SealedSecret", "a", "spec: {}")
                + &pod(0, &format!("envFrom: [{{secretRef: {{name: {}}}}}]", "-".repeat(200_000))),
        ),
        (
            "comments that allow unknown rules on a line with many findings",
            object("v1\nkind: Pod", "p", &format!("spec: {{containers: [{{name: a, env: [{twice}]}}]}} {allowed}")),
        ),
    ];
    for (name, text) in cases {
        let place = Place::new();
        place.write("many.yaml", &text);
        // They took minutes when everything was compared with everything.
        let output = place.run_within(60, name, &["check", "many.yaml"]);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{name}: {}", said(&output));
    }
}

/// A pod with containers, each with the fields of `rest`, and more fields of its spec.
fn pod_of(name: &str, count: usize, rest: impl Fn(usize) -> String, spec: &str) -> String {
    let containers: Vec<String> =
        (0..count).map(|at| format!("{{name: c{at}, image: 'ghcr.io/acme/web:v1', {}}}", rest(at))).collect();
    let meta = format!("metadata: {{name: {name}, namespace: team, labels: {{app: x}}}}");
    format!("---\napiVersion: v1\nkind: Pod\n{meta}\nspec: {{containers: [{}]{spec}}}\n", containers.join(", "))
}

fn joined(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().join(", ")
}

/// The many parts of one object are not compared with those of another.
#[test]
fn objects_of_many_parts_are_checked_in_time() {
    let object = |kind: &str, name: &str, rest: &str| {
        format!("---\napiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: team}}\n{rest}\n")
    };
    let service = |how: &str, ports: &str| {
        object("Service", "s", &format!("spec: {{selector: {{app: x}}, {how}ports: [{ports}]}}"))
    };
    let map = |name: &str, data: &str| object("ConfigMap", name, &format!("data: {{{data}}}"));
    let port = |at: usize| format!("ports: [{{name: z{at}, containerPort: {}}}]", at + 1);
    let named = |at: usize| format!("{{name: p{at}, port: {}}}", at + 1);
    let long = "a".repeat(60);
    let config = |port: usize| format!("config.yaml: 'server: {{port: {port}}}'");
    let told = "env: [{name: CONFIG_PATH, value: /etc/datastorage/config.yaml}], volumeMounts: [{name: v, mountPath: /etc/datastorage}]";
    let known = |at: usize| format!("image: 'ghcr.io/acme/datastorage:v1', {}, {told}", port(at));
    let definition = |field: &str| {
        format!(
            "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: as.x.io}}\n\
             spec: {{group: x.io, scope: Namespaced, names: {{plural: as, kind: A}}, versions: [{{name: v1, served: true, \
             storage: true, schema: {{openAPIV3Schema: {{type: object, properties: {{spec: {field}}}}}}}}}]}}\n"
        )
    };
    let custom = |at: usize, spec: &str| {
        format!("---\napiVersion: x.io/v1\nkind: A\nmetadata: {{name: a{at}, namespace: team}}\nspec: {spec}\n")
    };
    let known_pod = |spec: &str| pod_of("p", 1500, known, spec).replace("image: 'ghcr.io/acme/web:v1', ", "");
    let cases = [
        (
            "ports that pods behind a headless Service lack",
            service("clusterIP: None, ", &joined(6000, named))
                + &pod_of(
                    "p",
                    6000,
                    |at| format!("{}, env: [{{name: A, value: 'http://s:{}/'}}]", port(at), at + 20_001),
                    "",
                ),
        ),
        (
            "ports that a Service sends to and no container has",
            service(
                "",
                &joined(12_000, |at| format!("{{name: p{at}, port: {}, targetPort: {}}}", at + 1, at + 20_001)),
            ) + &pod_of("p", 12_000, port, ""),
        ),
        (
            "keys that are all but there",
            map("c", &joined(1000, |at| format!("y{at:05}{long}w{at:05}{long}: v")))
                + &pod_of(
                    "p",
                    1,
                    |_| {
                        let one = |at| {
                            format!(
                                "{{name: E{at}, valueFrom: {{configMapKeyRef: {{name: c, key: z{at:05}{long}v{at:05}{long}}}}}}}"
                            )
                        };
                        format!("env: [{}]", joined(2000, one))
                    },
                    "",
                ),
        ),
        (
            "known services, each with a port, behind a Service",
            service("", &joined(1500, |at| format!("{{name: p{at}, port: {}, targetPort: {}}}", at + 1, at + 1)))
                + &map("c", &config(9999))
                + &known_pod(", volumes: [{name: v, configMap: {name: c}}]"),
        ),
        (
            "known services that read a volume of many items",
            map("c", &format!("{}, {}", config(9999), joined(15_000, |at| format!("k{at}: v"))))
                + &known_pod(&format!(
                    ", volumes: [{{name: v, configMap: {{name: c, items: [{}, {{key: config.yaml, path: config.yaml}}]}}}}]",
                    joined(15_000, |at| format!("{{key: k{at}, path: p{at}}}"))
                )),
        ),
        (
            "labels that the scheduler adds to a selector",
            pod_of(
                "p",
                1,
                |_| "tty: true".to_owned(),
                &format!(
                    ", topologySpreadConstraints: [{{maxSkew: 1, topologyKey: k, whenUnsatisfiable: DoNotSchedule, matchLabelKeys: \
                     [{}], labelSelector: {{matchExpressions: [{}]}}}}]",
                    joined(40_000, |at| format!("a{at}")),
                    joined(20_000, |at| format!("{{key: b{at}, operator: Exists}}"))
                ),
            ),
        ),
        (
            "claims that no volume makes",
            pod_of(
                "p",
                1,
                |_| "tty: true".to_owned(),
                &format!(
                    ", volumes: [{}]",
                    joined(10_000, |at| format!(
                        "{{name: e{at}, ephemeral: {{}}}}, {{name: v{at}, persistentVolumeClaim: {{claimName: p-x{at}}}}}"
                    ))
                ),
            ),
        ),
        (
            "a port that a container repeats",
            service("", &joined(12_000, |at| format!("{{name: p{at}, port: {}, targetPort: 80}}", at + 1)))
                + &map("c", &config(9999))
                + &pod_of(
                    "p",
                    2,
                    |at| {
                        let count = if at == 0 { 12_000 } else { 1 };
                        format!("ports: [{}], {told}", joined(count, |_| format!("{{containerPort: {}}}", 80 + at)))
                    },
                    ", volumes: [{name: v, configMap: {name: c}}]",
                )
                .replace("acme/web:v1", "acme/datastorage:v1"),
        ),
        (
            "pods that a policy keeps from each other",
            object("Service", "s", "spec: {selector: {app: x}, ports: [{port: 80}]}")
                + "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: n, namespace: team}\n\
                 spec: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: z}}}]}]}\n"
                + &(0..1000)
                    .map(|at| {
                        pod_of(&format!("p{at}"), 1, |_| "env: [{name: A, value: 'http://s:80/'}]".to_owned(), "")
                    })
                    .collect::<String>(),
        ),
        (
            "fields near those of a large definition",
            definition(&format!(
                "{{type: object, properties: {{{}}}}}",
                joined(1000, |at| format!("fieldNamed{at:04}: {{type: string}}"))
            )) + &(0..150)
                .map(|object| custom(object, &format!("{{{}}}", joined(50, |at| format!("feildNmaed{at:04}: x")))))
                .collect::<String>(),
        ),
        (
            "texts against a large pattern",
            definition("{type: object, properties: {a: {type: string, pattern: '^([a-z]{1,63}[.]?){20}$'}}}")
                + &(0..1000).map(|at| custom(at, &format!("{{a: {}}}", "abcdefgh".repeat(60)))).collect::<String>(),
        ),
        (
            "patterns that are large together",
            definition(&format!(
                "{{type: object, properties: {{{}}}}}",
                joined(20_000, |at| format!("f{at}: {{type: string, pattern: '(a{{900}}){{900}}{at}'}}"))
            )) + &custom(0, &format!("{{{}}}", joined(20_000, |at| format!("f{at}: b")))),
        ),
        (
            "forms of each of many values",
            definition(&format!(
                "{{type: array, items: {{not: {{anyOf: [{}]}}}}}}",
                joined(5000, |at| format!("{{minLength: {}}}", at + 1000))
            )) + &custom(0, &format!("[{}]", joined(20_000, |at| format!("b{at}")))),
        ),
    ];
    for (name, text) in cases {
        let place = Place::new();
        place.write("many.yaml", &text);
        let output = place.run_within(40, name, &["check", "many.yaml"]);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{name}: {}", said(&output));
    }
}

/// Containers of known services do not each search all objects, hosts, Jobs and volumes, or repeat findings.
#[test]
fn containers_of_known_services_are_checked_in_time() {
    let object = |kind: &str, name: &str, rest: &str| {
        format!("---\napiVersion: {kind}\nmetadata: {{name: {name}, namespace: team}}\n{rest}\n")
    };
    let map = |name: &str, data: &str| object("v1\nkind: ConfigMap", name, &format!("data: {{{data}}}"));
    let mounts = |at: usize| {
        format!("volumeMounts: [{{name: v, mountPath: /etc/datastorage}}], ports: [{{containerPort: {}}}]", at + 1)
    };
    let volume = ", volumes: [{name: v, configMap: {name: c}}";
    let known = |name: &str, count: usize, rest: &dyn Fn(usize) -> String, spec: &str| {
        pod_of(name, count, rest, spec).replace("acme/web:v1", "acme/datastorage:v1")
    };
    let job = |at: usize, command: &str, volumes: &str| {
        let containers = format!(
            "[{{name: goose, image: 'a.io/goose:v1', command: [sh, -c, '{command}'], volumeMounts: [{{name: v, mountPath: /sql}}]}}]"
        );
        let spec = format!(
            "spec: {{template: {{spec: {{restartPolicy: Never, containers: {containers}, volumes: [{volumes}]}}}}}}"
        );
        object("batch/v1\nkind: Job", &format!("j{at}"), &spec)
    };
    let service = object("v1\nkind: Service", "s", "spec: {selector: {app: x}, ports: [{port: 80}]}");
    let cases: [(&str, String); 6] = [
        (
            "volumes that no container mounts",
            map("c", "config.yaml: '{}'")
                + &known(
                    "p",
                    1500,
                    &mounts,
                    &format!("{volume}, {}]", joined(3000, |at| format!("{{name: w{at}, configMap: {{name: c}}}}"))),
                ),
        ),
        (
            "files that stand in no object",
            (0..6000).map(|at| map(&format!("c{at}"), "a: b")).collect::<String>()
                + &known("p", 3000, &|at| format!("tty: {}", at % 2 == 0), ""),
        ),
        (
            "one file of many wrong keys",
            map("c", &format!("config.yaml: '{{{}}}'", joined(400, |at| format!("k{at}: {{a: b}}"))))
                + &known("p", 1500, &mounts, &format!("{volume}]")),
        ),
        (
            "variables that are not read",
            known("p", 1, &|_| format!("env: [{}]", joined(20_000, |at| format!("{{name: E{at}, value: v}}"))), ""),
        ),
        (
            "Jobs that ask for them",
            map("c", "config.yaml: '{}'")
                + &service
                + &(0..1500).map(|at| job(at, "goose up; nc -z s 80", "")).collect::<String>()
                + &(0..1500).map(|at| known(&format!("p{at}"), 1, &mounts, &format!("{volume}]"))).collect::<String>(),
        ),
        (
            "Jobs that run the same files",
            map("c", "config.yaml: '{}'")
                + &map("m", &joined(2000, |at| format!("{at}_a.sql: 'CREATE TABLE t{at} (x int);'")))
                + &(0..2000).map(|at| job(at, "goose up", "{name: v, configMap: {name: m}}")).collect::<String>()
                + &known("p", 1, &mounts, &format!("{volume}]")),
        ),
    ];
    for (name, text) in cases {
        let place = Place::new();
        place.write("many.yaml", &text);
        let output = place.run_within(40, name, &["check", "many.yaml"]);
        assert_eq!(output.status.code(), Some(1), "{name}: {}", said(&output));
    }
}

/// Many objects with selectors and references are cheap, whatever they select.
#[test]
fn many_selectors_and_references_are_checked_in_time() {
    let object = |kind: &str, name: &str, rest: &str| {
        format!(
            "---\napiVersion: {kind}\nmetadata: {{name: {name}, namespace: team, labels: {{app: x, part: {name}}}}}\n{rest}\n"
        )
    };
    let many = |count: usize, of: &dyn Fn(usize) -> String| (0..count).map(of).collect::<String>();
    let service = |at: usize| {
        object("v1\nkind: Service", &format!("s{at}"), "spec: {selector: {app: x}, ports: [{name: http, port: 80}]}")
    };
    let monitor = |at: usize, selector: &str, rest: &str| {
        let spec = format!("spec: {{selector: {{{selector}}}, {rest}}}");
        object("monitoring.coreos.com/v1\nkind: ServiceMonitor", &format!("m{at}"), &spec)
    };
    let cases: [(&str, String); 4] = [
        (
            "monitors of many Services, none of which has the port",
            many(2000, &service)
                + &many(2000, &|at| monitor(at, "matchLabels: {app: x}", "endpoints: [{port: other}]")),
        ),
        (
            "monitors that select nothing",
            many(2000, &service)
                + &many(2000, &|at| monitor(at, &format!("matchLabels: {{app: x, part: q{at}}}"), "endpoints: []")),
        ),
        (
            "monitors of many endpoints and namespaces",
            many(1000, &service)
                + &many(10, &|at| {
                    let names = joined(5000, |at| format!("n{at}"));
                    let endpoints = joined(5000, |at| format!("{{port: p{at}}}"));
                    let rest = format!("namespaceSelector: {{matchNames: [team, {names}]}}, endpoints: [{endpoints}]");
                    monitor(at, "matchLabels: {app: x}", &rest)
                }),
        ),
        (
            "routes to Services that are not there",
            many(2000, &service)
                + &many(3000, &|at| {
                    let spec = format!("spec: {{rules: [{{backendRefs: [{{name: t{at}, port: 80}}]}}]}}");
                    object("gateway.networking.k8s.io/v1\nkind: HTTPRoute", &format!("r{at}"), &spec)
                }),
        ),
    ];
    for (name, text) in cases {
        let place = Place::new();
        place.write("many.yaml", &text);
        let output = place.run_within(40, name, &["check", "many.yaml"]);
        assert!(output.status.code().is_some_and(|code| code < 2), "{name}: {}", said(&output));
    }
}

/// The consequences of many changes are found without searching everything for each.
#[test]
fn many_changes_are_reported_in_time() {
    let object = |kind: &str, name: &str, rest: &str| {
        format!("---\napiVersion: {kind}\nmetadata: {{name: {name}, namespace: team}}\n{rest}\n")
    };
    let maps = |count: usize, value: usize| -> String {
        (0..count)
            .map(|at| object("v1\nkind: ConfigMap", &format!("c{at}"), &format!("data: {{k: '{value}'}}")))
            .collect()
    };
    let mounts = joined(8000, |at| format!("{{name: v{at}, mountPath: /m{at}}}"));
    let volumes = joined(8000, |at| format!("{{name: v{at}, configMap: {{name: c{at}}}}}"));
    let reader = pod_of("p", 1, |_| format!("volumeMounts: [{mounts}]"), &format!(", volumes: [{volumes}]"));
    let rule = |at: usize| format!("{{apiGroups: [''], resources: [pods], verbs: [get], resourceNames: [n{at}]}}");
    let role = |last: usize| {
        let rules = joined(12_000, |at| rule(if at == 11_999 { last } else { at }));
        object("rbac.authorization.k8s.io/v1\nkind: Role", "r", &format!("rules: [{rules}]"))
    };
    let same = |value: usize| -> String {
        let one = |at: usize| object("v1\nkind: ConfigMap", "c", &format!("data: {{k{at}: '{value}'}}"));
        (0..12_000).map(one).collect()
    };
    for (name, old, new) in [
        ("a pod that reads many", maps(8000, 0) + &reader, maps(8000, 1) + &reader),
        ("the rules of a role", role(0), role(1)),
        ("objects of one name", same(0), same(1)),
    ] {
        let place = Place::new();
        place.write("old.yaml", &old);
        place.write("new.yaml", &new);
        let output = place.run_within(40, name, &["diff", "old.yaml", "new.yaml"]);
        assert_eq!(output.status.code(), Some(1), "{name}: {}", said(&output));
    }
}

#[test]
fn a_too_large_diagram_is_an_error() {
    let place = Place::new();
    let mut text = String::new();
    for at in 0..110 {
        let name = format!("metadata: {{name: x{at}, namespace: team, labels: {{app: x}}}}");
        _ = writeln!(
            text,
            "---\napiVersion: v1\nkind: Service\n{name}\nspec: {{selector: {{app: x}}, ports: [{{port: 80}}]}}"
        );
        _ = writeln!(
            text,
            "---\napiVersion: v1\nkind: Pod\n{name}\nspec: {{containers: [{{name: a, image: 'a.io/a:v1'}}]}}"
        );
    }
    place.write("many.yaml", &text);
    for format in ["mermaid", "dot", "svg", "html"] {
        let output = place.run(&["graph", "many.yaml", "--output", format]);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert_eq!(output.stdout, b"");
        assert!(stderr(&output).contains("more than 10000 objects and references"), "{}", stderr(&output));
    }
    // This is before the checks, which would report each of these.
    let variables = joined(500, |at| format!("{{configMapRef: {{name: d{at}}}}}"));
    let pod = pod_of("p", 1, |_| format!("envFrom: [{variables}]"), "");
    let first = pod.trim_start_matches("---\n").replace('\n', "\n  ");
    place.write("many.yaml", &format!("apiVersion: v1\nkind: List\nitems:\n- &p\n  {first}\n{}", "- *p\n".repeat(500)));
    let output = place.run_within(40, "pods that all lack much", &["graph", "many.yaml"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

/// A project's own schema cannot cause unbounded work.
#[test]
fn runaway_schemas_are_rejected() {
    let both =
        |next: usize| json!({"allOf": [{"$ref": format!("#/$defs/d{next}")}, {"$ref": format!("#/$defs/d{next}")}]});
    // Also below the maximum depth.
    let doubling = |levels: usize| {
        let mut all: serde_json::Map<String, Json> = (0..levels).map(|n| (format!("d{n}"), both(n + 1))).collect();
        all.insert(format!("d{levels}"), json!({"type": "object"}));
        json!({"allOf": [{"$ref": "#/$defs/d0"}], "$defs": all})
    };
    for (name, schema) in [
        ("itself", json!({"type": "object", "allOf": [{"$ref": "#"}]})),
        (
            "each other",
            json!({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
        ),
        ("doubling", doubling(40)),
        ("doubling below the depth", doubling(15)),
        ("pattern", json!({"properties": {"namespace": {"type": "string", "pattern": "(a{1000}){1000}"}}})),
        (
            "patterns",
            json!({"properties": (0..2000)
                .map(|n| (format!("p{n}"), json!({"pattern": format!("[ab]{{500}}{n}")})))
                .collect::<serde_json::Map<_, _>>()}),
        ),
    ] {
        let place = Place::with_template(MAP);
        place.write("profiles/schema.json", &schema.to_string());
        let output = place.run_within(20, name, &["render", "gateway"]);
        assert_eq!(output.status.code(), Some(1), "{name}: {}", stderr(&output));
    }
}

/// Each error is reported, in linear time.
#[test]
fn many_errors_of_profiles_are_reported_in_time() {
    let place = Place::new();
    let unknown: String = (0..20_000).map(|n| format!("field{n}: 1\n")).collect();
    for profile in ["gateway", "other"] {
        place.write(&format!("profiles/{profile}.yaml"), &unknown);
    }
    let output = place.run_within(30, "profiles of unknown fields", &["render", "gateway", "other"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output).matches("error[profile-field-unknown]").count(), 40_000);
}

/// A migration is read in linear time.
#[test]
fn a_migration_of_many_statements_is_read_in_time() {
    let mut text =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: sql}\ndata:\n  1_a.sql: |\n    -- +goose Up\n".to_owned();
    for n in 0..20_000 {
        _ = writeln!(text, "    CREATE TABLE a{n} (x int);\n    DROP TABLE b{n};");
    }
    let place = Place::new();
    place.write("sql.yaml", &text);
    let output = place.run_within(20, "a migration", &["check", "sql.yaml"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

/// Aliases in manifests are expanded within bounds.
#[test]
fn an_alias_bomb_is_rejected() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..20 {
        let many = vec![format!("*a{}", n - 1); 9].join(", ");
        _ = writeln!(text, "a{n}: &a{n} [{many}]");
    }
    let place = Place::new();
    place.write("bomb.yaml", &text);
    let output = place.run_within(60, "a bomb", &["check", "bomb.yaml"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
}

/// Reading a pipe or a device in a folder would never end.
#[test]
fn pipes_and_devices_are_not_read() {
    let place = Place::new();
    let pipe = place.project.join("sub/pipe.yaml");
    fs::create_dir(pipe.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    symlink("/dev/zero", place.project.join("sub/zero.yaml")).unwrap();
    place.write("sub/map.yaml", MAP);
    assert_eq!(place.run(&["check", "sub"]).status.code(), Some(0));
    let template = place.project.join("templates/pipe.yaml");
    fs::rename(&pipe, &template).unwrap();
    let output = place.run(&["render", "gateway"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("`templates/pipe.yaml` is not a file"), "{}", stderr(&output));
    // In the output folder a pipe is replaced and not opened.
    fs::remove_file(&template).unwrap();
    fs::create_dir(place.project.join("out")).unwrap();
    assert!(Command::new("mkfifo").arg(place.project.join("out/gateway.e2e.yaml")).status().unwrap().success());
    assert_eq!(place.run(&["render", "gateway", "--out", "out"]).status.code(), Some(0));
    assert!(place.project.join("out/gateway.e2e.yaml").is_file());
}

/// A project cannot affect files outside it, neither by its settings nor by links in the output folder.
#[test]
fn nothing_is_written_or_removed_outside() {
    let place = Place::new();
    let victim = place.outside();
    fs::write(victim.join("kept.tmp"), "mine").unwrap();
    let before = || fs::read_dir(place.outside()).unwrap().count();
    let count = before();
    for out in ["../outside", victim.to_str().unwrap(), "sub/../../outside", "linked"] {
        place.write("plimsoll.toml", &format!("environment = \"e2e\"\nout = \"{out}\"\n"));
        if out == "linked" {
            symlink(&victim, place.project.join("linked")).unwrap();
        }
        let output = place.run(&["render", "gateway", "--out"]);
        assert_eq!(output.status.code(), Some(2), "{out}: {}", stderr(&output));
        assert!(stderr(&output).contains("outside the project"), "{out}: {}", stderr(&output));
    }
    place.write("plimsoll.toml", "environment = \"e2e\"\nout = \"deploy/new\"\n");
    assert_eq!(place.run(&["render", "gateway", "--out"]).status.code(), Some(0));
    assert!(place.project.join("deploy/new/gateway.e2e.yaml").is_file());
    // The receipts folder as a link.
    fs::create_dir(place.project.join("out")).unwrap();
    symlink(&victim, place.project.join("out/.plimsoll")).unwrap();
    let output = place.run(&["render", "gateway", "--out", "out"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("is a link"), "{}", stderr(&output));
    // The file of a bundle as a link: the link is replaced, its target is not changed.
    fs::remove_file(place.project.join("out/.plimsoll")).unwrap();
    symlink(victim.join("kept.tmp"), place.project.join("out/gateway.e2e.yaml")).unwrap();
    assert_eq!(place.run(&["render", "gateway", "--out", "out"]).status.code(), Some(0));
    assert_eq!(fs::read_to_string(victim.join("kept.tmp")).unwrap(), "mine");
    assert_eq!(before(), count);
}

/// Control characters except line breaks, and characters that change the writing direction.
fn obeyed(text: &str) -> Vec<char> {
    let bidi =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|c| (c.is_control() && *c != '\n') || bidi(*c)).collect()
}

const ESCAPES: &str = "\u{1b}[31m\u{1b}]0;t\u{7}\u{9b}2J\u{202e}\u{2066}\r\u{8}";

#[test]
fn a_schema_is_printed_without_control_characters() {
    let place = Place::new();
    let schema = fs::read_to_string(place.project.join("profiles/schema.json")).unwrap();
    assert_eq!(String::from_utf8(place.run(&["schema"]).stdout).unwrap(), schema);
    let hostile = schema.replacen("\"description\": \"", "\"description\": \"\u{9b}31m\u{202e}", 1);
    assert_ne!(hostile, schema);
    place.write("profiles/schema.json", &hostile.replace('\n', "\r\n"));
    let printed = String::from_utf8(place.run(&["schema"]).stdout).unwrap();
    assert_eq!(obeyed(&printed), [], "{printed}");
    // The escaped schema is equivalent.
    let read = |text: &str| serde_json::from_str::<Json>(text).unwrap();
    assert_eq!(read(&printed), read(&hostile));
}

#[test]
fn no_terminal_escape_comes_through() {
    let place = Place::new();
    let quoted = |text: &str| json!(text).to_string();
    let evil = quoted(&format!("x{ESCAPES}y"));
    place.write("m.yaml", &format!("{MAP}data: {{{evil}: {evil}, k: 1}}\n{evil}: 1\n"));
    place.write("kind.yaml", &format!("apiVersion: v1\nkind: {evil}\nmetadata: {{name: {evil}}}\n"));
    place.write(
        "name.yaml",
        &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {evil}, namespace: {evil}}}\n"),
    );
    place.write("raw.yaml", &format!("{MAP}x\u{1b}[31m: 1\n"));
    place.write("bidi.yaml", &format!("{MAP}x\u{202e}: 1 # \u{2066}\n"));
    let name = "n\u{1b}[31m\u{9b}\u{202e}.yaml".to_owned();
    place.write(&name, &format!("{MAP}other: 1\n"));
    for file in ["m.yaml", "kind.yaml", "name.yaml", "raw.yaml", "bidi.yaml", &name] {
        for format in ["human", "json", "sarif", "github", "gitlab", "junit"] {
            let output = place.run(&["check", file, "--output", format]);
            assert_eq!(output.status.code(), Some(1), "{file:?} {format}");
            assert_eq!(obeyed(&said(&output)), [], "{file:?} {format}: {:?}", said(&output));
        }
    }
    let profile = "p\u{1b}[31m\u{202e}".to_owned();
    place.write(
        &format!("profiles/{profile}.yaml"),
        &format!("cluster: {evil}\n{evil}: 1\nlabels: {{{evil}: {evil}}}\n"),
    );
    // A profile that renders, and manifests for `graph` and `diff`.
    let escaped = |text: &str| {
        let escapes: String = text.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
        format!("\"{escapes}\"")
    };
    let evil = escaped(&format!("x{ESCAPES}y"));
    let fine = "f\u{1b}[31m\u{202e}";
    let gateway = fs::read_to_string(place.project.join("profiles/gateway.yaml")).unwrap();
    place.write(&format!("profiles/{fine}.yaml"), &format!("{gateway}annotations: {{a: {evil}}}\n"));
    assert_eq!(place.run(&["explain", fine]).status.code(), Some(0));
    let text = escaped(&format!("{evil}: {evil}\na: x{ESCAPES}\n"));
    for (file, value) in [("old.yaml", "\"1\""), ("new.yaml", evil.as_str())] {
        let labels = format!("{{app: {evil}, {evil}: {value}}}");
        let list = format!("[{value}, [{evil}, {{{evil}: {evil}}}]]");
        let map = format!("{MAP}data: {{{evil}: {value}, t: {text}}}\n{evil}: {list}\n");
        let other =
            format!("apiVersion: v1\nkind: {evil}\nmetadata: {{name: {evil}, namespace: {value}, labels: {labels}}}\n");
        place.write(file, &format!("{map}---\n{other}"));
    }
    assert_eq!(place.run(&["diff", "old.yaml", "new.yaml"]).status.code(), Some(1));
    assert_eq!(place.run(&["graph", "new.yaml"]).status.code(), Some(0));
    let set = format!("namespace=a{ESCAPES}");
    let field = format!("a{ESCAPES}=1");
    let option = format!("--no{ESCAPES}");
    for args in [
        &["render", "--all", "--out", "out"][..],
        &["render", &profile],
        &["render", ESCAPES],
        &["render", "gateway", "--env", ESCAPES],
        &["render", "gateway", "--set", &set],
        &["render", "gateway", "--set", &field],
        &["render", "gateway", "--only", ESCAPES],
        &["check", ESCAPES],
        &["check", "--only", ESCAPES, "m.yaml"],
        &["--project", ESCAPES, "profiles"],
        &["profiles"],
        &["rules", ESCAPES],
        &[ESCAPES],
        &[&option],
        &["images", &profile],
        &["kind", &profile],
        &["diff", "old.yaml", "new.yaml"],
        &["diff", "old.yaml", "new.yaml", "--output", "markdown"],
        &["diff", "old.yaml", "new.yaml", "--output", "json"],
        &["diff", "gateway", fine],
        &["graph", "new.yaml"],
        &["graph", "new.yaml", "--output", "dot"],
        &["graph", "new.yaml", "--output", "svg"],
        &["graph", "new.yaml", "--output", "html"],
        &["diff", "old.yaml", "new.yaml", "--output", "html"],
        &["explain", fine],
        &["explain", fine, "--unused"],
        &["explain", fine, "--output", "json"],
        &["explain", fine, "Service/datastorage"],
        &["explain", fine, "Service/datastorage", "--output", "json"],
        &["images", fine],
        &["kind", fine],
        &["render", fine],
    ] {
        let output = place.run(args);
        assert_eq!(obeyed(&said(&output)), [], "{args:?}: {:?}", said(&output));
    }
}

/// A secret appears in Secrets only, whatever fails and in every format.
#[test]
fn a_secret_is_in_secrets_only() {
    let place = Place::new();
    let profile = fs::read_to_string(place.project.join("profiles/gateway.yaml")).unwrap();
    place.write(
        "profiles/gateway.yaml",
        &format!("{profile}database: {{password: {SECRET}}}\nredis: {{password: {SECRET}-r}}\n"),
    );
    let output = place.run(&["render", "gateway"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let shows = |text: &str| text.contains(SECRET) || text.contains(ENCODED);
    assert!(!shows(&stderr(&output)));
    let bundle = String::from_utf8(output.stdout).unwrap();
    assert!(bundle.contains(ENCODED) && !bundle.contains(SECRET));
    for object in documents(&bundle) {
        assert!(object["kind"] == "Secret" || !shows(&object.to_string()), "{}", object["kind"]);
    }
    // The digest of a short password would reveal it.
    let folder = place.project.join("out");
    assert_eq!(place.run(&["render", "gateway", "--out", "out"]).status.code(), Some(0));
    let receipt = fs::read_to_string(folder.join(".plimsoll/gateway.e2e.json")).unwrap();
    assert!(!shows(&receipt), "{receipt}");
    // Values that are not strings, too long, or of two lines; wrong names next to them; invalid YAML around them.
    let wrong = [
        format!("database: {{password: [{SECRET}]}}\n"),
        format!("database: {{password: {{a: {SECRET}}}}}\n"),
        format!("database: {{password: \"{SECRET}\\nmore\"}}\n"),
        format!("database: {{password: {}}}\n", SECRET.repeat(100)),
        format!("database: {{password: {SECRET}, pasword: 1}}\n"),
        format!("database: {{password: {SECRET}\nx: [\n"),
        format!("database: {{password: {SECRET}}}\nnamespace: A_{{\n"),
        format!("database: {{password: {SECRET}}}\nnamespace: A_B\n"),
        format!("database: {{password: {SECRET}}}\nreplicas: 0\nenv: {{DB_PASSWORD: {SECRET}, \"a b\": x}}\n"),
    ];
    for text in wrong {
        place.write("profiles/gateway.yaml", &format!("{profile}{text}"));
        for args in [
            &["render", "gateway"][..],
            &["images", "gateway"],
            &["kind", "gateway"],
            &["profiles"],
            &["render", "--all", "--out", "out2"],
        ] {
            let output = place.run(args);
            assert!(!said(&output).contains(SECRET), "{args:?} with {text}: {}", said(&output));
        }
    }
    let set = format!("database.password=[{SECRET}\n");
    assert!(!said(&place.run(&["render", "gateway", "--set", &set])).contains(SECRET));
    // The bundle, checked as other manifests, with faults around the secret in either field.
    let written = bundle.replace("type: Opaque\ndata:", "type: Opaque\nstringData:").replace(ENCODED, SECRET);
    assert!(written.contains(SECRET));
    for (bundle, data) in [(&bundle, "\ndata:"), (&written, "stringData:")] {
        for (from, to) in [
            (data, data.to_lowercase().replace("data", "dta").as_str()),
            ("kind: Secret", "kind: Secrt"),
            ("type: Opaque", "type: [Opaque]"),
            ("name: PGPASSWORD", "name: PG PASSWORD"),
        ] {
            place.write("bundle.yaml", &bundle.replace(from, to));
            for format in ["human", "json", "sarif", "github", "gitlab", "junit"] {
                let output = place.run(&["check", "bundle.yaml", "--output", format]);
                if from != "kind: Secret" && from != data {
                    assert!(!shows(&said(&output)), "{from} {format}: {}", said(&output));
                }
            }
        }
    }
}

#[test]
fn a_diagram_contains_no_secret() {
    let place = Place::new();
    // `hunter2-correct-horse` as a name that no Service has.
    place.write(
        "bundle.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: a}\n\
         data: {host: aHVudGVyMi1jb3JyZWN0LWhvcnNl}\n---\n\
         apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app, namespace: a}\nspec:\n  \
         selector: {matchLabels: {app: app}}\n  template:\n    metadata: {labels: {app: app}}\n    spec:\n      \
         containers:\n      - name: app\n        image: app:1\n        env:\n        - name: PGHOST\n          \
         valueFrom: {secretKeyRef: {name: db, key: host}}\n",
    );
    for format in ["mermaid", "dot", "svg", "html"] {
        let output = place.run(&["graph", "bundle.yaml", "--output", format]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert!(said(&output).contains("•••"), "{}", said(&output));
        assert!(!said(&output).contains(SECRET), "{}", said(&output));
    }
}

#[test]
fn a_variable_named_like_a_password_is_shown_nowhere() {
    let place = Place::new();
    let profile = fs::read_to_string(place.project.join("profiles/gateway.yaml")).unwrap();
    place.write("secret.txt", SECRET);
    for (text, set) in [
        (format!("env: {{DB_PASSWORD: {SECRET}}}\n"), &[][..]),
        (format!("env: {{DB_PASSWORD: {SECRET}, OTHER: [1]}}\n"), &[]),
        (format!("env: {{DB_PASSWORD: [{SECRET}]}}\n"), &[]),
        (format!("env: {{DB_PASSWORD: {SECRET}}}\n"), &["--set", "env.DB_PASSWORD=other"]),
        (String::new(), &["--set-file", "env.DB_PASSWORD=secret.txt"]),
        (String::new(), &["--set", "env.DB_PASSWORD=hunter2-correct-horse"]),
    ] {
        place.write("profiles/gateway.yaml", &format!("{profile}{text}"));
        for args in [
            &["render", "gateway"][..],
            &["explain", "gateway"],
            &["explain", "gateway", "--output", "json"],
            &["explain", "gateway", "--unused"],
            &["graph", "gateway", "--output", "html"],
        ] {
            let output = place.run(&[args, set].concat());
            let shown = if args[0] == "render" { stderr(&output) } else { said(&output) };
            assert!(!shown.contains(SECRET), "{args:?} {set:?} with {text}: {shown}");
        }
    }
    // Without `env`, and without a space; the values next to it are shown.
    for text in [
        format!("  URL: \"{{user: a, password: {SECRET}}}\"\n  LEVEL: shown-b\n"),
        format!("env: {{DB_PASSWORD:{SECRET}, LEVEL: shown-b, a b: 1}}\n"),
        format!("env: {{URL: \"{{user: a, password: {SECRET}}}\", LEVEL: shown-b, a b: 1}}\n"),
    ] {
        place.write("values.yaml", &text);
        place.write("profiles/gateway.yaml", &profile);
        for args in [&["render", "gateway"][..], &["explain", "gateway"]] {
            let told = stderr(&place.run(&[args, &["--values", "values.yaml"]].concat()));
            assert!(told.contains("values.yaml") && !told.contains(SECRET), "{text}: {told}");
            assert!(told.contains("LEVEL: shown-b") || text.starts_with(' '), "{text}: {told}");
        }
    }
    place.write("values.yaml", &format!("env: {{DB_PASSWORD:{SECRET}, LEVEL: shown-b}}\n"));
    for last in [&[][..], &["--unused"], &["--output", "json"]] {
        let told = said(&place.run(&[&["explain", "gateway", "--values", "values.yaml"], last].concat()));
        assert!(!told.contains(SECRET), "{told}");
    }
    // For a name in the schema, the schema decides.
    let output = place.run(&["explain", "gateway"]);
    assert!(said(&output).contains("runtime.secret"), "{}", said(&output));
    let line = said(&output).lines().find(|line| line.contains("runtime.secret")).unwrap_or_default().to_owned();
    assert!(!line.contains("•••"), "{line}");
}

#[test]
fn a_secret_inside_a_set_mapping_is_not_shown() {
    let place = Place::new();
    for set in [
        format!("database={{password: \"{SECRET}\\n\"}}"),
        format!("database={{pasword: \"{SECRET}\"}}"),
        format!("database={{password: \"{SECRET}}}"),
        format!("database={{password: {SECRET}"),
        format!("database={{password: [{SECRET}}}"),
        format!("database={{password: {SECRET}, nmae: 1}}"),
        format!("database={{password: {{a: {SECRET}}}}}"),
        format!("database={{password: {SECRET}, password: 1}}"),
        format!("database=password: {SECRET}"),
        format!("env={{DB_PASSWORD: {SECRET}, A: [1]}}"),
        format!("env={{DB_PASSWORD: \"{SECRET}\\q\"}}"),
    ] {
        let output = place.run(&["render", "gateway", "--set", &set]);
        assert_eq!(output.status.code(), Some(1), "{set}: {}", stderr(&output));
        assert!(!said(&output).contains(SECRET), "{set}: {}", said(&output));
        // Values that are not secret are shown.
        let output = place.run(&["render", "gateway", "--set", "labels={a: [1}"]);
        assert!(stderr(&output).contains("{a: [1}") || stderr(&output).contains("no field"), "{}", stderr(&output));
    }
}

/// A value after a sign other than `=` is secret as well.
#[test]
fn a_mistyped_argument_shows_no_value() {
    let place = Place::new();
    let typed = |argument: String| {
        ["--set", "--set-file"].map(|option| stderr(&place.run(&["render", "gateway", option, &argument]))).concat()
    };
    for argument in [
        format!("database.password:{SECRET}"),
        format!("database.password {SECRET}"),
        format!("database.password:{SECRET}=="),
        format!("database.password.{SECRET}"),
        format!("database.password-{SECRET}"),
        format!("database.password=={SECRET}"),
        format!("database.pw={SECRET}"),
        format!("env.DB_PASSWORD:{SECRET}"),
        format!("env.DB_PASSWORD:{SECRET}=1"),
        format!("env.DB_PASSWORD.{SECRET}"),
        SECRET.to_owned(),
        format!("database={{password: {SECRET}, user: a}}"),
        format!("databas={{password: \"{SECRET}\", user: a}}"),
        format!("databas={{pasword: \"{SECRET}\""),
        format!("en={{API_TOKEN: {SECRET}, A: [}}"),
        format!("databas=e={{password: \"{SECRET}\", user: a}}"),
        format!("env={{API_TOKEN: {SECRET}, A: [}}"),
        format!("datab:ase={{password: \"{SECRET}\", user: a}}"),
    ] {
        let told = typed(argument.clone());
        assert!(told.contains("-->") && !told.contains(SECRET), "{argument}: {told}");
    }
    // A file that does not exist: its name may be the password.
    let told = stderr(&place.run(&["render", "gateway", "--set-file", &format!("database.password={SECRET}")]));
    assert!(told.contains("cannot read `•••`"), "{told}");
    // Without `--set` it is read as a profile.
    for sign in ["=", ":"] {
        let argument = format!("database.password{sign}{SECRET}");
        for command in ["render", "explain", "images"] {
            let told = said(&place.run(&[command, &argument]));
            assert!(told.contains("database.password") && !told.contains(SECRET), "{told}");
        }
        for command in ["render", "explain", "images"] {
            assert!(!said(&place.run(&[command, "gateway", &argument])).contains(SECRET), "{command} {argument}");
        }
    }
    // Names, and values that are not secret, are shown.
    for (argument, shown) in [
        (format!("database.password:{SECRET}"), "1 | database.password•••"),
        ("database.user".to_owned(), "1 | database.user\n"),
        ("replicas=many".to_owned(), "1 | replicas=many"),
        ("expose.nodeprot=30082".to_owned(), "1 | expose.nodeprot=30082"),
        ("database=shown.yaml".to_owned(), "1 | database=shown.yaml"),
    ] {
        let told = typed(argument.clone());
        assert!(told.contains(shown), "{argument}: {told}");
    }
}

/// The output for manifests of every command that reads them.
fn printed(place: &Place, text: &str) -> Vec<(String, String)> {
    place.write("bundle.yaml", text);
    place.write("other.yaml", MAP);
    let commands: &[&[&str]] = &[
        &["check", "bundle.yaml"],
        &["check", "bundle.yaml", "--output", "json"],
        &["check", "bundle.yaml", "--output", "sarif"],
        &["check", "bundle.yaml", "--output", "github"],
        &["diff", "other.yaml", "bundle.yaml"],
        &["diff", "bundle.yaml", "other.yaml", "--output", "json"],
        &["graph", "bundle.yaml"],
        &["graph", "bundle.yaml", "--output", "html"],
        &["diff", "other.yaml", "bundle.yaml", "--output", "html"],
    ];
    commands.iter().map(|args| (args.join(" "), said(&place.run(args)))).collect()
}

/// A Pod with an unknown field in the line of its container, so that the line is shown.
fn faulty_pod(container: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n  \
         - {{name: shown-a, image: a:1, imge: b, {container}}}\n"
    )
}

fn config_map(data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: shown-a}}\n{data}\n")
}

/// Asserts, for manifests with `secret` and `shown-b` in the same place, that only the latter is printed.
fn assert_hidden(place: &Place, secret: &str, text: &str) {
    let printed = printed(place, text);
    for (command, output) in &printed {
        assert!(!output.contains(secret), "{command} of {text}: {output}");
    }
    assert!(printed[0].1.contains("shown-a") || printed[0].1.contains("shown-b"), "{text}: {}", printed[0].1);
    assert!(printed[4].1.contains("shown-b") && printed[4].1.contains("•••"), "{text}: {}", printed[4].1);
}

/// Asserts that strings which resemble a secret but are not are printed by a diff.
fn assert_shown(place: &Place, words: &str, text: &str) {
    for (command, output) in printed(place, text).iter().filter(|(command, _)| command.starts_with("diff other")) {
        assert!(output.contains(words), "{command}: {output}");
    }
}

/// The user and the database of a Secret are common names of objects and are shown; its password is not.
#[test]
fn users_and_hosts_are_redacted_in_their_secret_only() {
    let place = Place::new();
    place.write(
        "postgres.yaml",
        &format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: db}}\n\
             stringData: {{POSTGRES_USER: postgres, username: reader, POSTGRES_PASSWORD: {SECRET}, db-host: 'x://u:{SECRET}-2@h'}}\n\
             ---\napiVersion: v1\nkind: Pod\nmetadata: {{name: postgres}}\n\
             spec: {{containers: [{{name: postgres, image: 'postgres:16', imagePullPolicy: 'reader {SECRET} {SECRET}-2'}}]}}\n"
        ),
    );
    let output = place.run(&["check", "postgres.yaml"]);
    let text = said(&output);
    assert!(text.contains("{name: postgres, image: 'postgres:16', imagePullPolicy: 'reader ••• •••'}"), "{text}");
    assert!(text.contains("Pod/postgres spec.containers[0].imagePullPolicy"), "{text}");
    assert!(!text.contains(SECRET), "{text}");
    place.write(
        "broken.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db, x: 1}\nstringData: {user: reader, x: 1, token: abcdef}\n",
    );
    let text = said(&place.run(&["check", "broken.yaml"]));
    assert!(text.contains("error[") && !text.contains("reader") && !text.contains("abcdef"), "{text}");
}

/// The data of a Secret is redacted where it is repeated.
#[test]
fn a_secret_repeated_elsewhere_is_not_shown() {
    let place = Place::new();
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData: {{any: {SECRET}}}\n---\n{}---\n",
        config_map("data: {a: shown-b}")
    );
    for container in [
        format!("args: [--mode, {SECRET}]"),
        format!("workingDir: \"/x/{SECRET}/y\""),
        format!("imgee: {SECRET}"),
        format!("env: [{{name: {SECRET}, value: a}}]"),
    ] {
        assert_hidden(&place, SECRET, &format!("{secret}{}", faulty_pod(&container)));
    }
    let commented = faulty_pod("args: [a]").replace("args: [a]}", &format!("args: [a]}} # {SECRET}"));
    assert_hidden(&place, SECRET, &format!("{secret}{commented}"));
}

/// A Secret that contains the names of other objects hides neither these nor words of messages.
#[test]
fn a_secret_that_is_a_name_hides_no_names() {
    let place = Place::new();
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n\
                stringData: {A: frontend, B: front, C: containers, D: duplicate, E: metadata, F: sunshine}\n---\n\
                apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: frontend}\nspec:\n  \
                selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      \
                restartPolicy: sunshine\n      containers:\n      - name: front-end\n        image: a:1\n        \
                ports: [{containerPort: 40960}, {containerPort: 40960}]\n";
    for (command, output) in printed(&place, text) {
        assert!(output.contains("frontend") || command.ends_with("github"), "{command}: {output}");
        assert!(!output.contains("sunshine"), "{command}: {output}");
        if command.starts_with("check") {
            let path = "spec.template.spec.containers[0].ports[1]";
            assert!(output.contains(path) || command.ends_with("github"), "{command}: {output}");
            assert!(output.contains("duplicate port 40960/TCP"), "{command}: {output}");
        }
    }
}

/// The rest of a script, an argument, a variable or a config file around a fault is not shown.
#[test]
fn an_excerpt_shows_keys_and_what_is_underlined() {
    let place = Place::new();
    place.write(
        "bundle.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  app.env: |\n    \
         DB_HOST=postgrs\n    url: \"http://api-gatway:8080/first?of=all second\"\n---\n\
         apiVersion: v1\nkind: Service\nmetadata: {name: postgres}\nspec: {selector: {app: web}, ports: [{port: 5432}]}\n---\n\
         apiVersion: v1\nkind: Service\nmetadata: {name: api-gateway}\nspec: {selector: {app: web}, ports: [{port: 8080}]}\n---\n\
         apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: web}}\nspec:\n  containers:\n  - name: web\n    \
         image: 'a:1'\n    args: [--mode=first, 'third --api=http://api-gatway:8080/second']\n    \
         env: [{name: API, value: 'http://api-gatway:8080/third'}]\n    \
         envFrom: [{configMapRef: {name: web}}]\n",
    );
    let told = said(&place.run(&["check", "bundle.yaml"]));
    for shown in [
        "DB_HOST=postgrs",
        "url: \"•••api-gatway•••",
        "args: [--mode=•••, '•••api-gatway•••",
        "value: '•••api-gatway•••",
    ] {
        assert!(told.contains(shown), "{shown}: {told}");
    }
    for hidden in ["first", "second", "third"] {
        assert!(!told.contains(hidden), "{hidden}: {told}");
    }
}

/// A password in a string is redacted: in a URL, an option, an assignment or a config file.
#[test]
fn a_password_in_a_string_is_not_shown() {
    let place = Place::new();
    let (pod, map) = (faulty_pod, config_map);
    for text in [
        pod(&format!("env: [{{name: DATABASE_URL, value: \"postgres://app:{SECRET}@shown-b:5432/x\"}}]")),
        pod(&format!("env: [{{name: REDIS, value: \"redis://:{SECRET}@shown-b\"}}]")),
        pod(&format!("env: [{{name: DSN, value: \"host=shown-b password={SECRET}\"}}]")),
        pod(&format!("env: [{{name: DSN, value: \"app:{SECRET}@tcp(shown-b:3306)/x\"}}]")),
        pod(&format!("env: [{{name: JSON, value: '{{\"host\":\"shown-b\",\"password\":\"{SECRET}\"}}'}}]")),
        pod(&format!(
            "env: [{{name: JSON, value: \"{{\\\"host\\\":\\\"shown-b\\\",\\\"token\\\":\\\"{SECRET}\\\"}}\"}}]"
        )),
        pod(&format!("command: [shown-b, --requirepass, {SECRET}]")),
        pod(&format!("command: [shown-b, --password, {SECRET}]")),
        pod(&format!("command: [shown-b, --password, {SECRET} x: 1]")),
        pod(&format!("command: [shown-b, \"--password={SECRET}\"]")),
        pod(&format!("command: [shown-b, --requirepass], args: [{SECRET}]")),
        pod(&format!("readinessProbe: {{exec: {{command: [redis-cli, -h, shown-b, -a, {SECRET}]}}}}")),
        pod(&format!("command: [sh, -c, \"redis-cli -h shown-b -a {SECRET} ping\"]")),
        pod(&format!("command: [sh, -c, \"PGPASSWORD={SECRET} psql -h shown-b\"]")),
        map(&format!("data: {{DB_PASSWORD: {SECRET}, shown-b: 1}}")),
        map(&format!("data: {{url: \"redis://:{SECRET}@shown-b\", b: 1}}")),
        map(&format!("data:\n  shown-b: |\n    database:\n      password: {SECRET}\n  c: 1")),
        map(&format!("data: {{shown-b.yaml: \"a: b\\npassword: {SECRET}\\n\", c: 1}}")),
    ] {
        assert_hidden(&place, SECRET, &text);
    }
    // Strings without a password are shown unchanged.
    for words in [
        "http://example.com:8080/a@b",
        "postgres://app@db:5432/x",
        "postgres://app:$(PASSWORD)@db/x",
        "psql --no-password --file /x -h db -U app",
        "cp -a /from /to",
        "PGPASSWORD=$PASSWORD psql -h db",
        "x --token-file=/run/token --secret-name app",
    ] {
        assert_shown(&place, words, &pod(&format!("args: [\"{words}\"]")));
    }
    // The same in the files of a project.
    place.write("values.yaml", &format!("databse: {{user: a}} # postgres://app:{SECRET}@db/x\n"));
    let told = stderr(&place.run(&["render", "gateway", "--values", "values.yaml"]));
    assert!(told.contains("postgres://app:•••@db/x"), "{told}");
    let profile = fs::read_to_string(place.project.join("profiles/gateway.yaml")).unwrap();
    place.write("profiles/gateway.yaml", &format!("{profile}env: {{URL: \"redis://:{SECRET}@db:1\"}}\n"));
    for args in [&["explain", "gateway"][..], &["explain", "gateway", "Deployment/datastorage"]] {
        let told = said(&place.run(args));
        assert!(told.contains("redis://:•••@db:1") && !told.contains(SECRET), "{told}");
    }
}

/// Options take a password depending on their program, in a list of words and in a script.
#[test]
fn a_password_of_a_command_is_not_shown() {
    let place = Place::new();
    let (pod, map) = (faulty_pod, config_map);
    for text in [
        pod(&format!("command: [mysql, -h, shown-b, -p{SECRET}]")),
        pod(&format!("command: [mysql, -h, shown-b], args: [-p{SECRET}, app]")),
        pod(&format!("command: [curl, -sSu, \"me:{SECRET}\", http://shown-b]")),
        pod(&format!("command: [curl, --user, \"me:{SECRET}\", http://shown-b]")),
        pod(&format!("command: [sshpass, -p, {SECRET}, ssh, shown-b]")),
        pod(&format!("command: [mongosh, --host, shown-b, -p, {SECRET}]")),
        pod(&format!("command: [docker, login, -u, shown-b, -p, {SECRET}]")),
        pod(&format!("command: [sh, -c, \"mysqldump -h shown-b -p{SECRET} app | gzip\"]")),
        pod(&format!("command: [sh, -c, \"set -e; curl -u me:{SECRET} http://shown-b\"]")),
        pod(&format!("command: [sh, -c, \"wget --password={SECRET} http://shown-b\"]")),
        pod(&format!("command: [sh, -c, 'mysql -h shown-b -p\"{SECRET}\"']")),
        map(&format!("data:\n  run.sh: |\n    mysql -h shown-b \\\n      -p{SECRET}\n  c: 1")),
    ] {
        assert_hidden(&place, SECRET, &text);
    }
    for words in [
        "server -p 8080 -u me:main -a all -w wide",
        "docker run --user 1000:1000 -p 8080:80 app",
        "mysql -p app -P 3306",
        "mysql -p$PASSWORD; ssh -p2222 host",
        "sshpass -e ssh -p 2222 host",
        "curl -u $NAME:$PASSWORD http://host",
        "kubectl login -p 1",
    ] {
        assert_shown(&place, words, &pod(&format!("args: [\"{words}\"]")));
    }
    let words = ["-p, app, -P3306", "-p, \"8080\", -u, me:main"];
    for (program, words) in ["mysql", "server"].into_iter().zip(words) {
        let told = &printed(&place, &pod(&format!("command: [{program}, {words}]")))[4].1;
        assert!(words.split(", ").all(|word| told.contains(word)), "{told}");
    }
}

/// Tokens in the user part of URLs, headers, and credentials of image and package registries.
#[test]
fn credentials_are_not_shown() {
    let place = Place::new();
    let (pod, map) = (faulty_pod, config_map);
    for (secret, texts) in [
        (
            "ghp_sunflowersunflower",
            vec![
                pod("env: [{name: A, value: \"https://ghp_sunflowersunflower@shown-b/x\"}]"),
                pod("args: [\"--from=https://ghp_sunflowersunflower:x-oauth-basic@shown-b\"]"),
                map("data: {url: \"https://ghp_sunflowersunflower@shown-b\", b: 1}"),
            ],
        ),
        ("3f9c2d4e5a6b7c8d", vec![pod("args: [\"https://3f9c2d4e5a6b7c8d@shown-b/x\"]")]),
        (
            SECRET,
            vec![
                pod(&format!("args: ['curl -H \"Authorization: Bearer {SECRET}\" http://shown-b']")),
                pod(&format!("args: [curl, -H, \"Authorization: Bearer {SECRET}\", http://shown-b]")),
                map(&format!("data: {{authorization: Bearer {SECRET}, shown-b: 1}}")),
                map(&format!("data:\n  .npmrc: |\n    shown-b=1\n    //a.b/:_authToken={SECRET}\n  c: 1")),
                map(&format!("data:\n  .npmrc: |\n    shown-b=1\n    //a.b/:_auth={SECRET}\n  c: 1")),
                map(&format!("data:\n  a.json: '{{\"auths\": {{\"shown-b\": {{\"auth\": \"{SECRET}\"}}}}}}'\n  c: 1")),
            ],
        ),
        (
            "bWU6aHVudGVyMg",
            vec![
                pod("readinessProbe: {httpGet: {port: 1, path: /shown-b, httpHeaders: \
                     [{name: Authorization, value: Basic bWU6aHVudGVyMg}]}}"),
                pod("env: [{name: REGISTRY_AUTH, value: bWU6aHVudGVyMg}, {name: A, value: shown-b}]"),
                map("data: {.dockerconfigjson: bWU6aHVudGVyMg==, shown-b: 1}"),
                map("data:\n  app.yaml: |\n    auth: bWU6aHVudGVyMg==\n    shown-b: 1\n  c: 1"),
            ],
        ),
    ] {
        for text in texts {
            assert_hidden(&place, secret, &text);
        }
    }
    for words in [
        "ssh://git@host/x",
        "https://deploy-bot-2024-production@host/x",
        "Authorization: Bearer $TOKEN",
        "auth: basic",
        "auth: true",
        "authMode: x",
        "auth: oauth2-proxy",
    ] {
        assert_shown(&place, words, &pod(&format!("args: [\"{words}\"]")));
        let told = &printed(&place, &map(&format!("data:\n  app.yaml: |\n    {words}\n    b: 1\n")))[4].1;
        assert!(told.contains(words), "{words}: {told}");
    }
    for field in ["auth: true", "auth: {a: shown}", "auth: basic", "authorization: webhook", "authMode: x"] {
        let text = format!("apiVersion: a.b/v1\nkind: Thing\nmetadata: {{name: a}}\nspec: {{b: c, {field}}}\n");
        let told = &printed(&place, &text)[4].1;
        assert!(told.contains(field.trim_end_matches('}')) || told.contains("a: shown"), "{field}: {told}");
    }
    // In a profile, under names that the schema does not define.
    let profile = fs::read_to_string(place.project.join("profiles/gateway.yaml")).unwrap();
    place.write("profiles/gateway.yaml", &format!("{profile}env: {{BASIC_AUTH: bWU6aHVudGVyMg, A_AUTH: basic}}\n"));
    let told = said(&place.run(&["explain", "gateway"]));
    assert!(!told.contains("bWU6aHVudGVyMg") && told.contains("basic"), "{told}");
}

/// A password that is an ordinary word is redacted where it is written and where a message quotes it, not elsewhere.
#[test]
fn a_password_that_is_a_word_is_not_quoted() {
    let place = Place::new();
    let text = |policy: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  restartPolicy: {policy}\n  containers:\n  \
             - name: shown-a\n    image: a:1\n    args: [--password, sunshine]\n"
        )
    };
    for (policy, quoted) in [("sunshine", "`•••`"), ("moonshine", "`moonshine`")] {
        place.write("bundle.yaml", &text(policy));
        for format in ["json", "github", "sarif", "gitlab", "junit"] {
            let told = said(&place.run(&["check", "bundle.yaml", "--output", format]));
            assert!(told.contains(quoted) && !told.contains("`sunshine`"), "{told}");
        }
    }
    place.write("new.yaml", &text("moonshine").replace("sunshine", "daylight"));
    let told = said(&place.run(&["diff", "bundle.yaml", "new.yaml"]));
    assert!(told.contains("args") && !told.contains("sunshine ") && !told.contains("daylight"), "{told}");
}

/// Names that mention secrets, and secrets that are ordinary words, do not hide anything else.
#[test]
fn ordinary_words_are_shown() {
    let place = Place::new();
    let config = format!(
        "secretsBackend: kubernetes\n    tokenFormat: header\n    max_tokens: 40960\n    token: kubernetes\n    \
         password: app-default\n    tokenUrl: http://shown-a\n    db_password: {SECRET}\n"
    );
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: app-default, namespace: default}}\n\
         data:\n  app.yaml: |\n    {config}---\n\
         apiVersion: v1\nkind: Pod\nmetadata: {{name: header, namespace: default}}\nspec:\n  containers:\n  \
         - name: main\n    image: ghcr.io/acme/token-service:v1\n    env:\n    \
         - {{name: SECRET_NAMESPACE, value: default}}\n    - {{name: API_TOKEN, value: default}}\n    \
         - {{name: DB_PASSWORD, value: {SECRET}}}\n    \
         ports: [{{containerPort: 40960}}, {{containerPort: 40960}}]\n    \
         envFrom: [{{configMapRef: {{name: kubernetes-header}}}}, {{configMapRef: {{name: app-default}}}}]\n---\n\
         apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {{name: a, namespace: default}}\n\
         spec: {{data: [{{secretKey: password, remoteRef: {{key: a}}}}]}}\n---\n\
         apiVersion: example.com/v1\nkind: Model\nmetadata: {{name: a, namespace: default}}\n\
         spec: {{maxTokens: 4096, passport: google, tokenExpiration: 1h, existingSecret: db-one, \
         to: [{{group: one, kind: Secret}}], ignore: [{{kind: Secret, jsonPointers: [/one]}}]}}\n"
    );
    let printed = printed(&place, &text);
    for (command, output) in &printed {
        assert!(!output.contains(SECRET), "{command}: {output}");
    }
    for (command, output) in printed.iter().take(4) {
        for shown in ["duplicate port 40960/TCP", "ConfigMap `kubernetes-header` not found in namespace `default`"] {
            assert!(output.contains(shown), "{command}: {output}");
        }
    }
    for shown in ["\"namespace\": \"default\"", "\"name\": \"header\""] {
        assert!(printed[1].1.contains(shown), "{shown}: {}", printed[1].1);
    }
    for shown in
        ["token-service:v1", "secretsBackend: kubernetes", "tokenFormat: header", "max_tokens: 40960", "http://shown-a"]
    {
        assert!(printed[4].1.contains(shown), "{shown}: {}", printed[4].1);
    }
    let changes = [
        ("token-service:v1", "token-service:v2", "token-service:v1 -> ghcr.io/acme/token-service:v2"),
        ("secretsBackend: kubernetes", "secretsBackend: vault", "+ secretsBackend: vault"),
        ("secretKey: password", "secretKey: passphrase", "password -> passphrase"),
        ("maxTokens: 4096", "maxTokens: 8192", "4096 -> 8192"),
        ("passport: google", "passport: github", "google -> github"),
        ("tokenExpiration: 1h", "tokenExpiration: 2h", "1h -> 2h"),
        ("existingSecret: db-one", "existingSecret: db-two", "db-one -> db-two"),
        ("group: one", "group: two", "one -> two"),
        ("[/one]", "[/two]", "/one -> /two"),
    ];
    let changed = changes.iter().fold(text, |text, (from, to, _)| text.replace(from, to));
    place.write("new.yaml", &changed);
    let told = said(&place.run(&["diff", "bundle.yaml", "new.yaml"]));
    for (_, _, shown) in changes {
        assert!(told.contains(shown), "{shown}: {told}");
    }
}

/// In objects as in config files: in lists, by names, and under keys that look like references to a Secret.
#[test]
fn a_list_of_passwords_is_not_shown() {
    let place = Place::new();
    let object = |spec: &str| format!("apiVersion: a.b/v1\nkind: Thing\nmetadata: {{name: a}}\nspec: {{{spec}}}\n");
    for spec in [
        format!("passwords: [{SECRET}]"),
        format!("passwords: [one, {SECRET}]"),
        format!("tokens: {{a: {SECRET}}}"),
        format!("clientSecret: {SECRET}"),
        format!("secret: {SECRET}_1"),
        format!("webhookSecret: \"{SECRET}=\""),
        format!("a: {{passwords: {{b: {SECRET}}}}}"),
        format!("sql: \"ALTER USER u WITH PASSWORD '{SECRET}'\""),
        format!("script: 'if password == \"{SECRET}\" {{'"),
    ] {
        let text = object(&spec);
        for (command, output) in printed(&place, &text) {
            assert!(!output.contains(SECRET), "{command} of {text}: {output}");
        }
        place.write("new.yaml", &text.replace(SECRET, "another-2"));
        for (old, new) in [("bundle.yaml", "new.yaml"), ("new.yaml", "bundle.yaml")] {
            let told = said(&place.run(&["diff", old, new]));
            assert!(!told.contains(SECRET) && !told.contains("another-2") && told.contains("change"), "{text}: {told}");
        }
    }
    for (from, to) in
        [("passwords: [one]", "passwords: [one, hunter22]"), ("a: {passwords: [b, hunter22]}", "a: {b: 1}")]
    {
        place.write("bundle.yaml", &object(from));
        place.write("new.yaml", &object(to));
        let told = said(&place.run(&["diff", "bundle.yaml", "new.yaml"]));
        assert!(!told.contains("hunter22"), "{told}");
    }
    let place =
        Place::with_template(&object(&format!("passwords: [{SECRET}], env: [{{name: DB_PASSWORD, value: {SECRET}}}]")));
    for field in ["spec.passwords", "spec.passwords[0]", "spec.env[0].value", "spec.env[DB_PASSWORD].value"] {
        let told = said(&place.run(&["explain", "gateway", "Thing/a", field]));
        assert!(told.contains("•••") && !told.contains(SECRET), "{field}: {told}");
    }
}

#[test]
fn a_config_file_is_explained_without_its_password() {
    let place =
        Place::with_template(&format!("{MAP}data: {{app.yaml: {{$yaml: {{user: me, password: {SECRET}}}}}}}\n"));
    let explain = |field: &[&str]| said(&place.run(&[&["explain", "gateway", "ConfigMap/x"][..], field].concat()));
    assert!(explain(&[]).contains("user: me") && !explain(&[]).contains(SECRET), "{}", explain(&[]));
    assert!(explain(&["data[app.yaml].user"]).contains("me"));
    let told = explain(&["data[app.yaml].password"]);
    assert!(told.contains("•••") && !told.contains(SECRET), "{told}");
}

/// A string literal in an expression may be the secret that it yields; the values that it reads are shown.
#[test]
fn an_expression_is_explained_without_the_secret_in_it() {
    let place = Place::with_template(&format!(
        "{MAP}data: {{DB_PASSWORD: \"{{{{ cluster or '{SECRET}' }}}}\", b: \"{{{{ cluster or 'some-words' }}}}\"}}\n"
    ));
    for format in ["terminal", "json"] {
        let told = |field: &str| said(&place.run(&["explain", "gateway", "ConfigMap/x", field, "--output", format]));
        let (secret, other) = (told("data.DB_PASSWORD"), told("data.b"));
        assert!(secret.contains("cluster or '•••'") && !secret.contains(SECRET), "{secret}");
        assert!(other.contains("cluster or 'some-words'"), "{other}");
    }
}

/// In a string of an object, names have the same meaning as in objects: for values below and next to them, and for
/// Secrets.
#[test]
fn a_secret_in_a_string_of_an_object_is_not_shown() {
    let place = Place::new();
    for (file, text, shown) in [
        ("a.yaml", format!("tokens:\n  ci: {SECRET}\nlevel: shown-b\n"), "shown-b"),
        ("a.yaml", format!("passwords:\n- {SECRET}\nlevel: shown-b\n"), "shown-b"),
        ("a.yaml", format!("env:\n- name: DB_PASSWORD\n  value: {SECRET}\n- name: A\n  value: shown-b\n"), "shown-b"),
        ("a.yaml", format!("headers:\n- name: Authorization\n  value: Bearer {SECRET}\nlevel: shown-b\n"), "shown-b"),
        ("a.yaml", format!("kind: Secret\nstringData:\n  host: \"{SECRET}\"\n---\nlevel: shown-b\n"), "shown-b"),
        ("a.xml", format!("<a>\n<password>{SECRET}</password>\n<level>shown-b</level>\n</a>\n"), "shown-b"),
        ("a.env", format!("A=shown-b\nDSN=Server=a;Uid=b;Pwd={SECRET};C=d\n"), "shown-b"),
        ("a.env", format!("A=shown-b\nDB_PASSWORD=a,*{SECRET}\n"), "shown-b"),
    ] {
        let map = |text: &str| config_map(&format!("data:\n  {file}: {}", json!(text)));
        for (command, output) in printed(&place, &map(&text)) {
            assert!(!output.contains(SECRET), "{command} of {text}: {output}");
        }
        place.write("new.yaml", &map(&text.replace(SECRET, "another-2").replace(shown, "shown-c")));
        for format in ["terminal", "markdown", "json"] {
            let told = said(&place.run(&["diff", "bundle.yaml", "new.yaml", "--output", format]));
            assert!(!told.contains(SECRET) && !told.contains("another-2"), "{text}: {told}");
            assert!(told.contains("shown-c") || file != "a.yaml" && format == "markdown", "{text}: {told}");
        }
    }
    // A host is distinguished from the secret next to it.
    let text = "kind: Secret\nstringData: {host: \"hidden-b9\"}\n---\nhost: shown-b\n";
    let printed = printed(&place, &config_map(&format!("data:\n  a.yaml: {}", json!(text))));
    for at in [0, 6] {
        assert!(printed[at].1.contains("shown-b") && !printed[at].1.contains("hidden-b9"), "{}", printed[at].1);
    }
}

/// `kubectl apply` stores the applied object in an annotation, including the data of a Secret.
#[test]
fn the_annotation_that_repeats_an_object_is_not_shown() {
    let place = Place::new();
    let applied = json!({"kind": "Secret", "data": {"host": SECRET}}).to_string();
    for kind in ["Secret", "ConfigMap"] {
        for value in [json!(applied).to_string(), format!("|\n      {applied}"), format!("'{applied}'")] {
            let text = format!(
                "apiVersion: v1\nkind: {kind}\nmetadata:\n  name: a\n  annotations:\n    shown-b: 1\n    \
                 kubectl.kubernetes.io/last-applied-configuration: {value}\n"
            );
            for (command, output) in printed(&place, &text) {
                assert!(!output.contains(SECRET), "{command} of {text}: {output}");
            }
            place.write("new.yaml", &text.replace(SECRET, "another"));
            let told = said(&place.run(&["diff", "bundle.yaml", "new.yaml"]));
            assert!(told.contains("last-applied-configuration") && !told.contains(SECRET), "{told}");
        }
    }
    assert!(said(&place.run(&["check", "bundle.yaml"])).contains("shown-b"));
}

/// Secrets with a letter or a line too many or too few, as edits and merges leave them.
#[test]
fn a_torn_secret_is_redacted() {
    let place = Place::new();
    for text in [
        format!("kind: Secrt\nmetadata: {{name: a}}\nstringData: {{host: {SECRET}}}"),
        format!("kind: secret\nmetadata: {{name: a}}\ndata: {{host: {SECRET}}}"),
        format!("kind: Secret\nmeta data: {{name: a}}\nstringData: {{host: {SECRET}}}"),
        format!("kind: Secret\nmetadata:\n  name: a\n  host: {SECRET}"),
        format!("kind: Secret\nmetadata: {{name: a}}\nstringData: {{host: 1, more \"{SECRET}\"}}"),
        format!("kind: Secret\nmetadata: {{name: a}}\nstringData: {{\"{SECRET}=\"}}"),
        format!("kind: Secret\nmetadata: {{name: a}}\n\n    {SECRET}, more: 1}}\nstringData: {{host: b"),
        format!("knd: Secret\nmetadata: {{name: a}}\ndata: {{host: {SECRET}"),
        format!("kind: List\nitems:\n- kind: Secret\n  data: {{host: {SECRET}}}\n  x: y"),
        format!("kind: Lst\nitems:\n- kind: Secret\n  metadata: {{name: a}}\n  data: {{host: {SECRET}}}"),
        format!("kind: Pod\nspec:\n  containers:\n  - env:\n    - {{name: DB_PASWORD, value: {SECRET}, x: y}}"),
        format!("kind: Pod\nspec:\n  containers:\n  - evn:\n    - {{name: DB_PASSWORD, value: {SECRET}, x: y}}"),
    ] {
        let text = format!("apiVersion: v1\n{text}\n");
        for (command, output) in printed(&place, &text) {
            assert!(!output.contains(SECRET), "{command} of {text}: {output}");
        }
    }
    // References to a Secret are shown, and so are keys, including invalid ones.
    for (text, shown) in [
        ("kind: Secret\nmetadata: {name: a, labls: shown}\ndata: {some-key: 1}", "labls"),
        ("kind: Secret\nmetadata: {name: a}\ndata: {some-key: 1, b: [x]}", "some-key"),
        ("kind: Pod\nmetadata: {name: a}\nspec: {imagePullSecrets: [{name: some-name, nam: 1}]}", "some-name"),
        ("kind: Pod\nspec: {volumes: [{name: v, secret: {secretName: some-name, x: y}}]}", "some-name"),
        ("kind: Pod\nmetadata: {ownerReferences: [{kind: Secret, name: some-name, x: y}]}", "some-name"),
    ] {
        place.write("bundle.yaml", &format!("apiVersion: v1\n{text}\n"));
        let told = said(&place.run(&["check", "bundle.yaml"]));
        assert!(told.contains(shown), "{text}: {told}");
    }
}

#[test]
fn a_document_that_cannot_be_read_shows_no_secret() {
    let place = Place::new();
    let secret = |data: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\n{data}\n");
    let pod = |env: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n  - name: a\n    image: a:1\n    \
             env:\n    {env}\n"
        )
    };
    for text in [
        secret(&format!("stringData: {{host: {SECRET}, host: 1}}")),
        secret(&format!("stringData: {{host: \"{SECRET}\\q\"}}")),
        secret(&format!("stringData: {{host: *{SECRET}}}")),
        secret(&format!("stringData: {{host: {SECRET}")),
        secret(&format!("stringData:\n\thost: {SECRET}")),
        secret(&format!("stringData:\n  host: {SECRET}\n  {SECRET}: 1\n bad: [")),
        secret(&format!("stringData: {{host: {{{SECRET}: 1}}}}")),
        secret(&format!("stringData: {{host: {{{SECRET}: 1, {SECRET}: 2}}}}")),
        secret(&format!("stringData:\n  host: |\n    a\n   {SECRET}\n  - b")),
        secret(&format!("stringData:\n  host:\n    {SECRET}: 1\n    {SECRET}: 2")),
        secret(&format!("stringData:\n  host: \"a\n    {SECRET}: \\q\"")),
        format!("{{\"kind\": \"Secret\", \"stringData\": {{\"host\": \"{SECRET}\"}}}}"),
        format!("{{\"kind\": \"Secret\", \"stringData\": {{\"host\": \"{SECRET}\"}}"),
        pod(&format!("- {{name: DB_PASSWORD, value: {SECRET}, value: 1}}")),
        pod(&format!("- {{value: {SECRET}, name: DB_PASSWORD, value: 1}}")),
        pod(&format!("- {{name: DB_PASSWORD, value: {{{SECRET}: 1}}}}")),
        pod(&format!("- {{name: DB_PASSWORD, valeu: {SECRET}}}")),
        pod(&format!("- {{name: DB_PASSWORD, value:{SECRET}}}")),
        pod(&format!("- {{nam: DB_PASSWORD, value: {SECRET}}}")),
        pod(&format!("- name: DB_PASSWORD\n      valeu: \"{SECRET}\\q\"")),
        pod(&format!("- name: DB_PASSWORD\n      value: \"{SECRET}\\q\"")),
        pod(&format!("- name: DB_PASSWORD\n      value: *{SECRET}")),
    ] {
        place.write("bundle.yaml", &text);
        for format in ["human", "json", "sarif", "github", "gitlab", "junit"] {
            let output = place.run(&["check", "bundle.yaml", "--output", format]);
            assert_eq!(output.status.code(), Some(1), "{text}: {}", said(&output));
            assert!(!said(&output).contains(SECRET), "{format} of {text}: {}", said(&output));
        }
        assert!(!said(&place.run(&["graph", "bundle.yaml"])).contains(SECRET), "{text}");
        assert!(!said(&place.run(&["graph", "bundle.yaml", "--output", "html"])).contains(SECRET), "{text}");
        place.write("other.yaml", MAP);
        assert!(!said(&place.run(&["diff", "other.yaml", "bundle.yaml"])).contains(SECRET), "{text}");
        assert!(!said(&place.run(&["diff", "bundle.yaml", "bundle.yaml"])).contains(SECRET), "{text}");
    }
    let profile = fs::read_to_string(place.project.join("profiles/gateway.yaml")).unwrap();
    for text in [
        format!("database:\n  password: \"{SECRET}\\q\"\n"),
        format!("database: {{password: {SECRET}, tls: yes}}\n"),
        format!("database: {{password: {SECRET}, password: 1}}\n"),
        format!("database: {{password: &{SECRET} a}}\n"),
        format!("- {{password: {SECRET}}}\n"),
        format!("team: a\n---\n{{password: {SECRET}}}\n"),
        format!("database: {{password: one,{SECRET}}}\n"),
        format!("database: {{password:, \"{SECRET}\"}}\n"),
        format!("image: {{DB_PASSWORD: {SECRET}}}\n"),
        format!("environments:\n  e2e: {{}}\n  DB_PASSWORD: {SECRET}\n"),
        format!("database:\n  user: a\n   assword: {SECRET}\n"),
        format!("database:\n\tpassword: {SECRET}\n"),
    ] {
        place.write("values.yaml", &text);
        let output = place.run(&["render", "gateway", "--values", "values.yaml"]);
        assert_eq!(output.status.code(), Some(1), "{text}: {}", said(&output));
        assert!(!said(&output).contains(SECRET), "{text}: {}", said(&output));
        place.write("profiles/gateway.yaml", &format!("{profile}{text}"));
        assert!(!said(&place.run(&["render", "gateway"])).contains(SECRET), "{text}");
    }
    // Values that are not secret are shown.
    place.write("bundle.yaml", &pod("- {name: A, value: plain-words, value: 1}"));
    assert!(said(&place.run(&["check", "bundle.yaml"])).contains("plain-words"));
}

fn documents(text: &str) -> Vec<Json> {
    let sources = Sources::new();
    let loaded = yaml::load(&sources, sources.add("bundle", text), Dialect::Kubectl);
    assert_eq!(loaded.findings, []);
    loaded.documents.iter().map(|node| serde_json::from_str(&yaml::json(node)).unwrap()).collect()
}

/// A tree without its scalars, for comparing shapes.
fn shape(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), shape(value))).collect::<serde_json::Map<_, _>>().into()
        }
        Json::Array(list) => list.iter().map(shape).collect(),
        Json::String(_) => "text".into(),
        other => other.clone(),
    }
}

/// All paths of the schema that accept a string, with the key of a mapping as `KEY`.
fn text_fields(schema: &Json, root: &Json, path: &[String], found: &mut Vec<(Vec<String>, bool)>) {
    // These contain all fields again.
    if path.first().is_some_and(|name| name == "environments" || name == "enforce") {
        return;
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).unwrap();
        return text_fields(target, root, path, found);
    }
    if schema["type"] == "string" && schema["enum"].is_null() {
        // Whether it accepts nearly any string; a pattern that excludes a few characters does not matter here.
        found.push((path.to_vec(), schema["pattern"].as_str().is_none_or(|pattern| pattern.starts_with("^[^"))));
    }
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        text_fields(below, root, &[path, std::slice::from_ref(name)].concat(), found);
    }
    if schema["additionalProperties"].is_object() {
        text_fields(&schema["additionalProperties"], root, &[path, &["KEY".to_owned()]].concat(), found);
    }
}

const NASTY: &[&str] = &[
    "a\nb: c\n---\nkind: Pod",
    "x: y # z",
    "'; DROP TABLE audit_events; --",
    "$(touch /tmp/pwned)`id`${IFS};|&&",
    "\"; rm -rf / #",
    "{{ 7 * 7 }}{% raw %}",
    "- a\n- b",
    "&a *b !!python/object |\n >",
    "null",
    "0x10",
    "\\q \\! \\i /etc/passwd\n\\.",
    "\u{1b}[2J\u{202e}",
];

/// A string of a profile cannot escape its field: it becomes a leaf of the rendered tree unchanged, or it is
/// rejected. Scripts and SQL do not depend on profiles.
#[test]
fn no_value_escapes_its_field() {
    let place = Place::new();
    let schema: Json = serde_json::from_str(&fs::read_to_string(root().join("profiles/schema.json")).unwrap()).unwrap();
    let mut fields = Vec::new();
    text_fields(&schema, &schema, &[], &mut fields);
    assert!(fields.len() > 40, "{fields:?}");
    let plain = |field: &[String], text: &str| {
        field.iter().rev().fold(json!(text), |inner, name| {
            let name = if name == "KEY" { "tables_like-name" } else { name };
            json!({ name: inner })
        })
    };
    let render = |values: &Json| {
        place.write("values.yaml", &values.to_string());
        place.run(&["render", "gateway", "--values", "values.yaml"])
    };
    let scripts = |objects: &[Json]| -> Vec<Json> {
        let map = |object: &&Json| {
            let name = object["metadata"]["name"].as_str().unwrap();
            object["kind"] == "ConfigMap"
                && (name.starts_with("datastorage-scripts") || name.starts_with("datastorage-migrations"))
        };
        objects.iter().filter(map).map(|object| object["data"].clone()).collect()
    };
    let untouched = documents(std::str::from_utf8(&place.run(&["render", "gateway"]).stdout).unwrap());
    let (mut arrived, mut refused) = (0, 0);
    for (field, free) in &fields {
        let harmless = render(&plain(field, "abc"));
        let expected =
            (harmless.status.code() == Some(0)).then(|| documents(std::str::from_utf8(&harmless.stdout).unwrap()));
        for text in NASTY.iter().take(if *free { NASTY.len() } else { 3 }) {
            let output = render(&plain(field, text));
            match output.status.code() {
                Some(0) => {
                    let objects = documents(std::str::from_utf8(&output.stdout).unwrap());
                    assert_eq!(scripts(&objects), scripts(&untouched), "{field:?} = {text:?}");
                    // Commands and arguments do not contain profile strings either.
                    let before = expected.as_deref().unwrap_or(&untouched);
                    assert_eq!(commands(&objects), commands(before), "{field:?} = {text:?}");
                    if let Some(expected) = &expected {
                        let mut expected: Vec<Json> = expected.iter().map(shape).collect();
                        let mut made: Vec<Json> = objects.iter().map(shape).collect();
                        // The order depends on names, which may contain the string.
                        expected.sort_by_key(Json::to_string);
                        made.sort_by_key(Json::to_string);
                        assert_eq!(made, expected, "{field:?} = {text:?}");
                    }
                    arrived += 1;
                }
                Some(1) => {
                    assert_eq!(output.stdout, b"", "{field:?} = {text:?}");
                    refused += 1;
                }
                code => panic!("{field:?} = {text:?}: {code:?} {}", stderr(&output)),
            }
            assert_eq!(obeyed(&stderr(&output)), [], "{field:?} = {text:?}");
        }
    }
    assert!(arrived > 10 && refused > 100, "{arrived} arrived, {refused} refused");
}

/// The commands and arguments of all containers.
fn commands(objects: &[Json]) -> Vec<Json> {
    let mut found = Vec::new();
    for object in objects {
        for pod in ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec"] {
            for list in ["containers", "initContainers"] {
                for container in object.pointer(&format!("{pod}/{list}")).and_then(Json::as_array).into_iter().flatten()
                {
                    found.push(json!([container["name"], container["command"], container["args"]]));
                }
            }
        }
    }
    found
}

/// File names that are not UTF-8 are reported, without a panic.
#[test]
fn names_that_are_not_strings_are_reported() {
    for folder in ["profiles", "templates", "services"] {
        let place = Place::new();
        let name = std::ffi::OsStr::from_bytes(b"a\xff.yaml");
        fs::create_dir_all(place.project.join(folder)).unwrap();
        fs::write(place.project.join(folder).join(name), "a: 1\n").unwrap();
        let output = place.run(&["render", "--all", "--out", "out"]);
        assert_eq!(output.status.code(), Some(2), "{folder}: {}", stderr(&output));
        assert!(stderr(&output).contains("the file name is not valid UTF-8"), "{folder}: {}", stderr(&output));
    }
}
