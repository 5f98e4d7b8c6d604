//! An index of a record: objects by name, their owners, events and manifests.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::finding::ObjectRef;
use crate::graph;
use crate::node::{Entry, Node};
use crate::object::Object;
use crate::path::FieldPath;
use crate::status::cause::{below, item, path};
use crate::status::record::{Event, Record};
use crate::status::time;

/// An index of a record and the applied manifests.
#[derive(Debug)]
pub(super) struct Cluster<'a> {
    /// The record.
    pub(super) record: &'a Record,
    /// The manifests; `None` if they are not known.
    pub(super) manifests: Option<&'a [Object]>,
    /// The seconds an object may take before it is considered stuck.
    pub(super) patience: i64,
    by_name: HashMap<(&'a str, &'a str, &'a str), usize>,
    /// The first object of each kind and name, in any namespace.
    by_kind_and_name: HashMap<(&'a str, &'a str), usize>,
    by_uid: HashMap<&'a str, usize>,
    by_kind: HashMap<&'a str, Vec<usize>>,
    owned: HashMap<usize, Vec<usize>>,
    /// By kind, namespace and name; ordered, so that names with a common prefix are adjacent.
    events: BTreeMap<(&'a str, &'a str, &'a str), Vec<&'a Event>>,
    /// The objects with a pod template, by namespace and each label of the template.
    by_pod_label: HashMap<Label<'a>, Vec<usize>>,
    /// The Services, by namespace and the first label of their selector.
    by_selector: HashMap<Label<'a>, Vec<usize>>,
    /// The first workload of each namespace.
    first_workload: HashMap<&'a str, usize>,
    /// The claims that pods use, as namespace and name.
    used_claims: HashSet<(&'a str, &'a str)>,
    /// The StatefulSet and the index of its claim template, by the namespace and the name without ordinal of its
    /// claims.
    claim_templates: HashMap<(&'a str, String), (usize, usize)>,
    by_manifest: Manifests<'a>,
}

/// A namespace, a label key and a label value.
type Label<'a> = (&'a str, &'a str, &'a str);

/// The manifests by kind and name.
#[derive(Debug, Default)]
pub(super) struct Manifests<'a>(HashMap<(&'a str, &'a str), Vec<&'a Object>>);

impl<'a> Manifests<'a> {
    /// Indexes manifests.
    #[must_use]
    pub(super) fn new(manifests: &'a [Object]) -> Self {
        let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
        for object in manifests {
            by_name.entry((object.kind(), object.name())).or_default().push(object);
        }
        Self(by_name)
    }

    /// The manifest of an object. A manifest without a namespace matches objects of any namespace.
    #[must_use]
    pub(super) fn of(&self, id: &ObjectRef) -> Option<&'a Object> {
        let all = self.0.get(&(id.kind.as_str(), id.name.as_str()))?;
        let exact = all.iter().find(|object| object.id.namespace == id.namespace);
        exact.or_else(|| all.iter().find(|object| object.id.namespace.is_empty() || id.namespace.is_empty())).copied()
    }
}

impl<'a> Cluster<'a> {
    /// Indexes a record and the manifests.
    #[must_use]
    pub(super) fn new(record: &'a Record, manifests: Option<&'a [Object]>, patience: i64) -> Self {
        let mut cluster = Self {
            record,
            manifests,
            patience,
            by_name: HashMap::new(),
            by_kind_and_name: HashMap::new(),
            by_uid: HashMap::new(),
            by_kind: HashMap::new(),
            owned: HashMap::new(),
            events: BTreeMap::new(),
            by_pod_label: HashMap::new(),
            by_selector: HashMap::new(),
            first_workload: HashMap::new(),
            used_claims: HashSet::new(),
            claim_templates: HashMap::new(),
            by_manifest: Manifests::new(manifests.unwrap_or_default()),
        };
        for (at, object) in record.objects.iter().enumerate() {
            cluster.by_name.insert((object.kind(), object.namespace(), object.name()), at);
            cluster.by_kind_and_name.entry((object.kind(), object.name())).or_insert(at);
            cluster.by_kind.entry(object.kind()).or_default().push(at);
            cluster.index_pods(at, object);
            let uid = object.node.at(&["metadata", "uid"]).text();
            if !uid.is_empty() {
                cluster.by_uid.insert(uid, at);
            }
        }
        for (at, object) in record.objects.iter().enumerate() {
            if let Some(owner) = cluster.owner(object) {
                cluster.owned.entry(owner).or_default().push(at);
            }
        }
        for event in &record.events {
            cluster.events.entry((&event.kind, &event.namespace, &event.name)).or_default().push(event);
        }
        for events in cluster.events.values_mut() {
            events.sort_by_key(|event| event.last);
        }
        cluster
    }

    /// Indexes the labels and claims of an object's pods, and the selector of a Service.
    fn index_pods(&mut self, at: usize, object: &'a Object) {
        let namespace = object.namespace();
        for label in object.pod_template().map_or(&[][..], |pod| pod["metadata"]["labels"].entries()) {
            self.by_pod_label.entry((namespace, &label.key, label.value.text())).or_default().push(at);
        }
        if object.pod_template_path().is_some() && !matches!(object.kind(), "Pod" | "ReplicaSet") {
            self.first_workload.entry(namespace).or_insert(at);
        }
        match object.kind() {
            "Service" => {
                if let Some(label) = object.node["spec"]["selector"].entries().first() {
                    self.by_selector.entry((namespace, &label.key, label.value.text())).or_default().push(at);
                }
            }
            "Pod" => {
                let volumes = object.node["spec"]["volumes"].items().iter();
                let claims = volumes.map(|volume| volume["persistentVolumeClaim"]["claimName"].text());
                self.used_claims.extend(claims.map(|claim| (namespace, claim)));
            }
            "StatefulSet" => {
                for (number, template) in object.node["spec"]["volumeClaimTemplates"].items().iter().enumerate() {
                    let claim = format!("{}-{}", template["metadata"]["name"].text(), object.name());
                    self.claim_templates.insert((namespace, claim), (at, number));
                }
            }
            _ => {}
        }
    }

    /// The object of a kind, namespace and name, if the record contains it.
    #[must_use]
    pub(super) fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<&'a Object> {
        self.by_name.get(&(kind, namespace, name)).map(|at| &self.record.objects[*at])
    }

    /// The object in the cluster for a manifest. A manifest without a namespace may have been applied to any.
    #[must_use]
    pub(super) fn live(&self, manifest: &Object) -> Option<&'a Object> {
        let (kind, namespace, name) = (manifest.kind(), manifest.namespace(), manifest.name());
        self.get(kind, namespace, name).or_else(|| match namespace {
            "" => self.by_kind_and_name.get(&(kind, name)).map(|at| &self.record.objects[*at]),
            _ => self.get(kind, "", name),
        })
    }

    /// The objects of a kind.
    pub(super) fn all(&self, kind: &str) -> impl Iterator<Item = &'a Object> {
        self.objects(self.by_kind.get(kind))
    }

    fn objects(&self, indices: Option<&Vec<usize>>) -> impl Iterator<Item = &'a Object> {
        let record = self.record;
        indices.map_or(&[][..], Vec::as_slice).iter().map(|at| &record.objects[*at])
    }

    /// Whether the record contains objects of a kind; if it does, one that it lacks does not exist.
    #[must_use]
    pub(super) fn has_kind(&self, kind: &str) -> bool {
        self.by_kind.contains_key(kind)
    }

    /// The objects whose pod labels match the selector of a Service.
    #[must_use]
    pub(super) fn selected(&self, service: &Object) -> Vec<&'a Object> {
        // Only the objects with the rarest label of the selector have to be checked.
        let labels = service.node["spec"]["selector"].entries().iter();
        let candidates = labels
            .map(|label| self.by_pod_label.get(&(service.namespace(), label.key.as_str(), label.value.text())))
            .min_by_key(|indices| indices.map_or(0, Vec::len));
        let matches =
            |object: &&Object| object.pod_template().is_some_and(|pod| selects(service, &pod["metadata"]["labels"]));
        self.objects(candidates.flatten()).filter(matches).collect()
    }

    /// The Services that select the pods of an object.
    pub(super) fn services(&self, object: &'a Object) -> impl Iterator<Item = &'a Object> {
        let labels = object.pod_template().map_or(Node::absent(), |pod| &pod["metadata"]["labels"]);
        let label = |label: &'a Entry| (object.namespace(), label.key.as_str(), label.value.text());
        let candidates = labels.entries().iter().flat_map(move |own| self.objects(self.by_selector.get(&label(own))));
        candidates.filter(|service| selects(service, labels))
    }

    /// The first workload of a namespace.
    #[must_use]
    pub(super) fn first_workload(&self, namespace: &str) -> Option<&'a Object> {
        self.first_workload.get(namespace).map(|at| &self.record.objects[*at])
    }

    /// Whether a pod uses a claim.
    #[must_use]
    pub(super) fn is_used(&self, claim: &Object) -> bool {
        self.used_claims.contains(&(claim.namespace(), claim.name()))
    }

    /// The StatefulSet that a claim was created for, and the index of the claim template.
    #[must_use]
    pub(super) fn claim_template(&self, claim: &Object) -> Option<(&'a Object, usize)> {
        let (name, ordinal) = claim.name().rsplit_once('-')?;
        ordinal.parse::<u32>().ok()?;
        let (set, number) = self.claim_templates.get(&(claim.namespace(), name.to_owned()))?;
        Some((&self.record.objects[*set], *number))
    }

    fn owner(&self, object: &Object) -> Option<usize> {
        let references = object.node.at(&["metadata", "ownerReferences"]).items();
        let controller = references.iter().find(|reference| reference["controller"].as_bool() == Some(true))?;
        let by_uid = self.by_uid.get(controller["uid"].text());
        let name = (controller["kind"].text(), object.namespace(), controller["name"].text());
        by_uid.or_else(|| self.by_name.get(&name)).copied()
    }

    /// The top-level owner of an object, or the object itself.
    #[must_use]
    pub(super) fn top(&self, object: &'a Object) -> &'a Object {
        let mut top = object;
        // The loop is bounded because a crafted record may contain an ownership cycle.
        for _ in 0..8 {
            match self.owner(top) {
                Some(owner) => top = &self.record.objects[owner],
                None => break,
            }
        }
        top
    }

    /// The direct owner of an object.
    #[must_use]
    pub(super) fn controller(&self, object: &Object) -> Option<&'a Object> {
        self.owner(object).map(|at| &self.record.objects[at])
    }

    /// The objects of a kind that an object owns directly or indirectly, oldest first.
    #[must_use]
    pub(super) fn owned(&self, object: &'a Object, kind: &str) -> Vec<&'a Object> {
        let at = self.by_name.get(&(object.kind(), object.namespace(), object.name())).copied();
        let mut open: Vec<usize> = at.into_iter().collect();
        let mut found = Vec::new();
        while let Some(at) = open.pop() {
            for child in self.owned.get(&at).map_or(&[][..], Vec::as_slice) {
                let object = &self.record.objects[*child];
                if object.kind() == kind {
                    found.push(object);
                }
                if *child != at && found.len() < self.record.objects.len() {
                    open.push(*child);
                }
            }
            if open.len() > self.record.objects.len() {
                break;
            }
        }
        found.sort_by_key(|object| (created(object), object.name()));
        found
    }

    /// The events of an object, oldest first.
    #[must_use]
    pub(super) fn events(&self, object: &'a Object) -> &[&'a Event] {
        let name = (object.kind(), object.namespace(), object.name());
        let events = self.events.get(&name);
        events.map_or(&[], Vec::as_slice)
    }

    /// The latest event of an object with one of these reasons.
    #[must_use]
    pub(super) fn event(&self, object: &'a Object, reasons: &[&str]) -> Option<&'a Event> {
        self.events(object).iter().rev().find(|event| reasons.contains(&event.reason.as_str())).copied()
    }

    /// The events of deleted pods, recognized by names that start with the name of the controller.
    pub(super) fn events_of_deleted_pods(&self, controller: &'a Object) -> impl Iterator<Item = &'a Event> {
        let (namespace, name) = (controller.namespace(), controller.name());
        let with_prefix = self
            .events
            .range(("Pod", namespace, name)..)
            .take_while(move |((kind, other, pod), _)| *kind == "Pod" && *other == namespace && pod.starts_with(name));
        let own = with_prefix.filter(|((.., pod), _)| pod[name.len()..].starts_with('-'));
        own.flat_map(|(_, events)| events.iter().copied())
    }

    /// The manifest of an object of the cluster.
    #[must_use]
    pub(super) fn manifest(&self, id: &ObjectRef) -> Option<&'a Object> {
        self.by_manifest.of(id)
    }

    /// Whether an object was applied; always true if the manifests are not known.
    #[must_use]
    pub(super) fn is_applied(&self, object: &Object) -> bool {
        self.manifests.is_none() || self.manifest(&object.id).is_some()
    }

    /// The seconds between a timestamp and the time of the record; 0 if there is no timestamp.
    #[must_use]
    pub(super) fn age(&self, timestamp: &Node) -> i64 {
        time::parse(timestamp.text()).map_or(0, |then| (self.record.at - then).max(0))
    }

    /// The last log lines of a container: of its current or its previous run, whichever has any.
    #[must_use]
    pub(super) fn log(&self, pod: &str, container: &str, previous_first: bool) -> Vec<&'a str> {
        let current = format!("{pod}/{container}");
        let previous = format!("{current}/previous");
        let names = if previous_first { [previous, current] } else { [current, previous] };
        names.iter().map(|name| self.lines(name)).find(|lines| !lines.is_empty()).unwrap_or_default()
    }

    fn lines(&self, name: &str) -> Vec<&'a str> {
        const MAX_LINES: usize = 3;
        let log = self.record.logs.get(name).map_or("", String::as_str);
        if log.starts_with("unable to retrieve container logs") {
            return Vec::new();
        }
        let mut lines: Vec<&str> = Vec::new();
        for line in log.lines().rev().filter(|line| !line.trim().is_empty()) {
            if lines.last() != Some(&line) {
                lines.push(line);
            }
            if lines.len() == MAX_LINES {
                break;
            }
        }
        lines.reverse();
        lines
    }
}

/// The creation timestamp of an object. Timestamps sort as strings.
#[must_use]
pub(super) fn created(object: &Object) -> &str {
    object.node.at(&["metadata", "creationTimestamp"]).text()
}

/// A condition of an object's status.
#[must_use]
pub(super) fn condition<'a>(object: &'a Object, kind: &str) -> &'a Node {
    let conditions = object.node.at(&["status", "conditions"]).items();
    conditions.iter().find(|condition| condition["type"].text() == kind).unwrap_or(Node::absent())
}

/// A pod template: the object that contains it, and the pod spec in it. For a pod, the pod itself.
#[derive(Debug, Clone)]
pub(super) struct Template<'a> {
    /// The object.
    pub(super) object: &'a Object,
    /// The pod spec in the cluster, without what was added to individual pods.
    pub(super) spec: &'a Node,
    /// The pod spec in the manifest; without a manifest, the one in the cluster.
    pub(super) written: &'a Node,
    /// The path of the pod spec.
    pub(super) path: FieldPath,
}

impl<'a> Template<'a> {
    /// The pod template of an object, if it has one.
    #[must_use]
    pub(super) fn of(cluster: &Cluster<'a>, object: &'a Object) -> Option<Self> {
        let fields = object.pod_template_path()?.keys;
        let spec = object.pod_spec()?;
        let written = cluster.manifest(&object.id).and_then(Object::pod_spec).unwrap_or(spec);
        Some(Self { object, spec, written, path: below(&path(""), &[fields, &["spec"]].concat()) })
    }

    /// The path of a container by name: in the manifest, else in the cluster.
    #[must_use]
    pub(super) fn container(&self, name: &str) -> FieldPath {
        let find = |spec: &Node| {
            ["containers", "initContainers"].into_iter().find_map(|list| {
                let at = spec[list].items().iter().position(|container| container["name"].text() == name)?;
                Some(item(&below(&self.path, &[list]), at))
            })
        };
        find(self.written).or_else(|| find(self.spec)).unwrap_or_else(|| self.path.clone())
    }

    /// The container with a name: in the manifest, else in the cluster.
    #[must_use]
    pub(super) fn container_node(&self, name: &str) -> &'a Node {
        let find = |spec: &'a Node| {
            let all = spec["containers"].items().iter().chain(spec["initContainers"].items());
            all.into_iter().find(|container| container["name"].text() == name)
        };
        find(self.written).or_else(|| find(self.spec)).unwrap_or(Node::absent())
    }
}

/// Whether labels match the selector of a Service.
#[must_use]
pub(super) fn selects(service: &Object, labels: &Node) -> bool {
    graph::selects(&service.node["spec"]["selector"], labels)
}
