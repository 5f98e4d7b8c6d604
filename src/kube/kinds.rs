//! Which kinds a Kubernetes version has.

use super::schema::{self, KindEntry, Type};
use super::version::KubernetesVersion;

/// Where objects of a kind live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In the cluster.
    Cluster,
    /// In a namespace.
    Namespaced,
    /// Nowhere by themselves: only sent to a part of another object.
    Subresource,
}

/// A built-in kind of a version.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its apiVersion.
    pub api_version: &'static str,
    /// Its name.
    pub kind: &'static str,
    /// Its name in URLs and RBAC rules: `deployments`.
    pub plural: &'static str,
    /// Where its objects live.
    pub scope: Scope,
    /// Whether it is a list of objects (`PodList`).
    pub list: bool,
    /// Its fields.
    pub ty: Type,
}

impl Kind {
    /// A kind of a version.
    #[must_use]
    pub fn find(api_version: &str, kind: &str, version: KubernetesVersion) -> Option<Self> {
        schema::kind_entries(api_version, kind).find(|entry| entry.is_in(version)).map(Self::of)
    }

    /// All kinds of a version, by apiVersion and name.
    pub fn all(version: KubernetesVersion) -> impl Iterator<Item = Self> {
        schema::all_kind_entries().filter(move |entry| entry.is_in(version)).map(Self::of)
    }

    fn of(entry: KindEntry) -> Self {
        Self {
            api_version: entry.api_version(),
            kind: entry.kind(),
            plural: entry.plural(),
            scope: match entry.scope() {
                0 => Scope::Cluster,
                1 => Scope::Namespaced,
                _ => Scope::Subresource,
            },
            list: entry.is_list(),
            ty: entry.ty(),
        }
    }
}
