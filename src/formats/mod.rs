//! Formats of strings in Kubernetes objects, as Go and the API machinery parse them: base64, times, durations, quantities,
//! names, addresses, schedules, versions.

pub mod calendar;
pub mod cron;
pub mod go;
pub mod ip;
pub mod named;
pub mod names;
pub mod quantity;
pub mod time_zone;
pub mod version;

/// The result of a check of a string: the error is what the format requires, as `must be …`.
pub type Checked = Result<(), &'static str>;
