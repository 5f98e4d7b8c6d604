//! Migrations that create the tables of a database: Jobs, init containers, initialization scripts.

use std::borrow::Cow;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::graph::data::{data_keys, text_of};
use crate::graph::pod::{Mount, MountSource};
use crate::graph::{Container, Graph, Pod, image_tail};
use crate::memo::Memo;
use crate::object::{ContainerRole, Object};
use crate::path::address;

/// A container that creates tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// The index of its pod.
    pub pod: usize,
    /// The index of the container in the pod.
    pub container: usize,
    /// The kind of migration.
    pub kind: MigrationKind,
}

/// The kind of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationKind {
    /// A Job or CronJob, or a pod that runs to completion.
    Job,
    /// An init container of a workload.
    InitContainer,
    /// Scripts that the database runs if its data directory is empty.
    InitScripts,
}

/// Words in the names of images, containers and Jobs that indicate a migration.
const NAME_WORDS: &[&str] = &[
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

/// Words in commands and scripts that indicate a migration.
const COMMAND_WORDS: &[&str] = &[
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
    /// Whether scripts contain a migration.
    static MIGRATES: Memo<bool> = const { Memo::new() };
}

impl<'a> Graph<'a> {
    /// The migrations. Computed on first use.
    #[must_use]
    pub fn migrations(&self) -> &[Migration] {
        self.migrations.get_or_init(|| self.find_migrations())
    }

    fn find_migrations(&self) -> Vec<Migration> {
        let mut found = Vec::new();
        let (mut scripts, mut init_scripts) = (HashMap::new(), HashMap::new());
        for (at, pod) in self.pods.iter().enumerate() {
            let runs_to_completion = !pod.is_long_running();
            for (number, container) in pod.containers.iter().enumerate() {
                let kind = match container.role {
                    ContainerRole::Init if !runs_to_completion => MigrationKind::InitContainer,
                    _ if runs_to_completion => MigrationKind::Job,
                    ContainerRole::Main | ContainerRole::Sidecar => {
                        if container.mounts.iter().any(|mount| may_create_tables(mount, &mut init_scripts)) {
                            found.push(Migration { pod: at, container: number, kind: MigrationKind::InitScripts });
                        }
                        continue;
                    }
                    _ => continue,
                };
                if is_migration(pod, container, kind, &mut scripts) {
                    found.push(Migration { pod: at, container: number, kind });
                }
            }
        }
        found
    }
}

/// Whether a mount contains initialization scripts of a database that may create tables, not only grants and
/// extensions. `known` caches the result by the address of objects.
fn may_create_tables(mount: &Mount<'_>, known: &mut HashMap<usize, bool>) -> bool {
    if !mount.path.starts_with("/docker-entrypoint-initdb.d") {
        return false;
    }
    let MountSource::Files(_, parts) = &mount.source else { return true };
    parts.iter().any(|source| {
        let Some(object) = source.object else { return true };
        *known.entry(address(&object.node)).or_insert_with(|| data_keys(object).any(|key| creates_tables(object, key)))
    })
}

/// Whether an initialization script may create tables directly or through another program.
fn creates_tables(object: &Object, key: &str) -> bool {
    let Some(text) = text_of(object, key) else { return true };
    let text = text.to_ascii_lowercase();
    ["create table", " table if not exists", "unlogged table", "\\i", ".sql", "pg_restore", "migrat", "goose"]
        .iter()
        .any(|word| text.contains(word))
}

/// Whether a container runs a migration. `known` caches the result by the address of scripts.
fn is_migration(
    pod: &Pod<'_>,
    container: &Container<'_>,
    kind: MigrationKind,
    known: &mut HashMap<usize, bool>,
) -> bool {
    let name = container.name().to_ascii_lowercase();
    // A container that waits for a schema does not create it.
    if name.contains("wait") || name.contains("check") {
        return false;
    }
    let has = |text: &str, words: &[&str]| {
        let text = text.to_ascii_lowercase();
        words.iter().any(|word| text.contains(word))
    };
    let named = has(image_tail(container.image()), NAME_WORDS)
        || has(&name, NAME_WORDS)
        || (kind == MigrationKind::Job && has(pod.object.name(), NAME_WORDS));
    named
        || container.words().any(|word| has(word.text(), COMMAND_WORDS))
        || scripts(container).iter().any(|text| match text {
            Cow::Borrowed(text) => *known
                .entry(text.as_ptr() as usize)
                .or_insert_with(|| MIGRATES.with(|memo| memo.get(text, || has(text, COMMAND_WORDS)))),
            Cow::Owned(text) => has(text, COMMAND_WORDS),
        })
}

/// The shell scripts in the mounted ConfigMaps of a container, and other files in them that its command names, in the
/// order of mounts and keys.
#[must_use]
pub fn scripts<'a>(container: &Container<'a>) -> Vec<Cow<'a, str>> {
    let named: HashSet<&str> = container.words().flat_map(|word| file_names(word.text())).collect();
    let maps = mounted(container).filter(|object| object.kind() == "ConfigMap");
    maps.flat_map(|object| {
        let keys = data_keys(object).filter(|key| key.ends_with(".sh") || named.contains(key));
        keys.filter_map(|key| text_of(object, key)).collect::<Vec<_>>()
    })
    .collect()
}

/// The words of a string that may be file names: the longest runs of characters that are valid in keys.
fn file_names(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).filter(|name| !name.is_empty())
}

/// The ConfigMaps and Secrets that a container mounts, without duplicates.
pub(crate) fn mounted<'a>(container: &Container<'a>) -> impl Iterator<Item = &'a Object> {
    let sources = container.mounts.iter().flat_map(|mount| match &mount.source {
        MountSource::Files(_, parts) => parts.as_slice(),
        _ => &[],
    });
    let mut seen: HashSet<usize> = HashSet::new();
    sources.filter_map(|source| source.object).filter(move |object| seen.insert(address(&object.node)))
}

/// The keys of the SQL files in an object.
pub(crate) fn sql_keys(object: &Object) -> impl Iterator<Item = &str> {
    // A Secret may have a key in two fields.
    let mut keys: HashSet<&str> = HashSet::new();
    data_keys(object).filter(move |key| key.ends_with(".sql") && keys.insert(*key))
}
