//! Grammar that messages share: near names, lists, plurals.

/// The candidate nearest to a name, if one is near enough to be meant.
///
/// Case, dashes and underscores count little: `nodeport` is near `nodePort`, `ssl_mode` near `sslMode`.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).clamp(1, 4);
    let mut letters = Vec::new();
    fold(name, &mut letters);
    let wanted = Letters::of(&letters);
    letters.clear();
    letters.extend(first(name));
    let plain = Letters::of(&letters);
    let mut left = MOST_COMPARED;
    let mut best: Option<(usize, usize, &str)> = None;
    for candidate in candidates.into_iter().take(MOST_CANDIDATES).filter(|candidate| *candidate != name) {
        fold(candidate, &mut letters);
        let related =
            name.len() >= 4 && candidate.len() >= 4 && (candidate.starts_with(name) || name.starts_with(candidate));
        left = left.saturating_sub(letters.len());
        let rank = wanted.distance(&letters, limit, &mut left).or(related.then_some(limit));
        // Of equally near ones that which is nearer as it is written; how far off any other is does not matter.
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

/// The name that a help or label of the form "did you mean `name`?" suggests.
#[must_use]
pub fn suggested(text: &str) -> Option<&str> {
    text.strip_prefix("did you mean `")?.strip_suffix("`?").filter(|name| !name.contains('`'))
}

/// How many candidates are looked at: a manifest may have ten thousand names, none of them right.
const MOST_CANDIDATES: usize = 1000;

/// How many letters are compared for one suggestion: long names that differ little cost many times what others do.
const MOST_COMPARED: usize = 10_000;

/// How many letters of a name count.
const MOST_LETTERS: usize = u128::BITS as usize;

fn first(name: &str) -> impl Iterator<Item = char> {
    name.chars().take(MOST_LETTERS)
}

fn fold(name: &str, into: &mut Vec<char>) {
    into.clear();
    if name.is_ascii() {
        // Most are, and every candidate is folded for every name that there is not.
        let counts = name.bytes().take(MOST_LETTERS).filter(|byte| !matches!(byte, b'-' | b'_'));
        into.extend(counts.map(|byte| char::from(byte.to_ascii_lowercase())));
    } else {
        let letters = first(name).filter(|c| !matches!(c, '-' | '_'));
        into.extend(letters.flat_map(char::to_lowercase).take(MOST_LETTERS));
    }
}

/// A name to be compared with others: for each letter the places it stands at, as bits.
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
                Some(places) => *places |= 1 << at,
                None => letters.others.push((*c, 1 << at)),
            }
        }
        letters
    }

    fn places(&self, c: char) -> u128 {
        let others = || self.others.iter().filter(|(other, _)| *other == c).fold(0, |all, (_, place)| all | place);
        self.ascii.get(c as usize).copied().unwrap_or_else(others)
    }

    /// Edit distance, a swap of neighbours counting one; `None` where it is above the limit, or no more letters are
    /// `left` to compare.
    ///
    /// A column of the table of distances at a time, its differences as bits: H. Hyyrö, "Bit-parallel approximate string
    /// matching algorithms with transposition", 2003.
    fn distance(&self, other: &[char], limit: usize, left: &mut usize) -> Option<usize> {
        // Texts whose lengths differ by more are further apart than that.
        if self.count.abs_diff(other.len()) > limit {
            return None;
        }
        let Some(last) = self.count.checked_sub(1) else { return Some(other.len()) };
        let (mut more, mut less) = (u128::MAX, 0);
        let (mut diagonal, mut before) = (0, 0);
        let mut distance = self.count;
        for (at, c) in other.iter().enumerate() {
            *left = left.saturating_sub(1);
            // Each letter to come makes it less by one at most.
            if *left == 0 || distance.saturating_sub(other.len() - at) > limit {
                return None;
            }
            let places = self.places(*c);
            let swapped = ((!diagonal & places) << 1) & before;
            diagonal = ((places & more).wrapping_add(more) ^ more) | places | less | swapped;
            let (up, down) = (less | !(diagonal | more), diagonal & more);
            distance = distance + (up >> last & 1) as usize - (down >> last & 1) as usize;
            let (up, down) = (up << 1 | 1, down << 1);
            (more, less) = (down | !(diagonal | up), up & diagonal);
            before = places;
        }
        Some(distance).filter(|distance| *distance <= limit)
    }
}

/// `1 error`, `2 errors`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// How many names a message lists.
const MOST_LISTED: usize = 40;

/// Names in backticks: `` `a`, `b` or `c` ``; of very many, the first and how many more there are.
#[must_use]
pub fn list(names: impl IntoIterator<Item = impl AsRef<str>>, joint: &str) -> String {
    let mut rest = names.into_iter();
    let mut names: Vec<String> = rest.by_ref().take(MOST_LISTED).map(|name| format!("`{}`", name.as_ref())).collect();
    let more = rest.count();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {joint} {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        assert_eq!(nearest("nodeport", ["hostPort", "nodePort", "type"]), Some("nodePort"));
        assert_eq!(nearest("postgres", ["postgresql", "redis"]), Some("postgresql"));
        assert_eq!(nearest("ssl_mode", ["sslMode", "host"]), Some("sslMode"));
        assert_eq!(nearest("gatewya", ["gateway"]), Some("gateway"));
        assert_eq!(nearest("colour", ["port", "type"]), None);
        assert_eq!(nearest("", ["port"]), None);
    }

    /// The edit distance by its definition, from the ends on.
    fn by_definition(a: &[char], b: &[char]) -> usize {
        let ([rest_a @ .., x], [rest_b @ .., y]) = (a, b) else { return a.len().max(b.len()) };
        let same = by_definition(rest_a, rest_b) + usize::from(x != y);
        let less = by_definition(rest_a, b).min(by_definition(a, rest_b)) + 1;
        match (rest_a, rest_b) {
            ([a @ .., v], [b @ .., w]) if (v, x) == (y, w) => same.min(less).min(by_definition(a, b) + 1),
            _ => same.min(less),
        }
    }

    /// Long names that differ little are compared as long as that is cheap, and then no more.
    #[test]
    fn a_suggestion_costs_little_whatever_the_names_are() {
        let middle = "a".repeat(100);
        let near: Vec<String> = (0..1000).map(|at| format!("y{at:03}{middle}{at:03}z")).collect();
        let far = |name: &str| near.iter().take_while(|other| *other != name).count();
        let names = || near.iter().map(String::as_str);
        let found = |name: &str| nearest(name, names());
        assert_eq!(found(&format!("x000{middle}000z")).map(far), Some(0));
        // Some before it are near as well, but not as near.
        assert_ne!(found(&format!("x999{middle}999z")).map(far), Some(999));
        // One alone is found wherever it stands.
        let alone = format!("y999{middle}999z");
        let others: Vec<String> = (0..998).map(|at| format!("other-{at}")).collect();
        let all = others.iter().map(String::as_str).chain([alone.as_str()]);
        assert_eq!(nearest(&format!("x999{middle}999z"), all), Some(alone.as_str()));
    }

    #[test]
    fn a_limit_only_leaves_out_what_is_above_it() {
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
    fn lists_read_as_prose() {
        assert_eq!(list(["a"], "or"), "`a`");
        assert_eq!(list(["a", "b", "c"], "or"), "`a`, `b` or `c`");
        let many = list((0..1000).map(|number| number.to_string()), "and");
        assert!(many.starts_with("`0`, `1`, ") && many.ends_with("`39` and 960 more"), "{many}");
        assert_eq!(count(1, "error"), "1 error");
        assert_eq!(count(2, "object"), "2 objects");
    }
}
