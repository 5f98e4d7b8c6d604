//! What a place in an object holds, whether its kind is built in or custom: the way down for whoever walks a tree.

use std::fmt::Write as _;

use super::crd::{CustomKinds, Schema};
use super::kinds::Kind;
use super::schema::{ListKind, Type};
use super::version::KubernetesVersion;
use crate::node::{Node, Value};

/// What a place in an object holds.
#[derive(Debug, Clone, Copy)]
pub enum Shape<'a> {
    /// A part of a built-in kind.
    BuiltIn(Type, KubernetesVersion),
    /// A custom resource as a whole; its metadata is built in.
    Resource(&'a Schema, KubernetesVersion),
    /// A part of a custom resource.
    Custom(&'a Schema),
    /// Nobody knows.
    Unknown,
}

/// How the entries of a list are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity<'a> {
    /// How, under server-side apply.
    pub kind: ListKind,
    /// By which fields, where the list is a map.
    pub keys: Vec<&'a str>,
    /// By which field client-side apply tells them apart; without one it replaces the list.
    pub merge_key: Option<&'a str>,
}

/// What server-side apply reads for a key that is absent.
const KEY_DEFAULTS: &[(&str, &str)] = &[("protocol", "TCP")];

impl<'a> Shape<'a> {
    /// The shape of objects of a kind.
    #[must_use]
    pub fn of(api_version: &str, kind: &str, version: KubernetesVersion, custom: &'a CustomKinds<'_>) -> Self {
        if let Some(found) = Kind::find(api_version, kind, version) {
            return Self::BuiltIn(found.ty, version);
        }
        custom.find(api_version, kind).map_or(Self::Unknown, |found| Self::Resource(found.schema(), version))
    }

    /// The shape of a field, or of a key of a map.
    #[must_use]
    pub fn field(self, name: &str) -> Self {
        match self {
            Self::BuiltIn(ty, version) => {
                ty.field(name, version).map_or(Self::Unknown, |ty| Self::BuiltIn(ty, version))
            }
            Self::Resource(_, version) if name == "metadata" => {
                let meta = Kind::find("v1", "ConfigMap", version).and_then(|kind| kind.ty.field(name, version));
                meta.map_or(Self::Unknown, |ty| Self::BuiltIn(ty, version))
            }
            Self::Resource(schema, _) | Self::Custom(schema) => schema.field(name).map_or(Self::Unknown, Self::Custom),
            Self::Unknown => Self::Unknown,
        }
    }

    /// The shape of a list's items.
    #[must_use]
    pub fn items(self) -> Self {
        match self {
            Self::BuiltIn(ty, version) => ty.items().map_or(Self::Unknown, |ty| Self::BuiltIn(ty, version)),
            Self::Resource(schema, _) | Self::Custom(schema) => schema.items().map_or(Self::Unknown, Self::Custom),
            Self::Unknown => Self::Unknown,
        }
    }

    /// How a list's entries are told apart; what is no list, or unknown, reads as atomic.
    #[must_use]
    pub fn identity(self) -> Identity<'a> {
        match self {
            Self::BuiltIn(ty, _) => ty.list_keys().map_or_else(Identity::atomic, |list| Identity {
                kind: list.kind,
                keys: list.keys().collect(),
                merge_key: list.merge_key(),
            }),
            // Client-side apply replaces the lists of custom resources.
            Self::Resource(schema, _) | Self::Custom(schema) => {
                let (kind, keys) = schema.list_kind();
                Identity { kind, keys: keys.iter().map(ecow::EcoString::as_str).collect(), merge_key: None }
            }
            Self::Unknown => Identity::atomic(),
        }
    }
}

impl Identity<'_> {
    const fn atomic() -> Self {
        Self { kind: ListKind::Atomic, keys: Vec::new(), merge_key: None }
    }

    /// What tells an entry from the others under server-side apply, as a text to compare and to show
    /// (`name=web`, `port=80, protocol=TCP`). `None` where entries are not told apart, or a key is missing.
    #[must_use]
    pub fn of(&self, item: &Node) -> Option<String> {
        let mut text = String::new();
        match self.kind {
            ListKind::Atomic => return None,
            ListKind::Set => put(&mut text, item),
            ListKind::Map => {
                for key in &self.keys {
                    if !text.is_empty() {
                        text.push_str(", ");
                    }
                    text.push_str(key);
                    text.push('=');
                    let value = &item[*key];
                    if value.is_set() {
                        put(&mut text, value);
                    } else {
                        text.push_str(KEY_DEFAULTS.iter().find(|(name, _)| name == key)?.1);
                    }
                }
            }
        }
        Some(text)
    }
}

fn put(text: &mut String, node: &Node) {
    let _ = match &node.value {
        Value::String(value) => write!(text, "{value}"),
        Value::Int(number) => write!(text, "{number}"),
        Value::Bool(value) => write!(text, "{value}"),
        _ => write!(text, "{}", crate::yaml::emit(node).trim_end()),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;
    use crate::yaml::{Dialect, load};

    fn nodes(text: &str) -> Vec<Node> {
        let sources = Sources::new();
        load(&sources, sources.add("test.yaml", text), Dialect::Kubectl).documents
    }

    #[test]
    fn entries_are_told_apart_by_their_keys() {
        let none = CustomKinds::default();
        let service = Shape::of("v1", "Service", KubernetesVersion::default(), &none);
        let ports = service.field("spec").field("ports").identity();
        assert_eq!((ports.kind, ports.merge_key), (ListKind::Map, Some("port")));
        let items = nodes("[{port: 80}, {port: 80, protocol: TCP}, {port: 80, protocol: UDP}, {name: a}]");
        let texts: Vec<_> = items[0].items().iter().map(|item| ports.of(item)).collect();
        assert_eq!(texts[0].as_deref(), Some("port=80, protocol=TCP"));
        assert_eq!(texts[0], texts[1]);
        assert_ne!(texts[0], texts[2]);
        assert_eq!(texts[3], None);
        let finalizers = service.field("metadata").field("finalizers").identity();
        assert_eq!(finalizers.of(&nodes("example.com/a")[0]).as_deref(), Some("example.com/a"));
        assert_eq!(service.field("spec").field("externalIPs").identity(), Identity::atomic());
        assert_eq!(service.field("bogus").items().field("x").identity(), Identity::atomic());
    }

    #[test]
    fn custom_resources_have_shapes_too() {
        let nodes = nodes(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec:\n  group: example.com\n  \
             names: {kind: Thing}\n  versions:\n  - name: v1\n    schema:\n      openAPIV3Schema:\n        \
             properties:\n          parts:\n            x-kubernetes-list-type: map\n            \
             x-kubernetes-list-map-keys: [id]\n            items: {properties: {id: {type: integer}}}\n",
        );
        let custom = CustomKinds::new(&nodes);
        let thing = Shape::of("example.com/v1", "Thing", KubernetesVersion::default(), &custom);
        let parts = thing.field("parts").identity();
        assert_eq!((parts.kind, parts.keys.as_slice(), parts.merge_key), (ListKind::Map, ["id"].as_slice(), None));
        assert_eq!(thing.field("metadata").field("ownerReferences").identity().keys, ["uid"]);
        assert!(matches!(thing.field("parts").items().field("id"), Shape::Custom(_)));
    }
}
