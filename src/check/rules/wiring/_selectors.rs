//! Objects other than Services that select others by labels: what each kind selects, as data, and what it matches.

use std::cell::OnceCell;

use foldhash::{HashMap, HashSet};

use crate::check::Bundle;
use crate::graph::{Graph, MOST_PODS, kind_of, label_selector_matches, selects};
use crate::node::{Entry, Node};
use crate::object::Object;
use crate::suggest;

/// What is selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Pods, by the labels of their templates.
    Pods,
    /// Services, by their own labels.
    Services,
    /// Ingresses, by their own labels.
    Ingresses,
}

/// Where it is looked for.
#[derive(Debug, Clone, Copy)]
enum Scope {
    /// In its own namespace.
    Own,
    /// In all namespaces.
    Anywhere,
    /// In those that a field names (`any`, `matchNames`), else in its own.
    Field(&'static [&'static str]),
}

/// How the selector is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A label selector: `matchLabels`, `matchExpressions`.
    Selector,
    /// Labels alone.
    Labels,
}

/// How much it matters if nothing is selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// The object has no effect.
    Needed,
    /// It does no harm.
    Idle,
    /// It usually selects objects of the platform: only a misspelling is reported.
    Platform,
}

/// A kind of object that selects others.
#[derive(Debug)]
pub(super) struct Selecting {
    kind: &'static str,
    group: &'static str,
    selector: &'static [&'static str],
    form: Form,
    pub(super) wanted: Wanted,
    scope: Scope,
    pub(super) weight: Weight,
    /// The field of `spec` with the list of endpoints to scrape.
    pub(super) endpoints: Option<&'static str>,
}

const SPEC: &[&str] = &["spec", "selector"];
const INGRESS: &[&str] = &["spec", "targets", "ingress", "selector"];
const NAMESPACES: Scope = Scope::Field(&["spec", "namespaceSelector"]);
const INGRESS_NAMESPACES: Scope = Scope::Field(&["spec", "targets", "ingress", "namespaceSelector"]);

const fn row(kind: &'static str, group: &'static str, wanted: Wanted, scope: Scope) -> Selecting {
    Selecting {
        kind,
        group,
        selector: SPEC,
        form: Form::Selector,
        wanted,
        scope,
        weight: Weight::Needed,
        endpoints: None,
    }
}

impl Selecting {
    const fn at(self, selector: &'static [&'static str]) -> Self {
        Self { selector, ..self }
    }

    const fn weighing(self, weight: Weight) -> Self {
        Self { weight, ..self }
    }

    const fn scraping(self, endpoints: &'static str) -> Self {
        Self { endpoints: Some(endpoints), ..self }
    }
}

/// All kinds. The source of each group of rows is above it.
static TABLE: &[Selecting] = &[
    // https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/
    row("PodDisruptionBudget", "policy", Wanted::Pods, Scope::Own).weighing(Weight::Idle),
    row("NetworkPolicy", "networking.k8s.io", Wanted::Pods, Scope::Own)
        .at(&["spec", "podSelector"])
        .weighing(Weight::Idle),
    // https://prometheus-operator.dev/docs/api-reference/api/
    row("ServiceMonitor", PROMETHEUS, Wanted::Services, NAMESPACES).scraping("endpoints"),
    row("PodMonitor", PROMETHEUS, Wanted::Pods, NAMESPACES).scraping("podMetricsEndpoints"),
    row("Probe", PROMETHEUS, Wanted::Ingresses, INGRESS_NAMESPACES).at(INGRESS),
    // https://learn.microsoft.com/azure/azure-monitor/containers/prometheus-metrics-scrape-crd
    row("ServiceMonitor", "azmonitoring.coreos.com", Wanted::Services, NAMESPACES).scraping("endpoints"),
    row("PodMonitor", "azmonitoring.coreos.com", Wanted::Pods, NAMESPACES).scraping("podMetricsEndpoints"),
    // https://docs.victoriametrics.com/operator/api/
    row("VMServiceScrape", VICTORIA, Wanted::Services, NAMESPACES).scraping("endpoints"),
    row("VMPodScrape", VICTORIA, Wanted::Pods, NAMESPACES).scraping("podMetricsEndpoints"),
    row("VMProbe", VICTORIA, Wanted::Ingresses, INGRESS_NAMESPACES).at(INGRESS),
    // https://github.com/GoogleCloudPlatform/prometheus-engine/blob/main/doc/api.md
    row("PodMonitoring", "monitoring.googleapis.com", Wanted::Pods, Scope::Own).scraping("endpoints"),
    row("ClusterPodMonitoring", "monitoring.googleapis.com", Wanted::Pods, Scope::Anywhere).scraping("endpoints"),
    // https://istio.io/latest/docs/reference/config/networking/gateway/
    Selecting {
        form: Form::Labels,
        weight: Weight::Platform,
        ..row("Gateway", "networking.istio.io", Wanted::Pods, Scope::Anywhere)
    },
];

const PROMETHEUS: &str = "monitoring.coreos.com";
const VICTORIA: &str = "operator.victoriametrics.com";

/// The namespace of the cluster's own pods and Services.
const SYSTEM: &str = "kube-system";

/// Labels of what every cluster runs, and of the API server's own Service.
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

/// The objects that can be selected in one way, found by their labels.
#[derive(Debug, Default)]
struct Stock<'a> {
    things: Vec<(&'a Object, &'a Node)>,
    by_label: HashMap<(&'a str, &'a str), Vec<usize>>,
    keys: HashSet<&'a str>,
    /// The namespaces that contain some of them, or pods.
    inhabited: HashSet<&'a str>,
}

impl<'a> Stock<'a> {
    fn of(graph: &Graph<'a>, wanted: Wanted) -> Self {
        let own = |object: &'a Object| (object, &object.node["metadata"]["labels"]);
        let things: Vec<_> = match wanted {
            Wanted::Pods => graph.pods.iter().map(|pod| (pod.object, pod.labels)).collect(),
            Wanted::Services => graph.services.iter().map(|service| own(service.object)).collect(),
            Wanted::Ingresses => {
                graph.objects.iter().filter(|object| kind_of(object) == Some("Ingress")).map(own).collect()
            }
        };
        let mut stock = Self { things, ..Self::default() };
        for (at, (object, labels)) in stock.things.iter().enumerate() {
            for label in labels.entries() {
                stock.by_label.entry((&label.key, label.value.text())).or_default().push(at);
                stock.keys.insert(&label.key);
            }
            stock.inhabited.insert(object.namespace());
        }
        if wanted == Wanted::Services {
            stock.inhabited.extend(graph.pods.iter().map(|pod| pod.namespace()));
        }
        stock
    }
}

/// The namespaces in which one object selects.
#[derive(Debug)]
enum Reach<'a> {
    Own(&'a str),
    Anywhere,
    Named(HashSet<&'a str>),
}

impl<'a> Reach<'a> {
    fn of(row: &Selecting, object: &'a Object) -> Self {
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

    /// Whether something in a namespace is selected. An object without a namespace may get this one by `kubectl -n`.
    fn has(&self, namespace: &str) -> bool {
        match self {
            Self::Own(own) => *own == namespace || own.is_empty() || namespace.is_empty(),
            Self::Anywhere => true,
            Self::Named(names) => namespace.is_empty() || names.contains(namespace),
        }
    }

    /// Whether one of some namespaces is among these.
    fn meets(&self, namespaces: &HashSet<&str>) -> bool {
        match self {
            Self::Own(own) if !own.is_empty() => namespaces.contains(own) || namespaces.contains(""),
            Self::Named(names) => namespaces.contains("") || names.iter().any(|name| namespaces.contains(name)),
            _ => !namespaces.is_empty(),
        }
    }

    /// Whether pods that no manifest shows may run in one of these: those of operators, and of the cluster itself.
    fn has_unseen(&self, graph: &Graph<'_>) -> bool {
        let runs = |namespace: &str| namespace == SYSTEM || graph.made.may_run_in(namespace);
        match self {
            Self::Own(own) => runs(own),
            // The empty namespace means all.
            Self::Anywhere => runs(""),
            Self::Named(names) => names.iter().any(|name| runs(name)),
        }
    }
}

/// What one object selects.
pub(super) struct Selection<'g, 'a> {
    pub(super) row: &'static Selecting,
    pub(super) object: &'a Object,
    /// The selector.
    pub(super) selector: &'a Node,
    /// The numbers of what it selects: of pods in [`Graph::pods`], of Services in [`Graph::services`].
    pub(super) found: Vec<usize>,
    /// Whether it may select more than these: of very many candidates only the first are compared.
    pub(super) is_cut: bool,
    reach: Reach<'a>,
    stock: &'g Stock<'a>,
    graph: &'g Graph<'a>,
}

/// What may be selected, collected lazily.
pub(super) struct Selections<'g, 'a> {
    graph: &'g Graph<'a>,
    stocks: [OnceCell<Stock<'a>>; 3],
}

impl<'g, 'a> Selections<'g, 'a> {
    pub(super) fn new(bundle: &'g Bundle<'a>) -> Self {
        Self { graph: bundle.graph(), stocks: Default::default() }
    }

    /// What an object selects, if its kind selects and it has a selector.
    pub(super) fn of(&'g self, object: &'a Object) -> Option<Selection<'g, 'a>> {
        let is_row = |row: &&Selecting| row.kind == object.kind() && row.group == object.group();
        let row = TABLE.iter().find(is_row)?;
        let selector = object.node.at(row.selector);
        if !selector.is_set() {
            return None;
        }
        let stock = self.stocks[row.wanted as usize].get_or_init(|| Stock::of(self.graph, row.wanted));
        let reach = Reach::of(row, object);
        let (found, is_cut) = (Vec::new(), false);
        let mut selection = Selection { row, object, selector, found, is_cut, reach, stock, graph: self.graph };
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
            Form::Selector => self.selector["matchLabels"].entries(),
            Form::Labels => self.selector.entries(),
        }
    }

    /// The keys and values of required labels.
    fn wanted(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let expressions = match self.row.form {
            Form::Selector => self.selector["matchExpressions"].items(),
            Form::Labels => &[],
        };
        let needs = |expression: &&Node| matches!(expression["operator"].text(), "In" | "Exists");
        let expressions = expressions.iter().filter(needs);
        let labels = self.labels().iter().map(|label| (label.key.as_str(), label.value.text()));
        labels.chain(expressions.map(|expression| (expression["key"].text(), expression["values"][0].text())))
    }

    /// Those that may have all labels, and whether there are more.
    fn candidates(&self) -> (impl Iterator<Item = usize> + use<'g, 'a>, bool) {
        let stock = self.stock;
        let of = |label: &'a Entry| {
            stock.by_label.get(&(label.key.as_str(), label.value.text())).map_or(&[][..], Vec::as_slice)
        };
        let rarest = self.labels().iter().map(of).min_by_key(|found| found.len());
        let count = rarest.map_or(stock.things.len(), <[usize]>::len);
        let candidates = (0..count.min(MOST_PODS)).map(move |at| rarest.map_or(at, |rarest| rarest[at]));
        (candidates, count > MOST_PODS)
    }

    fn matches(&self, at: usize) -> bool {
        let labels = self.stock.things[at].1;
        match self.row.form {
            Form::Selector => label_selector_matches(self.selector, labels),
            Form::Labels => selects(self.selector, labels),
        }
    }

    fn has(&self, at: usize) -> bool {
        self.reach.has(self.thing(at).namespace()) && self.matches(at)
    }

    /// Something that can be selected: a workload, a Service, an Ingress.
    pub(super) fn thing(&self, at: usize) -> &'a Object {
        self.stock.things[at].0
    }

    /// The labels by which something is selected.
    pub(super) fn labels_of(&self, at: usize) -> &'a Node {
        self.stock.things[at].1
    }

    /// Whether nothing else can be selected than what is among the manifests: it has labels, and selects in its own namespace
    /// only, where nothing runs that is not in the manifests.
    pub(super) fn is_exact(&self) -> bool {
        matches!(self.reach, Reach::Own(_)) && self.wanted().next().is_some() && !self.reach.has_unseen(self.graph)
    }

    /// The field with the namespaces in which it selects, if its kind has one.
    pub(super) fn namespaces(&self) -> Option<String> {
        match self.row.scope {
            Scope::Field(field) => Some(field.join(".")),
            Scope::Own | Scope::Anywhere => None,
        }
    }

    /// Whether manifests show that something runs where it selects.
    pub(super) fn is_inhabited(&self) -> bool {
        self.reach.meets(&self.stock.inhabited)
    }

    /// Whether what it selects may exist without a manifest: run by an operator, or with labels that are set at run time.
    pub(super) fn may_be_unseen(&self) -> bool {
        self.reach.has_unseen(self.graph)
    }

    /// Whether a label is set by a controller: it has a domain, and no object among the manifests has it.
    pub(super) fn is_of_controller(&self) -> bool {
        self.wanted().any(|(key, _)| is_of_controller(key, &|key| self.stock.keys.contains(key)))
    }

    /// Whether it has labels that are set on objects in the cluster, or no labels.
    pub(super) fn is_foreign(&self, domains: &Domains<'_>) -> bool {
        self.wanted().next().is_none() || self.wanted().any(|(key, value)| is_set_by_others(key, value, domains))
    }

    /// An object with the labels in a namespace in which it does not select.
    pub(super) fn elsewhere(&self) -> Option<&'a Object> {
        let (mut candidates, _) = self.candidates();
        candidates.find(|at| self.matches(*at)).map(|at| self.thing(at))
    }

    /// The index of what is probably meant: an object with its name, a Service of pods with these labels, or an object with a
    /// similar label.
    pub(super) fn near(&self) -> Option<usize> {
        let reached =
            || (0..self.stock.things.len().min(MOST_PODS)).filter(|at| self.reach.has(self.thing(*at).namespace()));
        let twin = reached().find(|at| self.thing(*at).name() == self.object.name());
        let fronts = |at: &usize| {
            let selector = &self.thing(*at).node["spec"]["selector"];
            self.row.wanted == Wanted::Services
                && !self.labels().is_empty()
                && self.labels().iter().all(|label| selector[label.key.as_str()].text() == label.value.text())
        };
        let slip = || {
            self.labels().iter().take(MOST_LABELS).find_map(|label| {
                let values = reached().filter_map(|at| self.labels_of(at).get(&label.key)?.as_str());
                let near = suggest::nearest(label.value.text(), values)?;
                reached().find(|at| self.labels_of(*at)[label.key.as_str()].text() == near)
            })
        };
        match self.row.weight {
            Weight::Platform => slip(),
            _ => reached().find(fronts).or(twin).or_else(slip),
        }
    }
}

/// How many labels of a selector are compared with others for a suggestion.
const MOST_LABELS: usize = 4;

/// Labels that controllers set on pods at run time.
const RUNTIME: &[&str] = &[
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "controller-revision-hash",
    "pod-template-hash",
];

/// Words in labels, and in their values, that a program sets on its own pod when it is elected or becomes ready.
const ELECTED: &[&str] = &[
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

/// Whether a label is set on objects in the cluster, or is one of pods that run in every cluster.
pub(super) fn is_set_by_others(key: &str, value: &str, domains: &Domains<'_>) -> bool {
    OF_CLUSTER.contains(&(key, value)) || is_set_at_run_time(key, value) || domains.has(key)
}

/// Whether a label is set on pods at run time.
fn is_set_at_run_time(key: &str, value: &str) -> bool {
    let is_elected = |text: &str| {
        text.split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| ELECTED.iter().any(|known| word.eq_ignore_ascii_case(known)) || word.ends_with("Role"))
    };
    let conventional = key.starts_with("app.kubernetes.io/") || key == "app" || key == "name";
    RUNTIME.contains(&key) || is_elected(key) || !conventional && is_elected(value)
}

/// Whether a label is set by a controller: it has a domain, and is not among the known ones.
pub(super) fn is_of_controller(key: &str, is_known: &dyn Fn(&str) -> bool) -> bool {
    key.contains('/') && !key.starts_with("app.kubernetes.io/") && !is_known(key)
}

/// The domains of the custom resources among some manifests: controllers set labels of their own domain on what they create,
/// which is not in the manifests.
pub(super) struct Domains<'a>(HashSet<&'a str>);

impl<'a> Domains<'a> {
    pub(super) fn of(objects: &'a [Object]) -> Self {
        let groups = objects.iter().filter(|object| object.is_custom()).map(Object::group);
        Self(groups.flat_map(|group| [domain(group), group.split('.').next().unwrap_or(group)]).collect())
    }

    /// Whether a label is of one of them.
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
