use super::*;
use crate::source::FileId;
use crate::yaml::{Dialect, emit, load_text};

fn object(text: &str) -> Object {
    let loaded = load_text(text, FileId(0), Dialect::Kubectl);
    assert_eq!(loaded.findings, [], "{text}");
    Object::new(loaded.documents[0].clone())
}

/// The kinds, namespaces and names of the references of an object.
fn named(object: &Object, own: &[OwnReference]) -> Vec<String> {
    let mut found = Vec::new();
    all_names(object, own, &mut |name| {
        let namespace = name.namespace.map_or_else(String::new, |namespace| format!("{namespace}/"));
        found.push(format!("{} {namespace}{}", name.kind, name.name));
    });
    found.sort();
    found.dedup();
    found
}

/// A YAML mapping with a name in the field of a row.
fn field(row: &ReferenceField, text: &str) -> String {
    let mut field = text.to_owned();
    for (at, step) in row.field.split('.').rev().filter(|step| !step.is_empty()).enumerate() {
        let beside = match (at, row.target) {
            (0, TargetKind::Typed("") | TargetKind::Beside) => ", kind: Thing",
            (0, TargetKind::Resources) => ", resources: [configmaps]",
            _ => "",
        };
        field = match step.strip_suffix("[]") {
            Some(list) => format!("{{{list}: [{field}]{beside}}}"),
            None => format!("{{{step}: {field}{beside}}}"),
        };
    }
    field
}

fn expected(row: &ReferenceField) -> &str {
    match row.target {
        TargetKind::Named(kind) => kind,
        TargetKind::Typed("") | TargetKind::Beside => "Thing",
        TargetKind::Typed(kind) => kind,
        TargetKind::Resources => "ConfigMap",
    }
}

#[test]
fn every_field_is_found_and_renamed() {
    let pod = |spec: &str| {
        format!(
            "{{apiVersion: batch/v1, kind: CronJob, spec: {{jobTemplate: {{spec: {{template: {{spec: {spec}}}}}}}}}}}"
        )
    };
    let mut cases: Vec<(&ReferenceField, String)> = Vec::new();
    cases.extend(table::POD.iter().map(|row| (row, pod(&field(row, "name-here")))));
    for list in CONTAINERS {
        let container = |row| pod(&format!("{{{list}: [{}]}}", field(row, "name-here")));
        cases.extend(table::CONTAINER.iter().map(|row| (row, container(row))));
    }
    for (kind, group, rows) in table::KINDS.iter().chain(custom::KINDS) {
        let api_version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
        for row in *rows {
            let body = field(row, "name-here");
            let body = body.strip_suffix('}').unwrap_or(&body);
            cases.push((row, format!("{body}, apiVersion: {api_version}, kind: {kind}}}")));
        }
    }
    for (row, text) in cases {
        let mut object = object(&text);
        let found = named(&object, &[]);
        assert!(found.contains(&format!("{} name-here", expected(row))), "{text} {found:?}");
        change_names(&mut object, &[], &mut |_, _, name| (name == "name-here").then(|| "new-name".into()));
        let changed = emit(&object.node);
        assert!(changed.contains("new-name") && !changed.contains("name-here"), "{changed}");
    }
}

#[test]
fn kinds_of_other_groups_are_not_references() {
    let route = |reference: &str| {
        let text = format!(
            "{{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, spec: {{rules: [{{backendRefs: [{reference}]}}]}}}}"
        );
        named(&object(&text), &[])
    };
    assert_eq!(route("{name: web}"), ["Service web"]);
    assert_eq!(route("{name: web, group: '', kind: Service, namespace: other}"), ["Service other/web"]);
    assert_eq!(route("{name: web, group: example.com, kind: Service}"), [""; 0]);
    assert_eq!(route("{name: web, group: net.gke.io, kind: ServiceImport}"), ["ServiceImport web"]);
    let scaled = |target: &str| {
        named(
            &object(&format!(
                "{{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, spec: {{scaleTargetRef: {target}}}}}"
            )),
            &[],
        )
    };
    assert_eq!(scaled("{name: web}"), ["Deployment web"]);
    assert_eq!(scaled("{name: web, apiVersion: argoproj.io/v1alpha1, kind: Rollout}"), ["Rollout web"]);
    assert_eq!(scaled("{name: web, apiVersion: example.com/v1, kind: Deployment}"), [""; 0]);
}

#[test]
fn names_are_found_in_several_notations() {
    let ingress = |annotations: &str| {
        let text = format!(
            "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{annotations: {{{annotations}}}}}}}"
        );
        object(&text)
    };
    let mut both = ingress(
        "nginx.ingress.kubernetes.io/auth-secret: other/login, configmap.reloader.stakater.com/reload: 'a, b,c', x/auth-secret: d",
    );
    assert_eq!(named(&both, &[]), ["ConfigMap a", "ConfigMap b", "ConfigMap c", "Secret other/login"]);
    change_names(&mut both, &[], &mut |_, _, name| matches!(name, "login" | "b").then(|| format!("{name}-1").into()));
    assert_eq!(named(&both, &[]), ["ConfigMap a", "ConfigMap b-1", "ConfigMap c", "Secret other/login-1"]);
    let host = |host: &str| {
        let text = format!("{{apiVersion: networking.istio.io/v1, kind: DestinationRule, spec: {{host: {host}}}}}");
        named(&object(&text), &[])
    };
    assert_eq!(host("web"), ["Service web"]);
    assert_eq!(host("web.shop.svc.cluster.local"), ["Service shop/web"]);
    for other in ["example.com", "'*.example.com'", "'*'", "'*.shop.svc.cluster.local'", "WEB.SHOP.svc.cluster.local"] {
        assert_eq!(host(other), [""; 0], "{other}");
    }
}

#[test]
fn references_in_other_custom_resources_are_found_by_convention() {
    let text = "{apiVersion: example.com/v1, kind: Boat, spec: {configMapRef: {name: a}, envFrom: [{secretRef: {name: b}}], \
                tlsSecretName: c, valuesFrom: [{kind: ConfigMap, name: d}], secrets: [e, {name: f}], sail: {name: g}, \
                configMapKeyRef: {name: h, namespace: other}, secret: i}}";
    let mut boat = object(text);
    let expected =
        ["ConfigMap a", "ConfigMap d", "ConfigMap other/h", "Secret b", "Secret c", "Secret e", "Secret f", "Secret i"];
    assert_eq!(named(&boat, &[]), expected);
    change_names(&mut boat, &[], &mut |_, _, name| Some(format!("{name}{name}").into()));
    let doubled: Vec<String> =
        expected.iter().map(|name| format!("{name}{}", name.rsplit(['/', ' ']).next().unwrap_or(name))).collect();
    assert_eq!(named(&boat, &[]), doubled);
    let own = OwnReference {
        kind: "Boat".to_owned(),
        group: None,
        field: "spec.sail.name".to_owned(),
        names: "Secret".to_owned(),
    };
    assert!(named(&boat, std::slice::from_ref(&own)).contains(&"Secret g".to_owned()));
    change_names(&mut boat, &[own], &mut |_, _, name| (name == "g").then(|| "new".into()));
    assert_eq!(boat.node.at(&["spec", "sail", "name"]).text(), "new");
}

#[test]
fn an_ambiguous_name_is_not_renamed() {
    let text = "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, rules: [{resources: [configmaps, secrets], resourceNames: [a, b]}]}";
    let mut role = object(text);
    change_names(&mut role, &[], &mut |kind, _, name| match (kind, name) {
        (kind, "a") => Some(format!("a-{kind}").into()),
        ("Secret", "b") => Some("b-1".into()),
        _ => None,
    });
    let names: Vec<&str> = role.node["rules"][0]["resourceNames"].items().iter().map(Node::text).collect();
    assert_eq!(names, ["a", "b-1"]);
}
