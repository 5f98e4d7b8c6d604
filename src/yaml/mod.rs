//! YAML: one loader for everything the tool reads, one emitter for everything it writes.

mod embedded;
mod emit;
mod json;
mod load;
mod packed;
mod scalar;
mod stream;
mod typed;

pub use embedded::{Trail, locate};
pub(crate) use emit::is_bidi;
pub use emit::{emit, emit_stream, emit_with_parts};
pub use json::{json, json_with_parts};
pub use load::{Dialect, Loaded, MAX_ALIASED_NODES, MAX_DEPTH, load_some, load_text};
pub use packed::{pack, unpack};
pub use typed::{from_node, read_json, read_json_stream};

use crate::built_in::FILES;
use crate::node::Node;
use crate::source::{FileId, Sources};

/// Reads all documents of a file.
#[must_use]
pub fn load(sources: &Sources, file: FileId, dialect: Dialect) -> Loaded {
    let Some(source) = sources.get(file) else { return Loaded::default() };
    if dialect == Dialect::Strict
        && let Some(documents) = built_in(&source.text, file)
    {
        return Loaded { documents, ..Loaded::default() };
    }
    let loaded = load_text(&source.text, file, dialect);
    loaded.unread.iter().for_each(|span| sources.add_unread(*span));
    loaded
}

/// The documents of a string that is a built-in file: parsed when the tool was built.
fn built_in(text: &str, file: FileId) -> Option<Vec<Node>> {
    let known = FILES.iter().find(|known| !known.tree.is_empty() && known.text == text)?;
    unpack(known.tree, text, file)
}
