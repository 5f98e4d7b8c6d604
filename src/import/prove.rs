//! The proof: what the new project renders, beside the copies.

use foldhash::{HashMap, HashMapExt};

use super::copies::{Variant, is_kind_config};
use super::layout::Files;
use crate::finding::Failure;
use crate::formats::go::encode_base64;
use crate::layers::Overrides;
use crate::node::{Mapping, Node, Value};
use crate::object::Object;
use crate::parallel::in_parallel;
use crate::project::Project;
use crate::render::{Rendered, Renderer};
use crate::source::Sources;

/// The environment that the new project renders for.
pub(super) const ENVIRONMENT: &str = "e2e";

/// Renders all profiles of files that are not written yet.
///
/// # Errors
/// Where the files are no project, or a profile does not render.
pub(super) fn render(files: &Files, variants: &[Variant], sources: &Sources) -> Result<Vec<Rendered>, Failure> {
    let texts = files.iter().map(|(path, text)| (path.clone(), text.as_str().into())).collect();
    let project = Project::in_memory(texts);
    let renderer = Renderer::load(&project, sources, &Overrides::default())?;
    in_parallel(variants, None, |variant| renderer.render(&variant.name, ENVIRONMENT)).into_iter().collect()
}

/// An object that does not come out as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// The number of the copy.
    pub(super) copy: usize,
    /// The object, as `Kind/name`.
    pub(super) object: String,
    /// The first field that differs; empty where the object is missing or one too many.
    pub(super) field: String,
}

/// What does not come out as it was.
pub(super) fn differences(copy: usize, variant: &Variant, rendered: &Rendered) -> Vec<Difference> {
    compare(copy, &variant.objects, rendered)
}

/// Compares the objects of a copy with those rendered, as the API server reads them.
pub(super) fn compare(copy: usize, objects: &[Object], rendered: &Rendered) -> Vec<Difference> {
    let mut found: HashMap<_, &Object> = HashMap::new();
    for object in rendered.objects.iter().chain(&rendered.kind_config) {
        found.insert(identity(object), object);
    }
    let mut differences = Vec::new();
    for object in objects {
        let field = match found.remove(&identity(object)) {
            None => Some(String::new()),
            Some(other) if object.node == other.node => None,
            Some(other) => first_difference(&stored(&object.node), &stored(&other.node), String::new()),
        };
        if let Some(field) = field {
            differences.push(Difference { copy, object: object.id.to_string(), field });
        }
    }
    let extra = found.into_values().map(|object| object.id.to_string());
    let mut extra: Vec<String> = extra.collect();
    extra.sort_unstable();
    differences.extend(extra.into_iter().map(|object| Difference { copy, object, field: String::new() }));
    differences
}

type Identity = (String, String, String, String);

fn identity(object: &Object) -> Identity {
    if is_kind_config(object) {
        return (object.group().into(), object.kind().into(), String::new(), String::new());
    }
    (object.group().into(), object.kind().into(), object.namespace().into(), object.name().into())
}

/// An object as the API server reads it: a null entry is none, and `stringData` stands in `data`.
fn stored(node: &Node) -> Node {
    let mut node = without_nulls(node);
    let strings = match &mut node.value {
        Value::Mapping(mapping) if mapping.get("kind").is_some_and(|kind| kind.text() == "Secret") => {
            mapping.remove("stringData")
        }
        _ => None,
    };
    for found in strings.iter().flat_map(Node::entries) {
        let encoded = Node::new(encode_base64(found.value.text().as_bytes()), found.value.origin.span);
        super::layout::put(&mut node, &["data".into(), found.key.clone()], encoded);
    }
    node
}

fn without_nulls(node: &Node) -> Node {
    let value = match &node.value {
        Value::Mapping(mapping) => {
            let kept = mapping.iter().filter(|entry| entry.value.is_set());
            let kept = kept.map(|entry| super::template::entry(&entry.key, without_nulls(&entry.value)));
            Value::from(kept.collect::<Mapping>())
        }
        Value::Sequence(items) => Value::from(items.iter().map(without_nulls).collect::<Vec<_>>()),
        value => value.clone(),
    };
    Node { value, origin: node.origin.clone() }
}

/// The path of the first difference.
fn first_difference(one: &Node, other: &Node, path: String) -> Option<String> {
    if one == other {
        return None;
    }
    match (&one.value, &other.value) {
        (Value::Mapping(ones), Value::Mapping(others)) => {
            let keys = ones.iter().chain(others).map(|entry| &entry.key);
            let below = |key: &ecow::EcoString| {
                let path = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
                first_difference(&one[key.as_str()], &other[key.as_str()], path)
            };
            keys.into_iter().find_map(below)
        }
        (Value::Sequence(ones), Value::Sequence(others)) if ones.len() == others.len() => {
            let pairs = ones.iter().zip(others).enumerate();
            pairs.into_iter().find_map(|(at, (one, other))| first_difference(one, other, format!("{path}[{at}]")))
        }
        _ => Some(path),
    }
}
