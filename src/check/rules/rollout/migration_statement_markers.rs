//! Rule `migration-statement-markers`.

use crate::check::rules::rollout::_sql;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::MigrationStatementMarkers,
    doc: Doc {
        checks: "\
Checks the goose migrations of a ConfigMap for statements that contain semicolons, such as the `$$`
body of a function, outside `-- +goose StatementBegin` and `-- +goose StatementEnd`. The finding is
an error. Plain SQL files, without goose annotations, are not checked.",
        why: "\
goose splits a file at semicolons, also at those inside a `$$` body, and runs the first part of the
statement alone, which is a syntax error.",
        fix: "Put `-- +goose StatementBegin` before the statement and `-- +goose StatementEnd` after it.",
        source: "https://pressly.github.io/goose/documentation/annotations/.",
    },
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
    good: r"     -- +goose Up
+    -- +goose StatementBegin
@@
     $$ LANGUAGE plpgsql;
+    -- +goose StatementEnd
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    _sql::report(bundle, report, RuleId::MigrationStatementMarkers);
}
