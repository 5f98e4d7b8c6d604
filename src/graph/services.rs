//! Services: selected pods and served ports.

use std::sync::OnceLock;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::graph::{Graph, Pod, kind_of};
use crate::node::{Entry, Node};
use crate::object::Object;

/// The maximum number of selected pods stored for a Service, to limit memory.
const MAX_SELECTED: usize = 100;

/// The maximum number of pods with a common label that are matched against a selector.
pub(crate) const MAX_PODS: usize = 1000;

/// A Service and the pods it selects.
#[derive(Debug)]
pub struct ServiceObject<'a> {
    /// The Service.
    pub object: &'a Object,
    /// The indices of the selected pods in [`Graph::pods`], limited to the first hundred.
    pub pods: Vec<usize>,
    /// Whether it may select more pods than are stored.
    is_truncated: bool,
    /// The index of the first port with a number in a field. Computed on first use.
    numbered: OnceLock<HashMap<(&'static str, i64), usize>>,
}

/// The numeric fields of a Service port.
const NUMBER_FIELDS: [&str; 3] = ["port", "targetPort", "nodePort"];

impl<'a> ServiceObject<'a> {
    /// Its selector.
    #[must_use]
    pub fn selector(&self) -> &'a Node {
        &self.object.node["spec"]["selector"]
    }

    /// Whether it may select more pods than are stored, so that nothing can be concluded for all of its pods.
    #[must_use]
    pub fn may_select_more(&self) -> bool {
        self.is_truncated
    }

    /// Its type; `ClusterIP` by default.
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
                for field in NUMBER_FIELDS {
                    if let Some(number) = entry[field].as_i64() {
                        numbered.entry((field, number)).or_insert(at);
                    }
                }
            }
            numbered
        });
        numbered.get(&(field, number)).map(|at| &self.ports()[*at])
    }

    /// Whether it is headless.
    #[must_use]
    pub fn is_headless(&self) -> bool {
        self.object.node["spec"]["clusterIP"].text() == "None"
    }

    /// Whether it is of type `ExternalName`.
    #[must_use]
    pub fn is_external(&self) -> bool {
        self.kind() == "ExternalName"
    }

    /// Whether a port is reachable under its name. The pods of a headless Service are reachable on all of their ports.
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

/// Whether a selector matches labels. An empty selector matches nothing.
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
    let mut required = selector["matchLabels"].entries().iter();
    if !required.all(|entry| labels.get(&entry.key).is_some_and(|label| label.text() == entry.value.text())) {
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
            let key = (object.span().file, object.namespace(), object.name());
            self.services_by_file.entry(key).or_insert(self.services.len());
            self.services.push(ServiceObject {
                object,
                pods: Vec::new(),
                is_truncated: false,
                numbered: OnceLock::new(),
            });
        }
    }

    pub(super) fn connect_services(&mut self) {
        let mut services = std::mem::take(&mut self.services);
        let mut cut = HashSet::new();
        for service in &mut services {
            let namespace = service.object.namespace();
            let selector = service.selector();
            let Some((label, pods)) = self.rarest_label(selector, Some(namespace)) else { continue };
            let candidates = pods.iter().copied().take(MAX_PODS);
            let mut selected = candidates.filter(|pod| selects(selector, self.pods[*pod].labels));
            service.pods = selected.by_ref().take(MAX_SELECTED).collect();
            service.is_truncated = pods.len() > MAX_PODS || selected.next().is_some();
            if service.is_truncated {
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

    /// The label of a selector with the fewest pods, in one namespace or in all, and those pods.
    fn rarest_label<'s, 'n: 's>(
        &'s self,
        selector: &'n Node,
        namespace: Option<&'n str>,
    ) -> Option<(&'n Entry, &'s [usize])> {
        let labelled = selector.entries().iter().map(|entry| (entry, self.pods_labelled(entry, namespace)));
        labelled.min_by_key(|(_, pods)| pods.len())
    }

    /// The pods, in one namespace or in all, that may match a selector, and whether the list is complete.
    pub(crate) fn pods_with<'s>(&'s self, selector: &'s Node, namespace: Option<&'s str>) -> (&'s [usize], bool) {
        let pods = self.rarest_label(selector, namespace).map_or(&[][..], |(_, pods)| pods);
        (&pods[..pods.len().min(MAX_PODS)], pods.len() <= MAX_PODS)
    }

    /// The pods with a label, in one namespace or in all, in order.
    pub(crate) fn pods_labelled<'s>(&'s self, label: &'s Entry, namespace: Option<&'s str>) -> &'s [usize] {
        self.pods_by_label.get(&(namespace, label.key.as_str(), label.value.text())).map_or(&[][..], Vec::as_slice)
    }

    /// The index of the Service with a name as seen from a namespace.
    #[must_use]
    pub fn service(&self, namespace: &str, name: &str) -> Option<usize> {
        let first = *self.services_by_name.get(&(None, name))?;
        self.visible_from(first, namespace, |namespace| self.services_by_name.get(&(Some(namespace), name)).copied())
    }

    /// Like [`Graph::service`], but Services in the same file as `from` take precedence.
    #[must_use]
    pub(super) fn service_from(&self, from: &Object, namespace: &str, name: &str) -> Option<usize> {
        let file = from.span().file;
        let in_file = |namespace: &str| self.services_by_file.get(&(file, namespace, name)).copied();
        in_file(namespace).or_else(|| in_file("")).or_else(|| self.service(namespace, name))
    }

    /// The Services with a name in any namespace.
    pub(crate) fn services_named<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s ServiceObject<'a>> {
        self.in_any_namespace("Service", name)
            .filter_map(|object| self.services_by_file.get(&(object.span().file, object.namespace(), object.name())))
            .map(|at| &self.services[*at])
    }

    /// The Services that select a pod.
    pub fn services_of(&self, pod: usize) -> impl Iterator<Item = &ServiceObject<'a>> {
        self.services_by_pod.get(pod).into_iter().flatten().map(|service| &self.services[*service])
    }

    /// Whether Services that [`Graph::services_of`] does not return may select a pod.
    #[must_use]
    pub fn may_be_selected_by_more(&self, pod: usize) -> bool {
        let pod = &self.pods[pod];
        let label = |entry: &'a Entry| (pod.namespace(), entry.key.as_str(), entry.value.text());
        !self.cut_labels.is_empty() && pod.labels.entries().iter().any(|entry| self.cut_labels.contains(&label(entry)))
    }
}
