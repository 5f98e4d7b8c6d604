//! The names of the IANA time zone database, links included, as `time.LoadLocation` finds them.

/// The names, sorted, one a line; from the database's own list of zones and links.
static NAMES: &str = include_str!("time_zones.txt");

/// Whether the database has a zone of this name. Case matters.
#[must_use]
pub fn is_known(name: &str) -> bool {
    NAMES.lines().any(|zone| zone == name)
}

/// All names.
pub fn all() -> impl Iterator<Item = &'static str> {
    NAMES.lines()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_zones_and_links() {
        assert!(all().is_sorted());
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
