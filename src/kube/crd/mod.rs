//! Custom resources: the kinds of CustomResourceDefinitions.

mod resource;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::node::Node;
use crate::schema::{Budget, Fault, FaultKind, Schema, Subschema, UnevaluatedPatterns};
use crate::source::Span;

use super::kinds::Scope;
use super::version::KubernetesVersion;

/// The maximum total size of the compiled patterns of all definitions, in bytes. Definitions that have objects share it
/// equally.
const MAX_PATTERN_BYTES: usize = 1 << 25;

/// The kinds of CustomResourceDefinitions, which it borrows. A schema is compiled when the first object needs it.
#[derive(Debug, Default)]
pub struct CustomKinds<'a> {
    /// By kind, group and version.
    kinds: Vec<CustomKind<'a>>,
    /// How many of the given objects are of one of these kinds.
    objects: usize,
    /// How many of the kinds have such objects.
    used: usize,
}

/// The published JSON Schema of a kind in one version, which was generated from its definition. It may be stricter than the
/// definition, and does not have the scope.
#[derive(Debug, Clone)]
pub struct Published {
    /// `example.com`.
    pub group: String,
    /// `v1`.
    pub version: String,
    /// `Thing`.
    pub kind: String,
    /// The schema.
    pub schema: Node,
}

/// A kind of a custom resource in one version.
#[derive(Debug)]
pub struct CustomKind<'a> {
    /// `example.com`.
    pub group: &'a str,
    /// `v1`.
    pub version: &'a str,
    /// `example.com/v1`.
    pub api_version: String,
    /// `Thing`.
    pub kind: &'a str,
    /// `things`.
    pub plural: &'a str,
    /// The scope of its objects.
    pub scope: Scope,
    /// Whether the API server serves the version.
    pub served: bool,
    /// Whether the definition deprecates the version.
    pub deprecated: bool,
    /// The deprecation warning of the API server; empty for its default.
    pub warning: &'a str,
    /// Whether only a published schema is known, whose faults are uncertain.
    pub published: bool,
    /// Whether the status is a subresource, so that the API server drops that of a manifest before validation.
    drops_status: bool,
    source: &'a Node,
    /// Compiled when the first object needs it.
    schema: OnceLock<Schema>,
    /// Set once the patterns of the schema have been limited, which the first validation does.
    limited: OnceLock<()>,
    /// Whether the budget of an object was spent before it was validated completely.
    cut: AtomicBool,
}

impl<'a> CustomKinds<'a> {
    /// The kinds of the definitions among some objects.
    pub fn new(objects: impl IntoIterator<Item = &'a Node, IntoIter: Clone>) -> Self {
        Self::with_published(objects, &[])
    }

    /// The same, with the published schemas of further kinds.
    pub fn with_published(
        objects: impl IntoIterator<Item = &'a Node, IntoIter: Clone>,
        published: &'a [Published],
    ) -> Self {
        let mut kinds = Self::default();
        let objects = objects.into_iter();
        for object in objects.clone() {
            if object["kind"].text() == "CustomResourceDefinition"
                && object["apiVersion"].text() == "apiextensions.k8s.io/v1"
            {
                kinds.add(&object["spec"]);
            }
        }
        kinds.kinds.extend(published.iter().map(CustomKind::of_schema));
        // The sort is stable: the first definition of a kind wins.
        kinds.kinds.sort_by(|a, b| a.key().cmp(&b.key()));
        if !kinds.is_empty() {
            let places = objects.filter_map(|object| kinds.place(object["apiVersion"].text(), object["kind"].text()));
            let mut places: Vec<usize> = places.collect();
            kinds.objects = places.len();
            places.sort_unstable();
            places.dedup();
            kinds.used = places.len();
        }
        kinds
    }

    fn add(&mut self, spec: &'a Node) {
        let (group, names) = (spec["group"].text(), &spec["names"]);
        for version in spec["versions"].items() {
            let source = &version["schema"]["openAPIV3Schema"];
            self.kinds.push(CustomKind {
                plural: names["plural"].text(),
                scope: if spec["scope"].text() == "Cluster" { Scope::Cluster } else { Scope::Namespaced },
                served: version["served"].as_bool().unwrap_or(false),
                deprecated: version["deprecated"].as_bool().unwrap_or(false),
                warning: version["deprecationWarning"].text(),
                drops_status: version["subresources"]["status"].is_set(),
                ..CustomKind::new(group, version["name"].text(), names["kind"].text(), source)
            });
        }
    }

    /// The kind of an apiVersion, whether served or not.
    #[must_use]
    pub fn find(&self, api_version: &str, kind: &str) -> Option<&CustomKind<'a>> {
        self.place(api_version, kind).map(|at| &self.kinds[at])
    }

    fn place(&self, api_version: &str, kind: &str) -> Option<usize> {
        let (group, version) = api_version.rsplit_once('/')?;
        let wanted = (kind, group, version);
        let at = self.kinds.partition_point(|known| known.key() < wanted);
        (self.kinds.get(at)?.key() == wanted).then_some(at)
    }

    /// Validates an object against the schema of its kind, apart from CEL rules.
    #[must_use]
    pub fn validate<'n>(&self, kind: &CustomKind<'_>, object: &'n Node, version: KubernetesVersion) -> Vec<Fault<'n>> {
        let mut budget = Budget::shared(object, self.objects);
        let schema = kind.compiled();
        kind.limited.get_or_init(|| schema.limit_patterns(MAX_PATTERN_BYTES / self.used.max(1)));
        let mut faults = schema.validate(object, &version, &mut budget);
        if budget.is_spent() {
            kind.cut.store(true, Ordering::Relaxed);
        }
        if kind.drops_status {
            let in_status = |field: &str| field == "status" || field.starts_with("status.");
            faults.retain(|fault| fault.kind == FaultKind::Unknown || !in_status(&fault.field));
        }
        faults
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// A kind in all its versions, sorted by name.
    pub fn versions(&self, kind: &str, group: &str) -> &[CustomKind<'a>] {
        let start = self.kinds.partition_point(|known| (known.kind, known.group) < (kind, group));
        let count = self.kinds[start..].partition_point(|known| (known.kind, known.group) == (kind, group));
        &self.kinds[start..start + count]
    }
}

impl<'a> CustomKind<'a> {
    fn new(group: &'a str, version: &'a str, kind: &'a str, source: &'a Node) -> Self {
        Self {
            group,
            version,
            api_version: format!("{group}/{version}"),
            kind,
            plural: "",
            scope: Scope::Namespaced,
            served: true,
            deprecated: false,
            warning: "",
            published: false,
            drops_status: false,
            source,
            schema: OnceLock::new(),
            limited: OnceLock::new(),
            cut: AtomicBool::new(false),
        }
    }

    fn of_schema(published: &'a Published) -> Self {
        let Published { group, version, kind, schema } = published;
        // The status is not known to be a part of the object, so that its faults are uncertain.
        Self { published: true, drops_status: true, ..Self::new(group, version, kind, schema) }
    }
}

impl CustomKind<'_> {
    const fn key(&self) -> (&str, &str, &str) {
        (self.kind, self.group, self.version)
    }

    /// Whether the status is a subresource, so that the API server drops that of a manifest.
    #[must_use]
    pub const fn drops_status(&self) -> bool {
        self.drops_status
    }

    /// The structural schema.
    pub(crate) fn schema(&self) -> Subschema<'_> {
        self.compiled().subschema()
    }

    fn compiled(&self) -> &Schema {
        self.schema.get_or_init(|| Schema::of_resource(self.source))
    }

    /// The patterns of the schema that are not evaluated.
    pub(crate) fn unevaluated_patterns(&self) -> UnevaluatedPatterns {
        self.compiled().unevaluated_patterns()
    }

    /// Whether an object was not validated completely because that would take too long.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }

    /// The position of the schema.
    #[must_use]
    pub fn span(&self) -> Span {
        self.source.origin.span
    }
}

/// Validates the default of a field with this schema. Paths are relative to the default.
#[must_use]
pub fn check_default<'n>(schema: &Node, default: &'n Node, version: KubernetesVersion) -> Vec<Fault<'n>> {
    Schema::structural(schema).validate(default, &version, &mut Budget::shared(default, 1))
}
