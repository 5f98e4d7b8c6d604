//! Tests of the bundle's PostgreSQL pod: its volumes, arguments and probes, with the PostgreSQL of this machine.
//!
//! The image's entrypoint is replaced by what it does: it runs initdb with the user and password of the environment,
//! creates the database through a server on the Unix socket, then starts `postgres` with the container's arguments. The
//! server runs as this machine's database user, since PostgreSQL requires that the user has a name.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::bundle::render;
use super::pod::{Container, Pod};
use super::servers::{as_server_user, free_port, program, wait_until};

/// A PostgreSQL server started from a container's settings.
struct Server(Child);

impl Server {
    fn start(container: &Container, arguments: &[&str]) -> Self {
        let data = container.variable("PGDATA").unwrap();
        let socket = container.path("/var/run/postgresql");
        let mut command = Command::new(program("postgres"));
        command.args(["-D", data, "-k", socket.to_str().unwrap()]).args(arguments).current_dir(data);
        let child = as_server_user(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())).spawn();
        Self(child.unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("/bin/sh").args(["-c", r#"kill -QUIT "$1""#, "sh", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

#[test]
fn is_ready_only_when_it_responds() {
    let manifests = render(&["gateway"]);
    let workload = manifests.only("StatefulSet", "postgresql");
    let pod = Pod::of(&manifests, workload);
    let mut container = pod.container("postgresql").unwrap();
    let described = &workload["spec"]["template"]["spec"]["containers"][0];
    let port = described["ports"][0]["containerPort"].to_string();
    let free = free_port().to_string();
    container.args.iter_mut().for_each(|word| *word = word.replace(&port, &free));
    let succeeds = |probe: &str| {
        let words = described[probe]["exec"]["command"].as_array().unwrap();
        let words = words.iter().map(|word| word.as_str().unwrap());
        let words: Vec<String> = words.map(|word| if word == port { free.clone() } else { word.to_owned() }).collect();
        container.exec(&words).output().unwrap().status.success()
    };
    const PROBES: [&str; 3] = ["startupProbe", "readinessProbe", "livenessProbe"];
    let given = |name: &str| container.variable(name).unwrap();

    // As in the entrypoint: a folder below the mount, with the user and password of the environment.
    let data = Path::new(given("PGDATA"));
    assert!(
        data.starts_with(container.path("/var/lib/postgresql/data"))
            && data != container.path("/var/lib/postgresql/data")
    );
    let password = container.path("/tmp").join("password");
    std::fs::write(&password, given("POSTGRES_PASSWORD")).unwrap();
    let mut initdb = Command::new(program("initdb"));
    initdb.args(["--no-sync", "--auth-host=scram-sha-256", "--auth-local=trust", "--username", given("POSTGRES_USER")]);
    initdb.arg("--pwfile").arg(&password).arg("--pgdata").arg(data).current_dir(container.path("/tmp"));
    let output = as_server_user(&mut initdb).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let socket = container.path("/var/run/postgresql");
    let psql = |host: &Path, database: &str, sql: &str| {
        let output = Command::new(program("psql"))
            .args(["-XqAtw", "-p", &free, "-d", database, "-c", sql, "-U", given("POSTGRES_USER"), "-h"])
            .arg(host)
            .env("PGPASSWORD", given("POSTGRES_PASSWORD"))
            .output()
            .unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    };
    {
        let _setup = Server::start(&container, &["-c", "listen_addresses=", "-p", &free]);
        let made = format!("CREATE DATABASE \"{}\"", given("POSTGRES_DB"));
        wait_until("the server on the socket", || psql(&socket, "postgres", "SELECT 1").is_some());
        psql(&socket, "postgres", &made).unwrap();
        assert!(!PROBES.into_iter().any(succeeds), "ready while the database is being made");
    }
    let arguments: Vec<&str> = container.args.iter().map(String::as_str).collect();
    let server = Server::start(&container, &arguments);
    wait_until("the startup probe", || succeeds("startupProbe"));
    assert!(PROBES.into_iter().all(succeeds));
    assert_eq!(psql(Path::new("127.0.0.1"), given("POSTGRES_DB"), "SELECT 1").as_deref(), Some("1"));
    drop(server);
    assert!(!PROBES.into_iter().any(succeeds), "ready after the server has gone");
}
