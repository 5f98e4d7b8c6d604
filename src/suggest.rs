//! Helpers for messages: similar names, lists, plurals.

/// The candidate that is most similar to a name, if it is similar enough to be a correction.
///
/// Case, dashes and underscores hardly count: `nodeport` is similar to `nodePort`, and `ssl_mode` to `sslMode`.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).clamp(1, 4);
    let mut letters = Vec::new();
    fold(name, &mut letters);
    let wanted = Letters::of(&letters);
    letters.clear();
    letters.extend(first(name));
    let plain = Letters::of(&letters);
    let mut left = MAX_COMPARED_LETTERS;
    let mut best: Option<(usize, usize, &str)> = None;
    for candidate in candidates.into_iter().take(MAX_CANDIDATES).filter(|candidate| *candidate != name) {
        fold(candidate, &mut letters);
        let related =
            name.len() >= 4 && candidate.len() >= 4 && (candidate.starts_with(name) || name.starts_with(candidate));
        left = left.saturating_sub(letters.len());
        let rank = wanted.distance(&letters, limit, &mut left).or(related.then_some(limit));
        // Of equally similar candidates, the one that is more similar with case and dashes wins.
        let most = match (rank, best) {
            (Some(rank), Some((least, most, _))) if rank == least => Some(most),
            (Some(rank), Some((least, ..))) if rank > least => None,
            (rank, _) => rank.and(Some(usize::MAX)),
        };
        if left == 0 {
            break;
        }
        if let Some((rank, most)) = rank.zip(most) {
            letters.clear();
            letters.extend(first(candidate));
            let found = plain.distance(&letters, most, &mut left).map(|written| (rank, written, candidate));
            best = best.into_iter().chain(found).min();
        }
    }
    best.map(|(_, _, candidate)| candidate)
}

/// The name that a help or label suggests: one that starts with "did you mean `name`?".
#[must_use]
pub fn suggested(text: &str) -> Option<&str> {
    let (name, rest) = text.strip_prefix("did you mean `")?.split_once('`')?;
    rest.starts_with('?').then_some(name)
}

/// The maximum number of candidates: a manifest may have ten thousand names.
const MAX_CANDIDATES: usize = 1000;

/// The maximum number of letters that are compared for one suggestion: long, similar names are expensive.
const MAX_COMPARED_LETTERS: usize = 10_000;

/// The number of letters of a name that are compared.
const MAX_LETTERS: usize = u128::BITS as usize;

fn first(name: &str) -> impl Iterator<Item = char> {
    name.chars().take(MAX_LETTERS)
}

fn fold(name: &str, into: &mut Vec<char>) {
    into.clear();
    if name.is_ascii() {
        // The fast path for most names.
        let counts = name.bytes().take(MAX_LETTERS).filter(|byte| !matches!(byte, b'-' | b'_'));
        into.extend(counts.map(|byte| char::from(byte.to_ascii_lowercase())));
    } else {
        let letters = first(name).filter(|c| !matches!(c, '-' | '_'));
        into.extend(letters.flat_map(char::to_lowercase).take(MAX_LETTERS));
    }
}

/// A name prepared for comparisons: the positions of each letter as bits.
struct Letters {
    ascii: [u128; 128],
    others: Vec<(char, u128)>,
    count: usize,
}

impl Letters {
    fn of(name: &[char]) -> Self {
        let mut letters = Self { ascii: [0; 128], others: Vec::new(), count: name.len() };
        for (at, c) in name.iter().enumerate() {
            match letters.ascii.get_mut(*c as usize) {
                Some(positions) => *positions |= 1 << at,
                None => letters.others.push((*c, 1 << at)),
            }
        }
        letters
    }

    fn positions(&self, c: char) -> u128 {
        let others = || self.others.iter().filter(|(other, _)| *other == c).fold(0, |all, (_, place)| all | place);
        self.ascii.get(c as usize).copied().unwrap_or_else(others)
    }

    /// The edit distance, in which a transposition counts as one; `None` if it exceeds the limit, or if no letters are `left`
    /// to compare.
    ///
    /// The algorithm is that of H. Hyyrö, "Bit-parallel approximate string matching algorithms with transposition", 2003.
    fn distance(&self, other: &[char], limit: usize, left: &mut usize) -> Option<usize> {
        // The distance is at least the difference of the lengths.
        if self.count.abs_diff(other.len()) > limit {
            return None;
        }
        let Some(last) = self.count.checked_sub(1) else { return Some(other.len()) };
        let (mut more, mut less) = (u128::MAX, 0);
        let (mut diagonal, mut before) = (0, 0);
        let mut distance = self.count;
        for (at, c) in other.iter().enumerate() {
            *left = left.saturating_sub(1);
            // Each remaining letter decreases the distance by one at most.
            if *left == 0 || distance.saturating_sub(other.len() - at) > limit {
                return None;
            }
            let positions = self.positions(*c);
            let swapped = ((!diagonal & positions) << 1) & before;
            diagonal = ((positions & more).wrapping_add(more) ^ more) | positions | less | swapped;
            let (up, down) = (less | !(diagonal | more), diagonal & more);
            distance = distance + (up >> last & 1) as usize - (down >> last & 1) as usize;
            let (up, down) = (up << 1 | 1, down << 1);
            (more, less) = (down | !(diagonal | up), up & diagonal);
            before = positions;
        }
        Some(distance).filter(|distance| *distance <= limit)
    }
}

/// A number with its noun: `1 error`, `2 errors`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The maximum number of names in a list.
const MAX_LISTED: usize = 40;

/// Lists names in backticks: `` `a`, `b` or `c` ``. A long list is cut, with the number of names left out.
#[must_use]
pub fn list(names: impl IntoIterator<Item = impl AsRef<str>>, conjunction: &str) -> String {
    let mut rest = names.into_iter();
    let mut names: Vec<String> = rest.by_ref().take(MAX_LISTED).map(|name| format!("`{}`", name.as_ref())).collect();
    let more = rest.count();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {conjunction} {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_similar_names_are_suggested() {
        assert_eq!(nearest("nodeport", ["hostPort", "nodePort", "type"]), Some("nodePort"));
        assert_eq!(nearest("postgres", ["postgresql", "redis"]), Some("postgresql"));
        assert_eq!(nearest("ssl_mode", ["sslMode", "host"]), Some("sslMode"));
        assert_eq!(nearest("gatewya", ["gateway"]), Some("gateway"));
        assert_eq!(nearest("colour", ["port", "type"]), None);
        assert_eq!(nearest("", ["port"]), None);
    }

    /// The edit distance by its recursive definition.
    fn by_definition(a: &[char], b: &[char]) -> usize {
        let ([rest_a @ .., x], [rest_b @ .., y]) = (a, b) else { return a.len().max(b.len()) };
        let same = by_definition(rest_a, rest_b) + usize::from(x != y);
        let less = by_definition(rest_a, b).min(by_definition(a, rest_b)) + 1;
        match (rest_a, rest_b) {
            ([a @ .., v], [b @ .., w]) if (v, x) == (y, w) => same.min(less).min(by_definition(a, b) + 1),
            _ => same.min(less),
        }
    }

    /// Long, similar names are only compared up to the limit.
    #[test]
    fn the_cost_of_a_suggestion_is_bounded() {
        let middle = "a".repeat(100);
        let near: Vec<String> = (0..1000).map(|at| format!("y{at:03}{middle}{at:03}z")).collect();
        let far = |name: &str| near.iter().take_while(|other| *other != name).count();
        let names = || near.iter().map(String::as_str);
        let found = |name: &str| nearest(name, names());
        assert_eq!(found(&format!("x000{middle}000z")).map(far), Some(0));
        // An earlier candidate is found, which is less similar.
        assert_ne!(found(&format!("x999{middle}999z")).map(far), Some(999));
        // A single similar name is found at any position.
        let alone = format!("y999{middle}999z");
        let others: Vec<String> = (0..998).map(|at| format!("other-{at}")).collect();
        let all = others.iter().map(String::as_str).chain([alone.as_str()]);
        assert_eq!(nearest(&format!("x999{middle}999z"), all), Some(alone.as_str()));
    }

    #[test]
    fn distances_up_to_the_limit_are_exact() {
        let words =
            ["", "a", "ab", "ba", "abc", "acb", "bca", "abab", "port", "potr", "optr", "ortp", "spört", "ößört"];
        for a in words {
            for b in words {
                let (x, y): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
                let within = |limit| Letters::of(&x).distance(&y, limit, &mut { usize::MAX });
                let whole = within(usize::MAX);
                assert_eq!(whole, Some(by_definition(&x, &y)), "{a} {b}");
                for limit in 0..9 {
                    assert_eq!(within(limit), whole.filter(|found| *found <= limit), "{a} {b} {limit}");
                }
            }
        }
    }

    #[test]
    fn lists_and_counts() {
        assert_eq!(list(["a"], "or"), "`a`");
        assert_eq!(list(["a", "b", "c"], "or"), "`a`, `b` or `c`");
        let many = list((0..1000).map(|number| number.to_string()), "and");
        assert!(many.starts_with("`0`, `1`, ") && many.ends_with("`39` and 960 more"), "{many}");
        assert_eq!(count(1, "error"), "1 error");
        assert_eq!(count(2, "object"), "2 objects");
    }
}
