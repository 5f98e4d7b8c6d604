//! Databases that were set up before: variables that they no longer read, and migrations that have been applied.

use foldhash::{HashMap, HashMapExt, HashSet};

use crate::bundle::bare_name;
use crate::diff::consequences::{Consequence, restarts};
use crate::diff::{Change, Step, What};
use crate::finding::Severity;
use crate::migrations::{self, Migration, ORDER_KEY, SqlFile};
use crate::object::Object;

/// Variables that the images of databases read when they make their files, and never again.
pub(super) const FIRST_START: &[&str] = &[
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

/// A new value of a variable that only an empty volume takes notice of.
pub(super) fn tell_variables(change: &Change<'_>, found: &mut Vec<Consequence>) {
    let (Some(_), Some(new), None) = (change.old, change.new, change.renamed) else { return };
    let Some(template) = new.copied_place().filter(|_| is_persistent(new)) else { return };
    for field in change.below(template).filter(|field| matches!(field.what, What::Changed(..))) {
        let [.., Step::Key(list), Step::Item { label: Some(variable), .. }, Step::Key(value)] = field.path.as_slice()
        else {
            continue;
        };
        if list != "env" || value != "value" || !FIRST_START.contains(&variable.as_str()) {
            continue;
        }
        let message = format!("`{variable}` has no effect: it is read only when the volume is empty");
        let help = match variable.ends_with("_DB") || variable.ends_with("_DATABASE") {
            true => "create the database on the running server first; the old one stays, with its data",
            false => "change it in the database as well, before clients restart with the new one",
        };
        found.push(restarts(Severity::Warning, message).with_help(help));
    }
}

/// Whether the pods of a workload keep files beyond their own life.
fn is_persistent(object: &Object) -> bool {
    let claims = |spec: &crate::node::Node| {
        spec["volumes"].items().iter().any(|volume| volume["persistentVolumeClaim"].is_set())
    };
    !object.node["spec"]["volumeClaimTemplates"].items().is_empty() || object.pod_spec().is_some_and(claims)
}

/// The namespace and name of the ConfigMaps that carry one history of migrations; without hash and number.
type History<'a> = (&'a str, &'a str);

/// What the old ConfigMaps of a history carry.
#[derive(Default)]
struct Applied<'a> {
    files: Vec<SqlFile<'a>>,
    /// Whether it is run by the script of the bundle, which knows the checksum of each file.
    is_ordered: bool,
}

/// The migrations of the old set, which are taken for applied.
pub(super) struct Histories<'a>(HashMap<History<'a>, Applied<'a>>);

fn history(object: &Object) -> Option<History<'_>> {
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

impl<'a> Histories<'a> {
    pub(super) fn of(changes: &[Change<'a>], new: &'a [Object]) -> Self {
        let mut histories: HashMap<History<'a>, Applied<'a>> = HashMap::new();
        let carries = |change: &Change<'_>| change.new.is_some_and(|object| sql_files(object).next().is_some());
        if !changes.iter().any(carries) {
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

    /// What the migrations of a new ConfigMap meet in a database that has the old ones.
    pub(super) fn tell(&self, change: &Change<'_>, found: &mut Vec<Consequence>) {
        let Some(new) = change.new else { return };
        let Some(applied) = history(new).and_then(|history| self.0.get(&history)) else { return };
        let files: Vec<SqlFile<'_>> = sql_files(new).collect();
        // Other files may be scripts for a new database, or anything.
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
                        true => format!("the migration Job will fail: `{name}` has been applied with other content"),
                        false => format!("`{name}` has been applied, and its new content will not be"),
                    };
                    (message, "restore the file, and put the change into a new migration".to_owned())
                }
                (None, Some((version, (highest, last)))) if version < highest => (
                    format!(
                        "the migration Job will fail: `{name}` is older than `{}`, which has been applied",
                        last.name
                    ),
                    format!("give it a version above {highest}"),
                ),
                _ => continue,
            };
            found.push(restarts(Severity::Warning, message).with_help(help));
        }
    }
}
