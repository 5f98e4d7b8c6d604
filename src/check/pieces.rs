//! Finds the invalid piece of an interpolated string: `"{{ image.repository }}:{{ image.tag }}"` is one line of a template and
//! two values of a profile, and the user must change one of them.
//!
//! Rules that know the invalid bytes report them ([`Report::text`](crate::validation::Report::text)). For other rules, a piece is
//! the cause if the finding disappears when that piece is replaced, and only then. This works for rules about single objects
//! only; a finding about a reference to another object would disappear with any change.

use super::engine::check_untraced;
use super::options::Options;
use super::rule::Check;
use super::rules;
use crate::finding::{Finding, RuleId};
use crate::node::{Node, Value};
use crate::object::Object;
use crate::source::{Sources, Span};
use crate::validation::point_at;

/// Replacements that are valid in most strings: in names, tags and hosts; in ports and quantities.
const REPLACEMENTS: [&str; 2] = ["a", "1"];

/// The maximum number of findings that are traced in a run; the others point at the template.
const MAX_FINDINGS: usize = 50;

/// The maximum number of pieces of one string that are tried.
const MAX_PIECES: usize = 8;

/// Bundle rules that check each value on its own.
const PER_VALUE_RULES: [RuleId; 1] = [RuleId::ImageTextInvalid];

/// Makes findings about interpolated strings point at the invalid piece; if it cannot be determined, at the template, with the
/// pieces as related locations.
pub(super) fn trace(sources: &Sources, objects: &[Object], options: &Options, findings: &mut [Finding]) {
    // Only rendered strings have pieces.
    if !options.is_rendered {
        return;
    }
    let mut traced = 0;
    for finding in findings {
        let Some(object) = finding.object.as_ref().and_then(|id| objects.iter().find(|object| object.id == *id)) else {
            continue;
        };
        let mut found = Vec::new();
        find_interpolated(&object.node, finding.span, &mut Vec::new(), &mut found);
        for path in found {
            traced += 1;
            let node = at(&object.node, &path);
            let culprit =
                if traced <= MAX_FINDINGS { culprit(sources, object, &path, node, options, finding) } else { None };
            let template = node.origin.span;
            match culprit.map(|index| &node.origin.pieces()[index].origin) {
                Some(origin) => {
                    if let Some(input) = origin.blame(&Value::Null) {
                        point_at(finding, input.node.origin.span, template);
                    }
                    break;
                }
                None => {
                    for input in node.origin.pieces().iter().filter_map(|piece| piece.origin.blame(&Value::Null)) {
                        let location = input.node.origin.span;
                        if finding.related.iter().all(|(known, _)| *known != location) {
                            finding.related.push((location, format!("`{}` is set here", input.path)));
                        }
                    }
                }
            }
        }
    }
}

/// The index of the piece that causes a finding; `None` if there is none, or more than one.
fn culprit(
    sources: &Sources,
    object: &Object,
    path: &[usize],
    node: &Node,
    options: &Options,
    finding: &Finding,
) -> Option<usize> {
    let rule = rules::ALL.iter().find(|rule| rule.id == finding.rule);
    if rule.is_some_and(|rule| matches!(rule.check, Check::Bundle(_) | Check::Fleet(_)))
        && !PER_VALUE_RULES.contains(&finding.rule)
    {
        return None;
    }
    let options = Options { only: vec![finding.rule.name().to_owned()], ..options.clone() };
    let is_same = |other: &Finding| other.rule == finding.rule && other.field == finding.field;
    let remains = |object: &Object| {
        let findings = check_untraced(sources, std::slice::from_ref(object), &options);
        findings.iter().any(is_same)
    };
    if !remains(object) {
        return None;
    }
    let text = node.text();
    let is_cause = |range: std::ops::Range<usize>| {
        REPLACEMENTS.iter().any(|other| {
            let Some((before, after)) = text.get(..range.start).zip(text.get(range.end..)) else { return false };
            let mut changed = object.node.clone();
            replace(&mut changed, path, format!("{before}{other}{after}"));
            !remains(&Object::new(changed))
        })
    };
    let pieces = node.origin.pieces().iter().enumerate().take(MAX_PIECES);
    let mut causes: Vec<usize> = pieces.filter(|(_, piece)| is_cause(piece.range())).map(|(index, _)| index).collect();
    if causes.len() > 1 {
        // The string is too long: the longest piece is the one to shorten.
        let length = |index: &usize| node.origin.pieces()[*index].range().len();
        let longest = causes.iter().map(length).max()?;
        causes.retain(|index| length(index) == longest);
    }
    match causes.as_slice() {
        [only] => Some(*only),
        _ => None,
    }
}

/// Collects the paths of interpolated strings that come from this location in a template.
fn find_interpolated(node: &Node, span: Span, path: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
    if node.origin.span == span && !node.origin.pieces().is_empty() {
        found.push(path.clone());
    }
    let inner = node.items().iter().chain(node.entries().iter().map(|entry| &entry.value));
    for (index, inner) in inner.enumerate() {
        path.push(index);
        find_interpolated(inner, span, path, found);
        path.pop();
    }
}

fn at<'n>(node: &'n Node, path: &[usize]) -> &'n Node {
    path.iter().fold(node, |node, index| match &node.value {
        Value::Sequence(_) => &node[*index],
        _ => node.entries().get(*index).map_or(Node::absent(), |entry| &entry.value),
    })
}

fn replace(node: &mut Node, path: &[usize], text: String) {
    let Some((index, path)) = path.split_first() else {
        node.value = text.into();
        return;
    };
    let inner = match &mut node.value {
        Value::Sequence(items) => items.make_mut().get_mut(*index),
        Value::Mapping(mapping) => mapping.entries_mut().make_mut().get_mut(*index).map(|entry| &mut entry.value),
        _ => None,
    };
    if let Some(inner) = inner {
        replace(inner, path, text);
    }
}
