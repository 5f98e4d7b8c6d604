//! A team's folder of SQL files: goose's form or plain, put in order and made ready for psql.
//!
//! Everything here works on text and says where in bytes, so that it serves both a folder on disk and the keys of a
//! ConfigMap. What goose would not run, or would run otherwise than psql, is refused with its place.

mod facts;
mod goose;
pub mod sql;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use foldhash::{HashSet, HashSetExt};

use crate::finding::{Finding, RuleId, Severity};
use crate::memo::Memo;
use crate::source::{FileId, Span};

/// What the API server takes in one ConfigMap, in bytes, with room left for the rest of the object.
const CONFIG_MAP_BYTES: usize = 1_000_000;

/// What `kubectl apply` can keep in its annotation of 256 KiB, escaping included.
const APPLY_BYTES: usize = 230_000;

/// The key under which [`order`] goes into the ConfigMap, beside the SQL files.
pub const ORDER_KEY: &str = "order";

/// A comment at the top of a plain file that asks for no transaction.
const PLAIN_NO_TRANSACTION: &str = "-- plimsoll: no-transaction";

/// What a text makes, and what is wrong with it.
type Text = (Migration, Vec<Problem>);

thread_local! {
    /// What was read of texts in plain form, and of those in goose's: several rules ask, and for each bundle of a fleet.
    static READ: [Memo<Arc<Text>>; 2] = const { [Memo::new(), Memo::new()] };
}

/// One SQL file as found.
#[derive(Debug, Clone, Copy)]
pub struct SqlFile<'a> {
    /// The file's name, without folder.
    pub name: &'a str,
    /// Its whole text.
    pub text: &'a str,
}

/// One migration, ready for psql.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Migration {
    /// Which of the files given it is.
    pub file: usize,
    /// goose's version; `None` for a plain file.
    pub version: Option<i64>,
    /// The file's name, which is its key in the ConfigMap.
    pub name: String,
    /// The text for psql. Line numbers are those of the file.
    pub sql: String,
    /// Whether it runs in a transaction.
    pub transaction: bool,
    /// Names of tables and views made, without schema; partitions are not counted.
    pub tables: Vec<String>,
    /// Names of tables altered that the file does not make itself.
    pub altered: Vec<String>,
    /// Names of tables and views dropped or renamed away.
    pub dropped: Vec<String>,
    /// Names of indexes built concurrently.
    pub indexes: Vec<String>,
}

/// Something wrong in one of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which of the files given.
    pub file: usize,
    /// The bytes in its text.
    pub range: Range<usize>,
    /// What it is about.
    pub rule: RuleId,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: &'static str,
    /// Another file it has to do with.
    pub other: Option<usize>,
}

impl Problem {
    fn error(rule: RuleId, range: Range<usize>, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { file: 0, range, rule, severity: Severity::Error, message, help: "", other: None }
    }

    const fn with_help(mut self, help: &'static str) -> Self {
        self.help = help;
        self
    }

    /// The problem as a finding; `files` tells the number of each file given, in the same order.
    #[must_use]
    pub fn finding(&self, files: &[FileId]) -> Finding {
        let span = |file: usize, range: &Range<usize>| {
            files.get(file).map_or(Span::NONE, |id| Span::new(*id, range.start as u32, range.end as u32))
        };
        let finding = Finding::new(self.rule, self.severity, span(self.file, &self.range), self.message.clone());
        let finding = finding.with_help(self.help);
        match self.other {
            Some(other) => finding.with_related(span(other, &(0..0)), "the other file"),
            None => finding,
        }
    }
}

/// Whether the files are goose's: at least one holds `-- +goose Up`.
#[must_use]
pub fn is_goose(files: &[SqlFile<'_>]) -> bool {
    files.iter().any(|file| goose::is_goose(file.text))
}

/// Reads the `.sql` files of one folder: migrations in the order they run, and everything wrong with them, in the
/// order of the files given. Where a problem is an error the migrations must not be used.
///
/// A goose folder is ordered by version. A plain one is ordered by name with its numbers compared as numbers; files
/// called `*.down.sql` are left out.
#[must_use]
pub fn read(files: &[SqlFile<'_>]) -> (Vec<Migration>, Vec<Problem>) {
    let goose = is_goose(files);
    let mut migrations = Vec::new();
    let mut problems = Vec::new();
    for (at, file) in files.iter().enumerate() {
        if !goose && file.name.ends_with(".down.sql") {
            continue;
        }
        let mut found = Vec::new();
        migrations.push(read_one(at, file, goose, &mut found));
        problems.extend(found.into_iter().map(|problem| Problem { file: at, ..problem }));
    }
    migrations.sort_by(|a, b| a.version.cmp(&b.version).then_with(|| natural(&a.name, &b.name)));
    for pair in migrations.windows(2) {
        let [first, second] = pair else { continue };
        let number = |migration: &Migration| migration.version.or_else(|| leading_number(&migration.name));
        let Some(version) = number(first).filter(|version| number(second) == Some(*version)) else { continue };
        problems.push(Problem {
            file: second.file,
            other: Some(first.file),
            ..Problem::error(
                RuleId::MigrationDuplicateVersion,
                0..first_line(files[second.file].text),
                format!("`{}` and `{}` both have version {version}", first.name, second.name),
            )
            .with_help("give one of them a version of its own; which of the two runs first is not said anywhere")
        });
    }
    (migrations, problems)
}

/// The wanted tables that no migration leaves behind.
#[must_use]
pub fn missing_tables<'a>(migrations: &[Migration], wanted: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let (mut there, mut gone) = (HashSet::new(), HashSet::new());
    for migration in migrations.iter().rev() {
        there.extend(migration.tables.iter().map(String::as_str).filter(|table| !gone.contains(table)));
        gone.extend(migration.dropped.iter().map(String::as_str));
    }
    wanted.into_iter().filter(|table| !there.contains(table)).collect()
}

/// The text of the ConfigMap key [`ORDER_KEY`], which `migrate.sh` and `wait-for-schema.sh` read: one migration a line,
/// as mode, goose version or `-`, name, and the indexes it builds concurrently.
#[must_use]
pub fn order(migrations: &[Migration]) -> String {
    let mut text = String::new();
    for migration in migrations {
        let mode = if migration.transaction { "transaction" } else { "no-transaction" };
        let version = migration.version.map_or_else(|| "-".to_owned(), |version| version.to_string());
        let mut words = vec![mode, &version, &migration.name];
        words.extend(migration.indexes.iter().map(String::as_str));
        text.push_str(&words.join(" "));
        text.push('\n');
    }
    text
}

/// The migrations that make or alter these tables. Each file of the built-in SQL is about one table and is chosen by this;
/// a team's folder is taken whole.
#[must_use]
pub fn for_tables(migrations: Vec<Migration>, wanted: &[&str]) -> Vec<Migration> {
    let concerns = |migration: &Migration| {
        let mut tables = migration.tables.iter().chain(&migration.altered);
        tables.any(|table| wanted.contains(&table.as_str()))
    };
    migrations.into_iter().filter(concerns).collect()
}

/// The files of a folder that another tool runs: as they are, whatever their form, in the order given.
#[must_use]
pub fn take(files: &[SqlFile<'_>]) -> (Vec<Migration>, Vec<Problem>) {
    let mut problems = Vec::new();
    let take = |(at, file): (usize, &SqlFile<'_>)| {
        let from = problems.len();
        name_fits(file, &mut problems);
        size_fits(file.text, file.text.len(), &mut problems);
        problems[from..].iter_mut().for_each(|problem| problem.file = at);
        Migration { file: at, name: file.name.to_owned(), sql: file.text.to_owned(), ..Migration::default() }
    };
    (files.iter().enumerate().map(take).collect(), problems)
}

/// The data of the ConfigMaps that carry the migrations, which are mounted as one volume: a key for each file, after
/// [`ORDER_KEY`] where the bundle's own script runs them (`ordered`), split so that none holds more than `limit` bytes
/// unless a single file does.
#[must_use]
pub fn config_maps(migrations: &[Migration], ordered: bool, limit: usize) -> Vec<Vec<(String, String)>> {
    let first = if ordered { vec![(ORDER_KEY.to_owned(), order(migrations))] } else { Vec::new() };
    let mut maps = vec![first];
    let mut size = 0;
    for migration in migrations {
        size += migration.name.len() + migration.sql.len();
        if size > limit && maps.last().is_some_and(|map| !map.is_empty()) {
            size = migration.name.len() + migration.sql.len();
            maps.push(Vec::new());
        }
        if let Some(last) = maps.last_mut() {
            last.push((migration.name.clone(), migration.sql.clone()));
        }
    }
    maps
}

/// Reports a name that no ConfigMap key can have.
fn name_fits(file: &SqlFile<'_>, problems: &mut Vec<Problem>) {
    let key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if file.name.is_empty() || file.name.len() > 253 || !file.name.chars().all(key) {
        let message = format!("`{}` cannot be a ConfigMap key", file.name);
        let problem = Problem::error(RuleId::MigrationFileName, 0..first_line(file.text), message);
        problems.push(problem.with_help("use letters, digits, `-`, `_` and `.` only"));
    }
}

/// Reports a file of so many bytes that no ConfigMap, or no annotation of `kubectl apply`, can hold it.
fn size_fits(text: &str, bytes: usize, problems: &mut Vec<Problem>) {
    let place = 0..first_line(text);
    if bytes > CONFIG_MAP_BYTES {
        let message = format!("the file has {bytes} bytes, and a ConfigMap takes 1048576");
        problems.push(
            Problem::error(RuleId::MigrationTooBig, place, message)
                .with_help("split it into several migrations, or load the data some other way"),
        );
    } else if bytes > APPLY_BYTES {
        let message = format!("the file has {bytes} bytes, more than the annotation of `kubectl apply` takes");
        let problem = Problem::error(RuleId::MigrationTooBig, place, message)
            .with_help("split it into several migrations, or apply with --server-side");
        problems.push(Problem { severity: Severity::Warning, ..problem });
    }
}

fn read_one(at: usize, file: &SqlFile<'_>, goose: bool, problems: &mut Vec<Problem>) -> Migration {
    let head = 0..first_line(file.text);
    name_fits(file, problems);
    let version = goose.then(|| goose_version(file.name)).flatten();
    if goose && version.is_none() {
        let message = format!("`{}` has no version that goose could read", file.name);
        problems.push(
            Problem::error(RuleId::MigrationFileName, head, message)
                .with_help("start the name with a number above 0 and `_`"),
        );
    }
    let read = READ.with(|memos| memos[usize::from(goose)].get(file.text, || Arc::new(read_text(file.text, goose))));
    let (migration, found) = &*read;
    problems.extend_from_slice(found);
    Migration { file: at, version, name: file.name.to_owned(), ..migration.clone() }
}

/// Reads a text whatever its file's name is.
fn read_text(text: &str, goose: bool) -> Text {
    let mut problems = Vec::new();
    let (end, no_transaction, parts) = if goose {
        let form = goose::read(text, &mut problems);
        (form.end, form.no_transaction, form.parts)
    } else {
        if let Some(place) = text.find("-- migrate:up").or_else(|| text.find("-- migrate:down")) {
            problems.push(
                Problem::error(RuleId::MigrationForm, place..place + 13, "this file is in dbmate's form")
                    .with_help("use goose's form, or one plain file for each step forward"),
            );
        }
        let whole = goose::Part { range: 0..text.len(), marked: true, cuts: Vec::new() };
        let head = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default().trim_end();
        (text.len(), head == PLAIN_NO_TRANSACTION, vec![whole])
    };
    let mut migration = Migration { transaction: !no_transaction, ..Migration::default() };
    let mut edits: Vec<(usize, &str)> = Vec::new();
    let mut all = Vec::new();
    for part in &parts {
        match sql::statements(text, part.range.clone()) {
            Ok(statements) => {
                for statement in goose::torn(part, &statements) {
                    problems.push(
                        Problem::error(
                            RuleId::MigrationStatementMarkers,
                            torn_place(text, statement),
                            "goose ends this statement at a semicolon inside it",
                        )
                        .with_help(
                            "put `-- +goose StatementBegin` above the statement and `-- +goose StatementEnd` below it",
                        ),
                    );
                }
                edits.extend(statements.iter().filter(|s| !s.terminated).map(|s| (s.end, ";")));
                all.extend(statements);
            }
            Err(open) => {
                let message = format!("this {} has no end", open.what);
                problems.push(Problem::error(RuleId::MigrationUnterminated, open.range, message));
            }
        }
    }
    facts::judge(text, &all, &mut migration, &mut problems);
    edits.extend(all.iter().flat_map(|s| facts::psql_variables(text, s)).map(|at| (at, " ")));
    migration.sql = ready(text, end, edits);
    size_fits(text, migration.sql.len(), &mut problems);
    (migration, problems)
}

/// The text up to `end` with the edits made: what psql would read otherwise than PostgreSQL does is taken out of its
/// way, and line breaks are `\n`.
fn ready(text: &str, end: usize, mut edits: Vec<(usize, &str)>) -> String {
    edits.sort_unstable();
    let mut out = String::with_capacity(end + 2);
    let mut from = 0;
    for (at, insert) in edits {
        out.push_str(&text[from..at]);
        out.push_str(insert);
        from = at;
    }
    out.push_str(&text[from..end]);
    let mut out = out.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Where the reason lies that goose tears a statement: its dollar quotes if it has any.
fn torn_place(text: &str, statement: &sql::Statement) -> Range<usize> {
    let body = statement.tokens.iter().find(|token| token.kind == sql::TokenKind::DollarText);
    let start = body.map_or(statement.range().start, |token| token.range.start);
    start..text.ceil_char_boundary(start + 2)
}

/// The version goose reads from a file name: the number before the first `_`, above 0.
fn goose_version(name: &str) -> Option<i64> {
    let (number, _) = name.strip_suffix(".sql")?.split_once('_')?;
    number.parse().ok().filter(|version| *version > 0)
}

/// The number a plain file's name starts with, Flyway's `V` left out.
fn leading_number(name: &str) -> Option<i64> {
    let name = name.strip_prefix(['V', 'v']).unwrap_or(name);
    let digits = name.find(|c: char| !c.is_ascii_digit()).unwrap_or(name.len());
    // `1.2__x` and `1-2_x` have versions of more than one number; those are not compared here.
    if name[digits..].starts_with(['.', '-']) && name[digits + 1..].starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    name[..digits].parse().ok()
}

/// Orders names as people number them: `2_b` before `10_a`.
fn natural(a: &str, b: &str) -> Ordering {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (mut left, mut right) = (a, b);
    loop {
        let (m, n) = (digits(left), digits(right));
        if m > 0 && n > 0 {
            let (x, y) = (left[..m].trim_start_matches('0'), right[..n].trim_start_matches('0'));
            let order = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
            if order != Ordering::Equal {
                return order;
            }
            (left, right) = (&left[m..], &right[n..]);
            continue;
        }
        let (mut x, mut y) = (left.chars(), right.chars());
        match (x.next(), y.next()) {
            (Some(c), Some(d)) if c == d => (left, right) = (x.as_str(), y.as_str()),
            (None, None) => return a.cmp(b),
            (c, d) => return c.cmp(&d),
        }
    }
}

fn first_line(text: &str) -> usize {
    text.lines().next().unwrap_or_default().len()
}
