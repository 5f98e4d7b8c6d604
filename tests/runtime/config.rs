//! Reads the mounted configuration as the DataStorage binary does. It is written independently of the renderer;
//! anything that the binary would silently ignore is an error here.

use serde_json::Value;

use super::pod::Container;

/// The settings that the binary would use.
#[derive(Debug)]
pub(super) struct Settings {
    pub port: i64,
    pub database: Database,
    pub redis: Redis,
}

#[derive(Debug)]
pub(super) struct Database {
    pub host: String,
    pub port: i64,
    pub name: String,
    pub user: String,
    pub password: String,
    pub ssl_mode: String,
}

#[derive(Debug)]
pub(super) struct Redis {
    pub host: String,
    pub port: i64,
    pub password: String,
    pub database: i64,
    pub stream: String,
}

/// The keys that the binary reads, by section.
const KEYS: [(&str, &[&str]); 4] = [
    ("server", &["port", "host", "read_timeout", "write_timeout"]),
    (
        "database",
        &[
            "host",
            "port",
            "name",
            "user",
            "ssl_mode",
            "secretsFile",
            "usernameKey",
            "passwordKey",
            "max_open_conns",
            "max_idle_conns",
            "conn_max_lifetime",
            "conn_max_idle_time",
        ],
    ),
    ("redis", &["addr", "db", "dlq_stream_name", "dlq_max_len", "dlq_consumer_group", "secretsFile", "passwordKey"]),
    ("logging", &["level", "format"]),
];

/// Reads the file at `CONFIG_PATH` and the secret files that it refers to, as the container's user.
pub(super) fn read(container: &Container) -> Result<Settings, String> {
    let path = container.variable("CONFIG_PATH").ok_or("CONFIG_PATH is not set")?;
    let config = yaml(container, path)?;
    for (section, content) in config.as_object().ok_or("the config is no mapping")? {
        let known = KEYS.iter().find(|(name, _)| name == section).ok_or(format!("`{section}` is never read"))?.1;
        for key in content.as_object().ok_or(format!("`{section}` is no mapping"))?.keys() {
            if !known.contains(&key.as_str()) {
                return Err(format!("`{section}.{key}` is never read"));
            }
        }
    }
    let (server, database, redis) = (&config["server"], &config["database"], &config["redis"]);
    let port = number(server, "port", 1024..=65535)?;
    durations(server, &["read_timeout", "write_timeout"])?;
    durations(database, &["conn_max_lifetime", "conn_max_idle_time"])?;
    for key in ["max_open_conns", "max_idle_conns"] {
        if !database[key].is_null() {
            number(database, key, 0..=i64::from(i32::MAX))?;
        }
    }
    let logging = &config["logging"];
    one_of(logging, "level", &["debug", "info", "warn", "error"])?;
    one_of(logging, "format", &["json", "console"])?;
    one_of(database, "ssl_mode", &["disable", "require", "verify-ca", "verify-full"])?;

    let secrets = yaml(container, &string(database, "secretsFile")?)?;
    let user = match database["usernameKey"].as_str() {
        Some(key) if !key.is_empty() => secret(&secrets, key)?,
        _ => string(database, "user")?,
    };
    let password = secret(&secrets, &string(database, "passwordKey")?)?;
    if password.is_empty() {
        return Err("the database's password is empty".to_owned());
    }
    let address = string(redis, "addr")?;
    let (host, redis_port) = address.rsplit_once(':').ok_or("`redis.addr` has no port")?;
    let redis_secrets = yaml(container, &string(redis, "secretsFile")?)?;
    Ok(Settings {
        port,
        database: Database {
            host: string(database, "host")?,
            port: number(database, "port", 1..=65535)?,
            name: string(database, "name")?,
            user,
            password,
            ssl_mode: database["ssl_mode"].as_str().unwrap_or_default().to_owned(),
        },
        redis: Redis {
            host: host.to_owned(),
            port: redis_port.parse().map_err(|_| "`redis.addr` has no numeric port")?,
            password: secret(&redis_secrets, &string(redis, "passwordKey")?)?,
            database: redis["db"].as_i64().unwrap_or_default(),
            stream: redis["dlq_stream_name"].as_str().unwrap_or("dlq").to_owned(),
        },
    })
}

fn yaml(container: &Container, path: &str) -> Result<Value, String> {
    let file = container.path(path).to_str().unwrap().to_owned();
    // A process of the container's user reads it, so that file modes apply.
    let output = container.exec(&["cat".to_owned(), file]).output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_saphyr::from_str(&String::from_utf8(output.stdout).unwrap()).map_err(|error| format!("{path}: {error}"))
}

fn string(section: &Value, key: &str) -> Result<String, String> {
    match section[key].as_str() {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(format!("`{key}` is required and must be a string: {}", section[key])),
    }
}

fn number(section: &Value, key: &str, range: std::ops::RangeInclusive<i64>) -> Result<i64, String> {
    let number = section[key].as_i64().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("`{key}` must be a number in {range:?}: {}", section[key]))
}

fn one_of(section: &Value, key: &str, values: &[&str]) -> Result<(), String> {
    match &section[key] {
        Value::Null => Ok(()),
        Value::String(text) if values.contains(&text.as_str()) => Ok(()),
        other => Err(format!("`{key}` must be one of {values:?}: {other}")),
    }
}

/// Reads a string from a secret file, which must be a mapping.
fn secret(file: &Value, key: &str) -> Result<String, String> {
    let value = file.as_object().ok_or("a secret file must be a mapping")?.get(key);
    let text = value.and_then(Value::as_str).ok_or_else(|| format!("the secret file has no string `{key}`"))?;
    Ok(text.to_owned())
}

fn durations(section: &Value, keys: &[&str]) -> Result<(), String> {
    for key in keys {
        let fits = match &section[*key] {
            Value::Null => true,
            Value::String(text) => text.is_empty() || go_duration(text),
            _ => false,
        };
        if !fits {
            return Err(format!("`{key}` is no Go duration: {}", section[*key]));
        }
    }
    Ok(())
}

/// Whether Go's `time.ParseDuration` accepts a string.
fn go_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    let mut parts = 0;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let digits = &rest[..number];
        if !digits.contains(|c: char| c.is_ascii_digit()) || digits.matches('.').count() > 1 {
            return false;
        }
        rest = &rest[number..];
        let unit = ["ns", "us", "µs", "μs", "ms", "s", "m", "h"]
            .into_iter()
            .filter(|unit| rest.starts_with(unit))
            .max_by_key(|u| u.len());
        let Some(unit) = unit else { return false };
        rest = &rest[unit.len()..];
        parts += 1;
    }
    parts > 0
}

#[test]
fn validates_go_durations() {
    for text in ["0", "30s", "1h15m30.5s", "-1.5h", "100ms", "5µs", ".5s", "+3ns"] {
        assert!(go_duration(text), "{text}");
    }
    for text in ["", "30", "1d", "s", "1.2.3s", "-", ".s", "1 s", "m5"] {
        assert!(!go_duration(text), "{text}");
    }
}
