//! Building blocks for validating objects as the API server does: the report, a view of pods, and the validation of fields
//! that several kinds share (selectors, volumes, resources).
//!
//! The rules of `check` and the update validation of `updates` use it.

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
