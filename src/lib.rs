//! plimsoll renders a service's complete, checked Kubernetes bundle from one small profile.
//!
//! All data is [`node::Node`]s: YAML values with their origins. Profiles, templates, rendered objects and other
//! manifests are read by one parser, checked by one engine and written by one emitter.

pub mod built_in;
pub mod bundle;
mod cel;
pub mod check;
pub mod cli;
pub mod cursor;
pub mod definitions;
pub mod diagram;
pub mod diff;
pub mod digest;
pub mod editor;
pub mod explain;
pub mod fields;
pub mod finding;
pub mod fix;
pub mod fleet;
pub mod formats;
pub mod globs;
pub mod graph;
pub mod import;
pub mod json_schema;
pub mod kube;
pub mod layers;
pub mod memo;
pub mod migrations;
pub mod node;
pub mod object;
pub mod out;
pub mod page;
pub mod parallel;
pub mod patch;
pub mod path;
pub mod profile;
pub mod programs;
pub mod project;
pub mod references;
pub mod render;
pub mod report;
pub mod schema;
mod secret;
pub mod service;
pub mod software;
pub mod source;
pub mod status;
pub mod suggest;
pub mod template;
pub mod text;
pub mod up;
pub mod updates;
pub mod validation;
pub mod yaml;
