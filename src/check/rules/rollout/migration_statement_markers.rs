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
goose cuts a file at semicolons, also at those inside a `$$` body, unless the statement stands
between `-- +goose StatementBegin` and `-- +goose StatementEnd`. The first piece is then a syntax
error.",
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
