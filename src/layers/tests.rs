#![allow(clippy::unwrap_used)]

use std::fs;

use super::*;
use crate::yaml::{self, Dialect};

const SCHEMA: &str = r##"{
  "type": "object", "additionalProperties": false, "required": ["cluster"],
  "properties": {
    "cluster": {"type": "string", "description": "The kind cluster. It is made by the suite."},
    "image": {"type": "object", "additionalProperties": false,
      "properties": {"tag": {"type": "string", "pattern": "^[a-z0-9.]+$"}, "pullPolicy": {"enum": ["Always", "IfNotPresent"]}}},
    "expose": {"type": "object", "additionalProperties": false, "properties": {
      "nodePort": {"type": "integer", "minimum": 1, "maximum": 65535}, "type": {"type": "string"}}},
    "database": {"type": "object", "additionalProperties": false,
      "properties": {"password": {"type": "string", "writeOnly": true}, "port": {"type": "integer"}}},
    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    "hosts": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
    "ratio": {"type": "number"},
    "spread": {"type": "boolean"},
    "environments": {"type": "object", "additionalProperties": {"$ref": "#"}}
  }
}"##;

/// A project in a temporary directory.
struct Fixture {
    folder: tempfile::TempDir,
    sources: Sources,
}

impl Fixture {
    fn new(files: &[(&str, &str)]) -> Self {
        let fixture = Self { folder: tempfile::tempdir().unwrap(), sources: Sources::new() };
        fixture.write("plimsoll.toml", "");
        fixture.write("profiles/schema.json", SCHEMA);
        for (name, text) in files {
            fixture.write(name, text);
        }
        fixture
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn project(&self) -> Project {
        Project::discover(self.folder.path(), &self.sources).unwrap()
    }

    fn values(&self, environment: &str, sets: &[&str]) -> Result<Values, Failure> {
        let sets = sets.iter().map(|set| SetArgument::Value((*set).to_owned())).collect();
        let values = ["values.yaml"].map(|name| self.folder.path().join(name)).into_iter().filter(|path| path.exists());
        let overrides = Overrides { values: values.collect(), sets, ..Overrides::default() };
        let project = self.project();
        let layers = Layers::load(&project, &self.sources, &overrides)?;
        layers.values(&layers.profile("p")?, environment)
    }

    fn json(&self, environment: &str, sets: &[&str]) -> String {
        match self.values(environment, sets) {
            Ok(values) => yaml::json(&values.node).split_whitespace().collect::<Vec<_>>().join(" "),
            Err(failure) => self.describe(&failure),
        }
    }

    /// The findings of a failure, one per line: `rule position message / label / help`.
    fn describe(&self, failure: &Failure) -> String {
        let kind = if matches!(failure, Failure::Unable(_)) { "unable: " } else { "" };
        let line = |finding: &Finding| {
            let parts = [finding.message.as_str(), &finding.label, &finding.help];
            let words: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            let place = self.sources.describe(finding.span);
            format!("{kind}{} {place} {}", finding.rule, words.join(" / "))
        };
        failure.findings().iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

const BASE: &str =
    "environments: {e2e: {}, ci: {spread: true}}\nexpose: {nodePort: 30081, type: NodePort}\nimage:\n  tag: v1\n";

fn fixture(profile: &str) -> Fixture {
    Fixture::new(&[
        ("profiles/base.yaml", BASE),
        ("profiles/environments/ci.yaml", "image: {tag: v2, pullPolicy: Always}\n"),
        ("profiles/p.yaml", profile),
    ])
}

#[test]
fn later_layers_override_earlier_ones_and_record_what_they_override() {
    let fixture = fixture("cluster: c\nimage: {tag: v3}\nenvironments:\n  ci: {image: {tag: v4}}\n");
    fixture.write("values.yaml", "image: {tag: v5}\n");
    let values = fixture.values("ci", &["image.tag=v6", "image.tag=1.10"]).unwrap();
    let tag = &values.node["image"]["tag"];
    assert_eq!(tag.text(), "1.10");
    let overridden: Vec<&str> = tag.origin.overridden().iter().map(Node::text).collect();
    assert_eq!(overridden, ["v6", "v5", "v4", "v3", "v2", "v1"]);
    let places: Vec<String> =
        tag.origin.overridden()[2..].iter().map(|node| fixture.sources.describe(node.origin.span)).collect();
    assert_eq!(
        places,
        [
            "profiles/p.yaml:4:21",
            "profiles/p.yaml:2:14",
            "profiles/environments/ci.yaml:1:14",
            "profiles/base.yaml:4:8"
        ]
    );
    assert!(values.node["spread"].as_bool().unwrap());
    assert!(values.node.get("environments").is_none());
    assert!(fixture.values("e2e", &[]).unwrap().node["spread"].is_null());
}

#[test]
fn null_deletes_and_is_recorded() {
    let fixture = fixture("cluster: c\nexpose: {nodePort: null}\nlabels: {a: null}\n");
    let values = fixture.values("e2e", &["image=null"]).unwrap();
    assert_eq!(
        yaml::json(&values.node).split_whitespace().collect::<String>(),
        r#"{"expose":{"type":"NodePort"},"cluster":"c","labels":{}}"#
    );
    let deleted: Vec<_> =
        values.deleted.iter().map(|deleted| (deleted.path.join("."), deleted.node.origin.overridden().len())).collect();
    assert_eq!(deleted, [("expose.nodePort".to_owned(), 1), ("labels.a".to_owned(), 0), ("image".to_owned(), 1)]);
    assert_eq!(values.redundant().iter().map(|redundant| redundant.path.as_str()).collect::<Vec<_>>(), ["labels.a"]);
}

#[test]
fn redundant_overrides_are_found() {
    let fixture = fixture("cluster: c\nexpose: {nodePort: 30081, type: ClusterIP}\n");
    let values = fixture.values("e2e", &[]).unwrap();
    assert_eq!(
        values.redundant().iter().map(|redundant| redundant.path.as_str()).collect::<Vec<_>>(),
        ["expose.nodePort"]
    );
}

#[test]
fn errors_are_reported_with_their_position() {
    for (profile, expected) in [
        (
            "cluster: c\nexpose:\n  nodeport: 1\n",
            "profile-field-unknown profiles/p.yaml:3:3 unknown field `expose.nodeport` / did you mean `nodePort`?",
        ),
        (
            "cluster: c\nexpose:\n  nodePort: '1'\n",
            "profile-field-type profiles/p.yaml:3:13 `expose.nodePort` must be an integer, not a string / write it without quotes",
        ),
        (
            "cluster: 1\n",
            "profile-field-type profiles/p.yaml:1:10 `cluster` must be a string, not a number / put it in quotes",
        ),
        (
            "cluster: c\nexpose:\n  nodePort: 0\n",
            "profile-value-invalid profiles/p.yaml:3:13 `expose.nodePort` must be from 1 to 65535",
        ),
        (
            "cluster: c\nimage: {tag: A}\n",
            "profile-value-invalid profiles/p.yaml:2:14 `image.tag` does not match the pattern / must match `^[a-z0-9.]+$`",
        ),
        (
            "cluster: c\nimage: {pullPolicy: always}\n",
            "profile-value-invalid profiles/p.yaml:2:21 `image.pullPolicy` must be `Always` or `IfNotPresent` / did you mean `Always`?",
        ),
        (
            "expose: {type: x}\n",
            "profile-field-missing profiles/p.yaml:1:1 `cluster` is required / set `cluster` in profiles/p.yaml: The kind cluster",
        ),
        (
            "cluster: c\nenvironments: {prod: {expos: 1}}\n",
            "profile-field-unknown profiles/p.yaml:2:23 unknown field `expos` / did you mean `expose`?",
        ),
        (
            "cluster: c\n---\ncluster: d\n",
            "profile-form profiles/p.yaml:3:1 a profile must be a single YAML document; this is the second / remove the `---` between them",
        ),
        ("- a\n", "profile-form profiles/p.yaml:1:1 a profile must be a mapping, not a list"),
    ] {
        assert_eq!(fixture(profile).json("e2e", &[]), expected, "{profile}");
    }
}

#[test]
fn unknown_names_are_rejected() {
    let fixture = fixture("cluster: c\n");
    assert_eq!(
        fixture.json("e2", &[]),
        "unable: environment-not-found nowhere profile `p` has no environment `e2` / did you mean `e2e`?"
    );
    fixture.write("profiles/gateway.yaml", "");
    let project = fixture.project();
    let layers = Layers::load(&project, &fixture.sources, &Overrides::default()).unwrap();
    for (name, help) in [
        ("gatewya", "did you mean `gateway`?"),
        ("base", "choose a profile; the base is a layer of every profile"),
        ("profiles/gateway.yaml", "use the name without folder and extension: `gateway`"),
        ("../gateway", "use the name without folder and extension: `gateway`"),
        ("zzzzzz", "available profiles: `gateway` and `p`"),
    ] {
        let failure = layers.profile(name).unwrap_err();
        assert_eq!(
            fixture.describe(&failure),
            format!("unable: profile-not-found nowhere profile `{name}` not found in profiles / {help}")
        );
    }
}

#[test]
fn sets_are_typed_by_the_schema() {
    let fixture = fixture("cluster: c\nexpose: null\nimage: null\n");
    for (set, expected) in [
        ("image.tag=1.10", r#"{ "cluster": "c", "image": { "tag": "1.10" } }"#),
        ("image.tag=8", r#"{ "cluster": "c", "image": { "tag": "8" } }"#),
        ("cluster=", r#"{ "cluster": "" }"#),
        ("expose.nodePort=30082", r#"{ "cluster": "c", "expose": { "nodePort": 30082 } }"#),
        (
            r"labels.app\.kubernetes\.io/name=a=b",
            r#"{ "cluster": "c", "labels": { "app.kubernetes.io/name": "a=b" } }"#,
        ),
        ("labels.a=true", r#"{ "cluster": "c", "labels": { "a": "true" } }"#),
        ("labels={a: b}", r#"{ "cluster": "c", "labels": { "a": "b" } }"#),
        ("spread=true", r#"{ "cluster": "c", "spread": true }"#),
        ("ratio=1.50", r#"{ "cluster": "c", "ratio": 1.5 }"#),
        ("hosts[0].name=a", r#"{ "cluster": "c", "hosts": [ { "name": "a" } ] }"#),
        (
            "hosts[1].name=a",
            "profile-field-unknown --set:1:6 `hosts` has 0 items; index 1 is out of range / `[+]` appends one; indexes start at 0",
        ),
        (
            "expose.nodeport=1",
            "profile-field-unknown --set:1:8 unknown field `expose.nodeport` / did you mean `nodePort`?",
        ),
        ("expose.nodePort=abc", "profile-field-type --set:1:17 `expose.nodePort` must be an integer, not `abc`"),
        ("expose.nodePort=", "profile-field-type --set:1:17 `expose.nodePort` must be an integer, not empty"),
        ("expose.nodePort=0", "profile-value-invalid --set:1:17 `expose.nodePort` must be from 1 to 65535"),
        ("spread=yes", "profile-field-type --set:1:8 `spread` must be a boolean, not `yes`"),
        ("expose=1", "profile-field-type --set:1:8 `expose` must be a mapping, not `1`"),
        ("cluster.x=1", "profile-field-unknown --set:1:9 unknown field `cluster.x` / `cluster` has no fields"),
        ("cluster[0]=1", "profile-field-unknown --set:1:8 `cluster` is not a list / `cluster` has no fields"),
        (
            "environments.e2e.cluster=x",
            "profile-field-unknown --set:1:1 `environments` cannot be set: it is read from files before `--set` is applied / choose an environment with `--env`",
        ),
    ] {
        assert_eq!(fixture.json("e2e", &[set]), expected, "{set}");
    }
    let long = format!("{}=1", "labels.".repeat(100_000));
    for set in [long.as_str(), "a", "", "=1", "a..b=1", "a.=1", "a[x]=1", "a[0=1", r"a\b=1", "a[0]b=1", ".a=1", "[0]=1"]
    {
        assert!(
            fixture.json("e2e", &[set]).starts_with("unable: set-syntax --set:1:"),
            "{set}: {}",
            fixture.json("e2e", &[set])
        );
    }
}

#[test]
fn list_items_are_set_appended_and_deleted() {
    let fixture = fixture("cluster: c\nexpose: null\nimage: null\nhosts: [{name: a}, {name: b}]\n");
    let hosts = |sets: &[&str]| {
        let values = fixture.values("e2e", sets).unwrap();
        values.node["hosts"].items().iter().map(|host| host["name"].text().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(hosts(&["hosts[1].name=x"]), ["a", "x"]);
    assert_eq!(hosts(&["hosts[2].name=x"]), ["a", "b", "x"]);
    assert_eq!(hosts(&["hosts[0]=null"]), ["b"]);
    assert_eq!(hosts(&["hosts[0]={name: z}"]), ["z", "b"]);
    assert_eq!(hosts(&["hosts=[{name: q}]"]), ["q"]);
}

#[test]
fn a_rejected_set_leaves_the_values_unchanged() {
    let (sources, schema) = (Sources::new(), Schema::read(SCHEMA, FileId(0)).unwrap());
    let mut node = yaml::load_text("cluster: c\n", FileId(0), Dialect::Strict).documents.remove(0);
    let before = node.clone();
    for argument in ["hosts[1].name=a", "hosts[0].ports[3]=a"] {
        let set = Set::parse(&sources, &schema, argument).unwrap();
        assert!(set.apply(&mut node, &mut Vec::new()).is_err() && node == before, "{argument}");
    }
}

#[test]
fn secrets_are_marked_in_every_layer_and_never_printed() {
    let fixture = fixture("cluster: c\ndatabase: {password: hunter2}\n");
    let values = fixture.values("e2e", &["database.password=swordfish"]).unwrap();
    let password = &values.node["database"]["password"];
    assert!(password.origin.is_secret() && password.origin.overridden().iter().all(|node| node.origin.is_secret()));
    assert!(!values.node["cluster"].origin.is_secret());

    fixture.write("profiles/p.yaml", "cluster: 1\ndatabase: {password: hunter2}\n");
    let project = fixture.project();
    let layers = Layers::load(&project, &fixture.sources, &Overrides::default()).unwrap();
    assert!(layers.profile("p").is_err());
    assert!(fixture.sources.secrets().iter().any(|(_, secret)| secret == "hunter2"));

    // Also after errors: a misspelled name, an argument that cannot be parsed, a path of another type.
    for (profile, set) in [
        ("cluster: c\ndatabase: {pasword: [hunter2]}\n", None),
        ("cluster: c\n", Some("database.pasword=hunter2")),
        ("cluster: c\n", Some("database..password=hunter2")),
        ("cluster: c\n", Some("database.password.x=hunter2")),
    ] {
        let fixture = self::fixture(profile);
        let output = fixture.json("e2e", set.as_slice());
        let secrets = fixture.sources.secrets();
        assert!(!output.contains("hunter2") && secrets.iter().any(|(_, secret)| secret == "hunter2"), "{output}");
        assert!(secrets.iter().all(|(span, _)| fixture.sources.text(*span).contains("hunter2")));
    }
}

#[test]
fn every_built_in_profile_has_values_in_its_environments() {
    let (project, sources) = (Project::built_in(), Sources::new());
    let layers = Layers::load(&project, &sources, &Overrides::default()).unwrap();
    let names = project.profiles().unwrap();
    assert!(names.iter().any(|name| name == "gateway"), "{names:?}");
    for name in names {
        let profile = layers.profile(&name).unwrap();
        let environments = layers.environments(&profile);
        assert!(["e2e", "ci"].iter().all(|known| environments.iter().any(|name| name == known)), "{name}");
        for environment in environments {
            let values = match &*environment {
                "production" => continue,
                _ => layers.values(&profile, &environment).unwrap(),
            };
            let password = &values.node["database"]["password"];
            assert!(password.is_null() || password.origin.is_secret(), "{name} {environment}");
        }
    }
}

#[test]
fn production_requires_values_that_have_no_default() {
    let (project, sources) = (Project::built_in(), Sources::new());
    let layers = Layers::load(&project, &sources, &Overrides::default()).unwrap();
    let failure = layers.values(&layers.profile("datastorage").unwrap(), "production").unwrap_err();
    let missing: Vec<&str> = failure.findings().iter().map(|finding| finding.field.as_str()).collect();
    assert!(missing.contains(&"image.digest") && missing.contains(&"database.host"), "{missing:?}");
    assert!(
        failure
            .findings()
            .iter()
            .all(|finding| finding.rule == RuleId::ProfileFieldMissing && !finding.help.is_empty())
    );
    let given =
        Overrides { values: vec!["examples/production/values.yaml".into()], sets: Vec::new(), ..Overrides::default() };
    let layers = Layers::load(&project, &sources, &given).unwrap();
    assert!(layers.values(&layers.profile("datastorage").unwrap(), "production").is_ok());
}

#[test]
fn threads_share_the_loaded_layers() {
    let (project, sources) = (Project::built_in(), Sources::new());
    let layers = Layers::load(&project, &sources, &Overrides::default()).unwrap();
    let values = || yaml::json(&layers.values(&layers.profile("gateway").unwrap(), "ci").unwrap().node);
    let first = values();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(values)).collect();
        threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), first));
    });
}

#[test]
fn byte_order_marks_and_crlf_are_accepted() {
    let fixture = fixture("\u{feff}cluster: c\r\nexpose:\r\n  nodePort: 1\r\n");
    assert_eq!(fixture.values("e2e", &[]).unwrap().node["expose"]["nodePort"].as_i64(), Some(1));
    fixture.write("profiles/p.yaml", "\u{feff}clustre: c\r\n");
    assert!(fixture.json("e2e", &[]).starts_with("profile-field-unknown profiles/p.yaml:1:1 unknown field `clustre`"));
}

#[test]
fn a_null_section_removes_the_environment() {
    let fixture = fixture("cluster: c\nenvironments: {ci: null, own: {}}\n");
    fixture.write("profiles/environments/own.yaml", "");
    assert!(fixture.json("ci", &[]).starts_with("unable: environment-not-found"));
    assert!(fixture.values("own", &[]).is_ok() && fixture.values("e2e", &[]).is_ok());
}

#[test]
fn sections_are_allowed_only_in_the_base_and_in_profiles() {
    let fixture = fixture("cluster: c\nenvironments: {e2e: {environments: {}}}\n");
    assert_eq!(
        fixture.json("e2e", &[]),
        "profile-field-unknown profiles/p.yaml:2:22 an environment section cannot contain `environments`"
    );
    fixture.write("profiles/p.yaml", "cluster: c\n");
    fixture.write("values.yaml", "environments: {}\n");
    assert!(fixture.json("e2e", &[]).contains("`environments` is allowed only in the base and in profiles"));
    fixture.write("values.yaml", "expose: {nodePort: x}\n");
    assert!(fixture.json("e2e", &[]).contains("values.yaml:1:20 `expose.nodePort` must be an integer, not a string"));
    let missing = Overrides { values: vec!["no/values.yaml".into()], sets: Vec::new(), ..Overrides::default() };
    let project = fixture.project();
    let failure = Layers::load(&project, &fixture.sources, &missing).unwrap_err();
    assert!(
        fixture
            .describe(&failure)
            .starts_with("unable: file-unreadable nowhere cannot read `no/values.yaml` of --values")
    );
}

#[test]
fn file_contents_are_set_unchanged() {
    let fixture = fixture("cluster: c\n");
    fixture.write("label.txt", "two\nlines: 1\n");
    let project = fixture.project();
    let load = |argument: String| {
        let overrides =
            Overrides { values: Vec::new(), sets: vec![SetArgument::File(argument)], ..Overrides::default() };
        let layers = Layers::load(&project, &fixture.sources, &overrides)?;
        layers.values(&layers.profile("p")?, "e2e")
    };
    let path = fixture.folder.path().join("label.txt").display().to_string();
    let values = load(format!("labels.a={path}")).unwrap();
    assert_eq!(values.node["labels"]["a"].text(), "two\nlines: 1\n");
    assert_eq!(fixture.sources.describe(values.node["labels"]["a"].origin.span), format!("{path}:1:1"));
    let describe = |argument: &str| fixture.describe(&load(argument.to_owned()).unwrap_err());
    assert!(describe("labels.a=no/such").starts_with("unable: file-unreadable --set-file:1:10 cannot read `no/such`"));
    assert_eq!(
        describe("expose.nodePort=x"),
        "profile-field-type --set-file:1:17 `expose.nodePort` must be an integer, not the contents of a file"
    );
}

#[test]
fn many_keys_are_deleted_at_once() {
    let count = 20_000;
    let profile = |value: &str| (0..count).map(|at| format!("k{at}: {value}\n")).collect::<String>();
    let read = |text: &str| yaml::load_text(text, FileId(0), Dialect::Strict).documents.remove(0);
    let mut node = read(&(profile("v") + "last: v\n"));
    let mut deleted = Vec::new();
    let start = std::time::Instant::now();
    merge::merge_layer(&mut node, &read(&(profile("null") + "new: v\nlast: w\n")), &mut deleted);
    // Removing them one by one takes ten times as long.
    assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(deleted.len(), count);
    assert!(deleted.iter().all(|deleted| deleted.node.origin.overridden()[0].text() == "v"));
    let left: Vec<(&str, &str)> = node.entries().iter().map(|entry| (entry.key.as_str(), entry.value.text())).collect();
    assert_eq!(left, [("last", "w"), ("new", "v")]);
}
