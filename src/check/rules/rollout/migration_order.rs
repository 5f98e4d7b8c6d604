//! Rule `migration-order`.

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::check::rules::rollout::_order::{Hook, hook, waits_for_tables, wave};
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Graph, Mention, MentionLocation, Migration, MigrationKind, Pod, ServiceContainer, Target};
use crate::node::Node;
use crate::object::ContainerRole;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::MigrationOrder,
    doc: Doc {
        checks: "\
Checks that a known service does not start before the Job that creates its tables is complete.
An init container that checks for the tables or waits for the Job (`kubectl wait`), a Helm
`pre-install` hook, an Argo CD sync wave or a PreSync hook ensures the order; none is needed if the
database or an init container creates the tables itself. A service without such an order is a
warning.

An init container that waits for its own service is an error. A Job that waits for the service (its
URL in an init container) is an error if the service waits for the Job, otherwise a warning. A
`post-install` hook is reported by `migration-hook-deadlock`.",
        why: "\
The service becomes ready without its tables and fails on the first write. If service and Job wait
for each other, neither ever starts.",
        fix: "\
Add an init container that waits for the tables or for the Job. Let the Job wait for the database
only.",
        source: "\
The description of the service (docs/services.md) and
https://kubernetes.io/docs/concepts/workloads/pods/init-containers/.",
    },
    bad: r#"apiVersion: v1
kind: ConfigMap
metadata: {name: datastorage-config}
data:
  config.yaml: |
    server: {port: 8080}
    database:
      host: postgresql
      port: 5432
      name: action_history
      secretsFile: /etc/datastorage/secrets/db.yaml
      usernameKey: username
      passwordKey: password
    redis:
      addr: redis:6379
      secretsFile: /etc/datastorage/secrets/redis.yaml
      passwordKey: password
---
apiVersion: v1
kind: Secret
metadata: {name: datastorage-secret}
stringData:
  db.yaml: |
    username: slm_user
    password: test_password
  redis.yaml: |
    password: ""
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: datastorage}
spec:
  selector: {matchLabels: {app: datastorage}}
  template:
    metadata: {labels: {app: datastorage}}
    spec:
      containers:
      - name: datastorage
        image: quay.io/acme/datastorage:v1
        ports: [{containerPort: 8080}]
        env: [{name: CONFIG_PATH, value: /etc/datastorage/config.yaml}]
        volumeMounts:
        - {name: config, mountPath: /etc/datastorage}
        - {name: secrets, mountPath: /etc/datastorage/secrets}
      volumes:
      - {name: config, configMap: {name: datastorage-config}}
      - {name: secrets, secret: {secretName: datastorage-secret}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: datastorage-migrate}
spec:
  template:
    metadata: {labels: {app: datastorage-migrate}}
    spec:
      restartPolicy: OnFailure
      containers: [{name: goose, image: "ghcr.io/acme/goose:v3", args: [up]}]
"#,
    good: r#"     metadata: {labels: {app: datastorage}}
     spec:
+      initContainers:
+      - name: wait-for-schema
+        image: postgres:16-alpine
+        command: [sh, -c, "until psql -h postgresql -c 'select 1 from audit_events'; do sleep 2; done"]
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let mut views = graph.known().filter(|view| !view.service.tables.required.is_empty()).peekable();
    if views.peek().is_none() {
        return;
    }
    let migrations = graph.migrations();
    let jobs = Jobs::of(graph, migrations);
    let by_database = migrations.iter().any(|migration| migration.kind == MigrationKind::InitScripts);
    let with_init: HashSet<usize> = migrations
        .iter()
        .filter(|migration| migration.kind == MigrationKind::InitContainer)
        .map(|migration| migration.pod)
        .collect();
    // The Jobs and services that have been reported: many containers may run the same service.
    let mut reported = HashSet::new();
    for view in views {
        if let Some(node) = waits_for_itself(graph, &view) {
            report
                .at(
                    view.object(),
                    node,
                    format!("deadlock: the init container waits for {}, which starts only after it", view.service.name),
                )
                .severity(Severity::Error)
                .help("wait for the database, or for the Job that creates the tables");
            continue;
        }
        let Some(jobs) = &jobs else { continue };
        let waits = waits_for_tables(&view);
        let own = by_database || with_init.contains(&view.at);
        let mut ordered = own || waits || jobs.before || jobs.wave.is_some_and(|first| first < wave(view.object()));
        let service = view.service.name.as_str();
        for (job, node) in jobs.waiting(graph, view.at) {
            ordered = true;
            if !reported.insert((Some(std::ptr::from_ref(job)), service, waits)) {
                continue;
            }
            report
                .at(
                    job.object,
                    node,
                    format!("the Job waits for {service}, which needs the tables that the Job creates"),
                )
                .severity(if waits { Severity::Error } else { Severity::Warning })
                .related(view.name_node().origin.span, "needs the tables")
                .help("wait for the database only");
        }
        if !ordered {
            report
                .at(
                    view.object(),
                    view.name_node(),
                    format!("{} can start before the Job has created its tables", view.service.name),
                )
                .related(jobs.first.object.span(), "the Job")
                .help("add an init container that waits until the tables exist, or for the Job");
        }
    }
}

/// The Jobs that create tables.
struct Jobs<'g, 'a> {
    first: &'g Pod<'a>,
    /// Whether one of them is a hook that runs before all other objects.
    before: bool,
    /// The first wave of those that are not hooks.
    wave: Option<i64>,
    /// The Jobs that wait for a Service, by the address of the Service: each with its position and the node.
    waiting: HashMap<usize, Vec<(&'g Pod<'a>, usize, &'a Node)>>,
}

impl<'g, 'a> Jobs<'g, 'a> {
    fn of(graph: &'g Graph<'a>, migrations: &[Migration]) -> Option<Self> {
        let mut numbers: Vec<usize> = migrations
            .iter()
            .filter(|migration| migration.kind == MigrationKind::Job)
            .map(|migration| migration.pod)
            .collect();
        numbers.dedup();
        let pods = || numbers.iter().map(|number| &graph.pods[*number]);
        let mut waiting: HashMap<usize, Vec<_>> = HashMap::new();
        let mentions = numbers.iter().flat_map(|number| graph.mentions_of(*number).map(|mention| (*number, mention)));
        for (at, (number, mention)) in mentions.enumerate() {
            if let (MentionLocation::Command { availability_check: true }, &Target::Service(service)) =
                (&mention.location, &mention.target)
            {
                let jobs = waiting.entry(std::ptr::from_ref(&graph.services[service]) as usize).or_default();
                jobs.push((&graph.pods[number], at, mention.node));
            }
        }
        Some(Self {
            first: pods().next()?,
            before: pods().any(|job| hook(job.object) == Hook::Before),
            wave: pods().filter(|job| hook(job.object) == Hook::None).map(|job| wave(job.object)).min(),
            waiting,
        })
    }

    /// The Jobs that wait for a pod, each with the first node where it does.
    fn waiting(&self, graph: &Graph<'a>, pod: usize) -> impl Iterator<Item = (&'g Pod<'a>, &'a Node)> {
        let services = graph.services_of(pod).map(|service| std::ptr::from_ref(service) as usize);
        let mut waiting: Vec<_> =
            services.filter_map(|service| self.waiting.get(&service)).flatten().copied().collect();
        waiting.sort_unstable_by_key(|(_, at, _)| *at);
        waiting.dedup_by_key(|(job, ..)| std::ptr::from_ref(*job));
        waiting.into_iter().map(|(job, _, node)| (job, node))
    }
}

/// The node where an init container waits for a Service that only its own pod serves, so that the pod never starts.
fn waits_for_itself<'a>(graph: &Graph<'a>, view: &ServiceContainer<'_, 'a>) -> Option<&'a Node> {
    let init =
        |mention: &Mention<'a>| mention.container.is_some_and(|at| view.pod.containers[at].role == ContainerRole::Init);
    graph
        .mentions_of(view.at)
        .filter(|mention| {
            init(mention) && matches!(mention.location, MentionLocation::Command { availability_check: true })
        })
        .find(|mention| {
            let Target::Service(service) = mention.target else { return false };
            let service = &graph.services[service];
            service.pods.as_slice() == [view.at] && !service.may_select_more()
        })
        .map(|mention| mention.node)
}
