//! References to a pod's own fields and resources, in variables and in volumes.

use crate::formats::names;
use crate::formats::quantity::Quantity;
use crate::node::{Node, Value};
use crate::validation::{At, Faults};

/// Where the reference stands; the fields it may name differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// In a variable.
    Env,
    /// In a file of a volume.
    Volume,
}

/// What can be said of a pod in a field path, whether it is allowed here or not.
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

/// A `fieldRef`.
pub fn field(at: &At<'_, '_>, place: Use, faults: &mut Faults<'_, '_>) {
    let (version, path) = (at.get("apiVersion"), at.get("fieldPath"));
    let text = path.text();
    if text.is_empty() {
        faults.add(&path, "`fieldPath` is required");
        return;
    }
    if !matches!(version.text(), "" | "v1") {
        faults.add(&path, format!("the version `{}` of the pod is not known: use v1", version.text()));
        return;
    }
    if let Some((field, key)) = subscript(text) {
        let checked = match field {
            "metadata.labels" => names::qualified_name(key),
            "metadata.annotations" => names::qualified_name(&key.to_lowercase()),
            _ => {
                faults.add(&path, format!("`{field}` takes no key"));
                return;
            }
        };
        // The server names the reference here, not its path.
        if let Err(form) = checked {
            faults.add(&at.same(path.node), format!("the key `{key}` {form}"));
        }
        return;
    }
    let allowed = if place == Use::Env { ENV_FIELDS } else { VOLUME_FIELDS };
    if !allowed.contains(&text) {
        let known = FIELDS.contains(&text);
        let what = if known { "cannot be used here" } else { "is not a field that can be referred to" };
        faults.add(&path, format!("`{text}` {what}"));
    }
}

/// `path['key']`.
fn subscript(text: &str) -> Option<(&str, &str)> {
    let (path, key) = text.strip_suffix("']")?.split_once("['")?;
    (!path.is_empty()).then_some((path, key))
}

/// A `resourceFieldRef`.
pub fn resource(at: &At<'_, '_>, place: Use, faults: &mut Faults<'_, '_>) {
    let (container, resource, divisor) = (at.get("containerName"), at.get("resource"), at.get("divisor"));
    let name = resource.text();
    let huge = name.starts_with("limits.hugepages-") || name.starts_with("requests.hugepages-");
    if place == Use::Volume && container.text().is_empty() {
        faults.add(&container, "`containerName` is required");
    } else if name.is_empty() {
        faults.add(&resource, "`resource` is required");
    } else if !huge && !RESOURCES.contains(&name) {
        faults.add(
            &resource,
            format!("`{name}` cannot be referred to: use limits. or requests. with cpu, memory, ephemeral-storage"),
        );
    }
    let good = match name {
        "limits.cpu" | "requests.cpu" => divides_cpu,
        _ if huge || RESOURCES.contains(&name) => divides_bytes,
        _ => return,
    };
    match Quantity::of(divisor.node) {
        Some(amount) if !amount.is_zero() && !good(divisor.node, amount) => {
            let units = if name.ends_with(".cpu") { "1m or 1" } else { "1, 1k to 1E or 1Ki to 1Ei" };
            faults.add(&divisor, format!("must be {units}"));
        }
        _ => {}
    }
}

fn divides_cpu(node: &Node, amount: Quantity) -> bool {
    let one = Quantity::whole(1);
    amount == one || (!is_exponential(node) && Some(amount) == Quantity::parse("1m"))
}

fn divides_bytes(node: &Node, amount: Quantity) -> bool {
    let units: &[&str] = match node.as_str() {
        Some(text) if text.trim().ends_with('i') => &["1", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"],
        _ if is_exponential(node) => &["1"],
        _ => &["1", "1k", "1M", "1G", "1T", "1P", "1E"],
    };
    units.iter().any(|unit| Quantity::parse(unit) == Some(amount))
}

/// Whether it is written with an exponent, so that the server writes it so, too.
fn is_exponential(node: &Node) -> bool {
    match &node.value {
        Value::String(text) => {
            let text = text.trim();
            text.find(['e', 'E']).is_some_and(|at| at + 1 < text.len() && !text.ends_with('i'))
        }
        _ => false,
    }
}
