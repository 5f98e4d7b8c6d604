//! The syntax of Go's `regexp` (RE2).
//!
//! Our own engine lacks some of it (Unicode classes, `\Q…\E`), so that it cannot decide whether a pattern is valid.

/// The largest count of a repetition, nested ones multiplied.
const MOST_REPEATED: u32 = 1000;

/// The maximum nesting of groups.
const MOST_NESTED: usize = 1000;

/// Checks a regular expression.
///
/// # Errors
/// The message of Go.
///
/// Restates the syntax of `regexp/syntax` with the flags of `regexp.Compile`. The names of Unicode classes are not looked up.
pub(crate) fn check(pattern: &str) -> Result<(), &'static str> {
    Parser { rest: pattern, nested: 0 }.all()
}

struct Parser<'t> {
    rest: &'t str,
    nested: usize,
}

/// The repetitions inside an expression, whose counts multiply.
#[derive(Clone, Copy)]
struct Unit {
    /// The largest count inside.
    count: u32,
    /// Whether it ends with a repetition, which cannot be repeated.
    repeated: bool,
}

impl Parser<'_> {
    fn all(&mut self) -> Result<(), &'static str> {
        self.alternatives()?;
        match self.rest.is_empty() {
            true => Ok(()),
            false => Err("unexpected )"),
        }
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    fn take(&mut self, text: &str) -> bool {
        let taken = self.rest.strip_prefix(text);
        self.rest = taken.unwrap_or(self.rest);
        taken.is_some()
    }

    /// The largest count of repetitions inside.
    fn alternatives(&mut self) -> Result<u32, &'static str> {
        let (mut largest, mut unit) = (1, None::<Unit>);
        while let Some(next) = self.rest.chars().next() {
            match next {
                ')' => break,
                '|' => {
                    self.next();
                    unit = None;
                }
                '*' | '+' | '?' => {
                    self.next();
                    self.repeat(&mut unit, 1)?;
                }
                '{' => match self.count()? {
                    Some(count) => self.repeat(&mut unit, count)?,
                    // It is a literal.
                    None => {
                        self.next();
                        unit = Some(Unit { count: 1, repeated: false });
                    }
                },
                _ => {
                    let count = self.atom()?;
                    unit = count.map_or(unit, |count| Some(Unit { count, repeated: false }));
                }
            }
            largest = largest.max(unit.map_or(1, |unit| unit.count));
        }
        Ok(largest)
    }

    fn repeat(&mut self, unit: &mut Option<Unit>, count: u32) -> Result<(), &'static str> {
        let Some(unit) = unit else { return Err("missing argument to repetition operator") };
        if unit.repeated {
            return Err("invalid nested repetition operator");
        }
        self.take("?");
        unit.count = unit.count.saturating_mul(count.max(1));
        unit.repeated = true;
        if unit.count > MOST_REPEATED { Err("invalid repeat count") } else { Ok(()) }
    }

    /// A count such as `{2,3}`, if there is one.
    fn count(&mut self) -> Result<Option<u32>, &'static str> {
        let Some(end) = self.rest.find('}') else { return Ok(None) };
        let inner = &self.rest[1..end];
        let (least, most) = inner.split_once(',').unwrap_or((inner, inner));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(least) || !(is_number(most) || most.is_empty() && inner.contains(',')) {
            return Ok(None);
        }
        if least.len() > 1 && least.starts_with('0') || most.len() > 1 && most.starts_with('0') {
            return Ok(None);
        }
        self.rest = &self.rest[end + 1..];
        let read = |text: &str| text.parse::<u32>().unwrap_or(u32::MAX);
        let (least, most) = (read(least), if most.is_empty() { read(least) } else { read(most) });
        if least > MOST_REPEATED || most > MOST_REPEATED || least > most {
            return Err("invalid repeat count");
        }
        Ok(Some(most))
    }

    /// An expression that can be repeated, with the largest count inside; `None` for flags.
    fn atom(&mut self) -> Result<Option<u32>, &'static str> {
        match self.next() {
            Some('(') => self.group(),
            Some('[') => self.class().map(|()| Some(1)),
            Some('\\') => self.escape().map(|()| Some(1)),
            _ => Ok(Some(1)),
        }
    }

    fn group(&mut self) -> Result<Option<u32>, &'static str> {
        if self.take("?") {
            let named =
                self.take("P<") || !self.rest.starts_with("<=") && !self.rest.starts_with("<!") && self.take("<");
            if named {
                let end = self.rest.find('>').ok_or("invalid named capture")?;
                let name = &self.rest[..end];
                if name.is_empty() || !name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()) {
                    return Err("invalid named capture");
                }
                self.rest = &self.rest[end + 1..];
            } else if !self.flags()? {
                return Ok(None);
            }
        }
        self.nested += 1;
        if self.nested > MOST_NESTED {
            return Err("expression nests too deeply");
        }
        let count = self.alternatives()?;
        self.nested -= 1;
        if self.take(")") { Ok(Some(count)) } else { Err("missing closing )") }
    }

    /// Flags of a group; whether the group has content.
    fn flags(&mut self) -> Result<bool, &'static str> {
        const WRONG: &str = "invalid or unsupported Perl syntax";
        let (mut negative, mut any) = (false, false);
        loop {
            match self.next() {
                Some('i' | 'm' | 's' | 'U') => any = true,
                Some('-') if !negative => (negative, any) = (true, false),
                Some(end @ (':' | ')')) if any || !negative => return Ok(end == ':'),
                _ => return Err(WRONG),
            }
        }
    }

    fn class(&mut self) -> Result<(), &'static str> {
        const OPEN: &str = "missing closing ]";
        self.take("^");
        let mut first = true;
        loop {
            if self.rest.starts_with(']') && !first {
                self.next();
                return Ok(());
            }
            if self.rest.is_empty() {
                return Err(OPEN);
            }
            // In Perl's syntax, which `regexp.Compile` uses, a `-` is valid anywhere.
            first = false;
            if self.rest.starts_with("[:")
                && let Some(end) = self.rest.find(":]")
            {
                self.named(end)?;
                continue;
            }
            let Some(low) = self.class_char()? else { continue };
            if self.rest.starts_with('-') && !self.rest.starts_with("-]") && self.rest.len() > 1 {
                self.next();
                match self.class_char()? {
                    Some(high) if high >= low => {}
                    _ => return Err("invalid character class range"),
                }
            }
        }
    }

    fn named(&mut self, end: usize) -> Result<(), &'static str> {
        const NAMES: &[&str] = &[
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
            "word", "xdigit",
        ];
        let name = self.rest[2..end].trim_start_matches('^');
        if !NAMES.contains(&name) {
            return Err("invalid character class range");
        }
        self.rest = &self.rest[end + 2..];
        Ok(())
    }

    /// A character of a class; `None` for a nested class, which cannot start a range.
    fn class_char(&mut self) -> Result<Option<char>, &'static str> {
        match self.next() {
            Some('\\') => {
                if self.rest.starts_with(['d', 'D', 's', 'S', 'w', 'W']) {
                    self.next();
                    return Ok(None);
                }
                if self.rest.starts_with(['p', 'P']) {
                    self.unicode()?;
                    return Ok(None);
                }
                self.escaped().map(Some)
            }
            Some(other) => Ok(Some(other)),
            None => Err("missing closing ]"),
        }
    }

    /// An escape outside of a class, after its backslash.
    fn escape(&mut self) -> Result<(), &'static str> {
        match self.rest.chars().next() {
            Some('A' | 'b' | 'B' | 'z' | 'd' | 'D' | 's' | 'S' | 'w' | 'W' | 'C') => _ = self.next(),
            Some('p' | 'P') => self.unicode()?,
            Some('Q') => {
                let end = self.rest.find("\\E").map_or(self.rest.len(), |at| at + 2);
                self.rest = &self.rest[end..];
            }
            _ => _ = self.escaped()?,
        }
        Ok(())
    }

    fn unicode(&mut self) -> Result<(), &'static str> {
        self.next();
        match self.next() {
            Some('{') => {
                let end = self.rest.find('}').ok_or("invalid character class range")?;
                self.rest = &self.rest[end + 1..];
                Ok(())
            }
            Some(_) => Ok(()),
            None => Err("invalid character class range"),
        }
    }

    /// An escape of one character.
    fn escaped(&mut self) -> Result<char, &'static str> {
        const WRONG: &str = "invalid escape sequence";
        let Some(next) = self.next() else { return Err("trailing backslash at end of expression") };
        match next {
            // An octal number; a single digit other than 0 would be a back-reference.
            '1'..='7' if !self.rest.starts_with(|c: char| ('0'..='7').contains(&c)) => Err(WRONG),
            '0'..='7' => {
                let mut code = next as u32 - '0' as u32;
                for _ in 0..2 {
                    match self.rest.chars().next() {
                        Some(digit @ '0'..='7') => {
                            code = code * 8 + (digit as u32 - '0' as u32);
                            self.next();
                        }
                        _ => break,
                    }
                }
                char::from_u32(code).ok_or(WRONG)
            }
            'x' => {
                let digits = if self.take("{") {
                    let end = self.rest.find('}').ok_or(WRONG)?;
                    let digits = &self.rest[..end];
                    self.rest = &self.rest[end + 1..];
                    digits
                } else {
                    let digits = self.rest.get(..2).ok_or(WRONG)?;
                    self.rest = &self.rest[2..];
                    digits
                };
                u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).ok_or(WRONG)
            }
            'a' => Ok('\x07'),
            'f' => Ok('\x0c'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            'v' => Ok('\x0b'),
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => Ok(other),
            _ => Err(WRONG),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn what_go_compiles() {
        for pattern in [
            "",
            "^[a-z]+$",
            "a{2,3}",
            "a{,5}",
            "a{",
            "{",
            "(?:a|b)*?",
            "(?i)a",
            "(?P<n>x)",
            "(?<n>x)",
            r"\pL\p{Greek}",
            r"\Q(\E",
            "[]a]",
            "[^]a]",
            "[a-]",
            "[-a]",
            "[a-b-c]",
            "[a-z-_]+",
            "[[:alpha:]-]",
            r"[\w.-]+",
            r"\d{1,3}(\.\d{1,3}){3}",
            "(?i-s:a)",
            "x*?",
            "a|",
            "|",
            "()",
            r"\x41\x{1F600}\012\.",
            "(a{2}){500}",
            "é+",
            r"^((\d{4}-\d\d)|\*)$",
            "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
            "[a-b-c]",
            "^[0-9a-zA-Z-.]+$",
            "^([a-zA-Z0-9-_]+=(true|false|),)*$",
        ] {
            assert_eq!(check(pattern), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn what_go_does_not_compile() {
        for pattern in [
            "(",
            ")",
            "[",
            "[a",
            "*a",
            "+",
            "a**",
            "a{2}{3}",
            "(?=a)",
            "(?!a)",
            "(?<=a)",
            "(?<!a)",
            r"(a)\1",
            "a{1001}",
            "a{3,2}",
            r"\Z",
            r"\e",
            "[z-a]",
            r"\",
            "(?P<>a)",
            "(a{100}){11}",
            "(?x)a",
            "[[:foo:]]",
            r"\xZZ",
            "(?",
            "a|*",
        ] {
            assert!(check(pattern).is_err(), "{pattern}");
        }
    }
}
