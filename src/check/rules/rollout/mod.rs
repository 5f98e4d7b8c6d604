//! What comes up and hurts when it is rolled out or changed.

pub(crate) mod _sql;
pub mod change_immutable;
pub mod dependency_not_awaited;
pub mod fleet_hostport_duplicate;
pub mod fleet_image_skew;
pub mod fleet_name_duplicate;
pub mod fleet_nodeport_duplicate;
pub mod migration_duplicate_version;
pub mod migration_missing;
pub mod migration_needs_no_transaction;
pub mod migration_order;
pub mod migration_statement_markers;
pub mod migration_table_missing;
pub mod probe_budget;
pub mod storage_ephemeral;
