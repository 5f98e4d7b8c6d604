//! `format`: named formats of strings and numbers. They are validated, as editors do; of a loosely defined format, only
//! what certainly violates it is a fault.

use super::compare::numbers;
use crate::formats::named::{self, TEXTS, TextFormat};
use crate::node::Node;
use crate::source::Span;

/// A format.
pub(super) enum Format {
    /// A format of strings.
    Text(&'static TextFormat),
    /// A range of numbers.
    Number(&'static NumberFormat),
    /// An annotation, which is not validated.
    Annotation,
}

/// A range of numbers.
#[derive(Debug)]
pub(super) struct NumberFormat {
    name: &'static str,
    min: i64,
    /// `None` if no number can be larger.
    max: Option<i64>,
}

impl NumberFormat {
    /// The range of a format.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        static ALL: &[NumberFormat] = &NUMBERS;
        ALL.iter().find(|format| format.name == name)
    }

    pub(super) fn is_match(&self, number: &Node) -> bool {
        let bound = |bound: i64| numbers(number, &Node::new(bound, Span::NONE));
        bound(self.min).is_ge() && self.max.is_none_or(|max| bound(max).is_le())
    }

    /// The range, as it follows `must be`.
    pub(super) fn words(&self) -> String {
        let range = match self.max {
            Some(max) => format!("from {} to {max}", self.min),
            None => format!("at least {}", self.min),
        };
        format!("{range} (`{}`)", self.name)
    }
}

/// Ranges of integers, as OpenAPI and schema generators name them.
const NUMBERS: [NumberFormat; 9] = [
    number("int16", i16::MIN as i64, Some(i16::MAX as i64)),
    number("int32", i32::MIN as i64, Some(i32::MAX as i64)),
    number("int64", i64::MIN, Some(i64::MAX)),
    number("int8", i8::MIN as i64, Some(i8::MAX as i64)),
    number("uint", 0, None),
    number("uint16", 0, Some(u16::MAX as i64)),
    number("uint32", 0, Some(u32::MAX as i64)),
    number("uint64", 0, None),
    number("uint8", 0, Some(u8::MAX as i64)),
];

const fn number(name: &'static str, min: i64, max: Option<i64>) -> NumberFormat {
    NumberFormat { name, min, max }
}

/// Formats that cannot be validated or are defined too loosely.
const ANNOTATIONS: [&str; 9] =
    ["binary", "double", "float", "idn-email", "idn-hostname", "iri", "iri-reference", "password", "regex"];

/// The known formats.
pub fn formats() -> impl Iterator<Item = &'static str> {
    let texts = TEXTS.iter().map(|format| format.name);
    texts.chain(NUMBERS.iter().map(|format| format.name)).chain(ANNOTATIONS)
}

impl Format {
    pub(super) fn find(name: &str) -> Option<Self> {
        let text = named::json_schema(name).map(Self::Text);
        let number = || NumberFormat::find(name).map(Self::Number);
        text.or_else(number).or_else(|| ANNOTATIONS.contains(&name).then_some(Self::Annotation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_has_one_name() {
        let all: Vec<&str> = formats().collect();
        let unique: std::collections::BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(all.len(), unique.len());
        assert!(all.iter().all(|name| Format::find(name).is_some()) && Format::find("emial").is_none());
    }
}
