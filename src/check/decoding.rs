//! The decode pass: one walk over each object, before any rule looks at it.

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

/// Decodes all objects. For each, whether the API server would get as far as validating it.
pub(super) fn decode<'a>(
    objects: &[Object],
    options: &'a Options,
    custom: &'a CustomKinds<'a>,
) -> (Vec<bool>, Vec<Finding>) {
    let mut pass = Pass { options, findings: Vec::new(), rules: KindRules::new() };
    let decodes = objects.iter().map(|object| pass.object(object, custom)).collect();
    (decodes, pass.findings)
}

/// A note for each custom kind that has rules we do not evaluate, at its first object.
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

/// A warning for each kind of a foreign group that nothing defines, at its first object.
pub(super) fn undefined(objects: &[Object], options: &Options, custom: &CustomKinds<'_>) -> Vec<Finding> {
    let mut pass = Pass { options, findings: Vec::new(), rules: KindRules::new() };
    let mut kinds: Vec<(&Object, usize)> = Vec::new();
    let mut places: HashMap<(&str, &str), usize> = HashMap::new();
    for object in objects.iter().filter(|object| kinds::is_foreign(&object.id.api_version, object.kind())) {
        if custom.versions(object.kind(), object.group()).is_empty() {
            let at = *places.entry((object.group(), object.kind())).or_insert_with(|| {
                kinds.push((object, 0));
                kinds.len() - 1
            });
            kinds[at].1 += 1;
        }
    }
    for (first, count) in kinds {
        let (kind, group) = (first.kind(), first.group());
        pass.report(RuleId::KindUnknown, |report| {
            let count = suggest::count(count, "object");
            let message = format!("no definition of {kind} in `{group}` given: {count} not checked against it");
            let help = "pass its CustomResourceDefinition with `--crd FILE|DIR` or its published schema with `--schemas DIR`, \
                        or add the definition to the input";
            report.at(first, &first.node["kind"], message).severity(Severity::Warning).help(help);
        });
    }
    pass.findings
}

/// What of a definition would take too much: where it stands, what is not done, and what to do.
fn beyond(object: &Object, kind: &CustomKind<'_>, found: &UnevaluatedPatterns) -> Vec<(Span, String, &'static str)> {
    const SMALLER: &str = "the API server evaluates it; large counts such as `{1000}` make a pattern large";
    let of = format!("of the definition of {}", object.kind());
    let large =
        found.too_large.iter().map(|span| (*span, format!("this pattern {of} is too large to evaluate here"), SMALLER));
    let many = found
        .too_many
        .map(|span| (span, format!("from here on no pattern {of} is evaluated: together they are too large"), SMALLER));
    let long = kind.is_cut().then(|| {
        let message =
            format!("not every {} was held against all of its definition: it would take too long", object.kind());
        (kind.span(), message, "the API server evaluates it; large patterns, or many forms of one value, take long")
    });
    large.chain(many).chain(long).collect()
}

/// What mends a value of the wrong type without a person's judgement.
fn remedy(object: &Object, fault: &Fault<'_>) -> Option<Remedy> {
    match &*fault.help {
        QUOTE => Some(Remedy::Quote),
        UNQUOTE => Some(Remedy::Unquote),
        decode::ENCODE if object.kind() == "Secret" => plain_data(object, fault.node),
        _ => None,
    }
}

/// What mends plain text in a Secret's `data`: `stringData` where all of it is plain text, else base64. What could have been
/// meant as base64, and what is still to be filled in, is left to a person.
fn plain_data(object: &Object, value: &Node) -> Option<Remedy> {
    let is_plain = |node: &Node| {
        node.as_str().is_some_and(|text| {
            let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_');
            !text.trim().bytes().all(is_base64) && !text.contains(['$', '<', '{'])
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
    fn object(&mut self, object: &Object, custom: &'a CustomKinds<'a>) -> bool {
        let mut keeps_rules = true;
        let version = self.options.kubernetes_version;
        let (api_version, kind) = (object.id.api_version.as_str(), object.kind());
        let faults = if let Some(found) = Kind::find(api_version, kind, version) {
            if found.scope == Scope::Subresource {
                self.report(RuleId::KindUnknown, |report| {
                    let message = format!("a {kind} cannot be applied: it is only sent to a part of another object");
                    report.at(object, &object.node["kind"], message);
                });
                return false;
            }
            let deprecated = kinds::deprecated(api_version, kind, version);
            if deprecated.is_none() && !kinds::is_stable(api_version) {
                self.off(object);
            }
            self.deprecated(object, deprecated);
            decode::decode(&object.node, found.ty, version)
        } else if let Some(found) = custom.find(api_version, kind).filter(|found| found.served) {
            let help = if found.warning.is_empty() { "the definition says so" } else { found.warning };
            self.deprecated(object, found.deprecated.then(|| ("", help.to_owned())));
            let faults = custom.validate(found, &object.node, version);
            if found.published {
                // Whatever it says, the API server may take the object.
                faults.iter().for_each(|fault| self.doubt(object, fault, found));
                return true;
            }
            // The API server evaluates rules on values that have their types and required fields.
            if !faults.iter().any(|fault| matches!(fault.kind, FaultKind::Type | FaultKind::Missing)) {
                keeps_rules = custom_rules::check(&mut self.rules, object, found, self.options, &mut self.findings);
            }
            faults
        } else {
            self.unknown_kind(object, custom);
            return false;
        };
        for fault in &faults {
            self.fault(object, fault);
        }
        faults.is_empty() && keeps_rules
    }

    /// What a published schema says of an object.
    fn doubt(&mut self, object: &Object, fault: &Fault<'_>, kind: &CustomKind<'_>) {
        self.report(rule_of(fault), |report| {
            let mut draft = report
                .field(object, fault.node, &*fault.field, &*fault.message)
                .severity(Severity::Warning)
                .related(kind.span(), "only this schema says so: the definition it was made from may allow it")
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
        // Quotes would not help where an expression makes the value.
        let computed = fault.node.origin.derived.as_ref().is_some_and(|derived| derived.expression.is_some());
        let help = match &*fault.help {
            QUOTE if computed => "write `| string` at the end of the expression",
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

    fn off(&mut self, object: &Object) {
        self.report(RuleId::ApiVersionOff, |report| {
            let message = format!("clusters do not serve `{}` unless told to", object.id.api_version);
            let help = format!("start the API server with `--runtime-config={}=true`", object.id.api_version);
            report.at(object, &object.node["apiVersion"], message).help(help);
        });
    }

    fn unevaluated(&mut self, object: &Object, kind: &CustomKind<'_>) {
        let found = kind.unevaluated_patterns();
        if !found.syntax.is_empty() {
            let patterns = suggest::list(&found.syntax, "and");
            self.report(RuleId::CustomResourceUnevaluated, |report| {
                let message = format!("patterns of the definition of {} not evaluated: {patterns}", object.kind());
                report.object(object, message);
            });
        }
        for (span, message, help) in beyond(object, kind, &found) {
            self.report(RuleId::CustomResourceUnevaluated, |report| {
                // A definition that was made here stands nowhere.
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
            // Told once for all objects of the kind.
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
            Unknown::Later(first) => ("apiVersion", unknown, format!("it comes with Kubernetes {first}")),
            Unknown::Elsewhere(known) => {
                ("apiVersion", unknown, format!("the kind is in {}", suggest::list(known, "and")))
            }
            Unknown::Near(near) => ("kind", unknown, format!("did you mean `{near}`?")),
            Unknown::Nothing => (
                "kind",
                unknown,
                "hand in its CustomResourceDefinition with `--crd FILE|DIR`, or among the files".to_owned(),
            ),
        };
        self.report(rule, |report| {
            report.at(object, &object.node[field], message).help(help).remedy(remedy);
        });
    }

    /// Lets a rule speak, if it is asked for.
    fn report(&mut self, rule: RuleId, speak: impl FnOnce(&mut Report<'_>)) {
        if self.options.runs(rule) {
            let mut report = Report::new(rule, self.options.kubernetes_version);
            speak(&mut report);
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

    /// The notes of objects of a definition with some fields: the text they stand at, and what they say.
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
    fn a_pattern_that_is_too_large_is_told_once_where_it_stands() {
        let fields =
            |pattern: &str| format!("a: {{type: string, pattern: '{pattern}'}}, b: {{type: string, pattern: '^x$'}}");
        assert_eq!(notes(&fields("^y$"), &["{a: y, b: x}", "{a: y}"]), []);
        let told = notes(&fields("(a{1000}){1000}"), &["{a: y, b: x}", "{a: z}"]);
        let expected = ("'(a{1000}){1000}'", "this pattern of the definition of A is too large to evaluate here");
        assert_eq!(told, [(expected.0.to_owned(), expected.1.to_owned())]);
        // Nothing was to be held against it.
        assert_eq!(notes(&fields("(a{1000}){1000}"), &["{b: x}"]), []);
    }

    #[test]
    fn a_kind_that_takes_too_long_is_told_once() {
        let fields = "a: {type: string, pattern: '^([a-z]{1,63}[.]?){20}$'}";
        let (short, long) = (format!("{{a: {}}}", "a".repeat(60)), format!("{{a: {}}}", "a".repeat(100_000)));
        assert_eq!(notes(fields, &[&short, &short]), []);
        let told = notes(fields, &[&short, &long, &long]);
        let expected = "not every A was held against all of its definition: it would take too long";
        assert_eq!(told.iter().map(|(_, message)| message.as_str()).collect::<Vec<_>>(), [expected]);
    }
}
