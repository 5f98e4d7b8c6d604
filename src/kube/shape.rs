//! The types of fields, of built-in kinds and of custom resources alike.

use std::fmt::Write as _;

use super::crd::CustomKinds;
use super::kinds::Kind;
use super::schema::{Form, Type};
use super::version::KubernetesVersion;
use crate::cursor::At;
use crate::node::{Node, Value};
use crate::path::Segment;
use crate::schema::{ListKind, Subschema};

/// The type of a field.
#[derive(Debug, Clone, Copy)]
pub enum Shape<'a> {
    /// A built-in kind or one of its fields.
    BuiltIn(Type, KubernetesVersion),
    /// A custom resource; its metadata is built in.
    Resource(Subschema<'a>, KubernetesVersion),
    /// A field of a custom resource.
    Custom(Subschema<'a>),
    /// An object of an unknown kind; its metadata is built in.
    Foreign(KubernetesVersion),
    /// Unknown.
    Unknown,
}

/// How apply identifies the items of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity<'a> {
    /// How server-side apply merges the list.
    pub kind: ListKind,
    /// The keys of the items, if the list is a map.
    pub keys: Vec<&'a str>,
    /// The default of each key; `None` if the key is required.
    pub defaults: Vec<Option<&'a str>>,
    /// The merge key of client-side apply, which replaces lists without one.
    pub merge_key: Option<&'a str>,
}

impl<'a> Shape<'a> {
    /// The type of a kind.
    #[must_use]
    pub fn of(api_version: &str, kind: &str, version: KubernetesVersion, custom: &'a CustomKinds<'_>) -> Self {
        if let Some(found) = Kind::find(api_version, kind, version) {
            return Self::BuiltIn(found.ty, version);
        }
        custom.find(api_version, kind).map_or(Self::Foreign(version), |found| Self::Resource(found.schema(), version))
    }

    /// The type of an object, by its apiVersion and kind.
    #[must_use]
    pub fn of_object(object: &Node, version: KubernetesVersion, custom: &'a CustomKinds<'_>) -> Self {
        Self::of(object["apiVersion"].text(), object["kind"].text(), version, custom)
    }

    /// The type of an object, if its kind is built in.
    #[must_use]
    pub fn built_in(object: &Node, version: KubernetesVersion) -> Shape<'static> {
        let found = Kind::find(object["apiVersion"].text(), object["kind"].text(), version);
        found.map_or(Shape::Foreign(version), |found| Shape::BuiltIn(found.ty, version))
    }

    /// The schema of a custom resource or of one of its fields.
    pub(super) const fn definition(self) -> Option<Subschema<'a>> {
        match self {
            Self::Resource(schema, _) | Self::Custom(schema) => Some(schema),
            _ => None,
        }
    }

    /// The path segment of a field or a key of a map, as the API server writes it.
    #[must_use]
    pub fn segment(self, key: &str) -> Segment {
        if self.has_data_keys() { Segment::Key(key.into()) } else { Segment::Field(key.into()) }
    }

    /// Whether server-side apply replaces the struct or map as a whole.
    #[must_use]
    pub fn is_atomic(self) -> bool {
        match self {
            Self::BuiltIn(ty, _) => ty.is_atomic(),
            Self::Custom(schema) => schema.is_atomic(),
            Self::Resource(..) | Self::Foreign(_) | Self::Unknown => false,
        }
    }

    /// Whether the keys of a mapping are data, such as labels, and not the names of fields.
    #[must_use]
    pub fn has_data_keys(self) -> bool {
        match self {
            Self::BuiltIn(ty, _) => matches!(ty.form(), Form::Map(_)),
            Self::Custom(schema) => schema.has_data_keys(),
            Self::Resource(..) | Self::Foreign(_) | Self::Unknown => false,
        }
    }

    /// The type of a field or of a key of a map.
    #[must_use]
    pub fn field(self, name: &str) -> Self {
        match self {
            Self::BuiltIn(ty, version) => {
                ty.field(name, version).map_or(Self::Unknown, |ty| Self::BuiltIn(ty, version))
            }
            Self::Resource(_, version) | Self::Foreign(version) if name == "metadata" => {
                let meta = Kind::find("v1", "ConfigMap", version).and_then(|kind| kind.ty.field(name, version));
                meta.map_or(Self::Unknown, |ty| Self::BuiltIn(ty, version))
            }
            Self::Resource(schema, _) | Self::Custom(schema) => schema.field(name).map_or(Self::Unknown, Self::Custom),
            Self::Foreign(_) | Self::Unknown => Self::Unknown,
        }
    }

    /// The type of the items of a list.
    #[must_use]
    pub fn items(self) -> Self {
        match self {
            Self::BuiltIn(ty, version) => ty.items().map_or(Self::Unknown, |ty| Self::BuiltIn(ty, version)),
            Self::Resource(schema, _) | Self::Custom(schema) => schema.items().map_or(Self::Unknown, Self::Custom),
            Self::Foreign(_) | Self::Unknown => Self::Unknown,
        }
    }

    /// The fields or items of a node of this type, each with its own type.
    pub fn children<'n, 'p, 'q>(
        self,
        at: &'q At<'n, 'p>,
    ) -> impl Iterator<Item = (At<'n, 'q>, Self)> + use<'a, 'n, 'p, 'q> {
        let data = self.has_data_keys();
        let fields = at.node.entries().iter().map(move |entry| {
            let (key, value) = (entry.key.as_str(), &entry.value);
            (if data { at.key_on(key, value) } else { at.on(key, value) }, self.field(key))
        });
        let items = if at.node.items().is_empty() { Self::Unknown } else { self.items() };
        fields.chain(at.items().map(move |item| (item, items)))
    }

    /// How apply identifies the items of a list; atomic if it is not a list or unknown.
    #[must_use]
    pub fn identity(self) -> Identity<'a> {
        match self {
            Self::BuiltIn(ty, version) => ty.list_keys().map_or_else(Identity::atomic, |list| {
                let default = |key: &str| match ty.items()?.form() {
                    Form::Struct(own) => own.field(key, version)?.default().map(|text| text.trim_matches('"')),
                    _ => None,
                };
                Identity {
                    kind: list.kind,
                    keys: list.keys().collect(),
                    defaults: list.keys().map(default).collect(),
                    merge_key: list.merge_key(),
                }
            }),
            // Client-side apply replaces the lists of custom resources.
            Self::Resource(schema, _) | Self::Custom(schema) => {
                let (kind, keys) = schema.list_kind();
                let keys: Vec<&str> = keys.iter().map(ecow::EcoString::as_str).collect();
                let default = |key: &&str| schema.items()?.field(key)?.default_value()?.as_str();
                Identity { kind, defaults: keys.iter().map(default).collect(), keys, merge_key: None }
            }
            Self::Foreign(_) | Self::Unknown => Identity::atomic(),
        }
    }
}

impl Identity<'_> {
    const fn atomic() -> Self {
        Self { kind: ListKind::Atomic, keys: Vec::new(), defaults: Vec::new(), merge_key: None }
    }

    /// The identity of an item under server-side apply, as a string to compare and to print (`name=web`,
    /// `port=80, protocol=TCP`). `None` if items have no identity or a key is missing.
    #[must_use]
    pub fn of(&self, item: &Node) -> Option<String> {
        let mut text = String::new();
        match self.kind {
            ListKind::Atomic => return None,
            ListKind::Set => put(&mut text, item),
            ListKind::Map => {
                for (key, default) in self.keys.iter().zip(&self.defaults) {
                    if !text.is_empty() {
                        text.push_str(", ");
                    }
                    text.push_str(key);
                    text.push('=');
                    // Without a default, null is a key, too.
                    match (item.get(key), default) {
                        (Some(value), _) if value.is_set() => put(&mut text, value),
                        (_, Some(default)) => text.push_str(default),
                        (Some(_), None) => text.push_str("null"),
                        (None, None) => return None,
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
