//! The bundle at work: its scripts, SQL, settings and credentials against real servers on this machine.
//!
//! What is proved here is what decides whether the service comes up. There is no kubelet and no container: a pod's
//! volumes become folders, its commands run in busybox ash with paths mapped to them (see `pod`).

#![allow(clippy::unwrap_used)]

mod browser;
mod bundle;
mod catalog;
mod config;
mod database_pod;
mod goose;
mod interrupted;
mod manifests;
mod migrate;
mod partitions;
mod pod;
mod servers;
mod shell;
mod tool;
mod wait;
