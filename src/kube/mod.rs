//! What Kubernetes would make of an object: its kinds, their fields, and what its decoder says.

pub mod crd;
pub mod decode;
pub(crate) mod go_regexp;
pub mod kinds;
pub mod schema;
pub mod shape;
pub mod version;

pub use kinds::{Kind, Scope};
pub use schema::{ListKeys, ListKind, Type};
pub use shape::{Identity, Shape};
pub use version::KubernetesVersion;
