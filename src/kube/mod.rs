//! What Kubernetes would make of an object: its kinds, their fields, what its decoder says, and how it is stored.
//!
//! - [`Shape`] says what a field holds, whether its kind is built in ([`Shape::of_object`], [`Shape::built_in`]) or comes from a
//!   CustomResourceDefinition; [`Identity`] how the entries of a list are told apart.
//! - [`find`] and [`Index`] are where a node stands: its field path as the API server writes it, and its shape.
//! - [`stored()`] is an object as the API server keeps it, with defaults and without what says nothing; [`equivalent`] compares
//!   two objects in that form.
//! - [`applied`] is what server-side apply by one manager makes of it; [`owned`] what that manager set of an object that was read
//!   from a cluster.

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

pub use crate::schema::ListKind;
pub(crate) use apply::allocate;
pub use apply::{applied, owned};
pub use kinds::{Kind, Scope};
pub use place::{Index, find};
pub use schema::{ListKeys, Type};
pub use shape::{Identity, Shape};
pub use stored::{equivalent, stored};
pub use version::KubernetesVersion;
