//! The outcome of a command: its exit code, or why it has no result.

use crate::finding::Failure;

/// The outcome of a command that ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Success.
    Fine,
    /// A finding of severity error, or a difference.
    Objections,
    /// The command could not run, and has reported why.
    Unable,
    /// The time limit was exceeded.
    TimedOut,
    /// The user interrupted.
    Interrupted,
}

impl Outcome {
    pub(super) const fn objecting(objections: bool) -> Self {
        if objections { Self::Objections } else { Self::Fine }
    }
}

/// Why a command has no result: a reported failure, or an input/output error.
pub(super) enum Stop {
    Failure(Failure),
    Error(anyhow::Error),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self::Error(error)
    }
}
