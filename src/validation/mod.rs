//! What validation in the API server's manner is made of: a cursor that knows the field path, the report that faults go to,
//! a view of pods, and the formats that Kubernetes fields share (names, resources, addresses).
//!
//! The rules of `check` and the update validation of `updates` stand on it.

mod at;
pub mod cron;
pub mod downward;
pub mod enums;
mod faults;
pub mod handler;
pub mod ip;
pub mod lists;
pub mod names;
pub mod percent;
pub mod pod;
mod projected;
mod report;
pub mod resources;
pub mod selector;
pub mod time_zone;
pub mod volume;
pub mod volumes;

pub use at::At;
pub use faults::Faults;
pub use pod::Pod;
pub use report::{Draft, Report};

/// Whether a text has a form; if not, what the form asks for, as a phrase that follows "it": `must be …`.
pub type Checked = Result<(), &'static str>;
