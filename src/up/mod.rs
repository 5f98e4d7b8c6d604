//! From a bundle to ready, and back: `up`, `down`, and what `status` asks of a cluster.
//!
//! The work is done by the field's own programs: kubectl, kind, and podman or docker.

pub mod apply;
pub mod engine;
pub mod inventory;
pub mod kubectl;
pub mod wait;
mod watch;

pub use inventory::Inventory;
pub use kubectl::Kubectl;
