//! Labels, annotations and label selectors, as `k8s.io/apimachinery/pkg/apis/meta/v1/validation` validates them.

use foldhash::{HashMap, HashMapExt, HashSet};

use crate::formats::names;
use crate::node::Node;
use crate::validation::{At, Faults};

/// Validates labels. The API server reports the map, not the key.
pub fn labels(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    for (key, value) in at.keys() {
        if let Err(form) = names::qualified_name(key) {
            faults.add(&at.same(value.node), format!("the label key `{key}` {form}"));
        }
        if let Err(form) = names::label_value(value.text()) {
            faults.add(&at.same(value.node), format!("the value of label `{key}` {form}"));
        }
    }
}

/// Validates annotations: keys must be qualified names in any case, and the total size at most 256 KiB.
pub fn annotations(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    let mut total = 0;
    for (key, value) in at.keys() {
        total += key.len() + value.text().len();
        let form = match key.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => names::qualified_name(&key.to_lowercase()),
            false => names::qualified_name(key),
        };
        if let Err(form) = form {
            faults.add(&at.same(value.node), format!("the annotation key `{key}` {form}"));
        }
    }
    if total > 262_144 {
        faults.add(at, format!("the annotations must be no more than 262144 bytes, but are {total} bytes"));
    }
}

/// Validates a label selector, which need not be set.
pub fn label_selector(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    labels(&at.get("matchLabels"), faults);
    for requirement in at.get("matchExpressions").items() {
        let (operator, values) = (requirement.get("operator"), requirement.get("values"));
        let count = values.node.items().len();
        match operator.text() {
            "In" | "NotIn" if count == 0 => {
                faults.add(&values, format!("values are required with the operator `{}`", operator.text()));
            }
            "Exists" | "DoesNotExist" if count > 0 => {
                faults.add(&values, format!("values are not allowed with the operator `{}`", operator.text()));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => {
                faults.add(
                    &operator,
                    format!(
                        "`{other}` is not a valid selector operator: use `In`, `NotIn`, `Exists` or `DoesNotExist`"
                    ),
                );
            }
        }
        let key = requirement.get("key");
        faults.check(&key, names::qualified_name(key.text()));
        for value in values.items() {
            faults.check(&value, names::label_value(value.text()));
        }
    }
}

/// Validates `matchLabelKeys` and `mismatchLabelKeys`: the keys of pod labels that are added to the selector of a term.
///
/// The API server adds the labels of a Pod before it validates the selector, which must then not contain a key twice; it reports
/// the term with the index of the key.
pub fn label_keys<'n>(term: &At<'n, '_>, pod_labels: &'n Node, faults: &mut Faults<'_, '_>) {
    let own = term.get("labelSelector");
    let (same, other) = (term.get("matchLabelKeys"), term.get("mismatchLabelKeys"));
    for list in [same, other] {
        if list.node.items().is_empty() {
            continue;
        }
        if !own.is_set() {
            faults.breaks(&list, "requires a `labelSelector`");
            continue;
        }
        for key in list.items() {
            faults.check(&key, names::qualified_name(key.text()));
        }
    }
    let mut expressions: HashMap<&str, usize> = HashMap::new();
    if !same.node.items().is_empty() {
        for requirement in own.node["matchExpressions"].items() {
            *expressions.entry(requirement["key"].text()).or_default() += 1;
        }
    }
    for (index, key) in same.node.items().iter().enumerate() {
        let text = key.text();
        let count = expressions.get(text).copied().unwrap_or_default()
            + usize::from(own.node["matchLabels"].get(text).is_some())
            + usize::from(pod_labels.get(text).is_some());
        if own.is_set() && count > 1 {
            faults.add(&term.item(index, key), format!("the label key `{text}` is also in `labelSelector`"));
        }
    }
    let others: HashSet<&str> = other.node.items().iter().map(Node::text).collect();
    for key in same.items() {
        if others.contains(key.text()) {
            faults.add(&key, format!("the label key `{}` is also in `mismatchLabelKeys`", key.text()));
        }
    }
}

/// Whether all keys, operators and values of a selector are valid.
#[must_use]
pub fn is_valid(selector: &Node) -> bool {
    let label = |key: &str, value: &str| names::qualified_name(key).is_ok() && names::label_value(value).is_ok();
    selector["matchLabels"].entries().iter().all(|entry| label(&entry.key, entry.value.text()))
        && selector["matchExpressions"].items().iter().all(|requirement| {
            let values = requirement["values"].items();
            let operator = match requirement["operator"].text() {
                "In" | "NotIn" => !values.is_empty(),
                "Exists" | "DoesNotExist" => values.is_empty(),
                _ => false,
            };
            operator
                && names::qualified_name(requirement["key"].text()).is_ok()
                && values.iter().all(|value| names::label_value(value.text()).is_ok())
        })
}

/// Whether a selector has no requirements, so that it selects everything.
#[must_use]
pub fn is_empty(selector: &Node) -> bool {
    selector["matchLabels"].entries().is_empty() && selector["matchExpressions"].items().is_empty()
}

/// Whether a valid selector matches these labels; a selector that is not set matches nothing.
#[must_use]
pub fn matches(selector: &Node, labels: &Node) -> bool {
    selector.is_set()
        && selector["matchLabels"]
            .entries()
            .iter()
            .all(|entry| labels.get(&entry.key).is_some_and(|value| value.text() == entry.value.text()))
        && selector["matchExpressions"].items().iter().all(|requirement| {
            let label = labels.get(requirement["key"].text());
            let among = |label: &Node| requirement["values"].items().iter().any(|value| value.text() == label.text());
            match requirement["operator"].text() {
                "In" => label.is_some_and(among),
                "NotIn" => !label.is_some_and(among),
                "Exists" => label.is_some(),
                _ => label.is_none(),
            }
        })
}
