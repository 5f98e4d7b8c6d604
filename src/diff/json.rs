//! Changes as JSON: `{"bundles": [...]}` with the names of the documentation.

use serde_json::{Map, Value, json as value};

use crate::diff::BundleDiff;
use crate::diff::show::{Shown, ShownField, ShownWhat, State, Tag};

/// The bundles that are written otherwise as a JSON document.
#[must_use]
pub fn json(bundles: &[BundleDiff]) -> String {
    let differing: Vec<Value> = bundles.iter().filter(|bundle| bundle.is_listed()).map(bundle).collect();
    let document = value!({ "compared": bundles.len(), "bundles": differing });
    format!("{document:#}\n")
}

fn bundle(bundle: &BundleDiff) -> Value {
    let change = match (bundle.was, bundle.is) {
        (false, _) => "added",
        (_, false) => "removed",
        _ => "changed",
    };
    let mut out = Map::new();
    out.insert("profile".into(), value!(bundle.profile));
    if !bundle.environment.is_empty() {
        out.insert("environment".into(), value!(bundle.environment));
    }
    out.insert("change".into(), value!(change));
    out.insert("unchanged".into(), value!(bundle.unchanged));
    out.insert("objects".into(), bundle.changes.iter().map(object).collect());
    Value::Object(out)
}

fn object(change: &Shown) -> Value {
    let mut out = Map::new();
    out.insert("change".into(), value!(change.state.name()));
    let id = &change.object;
    out.insert(
        "object".into(),
        value!({ "apiVersion": id.api_version, "kind": id.kind, "namespace": id.namespace, "name": id.name }),
    );
    if let Some(effect) = change.effect {
        out.insert("effect".into(), value!(effect.name()));
    }
    if let Some(renamed) = change.renamed {
        out.insert("renamed".into(), value!(renamed.to_string()));
    }
    for (key, old) in [("oldName", &change.old_name), ("oldNamespace", &change.old_namespace)] {
        if let Some(old) = old {
            out.insert(key.into(), value!(old));
        }
    }
    let consequences: Vec<Value> = change
        .consequences
        .iter()
        .map(|found| {
            let mut out = Map::new();
            out.insert("rule".into(), value!(found.rule.name()));
            out.insert("severity".into(), value!(found.severity.name()));
            out.insert("message".into(), value!(found.message));
            if !found.help.is_empty() {
                out.insert("help".into(), value!(found.help));
            }
            Value::Object(out)
        })
        .collect();
    out.insert("consequences".into(), value!(consequences));
    if change.state == State::Changed {
        out.insert("fields".into(), change.fields.iter().map(field).collect());
    }
    if !change.text.is_empty() {
        out.insert("text".into(), value!(change.text));
    }
    Value::Object(out)
}

fn field(field: &ShownField) -> Value {
    let mut out = Map::new();
    out.insert("field".into(), value!(field.field));
    if field.path != field.field {
        out.insert("path".into(), value!(field.path));
    }
    let change = match &field.what {
        ShownWhat::Values { old, new } => {
            for (key, value) in [("old", old), ("new", new)] {
                if let Some(text) = value {
                    out.insert(key.into(), value!(text));
                }
            }
            change(old.is_some(), new.is_some())
        }
        ShownWhat::Block { added, text } => {
            out.insert(if *added { "new" } else { "old" }.into(), value!(text));
            change(!added, *added)
        }
        ShownWhat::Text { lines, fields, secret } => {
            let lines: Vec<String> = lines
                .iter()
                .map(|line| match line.tag {
                    Tag::Same => format!(" {}", line.text),
                    Tag::Removed => format!("-{}", line.text),
                    Tag::Added => format!("+{}", line.text),
                    Tag::Gap => "@@".to_owned(),
                })
                .collect();
            out.insert("lines".into(), value!(lines));
            if !fields.is_empty() {
                out.insert("fields".into(), fields.iter().map(self::field).collect());
            }
            if *secret {
                out.insert("secret".into(), value!(true));
            }
            "changed"
        }
        ShownWhat::Secret { was, is } => {
            out.insert("secret".into(), value!(true));
            change(*was, *is)
        }
        ShownWhat::Checksum => "checksum",
        ShownWhat::Follows(name) => {
            out.insert("follows".into(), value!(name));
            "changed"
        }
        ShownWhat::Order { old, new } => {
            out.insert("old".into(), value!(old));
            out.insert("new".into(), value!(new));
            "reordered"
        }
    };
    out.insert("change".into(), value!(change));
    if field.equivalent {
        out.insert("equivalent".into(), value!(true));
    }
    Value::Object(out)
}

const fn change(was: bool, is: bool) -> &'static str {
    match (was, is) {
        (false, _) => "added",
        (_, false) => "removed",
        _ => "changed",
    }
}
