//! The names in the IANA time zone database, including links, as `time.LoadLocation` looks them up.

use std::cmp::Ordering;

/// The names of zones and links, sorted, one per line.
static NAMES: &str = include_str!("time_zones.txt");

/// Whether the database has a zone with this name. Names are case-sensitive.
#[must_use]
pub fn is_known(name: &str) -> bool {
    // A binary search over lines.
    let mut rest = NAMES;
    while !rest.is_empty() {
        let middle = rest.floor_char_boundary(rest.len() / 2);
        let start = rest[..middle].rfind('\n').map_or(0, |at| at + 1);
        let line = rest[start..].lines().next().unwrap_or_default();
        match line.cmp(name) {
            Ordering::Equal => return !name.is_empty(),
            Ordering::Less => rest = rest[start + line.len()..].trim_start_matches(['\r', '\n']),
            Ordering::Greater => rest = &rest[..start],
        }
    }
    false
}

/// All names.
pub fn all() -> impl Iterator<Item = &'static str> {
    NAMES.lines()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_and_links_are_known() {
        assert!(all().is_sorted());
        assert!(all().all(is_known));
        for name in
            ["UTC", "Etc/UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "US/Pacific", "Asia/Calcutta", "GMT0"]
        {
            assert!(is_known(name), "{name}");
        }
        for name in ["", "Local", "etc/utc", "Europe", "Europe/Bonn", "Etc/UTC ", "../UTC"] {
            assert!(!is_known(name), "{name}");
        }
    }
}
