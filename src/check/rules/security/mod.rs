//! Rules for what a pod is allowed to do.

mod _standards;
pub mod pod_security;
pub mod readonly_root_write;
