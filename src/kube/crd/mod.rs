//! Custom resource definitions: kinds that are given, not built in.

mod schema;
#[cfg(test)]
mod tests;
mod validate;

use std::sync::OnceLock;

use crate::node::Node;

pub use schema::Schema;

use super::decode::{Fault, FaultKind};
use super::kinds::Scope;
use super::version::KubernetesVersion;

/// The kinds that CustomResourceDefinitions define. Borrows them; a schema is read when the first object needs it.
#[derive(Debug, Default)]
pub struct CustomKinds<'a>(Vec<CustomKind<'a>>);

/// A kind of a custom resource in one version.
#[derive(Debug)]
pub struct CustomKind<'a> {
    /// `example.com`.
    pub group: &'a str,
    /// `v1`.
    pub version: &'a str,
    /// `Thing`.
    pub kind: &'a str,
    /// `things`.
    pub plural: &'a str,
    /// Where its objects live.
    pub scope: Scope,
    /// Whether the cluster takes objects in this version.
    pub served: bool,
    /// Whether the definition calls the version deprecated.
    pub deprecated: bool,
    /// What the cluster then says; empty for its own words.
    pub warning: &'a str,
    /// Whether the status is a subresource, so that one sent along is thrown away before validation.
    drops_status: bool,
    source: &'a Node,
    schema: OnceLock<Schema>,
}

impl<'a> CustomKinds<'a> {
    /// Reads the definitions among some objects; what is no definition is passed over.
    pub fn new(objects: impl IntoIterator<Item = &'a Node>) -> Self {
        let mut kinds = Self::default();
        for object in objects {
            if object["kind"].text() == "CustomResourceDefinition"
                && object["apiVersion"].text() == "apiextensions.k8s.io/v1"
            {
                kinds.add(&object["spec"]);
            }
        }
        // The first definition of a kind counts; the order among equals stays.
        kinds.0.sort_by(|a, b| a.key().cmp(&b.key()));
        kinds
    }

    fn add(&mut self, spec: &'a Node) {
        for version in spec["versions"].items() {
            let names = &spec["names"];
            self.0.push(CustomKind {
                group: spec["group"].text(),
                version: version["name"].text(),
                kind: names["kind"].text(),
                plural: names["plural"].text(),
                scope: if spec["scope"].text() == "Cluster" { Scope::Cluster } else { Scope::Namespaced },
                served: version["served"].as_bool().unwrap_or(false),
                deprecated: version["deprecated"].as_bool().unwrap_or(false),
                warning: version["deprecationWarning"].text(),
                drops_status: version["subresources"]["status"].is_set(),
                source: &version["schema"]["openAPIV3Schema"],
                schema: OnceLock::new(),
            });
        }
    }

    /// The kind of an apiVersion, served or not.
    #[must_use]
    pub fn find(&self, api_version: &str, kind: &str) -> Option<&CustomKind<'a>> {
        let (group, version) = api_version.rsplit_once('/')?;
        let wanted = (kind, group, version);
        let at = self.0.partition_point(|known| known.key() < wanted);
        self.0.get(at).filter(|known| known.key() == wanted)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All kinds, by name.
    pub fn iter(&self) -> impl Iterator<Item = &CustomKind<'a>> {
        self.0.iter()
    }
}

impl CustomKind<'_> {
    const fn key(&self) -> (&str, &str, &str) {
        (self.kind, self.group, self.version)
    }

    /// `example.com/v1`.
    #[must_use]
    pub fn api_version(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }

    /// The structural schema, read on first use.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        self.schema.get_or_init(|| Schema::read(self.source))
    }

    /// Holds an object against the schema. Empty if the server takes it (rules in CEL aside).
    #[must_use]
    pub fn validate<'n>(&self, object: &'n Node, version: KubernetesVersion) -> Vec<Fault<'n>> {
        let mut faults = validate::validate(object, self.schema(), version);
        if self.drops_status {
            let in_status = |field: &str| field == "status" || field.starts_with("status.");
            faults.retain(|fault| fault.kind == FaultKind::Unknown || !in_status(&fault.field));
        }
        faults
    }
}
