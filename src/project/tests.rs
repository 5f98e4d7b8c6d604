#![allow(clippy::unwrap_used)]

use std::fs;

use super::*;

/// A folder with these files; the project is its `project` folder.
fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn open(folder: &tempfile::TempDir, sources: &Sources) -> Project {
    Project::discover(&folder.path().join("project"), sources).unwrap()
}

#[test]
fn the_nearest_folder_with_settings_is_the_project() {
    let sources = Sources::new();
    let folder = folder(&[("project/plimsoll.toml", b""), ("project/a/b/c", b""), ("project/profiles/p.yaml", b"x")]);
    let below = Project::discover(&folder.path().join("project/a/b"), &sources).unwrap();
    assert_eq!(below.root().unwrap(), folder.path().join("project").canonicalize().unwrap());
    let file = below.read(&sources, "profiles/p.yaml").unwrap();
    assert_eq!(sources.get(file).unwrap().name, "../../profiles/p.yaml");
    let named = Project::open(&folder.path().join("project"), &sources).unwrap();
    assert_eq!(named.shown("x"), folder.path().join("project/x").display().to_string());
    assert_eq!(Project::open(Path::new("./"), &sources).unwrap().shown("a/b"), "a/b");
    assert!(Project::discover(folder.path(), &sources).unwrap().is_built_in());
}

#[test]
fn a_missing_folder_cannot_be_opened() {
    let failure = Project::open(Path::new("no/such/folder"), &Sources::new()).unwrap_err();
    assert!(matches!(&failure, Failure::Unable(finding) if finding.message.contains("`no/such/folder`")));
}

#[test]
fn files_outside_are_rejected() {
    let sources = Sources::new();
    let folder = folder(&[
        ("project/plimsoll.toml", b""),
        ("project/in.yaml", b"in"),
        ("out.yaml", b"out"),
        ("outside/a.yaml", b"out"),
    ]);
    let project = open(&folder, &sources);
    let root = folder.path().join("project");
    let absolute = folder.path().join("out.yaml").display().to_string();
    for path in ["../out.yaml", "a/../../out.yaml", "/etc/passwd", &absolute, "./in.yaml", "a\\b", "in.yaml\0"] {
        assert!(matches!(project.read(&sources, path), Err(AccessError::Outside(..))), "{path}");
    }
    assert!(matches!(project.read(&sources, "none.yaml"), Err(AccessError::Missing(_))));
    assert!(matches!(project.read(&sources, "in.yaml/x"), Err(AccessError::Missing(_))));
    assert!(project.read(&sources, "in.yaml").is_ok());
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink("../out.yaml", root.join("link.yaml")).unwrap();
        symlink("in.yaml", root.join("good.yaml")).unwrap();
        symlink("../outside", root.join("folder")).unwrap();
        fs::create_dir(root.join("loop")).unwrap();
        symlink("..", root.join("loop/again")).unwrap();
        symlink("self", root.join("self")).unwrap();
        assert!(matches!(project.read(&sources, "link.yaml"), Err(AccessError::Outside(..))));
        assert!(matches!(project.read(&sources, "folder/a.yaml"), Err(AccessError::Outside(..))));
        assert!(matches!(project.list("folder", ".yaml"), Err(AccessError::Outside(..))));
        assert!(matches!(project.read(&sources, "self"), Err(AccessError::Unreadable(..))));
        assert!(project.read(&sources, "good.yaml").is_ok());
        // A link to a parent folder does not recurse endlessly.
        fs::remove_file(root.join("folder")).unwrap();
        assert!(project.list("loop", ".yaml").unwrap().contains(&"loop/again/in.yaml".to_owned()));
    }
    assert!(matches!(project.read(&sources, "profiles"), Err(AccessError::Missing(_))));
    fs::create_dir(root.join("profiles")).unwrap();
    assert!(matches!(project.read(&sources, "profiles"), Err(AccessError::NotAFile(_))));
}

#[test]
fn lists_are_sorted_and_skip_hidden_files() {
    let sources = Sources::new();
    let names = [
        "b.yaml",
        "a/z.yaml",
        "a.yaml",
        ".hidden.yaml",
        ".git/x.yaml",
        "note.txt",
        "base.yaml",
        "environments/e2e.yaml",
    ];
    let files: Vec<_> = names.map(|name| format!("project/profiles/{name}")).into();
    let mut files: Vec<(&str, &[u8])> = files.iter().map(|name| (name.as_str(), &b""[..])).collect();
    files.push(("project/plimsoll.toml", b""));
    let project = folder(&files);
    let project = open(&project, &sources);
    let listed = project.list("profiles", ".yaml").unwrap();
    let expected = ["a.yaml", "a/z.yaml", "b.yaml", "base.yaml", "environments/e2e.yaml"];
    assert_eq!(listed, expected.map(|name| format!("profiles/{name}")));
    assert_eq!(project.profiles().unwrap(), ["a", "b"]);
    assert_eq!(project.environment_files().unwrap(), ["e2e"]);
    assert!(project.list("none", ".yaml").unwrap().is_empty());
}

#[test]
fn invalid_text_is_reported() {
    let sources = Sources::new();
    let folder = folder(&[("project/plimsoll.toml", b""), ("project/latin.yaml", b"a: b\nc: \xe9\n")]);
    let project = open(&folder, &sources);
    let error = project.read(&sources, "latin.yaml").unwrap_err();
    assert_eq!(error.to_string(), "cannot read `latin.yaml`: not UTF-8 from line 2, column 4 on");
    assert!(matches!(error.failure(), Failure::Findings(_)));
    let large = fs::File::create(folder.path().join("project/large.yaml")).unwrap();
    large.set_len(crate::source::MAX_BYTES + 1).unwrap();
    let error = project.read(&sources, "large.yaml").unwrap_err();
    assert_eq!(error.to_string(), "cannot read `large.yaml`: larger than 64 MiB");
}

#[test]
fn migrations_must_be_in_the_work_tree() {
    let sources = Sources::new();
    let folder = folder(&[
        ("repo/.git/HEAD", b""),
        ("repo/db/2.sql", b"two"),
        ("repo/db/1.sql", b"one"),
        ("repo/db/readme.md", b""),
        ("repo/deploy/plimsoll.toml", b""),
        ("outside/3.sql", b"three"),
    ]);
    let project = Project::discover(&folder.path().join("repo/deploy"), &sources).unwrap();
    let read = |path: &str| project.read_folder_beside(&sources, "profiles/p.yaml", path, ".sql");
    fs::create_dir(folder.path().join("repo/deploy/profiles")).unwrap();
    let files = read("../../db").unwrap();
    assert_eq!(files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["1.sql", "2.sql"]);
    let source = sources.get(files[0].file).unwrap();
    assert_eq!((source.name.as_str(), &*source.text), ("../db/1.sql", "one"));
    assert!(matches!(read("../../../outside"), Err(AccessError::Outside(..))));
    assert!(matches!(read("/etc"), Err(AccessError::Outside(..))));
    assert!(matches!(read("nowhere"), Err(AccessError::Missing(_))));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../../outside/3.sql", folder.path().join("repo/db/3.sql")).unwrap();
        assert!(matches!(read("../../db"), Err(AccessError::Outside(..))));
    }
    assert!(Project::built_in().read_folder_beside(&sources, "profiles/p.yaml", "sql", ".sql").is_err());
}

#[test]
fn settings_are_read_and_errors_reported() {
    let settings = |text: &str| {
        let sources = Sources::new();
        let folder = folder(&[("project/plimsoll.toml", text.as_bytes())]);
        Project::discover(&folder.path().join("project"), &sources).map(|project| project.settings).map_err(|failure| {
            let describe =
                |finding: &Finding| format!("{} {} {}", sources.describe(finding.span), finding.message, finding.label);
            failure.findings().iter().map(describe).collect::<Vec<_>>().join("\n")
        })
    };
    let good = settings(
        "out = 'deploy'\r\nexternals = ['vault:8200']\n[rules]\nname-invalid = 'off'\nfield-unknown = 'note'\n",
    )
    .unwrap();
    assert_eq!((good.out.as_deref(), good.externals), (Some("deploy"), vec!["vault:8200".to_owned()]));
    let levels: Vec<_> = good.rules.iter().map(|rule| (rule.id.name(), rule.level)).collect();
    assert_eq!(levels, [("name-invalid", Level::Off), ("field-unknown", Level::At(crate::finding::Severity::Note))]);
    for (text, expected) in [
        ("\nuot = 'x'\n", "plimsoll.toml:2:1 unknown setting `uot` did you mean `out`?"),
        ("out = 1\n", "plimsoll.toml:1:7 `out` must be a non-empty string this is a number"),
        ("externals = 'a'\n", "plimsoll.toml:1:13 `externals` must be a list of strings this is a string"),
        (
            "[rules]\nname-invalit = 'off'\n",
            "plimsoll.toml:2:1 unknown rule `name-invalit` did you mean `name-invalid`?",
        ),
        (
            "[rules]\nname-invalid = 'of'\n",
            "plimsoll.toml:2:16 the level of `name-invalid` must be `off`, `note`, `warning` or `error` did you mean `off`?",
        ),
        (
            "exclude = ['[z-a]']\n",
            "plimsoll.toml:1:11 `[z-a]` is not a valid pattern: error parsing glob '[z-a]': invalid range; 'z' > 'a' ",
        ),
        (
            "[paths]\n'a/' = 'off'\n",
            "plimsoll.toml:2:8 `rules` must be a table of rules and their levels this is a string",
        ),
        (
            "[paths.'a/']\nname-invalit = 'off'\n",
            "plimsoll.toml:2:1 unknown rule `name-invalit` did you mean `name-invalid`?",
        ),
        ("out = 'a'\nout = 'b'\n", "plimsoll.toml:2:1 duplicate key "),
    ] {
        assert_eq!(settings(text), Err(expected.to_owned()));
    }
    assert!(settings("out = [").is_err());
    assert_eq!(settings("\u{feff}out = 'a'").unwrap().out.as_deref(), Some("a"));
    assert!(settings("\u{feff}uot = 'a'").unwrap_err().starts_with("plimsoll.toml:1:1 unknown setting"));
}
