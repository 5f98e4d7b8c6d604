//! Secrets next to their names: in lists of variables or headers, and between tags.

use std::ops::Range;

use crate::secret::Evidence;
use crate::secret::names::{is_near, is_property, is_secret_name};
use crate::secret::text::{Found, credentials_after};
use crate::text::assign::{is_of_name, is_reference, name_before, value_after};

/// A variable, header or property whose name was read and whose value is next to it, as in `name: PASSWORD`.
#[derive(Default)]
pub(super) struct Pair {
    /// The indentation of its keys.
    depth: usize,
    named: Named,
}

/// What a name means for the value next to it.
#[derive(Clone, Copy, Default)]
enum Named {
    #[default]
    Nothing,
    Secret(Evidence),
    /// The name of a header with credentials.
    Header,
}

impl Pair {
    /// Starts a line. An item of a list, or another indentation, starts another pair.
    pub(super) fn enter(&mut self, line: &str) {
        let depth = line.len() - line.trim_start_matches([' ', '\t', '-', '{']).len();
        if depth != self.depth || line.trim_start().starts_with('-') {
            *self = Self { depth, named: Named::Nothing };
        }
    }

    /// Reads the value of a key; returns it if the name before it is that of a secret. `braced`: whether more entries
    /// may follow in the line.
    fn read(&mut self, line: &str, key: &str, from: usize, braced: bool) -> Option<(Range<usize>, Evidence)> {
        const AROUND: &[char] = &[' ', '\t', '"', '\'', '\\'];
        // The `key` of a toleration is not the name of a secret; the `key` of a header may be.
        let is_name = key.eq_ignore_ascii_case("name");
        if is_name || key.eq_ignore_ascii_case("key") {
            let name = line[from..].trim_start_matches(AROUND);
            let name = &name[..name.find(|c| !is_of_name(c)).unwrap_or(name.len())];
            self.named = if is_name && is_secret_name(name) {
                Named::Secret(Evidence::of_name(name))
            } else if is_near(name, "Authorization") {
                Named::Header
            } else {
                Named::Nothing
            };
            return None;
        }
        if !key.eq_ignore_ascii_case("value") {
            return None;
        }
        match std::mem::take(&mut self.named) {
            Named::Nothing => None,
            Named::Secret(evidence) => value_after(line, from, braced).map(|range| (range, evidence)),
            Named::Header => credentials_after(line, from).map(|range| (range, Evidence::Form)),
        }
    }
}

/// The values in a line that are next to the name of a secret.
pub(super) fn pairs(line: &str, pair: &mut Pair, start: usize, found: &mut Vec<Found>) {
    let (mut done, mut before, mut braced) = (0, 0, false);
    for (sign, _) in line.match_indices([':', '=']) {
        braced |= line[before..sign].contains('{');
        before = sign;
        let name = if sign < done { None } else { name_before(line, sign, is_property) };
        if let Some((range, evidence)) = name.and_then(|name| pair.read(line, name, sign + 1, braced)) {
            done = range.end;
            found.push(Found::new(start, range, evidence));
        }
    }
}

/// The strings in a line between the tags of a secret: `<password>secret</password>`,
/// `<name>password</name><value>secret</value>`.
pub(super) fn tags(line: &str, pair: &mut Pair, start: usize, found: &mut Vec<Found>) {
    for (open, _) in line.match_indices('<') {
        let rest = &line[open + 1..];
        let name = &rest[..rest.find(|c| !is_of_name(c)).unwrap_or(rest.len())];
        let Some(behind) = rest[name.len()..].strip_prefix('>') else { continue };
        let from = line.len() - behind.len();
        let end = from + behind.find('<').unwrap_or(behind.len());
        let evidence = if is_secret_name(name) {
            Some(Evidence::of_name(name))
        } else {
            pair.read(&line[..end], name, from, false).map(|(_, evidence)| evidence)
        };
        if let Some(evidence) = evidence.filter(|_| from < end && !is_reference(&line[from..end], true)) {
            found.push(Found::new(start, from..end, evidence));
        }
    }
}
