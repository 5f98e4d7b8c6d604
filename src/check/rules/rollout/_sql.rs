//! Reads the SQL files of ConfigMaps as migrations.

use crate::check::Bundle;
use crate::check::rules::wiring::_shared::data_node;
use crate::finding::RuleId;
use crate::graph::{data_keys, kind_of, text_of};
use crate::migrations::{self, SqlFile};
use crate::validation::Report;

/// Reports the problems that a rule is about in the goose migrations of each ConfigMap.
pub(crate) fn report(bundle: &Bundle<'_>, report: &mut Report<'_>, rule: RuleId) {
    for object in bundle.objects.iter().filter(|object| kind_of(object) == Some("ConfigMap")) {
        let keys: Vec<&str> = data_keys(object).filter(|key| key.ends_with(".sql")).collect();
        if keys.is_empty() {
            continue;
        }
        let texts: Vec<_> = keys.iter().filter_map(|key| Some((*key, text_of(object, key)?))).collect();
        let files: Vec<SqlFile<'_>> = texts.iter().map(|(name, text)| SqlFile { name, text }).collect();
        // Plain SQL files have no versions and no annotations, and run in a transaction only if they begin one.
        if !migrations::is_goose(&files) {
            continue;
        }
        let (_, problems) = migrations::read(&files);
        for problem in problems.into_iter().filter(|problem| problem.rule == rule) {
            let node = data_node(object, texts[problem.file].0);
            let other =
                problem.other.and_then(|other| texts.get(other)).map(|(key, _)| data_node(object, key).origin.span);
            let draft =
                report.text(object, node, problem.range, problem.message).severity(problem.severity).help(problem.help);
            if let Some(span) = other {
                draft.related(span, "the other file");
            }
        }
    }
}
