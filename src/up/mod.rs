//! From a bundle to ready, and back: `up`, `down`, and what `status` asks of a cluster.
//!
//! The work is done by the field's own programs: kubectl, kind, and podman or docker.

pub mod apply;
pub mod down;
pub mod engine;
pub mod inventory;
pub mod kubectl;
pub mod plan;
pub mod run;
pub mod target;
pub mod wait;
mod watch;

use std::fmt;

use crate::programs::RunError;
use crate::status::Diagnosis;

pub use inventory::Inventory;
pub use kubectl::Kubectl;
pub use target::Target;

/// What a run reports while it works.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A step begins, or is done.
    Step(String),
    /// Something the user should know.
    Note(String),
    /// The objects that are waited for, and how far they are.
    States(&'a Diagnosis),
}

/// Why a run cannot go on.
#[derive(Debug)]
pub enum Error {
    /// A program gave no result.
    Run(RunError),
    /// Anything else; the message says what to do.
    Unable(String),
}

impl From<RunError> for Error {
    fn from(error: RunError) -> Self {
        Self::Run(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(error) => error.fmt(f),
            Self::Unable(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}
