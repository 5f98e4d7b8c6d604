//! Prints the schemas of one Kubernetes version as JSON.
//!
//! `kube-schemas` builds it once per version, and writes the list of kinds to the file named by `KUBE_KINDS` (one
//! `kind!(path)` or `kind!(path, list)` per type).
#![allow(missing_docs)]

use k8s_openapi::{ClusterResourceScope, ListableResource, NamespaceResourceScope, Resource, SubResourceScope};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};

trait Scope {
    const NAME: &'static str;
}
impl Scope for ClusterResourceScope {
    const NAME: &'static str = "cluster";
}
impl Scope for NamespaceResourceScope {
    const NAME: &'static str = "namespaced";
}
impl Scope for SubResourceScope {
    const NAME: &'static str = "subresource";
}

fn kind<T>(generator: &mut SchemaGenerator, list: Option<&str>) -> Value
where
    T: Resource + JsonSchema,
    T::Scope: Scope,
{
    generator.subschema_for::<T>();
    json!({
        "apiVersion": T::API_VERSION,
        "kind": T::KIND,
        "plural": T::URL_PATH_SEGMENT,
        "scope": <T::Scope as Scope>::NAME,
        "type": T::schema_name(),
        "list": list,
    })
}

fn list_kind<T>(generator: &mut SchemaGenerator) -> Value
where
    T: ListableResource + JsonSchema,
    T::Scope: Scope,
{
    kind::<T>(generator, Some(T::LIST_KIND))
}

fn main() {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut kinds = Vec::new();
    macro_rules! kind {
        ($type:path) => {
            kinds.push(kind::<$type>(&mut generator, None))
        };
        ($type:path, list) => {
            kinds.push(list_kind::<$type>(&mut generator))
        };
    }
    include!(env!("KUBE_KINDS"));
    generator.subschema_for::<k8s_openapi::apimachinery::pkg::apis::meta::v1::ListMeta>();
    let definitions = generator.take_definitions(true);
    println!("{}", json!({ "kinds": kinds, "definitions": definitions }));
}
