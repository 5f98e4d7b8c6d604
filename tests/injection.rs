//! Faults injected into manifests that work, one at a time: how many of them `check` reports.
//!
//! The manifests are the rendered bundles, the examples and the working manifests of other tests. A fault counts as
//! reported where it brings a new error or warning; nothing else has changed. What bundles seldom have, webhooks and
//! subjects, is added to them first, so that it works.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use plimsoll::check::input::Input;
use plimsoll::check::{Options, check_in};
use plimsoll::finding::Severity;
use plimsoll::node::{Node, Value};
use plimsoll::source::Sources;
use serde_json::{Value as Json, json};

/// Objects that are applied together.
struct Manifests {
    name: String,
    objects: Vec<Json>,
}

/// A change that keeps something from working: an object, the place in it, and the new value.
struct Fault {
    object: usize,
    place: String,
    value: Json,
}

/// How many faults of a kind are injected at most.
const MOST: usize = 40;

fn to_json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::String(text) => json!(text.as_str()),
        Value::Sequence(_) => node.items().iter().map(to_json).collect(),
        Value::Mapping(_) => {
            Json::Object(node.entries().iter().map(|entry| (entry.key.to_string(), to_json(&entry.value))).collect())
        }
    }
}

/// All manifests that work, in the order of their names.
fn working() -> Vec<Manifests> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [
        "snapshots",
        "examples/platform/snapshots",
        "examples/web/snapshots",
        "tests/data/foreign",
        "tests/data/pairs/after",
    ];
    let mut files: Vec<_> = folders
        .iter()
        .flat_map(|folder| fs::read_dir(root.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let sources = Sources::new();
        let mut input = Input::default();
        input.add(&sources, sources.add("f.yaml", fs::read_to_string(path).unwrap()), true);
        let objects: Vec<Json> = input.objects.iter().map(|object| to_json(&object.node)).collect();
        Manifests { name: path.strip_prefix(root).unwrap().display().to_string(), objects }
    };
    files.iter().map(read).filter(|manifests| !manifests.objects.is_empty()).collect()
}

/// The errors and warnings about objects.
fn problems(objects: &[Json]) -> BTreeSet<String> {
    let text: String = objects.iter().map(|object| format!("---\n{object}\n")).collect();
    let sources = Sources::new();
    let mut input = Input::default();
    input.add(&sources, sources.add("f.yaml", text), true);
    let findings = check_in(&sources, &input.objects, &Options::default());
    let bad = findings.iter().filter(|finding| finding.severity >= Severity::Warning);
    bad.map(|finding| format!("{} {:?} {} {}", finding.rule, finding.object, finding.field, finding.message)).collect()
}

fn text<'j>(object: &'j Json, place: &str) -> &'j str {
    object.pointer(place).and_then(Json::as_str).unwrap_or_default()
}

fn list<'j>(object: &'j Json, place: &str) -> &'j [Json] {
    object.pointer(place).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

/// Where the pod of an object stands.
fn pod_template_path(object: &Json) -> Option<&'static str> {
    match text(object, "/kind") {
        "Pod" => Some(""),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => Some("/spec/template"),
        "CronJob" => Some("/spec/jobTemplate/spec/template"),
        _ => None,
    }
}

/// The places of the containers of an object's pod.
fn containers(object: &Json) -> Vec<String> {
    let Some(pod) = pod_template_path(object) else { return Vec::new() };
    let of = |field: &str| {
        let place = format!("{pod}/spec/{field}");
        (0..list(object, &place).len()).map(|at| format!("{place}/{at}")).collect::<Vec<_>>()
    };
    [of("initContainers"), of("containers")].concat()
}

fn has(objects: &[Json], kind: &str, name: &str) -> bool {
    objects.iter().any(|object| text(object, "/kind") == kind && text(object, "/metadata/name") == name)
}

/// Whether a pod of the manifests has the labels of a selector.
fn selects(objects: &[Json], selector: &Json) -> bool {
    let Some(wanted) = selector.as_object().filter(|wanted| !wanted.is_empty()) else { return false };
    objects.iter().any(|object| {
        let labels = pod_template_path(object).and_then(|pod| object.pointer(&format!("{pod}/metadata/labels")));
        !matches!(text(object, "/kind"), "Job" | "CronJob")
            && labels.is_some_and(|labels| wanted.iter().all(|(key, value)| labels.get(key) == Some(value)))
    })
}

/// A misspelt name.
fn misspelt(name: &str) -> Json {
    json!(format!("{name}-x"))
}

/// The first key of a mapping, in a JSON pointer.
fn first_key(object: &Json, place: &str) -> Option<String> {
    let key = object.pointer(place)?.as_object()?.keys().next()?;
    Some(format!("{place}/{}", key.replace('~', "~0").replace('/', "~1")))
}

/// Faults at places of an object whose strings, if they pass a test, are misspelt.
fn misspell(object: usize, of: &Json, places: Vec<String>, is_meant: impl Fn(&str) -> bool) -> Vec<Fault> {
    let meant = places.into_iter().filter(|place| !text(of, place).is_empty() && is_meant(text(of, place)));
    meant.map(|place| Fault { object, value: misspelt(text(of, &place)), place }).collect()
}

fn selectors(objects: &[Json]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        let place = match text(object, "/kind") {
            "Service" => "/spec/selector",
            "Deployment" | "StatefulSet" | "DaemonSet" | "PodDisruptionBudget" => "/spec/selector/matchLabels",
            _ => continue,
        };
        if object.pointer(place).is_some_and(|selector| selects(objects, selector)) {
            faults.extend(misspell(at, object, first_key(object, place).into_iter().collect(), |_| true));
        }
    }
    faults
}

fn names(objects: &[Json]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        let mut of = |kind: &str, places: Vec<String>| {
            faults.extend(misspell(at, object, places, |name| has(objects, kind, name)));
        };
        for container in containers(object) {
            for number in 0..list(object, &format!("{container}/env")).len() {
                let place = format!("{container}/env/{number}/valueFrom");
                of("ConfigMap", vec![format!("{place}/configMapKeyRef/name")]);
                of("Secret", vec![format!("{place}/secretKeyRef/name")]);
            }
            for number in 0..list(object, &format!("{container}/envFrom")).len() {
                of("ConfigMap", vec![format!("{container}/envFrom/{number}/configMapRef/name")]);
                of("Secret", vec![format!("{container}/envFrom/{number}/secretRef/name")]);
            }
        }
        if let Some(pod) = pod_template_path(object) {
            for number in 0..list(object, &format!("{pod}/spec/volumes")).len() {
                let volume = format!("{pod}/spec/volumes/{number}");
                of("ConfigMap", vec![format!("{volume}/configMap/name")]);
                of("Secret", vec![format!("{volume}/secret/secretName")]);
                of("PersistentVolumeClaim", vec![format!("{volume}/persistentVolumeClaim/claimName")]);
            }
            of("ServiceAccount", vec![format!("{pod}/spec/serviceAccountName")]);
        }
        match text(object, "/kind") {
            "RoleBinding" | "ClusterRoleBinding" => of(text(object, "/roleRef/kind"), vec!["/roleRef/name".to_owned()]),
            "HorizontalPodAutoscaler" => {
                of(text(object, "/spec/scaleTargetRef/kind"), vec!["/spec/scaleTargetRef/name".to_owned()]);
            }
            "StatefulSet" => of("Service", vec!["/spec/serviceName".to_owned()]),
            "Ingress" => of("Service", backends(object).iter().map(|place| format!("{place}/name")).collect()),
            _ => {}
        }
    }
    faults
}

/// The Services of an Ingress.
fn backends(object: &Json) -> Vec<String> {
    let mut places = Vec::new();
    for rule in 0..list(object, "/spec/rules").len() {
        let paths = format!("/spec/rules/{rule}/http/paths");
        places.extend((0..list(object, &paths).len()).map(|at| format!("{paths}/{at}/backend/service")));
    }
    places
}

fn keys(objects: &[Json]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        for container in containers(object) {
            for number in 0..list(object, &format!("{container}/env")).len() {
                for (kind, field) in [("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")] {
                    let place = format!("{container}/env/{number}/valueFrom/{field}");
                    if has(objects, kind, text(object, &format!("{place}/name"))) {
                        faults.extend(misspell(at, object, vec![format!("{place}/key")], |_| true));
                    }
                }
            }
        }
        let Some(pod) = pod_template_path(object) else { continue };
        for number in 0..list(object, &format!("{pod}/spec/volumes")).len() {
            for (kind, field, name) in [("ConfigMap", "configMap", "name"), ("Secret", "secret", "secretName")] {
                let place = format!("{pod}/spec/volumes/{number}/{field}");
                if has(objects, kind, text(object, &format!("{place}/{name}"))) {
                    let items =
                        (0..list(object, &format!("{place}/items")).len()).map(|at| format!("{place}/items/{at}/key"));
                    faults.extend(misspell(at, object, items.collect(), |_| true));
                }
            }
        }
    }
    // A key of the object that somebody else needs.
    for (at, object) in objects.iter().enumerate() {
        let (kind, name) = (text(object, "/kind"), text(object, "/metadata/name"));
        let field = match kind {
            "ConfigMap" => "data",
            "Secret" if object.get("stringData").is_some() => "stringData",
            "Secret" => "data",
            _ => continue,
        };
        let Some(data) = object.get(field).and_then(Json::as_object) else { continue };
        for key in data.keys().filter(|key| is_needed(objects, kind, name, key)) {
            let mut changed = data.clone();
            let value = changed.remove(key).unwrap();
            changed.insert(format!("x-{key}"), value);
            faults.push(Fault { object: at, place: format!("/{field}"), value: Json::Object(changed) });
        }
    }
    faults
}

/// Whether a variable or an item of a volume needs a key.
fn is_needed(objects: &[Json], kind: &str, name: &str, key: &str) -> bool {
    let (of_env, of_volume, name_field) = match kind {
        "ConfigMap" => ("configMapKeyRef", "configMap", "name"),
        _ => ("secretKeyRef", "secret", "secretName"),
    };
    objects.iter().any(|object| {
        let env = containers(object).iter().any(|container| {
            list(object, &format!("{container}/env")).iter().any(|variable| {
                text(variable, &format!("/valueFrom/{of_env}/name")) == name
                    && text(variable, &format!("/valueFrom/{of_env}/key")) == key
            })
        });
        let pod = pod_template_path(object).unwrap_or("/none");
        let volume = list(object, &format!("{pod}/spec/volumes")).iter().any(|volume| {
            text(volume, &format!("/{of_volume}/{name_field}")) == name
                && list(volume, &format!("/{of_volume}/items")).iter().any(|item| text(item, "/key") == key)
        });
        env || volume
    })
}

fn ports(objects: &[Json]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let other = |port: &Json| match port {
        Json::String(name) => misspelt(name),
        port => json!(port.as_i64().unwrap_or_default() + 1111),
    };
    for (at, object) in objects.iter().enumerate() {
        let mut change = |place: String| {
            if let Some(port) = object.pointer(&place) {
                faults.push(Fault { object: at, value: other(port), place });
            }
        };
        match text(object, "/kind") {
            "Service" if object.pointer("/spec/selector").is_some_and(|selector| selects(objects, selector)) => {
                (0..list(object, "/spec/ports").len())
                    .for_each(|port| change(format!("/spec/ports/{port}/targetPort")));
            }
            "Ingress" => {
                for place in backends(object) {
                    if has(objects, "Service", text(object, &format!("{place}/name"))) {
                        change(format!("{place}/port/number"));
                        change(format!("{place}/port/name"));
                    }
                }
            }
            _ => {}
        }
        for container in containers(object) {
            for probe in ["readinessProbe", "livenessProbe", "startupProbe"] {
                for way in ["httpGet", "tcpSocket"] {
                    change(format!("{container}/{probe}/{way}/port"));
                }
            }
        }
    }
    faults
}

fn sub_paths(objects: &[Json]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        let Some(pod) = pod_template_path(object) else { continue };
        // A file of a ConfigMap or Secret of the manifests; folders of disks are made when they are mounted.
        let is_known = |volume: &str| {
            list(object, &format!("{pod}/spec/volumes")).iter().any(|one| {
                text(one, "/name") == volume
                    && (has(objects, "ConfigMap", text(one, "/configMap/name"))
                        || has(objects, "Secret", text(one, "/secret/secretName")))
            })
        };
        for container in containers(object) {
            for (number, mount) in list(object, &format!("{container}/volumeMounts")).iter().enumerate() {
                if is_known(text(mount, "/name")) {
                    let place = format!("{container}/volumeMounts/{number}/subPath");
                    faults.extend(misspell(at, object, vec![place], |_| true));
                }
            }
        }
    }
    faults
}

fn subjects(objects: &[Json]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        for (number, subject) in list(object, "/subjects").iter().enumerate() {
            if has(objects, "ServiceAccount", text(subject, "/name")) {
                let places = vec![format!("/subjects/{number}/name"), format!("/subjects/{number}/namespace")];
                faults.extend(misspell(at, object, places, |_| true));
            }
        }
    }
    faults
}

fn webhooks(objects: &[Json]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        for number in 0..list(object, "/webhooks").len() {
            let service = format!("/webhooks/{number}/clientConfig/service");
            faults.extend(misspell(
                at,
                object,
                vec![format!("{service}/name"), format!("{service}/namespace")],
                |_| true,
            ));
            faults.push(Fault { object: at, place: format!("{service}/port"), value: json!(1) });
        }
    }
    faults
}

/// Adds a webhook that a Service of the manifests answers.
fn with_webhook(mut manifests: Manifests) -> Option<Manifests> {
    let is_meant = |object: &&Json| {
        text(object, "/kind") == "Service"
            && !text(object, "/metadata/namespace").is_empty()
            && !list(object, "/spec/ports").is_empty()
    };
    let service = manifests.objects.iter().find(is_meant)?;
    let webhook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "guard"},
        "webhooks": [{
            "name": "guard.example.com",
            "clientConfig": {"service": {
                "name": text(service, "/metadata/name"),
                "namespace": text(service, "/metadata/namespace"),
                "port": service.pointer("/spec/ports/0/port"),
            }},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        }],
    });
    manifests.objects.push(webhook);
    Some(manifests)
}

/// Adds an account of a namespace of the manifests, and a role that it is bound to.
fn with_subject(mut manifests: Manifests) -> Option<Manifests> {
    let namespace =
        manifests.objects.iter().map(|object| text(object, "/metadata/namespace")).find(|name| !name.is_empty())?;
    let metadata = json!({"name": "reader", "namespace": namespace});
    let group = "rbac.authorization.k8s.io";
    let added = [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}),
        json!({"apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": metadata,
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}),
        json!({"apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "reader"},
            "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": namespace}]}),
    ];
    manifests.objects.extend(added);
    Some(manifests)
}

/// Adds a pod that mounts single files of a ConfigMap, with and without `items`.
fn with_sub_path(mut manifests: Manifests) -> Option<Manifests> {
    let namespace =
        manifests.objects.iter().map(|object| text(object, "/metadata/namespace")).find(|name| !name.is_empty())?;
    let config = |name: &str, rest: Json| {
        let mut source = json!({"name": "files"});
        source.as_object_mut()?.extend(rest.as_object()?.clone());
        Some(json!({"name": name, "configMap": source}))
    };
    let mount =
        |name: &str, path: &str| json!({"name": name, "mountPath": format!("/etc/app/{path}"), "subPath": path});
    let metadata = |name: &str| json!({"name": name, "namespace": namespace});
    let added = [
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("files"), "data": {"a.conf": "a", "b.conf": "b"}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata("reader"), "spec": {
            "containers": [{"name": "reader", "image": "ghcr.io/acme/reader:v1", "volumeMounts": [
                mount("all", "a.conf"), mount("one", "c.conf"), mount("all", "b.conf"),
            ]}],
            "volumes": [config("all", json!({}))?, config("one", json!({"items": [{"key": "a.conf", "path": "c.conf"}]}))?],
        }}),
    ];
    manifests.objects.extend(added);
    Some(manifests)
}

/// Adds a ServiceMonitor and a PodMonitor for each Service in front of pods that name a port.
fn with_monitors(mut manifests: Manifests) -> Option<Manifests> {
    let objects = &mut manifests.objects;
    let of_service = |object: &Json| {
        let labels = object.pointer("/spec/selector")?.clone();
        let pod = objects.iter().find_map(|pod| {
            let place = pod_template_path(pod).filter(|_| selects(std::slice::from_ref(pod), &labels))?;
            let name = text(pod, &format!("{place}/spec/containers/0/ports/0/name"));
            (!name.is_empty()).then(|| name.to_owned())
        })?;
        Some((labels, pod))
    };
    let services = objects.iter().enumerate().filter(|(_, object)| text(object, "/kind") == "Service");
    let found: Vec<(usize, Json, String)> =
        services.filter_map(|(at, object)| of_service(object).map(|(labels, port)| (at, labels, port))).collect();
    for (at, pod_labels, pod_port) in found {
        let service = &mut objects[at];
        let (name, namespace) =
            (text(service, "/metadata/name").to_owned(), text(service, "/metadata/namespace").to_owned());
        service["metadata"]["labels"] = json!({"app": name, "part": "shop"});
        if text(service, "/spec/ports/0/name").is_empty() {
            service["spec"]["ports"][0]["name"] = json!("http");
        }
        let port = text(service, "/spec/ports/0/name").to_owned();
        let monitor = |kind: &str, namespace: &str, spec: Json| {
            json!({"apiVersion": "monitoring.coreos.com/v1", "kind": kind,
                "metadata": {"name": format!("metrics-{at}"), "namespace": namespace}, "spec": spec})
        };
        objects.extend([
            monitor(
                "ServiceMonitor",
                &namespace,
                json!({"selector": {"matchLabels": {"app": name}}, "endpoints": [{"port": port}]}),
            ),
            monitor(
                "ServiceMonitor",
                "monitoring",
                json!({"selector": {"matchLabels": {"app": name, "part": "shop"}},
                "namespaceSelector": {"matchNames": [namespace]}, "endpoints": [{"targetPort": pod_port}]}),
            ),
            monitor(
                "PodMonitor",
                &namespace,
                json!({"selector": {"matchLabels": pod_labels}, "podMetricsEndpoints": [{"port": pod_port}]}),
            ),
        ]);
    }
    Some(manifests)
}

fn monitors(objects: &[Json]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        let mut places: Vec<String> = Vec::new();
        match text(object, "/kind") {
            "ServiceMonitor" | "PodMonitor" => {
                places.extend(first_key(object, "/spec/selector/matchLabels"));
                places.push("/spec/namespaceSelector/matchNames/0".to_owned());
                let fields = ["endpoints/0/port", "endpoints/0/targetPort", "podMetricsEndpoints/0/port"];
                places.extend(fields.map(|field| format!("/spec/{field}")));
            }
            "Service" if text(object, "/metadata/labels/part") == "shop" => {
                places.extend(["/metadata/labels/app", "/spec/ports/0/name"].map(str::to_owned));
            }
            _ => continue,
        }
        faults.extend(misspell(at, object, places, |_| true));
    }
    faults
}

/// A kind of fault: its name, how the manifests are prepared, where it can be injected, and how many there are at least.
type Kind = (&'static str, fn(Manifests) -> Option<Manifests>, fn(&[Json]) -> Vec<Fault>, usize);

const KINDS: &[Kind] = &[
    ("selectors", Some, selectors, MOST),
    ("names", Some, names, MOST),
    ("keys", Some, keys, MOST),
    ("ports", Some, ports, MOST),
    ("subjects", with_subject, subjects, MOST),
    ("subPaths", with_sub_path, sub_paths, MOST),
    ("webhooks", with_webhook, webhooks, MOST),
    ("monitors", with_monitors, monitors, MOST),
];

#[test]
fn nearly_all_injected_faults_are_reported() {
    let mut silent = Vec::new();
    let mut scores = Vec::new();
    for (kind, prepare, inject, least) in KINDS {
        let all: Vec<Manifests> = working().into_iter().filter_map(prepare).collect();
        let faults: Vec<(&Manifests, Fault)> = all
            .iter()
            .flat_map(|manifests| inject(&manifests.objects).into_iter().map(move |fault| (manifests, fault)))
            .collect();
        assert!(faults.len() >= *least, "{kind}: {}", faults.len());
        // Spread evenly over all manifests.
        let count = faults.len().min(MOST);
        let chosen = (0..count).map(|at| &faults[at * faults.len() / count]);
        let mut reported = 0;
        for (manifests, fault) in chosen {
            let before = problems(&manifests.objects);
            let mut objects = manifests.objects.clone();
            let object = &mut objects[fault.object];
            match object.pointer_mut(&fault.place) {
                Some(value) => *value = fault.value.clone(),
                None => panic!("{}: no {}", manifests.name, fault.place),
            }
            if problems(&objects).is_subset(&before) {
                silent.push(format!(
                    "{kind}: {} {} {} = {}",
                    manifests.name,
                    text(&objects[fault.object], "/kind"),
                    fault.place,
                    fault.value
                ));
            } else {
                reported += 1;
            }
        }
        scores.push((*kind, reported, count));
    }
    eprintln!("{scores:?}");
    silent.iter().for_each(|one| eprintln!("{one}"));
    for (kind, reported, count) in &scores {
        assert!(reported * 100 >= count * 95, "{kind}: {reported} of {count}\n{}", silent.join("\n"));
    }
}
