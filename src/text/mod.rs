//! Free text as programs read it: names and their words, `key = value`, addresses, and the commands of shell scripts.
//!
//! Whoever looks into texts (for the hosts in them, for what is secret) reads them here, in time that the text's length bounds.

pub mod assign;
pub mod scan;
pub mod shell;
