//! Writes the joint template as the YAML of template files.

use std::collections::BTreeMap;

use ecow::EcoString;

use super::copies::Presence;
use super::fields::{FieldSet, ValuePiece};
use super::names::expression;
use super::parts::{Location, PathStep, SerializedFormat, TemplateMember, TemplateNode, TemplateSite};
use crate::node::{Entry, Mapping, Node, Value};
use crate::source::Span;

/// Converts members to template trees.
pub(super) struct TemplateWriter<'a> {
    pub(super) fields: &'a FieldSet,
    pub(super) sites: &'a [TemplateSite],
    /// The kind of each class.
    pub(super) kinds: &'a [EcoString],
    /// Files that the templates refer to, by their path under `templates/`.
    pub(super) files: BTreeMap<String, String>,
    /// Whether the tree of a serialized string is being written, whose key order must be kept.
    pub(super) in_text: bool,
}

/// Longer strings are not written as literals in an expression.
const LONGEST_LITERAL: usize = 60;

/// Keys that are written first.
const LEADING: &[&str] =
    &["apiVersion", "kind", "metadata", "name", "namespace", "image", "imagePullPolicy", "command", "args"];

impl TemplateWriter<'_> {
    /// A document.
    pub(super) fn document(&mut self, member: &TemplateMember) -> Node {
        self.member(member)
    }

    /// The flag of a member that only some copies have.
    fn flag(&self, member: &TemplateMember) -> Option<String> {
        if !member.is_optional() {
            return None;
        }
        self.fields.flags.get(&member.presence).map(|at| expression(&self.fields.all[*at].name))
    }

    fn member(&mut self, member: &TemplateMember) -> Node {
        let flag = self.flag(member);
        let value = match &member.part {
            TemplateNode::Same(node) => self.same(node, member),
            TemplateNode::Site(at) => return self.site(*at, flag, member.is_optional()),
            TemplateNode::Mapping(entries) => {
                let made = entries.iter().map(|(key, member)| entry(key, self.member(member)));
                let made = made.collect();
                self.sorted(made)
            }
            TemplateNode::List(items) => {
                let items: Vec<Node> = items.iter().map(|member| self.member(member)).collect();
                Node::new(items, Span::NONE)
            }
            TemplateNode::Tree(format, root) => {
                let outside = std::mem::replace(&mut self.in_text, true);
                let tree = self.member(root);
                self.in_text = outside;
                let directive = if *format == SerializedFormat::Yaml { "$yaml" } else { "$json" };
                Node::new(Mapping::from_iter([entry(directive, tree)]), Span::NONE)
            }
        };
        match flag {
            Some(flag) => conditional(&flag, value, matches!(member.part, TemplateNode::Tree(..))),
            None => value,
        }
    }

    /// A value that is equal in all copies; a script becomes a file.
    fn same(&mut self, node: &Node, member: &TemplateMember) -> Node {
        if let Some(path) = self.file(node, &member.location) {
            return Node::new(Mapping::from_iter([entry("$file", Node::new(path, Span::NONE))]), Span::NONE);
        }
        self.escaped(node, member)
    }

    fn escaped(&mut self, node: &Node, member: &TemplateMember) -> Node {
        match &node.value {
            Value::String(text) => Node::new(escape(text), Span::NONE),
            Value::Sequence(items) => {
                let items: Vec<Node> = items.iter().map(|item| self.escaped(item, member)).collect();
                Node::new(items, Span::NONE)
            }
            Value::Mapping(mapping) => {
                let mut made = Vec::with_capacity(mapping.len());
                for found in mapping {
                    let value = match self.namespace(&found.key, &found.value, &member.presence) {
                        Some(value) => value,
                        None => {
                            let location = member.location.with(PathStep::Key(found.key.clone()));
                            match self.file(&found.value, &location) {
                                Some(path) => Node::new(
                                    Mapping::from_iter([entry("$file", Node::new(path, Span::NONE))]),
                                    Span::NONE,
                                ),
                                None => {
                                    let below = TemplateMember {
                                        location,
                                        part: TemplateNode::Same(Node::default()),
                                        ..member.clone()
                                    };
                                    self.escaped(&found.value, &below)
                                }
                            }
                        }
                    };
                    made.push(entry(&found.key, value));
                }
                self.sorted(made)
            }
            _ => Node { value: node.value.clone(), ..Node::default() },
        }
    }

    /// The expression for the namespace of an object that only some copies have, if it is the copy's own namespace.
    fn namespace(&self, key: &str, node: &Node, presence: &Presence) -> Option<Node> {
        if key != "namespace" || !presence.contains(&false) {
            return None;
        }
        let field = super::fields::namespace_field(self.fields, node.as_str()?, presence)?;
        Some(Node::new(format!("{{{{ {} }}}}", expression(&field.name)), Span::NONE))
    }

    /// Moves a script to a file of its own.
    fn file(&mut self, node: &Node, location: &Location) -> Option<String> {
        const SCRIPTS: &[&str] = &["sh", "bash", "sql", "py", "rb", "pl", "js", "lua", "awk", "ps1"];
        let [PathStep::Key(data), PathStep::Key(key)] = location.path.as_slice() else { return None };
        let text = node.as_str()?;
        if data != "data" || self.kinds.get(location.class).is_none_or(|kind| kind != "ConfigMap") {
            return None;
        }
        let ending = key.rsplit_once('.').map_or("", |(_, ending)| ending);
        let is_script = SCRIPTS.contains(&ending) || text.starts_with("#!");
        let is_template = text.contains("{{") && text.lines().count() > 5 && !matches!(ending, "yaml" | "yml");
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_file = (is_script || is_template)
            && text.lines().count() > 1
            && !text.contains(['\r', '\u{feff}', '\0'])
            && !key.starts_with('.')
            && key.chars().all(is_name);
        if !is_file || matches!(ending, "yaml" | "yml") {
            return None;
        }
        let numbered =
            |number: usize| if number == 1 { format!("files/{key}") } else { format!("files/{number}/{key}") };
        let path = (1..).map(numbered).find(|path| self.files.get(path).is_none_or(|known| known == text))?;
        self.files.insert(path.clone(), text.to_owned());
        Some(path)
    }

    /// The entries with the leading keys first.
    fn sorted(&self, mut entries: Vec<Entry>) -> Node {
        let rank = |entry: &Entry| LEADING.iter().position(|key| entry.key == *key).unwrap_or(LEADING.len());
        let named = entries.iter().any(|entry| entry.key == "name" || entry.key == "kind");
        if named && !self.in_text {
            entries.sort_by_key(rank);
        }
        Node::new(entries.into_iter().collect::<Mapping>(), Span::NONE)
    }

    fn site(&mut self, at: usize, flag: Option<String>, optional: bool) -> Node {
        let site = &self.sites[at];
        let pieces = &self.fields.sites[at];
        if let [ValuePiece::Field(field)] = pieces.as_slice() {
            let path = expression(&self.fields.all[*field].name);
            let value = if site.encoded { format!("{path} | b64encode") } else { path.clone() };
            let text = match flag {
                Some(flag) => format!("{{{{ {value} if {flag} else none }}}}"),
                None if optional && site.encoded => format!("{{{{ {value} if {path} is defined else none }}}}"),
                None if optional => format!("{{{{ {path} | optional }}}}"),
                None => format!("{{{{ {value} }}}}"),
            };
            // The result of a composed expression must be a scalar; a field on its own may have any value.
            let is_plain = site
                .values
                .iter()
                .flatten()
                .all(|node| node.as_str().is_some() || node.as_i64().is_some() || node.as_bool().is_some());
            return match is_plain {
                false if text.contains(" if ") => {
                    let flag =
                        text.split(" if ").nth(1).and_then(|rest| rest.split(" else ").next()).unwrap_or_default();
                    conditional(flag, Node::new(format!("{{{{ {path} }}}}"), Span::NONE), false)
                }
                false if optional => conditional(
                    &format!("{path} is defined"),
                    Node::new(format!("{{{{ {path} }}}}"), Span::NONE),
                    false,
                ),
                _ => Node::new(text, Span::NONE),
            };
        }
        let mut text = String::new();
        for (at, piece) in pieces.iter().enumerate() {
            match piece {
                ValuePiece::Plain(plain) => {
                    let escaped = escape(plain);
                    // A brace before an expression would join its opening braces.
                    let before_field = matches!(pieces.get(at + 1), Some(ValuePiece::Field(_)));
                    match escaped.strip_suffix('{').filter(|_| before_field) {
                        Some(rest) => {
                            text.push_str(rest);
                            text.push_str("{{ '{' }}");
                        }
                        None => text.push_str(&escaped),
                    }
                }
                ValuePiece::Field(field) => {
                    text.push_str("{{ ");
                    text.push_str(&expression(&self.fields.all[*field].name));
                    text.push_str(" }}");
                }
            }
        }
        let value = Node::new(text, Span::NONE);
        match flag {
            Some(flag) => conditional(&flag, value, false),
            None => value,
        }
    }
}

/// An entry without a position.
pub(super) fn entry(key: &str, value: Node) -> Entry {
    Entry { key: key.into(), key_span: Span::NONE, value }
}

/// A value that is rendered only if the flag is set.
fn conditional(flag: &str, value: Node, is_directive: bool) -> Node {
    let condition = entry("$if", Node::new(flag, Span::NONE));
    match value.value {
        Value::Mapping(mapping) if is_directive || !mapping.iter().any(|entry| entry.key == "$if") => {
            Node::new(Mapping::from_iter(std::iter::once(condition).chain(mapping.iter().cloned())), Span::NONE)
        }
        value => match literal(&value) {
            Some(literal) => Node::new(format!("{{{{ {literal} if {flag} else none }}}}"), Span::NONE),
            None => {
                let value = entry("$value", Node { value, ..Node::default() });
                Node::new(Mapping::from_iter([condition, value]), Span::NONE)
            }
        },
    }
}

/// A short scalar as a literal of the expression language.
fn literal(value: &Value) -> Option<String> {
    match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Int(number) if *number >= 0 => Some(number.to_string()),
        Value::String(text) => {
            let is_plain = !text.contains(['\'', '\\', '\n', '\r', '\t', '{', '}']) && text.len() <= LONGEST_LITERAL;
            is_plain.then(|| format!("'{text}'"))
        }
        _ => None,
    }
}

/// Escapes `{{` so that it does not start an expression.
fn escape(text: &str) -> EcoString {
    text.replace("{{", "{{ '{{' }}").into()
}
