//! Cron schedules of five fields, as `ParseStandard` of `github.com/robfig/cron/v3` parses them.

use std::collections::BTreeSet;

use super::go;

/// A field of a schedule: its name, its range, and the names of its numbers.
struct Field {
    name: &'static str,
    min: u32,
    max: u32,
    names: &'static [&'static str],
}

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const FIELDS: [Field; 5] = [
    Field { name: "minute", min: 0, max: 59, names: &[] },
    Field { name: "hour", min: 0, max: 23, names: &[] },
    Field { name: "day of the month", min: 1, max: 31, names: &[] },
    Field { name: "month", min: 1, max: 12, names: MONTHS },
    Field { name: "day of the week", min: 0, max: 6, names: DAYS },
];

const DESCRIPTORS: &[&str] = &["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/// Checks a schedule.
///
/// # Errors
/// What is wrong with it, as a phrase that follows the schedule: `must …` or `has …`.
pub fn check(schedule: &str) -> Result<(), String> {
    if schedule.is_empty() {
        return Err("must not be empty".to_owned());
    }
    if schedule.starts_with('@') {
        return check_descriptor(schedule);
    }
    let mut parts = schedule.split_whitespace();
    for field in &FIELDS {
        let part = parts.next().ok_or_else(|| wrong_field_count(schedule))?;
        for range in part.split(',').filter(|range| !range.is_empty()) {
            field.range(range)?;
        }
    }
    if parts.next().is_some() { Err(wrong_field_count(schedule)) } else { Ok(()) }
}

fn wrong_field_count(schedule: &str) -> String {
    format!("must have five fields (minute, hour, day, month, weekday), not {}", schedule.split_whitespace().count())
}

fn check_descriptor(schedule: &str) -> Result<(), String> {
    if let Some(duration) = schedule.strip_prefix("@every ") {
        return if go::duration(duration).is_some() {
            Ok(())
        } else {
            Err("must have a duration after `@every`, such as `@every 1h30m`".to_owned())
        };
    }
    if DESCRIPTORS.contains(&schedule) {
        return Ok(());
    }
    Err(format!("must be one of {}, `@every <duration>` or five fields", crate::suggest::list(DESCRIPTORS, ",")))
}

/// The most days each month can have.
const MONTH_LENGTHS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// Whether a valid schedule matches no date, such as February 30. A schedule with both a day of the month and a day of the
/// week matches dates with either.
#[must_use]
pub fn never_matches(schedule: &str) -> bool {
    let parts: Vec<&str> = schedule.split_whitespace().collect();
    let [_, _, day, month, weekday] = parts.as_slice() else { return false };
    // With a step, such as `*/2`, a star no longer matches every day.
    let is_any = |part: &str| part.split(',').any(|range| matches!(range, "*" | "?"));
    let (Some(days), Some(months)) = (FIELDS[2].numbers(day), FIELDS[3].numbers(month)) else { return false };
    let last = months.iter().map(|month| MONTH_LENGTHS[*month as usize - 1]).max();
    check(schedule).is_ok() && is_any(weekday) && days.first() > last.as_ref() && last.is_some()
}

impl Field {
    /// The numbers that the field matches, sorted; `None` if it is invalid.
    fn numbers(&self, part: &str) -> Option<BTreeSet<u32>> {
        let mut numbers = BTreeSet::new();
        for range in part.split(',').filter(|range| !range.is_empty()) {
            let (start, end, step) = self.range(range).ok()?;
            numbers.extend((start..=end).step_by(step as usize));
        }
        Some(numbers)
    }

    /// Parses `*`, `a` or `a-b`, each with an optional `/step`. Returns the first number, the last and the step.
    fn range(&self, text: &str) -> Result<(u32, u32, u32), String> {
        let fault = |what: &str| Err(format!("has {what} in its {} field `{text}`", self.name));
        let (span, step) = match text.split_once('/') {
            Some((_, step)) if step.contains('/') => return fault("more than one `/`"),
            Some((span, step)) => (span, Some(step)),
            None => (text, None),
        };
        let mut ends = span.split('-');
        let first = ends.next().unwrap_or_default();
        let (start, mut end) = if matches!(first, "*" | "?") {
            (self.min, self.max)
        } else {
            let Some(start) = self.number(first) else { return fault("a value that is not a number") };
            match (ends.next(), ends.next()) {
                (None, _) => (start, start),
                (Some(last), None) => match self.number(last) {
                    Some(end) => (start, end),
                    None => return fault("a value that is not a number"),
                },
                (Some(_), Some(_)) => return fault("more than one `-`"),
            }
        };
        let mut every = 1;
        if let Some(step) = step {
            match number(step) {
                None => return fault("a step that is not a number"),
                Some(0) => return fault("a step of 0"),
                Some(step) => every = step,
            }
            if !span.contains('-') {
                end = self.max;
            }
        }
        if start < self.min || end > self.max {
            return Err(format!("must have a {} between {} and {}, not `{text}`", self.name, self.min, self.max));
        }
        if start > end { fault("a range that ends before it begins") } else { Ok((start, end, every)) }
    }

    fn number(&self, text: &str) -> Option<u32> {
        let position = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        match position {
            Some(at) => u32::try_from(at).ok().map(|at| at + self.min),
            None => number(text),
        }
    }
}

/// A non-negative number, as Go's `strconv.Atoi` parses it.
fn number(text: &str) -> Option<u32> {
    let value: i64 = text.parse().ok()?;
    u32::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_valid_or_invalid() {
        for valid in [
            "0 3 1 * *",
            "* * * * *",
            "*/5 0-23/2 1,15 JAN-dec sun",
            "? ? ? ? ?",
            "@daily",
            "@every 1h30m",
            "@every 2562047h",
            " 0  0 1 1 0 ",
            "5/15 * * * *",
            ", * * * *",
            "+1 * * * *",
            "*-5 * * * *",
        ] {
            assert_eq!(check(valid), Ok(()), "{valid}");
        }
        for invalid in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * 32 * *",
            "* * * 13 *",
            "* * * * 7",
            "*/0 * * * *",
            "5-1 * * * *",
            "1-2-3 * * * *",
            "1/2/3 * * * *",
            "x * * * *",
            "-1 * * * *",
            "@noon",
            "@every x",
            "@every 99999999999h",
            "0 3 1 * *x",
            "@every",
            "mon * * * *",
        ] {
            assert!(check(invalid).is_err(), "{invalid}");
        }
    }

    #[test]
    fn a_schedule_of_impossible_dates_never_matches() {
        for never in ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 30-31 feb *", "0 0 31 4/7 *", "0 0 30/1 2 ?"] {
            assert!(never_matches(never), "{never}");
        }
        for sometimes in [
            "0 0 29 2 *",
            "0 0 31 2 1",
            "0 0 31 2 */2",
            "0 0 28-31 2 *",
            "0 0 31 2,3 *",
            "0 0 31 */2 *",
            "0 0 * 2 *",
            "0 0 , 2 *",
            "@daily",
            "0 0 32 2 *",
            "0 0 31 2",
            "61 0 31 2 *",
        ] {
            assert!(!never_matches(sometimes), "{sometimes}");
        }
    }
}
