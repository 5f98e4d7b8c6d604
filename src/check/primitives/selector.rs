//! Label selectors and labels, as `apimachinery/pkg/apis/meta/v1/validation` checks them.

use super::names;
use crate::check::at::At;

/// Where faults go: the place and the message.
pub type Say<'s, 'n> = &'s mut dyn FnMut(&At<'n, '_>, String);

/// Keys must be qualified names, values label values. The server names the mapping, not the key.
pub fn labels<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    for (key, value) in at.keys() {
        if let Err(form) = names::qualified_name(key) {
            say(&at.same(value.node), format!("the label key `{key}` {form}"));
        }
        if let Err(form) = names::label_value(value.text()) {
            say(&at.same(value.node), format!("the value of label `{key}` {form}"));
        }
    }
}

/// Annotation keys must be qualified names (in any case), and all of them take up at most 256 KiB.
pub fn annotations<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    let mut total = 0;
    for (key, value) in at.keys() {
        total += key.len() + value.text().len();
        let form = match key.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => names::qualified_name(&key.to_lowercase()),
            false => names::qualified_name(key),
        };
        if let Err(form) = form {
            say(&at.same(value.node), format!("the annotation key `{key}` {form}"));
        }
    }
    if total > 262_144 {
        say(at, format!("the annotations take up {total} bytes; at most 262144 are allowed"));
    }
}

/// A label selector. An absent one has no faults.
pub fn label_selector<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    labels(&at.get("matchLabels"), say);
    for requirement in at.get("matchExpressions").items() {
        let (operator, values) = (requirement.get("operator"), requirement.get("values"));
        let count = values.node.items().len();
        match operator.text() {
            "In" | "NotIn" if count == 0 => {
                say(&values, format!("the operator `{}` needs values", operator.text()));
            }
            "Exists" | "DoesNotExist" if count > 0 => {
                say(&values, format!("the operator `{}` takes no values", operator.text()));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => {
                say(&operator, format!("`{other}` is no operator: use In, NotIn, Exists or DoesNotExist"));
            }
        }
        let key = requirement.get("key");
        if let Err(form) = names::qualified_name(key.text()) {
            say(&key, format!("the label key `{}` {form}", key.text()));
        }
        for value in values.items() {
            if let Err(form) = names::label_value(value.text()) {
                say(&value, format!("the label value `{}` {form}", value.text()));
            }
        }
    }
}

/// Whether a selector names a label key.
#[must_use]
pub fn names_key(at: &At<'_, '_>, key: &str) -> bool {
    at.node.at(&["matchLabels"]).get(key).is_some()
        || at.node["matchExpressions"].items().iter().any(|requirement| requirement["key"].text() == key)
}
