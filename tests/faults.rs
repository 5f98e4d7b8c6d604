//! Failures of the environment: full disks, read-only folders, kills, concurrent runs, closed streams, changing
//! files. Each file of the output folder is always either the old or the new one, and a message reports the failure.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use crate::hostile::{Place, plimsoll};

const BIN: &str = env!("CARGO_BIN_EXE_plimsoll");

/// Runs a shell command with the binary as `$BIN`.
fn sh(folder: &Path, line: &str) -> Output {
    let path = std::env::var_os("PATH").unwrap_or_default();
    Command::new("sh")
        .args(["-c", line])
        .current_dir(folder)
        .env_clear()
        .env("PATH", path)
        .env("BIN", BIN)
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// All bundles in a folder by name, without receipts.
fn bundles(folder: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    files
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(path).unwrap()))
        .collect()
}

fn leftovers(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder.join(".plimsoll")).into_iter().flatten().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|end| end == "tmp")).collect()
}

/// A project whose bundles all change with its base, with its two rendered states.
struct Flip {
    place: Place,
    old: BTreeMap<String, String>,
    new: BTreeMap<String, String>,
}

impl Flip {
    fn new() -> Self {
        let place = Place::new();
        let mut flip = Self { place, old: BTreeMap::new(), new: BTreeMap::new() };
        flip.base("45");
        flip.old = flip.rendered("old");
        flip.base("46");
        flip.new = flip.rendered("new");
        assert_eq!(flip.old.len(), 7);
        assert!(flip.old.iter().all(|(name, text)| flip.new[name] != *text));
        flip
    }

    /// Sets the termination grace period of all pods.
    fn base(&self, seconds: &str) {
        let path = self.place.project.join("profiles/base.yaml");
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().map(|line| match line.trim_start().starts_with("terminationGracePeriod:") {
            true => format!("  terminationGracePeriod: {seconds}\n"),
            false => format!("{line}\n"),
        });
        // By a rename, as editors and Git do it.
        let temporary = self.place.project.join("profiles/base.new");
        fs::write(&temporary, lines.collect::<String>()).unwrap();
        fs::rename(temporary, path).unwrap();
    }

    fn rendered(&self, folder: &str) -> BTreeMap<String, String> {
        let output = self.place.run(&["render", "--all", "--out", folder]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        bundles(&self.place.project.join(folder))
    }

    /// Asserts that each file is complete: the old or the new one.
    fn assert_whole(&self, folder: &Path) {
        for (name, text) in bundles(folder) {
            assert!(text == self.old[&name] || text == self.new[&name], "{name} is neither old nor new");
        }
    }
}

#[test]
fn a_full_disk_is_reported_and_changes_nothing() {
    let flip = Flip::new();
    let project = &flip.place.project;
    flip.base("45");
    assert_eq!(flip.rendered("out"), flip.old);
    flip.base("46");
    // A limit on file sizes simulates a full disk; its signal is ignored.
    for blocks in [0, 1, 20, 60] {
        let line = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$BIN\" render --all --out out 2>&1 | cat >&2");
        let output = sh(project, &line);
        assert!(stderr(&output).contains("error: cannot write out/.plimsoll/"), "{blocks}: {}", stderr(&output));
        assert_eq!(bundles(&project.join("out")), flip.old, "{blocks}");
        assert_eq!(leftovers(&project.join("out")), Vec::<PathBuf>::new(), "{blocks}");
    }
    // A real one, if this user may mount it.
    fs::create_dir(project.join("small")).unwrap();
    if !sh(project, "mount -t tmpfs -o size=100k tmpfs small").status.success() {
        eprintln!("NOT TESTED: this user may not mount a small disk");
        return;
    }
    let output = plimsoll(project, &["render", "--all", "--out", "small"]);
    let after = bundles(&project.join("small"));
    assert!(sh(project, "umount small").status.success());
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("No space left on device"), "{}", stderr(&output));
    assert_eq!(after, BTreeMap::new());
}

#[test]
fn one_bundle_that_fails_keeps_all_from_the_folder() {
    let flip = Flip::new();
    let project = &flip.place.project;
    flip.base("45");
    assert_eq!(flip.rendered("out"), flip.old);
    flip.base("46");
    flip.place.write("profiles/zz.yaml", "cluster: zz-e2e\nexpose: {nodePort: 8091}\n");
    for folder in ["out", "fresh/out"] {
        let output = flip.place.run(&["render", "--all", "--out", folder]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).ends_with("nothing was rendered: 1 error in zz\n"), "{}", stderr(&output));
    }
    assert_eq!(bundles(&project.join("out")), flip.old);
    assert_eq!(leftovers(&project.join("out")), Vec::<PathBuf>::new());
    assert!(!project.join("fresh").exists());
    // Failing and succeeding runs may create the same folder.
    for round in 0..10 {
        let out = format!("shared{round}");
        thread::scope(|scope| {
            let fail = || flip.place.run(&["render", "--all", "--out", &out]);
            let pass = || flip.place.run(&["render", "gateway", "--out", &out]);
            let (fails, passes) = ([fail; 3].map(|run| scope.spawn(run)), [pass; 3].map(|run| scope.spawn(run)));
            for passed in passes.map(|run| run.join().unwrap()) {
                assert_eq!(passed.status.code(), Some(0), "{}", stderr(&passed));
            }
            for failed in fails.map(|run| run.join().unwrap()) {
                assert_eq!(failed.status.code(), Some(1), "{}", stderr(&failed));
            }
        });
        assert_eq!(bundles(&project.join(&out))["gateway.e2e.yaml"], flip.new["gateway.e2e.yaml"]);
        assert_eq!(leftovers(&project.join(&out)), Vec::<PathBuf>::new());
    }
}

/// An output folder may come from a pull request: links and pipes in it are reported, not followed or opened.
#[test]
fn links_and_pipes_in_the_out_folder_are_not_read() {
    let place = Place::new();
    let out = place.project.join("out");
    let bundle = out.join("gateway.e2e.yaml");
    let receipts = out.join(".plimsoll");
    let render = ["render", "gateway", "--out", "out"];
    assert_eq!(place.run(&render).status.code(), Some(0));
    let pipe = |path: &Path| {
        _ = fs::remove_file(path);
        assert!(sh(&place.project, &format!("mkfifo '{}'", path.display())).status.success());
    };
    for to in ["../../outside/secret.yaml", "/dev/zero", "."] {
        fs::remove_file(&bundle).unwrap();
        std::os::unix::fs::symlink(to, &bundle).unwrap();
        for args in [&["render", "gateway", "--out", "out", "--verify"][..], &["diff", "gateway", "--out", "out"]] {
            let output = place.run(args);
            assert_ne!(output.status.code(), Some(0), "{to} {args:?}");
            let said = [output.stdout, output.stderr].concat();
            assert!(String::from_utf8_lossy(&said).contains("is not a regular file"), "{to} {args:?}");
        }
    }
    pipe(&bundle);
    assert_eq!(place.run(&["render", "gateway", "--out", "out", "--verify"]).status.code(), Some(1));
    assert_eq!(place.run(&["diff", "gateway", "--out", "out"]).status.code(), Some(2));
    // When written, the bundle replaces it; receipts that are pipes are skipped, also those of removed bundles.
    pipe(&receipts.join("gateway.e2e.json"));
    pipe(&receipts.join("gone.e2e.json"));
    fs::write(
        receipts.join("other.e2e.json"),
        "{\"output\": \"\", \"inputs\": {}, \"templates\": \"\", \"tool\": \"\"}",
    )
    .unwrap();
    pipe(&out.join("other.e2e.yaml"));
    let output = place.run(&["render", "--all", "--out", "out"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(bundle.symlink_metadata().unwrap().is_file());
    assert!(out.join("other.e2e.yaml").symlink_metadata().is_ok());
    // Control characters in a receipt are escaped.
    fs::write(&bundle, "x: 1\n").unwrap();
    let receipt =
        r#"{"output": "x", "inputs": {"a\u001b[31m\u202e": "q"}, "templates": "a", "tool": "9\u001b]0;x\u0007"}"#;
    fs::write(receipts.join("gateway.e2e.json"), receipt).unwrap();
    let output = place.run(&["render", "gateway", "--out", "out", "--verify"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("was rendered by plimsoll 9"), "{said}");
    assert!(!said.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{said:?}");
}

#[test]
fn a_read_only_folder_is_reported() {
    let place = Place::new();
    for folder in ["plimsoll.toml", "plimsoll.toml/out", "/proc/plimsoll"] {
        let output = place.run(&["render", "gateway", "--out", folder]);
        assert_eq!(output.status.code(), Some(2), "{folder}");
        assert!(
            stderr(&output).starts_with(&format!("error: cannot create {folder}/.plimsoll: ")),
            "{}",
            stderr(&output)
        );
    }
    // Root can write everywhere except to a read-only mount.
    fs::create_dir(place.project.join("readonly")).unwrap();
    if !sh(&place.project, "mount -t tmpfs -o ro tmpfs readonly").status.success() {
        eprintln!("NOT TESTED: this user may not mount a disk read-only");
        return;
    }
    let output = place.run(&["render", "gateway", "--out", "readonly"]);
    assert!(sh(&place.project, "umount readonly").status.success());
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("Read-only file system"), "{}", stderr(&output));
}

#[test]
fn killed_at_any_moment_each_file_is_old_or_new() {
    let flip = Flip::new();
    let out = flip.place.project.join("out");
    flip.base("45");
    assert_eq!(flip.rendered("out"), flip.old);
    let start = std::time::Instant::now();
    flip.base("46");
    assert_eq!(flip.rendered("timed"), flip.new);
    let whole = start.elapsed();
    let mut seen_both = 0;
    for round in 0..40_u32 {
        flip.base(if round % 2 == 0 { "46" } else { "45" });
        let mut child = Command::new(BIN)
            .args(["render", "--all", "--out", "out"])
            .current_dir(&flip.place.project)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // From the start to slightly after the end.
        thread::sleep(whole * (round * 3 % 44) / 40);
        _ = child.kill();
        child.wait().unwrap();
        flip.assert_whole(&out);
        let now = bundles(&out);
        seen_both += u32::from(now != flip.old && now != flip.new);
    }
    eprintln!("40 kills, {seen_both} of them between the first rename and the last");
    // The next run repairs everything and leaves no temporary files.
    flip.base("46");
    assert_eq!(flip.rendered("out"), flip.new);
    assert_eq!(leftovers(&out), Vec::<PathBuf>::new());
    let output = flip.place.run(&["render", "--all", "--out", "out", "--verify"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn runs_into_one_folder_take_turns() {
    let flip = Flip::new();
    let out = flip.place.project.join("out");
    thread::scope(|scope| {
        for runner in 0..4 {
            let flip = &flip;
            scope.spawn(move || {
                for round in 0..4 {
                    // One of them changes the inputs during the other runs.
                    if runner == 0 {
                        flip.base(if round % 2 == 0 { "45" } else { "46" });
                    }
                    let output = flip.place.run(&["render", "--all", "--out", "out"]);
                    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
                }
            });
        }
    });
    flip.assert_whole(&out);
    assert_eq!(bundles(&out).len(), 7);
    assert_eq!(leftovers(&out), Vec::<PathBuf>::new());
    assert_eq!(flip.rendered("out"), flip.new);
}

/// Files that appear, disappear and are incomplete while they are read: the result is a message or a bundle, never a
/// panic.
#[test]
fn files_may_change_underneath() {
    let place = Place::new();
    let profile = place.project.join("profiles/gateway.yaml");
    let text = fs::read_to_string(&profile).unwrap();
    thread::scope(|scope| {
        let runs = scope.spawn(|| {
            for _ in 0..25 {
                let output = place.run(&["render", "--all", "--out", "out"]);
                assert!(matches!(output.status.code(), Some(0..=2)), "{:?} {}", output.status, stderr(&output));
                assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
                assert!(output.status.success() || stderr(&output).contains("error"), "{}", stderr(&output));
            }
        });
        while !runs.is_finished() {
            for part in [0, text.len() / 3, text.len() / 2, text.len()] {
                fs::write(&profile, &text[..part]).unwrap();
                thread::sleep(Duration::from_millis(3));
            }
            fs::remove_file(&profile).unwrap();
            thread::sleep(Duration::from_millis(3));
            fs::write(&profile, &text).unwrap();
        }
        runs.join().unwrap();
    });
}

#[test]
fn streams_may_be_full_closed_or_broken() {
    let place = Place::new();
    for (line, code, says) in [
        ("\"$BIN\" render gateway >/dev/full", 2, "error: cannot write the result: No space left on device"),
        (
            "\"$BIN\" check profiles --output json >/dev/full",
            2,
            "error: cannot write the result: No space left on device",
        ),
        ("\"$BIN\" rules >/dev/full", 2, "error: cannot write the result: No space left on device"),
        ("\"$BIN\" --help >/dev/full", 2, ""),
        ("\"$BIN\" render nobody 2>/dev/full", 2, ""),
        ("\"$BIN\" render nobody 2>&-", 2, ""),
        ("\"$BIN\" render gateway >&-", 0, ""),
        ("\"$BIN\" render gateway >&- 2>&-", 0, ""),
        ("\"$BIN\" check - <&-", 2, "error: standard input is empty"),
        // A reader that closes the pipe is not an error.
        ("(\"$BIN\" render gateway; echo $? >code) | head -c 10 >/dev/null; exit $(cat code)", 0, ""),
        ("(\"$BIN\" rules; echo $? >code) | true; exit $(cat code)", 0, ""),
    ] {
        let output = sh(&place.project, line);
        assert_eq!(output.status.code(), Some(code), "{line}: {}", stderr(&output));
        assert!(stderr(&output).starts_with(says), "{line}: {}", stderr(&output));
        assert!(!stderr(&output).contains("panicked"), "{line}: {}", stderr(&output));
    }
}

#[test]
fn terminals_of_any_size_and_no_home() {
    let place = Place::new();
    let width = |columns: &str| {
        let output = sh(&place.project, &format!("COLUMNS={columns} \"$BIN\" render gateway --set namespace=A_B"));
        assert_eq!(output.status.code(), Some(1), "{columns}");
        assert!(stderr(&output).contains("`namespace` does not match the pattern"), "{columns}: {}", stderr(&output));
    };
    ["0", "1", "7", "80", "100000", "18446744073709551615", "99999999999999999999", "-1", "wide", "''"]
        .into_iter()
        .for_each(width);
    // `Place::run` sets no HOME; a removed working folder is not an error either.
    assert_eq!(place.run(&["render", "gateway"]).status.code(), Some(0));
    let output = sh(&place.project, "mkdir gone; cd gone; rmdir ../gone; exec \"$BIN\" render gateway");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

/// A checkout on Windows renders the same bytes, and so does a file with a byte order mark.
#[test]
fn windows_line_ends_and_byte_order_marks_change_nothing() {
    let place = Place::new();
    let before = place.run(&["render", "gateway"]).stdout;
    let receipt = |out: &str| {
        assert_eq!(place.run(&["render", "gateway", "--out", out]).status.code(), Some(0));
        fs::read_to_string(place.project.join(out).join(".plimsoll/gateway.e2e.json")).unwrap()
    };
    let as_committed = receipt("unix");
    let mut files = 0;
    for folder in ["profiles", "templates", "services"] {
        let mut folders = vec![place.project.join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = fs::read_to_string(&path).unwrap();
                assert!(!text.contains('\r'), "{path:?}");
                fs::write(&path, text.replace('\n', "\r\n")).unwrap();
                files += 1;
            }
        }
    }
    assert!(files > 20);
    assert!(place.run(&["render", "gateway"]).stdout == before, "Windows line ends change the bundle");
    assert_eq!(receipt("windows"), as_committed);
    for file in ["profiles/base.yaml", "profiles/gateway.yaml", "templates/namespace.yaml"] {
        let text = fs::read_to_string(place.project.join(file)).unwrap();
        place.write(file, &format!("\u{feff}{text}"));
    }
    assert!(place.run(&["render", "gateway"]).stdout == before, "byte order marks change the bundle");
    // Strings of other manifests are not changed: they keep a CR.
    place.write("cr.yaml", "apiVersion: v1\r\nkind: ConfigMap\r\nmetadata: {name: x}\r\ndata: {k: 1}\r\n");
    let output = place.run(&["check", "cr.yaml"]);
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("cr.yaml:4:11"),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
