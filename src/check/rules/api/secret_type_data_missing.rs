//! Rule `secret-type-data-missing`.

use crate::check::{At, Check, Family, Faults, Report, Rule};
use crate::finding::Severity;
use crate::node::Node;
use crate::object::Object;

/// The rule.
pub static RULE: Rule = Rule {
    id: "secret-type-data-missing",
    family: Family::Api,
    severity: Severity::Error,
    summary: "a Secret lacks the data its type asks for",
    doc: "\
A Secret of type `kubernetes.io/tls` has `tls.crt` and `tls.key`, `kubernetes.io/dockerconfigjson` has `.dockerconfigjson`
with JSON in it, `kubernetes.io/basic-auth` has `username` or `password`, `kubernetes.io/ssh-auth` has `ssh-privatekey`, and
`kubernetes.io/service-account-token` names its account in an annotation. Other types may hold anything.

Restates `ValidateSecret`.",
    bad: "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: kubernetes.io/tls\nstringData: {tls.crt: cert}\n",
    good: "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: kubernetes.io/tls\nstringData: {tls.crt: cert, tls.key: key}\n",
    check: Check::Object(check),
};

/// The annotation that names the account of a token.
const ACCOUNT: &str = "kubernetes.io/service-account.name";

fn check(object: &Object, report: &mut Report<'_>) {
    if object.kind() != "Secret" || !object.group().is_empty() {
        return;
    }
    let kind = object.node["type"].text();
    let mut faults = Faults::new(object, report);
    let root = At::root("", &object.node);
    let data = root.get("data");
    let mut need = |key: &str| {
        if find(object, key).is_none() {
            faults.add(&data.key(key), format!("a Secret of type `{kind}` needs the key `{key}`"));
        }
    };
    match kind {
        "kubernetes.io/tls" => ["tls.crt", "tls.key"].iter().for_each(|key| need(key)),
        "kubernetes.io/basic-auth" if find(object, "username").is_none() && find(object, "password").is_none() => {
            ["username", "password"].iter().for_each(|key| need(key));
        }
        "kubernetes.io/ssh-auth" if find(object, "ssh-privatekey").is_none_or(|(value, _)| value.text().is_empty()) => {
            faults.add(&data.key("ssh-privatekey"), "a Secret of type `kubernetes.io/ssh-auth` needs a private key");
        }
        "kubernetes.io/dockercfg" => json(&mut faults, object, &data.key(".dockercfg")),
        "kubernetes.io/dockerconfigjson" => json(&mut faults, object, &data.key(".dockerconfigjson")),
        "kubernetes.io/service-account-token" => {
            let metadata = root.get("metadata");
            let annotations = metadata.get("annotations");
            let account = annotations.key(ACCOUNT);
            if account.text().is_empty() {
                faults.required(&account).help("name the ServiceAccount the token is for");
            }
        }
        _ => {}
    }
}

/// The value of a key, and whether it is in base64; what stands in `stringData` wins.
fn find<'a>(object: &'a Object, key: &str) -> Option<(&'a Node, bool)> {
    let plain = object.node["stringData"].get(key).map(|node| (node, false));
    plain.or_else(|| object.node["data"].get(key).map(|node| (node, true)))
}

fn json(faults: &mut Faults<'_, '_>, object: &Object, at: &At<'_, '_>) {
    let key = at.to_string();
    let Some((value, encoded)) = find(object, key.trim_start_matches("data[").trim_end_matches(']')) else {
        faults.required(at);
        return;
    };
    let bytes = if encoded { base64(value.text()) } else { value.text().as_bytes().to_vec() };
    let valid = bytes.is_empty()
        || serde_json::from_slice::<Option<serde_json::Map<String, serde_json::Value>>>(&bytes).is_ok();
    if !valid {
        faults.add(at, "the value must be a JSON object").place(value.origin.span);
    }
}

/// Decodes base64; what is malformed is the decoder's to report and ends the text here.
fn base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).map_while(digit).collect();
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3);
    for group in digits.chunks(4) {
        let bits = group.iter().fold(0_u32, |bits, digit| bits << 6 | u32::from(*digit)) << (6 * (4 - group.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len().max(1)]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn decodes() {
        assert_eq!(base64("eyJhIjoxfQ=="), b"{\"a\":1}");
        assert_eq!(base64("YQ=="), b"a");
        assert_eq!(base64("YWI="), b"ab");
        assert_eq!(base64(""), b"");
    }
}
