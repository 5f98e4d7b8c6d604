//! Rule `sysctl-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::{Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::SysctlInvalid,
    doc: Doc {
        checks: "\
The name of a sysctl must consist of lower case letters, digits, `-` and `_` in parts separated by
`.` or `/`, at most 253 bytes, and must be unique. `net.*` must not be set with `hostNetwork: true`,
and the IPC sysctls (`kernel.shm*`, `kernel.msg*`, `kernel.sem`, `fs.mqueue.*`) not with `hostIPC:
true`.",
        why: "\
The API server rejects the object, for instance with \"may not be specified when 'hostNetwork' is
true\".",
        fix: "Correct the name; set sysctls of the host on the node.",
        source: "`validateSysctls` in `pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {sysctls: [{name: Net.core, value: "1"}]}
  containers: [{name: web, image: "web:1"}]
"#,
    good: r#"-  securityContext: {sysctls: [{name: Net.core, value: "1"}]}
+  securityContext: {sysctls: [{name: net.core.somaxconn, value: "1"}]}
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    if pod.spec.security_context.is_null() {
        return;
    }
    let spec = pod.at();
    let context = spec.on("securityContext", pod.spec.security_context);
    let list = context.get("sysctls");
    let repeated = list.repeats("name");
    for (index, sysctl) in list.items().enumerate() {
        let name = sysctl.get("name");
        let text = name.text();
        if text.is_empty() {
            faults.add(&name, "`name` is required");
            continue;
        }
        if !is_name(text) {
            faults
                .add(&name, format!("`{text}` is not a valid sysctl name"))
                .help("use lower case alphanumeric characters, '-' and '_', in parts separated by '.' or '/'");
        } else if repeated[index] {
            faults.add(&name, format!("duplicate sysctl `{text}`"));
        }
        let dotted = text.replace('/', ".");
        if pod.is_host_network() && dotted.starts_with("net.") {
            faults.add(&name, format!("`{text}` may not be specified when `hostNetwork` is true"));
        }
        if pod.spec.host_ipc.as_bool() == Some(true) && is_ipc(&dotted) {
            faults.add(&name, format!("`{text}` may not be specified when `hostIPC` is true"));
        }
    }
}

fn is_name(text: &str) -> bool {
    let part = |part: &str| {
        let end = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let bytes = part.as_bytes();
        let inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        end(bytes.first()) && end(bytes.last()) && bytes.iter().all(inner)
    };
    text.len() <= 253 && text.split(['.', '/']).all(part)
}

fn is_ipc(name: &str) -> bool {
    name == "kernel.sem" || ["kernel.shm", "kernel.msg", "fs.mqueue."].iter().any(|start| name.starts_with(start))
}
