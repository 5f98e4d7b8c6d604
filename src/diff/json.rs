//! Changes as JSON: `{"bundles": [...]}`, with the documented names.

use serde_json::{Map, Value, json as value};

use crate::diff::BundleDiff;
use crate::diff::view::{ChangeKind, ChangeView, DifferenceView, FieldView, LineKind};

/// The bundles with differences as a JSON document.
#[must_use]
pub fn json(bundles: &[BundleDiff]) -> String {
    let differing: Vec<Value> = bundles.iter().filter(|bundle| bundle.is_listed()).map(bundle).collect();
    let document = value!({ "compared": bundles.len(), "bundles": differing });
    format!("{document:#}\n")
}

fn bundle(bundle: &BundleDiff) -> Value {
    let change = match (bundle.exists_before, bundle.exists_after) {
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

fn object(change: &ChangeView) -> Value {
    let mut out = Map::new();
    out.insert("change".into(), value!(change.kind.name()));
    let id = &change.object;
    out.insert(
        "object".into(),
        value!({ "apiVersion": id.api_version, "kind": id.kind, "namespace": id.namespace, "name": id.name }),
    );
    if let Some(effect) = change.effect {
        out.insert("effect".into(), value!(effect.name()));
    }
    if let Some(renamed) = change.renamed {
        out.insert("renamed".into(), value!(renamed.name()));
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
    if change.kind == ChangeKind::Changed {
        out.insert("fields".into(), change.fields.iter().map(field).collect());
    }
    if !change.yaml.is_empty() {
        out.insert("text".into(), value!(change.yaml));
    }
    Value::Object(out)
}

fn field(field: &FieldView) -> Value {
    let mut out = Map::new();
    out.insert("field".into(), value!(field.field));
    if field.path != field.field {
        out.insert("path".into(), value!(field.path));
    }
    let change = match &field.difference {
        DifferenceView::Values { old, new } => {
            for (key, value) in [("old", old), ("new", new)] {
                if let Some(text) = value {
                    out.insert(key.into(), value!(text));
                }
            }
            change(old.is_some(), new.is_some())
        }
        DifferenceView::Block { added, text } => {
            out.insert(if *added { "new" } else { "old" }.into(), value!(text));
            change(!added, *added)
        }
        DifferenceView::Text { lines, fields, secret } => {
            let lines: Vec<String> = lines
                .iter()
                .map(|line| match line.kind {
                    LineKind::Same => format!(" {}", line.text),
                    LineKind::Removed => format!("-{}", line.text),
                    LineKind::Added => format!("+{}", line.text),
                    LineKind::Gap => "@@".to_owned(),
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
        DifferenceView::Secret { before, after } => {
            out.insert("secret".into(), value!(true));
            change(*before, *after)
        }
        DifferenceView::Checksum => "checksum",
        DifferenceView::RenamedReference(name) => {
            out.insert("follows".into(), value!(name));
            "changed"
        }
        DifferenceView::Order { old, new } => {
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

const fn change(before: bool, after: bool) -> &'static str {
    match (before, after) {
        (false, _) => "added",
        (_, false) => "removed",
        _ => "changed",
    }
}
