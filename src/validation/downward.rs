//! References to a pod's own fields and resources (downward API) in environment variables and volumes.

use crate::formats::names;
use crate::formats::quantity::Quantity;
use crate::node::{Node, Value};
use crate::validation::{At, Faults};

/// Where a reference is used, which determines the fields that it may refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceUse {
    /// In an environment variable.
    Env,
    /// In a file of a volume.
    Volume,
}

/// All supported field paths, some of which are allowed in environment variables or in volumes only.
const FIELDS: &[&str] = &[
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.host",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.phase",
    "status.podIP",
    "status.podIPs",
];

const ENV_FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.host",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

const VOLUME_FIELDS: &[&str] =
    &["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

const RESOURCES: &[&str] = &[
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

/// Validates a `fieldRef`.
pub fn field(at: &At<'_, '_>, place: ReferenceUse, faults: &mut Faults<'_, '_>) {
    let (version, path) = (at.get("apiVersion"), at.get("fieldPath"));
    let text = path.text();
    if text.is_empty() {
        faults.add(&path, "`fieldPath` is required");
        return;
    }
    if !matches!(version.text(), "" | "v1") {
        faults.add(&path, format!("unsupported API version `{}` of the pod: use `v1`", version.text()));
        return;
    }
    if let Some((field, key)) = subscript(text) {
        let checked = match field {
            "metadata.labels" => names::qualified_name(key),
            "metadata.annotations" => names::qualified_name(&key.to_lowercase()),
            _ => {
                faults.add(&path, format!("`{field}` does not support a subscript"));
                return;
            }
        };
        // The API server reports the `fieldRef` here, not its `fieldPath`.
        if let Err(form) = checked {
            faults.add(&at.same(path.node), format!("the key `{key}` {form}"));
        }
        return;
    }
    let allowed = if place == ReferenceUse::Env { ENV_FIELDS } else { VOLUME_FIELDS };
    if !allowed.contains(&text) {
        let known = FIELDS.contains(&text);
        let what = if known { "is not supported here" } else { "is not a supported field path" };
        faults.add(&path, format!("`{text}` {what}"));
    }
}

/// Splits `path['key']`.
fn subscript(text: &str) -> Option<(&str, &str)> {
    let (path, key) = text.strip_suffix("']")?.split_once("['")?;
    (!path.is_empty()).then_some((path, key))
}

/// Validates a `resourceFieldRef`.
pub fn resource(at: &At<'_, '_>, place: ReferenceUse, faults: &mut Faults<'_, '_>) {
    let (container, resource, divisor) = (at.get("containerName"), at.get("resource"), at.get("divisor"));
    let name = resource.text();
    let huge = name.starts_with("limits.hugepages-") || name.starts_with("requests.hugepages-");
    if place == ReferenceUse::Volume && container.text().is_empty() {
        faults.add(&container, "`containerName` is required");
    } else if name.is_empty() {
        faults.add(&resource, "`resource` is required");
    } else if !huge && !RESOURCES.contains(&name) {
        faults.add(
            &resource,
            format!(
                "`{name}` is not supported: use `limits.` or `requests.` with `cpu`, `memory` or `ephemeral-storage`"
            ),
        );
    }
    let is_valid = match name {
        "limits.cpu" | "requests.cpu" => is_cpu_divisor,
        _ if huge || RESOURCES.contains(&name) => is_byte_divisor,
        _ => return,
    };
    match Quantity::of(divisor.node) {
        Some(amount) if !amount.is_zero() && !is_valid(divisor.node, amount) => {
            let units = if name.ends_with(".cpu") { "`1m` or `1`" } else { "`1`, `1k` to `1E` or `1Ki` to `1Ei`" };
            faults.breaks(&divisor, format!("must be {units}"));
        }
        _ => {}
    }
}

fn is_cpu_divisor(node: &Node, amount: Quantity) -> bool {
    let one = Quantity::whole(1);
    amount == one || (!is_exponential(node) && Some(amount) == Quantity::parse("1m"))
}

fn is_byte_divisor(node: &Node, amount: Quantity) -> bool {
    let units: &[&str] = match node.as_str() {
        Some(text) if text.trim().ends_with('i') => &["1", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"],
        _ if is_exponential(node) => &["1"],
        _ => &["1", "1k", "1M", "1G", "1T", "1P", "1E"],
    };
    units.iter().any(|unit| Quantity::parse(unit) == Some(amount))
}

/// Whether a quantity is written with a decimal exponent (`1e3`), a format that the API server preserves.
fn is_exponential(node: &Node) -> bool {
    match &node.value {
        Value::String(text) => {
            let text = text.trim();
            text.find(['e', 'E']).is_some_and(|at| at + 1 < text.len() && !text.ends_with('i'))
        }
        _ => false,
    }
}
