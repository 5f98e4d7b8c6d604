//! Manifests that are completed before they are applied: placeholders of templates, values that SOPS encrypted, resources
//! of kustomizations.
//!
//! What a placeholder stands for is not known, nor what kustomize adds to a resource, so a finding at one says nothing;
//! instead a note says so once a file. Where a person says that the manifests are complete, the findings stay.

use foldhash::{HashMap, HashMapExt};

use crate::check::kustomize::Kustomizations;
use crate::finding::{Finding, RuleId, Severity};
use crate::source::{FileId, SourceFile, Sources, Span};
use crate::suggest;

/// Longer texts are no single values.
const LONGEST_VALUE: usize = 400;

/// Takes the findings out that are about what is completed before it is applied, and says so once a file. Where the
/// manifests are `complete` the findings stay, and their help says so.
pub fn leave_out(sources: &Sources, kustomizations: &Kustomizations, complete: bool, findings: &mut Vec<Finding>) {
    let mut built: HashMap<FileId, Found> = HashMap::new();
    let mut files: HashMap<FileId, Found> = HashMap::new();
    findings.retain_mut(|finding| {
        let Some(file) = sources.get(finding.span.file) else { return true };
        if is_encrypted(&file, finding.span) {
            return false;
        }
        let Some(mark) = mark_of(sources, &file, finding) else {
            let completes = !complete && is_completed(finding) && kustomizations.is_resource(file.name.as_ref());
            if completes {
                let found = Found { span: finding.span, mark: "", count: 0 };
                built.entry(finding.span.file).or_insert(found).add(finding);
            }
            return !completes;
        };
        if complete {
            // No near value is meant.
            finding.message.truncate(finding.message.find("; is `").unwrap_or(finding.message.len()));
            finding.help = format!("this looks like a template (`{mark}`): render it first, then check the result");
            return true;
        }
        if finding.severity == Severity::Note {
            return false;
        }
        files.entry(finding.span.file).or_insert(Found { span: finding.span, mark, count: 0 }).add(finding);
        false
    });
    findings.extend(built.into_values().map(|found| {
        let of = suggest::count(found.count, "finding");
        let message = format!("resource of a kustomization: {of} about what kustomize may complete left out");
        Finding::new(RuleId::TemplateUnrendered, Severity::Note, found.span, message)
            .with_help("check what it builds: `plimsoll check -k DIR`")
    }));
    findings.extend(files.into_values().map(|found| {
        let of = suggest::count(found.count, "finding");
        let message = format!("looks like a template: {of} about placeholders such as `{}` left out", found.mark);
        Finding::new(RuleId::TemplateUnrendered, Severity::Note, found.span, message)
            .with_help("render it first, then check the result")
    }));
}

/// What of a file looks like a template.
struct Found {
    /// The first place.
    span: Span,
    /// The kind of placeholder there.
    mark: &'static str,
    /// How many findings are left out.
    count: usize,
}

impl Found {
    fn add(&mut self, finding: &Finding) {
        if finding.span.start < self.span.start {
            self.span = finding.span;
        }
        self.count += 1;
    }
}

/// Whether a finding is about something that kustomize adds to an object: what is required and absent, labels, images,
/// and the name of a namespace.
fn is_completed(finding: &Finding) -> bool {
    let is_namespace = finding.object.as_ref().is_some_and(|object| object.kind == "Namespace");
    match finding.rule {
        RuleId::SelectorMismatch | RuleId::ContainersMissing => true,
        RuleId::NameInvalid if is_namespace => true,
        _ => finding.message.ends_with(" is required") || finding.message.ends_with(" has no image"),
    }
}

/// The kind of placeholder that a finding is about.
fn mark_of(sources: &Sources, file: &SourceFile, finding: &Finding) -> Option<&'static str> {
    if finding.rule.name().starts_with("yaml-") && finding.severity == Severity::Error {
        return spoils(file, finding.span);
    }
    // That rule says which of them the kubelet leaves as they are.
    if finding.rule == RuleId::EnvReferenceUndefined {
        return None;
    }
    let value = |span: &Span| {
        let text = sources.get(span.file)?.text.clone();
        let text = text.get(span.start as usize..span.end as usize)?;
        (text.len() <= LONGEST_VALUE).then(|| mark(text)).flatten()
    };
    value(&finding.span).or_else(|| finding.related.iter().find_map(|(span, _)| value(span)))
}

/// The kind of placeholder that a value holds.
fn mark(value: &str) -> Option<&'static str> {
    let within = |open: &str, close: &str| value.split_once(open).is_some_and(|(_, rest)| rest.contains(close));
    let bare = value.trim_matches(['"', '\'']).trim();
    // `<your-image>` and `{image}` as a whole or as a part of a name, but neither `a < b` nor a mapping.
    let is_angled = || {
        bare.split('<').skip(1).any(|part| {
            part.split_once('>').is_some_and(|(name, _)| {
                !name.is_empty()
                    && name.trim() == name
                    && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_ ./:".contains(&byte))
            })
        })
    };
    let is_braced = || {
        !bare.contains([' ', ':', ',', '\n', '"'])
            && bare.split('{').skip(1).any(|part| part.split_once('}').is_some_and(|(name, _)| !name.is_empty()))
    };
    match () {
        () if within("{{", "}}") => Some("{{ … }}"),
        () if within("{%", "%}") => Some("{% … %}"),
        () if within("${", "}") => Some("${…}"),
        () if within("$(", ")") => Some("$(…)"),
        () if within("<%", "%>") => Some("<% … %>"),
        () if is_angled() => Some("<…>"),
        () if is_braced() => Some("{…}"),
        () if is_dollar_name(bare) => Some("$NAME"),
        () if is_between(bare, "__") => Some("__NAME__"),
        () if is_between(bare, "@") => Some("@NAME@"),
        // Replaced by the tool that builds the image.
        () if bare.starts_with("ko://") => Some("ko://…"),
        () => None,
    }
}

/// Whether a value begins with a variable of a shell, as `envsubst` replaces it.
fn is_dollar_name(value: &str) -> bool {
    value
        .split('$')
        .skip(1)
        .any(|part| part.bytes().take(3).filter(|byte| byte.is_ascii_uppercase() || *byte == b'_').count() == 3)
}

/// Whether a value holds an upper-case name between two marks.
fn is_between(value: &str, mark: &str) -> bool {
    let mut parts = value.split(mark).skip(1).peekable();
    std::iter::from_fn(|| parts.next().filter(|_| parts.peek().is_some())).any(|name| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    })
}

/// The kind of template that keeps a text from being YAML: it stands on the line of the fault or just above, or the
/// text has lines that are nothing else.
fn spoils(file: &SourceFile, span: Span) -> Option<&'static str> {
    let line = file.position(span.start).line;
    let near = (line.saturating_sub(2).max(1)..=line).find_map(|line| template_in(file.line(line)));
    let is_alone = |line: &str| {
        let line = line.trim_start();
        line.starts_with("{{") || line.starts_with("{%") || line.starts_with("<%") || line.starts_with("#@")
    };
    near.or_else(|| file.text.lines().any(is_alone).then_some("{{ … }}"))
}

fn template_in(line: &str) -> Option<&'static str> {
    let marks = [("{{", "{{ … }}"), ("{%", "{% … %}"), ("${", "${…}"), ("<%", "<% … %>"), ("$(", "$(…)")];
    let found = marks.iter().find(|(open, _)| line.contains(open)).map(|(_, mark)| *mark);
    let value = line.split_once(": ").map_or(line, |(_, value)| value).trim();
    let is_braced = || {
        value.split_once('{').and_then(|(_, rest)| rest.split_once('}')).is_some_and(|(name, _)| {
            name.len() > 1 && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        })
    };
    found.or_else(|| is_between(value, "@").then_some("@NAME@")).or_else(|| is_braced().then_some("{NAME}"))
}

/// Whether a value is one that SOPS encrypted.
fn is_encrypted(file: &SourceFile, span: Span) -> bool {
    let value = file.text.get(span.start as usize..span.end as usize).unwrap_or_default();
    value.trim_start_matches(['"', '\'', '|', '>', '-', ' ', '\n']).starts_with("ENC[AES256_GCM,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_values() {
        for (value, expected) in [
            ("registry.k8s.io/autoscaler:{{ ca_version }}", Some("{{ … }}")),
            ("<YOUR-CONTAINER>", Some("<…>")),
            ("'{image}'", Some("{…}")),
            ("{image}", Some("{…}")),
            ("${CLUSTER_NAME}-web", Some("${…}")),
            ("$(params.namespace)", Some("$(…)")),
            ("$IMAGE", Some("$NAME")),
            ("{name: web, image: a}", None),
            ("\" \"", None),
            ("a < b > c", None),
            ("ghcr.io/acme/web:v1", None),
            ("Web_Server", None),
            ("[a, b]", None),
            ("'$5'", None),
            ("__INGRESS_HOST__", Some("__NAME__")),
            ("__init__", None),
            ("ko://knative.dev/serving/cmd/activator", Some("ko://…")),
            ("admin@EXAMPLE", None),
        ] {
            assert_eq!(mark(value), expected, "{value}");
        }
    }
}
