//! What the API server would refuse.

pub mod api_version_deprecated;
pub mod api_version_removed;
pub mod custom_resource_invalid;
pub mod custom_resource_unevaluated;
pub mod field_type;
pub mod field_unknown;
pub mod kind_unknown;
pub mod name_invalid;
