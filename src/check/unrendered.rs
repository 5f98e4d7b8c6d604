//! Manifests that are filled in before they are applied: placeholders of templates, values that SOPS encrypted.
//!
//! What a placeholder stands for is not known, so a finding at one says nothing; instead a note says once a file that it
//! looks like a template. Where a person says that the manifests are complete, the findings stay.

use foldhash::{HashMap, HashMapExt};

use crate::finding::{Finding, RuleId, Severity};
use crate::source::{FileId, SourceFile, Sources, Span};

/// Longer texts are no single values.
const LONGEST_VALUE: usize = 400;

/// Takes the findings out that are about placeholders, and says once a file that it looks like a template. Where the
/// manifests are `complete` the findings stay, and their help says so.
pub fn placeholders(sources: &Sources, complete: bool, findings: &mut Vec<Finding>) {
    let mut files: HashMap<FileId, Found> = HashMap::new();
    findings.retain_mut(|finding| {
        let Some(file) = sources.get(finding.span.file) else { return true };
        if is_encrypted(&file, finding.span) {
            return false;
        }
        let Some(mark) = mark_of(sources, &file, finding) else { return true };
        if complete {
            finding.help = format!("this looks like a template (`{mark}`): render it first, then check the result");
            return true;
        }
        if finding.severity == Severity::Note {
            return false;
        }
        let found = files.entry(finding.span.file).or_insert_with(|| Found { span: finding.span, mark, count: 0 });
        if finding.span.start < found.span.start {
            found.span = finding.span;
        }
        found.count += 1;
        false
    });
    findings.extend(files.into_values().map(|found| {
        let of = if found.count == 1 { "1 finding" } else { &format!("{} findings", found.count) };
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

/// The kind of placeholder that a finding is about.
fn mark_of(sources: &Sources, file: &SourceFile, finding: &Finding) -> Option<&'static str> {
    if finding.rule.name().starts_with("yaml-") && finding.severity == Severity::Error {
        return spoils(file, finding.span);
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
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_ ./:".contains(&byte))
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
    [("{{", "{{ … }}"), ("{%", "{% … %}"), ("${", "${…}"), ("<%", "<% … %>"), ("$(", "$(…)")]
        .iter()
        .find(|(open, _)| line.contains(open))
        .map(|(_, mark)| *mark)
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
        ] {
            assert_eq!(mark(value), expected, "{value}");
        }
    }
}
