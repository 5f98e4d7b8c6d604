//! Existing databases: variables that are only used for initialization, and migrations that have been applied.

use foldhash::{HashMap, HashMapExt, HashSet};

use crate::bundle::bare_name;
use crate::diff::consequences::{Consequence, restarts};
use crate::diff::{Difference, ObjectChange, PathStep};
use crate::finding::Severity;
use crate::migrations::{self, Migration, ORDER_KEY, SqlFile};
use crate::object::Object;

/// Variables that database images read only when they initialize an empty volume.
pub(super) const INIT_ONLY_VARIABLES: &[&str] = &[
    "MARIADB_DATABASE",
    "MARIADB_PASSWORD",
    "MARIADB_ROOT_PASSWORD",
    "MARIADB_USER",
    "MONGO_INITDB_DATABASE",
    "MONGO_INITDB_ROOT_PASSWORD",
    "MONGO_INITDB_ROOT_USERNAME",
    "MYSQL_DATABASE",
    "MYSQL_PASSWORD",
    "MYSQL_ROOT_PASSWORD",
    "MYSQL_USER",
    "POSTGRES_DB",
    "POSTGRES_PASSWORD",
    "POSTGRES_USER",
];

/// Changed variables that are only read when the volume is empty.
pub(super) fn add_init_only_variables(change: &ObjectChange<'_>, found: &mut Vec<Consequence>) {
    let (Some(_), Some(new), None) = (change.old, change.new, change.renamed) else { return };
    let Some(template) = new.copied_path().filter(|_| is_persistent(new)) else { return };
    for field in change.below(template).filter(|field| matches!(field.difference, Difference::Changed(..))) {
        let [.., PathStep::Field(list), PathStep::Item { label: Some(variable), .. }, PathStep::Field(value)] =
            field.path.as_slice()
        else {
            continue;
        };
        if list != "env" || value != "value" || !INIT_ONLY_VARIABLES.contains(&variable.as_str()) {
            continue;
        }
        let message = format!("the new value of `{variable}` has no effect: it is only read when the volume is empty");
        let help = match variable.ends_with("_DB") || variable.ends_with("_DATABASE") {
            true => "create the database on the running server first; the old one is kept with its data",
            false => "change the value in the database as well, before clients restart with the new one",
        };
        found.push(restarts(Severity::Warning, message).with_help(help));
    }
}

/// Whether the pods of a workload have persistent volumes.
fn is_persistent(object: &Object) -> bool {
    let claims = |spec: &crate::node::Node| {
        spec["volumes"].items().iter().any(|volume| volume["persistentVolumeClaim"].is_set())
    };
    !object.node["spec"]["volumeClaimTemplates"].items().is_empty() || object.pod_spec().is_some_and(claims)
}

/// The namespace and the name, without hash and number, of the ConfigMaps with one history of migrations.
type HistoryKey<'a> = (&'a str, &'a str);

/// The migrations in the old ConfigMaps of a history.
#[derive(Default)]
struct AppliedMigrations<'a> {
    files: Vec<SqlFile<'a>>,
    /// Whether they are run by the script of the bundle, which records the checksum of each file.
    is_ordered: bool,
}

/// The migrations of the old objects, which are assumed to have been applied.
pub(super) struct MigrationHistories<'a>(HashMap<HistoryKey<'a>, AppliedMigrations<'a>>);

fn history(object: &Object) -> Option<HistoryKey<'_>> {
    if object.group() != "" || object.kind() != "ConfigMap" {
        return None;
    }
    let name = bare_name(object.name()).unwrap_or(object.name());
    let is_number = |end: &str| !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit());
    let set = name.rsplit_once('-').filter(|(_, end)| is_number(end)).map_or(name, |(set, _)| set);
    Some((object.namespace(), set))
}

fn sql_files(object: &Object) -> impl Iterator<Item = SqlFile<'_>> {
    let entries = object.node["data"].entries().iter().filter(|entry| entry.key.ends_with(".sql"));
    entries.filter_map(|entry| Some(SqlFile { name: &entry.key, text: entry.value.as_str()? }))
}

impl<'a> MigrationHistories<'a> {
    pub(super) fn of(changes: &[ObjectChange<'a>], new: &'a [Object]) -> Self {
        let mut histories: HashMap<HistoryKey<'a>, AppliedMigrations<'a>> = HashMap::new();
        let has_files = |change: &ObjectChange<'_>| change.new.is_some_and(|object| sql_files(object).next().is_some());
        if !changes.iter().any(has_files) {
            return Self(histories);
        }
        let changed: HashSet<*const Object> =
            changes.iter().filter_map(|change| change.new).map(std::ptr::from_ref).collect();
        let unchanged = new.iter().filter(|object| !changed.contains(&std::ptr::from_ref(*object)));
        for object in changes.iter().filter_map(|change| change.old).chain(unchanged) {
            let Some(history) = history(object) else { continue };
            let mut files = sql_files(object).peekable();
            let is_ordered = object.node["data"].get(ORDER_KEY).is_some();
            if is_ordered || files.peek().is_some() {
                let applied = histories.entry(history).or_default();
                applied.files.extend(files);
                applied.is_ordered |= is_ordered;
            }
        }
        Self(histories)
    }

    /// Conflicts of the migrations in a new ConfigMap with those that have been applied.
    pub(super) fn add(&self, change: &ObjectChange<'_>, found: &mut Vec<Consequence>) {
        let Some(new) = change.new else { return };
        let Some(applied) = history(new).and_then(|history| self.0.get(&history)) else { return };
        let files: Vec<SqlFile<'_>> = sql_files(new).collect();
        // Other SQL files may not be migrations.
        if !applied.is_ordered && !migrations::is_goose(&applied.files) {
            return;
        }
        let (before, _) = migrations::read(&applied.files);
        let (after, _) = migrations::read(&files);
        let latest =
            before.iter().filter_map(|migration| Some((migration.version?, migration))).max_by_key(|(v, _)| *v);
        for migration in &after {
            let is_same = |old: &&Migration| match migration.version {
                Some(version) => old.version == Some(version),
                None => old.name == migration.name,
            };
            let name = &migration.name;
            let (message, help) = match (before.iter().find(is_same), migration.version.zip(latest)) {
                (Some(old), _) if applied.files[old.file].text != files[migration.file].text => {
                    let message = match applied.is_ordered {
                        true => {
                            format!("the migration Job will fail: `{name}` has been applied with different content")
                        }
                        false => format!("`{name}` has been applied, so its new content will not be"),
                    };
                    (message, "restore the file, and add the change as a new migration".to_owned())
                }
                (None, Some((version, (highest, last)))) if version < highest => (
                    format!(
                        "the migration Job will fail: `{name}` is older than `{}`, which has been applied",
                        last.name
                    ),
                    format!("use a version greater than {highest}"),
                ),
                _ => continue,
            };
            found.push(restarts(Severity::Warning, message).with_help(help));
        }
    }
}
