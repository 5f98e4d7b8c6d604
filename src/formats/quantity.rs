//! Quantities (`100m`, `1.5Gi`, `1e3`), parsed and compared exactly.
//!
//! Parses as `k8s.io/apimachinery/pkg/api/resource.ParseQuantity` does: in units of 10^-9, rounded away from zero; amounts with
//! binary suffixes are capped at 2^63-1, all others at 1.7e29.

use crate::node::{Node, Value};

const BILLION: i128 = 1_000_000_000;

/// An amount in units of 10^-9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Quantity(i128);

impl Quantity {
    /// Zero.
    pub const ZERO: Self = Self(0);

    /// An integral amount.
    #[must_use]
    pub const fn whole(amount: i64) -> Self {
        Self(amount as i128 * BILLION)
    }

    /// Parses a string without surrounding white space, which only the decoder accepts. `None` if it is not a quantity.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let (negative, rest) = match text.as_bytes()[0] {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let split = |text: &str| text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
        let (digits, rest) = rest.split_at(split(rest));
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(rest) => rest.split_at(split(rest)),
            None => ("", rest),
        };
        let scale = Scale::parse(suffix)?;
        let magnitude = scale.apply(digits.trim_start_matches('0'), fraction);
        Some(Self(if negative { -magnitude } else { magnitude }))
    }

    /// Parses a field, which is a string or a number. `None` if it is not a quantity.
    #[must_use]
    pub fn of(node: &Node) -> Option<Self> {
        match &node.value {
            Value::Int(amount) => Some(Self::whole(*amount)),
            Value::Float(amount) => Self::parse(&amount.to_string()),
            Value::String(text) => Self::parse(text.trim()),
            _ => None,
        }
    }

    /// The canonical string in which the API server stores a field: `1Gi` for `1024Mi`, `1` for `1000m`. Equal amounts with
    /// suffixes of different kinds (`1Ki`, `1024`) have different strings. `milli` rounds to 10^-3, as for requests and limits.
    /// `None` if it is not a quantity.
    #[must_use]
    pub fn canonical(node: &Node, milli: bool) -> Option<String> {
        let mut amount = Self::of(node)?;
        if milli {
            amount = amount.rounded_to_milli();
        }
        let written = node.as_str().unwrap_or_default().trim();
        let exponent = written.contains(['e', 'E']) && written.ends_with(|c: char| c.is_ascii_digit());
        if written.ends_with('i') && amount.is_integer() && amount.0.abs() >= 1024 * BILLION {
            let (mut mantissa, mut suffix) = (amount.0 / BILLION, 0);
            while mantissa % 1024 == 0 && suffix < 6 {
                (mantissa, suffix) = (mantissa / 1024, suffix + 1);
            }
            return Some(format!("{mantissa}{}", ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][suffix]));
        }
        let (mut mantissa, mut power) = (amount.0, -9);
        while mantissa != 0 && mantissa % 1000 == 0 && power < 18 {
            (mantissa, power) = (mantissa / 1000, power + 3);
        }
        Some(match power {
            _ if mantissa == 0 => "0".to_owned(),
            0 => mantissa.to_string(),
            _ if exponent => format!("{mantissa}e{power}"),
            _ => {
                let suffix =
                    ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"][usize::try_from(power / 3 + 3).unwrap_or(3)];
                format!("{mantissa}{suffix}")
            }
        })
    }

    /// The amount, if it is an integer that fits.
    #[must_use]
    pub fn to_i64(self) -> Option<i64> {
        if self.0 % BILLION == 0 { i64::try_from(self.0 / BILLION).ok() } else { None }
    }

    /// The nearest `f64`.
    #[must_use]
    pub const fn to_f64(self) -> f64 {
        self.0 as f64 / BILLION as f64
    }

    /// The difference, saturating.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Whether it is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether it is less than zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Whether it is an integer.
    #[must_use]
    pub const fn is_integer(self) -> bool {
        self.0 % BILLION == 0
    }

    /// Whether it is an integral multiple of a unit; false if the unit is zero.
    #[must_use]
    pub const fn is_multiple_of(self, unit: Self) -> bool {
        unit.0 != 0 && self.0 % unit.0 == 0
    }

    /// The amount rounded away from zero, saturating.
    #[must_use]
    pub fn round_up(self) -> i64 {
        let whole = self.0 / BILLION + if self.is_integer() { 0 } else { self.0.signum() };
        i64::try_from(whole).unwrap_or(if whole < 0 { i64::MIN } else { i64::MAX })
    }

    /// The amount rounded away from zero to a multiple of 10^-3, as the API server stores requests and limits.
    #[must_use]
    pub const fn rounded_to_milli(self) -> Self {
        let unit = BILLION / 1000;
        let rest = self.0 % unit;
        if rest == 0 { self } else { Self(self.0.saturating_add(self.0.signum() * unit - rest)) }
    }

    /// The sum, saturating.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// The factor of a suffix: a power of ten or of two.
enum Scale {
    Ten(i64),
    Two(u32),
}

impl Scale {
    fn parse(suffix: &str) -> Option<Self> {
        Some(match suffix {
            "n" => Self::Ten(-9),
            "u" => Self::Ten(-6),
            "m" => Self::Ten(-3),
            "" => Self::Ten(0),
            "k" => Self::Ten(3),
            "M" => Self::Ten(6),
            "G" => Self::Ten(9),
            "T" => Self::Ten(12),
            "P" => Self::Ten(15),
            "E" => Self::Ten(18),
            "Ki" => Self::Two(10),
            "Mi" => Self::Two(20),
            "Gi" => Self::Two(30),
            "Ti" => Self::Two(40),
            "Pi" => Self::Two(50),
            "Ei" => Self::Two(60),
            _ => {
                let exponent: i64 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
                Self::Ten(exponent)
            }
        })
    }

    /// `digits.fraction` times the scale in units of 10^-9, rounded up and saturating. The digits have no leading zeros.
    fn apply(&self, digits: &str, fraction: &str) -> i128 {
        match self {
            Self::Ten(exponent) => decimal(digits, fraction, exponent.saturating_add(9)),
            Self::Two(shift) => {
                let nano = decimal(digits, fraction, 9);
                // Digits of the fraction after the ninth count as well, before the multiplication.
                let exact = if fraction.len() <= 9 { nano } else { long_fraction(digits, fraction, *shift) };
                let value =
                    if fraction.len() <= 9 { exact.checked_mul(1 << shift).unwrap_or(i128::MAX) } else { exact };
                value.min(i128::from(i64::MAX) * BILLION)
            }
        }
    }
}

/// `digits.fraction * 10^exponent`, rounded up to an integer; `i128::MAX` if it does not fit.
fn decimal(digits: &str, fraction: &str, exponent: i64) -> i128 {
    let fraction = fraction.trim_end_matches('0');
    let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    let all = || digits.bytes().chain(fraction.bytes()).map(|digit| i128::from(digit - b'0'));
    let shift = exponent.saturating_sub(places);
    let mut value: i128 = 0;
    // With a negative shift, the last digits are dropped and round up the others.
    let count = digits.len() + fraction.len();
    let dropped = usize::try_from(shift.saturating_neg()).unwrap_or(0);
    let kept = count.saturating_sub(dropped);
    for digit in all().take(kept) {
        match value.checked_mul(10).and_then(|value| value.checked_add(digit)) {
            Some(next) => value = next,
            None => return i128::MAX,
        }
    }
    if all().skip(kept).any(|digit| digit != 0) {
        value = value.saturating_add(1);
    }
    if value == 0 || shift <= 0 {
        return value;
    }
    u32::try_from(shift).ok().and_then(|shift| 10_i128.checked_pow(shift)?.checked_mul(value)).unwrap_or(i128::MAX)
}

/// Binary suffixes with more than nine digits in the fraction (`0.1234567891Gi`): multiplies first, then rounds up to 10^-9.
fn long_fraction(digits: &str, fraction: &str, shift: u32) -> i128 {
    let whole = decimal(digits, "", 9).checked_mul(1 << shift).unwrap_or(i128::MAX);
    // Eighteen digits are enough: with a shift of at most 60 bits, the rest cannot change the result by more than the rounding.
    let places = fraction.len().min(18);
    let head = decimal("", &fraction[..places], 18);
    let rest = i128::from(fraction[places..].bytes().any(|digit| digit != b'0'));
    let scaled = (head + rest).checked_mul(1 << shift).unwrap_or(i128::MAX);
    whole.saturating_add(scaled / BILLION + i128::from(scaled % BILLION != 0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parse(text: &str) -> Quantity {
        Quantity::parse(text).unwrap()
    }

    #[test]
    fn equal_amounts_are_equal() {
        for (a, b) in [
            ("1", "1000m"),
            ("1Ki", "1024"),
            ("1.5Gi", "1536Mi"),
            ("1e3", "1k"),
            ("1E3", "1000"),
            ("0.1", "100m"),
            (".5", "500m"),
            ("5.", "5"),
            ("1n", "0.1n"),
            ("-1", "-1000m"),
            ("+1", "01"),
            ("1e-3", "1m"),
            ("8Ei", "9223372036854775807"),
            ("0.12345678912Ki", "126419752059n"),
            ("1E", "1e18"),
        ] {
            assert_eq!(parse(a), parse(b), "{a} {b}");
        }
        assert!(
            parse("2Gi") > parse("2G")
                && parse("-1Gi") < Quantity::ZERO
                && parse("100000000000000000000E") > parse("1E")
        );
        assert!(parse("0e9999999999").is_zero() && parse("1e9999999") > parse("1E"));
    }

    #[test]
    fn canonical_strings() {
        for (text, milli, expected) in [
            ("1024Mi", false, "1Gi"),
            ("0.5Gi", false, "512Mi"),
            ("1000m", false, "1"),
            ("1000000", false, "1M"),
            ("1500", false, "1500"),
            ("1023Ki", false, "1023Ki"),
            ("0.5Ki", false, "512"),
            ("1e3", false, "1e3"),
            ("1000", false, "1k"),
            ("0.0001", true, "1m"),
            ("0.0001", false, "100u"),
            ("-1024Mi", false, "-1Gi"),
            ("0Gi", false, "0"),
        ] {
            let node = Node::new(text, crate::source::Span::NONE);
            assert_eq!(Quantity::canonical(&node, milli).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(Quantity::canonical(&Node::new("1GB", crate::source::Span::NONE), false), None);
    }

    #[test]
    fn invalid_quantities_are_rejected() {
        for text in [
            "", "1 Gi", "1mb", "1GB", "1K", "abc", "1.1.1", "1e", "1i", "1Kib", "--1", "1e1.5", "0x1", " 1", "1-",
            "1m1", "1Mi2",
        ] {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
    }

    #[test]
    fn integers_and_multiples_are_recognized() {
        assert!(parse("1000m").is_integer() && !parse("1m").is_integer());
        assert_eq!(parse("1500m").round_up(), 2);
        assert_eq!(parse("-1500m").round_up(), -2);
        assert!(parse("4Mi").is_multiple_of(parse("2Mi")) && !parse("3Mi").is_multiple_of(parse("2Mi")));
    }
}
