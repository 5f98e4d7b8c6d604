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
`CREATE INDEX CONCURRENTLY`, `VACUUM`, `CREATE DATABASE` and the like cannot run inside a
transaction, and goose runs each file in one, unless the file says `-- +goose NO TRANSACTION`.",
        why: "",
        fix: "",
        source: "",
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
