//! The objects that controllers create for the custom resources in a set of manifests.

use foldhash::{HashMap, HashSet};

use super::producers::Keys::{self, Any, Documented, Entries, Named};
use super::producers::{ANY, COPIES, PRODUCTS, Product, products};
use crate::fields;
use crate::node::Node;
use crate::object::Object;

/// The maximum length of the name of an object.
const MAX_NAME_LENGTH: usize = 253;

/// An object that a controller creates.
#[derive(Debug, Clone, Copy)]
pub struct CreatedObject<'a> {
    /// The custom resource it is created for.
    pub by: &'a Object,
    /// Its keys.
    pub keys: Keys,
}

/// The objects that controllers create for the custom resources in a set of manifests.
#[derive(Debug, Default)]
pub struct CreatedObjects<'a> {
    /// The objects by kind, namespace (`None` for any) and name.
    names: HashMap<(&'static str, Option<&'a str>, String), CreatedObject<'a>>,
    /// The prefixes of names.
    prefixes: HashSet<(&'static str, Option<&'a str>, String)>,
    /// The suffixes of names.
    suffixes: HashSet<(&'static str, Option<&'a str>, String)>,
    /// The custom resources of kinds that are not in the table, as namespace and name.
    unknown: HashSet<(&'a str, &'a str)>,
    /// The namespaces in which custom resources have pods that are not in the manifests.
    running: HashSet<&'a str>,
}

impl<'a> CreatedObjects<'a> {
    /// Collects the objects created for custom resources, and those copied to other namespaces.
    #[must_use]
    pub fn of(objects: &'a [Object]) -> Self {
        let mut created = Self::default();
        for object in objects {
            let annotations = &object.node["metadata"]["annotations"];
            if COPIES.iter().any(|key| annotations[*key].is_set()) {
                for kind in ["ConfigMap", "Secret"].into_iter().filter(|kind| *kind == object.kind()) {
                    let copy = CreatedObject { by: object, keys: Any };
                    created.names.entry((kind, None, object.name().to_owned())).or_insert(copy);
                }
            }
            if !object.is_custom() {
                continue;
            }
            let products = products(object);
            products.unwrap_or_default().iter().chain(ANY).for_each(|product| created.add(object, product));
            if products.is_none() {
                created.unknown.insert((object.namespace(), object.name()));
            }
            let makes_services = |products: &[Product]| products.iter().any(|product| product.0 == "Service");
            let has_pods = products.is_none_or(makes_services) && object.kind() != "Gateway";
            if has_pods && object.pod_templates().iter().all(|template| template.partial) {
                created.running.insert(object.namespace());
            }
        }
        created
    }

    fn add(&mut self, object: &'a Object, Product(kind, pattern, keys): &Product) {
        // Cluster-scoped resources create objects in any namespace.
        let namespace = Some(object.namespace()).filter(|namespace| !namespace.is_empty());
        let (start, rest) = pattern.strip_prefix('*').map_or((false, *pattern), |rest| (true, rest));
        let (end, rest) = rest.strip_suffix('*').map_or((false, rest), |rest| (true, rest));
        for name in expanded(object, rest) {
            let id = (*kind, namespace, name);
            match (start, end) {
                (true, _) => _ = self.suffixes.insert(id),
                (_, true) => _ = self.prefixes.insert(id),
                _ => _ = self.names.entry(id).or_insert(CreatedObject { by: object, keys: *keys }),
            }
        }
    }

    /// The created object with a name in a namespace or in any namespace.
    #[must_use]
    pub fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<CreatedObject<'a>> {
        let kind = PRODUCTS.into_iter().find(|known| *known == kind)?;
        if self.names.is_empty() && !self.has_patterns() || name.len() > MAX_NAME_LENGTH {
            return None;
        }
        [Some(namespace), None]
            .into_iter()
            .find_map(|namespace| self.names.get(&(kind, namespace, name.to_owned())).copied())
    }

    /// Whether an object with a name is created, by its exact name or by a pattern.
    #[must_use]
    pub fn has(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let Some(kind) = PRODUCTS.into_iter().find(|known| *known == kind) else { return false };
        if self.find(kind, namespace, name).is_some() {
            return true;
        }
        if !self.has_patterns() || name.len() > MAX_NAME_LENGTH {
            return false;
        }
        [Some(namespace), None].into_iter().any(|namespace| {
            let has = |set: &HashSet<_>, part: &str| set.contains(&(kind, namespace, part.to_owned()));
            // A prefix or suffix may end at any character.
            (1..=name.len()).filter(|at| name.is_char_boundary(*at)).any(|at| has(&self.prefixes, &name[..at]))
                || (0..name.len()).filter(|at| name.is_char_boundary(*at)).any(|at| has(&self.suffixes, &name[at..]))
        })
    }

    /// Whether an object with a name may be created for a custom resource of a kind that is not in the table:
    /// controllers usually name objects after the resource, with a suffix after a hyphen.
    #[must_use]
    pub fn may_have(&self, kind: &str, namespace: &str, name: &str) -> bool {
        if self.unknown.is_empty() || !PRODUCTS.contains(&kind) || name.len() > MAX_NAME_LENGTH {
            return false;
        }
        let starts = name.match_indices('-').map(|(at, _)| &name[..at]);
        starts.chain([name]).any(|start| ["", namespace].into_iter().any(|of| self.unknown.contains(&(of, start))))
    }

    fn has_patterns(&self) -> bool {
        !self.prefixes.is_empty() || !self.suffixes.is_empty()
    }

    /// Whether pods that are not in the manifests may run in a namespace.
    #[must_use]
    pub fn may_run_in(&self, namespace: &str) -> bool {
        self.running.contains(namespace)
            || self.running.contains("")
            || namespace.is_empty() && !self.running.is_empty()
    }
}

impl CreatedObject<'_> {
    /// If the object does not have a key, returns its keys for a suggestion; `None` if it has the key or its keys are
    /// not known.
    #[must_use]
    pub fn lacks(&self, key: &str) -> Option<Vec<&str>> {
        let node = &self.by.node;
        let mut keys: Vec<&str> = Vec::new();
        match self.keys {
            Any => return None,
            Documented(known) => keys.extend(known),
            Named(paths, others) => {
                let is_set = |path: &&&str| {
                    let mut set = false;
                    fields::each(node, path, &mut |_, value| set |= value.is_set());
                    set
                };
                if others.iter().any(|path| is_set(&path)) {
                    return None;
                }
                paths.iter().for_each(|path| fields::each(node, path, &mut |_, value| keys.push(value.text())));
            }
            Entries(paths) => {
                for path in paths {
                    fields::each(node, path, &mut |_, value| {
                        keys.extend(value.entries().iter().map(|entry| entry.key.as_str()));
                    });
                }
            }
        }
        (!keys.is_empty() && !keys.contains(&key)).then_some(keys)
    }

    /// Whether it has exactly its known keys.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        matches!(self.keys, Named(..) | Entries(..))
    }
}

/// The names that a pattern without `*` yields for a custom resource.
fn expanded(object: &Object, pattern: &str) -> Vec<String> {
    let Some((before, rest)) = pattern.split_once('{') else { return vec![pattern.to_owned()] };
    let Some((fields, after)) = rest.split_once('}') else { return Vec::new() };
    let mut values: Vec<&str> = Vec::new();
    for field in fields.split('|') {
        match field {
            "name" => values.push(object.name()),
            field => fields::each(&object.node, field, &mut |_, node: &Node| values.push(node.text())),
        }
        values.retain(|value| !value.is_empty());
        if !values.is_empty() {
            break;
        }
    }
    let rest = expanded(object, after);
    values.iter().flat_map(|value| rest.iter().map(move |rest| format!("{before}{value}{rest}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;
    use crate::yaml::{Dialect, load_text};

    fn objects(text: &str) -> Vec<Object> {
        load_text(text, FileId(0), Dialect::Kubectl).documents.into_iter().map(Object::new).collect()
    }

    #[test]
    fn created_objects_match_their_patterns() {
        let objects = objects(
            "{apiVersion: postgresql.cnpg.io/v1, kind: Cluster, metadata: {name: db, namespace: a}}\n---\n\
             {apiVersion: acid.zalan.do/v1, kind: postgresql, metadata: {name: acid-web, namespace: a}}\n---\n\
             {apiVersion: external-secrets.io/v1, kind: ExternalSecret, metadata: {name: own, namespace: a}, spec: {target: {name: \
             t}, data: [{secretKey: user}]}}\n---\n\
             {apiVersion: example.com/v1, kind: Claim, metadata: {name: c, namespace: a}, spec: {writeConnectionSecretToRef: {name: \
             conn}}}\n---\n\
             {apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: route, namespace: a}}\n---\n\
             {apiVersion: trust.cert-manager.io/v1alpha1, kind: Bundle, metadata: {name: ca}}\n---\n\
             {apiVersion: v1, kind: Secret, metadata: {name: copied, namespace: b, annotations: \
             {reflector.v1.k8s.emberstack.com/reflection-allowed: 'true'}}}\n",
        );
        let created = CreatedObjects::of(&objects);
        let has = |kind, name| created.has(kind, "a", name);
        for (kind, name) in [
            ("Secret", "db-app"),
            ("Secret", "db-anything"),
            ("Service", "db-rw"),
            ("Secret", "foo.acid-web.credentials.postgresql.acid.zalan.do"),
            ("Secret", "t"),
            ("Secret", "conn"),
            ("ConfigMap", "ca"),
            ("Secret", "copied"),
        ] {
            assert!(has(kind, name), "{kind} {name}");
        }
        for (kind, name) in
            [("Service", "db"), ("Secret", "own"), ("Secret", "route"), ("Pod", "db-app"), ("Secret", "d")]
        {
            assert!(!has(kind, name), "{kind} {name}");
        }
        assert!(!created.has("Secret", "b", "db-app"));
        assert!(created.may_have("Secret", "a", "c-more") && created.may_have("Service", "a", "c"));
        assert!(!created.may_have("Secret", "a", "conn") && !created.may_have("Secret", "b", "c"));
        let keys =
            |name, key| created.find("Secret", "a", name).and_then(|found| found.lacks(key).map(|_| found.is_exact()));
        assert_eq!(
            [keys("db-app", "uri"), keys("db-app", "url"), keys("t", "user"), keys("t", "usr")],
            [None, Some(false), None, Some(true)]
        );
        assert!(created.may_run_in("a") && !created.may_run_in("b"));
    }
}
