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
letters, an empty tag, a URL and an invalid digest. The finding is an error. What the API server
rejects itself, such as an empty image, or spaces around that of a Pod, is left to `image-invalid`.",
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
            // The API server rejects an empty image, and spaces around that of a Pod.
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

/// Why a string is not a valid image reference, and what to do. The grammar is that of the distribution project:
/// `[host[:port]/]path[:tag][@digest]`, the path in lower case.
pub(crate) fn fault(image: &str) -> Option<(String, String)> {
    if image.is_empty() {
        return None;
    }
    if image.contains(char::is_whitespace) {
        let first = image.split_whitespace().next().unwrap_or_default();
        let help = if image.contains("//") {
            "a comment in YAML begins with `#`"
        } else {
            "remove what is not part of the name"
        };
        return Some((format!("it contains spaces; did you mean `{first}`?"), help.to_owned()));
    }
    if image.contains("://") {
        return Some(("it is a URL".to_owned(), "remove the scheme".to_owned()));
    }
    let (rest, digest) = image.split_once('@').map_or((image, None), |(rest, digest)| (rest, Some(digest)));
    if let Some(digest) = digest {
        let good = digest.split_once(':').is_some_and(|(kind, hex)| {
            let length = match kind {
                "sha256" => 64,
                "sha512" => 128,
                _ => hex.len().max(32),
            };
            hex.len() == length && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        if !good {
            return Some((
                format!("`{digest}` is not a digest"),
                "a digest is `sha256:` and 64 hexadecimal digits".to_owned(),
            ));
        }
    }
    let (name, tag) = match rest.rfind(':') {
        Some(at) if !rest[at..].contains('/') => (&rest[..at], Some(&rest[at + 1..])),
        _ => (rest, None),
    };
    if let Some(tag) = tag {
        let good = !tag.is_empty()
            && tag.len() <= 128
            && !tag.starts_with(['.', '-'])
            && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
        if !good {
            let what = if tag.is_empty() { "its tag is empty".to_owned() } else { format!("`{tag}` is not a tag") };
            return Some((what, "a tag is letters, digits, `_`, `.` and `-`".to_owned()));
        }
    }
    let (host, path) = match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (Some(host), path),
        _ => (None, name),
    };
    if let Some(host) = host {
        let (host, port) = host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port)));
        let good = port.is_none_or(|port| port.parse::<u16>().is_ok())
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
        if !good {
            return Some((
                format!("`{host}` is not a registry"),
                "a registry is a host with an optional port".to_owned(),
            ));
        }
    }
    let part = |part: &str| {
        let inner = part
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'-'));
        inner && !part.is_empty() && !part.starts_with(['.', '-', '_']) && !part.ends_with(['.', '-', '_'])
    };
    if !path.split('/').all(part) {
        let help = if path.chars().any(char::is_uppercase) {
            format!("names are lower-case: `{}`", image.to_lowercase())
        } else {
            "a name is lower-case letters, digits, and `-`, `_`, `.` between them".to_owned()
        };
        return Some((format!("`{path}` is not an image name"), help));
    }
    None
}
