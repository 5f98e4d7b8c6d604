//! YAML in and out: one loader for every text the tool reads, one emitter for every text it writes.

mod emit;
mod load;
mod scalar;

pub use emit::emit;
pub use load::{Dialect, Loaded, load};
