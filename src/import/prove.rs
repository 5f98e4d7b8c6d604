//! Verifies the new project: compares what it renders with the copies.

use foldhash::{HashMap, HashMapExt};

use super::copies::{Variant, is_kind_config};
use super::equal::first_difference;
use super::layout::Files;
use crate::finding::Failure;
use crate::kube::crd::CustomKinds;
use crate::layers::Overrides;
use crate::object::Object;
use crate::parallel::in_parallel;
use crate::project::Project;
use crate::render::{Rendered, Renderer};
use crate::source::Sources;

/// The environment that the new project is rendered for.
pub(super) const ENVIRONMENT: &str = "e2e";

/// Renders all profiles of a project in memory.
///
/// # Errors
/// If the files do not form a project, or a profile does not render.
pub(super) fn render(files: &Files, variants: &[Variant], sources: &Sources) -> Result<Vec<Rendered>, Failure> {
    let texts = files.iter().map(|(path, text)| (path.clone(), text.as_str().into())).collect();
    let project = Project::in_memory(texts);
    let renderer = Renderer::load(&project, sources, &Overrides::default())?;
    in_parallel(variants, None, |variant| renderer.render(&variant.name, ENVIRONMENT)).into_iter().collect()
}

/// An object whose rendering differs from the copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// The index of the copy.
    pub(super) copy: usize,
    /// The object as `Kind/name`.
    pub(super) object: String,
    /// The first field that differs; empty if the whole object is missing or unexpected.
    pub(super) field: String,
}

/// The objects whose rendering differs from the copy, as the API server stores them. `custom` are the custom resource
/// definitions among the copies.
pub(super) fn differences(
    copy: usize,
    objects: &[Object],
    rendered: &Rendered,
    custom: &CustomKinds<'_>,
) -> Vec<Difference> {
    let mut found: HashMap<_, &Object> = HashMap::new();
    for object in rendered.objects.iter().chain(&rendered.kind_config) {
        found.insert(identity(object), object);
    }
    let mut differences = Vec::new();
    for object in objects {
        let field = match found.remove(&identity(object)) {
            None => Some(String::new()),
            Some(other) => first_difference(&object.node, &other.node, custom),
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

type ObjectKey = (String, String, String, String);

fn identity(object: &Object) -> ObjectKey {
    if is_kind_config(object) {
        return (object.group().into(), object.kind().into(), String::new(), String::new());
    }
    (object.group().into(), object.kind().into(), object.namespace().into(), object.name().into())
}
