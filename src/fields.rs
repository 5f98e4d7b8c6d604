//! Patterns of field paths, walked through trees: `spec.tls[].secretName`. `[]` goes through a list, `*` through the values of
//! a mapping; the empty pattern is the node itself.

use ecow::EcoString;

use crate::node::{Node, Value};

/// Calls `found` with each node that a pattern leads to, and the mapping in which it or its list stands.
pub fn each<'a>(node: &'a Node, pattern: &str, found: &mut dyn FnMut(&'a Node, &'a Node)) {
    let (step, rest) = split(pattern);
    let mut below = |beside: &'a Node, node: &'a Node| match rest {
        Some(rest) => each(node, rest, found),
        None => found(beside, node),
    };
    match Step::of(step) {
        Step::Itself => below(node, node),
        Step::Values => node.entries().iter().for_each(|entry| below(node, &entry.value)),
        Step::Items(list) => node[list].items().iter().for_each(|item| below(node, item)),
        Step::Field(name) => {
            if let Some(value) = node.get(name) {
                below(node, value);
            }
        }
    }
}

/// Gives the strings that a pattern leads to other values, where `new` says so, which is called as [`each`] calls. What is not
/// changed stays shared with its copies.
pub fn rewrite(node: &mut Node, pattern: &str, new: &mut dyn FnMut(&Node, &Node) -> Option<EcoString>) {
    let mut values = Vec::new();
    each(node, pattern, &mut |beside, node| values.push(new(beside, node)));
    if values.iter().any(Option::is_some) {
        let mut values = values.into_iter();
        change(node, pattern, &mut |node| {
            if let Some(value) = values.next().flatten() {
                node.value = Value::String(value);
            }
        });
    }
}

/// Calls `see` with each node that a pattern leads to, for changing it.
pub fn change(node: &mut Node, pattern: &str, see: &mut dyn FnMut(&mut Node)) {
    let (step, rest) = split(pattern);
    let mut below = |node: &mut Node| match rest {
        Some(rest) => change(node, rest, see),
        None => see(node),
    };
    match Step::of(step) {
        Step::Itself => below(node),
        Step::Values => {
            if let Value::Mapping(mapping) = &mut node.value {
                mapping.iter_mut().for_each(|entry| below(&mut entry.value));
            }
        }
        Step::Items(list) => {
            if let Some(Value::Sequence(items)) = node.get_mut(list).map(|list| &mut list.value) {
                items.make_mut().iter_mut().for_each(below);
            }
        }
        Step::Field(name) => {
            if let Some(value) = node.get_mut(name) {
                below(value);
            }
        }
    }
}

/// A step of a pattern.
enum Step<'p> {
    Itself,
    Values,
    Items(&'p str),
    Field(&'p str),
}

impl<'p> Step<'p> {
    fn of(step: &'p str) -> Self {
        match step.strip_suffix("[]") {
            Some(list) => Self::Items(list),
            None if step.is_empty() => Self::Itself,
            None if step == "*" => Self::Values,
            None => Self::Field(step),
        }
    }
}

fn split(pattern: &str) -> (&str, Option<&str>) {
    pattern.split_once('.').map_or((pattern, None), |(step, rest)| (step, Some(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;
    use crate::yaml::{Dialect, emit, load_text};

    #[test]
    fn patterns_lead_through_lists_and_mappings() {
        let text = "a: {b: [{c: one, d: x}, {d: y}, {c: two}]}\nm: {k: {p: three}, l: {p: 4}}\ns: [five, six]\n";
        let node = load_text(text, FileId(0), Dialect::Kubectl).documents.remove(0);
        let found = |pattern: &str| {
            let mut found = Vec::new();
            each(&node, pattern, &mut |beside, node| {
                found.push(format!("{}{}", node.text(), beside["d"].text()));
            });
            found
        };
        assert_eq!(found("a.b[].c"), ["onex", "two"]);
        assert_eq!(found("m.*.p").len(), 2);
        assert_eq!(found("s[]"), ["five", "six"]);
        assert_eq!(found("a.b.c"), [""; 0]);
        assert_eq!(found("").len(), 1);
        let mut changed = node.clone();
        rewrite(&mut changed, "a.b[].c", &mut |_, node| (node.text() == "two").then(|| "2".into()));
        rewrite(&mut changed, "s[]", &mut |_, node| (node.text() == "five").then(|| "5".into()));
        rewrite(&mut changed, "m.*.p", &mut |_, node| (node.text() == "three").then(|| "3".into()));
        let expected = text.replace("two", "\"2\"").replace("five", "\"5\"").replace("three", "\"3\"");
        assert_eq!(emit(&changed), emit(&load_text(&expected, FileId(0), Dialect::Kubectl).documents.remove(0)));
    }
}
