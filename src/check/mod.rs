//! The check engine: runs rules on objects.
//!
//! Each rule is a file under `rules/`, named after its id; the table in [`rules`] lists them all. Rules read nodes; the
//! report determines the field path and the location of a finding.

mod custom_rules;
mod decoding;
mod engine;
pub mod expected;
pub mod fleet;
pub mod input;
pub mod kustomize;
mod options;
mod pieces;
mod rendered;
mod rule;
pub mod rules;
pub mod suppress;
pub mod unrendered;

pub use engine::{api_errors, check, check_fleet, check_in};
pub use options::{Declaration, KindCluster, Options, Purpose};
pub use rendered::check_rendered;
pub use rule::{Bundle, Check, Doc, Rule};
