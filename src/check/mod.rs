//! The check engine: rules over objects, and the report they write to.
//!
//! A rule is one file under `rules/`, named like its id; the table in [`rules`] lists them all. Rules read plain nodes;
//! the report finds the field path and the place when there is something to say.

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
