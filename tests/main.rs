//! The integration tests, one binary.
#![allow(clippy::unwrap_used, missing_docs)]

mod oracle;
mod profile;
mod yaml;
