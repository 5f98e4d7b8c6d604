//! Rule `unused`.

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::graph::kind_of;
use crate::node::{Node, Value};
use crate::object::Object;
use crate::references::Relation;
use crate::validation::Report;
use std::cell::LazyCell;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::Unused,
    doc: Doc {
        checks: "\
Checks for objects and fields that nothing uses: a ConfigMap or Secret that no pod, ServiceAccount,
Ingress, webhook or custom resource names, a volume that no container mounts, and a key of a
ConfigMap or Secret of which only other keys are read. The finding is a note. ConfigMaps and Secrets
are checked only if the manifests contain pods and are one file or complete (`--complete`,
`--profile`, `render`). ServiceAccount tokens, releases of Helm, and objects with labels for Grafana
dashboards or reloaders are not reported.",
        why: "\
Often it is a leftover, or the reference to it is missing or misspelled. Something that is not among
the manifests may use it.",
        fix: "Refer to it where it is needed, or remove it.",
        source: "\
https://kubernetes.io/docs/concepts/configuration/configmap/#using-configmaps and
https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets.",
    },
    bad: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: old}
data: {LEVEL: info}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, image: "ghcr.io/acme/web:v1"}]}
"#,
    good: r#"-metadata: {name: old}
+metadata: {name: web}
@@
-spec: {containers: [{name: web, image: "ghcr.io/acme/web:v1"}]}
+spec: {containers: [{name: web, image: "ghcr.io/acme/web:v1", envFrom: [{configMapRef: {name: web}}]}]}
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    for pod in &graph.pods {
        let mounts = pod.containers.iter().flat_map(|container| {
            ["volumeMounts", "volumeDevices"].into_iter().flat_map(|field| container.node[field].items())
        });
        let mounted: HashSet<&str> = mounts.map(|mount| mount["name"].text()).collect();
        for volume in pod.spec["volumes"].items() {
            let name = volume["name"].text();
            if !mounted.contains(name) && !name.is_empty() {
                report
                    .at(pod.object, &volume["name"], format!("volume `{name}` is not mounted by any container"))
                    .help("mount the volume, or remove it");
            }
        }
    }
    // Without pods, the manifests are configuration whose users are not known.
    if graph.pods.is_empty() {
        return;
    }
    // Computed lazily, since it is expensive and rarely needed.
    let words = LazyCell::new(|| {
        let mut words = HashSet::new();
        // Annotations of webhooks refer to Secrets.
        let may_refer = |object: &&Object| {
            kind_of(object).is_none_or(|kind| kind.ends_with("WebhookConfiguration") || kind == "APIService")
                || object.is_custom()
                || !object.pod_templates().is_empty()
        };
        for object in bundle.objects.iter().filter(may_refer) {
            add_words(&object.node, &mut words);
        }
        words
    });
    let mut keys: HashMap<usize, Option<HashSet<&str>>> = HashMap::new();
    for reference in &graph.references {
        let Some(found) = reference.found else { continue };
        let entry = keys.entry(std::ptr::from_ref(found) as usize).or_insert_with(|| Some(HashSet::new()));
        match (reference.relation, reference.key) {
            (Relation::Env | Relation::Volume, Some(key)) => {
                if let Some(keys) = entry {
                    keys.insert(key.text());
                }
            }
            _ => *entry = None,
        }
    }
    // With several files, something that is not among them may use an object.
    let is_one_file = bundle.objects.iter().all(|object| object.span().file == bundle.objects[0].span().file);
    if !bundle.options.complete && !is_one_file {
        return;
    }
    for object in bundle.objects {
        let (kind, name) = match kind_of(object) {
            Some(kind @ ("ConfigMap" | "Secret")) => (kind, object.name()),
            _ => continue,
        };
        let is_special = object.node["type"].text().starts_with("kubernetes.io/service-account")
            || object.node["type"].text().starts_with("helm.sh")
            || name == "kube-root-ca.crt";
        let has_special_label = object.node["metadata"]["labels"].entries().iter().any(|label| {
            label.key.contains("grafana") || label.key.contains("dashboard") || label.key.contains("reload")
        });
        if is_special || has_special_label {
            continue;
        }
        match keys.get(&(std::ptr::from_ref(object) as usize)) {
            None if !words.contains(name) => {
                report
                    .object(object, format!("{kind} `{name}` is not used"))
                    .help("refer to it where it is needed, or remove it");
            }
            Some(Some(used)) if !used.is_empty() => {
                for entry in ["data", "stringData"].iter().flat_map(|field| object.node[*field].entries()) {
                    if !used.contains(entry.key.as_str()) {
                        report
                            .at(object, &entry.value, format!("key `{}` of {kind} `{name}` is not used", entry.key))
                            .place(entry.key_span);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Collects all words in a node that may be names of objects.
fn add_words<'a>(node: &'a Node, words: &mut HashSet<&'a str>) {
    match &node.value {
        Value::String(text) => {
            words.extend(
                text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.')))
                    .filter(|word| !word.is_empty()),
            );
        }
        Value::Sequence(items) => items.iter().for_each(|item| add_words(item, words)),
        Value::Mapping(mapping) => {
            mapping.iter().filter(|entry| entry.key != "metadata").for_each(|entry| add_words(&entry.value, words))
        }
        _ => {}
    }
}
