//! Decodes each object before rules run on it, and reports unknown kinds, unknown fields and wrong types.

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::cel::KindRules;
use crate::finding::{Finding, Remedy, RuleId, Severity};
use crate::formats::go::encode_base64;
use crate::kube::crd::{CustomKind, CustomKinds};
use crate::kube::decode;
use crate::kube::kinds::{self, Kind, Scope, Unknown};
use crate::node::Node;
use crate::object::Object;
use crate::schema::{Fault, FaultKind, QUOTE, UNQUOTE, UnevaluatedPatterns};
use crate::source::Span;
use crate::suggest;

use super::Options;
use super::custom_rules;
use crate::validation::Report;

/// Decodes all objects. Returns for each whether the API server would decode it and go on to validate it.
pub(super) fn decode<'a>(
    objects: &[Object],
    options: &'a Options,
    custom: &'a CustomKinds<'a>,
) -> (Vec<bool>, Vec<Finding>) {
    let mut pass = Pass { options, findings: Vec::new(), rules: KindRules::new() };
    let decodes = objects.iter().map(|object| pass.decode(object, custom)).collect();
    (decodes, pass.findings)
}

/// A note for each custom kind whose definition has constraints that are not evaluated, at its first object.
pub(super) fn unevaluated(objects: &[Object], options: &Options, custom: &CustomKinds<'_>) -> Vec<Finding> {
    let mut pass = Pass { options, findings: Vec::new(), rules: KindRules::new() };
    if custom.is_empty() || !options.runs(RuleId::CustomResourceUnevaluated) {
        return Vec::new();
    }
    let mut seen: HashSet<*const CustomKind<'_>> = HashSet::new();
    for object in objects {
        if let Some(kind) = custom.find(&object.id.api_version, object.kind())
            && seen.insert(kind)
        {
            pass.unevaluated(object, kind);
        }
    }
    pass.findings
}

/// A warning for each kind that neither Kubernetes nor a given CustomResourceDefinition defines, at its first object.
pub(super) fn undefined(objects: &[Object], options: &Options, custom: &CustomKinds<'_>) -> Vec<Finding> {
    let mut pass = Pass { options, findings: Vec::new(), rules: KindRules::new() };
    let mut kinds: Vec<(&Object, usize)> = Vec::new();
    let mut indexes: HashMap<(&str, &str), usize> = HashMap::new();
    for object in objects.iter().filter(|object| kinds::is_foreign(&object.id.api_version, object.kind())) {
        if custom.versions(object.kind(), object.group()).is_empty() {
            let index = *indexes.entry((object.group(), object.kind())).or_insert_with(|| {
                kinds.push((object, 0));
                kinds.len() - 1
            });
            kinds[index].1 += 1;
        }
    }
    for (first, count) in kinds {
        let (kind, group) = (first.kind(), first.group());
        pass.report(RuleId::KindUnknown, |report| {
            let count = suggest::count(count, "object");
            let message = format!("no definition of {kind} in `{group}`: {count} not validated");
            let help = "pass its CustomResourceDefinition with `--crd FILE|DIR` or its published schema with `--schemas DIR`, \
                        or add the definition to the input";
            report.at(first, &first.node["kind"], message).severity(Severity::Warning).help(help);
        });
    }
    pass.findings
}

/// The constraints of a definition that exceed the limits of this tool: their location, a message and help.
fn over_limits(
    object: &Object,
    kind: &CustomKind<'_>,
    found: &UnevaluatedPatterns,
) -> Vec<(Span, String, &'static str)> {
    const SMALLER: &str =
        "the API server evaluates it; repetitions with large counts, such as `{1000}`, make a pattern large";
    let of = format!("of the definition of {}", object.kind());
    let large =
        found.too_large.iter().map(|span| (*span, format!("pattern {of} is not evaluated: too large"), SMALLER));
    let many = found.too_many.map(|span| {
        (span, format!("this and the following patterns {of} are not evaluated: too large together"), SMALLER)
    });
    let long = kind.is_cut().then(|| {
        let message = format!("not every {} is validated against its whole definition: too expensive", object.kind());
        (
            kind.span(),
            message,
            "the API server evaluates it; large patterns and many alternatives (`anyOf`, `oneOf`) are expensive",
        )
    });
    large.chain(many).chain(long).collect()
}

/// The safe fix of a value of the wrong type, if there is one.
fn remedy(object: &Object, fault: &Fault<'_>) -> Option<Remedy> {
    match &*fault.help {
        QUOTE => Some(Remedy::Quote),
        UNQUOTE => Some(Remedy::Unquote),
        decode::ENCODE if object.kind() == "Secret" => plain_data(object, fault.node),
        _ => None,
    }
}

/// The safe fix of plain text in the `data` of a Secret: rename `data` to `stringData` if all its values are plain text, or else
/// encode the value. There is none for values that may be malformed base64 or placeholders.
fn plain_data(object: &Object, value: &Node) -> Option<Remedy> {
    let is_plain = |node: &Node| {
        node.as_str().is_some_and(|value| {
            let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_');
            !value.trim().bytes().all(is_base64) && !value.contains(['$', '<', '{'])
        })
    };
    let data = object.node.entries().iter().find(|entry| entry.key == "data")?;
    if !is_plain(value) {
        return None;
    }
    if object.node["stringData"].is_null() && data.value.entries().iter().all(|entry| is_plain(&entry.value)) {
        return Some(Remedy::RenameKey(data.key_span, "stringData"));
    }
    Some(Remedy::Replace(encode_base64(value.text().as_bytes()).into()))
}

/// The rule that reports a fault.
const fn rule_of(fault: &Fault<'_>) -> RuleId {
    match fault.kind {
        FaultKind::Unknown => RuleId::FieldUnknown,
        FaultKind::Type => RuleId::FieldType,
        FaultKind::Missing | FaultKind::Invalid => RuleId::CustomResourceInvalid,
    }
}

struct Pass<'a> {
    options: &'a Options,
    findings: Vec<Finding>,
    rules: KindRules<'a>,
}

impl<'a> Pass<'a> {
    fn decode(&mut self, object: &Object, custom: &'a CustomKinds<'a>) -> bool {
        let mut is_valid = true;
        let version = self.options.kubernetes_version;
        let (api_version, kind) = (object.id.api_version.as_str(), object.kind());
        let faults = if let Some(found) = Kind::find(api_version, kind, version) {
            if found.scope == Scope::Subresource {
                self.report(RuleId::KindUnknown, |report| {
                    let message = format!("{kind} is a subresource request and cannot be applied");
                    report.at(object, &object.node["kind"], message);
                });
                return false;
            }
            let deprecated = kinds::deprecated(api_version, kind, version);
            if deprecated.is_none() && !kinds::is_stable(api_version) {
                self.not_served_by_default(object);
            }
            self.deprecated(object, deprecated);
            decode::decode(&object.node, found.ty, version)
        } else if let Some(found) = custom.find(api_version, kind).filter(|found| found.served) {
            let help = if found.warning.is_empty() {
                "its CustomResourceDefinition marks this version as deprecated"
            } else {
                found.warning
            };
            self.deprecated(object, found.deprecated.then(|| ("", help.to_owned())));
            let faults = custom.validate(found, &object.node, version);
            if found.published {
                // The API server may accept the object nevertheless.
                faults.iter().for_each(|fault| self.published_fault(object, fault, found));
                return true;
            }
            // The API server evaluates rules only if all types are right and all required fields are set.
            if !faults.iter().any(|fault| matches!(fault.kind, FaultKind::Type | FaultKind::Missing)) {
                is_valid = custom_rules::check(&mut self.rules, object, found, self.options, &mut self.findings);
            }
            faults
        } else {
            self.unknown_kind(object, custom);
            return false;
        };
        for fault in &faults {
            self.fault(object, fault);
        }
        faults.is_empty() && is_valid
    }

    /// Reports a violation of a published schema.
    fn published_fault(&mut self, object: &Object, fault: &Fault<'_>, kind: &CustomKind<'_>) {
        self.report(rule_of(fault), |report| {
            let mut draft = report
                .field(object, fault.node, &*fault.field, &*fault.message)
                .severity(Severity::Warning)
                .related(kind.span(), "from this published schema; the CustomResourceDefinition may allow it")
                .label(&*fault.label)
                .help(&*fault.help);
            if !fault.key_span.is_none() {
                draft = draft.place(fault.key_span);
            }
            let _ = draft;
        });
    }

    fn fault(&mut self, object: &Object, fault: &Fault<'_>) {
        let rule = rule_of(fault);
        // Quotes do not change the type of an expression's result.
        let computed = fault.node.origin.derived.as_ref().is_some_and(|derived| derived.expression.is_some());
        let help = match &*fault.help {
            QUOTE if computed => "append `| string` to the expression",
            help => help,
        };
        let remedy = if computed { None } else { remedy(object, fault) };
        self.report(rule, |report| {
            let draft = report.field(object, fault.node, &*fault.field, &*fault.message);
            let mut draft = draft.label(&*fault.label).help(help).remedy(remedy);
            if !fault.key_span.is_none() {
                draft = draft.place(fault.key_span);
            }
            let _ = draft;
        });
    }

    fn deprecated(&mut self, object: &Object, deprecated: Option<(&str, String)>) {
        if let Some((since, help)) = deprecated {
            self.report(RuleId::ApiVersionDeprecated, |report| {
                let since = if since.is_empty() { String::new() } else { format!(" since Kubernetes {since}") };
                let message = format!("`{}` {} is deprecated{since}", object.id.api_version, object.kind());
                report.at(object, &object.node["apiVersion"], message).help(help);
            });
        }
    }

    fn not_served_by_default(&mut self, object: &Object) {
        self.report(RuleId::ApiVersionOff, |report| {
            let message = format!("`{}` is not served by default", object.id.api_version);
            let help =
                format!("enable it with the API server's flag `--runtime-config={}=true`", object.id.api_version);
            report.at(object, &object.node["apiVersion"], message).help(help);
        });
    }

    fn unevaluated(&mut self, object: &Object, kind: &CustomKind<'_>) {
        let found = kind.unevaluated_patterns();
        if !found.syntax.is_empty() {
            let patterns = suggest::list(&found.syntax, "and");
            self.report(RuleId::CustomResourceUnevaluated, |report| {
                let message = format!("patterns of the definition of {} are not evaluated: {patterns}", object.kind());
                report.object(object, message);
            });
        }
        for (span, message, help) in over_limits(object, kind, &found) {
            self.report(RuleId::CustomResourceUnevaluated, |report| {
                // A definition that was not read from a file has no location.
                let place = if span.is_none() { object.span() } else { span };
                report.span(None, place, message).help(help);
            });
        }
    }

    fn unknown_kind(&mut self, object: &Object, custom: &CustomKinds<'_>) {
        let version = self.options.kubernetes_version;
        let (api_version, kind) = (object.id.api_version.as_str(), object.kind());
        let mut others = custom.versions(kind, object.group()).iter().filter(|known| known.served).peekable();
        if others.peek().is_some() {
            self.report(RuleId::KindUnknown, |report| {
                let message = format!("the definition of {kind} does not serve `{api_version}`");
                let help = format!("it serves {}", suggest::list(others.map(|known| &known.api_version), "and"));
                report.at(object, &object.node["apiVersion"], message).help(help);
            });
            return;
        }
        if kinds::is_foreign(api_version, kind) {
            // `undefined` reports the kind once for all of its objects.
            return;
        }
        let reason = kinds::unknown(api_version, kind, version);
        let rule =
            if matches!(reason, Unknown::Removed { .. }) { RuleId::ApiVersionRemoved } else { RuleId::KindUnknown };
        let unknown = format!("Kubernetes {version} has no kind `{kind}` in `{api_version}`");
        let mut remedy = None;
        let (field, message, help) = match reason {
            Unknown::Removed { release, replacement, help } => {
                remedy = kinds::moved_unchanged(api_version, kind).then(|| Remedy::Replace(replacement.into()));
                (
                    "apiVersion",
                    format!("`{api_version}` {kind} was removed in Kubernetes {release}"),
                    match (replacement, help) {
                        ("", help) => help.to_owned(),
                        (replacement, _) => format!("use `apiVersion: {replacement}`"),
                    },
                )
            }
            Unknown::Later(first) => ("apiVersion", unknown, format!("it was added in Kubernetes {first}")),
            Unknown::Elsewhere(known) => ("apiVersion", unknown, format!("use {}", suggest::list(known, "or"))),
            Unknown::Near(near) => ("kind", unknown, format!("did you mean `{near}`?")),
            Unknown::Nothing => (
                "kind",
                unknown,
                "pass its CustomResourceDefinition with `--crd FILE|DIR`, or add it to the input".to_owned(),
            ),
        };
        self.report(rule, |report| {
            report.at(object, &object.node[field], message).help(help).remedy(remedy);
        });
    }

    /// Reports findings of a rule, if the rule is selected.
    fn report(&mut self, rule: RuleId, add: impl FnOnce(&mut Report<'_>)) {
        if self.options.runs(rule) {
            let mut report = Report::new(rule, self.options.kubernetes_version);
            add(&mut report);
            self.findings.extend(report.into_findings());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::check::{Options, check_in};
    use crate::finding::RuleId;
    use crate::object::Object;
    use crate::source::Sources;
    use crate::yaml::{Dialect, load};

    /// Checks objects of a custom kind with these fields. Returns the source text and the message of each note.
    fn notes(fields: &str, specs: &[&str]) -> Vec<(String, String)> {
        let mut text = format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: as.x.io}}\nspec:\n  \
             group: x.io\n  scope: Namespaced\n  names: {{plural: as, kind: A, listKind: AList, singular: a}}\n  \
             versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema: {{type: object, \
             properties: {{spec: {{type: object, properties: {{{fields}}}}}}}}}\n"
        );
        for (at, spec) in specs.iter().enumerate() {
            text += &format!("---\napiVersion: x.io/v1\nkind: A\nmetadata: {{name: a{at}}}\nspec: {spec}\n");
        }
        let sources = Sources::new();
        let loaded = load(&sources, sources.add("test.yaml", text), Dialect::Kubectl);
        let objects: Vec<Object> = loaded.documents.into_iter().map(Object::new).collect();
        let mut findings = check_in(&sources, &objects, &Options::default());
        findings.retain(|finding| finding.rule == RuleId::CustomResourceUnevaluated);
        findings.into_iter().map(|finding| (sources.text(finding.span), finding.message)).collect()
    }

    #[test]
    fn a_pattern_that_is_too_large_is_reported_once() {
        let fields =
            |pattern: &str| format!("a: {{type: string, pattern: '{pattern}'}}, b: {{type: string, pattern: '^x$'}}");
        assert_eq!(notes(&fields("^y$"), &["{a: y, b: x}", "{a: y}"]), []);
        let found = notes(&fields("(a{1000}){1000}"), &["{a: y, b: x}", "{a: z}"]);
        let expected = ("'(a{1000}){1000}'", "pattern of the definition of A is not evaluated: too large");
        assert_eq!(found, [(expected.0.to_owned(), expected.1.to_owned())]);
        // No object sets the field.
        assert_eq!(notes(&fields("(a{1000}){1000}"), &["{b: x}"]), []);
    }

    #[test]
    fn a_kind_that_is_too_expensive_is_reported_once() {
        let fields = "a: {type: string, pattern: '^([a-z]{1,63}[.]?){20}$'}";
        let (short, long) = (format!("{{a: {}}}", "a".repeat(60)), format!("{{a: {}}}", "a".repeat(100_000)));
        assert_eq!(notes(fields, &[&short, &short]), []);
        let found = notes(fields, &[&short, &long, &long]);
        let expected = "not every A is validated against its whole definition: too expensive";
        assert_eq!(found.iter().map(|(_, message)| message.as_str()).collect::<Vec<_>>(), [expected]);
    }
}
