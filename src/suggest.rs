//! Grammar that messages share: near names, lists, plurals.

/// The candidate nearest to a name, if one is near enough to be meant.
///
/// Case, dashes and underscores count little: `nodeport` is near `nodePort`, `ssl_mode` near `sslMode`.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).clamp(1, 4);
    let folded_name = fold(name);
    let length = folded_name.chars().count();
    candidates
        .into_iter()
        .filter(|candidate| *candidate != name)
        .filter_map(|candidate| {
            let folded = fold(candidate);
            // Texts whose lengths differ by more are further apart than that.
            let near = folded.chars().count().abs_diff(length) <= limit;
            let folded = if near { distance(&folded_name, &folded) } else { usize::MAX };
            let related =
                name.len() >= 4 && candidate.len() >= 4 && (candidate.starts_with(name) || name.starts_with(candidate));
            let rank = if folded <= limit {
                folded
            } else if related {
                limit
            } else {
                return None;
            };
            Some((rank, distance(name, candidate), candidate))
        })
        .min()
        .map(|(_, _, candidate)| candidate)
}

fn fold(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// Edit distance, a swap of neighbours counting one.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(128).collect(), b.chars().take(128).collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (last[j - 1] + same).min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// `1 error`, `2 errors`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Names in backticks: `` `a`, `b` or `c` ``.
#[must_use]
pub fn list(names: impl IntoIterator<Item = impl AsRef<str>>, joint: &str) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{}`", name.as_ref())).collect();
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
    fn lists_read_as_prose() {
        assert_eq!(list(["a"], "or"), "`a`");
        assert_eq!(list(["a", "b", "c"], "or"), "`a`, `b` or `c`");
        assert_eq!(count(1, "error"), "1 error");
        assert_eq!(count(2, "object"), "2 objects");
    }
}
