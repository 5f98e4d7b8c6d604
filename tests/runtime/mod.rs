//! Tests of the built-in bundle at run time: its scripts, SQL, settings and credentials with real servers on this
//! machine.
//!
//! They verify that the service can start. There is no kubelet and no container: the volumes of a pod are folders, and
//! its commands run in busybox ash with paths mapped to these folders (see `pod`).

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
