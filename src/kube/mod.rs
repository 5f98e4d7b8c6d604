//! How Kubernetes reads an object: kinds, their fields, decoding, and the stored form.
//!
//! - [`Shape`] is the type of a field, whether its kind is built in ([`Shape::of_object`], [`Shape::built_in`]) or defined by a
//!   CustomResourceDefinition; [`Identity`] is how server-side apply identifies the items of a list.
//! - [`find`] and [`Index`] locate a node: its field path as the API server writes it, and its shape.
//! - [`stored()`] is an object as the API server stores it, with defaults and without empty values; [`equivalent`] compares two
//!   objects in that form.
//! - [`applied`] is the result of server-side apply by one manager; [`owned`] is what that manager set in an object that was
//!   read from a cluster.

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
