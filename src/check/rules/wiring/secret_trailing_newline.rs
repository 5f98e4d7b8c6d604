//! Rule `secret-trailing-newline`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::go::decode_base64;
use crate::object::Object;
use crate::secret::is_secret_name;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::SecretTrailingNewline,
    doc: Doc {
        checks: "\
Checks for passwords, tokens and keys in a Secret that consist of one line with a newline at the
end. The finding is a warning. Values of several lines, such as certificates and private keys, and
keys with a dot in the name, which are files, are not reported.",
        why: "\
The newline becomes part of the environment variable or file, and the login fails although the
password looks correct. It comes from `echo password | base64`, or from `|` before a value in
`stringData`.",
        fix: "\
Encode the value without the newline (`printf %s \"$PASSWORD\" | base64`), or write it in `stringData`
on one line or after `|-`.",
        source: "\
https://kubernetes.io/docs/tasks/configmap-secret/managing-secret-using-config-file/#create-the-config-file
and https://yaml.org/spec/1.2.2/#8112-block-chomping-indicator.",
    },
    bad: "\
apiVersion: v1
kind: Secret
metadata: {name: db}
data: {password: cGFzc3dvcmQK}
",
    good: "\
-data: {password: cGFzc3dvcmQK}
+data: {password: cGFzc3dvcmQ=}
",
    check: Check::Object(check),
};

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if (object.group(), object.kind()) != ("", "Secret") {
        return;
    }
    let root = At::root("", &object.node);
    for (field, help) in [
        ("data", "encode the value without the newline: `printf %s \"$VALUE\" | base64`"),
        ("stringData", "write the value on one line, or after `|-`"),
    ] {
        for (key, at) in root.get(field).keys() {
            let text = at.node.text();
            // A file, such as `db.conf`, may end with a newline.
            let is_file = key.contains('.');
            if is_file || !is_secret_name(key) {
                continue;
            }
            let has_newline = match field {
                "data" => decode_base64(text).is_some_and(|bytes| is_line(&bytes)),
                _ => is_line(text.as_bytes()),
            };
            if has_newline {
                faults.add(&at, format!("the value of `{key}` ends with a newline")).help(help);
            }
        }
    }
}

/// Whether a value is one line that ends with a newline.
fn is_line(bytes: &[u8]) -> bool {
    let Some(line) = bytes.strip_suffix(b"\n") else { return false };
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    !line.is_empty() && !line.contains(&b'\n') && std::str::from_utf8(line).is_ok()
}
