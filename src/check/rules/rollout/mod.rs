//! What comes up and hurts when it is rolled out or changed.

mod _autoscaler;
pub(crate) mod _order;
pub(crate) mod _sql;
pub mod autoscaler_container_missing;
pub mod autoscaler_duplicate;
pub mod autoscaler_replicas_fixed;
pub mod autoscaler_request_missing;
pub mod autoscaler_target_unscalable;
pub mod change_immutable;
pub mod dependency_not_awaited;
pub mod fleet_hostport_duplicate;
pub mod fleet_image_skew;
pub mod fleet_name_duplicate;
pub mod fleet_nodeport_duplicate;
pub mod migration_duplicate_version;
pub mod migration_hook_deadlock;
pub mod migration_missing;
pub mod migration_needs_no_transaction;
pub mod migration_order;
pub mod migration_statement_markers;
pub mod migration_table_missing;
pub mod prestop_exceeds_grace;
pub mod probe_budget;
pub mod storage_ephemeral;
pub mod sync_wave_order;
