//! The committed schema is what the type says.
#![allow(clippy::unwrap_used)]

use plimsoll::profile;

/// `SNAPSHOTS=overwrite cargo test` writes it anew.
#[test]
fn committed_schema_is_generated_from_the_type() {
    snapbox::assert_data_eq!(profile::generate_schema(), snapbox::file!["../profiles/schema.json": Text].raw());
}
