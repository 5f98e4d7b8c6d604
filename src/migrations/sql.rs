//! Splits SQL into tokens and statements as psql does. It finds where they end, and does not parse them further.

use std::ops::Range;

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A keyword or a plain identifier.
    Word,
    /// An identifier in double quotes.
    Identifier,
    /// A string in single quotes.
    Text,
    /// A dollar-quoted string.
    DollarText,
    /// A number or any other single character.
    Symbol,
    /// A backslash outside quotes, which starts a psql command.
    Backslash,
}

/// A token and its byte range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its kind.
    pub kind: TokenKind,
    /// Its byte range, including quotes.
    pub range: Range<usize>,
}

/// A statement with at least one token, without the semicolon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The tokens in order.
    pub tokens: Vec<Token>,
    /// The offset after the last token, or after the semicolon if there is one.
    pub end: usize,
    /// Whether it ends with a semicolon.
    pub terminated: bool,
}

impl Statement {
    /// The range from the first token to the last, including the semicolon.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.tokens[0].range.start..self.end
    }

    /// The token at an index in lower case, if it is a word; otherwise empty.
    #[must_use]
    pub fn word(&self, text: &str, at: usize) -> String {
        match self.tokens.get(at) {
            Some(token) if token.kind == TokenKind::Word => text[token.range.clone()].to_ascii_lowercase(),
            _ => String::new(),
        }
    }
}

/// A quote or comment without an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unterminated {
    /// The opening quote or comment mark.
    pub range: Range<usize>,
    /// `string`, `identifier`, `dollar-quoted string` or `comment`.
    pub what: &'static str,
}

/// Splits a part of a text into statements, as psql does: at semicolons outside quotes, comments, parentheses and the
/// `BEGIN ATOMIC` body of a function.
///
/// # Errors
/// A quote or a comment without an end.
pub fn statements(text: &str, part: Range<usize>) -> Result<Vec<Statement>, Unterminated> {
    let mut lexer = Lexer { text, at: part.start, end: part.end };
    let mut all = Vec::new();
    let mut open: Vec<Token> = Vec::new();
    let mut parentheses = 0_usize;
    let mut bodies = 0_usize;
    while let Some(token) = lexer.next()? {
        match (token.kind, &text[token.range.clone()]) {
            (TokenKind::Symbol, "(") => parentheses += 1,
            (TokenKind::Symbol, ")") => parentheses = parentheses.saturating_sub(1),
            (TokenKind::Symbol, ";") if parentheses == 0 && bodies == 0 => {
                if !open.is_empty() {
                    all.push(Statement { tokens: std::mem::take(&mut open), end: token.range.end, terminated: true });
                }
                continue;
            }
            (TokenKind::Word, word) if parentheses == 0 && makes_routine(text, &open) => {
                if word.eq_ignore_ascii_case("begin") || (bodies > 0 && word.eq_ignore_ascii_case("case")) {
                    bodies += 1;
                } else if word.eq_ignore_ascii_case("end") {
                    bodies = bodies.saturating_sub(1);
                }
            }
            _ => {}
        }
        open.push(token);
    }
    if let Some(last) = open.last() {
        let end = last.range.end;
        all.push(Statement { tokens: open, end, terminated: false });
    }
    Ok(all)
}

/// Whether the statement so far is one that can have a `BEGIN ATOMIC` body.
fn makes_routine(text: &str, tokens: &[Token]) -> bool {
    let word = |at: usize| tokens.get(at).map_or("", |token| &text[token.range.clone()]);
    let is = |at: usize, what: &str| word(at).eq_ignore_ascii_case(what);
    let kind = if is(1, "or") && is(2, "replace") { 3 } else { 1 };
    is(0, "create") && (is(kind, "function") || is(kind, "procedure"))
}

/// The name in a token, folded to lower case as PostgreSQL does; `None` if it is not a name.
#[must_use]
pub fn name_of(text: &str, token: &Token) -> Option<String> {
    let written = &text[token.range.clone()];
    match token.kind {
        TokenKind::Word => Some(written.to_ascii_lowercase()),
        TokenKind::Identifier => Some(written[1..written.len() - 1].replace("\"\"", "\"")),
        _ => None,
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    end: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..self.end]
    }

    fn next(&mut self) -> Result<Option<Token>, Unterminated> {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}').len();
            if blank > 0 {
                self.at += blank;
            } else if rest.starts_with("--") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                self.comment()?;
            } else {
                break;
            }
        }
        let start = self.at;
        let Some(first) = self.rest().chars().next() else { return Ok(None) };
        let kind = match first {
            '\'' => {
                self.quoted('\'', false, "string")?;
                TokenKind::Text
            }
            '"' => {
                self.quoted('"', false, "identifier")?;
                TokenKind::Identifier
            }
            '\\' => {
                self.at += 1;
                TokenKind::Backslash
            }
            '$' => match self.dollar_tag() {
                Some(tag) => {
                    self.dollar_text(tag)?;
                    TokenKind::DollarText
                }
                None => {
                    self.at += 1;
                    TokenKind::Symbol
                }
            },
            c if starts_word(c) => {
                let rest = self.rest();
                self.at +=
                    rest.find(|c: char| !starts_word(c) && !c.is_ascii_digit() && c != '$').unwrap_or(rest.len());
                self.prefixed_text(start)?
            }
            c if c.is_ascii_digit() => {
                // Including letters directly after the digits: `1e3`, `0xff`.
                let rest = self.rest();
                self.at +=
                    rest.find(|c: char| !starts_word(c) && !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
                TokenKind::Symbol
            }
            c => {
                self.at += c.len_utf8();
                TokenKind::Symbol
            }
        };
        Ok(Some(Token { kind, range: start..self.at }))
    }

    /// A word directly before a quote: `E'…'` has backslash escapes, `B'…'`, `X'…'`, `N'…'` and `U&'…'` do not.
    fn prefixed_text(&mut self, start: usize) -> Result<TokenKind, Unterminated> {
        let (word, rest) = (&self.text[start..self.at], self.rest());
        let is = |what: &str| word.eq_ignore_ascii_case(what);
        if rest.starts_with('\'') && ["e", "b", "x", "n"].into_iter().any(is) {
            let escapes = is("e");
            self.quoted('\'', escapes, "string")?;
            return Ok(TokenKind::Text);
        }
        if is("u") && rest.starts_with("&'") {
            self.at += 1;
            self.quoted('\'', false, "string")?;
            return Ok(TokenKind::Text);
        }
        Ok(TokenKind::Word)
    }

    fn unterminated(&self, start: usize, length: usize, what: &'static str) -> Unterminated {
        Unterminated { range: start..(start + length).min(self.end), what }
    }

    fn comment(&mut self) -> Result<(), Unterminated> {
        let start = self.at;
        let bytes = &self.text.as_bytes()[..self.end];
        let mut depth = 0_usize;
        while self.at + 1 < self.end {
            match &bytes[self.at..self.at + 2] {
                b"/*" => depth += 1,
                b"*/" => depth -= 1,
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            self.at += 2;
            if depth == 0 {
                return Ok(());
            }
        }
        Err(self.unterminated(start, 2, "comment"))
    }

    /// Skips a quoted string; a doubled quote is an escaped quote.
    fn quoted(&mut self, quote: char, escapes: bool, what: &'static str) -> Result<(), Unterminated> {
        let start = self.at;
        let bytes = &self.text.as_bytes()[..self.end];
        self.at += 1;
        while self.at < self.end {
            let byte = bytes[self.at];
            if escapes && byte == b'\\' {
                self.at += 2;
            } else if byte == quote as u8 {
                if bytes.get(self.at + 1) != Some(&byte) {
                    self.at += 1;
                    return Ok(());
                }
                self.at += 2;
            } else {
                self.at += 1;
            }
        }
        self.at = self.end;
        Err(self.unterminated(start, 1, what))
    }

    /// The length of `$$` or `$tag$` here; `None` for a parameter like `$1` or a lone dollar sign.
    fn dollar_tag(&self) -> Option<usize> {
        let rest = self.rest();
        let close = rest[1..].find('$')? + 1;
        let tag = &rest[1..close];
        let fits =
            tag.chars().all(|c| starts_word(c) || c.is_ascii_digit()) && !tag.starts_with(|c: char| c.is_ascii_digit());
        fits.then_some(close + 1)
    }

    fn dollar_text(&mut self, tag: usize) -> Result<(), Unterminated> {
        let start = self.at;
        let rest = self.rest();
        match rest[tag..].find(&rest[..tag]) {
            Some(close) => {
                self.at += tag + close + tag;
                Ok(())
            }
            None => {
                self.at = self.end;
                Err(self.unterminated(start, tag, "dollar-quoted string"))
            }
        }
    }
}

fn starts_word(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}
