//! Rule `migration-needs-no-transaction`.

use crate::check::rules::rollout::_sql;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::MigrationNeedsNoTransaction,
    doc: Doc {
        checks: "\
Checks the goose migrations of a ConfigMap for statements that PostgreSQL does not run in a
transaction, such as `CREATE INDEX CONCURRENTLY`, `VACUUM` and `CREATE DATABASE`, in a file without
`-- +goose NO TRANSACTION`. The finding is an error. Plain SQL files, without goose annotations, are
not checked.",
        why: "\
goose runs each file in a transaction, and the migration fails:
`CREATE INDEX CONCURRENTLY cannot run inside a transaction block`.",
        fix: "Move the statement to its own file, and add `-- +goose NO TRANSACTION` at its top.",
        source: "\
https://pressly.github.io/goose/documentation/annotations/ and
https://www.postgresql.org/docs/current/sql-createindex.html.",
    },
    bad: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: migrations}
data:
  001_a.sql: |
    -- +goose Up
    CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a);
"#,
    good: "   001_a.sql: |\n+    -- +goose NO TRANSACTION\n",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    _sql::report(bundle, report, RuleId::MigrationNeedsNoTransaction);
}
