//! Timestamps in the format of the API server, as seconds since 1970.

use crate::formats::calendar;

/// Parses a timestamp such as `2026-11-29T21:20:53Z`, with or without a fraction of seconds, as seconds since 1970.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let rest = text.strip_suffix('Z')?;
    let (date, clock) = rest.split_once('T')?;
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut clock = clock.split('.').next()?.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let plausible = (0..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let plausible = plausible && (0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second);
    plausible.then(|| calendar::days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Formats seconds since 1970 as a timestamp.
#[must_use]
pub fn format(seconds: i64) -> String {
    let (year, month, date) = calendar::date(seconds.div_euclid(86_400));
    let clock = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_parsed_and_formatted() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2026-11-29T21:20:53Z", 1_795_987_253),
            ("1969-12-31T23:59:59Z", -1),
        ] {
            assert_eq!(parse(text), Some(seconds), "{text}");
            assert_eq!(format(seconds), text);
        }
        assert_eq!(parse("2026-11-29T21:20:53.571895Z"), Some(1_795_987_253));
        for bad in ["", "Z", "2026-11-29", "2026-11-29T21:20:53", "2026-13-01T00:00:00Z", "2026-11-29T21:20Z", "aTbZ"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        for day in 0..200_000 {
            assert_eq!(parse(&format(day * 86_400 + 12_345)), Some(day * 86_400 + 12_345));
        }
    }
}
