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
Checks that the goose migrations of a ConfigMap have different versions: the number with which the
file name begins. The finding is an error. Plain SQL files, without goose annotations, have no
versions and are not checked.",
        why: "goose orders migrations by version, and rejects two with the same version.",
        fix: "Rename the later file to an unused version.",
        source: "https://pressly.github.io/goose/documentation/annotations/.",
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
