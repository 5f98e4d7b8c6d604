//! PostgreSQL and Redis servers for the tests, in a temporary folder, which run until the tests end.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::pod::Pod;

/// The superuser's password, with characters that are special in shells, URLs and quoted strings.
pub(super) const ODD_PASSWORD: &str = r#"it's "odd" $HOME `id` \n \\ %41 :x $$ ; # é"#;

/// The path of a program; panics with installation instructions if it is not found.
pub(super) fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian installs PostgreSQL's programs in a folder per version, with wrappers for some of them on the PATH.
    let mut versions: Vec<PathBuf> =
        std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    versions.sort();
    let folders = versions.iter().rev().map(|folder| folder.join("bin"));
    folders
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|file| file.exists())
        .unwrap_or_else(|| panic!("`{name}` is not installed; `./test` installs what the tests need"))
}

/// A port that was free when it was requested.
pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Whether the tests run as root, in which case servers and containers need another user.
pub(super) fn root() -> bool {
    static ROOT: LazyLock<bool> =
        LazyLock::new(|| std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0);
    *ROOT
}

/// The user that runs PostgreSQL, which rejects root and requires a user name: `postgres`, otherwise `nobody`.
fn server_user() -> Option<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2).map(|id| id.parse().unwrap());
        Some((ids.next()?, ids.next()?))
    };
    root().then(|| find("postgres").or_else(|| find("nobody")).expect("a user for PostgreSQL"))
}

pub(super) fn as_server_user(command: &mut Command) -> &mut Command {
    if let Some((user, group)) = server_user() {
        command.uid(user).gid(group);
    }
    command
}

fn server_folder(name: &str) -> PathBuf {
    let folder = tempfile::Builder::new().prefix(name).tempdir().unwrap().keep();
    if let Some((user, group)) = server_user() {
        chown(&folder, Some(user), Some(group)).unwrap();
    }
    folder
}

/// Runs a server until this process ends in any way: the shell waits until its standard input is closed.
fn run_server(folder: &Path, command: &Path, arguments: &[&str]) -> Child {
    let script = r#"folder=$1; shift
        "$@" >"$folder/log" 2>&1 </dev/null & server=$!
        cat >/dev/null
        kill -INT $server; wait $server; rm -rf "$folder""#;
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", script, "server"]).arg(folder).arg(command).args(arguments);
    // A separate process group, so that Ctrl-C in the terminal only reaches the tests.
    as_server_user(shell.stdin(Stdio::piped()).process_group(0)).current_dir(folder).spawn().unwrap()
}

fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < Duration::from_secs(60), "waited a minute for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits up to a minute for a condition.
pub(super) fn wait_until(what: &str, ready: impl FnMut() -> bool) {
    until(what, ready);
}

/// The PostgreSQL server of the tests.
pub(super) struct Postgres {
    pub port: u16,
    _server: Mutex<Child>,
}

/// The only PostgreSQL server, started by the first test that needs it.
pub(super) static POSTGRES: LazyLock<Postgres> = LazyLock::new(|| {
    let folder = server_folder("plimsoll-pg");
    let data = folder.join("data");
    let password = folder.join("password");
    std::fs::write(&password, ODD_PASSWORD).unwrap();
    if let Some((user, group)) = server_user() {
        chown(&password, Some(user), Some(group)).unwrap();
    }
    let mut initdb = Command::new(program("initdb"));
    initdb.args(["--username=postgres", "--auth=scram-sha-256", "--no-sync", "--encoding=UTF8", "--locale=C"]);
    initdb.arg("--pwfile").arg(&password).arg("--pgdata").arg(&data).current_dir(&folder);
    let output = as_server_user(&mut initdb).output().unwrap();
    assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
    // A certificate, so that `sslmode=require` is tested as well.
    let mut openssl = Command::new(program("openssl"));
    openssl.args(["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
    openssl.args(["-subj", "/CN=plimsoll-tests", "-days", "2", "-keyout", "server.key", "-out", "server.crt"]);
    let output = as_server_user(openssl.current_dir(&data)).output().unwrap();
    assert!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    let port = free_port();
    let settings = [
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        format!("unix_socket_directories={}", folder.display()),
        "fsync=off".to_owned(),
        "max_connections=200".to_owned(),
        "autovacuum=off".to_owned(),
        "ssl=on".to_owned(),
    ];
    let mut arguments = vec!["-D", data.to_str().unwrap()];
    settings.iter().for_each(|setting| arguments.extend(["-c", setting]));
    let server = run_server(&folder, &program("postgres"), &arguments);
    let postgres = Postgres { port, _server: Mutex::new(server) };
    until("PostgreSQL", || postgres.psql("postgres", "postgres", ODD_PASSWORD, "SELECT 1").is_ok());
    postgres
});

impl Postgres {
    /// The unformatted result of a query, or the error message of psql.
    fn psql(&self, database: &str, user: &str, password: &str, query: &str) -> Result<String, String> {
        let output = Command::new(program("psql"))
            .args(["-XqAtw", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", user])
            .args(["-c", query])
            .env("PGDATABASE", database)
            .env("PGPASSWORD", password)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }
}

/// A database and the role that owns it.
pub(super) struct Database {
    pub name: String,
    pub user: String,
    pub password: String,
}

impl Database {
    /// A new database with a plain name, whose owner has a password with special characters.
    pub(super) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self::named(&format!("db{number}"), &format!("user{number}"), ODD_PASSWORD)
    }

    /// A new database with these names and this password.
    pub(super) fn named(name: &str, user: &str, password: &str) -> Self {
        let database = Self { name: name.to_owned(), user: user.to_owned(), password: password.to_owned() };
        let (name, user) = (name.replace('"', "\"\""), user.replace('"', "\"\""));
        Self::admin("postgres", &format!("CREATE ROLE \"{user}\" LOGIN PASSWORD {}", literal(password)));
        Self::admin("postgres", &format!("CREATE DATABASE \"{name}\" OWNER \"{user}\""));
        Self::admin(&database.name, "ALTER SCHEMA public OWNER TO pg_database_owner");
        database
    }

    /// Recreates the database with this name and its owner. The caller must ensure that nothing else uses them.
    pub(super) fn anew(name: &str, user: &str, password: &str) -> Self {
        let (quoted_name, quoted_user) = (name.replace('"', "\"\""), user.replace('"', "\"\""));
        Self::admin("postgres", &format!("DROP DATABASE IF EXISTS \"{quoted_name}\" WITH (FORCE)"));
        Self::admin("postgres", &format!("DROP ROLE IF EXISTS \"{quoted_user}\""));
        Self::named(name, user, password)
    }

    fn admin(database: &str, query: &str) -> String {
        POSTGRES.psql(database, "postgres", ODD_PASSWORD, query).unwrap()
    }

    /// Runs a query as the superuser.
    pub(super) fn as_admin(&self, query: &str) -> String {
        Self::admin(&self.name, query)
    }

    /// Runs a query as the owner and returns its result.
    pub(super) fn query(&self, query: &str) -> String {
        self.try_query(query).unwrap()
    }

    /// The same, with the error message of psql if it fails.
    pub(super) fn try_query(&self, query: &str) -> Result<String, String> {
        POSTGRES.psql(&self.name, &self.user, &self.password, query)
    }

    /// The environment that the scripts receive.
    pub(super) fn env(&self) -> Vec<(String, String)> {
        let port = POSTGRES.port.to_string();
        [
            ("PGHOST", "127.0.0.1"),
            ("PGPORT", &port),
            ("PGDATABASE", &self.name),
            ("PGUSER", &self.user),
            ("PGPASSWORD", &self.password),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// The names of the tables without partitions and the ledger, separated by spaces.
    pub(super) fn tables(&self) -> String {
        self.query(
            "SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), '') FROM pg_class WHERE relkind IN ('r', 'p')
             AND NOT relispartition AND relnamespace = 'public'::regnamespace
             AND relname NOT IN ('plimsoll_migrations', 'goose_db_version')",
        )
    }

    /// All contents with the transaction that wrote them: equal fingerprints mean that nothing was changed.
    pub(super) fn fingerprint(&self) -> String {
        let ledger = self.query(
            "SELECT CASE WHEN to_regclass('plimsoll_migrations') IS NULL THEN '' ELSE
             (xpath('/table', query_to_xml('SELECT *, xmin FROM plimsoll_migrations ORDER BY name', true, false, '')))[1]::text END",
        );
        let catalog = self.query(
            "SELECT oid, relname, relkind, relfilenode, xmin FROM pg_class
             WHERE relnamespace = 'public'::regnamespace ORDER BY oid",
        );
        format!("{ledger}\n{catalog}")
    }

    /// The names and states in the ledger, ordered by name.
    pub(super) fn ledger(&self) -> String {
        self.query("SELECT string_agg(name || ' ' || state, ', ' ORDER BY name) FROM plimsoll_migrations")
    }

    /// The number of sessions on this database for which a condition on `pg_stat_activity` is true.
    pub(super) fn sessions(&self, condition: &str) -> usize {
        let query = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid() AND {condition}",
            self.name
        );
        Self::admin("postgres", &query).parse().unwrap()
    }
}

/// Quotes a string as an SQL literal.
pub(super) fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// A session that stays open.
pub(super) struct Session {
    child: Child,
}

impl Session {
    /// Opens a session on a database and starts a query without waiting for it.
    pub(super) fn open(database: &Database, query: &str) -> Self {
        let mut psql = Command::new(program("psql"));
        psql.args(["-XqAtw"]).envs(database.env()).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = psql.spawn().unwrap();
        writeln!(child.stdin.as_mut().unwrap(), "{query}").unwrap();
        Self { child }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that refuses connections until it is opened, and then forwards them to the PostgreSQL server.
pub(super) struct Gate {
    pub port: u16,
}

impl Gate {
    pub(super) fn closed() -> Self {
        Self { port: free_port() }
    }

    /// Opens the port after a delay.
    pub(super) fn open_after(&self, delay: Duration) {
        let port = self.port;
        std::thread::spawn(move || {
            std::thread::sleep(delay);
            let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
            for from in listener.incoming() {
                let from = from.unwrap();
                let to = TcpStream::connect(("127.0.0.1", POSTGRES.port)).unwrap();
                pipe(from.try_clone().unwrap(), to.try_clone().unwrap());
                pipe(to, from);
            }
        });
    }
}

fn pipe(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}

/// A Redis server.
pub(super) struct RedisServer {
    pub port: u16,
    server: Child,
    folder: PathBuf,
}

impl RedisServer {
    /// A Redis server with a password; without one if it is empty.
    pub(super) fn with_password(password: &str) -> Self {
        let folder = server_folder("plimsoll-redis");
        let port = free_port();
        let mut command = Command::new(program("redis-server"));
        command.args(["--port", &port.to_string(), "--save", "", "--bind", "127.0.0.1"]).current_dir(&folder);
        if !password.is_empty() {
            command.args(["--requirepass", password]);
        }
        Self::start(as_server_user(&mut command), port, folder)
    }

    fn start(command: &mut Command, port: u16, folder: PathBuf) -> Self {
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let server = command.stdin(Stdio::null()).stdout(log).process_group(0).spawn().unwrap();
        let redis = Self { port, server, folder };
        until("Redis", || TcpStream::connect(("127.0.0.1", redis.port)).is_ok());
        redis
    }

    /// The container of the bundle's Redis on a free port, with its own command, user and probes, which must fail
    /// before it is ready and succeed afterwards.
    pub(super) fn of(pod: &Pod<'_>, container: &Value, port: i64) -> Self {
        let free = free_port();
        let name = container["name"].as_str().unwrap();
        let mut ready = pod.container(name).unwrap();
        let moved = |words: Vec<String>| -> Vec<String> {
            words.into_iter().map(|word| if word == port.to_string() { free.to_string() } else { word }).collect()
        };
        (ready.command, ready.args) = (moved(ready.command), moved(ready.args));
        let probes: Vec<Vec<String>> = ["startupProbe", "readinessProbe", "livenessProbe"]
            .into_iter()
            .map(|probe| container[probe]["exec"]["command"].as_array().unwrap())
            .map(|words| moved(words.iter().map(|word| word.as_str().unwrap().to_owned()).collect()))
            .collect();
        let succeeds = |words: &Vec<String>| ready.exec(words).output().unwrap().status.success();
        assert!(!probes.iter().any(succeeds), "a probe succeeds before the server is up");
        let redis = Self::start(&mut ready.process(), free, server_folder("plimsoll-redis"));
        until("the startup probe", || succeeds(&probes[0]));
        assert!(probes.iter().all(succeeds), "a probe fails while the server is up");
        redis
    }

    /// The output of redis-cli.
    pub(super) fn ask(&self, password: &str, database: i64, words: &[&str]) -> String {
        let mut command = Command::new(program("redis-cli"));
        command.args(["-p", &self.port.to_string(), "-n", &database.to_string()]);
        if !password.is_empty() {
            command.env("REDISCLI_AUTH", password);
        }
        let output = command.args(words).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim_end().to_owned()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
