//! Handles manifests that are completed before they are applied: placeholders of templates, values encrypted with SOPS,
//! resources of kustomizations.
//!
//! The value of a placeholder is not known, nor what kustomize adds to a resource, so findings about them are omitted and
//! counted in one note for each file. With `--complete` the findings stay.

use foldhash::{HashMap, HashMapExt};

use crate::check::kustomize::Kustomizations;
use crate::finding::{Finding, RuleId, Severity};
use crate::source::{FileId, SourceFile, Sources, Span};
use crate::suggest;

/// The maximum length of a value that is searched for placeholders.
const MAX_VALUE_LENGTH: usize = 400;

/// Replaces the findings about values that are completed before they are applied with one note for each file. If the manifests
/// are `complete`, the findings stay and their help mentions the placeholder.
pub fn leave_out(sources: &Sources, kustomizations: &Kustomizations, complete: bool, findings: &mut Vec<Finding>) {
    let mut built: HashMap<FileId, OmittedFindings> = HashMap::new();
    let mut files: HashMap<FileId, OmittedFindings> = HashMap::new();
    findings.retain_mut(|finding| {
        let Some(file) = sources.get(finding.span.file) else { return true };
        if is_encrypted(&file, finding.span) {
            return false;
        }
        let Some(mark) = mark_of(sources, &file, finding) else {
            let completes = !complete && may_be_completed(finding) && kustomizations.is_resource(file.name.as_ref());
            if completes {
                let found = OmittedFindings { span: finding.span, mark: "", count: 0 };
                built.entry(finding.span.file).or_insert(found).add(finding);
            }
            return !completes;
        };
        if complete {
            // A similar name is not what was meant.
            finding.message.truncate(finding.message.find("; is `").unwrap_or(finding.message.len()));
            finding.help = format!("this looks like a template (`{mark}`): render it first, then check the result");
            return true;
        }
        if finding.severity == Severity::Note {
            return false;
        }
        files.entry(finding.span.file).or_insert(OmittedFindings { span: finding.span, mark, count: 0 }).add(finding);
        false
    });
    findings.extend(built.into_values().map(|found| {
        let of = suggest::count(found.count, "finding");
        let message = format!("resource of a kustomization: {of} omitted about fields that kustomize may set");
        Finding::new(RuleId::TemplateUnrendered, Severity::Note, found.span, message)
            .with_help("check the result of the build: `plimsoll check -k DIR`")
    }));
    findings.extend(files.into_values().map(|found| {
        let of = suggest::count(found.count, "finding");
        let message = format!("looks like a template: {of} omitted about placeholders such as `{}`", found.mark);
        Finding::new(RuleId::TemplateUnrendered, Severity::Note, found.span, message)
            .with_help("render it first, then check the result")
    }));
}

/// The omitted findings of a file.
struct OmittedFindings {
    /// The location of the first one.
    span: Span,
    /// The form of its placeholder.
    mark: &'static str,
    /// How many there are.
    count: usize,
}

impl OmittedFindings {
    fn add(&mut self, finding: &Finding) {
        if finding.span.start < self.span.start {
            self.span = finding.span;
        }
        self.count += 1;
    }
}

/// Whether a finding is about something that kustomize may add to an object: required fields, labels, images, and the name of
/// a namespace.
fn may_be_completed(finding: &Finding) -> bool {
    let is_namespace = finding.object.as_ref().is_some_and(|object| object.kind == "Namespace");
    match finding.rule {
        RuleId::SelectorMismatch | RuleId::ContainersMissing => true,
        RuleId::NameInvalid if is_namespace => true,
        _ => finding.message.ends_with(" is required") || finding.message.ends_with(" has no image"),
    }
}

/// The form of the placeholder that a finding is about.
fn mark_of(sources: &Sources, file: &SourceFile, finding: &Finding) -> Option<&'static str> {
    if finding.rule.name().starts_with("yaml-") && finding.severity == Severity::Error {
        return mark_near(file, finding.span);
    }
    // That rule is about `$(NAME)` itself.
    if finding.rule == RuleId::EnvReferenceUndefined {
        return None;
    }
    let value = |span: &Span| {
        let text = sources.get(span.file)?.text.clone();
        let text = text.get(span.start as usize..span.end as usize)?;
        (text.len() <= MAX_VALUE_LENGTH).then(|| mark(text)).flatten()
    };
    value(&finding.span).or_else(|| finding.related.iter().find_map(|(span, _)| value(span)))
}

/// The form of the placeholder in a value.
fn mark(value: &str) -> Option<&'static str> {
    let within = |open: &str, close: &str| value.split_once(open).is_some_and(|(_, rest)| rest.contains(close));
    let bare = value.trim_matches(['"', '\'']).trim();
    // `<your-image>` and `{image}`, alone or within a name, but neither `a < b` nor a mapping.
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
        // `ko` builds the image and replaces this.
        () if bare.starts_with("ko://") => Some("ko://…"),
        () => None,
    }
}

/// Whether a value contains a shell variable, as `envsubst` replaces it.
fn is_dollar_name(value: &str) -> bool {
    value
        .split('$')
        .skip(1)
        .any(|part| part.bytes().take(3).filter(|byte| byte.is_ascii_uppercase() || *byte == b'_').count() == 3)
}

/// Whether a value contains an upper-case name between two marks.
fn is_between(value: &str, mark: &str) -> bool {
    let mut parts = value.split(mark).skip(1).peekable();
    std::iter::from_fn(|| parts.next().filter(|_| parts.peek().is_some())).any(|name| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    })
}

/// The form of the template syntax that makes a file invalid YAML: on the line of the error or the two above, or on lines of
/// its own anywhere in the file.
fn mark_near(file: &SourceFile, span: Span) -> Option<&'static str> {
    let line = file.position(span.start).line;
    let near = (line.saturating_sub(2).max(1)..=line).find_map(|line| mark_in_line(file.line(line)));
    let is_alone = |line: &str| {
        let line = line.trim_start();
        line.starts_with("{{") || line.starts_with("{%") || line.starts_with("<%") || line.starts_with("#@")
    };
    near.or_else(|| file.text.lines().any(is_alone).then_some("{{ … }}"))
}

fn mark_in_line(line: &str) -> Option<&'static str> {
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

/// Whether a value is encrypted with SOPS.
fn is_encrypted(file: &SourceFile, span: Span) -> bool {
    let value = file.text.get(span.start as usize..span.end as usize).unwrap_or_default();
    value.trim_start_matches(['"', '\'', '|', '>', '-', ' ', '\n']).starts_with("ENC[AES256_GCM,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_recognized() {
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
