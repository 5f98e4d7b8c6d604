//! What a pod is allowed to do.

pub mod pod_security;
pub mod readonly_root_write;
