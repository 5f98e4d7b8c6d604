//! Timestamps and durations in Go's formats.

use std::fmt::Write as _;

use crate::formats::calendar;

const NANOS: i128 = 1_000_000_000;
const DAY: i64 = 86_400;

/// A point in time, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(pub(super) i128);

/// Whether a string is a duration of CEL.
pub(super) fn is_duration(text: &str) -> bool {
    duration(text).is_some()
}

/// Whether a string is a timestamp of CEL: RFC 3339.
pub(super) fn is_timestamp(text: &str) -> bool {
    crate::formats::go::is_time(text)
}

pub(super) use crate::formats::go::duration;

/// Formats a duration as `string` does: in seconds.
pub(super) fn write_duration(nanos: i64) -> String {
    let (sign, nanos) = (if nanos < 0 { "-" } else { "" }, nanos.unsigned_abs());
    let (seconds, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    if rest == 0 {
        return format!("{sign}{seconds}s");
    }
    format!("{sign}{seconds}.{}s", format!("{rest:09}").trim_end_matches('0'))
}

/// Parses a timestamp.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    if !is_timestamp(text) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let clock = &text[11..];
    let (hour, rest) = clock.split_once(':')?;
    let (minute, second) = (rest.get(..2)?.parse::<i64>().ok()?, rest.get(3..5)?.parse::<i64>().ok()?);
    let mut rest = &rest[5..];
    let mut nanos = 0;
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        nanos = format!("{:0<9}", &fraction[..digits.min(9)]).parse::<i128>().ok()?;
        rest = &fraction[digits..];
    }
    let offset = match rest.strip_prefix(['+', '-']) {
        Some(offset) => {
            let seconds = offset.get(..2)?.parse::<i64>().ok()? * 3600 + offset.get(3..5)?.parse::<i64>().ok()? * 60;
            if rest.starts_with('-') { -seconds } else { seconds }
        }
        None => 0,
    };
    let seconds =
        calendar::days(year, month, day) * DAY + hour.parse::<i64>().ok()? * 3600 + minute * 60 + second - offset;
    Some(Timestamp(i128::from(seconds) * NANOS + nanos))
}

/// The components of a timestamp at an offset in seconds from UTC.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    pub(super) year: i64,
    /// From 1.
    pub(super) month: i64,
    /// From 1.
    pub(super) day: i64,
    /// From 0, which is Sunday.
    pub(super) weekday: i64,
    /// From 0.
    pub(super) day_of_year: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) nanos: i64,
}

impl Timestamp {
    pub(super) fn parts(self, offset: i64) -> Parts {
        let nanos = self.0.rem_euclid(NANOS) as i64;
        let seconds = self.0.div_euclid(NANOS) as i64 + offset;
        let (day_number, of_day) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let (year, month, day) = calendar::date(day_number);
        Parts {
            year,
            month,
            day,
            weekday: (day_number + 4).rem_euclid(7),
            day_of_year: day_number - calendar::days(year, 1, 1),
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
            nanos,
        }
    }

    /// Formats it as RFC 3339 in UTC.
    pub(super) fn write(self) -> String {
        let parts = self.parts(0);
        let mut text = format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            parts.year, parts.month, parts.day, parts.hour, parts.minute, parts.second
        );
        if parts.nanos != 0 {
            let _ = write!(text, ".{}", format!("{:09}", parts.nanos).trim_end_matches('0'));
        }
        text + "Z"
    }
}

/// The offset of a time zone in seconds. `None` for a named zone, as there is no time zone database.
pub(super) fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "UTC" | "Z" | "") {
        return Some(0);
    }
    let (hours, minutes) = zone.strip_prefix(['+', '-']).unwrap_or(zone).split_once(':')?;
    let seconds = hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60;
    Some(if zone.starts_with('-') { -seconds } else { seconds })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn times_are_read_and_written() {
        for text in ["1970-01-01T00:00:00Z", "2024-02-29T23:59:59.5Z", "0001-01-01T00:00:00Z", "2026-12-31T12:34:56Z"] {
            assert_eq!(timestamp(text).unwrap().write(), text);
        }
        assert_eq!(timestamp("2026-01-01T01:00:00+01:00").unwrap().write(), "2026-01-01T00:00:00Z");
        assert_eq!(timestamp("2026-11-29T00:00:00Z").unwrap().0, 1_795_910_400 * NANOS);
        let parts = timestamp("2026-11-29T10:20:30.007Z").unwrap().parts(3600);
        assert_eq!((parts.weekday, parts.day_of_year, parts.hour, parts.nanos), (0, 332, 11, 7_000_000));
    }

    #[test]
    fn durations_are_read_and_written() {
        for (text, written) in
            [("1h30m", "5400s"), ("-1.5s", "-1.5s"), ("0", "0s"), ("1us", "0.000001s"), (".5ms", "0.0005s")]
        {
            assert_eq!(write_duration(duration(text).unwrap()), written, "{text}");
        }
        assert_eq!(duration("1d"), None);
        assert_eq!(offset("-02:30"), Some(-9000));
    }
}
