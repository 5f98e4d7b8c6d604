//! A team's folder of SQL files, in goose's format or plain: sorts the files and prepares them for psql.
//!
//! This module works on strings and byte ranges, so that it can be used for folders and for the keys of a ConfigMap.
//! What goose would reject, or run differently than psql, is reported at its position.

mod analysis;
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

/// The maximum size of a ConfigMap, in bytes, minus some room for the rest of the object.
const CONFIG_MAP_BYTES: usize = 1_000_000;

/// The size that `kubectl apply` can keep in its annotation of 256 KiB, including escaping.
const APPLY_BYTES: usize = 230_000;

/// The key of [`order`] in the ConfigMap, beside the SQL files.
pub const ORDER_KEY: &str = "order";

/// The comment at the start of a plain file that disables the transaction.
const PLAIN_NO_TRANSACTION: &str = "-- plimsoll: no-transaction";

/// The migration in a file, and its problems.
type ParsedFile = (Migration, Vec<MigrationProblem>);

thread_local! {
    /// Parsed files, plain and in goose's format: several rules read them, for each bundle of a run.
    static READ: [Memo<Arc<ParsedFile>>; 2] = const { [Memo::new(), Memo::new()] };
}

/// An SQL file.
#[derive(Debug, Clone, Copy)]
pub struct SqlFile<'a> {
    /// The file's name, without folder.
    pub name: &'a str,
    /// Its contents.
    pub text: &'a str,
}

/// A migration, prepared for psql.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Migration {
    /// The index of its file.
    pub file: usize,
    /// goose's version; `None` for a plain file.
    pub version: Option<i64>,
    /// The file's name, which is also its key in the ConfigMap.
    pub name: String,
    /// The SQL for psql. Line numbers are those of the file.
    pub sql: String,
    /// Whether it runs in a transaction.
    pub transaction: bool,
    /// Names of tables and views created, without schema and without partitions.
    pub tables: Vec<String>,
    /// Names of tables that the file alters but does not create.
    pub altered: Vec<String>,
    /// Names of tables and views dropped or renamed away.
    pub dropped: Vec<String>,
    /// Names of indexes built concurrently.
    pub indexes: Vec<String>,
}

/// A problem in one of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationProblem {
    /// The index of the file.
    pub file: usize,
    /// The byte range in the file.
    pub range: Range<usize>,
    /// The rule.
    pub rule: RuleId,
    /// The severity.
    pub severity: Severity,
    /// The message.
    pub message: String,
    /// The help.
    pub help: &'static str,
    /// The index of another file that is involved.
    pub other: Option<usize>,
}

impl MigrationProblem {
    fn error(rule: RuleId, range: Range<usize>, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { file: 0, range, rule, severity: Severity::Error, message, help: "", other: None }
    }

    const fn with_help(mut self, help: &'static str) -> Self {
        self.help = help;
        self
    }

    /// Converts the problem to a finding; `files` are the ids of the files, in the same order.
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

/// Whether the files are in goose's format: at least one contains `-- +goose Up`.
#[must_use]
pub fn is_goose(files: &[SqlFile<'_>]) -> bool {
    files.iter().any(|file| goose::is_goose(file.text))
}

/// Reads the `.sql` files of a folder: the migrations in execution order, and all problems in the order of the files.
/// The migrations must not be used if a problem is an error.
///
/// goose's files are sorted by version. Plain files are sorted by name, with numbers compared as numbers; `*.down.sql`
/// files are skipped.
#[must_use]
pub fn read(files: &[SqlFile<'_>]) -> (Vec<Migration>, Vec<MigrationProblem>) {
    let goose = is_goose(files);
    let mut migrations = Vec::new();
    let mut problems = Vec::new();
    for (at, file) in files.iter().enumerate() {
        if !goose && file.name.ends_with(".down.sql") {
            continue;
        }
        let mut found = Vec::new();
        migrations.push(read_one(at, file, goose, &mut found));
        problems.extend(found.into_iter().map(|problem| MigrationProblem { file: at, ..problem }));
    }
    migrations.sort_by(|a, b| a.version.cmp(&b.version).then_with(|| natural(&a.name, &b.name)));
    for pair in migrations.windows(2) {
        let [first, second] = pair else { continue };
        let number = |migration: &Migration| migration.version.or_else(|| leading_number(&migration.name));
        let Some(version) = number(first).filter(|version| number(second) == Some(*version)) else { continue };
        problems.push(MigrationProblem {
            file: second.file,
            other: Some(first.file),
            ..MigrationProblem::error(
                RuleId::MigrationDuplicateVersion,
                0..first_line(files[second.file].text),
                format!("`{}` and `{}` both have version {version}", first.name, second.name),
            )
            .with_help("give one of them another version, since their order is undefined")
        });
    }
    (migrations, problems)
}

/// The wanted tables that do not exist after all migrations.
#[must_use]
pub fn missing_tables<'a>(migrations: &[Migration], wanted: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let (mut there, mut gone) = (HashSet::new(), HashSet::new());
    for migration in migrations.iter().rev() {
        there.extend(migration.tables.iter().map(String::as_str).filter(|table| !gone.contains(table)));
        gone.extend(migration.dropped.iter().map(String::as_str));
    }
    wanted.into_iter().filter(|table| !there.contains(table)).collect()
}

/// The contents of the ConfigMap key [`ORDER_KEY`], which `migrate.sh` and `wait-for-schema.sh` read. Each line has
/// the mode, the goose version or `-`, the name, and the indexes that the migration builds concurrently.
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

/// The migrations that create or alter these tables. Each built-in SQL file is about one table and is selected this
/// way; all files of a team's folder are used.
#[must_use]
pub fn for_tables(migrations: Vec<Migration>, wanted: &[&str]) -> Vec<Migration> {
    let concerns = |migration: &Migration| {
        let mut tables = migration.tables.iter().chain(&migration.altered);
        tables.any(|table| wanted.contains(&table.as_str()))
    };
    migrations.into_iter().filter(concerns).collect()
}

/// The unmodified files of a folder that another tool runs, in the order given.
#[must_use]
pub fn read_verbatim(files: &[SqlFile<'_>]) -> (Vec<Migration>, Vec<MigrationProblem>) {
    let mut problems = Vec::new();
    let read = |(at, file): (usize, &SqlFile<'_>)| {
        let from = problems.len();
        check_name(file, &mut problems);
        check_size(file.text, file.text.len(), &mut problems);
        problems[from..].iter_mut().for_each(|problem| problem.file = at);
        Migration { file: at, name: file.name.to_owned(), sql: file.text.to_owned(), ..Migration::default() }
    };
    (files.iter().enumerate().map(read).collect(), problems)
}

/// The data of the ConfigMaps with the migrations, which are mounted as one volume: a key for each file, after
/// [`ORDER_KEY`] if the bundle's own script runs them (`ordered`). They are split so that each has at most `limit`
/// bytes, unless a single file is larger.
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

/// Reports a name that is not a valid ConfigMap key.
fn check_name(file: &SqlFile<'_>, problems: &mut Vec<MigrationProblem>) {
    let key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if file.name.is_empty() || file.name.len() > 253 || !file.name.chars().all(key) {
        let message = format!("`{}` is not a valid ConfigMap key", file.name);
        let problem = MigrationProblem::error(RuleId::MigrationFileName, 0..first_line(file.text), message);
        problems.push(problem.with_help("use letters, digits, `-`, `_` and `.` only"));
    }
}

/// Reports a file that is too large for a ConfigMap, or for the annotation of `kubectl apply`.
fn check_size(text: &str, bytes: usize, problems: &mut Vec<MigrationProblem>) {
    let range = 0..first_line(text);
    if bytes > CONFIG_MAP_BYTES {
        let message = format!("the file has {bytes} bytes; a ConfigMap can have at most 1048576");
        problems.push(
            MigrationProblem::error(RuleId::MigrationTooBig, range, message)
                .with_help("split it into several migrations, or load the data some other way"),
        );
    } else if bytes > APPLY_BYTES {
        let message = format!("the file has {bytes} bytes, too large for the annotation of `kubectl apply`");
        let problem = MigrationProblem::error(RuleId::MigrationTooBig, range, message)
            .with_help("split it into several migrations, or apply with --server-side");
        problems.push(MigrationProblem { severity: Severity::Warning, ..problem });
    }
}

fn read_one(at: usize, file: &SqlFile<'_>, goose: bool, problems: &mut Vec<MigrationProblem>) -> Migration {
    let head = 0..first_line(file.text);
    check_name(file, problems);
    let version = goose.then(|| goose_version(file.name)).flatten();
    if goose && version.is_none() {
        let message = format!("`{}` has no goose version", file.name);
        problems.push(
            MigrationProblem::error(RuleId::MigrationFileName, head, message)
                .with_help("start the name with a number above 0 and `_`"),
        );
    }
    let read = READ.with(|memos| memos[usize::from(goose)].get(file.text, || Arc::new(read_text(file.text, goose))));
    let (migration, found) = &*read;
    problems.extend_from_slice(found);
    Migration { file: at, version, name: file.name.to_owned(), ..migration.clone() }
}

/// Parses a file independent of its name.
fn read_text(text: &str, goose: bool) -> ParsedFile {
    let mut problems = Vec::new();
    let (end, no_transaction, parts) = if goose {
        let form = goose::read(text, &mut problems);
        (form.end, form.no_transaction, form.parts)
    } else {
        if let Some(start) = text.find("-- migrate:up").or_else(|| text.find("-- migrate:down")) {
            problems.push(
                MigrationProblem::error(RuleId::MigrationForm, start..start + 13, "this file is in dbmate's format")
                    .with_help("use goose's format, or plain files without down migrations"),
            );
        }
        let whole = goose::Section { range: 0..text.len(), marked: true, cuts: Vec::new() };
        let head = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default().trim_end();
        (text.len(), head == PLAIN_NO_TRANSACTION, vec![whole])
    };
    let mut migration = Migration { transaction: !no_transaction, ..Migration::default() };
    let mut edits: Vec<(usize, &str)> = Vec::new();
    let mut all = Vec::new();
    for part in &parts {
        match sql::statements(text, part.range.clone()) {
            Ok(statements) => {
                for statement in goose::split_statements(part, &statements) {
                    problems.push(
                        MigrationProblem::error(
                            RuleId::MigrationStatementMarkers,
                            split_position(text, statement),
                            "goose splits this statement at a semicolon inside it",
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
                let message = format!("unterminated {}", open.what);
                problems.push(MigrationProblem::error(RuleId::MigrationUnterminated, open.range, message));
            }
        }
    }
    analysis::analyze(text, &all, &mut migration, &mut problems);
    edits.extend(all.iter().flat_map(|s| analysis::psql_variables(text, s)).map(|at| (at, " ")));
    migration.sql = prepare(text, end, edits);
    check_size(text, migration.sql.len(), &mut problems);
    (migration, problems)
}

/// The text up to `end` with the edits applied and `\n` as line ends.
fn prepare(text: &str, end: usize, mut edits: Vec<(usize, &str)>) -> String {
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

/// The position to report for a statement that goose splits: its dollar quote, if it has one.
fn split_position(text: &str, statement: &sql::Statement) -> Range<usize> {
    let body = statement.tokens.iter().find(|token| token.kind == sql::TokenKind::DollarText);
    let start = body.map_or(statement.range().start, |token| token.range.start);
    start..text.ceil_char_boundary(start + 2)
}

/// The version that goose reads from a file name: the number before the first `_`, which must be above 0.
fn goose_version(name: &str) -> Option<i64> {
    let (number, _) = name.strip_suffix(".sql")?.split_once('_')?;
    number.parse().ok().filter(|version| *version > 0)
}

/// The number at the start of a plain file's name, after Flyway's `V`.
fn leading_number(name: &str) -> Option<i64> {
    let name = name.strip_prefix(['V', 'v']).unwrap_or(name);
    let digits = name.find(|c: char| !c.is_ascii_digit()).unwrap_or(name.len());
    // `1.2__x` and `1-2_x` have versions with several numbers, which are not compared here.
    if name[digits..].starts_with(['.', '-']) && name[digits + 1..].starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    name[..digits].parse().ok()
}

/// Natural order: `2_b` before `10_a`.
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
