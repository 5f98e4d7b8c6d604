//! `--set a.b[0]=c`: one value, laid over all files.

use ecow::{EcoString, EcoVec};

use super::lists;
use super::merge::{Deleted, lay};
use crate::finding::{Failure, Finding, RuleId};
use crate::json_schema::is_layer_field;
use crate::node::{Mapping, Node, Value};
use crate::schema::{Lookup, Place, Schema, Step, Types};
use crate::secret::has_name;
use crate::source::{FileId, Sources, Span};
use crate::suggest;
use crate::yaml::{self, Dialect};

/// How many steps a path may have, as many as files may nest.
const MAX_STEPS: usize = yaml::MAX_DEPTH;

/// A parsed `--set`, typed by the schema.
#[derive(Debug, Clone)]
pub struct Set {
    steps: Vec<Part>,
    /// Null deletes.
    value: Node,
}

/// A step of the path, and its place in the argument.
#[derive(Debug, Clone, PartialEq)]
struct Part {
    step: Segment,
    span: Span,
}

#[derive(Debug, Clone, PartialEq)]
enum Segment {
    Key(EcoString),
    Index(usize),
    /// `[+]`: behind the last item.
    End,
}

impl Part {
    fn step(&self) -> Step<'_> {
        match &self.step {
            Segment::Key(key) => Step::Key(key),
            Segment::Index(index) => Step::Index(*index),
            Segment::End => Step::Index(0),
        }
    }
}

/// What an argument sets.
struct Target {
    steps: Vec<Part>,
    /// Where the value begins in the argument.
    start: usize,
    /// The schema's place; `None` where it says nothing of it.
    place: Option<Place>,
}

/// Reads the path of an argument, and keeps secret what may be one, whatever is wrong with it.
fn target(sources: &Sources, schema: &Schema, file: FileId, argument: &str) -> Result<Target, Failure> {
    let hide = || hide(sources, schema, file, argument);
    let (steps, start) = split(file, argument).inspect_err(|_| hide())?;
    let near_secret = |part: &Part| matches!(&part.step, Segment::Key(key) if schema.is_near_secret(key));
    if steps.iter().any(near_secret) || is_free_secret(schema, &steps) {
        hide();
    }
    let lookup = schema.follow(steps.iter().map(Part::step));
    // What was meant is known where the last name alone is misspelt, but not what names in a mapping would be.
    let is_mapping = argument[start..].contains(['{', '[']);
    if matches!(&lookup, Lookup::Unknown { at, near, .. } if near.is_none() || at + 1 < steps.len() || is_mapping) {
        hide();
    }
    let place = found(lookup, &steps)?;
    Ok(Target { steps, start, place })
}

/// Keeps an argument secret but for its path: what follows the first `=`. Where none follows the path, the value may stand
/// behind any sign, and no more than the names that the schema gives is surely none of it.
fn hide(sources: &Sources, schema: &Schema, file: FileId, argument: &str) {
    let is_of_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '.' | '[' | ']' | '\\');
    let end = argument.find(|c| !is_of_path(c)).unwrap_or(argument.len());
    let start = if argument[end..].starts_with('=') { end + 1 } else { known(schema, &argument[..end]) };
    let span = Span::new(file, start as u32, argument.len() as u32);
    sources.add_secret(span, &argument[start..]);
    // Messages repeat the name without what follows the `=`.
    if let Some((name, _)) = argument[start..].split_once('=') {
        let name = name.rsplit('.').next().unwrap_or(name);
        sources.add_secret(span, name.trim_start_matches(|c| !is_of_path(c)));
    }
}

/// How far the names of a path are those that the schema gives.
fn known(schema: &Schema, path: &str) -> usize {
    let (mut steps, mut end) = (Vec::new(), 0);
    for name in path.split_inclusive('.') {
        let key = name.trim_end_matches('.');
        let Lookup::Known(place) = schema.follow(steps.iter().copied()) else { break };
        if !schema.fields(&place).contains(&key) {
            break;
        }
        steps.push(Step::Key(key));
        end += name.len();
    }
    end
}

/// Keeps what stands in a mapping under the name of a secret, or one misspelt.
pub(super) fn remember_named(sources: &Sources, schema: &Schema, node: &Node) {
    for entry in node.entries() {
        if schema.is_near_secret(&entry.key) {
            super::remember(sources, &entry.value, true);
        } else {
            remember_named(sources, schema, &entry.value);
        }
    }
    node.items().iter().for_each(|item| remember_named(sources, schema, item));
}

/// Whether a name on the path is a free one of a secret, as in `env.DB_PASSWORD`.
fn is_free_secret(schema: &Schema, parts: &[Part]) -> bool {
    let steps: Vec<Step<'_>> = parts.iter().map(Part::step).collect();
    steps
        .iter()
        .enumerate()
        .any(|(at, step)| matches!(step, Step::Key(key) if schema.is_free_secret(&steps[..at], key)))
}

/// Splits an argument into its path and the byte at which the value begins.
fn split(file: FileId, argument: &str) -> Result<(Vec<Part>, usize), Failure> {
    let wrong = |at: usize, end: usize, message: &str| {
        let finding = Finding::error(RuleId::SetSyntax, Span::new(file, at as u32, end as u32), message);
        Failure::unable(finding.with_help(
            r"write `path.to.field=value`; `\.` is a dot in a name, `[0]` the first item of a list, `[+]` a new one",
        ))
    };
    let mut parts: Vec<Part> = Vec::new();
    let (mut key, mut key_start, mut open) = (EcoString::new(), 0, true);
    let mut chars = argument.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some((_, escaped @ ('.' | '\\' | '[' | ']' | '='))) if open => key.push(escaped),
                _ => return Err(wrong(at, at + 1, r"`\` stands before a dot, a bracket, `=` or `\`")),
            },
            '.' | '=' | '[' => {
                let after_index =
                    matches!(parts.last(), Some(Part { step: Segment::Index(_) | Segment::End, .. })) && !open;
                if open && key.is_empty() && !(c == '[' && parts.is_empty()) {
                    return Err(wrong(at, at + 1, "expected a name before this"));
                }
                if open && !key.is_empty() {
                    let span = Span::new(file, key_start as u32, at as u32);
                    parts.push(Part { step: Segment::Key(std::mem::take(&mut key)), span });
                } else if !after_index {
                    return Err(wrong(at, at + 1, "the path must start with a name"));
                }
                if parts.len() > MAX_STEPS {
                    return Err(wrong(0, at, "the path is too long"));
                }
                open = false;
                match c {
                    '=' => return Ok((parts, at + 1)),
                    '.' => (open, key_start) = (true, at + 1),
                    _ => {
                        let rest = &argument[at + 1..];
                        let digits = rest.find(']').map(|end| &rest[..end]).unwrap_or_default();
                        let step = match digits.parse::<usize>() {
                            Ok(index) => Segment::Index(index),
                            Err(_) if digits == "+" => Segment::End,
                            Err(_) => {
                                let message = "brackets must contain an index, starting at 0, or `+` to append";
                                return Err(wrong(at, at + 1, message));
                            }
                        };
                        let end = at + digits.len() + 2;
                        parts.push(Part { step, span: Span::new(file, at as u32, end as u32) });
                        while chars.next_if(|(next, _)| *next < end).is_some() {}
                    }
                }
            }
            _ if open => key.push(c),
            _ => return Err(wrong(at, at + c.len_utf8(), "expected `.`, `[` or `=` after an index")),
        }
    }
    Err(wrong(argument.len(), argument.len(), "missing `=` and value"))
}

/// The place that was found for a path; `None` where the schema says nothing of it.
fn found(lookup: Lookup, steps: &[Part]) -> Result<Option<Place>, Failure> {
    if let [Part { step: Segment::Key(key), span }, ..] = steps
        && is_layer_field(key)
    {
        let message = format!("`{key}` cannot be set: it is read from files, before anything is set");
        let help = match key.as_str() {
            super::ENVIRONMENTS => "choose an environment with `--env`".to_owned(),
            super::ENFORCE => "put it into a file in profiles/environments/".to_owned(),
            _ => format!("put it into a file, and name that with `--values`: `{key}: …`"),
        };
        return Err(Finding::error(RuleId::ProfileFieldUnknown, *span, message).with_help(help).into());
    }
    match lookup {
        Lookup::Known(place) => Ok(Some(place)),
        Lookup::Open => Ok(None),
        Lookup::Unknown { at, near, fields } => {
            let parent = if at == 0 { "a profile".to_owned() } else { format!("`{}`", show(&steps[..at])) };
            let message = match &steps[at].step {
                // Behind a colon the value may have begun.
                Segment::Key(key) if key.contains([':', ' ']) => format!("unknown field in {parent}"),
                Segment::Key(_) => format!("unknown field `{}`", show(&steps[..=at])),
                Segment::Index(_) | Segment::End => format!("{parent} is not a list"),
            };
            let mut finding = Finding::error(RuleId::ProfileFieldUnknown, steps[at].span, message);
            match near {
                Some(near) => finding.label = format!("did you mean `{near}`?"),
                None if fields.is_empty() => finding.help = format!("{parent} has no fields"),
                None if fields.len() <= 12 => finding.help = format!("it can have {}", suggest::list(fields, "and")),
                None => {}
            }
            Err(finding.into())
        }
    }
}

/// A path as it is written.
fn show(steps: &[Part]) -> String {
    let mut shown = String::new();
    for part in steps {
        match &part.step {
            Segment::Index(index) => shown.push_str(&format!("[{index}]")),
            Segment::End => shown.push_str("[+]"),
            Segment::Key(key) => {
                if !shown.is_empty() {
                    shown.push('.');
                }
                shown.push_str(&key.replace("\\", r"\\").replace(".", r"\.").replace("[", r"\["));
            }
        }
    }
    shown
}

fn wrong_type(types: Types, steps: &[Part], span: Span, given: &str) -> Finding {
    Finding::error(RuleId::ProfileFieldType, span, format!("`{}` must be {}, not {given}", show(steps), types.words()))
}

/// The text as the value it is at that place.
fn typed(
    schema: &Schema,
    place: Option<&Place>,
    text: &str,
    span: Span,
    steps: &[Part],
    secret: bool,
) -> Result<Node, Failure> {
    let types = place.map_or(Types::ANY, |place| schema.types(place));
    if text == "null" {
        return Ok(Node::new(Value::Null, span));
    }
    // In one line, a list or mapping is YAML; only where it cannot be meant as text.
    if text.starts_with(['[', '{']) && !(types.has(Types::STRING) && place.is_some()) && collection(types, text) {
        // Read at its own place in the argument, so that spans fit it.
        let padded = format!("{}{text}", " ".repeat(span.start as usize));
        let mut loaded = yaml::load_text(&padded, span.file, Dialect::Strict);
        return match loaded.documents.pop().filter(|_| loaded.findings.is_empty()) {
            Some(node) => Ok(node),
            None => Err(loaded.findings.into()),
        };
    }
    let scalar = scalar(types, text);
    let Some(value) = scalar else {
        let given = match text {
            "" => "empty".to_owned(),
            _ if secret => "this text".to_owned(),
            _ => format!("`{text}`"),
        };
        return Err(wrong_type(types, steps, span, &given).into());
    };
    Ok(Node::new(value, span))
}

/// Whether a text that starts so is a collection of the types allowed.
fn collection(types: Types, text: &str) -> bool {
    // `{$append: [a]}` changes a list.
    types.has(if text.starts_with('[') || text.starts_with("{$") { Types::ARRAY } else { Types::OBJECT })
        || (text.starts_with("{$") && types.has(Types::OBJECT))
}

/// The text as one of the types; a number only where it is written as we would write it, so that `1.10` and `007` are not.
fn scalar(types: Types, text: &str) -> Option<Value> {
    let number = text.parse::<i64>().ok().filter(|number| number.to_string() == text);
    let float = || {
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite())?;
        let only = !types.has(Types::STRING) && text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        (only || format!("{number}") == text).then_some(number)
    };
    match (text, number) {
        ("true" | "false", _) if types.has(Types::BOOLEAN) => Some(Value::Bool(text == "true")),
        (_, Some(number)) if types.has(Types::INTEGER) => Some(Value::Int(number)),
        _ if types.has(Types::NUMBER) && float().is_some() => float().map(Value::Float),
        _ if types.has(Types::STRING) => Some(text.into()),
        _ => None,
    }
}

impl Set {
    /// Parses `path=value`. The path is checked against the schema, and the value gets the type it names there: text stays
    /// text (`image.tag=1.10`), `a=` is an empty string, `a=null` deletes, a list or mapping is written as YAML in one line.
    ///
    /// # Errors
    /// [`Failure::Unable`] where the argument has not that form; findings where no value can have that path or that type.
    pub fn parse(sources: &Sources, schema: &Schema, argument: &str) -> Result<Self, Failure> {
        let file = sources.add("--set", argument);
        let Target { steps, start, place } = target(sources, schema, file, argument)?;
        let text = &argument[start..];
        let span = Span::new(file, start as u32, argument.len() as u32);
        let secret = place.as_ref().is_some_and(|place| schema.is_secret(place));
        if secret {
            sources.add_secret(span, text);
        }
        let mut value = typed(schema, place.as_ref(), text, span, &steps, secret).inspect_err(|_| {
            // What cannot be read as it is meant may hold a secret anywhere.
            if has_name(text) || place.as_ref().is_some_and(|place| schema.reaches_secret(place)) {
                sources.add_secret(span, text);
            }
        })?;
        let mut problems = Vec::new();
        lists::check(&value, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        if let Some(place) = &place {
            if lists::has_change(&value) {
                let mut view = lists::as_lists(&value);
                schema.mark_secrets_at(place, &mut view);
                lists::restore(&mut value, view);
            } else {
                schema.mark_secrets_at(place, &mut value);
            }
        }
        super::remember(sources, &value, false);
        remember_named(sources, schema, &value);
        for secret in schema.free_secrets(steps.iter().map(Part::step).collect(), &value) {
            super::remember(sources, secret, true);
        }
        Ok(Self { steps, value })
    }

    /// Parses `path=file`: the value is the text of a file, as it is. `read` reads it.
    ///
    /// # Errors
    /// As [`Set::parse`]; and where the file cannot be read.
    pub fn parse_file(
        sources: &Sources,
        schema: &Schema,
        argument: &str,
        read: impl FnOnce(&str, Span) -> Result<FileId, Failure>,
    ) -> Result<Self, Failure> {
        let file = sources.add("--set-file", argument);
        let Target { steps, start, place } = target(sources, schema, file, argument)?;
        let span = Span::new(file, start as u32, argument.len() as u32);
        let named = &argument[start..];
        // A value where a file is asked for.
        if has_name(named) || named.starts_with(['{', '[']) {
            sources.add_secret(span, named);
        }
        if let Some(place) = &place
            && !schema.types(place).has(Types::STRING)
        {
            return Err(wrong_type(schema.types(place), &steps, span, "the text of a file").into());
        }
        let secret = place.as_ref().is_some_and(|place| schema.is_secret(place)) || is_free_secret(schema, &steps);
        // What is no file may be the secret itself.
        let content = read(named, span).inspect_err(|_| {
            if secret {
                sources.add_secret(span, named);
            }
        })?;
        let text = sources.get(content).map(|source| source.text.clone()).unwrap_or_default();
        let span = Span::new(content, 0, text.len() as u32);
        if secret {
            sources.add_secret(span, &*text);
        }
        let value = Node::new(&*text, span);
        Ok(Self { steps, value })
    }

    /// Lays the value over the tree.
    ///
    /// # Errors
    /// Where the path names an item that the list has not; the tree is left as it was.
    pub fn apply(&self, root: &mut Node, deleted: &mut Vec<Deleted>) -> Result<Vec<Finding>, Box<Finding>> {
        self.reach(root)?;
        let mut node = root;
        for (at, part) in self.steps.iter().enumerate() {
            let last = at + 1 == self.steps.len();
            match &part.step {
                Segment::Key(key) => {
                    if !matches!(node.value, Value::Mapping(_)) {
                        node.value = Mapping::new().into();
                    }
                    // Keys alone are a small layer; lists on the way are changed in place.
                    let rest = &self.steps[at..];
                    if rest.iter().all(|part| matches!(part.step, Segment::Key(_))) {
                        return Ok(lay(node, &nest(rest, self.value.clone()), deleted));
                    }
                    let Value::Mapping(mapping) = &mut node.value else { return Ok(Vec::new()) };
                    if mapping.get(key).is_none() {
                        mapping.push(key.clone(), part.span, Node::new(EcoVec::new(), Span::NONE));
                    }
                    let Some(next) = mapping.get_mut(key) else { return Ok(Vec::new()) };
                    node = next;
                }
                Segment::Index(_) | Segment::End => {
                    if !matches!(node.value, Value::Sequence(_)) {
                        node.value = EcoVec::new().into();
                    }
                    let Value::Sequence(items) = &mut node.value else { return Ok(Vec::new()) };
                    let index = if let Segment::Index(index) = part.step { index } else { items.len() };
                    if last && self.value.is_null() {
                        items.remove(index);
                        return Ok(Vec::new());
                    }
                    if index == items.len() {
                        items.push(Node::default());
                    }
                    node = &mut items.make_mut()[index];
                    if last {
                        if node.is_null() {
                            *node = self.value.clone();
                            return Ok(Vec::new());
                        }
                        return Ok(lay(node, &self.value, deleted));
                    }
                }
            }
        }
        Ok(Vec::new())
    }

    /// The value at its path, as a layer; an item of a list as a list of its own.
    pub(super) fn as_layer(&self) -> Node {
        let keys = self.steps.iter().take_while(|part| matches!(part.step, Segment::Key(_))).count();
        let value = if keys == self.steps.len() {
            self.value.clone()
        } else {
            Node::new(vec![self.value.clone()], self.value.origin.span)
        };
        nest(&self.steps[..keys], value)
    }

    /// Whether each item that the path names is there, or comes right behind the last.
    fn reach(&self, root: &Node) -> Result<(), Box<Finding>> {
        let mut node = root;
        for (at, part) in self.steps.iter().enumerate() {
            match &part.step {
                Segment::Key(key) => node = &node[key.as_str()],
                Segment::End if at + 1 == self.steps.len() && self.value.is_null() => {
                    let finding = Finding::error(RuleId::ProfileFieldUnknown, part.span, "no item to delete");
                    return Err(Box::new(finding.with_help("`[+]` adds an item; name one by its number")));
                }
                Segment::End => node = Node::absent(),
                Segment::Index(index) => {
                    let count = node.items().len();
                    let deletes = at + 1 == self.steps.len() && self.value.is_null();
                    if *index > count || (*index == count && deletes) {
                        let has = suggest::count(count, "item");
                        let message = format!("`{}` has {has}; index {index} is out of range", show(&self.steps[..at]));
                        let help = "`[+]` appends one; indexes start at 0";
                        let finding = Finding::error(RuleId::ProfileFieldUnknown, part.span, message);
                        return Err(Box::new(finding.with_help(help)));
                    }
                    node = &node[*index];
                }
            }
        }
        Ok(())
    }
}

/// A tree that holds nothing but a value at a path of keys. The mappings on the way have no place.
fn nest(steps: &[Part], value: Node) -> Node {
    steps.iter().rev().fold(value, |inner, part| {
        let mut mapping = Mapping::new();
        if let Segment::Key(key) = &part.step {
            mapping.push(key.clone(), part.span, inner);
        }
        Node::new(mapping, Span::NONE)
    })
}
