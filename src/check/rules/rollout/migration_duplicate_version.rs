//! Rule `migration-duplicate-version`.

use crate::check::rules::rollout::_sql;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::MigrationDuplicateVersion,
    doc: Doc {
        checks: "\
goose orders migrations by the number their file names begin with, and refuses two of one number.
Rename the later one.",
        why: "",
        fix: "",
        source: "",
    },
    bad: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: migrations}
data:
  001_a.sql: "-- +goose Up\nCREATE TABLE a (id int);\n"
  001_b.sql: "-- +goose Up\nCREATE TABLE b (id int);\n"
"#,
    good: r#"-  001_b.sql: "-- +goose Up\nCREATE TABLE b (id int);\n"
+  002_b.sql: "-- +goose Up\nCREATE TABLE b (id int);\n"
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    _sql::report(bundle, report, RuleId::MigrationDuplicateVersion);
}
