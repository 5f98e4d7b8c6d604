//! Reads free-form strings as programs do: names and their words, `key = value`, addresses, and shell commands.
//!
//! Everything that searches strings, for hosts or for secrets, uses these readers, whose time is linear in the
//! length.

pub mod assign;
pub mod scan;
pub mod shell;
