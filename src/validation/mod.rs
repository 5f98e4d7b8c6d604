//! What validation in the API server's manner is made of: the report that faults go to,
//! a view of pods, and what fields of several kinds share (selectors, volumes, resources).
//!
//! The rules of `check` and the update validation of `updates` stand on it.

pub mod downward;
pub mod enums;
mod faults;
pub mod handler;
pub mod percent;
pub mod pod;
mod projected;
mod report;
pub mod resources;
pub mod selector;
pub mod volume;
pub mod volumes;

pub use crate::cursor::{At, repeats};
pub use faults::Faults;
pub use pod::Pod;
pub(crate) use report::point_at;
pub use report::{Draft, Report};
