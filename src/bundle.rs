//! From rendered documents to a bundle: content names, a fixed order, each object once.

mod digits;
mod left;
mod stored;

use crate::finding::{Finding, RuleId};
use crate::node::{Node, Value};
use crate::object::Object;
use crate::project::OwnReference;
use crate::references;
use ecow::{EcoString, eco_format};
use foldhash::{HashMap, HashMapExt};

pub use digits::bare_name;
pub(crate) use digits::checksum;
use digits::hash;

/// The objects of one profile in one environment.
#[derive(Debug, Clone, Default)]
pub struct Bundle {
    /// In the order they are printed.
    pub objects: Vec<Object>,
    /// The config of the kind cluster the bundle fits; no object of the bundle.
    pub kind_config: Option<Object>,
    /// Warnings: places where nothing follows a name with a hash.
    pub findings: Vec<Finding>,
}

/// What `metadata` says where the name is to carry a hash of the content.
const CONTENT_NAME: &str = "$contentName";

/// The kinds in the order they are printed: each line may need those above it, and what is not named stands between
/// the workloads and the Jobs.
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

/// The place of what [`ORDER`] does not name.
const OTHERS: usize = 10;

fn rank(kind: &str) -> usize {
    ORDER.iter().position(|kinds| kinds.contains(&kind)).unwrap_or(OTHERS)
}

/// Whether a document is a kind cluster's config.
fn is_kind_config(object: &Object) -> bool {
    object.group() == "kind.x-k8s.io" && object.kind() == "Cluster"
}

/// An object on its way into the bundle.
struct Draft {
    object: Object,
    /// The name before a hash was put to it: what others call it, and what it is ordered by.
    base: EcoString,
    by_content: bool,
}

/// Names, orders and counts the documents that the templates made. `own`: fields that the project says name objects.
///
/// # Errors
/// Documents that are no objects, objects without kind or name, two of one identity, content names that depend on each
/// other in a cycle.
pub fn finish(documents: Vec<Node>, own: &[OwnReference]) -> Result<Bundle, Vec<Finding>> {
    let mut findings = Vec::new();
    let mut kind_config: Option<Object> = None;
    let mut drafts = Vec::with_capacity(documents.len());
    for mut document in documents {
        stored::encode_secret(&mut document);
        let object = Object::new(document);
        if is_kind_config(&object) {
            if let Some(first) = &kind_config {
                let finding = Finding::error(RuleId::KindConfigDuplicate, object.span(), "two kind cluster configs")
                    .with_related(first.span(), "here is the first");
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
    // By what does not change with the content, so that new content never moves an object.
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
        each_once(&drafts, &mut findings);
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
        Box::new(finding.with_help("an object has `apiVersion`, `kind` and `metadata.name`"))
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
            let message = format!("`$contentName` is true or false, not {}", node.type_name());
            Box::new(Finding::error(RuleId::TemplateDirective, node.origin.span, message))
        })?,
    };
    let base = EcoString::from(object.name());
    Ok(Draft { object, base, by_content })
}

/// Who is named by content, by what others call them: kind, namespace and name as templates write them.
#[derive(Default)]
struct Called {
    exact: HashMap<(EcoString, EcoString, EcoString), usize>,
    /// Whatever the namespace; none where there are several.
    anywhere: HashMap<(EcoString, EcoString), Option<usize>>,
}

impl Called {
    /// Who that is, as an object of a namespace calls it. What stands in no namespace calls those of any.
    fn find(&self, kind: &str, from: &str, named: Option<&str>, name: &str) -> Option<usize> {
        let namespace = named.unwrap_or(from);
        let exact = self.exact.get(&(kind.into(), namespace.into(), name.into())).copied();
        exact.or_else(|| match namespace {
            "" => *self.anywhere.get(&(kind.into(), name.into()))?,
            _ => None,
        })
    }
}

/// Puts hashes to names, the named before those who name them, and tells everyone the new names. What comes back are warnings.
fn name_by_content(drafts: &mut [Draft], own: &[OwnReference], findings: &mut Vec<Finding>) -> Vec<Finding> {
    let mut called = Called::default();
    for (at, draft) in drafts.iter().enumerate().filter(|(_, draft)| draft.by_content) {
        let (kind, namespace) = (EcoString::from(draft.object.kind()), EcoString::from(draft.object.namespace()));
        if let Some(first) = called.exact.insert((kind.clone(), namespace, draft.base.clone()), at) {
            let message = format!("two objects have the name {} before the content hash is added", draft.object.id);
            let finding = Finding::error(RuleId::ObjectDuplicate, draft.object.span(), message)
                .with_help("rename one of them: a reference to the name would be ambiguous")
                .with_related(drafts[first].object.span(), "here is the first");
            findings.push(finding);
        }
        called.anywhere.entry((kind, draft.base.clone())).and_modify(|other| *other = None).or_insert(Some(at));
    }
    if called.exact.is_empty() {
        return Vec::new();
    }
    let mut needs: Vec<Vec<usize>> = Vec::with_capacity(drafts.len());
    for draft in drafts.iter() {
        let mut named = Vec::new();
        references::all_names(&draft.object, own, &mut |name| {
            named.extend(called.find(name.kind, draft.object.namespace(), name.namespace, name.name));
        });
        needs.push(named);
    }
    let mut order = Vec::new();
    let mut state = vec![State::New; drafts.len()];
    for at in 0..drafts.len() {
        if let Err(cycle) = place(at, &needs, &mut state, &mut order) {
            findings.push(in_a_cycle(drafts, &cycle));
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
                names.get(&called.find(kind, &namespace, named, name)?).cloned()
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
    left::report(drafts, &renamed)
}

/// The name that a ConfigMap or Secret among some documents will have, which name no others: its name in the template, or
/// `Kind/name`.
///
/// # Errors
/// Where there is none of that name, or several.
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
            (kind, _) => format!("two {kind} objects are named `{name}`"),
        }),
        (None, _) => {
            let names: Vec<&str> = named().map(|node| node.at(&["metadata", "name"]).text()).collect();
            let near = crate::suggest::nearest(name, names.iter().copied());
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            Err(format!("no ConfigMap or Secret `{wanted}` with `$contentName: true`{hint}"))
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

/// Depth first: what an object names comes before it. The error is the way round.
fn place(at: usize, needs: &[Vec<usize>], state: &mut [State], order: &mut Vec<usize>) -> Result<(), Vec<usize>> {
    match state[at] {
        State::Done => return Ok(()),
        State::Open => return Err(vec![at]),
        State::New => state[at] = State::Open,
    }
    for need in &needs[at] {
        place(*need, needs, state, order).map_err(|mut cycle| {
            if cycle.len() < 2 || cycle.first() != cycle.last() {
                cycle.push(at);
            }
            cycle
        })?;
    }
    state[at] = State::Done;
    order.push(at);
    Ok(())
}

fn in_a_cycle(drafts: &[Draft], cycle: &[usize]) -> Finding {
    let names: Vec<String> = cycle.iter().rev().map(|at| drafts[*at].object.id.to_string()).collect();
    let span = cycle.last().map_or_else(Default::default, |at| drafts[*at].object.span());
    let message = format!("content names in a cycle: {}", names.join(" needs "));
    let finding = Finding::error(RuleId::ContentNameCycle, span, message)
        .with_help("each name would depend on the other's content; remove `$contentName` from one of them");
    cycle
        .iter()
        .skip(1)
        .rev()
        .skip(1)
        .fold(finding, |finding, at| finding.with_related(drafts[*at].object.span(), "part of the cycle"))
}

fn each_once(drafts: &[Draft], findings: &mut Vec<Finding>) {
    let mut seen: HashMap<(&str, &str, &str, &str), &Object> = HashMap::with_capacity(drafts.len());
    for Draft { object, .. } in drafts {
        let identity = (object.group(), object.kind(), object.namespace(), object.name());
        if let Some(first) = seen.insert(identity, object) {
            let mut finding = Finding::error(
                RuleId::ObjectDuplicate,
                object.span(),
                format!("duplicate object {} in this bundle", object.id),
            )
            .with_help(
                "the second would overwrite the first; give it another name, or an `$if` that excludes the other",
            )
            .with_related(first.span(), "here is the first");
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
    fn the_order_is_that_of_kinds_then_names() {
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
    fn each_object_stands_once() {
        let twice = object("Secret", "a", "") + &object("Secret", "a", "");
        assert_eq!(error(&twice), "object-duplicate: duplicate object Secret/a in this bundle");
        // The version tells nothing apart, the group does.
        let group = "---\napiVersion: a.example/v1\nkind: W\nmetadata: {name: a}\n---\napiVersion: a.example/v2\nkind: W\nmetadata: {name: a}\n";
        assert!(error(group).starts_with("object-duplicate"));
        assert_eq!(names(&group.replace("a.example/v2", "b.example/v1")).len(), 2);
        let spaces = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: p}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: q}\n";
        assert_eq!(names(spaces).len(), 2);
    }

    #[test]
    fn what_is_no_object_is_told() {
        assert_eq!(error("- a\n"), "object-incomplete: this document is a list, not an object");
        assert_eq!(error("kind: A\n"), "object-incomplete: this document has no `apiVersion`");
        assert_eq!(error("apiVersion: v1\nkind: A\n"), "object-incomplete: this document has no `metadata.name`");
        let directive = "apiVersion: v1\nkind: A\nmetadata: {name: a, $contentName: 'yes'}\n";
        assert_eq!(error(directive), "template-directive: `$contentName` is true or false, not a string");
    }

    #[test]
    fn the_kind_config_is_no_object_of_the_bundle() {
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
    fn content_names_follow_the_content_and_are_told_to_all() {
        let (map, job) = chain(CHAIN);
        let name = map.strip_prefix("ConfigMap/").unwrap();
        assert_eq!((name.len(), job.len()), ("sql-".len() + 10, "Job/migrate-".len() + 10));
        let yaml = emit_stream(finish_text(CHAIN).unwrap().objects.iter().map(|object| &object.node));
        assert_eq!(yaml.matches(name).count(), 4, "{yaml}");
        // Another namespace, another kind, another name stay.
        assert_eq!(yaml.matches("name: sql\n").count(), 2, "{yaml}");
        assert!(yaml.contains("name: other\n") && !yaml.contains("$contentName"), "{yaml}");
    }

    #[test]
    fn new_content_renames_all_who_depend_on_it_and_nothing_else_does() {
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
        // Not by moving text from one key to its neighbour either.
        let (moved, _) = chain(&CHAIN.replace("{one.sql: SELECT 1}", "{one.sql: SELECT, x: 1}"));
        assert_ne!(moved, map);
    }

    #[test]
    fn content_names_in_a_cycle_are_an_error() {
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
        let expected = format!("content names in a cycle: {kind}/a needs {kind}/b needs {kind}/a");
        assert_eq!((findings[0].rule, &*findings[0].message), (RuleId::ContentNameCycle, &*expected));
        assert_eq!(findings[0].related.len(), 1);
        assert!(error(&scaler("a", "a")).starts_with("content-name-cycle"));
    }

    #[test]
    fn two_of_one_name_before_the_hash_are_told() {
        let one = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, $contentName: true}\ndata: {a: b}\n";
        assert!(
            error(&(one.to_owned() + &one.replace("a: b", "a: c")))
                .starts_with("object-duplicate: two objects have the name ConfigMap/a")
        );
    }
}
