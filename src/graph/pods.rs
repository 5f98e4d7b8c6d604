//! Resolves the volumes and environment variables of pods.

use std::borrow::Cow;

use foldhash::{HashMap, HashMapExt};

use crate::graph::Graph;
use crate::graph::data::{data_keys, data_of};
use crate::graph::pod::{Container, EnvVar, FileSource, Mount, MountSource, Pod};
use crate::graph::variables::values;
use crate::node::Node;
use crate::object::{self, Object};

/// The maximum size in bytes of all variables from `envFrom`. Containers beyond the limit are treated as if the objects
/// were not among the manifests.
const MAX_INHERITED_BYTES: usize = 1 << 25;

/// The size of a variable in addition to its name and value.
const VARIABLE_OVERHEAD: usize = 16;

/// The maximum number of sources of a projected volume. A volume with more is treated as opaque.
const MAX_SOURCES: usize = 32;

impl<'a> Graph<'a> {
    pub(super) fn add_pods(&mut self) {
        let mut room = MAX_INHERITED_BYTES;
        for object in self.objects {
            for template in object.pod_templates().into_iter().filter(|template| !template.partial) {
                let volumes = self.volumes(object, template.spec);
                let containers = object::containers(template.spec)
                    .map(|container| self.container(object, container, &volumes, &mut room))
                    .collect();
                let pod = Pod::new(object, template, containers);
                // Pods of Jobs are included; the rules distinguish them.
                for entry in pod.labels.entries() {
                    for namespace in [None, Some(pod.namespace())] {
                        let label = (namespace, entry.key.as_str(), entry.value.text());
                        self.pods_by_label.entry(label).or_default().push(self.pods.len());
                    }
                }
                self.pods.push(pod);
            }
        }
    }

    fn volumes(&self, object: &'a Object, spec: &'a Node) -> HashMap<&'a str, MountSource<'a>> {
        let mut volumes = HashMap::new();
        for volume in spec["volumes"].items() {
            let file_source = |kind, source: &'a Node, field: &str| {
                FileSource::new(
                    kind,
                    source,
                    field,
                    self.find_from(object, kind, object.namespace(), source[field].text()),
                )
            };
            let source = if volume["configMap"].is_set() {
                MountSource::Files(volume, vec![file_source("ConfigMap", &volume["configMap"], "name")])
            } else if volume["secret"].is_set() {
                MountSource::Files(volume, vec![file_source("Secret", &volume["secret"], "secretName")])
            } else if volume["projected"].is_set() {
                let sources = volume["projected"]["sources"].items();
                let is_file_source = |source: &&Node| source["configMap"].is_set() || source["secret"].is_set();
                if sources.len() <= MAX_SOURCES && sources.iter().all(|source| is_file_source(&source)) {
                    let file_sources = sources.iter().map(|source| {
                        if source["configMap"].is_set() {
                            file_source("ConfigMap", &source["configMap"], "name")
                        } else {
                            file_source("Secret", &source["secret"], "name")
                        }
                    });
                    MountSource::Files(volume, file_sources.collect())
                } else {
                    MountSource::Opaque(volume)
                }
            } else {
                MountSource::Opaque(volume)
            };
            volumes.insert(volume["name"].text(), source);
        }
        for claim in object.node.at(&["spec", "volumeClaimTemplates"]).items() {
            volumes.insert(claim.at(&["metadata", "name"]).text(), MountSource::Opaque(claim));
        }
        volumes
    }

    fn container(
        &self,
        object: &'a Object,
        container: object::Container<'a>,
        volumes: &HashMap<&'a str, MountSource<'a>>,
        room: &mut usize,
    ) -> Container<'a> {
        let node = container.node;
        let namespace = object.namespace();
        let (mut env, mut env_open, mut cut) = (Vec::new(), false, false);
        for entry in node["envFrom"].items() {
            let prefix = entry["prefix"].text();
            for (field, kind) in [("configMapRef", "ConfigMap"), ("secretRef", "Secret")] {
                if entry[field].is_null() {
                    continue;
                }
                let Some(source) = self.find_from(object, kind, namespace, entry[field]["name"].text()) else {
                    env_open = true;
                    continue;
                };
                env_open |= data_keys(source).next().is_none();
                for key in data_keys(source) {
                    let value = data_of(source, key).map(|(_, node)| node).filter(|node| node.is_set());
                    let cost = VARIABLE_OVERHEAD + key.len() + value.map_or(0, |value| value.text().len());
                    let Some(left) = room.checked_sub(cost) else {
                        cut = true;
                        break;
                    };
                    *room = left;
                    let name = if prefix.is_empty() { Cow::Borrowed(key) } else { format!("{prefix}{key}").into() };
                    env.push(EnvVar { name, entry, value, text: None, object: source, own: false });
                }
            }
        }
        if cut {
            // The last variable with a name takes precedence, which may be one beyond the limit.
            env.clear();
            env_open = true;
        }
        for entry in node["env"].items() {
            let from = &entry["valueFrom"];
            let (name, value) = (entry["name"].text().into(), entry.get("value"));
            let mut var = EnvVar { name, entry, value, text: None, object, own: true };
            for (field, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")] {
                if from[field].is_set()
                    && let Some(source) = self.find_from(object, kind, namespace, from[field]["name"].text())
                    && let Some((_, value)) = data_of(source, from[field]["key"].text())
                {
                    var.value = Some(value).filter(|value| value.is_set());
                    var.object = source;
                }
            }
            env.push(var);
        }
        let values = values(&env);
        env.iter_mut().zip(values).for_each(|(var, text)| var.text = text);
        let mounts = node["volumeMounts"].items().iter().map(|mount| Mount {
            node: mount,
            path: mount["mountPath"].text(),
            sub_path: mount["subPath"].text(),
            source: volumes.get(mount["name"].text()).cloned().unwrap_or(MountSource::Missing),
        });
        Container::new(container, env, env_open, mounts.collect())
    }
}
