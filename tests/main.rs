//! The integration tests, one binary.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod cli;
mod costs;
mod definitions;
mod docs;
mod effects;
mod faults;
mod fuzz;
mod hostile;
mod import;
mod install;
mod layers;
mod mistakes;
mod objects;
mod oracle;
mod pairs;
mod partial;
mod pods;
mod profile;
mod project;
mod render;
mod reports;
mod repositories;
mod review;
mod revisions;
mod runtime;
mod standins;
mod startup;
mod status;
mod stored;
mod supply;
mod transitions;
mod up;
mod updates;
mod wiring;
mod yaml;
