//! What is asked of a cluster, with kubectl.

pub mod kubectl;

pub use kubectl::Kubectl;
