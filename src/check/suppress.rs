//! Suppresses findings that are allowed with a reason: by a comment `# plimsoll: allow <rule> because <reason>` on the line of
//! the finding or alone on the line above, or by the annotation `plimsoll.dev/allow: <rule> because <reason>; …` of the object.

use foldhash::{HashMap, HashMapExt};

use crate::finding::{Finding, ObjectRef, RuleId};
use crate::node::Node;
use crate::object::Object;
use crate::report::plain;
use crate::source::{FileId, Sources, Span};

/// The annotation that allows rules for its object.
pub const ANNOTATION: &str = "plimsoll.dev/allow";

/// Removes allowed findings. A finding that is allowed without a reason stays, and its help says why.
pub fn suppress(sources: &Sources, objects: &[Object], findings: &mut Vec<Finding>) {
    // Of objects with the same name, the first one counts.
    let annotated = objects.iter().rev().filter(|object| !annotation(&object.node).is_empty());
    let annotated: HashMap<&ObjectRef, Allowances> =
        annotated.map(|object| (&object.id, of_annotation(annotation(&object.node)))).collect();
    let mut lines = Lines { sources, parsed: HashMap::new() };
    findings.retain_mut(|finding| {
        let spans = std::iter::once(finding.span).chain(finding.related.iter().map(|(span, _)| *span));
        let mut verdicts: Vec<Verdict> = spans.filter_map(|span| lines.at(span, finding.rule.name())).collect();
        let object = finding.object.as_ref().and_then(|id| annotated.get(id));
        verdicts.extend(object.and_then(|allowed| allowed.get(finding.rule.name())));
        let note = if verdicts.contains(&Verdict::WithoutReason) {
            Some("add a reason to `allow`, which is ignored without one: `because …`".to_owned())
        } else if verdicts.is_empty() {
            let unknown = lines.unknown_rule(finding.span);
            let unknown = unknown.or_else(|| object.and_then(|allowed| allowed.unknown_rule.clone()));
            unknown.map(|rule| format!("correct the unknown rule `{}` in `allow`", plain(&rule)))
        } else {
            None
        };
        if let Some(note) = note {
            finding.help = if finding.help.is_empty() { note } else { format!("{note}; {}", finding.help) };
        }
        !verdicts.contains(&Verdict::Allowed)
    });
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    WithoutReason,
    Allowed,
}

/// What comments or an annotation allow.
#[derive(Debug, Default)]
struct Allowances {
    /// The verdict on each rule.
    verdicts: HashMap<String, Verdict>,
    /// The first rule that does not exist.
    unknown_rule: Option<String>,
}

impl Allowances {
    fn get(&self, rule: &str) -> Option<Verdict> {
        self.verdicts.get(rule).copied()
    }

    /// Adds a verdict on a rule; `merge` combines it with an earlier one.
    fn add(&mut self, rule: &str, verdict: Verdict, merge: impl Fn(Verdict, Verdict) -> Verdict) {
        if self.unknown_rule.is_none() && !rule.is_empty() && RuleId::find(rule).is_none() {
            self.unknown_rule = Some(rule.to_owned());
        }
        let known = self.verdicts.entry(RuleId::current(rule).to_owned()).or_insert(verdict);
        *known = merge(*known, verdict);
    }
}

/// The parsed comments of lines with findings. Each line is parsed once: a file may be one long line with many findings.
struct Lines<'a> {
    sources: &'a Sources,
    parsed: HashMap<(FileId, usize), Allowances>,
}

impl Lines<'_> {
    /// The verdict on a rule in the comments at a location.
    fn at(&mut self, span: Span, rule: &str) -> Option<Verdict> {
        self.comments(span, |allowances| allowances.get(rule))
    }

    /// A rule that does not exist in a comment at a location.
    fn unknown_rule(&mut self, span: Span) -> Option<String> {
        self.comments(span, |allowances| allowances.unknown_rule.clone())
    }

    /// Searches the comments on the line of a location, and then the comment alone on the line above.
    fn comments<T>(&mut self, span: Span, search: impl Fn(&Allowances) -> Option<T>) -> Option<T> {
        let file = self.sources.get(span.file)?;
        let line = file.position(span.start).line;
        let mut on = |line: usize, alone: bool| {
            let allowances = self.parsed.entry((span.file, line)).or_insert_with(|| of_comments(file.line(line)));
            let counts = !alone || !allowances.verdicts.is_empty() && file.line(line).trim_start().starts_with('#');
            search(allowances).filter(|_| counts)
        };
        on(line, false).or_else(|| if line > 1 { on(line - 1, true) } else { None })
    }
}

/// Parses the comments of a line; the first one for a rule counts.
fn of_comments(line: &str) -> Allowances {
    let mut allowances = Allowances::default();
    let comments = line.split('#').skip(1);
    let allowed = comments
        .filter_map(|comment| comment.trim_start().strip_prefix("plimsoll:")?.trim_start().strip_prefix("allow "));
    for (rule, verdict) in allowed.map(allowance) {
        allowances.add(rule, verdict, |first, _| first);
    }
    allowances
}

fn annotation(object: &Node) -> &str {
    object.at(&["metadata", "annotations", ANNOTATION]).text()
}

/// Parses an annotation; an entry with a reason wins.
fn of_annotation(text: &str) -> Allowances {
    let mut allowances = Allowances::default();
    for (rule, verdict) in text.split([';', '\n']).map(allowance) {
        allowances.add(rule, verdict, Verdict::max);
    }
    allowances
}

/// Parses `<rule> because <reason>`.
fn allowance(text: &str) -> (&str, Verdict) {
    let (rule, reason) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    match reason.trim_start().strip_prefix("because ") {
        Some(reason) if !reason.trim().is_empty() => (rule, Verdict::Allowed),
        _ => (rule, Verdict::WithoutReason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_allowed_only_by_its_id_and_with_a_reason() {
        let comment = |line: &str, rule: &str| of_comments(line).get(rule);
        let (allowed, without) = (Some(Verdict::Allowed), Some(Verdict::WithoutReason));
        assert_eq!(comment("a: b # plimsoll: allow x-y because it is so", "x-y"), allowed);
        assert_eq!(comment("# plimsoll: allow x-y because it is so", "x-y"), allowed);
        assert_eq!(comment("a: b # plimsoll: allow x-y because it is so", "x"), None);
        assert_eq!(comment("a: b # plimsoll: allow x-y", "x-y"), without);
        assert_eq!(comment("a: b # plimsoll: allow x-y because ", "x-y"), without);
        assert_eq!(comment("plimsoll: allow x-y because no comment", "x-y"), None);
        // The first comment of a line counts; in an annotation, an entry with a reason wins.
        assert_eq!(comment("a: b # plimsoll: allow x-y # plimsoll: allow x-y because it is so", "x-y"), without);
        assert_eq!(of_annotation("x-y; x-y because it is so").get("x-y"), allowed);
    }
}
