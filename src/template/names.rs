//! Static checks of expressions: the names that they read are checked against the profile's schema.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use ecow::EcoString;
use foldhash::HashMap;

use crate::finding::RuleId;
use crate::json_schema::is_layer_field;
use crate::schema::{Lookup, PathStep, Schema, Types};
use crate::suggest;
use crate::template::functions::{self, CallableKind};
use crate::template::scan::{LocatedToken, Token, tokenize};

/// The fields that are allowed below a path of the profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedFields {
    /// These fields only.
    Closed(Vec<EcoString>),
    /// Any field, or unknown.
    Open,
    /// None: the value is a string, a number or a boolean.
    Scalar,
}

/// The fields that profiles can have.
pub trait ProfileFields {
    /// The fields below a path; the root is the empty path. A list item is the segment `[]`; all keys of a mapping
    /// with arbitrary keys are equivalent.
    fn fields(&self, path: &[&str]) -> AllowedFields;
}

impl ProfileFields for Schema {
    fn fields(&self, path: &[&str]) -> AllowedFields {
        let steps = path.iter().map(|name| match *name {
            "[]" => PathStep::Index(0),
            name => PathStep::Key(name),
        });
        let Lookup::Known(place) = self.follow(steps) else {
            // An unknown path is reported where it leaves the schema, not again for each name below.
            return AllowedFields::Open;
        };
        let types = self.types(&place);
        if types.and(Types::OBJECT.or(Types::ARRAY)) == Types::NONE {
            return AllowedFields::Scalar;
        }
        if types.has(Types::OBJECT) && self.is_closed(&place) {
            return AllowedFields::Closed(Schema::fields(self, &place).into_iter().map(EcoString::from).collect());
        }
        AllowedFields::Open
    }
}

/// Caches the fields below each path, so that the schema is queried once per path.
pub(super) struct CachedFields<'a> {
    names: &'a dyn ProfileFields,
    seen: RefCell<HashMap<Vec<EcoString>, Rc<AllowedFields>>>,
}

impl<'a> CachedFields<'a> {
    pub(super) fn new(names: &'a dyn ProfileFields) -> Self {
        Self { names, seen: RefCell::default() }
    }

    pub(super) fn fields(&self, path: &[EcoString]) -> Rc<AllowedFields> {
        if let Some(fields) = self.seen.borrow().get(path) {
            return fields.clone();
        }
        let steps: Vec<&str> = path.iter().map(EcoString::as_str).collect();
        let fields = Rc::new(self.names.fields(&steps));
        self.seen.borrow_mut().insert(path.to_vec(), fields.clone());
        fields
    }
}

/// Accepts every name, for projects without a schema.
#[derive(Debug, Clone, Copy)]
pub struct AnyField;

impl ProfileFields for AnyField {
    fn fields(&self, _path: &[&str]) -> AllowedFields {
        AllowedFields::Open
    }
}

/// A variable of `$for`, or a parameter.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) name: EcoString,
    pub(super) shape: ValueShape,
    /// Whether an expression reads it.
    pub(super) used: Cell<bool>,
}

/// What is known statically about a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ValueShape {
    /// Nothing.
    Any,
    /// A string, a number or a boolean.
    Scalar,
    /// The value at this path of the profile.
    At(Vec<EcoString>),
    /// `{key, value}` of the mapping at this path.
    Entry(Vec<EcoString>),
}

/// An error in an expression.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ExpressionFault {
    /// The rule.
    pub(super) rule: RuleId,
    /// The range in the expression.
    pub(super) range: Range<usize>,
    pub(super) message: String,
    pub(super) help: String,
}

impl ExpressionFault {
    pub(super) fn new(rule: RuleId, range: Range<usize>, message: impl Into<String>) -> Self {
        Self { rule, range, message: message.into(), help: String::new() }
    }

    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

/// The result of a check.
#[derive(Debug, Default)]
pub(super) struct CheckedExpression {
    /// Whether it reads a variable, so that the value may change with each iteration.
    pub(super) local: bool,
    /// Whether it depends on the bundle's other documents.
    pub(super) late: bool,
    /// The names, if the expression is a plain path `a.b.c`.
    pub(super) path: Option<Vec<EcoString>>,
    /// The offsets where an `else` is missing. The compiler inserts one there that evaluates to an error.
    pub(super) missing_else: Vec<usize>,
    /// The errors.
    pub(super) faults: Vec<ExpressionFault>,
}

/// How messages refer to the root of a profile.
const PROFILE: &str = "the profile";

const KEYWORDS: &[&str] =
    &["and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None"];

/// The maximum number of tokens, since the expression compiler recurses for each operator.
const MAX_WORDS: usize = 400;

/// Names that templates can read in addition to the profile's fields.
pub(super) const BUILT_IN: &[&str] = &["profile", "environment"];

/// Checks the names of an expression.
pub(super) fn check(source: &str, names: &CachedFields<'_>, locals: &[Variable]) -> CheckedExpression {
    let words = tokenize(source);
    let mut checker = ExpressionChecker { words: &words, names, locals, out: CheckedExpression::default() };
    if words.len() > MAX_WORDS {
        let message = format!("this expression has {} tokens; the limit is {MAX_WORDS}", words.len());
        let fault = ExpressionFault::new(RuleId::TemplateTooLarge, 0..source.len(), message)
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
    tokenize(source).iter().any(|word| word.token == Token::Ident(name))
}

/// The shape of the items that `$for` takes from an expression.
pub(super) fn item_shape(source: &str, names: &CachedFields<'_>, locals: &[Variable]) -> ValueShape {
    let words = tokenize(source);
    let mut checker = ExpressionChecker { words: &words, names, locals, out: CheckedExpression::default() };
    // The result of a function is unknown.
    if checker.sign(1, "(") {
        return ValueShape::Any;
    }
    let (shape, end) = checker.path(0);
    let entries = [Token::Sign("|"), Token::Ident("entries")];
    let rest: Vec<Token<'_>> = words[end..].iter().map(|word| word.token).collect();
    match shape {
        ValueShape::At(path) if rest == entries => ValueShape::Entry(path),
        ValueShape::At(path) if rest.is_empty() => {
            // Whether it is a list or a mapping is only known at run time; a mapping yields its keys.
            match &*names.fields(&path) {
                AllowedFields::Closed(_) => ValueShape::Scalar,
                _ => ValueShape::At(path.into_iter().chain([EcoString::from("[]")]).collect()),
            }
        }
        _ => ValueShape::Any,
    }
}

/// The shape of an expression's value.
pub(super) fn path_shape(source: &str, names: &CachedFields<'_>, locals: &[Variable]) -> ValueShape {
    let words = tokenize(source);
    let mut checker = ExpressionChecker { words: &words, names, locals, out: CheckedExpression::default() };
    match checker.path(0) {
        (shape, end) if end == words.len() && !words.is_empty() => shape,
        _ => ValueShape::Any,
    }
}

struct ExpressionChecker<'a> {
    words: &'a [LocatedToken<'a>],
    names: &'a CachedFields<'a>,
    locals: &'a [Variable],
    out: CheckedExpression,
}

impl<'a> ExpressionChecker<'a> {
    fn token(&self, at: usize) -> Option<Token<'a>> {
        self.words.get(at).map(|word| word.token)
    }

    fn sign(&self, at: usize, sign: &str) -> bool {
        self.token(at) == Some(Token::Sign(sign))
    }

    /// Checks the token at an index; returns the index of the next one to check.
    fn word(&mut self, at: usize) -> usize {
        match self.token(at) {
            Some(Token::Sign("|")) => self.named(at + 1, CallableKind::Filter),
            Some(Token::Ident("is")) => {
                let not = usize::from(self.token(at + 1) == Some(Token::Ident("not")));
                self.named(at + 1 + not, CallableKind::Test)
            }
            Some(Token::Ident(name)) if KEYWORDS.contains(&name) => at + 1,
            // The name of a keyword argument.
            Some(Token::Ident(_)) if self.sign(at + 1, "=") => at + 1,
            Some(Token::Ident(name)) if self.sign(at + 1, "(") => {
                self.out.late |= matches!(name, functions::CHECKSUM | functions::CONTENT_NAME);
                self.named(at, CallableKind::Function)
            }
            Some(Token::Ident(_)) => {
                let (_, end) = self.path(at);
                if at == 0 && end == self.words.len() {
                    self.out.path = self.plain_path();
                }
                end
            }
            // A field of a computed value, about which nothing is known.
            Some(Token::Sign(".")) if matches!(self.token(at + 1), Some(Token::Ident(_))) => {
                self.no_method(at + 2, at + 1);
                at + 2
            }
            _ => at + 1,
        }
    }

    /// Rejects `*` beside a list or mapping literal. `[[a] * 999] * 999` is a million values, which the engine charges
    /// no fuel for until they are compared or printed.
    fn no_repeated_lists(&mut self) {
        let Some(star) = self.words.iter().position(|word| word.token == Token::Sign("*")) else { return };
        let opens = |at: usize| match self.words[at].token {
            Token::Sign("{") => true,
            // After a name, a string or a bracket it is an index.
            Token::Sign("[") => match at.checked_sub(1).and_then(|before| self.token(before)) {
                Some(Token::Ident(word)) => KEYWORDS.contains(&word),
                Some(Token::Str(_) | Token::Sign(")" | "]" | "}")) => false,
                _ => true,
            },
            _ => false,
        };
        if (0..self.words.len()).any(opens) {
            let range = self.words[star].range.clone();
            let fault = ExpressionFault::new(
                RuleId::TemplateSyntax,
                range,
                "`*` cannot be combined with a list or mapping literal",
            )
            .with_help("write the list or mapping as YAML, with an expression for each value");
            self.out.faults.push(fault);
        }
    }

    /// The names, if the expression consists of identifiers and dots only and does not start with a variable.
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
    fn named(&mut self, at: usize, kind: CallableKind) -> usize {
        let Some(Token::Ident(name)) = self.token(at) else { return at };
        if functions::find(kind, name).is_none() {
            let range = self.words[at].range.clone();
            let near = suggest::nearest(name, functions::names(kind));
            let help = near.map_or_else(
                || format!("available: {}", suggest::list(functions::names(kind), "and")),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("unknown {} `{name}`", kind.noun());
            self.out.faults.push(ExpressionFault::new(RuleId::TemplateNameUnknown, range, message).with_help(help));
        }
        at + 1
    }

    fn no_method(&mut self, paren: usize, name: usize) {
        if self.sign(paren, "(") {
            let range = self.words[name].range.clone();
            let fault = ExpressionFault::new(RuleId::TemplateNameUnknown, range, "methods are not supported")
                .with_help("use a filter, `value | filter`; docs/templates.md lists them");
            self.out.faults.push(fault);
        }
    }

    /// Parses the path that starts at an index and checks each of its names. Returns the shape of its value and the
    /// index after it.
    fn path(&mut self, start: usize) -> (ValueShape, usize) {
        let Some(Token::Ident(first)) = self.token(start) else { return (ValueShape::Any, start) };
        let mut at = start + 1;
        let mut shape = match self.locals.iter().find(|local| local.name == first) {
            Some(local) => {
                self.out.local = true;
                local.used.set(true);
                local.shape.clone()
            }
            None if BUILT_IN.contains(&first) => ValueShape::Scalar,
            None => self.step(&ValueShape::At(Vec::new()), first, start, start),
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
                    if let ValueShape::At(path) = &mut shape {
                        path.push("[]".into());
                    }
                    at += 3;
                }
                // A computed name. The caller checks the expression in the brackets.
                (Some(Token::Sign("[")), _, _) => return (ValueShape::Any, at),
                _ => return (shape, at),
            }
        }
    }

    /// The shape of a field of a value.
    fn step(&mut self, shape: &ValueShape, name: &str, start: usize, at: usize) -> ValueShape {
        let path = match shape {
            ValueShape::Any => return ValueShape::Any,
            ValueShape::Entry(path) if name == "value" => {
                return ValueShape::At(path.iter().cloned().chain([EcoString::from("*")]).collect());
            }
            ValueShape::Entry(_) if name == "key" => return ValueShape::Scalar,
            ValueShape::Entry(_) => return self.unknown(name, "an entry", &["key".into(), "value".into()], at),
            ValueShape::Scalar => return self.scalar(start, at),
            ValueShape::At(path) => path,
        };
        match &*self.names.fields(path) {
            AllowedFields::Closed(known) if !known.iter().any(|field| field == name) => {
                let parent = if path.is_empty() { PROFILE.to_owned() } else { format!("`{}`", path.join(".")) };
                self.unknown(name, &parent, known, at)
            }
            AllowedFields::Scalar => self.scalar(start, at),
            _ => ValueShape::At(path.iter().cloned().chain([EcoString::from(name)]).collect()),
        }
    }

    fn unknown(&mut self, name: &str, parent: &str, known: &[EcoString], at: usize) -> ValueShape {
        let known = known.iter().map(EcoString::as_str);
        let locals = self.locals.iter().filter(|_| at == 0).map(|local| local.name.as_str());
        let near = suggest::nearest(name, known.clone().chain(locals));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            // Fields that are not values cannot be read by templates.
            None => match suggest::list(known.filter(|field| !is_layer_field(field)), "and") {
                list if list.is_empty() => String::new(),
                list if parent == PROFILE => {
                    format!("available fields: {list}; declare a new field in profiles/schema.json")
                }
                list => format!("available fields: {list}"),
            },
        };
        let message = format!("no field `{name}` in {parent}");
        let range = self.words[at].range.clone();
        self.out.faults.push(ExpressionFault::new(RuleId::TemplateNameUnknown, range, message).with_help(help));
        ValueShape::Any
    }

    fn scalar(&mut self, start: usize, at: usize) -> ValueShape {
        let whole: String = self.words[start..at.saturating_sub(1)].iter().map(|word| text(word.token)).collect();
        let message = format!("`{whole}` is a scalar and has no fields");
        self.out.faults.push(ExpressionFault::new(RuleId::TemplateNameUnknown, self.words[at].range.clone(), message));
        ValueShape::Any
    }

    /// Finds each `if` without `else` from an index to the end of its bracket; returns that end.
    fn conditions(&mut self, from: usize, depth: usize) -> usize {
        let mut open: usize = 0;
        let mut at = from;
        while at < self.words.len() {
            match self.words[at].token {
                Token::Sign("(" | "[" | "{") if depth < 200 => at = self.conditions(at + 1, depth + 1),
                Token::Sign(")" | "]" | "}") => break,
                Token::Sign("," | ":") => self.close_conditions(&mut open, at),
                Token::Ident("if") if open > 0 => {
                    let fault = ExpressionFault::new(
                        RuleId::TemplateSyntax,
                        self.words[at].range.clone(),
                        "`if` after an `if` without `else`",
                    )
                    .with_help("add an `else` to the first one, or join the conditions with `and`");
                    self.out.faults.push(fault);
                }
                Token::Ident("if") => open += 1,
                Token::Ident("else") => open = open.saturating_sub(1),
                _ => {}
            }
            at += 1;
        }
        // An unclosed bracket ends one past the last token.
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
