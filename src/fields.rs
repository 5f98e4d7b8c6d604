//! Patterns of field paths, such as `spec.tls[].secretName`. `[]` matches every item of a list, `*` every value of a mapping;
//! the empty pattern matches the node itself.

use ecow::EcoString;

use crate::node::{Node, Value};

/// Calls `found` for each node that matches, with the mapping that contains the node or its list, and the node.
pub fn each<'a>(node: &'a Node, pattern: &str, found: &mut dyn FnMut(&'a Node, &'a Node)) {
    let (segment, rest) = split(pattern);
    let mut descend = |beside: &'a Node, node: &'a Node| match rest {
        Some(rest) => each(node, rest, found),
        None => found(beside, node),
    };
    match Segment::parse(segment) {
        Segment::This => descend(node, node),
        Segment::Values => node.entries().iter().for_each(|entry| descend(node, &entry.value)),
        Segment::Items(list) => node[list].items().iter().for_each(|item| descend(node, item)),
        Segment::Field(name) => {
            if let Some(value) = node.get(name) {
                descend(node, value);
            }
        }
    }
}

/// Replaces the strings that match with what `new` returns for them; `None` keeps a string. `new` takes what [`each`] passes.
/// Nodes without a change stay shared with their copies.
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

/// Calls `edit` for each node that matches.
pub fn change(node: &mut Node, pattern: &str, edit: &mut dyn FnMut(&mut Node)) {
    let (segment, rest) = split(pattern);
    let mut descend = |node: &mut Node| match rest {
        Some(rest) => change(node, rest, edit),
        None => edit(node),
    };
    match Segment::parse(segment) {
        Segment::This => descend(node),
        Segment::Values => {
            if let Value::Mapping(mapping) = &mut node.value {
                mapping.iter_mut().for_each(|entry| descend(&mut entry.value));
            }
        }
        Segment::Items(list) => {
            if let Some(Value::Sequence(items)) = node.get_mut(list).map(|list| &mut list.value) {
                items.make_mut().iter_mut().for_each(descend);
            }
        }
        Segment::Field(name) => {
            if let Some(value) = node.get_mut(name) {
                descend(value);
            }
        }
    }
}

/// The first segment of a pattern.
enum Segment<'p> {
    /// The empty pattern.
    This,
    Values,
    Items(&'p str),
    Field(&'p str),
}

impl<'p> Segment<'p> {
    fn parse(segment: &'p str) -> Self {
        match segment.strip_suffix("[]") {
            Some(list) => Self::Items(list),
            None if segment.is_empty() => Self::This,
            None if segment == "*" => Self::Values,
            None => Self::Field(segment),
        }
    }
}

fn split(pattern: &str) -> (&str, Option<&str>) {
    pattern.split_once('.').map_or((pattern, None), |(segment, rest)| (segment, Some(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;
    use crate::yaml::{Dialect, emit, load_text};

    #[test]
    fn patterns_match_in_lists_and_mappings() {
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
