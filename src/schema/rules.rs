//! What is asked of one value by itself, whatever the schema was read from: a JSON Schema, or the structural schema of a
//! custom resource. Each says what a value must be or have, as what follows `must`.

use std::cmp::Ordering;
use std::fmt;

use super::compare::{is_multiple, numbers};
use super::formats::NumberFormat;
use super::words;
use crate::node::{Node, Value};

/// What is asked of numbers.
#[derive(Debug, Default)]
pub(crate) struct NumberRules {
    pub(crate) minimum: Option<Node>,
    pub(crate) maximum: Option<Node>,
    pub(crate) above: Option<Node>,
    pub(crate) below: Option<Node>,
    pub(crate) multiple: Option<Node>,
    pub(crate) format: Option<&'static NumberFormat>,
}

/// What a number must be and is not.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NumberFault<'a> {
    Range(&'a NumberRules),
    Format(&'a NumberFormat),
    Multiple(&'a Node),
}

impl NumberRules {
    /// What a number must be and is not.
    pub(crate) fn faults(&self, node: &Node) -> impl Iterator<Item = NumberFault<'_>> {
        let beyond = |bound: &Option<Node>, wrong: &[Ordering]| {
            bound.as_ref().is_some_and(|bound| wrong.contains(&numbers(node, bound)))
        };
        let is_outside = beyond(&self.minimum, &[Ordering::Less])
            || beyond(&self.maximum, &[Ordering::Greater])
            || beyond(&self.above, &[Ordering::Less, Ordering::Equal])
            || beyond(&self.below, &[Ordering::Greater, Ordering::Equal]);
        let format = self.format.filter(|format| !format.is_match(node));
        let multiple = self.multiple.as_ref().filter(|of| !is_multiple(node, of));
        let range = is_outside.then_some(NumberFault::Range(self));
        range.into_iter().chain(format.map(NumberFault::Format)).chain(multiple.map(NumberFault::Multiple))
    }
}

impl fmt::Display for NumberFault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(rules) => f.write_str(&words::range(rules)),
            Self::Format(format) => f.write_str(&format.words()),
            Self::Multiple(of) => write!(f, "a multiple of {}", words::value(of)),
        }
    }
}

/// How many there may be.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Count {
    pub(crate) min: Option<u64>,
    pub(crate) max: Option<u64>,
}

impl Count {
    /// Whether it bounds anything.
    pub(crate) const fn is_set(self) -> bool {
        self.min.is_some() || self.max.is_some()
    }

    /// Whether so many are too few or too many.
    pub(crate) fn excludes(self, count: usize) -> bool {
        let count = count as u64;
        self.min.is_some_and(|min| count < min) || self.max.is_some_and(|max| count > max)
    }

    /// `at least 1 item`, `1 to 63 characters`.
    pub(crate) fn of(self, noun: &str) -> String {
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

/// The types: JSON Schema's name, the bit, and how messages name one such value.
pub(super) const TYPES: [(&str, Types, &str); 7] = [
    ("string", Types::STRING, "a string"),
    ("integer", Types::INTEGER, "a whole number"),
    ("number", Types::NUMBER, "a number"),
    ("boolean", Types::BOOLEAN, "a boolean"),
    ("array", Types::ARRAY, "a list"),
    ("object", Types::OBJECT, "a mapping"),
    ("null", Types::NULL, "null"),
];

impl Types {
    /// No type.
    pub const NONE: Self = Self(0);
    /// Text.
    pub const STRING: Self = Self(1);
    /// Whole numbers.
    pub const INTEGER: Self = Self(1 << 1);
    /// All numbers.
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

    /// Whether it holds all types of the other.
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

    /// The type of a value. A number without a fraction is whole, as the draft has it.
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
