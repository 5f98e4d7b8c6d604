//! The tokens of an expression.

use super::Fault;

/// A token and its byte offset.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) at: u32,
    pub(super) kind: TokenKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    Int(u64),
    /// An integer that overflows 64 bits.
    TooLarge,
    Uint(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
    Name(String),
    Symbol(&'static str),
    End,
}

const SYMBOLS: [&str; 26] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",", "(", ")", "[", "]",
    "{", "}", "=", "|",
];

/// Splits an expression into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.token()?;
        let done = token.kind == TokenKind::End;
        tokens.push(token);
        if done {
            return Ok(tokens);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn fault(&self, at: usize, message: &str) -> Fault {
        Fault::new(at as u32, format!("Syntax error: {message}"))
    }

    fn token(&mut self) -> Result<Token, Fault> {
        loop {
            let blank = self.rest().len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n', '\x0c']).len();
            self.at += blank;
            if !self.rest().starts_with("//") {
                break;
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
        let (start, rest) = (self.at, self.rest());
        let Some(first) = rest.chars().next() else {
            return Ok(Token { at: start as u32, kind: TokenKind::End });
        };
        let kind = if let Some(prefix) = string_prefix(rest) {
            self.string(prefix)?
        } else if first.is_ascii_digit() || first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
            self.number()?
        } else if first.is_ascii_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            self.at += end;
            TokenKind::Name(rest[..end].to_owned())
        } else if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            self.at += symbol.len();
            if matches!(*symbol, "=" | "|") {
                return Err(self.fault(start, &format!("unexpected `{symbol}`")));
            }
            TokenKind::Symbol(symbol)
        } else {
            return Err(self.fault(start, &format!("token recognition error at `{first}`")));
        };
        Ok(Token { at: start as u32, kind })
    }

    fn number(&mut self) -> Result<TokenKind, Fault> {
        let (start, rest) = (self.at, self.rest());
        let unsigned = |lexer: &mut Self, number: Option<u64>| {
            let is_unsigned = lexer.rest().starts_with(['u', 'U']);
            lexer.at += usize::from(is_unsigned);
            match number {
                None => TokenKind::TooLarge,
                Some(number) if is_unsigned => TokenKind::Uint(number),
                Some(number) => TokenKind::Int(number),
            }
        };
        if let Some(hex) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
            let end = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
            if end == 0 {
                return Err(self.fault(start, "hexadecimal number without digits"));
            }
            self.at += 2 + end;
            return Ok(unsigned(self, u64::from_str_radix(&hex[..end], 16).ok()));
        }
        let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let mut end = digits(rest);
        let mut is_double = false;
        if rest[end..].starts_with('.') && rest[end + 1..].starts_with(|c: char| c.is_ascii_digit()) {
            is_double = true;
            end += 1 + digits(&rest[end + 1..]);
        }
        if rest[end..].starts_with(['e', 'E']) {
            let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
            let count = digits(&rest[end + 1 + sign..]);
            if count > 0 {
                is_double = true;
                end += 1 + sign + count;
            }
        }
        self.at += end;
        if is_double {
            return rest[..end].parse().map(TokenKind::Double).map_err(|_| self.fault(start, "malformed number"));
        }
        Ok(unsigned(self, rest[..end].parse().ok()))
    }

    fn string(&mut self, prefix: Prefix) -> Result<TokenKind, Fault> {
        let start = self.at;
        let open = self.rest();
        let quote = &open[prefix.length..prefix.length + prefix.quote];
        self.at += prefix.length + prefix.quote;
        let mut value = Vec::new();
        loop {
            let rest = self.rest();
            if rest.starts_with(quote) {
                self.at += quote.len();
                break;
            }
            match rest.chars().next() {
                None => return Err(self.fault(start, "unterminated string literal")),
                Some('\n' | '\r') if quote.len() == 1 => return Err(self.fault(start, "unterminated string literal")),
                Some('\\') if !prefix.raw => self.escape(prefix.bytes, &mut value)?,
                Some('\\') if rest[1..].starts_with(quote) => {
                    value.extend_from_slice(&rest.as_bytes()[..=quote.len()]);
                    self.at += 1 + quote.len();
                }
                Some(other) => {
                    value.extend_from_slice(&rest.as_bytes()[..other.len_utf8()]);
                    self.at += other.len_utf8();
                }
            }
        }
        if prefix.bytes {
            return Ok(TokenKind::Bytes(value));
        }
        String::from_utf8(value)
            .map(TokenKind::String)
            .map_err(|_| self.fault(start, "string literal is not valid UTF-8"))
    }

    /// An escape in a string; in bytes, numeric escapes are bytes.
    fn escape(&mut self, bytes: bool, value: &mut Vec<u8>) -> Result<(), Fault> {
        let (start, rest) = (self.at, &self.rest()[1..]);
        let wrong = |lexer: &Self| lexer.fault(start, "invalid escape sequence in a string literal");
        let next = rest.chars().next().ok_or_else(|| wrong(self))?;
        let plain = match next {
            'a' => 0x07,
            'b' => 0x08,
            'f' => 0x0c,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 0x0b,
            '\\' | '?' | '"' | '\'' | '`' => next as u8,
            _ => 0,
        };
        if plain != 0 {
            value.push(plain);
            self.at += 2;
            return Ok(());
        }
        let (skip, count, radix) = match next {
            'x' | 'X' => (1, 2, 16),
            'u' if !bytes => (1, 4, 16),
            'U' if !bytes => (1, 8, 16),
            '0'..='3' => (0, 3, 8),
            _ => return Err(wrong(self)),
        };
        let digits = rest.get(skip..skip + count).ok_or_else(|| wrong(self))?;
        let code = u32::from_str_radix(digits, radix).map_err(|_| wrong(self))?;
        if bytes {
            value.push(u8::try_from(code).map_err(|_| wrong(self))?);
        } else {
            let letter = char::from_u32(code).ok_or_else(|| wrong(self))?;
            value.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        }
        self.at += 1 + skip + count;
        Ok(())
    }
}

/// The start of a string literal.
#[derive(Clone, Copy)]
struct Prefix {
    /// The length of the prefix before the quote, in bytes.
    length: usize,
    /// The length of the quote, in bytes.
    quote: usize,
    raw: bool,
    bytes: bool,
}

fn string_prefix(text: &str) -> Option<Prefix> {
    let length = text.bytes().take(3).position(|byte| matches!(byte, b'"' | b'\''))?;
    let letters = text[..length].to_ascii_lowercase();
    let (raw, bytes) = match letters.as_str() {
        "" => (false, false),
        "r" => (true, false),
        "b" => (false, true),
        "br" | "rb" => (true, true),
        _ => return None,
    };
    let rest = &text[length..];
    let quote = if rest.starts_with("\"\"\"") || rest.starts_with("'''") { 3 } else { 1 };
    Some(Prefix { length, quote, raw, bytes })
}
