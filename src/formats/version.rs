//! Versions of software: numbers separated by dots.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Deserialize;

/// A version: `1.4`, `16`, `1.5.2`. A suffix such as `-rc1` or `-alpine` is ignored.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Version(Vec<u32>);

impl Version {
    /// Whether it is in an inclusive range. A range that ends with `16` includes `16.4`.
    #[must_use]
    pub fn is_within(&self, since: Option<&Self>, until: Option<&Self>) -> bool {
        since.is_none_or(|since| self.compare(since) != Ordering::Less)
            && until.is_none_or(|until| self.compare(until) != Ordering::Greater)
    }

    /// Compares the numbers that both versions have: `16` equals `16.4`.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        let differing = self.0.iter().zip(&other.0).find(|(one, other)| one != other);
        differing.map_or(Ordering::Equal, |(one, other)| one.cmp(other))
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.strip_prefix('v').unwrap_or(text);
        let end = numbers.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(numbers.len());
        let parsed = numbers[..end].trim_end_matches('.').split('.').map(str::parse).collect::<Result<_, _>>();
        match parsed {
            Ok(numbers) if end == numbers_end(text) => Ok(Self(numbers)),
            _ => Err(format!("invalid version `{text}`: expected numbers separated by dots, such as `1.4`")),
        }
    }
}

/// The offset where the numbers of a version must end: at its end, or at the start of a suffix.
fn numbers_end(text: &str) -> usize {
    let numbers = text.strip_prefix('v').unwrap_or(text);
    numbers.find(['-', '+', '_']).unwrap_or(numbers.len())
}

impl TryFrom<String> for Version {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&numbers.join("."))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert_eq!(version("v1.10.0").compare(&version("1.9")), Ordering::Greater);
        assert_eq!(version("16-alpine").compare(&version("16.4")), Ordering::Equal);
        assert!(version("16.4").is_within(Some(&version("14")), Some(&version("16"))));
        assert!(!version("17").is_within(None, Some(&version("16"))));
        for text in ["", "latest", "v", "1..2", "alpine", "1.x", "99999999999"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }
}
