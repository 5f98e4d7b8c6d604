//! Grammar that messages share: near names, lists, plurals.

/// The candidate nearest to a name, if one is near enough to be meant.
///
/// Case, dashes and underscores count little: `nodeport` is near `nodePort`, `ssl_mode` near `sslMode`.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).clamp(1, 4);
    let (mut wanted, mut folded) = (Vec::new(), Vec::new());
    fold(name, &mut wanted);
    candidates
        .into_iter()
        .take(MOST_CANDIDATES)
        .filter(|candidate| *candidate != name)
        .filter_map(|candidate| {
            fold(candidate, &mut folded);
            let related =
                name.len() >= 4 && candidate.len() >= 4 && (candidate.starts_with(name) || name.starts_with(candidate));
            let rank = distance(&wanted, &folded, limit).or(related.then_some(limit))?;
            let (name, plain): (Vec<char>, Vec<char>) = (first(name).collect(), first(candidate).collect());
            Some((rank, distance(&name, &plain, usize::MAX), candidate))
        })
        .min()
        .map(|(_, _, candidate)| candidate)
}

/// How many candidates are looked at: a manifest may have ten thousand names, none of them right.
const MOST_CANDIDATES: usize = 1000;

/// How much of a name counts.
fn first(name: &str) -> impl Iterator<Item = char> {
    name.chars().take(128)
}

fn fold(name: &str, into: &mut Vec<char>) {
    into.clear();
    into.extend(first(name).filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase));
}

/// Edit distance, a swap of neighbours counting one; `None` where it is above the limit.
fn distance(a: &[char], b: &[char], limit: usize) -> Option<usize> {
    // Texts whose lengths differ by more are further apart than that.
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut row: Vec<usize> = Vec::with_capacity(b.len() + 1);
    for i in 1..=a.len() {
        row.clear();
        row.push(i);
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (last[j - 1] + same).min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        // What follows comes from these two rows, and only grows.
        if row.iter().chain(&last).all(|distance| *distance > limit) {
            return None;
        }
        std::mem::swap(&mut before, &mut last);
        std::mem::swap(&mut last, &mut row);
    }
    Some(last[b.len()]).filter(|distance| *distance <= limit)
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

    #[test]
    fn a_limit_only_leaves_out_what_is_above_it() {
        let words =
            ["", "a", "ab", "ba", "abc", "acb", "bca", "nodeport", "nodepotr", "endopot", "hostport", "portnode"];
        for a in words {
            for b in words {
                let (x, y): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
                let whole = distance(&x, &y, usize::MAX);
                for limit in 0..9 {
                    assert_eq!(distance(&x, &y, limit), whole.filter(|found| *found <= limit), "{a} {b} {limit}");
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
