//! Objects other than Services that select objects by labels: a table of the kinds, and what an object selects.

use std::cell::OnceCell;

use foldhash::{HashMap, HashSet};

use crate::check::Bundle;
use crate::graph::{Graph, MAX_PODS, kind_of, label_selector_matches, selects};
use crate::node::{Entry, Node};
use crate::object::Object;
use crate::suggest;

/// The kind of objects that are selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SelectedKind {
    /// Pods, by the labels of their templates.
    Pods,
    /// Services, by their own labels.
    Services,
    /// Ingresses, by their own labels.
    Ingresses,
}

/// The namespaces in which objects are selected.
#[derive(Debug, Clone, Copy)]
enum Scope {
    /// The namespace of the selecting object.
    Own,
    /// All namespaces.
    Anywhere,
    /// Those that a field specifies (`any`, `matchNames`), by default its own.
    Field(&'static [&'static str]),
}

/// The form of a selector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SelectorForm {
    /// A label selector: `matchLabels`, `matchExpressions`.
    Selector,
    /// A map of labels.
    Labels,
}

/// The consequence if nothing is selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consequence {
    /// The object has no effect.
    NoEffect,
    /// It is harmless.
    Harmless,
    /// The object usually selects objects of the platform: only misspellings are reported.
    Platform,
}

/// A kind of objects that select others: a row of the table.
#[derive(Debug)]
pub(super) struct SelectingKind {
    kind: &'static str,
    group: &'static str,
    selector: &'static [&'static str],
    form: SelectorForm,
    pub(super) selected_kind: SelectedKind,
    scope: Scope,
    pub(super) consequence: Consequence,
    /// The field of `spec` with the list of endpoints to scrape.
    pub(super) endpoints: Option<&'static str>,
}

const SPEC: &[&str] = &["spec", "selector"];
const INGRESS: &[&str] = &["spec", "targets", "ingress", "selector"];
const NAMESPACES: Scope = Scope::Field(&["spec", "namespaceSelector"]);
const INGRESS_NAMESPACES: Scope = Scope::Field(&["spec", "targets", "ingress", "namespaceSelector"]);

const fn row(kind: &'static str, group: &'static str, selected_kind: SelectedKind, scope: Scope) -> SelectingKind {
    SelectingKind {
        kind,
        group,
        selector: SPEC,
        form: SelectorForm::Selector,
        selected_kind,
        scope,
        consequence: Consequence::NoEffect,
        endpoints: None,
    }
}

impl SelectingKind {
    const fn at(self, selector: &'static [&'static str]) -> Self {
        Self { selector, ..self }
    }

    const fn with_consequence(self, consequence: Consequence) -> Self {
        Self { consequence, ..self }
    }

    const fn scraping(self, endpoints: &'static str) -> Self {
        Self { endpoints: Some(endpoints), ..self }
    }
}

/// All kinds. The source is given above the rows of each group.
static TABLE: &[SelectingKind] = &[
    // https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/
    row("PodDisruptionBudget", "policy", SelectedKind::Pods, Scope::Own).with_consequence(Consequence::Harmless),
    row("NetworkPolicy", "networking.k8s.io", SelectedKind::Pods, Scope::Own)
        .at(&["spec", "podSelector"])
        .with_consequence(Consequence::Harmless),
    // https://prometheus-operator.dev/docs/api-reference/api/
    row("ServiceMonitor", PROMETHEUS, SelectedKind::Services, NAMESPACES).scraping("endpoints"),
    row("PodMonitor", PROMETHEUS, SelectedKind::Pods, NAMESPACES).scraping("podMetricsEndpoints"),
    row("Probe", PROMETHEUS, SelectedKind::Ingresses, INGRESS_NAMESPACES).at(INGRESS),
    // https://learn.microsoft.com/azure/azure-monitor/containers/prometheus-metrics-scrape-crd
    row("ServiceMonitor", "azmonitoring.coreos.com", SelectedKind::Services, NAMESPACES).scraping("endpoints"),
    row("PodMonitor", "azmonitoring.coreos.com", SelectedKind::Pods, NAMESPACES).scraping("podMetricsEndpoints"),
    // https://docs.victoriametrics.com/operator/api/
    row("VMServiceScrape", VICTORIA, SelectedKind::Services, NAMESPACES).scraping("endpoints"),
    row("VMPodScrape", VICTORIA, SelectedKind::Pods, NAMESPACES).scraping("podMetricsEndpoints"),
    row("VMProbe", VICTORIA, SelectedKind::Ingresses, INGRESS_NAMESPACES).at(INGRESS),
    // https://github.com/GoogleCloudPlatform/prometheus-engine/blob/main/doc/api.md
    row("PodMonitoring", "monitoring.googleapis.com", SelectedKind::Pods, Scope::Own).scraping("endpoints"),
    row("ClusterPodMonitoring", "monitoring.googleapis.com", SelectedKind::Pods, Scope::Anywhere).scraping("endpoints"),
    // https://istio.io/latest/docs/reference/config/networking/gateway/
    SelectingKind {
        form: SelectorForm::Labels,
        consequence: Consequence::Platform,
        ..row("Gateway", "networking.istio.io", SelectedKind::Pods, Scope::Anywhere)
    },
];

const PROMETHEUS: &str = "monitoring.coreos.com";
const VICTORIA: &str = "operator.victoriametrics.com";

/// The namespace of the cluster's own pods and Services.
const SYSTEM: &str = "kube-system";

/// Labels of the pods that every cluster runs, and of the Service of the API server.
const OF_CLUSTER: &[(&str, &str)] = &[
    ("component", "apiserver"),
    ("component", "etcd"),
    ("component", "kube-apiserver"),
    ("component", "kube-controller-manager"),
    ("component", "kube-scheduler"),
    ("k8s-app", "kube-dns"),
    ("k8s-app", "kube-proxy"),
    ("tier", "control-plane"),
];

/// The objects of one selected kind, indexed by their labels.
#[derive(Debug, Default)]
struct Candidates<'a> {
    objects: Vec<(&'a Object, &'a Node)>,
    by_label: HashMap<(&'a str, &'a str), Vec<usize>>,
    keys: HashSet<&'a str>,
    /// The namespaces that contain some of the objects, or pods.
    namespaces: HashSet<&'a str>,
}

impl<'a> Candidates<'a> {
    fn of(graph: &Graph<'a>, selected_kind: SelectedKind) -> Self {
        let own = |object: &'a Object| (object, &object.node["metadata"]["labels"]);
        let objects: Vec<_> = match selected_kind {
            SelectedKind::Pods => graph.pods.iter().map(|pod| (pod.object, pod.labels)).collect(),
            SelectedKind::Services => graph.services.iter().map(|service| own(service.object)).collect(),
            SelectedKind::Ingresses => {
                graph.objects.iter().filter(|object| kind_of(object) == Some("Ingress")).map(own).collect()
            }
        };
        let mut candidates = Self { objects, ..Self::default() };
        for (at, (object, labels)) in candidates.objects.iter().enumerate() {
            for label in labels.entries() {
                candidates.by_label.entry((&label.key, label.value.text())).or_default().push(at);
                candidates.keys.insert(&label.key);
            }
            candidates.namespaces.insert(object.namespace());
        }
        if selected_kind == SelectedKind::Services {
            candidates.namespaces.extend(graph.pods.iter().map(|pod| pod.namespace()));
        }
        candidates
    }
}

/// The namespaces in which an object selects others.
#[derive(Debug)]
enum Namespaces<'a> {
    Own(&'a str),
    Anywhere,
    Named(HashSet<&'a str>),
}

impl<'a> Namespaces<'a> {
    fn of(row: &SelectingKind, object: &'a Object) -> Self {
        let field = match row.scope {
            Scope::Own => return Self::Own(object.namespace()),
            Scope::Anywhere => return Self::Anywhere,
            Scope::Field(field) => object.node.at(field),
        };
        match field["matchNames"].items() {
            _ if field["any"].as_bool() == Some(true) => Self::Anywhere,
            [] => Self::Own(object.namespace()),
            names => Self::Named(names.iter().map(Node::text).collect()),
        }
    }

    /// Whether objects in a namespace are selected. `kubectl -n` may set the namespace of an object that has none.
    fn has(&self, namespace: &str) -> bool {
        match self {
            Self::Own(own) => *own == namespace || own.is_empty() || namespace.is_empty(),
            Self::Anywhere => true,
            Self::Named(names) => namespace.is_empty() || names.contains(namespace),
        }
    }

    /// Whether one of the given namespaces is among these.
    fn contains_any(&self, namespaces: &HashSet<&str>) -> bool {
        match self {
            Self::Own(own) if !own.is_empty() => namespaces.contains(own) || namespaces.contains(""),
            Self::Named(names) => namespaces.contains("") || names.iter().any(|name| namespaces.contains(name)),
            _ => !namespaces.is_empty(),
        }
    }

    /// Whether pods without a manifest may run in one of these: pods of operators, or of the cluster itself.
    fn may_have_other_pods(&self, graph: &Graph<'_>) -> bool {
        let runs = |namespace: &str| namespace == SYSTEM || graph.created.may_run_in(namespace);
        match self {
            Self::Own(own) => runs(own),
            // The empty namespace stands for all.
            Self::Anywhere => runs(""),
            Self::Named(names) => names.iter().any(|name| runs(name)),
        }
    }
}

/// The objects that an object selects.
pub(super) struct Selection<'g, 'a> {
    pub(super) row: &'static SelectingKind,
    pub(super) object: &'a Object,
    /// The selector.
    pub(super) selector: &'a Node,
    /// The indexes of the selected objects: of pods in [`Graph::pods`], of Services in [`Graph::services`].
    pub(super) found: Vec<usize>,
    /// Whether more may be selected: if there are very many candidates, only the first ones are compared.
    pub(super) is_cut: bool,
    namespaces: Namespaces<'a>,
    candidates: &'g Candidates<'a>,
    graph: &'g Graph<'a>,
}

/// The candidates of each kind, collected on first use.
pub(super) struct Selections<'g, 'a> {
    graph: &'g Graph<'a>,
    all_candidates: [OnceCell<Candidates<'a>>; 3],
}

impl<'g, 'a> Selections<'g, 'a> {
    pub(super) fn new(bundle: &'g Bundle<'a>) -> Self {
        Self { graph: bundle.graph(), all_candidates: Default::default() }
    }

    /// The objects that an object selects, if its kind is in the table and it has a selector.
    pub(super) fn of(&'g self, object: &'a Object) -> Option<Selection<'g, 'a>> {
        let is_row = |row: &&SelectingKind| row.kind == object.kind() && row.group == object.group();
        let row = TABLE.iter().find(is_row)?;
        let selector = object.node.at(row.selector);
        if !selector.is_set() {
            return None;
        }
        let candidates = self.all_candidates[row.selected_kind as usize]
            .get_or_init(|| Candidates::of(self.graph, row.selected_kind));
        let namespaces = Namespaces::of(row, object);
        let (found, is_cut) = (Vec::new(), false);
        let mut selection =
            Selection { row, object, selector, found, is_cut, namespaces, candidates, graph: self.graph };
        let (candidates, is_cut) = selection.candidates();
        selection.found = candidates.filter(|at| selection.has(*at)).collect();
        selection.is_cut = is_cut;
        Some(selection)
    }
}

impl<'g, 'a> Selection<'g, 'a> {
    /// The labels in the selector.
    pub(super) fn labels(&self) -> &'a [Entry] {
        match self.row.form {
            SelectorForm::Selector => self.selector["matchLabels"].entries(),
            SelectorForm::Labels => self.selector.entries(),
        }
    }

    /// The keys and values of the required labels.
    fn required_labels(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let expressions = match self.row.form {
            SelectorForm::Selector => self.selector["matchExpressions"].items(),
            SelectorForm::Labels => &[],
        };
        let needs = |expression: &&Node| matches!(expression["operator"].text(), "In" | "Exists");
        let expressions = expressions.iter().filter(needs);
        let labels = self.labels().iter().map(|label| (label.key.as_str(), label.value.text()));
        labels.chain(expressions.map(|expression| (expression["key"].text(), expression["values"][0].text())))
    }

    /// The indexes of objects that may have all labels, and whether there are more.
    fn candidates(&self) -> (impl Iterator<Item = usize> + use<'g, 'a>, bool) {
        let candidates = self.candidates;
        let of = |label: &'a Entry| {
            candidates.by_label.get(&(label.key.as_str(), label.value.text())).map_or(&[][..], Vec::as_slice)
        };
        let rarest = self.labels().iter().map(of).min_by_key(|found| found.len());
        let count = rarest.map_or(candidates.objects.len(), <[usize]>::len);
        let candidates = (0..count.min(MAX_PODS)).map(move |at| rarest.map_or(at, |rarest| rarest[at]));
        (candidates, count > MAX_PODS)
    }

    fn matches(&self, at: usize) -> bool {
        let labels = self.candidates.objects[at].1;
        match self.row.form {
            SelectorForm::Selector => label_selector_matches(self.selector, labels),
            SelectorForm::Labels => selects(self.selector, labels),
        }
    }

    fn has(&self, at: usize) -> bool {
        self.namespaces.has(self.object_at(at).namespace()) && self.matches(at)
    }

    /// The workload, Service or Ingress with an index.
    pub(super) fn object_at(&self, at: usize) -> &'a Object {
        self.candidates.objects[at].0
    }

    /// The labels of the object with an index.
    pub(super) fn labels_of(&self, at: usize) -> &'a Node {
        self.candidates.objects[at].1
    }

    /// Whether only objects among the manifests can be selected: the selector requires labels, and is limited to its own
    /// namespace, in which no pods without a manifest run.
    pub(super) fn is_exact(&self) -> bool {
        matches!(self.namespaces, Namespaces::Own(_))
            && self.required_labels().next().is_some()
            && !self.namespaces.may_have_other_pods(self.graph)
    }

    /// The field that specifies the namespaces, if the kind has one.
    pub(super) fn namespaces(&self) -> Option<String> {
        match self.row.scope {
            Scope::Field(field) => Some(field.join(".")),
            Scope::Own | Scope::Anywhere => None,
        }
    }

    /// Whether the manifests have objects in the namespaces in which it selects.
    pub(super) fn has_objects_in_namespaces(&self) -> bool {
        self.namespaces.contains_any(&self.candidates.namespaces)
    }

    /// Whether the selected objects may exist without a manifest, for example pods of an operator.
    pub(super) fn may_select_others(&self) -> bool {
        self.namespaces.may_have_other_pods(self.graph)
    }

    /// Whether a controller sets one of the labels: it has a domain, and no object among the manifests has it.
    pub(super) fn is_of_controller(&self) -> bool {
        self.required_labels().any(|(key, _)| is_of_controller(key, &|key| self.candidates.keys.contains(key)))
    }

    /// Whether one of the labels is set on objects in the cluster, or the selector requires no labels.
    pub(super) fn is_foreign(&self, domains: &Domains<'_>) -> bool {
        self.required_labels().next().is_none()
            || self.required_labels().any(|(key, value)| is_set_by_others(key, value, domains))
    }

    /// An object that has the labels, but is in another namespace.
    pub(super) fn elsewhere(&self) -> Option<&'a Object> {
        let (mut candidates, _) = self.candidates();
        candidates.find(|at| self.matches(*at)).map(|at| self.object_at(at))
    }

    /// The index of the object that was probably meant: one with the same name, a Service of pods with these labels, or one with
    /// a similar label.
    pub(super) fn near(&self) -> Option<usize> {
        let in_namespaces = || {
            (0..self.candidates.objects.len().min(MAX_PODS))
                .filter(|at| self.namespaces.has(self.object_at(*at).namespace()))
        };
        let same_name = in_namespaces().find(|at| self.object_at(*at).name() == self.object.name());
        let selects_same_pods = |at: &usize| {
            let selector = &self.object_at(*at).node["spec"]["selector"];
            self.row.selected_kind == SelectedKind::Services
                && !self.labels().is_empty()
                && self.labels().iter().all(|label| selector[label.key.as_str()].text() == label.value.text())
        };
        let similar_label = || {
            self.labels().iter().take(MAX_COMPARED_LABELS).find_map(|label| {
                let values = in_namespaces().filter_map(|at| self.labels_of(at).get(&label.key)?.as_str());
                let near = suggest::nearest(label.value.text(), values)?;
                in_namespaces().find(|at| self.labels_of(*at)[label.key.as_str()].text() == near)
            })
        };
        match self.row.consequence {
            Consequence::Platform => similar_label(),
            _ => in_namespaces().find(selects_same_pods).or(same_name).or_else(similar_label),
        }
    }
}

/// The maximum number of labels of a selector that are compared for a suggestion.
const MAX_COMPARED_LABELS: usize = 4;

/// Labels that controllers set on pods at run time.
const RUNTIME_LABELS: &[&str] = &[
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "controller-revision-hash",
    "pod-template-hash",
];

/// Words in labels that a program sets on its own pod when it is elected or becomes ready, and in their values.
const ELECTION_WORDS: &[&str] = &[
    "active",
    "initialized",
    "leader",
    "master",
    "primary",
    "ready",
    "replica",
    "role",
    "sealed",
    "secondary",
    "slave",
    "standby",
    "writer",
];

/// Whether a label is set on objects in the cluster, or is that of pods which every cluster runs.
pub(super) fn is_set_by_others(key: &str, value: &str, domains: &Domains<'_>) -> bool {
    OF_CLUSTER.contains(&(key, value)) || is_set_at_run_time(key, value) || domains.has(key)
}

/// Whether a label is set on pods at run time.
fn is_set_at_run_time(key: &str, value: &str) -> bool {
    let is_elected = |text: &str| {
        text.split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| ELECTION_WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)) || word.ends_with("Role"))
    };
    let conventional = key.starts_with("app.kubernetes.io/") || key == "app" || key == "name";
    RUNTIME_LABELS.contains(&key) || is_elected(key) || !conventional && is_elected(value)
}

/// Whether a controller sets a label: it has a domain, and is not known.
pub(super) fn is_of_controller(key: &str, is_known: &dyn Fn(&str) -> bool) -> bool {
    key.contains('/') && !key.starts_with("app.kubernetes.io/") && !is_known(key)
}

/// The domains of the custom resources among the manifests. Controllers set labels with their own domain on the objects that
/// they create.
pub(super) struct Domains<'a>(HashSet<&'a str>);

impl<'a> Domains<'a> {
    pub(super) fn of(objects: &'a [Object]) -> Self {
        let groups = objects.iter().filter(|object| object.is_custom()).map(Object::group);
        Self(groups.flat_map(|group| [domain(group), group.split('.').next().unwrap_or(group)]).collect())
    }

    /// Whether a label has one of these domains.
    fn has(&self, key: &str) -> bool {
        key.split_once('/').is_some_and(|(prefix, _)| {
            self.0.contains(domain(prefix)) || self.0.contains(prefix.split('.').next().unwrap_or(prefix))
        })
    }
}

/// The last two labels of a domain; the whole domain below `k8s.io` and `kubernetes.io`, which all projects share.
fn domain(name: &str) -> &str {
    let at = name.rmatch_indices('.').nth(1).map_or(0, |(at, _)| at + 1);
    match &name[at..] {
        "k8s.io" | "kubernetes.io" => name,
        domain => domain,
    }
}
