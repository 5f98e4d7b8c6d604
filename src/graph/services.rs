//! Services: what they select, which ports they serve.

use std::sync::OnceLock;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::graph::{Graph, Pod, kind_of};
use crate::node::{Entry, Node};
use crate::object::Object;

/// How many of the pods that a Service selects are known. A hundred workloads behind one name are more than anybody has;
/// ten thousand behind each of ten thousand names would fill the memory.
const MOST_SELECTED: usize = 100;

/// How many of the pods that share a label are looked at for one selector.
pub(crate) const MOST_PODS: usize = 1000;

/// A Service and the pods it selects.
#[derive(Debug)]
pub struct ServiceObject<'a> {
    /// The Service.
    pub object: &'a Object,
    /// The numbers of the pods it selects, in [`Graph::pods`]; of very many the first hundred.
    pub pods: Vec<usize>,
    /// Whether more pods may be selected than are known.
    cut: bool,
    /// The place of the first port that has a number in a field. Found when a rule first asks.
    numbered: OnceLock<HashMap<(&'static str, i64), usize>>,
}

/// The fields of a Service's port that hold numbers.
const NUMBERS: [&str; 3] = ["port", "targetPort", "nodePort"];

impl<'a> ServiceObject<'a> {
    /// Its selector.
    #[must_use]
    pub fn selector(&self) -> &'a Node {
        &self.object.node["spec"]["selector"]
    }

    /// Whether it may select more pods than are known: then nobody can say that none of them does something, that all of
    /// them do, or that there is but one.
    #[must_use]
    pub fn may_select_more(&self) -> bool {
        self.cut
    }

    /// Its type; `ClusterIP` where it names none.
    #[must_use]
    pub fn kind(&self) -> &'a str {
        self.object.node["spec"]["type"].as_str().unwrap_or("ClusterIP")
    }

    /// Its ports.
    #[must_use]
    pub fn ports(&self) -> &'a [Node] {
        self.object.node["spec"]["ports"].items()
    }

    /// The first of its ports with a number in `port`, `targetPort` or `nodePort`.
    #[must_use]
    pub fn port_with(&self, field: &'static str, number: i64) -> Option<&'a Node> {
        let numbered = self.numbered.get_or_init(|| {
            let mut numbered = HashMap::new();
            for (at, entry) in self.ports().iter().enumerate() {
                for field in NUMBERS {
                    if let Some(number) = entry[field].as_i64() {
                        numbered.entry((field, number)).or_insert(at);
                    }
                }
            }
            numbered
        });
        numbered.get(&(field, number)).map(|at| &self.ports()[*at])
    }

    /// Whether it is headless: its name leads to the pods themselves.
    #[must_use]
    pub fn is_headless(&self) -> bool {
        self.object.node["spec"]["clusterIP"].text() == "None"
    }

    /// Whether it stands for a host elsewhere.
    #[must_use]
    pub fn is_external(&self) -> bool {
        self.kind() == "ExternalName"
    }

    /// Whether a port is served under its name. Pods behind a headless one are reached at any of their ports.
    #[must_use]
    pub fn serves(&self, port: i64, graph: &Graph<'_>) -> bool {
        if self.is_external() || self.port_with("port", port).is_some() {
            return true;
        }
        let pods = || self.pods.iter().map(|pod| &graph.pods[*pod]);
        self.is_headless()
            && (self.may_select_more() || !pods().any(Pod::declares_any) || pods().any(|pod| pod.declares(port)))
    }
}

/// Whether all labels of a selector are among a pod's. An empty selector selects nothing here.
#[must_use]
pub fn selects(selector: &Node, labels: &Node) -> bool {
    !selector.entries().is_empty()
        && selector
            .entries()
            .iter()
            .all(|entry| labels.get(&entry.key).is_some_and(|label| label.text() == entry.value.text()))
}

/// Whether a label selector (`matchLabels`, `matchExpressions`) matches labels.
#[must_use]
pub(crate) fn label_selector_matches(selector: &Node, labels: &Node) -> bool {
    let wanted = selector["matchLabels"].entries().iter();
    if !wanted.clone().all(|entry| labels.get(&entry.key).is_some_and(|label| label.text() == entry.value.text())) {
        return false;
    }
    selector["matchExpressions"].items().iter().all(|expression| {
        let label = labels.get(expression["key"].text()).map(Node::text);
        let listed = || expression["values"].items().iter().any(|value| Some(value.text()) == label);
        match expression["operator"].text() {
            "In" => listed(),
            "NotIn" => !listed(),
            "Exists" => label.is_some(),
            "DoesNotExist" => label.is_none(),
            _ => true,
        }
    })
}

impl<'a> Graph<'a> {
    pub(super) fn add_services(&mut self) {
        for object in self.objects.iter().filter(|object| kind_of(object) == Some("Service")) {
            for namespace in [None, Some(object.namespace())] {
                self.services_by_name.entry((namespace, object.name())).or_insert(self.services.len());
            }
            let place = (object.span().file, object.namespace(), object.name());
            self.services_by_file.entry(place).or_insert(self.services.len());
            self.services.push(ServiceObject { object, pods: Vec::new(), cut: false, numbered: OnceLock::new() });
        }
    }

    pub(super) fn connect_services(&mut self) {
        let mut services = std::mem::take(&mut self.services);
        let mut cut = HashSet::new();
        for service in &mut services {
            let namespace = service.object.namespace();
            let selector = service.selector();
            let Some((label, pods)) = self.rarest_label(selector, Some(namespace)) else { continue };
            let looked = pods.iter().copied().take(MOST_PODS);
            let mut selected = looked.filter(|pod| selects(selector, self.pods[*pod].labels));
            service.pods = selected.by_ref().take(MOST_SELECTED).collect();
            service.cut = pods.len() > MOST_PODS || selected.next().is_some();
            if service.cut {
                cut.insert((namespace, label.key.as_str(), label.value.text()));
            }
        }
        self.cut_labels = cut;
        let mut by_pod = vec![Vec::new(); self.pods.len()];
        for (at, service) in services.iter().enumerate() {
            service.pods.iter().for_each(|pod| by_pod[*pod].push(at));
        }
        self.services_by_pod = by_pod;
        self.services = services;
    }

    /// The label of a selector that the fewest pods have, of one namespace or of all, and those pods.
    fn rarest_label<'s, 'n: 's>(
        &'s self,
        selector: &'n Node,
        namespace: Option<&'n str>,
    ) -> Option<(&'n Entry, &'s [usize])> {
        let labelled = selector.entries().iter().map(|entry| (entry, self.pods_labelled(entry, namespace)));
        labelled.min_by_key(|(_, pods)| pods.len())
    }

    /// The pods, of one namespace or of all, that may have all labels of a selector, and whether they are all: of very
    /// many only the first are looked at.
    pub(crate) fn pods_with<'s>(&'s self, selector: &'s Node, namespace: Option<&'s str>) -> (&'s [usize], bool) {
        let pods = self.rarest_label(selector, namespace).map_or(&[][..], |(_, pods)| pods);
        (&pods[..pods.len().min(MOST_PODS)], pods.len() <= MOST_PODS)
    }

    /// The pods that have a label, in order, of one namespace or of all.
    pub(crate) fn pods_labelled<'s>(&'s self, label: &'s Entry, namespace: Option<&'s str>) -> &'s [usize] {
        self.pods_by_label.get(&(namespace, label.key.as_str(), label.value.text())).map_or(&[][..], Vec::as_slice)
    }

    /// The Service of a name that is reached from a namespace.
    #[must_use]
    pub fn service(&self, namespace: &str, name: &str) -> Option<usize> {
        let first = *self.services_by_name.get(&(None, name))?;
        self.reached(first, namespace, |namespace| self.services_by_name.get(&(Some(namespace), name)).copied())
    }

    /// The same for an object that asks: of several the one of its file.
    #[must_use]
    pub(super) fn service_from(&self, from: &Object, namespace: &str, name: &str) -> Option<usize> {
        let file = from.span().file;
        let beside = |namespace: &str| self.services_by_file.get(&(file, namespace, name)).copied();
        beside(namespace).or_else(|| beside("")).or_else(|| self.service(namespace, name))
    }

    /// All Services of a name, whatever their namespace.
    pub(crate) fn services_named<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s ServiceObject<'a>> {
        self.elsewhere("Service", name)
            .filter_map(|object| self.services_by_file.get(&(object.span().file, object.namespace(), object.name())))
            .map(|at| &self.services[*at])
    }

    /// The Services that select a pod.
    pub fn services_of(&self, pod: usize) -> impl Iterator<Item = &ServiceObject<'a>> {
        self.services_by_pod.get(pod).into_iter().flatten().map(|service| &self.services[*service])
    }

    /// Whether Services that [`Graph::services_of`] does not give may select a pod.
    #[must_use]
    pub fn may_be_behind_more(&self, pod: usize) -> bool {
        let pod = &self.pods[pod];
        let label = |entry: &'a Entry| (pod.namespace(), entry.key.as_str(), entry.value.text());
        !self.cut_labels.is_empty() && pod.labels.entries().iter().any(|entry| self.cut_labels.contains(&label(entry)))
    }
}
