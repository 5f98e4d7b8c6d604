//! A template beside a newer copy: which values of its fields make the copy.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::again::refused;
use super::copies::Variant;
use super::equal::as_in;
use super::parts::Format;
use crate::finding::Finding;
use crate::formats::go::decode_base64;
use crate::node::{Node, Value};
use crate::object::Object;
use crate::source::Span;

/// What the copy says of the fields: a value, or that there is none.
pub(super) type Bound = BTreeMap<String, Option<Node>>;

/// Why a template does not fit an object: the path of the field, and what is wrong with it.
#[derive(Debug, Clone)]
struct Misfit {
    path: String,
    words: String,
}

type Fit<T = ()> = Result<T, Misfit>;

fn misfit<T>(path: &str, words: impl Into<String>) -> Fit<T> {
    Err(Misfit { path: path.to_owned(), words: words.into() })
}

/// Reads fields out of objects.
pub(super) struct Reader<'a> {
    /// The values of the profile as it is.
    pub(super) current: &'a Node,
    pub(super) bound: Bound,
    pub(super) files: &'a BTreeMap<String, Arc<str>>,
}

impl Reader<'_> {
    /// Reads the fields out of all objects.
    pub(super) fn objects(&mut self, documents: &[(String, Node)], variant: &Variant) -> Vec<Finding> {
        let mut left: Vec<&Object> = variant.objects.iter().collect();
        let mut findings = Vec::new();
        let mut missing: Vec<&(String, Node)> = Vec::new();
        for document in documents {
            let template = &document.1;
            let named = |object: &&Object| {
                let names = [&["kind"][..], &["metadata", "name"], &["metadata", "namespace"]];
                let mut trial = Reader { current: self.current, bound: self.bound.clone(), files: self.files };
                template["$value"].is_null()
                    && names.iter().all(|path| {
                        let (wanted, found) = (template.at(path), object.node.at(path));
                        wanted.is_null() && found.is_null() || found.is_set() && trial.fit(wanted, found, "").is_ok()
                    })
            };
            let Some(at) = left.iter().position(named) else {
                missing.push(document);
                continue;
            };
            let object = left.remove(at);
            let mut bound = self.bound.clone();
            std::mem::swap(&mut bound, &mut self.bound);
            if let Err(misfit) = self.fit(template, &as_in(template, &object.node), "") {
                self.bound = bound;
                let message = format!("{} `{}` of `{}`: {}", object.id, misfit.path, variant.path, misfit.words);
                let help = format!(
                    "{} says it for all profiles; change it there, or import all copies into a new folder",
                    document.0
                );
                findings.push(refused(message).with_help(help));
            }
        }
        for (path, template) in missing {
            // A flag that nothing needs yet decides that the object is not there.
            match template["$if"].as_str().map(str::to_owned) {
                Some(flag) if self.bind(&flag, Some(Node::new(false, Span::NONE)), "").is_ok() => {}
                _ => {
                    let name = format!("{} {}", template["kind"].text(), template.at(&["metadata", "name"]).text());
                    let message = format!("`{}` has no {name}", variant.path);
                    findings.push(refused(message).with_help(format!("{path} makes it for every profile")));
                }
            }
        }
        for object in left {
            let message = format!("no template makes {} of `{}`", object.id, variant.path);
            findings
                .push(refused(message).with_help("write a template for it, or import all copies into a new folder"));
        }
        findings
    }

    /// Notes what a field must be.
    fn bind(&mut self, path: &str, value: Option<Node>, at: &str) -> Fit {
        if let Some(path) = path.strip_suffix(" is defined") {
            return match value.as_ref().and_then(Node::as_bool) {
                Some(false) => self.bind(path, None, at),
                _ => Ok(()),
            };
        }
        let is_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        if path.is_empty() || !path.chars().all(is_path) {
            return misfit(at, format!("`{path}` is more than a field"));
        }
        match self.bound.get(path) {
            Some(known) if *known == value => Ok(()),
            Some(_) => misfit(at, format!("field `{path}` would need two values")),
            None => {
                self.bound.insert(path.to_owned(), value);
                Ok(())
            }
        }
    }

    fn fit(&mut self, template: &Node, found: &Node, at: &str) -> Fit {
        match &template.value {
            Value::String(text) if text.contains("{{") => self.text(text, found, at),
            Value::Mapping(mapping) => {
                if let Some(flag) = template.get("$if") {
                    self.bind(flag.text(), Some(Node::new(true, Span::NONE)), at)?;
                }
                for (directive, format) in [("$yaml", Format::Yaml), ("$json", Format::Json)] {
                    if let Some(tree) = template.get(directive) {
                        return match super::anti_unify::tree_of(found.text()) {
                            Some((found, known)) if known == format => self.fit(tree, &found, at),
                            _ => misfit(at, "the text is not written as the template writes it"),
                        };
                    }
                }
                if let Some(value) = template.get("$value") {
                    return self.fit(value, found, at);
                }
                if let Some(file) = template.get("$file") {
                    let path = format!("templates/{}", file.text());
                    let same = self.files.get(&path).is_some_and(|text| **text == *found.text());
                    return if same { Ok(()) } else { misfit(at, format!("the text is not that of {path}")) };
                }
                if !matches!(found.value, Value::Mapping(_)) {
                    return misfit(at, format!("the template has a mapping here, the copy {}", found.type_name()));
                }
                for entry in mapping.iter().filter(|entry| !entry.key.starts_with('$')) {
                    let at = if at.is_empty() { entry.key.to_string() } else { format!("{at}.{}", entry.key) };
                    match found.get(&entry.key).filter(|found| found.is_set()) {
                        Some(found) => self.fit(&entry.value, found, &at)?,
                        None if entry.value.is_null() => {}
                        None => self.absent(&entry.value, &at)?,
                    }
                }
                let extra =
                    found.entries().iter().find(|entry| entry.value.is_set() && mapping.get(&entry.key).is_none());
                match extra {
                    Some(entry) => misfit(at, format!("no template has `{}`", entry.key)),
                    None => Ok(()),
                }
            }
            Value::Sequence(items) => match &found.value {
                Value::Sequence(list) => self.list(items, list, at),
                _ => misfit(at, format!("the template has a list here, the copy {}", found.type_name())),
            },
            _ if template == found => Ok(()),
            _ => misfit(at, "the value is a part of the template"),
        }
    }

    /// A part of the template that the copy lacks: its flag is off, its field has no value.
    fn absent(&mut self, template: &Node, at: &str) -> Fit {
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
        misfit(at, "the template has it in every profile")
    }

    /// The items in order; those that only some profiles have may be left out.
    fn list(&mut self, items: &[Node], found: &[Node], at: &str) -> Fit {
        let mut next = 0;
        let mut last = None;
        for (number, item) in items.iter().enumerate() {
            let here = format!("{at}[{next}]");
            let before = self.bound.clone();
            // What the others need of the rest of the list.
            let must = items[number + 1..].iter().filter(|item| !is_optional(item)).count();
            let fits = match found.get(next).filter(|_| !is_optional(item) || found.len() - next > must) {
                Some(found) => self.fit(item, found, &here),
                None => misfit(&here, "the template has one more item"),
            };
            match fits {
                Ok(()) => next += 1,
                Err(error) => {
                    self.bound = before;
                    if !is_optional(item) {
                        return Err(error);
                    }
                    self.absent(item, &here)?;
                    last = Some(error);
                }
            }
        }
        match (next == found.len(), last) {
            (true, _) => Ok(()),
            (false, Some(error)) => Err(error),
            (false, None) => misfit(&format!("{at}[{next}]"), "no template has this item"),
        }
    }

    fn text(&mut self, text: &str, found: &Node, at: &str) -> Fit {
        if let Some(expression) = whole(text) {
            return self.expression(expression, found, at);
        }
        let Some(found_text) = found.as_str() else {
            return misfit(at, format!("the template has a string here, the copy {}", found.type_name()));
        };
        let mut rest = found_text;
        let pieces = pieces(text);
        for (number, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Plain(plain) => match rest.strip_prefix(plain.as_str()) {
                    Some(after) => rest = after,
                    None => return misfit(at, "the value is a part of the template"),
                },
                Piece::Field(path) => {
                    let now = match self.bound.get(path) {
                        Some(value) => value.clone(),
                        None => Some(self.current.at(&path.split('.').collect::<Vec<_>>()).clone()),
                    };
                    let now = now.as_ref().and_then(Node::as_str).filter(|now| !now.is_empty());
                    let next = pieces[number + 1..]
                        .iter()
                        .find_map(|piece| if let Piece::Plain(plain) = piece { Some(plain) } else { None });
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
                            None => return misfit(at, "the value is a part of the template"),
                        },
                        (None, None) => rest.len(),
                    };
                    self.bind(path, Some(Node::new(&rest[..end], Span::NONE)), at)?;
                    rest = &rest[end..];
                }
            }
        }
        if rest.is_empty() { Ok(()) } else { misfit(at, "the value is a part of the template") }
    }

    /// The whole value is one expression's.
    fn expression(&mut self, expression: &str, found: &Node, at: &str) -> Fit {
        if let Some((value, condition)) =
            expression.strip_suffix(" else none").and_then(|rest| rest.rsplit_once(" if "))
        {
            self.bind(condition, Some(Node::new(true, Span::NONE)), at)?;
            return self.expression(value, found, at);
        }
        if let Some(path) = expression.strip_suffix(" | b64encode") {
            let text = decode_base64(found.text()).and_then(|bytes| String::from_utf8(bytes).ok());
            return match text {
                Some(text) => self.bind(path, Some(Node::new(text, Span::NONE)), at),
                None => misfit(at, "the value is not text in Base64"),
            };
        }
        if let Some(path) = expression.strip_suffix(" | optional") {
            return self.bind(path, Some(found.clone()), at);
        }
        if let Some(value) = literal(expression) {
            return if value == *found { Ok(()) } else { misfit(at, "the value is a part of the template") };
        }
        self.bind(expression, Some(found.clone()), at)
    }
}

/// Whether a profile can do without an item.
fn is_optional(item: &Node) -> bool {
    let expression = item.as_str().and_then(whole).unwrap_or_default();
    item.get("$if").is_some() || expression.ends_with(" | optional") || expression.ends_with(" else none")
}

/// The expression, where the text is nothing but one.
fn whole(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("{{ ")?.strip_suffix(" }}")?;
    (!inner.contains("{{") && !inner.contains("}}")).then_some(inner)
}

/// A scalar as an expression says it.
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

enum Piece {
    Plain(String),
    Field(String),
}

/// The parts of a text with expressions, as [`super::template`] writes them.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{ ") {
        plain.push_str(before);
        // The expression that stands for two braces holds them.
        let literal = ["'{{' }}", "'{' }}"].iter().find_map(|known| Some((known, after.strip_prefix(known)?)));
        match (literal, after.split_once(" }}")) {
            (Some((known, after)), _) => {
                plain.push_str(known.split('\'').nth(1).unwrap_or_default());
                rest = after;
            }
            (None, Some((path, after))) => {
                pieces.push(Piece::Plain(std::mem::take(&mut plain)));
                pieces.push(Piece::Field(path.to_owned()));
                rest = after;
            }
            (None, None) => {
                plain.push_str("{{ ");
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    pieces.push(Piece::Plain(plain));
    pieces.retain(|piece| !matches!(piece, Piece::Plain(text) if text.is_empty()));
    pieces
}
