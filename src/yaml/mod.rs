//! YAML in and out: one loader for every text the tool reads, one emitter for every text it writes.

mod embedded;
mod emit;
mod json;
mod load;
mod scalar;
mod typed;

pub use embedded::{Trail, locate};
pub(crate) use emit::is_bidi;
pub use emit::{emit, emit_stream, emit_with_parts};
pub use json::{json, json_with_parts};
pub use load::{Dialect, Loaded, MAX_ALIASED_NODES, MAX_DEPTH, load, load_text};
pub use typed::{from_node, read_json};
