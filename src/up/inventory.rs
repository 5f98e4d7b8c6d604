//! The inventory: a ConfigMap with the objects that `up` applied for a profile, which `down` deletes.

use serde_json::{Value as Json, json};

use crate::finding::ObjectRef;
use crate::object::Object;
use crate::up::apply::apply;
use crate::up::{Error, Kubectl};
use crate::yaml;

/// The objects that were applied for a profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The profile.
    pub profile: String,
    /// The namespace of the bundle and of the inventory.
    pub namespace: String,
    /// The objects in the order in which they are applied.
    pub objects: Vec<ObjectRef>,
    /// The prefixes of the names of claims that the StatefulSets create, such as `data-postgresql-`.
    pub claims: Vec<String>,
    /// Whether `up` created the namespace.
    pub created_namespace: bool,
}

/// The data key of the inventory in the ConfigMap.
const DATA_KEY: &str = "inventory.json";

impl Inventory {
    /// The inventory of a bundle.
    #[must_use]
    pub fn of(profile: &str, namespace: &str, objects: &[Object]) -> Self {
        let sets = objects.iter().filter(|object| object.kind() == "StatefulSet");
        let claims = sets.flat_map(|set| {
            let templates = set.node["spec"]["volumeClaimTemplates"].items();
            templates.iter().map(|template| format!("{}-{}-", template["metadata"]["name"].text(), set.name()))
        });
        Self {
            profile: profile.to_owned(),
            namespace: namespace.to_owned(),
            claims: claims.collect(),
            objects: objects.iter().map(|object| object.id.clone()).collect(),
            created_namespace: false,
        }
    }

    /// The name of the ConfigMap.
    #[must_use]
    pub fn name(profile: &str) -> String {
        format!("plimsoll-{profile}")
    }

    /// The identity of the ConfigMap.
    #[must_use]
    pub fn id(&self) -> ObjectRef {
        ObjectRef {
            api_version: "v1".into(),
            kind: "ConfigMap".into(),
            namespace: self.namespace.as_str().into(),
            name: Self::name(&self.profile).into(),
        }
    }

    /// Adds the objects of another inventory, since an interrupted run may have applied objects of both.
    #[must_use]
    pub fn union(mut self, other: &Self) -> Self {
        self.objects.extend(other.difference(&self));
        let claims = other.claims.iter().filter(|claim| !self.claims.contains(claim)).cloned();
        self.claims.extend(claims.collect::<Vec<_>>());
        self.created_namespace |= other.created_namespace;
        self
    }

    /// The objects of this inventory that another one does not contain.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Vec<ObjectRef> {
        let is_same = |a: &ObjectRef, b: &ObjectRef| a.kind == b.kind && a.namespace == b.namespace && a.name == b.name;
        let is_missing = |id: &&ObjectRef| !other.objects.iter().any(|listed| is_same(listed, id));
        self.objects.iter().filter(is_missing).cloned().collect()
    }

    /// The ConfigMap.
    #[must_use]
    pub fn to_object(&self) -> Object {
        let objects: Vec<Json> = self
            .objects
            .iter()
            .map(
                |id| json!({"apiVersion": id.api_version, "kind": id.kind, "namespace": id.namespace, "name": id.name}),
            )
            .collect();
        let inventory = json!({"objects": objects, "claims": self.claims, "madeNamespace": self.created_namespace});
        let map = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": Self::name(&self.profile),
                "namespace": self.namespace,
                "labels": {"app.kubernetes.io/managed-by": "plimsoll", "app.kubernetes.io/instance": self.profile},
            },
            "data": {DATA_KEY: inventory.to_string()},
        });
        // Serialized JSON always parses.
        Object::new(yaml::read_json(&map.to_string()).unwrap_or_default())
    }

    /// Applies the ConfigMap.
    ///
    /// # Errors
    /// If kubectl cannot be run, or the API server rejects the ConfigMap.
    pub fn write(&self, kubectl: &Kubectl<'_>) -> Result<(), Error> {
        let applied = apply(kubectl, &[&self.to_object()])?;
        if applied.complete {
            return Ok(());
        }
        Err(Error::Unable(format!("cannot apply the inventory: {}", applied.output.join("").trim())))
    }

    /// Reads the inventory from its ConfigMap; `None` if the object is not a valid inventory.
    #[must_use]
    pub fn read(profile: &str, object: &Object) -> Option<Self> {
        let inventory = yaml::read_json(object.node["data"][DATA_KEY].text()).ok()?;
        let read = |node: &crate::node::Node| {
            let text = |key: &str| node[key].text().into();
            ObjectRef {
                api_version: text("apiVersion"),
                kind: text("kind"),
                namespace: text("namespace"),
                name: text("name"),
            }
        };
        Some(Self {
            profile: profile.to_owned(),
            namespace: object.namespace().to_owned(),
            objects: inventory["objects"].items().iter().map(read).collect(),
            claims: inventory["claims"].items().iter().map(|claim| claim.text().to_owned()).collect(),
            created_namespace: inventory["madeNamespace"].as_bool() == Some(true),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn id(kind: &str, name: &str) -> ObjectRef {
        ObjectRef { api_version: "v1".into(), kind: kind.into(), namespace: "n".into(), name: name.into() }
    }

    fn inventory(names: &[&str]) -> Inventory {
        let objects = names.iter().map(|name| id("Secret", name)).collect();
        Inventory {
            profile: "p".into(),
            namespace: "n".into(),
            objects,
            claims: vec!["data-x-".into()],
            created_namespace: false,
        }
    }

    #[test]
    fn an_inventory_round_trips_through_its_config_map() {
        let one = Inventory { created_namespace: true, ..inventory(&["a", "b"]) };
        assert_eq!(Inventory::read("p", &one.to_object()), Some(one.clone()));
        assert_eq!(one.to_object().id, one.id());
        assert_eq!(Inventory::read("p", &Object::new(yaml::read_json("{\"data\": {}}").unwrap())), None);
    }

    #[test]
    fn inventories_have_a_union_and_a_difference() {
        let (old, new) = (Inventory { created_namespace: true, ..inventory(&["a", "b"]) }, inventory(&["b", "c"]));
        assert_eq!(old.difference(&new), [id("Secret", "a")]);
        let both = new.union(&old);
        assert_eq!(both.objects, [id("Secret", "b"), id("Secret", "c"), id("Secret", "a")]);
        assert!(both.created_namespace);
        assert_eq!(both.claims, ["data-x-"]);
    }
}
