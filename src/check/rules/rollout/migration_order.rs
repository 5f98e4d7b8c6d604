//! Rule `migration-order`.

use crate::check::{Bundle, Check, Family, Report, Rule};
use crate::finding::Severity;
use crate::graph::{By, Container, Graph, Mention, Place, Pod, Target, View, image_tail, scripts};
use crate::node::Node;
use crate::object::{ContainerRole, Object};

/// The rule.
pub static RULE: Rule = Rule {
    id: "migration-order",
    family: Family::Rollout,
    severity: Severity::Warning,
    summary: "a service can start before its tables are there, or the two wait for each other",
    doc: "The service is ready without its tables and fails on the first write, so it must not start before the migration Job is done: an init container that looks for the schema or waits for the Job (`kubectl wait`), a Helm `pre-install` hook, an Argo CD sync wave or PreSync hook. If the Job in turn waits for the service (its URL in an init container, a `post-install` hook), both wait for ever: an error.",
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
    good: r#"apiVersion: v1
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
      initContainers:
      - name: wait-for-schema
        image: postgres:16-alpine
        command: [sh, -c, "until psql -h postgresql -c 'select 1 from audit_events'; do sleep 2; done"]
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
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    let graph = bundle.graph();
    let mut views = graph.known().filter(|view| !view.service.tables.required.is_empty()).peekable();
    if views.peek().is_none() {
        return;
    }
    let migrations = graph.migrations();
    for view in views {
        if let Some(node) = waits_for_itself(graph, &view) {
            report
                .at(
                    view.object(),
                    node,
                    format!("the init container waits for {}, which starts after it", view.service.name),
                )
                .severity(Severity::Error)
                .help("let it wait for the database, or for the Job that makes the tables");
            continue;
        }
        let own = migrations
            .iter()
            .any(|migration| migration.by == By::Database || (migration.by == By::Init && migration.pod == view.at));
        let mut jobs = migrations
            .iter()
            .filter(|migration| migration.by == By::Job)
            .map(|migration| &graph.pods[migration.pod])
            .peekable();
        if jobs.peek().is_none() {
            continue;
        }
        let waits = waits_for_tables(&view);
        let mut ordered = own || waits;
        for job in jobs {
            let back = waits_for_service(graph, job, &view);
            if let Some(node) = back {
                report
                    .at(
                        job.object,
                        node,
                        format!(
                            "the Job waits for {}, which cannot serve before its tables are there",
                            view.service.name
                        ),
                    )
                    .severity(if waits { Severity::Error } else { Severity::Warning })
                    .related(view.name_node().origin.span, "this needs the Job to be done")
                    .help("let the Job wait for the database only");
                ordered = true;
            }
            match hook(job.object) {
                Hook::Before => ordered = true,
                Hook::After => {
                    if waits {
                        report
                            .at(
                                job.object,
                                &job.object.node["metadata"]["annotations"],
                                format!("the Job runs after {} is ready, which waits for the Job", view.service.name),
                            )
                            .severity(Severity::Error)
                            .help("make it a `pre-install,pre-upgrade` hook, or no hook");
                        ordered = true;
                    }
                }
                Hook::None => ordered |= wave(job.object) < wave(view.object()),
            }
        }
        if !ordered {
            report
                .at(
                    view.object(),
                    view.name_node(),
                    format!("{} can start before the Job has made its tables", view.service.name),
                )
                .related(
                    migrations
                        .iter()
                        .find(|migration| migration.by == By::Job)
                        .map_or(view.object().span(), |migration| graph.pods[migration.pod].object.span()),
                    "the Job",
                )
                .help("an init container that waits until the tables are there, or for the Job");
        }
    }
}

/// Words of init containers that look for tables or for the Job.
const LOOKS: &[&str] = &[
    "job/",
    "jobs/",
    "schema",
    "migrat",
    "goose",
    "select ",
    "to_regclass",
    "pg_tables",
    "\\dt",
    "\\d ",
    "wait --for=condition=complete",
    "flyway",
    "alembic",
];

fn waits_for_tables(view: &View<'_, '_>) -> bool {
    view.pod.containers.iter().filter(|container| matches!(container.role, ContainerRole::Init)).any(|container| {
        let looks = |text: &str| {
            let text = text.to_ascii_lowercase();
            LOOKS.iter().any(|word| text.contains(word))
        };
        let by_kubectl = matches!(image_tail(container.image()), "k8s-wait-for" | "k8s-job-wait")
            || container.words().any(|word| word.text() == "job");
        by_kubectl
            || (looks(container.name()) && !only_pauses(container))
            || container.words().any(|word| looks(word.text()))
            || scripts(container).iter().any(|text| looks(text))
    }) || view.container.words().any(|word| {
        let text = word.text().to_ascii_lowercase();
        let asks = |table: &String| text.contains(&table.to_ascii_lowercase());
        view.service.tables.required.iter().any(asks) || text.contains("to_regclass") || text.contains("job/")
    })
}

/// Whether a container sleeps for a while and asks for nothing.
fn only_pauses(container: &Container<'_>) -> bool {
    let text: String = container.words().map(|word| word.text().to_ascii_lowercase() + "\n").collect();
    let asks = ["until", "while", "for ", "nc ", "pg_", "psql", "curl", "wget", "kubectl", "$", "("];
    text.contains("sleep") && scripts(container).is_empty() && !asks.iter().any(|word| text.contains(word))
}

/// Where an init container asks for a Service that only its own pod answers, which never starts then.
fn waits_for_itself<'a>(graph: &Graph<'a>, view: &View<'_, 'a>) -> Option<&'a Node> {
    let init = |mention: &Mention<'a>| {
        mention.pod == Some(view.at)
            && mention.container.is_some_and(|at| view.pod.containers[at].role == ContainerRole::Init)
    };
    graph
        .mentions
        .iter()
        .filter(|mention| init(mention) && matches!(mention.place, Place::Command { asks: true }))
        .find(|mention| {
            let Target::Service(service) = mention.target else { return false };
            let service = &graph.services[service];
            service.pods.as_slice() == [view.at] && !service.may_select_more()
        })
        .map(|mention| mention.node)
}

/// Where a Job asks for the service itself.
fn waits_for_service<'a>(graph: &Graph<'a>, job: &Pod<'a>, view: &View<'_, 'a>) -> Option<&'a Node> {
    graph
        .mentions
        .iter()
        .filter(|mention| mention.pod.is_some_and(|pod| std::ptr::eq(&raw const graph.pods[pod], job)))
        .filter(|mention| matches!(mention.place, Place::Command { asks: true }))
        .find(|mention| matches!(mention.target, Target::Service(service) if graph.services[service].pods.contains(&view.at)))
        .map(|mention| mention.node)
}

enum Hook {
    None,
    Before,
    After,
}

fn hook(object: &Object) -> Hook {
    let annotations = &object.node["metadata"]["annotations"];
    let hook = annotations["helm.sh/hook"].text();
    let argo = annotations["argocd.argoproj.io/hook"].text();
    if hook.contains("pre-install") || argo.contains("PreSync") {
        Hook::Before
    } else if hook.contains("post-install") || argo.contains("PostSync") {
        Hook::After
    } else {
        Hook::None
    }
}

fn wave(object: &Object) -> i64 {
    object.node["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"].text().parse().unwrap_or(0)
}
