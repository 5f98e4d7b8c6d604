//! What Kubernetes would make of an object: its kinds, their fields, and what its decoder says.

pub mod crd;
pub mod decode;
mod format;
pub mod kinds;
pub mod schema;
pub mod version;

pub use kinds::{Kind, Scope};
pub use schema::{ListKeys, ListKind, Type};
pub use version::KubernetesVersion;
