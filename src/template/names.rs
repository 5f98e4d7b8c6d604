//! What can be said of an expression before anything renders: its names, held against the profile's schema.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use ecow::EcoString;
use foldhash::HashMap;

use crate::finding::RuleId;
use crate::json_schema::is_layer_field;
use crate::schema::{Lookup, Schema, Step, Types};
use crate::suggest;
use crate::template::functions::{self, Kind};
use crate::template::scan::{Token, Word, words};

/// What may stand below a path of the profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fields {
    /// These names and no others.
    Closed(Vec<EcoString>),
    /// Any name; or nothing is known of it.
    Open,
    /// None: it is a string, a number or a boolean.
    Scalar,
}

/// What a profile can have, as templates need to know it.
pub trait Names {
    /// What may stand below that path; the root is the empty path. An item of a list is the step `[]`; any key of a free
    /// mapping is as good as another.
    fn fields(&self, path: &[&str]) -> Fields;
}

impl Names for Schema {
    fn fields(&self, path: &[&str]) -> Fields {
        let steps = path.iter().map(|name| match *name {
            "[]" => Step::Index(0),
            name => Step::Key(name),
        });
        let Lookup::Known(place) = self.follow(steps) else {
            // What no profile can have is told where the path leaves the schema, not again for each name below.
            return Fields::Open;
        };
        let types = self.types(&place);
        if types.and(Types::OBJECT.or(Types::ARRAY)) == Types::NONE {
            return Fields::Scalar;
        }
        if types.has(Types::OBJECT) && self.is_closed(&place) {
            return Fields::Closed(Schema::fields(self, &place).into_iter().map(EcoString::from).collect());
        }
        Fields::Open
    }
}

/// What may stand below each path that was asked for, so that the schema is asked once.
pub(super) struct Known<'a> {
    names: &'a dyn Names,
    seen: RefCell<HashMap<Vec<EcoString>, Rc<Fields>>>,
}

impl<'a> Known<'a> {
    pub(super) fn new(names: &'a dyn Names) -> Self {
        Self { names, seen: RefCell::default() }
    }

    pub(super) fn fields(&self, path: &[EcoString]) -> Rc<Fields> {
        if let Some(fields) = self.seen.borrow().get(path) {
            return fields.clone();
        }
        let steps: Vec<&str> = path.iter().map(EcoString::as_str).collect();
        let fields = Rc::new(self.names.fields(&steps));
        self.seen.borrow_mut().insert(path.to_vec(), fields.clone());
        fields
    }
}

/// Nothing is known: every name passes. For projects without a schema.
#[derive(Debug, Clone, Copy)]
pub struct AnyName;

impl Names for AnyName {
    fn fields(&self, _path: &[&str]) -> Fields {
        Fields::Open
    }
}

/// A name that `$for` binds.
#[derive(Debug, Clone)]
pub(super) struct Local {
    pub(super) name: EcoString,
    pub(super) shape: Shape,
    /// Whether an expression reads it.
    pub(super) used: Cell<bool>,
}

/// What is known of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nothing.
    Any,
    /// It is a string, a number or a boolean.
    Scalar,
    /// It is what stands at this path of the profile.
    At(Vec<EcoString>),
    /// It is `{key, value}` of the mapping at this path.
    Entry(Vec<EcoString>),
}

/// Something wrong with an expression.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The rule's id.
    pub(super) rule: RuleId,
    /// Where in the expression.
    pub(super) range: Range<usize>,
    pub(super) message: String,
    pub(super) help: String,
}

impl Fault {
    pub(super) fn new(rule: RuleId, range: Range<usize>, message: impl Into<String>) -> Self {
        Self { rule, range, message: message.into(), help: String::new() }
    }

    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

/// What the check found out.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// Whether a name of `$for` is read, so that the value changes from one round to the next.
    pub(super) local: bool,
    /// Whether it needs the bundle's other documents.
    pub(super) late: bool,
    /// The names, where the expression is nothing but `a.b.c`.
    pub(super) path: Option<Vec<EcoString>>,
    /// Where an `else` is missing: there the expression gets one, so that what comes out is an error by any way.
    pub(super) missing_else: Vec<usize>,
    /// What is wrong.
    pub(super) faults: Vec<Fault>,
}

/// What messages call the whole that names start at.
const PROFILE: &str = "the profile";

const KEYWORDS: &[&str] =
    &["and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None"];

/// The expression compiler goes one call deeper for each operator, so their number is bounded.
const MAX_WORDS: usize = 400;

/// Names that templates see beside the profile's fields.
pub(super) const BUILT_IN: &[&str] = &["profile", "environment"];

/// Checks the names of an expression.
pub(super) fn check(source: &str, names: &Known<'_>, locals: &[Local]) -> Checked {
    let words = words(source);
    let mut checker = Checker { words: &words, names, locals, out: Checked::default() };
    if words.len() > MAX_WORDS {
        let message = format!("this expression has {} tokens; the limit is {MAX_WORDS}", words.len());
        let fault = Fault::new(RuleId::TemplateTooLarge, 0..source.len(), message)
            .with_help("write larger structures as YAML, larger strings as a `$file`");
        checker.out.faults.push(fault);
        return checker.out;
    }
    checker.no_repeated_lists();
    let mut at = 0;
    while at < words.len() {
        at = checker.word(at);
    }
    checker.conditions(0, 0);
    checker.out
}

/// Whether an expression reads a name.
pub(super) fn mentions(source: &str, name: &str) -> bool {
    words(source).iter().any(|word| word.token == Token::Ident(name))
}

/// What is known of the items that `$for` takes from an expression.
pub(super) fn item_shape(source: &str, names: &Known<'_>, locals: &[Local]) -> Shape {
    let words = words(source);
    let mut checker = Checker { words: &words, names, locals, out: Checked::default() };
    // Nothing is known of what a function returns.
    if checker.sign(1, "(") {
        return Shape::Any;
    }
    let (shape, end) = checker.path(0);
    let entries = [Token::Sign("|"), Token::Ident("entries")];
    let rest: Vec<Token<'_>> = words[end..].iter().map(|word| word.token).collect();
    match shape {
        Shape::At(path) if rest == entries => Shape::Entry(path),
        Shape::At(path) if rest.is_empty() => {
            // Whether it is a list or a mapping shows only when it is there; a mapping gives its keys.
            match &*names.fields(&path) {
                Fields::Closed(_) => Shape::Scalar,
                _ => Shape::At(path.into_iter().chain([EcoString::from("[]")]).collect()),
            }
        }
        _ => Shape::Any,
    }
}

/// What is known of the value of an expression.
pub(super) fn path_shape(source: &str, names: &Known<'_>, locals: &[Local]) -> Shape {
    let words = words(source);
    let mut checker = Checker { words: &words, names, locals, out: Checked::default() };
    match checker.path(0) {
        (shape, end) if end == words.len() && !words.is_empty() => shape,
        _ => Shape::Any,
    }
}

struct Checker<'a> {
    words: &'a [Word<'a>],
    names: &'a Known<'a>,
    locals: &'a [Local],
    out: Checked,
}

impl<'a> Checker<'a> {
    fn token(&self, at: usize) -> Option<Token<'a>> {
        self.words.get(at).map(|word| word.token)
    }

    fn sign(&self, at: usize, sign: &str) -> bool {
        self.token(at) == Some(Token::Sign(sign))
    }

    /// Looks at the word at that place; returns the place of the next one to look at.
    fn word(&mut self, at: usize) -> usize {
        match self.token(at) {
            Some(Token::Sign("|")) => self.named(at + 1, Kind::Filter),
            Some(Token::Ident("is")) => {
                let not = usize::from(self.token(at + 1) == Some(Token::Ident("not")));
                self.named(at + 1 + not, Kind::Test)
            }
            Some(Token::Ident(name)) if KEYWORDS.contains(&name) => at + 1,
            // The name of an argument.
            Some(Token::Ident(_)) if self.sign(at + 1, "=") => at + 1,
            Some(Token::Ident(name)) if self.sign(at + 1, "(") => {
                self.out.late |= matches!(name, functions::CHECKSUM | functions::CONTENT_NAME);
                self.named(at, Kind::Function)
            }
            Some(Token::Ident(_)) => {
                let (_, end) = self.path(at);
                if at == 0 && end == self.words.len() {
                    self.out.path = self.plain_path();
                }
                end
            }
            // A field of something computed: nothing is known of it.
            Some(Token::Sign(".")) if matches!(self.token(at + 1), Some(Token::Ident(_))) => {
                self.no_method(at + 2, at + 1);
                at + 2
            }
            _ => at + 1,
        }
    }

    /// Refuses `*` beside a list or mapping that the expression makes. `[[a] * 999] * 999` is a million values that take
    /// no room until they are compared or printed, where the engine counts no fuel.
    fn no_repeated_lists(&mut self) {
        let Some(star) = self.words.iter().position(|word| word.token == Token::Sign("*")) else { return };
        let opens = |at: usize| match self.words[at].token {
            Token::Sign("{") => true,
            // Behind a name, a string or a bracket it is a lookup.
            Token::Sign("[") => match at.checked_sub(1).and_then(|before| self.token(before)) {
                Some(Token::Ident(word)) => KEYWORDS.contains(&word),
                Some(Token::Str(_) | Token::Sign(")" | "]" | "}")) => false,
                _ => true,
            },
            _ => false,
        };
        if (0..self.words.len()).any(opens) {
            let range = self.words[star].range.clone();
            let fault = Fault::new(RuleId::TemplateSyntax, range, "`*` beside a list or a mapping in one expression")
                .with_help("write the list or mapping as YAML, with an expression for each value");
            self.out.faults.push(fault);
        }
    }

    /// The names, if only identifiers and dots stand here and the first is no name of `$for`.
    fn plain_path(&self) -> Option<Vec<EcoString>> {
        if self.out.local {
            return None;
        }
        let mut names = Vec::new();
        for (index, word) in self.words.iter().enumerate() {
            match word.token {
                Token::Ident(name) if index % 2 == 0 => names.push(name.into()),
                Token::Sign(".") if index % 2 == 1 => {}
                _ => return None,
            }
        }
        Some(names)
    }

    /// Checks the name of a filter, test or function.
    fn named(&mut self, at: usize, kind: Kind) -> usize {
        let Some(Token::Ident(name)) = self.token(at) else { return at };
        if functions::find(kind, name).is_none() {
            let range = self.words[at].range.clone();
            let near = suggest::nearest(name, functions::names(kind));
            let help = near.map_or_else(
                || format!("there are {}", suggest::list(functions::names(kind), "and")),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("unknown {} `{name}`", kind.noun());
            self.out.faults.push(Fault::new(RuleId::TemplateNameUnknown, range, message).with_help(help));
        }
        at + 1
    }

    fn no_method(&mut self, paren: usize, name: usize) {
        if self.sign(paren, "(") {
            let range = self.words[name].range.clone();
            let fault = Fault::new(RuleId::TemplateNameUnknown, range, "methods are not supported")
                .with_help("filters are written `value | filter`; `plimsoll` has those of docs/templates.md");
            self.out.faults.push(fault);
        }
    }

    /// Reads the path that starts with the name at that place and checks each of its names. Returns what is known of its
    /// value, and the place behind it.
    fn path(&mut self, start: usize) -> (Shape, usize) {
        let Some(Token::Ident(first)) = self.token(start) else { return (Shape::Any, start) };
        let mut at = start + 1;
        let mut shape = match self.locals.iter().find(|local| local.name == first) {
            Some(local) => {
                self.out.local = true;
                local.used.set(true);
                local.shape.clone()
            }
            None if BUILT_IN.contains(&first) => Shape::Scalar,
            None => self.step(&Shape::At(Vec::new()), first, start, start),
        };
        loop {
            match (self.token(at), self.token(at + 1), self.token(at + 2)) {
                (Some(Token::Sign(".")), Some(Token::Ident(name)), _) => {
                    self.no_method(at + 2, at + 1);
                    shape = self.step(&shape, name, start, at + 1);
                    at += 2;
                }
                (Some(Token::Sign("[")), Some(Token::Str(name)), Some(Token::Sign("]"))) => {
                    shape = self.step(&shape, name, start, at + 1);
                    at += 3;
                }
                (Some(Token::Sign("[")), Some(Token::Number(_)), Some(Token::Sign("]"))) => {
                    if let Shape::At(path) = &mut shape {
                        path.push("[]".into());
                    }
                    at += 3;
                }
                // A computed name; what stands in the brackets is looked at by the caller.
                (Some(Token::Sign("[")), _, _) => return (Shape::Any, at),
                _ => return (shape, at),
            }
        }
    }

    /// One name further down.
    fn step(&mut self, shape: &Shape, name: &str, start: usize, at: usize) -> Shape {
        let path = match shape {
            Shape::Any => return Shape::Any,
            Shape::Entry(path) if name == "value" => {
                return Shape::At(path.iter().cloned().chain([EcoString::from("*")]).collect());
            }
            Shape::Entry(_) if name == "key" => return Shape::Scalar,
            Shape::Entry(_) => return self.unknown(name, "an entry", &["key".into(), "value".into()], at),
            Shape::Scalar => return self.scalar(start, at),
            Shape::At(path) => path,
        };
        match &*self.names.fields(path) {
            Fields::Closed(known) if !known.iter().any(|field| field == name) => {
                let parent = if path.is_empty() { PROFILE.to_owned() } else { format!("`{}`", path.join(".")) };
                self.unknown(name, &parent, known, at)
            }
            Fields::Scalar => self.scalar(start, at),
            _ => Shape::At(path.iter().cloned().chain([EcoString::from(name)]).collect()),
        }
    }

    fn unknown(&mut self, name: &str, parent: &str, known: &[EcoString], at: usize) -> Shape {
        let known = known.iter().map(EcoString::as_str);
        let locals = self.locals.iter().filter(|_| at == 0).map(|local| local.name.as_str());
        let near = suggest::nearest(name, known.clone().chain(locals));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            // What is no value cannot be read by a template.
            None => match suggest::list(known.filter(|field| !is_layer_field(field)), "and") {
                list if list.is_empty() => String::new(),
                list if parent == PROFILE => format!("it has {list}; a new field is declared in profiles/schema.json"),
                list => format!("it has {list}"),
            },
        };
        let message = format!("no field `{name}` in {parent}");
        let range = self.words[at].range.clone();
        self.out.faults.push(Fault::new(RuleId::TemplateNameUnknown, range, message).with_help(help));
        Shape::Any
    }

    fn scalar(&mut self, start: usize, at: usize) -> Shape {
        let whole: String = self.words[start..at.saturating_sub(1)].iter().map(|word| text(word.token)).collect();
        let message = format!("`{whole}` is a scalar and has no fields");
        self.out.faults.push(Fault::new(RuleId::TemplateNameUnknown, self.words[at].range.clone(), message));
        Shape::Any
    }

    /// Finds each `if` without `else` between the word at `from` and the end of its bracket; returns that end.
    fn conditions(&mut self, from: usize, depth: usize) -> usize {
        let mut open: usize = 0;
        let mut at = from;
        while at < self.words.len() {
            match self.words[at].token {
                Token::Sign("(" | "[" | "{") if depth < 200 => at = self.conditions(at + 1, depth + 1),
                Token::Sign(")" | "]" | "}") => break,
                Token::Sign("," | ":") => self.close_conditions(&mut open, at),
                Token::Ident("if") if open > 0 => {
                    let fault =
                        Fault::new(RuleId::TemplateSyntax, self.words[at].range.clone(), "an `if` after an `if`")
                            .with_help("give the first one an `else`, or join the conditions with `and`");
                    self.out.faults.push(fault);
                }
                Token::Ident("if") => open += 1,
                Token::Ident("else") => open = open.saturating_sub(1),
                _ => {}
            }
            at += 1;
        }
        // Behind a bracket that nothing closes it has gone one too far.
        let end = at.min(self.words.len());
        self.close_conditions(&mut open, end);
        end
    }

    fn close_conditions(&mut self, open: &mut usize, at: usize) {
        if *open > 0 && at > 0 {
            self.out.missing_else.push(self.words[at - 1].range.end);
        }
        *open = 0;
    }
}

fn text(token: Token<'_>) -> &str {
    match token {
        Token::Ident(text) | Token::Str(text) | Token::Number(text) | Token::Sign(text) => text,
    }
}
