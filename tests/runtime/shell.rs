//! Runs the scripts in busybox ash with a PATH that contains only busybox and the programs of the PostgreSQL image.

use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use plimsoll::finding::Severity;
use plimsoll::migrations::{Migration, ORDER_KEY, SqlFile, for_tables, order, read};
use tempfile::TempDir;

use super::servers::{Database, program, root};

/// The user and groups of a container.
#[derive(Debug, Clone, Copy)]
pub(super) struct User {
    pub user: u32,
    pub group: u32,
    /// The group of the volumes (`fsGroup`), which the kubelet adds to every process of the pod.
    pub volumes: Option<u32>,
}

/// The user of postgres:16-alpine.
const IMAGE_USER: User = User { user: 70, group: 70, volumes: None };

/// The programs of the Alpine image that the containers use: those of busybox, the named ones, and another shell.
pub(super) static TOOLS: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::Builder::new().prefix("plimsoll-tools").tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let busybox = program("busybox");
    let list = Command::new(&busybox).arg("--list").output().unwrap();
    for applet in String::from_utf8(list.stdout).unwrap().lines() {
        symlink(&busybox, folder.path().join(applet)).unwrap();
    }
    for name in ["dash", "psql", "pg_isready", "postgres", "redis-cli", "redis-server"] {
        let link = folder.path().join(name);
        let _ = std::fs::remove_file(&link);
        symlink(program(name), link).unwrap();
    }
    folder
});

/// A folder with the contents of the migrations volume, and the environment of the container.
pub(super) struct Volume {
    pub folder: TempDir,
    temporary: TempDir,
    env: Vec<(String, String)>,
}

/// The result of a script.
pub(super) struct Run {
    pub status: ExitStatus,
    pub log: String,
    pub took: Duration,
}

impl Run {
    pub(super) fn last_line(&self) -> &str {
        self.log.lines().last().unwrap_or_default()
    }

    /// Panics with the log unless the script succeeded.
    #[track_caller]
    pub(super) fn fine(self) -> Self {
        assert!(self.status.success(), "{}\n{}", self.status, self.log);
        self
    }

    /// Panics with the log unless the script exited with an error and its last line reports the failure.
    #[track_caller]
    pub(super) fn failed(self) -> Self {
        assert_eq!(self.status.code(), Some(1), "{}\n{}", self.status, self.log);
        assert!(self.last_line().contains(": FAILED: "), "{}", self.log);
        self
    }

    /// Panics unless the log contains a string.
    #[track_caller]
    pub(super) fn says(self, text: &str) -> Self {
        assert!(self.log.contains(text), "no {text:?} in:\n{}", self.log);
        self
    }
}

/// A running script.
pub(super) struct Running {
    child: Option<Child>,
    log: std::thread::JoinHandle<String>,
    start: Instant,
}

impl Running {
    pub(super) fn spawn(mut command: Command) -> Self {
        let (mut reader, writer) = std::io::pipe().unwrap();
        command.stdin(Stdio::null()).stdout(writer.try_clone().unwrap()).stderr(writer).process_group(0);
        let child = command.spawn().unwrap();
        drop(command);
        let log = std::thread::spawn(move || {
            let mut text = Vec::new();
            reader.read_to_end(&mut text).unwrap();
            String::from_utf8_lossy(&text).into_owned()
        });
        Self { child: Some(child), log, start: Instant::now() }
    }

    /// Sends a signal to the main process, as the kubelet does, or to the whole process group.
    pub(super) fn signal(&self, name: &str, all: bool) {
        let id = i64::from(self.child.as_ref().unwrap().id());
        let target = if all { -id } else { id };
        let script = r#"kill "$1" "$2""#;
        let status = Command::new("/bin/sh").args(["-c", script, "sh", name, &target.to_string()]).status().unwrap();
        assert!(status.success());
    }

    pub(super) fn finish(mut self) -> Run {
        // No test takes this long; a script that hangs would block the whole suite.
        while self.child.as_mut().unwrap().try_wait().unwrap().is_none() {
            if self.start.elapsed() > Duration::from_secs(60) {
                self.signal("-KILL", true);
                panic!("still running after a minute: {}", self.log.join().unwrap());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let status = self.child.take().unwrap().wait().unwrap();
        let took = self.start.elapsed();
        Run { status, log: self.log.join().unwrap(), took }
    }
}

/// A command with its program from [`TOOLS`], run as the user if the tests can change users.
pub(super) fn command(words: &[String], env: &[(String, String)], user: Option<User>) -> Command {
    let tools = TOOLS.path();
    let first = &words[0];
    // An absolute path refers to the image; the program of the same name is in the tools folder.
    let name = Path::new(first).file_name().unwrap();
    let program = if first.starts_with("/bin/") || first.starts_with("/usr/") || !first.contains('/') {
        tools.join(name)
    } else {
        PathBuf::from(first)
    };
    let mut command = match user.filter(|_| root()) {
        None => {
            let mut command = Command::new(program);
            command.arg0(name);
            command
        }
        Some(User { user, group, volumes }) => {
            let mut command = Command::new("/usr/bin/setpriv");
            command.args(["--reuid", &user.to_string(), "--regid", &group.to_string()]);
            match volumes {
                Some(group) => command.args(["--groups", &group.to_string()]),
                None => command.arg("--clear-groups"),
            };
            command.arg(program);
            command
        }
    };
    command.args(&words[1..]).env_clear().env("PATH", tools).envs(env.iter().cloned());
    command
}

/// The files of the built-in SQL, by name.
pub(super) fn own_files() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/migrations");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut files: Vec<_> = paths.map(|path| (name(&path), std::fs::read_to_string(path).unwrap())).collect();
    files.sort();
    files
}

/// The migrations in a folder with these files, which must be valid.
fn ordered(files: &[(&str, &str)]) -> Vec<Migration> {
    let sql: Vec<SqlFile<'_>> = files.iter().map(|(name, text)| SqlFile { name, text }).collect();
    let (migrations, problems) = read(&sql);
    assert!(problems.iter().all(|problem| problem.severity != Severity::Error), "{problems:?}");
    migrations
}

impl Volume {
    /// The scripts and these SQL files, read and ordered as in a bundle, for one database.
    pub(super) fn new(database: &Database, files: &[(&str, &str)]) -> Self {
        Self::of(database, &ordered(files))
    }

    fn of(database: &Database, migrations: &[Migration]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let temporary = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/scripts")).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
        std::fs::write(folder.path().join(ORDER_KEY), order(migrations)).unwrap();
        for migration in migrations {
            std::fs::write(folder.path().join(&migration.name), &migration.sql).unwrap();
        }
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o555)).unwrap();
        std::fs::set_permissions(temporary.path(), PermissionsExt::from_mode(0o777)).unwrap();
        let mut env = database.env();
        env.push(("TMPDIR".to_owned(), temporary.path().to_str().unwrap().to_owned()));
        env.push(("POLL_SECONDS".to_owned(), "0.05".to_owned()));
        Self { folder, temporary, env }
    }

    /// The bundle's own SQL for these tables.
    pub(super) fn own(database: &Database, tables: &[&str]) -> Self {
        let files = own_files();
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        Self::of(database, &for_tables(ordered(&files), tables)).with("MIGRATIONS_TABLES", &tables.join(" "))
    }

    /// Sets a variable.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Overwrites a file of the volume, as an editor does.
    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::set_permissions(self.folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(self.folder.path(), PermissionsExt::from_mode(0o555)).unwrap();
    }

    /// Starts a script.
    pub(super) fn start(&self, script: &str) -> Running {
        self.start_in("sh", script)
    }

    /// Starts a script in a shell.
    pub(super) fn start_in(&self, shell: &str, script: &str) -> Running {
        let path = self.folder.path().join(script).to_str().unwrap().to_owned();
        Running::spawn(command(&[shell.to_owned(), path], &self.env, Some(IMAGE_USER)))
    }

    /// Runs a script to completion.
    pub(super) fn run(&self, script: &str) -> Run {
        self.start(script).finish()
    }

    /// Runs `migrate.sh` to completion.
    pub(super) fn migrate(&self) -> Run {
        self.run("migrate.sh")
    }

    /// Whether the scripts have removed all files that they wrote.
    pub(super) fn is_clean(&self) -> bool {
        std::fs::read_dir(self.temporary.path()).unwrap().next().is_none()
    }
}
