//! Rule `config-key-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ConfigKeyInvalid,
    doc: Doc {
        checks: "\
A key of a ConfigMap or Secret must consist of at most 253 letters, digits, `-`, `_` and `.`; it
must not be `.`, start with `..` or contain `/`. The same key must not be in both `data` and
`binaryData`. All values together must not exceed 1048576 bytes (1 MiB).",
        why: "\
The API server rejects the object, for instance with \"a valid config key must consist of
alphanumeric characters, '-', '_' or '.'\".",
        fix: "\
Rename the key; to mount it under a path, set `items` in the volume. Split data that is too large,
or mount it from a volume.",
        source: "`ValidateConfigMap` and `ValidateSecret` in `pkg/apis/core/validation`.",
    },
    bad: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {conf/app.yaml: 'a: 1'}\n",
    good: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {app.yaml: 'a: 1'}\n",
    check: Check::Object(check),
};

/// The maximum size of all values in bytes.
const LIMIT: usize = 1024 * 1024;

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    let fields: &[(&str, bool)] = match (object.group(), object.kind()) {
        ("", "ConfigMap") => &[("data", false), ("binaryData", true)],
        ("", "Secret") => &[("data", true), ("stringData", false)],
        _ => return,
    };
    let secret = object.kind() == "Secret";
    let root = At::root("", &object.node);
    let mut size = 0;
    for (name, encoded) in fields {
        let field = root.get(name);
        for (key, value) in field.keys() {
            let overridden = secret && *name == "data" && object.node["stringData"].get(key).is_some();
            let length = value.text().len();
            size += if overridden {
                0
            } else if *encoded {
                length / 4 * 3
            } else {
                length
            };
            if let Err(rule) = names::config_key(key) {
                let draft = faults.key(&field, key, format!("the key `{key}` {rule}"));
                if *name == "stringData" {
                    draft.field(format!("data[{key}]"));
                }
            }
            if !secret && *encoded && object.node["data"].get(key).is_some() {
                let message = format!("the key `{key}` is in both `data` and `binaryData`");
                faults.add(&value, message).field(format!("data[{key}]"));
            }
        }
    }
    if size > LIMIT {
        let message = format!("the data must be no more than 1048576 bytes, but is {size} bytes");
        let at = root.get("data");
        faults.add(&at, message).field(if secret { "data" } else { "" });
    }
}
