//! The forms of strings in Kubernetes objects, as Go and the API machinery read them: base64, times, durations, quantities,
//! names, addresses, schedules, versions. Each is read in one place.

pub mod calendar;
pub mod cron;
pub mod go;
pub mod ip;
pub mod named;
pub mod names;
pub mod quantity;
pub mod time_zone;
pub mod version;

/// Whether a string has a form; if not, what the form asks for, as a phrase that follows "it": `must be …`.
pub type Checked = Result<(), &'static str>;
