//! Findings that a person has allowed, with a reason: `# plimsoll: allow <rule> because <reason>` on the line of the
//! finding or alone on the one above, or the annotation `plimsoll.dev/allow: <rule> because <reason>; …` on the object.

use crate::finding::Finding;
use crate::node::Node;
use crate::object::Object;
use crate::source::{Sources, Span};

/// The annotation that allows rules for one object.
pub const ANNOTATION: &str = "plimsoll.dev/allow";

/// Takes out the findings that are allowed. One allowed without a reason stays, and its help says why.
pub fn suppress(sources: &Sources, objects: &[Object], findings: &mut Vec<Finding>) {
    // Few objects bear it, so that findings by the thousand do not search through objects by the thousand.
    let annotated: Vec<&Object> = objects.iter().filter(|object| !annotation(&object.node).is_empty()).collect();
    findings.retain_mut(|finding| {
        let places = std::iter::once(finding.span).chain(finding.related.iter().map(|(span, _)| *span));
        let mut verdicts: Vec<Verdict> = places.map(|span| at(sources, span, &finding.rule)).collect();
        if let Some(id) = &finding.object
            && let Some(object) = annotated.iter().find(|object| object.id == *id)
        {
            verdicts.push(allowed_by(annotation(&object.node), &finding.rule));
        }
        if verdicts.contains(&Verdict::WithoutReason) {
            let words = "the `allow` for it gives no reason (`because …`), so it does not hold";
            finding.help =
                if finding.help.is_empty() { words.to_owned() } else { format!("{}; {words}", finding.help) };
        }
        !verdicts.contains(&Verdict::Allowed)
    });
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Silent,
    WithoutReason,
    Allowed,
}

fn at(sources: &Sources, span: Span, rule: &str) -> Verdict {
    let Some(file) = sources.get(span.file) else { return Verdict::Silent };
    let line = file.position(span.start).line;
    let here = file.line(line);
    let above = if line > 1 { file.line(line - 1) } else { "" };
    let above = if above.trim_start().starts_with('#') { above } else { "" };
    [here, above]
        .into_iter()
        .map(|line| comment(line, rule))
        .find(|found| *found != Verdict::Silent)
        .unwrap_or(Verdict::Silent)
}

fn comment(line: &str, rule: &str) -> Verdict {
    line.split('#')
        .skip(1)
        .filter_map(|comment| comment.trim_start().strip_prefix("plimsoll:")?.trim_start().strip_prefix("allow "))
        .map(|allowed| allowance(allowed, rule))
        .find(|found| *found != Verdict::Silent)
        .unwrap_or(Verdict::Silent)
}

fn annotation(object: &Node) -> &str {
    object.at(&["metadata", "annotations", ANNOTATION]).text()
}

fn allowed_by(text: &str, rule: &str) -> Verdict {
    text.split([';', '\n'])
        .map(|allowed| allowance(allowed, rule))
        .max_by_key(|found| *found as u8)
        .unwrap_or(Verdict::Silent)
}

/// Reads `<rule> because <reason>`.
fn allowance(text: &str, rule: &str) -> Verdict {
    let (named, reason) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    if named != rule {
        return Verdict::Silent;
    }
    match reason.trim_start().strip_prefix("because ") {
        Some(reason) if !reason.trim().is_empty() => Verdict::Allowed,
        _ => Verdict::WithoutReason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_reason_allows_and_only_the_rule_named() {
        assert_eq!(comment("a: b # plimsoll: allow x-y because it is so", "x-y"), Verdict::Allowed);
        assert_eq!(comment("# plimsoll: allow x-y because it is so", "x-y"), Verdict::Allowed);
        assert_eq!(comment("a: b # plimsoll: allow x-y because it is so", "x"), Verdict::Silent);
        assert_eq!(comment("a: b # plimsoll: allow x-y", "x-y"), Verdict::WithoutReason);
        assert_eq!(comment("a: b # plimsoll: allow x-y because ", "x-y"), Verdict::WithoutReason);
        assert_eq!(comment("plimsoll: allow x-y because no comment", "x-y"), Verdict::Silent);
    }
}
