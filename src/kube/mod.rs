//! What Kubernetes would make of an object: its kinds, their fields, and what its decoder says.

mod apply;
pub mod crd;
pub mod decode;
mod defaults;
pub(crate) mod go_regexp;
pub mod kinds;
mod place;
pub mod schema;
pub mod shape;
pub mod stored;
pub mod version;

pub(crate) use apply::allocate;
pub use apply::{applied, owned};
pub use kinds::{Kind, Scope};
pub use place::{Index, Place};
pub use schema::{ListKeys, ListKind, Type};
pub use shape::{Identity, Shape};
pub use stored::{equivalent, stored};
pub use version::KubernetesVersion;
