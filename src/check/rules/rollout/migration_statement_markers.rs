//! Rule `migration-statement-markers`.

use crate::check::rules::rollout::_sql;
use crate::check::{Bundle, Check, Family, Report, Rule};
use crate::finding::Severity;

/// The rule.
pub static RULE: Rule = Rule {
    id: "migration-statement-markers",
    family: Family::Rollout,
    severity: Severity::Error,
    summary: "a statement with semicolons inside stands without goose's markers",
    doc: "goose cuts a file at semicolons, also at those inside a `$$` body, unless the statement stands between `-- +goose StatementBegin` and `-- +goose StatementEnd`. The first piece is then a syntax error.",
    bad: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: migrations}
data:
  001_a.sql: |
    -- +goose Up
    CREATE FUNCTION f() RETURNS int AS $$
    BEGIN
      RETURN 1;
    END;
    $$ LANGUAGE plpgsql;
"#,
    good: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: migrations}
data:
  001_a.sql: |
    -- +goose Up
    -- +goose StatementBegin
    CREATE FUNCTION f() RETURNS int AS $$
    BEGIN
      RETURN 1;
    END;
    $$ LANGUAGE plpgsql;
    -- +goose StatementEnd
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    _sql::report(bundle, report, crate::migrations::STATEMENT_MARKERS);
}
