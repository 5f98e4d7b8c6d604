//! A record, looked up by name: who owns what, what events say of it, and the manifest it came from.

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

/// A record and the manifests that were applied, indexed.
#[derive(Debug)]
pub(super) struct Cluster<'a> {
    /// The record.
    pub(super) record: &'a Record,
    /// The manifests; `None` where they are not known.
    pub(super) manifests: Option<&'a [Object]>,
    /// Seconds that a thing may take before it counts as stuck.
    pub(super) patience: i64,
    by_name: HashMap<(&'a str, &'a str, &'a str), usize>,
    /// The first of a kind and name, in whatever namespace.
    by_kind_and_name: HashMap<(&'a str, &'a str), usize>,
    by_uid: HashMap<&'a str, usize>,
    by_kind: HashMap<&'a str, Vec<usize>>,
    owned: HashMap<usize, Vec<usize>>,
    /// By kind, namespace and name, in order, so that names that begin alike lie together.
    events: BTreeMap<(&'a str, &'a str, &'a str), Vec<&'a Event>>,
    /// The objects that have pods, by their namespace and each label of those.
    by_pod_label: HashMap<Label<'a>, Vec<usize>>,
    /// The Services, by their namespace and the first label of their selector.
    by_selector: HashMap<Label<'a>, Vec<usize>>,
    /// The first workload of each namespace.
    first_workload: HashMap<&'a str, usize>,
    /// The claims that pods use, by namespace and name.
    used_claims: HashSet<(&'a str, &'a str)>,
    /// The StatefulSet, and the number of its template, by namespace and name of a claim without its ordinal.
    claim_templates: HashMap<(&'a str, String), (usize, usize)>,
    by_manifest: Manifests<'a>,
}

/// A namespace, and the key and value of a label.
type Label<'a> = (&'a str, &'a str, &'a str);

/// The manifests, found by the objects that they became.
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

    /// The manifest of an object; one without a namespace may be that of any.
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

    /// Indexes what an object says of pods: their labels, their claims, and which of them it selects.
    fn index_pods(&mut self, at: usize, object: &'a Object) {
        let namespace = object.namespace();
        for label in object.pod_template().map_or(&[][..], |pod| pod["metadata"]["labels"].entries()) {
            self.by_pod_label.entry((namespace, &label.key, label.value.text())).or_default().push(at);
        }
        if object.pod_place().is_some() && !matches!(object.kind(), "Pod" | "ReplicaSet") {
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

    /// The object of a kind and name, if the record has it.
    #[must_use]
    pub(super) fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<&'a Object> {
        self.by_name.get(&(kind, namespace, name)).map(|at| &self.record.objects[*at])
    }

    /// The object that a manifest became. A manifest that names no namespace may have been applied to any.
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

    fn objects(&self, places: Option<&Vec<usize>>) -> impl Iterator<Item = &'a Object> {
        let record = self.record;
        places.map_or(&[][..], Vec::as_slice).iter().map(|at| &record.objects[*at])
    }

    /// Whether the record has objects of a kind at all, so that the absence of one means something.
    #[must_use]
    pub(super) fn knows(&self, kind: &str) -> bool {
        self.by_kind.contains_key(kind)
    }

    /// The objects whose pods a Service selects.
    #[must_use]
    pub(super) fn selected(&self, service: &Object) -> Vec<&'a Object> {
        // Of those that fit the rarest of its labels.
        let labels = service.node["spec"]["selector"].entries().iter();
        let having = labels
            .map(|label| self.by_pod_label.get(&(service.namespace(), label.key.as_str(), label.value.text())))
            .min_by_key(|places| places.map_or(0, Vec::len));
        let fits =
            |object: &&Object| object.pod_template().is_some_and(|pod| selects(service, &pod["metadata"]["labels"]));
        self.objects(having.flatten()).filter(fits).collect()
    }

    /// The Services that select the pods of an object.
    pub(super) fn services(&self, object: &'a Object) -> impl Iterator<Item = &'a Object> {
        let labels = object.pod_template().map_or(Node::absent(), |pod| &pod["metadata"]["labels"]);
        let label = |label: &'a Entry| (object.namespace(), label.key.as_str(), label.value.text());
        let near = labels.entries().iter().flat_map(move |own| self.objects(self.by_selector.get(&label(own))));
        near.filter(|service| selects(service, labels))
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

    /// The StatefulSet from whose template a claim was made, and the number of the template.
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

    /// The object that controls this one and all between, or the object itself.
    #[must_use]
    pub(super) fn top(&self, object: &'a Object) -> &'a Object {
        let mut top = object;
        // A ring of owners is the work of a hostile record.
        for _ in 0..8 {
            match self.owner(top) {
                Some(owner) => top = &self.record.objects[owner],
                None => break,
            }
        }
        top
    }

    /// The object that controls this one directly.
    #[must_use]
    pub(super) fn controller(&self, object: &Object) -> Option<&'a Object> {
        self.owner(object).map(|at| &self.record.objects[at])
    }

    /// The objects of a kind that an object controls, itself or by others.
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

    /// What events say of an object, oldest first.
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

    /// The events of pods that are gone, whose names begin with a controller's.
    pub(super) fn events_of_gone_pods(&self, controller: &'a Object) -> impl Iterator<Item = &'a Event> {
        let (namespace, name) = (controller.namespace(), controller.name());
        let begin_alike = self
            .events
            .range(("Pod", namespace, name)..)
            .take_while(move |((kind, place, pod), _)| *kind == "Pod" && *place == namespace && pod.starts_with(name));
        let own = begin_alike.filter(|((.., pod), _)| pod[name.len()..].starts_with('-'));
        own.flat_map(|(_, events)| events.iter().copied())
    }

    /// The manifest that an object of the cluster came from.
    #[must_use]
    pub(super) fn manifest(&self, id: &ObjectRef) -> Option<&'a Object> {
        self.by_manifest.of(id)
    }

    /// Whether an object belongs to what was applied; everything does where the manifests are not known.
    #[must_use]
    pub(super) fn is_ours(&self, object: &Object) -> bool {
        self.manifests.is_none() || self.manifest(&object.id).is_some()
    }

    /// The seconds from a timestamp to the time of the record; 0 where there is none.
    #[must_use]
    pub(super) fn age(&self, timestamp: &Node) -> i64 {
        time::parse(timestamp.text()).map_or(0, |then| (self.record.at - then).max(0))
    }

    /// The last lines that a container wrote: of its present run or of the one before, whichever has some.
    #[must_use]
    pub(super) fn log(&self, pod: &str, container: &str, previous_first: bool) -> Vec<&'a str> {
        let present = format!("{pod}/{container}");
        let previous = format!("{present}/previous");
        let names = if previous_first { [previous, present] } else { [present, previous] };
        names.iter().map(|name| self.lines(name)).find(|lines| !lines.is_empty()).unwrap_or_default()
    }

    fn lines(&self, name: &str) -> Vec<&'a str> {
        const LINES: usize = 3;
        let log = self.record.logs.get(name).map_or("", String::as_str);
        if log.starts_with("unable to retrieve container logs") {
            return Vec::new();
        }
        let mut lines: Vec<&str> = Vec::new();
        for line in log.lines().rev().filter(|line| !line.trim().is_empty()) {
            if lines.last() != Some(&line) {
                lines.push(line);
            }
            if lines.len() == LINES {
                break;
            }
        }
        lines.reverse();
        lines
    }
}

/// When an object was created, as the server wrote it; it sorts as text.
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

/// Where pods are written: the object that holds their template, and the way to the pod's `spec` in it.
#[derive(Debug, Clone)]
pub(super) struct Template<'a> {
    /// The object.
    pub(super) object: &'a Object,
    /// The pod's `spec` as the server has it, without what was added to single pods.
    pub(super) spec: &'a Node,
    /// The pod's `spec` in the manifest; the server's where there is none.
    pub(super) written: &'a Node,
    /// The way to that `spec`.
    pub(super) path: FieldPath,
}

impl<'a> Template<'a> {
    /// The template in an object, if it has one.
    #[must_use]
    pub(super) fn of(cluster: &Cluster<'a>, object: &'a Object) -> Option<Self> {
        let fields = object.pod_place()?.keys;
        let spec = object.pod_spec()?;
        let written = cluster.manifest(&object.id).and_then(Object::pod_spec).unwrap_or(spec);
        Some(Self { object, spec, written, path: below(&path(""), &[fields, &["spec"]].concat()) })
    }

    /// The path of a container, by its name: where the manifest has it, else where the server has it.
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

    /// The container of that name as it was written.
    #[must_use]
    pub(super) fn container_node(&self, name: &str) -> &'a Node {
        let find = |spec: &'a Node| {
            let all = spec["containers"].items().iter().chain(spec["initContainers"].items());
            all.into_iter().find(|container| container["name"].text() == name)
        };
        find(self.written).or_else(|| find(self.spec)).unwrap_or(Node::absent())
    }
}

/// Whether the labels of a pod or template fit the selector of a Service.
#[must_use]
pub(super) fn selects(service: &Object, labels: &Node) -> bool {
    graph::selects(&service.node["spec"]["selector"], labels)
}
