//! The installation of releases: `install.sh`, the krew manifest, the changelog section, and the GitHub Action's
//! installer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const TARGETS: [&str; 4] =
    ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl", "x86_64-apple-darwin", "aarch64-apple-darwin"];

/// A folder with the files of a release. The binary is a script that prints its version.
struct Release {
    folder: TempDir,
}

impl Release {
    fn new(program: &str) -> Self {
        let release = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(release.path("files")).unwrap();
        fs::write(release.path("plimsoll"), program).unwrap();
        for target in TARGETS {
            let archive = format!("files/plimsoll-{target}.tar.gz");
            run(release.shell(&format!("chmod 755 plimsoll && tar -czf {archive} plimsoll")));
        }
        fs::write(release.path("files/plimsoll-x86_64-pc-windows-msvc.zip"), "zip").unwrap();
        release.sum();
        release
    }

    fn sum(&self) {
        run(self.shell("cd files && openssl dgst -sha256 -r plimsoll-* | sed 's/ \\*/  /' > SHA256SUMS"));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-ec", script]).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn url(&self) -> String {
        format!("file://{}", self.path("files").display())
    }

    fn install(&self) -> Output {
        let mut command = Command::new("sh");
        command.arg(format!("{ROOT}/install.sh")).env("PLIMSOLL_URL", self.url()).env("PLIMSOLL_BIN", self.path("bin"));
        command.current_dir(self.folder.path()).stdin(Stdio::null()).output().unwrap()
    }
}

fn run(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

const WORKS: &str = "#!/bin/sh\necho plimsoll 9.9.9\n";

#[test]
fn a_release_with_a_matching_checksum_is_installed() {
    let release = Release::new(WORKS);
    let output = release.install();
    assert!(output.status.success(), "{}", said(&output));
    let program = release.path("bin/plimsoll");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with(&format!("installed plimsoll 9.9.9 to {}\n", program.display())), "{text}");
    assert_eq!(run(Command::new(&program)), "plimsoll 9.9.9\n");
    // Installing again replaces the binary.
    assert!(release.install().status.success());
    assert_eq!(entries(&release.path("bin")), ["plimsoll"]);
}

#[test]
fn an_archive_with_another_checksum_is_not_installed() {
    let release = Release::new(WORKS);
    for target in TARGETS {
        let archive = release.path(&format!("files/plimsoll-{target}.tar.gz"));
        let mut bytes = fs::read(&archive).unwrap();
        bytes.push(0);
        fs::write(&archive, bytes).unwrap();
    }
    let output = release.install();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("checksum mismatch for plimsoll-"), "{}", said(&output));
    assert!(entries(&release.path("bin")).is_empty());
}

#[test]
fn an_archive_without_a_checksum_is_not_installed() {
    let release = Release::new(WORKS);
    fs::write(release.path("files/SHA256SUMS"), "0000  another.tar.gz\n").unwrap();
    let output = release.install();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("SHA256SUMS has no entry for plimsoll-"), "{}", said(&output));
    assert!(entries(&release.path("bin")).is_empty());
}

#[test]
fn a_binary_that_does_not_run_does_not_replace_the_installed_one() {
    let release = Release::new("#!/bin/sh\nexit 126\n");
    fs::create_dir(release.path("bin")).unwrap();
    fs::write(release.path("bin/plimsoll"), "the old one").unwrap();
    let output = release.install();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("does not run on this machine"), "{}", said(&output));
    assert_eq!(fs::read_to_string(release.path("bin/plimsoll")).unwrap(), "the old one");
}

#[test]
fn a_missing_release_or_address_is_reported() {
    let release = Release::new(WORKS);
    fs::remove_file(release.path("files/SHA256SUMS")).unwrap();
    let output = release.install();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("cannot download file://"), "{}", said(&output));
    let mut command = Command::new("sh");
    let output = command.arg(format!("{ROOT}/install.sh")).env_remove("PLIMSOLL_URL").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("PLIMSOLL_URL is not set"), "{}", said(&output));
}

#[test]
fn a_truncated_script_does_nothing() {
    let script = fs::read_to_string(format!("{ROOT}/install.sh")).unwrap();
    let release = Release::new(WORKS);
    let half = script.strip_suffix("main\n").unwrap();
    let mut command = release.shell(half);
    command.env("PLIMSOLL_URL", release.url()).env("PLIMSOLL_BIN", release.path("bin"));
    run(command);
    assert!(!release.path("bin").exists());
}

#[test]
fn the_krew_manifest_names_each_archive_with_its_checksum() {
    let release = Release::new(WORKS);
    let sums = fs::read_to_string(release.path("files/SHA256SUMS")).unwrap();
    let mut command = Command::new("sh");
    command.arg(format!("{ROOT}/ci/krew.sh")).args(["9.9.9", "https://example.com/v9.9.9"]);
    command.arg(release.path("files/SHA256SUMS"));
    let manifest = run(command);
    assert!(manifest.contains("\n  version: v9.9.9\n"), "{manifest}");
    for line in sums.lines() {
        let (digest, name) = line.split_once("  ").unwrap();
        let entry = format!("    uri: https://example.com/v9.9.9/{name}\n    sha256: {digest}\n");
        assert!(manifest.contains(&entry), "{name}:\n{manifest}");
    }
    assert_eq!(manifest.matches("    uri: ").count(), sums.lines().count());
    // The manifest has exactly the platforms of the release workflow.
    let workflow = fs::read_to_string(format!("{ROOT}/.github/workflows/release.yaml")).unwrap();
    let built: Vec<&str> = workflow.split("target: ").skip(1).filter_map(|rest| rest.split('}').next()).collect();
    let built: Vec<&str> = built.into_iter().filter(|target| target.contains('-')).collect();
    assert_eq!(built.len(), sums.lines().count());
    for target in built {
        assert!(manifest.contains(&format!("/plimsoll-{target}.")), "{target}");
    }
}

/// A folder with these files and with the scripts of `ci`.
fn source(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("ci")).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    for script in ["changelog.sh", "action.sh"] {
        fs::copy(format!("{ROOT}/ci/{script}"), folder.path().join("ci").join(script)).unwrap();
    }
    folder
}

#[test]
fn the_notes_of_a_release_are_its_section_of_the_changelog() {
    let text = "# Changelog\n\n## Unreleased\n\n- new\n\n## 0.2.0\n\n- second\n  line\n\n- third\n\n## 0.1.0 (2026-01-02)\n\n- first\n\n## 0.0.1\n\n";
    let folder = source(&[("CHANGELOG.md", text)]);
    let section =
        |version: &str| Command::new("sh").arg(folder.path().join("ci/changelog.sh")).arg(version).output().unwrap();
    for (version, expected) in
        [("0.2.0", "- second\n  line\n\n- third\n"), ("0.1.0", "- first\n"), ("Unreleased", "- new\n")]
    {
        assert_eq!(String::from_utf8(section(version).stdout).unwrap(), expected, "{version}");
    }
    // A version without a section, or with an empty one, is not released.
    for version in ["0.0.1", "0.3.0", "0.2"] {
        let output = section(version);
        assert_eq!(output.status.code(), Some(1), "{version}");
        assert!(said(&output).contains(&format!("no section `## {version}`")), "{}", said(&output));
    }
}

/// Runs `ci/action.sh` with stand-ins for the programs that it calls, and returns the recorded calls.
fn action(reference: &str, tagged: &str, download_works: bool) -> String {
    let installer = if download_works { "exit 0" } else { "exit 1" };
    let folder = source(&[
        (
            "Cargo.toml",
            "[package]\nname = \"plimsoll\"\nversion = \"1.2.3\"\n\n[dependencies]\nserde = { version = \"1\" }\n",
        ),
        ("install.sh", &format!("echo \"install $PLIMSOLL_URL\" >> \"$CALLS\"\n{installer}\n")),
        ("cargo", "#!/bin/sh\necho \"cargo $1\" >> \"$CALLS\"\n"),
        ("git", &format!("#!/bin/sh\necho '{tagged}\trefs/tags/v1.2.3'\n")),
    ]);
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let calls = folder.path().join("calls");
    let mut command = Command::new("chmod");
    command.args(["755", "cargo", "git"]).current_dir(folder.path());
    run(command);
    let mut command = Command::new("bash");
    command.arg(folder.path().join("ci/action.sh")).env("PATH", path).env("CALLS", &calls).env("ACTION_REF", reference);
    command.env("ACTION_REPOSITORY", "owner/name").env("GITHUB_SERVER_URL", "https://example.com");
    command.env("PLIMSOLL_BIN", folder.path().join("bin"));
    run(command);
    fs::read_to_string(calls).unwrap()
}

#[test]
fn the_action_downloads_the_release_of_its_own_version() {
    let download = "install https://example.com/owner/name/releases/download/v1.2.3\n";
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let other = "89abcdef0123456789abcdef0123456789abcdef";
    for (reference, tagged, works, expected) in [
        ("v1.2.3", other, true, download.to_owned()),
        ("v1", other, true, download.to_owned()),
        (commit, commit, true, download.to_owned()),
        // Branches, commits that are not tagged, and releases without binaries are compiled from source.
        ("main", commit, true, "cargo install\n".to_owned()),
        (commit, other, true, "cargo install\n".to_owned()),
        ("0123", commit, true, "cargo install\n".to_owned()),
        ("", commit, true, "cargo install\n".to_owned()),
        ("v1.2.3", commit, false, format!("{download}cargo install\n")),
    ] {
        assert_eq!(action(reference, tagged, works), expected, "{reference}");
    }
}
