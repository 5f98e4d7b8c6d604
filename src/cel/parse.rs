//! The parser.

use super::Fault;
use super::ast::{Entry, Expr, Item, Kind, Operator, is_reserved};
use super::lex::{Token, TokenKind, tokens};

/// The maximum nesting of expressions, selections included. The API server's limit is 250.
const MOST_NESTED: usize = 100;

/// The maximum number of binary operators of an expression.
const MOST_OPERATORS: usize = 1000;

/// The maximum length of an expression in bytes; the API server counts characters.
const LONGEST: usize = 100_000;

/// Parses an expression.
pub(super) fn parse(text: &str) -> Result<Expr, Fault> {
    if text.len() > LONGEST {
        return Err(Fault::new(0, "Syntax error: expression is too long".to_owned()));
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, nested: 0, operators: 0 };
    let expr = parser.expr()?;
    match parser.peek() {
        TokenKind::End => Ok(expr),
        _ => Err(parser.unexpected("end of expression")),
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    nested: usize,
    operators: usize,
}

impl Parser {
    fn peek(&self) -> &TokenKind {
        &self.tokens[self.next].kind
    }

    fn at(&self) -> u32 {
        self.tokens[self.next].at
    }

    fn advance(&mut self) -> Token {
        let token = self.tokens[self.next].clone();
        if self.next + 1 < self.tokens.len() {
            self.next += 1;
        }
        token
    }

    fn take(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), TokenKind::Symbol(found) if *found == symbol);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), Fault> {
        if self.take(symbol) { Ok(()) } else { Err(self.unexpected(&format!("`{symbol}`"))) }
    }

    fn unexpected(&self, wanted: &str) -> Fault {
        let found = match self.peek() {
            TokenKind::End => "end of expression".to_owned(),
            TokenKind::Symbol(symbol) => format!("`{symbol}`"),
            TokenKind::Name(name) => format!("`{name}`"),
            TokenKind::Int(number) | TokenKind::Uint(number) => format!("`{number}`"),
            TokenKind::Double(number) => format!("`{number}`"),
            TokenKind::TooLarge => "a number".to_owned(),
            TokenKind::String(_) | TokenKind::Bytes(_) => "a string".to_owned(),
        };
        Fault::new(self.at(), format!("Syntax error: unexpected {found}, expected {wanted}"))
    }

    fn expr(&mut self) -> Result<Expr, Fault> {
        self.deeper()?;
        let condition = self.binary(1)?;
        let at = self.at();
        let expr = if self.take("?") {
            let yes = self.binary(1)?;
            self.expect(":")?;
            let no = self.expr()?;
            Expr { at, kind: Kind::Conditional(Box::new([condition, yes, no])) }
        } else {
            condition
        };
        self.nested -= 1;
        Ok(expr)
    }

    fn deeper(&mut self) -> Result<(), Fault> {
        self.nested += 1;
        if self.nested > MOST_NESTED || self.operators > MOST_OPERATORS {
            return Err(Fault {
                is_limit: true,
                ..Fault::new(self.at(), "expression is nested too deeply".to_owned())
            });
        }
        Ok(())
    }

    fn operator(&self) -> Option<Operator> {
        Some(match self.peek() {
            TokenKind::Name(name) if name == "in" => Operator::In,
            TokenKind::Symbol(symbol) => match *symbol {
                "||" => Operator::Or,
                "&&" => Operator::And,
                "<" => Operator::Less,
                "<=" => Operator::LessOrEqual,
                ">" => Operator::Greater,
                ">=" => Operator::GreaterOrEqual,
                "==" => Operator::Equal,
                "!=" => Operator::NotEqual,
                "+" => Operator::Add,
                "-" => Operator::Subtract,
                "*" => Operator::Multiply,
                "/" => Operator::Divide,
                "%" => Operator::Modulo,
                _ => return None,
            },
            _ => return None,
        })
    }

    fn binary(&mut self, least: u8) -> Result<Expr, Fault> {
        let mut left = self.unary()?;
        while let Some(operator) = self.operator().filter(|operator| operator.precedence() >= least) {
            self.operators += 1;
            let at = self.advance().at;
            let right = self.binary(operator.precedence() + 1)?;
            left = Expr { at, kind: Kind::Binary(operator, Box::new(left), Box::new(right)) };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, Fault> {
        let at = self.at();
        for (symbol, wrap) in [("!", Kind::Not as fn(Box<Expr>) -> Kind), ("-", Kind::Negate)] {
            let mut count = 0;
            while self.take(symbol) {
                count += 1;
            }
            if count == 0 {
                continue;
            }
            // The sign belongs to the literal: the least integer has no positive counterpart.
            if let (1, "-", TokenKind::Int(_) | TokenKind::Double(_)) = (count, symbol, self.peek()) {
                let number = match self.advance().kind {
                    TokenKind::Int(number) if number <= 1 << 63 => Kind::Int((number as i64).wrapping_neg()),
                    TokenKind::Double(number) => Kind::Double(-number),
                    _ => return Err(Fault::new(at, "Syntax error: invalid int literal".to_owned())),
                };
                return self.members(Expr { at, kind: number });
            }
            let operand = self.member()?;
            // Pairs of the same operator cancel out.
            return Ok(if count % 2 == 1 { Expr { at, kind: wrap(Box::new(operand)) } } else { operand });
        }
        self.member()
    }

    fn member(&mut self) -> Result<Expr, Fault> {
        let primary = self.primary()?;
        self.members(primary)
    }

    fn members(&mut self, mut operand: Expr) -> Result<Expr, Fault> {
        let before = self.nested;
        loop {
            self.deeper()?;
            let at = self.at();
            if self.take(".") {
                let optional = self.take("?");
                let field = self.field_name()?;
                let target = Box::new(operand);
                operand = if !optional && matches!(self.peek(), TokenKind::Symbol("(")) {
                    let at = self.at();
                    let args = self.args()?;
                    Expr { at, kind: Kind::Call { target: Some(target), function: field, args } }
                } else {
                    Expr { at, kind: Kind::Select { operand: target, field, optional } }
                };
            } else if self.take("[") {
                let optional = self.take("?");
                let index = Box::new(self.expr()?);
                self.expect("]")?;
                operand = Expr { at, kind: Kind::Index { operand: Box::new(operand), index, optional } };
            } else if matches!(self.peek(), TokenKind::Symbol("{"))
                && let Some(name) = dotted(&operand)
            {
                operand = self.structure(operand.at, name)?;
            } else {
                self.nested = before;
                return Ok(operand);
            }
        }
    }

    /// A name after a dot.
    fn field_name(&mut self) -> Result<String, Fault> {
        match self.peek().clone() {
            TokenKind::Name(name) if !matches!(name.as_str(), "in" | "true" | "false" | "null") => {
                self.advance();
                Ok(name)
            }
            _ => Err(self.unexpected("a field name")),
        }
    }

    fn args(&mut self) -> Result<Vec<Expr>, Fault> {
        self.expect("(")?;
        let mut args = Vec::new();
        if self.take(")") {
            return Ok(args);
        }
        loop {
            args.push(self.expr()?);
            if self.take(")") {
                return Ok(args);
            }
            self.expect(",")?;
        }
    }

    fn primary(&mut self) -> Result<Expr, Fault> {
        let at = self.at();
        if self.take("(") {
            let inner = self.expr()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.take("[") {
            return self.list(at);
        }
        if self.take("{") {
            return Ok(Expr { at, kind: Kind::Map(self.entries(false)?) });
        }
        // A leading dot refers to the root namespace.
        let rooted = self.take(".");
        let kind = match self.peek().clone() {
            TokenKind::Name(name) => match name.as_str() {
                "true" | "false" if !rooted => Kind::Bool(name == "true"),
                "null" if !rooted => Kind::Null,
                "in" => return Err(self.unexpected("an expression")),
                _ if is_reserved(&name) => {
                    return Err(Fault::new(at, format!("Syntax error: reserved identifier: {name}")));
                }
                _ => {
                    self.advance();
                    if matches!(self.peek(), TokenKind::Symbol("(")) {
                        let at = self.at();
                        return Ok(Expr { at, kind: Kind::Call { target: None, function: name, args: self.args()? } });
                    }
                    return Ok(Expr { at, kind: Kind::Ident(name) });
                }
            },
            _ if rooted => return Err(self.unexpected("a name")),
            TokenKind::Int(number) if number <= i64::MAX as u64 => Kind::Int(number as i64),
            TokenKind::Int(_) | TokenKind::TooLarge => {
                return Err(Fault::new(at, "Syntax error: invalid int literal".to_owned()));
            }
            TokenKind::Uint(number) => Kind::Uint(number),
            TokenKind::Double(number) => Kind::Double(number),
            TokenKind::String(text) => Kind::String(text),
            TokenKind::Bytes(bytes) => Kind::Bytes(bytes),
            TokenKind::Symbol(_) | TokenKind::End => {
                return Err(self.unexpected("an expression"));
            }
        };
        self.advance();
        Ok(Expr { at, kind })
    }

    fn list(&mut self, at: u32) -> Result<Expr, Fault> {
        let mut items = Vec::new();
        while !self.take("]") {
            let optional = self.take("?");
            items.push(Item { optional, value: self.expr()? });
            if !self.take(",") {
                self.expect("]")?;
                break;
            }
        }
        Ok(Expr { at, kind: Kind::List(items) })
    }

    /// The entries of a map or the fields of a struct, up to the closing brace.
    fn entries(&mut self, fields: bool) -> Result<Vec<Entry>, Fault> {
        let mut entries = Vec::new();
        while !self.take("}") {
            let optional = self.take("?");
            let at = self.at();
            let key = if fields { Expr { at, kind: Kind::String(self.field_name()?) } } else { self.expr()? };
            self.expect(":")?;
            entries.push(Entry { optional, key, value: self.expr()? });
            if !self.take(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(entries)
    }

    fn structure(&mut self, at: u32, name: String) -> Result<Expr, Fault> {
        self.expect("{")?;
        Ok(Expr { at, kind: Kind::Struct { name, fields: self.entries(true)? } })
    }
}

/// The qualified name that an expression consists of: `a.b.c`.
pub(super) fn dotted(expr: &Expr) -> Option<String> {
    match &expr.kind {
        Kind::Ident(name) => Some(name.clone()),
        Kind::Select { operand, field, optional: false } => Some(format!("{}.{field}", dotted(operand)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn what_is_an_expression() {
        for text in [
            "1",
            "-1",
            "--1",
            "!true",
            "!!a",
            "a.b.c",
            "a[0]",
            "a[?0]",
            "a.?b.orValue(1)",
            "f(1, 2u, 1.5e3, .5)",
            "a ? b : c ? d : e",
            "[1, 2, ]",
            "{'a': 1, 'b': 2}",
            "{}",
            "[]",
            "r'\\d'",
            "b'\\xff'",
            "'''a\nb'''",
            "a in [1]",
            "a.b{c: 1}",
            "JSONPatch{op: 'add'}",
            "x.all(i, i > 0)",
            "a && b || c // done",
            "request.namespace",
            "-9223372036854775808",
            "'\\u00e9'",
            "0x1F",
            ".a.b",
            "[?a]",
            "{?'a': b}",
            "a\n  .b()",
            "Object{spec: Object.spec{replicas: 1}}",
        ] {
            assert!(parse(text).is_ok(), "{text}: {:?}", parse(text));
        }
    }

    #[test]
    fn what_is_none() {
        for text in [
            "",
            "a b",
            "a.",
            "(",
            "1numeric",
            "../up",
            "/abs",
            "trail-",
            "a..b",
            "'",
            "\"a",
            "namespace",
            "a = b",
            "9223372036854775808",
            "a ? b",
            "[1",
            "{1}",
            "{'a' 1}",
            "f(",
            "10Gi",
            "ünï",
            "@",
            "a | b",
            "self.`a`",
            "x.in",
            "'\\q'",
            "a.1",
            "true true",
            "has space",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let deep = "(".repeat(1000) + "1" + &")".repeat(1000);
        assert!(parse(&deep).is_err());
        assert!(parse(&("[".repeat(100_000))).is_err());
    }
}
