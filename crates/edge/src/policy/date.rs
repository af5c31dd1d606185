//! HTTP dates (RFC 9110, section 5.6.7): the three forms, and nothing that only looks like one.
//!
//! Stricter than the usual parsers on purpose: two caches that read a sloppy date differently disagree on what is
//! fresh, and "invalid" always means "stale".

use http::HeaderValue;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Seconds since the Unix epoch. `now_s` decides the century of a two-digit year.
pub(crate) fn date(value: &HeaderValue, now_s: u64) -> Option<u64> {
    let text = value.to_str().ok()?.to_ascii_lowercase();
    match text.split_once(", ") {
        Some((day, rest)) if day.len() == 3 => imf(day, rest),
        Some((day, rest)) => rfc850(day, rest, now_s),
        None => asctime(&text),
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn imf(day: &str, rest: &str) -> Option<u64> {
    let parts: Vec<&str> = rest.split(' ').collect();
    let [date, month, year, time, "gmt"] = parts.as_slice() else { return None };
    is_short_day(day).then_some(())?;
    instant(digits(year, 4)?, month, digits(date, 2)?, time)
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`
fn rfc850(day: &str, rest: &str, now_s: u64) -> Option<u64> {
    DAYS.contains(&day).then_some(())?;
    let parts: Vec<&str> = rest.split(' ').collect();
    let [date, time, "gmt"] = parts.as_slice() else { return None };
    let parts: Vec<&str> = date.split('-').collect();
    let [date, month, year] = parts.as_slice() else { return None };
    let (date, short) = (digits(date, 2)?, digits(year, 2)?);
    let this_year = year_of(now_s);
    let guess = this_year - this_year % 100 + short;
    // What seems to be more than fifty years ahead is of the century before.
    let year = if guess > this_year + 50 { guess - 100 } else { guess };
    instant(year, month, date, time)
}

/// `Sun Nov  6 08:49:37 1994`: the one form that pads with a blank.
fn asctime(text: &str) -> Option<u64> {
    let (day, rest) = (text.get(..3)?, text.get(3..)?.strip_prefix(' ')?);
    let (month, rest) = (rest.get(..3)?, rest.get(3..)?.strip_prefix(' ')?);
    let (date, rest) = (rest.get(..2)?, rest.get(2..)?.strip_prefix(' ')?);
    let (time, year) = rest.split_once(' ')?;
    let date = date.strip_prefix(' ').map_or_else(|| digits(date, 2), |one| digits(one, 1))?;
    is_short_day(day).then_some(())?;
    instant(digits(year, 4)?, month, date, time)
}

fn is_short_day(day: &str) -> bool {
    DAYS.iter().any(|known| known[..3] == *day)
}

fn digits(text: &str, length: usize) -> Option<u64> {
    let plain = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn instant(year: u64, month: &str, date: u64, time: &str) -> Option<u64> {
    let month = MONTHS.iter().position(|known| *known == month)? as u64 + 1;
    let parts: Vec<&str> = time.split(':').collect();
    let [hour, minute, second] = parts.as_slice() else { return None };
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    let exists = (1..=days_in(year, month)).contains(&date) && hour < 24 && minute < 60 && second <= 60;
    let days = days_before(year, month, date)?;
    exists.then_some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
}

const fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from the Unix epoch; `None` before it.
fn days_before(year: u64, month: u64, date: u64) -> Option<u64> {
    let leaps = |year: u64| year / 4 - year / 100 + year / 400;
    let years = year.checked_sub(1970)?;
    let whole = years * 365 + leaps(year - 1) - leaps(1969);
    Some(whole + (1..month).map(|month| days_in(year, month)).sum::<u64>() + date - 1)
}

/// The Gregorian year of a second: good enough for choosing a century.
const fn year_of(now_s: u64) -> u64 {
    1970 + now_s / 31_556_952
}
