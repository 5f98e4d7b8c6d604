//! The formats that Kubernetes fields share: names, resources, addresses. Nothing here allocates.

pub mod cron;
pub mod downward;
pub mod enums;
pub mod handler;
pub mod ip;
pub mod lists;
pub mod names;
pub mod percent;
mod projected;
pub mod resources;
pub mod selector;
pub mod time_zone;
pub mod volume;

/// Whether a text has a form; if not, what the form asks for, as a phrase that follows "it": `must be …`.
pub type Checked = Result<(), &'static str>;
