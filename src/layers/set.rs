//! `--set a.b[0]=c`: one value that overrides all files.

use ecow::{EcoString, EcoVec};

use super::lists;
use super::merge::{Deleted, merge_layer};
use crate::finding::{Failure, Finding, RuleId};
use crate::json_schema::is_layer_field;
use crate::node::{Mapping, Node, Value};
use crate::schema::{Lookup, PathStep, Schema, SchemaRef, Types};
use crate::secret::has_name;
use crate::source::{FileId, Sources, Span};
use crate::suggest;
use crate::yaml::{self, Dialect};

/// The maximum number of path segments: the maximum nesting depth of a file.
const MAX_STEPS: usize = yaml::MAX_DEPTH;

/// A parsed `--set`, with its value typed by the schema.
#[derive(Debug, Clone)]
pub struct Set {
    steps: Vec<Segment>,
    /// The value; null deletes.
    value: Node,
}

/// A segment of the path, with its position in the argument.
#[derive(Debug, Clone, PartialEq)]
struct Segment {
    kind: SegmentKind,
    span: Span,
}

#[derive(Debug, Clone, PartialEq)]
enum SegmentKind {
    Key(EcoString),
    Index(usize),
    /// `[+]`: after the last item.
    End,
}

impl Segment {
    fn as_step(&self) -> PathStep<'_> {
        match &self.kind {
            SegmentKind::Key(key) => PathStep::Key(key),
            SegmentKind::Index(index) => PathStep::Index(*index),
            SegmentKind::End => PathStep::Index(0),
        }
    }
}

/// The path of an argument, resolved in the schema.
struct SetTarget {
    steps: Vec<Segment>,
    /// The byte offset of the value in the argument.
    start: usize,
    /// The path in the schema; `None` if the schema says nothing about it.
    place: Option<SchemaRef>,
}

/// Parses the path of an argument, and records what may be a secret even if the path is invalid.
fn target(sources: &Sources, schema: &Schema, file: FileId, argument: &str) -> Result<SetTarget, Failure> {
    let redact_argument = || redact_argument(sources, schema, file, argument);
    let (steps, start) = split(file, argument).inspect_err(|_| redact_argument())?;
    let near_secret = |segment: &Segment| matches!(&segment.kind, SegmentKind::Key(key) if schema.is_near_secret(key));
    if steps.iter().any(near_secret) || is_free_secret(schema, &steps) {
        redact_argument();
    }
    let lookup = schema.follow(steps.iter().map(Segment::as_step));
    // A misspelled last name still identifies the field, but not the fields of a mapping given as the value.
    let is_mapping = argument[start..].contains(['{', '[']);
    if matches!(&lookup, Lookup::Unknown { at, near, .. } if near.is_none() || at + 1 < steps.len() || is_mapping) {
        redact_argument();
    }
    let place = resolve(lookup, &steps)?;
    Ok(SetTarget { steps, start, place })
}

/// Records everything in an argument except its path as a secret: what follows the first `=`. If the path is not
/// followed by `=`, the value may start after any other character, so only the prefix that consists of names in the
/// schema is treated as the path.
fn redact_argument(sources: &Sources, schema: &Schema, file: FileId, argument: &str) {
    let is_of_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '.' | '[' | ']' | '\\');
    let end = argument.find(|c| !is_of_path(c)).unwrap_or(argument.len());
    let start = if argument[end..].starts_with('=') { end + 1 } else { known_prefix_len(schema, &argument[..end]) };
    let span = Span::new(file, start as u32, argument.len() as u32);
    sources.add_secret(span, &argument[start..]);
    // Messages quote the name without what follows the `=`.
    if let Some((name, _)) = argument[start..].split_once('=') {
        let name = name.rsplit('.').next().unwrap_or(name);
        sources.add_secret(span, name.trim_start_matches(|c| !is_of_path(c)));
    }
}

/// The length of the prefix of a path that consists of names in the schema.
fn known_prefix_len(schema: &Schema, path: &str) -> usize {
    let (mut steps, mut end) = (Vec::new(), 0);
    for name in path.split_inclusive('.') {
        let key = name.trim_end_matches('.');
        let Lookup::Known(place) = schema.follow(steps.iter().copied()) else { break };
        if !schema.fields(&place).contains(&key) {
            break;
        }
        steps.push(PathStep::Key(key));
        end += name.len();
    }
    end
}

/// Records the values of a mapping whose keys are, or resemble, names of secrets.
pub(super) fn record_named_secrets(sources: &Sources, schema: &Schema, node: &Node) {
    for entry in node.entries() {
        if schema.is_near_secret(&entry.key) {
            super::record_secrets(sources, &entry.value, true);
        } else {
            record_named_secrets(sources, schema, &entry.value);
        }
    }
    node.items().iter().for_each(|item| record_named_secrets(sources, schema, item));
}

/// Whether a name on the path is a free-form name that denotes a secret, as in `env.DB_PASSWORD`.
fn is_free_secret(schema: &Schema, segments: &[Segment]) -> bool {
    let steps: Vec<PathStep<'_>> = segments.iter().map(Segment::as_step).collect();
    steps
        .iter()
        .enumerate()
        .any(|(at, step)| matches!(step, PathStep::Key(key) if schema.is_free_secret(&steps[..at], key)))
}

/// Splits an argument into its path and the byte offset of the value.
fn split(file: FileId, argument: &str) -> Result<(Vec<Segment>, usize), Failure> {
    let wrong = |at: usize, end: usize, message: &str| {
        let finding = Finding::error(RuleId::SetSyntax, Span::new(file, at as u32, end as u32), message);
        Failure::unable(finding.with_help(
            r"write `path.to.field=value`; `\.` is a dot in a name, `[0]` the first item of a list, `[+]` a new one",
        ))
    };
    let mut segments: Vec<Segment> = Vec::new();
    let (mut key, mut key_start, mut open) = (EcoString::new(), 0, true);
    let mut chars = argument.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some((_, escaped @ ('.' | '\\' | '[' | ']' | '='))) if open => key.push(escaped),
                _ => return Err(wrong(at, at + 1, r"`\` must be followed by `.`, `[`, `]`, `=` or `\`")),
            },
            '.' | '=' | '[' => {
                let after_index =
                    matches!(segments.last(), Some(Segment { kind: SegmentKind::Index(_) | SegmentKind::End, .. }))
                        && !open;
                if open && key.is_empty() && !(c == '[' && segments.is_empty()) {
                    return Err(wrong(at, at + 1, "expected a name before this"));
                }
                if open && !key.is_empty() {
                    let span = Span::new(file, key_start as u32, at as u32);
                    segments.push(Segment { kind: SegmentKind::Key(std::mem::take(&mut key)), span });
                } else if !after_index {
                    return Err(wrong(at, at + 1, "the path must start with a name"));
                }
                if segments.len() > MAX_STEPS {
                    return Err(wrong(0, at, "the path is too long"));
                }
                open = false;
                match c {
                    '=' => return Ok((segments, at + 1)),
                    '.' => (open, key_start) = (true, at + 1),
                    _ => {
                        let rest = &argument[at + 1..];
                        let digits = rest.find(']').map(|end| &rest[..end]).unwrap_or_default();
                        let kind = match digits.parse::<usize>() {
                            Ok(index) => SegmentKind::Index(index),
                            Err(_) if digits == "+" => SegmentKind::End,
                            Err(_) => {
                                let message = "brackets must contain an index, starting at 0, or `+` to append";
                                return Err(wrong(at, at + 1, message));
                            }
                        };
                        let end = at + digits.len() + 2;
                        segments.push(Segment { kind, span: Span::new(file, at as u32, end as u32) });
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

/// The schema's result for a path; `None` if the schema says nothing about it.
fn resolve(lookup: Lookup, steps: &[Segment]) -> Result<Option<SchemaRef>, Failure> {
    if let [Segment { kind: SegmentKind::Key(key), span }, ..] = steps
        && is_layer_field(key)
    {
        let message = format!("`{key}` cannot be set: it is read from files before `--set` is applied");
        let help = match key.as_str() {
            super::ENVIRONMENTS => "choose an environment with `--env`".to_owned(),
            super::ENFORCE => "set it in a file in profiles/environments/".to_owned(),
            _ => format!("write it to a file and pass that with `--values`: `{key}: …`"),
        };
        return Err(Finding::error(RuleId::ProfileFieldUnknown, *span, message).with_help(help).into());
    }
    match lookup {
        Lookup::Known(place) => Ok(Some(place)),
        Lookup::Open => Ok(None),
        Lookup::Unknown { at, near, fields } => {
            let parent = if at == 0 { "a profile".to_owned() } else { format!("`{}`", display_path(&steps[..at])) };
            let message = match &steps[at].kind {
                // The value may follow a colon.
                SegmentKind::Key(key) if key.contains([':', ' ']) => format!("unknown field in {parent}"),
                SegmentKind::Key(_) => format!("unknown field `{}`", display_path(&steps[..=at])),
                SegmentKind::Index(_) | SegmentKind::End => format!("{parent} is not a list"),
            };
            let mut finding = Finding::error(RuleId::ProfileFieldUnknown, steps[at].span, message);
            match near {
                Some(near) => finding.label = format!("did you mean `{near}`?"),
                None if fields.is_empty() => finding.help = format!("{parent} has no fields"),
                None if fields.len() <= 12 => {
                    finding.help = format!("available fields: {}", suggest::list(fields, "and"))
                }
                None => {}
            }
            Err(finding.into())
        }
    }
}

/// A path in the syntax of `--set`.
fn display_path(steps: &[Segment]) -> String {
    let mut shown = String::new();
    for segment in steps {
        match &segment.kind {
            SegmentKind::Index(index) => shown.push_str(&format!("[{index}]")),
            SegmentKind::End => shown.push_str("[+]"),
            SegmentKind::Key(key) => {
                if !shown.is_empty() {
                    shown.push('.');
                }
                shown.push_str(&key.replace("\\", r"\\").replace(".", r"\.").replace("[", r"\["));
            }
        }
    }
    shown
}

fn wrong_type(types: Types, steps: &[Segment], span: Span, given: &str) -> Finding {
    Finding::error(
        RuleId::ProfileFieldType,
        span,
        format!("`{}` must be {}, not {given}", display_path(steps), types.words()),
    )
}

/// Parses the text as a value of the type that the schema expects at the path.
fn typed(
    schema: &Schema,
    place: Option<&SchemaRef>,
    text: &str,
    span: Span,
    steps: &[Segment],
    secret: bool,
) -> Result<Node, Failure> {
    let types = place.map_or(Types::ANY, |place| schema.types(place));
    if text == "null" {
        return Ok(Node::new(Value::Null, span));
    }
    // A list or mapping in one line is YAML, unless the schema allows a string.
    if text.starts_with(['[', '{']) && !(types.has(Types::STRING) && place.is_some()) && collection(types, text) {
        // Parsed at its own offset in the argument, so that spans match.
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
            _ if secret => "this string".to_owned(),
            _ => format!("`{text}`"),
        };
        return Err(wrong_type(types, steps, span, &given).into());
    };
    Ok(Node::new(value, span))
}

/// Whether a text that starts like this is a collection of an allowed type.
fn collection(types: Types, text: &str) -> bool {
    // `{$append: [a]}` is a list operation.
    types.has(if text.starts_with('[') || text.starts_with("{$") { Types::ARRAY } else { Types::OBJECT })
        || (text.starts_with("{$") && types.has(Types::OBJECT))
}

/// The text as a value of one of the types. It is a number only in canonical form, so `1.10` and `007` are not.
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
    /// Parses `path=value`. The path is checked against the schema and the value gets the type of the field: for a
    /// string field the value is taken as it is (`image.tag=1.10`), `a=` is an empty string, `a=null` deletes, and a
    /// list or mapping is YAML in one line.
    ///
    /// # Errors
    /// [`Failure::Unable`] if the argument is malformed; findings if the schema does not allow the path or the type.
    pub fn parse(sources: &Sources, schema: &Schema, argument: &str) -> Result<Self, Failure> {
        let file = sources.add("--set", argument);
        let SetTarget { steps, start, place } = target(sources, schema, file, argument)?;
        let text = &argument[start..];
        let span = Span::new(file, start as u32, argument.len() as u32);
        let secret = place.as_ref().is_some_and(|place| schema.is_secret(place));
        if secret {
            sources.add_secret(span, text);
        }
        let mut value = typed(schema, place.as_ref(), text, span, &steps, secret).inspect_err(|_| {
            // A value that cannot be parsed may contain a secret anywhere.
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
        super::record_secrets(sources, &value, false);
        record_named_secrets(sources, schema, &value);
        for secret in schema.free_secrets(steps.iter().map(Segment::as_step).collect(), &value) {
            super::record_secrets(sources, secret, true);
        }
        Ok(Self { steps, value })
    }

    /// Parses `path=file`: the value is the contents of the file, which `read` reads.
    ///
    /// # Errors
    /// As [`Set::parse`], and if the file cannot be read.
    pub fn parse_file(
        sources: &Sources,
        schema: &Schema,
        argument: &str,
        read: impl FnOnce(&str, Span) -> Result<FileId, Failure>,
    ) -> Result<Self, Failure> {
        let file = sources.add("--set-file", argument);
        let SetTarget { steps, start, place } = target(sources, schema, file, argument)?;
        let span = Span::new(file, start as u32, argument.len() as u32);
        let named = &argument[start..];
        // A value where a file is expected.
        if has_name(named) || named.starts_with(['{', '[']) {
            sources.add_secret(span, named);
        }
        if let Some(place) = &place
            && !schema.types(place).has(Types::STRING)
        {
            return Err(wrong_type(schema.types(place), &steps, span, "the contents of a file").into());
        }
        let secret = place.as_ref().is_some_and(|place| schema.is_secret(place)) || is_free_secret(schema, &steps);
        // A name that is not a file may be the secret itself.
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

    /// Applies the value to the tree.
    ///
    /// # Errors
    /// If the path names an item beyond the end of a list; the tree is then unchanged.
    pub fn apply(&self, root: &mut Node, deleted: &mut Vec<Deleted>) -> Result<Vec<Finding>, Box<Finding>> {
        self.check_indexes(root)?;
        let mut node = root;
        for (at, segment) in self.steps.iter().enumerate() {
            let last = at + 1 == self.steps.len();
            match &segment.kind {
                SegmentKind::Key(key) => {
                    if !matches!(node.value, Value::Mapping(_)) {
                        node.value = Mapping::new().into();
                    }
                    // The rest of the path consists of keys, so it is merged as a layer; lists are changed in place.
                    let rest = &self.steps[at..];
                    if rest.iter().all(|segment| matches!(segment.kind, SegmentKind::Key(_))) {
                        return Ok(merge_layer(node, &nest(rest, self.value.clone()), deleted));
                    }
                    let Value::Mapping(mapping) = &mut node.value else { return Ok(Vec::new()) };
                    if mapping.get(key).is_none() {
                        mapping.push(key.clone(), segment.span, Node::new(EcoVec::new(), Span::NONE));
                    }
                    let Some(next) = mapping.get_mut(key) else { return Ok(Vec::new()) };
                    node = next;
                }
                SegmentKind::Index(_) | SegmentKind::End => {
                    if !matches!(node.value, Value::Sequence(_)) {
                        node.value = EcoVec::new().into();
                    }
                    let Value::Sequence(items) = &mut node.value else { return Ok(Vec::new()) };
                    let index = if let SegmentKind::Index(index) = segment.kind { index } else { items.len() };
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
                        return Ok(merge_layer(node, &self.value, deleted));
                    }
                }
            }
        }
        Ok(Vec::new())
    }

    /// The value at its path as a layer; an item of a list as a list with one item.
    pub(super) fn as_layer(&self) -> Node {
        let keys = self.steps.iter().take_while(|segment| matches!(segment.kind, SegmentKind::Key(_))).count();
        let value = if keys == self.steps.len() {
            self.value.clone()
        } else {
            Node::new(vec![self.value.clone()], self.value.origin.span)
        };
        nest(&self.steps[..keys], value)
    }

    /// Checks that each item on the path exists or is the one after the last.
    fn check_indexes(&self, root: &Node) -> Result<(), Box<Finding>> {
        let mut node = root;
        for (at, segment) in self.steps.iter().enumerate() {
            match &segment.kind {
                SegmentKind::Key(key) => node = &node[key.as_str()],
                SegmentKind::End if at + 1 == self.steps.len() && self.value.is_null() => {
                    let finding = Finding::error(RuleId::ProfileFieldUnknown, segment.span, "no item to delete");
                    return Err(Box::new(finding.with_help("`[+]` appends an item; use the index of an existing one")));
                }
                SegmentKind::End => node = Node::absent(),
                SegmentKind::Index(index) => {
                    let count = node.items().len();
                    let deletes = at + 1 == self.steps.len() && self.value.is_null();
                    if *index > count || (*index == count && deletes) {
                        let has = suggest::count(count, "item");
                        let message =
                            format!("`{}` has {has}; index {index} is out of range", display_path(&self.steps[..at]));
                        let help = "`[+]` appends one; indexes start at 0";
                        let finding = Finding::error(RuleId::ProfileFieldUnknown, segment.span, message);
                        return Err(Box::new(finding.with_help(help)));
                    }
                    node = &node[*index];
                }
            }
        }
        Ok(())
    }
}

/// A tree that contains only a value at a path of keys. The mappings on the path have no position.
fn nest(steps: &[Segment], value: Node) -> Node {
    steps.iter().rev().fold(value, |inner, segment| {
        let mut mapping = Mapping::new();
        if let SegmentKind::Key(key) = &segment.kind {
            mapping.push(key.clone(), segment.span, inner);
        }
        Node::new(mapping, Span::NONE)
    })
}
