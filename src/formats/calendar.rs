//! Dates of the Gregorian calendar as numbers of days. Years begin in March here, so that the leap day is the last day.

/// Days from March 1 of the year 0 to 1970-01-01.
const TO_1970: i64 = 719_468;

/// Days in 400 years.
const ERA: i64 = 146_097;

/// Days from 1970-01-01 to a date.
#[must_use]
pub const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year.div_euclid(400) * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - TO_1970
}

/// Year, month and day of the date `days` days after 1970-01-01.
#[must_use]
pub const fn date(days: i64) -> (i64, i64, i64) {
    let days = days + TO_1970;
    let of_era = days.rem_euclid(ERA);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + days.div_euclid(ERA) * 400 + if month <= 2 { 1 } else { 0 }, month, day)
}
