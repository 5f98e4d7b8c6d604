//! The constraints of single values.

use std::cmp::Ordering;
use std::fmt;

use ecow::{EcoString, EcoVec};
use foldhash::HashSet;

use super::compare::{equal, is_multiple, numbers};
use super::formats::NumberFormat;
use super::words;
use crate::node::{Node, Value};

/// The constraints of numbers.
#[derive(Debug, Default)]
pub(super) struct NumberRules {
    pub(super) minimum: Option<Node>,
    pub(super) maximum: Option<Node>,
    pub(super) above: Option<Node>,
    pub(super) below: Option<Node>,
    pub(super) multiple: Option<Node>,
    pub(super) format: Option<&'static NumberFormat>,
    pub(super) unsatisfiable: Option<Unsatisfiable>,
}

/// Why no number, or no integer, matches a structural schema.
#[derive(Debug)]
pub(super) struct Unsatisfiable {
    pub(super) reason: String,
    pub(super) integers_only: bool,
}

/// A constraint that a number violates. Displayed as the predicate of a message: `must be at least 1`.
#[derive(Debug, Clone, Copy)]
pub(super) enum NumberFault<'a> {
    Unsatisfiable(&'a str),
    Range(&'a NumberRules),
    Format(&'a NumberFormat),
    Multiple(&'a Node),
}

impl NumberRules {
    /// The constraints that a number violates.
    pub(super) fn faults(&self, node: &Node) -> impl Iterator<Item = NumberFault<'_>> {
        let beyond = |bound: &Option<Node>, wrong: &[Ordering]| {
            bound.as_ref().is_some_and(|bound| wrong.contains(&numbers(node, bound)))
        };
        let is_outside = beyond(&self.minimum, &[Ordering::Less])
            || beyond(&self.maximum, &[Ordering::Greater])
            || beyond(&self.above, &[Ordering::Less, Ordering::Equal])
            || beyond(&self.below, &[Ordering::Greater, Ordering::Equal]);
        let is_int = matches!(node.value, Value::Int(_));
        let unsatisfiable = self.unsatisfiable.as_ref().filter(|never| is_int || !never.integers_only);
        let faults = match unsatisfiable {
            Some(never) => [Some(NumberFault::Unsatisfiable(&never.reason)), None, None],
            None => [
                is_outside.then_some(NumberFault::Range(self)),
                self.format.filter(|format| !format.is_match(node)).map(NumberFault::Format),
                self.multiple.as_ref().filter(|of| !is_multiple(node, of)).map(NumberFault::Multiple),
            ],
        };
        faults.into_iter().flatten()
    }
}

impl fmt::Display for NumberFault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsatisfiable(reason) => f.write_str(reason),
            Self::Range(rules) => write!(f, "must be {}", words::range(rules)),
            Self::Format(format) => write!(f, "must be {}", format.words()),
            Self::Multiple(of) => write!(f, "must be a multiple of {}", words::value(of)),
        }
    }
}

/// The values that `enum` lists.
#[derive(Debug)]
pub(super) struct Choices {
    values: EcoVec<Node>,
    /// The strings among them, which may be many.
    strings: HashSet<EcoString>,
}

impl Choices {
    pub(super) fn new(values: EcoVec<Node>) -> Self {
        let string = |node: &Node| match &node.value {
            Value::String(text) => Some(text.clone()),
            _ => None,
        };
        Self { strings: values.iter().filter_map(string).collect(), values }
    }

    pub(super) fn values(&self) -> &[Node] {
        &self.values
    }

    /// How many values another one is compared with.
    pub(super) fn comparisons(&self, node: &Node) -> usize {
        if node.as_str().is_some() { 0 } else { self.values.len() }
    }

    pub(super) fn contains(&self, node: &Node) -> bool {
        match node.as_str() {
            Some(text) => self.strings.contains(text),
            None => self.values.iter().any(|value| equal(value, node)),
        }
    }
}

/// Bounds of a length or a count.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Count {
    pub(super) min: Option<u64>,
    pub(super) max: Option<u64>,
}

impl Count {
    /// Whether it has a bound.
    pub(super) const fn is_set(self) -> bool {
        self.min.is_some() || self.max.is_some()
    }

    /// Whether a count is too small or too large.
    pub(super) fn excludes(self, count: usize) -> bool {
        let count = count as u64;
        self.min.is_some_and(|min| count < min) || self.max.is_some_and(|max| count > max)
    }

    /// `at least 1 item`, `1 to 63 characters`.
    pub(super) fn of(self, noun: &str) -> String {
        let noun = |count: u64| match (count, noun) {
            (1, noun) => noun.to_owned(),
            (_, "entry") => "entries".to_owned(),
            (_, noun) => format!("{noun}s"),
        };
        match (self.min.filter(|min| *min > 0), self.max) {
            (Some(min), Some(max)) if min == max => format!("exactly {min} {}", noun(min)),
            (Some(min), Some(max)) => format!("{min} to {max} {}", noun(max)),
            (Some(min), None) => format!("at least {min} {}", noun(min)),
            (None, Some(max)) => format!("at most {max} {}", noun(max)),
            (None, None) => "some other length".to_owned(),
        }
    }
}

/// A set of JSON types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Types(u8);

/// The types: the name in schemas, the set, and the noun of messages.
pub(super) const TYPES: [(&str, Types, &str); 7] = [
    ("string", Types::STRING, "a string"),
    ("integer", Types::INTEGER, "an integer"),
    ("number", Types::NUMBER, "a number"),
    ("boolean", Types::BOOLEAN, "a boolean"),
    ("array", Types::ARRAY, "a list"),
    ("object", Types::OBJECT, "a mapping"),
    ("null", Types::NULL, "null"),
];

impl Types {
    /// No type.
    pub const NONE: Self = Self(0);
    /// Strings.
    pub const STRING: Self = Self(1);
    /// Integers.
    pub const INTEGER: Self = Self(1 << 1);
    /// All numbers, integers included.
    pub const NUMBER: Self = Self(1 << 1 | 1 << 2);
    /// `true` and `false`.
    pub const BOOLEAN: Self = Self(1 << 3);
    /// Lists.
    pub const ARRAY: Self = Self(1 << 4);
    /// Mappings.
    pub const OBJECT: Self = Self(1 << 5);
    /// `null`.
    pub const NULL: Self = Self(1 << 6);
    /// All types.
    pub const ANY: Self = Self(0x7f);

    /// Whether it contains all types of the other.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The types in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The types in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The types that a schema calls by this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        TYPES.iter().find(|(known, _, _)| *known == name).map(|(_, types, _)| *types)
    }

    /// The type of a value. As in the draft, a number without a fractional part is an integer.
    #[must_use]
    pub fn of(node: &Node) -> Self {
        match &node.value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOLEAN,
            Value::Int(_) => Self::INTEGER,
            Value::Float(number) if number.fract() == 0.0 => Self::INTEGER,
            Value::Float(_) => Self(1 << 2),
            Value::String(_) => Self::STRING,
            Value::Sequence(_) => Self::ARRAY,
            Value::Mapping(_) => Self::OBJECT,
        }
    }

    /// `a string`, or `a string, a list or null`.
    #[must_use]
    pub fn words(self) -> String {
        let names: Vec<&str> = TYPES
            .iter()
            .filter(|(_, types, _)| self.has(*types) && !(*types == Self::INTEGER && self.has(Self::NUMBER)))
            .map(|(_, _, words)| *words)
            .collect();
        match names.split_last() {
            None => "nothing".to_owned(),
            Some((last, [])) => (*last).to_owned(),
            Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        }
    }
}
