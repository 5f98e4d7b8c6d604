//! Analyzes statements: tables created, indexes built, and statements that cannot run as they are.

use std::collections::BTreeSet;

use super::sql::{Statement, Token, TokenKind, name_of, statements};
use super::{Migration, MigrationProblem};
use crate::finding::{RuleId, Severity};

/// Records what the statements change, and reports problems.
pub(super) fn analyze(text: &str, all: &[Statement], migration: &mut Migration, problems: &mut Vec<MigrationProblem>) {
    let mut found = Vec::new();
    for statement in all {
        let words = StatementTokens { text, tokens: &statement.tokens };
        changes(&words, &mut found);
        if words.is(0, "do") {
            do_block_changes(text, statement, &mut found);
        }
        if let Some(token) = statement.tokens.iter().find(|token| token.kind == TokenKind::Backslash) {
            let line = &text[token.range.start..];
            let shown = &line[..line.find(char::is_whitespace).unwrap_or(line.len())];
            let message = format!("`{shown}` is a psql command, not SQL");
            problems.push(
                MigrationProblem::error(
                    RuleId::MigrationPsqlCommand,
                    token.range.start..token.range.start + shown.len(),
                    message,
                )
                .with_help("a migration must contain only SQL; write data as INSERT statements"),
            );
            break;
        }
        let alone = all.len() == 1;
        if let Some((index, repeatable)) = concurrent_index(&words) {
            if !repeatable && !alone && !migration.transaction {
                let message = "a run that is killed after this statement cannot be repeated: the index already exists";
                let problem = MigrationProblem::error(RuleId::MigrationNotRepeatable, statement.range(), message)
                    .with_help("add IF NOT EXISTS, or move the statement to its own file");
                problems.push(MigrationProblem { severity: Severity::Warning, ..problem });
            }
            migration.indexes.extend(index);
        }
        if migration.transaction {
            check_transaction(&words, statement, problems);
        }
    }
    apply_changes(found, migration);
}

fn check_transaction(words: &StatementTokens<'_>, statement: &Statement, problems: &mut Vec<MigrationProblem>) {
    if let Some(what) = not_allowed_in_transaction(words) {
        let message = format!("{what} cannot run inside a transaction block, and this file runs in one");
        problems.push(
            MigrationProblem::error(RuleId::MigrationNeedsNoTransaction, statement.range(), message)
                .with_help("move it to its own file with `-- +goose NO TRANSACTION` (plain files: `-- plimsoll: no-transaction` as first line)"),
        );
    }
    let savepoint = words.is(0, "rollback") && (1..4).any(|at| words.is(at, "to"));
    let control = ["begin", "start", "commit", "end", "rollback", "abort"].into_iter().any(|word| words.is(0, word))
        || (words.is(0, "prepare") && words.is(1, "transaction"));
    if control && !savepoint {
        let message = "this statement starts or ends a transaction, but the file already runs in one";
        problems.push(
            MigrationProblem::error(RuleId::MigrationTransactionControl, statement.range(), message)
                .with_help("remove it"),
        );
    }
}

/// The tokens of a statement, for matching keywords.
struct StatementTokens<'a> {
    text: &'a str,
    tokens: &'a [Token],
}

impl StatementTokens<'_> {
    fn is(&self, at: usize, word: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| {
            token.kind == TokenKind::Word && self.text[token.range.clone()].eq_ignore_ascii_case(word)
        })
    }

    fn symbol(&self, at: usize, symbol: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| &self.text[token.range.clone()] == symbol)
    }

    fn any(&self, word: &str) -> bool {
        (0..self.tokens.len()).any(|at| self.is(at, word))
    }

    /// Skips the given optional words, in this order.
    fn skip(&self, mut at: usize, words: &[&str]) -> usize {
        for word in words {
            at += usize::from(self.is(at, word));
        }
        at
    }

    /// The last part of a possibly qualified name, and the index after it.
    fn name(&self, mut at: usize) -> Option<(String, usize)> {
        let mut name = name_of(self.text, self.tokens.get(at)?)?;
        while self.symbol(at + 1, ".") {
            name = name_of(self.text, self.tokens.get(at + 2)?)?;
            at += 2;
        }
        Some((name, at + 1))
    }
}

/// The name of a command that PostgreSQL rejects inside a transaction block.
fn not_allowed_in_transaction(words: &StatementTokens<'_>) -> Option<&'static str> {
    let starts = |list: &[&str]| list.iter().enumerate().all(|(at, word)| words.is(at, word));
    let concurrently = words.any("concurrently");
    [
        (
            concurrently && (starts(&["create", "index"]) || starts(&["create", "unique", "index"])),
            "CREATE INDEX CONCURRENTLY",
        ),
        (concurrently && starts(&["drop", "index"]), "DROP INDEX CONCURRENTLY"),
        (concurrently && starts(&["reindex"]), "REINDEX CONCURRENTLY"),
        (concurrently && starts(&["alter", "table"]) && words.any("detach"), "DETACH PARTITION CONCURRENTLY"),
        (starts(&["vacuum"]), "VACUUM"),
        (starts(&["create", "database"]), "CREATE DATABASE"),
        (starts(&["drop", "database"]), "DROP DATABASE"),
        (starts(&["create", "tablespace"]), "CREATE TABLESPACE"),
        (starts(&["drop", "tablespace"]), "DROP TABLESPACE"),
        (starts(&["alter", "system"]), "ALTER SYSTEM"),
        (starts(&["discard", "all"]), "DISCARD ALL"),
    ]
    .into_iter()
    .find_map(|(matches, what)| matches.then_some(what))
}

/// An index built concurrently: its name, if it is a plain identifier, and whether the statement can run twice.
fn concurrent_index(words: &StatementTokens<'_>) -> Option<(Option<String>, bool)> {
    let at = words.skip(1, &["unique"]);
    if !(words.is(0, "create") && words.is(at, "index") && words.is(at + 1, "concurrently")) {
        return None;
    }
    let after = words.skip(at + 2, &["if", "not", "exists"]);
    let repeatable = after > at + 2;
    let name = if words.is(after, "on") { None } else { words.name(after).map(|(name, _)| name) };
    // The name is passed through the shell as one word; an index with another name is found by its state instead.
    let name = name.filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
    Some((name, repeatable))
}

/// A change to a table or view; a rename is a drop and a creation.
enum TableChange {
    Created(String),
    Altered(String),
    Dropped(String),
}

/// The tables and views that a statement creates, alters, drops or renames.
fn changes(words: &StatementTokens<'_>, changes: &mut Vec<TableChange>) {
    if words.is(0, "create") {
        let mut at =
            words.skip(1, &["or", "replace", "global", "local", "unlogged", "foreign", "materialized", "recursive"]);
        if !words.is(at, "table") && !words.is(at, "view") {
            return;
        }
        at = words.skip(at + 1, &["if", "not", "exists"]);
        let Some((name, after)) = words.name(at) else { return };
        if !(words.is(after, "partition") && words.is(after + 1, "of")) {
            changes.push(TableChange::Created(name));
        }
    } else if words.is(0, "drop") {
        let at = words.skip(1, &["foreign", "materialized"]);
        if !words.is(at, "table") && !words.is(at, "view") {
            return;
        }
        let mut at = words.skip(at + 1, &["if", "exists"]);
        while let Some((name, after)) = words.name(at) {
            changes.push(TableChange::Dropped(name));
            if !words.symbol(after, ",") {
                break;
            }
            at = after + 1;
        }
    } else if words.is(0, "alter") && words.is(1, "table") {
        let at = words.skip(2, &["if", "exists", "only"]);
        let Some((old, after)) = words.name(at) else { return };
        if words.is(after, "rename") && words.is(after + 1, "to") {
            let Some((new, _)) = words.name(after + 2) else { return };
            changes.extend([TableChange::Dropped(old), TableChange::Created(new)]);
        } else {
            changes.push(TableChange::Altered(old));
        }
    }
}

/// Applies the changes of a file. A table that is created and dropped in it neither exists afterwards nor counts as
/// dropped.
fn apply_changes(changes: Vec<TableChange>, migration: &mut Migration) {
    let (mut dropped, mut altered) = (BTreeSet::new(), BTreeSet::new());
    for change in changes.into_iter().rev() {
        match change {
            TableChange::Created(name) | TableChange::Altered(name) if dropped.contains(&name) => {}
            TableChange::Created(name) => migration.tables.push(name),
            TableChange::Altered(name) => _ = altered.insert(name),
            TableChange::Dropped(name) => _ = dropped.insert(name),
        }
    }
    migration.tables.reverse();
    migration.dropped = dropped.into_iter().collect();
    altered.retain(|name| !migration.tables.contains(name));
    migration.altered = altered.into_iter().collect();
}

/// The changes of statements within `DO` blocks.
fn do_block_changes(text: &str, statement: &Statement, found: &mut Vec<TableChange>) {
    for token in statement.tokens.iter().filter(|token| token.kind == TokenKind::DollarText) {
        let body = &text[token.range.clone()];
        let Some(tag) = body[1..].find('$').map(|at| at + 2) else { continue };
        let inner = token.range.start + tag..token.range.end - tag;
        let Ok(all) = statements(text, inner) else { continue };
        for statement in &all {
            // In PL/pgSQL, `BEGIN`, `THEN` and labels precede statements.
            for at in 0..statement.tokens.len() {
                let words = StatementTokens { text, tokens: &statement.tokens[at..] };
                if words.is(0, "create") {
                    changes(&words, found);
                }
            }
        }
    }
}

/// The offsets where a space keeps psql from interpolating a variable: after the colon of an array slice like
/// `a[i:n]`.
pub(super) fn psql_variables<'a>(text: &'a str, statement: &'a Statement) -> impl Iterator<Item = usize> + 'a {
    let is_colon = |token: &Token| text[token.range.clone()] == *":";
    statement.tokens.iter().enumerate().filter_map(move |(at, token)| {
        let cast =
            at > 0 && is_colon(&statement.tokens[at - 1]) && statement.tokens[at - 1].range.end == token.range.start;
        let next = text[token.range.end..].chars().next()?;
        let variable = next.is_alphabetic() || matches!(next, '_' | '\'' | '"' | '{') || !next.is_ascii();
        (is_colon(token) && !cast && variable).then_some(token.range.end)
    })
}
