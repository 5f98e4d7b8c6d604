//! Schedules of five fields, as `github.com/robfig/cron/v3` reads them with `ParseStandard`.

use std::collections::BTreeSet;

use super::go;

/// One field of a schedule: its name, its range, and the words that stand for numbers.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    words: &'static [&'static str],
}

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, words: &[] },
    Field { name: "hour", least: 0, most: 23, words: &[] },
    Field { name: "day of the month", least: 1, most: 31, words: &[] },
    Field { name: "month", least: 1, most: 12, words: MONTHS },
    Field { name: "day of the week", least: 0, most: 6, words: DAYS },
];

const DESCRIPTORS: &[&str] = &["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/// Reads a schedule.
///
/// # Errors
/// What is wrong with it, as a phrase that follows the schedule.
pub fn check(schedule: &str) -> Result<(), String> {
    if schedule.is_empty() {
        return Err("must not be empty".to_owned());
    }
    if schedule.starts_with('@') {
        return descriptor(schedule);
    }
    let mut parts = schedule.split_whitespace();
    for field in &FIELDS {
        let part = parts.next().ok_or_else(|| count(schedule))?;
        for range in part.split(',').filter(|range| !range.is_empty()) {
            field.range(range)?;
        }
    }
    if parts.next().is_some() { Err(count(schedule)) } else { Ok(()) }
}

fn count(schedule: &str) -> String {
    format!("must have five fields (minute, hour, day, month, weekday), not {}", schedule.split_whitespace().count())
}

fn descriptor(schedule: &str) -> Result<(), String> {
    if let Some(duration) = schedule.strip_prefix("@every ") {
        return if go::duration(duration).is_some() {
            Ok(())
        } else {
            Err("must name a duration such as `@every 1h30m`".to_owned())
        };
    }
    if DESCRIPTORS.contains(&schedule) {
        return Ok(());
    }
    Err(format!("must be one of {}, `@every <duration>` or five fields", crate::suggest::list(DESCRIPTORS, ",")))
}

/// How many days each month may have.
const LENGTHS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// Whether a valid schedule names only dates that no year has, such as the 30th of February. Where both a day of the month
/// and one of the week are given, either suffices.
#[must_use]
pub fn never_matches(schedule: &str) -> bool {
    let parts: Vec<&str> = schedule.split_whitespace().collect();
    let [_, _, day, month, weekday] = parts.as_slice() else { return false };
    // A step beside the star makes it one of several days.
    let is_any = |part: &str| part.split(',').any(|range| matches!(range, "*" | "?"));
    let (Some(days), Some(months)) = (FIELDS[2].numbers(day), FIELDS[3].numbers(month)) else { return false };
    let last = months.iter().map(|month| LENGTHS[*month as usize - 1]).max();
    check(schedule).is_ok() && is_any(weekday) && days.first() > last.as_ref() && last.is_some()
}

impl Field {
    /// The numbers that a part of a schedule stands for, sorted.
    fn numbers(&self, part: &str) -> Option<BTreeSet<u32>> {
        let mut numbers = BTreeSet::new();
        for range in part.split(',').filter(|range| !range.is_empty()) {
            let (start, end, step) = self.range(range).ok()?;
            numbers.extend((start..=end).step_by(step as usize));
        }
        Some(numbers)
    }

    /// Reads `*`, `a`, `a-b`, each with an optional `/step`: the first number, the last and the step.
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
            (self.least, self.most)
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
                end = self.most;
            }
        }
        if start < self.least || end > self.most {
            return Err(format!("must have a {} between {} and {}, not `{text}`", self.name, self.least, self.most));
        }
        if start > end { fault("a range that ends before it begins") } else { Ok((start, end, every)) }
    }

    fn number(&self, text: &str) -> Option<u32> {
        let word = self.words.iter().position(|word| word.eq_ignore_ascii_case(text));
        match word {
            Some(at) => u32::try_from(at).ok().map(|at| at + self.least),
            None => number(text),
        }
    }
}

/// A number as Go's `Atoi` reads it, not negative.
fn number(text: &str) -> Option<u32> {
    let value: i64 = text.parse().ok()?;
    u32::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules() {
        for good in [
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
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
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
            assert!(check(bad).is_err(), "{bad}");
        }
    }
    #[test]
    fn dates_that_no_year_has() {
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
