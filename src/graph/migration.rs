//! What makes the tables of a database: Jobs, init containers, scripts that a database runs when it is new.

use std::borrow::Cow;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::graph::data::{data_keys, text_of};
use crate::graph::pod::{Mount, MountSource};
use crate::graph::{Container, Graph, Pod, image_tail};
use crate::memo::Memo;
use crate::object::{ContainerRole, Object};
use crate::path::address;

/// Something that makes tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// The number of its pod.
    pub pod: usize,
    /// The number of its container in the pod.
    pub container: usize,
    /// What it is.
    pub by: By,
}

/// What makes the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A Job or CronJob, or a bare pod that ends.
    Job,
    /// An init container of a workload.
    Init,
    /// The database itself, from scripts, when its data folder is empty.
    Database,
}

/// Words in image names and names of containers and Jobs that tell a migration.
const NAMES: &[&str] = &[
    "migrat",
    "goose",
    "flyway",
    "liquibase",
    "alembic",
    "atlas",
    "dbmate",
    "sqitch",
    "schema",
    "db-init",
    "init-db",
    "initdb",
    "db-setup",
    "dbinit",
];

/// Words in commands and scripts that tell a migration.
const COMMANDS: &[&str] = &[
    "goose ",
    "/goose",
    "migrate ",
    "/migrate",
    "flyway",
    "liquibase",
    "alembic upgrade",
    "atlas migrate",
    "atlas schema apply",
    "dbmate",
    "db:migrate",
    "sqitch deploy",
    ".sql",
    "create table",
    "prisma db push",
];

thread_local! {
    /// Which scripts tell a migration.
    static MIGRATES: Memo<bool> = const { Memo::new() };
}

impl<'a> Graph<'a> {
    /// All that makes tables.
    #[must_use]
    pub fn migrations(&self) -> &[Migration] {
        self.migrations.get_or_init(|| self.find_migrations())
    }

    fn find_migrations(&self) -> Vec<Migration> {
        let mut found = Vec::new();
        let (mut known, mut makers) = (HashMap::new(), HashMap::new());
        for (at, pod) in self.pods.iter().enumerate() {
            let ends = !pod.is_long_running();
            for (number, container) in pod.containers.iter().enumerate() {
                let by = match container.role {
                    ContainerRole::Init if !ends => By::Init,
                    _ if ends => By::Job,
                    ContainerRole::Main | ContainerRole::Sidecar => {
                        if container.mounts.iter().any(|mount| may_make_tables(mount, &mut makers)) {
                            found.push(Migration { pod: at, container: number, by: By::Database });
                        }
                        continue;
                    }
                    _ => continue,
                };
                if migrates(pod, container, by, &mut known) {
                    found.push(Migration { pod: at, container: number, by });
                }
            }
        }
        found
    }
}

/// Whether scripts that a new database runs are mounted, and may make tables: grants and extensions alone do not. `known`
/// is what was found out of objects, by their place in memory: many containers may mount the same.
fn may_make_tables(mount: &Mount<'_>, known: &mut HashMap<usize, bool>) -> bool {
    if !mount.path.starts_with("/docker-entrypoint-initdb.d") {
        return false;
    }
    let MountSource::Files(_, parts) = &mount.source else { return true };
    parts.iter().any(|part| {
        let Some(object) = part.object else { return true };
        *known.entry(address(&object.node)).or_insert_with(|| data_keys(object).any(|key| makes_tables(object, key)))
    })
}

/// Whether a script of a new database may make tables, or run what does.
fn makes_tables(object: &Object, key: &str) -> bool {
    let Some(text) = text_of(object, key) else { return true };
    let text = text.to_ascii_lowercase();
    ["create table", " table if not exists", "unlogged table", "\\i", ".sql", "pg_restore", "migrat", "goose"]
        .iter()
        .any(|word| text.contains(word))
}

/// `known` is what was found out of scripts, by their place in memory: many containers may mount the same.
fn migrates(pod: &Pod<'_>, container: &Container<'_>, by: By, known: &mut HashMap<usize, bool>) -> bool {
    let name = container.name().to_ascii_lowercase();
    // What waits for a schema does not make it.
    if name.contains("wait") || name.contains("check") {
        return false;
    }
    let has = |text: &str, words: &[&str]| {
        let text = text.to_ascii_lowercase();
        words.iter().any(|word| text.contains(word))
    };
    let named = has(image_tail(container.image()), NAMES)
        || has(&name, NAMES)
        || (by == By::Job && has(pod.object.name(), NAMES));
    named
        || container.words().any(|word| has(word.text(), COMMANDS))
        || scripts(container).iter().any(|text| match text {
            Cow::Borrowed(text) => *known
                .entry(text.as_ptr() as usize)
                .or_insert_with(|| MIGRATES.with(|memo| memo.get(text, || has(text, COMMANDS)))),
            Cow::Owned(text) => has(text, COMMANDS),
        })
}

/// The shell scripts that a container's ConfigMaps give it, and what else of them its command names, in the order of the
/// mounts and keys.
#[must_use]
pub fn scripts<'a>(container: &Container<'a>) -> Vec<Cow<'a, str>> {
    let named: HashSet<&str> = container.words().flat_map(|word| names(word.text())).collect();
    let maps = mounted(container).filter(|object| object.kind() == "ConfigMap");
    maps.flat_map(|object| {
        let keys = data_keys(object).filter(|key| key.ends_with(".sh") || named.contains(key));
        keys.filter_map(|key| text_of(object, key)).collect::<Vec<_>>()
    })
    .collect()
}

/// What may be names of files in a text: the longest pieces that have no character but those a key may have.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).filter(|name| !name.is_empty())
}

/// The ConfigMaps and Secrets whose files a container mounts, each once.
pub(crate) fn mounted<'a>(container: &Container<'a>) -> impl Iterator<Item = &'a Object> {
    let parts = container.mounts.iter().flat_map(|mount| match &mount.source {
        MountSource::Files(_, parts) => parts.as_slice(),
        _ => &[],
    });
    let mut seen: HashSet<usize> = HashSet::new();
    parts.filter_map(|part| part.object).filter(move |object| seen.insert(address(&object.node)))
}

/// The SQL files that an object holds.
pub(crate) fn sql_keys(object: &Object) -> impl Iterator<Item = &str> {
    // A Secret may have a key in two fields.
    let mut keys: HashSet<&str> = HashSet::new();
    data_keys(object).filter(move |key| key.ends_with(".sql") && keys.insert(*key))
}
