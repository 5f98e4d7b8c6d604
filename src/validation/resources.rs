//! Resource requests and limits.

use crate::formats::quantity::Quantity;
use crate::formats::{Checked, names};
use crate::node::Node;
use crate::validation::{At, Faults};

const HUGE_PAGES: &str = "hugepages-";

/// Checks the name of a container-level resource.
pub fn container_name(name: &str) -> Checked {
    names::qualified_name(name)?;
    if !name.contains('/') {
        let standard = matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with(HUGE_PAGES);
        let message =
            "must be `cpu`, `memory`, `ephemeral-storage`, `hugepages-<size>` or an extended resource with a domain";
        return if standard { Ok(()) } else { Err(message) };
    }
    // The name with the prefix `requests.`, as in a ResourceQuota, must be valid as well.
    let quota_fits = name.len() <= 253 && name.split_once('/').is_some_and(|(domain, _)| domain.len() + 9 <= 253);
    if !is_extended(name) && !is_native(name) || !quota_fits {
        return Err("must be a valid name of an extended resource");
    }
    Ok(())
}

/// Checks the name of a pod-level resource.
pub fn pod_name(name: &str) -> Checked {
    if matches!(name, "cpu" | "memory") || name.starts_with(HUGE_PAGES) {
        return Ok(());
    }
    Err("must be `cpu`, `memory` or `hugepages-<size>` for pod-level resources")
}

fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

fn is_extended(name: &str) -> bool {
    !is_native(name) && !name.starts_with("requests.")
}

fn may_overcommit(name: &str) -> bool {
    is_native(name) && !name.starts_with(HUGE_PAGES)
}

/// The amount as the API server stores it: rounded up to a multiple of 10^-3.
fn amount(node: &Node) -> Quantity {
    Quantity::of(node).unwrap_or_default().rounded_to_milli()
}

/// Validates limits.
pub fn limits(at: &At<'_, '_>, name: fn(&str) -> Checked, faults: &mut Faults<'_, '_>) {
    for (key, value) in at.keys() {
        entry(key, &value, name, faults);
    }
}

fn entry(key: &str, at: &At<'_, '_>, name: fn(&str) -> Checked, faults: &mut Faults<'_, '_>) {
    if let Err(form) = name(key) {
        faults.add(at, format!("the resource `{key}` {form}"));
    }
    let amount = amount(at.node);
    if amount.is_negative() {
        faults.add(at, format!("`{key}` must be greater than or equal to 0"));
    }
    if is_extended(key) && !amount.is_integer() {
        faults.add(at, format!("`{key}` must be an integer"));
    }
    if let Some(size) = key.strip_prefix(HUGE_PAGES) {
        let page = Quantity::parse(size).filter(|page| page.is_integer() && !page.is_negative() && !page.is_zero());
        if !page.is_some_and(|page| Quantity::whole(amount.round_up()).is_multiple_of(page)) {
            faults.add(at, format!("`{key}` must be a multiple of the page size"));
        }
    }
}

/// Validates limits that the API server copies to the requests of a Pod's container, because these are not set.
pub fn copied_limits(at: &At<'_, '_>, name: fn(&str) -> Checked, faults: &mut Faults<'_, '_>) {
    let (limits, requests) = (at.get("limits"), at.get("requests"));
    let copies = requests.same(limits.node);
    for (key, value) in copies.keys() {
        if requests.node.get(key).is_none() {
            entry(key, &value, name, faults);
        }
    }
}

/// Validates requests and limits.
pub fn requirements(at: &At<'_, '_>, name: fn(&str) -> Checked, faults: &mut Faults<'_, '_>) {
    let (limits, requests) = (at.get("limits"), at.get("requests"));
    self::limits(&limits, name, faults);
    for (key, value) in requests.keys() {
        entry(key, &value, name, faults);
        let limit = limits.node.get(key);
        let request = amount(value.node);
        match limit.map(amount) {
            Some(limit) if request != limit && !may_overcommit(key) => {
                faults.add(&requests.same(value.node), format!("the request of `{key}` must be equal to its limit"));
            }
            Some(limit) if request > limit => {
                faults.add(
                    &requests.same(value.node),
                    format!("the request of `{key}` must be less than or equal to its limit"),
                );
            }
            None if !may_overcommit(key) => _ = faults.add(&limits, format!("a limit of `{key}` is required")),
            _ => {}
        }
    }
    let any = |wanted: fn(&str) -> bool| {
        limits.node.entries().iter().chain(requests.node.entries()).any(|entry| wanted(&entry.key))
    };
    if any(|key| key.starts_with(HUGE_PAGES)) && !any(|key| matches!(key, "cpu" | "memory")) {
        faults.add(at, "huge pages require `cpu` or `memory`");
    }
}
