//! What comes up and hurts when it is rolled out or changed.

pub mod change_immutable;
