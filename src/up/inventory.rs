//! The inventory: what `up` applied for a profile, in one ConfigMap, so that `down` deletes that and nothing else.

use serde_json::{Value as Json, json};

use crate::finding::ObjectRef;
use crate::object::Object;
use crate::up::apply::apply;
use crate::up::{Error, Kubectl};
use crate::yaml;

/// What was applied for one profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The profile.
    pub profile: String,
    /// The namespace of the bundle, in which the inventory lies.
    pub namespace: String,
    /// The objects, in the order in which they are applied.
    pub objects: Vec<ObjectRef>,
    /// How the names of claims begin that StatefulSets among them make: `data-postgresql-`.
    pub claims: Vec<String>,
    /// Whether `up` made the namespace.
    pub made_namespace: bool,
}

/// The field of the ConfigMap that holds it.
const FIELD: &str = "inventory.json";

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
            made_namespace: false,
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

    /// The same with what another one has beside it: a run that was interrupted may have applied either.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.objects.extend(other.without(&self));
        let claims = other.claims.iter().filter(|claim| !self.claims.contains(claim)).cloned();
        self.claims.extend(claims.collect::<Vec<_>>());
        self.made_namespace |= other.made_namespace;
        self
    }

    /// What this one has and another has not.
    #[must_use]
    pub fn without(&self, other: &Self) -> Vec<ObjectRef> {
        let same = |a: &ObjectRef, b: &ObjectRef| a.kind == b.kind && a.namespace == b.namespace && a.name == b.name;
        let lacks = |id: &&ObjectRef| !other.objects.iter().any(|has| same(has, id));
        self.objects.iter().filter(lacks).cloned().collect()
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
        let inventory = json!({"objects": objects, "claims": self.claims, "madeNamespace": self.made_namespace});
        let map = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": Self::name(&self.profile),
                "namespace": self.namespace,
                "labels": {"app.kubernetes.io/managed-by": "plimsoll", "app.kubernetes.io/instance": self.profile},
            },
            "data": {FIELD: inventory.to_string()},
        });
        // What was made a moment ago can be read.
        Object::new(yaml::read_json(&map.to_string()).unwrap_or_default())
    }

    /// Writes the ConfigMap into the cluster.
    ///
    /// # Errors
    /// Where kubectl cannot be run, or the API server rejects it.
    pub fn write(&self, kubectl: &Kubectl<'_>) -> Result<(), Error> {
        let applied = apply(kubectl, &[&self.to_object()])?;
        if applied.complete {
            return Ok(());
        }
        Err(Error::Unable(format!("cannot write the inventory: {}", applied.output.join("").trim())))
    }

    /// Reads it from its ConfigMap. `None` where that is none.
    #[must_use]
    pub fn read(profile: &str, object: &Object) -> Option<Self> {
        let inventory = yaml::read_json(object.node["data"][FIELD].text()).ok()?;
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
            made_namespace: inventory["madeNamespace"].as_bool() == Some(true),
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
            made_namespace: false,
        }
    }

    #[test]
    fn an_inventory_is_written_and_read() {
        let one = Inventory { made_namespace: true, ..inventory(&["a", "b"]) };
        assert_eq!(Inventory::read("p", &one.to_object()), Some(one.clone()));
        assert_eq!(one.to_object().id, one.id());
        assert_eq!(Inventory::read("p", &Object::new(yaml::read_json("{\"data\": {}}").unwrap())), None);
    }

    #[test]
    fn inventories_are_joined_and_compared() {
        let (old, new) = (Inventory { made_namespace: true, ..inventory(&["a", "b"]) }, inventory(&["b", "c"]));
        assert_eq!(old.without(&new), [id("Secret", "a")]);
        let both = new.and(&old);
        assert_eq!(both.objects, [id("Secret", "b"), id("Secret", "c"), id("Secret", "a")]);
        assert!(both.made_namespace);
        assert_eq!(both.claims, ["data-x-"]);
    }
}
