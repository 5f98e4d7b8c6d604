//! Rule `image-text-invalid`.

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ImageTextInvalid,
    doc: Doc {
        checks: "\
Checks that the image of a container is a valid image reference: `[registry/]path[:tag][@digest]`.
It reports spaces, a comment that is part of the string (`image: app:v1 // local build`), capital
letters, an empty tag, a URL and an invalid digest. The finding is an error. `image-invalid`
reports what the API server rejects: an empty image, or spaces around that of a Pod.",
        why: "\
The API server accepts the string in a pod template, but no container runtime does. The pod stays in
`InvalidImageName` (`couldn't parse image name`).",
        fix: "Correct the reference. A comment in YAML begins with `#`.",
        source: "\
https://kubernetes.io/docs/concepts/containers/images/#image-names and the grammar in
https://pkg.go.dev/github.com/distribution/reference.",
    },
    bad: r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: ghcr.io/acme/web:v1  // the local build
"#,
    good: "\
-        image: ghcr.io/acme/web:v1  // the local build
+        image: ghcr.io/acme/web:v1  # the local build
",
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for pod in &bundle.graph().pods {
        for container in &pod.containers {
            let node = &container.node["image"];
            let image = node.text();
            // `image-invalid` reports an empty image, and spaces around that of a Pod.
            if image.is_empty()
                || (pod.object.kind() == "Pod" && image.trim() != image && fault(image.trim()).is_none())
            {
                continue;
            }
            if let Some((fault, help)) = fault(image) {
                report.at(pod.object, node, format!("invalid image reference: {fault}")).help(help);
            }
        }
    }
}

/// Why a string is not a valid image reference, and how to fix it. The grammar is that of the distribution project:
/// `[host[:port]/]path[:tag][@digest]`, the path in lower case.
pub(crate) fn fault(image: &str) -> Option<(String, String)> {
    if image.is_empty() {
        return None;
    }
    if image.contains(char::is_whitespace) {
        let first = image.split_whitespace().next().unwrap_or_default();
        let help = if image.contains("//") {
            format!("write `{first}`; a comment in YAML starts with `#`")
        } else {
            format!("write `{first}`")
        };
        return Some(("contains spaces".to_owned(), help));
    }
    if image.contains("://") {
        return Some(("is a URL".to_owned(), "remove the scheme".to_owned()));
    }
    let (rest, digest) = image.split_once('@').map_or((image, None), |(rest, digest)| (rest, Some(digest)));
    if let Some(digest) = digest {
        let is_valid = digest.split_once(':').is_some_and(|(kind, hex)| {
            let length = match kind {
                "sha256" => 64,
                "sha512" => 128,
                _ => hex.len().max(32),
            };
            hex.len() == length && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        if !is_valid {
            return Some((
                format!("invalid digest `{digest}`"),
                "write `sha256:` and 64 hexadecimal digits".to_owned(),
            ));
        }
    }
    let (name, tag) = match rest.rfind(':') {
        Some(at) if !rest[at..].contains('/') => (&rest[..at], Some(&rest[at + 1..])),
        _ => (rest, None),
    };
    if let Some(tag) = tag {
        let is_valid = !tag.is_empty()
            && tag.len() <= 128
            && !tag.starts_with(['.', '-'])
            && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
        if !is_valid {
            let what = if tag.is_empty() { "empty tag".to_owned() } else { format!("invalid tag `{tag}`") };
            return Some((what, "a tag must consist of at most 128 letters, digits, `_`, `.` and `-`".to_owned()));
        }
    }
    let (host, path) = match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (Some(host), path),
        _ => (None, name),
    };
    if let Some(host) = host {
        let (host, port) = host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port)));
        let is_valid = port.is_none_or(|port| port.parse::<u16>().is_ok())
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
        if !is_valid {
            return Some((
                format!("invalid registry `{host}`"),
                "a registry must be a host with an optional port".to_owned(),
            ));
        }
    }
    let is_component = |part: &str| {
        let inner = part
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'-'));
        inner && !part.is_empty() && !part.starts_with(['.', '-', '_']) && !part.ends_with(['.', '-', '_'])
    };
    if !path.split('/').all(is_component) {
        let help = if path.chars().any(char::is_uppercase) {
            format!("use lower case: `{}`", image.to_lowercase())
        } else {
            "a name must consist of lower case letters and digits, separated by `-`, `_` or `.`".to_owned()
        };
        return Some((format!("invalid repository name `{path}`"), help));
    }
    None
}
