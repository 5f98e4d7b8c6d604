//! Rule `windows-options-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::{Checked, names};
use crate::validation::{At, Faults, Pod};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::WindowsOptionsInvalid,
    doc: Doc {
        checks: "\
`gmsaCredentialSpecName` must be a DNS-1123 subdomain, and `gmsaCredentialSpec` must be between 1
and 65536 bytes. `runAsUserName` must be `user` or `DOMAIN\\user`. If one container has `hostProcess:
true`, all containers must have it, in agreement with the pod, and the pod must have `hostNetwork:
true`.",
        why: "\
The API server rejects the object, for instance with \"runAsUserName cannot be an empty string\" or
\"hostNetwork must be true if pod contains any hostProcess containers\".",
        fix: "Correct the user name; set `hostProcess` in the security context of the pod.",
        source: "\
`validateWindowsSecurityContextOptions` and `validateWindowsHostProcessPod` in
`pkg/apis/core/validation`.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {windowsOptions: {runAsUserName: ""}}
  containers: [{name: web, image: "web:1"}]
"#,
    good: r#"-  securityContext: {windowsOptions: {runAsUserName: ""}}
+  securityContext: {windowsOptions: {runAsUserName: ContainerUser}}
"#,
    check: Check::Pod(check),
};

fn check(pod: &Pod<'_>, faults: &mut Faults<'_, '_>) {
    let spec = pod.at();
    let context = spec.on("securityContext", pod.spec.security_context);
    let options = context.get("windowsOptions");
    if options.is_set() {
        fields(&options, faults);
    }
    let own = options.get("hostProcess");
    let (mut count, mut any) = (0, false);
    for container in &pod.containers {
        let parent = container.at();
        let context = parent.on("securityContext", container.fields.security_context);
        let options = context.get("windowsOptions");
        if options.is_set() {
            fields(&options, faults);
        }
        let process = options.get("hostProcess");
        if process.is_set() && own.is_set() && process.is_true() != own.is_true() {
            faults.breaks(&process, "must match the value in the security context of the pod");
        }
        let is_host_process = if process.is_set() { process.is_true() } else { own.is_true() };
        if is_host_process {
            count += 1;
            any = true;
        }
    }
    if any && count != pod.containers.len() {
        faults.add(&spec, "if pod contains any `hostProcess` containers then all containers must be `hostProcess`");
    }
    if any && !pod.is_host_network() {
        faults.add(
            &spec.on("hostNetwork", pod.spec.host_network),
            "must be true if pod contains any `hostProcess` containers",
        );
    }
}

fn fields(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    let (name, spec, user) = (at.get("gmsaCredentialSpecName"), at.get("gmsaCredentialSpec"), at.get("runAsUserName"));
    if name.is_set()
        && let Err(form) = names::dns1123_subdomain(name.text())
    {
        faults.add(&name, format!("the name {form}"));
    }
    if spec.is_set() && !(1..=64 * 1024).contains(&spec.text().len()) {
        faults.breaks(&spec, "must be between 1 and 65536 bytes");
    }
    if user.is_set()
        && let Err(form) = user_name(user.text())
    {
        faults.add(&user, form.to_owned());
    }
}

fn user_name(text: &str) -> Checked {
    if text.is_empty() {
        return Err("must not be empty");
    }
    if text.chars().any(char::is_control) {
        return Err("must not contain control characters");
    }
    let (domain, user) = match text.split_once('\\') {
        Some((_, user)) if user.contains('\\') => return Err("must not contain more than one backslash"),
        Some((domain, user)) => (Some(domain), user),
        None => (None, text),
    };
    if let Some(domain) = domain {
        let net_bios = !domain.is_empty()
            && domain.len() <= 15
            && !domain.starts_with('.')
            && !domain.contains(['\\', '/', ':', '*', '?', '"', '<', '>', '|']);
        let dns = domain.len() < 256
            && domain.split('.').all(|label| {
                !label.is_empty()
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            });
        if !net_bios && !dns {
            return Err("must have a NetBIOS or DNS name before the backslash");
        }
    }
    if user.is_empty() || user.len() > 104 {
        return Err("must have a user name of 1 to 104 bytes");
    }
    if user.bytes().all(|byte| matches!(byte, b'.' | b' ')) {
        return Err("must have a user name that does not consist of dots and spaces only");
    }
    if user.contains(['"', '/', ':', ';', '|', '=', ',', '+', '*', '?', '<', '>', '@', '[', ']']) {
        return Err("must not contain any of \" / : ; | = , + * ? < > @ [ ]");
    }
    Ok(())
}
