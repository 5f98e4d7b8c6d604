//! Which piece of a joined string is wrong: `"{{ image.repository }}:{{ image.tag }}"` is written by one line of a template and
//! by two of a profile, and a person must change one of them.
//!
//! A rule that knows the bytes at fault says so ([`Report::text`](crate::validation::Report::text)). For all others a piece is
//! the culprit if the finding goes away with another text in its place, and with none of the others replaced. Only rules that
//! look at one object by itself are asked so; of those that look for other objects, any change would seem to help.

use super::engine::without_pieces;
use super::options::Options;
use super::rule::Check;
use super::rules;
use crate::finding::{Finding, RuleId};
use crate::node::{Node, Value};
use crate::object::Object;
use crate::source::{Sources, Span};
use crate::validation::point_at;

/// Texts that most forms of strings have: names, tags, hosts; ports, amounts.
const HARMLESS: [&str; 2] = ["a", "1"];

/// How many findings a run traces to a piece; the others show the template.
const MAX_FINDINGS: usize = 50;

/// How many pieces of one string are tried.
const MAX_PIECES: usize = 8;

/// Rules over bundles that look at each value by itself.
const BY_ITSELF: [RuleId; 1] = [RuleId::ImageTextInvalid];

/// Lets findings about joined strings point at the piece that is wrong; where that is not certain, at the template, with the
/// pieces beside it.
pub(super) fn trace(sources: &Sources, objects: &[Object], options: &Options, findings: &mut [Finding]) {
    // Manifests of others are joined of nothing.
    if !options.own {
        return;
    }
    let mut traced = 0;
    for finding in findings {
        let Some(object) = finding.object.as_ref().and_then(|id| objects.iter().find(|object| object.id == *id)) else {
            continue;
        };
        let mut found = Vec::new();
        joined(&object.node, finding.span, &mut Vec::new(), &mut found);
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
                        let place = input.node.origin.span;
                        if finding.related.iter().all(|(known, _)| *known != place) {
                            finding.related.push((place, format!("`{}` is set here", input.path)));
                        }
                    }
                }
            }
        }
    }
}

/// The piece of a string without which there is no such finding; `None` where there is none, or more than one.
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
        && !BY_ITSELF.contains(&finding.rule)
    {
        return None;
    }
    let options = Options { only: vec![finding.rule.name().to_owned()], ..options.clone() };
    let is_same = |other: &Finding| other.rule == finding.rule && other.field == finding.field;
    let remains = |object: &Object| {
        let findings = without_pieces(sources, std::slice::from_ref(object), &options);
        findings.iter().any(is_same)
    };
    if !remains(object) {
        return None;
    }
    let text = node.text();
    let helps = |range: std::ops::Range<usize>| {
        HARMLESS.iter().any(|other| {
            let Some((before, after)) = text.get(..range.start).zip(text.get(range.end..)) else { return false };
            let mut changed = object.node.clone();
            replace(&mut changed, path, format!("{before}{other}{after}"));
            !remains(&Object::new(changed))
        })
    };
    let pieces = node.origin.pieces().iter().enumerate().take(MAX_PIECES);
    let mut helping: Vec<usize> = pieces.filter(|(_, piece)| helps(piece.range())).map(|(index, _)| index).collect();
    if helping.len() > 1 {
        // Too long together: the longest is the one to shorten.
        let length = |index: &usize| node.origin.pieces()[*index].range().len();
        let longest = helping.iter().map(length).max()?;
        helping.retain(|index| length(index) == longest);
    }
    match helping.as_slice() {
        [only] => Some(*only),
        _ => None,
    }
}

/// The ways to joined strings that the template's line at this place wrote.
fn joined(node: &Node, span: Span, path: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
    if node.origin.span == span && !node.origin.pieces().is_empty() {
        found.push(path.clone());
    }
    let inner = node.items().iter().chain(node.entries().iter().map(|entry| &entry.value));
    for (index, inner) in inner.enumerate() {
        path.push(index);
        joined(inner, span, path, found);
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
