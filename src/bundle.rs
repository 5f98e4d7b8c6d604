//! Turns rendered documents into a bundle: adds content names, sorts the objects and rejects duplicates.

mod content_hash;
mod plain_names;
mod stored;

use crate::finding::{Finding, RuleId};
use crate::node::{Node, Value};
use crate::object::Object;
use crate::project::OwnReference;
use crate::references;
use ecow::{EcoString, eco_format};
use foldhash::{HashMap, HashMapExt};

pub use content_hash::bare_name;
pub(crate) use content_hash::checksum;
use content_hash::hash;

/// The objects of one profile in one environment.
#[derive(Debug, Clone, Default)]
pub struct Bundle {
    /// The objects in the order in which they are printed.
    pub objects: Vec<Object>,
    /// The config of a matching kind cluster, which is not an object of the bundle.
    pub kind_config: Option<Object>,
    /// Warnings about names that were not updated to a content name.
    pub findings: Vec<Finding>,
}

/// The key in `metadata` that adds a hash of the content to the name.
const CONTENT_NAME: &str = "$contentName";

/// The kinds in the order in which they are printed: kinds may depend on those of earlier lines. Kinds that are not
/// listed come between the workloads and the Jobs.
const ORDER: &[&[&str]] = &[
    &["Namespace"],
    &["CustomResourceDefinition", "PriorityClass", "RuntimeClass", "StorageClass", "IngressClass"],
    &["ResourceQuota", "LimitRange"],
    &["ServiceAccount"],
    &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    &["ConfigMap", "Secret"],
    &["PersistentVolume", "PersistentVolumeClaim"],
    &["Service", "EndpointSlice", "Endpoints", "NetworkPolicy"],
    &["DaemonSet", "Deployment", "Pod", "ReplicaSet", "ReplicationController", "StatefulSet"],
    &["HorizontalPodAutoscaler", "Ingress", "PodDisruptionBudget"],
    &[],
    &["CronJob", "Job"],
];

/// The position of kinds that [`ORDER`] does not list.
const OTHERS: usize = 10;

fn rank(kind: &str) -> usize {
    ORDER.iter().position(|kinds| kinds.contains(&kind)).unwrap_or(OTHERS)
}

/// Whether a document is a kind cluster config.
fn is_kind_config(object: &Object) -> bool {
    object.group() == "kind.x-k8s.io" && object.kind() == "Cluster"
}

/// An object whose name is not final yet.
struct Draft {
    object: Object,
    /// The name without a hash, by which others refer to it and by which it is sorted.
    base: EcoString,
    by_content: bool,
}

/// Names, sorts and checks the documents of the templates. `own`: the project's fields that refer to objects.
///
/// # Errors
/// Documents that are not objects, objects without kind or name, duplicate objects, and cycles of content names.
pub fn finish(documents: Vec<Node>, own: &[OwnReference]) -> Result<Bundle, Vec<Finding>> {
    let mut findings = Vec::new();
    let mut kind_config: Option<Object> = None;
    let mut drafts = Vec::with_capacity(documents.len());
    for mut document in documents {
        stored::encode_secret(&mut document);
        let object = Object::new(document);
        if is_kind_config(&object) {
            if let Some(first) = &kind_config {
                let finding =
                    Finding::error(RuleId::KindConfigDuplicate, object.span(), "duplicate kind cluster config")
                        .with_related(first.span(), "first defined here");
                findings.push(finding);
            }
            kind_config.get_or_insert(object);
            continue;
        }
        match draft(object) {
            Ok(draft) => drafts.push(draft),
            Err(finding) => findings.push(*finding),
        }
    }
    let mut warnings = Vec::new();
    if findings.is_empty() {
        warnings = name_by_content(&mut drafts, own, &mut findings);
    }
    // Sorted by what does not depend on the content, so that new content never moves an object.
    drafts.sort_by(|a, b| {
        let key = |draft: &Draft| rank(draft.object.kind());
        key(a)
            .cmp(&key(b))
            .then_with(|| a.base.cmp(&b.base))
            .then_with(|| a.object.kind().cmp(b.object.kind()))
            .then_with(|| a.object.namespace().cmp(b.object.namespace()))
            .then_with(|| a.object.name().cmp(b.object.name()))
    });
    if findings.is_empty() {
        check_duplicates(&drafts, &mut findings);
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    Ok(Bundle { objects: drafts.into_iter().map(|draft| draft.object).collect(), kind_config, findings: warnings })
}

fn draft(mut object: Object) -> Result<Draft, Box<Finding>> {
    let incomplete = |object: &Object, what: &str| {
        let finding =
            Finding::error(RuleId::ObjectIncomplete, object.node.origin.span, format!("this document {what}"));
        Box::new(finding.with_help("set `apiVersion`, `kind` and `metadata.name`"))
    };
    if !matches!(object.node.value, Value::Mapping(_)) {
        let what = format!("is {}, not an object", object.node.type_name());
        return Err(incomplete(&object, &what));
    }
    let fields = [
        ("apiVersion", object.id.api_version.is_empty()),
        ("kind", object.id.kind.is_empty()),
        ("metadata.name", object.id.name.is_empty()),
    ];
    if let Some((field, _)) = fields.iter().find(|(_, missing)| *missing) {
        return Err(incomplete(&object, &format!("has no `{field}`")));
    }
    let by_content = match object.node.get_mut("metadata").map(|metadata| &mut metadata.value) {
        Some(Value::Mapping(metadata)) => metadata.remove(CONTENT_NAME),
        _ => None,
    };
    let by_content = match by_content {
        None => false,
        Some(node) => node.as_bool().ok_or_else(|| {
            let message = format!("`$contentName` must be a boolean, not {}", node.type_name());
            Box::new(Finding::error(RuleId::TemplateDirective, node.origin.span, message))
        })?,
    };
    let base = EcoString::from(object.name());
    Ok(Draft { object, base, by_content })
}

/// The objects with content names, by kind, namespace and the name used in templates.
#[derive(Default)]
struct NameIndex {
    exact: HashMap<(EcoString, EcoString, EcoString), usize>,
    /// Regardless of the namespace; `None` if the name is ambiguous.
    anywhere: HashMap<(EcoString, EcoString), Option<usize>>,
}

impl NameIndex {
    /// The object that a reference from a namespace refers to. References of cluster-scoped objects match any
    /// namespace.
    fn find(&self, kind: &str, from: &str, named: Option<&str>, name: &str) -> Option<usize> {
        let namespace = named.unwrap_or(from);
        let exact = self.exact.get(&(kind.into(), namespace.into(), name.into())).copied();
        exact.or_else(|| match namespace {
            "" => *self.anywhere.get(&(kind.into(), name.into()))?,
            _ => None,
        })
    }
}

/// Adds hashes to names, referenced objects first, and updates the references. Returns warnings.
fn name_by_content(drafts: &mut [Draft], own: &[OwnReference], findings: &mut Vec<Finding>) -> Vec<Finding> {
    let mut index = NameIndex::default();
    for (at, draft) in drafts.iter().enumerate().filter(|(_, draft)| draft.by_content) {
        let (kind, namespace) = (EcoString::from(draft.object.kind()), EcoString::from(draft.object.namespace()));
        if let Some(first) = index.exact.insert((kind.clone(), namespace, draft.base.clone()), at) {
            let message = format!("duplicate name {} before the content hash is added", draft.object.id);
            let finding = Finding::error(RuleId::ObjectDuplicate, draft.object.span(), message)
                .with_help("rename one of them: a reference to the name would be ambiguous")
                .with_related(drafts[first].object.span(), "first defined here");
            findings.push(finding);
        }
        index.anywhere.entry((kind, draft.base.clone())).and_modify(|other| *other = None).or_insert(Some(at));
    }
    if index.exact.is_empty() {
        return Vec::new();
    }
    let mut needs: Vec<Vec<usize>> = Vec::with_capacity(drafts.len());
    for draft in drafts.iter() {
        let mut named = Vec::new();
        references::all_names(&draft.object, own, &mut |name| {
            named.extend(index.find(name.kind, draft.object.namespace(), name.namespace, name.name));
        });
        needs.push(named);
    }
    let mut order = Vec::new();
    let mut state = vec![VisitState::New; drafts.len()];
    for at in 0..drafts.len() {
        if let Err(cycle) = visit(at, &needs, &mut state, &mut order) {
            findings.push(cycle_finding(drafts, &cycle));
            return Vec::new();
        }
    }
    let mut renamed: HashMap<EcoString, Vec<usize>> = HashMap::new();
    let mut names: HashMap<usize, EcoString> = HashMap::new();
    for at in order {
        let draft = &mut drafts[at];
        let namespace = EcoString::from(draft.object.namespace());
        if !needs[at].is_empty() {
            references::change_names(&mut draft.object, own, &mut |kind, named, name| {
                names.get(&index.find(kind, &namespace, named, name)?).cloned()
            });
        }
        if draft.by_content {
            let new = eco_format!("{}-{}", draft.base, hash(&draft.object.node));
            names.insert(at, new.clone());
            if let Some(name) = draft.object.node.get_mut("metadata").and_then(|metadata| metadata.get_mut("name")) {
                name.value = Value::String(new.clone());
            }
            draft.object.id.name = new;
            renamed.entry(draft.base.clone()).or_default().push(at);
        }
    }
    plain_names::report(drafts, &renamed)
}

/// The final name of a ConfigMap or Secret with a content name, given its name in the template or `Kind/name`. These
/// kinds refer to no other objects, so their hash is known early.
///
/// # Errors
/// If there is no such object, or the name is ambiguous.
pub(crate) fn content_name(documents: &[Node], wanted: &str) -> Result<EcoString, String> {
    let (kind, name) = wanted.split_once('/').map_or((None, wanted), |(kind, name)| (Some(kind), name));
    let is_leaf = |node: &&Node| matches!(node["kind"].text(), "ConfigMap" | "Secret");
    let is_named = |node: &&Node| {
        node.at(&["metadata", CONTENT_NAME]).as_bool() == Some(true)
            && kind.is_none_or(|kind| node["kind"].text() == kind)
    };
    let named = || documents.iter().filter(is_leaf).filter(is_named);
    let mut found = named().filter(|node| node.at(&["metadata", "name"]).text() == name);
    match (found.next(), found.next()) {
        (Some(document), None) => {
            let mut document = document.clone();
            stored::encode_secret(&mut document);
            let Ok(draft) = draft(Object::new(document)) else { return Err(format!("`{wanted}` is not an object")) };
            Ok(eco_format!("{name}-{}", hash(&draft.object.node)))
        }
        (Some(first), Some(second)) => Err(match (first["kind"].text(), second["kind"].text()) {
            (one, other) if one != other => {
                format!("both a ConfigMap and a Secret are named `{name}`: write `{one}/{name}`")
            }
            (kind, _) => format!("duplicate {kind} `{name}`"),
        }),
        (None, _) => {
            let names: Vec<&str> = named().map(|node| node.at(&["metadata", "name"]).text()).collect();
            let near = crate::suggest::nearest(name, names.iter().copied());
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            Err(format!("no ConfigMap or Secret `{wanted}` has `$contentName: true`{hint}"))
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum VisitState {
    New,
    Open,
    Done,
}

/// Visits depth first, so that an object comes after those that it refers to. The error is the cycle.
fn visit(at: usize, needs: &[Vec<usize>], state: &mut [VisitState], order: &mut Vec<usize>) -> Result<(), Vec<usize>> {
    match state[at] {
        VisitState::Done => return Ok(()),
        VisitState::Open => return Err(vec![at]),
        VisitState::New => state[at] = VisitState::Open,
    }
    for need in &needs[at] {
        visit(*need, needs, state, order).map_err(|mut cycle| {
            if cycle.len() < 2 || cycle.first() != cycle.last() {
                cycle.push(at);
            }
            cycle
        })?;
    }
    state[at] = VisitState::Done;
    order.push(at);
    Ok(())
}

fn cycle_finding(drafts: &[Draft], cycle: &[usize]) -> Finding {
    let names: Vec<String> = cycle.iter().rev().map(|at| drafts[*at].object.id.to_string()).collect();
    let span = cycle.last().map_or_else(Default::default, |at| drafts[*at].object.span());
    let message = format!("cycle of content names: {}", names.join(" refers to "));
    let finding =
        Finding::error(RuleId::ContentNameCycle, span, message).with_help("remove `$contentName` from one of them");
    cycle
        .iter()
        .skip(1)
        .rev()
        .skip(1)
        .fold(finding, |finding, at| finding.with_related(drafts[*at].object.span(), "part of the cycle"))
}

fn check_duplicates(drafts: &[Draft], findings: &mut Vec<Finding>) {
    let mut seen: HashMap<(&str, &str, &str, &str), &Object> = HashMap::with_capacity(drafts.len());
    for Draft { object, .. } in drafts {
        let identity = (object.group(), object.kind(), object.namespace(), object.name());
        if let Some(first) = seen.insert(identity, object) {
            let mut finding = Finding::error(
                RuleId::ObjectDuplicate,
                object.span(),
                format!("duplicate object {} in this bundle", object.id),
            )
            .with_help("rename one of them, or exclude one with `$if`")
            .with_related(first.span(), "first defined here");
            finding.object = Some(object.id.clone());
            findings.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::source::Sources;
    use crate::yaml::{Dialect, emit_stream, load};

    fn finish_text(text: &str) -> Result<Bundle, Vec<Finding>> {
        let sources = Sources::new();
        let file = sources.add("t.yaml", text);
        let loaded = load(&sources, file, Dialect::Strict);
        assert_eq!(loaded.findings, []);
        finish(loaded.documents, &[])
    }

    fn names(text: &str) -> Vec<String> {
        finish_text(text).unwrap().objects.iter().map(|object| object.id.to_string()).collect()
    }

    fn error(text: &str) -> String {
        let findings = finish_text(text).unwrap_err();
        findings.iter().map(|finding| format!("{}: {}", finding.rule, finding.message)).collect::<Vec<_>>().join("\n")
    }

    fn object(kind: &str, name: &str, rest: &str) -> String {
        format!("---\napiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}}}\n{rest}\n")
    }

    #[test]
    fn objects_are_sorted_by_kind_then_name() {
        let kinds = [
            "Job",
            "CronJob",
            "Widget",
            "Ingress",
            "StatefulSet",
            "Deployment",
            "Service",
            "PersistentVolumeClaim",
            "Secret",
            "ConfigMap",
            "RoleBinding",
            "ServiceAccount",
            "Namespace",
        ];
        let text: String = kinds.iter().map(|kind| object(kind, "x", "")).collect();
        let expected = [
            "Namespace/x",
            "ServiceAccount/x",
            "RoleBinding/x",
            "ConfigMap/x",
            "Secret/x",
            "PersistentVolumeClaim/x",
            "Service/x",
            "Deployment/x",
            "StatefulSet/x",
            "Ingress/x",
            "Widget/x",
            "CronJob/x",
            "Job/x",
        ];
        assert_eq!(names(&text), expected);
        let text = object("Secret", "a", "") + &object("ConfigMap", "b", "") + &object("ConfigMap", "a", "");
        assert_eq!(names(&text), ["ConfigMap/a", "Secret/a", "ConfigMap/b"]);
    }

    #[test]
    fn duplicate_objects_are_errors() {
        let twice = object("Secret", "a", "") + &object("Secret", "a", "");
        assert_eq!(error(&twice), "object-duplicate: duplicate object Secret/a in this bundle");
        // The version is not part of the identity, the group is.
        let group = "---\napiVersion: a.example/v1\nkind: W\nmetadata: {name: a}\n---\napiVersion: a.example/v2\nkind: W\nmetadata: {name: a}\n";
        assert!(error(group).starts_with("object-duplicate"));
        assert_eq!(names(&group.replace("a.example/v2", "b.example/v1")).len(), 2);
        let spaces = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: p}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: q}\n";
        assert_eq!(names(spaces).len(), 2);
    }

    #[test]
    fn documents_that_are_not_objects_are_errors() {
        assert_eq!(error("- a\n"), "object-incomplete: this document is a list, not an object");
        assert_eq!(error("kind: A\n"), "object-incomplete: this document has no `apiVersion`");
        assert_eq!(error("apiVersion: v1\nkind: A\n"), "object-incomplete: this document has no `metadata.name`");
        let directive = "apiVersion: v1\nkind: A\nmetadata: {name: a, $contentName: 'yes'}\n";
        assert_eq!(error(directive), "template-directive: `$contentName` must be a boolean, not a string");
    }

    #[test]
    fn a_kind_config_is_not_an_object_of_the_bundle() {
        let config = "---\napiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\nname: c\n";
        let bundle = finish_text(&(object("Secret", "a", "") + config)).unwrap();
        assert_eq!(bundle.objects.len(), 1);
        assert_eq!(bundle.kind_config.unwrap().node["name"].text(), "c");
        assert!(error(&config.repeat(2)).starts_with("kind-config-duplicate"));
        let other = "---\napiVersion: cluster.x-k8s.io/v1\nkind: Cluster\nmetadata: {name: c}\n";
        assert_eq!(names(other), ["Cluster/c"]);
    }

    const CHAIN: &str = "\
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, namespace: ns, $contentName: true, labels: {app.kubernetes.io/version: '1', a: b}}
spec:
  template:
    spec:
      containers: [{name: c, envFrom: [{configMapRef: {name: sql}}]}]
      volumes:
        - {name: v, projected: {sources: [{configMap: {name: sql}}, {configMap: {name: other}}, {secret: {name: sql}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: ns}
spec: {template: {spec: {volumes: [{name: v, configMap: {name: sql}}]}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: sql, namespace: ns, $contentName: true}
data: {one.sql: SELECT 1}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: elsewhere}
spec: {template: {spec: {volumes: [{name: v, configMap: {name: sql}}]}}}
";

    /// The names of the ConfigMap and of the Job.
    fn chain(text: &str) -> (String, String) {
        let names = names(text);
        let find = |prefix: &str| names.iter().find(|name| name.starts_with(prefix)).unwrap().clone();
        (find("ConfigMap/"), find("Job/"))
    }

    #[test]
    fn content_names_depend_on_the_content_and_references_are_updated() {
        let (map, job) = chain(CHAIN);
        let name = map.strip_prefix("ConfigMap/").unwrap();
        assert_eq!((name.len(), job.len()), ("sql-".len() + 10, "Job/migrate-".len() + 10));
        let yaml = emit_stream(finish_text(CHAIN).unwrap().objects.iter().map(|object| &object.node));
        assert_eq!(yaml.matches(name).count(), 4, "{yaml}");
        // References to another namespace, kind or name are unchanged.
        assert_eq!(yaml.matches("name: sql\n").count(), 2, "{yaml}");
        assert!(yaml.contains("name: other\n") && !yaml.contains("$contentName"), "{yaml}");
    }

    #[test]
    fn new_content_renames_exactly_the_objects_that_depend_on_it() {
        let (map, job) = chain(CHAIN);
        let (new_map, new_job) = chain(&CHAIN.replace("SELECT 1", "SELECT 2"));
        assert!(map != new_map && job != new_job);
        assert_eq!(chain(&CHAIN.replace("version: '1'", "version: '2'")), (map.clone(), job.clone()));
        assert_eq!(
            chain(&CHAIN.replace("name: c, envFrom", "envFrom").replace("}}]}]", "}}], name: c}]")),
            (map.clone(), job.clone())
        );
        let (same_map, new_job) = chain(&CHAIN.replace("a: b", "a: c"));
        assert!(same_map == map && new_job != job);
        // Moving text from one key to the next changes the hash as well.
        let (moved, _) = chain(&CHAIN.replace("{one.sql: SELECT 1}", "{one.sql: SELECT, x: 1}"));
        assert_ne!(moved, map);
    }

    #[test]
    fn a_cycle_of_content_names_is_an_error() {
        let scaler = |name: &str, target: &str| {
            format!(
                "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: {name}, $contentName: true}}\n\
                 spec: {{scaleTargetRef: {{kind: HorizontalPodAutoscaler, name: {target}}}}}\n"
            )
        };
        assert_eq!(names(&(scaler("a", "b") + &scaler("b", "c") + &scaler("c", "d"))).len(), 3);
        let findings = finish_text(&(scaler("x", "a") + &scaler("a", "b") + &scaler("b", "a"))).unwrap_err();
        assert_eq!(findings.len(), 1);
        let kind = "HorizontalPodAutoscaler";
        let expected = format!("cycle of content names: {kind}/a refers to {kind}/b refers to {kind}/a");
        assert_eq!((findings[0].rule, &*findings[0].message), (RuleId::ContentNameCycle, &*expected));
        assert_eq!(findings[0].related.len(), 1);
        assert!(error(&scaler("a", "a")).starts_with("content-name-cycle"));
    }

    #[test]
    fn duplicate_names_before_the_hash_are_errors() {
        let one = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, $contentName: true}\ndata: {a: b}\n";
        assert!(
            error(&(one.to_owned() + &one.replace("a: b", "a: c")))
                .starts_with("object-duplicate: duplicate name ConfigMap/a")
        );
    }
}
