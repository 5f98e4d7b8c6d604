//! `up` and `down`, and the access to a cluster for `status`. They run kubectl, kind, and podman or docker.

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

/// The progress of a run.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A step begins or is done.
    Step(String),
    /// A note for the user.
    Note(String),
    /// The current states of the objects.
    States(&'a Diagnosis),
}

/// Why a run cannot continue.
#[derive(Debug)]
pub enum Error {
    /// A program could not be run or failed.
    Run(RunError),
    /// Any other reason; the message says how to fix it.
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
