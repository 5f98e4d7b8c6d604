//! The table of all rules.

use crate::check::Rule;

pub mod api;

/// All rules, sorted by family and id.
pub static ALL: &[&Rule] = &[
    &api::api_version_deprecated::RULE,
    &api::api_version_removed::RULE,
    &api::field_type::RULE,
    &api::field_unknown::RULE,
    &api::kind_unknown::RULE,
    &api::name_invalid::RULE,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_ids_are_unique() {
        let keys: Vec<_> = ALL.iter().map(|rule| (rule.family, rule.id)).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
    }
}
