//! The formats that Kubernetes fields share: names, quantities, addresses. Nothing here allocates.

pub mod ip;
pub mod names;
pub mod quantity;

/// Whether a text has a form; if not, what the form asks for, as a phrase that follows "it": `must be …`.
pub type Checked = Result<(), &'static str>;
