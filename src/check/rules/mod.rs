//! The table of all rules.

use crate::check::Rule;

pub mod api;
pub mod rollout;
pub mod security;
pub mod wiring;

/// All rules, sorted by family and id.
pub static ALL: &[&Rule] = &[
    &api::active_deadline_invalid::RULE,
    &api::admission_policy_invalid::RULE,
    &api::affinity_invalid::RULE,
    &api::annotation_invalid::RULE,
    &api::api_service_invalid::RULE,
    &api::api_version_deprecated::RULE,
    &api::api_version_off::RULE,
    &api::api_version_removed::RULE,
    &api::autoscaler_invalid::RULE,
    &api::certificate_request_invalid::RULE,
    &api::claim_invalid::RULE,
    &api::cluster_network_invalid::RULE,
    &api::config_key_invalid::RULE,
    &api::container_name_invalid::RULE,
    &api::container_restart_policy_invalid::RULE,
    &api::containers_missing::RULE,
    &api::custom_resource_definition_invalid::RULE,
    &api::custom_resource_invalid::RULE,
    &api::custom_resource_unevaluated::RULE,
    &api::device_claim_invalid::RULE,
    &api::device_invalid::RULE,
    &api::disruption_budget_invalid::RULE,
    &api::dns_invalid::RULE,
    &api::duplicate_env::RULE,
    &api::duplicate_port::RULE,
    &api::endpoints_invalid::RULE,
    &api::env_from_invalid::RULE,
    &api::env_invalid::RULE,
    &api::ephemeral_containers_forbidden::RULE,
    &api::field_type::RULE,
    &api::field_unknown::RULE,
    &api::finalizer_invalid::RULE,
    &api::flow_control_invalid::RULE,
    &api::grace_period_negative::RULE,
    &api::host_alias_invalid::RULE,
    &api::host_namespace_conflict::RULE,
    &api::host_port_invalid::RULE,
    &api::hostname_invalid::RULE,
    &api::image_invalid::RULE,
    &api::ingress_class_invalid::RULE,
    &api::ingress_invalid::RULE,
    &api::job_invalid::RULE,
    &api::job_policy_invalid::RULE,
    &api::kind_unknown::RULE,
    &api::label_invalid::RULE,
    &api::lease_invalid::RULE,
    &api::lifecycle_invalid::RULE,
    &api::limit_range_invalid::RULE,
    &api::mount_invalid::RULE,
    &api::mount_volume_missing::RULE,
    &api::name_invalid::RULE,
    &api::namespace_invalid::RULE,
    &api::network_policy_invalid::RULE,
    &api::node_label_deprecated::RULE,
    &api::node_selector_invalid::RULE,
    &api::overhead_invalid::RULE,
    &api::owner_reference_invalid::RULE,
    &api::persistent_volume_invalid::RULE,
    &api::pod_annotation_deprecated::RULE,
    &api::pod_annotation_invalid::RULE,
    &api::pod_gate_invalid::RULE,
    &api::pod_os_invalid::RULE,
    &api::pod_reference_invalid::RULE,
    &api::pod_resources_invalid::RULE,
    &api::pod_security_level_invalid::RULE,
    &api::port_invalid::RULE,
    &api::priority_class_invalid::RULE,
    &api::probe_invalid::RULE,
    &api::pull_secret_invalid::RULE,
    &api::quota_invalid::RULE,
    &api::rbac_rule_invalid::RULE,
    &api::resize_policy_invalid::RULE,
    &api::resource_claim_invalid::RULE,
    &api::resources_fractional::RULE,
    &api::resources_invalid::RULE,
    &api::restart_policy_invalid::RULE,
    &api::role_ref_invalid::RULE,
    &api::runtime_class_invalid::RULE,
    &api::schedule_invalid::RULE,
    &api::secret_type_data_missing::RULE,
    &api::security_context_invalid::RULE,
    &api::selector_invalid::RULE,
    &api::selector_mismatch::RULE,
    &api::service_address_invalid::RULE,
    &api::service_field_ignored::RULE,
    &api::service_policy_invalid::RULE,
    &api::service_port_invalid::RULE,
    &api::service_type_invalid::RULE,
    &api::storage_class_invalid::RULE,
    &api::strategy_invalid::RULE,
    &api::sysctl_invalid::RULE,
    &api::template_metadata_invalid::RULE,
    &api::termination_message_policy_invalid::RULE,
    &api::toleration_invalid::RULE,
    &api::topology_spread_invalid::RULE,
    &api::volume_attachment_invalid::RULE,
    &api::volume_deprecated::RULE,
    &api::volume_name_invalid::RULE,
    &api::volume_source_invalid::RULE,
    &api::webhook_invalid::RULE,
    &api::windows_options_invalid::RULE,
    &api::workload_field_invalid::RULE,
    &wiring::cert_dir_unmounted::RULE,
    &wiring::claim_single_node::RULE,
    &wiring::claim_single_pod::RULE,
    &wiring::client_url_missing::RULE,
    &wiring::command_not_split::RULE,
    &wiring::config_duration_empty::RULE,
    &wiring::config_duration_invalid::RULE,
    &wiring::config_file_missing::RULE,
    &wiring::config_key_required::RULE,
    &wiring::config_key_unknown::RULE,
    &wiring::config_not_a_file::RULE,
    &wiring::config_path_missing::RULE,
    &wiring::config_path_unmounted::RULE,
    &wiring::config_value_invalid::RULE,
    &wiring::connection_value_unquoted::RULE,
    &wiring::data_mount_refused::RULE,
    &wiring::db_identity_mismatch::RULE,
    &wiring::db_probe_wrong_database::RULE,
    &wiring::duplicate_object::RULE,
    &wiring::env_not_read::RULE,
    &wiring::env_reference_undefined::RULE,
    &wiring::env_refused::RULE,
    &wiring::env_required_missing::RULE,
    &wiring::host_unresolved::RULE,
    &wiring::hostpath_not_on_node::RULE,
    &wiring::hostport_collision::RULE,
    &wiring::image_command_missing::RULE,
    &wiring::image_local_always_pulled::RULE,
    &wiring::image_never_from_registry::RULE,
    &wiring::image_not_loaded::RULE,
    &wiring::image_port_unserved::RULE,
    &wiring::image_text_invalid::RULE,
    &wiring::image_unqualified::RULE,
    &wiring::image_user_root::RULE,
    &wiring::ingress_path_duplicate::RULE,
    &wiring::kind_config_invalid::RULE,
    &wiring::listen_port_mismatch::RULE,
    &wiring::monitor_port_unserved::RULE,
    &wiring::mount_missing::RULE,
    &wiring::networkpolicy_blocks_flow::RULE,
    &wiring::nodeport_duplicate::RULE,
    &wiring::nodeport_missing_for_mapping::RULE,
    &wiring::nodeport_range::RULE,
    &wiring::nodeport_unmapped::RULE,
    &wiring::probe_missing::RULE,
    &wiring::probe_path_unserved::RULE,
    &wiring::probe_path_wrong_endpoint::RULE,
    &wiring::probe_port_unserved::RULE,
    &wiring::rbac_apigroup_unknown::RULE,
    &wiring::rbac_client_unbound::RULE,
    &wiring::rbac_client_verb::RULE,
    &wiring::rbac_roleref_missing::RULE,
    &wiring::rbac_rule_missing::RULE,
    &wiring::rbac_subject_missing::RULE,
    &wiring::reference_missing::RULE,
    &wiring::schedule_never::RULE,
    &wiring::secret_empty_data::RULE,
    &wiring::secret_file_missing::RULE,
    &wiring::secret_file_unparsable::RULE,
    &wiring::secret_file_unresolved::RULE,
    &wiring::secret_trailing_newline::RULE,
    &wiring::selector_matches_nothing::RULE,
    &wiring::service_selects_job::RULE,
    &wiring::service_selects_nothing::RULE,
    &wiring::serviceaccount_default_for_client::RULE,
    &wiring::serviceaccount_missing::RULE,
    &wiring::statefulset_name_too_long::RULE,
    &wiring::subpath_missing::RULE,
    &wiring::target_port_unserved::RULE,
    &wiring::unused::RULE,
    &wiring::url_other_namespace::RULE,
    &wiring::url_port_unserved::RULE,
    &wiring::url_scheme_mismatch::RULE,
    &wiring::url_unresolved::RULE,
    &rollout::autoscaler_container_missing::RULE,
    &rollout::autoscaler_duplicate::RULE,
    &rollout::autoscaler_replicas_fixed::RULE,
    &rollout::autoscaler_request_missing::RULE,
    &rollout::autoscaler_target_unscalable::RULE,
    &rollout::change_immutable::RULE,
    &rollout::dependency_not_awaited::RULE,
    &rollout::disruption_budget_blocks::RULE,
    &rollout::disruption_budget_overlap::RULE,
    &rollout::fleet_hostport_duplicate::RULE,
    &rollout::fleet_image_skew::RULE,
    &rollout::fleet_name_duplicate::RULE,
    &rollout::fleet_nodeport_duplicate::RULE,
    &rollout::migration_duplicate_version::RULE,
    &rollout::migration_hook_deadlock::RULE,
    &rollout::migration_missing::RULE,
    &rollout::migration_needs_no_transaction::RULE,
    &rollout::migration_order::RULE,
    &rollout::migration_statement_markers::RULE,
    &rollout::migration_table_missing::RULE,
    &rollout::prestop_exceeds_grace::RULE,
    &rollout::probe_budget::RULE,
    &rollout::storage_ephemeral::RULE,
    &rollout::sync_wave_order::RULE,
    &security::pod_security::RULE,
    &security::readonly_root_write::RULE,
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::check::input::Input;
    use crate::check::{Options, check_in};
    use crate::finding::{Family, RuleId};
    use crate::source::Sources;

    fn has_finding(rule: &Rule, manifests: &str) -> bool {
        if matches!(rule.check, crate::check::Check::Fleet(_)) {
            return has_fleet_finding(rule, manifests);
        }
        let sources = Sources::new();
        let mut input = Input::default();
        input.add(&sources, sources.add("example.yaml", manifests), true);
        assert!(input.findings.is_empty(), "{}: {:?}", rule.id, input.findings);
        let options = Options { kind_config: input.kind_config, ..Options::default() };
        check_in(&sources, &input.objects, &options).iter().any(|finding| finding.rule == rule.id)
    }

    fn has_fleet_finding(rule: &Rule, manifests: &str) -> bool {
        let sources = Sources::new();
        let bundles = manifests.split("# bundle: ").filter(|bundle| !bundle.trim().is_empty());
        let facts: Vec<_> = bundles
            .map(|bundle| {
                let (profile, text) = bundle.split_once('\n').unwrap();
                let mut input = Input::default();
                input.add(&sources, sources.add(profile, text), true);
                crate::check::fleet::BundleFacts::of(profile, "e2e", &input.objects, input.kind_config.as_ref())
            })
            .collect();
        assert!(facts.len() > 1, "{}", rule.id);
        crate::check::check_fleet(&facts, &Options::default()).iter().any(|finding| finding.rule == rule.id)
    }

    #[test]
    fn every_rule_reports_its_bad_example_and_not_its_good_one() {
        for rule in ALL {
            assert!(has_finding(rule, rule.bad), "{}: no finding for the bad example", rule.id);
            assert!(!has_finding(rule, &rule.good()), "{}: a finding for the good example", rule.id);
        }
    }

    #[test]
    fn every_rule_is_documented() {
        for rule in ALL {
            let sections = rule.doc.sections();
            assert!(sections[0].1.len() > 40, "{}", rule.id);
            for (title, text) in sections.into_iter().filter(|(_, text)| !text.is_empty()) {
                assert!(
                    text == text.trim() && text.trim_end_matches(')').ends_with('.') || text.starts_with("- http"),
                    "{}: {title}: {text}",
                    rule.id
                );
                let long = text.lines().find(|line| line.chars().count() > 100 && line.contains(' '));
                assert_eq!(long, None, "{}: {title}", rule.id);
            }
        }
    }

    #[test]
    fn files_and_table_agree() {
        for family in Family::ALL {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/check/rules/").to_owned() + family.name();
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            let mut files: Vec<String> = entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .filter(|name| name.ends_with(".rs") && name != "mod.rs" && !name.starts_with('_'))
                .map(|name| name.trim_end_matches(".rs").replace('_', "-"))
                .collect();
            files.sort();
            let ids: Vec<&str> =
                ALL.iter().map(|rule| rule.id).filter(|id| id.family() == family).map(RuleId::name).collect();
            assert_eq!(files, ids);
        }
    }

    #[test]
    fn table_and_catalogue_agree() {
        let ids: Vec<RuleId> = ALL.iter().map(|rule| rule.id).collect();
        let of_rules = |id: &RuleId| Family::ALL.contains(&id.family());
        let rules: Vec<RuleId> = RuleId::ALL.iter().copied().filter(of_rules).collect();
        assert_eq!(ids, rules);
    }
}
