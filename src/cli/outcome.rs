//! How a command that ran ended.

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
