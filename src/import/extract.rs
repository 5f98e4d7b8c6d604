//! Matches a template with a newer copy to find the field values that reproduce the copy.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::copies::Variant;
use super::equal::in_form_of_template;
use super::parts::SerializedFormat;
use super::update::import_refused;
use crate::finding::Finding;
use crate::formats::go::decode_base64;
use crate::node::{Node, Value};
use crate::object::Object;
use crate::source::Span;

/// The values that the copy requires: a value, or none.
pub(super) type Bindings = BTreeMap<String, Option<Node>>;

/// Why a template does not match an object: the path of the field, and the reason.
#[derive(Debug, Clone)]
struct Mismatch {
    path: String,
    reason: String,
}

type MatchResult<T = ()> = Result<T, Mismatch>;

fn mismatch<T>(path: &str, reason: impl Into<String>) -> MatchResult<T> {
    Err(Mismatch { path: path.to_owned(), reason: reason.into() })
}

/// Reads the values of fields from objects.
pub(super) struct FieldReader<'a> {
    /// The current values of the profile.
    pub(super) current: &'a Node,
    pub(super) bound: Bindings,
    pub(super) files: &'a BTreeMap<String, Arc<str>>,
}

impl FieldReader<'_> {
    /// Reads the values of fields from all objects.
    pub(super) fn objects(&mut self, documents: &[(String, Node)], variant: &Variant) -> Vec<Finding> {
        let mut left: Vec<&Object> = variant.objects.iter().collect();
        let mut findings = Vec::new();
        let mut missing: Vec<&(String, Node)> = Vec::new();
        for document in documents {
            let template = &document.1;
            let named = |object: &&Object| {
                let names = [&["kind"][..], &["metadata", "name"], &["metadata", "namespace"]];
                let mut trial = FieldReader { current: self.current, bound: self.bound.clone(), files: self.files };
                template["$value"].is_null()
                    && names.iter().all(|path| {
                        let (wanted, found) = (template.at(path), object.node.at(path));
                        wanted.is_null() && found.is_null()
                            || found.is_set() && trial.match_node(wanted, found, "").is_ok()
                    })
            };
            let Some(at) = left.iter().position(named) else {
                missing.push(document);
                continue;
            };
            let object = left.remove(at);
            let mut bound = self.bound.clone();
            std::mem::swap(&mut bound, &mut self.bound);
            if let Err(mismatch) = self.match_node(template, &in_form_of_template(template, &object.node), "") {
                self.bound = bound;
                let message = format!("{} `{}` of `{}`: {}", object.id, mismatch.path, variant.path, mismatch.reason);
                let help = format!(
                    "{} sets it for all profiles; change it there, or import all copies into a new folder",
                    document.0
                );
                findings.push(import_refused(message).with_help(help));
            }
        }
        for (path, template) in missing {
            // An object that is missing turns its flag off.
            match template["$if"].as_str().map(str::to_owned) {
                Some(flag) if self.bind(&flag, Some(Node::new(false, Span::NONE)), "").is_ok() => {}
                _ => {
                    let name = format!("{} {}", template["kind"].text(), template.at(&["metadata", "name"]).text());
                    let message = format!("{name} not found in `{}`", variant.path);
                    findings.push(import_refused(message).with_help(format!(
                        "{path} renders it for every profile; add it to the copy, or make it optional there"
                    )));
                }
            }
        }
        for object in left {
            let message = format!("no template renders {} of `{}`", object.id, variant.path);
            findings.push(
                import_refused(message).with_help("add a template for it, or import all copies into a new folder"),
            );
        }
        findings
    }

    /// Records the value that a field must have.
    fn bind(&mut self, path: &str, value: Option<Node>, at: &str) -> MatchResult {
        if let Some(path) = path.strip_suffix(" is defined") {
            return match value.as_ref().and_then(Node::as_bool) {
                Some(false) => self.bind(path, None, at),
                _ => Ok(()),
            };
        }
        let is_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        if path.is_empty() || !path.chars().all(is_path) {
            return mismatch(at, format!("`{path}` is not a single field"));
        }
        match self.bound.get(path) {
            Some(known) if *known == value => Ok(()),
            Some(_) => mismatch(at, format!("field `{path}` would need two different values")),
            None => {
                self.bound.insert(path.to_owned(), value);
                Ok(())
            }
        }
    }

    fn match_node(&mut self, template: &Node, found: &Node, at: &str) -> MatchResult {
        match &template.value {
            Value::String(text) if text.contains("{{") => self.match_text(text, found, at),
            Value::Mapping(mapping) => {
                if let Some(flag) = template.get("$if") {
                    self.bind(flag.text(), Some(Node::new(true, Span::NONE)), at)?;
                }
                for (directive, format) in [("$yaml", SerializedFormat::Yaml), ("$json", SerializedFormat::Json)] {
                    if let Some(tree) = template.get(directive) {
                        return match super::anti_unify::tree_of(found.text()) {
                            Some((found, known)) if known == format => self.match_node(tree, &found, at),
                            _ => mismatch(at, "the string is not formatted as the template formats it"),
                        };
                    }
                }
                if let Some(value) = template.get("$value") {
                    return self.match_node(value, found, at);
                }
                if let Some(file) = template.get("$file") {
                    let path = format!("templates/{}", file.text());
                    let same = self.files.get(&path).is_some_and(|text| **text == *found.text());
                    return if same { Ok(()) } else { mismatch(at, format!("the string differs from {path}")) };
                }
                if !matches!(found.value, Value::Mapping(_)) {
                    return mismatch(at, format!("expected a mapping as in the template, found {}", found.type_name()));
                }
                for entry in mapping.iter().filter(|entry| !entry.key.starts_with('$')) {
                    let at = if at.is_empty() { entry.key.to_string() } else { format!("{at}.{}", entry.key) };
                    match found.get(&entry.key).filter(|found| found.is_set()) {
                        Some(found) => self.match_node(&entry.value, found, &at)?,
                        None if entry.value.is_null() => {}
                        None => self.match_absent(&entry.value, &at)?,
                    }
                }
                let extra =
                    found.entries().iter().find(|entry| entry.value.is_set() && mapping.get(&entry.key).is_none());
                match extra {
                    Some(entry) => mismatch(at, format!("the template has no field `{}`", entry.key)),
                    None => Ok(()),
                }
            }
            Value::Sequence(items) => match &found.value {
                Value::Sequence(list) => self.match_list(items, list, at),
                _ => mismatch(at, format!("expected a list as in the template, found {}", found.type_name())),
            },
            _ if template == found => Ok(()),
            _ => mismatch(at, "the value is fixed in the template"),
        }
    }

    /// Matches a part of the template that the copy lacks: its flag is off, or its field has no value.
    fn match_absent(&mut self, template: &Node, at: &str) -> MatchResult {
        if let Some(flag) = template.get("$if") {
            return self.bind(flag.text(), Some(Node::new(false, Span::NONE)), at);
        }
        let expression = template.as_str().and_then(whole).unwrap_or_default();
        if let Some(path) = expression.strip_suffix(" | optional") {
            return self.bind(path, None, at);
        }
        if let Some((value, condition)) =
            expression.strip_suffix(" else none").and_then(|rest| rest.rsplit_once(" if "))
        {
            _ = value;
            return self.bind(condition, Some(Node::new(false, Span::NONE)), at);
        }
        mismatch(at, "the template sets it for every profile")
    }

    /// Matches list items in order; optional items may be absent.
    fn match_list(&mut self, items: &[Node], found: &[Node], at: &str) -> MatchResult {
        let mut next = 0;
        let mut last = None;
        for (number, item) in items.iter().enumerate() {
            let here = format!("{at}[{next}]");
            let before = self.bound.clone();
            // How many of the remaining items are required.
            let required = items[number + 1..].iter().filter(|item| !is_optional(item)).count();
            let fits = match found.get(next).filter(|_| !is_optional(item) || found.len() - next > required) {
                Some(found) => self.match_node(item, found, &here),
                None => mismatch(&here, "the template has another item"),
            };
            match fits {
                Ok(()) => next += 1,
                Err(error) => {
                    self.bound = before;
                    if !is_optional(item) {
                        return Err(error);
                    }
                    self.match_absent(item, &here)?;
                    last = Some(error);
                }
            }
        }
        match (next == found.len(), last) {
            (true, _) => Ok(()),
            (false, Some(error)) => Err(error),
            (false, None) => mismatch(&format!("{at}[{next}]"), "the template does not have this item"),
        }
    }

    fn match_text(&mut self, text: &str, found: &Node, at: &str) -> MatchResult {
        if let Some(expression) = whole(text) {
            return self.match_expression(expression, found, at);
        }
        let Some(found_text) = found.as_str() else {
            return mismatch(at, format!("expected a string as in the template, found {}", found.type_name()));
        };
        let mut rest = found_text;
        let pieces = pieces(text);
        for (number, piece) in pieces.iter().enumerate() {
            match piece {
                TemplatePiece::Plain(plain) => match rest.strip_prefix(plain.as_str()) {
                    Some(after) => rest = after,
                    None => return mismatch(at, "the value is fixed in the template"),
                },
                TemplatePiece::Field(path) => {
                    let now = match self.bound.get(path) {
                        Some(value) => value.clone(),
                        None => Some(self.current.at(&path.split('.').collect::<Vec<_>>()).clone()),
                    };
                    let now = now.as_ref().and_then(Node::as_str).filter(|now| !now.is_empty());
                    let next = pieces[number + 1..]
                        .iter()
                        .find_map(|piece| if let TemplatePiece::Plain(plain) = piece { Some(plain) } else { None });
                    let is_last = number + 1 == pieces.len();
                    let same = now.filter(|now| {
                        rest.strip_prefix(now).is_some_and(|after| match next {
                            Some(next) => after.starts_with(next.as_str()),
                            None => !is_last || after.is_empty(),
                        })
                    });
                    let end = match (same, next) {
                        (Some(now), _) => now.len(),
                        (None, Some(next)) => match rest.find(next.as_str()) {
                            Some(end) => end,
                            None => return mismatch(at, "the value is fixed in the template"),
                        },
                        (None, None) => rest.len(),
                    };
                    self.bind(path, Some(Node::new(&rest[..end], Span::NONE)), at)?;
                    rest = &rest[end..];
                }
            }
        }
        if rest.is_empty() { Ok(()) } else { mismatch(at, "the value is fixed in the template") }
    }

    /// Matches a value that is a single expression.
    fn match_expression(&mut self, expression: &str, found: &Node, at: &str) -> MatchResult {
        if let Some((value, condition)) =
            expression.strip_suffix(" else none").and_then(|rest| rest.rsplit_once(" if "))
        {
            self.bind(condition, Some(Node::new(true, Span::NONE)), at)?;
            return self.match_expression(value, found, at);
        }
        if let Some(path) = expression.strip_suffix(" | b64encode") {
            let text = decode_base64(found.text()).and_then(|bytes| String::from_utf8(bytes).ok());
            return match text {
                Some(text) => self.bind(path, Some(Node::new(text, Span::NONE)), at),
                None => mismatch(at, "the value is not base64-encoded UTF-8"),
            };
        }
        if let Some(path) = expression.strip_suffix(" | optional") {
            return self.bind(path, Some(found.clone()), at);
        }
        if let Some(value) = literal(expression) {
            return if value == *found { Ok(()) } else { mismatch(at, "the value is fixed in the template") };
        }
        self.bind(expression, Some(found.clone()), at)
    }
}

/// Whether an item may be absent.
fn is_optional(item: &Node) -> bool {
    let expression = item.as_str().and_then(whole).unwrap_or_default();
    item.get("$if").is_some() || expression.ends_with(" | optional") || expression.ends_with(" else none")
}

/// The expression, if the string is a single expression.
fn whole(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("{{ ")?.strip_suffix(" }}")?;
    (!inner.contains("{{") && !inner.contains("}}")).then_some(inner)
}

/// The value of a literal in an expression.
fn literal(expression: &str) -> Option<Node> {
    if let Some(text) = expression.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return Some(Node::new(text, Span::NONE));
    }
    match expression {
        "true" => Some(Node::new(true, Span::NONE)),
        "false" => Some(Node::new(false, Span::NONE)),
        _ => expression.parse::<i64>().ok().map(|number| Node::new(number, Span::NONE)),
    }
}

enum TemplatePiece {
    Plain(String),
    Field(String),
}

/// The parts of a string with expressions, as written by [`super::template`].
fn pieces(text: &str) -> Vec<TemplatePiece> {
    let mut pieces: Vec<TemplatePiece> = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{ ") {
        plain.push_str(before);
        // An expression for literal braces.
        let literal = ["'{{' }}", "'{' }}"].iter().find_map(|known| Some((known, after.strip_prefix(known)?)));
        match (literal, after.split_once(" }}")) {
            (Some((known, after)), _) => {
                plain.push_str(known.split('\'').nth(1).unwrap_or_default());
                rest = after;
            }
            (None, Some((path, after))) => {
                pieces.push(TemplatePiece::Plain(std::mem::take(&mut plain)));
                pieces.push(TemplatePiece::Field(path.to_owned()));
                rest = after;
            }
            (None, None) => {
                plain.push_str("{{ ");
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    pieces.push(TemplatePiece::Plain(plain));
    pieces.retain(|piece| !matches!(piece, TemplatePiece::Plain(text) if text.is_empty()));
    pieces
}
