//! How a command ended: what it comes to, or why it has no result.

use crate::finding::Failure;

/// How a command that ran ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing to object to.
    Fine,
    /// A finding of severity error, or a difference.
    Objections,
    /// The command could not run, and has said why.
    Unable,
    /// There was no more time.
    TimedOut,
    /// The user interrupted.
    Interrupted,
}

impl Outcome {
    pub(super) const fn objecting(objections: bool) -> Self {
        if objections { Self::Objections } else { Self::Fine }
    }
}

/// Why a command has no result: told to the person, or an error of the machine.
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
