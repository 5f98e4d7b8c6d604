//! The integration tests, one binary.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod objects;
mod mistakes;
mod oracle;
mod pods;
mod profile;
mod render;
mod runtime;
mod updates;
mod yaml;
