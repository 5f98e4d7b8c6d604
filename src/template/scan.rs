//! Splits scalars into text and expressions, and expressions into tokens.
//!
//! Only `{{` starts an expression. Its end is found by matching quotes and brackets, so `{{ {'a': {'b': 1}} }}` and
//! `{{ '}}' }}` are parsed correctly.

use std::ops::Range;

/// A part of a scalar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ScalarPiece<'a> {
    /// Literal text.
    Text(&'a str),
    /// The expression between the braces, trimmed, and its range in the scalar.
    Expression(&'a str, Range<usize>),
}

/// Why a scalar could not be split.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ScanError {
    /// The offset in the scalar.
    pub(super) at: usize,
    /// The message.
    pub(super) message: &'static str,
    /// The help.
    pub(super) help: &'static str,
}

/// Whether a scalar contains an expression.
pub(super) fn has_expression(text: &str) -> bool {
    next_open(text, 0).is_some()
}

/// The offset of the next `{{`.
fn next_open(text: &str, from: usize) -> Option<usize> {
    // Most strings contain no brace.
    let bytes = &text.as_bytes()[from..];
    memchr::memchr_iter(b'{', bytes).find(|at| bytes.get(at + 1) == Some(&b'{')).map(|at| from + at)
}

/// Splits a scalar into text and expressions.
pub(super) fn split(text: &str) -> Result<Vec<ScalarPiece<'_>>, ScanError> {
    let mut pieces = Vec::new();
    let mut from = 0;
    while let Some(open) = next_open(text, from) {
        if open > from {
            pieces.push(ScalarPiece::Text(&text[from..open]));
        }
        let inner = open + 2;
        if text[inner..].starts_with(['-', '+']) {
            return Err(ScanError {
                at: open,
                message: "`{{-` and `{{+` are not supported",
                help: "remove the sign, or put a space before a unary operator",
            });
        }
        let close = close(text, inner).ok_or(ScanError {
            at: open,
            message: "unclosed `{{`",
            help: "close it with `}}`; write a literal `{{` as `{{ '{{' }}`",
        })?;
        let raw = &text[inner..close];
        let source = raw.trim();
        if source.is_empty() {
            return Err(ScanError {
                at: open,
                message: "empty expression",
                help: "write a literal `{{` as `{{ '{{' }}`",
            });
        }
        let start = inner + (raw.len() - raw.trim_start().len());
        pieces.push(ScalarPiece::Expression(source, start..start + source.len()));
        from = close + 2;
    }
    if from < text.len() {
        pieces.push(ScalarPiece::Text(&text[from..]));
    }
    Ok(pieces)
}

/// The offset of the `}}` that closes the expression starting at `from`.
fn close(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (from, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\'' | b'"' => at = string_end(bytes, at)?,
            b'(' | b'[' | b'{' => depth += 1,
            b'}' if depth == 0 && bytes.get(at + 1) == Some(&b'}') => return Some(at),
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The offset of the quote that closes the string opened at `open`.
fn string_end(bytes: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            byte if *byte == bytes[open] => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// A token of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name or a keyword.
    Ident(&'a str),
    /// A string without its quotes; escapes are not resolved.
    Str(&'a str),
    /// A number.
    Number(&'a str),
    /// Any other character or operator.
    Sign(&'a str),
}

/// A token and its range in the expression.
#[derive(Debug, Clone)]
pub(super) struct LocatedToken<'a> {
    pub(super) token: Token<'a>,
    pub(super) range: Range<usize>,
}

/// The tokens of an expression. Invalid tokens are left to the expression compiler to reject.
pub(super) fn tokenize(source: &str) -> Vec<LocatedToken<'_>> {
    let bytes = source.as_bytes();
    let mut words = Vec::new();
    let mut at = 0;
    let run = |from: usize, is: fn(&u8) -> bool| from + bytes[from..].iter().take_while(|byte| is(byte)).count();
    while at < bytes.len() {
        let start = at;
        let token = match bytes[at] {
            byte if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'\'' | b'"' => {
                let end = string_end(bytes, at).unwrap_or(bytes.len() - 1);
                at = end + 1;
                Token::Str(source.get(start + 1..end).unwrap_or_default())
            }
            byte if byte.is_ascii_alphabetic() || byte == b'_' => {
                at = run(at, |byte| byte.is_ascii_alphanumeric() || *byte == b'_');
                Token::Ident(&source[start..at])
            }
            byte if byte.is_ascii_digit() => {
                at = run(at, |byte| byte.is_ascii_alphanumeric() || *byte == b'_');
                Token::Number(&source[start..at])
            }
            _ => {
                let two = source.get(at..at + 2).unwrap_or_default();
                let width = source[at..].chars().next().map_or(1, char::len_utf8);
                at += if matches!(two, "==" | "!=" | "<=" | ">=" | "//" | "**") { 2 } else { width };
                Token::Sign(&source[start..at])
            }
        };
        words.push(LocatedToken { token, range: start..at });
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expressions(text: &str) -> Vec<&str> {
        let pieces = split(text).expect("it splits");
        pieces.iter().filter(|piece| matches!(piece, ScalarPiece::Expression(..))).map(source).collect()
    }

    fn source<'a>(piece: &ScalarPiece<'a>) -> &'a str {
        match piece {
            ScalarPiece::Text(text) | ScalarPiece::Expression(text, _) => text,
        }
    }

    #[test]
    fn only_double_braces_open_an_expression() {
        for plain in ["{% if x %}", "{# no #}", "}}", "${#PW}", "{ {", "$labels.x", "{x}"] {
            assert_eq!(split(plain), Ok(vec![ScalarPiece::Text(plain)]), "{plain}");
        }
        assert_eq!(split(""), Ok(vec![]));
    }

    #[test]
    fn quotes_and_brackets_are_matched() {
        assert_eq!(expressions("{{ '{{' }}"), ["'{{'"]);
        assert_eq!(expressions("{{ '}}' }}"), ["'}}'"]);
        assert_eq!(expressions(r#"{{ "\"}}" }}"#), [r#""\"}}""#]);
        assert_eq!(expressions("{{ {'a': {'b': 1}} }}"), ["{'a': {'b': 1}}"]);
        assert_eq!(expressions("{{{'a': {'b': 1}}}}"), ["{'a': {'b': 1}}"]);
        assert_eq!(expressions("a{{b}}{{ c }}d }} {{\ne\n}}"), ["b", "c", "e"]);
    }

    #[test]
    fn unclosed_expressions_are_errors() {
        for (bad, at) in [("a {{ b", 2), ("{{ 'b }}", 0), ("{{ (b }}", 0), ("{{}}", 0), ("{{ }}", 0), ("x{{- a }}", 1)]
        {
            assert_eq!(split(bad).expect_err(bad).at, at, "{bad}");
        }
    }

    #[test]
    fn expressions_are_split_into_tokens() {
        let words: Vec<Token<'_>> = tokenize("a.b['c d'] // 2 != x_1 ~ é").into_iter().map(|word| word.token).collect();
        use Token::{Ident, Number, Sign, Str};
        let expected = [
            Ident("a"),
            Sign("."),
            Ident("b"),
            Sign("["),
            Str("c d"),
            Sign("]"),
            Sign("//"),
            Number("2"),
            Sign("!="),
            Ident("x_1"),
            Sign("~"),
            Sign("é"),
        ];
        assert_eq!(words, expected);
    }
}
